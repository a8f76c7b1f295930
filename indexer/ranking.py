"""Weights that both engines share, so that an order tuned on one engine holds on the other.

Tuned on French administrative texts with judged queries (``bench/relevance.py``), not on the generated letters.
"""

from typing import Final

RUN_FIELDS: Final = ("subject", "text")
"""The fields in which neighbouring words raise the score of a letter."""


class Weights:
    """The weight of each kind of match; a stemmed match has 1.0.

    OTHER_FIELDS: a word in fields other than its best field. NEAR: a word with a typing or reading mistake, below the
    word itself. SHAPE: a word whose letters a scan confuses. JOINED: a word that was read as two. SIDE: two words that
    were read as one. BESIDE: a word that only one of two readers read. ALSO: a synonym, or the correction of a mistyped word. TOGETHER: all words over subject and text
    taken as one. PAIRS: two neighbouring words of the query side by side. RUN: the words in their order.
    """

    FOLDED: Final = 0.5
    WRITTEN: Final = 0.1
    OTHER_FIELDS: Final = 0.5
    NEAR: Final = 0.2
    NEAR_PREFIX: Final = 1
    SHAPE: Final = 0.4
    JOINED: Final = 0.5
    SIDE: Final = 0.3
    BESIDE: Final = 0.3
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
    """The weight of a run of parts of a number; it grows with the number of parts."""
    return Weights.NUMBER_PARTS * max(1.0, parts / 2)
