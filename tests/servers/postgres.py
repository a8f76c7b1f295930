"""A private PostgreSQL cluster with its own folder, port and socket. It trusts loopback and flushes nothing to disk.

``durable`` starts another cluster, with the settings of production, which a test may kill.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from tests.servers import Running, Unavailable, first_of_run, free_port, once, run_dir, started_ticks_of, stop

BINARIES = Path("/usr/lib/postgresql")  # Debian keeps one folder per major version there
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",  # fifty clerks at once, and connections of the test workers
}
UNSAFE = {"fsync": "off", "full_page_writes": "off"}
"""Fast, but not durable when the machine crashes. Programs must be started with GED_UNSAFE_DATABASE=for-tests."""


def server() -> Running:
    """The run's cluster. Its URL names the database ``postgres``.

    Raises:
        Unavailable: PostgreSQL is not installed.
        RuntimeError: it does not start; the message is PostgreSQL's.
    """
    return once("postgres", _start)


def _start(folder: Path) -> Running:
    return _serve(_initialised(folder), folder, free_port(), UNSAFE)


def _initialised(folder: Path) -> Path:
    if os.geteuid() == 0:  # PostgreSQL refuses root
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    initialise(data)
    return data


def initialise(data: Path) -> None:
    """Make an empty cluster. Who starts it trusts loopback."""
    _run(programs() / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8", "-N")


def _serve(data: Path, folder: Path, port: int, options: dict[str, str]) -> Running:
    options = {**SETTINGS, **options, "port": str(port), "unix_socket_directories": str(folder)}
    command_line = " ".join(f"-c {name}={value}" for name, value in options.items())
    _run(programs() / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", command_line, "start")
    pid = int((data / "postmaster.pid").read_text().split()[0])
    # SIGINT ends open sessions and stops; SIGTERM would wait for the sessions.
    return Running(
        f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", pid, signal.SIGINT, started_ticks_of(pid)
    )


class DurableCluster:
    """A cluster of one test, with the settings of production. It may be killed and started again.

    Attributes:
        url: of its database ``postgres``; a new start keeps it.
    """

    def __init__(self, folder: Path, state_file: Path, pem: Path | None = None, listens: str = "") -> None:
        self._folder, self._state_file, self._port = folder, state_file, free_port()
        self._data = _initialised(folder)
        self._options = {} if pem is None else _speaking_tls(pem, folder)
        if listens:
            self._options["listen_addresses"] = f"127.0.0.1,{listens}"
            trust(self._data, f"{listens}/24")
        self._running = self._started()
        self.url = self._running.url

    def _started(self) -> Running:
        running = _serve(self._data, self._folder, self._port, self._options)
        # If this run is killed, the next run finds the cluster by this file and stops it.
        self._state_file.write_text(json.dumps(asdict(running)))
        return running

    def kill(self) -> None:
        """SIGKILL the postmaster and all its children at one moment."""
        os.kill(self._running.pid, signal.SIGSTOP)  # so that it starts no child after they are listed
        family = [self._running.pid, *children_of(self._running.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # While one of them lives, the next postmaster refuses to start.
        while any(started_ticks_of(pid) for pid in family):
            time.sleep(0.01)
        # If no process collects orphans, the dead keep their ids and look like a running server.
        (self._data / "postmaster.pid").unlink()
        (self._folder / f".s.PGSQL.{self._port}.lock").unlink()

    def start(self) -> None:
        """Start again after ``kill``. Returns after the recovery, when the cluster accepts connections."""
        self._running = self._started()

    def stop(self) -> None:
        """Stop for good."""
        stop(self._running)
        self._state_file.unlink()


def trust(data: Path, network: str) -> None:
    """Let everybody of a network in, also for replication."""
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("".join(f"host {what} all {network} trust\n" for what in ("all", "replication")))


def _speaking_tls(pem: Path, folder: Path) -> dict[str, str]:
    own = shutil.copy(pem, folder / "server.pem")
    Path(own).chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(own, "postgres", "postgres")
    return {"ssl": "on", "ssl_cert_file": str(own), "ssl_key_file": str(own)}


@contextmanager
def durable(pem: Path | None = None, *, listens: str = "") -> Iterator[DurableCluster]:
    """A durable cluster: ``fsync``, ``full_page_writes`` and ``synchronous_commit`` are on.

    Args:
        pem: a file with key and certificate, for TLS.
        listens: an address of this machine, besides loopback, whose network is let in.

    Raises:
        Unavailable: PostgreSQL is not installed.
    """
    name = f"durable-{uuid.uuid4().hex[:8]}"
    folder = run_dir() / name
    folder.mkdir()
    cluster = DurableCluster(folder, run_dir() / f"{name}.json", pem, listens)
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def children_of(pid: int) -> list[int]:
    """The ids of the running children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def programs() -> Path:
    """The folder of PostgreSQL's programs.

    Raises:
        Unavailable: it is not installed.
    """
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Unavailable(f"PostgreSQL is not installed (no {BINARIES}/*/bin/initdb)")
    return found[-1].parent


def _run(*words: Path | str) -> None:
    command = [str(word) for word in words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # To a file, not a pipe: the server would inherit the pipe and keep it open.
    with Path(os.environ["GED_TEST_RUN_DIR"], "postgres.out").open("a+") as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=60, check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"PostgreSQL does not start: {output.read()[-600:].strip()}")


def create_database(server_url: str, name: str, *, copy_of: str = "template1") -> str:
    """Make a database: empty, or a copy of one that nobody uses. Returns its SQLAlchemy URL."""
    # Copying the files costs half of writing them through the log (where nothing is flushed to disk).
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    _kept(server_url, os.getpid()).execute(make.format(sql.Identifier(name), sql.Identifier(copy_of)))
    return f"{server_url.rpartition('/')[0]}/{name}"


def kept_database(server_url: str, what: str, make: Callable[[str], None]) -> str:
    """The name of a database that is made once, to be copied: on the run's server by the first process of the run, on a
    server of a test by each process.

    Args:
        what: names it. One name has one content.
        make: gets the URL of an empty database. It leaves no session open.
    """

    def write(told: Path) -> None:
        name = f"{what}_{uuid.uuid4().hex[:12]}"
        make(create_database(server_url, name))
        told.write_text(name)

    state = run_dir() / "postgres.json"
    if state.exists() and json.loads(state.read_text()).get("url") == server_url:
        return first_of_run(f"postgres-{what}", write).read_text()
    if (server_url, what) not in _ELSEWHERE:
        with TemporaryDirectory() as folder:
            write(Path(folder, "name"))
            _ELSEWHERE[server_url, what] = Path(folder, "name").read_text()
    return _ELSEWHERE[server_url, what]


_ELSEWHERE: dict[tuple[str, str], str] = {}
"""(server, what it holds) -> the name of a database on a server of a test."""


def drop_database(server_url: str, name: str) -> None:
    """Drop a database, and end the sessions that still use it."""
    _kept(server_url, os.getpid()).execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def open_sessions(server_url: str, name: str, *, within_s: float = 2) -> list[str]:
    """The last statement of each open session of a database.

    Sessions that are ending get ``within_s`` seconds.
    """
    until = time.monotonic() + within_s
    while True:
        rows = _kept(server_url, os.getpid()).execute(
            "SELECT state || ': ' || query FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        found = [str(row[0]) for row in rows.fetchall()]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


@cache
def _kept(server_url: str, _pid: int) -> psycopg.Connection[tuple[object, ...]]:
    """The session of this process that makes and drops databases. A new one for each would cost a third of a database."""
    connection = psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True)
    atexit.register(connection.close)
    return connection
