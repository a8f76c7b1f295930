"""Site and worker tell the supervisor of their service when they are ready, and that they live."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.served import TRUST, served
from tests.servers import free_port
from tests.started import GED
from tests.worker_kit import Installation, eventually, kill
from web.processes import supervisor

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a supervisor, whom the processes of this test know."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as at:
        at.bind(str(path))
        at.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield at


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = Installation.make(tmp_path)
    yield made
    made.close()


def heard(at: socket.socket, wanted: bytes) -> None:
    """Read until a state comes; the socket's time ends the wait."""
    while wanted not in at.recv(200):
        pass


def test_the_worker_is_ready_when_its_lanes_run_and_tells_that_they_do(told: socket.socket, here: Installation) -> None:
    here.start_worker()
    heard(told, b"READY=1")
    heard(told, b"WATCHDOG=1")


def test_a_process_of_the_site_that_serves_tells_it(told: socket.socket, here: Installation) -> None:
    with served(here):
        heard(told, b"READY=1")
        heard(told, b"WATCHDOG=1")


AS_A_SUPERVISOR = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="site")
os.execv(sys.argv[2], sys.argv[2:])
"""


def again(here: Installation, kept: int, *words: str) -> subprocess.Popen[bytes]:
    """Start the site as systemd does after a crash: with the listener that it kept."""
    with (here.folder / "again.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", AS_A_SUPERVISOR, str(kept), str(GED), "serve", "--processes", "1", *words],
            env=here.environment() | {"NOTIFY_SOCKET": os.environ["NOTIFY_SOCKET"]}, pass_fds=[kept], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def test_who_asks_while_the_site_is_away_waits_for_the_next_one(told: socket.socket, here: Installation) -> None:
    with served(here) as site:
        kept = -1
        while kept < 0:
            said, files, _flags, _address = socket.recv_fds(told, 200, 1)
            kept = files[0] if b"FDSTORE=1" in said else -1
        kill(site.master)
        url, found = site.url, list[int]()
        asks = threading.Thread(
            target=lambda: found.append(httpx.get(f"{url}/connexion", timeout=60, verify=TRUST).status_code)
        )
        asks.start()
        here.env_file.write_text(here.env_file.read_text() + f"GED_METRICS_BIND=unix:{here.folder / 'metrics'}\n")
        process = again(here, kept, "--bind", f"127.0.0.1:{site.port}")
        try:
            asks.join(60)
            assert found == [200], "nobody was refused"
            eventually((here.folder / "metrics").exists, within_s=30, what="the figures have their own listener")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(kept)


@pytest.mark.long("a site more is started; who asks meanwhile waits in the test beside it")
def test_a_listener_of_another_address_is_given_back(told: socket.socket, here: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as kept:
        port = free_port()
        process = again(here, kept.fileno(), "--bind", f"127.0.0.1:{port}")
        try:
            heard(told, b"FDSTOREREMOVE=1")
            heard(told, b"READY=1")
            assert httpx.get(f"http://127.0.0.1:{port}/connexion", timeout=30, verify=TRUST).status_code == 200
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_process_of_the_site_that_fails_forgets_nothing(told: socket.socket) -> None:
    service = supervisor.forgotten_on_failure()
    service.__enter__()
    child = os.fork()
    if not child:  # gunicorn ends so a process that serves no more
        with suppress(BaseException):
            service.__exit__(SystemExit, SystemExit(1), None)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    told.setblocking(False)
    with pytest.raises(BlockingIOError):
        told.recv(100)
    service.__exit__(None, None, None)
