"""The registry of model families.  A new family is one file and one line here."""

from mipp_core.models.family import Family
from mipp_core.models.lenet5 import LENET5
from mipp_core.models.mlp import MLP

MODELS: dict[str, Family] = {
    "lenet5": LENET5,
    "mlp": MLP,
}
