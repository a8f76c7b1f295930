"""Weights that both engines share, so that an order learnt on one holds on the other."""

from typing import Final


class Weights:
    """How much a kind of match counts beside a stemmed one (1.0); the boosts of fields stand in ``fields``.

    FUZZY is a constant below any real match: a word with a typing mistake is found, never before the word itself.
    """

    FOLDED: Final = 0.5
    WRITTEN: Final = 0.3
    RUN: Final = 1.5
    RUN_SLOP: Final = 2
    FUZZY: Final = 0.001
    EXACT_NUMBER: Final = 100.0
    NUMBER_PARTS: Final = 5.0
    NUMBER_ANY_ORDER: Final = 2.0
