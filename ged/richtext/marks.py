"""The document as a text with light marks, for a form without JavaScript, and back. Pure.

=====================  ======================================================================
``**gras**``           bold
``*italique*``         italic
``__souligné__``       underlined
``# Titre``            heading; ``## Titre`` a smaller one
``- élément``          list; two spaces before it: a list below
``1. élément``         numbered list
``| a | b |``          row of a table; a second line ``|---|---|`` makes the first row its heads
``[saut de page]``     page break, alone on its line
empty line             end of the paragraph; a single line end is a line break
``\\``                  before a mark: the character itself
=====================  ======================================================================

Lines of cells with tabs between them, as they come from a spreadsheet, are a table.
"""

import re
from collections import deque
from collections.abc import Iterator

from ged.errors import Invalid
from ged.richtext.document import (
    LONGEST,
    MAX_TEXT,
    OPENING,
    Block,
    Document,
    Heading,
    Item,
    Items,
    Mark,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    Table,
    normal,
    read,
)

SIGNS = {"**": Mark.STRONG, "*": Mark.EM, "__": Mark.UNDERLINE}
BREAK = "[saut de page]"
_TOKEN = re.compile(r"\\(?P<escaped>[\\*_|#\-.\[)•+])|(?P<sign>\*\*|__|\*)|(?P<plain>.)", re.DOTALL)
_HEADING = re.compile(r"(#{1,2})\s+(\S.*)")
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?:(?P<bullet>[-•]|[·▪o§](?=\t))|(?P<number>\d{1,3})[.)])[ \t]+(?P<text>\S.*)")
_HEADS = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+\s*")
_STARTS = re.compile(r"#{1,2}\s|[-•]\s|\||\[saut de page\]$", re.IGNORECASE)
_NUMBERED = re.compile(r"(\d{1,3})([.)]\s)")


# --- reading ------------------------------------------------------------------------------------------------------


def parse(text: str) -> Document:
    """The document of a text with light marks. Any text is one: an unknown mark is a character.

    Raises:
        Invalid: ``draft.too_long``, ``draft.table_large``.
    """
    if len(text) > LONGEST:
        # Before it is taken apart: a character takes much memory.
        raise Invalid("draft.too_long", "shorten it", field="body", limit=MAX_TEXT)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return normal(_Reader(lines).blocks())


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def blocks(self) -> Iterator[Block]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            heading = _HEADING.fullmatch(line.strip())
            if not line.strip():
                self.at += 1
            elif line.strip().casefold() == BREAK:
                self.at += 1
                yield PageBreak()
            elif heading:
                self.at += 1
                yield Heading(len(heading[1]), inline(heading[2]))
            elif line.lstrip().startswith("|"):
                yield self._table()
            elif _ITEM.fullmatch(line):
                yield from self._lists()
            elif self._is_tabbed(self.at) and self._is_tabbed(self.at + 1):
                yield self._tabbed()
            else:
                yield self._paragraph()

    def _is_tabbed(self, at: int) -> bool:
        return at < len(self.lines) and "\t" in self.lines[at].strip() and not _ITEM.fullmatch(self.lines[at])

    def _starts(self, line: str) -> bool:
        """Whether a line is the first of another block than a paragraph."""
        bare = line.strip()
        return (
            not bare
            or bare.casefold() == BREAK
            or bare.startswith("|")
            or _HEADING.fullmatch(bare) is not None
            or _ITEM.fullmatch(line) is not None
        )

    def _paragraph(self) -> Paragraph:
        found = [self.lines[self.at]]
        self.at += 1
        while self.at < len(self.lines) and not self._starts(self.lines[self.at]):
            if self._is_tabbed(self.at) and self._is_tabbed(self.at + 1):
                break
            found.append(self.lines[self.at])
            self.at += 1
        return Paragraph(inline("\n".join(line.strip() for line in found)))

    def _table(self) -> Table:
        rows: list[tuple[Runs, ...]] = []
        headed = False
        while self.at < len(self.lines) and self.lines[self.at].lstrip().startswith("|"):
            line = self.lines[self.at].strip()
            self.at += 1
            if len(rows) == 1 and not headed and _HEADS.fullmatch(line):
                headed = True
                continue
            rows.append(tuple(inline(cell) for cell in _cells(line)))
        return Table(tuple(rows), headed)

    def _tabbed(self) -> Table:
        rows: list[tuple[Runs, ...]] = []
        while self._is_tabbed(self.at):
            rows.append(tuple(inline(cell.strip()) for cell in self.lines[self.at].rstrip().split("\t")))
            self.at += 1
        return Table(tuple(rows))

    def _lists(self) -> Iterator[Items]:
        rows: list[tuple[int, int, str]] = []  # depth, number or 0, text
        while self.at < len(self.lines):
            line = self.lines[self.at]
            found = _ITEM.fullmatch(line)
            if found:
                indent = len(found["indent"].expandtabs(2))
                depth = min(indent // 2, rows[-1][0] + 1 if rows else 0)
                number = max(int(found["number"]), 1) if found["number"] else 0
                if rows and not depth and bool(rows[0][1]) != bool(number):
                    break
                rows.append((depth, number, found["text"].strip()))
            elif rows and line.startswith("  ") and line.strip() and not self._starts(line):
                depth, number, text = rows[-1]
                rows[-1] = (depth, number, f"{text}\n{line.strip()}")
            else:
                break
            self.at += 1
        yield from _nested(rows, 0)


def _nested(rows: list[tuple[int, int, str]], depth: int) -> list[Items]:
    """The lists of rows: consecutive rows of one kind are one list, deeper rows lie below the row before them."""
    lists: list[tuple[int, list[Item]]] = []
    n = 0
    while n < len(rows):
        _, number, text = rows[n]
        end = n + 1
        while end < len(rows) and rows[end][0] > depth:
            end += 1
        item = Item(inline(text), tuple(_nested(rows[n + 1 : end], depth + 1)))
        if lists and bool(lists[-1][0]) == bool(number):
            lists[-1][1].append(item)
        else:
            lists.append((number, [item]))
        n = end
    return [Items(tuple(items), start) for start, items in lists]


def _cells(line: str) -> list[str]:
    """The cells of a row; ``\\|`` is no end of a cell, ``\\n`` a line break in one."""
    inner = line.strip()[1:]
    cells, cell, at = [], "", 0
    while at < len(inner):
        if inner[at] == "\\" and at + 1 < len(inner):
            cell += "\n" if inner[at + 1] == "n" else inner[at : at + 2]
            at += 2
            continue
        if inner[at] == "|":
            cells.append(cell.strip())
            cell = ""
        else:
            cell += inner[at]
        at += 1
    return [*cells, cell.strip()] if cell.strip() else cells


def inline(text: str) -> Runs:
    """The runs of a line. Each mark is a switch of its own; one that is not closed is a character."""
    characters: list[str] = []
    marks: list[frozenset[Mark]] = []
    opened: dict[Mark, tuple[int, int]] = {}  # where its text begins, and the place of the sign as characters
    signs: list[tuple[int, str]] = []  # signs that are characters if nothing closes them
    for found in _TOKEN.finditer(text):
        sign = found["sign"]
        if sign is None:
            characters.append(found["escaped"] or found["plain"])
            marks.append(frozenset())
            continue
        mark = SIGNS[sign]
        after = text[found.end() : found.end() + 1]
        if mark in opened and characters and not characters[-1].isspace() and len(characters) > opened[mark][0]:
            begin, place = opened.pop(mark)
            signs[place] = (signs[place][0], "")
            for n in range(begin, len(characters)):
                marks[n] |= {mark}
        elif mark not in opened and after and not after.isspace():
            opened[mark] = (len(characters), len(signs))
            signs.append((len(characters), sign))
        else:
            signs.append((len(characters), sign))
    return _runs(characters, marks, signs)


def _runs(characters: list[str], marks: list[frozenset[Mark]], signs: list[tuple[int, str]]) -> Runs:
    runs: list[Run] = []
    left = deque(one for one in signs if one[1])
    for n in range(len(characters) + 1):
        while left and left[0][0] == n:
            runs.append(Run(left.popleft()[1]))
        if n < len(characters):
            runs.append(Run(characters[n], marks[n]))
    return tuple(runs)


# --- writing ------------------------------------------------------------------------------------------------------


def write(document: Document) -> str:
    """The text with light marks of a normal document: ``parse`` reads the same document from it."""
    return "\n\n".join(_block(block) for block in document.blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph(runs):
            return "\n".join(_safe_line(line) for line in _signed(runs).split("\n"))
        case Heading(level, runs):
            return f"{'#' * level} {_signed(runs)}"
        case Items():
            return "\n".join(_lines(block, 0))
        case Table(rows, headed):
            lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
            return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]] if headed else lines)
        case PageBreak():
            return BREAK


