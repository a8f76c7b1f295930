"""An index of a table with rows is made while people write to it: PostgreSQL builds it CONCURRENTLY."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from ged.db import make_engine
from tests.migration_kit import tables
from tests.site import make_settings
from web.processes.migrate import alembic_config, migrate_database

pytestmark = pytest.mark.servers
FIRST_RELEASE = "0009"
"""Later revisions run on installations with rows."""
MADE = re.compile(r"CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?\S+ ON (\w+)")
IN_ONE_TRANSACTION = {
    ("0020", "correspondents"): "some thousand rows, which the revision itself writes anew: the table is locked anyhow",
    **{
        (revision, name): "a few dozen rows, which an administrator alone writes"
        for revision in ("0051", "0191")
        for name in ("letter_templates", "mentions", "natures")
    },
}


def test_an_index_of_a_table_that_has_rows_is_made_concurrently(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    url = make_database()
    settings = make_settings(tmp_path, database_url=url)
    engine, sent = make_engine(url), list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement.strip())

    migrate_database(settings, revision=FIRST_RELEASE)
    blocking: set[tuple[str, str]] = set()
    concurrent = 0
    event.listen(Engine, "before_cursor_execute", note)
    try:
        for revision in later(engine):
            there = tables(engine)
            sent.clear()
            migrate_database(settings, revision=revision)
            made = [found for one in sent if (found := MADE.match(one)) is not None]
            concurrent += sum(bool(one[1]) for one in made)
            blocking |= {(revision, one[2]) for one in made if not one[1] and one[2] in there}
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        engine.dispose()
    assert concurrent > 5
    assert blocking == set(IN_ONE_TRANSACTION)


def later(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
    return [one.revision for one in reversed([*script.walk_revisions()]) if one.revision > FIRST_RELEASE]
