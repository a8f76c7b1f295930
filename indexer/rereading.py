"""The first letters found, looked at once more: does one hold, badly read, the words that its index entry lacks?

A poor reading runs words together and splits them, so that no entry of a dictionary is near to them. Here the letter's
running text, without its blanks and by the shapes of its letters, is compared with each rare word that is missing and
with the words asked for as one line. A letter that has all words, well or badly read, is so lifted above one that says some
of them often. What is found lifts a letter; nothing lowers one, and none is added. Both engines
use it, on letters that the searcher may see.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from rapidfuzz import fuzz

from ged.ports import SearchQuery, SortOrder
from indexer import analysis, shapes
from indexer.passages import Stored
from indexer.tree import ParsedQuery, Words

WINDOW = 50
"""So many of the first letters are looked at."""
MIN_WORDS = 3
"""Fewer words say too little to order letters by their likeness."""
MIN_LETTERS = 5
MIN_ROOT = 4
MIN_LINE = 20
MAX_CHARACTERS = 6_000
"""So much of a letter is looked at."""
MIN_BETWEEN = 10
_CHANCE_BETWEEN = 0.8
_CHANCE = ((8, 0.7), (6, 0.8), (0, 0.85))
"""Less likeness than this is chance, for so many letters: a short word is like something in any long text."""
_HELD = 2.0
_WORD = 1.5
_LINE = 3.0
_SURE = 0.5


class Rereading:
    """Orders letters for one query."""

    def __init__(self, parsed: ParsedQuery) -> None:
        forms = [node.forms[0] for node in parsed.words if isinstance(node, Words) and len(node.forms) == 1]
        self.words = tuple(dict.fromkeys(one for one in forms if one.folded.isalpha()))
        self._begins = {word: f" {shapes.shape(_root(word))}" for word in self.words}
        self._shapes = {word: shapes.shape(word.folded) for word in self.words}
        self._places = dict(_between_neighbours(parsed.run))
        line = "".join(shapes.shape(form.written) for form in parsed.run)
        self._line = line if len(line) >= MIN_LINE else ""

    @property
    def is_worth_it(self) -> bool:
        """Whether the query says enough."""
        return len(self.words) >= MIN_WORDS

    def is_answered(self, letter: Stored) -> bool:
        """Whether a letter has every word, and in one line, so that nothing is in doubt when it is the first."""
        spaced = _spaced(letter)
        if not all(begin in spaced for begin in self._begins.values()):
            return False
        return not self._line or _likeness(self._line, spaced.replace(" ", "")) > _SURE

    def lifts(self, letters: Sequence[Stored], weights: Mapping[str, float]) -> list[float]:
        """How much each letter gains.

        Args:
            weights: how telling the stem of each word is (``weight``).
        """
        return [self._lift(_spaced(letter), weights) for letter in letters]

    def _lift(self, spaced: str, weights: Mapping[str, float]) -> float:
        running = spaced.replace(" ", "")
        lift = 0.0
        for word in self.words:
            telling = weights.get(word.stem, 0.0)
            if self._begins[word] in spaced:
                lift += _HELD * telling
            else:
                lift += (_HELD + _WORD) * telling * self._there(word, running)
        if self._line:
            lift += _LINE * sum(weights.get(word.stem, 0.0) for word in self.words) * _likeness(self._line, running)
        return lift

    def _there(self, word: analysis.Forms, running: str) -> float:
        """How surely a word that is missing was badly read: by itself, or between the words that stand around it."""
        alone = _likeness(self._shapes[word], running) if len(word.folded) >= MIN_LETTERS else 0.0
        return max(alone, _likeness(self._places.get(word, ""), running, chance=_CHANCE_BETWEEN))


def rereading_of(query: SearchQuery, parsed: ParsedQuery) -> Rereading | None:
    """What looks at the first letters of a search once more, where that is of use."""
    found = Rereading(parsed)
    by_relevance = query.sort is SortOrder.RELEVANCE and query.offset < WINDOW and query.limit > 0
    return found if by_relevance and found.is_worth_it else None


def weight(letters: int, holding: int) -> float:
    """How telling a word is that so many of all letters hold (the measure of BM25)."""
    return math.log(1 + (max(letters, holding) - holding + 0.5) / (holding + 0.5))


def _root(word: analysis.Forms) -> str:
    """The beginning that a word's inflected forms share; a stem may also be respelled within."""
    pairs = zip(word.folded, word.stem, strict=False)
    length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return word.folded[:length] if length >= MIN_ROOT else word.folded


def _between_neighbours(run: Sequence[analysis.Forms]) -> Iterator[tuple[analysis.Forms, str]]:
    """Each word of a line with the one before and the one after it, where they say enough."""
    for at, word in enumerate(run):
        place = "".join(shapes.shape(form.written) for form in run[max(0, at - 1) : at + 2])
        if len(place) >= max(MIN_BETWEEN, len(word.folded) + MIN_ROOT):
            yield word, place


def _likeness(needle: str, text: str, *, chance: float | None = None) -> float:
    """0 (chance) to 1 (as it stands) for the best place in a text."""
    if not needle or len(text) < len(needle):
        return 0.0
    least = next(least for letters, least in _CHANCE if len(needle) >= letters) if chance is None else chance
    found = fuzz.partial_ratio(needle, text, score_cutoff=least * 100) / 100
    return max(0.0, found - least) / (1 - least)


def _spaced(letter: Stored) -> str:
    """A letter's words by their shapes, parted by single blanks."""
    told = " ".join([*letter.texts.values(), *(text for _, _, text in letter.pages)])[:MAX_CHARACTERS]
    return f" {shapes.running(told)} "
