"""One generation of the embedded index: a folder with one writing process and any number of readers.

A put is committed, and every reader's next search sees it: a reader checks the times of a small file, and reloads only
when they changed.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tantivy import FieldType, Index, Order, Query

from ged.durable import sync_folder
from ged.errors import EngineFailed
from ged.ports import IndexDocument, MailId
from indexer import tantivy_store

if TYPE_CHECKING:
    from datetime import tzinfo

    from tantivy import IndexWriter, Searcher

WRITER_MEMORY_BYTES = 64_000_000
CHUNK_DOCUMENTS = 1_000


class Folder:
    """An index of the current schema in a folder.

    Args:
        path: the folder, made by ``tantivy_store.create_folder``.
        zone: time zone of days and years.
    """

    def __init__(self, path: Path, *, zone: "tzinfo") -> None:
        self.path = path
        self._zone = zone
        self._lock = threading.RLock()
        self._writer: IndexWriter | None = None
        self._stamp = stamp(path / "meta.json")
        self._index = Index.open(str(path))
        # By hand, in ``searcher``: left to itself the reader sees a commit some time later, and a put is to be found at
        # once.
        self._index.config_reader("manual")
        self._index.reload()

    def searcher(self) -> "Searcher":
        """A searcher of everything that any process committed."""
        with self._lock:
            now = stamp(self.path / "meta.json")
            if now != self._stamp:
                self._index.reload()
                self._stamp = now
            return self._index.searcher()

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add or replace letters, with a commit for each chunk; an older version never overwrites a newer version."""
        for chunk in _chunks(documents):
            with self._writing() as writer:
                held = self.versions([document.mail_id for document in chunk])
                wanted = [item for item in chunk if held.get(item.mail_id, item.version) <= item.version]
                ready = [tantivy_store.to_document(item, zone=self._zone) for item in wanted]
                _forget(writer, [item.mail_id for item in wanted])
                for document in ready:
                    writer.add_document(document)

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """Delete letters."""
        with self._writing() as writer:
            _forget(writer, list(mail_ids))

    def versions(self, mail_ids: Sequence[MailId]) -> dict[MailId, int]:
        """The stored version of each letter that is in the index."""
        if not mail_ids:
            return {}
        searcher = self.searcher()
        asked = Query.term_set_query(tantivy_store.schema(), "mail_id", list(mail_ids))
        places = [place for _, place in searcher.search(asked, len(mail_ids), count=False).hits]
        ids = searcher.fast_field_values("mail_id", places)
        held = searcher.fast_field_values("version", places)
        return {MailId(int(a)): int(b) for a, b in zip(ids, held, strict=True) if a is not None and b is not None}

    def scan(self, after: int, limit: int) -> list[tuple[int, int, list[str]]]:
        """Letter, version and access terms of letters with an id above ``after``, by id."""
        searcher = self.searcher()
        asked = Query.range_query(
            tantivy_store.schema(), "mail_id", FieldType.Integer, after, None, include_lower=False
        )
        found = searcher.search(asked, limit, count=False, order_by_field="mail_id", order=Order.Asc)
        places = [place for _, place in found.hits]
        ids = searcher.fast_field_values("mail_id", places)
        held = searcher.fast_field_values("version", places)
        access = [tantivy_store.read_access(searcher.doc(place)) for place in places]
        return [(int(a or 0), int(b or 0), terms) for a, b, terms in zip(ids, held, access, strict=True)]

    def lock_writer(self) -> "IndexWriter":
        """The only writer of the folder.

        Raises:
            EngineFailed: ``index.locked`` when another process holds its lock.
        """
        with self._lock:
            if self._writer is None:
                self._index.register_tokenizer(tantivy_store.WORDS, tantivy_store.words_analysis())
                try:
                    self._writer = self._index.writer(WRITER_MEMORY_BYTES, 1)
                except ValueError as error:
                    if "LockBusy" not in str(error):
                        raise
                    raise EngineFailed(
                        "index.locked", "Another process writes this index: stop the second worker.", retryable=True
                    ) from error
            return self._writer

    def close(self) -> None:
        """Release the writer's lock (another process may then write)."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.wait_merging_threads()

    @contextmanager
    def _writing(self) -> "Iterator[IndexWriter]":
        """One commit. A failure (disk full) leaves the writer dead: the next call opens another at the last commit."""
        with self._lock:
            writer = self.lock_writer()
            try:
                yield writer
                writer.commit()
                # tantivy syncs the files of a commit and not the new name of ``meta.json``: without this, a power cut
                # brings back the commit before, and nobody indexes again what the database says is indexed.
                sync_folder(self.path)
            except BaseException:
                self._writer = None
                self._index = Index.open(str(self.path))
                self._index.config_reader("manual")
                self._stamp = None
                raise


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Identifies the state of a file, so that a reader notices a change; None when there is no file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _forget(writer: "IndexWriter", mail_ids: list[MailId]) -> None:
    if mail_ids:
        writer.delete_documents_by_query(Query.term_set_query(tantivy_store.schema(), "mail_id", mail_ids))


def _chunks(documents: Iterable[IndexDocument]) -> Iterator[list[IndexDocument]]:
    """Letters in lists of bounded size; of a letter that comes twice, the newer version."""
    source = iter(documents)
    while chunk := list(islice(source, CHUNK_DOCUMENTS)):
        newest: dict[MailId, IndexDocument] = {}
        for document in chunk:
            if newest.setdefault(document.mail_id, document).version <= document.version:
                newest[document.mail_id] = document
        yield list(newest.values())
