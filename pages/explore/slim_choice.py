"""Which slim network the page is about."""

from dataclasses import dataclass

from torch import Tensor

from mipp_core.errors import DataError
from mipp_core.experiments.remaking import Remade, can_be_remade, remade
from mipp_core.reports.slim import SlimNetwork
from mipp_core.reports.tables import Measure, measures_of
from mipp_core.runs import RunSpec, entry_of, masks_of
from pages.shared.finding import Found, store
from pages.shared.turn import turn


@dataclass(frozen=True)
class Chosen:
    """A level of a run that has its weights.

    Attributes:
        found: the run.
        level: its number.
        measure: which weights: retrained, or others that are made when they are asked for.
    """

    found: Found
    level: int
    measure: Measure = "retrained"

    @property
    def key(self) -> str:
        """Name the weights, as caches and the session do."""
        document, folder = self.found.document, self.found.folder
        return f"{document['hash']} {self.level} {self.measure} {folder or entry_of(document, self.level)['weights']}"

    def load(self) -> SlimNetwork:
        """Read the weights.

        Raises:
            DataError: they are damaged, or went away meanwhile.
        """
        with turn():
            weights = self._retrained() if self.measure == "retrained" else self._remade(self.measure)
        if not weights:
            raise DataError("The weights of this level are gone or damaged; delete the run and start it again.")
        return SlimNetwork(self.found.document, self.level, weights, self.measure)

    def measures(self) -> list[Measure]:
        """Return which weights there are, or can be made without training anything."""
        document = self.found.document
        if self.found.is_shipped or not can_be_remade(RunSpec.from_json(document["spec"]), store()):
            return ["retrained"]
        return list(measures_of(document))

    def _retrained(self) -> dict[str, Tensor]:
        return self.found.weights(self.level)

    def _remade(self, how: Remade) -> dict[str, Tensor]:
        spec, masks = (
            RunSpec.from_json(self.found.document["spec"]),
            masks_of(entry_of(self.found.document, self.level)),
        )
        return remade(spec, masks, how, store())
