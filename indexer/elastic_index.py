"""The index on Elasticsearch: a versioned index behind an alias, written in bulk, read with a short timeout."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from elasticsearch import Elasticsearch

from ged.errors import EngineFailed
from ged.ports import (
    Building,
    Facets,
    Hit,
    IndexDocument,
    IndexedLetter,
    IndexStatus,
    MailId,
    Principals,
    SearchQuery,
    SearchResult,
    SortOrder,
    Suggestion,
)
from indexer import (
    analysis,
    correcting,
    elastic_facets,
    elastic_query,
    elastic_schema,
    elastic_several,
    elastic_suggest,
    fields,
    frequent,
    joining,
    suggesting,
)
from indexer.asking import page_of, understood
from indexer.elastic_calls import Operation, answered, bulk, calls, operation
from indexer.elastic_correct import Corrections
from indexer.elastic_generations import Generations
from indexer.elastic_words import Frequencies, OwnLetters, Readers
from indexer.lacking import Lacking
from indexer.passages import Marker, Stored
from indexer.reordering import Reordering, reordering_of
from indexer.rereading import WINDOW
from indexer.synonyms import FEW_WORDS, Synonyms, shipped
from indexer.together import not_together, with_all_words
from indexer.tree import ParsedQuery, Words, plain

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

ENGINE = "elasticsearch"
EXACT_TOTAL = 10_000
"""The total of letters is exact up to this number; beyond, it is a lower bound."""
CHECKED_S = 60.0
RESCORED = 50
"""The number of first letters (of each shard) that the clauses of words together order."""
_ALL_WORDS = "all_words"
_ORDERS: Mapping[SortOrder, list[dict[str, str]]] = {
    SortOrder.RELEVANCE: [{"_score": "desc"}, {"mail_id": "desc"}],
    SortOrder.NEWEST: [{"registered_ms": "desc"}, {"mail_id": "desc"}],
    SortOrder.OLDEST: [{"registered_ms": "asc"}, {"mail_id": "asc"}],
}


class ElasticIndex:
    """``SearchIndex`` on Elasticsearch 9.

    Args:
        url: one node or several.
        alias: the name that is read and written; the indices behind it are ``ALIAS-vSCHEMA-NUMBER``. An API key
            needs ``manage``, ``read`` and ``write`` on ``ALIAS*``.
        api_key: encoded, as Elasticsearch issues it.
        ca_path: PEM file of the authority that signed the server's certificate.
        shards, replicas: of generations created from now on; replicas unset: one if there is a second node.
        zone: time zone of days and years.
        timeout_s: of the response to a search.
        write_timeout_s: of the response to a bulk of letters; shorter than the lease of a job.
        synonyms: returns the current synonyms, at each search.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        alias: str = "ged-mail",
        api_key: str | None = None,
        ca_path: Path | None = None,
        shards: int = 1,
        replicas: int | None = None,
        zone: tzinfo = UTC,
        timeout_s: float = 5.0,
        write_timeout_s: float = 30.0,
        synonyms: Callable[[], Synonyms] = shipped,
    ) -> None:
        self._synonyms = synonyms
        self._alias = alias
        self._zone = zone
        self._checked_at: float | None = None
        security: dict[str, Any] = {"ca_certs": str(ca_path)} if ca_path else {}
        hosts = [url] if isinstance(url, str) else list(url)
        self._client = Elasticsearch(
            hosts,
            api_key=api_key,
            request_timeout=timeout_s,
            # Again only at another node: a single one that did not answer in time would keep a page waiting twice.
            max_retries=min(len(hosts) - 1, 3),
            **security,
        )
        self._patient = self._client.options(request_timeout=write_timeout_s)
        self._frequencies = Frequencies(self._client, alias)
        self._readers = Readers(self._client, alias, self._frequencies)
        self._corrections = Corrections(self._client, alias)
        self._generations = Generations(self._client, alias, shards=shards, replicas=replicas)

    # --- writing

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See ``SearchIndex.put``."""
        self._write(map(self._to_operation, documents))

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """See ``SearchIndex.remove``.

        The deletion carries the version found. Without a version it would count as newer, and the same version
        could not be put again within the next minute.
        """
        with calls():
            self._ensure()
        versions = self.versions(list(mail_ids))
        self._write(operation("delete", mail_id, version, None) for mail_id, version in versions.items())

    def reset(self) -> None:
        """See ``SearchIndex.reset``."""
        with calls():
            self._generations.reset()
            self._checked_at = None

    # --- a generation beside the living one

    def begin_rebuild(self, version: int) -> Building:
        """See ``SearchIndex.begin_rebuild``."""
        with calls():
            return self._generations.begin(version)

    def extend(self, documents: Iterable[IndexDocument], *, position: int | None = None) -> None:
        """See ``SearchIndex.extend``."""
        with calls():
            self._generations.require_building()
            bulk(self._patient, self._generations.building_alias, map(self._to_operation, documents))
            if position is not None:
                self._generations.remember(position)

    def publish(self) -> None:
        """See ``SearchIndex.publish``."""
        with calls():
            self._generations.publish()
            self._checked_at = None

    def abandon(self) -> None:
        """See ``SearchIndex.abandon``."""
        with calls():
            self._generations.abandon()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # --- reading

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """See ``SearchIndex.search``."""
        offset, limit = page_of(query)
        with calls():
            self._check()
            own = self._readers.letters_of(principals, query.exclude)
            parsed = self._parsed(query, own)
            order = reordering_of(query, parsed, window=WINDOW)
            found, parsed, meant = self._asked(
                query, parsed, principals, own,
                from_=0 if order else offset,
                size=max(order.window, offset + limit) if order else limit,
                # All of a letter: the server would read and write anew each letter of which it sends a part.
                source=bool(order or (query.highlight and parsed.wanted)),
                track_total_hits=EXACT_TOTAL,
            )  # fmt: skip
            hits = found["hits"]["hits"]
            if order:
                order = reordering_of(query, parsed, window=WINDOW) or order
                # Equal scores on both sides of the window's end stay there: pages are of other sizes, and a letter would stand on two.
                first, rest = (_settled(some, query.sort) for some in (hits[: order.window], hits[order.window :]))
                hits = self._reordered(order, first + rest)[offset : offset + limit]
            else:
                hits = _settled(hits, query.sort)
            apart = _or_hits_alone(
                hits,
                lambda: not_together(
                    query,
                    parsed,
                    (_stored(hit["_source"]) for hit in hits),
                    lambda asked: self._are_held(query, asked, principals),
                    has_all=_has_all(found),
                ),
                otherwise=None,
            )
        correction = correcting.did_you_mean(query.text, meant)
        shown = _result(found, hits, parsed, is_marked=bool(query.highlight and parsed.wanted))
        return replace(shown, did_you_mean=correction, not_together=apart)

    def facets(self, query: SearchQuery, *, principals: Principals) -> Facets:
        """See ``SearchIndex.facets``."""
        page_of(query)
        if not query.facets:
            return {}
        with calls():
            self._check()
            own = self._readers.letters_of(principals, query.exclude)
            found, _parsed, _meant = self._asked(
                query, self._parsed(query, own), principals, own,
                counting=True,
                size=0, aggs=elastic_facets.asking(query.facets), track_total_hits=False,
            )  # fmt: skip
        return elastic_facets.counted(query.facets, found["aggregations"])

    def suggest(
        self, text: str, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """See ``SearchIndex.suggest``."""
        typed = suggesting.read(text)
        if typed is None:
            return ()
        asked = elastic_suggest.searches(typed, elastic_suggest.allowed(principals, exclude))
        with calls():
            self._check()
            lines = [line for one in asked for line in ({}, one)]
            found = self._client.msearch(index=self._alias, searches=lines)
        return elastic_suggest.suggestions(typed, [answered(one) for one in found["responses"]], limit)

    def similar(
        self, mail_id: MailId, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 5
    ) -> tuple[Hit, ...]:
        """See ``SearchIndex.similar``."""
        may_see = elastic_suggest.allowed(principals, exclude)
        with calls():
            self._check()
            wanted = elastic_suggest.this(mail_id, may_see)
            this = self._client.search(index=self._alias, query=wanted, size=1)["hits"]["hits"]
            if not this:
                return ()
            like = elastic_suggest.like(mail_id, _stored(this[0]["_source"]), may_see)
            found = self._client.search(index=self._alias, query=like, size=limit, source=False, track_total_hits=False)
        return tuple(Hit(MailId(int(hit["_id"])), float(hit["_score"])) for hit in found["hits"]["hits"])

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """See ``SearchIndex.versions``."""
        held: dict[MailId, int] = {}
        with calls():
            for start in range(0, len(mail_ids), 1_000):
                wanted = [str(mail_id) for mail_id in mail_ids[start : start + 1_000]]
                found = self._patient.mget(index=self._alias, ids=wanted, source=False)
                held |= {MailId(int(one["_id"])): one["_version"] for one in found["docs"] if one.get("found")}
        return held

    def scan(self, *, after: int = 0, limit: int = 1_000) -> tuple[IndexedLetter, ...]:
        """See ``SearchIndex.scan``."""
        with calls():
            self._check()
            found = self._patient.search(
                index=self._alias,
                query={"range": {"mail_id": {"gt": after}}},
                size=limit,
                sort=[{"mail_id": "asc"}],
                source={"includes": ["access"]},
                version=True,
                track_total_hits=False,
            )
        return tuple(
            IndexedLetter(
                MailId(int(hit["_id"])), int(hit["_version"]), *fields.read_access(hit["_source"].get("access", ()))
            )
            for hit in found["hits"]["hits"]
        )

    def status(self) -> IndexStatus:
        """See ``SearchIndex.status``; version 0 when there is no index yet. Programs of two releases may write to the
        server: only an index of an earlier schema is outdated, else they would replace each other's."""
        with calls():
            building = self._generations.building()
            version = self._generations.schema_version(self._alias)
            if version != fields.SCHEMA_VERSION:
                is_outdated = 0 < version < fields.SCHEMA_VERSION
                return IndexStatus(ENGINE, version, 0, building=building, is_outdated=is_outdated)
            count = int(self._client.count(index=self._alias)["count"])
            return IndexStatus(ENGINE, version, count, self._generations.living(), building)

    # --- inside

    def _parsed(self, query: SearchQuery, own: OwnLetters) -> ParsedQuery:
        """What was typed, with synonyms and joined words."""
        parsed = understood(query, self._synonyms())
        guessed, wholes = _guessed(parsed), joining.wholes(parsed)
        # Counts of all letters are wanted next, too, and are kept: all in one call. So are those of the reader's letters.
        self._frequencies.weights([*wholes, *guessed, *(form.stem for form in _forms(parsed))])
        least = dict.fromkeys(guessed, frequent.MIN_FREQUENT + 1) | dict.fromkeys(wholes, joining.MIN_HELD)
        held = own.held_from(least)
        return joining.joined(parsed, held)

    def _asked(
        self,
        query: SearchQuery,
        parsed: ParsedQuery,
        principals: Principals,
        own: OwnLetters,
        *,
        counting: bool = False,
        **wanted: Any,
    ) -> tuple[Mapping[str, Any], ParsedQuery, Mapping[str, str]]:
        """The response, the query that was sent last, and the corrections of mistyped words.

        A query of words that the reader searched before takes one call. Else more calls ask how many letters contain them; where
        words are mistyped, near words are read and counted, and a last call sends the query with the corrections.
        """
        typed = correcting.doubtful(parsed)
        stems = [form.stem for form in (*map(analysis.forms, typed), *_forms(parsed))]
        is_long = len(parsed.words) > FEW_WORDS
        mistakes = own.mistakes(_guessed(parsed), is_long=is_long)
        of_most = self._frequencies.of_most(stems) if is_long else frozenset()
        known = elastic_query.Known(mistakes, self._frequencies.weights(stems), of_most)
        build = elastic_query.build_unscored if counting else elastic_query.build

        def ask(parsed: ParsedQuery) -> Mapping[str, Any]:
            asked = build(query, parsed, principals, known=known)
            order = {} if counting else _ordered(query.sort, elastic_query.rescored(parsed))
            # A search of many words is told this of most often, and it costs less here than as a search of its own.
            whole = with_all_words(query, parsed) if is_long and not counting else None
            counted: dict[str, Any] = (
                {"aggs": {_ALL_WORDS: {"filter": elastic_query.containing(whole)}}} if whole else {}
            )
            answer = self._client.search(
                index=self._alias, query=asked, preference=_one_copy(query.text), **order, **counted, **wanted
            )
            return dict(answer.body)

        found = ask(parsed)
        first = (_stored(hit["_source"]) for hit in found["hits"]["hits"] if "_source" in hit)

        def ask_corrected() -> tuple[Mapping[str, Any], ParsedQuery, Mapping[str, str]]:
            meant = self._corrections.meant(typed, first, principals, query.exclude)
            again = correcting.corrected(parsed, meant)
            return (ask(again), again, meant) if meant else (found, parsed, meant)

        as_typed: tuple[Mapping[str, Any], ParsedQuery, Mapping[str, str]] = found, parsed, {}
        return _or_hits_alone(found["hits"]["hits"], ask_corrected, otherwise=as_typed)

    def _are_held(self, query: SearchQuery, asked: Sequence[ParsedQuery], principals: Principals) -> list[bool]:
        """Whether each search finds a letter. They differ in the words alone."""
        around = elastic_query.around(query, asked[0], principals)
        several = elastic_several.asking(around, [elastic_query.containing(parsed) for parsed in asked])
        return [count > 0 for count in elastic_several.counts(self._client.search(index=self._alias, **several).body)]

    def _reordered(self, order: Reordering, hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The first letters in their new order; the rest in their order."""
        first, rest = hits[: order.window], hits[order.window :]
        letters, scores = [_stored(hit["_source"]) for hit in first], [float(hit["_score"]) for hit in first]
        ordered = order.ordered(letters, scores, self._frequencies.weights)
        return [first[place] | {"_score": score} for place, score in ordered] + rest

    def _write(self, operations: Iterable[Operation]) -> None:
        try:
            with calls():
                self._ensure()
                if bulk(self._patient, self._alias, operations):
                    # Once for all that was sent: the job is done when a search finds its letters.
                    self._patient.indices.refresh(index=self._alias)
        except EngineFailed:
            self._checked_at = None  # the index may be gone: the next attempt checks, and creates it again
            raise

    def _to_operation(self, document: IndexDocument) -> Operation:
        record = fields.record(document, zone=self._zone)
        return operation("index", document.mail_id, document.version, elastic_schema.to_source(record))

    def _ensure(self) -> None:
        if self._checked_at is None and self._generations.schema_version(self._alias) == 0:
            self._generations.ensure_first()
        self._check()

    def _check(self) -> None:
        """Refuse an index of another schema; checked once a minute."""
        now = time.monotonic()
        if self._checked_at is not None and now - self._checked_at < CHECKED_S:
            return
        version = self._generations.schema_version(self._alias)
        if version == 0:
            raise EngineFailed("index.unavailable", "Run `ged index rebuild`: there is no index yet.", retryable=True)
        if version != fields.SCHEMA_VERSION:
            raise EngineFailed("index.schema_outdated", "Run `ged index rebuild`.", retryable=True, found=version)
        self._checked_at = now


def _one_copy(text: str) -> str:
    """The preference by which all pages of a search come from one copy of each shard.

    Letters of one score stand in the order of the copy, which is another one in each: a letter could be on two pages, and
    another on none.
    """
    return hashlib.sha256(analysis.clean(text).encode()).hexdigest()[:16]


def _has_all(found: Mapping[str, Any]) -> bool | None:
    """Whether a letter has all words, where the search asked for it."""
    asked = found.get("aggregations", {}).get(_ALL_WORDS)
    return None if asked is None else asked["doc_count"] > 0


def _guessed(parsed: ParsedQuery) -> list[str]:
    """The stems of the plain words that are searched with mistakes."""
    leaves = [leaf for node in parsed.words if isinstance(leaf := plain(node), Words) and len(leaf.forms) == 1]
    forms = [leaf.forms[0] for leaf in leaves if not (leaf.quoted or leaf.fields)]
    return [form.stem for form in forms if analysis.fuzzy_distance(form.folded)]


def _forms(parsed: ParsedQuery) -> Iterable[analysis.Forms]:
    """The forms of the plain words, and of their synonyms."""
    for node in parsed.words:
        if isinstance(leaf := plain(node), Words):
            yield from chain(leaf.forms, *leaf.also, *leaf.akin)


def _settled(hits: list[dict[str, Any]], sort: SortOrder) -> list[dict[str, Any]]:
    """The hits of a page; of equal scores the newest letter first, which a rescore leaves open."""
    if sort is not SortOrder.RELEVANCE:
        return hits
    return sorted(hits, key=lambda hit: (-(hit["_score"] or 0.0), -int(hit["_id"])))


def _ordered(sort: SortOrder, rescored: elastic_query.Clause | None) -> dict[str, Any]:
    """How the hits of a search are ordered. Elasticsearch allows no second order beside a rescore."""
    if sort is not SortOrder.RELEVANCE or rescored is None:
        return {"sort": _ORDERS[sort]}
    return {"rescore": {"window_size": RESCORED, "query": {"rescore_query": rescored}}}


def _result(
    found: Mapping[str, Any], hits: Sequence[Mapping[str, Any]], parsed: ParsedQuery, *, is_marked: bool
) -> SearchResult:
    total = found["hits"]["total"]
    marker, lacking = Marker(parsed), Lacking(parsed)

    def shown(hit: Mapping[str, Any]) -> Hit:
        one = Hit(MailId(int(hit["_id"])), float(hit["_score"] or 0.0))
        if not is_marked:
            return one
        stored = _stored(hit["_source"])
        return replace(one, passages=marker.passages(stored), lacking=lacking.words(stored))

    return SearchResult(
        hits=tuple(map(shown, hits)),
        total=int(total["value"]),
        total_is_exact=total["relation"] == "eq",
        notice=parsed.notice,
    )


def _or_hits_alone(hits: Sequence[Any], ask: Callable[[], Answer], *, otherwise: Answer) -> Answer:
    """What is told beside the hits. Where the server refuses it, the hits are shown all the same.

    Without a hit the failure stands: it is not known that there is none.
    """
    try:
        with calls():
            return ask()
    except EngineFailed as failure:
        if not hits:
            raise
        logger.warning("index.hits_alone code=%s", failure.code)
        return otherwise


def _stored(source: Mapping[str, Any]) -> Stored:
    texts = {name: str(source[name]) for name in ("subject", "sender", "addressee") if name in source}
    pages = [(one["attachment_id"], one["page_no"], one["text"]) for one in source.get("pages", ())]
    return Stored(texts, dict(source.get("shown", {})), pages, tuple(source.get(fields.BESIDE, ())))
