"""What ``import mipp_core`` offers."""

from mipp_core.augmentation import Augmentation
from mipp_core.cutting.inspection import Inspection, inspect
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.recalibration import recalibrate
from mipp_core.cutting.surgery import shrink
from mipp_core.data import DATASETS, Deformation, load_dataset
from mipp_core.errors import MippError
from mipp_core.experiments import run
from mipp_core.models import MODELS, Architecture, architecture
from mipp_core.pruners import PRUNERS, Mipp, pruner
from mipp_core.pruning import Pruned, prune
from mipp_core.reports.archive import load_slim, save_run, save_slim, slim_description
from mipp_core.runs import NetworkSpec, RunResult, RunSpec
from mipp_core.store import Store
from mipp_core.training import RECIPES, Recipe, train
from mipp_core.version import __version__

__all__ = [
    "DATASETS",
    "MODELS",
    "PRUNERS",
    "RECIPES",
    "Architecture",
    "Augmentation",
    "Deformation",
    "Inspection",
    "KeepMasks",
    "Mipp",
    "MippError",
    "NetworkSpec",
    "Pruned",
    "Recipe",
    "RunResult",
    "RunSpec",
    "Store",
    "__version__",
    "architecture",
    "inspect",
    "load_dataset",
    "load_slim",
    "prune",
    "pruner",
    "rebuild",
    "recalibrate",
    "run",
    "save_run",
    "save_slim",
    "shrink",
    "slim_description",
    "train",
]
