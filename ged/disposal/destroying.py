"""Carries out the destruction of letters' files that two people decided (``ged.disposal.operations.confirm``).

Each step looks first what is done already: interrupted anywhere, the next run goes on. The keys are what matters: an earlier copy of
the installation holds the encrypted file, and nobody opens it once its key is gone here and in the copies of the keyring.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, Select, Table, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ged import destroyed, locks
from ged.archive import blobs as archive_blobs
from ged.audit import AuditEntry
from ged.db import Base
from ged.destroyed import DestroyedLetter
from ged.errors import EngineFailed, Invalid
from ged.jobs import JobKind
from ged.ports import ByDisposal, Digest, Tombstone
from ged.register.models import Mail
from ged.schema import require_opened
from ged.unit import SYSTEM, Services, UnitOfWork

logger = logging.getLogger(__name__)

OPENED_BY = "0191"
"""Until this contraction has run, a program of the release before may check files, and would miss those that were destroyed."""
DONE = "mail.destroyed"
AGAIN = "mail.destroyed_again"


@dataclass(frozen=True)
class Looked:
    """Files for which the store was asked, and those of them that are in clear (``BlobStore.in_clear``)."""

    files: frozenset[Digest] = frozenset()
    clear: frozenset[Digest] = frozenset()


NOT_ASKED = Looked()


def look(services: Services, mail_ids: Collection[int]) -> Looked:
    """Ask the store for the files of letters, before the unit of work that decides.

    A bucket is asked for each file, some thousands of times for a slip. On SQLite nobody else writes during a unit of work.
    """
    with services.reading() as session:
        files = archive_blobs.digests_of(session, _letters(mail_ids)) if mail_ids else set()
    return Looked(frozenset(files), frozenset(services.blobs.in_clear(files)) if files else frozenset())


def require_possible(uow: UnitOfWork, mail_ids: Collection[int], looked: Looked = NOT_ASKED) -> None:
    """Check that the files of letters can be destroyed, so that no copy opens them. Call it before the first lock.

    Args:
        looked: what the store said before. It is asked here for the files that came since.

    Raises:
        Invalid: ``upgrade.not_finished``; ``disposal.in_clear``: a file is not encrypted under a key of its own, or the store keeps
                an earlier version of it in clear under a lock.
    """
    if not mail_ids:
        return
    require_opened(uow.session, OPENED_BY)
    files = archive_blobs.digests_of(uow.session, _letters(mail_ids))
    since = files - looked.files
    clear = (files & looked.clear) | (uow.services.blobs.in_clear(since) if since else set())
    if clear:
        raise Invalid(
            "disposal.in_clear",
            "name a keyring, call `ged blobs encrypt`; wait until the lock of a clear version ends",
            count=len(clear),
        )


def decide(uow: UnitOfWork, mail_ids: Iterable[int], *, slip_no: int) -> None:
    """Note the letters whose files are destroyed. From the commit on nobody opens them; a job removes them."""
    ids = sorted(mail_ids)
    for mail_id in ids:
        uow.session.add(DestroyedLetter(mail_id=mail_id, slip_no=slip_no, decided_at=uow.now))
        uow.reindex(mail_id, access=True)  # no search tells of its text meanwhile
    if ids:
        uow.defer(JobKind.SWEEP, 0)


def run(services: Services, *, now: datetime, heartbeat: Callable[[str], object] = lambda _: None) -> int:
    """Destroy the files of all letters for which it is decided and not done.

    A file that was stored again within the last day stays until the next run: somebody may be about to give it to another letter. A
    letter whose files the store cannot remove stays until then, too, and stops no other.

    Returns:
        How many letters are done.
    """
    with services.reading() as session:
        open_ones = select(DestroyedLetter.mail_id).where(DestroyedLetter.done_at.is_(None))
        waiting = session.scalars(open_ones.order_by(DestroyedLetter.mail_id)).all()
    done = 0
    for n, mail_id in enumerate(waiting):
        heartbeat(f"{n}/{len(waiting)}")
        try:
            done += _destroy(services, mail_id, now)
        except EngineFailed as error:
            logger.warning("destroy.failed mail=%s code=%s", mail_id, error.code)
    return done


def again(services: Services, tombstones: Collection[Tombstone], *, now: datetime) -> tuple[int, ...]:
    """Destroy in a restored installation what was destroyed since it was copied, as the keyring tells.

    Returns:
        The letters that this run destroyed.
    """
    reasons = {one.because.mail_id: one.because for one in tombstones}
    digests: dict[int, set[Digest]] = {}
    for one in tombstones:
        digests.setdefault(one.because.mail_id, set()).add(one.digest)
    for attempt in services.attempts(now):
        with attempt as uow:
            there = locks.hold(uow.session, Mail, sorted(reasons))
            known = set(uow.session.scalars(destroyed.ids()))
            new = [
                mail.id
                for mail in there
                if mail.id not in known
                # An id may have been given again since, to another letter: that one came later, and bears another mark.
                and _is_meant(uow.session, mail, digests[mail.id])
                and _was_there(uow.session, mail.id, reasons[mail.id].decided_at)
            ]
            for mail_id in new:
                why = reasons[mail_id]
                uow.session.add(DestroyedLetter(mail_id=mail_id, slip_no=why.slip_no, decided_at=why.decided_at))
                uow.record(
                    AGAIN, "mail", mail_id, actor=SYSTEM, disposal=why.slip_no, decided_at=why.decided_at.isoformat()
                )
                uow.reindex(mail_id)
    # After the commit: the notes are there even if the store fails, and the next sweep goes on.
    run(services, now=now)
    return tuple(new)


def _is_meant(session: Session, mail: Mail, digests: Collection[Digest]) -> bool:
    """Whether the keyring tells of this letter: by its mark, or by a file of it."""
    return _mark_of(session, mail) in digests or bool(
        {*digests} & archive_blobs.digests_of(session, _letters([mail.id]))
    )


def _mark_of(session: Session, mail: Mail) -> Digest:
    """A digest that stands for a letter itself, which may have no file: of its id and the first entry of the journal about it."""
    about = select(AuditEntry.hash).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == mail.id)
    first = session.scalar(about.order_by(AuditEntry.sequence).limit(1))
    identity = f"letter {mail.id} {mail.created_at.astimezone(UTC).isoformat()} {first or ''}"
    return Digest(hashlib.sha256(identity.encode()).hexdigest())


def _was_there(session: Session, mail_id: int, at: datetime) -> bool:
    """Whether a letter was registered before a moment, as the journal tells. An imported one bears the day of its paper."""
    spoken = select(func.min(AuditEntry.at)).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == mail_id)
    first = session.scalar(spoken)
    return first is None or first <= at


def _destroy(services: Services, mail_id: int, now: datetime) -> bool:
    for attempt in services.attempts(now):
        with attempt as uow:
            locks.hold(uow.session, Mail, [mail_id])
            _forget_texts(uow.session, mail_id)
    # In one snapshot: a file that another letter gets between the two queries would else count as this letter's alone.
    with services.snapshot() as session:
        found = destroyed.of_letter(session, mail_id)
        own = archive_blobs.digests_of(session, _letters([mail_id]))
        mark = _mark_of(session, session.get_one(Mail, mail_id))
        alone = sorted(own - archive_blobs.still_named(session, own))
    if found is None:
        return False
    why = ByDisposal(mail_id, found.slip_no, found.decided_at)
    # Of a file that two letters bear the key tells of one at most: a restore must know the other one too.
    services.blobs.tell_destroyed({*own, mark}, why)
    for digest in alone:
        services.blobs.discard(digest, written_before=now - archive_blobs.SWEEP_AFTER, because=why)
    # Asked once more: a file that was stored again within the last day is still there, and its letter waits.
    left = [digest for digest in alone if services.blobs.exists(digest)]
    if left:
        logger.info("destroy.waits mail=%s files=%s", mail_id, len(left))
        return False
    _note(services, mail_id, alone, now)
    return True


def _note(services: Services, mail_id: int, removed: Collection[Digest], now: datetime) -> None:
    for attempt in services.attempts(now):
        with attempt as uow:
            locks.hold(uow.session, Mail, [mail_id])
            row = uow.session.get_one(DestroyedLetter, mail_id, populate_existing=True)
            if row.done_at is None:
                _forget_texts(uow.session, mail_id)  # what a job had read meanwhile
                _delete(uow.session, "renditions", "attachment_id", _documents(mail_id))
                row.done_at, row.files = now, len(removed)
                uow.record(DONE, "mail", mail_id, actor=SYSTEM, disposal=row.slip_no, files=len(removed))
                uow.reindex(mail_id)


def _letters(mail_ids: Collection[int]) -> Select[int]:
    return select(Mail.id).where(Mail.id.in_(sorted(mail_ids)))


def _documents(mail_id: int) -> Select[int]:
    attachments = _table("attachments")
    return select(attachments.c.id).where(attachments.c.mail_id == mail_id)


def _forget_texts(session: Session, mail_id: int) -> None:
    """Delete what machines read and made of a letter's files, the work that waits for them, and the text of a letter that was written
    here: its versions keep who wrote them and when."""
    documents, letter = _documents(mail_id), _letters([mail_id])
    for table in (
        "page_texts",
        "pages_read_again",
        "margin_note_texts",
        "margin_notes",
        "attachment_fields",
        "sketch_bands",
        "letter_sketches",
    ):
        _delete(session, table, "attachment_id", documents)
    scans, leaves = _table("scans"), _table("scan_leaves")
    pages = select(leaves.c.scan_page_id).join(scans, scans.c.id == leaves.c.scan_id).where(scans.c.mail_id == mail_id)
    for table in ("scan_page_readings", "scan_page_fields"):
        _delete(session, table, "scan_page_id", pages)
    for table in ("word_pages", "working_copies", "preservations"):
        _delete(session, table, "mail_id", letter)
    _delete(session, "draft_annotations", "mail_id", letter)
    versions = _table("draft_versions")
    session.execute(update(versions).where(versions.c.mail_id == mail_id).values(body="", rich=""))
    drafts = _table("drafts")
    session.execute(update(drafts).where(drafts.c.mail_id == mail_id).values(letter={}))  # the text of its pages
    alike = _table("lookalikes")
    of_scans = alike.c.scan_id.in_(select(scans.c.id).where(scans.c.mail_id == mail_id))
    session.execute(delete(alike).where(or_(alike.c.mail_id == mail_id, alike.c.other_mail_id == mail_id, of_scans)))


def _delete(session: Session, table: str, column: str, among: Select[int]) -> None:
    named: Column[int] = _table(table).c[column]
    session.execute(delete(_table(table)).where(named.in_(among)))


def _table(name: str) -> Table:
    return Base.metadata.tables[name]
