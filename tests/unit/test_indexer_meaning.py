"""Synonyms, and the probable meaning of a mistyped word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import correcting, synonyms
from indexer.correcting import Offer
from indexer.query import parse
from indexer.tree import Words


def also(text: str, known: synonyms.Synonyms) -> list[list[str]]:
    words = [node for node in known.applied(parse(text)).words if isinstance(node, Words)]
    return [[" ".join(form.folded for form in run) for run in word.also] for word in words]


def test_a_synonym_stands_beside_the_word_both_ways() -> None:
    known = synonyms.read("AR = accusé de réception\n# remarque\n\nDG = directeur général, direction générale # DG")
    assert also("AR", known) == [["accuse de reception"]]
    assert also("accusé de reception", known) == [["ar"], ["ar"]]
    assert also("dg absent", known) == [["directeur general", "direction generale"], []]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("AR", synonyms.ONE_MEMBER), ("AR = ar", synonyms.ONE_MEMBER), ("AR = //", synonyms.NO_WORD),
        ("a = " + "mot " * 9, synonyms.TOO_LONG), (" = ".join(f"m{n}x" for n in range(13)), synonyms.TOO_MANY),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_and_left_out(line: str, code: str) -> None:
    known = synonyms.read(f"AO = appel d'offres\n{line}")
    assert [(error.line_no, error.code) for error in known.errors] == [(2, code)]
    assert also("ao", known) == [["appel offres"]]


def test_the_file_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    source = synonyms.SynonymFile(path)
    assert source() == synonyms.Synonyms()
    path.write_text("AR = accusé de réception")
    assert also("ar", source()) == [["accuse de reception"]]
    path.write_text("")
    assert also("ar", source()) == [[]]


def test_the_shipped_list_has_no_fault() -> None:
    assert synonyms.shipped().errors == ()
    assert also("MEM", synonyms.shipped()) == [["ministere de energie et des mines"]]


@given(st.text(), st.text())
def test_no_text_breaks_synonyms(lines: str, asked: str) -> None:
    synonyms.read(lines).applied(parse(asked))


def test_a_word_that_nobody_wrote_is_replaced_by_a_near_and_frequent_one() -> None:
    assert correcting.best("mariae", 0, [Offer("mariage", 50), Offer("maria", 1), Offer("marina", 0)]) == "mariage"
    assert correcting.best("agbodjan", 2, [Offer("agbodja", 5)]) is None
    assert correcting.best("marchés", 0, [Offer("marche", 90)]) is None


def test_only_the_mistyped_word_is_put_anew() -> None:
    asked = correcting.did_you_mean("l'electricté de Lomé -objet:taxe", {"electricte": "electricite"})
    assert asked == "l'electricite de Lomé -objet:taxe"
    assert correcting.did_you_mean("Lomé", {}) is None
    query = correcting.corrected(parse("mariae civil"), {"mariae": "mariage"})
    assert [form.folded for form in query.run] == ["mariage", "civil"]
    assert correcting.doubtful(parse('refus n°12 de "tel mot" Lomé')) == ("refus", "lome")
