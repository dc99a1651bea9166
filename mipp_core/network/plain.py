"""The plain form of a recorded graph: few kinds of nodes, so that few rules follow all of them.

Weights that are computed are folded in; convolutions and linear layers that are called as functions, or whose weights
are parametrised, become ordinary ones; parts of tensors are taken by ``narrow``; reshapings state their sizes.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, fx, nn

from mipp_core.network.assembling import assembled, free_name, held
from mipp_core.network.channels import Channels
from mipp_core.network.following import follow
from mipp_core.network.operations import result_of
from mipp_core.network.plain_layers import as_layer, is_parametrised, plain_layer
from mipp_core.network.plain_shapes import state_shapes, state_unflattening
from mipp_core.vocabulary import INPUT

FOLDED = "folded"
"""Key in the network's ``meta``: whether some of its tensors are copies of the model's, or were computed from them."""

UNUSED = "unused"
"""Key in the network's ``meta``: paths of the model's parameters that evaluation does not use."""

_RESERVED = (INPUT, "output")
"""Names that stand for the image and for the network's answer wherever layers are listed."""


def made_plain(model: nn.Module, graph: fx.Graph, constants: Mapping[str, Tensor]) -> fx.GraphModule:
    """Bring a recorded graph into the plain form and make a network of it.

    Args:
        model: whose weights the network shares, except for those that are folded.
        graph: changed in place.
        constants: tensors that the graph reads and the model does not hold.
    """
    draft = Draft(model, graph, dict(constants))
    state_shapes(graph)
    _drop_unused(graph)
    unused = _unused(model, graph)
    draft.fold()
    _drop_unused(graph)
    draft.layers()
    draft.names()
    _drop_unused(graph)
    network = assembled(model, graph, draft.added)
    copies = _apart(network)
    whole = assembled(network, network.graph, copies) if copies else network
    whole.meta[FOLDED], whole.meta[UNUSED] = bool(draft.added or copies), unused
    return whole


def _unused(model: nn.Module, graph: fx.Graph) -> tuple[str, ...]:
    """Return the paths of the parameters that no node of a graph reads."""
    read = {
        id(tensor)
        for node in graph.nodes
        if node.op == "call_module"
        for tensor in model.get_submodule(str(node.target)).parameters()
    }
    named = {str(node.target) for node in graph.nodes if node.op == "get_attr"}
    return tuple(
        path for path, parameter in model.named_parameters() if id(parameter) not in read and path not in named
    )


def _drop_unused(graph: fx.Graph) -> None:
    """Erase what the answer does not depend on; no node of a recorded graph does anything but give its result."""
    for node in reversed(list(graph.nodes)):
        if not node.users and node.op not in {"placeholder", "output"}:
            graph.erase_node(node)


_WEIGHTS = frozenset({"weight", "bias", "weight_g", "weight_v", "weight_orig"})
"""Names of the parameters of a layer, parametrised or not."""


