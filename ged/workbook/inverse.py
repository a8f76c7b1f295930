"""Records the rows that a unit of work writes, and restores them byte by byte.

The journal and the jobs are left out: the journal never forgets. If another row refers to a made row, or a row changed
since, nothing is restored, and the row is named.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    String,
    Table,
    and_,
    cast,
    delete,
    event,
    func,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, object_session

from ged import audit
from ged.db import Base
from ged.ports import Principal
from ged.ports.names import (
    deciding_principal,
    heading_principal,
    holder_principal,
    person_principal,
    post_principal,
    unit_principal,
)

NEVER_TAKEN_BACK = frozenset(
    {
        "audit_entries", "audit_payloads", "audit_head", "jobs", "workbook_imports", "organisation_acts",
        "organisation_act_subjects", "sessions", "certificates", "signing_keys",
    }
)  # fmt: skip
"""Tables whose rows stay as they are: the journal, jobs, the acts themselves, ended sessions, and revocations, which are
published."""
PRINCIPALS: Mapping[str, Sequence[Callable[[int], Principal]]] = {
    "units": (unit_principal, heading_principal),
    "posts": (post_principal, deciding_principal, holder_principal),
    "people": (person_principal,),
}
"""How a right to a letter names a row."""
JOURNALED: Mapping[str, Sequence[str]] = {"posts": ("post_id", "acting_for_post_id"), "people": ("person_id",)}
"""Columns of the journal that name a row: who acted, through which post."""
WRITTEN_WHOLE: Mapping[str, tuple[str, str]] = {
    "post_roles": ("post_id", "posts"), "nature_steps": ("nature_id", "natures"),
}  # fmt: skip
"""Tables whose rows are a list of another row, which is always written whole: the column and the table of that row."""
NOTICES_OF: Mapping[str, tuple[str, str]] = {"delegations": ("personal_notices", "delegated")}
"""Table -> the table and the occasion of notices that name its rows: they go with a row that was made, which nobody can look up any more."""
JOURNAL = "audit_entries"
PIECE = 400
"""Rows asked for in one query."""

Key = tuple[Any, ...]
Made = dict[str, dict[Key, Mapping[str, Any]]]
"""Table -> key -> values of the rows that were made."""
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
    """Yield a list. After a flush it holds a step for each row that the block wrote through the session, in order."""
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
        # Before the flush: after it SQLAlchemy knows no earlier value any more.
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


NAMED: Mapping[str, Sequence[str]] = {
    "units": ("mail_access",), "posts": ("mail_access",), "people": ("mail_access",), "natures": ("mails",),
    "mentions": ("imputations", "assignments"),
}  # fmt: skip
"""Table -> tables of letters that name its rows without a foreign key: no lock of a row would wait for who is just writing there."""


def naming(steps: Iterable[Step]) -> list[str]:
    """The tables to which nobody may write while ``obstacles`` is asked and these steps are taken back; most acts made nothing
    that any of them names."""
    made = {step["table"] for step in steps if "made" in step}
    return sorted({one for name in made for one in NAMED.get(name, ())})


def obstacles(session: Session, steps: Sequence[Step]) -> list[Obstacle]:
    """The reasons why these steps cannot be taken back; empty: they can."""
    found = list(_changed_since(session, steps))
    made = _made(steps)
    for name, rows in made.items():
        hanging: Counter[tuple[Any, str]] = Counter()
        for own, table, refers in _references(name):
            by_value = {values[own]: key for key, values in rows.items()}
            for value, count in _hanging(session, table, refers, by_value, made):
                hanging[by_value[value], table.name] += count
        hanging.update(_by_name(session, name, rows))
        found += [
            Obstacle(name, _known_name(rows[key], key), by, count) for (key, by), count in sorted(hanging.items())
        ]
    return found


def _made(steps: Iterable[Step]) -> Made:
    made: Made = {}
    for step in steps:
        if "made" in step:
            made.setdefault(step["table"], {})[tuple(step["key"])] = step["made"]
    return made


def acted_meanwhile(session: Session, steps: Sequence[Step]) -> list[Obstacle]:
    """Who has acted through a row that the steps made since ``obstacles`` was asked. It is asked last: it locks the head of
    the journal, so that nobody adds an entry any more. ``UnitOfWork`` refuses who commits later and acts by a delegation
    that is gone."""
    audit.lock(session)
    found = []
    for name, rows in _made(steps).items():
        by_name = _by_name(session, name, rows, only=JOURNAL)
        found += [
            Obstacle(name, _known_name(rows[key], key), by, count) for (key, by), count in sorted(by_name.items())
        ]
    return found


def _changed_since(session: Session, steps: Sequence[Step]) -> Iterator[Obstacle]:
    final: dict[str, dict[Key, dict[str, Any]]] = {}
    for step in steps:
        rows, key = final.setdefault(step["table"], {}), tuple(step["key"])
        if "gone" in step:
            rows.pop(key, None)
        else:
            rows.setdefault(key, {}).update(step.get("made") or step["after"])
    for name, (own, parent) in WRITTEN_WHOLE.items():
        yield from _lists_changed(session, Base.metadata.tables[name], own, parent, steps, final.pop(name, {}))
    for name, rows in final.items():
        table = Base.metadata.tables[name]
        held: dict[Key, RowMapping] = {}
        for keys in _pieces(rows):
            query = select(table).where(or_(*(_is(table, key) for key in keys)))
            for row in session.execute(query).mappings():
                held[tuple(_plain(row[column.name]) for column in table.primary_key.columns)] = row
        for key, expected in rows.items():
            now = held.get(key)
            if now is None or any(_plain(now[column]) != value for column, value in expected.items()):
                yield Obstacle(name, _known_name(now, key), name, 0)


def _lists_changed(
    session: Session, table: Table, own: str, parent: str, steps: Sequence[Step], final: Mapping[Key, Mapping[str, Any]]
) -> Iterator[Obstacle]:
    """The rows whose lists are not as the steps left them: an undo would mix the two.

    Args:
        own: column of the list's table that names the row of ``parent``.
        final: rows of the list -> their values after the steps.
    """
    mine = [step for step in steps if step["table"] == table.name]
    ids = sorted({(step.get("gone") or step.get("made") or final[tuple(step["key"])])[own] for step in mine})
    held: dict[Key, RowMapping] = {}
    for piece in _pieces(ids):
        for row in session.execute(select(table).where(table.c[own].in_(piece))).mappings():
            held[tuple(_plain(row[column.name]) for column in table.primary_key.columns)] = row
    differing = {
        (final.get(key) or held[key])[own]
        for key in final.keys() | held.keys()
        if key not in held
        or key not in final
        or any(_plain(held[key][column]) != value for column, value in final[key].items())
    }
    above = Base.metadata.tables[parent]
    for row_id in sorted(differing):
        bearer = session.execute(select(above).where(above.c.id == row_id)).mappings().one_or_none()
        yield Obstacle(parent, _known_name(bearer, [row_id]), parent, 0)


def _references(name: str) -> Iterator[tuple[str, Table, ColumnElement[Any]]]:
    """What refers to a table: its own column, the other table, and that one's column."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            for link in column.foreign_keys:
                if link.column.table.name == name:
                    yield link.column.name, table, column


