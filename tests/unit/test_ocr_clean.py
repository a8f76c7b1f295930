import numpy as np
import pytest
from PIL import Image, ImageOps

from ocr import clean, filters
from tests.ocr_pages import aged, draw
from tests.ocr_scenes import SMALL, noisy_blank

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("black_edge", [False, True])
def test_dust_shadow_and_scanner_edge_are_no_writing(black_edge: bool) -> None:
    assert clean.blank_score(noisy_blank(black_edge=black_edge)) > 0.9


def test_one_short_line_is_writing() -> None:
    assert clean.blank_score(draw("Vu et transmis, le 3 mai", size=SMALL)) < 0.6
    assert clean.blank_score(aged(draw(size=SMALL))) < 0.05


def test_a_black_page_is_not_blank() -> None:
    assert clean.blank_score(Image.new("L", SMALL, 5)) == 0


def test_specks_go_and_strokes_stay() -> None:
    mask = np.zeros((20, 20), bool)
    mask[3, 3] = True
    mask[10:12, 5:15] = True
    cleaned = filters.with_company(mask)
    assert not cleaned[3, 3]
    assert cleaned[10:12, 5:15].all()


def test_a_negative_copy_is_known_by_its_light_writing() -> None:
    page = draw(size=SMALL).convert("L")
    assert clean.is_negative(ImageOps.invert(page))
    assert not clean.is_negative(page)


def test_dark_copies_and_small_sheets_on_a_dark_bed_are_no_negatives() -> None:
    dark = draw(size=SMALL).convert("L").point([20 + level * 70 // 255 for level in range(256)])
    bed = Image.new("L", SMALL, 20)
    bed.paste(draw(size=(400, 600)).convert("L"), (100, 100))
    assert not clean.is_negative(dark)
    assert not clean.is_negative(bed)
    assert not clean.is_negative(Image.new("L", SMALL, 10))
