"""The index on Elasticsearch: a versioned index behind an alias, written in bulk, read under a short time-out."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from ged.errors import EngineFailed
from ged.ports import Hit, IndexDocument, IndexStatus, MailId, Principals, SearchQuery, SearchResult, SortOrder
from indexer import elastic_query, elastic_schema, fields
from indexer.asking import facet_values, page_of
from indexer.elastic_calls import Operation, bulk, calls
from indexer.passages import Marker, Stored
from indexer.query import parse
from indexer.tree import ParsedQuery

ENGINE = "elasticsearch"
EXACT_TOTAL = 10_000
"""Letters are counted exactly up to here; beyond, the total is a lower bound."""
FACET_SIZE = 100
CHECKED_S = 60.0
_SOURCE = {"includes": ["subject", "sender", "addressee", "shown", "pages"]}
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
        api_key: encoded, as Elasticsearch gives it out.
        ca_path: PEM file of the authority that signed the server's certificate.
        shards, replicas: of indices made from now on.
        zone: the zone whose days and years count.
        timeout_s: longest wait for an answer to a search.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        alias: str = "ged-mail",
        api_key: str | None = None,
        ca_path: Path | None = None,
        shards: int = 1,
        replicas: int = 0,
        zone: tzinfo = UTC,
        timeout_s: float = 5.0,
    ) -> None:
        self._alias = alias
        self._shards = shards
        self._replicas = replicas
        self._zone = zone
        self._checked_at: float | None = None
        security: dict[str, Any] = {"ca_certs": str(ca_path)} if ca_path else {}
        hosts = [url] if isinstance(url, str) else list(url)
        self._client = Elasticsearch(
            hosts, api_key=api_key, request_timeout=timeout_s, max_retries=min(len(hosts) - 1, 3), **security
        )
        self._patient = self._client.options(request_timeout=60)

    # --- writing

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See ``SearchIndex.put``."""
        self._write(map(self._to_operation, documents))

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """See ``SearchIndex.remove``.

        The version found is the version of the deletion: one without would count as newer, and the same version
        could not be put again within the next minute.
        """
        with calls():
            self._ensure()
        versions = self.versions(list(mail_ids))
        self._write(_action("delete", mail_id, version, None) for mail_id, version in versions.items())

    def reset(self) -> None:
        """See ``SearchIndex.reset``: the new index takes the alias in the very step that removes the old ones."""
        with calls():
            old = self._behind_alias()
            name = f"{self._alias}-v{fields.SCHEMA_VERSION}-{self._last_number() + 1:06d}"
            self._create(name, {})
            actions: list[dict[str, Any]] = [{"remove_index": {"index": index}} for index in old]
            actions.append({"add": {"index": name, "alias": self._alias, "is_write_index": True}})
            self._patient.indices.update_aliases(actions=actions)
            self._checked_at = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # --- reading

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """See ``SearchIndex.search``."""
        parsed = parse(query.text)
        offset, limit = page_of(query)
        marker = Marker(parsed) if query.highlight and parsed.wanted else None
        with calls():
            self._check()
            found = self._client.search(
                index=self._alias,
                query=elastic_query.build(query, parsed, principals),
                from_=offset,
                size=limit,
                sort=_ORDERS[query.sort],
                source=_SOURCE if marker else False,
                aggs=_aggregations(query.facets) if query.facets else None,
                track_total_hits=EXACT_TOTAL,
            )
        return _result(found.body, query, parsed, marker)

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """See ``SearchIndex.versions``."""
        held: dict[MailId, int] = {}
        with calls():
            for start in range(0, len(mail_ids), 1_000):
                wanted = [str(mail_id) for mail_id in mail_ids[start : start + 1_000]]
                found = self._patient.mget(index=self._alias, ids=wanted, source=False)
                held |= {MailId(int(one["_id"])): one["_version"] for one in found["docs"] if one.get("found")}
        return held

    def status(self) -> IndexStatus:
        """See ``SearchIndex.status``; version 0 when there is no index yet."""
        with calls():
            version = self._schema_version()
            if version == 0:
                return IndexStatus(ENGINE, 0, 0)
            return IndexStatus(ENGINE, version, int(self._client.count(index=self._alias)["count"]))

    # --- inside

    def _write(self, operations: Iterable[Operation]) -> None:
        try:
            with calls():
                self._ensure()
                if bulk(self._patient, self._alias, operations):
                    self._patient.indices.refresh(index=self._alias)
        except EngineFailed:
            self._checked_at = None  # the index may be gone: the next attempt looks, and makes it again
            raise

    def _to_operation(self, document: IndexDocument) -> Operation:
        record = fields.record(document, zone=self._zone)
        return _action("index", document.mail_id, document.version, elastic_schema.to_source(record))

    def _ensure(self) -> None:
        """Make the first index; two workers at once make one."""
        if self._checked_at is None and self._schema_version() == 0:
            self._create(f"{self._alias}-v{fields.SCHEMA_VERSION}-000001", {self._alias: {"is_write_index": True}})
        self._check()

    def _check(self) -> None:
        """Refuse an index of another schema; asked once a minute."""
        now = time.monotonic()
        if self._checked_at is not None and now - self._checked_at < CHECKED_S:
            return
        version = self._schema_version()
        if version == 0:
            raise EngineFailed("index.unavailable", "Run `ged index rebuild`: there is no index yet.", retryable=True)
        if version != fields.SCHEMA_VERSION:
            raise EngineFailed("index.schema_outdated", "Run `ged index rebuild`.", found=version)
        self._checked_at = now

    def _schema_version(self) -> int:
        """The oldest schema behind the alias; 0 when there is none."""
        try:
            found = self._client.indices.get_mapping(index=self._alias)
        except NotFoundError:
            return 0
        return min(int(one["mappings"].get("_meta", {}).get("schema_version", -1)) for one in found.body.values())

    def _behind_alias(self) -> list[str]:
        try:
            return sorted(self._client.indices.get_alias(name=self._alias).body)
        except NotFoundError:
            return []

    def _last_number(self) -> int:
        """Number of the newest index, also of one that a crash left without the alias."""
        found = self._client.indices.get(index=f"{self._alias}-v*", allow_no_indices=True, features="aliases").body
        return max((int(name.rpartition("-")[2]) for name in found if name.rpartition("-")[2].isdigit()), default=0)

    def _create(self, name: str, aliases: dict[str, Any]) -> None:
        answer = self._patient.options(ignore_status=400).indices.create(
            index=name,
            mappings=elastic_schema.mapping(),
            settings=elastic_schema.settings(shards=self._shards, replicas=self._replicas),
            aliases=aliases,
        )
        error = answer.body.get("error")
        if error and error["type"] != "resource_already_exists_exception":
            raise EngineFailed("index.rejected", "Look at the log of Elasticsearch.", why=str(error["reason"])[:300])


