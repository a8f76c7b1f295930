"""The invisible text layer: words that can be selected and searched, but are not painted.

Codes are those of ``ocr.invisible_font``. Words are stretched to the width of their box.
"""

import math
import statistics
import zlib
from collections.abc import Iterator, Sequence

from ocr.lines import Line, Token

GLYPH_WIDTH = 500  # thousandths of an em
DESCENT_SHARE = 0.2  # of a line's height, below the base line
_SLANTED, _SLANT = 2.0, 0.02  # heights of a word, of its line; and by how much the line falls or rises


def content(lines: Sequence[Line], *, width_pt: float, height_pt: float) -> bytes:
    """The content stream that draws a page's words invisibly (text rendering mode 3), deflated; sizes in points."""
    parts = ["BT 3 Tr"]
    for tokens in (tokens for line in lines for tokens in line.heights):
        top = min(token.y for token in tokens)
        bottom = max(token.y + token.height for token in tokens)
        if _is_slanted(tokens, bottom - top, height_pt / width_pt):
            parts.extend(_each_level(tokens, width_pt, height_pt))
            continue
        size = max((bottom - top) * height_pt, 1.0)
        base = (1 - bottom) * height_pt + DESCENT_SHARE * size
        parts.append(f"/T {size:.2f} Tf")
        last = len(tokens) - 1
        parts.extend(_word(t, size, base, width_pt, space=index != last) for index, t in enumerate(tokens))
    parts.append("ET")
    return zlib.compress("\n".join(parts).encode("ascii"), 9)


def _is_slanted(tokens: Sequence[Token], height: float, shape: float) -> bool:
    """Whether a line falls to one side, so that its words have no base line in common. A piece on a sheet may lie at a slant."""
    if height <= _SLANTED * statistics.median(token.height for token in tokens):
        return False
    first, last = (min(tokens, key=lambda token: token.x), max(tokens, key=lambda token: token.x))
    across = last.x + last.width / 2 - first.x - first.width / 2
    fall = math.atan2((last.y + last.height / 2 - first.y - first.height / 2) * shape, max(across, 1e-6))
    return _SLANT < abs(fall) < math.pi / 4


def _each_level(tokens: Sequence[Token], width_pt: float, height_pt: float) -> Iterator[str]:
    """The words of a slanted line, each level in its own box.

    Words drawn at the slant lie better on the picture. But Poppler, and the viewers that search with it, part such a word wherever
    its base line falls by half a point: of the words of lines that fall by 13 degrees they find one in five.
    """
    size = max(statistics.median(token.height for token in tokens) * height_pt, 1.0)
    yield f"/T {size:.2f} Tf"
    for token in tokens:
        base = (1 - token.y - token.height / 2) * height_pt - (0.5 - DESCENT_SHARE) * size
        yield _word(token, size, base, width_pt, space=token is not tokens[-1])


def _word(token: Token, size: float, base: float, width_pt: float, *, space: bool) -> str:
    text = "".join(letter if _has_code(letter) else "\ufffd" for letter in token.text)
    stretch = 100 * token.width * width_pt / (len(text) * size * GLYPH_WIDTH / 1000)
    codes = (text + " " * space).encode("utf-16-be").hex().upper()
    return f"{max(stretch, 1):.1f} Tz 1 0 0 1 {token.x * width_pt:.2f} {base:.2f} Tm <{codes}> Tj"


def _has_code(letter: str) -> bool:
    code = ord(letter)
    return 0 < code < 0xFFFE and code != 0xFEFF and not 0xD800 <= code <= 0xDFFF
