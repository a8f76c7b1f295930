"""The site under gunicorn: threads for the long polls of the bridges, processes on servers."""

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from ged.config import Settings
from web.app import create_app
from web.bootstrap import build_services


class Site(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn configured by values; the application is built in each process after the fork."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Hand the values over."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the application."""
        return create_app(build_services(self._settings), self._settings)


def serve_site(settings: Settings, *, bind: str, threads: int, processes: int = 1) -> None:
    """Serve until stopped."""
    Site(
        settings,
        {
            "bind": bind,
            "workers": processes,
            "worker_class": "gthread",
            "threads": threads,
            "timeout": 120,
            "graceful_timeout": 5,
            # Longer than browsers and proxies keep an idle connection: the side that asks must be the one to close it,
            # or a request meets a connection that is being closed and is lost.
            "keepalive": 75,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "control_socket_disable": True,
        },
    ).run()
