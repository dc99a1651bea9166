"""Model families and the value that rebuilds any of their networks."""

from mipp_core.models.architecture import Architecture, architecture, family
from mipp_core.models.families import MODELS
from mipp_core.models.family import Family
from mipp_core.models.from_file import load_file

__all__ = ["MODELS", "Architecture", "Family", "architecture", "family", "load_file"]
