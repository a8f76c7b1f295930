"""Nothing is taken that the disk has no room for; what an administrator needs to mend it still is."""

from flask import Flask, request

from ged.errors import DiskFull
from ged.space import SMALL_BYTES, Space
from web.site import context

REFUSED = "ged.refused"
"""In the request's environment: there was no room for its body, which is not there."""
ALWAYS = frozenset({"session", "admin"})
"""Features whose small forms are tried on any disk: signing in and out, the administration."""


def install(app: Flask, space: Space) -> None:
    """Look at the free room before each request that may store something, and before anything reads its form."""

    def look() -> None:
        if request.environ.get(REFUSED):
            raise DiskFull("disk.low", "free space on the server's disk", free_bytes=space.free_bytes())
        size = request.content_length or 0
        if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None:
            return
        if request.blueprint in ALWAYS and size <= SMALL_BYTES:
            return
        is_file = request.mimetype == "multipart/form-data" or request.endpoint == "bridge.put_page"
        if is_file:
            check_upload(space, size)
        else:
            space.check(size)

    app.before_request(look)
    app.jinja_env.globals["disk_is_low"] = space.is_low


def check_upload(space: Space, size_bytes: int) -> None:
    """Whether a file of this size would be taken now.

    Raises:
        DiskFull: ``disk.low``.
    """
    space.check(max(size_bytes, SMALL_BYTES + 1))


def space_of(app: Flask) -> Space:
    """The disk of an application's data folder."""
    settings = context.settings_of(app)
    return Space(settings.data_dir, settings.disk_reserve_bytes)
