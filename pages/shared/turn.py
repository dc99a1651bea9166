"""A lock, so that visitors use the network one at a time."""

from threading import RLock

_TURN = RLock()


def turn() -> RLock:
    """Return the lock that a visitor holds while a network is built, recorded, run or timed.

    Building draws from PyTorch's one random generator, exporting patches PyTorch for the whole process, and a busy
    processor times badly: two visitors at once would spoil each other's result.
    """
    return _TURN
