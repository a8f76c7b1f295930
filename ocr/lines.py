"""Words in lines, as they pass between reader, text layer and the port."""

from collections.abc import Sequence
from dataclasses import dataclass

from ged.ports import Word


@dataclass(frozen=True)
class Token:
    """A word and its box in fractions 0..1 of the page; confidence 0..100."""

    text: str
    x: float
    y: float
    width: float
    height: float
    confidence: float

    def word(self) -> Word:
        """The word as the port names it, rounded to what the eye can see (a page is 10,000 steps wide)."""
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
    """Words of one line in reading order; ``starts_paragraph`` puts an empty line before it."""

    tokens: tuple[Token, ...]
    starts_paragraph: bool = False

    @property
    def text(self) -> str:
        """The words with spaces between."""
        return " ".join(token.text for token in self.tokens)


def text_of(lines: Sequence[Line]) -> str:
    """The text of a page: a line each, paragraphs parted by an empty line."""
    parts: list[str] = []
    for line in lines:
        if line.starts_paragraph and parts:
            parts.append("")
        parts.append(line.text)
    return "\n".join(parts)


def confidence_of(lines: Sequence[Line]) -> float:
    """Mean confidence weighted by the length of the words, 0 when there are none."""
    weight = sum(len(token.text) for line in lines for token in line.tokens)
    total = sum(len(token.text) * token.confidence for line in lines for token in line.tokens)
    return round(total / weight, 1) if weight else 0.0
