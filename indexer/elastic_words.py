"""How many letters hold a word. Kept by each process for minutes or hours.

Of all letters it decides how the letters found are ordered (``Frequencies``), of the letters that a reader may see it decides
which letters are found (``OwnLetters``): were these counted in all letters, the number of their own hits would tell a reader what
letters of others hold. A count of all letters only spares the second count where that could not reach its bound.
"""

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from elasticsearch import ApiError, Elasticsearch

from ged.ports import MailId, Principals
from indexer import elastic_several, elastic_suggest, fields, frequent
from indexer.elastic_query import MOST, Clause
from indexer.elastic_schema import path
from indexer.rereading import weight

logger = logging.getLogger(__name__)

KEPT_S = 600.0
STEADY, STEADY_KEPT_S = 100, 6 * 3600.0
"""The count of a word in more letters than ``STEADY`` is kept for longer: new letters hardly change it. So a search for a
usual word is one call."""
GROWN = 0.1
"""A count is asked again once the number of letters has changed by this part, as in an import."""
MAX_KEPT = 50_000
MAX_READERS = 500
"""The readers whose counts are kept."""
MAX_KEPT_OF_ONE, MAX_KEPT_OF_READERS = 10_000, 100_000
"""The counts that are kept of one reader, and of all: some 25 MB of a process."""
MOST_SHARE, MIN_MOST = 0.5, 1_000
"""A word in more letters than both is a word of most letters: it hardly tells one from another."""


_ALL: Clause = {"match_all": {}}
_TEXT = ""
"""Stands for any stem: the letters that have a text. Of a large file with changed letters the server looks at each one for it."""


class _Count(NamedTuple):
    """The letters with a stem, of how many letters, and until when the count is kept."""

    letters: int
    total: int
    until: float


class _Counts:
    """Counts that are kept, of the letters that one clause finds."""

    most_kept = MAX_KEPT

    def __init__(self, client: Elasticsearch, alias: str, of: Clause) -> None:
        self._client = client
        self._alias = alias
        self._of = of
        self._known: dict[str, _Count] = {}
        self._total = 0

    def held(self, stems: Sequence[str]) -> Mapping[str, int]:
        """In how many letters the text holds each stem."""
        now, known = time.monotonic(), self._known
        unknown = [stem for stem in dict.fromkeys(stems) if not self._is_fresh(known.get(stem), now)]
        if unknown:
            if len(known) > self.most_kept:
                # A new one, and not the old one emptied: another thread may be reading that.
                known = self._known = {}
                unknown = list(dict.fromkeys(stems))
            counts, self._total = self._asked(unknown)
            known |= {stem: _Count(count, self._total, now + _kept_s(count)) for stem, count in counts.items()}
        return {stem: known[stem].letters for stem in stems}

    def _is_fresh(self, count: _Count | None, now: float) -> bool:
        return count is not None and now <= count.until and abs(self._total - count.total) <= GROWN * count.total

    def _asked(self, stems: list[str]) -> tuple[Mapping[str, int], int]:
        """In how many letters the text holds each stem, and how many letters there are."""
        clauses = [_ALL, *map(_holding, stems)]
        asked = elastic_several.asking(self._of, clauses)
        total, *counts = elastic_several.counts(self._client.search(index=self._alias, **asked).body)
        return dict(zip(stems, counts, strict=True)), total


class Frequencies(_Counts):
    """In how many of all letters the text holds a stem.

    The server reads such a count from its dictionary, where no letter of a file was indexed anew. ``termvectors`` has these counts too,
    but of one shard, and costs as much (measured).
    """

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        super().__init__(client, alias, _ALL)

    def held(self, stems: Sequence[str]) -> Mapping[str, int]:
        """In how many letters the text holds each stem; in none where a busy server refuses to count: that only orders them."""
        try:
            return super().held(stems)
        except ApiError as error:
            logger.warning("index.not_counted status=%s", error.meta.status)
            return dict.fromkeys(stems, 0)

    def at_most(self, stems: Sequence[str]) -> Mapping[str, int]:
        """The most letters, of any reader, whose text holds each stem; without stems that could not be counted."""
        self.held(stems)
        kept = {stem: count for stem in stems if (count := self._known.get(stem))}  # another thread may have emptied it
        # A count is kept for a while: each letter that came since may hold the word.
        return {stem: count.letters + max(self._total - count.total, 0) for stem, count in kept.items()}

    def weights(self, stems: Sequence[str]) -> dict[str, float]:
        """The weight of each stem: how rare it is in the letters that have a text."""
        held = self.held([*stems, _TEXT])
        return {stem: weight(held[_TEXT], held[stem]) for stem in stems}

    def of_most(self, stems: Sequence[str]) -> frozenset[str]:
        """The stems that most letters with a text hold."""
        held = self.held([*stems, _TEXT])
        least = max(MIN_MOST, held[_TEXT] * MOST_SHARE)
        return frozenset(stem for stem in stems if held[stem] > least)


