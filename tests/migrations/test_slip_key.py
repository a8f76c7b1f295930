"""The number of a slip refers to an existing slip: over the rows of a working installation, up and down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from ged.db import make_engine
from ged.register.models import MailNumber
from ged.register.operations import void_number
from ged.slips.drafting import LineForm
from tests import slip_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.letter_kit import opened_envelope
from tests.migration_kit import downgrade, engine, make_at_head, triggers, url
from tests.signbook_kit import CountingSigner, House
from tests.site import make_settings
from web.processes.migrate import migrate_database

__all__ = ["engine", "url"]

pytestmark = pytest.mark.in_turns(3)

BEFORE, ADDED, HELD = "0026", "0027", "0028"
KEY = "fk_mail_numbers_slip_id_slips"
LIKE = "register_id, year, text, text_key, registered_at, registered_on, void_reason"
WITHOUT_SLIP = f"INSERT INTO mail_numbers ({LIKE}, sequence, slip_id) SELECT {LIKE}, 900, 77 FROM mail_numbers LIMIT 1"
"""A number whose slip does not exist."""


def migrate(url: str, folder: Path, revision: str) -> None:
    migrate_database(make_settings(folder, database_url=url), revision=revision)


def fill(url: str, engine: Engine, folder: Path) -> None:
    """Add numbers of all kinds: of letters, one of them void, of an opened envelope, and of a slip.

    The rows are made with the present tables, which are then migrated down to before the key.
    """
    make_at_head(url, folder)
    services = make_services(folder, url=url, create=False)
    make_organisation(services)
    first, wrong = slip_kit.letter(services, "Premier"), slip_kit.letter(services, "Double")
    opened_envelope(House(services, CountingSigner()))
    assert slip_kit.send(services, LineForm(mail_id=first), to=("DGE",)).slip_id is not None
    with services.unit_of_work(NOW) as uow:
        number = uow.session.query(MailNumber).filter_by(mail_id=wrong).one()
        void_number(uow, number.id, reason="double", actor=actor(services, "agent"), now=NOW)
    services.engine.dispose()
    downgrade(engine, BEFORE)


def rows(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def shape(engine: Engine) -> dict[str, object]:
    """The database's description of the table, without its keys."""
    found = inspect(engine)
    indexes = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'mail_numbers' AND sql IS NOT NULL"
        if engine.dialect.name == "sqlite"
        else "SELECT indexdef FROM pg_indexes WHERE tablename = 'mail_numbers'"
    )
    columns = found.get_columns("mail_numbers")
    return {
        "columns": [(one["name"], str(one["type"]), one["nullable"], one["default"]) for one in columns],
        "primary key": found.get_pk_constraint("mail_numbers"),
        "checks": sorted((str(one["name"]), one["sqltext"]) for one in found.get_check_constraints("mail_numbers")),
        "unique": sorted((str(one["name"]), one["column_names"]) for one in found.get_unique_constraints("mail_numbers")),
        "indexes": sorted(rows(engine, indexes)),
        "triggers": triggers(engine),
        "named by": sorted(
            (table, str(key["name"]))
            for table in found.get_table_names()
            for key in found.get_foreign_keys(table)
            if key["referred_table"] == "mail_numbers"
        ),
    }  # fmt: skip


def keys(engine: Engine) -> set[str]:
    return {str(one["name"]) for one in inspect(engine).get_foreign_keys("mail_numbers")}


def test_the_table_is_the_same_but_for_the_key_and_so_are_its_rows(url: str, engine: Engine, tmp_path: Path) -> None:
    everything = "SELECT * FROM mail_numbers ORDER BY id"
    fill(url, engine, tmp_path)
    before, numbers, known = shape(engine), rows(engine, everything), keys(engine)
    assert len(numbers) == 4
    assert [len(before[one]) for one in ("checks", "unique")] == [1, 1]  # type: ignore[arg-type]
    migrate(url, tmp_path, HELD)
    assert (shape(engine), rows(engine, everything), keys(engine)) == (before, numbers, known | {KEY})
    refused = {
        "DELETE FROM mail_numbers": "held",
        "UPDATE mail_numbers SET slip_id = NULL WHERE slip_id IS NOT NULL": "held",
        WITHOUT_SLIP: "(?i)foreign key",
    }
    for statement, why in refused.items():
        with pytest.raises(IntegrityError, match=why), engine.begin() as connection:
            connection.execute(text(statement))
    downgrade(engine, BEFORE)
    assert (shape(engine), rows(engine, everything), keys(engine)) == (before, numbers, known)


def test_a_number_whose_slip_is_not_there_stops_the_upgrade_and_is_left_as_it_is(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    fill(url, engine, tmp_path)
    with engine.begin() as connection:
        connection.execute(text(WITHOUT_SLIP))
    on_sqlite = engine.dialect.name == "sqlite"
    with pytest.raises(RuntimeError if on_sqlite else IntegrityError, match="not there|is not present"):
        migrate(url, tmp_path, "head")
    assert rows(engine, "SELECT version_num FROM alembic_version") == [(BEFORE if on_sqlite else ADDED,)]
    assert rows(engine, "SELECT count(*) FROM mail_numbers WHERE slip_id = 77") == [(1,)]


@pytest.mark.servers
def test_numbers_are_given_while_those_that_are_there_are_looked_at(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    url = make_database()
    migrate(url, tmp_path, ADDED)
    engine = make_engine(url)
    validated = f"SELECT convalidated FROM pg_constraint WHERE conname = '{KEY}'"
    try:
        assert rows(engine, validated) == [(False,)], (
            "added without looking at the rows, which would hold the table long"
        )
        with engine.connect() as someone:
            someone.execute(text("LOCK TABLE mail_numbers, slips IN ROW EXCLUSIVE MODE"))  # as a clerk who registers
            migrate(url, tmp_path, HELD)
        assert rows(engine, validated) == [(True,)]
    finally:
        engine.dispose()
