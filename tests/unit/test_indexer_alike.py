"""The words by which similar letters are found: chosen by the letter alone."""

from indexer import alike
from indexer.passages import Stored


def stems(subject: str, *pages: str) -> list[str]:
    letter = Stored({"subject": subject}, {}, [(1, no, text) for no, text in enumerate(pages, start=1)])
    return [stem for stem, _weight in alike.telling(letter)]


def test_the_words_of_the_subject_come_first_then_repeated_and_long_ones() -> None:
    assert stems("Barrage de Nangbéto", "vanne turbine vanne alternateur", "vanne turbine vanne") == [
        "nangbeto", "barag", "turbin", "vane", "altern",
    ]  # fmt: skip


def test_words_of_every_letter_say_nothing() -> None:
    assert stems("Réponse à la lettre du directeur", "Comment le 12 mars", "un no") == []


def test_a_book_has_as_many_words_as_a_letter() -> None:
    words = [f"mot{one}{other}" for one in "abcdefgh" for other in "abcdefgh"]
    assert len(stems("", " ".join(words))) == alike.MOST_WORDS


def test_a_similar_letter_has_a_third_of_the_words_and_at_least_one() -> None:
    assert [alike.least(count) for count in (1, 6, 7, 25)] == [1, 1, 2, 7]
