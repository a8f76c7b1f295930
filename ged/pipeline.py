"""Job kinds -> functions. Each is idempotent: a job may run twice, and after any crash.

To add a job: a kind in ``ged.jobs``, its function here, a row deferred by the operation that needs it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ged import audit, jobs, upkeep
from ged.archive import blobs as archive_blobs
from ged.archive.anchor import Anchors
from ged.archive.seal import HeadSeal
from ged.closing import operations as closing
from ged.codes import CodeKind
from ged.errors import EngineFailed, GedError
from ged.jobs import BACKLOG_KINDS, SLOW_KINDS, ClaimedJob, Job, JobKind, JobState
from ged.ports import JobId
from ged.preservation import operations as preservation
from ged.registry import (
    dispatch,
    files,
    partials,
    recognition,
    saved_alerts,
    saved_searches,
    signature_checks,
    takeover_queries,
)
from ged.registry import intake as intake_rules
from ged.registry import mailbox as mailboxes
from ged.registry.models import Attachment
from ged.registry.suggestions import lessons, readings, resent, scan_reading
from ged.routing.proof import sheet_arrived
from ged.signbook import wiring as signbook_wiring
from ged.slips.receive import proof_arrived
from ged.unit import Services

logger = logging.getLogger(__name__)

FAST_KINDS = frozenset(JobKind) - SLOW_KINDS - BACKLOG_KINDS
SEAL_ENTRIES = 500
"""So many unsealed entries are sealed at the next look, without waiting for the period."""
PERIODS = {
    JobKind.COLLECT_MAIL: timedelta(minutes=3),
    JobKind.ALERTS: timedelta(minutes=3),
    JobKind.SEAL: timedelta(minutes=5),
    JobKind.CLOSE_DAYS: timedelta(hours=6),
    JobKind.ANCHOR: timedelta(hours=24),
    JobKind.SWEEP: timedelta(hours=24),
    JobKind.CHECK_FIXITY: timedelta(days=7),
    JobKind.LEARN: timedelta(hours=24),
    JobKind.PRESERVE_DUE: timedelta(minutes=5),
}


INDEX_BATCH = 200
"""Index jobs that are done in one write."""
PIECES_KEPT = timedelta(days=3)
"""A bridge whose link is away over a week-end goes on where it stopped."""


@dataclass(frozen=True)
class Run:
    """What a job's function gets."""

    services: Services
    job: ClaimedJob
    heartbeat: Callable[[str], None]
    now: datetime


def recognise(run: Run) -> None:
    """Read an attachment, then let the index know its text."""
    recognition.run_recognise(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)
    with run.services.unit_of_work(run.now) as uow:
        attachment = uow.session.get(Attachment, run.job.subject_id)
        if attachment is not None:
            uow.reindex(attachment.mail_id)


def intake(run: Run) -> None:
    """Look at a batch, split it, join what bears our label."""
    recognition.run_intake(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)
    with run.services.unit_of_work(run.now) as uow:
        scan_reading.ask_for_batch(uow, run.job.subject_id)


