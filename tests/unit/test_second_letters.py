"""Words of the second reader that it misread by a letter or two, mended from the letters that it also saw."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ocr.lines import Line, Token
from ocr.second_choice import Glyph, Strip
from ocr.second_letters import mended
from ocr.unread import Box

FRENCH = frozenset(["encore", "ancre", "chocolat", "santé", "maison", "raison", "bien"])
BOX = Box(0.1, 0.1, 0.9, 0.12)


def strip(text: str, sure: float = 85.0, **others: tuple[tuple[str, float], ...]) -> Strip:
    """A line read at 85. ``at2=(("c", 20.0),)``: what else the reader saw at the letter after the first two."""
    return Strip(
        tuple(Glyph(letter, 0.1 + n / 100, sure, others.get(f"at{n}", ())) for n, letter in enumerate(text)), BOX
    )


def text(line: Strip) -> str:
    return "".join(glyph.text for glyph in line.glyphs)


@pytest.mark.parametrize(
    ("read", "mends"),
    [
        (strip("l'enoore", at4=(("c", 20.0),)), ("l'encore", ("enoore",))),
        (strip("chooolst", at3=(("c", 20.0),), at6=(("a", 30.0),)), ("chocolat", ("chooolst",))),
        (strip("naison", at0=(("m", 20.0), ("r", 30.0))), ("raison", ("naison",))),
        (strip("nalson", at0=(("m", 20.0), ("r", 30.0)), at2=(("i", 11.0),)), ("raison", ("nalson",))),
    ],
)
def test_a_letter_that_the_reader_also_saw_makes_an_unknown_word_a_known_one(
    read: Strip, mends: tuple[str, tuple[str, ...]]
) -> None:
    line, before = mended(read, FRENCH.__contains__)
    assert (text(line), before) == mends
    assert [glyph.x for glyph in line.glyphs] == [glyph.x for glyph in read.glyphs]


@pytest.mark.parametrize(
    "read",
    [
        strip("enoore"),  # nothing is put that was not seen
        strip("maison", at0=(("r", 50.0),)),  # a known word
        strip("enxxxe", at2=(("c", 20.0),), at3=(("o", 20.0),), at4=(("r", 20.0),)),  # three letters
        strip("b1en", at1=(("i", 40.0),)),  # a number, or a code
        strip("blen,", at4=(("i", 40.0),)),
        strip("encoro" * 6, at5=(("e", 40.0),)),
        strip("Enoore", at2=(("c", 20.0),)),  # a name, it may be, which no dictionary has
        strip("ENOORE", at2=(("c", 20.0),)),
        strip("M'Enoore", at4=(("c", 20.0),)),
        Strip((), BOX),
    ],
)
def test_other_words_stay_as_they_were_read(read: Strip) -> None:
    assert mended(read, FRENCH.__contains__) == (read, ())


def test_a_line_read_so_unsurely_that_it_may_be_a_hands_stays() -> None:
    assert mended(strip("enoore", sure=81.0, at2=(("c", 20.0),)), FRENCH.__contains__)[1] == ()
    assert mended(strip("enoore", sure=83.0, at2=(("c", 20.0),)), FRENCH.__contains__)[1] == ("enoore",)


def test_short_words_stay() -> None:
    assert mended(strip("uns", at2=(("e", 40.0),)), {"une"}.__contains__)[1] == ()


def test_fewer_other_letters_are_likelier_than_more() -> None:
    read = strip("ancore", at0=(("e", 10.0),), at3=(("r", 50.0),), at4=(("e", 50.0),), at5=(("s", 50.0),))
    assert text(mended(read, FRENCH.__contains__)[0]) == "encore"


def test_a_mended_letter_is_as_sure_as_both_were_together() -> None:
    line, _ = mended(strip("enoore", at2=(("c", 10.0),)), FRENCH.__contains__)
    assert [glyph.confidence for glyph in line.glyphs] == [85, 85, 95, 85, 85, 85]
    line, _ = mended(strip("enoore", at2=(("c", 70.0),)), FRENCH.__contains__)
    assert line.glyphs[2].confidence == 100


def test_a_page_that_is_read_again_has_its_words_mended_and_keeps_them_as_they_were_read() -> None:
    second_page = pytest.importorskip("ocr.second_page", reason="the extra second-reader is not installed here")
    read = strip("enoore", at2=(("c", 20.0),))
    models = SimpleNamespace(
        find=lambda page: [SimpleNamespace(box=BOX)], read=lambda page, found: read, is_known=FRENCH.__contains__
    )
    chosen = second_page.read_again(models, Image.new("L", (400, 600), 255), [])
    assert [line.text for line in chosen.lines] == ["encore"]
    assert set(chosen.others) == {"enoore"}


def test_a_line_that_only_the_first_reader_found_is_mended_too() -> None:
    second_page = pytest.importorskip("ocr.second_page", reason="the extra second-reader is not installed here")
    read = strip("enoore", at2=(("c", 20.0),))
    models = SimpleNamespace(find=lambda page: [], read_box=lambda page, box: read, is_known=FRENCH.__contains__)
    first = Line((Token("cnoore", 0.1, 0.1, 0.3, 0.02, 20.0),))
    chosen = second_page.read_again(models, Image.new("L", (400, 600), 255), [first])
    assert [line.text for line in chosen.lines] == ["encore"]


@pytest.mark.parametrize("again", ["xxxxxx", "enoore"])
def test_a_faint_line_is_read_twice_and_both_readings_are_mended(again: str) -> None:
    """How surely it was read counts, not how sure it is once it is mended."""
    second_page = pytest.importorskip("ocr.second_page", reason="the extra second-reader is not installed here")
    readings = [strip("enoore", 95.5, at2=(("c", 50.0),)), strip(again, 95.5, at2=(("c", 50.0),))]
    if again == "enoore":
        readings[0] = strip("xxxxxx", 95.5)
    left = list(readings)
    models = SimpleNamespace(
        find=lambda page: [SimpleNamespace(box=BOX)], read=lambda page, found: left.pop(0), is_known=FRENCH.__contains__
    )
    chosen = second_page.read_again(models, Image.new("L", (400, 600), 255), [])
    assert not left
    assert [line.text for line in chosen.lines] == ["encore"]


def test_a_letter_has_the_other_letters_of_all_its_columns_and_the_last_one_counts() -> None:
    second_models = pytest.importorskip("ocr.second_models", reason="the extra second-reader is not installed here")
    models = object.__new__(second_models.SecondModels)
    models._letters = ["", "a", "b", "c"]
    columns = [[0.9, 0.1, 0, 0], [0, 0.9, 0.06, 0], [0, 0.7, 0, 0.2], [0.8, 0, 0, 0], [0, 0, 0.6, 0.3]]
    models._reader = SimpleNamespace(
        resize_norm_img=lambda pixels, _shape: pixels, session=lambda _pixels: np.array([columns], np.float32)
    )
    line = models._strip(np.zeros((10, 50, 3), np.uint8), BOX)
    assert [(glyph.text, [letter for letter, _ in glyph.others]) for glyph in line.glyphs] == [
        ("a", ["c", "b"]), ("b", ["c"])
    ]  # fmt: skip


def test_of_the_letters_at_a_place_the_likeliest_few_are_remembered() -> None:
    second_models = pytest.importorskip("ocr.second_models", reason="the extra second-reader is not installed here")
    models = object.__new__(second_models.SecondModels)
    models._letters = ["", *"abcdefgh"]
    guesses = np.array([0.9, 0.06, 0.5, 0.04, 0.09, 0.07, 0.08, 0.01, 0.0], np.float32)
    assert [letter for letter, _ in models._others(guesses, best=2)] == ["d", "f", "e"]
    assert [round(confidence) for _, confidence in models._others(guesses, best=2)] == [9, 8, 7]
