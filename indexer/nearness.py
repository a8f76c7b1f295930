"""Scores the first letters found by two signs that an index entry tells badly.

How much of a letter's subject is the query? A subject of the query's words alone says more than a long subject that has
them too. Each word counts by how rare it is: a rare word that nobody asked for makes it the subject of another matter,
and a word that most of these letters have in their subject does not. Each word of a short query is meant,
so the subject of a letter that lacks one says less: the subject "Borne" has only words of "borne Ablavi", but a letter
without "Ablavi" is not the one that was looked for. And how near to each other do all words of the query stand in the text? Neighbours and phrases score
in the index; words of one sentence in another order do not. A score is only raised.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from indexer import analysis, shapes
from indexer.passages import Stored
from indexer.rereading import REREAD_CHARACTERS, root
from indexer.tree import ParsedQuery, Words

WINDOW: Final = 20
"""The number of first letters to score: a page. More letters change nothing (measured)."""
MIN_WORDS: Final = 2
"""A single word is near to nothing."""
MAX_PLACES: Final = 100
"""The places of one word to look at."""
SHORT: Final = 3
"""The number of words up to which each is meant. A longer query is a description, and a letter seldom has all its words."""
LEAST: Final = 0.01
"""The weight of a query's word that no letter has."""
SUBJECT: Final = 8.0
NEAR: Final = 4.5
OTHER: Final = 3.0
"""The weight of a subject's word that is not of the query: times how few of the letters looked at have it. Their subjects
stand for those of the whole index, which the engine would have to be asked for at each search.

The three were chosen on 149 judged French queries and 651 variants of them, and on two made collections, of letters and of
pages of manuals: one of these gained by them, the letters lost 0.0013 to 0.0025 of nDCG@10, and no success@3."""

WeightsOf = Callable[[Sequence[str]], Mapping[str, float]]
"""Stems -> the ``rereading.weight`` of each."""


class Nearness:
    """Scores the letters of one query."""

    def __init__(self, parsed: ParsedQuery) -> None:
        words = _written(parsed)
        self._stems = {form.stem for writings in words.values() for form in writings}
        self.begins = {word: [f" {shapes.shape(root(form))}" for form in writings] for word, writings in words.items()}
        """Each word, with the beginnings of its own writing and of its synonyms, as they stand in a running text."""
        self._is_alone = len(parsed.words) == 1
        self._lengths = [len(word.folded) + 1 for word in words]

    @property
    def is_worth_it(self) -> bool:
        """Whether the query has several words, or is one word. Beside a number, one word says too little of a subject."""
        return len(self._lengths) >= MIN_WORDS or (len(self._lengths) == 1 and self._is_alone)

    def lifts(self, letters: Sequence[Stored], weights_of: WeightsOf) -> list[float]:
        """The gain of each letter's score."""
        weights = weights_of(sorted(self._stems))
        shares = self._shares([_subject(letter) for letter in letters], weights)
        if len(self._lengths) < MIN_WORDS:
            return [SUBJECT * share for share in shares]
        gains = []
        for share, letter in zip(shares, letters, strict=True):
            text = f" {shapes.running(' '.join(text for _, _, text in letter.pages)[:REREAD_CHARACTERS])} "
            # A subject without a word of the query gains nothing: its letter need not be read for them.
            held = self._held(letter, text, weights) if share else 0.0
            gains.append(SUBJECT * share * held + NEAR * self._near(text))
        return gains

    def _held(self, letter: Stored, text: str, weights: Mapping[str, float]) -> float:
        """The part (0..1) of a short query's words, by their weight, that stand in a letter; 1 of a longer query.

        A word behind the beginning of the text is not found here: to read all of it would cost more than it changes.

        Args:
            text: the beginning of the letter's text, as shapes.
        """
        if len(self.begins) > SHORT:
            return 1.0
        whole = f" {shapes.running(' '.join([*letter.texts.values(), *letter.beside]))}{text}"
        total = found = 0.0
        for word, begins in self.begins.items():
            weight = max(weights.get(word.stem, 0.0), LEAST)
            total += weight
            found += weight * any(begin in whole for begin in begins)
        return found / total

    def _shares(self, subjects: Sequence[Sequence[str]], weights: Mapping[str, float]) -> Iterator[float]:
        """The part (0..1) of each subject's words, by their weight, that are words of the query."""
        having = Counter(stem for subject in subjects for stem in set(subject))
        for subject in subjects:
            asked = sum(weights.get(stem, 0.0) for stem in subject if stem in self._stems)
            other = sum(
                OTHER * math.log(1 + len(subjects) / having[stem]) for stem in subject if stem not in self._stems
            )
            yield asked / (asked + other) if asked else 0.0

    def _near(self, text: str) -> float:
        """The query's length by that of the shortest piece of the text with all its words (0..1); 0 without it."""
        places: list[tuple[int, int]] = []
        for word, begins in enumerate(self.begins.values()):
            found = [(at, word) for begin in begins for at in _places(text, begin)]
            if not found:
                return 0.0
            places += found
        return min(1.0, sum(self._lengths) / self._shortest(sorted(places)))

    def _shortest(self, places: Sequence[tuple[int, int]]) -> int:
        shortest = REREAD_CHARACTERS
        last: dict[int, int] = {}
        for at, word in places:
            last[word] = at
            if len(last) == len(self._lengths):
                shortest = min(shortest, at + self._lengths[word] - min(last.values()))
        return shortest


def _written(parsed: ParsedQuery) -> Mapping[analysis.Forms, Sequence[analysis.Forms]]:
    """Each single word of a query, with its synonyms of one word."""
    single = [node for node in parsed.words if isinstance(node, Words) and len(node.forms) == 1]
    return {node.forms[0]: (node.forms[0], *(run[0] for run in node.also if len(run) == 1)) for node in single}


def _subject(letter: Stored) -> list[str]:
    """The stems of a letter's subject, without stop words."""
    words = analysis.words(letter.texts.get("subject", ""))
    return [form.stem for form in words if not analysis.is_stop_word(form)]


def _places(text: str, begin: str) -> Iterator[int]:
    at = text.find(begin)
    for _ in range(MAX_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(begin, at + 1)
