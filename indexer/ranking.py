"""Weights that both engines share, so that an order tuned on one engine holds on the other.

Tuned on French administrative texts with judged queries (``bench/relevance.py``), not on the generated letters.
"""

from collections.abc import Callable, Mapping
from typing import Final

from indexer import number_words
from indexer.tree import Run

RUN_FIELDS: Final = ("subject", "text")
"""The fields in which neighbouring words raise the score of a letter."""


class Weights:
    """The weight of each kind of match.

    A stemmed match has the weight of its field (``fields.FIELDS``). HELD: a word that a letter contains, in the name of its
    correspondent too, however rare it is and however often: so letters with all words rank above letters that repeat some. IN_SUBJECT: the same
    of the subject alone. FOLDED: a word as it was typed, without its accents, by field. WRITTEN: with its accents.
    PAIRS: two neighbouring words of the query side by side in the text. RUN: the words in their order, in the text or in the name of a correspondent.
    OTHER_FIELDS: a word in fields other than its best field, where a word is typed with its field or in quotes. NEAR: a
    word with a typing or reading mistake, or read as two words: times how rare the word is, however often. SHAPE: a
    word whose letters a scan confuses. SIDE: two words that were read as one. BESIDE: a word that only one of two
    readers read. ALSO: a synonym, or the correction of a mistyped word. AKIN: a word of the same matter. APART: the words of a
    compound that do not stand together. EXACT_AMOUNT: a whole amount, or a part of a number that is it: more than all that a letter
    gains whose larger amount begins so. TELEPHONE: a telephone, in any writing.
    """

    HELD: Final = 0.7
    IN_SUBJECT: Final = 0.5
    FOLDED: Final[Mapping[str, float]] = {"subject": 0.25, "text": 0.7}
    WRITTEN: Final = 0.1
    PAIRS: Final = 0.3
    RUN: Final = 0.35
    RUN_SLOP: Final = 2
    RUN_WORDS: Final = 12
    OTHER_FIELDS: Final = 0.5
    NEAR: Final = 0.9
    NEAR_PREFIX: Final = 1
    SHAPE: Final = 1.5
    SIDE: Final = 0.3
    BESIDE: Final = 0.3
    ALSO: Final = 0.9
    AKIN: Final = 0.7
    APART: Final = 0.6
    EXACT_NUMBER: Final = 100.0
    EXACT_AMOUNT: Final = 40.0
    TELEPHONE: Final = 1.25
    NUMBER_PARTS: Final = 5.0
    NUMBER_ANY_ORDER: Final = 2.0


def number_boost(parts: int) -> float:
    """The weight of a run of parts of a number; it grows with the number of parts."""
    return Weights.NUMBER_PARTS * max(1.0, parts / 2)


def akin_boost(typed: Run, akin: Run, weight: Callable[[str], float]) -> float:
    """The weight of a word of the same matter beside the typed words: never more than theirs."""
    return Weights.AKIN * min(1.0, also_boost(typed, akin, weight))


def also_boost(typed: Run, also: Run, weight: Callable[[str], float]) -> float:
    """The weight of a synonym beside the typed words.

    A phrase scores by the sum of its words, so a long name would outweigh its abbreviation: *contrat à durée déterminée*
    that of *CDD*. It is lowered to what the typed words weigh. Only an ordinal number in two words is raised to it: *13*
    and *e* are frequent words, *13 e* is as rare as *13e*.

    Args:
        weight: how rare a stem is.
    """
    own, other = (sum(weight(form.stem) for form in run) for run in (typed, also))
    if not other:
        return Weights.ALSO
    part = own / other
    return Weights.ALSO * (part if number_words.is_in_two_words(also) else min(1.0, part))
