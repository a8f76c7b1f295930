"""Earlier lines of departure are connected with the directory's entry of their name."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.migration_kit import engine, url
from tests.site import make_settings
from web.processes.migrate import migrate_database

__all__ = ["engine", "url"]

pytestmark = pytest.mark.in_turns(3)

UNIT = (
    "INSERT INTO units (id, code, name, kind, is_entity, parent_id)"
    " VALUES (:id, :code, :code, 'service', :entity, :parent)"
)
ENTRY = (
    "INSERT INTO correspondents (id, entity_id, is_shared, name, folded_name, kind, address, email, phone, is_active,"
    " version) VALUES (:id, :entity, :shared, :name, :name, '', '', '', '', :yes, 1)"
)
MAIL = (
    "INSERT INTO mails (id, direction, state, level, nature, channel, priority, subject, sender_name, addressee,"
    " their_reference, enclosure_count, enclosure_note, unit_id, outcome, created_at, version)"
    " VALUES (1, 'outgoing', 'signed', 0, '', 'hand', 'normal', '', '', '', '', 0, '', 2, '', '2026-01-01 00:00:00', 1)"
)
LINE = (
    "INSERT INTO dispatch_lines (id, mail_id, position, is_copy, name, address, email, channel, state, reference,"
    " carrier, discharge_name, discharge_capacity, discharge_number, version)"
    " VALUES (:id, 1, :id, :no, :name, '', '', 'hand', 'to_send', '', '', '', '', '', 1)"
)


def test_old_lines_are_found_at_their_correspondents(url: str, engine: Engine, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, database_url=url)
    migrate_database(settings, revision="0034")
    with engine.begin() as connection:
        for id_, code, parent, entity in ((1, "MIN", None, True), (2, "BO", 1, False), (3, "CEET", 1, True)):
            values = {"id": id_, "code": code, "parent": parent, "entity": entity}
            connection.execute(text(UNIT), values)
        for id_, entity_of, name, shared in (
            (1, None, "primature", False), (2, 1, "primature", False), (3, 3, "mairie", False), (4, 3, "banque", True),
        ):  # fmt: skip
            values = {"id": id_, "entity": entity_of, "name": name, "shared": shared, "yes": True}
            connection.execute(text(ENTRY), values)
        connection.execute(text(MAIL))
        for id_, name in ((1, "Primature"), (2, "Mairie"), (3, " BANQUE"), (4, "Inconnu")):
            connection.execute(text(LINE), {"id": id_, "name": name, "no": False})
    migrate_database(settings)
    with engine.connect() as connection:
        found = dict(connection.execute(text("SELECT id, correspondent_id FROM dispatch_lines")).all())
    assert found == {1: 2, 2: None, 3: 4, 4: None}, "the entity's own entry, else one that it sees"
