"""Runs a network's graph over many images, one node at a time, keeping only what later nodes still read.

So two networks can be run side by side, and a network can be changed ahead of the node that runs next.
"""

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.evaluation import at_once, evaluating

_AT_ONCE = 500  # images: enough for an accelerator to be busy

_NUMBERS = 160_000_000
"""Images times the size of the largest tensor: about six of that size are held at once, 4 GB in float32."""


class Walk:
    """A run of a network that can stop at any node of its graph.

    Args:
        model: in evaluation mode until the walk is over.
        graph: the network's graph.
        images: on the network's device.
        batch_size: images at once, by default see ``evaluation.at_once``; it does not change the result.
    """

    def __init__(
        self, model: nn.Module, graph: fx.Graph, images: Float[Tensor, "n c h w"], batch_size: int | None = None
    ) -> None:
        size = batch_size or at_once(images.shape[1:], images.device, _AT_ONCE)
        self._nodes = list(graph.nodes)
        self._place = {node: place for place, node in enumerate(self._nodes)}
        self._walkers = [_Walker(model, graph, batch) for batch in images.split(size)]
        self._done = 0

    def read_by(self, node: fx.Node) -> list[Tensor]:
        """Run every node before the given one, and return its first input, batch by batch."""
        self._go_on_to(self._place[node])
        return [walker.env[node.all_input_nodes[0]] for walker in self._walkers]

    def made_by(self, node: fx.Node) -> list[Tensor]:
        """Run every node up to and including the given one, and return its result, batch by batch."""
        self._go_on_to(self._place[node] + 1)
        return [walker.env[node] for walker in self._walkers]

    def _go_on_to(self, end: int) -> None:
        for node in self._nodes[self._done : end]:
            for walker in self._walkers:
                walker.step(node)
        self._done = max(self._done, end)


class _Walker(fx.Interpreter):
    """Runs one batch."""

    def __init__(self, model: nn.Module, graph: fx.Graph, batch: Tensor) -> None:
        super().__init__(model, graph=graph)
        self.args_iter = iter((batch,))

    def step(self, node: fx.Node) -> None:
        """Run one node, then free what no later node reads."""
        self.env[node] = self.run_node(node)
        for past in self.user_to_last_uses.get(node, []):
            del self.env[past]


@torch.no_grad()
def held_at_once(model: nn.Module, graph: fx.Graph, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "k c h w"]:
    """Return the first images, as many as a walk can take with a few GB of memory.

    How many depends only on the network and the size of the images, never on the machine, so that results can be
    reproduced elsewhere.
    """
    with evaluating(model):
        walker, largest = _Walker(model, graph, images[:1]), 1
        for node in graph.nodes:
            walker.step(node)
            made = walker.env[node]
            largest = max(largest, made.numel() if isinstance(made, Tensor) else 1)
    return images[: max(1, _NUMBERS // largest)]
