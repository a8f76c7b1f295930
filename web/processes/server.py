"""The site under gunicorn, which supervises its processes; each is a ``web.processes.site_worker.SiteWorker``."""

import logging
import os
import resource
import socket
from contextlib import nullcontext
from typing import Any

from flask import Flask
from gunicorn import sock
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from sqlalchemy.orm import configure_mappers

from ged.config import Settings
from web import api, views
from web.processes import memory, supervisor
from web.processes.app import create_app
from web.processes.site_lock import serving
from web.processes.site_worker import SiteWorker
from web.wiring.services import build_services

RECYCLED_AFTER = 20_000
"""Requests after which a process is replaced, and the random variation between processes."""


class Site(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn configured by values; the application is built in each process after the fork.

    The modules are loaded before the fork, and shared. Objects with a connection, a file or a lock are made after it.
    """

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the application."""
        services = build_services(self._settings, patience_s=self._settings.database_patience_s)
        return create_app(services, self._settings)


class Logs(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """What gunicorn says goes where everything is logged (``web.processes.logs``)."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002
        """Write nothing by itself."""
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def serve_site(settings: Settings, *, bind: str, threads: int, processes: int | None = None) -> None:
    """Serve until stopped, with ``processes`` processes; by default as in the settings, else one for each core."""
    _allow_many_connections()
    _load_pages()
    memory.settle()
    with serving(settings.data_dir) if settings.embedded else nullcontext():
        _serve(settings, bind, threads, processes)


def _serve(settings: Settings, bind: str, threads: int, processes: int | None) -> None:
    Site(
        settings,
        {
            # The figures last: each process takes them by their place (SiteWorker.run).
            "bind": [bind, settings.metrics_bind] if settings.metrics_bind else [bind],
            "workers": processes or settings.processes or cores(),
            "worker_class": SiteWorker,
            "threads": threads,
            # For a process whose event loop hangs. A page that takes long ends nothing: the loop beats, not the page's
            # thread.
            "timeout": 120,
            # Far below the unit's TimeoutStopSec (30 s), after which systemd kills.
            "graceful_timeout": 5,
            "max_requests": RECYCLED_AFTER,
            "max_requests_jitter": RECYCLED_AFTER // 5,
            "accesslog": None,
            "logger_class": Logs,
            "control_socket_disable": True,
            "on_starting": _take_kept,
            "when_ready": _let_keep,
        },
    ).run()


def _take_kept(server: Arbiter) -> None:
    """Serve at the listener that the supervisor kept over a restart, unless the address is another one now."""
    file = supervisor.kept()
    if file is None:
        return
    site, *others = server.cfg.address
    if not _listens_at(file, site):
        os.close(file)
        supervisor.forget()  # else its port stays taken
        return
    # A second call: create_sockets() leaves all addresses out where it is given files.
    only = Config()
    only.set("bind", [_written(one) for one in others])
    listeners = sock.create_sockets(server.cfg, server.log, [file])
    server.LISTENERS = [*listeners, *(sock.create_sockets(only, server.log) if others else [])]


def _listens_at(file: int, address: str | tuple[str, int]) -> bool:
    # A copy: the end of this block closes the file that it is given.
    with socket.socket(fileno=os.dup(file)) as found:
        at = found.getsockname()
    if isinstance(address, str):
        return bool(at == address)
    return at[:2] in {place[4][:2] for place in socket.getaddrinfo(*address, type=socket.SOCK_STREAM)}


def _let_keep(server: Arbiter) -> None:
    site = server.LISTENERS[0].sock
    if site.family != socket.AF_UNIX:  # the path of a socket of this machine goes with the process
        supervisor.keep(site)


def _written(address: str | tuple[str, int]) -> str:
    return f"unix:{address}" if isinstance(address, str) else f"[{address[0]}]:{address[1]}"


def _load_pages() -> None:
    """Load the modules of the pages and set up the tables' classes, before the fork: else each process would do it."""
    for package in (views, api):
        tuple(package.blueprints())
    configure_mappers()


def _allow_many_connections() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
