"""A paper as a Word file that a lawyer edits, and as PDF pages to read."""

from datetime import datetime
from typing import Any

from ged import docx
from ged.compliance.text import Block, Heading, Items, Paragraph, Rows, Signing, Text, runs
from ged.letterhead import Letterhead
from ged.typeset import TEMPLATES, typeset
from ged.typography import on_paper

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_WIDTH = 9072
"""Of the text of an A4 page, in twentieths of a point."""
_TRAINING = "EXERCICE"


def pdf(text: Text, head: Letterhead, *, at: datetime) -> bytes:
    """The pages: PDF/A, each marked as a draft.

    Raises:
        Invalid, EngineFailed: as ``ged.typeset.typeset``.
    """
    data = {"head": head.data(), "name": text.title[-1], "title": [_runs(one) for one in text.title],
            "blocks": [_data(one) for one in text.blocks]}  # fmt: skip
    return typeset(TEMPLATES / "legal_paper.typ", data, at=at)


def _data(block: Block) -> dict[str, Any]:
    match block:
        case Heading(said):
            return {"kind": "heading", "text": _runs(said)}
        case Paragraph(said, is_note):
            return {"kind": "note" if is_note else "paragraph", "text": _runs(said)}
        case Items(items):
            return {"kind": "items", "items": [_runs(one) for one in items]}
        case Rows(head, rows, widths):
            return {"kind": "rows", "head": list(head), "widths": list(widths), "rows": [[_runs(cell) for cell in row] for row in rows]}  # fmt: skip
        case Signing(said):
            return {"kind": "signing", "text": _runs(said)}


def _runs(line: str) -> list[dict[str, Any]]:
    return [{"text": f"[{part}]" if is_blank else part, "blank": is_blank} for part, is_blank in runs(line)]


def word(text: Text, head: Letterhead, *, is_training: bool) -> bytes:
    """The Word file: equal texts give equal bytes. In a training installation it says so at its top and in its footer."""
    mark = f"{_TRAINING} · " if is_training else ""
    content = (
        (docx.paragraph(docx.text(_TRAINING, bold=True), align="center") if is_training else "")
        + _letterhead(head)
        + "".join(docx.paragraph(*_word_runs(one, bold=True), align="center", after=60) for one in text.title)
        + docx.paragraph(after=120)
        + "".join(_word(one) for one in text.blocks)
    )
    foot = docx.text(on_paper(f"{mark}Projet · {head.organisation}"), half_points=16)
    return docx.packed(content, foot_name=foot, with_headings=True)


def _letterhead(head: Letterhead) -> str:
    def stack(lines: list[tuple[str, bool]]) -> str:
        return "".join(docx.paragraph(docx.text(line, bold=bold), align="center", after=40) for line, bold in lines)

    left = stack([(head.organisation.upper(), True), *((one.upper(), False) for one in head.units)])
    right = stack([(head.country.upper(), True), (head.motto, False)])
    return docx.table((_WIDTH // 2, _WIDTH // 2), (left, right)) + docx.paragraph(after=120)


def _word(block: Block) -> str:
    match block:
        case Heading(said):
            return docx.paragraph(*_word_runs(said, bold=True), style=docx.HEADING, after=80)
        case Paragraph(said, is_note):
            return docx.paragraph(*_word_runs(said, italic=is_note), align="both")
        case Items(items):
            return "".join(
                docx.paragraph(docx.text("– "), *_word_runs(one), align="both", left=340, after=60) for one in items
            )
        case Rows(head, rows, widths):
            sizes = tuple(_WIDTH * one // sum(widths) for one in widths)
            top = tuple(docx.paragraph(docx.text(one, bold=True), after=40) for one in head)
            body = (tuple(docx.paragraph(*_word_runs(cell), after=40) for cell in row) for row in rows)
            return docx.table(sizes, top, *body, ruled=True, headed=True) + docx.paragraph(after=60)
        case Signing(said):
            return docx.paragraph(*_word_runs(said, bold=True), align="right", after=1200)


def _word_runs(line: str, *, bold: bool = False, italic: bool = False) -> list[str]:
    return [
        docx.text(on_paper(f"[{part}]" if is_blank else part), bold=bold, italic=italic, marked=is_blank)
        for part, is_blank in runs(line)
    ]
