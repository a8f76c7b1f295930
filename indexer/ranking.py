"""Weights that both engines share, so that an order learnt on one holds on the other.

Found on French administrative texts with judged queries (``bench/relevance.py``), not on the made letters.
"""

from typing import Final

RUN_FIELDS: Final = ("subject", "text")
"""The fields in which words that stand together lift a letter."""


class Weights:
    """How much a kind of match counts beside a stemmed one (1.0).

    OTHER_FIELDS: what a word counts in the fields beside its best one. NEAR: a word with a typing or reading mistake is
    found, below the word itself. SHAPE: a word whose letters a scan confuses. JOINED: a word that was read as two. SIDE:
    two words that were read as one. ALSO: a synonym, or the word that a
    mistyped one probably meant. TOGETHER: all words over subject and text taken as one. PAIRS: two neighbouring words
    of the query side by side. RUN: the words in their order.
    """

    FOLDED: Final = 0.5
    WRITTEN: Final = 0.1
    OTHER_FIELDS: Final = 0.5
    NEAR: Final = 0.2
    NEAR_PREFIX: Final = 1
    SHAPE: Final = 0.4
    JOINED: Final = 0.5
    SIDE: Final = 0.3
    ALSO: Final = 0.9
    TOGETHER: Final = 1.0
    PAIRS: Final = 0.2
    RUN: Final = 0.7
    RUN_SLOP: Final = 2
    RUN_WORDS: Final = 12
    EXACT_NUMBER: Final = 100.0
    NUMBER_PARTS: Final = 5.0
    NUMBER_ANY_ORDER: Final = 2.0


def number_boost(parts: int) -> float:
    """What a run of parts of a number counts: the more of them, the surer."""
    return Weights.NUMBER_PARTS * max(1.0, parts / 2)
