"""Boxes that were read on a levelled page are moved to the words on the tilted page."""

import math

import pytest

from ocr.lines import Line, Token
from ocr.reading import tilted

SIZE = (1000, 1400)


@pytest.mark.parametrize("degrees", [-0.7, 0.7])
def test_boxes_follow_the_lean(degrees: float) -> None:
    left, right = Token("à", 0.0, 0.5, 0.02, 0.01, 90.0), Token("b", 0.98, 0.5, 0.02, 0.01, 90.0)
    (line,) = tilted([Line((left, right), True)], degrees, SIZE)
    fall_px = (line.tokens[1].y - line.tokens[0].y) * SIZE[1]
    assert fall_px == pytest.approx(math.sin(math.radians(degrees)) * 0.98 * SIZE[0], abs=0.5)
    assert line.starts_paragraph
    assert line.tokens[0].width == left.width


def test_a_level_page_stays() -> None:
    line = Line((Token("à", 0.1, 0.1, 0.1, 0.1, 90.0),))
    assert tilted([line], 0.0, SIZE) == [line]
