"""How many letters hold a word: it decides what a search does for the word. Kept by each process for minutes or hours."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from elasticsearch import Elasticsearch

from indexer.elastic_schema import path
from indexer.rereading import weight

KEPT_S = 600.0
STEADY, STEADY_KEPT_S = 100, 6 * 3600.0
"""The count of a word in more letters than ``STEADY`` is kept for longer: new letters hardly change it. So a search for a
usual word is one call."""
GROWN = 0.1
"""A count is asked again once the number of letters has changed by this part, as in an import."""
MAX_KEPT = 50_000
SURE_SHARE, MIN_SURE = 0.3, 1_000
"""A word in more letters than both is surely typed correctly, and is not searched with mistakes."""
MOST_SHARE, MIN_MOST = 0.5, 1_000
"""A word in more letters than both is a word of most letters: it hardly tells one from another."""
FREQUENT_SHARE, MIN_FREQUENT = 0.01, 500
"""A word in more letters than both is searched with one mistake: two cost several times as much, and add few letters."""


class _Count(NamedTuple):
    """The letters with a stem, of how many letters, and until when the count is kept."""

    letters: int
    total: int
    until: float


class Frequencies:
    """The frequencies of stems in the texts of all letters (of one shard, as letters spread evenly)."""

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._known: dict[str, _Count] = {}
        self._total = 0

    def weights(self, stems: Sequence[str]) -> dict[str, float]:
        """The weight of each stem: how rare it is."""
        held = self.held(stems)
        return {stem: weight(self._total, count) for stem, count in held.items()}

    def mistakes(self, stems: Sequence[str], *, is_long: bool = False) -> dict[str, int]:
        """The most mistakes to search for in words that many letters hold; other words are missing.

        Args:
            is_long: whether the query has many words. It finds letters by half of them, and the mistakes in its frequent words
                cost a third of the search.
        """
        found = {}
        sure_share = FREQUENT_SHARE if is_long else SURE_SHARE
        for stem, count in self.held(stems).items():
            if count > max(MIN_SURE, self._total * sure_share):
                found[stem] = 0
            elif count > max(MIN_FREQUENT, self._total * FREQUENT_SHARE):
                found[stem] = 1
        return found

    def of_most(self, stems: Sequence[str]) -> frozenset[str]:
        """The stems that most letters hold."""
        held = self.held(stems)
        least = max(MIN_MOST, self._total * MOST_SHARE)
        return frozenset(stem for stem, count in held.items() if count > least)

    def held(self, stems: Sequence[str]) -> Mapping[str, int]:
        """In how many letters the text holds each stem."""
        now, known = time.monotonic(), self._known
        unknown = [stem for stem in dict.fromkeys(stems) if not self._is_fresh(known.get(stem), now)]
        if unknown:
            if len(known) > MAX_KEPT:
                # A new one, and not the old one emptied: another thread may be reading that.
                known = self._known = {}
                unknown = list(dict.fromkeys(stems))
            counts = self._asked(unknown)
            known |= {stem: _Count(count, self._total, now + _kept_s(count)) for stem, count in counts.items()}
        return {stem: known[stem].letters for stem in stems}

    def _is_fresh(self, count: _Count | None, now: float) -> bool:
        return count is not None and now <= count.until and abs(self._total - count.total) <= GROWN * count.total

    def _asked(self, stems: list[str]) -> dict[str, int]:
        name = path("text")
        response = self._client.termvectors(
            index=self._alias,
            doc={"pages": [{"text": " ".join(stems)}]},
            fields=[name],
            per_field_analyzer={name: "whitespace"},
            term_statistics=True,
            positions=False,
            offsets=False,
            payloads=False,
        )
        vector = response.get("term_vectors", {}).get(name, {})
        self._total = int(vector.get("field_statistics", {}).get("doc_count", self._total))
        terms = vector.get("terms", {})
        return {stem: int(terms.get(stem, {}).get("doc_freq", 0)) for stem in stems}


def _kept_s(letters: int) -> float:
    return STEADY_KEPT_S if letters > STEADY else KEPT_S
