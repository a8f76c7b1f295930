"""All our clients over TLS: a server without a valid certificate gets no request, and so no secret and no letter."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from ged.adapters.imap import ImapMailbox, MailboxSettings
from ged.errors import EngineFailed
from indexer.elastic_index import ElasticIndex
from indexer.elastic_snapshots import Snapshots
from scanner_bridge.api import Api, LinkDownError
from signing.evidence import _ask
from signing.remote import RemoteKey
from signing.timestamp import FallbackTimeStamper, TimestampUnavailable
from tests.tls_kit import DAY, HOST, TestAuthority, authority, lead_here


class Listener(ThreadingHTTPServer):
    """An HTTPS server that records all data after the handshake."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect during the handshake: the tests expect them."""

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def handle_one_request(self) -> None:
        line = self.rfile.readline(65537)
        if line:
            self.server.heard.append(line.decode("latin-1"))
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.close_connection = True


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestAuthority:
    lead_here(monkeypatch, HOST)
    return authority(tmp_path, "autorite-du-ministere")


@pytest.fixture(params=["another name", "expired", "foreign authority"])
def impostor(request: pytest.FixtureRequest, tmp_path: Path, house: TestAuthority) -> Iterator[Listener]:
    context = {
        "another name": lambda: house.server(tmp_path, "imposteur.example"),
        "expired": lambda: house.server(tmp_path, HOST, ends=-DAY),
        "foreign authority": lambda: authority(tmp_path, "autorite-etrangere").server(tmp_path, HOST),
    }[request.param]()
    yield from _listening(context)


@pytest.fixture
def genuine(tmp_path: Path, house: TestAuthority) -> Iterator[Listener]:
    yield from _listening(house.server(tmp_path, HOST))


def _listening(context: ssl.SSLContext) -> Iterator[Listener]:
    with Listener(context) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _seal(url: str, house: TestAuthority, _folder: Path) -> None:
    RemoteKey(url, "cachet", "jeton", [house.certificate]).sign(b"lettre", "sha256")


def _stamp(url: str, _house: TestAuthority, _folder: Path) -> None:
    asyncio.run(FallbackTimeStamper((url,)).async_timestamp(b"0" * 32, "sha256"))


def _evidence(url: str, _house: TestAuthority, _folder: Path) -> None:
    with httpx.Client(timeout=5) as client:
        if _ask(client, url, b"question") is None:
            raise EngineFailed("evidence.none", "")


def _search(url: str, house: TestAuthority, _folder: Path) -> None:
    ElasticIndex(url, ca_path=house.file, api_key="c2VjcmV0OnNlY3JldA==").put([])
    raise AssertionError("nothing was asked")


def _snapshots(url: str, house: TestAuthority, _folder: Path) -> None:
    with Snapshots(url, alias="ged", location="/tmp", api_key="c2VjcmV0OnNlY3JldA==", ca_path=str(house.file)) as taken:
        taken.take(datetime.now(UTC), version=1, position=1)


def _bridge(url: str, house: TestAuthority, _folder: Path) -> None:
    api = Api(url, "jeton", ca_file=str(house.file))
    try:
        api.pair("ABCD-2345", "Guichet 1")
    finally:
        api.close()


def _mailbox(url: str, house: TestAuthority, folder: Path) -> None:
    secret = folder / "secret"
    secret.write_text("mot de passe")
    port = int(url.rpartition(":")[2])
    box = MailboxSettings(
        name="arrivee", unit="BO", host=HOST, port=port, ca_file=house.file, user="agent", password_file=secret
    )
    with ImapMailbox(box).open():
        raise AssertionError("opened")


CLIENTS: dict[str, Callable[[str, TestAuthority, Path], None]] = {
    "signing service": _seal,
    "time-stamp authority": _stamp,
    "revocation data": _evidence,
    "search": _search,
    "snapshots": _snapshots,
    "scanner bridge": _bridge,
    "mailbox": _mailbox,
}
REFUSALS = (EngineFailed, TimestampUnavailable, LinkDownError)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_is_not_known_hears_nothing(
    impostor: Listener, house: TestAuthority, tmp_path: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.file))  # for the clients that trust the system's authorities
    with pytest.raises(REFUSALS):
        CLIENTS[client](impostor.url, house, tmp_path)
    assert impostor.heard == []


@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "mailbox"])
def test_a_server_that_is_known_is_asked(
    genuine: Listener, house: TestAuthority, tmp_path: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.file))
    with pytest.raises(Exception):  # noqa: B017, PT011  it knows no such page
        CLIENTS[client](genuine.url, house, tmp_path)
    assert genuine.heard, "the test above would pass if nothing was ever sent"


def test_revocation_data_without_an_end_is_cut(house: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signing.evidence._MAX_BYTES", 1000)
    sent: list[int] = []

    def pour() -> Iterator[bytes]:
        while True:
            sent.append(1)
            yield b"x" * 600

    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=pour()))
    with httpx.Client(transport=transport) as client:
        assert _ask(client, "http://crl.example/list") is None
    assert len(sent) == 2


def test_revocation_data_that_drips_is_left() -> None:
    dripped: list[float] = []

    def drip() -> Iterator[bytes]:
        while len(dripped) < 200:
            dripped.append(time.monotonic())
            time.sleep(0.02)
            yield b"x"

    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=drip()))
    with httpx.Client(transport=transport, timeout=0.05) as client:
        assert _ask(client, "http://crl.example/list") is None
    assert len(dripped) < 100
