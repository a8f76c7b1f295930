"""The names of natures for pages: read once and kept for a while, because they hardly ever change."""

import math
import time

from flask import current_app

from ged.natures import queries
from web.site import context

KEPT_S = 30.0
_NAMED = "ged_nature_names"


def names() -> dict[str, str]:
    """The name of every nature by its code, also of those that are closed."""
    kept: tuple[float, dict[str, str]] = current_app.extensions.get(_NAMED, (-math.inf, {}))
    if time.monotonic() - kept[0] > KEPT_S:
        with context.services().reading() as session:
            kept = time.monotonic(), queries.names(session)
        current_app.extensions[_NAMED] = kept
    return kept[1]


def name_of(code: str) -> str:
    """The name of a nature; an unknown code is shown itself."""
    return (names().get(code) or code) if code else ""
