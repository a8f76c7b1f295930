"""One order of the site, from its arrival to the end of the scan. The uploader reports the outcome."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from scanner_bridge.api import Api, Link, LinkDownError, RefusedError, ScanOrder, State
from scanner_bridge.device import Scanner, ScanRequest
from scanner_bridge.faults import ScanFault
from scanner_bridge.manifest import Outcome
from scanner_bridge.spool import Spool

log = logging.getLogger(__name__)

_SILENCE_S = 10.0


class OrderRunner:
    """Runs orders one after the other. A page is safe on the disk before it is reported."""

    def __init__(
        self,
        api: Api,
        spool: Spool,
        scanner: Scanner,
        *,
        kick: Callable[[str], None],
        on_link: Callable[[Link], None],
        stopping: threading.Event,
    ) -> None:
        """``kick`` wakes the uploader; ``stopping`` ends a scan after the current page."""
        self._api, self._spool, self._scanner = api, spool, scanner
        self._kick, self._on_link, self._stopping = kick, on_link, stopping
        self._silent_until = 0.0

    def run(self, order: ScanOrder) -> None:
        """Scan an order. Its outcome, success or failure, is stored in the spool; the uploader reports it."""
        if self._spool.find(order.batch_key, order.order_id) is not None:
            log.warning("order %s came twice: its outcome is reported again, nothing is scanned", order.order_id)
            self._spool.update_order(order.batch_key, order.order_id, closed=False)
            self._kick(order.batch_key)
            return
        log.info("order %s: batch %s, device %s", order.order_id, order.batch_key, order.device or "default")
        try:
            outcome, code = self._scan(order)
            self._spool.end_order(order.batch_key, order.order_id, outcome, code=code)
        except ScanFault as fault:
            log.error("order %s ended by %s; %s", order.order_id, fault, fault.remedy)
            self._spool.end_order(
                order.batch_key, order.order_id, "failed", code=fault.code, detail=fault.detail or fault.remedy
            )
        self._kick(order.batch_key)

    def _scan(self, order: ScanOrder) -> tuple[Outcome, str | None]:
        now = datetime.now(UTC)
        key = order.batch_key
        manifest = self._spool.open_order(key, order.order_id, device=order.device, complete=order.complete, now=now)
        if self._report(order, "scanning", 0):
            return "cancelled", None
        request = ScanRequest(order.device, order.source, order.mode, order.dpi, order.duplex, order.paper)
        pages = 0
        with closing(self._scanner.scan(request, self._spool.folder(key), first=manifest.next_sequence)) as scan:
            for page in scan:
                self._spool.add_page(key, order.order_id, page)
                self._kick(order.batch_key)
                pages += 1
                if self._report(order, "scanning", pages):
                    return "cancelled", None
                if self._stopping.is_set():
                    return "failed", "interrupted"
        return "done", None

    def _report(self, order: ScanOrder, state: State, pages: int) -> bool:
        """Report the progress if the server is up; True means: stop. A scan never waits long for the network."""
        if time.monotonic() < self._silent_until:
            return False
        try:
            return self._api.report(order.order_id, state, pages)
        except LinkDownError as down:
            self._silent_until = time.monotonic() + _SILENCE_S
            self._on_link(down.link)
            log.warning("order %s: progress not told: %s", order.order_id, down)
            return False
        except RefusedError as refusal:
            log.warning("order %s is no longer wanted: %s", order.order_id, refusal)
            return True
