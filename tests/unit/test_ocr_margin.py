"""Handwriting beside type: what is found by its shape, and what is left out because it is surely something else."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.lines import Line, Token
from ocr.margin import written_regions
from ocr.unread import Box
from ocr.wire import MAX_WRITTEN
from tests.ocr_pages import FONT

pytestmark = pytest.mark.slow

SIZE = 1240, 1754  # A4 at 150 dpi, as a page is read
HAND = "/usr/share/fonts/truetype/kristi/Kristi.ttf"
TYPED = ImageFont.truetype(FONT, 22)
LEFT, TOP, STEP = 300, 300, 44
TEXT = ["Monsieur", "le", "Directeur,", "j'ai", "l'honneur", "de", "vous", "accuser", "réception"]


def typed_page(*, rows: int = 20, unread: tuple[int, int] | None = None) -> tuple[Image.Image, list[Line]]:
    """A typed page, and its words as they were read; ``unread``: (row, word) that the reading missed."""
    page = Image.new("L", SIZE, 255)
    pen, lines = ImageDraw.Draw(page), []
    for row in range(rows):
        x, tokens = float(LEFT), []
        for number, word in enumerate(TEXT):
            pen.text((x, TOP + row * STEP), word, 0, TYPED)
            left, top, right, bottom = pen.textbbox((x, TOP + row * STEP), word, TYPED)
            if (row, number) != unread:
                sides = left / SIZE[0], top / SIZE[1], (right - left) / SIZE[0], (bottom - top) / SIZE[1]
                tokens.append(Token(word, *sides, 95.0))
            x = right + 13
        lines.append(Line(tuple(tokens)))
    return page, lines


def by_hand(page: Image.Image, text: str, place: tuple[int, int]) -> tuple[float, float, float, float]:
    """Write on the page, and return the box of the ink in fractions."""
    font = ImageFont.truetype(HAND, 64)
    ImageDraw.Draw(page).text(place, text, 30, font)
    left, top, right, bottom = ImageDraw.Draw(page).textbbox(place, text, font)
    return left / SIZE[0], top / SIZE[1], right / SIZE[0], bottom / SIZE[1]


def covers(box: Box, ink: tuple[float, float, float, float]) -> bool:
    slack = 0.01
    return (
        box.left <= ink[0] + slack
        and box.top <= ink[1] + slack
        and box.right >= ink[2] - slack
        and box.bottom >= ink[3] - slack
        and box.area < 4 * (ink[2] - ink[0]) * (ink[3] - ink[1])
    )


def test_a_page_of_type_has_no_handwriting() -> None:
    assert written_regions(*typed_page()) == []


def test_notes_in_the_margins_are_found_from_the_top_each_with_its_place() -> None:
    page, lines = typed_page()
    above = by_hand(page, "Vu, à classer", (420, 150))
    beside = by_hand(page, "DAF", (120, 700))
    below = by_hand(page, "M. le Directeur : avis pour lundi", (320, 1350))
    found = written_regions(page, lines)
    assert len(found) == 3
    assert all(covers(box, ink) for box, ink in zip(found, (above, beside, below), strict=True)), found


def test_words_that_were_guessed_in_a_hand_do_not_hide_it() -> None:
    page, lines = typed_page()
    ink = by_hand(page, "Vu, à classer", (420, 150))
    guess = Token("Wua", ink[0], ink[1], ink[2] - ink[0], ink[3] - ink[1], 30.0)
    (box,) = written_regions(page, [Line((guess,)), *lines])
    assert covers(box, ink)


def test_a_whole_page_by_hand_is_found() -> None:
    page = Image.new("L", SIZE, 255)
    for row in range(8):
        by_hand(page, "Je vous prie de bien vouloir", (200, 200 + 110 * row))
    found = written_regions(page, [])
    assert sum(box.area for box in found) > 0.15


def _ring(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((900, 1300, 1080, 1480), outline=40, width=5)
    pen.ellipse((930, 1330, 1050, 1450), outline=40, width=3)


def _frame(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle((820, 1320, 1060, 1420), outline=40, width=4)
    pen.text((845, 1352), "ARRIVÉE 12 MARS", 40, ImageFont.truetype(FONT, 22))


def _hole(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((90, 840, 130, 880), fill=0)


def _edge(pen: ImageDraw.ImageDraw) -> None:
    pen.polygon([(0, 0), (40, 0), (14, 900), (22, 1754), (0, 1754)], fill=0)


def _rule(pen: ImageDraw.ImageDraw) -> None:
    pen.line((150, 1400, 1000, 1400), fill=0, width=4)


def _specks(pen: ImageDraw.ImageDraw) -> None:
    for n in range(400):
        pen.point((37 * n % 1200, 1250 + 53 * n % 450), fill=0)


@pytest.mark.parametrize("draw", [_ring, _frame, _hole, _edge, _rule, _specks])
def test_what_is_surely_no_writing_is_left_out(draw: Callable[[ImageDraw.ImageDraw], None]) -> None:
    page, lines = typed_page()
    draw(ImageDraw.Draw(page))
    assert written_regions(page, lines) == []


def test_a_typed_word_that_was_not_read_is_no_handwriting() -> None:
    page, lines = typed_page(unread=(7, 4))
    assert written_regions(page, lines) == []


def test_a_page_full_of_scrawls_has_no_more_regions_than_a_person_wants_to_look_at() -> None:
    page = Image.new("L", SIZE, 255)
    for n in range(40):
        by_hand(page, "Vu", (150 + 260 * (n % 4), 120 + 150 * (n // 4)))
    assert len(written_regions(page, [])) == MAX_WRITTEN


def test_an_empty_page_has_none() -> None:
    assert written_regions(Image.new("L", SIZE, 255), []) == []