def _hanging(
    session: Session, table: Table, refers: ColumnElement[Any], by_value: Mapping[Any, Key], made: Made
) -> Iterator[tuple[Any, int]]:
    """How many rows that were not made with them refer to each of these values."""
    own = made.get(table.name, {})
    for values in _pieces(by_value):
        if not own:
            yield from session.execute(select(refers, func.count()).where(refers.in_(values)).group_by(refers)).all()
            continue
        for value, *key in session.execute(select(refers, *table.primary_key.columns).where(refers.in_(values))):
            if tuple(_plain(part) for part in key) not in own:
                yield value, 1


def _by_name(
    session: Session, name: str, rows: Mapping[Key, Mapping[str, Any]], only: str = ""
) -> Counter[tuple[Any, str]]:
    """Rows that name made ones without a foreign key: rights to letters, letters of a nature, marked mentions, the journal.

    Args:
        only: the one table to look into; empty: all.
    """
    found: Counter[tuple[Any, str]] = Counter()
    for key, values in rows.items():
        for table_name, condition in _naming(name, values):
            if only not in ("", table_name):
                continue
            table = Base.metadata.tables[table_name]
            count = session.scalar(select(func.count()).select_from(table).where(condition(table))) or 0
            if count:
                found[key, table_name] += count
    return found


