"""A page uploaded in pieces that are repeated, reordered, damaged or interrupted: its bytes arrive, or a clear
error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ged.capture import intake, partials
from ged.capture.bridges import BridgeIdentity
from ged.capture.models import ScanPage
from ged.capture.partials import Held, Receipt
from ged.errors import Invalid
from ged.ports import Digest
from ged.unit import Services
from tests.factories import NOW, make_organisation, make_services
from tests.intake_kit import pair
from tests.sample_kit import examples

BLOCK = 8
TOLD = {"page.size", "page.digest_mismatch"}
"""Codes that tell the bridge to begin again, because the pieces are not those of the page."""


class CutError(Exception):
    """The connection, or the process behind it, is gone."""


@dataclass(frozen=True)
class Piece:
    """One request: its first byte (None: where the server says), its length, and what happens to it."""

    begins: int | None
    length: int
    breaks_after: int | None
    is_damaged: bool
    beside: Piece | None = None
    """Another connection sends this page while this piece is being read."""


class Stream:
    """The body of a request, as the server reads it."""

    def __init__(self, data: bytes, breaks_after: int | None, meanwhile: Callable[[], None]) -> None:
        self._data, self._place, self._breaks_after, self._meanwhile = data, 0, breaks_after, meanwhile

    def read(self, size: int = -1) -> bytes:
        if self._place >= BLOCK:
            meanwhile, self._meanwhile = self._meanwhile, lambda: None
            meanwhile()
        if self._breaks_after is not None and self._place >= self._breaks_after:
            raise CutError
        end = len(self._data) if size < 0 else self._place + size
        block = self._data[self._place : end]
        self._place += len(block)
        return block


@dataclass
class Page:
    """A page during its upload: its bytes, and what the server holds of it."""

    services: Services
    bridge: BridgeIdentity
    token: str
    whole: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.whole).hexdigest()

    def held(self) -> Receipt | Held:
        return partials.held(self.services, self.bridge, "k", self.token, digest=self.digest)

    def piece(self) -> bytes | None:
        """The file that collects the pieces."""
        path = partials._path(self.services, self.bridge, "k", self.token, self.digest)
        return path.read_bytes() if path.exists() else None

    def send(self, piece: Piece) -> Receipt | Held | None:
        """Send one request. Returns the response; None when it broke off, or was refused with a reason."""
        held = self.held()
        start = held.size_bytes if piece.begins is None else piece.begins
        data = self.whole[start : start + piece.length]
        if piece.is_damaged:
            data = data[:-1] + bytes([data[-1] ^ 1]) if data else b"too much"
        beside = piece.beside
        stream = Stream(data, piece.breaks_after, (lambda: None) if beside is None else lambda: self._meet(beside))
        try:
            got = partials.receive_piece(
                self.services, self.bridge, "k", self.token, stream,  # type: ignore[arg-type]
                offset=start, size_bytes=len(self.whole), digest=self.digest, order="1.1", media_type="image/png",
                now=NOW,
            )  # fmt: skip
        except CutError:
            return None
        except Invalid as refusal:
            if refusal.code not in TOLD:
                raise
            return None
        if isinstance(got, Receipt):
            self.check_stored(got)
        else:
            assert got.size_bytes < len(self.whole)
        return got

    def _meet(self, piece: Piece) -> None:
        self.send(piece)

    def check_stored(self, receipt: Receipt) -> None:
        assert (receipt.digest, receipt.size_bytes) == (self.digest, len(self.whole))
        with self.services.blobs.open(Digest(self.digest)) as stored:
            assert stored.read() == self.whole

    def rows(self) -> list[str]:
        with self.services.reading() as session:
            return list(session.scalars(select(ScanPage.digest).where(ScanPage.token == self.token)))


def _pieces(
    beside: st.SearchStrategy[Piece | None], *, is_damaged: st.SearchStrategy[bool]
) -> st.SearchStrategy[Piece]:
    small = st.integers(0, 70)
    return st.builds(Piece, st.none() | st.none() | small, small, st.none() | st.none() | small, is_damaged, beside)


HONEST, ANY = st.just(False), st.booleans()
WHOLE = st.binary(min_size=1, max_size=60)
TOKENS = count(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, BridgeIdentity]]:
    """Small blocks: sixty bytes are eight of them."""
    services = make_services(Path(tmp_path_factory.mktemp("pieces")))
    make_organisation(services)
    bridge = pair(services)
    with services.unit_of_work(NOW) as uow:
        intake.begin_batch(uow, bridge, "k", device="pnm:0", started_at=None, now=NOW)
    with patch.object(partials, "BLOCK", BLOCK), patch.object(intake, "MAX_PAGES", 10**9):
        yield services, bridge
    services.engine.dispose()


def sent(place: tuple[Services, BridgeIdentity], whole: bytes, pieces: list[Piece]) -> Iterator[Page]:
    """The page after each request, and after further requests of a bridge that continues until it has its receipt."""
    page = Page(*place, f"t{next(TOKENS)}", whole)
    for piece in pieces:
        page.send(piece)
        yield page
    for _ in range(3):  # damage is found at the end; then the page is sent whole
        if isinstance(page.held(), Receipt):
            break
        page.send(Piece(None, len(whole), None, is_damaged=False))
    yield page


@settings(max_examples=examples(60))
@given(WHOLE, st.lists(_pieces(st.none() | _pieces(st.none(), is_damaged=HONEST), is_damaged=HONEST), max_size=12))
def test_what_is_held_is_the_beginning_of_the_page(
    place: tuple[Services, BridgeIdentity], whole: bytes, pieces: list[Piece]
) -> None:
    for page in sent(place, whole, pieces):
        assert whole.startswith(page.piece() or b"")
        assert len(page.rows()) == isinstance(page.held(), Receipt)
    assert page.piece() is None
    assert page.rows() == [page.digest]


@settings(max_examples=examples(60))
@given(WHOLE, st.lists(_pieces(st.none() | _pieces(st.none(), is_damaged=ANY), is_damaged=ANY), max_size=12))
def test_a_page_is_whole_or_not_there(
    place: tuple[Services, BridgeIdentity], whole: bytes, pieces: list[Piece]
) -> None:
    for page in sent(place, whole, pieces):
        assert len(page.piece() or b"") <= len(whole)
        assert len(page.rows()) == isinstance(page.held(), Receipt)
    assert page.rows() == [page.digest]
    receipt = page.held()
    assert isinstance(receipt, Receipt)
    page.check_stored(receipt)
