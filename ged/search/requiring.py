"""Puts words of a typed search in quotes, so that each letter found must have them. Pure."""

from collections.abc import Collection

_QUOTES = '"«»“”„'
_AROUND = ",;:.!?…()[]{}"


def requiring(typed: str, words: Collection[str]) -> str:
    """The typed text with these words of it in quotes. A text that has quotes, or not all of the words, stays as it is.

    So does a text where one of the words has a digit: in quotes a number is searched as it is typed. Letters that have it in another
    writing, or as their own number, would not be found.

    >>> requiring("forage Ablavi, 2026", {"Ablavi"})
    'forage "Ablavi", 2026'
    """
    has_number = any(sign.isdigit() for word in words for sign in word)
    if not words or has_number or any(sign in typed for sign in _QUOTES):
        return typed
    tokens, sizes = typed.split(), sorted({len(word.split()) for word in words}, reverse=True)
    quoted: list[str] = []
    found: set[str] = set()
    at = 0
    while at < len(tokens):
        runs = (tokens[at : at + size] for size in sizes)
        run = next((run for run in runs if _bare(run) in words), tokens[at : at + 1])
        text, word = " ".join(run), _bare(run)
        if word in words:
            found.add(word)
            text = text.replace(word, f'"{word}"', 1)
        quoted.append(text)
        at += len(run)
    return " ".join(quoted) if found == set(words) else typed


def _bare(run: list[str]) -> str:
    return " ".join(run).strip(_AROUND)
