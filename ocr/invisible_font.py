"""The font of the invisible text layer: one empty glyph, half an em wide, for every character.

A code is the UTF-16 value of its character, so that ToUnicode is the identity.
"""

from functools import cache
from io import BytesIO

from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph

from ocr.textlayer import GLYPH_WIDTH

FONT_NAME = "GedInvisible"
_SECONDS_1904_TO_2026 = 3_850_070_400


@cache
def font_file() -> bytes:
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


@cache
def glyph_map() -> bytes:
    """CIDToGIDMap: maps every code to the empty glyph."""
    return b"\x00\x01" * 65536


@cache
def unicode_map() -> bytes:
    """ToUnicode CMap: every code is its own UTF-16 value (surrogates, 0, FEFF and FFFE left out, as PDF/A-2u wants)."""
    ranges = [f"<{high:02X}00> <{high:02X}FF> <{high:02X}00>" for high in range(1, 255) if not 0xD8 <= high <= 0xDF]
    ranges += ["<0001> <00FF> <0001>", "<FF00> <FFFD> <FF00>"]
    ranges[ranges.index("<FE00> <FEFF> <FE00>")] = "<FE00> <FEFE> <FE00>"
    blocks = [ranges[start : start + 100] for start in range(0, len(ranges), 100)]
    body = "\n".join(f"{len(block)} beginbfrange\n" + "\n".join(block) + "\nendbfrange" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{body}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")
