"""Pieces of paper on one sheet are told from the parts of one letter, and what is read on a piece lies where it is on the sheet."""

import math
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from ocr import textlayer
from ocr.leaders import leaders, without
from ocr.lines import Line, Token
from ocr.paper import freshened
from ocr.pieces import Piece, cut_out, find_pieces
from ocr.piecewise import LevelStrip, read_pieces, turned
from ocr.reading import Reading
from ocr.skew import skew_of, writing
from ocr.unread import Box
from tests.ocr_pages import FONT, draw

pytestmark = pytest.mark.in_turns(3)

SIZE = (1240, 1754)
WORDS = ("Savon liquide", "Prise double", "Riz parfumé", "Ampoule LED", "Stylo bille", "Cahier relié", "Lait en poudre")


def receipt(rows: int = 12, paper: int = 250, font_px: int = 20) -> Image.Image:
    """Names at the left, amounts at the right."""
    font = ImageFont.truetype(FONT, font_px)
    image = Image.new("L", (20 * font_px, (rows + 4) * font_px * 3 // 2), paper)
    pen = ImageDraw.Draw(image)
    for row in range(rows):
        level = (row + 2) * font_px * 3 // 2
        pen.text((font_px, level), WORDS[row % len(WORDS)], 40, font)
        amount = f"{3 + row * 7} 50{row % 10}"
        pen.text((19 * font_px - pen.textlength(amount, font), level), amount, 40, font)
    return image


def laid(sheet: Image.Image, piece: Image.Image, place: tuple[int, int], degrees: float) -> None:
    """Lay a piece on the glass; its lines fall to the right by ``degrees``."""
    mask = Image.new("L", piece.size, 255).rotate(-degrees, expand=True)
    sheet.paste(piece.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255), place, mask)


def found(sheet: Image.Image) -> list[Piece]:
    ink = writing(freshened(sheet))
    return find_pieces(sheet, ink, skew_of(ink))


@pytest.mark.parametrize("paper", [250, 205])
@pytest.mark.parametrize("leans", [(6.0, -5.0), (-8.0, 3.0, 9.0), (1.0, 5.0)])
def test_pieces_with_a_slant_each_are_found_in_their_order(paper: int, leans: tuple[float, ...]) -> None:
    sheet = Image.new("L", SIZE, 250)
    for place, lean in zip(((60, 60), (720, 500), (100, 1100)), leans, strict=False):
        laid(sheet, receipt(paper=paper), place, lean)
    assert [piece.lean for piece in found(sheet)] == pytest.approx(list(leans), abs=1.0)


def test_pieces_beside_each_other_are_read_from_the_left() -> None:
    sheet = Image.new("L", SIZE, 250)
    laid(sheet, receipt(), (720, 60), -5.0)
    laid(sheet, receipt(), (60, 110), 6.0)
    assert [piece.lean for piece in found(sheet)] == pytest.approx([6.0, -5.0], abs=1.0)


def test_white_paper_on_a_darker_glass_is_a_piece() -> None:
    sheet = Image.new("L", SIZE, 170)
    laid(sheet, receipt(paper=250), (300, 500), 4.0)
    assert [piece.lean for piece in found(sheet)] == pytest.approx([4.0], abs=1.0)


def on_a_table(shade: int, darker: float = 0.0) -> Image.Image:
    """Two receipts photographed on a table: shadows around them, and light that falls off towards a corner."""
    table = Image.new("L", SIZE, shade)
    shadow = Image.new("L", SIZE, 255)
    for place, lean in (((400, 60), -8.0), ((560, 800), 11.0)):
        laid(shadow, Image.new("L", (440, 520), 130), (place[0] + 14, place[1] + 14), lean)
    table = ImageChops.multiply(table, shadow.filter(ImageFilter.GaussianBlur(14)))
    for place, lean in (((400, 60), -8.0), ((560, 800), 11.0)):
        laid(table, receipt(paper=225), place, lean)
    ys, xs = np.indices(SIZE[::-1]) / max(SIZE)
    light = 1 - darker * (xs + ys) ** 2 / 2
    grain = np.random.default_rng(3).normal(0, 6, SIZE[::-1])
    return Image.fromarray(np.clip(np.asarray(table) * light + grain, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(("shade", "darker"), [(100, 0.0), (100, 0.35), (170, 0.3)])
def test_receipts_are_found_on_a_table_with_their_shadows_in_uneven_light(shade: int, darker: float) -> None:
    pieces = found(on_a_table(shade, darker))
    assert [piece.lean for piece in pieces] == pytest.approx([-8.0, 11.0], abs=1.0)
    # Each is the paper, and no more: its strip has no shadow that is taken for ink.
    assert max(piece.mask.mean() for piece in pieces) < 0.11


def test_a_paper_that_is_as_light_as_its_table_at_the_sides_is_not_cut_there() -> None:
    table = Image.new("L", SIZE, 170)
    laid(table, receipt(paper=230), (100, 60), -6.0)
    laid(table, receipt(paper=230), (560, 900), 8.0)
    levels = np.array(table)
    dim = levels[:800] > 150
    dim[110:540, 150:450] = False  # all that is lit: a rectangle with an angle of its own
    levels[:800][dim] = 170
    cut, other = found(Image.fromarray(levels))
    assert (cut.lean, other.lean) == pytest.approx((-6.0, 8.0), abs=1.0)
    right = np.flatnonzero(cut.mask.any(axis=0))[-1] / cut.mask.shape[1]
    assert right > 500 / SIZE[0], "the amounts lie on their piece"


def columns() -> Image.Image:
    page = Image.new("L", SIZE, 250)
    small = draw(size=(1000, 1414)).crop((60, 100, 1000, 900)).resize((560, 476))
    for place in ((60, 200), (640, 200), (60, 800), (640, 800)):
        page.paste(small, place)
    return page


def stamped() -> Image.Image:
    page = draw(size=SIZE).convert("L")
    stamp = Image.new("L", (330, 150), 255)
    pen, font = ImageDraw.Draw(stamp), ImageFont.truetype(FONT, 24)
    pen.rectangle((2, 2, 327, 147), outline=40, width=4)
    for row, text in enumerate(("COURRIER ARRIVÉ", "le 12 mars 2026", "sous le n° 4521", "Secrétariat")):
        pen.text((20, 14 + 32 * row), text, 40, font)
    laid(page, stamp, (800, 1400), 9.0)
    return page


def beside_the_next_page() -> Image.Image:
    """The page of a book, and a strip of the page beside it, which bends towards the binding."""
    page = draw(size=SIZE).convert("L")
    page = ImageChops.offset(page.crop((0, 0, 1240, 1754)), 330, 0)
    ImageDraw.Draw(page).rectangle((0, 0, 330, 1754), 255)
    laid(page, receipt(24), (-180, 300), 8.0)
    return page


@pytest.mark.parametrize("make", [columns, stamped, beside_the_next_page, lambda: draw(size=SIZE).convert("L")])
def test_one_letter_is_not_taken_apart(make: object) -> None:
    page = make()  # type: ignore[operator]
    assert not found(page)
    assert not found(page.rotate(-2.0, Image.Resampling.BICUBIC, fillcolor=255))


def test_gray_paper_is_cut_out_with_its_own_shade_around_it() -> None:
    sheet = Image.new("L", SIZE, 250)
    laid(sheet, receipt(paper=200), (300, 500), 4.0)
    (piece,) = found(sheet)
    strip = cut_out(sheet, piece)
    assert max(strip.image.size) == max(SIZE)
    assert (np.asarray(strip.image) > 215).mean() < 0.001
    assert np.asarray(strip.image)[0, 0] == pytest.approx(200, abs=3)


@pytest.mark.parametrize("upright", [0, 90, 180])
@pytest.mark.parametrize("lean", [0.0, 3.0])
def test_what_is_read_on_a_piece_lies_where_it_is_on_the_sheet(lean: float, upright: int) -> None:
    sheet = Image.new("L", SIZE, 250)
    laid(sheet, receipt(), (60, 60), 6.0)
    laid(sheet, receipt(), (720, 700), -5.0)
    spot = 790, 1180
    ImageDraw.Draw(sheet).rectangle((spot[0] - 9, spot[1] - 9, spot[0] + 9, spot[1] + 9), 0)

    def read(strip: LevelStrip) -> Reading:
        """The black square as a word, on a strip that was turned after it was levelled."""
        image = strip.level.rotate(-upright, expand=True)
        ys, xs = np.nonzero(np.asarray(image.resize((image.width // 2, image.height // 2))) < 12)
        if not len(ys):
            return Reading(image, ())
        x, y = 2 * float(np.median(xs)) / image.width, 2 * float(np.median(ys)) / image.height
        return Reading(image, (Line((Token("ici", x - 0.01, y - 0.01, 0.02, 0.02, 90.0),)),), turned=(0.0, upright))

    level = sheet.rotate(lean, Image.Resampling.BILINEAR, fillcolor="white")
    reading = read_pieces(sheet, found(sheet), read, scale=1.0, level=level, lean=lean)
    assert reading.flags == ((f"rotated_{upright}",) if upright else ())
    token = reading.lines[-1].tokens[0]
    x, y = (token.x + token.width / 2) * reading.image.width, (token.y + token.height / 2) * reading.image.height
    assert np.asarray(reading.image)[round(y), round(x)] < 30


@cache
def two_receipts() -> tuple[Image.Image, tuple[Piece, ...]]:
    """Two receipts beside each other on the glass, and where they are found."""
    sheet = Image.new("L", SIZE, 250)
    laid(sheet, receipt(), (60, 60), 6.0)
    laid(sheet, receipt(), (720, 700), -5.0)
    return sheet, tuple(found(sheet))


def read_one_by_one(*readings: Reading) -> Reading:
    """What is read on two receipts beside each other."""
    (sheet, pieces), given = two_receipts(), iter(readings)
    return read_pieces(sheet, list(pieces), lambda _strip: next(given), scale=1.0, level=sheet, lean=0.0)


def reading(
    *words: str,
    confidence: float = 90.0,
    turned: tuple[float, int] = (0.0, 0),
    flags: tuple[str, ...] = (),
    written: tuple[Box, ...] = (),
) -> Reading:
    lines = tuple(Line((Token(word, 0.4, 0.4 + 0.1 * row, 0.2, 0.02, confidence),)) for row, word in enumerate(words))
    return Reading(Image.new("L", SIZE), lines, flags, written, turned)


def test_each_piece_begins_a_paragraph() -> None:
    both = read_one_by_one(reading("un", "deux"), reading("trois", "quatre"))
    assert [(line.text, line.starts_paragraph) for line in both.lines] == [
        ("un", True), ("deux", False), ("trois", True), ("quatre", False),
    ]  # fmt: skip


def test_a_sheet_is_poor_where_a_piece_is_or_all_of_it_together() -> None:
    sure, flagged = reading("assuré" * 9), reading("un", flags=("low_confidence",))
    assert read_one_by_one(sure, sure).flags == ()
    assert read_one_by_one(sure, flagged).flags == ("low_confidence",)
    assert read_one_by_one(reading("un", confidence=60), reading("deux", confidence=70)).flags == ("low_confidence",)


def test_a_sheet_is_turned_as_the_piece_with_most_letters_was() -> None:
    few, many = reading("un"), reading("beaucoup" * 5, turned=(0.0, 180))
    assert read_one_by_one(few, many).flags == read_one_by_one(many, few).flags == ("rotated_180",)


def test_what_a_hand_wrote_on_a_piece_lies_where_it_is_on_the_sheet() -> None:
    by_hand = Box(0.4, 0.4, 0.6, 0.42)
    level, on_side = (
        read_one_by_one(reading("un", written=(by_hand,)), reading("beaucoup" * 5, turned=(0.0, degrees)))
        for degrees in (0, 180)
    )
    (box,), (upside_down,) = level.written, on_side.written
    first = level.lines[0].tokens[0]
    assert (box.left, box.top, box.right) == pytest.approx((first.x, first.y, first.x + first.width))
    assert upside_down.left == pytest.approx(1 - box.right)
    assert upside_down.top == pytest.approx(1 - box.bottom)


def test_a_piece_that_was_levelled_on_its_side_is_leaned_back() -> None:
    level, leaning = (
        read_one_by_one(reading("un", "deux", "trois", turned=(lean, 0)), reading("x")) for lean in (0.0, 3.0)
    )
    falls = [one.lines[2].tokens[0].x - one.lines[0].tokens[0].x for one in (level, leaning)]
    assert falls[0] - falls[1] > 0.005


def test_lines_of_a_turned_page_are_turned_back() -> None:
    line = Line((Token("mot", 0.1, 0.2, 0.3, 0.05, 90.0),))
    for degrees in (0, 90, 180, 270):
        (back,) = turned(turned([line], degrees), -degrees % 360)
        assert back.tokens[0].x == pytest.approx(0.1)
        assert back.tokens[0].height == pytest.approx(0.05)
    assert turned([line], 90)[0].tokens[0].x == pytest.approx(1 - 0.2 - 0.05)


def test_words_of_a_slanted_line_lie_on_their_own_places_in_the_text_layer() -> None:
    fall = math.tan(math.radians(8))
    tokens = tuple(Token(f"m{n}", 0.1 + 0.1 * n, 0.2 + 0.1 * n * fall, 0.08, 0.01, 90.0) for n in range(5))
    text = textlayer.zlib.decompress(textlayer.content([Line(tokens)], width_pt=500, height_pt=500)).decode()
    assert "/T 5.00 Tf" in text
    places = [row.split()[2:8] for row in text.splitlines() if row.endswith("Tj")]
    assert [place[:4] for place in places] == [["1", "0", "0", "1"]] * 5, "level: Poppler parts a word that falls"
    falls = float(places[0][5]) - float(places[-1][5])
    assert falls == pytest.approx(500 * 0.4 * fall, abs=0.1)


@pytest.mark.parametrize("lean", [0.0, 3.0])
def test_dots_that_lead_to_an_amount_are_taken_away_and_the_letters_stay(lean: float) -> None:
    font = ImageFont.truetype(FONT, 20)
    with_dots, plain = Image.new("L", (600, 600), 255), Image.new("L", (600, 600), 255)
    for row in range(12):
        for image in (with_dots, plain):
            ImageDraw.Draw(image).text((40, 60 + 40 * row), "Lubrifiant", 30, font)
            ImageDraw.Draw(image).text((480, 60 + 40 * row), "1 500", 30, font)
        ImageDraw.Draw(with_dots).text((170, 60 + 40 * row), "." * 40, 30, font)
    with_dots, plain = (image.rotate(-lean, Image.Resampling.BICUBIC, fillcolor=255) for image in (with_dots, plain))
    dots = leaders(with_dots, 11, lean)
    assert dots is not None
    assert np.abs(np.asarray(without(with_dots, dots), dtype=np.int16) - np.asarray(plain)).mean() < 0.1
    assert leaders(plain, 11, lean) is None
