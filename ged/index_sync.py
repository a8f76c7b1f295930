"""Keeps the index consistent with SQL: bulk indexing, rebuilding beside the live index, and comparison.

SQL is the source of truth. Every change of a letter creates an index job. The job's id is the version of the document
that it writes. So the letters changed after a moment are those with a higher job id.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ged import access, job_figures, jobs
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind, JobState
from ged.org.models import Unit
from ged.ports import Confidentiality, IndexDocument, IndexedLetter, MailId, Principal
from ged.progress import PartProgress
from ged.register.models import Mail
from ged.routing.models import Assignment
from ged.routing.undoing import gives_nothing
from ged.search.indexing import index_documents
from ged.takeover import queries as takeover_queries
from ged.unit import Services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)

BATCH = 500
FEW = 50
"""At most this many changed letters are left to be indexed at the moment of the swap."""
MAX_ROUNDS = 20
ASKED_AGAIN_AFTER = timedelta(days=1)


def build_documents(session: "Session", versions: "Mapping[int, int]") -> list[IndexDocument]:
    """The index documents of letters, with the units that work on them; deleted letters are left out."""
    units: dict[int, list[str]] = {}
    rows = session.execute(
        select(Assignment.mail_id, Unit.code)
        .join(Unit, Assignment.unit_id == Unit.id)
        .where(Assignment.mail_id.in_(versions), ~gives_nothing())
        .order_by(Unit.code)
        .distinct()
    )
    holding = session.execute(
        select(Mail.id, Unit.code).join(Unit, Mail.responsible_unit_id == Unit.id).where(Mail.id.in_(versions))
    )
    for mail_id, code in (*rows, *holding):
        if code not in units.setdefault(mail_id, []):
            units[mail_id].append(code)
    return index_documents(session, versions, units=units)


def put_letters(services: Services, versions: "Mapping[int, int]") -> None:
    """Index the present state of these letters, and remove deleted letters from the index."""
    with services.reading() as session:
        documents = build_documents(session, versions)
    # Outside of the session: the index may be slow or away, and no connection waits for it.
    services.index.put(documents)
    gone = versions.keys() - {document.mail_id for document in documents}
    if gone:
        services.index.remove([MailId(mail_id) for mail_id in sorted(gone)])


# --- rebuild


def ask_rebuild_if_outdated(services: Services, *, now: datetime) -> bool:
    """Ask for the rebuild of an index that another release made. A worker calls this from its start on, until it returns True.

    A rebuild that failed less than a day ago is left to a person: else each start of a worker would try it again.

    Returns:
        Whether the index is in order. Not while the engine is away, and not until the rebuild is published: a worker of
        another release that still runs may take the job, and make an index of its own.
    """
    try:
        is_outdated = services.index.status().is_outdated
    # An engine that is away is no reason for a rebuild, which would wait for it too.
    except EngineFailed:
        return False
    if is_outdated:
        with services.unit_of_work(now) as uow:
            jobs.hold_schedule(uow.session, JobKind.REBUILD_INDEX)  # of two workers that start, one waits here
            if not jobs.is_unsettled(uow.session, JobKind.REBUILD_INDEX, since=now - ASKED_AGAIN_AFTER):
                uow.defer(JobKind.REBUILD_INDEX, 0)
                logger.warning("index.outdated rebuild=asked")
    return not is_outdated


def rebuild(services: Services, *, progress: PartProgress) -> int:
    """Build a new index beside the live index, or resume an interrupted rebuild, then swap.

    Searching, registering and indexing go on meanwhile. Changed letters are read again before the swap, and once more
    after it.

    Returns:
        The number of letters read in this run.
    """
    with services.reading() as session:
        # Before any letter is read: whatever changes from here on has a job with a higher id, and is read again.
        latest = jobs.latest_id(session)
        forgotten = job_figures.pruned_until(session, (JobKind.INDEX, JobKind.INDEX_BACKLOG))
    building = services.index.begin_rebuild(latest)
    position, version = building.position, building.version
    if version < forgotten:
        # The jobs since the beginning of that generation were deleted, so its changes are unknown: read all letters.
        position, version = 0, latest
    count = _fill(services, position, version, progress)
    covered, rounds, changed = version, 0, FEW + 1
    # Each round takes in what changed during the one before, so the last one is short. The limit ends a race with an
    # import.
    while changed > FEW and rounds < MAX_ROUNDS:
        covered, changed = _catch_up(services, covered, services.index.extend)
        rounds += 1
    services.index.publish()
    # What was indexed between the last round and the swap went into the earlier index alone.
    _catch_up(services, covered, services.index.put)
    now = datetime.now(UTC)
    # A failed job hides its letter from searches; the new index holds its present state.
    settle_failed(services, now=now)
    with services.unit_of_work(now) as uow:
        jobs.resume(uow.session, JobKind.INDEX, now=now)
    return count


def _fill(services: Services, position: int, version: int, progress: PartProgress) -> int:
    with services.reading() as session:
        total = session.scalar(select(func.count(Mail.id))) or 0
        before = done = session.scalar(select(func.count(Mail.id)).where(Mail.id <= position)) or 0
    while True:
        progress(done, total)
        with services.reading() as session:
            ids = session.scalars(select(Mail.id).where(Mail.id > position).order_by(Mail.id).limit(BATCH)).all()
            documents = build_documents(session, dict.fromkeys(ids, version))
        if not ids:
            return done - before
        position = ids[-1]
        # The position is stored with the documents: a rebuild that is killed goes on from there.
        services.index.extend(documents, position=position)
        done += len(ids)
        total = max(total, done)


def _catch_up(services: Services, since: int, put: Callable[[Iterable[IndexDocument]], None]) -> tuple[int, int]:
    """Read the letters of jobs above ``since`` again. Returns (the last job id now covered, the number of letters)."""
    with services.reading() as session:
        latest = jobs.latest_id(session)
        changed = select(Job.subject_id).where(Job.kind == JobKind.INDEX, Job.id > since, Job.id <= latest).distinct()
        ids = sorted({*session.scalars(changed), *takeover_queries.taken_since(session, since, latest)})
    for some in _chunks(ids):
        with services.reading() as session:
            documents = build_documents(session, dict.fromkeys(some, latest))
        put(documents)
    return latest, len(ids)


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def covered(services: Services) -> tuple[int, int]:
    """What the live index certainly holds: (job id up to which all jobs are done, highest letter id)."""
    with services.reading() as session:
        job_id = jobs.covered_id(session, (JobKind.INDEX, JobKind.INDEX_BACKLOG))
        return job_id, session.scalar(select(func.max(Mail.id))) or 0


def latest_job(services: Services) -> int:
    """The id of the newest job."""
    with services.reading() as session:
        return jobs.latest_id(session)


# --- comparison


class Difference(StrEnum):
    """How the index differs from SQL."""

    MISSING = "missing"
    EXTRA = "extra"
    STALE = "stale"
    ACCESS = "access"
    AHEAD = "ahead"
    """A version newer than SQL's: the database was restored from a backup. Only a rebuild repairs this."""


