"""A job that outlives its lease never runs twice at once, and a worker that lost the lease writes nothing; schedules;
figures."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from ged import audit, job_figures, jobs, pipeline, schema
from ged.adapters.blobs_fs import FileBlobs
from ged.archive import keeping
from ged.errors import EngineFailed, LeaseLost
from ged.job_figures import JobFigure
from ged.jobs import ClaimedJob, Job, JobKind, JobState
from ged.ports import Digest, JobId
from ged.runner import Limits, run
from ged.unit import SYSTEM, Services
from tests.factories import NOW, make_services

LATER = NOW + timedelta(minutes=1)
LEASE = timedelta(seconds=0.8)
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    if request.param == "sqlite":
        return None
    make: Callable[[], str] = request.getfixturevalue("make_database")
    return make()


@pytest.fixture
def services(url: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=url)
    yield made
    made.engine.dispose()


def ask(services: Services, kind: JobKind, subject_id: int = 0, *, at: datetime = NOW) -> JobId:
    with services.unit_of_work(at) as uow:
        uow.defer(kind, subject_id)
    with services.reading() as session:
        return JobId(jobs.latest_id(session))


def claim(services: Services, job_id: JobId, worker: str, at: datetime) -> ClaimedJob | None:
    with services.unit_of_work(at) as uow:
        return jobs.claim(uow.session, job_id, worker=worker, now=at)


def state(services: Services, job_id: JobId) -> tuple[JobState, int, str]:
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        return job.state, job.attempts, job.worker


class SlowBlobs(FileBlobs):
    """A store in which listing all files takes as long as the test wants."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.runs = 0
        self.begun, self.go = threading.Event(), threading.Event()

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        self.runs += 1
        self.begun.set()
        assert self.go.wait(30)
        return super().digests()


@pytest.mark.servers
def test_a_job_that_outlives_its_lease_is_run_once(make_database: Callable[[], str], tmp_path: Path) -> None:
    url = make_database()
    blobs = SlowBlobs(tmp_path / "slow")
    one = replace(make_services(tmp_path / "a", url=url), blobs=blobs)
    two = replace(make_services(tmp_path / "b", url=url, create=False), blobs=blobs)
    job_id = ask(one, JobKind.SWEEP)
    first = threading.Thread(target=pipeline.run_job, args=(one, job_id), kwargs={"worker": "w1", "lease": LEASE})
    first.start()
    assert blobs.begun.wait(20)
    taken, until = [], time.monotonic() + 4 * LEASE.total_seconds()
    while time.monotonic() < until:
        with two.reading() as session:
            due = jobs.due(session, now=datetime.now(UTC))
        taken += [pipeline.run_job(two, found, worker="w2", lease=LEASE) for found in due]
    blobs.go.set()
    first.join()
    assert (blobs.runs, taken) == (1, [])
    assert state(one, job_id) == (JobState.DONE, 1, "w1")
    for services in (one, two):
        services.engine.dispose()


def test_a_worker_that_lost_its_lease_says_nothing_more(services: Services) -> None:
    job_id = ask(services, JobKind.SWEEP)
    lost = claim(services, job_id, "w1", NOW)
    held = claim(services, job_id, "w2", LATER)
    assert lost is not None
    assert held is not None
    said: list[Callable[[Session], object]] = [
        lambda session: jobs.finish(session, lost, now=LATER),
        lambda session: jobs.fail(session, lost, EngineFailed("ocr.page"), now=LATER),
        lambda session: jobs.renew(session, [lost], now=LATER),
        lambda session: jobs.mark_irrevocable(session, lost, now=LATER),
        # The same worker, with an earlier attempt of its own.
        lambda session: jobs.finish(session, replace(held, attempts=1), now=LATER),
    ]
    for say in said:
        with pytest.raises(LeaseLost), services.unit_of_work(LATER) as uow:
            say(uow.session)
    assert state(services, job_id) == (JobState.RUNNING, 2, "w2")
    with services.unit_of_work(LATER) as uow:
        jobs.finish(uow.session, held, now=LATER)
    with pytest.raises(LeaseLost), services.unit_of_work(LATER) as uow:
        jobs.fail(uow.session, held, EngineFailed("ocr.page"), now=LATER)
    assert state(services, job_id)[0] is JobState.DONE


