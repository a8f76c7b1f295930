"""Upload of a page over bad connections: slow, cut in the middle, two at once, damaged; in pieces, with little
memory."""

from __future__ import annotations

import io
import os
import random
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from ged.capture import bridges, intake, partials
from ged.capture.bridges import BridgeIdentity
from ged.capture.partials import Held, Receipt
from ged.config import Settings
from ged.errors import Invalid, NotFound
from ged.ports import Digest
from ged.unit import Services
from scanner_bridge.api import SMALLEST_PIECE, Api, LinkDownError
from scanner_bridge.manifest import Page
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.pages import sha256
from tests.site import build_app
from tests.wire import Wire

pytestmark = pytest.mark.in_turns(3)


@dataclass
class Place:
    """A site with a paired bridge and an open batch."""

    services: Services
    bridge: BridgeIdentity
    token: str
    folder: Path
    wires: list[Wire] = field(default_factory=list)
    port: int = 0

    def wire(self, **values: float | int | None) -> Wire:
        made = Wire(self.port, **values)  # type: ignore[arg-type]
        self.wires.append(made)
        return made

    def stored(self, data: bytes) -> bool:
        with self.services.blobs.open(Digest(sha256(data))) as blob:
            return blob.read() == data

    def pieces(self) -> list[Path]:
        return list((self.folder / "partial").glob("*"))

    def receive(
        self, content: io.BufferedIOBase | Stream, whole: bytes, *, offset: int, **more: str | int
    ) -> Receipt | Held:
        values: dict[str, str | int] = {"digest": sha256(whole), "order": "1.1", "media_type": "image/png"}
        return partials.receive_piece(
            self.services, self.bridge, "k", "t", content,  # type: ignore[arg-type]
            offset=offset, now=NOW, **({"size_bytes": len(whole)} | values | more),  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    services = make_services(tmp_path)
    make_organisation(services)
    clerk = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        token, _ = bridges.pair(uow, code, "Guichet", now=NOW)
    with services.reading() as session:
        bridge = bridges.authenticate(session, token)
    with services.unit_of_work(NOW) as uow:
        intake.begin_batch(uow, bridge, "k", device="pnm:0", started_at=None, now=NOW)
    app = build_app(services, Settings(data_dir=tmp_path, secret=SECRET))  # type: ignore[arg-type]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found = Place(services, bridge, token, tmp_path, port=server.port)
    yield found
    for wire in found.wires:
        wire.stop()
    server.shutdown()
    thread.join()
    server.server_close()
    services.engine.dispose()


def page_of(data: bytes) -> Page:
    return Page("t", "1.png", sha256(data), len(data), 1, 1)


def until_received(send: Callable[[], tuple[str, int]], attempts: int) -> tuple[tuple[str, int], int]:
    """Upload as the bridge does, without its waits."""
    for attempt in range(attempts):
        try:
            return send(), attempt
        except LinkDownError:
            time.sleep(0.02)
    raise AssertionError(f"not received in {attempts} attempts")


def test_a_page_arrives_where_no_connection_lives_long_enough_for_it(place: Place) -> None:
    """Each connection is cut after a random number of bytes, always less than a fifth of the page."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    data = os.urandom(1_000_000)
    wire = place.wire()
    api = Api(wire.url, place.token)

    def send() -> tuple[str, int]:
        wire.most_bytes = chance.randrange(40_000, 200_000)
        return api.put_page("k", page_of(data), io.BytesIO(data))

    receipt, attempts = until_received(send, 60)
    api.close()
    assert receipt == (sha256(data), len(data))
    assert attempts >= 2
    assert wire.cuts >= 5
    # The upload continues where it broke off: fewer bytes are repeated than the page has.
    assert wire.sent_up < 2 * len(data)
    assert place.stored(data)
    assert place.pieces() == []


def test_a_slow_link_gets_small_pieces(place: Place) -> None:
    """256 kbit/s: 32 000 bytes a second."""
    data = os.urandom(200_000)
    wire = place.wire(bytes_per_s=32_000)
    api = Api(wire.url, place.token)
    begun = time.monotonic()
    assert api.put_page("k", page_of(data), io.BytesIO(data)) == (sha256(data), len(data))
    assert time.monotonic() - begun > 4
    assert api._piece <= 2 * SMALLEST_PIECE
    api.close()
    assert place.stored(data)


def test_a_huge_page_takes_little_memory_on_both_sides(place: Place) -> None:
    size = 48 * 1024 * 1024
    path = place.folder / "huge.png"
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(block)
    digest = sha256(path.read_bytes())
    api = Api(place.wire().url, place.token)
    tracemalloc.start()
    with path.open("rb") as content:
        receipt = api.put_page("k", Page("t", "1.png", digest, size, 1, 1), content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    api.close()
    assert receipt == (digest, size)
    assert peak < 16 * 1024 * 1024, peak


@dataclass
class Stream:
    """The body of a request. It runs a function between its blocks, or breaks off."""

    data: bytes
    then: Callable[[], object]
    position: int = 0

    def read(self, size: int) -> bytes:
        block = self.data[self.position : self.position + min(size, 1000)]
        self.position += len(block)
        if self.position > 3000:
            self.then()
        return block


def test_what_came_before_the_break_stays_and_is_told(place: Place) -> None:
    data = os.urandom(10_000)

    def breaks() -> None:
        raise ConnectionResetError("cut")

    with pytest.raises(Exception, match=r"blob.write_failed|cut"):
        place.receive(Stream(data, breaks), data, offset=0)
    told = partials.held(place.services, place.bridge, "k", "t", digest=sha256(data))
    assert told == Held(3000)
    assert place.receive(io.BytesIO(data[3000:5000]), data, offset=3000) == Held(5000)
    assert place.receive(io.BytesIO(data), data, offset=0) == Held(5000, is_conflict=True)
    assert place.receive(io.BytesIO(data[5000:]), data, offset=5000) == Receipt(Digest(sha256(data)), 10_000, True)
    assert place.stored(data)


def test_of_two_connections_for_one_page_the_slower_one_ends(place: Place) -> None:
    data = os.urandom(10_000)
    again = [lambda: place.receive(io.BytesIO(data[3000:]), data, offset=3000)]
    told: list[Receipt | Held] = []
    stale = Stream(data, lambda: told.append(again.pop()()) if again else None)
    outcome = place.receive(stale, data, offset=0)
    assert told == [Receipt(Digest(sha256(data)), 10_000, True)]
    assert outcome != told[0]
    assert place.stored(data)
    # The bridge gets the receipt on any connection on which it asks.
    assert partials.held(place.services, place.bridge, "k", "t", digest=sha256(data)) == Receipt(
        Digest(sha256(data)), 10_000, False
    )


def test_bytes_changed_on_the_way_are_dropped_and_sent_again(place: Place) -> None:
    data = os.urandom(5_000)
    assert place.receive(io.BytesIO(b"x" * 2_000), data, offset=0) == Held(2_000)
    with pytest.raises(Invalid, match="digest_mismatch"):
        place.receive(io.BytesIO(data[2_000:]), data, offset=2_000)
    assert place.pieces() == []
    assert isinstance(place.receive(io.BytesIO(data), data, offset=0), Receipt)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"size_bytes": 0}, "file.empty"),
        ({"size_bytes": 10**10}, "file.too_large"),
        ({"size_bytes": 100}, "page.size"),
        ({"digest": "../../x"}, "page.digest"),
    ],
)
def test_a_bridge_that_says_nonsense_is_told(place: Place, values: dict[str, str | int], code: str) -> None:
    data = os.urandom(5_000)
    with pytest.raises(Invalid) as caught:
        place.receive(io.BytesIO(data), data, offset=0, **values)
    assert caught.value.code == code


def test_another_bridge_sees_nothing(place: Place) -> None:
    stranger = BridgeIdentity(99, 1, "Autre", None)
    with pytest.raises(NotFound):
        partials.held(place.services, stranger, "k", "t", digest="0" * 64)


def test_pieces_whose_bridge_never_came_back_are_swept(place: Place) -> None:
    data = os.urandom(5_000)
    place.receive(io.BytesIO(data[:1_000]), data, offset=0)
    (piece,) = place.pieces()
    week_ago = (NOW - timedelta(days=7)).timestamp()
    assert partials.sweep(place.services, older_than=NOW - timedelta(days=3)) == 0
    os.utime(piece, (week_ago, week_ago))
    assert partials.sweep(place.services, older_than=NOW - timedelta(days=3)) == 1
    assert place.pieces() == []
    assert isinstance(place.receive(io.BytesIO(data), data, offset=0), Receipt)
