"""Records one run of a network as a graph: what it really computes, whatever its code looks like.

The network runs on real tensors.  Calls of PyTorch's own modules become nodes that call them; every other operation
becomes a node of its own.  Tensors are told apart by identity and by PyTorch's count of changes in place, so a result
that is changed in place without being assigned is followed like any other.  Sizes are plain numbers.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from mipp_core.errors import ModelError
from mipp_core.network.recorded_calls import Call, is_leaf, pure, reads_values, set_part, without_tensors

CONSTANT = "constant_"
"""Start of the names of tensors that forward makes or reads and that are neither parameters nor buffers."""


@dataclass
class _Known:
    """A tensor seen in the run, the node that made it, and how often it had been changed in place by then."""

    tensor: Tensor
    node: fx.Node
    version: int
    fixed: bool


class Recorder(TorchFunctionMode):
    """Records what a network computes from a batch of images.

    Attributes:
        graph: one node per call; the results' shapes are in their ``meta["shape"]``.
        constants: name -> tensor.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.graph = fx.Graph()
        self.constants: dict[str, Tensor] = {}
        self._model = model
        self._names = _named_tensors(model)
        self._known: dict[int, _Known] = {}
        self._sharing: dict[int, list[_Known]] = {}
        self._inside: list[Call] = []

    def run(self, images: Tensor) -> object:
        """Run the network once and return its answer.

        Raises:
            ModelError: it does something that cannot be followed; says what.
        """
        self._remember(images, self.graph.placeholder("images"), fixed=False)
        with _heard(self._model, self._enter, self._leave), self:
            answer = self._model(images)
        self.graph.output(self._arguments(answer))
        return answer

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation, and record it if it concerns the images or the weights."""
        kwargs = dict(kwargs or {})
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if self._inside or not any(map(self._concerns, read)):
            return func(*args, **kwargs)
        if reads_values(func) and not all(self._is_fixed(tensor) for tensor in read):
            raise ModelError(
                f"This network reads the values of its activations in Python ({func.__name__.strip('_')}), so what it "
                "does may differ from image to image; only networks that do the same for all images can be pruned."
            )
        call, before = pure(func, args, kwargs), [(tensor, tensor._version) for tensor in read]
        asked = self._arguments(call.args, call.target is set_part), self._arguments(call.kwargs)
        result = func(*args, **kwargs)
        changed = [tensor for tensor, version in before if tensor._version != version]
        made = changed[0] if result is None and changed else result
        if without_tensors(made) or (not changed and any(made is tensor for tensor in read)):
            return result
        self._record(self.graph.create_node(call.op, call.target, *asked), made, all(map(self._is_fixed, read)))
        return result

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Note the arguments of a module before it may change them in place."""
        with torch._C.DisableTorchFunction():
            asked = ((), {}) if self._inside else (self._arguments(args), self._arguments(kwargs))
        self._inside.append(Call("call_module", "", *asked))

    def _leave(self, name: str, result: Any) -> None:
        call = self._inside.pop()
        if self._inside:
            return
        with torch._C.DisableTorchFunction():
            self._record(self.graph.create_node("call_module", name, call.args, call.kwargs), result, fixed=False)

    def _record(self, node: fx.Node, result: Any, fixed: bool) -> None:
        """Tie a result to its node; the parts of a tuple or dictionary get nodes of their own."""
        if isinstance(result, Tensor):
            self._remember(result, node, fixed)
        elif isinstance(result, list | tuple | dict):
            for place, part in result.items() if isinstance(result, dict) else enumerate(result):
                if not without_tensors(part):
                    self._record(self.graph.call_function(operator.getitem, (node, place)), part, fixed)

    def _remember(self, tensor: Tensor, node: fx.Node, fixed: bool) -> None:
        node.meta["shape"], node.meta["dtype"] = tuple(tensor.shape), tensor.dtype
        known = _Known(tensor, node, tensor._version, fixed)
        self._known[id(tensor)] = known
        self._sharing.setdefault(_storage(tensor), []).append(known)

    def _concerns(self, tensor: Tensor) -> bool:
        return id(tensor) in self._known or id(tensor) in self._names or _storage(tensor) in self._sharing

    def _is_fixed(self, tensor: Tensor) -> bool:
        """Tell whether a tensor does not depend on the images, as far as was seen."""
        known = self._known.get(id(tensor))
        return all(each.fixed for each in self._sharing.get(_storage(tensor), [])) if known is None else known.fixed

    def _arguments(self, given: Any, sets_part: bool = False) -> Any:
        """Turn the tensors among arguments into nodes, and everything else into what a graph can hold.

        Of a tensor that is given another part, the rest is as it was before that part was changed in place.
        """
        if sets_part and id(given[0]) in self._known:
            return (self._known[id(given[0])].node, *self._arguments(given[1:]))
        if isinstance(given, list | tuple):
            parts = [self._arguments(value) for value in given]
            return parts if isinstance(given, list) else tuple(parts)
        if isinstance(given, slice):
            return slice(*(self._arguments(each) for each in (given.start, given.stop, given.step)))
        named = vars(given) if hasattr(given, "__dataclass_fields__") else given  # some libraries' networks answer so
        if isinstance(named, dict):
            return {key: self._arguments(value) for key, value in named.items()}
        return self._node(given) if isinstance(given, Tensor) else _plain(given)

    def _node(self, tensor: Tensor) -> fx.Node:
        known = self._known.get(id(tensor))
        if known is not None and known.version == tensor._version:
            return known.node
        if known is None and id(tensor) in self._names:
            self._remember(tensor, self.graph.get_attr(self._names[id(tensor)]), fixed=True)
            return self._known[id(tensor)].node
        for other in reversed(self._sharing.get(_storage(tensor), [])):
            if other.version == tensor._version and _geometry(other.tensor) == _geometry(tensor):
                self._known[id(tensor)] = other
                return other.node
        if known is not None:
            raise ModelError(
                f"This network changes part of a tensor in place and then reads the whole of it ({known.node.name}), "
                "which cannot be followed; write the change as an expression of its own, such as torch.cat."
            )
        name = f"{CONSTANT}{len(self.constants)}"
        self.constants[name] = tensor.detach().clone()
        self._remember(tensor, self.graph.get_attr(name), fixed=True)
        return self._known[id(tensor)].node


