"""The document of a letter's text, and its stored form: the JSON of the editor, read by an allow-list. Pure.

The stored form, in the editor's names (https://prosemirror.net/docs/ref/#model)::

    {"type": "doc", "content": [block, ...]}
    block:  {"type": "paragraph", "content": [inline, ...]}
            {"type": "heading", "attrs": {"level": 1 | 2}, "content": [inline, ...]}
            {"type": "bullet_list", "content": [item, ...]}
            {"type": "ordered_list", "attrs": {"order": 1}, "content": [item, ...]}
            {"type": "table", "content": [{"type": "table_row", "content": [cell, ...]}, ...]}
            {"type": "page_break"}
    item:   {"type": "list_item", "content": [paragraph, list, ...]}
    cell:   {"type": "table_cell" | "table_header", "content": [paragraph, ...]}
    inline: {"type": "text", "text": "...", "marks": [{"type": "strong" | "em" | "underline"}, ...]}
            {"type": "hard_break"}

A document is normal: no empty paragraph, no space at the edge of a line or of a mark, no tab (a space in a line), all
rows of a table of one length. So one text has one form, and two forms that differ are two texts.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from ged.errors import Invalid

MAX_JSON, MAX_TEXT, MAX_BLOCKS, MAX_ROWS, MAX_COLUMNS, MAX_DEPTH = 2_000_000, 60_000, 2_000, 500, 12, 4
LONGEST = 4 * MAX_TEXT
"""Characters of a text as it is sent, with spaces and signs that its normal form leaves out."""
OPENING = '{"type":"doc"'
"""How the stored form begins."""


class Mark(StrEnum):
    """A form of characters."""

    STRONG = "strong"
    EM = "em"
    UNDERLINE = "underline"


@dataclass(frozen=True)
class Run:
    """Characters of one form; ``\\n`` is a line break."""

    text: str
    marks: frozenset[Mark] = frozenset()


Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Paragraph:
    """Lines of text."""

    runs: Runs


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2."""

    level: int
    runs: Runs


@dataclass(frozen=True)
class Item:
    """An item of a list, with the lists below it."""

    runs: Runs
    below: tuple["Items", ...] = ()


@dataclass(frozen=True)
class Items:
    """A list; ``start``: the first number, 0 for a list with bullets."""

    items: tuple[Item, ...]
    start: int = 0


@dataclass(frozen=True)
class Table:
    """A table: rows of cells; ``headed``: the first row is the heads of the columns."""

    rows: tuple[tuple[Runs, ...], ...]
    headed: bool = False


@dataclass(frozen=True)
class PageBreak:
    """What follows begins on a new page."""


Block = Paragraph | Heading | Items | Table | PageBreak


@dataclass(frozen=True)
class Document:
    """The text of a letter."""

    blocks: tuple[Block, ...] = ()


# --- normal form --------------------------------------------------------------------------------------------------

Characters = list[tuple[str, frozenset[Mark]]]


def normal_runs(runs: Iterable[Run]) -> Runs:
    """The same text in its one form: printable, single spaces, none at the edge of a line or of a mark."""
    characters: Characters = []
    for run in runs:
        for character in run.text:
            # No-break spaces too: typography puts them where they belong, on the screen and on paper.
            at = " " if character.isspace() and character != "\n" else character
            if at != "\n" and unicodedata.category(at) in ("Cc", "Cf", "Cs", "Co", "Cn"):
                continue
            if at == " " and (not characters or characters[-1][0] in " \n"):
                continue
            if at == "\n" and characters and characters[-1][0] == " ":
                characters.pop()
            characters.append((at, frozenset() if at == "\n" else run.marks))
    while characters and characters[-1][0].isspace():
        characters.pop()
    first = next((n for n, one in enumerate(characters) if not one[0].isspace()), 0)
    characters = characters[first:]
    return _joined(_trimmed(_single_breaks(characters)))


def _single_breaks(characters: Characters) -> Characters:
    """Without empty lines: the light marks would read them as the end of the paragraph."""
    return [one for n, one in enumerate(characters) if not (one[0] == "\n" and n and characters[n - 1][0] == "\n")]