def _naming(name: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[Table], ColumnElement[bool]]]]:
    principals = [make(values["id"]) for make in PRINCIPALS.get(name, ())]
    if principals:
        yield "mail_access", lambda table: table.c.principal.in_(principals)
    if name == "holdings":
        # Whoever has acted through the post since is named in the journal as its holder of that day.
        since = datetime.combine(date.fromisoformat(values["from_on"]), datetime.min.time(), UTC)
        yield (
            "audit_entries",
            lambda table: and_(
                or_(table.c.post_id == values["post_id"], table.c.acting_for_post_id == values["post_id"]),
                table.c.person_id == values["person_id"],
                table.c.at >= since,
            ),
        )
    if name == "delegations":
        # Whoever has acted by it is named in the journal for the post, by this title.
        granted_at = datetime.fromisoformat(values["granted_at"])
        yield (
            "audit_entries",
            lambda table: and_(
                table.c.acting_for_post_id == values["post_id"],
                table.c.person_id == values["person_id"],
                table.c.at >= granted_at,
            ),
        )
    for column in JOURNALED.get(name, ()):
        yield "audit_entries", lambda table, column=column: table.c[column] == values["id"]  # type: ignore[misc]
    if name == "filing_classes":
        yield "natures", lambda table: table.c.filing_code == values["code"]
    if name == "natures":
        yield "mails", lambda table: table.c.nature == values["code"]
    if name == "mentions":
        # The list is JSON: its text is looked at, codes have no quotation marks.
        quoted = f'%"{values["code"]}"%'
        for listing in ("imputations", "assignments"):
            yield listing, lambda table: cast(table.c.mentions, String).like(quoted)


def _pieces(keys: Iterable[Any]) -> Iterator[list[Any]]:
    left = list(keys)
    for start in range(0, len(left), PIECE):
        yield left[start : start + PIECE]


def _known_name(row: RowMapping | Mapping[str, Any] | None, key: Sequence[Any]) -> str:
    """The name by which people know a row."""
    for name in ("code", "account", "name"):
        if row is not None and row.get(name):
            return str(row[name])
    return ", ".join(str(part) for part in key)


def take_back(session: Session, steps: Sequence[Step]) -> None:
    """Write the rows as they were. ``obstacles`` was asked before, in this transaction."""
    # Changed rows first, so that none refers to a made row when that goes.
    # Backwards: of two changes of a row the first one's value stays.
    for step in reversed(steps):
        if "before" in step:
            table = Base.metadata.tables[step["table"]]
            session.execute(update(table).where(_is(table, step["key"])).values(_typed(table, step["before"])))
    order = {table.name: n for n, table in enumerate(Base.metadata.sorted_tables)}
    made: dict[str, list[Key]] = {}
    for step in steps:
        if "made" in step:
            made.setdefault(step["table"], []).append(tuple(step["key"]))
    # Rows that refer to others go before these.
    for name in sorted(made, key=lambda one: -order[one]):
        table = Base.metadata.tables[name]
        for keys in _pieces(made[name]):
            session.execute(delete(table).where(or_(*(_is(table, key) for key in keys))))
    for name, (notices, occasion) in NOTICES_OF.items():
        notice_table = Base.metadata.tables[notices]
        for keys in _pieces(key[0] for key in made.get(name, ())):
            session.execute(
                delete(notice_table).where(notice_table.c.occasion == occasion, notice_table.c.subject_id.in_(keys))
            )
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
