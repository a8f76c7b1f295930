"""Faults of a scan are reported where they exist, and never for ordinary office pages."""

import time
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from demo.ageing import AgeingKind, _stamp_ink, age
from demo.letters import make_letters
from ocr import clean, quality
from ocr.image import Shown
from ocr.inspection import facts_of
from tests.ocr_pages import draw
from tests.ocr_scenes import SMALL, noisy_blank

# Whole pages are drawn, aged and judged: `make check` leaves them out.
pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]


@lru_cache
def letter(n: int = 0) -> Image.Image:
    return make_letters(7)[n].draw(1, dpi=150)


def told(page: Image.Image, dpi: int = 150) -> tuple[str, ...]:
    blank = clean.blank_score(page) >= 0.9
    return quality.warnings(page, full_size=page.size, dpi=dpi, blank=blank)


@pytest.mark.parametrize("kind", list(AgeingKind))
@pytest.mark.parametrize("n", [0, 5])
def test_an_office_page_raises_no_alarm(kind: AgeingKind, n: int) -> None:
    assert told(age(letter(n), 3, kind)) == ()


def test_clean_short_and_empty_pages_raise_no_alarm() -> None:
    assert told(letter()) == ()
    assert told(draw("Vu et transmis, le 3 mai", size=SMALL)) == ()
    assert told(Image.new("L", SMALL, 255)) == told(noisy_blank()) == told(noisy_blank(black_edge=True)) == ()


def test_the_reading_levels_four_degrees_and_no_alarm_is_raised() -> None:
    assert told(letter().rotate(4, Image.Resampling.BILINEAR, fillcolor=255)) == ()


@pytest.mark.parametrize("n", [0, 2, 5, 7])
def test_what_is_too_dark_too_light_cut_askew_or_sideways_is_told(n: int) -> None:
    page = age(letter(n), n, AgeingKind.OFFICE)
    assert told(page.point(lambda v: v * 0.3)) == ("too_dark",)
    assert told(page.point(lambda v: 245 - (255 - v) * 0.15)) == ("too_light",)
    assert "cut_edge" in told(page.crop((page.width // 5, 0, page.width, page.height)))
    for degrees in (9, -12):
        assert told(page.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=255)) == ("skewed",)
    assert told(page.rotate(90, expand=True)) == ("sideways",)


def test_a_coarse_page_is_told_by_its_pixels() -> None:
    coarse = letter().resize((827, 1169))
    assert told(coarse, dpi=100) == told(coarse, dpi=0) == ("low_resolution",)
    assert told(coarse, dpi=200) == ()  # a half sheet at a good resolution
    assert told(letter().resize((2480, 3508)), dpi=72) == ()  # a photograph states no true resolution


def test_a_black_border_of_the_scanner_is_no_cut_text() -> None:
    pixels = np.asarray(letter()).copy()
    pixels[:, :30], pixels[-25:, :] = 8, 8
    assert told(Image.fromarray(pixels)) == ()


def test_a_page_is_judged_in_less_than_sixty_milliseconds_of_work() -> None:
    page = age(letter(), 1, AgeingKind.STAMPED)
    spent = []
    for _ in range(5):
        before = time.thread_time()
        quality.warnings(page, full_size=page.size, dpi=150, blank=False)
        spent.append(time.thread_time() - before)
    assert min(spent) < 0.06, spent


def score(pixels: npt.NDArray[np.float32]) -> float:
    page = Image.fromarray(pixels.astype(np.uint8))
    return facts_of(Shown(page, 150, page.size)).blank_score


@pytest.mark.parametrize("force", [0.4, 0.5, 0.75])
def test_a_stamp_on_a_faint_verso_is_no_blank_page(force: float) -> None:
    """Thin paper shows its other side. A stamp there says that the letter arrived, so the page must not be dropped."""
    verso = np.asarray(noisy_blank(specks=60), dtype=np.float32)
    other = np.asarray(letter().transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize(SMALL), dtype=np.float32)
    thin = verso * (1 - (1 - other / 255) * 0.12)
    assert score(thin) >= 0.9
    stamp = np.asarray(_stamp_ink("arrival"), dtype=np.float32)[::2, ::2] / 255
    thin[300 : 300 + stamp.shape[0], 200 : 200 + stamp.shape[1]] *= 1 - (1 - stamp) * force
    assert score(thin) < 0.9
