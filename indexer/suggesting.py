"""Suggestions while a person types: the part that both engines share."""

from collections.abc import Iterable
from dataclasses import dataclass

from ged.ports import MailId, Suggestion, SuggestionKind
from indexer import analysis, numbers

MAX_WORDS, MAX_READ = 12, 200
"""The words that are read, and the characters."""
CORRESPONDENTS_READ = 50
"""Correspondents to count; of these, the ones that contain the typed words are kept."""
LETTERS_READ = 40
"""Newest letters to read for subjects and numbers."""


@dataclass(frozen=True)
class Typed:
    """The text typed so far, as words and as parts of a number. The last word may be incomplete.

    Attributes:
        number: empty when the text does not look like a number.
    """

    words: tuple[str, ...]
    last: str
    number: tuple[str, ...]

    def begins(self, text: str) -> bool:
        """Whether a value contains all the words, the last word as a prefix."""
        held = [form.folded for form in analysis.words(text)]
        return all(word in held for word in self.words) and any(word.startswith(self.last) for word in held)

    def begins_number(self, text: str) -> bool:
        """Whether a number contains these parts in a row, the last part as a prefix."""
        held = numbers.parts(text)
        *before, last = self.number
        starts = range(len(held) - len(before))
        return any(held[at : at + len(before)] == before and held[at + len(before)].startswith(last) for at in starts)


def read(text: str) -> Typed | None:
    """Read a typed text; None when it has no words."""
    text = text[:MAX_READ]
    words = [form.folded for form in analysis.words(text)][:MAX_WORDS]
    if not words:
        return None
    is_number = any(char.isdigit() for char in text) or numbers.looks_like_number(text.strip())
    return Typed(tuple(words[:-1]), words[-1], tuple(numbers.parts(text)) if is_number else ())


def correspondents(typed: Typed, counted: Iterable[tuple[str, int]]) -> list[Suggestion]:
    """The counted correspondents that contain the typed words, the most frequent first."""
    return [Suggestion(SuggestionKind.CORRESPONDENT, name, count) for name, count in counted if typed.begins(name)]


def subjects(typed: Typed, found: Iterable[tuple[int, str]]) -> list[Suggestion]:
    """Subjects of ``(letter, subject)``, each once, in the order given."""
    return _grouped(SuggestionKind.SUBJECT, [pair for pair in found if typed.begins(pair[1])])


def held_numbers(typed: Typed, found: Iterable[tuple[int, Iterable[str]]]) -> list[Suggestion]:
    """Numbers of ``(letter, its numbers)`` that contain the typed parts."""
    pairs = [(mail_id, text) for mail_id, texts in found for text in texts if typed.begins_number(text)]
    return _grouped(SuggestionKind.NUMBER, pairs)


def _grouped(kind: SuggestionKind, pairs: list[tuple[int, str]]) -> list[Suggestion]:
    letters: dict[str, list[int]] = {}
    for mail_id, text in pairs:
        letters.setdefault(text, []).append(mail_id)
    return [
        Suggestion(kind, text, len(ids), MailId(ids[0]) if len(ids) == 1 else None) for text, ids in letters.items()
    ]


def chosen(limit: int, *kinds: list[Suggestion]) -> tuple[Suggestion, ...]:
    """Up to ``limit`` suggestions: numbers, correspondents and subjects share the places; others take unused places."""
    places: list[list[Suggestion]] = [[] for _ in kinds]
    waiting = [list(kind) for kind in kinds]
    while sum(map(len, places)) < limit and any(waiting):
        for taken, kind in zip(places, waiting, strict=True):
            if kind and sum(map(len, places)) < limit:
                taken.append(kind.pop(0))
    return tuple(one for taken in places for one in taken)
