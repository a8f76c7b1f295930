"""The invisible text layer: words that can be selected and searched, but are not painted.

Codes are those of ``ocr.invisible_font``. Words are stretched to the width of their box.
"""

import zlib
from collections.abc import Sequence

from ocr.lines import Line, Token

GLYPH_WIDTH = 500  # thousandths of an em
DESCENT_SHARE = 0.2  # of a line's height, below the base line


def content(lines: Sequence[Line], *, width_pt: float, height_pt: float) -> bytes:
    """The content stream that draws a page's words invisibly (text rendering mode 3), deflated; sizes in points."""
    parts = ["BT 3 Tr"]
    for tokens in (tokens for line in lines for tokens in line.heights):
        top = min(token.y for token in tokens)
        bottom = max(token.y + token.height for token in tokens)
        size = max((bottom - top) * height_pt, 1.0)
        base = (1 - bottom) * height_pt + DESCENT_SHARE * size
        parts.append(f"/T {size:.2f} Tf")
        last = len(tokens) - 1
        parts.extend(_word(t, size, base, width_pt, space=index != last) for index, t in enumerate(tokens))
    parts.append("ET")
    return zlib.compress("\n".join(parts).encode("ascii"), 9)


def _word(token: Token, size: float, base: float, width_pt: float, *, space: bool) -> str:
    text = "".join(letter if _has_code(letter) else "\ufffd" for letter in token.text)
    stretch = 100 * token.width * width_pt / (len(text) * size * GLYPH_WIDTH / 1000)
    codes = (text + " " * space).encode("utf-16-be").hex().upper()
    return f"{max(stretch, 1):.1f} Tz 1 0 0 1 {token.x * width_pt:.2f} {base:.2f} Tm <{codes}> Tj"


def _has_code(letter: str) -> bool:
    code = ord(letter)
    return 0 < code < 0xFFFE and code != 0xFEFF and not 0xD800 <= code <= 0xDFFF
