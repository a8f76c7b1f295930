"""The names of natures for pages: read once and kept for a while, because they hardly ever change."""

import math
import time
from collections import Counter

from flask import current_app

from ged.natures import queries
from ged.org.stock import entities_of
from ged.org.tree import ministry
from ged.register.models import Direction
from web.site import context
from web.words import labels

KEPT_S = 30.0
MOST_KEPT = 500
_NAMED = "ged_nature_names"


def names() -> dict[str, str]:
    """The name of every nature of the reader's ministry by its code, also of those that are closed; the own entity's first."""
    return {code: name for code, (name, _direction) in _named().items()}


def told_apart() -> dict[str, str]:
    """``names``; where several natures have one name, each with the direction of its letters: for lists that have all of them."""
    found = _named()
    times = Counter(name for name, _direction in found.values())
    return {
        code: f"{name} ({str(labels.label(direction)).lower()})" if times[name] > 1 else name
        for code, (name, direction) in found.items()
    }


def _named() -> dict[str, tuple[str, Direction]]:
    actor = context.actor_or_none()
    if actor is None:
        return {}
    own, near = entities_of(actor), ministry(actor)
    held: dict[object, tuple[float, dict[str, tuple[str, Direction]]]] = current_app.extensions.setdefault(_NAMED, {})
    kept = held.get((own, near), (-math.inf, {}))
    if time.monotonic() - kept[0] > KEPT_S:
        with context.services().reading() as session:
            kept = time.monotonic(), queries.named(session, own, near)
        if len(held) > MOST_KEPT:
            held.clear()
        held[own, near] = kept
    return kept[1]


def name_of(code: str) -> str:
    """The name of a nature; an unknown code is shown itself."""
    return (names().get(code) or code) if code else ""
