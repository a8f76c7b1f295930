"""The private servers answer, stay for the whole run, and end with it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from tests import servers

SLEEPER = [sys.executable, "-c", "import time; time.sleep(300)"]


@pytest.mark.servers
def test_each_call_makes_an_empty_database_of_its_own(make_database: Callable[[], str]) -> None:
    first, second = make_database(), make_database()
    assert first != second
    with psycopg.connect(first.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE letter (id int)")
    with psycopg.connect(second.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT to_regclass('letter'), 'œuf' COLLATE \"fr-x-icu\" < 'zèbre'").fetchone()
    assert row == (None, True)


@pytest.mark.servers
def test_redis_is_emptied_and_keeps_workers_apart(empty_redis_url: str) -> None:
    with redis.Redis.from_url(empty_redis_url) as client:
        assert client.dbsize() == 0
        client.set("letter", "1")
        assert client.get("letter") == b"1"


def _sleeper(started: list[int]) -> Callable[[Path], servers.Running]:
    def start(folder: Path) -> servers.Running:
        process = subprocess.Popen(SLEEPER, start_new_session=True)
        started.append(process.pid)
        process.returncode = 0  # stopped by its id below
        return servers.Running("sleeper:", process.pid)

    return start


@pytest.fixture
def other_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run within this one."""
    monkeypatch.setenv(servers.RUN_DIR_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_server_starts_once_per_run_and_stops_by_its_id(other_run: Path) -> None:
    started: list[int] = []
    first = servers.once("sleeper", _sleeper(started))
    second = servers.once("sleeper", _sleeper(started))
    assert first.pid == second.pid
    assert started == [first.pid]
    servers.stop_all(other_run)
    with pytest.raises(ProcessLookupError):
        os.kill(first.pid, 0)


def test_a_process_that_ignores_its_signal_is_killed(other_run: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        running = servers.once("stubborn", lambda _: servers.Running("x:", process.pid))
        servers.stop(running, timeout_s=0.2)
        process.returncode = -signal.SIGKILL
    assert not Path(f"/proc/{running.pid}").exists()


def test_a_later_process_with_the_same_id_is_left_alone(other_run: Path) -> None:
    with subprocess.Popen(SLEEPER) as process:
        servers.stop(servers.Running("x:", process.pid, started_ticks=1))
        assert process.poll() is None
        process.kill()


def test_a_missing_server_is_looked_for_once_and_its_reason_kept(other_run: Path) -> None:
    calls: list[Path] = []

    def start(folder: Path) -> servers.Running:
        calls.append(folder)
        raise servers.Unavailable("no such program")

    for _ in range(2):
        with pytest.raises(servers.Unavailable, match="no such program"):
            servers.once("missing", start)
    assert len(calls) == 1


def test_a_server_that_does_not_start_is_a_failure_at_the_second_try(other_run: Path) -> None:
    calls: list[Path] = []

    def start(folder: Path) -> servers.Running:
        calls.append(folder)
        raise RuntimeError("port taken")

    with pytest.raises(RuntimeError, match="port taken"):
        servers.once("broken", start)
    assert len(calls) == 2


@pytest.mark.parametrize("where", ["PARENT", "MEMORY"])
def test_the_servers_of_a_killed_run_are_swept(other_run: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    parent = other_run / "parent"
    left, busy = parent / "ged-tests-left", parent / "ged-tests-busy"
    for folder in (left, busy):
        folder.mkdir(parents=True)
        (folder / "run.lock").touch()
        os.utime(folder / "run.lock", (time.time() - 3600,) * 2)
    monkeypatch.setenv(servers.RUN_DIR_VARIABLE, str(left))
    for name in ("PARENT", "MEMORY"):
        monkeypatch.setattr(servers, name, parent if name == where else other_run / "none")
    running = servers.once("sleeper", _sleeper([]))
    with (busy / "run.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        servers.sweep()
    assert not left.exists()
    assert busy.exists()
    assert not Path(f"/proc/{running.pid}").exists()


def test_a_run_keeps_its_files_in_memory_only_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "MEMORY", tmp_path)
    monkeypatch.setattr(servers, "MEMORY_BYTES", 1)
    assert servers.in_memory() == tmp_path
    monkeypatch.setattr(servers, "MEMORY_BYTES", 1 << 60)
    assert servers.in_memory() is None
    monkeypatch.setattr(servers, "MEMORY_BYTES", 1)
    monkeypatch.setattr(servers, "MEMORY", tmp_path / "none")
    assert servers.in_memory() is None
