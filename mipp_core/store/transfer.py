"""Taking runs from one store to another: a folder, or the same packed as a zip."""

import io
import json
import zipfile
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load

from mipp_core.errors import DataError
from mipp_core.runs.document import RunDocument
from mipp_core.runs.spec import RunSpec
from mipp_core.store.files import Tensors, packed, read_json, write_json, write_tensors
from mipp_core.store.store import Store
from mipp_core.store.weights import flat_weights, split_weights

RUN, WEIGHTS = "run.json", "weights.safetensors"


def export_run(store: Store, name: str, folder: Path) -> None:
    """Write a run's document and the slim networks that are kept into a folder.

    Raises:
        DataError: the store has no result of that name, or the folder cannot be written.
    """
    document, weights = _whole(store, name)
    if weights:
        write_tensors(folder / WEIGHTS, weights)
    write_json(folder / RUN, document)


def pack_run(store: Store, name: str) -> bytes:
    """Return what ``export_run`` writes as the bytes of a zip file."""
    document, weights = _whole(store, name)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(RUN, json.dumps(document))
        if weights:
            file.writestr(WEIGHTS, packed(weights))
    return buffer.getvalue()


def unpack_run(store: Store, content: bytes) -> str:
    """Keep what ``pack_run`` packed, and return the run's name.

    Raises:
        DataError: it is not such a file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            document = json.loads(file.read(RUN))
            weights = load(file.read(WEIGHTS)) if WEIGHTS in file.namelist() else {}
    except (zipfile.BadZipFile, KeyError, ValueError, SafetensorError) as problem:
        raise DataError(f"This is not an exported run ({problem}); export it again.") from problem
    return _keep(store, document, weights)


def import_run(store: Store, folder: Path) -> str:
    """Keep a run from a folder that ``export_run`` or ``--save-dir`` wrote, and return its name.

    Raises:
        DataError: the folder holds no whole run.
    """
    document = read_json(folder / RUN)
    if document is None:
        raise DataError(f"{folder} holds no run: there is no readable {RUN} in it; export it again.")
    path = folder / WEIGHTS
    try:
        weights = load(path.read_bytes()) if path.exists() else {}
    except SafetensorError as problem:
        raise DataError(f"{path} is damaged ({problem}); export the run again.") from problem
    return _keep(store, document, weights)


def _whole(store: Store, name: str) -> tuple[RunDocument, Tensors]:
    document = store.runs.document(name)
    if document is None:
        raise DataError(f"There is no result of a run called {name!r}; see: python -m mipp_core runs list.")
    kept = {level["level"]: store.blobs.get(level["weights"]) for level in document["levels"] if level["weights"]}
    return document, flat_weights({level: tensors for level, tensors in kept.items() if tensors is not None})


def _keep(store: Store, document: RunDocument, weights: Tensors) -> str:
    try:
        spec = RunSpec.from_json(document["spec"])
        levels = {entry["level"]: entry for entry in document["levels"]}
        for level, tensors in split_weights(weights).items():
            levels[level]["weights"] = store.blobs.put(tensors)
    except (KeyError, TypeError, IndexError) as problem:
        raise DataError(f"This run's document is damaged (no {problem}); export it again.") from problem
    return store.runs.record(spec, document)
