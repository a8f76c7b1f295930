"""Each fault that a bridge can report has French words in the site."""

from scanner_bridge.faults import ADVICE
from web.words.fault_words import FAULTS


def test_each_fault_of_the_bridge_has_words_and_a_remedy() -> None:
    assert set(FAULTS) == set(ADVICE)
    assert all(str(words.what) and str(words.remedy) for words in FAULTS.values())
