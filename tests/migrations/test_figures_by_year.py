"""The months that were counted before there were years are added up."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.migration_kit import downgrade, engine, upgrade, url
from tests.site import make_settings
from web.processes.migrate import migrate_database

__all__ = ["engine", "url"]

pytestmark = pytest.mark.in_turns(3)

NAMES = ("numbered", "imputed", "assigned", "answered", "closed", "returned", "voided", "signed", "dispatched")
REST = ", ".join((*NAMES, "opened", "ended", "fell_due", "relieved"))
CELL = (
    f"INSERT INTO figure_cells (grain, day, key_id, received, {REST}) "
    f"VALUES (:grain, :day, :key, :received, {', '.join('1' for _ in REST.split(','))})"
)
KEY = (
    "INSERT INTO figure_keys (id, unit_id, register_id, direction, nature, channel, priority, level)"
    " VALUES (:id, :id, 1, 'incoming', '', 'hand', 'normal', 0)"
)


def test_the_years_are_the_sums_of_their_months(url: str, engine: Engine, tmp_path: Path) -> None:
    migrate_database(make_settings(tmp_path, database_url=url), revision="0082")
    with engine.begin() as connection:
        for key in (1, 2):
            connection.execute(text(KEY), {"id": key})
        for grain, day, key, received in (
            ("month", "2025-11-01", 1, 3), ("month", "2025-12-01", 1, 4), ("day", "2025-12-31", 1, 4),
            ("month", "2026-01-01", 1, 5), ("month", "2026-01-01", 2, 6),
        ):  # fmt: skip
            connection.execute(text(CELL), {"grain": grain, "day": day, "key": key, "received": received})
    upgrade(url, tmp_path)
    query = text("SELECT day, key_id, received, relieved FROM figure_cells WHERE grain = 'year' ORDER BY day, key_id")
    with engine.connect() as connection:
        found = [(str(day), *others) for day, *others in connection.execute(query)]
    assert found == [("2025-01-01", 1, 7, 2), ("2026-01-01", 1, 5, 1), ("2026-01-01", 2, 6, 1)]
    downgrade(engine, "0082")
    with engine.connect() as connection:
        assert connection.execute(query).all() == []
        assert connection.execute(text("SELECT count(*) FROM figure_cells")).scalar() == 5
