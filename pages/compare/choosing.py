"""What to show of a comparison; every choice is in the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.figures import CALLED, HIGHLIGHTS, Look
from mipp_core.reports.comparison import ENTRIES
from mipp_core.reports.comparison_tables import CONTROL_NAMES
from mipp_core.reports.standing import at_equal_cost, mean_lines
from mipp_core.reports.tables import MEASURES
from mipp_core.runs.document import RunDocument

ORDER = (*ENTRIES, *CONTROL_NAMES.values())
"""Every name a curve may have."""

Documents = dict[str, list[RunDocument]]

VIEWS = ("three axes", "one axis, large", "a panel each")


@dataclass(frozen=True)
class Shown:
    """What is shown.

    Attributes:
        points: of the entries that are shown.
        measure: a column of the points.
        look: of the charts.
        view: one of ``VIEWS``.
        words: what the accuracy is called: "Test accuracy, retrained".
    """

    points: pd.DataFrame
    measure: str
    look: Look
    view: str
    words: str

    def at_equal_cost(self, x: str) -> pd.DataFrame:
        """Return what every entry reaches at common shares of a cost."""
        return _equal(self.points, self.measure, x)

    def lines(self, x: str) -> pd.DataFrame:
        """Return the lines of a chart."""
        return _lines(self.points, self.measure, x)

    @property
    def subject(self) -> str:
        """The entry that the verdicts are about."""
        return self.look.pins[0]

    @property
    def names(self) -> list[str]:
        """Entries and controls that have the measure, in their usual order."""
        known = set(self.points.dropna(subset=[self.measure]).entry)
        return [name for name in ORDER if name in known]

    @property
    def pruners(self) -> list[str]:
        """Those of the names that are no controls."""
        return [name for name in self.names if name in ENTRIES]

    @property
    def controls(self) -> list[str]:
        """Those of the names that are controls."""
        return [name for name in self.names if name not in ENTRIES]


@st.cache_data(show_spinner=False, max_entries=64)
def _equal(points: pd.DataFrame, measure: str, x: str) -> pd.DataFrame:
    return at_equal_cost(points, measure, x)


@st.cache_data(show_spinner=False, max_entries=64)
def _lines(points: pd.DataFrame, measure: str, x: str) -> pd.DataFrame:
    return mean_lines(points, measure, x)


def is_trained(documents: Documents) -> bool:
    """Tell whether the networks were pruned after training."""
    return next(iter(documents.values()))[0]["spec"]["trained"]


def choose(documents: Documents, points: pd.DataFrame) -> Shown:
    """Draw the choices and return what they say."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [name for name in ORDER if name in set(points.entry)]
        subject = st.selectbox(
            "Highlight",
            names,
            key="cmp_highlight",
            bind="query-params",
            width=230,
            help="In colour, before all others in grey; the verdicts are about it.",
        )
        pinned = st.multiselect(
            "Also in colour",
            names,
            default=[name for name in ("MIPP closed form",) if name in names],
            max_selections=len(HIGHLIGHTS) - 1,
            key="cmp_pinned",
            bind="query-params",
            placeholder="nobody",
            help="Up to two more, beside the one that is highlighted.",
            width=300,
        )
        with_controls = st.toggle(
            "MIPP's controls",
            value=True,
            key="cmp_controls",
            bind="query-params",
            help="Other units, or fresh weights, with as many units in each layer as MIPP keeps: dashed.",
        )
        with st.popover("Options", icon=":material/tune:"):
            stage, split, view, as_error = _options(documents, points)
    stage_words = _called(stage) if is_trained(documents) else "trained"
    pins = [subject, *(name for name in pinned if name != subject)][: len(HIGHLIGHTS)]
    shown = points if with_controls else points[points.entry.isin([*ENTRIES, *pins])]
    title = f"{split.capitalize()} {'error' if as_error else 'accuracy'}, {stage_words}"
    look = Look(title, pins, tuple(CONTROL_NAMES.values()), _dense(documents, split, as_error), as_error)
    return Shown(shown, f"{split}_{stage}", look, view, f"{split} accuracy, {stage_words}")


def _options(documents: Documents, points: pd.DataFrame) -> tuple[str, str, str, bool]:
    """Draw the choices that few need: the accuracy, the split, the view and the scale."""
    stages = _stages(documents, points)
    stage = stages[0]
    if len(stages) > 1:
        stage = one_of("Accuracy", stages, "cmp_stage", default="retrained", format_func=_called)
    split = one_of("On", ["test", "train"], "cmp_split", help="Train: on 10,000 training images at most.")
    view = one_of("View", list(VIEWS), "cmp_view")
    scale = one_of("Scale", ["error (log)", "accuracy"], "cmp_scale", help="Errors show small differences.")
    one_of("Camera above a chart saves", ["png", "svg"], "cmp_picture")
    return stage, split, view, scale != "accuracy"


def _called(stage: str) -> str:
    return CALLED.get(stage, stage)


def _stages(documents: Documents, points: pd.DataFrame) -> list[str]:
    """Return the accuracies to choose from.

    At initialisation only the last: before it is trained a network is at chance.  Recalibrated ones are there only
    where some run has one.
    """
    if not is_trained(documents):
        return ["retrained"]
    known = points.test_recalibrated.notna().any()
    return [name for name in MEASURES if known or name != "recalibrated"]


def one_of(label: str, options: Sequence[str], key: str, default: str | None = None, **more: Any) -> str:
    """Draw a choice of one; where the address names nothing, it is the default."""
    default = default or options[0]
    chosen = st.segmented_control(
        label, options, default=default, required=True, key=key, bind="query-params", wrap=True, **more
    )
    return chosen or default


def _dense(documents: Documents, split: str, as_error: bool) -> dict[str, float]:
    """Return the dense networks' mean accuracy, by what to call it; nothing where the rest had other epochs.

    After training, pruned networks have the dense one's epochs and some more.
    """
    runs = [run for each in documents.values() for run in each]
    found = {
        run["spec"]["network"]["seed"]: run["dense_accuracy"] if split == "test" else run.get("dense_train_accuracy")
        for run in runs
    }
    known = [value for value in found.values() if value is not None]
    if not known:
        return {}
    mean = sum(known) / len(known)
    return (
        {f"dense {1 - mean if as_error else mean:.2%}": mean}
        if is_trained(documents) or not epochs_differ(documents)
        else {}
    )


def epochs_differ(documents: Documents) -> bool:
    """Tell whether the dense network is trained for other epochs than pruned ones after pruning."""
    spec = next(iter(documents.values()))[0]["spec"]
    return spec["network"]["recipe"]["epochs"] != spec["retraining"]["epochs"]
