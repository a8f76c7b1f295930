"""Rules of a page are its straight strokes."""

import numpy as np
import pytest
from scipy import ndimage

from ocr.filters import Mask
from ocr.rules import rules

pytestmark = pytest.mark.slow


def all_rules(mask: Mask, length_px: int) -> Mask:
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
