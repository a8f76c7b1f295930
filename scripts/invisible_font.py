"""Writes the font of the invisible text layer, ``ocr/invisible.ttf``: python -m scripts.invisible_font"""

from io import BytesIO

from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph

from ocr.invisible_font import FILE, FONT_NAME
from ocr.textlayer import GLYPH_WIDTH

_SECONDS_1904_TO_2026 = 3_850_070_400


def made() -> bytes:
    """A TrueType font with one empty glyph beside ``.notdef``; the bytes are deterministic."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "blank"])
    builder.setupCharacterMap({0x20: "blank"})
    builder.setupGlyf({".notdef": Glyph(), "blank": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (GLYPH_WIDTH, 0), "blank": (GLYPH_WIDTH, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": FONT_NAME, "styleName": "Regular", "psName": FONT_NAME})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = _SECONDS_1904_TO_2026
    builder.font.recalcTimestamp = False
    target = BytesIO()
    builder.save(target)
    return target.getvalue()


if __name__ == "__main__":
    FILE.write_bytes(made())
