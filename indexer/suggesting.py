"""Suggestions while a person types: what both engines share."""

from collections.abc import Iterable
from dataclasses import dataclass

from ged.ports import MailId, Suggestion, SuggestionKind
from indexer import analysis, numbers

MAX_WORDS = 12
CORRESPONDENTS_READ = 50
"""Correspondents counted before those are kept that hold what was typed."""
LETTERS_READ = 40
"""Newest letters looked at for subjects and numbers."""


@dataclass(frozen=True)
class Typed:
    """What was typed so far: whole words, the last of which may only be begun; and the same as parts of a number.

    Attributes:
        number: empty when it does not look like one.
    """

    words: tuple[str, ...]
    last: str
    number: tuple[str, ...]

    def begins(self, text: str) -> bool:
        """Whether a value holds all the words, the last one as a beginning."""
        held = [form.folded for form in analysis.words(text)]
        return all(word in held for word in self.words) and any(word.startswith(self.last) for word in held)

    def begins_number(self, text: str) -> bool:
        """Whether a number holds these parts in a row, the last one as a beginning."""
        held = numbers.parts(text)
        *before, last = self.number
        starts = range(len(held) - len(before))
        return any(held[at : at + len(before)] == before and held[at + len(before)].startswith(last) for at in starts)


def read(text: str) -> Typed | None:
    """What was typed, None when there is nothing in it."""
    words = [form.folded for form in analysis.words(text[:200])][:MAX_WORDS]
    if not words:
        return None
    is_number = any(char.isdigit() for char in text) or numbers.looks_like_number(text.strip())
    return Typed(tuple(words[:-1]), words[-1], tuple(numbers.parts(text[:200])) if is_number else ())


def correspondents(typed: Typed, counted: Iterable[tuple[str, int]]) -> list[Suggestion]:
    """The counted correspondents that hold what was typed, the most frequent first."""
    return [Suggestion(SuggestionKind.CORRESPONDENT, name, count) for name, count in counted if typed.begins(name)]


def subjects(typed: Typed, found: Iterable[tuple[int, str]]) -> list[Suggestion]:
    """Subjects of ``(letter, subject)``, each once, in the order given."""
    return _grouped(SuggestionKind.SUBJECT, [pair for pair in found if typed.begins(pair[1])])


def held_numbers(typed: Typed, found: Iterable[tuple[int, Iterable[str]]]) -> list[Suggestion]:
    """Numbers of ``(letter, its numbers)`` that hold what was typed."""
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
    """Up to ``limit``: numbers, correspondents and subjects share the places, what one leaves the others take."""
    places: list[list[Suggestion]] = [[] for _ in kinds]
    waiting = [list(kind) for kind in kinds]
    while sum(map(len, places)) < limit and any(waiting):
        for taken, kind in zip(places, waiting, strict=True):
            if kind and sum(map(len, places)) < limit:
                taken.append(kind.pop(0))
    return tuple(one for taken in places for one in taken)
