"""Private servers for the tests: each is started once per run, shared by all workers, and stopped by its process id.

The process that controls the run makes the run's folder, `$GED_TEST_RUN_DIR`. The first test that needs a server starts
it under a file lock and writes a state file; all other workers read that file. When the run ends, also by a failure,
the controlling process stops the servers of the state files. A killed run leaves its folder behind: the next run finds
its lock free, stops its servers and removes it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

RUN_DIR_VARIABLE = "GED_TEST_RUN_DIR"
# Not tempfile.gettempdir(): PostgreSQL's own user must be able to enter it, and socket paths end at 107 characters.
PARENT = Path("/tmp")
PREFIX = "ged-tests-"
STARTING_S = 60  # a run that has just made its folder may not hold its lock yet


class Unavailable(Exception):
    """This machine does not have the server; the message is the reason that the skipped tests show."""


@dataclass(frozen=True)
class Running:
    """A running server: its URL, its process, and the signal for a fast and orderly stop."""

    url: str
    pid: int
    stop_signal: int = signal.SIGTERM
    started_ticks: int = 0


def run_dir() -> Path:
    """The folder of this run, where every server keeps its files."""
    return Path(os.environ[RUN_DIR_VARIABLE])


def once(name: str, start: Callable[[Path], Running]) -> Running:
    """Start a server unless this run already has it.

    Args:
        name: names the server's folder and its state file.
        start: gets an empty folder for the server's files and returns when the server answers.

    Raises:
        Unavailable: this machine does not have it; found once per run, then cached.
        RuntimeError: it is installed but does not start, even at the second try: a failure, no reason to skip.
    """
    state_file = run_dir() / f"{name}.json"
    with _locked(run_dir() / f"{name}.lock"):
        if not state_file.exists():
            _write(state_file, _outcome(start, run_dir() / name))
        state = json.loads(state_file.read_text())
    if "unavailable" in state:
        raise Unavailable(state["unavailable"])
    return Running(**state)


def _outcome(start: Callable[[Path], Running], folder: Path) -> dict[str, object]:
    try:
        running = _twice(start, folder)
    except Unavailable as refusal:
        return {"unavailable": str(refusal)}
    return {**asdict(running), "started_ticks": started_ticks_of(running.pid)}


def _twice(start: Callable[[Path], Running], folder: Path) -> Running:
    """Try twice: another program may take the free port before the server does; the second try finds another port."""
    folder.mkdir()
    try:
        return start(folder)
    except RuntimeError:
        shutil.rmtree(folder)
        folder.mkdir()
        return start(folder)


def _write(path: Path, state: dict[str, object]) -> None:
    whole = path.with_suffix(".new")
    whole.write_text(json.dumps(state))
    whole.rename(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def open_run() -> tuple[Path, TextIO]:
    """Make this run's folder; the handle holds its lock for as long as the controlling process lives."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=PARENT))
    folder.chmod(0o755)
    handle = (folder / "run.lock").open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.environ[RUN_DIR_VARIABLE] = str(folder)
    return folder, handle


def close_run(folder: Path, handle: TextIO) -> None:
    """Stop every server of the run, remove its folder."""
    stop_all(folder)
    shutil.rmtree(folder, ignore_errors=True)
    handle.close()


def sweep() -> None:
    """Stop the servers and remove the folders of killed runs, whose locks are free."""
    for lock in PARENT.glob(f"{PREFIX}*/run.lock"):
        with suppress(OSError), lock.open("a") as handle:  # another user's run, or one that ends this very moment
            if time.time() - lock.stat().st_mtime < STARTING_S:
                continue
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop_all(lock.parent)
            shutil.rmtree(lock.parent, ignore_errors=True)


def stop_all(folder: Path) -> None:
    """Stop every server whose state file is in the folder."""
    for state_file in folder.glob("*.json"):
        state = json.loads(state_file.read_text())
        if "pid" in state:
            stop(Running(**state))


def stop(server: Running, *, timeout_s: float = 15) -> None:
    """Stop one server in order, and by force when it has not ended after the timeout."""
    for number, patience_s in ((server.stop_signal, timeout_s), (signal.SIGKILL, 5.0)):
        if not _alive(server):
            return
        with suppress(ProcessLookupError):
            os.kill(server.pid, number)
        deadline = time.monotonic() + patience_s
        while _alive(server) and time.monotonic() < deadline:
            time.sleep(0.02)


def _alive(server: Running) -> bool:
    """Whether the process still runs, and is the started process, not a later process with the same id."""
    with suppress(ChildProcessError):
        os.waitpid(server.pid, os.WNOHANG)  # a child of ours that ended is no zombie then
    return started_ticks_of(server.pid) == server.started_ticks != 0


def started_ticks_of(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 when it does not run (proc(5), field 22 of stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
