"""The writings of an amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import amounts, analysis
from indexer.query import AS_WORDS, parse
from indexer.tree import AnyOf, Number, Words


def written(text: str) -> list[str]:
    return [" ".join(form.folded for form in run) for run in amounts.writings(text)]


@pytest.mark.parametrize(
    "text",
    [
        "61773",
        "61 773",
        "61.773",
        "61,773",
        "61 773,00",
        "61773.0",
        "61.773,00",
        "61773,",
        "61773?",
        "61 773!",
        "61773:",
    ],
)
def test_an_amount_has_two_writings(text: str) -> None:
    assert written(text) == ["61773", "61 773"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Total 61773 F, 1 250 FCFA (61 773)", ("1250", "61773")),
        ("1.250.000,00 F et 1 250,50", ("1250,5", "1250000")),
        ("4 500 1 250 3 000", ("1250", "3000", "4500")),
        ("1\u202f250\u00a0000", ("1250000",)),
        ("en 2026, 5.0, réf. 2500/MEM, 12-1250, AB1250, 90 12 34 56, 3 mars", ()),
    ],
)
def test_the_whole_amounts_of_a_text(text: str, keys: tuple[str, ...]) -> None:
    assert amounts.held([text]) == keys


def test_of_a_letter_full_of_amounts_the_first_ones_are_held() -> None:
    most = amounts.MAX_HELD
    assert len(amounts.held([" ".join(f"F {100_000 + n}" for n in range(most + 5))])) == most
    assert amounts.held(["61 773", "61.773,00"]) == ("61773",)


def test_cents_stay_where_there_are_any() -> None:
    assert written("1.234.567,89") == written("1234567.89") == ["1234567 89", "1 234 567 89"]


@pytest.mark.parametrize(
    "text",
    [
        "773",
        "2026",
        "1 999",
        "1900",
        "2 099",
        "1234567890123456",
        "007 123",
        "00123",
        "61 77",
        "1 234.567",
        "12/345",
        "a123",
        "",
        "61 773 F",
    ],
)
def test_other_texts_are_no_amounts(text: str) -> None:
    """A year is none: it is in nearly each letter."""
    assert written(text) == []


def test_a_number_beside_the_years_is_an_amount() -> None:
    assert written("1899") == ["1899", "1 899"]
    assert written("2100") == ["2100", "2 100"]


def test_groups_with_zeros_are_compared_as_they_are_written() -> None:
    assert [amounts.has_zeros(amounts.writings(text)[1]) for text in ("5000", "61 073", "61773")] == [True, True, False]
    assert not amounts.has_zeros(tuple(analysis.words("article 05"))), "a synonym has words too"


def test_an_amount_of_a_query_is_one_word_and_may_be_a_number() -> None:
    parsed = parse("facture de 61\u202f773 F pour 12 écoles")
    facture, amount, *_others = parsed.words
    assert isinstance(facture, Words)
    assert isinstance(amount, AnyOf)
    in_parts, whole, words = amount.nodes
    assert (in_parts, whole) == (Number(("61", "773")), Number(("61773",)))
    assert isinstance(words, Words)
    assert [form.written for form in words.forms] == ["61773"]
    assert len(parsed.words) == 4, "the currency is no word of the query"


@pytest.mark.parametrize(
    "text", ["61 773 F", "61773F", "61 773 f", "61.773 FCFA", "61 773,00 F CFA", "61773 XOF", "61\u00a0773 CFA,"]
)
def test_a_currency_asks_for_nothing_and_may_stand_without_a_blank_in_a_letter(text: str) -> None:
    (amount, *marks) = parse(text).words
    assert marks == []
    assert isinstance(amount, AnyOf)
    words = amount.nodes[-1]
    assert isinstance(words, Words)
    runs = [" ".join(form.folded for form in run) for run in (words.forms, *words.also)]
    assert runs == ["61773", "61 773", "61773f", "61 773f"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("annexe F", ["annexe", "F"]), ("61 773 Fournitures", ["61 773", "Fournitures"]), ("12 F", ["12", "F"])],
)
def test_other_letters_behind_a_number_are_words(text: str, words: list[str]) -> None:
    leaves = [node.nodes[-1] if isinstance(node, AnyOf) else node for node in parse(text).words]
    assert [leaf.text for leaf in leaves if isinstance(leaf, Words)] == words


def test_a_currency_in_quotes_is_a_word_of_the_phrase() -> None:
    (phrase,) = parse('"61 773 F"').required
    assert isinstance(phrase, Words)
    assert [form.folded for form in phrase.forms] == ["61", "773", "f"]


@pytest.mark.parametrize("text", ["12 61 773", "2026 61 773"])
def test_only_whole_groups_are_one_number(text: str) -> None:
    first, amount = parse(text).words
    assert isinstance(first, AnyOf)
    assert isinstance(amount, AnyOf)
    assert amount.nodes[0] == Number(("61", "773"))


@pytest.mark.parametrize("text", ["61 773-MEM", "61 773/2026", "61 7731"])
def test_the_beginning_of_another_number_is_no_amount(text: str) -> None:
    first, _rest = parse(text).words
    assert isinstance(first, AnyOf)
    assert first.nodes[0] == Number(("61",))


def test_digits_in_other_groups_are_no_amount() -> None:
    (version,) = parse("1.234.5678").words
    assert isinstance(version, AnyOf)
    assert version.nodes[0] == Number(("1", "234", "5678"))


def test_an_amount_without_groups_is_asked_as_one_number() -> None:
    (amount,) = parse("61773").words
    assert isinstance(amount, AnyOf)
    assert [node for node in amount.nodes if isinstance(node, Number)] == [Number(("61773",))]


def test_an_amount_has_its_writings_in_a_text_that_cannot_be_parsed() -> None:
    parsed = parse("facture ( 61773 OU")
    assert parsed.notice == AS_WORDS
    (amount,) = (node for node in parsed.words if isinstance(node, AnyOf))
    words = amount.nodes[-1]
    assert isinstance(words, Words)
    assert [[form.folded for form in run] for run in words.also] == [["61", "773"]]


@given(st.integers(1_000, 10**14), st.sampled_from(" .,"))
def test_an_amount_is_one_in_any_groups(value: int, mark: str) -> None:
    assert written(f"{value:,}".replace(",", mark)) == written(str(value))


@pytest.mark.parametrize("text", ["111," * 100_000 + "1", "111 " * 100_000 + "x", "1" * 400_000, "1.1" * 130_000])
def test_a_page_full_of_digits_is_read_in_a_moment(text: str) -> None:
    amounts.held([text])  # the time limit of the test is the proof: the square of its length would be minutes


def test_years_and_an_amount_that_comes_again_take_no_place() -> None:
    assert amounts.held(["2026 " * amounts.MAX_HELD + "1 250 " * amounts.MAX_HELD + "61 773"]) == ("1250", "61773")
