"""A process of the site: gunicorn starts and supervises it, waitress reads requests and sends responses.

One thread in each process handles all connections. A request gets a page thread only once its head and body are
complete. A response for a slow reader waits in a buffer. So a slow client holds only a connection.

Five thread pools: pages; the bridges' polls, which are parked first (``web.site.polls``); the health page; what a proxy asks of this
process; the figures. A health page or a scrape that waits for a database makes no proxy believe that this process is not ready.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from flask import Flask
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import FixedStreamReceiver
from waitress.server import BaseWSGIServer, TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge
from werkzeug.http import parse_cookie

from ged import slots
from ged.capture import bridges
from ged.capture import orders as scan_orders
from ged.errors import DiskFull
from ged.space import SMALL_BYTES, disk_full_of
from ged.unit import Services
from web.api.bridge import LONGEST_WAIT_S, ORDER_PATH, WAITED
from web.processes import metrics, supervisor
from web.processes.bare import BareTask, Refusal
from web.processes.metrics import Gauges
from web.site import context, disk, errors, i18n, readiness
from web.site.polls import Polls

log = logging.getLogger("ged.web")

HEALTH_PATH = "/sante"
HEAD_S = 15.0
"""Timeout for the head of a request; for the first request, from the connection on."""
BODY_S = 30.0
SLOWEST_BYTES_PER_S = 8_000
"""The slowest accepted speed of a body, besides a fixed time: 200 MB at 256 kbit/s are accepted."""
IDLE_S = 75
"""Longer than browsers and proxies keep an idle connection: the client must close it first, otherwise a request could
be sent on a connection that is being closed, and be lost."""
FIRST_S = 1.0
"""How long a process that ends waits for the first request on a connection that it has accepted."""
MOST_CONNECTIONS = 2_000
MOST_OF_ONE_ADDRESS = 100
TELL_EVERY_S = 10.0
POLL_THREADS = 2
MULTIPART_BYTES = 1_000_000
"""The size of a form's other parts, added to the largest file."""
LARGEST_DISCARDED = 1_000_000_000
REFUSALS = ("upload.too_large", "disk.full")


class _Nowhere:
    """Discards the rest of a refused body: a browser reads the refusal only after sending everything."""

    def append(self, data: bytes) -> None:
        pass

    def getfile(self) -> BytesIO:
        """An empty file."""
        return BytesIO()

    def close(self) -> None:
        pass


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """An incoming request. A body that is too large, or for which the disk has no space, is refused and not stored.

    For lack of space the application itself refuses, without the body, so that the person stays on the site. A body cut
    short by a full disk, or too large, gets a response rendered beforehand.
    """

    is_without_body = False

    def received(self, data: bytes) -> int:
        """Receive bytes of the head or the body."""
        was_head = not self.headers_finished
        try:
            consumed = int(super().received(data))
        except OSError as error:
            full = disk_full_of(error)
            if full is None or self.body_rcv is None:
                raise
            self._refuse(full.code)
            return len(data)
        if isinstance(self.error, RequestEntityTooLarge):
            self._refuse("upload.too_large")
        # Once, with the head: behind it the body goes to the disk as it arrives.
        elif was_head and self.content_length > SMALL_BYTES and self.error is None:
            try:
                self.adj.space.check(self.content_length)
            except DiskFull:
                self._leave_body()
        return consumed

    def _language(self) -> str:
        """The language of the browser; who is signed in is not known here."""
        cookies = parse_cookie(self.headers.get("COOKIE", ""))
        return i18n.browser_language(cookies.get(self.adj.language_cookie, ""), self.headers.get("ACCEPT_LANGUAGE", ""))

    def _leave_body(self) -> None:
        if isinstance(self.body_rcv, FixedStreamReceiver):
            self.is_without_body = True
            self.body_rcv.buf.close()
            self.body_rcv.buf = _Nowhere()

    def _refuse(self, code: str) -> None:
        kind = "json" if self.path.startswith("/api/") else "html"
        self.error = Refusal(code, self.adj.words[code, kind, self._language()])
        left = getattr(self.body_rcv, "remain", 0)
        # A chunked body states no end, and gigabytes take hours: those connections are closed at once.
        is_worth_waiting = isinstance(self.body_rcv, FixedStreamReceiver) and left <= LARGEST_DISCARDED
        self.completed = not (is_worth_waiting and left)
        if not self.completed:
            self.body_rcv.buf.close()
            self.body_rcv.buf = _Nowhere()


