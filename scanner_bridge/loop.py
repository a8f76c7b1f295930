"""The running bridge: one thread waits for orders and scans, one uploads, one reports the scanners present; two more keep and
send the lines that are typed at the desk."""

import json
import logging
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from scanner_bridge.api import Api, Link, LinkDownError, RefusedError, ScanOrder
from scanner_bridge.config import Config
from scanner_bridge.desk_lines import DeskLines
from scanner_bridge.desk_page import DeskServer, Door
from scanner_bridge.desk_sender import DeskSender
from scanner_bridge.device import Scanner
from scanner_bridge.faults import ScanFault
from scanner_bridge.orders import OrderRunner
from scanner_bridge.spool import Spool
from scanner_bridge.upload import Backoff, Uploader

log = logging.getLogger(__name__)

STATUS_NAME = "status.json"
_DEVICES_EVERY_S = 60.0
_DEVICES_AGAIN_S = 5.0
_SHORTEST_POLL_S = 0.5


# No Exception: the handlers on its way, the HTTP library's among them, would take it for a failed request.
class StopRequested(BaseException):
    """Raised by the signal handler while the agent is only waiting."""


class Agent:
    """Connects server, spool and scanner until stopped."""

    def __init__(self, home: Path, config: Config, scanner: Scanner) -> None:
        """Open the spool in ``home`` (recovering after a kill) and prepare the threads; nothing runs yet."""
        self._home, self._scanner = home, scanner
        self._stopping = threading.Event()
        self._waiting = False
        self._link: Link | None = None
        self._link_lock = threading.Lock()
        self._api = Api(config.server, config.token, ca_file=config.ca_file)
        self._spool = Spool(home / "spool", free_bytes=config.free_bytes)
        self._uploader = Uploader(self._api, self._spool, on_link=self._set_link)
        self._runner = OrderRunner(
            self._api,
            self._spool,
            scanner,
            kick=self._uploader.kick,
            on_link=self._set_link,
            stopping=self._stopping,
        )
        self._desk: DeskServer | None = None
        self._sender: DeskSender | None = None
        lines = DeskLines(home)
        # Lines that were typed are sent also where the page was switched off since.
        if config.desk_port or lines.all():
            self._sender = DeskSender(self._api, lines, on_link=self._set_link)
        if config.desk_port and self._sender is not None:
            self._desk = self._opened(config, lines, self._sender)

    def _opened(self, config: Config, lines: DeskLines, sender: DeskSender) -> DeskServer | None:
        """The page for typed lines. Where its port is taken, the desk scans without it."""
        try:
            return DeskServer(
                config.desk_port, lines, Door(config.desk_code), kick=sender.kick, link=lambda: self._link
            )
        except OSError as error:
            log.error("the desk's page is not served on port %s: %s", config.desk_port, error)
            return None

    def _set_link(self, link: Link) -> None:
        """Write a change of the link to the status file, which ``ged-bridge status`` reads."""
        with self._link_lock:
            if link == self._link:
                return
            self._link = link
            log.info("link: %s", link)
            values = {"link": link, "since": datetime.now(UTC).isoformat(timespec="seconds")}
            part = self._home / f"{STATUS_NAME}.part"
            try:
                part.write_text(json.dumps(values), encoding="utf-8")
                part.replace(self._home / STATUS_NAME)
            except OSError as error:
                log.warning("status not written: %s", error)

    def run(self) -> None:
        """Serve until ``stop``; returns with every page either on the server or on the disk."""
        uploads = threading.Thread(target=self._uploader.run, name="upload", daemon=True)
        devices = threading.Thread(target=self._announce, name="devices", daemon=True)
        uploads.start()
        devices.start()
        if self._sender is not None:
            threading.Thread(target=self._sender.run, name="lines", daemon=True).start()
        if self._desk is not None:
            threading.Thread(target=self._desk.serve_forever, name="desk", daemon=True).start()
        try:
            self._serve()
        except StopRequested:
            log.info("stopped while waiting")
        finally:
            self._stopping.set()
            self._uploader.stop()
            if self._sender is not None:
                self._sender.stop()
            if self._desk is not None:
                self._desk.shutdown()
                self._desk.server_close()
            self._scanner.close()
            uploads.join(timeout=5.0)
            devices.join(timeout=5.0)
            self._api.close()

    def stop(self) -> None:
        """Stop at once when waiting, after the page when scanning; called in a signal handler."""
        self._stopping.set()
        if self._waiting:
            raise StopRequested

    def _serve(self) -> None:
        backoff = Backoff(longest_s=10.0)
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                order = self._wait_for_order()
            except (LinkDownError, RefusedError) as error:
                self._set_link(error.link if isinstance(error, LinkDownError) else "server_down")
                self._pause(backoff.next_wait_s())
                continue
            backoff.reset()
            self._set_link("online")
            self._uploader.server_is_back()
            if self._sender is not None:
                self._sender.kick()
            if isinstance(order, ScanOrder):
                self._runner.run(order)
            else:
                # A server that holds no request tells us when to poll again. Otherwise we keep a shortest interval.
                spent = time.monotonic() - started
                self._pause(max(order, _SHORTEST_POLL_S - spent))

    def _wait_for_order(self) -> ScanOrder | float:
        self._waiting = True
        try:
            return self._api.next_order()
        finally:
            self._waiting = False

    def _pause(self, wait_s: float) -> None:
        if wait_s > 0:
            self._stopping.wait(wait_s)

    def _announce(self) -> None:
        """Report the devices at the start and each minute. Failures are retried soon: clerks need a device to order."""
        while not self._stopping.is_set():
            wait_s = _DEVICES_EVERY_S
            try:
                self._api.announce_devices(self._scanner.devices())
            except (LinkDownError, RefusedError, ScanFault) as error:
                log.warning("devices not announced: %s", error)
                wait_s = _DEVICES_AGAIN_S
            self._stopping.wait(wait_s)
