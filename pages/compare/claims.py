"""The paper's claims, each beside our figures."""

from dataclasses import asdict
from types import MappingProxyType

import pandas as pd
import streamlit as st

from mipp_core.reports.claims import Claim, claims, shipped_evidence

MARKS = MappingProxyType(
    {
        "confirmed": "✓ confirmed",
        "refuted": "✕ refuted",
        "partly": "◐ in part",
        "not tested": "– not tested yet",
        "not testable here": "– not testable here",
    }
)


@st.cache_data(show_spinner=False, max_entries=1)
def _claims() -> list[Claim]:
    return claims(shipped_evidence())


def panel() -> None:
    """Show what became of each claim; from shipped results, whatever is chosen beside."""
    st.header("The paper's claims", anchor=False)
    table = pd.DataFrame([asdict(claim) for claim in _claims()])
    table["ruling"] = table.ruling.map(MARKS)
    table = table[["ruling", "words", "figures", "place"]]
    table.columns = ["Here", "The MIPP paper's claim", "Our figures", "Where"]
    st.table(table.set_index("Here"), border="horizontal")
    st.caption(
        "What to see: which claims stand. Each is judged from the shipped results, by the rule for ties above, and "
        "where one seed is given, of that run alone: a claim about accuracy is refuted where another pruner is ahead "
        "by more than the seeds explain. Our networks are trained for fewer epochs than the paper's, and fewer kinds "
        "of networks were run."
    )
