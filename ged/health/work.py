"""Checks of the work behind the pages: workers, jobs, the index, the scanning stations."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from ged.capture.desks import is_silent
from ged.capture.models import Bridge
from ged.destroyed import LATE_AFTER, DestroyedLetter
from ged.errors import EngineFailed
from ged.health.findings import Figures, Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground
from ged.jobs import CURRENT, LIVE_STATES, Job, JobKind, JobState, is_live, live_job
from ged.ports import IndexStatus, Lane
from ged.register.models import Mail
from ged.reports.jobs import living_workers

DUE_AFTER = timedelta(minutes=15)
"""A ready job starts within seconds; after a morning's scans it may wait minutes."""
LONG_AFTER = timedelta(hours=4)
"""As ``DUE_AFTER``, in a lane whose jobs take hours."""
PATIENT = (Lane.SLOW, Lane.BACKLOG)
NAMED = 3


def workers(ground: Ground) -> Finding:
    """Whether a worker lives for each lane."""
    with ground.reading() as session:
        living = living_workers(session, ground.now)
    if not living:
        return fault("none")
    served = {lane for one in living for lane in one.lanes}
    missing = [lane.value for lane in Lane if lane not in served]
    hosts = ", ".join(sorted({one.host for one in living}))
    if missing:
        return fault("lanes", lanes=", ".join(missing), workers=len(living), hosts=hosts)
    return ok(workers=len(living), hosts=hosts)


def queue(ground: Ground) -> Finding:
    """For how long the oldest runnable job of each lane has waited; those of an archive taken over do not count."""
    waiting = select(Job.kind, func.min(Job.run_after), func.count()).where(
        is_live(), Job.state == JobState.QUEUED, Job.run_after <= ground.now, Job.kind.in_(CURRENT)
    )
    with ground.reading() as session:
        rows = [(kind, since, count) for kind, since, count in session.execute(waiting.group_by(Job.kind))]
    lane_of = ground.serving.lane_of
    since: dict[Lane, datetime] = {}
    for kind, at, _count in rows:
        lane = lane_of(kind)
        since[lane] = min(at, since.get(lane, at))
    count = sum(row[2] for row in rows)
    if not since:
        return ok("empty")
    late = {lane: ground.now - at for lane, at in since.items() if ground.now - at > _patience(lane)}
    lane, waited = max((late or {one: ground.now - at for one, at in since.items()}).items(), key=lambda pair: pair[1])
    figures: Figures = {"lane": lane.value, "waited_s": round(waited.total_seconds()), "waiting": count}
    figures |= {f"{one.value}_s": round((ground.now - at).total_seconds()) for one, at in since.items()}
    return fault("old", **figures) if late else ok(**figures)


def _patience(lane: Lane) -> timedelta:
    return LONG_AFTER if lane in PATIENT else DUE_AFTER


def failed(ground: Ground) -> Finding:
    """How many jobs wait for a person's decision."""
    states = (JobState.FAILED, JobState.UNCERTAIN)
    counted = select(Job.kind, func.count()).where(Job.state.in_(states)).group_by(Job.kind)
    with ground.reading() as session:
        rows: dict[JobKind, int] = dict(iter(session.execute(counted)))
    if not rows:
        return ok()
    most = sorted(rows, key=lambda kind: -rows[kind])[:NAMED]
    return warning("failed", jobs=sum(rows.values()), kinds=", ".join(f"{kind.value} ({rows[kind]})" for kind in most))


def destructions(ground: Ground) -> Finding:
    """Whether letters wait whose files a slip of disposal destroys. The nightly job does it, of a file that was stored anew a day later.

    ``waits``: the job has tried it since; ``not_tried``: it has not come to its end since the last of these decisions.
    """
    with ground.reading() as session:
        late = select(DestroyedLetter.decided_at).where(
            DestroyedLetter.done_at.is_(None), DestroyedLetter.decided_at < ground.now - LATE_AFTER
        )
        since = session.scalars(late.order_by(DestroyedLetter.decided_at)).all()
        swept = select(func.max(Job.finished_at)).where(Job.kind == JobKind.SWEEP, Job.state == JobState.DONE)
        ran_at = session.scalar(swept) if since else None
    if not since:
        return ok()
    figures: Figures = {"letters": len(since), "since_at": since[0].isoformat()}
    if ran_at is None or ran_at < since[-1]:
        return warning("not_tried", **figures)
    return warning("waits", **figures, ran_at=ran_at.isoformat())


