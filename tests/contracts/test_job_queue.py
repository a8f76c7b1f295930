"""The contract of ``JobQueue`` over the polled table and over RQ with a real Redis: no committed job is ever lost."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from ged import jobs
from ged.adapters import queue_rq
from ged.adapters.queue_polled import PolledQueue
from ged.adapters.queue_rq import QUEUE_NAMES, RUN_JOB, Message, RqQueue, queue_of
from ged.jobs import Job, JobKind, JobState
from ged.pipeline import run_job
from ged.ports import JobId, JobQueue, Lane
from ged.unit import Services
from tests.factories import NOW, make_services
from tests.servers import free_port
from web.processes import worker
from web.processes.worker import sweep_lost

SOON = NOW + timedelta(minutes=1)
PLUGS = ["polled", pytest.param("rq", marks=pytest.mark.servers)]


@dataclass
class Bench:
    """A queue, the services that submit jobs to it, and a way to take its messages as a worker does."""

    services: Services
    redis: Redis | None

    def take(self) -> list[JobId]:
        """The numbers of the jobs that a worker gets now, in its order. The messages are removed."""
        if self.redis is None:
            with self.services.reading() as session:
                return jobs.due(session, now=SOON)
        taken: list[JobId] = []
        queues = [queue_of(name, self.redis) for name in QUEUE_NAMES]
        read_as = {"job_class": Message, "serializer": JSONSerializer}
        while (found := Queue.dequeue_any(queues, timeout=None, connection=self.redis, **read_as)) is not None:
            message, _queue = found
            assert message.func_name == RUN_JOB
            taken.append(JobId(message.args[0]))
        return taken

    def ask(self, kind: JobKind = JobKind.SWEEP, subject_id: int = 0) -> JobId:
        with self.services.unit_of_work(NOW) as uow:
            uow.defer(kind, subject_id)
        with self.services.reading() as session:
            return JobId(jobs.latest_id(session))

    def states(self) -> dict[JobId, JobState]:
        with self.services.reading() as session:
            return {JobId(job.id): job.state for job in session.query(Job)}


@pytest.fixture(params=PLUGS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    services = make_services(tmp_path)
    if request.param == "polled":
        yield Bench(replace(services, queue=PolledQueue()), None)
    else:
        url: str = request.getfixturevalue("empty_redis_url")
        with Redis.from_url(url) as redis:
            yield Bench(replace(services, queue=RqQueue(url)), redis)
    services.engine.dispose()


def test_a_committed_job_reaches_a_worker_which_does_it_once(bench: Bench) -> None:
    job_id = bench.ask()
    taken = bench.take()
    assert taken == [job_id]
    assert run_job(bench.services, job_id, worker="w1") is True
    assert run_job(bench.services, job_id, worker="w2") is False, "a second message of a job that is done does nothing"
    assert bench.states() == {job_id: JobState.DONE}
    assert sweep_lost(bench.services, now=NOW + timedelta(hours=1)) == 0
    assert bench.take() == []


def test_a_job_of_a_rolled_back_change_is_never_submitted(bench: Bench) -> None:
    with pytest.raises(RuntimeError), bench.services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.SWEEP, 0)
        raise RuntimeError
    assert bench.take() == []
    assert waiting(bench.services) == frozenset()


def test_the_message_of_a_job_that_is_gone_does_nothing(bench: Bench) -> None:
    bench.services.queue.submit(JobId(4711))
    for job_id in bench.take():
        assert run_job(bench.services, job_id, worker="w") is False
    assert bench.states() == {}


def test_a_lost_message_is_sent_again_by_the_sweep(bench: Bench) -> None:
    job_id = bench.ask()
    if bench.redis is not None:
        bench.redis.flushdb()
        assert bench.take() == []
    assert sweep_lost(bench.services, now=SOON) == 1
    assert bench.take() == [job_id]


def test_a_job_of_a_killed_worker_is_sent_again_when_its_lease_ended(bench: Bench) -> None:
    job_id = bench.ask()
    bench.take()
    with bench.services.unit_of_work(NOW) as uow:
        assert jobs.claim(uow.session, job_id, worker="killed", now=NOW) is not None
    assert sweep_lost(bench.services, now=NOW + timedelta(seconds=20)) == 0, "it may still be at work"
    assert sweep_lost(bench.services, now=NOW + timedelta(seconds=60)) == 1
    assert bench.take() == [job_id]


def test_a_job_for_later_is_not_sent_before(bench: Bench) -> None:
    with bench.services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.SWEEP, 0, run_after=NOW + timedelta(hours=1))
    bench.take()
    assert sweep_lost(bench.services, now=NOW + timedelta(minutes=59)) == 0
    assert sweep_lost(bench.services, now=NOW + timedelta(minutes=61)) == 1


def test_submitting_from_many_threads_loses_nothing(bench: Bench) -> None:
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for n in range(5):
            with bench.services.unit_of_work(NOW) as uow:
                uow.defer(JobKind.INDEX, number * 10 + n)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert sorted(bench.take()) == sorted(bench.states())
    assert len(bench.states()) == 30


# --- faults that only a queue with messages can have


@pytest.fixture
def rq(empty_redis_url: str, tmp_path: Path) -> Iterator[Bench]:
    services = make_services(tmp_path)
    with Redis.from_url(empty_redis_url) as redis:
        yield Bench(replace(services, queue=RqQueue(empty_redis_url)), redis)
    services.engine.dispose()


@pytest.mark.servers
def test_a_backlog_does_not_multiply_while_it_waits(rq: Bench) -> None:
    for n in range(30):
        rq.ask(JobKind.RECOGNISE, n)
        rq.ask(JobKind.INDEX, n)
    for _ in range(5):
        assert sweep_lost(rq.services, now=SOON) == 0
    assert waiting(rq.services) == frozenset(rq.states())
    assert len(rq.take()) == 60


@pytest.mark.servers
def test_an_archive_is_handed_out_in_parts(rq: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_rq, "MOST_WAITING", 7)
    monkeypatch.setattr(worker, "SWEEP_LIMIT", 5)
    archive = [rq.ask(JobKind.RECOGNISE_BACKLOG, n) for n in range(12)]
    assert waiting(rq.services) == frozenset(), "none at the commit: a million would fill the memory of Redis"
    assert [sweep_lost(rq.services, now=SOON) for _ in range(4)] == [5, 5, 0, 0], "until enough of them wait"
    assert rq.services.queue.waiting(Lane.BACKLOG) is None
    assert rq.take() == archive[:10]


@pytest.mark.servers
def test_a_full_lane_keeps_no_other_lane_from_its_lost_messages(rq: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_rq, "MOST_WAITING", 3)
    for n in range(5):
        rq.ask(JobKind.RECOGNISE, n)
    with replace(rq.services, queue=PolledQueue()).unit_of_work(NOW) as uow:
        uow.defer(JobKind.SWEEP, 0)
    assert sweep_lost(rq.services, now=SOON) == 1
    assert len(rq.take()) == 6


@pytest.mark.servers
def test_lost_messages_behind_a_long_backlog_are_found(rq: Bench) -> None:
    for n in range(40):
        rq.ask(JobKind.INDEX, n)
    without_messages = replace(rq.services, queue=PolledQueue())
    with without_messages.unit_of_work(NOW) as uow:
        uow.defer(JobKind.SWEEP, 0)
    assert sweep_lost(rq.services, now=SOON) == 1
    assert len(rq.take()) == 41


def waiting(services: Services) -> frozenset[JobId]:
    """The jobs whose messages wait, of all lanes."""
    return frozenset(job for lane in Lane for job in services.queue.waiting(lane) or ())


def leave_a_trace(path: str) -> None:
    """The function that an intruder in Redis would have a worker call."""
    Path(path).write_text("called")


def _pickled(queue: Queue, trace: str) -> None:
    Queue(queue.name, connection=queue.connection).enqueue(leave_a_trace, trace, job_id="pickled")


def _named(queue: Queue, trace: str) -> None:
    queue.enqueue("tests.contracts.test_job_queue.leave_a_trace", trace, job_id="named")


def _called_back(queue: Queue, trace: str) -> None:
    # A genuine message, except for its callback: its name is written where RQ stores it.
    message = queue.enqueue(RUN_JOB, trace, job_id="4712-called-back")
    name = "tests.contracts.test_job_queue.leave_a_trace_of"
    queue.connection.hset(message.key, mapping={"success_callback_name": name, "failure_callback_name": name})


def leave_a_trace_of(message: RqJob, *_: object) -> None:
    """As ``leave_a_trace``, called by RQ as a callback."""
    leave_a_trace(message.args[0])


@pytest.mark.servers
@pytest.mark.parametrize("put", [_pickled, _named, _called_back])
def test_a_message_of_a_foreign_make_calls_nothing(
    rq: Bench, tmp_path: Path, put: Callable[[Queue, str], None]
) -> None:
    assert rq.redis is not None
    trace = tmp_path / "trace"
    queue = queue_of(QUEUE_NAMES[0], rq.redis)
    put(queue, str(trace))
    (name,) = queue.get_job_ids()
    waiting(rq.services)  # the name does not disturb it
    worker = SimpleWorker([queue], connection=rq.redis, job_class=Message, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")
    assert Message.fetch(name, connection=rq.redis, serializer=JSONSerializer).get_status() is JobStatus.FAILED
    assert not trace.exists()


@pytest.mark.servers
def test_our_message_is_json_with_a_number_alone(rq: Bench) -> None:
    job_id = rq.ask()
    assert rq.redis is not None
    (message,) = queue_of("ged-upkeep", rq.redis).jobs
    assert json.loads(message.data) == [RUN_JOB, None, [int(job_id)], {}]


@pytest.mark.servers
def test_what_is_quick_is_taken_before_what_is_slow(rq: Bench) -> None:
    slow = [rq.ask(JobKind.RECOGNISE, n) for n in range(3)]
    quick = [rq.ask(JobKind.INDEX, n) for n in range(3)]
    assert rq.take() == [*quick, *slow]
    assert rq.redis is not None
    rq.redis.flushdb()
    sweep_lost(rq.services, now=SOON)
    assert rq.take() == [*quick, *slow], "also when the sweep sends them again"


def test_a_redis_that_is_down_costs_no_job_and_little_time(tmp_path: Path) -> None:
    away = RqQueue(f"redis://127.0.0.1:{free_port()}/0")
    bench = Bench(replace(make_services(tmp_path), queue=away), None)
    started = time.monotonic()
    job_id = bench.ask()
    assert away.waiting(Lane.QUICK) is None
    assert sweep_lost(bench.services, now=SOON) == 0, "nothing is tried message by message"
    assert time.monotonic() - started < 3
    assert bench.states() == {job_id: JobState.QUEUED}
    assert bench.take() == [job_id], "the row is the truth"
    bench.services.engine.dispose()


def plugs_fit_the_port(polled: PolledQueue, rq: RqQueue) -> tuple[JobQueue, JobQueue]:
    """For the type checker: each plug fits the port."""
    return polled, rq
