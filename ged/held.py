"""Rows that are never changed or deleted. Triggers of the database enforce this against every program and person.

To protect a table, add a line to ``HELD`` and a migration that does the same (``ged.migrations.tools.hold``). On SQLite
a migration that recreates a table drops its triggers with the old table: it must call ``hold`` again afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, event

FUNCTION = """
CREATE OR REPLACE FUNCTION ged_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%% of %%: these rows are held', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


WAITS = "GE001"
"""SQLSTATE of a number that is refused because its register waits; its class is nobody's (PostgreSQL, appendix A)."""
WAITS_SAYS = "the register waits for the last number on paper"
"""SQLite has no codes of its own for triggers: its error is known by this text."""
_WAITING = """EXISTS (
    SELECT 1 FROM register_holds
    WHERE register_id = NEW.register_id AND year = NEW.year AND released_at IS NULL
)"""
_WAITING_FUNCTION = f"""
CREATE OR REPLACE FUNCTION ged_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {_WAITING} THEN
        RAISE EXCEPTION '{WAITS_SAYS}' USING ERRCODE = '{WAITS}';
    END IF;
    RETURN NEW;
END $$
"""


@dataclass(frozen=True)
class Held:
    """The operations refused on a table, besides TRUNCATE.

    Attributes:
        columns: columns that an UPDATE may not change; empty: no column may change.
        unless_null: columns that may be filled once, and not changed afterwards.
        json_columns: columns of JSON that an UPDATE may not change; PostgreSQL compares them as text.
        kept: columns that an UPDATE may not empty.
        emptied: columns of text that an UPDATE may empty, and not change otherwise (by a decision recorded in the journal).
        never_less: columns that may only grow.
        deletes: whether rows may be deleted (by a decision recorded in the journal).
        free: SQL over OLD; while it is true, columns of ``never_less`` may go back and the row may be deleted.
    """

    table: str
    columns: tuple[str, ...] = ()
    unless_null: tuple[str, ...] = ()
    json_columns: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    never_less: tuple[str, ...] = ()
    deletes: bool = False
    free: str = ""

    def condition(self, differs: str) -> str:
        """SQL over OLD and NEW that is true when an UPDATE is refused; empty: always."""
        # `differs` is no `<>`: with NULL that is neither true nor false, and a change to or from NULL would pass.
        parts = [f"NEW.{name} {differs} OLD.{name}" for name in self.columns]
        parts += [f"(OLD.{name} IS NOT NULL AND NEW.{name} {differs} OLD.{name})" for name in self.unless_null]
        parts += [f"(OLD.{name} IS NOT NULL AND NEW.{name} IS NULL)" for name in self.kept]
        # PostgreSQL's type json has no comparison.
        parts += [f"CAST(NEW.{name} AS TEXT) {differs} CAST(OLD.{name} AS TEXT)" for name in self.json_columns]
        parts += [f"(NEW.{name} {differs} OLD.{name} AND NEW.{name} <> '')" for name in self.emptied]
        less = [f"NEW.{name} < OLD.{name}" for name in self.never_less]
        parts += [f"({one} AND {self.bound})" for one in less] if self.free else less
        return " OR ".join(parts)

    @property
    def bound(self) -> str:
        """SQL over OLD that is true when the row may not go back; empty: always."""
        return f"NOT ({self.free})" if self.free else ""


HELD = (
    Held("audit_entries"),
    Held("audit_payloads", deletes=True),  # a disposal may erase a payload: the entry's digest stays
    Held("audit_head", columns=("id",), never_less=("count",)),
    Held(
        "mail_numbers",
        columns=(
            "id", "register_id", "year", "sequence", "text", "registered_at", "registered_on", "person_id", "post_id",
            "envelope_id", "slip_id",
        ),
        unless_null=("mail_id", "voided_at"),  # an opened envelope's number gets its letter; a number is voided once
    ),
    Held(
        "register_counters",  # a mistyped paper book is corrected before the first number
        columns=("register_id", "year"),
        kept=("last_on",),
        never_less=("last_sequence",),
        free="OLD.last_on IS NULL AND OLD.last_sequence = OLD.opening_sequence",
    ),
    Held("register_closings"),
    Held("closing_revisions"),
    Held("closing_lines"),
    Held("reserve_books"),
    Held("reserve_voids"),
    Held(
        "reserve_lines",  # a line whose letter was voided is entered again: it names the later letter
        columns=("id", "book_id", "line_no", "text", "text_key"),
        unless_null=("void_id",),
        kept=("mail_id", "number_id", "received_at", "entered_at"),
    ),
    Held("monthly_reports"),
    Held("monthly_report_revisions"),
    Held("open_data_acts"),
    Held("rectifications"),
    Held("signed_revisions", columns=("mail_id", "sequence", "digest", "signed_by_id", "level", "at")),
    Held("slip_revisions"),
    Held("signature_checks"),
    Held(
        "draft_versions",
        columns=(
            "mail_id", "version_no", "civility", "subject", "word_id", "amount_xof", "written_by_id", "written_at",
        ),
        json_columns=("addressees", "copies", "word_left", "annexes", "annex_titles"),
        emptied=("body", "rich"),  # a disposal destroys the text of a letter that was written here
    ),
    Held("letter_tokens"),
    Held("taken_entities"),
    Held("taken_entries"),
    Held("token_keys"),
    Held("imputations"),
    Held("undone_imputations"),
    Held("reminders"),
    Held("letter_notes"),
    Held(
        "circuit_entries",
        columns=(
            "id", "mail_id", "act", "version_no", "person_id", "person_name", "post_id", "post_title", "acted_as",
            "act_reference", "text", "stance", "to_post_id", "to_post_title", "at",
        ),
    ),
    Held(
        "scan_pages",  # the page as received; its place and the results of reading it are filled in later
        columns=("id", "batch_id", "token", "digest", "size_bytes", "page_index", "received_at"),
    ),
)  # fmt: skip


