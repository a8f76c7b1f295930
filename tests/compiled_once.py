"""SQL statements are compiled once per process of a run, not once for each test's database.

In production one engine lives as long as its process, and compiles a statement once. A test makes an engine of its own,
whose empty cache it would fill anew: that was a third of the time of a test of pages.
"""

from collections.abc import MutableMapping
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Dialect

from ged import db

STATEMENTS = 1_500
_SHARED: dict[str, tuple[Dialect, MutableMapping[Any, Any] | None]] = {}


def _sharing(url: str, **options: Any) -> Engine:
    """An engine that takes over what an earlier one to the same sort of database has compiled."""
    engine = create_engine(url, query_cache_size=STATEMENTS, **options)
    kind = f"{engine.dialect.name}+{engine.dialect.driver}"
    if kind in _SHARED:
        # The key of a compiled statement holds its dialect.
        engine.dialect, engine._compiled_cache = _SHARED[kind]
    else:
        # Not before its first connection, at which a dialect learns the version of its server.
        event.listen(
            engine, "first_connect", lambda *_: _SHARED.setdefault(kind, (engine.dialect, engine._compiled_cache))
        )
    return engine


def install() -> None:
    """From now on in this process; engines are otherwise as the product makes them."""
    db.create_engine = _sharing  # type: ignore[assignment]
