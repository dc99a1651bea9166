"""What the browser fetches by itself: a run's decisions, its networks, and images to run them on."""

from collections.abc import Callable
from types import MappingProxyType

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from mipp_core.errors import MippError
from mipp_core.experiments.remaking import remade
from mipp_core.reports.in_browser import images_at_hand, shown_images, steps_of
from mipp_core.reports.networks import shipped_rebuilt
from mipp_core.runs import RunSpec, masks_of
from mipp_core.store.files import Tensors, packed
from mipp_core.store.weights import SlimWeights, flat_weights
from pages.shared.finding import Found, find_named, store
from pages.shared.turn import turn


def answer(request: Request) -> Response:
    """Answer with a file of a run; 404 with a sentence where there is none."""
    run, name = request.path_params["run"], request.path_params["file"]
    try:
        found = find_named(run)
        if found and name == "decisions.json":
            return JSONResponse(found.document["decisions"])
        tensors = _FILES[name](found) if found and name in _FILES and _can_run(found) else {}
    except MippError as problem:
        return PlainTextResponse(str(problem), status_code=404)
    if not tensors:
        return PlainTextResponse("This machine has no such file.", status_code=404)
    return Response(packed(tensors), media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def _can_run(found: Found) -> bool:
    """Tell whether a browser can run the network, so that nothing large is ever sent for nothing."""
    architecture = RunSpec.from_json(found.document["spec"]).network.architecture
    return steps_of(architecture.sketch()) is not None


def _dense(found: Found) -> Tensors:
    return found.dense()


def _retrained(found: Found) -> Tensors:
    levels = [entry["level"] for entry in found.document["levels"] if entry["accuracy_retrained"] is not None]
    return flat_weights({level: found.weights(level) for level in levels if found.has_weights(level)})


def _rebuilt(found: Found) -> Tensors:
    if found.folder is not None:
        return flat_weights(shipped_rebuilt(found.folder))
    return flat_weights(_remade(found.document["hash"], found))


@st.cache_data(show_spinner=False, max_entries=4)
def _remade(name: str, _found: Found) -> SlimWeights:
    spec = RunSpec.from_json(_found.document["spec"])
    with turn():
        return {
            entry["level"]: remade(spec, masks_of(entry), "rebuilt", store()) for entry in _found.document["levels"]
        }


def _images(found: Found) -> Tensors:
    data = images_at_hand(RunSpec.from_json(found.document["spec"]).network)
    images, labels = shown_images(data)
    return {"images": images, "labels": labels}


_FILES: MappingProxyType[str, Callable[[Found], Tensors]] = MappingProxyType(
    {
        "dense.safetensors": _dense,
        "retrained.safetensors": _retrained,
        "rebuilt.safetensors": _rebuilt,
        "images.safetensors": _images,
    }
)
