"""The figures of an installation that its database and its folders tell, for a monitor: no names, no ids, few series.

A group is asked at once, and as often as it may cost.
"""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from ged.archive import copies
from ged.db import PROGRAM
from ged.health.problems import problems
from ged.health.proof import oldest_unsealed
from ged.health.readiness import tables_of
from ged.jobs import BACKLOG, LIVE_STATES, UNSETTLED_STATES, Job, JobKind, JobState
from ged.ports import Lane
from ged.preservation.models import Preservation
from ged.reports.certificates import certificate_ends, people_ends
from ged.reports.jobs import living_workers
from ged.space import Space
from ged.unit import Services

OFTEN_S, NOW_AND_THEN_S, SELDOM_S = 15.0, 60.0, 600.0
POST = (JobKind.NOTIFY, JobKind.ALERT_MAIL, JobKind.REMINDER_MAIL, JobKind.NOTICE_MAIL)
INDEXING = (JobKind.INDEX, JobKind.INDEX_BACKLOG)

GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ged_database_up": ("1 when the database answers.", ()),
    "ged_schema_ready": ("1 when the program runs on the tables of the database.", ()),
    "ged_program_info": ("The newest revision of the tables that this program knows.", ("revision",)),
    "ged_figures_failed": ("1 when the figures of a group could not be computed in time.", ("group",)),
    "ged_queue_jobs": ("Jobs that could run now, by lane.", ("lane",)),
    "ged_queue_oldest_seconds": ("How long the oldest job that could run has waited, by lane; 0 without one.", ("lane",)),
    "ged_jobs_stopped": ("Jobs that wait for a person's decision, by state (failed, uncertain).", ("state",)),
    "ged_workers": ("Living workers, by lane that they take jobs of.", ("lane",)),
    "ged_index_waiting": ("Letters whose index entry is to be written.", ()),
    "ged_index_lag_seconds": ("How long the oldest of them has waited; those of an archive taken over do not count.", ()),
    "ged_mail_undelivered": ("E-mails that have not left.", ()),
    "ged_mail_undelivered_oldest_seconds": ("How long the oldest of them has waited; 0 without one.", ()),
    "ged_backup_expected": ("1 when GED_BACKUP_TO names a medium.", ()),
    "ged_backup_age_seconds": ("Age of the last copy; missing where there was none.", ()),
    "ged_journal_unsealed_seconds": ("Age of the oldest entry of the journal that no sealed head covers; 0 without one.", ()),
    "ged_disk_free_bytes": ("Free bytes of the disk of a folder (data, temporary).", ("folder",)),
    "ged_disk_reserve_bytes": ("Below so many free bytes the program takes no files.", ()),
    "ged_problem": ("1 for each code that /sante tells.", ("code",)),
    "ged_signatures": ("Signed documents, by the level of their signatures; none: waits for the seal.", ("level",)),
    "ged_certificate_days": ("Days until a certificate or the revocation list ends; negative: it has ended.", ("which",)),
    "ged_people_certificates": ("Certificates of people's keys in use, by state (good, ending, ended).", ("state",)),
}  # fmt: skip
"""Name -> help and labels."""


@dataclass(frozen=True)
class Value:
    """One figure. ``labels``: the values of its labels."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Figures that are computed together; the values are kept for ``kept_s``."""

    look: Callable[[Services, Space, datetime], Iterator[Value]]
    kept_s: float


def database(services: Services, _space: Space, _now: datetime) -> Iterator[Value]:
    """Whether it answers, and has this program's tables."""
    with services.reading() as session:
        found, _revision = tables_of(session.connection())
    yield Value("ged_database_up", 1)
    yield Value("ged_schema_ready", found.may_run)


