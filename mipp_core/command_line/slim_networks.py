"""Commands about a finished slim network: export it, or measure its latency."""

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from mipp_core.command_line.choosing import slim_of
from mipp_core.command_line.reading import numbers, usable_device
from mipp_core.errors import SettingError
from mipp_core.evaluation import macs, parameters
from mipp_core.exporting import FORMATS, write
from mipp_core.latency import BATCHES, Latency, LatencyComparison, compare_latency
from mipp_core.store.files import write_bytes

Answer = tuple[Any, list[str]]


def export(chosen: Namespace) -> Answer:
    """Write a slim network as files that run without this project."""
    kinds, found = _formats(chosen.format), slim_of(chosen)
    model, folder = found.load(), chosen.save_dir or found.folder
    written = [_write(kind, model, found.dense.image_shape, folder) for kind in kinds]
    found.save(folder)
    lines = [f"wrote {file['path']}, {file['bytes']} bytes, difference {file['difference']:.1e}" for file in written]
    return {"written": written}, lines


def _formats(text: str) -> list[str]:
    kinds = text.split(",")
    if not set(kinds) <= set(FORMATS):
        raise SettingError(f"The formats {text!r} are not all known; choose from: {', '.join(FORMATS)}.")
    return kinds


def _write(kind: str, model: nn.Module, image_shape: tuple[int, int, int], folder: Path) -> dict[str, Any]:
    """Write one file and return where it is and how far its outputs are from the network's."""
    written, path = write(kind, model, image_shape), folder / f"slim.{kind}"
    write_bytes(path, written.content)
    return {"format": kind, "path": str(path), "bytes": len(written.content), "difference": written.difference}


def latency(chosen: Namespace) -> Answer:
    """Measure a slim network beside its dense one; the dense weights are random, which takes as long."""
    device, batches = usable_device(chosen.device), BATCHES if chosen.batches is None else numbers(chosen.batches)
    found = slim_of(chosen)
    source, slim = found.dense, found.load()
    dense, shape = source.build().eval(), source.image_shape
    compared = compare_latency(dense, slim, shape, batches, device, chosen.seconds)
    document = {
        "image_shape": shape,
        "dense": {"parameters": parameters(dense), "macs": macs(dense, shape)},
        "slim": {"parameters": parameters(slim), "macs": macs(slim, shape)},
        "latency": [{**asdict(pair), "ratio": pair.ratio} for pair in compared],
    }
    return document, _table(document, compared)


def _table(document: dict[str, Any], compared: tuple[LatencyComparison, ...]) -> list[str]:
    sizes = [
        f"{name}: {document[name]['parameters']} parameters, {document[name]['macs']} MACs"
        for name in ("dense", "slim")
    ]
    rows = [
        f"batch of {pair.dense.batch_size}: dense {_words(pair.dense)}, slim {_words(pair.slim)}, "
        f"{pair.ratio:.2f} times as fast"
        for pair in compared
    ]
    one = compared[0].slim
    return [*sizes, *rows, f"on {one.device}, {one.threads} threads, {one.dtype}; median (10% to 90% of the runs)"]


def _words(found: Latency) -> str:
    return f"{found.median_ms:.3f} ms ({found.p10_ms:.3f} to {found.p90_ms:.3f})"
