"""The past of an archive: letters that the database copies with all their rows.

Part of ``bench.pages``. A copy has its own ids and numbers, and the people of its original. The number of the copy
determines all else that a ministry's letters differ in (``bench._varied``): the working day within five years, the hour, how
long each step took, the service, nature, channel, urgency and confidentiality.
"""

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Column, Connection, Date, DateTime, Integer, String, Table, UniqueConstraint, select, text

from bench._varied import KINDS, STRIDE, Story
from ged.models import metadata

NEVER_COPIED = {
    "attachment_fields", "attachment_pages", "audit_payloads", "circuit_entries", "draft_versions", "jobs", "letter_sketches",
    "notice_mails", "page_texts", "paper_codes", "personal_notices", "recent_letters", "renditions", "scan_leaves",
    "scan_pages", "signbook_notices", "sketch_bands",
}  # fmt: skip
"""Rows not copied: large ones that are only read for one letter by key, and the few last ones of a person."""
KEPT = {
    "bridges", "certificates", "correspondents", "filing_classes", "natures", "people", "posts", "registers", "scan_orders",
    "separator_sheets", "takeover_batches", "token_keys", "units",
}  # fmt: skip
"""Tables that are not copied: a copy refers to the rows of its original."""
OPENED = "slips"
"""Rows that a letter refers to, and that are copied with all their own rows."""
JOURNAL_ENTRIES = 8
"""The number of entries of the journal that are copied with each letter."""
NUMBER_STEP = 50
NUMBERS_FROM = 1_000_000
"""The numbers of copies are above those that people of the bench give: else the number of the 250th letter is taken."""
PIECE = 50_000

Rows = dict[str, list[int]]
"""The rows of one finished letter: table -> ids (values of the only or the first copied column of its key)."""


def rows_of(connection: Connection, mail_ids: Collection[int]) -> Rows:
    """All rows that refer to these letters, and the rows that they refer to, without those of the organisation."""
    found: Rows = {"mails": sorted(mail_ids), "audit_entries": _journal(connection, mail_ids)}
    tables = [table for table in metadata.sorted_tables if table.name not in NEVER_COPIED | KEPT]
    below = {"mails"}
    for table in tables:
        for column, above in _links(table):
            if above in below and found.get(above):
                _add(connection, found, table.name, select(_key(table)).where(column.in_(found[above])))
                below.add(table.name)
    for table in [metadata.tables[OPENED], *reversed(tables)]:
        _take_above(connection, table, found)
    for table in tables:
        for column, above in _links(table):
            if above == OPENED and found.get(above):
                _add(connection, found, table.name, select(_key(table)).where(column.in_(found[above])))
    for table in reversed(tables):
        _take_above(connection, table, found)
    return {name: ids for name, ids in found.items() if ids}


def _links(table: Table) -> Iterator[tuple[Column[int], str]]:
    """The columns that refer to a table whose rows are copied, with the table's name."""
    for column in table.columns:
        for link in column.foreign_keys:
            if link.column.table.name not in KEPT | NEVER_COPIED and link.column.table is not table:
                yield column, link.column.table.name


def _take_above(connection: Connection, table: Table, found: Rows) -> None:
    """Add the rows to which the found rows of a table refer."""
    if not found.get(table.name):
        return
    for column, above in _links(table):
        chosen = select(column).where(_key(table).in_(found[table.name]), column.is_not(None))
        _add(connection, found, above, chosen)


def _journal(connection: Connection, mail_ids: Collection[int]) -> list[int]:
    entries = metadata.tables["audit_entries"].c
    chosen = select(entries.sequence).where(entries.subject_kind == "mail", entries.subject_id.in_(mail_ids))
    return list(connection.scalars(chosen.order_by(entries.sequence).limit(JOURNAL_ENTRIES)))


def _add(connection: Connection, found: Rows, name: str, query: object) -> None:
    ids = connection.scalars(query)  # type: ignore[call-overload]
    found[name] = sorted({*found.get(name, []), *ids})


def _key(table: Table) -> Column[int]:
    """The column that selects the rows of a table: the first of its key."""
    return next(iter(table.primary_key.columns))


