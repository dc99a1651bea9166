"""A finished run as files: its document, its slim networks, and the command that makes it again."""

import gzip
import json
import shlex
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.pixels import with_pixel_mask
from mipp_core.cutting.surgery import cut_exactly
from mipp_core.data.own.known import flags_of
from mipp_core.errors import DataError, ModelError
from mipp_core.information import confidence_of, fine_schedule
from mipp_core.information.confidence import level_of
from mipp_core.models import Architecture
from mipp_core.network.guessing import example_images
from mipp_core.network.recording import recorded
from mipp_core.own_files import shown
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import RunResult, accuracy_of, entry_of, masks_of
from mipp_core.runs.spec import NetworkSpec, RunSpec
from mipp_core.store.files import packed, read_json, read_tensors, write_json, write_tensors
from mipp_core.store.weights import SlimWeights, flat_weights
from mipp_core.training import RECIPES, Recipe

SHIPPED = Path(__file__).parent.parent / "shipped"
"""The runs that come with the package."""


def save_run(folder: Path, result: RunResult, weights: SlimWeights) -> None:
    """Write ``run.json`` and the slim networks' weights, ``weights.safetensors``, into a folder."""
    flat = flat_weights(weights)
    if flat:
        write_tensors(folder / "weights.safetensors", flat)
    write_json(folder / "run.json", result.to_json())


def load_run(folder: Path) -> RunDocument | None:
    """Read a run's document; None if there is none."""
    packed = folder / "run.json.gz"
    if packed.exists():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return read_json(folder / "run.json")


def shipped_runs() -> list[Path]:
    """Return the folders of the runs that come with the package."""
    return sorted(path for path in SHIPPED.glob("*") if path.is_dir())


def shipped_documents(files: str = "*") -> list[RunDocument]:
    """Return documents that come with the package without weights: comparisons, and answers of CMI.

    Args:
        files: which; ``comparison-*`` or ``cmi``.

    Raises:
        DataError: none are there, or a file is damaged: the package was not installed whole.
    """
    paths = sorted(SHIPPED.glob(f"{files}.json.gz"))
    try:
        found = [run for path in paths for run in json.loads(gzip.decompress(path.read_bytes()))]
    except (OSError, EOFError, ValueError) as problem:
        raise DataError(f"The shipped runs in {SHIPPED} are damaged ({problem}); install it again.") from problem
    if not found:
        raise DataError(f"Shipped runs are missing from {SHIPPED}; install the package again.")
    return found


def has_weights(folder: Path) -> bool:
    """Tell whether a run's slim networks are kept."""
    return (folder / "weights.safetensors").exists()


def slim_weights(folder: Path, level: int) -> dict[str, Tensor] | None:
    """Return one level's retrained weights; None where they are not kept."""
    tensors = read_tensors(folder / "weights.safetensors") or {}
    prefix = f"{level}/"
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)} or None


def slim_description(run: RunDocument, level: int, measure: str = "retrained") -> dict[str, Any]:
    """Return the JSON that rebuilds a slim network: the dense one's architecture and what was kept of it.

    Args:
        run: the document.
        level: its number.
        measure: how the weights were made: pruned, recalibrated, rebuilt or retrained.
    """
    network = NetworkSpec.from_json(run["spec"]["network"])
    entry = entry_of(run, level)
    masks = masks_of(entry)
    return {
        "architecture": network.architecture.to_json(),
        "masks": masks.to_json(),
        "normalisation": asdict(network.normalisation),
        "run": run["hash"],
        "level": level,
        f"accuracy_{measure}": accuracy_of(entry, measure),
    }


def pack_slim(weights: dict[str, Tensor]) -> bytes:
    """Return a slim network's weights as the bytes of a safetensors file."""
    return packed(weights)