class _Task(WSGITask):  # type: ignore[misc]
    """A request for the application; its environment says whether it was parked."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        if getattr(self.request, "waited", False):
            environ[WAITED] = True
        if getattr(self.request, "is_without_body", False):
            environ[disk.REFUSED] = True
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that records when its unfinished request began."""

    task_class = _Task
    error_task_class = BareTask
    parser_class = Parser

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.begun_s = time.monotonic()
        self.bytes_come = 0
        self.is_new = True

    def received(self, data: bytes) -> bool:
        """Receive bytes; the clock starts with the first byte of each request."""
        if self.request is None:
            self.begun_s, self.bytes_come, self.is_new = time.monotonic(), 0, False
        self.bytes_come += len(data)
        return bool(super().received(data))

    def is_late(self, now_s: float) -> bool:
        """Whether the incoming request has taken too long."""
        age_s = now_s - self.begun_s
        if self.request is None:
            return self.is_new and age_s > HEAD_S
        if not self.request.headers_finished:
            return age_s > HEAD_S
        # Waitress closes only where nothing comes: a byte a minute would hold a connection for ever.
        return age_s > BODY_S + self.bytes_come / SLOWEST_BYTES_PER_S

    @property
    def is_idle(self) -> bool:
        """Whether no request is being received, handled or answered."""
        return self.request is None and not self.requests and not self.total_outbufs_len

    @property
    def is_in_use(self) -> bool:
        """Whether the connection is not idle, or was opened a moment ago for a request that is on its way."""
        return not self.is_idle or (self.is_new and time.monotonic() - self.begun_s < FIRST_S)


class _Listener:
    """Mixin for waitress's servers: thread pools, timeouts, and limits on connections."""

    channel_class = Channel
    active_channels: dict[int, Channel]
    sort: Callable[[Channel], None]
    most_of_one_address: int | None = None

    def add_task(self, channel: Channel) -> None:
        """Handle a complete request."""
        self.sort(channel)

    def handle_accept(self) -> None:
        """Accept a connection, unless its address has too many."""
        try:
            taken = self.accept()  # type: ignore[attr-defined]
            if taken is None:
                return  # another process accepted it
            connection, address = taken
            self.set_socket_options(connection)  # type: ignore[attr-defined]
        except OSError as error:
            log.warning("a connection could not be accepted: %s", error)
            return
        address = self.fix_addr(address)  # type: ignore[attr-defined]
        if not self._has_room(address[0]):
            connection.close()
            return
        self.channel_class(self, connection, address, self.adj, map=self._map)  # type: ignore[attr-defined]

    def _has_room(self, host: str) -> bool:
        """Limit the connections of an address: close its oldest idle connection; without one, refuse the new one."""
        if self.most_of_one_address is None:
            return True
        same = [one for one in self.active_channels.values() if one.addr[0] == host and not one.will_close]
        if len(same) < self.most_of_one_address:
            return True
        oldest = min((one for one in same if one.is_idle), key=lambda one: one.last_activity, default=None)
        if oldest is not None:
            oldest.will_close = True
        return oldest is not None

    def maintenance(self, now: float) -> None:
        """Close idle and late connections; called each second."""
        super().maintenance(now)  # type: ignore[misc]
        now_s = time.monotonic()
        for channel in self.active_channels.values():
            if channel.is_late(now_s):
                channel.will_close = True


class TcpListener(_Listener, TcpWSGIServer):  # type: ignore[misc]
    """A listener on an address and port."""


class UnixListener(_Listener, UnixWSGIServer):  # type: ignore[misc]
    """A listener on a Unix socket."""


