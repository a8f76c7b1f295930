"""Corrections on Elasticsearch: near words from its dictionary, counted with the principals of the search.

A search requests, together with its hits, words near to its rare words. Only when there are near words, a second call
counts them in the letters that may be seen. So a word that occurs only in letters of others is never offered. Words less frequent than
the typed one are requested too: the dictionary counts the letters of others, and would leave out what is the most frequent of those seen.
"""

from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from indexer import correcting
from indexer.correcting import Offer
from indexer.elastic_calls import answered
from indexer.elastic_query import Clause, any_of
from indexer.elastic_schema import path
from indexer.fields import TEXT_FIELDS

OFFERS = 8
COUNTED = 1_000
_NEAR = {
    "suggest_mode": "always",
    "max_term_freq": correcting.RARE,
    "max_edits": 2,
    "prefix_length": 1,
    "min_word_length": correcting.MIN_LETTERS,
    "size": OFFERS,
    "analyzer": "ged_folded",
}
DICTIONARIES = ("subject", "sender", "text")


def asking(words: tuple[str, ...]) -> dict[str, Any]:
    """The part of a search request that requests near words; ``near`` reads its response. Empty for no words."""
    text = " ".join(words)
    return {name: {"text": text, "term": _NEAR | {"field": f"{path(name)}.exact"}} for name in DICTIONARIES if words}


def near(words: tuple[str, ...], suggested: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """Typed words that are rare in every dictionary, each with the words near to it."""
    offers: dict[str, list[str]] = {}
    for name in DICTIONARIES:
        for one in suggested.get(name, ()):
            found = [option["text"] for option in one["options"] if option["text"].isascii()]
            offers.setdefault(one["text"], []).extend(found)
    return {word: list(dict.fromkeys(offers[word])) for word in words if offers.get(word)}


def meant(client: Elasticsearch, alias: str, offered: Mapping[str, list[str]], may_see: Clause) -> dict[str, str]:
    """Mistyped word -> the word probably meant, chosen from the result of ``near``."""
    if not offered:
        return {}
    counted = sorted({word for typed, offers in offered.items() for word in (typed, *offers)})
    letters = dict(zip(counted, _letters(client, alias, counted, may_see), strict=True))
    found = {
        typed: correcting.best(typed, letters[typed], (Offer(word, letters[word]) for word in offers))
        for typed, offers in offered.items()
    }
    return {typed: word for typed, word in found.items() if word is not None}


def _letters(client: Elasticsearch, alias: str, words: list[str], may_see: Clause) -> list[int]:
    searches: list[dict[str, Any]] = []
    for word in words:
        held = any_of({"term": {f"{path(name)}.exact": word}} for name in TEXT_FIELDS)
        searches += [{}, {"query": {"bool": {"filter": [may_see, held]}}, "size": 0, "track_total_hits": COUNTED}]
    found = client.msearch(index=alias, searches=searches)
    return [int(answered(one)["hits"]["total"]["value"]) for one in found["responses"]]
