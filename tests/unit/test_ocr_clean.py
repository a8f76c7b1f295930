from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from scipy import ndimage

from ocr import clean, filters
from ocr.paper import freshened
from ocr.skew import rules, skew_degrees
from tests.ocr_pages import aged, draw
from tests.ocr_scenes import SMALL, noisy_blank

pytestmark = pytest.mark.slow


def leaning(page: Image.Image, degrees: float) -> Image.Image:
    return page.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)


def faint(page: Image.Image, degrees: float) -> Image.Image:
    blurred = leaning(page, degrees).filter(ImageFilter.GaussianBlur(1.2))
    return blurred.point([140 + level * 75 // 255 for level in range(256)])


def framed(page: Image.Image, degrees: float) -> Image.Image:
    """Add the frames of stamps, each at another angle."""
    page = leaning(page, degrees)
    frames = Image.new("L", (420, 160), 255)
    pen = ImageDraw.Draw(frames)
    for inset in (2, 12, 60):
        pen.rectangle((inset, inset, 418 - inset, 158 - inset), outline=40, width=3)
    frames = frames.rotate(5, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    for top in (900, 1150, 1400):
        page.paste(frames, (120, top))
    return page


def on_a_dark_bed(page: Image.Image, degrees: float) -> Image.Image:
    bed = Image.new("L", (SMALL[0] + 150, SMALL[1] + 120), 20)
    bed.paste(leaning(page, degrees), (30, 40))
    return bed


@pytest.mark.parametrize("degrees", [-4.0, -1.5, 0.6, 3.0])
def test_skew_is_found_and_mended(degrees: float) -> None:
    page = freshened(leaning(draw(size=SMALL), degrees))
    assert skew_degrees(page) == pytest.approx(degrees, abs=0.2)
    assert skew_degrees(clean.levelled(page, skew_degrees(page))) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("degrees", [-2.0, 0.7])
@pytest.mark.parametrize("harm", [faint, framed, on_a_dark_bed])
def test_skew_is_found_on_a_carbon_copy_beside_a_stamp_and_on_a_dark_bed(
    harm: Callable[[Image.Image, float], Image.Image], degrees: float
) -> None:
    page = freshened(harm(draw(size=SMALL), degrees))
    assert skew_degrees(page) == pytest.approx(degrees, abs=0.3)


def test_level_and_empty_pages_stay_as_they_are() -> None:
    page = draw(size=SMALL)
    assert skew_degrees(page) == 0
    assert clean.levelled(page, 0) is page
    assert skew_degrees(Image.new("L", SMALL, 255)) == 0


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


def all_rules(mask: clean.Mask, length_px: int) -> clean.Mask:
    """The rules of a mask, found by filtering each row and each column."""
    found = np.zeros_like(mask)
    for axis in (0, 1):
        thin = ndimage.minimum_filter1d(mask.view(np.uint8), length_px, axis=axis)
        found |= ndimage.maximum_filter1d(thin, length_px + 4, axis=axis) > 0
    return found


@pytest.mark.parametrize("length_px", [20, 44, 45, 60, 61])
def test_rules_are_straight_strokes_of_the_length(length_px: int) -> None:
    dice = np.random.default_rng(length_px)
    seen = 0
    for _ in range(60):
        height, width = dice.integers(5, 320, 2)
        mask = dice.random((height, width)) < dice.choice([0.02, 0.3, 0.9])
        for _ in range(5):  # strokes of about the length, some at an edge
            y, x, side = dice.integers(0, height), dice.integers(0, width), dice.integers(5, 2 * length_px)
            mask[y : y + 2, max(0, x - side) : x] = True
            mask[max(0, y - side) : y, x : x + 2] = True
        seen += int(rules(mask, length_px).any())
        assert np.array_equal(rules(mask, length_px), all_rules(mask, length_px))
    assert seen > 30
