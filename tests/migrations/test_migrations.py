"""The migrations make exactly the tables of the models, up and down, over rows, on both databases."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from ged import audit
from ged.db import make_engine
from ged.errors import ConfigError
from ged.models import metadata
from ged.unit import SYSTEM
from tests.factories import NOW, make_organisation, make_services
from tests.migration_kit import downgrade, engine, make_at_head, tables, upgrade, url
from tests.routing_kit import impute, make_mentions, register, remind
from tests.site import make_settings
from web.processes.migrate import alembic_config, migrate_database, migrating

__all__ = ["engine", "url"]  # fixtures


def counts(engine: Engine) -> dict[str, int]:
    query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables(engine))
    with engine.connect() as connection:
        return {str(row[0]): int(row[1]) for row in connection.execute(text(query))}


def fill(url: str, folder: Path) -> None:
    """Add rows of a working organisation: units, posts, an assigned letter, jobs, journal."""
    services = make_services(folder, url=url, create=False)
    make_organisation(services)
    make_mentions(services)
    mail_id = register(services).mail_id
    impute(services, mail_id, others=("DAF",), mentions=("attribution",))
    remind(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        uow.record("thing.changed", "thing", 1, actor=SYSTEM, value="été")
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []
    services.engine.dispose()


def test_the_migrated_database_is_what_the_models_say(url: str, engine: Engine, tmp_path: Path) -> None:
    upgrade(url, tmp_path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        differences = compare_metadata(context, metadata)
    assert differences == [], "the models moved on: make a revision\n" + "\n".join(map(str, differences))
    assert tables(engine) == set(metadata.tables)


def test_each_revision_goes_down_and_is_upgraded_over_rows(url: str, engine: Engine, tmp_path: Path) -> None:
    """Each step runs over the rows of a working installation, down and up again; every row remains."""
    make_at_head(url, tmp_path)
    fill(url, tmp_path)
    with engine.begin() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
    below = [revision.revision for revision in script.walk_revisions()][1:]
    held: dict[str, dict[str, int]] = {}
    for older in below:
        downgrade(engine, older)
        held[older] = counts(engine)
        assert held[older]["mails"] == 1
        assert held[older]["audit_entries"] >= 2
    before, settings = held[below[-1]], make_settings(tmp_path, database_url=url)
    for newer in [*reversed(below[:-1]), "head"]:
        migrate_database(settings, revision=newer)
        after = counts(engine)
        assert {name: after[name] for name in before if name in after} == {
            n: c for n, c in before.items() if n in after
        }, newer
        before = after
    assert tables(engine) == set(metadata.tables)


def test_one_migrates_at_a_time(url: str, engine: Engine, tmp_path: Path) -> None:
    make_at_head(url, tmp_path)
    other = make_engine(url)
    with migrating(engine), pytest.raises(ConfigError) as refused, migrating(other, wait_s=0.3):
        pass
    other.dispose()
    assert refused.value.code == "database.migrating"
    upgrade(url, tmp_path)


@pytest.mark.servers
def test_a_migration_does_not_wait_for_a_table_that_is_in_use(make_database: Callable[[], str], tmp_path: Path) -> None:
    """A waiting migration would block all that come after it. It gives up, and is called again at a quieter moment."""
    url = make_database()
    engine = make_engine(url)
    make_at_head(url, tmp_path)
    downgrade(engine, "0098")  # the next revision alters assignments
    with engine.connect() as someone:
        someone.execute(text("SELECT count(*) FROM assignments"))  # a long report: its transaction stays open
        with pytest.raises(ConfigError) as refused:
            upgrade(url, tmp_path)
    assert refused.value.code == "database.table_in_use"
    upgrade(url, tmp_path)
    engine.dispose()


@pytest.mark.in_turns(3)  # each revision goes down and up above
def test_an_installation_can_be_taken_down_to_nothing_and_made_again(url: str, engine: Engine, tmp_path: Path) -> None:
    make_at_head(url, tmp_path)
    fill(url, tmp_path)
    downgrade(engine, "base")
    assert tables(engine) == set()
    upgrade(url, tmp_path)
    assert tables(engine) == set(metadata.tables)
    fill(url, tmp_path)


def test_there_is_one_head(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with engine.begin() as connection:
        heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    engine.dispose()
    assert len(heads) == 1, heads


def test_a_failed_migration_changes_nothing(tmp_path: Path, url: str, engine: Engine) -> None:
    """A table of that name already exists: the revision fails there and leaves no table of its own."""
    in_the_way = metadata.sorted_tables[-1].name
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {in_the_way} (id integer)"))
    with pytest.raises(Exception, match=in_the_way):
        upgrade(url, tmp_path)
    assert tables(engine) == {in_the_way}