def save_slim(folder: Path, description: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Write ``slim.json`` and ``slim.safetensors``; ``load_slim`` reads them back."""
    write_tensors(folder / "slim.safetensors", weights)
    write_json(folder / "slim.json", description)


def load_slim(folder: Path) -> nn.Module:
    """Rebuild a slim network from ``slim.json`` and ``slim.safetensors``, without pickle; see ``slim_network``.

    Raises:
        DataError: a file is missing or damaged.
        ModelError: the weights do not fit the description.
    """
    description, weights = read_json(folder / "slim.json"), read_tensors(folder / "slim.safetensors")
    if description is None or weights is None:
        raise DataError(f"{folder} holds no whole slim network; it needs slim.json and slim.safetensors.")
    return slim_network(description, weights)


def slim_network(description: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """Rebuild a slim network from what ``slim_description`` gave and its weights.

    If pixels were pruned, a mask of the image goes in front.

    Raises:
        ModelError: the weights do not fit the description.
    """
    made = Architecture.from_json(description["architecture"])
    masks = KeepMasks.from_json(description["masks"])
    images = example_images(made.image_shape)
    model = cut_exactly(recorded(made.build().eval(), images), masks, images)
    try:
        load(model, weights)
    except RuntimeError as problem:
        raise ModelError(f"The slim network's weights do not fit its description ({problem}); save it again.") from (
            problem
        )
    return with_pixel_mask(model, masks, made.image_shape).eval()


def command_of(spec: RunSpec, device: str = "cpu") -> str:
    """Return the command line that makes a run again.

    Raises:
        ModelError: a recipe has no name, so that the run can be made from Python only.
    """
    network, default = spec.network, RunSpec()
    words = ["python", "-m", "mipp_core", "sweep", "--model", shown(network.model), *flags_of(network.dataset)]
    if network.widths is not None:
        words += ["--widths", ",".join(map(str, network.widths))]
    words += ["--weights", network.weights] if network.weights else []
    for name, values in (("mean", network.mean), ("std", network.std)):
        words += [f"--{name}={','.join(map(repr, values))}"] if values else []
    if network.deformation:
        words += ["--deformation", repr(network.deformation)]
    words += [] if spec.trained else ["--untrained"]
    words += ["--recipe", recipe_name(network.recipe), "--retrain-recipe", recipe_name(spec.retraining)]
    words += ["--pruner", shown(spec.pruner), "--seed", str(network.seed)]
    plain = type(spec.settings)()
    for setting in fields(spec.settings):
        value = getattr(spec.settings, setting.name)
        if value != getattr(plain, setting.name):
            words += ["--set", f"{setting.name}={json.dumps(value)}"]
    words += [*_levels(spec), *_targets(spec)]
    if spec.controls != default.controls:
        words += ["--controls", ",".join(spec.controls)]
    words += ["--retrain-controls"] if spec.retrain_controls else []
    words += ["--device", device] if device != "cpu" else []
    return shlex.join([*words, "--json"])


def _targets(spec: RunSpec) -> list[str]:
    words = ["--sparsities", ",".join(map(repr, spec.sparsities))] if spec.sparsities else []
    words += ["--share-of", spec.share_of] if spec.share_of != "units" else []
    if spec.follow is not None:
        words += ["--follow"]
        plain = type(spec.follow)()
        for setting in fields(spec.follow):
            value = getattr(spec.follow, setting.name)
            if value != getattr(plain, setting.name):
                words += ["--set", f"mipp.{setting.name}={json.dumps(value)}"]
    words += ["--scope", spec.scope] if spec.scope else []
    words += ["--floor", str(spec.floor)] if spec.floor else []
    return words + (["--measure", ",".join(map(str, spec.measured))] if spec.measured else [])


def _levels(spec: RunSpec) -> list[str]:
    if spec.confidences is None:
        return []
    if spec.confidences == fine_schedule():
        return ["--fine"]
    levels = [level_of(confidence) for confidence in spec.confidences]
    if tuple(map(confidence_of, levels)) != spec.confidences:
        raise ModelError("Its confidences are not the schedule's; run it from Python, or with the command prune.")
    return ["--levels", ",".join(map(str, levels))]


def recipe_name(recipe: Recipe) -> str:
    """Return a registered recipe's name.

    Raises:
        ModelError: it has none.
    """
    for name, known in RECIPES.items():
        if known == recipe:
            return name
    raise ModelError(f"The recipe {recipe} has no name; run it from Python, or register it in RECIPES.")
