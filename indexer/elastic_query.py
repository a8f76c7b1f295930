"""Translates the tree of a query to Elasticsearch's query language, as ``tantivy_query`` does for tantivy."""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from ged.ports import Principals, SearchQuery
from indexer import fields
from indexer.analysis import fuzzy_distance, is_stop_word
from indexer.elastic_schema import path
from indexer.fields import BESIDE, BY_NAME, FACETS, TEXT_FIELDS, Kind
from indexer.ranking import RUN_FIELDS, Weights, number_boost
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Prefix, Words

Clause = dict[str, Any]
NOTHING: Clause = {"match_none": {}}
FUZZY_EXPANSIONS = 30
PAIR = 2


def any_of(clauses: Iterable[Clause]) -> Clause:
    """At least one of the clauses; without clauses, no letter matches."""
    found = list(clauses)
    return {"bool": {"should": found, "minimum_should_match": 1}} if found else NOTHING


def build(query: SearchQuery, parsed: ParsedQuery, principals: Principals) -> Clause:
    """The whole query: access, exclusions, filters, days and the typed text."""
    return _build(query, parsed, principals, must=[_asked(parsed)])


def build_unscored(query: SearchQuery, parsed: ParsedQuery, principals: Principals) -> Clause:
    """The query of the same letters for counting: without the clauses that only score."""
    return _build(query, parsed, principals, filters=_held(parsed))


def _build(
    query: SearchQuery,
    parsed: ParsedQuery,
    principals: Principals,
    *,
    must: Iterable[Clause] = (),
    filters: Iterable[Clause] = (),
) -> Clause:
    access = fields.access_terms(principals)
    if not access:
        return NOTHING
    without = [any_of(_leaves(node, fuzzy=False)) for node in parsed.excluded]
    if query.exclude:
        without.append({"terms": {"mail_id": sorted(query.exclude)}})
    return {
        "bool": {
            "filter": [{"terms": {"access": access}}, *_filters(query, parsed), *filters],
            "must_not": without,
            "must": list(must),
        }
    }


def _filters(query: SearchQuery, parsed: ParsedQuery) -> Iterable[Clause]:
    for name, values in query.filters.items():
        item = FACETS[name]
        wanted: list[Any] = list(values)
        if item.kind is Kind.INTEGER:
            wanted = [int(value) for value in values if re.fullmatch(r"\d{1,9}", value)]
        yield {"terms": {item.name: wanted}}
    for since, until in ((query.since, query.until), (parsed.since, parsed.until)):
        bounds = {"gte": since and fields.day_number(since), "lte": until and fields.day_number(until)}
        given = {name: value for name, value in bounds.items() if value}
        if given:
            yield {"range": {"registered_day": given}}


def _asked(parsed: ParsedQuery) -> Clause:
    must = [_node(node, fuzzy=False) for node in parsed.required]
    if parsed.words:
        words = [_node(node, fuzzy=True) for node in parsed.words]
        found: Clause = {"bool": {"should": words, "minimum_should_match": parsed.minimum}}
        # The OCR may have read two words as one: then the letter contains neither of them.
        must.append(any_of([found, *_side(parsed)]) if len(words) == PAIR else found)
    if not must:
        return {"match_all": {}}
    query: Clause = {"bool": {"must": must, "should": list(_run(parsed))}}
    if parsed.whole_number:
        return any_of([query, *_number(Number(tuple(parsed.whole_number.split("/"))))])
    return query


def _held(parsed: ParsedQuery) -> list[Clause]:
    """What letters must contain to match ``_asked``, as filters."""
    held = [any_of(_leaves(node, fuzzy=False)) for node in parsed.required]
    if parsed.words:
        leaves = [list(_leaves(node, fuzzy=True)) for node in parsed.words]
        if parsed.minimum == 1:
            held.append(any_of([*chain.from_iterable(leaves), *(_side(parsed) if len(leaves) == PAIR else ())]))
        else:
            held.append({"bool": {"should": [*map(any_of, leaves)], "minimum_should_match": parsed.minimum}})
    if parsed.whole_number and held:
        whole = Number(tuple(parsed.whole_number.split("/")))
        return [any_of([{"bool": {"filter": held}}, *_number(whole)])]
    return held


def _run(parsed: ParsedQuery) -> Iterable[Clause]:
    """Clauses that score letters with the words together: over subject and text as one, in pairs, in their order."""
    run = parsed.run[: Weights.RUN_WORDS]
    if not run:
        return
    told = [form for form in run if not is_stop_word(form)] or list(run)
    together = {"query": " ".join(form.folded for form in told), "type": "cross_fields", "boost": Weights.TOGETHER}
    yield {"multi_match": together | {"fields": [path(name) for name in RUN_FIELDS]}}
    text = " ".join(form.folded for form in run)
    for name in RUN_FIELDS:
        yield {"match": {f"{path(name)}.pairs": {"query": text, "boost": Weights.PAIRS}}}
        yield {"match_phrase": {path(name): {"query": text, "slop": Weights.RUN_SLOP, "boost": Weights.RUN}}}


