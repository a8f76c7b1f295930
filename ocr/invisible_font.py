"""The font of the invisible text layer: one empty glyph, half an em wide, for every character.

A code is the UTF-16 value of its character, so that ToUnicode is the identity.
"""

from functools import cache
from pathlib import Path

FONT_NAME = "GedInvisible"
FILE = Path(__file__).with_name("invisible.ttf")
"""Made by ``scripts/invisible_font.py``: the maker of fonts takes a tenth of a second to load, and its bytes never change."""


def font_file() -> bytes:
    """A TrueType font with one empty glyph beside ``.notdef``."""
    return FILE.read_bytes()


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
