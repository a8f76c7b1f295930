"""The site's HTTP interface for bridges, as typed calls. Every call is idempotent."""

import logging
import secrets
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, BinaryIO, Final, Literal
from urllib.parse import quote

import httpx

from scanner_bridge import VERSION
from scanner_bridge.device import DeviceInfo
from scanner_bridge.manifest import Manifest, Order, OrderId, Page
from scanner_bridge.watch_files import MEDIA_TYPES

log = logging.getLogger(__name__)

Link = Literal["online", "network_down", "server_down", "unpaired"]
State = Literal["scanning", "uploading", "done", "failed", "cancelled"]

REQUEST_HEADER: Final = "X-Bridge-Request"
"""An id of each request, which the site writes into its log; its own id comes back in ``X-Request-ID``."""
WAIT_S: Final = 25
LONGEST_PAUSE_S: Final = 60.0
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_REPORT_TIMEOUT = httpx.Timeout(2.0)
_POLL_TIMEOUT = httpx.Timeout(WAIT_S + 10.0, connect=5.0)


FIRST_PIECE: Final = 256 * 1024
SMALLEST_PIECE: Final = 64 * 1024
LARGEST_PIECE: Final = 4 * 1024 * 1024
_MEDIA_TYPES: Final = {ending: media_type for media_type, ending in MEDIA_TYPES.items()}
_BLOCK: Final = 64 * 1024
_QUICK_S: Final = 1.0
_SLOW_S: Final = 4.0
_MOST_CONFLICTS: Final = 8


class LinkDownError(Exception):
    """The server cannot be used now; ``link`` says why: no network, no server, or an unknown bridge."""

    def __init__(self, link: Link, detail: str) -> None:
        super().__init__(f"{link}: {detail}")
        self.link: Link = link


