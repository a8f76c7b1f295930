"""A line in the log for each answer: which page, how it went, how long it took. Nobody's name, address or words.

The page is told by its endpoint, never by its address: addresses bear numbers of letters and what was searched. The
request's id stands in the answer (``X-Request-ID``), in a crash's line and on its page; a proxy of ours may give it.
"""

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

log = logging.getLogger("ged.access")

_GIVEN = re.compile(r"[0-9A-Za-z-]{8,64}")
QUIET = frozenset({"static", "bridge.order", "health.show", "health.site"})
"""What is asked all the time: told only where it fails."""


def install(app: Flask, *, trusts_proxy: bool) -> None:
    """Give each request its id and each answer its line."""

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
