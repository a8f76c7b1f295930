"""Chaos: processes and servers are killed at random while letters are scanned, registered, routed, signed and closed.

Every letter that a person was told "registered" is there once, with its number, its text, its entry in the index and its
slip; nothing is stuck; journal, registers and closings verify. ``GED_TEST_CHAOS=300`` kills three hundred times
(``make chaos``).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.journey import SEED, Journey
from demo.letters import make_letters
from demo.stage import Stage, free_port, start_bridge, start_site, start_worker
from ged.config import load_settings
from tests.chaos_kit import (
    SETTLED_S,
    Life,
    Told,
    Units,
    Victim,
    assert_found,
    check,
    kill_at_random,
    require_done,
    settle,
)
from tests.journeys.conftest import running
from tests.servers import Unavailable, elastic, postgres
from web.wiring import settings_file
from web.wiring.services import build_services

KILLS = int(os.environ.get("GED_TEST_CHAOS", "30"))
pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(600 + 30 * KILLS)]


class Redis:
    """A Redis of this test, which forgets everything when it is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        folder.mkdir()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        words = [
            "--bind",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(
            ["redis-server", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Stage, dict[str, Victim], Units]]:
    """An installation on servers of its own, and everything in it that can be killed."""
    with ExitStack() as stack:
        victims: dict[str, Victim] = {}
        try:
            cluster = stack.enter_context(postgres.durable())
            node = elastic.Node(elastic.folder_of_a_test(stack))
            stack.callback(node.kill)
            victims["elasticsearch"] = Victim(node.kill, node.start)
            searching = {"GED_ELASTICSEARCH_URL": node.url, "GED_ELASTICSEARCH_INDEX": "chaos"}
        except Unavailable as refusal:
            pytest.skip(str(refusal))
        redis = Redis(tmp_path / "redis")
        stack.callback(redis.kill)
        extra = {"GED_DATABASE_URL": cluster.url, "GED_REDIS_URL": redis.url, **searching}
        stage = stack.enter_context(running(tmp_path, extra, workers=2))

        units = Units(
            stage,
            {
                "site": lambda: start_site(stage),
                "worker": lambda: start_worker(stage),
                "worker-2": lambda: start_worker(stage, "worker-2"),
            },
        )

        def start_the_site() -> None:
            units.start("site")
            units.wait_for_site()

        yield (
            stage,
            victims
            | {
                "postgresql": Victim(cluster.kill, cluster.start),
                "redis": Victim(redis.kill, redis.start),
                "site": Victim(lambda: stage.processes.kill("site"), start_the_site),
                "worker": Victim(lambda: stage.processes.kill("worker"), lambda: units.start("worker")),
                "worker-2": Victim(lambda: stage.processes.kill("worker-2"), lambda: units.start("worker-2")),
                "bridge": Victim(lambda: stage.processes.kill("bridge"), lambda: start_bridge(stage)),
            },
            units,
        )


@pytest.mark.long("kills while people work: `make chaos` plays it; each fault has its own test")
def test_what_people_were_told_is_there(place: tuple[Stage, dict[str, Victim], Units]) -> None:
    stage, victims, units = place
    rng = random.Random(seed := int(os.environ.get("GED_TEST_SEED", random.randrange(10**9))))
    print(f"seed {seed}")
    desk = Journey(stage, say=print, start_bridge=lambda: start_bridge(stage))
    desk.pair()
    services = build_services(load_settings(settings_file.file_of(stage.data)))
    told, stop = Told(), threading.Event()
    (letter,) = make_letters(SEED, 1)
    lives = [Life(stage, services, told, name, letter, scans=name == "a") for name in "abc"]
    threads = [threading.Thread(target=life.work, args=(stop,), daemon=True) for life in lives]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    try:
        count = kill_at_random(victims, told, lives, kills=KILLS, rng=rng, look=units.look)
    finally:
        stop.set()
        for thread in threads:
            thread.join(SETTLED_S)
    units.look()
    require_done(threads, lives)
    took = time.monotonic() - began
    settle(services)
    check(services, told, lives)
    assert_found(desk, told)
    desk.leave()
    services.engine.dispose()
    print(json.dumps({
        "bench": "chaos", "kills": count, "started_again": units.again, "seconds": round(took), "told_registered": len(told.numbers),
        "told_steps": len(told.steps), "repeated": len(told.repeated), "whole_ways": sum(len(one.finished) for one in lives),
    }))  # fmt: skip
