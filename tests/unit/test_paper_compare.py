"""Print against scan: figures first, then words; and no hostile page holds the site."""

import time

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


def test_empty_texts_are_compared_too() -> None:
    assert compare("", "").known == ()
    assert compare("n° 7", "").missing == ("7",)


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
