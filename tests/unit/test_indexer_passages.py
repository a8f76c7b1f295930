"""Passages: which words are marked, where, and on which page."""

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import MAX_PAGE_PASSAGES, Marker, Stored, pieces, within
from indexer.query import parse


def stored(*pages: str, **texts: str) -> Stored:
    return Stored(texts, {}, [(7, no, text) for no, text in enumerate(pages, start=1)])


def test_the_best_pages_come_first_and_are_few() -> None:
    pages = ["budget", "rien", "le budget du ministère", "budget", "ministère"]
    found = Marker(parse("budget ministère")).passages(stored(*pages))
    assert [passage.page_no for passage in found] == [3, 1, 4]
    assert len(found) == MAX_PAGE_PASSAGES


def test_the_window_holds_most_different_words() -> None:
    text = "budget " + "mot " * 200 + "le budget du ministère " + "mot " * 200
    (passage,) = Marker(parse("budget ministère")).passages(stored(text))
    assert [piece for piece, marked in passage.pieces if marked] == ["budget", "ministère"]


def test_excluded_words_are_not_marked() -> None:
    (passage,) = Marker(parse("budget -ministère")).passages(stored("budget ministère"))
    assert [piece for piece, marked in passage.pieces if marked] == ["budget"]


def test_marks_of_mistyped_words_only_when_nothing_else_is_there() -> None:
    found = Marker(parse("atakpané")).passages(stored("Atakpamé", subject="Atakpamé"))
    assert [passage.field for passage in found] == ["subject", "text"]
    found = Marker(parse("atakpamé")).passages(stored("Atakpané", subject="Atakpamé"))
    assert [passage.field for passage in found] == ["subject"]


def test_distance() -> None:
    assert within("mairie", "mairei", 1)
    assert within("mairie", "marie", 1)
    assert within("mairie", "mairies", 1)
    assert not within("mairie", "marei", 1)
    assert within("mairie", "marei", 2)
    assert not within("abc", "abcd", 0)


@given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=5))
def test_pieces_lose_nothing(text: str, marks: list[tuple[int, int]]) -> None:
    spans = sorted((min(a, len(text)), min(a + b, len(text))) for a, b in marks)
    assert "".join("".join(piece for piece, _ in pieces(text, spans)).split()) == "".join(text.split())


@given(st.text(max_size=200), st.text(max_size=60))
def test_no_letter_and_no_query_break_the_marker(text: str, asked: str) -> None:
    for passage in Marker(parse(asked)).passages(stored(text, subject=text)):
        assert any(marked for _, marked in passage.pieces)


def test_a_page_of_a_hundred_thousand_different_words_is_marked_in_little_time() -> None:
    """Each of them was compared with each word of the search, one by one: four seconds."""
    letters = "bcdfghjklm"
    page = " ".join("".join(letters[int(digit)] for digit in f"{at:06}") + "ation" for at in range(80_000))
    wanted = " ".join("".join(letters[::-1][int(digit)] for digit in f"{at:06}") + "eur" for at in range(40))
    started = process_time()
    Marker(parse(wanted)).passages(stored(page))
    assert process_time() - started < 2.0
