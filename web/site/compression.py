"""Compresses text responses.

If a response contains a secret beside text chosen by an attacker, its compressed size reveals the secret (BREACH,
2013). An attacker's page can make a browser send requests. Such a request has no session (the cookie is SameSite), and
if the browser reports another site as its origin (``Sec-Fetch-Site``), the response is not compressed at all.
"""

import gzip

from flask import Flask, Response, request

TEXT = frozenset(
    {
        "text/html",
        "text/css",
        "text/plain",
        "text/csv",
        "text/javascript",
        "application/javascript",
        "application/json",
        "image/svg+xml",
    }
)
ANSWERS = frozenset({200, 403, 404, 409, 422})
"""Pages, those of refused forms among them: uncompressed, a form comes back a second later on a slow link."""
SMALLEST_BYTES, LARGEST_BYTES = 1_000, 5_000_000
LEVEL = 5


def install(app: Flask) -> None:
    """Compress text responses if the client accepts it."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.mimetype not in TEXT:
        return response
    # Also of what is not compressed: the proxy keeps static files, and must not give one form to who asked for the
    # other.
    response.vary.add("Accept-Encoding")
    if _may(response):
        plain = _all_of(response)
        if len(plain) >= SMALLEST_BYTES:
            response.set_data(gzip.compress(plain, LEVEL, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
            tag, _is_weak = response.get_etag()
            if tag:
                response.set_etag(tag, weak=True)  # different bytes of the same content
    return response


def _all_of(response: Response) -> bytes:
    close = getattr(response.response, "close", None)  # a static file, wrapped by the WSGI server
    response.direct_passthrough = False
    plain = response.get_data()
    if close is not None:
        close()
    return plain


def _may(response: Response) -> bool:
    return (
        response.status_code in ANSWERS
        and request.method in ("GET", "POST")
        and request.accept_encodings["gzip"] > 0
        # Older browsers send no such header: there SameSite alone protects.
        and request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        and "Content-Encoding" not in response.headers
        and (not response.is_streamed or response.direct_passthrough)
        and (response.content_length or SMALLEST_BYTES) <= LARGEST_BYTES
    )
