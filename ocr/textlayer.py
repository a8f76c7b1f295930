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
        if (fall := _fall(tokens, bottom - top, height_pt / width_pt)) is not None:
            parts.extend(_slanted(tokens, fall, width_pt, height_pt))
            continue
        size = max((bottom - top) * height_pt, 1.0)
        base = (1 - bottom) * height_pt + DESCENT_SHARE * size
        parts.append(f"/T {size:.2f} Tf")
        last = len(tokens) - 1
        parts.extend(_word(t, size, base, width_pt, space=index != last) for index, t in enumerate(tokens))
    parts.append("ET")
    return zlib.compress("\n".join(parts).encode("ascii"), 9)


def _fall(tokens: Sequence[Token], height: float, shape: float) -> float | None:
    """The angle by which a line falls to the right; ``None`` for a level one. A piece on a sheet may lie at a slant."""
    if height <= _SLANTED * statistics.median(token.height for token in tokens):
        return None
    first, last = (min(tokens, key=lambda token: token.x), max(tokens, key=lambda token: token.x))
    across = last.x + last.width / 2 - first.x - first.width / 2
    fall = math.atan2((last.y + last.height / 2 - first.y - first.height / 2) * shape, max(across, 1e-6))
    return fall if _SLANT < abs(fall) < math.pi / 4 else None


def _slanted(tokens: Sequence[Token], fall: float, width_pt: float, height_pt: float) -> Iterator[str]:
    """The words of a line that falls to the right, each around the middle of its box."""
    cosine, sine = math.cos(fall), math.sin(fall)
    size = max(statistics.median(token.height for token in tokens) * height_pt, 1.0)
    yield f"/T {size:.2f} Tf"
    for token in tokens:
        half, up = token.width * width_pt / 2, (0.5 - DESCENT_SHARE) * size
        x = (token.x + token.width / 2) * width_pt - half * cosine - up * sine
        y = (1 - token.y - token.height / 2) * height_pt + half * sine - up * cosine
        matrix = f"{cosine:.4f} {-sine:.4f} {sine:.4f} {cosine:.4f} {x:.2f} {y:.2f}"
        yield _shown(token, size, width_pt, matrix, space=token is not tokens[-1])


def _word(token: Token, size: float, base: float, width_pt: float, *, space: bool) -> str:
    return _shown(token, size, width_pt, f"1 0 0 1 {token.x * width_pt:.2f} {base:.2f}", space=space)


def _shown(token: Token, size: float, width_pt: float, matrix: str, *, space: bool) -> str:
    text = "".join(letter if _has_code(letter) else "\ufffd" for letter in token.text)
    stretch = 100 * token.width * width_pt / (len(text) * size * GLYPH_WIDTH / 1000)
    codes = (text + " " * space).encode("utf-16-be").hex().upper()
    return f"{max(stretch, 1):.1f} Tz {matrix} Tm <{codes}> Tj"


def _has_code(letter: str) -> bool:
    code = ord(letter)
    return 0 < code < 0xFFFE and code != 0xFEFF and not 0xD800 <= code <= 0xDFFF
