"""When white writing on black is looked for."""

import pytesseract
import pytest
from PIL import Image, ImageDraw

from ocr.tesseract import BLOCK, LINE, PAGE, TesseractProgram


def part(*, band: bool) -> Image.Image:
    """Two lines of strokes; with a band, the first is white on black."""
    image = Image.new("L", (600, 80), 250)
    pen = ImageDraw.Draw(image)
    if band:
        pen.rectangle((0, 0, 600, 40), fill=10)
    for left in range(20, 580, 16):
        pen.line((left, 12, left, 30), fill=240 if band else 20, width=3)
        pen.line((left, 52, left, 70), fill=20, width=3)
    return image


@pytest.mark.parametrize(
    ("image", "psm", "is_tried"),
    [
        (part(band=True), LINE, "1"),
        (part(band=True), BLOCK, "1"),
        (part(band=False), LINE, "0"),
        (part(band=False), BLOCK, "0"),
        (part(band=True), PAGE, "0"),
    ],
)
def test_white_on_black_is_looked_for_only_in_a_part_with_a_dark_place(
    image: Image.Image, psm: int, is_tried: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def told(_: Image.Image, *, config: str, **__: object) -> bytes:
        asked.append(config)
        return b""

    monkeypatch.setattr(pytesseract, "image_to_data", told)
    TesseractProgram().read(image, dpi=150, languages="fra", timeout_s=60, psm=psm)
    assert [config[-1] for config in asked] == [is_tried]
