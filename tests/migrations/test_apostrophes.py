"""Names that were folded before apostrophes had one form and digraphs were two letters are found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.migration_kit import engine, url
from tests.site import make_settings
from web.processes.migrate import migrate_database

__all__ = ["engine", "url"]

pytestmark = pytest.mark.in_turns(3)

ROW = (
    "INSERT INTO correspondents (id, entity_id, is_shared, name, folded_name, kind, address, email, phone, is_active, version)"
    " VALUES (:id, NULL, :no, :name, :folded, '', '', '', '', :yes, 1)"
)


def folded_anew(url: str, engine: Engine, tmp_path: Path, names: dict[int, str], *, before: str) -> dict[int, str]:
    """The folded names after all revisions, of entries that were written at the revision ``before``."""
    settings = make_settings(tmp_path, database_url=url)
    migrate_database(settings, revision=before)
    with engine.begin() as connection:
        for number, folded in names.items():
            values = {"id": number, "name": folded, "folded": folded, "yes": True, "no": False}
            connection.execute(text(ROW), values)
    migrate_database(settings)
    with engine.connect() as connection:
        return dict(connection.execute(text("SELECT id, folded_name FROM correspondents")).all())


def test_names_are_folded_anew_and_two_of_one_name_stay_two(url: str, engine: Engine, tmp_path: Path) -> None:
    names = {1: "prefecture de l’ogou", 2: "mairie d'aného", 3: "mairie d’aného", 4: "ceet", 5: "l`ogou", 6: "l’ogou"}
    assert folded_anew(url, engine, tmp_path, names, before="0029") == {
        1: "prefecture de l'ogou", 2: "mairie d'aného", 3: "mairie d’aného", 4: "ceet", 5: "l'ogou", 6: "l’ogou",
    }  # fmt: skip


def test_digraphs_are_two_letters_where_there_is_room_and_no_other_entry(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    long = "œ" * 101
    names = {1: "œuvres des sœurs", 2: "ex æquo", 3: "bœuf", 4: "boeuf", 5: long, 6: "ceet"}
    assert folded_anew(url, engine, tmp_path, names, before="0101") == {
        1: "oeuvres des soeurs", 2: "ex aequo", 3: "bœuf", 4: "boeuf", 5: long, 6: "ceet",
    }  # fmt: skip
