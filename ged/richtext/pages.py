"""The document as data of a typeset sheet: texts and numbers, never markup (``ged/templates/rich.typ`` sets them). Pure."""

import re
from typing import Any

from ged.richtext.document import Block, Document, Heading, Items, Mark, PageBreak, Paragraph, Runs, Table, text_of

_NUMBER = re.compile(r"[-–+]?\s?\d[\d\s.,]*(?:%|F\s?CFA|€|\$)?|[-–]")
NARROWEST, WIDEST = 5, 40
"""Bounds of a column's share of the width, in characters of its longest cell."""


def sheet_blocks(document: Document) -> list[dict[str, Any]]:
    """The blocks as JSON values, in order."""
    return [_block(block) for block in document.blocks]


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph(runs):
            return {"is": "paragraph", "runs": _runs(runs), "whole": "\n" not in text_of(runs)} | _ends(runs)
        case Heading(level, runs):
            return {"is": "heading", "level": level, "runs": _runs(runs)}
        case Items():
            return _items(block)
        case Table(rows, headed):
            columns = list(zip(*rows, strict=True))
            return {
                "is": "table",
                "headed": headed,
                "widths": [_width(column) for column in columns],
                "right": columns_of_numbers(block),
                "rows": [[_runs(cell) for cell in row] for row in rows],
            }
        case PageBreak():
            return {"is": "page-break"}


def _ends(runs: Runs) -> dict[str, Any]:
    """``address``: the line may be the form of address, which stands at the margin."""
    return {"address": text_of(runs).partition("\n")[0].endswith(",")}


def _items(block: Items) -> dict[str, Any]:
    return {
        "is": "list",
        "start": block.start,
        "items": [{"runs": _runs(item.runs), "below": [_items(one) for one in item.below]} for item in block.items],
    }


def _runs(runs: Runs) -> list[dict[str, Any]]:
    return [
        {
            "text": run.text,
            "strong": Mark.STRONG in run.marks,
            "em": Mark.EM in run.marks,
            "underline": Mark.UNDERLINE in run.marks,
        }
        for run in runs
    ]


def _width(column: tuple[Runs, ...]) -> int:
    longest = max((len(line) for cell in column for line in text_of(cell).split("\n")), default=0)
    return min(max(longest, NARROWEST), WIDEST)


def columns_of_numbers(table: Table) -> list[bool]:
    """Whether each column holds figures alone below its head: such columns are set to the right, on paper and screen.

    A table that was pasted has its heads in a row like others.
    """
    return [_is_of_numbers(column[1:]) or _is_of_numbers(column) for column in zip(*table.rows, strict=True)]


def _is_of_numbers(column: tuple[Runs, ...]) -> bool:
    texts = [text_of(cell) for cell in column if cell]
    return bool(texts) and all(_NUMBER.fullmatch(text) for text in texts)
