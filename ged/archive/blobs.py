"""The blobs that any row of the database references: for fixity checks and for the sweep.

A column named ``digest`` or ``*_digest`` references a blob, in every table except the journal's.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Column, Table, select
from sqlalchemy.orm import Session

from ged.db import Base
from ged.ports import BlobStore, Digest

NOT_BLOBS = frozenset({"audit_entries"})
SWEEP_AFTER = timedelta(hours=24)


def blob_columns() -> list[tuple[Table, Column[str]]]:
    """Every column that references a blob."""
    return [
        (table, column)
        for table in Base.metadata.sorted_tables
        if table.name not in NOT_BLOBS
        for column in table.columns
        if column.name == "digest" or column.name.endswith("_digest")
    ]


def named_digests(session: Session) -> Iterator[tuple[Digest, str]]:
    """(digest, place) of every referenced blob, each digest once."""
    seen: set[str] = set()
    for table, column in blob_columns():
        for digest in session.scalars(select(column).where(column.is_not(None)).distinct()):
            if digest and digest not in seen:
                seen.add(digest)
                yield Digest(digest), f"{table.name}.{column.name}"


def broken_blobs(session: Session, blobs: BlobStore) -> Iterator[tuple[Digest, str, str]]:
    """(digest, place, code) of every blob that is missing or altered."""
    for digest, where in named_digests(session):
        if not blobs.verify(digest):
            yield digest, where, "blob.altered" if blobs.exists(digest) else "blob.missing"


def sweep(session: Session, blobs: BlobStore, *, now: datetime) -> int:
    """Remove unreferenced blobs that are older than a day: their transaction was rolled back.

    A blob that is stored again meanwhile counts as new from that moment, and stays (``BlobStore.discard``).
    """
    named = {digest for digest, _ in named_digests(session)}
    removed = 0
    for digest, written_at in blobs.digests():
        if digest not in named and written_at < now - SWEEP_AFTER:
            removed += blobs.discard(digest, written_before=now - SWEEP_AFTER)
    return removed