def _named_tensors(model: nn.Module) -> dict[int, str]:
    """Return the name of every parameter and buffer, by identity."""
    found: dict[int, str] = {}
    for pairs in (model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False)):
        for name, tensor in pairs:
            found.setdefault(id(tensor), name)
    return found


@contextmanager
def _heard(model: nn.Module, enter: Callable[..., None], leave: Callable[[str, Any], None]) -> Iterator[None]:
    """Call ``enter`` before and ``leave`` after every one of PyTorch's own modules within the block."""
    handles: list[Any] = []
    for name, module in model.named_modules():
        if is_leaf(module):

            def after(_: nn.Module, args: Any, kwargs: Any, result: Any, name: str = name) -> None:
                leave(name, result)

            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True, prepend=True))
            handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _geometry(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype


_HELD = (bool, int, float, complex, str, torch.dtype, torch.device, torch.layout, torch.memory_format)


def _plain(given: Any) -> Any:
    """Return a value that a graph can hold."""
    if given is None or given is Ellipsis or type(given) in _HELD:
        return given
    for kind in (bool, int, float, str):  # their subclasses, and NumPy's numbers
        if isinstance(given, kind) or (hasattr(given, "dtype") and isinstance(given.item(), kind)):
            return kind(given)
    raise ModelError(
        f"This network passes a {type(given).__name__} to one of PyTorch's functions, which cannot be followed; only "
        "tensors, numbers and words can."
    )
