"""The fast filters return what the plain ones of Pillow and scipy return, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from ocr import filters

SIZES = [(1, 1), (3, 2), (17, 40), (64, 33)]


@pytest.fixture(params=SIZES, ids=str)
def gray(request: pytest.FixtureRequest) -> Image.Image:
    width, height = request.param
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width), dtype=np.uint8))


@pytest.mark.parametrize("side_px", [3, 5, 9])
def test_greatest_is_pillows(gray: Image.Image, side_px: int) -> None:
    assert np.array_equal(filters.greatest(gray, side_px), gray.filter(ImageFilter.MaxFilter(side_px)))


def test_median_is_pillows(gray: Image.Image) -> None:
    assert np.array_equal(filters.median(gray), gray.filter(ImageFilter.MedianFilter(3)))


@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_company_is_counted_right(gray: Image.Image, share: float) -> None:
    mask = np.asarray(gray) < 256 * share
    padded = np.pad(mask, 1).astype(int)
    height, width = mask.shape
    around = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) - mask
    assert np.array_equal(filters.with_company(mask), mask & (around >= 2))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("length_px", [1, 2, 7, 8, 9, 20, 41, 64, 100])
@pytest.mark.parametrize("share", [0.02, 0.6, 0.97])
def test_runs_along_an_axis_are_scipys(gray: Image.Image, share: float, length_px: int, axis: int) -> None:
    mask = np.asarray(gray) < 256 * share
    least = ndimage.minimum_filter1d(mask.view(np.uint8), length_px, axis=axis)
    most = ndimage.maximum_filter1d(mask.view(np.uint8), length_px, axis=axis)
    assert np.array_equal(filters.all_along(mask, length_px, axis), least > 0)
    assert np.array_equal(filters.any_along(mask, length_px, axis), most > 0)
