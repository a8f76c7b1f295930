"""Compiles SQL statements once per process of a run, not once for each test's database.

In production a process has one engine, which compiles a statement once. But each test makes a new engine with an empty
cache: filling it took a third of the time of a page test.

Also loads each revision of the database once per process. Alembic loads all of them three times in each migration.
"""

from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic import util
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Dialect

from ged import db, migrations

REVISIONS = Path(migrations.__file__).parent / "versions"
STATEMENTS = 1_500
_SHARED: dict[str, tuple[Dialect, MutableMapping[Any, Any] | None]] = {}


def _sharing(url: str, **options: Any) -> Engine:
    """Make an engine. It shares the cache of compiled statements with earlier engines of its kind of database."""
    engine = create_engine(url, query_cache_size=STATEMENTS, **options)
    kind = f"{engine.dialect.name}+{engine.dialect.driver}"
    if kind in _SHARED:
        # The key of a compiled statement contains its dialect.
        engine.dialect, engine._compiled_cache = _SHARED[kind]
    else:
        # Share only after the first connection: then the dialect knows the version of its server.
        event.listen(
            engine, "first_connect", lambda *_: _SHARED.setdefault(kind, (engine.dialect, engine._compiled_cache))
        )
    return engine


_load = util.load_python_file


@cache
def _revision(name: str) -> ModuleType:
    return _load(REVISIONS, name)


def _loaded_once(folder: Any, name: Any) -> ModuleType:
    """A file of Alembic as a module. One of our own revisions is the module of the earlier call."""
    return _revision(str(name)) if Path(folder) == REVISIONS else _load(folder, name)


def install() -> None:
    """From now on, engines of this process share compiled statements. Otherwise they are made as in the product."""
    db.create_engine = _sharing  # type: ignore[assignment]
    util.load_python_file = _loaded_once
