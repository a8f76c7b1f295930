"""Corrections on Elasticsearch, made of letters that the reader may read, and of no other.

Whether a word may be mistyped, which words are near to it and how many letters contain each: all is counted with the
principals of the search. The dictionary of the index is not asked. It has the words of all letters, and a correction that
comes or goes with a letter of others tells of that letter.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch
from rapidfuzz.distance import OSA

from ged.ports import MailId, Principals
from indexer import analysis, correcting, elastic_several, elastic_suggest
from indexer.correcting import Offer, Spellings
from indexer.elastic_query import Clause, any_of
from indexer.elastic_schema import path
from indexer.elastic_words import KEPT_S, MAX_KEPT, STEADY_KEPT_S, reader
from indexer.fields import TEXT_FIELDS
from indexer.passages import Stored

OFFERS = 8
"""How many near words of a typed word are counted."""
COUNTED = 1_000
"""Letters with a word are counted no further."""
LETTERS_READ = 20
"""How many letters with a near word are read for the near words in them."""
MOST_READ = 60
"""How many are read for all words of a search: a letter may be a book, and the server sends all of it."""
CHARACTERS_READ = 60_000
"""How many characters of a letter are read."""
_WORD = re.compile(r"[^\W_]+")
_NEAR_FIELDS = ("subject", "sender", "text")
"""Where near words are looked for."""


class Corrections:
    """Corrects mistyped words. Keeps for minutes or hours whether a reader's letters have a word."""

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        self._client = client
        self._alias = alias
        # (reader, word) -> whether one of the reader's letters has the word, and until when this is kept.
        self._known: dict[tuple[bytes, str], tuple[bool, float]] = {}

    def meant(
        self, words: Sequence[str], first: Iterable[Stored], principals: Principals, exclude: frozenset[MailId]
    ) -> dict[str, str]:
        """Mistyped word -> the word probably meant.

        Args:
            words: the folded words that may be mistyped.
            first: the first letters found, read as far as needed: a word that one of them contains needs no call.
        """
        if not words:
            return {}
        may_see = elastic_suggest.allowed(principals, exclude)
        mistyped = self._mistyped(words, first, reader(principals, exclude), may_see)
        offered = self._near(mistyped, may_see) if mistyped else {}
        counted = sorted({word for offers in offered.values() for word in offers})
        if not counted:
            return {}
        letters = self._letters(counted, may_see)
        found = {
            typed: correcting.best(typed, (Offer(word, letters[word], written) for word, written in offers.items()))
            for typed, offers in offered.items()
        }
        return {typed: word for typed, word in found.items() if word is not None}

    def _mistyped(self, words: Sequence[str], first: Iterable[Stored], who: bytes, may_see: Clause) -> tuple[str, ...]:
        """The words that none of the reader's letters has. A word that is found was meant, however rare it is."""
        now, known = time.monotonic(), self._known
        kept = {word: known[who, word] for word in words if (who, word) in known}
        unknown = [word for word in words if word not in kept or kept[word][1] < now]
        if unknown:
            if len(known) > MAX_KEPT:
                known = self._known = {}  # a new one, and not the old one emptied: another thread may be reading that
            held = dict.fromkeys(_held(unknown, first), True)
            asked = [word for word in unknown if word not in held]
            held |= dict(zip(asked, self._are_held(asked, may_see), strict=True))
            kept |= {word: (is_held, now + (STEADY_KEPT_S if is_held else KEPT_S)) for word, is_held in held.items()}
            known |= {(who, word): kept[word] for word in unknown}
        return tuple(word for word in words if not kept[word][0])

    def _are_held(self, words: Sequence[str], may_see: Clause) -> list[bool]:
        stems = [any_of({"term": {path(name): analysis.forms(word).stem}} for name in TEXT_FIELDS) for word in words]
        return [count > 0 for count in self._counts(stems, may_see)]

    def _near(self, words: Sequence[str], may_see: Clause) -> Mapping[str, Mapping[str, str]]:
        """Words, each with the words near to it, folded and as letters write them.

        They are read in the newest of the reader's letters that have such words.
        """
        size = min(LETTERS_READ, MOST_READ // len(words))
        newest = {"size": size, "_source": [path(name) for name in _NEAR_FIELDS], "sort": [{"mail_id": "desc"}]}
        near = [{"bool": {"filter": [_has_near(word)], "must_not": [_has(word)]}} for word in words]
        asked = elastic_several.asking(may_see, near, newest=newest)
        found = elastic_several.newest(self._client.search(index=self._alias, **asked).body)
        return {
            word: near_ones
            for word, letters in zip(words, found, strict=True)
            if (near_ones := near_words(word, map(_text, letters)))
        }

    def _letters(self, words: Sequence[str], may_see: Clause) -> Mapping[str, int]:
        """How many of the reader's letters contain each word, up to ``COUNTED``."""
        counts = self._counts([_has(word) for word in words], may_see)
        return {word: min(count, COUNTED) for word, count in zip(words, counts, strict=True)}

    def _counts(self, wanted: Sequence[Clause], may_see: Clause) -> list[int]:
        """How many of the reader's letters match each clause."""
        if not wanted:
            return []
        asked = elastic_several.asking(may_see, wanted)
        return elastic_several.counts(self._client.search(index=self._alias, **asked).body)


def _held(words: Sequence[str], first: Iterable[Stored]) -> set[str]:
    """The words that one of these letters has in its text."""
    left = set(words)
    for letter in first:
        left -= _folded_words(" ".join(text for _, _, text in letter.pages))
        if not left:
            break
    return set(words) - left


def near_words(word: str, texts: Iterable[str]) -> dict[str, str]:
    """The words of these texts that are near to a word, folded and as the texts write them.

    The nearest ones come first, then the most frequent ones.
    """
    distance = analysis.fuzzy_distance(word)
    found: Counter[str] = Counter()
    spellings = Spellings()
    for text in texts:
        held = {one: analysis.fold(one) for one in set(_WORD.findall(text[:CHARACTERS_READ]))}
        held = {one: folded for one, folded in held.items() if folded[:1] == word[0] and folded.isalpha()}
        for one, folded in held.items():
            spellings.note(folded, one)
        found.update(set(held.values()))
    near = {one: OSA.distance(word, one, score_cutoff=distance) for one in found if one != word}
    ranked = sorted((far, -found[one], one) for one, far in near.items() if far <= distance)
    return {one: spellings.of(one) for _far, _count, one in ranked[:OFFERS]}


def _folded_words(text: str) -> set[str]:
    return set(_WORD.findall(analysis.fold(text[:CHARACTERS_READ])))


def _text(source: Mapping[str, Any]) -> str:
    pages = (page["text"] for page in source.get("pages", ()))
    return "\n".join((source.get("subject", ""), source.get("sender", ""), *pages))


def _has(word: str) -> Clause:
    return any_of({"term": {f"{path(name)}.exact": word}} for name in TEXT_FIELDS)


def _has_near(word: str) -> Clause:
    """Letters with any near word.

    ``constant_score``: the usual rewriting takes only some near words of the dictionary, and letters of others decide which.
    """
    near = {
        "value": word,
        "fuzziness": analysis.fuzzy_distance(word),
        "prefix_length": 1,
        "rewrite": "constant_score",
    }
    return any_of({"fuzzy": {f"{path(name)}.exact": near}} for name in _NEAR_FIELDS)
