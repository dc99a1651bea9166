import pytest
from malformed_old import CASES


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_file_is_a_sentence(case: str, refusal):
    content, part = CASES[case]
    assert part in refusal(content)