Varied = Mapping[tuple[str, str], str]
"""(table, column) -> the SQL of a copy's value."""


def copy(
    connection: Connection, rows: Rows, story: Story, *, varied: Varied, kind: int, first: int, count: int
) -> None:
    """Copy these rows ``count`` times, as copies ``first`` and following (1 or more).

    Args:
        story: the days and times of each copy.
        kind: the number of the original, less than `KINDS`. Two originals may share a row, such as the batch in which both
            were scanned; then the copies of each have their own.
    """
    for table in metadata.sorted_tables:
        if table.name not in rows:
            continue
        columns = ", ".join(column.name for column in table.columns)
        values = ", ".join(_values(connection, table, rows, story, varied))
        chosen = f"{_key(table).name} IN ({_listed(rows[table.name])})"
        for start in range(first, first + count, PIECE):
            low, high = (KINDS * n + kind for n in (start, min(first + count, start + PIECE) - 1))
            connection.execute(
                text(
                    f"INSERT INTO {table.name} ({columns}) WITH RECURSIVE steps(n) AS "
                    f"(SELECT CAST({low} AS BIGINT) UNION ALL SELECT n + {KINDS} FROM steps WHERE n < {high}) "
                    f"SELECT {values} FROM {table.name}, steps WHERE {chosen}"
                )
            )


def _values(connection: Connection, table: Table, rows: Rows, story: Story, varied: Varied) -> Iterator[str]:
    """For each column of a copy, its value as SQL."""
    moved = {column.name for column in table.columns if _above(table, column, rows)}
    distinct = _made_distinct(table, moved)
    for column in table.columns:
        name = column.name
        if name in moved:
            ids = _listed(rows[_above(table, column, rows)])
            yield f"CASE WHEN {name} IN ({ids}) THEN {name} + n * {STRIDE} ELSE {name} END"
        elif (table.name, name) in varied:
            yield varied[table.name, name]
        elif table.name == "mail_numbers" and name == "sequence":
            yield f"{name} + {NUMBERS_FROM} + n * {NUMBER_STEP}"
        elif table.name == "mail_numbers" and name == "year":
            yield f"CASE WHEN year = 0 THEN 0 ELSE {story.year()} END"
        elif name in distinct:
            yield _told_apart(connection, column)
        elif isinstance(column.type, Date):
            yield story.day(name)
        elif isinstance(column.type, DateTime) or "DateTime" in type(column.type).__name__:
            yield story.time(name)
        else:
            yield name


def _above(table: Table, column: Column[object], rows: Rows) -> str:
    """The copied table whose key a column contains; empty when there is none."""
    if table.name == "audit_entries" and column.name == "subject_id":
        return "mails"
    for link in column.foreign_keys:
        if link.column.table.name in rows:
            return link.column.table.name
    is_own_key = column.primary_key and isinstance(column.type, Integer) and not column.foreign_keys
    return table.name if is_own_key and column is _key(table) else ""


def _made_distinct(table: Table, moved: set[str]) -> set[str]:
    """For each unique constraint or index that two copies would violate, one column to change."""
    unique = [set(one.columns.keys()) for one in table.constraints if isinstance(one, UniqueConstraint)]
    unique += [{column.name for column in index.columns} for index in table.indexes if index.unique]
    unique.append({column.name for column in table.primary_key.columns})
    chosen: set[str] = set()
    for names in unique:
        free = [name for name in names if not table.columns[name].foreign_keys]
        if not names & (moved | chosen) and free:
            texts = [name for name in sorted(free) if isinstance(table.columns[name].type, String)]
            chosen.add((texts or sorted(free))[0])
    return chosen


def _told_apart(connection: Connection, column: Column[object]) -> str:
    """A value with the copy's number at its end; a text keeps its end where it would be too long for the column."""
    if not isinstance(column.type, String):
        return f"{column.name} + n * {STRIDE}"
    text_of, length = f"{column.name} || '-' || n", column.type.length
    if length is None:
        return text_of
    is_postgres = connection.dialect.name == "postgresql"
    return f"right({text_of}, {length})" if is_postgres else f"substr({text_of}, -{length})"


def _listed(ids: Collection[int]) -> str:
    return ", ".join(str(one) for one in ids)
