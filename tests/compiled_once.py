"""Compiles SQL statements once per process of a run, not once for each test's database.

In production a process has one engine, which compiles a statement once. But each test makes a new engine with an empty
cache: filling it took a third of the time of a page test.

Also loads each revision of the database once per process. Alembic loads all of them three times in each migration.
And loads each private key of a signer of the tests once: OpenSSL proves its primes each time, and pyHanko loads it for
each signature.
"""

from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic import util
from cryptography.hazmat.primitives import serialization
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


@cache
def _key(data: bytes, password: bytes | None) -> Any:
    return _load_key(data, password)


def _key_once(data: Any, password: bytes | None, backend: Any = None, **options: Any) -> Any:
    if options or not isinstance(data, bytes):
        return _load_key(data, password, backend, **options)
    return _key(data, password)


_load_key = serialization.load_der_private_key


def install() -> None:
    """From now on, engines of this process share compiled statements. Otherwise they are made as in the product."""
    serialization.load_der_private_key = _key_once
    db.create_engine = _sharing  # type: ignore[assignment]
    util.load_python_file = _loaded_once
