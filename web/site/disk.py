"""Refuses requests when the disk has too little space, except those that an administrator needs to repair it."""

from flask import Flask, request

from ged.errors import DiskFull
from ged.space import SMALL_BYTES, Space
from web.site import context

REFUSED = "ged.refused"
"""Key in the WSGI environment: the body was discarded for lack of space."""
ALWAYS = frozenset({"session", "second_step", "admin"})
"""Features whose small forms are accepted on any disk: signing in (both steps) and out, the administration."""
PIECES = frozenset({"bridge.put_page", "scan_folders.receive"})
"""Routes that take a file in pieces, each the whole body of a request."""


def install(app: Flask, space: Space) -> None:
    """Check the free space before each request that may store data, and before its form is read."""

    def look() -> None:
        if request.environ.get(REFUSED):
            raise DiskFull("disk.low", "free space on the server's disk", free_bytes=space.free_bytes())
        size = request.content_length or 0
        if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None:
            return
        if request.blueprint in ALWAYS and size <= SMALL_BYTES:
            return
        is_file = request.mimetype == "multipart/form-data" or request.endpoint in PIECES
        if is_file:
            check_upload(space, size)
        else:
            space.check(size)

    app.before_request(look)
    app.jinja_env.globals["disk_is_low"] = space.is_low


def check_upload(space: Space, size_bytes: int) -> None:
    """Check whether a file of this size would be accepted now.

    Raises:
        DiskFull: ``disk.low``.
    """
    # By the limit of large requests, whatever its size: uploads stop first, small forms go on.
    space.check(max(size_bytes, SMALL_BYTES + 1))


def space_of(app: Flask) -> Space:
    """The disk of an application's data folder."""
    settings = context.settings_of(app)
    return Space(settings.data_dir, settings.disk_reserve_bytes)
