"""A PostgreSQL and its standby, each on a host of its own (``tests.hosts_kit``), set up by the commands of docs/operate/hosts.md."""

from __future__ import annotations

import json
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psycopg

from tests.hosts_kit import Machine, Network
from tests.servers import Running, postgres, run_dir, started_ticks_of

PORT = 5432


class Server:
    """A PostgreSQL on a host. The name of the host is its name as a standby.

    Args:
        follows: the server whose standby it is.
    """

    def __init__(self, machine: Machine, *, follows: Server | None = None) -> None:
        self.machine = machine
        name = f"{machine.name}-{uuid.uuid4().hex[:8]}"
        self.folder, self._state = run_dir() / name, run_dir() / f"{name}.json"
        self.folder.mkdir()
        shutil.chown(self.folder, "postgres", "postgres")
        self.data = self.folder / "data"
        if follows is None:
            postgres.initialise(self.data)
            postgres.trust(self.data, f"{machine.address}/24")
        else:
            # -R writes primary_conninfo and standby.signal; the slot keeps the log that this standby has not got yet.
            source = f"host={follows.machine.address} port={PORT} user=postgres application_name={machine.name}"
            slot = ("-C", "-S", machine.name) if follows.slots() == [] else ("-S", machine.name)
            self._run("pg_basebackup", "-D", str(self.data), "-d", source, "-R", "-X", "stream", "-c", "fast", *slot)
        self.start()

    @property
    def url(self) -> str:
        """Its address for psycopg."""
        return f"host={self.machine.address} port={PORT} user=postgres dbname=postgres connect_timeout=2"

    def _run(self, program: str, *words: str) -> None:
        out = self.folder / "out"
        path = postgres.programs() / program
        # To a file, not a pipe: the server would inherit the pipe and keep it open.
        self.machine.run("sh", "-c", f'exec runuser -u postgres -- "$@" >>{out} 2>&1', "sh", str(path), *words)

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        options = f"-c listen_addresses=* -c port={PORT} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        # If this run is killed, the next run finds the server by this file and stops it.
        self._state.write_text(json.dumps(asdict(Running("", pid, signal.SIGQUIT, started_ticks_of(pid)))))

    def promote(self) -> None:
        """Let the standby take changes; returns when it does."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def kill(self) -> None:
        """SIGKILL every process of it at one moment."""
        self.machine.kill()
        while any(started_ticks_of(pid) for pid in self.machine.pids()):
            time.sleep(0.01)
        for name in (self.data / "postmaster.pid", self.folder / f".s.PGSQL.{PORT}.lock"):
            name.unlink(missing_ok=True)

    def tell(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser; returns its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(statement)
            return list(found.fetchall()) if found.description else []

    def slots(self) -> list[str]:
        """The names of its replication slots."""
        return [str(row[0]) for row in self.tell("SELECT slot_name FROM pg_replication_slots")]

    def waits_for(self, standby: str) -> None:
        """Confirm a commit only when this standby has it on its disk; empty: at once."""
        self.tell(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        self.tell("SELECT pg_reload_conf()")

    def close(self) -> None:
        """End it, and remove its files."""
        self.kill()
        self._state.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)


def address_of(*servers: Server, database: str = "postgres") -> str:
    """The setting that names several servers: whichever takes changes is used."""
    hosts = ",".join(one.machine.address for one in servers)
    ports = ",".join(str(PORT) for _ in servers)
    return f"postgresql+psycopg://postgres@/{database}?host={hosts}&port={ports}&target_session_attrs=read-write"


@contextmanager
def primary_and_standby(near: Network) -> Iterator[tuple[Server, Server]]:
    """A primary that waits for its standby at each commit."""
    servers: list[Server] = []
    try:
        servers.append(Server(near.machine("db1")))
        servers.append(Server(near.machine("db2"), follows=servers[0]))
        servers[0].waits_for("db2")
        until = time.monotonic() + 20
        while servers[0].tell("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'") == []:
            assert time.monotonic() < until, "the standby does not follow"
            time.sleep(0.05)
        yield servers[0], servers[1]
    finally:
        for one in servers:
            one.machine.thaw()
            one.close()
