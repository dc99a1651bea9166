"""What can be seen of one unit beside what a run decided: weights, answers, attributions, and who makes up for it."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mipp_core.data import Split
from mipp_core.network.activations import listen
from mipp_core.network.gates import Gate, open_gates
from mipp_core.network.layers import weighted, wiring_of
from mipp_core.pruners.cmi_pictures import Pictures, pictures
from mipp_core.pruners.conductance import Conductance
from mipp_core.pruners.weight_scores import scoring_copy
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import entry_of

IMAGES = 400
"""Images at most that answers are compared on; half of them are fitted on, the other half judges."""

_ATTRIBUTED = 100
"""Images at most that Captum looks at."""


@dataclass(frozen=True)
class Seen:
    """The units of a network on some images.

    Attributes:
        weights: of every prunable layer: one row per unit.
        answers: of every prunable layer, as the next layer reads them: one row per image and place.
        pictures: of the first image of each class.
        conductance: of every prunable layer: mean magnitude over images of each unit's layer conductance.
    """

    weights: dict[str, Float[Tensor, "units ..."]]
    answers: dict[str, Float[Tensor, "rows units"]]
    pictures: Pictures
    conductance: dict[str, Float[Tensor, " units"]]


def look(model: nn.Module, images: Split) -> Seen:
    """Run a network on images; it is left as it is.

    Raises:
        SettingError: captum is not installed.
    """
    some = images.take(torch.arange(min(IMAGES, len(images))))
    answers: dict[str, Tensor] = {}

    def hear(name: str, maps: Tensor) -> None:
        rows = maps.flatten(2).movedim(1, 2).reshape(-1, maps.shape[1]) if maps.ndim > 2 else maps
        answers[name] = rows.clone()

    with torch.no_grad():
        listen(model, some.images, hear)
    layers = wiring_of(model, some.images).names
    return Seen(
        {name: weighted(model, name).weight.detach() for name in layers},
        {name: answers[name] for name in layers if name in answers},
        pictures(model, some),
        Conductance(samples=_ATTRIBUTED).scores(model, some, 0),
    )


def stand_ins(
    answers: Float[Tensor, "rows units"], kept: Bool[Tensor, " units"], unit: int
) -> tuple[Float[Tensor, " units"], float]:
    """Rebuild a unit's answers from the kept units of its layer, by least squares on the first half of the rows.

    Args:
        answers: of all units.
        kept: which may be used; the unit itself is not.
        unit: which is rebuilt.

    Returns:
        Every unit's coefficient, in standard deviations of the unit per standard deviation of the other; 0 for units
        that are not used.  And the share of the unit's variance that is rebuilt on the other half of the rows; 1 for
        a unit that does not vary there, and at least 0.
    """
    used = kept.clone()
    used[unit] = False
    rows = answers.double()
    rows = (rows - rows.mean(0)) / rows.std(0, correction=0).clamp_min(1e-12)
    half = len(rows) // 2
    found = torch.linalg.lstsq(rows[:half, used], rows[:half, unit, None], driver="gelsd").solution[:, 0]
    rest, aim = rows[half:], rows[half:, unit]
    lost = (aim - rest[:, used] @ found).square().sum() / (aim - aim.mean()).square().sum().clamp_min(1e-12)
    coefficients = rows.new_zeros(rows.shape[1])
    coefficients[used] = found
    return coefficients, max(0.0, 1 - float(lost))


def pixels_that_drive(model: nn.Module, images: Split, layer: str, unit: int) -> Float[Tensor, "h w"]:
    """Average a unit's integrated gradients over images: how much each pixel drives it (Captum, 16 steps from black).

    Raises:
        SettingError: captum is not installed.
    """
    from captum.attr import NeuronIntegratedGradients

    some = images.take(torch.arange(min(_ATTRIBUTED, len(images))))
    copy, _ = open_gates(scoring_copy(model), some.images)
    gate = next(each for each in copy.modules() if isinstance(each, Gate) and each.carries(layer))
    units = next(each.units for each in wiring_of(model, some.images).layers if each.name == layer)

    def answer(read: Tensor) -> Tensor:
        heard = gate.heard_of(layer, units, read)
        assert heard is not None, "the gate carries the layer"
        return heard[:, unit].sum(1)

    black = torch.full_like(some.images, float(some.images.min()))
    found = NeuronIntegratedGradients(copy, gate).attribute(
        some.images, neuron_selector=answer, baselines=black, n_steps=16
    )
    return found.detach().mean(0).sum(0)


def trial(document: RunDocument, layer: str, unit: int, number: int) -> dict[str, Any] | None:
    """Return the test that decided about a unit at a point of a run; None where it was decided without one.

    Keys: ``order`` (its place, 0 = least informative), ``of`` (units tested in its layer), ``tested_with``, ``gains``
    (one per estimate), ``standard_error``, ``z``, ``kept``.
    """
    columns = document["decisions"]
    if not columns or entry_of(document, number)["confidence"] is None:
        return None
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    own = [row for row in rows if row["layer"] == layer and row["first_level"] <= number <= row["last_level"]]
    row = next((row for row in own if row["unit"] == unit and row["gains"] is not None), None)
    if row is None:
        return None
    places = {each["unit"] for each in own}
    return {**row, "of": len(places), "kept": row["removed_from"] > number}