def _trimmed(characters: Characters) -> Characters:
    """Spaces at the edges of a mark lose it: nobody sees them, and the light marks could not say them."""
    found = [character for character, _ in characters]
    marks = [marks for _, marks in characters]
    for mark in Mark:
        for has, group in groupby(range(len(found)), key=lambda n: mark in marks[n]):
            place = list(group)
            if not has:
                continue
            for edge in (place, place[::-1]):
                for n in edge:
                    if not found[n].isspace():
                        break
                    marks[n] -= {mark}
    return list(zip(found, marks, strict=True))


def _joined(characters: Characters) -> Runs:
    return tuple(
        Run("".join(character for character, _ in group), marks)
        for marks, group in groupby(characters, key=lambda one: one[1])
    )


def normal(blocks: Iterable[Block]) -> Document:
    """The document in its one form.

    Raises:
        Invalid: ``draft.rich_large``: more than a letter holds.
    """
    found: list[Block] = []
    for block in blocks:
        one = _normal_block(block)
        if one is None or (isinstance(one, PageBreak) and (not found or isinstance(found[-1], PageBreak))):
            continue
        last = found[-1] if found else None
        if isinstance(one, Items) and isinstance(last, Items) and not one.start and not last.start:
            found[-1] = replace(last, items=(*last.items, *one.items))
            continue
        found.append(one)
    while found and isinstance(found[-1], PageBreak):
        found.pop()
    document = Document(tuple(found))
    if len(found) > MAX_BLOCKS or sum(len(run.text) for run in all_runs(document)) > MAX_TEXT:
        raise Invalid("draft.too_long", "shorten it", field="body", limit=MAX_TEXT)
    return document


def _normal_block(block: Block) -> Block | None:
    match block:
        case Paragraph(runs):
            kept = normal_runs(runs)
            return Paragraph(kept) if kept else None
        case Heading(level, runs):
            kept = normal_runs(Run(run.text.replace("\n", " "), run.marks) for run in runs)
            return Heading(1 if level <= 1 else 2, kept) if kept else None
        case Items():
            found = _normal_items(block, 1)
            while found is not None and (again := _normal_items(found, 1)) != found:
                found = again  # lists that moved up meet others
            return found
        case Table():
            return _normal_table(block)
        case PageBreak():
            return block


def _normal_items(block: Items, depth: int) -> Items | None:
    kept: list[Item] = []
    for item in block.items:
        runs = normal_runs(item.runs)
        below = _merged(one for one in (_normal_items(two, depth + 1) for two in item.below) if one is not None)
        if not runs and below and kept:
            # An item without text holds what belongs below the item before it.
            kept[-1] = replace(kept[-1], below=_merged((*kept[-1].below, *below)))
        elif runs and depth < MAX_DEPTH:
            kept.append(Item(runs, below))
        elif runs:
            kept.append(Item(runs))
            kept.extend(item for one in below for item in one.items)
        else:
            kept.extend(item for one in below for item in one.items)
    return Items(tuple(kept), min(max(block.start, 0), 999)) if kept else None


def _merged(lists: Iterable[Items]) -> tuple[Items, ...]:
    found: list[Items] = []
    for one in lists:
        if found and bool(found[-1].start) == bool(one.start):
            found[-1] = replace(found[-1], items=(*found[-1].items, *one.items))
        else:
            found.append(one)
    return tuple(found)


def _normal_table(block: Table) -> Table | None:
    rows = [[normal_runs(cell) for cell in row] for row in block.rows]
    rows = [row for row in rows if any(row)]
    width = max((len(row) for row in rows), default=0)
    while width and not any(row[width - 1] for row in rows if len(row) >= width):
        width -= 1
    if not width:
        return None
    if width > MAX_COLUMNS or len(rows) > MAX_ROWS:
        raise Invalid("draft.table_large", "divide the table", field="body", columns=MAX_COLUMNS, rows=MAX_ROWS)
    padded = tuple((*row[:width], *[()] * (width - len(row))) for row in rows)
    return Table(padded, block.headed and bool(block.rows) and any(map(normal_runs, block.rows[0])))


# --- walking ------------------------------------------------------------------------------------------------------


