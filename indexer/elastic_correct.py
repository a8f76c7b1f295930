"""Corrections on Elasticsearch, made of letters that the reader may read, and of no other.

Whether a word may be mistyped, which words are near to it and how many letters contain each: all is counted with the
principals of the search. The dictionary of the index is not asked. It has the words of all letters, and a correction that
comes or goes with a letter of others tells of that letter.
"""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch
from rapidfuzz.distance import OSA

from ged.ports import MailId, Principals
from indexer import analysis, correcting, elastic_several, elastic_suggest, fields
from indexer.correcting import RARE, Offer
from indexer.elastic_query import Clause, any_of
from indexer.elastic_schema import path
from indexer.elastic_words import KEPT_S, MAX_KEPT, STEADY_KEPT_S
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
    """Corrects mistyped words. Keeps for minutes or hours whether a word is usual in a reader's letters."""

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        self._client = client
        self._alias = alias
        # (reader, word) -> whether more than RARE of the reader's letters have the word, and until when this is kept.
        self._usual: dict[tuple[bytes, str], tuple[bool, float]] = {}

    def meant(
        self, words: Sequence[str], first: Iterable[Stored], principals: Principals, exclude: frozenset[MailId]
    ) -> dict[str, str]:
        """Mistyped word -> the word probably meant.

        Args:
            words: the folded words that may be mistyped.
            first: the first letters found, read as far as needed: a word that they contain often enough needs no call.
        """
        if not words:
            return {}
        may_see = elastic_suggest.allowed(principals, exclude)
        mistyped = self._mistyped(words, first, _reader(principals, exclude), may_see)
        offered = self._near(mistyped, may_see) if mistyped else {}
        counted = sorted({word for typed, offers in offered.items() for word in (typed, *offers)})
        if not counted:
            return {}
        letters = self._letters(counted, may_see)
        found = {
            typed: correcting.best(typed, letters[typed], (Offer(word, letters[word]) for word in offers))
            for typed, offers in offered.items()
        }
        return {typed: word for typed, word in found.items() if word is not None}

    def _mistyped(
        self, words: Sequence[str], first: Iterable[Stored], reader: bytes, may_see: Clause
    ) -> tuple[str, ...]:
        """The words in the texts of no more than ``RARE`` of the reader's letters."""
        now, usual = time.monotonic(), self._usual
        kept = {word: usual[reader, word] for word in words if (reader, word) in usual}
        unknown = [word for word in words if word not in kept or kept[word][1] < now]
        if unknown:
            if len(usual) > MAX_KEPT:
                usual = self._usual = {}  # a new one, and not the old one emptied: another thread may be reading that
            seen = _often(unknown, first)
            asked = [word for word in unknown if word not in seen]
            seen |= dict(zip(asked, self._is_usual(asked, may_see), strict=True))
            kept |= {word: (is_usual, now + (STEADY_KEPT_S if is_usual else KEPT_S)) for word, is_usual in seen.items()}
            usual |= {(reader, word): kept[word] for word in unknown}
        return tuple(word for word in words if not kept[word][0])

    def _is_usual(self, words: Sequence[str], may_see: Clause) -> list[bool]:
        stems = [{"term": {path("text"): analysis.forms(word).stem}} for word in words]
        return [count > RARE for count in self._counts(stems, may_see)]

    def _near(self, words: Sequence[str], may_see: Clause) -> Mapping[str, list[str]]:
        """Words, each with the words near to it, read in the newest of the reader's letters that have such words."""
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


def _reader(principals: Principals, exclude: frozenset[MailId]) -> bytes:
    """A key of equal length for all who may see the same letters."""
    said = "\n".join((*fields.access_terms(principals), *map(str, sorted(exclude))))
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _often(words: Sequence[str], first: Iterable[Stored]) -> dict[str, bool]:
    """The words that more than ``RARE`` of these letters have in their texts."""
    held: Counter[str] = Counter()
    left = set(words)
    for letter in first:
        held.update(left & _folded_words(" ".join(text for _, _, text in letter.pages)))
        left -= {word for word in left if held[word] > RARE}
        if not left:
            break
    return {word: True for word in words if held[word] > RARE}


def near_words(word: str, texts: Iterable[str]) -> list[str]:
    """The words of these texts that are near to a word: the nearest first, then the most frequent."""
    distance = analysis.fuzzy_distance(word)
    found = Counter(one for text in texts for one in _folded_words(text) if one[0] == word[0] and one.isalpha())
    near = {one: OSA.distance(word, one, score_cutoff=distance) for one in found if one != word}
    ranked = sorted((far, -found[one], one) for one, far in near.items() if far <= distance)
    return [one for _far, _count, one in ranked][:OFFERS]


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