class _Alarm(wasyncore.file_dispatcher):  # type: ignore[misc]
    """Wakes the event loop when a signal arrives."""

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        self.recv(4096)


class SiteWorker(Worker):  # type: ignore[misc]  # gunicorn ships no types
    """A process of the site under gunicorn's arbiter, which replaces it when it ends."""

    wsgi: Flask
    _tells_at_s = 0.0
    _leaves_at_s: float | None = None
    _from_before: frozenset[Channel] = frozenset()

    def run(self) -> None:
        """Serve until stopped, until ``RECYCLED_AFTER`` requests, or until the arbiter is gone."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it logs a line for each waiting request
        services = context.services_of(self.wsgi)
        _use_own_folder(services)
        slots.share(slots.of_this_machine(Path(services.data_dir)), threads=self.cfg.threads)
        self._pages, self._answers, self._health, self._ready, self._figures = (
            _lane(self.cfg.threads),
            _lane(POLL_THREADS),
            _lane(1),
            _lane(1),
            _lane(1),
        )
        self._polls: Polls[Channel] = Polls(
            lambda: _orders(services), lambda waiting: _note(services, waiting), self._end_wait
        )
        self._polls.start()
        connections: dict[int, Any] = {}
        sockets = [sock.sock for sock in self.sockets]
        # Bound last (web.processes.server).
        figures = sockets.pop() if context.settings_of(self.wsgi).metrics_bind else None
        listeners = [self._listen(sock, connections, self.wsgi, self._sort) for sock in sockets]
        if figures is not None:
            gauges = Gauges(services, disk.space_of(self.wsgi))
            listeners.append(self._listen(figures, connections, metrics.serving(gauges), self._figures.add_task))
        # gunicorn sets this pipe as the wake-up file of signals: without it SIGTERM waits for the next second.
        _Alarm(self.PIPE[0], map=connections)
        # A process whose arbiter was killed leaves too: it would hold the port against the next start.
        while self.alive and self.ppid == os.getppid() and not self._has_left(listeners):
            self._turn(connections)
            self._tell_supervisor()
            services.meter.flush()
        self._finish(listeners, connections)
        services.meter.flush(at_once=True)

    def _listen(
        self, sock: Any, connections: dict[int, Any], served: Any, sort: Callable[[Channel], None]
    ) -> BaseWSGIServer:
        settings = context.settings_of(self.wsgi)
        adjustments = Adjustments(
            ident=None,
            connection_limit=MOST_CONNECTIONS,
            # ``maintenance`` also closes late connections: by waitress's 30 s their limits would be vague.
            cleanup_interval=1,
            channel_timeout=IDLE_S,
            max_request_header_size=64_000,
            max_request_body_size=settings.max_upload_bytes + MULTIPART_BYTES,
            log_socket_errors=False,
            # With our proxies, the application itself reads their headers (``ProxyFix``).
            clear_untrusted_proxy_headers=not settings.proxies,
        )
        adjustments.space = disk.space_of(self.wsgi)
        adjustments.words = errors.plain_words(self.wsgi, REFUSALS)
        adjustments.is_secure = settings.public_url.startswith("https://")
        adjustments.language_cookie = i18n.cookie_name(secure=adjustments.is_secure)
        kind = UnixListener if sock.family.name == "AF_UNIX" else TcpListener
        listener = kind(
            served,
            connections,
            True,
            sock,
            dispatcher=self._pages,
            adj=adjustments,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            bind_socket=False,
        )
        listener.sort = sort
        # Behind a proxy all connections come from the proxy's address; the proxy limits those of people itself.
        if kind is TcpListener and not settings.proxies:
            listener.most_of_one_address = MOST_OF_ONE_ADDRESS
        return listener

    def _tell_supervisor(self) -> None:
        """Tell that this process serves. When none of the site's processes does, the supervisor starts the site again."""
        if time.monotonic() >= self._tells_at_s:
            self._tells_at_s = time.monotonic() + TELL_EVERY_S
            supervisor.tell(supervisor.ALIVE)

    def _turn(self, connections: dict[int, Any]) -> None:
        # Each second at most, by the timeout below: the arbiter kills a process that does not beat.
        self.notify()
        wasyncore.loop(timeout=1.0, use_poll=True, map=connections, count=1)

    def _has_left(self, listeners: list[BaseWSGIServer]) -> bool:
        """Whether this process has answered ``max_requests``, and no client may still use a connection from before.

        What a client sends on an open connection at the moment when a process ends is lost. So a process that is to be
        replaced goes on for a while: it tells with each response that the connection closes after it. A connection on
        which nothing comes is given up after ``IDLE_S``, when its client no longer uses it either.
        """
        if self.nr < self.max_requests:
            return False
        open_now = frozenset(_channels(listeners))
        if self._leaves_at_s is None:
            self._leaves_at_s, self._from_before = time.monotonic() + IDLE_S, open_now
        return self._from_before.isdisjoint(open_now) or time.monotonic() > self._leaves_at_s

    def _close_after(self, request: Parser) -> None:
        """Close the connection after the response, where this process ends: as if the client had asked for it."""
        if self._leaves_at_s is not None or not self.alive:
            request.headers["CONNECTION"] = "close"

    def _sort(self, channel: Channel) -> None:
        """Give a complete request to its thread pool."""
        self.nr += 1
        request = channel.requests[0]
        self._close_after(request)
        if request.error is None and request.path == ORDER_PATH:
            wait_s = _wait_of(request.query)
            if not wait_s or not self._polls.take(_bridge_of(request.headers), channel, wait_s=wait_s):
                self._answers.add_task(channel)
        elif request.path == HEALTH_PATH:
            self._health.add_task(channel)
        elif request.path.startswith(HEALTH_PATH + "/"):
            self._ready.add_task(channel)
        else:
            self._pages.add_task(channel)

    def _end_wait(self, channel: Channel) -> None:
        channel.requests[0].waited = True
        self._close_after(channel.requests[0])
        self._answers.add_task(channel)

    def _finish(self, listeners: list[BaseWSGIServer], connections: dict[int, Any]) -> None:
        """Accept no more connections; finish running requests, within the arbiter's timeout."""
        if not self.alive:  # not a process that is replaced: the proxy is to send nobody here
            readiness.stop(self.wsgi)
        for listener in listeners:
            listener.accepting = False
            listener.del_channel()
        self._polls.stop()
        until_s = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < until_s and any(channel.is_in_use for channel in _channels(listeners)):
            self._turn(connections)
        for channel in _channels(listeners):
            channel.handle_close()  # now: the process takes a while to end, and what a client sends meanwhile is lost
        for lane in (self._pages, self._answers, self._health, self._ready, self._figures):
            lane.shutdown(timeout=0)


