"""Site and worker tell the supervisor of their service when they are ready, and that they live."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import served
from tests.worker_kit import Installation


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
