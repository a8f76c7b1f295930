"""A private Redis on a free loopback port. It writes nothing to disk."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import redis

from tests.servers import Running, Unavailable, free_port, once

START_S = 10
DATABASES = 64  # one database per worker of the run, so that no worker gets jobs of another


def server() -> Running:
    """The run's Redis. Its URL names database 0.

    Raises:
        Unavailable: Redis is not installed.
        RuntimeError: it does not start; the message is Redis's.
    """
    return once("redis", _start)


def _start(folder: Path) -> Running:
    program = shutil.which("redis-server")
    if program is None:
        raise Unavailable("Redis is not installed (no redis-server on the PATH)")
    port = free_port()
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "databases": str(DATABASES),
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "logfile": str(folder / "log"),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([program, *words], stdin=subprocess.DEVNULL, start_new_session=True)
    running = Running(f"redis://127.0.0.1:{port}/0", process.pid)
    _wait(running, process, folder / "log")
    process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
    return running


def _wait(running: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(running.url):
            return
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError(f"Redis does not start: {log.read_text()[-600:].strip() if log.exists() else 'no log'}")


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def empty(url: str) -> None:
    """Delete all keys of the database that the URL names."""
    with redis.Redis.from_url(url) as client:
        client.flushdb()