def read_scan(run: Run) -> None:
    """Read a waiting scan, for what is proposed to the clerk."""
    scan_reading.run_read_scan(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def learn(run: Run) -> None:
    """Learn from the register what clerks and authorities decide; make the sketches that are missing."""
    asked_by = run.job.params.get("asked_by")
    resent.fill_in(run.services, heartbeat=run.heartbeat, now=run.now)
    lessons.run_learn(
        run.services, asked_by=int(asked_by) if asked_by is not None else None, heartbeat=run.heartbeat, now=run.now
    )


def index(run: Run) -> None:
    """Put a letter into the index as SQL has it now; the job's number is the document's version."""
    upkeep.put_letters(run.services, {run.job.subject_id: int(run.job.id)})


def index_backlog(run: Run) -> None:
    """Put a piece of an import into the index; when one of its letters is refused, each gets a job of its own."""
    with run.services.reading() as session:
        taken = takeover_queries.letters_of_batch(session, run.job.subject_id)
    try:
        upkeep.put_letters(run.services, dict.fromkeys(taken, int(run.job.id)))
    except EngineFailed as failure:
        if failure.retryable:
            raise
        with run.services.unit_of_work(run.now) as uow:
            for mail_id in taken:
                uow.reindex(mail_id)


def rebuild_index(run: Run) -> None:
    """Make the index anew beside the living one (asked for by ``ged index rebuild``)."""
    upkeep.rebuild(run.services, progress=lambda done, total: run.heartbeat(f"{done}/{total}"))


def seal(run: Run) -> None:
    """Sign the journal's head and write it outside the database."""
    seal_head(run.services, now=run.now)


def anchor(run: Run) -> None:
    """Anchor the journal, and ask for the time-stamps that are missing."""
    anchor_journal(run.services, now=run.now)


def anchor_journal(services: Services, *, now: datetime) -> tuple[bool, int]:
    """Anchor the journal now: (whether something came since the last anchor, how many time-stamps came)."""
    anchors = Anchors(seal_folder(services))
    seal_head(services, now=now)
    with services.snapshot() as session:
        made = anchors.make(session, now=now)
    return made, anchors.stamp(services.timestamper)


def seal_folder(services: Services) -> Path:
    """Where the sealed heads lie."""
    return Path(services.data_dir) / "seal"


def seal_head(services: Services, *, now: datetime) -> bool:
    """Seal the present head; False when it is sealed already."""
    with services.reading() as session:
        head = audit.head(session)
    return HeadSeal(seal_folder(services)).seal(head, now=now)


def unsealed_entries(services: Services, session: Session) -> int | None:
    """How many entries of the journal no sealed head covers (their loss would leave no trace); None: never sealed."""
    last = HeadSeal(seal_folder(services)).last()
    return None if last is None else max(0, audit.head(session).count - last.count)


def close_days(run: Run) -> None:
    """Close the days and years of the registers that are over; what waits for a signature is closed another night."""
    for told in closing.close_what_is_over(run.services, now=run.now):
        logger.warning("closing.waits register=%s", told)


def sweep(run: Run) -> None:
    """Remove bytes of rolled-back transactions, and the working folders of killed workers."""
    with run.services.snapshot() as session:
        removed = archive_blobs.sweep(session, run.services.blobs, now=run.now)
    folders = files.sweep_private_dirs(run.services, older_than=run.now - archive_blobs.SWEEP_AFTER)
    pieces = partials.sweep(run.services, older_than=run.now - PIECES_KEPT)
    with run.services.unit_of_work(run.now) as uow:
        readings.forget(uow, now=run.now)
    logger.info("sweep.done removed=%s folders=%s pieces=%s", removed, folders, pieces)


def check_fixity(run: Run) -> None:
    """Compare all stored bytes with their digests; the first that differs fails the job, naming it.

    Raises:
        EngineFailed: ``fixity.broken``.
    """
    with run.services.reading() as session, recognition.beating(run.heartbeat, ""):
        for digest, where, code in archive_blobs.broken_blobs(session, run.services.blobs):
            raise EngineFailed(
                "fixity.broken", "restore the file from a backup", digest=digest, where=where, cause=code
            )


def check_signatures(run: Run) -> None:
    """Judge the signatures of an attachment from outside, for the time at which it came."""
    signature_checks.run_check(run.services, run.job.subject_id, now=run.now)


def notify(run: Run) -> None:
    """Send a letter by e-mail; marked before it leaves."""
    dispatch.run_notify(run.services, run.job, now=run.now)


def alerts(run: Run) -> None:
    """Look whether followed searches find new letters; their owners are told once."""
    saved_alerts.run_alerts(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def alert_mail(run: Run) -> None:
    """Send the e-mail of an alert; marked before it leaves."""
    saved_alerts.run_alert_mail(run.services, run.job, now=run.now)


def collect_mail(run: Run) -> None:
    """Collect every mailbox; one that does not answer does not hold up the others, and fails the job in the end.

    Raises:
        EngineFailed: that of the first mailbox that could not be collected.
    """
    failures: list[EngineFailed] = []
    is_more = False
    for mailbox in run.services.mailboxes:
        try:
            is_more |= mailboxes.collect(run.services, mailbox, heartbeat=run.heartbeat, now=run.now)
        except EngineFailed as failure:
            logger.warning("mailbox.failed mailbox=%s code=%s", mailbox.name, failure.code)
            failures.append(failure)
    if is_more:
        with run.services.unit_of_work(run.now) as uow:
            uow.defer(JobKind.COLLECT_MAIL, 0)
    if failures:
        raise failures[0]


def preserve(run: Run) -> None:
    """Raise the signatures of one document as far as the authorities answer; what is left is done later."""
    sort = preservation.Sort(str(run.job.params["of"]))
    preservation.preserve(run.services, sort, run.job.subject_id, now=run.now)


def preserve_due(run: Run) -> None:
    """Raise and renew the signatures of the documents whose turn it is."""
    preservation.preserve_due(run.services, heartbeat=run.heartbeat, now=run.now)


def plug_proofs() -> None:
    """Tell the intake who takes a scan that bears one of our codes, and the dispatch what an answer that left does.

    Called once when a process is put together.
    """
    signbook_wiring.connect()
    intake_rules.PROOF_HANDLERS.update(
        {
            CodeKind.IMPUTATION: sheet_arrived,
            CodeKind.SLIP: proof_arrived,
        }
    )


FUNCTIONS: dict[JobKind, Callable[[Run], None]] = {
    JobKind.INTAKE: intake,
    JobKind.RECOGNISE: recognise,
    JobKind.INDEX: index,
    JobKind.CHECK_SIGNATURES: check_signatures,
    JobKind.NOTIFY: notify,
    JobKind.COLLECT_MAIL: collect_mail,
    JobKind.ALERTS: alerts,
    JobKind.ALERT_MAIL: alert_mail,
    JobKind.SEAL: seal,
    JobKind.CLOSE_DAYS: close_days,
    JobKind.ANCHOR: anchor,
    JobKind.SWEEP: sweep,
    JobKind.CHECK_FIXITY: check_fixity,
    JobKind.READ_SCAN: read_scan,
    JobKind.LEARN: learn,
    JobKind.REBUILD_INDEX: rebuild_index,
    JobKind.PRESERVE: preserve,
    JobKind.PRESERVE_DUE: preserve_due,
    JobKind.INDEX_BACKLOG: index_backlog,
    JobKind.RECOGNISE_BACKLOG: recognise,
}


def run_job(services: Services, job_id: JobId, *, worker: str) -> bool:
    """Take and do one job; False when there was nothing to take. An error is noted in its row, never lost."""
    started = datetime.now(UTC)
    with services.unit_of_work(started) as uow:
        claimed = jobs.claim(uow.session, job_id, worker=worker, now=started)
    if claimed is None:
        return False

    if claimed.kind is JobKind.INDEX:
        _index_many(services, claimed, worker=worker)
        return True

    def heartbeat(progress: str) -> None:
        now = datetime.now(UTC)
        try:
            with services.unit_of_work(now) as uow:
                jobs.renew(uow.session, job_id, worker=worker, now=now, progress=progress)
        except SQLAlchemyError:
            # The next beat may succeed; at worst the lease ends and another worker does the same work.
            logger.warning("job.beat_missed job=%s", job_id, exc_info=True)

    try:
        FUNCTIONS[claimed.kind](Run(services, claimed, heartbeat, started))
    except Exception as error:  # noqa: BLE001  # whatever happened stands in the job's row for the administrator
        if claimed.kind is JobKind.INDEX_BACKLOG and isinstance(error, EngineFailed) and error.retryable:
            _index_failed(services, [claimed], error)
        else:
            _note_failure(services, job_id, error)
        return True
    finished = datetime.now(UTC)
    with services.unit_of_work(finished) as uow:
        jobs.finish(uow.session, job_id, now=finished)
    return True


def _index_many(services: Services, first: ClaimedJob, *, worker: str) -> None:
    """Do an index job with all others that are due, in one write. While the index is away only one asks for it."""
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        until = jobs.outage_until(uow.session, JobKind.INDEX, now=now)
        more = jobs.claim_more(uow.session, JobKind.INDEX, worker=worker, now=now, limit=INDEX_BATCH - 1)
        claimed = [first, *more]
        if until is not None:
            jobs.wait_out(uow.session, [job.id for job in claimed], now=now, until=until)
            return
    newest: dict[int, int] = {}
    for job in claimed:
        newest[job.subject_id] = max(newest.get(job.subject_id, 0), int(job.id))
    try:
        upkeep.put_letters(services, newest)
    except Exception as error:  # noqa: BLE001  # whatever happened stands in the jobs' rows
        _index_failed(services, claimed, error)
        return
    finished = datetime.now(UTC)
    with services.unit_of_work(finished) as uow:
        jobs.finish_many(uow.session, [job.id for job in claimed], now=finished)
        if first.attempts > 1:
            jobs.resume(uow.session, JobKind.INDEX, now=finished)


def _index_failed(services: Services, claimed: list[ClaimedJob], error: Exception) -> None:
    """Wait for what is away; of several letters find the one that is refused."""
    if isinstance(error, EngineFailed) and error.retryable:
        logger.warning("job.waits jobs=%s code=%s", len(claimed), error.code)
        now = datetime.now(UTC)
        with services.unit_of_work(now) as uow:
            jobs.wait_out(uow.session, [job.id for job in claimed], now=now)
        return
    if len(claimed) == 1:
        _note_failure(services, claimed[0].id, error)
        return
    for job in claimed:
        try:
            upkeep.put_letters(services, {job.subject_id: int(job.id)})
        except Exception as own:  # noqa: BLE001  # as above
            _index_failed(services, [job], own)
            continue
        now = datetime.now(UTC)
        with services.unit_of_work(now) as uow:
            jobs.finish(uow.session, job.id, now=now)


def _note_failure(services: Services, job_id: JobId, error: Exception) -> None:
    if isinstance(error, GedError):
        logger.warning("job.failed job=%s code=%s", job_id, error.code)
    else:
        logger.exception("job.crashed job=%s", job_id)
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        jobs.fail(uow.session, job_id, error, now=now)


def schedule_periodic(services: Services, *, now: datetime) -> None:
    """Ask for what is done from time to time (``PERIODS``), once, and only where there is something to do."""
    with services.unit_of_work(now) as uow:
        audit.lock(uow.session)  # several workers look at one moment; one of them asks
        for kind, period in PERIODS.items():
            if kind is JobKind.COLLECT_MAIL and not services.mailboxes:
                continue
            if kind is JobKind.ALERTS and not saved_searches.open_follows(uow.session):
                continue
            if kind is JobKind.PRESERVE_DUE and not preservation.is_due(uow, now=now):
                continue
            latest = uow.session.scalar(select(Job.created_at).where(Job.kind == kind).order_by(Job.id.desc()).limit(1))
            waiting = uow.session.scalar(
                select(Job.id).where(Job.kind == kind, Job.state.in_((JobState.QUEUED, JobState.RUNNING))).limit(1)
            )
            is_time = latest is None or latest <= now - period
            if kind is JobKind.SEAL:
                unsealed = unsealed_entries(services, uow.session)
                is_time = (is_time and unsealed != 0) or (unsealed or 0) >= SEAL_ENTRIES
            if waiting is None and is_time:
                uow.defer(kind, 0)
