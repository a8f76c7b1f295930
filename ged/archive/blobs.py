"""The blobs that any row of the database references: for fixity checks and for the sweep.

A column named ``digest`` or ``*_digest`` references a blob, in every table but those of ``NOT_BLOBS``. Rows of a letter whose files were
destroyed (``ged.destroyed``) keep their digest, and reference nothing. So whoever asks here what belongs to the installation leaves
these files out: the sweep, checks of fixity, ``ged verify``, copies.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Exists,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    or_,
    select,
    union,
)
from sqlalchemy.orm import Session, aliased

from ged import destroyed
from ged.capture.models import BatchState, ScanState
from ged.db import Base
from ged.destroyed import DestroyedLetter
from ged.ports import BlobStore, Digest

NOT_BLOBS = frozenset({"audit_entries", "packed_files"})
"""The digests of the journal are of its payloads; packed files are blobs, and reference none."""
SWEEP_AFTER = timedelta(hours=24)
AT_ONCE = 500
STAYS: Mapping[str, str] = {
    "learned_versions": "learned from the letters of all",
    "register_closings": "the register stays",
    "closing_revisions": "the register stays",
    "monthly_reports": "numbers, without what letters say",
    "monthly_report_revisions": "numbers, without what letters say",
    "open_data_acts": "numbers that left already",
    "requested_files": "a copy that a person asked for: it expires within days",
    "slips": "who handed the paper to whom stays",
    "slip_proofs": "who handed the paper to whom stays",
    "slip_revisions": "who handed the paper to whom stays",
}
"""Tables that reference blobs and are of no one letter, with the reason."""
_OfScans = Callable[[FromClause], ColumnElement[bool]]
"""Which scans: a condition on their table."""


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

    For a few letters. ``_is_of_destroyed`` says it of all destroyed letters, in a form for many; a test holds both against each other.
    A file that came with several letters is of none while one of them is there, or while a page of it waits to be registered.
    A page that was merged into another scan is of the letter of that scan, whichever batch brought it.
    """
    tables = Base.metadata.tables
    attachments, scans, leaves, pages = (tables[one] for one in ("attachments", "scans", "scan_leaves", "scan_pages"))
    messages, every_batch = tables["mailbox_messages"], tables["scan_batches"]
    documents = select(attachments.c.id).where(attachments.c.mail_id.in_(letters))
    batches = select(every_batch.c.id).where(
        every_batch.c.id.in_(_batches_with(scans.c.mail_id.is_not(None) & scans.c.mail_id.in_(letters))),
        every_batch.c.state == BatchState.SETTLED,
        *_is_nobody_elses(every_batch, letters),
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


def _batches_with(which: ColumnElement[bool]) -> CompoundSelect[int]:
    """The batches that brought such a scan, or a page that stands in one now: it may have been merged, or put in place of another."""
    tables = Base.metadata.tables
    scans, leaves, pages = (tables[one] for one in ("scans", "scan_leaves", "scan_pages"))
    holds = select(pages.c.batch_id).join(leaves, leaves.c.scan_page_id == pages.c.id)
    holds = holds.join(scans, scans.c.id == leaves.c.scan_id).where(which)
    return union(select(scans.c.batch_id).where(which), holds)


def _is_nobody_elses(batch: FromClause, letters: Select[int] | None) -> tuple[ColumnElement[bool], ...]:
    """Whether a batch brought nothing that waits, and nothing of a letter that is there; conditions that hold together.

    Args:
        letters: they count as gone, too.
    """

    def is_needed(scan: FromClause) -> ColumnElement[bool]:
        waits = scan.c.mail_id.is_(None) & scan.c.state.not_in((ScanState.MERGED, ScanState.DISCARDED))
        there = scan.c.mail_id.is_not(None) & ~destroyed.holds(scan.c.mail_id)
        return or_(waits, there if letters is None else there & scan.c.mail_id.not_in(letters))

    brought = [way(batch, is_needed) for way in _WAYS]
    if letters is None:
        return tuple(~one.exists() for one in brought)
    # A few letters have a few batches: each is looked up. An EXISTS would be joined, and with that computed for the batches of all.
    return tuple(one.limit(1).scalar_subquery().is_(None) for one in brought)


def _own_scans(batch: FromClause, which: _OfScans) -> Select[int]:
    """Such scans that a batch brought."""
    scan = Base.metadata.tables["scans"].alias()
    return select(scan.c.id).where(scan.c.batch_id == batch.c.id, which(scan)).correlate(batch)


def _arranged_pages(batch: FromClause, which: _OfScans) -> Select[int]:
    """The pages that a batch brought and that stand in such a scan now, whichever batch brought that one."""
    scan, leaf, page = (Base.metadata.tables[one].alias() for one in ("scans", "scan_leaves", "scan_pages"))
    arranged = (page.c.batch_id == batch.c.id, leaf.c.scan_page_id == page.c.id, scan.c.id == leaf.c.scan_id)
    return select(page.c.id).where(*arranged, which(scan)).correlate(batch)


_WAYS = (_own_scans, _arranged_pages)
"""The two ways in which a batch may have brought something of a letter."""


def _is_of_destroyed(table: Table) -> tuple[ColumnElement[bool], ...]:
    """What ``of_letters(destroyed.ids())`` says of a table, as conditions of which one holds.

    Each is an EXISTS: of few rows the database looks each up, of many it joins. A NOT IN over the rows of a hundred thousand letters
    was computed whole for each letter that is destroyed, and read from its beginning to its end for each row of a sweep.
    """
    if "mail_id" in table.c and table.name not in ("mailbox_messages",):
        return (destroyed.holds(table.c.mail_id),)
    if "attachment_id" in table.c:
        attachment, gone = Base.metadata.tables["attachments"].alias(), aliased(DestroyedLetter)
        joined = (attachment.c.id == table.c.attachment_id, gone.mail_id == attachment.c.mail_id)
        return (select(attachment.c.id).where(*joined).correlate(table).exists(),)
    if table.name == "scan_batches":
        return _is_gone_batch(table, table.c.id)
    if table.name == "mailbox_messages":
        return _is_gone_batch(table, table.c.batch_id)
    if table.name == "scan_pages":
        return (_stands_in_gone(table, table.c.id), *_is_gone_batch(table, table.c.batch_id))
    page = Base.metadata.tables["scan_pages"].alias()
    of_page = page.c.id == table.c.scan_page_id
    return (
        _stands_in_gone(table, table.c.scan_page_id),
        *_is_gone_batch(table, page.c.batch_id, of_page),
    )


def _stands_in_gone(table: Table, page_id: Column[int]) -> Exists:
    scan, leaf = (Base.metadata.tables[one].alias() for one in ("scans", "scan_leaves"))
    gone = aliased(DestroyedLetter)
    joined = (leaf.c.scan_page_id == page_id, scan.c.id == leaf.c.scan_id, gone.mail_id == scan.c.mail_id)
    return select(leaf.c.id).where(*joined).correlate(table).exists()


def _is_gone_batch(table: Table, batch_id: ColumnElement[int], *joined: ColumnElement[bool]) -> tuple[Exists, ...]:
    """Whether a batch is gone, for each of the two ways in which it may have brought something of a destroyed letter."""
    found = []
    for way in _WAYS:
        batch = Base.metadata.tables["scan_batches"].alias()
        is_own = way(batch, lambda scan: scan.c.mail_id.is_not(None) & destroyed.holds(scan.c.mail_id)).exists()
        query = select(batch.c.id).where(
            batch.c.id == batch_id, *joined, batch.c.state == BatchState.SETTLED, is_own, *_is_nobody_elses(batch, None)
        )
        found.append(query.correlate(table).exists())
    return tuple(found)


def _named(column: Column[int], among: Select[int] | object) -> ColumnElement[bool]:
    return and_(column.is_not(None), column.in_(among))  # type: ignore[arg-type]


def _naming(session: Session) -> Iterator[tuple[str, Column[str], Select[str]]]:
    """(place, column, query) of what references a blob, without the rows of letters whose files were destroyed."""
    is_any_gone = session.scalar(select(exists(destroyed.ids())))
    for table, column in blob_columns():
        query = select(column).where(column.is_not(None)).distinct()
        if is_any_gone and table.name not in STAYS:
            query = query.where(*(~one for one in _is_of_destroyed(table)))
        yield f"{table.name}.{column.name}", column, query


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
