"""The blobs that any row of the database references: for fixity checks and for the sweep.

A column named ``digest`` or ``*_digest`` references a blob, in every table except the journal's. Rows of a letter whose files were
destroyed (``ged.destroyed``) keep their digest, and reference nothing. So whoever asks here what belongs to the installation leaves
these files out: the sweep, checks of fixity, ``ged verify``, copies.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, CompoundSelect, Select, Table, and_, exists, or_, select
from sqlalchemy.orm import Session

from ged import destroyed
from ged.capture.models import ScanState
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

    A file that came with several letters is of none while one of them is there, or waits to be registered.
    """
    tables = Base.metadata.tables
    attachments, scans, leaves, pages = (tables[one] for one in ("attachments", "scans", "scan_leaves", "scan_pages"))
    messages = tables["mailbox_messages"]
    documents = select(attachments.c.id).where(attachments.c.mail_id.in_(letters))
    arranged = select(leaves.c.scan_page_id).join(scans, scans.c.id == leaves.c.scan_id)
    # A page may have been arranged into a scan of another batch: what counts is where it is now.
    brought = select(pages.c.batch_id).where(pages.c.id.in_(arranged.where(_named(scans.c.mail_id, letters))))
    own = brought.union(select(scans.c.batch_id).where(_named(scans.c.mail_id, letters)))
    batches = _without_living(own)
    page = pages.c.id.in_(arranged.where(_named(scans.c.mail_id, letters))) | pages.c.batch_id.in_(batches)
    by_letter = ("attachments", "scans", "signed_revisions", "takeover_scans")
    by_document = ("attachment_pages", "renditions", "signature_checks")
    return {
        **{name: _named(tables[name].c.mail_id, letters) for name in by_letter},
        **{name: tables[name].c.attachment_id.in_(documents) for name in by_document},
        "scan_batches": tables["scan_batches"].c.id.in_(batches),
        "mailbox_messages": _named(messages.c.batch_id, batches),
        "scan_pages": page,
        "scan_pictures": tables["scan_pictures"].c.scan_page_id.in_(select(pages.c.id).where(page)),
    }


def _without_living(batches: CompoundSelect[int]) -> Select[int]:
    """Those of some batches of which nothing is in a scan that waits, or in one of a letter that is there."""
    tables = Base.metadata.tables
    batch, page, leaf, scan = (tables[one].alias() for one in ("scan_batches", "scan_pages", "scan_leaves", "scans"))
    waits = scan.c.mail_id.is_(None) & scan.c.merged_into_id.is_(None) & (scan.c.state != ScanState.DISCARDED)
    is_there = scan.c.mail_id.is_not(None) & scan.c.mail_id.not_in(destroyed.ids())
    lives = exists().where(scan.c.batch_id == batch.c.id, or_(waits, is_there)).correlate(batch)
    arranged = (page.c.batch_id == batch.c.id, leaf.c.scan_page_id == page.c.id, scan.c.id == leaf.c.scan_id)
    elsewhere = exists().where(*arranged, or_(waits, is_there)).correlate(batch)
    return select(batch.c.id).where(batch.c.id.in_(batches), ~lives, ~elsewhere)


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

    A blob that is stored again meanwhile counts as new from that moment, and stays (``BlobStore.discard``). The files of a letter
    whose destruction is decided and not done are left to ``ged.disposal.destroying``: it lets the keyring tell of them.
    """
    named = {digest for digest, _ in named_digests(session)}
    waiting = select(DestroyedLetter.mail_id).where(DestroyedLetter.done_at.is_(None))
    if session.scalar(select(exists(waiting))):
        named |= digests_of(session, waiting)
    removed = 0
    for digest, written_at in blobs.digests():
        if digest not in named and written_at < now - SWEEP_AFTER:
            removed += blobs.discard(digest, written_before=now - SWEEP_AFTER)
    return removed
