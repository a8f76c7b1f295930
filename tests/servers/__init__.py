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
# Not tempfile.gettempdir(): PostgreSQL's own user must be able to enter the folder, and a socket's path ends at 107
# characters.
PARENT = Path("/tmp")
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 6 << 30
PREFIX = "ged-tests-"
STARTING_S = 60  # a run that has just made its folder may not hold its lock yet


class Unavailable(Exception):
    """This machine does not have the server. The message is the reason that skipped tests show."""


@dataclass(frozen=True)
class Running:
    """A running server: its URL, its process, and the signal that stops it quickly and in order."""

    url: str
    pid: int
    stop_signal: int = signal.SIGTERM
    started_ticks: int = 0


def run_dir() -> Path:
    """The folder of this run. Every server keeps its files there."""
    return Path(os.environ[RUN_DIR_VARIABLE])


def once(name: str, start: Callable[[Path], Running]) -> Running:
    """Start a server unless this run already has it.

    Args:
        name: names the server's folder and its state file.
        start: gets an empty folder for the server's files; returns when the server answers.

    Raises:
        Unavailable: this machine does not have the server. The run finds this out once.
        RuntimeError: the server is installed but did not start twice. This fails the test; it is no reason to skip.
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
    """Start; try once more after a failure. Another program may take the free port first; the second try chooses
    another port."""
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


def first_of_run(name: str, make: Callable[[Path], None]) -> Path:
    """A file that the first process which asks for it makes for all processes of the run."""
    kept = run_dir() / name
    with _locked(run_dir() / f"{name}.lock"):
        if not kept.exists():
            half = kept.with_name(f"{name}.half")
            make(half)
            half.rename(kept)
    return kept


def in_memory() -> Path | None:
    """The folder of the machine's file system in memory; None where there is none with room.

    Files cost a third less processor time there, mostly those of PostgreSQL's many new databases. Figures are measured
    on a disk, so only runs of tests ask for it.
    """
    try:
        facts = os.statvfs(MEMORY)
        available = next(
            row for row in Path("/proc/meminfo").read_text().splitlines() if row.startswith("MemAvailable")
        )
    except (OSError, StopIteration):
        return None
    free = min(facts.f_bavail * facts.f_frsize, int(available.split()[1]) * 1024)
    # Elasticsearch runs code that it unpacks there.
    usable = os.access(MEMORY, os.W_OK | os.X_OK) and not facts.f_flag & os.ST_NOEXEC
    return MEMORY if usable and free >= MEMORY_BYTES else None


def open_run(parent: Path | None = None) -> tuple[Path, TextIO]:
    """Make this run's folder, in ``parent`` or else in ``PARENT``. The file holds the folder's lock as long as it is
    open in the controlling process."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent or PARENT))
    folder.chmod(0o755)
    handle = (folder / "run.lock").open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.environ[RUN_DIR_VARIABLE] = str(folder)
    return folder, handle


def close_run(folder: Path, handle: TextIO) -> None:
    """Stop every server of the run, and remove its folder."""
    stop_all(folder)
    shutil.rmtree(folder, ignore_errors=True)
    handle.close()


def sweep() -> None:
    """Stop the servers and remove the folders of killed runs: their locks are free."""
    for lock in (*PARENT.glob(f"{PREFIX}*/run.lock"), *MEMORY.glob(f"{PREFIX}*/run.lock")):
        # The folder belongs to another user, or its run ends at this moment.
        with suppress(OSError), lock.open("a") as handle:
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
    """Stop a server in order; kill it when it has not ended after ``timeout_s`` seconds."""
    for number, patience_s in ((server.stop_signal, timeout_s), (signal.SIGKILL, 5.0)):
        if not _alive(server):
            return
        with suppress(ProcessLookupError):
            os.kill(server.pid, number)
        deadline = time.monotonic() + patience_s
        while _alive(server) and time.monotonic() < deadline:
            time.sleep(0.02)


def _alive(server: Running) -> bool:
    """Whether the process still runs and is the one that was started, not a later process with its id."""
    with suppress(ChildProcessError):
        os.waitpid(server.pid, os.WNOHANG)  # if it was our child and ended, this collects it, so that it is no zombie
    return started_ticks_of(server.pid) == server.started_ticks != 0


def started_ticks_of(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 when it does not run (proc(5), field 22 of stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def free_port() -> int:
    """A loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
