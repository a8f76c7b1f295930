"""Documents signed during an authority's outage are raised when it is back, and their time-stamps are renewed for ever.

Each revision is stored separately, so that a server outage loses no level already reached. Nothing here ever prevents
anybody from signing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from io import BytesIO

from sqlalchemy import func, or_, select, update

from ged import locks
from ged.archive.institution_seal import REPORT_REASON, SEAL_REASON, institution_seal
from ged.db import insert_if_missing
from ged.errors import ConfigError, EngineFailed, InvalidTransition, NotFound, StaleVersion
from ged.jobs import JobKind
from ged.org.certificates import own_lists
from ged.ports import Digest, RaisedPdf
from ged.preservation import documents
from ged.preservation.documents import LastRevision, SignedKind
from ged.preservation.models import Preservation
from ged.unit import Actor, Services, UnitOfWork

__all__ = ["SignedKind", "ask_again", "ask_all_again", "is_due", "preserve", "preserve_due", "standing"]

BATCH = 200
_AWAY = frozenset({"sign.no_timestamp"})
"""Errors that stop a whole batch: without time-stamps no document can be raised."""
_SOON_MINUTES = (5, 15, 30)
_LATER = timedelta(days=1)
_SEAL_REASONS = {SignedKind.CLOSING: SEAL_REASON, SignedKind.REPORT: REPORT_REASON}


def preserve(services: Services, sort: SignedKind, subject_id: int, *, now: datetime) -> str:
    """Raise the signatures of one document as far as the authorities answer, and note the level. Returns the error code; empty on success.

    Raises:
        StaleVersion: ``preserve.stale``: the document was signed meanwhile; start again.
        NotFound: ``blob.missing``.
    """
    with services.reading() as session:
        last = documents.last_of(session, sort, subject_id)
    if last is None:
        return _postponed(services, sort, subject_id, now)
    if services.preserver is None and (sort not in documents.SEALED or services.sealer is None):
        return _noted(services, last, now)
    # The session is closed: a time-stamp authority may take its time, and no connection waits with it.
    with services.blobs.open(last.digest) as stored:
        pdf = stored.read()
    failure: EngineFailed | ConfigError | None = None
    renew_at = None
    lists = own_lists(services, now=now)
    try:
        # Each step is stored before the next is asked for: a level that was reached is not lost with an authority.
        while (step := _next_step(services, last, pdf, lists, now)) is not None:
            digest = Digest(services.blobs.put(BytesIO(step.pdf)).digest)
            for attempt in services.attempts(now):
                with attempt as uow:
                    last = documents.append(uow, last, step, digest)
            pdf, renew_at = step.pdf, step.renew_at
    except (EngineFailed, ConfigError) as error:
        failure = error
    for attempt in services.attempts(now):
        with attempt as uow:
            documents.show(uow, last, size_bytes=len(pdf))
            _note(uow, last, renew_at, failure)
    return failure.code if failure is not None else ""


def _next_step(
    services: Services, last: LastRevision, pdf: bytes, lists: Sequence[bytes], now: datetime
) -> RaisedPdf | None:
    if last.sort in documents.SEALED and last.sequence == 0:  # the seal was not available when the document was made
        sealed = institution_seal(services, pdf, reason=_SEAL_REASONS[last.sort], at=now)
        return RaisedPdf(sealed.pdf, sealed.level)
    return services.preserver.next_step(pdf, now=now, crls=lists) if services.preserver is not None else None


def _postponed(services: Services, sort: SignedKind, subject_id: int, now: datetime) -> str:
    """Postpone the document: somebody is adding a signature."""
    for attempt in services.attempts(now):
        with attempt as uow:
            _preservation_row(uow, sort, subject_id).due_at = now + timedelta(minutes=_SOON_MINUTES[-1])
    return "preserve.busy"


def _noted(services: Services, last: LastRevision, now: datetime) -> str:
    """Note the level of a document that nothing can raise now. It stays due: an authority may be set later."""
    for attempt in services.attempts(now):
        with attempt as uow:
            row = _preservation_row(uow, last.sort, last.subject_id)
            row.level, row.updated_at = last.level, uow.now
    return ""


def _note(
    uow: UnitOfWork, last: LastRevision, renew_at: datetime | None, failure: EngineFailed | ConfigError | None
) -> None:
    row = _preservation_row(uow, last.sort, last.subject_id)
    row.level, row.updated_at = last.level, uow.now
    row.failure = failure.code if failure is not None else ""
    row.tries = row.tries + 1 if failure is not None else 0
    if failure is None:
        # If nothing was to be done, the row already has the time of the renewal.
        row.due_at = renew_at or max(row.due_at or uow.now, uow.now + _LATER)
    elif failure.retryable:
        row.due_at = uow.now + timedelta(minutes=_SOON_MINUTES[min(row.tries, len(_SOON_MINUTES)) - 1])
    else:
        row.due_at = uow.now + _LATER


def _preservation_row(uow: UnitOfWork, sort: SignedKind, subject_id: int) -> Preservation:
    mine = documents.watched_by(sort)
    first = {"level": "", "tries": 0, "failure": "", "due_at": uow.now, "updated_at": uow.now}
    insert_if_missing(uow.session, Preservation, **{mine.key: subject_id}, **first)
    (row,) = locks.hold_where(uow.session, Preservation, mine == subject_id)
    return row


def preserve_due(services: Services, *, heartbeat: Callable[[str], None], now: datetime) -> int:
    """Raise and renew all due documents; stop when no time-stamp authority answers. Returns how many were processed."""
    with services.reading() as session:
        due = session.scalars(
            select(Preservation).where(Preservation.due_at <= now).order_by(Preservation.due_at).limit(BATCH)
        )
        waiting = [documents.subject_of(row) for row in due]
        for sort in SignedKind:
            waiting += [(sort, subject_id) for subject_id in documents.unwatched(session, sort, BATCH)]
    waiting = waiting[:BATCH]
    for number, (sort, subject_id) in enumerate(waiting, start=1):
        try:
            failure = preserve(services, sort, subject_id, now=now)
        except StaleVersion:
            continue  # its new signature has deferred its own job
        heartbeat(f"{number}/{len(waiting)}")
        if failure in _AWAY:
            return number
    return len(waiting)


def ask_again(uow: UnitOfWork, sort: SignedKind, subject_id: int, *, actor: Actor) -> None:
    """Retry a document now, at a person's request.

    Raises:
        NotFound: ``preserve.unknown``: no signed document has this id.
        InvalidTransition: ``preserve.no_authority``: no authority is set.
    """
    if uow.services.preserver is None and (sort not in documents.SEALED or uow.services.sealer is None):
        raise InvalidTransition("preserve.no_authority", "name time-stamp authorities: GED_TSA_URLS")
    if not documents.is_signed(uow.session, sort, subject_id):
        raise NotFound("preserve.unknown", "choose a document of the list", id=subject_id)
    _preservation_row(uow, sort, subject_id).due_at = uow.now
    uow.defer(JobKind.PRESERVE, subject_id, params={"of": sort.value})
    uow.record("signature.raise_asked", sort.value, subject_id, actor=actor)


def ask_all_again(uow: UnitOfWork, *, actor: Actor) -> int:
    """Retry all failed documents now; returns how many.

    Raises:
        InvalidTransition: ``preserve.no_authority``.
    """
    if uow.services.preserver is None and uow.services.sealer is None:
        raise InvalidTransition("preserve.no_authority", "name time-stamp authorities: GED_TSA_URLS")
    failed = select(Preservation.id).where(Preservation.failure != "")
    ids = uow.session.scalars(failed).all()
    uow.session.execute(update(Preservation).where(Preservation.id.in_(failed)).values(due_at=uow.now))
    if ids:
        uow.defer(JobKind.PRESERVE_DUE, 0)
        uow.record("signature.raise_asked", "installation", None, actor=actor, documents=len(ids))
    return len(ids)


def is_due(uow: UnitOfWork, *, now: datetime) -> bool:
    """Whether there is work, and an authority to do it with."""
    if uow.services.preserver is None:
        return _unsealed(uow, now)
    due = select(Preservation.id).where(Preservation.due_at <= now).limit(1)
    return uow.session.scalar(due) is not None or any(documents.unwatched(uow.session, sort, 1) for sort in SignedKind)


def _unsealed(uow: UnitOfWork, now: datetime) -> bool:
    """Whether a closing or a report waits for the institution's seal, which needs no authority."""
    waits = select(Preservation.id).where(
        or_(*(documents.watched_by(sort).is_not(None) for sort in documents.SEALED)),
        Preservation.level == "",
        Preservation.due_at <= now,
    )
    if uow.services.sealer is None:
        return False
    return uow.session.scalar(waits.limit(1)) is not None or any(
        documents.unwatched(uow.session, sort, 1) for sort in documents.SEALED
    )


def standing(services: Services) -> tuple[tuple[str, str, int], ...]:
    """(level, error code, number of documents), for the administrator."""
    with services.reading() as session:
        found = session.execute(
            select(Preservation.level, Preservation.failure, func.count())
            .group_by(Preservation.level, Preservation.failure)
            .order_by(Preservation.level, Preservation.failure)
        )
        return tuple((level, failure, count) for level, failure, count in found)
