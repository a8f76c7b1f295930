"""Detects the language of a page by its stop words, which every sentence has."""

import re
from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SMALL_WORDS = {
    "fra": _words(
        "le la les de des du un une et est en au aux que qui dans pour par sur avec nous vous ce cette ces il elle "
        "votre notre je ne pas plus son sa ses leur leurs ou où à monsieur madame"
    ),
    "eng": _words(
        "the of and to in is are that for with on by this these we you your our it be as at from not have has was "
        "were will which or an dear sir madam"
    ),
}
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str, candidates: Sequence[str]) -> str:
    """The likeliest of the candidate languages; the first candidate when the text does not show it."""
    words = [word.lower() for word in _WORD.findall(text)]
    counts = {name: sum(word in _SMALL_WORDS.get(name, ()) for word in words) for name in candidates}
    return max(candidates, key=lambda name: counts[name])