class RefusedError(Exception):
    """The server refused the request for good: a retry is of no use."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}".strip())
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class ScanOrder:
    """An order of the site; ``complete``: this order is the last of its batch."""

    order_id: OrderId
    batch_key: str
    device: str | None
    source: str | None
    mode: str | None
    dpi: int
    duplex: bool
    complete: bool
    paper: str = "a4"


@dataclass(frozen=True)
class _Piece:
    """A part of a file, read while it is sent, and read again on a retry."""

    content: BinaryIO
    offset: int
    length: int

    def __iter__(self) -> Iterator[bytes]:
        self.content.seek(self.offset)
        left = self.length
        while left and (block := self.content.read(min(left, _BLOCK))):
            left -= len(block)
            yield block


class Api:
    """The calls of a paired bridge, shared by its threads. Connections stay open, so that a page is sent at once."""

    def __init__(self, server: str, token: str = "", *, ca_file: str = "") -> None:
        """Prepare for ``server`` (a base URL); no connection is made yet.

        Args:
            ca_file: PEM of the authority of the server's certificate; empty: the public authorities of every browser.

        Raises:
            OSError: the file cannot be read or holds no certificate.
        """
        self._client = httpx.Client(
            base_url=server.rstrip("/") + "/api/bridge/",
            verify=ssl.create_default_context(cafile=ca_file) if ca_file else True,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=_TIMEOUT,
            limits=httpx.Limits(keepalive_expiry=120.0),
        )
        self._piece = FIRST_PIECE

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, method: str, path: str, **values: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **values)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # The server may have closed an idle connection: retry on a new connection.
            return self._client.request(method, path, **values)

    def _call(self, method: str, path: str, *, allow: Iterable[int] = (), **values: Any) -> httpx.Response:
        """Send a request and classify the response.

        Raises:
            LinkDownError: retry later.
            RefusedError: do not retry.
        """
        own_id = secrets.token_hex(8)
        headers = {**values.pop("headers", {}), REQUEST_HEADER: own_id}
        try:
            response = self._send(method, path, headers=headers, **values)
        except httpx.TransportError as error:
            log.warning("request %s got no answer: %s", own_id, type(error).__name__)
            raise LinkDownError("network_down", f"{type(error).__name__}: {error}") from error
        # What was sent can be followed from the desk to the server's jobs; polls and reports are many.
        level = logging.INFO if method == "PUT" or not response.is_success else logging.DEBUG
        log.log(level, "request %s is %s on the server: %s", own_id, _id_of(response), response.status_code)
        if response.is_success or response.status_code in allow:
            return response
        code, message = _error_of(response)
        # A 403 without a code of the site is a proxy's: the pairing still holds.
        if response.status_code == 401 or (response.status_code == 403 and code.startswith("bridge.")):
            raise LinkDownError("unpaired", f"{response.status_code} {code}")
        if _is_passing(response, code):
            raise LinkDownError("server_down", f"HTTP {response.status_code} {code}")
        raise RefusedError(response.status_code, code, message)

    def pair(self, code: str, name: str) -> tuple[str, str]:
        """Exchange a pairing code for (token, bridge id)."""
        answer = self._call("POST", "pair", json={"code": code, "name": name}).json()
        return str(answer["token"]), str(answer["bridge_id"])

    def announce_devices(self, devices: Iterable[DeviceInfo]) -> None:
        """Report the scanners that are present, and the version of this program."""
        body = {"devices": [asdict(device) for device in devices], "version": VERSION}
        self._call("POST", "devices", json=body)

    def next_order(self) -> ScanOrder | float:
        """Wait for an order as long as the server holds the request. Without an order, return the seconds to pause."""
        response = self._call("GET", "order", params={"wait_s": WAIT_S}, timeout=_POLL_TIMEOUT)
        return _pause_of(response) if response.status_code == 204 else _order_of(response.json())

    def report(
        self, order_id: OrderId, state: State, pages: int, *, code: str | None = None, detail: str | None = None
    ) -> bool:
        """Report the progress of an order; True means: stop the order. The timeout is short: paper may be moving."""
        body = {"state": state, "pages": pages, "code": code, "detail": detail}
        path = f"order/{quote(str(order_id), safe='')}/state"
        response = self._call("POST", path, json=body, timeout=_REPORT_TIMEOUT)
        return bool(response.content and response.json().get("cancel"))

    def open_batch(self, batch_key: str, order: Order, *, filename: str = "") -> None:
        """Announce that an order's pages will be sent in this batch; ``filename`` if the batch is one document."""
        body = {"order_id": order.order_id, "device": order.device, "started_at": order.started_at}
        if filename:
            body["filename"] = filename
        self._call("PUT", _batch(batch_key), json=body)

    def put_page(self, batch_key: str, page: Page, content: BinaryIO) -> tuple[str, int]:
        """Send a page in pieces, from the offset that the server holds. Returns the server's receipt: (digest, size).

        A page of one piece is sent without a query for the offset. If the server already has a piece, it answers with
        the offset that it holds.
        """
        path, headers = f"{_batch(batch_key)}/page/{page.token}", _page_headers(page)
        answer: Mapping[str, Any] = {"held": 0}
        # A question saves sending again what a broken connection left; for one piece it would cost more than the piece.
        if page.size_bytes > self._piece:
            answer = self._call("GET", path, headers=headers).json()
        conflicts = 0
        while "digest" not in answer:
            length = min(self._piece, page.size_bytes - int(answer["held"]))
            response = self._put_piece(path, headers, _Piece(content, int(answer["held"]), length))
            conflicts += response.status_code == 409
            if conflicts > _MOST_CONFLICTS:
                raise LinkDownError("server_down", f"the server does not keep the pieces of page {page.token}")
            answer = response.json()
        return str(answer["digest"]), int(answer["size"])

    def _put_piece(self, path: str, headers: Mapping[str, str], piece: "_Piece") -> httpx.Response:
        """Send one piece. The piece size follows the link's speed: a broken connection costs a few seconds at most."""
        begun, more = time.monotonic(), {"Content-Length": str(piece.length)}
        at = {"offset": piece.offset}
        try:
            response = self._call("PUT", path, allow=[409], params=at, content=piece, headers={**headers, **more})
        except LinkDownError:
            self._piece = max(self._piece // 2, SMALLEST_PIECE)
            raise
        if response.status_code == 409 and "held" not in response.json():
            raise RefusedError(409, *_error_of(response))
        spent_s = time.monotonic() - begun
        if spent_s < _QUICK_S and piece.length == self._piece:
            self._piece = min(self._piece * 2, LARGEST_PIECE)
        elif spent_s > _SLOW_S:
            self._piece = max(self._piece // 2, SMALLEST_PIECE)
        return response

    def put_line(self, key: str, body: dict[str, Any]) -> None:
        """Send a line that was typed at the desk; sent again with its key it is the same line.

        Raises:
            LinkDownError: also where the answer is no receipt of the site: the page of a proxy says 200 too.
            RefusedError: as ``_call``.
        """
        response = self._call("PUT", f"reserve/{quote(key, safe='')}", json=body)
        if not _is_receipt(response, key):
            raise LinkDownError("server_down", f"HTTP {response.status_code} without a receipt")

    def complete(self, manifest: Manifest) -> list[str]:
        """Report a batch as complete. Returns the tokens of the pages that the server lacks; empty when it has all."""
        pages = [{"token": page.token, "digest": page.digest} for page in manifest.pages if page.state == "sent"]
        path = f"{_batch(manifest.batch_key)}/complete"
        response = self._call("POST", path, json={"pages": pages}, allow=[409])
        if response.status_code != 409:
            return []
        missing = response.json().get("missing")
        if not missing:
            raise RefusedError(409, *_error_of(response))
        return [str(token) for token in missing]


def _id_of(response: httpx.Response) -> str:
    """The server's id of the request; another server's header may hold anything."""
    request_id = response.headers.get("X-Request-ID", "")
    return (
        request_id
        if request_id.isascii() and request_id.replace("-", "").isalnum() and len(request_id) <= 64
        else "unknown"
    )


def _batch(batch_key: str) -> str:
    return f"batch/{quote(batch_key, safe='')}"


def _page_headers(page: Page) -> dict[str, str]:
    numbered = isinstance(page.order_id, int)
    return {
        "Content-Type": _MEDIA_TYPES[PurePath(page.file).suffix],
        "X-Content-SHA256": page.digest,
        "X-Content-Size": str(page.size_bytes),
        "X-Page-Order": f"{page.order_id}.{page.sequence}" if numbered else str(page.sequence),
    }


def _is_passing(response: httpx.Response, code: str) -> bool:
    """Whether a retry may succeed later. Bytes damaged in transit also count: they are sent again."""
    status = response.status_code
    # A redirection is a proxy's or a portal's: the site sends bridges none, and the token must not follow it.
    return status in {408, 425, 429} or status >= 500 or response.is_redirect or code == "page.digest_mismatch"


def _pause_of(response: httpx.Response) -> float:
    """The pause that the server requests (``Retry-After``), in seconds, up to a limit."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE_S) if asked.isascii() and asked.isdigit() else 0.0


def _error_of(response: httpx.Response) -> tuple[str, str]:
    try:
        error = response.json()["error"]
        return str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return "", response.reason_phrase


def _is_receipt(response: httpx.Response, key: str) -> bool:
    try:
        return bool(response.json()["key"] == key)
    except (ValueError, KeyError, TypeError):
        return False


def _order_of(values: Mapping[str, Any]) -> ScanOrder:
    return ScanOrder(
        order_id=values["order_id"],
        batch_key=str(values["batch_key"]),
        device=values.get("device"),
        source=values.get("source"),
        mode=values.get("mode"),
        dpi=int(values.get("dpi") or 300),
        duplex=bool(values.get("duplex")),
        complete=bool(values.get("complete")),
        paper=str(values.get("paper") or "a4"),
    )
