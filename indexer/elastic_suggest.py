"""Suggestions and similar letters on Elasticsearch."""

from collections.abc import Mapping
from typing import Any

from ged.ports import MailId, Principals, SearchQuery, Suggestion
from indexer import alike, elastic_query, suggesting
from indexer.elastic_query import NOTHING, Clause, any_of
from indexer.elastic_schema import path
from indexer.fields import NUMBER_FIELDS
from indexer.passages import Stored
from indexer.query import parse
from indexer.suggesting import Typed

LIKE_FIELDS = ("subject", "text")
_NEWEST = [{"registered_ms": "desc"}, {"mail_id": "desc"}]


def allowed(principals: Principals, exclude: frozenset[MailId]) -> Clause:
    """The letters that may be shown."""
    return elastic_query.build(SearchQuery("", exclude=exclude), parse(""), principals)


def searches(typed: Typed, may_see: Clause) -> list[dict[str, Any]]:
    """The searches whose responses ``suggestions`` reads: correspondents, subjects, and numbers if it may be one."""
    people = any_of(_begun(typed, f"{path(name)}.exact") for name in ("sender", "addressee"))
    counted = {"terms": {"field": "correspondent", "size": suggesting.CORRESPONDENTS_READ}}
    asked = [
        {"query": both(may_see, people), "size": 0, "aggs": {"correspondent": counted}},
        _newest(both(may_see, _begun(typed, f"{path('subject')}.exact")), "subject"),
    ]
    if typed.number:
        asked.append(_newest(both(may_see, any_of(_number(typed, name) for name in NUMBER_FIELDS)), "shown"))
    return [{**one, "track_total_hits": False} for one in asked]


def suggestions(typed: Typed, answers: list[Mapping[str, Any]], limit: int) -> tuple[Suggestion, ...]:
    """The suggestions in the responses to ``searches``."""
    buckets = answers[0]["aggregations"]["correspondent"]["buckets"]
    people = suggesting.correspondents(typed, ((one["key"], one["doc_count"]) for one in buckets))
    lines = [(int(hit["_id"]), str(hit["_source"].get("subject", ""))) for hit in answers[1]["hits"]["hits"]]
    found = [] if len(answers) < 3 else [(int(hit["_id"]), _numbers(hit)) for hit in answers[2]["hits"]["hits"]]
    return suggesting.chosen(limit, suggesting.held_numbers(typed, found), people, suggesting.subjects(typed, lines))


def like(mail_id: MailId, letter: Stored, may_see: Clause) -> Clause:
    """Letters that share the telling words of a letter.

    Not ``more_like_this``: it chooses the words by how many of all letters hold them.
    """
    words = [any_of(_holding(name, stem, weight) for name in LIKE_FIELDS) for stem, weight in alike.telling(letter)]
    if not words:
        return NOTHING
    return {
        "bool": {
            "should": words,
            "minimum_should_match": alike.least(len(words)),
            "filter": [may_see],
            "must_not": [{"term": {"mail_id": int(mail_id)}}],
        }
    }


def _holding(name: str, stem: str, weight: float) -> Clause:
    return {"term": {path(name): {"value": stem, "boost": weight}}}


def this(mail_id: MailId, may_see: Clause) -> Clause:
    """The letter itself, if it may be shown."""
    return both(may_see, {"term": {"mail_id": int(mail_id)}})


def both(may_see: Clause, wanted: Clause) -> Clause:
    """Letters that may be seen and that match."""
    return {"bool": {"filter": [may_see, wanted]}}


def _begun(typed: Typed, name: str) -> Clause:
    words: list[Clause] = [{"term": {name: word}} for word in typed.words]
    return {"bool": {"filter": [*words, {"prefix": {name: {"value": typed.last}}}]}}


def _number(typed: Typed, name: str) -> Clause:
    return {"prefix": {f"{name}_from": {"value": "/".join(typed.number)}}}


def _newest(query: Clause, source: str) -> dict[str, Any]:
    return {"query": query, "size": suggesting.LETTERS_READ, "sort": _NEWEST, "_source": [source]}


def _numbers(hit: Mapping[str, Any]) -> list[str]:
    shown = hit["_source"].get("shown", {})
    return [str(text) for name in NUMBER_FIELDS for text in shown.get(name, ())]
