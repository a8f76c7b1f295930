"""Response headers: what a browser may do with our pages, and what it may cache.

Pages contain letters: only static files are cached, whose URL changes with their bytes, and the pictures of the guide.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from web.site import context

STATIC = Path(__file__).parents[1] / "static"
TRAINING = "EXERCICE"
_FILENAME = re.compile(r"filename(?:=\"?|\*=UTF-8'')", re.IGNORECASE)
ONE_YEAR_S = 365 * 24 * 3600
ONE_DAY_S = 24 * 3600
STRICT_TRANSPORT = f"max-age={ONE_YEAR_S}; includeSubDomains"
"""For names below the site's own too: a cookie set by one of them would be sent to the site."""

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # No 'unsafe-inline': so templates bear no ``style``, and charts place their shapes by attributes of SVG.
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "object-src 'none'",
        # Browsers apply it to redirections of a form too: so the way to the identity provider is a page
        # (web.site.leaving).
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
PDF_POLICY = "frame-ancestors 'self'"
"""Chromium builds its PDF viewer as a page from our response: a stricter policy leaves it blank."""
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'self'"
"""For images and downloads: whatever the bytes are, they cannot run code."""


def install(app: Flask) -> None:
    """Add the headers to every response, and a version to every URL of a static file."""
    app.after_request(_add_headers)
    app.url_defaults(_add_version)


def _policy(response: Response) -> str:
    if response.mimetype == "text/html":
        return PAGE_POLICY
    return PDF_POLICY if response.mimetype == "application/pdf" else FILE_POLICY


def _add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _policy(response)
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not "no-referrer": the way back from an error or from the password page is read from it.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=()"
    if context.services().training:
        _mark_training(response)
    # By the address, not by the request: a proxy that ends TLS asks by http.
    if context.settings().public_url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    is_file = response.status_code in (200, 206, 304)
    if request.endpoint == "static" and is_file:
        response.headers["Cache-Control"] = _how_long_kept()
    elif request.endpoint == "help.picture" and is_file:
        # On a slow link a picture is fetched once a day. Not "public": who is signed out sees none from a proxy either.
        response.headers["Cache-Control"] = f"private, max-age={ONE_DAY_S}"
    else:
        # Pages of letters too: an office PC is shared, and a session that ran out clears no cache. Drawn pictures so bear no ETag: no
        # browser keeps what it could compare.
        response.headers["Cache-Control"] = "no-store, private"
    return response


def _how_long_kept() -> str:
    """How long a static file may be kept. While two hosts run two releases, a page of one asks the other for its files: those
    bytes must not be kept under the address of others, which browser and proxy would do for a year."""
    asked = request.args.get("v")
    if asked is None:
        return "public, max-age=300"
    if asked != static_version((request.view_args or {}).get("filename", "")):
        return "no-store"
    return f"public, max-age={ONE_YEAR_S}, immutable"


def _mark_training(response: Response) -> None:
    """Say of every answer, and in the name of every file, that it comes from a training installation."""
    response.headers["X-GED-Training"] = TRAINING
    disposition = response.headers.get("Content-Disposition")
    if disposition:
        response.headers["Content-Disposition"] = _FILENAME.sub(rf"\g<0>{TRAINING}-", disposition)


def _add_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and "filename" in values and "v" not in values:
        version = static_version(values["filename"])
        if version:
            values["v"] = version


@cache
def static_version(filename: str) -> str:
    """Ten characters that change with the file's bytes; empty when there is no such file."""
    path = STATIC / filename
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else ""
