"""The allowed host names of the site: a foreign ``Host`` must not get into links, redirections or caches.

Loopback names are allowed too: health checks and proxies on this machine use them.
"""

import re
from urllib.parse import urlsplit

from flask import Flask, request
from flask.typing import ResponseReturnValue

from ged.config import Settings
from web.site import errors

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[a-f0-9:.]+\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def install(app: Flask, settings: Settings) -> None:
    """Refuse requests for other hosts than those of ``GED_PUBLIC_URL``, ``GED_HOSTS`` and loopback."""
    own = urlsplit(settings.public_url).hostname or ""
    trusted = {host.casefold().strip("[]") for host in (own, *settings.hosts, *LOOPBACK)}

    @app.before_request
    def refuse_other_hosts() -> ResponseReturnValue | None:
        found = _HOST.fullmatch(request.host)
        if found is not None and found["name"].casefold().strip("[]") in trusted:
            return None
        return errors.answer_code("page.host", 421)
