import numpy as np
import pytest
from PIL import Image

from ocr import clean, filters
from tests.ocr_pages import aged, draw

SMALL = (1240, 1754)


@pytest.mark.parametrize("degrees", [-4.0, -1.5, 0.6, 3.0])
def test_skew_is_found_and_mended(degrees: float) -> None:
    page = draw(size=SMALL).rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)
    assert clean.skew_degrees(page) == pytest.approx(degrees, abs=0.2)
    assert clean.skew_degrees(clean.levelled(page, clean.skew_degrees(page))) == pytest.approx(0, abs=0.3)


def test_level_and_empty_pages_stay_as_they_are() -> None:
    page = draw(size=SMALL)
    assert clean.skew_degrees(page) == 0
    assert clean.levelled(page, 0) is page
    assert clean.skew_degrees(Image.new("L", SMALL, 255)) == 0


def noisy_blank(*, specks: int = 300, black_edge: bool = False, paper: int = 225) -> Image.Image:
    random = np.random.default_rng(3)
    sheet = np.clip(paper + random.normal(0, 9, SMALL[::-1]), 0, 255)
    sheet[random.integers(0, SMALL[1], specks), random.integers(0, SMALL[0], specks)] = 30
    sheet *= np.linspace(1, 0.75, SMALL[0])[None, :]
    if black_edge:
        sheet[:, :25] = 10
    return Image.fromarray(sheet.astype(np.uint8))


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
