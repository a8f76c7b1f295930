"""``ged worker --lanes``: a worker of some lanes looks into the queues of these alone."""

import threading
from typing import Any

import pytest
from click.testing import CliRunner
from rq.serializers import JSONSerializer

from ged.adapters.queue_rq import Message, RqQueue, open_redis, queue_of
from ged.adapters.rq_worker import MOST_OWED_S, Shares, _Forking
from ged.config import Settings
from ged.ports import JobId, Lane
from web.commands.serve import worker
from web.wiring import redis_jobs


@pytest.mark.parametrize(
    ("lanes", "queues"),
    [((Lane.DESK, Lane.QUICK), ["ged", "ged-desk"]), (tuple(Lane), [*redis_jobs.NAMES.values()])],
)
def test_the_queues_are_those_of_the_lanes_in_their_order(
    monkeypatch: pytest.MonkeyPatch, lanes: tuple[Lane, ...], queues: list[str]
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(redis_jobs, "work", lambda _redis, **named: asked.update(named))
    settings = Settings.model_construct(redis_url="redis://127.0.0.1:1/0", redis_ca=None)
    lock = threading.Lock()
    redis_jobs.work_for_rq(settings, name=str, lanes=lanes, stop=threading.Event(), between_sweeps=lock)
    assert asked["queues"] == queues


@pytest.mark.parametrize("words", ["fast", "quick:fast", "quick,desk"])
def test_an_unknown_lane_is_told_with_those_that_there_are(words: str) -> None:
    told = CliRunner().invoke(worker, ["--lanes", words])
    assert told.exit_code == 2
    assert "quick, desk, files" in told.output


def test_an_embedded_worker_has_all_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.commands.serve.settings_of", lambda: Settings.model_construct(redis_url=None))
    told = CliRunner().invoke(worker, ["--lanes", "slow:2"])
    assert told.exit_code == 2
    assert "needs Redis" in told.output


@pytest.mark.servers
def test_upkeep_that_never_ends_keeps_no_page_from_being_read(empty_redis_url: str) -> None:
    """Each signed slip brings upkeep: where more came than two workers did, no page was read for as long as it went on."""
    rq = RqQueue(empty_redis_url)
    for number in range(1, 9):
        rq.submit(JobId(number), lane=Lane.UPKEEP)
    for number in (101, 102):
        rq.submit(JobId(number), lane=Lane.SLOW)
    rq.submit(JobId(201), lane=Lane.BACKLOG)
    redis = open_redis(empty_redis_url)
    free = _Forking(
        [queue_of(name, redis) for name in redis_jobs.NAMES.values()], connection=redis, name="free", job_class=Message,
        serializer=JSONSerializer, between_sweeps=threading.Lock(), stop=threading.Event(),
    )  # fmt: skip

    def take(seconds: float) -> int:
        """The job that a free worker takes; it works on it for so long."""
        job, queue = free.dequeue_job_and_maintain_ttl(None)  # type: ignore[misc]
        free.note_work(queue.name, seconds)
        return int(job.id.partition("-")[0])

    # The first page takes as long as three proofs: three are kept before the next page is read.
    assert [take(1.0), take(3.0), *(take(1.0) for _ in range(4))] == [1, 101, 2, 3, 4, 102]
    rq.submit(JobId(301), lane=Lane.QUICK)
    assert [take(1.0) for _ in range(6)] == [301, 5, 6, 7, 8, 201]
    redis.close()


def test_a_worker_owes_no_queue_more_than_minutes_and_an_empty_one_nothing() -> None:
    shares = Shares(("upkeep", "slow"))
    names = ["quick", "upkeep", "slow", "backlog"]
    assert shares.order(names) == names
    shares.taken("slow")
    shares.worked("slow", 7_200.0)
    proofs = 0
    while shares.order(names)[1] == "upkeep":
        shares.taken("upkeep")
        shares.worked("upkeep", 1.0)
        proofs += 1
    assert proofs == MOST_OWED_S + 1, "they begin again with upkeep, where both had the same time"
    for _ in range(50):  # no upkeep for a while
        shares.taken("slow")
        shares.worked("slow", 60.0)
    shares.taken("upkeep")
    shares.worked("upkeep", MOST_OWED_S)
    assert shares.order(names)[1] == "slow"
