"""Till receipts read by tesseract: an amount stands in the line of what was bought, and no column of them is lost."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.limits import Limits
from ocr.page import PageReader
from ocr.tesseract import recogniser
from ocr.wire import PageTask, load_result
from tests.ocr_pages import A4_300, aged

FONT_PX, STEP_PX, COLUMNS = 20, 30, 30
BOUGHT = (
    ("1", "Cable HDMI 3m", "3 150"),
    ("2", "Chemise cartonnée", "11 900"),
    ("3", "Prise double", "17 850"),
    ("4", "Riz parfumé 5kg", "23 800"),
    ("5", "Ampoule LED 9W", "29 750"),
    ("6", "Savon liquide", "35 700"),
    ("", "TOTAL FCFA", "122 150"),
)


def receipt() -> Image.Image:
    """The quantities at the left and the amounts at the right, as tills print them at 200 dpi."""
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", FONT_PX)
    paper = Image.new("L", (COLUMNS * FONT_PX, (len(BOUGHT) + 5) * STEP_PX), 255)
    pen = ImageDraw.Draw(paper)
    for row, (quantity, name, amount) in enumerate(BOUGHT, start=2):
        level = row * STEP_PX
        pen.text((FONT_PX, level), quantity, 30, font)
        pen.text((3 * FONT_PX, level), name, 30, font)
        pen.text(((COLUMNS - 1) * FONT_PX - pen.textlength(amount, font), level), amount, 30, font)
    return paper


def read(page: Image.Image, folder: Path) -> list[str]:
    """Read a page as the child process does, in this process: its lines without blanks."""
    page.save(folder / "page.png", dpi=(200, 200))
    task = PageTask(str(folder / "page.png"), "image/png", 0, 0, 1, ("fra",), str(folder), 60.0)
    PageReader(Limits(), recogniser(None, None)).run(task)
    return [line.replace(" ", "") for line in load_result(task).text.splitlines()]


@pytest.mark.parametrize("lean", [-1.2, 0.4, 2.0])
@pytest.mark.parametrize("place", ["alone", "on the glass"])
def test_each_amount_stands_in_the_line_of_its_name(place: str, lean: float, tmp_path: Path) -> None:
    page = aged(receipt(), degrees=lean, noise=6)
    if place == "on the glass":
        glass = Image.new("L", (A4_300[0] * 2 // 3, A4_300[1] * 2 // 3), 250)
        glass.paste(page, (400, 300))
        page = glass
    lines = read(page, tmp_path)
    wanted = {name: amount for _, name, amount in BOUGHT}
    # tesseract takes one figure or letter in two hundred for another one.
    right = [
        name
        for name, amount in wanted.items()
        if any(name.split()[0] in line and line.endswith(amount.replace(" ", "")) for line in lines)
    ]
    assert len(right) >= len(wanted) - 1, lines
