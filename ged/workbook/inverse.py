"""What a unit of work wrote, row by row, and how to take it back: the rows are then as they were, byte by byte.

The journal and the jobs are left out: what happened stays told. A row that something else hangs on, or that changed
since, is named, and nothing is taken back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, and_, delete, event, func, insert, inspect, select, update
from sqlalchemy.orm import Session, object_session

from ged.db import Base

NEVER_TAKEN_BACK = frozenset({"audit_entries", "audit_payloads", "audit_head", "jobs", "workbook_imports"})
CODED = {"natures": [("mails", "nature", "code")]}
"""Columns that name a row by its code, without a foreign key: table -> (table that names it, its column, the code)."""

Step = dict[str, Any]
"""``{"table", "key", "made": {...}}``, ``{"table", "key", "before": {...}, "after": {...}}`` or ``{"table", "key", "gone": {...}}``;
values as JSON."""


@dataclass(frozen=True)
class Obstacle:
    """Why a row cannot be taken back: it ``changed``, or ``count`` rows of table ``by`` hang on it."""

    table: str
    key: str
    by: str
    count: int


@contextmanager
def recorded(session: Session) -> Iterator[list[Step]]:
    """Yield a list that holds, after a flush, what the block wrote through the session, in order."""
    steps: list[Step] = []

    def changed(_session: Session, _context: object, _instances: object) -> None:
        for row in session.dirty:
            step = _change(row)
            if step is not None:
                steps.append(step)

    def made(_session: Session, row: Base) -> None:
        if row.__tablename__ not in NEVER_TAKEN_BACK:
            steps.append({"table": row.__tablename__, "key": _key(row), "made": _values(row)})

    def gone(_session: Session, row: Base) -> None:
        if row.__tablename__ not in NEVER_TAKEN_BACK:
            steps.append({"table": row.__tablename__, "key": _key(row), "gone": _values(row)})

    hooks: list[tuple[str, Callable[..., None]]] = [
        ("before_flush", changed),
        ("pending_to_persistent", made),
        ("persistent_to_deleted", gone),
    ]
    for name, hook in hooks:
        event.listen(session, name, hook)
    try:
        yield steps
        session.flush()
    finally:
        for name, hook in hooks:
            event.remove(session, name, hook)


def _change(row: Base) -> Step | None:
    before, after = {}, {}
    for column in inspect(type(row)).column_attrs:
        history = inspect(row).attrs[column.key].history
        if history.has_changes():
            name = column.columns[0].name
            before[name] = _plain(history.deleted[0] if history.deleted else _stored(row, name))
            after[name] = _plain(getattr(row, column.key))
    if not before or row.__tablename__ in NEVER_TAKEN_BACK:
        return None
    return {"table": row.__tablename__, "key": _key(row), "before": before, "after": after}


def _stored(row: Base, name: str) -> Any:
    """The value that the database holds: the row was changed without having been read."""
    session = object_session(row)
    table = Base.metadata.tables[row.__tablename__]
    if session is None:
        raise RuntimeError("a changed row without a session")
    with session.no_autoflush:
        return session.scalar(select(table.c[name]).where(_is(table, _key(row))))


def _key(row: Base) -> list[Any]:
    return [_plain(value) for value in inspect(row).mapper.primary_key_from_instance(row)]


def _values(row: Base) -> dict[str, Any]:
    held = inspect(row).dict
    columns = inspect(type(row)).column_attrs
    return {column.columns[0].name: _plain(held[column.key]) for column in columns if column.key in held}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


# --- back -----------------------------------------------------------------------------------------------------------


def obstacles(session: Session, steps: Sequence[Step]) -> list[Obstacle]:
    """What stands against taking these steps back; empty: nothing."""
    found = []
    for (name, key), expected in _final(steps).items():
        table = Base.metadata.tables[name]
        row = session.execute(select(table).where(_is(table, key))).mappings().first()
        if row is None or any(_plain(row[column]) != value for column, value in expected.items()):
            found.append(Obstacle(name, _told(row, key), name, 0))
    made = {(step["table"], tuple(step["key"])): step["made"] for step in steps if "made" in step}
    for (name, key), values in made.items():
        for by, count in _hanging(session, name, values, made).items():
            found.append(Obstacle(name, _told(values, key), by, count))
    return found


def _final(steps: Sequence[Step]) -> dict[tuple[str, tuple[Any, ...]], dict[str, Any]]:
    """What each row that still stands must hold for the steps to be the last that touched it."""
    final: dict[tuple[str, tuple[Any, ...]], dict[str, Any]] = {}
    for step in steps:
        at = step["table"], tuple(step["key"])
        if "gone" in step:
            final.pop(at, None)
        else:
            final.setdefault(at, {}).update(step.get("made") or step["after"])
    return final


def _hanging(
    session: Session, name: str, values: Mapping[str, Any], made: Mapping[tuple[str, tuple[Any, ...]], Any]
) -> dict[str, int]:
    """Rows that refer to a made row and were not made with it, by table."""
    found: dict[str, int] = {}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            for link in column.foreign_keys:
                if link.column.table.name == name:
                    held = _not_made(session, table, column == values[link.column.name], made)
                    if held:
                        found[table.name] = found.get(table.name, 0) + held
    for by, column_name, own in CODED.get(name, []):
        table = Base.metadata.tables[by]
        held = session.scalar(select(func.count()).select_from(table).where(table.c[column_name] == values[own])) or 0
        if held:
            found[by] = held
    return found


def _not_made(
    session: Session, table: Table, refers: ColumnElement[bool], made: Mapping[tuple[str, tuple[Any, ...]], Any]
) -> int:
    keys = session.execute(select(*table.primary_key.columns).where(refers)).all()
    return sum((table.name, tuple(_plain(value) for value in key)) not in made for key in keys)


def _told(row: RowMapping | Mapping[str, Any] | None, key: Sequence[Any]) -> str:
    """How people know a row."""
    for name in ("code", "account", "name"):
        if row is not None and row.get(name):
            return str(row[name])
    return ", ".join(str(part) for part in key)


def take_back(session: Session, steps: Sequence[Step]) -> None:
    """Write the rows as they were. ``obstacles`` was asked before, in this transaction."""
    for step in reversed(steps):
        if "before" in step:
            table = Base.metadata.tables[step["table"]]
            session.execute(update(table).where(_is(table, step["key"])).values(_typed(table, step["before"])))
    order = {table.name: n for n, table in enumerate(Base.metadata.sorted_tables)}
    for step in sorted((one for one in steps if "made" in one), key=lambda one: -order[one["table"]]):
        table = Base.metadata.tables[step["table"]]
        session.execute(delete(table).where(_is(table, step["key"])))
    for step in sorted((one for one in steps if "gone" in one), key=lambda one: order[one["table"]]):
        table = Base.metadata.tables[step["table"]]
        session.execute(insert(table).values(_typed(table, step["gone"])))
    session.expire_all()


def _is(table: Table, key: Sequence[Any]) -> ColumnElement[bool]:
    columns = table.primary_key.columns
    return and_(*(column == _value(table, column.name, part) for column, part in zip(columns, key, strict=True)))


def _typed(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(table, name, value) for name, value in values.items()}


def _value(table: Table, name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    kind = table.columns[name].type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind is date else value
