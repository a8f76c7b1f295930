"""What a process tells the supervisor of its service, over a real socket."""

import secrets
import socket
from pathlib import Path

import pytest

from web.processes import supervisor


def listener(address: str) -> socket.socket:
    """A supervisor's socket; it waits a second at most."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.bind(address)
    found.settimeout(1)
    return found


def test_a_state_reaches_the_socket_that_the_supervisor_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with listener(str(tmp_path / "notify")) as at:
        assert supervisor.tell(supervisor.READY)
        assert at.recv(100) == b"READY=1"


def test_an_abstract_name_is_reached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"ged-test-{secrets.token_hex(8)}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with listener(f"\0{name}") as at:
        assert supervisor.tell(supervisor.ALIVE)
        assert at.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("place", ["", "/nowhere/notify"])
def test_without_a_supervisor_the_process_works_on(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    assert not supervisor.tell(supervisor.READY)


def test_a_supervisor_that_does_not_read_stops_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with listener(str(tmp_path / "notify")):
        told = [supervisor.tell(supervisor.ALIVE) for _ in range(5_000)]
    assert told[0]
    assert not told[-1]
