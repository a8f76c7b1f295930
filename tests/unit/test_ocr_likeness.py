"""A small fingerprint of a page: nearly equal for one sheet scanned twice, different for another letter."""

import numpy as np
from PIL import Image, ImageEnhance

from ged.suggestions.lookalike import IMAGE_BITS, image_score
from ocr.likeness import likeness
from tests.ocr_pages import aged


def sheet(seed: int) -> Image.Image:
    """Lines of ink at random places."""
    rng = np.random.default_rng(seed)
    pixels = np.full((1170, 827), 245, dtype=np.uint8)
    for top in range(80, 1080, 26):
        left, right = sorted(rng.integers(60, 780, size=2))
        if rng.random() < 0.6:
            pixels[top : top + 12, left:right:2] = 40
    return Image.fromarray(pixels)


def test_it_is_as_long_as_those_who_compare_it_expect() -> None:
    assert len(likeness(sheet(1))) == IMAGE_BITS // 4
    assert len(likeness(Image.new("L", (20, 10), 255))) == IMAGE_BITS // 4


def test_a_sheet_scanned_again_looks_the_same_and_another_does_not() -> None:
    first, other = sheet(1), sheet(2)
    again = aged(first, degrees=0.5, noise=6.0)
    darker = ImageEnhance.Brightness(first).enhance(0.8).resize((600, 849))
    for copy in (again, darker):
        assert image_score(likeness(first), likeness(copy)) > 0.75
    assert image_score(likeness(first), likeness(other)) < 0.5
