"""Appearances of signature fields: one-page PDF/A files set by typst with the fonts of its own wheel."""

import json
import re
from collections.abc import Sequence
from functools import cache

import typst

from ged.errors import EngineFailed, Invalid

_MOST_READ = 2000
"""How many characters of the compiler's message are searched; the message quotes a person's text."""
_TEMPLATE = b"""
#let data = json(bytes(sys.inputs.data))
#let (w, h) = (data.width * 1pt, data.height * 1pt)
#set document(date: datetime(year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0))
#set page(width: w, height: h, margin: 0pt, fill: none)
#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"), size: data.size * 1pt, fallback: true)
#set par(leading: 0.45em, spacing: 0.45em)
#let body = for (n, line) in data.lines.enumerate() {
  block(text(weight: if n == 0 { "bold" } else { "regular" }, line))
}
#context {
  let free = measure(block(body))
  let margin = calc.min(4pt, w / 10, h / 10)
  let factor = calc.min(1, (w - 2 * margin) / calc.max(free.width, 1pt), (h - 2 * margin) / calc.max(free.height, 1pt))
  place(top + left, dx: margin, dy: margin, scale(factor * 100%, origin: top + left, block(width: free.width, height: free.height, body)))
  if data.frame {
    place(top + left, dx: 0.25pt, dy: 0.25pt, rect(width: w - 0.5pt, height: h - 0.5pt, stroke: 0.5pt + luma(120)))
  }
}
"""


def text_appearance(
    lines: Sequence[str], width_pt: float, height_pt: float, *, size_pt: float = 9, frame: bool = False
) -> bytes:
    """A one-page PDF/A-2b of exactly this size with these lines, the first in bold. The text shrinks until it fits.

    The same arguments give the same bytes. ``frame`` draws a thin grey line around the page.

    Raises:
        Invalid: ``text.glyph_missing``: no font has a character (``character`` names it).
        EngineFailed: ``stamp.failed``.
    """
    data = {"lines": list(lines) or [""], "width": width_pt, "height": height_pt, "size": size_pt, "frame": frame}
    try:
        page = _compiler().compile(
            _TEMPLATE, format="pdf", sys_inputs={"data": json.dumps(data)}, pdf_standards="a-2b", timestamp=0
        )
    except typst.TypstError as error:
        raise _explained(error) from error
    if not isinstance(page, bytes):
        raise EngineFailed("stamp.failed", cause="pages")
    return page


def signature_mark(
    *,
    name: str,
    title: str,
    width_pt: float,
    height_pt: float,
    capacity: str = "",
    date_line: str = "",
    level_line: str = "",
) -> bytes:
    """The visible mark of a signature. All texts come from the caller, in the language of the letter.

    Raises:
        Invalid: ``text.glyph_missing``.
        EngineFailed: ``stamp.failed``.
    """
    lines = [line for line in (name, capacity, title, date_line, level_line) if line]
    return text_appearance(lines, width_pt, height_pt, frame=True)


@cache
def _compiler() -> typst.Compiler:
    # Only the fonts of the wheel: the mark must look the same on every machine.
    return typst.Compiler(ignore_system_fonts=True)


def _explained(error: typst.TypstError) -> Exception:
    found = re.search(r"the text (.+) could not be displayed", str(error)[:_MOST_READ])
    if found is None:
        return EngineFailed("stamp.failed", cause=type(error).__name__)
    return Invalid("text.glyph_missing", "Replace the character.", character=found.group(1).strip("`\"'"))
