"""Which slim model the page is about."""

from dataclasses import dataclass
from threading import Lock

import streamlit as st

from mipp_core.errors import DataError
from mipp_core.experiments import entry_of
from mipp_core.experiments.slim import SlimNetwork
from pages.shared.finding import Found


@dataclass(frozen=True)
class Chosen:
    """A level of a run that has its weights.

    Attributes:
        found: the run.
        level: its number.
    """

    found: Found
    level: int

    @property
    def key(self) -> str:
        """Name the weights, as caches and the session do."""
        document, folder = self.found.document, self.found.folder
        return f"{document['hash']} {self.level} {folder or entry_of(document, self.level)['weights']}"

    def load(self) -> SlimNetwork:
        """Read the weights.

        Raises:
            DataError: they are damaged, or went away meanwhile.
        """
        weights = self.found.weights(self.level)
        if not weights:
            raise DataError("The weights of this level are gone or damaged; delete the run and start it again.")
        return SlimNetwork(self.found.document, self.level, weights)


@st.cache_resource(show_spinner=False)
def turn() -> Lock:
    """Return what visitors hold in turns: tracing patches PyTorch for the whole process, and a busy one times badly."""
    return Lock()
