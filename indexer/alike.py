"""The words by which letters similar to a letter are found: the part that both engines share. Pure."""

import math
from collections import Counter
from typing import Final

from indexer import analysis, correcting
from indexer.passages import Stored

MOST_WORDS: Final = 25
SHARE: Final = 0.3
"""A similar letter has at least this part of the words."""
MIN_LETTERS: Final = 3
IN_SUBJECT: Final = 6
"""A word of the subject counts as so many words of the text."""
RARER: Final = 2
"""The power of a word's length by which its count is multiplied. With these figures, letters of one judged query find each other as
well as by the words that are rarest in all letters (measured)."""


def telling(letter: Stored) -> list[tuple[str, float]]:
    """The stems of a letter that say what it is about, each with its weight.

    They are chosen by the letter alone: the words of its subject, repeated words, and of these the long ones, which are rarer. How
    rare a word is in all letters orders the letters found. It must not choose the words: by them a letter is found or not, so that
    letters of others would decide it.
    """
    counts: Counter[str] = Counter()
    for weight, texts in (
        (IN_SUBJECT, [letter.texts.get("subject", "")]),
        (1, [text for _, _, text in letter.pages]),
    ):
        for text in texts:
            for form in map(analysis.forms, analysis.spelled(text)):
                if _says_something(form):
                    counts[form.stem] += weight
    chosen = sorted(counts, key=lambda stem: (-counts[stem] * len(stem) ** RARER, stem))
    return [(stem, math.sqrt(counts[stem])) for stem in chosen[:MOST_WORDS]]


def least(words: int) -> int:
    """How many of so many words a similar letter has."""
    return max(1, int(words * SHARE))


def _says_something(form: analysis.Forms) -> bool:
    is_usual = analysis.is_stop_word(form) or form.folded in correcting.KNOWN or form.written in analysis.QUESTION_WORDS
    return len(form.stem) >= MIN_LETTERS and not is_usual