def all_runs(document: Document) -> Iterator[Run]:
    """Every run, in reading order."""
    for block in document.blocks:
        match block:
            case Paragraph(runs) | Heading(_, runs):
                yield from runs
            case Items():
                yield from _runs_of(block)
            case Table(rows):
                yield from (run for row in rows for cell in row for run in cell)
            case PageBreak():
                pass


def _runs_of(block: Items) -> Iterator[Run]:
    for item in block.items:
        yield from item.runs
        for below in item.below:
            yield from _runs_of(below)


def text_of(runs: Runs) -> str:
    """The characters of runs."""
    return "".join(run.text for run in runs)


def plain(document: Document) -> str:
    """The text without forms, for an index, a comparison, and rules that look for words."""
    return "\n\n".join(filter(None, (plain_block(block) for block in document.blocks)))


def plain_block(block: Block) -> str:
    """The text of a block, a line for each line, item or row."""
    match block:
        case Paragraph(runs) | Heading(_, runs):
            return text_of(runs)
        case Items():
            return "\n".join(_plain_items(block, 0))
        case Table(rows):
            return "\n".join(" | ".join(text_of(cell).replace("\n", " ") for cell in row) for row in rows)
        case PageBreak():
            return ""


def _plain_items(block: Items, depth: int) -> Iterator[str]:
    for n, item in enumerate(block.items):
        sign = f"{block.start + n}." if block.start else "-"
        yield f"{'  ' * depth}{sign} {text_of(item.runs)}"
        for below in item.below:
            yield from _plain_items(below, depth + 1)


def mapped(document: Document, change: Callable[[str], str]) -> Document:
    """The normal document with the text of each run changed, for names in braces: what is put in is characters."""

    def runs_of(runs: Runs) -> Runs:
        return tuple(Run(change(run.text), run.marks) for run in runs)

    def items_of(block: Items) -> Items:
        return replace(
            block,
            items=tuple(Item(runs_of(item.runs), tuple(items_of(one) for one in item.below)) for item in block.items),
        )

    def block_of(block: Block) -> Block:
        match block:
            case Paragraph(runs):
                return Paragraph(runs_of(runs))
            case Heading(level, runs):
                return Heading(level, runs_of(runs))
            case Items():
                return items_of(block)
            case Table(rows, headed):
                return Table(tuple(tuple(runs_of(cell) for cell in row) for row in rows), headed)
            case PageBreak():
                return block

    return normal(block_of(block) for block in document.blocks)


# --- the stored form ----------------------------------------------------------------------------------------------


def read(text: str) -> Document:
    """The document of a stored form, from the database or from a browser: anything not on the list is refused.

    Raises:
        Invalid: ``draft.rich_unknown``: not such a document; ``draft.too_long``, ``draft.table_large``.
    """
    if len(text) > MAX_JSON:
        raise Invalid("draft.too_long", "shorten it", field="body", limit=MAX_TEXT)
    try:
        node = json.loads(text)
        blocks = tuple(_blocks(_content(_node(node, "doc"))))
    # RecursionError: ``json`` itself recurses, and 2 MB of brackets are deeper than its stack.
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Invalid("draft.rich_unknown", "reload the page", field="body", detail=type(error).__name__) from None
    if sum(len(run.text) for run in all_runs(Document(blocks))) > LONGEST:
        # Before it is taken apart: a character takes much memory.
        raise Invalid("draft.too_long", "shorten it", field="body", limit=MAX_TEXT)
    return normal(blocks)


Node = dict[str, Any]


def _node(value: object, *types: str) -> Node:
    if not isinstance(value, dict) or value.get("type") not in types:
        raise ValueError(types)
    return value


def _content(node: Node) -> list[object]:
    content = node.get("content", [])
    if not isinstance(content, list):
        raise TypeError
    return content


def _whole(node: Node, name: str) -> int:
    value = node.get("attrs", {}).get(name, 1)
    if type(value) is not int:
        raise TypeError
    return value


BLOCKS = ("paragraph", "heading", "bullet_list", "ordered_list", "table", "page_break")
LISTS = ("bullet_list", "ordered_list")


