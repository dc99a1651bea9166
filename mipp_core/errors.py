"""Errors a user can act on: each names the value, the limit and the remedy in one sentence."""

from collections.abc import Iterable


class MippError(Exception):
    """A problem the user can fix; the message is shown as it is, without a traceback."""


class UnknownNameError(MippError):
    """A registry does not have the name that was asked for."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} called {name!r}; choose one of: {', '.join(known)}.")


class SettingError(MippError):
    """A setting is outside its range."""


class DataError(MippError):
    """A dataset is missing, damaged, or cannot be downloaded or written."""


class ImagesError(DataError):
    """Images of a user's own cannot be used as they are."""


class ModelError(MippError):
    """A network cannot be followed, cut or rebuilt."""


class CancelledError(MippError):
    """The user stopped a long computation."""


class MippWarning(UserWarning):
    """Something the user should know although the work went on."""


class ResourceNote(MippWarning):
    """Nothing is lost, but the work took another way, such as smaller batches because memory is short."""


class CollapseWarning(MippWarning):
    """A layer that nothing goes round has no unit left: the network gives one answer for every image."""


class TargetWarning(MippWarning):
    """A target was missed by more than one unit's worth; this is the nearest that can be reached."""
