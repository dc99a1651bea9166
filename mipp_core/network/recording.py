"""From a network as somebody wrote it to a graph that computes the same and that pruning can follow.

``recorded`` runs the network on two numbers of images, and on larger ones.  What differs between the graphs must be
these sizes, which then stay free; anything else is refused, except that the images' size may be fixed.  The graph is
brought into a plain form (``plain``), and compared with the network itself before anybody relies on it.
"""

from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.errors import ModelError
from mipp_core.evaluation import evaluating, left_alone
from mipp_core.network.guessing import guessed_images
from mipp_core.network.merging import BATCHES, merge
from mipp_core.network.outputs import ROUNDING, largest_difference
from mipp_core.network.plain import FOLDED, made_plain
from mipp_core.network.recorded_calls import is_leaf
from mipp_core.network.recorder import Recorder
from mipp_core.network.unwrapping import unwrapped

RECORDED = "recorded"
"""Key in a graph module's ``meta``: its graph was recorded, with shapes, and is in the plain form.

Its value is the number of the network's parameters, those that only training uses included.
"""


def is_recorded(model: nn.Module) -> bool:
    """Tell whether a network came from ``recorded``, or is a copy of one that did."""
    return isinstance(model, fx.GraphModule) and RECORDED in model.meta


def followed(model: nn.Module, images: Float[Tensor, "n ..."] | None = None) -> fx.GraphModule:
    """Return a network that was recorded as it is, and another recorded: on the images, or such as it can read.

    Without images, those of the first usual size that it accepts are taken.

    Raises:
        ModelError: see ``recorded``.
    """
    if is_recorded(model):
        return model  # type: ignore[return-value]
    known, parts = _FOLLOWED.get(model), _parts(model)
    if known is not None and known[0] == parts:
        return known[1]
    network = recorded(model, guessed_images(model) if images is None else images)
    if not network.meta[FOLDED]:  # otherwise some of its weights are copies, which training would leave behind
        _FOLLOWED[model] = (parts, network)
    return network


_FOLLOWED: WeakKeyDictionary[nn.Module, tuple[tuple[int, ...], fx.GraphModule]] = WeakKeyDictionary()
"""Networks that are still in use, what they consisted of when they were recorded, and their recordings."""


def _parts(model: nn.Module) -> tuple[int, ...]:
    """Return the identities of a network's modules, parameters and buffers, and their number types and devices."""
    tensors = [*model.parameters(), *model.buffers()]
    return (*map(id, model.modules()), *(hash((id(each), each.dtype, each.device, each.shape)) for each in tensors))


def written(model: nn.Module, images: Float[Tensor, "n ..."]) -> fx.GraphModule:
    """Return a network that ``torch.fx`` wrote, such as a cut one, as it is, and any other recorded."""
    return model if isinstance(model, fx.GraphModule) else recorded(model, images)


@torch.no_grad()
def recorded(model: nn.Module, images: Float[Tensor, "n ..."]) -> fx.GraphModule:
    """Return a network that computes the same in evaluation mode and whose graph can be followed.

    It shares the weights of the one given, and has its training flag.  The number of images stays free, and so does
    their size if the network can read larger ones and does the same with them.  Parametrised weights (as by
    ``weight_norm``) are folded in; layers that only run in training are left out.

    Args:
        model: any network with one tensor of images as its input; a network that was recorded is returned as it is.
        images: at least one, on the network's device.

    Raises:
        ModelError: names what cannot be followed, or is random, or depends on the images or their number.
    """
    if is_recorded(model):
        return model  # type: ignore[return-value]
    plain = unwrapped(model)
    plain = nn.Sequential(plain) if is_leaf(plain) else plain
    with evaluating(plain), left_alone(plain):
        one = _run_freely(plain, images)
        network = made_plain(plain, one.graph, one.constants)
        network.eval()
        if images.device.type != "meta":
            check_same(plain, network, images)
    network.meta[RECORDED] = sum(parameter.numel() for parameter in plain.parameters())
    for module in {*network.modules()} - {*plain.modules()}:
        module.training = model.training
    return network


@torch.no_grad()
def check_same(model: nn.Module, network: nn.Module, images: Float[Tensor, "n ..."]) -> None:
    """Refuse a recording that does not compute what the network computes, on one and on several images.

    Of a single image, only the numbers have to be the same: ``squeeze()`` drops the dimension of the images there.

    Raises:
        ModelError: the network's answers are random, or the recording's are others.
    """
    limit = ROUNDING.get(images.dtype, 1e-6)
    for count in (1, 5):
        shown = _as_many(images.flip(0), count)
        with torch.random.fork_rng(devices=[]):
            answer, again = model(shown.clone()), model(shown.clone())
        if not largest_difference(again, answer) <= limit:
            raise ModelError(
                "This network's answers are random: the same images gave two answers in evaluation mode, as by "
                "F.dropout(x) without training=self.training; make it deterministic before pruning."
            )
        found = largest_difference(network(shown.clone()), answer, flat=count == 1)
        if not found <= limit:
            raise ModelError(
                f"This network cannot be followed: what was recorded of it differs from its own answers by {found:.1e} "
                f"of the largest on {count} other images, which is more than rounding ({limit:.0e}); its forward pass "
                "must do the same for all images and any number of them."
            )


def _as_many(images: Tensor, count: int) -> Tensor:
    """Return a number of images, some of them twice if there are too few."""
    return images[torch.arange(count, device=images.device) % len(images)].clone()


def _run_freely(model: nn.Module, images: Tensor) -> Recorder:
    """Record the network with its number of images free, and their size as well where it can be."""
    larger = _larger(_as_many(images, BATCHES[0]))
    if larger is not None:
        try:
            one, other = (_run(model, _as_many(images, count)) for count in BATCHES)
            merge(one, other, _run(model, larger))
            return one
        except ModelError:  # it reads images of one size only, or does something else with larger ones
            pass
    one, other = (_run(model, _as_many(images, count)) for count in BATCHES)
    merge(one, other)
    return one


def _larger(images: Tensor) -> Tensor | None:
    """Return images of another size, each side by another multiple of 32; None where they have no sides."""
    if images.ndim < 3:
        return None
    margins = [32 * (at + 1) for at in range(images.ndim - 2)]
    tiled = images.repeat(1, 1, *[2 + margin // size for margin, size in zip(margins, images.shape[2:], strict=True)])
    for dim, margin in enumerate(margins, start=2):
        tiled = tiled.narrow(dim, 0, images.shape[dim] + margin)
    return tiled.contiguous()


def _run(model: nn.Module, images: Tensor) -> Recorder:
    recorder = Recorder(model)
    try:
        recorder.run(images)
    except ModelError:
        raise
    except Exception as problem:  # whatever somebody's forward method raises
        words = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        shape = "×".join(map(str, images.shape))
        raise ModelError(
            f"This network cannot be run on {shape} images ({words}); give images of the size it was made for."
        ) from problem
    return recorder
