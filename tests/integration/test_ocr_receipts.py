"""Till receipts read by tesseract: an amount stands in the line of what was bought, and no column of them is lost."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.limits import Limits
from ocr.page import PageReader
from ocr.tesseract import recogniser
from ocr.wire import PageResult, PageTask, load_result
from tests.ocr_pages import A4_300, aged

pytestmark = pytest.mark.in_turns(3)

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


def receipt(*, dots: bool = False) -> Image.Image:
    """The quantities at the left and the amounts at the right, as tills print them at 200 dpi; dots may lead to the amounts."""
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", FONT_PX)
    paper = Image.new("L", (COLUMNS * FONT_PX, (len(BOUGHT) + 5) * STEP_PX), 255)
    pen = ImageDraw.Draw(paper)
    for row, (quantity, name, amount) in enumerate(BOUGHT, start=2):
        level = row * STEP_PX
        pen.text((FONT_PX, level), quantity, 30, font)
        pen.text((3 * FONT_PX, level), name, 30, font)
        pen.text(((COLUMNS - 1) * FONT_PX - pen.textlength(amount, font), level), amount, 30, font)
        if dots:
            room = (COLUMNS - 4) * FONT_PX - pen.textlength(f"{name}  {amount}", font)
            pen.text(
                (3 * FONT_PX + pen.textlength(f"{name} ", font), level),
                "." * int(room / pen.textlength(".", font)),
                30,
                font,
            )
    return paper


def result(page: Image.Image, folder: Path) -> PageResult:
    """Read a page as the child process does, in this process."""
    page.save(folder / "page.png", dpi=(200, 200))
    task = PageTask(str(folder / "page.png"), "image/png", 0, 0, 1, ("fra",), str(folder), 60.0)
    PageReader(Limits(), recogniser(None, None)).run(task)
    return load_result(task)


def without_blanks(text: str) -> list[str]:
    return [line.replace(" ", "") for line in text.splitlines()]


def read(page: Image.Image, folder: Path) -> list[str]:
    """The lines of a page without blanks."""
    return without_blanks(result(page, folder).text)


@pytest.mark.in_shares(3)
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


def test_two_receipts_laid_at_a_slant_are_read_one_after_the_other_and_words_lie_where_they_are(tmp_path: Path) -> None:
    glass = Image.new("L", (A4_300[0] * 2 // 3, A4_300[1] * 2 // 3), 250)
    for place, lean in (((120, 160), 7.0), ((820, 1100), -4.0)):
        glass.paste(receipt().rotate(-lean, Image.Resampling.BICUBIC, expand=True, fillcolor=250), place)
    page = aged(glass, degrees=0, noise=4)
    found = result(page, tmp_path)
    lines = without_blanks(found.text)
    wanted = [(name.split()[0], amount.replace(" ", "")) for _, name, amount in BOUGHT]
    half = next(n for n, line in enumerate(lines) if "TOTAL" in line) + 1
    for part in (lines[:half], lines[half:]):
        right = [name for name, amount in wanted if any(name in line and line.endswith(amount) for line in part)]
        assert len(right) >= len(wanted) - 1, lines
    totals = [word for word in found.words if word[0] == "TOTAL"]
    assert len(totals) == 2
    # The page is shown as it lies, or level: words lie on ink of the picture that is shown.
    with Image.open(found.site_image) as shown:  # type: ignore[arg-type]
        ink = np.asarray(shown.convert("L")) < 150
    high, wide = ink.shape
    for _, x, y, width, height, _ in totals:
        place = slice(round(y * high), round((y + height) * high)), slice(round(x * wide), round((x + width) * wide))
        assert ink[place].mean() > 0.1


def test_dots_between_a_name_and_its_amount_cost_neither(tmp_path: Path) -> None:
    glass = Image.new("L", (A4_300[0] * 2 // 3, A4_300[1] * 2 // 3), 250)
    glass.paste(receipt(dots=True), (400, 300))
    lines = read(aged(glass, degrees=0.4, noise=4), tmp_path)
    wanted = [(name.split()[0], amount.replace(" ", "")) for _, name, amount in BOUGHT]
    right = [name for name, amount in wanted if any(name in line and line.endswith(amount) for line in lines)]
    assert len(right) >= len(wanted) - 1, lines
