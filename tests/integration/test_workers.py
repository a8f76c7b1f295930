"""Which workers live, and how long jobs have waited: the data of the health page."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from ged import jobs, workers
from ged.jobs import JobKind
from ged.ports import JobId, Lane
from ged.reports.jobs import living_workers, oldest_due
from ged.workers import Worker
from tests.factories import NOW, make_services


def test_a_worker_lives_while_it_is_heard_of(tmp_path: Path) -> None:
    services = make_services(tmp_path)

    def beat(name: str, seconds: float) -> None:
        with services.unit_of_work(NOW) as uow:
            at = NOW + timedelta(seconds=seconds)
            workers.beat(uow.session, name, host="srv1", lanes=(Lane.QUICK, Lane.SLOW), now=at)

    def living(seconds: float) -> list[tuple[str, tuple[Lane, ...], float]]:
        with services.reading() as session:
            found = living_workers(session, NOW + timedelta(seconds=seconds))
        return [(one.name, one.lanes, (one.beat_at - one.started_at).total_seconds()) for one in found]

    assert living(0) == []
    beat("b", 0)
    beat("a", 0)
    beat("a", 40)
    lanes = (Lane.QUICK, Lane.SLOW)
    assert living(41) == [("a", lanes, 40.0), ("b", lanes, 0.0)]
    assert living(50) == [("a", lanes, 40.0)]
    with services.unit_of_work(NOW) as uow:
        workers.leave(uow.session, "a")
    assert living(41) == [("b", lanes, 0.0)]
    beat("c", 2 * 86_400)
    with services.reading() as session:
        assert session.scalars(select(Worker.name)).all() == ["c"], "who was not heard of for a day is forgotten"


def test_the_oldest_job_that_could_run_is_told(tmp_path: Path) -> None:
    services = make_services(tmp_path)

    def oldest():
        with services.reading() as session:
            return oldest_due(session, NOW + timedelta(minutes=5))

    assert oldest() is None
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.RECOGNISE_BACKLOG, 1)
        uow.defer(JobKind.INDEX, 2, run_after=NOW + timedelta(hours=1))
    assert oldest() is None, "an archive waits until all else is done, and what is for later is not due"
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.INDEX, 3, run_after=NOW + timedelta(minutes=1))
        uow.defer(JobKind.RECOGNISE, 4, run_after=NOW + timedelta(minutes=2))
    assert oldest() == NOW + timedelta(minutes=1)
    with services.unit_of_work(NOW) as uow:
        at = NOW + timedelta(minutes=3)
        assert jobs.claim(uow.session, JobId(3), worker="w", now=at) is not None
    assert oldest() == NOW + timedelta(minutes=2), "what runs does not wait"