def _channels(listeners: list[BaseWSGIServer]) -> list[Channel]:
    """The open connections."""
    return [channel for listener in listeners for channel in listener.active_channels.values()]


def _lane(threads: int) -> ThreadedTaskDispatcher:
    lane = ThreadedTaskDispatcher()
    lane.set_thread_count(threads)
    return lane


def _use_own_folder(services: Services) -> None:
    """Buffer uploads in the data folder, not in ``/tmp``, which may be in memory or shared."""
    folder = Path(services.data_dir) / "tmp"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)


def _orders(services: Services) -> Mapping[str, bool]:
    with services.reading() as session:
        return scan_orders.orders_waiting(session)


def _note(services: Services, waiting: Collection[str]) -> None:
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        bridges.seen_waiting(uow, waiting, now=now)


def _wait_of(query: str) -> float:
    try:
        wait_s = float(parse_qs(query).get("wait_s", ["0"])[0])
    except ValueError:
        return 0.0
    return min(wait_s, LONGEST_WAIT_S) if wait_s > 0 else 0.0


def _bridge_of(headers: Mapping[str, str]) -> str:
    kind, _space, token = headers.get("AUTHORIZATION", "").partition(" ")
    return bridges.token_digest(token.strip() if kind.lower() == "bearer" else "")
