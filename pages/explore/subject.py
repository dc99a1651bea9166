"""The dense network of a run and images at hand, to compute with at the page."""

from dataclasses import dataclass

import streamlit as st
from torch import nn

from mipp_core.checkpoints.fitting import load
from mipp_core.data import Split
from mipp_core.experiments.networks import initial_network
from mipp_core.reports.in_browser import images_at_hand
from mipp_core.runs import RunSpec
from pages.shared.finding import Found


@dataclass(frozen=True)
class Subject:
    """A run's dense network, and images at hand."""

    model: nn.Module
    train: Split
    test: Split


@st.cache_resource(show_spinner=False, max_entries=2)
def subject(name: str, _found: Found) -> Subject | None:
    """Return a run's dense network and images; None where the network is not here.

    Raises:
        MippError: the images are not here.
    """
    network = RunSpec.from_json(_found.document["spec"]).network
    weights = _found.dense()
    if not weights:
        return None
    model = initial_network(network)
    load(model, weights)
    data = images_at_hand(network)
    return Subject(model, data.train.in_memory(), data.test.in_memory())
