"""Whether this process may be sent people. Asked often by proxies, so the answer is kept for a moment."""

import time

from flask import Flask

from ged.health import readiness
from ged.unit import Services

KEPT_S = 1.0
STOPPING = "stopping"
_STOPS, _KEPT = "ged_stops", "ged_ready"


def stop(app: Flask) -> None:
    """From now on this process asks for no more people; it still answers."""
    app.extensions[_STOPS] = True


def hindrance(app: Flask, services: Services) -> str:
    """Why this process may be sent nobody; empty when it may (``ged.health.readiness``)."""
    if app.extensions.get(_STOPS):
        return STOPPING
    looked_s, found = app.extensions.get(_KEPT, (float("-inf"), ""))
    if time.monotonic() - looked_s > KEPT_S:
        found = readiness.hindrance(services)
        app.extensions[_KEPT] = time.monotonic(), found
    return str(found)
