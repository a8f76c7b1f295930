"""Two contents of a letter side by side: equal parts and changed parts, word by word. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest

from ged.dispatch.models import Party
from ged.richtext import marks
from ged.richtext.document import Document, PageBreak, plain_block, read
from ged.signbook.book import Content

MAX_COMPARED = 4_000_000
"""Words or lines of one side times those of the other: above it the sides are different as a whole."""
MAX_SAME = 50_000
"""The most pairs of equal words or lines that are tried; beyond it, frequent ones begin no common part."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Field(StrEnum):
    """The parts of a letter that are compared."""

    CIVILITY = "civility"
    SUBJECT = "subject"
    BODY = "body"
    ADDRESSEES = "addressees"
    COPIES = "copies"
    ANNEXES = "annexes"
    AMOUNT = "amount"


class Change(StrEnum):
    """What became of a line."""

    NONE = "none"
    WORDS = "words"
    FORM = "form"
    """The same words in another form: bold, a list, a heading."""
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Piece:
    """Some characters of a line; ``is_changed``: the other side has not got them."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True)
class Line:
    """A line of both sides; a side is empty where it has none."""

    change: Change
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


@dataclass(frozen=True)
class Part:
    """A part of the letter, with its lines."""

    field: Field
    lines: tuple[Line, ...]

    @property
    def is_changed(self) -> bool:
        """Whether any line differs."""
        return any(line.change is not Change.NONE for line in self.lines)


def compare(before: Content, after: Content) -> tuple[Part, ...]:
    """The parts of two contents, in the order of the form; parts that are empty on both sides are left out."""
    parts = (Part(field, _lines(lines_of(before), lines_of(after))) for field, lines_of in _LINES_OF.items())
    return tuple(part for part in parts if part.lines)


# --- the lines of a side ------------------------------------------------------------------------------------------

TextAndForm = tuple[str, str]
"""A line as it is shown, and with the marks of its form."""


def _same(text: str) -> list[TextAndForm]:
    return [(text, text)] if text else []


def _parties(parties: Sequence[Party]) -> list[TextAndForm]:
    shown = (", ".join(filter(None, (p.name, *p.address.splitlines(), p.email))) for p in parties)
    return [(text, text) for text in shown]


def _body(content: Content) -> list[TextAndForm]:
    document = read(content.rich) if content.rich else marks.from_plain(content.body)
    found: list[TextAndForm] = []
    for block in document.blocks:
        shown = marks.BREAK if isinstance(block, PageBreak) else plain_block(block)
        formed = marks.write(Document((block,)))
        lines, forms = shown.split("\n"), formed.split("\n")
        # The row of strokes below the heads of a table is no line of its own.
        forms = [line for line in forms if not re.fullmatch(r"\|(?:---\|)+", line)]
        same = len(lines) == len(forms)
        found += [(line, forms[n] if same else f"{type(block).__name__} {line}") for n, line in enumerate(lines)]
    return found


_LINES_OF: dict[Field, Callable[[Content], list[TextAndForm]]] = {
    Field.CIVILITY: lambda content: _same(content.civility),
    Field.SUBJECT: lambda content: _same(content.subject),
    Field.BODY: _body,
    Field.ADDRESSEES: lambda content: _parties(content.addressees),
    Field.COPIES: lambda content: _parties(content.copies),
    Field.ANNEXES: lambda content: [(annex.printed, f"{annex.id} {annex.printed}") for annex in content.annexes],
    Field.AMOUNT: lambda content: _same(f"{content.amount_xof:,}".replace(",", " ") if content.amount_xof else ""),
}


# --- side by side -------------------------------------------------------------------------------------------------

Span = tuple[str, int, int, int, int]
"""What became of a part (``equal`` or another tag of difflib), where it begins and ends before, and after."""


def _spans(before: Sequence[str], after: Sequence[str]) -> list[Span]:
    """The same and the different parts of two sides. The matcher's time grows with the third power of the repetitions."""
    if len(before) * len(after) > MAX_COMPARED:
        return [("replace", 0, len(before), 0, len(after))]
    times = Counter(after)
    is_repetitive = sum(times[one] for one in before) > MAX_SAME
    return list(SequenceMatcher(None, before, after, autojunk=is_repetitive).get_opcodes())


def _lines(before: list[TextAndForm], after: list[TextAndForm]) -> tuple[Line, ...]:
    found: list[Line] = []
    for tag, i, i_end, j, j_end in _spans([form for _, form in before], [form for _, form in after]):
        if tag == "equal":
            found += [Line(Change.NONE, (Piece(text),), (Piece(text),)) for text, _ in before[i:i_end]]
            continue
        found += _differing([text for text, _ in before[i:i_end]], [text for text, _ in after[j:j_end]])
    return tuple(found)


def _differing(before: list[str], after: list[str]) -> Iterator[Line]:
    """Lines between two that are the same: first those that differ in their form only, the others in their order."""
    for _tag, i, i_end, j, j_end in _spans(before, after):
        for one, other in zip_longest(before[i:i_end], after[j:j_end]):
            yield _line(one, other)


def _line(before: str | None, after: str | None) -> Line:
    if before is None:
        return Line(Change.ADDED, (), (Piece(after or "", is_changed=True),))
    if after is None:
        return Line(Change.REMOVED, (Piece(before, is_changed=True),), ())
    if before == after:
        return Line(Change.FORM, (Piece(before),), (Piece(after),))
    one, other = _WORDS.findall(before), _WORDS.findall(after)
    spans = _spans(one, other)
    return Line(
        Change.WORDS,
        tuple(_pieces(one, ((tag, i, i_end) for tag, i, i_end, _, _ in spans))),
        tuple(_pieces(other, ((tag, j, j_end) for tag, _, _, j, j_end in spans))),
    )


def _pieces(words: list[str], spans: Iterator[tuple[str, int, int]]) -> Iterator[Piece]:
    for tag, begin, end in spans:
        if begin < end:
            yield Piece("".join(words[begin:end]), is_changed=tag != "equal")
