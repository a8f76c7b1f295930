"""The cheap look at the tables' revision (readiness, ``ged doctor``) says what a program that starts says."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from ged.errors import ConfigError
from ged.health.readiness import revisions, tables_of
from tests.factories import make_services
from web.processes.migrate import require_runnable


def test_both_say_the_same_of_each_revision(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    services = make_services(tmp_path)
    try:
        with services.engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('0000')"))
        told = {}
        for revision in (*revisions(), "9999"):
            with services.engine.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :one"), {"one": revision})
                cheap = tables_of(connection)[0].may_run
            try:
                require_runnable(services.engine)
                told[revision] = (cheap, True)
            except ConfigError:
                told[revision] = (cheap, False)
    finally:
        services.engine.dispose()
    assert {revision: pair for revision, pair in told.items() if pair[0] is not pair[1]} == {}
    assert {pair[0] for pair in told.values()} == {True, False}