def test_what_a_worker_wrote_after_it_lost_its_lease_is_rolled_back(services: Services) -> None:
    job_id = ask(services, JobKind.SWEEP)
    lost = claim(services, job_id, "w1", NOW)
    assert lost is not None

    def work(given: pipeline.Run) -> None:
        with given.services.unit_of_work(NOW) as uow:
            uow.record("thing.before", "thing", 1, actor=SYSTEM)
        with services.unit_of_work(NOW) as uow:  # another worker finds that the lease has ended
            uow.session.execute(update(Job).where(Job.id == job_id).values(lease_until=NOW))
        assert claim(services, job_id, "w2", LATER) is not None
        with given.services.unit_of_work(NOW) as uow:
            uow.record("thing.after", "thing", 1, actor=SYSTEM)

    run(services, lost, work, Limits(timedelta(minutes=5)))
    with services.reading() as session:
        actions = session.scalars(select(audit.AuditEntry.action)).all()
    assert actions == ["thing.before"]
    assert state(services, job_id) == (JobState.RUNNING, 2, "w2")


def test_a_job_that_takes_longer_than_its_kind_may_is_ended(services: Services) -> None:
    job_id = ask(services, JobKind.SWEEP)
    held = claim(services, job_id, "w1", NOW)
    assert held is not None
    ended = threading.Event()

    def work(given: pipeline.Run) -> None:
        assert ended.wait(20)
        with given.services.unit_of_work(NOW) as uow:
            uow.record("thing.late", "thing", 1, actor=SYSTEM)

    run(services, held, work, Limits(timedelta(seconds=0.1), overdue=ended.set))
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.FAILED, "job.too_long")
        assert audit.head(session).count == 0


def test_many_jobs_are_taken_in_one_statement(services: Services) -> None:
    for subject in range(30):
        ask(services, JobKind.INDEX, subject)
    statements: list[str] = []
    with services.unit_of_work(NOW) as uow:
        connection = uow.session.connection()
        event.listen(
            connection, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement)
        )
        taken = jobs.claim_more(uow.session, JobKind.INDEX, worker="w1", now=NOW, limit=20)
    assert len([one for one in statements if "jobs" in one]) == 1
    assert [job.subject_id for job in taken] == list(range(20))
    with services.unit_of_work(NOW) as uow:
        rest = jobs.claim_more(uow.session, JobKind.INDEX, worker="w2", now=NOW, limit=20)
        assert [job.subject_id for job in rest] == list(range(20, 30))
        jobs.finish_many(uow.session, taken, now=NOW)


def counted(services: Services) -> Counter[JobKind]:
    with services.reading() as session:
        return Counter(session.scalars(select(Job.kind)))


def do_all(services: Services, at: datetime) -> None:
    with services.unit_of_work(at) as uow:
        for job_id in jobs.due(uow.session, now=at, limit=100):
            held = jobs.claim(uow.session, job_id, worker="w", now=at)
            assert held is not None
            uow.session.flush()
            jobs.finish(uow.session, held, now=at)


def test_a_night_that_was_missed_is_made_up_once(services: Services) -> None:
    def look(text: str) -> int:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        before = counted(services)[JobKind.SWEEP]
        pipeline.schedule_periodic(services, now=at)
        pipeline.schedule_periodic(services, now=at)
        do_all(services, at)
        return counted(services)[JobKind.SWEEP] - before

    assert look("2026-11-24T01:00") == 1, "a new installation has done nothing yet"
    assert look("2026-11-24T01:59") == 0
    assert look("2026-11-24T02:00") == 1
    assert look("2026-11-24T23:00") == 0
    assert look("2026-11-25T02:00:30") == 1
    # Three nights without a worker.
    assert look("2026-11-28T09:00") == 1
    assert look("2026-11-29T01:59") == 0
    assert look("2026-11-29T02:00") == 1