@dataclass(frozen=True)
class IndexReport:
    """The result of a comparison: differences by letter, and the number of waiting index jobs (no differences)."""

    letters: int
    differences: "Mapping[int, Difference]" = field(default_factory=dict)
    waiting: int = 0


@dataclass(frozen=True)
class _Wanted:
    version: int
    level: Confidentiality
    principals: frozenset[Principal]
    is_waiting: bool


def compare(services: Services, *, progress: PartProgress) -> IndexReport:
    """Compare every letter of SQL with the index. A difference counts only if a second check confirms it."""
    with services.reading() as session:
        latest = jobs.latest_id(session)
        total = session.scalar(select(func.count(Mail.id))) or 0
        open_jobs = select(func.count(Job.id)).where(Job.kind == JobKind.INDEX, Job.state.in_(jobs.UNSETTLED_STATES))
        waiting = session.scalar(open_jobs) or 0
    suspects: list[int] = []
    low, letters = 0, 0
    while True:
        wanted, held = _wanted(services, low, BATCH), services.index.scan(after=low, limit=BATCH)
        # Two pages seldom end at the same letter. What lies above the lower end is compared with the next pages.
        ends = [page[-1] for page in (list(wanted), [one.mail_id for one in held]) if len(page) == BATCH]
        high = min(ends, default=None)
        found = {one.mail_id: one for one in held if high is None or one.mail_id <= high}
        asked = {mail_id: one for mail_id, one in wanted.items() if high is None or mail_id <= high}
        suspects += _differences(asked, found, latest)
        letters += len(asked)
        progress(letters, max(total, letters))
        if high is None:
            return IndexReport(letters, _confirmed(services, suspects), waiting)
        low = int(high)


