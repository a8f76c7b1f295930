"""Rereads the first letters found: does a letter contain, badly read, words that its index entry lacks?

Poor OCR joins and splits words, so that no entry of a dictionary is near to them. Here the letter's running text,
without blanks and by the shapes of its characters, is compared with each missing rare word, and with the words of the
query as one line. So a letter with all words, well or badly read, ranks above a letter that repeats some of them. The
rereading only raises scores: it lowers no letter and adds none. Both engines use it, on letters that the searcher may
see.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from rapidfuzz import fuzz

from indexer import analysis, shapes
from indexer.passages import Stored
from indexer.tree import ParsedQuery, Words

WINDOW = 50
"""The number of first letters to reread."""
MIN_WORDS = 3
"""With fewer words, likeness says too little to order letters."""
MIN_LETTERS = 5
MIN_ROOT = 4
MIN_LINE = 20
REREAD_CHARACTERS = 6_000
"""The characters of a letter to compare."""
MIN_BETWEEN = 10
_CHANCE_BETWEEN = 0.8
_CHANCE = ((8, 0.7), (6, 0.8), (0, 0.85))
"""(letters, likeness): below this likeness a match is chance. Any long text has something like a short word."""
_HELD = 2.0
_WORD = 1.5
_LINE = 3.0
_SURE = 0.5


class Rereading:
    """Scores the letters of one query."""

    def __init__(self, parsed: ParsedQuery) -> None:
        forms = [node.forms[0] for node in parsed.words if isinstance(node, Words) and len(node.forms) == 1]
        self.words = tuple(dict.fromkeys(one for one in forms if one.folded.isalpha()))
        self._begins = {word: f" {shapes.shape(root(word))}" for word in self.words}
        self._shapes = {word: shapes.shape(word.folded) for word in self.words}
        self._places = dict(_between_neighbours(parsed.run))
        line = "".join(shapes.shape(form.written) for form in parsed.run)
        self._line = line if len(line) >= MIN_LINE else ""

    @property
    def is_worth_it(self) -> bool:
        """Whether the query has enough words."""
        return len(self.words) >= MIN_WORDS

    def is_answered(self, letter: Stored) -> bool:
        """Whether a letter contains every word, and in one line: as the first letter, it needs no rereading."""
        spaced = _spaced(letter)
        if not all(begin in spaced for begin in self._begins.values()):
            return False
        return not self._line or _likeness(self._line, spaced.replace(" ", "")) > _SURE

    def lifts(self, letters: Sequence[Stored], weights: Mapping[str, float]) -> list[float]:
        """The gain of each letter's score.

        Args:
            weights: the ``weight`` of the stem of each word.
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
        """How surely a missing word is there, badly read: compared alone, or between its neighbours."""
        alone = _likeness(self._shapes[word], running) if len(word.folded) >= MIN_LETTERS else 0.0
        return max(alone, _likeness(self._places.get(word, ""), running, chance=_CHANCE_BETWEEN))


def weight(letters: int, holding: int) -> float:
    """The weight of a word that ``holding`` of all ``letters`` contain: the inverse document frequency of BM25."""
    return math.log(1 + (max(letters, holding) - holding + 0.5) / (holding + 0.5))


def root(word: analysis.Forms) -> str:
    """The beginning that a word's inflected forms share; a stem may also differ inside."""
    pairs = zip(word.folded, word.stem, strict=False)
    length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return word.folded[:length] if length >= MIN_ROOT else word.folded


def _between_neighbours(run: Sequence[analysis.Forms]) -> Iterator[tuple[analysis.Forms, str]]:
    """Each word of a line, with the text of the word before and after it, where that is long enough."""
    for at, word in enumerate(run):
        place = "".join(shapes.shape(form.written) for form in run[max(0, at - 1) : at + 2])
        if len(place) >= max(MIN_BETWEEN, len(word.folded) + MIN_ROOT):
            yield word, place


def _likeness(needle: str, text: str, *, chance: float | None = None) -> float:
    """Likeness at the best position in a text: 0 (chance) to 1 (identical)."""
    if not needle or len(text) < len(needle):
        return 0.0
    least = next(least for letters, least in _CHANCE if len(needle) >= letters) if chance is None else chance
    found = fuzz.partial_ratio(needle, text, score_cutoff=least * 100) / 100
    return max(0.0, found - least) / (1 - least)


def _spaced(letter: Stored) -> str:
    """A letter's words by their shapes, separated by single blanks."""
    whole_text = " ".join([*letter.texts.values(), *(text for _, _, text in letter.pages)])[:REREAD_CHARACTERS]
    return f" {shapes.running(whole_text)} "
