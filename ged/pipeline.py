"""Job kinds: their functions, and the table of all properties of each kind.

To add a job: ``docs/dev/add.md``.
"""

import logging
from calendar import SUNDAY
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from ged import index_sync, job_figures, jobs, runner, schema
from ged.administration import planned
from ged.archive import blobs as archive_blobs
from ged.archive.keeping import anchor_journal, seal_head, unsealed_entries
from ged.capture import files, partials
from ged.closing import operations as closing
from ged.directory import closing as directory_closing
from ged.dispatch import operations as dispatch
from ged.disposal import destroying
from ged.disposal import operations as disposal
from ged.entry import resets as factor_resets
from ged.errors import EngineFailed
from ged.exceptional import operations as exceptional
from ged.faults import fault_of
from ged.figures import operations as figures
from ged.followup import reminders
from ged.jobs import ClaimedJob, JobKind, JobState
from ged.mailbox import operations as mailboxes
from ged.monthly import proofs as monthly_proofs
from ged.monthly import wishes as monthly_wishes
from ged.morning import telling as morning
from ged.notices import date_reminders
from ged.notices import finding as notice_finding
from ged.notices import mail as notice_mail
from ged.notices import returned as notices_returned
from ged.paper import reading as paper_reading
from ged.paper import reserve_reading, slip_reading
from ged.ports import JobId, Lane
from ged.preservation import operations as preservation
from ged.recognition import again as recognition_again
from ged.recognition import jobs as recognition
from ged.recognition import scans as scan_reading
from ged.recognition import signatures as signature_checks
from ged.register import opening
from ged.reports import exports
from ged.runner import Beat, Limits, Run
from ged.schedules import Every, Nightly, Schedule
from ged.search import alerts as saved_alerts
from ged.search import saved as saved_searches
from ged.suggestions import lessons, readings, resent
from ged.takeover import folders as scan_folders
from ged.takeover import queries as takeover_queries
from ged.takeover import uploads
from ged.transfer import leaving
from ged.unit import SYSTEM, Services, UnitOfWork
from ged.workbook import operations as workbooks
from ged.writing import word as word_letters
from ged.writing import working

logger = logging.getLogger(__name__)

SEAL_ENTRIES = 500
"""With this many unsealed entries, the next check seals them without waiting for the period."""
INDEX_BATCH = 200
"""Largest number of index jobs in one write."""
PIECES_KEPT = timedelta(days=3)
"""A bridge whose link was down over a week-end can still resume its upload."""


def recognise(run: Run) -> None:
    """Read an attachment. The commit of its text also defers the index job, and the second reading of doubtful pages."""
    recognition.run_recognise(
        run.services,
        run.job.subject_id,
        heartbeat=run.heartbeat,
        now=run.now,
        is_backlog=run.job.kind is JobKind.RECOGNISE_BACKLOG,
    )


def read_again(run: Run) -> None:
    """Read doubtful pages of an attachment a second time, for a minute at most: the rest is another job's."""
    recognition_again.run(run.services, run.job.subject_id, kind=run.job.kind, heartbeat=run.heartbeat, now=run.now)


def intake(run: Run) -> None:
    """Inspect a batch, split it, and join scans that bear our label to their numbers."""
    recognition.run_intake(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)
    paper_reading.read_sheets(run.services, run.job.subject_id, now=run.now)
    slip_reading.read_slips(run.services, run.job.subject_id, now=run.now)
    reserve_reading.read_pages(run.services, run.job.subject_id, now=run.now)
    with run.services.unit_of_work(run.now) as uow:
        scan_reading.ask_for_batch(uow, run.job.subject_id)
        signature_checks.ask_for_batch(uow, run.job.subject_id)


