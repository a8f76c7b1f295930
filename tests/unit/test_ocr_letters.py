"""The size at which a page is read: that of its letters, not that of its file."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ocr.letters import (
    AGAIN_PX,
    ENOUGH_PX,
    MAX_AGAIN,
    NEEDED_PX,
    again_long_side_px,
    enlarging,
    letter_height_px,
    may_be_squeezed,
)
from ocr.limits import Limits
from ocr.lines import Line
from ocr.page import PageReader
from ocr.sniff import PNG
from ocr.tesseract import PAGE
from ocr.wire import PageTask
from tests.ocr_pages import draw

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]


def page_of(height_px: int, *, letters: int = 200, broken: bool = False) -> Image.Image:
    """Solid letters in lines, each as high as said; broken ones are in two, with specks around."""
    image = Image.new("L", (900, 1200), 255)
    pen = ImageDraw.Draw(image)
    for number in range(letters):
        x, y = 40 + number % 20 * 40, 40 + number // 20 * 60
        pen.rectangle((x, y, x + height_px * 3 // 4, y + height_px - 1), fill=0)
        if broken:
            pen.line((x, y, x + height_px * 3 // 4, y + height_px - 1), fill=255, width=1)
            pen.rectangle((x + 30, y + 30, x + 33, y + 33), fill=0)
            pen.rectangle((x + 30, y - 12, x + 34, y - 8), fill=0)
    return image


@pytest.mark.parametrize("height_px", [7, 10, 18, 30])
def test_the_height_of_most_letters_is_found_also_where_they_are_broken(height_px: int) -> None:
    assert letter_height_px(page_of(height_px)) == pytest.approx(height_px, abs=1)
    assert letter_height_px(page_of(height_px, broken=True)) == pytest.approx(height_px, abs=2)


def test_rules_and_a_few_letters_say_nothing() -> None:
    ruled = Image.new("L", (900, 1200), 255)
    for y in range(40, 1200, 40):
        ImageDraw.Draw(ruled).line((20, y, 880, y), fill=0, width=5)
    assert letter_height_px(ruled) == 0
    assert letter_height_px(page_of(8, letters=8)) == 0
    assert enlarging(0, 1200, shrunk=False) == 1.0
    assert may_be_squeezed(0, 1200)


def test_small_letters_are_enlarged_to_what_they_need_and_large_ones_stay() -> None:
    assert 10 * enlarging(10, 1200, shrunk=False) == pytest.approx(NEEDED_PX)
    assert 7 * enlarging(7, 1200, shrunk=True) == pytest.approx(NEEDED_PX)
    assert enlarging(ENOUGH_PX, 1200, shrunk=False) == 1.0
    assert enlarging(11, 1200, shrunk=True) == 1.0
    assert enlarging(40, 1200, shrunk=False) == 1.0


def test_what_is_doubtful_is_read_again_larger_where_letters_are_small_and_the_file_has_the_pixels() -> None:
    assert again_long_side_px(11, 1754, 5300) == round(MAX_AGAIN * 1754)
    assert again_long_side_px(16, 1754, 3508) * 16 / 1754 == pytest.approx(AGAIN_PX, rel=0.01)
    assert again_long_side_px(11, 1754, 2000) == 2000
    assert again_long_side_px(11, 1754, 1200) == 1754  # it was enlarged already
    assert again_long_side_px(30, 1754, 3508) == 1754
    assert again_long_side_px(0, 1754, 3508) == round(MAX_AGAIN * 1754)


class Sizes:
    """A recogniser that reads nothing and keeps the sizes of what it was given."""

    broke_off = False

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        del dpi, languages, timeout_s
        if psm == PAGE:
            self.asked.append(gray.size)
        return []

    def languages(self) -> frozenset[str]:
        return frozenset({"fra"})

    def version(self) -> str:
        return "5"


def first_read(page: Image.Image, folder: Path) -> tuple[int, int]:
    """The size at which a page is read first."""
    page.save(folder / "page.png")
    reads = Sizes()
    task = PageTask(
        source=str(folder / "page.png"),
        media_type=PNG,
        page_index=0,
        rotation=0,
        page_no=1,
        languages=("fra",),
        out=str(folder),
        deadline_s=time.monotonic() + 60,
        pictures=False,
    )
    PageReader(Limits(), reads).run(task)
    return reads.asked[0]


@pytest.mark.parametrize(("width_px", "least_px"), [(620, 1200), (1240, 1800)])
def test_a_page_of_small_letters_is_read_larger_than_its_file(tmp_path: Path, width_px: int, least_px: int) -> None:
    size = first_read(draw(size=(width_px, width_px * 1754 // 1240), font_px=40), tmp_path)
    assert least_px < size[1]
    assert np.prod(size) < 9_000_000


@pytest.mark.parametrize(("drawn_px", "squeezed"), [(7, False), (12, True)])  # read at 1.46 times their size
def test_a_page_of_small_letters_is_not_squeezed(tmp_path: Path, drawn_px: int, squeezed: bool) -> None:
    page = page_of(drawn_px).resize((1800, 2400), Image.Resampling.NEAREST)
    width, height = first_read(page, tmp_path)
    assert (width / height < 0.7) is squeezed  # the page is 3 to 4


@pytest.mark.parametrize(("width_px", "squeezed"), [(620, False), (1100, True)])
def test_a_page_of_short_lines_is_not_squeezed(tmp_path: Path, width_px: int, squeezed: bool) -> None:
    page = Image.new("L", (width_px, 1200), "white")
    page.paste(page_of(16))
    width, height = first_read(page, tmp_path)
    assert (width / height < 0.95 * width_px / 1200) is squeezed
