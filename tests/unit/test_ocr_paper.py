"""Processing of a page before it is read, and of the words after it, without tesseract."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ocr.image import turn
from ocr.lines import Line, Token
from ocr.orientation import runs_upright
from ocr.paper import freshened
from ocr.plausible import is_tall, legible_lines, unreadable
from ocr.unread import light_regions, merged, unread_regions
from tests.ocr_pages import aged, draw, with_light_lines

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]

SMALL = (1240, 1754)
PAGE = draw(size=SMALL)


def ink_share(page: Image.Image) -> float:
    return float((np.asarray(page) < 128).mean())


def test_faint_ink_becomes_dark_and_paper_white() -> None:
    faint = PAGE.point([215 - (255 - level) * 25 // 100 for level in range(256)])
    assert ink_share(faint) == 0 or np.asarray(faint).max() < 230
    fresh = freshened(faint)
    assert np.percentile(np.asarray(fresh), 80) == 255
    assert 0.6 * ink_share(PAGE) < ink_share(fresh) < 1.6 * ink_share(PAGE)


def test_a_shadow_is_no_ink() -> None:
    shadow = np.linspace(1.0, 0.55, SMALL[0])[None, :]
    shaded = Image.fromarray((np.asarray(PAGE) * shadow).astype(np.uint8))
    assert ink_share(freshened(shaded)) == pytest.approx(ink_share(freshened(PAGE)), rel=0.25)


def test_the_black_bed_of_the_scanner_goes_white_and_the_letter_stays() -> None:
    bed = Image.new("L", (SMALL[0] + 200, SMALL[1]), 8)
    bed.paste(PAGE, (0, 0))
    fresh = np.asarray(freshened(bed))
    assert (fresh[:, SMALL[0] + 40 :] > 200).mean() > 0.95
    assert ink_share(freshened(bed).crop((0, 0, *SMALL))) > 0.6 * ink_share(PAGE)


def on_bed(bed: Image.Image) -> Image.Image:
    """The page in the middle of something larger by 130 pixels on each side."""
    page = bed.copy()
    page.paste(PAGE, (130, 130))
    return page


def woven(thread_px: int, light: int) -> Image.Image:
    """Cloth of crossed threads."""
    y, x = np.mgrid[0 : SMALL[1] + 260, 0 : SMALL[0] + 260]
    over = ((x // thread_px + y // thread_px) % 2) * 45
    shine = 20 * np.sin(2 * np.pi * np.where(over > 0, x, y) / thread_px)
    return Image.fromarray((light - over + shine).astype(np.uint8))


@pytest.mark.parametrize(("thread_px", "light"), [(4, 170), (6, 160), (5, 140)])
def test_a_rough_bed_that_is_not_black_goes_white_and_the_letter_stays(thread_px: int, light: int) -> None:
    fresh = freshened(on_bed(woven(thread_px, light)))
    around = np.asarray(fresh) < 128
    around[130:-130, 130:-130] = False
    assert around.mean() < 0.01
    letter = fresh.crop((130, 130, 130 + SMALL[0], 130 + SMALL[1]))
    assert ink_share(letter) == pytest.approx(ink_share(freshened(PAGE)), rel=0.1)


@pytest.mark.parametrize(
    "bed", [woven(7, 130), Image.effect_noise((SMALL[0] + 260, SMALL[1] + 260), 40).point(lambda value: value - 40)]
)
def test_the_bed_goes_white_in_the_corner_between_two_sheets_too(bed: Image.Image) -> None:
    page = on_bed(bed)
    page.paste(235, (0, 0, 130, 900))  # the page before, of which the left edge is seen: the bed has a corner there
    fresh = freshened(page)
    corner, sheets = fresh.crop((90, 910, 120, 940)), fresh.crop((0, 200, 120, 880))
    assert np.asarray(corner).min() > 200
    assert ink_share(sheets) < 0.001
    assert ink_share(fresh.crop((130, 130, 130 + SMALL[0], 130 + SMALL[1]))) > 0.6 * ink_share(PAGE)


def test_a_dark_band_with_close_lines_at_the_edge_is_no_bed() -> None:
    page = draw("\n".join(["REPUBLIQUE TOGOLAISE MINISTERE DE LA SANTE"] * 40), size=SMALL, font_px=40)
    banded = np.asarray(page).copy()
    banded[:600] = banded[:600] * 0.7
    fresh, plain = freshened(Image.fromarray(banded)), freshened(page)
    # Beside the edge of the band, light paper is near: what is darker counts as ink there.
    parts = [one.crop((0, 0, SMALL[0], 500)) for one in (fresh, plain)]
    assert ink_share(parts[0]) == pytest.approx(ink_share(parts[1]), rel=0.2)


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_page_on_its_side_is_told_from_an_upright_one(degrees: int) -> None:
    for page in (PAGE, aged(PAGE, degrees=1.0)):
        assert runs_upright(freshened(page)) < 0.8
        assert runs_upright(turn(freshened(page), degrees)) > 1.2


def test_a_page_with_hardly_any_ink_says_nothing() -> None:
    assert runs_upright(Image.new("L", SMALL, 255)) == 0


def token(text: str, x: float, y: float, confidence: float = 90.0) -> Token:
    return Token(text, x, y, 0.02 * len(text), 0.012, confidence)


def test_ink_outside_all_words_is_found() -> None:
    page = Image.new("L", SMALL, 255)
    pen = ImageDraw.Draw(page)
    for row in range(4):
        for column in range(20):
            pen.rectangle((200 + 22 * column, 300 + 40 * row, 212 + 22 * column, 318 + 40 * row), fill=0)
    regions, share = unread_regions(page, [])
    assert share > 0.9
    assert regions[0].left < 0.17 < regions[0].right
    covering = [Line((Token("lu", 0.15, 0.16, 0.4, 0.1, 90.0),))]
    assert unread_regions(page, covering) == ([], 0.0)


def test_words_of_a_second_look_fill_gaps_and_replace_only_what_was_less_sure() -> None:
    first = [Line((token("Monsieur", 0.1, 0.1), token("D1recteur", 0.27, 0.1, 40)))]
    second = [
        Line((token("Mansieur", 0.1, 0.1, 60), token("Directeur", 0.27, 0.1, 91))),
        Line((token("Visa", 0.1, 0.5),)),
    ]
    words = [line.text for line in merged(first, second)]
    assert words == ["Monsieur Directeur", "Visa"]


@pytest.mark.parametrize(
    ("long", "short", "stays"),
    [
        (("6.950", 90), ("950", 97), "6.950"),
        (("6.950", 60), ("950", 97), "950"),  # as unsure, a speck may have been read for a figure
        (("6.958", 85), ("950", 97), "950"),
        (("N.950", 85), ("950", 97), "950"),
    ],
)
def test_a_number_keeps_its_first_figures_whichever_reading_had_them(
    long: tuple[str, float], short: tuple[str, float], stays: str
) -> None:
    first, other = ([Line((token(text, 0.1, 0.1, sure),))] for text, sure in (long, short))
    assert [line.text for line in merged(first, other)] == [stays]
    assert [line.text for line in merged(other, first)] == [stays]


def test_an_amount_that_is_read_again_stays_in_the_line_of_its_name() -> None:
    read = [Line((token("Rideau", 0.1, 0.1), token("8859", 0.6, 0.1, 50))), Line((token("Nappe", 0.1, 0.2),))]
    again = [Line((token("8850", 0.6, 0.1, 93),))]
    assert [line.text for line in merged(read, again)] == ["Rideau 8850", "Nappe"]


@pytest.mark.parametrize(("first", "again", "stays"), [(91, 88, "juillet"), (95, 80, "Juillel"), (85, 91, "juillet")])
def test_of_two_readings_of_a_word_the_one_of_the_dictionary_counts_more(first: int, again: int, stays: str) -> None:
    read = [Line((replace(token("Juillel", 0.1, 0.1, first), is_known=False),))]
    other = [Line((replace(token("juillet", 0.1, 0.1, again), is_known=True),))]
    assert [line.text for line in merged(read, other)] == [stays]
    untold = [Line((token("juillet", 0.1, 0.1, again),))]
    assert [line.text for line in merged(read, untold)] == ["juillet" if again > first else "Juillel"]


def test_scribbles_leave_only_lines_read_surely_as_a_whole() -> None:
    scribble = [Line((token("xvqe", 0.1, 0.1 + n / 50, 20), token("mmrn", 0.3, 0.1 + n / 50, 25))) for n in range(8)]
    head = Line((token("REPUBLIQUE", 0.1, 0.05, 95),))
    assert unreadable(scribble)
    assert [line.text for line in legible_lines([head, *scribble], doubtful=True, tall=True, strict=True)] == [
        "REPUBLIQUE"
    ]
    assert not unreadable([head])


def test_on_a_page_understood_only_guesses_go() -> None:
    lines = [Line((token("Lomé", 0.1, 0.1, 55), token("ﬁ|", 0.3, 0.1, 6)))]
    assert [line.text for line in legible_lines(lines, doubtful=False, tall=True, strict=False)] == ["Lomé"]


def test_on_a_page_read_badly_words_more_likely_imagined_than_read_go() -> None:
    lines = [Line((token("Lomé", 0.1, 0.1, 55), token("Lorné", 0.3, 0.1, 45)))]
    assert [line.text for line in legible_lines(lines, doubtful=True, tall=False, strict=False)] == ["Lomé"]


def test_of_handwriting_only_the_surest_words_stay() -> None:
    lines = [Line((token("Lomé", 0.1, 0.1, 84), token("Lorné", 0.3, 0.1, 71), token("fétdecurcllles", 0.5, 0.1, 5)))]
    assert [line.text for line in legible_lines(lines, doubtful=True, tall=True, strict=False)] == ["Lomé"]


def test_typed_lines_beside_handwriting_keep_what_was_read_in_them() -> None:
    lines = [Line((token("Lomé", 0.1, 0.1, 84), token("préfet", 0.3, 0.1, 55), token("lc", 0.5, 0.1, 44)))]
    assert [line.text for line in legible_lines(lines, doubtful=True, tall=True, strict=False)] == ["Lomé préfet"]


def test_of_illegible_print_the_surer_words_stay() -> None:
    lines = [Line((token("prière", 0.1, 0.1, 93), token("lours", 0.3, 0.1, 55), token("vatn", 0.5, 0.1, 3)))]
    assert [line.text for line in legible_lines(lines, doubtful=True, tall=False, strict=True)] == ["prière"]


def known(text: str, x: float, confidence: float) -> Token:
    return replace(token(text, x, 0.1, confidence), is_known=True)


@pytest.mark.parametrize(
    ("words", "is_print"),
    [
        ([known("auditeurs", 0.1, 46)], True),
        ([known("auditeurs", 0.1, 44)], False),
        ([known("mais", 0.1, 70)], False),
        ([token("auditeurs", 0.1, 0.1, 46)], False),
        ([replace(token("auditeurs", 0.1, 0.1, 46), is_known=False)], False),
    ],
)
def test_long_words_of_the_dictionary_tell_a_bad_photocopy_from_handwriting(words: list[Token], is_print: bool) -> None:
    lines = [Line((*words, *(token("Phooolat", 0.3, 0.2 + n / 50, 20) for n in range(10))))]
    height = lines[0].tokens[0].height
    assert unreadable(lines) is not is_print
    assert is_tall(lines, 5 / height) is not is_print
    assert not is_tall(lines, 3.4 / height)
    assert is_tall([Line((known("auditeurs", 0.1, 90),))], 5 / height)


def test_few_long_words_of_the_dictionary_make_no_print() -> None:
    hand = [token("fétdecurcllles", 0.3, 0.2 + n / 50, 20) for n in range(10)]
    assert unreadable([Line((known("auditeurs", 0.1, 60), *hand))])


def test_a_long_word_of_the_dictionary_is_seldom_imagined() -> None:
    words = known("encore", 0.1, 2), known("notre", 0.3, 14), token("Phooolat", 0.5, 0.1, 14)
    for doubtful, tall in ((False, False), (True, False), (True, True)):
        kept = legible_lines([Line(words)], doubtful=doubtful, tall=tall, strict=False)
        assert [line.text for line in kept] == ["encore"]
    assert not list(legible_lines([Line(words)], doubtful=True, tall=True, strict=True))


def test_letters_taller_than_any_typewriter_has_are_written_by_hand() -> None:
    lines = [Line((token("Monsieur", 0.1, 0.1), token("le", 0.3, 0.1)))]
    height = lines[0].tokens[0].height
    assert not is_tall(lines, 3.4 / height)
    assert is_tall(lines, 5 / height)
    assert not is_tall([], 297)


def test_faint_letters_beside_darker_ones_stay_whole_on_smooth_paper() -> None:
    both = np.asarray(PAGE.point([230 - (255 - level) * 98 // 255 for level in range(256)])).copy()
    faint = np.arange(SMALL[0]) // 60 % 2 == 1
    both[:, faint] = np.asarray(PAGE.point([230 - (255 - level) * 20 // 255 for level in range(256)]))[:, faint]
    written = (np.asarray(PAGE) < 60) & faint
    assert np.median(np.asarray(freshened(Image.fromarray(both)))[written]) < 205


@pytest.mark.parametrize(("left", "darkest", "lightest"), [(0.4, 0, 110), (0.15, 200, 255)])
def test_by_line_a_lighter_line_becomes_dark_and_marks_of_the_other_side_do_not(
    left: float, darkest: int, lightest: int
) -> None:
    page, rows = with_light_lines(PAGE, left)
    written = (np.asarray(PAGE) < 60) & rows[:, None]
    assert darkest <= np.median(np.asarray(freshened(page, by_line=True))[written]) <= lightest


def test_lines_that_stayed_light_are_looked_for_apart_from_dark_ones() -> None:
    page, rows = with_light_lines(PAGE, 0.2)
    places = [(box.top * SMALL[1], box.bottom * SMALL[1]) for box in light_regions(freshened(page), [])[0]]
    assert places
    assert all(rows[int(top) : int(bottom)].mean() > 0.3 for top, bottom in places)
    assert light_regions(freshened(PAGE), []) == ([], 0.0)


def test_the_shade_of_edges_and_the_grain_of_paper_are_no_light_lines() -> None:
    small = np.full((440, 311), 255, dtype=np.uint8)
    grain = np.random.default_rng(7).random(small.shape)
    small[:, :14] = np.where(grain[:, :14] < 0.7, 225, 255)
    small[:10] = np.where(grain[:10] < 0.7, 225, 255)
    small[grain > 0.985] = 225
    scan = np.asarray(Image.fromarray(small).resize(SMALL, Image.Resampling.NEAREST))
    page = Image.fromarray(np.minimum(np.asarray(freshened(PAGE)), scan))
    assert light_regions(page, [])[1] < 0.005


@pytest.mark.parametrize(
    ("heights", "wide", "step", "level", "is_found"),
    [
        (5, 90, 3, 225, True),
        (2, 90, 3, 225, False),
        (10, 90, 3, 225, False),
        (5, 15, 3, 225, False),
        (5, 90, 10, 225, False),
        (5, 90, 3, 120, False),
    ],
    ids=["words", "too low", "too high", "too short", "hardly any ink", "dark"],
)
def test_only_light_ink_with_the_shape_of_words_is_a_light_line(
    heights: int, wide: int, step: int, level: int, is_found: bool
) -> None:
    page = np.full((440, 311), 255, dtype=np.uint8)
    page[100 : 100 + heights, 40 : 40 + wide : step] = level
    regions, share = light_regions(Image.fromarray(page), [])
    assert (len(regions), share) == ((1, 1.0) if is_found else (0, 0.0))
