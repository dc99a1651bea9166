"""What a layer that CMI has cut says of itself."""

import pytest

from mipp_core.information.ordering import Ordering
from mipp_core.pruners.cmi_trace import CutLayer


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "given nothing else"),
        (("b",), "given what is kept of b"),
        (("b", "c", "d"), "given what is kept of b, c and d"),
        (("a", "b"), "given the stream that it reads and what is kept of b"),
    ],
)
def test_what_is_given_is_said(given: tuple[str, ...], said: str):
    cut = CutLayer("a", given, Ordering((0,), (0.0, 1.0), (0.0, 1.0), 4), (), 1)
    assert cut.condition == said
