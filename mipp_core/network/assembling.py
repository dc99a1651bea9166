"""Networks made from a graph and another network's modules."""

from collections.abc import Container, Iterable, Mapping
from copy import deepcopy
from typing import Any

from torch import Tensor, fx, nn

from mipp_core.network.channels import Use


def insert(graph: fx.Graph, name: str, use: Use) -> None:
    """Put a module between a tensor and one of its readers."""
    with graph.inserting_before(use.node):
        use.node.replace_input_with(use.tensor, graph.call_module(name, (use.tensor,)))


def assembled(model: nn.Module, graph: fx.Graph, added: Mapping[str, nn.Module | Tensor]) -> fx.GraphModule:
    """Make a network from a graph, another network's modules and new ones; what the graph does not use is left out."""
    root: dict[str, Any] = {}
    for node in graph.nodes:
        if node.op in {"call_module", "get_attr"}:
            path = str(node.target)
            root[path] = added[path] if path in added else held(model, path)
    made = fx.GraphModule(root, graph)
    made.training = model.training
    return made


def modules_copied(model: fx.GraphModule, shared: Iterable[Tensor] = ()) -> nn.Module:
    """Copy a recorded network's modules and tensors without its graph; ``shared`` tensors are not copied."""
    copy, memo = nn.Module(), {id(tensor): tensor for tensor in shared}
    copy.__dict__ |= {name: deepcopy(value, memo) for name, value in model.__dict__.items() if name != "_graph"}
    return copy


def held(model: nn.Module, path: str) -> Any:
    """Return the module, parameter or buffer at a path."""
    owner, _, name = path.rpartition(".")
    return getattr(model.get_submodule(owner), name)


def free_name(model: nn.Module, path: str, taken: Container[str] = ()) -> str:
    """Return a path that nothing has: the one given, or the next whose last number is free."""
    stem, _, number = path.rpartition("_")
    for count in range(int(number), 10_000):
        found = f"{stem}_{count}"
        if found not in taken and not _has(model, found):
            return found
    raise RuntimeError(path)  # ten thousand names are more than any network has modules


def _has(model: nn.Module, path: str) -> bool:
    try:
        held(model, path)
    except AttributeError:
        return False
    return True
