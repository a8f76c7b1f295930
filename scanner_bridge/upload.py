"""Sends the content of the spool. Resumes at any point, retries idempotently, backs off while the server is down."""

import logging
import threading
import time
from collections.abc import Callable
from random import SystemRandom

from scanner_bridge.api import Api, Link, LinkDownError, RefusedError
from scanner_bridge.manifest import Manifest, Order, Page
from scanner_bridge.spool import Spool

log = logging.getLogger(__name__)

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 20.0
_COMPLETE_ATTEMPTS = 3
_REFUSED_AGAIN_S = 600.0


class Backoff:
    """Growing waits with jitter, so that the desks of a ministry do not all reconnect in the same second."""

    def __init__(self, first_s: float = _FIRST_WAIT_S, longest_s: float = _LONGEST_WAIT_S) -> None:
        """Start at ``first_s``, double up to ``longest_s``; each wait is random in the upper half of its limit."""
        self._first_s, self._longest_s = first_s, longest_s
        self._random = SystemRandom()
        self.failures = 0

    def next_wait_s(self) -> float:
        """Count one more failure and return the wait, in seconds."""
        limit = min(self._longest_s, self._first_s * 2 ** min(self.failures, 16))
        self.failures += 1
        return self._random.uniform(limit / 2, limit)

    def reset(self) -> None:
        """Reset after a success."""
        self.failures = 0


class Uploader:
    """Empties the spool in its own thread; ``kick`` wakes it for new work."""

    def __init__(self, api: Api, spool: Spool, *, on_link: Callable[[Link], None]) -> None:
        """``on_link`` is called with each state of the link."""
        self._api, self._spool, self._on_link = api, spool, on_link
        self._work = threading.Event()
        self._retry = threading.Event()
        self._stopped = False
        self.refused: dict[str, float] = {}

    def kick(self, batch_key: str) -> None:
        """Wake the thread for this batch. A batch that the server refused before is tried again."""
        self.refused.pop(batch_key, None)
        self._work.set()

    def server_is_back(self) -> None:
        """End the wait early, because another call has succeeded."""
        self._retry.set()

    def stop(self) -> None:
        """Let ``run`` return after the current call."""
        self._stopped = True
        self._work.set()
        self._retry.set()

    def run(self) -> None:
        """Send until stopped."""
        backoff = Backoff()
        while not self._stopped:
            # Before the round: what arrives while it goes on is not overlooked.
            self._work.clear()
            self._retry.clear()
            try:
                self.drain()
            except LinkDownError as down:
                self._on_link(down.link)
                wait_s = backoff.next_wait_s()
                log.warning("upload waits %.1f s: %s", wait_s, down)
                self._retry.wait(wait_s)
            else:
                backoff.reset()
                self._work.wait(_REFUSED_AGAIN_S if self.refused else None)

    def drain(self) -> None:
        """Send the present content of the spool.

        Raises:
            LinkDownError: unsent pages stay in the spool.
        """
        for batch_key in self._spool.open_batches():
            if time.monotonic() < self.refused.get(batch_key, 0.0):
                continue
            try:
                self._send_batch(batch_key)
            except RefusedError as refusal:
                log.error("the server refuses batch %s, its pages stay in the spool: %s", batch_key, refusal)
                self.refused[batch_key] = time.monotonic() + _REFUSED_AGAIN_S
                self._report_refusal(batch_key, refusal)

    def _report_refusal(self, batch_key: str, refusal: RefusedError) -> None:
        manifest = self._spool.get(batch_key)
        for order in manifest.orders if manifest else ():
            if not order.closed:
                self._spool.update_order(batch_key, order.order_id, announced=False)
                try:
                    self._api.report(order.order_id, "failed", 0, code="refused", detail=str(refusal))
                except RefusedError as error:
                    log.error("order %s is not known to the server: %s", order.order_id, error)

    def _send_batch(self, batch_key: str) -> None:
        manifest = self._spool.get(batch_key)
        for order in manifest.orders if manifest else ():
            if not order.closed:
                self._send_order(batch_key, order)

    def _send_order(self, batch_key: str, order: Order) -> None:
        if not order.announced:
            self._api.open_batch(batch_key, order)
            self._spool.update_order(batch_key, order.order_id, announced=True)
        attempts = 0
        while (manifest := self._spool.get(batch_key)) is not None:
            current = manifest.order(order.order_id) or order
            waiting = _waiting(manifest)
            if waiting:
                self._send_pages(manifest, current, waiting)
            elif current.outcome is None:
                return  # the scan still runs; its next page wakes this thread again
            elif self._finish(manifest, current):
                return
            elif (attempts := attempts + 1) == _COMPLETE_ATTEMPTS:
                raise RefusedError(409, "missing", "the server does not keep the pages sent")

    def _send_pages(self, manifest: Manifest, order: Order, waiting: list[Page]) -> None:
        if order.outcome is not None:
            self._api.report(order.order_id, "uploading", len(manifest.pages_of(order.order_id)))
        for page in waiting:
            self._send_page(manifest.batch_key, page)

    def _send_page(self, batch_key: str, page: Page) -> None:
        content = self._spool.open(batch_key, page)
        if content is None:
            log.error("page %s of batch %s is damaged on the disk", page.file, batch_key)
            self._spool.set_page(batch_key, page.with_state("lost"))
            return
        with content:
            receipt = self._api.put_page(batch_key, page, content)
        # Only this receipt lets the page be deleted here.
        if receipt != (page.digest, page.size_bytes):
            raise LinkDownError("server_down", f"the receipt for page {page.token} names other bytes")
        self._on_link("online")
        self._spool.set_page(batch_key, page.with_state("sent"))

    def _finish(self, manifest: Manifest, order: Order) -> bool:
        """Complete the batch if this order is its last, report the outcome, free the pages. False: pages to resend."""
        outcome, code, detail = order.outcome, order.code, order.detail
        pages = manifest.pages_of(order.order_id)
        needed = manifest.pages if order.complete else pages
        if outcome == "done" and any(page.state == "lost" for page in needed):
            outcome, code = "failed", "page_lost"
        elif outcome == "done" and order.complete and (missing := self._api.complete(manifest)):
            log.warning("the server lacks pages of batch %s: %s", manifest.batch_key, missing)
            for page in manifest.pages:
                if page.token in missing:
                    self._spool.set_page(manifest.batch_key, page.with_state("spooled"))
            return False
        count = sum(page.state == "sent" for page in pages)
        try:
            self._api.report(order.order_id, outcome or "failed", count, code=code, detail=detail)
        except RefusedError as refusal:
            log.warning("the server no longer knows order %s: %s", order.order_id, refusal)
        self._spool.close_order(manifest.batch_key, order.order_id)
        return True


def _waiting(manifest: Manifest) -> list[Page]:
    """Pages to send: of this order, or of an earlier order whose pages the server lacks."""
    announced = {order.order_id for order in manifest.orders if order.announced}
    return [page for page in manifest.pages if page.state == "spooled" and page.order_id in announced]
