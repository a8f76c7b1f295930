"""Nothing is taken that the disk has no room for; what an administrator needs to mend it still is."""

from flask import Flask, request

from ged.space import SMALL_BYTES, Space
from web.site import context

ALWAYS = frozenset({"session", "admin"})
"""Features whose small forms are tried on any disk: signing in and out, the administration."""


def install(app: Flask, space: Space) -> None:
    """Look at the free room before each request that may store something."""

    def look() -> None:
        size = request.content_length or 0
        if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None:
            return
        if request.blueprint in ALWAYS and size <= SMALL_BYTES:
            return
        is_file = request.mimetype == "multipart/form-data" or request.endpoint == "bridge.put_page"
        space.check(max(size, SMALL_BYTES + 1) if is_file else size)

    app.before_request(look)


def space_of(app: Flask) -> Space:
    """The disk of an application's data folder."""
    settings = context.settings_of(app)
    return Space(settings.data_dir, settings.disk_reserve_bytes)
