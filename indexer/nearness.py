"""Scores the first letters found by two signs that an index entry tells badly.

How much of a letter's subject is the query? A subject of the query's words alone says more than a long subject that has
them too. And how near to each other do all words of the query stand in the text? Neighbours and phrases score in the
index; words of one sentence in another order do not. A score is only raised.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from indexer import analysis, shapes
from indexer.passages import Stored
from indexer.rereading import MAX_CHARACTERS, root
from indexer.tree import ParsedQuery, Words

WINDOW: Final = 20
"""The number of first letters to score: a page. More letters change nothing (measured)."""
MIN_WORDS: Final = 2
MAX_PLACES: Final = 100
"""The places of one word to look at."""
SUBJECT: Final = 4.0
NEAR: Final = 3.6


class Nearness:
    """Scores the letters of one query."""

    def __init__(self, parsed: ParsedQuery) -> None:
        single = [node for node in parsed.words if isinstance(node, Words) and len(node.forms) == 1]
        words = {node.forms[0]: (node.forms[0], *(run[0] for run in node.also if len(run) == 1)) for node in single}
        self._stems = {form.stem for writings in words.values() for form in writings}
        self._begins = [[f" {shapes.shape(root(form))}" for form in writings] for writings in words.values()]
        self._lengths = [len(word.folded) + 1 for word in words]

    @property
    def is_worth_it(self) -> bool:
        """Whether the query has several words."""
        return len(self._lengths) >= MIN_WORDS

    def lifts(self, letters: Sequence[Stored]) -> list[float]:
        """The gain of each letter's score."""
        return [SUBJECT * self._share(letter) + NEAR * self._near(letter) for letter in letters]

    def _share(self, letter: Stored) -> float:
        """The part (0..1) of the subject's words that are words of the query."""
        said = [
            form.stem for form in analysis.words(letter.texts.get("subject", "")) if not analysis.is_stop_word(form)
        ]
        return sum(stem in self._stems for stem in said) / len(said) if said else 0.0

    def _near(self, letter: Stored) -> float:
        """The query's length by that of the shortest piece of the text with all its words (0..1); 0 without it."""
        text = shapes.running(" ".join(text for _, _, text in letter.pages)[:MAX_CHARACTERS])
        spaced = f" {text} "
        places: list[tuple[int, int]] = []
        for word, begins in enumerate(self._begins):
            found = [(at, word) for begin in begins for at in _places(spaced, begin)]
            if not found:
                return 0.0
            places += found
        return min(1.0, sum(self._lengths) / self._shortest(sorted(places)))

    def _shortest(self, places: Sequence[tuple[int, int]]) -> int:
        shortest = MAX_CHARACTERS
        last: dict[int, int] = {}
        for at, word in places:
            last[word] = at
            if len(last) == len(self._lengths):
                shortest = min(shortest, at + self._lengths[word] - min(last.values()))
        return shortest


def _places(text: str, begin: str) -> Iterator[int]:
    at = text.find(begin)
    for _ in range(MAX_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(begin, at + 1)
