"""Shape checks for the whole session, and the small networks, data and masks that many tests share."""

from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

# Before any module of the core is imported: modules imported earlier are not checked.
jaxtyping.install_import_hook("mipp_core", "beartype.beartype")

from mipp_core.cutting.masks import KeepMasks  # noqa: E402
from mipp_core.data.dataset import Split  # noqa: E402
from mipp_core.models import MODELS, Architecture, Family, architecture  # noqa: E402
from mipp_core.network.channels import Use, places, reads_space  # noqa: E402
from mipp_core.network.layers import wiring_of  # noqa: E402
from mipp_core.pruners import Mipp  # noqa: E402
from mipp_core.runs import NetworkSpec, RunSpec  # noqa: E402
from mipp_core.training import Recipe  # noqa: E402

SMALL = {
    "mlp": ((1, 4, 4), (8, 6)),
    "lenet5": ((1, 16, 16), (4, 5, 9, 7)),
    "vgg11": ((2, 32, 32), (4, 5, 6, 5, 4, 6, 5, 4)),
    "vgg16": ((2, 32, 32), (4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4)),
    "vgg19": ((2, 32, 32), (4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5)),
    "resnet18": ((2, 8, 8), (4, 6, 5, 4)),
    "resnet34": ((2, 8, 8), (3, 4, 3, 4)),
    "resnet50": ((2, 8, 8), (3, 2, 3, 2)),
}
"""Image and widths of families that tests know by heart; others get some that are as small."""

torch.set_num_threads(1)


def small(card: Family) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return a small image that a family can read, and small widths, no two neighbours alike."""
    side = max(8, card.smallest_image)
    return (2, side, side), tuple(3 + (2 * number) % 5 for number in range(len(card.widths)))


@pytest.fixture(scope="session")
def tiny_spec() -> RunSpec:
    """The smallest experiment that goes through every stage."""
    settings = Mipp(members=2, hidden=(8,), fit_steps=20, refit_steps=2, unit_steps=2, rank_steps=2, samples=200)
    network = NetworkSpec(model="mlp", widths=(6, 5), recipe=Recipe(1, batch_size=500))
    return RunSpec(network, settings=settings, retraining=Recipe(1, batch_size=500), controls=("random", "magnitude"))


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shape checks off: reach a function's own refusal of what the checks refuse first."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def small_architecture() -> Callable[[str], Architecture]:
    """Return a family's smallest interesting architecture, of three classes."""

    def make(family: str) -> Architecture:
        image_shape, widths = SMALL.get(family) or small(MODELS[family])
        return architecture(family, image_shape, 3, widths)

    return make


@pytest.fixture
def mlp(small_architecture: Callable[[str], Architecture]) -> nn.Module:
    """An untrained perceptron of 8 and 6 neurons on 4x4 images, in evaluation mode."""
    return small_architecture("mlp").build(seed=1).eval()


@pytest.fixture
def noise_split() -> Callable[..., Split]:
    """Return random images whose classes take turns."""

    def make(count: int = 240, image_shape: tuple[int, int, int] = (1, 4, 4), seed: int = 0) -> Split:
        images = torch.randn(count, *image_shape, generator=torch.Generator().manual_seed(seed))
        return Split(images, torch.arange(count) % 3)

    return make


@pytest.fixture
def masks_for() -> Callable[..., KeepMasks]:
    """Return keep-masks of a network; ``choose(layer, units)`` makes each, all True by default."""

    def make(model: nn.Module, choose: Callable[[str, int], Tensor] | None = None) -> KeepMasks:
        pick = choose or (lambda _, units: torch.ones(units, dtype=torch.bool))
        return KeepMasks({layer.name: pick(layer.name, layer.units) for layer in wiring_of(model).layers})

    return make


@pytest.fixture
def random_masks(masks_for: Callable[..., KeepMasks]) -> Callable[[nn.Module, int], KeepMasks]:
    """Return keep-masks that keep about half of each layer's units; now and then none."""

    def make(model: nn.Module, seed: int) -> KeepMasks:
        generator = torch.Generator().manual_seed(seed)
        return masks_for(model, lambda _, units: torch.rand(units, generator=generator) < 0.5)

    return make


@pytest.fixture
def permute() -> Callable[[nn.Module, str, Tensor], bool]:
    """Put a layer's units in another order, in place, with all that belongs to them: the network computes the same.

    Returns False, and does nothing, where their order is fixed: in a stream, or by groups.
    """

    @torch.no_grad()
    def change(model: nn.Module, name: str, order: Tensor) -> bool:
        flow = wiring_of(model).flow
        reads = [use for use in flow.reads if reads_space(use, name)]
        readers = {str(use.node.target) for use in reads}
        grouped = any(getattr(model.get_submodule(path), "groups", 1) > 1 for path in (name, *readers))
        if grouped or any(reads_space(use, name) for use in flow.mixes):
            return False
        numbers = {(name, 0): torch.arange(len(order))[:, None]}
        for use in flow.passes:
            numbers |= {(str(use.node.target), first): rows for first, rows in places(use, name)}
        for gate, opened in flow.gates.items():
            use = Use(reads[0].node, reads[0].tensor, opened)
            numbers |= {(gate, first): rows for first, rows in places(use, name)}
        for (path, _), rows in numbers.items():
            for tensor in (*model.get_submodule(path).parameters(), *model.get_submodule(path).buffers()):
                if tensor.ndim:
                    tensor[rows.flatten()] = tensor[rows[order].flatten()]
        for path, use in {str(use.node.target): use for use in reads}.items():
            weight = model.get_submodule(path).weight
            for _, rows in places(use, name):
                weight[:, rows.flatten()] = weight[:, rows[order].flatten()]
        return True

    return change


@pytest.fixture
def state_of() -> Callable[[nn.Module], dict[str, Any]]:
    """Return everything about a network, and the global random state, that a pure function leaves alone."""

    def look(model: nn.Module) -> dict[str, Any]:
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        return {
            "tensors": {name: bits(tensor) for name, tensor in model.state_dict().items()},
            "gradients": {name: bits(parameter.grad) for name, parameter in model.named_parameters()},
            "wants": {name: parameter.requires_grad for name, parameter in model.named_parameters()},
            "training": {name: module.training for name, module in model.named_modules()},
            "hooks": {name: [len(getattr(m, kind)) for kind in hooks] for name, m in model.named_modules()},
            "random": bits(torch.random.get_rng_state()),
            "grad mode": torch.is_grad_enabled(),
        }

    return look


def bits(tensor: Tensor | None) -> bytes | None:
    return None if tensor is None else tensor.detach().numpy().tobytes()
