"""The embedded index: one process writes the folder, any number read it.

A put is committed and seen by every reader's next search: a reader looks at the times of two small files and reloads
only when one changed.
"""

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, tzinfo
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tantivy import Index, Order, Query

from ged.errors import EngineFailed
from ged.ports import (
    Hit,
    IndexDocument,
    IndexStatus,
    MailId,
    Principals,
    SearchQuery,
    SearchResult,
    SortOrder,
)
from indexer import fields, tantivy_store
from indexer.asking import facet_values, page_of
from indexer.passages import Marker
from indexer.query import parse
from indexer.tantivy_query import Translator
from indexer.tree import ParsedQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tantivy import DocAddress, IndexWriter, Searcher

ENGINE = "tantivy"
WRITER_MEMORY_BYTES = 64_000_000
FACET_SIZE = 100
CHUNK_DOCUMENTS = 1_000
_ORDERS: Mapping[SortOrder, tuple[str | None, Order]] = {
    SortOrder.RELEVANCE: (None, Order.Desc),
    SortOrder.NEWEST: ("registered_ms", Order.Desc),
    SortOrder.OLDEST: ("registered_ms", Order.Asc),
}
_REBUILD = "Run `ged index rebuild`."


class TantivyIndex:
    """``SearchIndex`` in a folder.

    Args:
        path: the folder; made when ``writable``.
        writable: whether this process may write. Only one may at a time (``index.locked`` for the second).
        zone: the zone whose days and years count.
    """

    def __init__(self, path: Path, *, writable: bool, zone: tzinfo = UTC) -> None:
        self._path = path
        self._writable = writable
        self._zone = zone
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._writer: IndexWriter | None = None
        self._stamp: tuple[object, ...] = ()
        self._folder = ""
        if writable and tantivy_store.read_current(path) is None:
            tantivy_store.create(path)

    # --- writing

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See ``SearchIndex.put``."""
        for chunk in _chunks(documents):
            with self._writing() as writer:
                held = self.versions([document.mail_id for document in chunk])
                wanted = [item for item in chunk if held.get(item.mail_id, item.version) <= item.version]
                ready = [tantivy_store.to_document(fields.record(item, zone=self._zone)) for item in wanted]
                self._forget(writer, [item.mail_id for item in wanted])
                for document in ready:
                    writer.add_document(document)

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """See ``SearchIndex.remove``."""
        with self._writing() as writer:
            self._forget(writer, list(mail_ids))

    def reset(self) -> None:
        """See ``SearchIndex.reset``."""
        if not self._writable:
            raise EngineFailed("index.read_only", "Only the worker writes the embedded index.")
        with self._lock, _failures():
            current = tantivy_store.read_current(self._path)
            if current is not None and self._writer is None and self._is_current(current):
                self._open_writer()
            self.close()
            tantivy_store.create(self._path)

    def close(self) -> None:
        """Give the writer's lock back (another process may then write)."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.wait_merging_threads()
            self._index = None

    # --- reading

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """See ``SearchIndex.search``."""
        parsed = parse(query.text)
        offset, limit = page_of(query)
        with _failures():
            index = self._open()
            searcher = index.searcher()
            asked = Translator(index.schema).build(query, parsed, principals)
            by_field, order = _ORDERS[query.sort]
            found = searcher.search(asked, max(limit, 1), order_by_field=by_field, offset=offset, order=order)
            hits = self._hits(searcher, found.hits[:limit], query, parsed)
            total = int(found.count)  # type: ignore[attr-defined]  # missing in the stubs of 0.27
            counts = _counts(searcher, asked, query.facets) if query.facets else {}
        return SearchResult(hits=hits, total=total, facets=counts, notice=parsed.notice)

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """See ``SearchIndex.versions``."""
        if not mail_ids:
            return {}
        with _failures():
            index = self._open()
            searcher = index.searcher()
            asked = Query.term_set_query(index.schema, "mail_id", list(mail_ids))
            places = [place for _, place in searcher.search(asked, len(mail_ids), count=False).hits]
            ids = searcher.fast_field_values("mail_id", places)
            held = searcher.fast_field_values("version", places)
        return {MailId(int(a)): int(b) for a, b in zip(ids, held, strict=True) if a is not None and b is not None}

    def status(self) -> IndexStatus:
        """See ``SearchIndex.status``; version 0 when there is no index yet, no letters counted in an outdated one."""
        current = tantivy_store.read_current(self._path)
        if current is None or not self._is_current(current):
            return IndexStatus(ENGINE, current.schema_version if current else 0, 0)
        with _failures():
            return IndexStatus(ENGINE, current.schema_version, self._open().searcher().num_docs)

    # --- inside

    @staticmethod
    def _is_current(current: tantivy_store.Current) -> bool:
        return current.schema_version == fields.SCHEMA_VERSION

    def _open(self) -> Index:
        """The living index with everything that was committed."""
        with self._lock:
            stamp = (_stamp(self._path / tantivy_store.CURRENT), _stamp(self._path / self._folder / "meta.json"))
            if self._index is None or stamp[0] != self._stamp[0]:
                return self._open_anew()
            if stamp != self._stamp:
                self._index.reload()
                self._stamp = stamp
            return self._index

    def _open_anew(self) -> Index:
        current = tantivy_store.read_current(self._path)
        if current is None:
            raise EngineFailed("index.unavailable", "Start the worker: it makes the index.", retryable=True)
        if not self._is_current(current):
            raise EngineFailed("index.schema_outdated", _REBUILD, found=current.schema_version)
        first = _stamp(self._path / tantivy_store.CURRENT)
        self._folder = current.folder
        meta = _stamp(self._path / self._folder / "meta.json")
        self._index = Index.open(str(self._path / self._folder))
        self._index.config_reader("manual")
        self._index.reload()
        self._stamp = (first, meta)
        return self._index

    def _open_writer(self) -> "IndexWriter":
        if not self._writable:
            raise EngineFailed("index.read_only", "Only the worker writes the embedded index.")
        index = self._open()
        if self._writer is None:
            try:
                self._writer = index.writer(WRITER_MEMORY_BYTES, 1)
            except ValueError as error:
                if "LockBusy" not in str(error):
                    raise
                raise EngineFailed(
                    "index.locked", "Another process writes this index: stop the second worker.", retryable=True
                ) from error
        return self._writer

    @contextmanager
    def _writing(self) -> "Iterator[IndexWriter]":
        """One commit. After a failure (disk full) the writer is dead: the next call makes a new one from the last."""
        with self._lock, _failures():
            writer = self._open_writer()
            try:
                yield writer
                writer.commit()
            except BaseException:
                self._writer = self._index = None
                raise

    def _forget(self, writer: "IndexWriter", mail_ids: list[MailId]) -> None:
        if mail_ids:
            writer.delete_documents_by_query(Query.term_set_query(tantivy_store.schema(), "mail_id", mail_ids))

    def _hits(
        self, searcher: "Searcher", found: "list[tuple[float, DocAddress]]", query: SearchQuery, parsed: ParsedQuery
    ) -> tuple[Hit, ...]:
        places = [place for _, place in found]
        ids = searcher.fast_field_values("mail_id", places)
        marker = Marker(parsed) if query.highlight and parsed.wanted else None
        return tuple(
            Hit(
                mail_id=MailId(int(mail_id or 0)),
                score=float(score) if query.sort is SortOrder.RELEVANCE else 0.0,
                passages=marker.passages(tantivy_store.read_source(searcher.doc(place))) if marker else (),
            )
            for mail_id, (score, place) in zip(ids, found, strict=True)
        )


def _counts(searcher: "Searcher", asked: Query, names: Sequence[str]) -> dict[str, tuple[tuple[str, int], ...]]:
    """All facets in one pass over the letters found."""
    wanted = {name: {"terms": {"field": fields.FACETS[name].name, "size": FACET_SIZE}} for name in names}
    found = searcher.aggregate(asked, wanted)
    return {
        name: facet_values((bucket["key"], bucket["doc_count"]) for bucket in found[name]["buckets"]) for name in names
    }


def _chunks(documents: Iterable[IndexDocument]) -> "Iterator[list[IndexDocument]]":
    """Letters in bounded lists; of a letter that comes twice, the newer."""
    source = iter(documents)
    while chunk := list(islice(source, CHUNK_DOCUMENTS)):
        newest: dict[MailId, IndexDocument] = {}
        for document in chunk:
            if newest.setdefault(document.mail_id, document).version <= document.version:
                newest[document.mail_id] = document
        yield list(newest.values())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


@contextmanager
def _failures() -> "Iterator[None]":
    """tantivy says everything with ValueError (files gone, disk full): to callers it is one failure."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise EngineFailed(
            "index.unavailable",
            "Look at disk space and rights of the index folder.",
            retryable=True,
            why=str(error)[:300],
        ) from error
