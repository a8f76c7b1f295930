"""Words in lines: the data that reader, text layer and port exchange."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from ged.ports import Word

BETWEEN_CELLS = " | "
"""Separates two cells in a text: a search ignores it, and two neighbouring numbers stay two."""


@dataclass(frozen=True)
class Token:
    """A word and its box in fractions 0..1 of the page; confidence 0..100.

    ``is_known``: whether the reader's dictionary has it; ``None``: the reader does not tell.
    """

    text: str
    x: float
    y: float
    width: float
    height: float
    confidence: float
    is_known: bool | None = None

    def word(self) -> Word:
        """The word as a value of the port, rounded to what the eye can see (a page is 10,000 steps wide)."""
        return Word(
            self.text,
            round(self.x, 4),
            round(self.y, 4),
            round(self.width, 4),
            round(self.height, 4),
            round(self.confidence, 1),
        )


@dataclass(frozen=True)
class Line:
    """Words of one line in reading order; ``starts_paragraph`` puts an empty line before it.

    A row of a table is one line: ``cells`` counts the words of each of its cells, ``table`` the page's tables from 1.
    """

    tokens: tuple[Token, ...]
    starts_paragraph: bool = False
    cells: tuple[int, ...] = ()
    table: int = 0

    @property
    def text(self) -> str:
        """The words, joined by blanks, with a bar between non-empty cells of a row."""
        parts = (" ".join(token.text for token in words) for words in self.parts)
        return BETWEEN_CELLS.join(part for part in parts if part)

    @property
    def parts(self) -> Iterator[tuple[Token, ...]]:
        """The words of each cell; all words if the line is not a row of a table."""
        for start, end in pairwise(accumulate(self.cells or (len(self.tokens),), initial=0)):
            yield self.tokens[start:end]

    @property
    def heights(self) -> Iterator[Sequence[Token]]:
        """The words of each base line; a cell may have several base lines."""
        for words in self.parts:
            yield from by_height(words) if self.cells else (words,)


def by_height(tokens: Iterable[Token]) -> list[list[Token]]:
    """The words grouped by height on the page, from the top, and from left to right."""
    found: list[list[Token]] = []
    for token in sorted(tokens, key=lambda token: token.y + token.height / 2):
        if found and token.y + token.height / 2 < found[-1][0].y + found[-1][0].height:
            found[-1].append(token)
        else:
            found.append([token])
    return [sorted(line, key=lambda token: token.x) for line in found]


def text_of(lines: Sequence[Line]) -> str:
    """The text of a page, line by line, with an empty line between paragraphs."""
    parts: list[str] = []
    for line in lines:
        if line.starts_paragraph and parts:
            parts.append("")
        parts.append(line.text)
    return "\n".join(parts)


def confidence_of(lines: Sequence[Line]) -> float:
    """Mean confidence, weighted by the length of the words; 0 without words."""
    weight = sum(len(token.text) for line in lines for token in line.tokens)
    total = sum(len(token.text) * token.confidence for line in lines for token in line.tokens)
    return round(total / weight, 1) if weight else 0.0