def test_a_kind_that_older_workers_cannot_read_is_scheduled_when_its_contraction_has_run(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_later = replace(pipeline.KINDS[JobKind.SWEEP], opened_by="9001")
    monkeypatch.setattr(pipeline, "KINDS", {**pipeline.KINDS, JobKind.SWEEP: opened_later})
    for oldest, scheduled in (("9000", 0), ("9001", 1)):
        with services.engine.begin() as connection:
            schema.keep(connection, oldest)
        pipeline.schedule_periodic(services, now=NOW)
        assert counted(services)[JobKind.SWEEP] == scheduled


def test_what_still_runs_at_its_next_time_is_asked_for_when_it_is_over(services: Services) -> None:
    pipeline.schedule_periodic(services, now=NOW)
    with services.reading() as session:
        job_id = JobId(session.scalars(select(Job.id).where(Job.kind == JobKind.SEAL)).one())
    held = claim(services, job_id, "w1", NOW)
    assert held is not None
    later = NOW + timedelta(hours=2)
    pipeline.schedule_periodic(services, now=later)
    assert counted(services)[JobKind.SEAL] == 1
    with services.unit_of_work(later) as uow:
        jobs.finish(uow.session, held, now=later)
    pipeline.schedule_periodic(services, now=later)
    pipeline.schedule_periodic(services, now=later)
    assert counted(services)[JobKind.SEAL] == 2


def test_what_waits_in_numbers_is_asked_for_before_its_time(services: Services) -> None:
    def record(many: int) -> None:
        with services.unit_of_work(NOW) as uow:
            for n in range(many):
                uow.record("thing.changed", "thing", n, actor=SYSTEM)

    def look(at: datetime) -> int:
        before = counted(services)[JobKind.SEAL]
        pipeline.schedule_periodic(services, now=at)
        do_all(services, at)
        return counted(services)[JobKind.SEAL] - before

    record(1)
    keeping.seal_head(services, now=NOW)
    assert look(NOW) == 0, "all is sealed"
    record(pipeline.SEAL_ENTRIES - 1)
    assert look(NOW + timedelta(minutes=1)) == 0
    record(1)
    assert look(NOW + timedelta(minutes=2)) == 1
    keeping.seal_head(services, now=NOW)
    assert look(NOW + timedelta(minutes=3)) == 0
    record(1)
    assert look(NOW + timedelta(minutes=5)) == 1, "one is enough when the time has come"


def test_old_rows_become_figures_and_what_waits_for_a_person_stays(services: Services) -> None:
    old, young = NOW - timedelta(days=31), NOW - timedelta(days=29)

    def row(kind: JobKind, end: JobState, at: datetime, seconds: float, subject_id: int = 0) -> Job:
        begun = at - timedelta(seconds=seconds)
        made = jobs.new(kind, subject_id, now=begun)
        made.state, made.started_at, made.finished_at = end, begun, at
        return made

    with services.unit_of_work(NOW) as uow:
        uow.session.add_all(row(JobKind.INDEX, JobState.DONE, old, 2.0, n) for n in range(1200))
        uow.session.add_all(
            [
                row(JobKind.INDEX, JobState.DONE, old, 9.0, 5000),
                row(JobKind.SWEEP, JobState.FAILED, old, 4.0),
                row(JobKind.INDEX, JobState.FAILED, old, 1.0, 5001),
                row(JobKind.NOTIFY, JobState.UNCERTAIN, old, 1.0, 5002),
                row(JobKind.INDEX, JobState.DONE, young, 1.0, 5003),
            ]
        )
    job_id = ask(services, JobKind.PRUNE_JOBS)
    with services.unit_of_work(NOW) as uow:
        assert job_figures.prune(uow.session, scheduled=pipeline.SCHEDULED, zone=services.zone, now=NOW) == 1000
    held = claim(services, job_id, "w", NOW)
    assert held is not None
    pipeline.KINDS[JobKind.PRUNE_JOBS].function(pipeline.Run(services, held, lambda _: None, NOW))
    with services.reading() as session:
        left = session.scalars(select(Job.subject_id).where(Job.id != job_id).order_by(Job.subject_id)).all()
        figures = {
            (one.day, one.kind): (one.count, one.failed, one.seconds_sum, one.seconds_max)
            for one in session.scalars(select(JobFigure))
        }
        assert job_figures.pruned_until(session, [JobKind.INDEX]) == 1201
    assert left == [5001, 5002, 5003]
    day = date(2026, 10, 24)
    assert figures == {
        (day, JobKind.INDEX): (1201, 0, pytest.approx(2409.0), pytest.approx(9.0)),
        (day, JobKind.SWEEP): (1, 1, pytest.approx(4.0), pytest.approx(4.0)),
    }