@dataclass
class Draft:
    """A graph on its way to the plain form.

    Attributes:
        model: the network.
        graph: of it.
        added: what the graph reads or calls besides the network's own: path -> tensor or module.
        sources: path of a folded tensor -> paths of the tensors it was computed from.
    """

    model: nn.Module
    graph: fx.Graph
    added: dict[str, Any]
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def fold(self) -> None:
        """Compute once what depends on no image."""
        values: dict[fx.Node, tuple[Any, frozenset[str]]] = {}
        for node in list(self.graph.nodes):
            if node.op == "get_attr":
                values[node] = self.tensor(str(node.target)), frozenset({str(node.target)})
            elif (
                node.op in {"call_function", "call_method"}
                and {*node.all_input_nodes}
                and {*node.all_input_nodes} <= values.keys()
            ):
                values[node] = self._computed(node, values)
        for node, (value, sources) in values.items():
            lasting = [user for user in node.users if user not in values]
            if node.op != "get_attr" and lasting and isinstance(value, Tensor):
                self._replace(node, value, sources)

    def _computed(self, node: fx.Node, values: Mapping[fx.Node, tuple[Any, frozenset[str]]]) -> Any:
        asked: Any = fx.node.map_arg((node.args, node.kwargs), lambda read: values[read][0])
        result = result_of(node.target, node.op == "call_method", *asked)
        return result, frozenset().union(*(values[read][1] for read in node.all_input_nodes))

    def _replace(self, node: fx.Node, value: Tensor, sources: frozenset[str]) -> None:
        path, trains = self.free("folded_0"), any(isinstance(self.tensor(name), nn.Parameter) for name in sources)
        self.added[path] = nn.Parameter(value.detach().clone()) if trains else value.detach().clone()
        self.sources[path] = tuple(sorted(sources))
        with self.graph.inserting_before(node):
            folded = self.graph.get_attr(path)
        folded.meta.update(node.meta)
        node.replace_all_uses_with(folded)

    def layers(self) -> None:
        """Make ordinary layers of functions with weights and of layers whose weights are parametrised."""
        for node in list(self.graph.nodes):
            if node.op == "call_module":
                self._unparametrised(node)
                state_unflattening(node, self.module(str(node.target)))
            elif node.op in {"call_function", "call_method"}:
                self._as_layer(node)

    def _unparametrised(self, node: fx.Node) -> None:
        path = str(node.target)
        module = self.module(path)
        if path not in self.added and is_parametrised(module):
            self.added[path] = plain_layer(module)

    def _as_layer(self, node: fx.Node) -> None:
        found = as_layer(node, self.tensor)
        if found is None:
            return
        layer, weight = found
        path = self._home(weight, node)
        self.added[path] = layer
        with self.graph.inserting_before(node):
            made = self.graph.call_module(path, (node.all_input_nodes[0],))
        made.meta.update(node.meta)
        node.replace_all_uses_with(made)
        self.graph.erase_node(node)

    def _home(self, weight: str, node: fx.Node) -> str:
        """Return the path for a layer with this weight: that of the module it belongs to, if nothing else uses it."""
        origin = self.sources.get(weight, (weight,))[0]
        owner = origin.rpartition(".")[0]
        while owner and owner.rpartition(".")[2] in {"parametrizations", "weight"}:
            owner = owner.rpartition(".")[0]
        taken = {str(node.target) for node in self.graph.nodes if node.op == "call_module"}
        inside = any(path.startswith(f"{owner}.") for path in taken)
        if owner and owner not in taken and not inside and self._is_own(owner, node):
            return owner
        return self.free(f"{owner}_layer_0" if owner else "layer_0")

    def _is_own(self, owner: str, node: fx.Node) -> bool:
        """Tell whether a module holds nothing but the weights of one layer, which nothing else reads."""
        own = {name for name, _ in self.model.get_submodule(owner).named_parameters(recurse=False)}
        reads = [each for each in self.graph.nodes if each.op == "get_attr"]
        others = [each for each in reads if str(each.target).startswith(f"{owner}.") and set(each.users) - {node}]
        return own <= _WEIGHTS and not others

    def names(self) -> None:
        """Give layers other names if theirs stand for the image or the answer."""
        for node in self.graph.nodes:
            if node.op == "call_module" and node.target in _RESERVED:
                path = self.free(f"{node.target}_0")
                self.added.setdefault(path, self.module(str(node.target)))
                for other in self.graph.nodes:
                    if other.op == "call_module" and other.target == str(node.target) and other is not node:
                        other.target = path
                node.target = path

    def tensor(self, path: str) -> Any:
        """Return the tensor at a path."""
        return self.added[path] if path in self.added else held(self.model, path)

    def module(self, path: str) -> nn.Module:
        """Return the module at a path."""
        return self.added[path] if path in self.added else self.model.get_submodule(path)

    def free(self, path: str) -> str:
        """Return a path that nothing has yet."""
        return free_name(self.model, path, self.added)


def _apart(network: fx.GraphModule) -> dict[str, Any]:
    """Give a normalisation, or whatever else goes with units, a copy per call if its calls read different units.

    Changes the network's graph; returns the copies by their paths.
    """
    first: dict[str, Channels] = {}
    added: dict[str, Any] = {}
    for use in follow(network, network.graph).passes:
        owners = {str(use.node.target)} if use.node.op == "call_module" else {each.path for each in use.carriers}
        for owner in sorted(owners):
            if first.setdefault(owner, use.channels).parts != use.channels.parts:
                path = free_name(network, f"{owner}_0", added)
                added[path] = deepcopy(held(network, owner))
                _redirect(use.node, owner, path)
    return added


def _redirect(node: fx.Node, owner: str, path: str) -> None:
    """Let one node read a copy in place of what it shares with others."""
    if node.op == "call_module":
        node.target = path
        return
    with node.graph.inserting_before(node):
        copy = node.graph.get_attr(path)
    for read in node.all_input_nodes:
        if read.op == "get_attr" and read.target == owner:
            copy.meta.update(read.meta)
            node.replace_input_with(read, copy)
