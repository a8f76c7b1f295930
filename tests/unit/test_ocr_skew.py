"""By how much the lines of a page are skewed, also on carbon copies, beside stamps and on a dark bed."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageFilter

from ocr import clean
from ocr.paper import freshened
from ocr.skew import skew_degrees
from tests.ocr_pages import draw
from tests.ocr_scenes import SMALL

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
