"""Letters that are known to have a document.

To ask this of each of five thousand letters under way took half of the database's time for the page of a registry. A letter under
way never loses its document (``ged.disposal`` alone deletes documents, of closed letters). So each process asks it once of a letter.
"""

import time
from collections.abc import Collection
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

KEPT_S = 3600.0
"""After this time all are asked again: a standby server that took over may not have the last minutes."""
MOST_KEPT = 50_000
"""Letters of the offices of one reader that a process remembers."""

_Known = tuple[float, list[int]]
_KNOWN: WeakKeyDictionary[Engine, dict[tuple[int, ...], _Known]] = WeakKeyDictionary()


def known(engine: Engine, unit_ids: tuple[int, ...]) -> list[int]:
    """Letters registered at these units that were seen to have a document, by their ids."""
    since, mail_ids = _KNOWN.get(engine, {}).get(unit_ids, (0.0, []))
    return mail_ids if time.monotonic() - since < KEPT_S else []


def remember(engine: Engine, unit_ids: tuple[int, ...], mail_ids: Collection[int]) -> None:
    """Add letters that have a document, and drop the lists that are too old. A thread may forget what another one adds: it is asked
    again.
    """
    now = time.monotonic()
    of_engine = {key: one for key, one in _KNOWN.get(engine, {}).items() if now - one[0] < KEPT_S}
    since, before = of_engine.get(unit_ids, (now, []))
    of_engine[unit_ids] = since, sorted({*before, *mail_ids})[-MOST_KEPT:]
    _KNOWN[engine] = of_engine
