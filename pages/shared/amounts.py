"""Amounts in words."""


def in_bytes(count: float) -> str:
    """Write a number of bytes in three digits."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:.3g} {unit}"
    return f"{count:.0f} bytes"
