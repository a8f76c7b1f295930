"""Words of a search that a letter lacks: in which forms a word counts as held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.lacking import MAX_CHARACTERS, Lacking
from indexer.passages import Stored
from indexer.query import parse
from indexer.synonyms import read


def lacking(asked: str, *pages: str, numbers: tuple[str, ...] = (), beside: str = "", **texts: str) -> list[str]:
    """The words of a search that a letter lacks."""
    stored = Stored(texts, {"number": [*numbers]}, [(7, no, text) for no, text in enumerate(pages, 1)], (beside,))
    return [*Lacking(parse(asked)).words(stored)]


def test_only_the_words_that_the_letter_lacks_are_named_as_typed_and_in_their_order() -> None:
    assert lacking("Ablavi, bornes-fontaines ; Tchamba", "Les bornes de Kara") == [
        "Ablavi",
        "bornes-fontaines",
        "Tchamba",
    ]
    assert lacking("Tchamba Ablavi", subject="Tchamba", sender="ABLAVI Koffi") == []


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("transformateurs", "Le transformateur"),
        ("reclamation", "Réclamations"),
        ("transformateur", "Le transfomateur"),
        ("transformateur", "Le transf0rmateur"),
        ("transformateur", "Le transfor mateur"),
        ("délégation générale", "La délégationgénérale"),
        ("bornes-fontaines", "Des fontaines et des bornes"),
        ("22308140", "Tél. : (+228) 22 30 81 40"),
        ("61773 marché", "Un marché de 61 773 F CFA"),
        ("l'élève", "Des élèves"),
        ("S.E.M.", "La SEM"),
        ("le rapport de la mairie", "Un rapport, une mairie"),
    ],
)  # fmt: skip
def test_a_word_in_another_form_is_held(asked: str, text: str) -> None:
    assert lacking(asked, text) == []


@pytest.mark.parametrize(
    ("asked", "text", "found"),
    [
        ("formation Kara", "Des informations de Kara", ["formation"]),
        ("eau Kara", "Un bureau de Kara", ["eau"]),
        ("17 Kara", "Le 171 de Kara", ["17"]),
        ("61773 marché", "Un marché de 617 730 F CFA", ["61773"]),
        ("Ablavi Kara", "Ab, Kara | lavi", ["Ablavi"]),
    ],
)
def test_a_part_of_a_word_is_not_the_word(asked: str, text: str, found: list[str]) -> None:
    assert lacking(asked, text) == found


def test_a_synonym_is_held_and_a_word_of_the_matter_is_not() -> None:
    stored = Stored({}, {}, [(7, 1, "Le directeur général et la scolarité")])
    synonyms = read("DG = directeur général")
    assert Lacking(synonyms.applied(parse("DG école"))).words(stored) == ("école",)


def test_a_number_of_the_letter_is_held() -> None:
    assert lacking("00006/2026 Kara", "Kara", numbers=("00006/2026/MMRE",)) == []
    assert lacking("00007/2026 Kara", "Kara", numbers=("00006/2026/MMRE",)) == ["00007/2026"]
    assert lacking("MEF SG 2026/0017", numbers=("MEF/SG/2026/0017",)) == []


def test_what_one_of_two_readers_read_is_held() -> None:
    assert lacking("Ablavi Kara", "Kara", beside="Ablavi") == []


def test_the_words_by_which_all_letters_are_named_are_not_missed() -> None:
    assert lacking("courriers de Ablavi", "ABLAVI Koffi") == []
    assert lacking("lettre de Ablavi", "Kara") == ["Ablavi"]


def test_of_a_sentence_no_word_is_named() -> None:
    assert lacking("un deux trois quatre cinq", "rien")
    assert lacking("un deux trois quatre cinq six sept", "rien") == []


def test_required_and_excluded_words_are_not_named() -> None:
    assert lacking('"Ablavi" Kara -Tchamba', "rien") == ["Kara"]


def test_of_a_letter_with_too_much_text_nothing_is_said() -> None:
    assert lacking("Ablavi Kara", "mot " * (MAX_CHARACTERS // 4)) == ["Ablavi", "Kara"]
    assert lacking("Ablavi Kara", "mot " * (MAX_CHARACTERS // 4 + 1)) == []
    assert lacking("Ablavi Kara", "mot", beside="mot " * (MAX_CHARACTERS // 4)) == []


def test_the_letters_of_an_organisation_stand_in_the_number_alone() -> None:
    assert lacking("MEF Kara", "La mairie de Kara", numbers=("0017/MEF/SG/2026",)) == []
    assert lacking("DGE Kara", "La mairie de Kara", numbers=("0017/MEF/SG/2026",)) == ["DGE"]


@given(st.text(max_size=200), st.text(max_size=60))
def test_a_letter_that_has_the_words_as_typed_lacks_none(text: str, asked: str) -> None:
    assert lacking(asked, text, subject=asked) == []
