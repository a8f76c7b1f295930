"""A log line for each response: page, status, duration, and the id of the request. No names, addresses or search texts.

The page is named by its endpoint, never by its URL, which may contain numbers of letters and search texts. The id is in
the response (``X-Request-ID``), on the page of a crash, in every line that the request writes and in the jobs that it
asks for (``ged.log_context``). Our proxy may give it. A bridge sends an id of its own (``X-Bridge-Request``): the line
has both.
"""

import logging
import secrets
import time

from flask import Flask, Response, g, request

from ged import log_context
from ged.ports import Meter

log = logging.getLogger("ged.access")

HEADER, OF_BRIDGE = "X-Request-ID", "X-Bridge-Request"
UNKNOWN = "unknown"
"""The page of an address that no page has: whoever tries addresses makes no new names."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
QUIET = frozenset({"static", "bridge.order", "health.show", "health.site", "health.ready"})
"""Frequent endpoints: logged only when they fail."""


def install(app: Flask, *, trusts_proxy: bool, meter: Meter) -> None:
    """Give each request an id and each response a log line, and time it."""

    def begin() -> None:
        given = request.headers.get(HEADER, "").lower() if trusts_proxy else ""
        g.request_id = given if log_context.is_id(given) else secrets.token_hex(8)
        g.began_s = time.perf_counter()
        log_context.begin(**{log_context.REQUEST: g.request_id, log_context.ROUTE: route()})

    def end(response: Response) -> Response:
        spent_s = time.perf_counter() - g.get("began_s", time.perf_counter())
        _tell(response, spent_s)
        meter.time("ged_http_request_seconds", spent_s, route(), _method(), f"{response.status_code // 100}xx")
        return response

    app.before_request(begin)
    app.after_request(end)
    # The thread is used again: lines that it writes between two requests would bear this one's id.
    app.teardown_request(lambda _error: log_context.begin())


def request_id() -> str:
    """The id of this request."""
    return str(g.get("request_id", "")) or secrets.token_hex(8)


def route() -> str:
    """The page that this request is for."""
    return request.endpoint or UNKNOWN


def _method() -> str:
    return request.method if request.method in METHODS else "other"


def _tell(response: Response, spent_s: float) -> None:
    response.headers[HEADER] = request_id()
    level = logging.DEBUG if request.endpoint in QUIET and response.status_code < 400 else logging.INFO
    if not log.isEnabledFor(level):
        return
    sent = request.headers.get(OF_BRIDGE, "")
    with log_context.bound(bridge_request=sent if log_context.is_id(sent) else ""):
        log.log(
            level,
            "response method=%s route=%s status=%d ms=%.0f bytes=%d request=%s",
            _method(), route(), response.status_code, spent_s * 1000, response.content_length or 0, request_id(),
        )  # fmt: skip