def read_scan(run: Run) -> None:
    """Read a waiting scan, for suggestions to the clerk."""
    scan_reading.run_read_scan(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def learn(run: Run) -> None:
    """Learn from the register how clerks and authorities decide; compute missing sketches."""
    asked_by = run.job.params.get("asked_by")
    resent.fill_in(run.services, heartbeat=run.heartbeat, now=run.now)
    lessons.run_learn(
        run.services, asked_by=int(asked_by) if asked_by is not None else None, heartbeat=run.heartbeat, now=run.now
    )


def index(run: Run) -> None:
    """Index the present state of a letter; the job's id is the document's version."""
    index_sync.put_letters(run.services, {run.job.subject_id: int(run.job.id)})


def index_backlog(run: Run) -> None:
    """Index a batch of an import. If a letter is refused, each letter gets a job of its own."""
    with run.services.reading() as session:
        taken = takeover_queries.letters_of_batch(session, run.job.subject_id)
    try:
        index_sync.put_letters(run.services, dict.fromkeys(taken, int(run.job.id)))
    except EngineFailed as failure:
        if failure.retryable:
            raise
        with run.services.unit_of_work(run.now) as uow:
            for mail_id in taken:
                uow.reindex(mail_id)


def rebuild_index(run: Run) -> None:
    """Build a new index beside the live index (started by ``ged index rebuild``)."""
    index_sync.rebuild(run.services, progress=lambda done, total: run.heartbeat(f"{done}/{total}"))


def seal(run: Run) -> None:
    """Sign the journal's head and write it outside the database."""
    seal_head(run.services, now=run.now)


def anchor(run: Run) -> None:
    """Anchor the journal, and request missing time-stamps."""
    anchor_journal(run.services, now=run.now)


def close_days(run: Run) -> None:
    """Close the past days and years of the registers. A closing that waits for a signature is retried another night."""
    for waiting in closing.close_what_is_over(run.services, now=run.now):
        logger.warning("closing.waits register=%s", waiting)


def export(run: Run) -> None:
    """Make a large file that a person requested."""
    exports.make(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def take_over(run: Run) -> None:
    """Take in a register that was kept as a spreadsheet."""
    uploads.take(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def take_over_scans(run: Run) -> None:
    """Join the files of a folder of scans to their letters."""
    scan_folders.take(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def entity_export(run: Run) -> None:
    """Write an entity, sealed for the installation that takes it in."""
    leaving.make(run.services, int(run.job.id), run.job.params, heartbeat=run.heartbeat, now=run.now)


def sweep(run: Run) -> None:
    """Remove what is over: expired files, files of letters whose destruction was decided, files of transactions that were rolled back,
    and the working folders of killed workers."""
    with run.services.unit_of_work(run.now) as uow:
        exports.forget(uow, now=run.now)
    with run.services.unit_of_work(run.now) as uow:
        factor_resets.lapse_due(uow)
    with run.services.unit_of_work(run.now) as uow:
        exceptional.settle_due(uow)
    with run.services.unit_of_work(run.now) as uow:
        disposal.lapse_due(uow)
    gone = destroying.run(run.services, now=run.now, heartbeat=run.heartbeat)
    with run.services.snapshot() as session:
        removed = archive_blobs.sweep(session, run.services.blobs, now=run.now)
    folders = files.sweep_private_dirs(run.services, older_than=run.now - archive_blobs.SWEEP_AFTER)
    folders += leaving.forget(run.services, now=run.now)
    pieces = partials.sweep(run.services, older_than=run.now - PIECES_KEPT)
    with run.services.unit_of_work(run.now) as uow:
        readings.forget(uow, now=run.now)
        signature_checks.forget(uow, now=run.now)
        opening.forget(uow, now=run.now)
        notice_mail.forget(uow, now=run.now)
        notices_returned.forget(uow, now=run.now)
        working.forget(uow, now=run.now)
        uploads.forget(uow, now=run.now)
        scan_folders.forget(uow, now=run.now)
        workbooks.forget(uow, now=run.now)
    logger.info("sweep.done removed=%s folders=%s pieces=%s destroyed=%s", removed, folders, pieces, gone)


def check_fixity(run: Run) -> None:
    """Compare all stored files with their digests. The first mismatch fails the job; the error names the file.

    Raises:
        EngineFailed: ``fixity.broken``.
    """
    with run.services.reading() as session:
        for digest, where, code in archive_blobs.broken_blobs(session, run.services.blobs):
            raise EngineFailed(
                "fixity.broken", "restore the file from a backup", digest=digest, where=where, cause=code
            )


def check_signatures(run: Run) -> None:
    """Check the signatures of an attachment from outside, or of a waiting scan, as of the time at which it was received."""
    if run.job.params.get("of") == signature_checks.OF_SCAN:
        signature_checks.run_scan_check(run.services, run.job.subject_id, now=run.now)
        return
    signature_checks.run_check(run.services, run.job.subject_id, now=run.now)


def notify(run: Run) -> None:
    """Send a letter by e-mail. The job is marked irrevocable before sending."""
    dispatch.run_notify(run.services, run.job, now=run.now)


def alerts(run: Run) -> None:
    """Check whether followed searches find new letters. Their owners are notified once."""
    saved_alerts.run_alerts(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def alert_mail(run: Run) -> None:
    """Send the e-mail of an alert. The job is marked irrevocable before sending."""
    saved_alerts.run_alert_mail(run.services, run.job, now=run.now)


def reminder_mail(run: Run) -> None:
    """Send the e-mail of a reminder. The job is marked irrevocable before sending."""
    reminders.run_reminder_mail(run.services, run.job, now=run.now)


def collect_mail(run: Run) -> None:
    """Collect every mailbox. A failed mailbox does not delay the others, but fails the job at the end.

    Raises:
        EngineFailed: the error of the first failed mailbox.
    """
    failures: list[EngineFailed] = []
    is_more = False
    for mailbox in run.services.mailboxes:
        try:
            is_more |= mailboxes.collect(run.services, mailbox, heartbeat=run.heartbeat, now=run.now)
        except EngineFailed as failure:
            logger.warning("mailbox.failed mailbox=%s code=%s", mailbox.name, failure.code)
            failures.append(failure)
    # A new job, as jobs are taken in order: those of the lane that wait already have their turn first.
    if is_more:
        with run.services.unit_of_work(run.now) as uow:
            uow.defer(JobKind.COLLECT_MAIL, 0)
    if failures:
        raise failures[0]


def preserve(run: Run) -> None:
    """Raise the signatures of one document as far as the authorities answer. A later job does the rest."""
    sort = preservation.SignedKind(str(run.job.params["of"]))
    preservation.preserve(run.services, sort, run.job.subject_id, now=run.now)


def preserve_due(run: Run) -> None:
    """Raise and renew the signatures of the documents that are due."""
    preservation.preserve_due(run.services, heartbeat=run.heartbeat, now=run.now)


def notices(run: Run) -> None:
    """Tell people what the journal says since the last run."""
    notice_finding.run(run.services, now=run.now)


def send_notice_mail(run: Run) -> None:
    """Send an e-mail about notices. The job is marked irrevocable before sending."""
    notice_mail.run_mail(run.services, run.job, now=run.now, point=morning.counted_lines)


def notice_digest(run: Run) -> None:
    """Order the e-mails of the morning of a working day, with the morning's point for those who asked for it."""
    try:
        morning.tell(run.services, now=run.now)
    finally:  # the notices of everybody go out, whatever is wrong with the morning's point
        notice_mail.digest(run.services, now=run.now)


def mail_loop(run: Run) -> None:
    """Write the day's message to ourselves. Sent twice, it does no harm: only this program reads it."""
    notices_returned.try_loop(run.services, actor=SYSTEM, now=run.now)


def remind(run: Run) -> None:
    """Remind of dates that are near or have passed."""
    date_reminders.run(run.services, heartbeat=run.heartbeat, now=run.now)


def directory_check(run: Run) -> None:
    """Sign out whoever is closed in the directory."""
    directory_closing.run(run.services, now=run.now)


def organisation_acts(run: Run) -> None:
    """Do the changes of the organisation that are planned for today."""
    planned.run(run.services, now=run.now)


def word_pages(run: Run) -> None:
    """Make the pages of a letter that is written in Word."""
    word_letters.run_pages(run.services, run.job.subject_id, now=run.now)


def count_figures(run: Run) -> None:
    """Count the letters of the acts since the last run."""
    figures.run(run.services, now=run.now, progress=lambda done, of: run.heartbeat(f"{done}/{of}"))


def heal_figures(run: Run) -> None:
    """Compare what is counted with the register, and count again where they differ."""
    figures.heal(run.services, now=run.now, progress=lambda done, of: run.heartbeat(f"{done}/{of}"))


def monthly_reports(run: Run) -> None:
    """Make the wanted reports of the months that have ended."""
    monthly_wishes.run(run.services, heartbeat=run.heartbeat, now=run.now)


def prove_report(run: Run) -> None:
    """Prove a monthly report that somebody asked about."""
    monthly_proofs.run(run.services, run.job.subject_id, heartbeat=run.heartbeat, now=run.now)


def prune_jobs(run: Run) -> None:
    """Turn old rows of jobs into figures, a batch in each transaction."""
    pruned, done = -1, 0
    while pruned:
        with run.services.unit_of_work(run.now) as uow:
            pruned = job_figures.prune(uow.session, scheduled=SCHEDULED, zone=run.services.zone, now=run.now)
        done += pruned
        run.heartbeat(str(done))


# --- the table of kinds


def _always(_uow: UnitOfWork) -> bool:
    return True


def _never(_uow: UnitOfWork) -> bool:
    return False


def _has_mailboxes(uow: UnitOfWork) -> bool:
    return bool(uow.services.mailboxes)


def _may_loop(uow: UnitOfWork) -> bool:
    return notices_returned.may_loop(uow.services)


def _has_follows(uow: UnitOfWork) -> bool:
    return bool(saved_searches.open_follows(uow.session))


def _has_acts(uow: UnitOfWork) -> bool:
    return notice_finding.has_acts(uow.session)


def _has_uncounted(uow: UnitOfWork) -> bool:
    return figures.has_acts(uow.session)


def _has_signatures_due(uow: UnitOfWork) -> bool:
    return preservation.is_due(uow, now=uow.now)


def _has_unsealed(uow: UnitOfWork) -> bool:
    return unsealed_entries(uow.services, uow.session) != 0


def _has_many_unsealed(uow: UnitOfWork) -> bool:
    return (unsealed_entries(uow.services, uow.session) or 0) >= SEAL_ENTRIES


@dataclass(frozen=True)
class Kind:
    """The properties of a kind of job.

    Attributes:
        function: idempotent: it may run twice, and after any crash.
        limit: timeout of a run; after it the job fails and waits for a person.
        schedule: when the job is due; missed due times are made up once.
        cause: called at a due time: whether there is work.
        early: called between two due times: whether so much work waits that the job is deferred at once.
        irrevocable: the job marks itself before an irrevocable act; if interrupted, it waits for a person.
        waits_out: while the server that the job needs is unreachable, the job waits without limit.
        opened_by: the contraction before which nothing schedules it: workers of the release before do not know the kind.
    """

    lane: Lane
    function: Callable[[Run], None]
    limit: timedelta
    schedule: Schedule | None = None
    cause: Callable[[UnitOfWork], bool] = _always
    early: Callable[[UnitOfWork], bool] = _never
    irrevocable: bool = False
    waits_out: bool = False
    opened_by: str = ""


_MINUTES, _HOUR, _DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)

KINDS: Mapping[JobKind, Kind] = {
    JobKind.INDEX: Kind(Lane.QUICK, index, _MINUTES, waits_out=True),
    JobKind.INTAKE: Kind(Lane.QUICK, intake, _HOUR, waits_out=True),
    JobKind.NOTIFY: Kind(Lane.QUICK, notify, _MINUTES, irrevocable=True),
    JobKind.ALERTS: Kind(Lane.QUICK, alerts, _HOUR, Every(minutes=3), cause=_has_follows),
    JobKind.ALERT_MAIL: Kind(Lane.QUICK, alert_mail, _MINUTES, irrevocable=True),
    JobKind.REMINDER_MAIL: Kind(Lane.QUICK, reminder_mail, _MINUTES, irrevocable=True),
    JobKind.CHECK_SIGNATURES: Kind(Lane.QUICK, check_signatures, _MINUTES),
    JobKind.SEAL: Kind(Lane.QUICK, seal, _MINUTES, Every(minutes=5), cause=_has_unsealed, early=_has_many_unsealed),
    JobKind.NOTICES: Kind(Lane.QUICK, notices, _MINUTES, Every(minutes=2), cause=_has_acts),
    JobKind.NOTICE_MAIL: Kind(Lane.QUICK, send_notice_mail, _MINUTES, irrevocable=True),
    JobKind.REMIND: Kind(Lane.UPKEEP, remind, _HOUR, Nightly(time(6, 0))),
    JobKind.MAIL_LOOP: Kind(Lane.UPKEEP, mail_loop, _MINUTES, Nightly(time(5, 30)), cause=_may_loop, opened_by="0190"),
    JobKind.NOTICE_DIGEST: Kind(Lane.UPKEEP, notice_digest, _MINUTES, Nightly(time(7, 0))),
    JobKind.READ_SCAN: Kind(Lane.DESK, read_scan, _HOUR),
    JobKind.WORD_PAGES: Kind(Lane.DESK, word_pages, _MINUTES),
    JobKind.ORGANISATION_ACTS: Kind(
        Lane.QUICK, organisation_acts, _MINUTES, Every(minutes=5), cause=planned.is_due, opened_by="0191"
    ),
    JobKind.DIRECTORY_CHECK: Kind(
        Lane.QUICK, directory_check, _MINUTES, Every(minutes=1), cause=directory_closing.is_due, opened_by="0191"
    ),
    JobKind.FIGURES: Kind(
        Lane.UPKEEP, count_figures, 4 * _HOUR, Every(minutes=2), cause=_has_uncounted, opened_by="0191"
    ),
    JobKind.HEAL_FIGURES: Kind(Lane.UPKEEP, heal_figures, 4 * _HOUR, Nightly(time(2, 45)), opened_by="0191"),
    JobKind.MONTHLY_REPORTS: Kind(
        Lane.UPKEEP, monthly_reports, 4 * _HOUR, Nightly(time(4, 0)), cause=monthly_wishes.is_due, opened_by="0191"
    ),
    JobKind.PROVE_REPORT: Kind(Lane.FILES, prove_report, 4 * _HOUR),
    JobKind.EXPORT: Kind(Lane.FILES, export, 4 * _HOUR),
    JobKind.ENTITY_EXPORT: Kind(Lane.SLOW, entity_export, _DAY),
    JobKind.COLLECT_MAIL: Kind(Lane.UPKEEP, collect_mail, 4 * _HOUR, Every(minutes=3), cause=_has_mailboxes),
    JobKind.PRESERVE: Kind(Lane.UPKEEP, preserve, _HOUR),
    JobKind.PRESERVE_DUE: Kind(Lane.UPKEEP, preserve_due, _DAY, Every(minutes=5), cause=_has_signatures_due),
    JobKind.CLOSE_DAYS: Kind(Lane.UPKEEP, close_days, 4 * _HOUR, Nightly(time(0, 30))),
    JobKind.ANCHOR: Kind(Lane.UPKEEP, anchor, 4 * _HOUR, Nightly(time(1, 30))),
    JobKind.SWEEP: Kind(Lane.UPKEEP, sweep, _DAY, Nightly(time(2, 0))),
    JobKind.PRUNE_JOBS: Kind(Lane.UPKEEP, prune_jobs, 4 * _HOUR, Nightly(time(2, 30))),
    JobKind.LEARN: Kind(Lane.UPKEEP, learn, _DAY, Nightly(time(3, 0))),
    JobKind.RECOGNISE: Kind(Lane.SLOW, recognise, _DAY),
    JobKind.CHECK_FIXITY: Kind(Lane.SLOW, check_fixity, 3 * _DAY, Nightly(time(3, 30), weekday=SUNDAY)),
    # Before pages that wait to be read: until it has ended, a search looks through numbers, subjects and senders alone.
    JobKind.REBUILD_INDEX: Kind(Lane.UPKEEP, rebuild_index, 3 * _DAY),
    JobKind.INDEX_BACKLOG: Kind(Lane.BACKLOG, index_backlog, _HOUR, waits_out=True),
    JobKind.TAKE_OVER: Kind(Lane.BACKLOG, take_over, _DAY),
    JobKind.TAKE_OVER_SCANS: Kind(Lane.FILES, take_over_scans, _DAY, waits_out=True),
    JobKind.RECOGNISE_BACKLOG: Kind(Lane.BACKLOG, recognise, _DAY),
    # When nothing else waits: in the lane of the first readings, which takes its oldest job, new letters stood behind the second
    # readings of those before, and no search found their text for minutes.
    JobKind.READ_AGAIN: Kind(Lane.BACKLOG, read_again, _HOUR),
    JobKind.READ_AGAIN_BACKLOG: Kind(Lane.BACKLOG, read_again, _HOUR),
}
SCHEDULED = frozenset(kind for kind, known in KINDS.items() if known.schedule is not None)


def lane_of(kind: JobKind) -> Lane:
    """The lane of a kind of job."""
    return KINDS[kind].lane


def kinds_of(lane: Lane) -> frozenset[JobKind]:
    """The kinds of job in a lane."""
    return frozenset(kind for kind, known in KINDS.items() if known.lane is lane)


# --- doing and asking


def run_job(
    services: Services,
    job_id: JobId,
    *,
    worker: str,
    lease: timedelta = jobs.LEASE,
    overdue: Callable[[], None] | None = None,
    batches: int = 1,
) -> bool:
    """Claim and run one job; False when there was none to claim. An error is stored in the job's row, never lost.

    Args:
        batches: of an import, how many batches are indexed in one write. A current letter may wait for that write.
        lease: how long other workers leave the job alone without a heartbeat of this worker.
        overdue: called when the job exceeds the limit of its kind (``Limits``).
    """
    now = datetime.now(UTC)
    for attempt in services.attempts(now):
        with attempt as uow:
            claimed = jobs.claim(uow.session, job_id, worker=worker, now=now, lease=lease)
    if claimed is None:
        return False
    kind = KINDS[claimed.kind]
    limits = Limits(kind.limit, lease, overdue)
    with runner.about(claimed):
        if claimed.kind is JobKind.INDEX:
            _index_many(services, claimed, limits)
        elif claimed.kind is JobKind.INDEX_BACKLOG and batches > 1:
            _index_batches(services, claimed, limits, batches)
        else:
            runner.run(services, claimed, kind.function, limits, waits_out=kind.waits_out)
    return True


def _index_many(services: Services, first: ClaimedJob, limits: Limits) -> None:
    """Run an index job and all other due index jobs in one write. During an outage only one job tries the index."""
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        until = jobs.outage_until(uow.session, JobKind.INDEX, now=now)
        more = jobs.claim_more(
            uow.session, JobKind.INDEX, worker=first.worker, now=now, limit=INDEX_BATCH - 1, lease=limits.lease
        )
        claimed = [first, *more]
        if until is not None:
            jobs.wait_out(uow.session, claimed, now=now, until=until)
            return
    newest: dict[int, int] = {}
    for job in claimed:
        newest[job.subject_id] = max(newest.get(job.subject_id, 0), int(job.id))
    try:
        with Beat(services, claimed, limits):
            index_sync.put_letters(services, newest)
    except Exception as error:  # noqa: BLE001  # every error is stored in the jobs' rows
        _index_failed(services, claimed, error, limits)
        return
    # The one job that tried during an outage got through: the others need not wait for their time.
    if runner.finish(services, claimed) and first.attempts > 1:
        finished = datetime.now(UTC)
        with services.unit_of_work(finished) as uow:
            jobs.resume(uow.session, JobKind.INDEX, now=finished)


def _index_batches(services: Services, first: ClaimedJob, limits: Limits, batches: int) -> None:
    """Index several batches of imports in one write: a commit of the index takes as long as a hundred letters."""
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        more = jobs.claim_more(
            uow.session, first.kind, worker=first.worker, now=now, limit=batches - 1, lease=limits.lease
        )
    claimed = [first, *more]
    try:
        with Beat(services, claimed, limits):
            with services.reading() as session:
                versions = {
                    mail_id: int(job.id)
                    for job in claimed
                    for mail_id in takeover_queries.letters_of_batch(session, job.subject_id)
                }
            index_sync.put_letters(services, versions)
    except Exception as error:  # noqa: BLE001  # every error is stored in the jobs' rows
        known = fault_of(error) or error
        if isinstance(known, EngineFailed) and known.retryable:
            runner.wait_out(services, claimed, known)
            return
        # One letter or one batch is refused: each batch goes its own way, as if it had been alone.
        for job in claimed:
            runner.run(services, job, index_backlog, limits, waits_out=True)
        return
    runner.finish(services, claimed)


def _index_failed(services: Services, claimed: list[ClaimedJob], error: Exception, limits: Limits) -> None:
    """Handle an error: wait during an outage; of several letters, find the refused letter."""
    error = fault_of(error) or error
    if isinstance(error, EngineFailed) and error.retryable:
        runner.wait_out(services, claimed, error)
        return
    if len(claimed) == 1:
        runner.note_failure(services, claimed[0], error)
        return
    for job in claimed:
        try:
            with Beat(services, claimed, limits):
                index_sync.put_letters(services, {job.subject_id: int(job.id)})
        except Exception as own:  # noqa: BLE001  # as above
            _index_failed(services, [job], own, limits)
            continue
        runner.finish(services, [job])


def schedule_periodic(services: Services, *, now: datetime) -> None:
    """Defer the jobs that are due, once each, and only where there is work.

    Due times that passed while no scheduler ran are made up once, however many they are. Several schedulers may run
    concurrently: the schedule's row is locked, and the served due time is committed with the job.
    """
    with services.reading() as session:
        served = jobs.served(session)
        wanted = {
            kind: known.schedule.latest(now, services.zone)
            for kind, known in sorted(KINDS.items())
            if known.schedule is not None and (not known.opened_by or schema.is_opened(session, known.opened_by))
        }
        is_put_off = jobs.is_put_off(session, now=now)
    if is_put_off:
        with services.unit_of_work(now) as uow:
            logger.warning("clock.was_ahead jobs=%s", jobs.bring_back(uow.session, now=now))
    due = [
        kind for kind, at in wanted.items()
        if _is_due(served.get(kind, jobs.NEVER), at, now) or KINDS[kind].early is not _never
    ]  # fmt: skip
    if not due:
        return
    with services.unit_of_work(now) as uow:
        for kind in due:
            _ask(uow, kind, wanted[kind])


def _is_due(served: datetime, due_at: datetime, now: datetime) -> bool:
    # Served far ahead of now: the clock was ahead then, and nothing would be due until that day.
    return served < due_at or jobs.is_to_come(served, now=now)


def _ask(uow: UnitOfWork, kind: JobKind, due_at: datetime) -> None:
    schedule = jobs.hold_schedule(uow.session, kind)
    is_due = _is_due(schedule.due_at, due_at, uow.now)
    if not is_due and not KINDS[kind].early(uow):
        return
    state = jobs.live_state(uow.session, kind)
    if state is JobState.RUNNING:
        return  # a run that began earlier: the job is deferred when it is over
    if state is None and KINDS[kind].cause(uow):
        uow.defer(kind, 0)
    if is_due:
        schedule.due_at = due_at
