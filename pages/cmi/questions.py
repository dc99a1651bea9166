"""Open questions of CMI pruning, each answered by a few runs, which can be looked at one by one."""

from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.reports.cmi_questions import QUESTIONS, Answer, Question, answer
from mipp_core.runs import RunSpec
from pages.cmi import controls
from pages.shared import finding


def panel(spec: RunSpec | None) -> None:
    """Draw the choice of a question, its answer, and a button per run that answers it.

    Args:
        spec: what the controls describe now.
    """
    chosen = st.pills("Open questions", list(QUESTIONS), format_func=_short, key="question", bind="query-params")
    if chosen is None:
        return
    question = QUESTIONS[chosen]
    answers = _answers(question)
    with st.container(border=True):
        st.markdown(f"**{question.asks}** {question.says}")
        if answers:
            st.dataframe(_table(answers), alt=question.asks, column_config=_columns())
            st.caption(_said(answers))
        else:
            st.info("Nobody has run this yet: choose one of its settings and start it.", icon=":material/info:")
        with st.container(horizontal=True, gap="small"):
            for name, variant in question.variants.items():
                same = spec is not None and spec.hash == variant.hash
                st.button(
                    f"Show: {name}",
                    key=f"show {name}",
                    type="primary" if same else "secondary",
                    on_click=controls.apply,
                    args=(variant,),
                )


def _short(name: str) -> str:
    return _NAMES[name]


_NAMES = MappingProxyType(
    {
        "alpha": "order α",
        "width": "kernel width",
        "rule": "rule for the width",
        "given": "what is given",
        "cut-off": "cut-off",
        "residual": "residual network",
        "images": "digits and photographs",
    }
)


def _answers(question: Question) -> dict[str, Answer]:
    """Return what is known: shipped, or run on this machine."""
    found = {}
    for name, runs in question.seeded().items():
        documents = [each.document for run in runs if (each := finding.find(run))]
        given = answer([document for document in documents if document.get("orders")])
        if given:
            found[name] = given
    return found


def _table(answers: dict[str, Answer]) -> pd.DataFrame:
    rows = {
        name: {
            "Removed": each.removed[0],
            "Kept": "/".join(map(str, each.kept)) if len(each.kept) < _MANY else "",
            "Saturated": f"{each.saturated} of {len(each.kept)}",
            "Dense": each.dense[0],
            "Cut": each.cut[0],
            "Rebuilt": each.rebuilt[0],
            "Retrained": each.retrained[0],
            "± seeds": each.retrained[1],
            "Seconds": each.seconds,
        }
        for name, each in answers.items()
    }
    found = pd.DataFrame.from_dict(rows, orient="index")
    return found if found.Kept.any() else found.drop(columns="Kept")


_MANY = 8


def _columns() -> dict[str, Any]:
    shares = ("Removed", "Dense", "Cut", "Rebuilt", "Retrained")
    percent = {name: st.column_config.NumberColumn(format="percent", step=0.001) for name in shares}
    return {
        **percent,
        "Kept": st.column_config.TextColumn("Kept, seed 0", help="Units kept in each layer, seed 0."),
        "Saturated": st.column_config.TextColumn(
            help="Layers whose joint entropy was full before half of their units were picked, seed 0."
        ),
        "± seeds": st.column_config.NumberColumn(
            format="percent", help="Standard deviation of the retrained accuracy over seeds."
        ),
        "Seconds": st.column_config.NumberColumn(format="%.0f", help="Ordering and cutting, on one CPU core."),
    }


def _said(answers: dict[str, Answer]) -> str:
    """Say which variant keeps most of the accuracy, if the seeds' spread allows that, and which cuts most."""
    ranked = sorted(answers, key=lambda name: -answers[name].retrained[0])
    best, others = ranked[0], ranked[1:]
    most = max(answers, key=lambda name: answers[name].removed[0])
    seeds = sorted({each.seeds for each in answers.values()})
    count = f"{seeds[0]} seed{'s' * (seeds[0] > 1)}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    words = (
        f"Test accuracies, mean over {count}. Of these settings *{most}* removes most ({answers[most].removed[0]:.0%})"
    )
    top = answers[best].retrained
    if not others:
        return f"{words}."
    equal = [name for name in others if top[0] - answers[name].retrained[0] <= top[1] + answers[name].retrained[1]]
    if len(equal) == len(others):
        return f"{words}; after retraining the differences are within the seeds' spread."
    joined = f", level with {', '.join(f'*{name}*' for name in equal)}" if equal else ""
    return f"{words}; after retraining the setting *{best}* has most of the accuracy ({top[0]:.1%}){joined}."