def _action(kind: str, mail_id: int, version: int, source: dict[str, Any] | None) -> Operation:
    about = {"_id": str(mail_id), "version": version, "version_type": "external_gte"}
    return Operation(int(mail_id), {kind: about | {"require_alias": True}}, source)


def _aggregations(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"terms": {"field": fields.FACETS[name].name, "size": FACET_SIZE}} for name in names}


def _result(found: Mapping[str, Any], query: SearchQuery, parsed: ParsedQuery, marker: Marker | None) -> SearchResult:
    total = found["hits"]["total"]
    facets = {
        name: facet_values((bucket["key"], bucket["doc_count"]) for bucket in one["buckets"])
        for name, one in found.get("aggregations", {}).items()
    }
    return SearchResult(
        hits=tuple(
            Hit(
                mail_id=MailId(int(hit["_id"])),
                score=float(hit["_score"] or 0.0),
                passages=marker.passages(_stored(hit["_source"])) if marker else (),
            )
            for hit in found["hits"]["hits"]
        ),
        total=int(total["value"]),
        total_is_exact=total["relation"] == "eq",
        facets={name: facets.get(name, ()) for name in query.facets},
        notice=parsed.notice,
    )


def _stored(source: Mapping[str, Any]) -> Stored:
    texts = {name: str(source[name]) for name in ("subject", "sender", "addressee") if name in source}
    pages = [(one["attachment_id"], one["page_no"], one["text"]) for one in source.get("pages", ())]
    return Stored(texts, dict(source.get("shown", {})), pages)
