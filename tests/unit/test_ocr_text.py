import re
import zlib
from io import BytesIO

import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from ocr import invisible_font, textlayer
from ocr.language import language_of
from ocr.lines import Line, Token, confidence_of, text_of
from ocr.tesseract import LINE, PAGE, Plug, parse_tsv, plug_of, recogniser
from scripts.invisible_font import made
from tests.ocr_pages import FONT

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"


def row(block: int, par: int, line: int, word: int, text: str, *, left: int = 100, conf: float = 90.0) -> str:
    return f"5\t1\t{block}\t{par}\t{line}\t{word}\t{left}\t200\t50\t20\t{conf}\t{text}\n"


def test_table_becomes_lines_and_paragraphs() -> None:
    tsv = HEAD + "1\t1\t0\t0\t0\t0\t0\t0\t1000\t2000\t-1\t\n"
    tsv += row(1, 1, 1, 1, "Objet") + row(1, 1, 1, 2, ":") + row(1, 1, 1, 3, "demande") + row(1, 1, 2, 1, "suite")
    tsv += row(2, 1, 1, 1, 'dit "le', left=500) + row(2, 1, 1, 2, "~|", conf=95) + row(2, 1, 1, 3, "-", conf=12)
    lines = parse_tsv(tsv, 1000, 2000)
    assert text_of(lines) == 'Objet : demande\nsuite\n\ndit "le'
    token = lines[2].tokens[0]
    assert (token.x, token.y, token.width, token.height) == (0.5, 0.1, 0.05, 0.01)


def test_the_dictionary_tells_of_each_word_of_the_table_and_noise_does_not_shift_it() -> None:
    tsv = HEAD + row(1, 1, 1, 1, "-", conf=12) + row(1, 1, 1, 2, "arrêté") + row(1, 1, 1, 3, "arrétè")
    (line,) = parse_tsv(tsv, 1000, 2000, known=[False, True, False])
    assert [(token.text, token.is_known) for token in line.tokens] == [("arrêté", True), ("arrétè", False)]
    (line,) = parse_tsv(tsv, 1000, 2000)
    assert [token.is_known for token in line.tokens] == [None, None]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("ete...", "etc..."),
        ("ete…", "etc…"),
        ("(ete...)", "(etc...)"),
        ("ete.", "ete."),
        ("été...", "été..."),
        ("complete...", "complete..."),
        ("ETE...", "ETE..."),
    ],
)
def test_and_so_on_is_no_summer(read: str, text: str) -> None:
    assert text_of(parse_tsv(HEAD + row(1, 1, 1, 1, read), 1000, 2000)) == text


@pytest.mark.parametrize("psm", [PAGE, LINE])
def test_the_library_tells_which_words_are_in_its_dictionary(psm: int) -> None:
    if plug_of("automatic") is not Plug.LIBRARY:
        pytest.skip("tesserocr has no wheel on this machine")
    page = Image.new("L", (1240, 120), 255)
    ImageDraw.Draw(page).text((60, 40), "Monsieur le Ministre, Kpwxvuq demande", 0, ImageFont.truetype(FONT, 30))
    reader = recogniser(None, None)
    known = {
        t.text: t.is_known
        for line in reader.read(page, dpi=150, languages="fra", timeout_s=60, psm=psm)
        for t in line.tokens
    }
    assert known["Monsieur"] is True
    assert known["Ministre,"] is True
    assert known["Kpwxvuq"] is False
    empty = Image.new("L", (1240, 120), 255)
    nothing = reader.read(empty, dpi=150, languages="fra", timeout_s=60, psm=psm)
    assert all(token.confidence == 0 for line in nothing for token in line.tokens)


def test_confidence_counts_letters_not_words() -> None:
    long, short = Token("considération", 0, 0, 1, 1, 90), Token("de", 0, 0, 1, 1, 15)
    assert confidence_of([Line((long, short))]) == 80.0
    assert confidence_of([]) == 0


def test_language_is_told_by_small_words() -> None:
    assert language_of("We have the honour to inform you of the visit", ["fra", "eng"]) == "eng"
    assert language_of("J'ai l'honneur de vous informer de la visite", ["eng", "fra"]) == "fra"
    assert language_of("12345", ["fra", "eng"]) == "fra"


def test_layer_places_words_on_the_page() -> None:
    line = Line((Token("Lomé", 0.1, 0.2, 0.05, 0.02, 90), Token("ɖé", 0.2, 0.2, 0.05, 0.02, 90)))
    drawn = zlib.decompress(textlayer.content([line], width_pt=600, height_pt=800)).decode("ascii")
    assert drawn.startswith("BT 3 Tr\n/T 16.00 Tf")
    assert "1 0 0 1 60.00 627.20 Tm <004C006F006D00E90020> Tj" in drawn  # the bottom is at 624; a fifth of 16 is above
    assert "<025600E9> Tj" in drawn
    stretch = float(re.findall(r"([\d.]+) Tz", drawn)[0])
    assert stretch == pytest.approx(100 * 30 / (4 * 16 * 0.5), abs=0.1)


@pytest.mark.parametrize("letter", ["\ufeff", "\x00", "\ufffe", "𝒜", "\ud800"])
def test_letters_without_code_become_the_replacement_character(letter: str) -> None:
    drawn = zlib.decompress(textlayer.content([Line((Token(letter, 0, 0, 1, 1, 9),))], width_pt=9, height_pt=9))
    assert b"<FFFD>" in drawn


def test_font_is_what_its_maker_makes_and_draws_nothing() -> None:
    assert invisible_font.font_file() == made()
    with TTFont(BytesIO(made())) as font:
        assert [font["glyf"][name].numberOfContours for name in font.getGlyphOrder()] == [0, 0]
        assert font["hmtx"]["blank"][0] == textlayer.GLYPH_WIDTH