def index(ground: Ground) -> Finding:
    """Whether the index answers, and can be searched by this program."""
    try:
        status = ground.serving.index.status()
    except EngineFailed as error:
        # The embedded engine is a folder: nobody can start it, and its address is no setting.
        code = "damaged" if error.params.get("place") == "folder" else "away"
        return fault(code, why=str(error.params.get("why", "")) or error.code)
    if not status.generation:
        return _unreadable(ground, status) if status.schema_version else _no_index(ground)
    if status.building is not None:
        return warning("building", engine=status.engine, documents=status.documents)
    return ok(engine=status.engine, documents=status.documents)


def _unreadable(ground: Ground, status: IndexStatus) -> Finding:
    """An index that another release made: whether it is being rebuilt, and how far."""
    with ground.reading() as session:
        if live_job(session, JobKind.REBUILD_INDEX) is None:
            return fault("outdated", engine=status.engine)
        letters = session.scalar(select(func.count(Mail.id))) or 0
        position = status.building.position if status.building is not None else 0
        done = session.scalar(select(func.count(Mail.id)).where(Mail.id <= position)) or 0
    return warning("rebuilding", engine=status.engine, done=done, letters=letters)


def _no_index(ground: Ground) -> Finding:
    with ground.reading() as session:
        letters = session.scalar(select(func.count(Mail.id))) or 0
    return fault("none", letters=letters) if letters else not_applicable("none_yet")


def index_lag(ground: Ground) -> Finding:
    """How far the index is behind the database: letters that wait, for how long, and the two numbers of letters."""
    with ground.reading() as session:
        of_index = Job.kind.in_((JobKind.INDEX, JobKind.INDEX_BACKLOG))
        waiting, since = session.execute(
            select(func.count(), func.min(Job.created_at)).where(of_index, Job.state.in_(LIVE_STATES))
        ).one()
        broken = session.scalar(select(func.count()).where(of_index, Job.state == JobState.FAILED)) or 0
        backlog = session.scalar(
            select(Job.id).where(Job.kind == JobKind.INDEX_BACKLOG, Job.state.in_(LIVE_STATES)).limit(1)
        )
        letters = session.scalar(select(func.count(Mail.id))) or 0
    try:
        status = ground.serving.index.status()
    except EngineFailed:
        return not_applicable("away")
    if status.schema_version and not status.generation:
        return not_applicable("unreadable")
    waited_s = round((ground.now - since).total_seconds()) if since is not None else 0
    figures: Figures = {
        "waiting": waiting,
        "waited_s": waited_s,
        "letters": letters,
        "documents": status.documents,
        "failed": broken,
    }
    if broken:
        return warning("failed", **figures)
    if backlog is not None:
        return ok("backlog", **figures)
    if waiting and waited_s > DUE_AFTER.total_seconds():
        return fault("behind", **figures)
    if not waiting and status.documents != letters:
        return warning("differs", **figures)
    return ok(**figures)


def bridges(ground: Ground) -> Finding:
    """When the scanning stations were last seen."""
    seen = func.coalesce(Bridge.last_seen_at, Bridge.paired_at)
    query = select(Bridge.name, Bridge.last_seen_at, seen, is_silent(ground.now)).where(Bridge.revoked_at.is_(None))
    with ground.reading() as session:
        rows = session.execute(query.order_by(Bridge.name)).all()
    if not rows:
        return not_applicable("none")
    silent = [name for name, _last, _since, is_late in rows if is_late]
    if silent:
        last = max((last for _name, last, _since, _is_late in rows if last is not None), default=None)
        names = ", ".join(silent[:NAMED]) + (", …" if len(silent) > NAMED else "")
        return warning("silent", stations=len(rows), silent=len(silent), names=names, **_at("last_at", last))
    return ok(stations=len(rows), oldest_at=min(since for _name, _last, since, _is_late in rows).isoformat())


def _at(name: str, at: datetime | None) -> dict[str, str]:
    return {name: at.isoformat() if at is not None else ""}
