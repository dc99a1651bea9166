"""Errors a user can act on: each says the value, the limit and the remedy in one sentence."""

from collections.abc import Iterable


class MippError(Exception):
    """A problem the user can mend; the message is shown as it is, without a traceback."""


class UnknownNameError(MippError):
    """A registry was asked for a name it does not hold."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} called {name!r}; choose one of: {', '.join(known)}.")


class SettingError(MippError):
    """A setting is outside its range."""


class DataError(MippError):
    """A dataset is missing, damaged, or cannot be downloaded or written."""


class ModelError(MippError):
    """A network cannot be followed, cut or rebuilt."""


class CancelledError(MippError):
    """The user asked a long computation to stop."""


class ResourceNote(UserWarning):
    """Something a user should know though nothing is lost, such as smaller batches for want of memory."""
