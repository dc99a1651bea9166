"""Model families, and the ``Architecture`` from which any of their networks can be built again."""

from mipp_core.models.architecture import Architecture, architecture, family
from mipp_core.models.families import MODELS
from mipp_core.models.family import Family
from mipp_core.models.from_file import load_file

__all__ = ["MODELS", "Architecture", "Family", "architecture", "family", "load_file"]
