"""Text that is shown as it is."""

import re


def plainly(text: str) -> str:
    """Escape whatever Streamlit would take for markup: formulas, and words that came with an address."""
    return re.sub(r"([\\*_~$\[\]#<>|])", r"\\\1", text.replace("``", ""))