def work(services: Services, _space: Space, now: datetime) -> Iterator[Value]:
    """Queues, workers, the index and e-mails that wait: one statement over the jobs that are not done."""
    is_due = case((Job.run_after <= now, Job.run_after))
    asked = (
        select(Job.kind, Job.state, func.count(), func.min(Job.created_at), func.count(is_due), func.min(is_due))
        .where(Job.state.in_(UNSETTLED_STATES))
        .group_by(Job.kind, Job.state)
    )
    with services.reading() as session:
        rows = [tuple(row) for row in session.execute(asked)]
        living = living_workers(session, now)
    due: dict[Lane, int] = defaultdict(int)
    since: dict[Lane, list[datetime]] = defaultdict(list)
    for kind, state, _count, _created, due_count, due_since in rows:
        if state is JobState.QUEUED and due_count and kind not in BACKLOG:
            due[services.lane_of(kind)] += due_count
            since[services.lane_of(kind)].append(due_since)
    for lane in Lane:
        yield Value("ged_queue_jobs", due[lane], (lane.value,))
        yield Value("ged_queue_oldest_seconds", _age_s(min(since[lane], default=None), now), (lane.value,))
        yield Value("ged_workers", sum(lane in one.lanes for one in living), (lane.value,))
    for stopped in (JobState.FAILED, JobState.UNCERTAIN):
        count = sum(row[2] for row in rows if row[1] is stopped)
        yield Value("ged_jobs_stopped", count, (stopped.value,))
    indexing = [row for row in rows if row[0] in INDEXING and row[1] in LIVE_STATES]
    yield Value("ged_index_waiting", sum(row[2] for row in indexing))
    begun = min((row[3] for row in indexing if row[0] is JobKind.INDEX), default=None)
    yield Value("ged_index_lag_seconds", _age_s(begun, now))
    post = [row for row in rows if row[0] in POST]
    yield Value("ged_mail_undelivered", sum(row[2] for row in post))
    yield Value("ged_mail_undelivered_oldest_seconds", _age_s(min((row[3] for row in post), default=None), now))


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def disks(services: Services, space: Space, _now: datetime) -> Iterator[Value]:
    """Room on the disks."""
    yield Value("ged_disk_free_bytes", space.free_bytes(), ("data",))
    yield Value("ged_disk_free_bytes", shutil.disk_usage(tempfile.gettempdir()).free, ("temporary",))
    yield Value("ged_disk_reserve_bytes", space.reserve_bytes)
    yield Value("ged_program_info", 1, (PROGRAM,))
    yield Value("ged_backup_expected", services.is_copied)


def proof(services: Services, space: Space, now: datetime) -> Iterator[Value]:
    """The last copy, the journal's seal, and what ``/sante`` tells."""
    with services.reading() as session:
        copied = copies.last_made(session)
        unsealed = oldest_unsealed(session, services)
    if copied is not None:
        yield Value("ged_backup_age_seconds", _age_s(copied, now))
    yield Value("ged_journal_unsealed_seconds", _age_s(unsealed, now))
    for code in problems(services, space, now=now):
        yield Value("ged_problem", 1, (code,))


def signatures(services: Services, _space: Space, now: datetime) -> Iterator[Value]:
    """Signed documents by level, and the ends of certificates."""
    with services.reading() as session:
        yield from _levels(session)
        states = people_ends(session, now=now)
    for state, count in states.items():
        yield Value("ged_people_certificates", count, (state,))
    for which, ends in certificate_ends(services).items():
        yield Value("ged_certificate_days", (ends - now).total_seconds() / 86_400, (which,))


def _levels(session: Session) -> Iterator[Value]:
    counted = select(Preservation.level, func.count()).group_by(Preservation.level)
    for level, count in session.execute(counted):
        yield Value("ged_signatures", count, (level or "none",))


GROUPS: Mapping[str, Group] = {
    "disks": Group(disks, OFTEN_S),
    "database": Group(database, OFTEN_S),
    "work": Group(work, OFTEN_S),
    "proof": Group(proof, NOW_AND_THEN_S),
    "signatures": Group(signatures, SELDOM_S),
}
"""In the order in which they are asked."""


def space_of(services: Services, reserve_bytes: int) -> Space:
    """The disk of the data folder."""
    return Space(Path(services.data_dir), reserve_bytes)
