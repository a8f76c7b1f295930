"""Words and numbers -> terms."""

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import analysis, numbers
from indexer.stemming import light_french


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        # expected values as the light_french filter of a real server gives them (see the integration test)
        ("présidentiels", "presidentiel"), ("décrets", "decret"), ("électricité", "electricit"), ("marchés", "march"),
        ("nationaux", "national"), ("travaux", "traval"), ("ministères", "minist"), ("affectations", "afect"),
        ("administrative", "administratif"), ("directrice", "direct"), ("directeur", "direct"),
        ("eau", "eau"), ("les", "les"), ("œuvre", "œuvr"),
    ],
)  # fmt: skip
def test_light_stems(word: str, stem: str) -> None:
    assert light_french(word) == stem


@pytest.mark.parametrize(
    ("word", "written", "folded"),
    [
        ("L'Électricité", "électricité", "electricite"), ("QU’IL", "il", "il"), ("aujourd'hui", "aujourd'hui", "aujourd'hui"),
        ("Kɔdzo", "kɔdzo", "kodzo"), ("Œuvre", "œuvre", "oeuvre"), ("İ", "i̇", "i"),
    ],
)  # fmt: skip
def test_forms(word: str, written: str, folded: str) -> None:
    found = analysis.forms(word)
    assert (found.written, found.folded) == (written, folded)


def test_no_form_of_a_word_has_a_blank() -> None:
    with_blanks = [c for c in map(chr, range(0x110000)) if c.isalnum() and " " in unicodedata.normalize("NFKD", c)]
    assert len(with_blanks) > 10
    for sign in with_blanks:
        found = analysis.forms(f"a{sign}b")
        assert not {found.written, found.folded, found.stem} & {""}
        assert not any(one.isspace() for form in (found.written, found.folded, found.stem) for one in form)


def test_numbers_lose_leading_zeros_in_the_stem_only() -> None:
    assert (analysis.forms("00123").stem, analysis.forms("00123").folded, analysis.forms("000").stem) == (
        "123",
        "00123",
        "0",
    )


def test_tokens_know_where_they_stand() -> None:
    text = analysis.clean("L’appel d'offres, ﬁn_2")
    assert [text[token.start : token.end] for token in analysis.tokens(text)] == ["L’appel", "d'offres", "fin", "2"]


def test_clean_text_has_no_ligature_soft_hyphen_or_nul_and_is_composed() -> None:
    given_and_clean = {
        "coﬀre": "coffre", "ﬁn": "fin", "ﬂeuve": "fleuve", "oﬃce": "office", "souﬄe": "souffle",
        "pré\u00adfet": "préfet", "a\x00b": "a b", "e\u0301te\u0301": "été", "œuvre à Aného": "œuvre à Aného",
    }  # fmt: skip
    assert {text: analysis.clean(text) for text in given_and_clean} == given_and_clean


@given(st.text())
def test_no_text_breaks_the_analysis(text: str) -> None:
    for token in analysis.tokens(analysis.clean(text)):
        assert token.forms.stem
        assert token.forms.folded
        assert len(token.forms.written) <= analysis.MAX_WORD_LENGTH


@given(st.text(alphabet="abcdeéèfilmnoprstuvxz", max_size=20))
def test_no_word_breaks_the_stemmer(word: str) -> None:
    assert len(light_french(word)) <= len(word) + 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("N° 00123/MEM/SG", ["123", "mem", "sg"]), ("n°123/MEM-SG", ["123", "mem", "sg"]), ("Nº 7", ["7"]), ("№7", ["7"]),
        ("2025-00123", ["2025", "123"]), ("Réf. : 12/É/B", ["12", "e", "b"]), ("référence 4", ["4"]), ("ARR2025", ["arr", "2025"]),
        ("000", ["0"]), ("NOTE/12", ["note", "12"]), ("n/12", ["n", "12"]), ("//", []), ("", []),
    ],
)  # fmt: skip
def test_parts_of_numbers(text: str, parts: list[str]) -> None:
    assert numbers.parts(text) == parts


@pytest.mark.parametrize(
    ("chunk", "expected"), [("123", True), ("MEM/SG", True), ("a-b", False), ("mot", False), ("/", False)]
)
def test_what_may_be_a_number(chunk: str, expected: bool) -> None:
    assert numbers.looks_like_number(chunk) is expected


@given(st.text())
def test_no_text_breaks_the_numbers(text: str) -> None:
    assert all(part for part in numbers.parts(text))
    numbers.looks_like_number(text)


@pytest.mark.parametrize(
    ("word", "distance"), [("roi", 0), ("mairie", 1), ("électrification", 2), ("20255", 0), ("abc12", 0)]
)
def test_how_much_is_forgiven(word: str, distance: int) -> None:
    assert analysis.fuzzy_distance(word) == distance


def test_a_text_of_marks_alone_is_cleaned_at_once() -> None:
    """Composed by its square, it stopped the worker that indexes it."""
    started = process_time()
    assert analysis.clean("e\u0301 " + "\u0301\u0323" * 500_000).startswith("é ")
    for marks in ("\u05b0\u05b1", "\u064b\u064c", "\u0e38\u0e48"):  # of Hebrew, Arabic and Thai
        assert analysis.clean("a" + marks * 500_000) == "a" + "".join(sorted(marks * 4))
    assert process_time() - started < 0.5