class OwnLetters(_Counts):
    """The letters that one reader may see: in how many of them the text holds a stem.

    Args:
        may_see: the letters, as a clause.
        all_letters: of a word that few of all letters hold, it is not asked how many of them are the reader's.
    """

    most_kept = MAX_KEPT_OF_ONE

    def __init__(
        self, client: Elasticsearch, alias: str, may_see: Clause, all_letters: Frequencies | None = None
    ) -> None:
        super().__init__(client, alias, may_see)
        self._all_letters = all_letters

    def __len__(self) -> int:
        return len(self._known)

    def held_from(self, least: Mapping[str, int]) -> Mapping[str, int]:
        """In how many of the letters the text holds each stem; 0 where they are fewer than ``least`` says.

        Most words are rare. What few of all letters hold, fewer of the reader's letters hold, and the server need not count them:
        a count costs as much as a third of a search. The result is the one of ``held``; as old as that may be (``KEPT_S``), where a
        letter that was indexed before has got the word since.
        Where a busy server refuses to count, no letter is counted: words are searched with the mistakes that their length allows.
        """
        try:
            most = self._all_letters.at_most(list(least)) if self._all_letters is not None else {}
            held = self.held([stem for stem, number in least.items() if most.get(stem, number) >= number])
        except ApiError as error:
            logger.warning("index.not_counted status=%s", error.meta.status)
            held = {}
        return {stem: count if (count := held.get(stem, 0)) >= number else 0 for stem, number in least.items()}

    def mistakes(self, stems: Sequence[str], *, is_long: bool = False) -> dict[str, int]:
        """The most mistakes to search for in words that many of the letters hold; other words are missing.

        Args:
            is_long: see ``frequent.mistakes``.
        """
        held = self.held_from(dict.fromkeys(stems, frequent.MIN_FREQUENT + 1))
        most = {
            stem: frequent.mistakes(MOST, count, lambda: self._total, is_long=is_long) for stem, count in held.items()
        }
        return {stem: count for stem, count in most.items() if count < MOST}


class Readers:
    """The counts of each reader."""

    def __init__(self, client: Elasticsearch, alias: str, all_letters: Frequencies | None = None) -> None:
        self._client = client
        self._alias = alias
        self._all_letters = all_letters
        self._known: dict[bytes, OwnLetters] = {}

    def letters_of(self, principals: Principals, exclude: frozenset[MailId]) -> OwnLetters:
        """The letters that a reader may see, without ``exclude``."""
        key, known = reader(principals, exclude), self._known
        # A list of them first: another thread may add one meanwhile.
        if sum(map(len, list(known.values()))) > MAX_KEPT_OF_READERS or (
            key not in known and len(known) >= MAX_READERS
        ):
            known = self._known = {}  # a new one, and not the old one emptied: another thread may be reading that
        if key not in known:
            may_see = elastic_suggest.allowed(principals, exclude)
            known[key] = OwnLetters(self._client, self._alias, may_see, self._all_letters)
        return known[key]


def reader(principals: Principals, exclude: frozenset[MailId]) -> bytes:
    """A key of equal length for all who may see the same letters."""
    said = "\n".join((*fields.access_terms(principals), *map(str, sorted(exclude))))
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _kept_s(letters: int) -> float:
    return STEADY_KEPT_S if letters > STEADY else KEPT_S


def _holding(stem: str) -> Clause:
    return {"term": {path("text"): stem}} if stem != _TEXT else {"exists": {"field": path("text")}}