def _lines(block: Items, depth: int) -> Iterator[str]:
    for n, item in enumerate(block.items):
        sign = f"{block.start + n}." if block.start else "-"
        first, *more = _signed(item.runs).split("\n")
        yield f"{'  ' * depth}{sign} {first}"
        yield from (f"{'  ' * (depth + 1)}{_safe_line(line)}" for line in more)
        for below in item.below:
            yield from _lines(below, depth + 1)


def _cell(runs: Runs) -> str:
    text = _signed(runs).replace("|", "\\|").replace("\n", "\\n")
    return f"\\{text}" if text.startswith("-") else text


def _safe_line(line: str) -> str:
    """A line of a paragraph that would begin another block, with a stroke before its sign."""
    if _STARTS.match(line):
        return f"\\{line}"
    return _NUMBERED.sub(r"\1\\\2", line, count=1) if _NUMBERED.match(line) else line


def _signed(runs: Runs) -> str:
    text = ""
    on: frozenset[Mark] = frozenset()
    by_mark = {mark: sign for sign, mark in SIGNS.items()}
    for run in (*runs, Run("")):
        closing = [mark for mark in reversed(Mark) if mark in on - run.marks]
        opening = [mark for mark in Mark if mark in run.marks - on]
        text += "".join(by_mark[mark] for mark in (*closing, *opening)) + _escaped(run.text)
        on = run.marks
    return text


def _escaped(text: str) -> str:
    return re.sub(r"[\\*]|_(?=_|$)|(?<=_)_|^_", lambda found: "\\" + found[0], text)


def from_plain(text: str) -> Document:
    """The document of a text without forms, as letters were written before: a line of "- " is an item of a list."""
    escaped = "\n".join(_escaped(line) for line in text.replace("\r\n", "\n").split("\n"))
    # Forms are recognised behind blanks, too.
    return parse("\n".join(re.sub(r"^(\s*)(#{1,2}\s|\||\[)", r"\1\\\2", line) for line in escaped.split("\n")))


def document_of(text: str) -> Document:
    """The document that a form sends: the editor's JSON, or a text with light marks.

    Raises:
        Invalid: ``draft.rich_unknown``, ``draft.too_long``, ``draft.table_large``.
    """
    return read(text) if text.startswith(OPENING) else parse(text)