def _blocks(content: list[object]) -> Iterator[Block]:
    for value in content:
        node = _node(value, *BLOCKS)
        match node["type"]:
            case "paragraph":
                yield Paragraph(_inline(node))
            case "heading":
                yield Heading(_whole(node, "level"), _inline(node))
            case "table":
                yield _table(node)
            case "page_break":
                yield PageBreak()
            case _:
                yield _items(node, 1)


def _items(node: Node, depth: int) -> Items:
    if depth > 20:
        raise ValueError(depth)
    start = max(_whole(node, "order"), 1) if node["type"] == "ordered_list" else 0
    return Items(tuple(_item(_node(one, "list_item"), depth) for one in _content(node)), start)


def _item(node: Node, depth: int) -> Item:
    runs: list[Run] = []
    below: list[Items] = []
    for value in _content(node):
        child = _node(value, "paragraph", *LISTS)
        if child["type"] == "paragraph":
            runs += [*([Run("\n")] if runs else []), *_inline(child)]
        else:
            below.append(_items(child, depth + 1))
    return Item(tuple(runs), tuple(below))


def _table(node: Node) -> Table:
    rows: list[tuple[Runs, ...]] = []
    headed = False
    for value in _content(node):
        cells = [_node(cell, "table_cell", "table_header") for cell in _content(_node(value, "table_row"))]
        if not rows:
            headed = bool(cells) and all(cell["type"] == "table_header" for cell in cells)
        rows.append(tuple(_cell(cell) for cell in cells))
    return Table(tuple(rows), headed)


def _cell(node: Node) -> Runs:
    runs: list[Run] = []
    for value in _content(node):
        runs += [*([Run("\n")] if runs else []), *_inline(_node(value, "paragraph"))]
    return tuple(runs)


def _inline(node: Node) -> Runs:
    runs: list[Run] = []
    for value in _content(node):
        child = _node(value, "text", "hard_break")
        if child["type"] == "hard_break":
            runs.append(Run("\n"))
            continue
        text = child["text"]
        if not isinstance(text, str):
            raise TypeError
        marks = frozenset(Mark(_node(mark, *Mark)["type"]) for mark in child.get("marks", []))
        runs.append(Run(text.replace("\n", " "), marks))
    return tuple(runs)


def dump(document: Document) -> str:
    """The stored form of a normal document: the same text for the same document."""
    blocks = [_block_node(block) for block in document.blocks] or [{"type": "paragraph"}]
    return json.dumps({"type": "doc", "content": blocks}, ensure_ascii=False, separators=(",", ":"))


def _block_node(block: Block) -> Node:
    match block:
        case Paragraph(runs):
            return _with_content({"type": "paragraph"}, _inline_nodes(runs))
        case Heading(level, runs):
            return _with_content({"type": "heading", "attrs": {"level": level}}, _inline_nodes(runs))
        case Items():
            return _items_node(block)
        case Table(rows, headed):
            kinds = ["table_header" if headed and not n else "table_cell" for n in range(len(rows))]
            return {
                "type": "table",
                "content": [
                    {"type": "table_row", "content": [_cell_node(kind, cell) for cell in row]}
                    for kind, row in zip(kinds, rows, strict=True)
                ],
            }
        case PageBreak():
            return {"type": "page_break"}


def _cell_node(kind: str, cell: Runs) -> Node:
    return {"type": kind, "content": [_with_content({"type": "paragraph"}, _inline_nodes(cell))]}


def _items_node(block: Items) -> Node:
    head: Node = {"type": "ordered_list", "attrs": {"order": block.start}} if block.start else {"type": "bullet_list"}
    return head | {
        "content": [
            {
                "type": "list_item",
                "content": [
                    _with_content({"type": "paragraph"}, _inline_nodes(item.runs)),
                    *(_items_node(one) for one in item.below),
                ],
            }
            for item in block.items
        ]
    }


def _with_content(node: Node, content: Sequence[Node]) -> Node:
    return node | {"content": list(content)} if content else node


def _inline_nodes(runs: Runs) -> list[Node]:
    found: list[Node] = []
    for run in runs:
        marks = [{"type": mark.value} for mark in Mark if mark in run.marks]
        for part in re.split(r"(\n)", run.text):
            if part == "\n":
                found.append({"type": "hard_break"})
            elif part:
                found.append({"type": "text", "text": part} | ({"marks": marks} if marks else {}))
    return found
