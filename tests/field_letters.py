"""Letters by other authors than those of the demonstration, with the fields that a person reads on them.

``tests/letters/*.txt``: the fields follow ``=== name``; the text in a typewriter's layout follows ``---``. ``drawn``
makes an image of the page, in a typewriter's font or a printed one.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rapidfuzz import fuzz

from ged.ports import FieldReading, RecognisedPage
from ocr.field_layout import fold

FOLDER = Path(__file__).parent / "letters"
FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)
SINGLE = ("subject", "their_reference", "our_reference", "written_on", "place", "sender", "addressee", "enclosures")
MANY = ("copies", "amount")


@dataclass(frozen=True)
class Letter:
    """A letter's text and its fields: name -> all values that a person accepts."""

    name: str
    fields: dict[str, tuple[str, ...]]
    sheet: str

    def page(self) -> RecognisedPage:
        """The page as recognised text, without positions."""
        return RecognisedPage(1, self.sheet, (), 90.0, "fra", Path("page.jpg"))


@cache
def letters() -> tuple[Letter, ...]:
    """All letters of ``tests/letters``."""
    return tuple(
        _letter(part)
        for path in sorted(FOLDER.glob("*.txt"))
        for part in path.read_text("utf-8").split("=== ")
        if part.strip()
    )


def _letter(part: str) -> Letter:
    head, sheet = part.split("\n---\n", 1)
    name, *rows = head.split("\n")
    fields: dict[str, tuple[str, ...]] = {}
    for row in rows:
        key, value = row.split(": ", 1)
        assert key in (*SINGLE, *MANY), row
        fields[key] = (*fields.get(key, ()), value)
    return Letter(name, fields, sheet)


def drawn(letter: Letter, number: int, *, width_px: int = 1654) -> Image.Image:
    """An image of the page at 200 dpi. ``number`` chooses the font.

    A typewriter's font keeps columns aligned. In a printed font only the first word of a column is aligned.
    """
    image = Image.new("L", (width_px, round(width_px * 1.414)), 255)
    face = FONTS[number % len(FONTS)]
    font = ImageFont.truetype(face, width_px // 62)
    pen, advance, line_px = ImageDraw.Draw(image), width_px / 87, width_px // 40
    for row, line in enumerate(letter.sheet.split("\n")):
        for part in re.finditer(r"\S+(?: \S+)*", line):
            place = (width_px * 0.07 + part.start() * advance, width_px * 0.06 + row * line_px)
            pen.text(place, part[0], 25, font)
    return image


def right(name: str, read: str, truth: str) -> bool:
    """Whether a person would accept the suggested value unchanged."""
    if name in {"written_on", "enclosures"}:
        return read == truth
    if name == "amount":
        return fold(read).replace(" ", "") == fold(truth).replace(" ", "")
    if name in {"their_reference", "our_reference"}:
        return re.sub(r"[^a-z0-9]", "", fold(read)) == re.sub(r"[^a-z0-9]", "", fold(truth))
    if name == "place":
        return fold(read) == fold(truth)
    return any(fuzz.ratio(fold(read), fold(way)) >= 90 for way in truth.split(" | "))


@dataclass
class Count:
    """How many values of one field were read right, read wrong, or missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """The part of the values read that is right (0..1); 1 when nothing was read."""
        return self.right / max(self.right + self.wrong, 1) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The part of the true values that was read right (0..1)."""
        return self.right / max(self.right + self.missed, 1) if self.right + self.missed else 1.0


def judge(
    counts: dict[str, Count],
    readings: tuple[FieldReading, ...],
    truth: dict[str, tuple[str, ...]],
    *,
    sure: float = 0.0,
) -> list[str]:
    """Add the values read on one letter, of a confidence of at least ``sure`` (0..100), to ``counts``. Returns the
    wrong ones."""
    told = []
    for name in (*SINGLE, *MANY):
        left = list(truth.get(name, ()))
        count = counts.setdefault(name, Count())
        for reading in readings:
            if reading.name != name or reading.confidence < sure:
                continue
            match = next((value for value in left if right(name, reading.value, value)), None)
            if match is None:
                count.wrong += 1
                told.append(f"{name} {reading.confidence}: read {reading.value!r}, is {truth.get(name, ())}")
            else:
                count.right += 1
                left.remove(match)
        count.missed += len(left)
        told += [f"{name}: missed {value!r}" for value in left]
    return told