def _side(parsed: ParsedQuery) -> Iterable[Clause]:
    text = " ".join(form.folded for form in parsed.run)
    for name in RUN_FIELDS if text else ():
        yield {"match": {f"{path(name)}.shape": {"query": text, "analyzer": "ged_joined", "boost": Weights.SIDE}}}


def _node(node: Node, *, fuzzy: bool) -> Clause:
    if isinstance(node, AnyOf):
        return any_of(_node(inner, fuzzy=fuzzy) for inner in node.nodes)
    if isinstance(node, Number):
        return any_of(_number(node))
    names = node.fields or TEXT_FIELDS
    if isinstance(node, Prefix):
        return any_of({"prefix": {f"{path(name)}.exact": {"value": node.folded}}} for name in names)
    near = fuzzy and not node.quoted and len(node.forms) == 1
    found: list[Clause] = [any_of(_words(node, (name,), fuzzy=near)) for name in names]
    if near and not node.fields:
        found.append(_match(BESIDE, node.text, "ged_stemmed", Weights.BESIDE))
    return {"dis_max": {"queries": found, "tie_breaker": Weights.OTHER_FIELDS}}


def _words(node: Words, names: tuple[str, ...], *, fuzzy: bool) -> Iterable[Clause]:
    several = len(node.forms) > 1
    accented = any(form.written != form.folded for form in node.forms)
    for name in names:
        boost = BY_NAME[name].boost
        yield _match(path(name), node.text, "ged_stemmed", boost)
        yield _match(f"{path(name)}.exact", node.text, "ged_folded", boost * Weights.FOLDED)
        if accented and not several:
            yield _match(f"{path(name)}.exact", node.text, "ged_written", boost * Weights.WRITTEN)
    for run in node.also:
        text = " ".join(form.folded for form in run)
        for name in names:
            yield _match(path(name), text, "ged_stemmed", BY_NAME[name].boost * Weights.ALSO)
            yield _match(f"{path(name)}.exact", text, "ged_folded", BY_NAME[name].boost * Weights.ALSO * Weights.FOLDED)
    folded = node.forms[0].folded
    distance = fuzzy_distance(folded) if fuzzy else 0
    if distance:
        for name in names:
            yield _alike(f"{path(name)}.shape", folded, Weights.SHAPE)
            yield _alike(f"{path(name)}.joined", folded, Weights.JOINED)
            yield _near(f"{path(name)}.shape", folded, distance)


def _leaves(node: Node, *, fuzzy: bool) -> Iterable[Clause]:
    """The clauses of ``_node`` of which one has to match, without the clauses that find no further letter.

    The clause of the stem also finds the written and the folded form; the clause of near words also finds the shape.
    """
    if isinstance(node, AnyOf):
        for inner in node.nodes:
            yield from _leaves(inner, fuzzy=fuzzy)
    elif isinstance(node, Number):
        yield from _number(node)
    elif isinstance(node, Prefix):
        for name in node.fields or TEXT_FIELDS:
            yield {"prefix": {f"{path(name)}.exact": {"value": node.folded}}}
    else:
        texts = [node.text, *(" ".join(form.folded for form in run) for run in node.also)]
        near = fuzzy and not node.quoted and len(node.forms) == 1
        folded = node.forms[0].folded
        distance = fuzzy_distance(folded) if near else 0
        if near and not node.fields:
            yield _match(BESIDE, node.text, "ged_stemmed", 1.0)
        for name in node.fields or TEXT_FIELDS:
            yield from (_match(path(name), text, "ged_stemmed", 1.0) for text in texts)
            if distance:
                yield _alike(f"{path(name)}.joined", folded, 1.0)
                yield _near(f"{path(name)}.shape", folded, distance)


def _match(name: str, text: str, analyzer: str, boost: float) -> Clause:
    return {"match_phrase": {name: {"query": text, "analyzer": analyzer, "boost": boost}}}


def _alike(name: str, folded: str, boost: float) -> Clause:
    return {"match": {name: {"query": folded, "analyzer": "ged_shape", "boost": boost}}}


def _near(name: str, folded: str, distance: int) -> Clause:
    near = {"query": folded, "analyzer": "ged_shape", "fuzziness": distance, "prefix_length": Weights.NEAR_PREFIX}
    return {"match": {name: near | {"max_expansions": FUZZY_EXPANSIONS, "boost": Weights.NEAR}}}


def _exact_number(whole: str, names: tuple[str, ...]) -> Iterable[Clause]:
    for name in names:
        boost = Weights.EXACT_NUMBER * BY_NAME[name].boost
        yield {"constant_score": {"filter": {"term": {f"{name}_whole": whole}}, "boost": boost}}


def _number(node: Number) -> Iterable[Clause]:
    if not node.prefix:
        yield from _exact_number(node.whole, node.fields)
    text = " ".join(node.parts)
    for name in node.fields:
        boost = number_boost(len(node.parts)) * BY_NAME[name].boost
        kind = "match_phrase_prefix" if node.prefix else "match_phrase"
        yield {"constant_score": {"filter": {kind: {name: {"query": text}}}, "boost": boost}}
        if len(node.parts) > 1 and not node.prefix:
            anywhere = {"match": {name: {"query": text, "operator": "and"}}}
            yield {"constant_score": {"filter": anywhere, "boost": Weights.NUMBER_ANY_ORDER}}
