"""What a process tells the supervisor of its service, over a real socket."""

import os
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


def test_a_listener_goes_to_the_supervisor_with_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with listener(str(tmp_path / "notify")) as at, socket.create_server(("127.0.0.1", 0)) as site:
        supervisor.keep(site)
        said, files, _flags, _address = socket.recv_fds(at, 100, 2)
        assert said == b"FDSTORE=1\nFDNAME=site"
        with socket.socket(fileno=files[0]) as kept:
            assert kept.getsockname() == site.getsockname()


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "site"}, None),
        ({"LISTEN_PID": "own", "LISTEN_FDS": "x", "LISTEN_FDNAMES": "site"}, None),
        ({"LISTEN_PID": "own", "LISTEN_FDS": "0", "LISTEN_FDNAMES": ""}, None),
        ({"LISTEN_PID": "own", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "site"}, 3),
    ],
)
def test_the_kept_listener_is_the_third_file_of_the_process_that_is_named(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], found: int | None
) -> None:
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(os.getpid()) if value == "own" else value)
    assert supervisor.kept() == found
    assert supervisor.kept() is None, "it is handed over once"


def told_of(monkeypatch: pytest.MonkeyPatch, place: Path, error: BaseException) -> bytes:
    monkeypatch.setenv("NOTIFY_SOCKET", str(place))
    with listener(str(place)) as at:
        with pytest.raises(type(error)), supervisor.forgotten_on_failure():
            raise error
        at.setblocking(False)
        try:
            return at.recv(100)
        except BlockingIOError:
            return b""


def test_whoever_cannot_start_lets_nobody_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert told_of(monkeypatch, tmp_path / "one", ValueError("no schema")) == b"FDSTOREREMOVE=1\nFDNAME=site"
    assert told_of(monkeypatch, tmp_path / "two", SystemExit(3)) == b"FDSTOREREMOVE=1\nFDNAME=site"
    assert told_of(monkeypatch, tmp_path / "three", SystemExit(0)) == b"", "stopped in order, perhaps for a restart"
