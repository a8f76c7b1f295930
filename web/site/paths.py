"""Return URLs: only paths of this site, never of another site."""

from urllib.parse import urlsplit

from flask import request, url_for


def safe_path(target: str | None) -> str | None:
    """Return the target if it is a plain path of this site, else None.

    Refused: other hosts (``//evil``, ``/\\evil``, ``https:``) and control characters, which browsers drop.
    """
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return None
    if "\\" in target or any(ord(character) < 32 for character in target):
        return None
    return target


def next_path(default: str | None = None) -> str:
    """Where to go after this form: its ``next`` field if it is a path of this site, else the default, else home."""
    asked = request.form.get("next") or request.args.get("next")
    return safe_path(asked) or default or url_for("session.home")


def way_back() -> str | None:
    """The previous page, if it is a page of this site."""
    referrer = urlsplit(request.referrer or "")
    if referrer.netloc != request.host:
        return None
    path = safe_path(referrer.path + (f"?{referrer.query}" if referrer.query else ""))
    # After a POST this URL is the form's own page; after a GET it would lead back to the same page.
    circle = request.method in ("GET", "HEAD") and path == request.full_path.removesuffix("?")
    return None if circle else path
