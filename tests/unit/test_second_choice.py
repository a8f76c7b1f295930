"""Two readings of a page laid side by side: the surer words go into the text, and no word of either is lost."""

import pytest

from ged.ports import ReadBy
from ocr.lines import Line, Token, text_of
from ocr.second_choice import Glyph, Strip, choose, likelier
from ocr.unread import Box

FRENCH = frozenset(
    [
        "le",
        "la",
        "les",
        "de",
        "du",
        "des",
        "ministre",
        "a",
        "bien",
        "reçu",
        "votre",
        "lettre",
        "du",
        "gouvernement",
        "chocolat",
        "maison",
    ]
)
STEP = 0.01


def known(word: str) -> bool:
    return word in FRENCH


def line(text: str, confidence: float = 80.0, *, y: float = 0.1, left: float = 0.1) -> Line:
    """A line of the first reading: each letter is a hundredth of the page wide."""
    tokens, x = [], left
    for word in text.split():
        tokens.append(Token(word, x, y, STEP * len(word), 0.02, confidence))
        x += STEP * (len(word) + 1)
    return Line(tuple(tokens))


def strip(text: str, confidence: float = 95.0, *, y: float = 0.1, left: float = 0.1) -> Strip:
    """The line as the second reader has it: blanks of the text are spaces that it saw, ``_`` ones that it lost."""
    glyphs = tuple(Glyph(letter, left + STEP * (n + 0.5), confidence) for n, letter in enumerate(text) if letter != "_")
    return Strip(glyphs, Box(left - 0.01, y - 0.005, left + STEP * len(text) + 0.01, y + 0.025))


def test_what_both_read_alike_stays_the_first_readers() -> None:
    lines = [line("le ministre a bien reçu")]
    chosen = choose(lines, [strip("le ministre a bien reçu")], known)
    assert chosen.lines == tuple(lines)
    assert (chosen.read_by, chosen.others) == ((ReadBy.FIRST,), ())


def test_a_known_word_replaces_an_unknown_one_and_the_other_is_kept_beside() -> None:
    chosen = choose([line("le rninistre a bien reçu", 60)], [strip("le ministre a bien reçu")], known)
    assert text_of(chosen.lines) == "le ministre a bien reçu"
    assert (chosen.read_by, chosen.others) == ((ReadBy.BOTH,), ("rninistre",))


def test_a_sure_first_word_is_not_replaced_by_a_doubtful_one() -> None:
    chosen = choose([line("le ministre a bien reçu", 96)], [strip("le rninistre a bien reçu", 70)], known)
    assert text_of(chosen.lines) == "le ministre a bien reçu"
    assert (chosen.read_by, chosen.others) == ((ReadBy.FIRST,), ("rninistre",))


@pytest.mark.parametrize("second", ["du_gouvernement", "du gouvernement"])
def test_lost_spaces_come_from_the_first_reading_or_from_the_distance_of_letters(second: str) -> None:
    chosen = choose([line("du gouvernernent", 50)], [strip(second)], known)
    assert text_of(chosen.lines) == "du gouvernement"


def test_a_lucky_word_in_a_gap_does_not_beat_the_line() -> None:
    first = Line((*line("les", 90).tokens, *line("le", 72, left=0.3).tokens))
    chosen = choose([first], [strip("les lettre du ministre le gouvernement", 80)], known)
    assert "lettre du ministre" in text_of(chosen.lines)


def test_a_line_that_only_the_second_found_goes_to_its_place() -> None:
    lines = [line("le ministre", 95), line("la maison", 95, y=0.3)]
    chosen = choose(lines, [strip("votre lettre", y=0.2)], known)
    assert text_of(chosen.lines) == "le ministre\nvotre lettre\nla maison"
    assert chosen.read_by == (ReadBy.FIRST, ReadBy.SECOND, ReadBy.FIRST)


def test_a_doubtful_line_of_the_second_alone_is_only_found_by_a_search() -> None:
    chosen = choose([line("le ministre", 95)], [strip("xqzt wkv", 60, y=0.2)], known)
    assert text_of(chosen.lines) == "le ministre"
    assert chosen.others == ("xqzt", "wkv")


def test_a_name_that_both_read_elsewhere_counts_as_known() -> None:
    lines = [line("Adjovi", 95), line("Adjoui", 80, y=0.2)]
    chosen = choose(lines, [strip("Adjovi"), strip("Adjovi", 70, y=0.2)], known)
    assert text_of(chosen.lines) == "Adjovi\nAdjovi"


def test_no_word_of_either_reading_is_lost() -> None:
    lines = [line("lc rninistre a bicn reçu", 55), line("la maison", 91, y=0.2)]
    strips = [strip("le ministre_a bien recu", 88), strip("de choc0lat", 50, y=0.4)]
    chosen = choose(lines, strips, known)
    there = {*text_of(chosen.lines).split(), *chosen.others}
    assert {"rninistre", "ministre", "bicn", "bien", "reçu", "recu", "maison"} <= there
    assert len(chosen.lines) == len(chosen.read_by)


def test_the_likelier_of_two_readings_of_a_line() -> None:
    faint, clear = strip("le choo0lat", 70), strip("le chocolat", 90)
    assert likelier(faint, clear, known) == (clear, ("choo0lat",))
    assert likelier(clear, faint, known) == (clear, ("choo0lat",))
    assert likelier(clear, Strip((), clear.box), known) == (clear, ())
