"""Whether the letter of an assignment is under way: a column that triggers of the database keep.

The assignments of a letter that was closed keep their state, so after some years almost all open ones are of closed
letters. Those that wait for somebody are found by an index over this column, on every page with a count. Every program
and operation that changes a letter's state would have to keep the column; the triggers do it for all of them.

On SQLite a migration that recreates ``mails`` or ``assignments`` drops the triggers with the old table: it must call
``ged.migrations.tools.keep_under_way`` again afterwards.
"""

from sqlalchemy import Connection, MetaData, Table, event

STATES = ("to_impute", "assigned", "answered")
"""The values of ``ged.routing.rights.UNDER_WAY``. Triggers that were made stay as they are: a change here needs a migration."""

_UNDER_WAY = f"state IN ({', '.join(repr(one) for one in STATES)})"
_OF_LETTER = f"EXISTS (SELECT 1 FROM mails WHERE id = NEW.mail_id AND {_UNDER_WAY})"  # noqa: S608
_FUNCTIONS = (
    f"""
CREATE OR REPLACE FUNCTION ged_letter_under_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE assignments SET is_under_way = (NEW.{_UNDER_WAY}) WHERE mail_id = NEW.id;
    RETURN NULL;
END $$
""",  # noqa: S608
    f"""
CREATE OR REPLACE FUNCTION ged_assignment_under_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_under_way := {_OF_LETTER};
    RETURN NEW;
END $$
""",
)
_MAILS, _ASSIGNMENTS = "under_way_mails_update", "under_way_assignments_insert"

FILL = f"UPDATE assignments SET is_under_way = true WHERE mail_id IN (SELECT id FROM mails WHERE {_UNDER_WAY})"  # noqa: S608
"""Gives the column its values on tables with rows: the few letters under way alone, the others are false already."""


def statements(dialect: str) -> list[str]:
    """The DDL that creates the triggers."""
    of_mails = f"CREATE TRIGGER {_MAILS} AFTER UPDATE OF state ON mails"
    if dialect == "postgresql":
        differs = f"(NEW.{_UNDER_WAY}) IS DISTINCT FROM (OLD.{_UNDER_WAY})"
        return [
            *_FUNCTIONS,
            f"{of_mails} FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION ged_letter_under_way()",
            f"CREATE TRIGGER {_ASSIGNMENTS} BEFORE INSERT ON assignments "
            "FOR EACH ROW EXECUTE FUNCTION ged_assignment_under_way()",
        ]
    differs = f"(NEW.{_UNDER_WAY}) IS NOT (OLD.{_UNDER_WAY})"
    return [
        f"{of_mails} WHEN {differs} BEGIN "  # noqa: S608
        f"UPDATE assignments SET is_under_way = (NEW.{_UNDER_WAY}) WHERE mail_id = NEW.id; END",
        f"CREATE TRIGGER {_ASSIGNMENTS} AFTER INSERT ON assignments BEGIN "  # noqa: S608
        f"UPDATE assignments SET is_under_way = {_OF_LETTER} WHERE id = NEW.id; END",
    ]


def undo(dialect: str) -> list[str]:
    """The DDL that drops the triggers."""
    tables = {_MAILS: "mails", _ASSIGNMENTS: "assignments"}
    return [
        f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if dialect == 'postgresql' else ''}"
        for name, table in tables.items()
    ]


def keep_when_created(metadata: MetaData) -> None:
    """Create the triggers also for tables made from the models (trials, tests), not only by migrations."""
    event.listen(metadata.tables["assignments"], "after_create", _keep)  # letters are there: assignments name them


def _keep(_table: Table, connection: Connection, **_rest: object) -> None:
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
