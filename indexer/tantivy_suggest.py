"""Suggestions and similar letters on the embedded engine."""

import re
from typing import TYPE_CHECKING

from tantivy import Occur, Order, Query

from ged.ports import Hit, MailId, Suggestion
from indexer import alike, suggesting, tantivy_store
from indexer.fields import NUMBER_FIELDS
from indexer.passages import Stored
from indexer.suggesting import Typed
from indexer.tantivy_query import any_of

if TYPE_CHECKING:
    from tantivy import DocAddress, Searcher

LIKE_FIELDS = ("subject", "text")


def suggestions(searcher: "Searcher", typed: Typed, may_see: Query, limit: int) -> tuple[Suggestion, ...]:
    """Numbers, correspondents and subjects that complete the typed text."""
    people = _both(may_see, any_of(_begun(typed, f"{name}_exact") for name in ("sender", "addressee")))
    counted = tantivy_store.counting("correspondent", suggesting.CORRESPONDENTS_READ)
    buckets = searcher.aggregate(people, {"correspondent": counted})["correspondent"]["buckets"]
    named = ((str(one["key"]), int(one["doc_count"])) for one in buckets)
    lines = _newest(searcher, _both(may_see, _begun(typed, "subject_exact")))
    return suggesting.chosen(
        limit,
        _numbers(searcher, typed, may_see) if typed.number else [],
        suggesting.correspondents(typed, named),
        suggesting.subjects(typed, ((mail_id, str(one.texts.get("subject", ""))) for mail_id, one in lines)),
    )


def similar(searcher: "Searcher", mail_id: MailId, may_see: Query, limit: int) -> tuple[Hit, ...]:
    """Letters that share the significant words of a letter."""
    this = Query.term_query(tantivy_store.schema(), "mail_id", int(mail_id))
    found = searcher.search(_both(may_see, this), 1, count=False).hits
    if not found or limit < 1:
        return ()
    words = alike.telling(tantivy_store.read_source(searcher.doc(found[0][1])))
    if not words:
        return ()
    wanted = Query.boolean_query(
        [(Occur.Should, _anywhere(word, weight)) for word, weight in words],
        minimum_number_should_match=alike.least(len(words)),
    )
    clauses = [(Occur.Must, wanted), (Occur.Must, _silent(may_see)), (Occur.MustNot, this)]
    hits = searcher.search(Query.boolean_query(clauses), limit, count=False).hits
    ids = searcher.fast_field_values("mail_id", [place for _, place in hits])
    return tuple(Hit(MailId(int(one or 0)), float(score)) for one, (score, _) in zip(ids, hits, strict=True))


def _anywhere(word: str, weight: float) -> Query:
    schema = tantivy_store.schema()
    return any_of(Query.boost_query(Query.term_query(schema, name, word, "freq"), weight) for name in LIKE_FIELDS)


def _numbers(searcher: "Searcher", typed: Typed, may_see: Query) -> list[Suggestion]:
    found = _newest(searcher, _both(may_see, any_of(_number(typed, name) for name in NUMBER_FIELDS)))
    return suggesting.held_numbers(
        typed,
        ((mail_id, [text for name in NUMBER_FIELDS for text in one.numbers.get(name, ())]) for mail_id, one in found),
    )


def _newest(searcher: "Searcher", asked: Query) -> list[tuple[int, Stored]]:
    """The newest letters of a query, with their stored parts."""
    found = searcher.search(
        asked, suggesting.LETTERS_READ, count=False, order_by_field=tantivy_store.IN_TURN, order=Order.Desc
    )
    places: list[DocAddress] = [place for _, place in found.hits]
    ids = searcher.fast_field_values("mail_id", places)
    stored = (tantivy_store.read_source(searcher.doc(place)) for place in places)
    return [(int(mail_id or 0), one) for mail_id, one in zip(ids, stored, strict=True)]


def _begun(typed: Typed, name: str) -> Query:
    schema = tantivy_store.schema()
    words = [Query.term_query(schema, name, word) for word in typed.words]
    return _both(*words, _prefix(name, typed.last))


def _number(typed: Typed, name: str) -> Query:
    return _prefix(f"{name}_from", "/".join(typed.number))


def _prefix(name: str, start: str) -> Query:
    return Query.regex_query(tantivy_store.schema(), name, re.escape(start) + ".*")


def _both(*queries: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _silent(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)
