"""The blobs that any row of the database references: for fixity checks and for the sweep.

A column named ``digest`` or ``*_digest`` references a blob, in every table except the journal's. Rows of a letter whose files were
destroyed (``ged.destroyed``) keep their digest, and reference nothing. So whoever asks here what belongs to the installation leaves
these files out: the sweep, checks of fixity, ``ged verify``, copies.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, CompoundSelect, Select, Table, and_, exists, or_, select, union
from sqlalchemy.orm import Session

from ged import destroyed
from ged.capture.models import BatchState, ScanState
from ged.db import Base
from ged.destroyed import DestroyedLetter
from ged.ports import BlobStore, Digest

NOT_BLOBS = frozenset({"audit_entries"})
SWEEP_AFTER = timedelta(hours=24)
AT_ONCE = 500
STAYS: Mapping[str, str] = {
    "learned_versions": "learned from the letters of all",
    "register_closings": "the register stays",
    "closing_revisions": "the register stays",
    "requested_files": "a copy that a person asked for: it expires within days",
    "slips": "who handed the paper to whom stays",
    "slip_proofs": "who handed the paper to whom stays",
    "slip_revisions": "who handed the paper to whom stays",
}
"""Tables that reference blobs and are of no one letter, with the reason."""


def blob_columns() -> list[tuple[Table, Column[str]]]:
    """Every column that references a blob."""
    return [
        (table, column)
        for table in Base.metadata.sorted_tables
        if table.name not in NOT_BLOBS
        for column in table.columns
        if column.name == "digest" or column.name.endswith("_digest")
    ]


def of_letters(letters: Select[int]) -> Mapping[str, ColumnElement[bool]]:
    """Table -> whether a row that references a blob is of one of these letters; never NULL, so that it can be negated.

    A file that came with several letters is of none while one of them is there, or while a page of it waits to be registered.
    A page that was merged into another scan is of the letter of that scan, whichever batch brought it.
    """
    tables = Base.metadata.tables
    attachments, scans, leaves, pages = (tables[one] for one in ("attachments", "scans", "scan_leaves", "scan_pages"))
    messages, every_batch = tables["mailbox_messages"], tables["scan_batches"]
    documents = select(attachments.c.id).where(attachments.c.mail_id.in_(letters))
    own = _batches_with(scans.c.mail_id.is_not(None) & scans.c.mail_id.in_(letters))
    waits = scans.c.mail_id.is_(None) & scans.c.state.not_in((ScanState.MERGED, ScanState.DISCARDED))
    is_there = scans.c.mail_id.is_not(None) & scans.c.mail_id.not_in(destroyed.ids()) & scans.c.mail_id.not_in(letters)
    batches = select(every_batch.c.id).where(
        every_batch.c.id.in_(own),
        every_batch.c.state == BatchState.SETTLED,
        every_batch.c.id.not_in(_batches_with(or_(waits, is_there), among=own)),
    )
    arranged = select(leaves.c.scan_page_id).join(scans, scans.c.id == leaves.c.scan_id)
    gone_pages = union(
        arranged.where(_named(scans.c.mail_id, letters)),
        select(pages.c.id).where(pages.c.batch_id.in_(batches)),
    )
    by_letter = ("attachments", "scans", "signed_revisions", "takeover_scans")
    by_document = ("attachment_pages", "renditions", "signature_checks")
    return {
        **{name: _named(tables[name].c.mail_id, letters) for name in by_letter},
        **{name: tables[name].c.attachment_id.in_(documents) for name in by_document},
        "scan_batches": every_batch.c.id.in_(batches),
        "mailbox_messages": _named(messages.c.batch_id, batches),
        "scan_pages": pages.c.id.in_(gone_pages),
        "scan_pictures": tables["scan_pictures"].c.scan_page_id.in_(gone_pages),
    }


def _batches_with(which: ColumnElement[bool], *, among: CompoundSelect[int] | None = None) -> CompoundSelect[int]:
    """The batches that brought such a scan, or a page that stands in one now: it may have been merged, or put in place of another."""
    tables = Base.metadata.tables
    scans, leaves, pages = (tables[one] for one in ("scans", "scan_leaves", "scan_pages"))
    brought = select(scans.c.batch_id).where(which)
    holds = select(pages.c.batch_id).join(leaves, leaves.c.scan_page_id == pages.c.id)
    holds = holds.join(scans, scans.c.id == leaves.c.scan_id).where(which)
    if among is not None:
        brought, holds = brought.where(scans.c.batch_id.in_(among)), holds.where(pages.c.batch_id.in_(among))
    return union(brought, holds)


def _named(column: Column[int], among: Select[int] | object) -> ColumnElement[bool]:
    return and_(column.is_not(None), column.in_(among))  # type: ignore[arg-type]


def _naming(session: Session) -> Iterator[tuple[str, Column[str], Select[str]]]:
    """(place, column, query) of what references a blob, without the rows of letters whose files were destroyed."""
    gone = of_letters(destroyed.ids()) if session.scalar(select(exists(destroyed.ids()))) else {}
    for table, column in blob_columns():
        query = select(column).where(column.is_not(None)).distinct()
        condition = gone.get(table.name)
        yield f"{table.name}.{column.name}", column, query if condition is None else query.where(~condition)


def named_digests(session: Session) -> Iterator[tuple[Digest, str]]:
    """(digest, place) of every referenced blob, each digest once."""
    seen: set[str] = set()
    for place, _column, query in _naming(session):
        for digest in session.scalars(query):
            if digest and digest not in seen:
                seen.add(digest)
                yield Digest(digest), place


def still_named(session: Session, digests: Collection[Digest]) -> set[Digest]:
    """Those of some digests that are referenced."""
    wanted, found = sorted(digests), set[Digest]()
    for _place, column, query in _naming(session):
        for start in range(0, len(wanted), AT_ONCE):
            found.update(
                Digest(one) for one in session.scalars(query.where(column.in_(wanted[start : start + AT_ONCE])))
            )
    return found


def digests_of(session: Session, letters: Select[int]) -> set[Digest]:
    """The digests that the own rows of letters bear, whether others bear them too or not.

    Args:
        letters: selects their ids.
    """
    conditions = of_letters(letters)
    found = set[Digest]()
    for table, column in blob_columns():
        if table.name in conditions:
            rows = session.scalars(select(column).where(conditions[table.name], column.is_not(None)).distinct())
            found.update(Digest(one) for one in rows if one)
    return found


def broken_blobs(session: Session, blobs: BlobStore) -> Iterator[tuple[Digest, str, str]]:
    """(digest, place, code) of every blob that is missing or altered."""
    for digest, where in named_digests(session):
        if not blobs.verify(digest):
            yield digest, where, "blob.altered" if blobs.exists(digest) else "blob.missing"


def sweep(session: Session, blobs: BlobStore, *, now: datetime) -> int:
    """Remove unreferenced blobs that are older than a day: their transaction was rolled back.

    A blob that is stored again meanwhile counts as new from that moment, and stays (``BlobStore.discard``). A file of a letter that
    has still to be destroyed stays, too: it goes with the reason why (``ged.disposal.destroying``).
    """
    named = {digest for digest, _ in named_digests(session)}
    named |= digests_of(session, destroyed.ids().where(DestroyedLetter.done_at.is_(None)))
    removed = 0
    for digest, written_at in blobs.digests():
        if digest not in named and written_at < now - SWEEP_AFTER:
            removed += blobs.discard(digest, written_before=now - SWEEP_AFTER)
    return removed
