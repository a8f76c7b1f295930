"""Synonyms, and the probable meaning of a mistyped word."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import analysis, correcting, everyday, synonyms
from indexer.analysis import forms
from indexer.correcting import Offer
from indexer.joining import joined, wholes
from indexer.query import parse
from indexer.tree import AnyOf, Number, Words


def also(text: str, known: synonyms.Synonyms) -> list[list[str]]:
    nodes = [node.nodes[-1] if isinstance(node, AnyOf) else node for node in known.applied(parse(text)).words]
    words = [node for node in nodes if isinstance(node, Words)]
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
    assert correcting.best("mariae", [Offer("mariage", 50), Offer("maria", 1), Offer("marina", 0)]) == "mariage"
    assert correcting.best("marchés", [Offer("marche", 90)]) is None


@pytest.mark.parametrize(
    ("typed", "offered", "is_meant"),
    [
        ("moto", "mono", False), ("loin", "lois", False), ("ferme", "forme", False),  # another word
        ("mairoe", "mairie", True), ("marixge", "mariage", False),  # a neighbour on the keyboard, and none
        ("farmasie", "farmacie", True), ("sindicat", "syndicat", True),  # by ear
        ("maraige", "mariage", True), ("mariabge", "mariage", True), ("maiage", "mariage", True),
        ("subvension", "subvention", True), ("subvension", "suspension", False), ("substanciel", "substantiel", True), ("question", "quescion", False),
        ("elecrtificaton", "electrification", True), ("invocation", "innovation", False),
    ],
)  # fmt: skip
def test_a_mistake_is_one_that_a_hand_or_an_ear_makes(typed: str, offered: str, *, is_meant: bool) -> None:
    assert (correcting.best(typed, [Offer(offered, 20)]) == offered) is is_meant


def test_a_correction_is_written_as_most_letters_write_it() -> None:
    written = correcting.Spellings()
    for word in (
        "Électrification",
        "électrification",
        "electrification",
        "ÉLECTRIFICATION",
        *["ELECTRIFICATION"] * 3,
    ):
        written.note("electrification", word)
    written.note("ecoule", "ECOULE")
    assert [written.of(one) for one in ("electrification", "ecoule", "bail")] == ["électrification", "ecoule", "bail"]
    offers = [Offer("electrification", 3, "électrification")]
    assert correcting.best("electrifcation", offers) == "électrification"


def test_only_the_mistyped_word_is_put_anew() -> None:
    asked = correcting.did_you_mean("l'electricté de Lomé -objet:taxe", {"electricte": "electricite"})
    assert asked == "l'electricite de Lomé -objet:taxe"
    assert correcting.did_you_mean("Lomé", {}) is None
    query = correcting.corrected(parse("mariae civil"), {"mariae": "mariage"})
    assert [form.folded for form in query.run] == ["mariage", "civil"]
    assert correcting.doubtful(parse('refus n°12 de "tel mot" Lomé')) == ("refus", "lome")


def test_who_writes_to_an_authority_finds_the_letters_of_its_seat() -> None:
    known = synonyms.read(synonyms.SHIPPED.read_text(encoding="utf-8"))
    assert ["prefecture"] in also("réponse au préfet de l'Ogou", known)
    assert ["maire"] in also("mairie de Kpalimé", known)


def test_each_line_of_everyday_words_has_words_on_both_sides() -> None:
    lines = [line for line in everyday.LIST.read_text("utf-8").splitlines() if not line.startswith("#")]
    for line in lines:
        said, sign, written = line.partition(">")
        assert sign, line
        for typed in said.split(","):
            assert everyday.akin(tuple(analysis.words(typed))), line
        assert all(analysis.words(one) for one in written.split(",")), line


def test_everyday_words_are_added_to_neighbours_too_and_only_once() -> None:
    [tax, local] = synonyms.shipped().applied(parse("impôts locaux")).words
    assert isinstance(tax, Words)
    assert isinstance(local, Words)
    assert (analysis.forms("taxe"),) in tax.akin
    assert tuple(analysis.words("taxe foncière")) in local.akin
    long = synonyms.shipped().applied(parse("impôts deux trois quatre cinq six")).words
    assert not any(node.akin for node in long if isinstance(node, Words))
    assert len(set(tax.akin)) == len(tax.akin) <= synonyms.MAX_ALSO
    assert not any(
        node.akin
        for node in synonyms.shipped().applied(parse('"impôts" objet:impôts')).required
        if isinstance(node, Words)
    )


@pytest.mark.parametrize("text", ["réponse au préfet", "mars 2026", "courriers de novembre"])
def test_the_usual_words_of_a_registry_are_not_mistyped(text: str) -> None:
    assert set(correcting.doubtful(parse(text))) <= {"courriers"}


@pytest.mark.parametrize("typed", ["13e", "13ème", "13 eme", "treizième", "XIIIe", "13 ème"])
def test_an_ordinal_number_has_all_its_spellings(typed: str) -> None:
    known = {"13e", "13eme", "treizieme", "13 e", "13 eme", "xiiie"}
    folded = " ".join(form.folded for form in parse(f"{typed} x").run[:-1])
    found = also(typed, synonyms.Synonyms())
    assert found
    for others in found:
        assert set(others) == known - {folded}


@pytest.mark.parametrize("typed", ["13", "treize", "vie", "13 mois", "A-13", "1234e", "e"])
def test_other_words_are_no_ordinal_numbers(typed: str) -> None:
    assert not any(also(typed, synonyms.Synonyms()))


def test_an_ordinal_stays_one_number_of_a_reference_too() -> None:
    [node] = synonyms.Synonyms().applied(parse("13e")).words
    assert isinstance(node, AnyOf)
    assert [type(inner) for inner in node.nodes] == [Number, Words]
    assert isinstance(node.nodes[1], Words)
    assert len(node.nodes[1].also) == synonyms.MAX_ALSO - 1


def test_neighbours_that_letters_write_as_one_have_the_joined_word_beside_them() -> None:
    parsed, whole = parse("la vidéo surveillance des marchés"), forms("vidéosurveillance").stem
    assert wholes(parsed) == [whole], "not la + vidéo, nor surveillance + des"
    found = joined(parsed, {whole: 3})
    assert [[run[0].folded for run in node.also] for node in found.words if isinstance(node, Words)] == [
        ["videosurveillance"], ["videosurveillance"], [],
    ]  # fmt: skip
    assert joined(parsed, {whole: 2}) == parsed, "two letters may have lost a blank by a scan"


@pytest.mark.parametrize("text", ["marché", "marché de Lomé", "réf 123", '"vidéo surveillance"', ""])
def test_nothing_is_counted_where_no_neighbours_can_be_joined(text: str) -> None:
    parsed = parse(text)
    assert wholes(parsed) == []
    assert joined(parsed, {}) == parsed


@pytest.mark.parametrize(
    "framed",
    ["puis je demander un congé", "est-ce que je dois demander un congé", "où puis-je demander un congé", "peut-on demander un congé ?",
     "bonjour, je voudrais demander un congé merci", "a-t-il à demander un congé",
     "doit-il demander un congé"],
)  # fmt: skip
def test_the_frame_of_a_question_is_not_searched(framed: str) -> None:
    assert [node.text for node in parse(framed).words if isinstance(node, Words)] == ["demander", "congé"]


def test_a_very_long_compound_is_not_taken_apart() -> None:
    """Each of its words would be a clause for each field: a search of thousands of clauses, which the server refuses."""
    pairs = ["".join(one) for one in product("bcdfghjklmnp", "bcdfghjklmnp")]
    short, long = parse("-".join(pairs[:4])), parse("-".join(pairs))
    assert [len(word.apart) for word in short.words if isinstance(word, Words)] == [4]
    assert [len(word.apart) for word in long.words if isinstance(word, Words)] == [0]
    several = parse(" ".join("-".join(pairs[start : start + 4]) for start in range(0, len(pairs), 4)))
    assert not any(word.apart for word in several.words if isinstance(word, Words))
