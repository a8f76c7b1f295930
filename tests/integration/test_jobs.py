"""Jobs: committed with the change, taken once, retried; a job that cannot be repeated safely waits for a person."""

import errno
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ged import jobs, runner
from ged.errors import EngineFailed, InvalidTransition, StaleVersion
from ged.jobs import Job, JobKind, JobState
from ged.ports import JobId
from ged.unit import Services
from tests.factories import NOW, make_services

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def add(services: Services, kind: JobKind = JobKind.INDEX) -> JobId:
    with services.unit_of_work(NOW) as uow:
        uow.defer(kind, 7)
        uow.defer(kind, 7)
    with services.reading() as session:
        (job,) = session.query(Job).all()
        return JobId(job.id)


def state(services: Services, job_id: JobId) -> JobState:
    with services.reading() as session:
        return session.get_one(Job, job_id).state


def claim(services: Services, job_id: JobId, at=NOW, worker: str = "w1"):
    with services.unit_of_work(at) as uow:
        return jobs.claim(uow.session, job_id, worker=worker, now=at)


def test_a_job_of_a_rolled_back_change_does_not_exist(services: Services) -> None:
    with pytest.raises(RuntimeError), services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.INDEX, 7)
        raise RuntimeError
    with services.reading() as session:
        assert session.query(Job).count() == 0


def test_a_job_is_taken_once(services: Services) -> None:
    job_id = add(services)
    assert claim(services, job_id) is not None
    assert claim(services, job_id, worker="w2") is None


def test_the_job_of_a_killed_worker_is_taken_up_again(services: Services) -> None:
    job_id = add(services)
    claim(services, job_id)
    with services.reading() as session:
        assert jobs.due(session, now=NOW) == []
        assert jobs.due(session, now=LATER) == [job_id]
    again = claim(services, job_id, at=LATER, worker="w2")
    assert again is not None
    assert again.attempts == 2


def test_a_failure_is_tried_again_later_and_then_waits_for_a_person(services: Services) -> None:
    job_id = add(services)
    at = NOW
    for _ in range(jobs.MAX_ATTEMPTS):
        held = claim(services, job_id, at=at)
        with services.unit_of_work(at) as uow:
            jobs.fail(uow.session, held, EngineFailed("index.unavailable", retryable=True), now=at)
        at += timedelta(hours=2)
    assert state(services, job_id) is JobState.FAILED
    with services.unit_of_work(at) as uow:
        jobs.retry(uow.session, job_id, now=at)
    assert claim(services, job_id, at=at) is not None


def test_a_final_error_is_not_tried_again(services: Services) -> None:
    job_id = add(services)
    held = claim(services, job_id)
    with services.unit_of_work(NOW) as uow:
        jobs.fail(uow.session, held, EngineFailed("ocr.page"), now=NOW)
    assert state(services, job_id) is JobState.FAILED


def test_a_job_that_lost_a_race_is_tried_again(services: Services) -> None:
    job_id = add(services)
    held = claim(services, job_id)
    with services.unit_of_work(NOW) as uow:
        jobs.fail(uow.session, held, StaleVersion("form.stale"), now=NOW)
    assert state(services, job_id) is JobState.QUEUED


def test_what_cannot_be_taken_back_waits_for_a_person_after_a_crash(services: Services) -> None:
    job_id = add(services, JobKind.NOTIFY)
    held = claim(services, job_id)
    with services.unit_of_work(NOW) as uow:
        jobs.mark_irrevocable(uow.session, held, now=NOW)
    assert claim(services, job_id, at=LATER, worker="w2") is None
    assert state(services, job_id) is JobState.UNCERTAIN


def _database_said(what: str) -> DBAPIError:
    return OperationalError("INSERT ...", {}, sqlite3.OperationalError(what))


@pytest.mark.parametrize(
    ("met", "code"),
    [
        (_database_said("database or disk is full"), "disk.full"),
        (_database_said("database is locked"), "database.busy"),
        (PoolTimeout(), "database.busy"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk.full"),
    ],
)
def test_what_was_done_and_could_not_be_noted_waits_for_a_person(services: Services, met: Exception, code: str) -> None:
    """A full disk or a database that is away may be over in a moment: but the e-mail has left."""
    job_id = add(services, JobKind.NOTIFY)
    held = claim(services, job_id)

    def send(run: runner.Run) -> None:
        with run.services.unit_of_work(run.now) as uow:
            jobs.mark_irrevocable(uow.session, run.job, now=run.now)
        raise met

    runner.run(services, held, send, runner.Limits(work=timedelta(minutes=1)))
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.UNCERTAIN, code)


def test_what_was_not_done_is_tried_again_although_it_cannot_be_taken_back(services: Services) -> None:
    job_id = add(services, JobKind.NOTIFY)
    held = claim(services, job_id)
    with services.unit_of_work(NOW) as uow:
        jobs.mark_irrevocable(uow.session, held, now=NOW)
        jobs.fail(uow.session, held, EngineFailed("post.failed", retryable=True), now=NOW)
    assert claim(services, job_id, at=LATER) is not None


def test_only_a_failed_job_is_tried_again(services: Services) -> None:
    job_id = add(services)
    with pytest.raises(InvalidTransition, match="job.not_failed"), services.unit_of_work(NOW) as uow:
        jobs.retry(uow.session, job_id, now=NOW)


def test_an_unexpected_error_tells_its_type_and_no_text(services: Services) -> None:
    job_id = add(services)
    held = claim(services, job_id)
    with services.unit_of_work(NOW) as uow:
        jobs.fail(uow.session, held, ValueError("the secret text of a letter"), now=NOW)
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.error_code, job.error_detail, job.state) == ("job.crashed", "ValueError", JobState.QUEUED)


def test_a_letter_whose_access_changed_is_known_until_its_job_is_done(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.reindex(5)
        uow.reindex(6, access=True)
    with services.reading() as session:
        assert jobs.open_access_changes(session) == {6}
        job_id = session.query(Job).filter_by(subject_id=6).one().id
    held = claim(services, JobId(job_id))
    with services.unit_of_work(NOW) as uow:
        jobs.finish(uow.session, held, now=NOW)
    with services.reading() as session:
        assert jobs.open_access_changes(session) == frozenset()
