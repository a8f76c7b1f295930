"""A print compared with its scan: figures first, then words. No hostile page keeps the site busy."""

import time

import pytest

from ged.paper.compare import MAX_CHARACTERS, MAX_WORDS, Mark, compare

PRINT = "Lomé, le 12 mars 2026\n\nLe marché est accordé pour 5 000 000 F CFA, lettre n° 453/CEET du 01/03/2026."


def test_the_same_words_differ_in_nothing_whatever_the_case_accents_and_writing_of_figures() -> None:
    read = "LOME le 12/03/2026 Le marche est accorde pour 5.000.000 F CFA ; lettre n° 453/CEET du 1er mars 2026"
    found = compare(PRINT, read)
    assert (found.missing, found.added) == ((), ())
    assert not compare(PRINT, PRINT).differs


def test_an_amount_and_a_day_that_were_changed_stand_first() -> None:
    read = PRINT.replace("5 000 000", "5 000 000 000").replace("12 mars", "13 mars")
    found = compare(PRINT, read)
    assert found.missing == ("12 mars 2026", "5 000 000")
    assert found.added == ("13 mars 2026", "5 000 000 000")


def test_a_figure_that_stands_twice_and_is_read_once_is_told() -> None:
    assert compare("art. 7 et 7", "art. 7").missing == ("7",)


def test_both_texts_are_told_whole_and_only_what_differs_is_marked() -> None:
    found = compare("Le marché est refusé hier", "Le marché est ACCORDÉ hier")
    assert "".join(piece.text for piece in found.known) == "Le marché est refusé hier"
    assert "".join(piece.text for piece in found.read) == "Le marché est ACCORDÉ hier"
    assert [piece.text.strip() for piece in found.known if piece.differs] == ["refusé"]
    assert [piece.text.strip() for piece in found.read if piece.differs] == ["ACCORDÉ"]


def test_words_in_another_order_are_told_apart_from_words_that_are_not_there() -> None:
    found = compare("MINISTÈRE RÉPUBLIQUE objet du marché signé", "RÉPUBLIQUE MINISTÈRE objet du marché refusé")
    assert [piece.text for piece in found.read if piece.mark is Mark.DIFFERS] == ["refusé"]
    assert [piece.text for piece in found.read if piece.mark is Mark.MOVED] in (["RÉPUBLIQUE"], ["MINISTÈRE"])


def test_punctuation_alone_is_no_difference() -> None:
    assert not compare("Objet : marché", "Objet marché —").differs


SHEET = "Ministère\n00042/2026/MIN\nDirection de l'énergie\nDirection des finances\nImputé à (1 : unité qui traite)"
SHEET_READ = """Ministère Em 2
FICHE N° 00042/2026/MIN
Imputé à (1 : unité qui traite)
[1] Direction de l'énergie
(2 Direction des finances
Ministère - 00042/2026/MIN Page 1/1"""


def test_boxes_the_code_and_the_foot_of_a_sheet_are_no_figures() -> None:
    found = compare(SHEET, SHEET_READ, is_sheet=True)
    assert (found.missing, found.added) == ((), ())


@pytest.mark.parametrize(
    "foot", ["Page 1 / 2", "Ministère · 00042/2026/MIN Page1/2", "1 / 2", "Page\n1/2", "PAGE 1/ 2"]
)
def test_the_number_of_a_page_is_no_figure(foot: str) -> None:
    assert (
        compare("Courrier 00042/2026/MIN du 3 mai 2026", f"Courrier 00042/2026/MIN du 3 mai 2026\n{foot}\n").added == ()
    )


@pytest.mark.parametrize(
    ("said", "read", "told"),
    [
        ("00042/2026/MIN Page", "00043/2026/MIN Page", "00043/2026/MIN"),
        ("Direction des finances", "Direction des finances 7", "7"),
        ("Direction des finances", "Direction des finances (12)", "(12)"),
        ("FICHE N°", "N° 12/2025 FICHE N°", "12/2025"),
        ("Page 1/1", "12 Page 1/1", "12"),
        ("Imputé", "Imputé le 4 mai 2026", "4 mai 2026"),
    ],
)
def test_other_figures_of_a_sheet_are_told(said: str, read: str, told: str) -> None:
    assert said in SHEET_READ
    assert told in compare(SHEET, SHEET_READ.replace(said, read), is_sheet=True).added


def test_a_number_that_the_sheet_lost_is_told_though_its_foot_bears_it() -> None:
    assert compare(SHEET, "Ministère\nFICHE N° 00048/2026/MIN", is_sheet=True).missing == ("00042/2026/MIN",)
    read = SHEET_READ.replace("N° 00042/2026/MIN", "N° 00048/2026/MIN")
    assert compare(SHEET, read, is_sheet=True).added == ("00048/2026/MIN",)


def test_boxes_are_figures_where_there_are_none_on_the_print() -> None:
    assert compare("Article", "Article [3]").added == ("[3]",)


def test_an_amount_and_a_day_go_over_the_end_of_a_line() -> None:
    assert compare("le 12 mars 2026 pour 5 000 000 F", "le 12 mars\n2026 pour 5 000\n000 F").added == ()


def test_empty_texts_are_compared_too() -> None:
    assert compare("", "").known == ()
    assert compare("n° 7", "").missing == ("7",)


@pytest.mark.slow
def test_a_hostile_text_of_a_megabyte_is_compared_within_two_seconds() -> None:
    words = [f"m{n}" for n in range(MAX_WORDS)]
    hostile = (
        "a" * 1_000_000,
        "1" * 1_000_000,
        "1 " * 500_000,
        "111 " * 250_000,
        "- " * 500_000,
        " " * 1_000_000,
        "12 mars " * 125_000,
        " ".join(reversed(words)) * 50,
        "a b " * 250_000,
    )
    for text in hostile:
        for known, read in ((" ".join(words), text), (text, " ".join(words)), (text, text[1:])):
            began = time.process_time()
            found = compare(known, read)
            assert time.process_time() - began < 2.0, text[:20]
            assert found.is_cut or len(text) < MAX_CHARACTERS
