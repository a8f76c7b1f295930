"""Says which words of a search a found letter lacks, so that nobody opens it for a word that it does not have.

A letter holds a word in each form in which a person recognises it: inflected, by a synonym, with a mistake of typing or reading, parted
or joined by the reading. A word of the same matter, by which a search also finds letters, does not count. Both engines use it, on the
stored texts of the letters that they show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

from indexer import analysis, numbers, telephones
from indexer.passages import Stored, number_fits
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Run, Words, plain

MAX_CHARACTERS = 300_000
"""Of a letter with more text nothing is said: to look for a word in all of it takes a quarter of a second where all its words differ."""
MAX_WORDS = 5
"""Of a search with more words nothing is said: a sentence finds letters with a part of its words, and each lacks several."""
MIN_PARTED = 6
"""A word of so many letters is also looked for in two parts: the reading may have put a blank into it."""
MIN_PART = 2
"""The letters of such a part, at least."""


class Lacking:
    """The words of one search, looked for in each letter that it shows."""

    def __init__(self, parsed: ParsedQuery) -> None:
        found = [(node, leaf) for node in parsed.words if isinstance(leaf := plain(node), Words)]
        self._words = [(node, leaf) for node, leaf in found if not leaf.names_any_letter and len(found) <= MAX_WORDS]
        self._whole = Number(tuple(parsed.whole_number.split("/"))) if parsed.whole_number else None
        self._joined = {(a.folded, b.folded): a.folded + b.folded for a, b in pairwise(parsed.run)}

    def words(self, letter: Stored) -> tuple[str, ...]:
        """The words that the letter lacks, as typed and in their order; none where it holds all, or nothing is said of it."""
        if not self._words or _characters(letter) > MAX_CHARACTERS:
            return ()
        read = _Read(letter)
        if self._whole is not None and read.has_number(self._whole):
            return ()
        missing = [leaf for node, leaf in self._words if not read.holds(node)]
        if missing and self._joined:
            joined = {word for pair, one in self._joined.items() if one in read.folded for word in pair}
            missing = [leaf for leaf in missing if not joined.issuperset(form.folded for form in leaf.forms)]
        return tuple(dict.fromkeys(leaf.text.strip(analysis.PUNCTUATION) for leaf in missing))


@dataclass(frozen=True)
class _Read:
    """A letter, read for the words of a search: each part when a word first asks for it."""

    letter: Stored

    def holds(self, node: Node) -> bool:
        """Whether the letter holds a node."""
        if isinstance(node, AnyOf):
            return any(self.holds(inner) for inner in node.nodes)
        if isinstance(node, Number):
            return self.has_number(node)
        if not isinstance(node, Words):
            return True  # a beginning of a word is always required
        if all(form.folded in self._parts for form in node.forms):
            return True
        runs = (node.forms, *node.also)
        if any(self._has_run(run) for run in runs):
            return True
        if node.apart and all(form.stem in self.stems for form in node.apart):
            return True
        if node.telephone and node.telephone in telephones.held(self._texts):
            return True
        return any(len(run) == 1 and self._has_near(run[0]) for run in runs)

    def has_number(self, number: Number) -> bool:
        """Whether a number or reference of the letter is the wanted one, or a part of it is."""
        return any(
            number_fits(number, numbers.parts(value))
            for name in number.fields
            for value in self.letter.numbers.get(name, ())
        )

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all texts."""
        return frozenset(form.stem for form in self._different)

    @cached_property
    def folded(self) -> frozenset[str]:
        """The folded words of all texts."""
        return frozenset(form.folded for form in self._different)

    def _has_run(self, run: Run) -> bool:
        if not all(form.stem in self.stems for form in run):
            return False
        return len(run) == 1 or f" {' '.join(form.stem for form in run)} " in self._line_of_stems

    def _has_near(self, word: analysis.Forms) -> bool:
        """Whether the letter has a word with a mistake, or as two words."""
        distance = analysis.fuzzy_distance(word.folded)
        if distance and process.extractOne(word.folded, self.folded, scorer=OSA.distance, score_cutoff=distance):
            return True
        letters = word.folded
        if len(letters) < MIN_PARTED:
            return False
        ends = range(MIN_PART, len(letters) - MIN_PART + 1)
        return any(f" {letters[:end]} {letters[end:]} " in self._line for end in ends)

    @cached_property
    def _parts(self) -> frozenset[str]:
        """The parts of all numbers and references: the letters of an organisation stand there, and maybe nowhere else."""
        values = (value for found in self.letter.numbers.values() for value in found)
        return frozenset(part for value in values for part in numbers.parts(value))

    @cached_property
    def _texts(self) -> list[str]:
        return [*self.letter.texts.values(), *(text for _, _, text in self.letter.pages), *self.letter.beside]

    @cached_property
    def _spelled(self) -> list[list[str]]:
        return [self.letter.spelled(text) for text in self._texts]

    @cached_property
    def _different(self) -> list[analysis.Forms]:
        return [analysis.forms(word) for word in set[str]().union(*self._spelled)]

    @cached_property
    def _line(self) -> str:
        return _line([analysis.forms(word).folded for word in words] for words in self._spelled)

    @cached_property
    def _line_of_stems(self) -> str:
        return _line([analysis.forms(word).stem for word in words] for words in self._spelled)


def _line(texts: Iterable[Sequence[str]]) -> str:
    """The words of all texts in one line; a sign parts two texts."""
    return f" {' | '.join(' '.join(words) for words in texts)} "


def _characters(letter: Stored) -> int:
    texts = (*letter.texts.values(), *letter.beside)
    return sum(map(len, texts)) + sum(len(text) for _, _, text in letter.pages)
