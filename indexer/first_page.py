"""Scores the letters of a first page by the page itself: does a letter resemble its first letters, and does it begin with the
query's words?

The first letters are mostly of the matter that was meant, so a letter about something else, which has the words by chance, has
few words in common with them. And what a letter is about stands in its subject and its first lines. Both look at the letters
that the searcher may see, and ask the index for nothing. A score is only raised.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from indexer import analysis, shapes
from indexer.passages import Stored

PAGE: Final = 20
"""The number of first letters to score. Fifty cost more, and change nothing (measured)."""
FIRST: Final = 10
"""The number of letters that say what the matter is. With five, letters that count are lost (measured)."""
BEGINNING: Final = 600
"""The characters of a text to look at, after the subject."""
MIN_LETTERS: Final = 3
"""Shorter words say nothing of a matter."""
RESEMBLES: Final = 0.3
BEGINS: Final = 0.1
"""The most that each sign adds, as a part of the first letter's score.

Chosen on 149 judged French queries, 651 variants of them, pages of manuals, and made letters with 5 and 10 % of wrong
characters. From 0.1 to 0.5 and from 0.05 to 0.1 nearly all values gain a little, and none loses a letter on made ones."""
_STOP = frozenset(map(shapes.shape, analysis.STOP_WORDS))


def lifts(
    letters: Sequence[Stored],
    scores: Sequence[float],
    asked: Mapping[analysis.Forms, Sequence[str]],
    weights: Mapping[str, float],
) -> list[float]:
    """The gain of each letter's score.

    Args:
        letters, scores: the first page, best first.
        asked: each word of the query, with the beginnings of its writings (``Nearness.begins``).
        weights: the ``rereading.weight`` of the stem of each word.
    """
    top = max(scores, default=0.0)
    if top <= 0:
        return [0.0] * len(letters)
    texts = [_beginning(letter) for letter in letters]
    alike = _alike(texts, [score / top for score in scores[:FIRST]])
    begun = [_begun(f" {text} ", asked, weights) for text in texts]
    return [top * (RESEMBLES * one + BEGINS * other) for one, other in zip(alike, begun, strict=True)]


def _beginning(letter: Stored) -> str:
    """The shapes of the words of a letter's subject and of the beginning of its text."""
    text, left = "", BEGINNING
    for _, _, page in letter.pages:
        text += f" {page[:left]}"
        left = BEGINNING - len(text)
        if left <= 0:
            break
    return shapes.running(f"{letter.texts.get('subject', '')} {text}")


def _alike(texts: Sequence[str], shares: Sequence[float]) -> list[float]:
    """How much each text resembles the first ones (0..1): the mean of the cosines, each first text by its share."""
    words = [{word for word in text.split() if len(word) >= MIN_LETTERS and word not in _STOP} for text in texts]
    having = Counter(word for one in words for word in one)
    # Rare on this page, as in ``nearness``: the index would have to be asked for each word.
    rare = {word: math.log(1 + len(texts) / count) for word, count in having.items()}
    norms = [math.sqrt(sum(rare[word] ** 2 for word in one)) for one in words]
    middle: dict[str, float] = defaultdict(float)
    for one, norm, share in zip(words, norms, shares, strict=False):
        for word in one:
            middle[word] += share * rare[word] / norm / len(shares)
    return [
        sum(middle.get(word, 0.0) * rare[word] for word in one) / norm if norm else 0.0
        for one, norm in zip(words, norms, strict=True)
    ]


def _begun(spaced: str, asked: Mapping[analysis.Forms, Sequence[str]], weights: Mapping[str, float]) -> float:
    """The part (0..1) of the query's words, by how rare they are, that stand in a text."""
    whole = sum(weights.get(word.stem, 0.0) for word in asked)
    held = [word for word, begins in asked.items() if any(begin in spaced for begin in begins)]
    return sum(weights.get(word.stem, 0.0) for word in held) / whole if whole else 0.0
