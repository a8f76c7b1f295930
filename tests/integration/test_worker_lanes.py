"""``ged worker --lanes``: a worker of some lanes looks into the queues of these alone."""

import threading
from typing import Any

import pytest
from click.testing import CliRunner
from rq.serializers import JSONSerializer

from ged.adapters.queue_rq import Message, RqQueue, open_redis, queue_of
from ged.adapters.rq_worker import _Forking
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

    def take() -> int:
        job, _queue = free.dequeue_job_and_maintain_ttl(None)  # type: ignore[misc]
        return int(job.id.partition("-")[0])

    assert [take() for _ in range(4)] == [1, 101, 2, 102]
    rq.submit(JobId(301), lane=Lane.QUICK)
    assert [take() for _ in range(8)] == [301, 3, 4, 5, 6, 7, 8, 201]
    redis.close()
