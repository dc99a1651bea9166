"""What each pruner of a comparison looks at and can do, and what it was seen to do."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
import streamlit as st

from mipp_core.reports.comparison_tables import characteristics
from pages.compare.choosing import Documents
from pages.compare.ranks import tall

_COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Looks at": {
            "data-dependent": "images",
            "labels": "labels",
            "gradients": "gradients",
            "activation-based": "activations",
            "adjacent layer": "next layer",
        },
        "Can": {"at initialisation": "start untrained", "own ratio": "own ratio"},
        "Seen in these runs": {
            "structured": "structured",
            "layer-wise ratios": "layer by layer",
            "collapse-resistant": "no collapse",
        },
    }
)
# Column -> what may stand in it, by the names that characteristics have.


def traits(table: pd.DataFrame) -> pd.DataFrame:
    """Return what holds of each pruner in words, and its shares in [0, 1].

    Args:
        table: what ``characteristics`` returns.
    """
    found = {
        column: [", ".join(word for name, word in words.items() if row[name]) for row in table.to_dict("records")]
        for column, words in _COLUMNS.items()
    }
    shares = {"First collapse": table["first collapse"], "Looked at up to": table["highest seen"]}
    return pd.DataFrame(found | shares, index=table.index)


def panel(documents: Documents, points: pd.DataFrame) -> None:
    """Draw the table."""
    st.header("Characteristics", anchor=False)
    table = traits(characteristics(documents, points))
    table.index.name = "Pruner"
    text, share = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        table,
        height=tall(table),
        alt="What each pruner looks at, can do, and was seen to do",
        placeholder="never",
        column_config={
            "Looks at": text("Looks at", width=200, help="Next layer: it judges units by what that reads."),
            "Can": text(
                "Can",
                width=170,
                help="Start untrained: prune a network at initialisation. Own ratio: it finds how much to prune.",
            ),
            "Seen in these runs": text(
                "Seen in these runs",
                width=240,
                help="Structured: whatever it removed made the network smaller. Layer by layer: layers lost different "
                "shares. No collapse: no layer lost all its units, and no network stayed at chance.",
            ),
            "First collapse": share(
                "First collapse",
                format="percent",
                width=95,
                help="The smallest share of units removed with a layer collapse or a network that stayed at chance.",
            ),
            "Looked at up to": share(
                "Looked at up to", format="percent", width=110, help="The largest share of units removed in these runs."
            ),
        },
    )
    st.caption(
        "What to see: who looks at little and does not collapse. What a pruner looks at is declared in its code and "
        "checked by its tests; the rest was seen in these runs."
    )