def _confirmed(services: Services, suspects: Sequence[int]) -> dict[int, Difference]:
    found: dict[int, Difference] = {}
    for mail_id in suspects:
        held = [one for one in services.index.scan(after=mail_id - 1, limit=1) if one.mail_id == mail_id]
        wanted = {one: what for one, what in _wanted(services, mail_id - 1, 1).items() if one == mail_id}
        with services.reading() as session:
            latest = jobs.latest_id(session)
        found |= _differences(wanted, {one.mail_id: one for one in held}, latest)
    return found


def _wanted(services: Services, low: int, limit: int) -> dict[int, _Wanted]:
    """The expected index state of the next letters above an id."""
    with services.reading() as session:
        rows = session.execute(select(Mail.id, Mail.level).where(Mail.id > low).order_by(Mail.id).limit(limit))
        levels = dict(iter(rows))
        asked = select(Job.subject_id, Job.state, func.max(Job.id)).where(
            Job.kind == JobKind.INDEX, Job.subject_id.in_(levels)
        )
        states: dict[int, dict[JobState, int]] = {}
        for mail_id, state, number in session.execute(asked.group_by(Job.subject_id, Job.state)):
            states.setdefault(mail_id, {})[state] = number
        principals = access.principals_of_many(session, levels)
        backlog = takeover_queries.waiting_for_index(session, levels)
    return {
        mail_id: _Wanted(
            max(states.get(mail_id, {}).values(), default=0),
            Confidentiality(level),
            principals.get(mail_id, frozenset()),
            mail_id in backlog or bool(states.get(mail_id, {}).keys() & set(jobs.LIVE_STATES)),
        )
        for mail_id, level in levels.items()
    }


def _differences(
    wanted: "Mapping[int, _Wanted]", held: "Mapping[MailId, IndexedLetter]", latest: int
) -> dict[int, Difference]:
    found: dict[int, Difference] = {int(mail_id): Difference.EXTRA for mail_id in held if mail_id not in wanted}
    for mail_id, one in wanted.items():
        if one.is_waiting:
            continue
        other = held.get(MailId(mail_id))
        kind = Difference.MISSING if other is None else _difference(one, other, latest)
        if kind is not None:
            found[mail_id] = kind
    return found


def _difference(wanted: _Wanted, held: IndexedLetter, latest: int) -> Difference | None:
    if held.version > latest:
        return Difference.AHEAD
    if held.version < wanted.version:
        return Difference.STALE
    has_rights = wanted.principals or held.principals
    if has_rights and (wanted.level, wanted.principals) != (held.level, held.principals):
        return Difference.ACCESS
    return None


def ask_to_mend(services: Services, report: IndexReport, *, now: datetime) -> list[int]:
    """Defer an index job for each letter that differs; returns the letters. ``AHEAD`` letters need a rebuild."""
    mendable = [mail_id for mail_id, kind in report.differences.items() if kind is not Difference.AHEAD]
    for some in _chunks(mendable):
        with services.unit_of_work(now) as uow:
            for mail_id in some:
                uow.reindex(mail_id, access=report.differences[mail_id] is Difference.ACCESS)
    return mendable


def settle_failed(services: Services, *, now: datetime) -> int:
    """Mark failed index jobs as done if the index has meanwhile that version (after a rebuild): they hide no letter."""
    with services.unit_of_work(now) as uow:
        failed = uow.session.scalars(select(Job).where(Job.kind == JobKind.INDEX, Job.state == JobState.FAILED)).all()
        held = services.index.versions([MailId(job.subject_id) for job in failed])
        # The version of a document is the id of the job that wrote it, so a higher one holds all that this job should
        # have written.
        done = [job for job in failed if held.get(MailId(job.subject_id), -1) >= job.id]
        for job in done:
            job.state, job.finished_at = JobState.DONE, now
    return len(done)
