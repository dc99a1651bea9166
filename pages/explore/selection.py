"""The layer or unit that is looked into; it is in the address, and nowhere else."""

from dataclasses import dataclass

import streamlit as st

from mipp_core.runs.document import RunDocument
from mipp_core.vocabulary import INPUT


@dataclass(frozen=True)
class Selection:
    """A layer of a run, or one of its units.

    Attributes:
        layer: its name.
        unit: its number; None for the whole layer.
    """

    layer: str
    unit: int | None

    @property
    def words(self) -> str:
        """The layer's name, and the unit's number if there is one."""
        return self.layer if self.unit is None else f"{self.layer}, unit {self.unit}"


def choose(unit: str) -> None:
    """Write ``layer:number`` into the address; the same a second time takes it out."""
    if st.query_params.get("unit") == unit:
        forget()
    else:
        st.query_params["unit"] = unit


def forget() -> None:
    """Look into nothing."""
    st.query_params.pop("unit", None)


def chosen(document: RunDocument) -> Selection | None:
    """Return what the address names; None for nothing, and for what the run does not have."""
    layer, _, unit = st.query_params.get("unit", "").rpartition(":")
    units = {each["name"]: each["units"] for each in document["levels"][0]["layers"] if each["name"] != INPUT}
    if layer not in units:
        return None
    number = {str(each): each for each in range(units[layer])}.get(unit)
    return Selection(layer, number)
