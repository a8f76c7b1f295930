"""The shape of a paper. In every text, what stands between ``[[`` and ``]]`` is a blank that a person fills in. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = re.compile(r"\[\[([^\[\]]+)\]\]")
_SEVERAL = re.compile(r"\[{2,}|\]{2,}")


@dataclass(frozen=True)
class Heading:
    """A heading: an article, or a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``is_note``: a remark to whoever completes the draft."""

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A table. ``widths``: of its columns, in parts of the whole."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Signing:
    """The place where somebody signs by hand."""

    title: str


Block = Heading | Paragraph | Items | Rows | Signing


@dataclass(frozen=True)
class Text:
    """A paper.

    Attributes:
        name: for the file and the footer.
        title: lines of the title.
    """

    name: str
    title: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def blanks(self) -> tuple[str, ...]:
        """What a person has to fill in, in the order of the paper; each once."""
        said = (label for line in self._lines() for label, is_blank in runs(line) if is_blank)
        return tuple(dict.fromkeys(said))

    def _lines(self) -> Iterator[str]:
        yield from self.title
        for block in self.blocks:
            match block:
                case Heading(text) | Paragraph(text) | Signing(text):
                    yield text
                case Items(items):
                    yield from items
                case Rows(head, rows, _):
                    yield from head
                    for row in rows:
                        yield from row


def runs(line: str) -> tuple[tuple[str, bool], ...]:
    """The parts of a line: text, or the label of a blank and True."""
    parts = _BLANK.split(line)
    return tuple((part, n % 2 == 1) for n, part in enumerate(parts) if part)


def plain(value: str) -> str:
    """A value of the organisation as it may stand in a line: a name never makes a blank."""
    return _SEVERAL.sub(lambda found: found[0][0], value)
