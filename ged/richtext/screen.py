"""The document as HTML for a page of the site: only elements of ours, every text escaped. Pure."""

from html import escape

from ged.richtext.document import Block, Document, Heading, Items, Mark, PageBreak, Paragraph, Runs, Table, text_of
from ged.richtext.pages import columns_of_numbers

FIGURES = ' class="rich-figures"'
TAGS = {Mark.STRONG: "strong", Mark.EM: "em", Mark.UNDERLINE: "u"}


def html(document: Document, *, below: int = 2) -> str:
    """The HTML of a document.

    Args:
        below: the level of the page's heading above it.
    """
    return "\n".join(_block(block, below) for block in document.blocks)


def _block(block: Block, below: int) -> str:
    match block:
        case Paragraph(runs):
            return f"<p>{_runs(runs)}</p>"
        case Heading(level, runs):
            tag = f"h{min(below + level, 6)}"
            return f"<{tag}>{_runs(runs)}</{tag}>"
        case Items():
            return _items(block)
        case Table(rows, headed):
            lines, right = [], columns_of_numbers(block)
            for n, row in enumerate(rows):
                tag, scope = ("th", ' scope="col"') if headed and not n else ("td", "")
                # A head without text would be read as one: it is a cell.
                cells = "".join(
                    f"<{tag}{scope}{FIGURES * in_figures}>{_runs(cell)}</{tag}>" if text_of(cell) else "<td></td>"
                    for cell, in_figures in zip(row, right, strict=True)
                )
                lines.append(f"<tr>{cells}</tr>")
            return '<div class="rich-table"><table>' + "".join(lines) + "</table></div>"
        case PageBreak():
            return '<hr class="rich-break">'


def _items(block: Items) -> str:
    tag = "ol" if block.start else "ul"
    start = f' start="{block.start}"' if block.start > 1 else ""
    items = "".join(f"<li>{_runs(item.runs)}{''.join(map(_items, item.below))}</li>" for item in block.items)
    return f"<{tag}{start}>{items}</{tag}>"


def _runs(runs: Runs) -> str:
    found = ""
    for run in runs:
        text = escape(run.text).replace("\n", "<br>")
        for mark in Mark:
            text = f"<{TAGS[mark]}>{text}</{TAGS[mark]}>" if mark in run.marks else text
        found += text
    return found
