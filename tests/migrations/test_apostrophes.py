"""Names that were folded with the typewriter's apostrophe are found again with any apostrophe."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, text

from tests.migration_kit import engine, url
from tests.site import make_settings
from web.processes.migrate import migrate_database

__all__ = ["engine", "url"]

ROW = (
    "INSERT INTO correspondents (id, entity_id, is_shared, name, folded_name, kind, address, email, phone, is_active, version)"
    " VALUES (:id, NULL, :no, :name, :folded, '', '', '', '', :yes, 1)"
)


def test_names_are_folded_anew_and_two_of_one_name_stay_two(url: str, engine: Engine, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, database_url=url)
    migrate_database(settings, revision="0029")
    names = {1: "prefecture de l’ogou", 2: "mairie d'aného", 3: "mairie d’aného", 4: "ceet", 5: "l`ogou", 6: "l’ogou"}
    with engine.begin() as connection:
        for number, folded in names.items():
            values = {"id": number, "name": folded, "folded": folded, "yes": True, "no": False}
            connection.execute(text(ROW), values)
    migrate_database(settings)
    with engine.connect() as connection:
        found = dict(connection.execute(text("SELECT id, folded_name FROM correspondents")).all())
    assert found == {
        1: "prefecture de l'ogou", 2: "mairie d'aného", 3: "mairie d’aného", 4: "ceet", 5: "l'ogou", 6: "l’ogou",
    }  # fmt: skip