def statements(held: Held, dialect: str) -> list[str]:
    """The DDL that creates the triggers of a table."""
    return _postgres(held) if dialect == "postgresql" else _sqlite(held)


def undo(table: str, dialect: str) -> list[str]:
    """The DDL that drops the triggers of a table."""
    on = f" ON {table}" if dialect == "postgresql" else ""
    kinds = ("update", "delete", "truncate") if dialect == "postgresql" else ("update", "delete")
    return [f"DROP TRIGGER IF EXISTS held_{table}_{kind}{on}" for kind in kinds]


def _sqlite(held: Held) -> list[str]:
    def trigger(operation: str, condition: str = "") -> str:
        when = f" WHEN {condition}" if condition else ""
        return (
            f"CREATE TRIGGER held_{held.table}_{operation.lower()} BEFORE {operation} ON {held.table}{when} "
            f"BEGIN SELECT RAISE(ABORT, '{operation} of {held.table}: these rows are held'); END"
        )

    # SQLite knows no TRUNCATE: a DELETE without a condition fires the trigger of each row.
    found = [trigger("UPDATE", held.condition("IS NOT"))]
    return found if held.deletes else [*found, trigger("DELETE", held.bound)]


def _postgres(held: Held) -> list[str]:
    def trigger(operation: str, each: str = "ROW", condition: str = "") -> str:
        when = f" WHEN ({condition})" if condition else ""
        return (
            f"CREATE TRIGGER held_{held.table}_{operation.lower()} BEFORE {operation} ON {held.table} "
            f"FOR EACH {each}{when} EXECUTE FUNCTION ged_refuse()"
        )

    found = [FUNCTION, trigger("UPDATE", condition=held.condition("IS DISTINCT FROM"))]
    return [
        *found,
        trigger("TRUNCATE", "STATEMENT"),
        *([] if held.deletes else [trigger("DELETE", condition=held.bound)]),
    ]


def waiting(dialect: str) -> list[str]:
    """The DDL of the trigger that refuses numbers of a register while a row of ``register_holds`` stands for its year.

    On PostgreSQL the function reads what is committed at that moment, not when its transaction waited for the counter.
    """
    name = "CREATE TRIGGER waits_register_counters_update BEFORE UPDATE ON register_counters"
    if dialect == "postgresql":
        more = "NEW.last_sequence IS DISTINCT FROM OLD.last_sequence"
        return [_WAITING_FUNCTION, f"{name} FOR EACH ROW WHEN ({more}) EXECUTE FUNCTION ged_waits()"]
    more = f"NEW.last_sequence IS NOT OLD.last_sequence AND {_WAITING}"
    return [f"{name} WHEN {more} BEGIN SELECT RAISE(ABORT, '{WAITS_SAYS}'); END"]


def undo_waiting(dialect: str) -> list[str]:
    """The DDL that drops this trigger."""
    on = " ON register_counters" if dialect == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS waits_register_counters_update{on}"]


def hold_when_created(metadata: MetaData) -> None:
    """Create the triggers also for tables made from the models (trials, tests), not only by migrations."""
    event.listen(metadata.tables["register_holds"], "after_create", _wait)
    for held in HELD:
        event.listen(metadata.tables[held.table], "after_create", _holder(held))


def _holder(held: Held) -> Callable[..., None]:
    def hold(_table: Table, connection: Connection, **_rest: object) -> None:
        for statement in statements(held, connection.dialect.name):
            connection.exec_driver_sql(statement)

    return hold


def _wait(_table: Table, connection: Connection, **_rest: object) -> None:
    for statement in waiting(connection.dialect.name):
        connection.exec_driver_sql(statement)
