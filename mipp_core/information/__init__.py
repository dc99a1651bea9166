"""How much one layer's activations tell about the next layer's: batched regressors and the confidence in a gain."""

from mipp_core.information.confidence import LEVELS, confidence_of, fine_schedule, level_of, quantiles
from mipp_core.information.ensemble import Ensemble, Pairs

__all__ = ["LEVELS", "Ensemble", "Pairs", "confidence_of", "fine_schedule", "level_of", "quantiles"]
