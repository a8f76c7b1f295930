"""A private PostgreSQL cluster: own folder, own port, own socket, trust on loopback, nothing flushed to disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers import Running, Unavailable, free_port, once

BINARIES = Path("/usr/lib/postgresql")  # Debian keeps one folder per major version there
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",  # fifty clerks at once, and the workers' own
}


def server() -> Running:
    """The run's cluster; its URL names the database `postgres`.

    Raises:
        Unavailable: PostgreSQL is not installed.
        RuntimeError: it does not start (with its own words).
    """
    return once("postgres", _start)


def _start(folder: Path) -> Running:
    programs, data, port = _programs(), folder / "data", free_port()
    if os.geteuid() == 0:  # PostgreSQL refuses root
        shutil.chown(folder, "postgres", "postgres")
    _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8", "-N")
    options = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
    command_line = " ".join(f"-c {name}={value}" for name, value in options.items())
    _run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", command_line, "start")
    pid = int((data / "postmaster.pid").read_text().split()[0])
    # SIGINT: end open sessions and stop; SIGTERM would wait for them.
    return Running(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", pid, signal.SIGINT)


def _programs() -> Path:
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise Unavailable(f"PostgreSQL is not installed (no {BINARIES}/*/bin/initdb)")
    return found[-1].parent


def _run(*words: Path | str) -> None:
    command = [str(word) for word in words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # To a file, not a pipe: the server would inherit the pipe and hold it open.
    with Path(os.environ["GED_TEST_RUN_DIR"], "postgres.out").open("a+") as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=60, check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"PostgreSQL does not start: {output.read()[-600:].strip()}")


def create_database(server_url: str, name: str) -> str:
    """Make an empty database and give its SQLAlchemy URL."""
    with _connect(server_url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server_url.rpartition('/')[0]}/{name}"


def drop_database(server_url: str, name: str) -> None:
    """Remove a database, ending the sessions that still use it."""
    with _connect(server_url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def open_sessions(server_url: str, name: str, *, within_s: float = 2) -> list[str]:
    """The last statement of each session that is still open on a database after a moment's grace for those ending."""
    until = time.monotonic() + within_s
    with _connect(server_url) as connection:
        while True:
            rows = connection.execute("SELECT state || ': ' || query FROM pg_stat_activity WHERE datname = %s", (name,))
            found = [str(row[0]) for row in rows.fetchall()]
            if not found or time.monotonic() > until:
                return found
            time.sleep(0.05)


def _connect(server_url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True)
