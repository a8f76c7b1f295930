"""A log line for each response: page, status, duration. No names, addresses or search texts.

The page is named by its endpoint, never by its URL, which may contain numbers of letters and search texts. The
request's id is in the response (``X-Request-ID``), in a crash's log line and on its page; our proxy may set it.
"""

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

log = logging.getLogger("ged.access")

_GIVEN = re.compile(r"[0-9A-Za-z-]{8,64}")
QUIET = frozenset({"static", "bridge.order", "health.show", "health.site"})
"""Frequent endpoints: logged only when they fail."""


def install(app: Flask, *, trusts_proxy: bool) -> None:
    """Give each request an id and each response a log line."""

    def begin() -> None:
        given = request.headers.get("X-Request-ID", "") if trusts_proxy else ""
        g.request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        g.began_s = time.perf_counter()

    app.before_request(begin)
    app.after_request(_tell)


def request_id() -> str:
    """The id of this request."""
    return str(g.get("request_id", "")) or secrets.token_hex(8)


def _tell(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    spent_ms = (time.perf_counter() - g.get("began_s", time.perf_counter())) * 1000
    level = logging.DEBUG if request.endpoint in QUIET and response.status_code < 400 else logging.INFO
    log.log(
        level,
        "%s %s %d %.0f ms %d B %s",
        request.method,
        request.endpoint or "-",
        response.status_code,
        spent_ms,
        response.content_length or 0,
        request_id(),
    )
    return response
