"""Adding letters to the cells and taking them out: statements over any number of letters, the same in both directions.

The cells are sums over ``figure_letters``, ``figure_returns`` and ``figure_moves``. Whoever changes these takes the letters out of the cells first
and adds them afterwards, in one transaction that holds ``FigureState``: so the cells are these sums at each commit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ged.db import Base, table_of
from ged.figures import moving, sums
from ged.figures.counted import KEY, Chosen, CountedRegister, Which
from ged.figures.days import Days, is_sqlite, month_of, word, year_of
from ged.figures.models import (
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureKey,
    FigureLetter,
    FigureMove,
    FigureReturn,
    FigureRound,
)
from ged.figures.stages import COUNTED, LONGEST, SPANS, STEPS, Grain, day_of, delay_of

_MARKS = {name: day_of(name) for name in COUNTED if name not in ("returned", "relieved")}
"""Counted column -> the day of the letter on which it counts. The others: ``returned`` and ``relieved``."""

Emptied = Mapping[type[Base], Sequence[Mapping[str, Any]]]
"""The keys of cells and of bins that have no letter any more, as column -> value."""


_COMPOSED: dict[tuple[object, ...], tuple[Any, ...]] = {}
"""What composes statements, whether for SQLite, the kind of their condition, and a time zone -> the statements."""


def _composed(
    compose: Callable[[CountedRegister, Which], Iterable[Any]], register: CountedRegister, letters: Chosen
) -> tuple[Any, ...]:
    """The statements of a condition that has no values yet; they are executed with ``letters.said``.

    Each run of a few letters needs all of them. To compose them takes twice as long as the rest of the run.

    Args:
        compose: may depend on the kind of database and on the time zone alone.
    """
    key = (compose, is_sqlite(register.session), letters.made, register.zone)
    if key not in _COMPOSED:
        _COMPOSED[key] = tuple(compose(register, letters.unsaid()))
    return _COMPOSED[key]


def store(register: CountedRegister, letters: Chosen) -> None:
    """Write the rows of letters as the register has them now. The letters are in no row and in no cell before."""
    keys, *rows = _composed(_storing, register, letters)
    register.session.execute(keys, letters.said)
    if sums.are_kept(register.session):
        sums.link(register.session)
    for statement in rows:
        register.session.execute(statement, letters.said)


def _storing(register: CountedRegister, which: Which) -> Iterator[Any]:
    """First the keys, then the rows."""
    maker = _maker(register.session)
    letters = register.letters(which).subquery("now")
    kinds = [letters.c[name] for name in KEY]
    yield _inserted(maker, FigureKey, KEY, select(*kinds).distinct().where(true())).on_conflict_do_nothing()
    same = [getattr(FigureKey, name) == letters.c[name] for name in KEY]
    kept = [one for one in letters.c if one.name not in KEY and one.name != "mail_id"]
    rows = select(letters.c.mail_id, FigureKey.id, *kept).join_from(letters, FigureKey, and_(*same))
    yield _inserted(maker, FigureLetter, ("mail_id", "key_id", *(one.name for one in kept)), rows)
    yield _inserted(maker, FigureReturn, ("mail_id", "day", "times"), register.returns(which))
    yield _inserted(maker, FigureMove, ("mail_id", "from_unit_id", "to_unit_id", "day"), moving.moves(register, which))
    yield _inserted(maker, FigureRound, ("mail_id", "times", "last_on"), moving.rounds(register, which))


def drop(register: CountedRegister, letters: Chosen) -> None:
    """Remove the rows of letters, which are in no cell any more."""
    for statement in _composed(_dropping, register, letters):
        register.session.execute(statement, letters.said, execution_options={"synchronize_session": False})


def _dropping(_register: CountedRegister, which: Which) -> Iterator[Any]:
    for model in (FigureReturn, FigureMove, FigureRound, FigureLetter):
        yield delete(model).where(which(model.mail_id))


def add(register: CountedRegister, letters: Chosen) -> None:
    """Add the letters to the cells."""
    for statement in _composed(_adding, register, letters):
        register.session.execute(statement, letters.said)


def _adding(register: CountedRegister, which: Which) -> Iterator[Any]:
    session = register.session
    for model, make in _SUMS:
        for grain, period in _grains(session, model):
            yield _added_up(session, model, sums.with_sums(model, make(grain, period, which, 1)))


def take_out(register: CountedRegister, letters: Chosen) -> Emptied:
    """Take the letters out of the cells. Returns the cells that have no letter now, for ``clear_empty``."""
    found: dict[type[Base], list[dict[str, Any]]] = {model: [] for model, _ in _SUMS}
    for model, statement in _composed(_taking_out, register, letters):
        keys, _numbers = _columns(model)
        rows = register.session.execute(statement, letters.said)
        found[model] += [dict(zip(keys, key, strict=True)) for *key, empty in rows if empty]
    return found


def _taking_out(register: CountedRegister, which: Which) -> Iterator[tuple[type[Base], Any]]:
    session = register.session
    for model, make in _SUMS:
        keys, numbers = _columns(model)
        for grain, period in _grains(session, model):
            is_empty = and_(*(table_of(model).c[name] == 0 for name in numbers)).label("is_empty")
            taken = _added_up(session, model, sums.with_sums(model, make(grain, period, which, -1)))
            yield model, taken.returning(*(table_of(model).c[name] for name in keys), is_empty)


def clear_empty(session: Session, emptied: Emptied) -> None:
    """Remove those of these cells and bins that are still without letters. No other row is read: they are those of many years."""
    for model, rows in emptied.items():
        if rows:
            table, (keys, numbers) = table_of(model), _columns(model)
            is_one = [table.c[name] == bindparam(f"of_{name}") for name in keys]
            statement = delete(table).where(*is_one, *(table.c[name] == 0 for name in numbers))
            session.execute(statement, [{f"of_{name}": row[name] for name in keys} for row in rows])


def whole(session: Session, model: type[Base], which: Which, *, with_sums: bool) -> Select[Any]:
    """The cells, or the bins, as they must be when these are all letters: for a comparison."""
    make = next(make for one, make in _SUMS if one is model)
    parts = [make(grain, period, which, 1) for grain, period in _grains(session, model)]
    return select(union_all(*(sums.with_sums(model, one) if with_sums else one for one in parts)).subquery("whole"))


def _grains(session: Session, model: type[Base]) -> list[tuple[Grain, Days]]:
    """The grains of a table. Years are asked for by what stands at a day's end alone, and that is told from ``FigureCell``."""
    found: list[tuple[Grain, Days]] = [(Grain.DAY, lambda day: day), (Grain.MONTH, month_of(session))]
    return [*found, (Grain.YEAR, year_of(session))] if model is FigureCell else found


def counts(grain: Grain, period: Days, which: Which, sign: int) -> Select[Any]:
    """The cells of letters, in the columns of ``FigureCell``; each number times ``sign``."""
    marks = [_mark(name, getattr(FigureLetter, day), which) for name, day in _MARKS.items()]
    marks.append(_mark("relieved", FigureLetter.ended_on, lambda of: which(of) & FigureLetter.fell_due_on.is_not(None)))
    returned = (
        select(FigureLetter.key_id, FigureReturn.day.label("day"), word("returned").label("what"), FigureReturn.times)
        .join(FigureLetter, FigureLetter.mail_id == FigureReturn.mail_id)
        .where(which(FigureReturn.mail_id))
    )
    found = union_all(*marks, returned).subquery("found")
    day = period(found.c.day).label("day")
    numbers = [(func.sum(case((found.c.what == name, found.c.times), else_=0)) * sign).label(name) for name in COUNTED]
    return (
        select(word(grain.value).label("grain"), day, found.c.key_id, *numbers)
        .where(true())
        .group_by(day, found.c.key_id)
    )


def delays(grain: Grain, period: Days, which: Which, sign: int) -> Select[Any]:
    """The bins of letters, in the columns of ``FigureDelay``; each number times ``sign``."""
    parts = []
    for stage, (_, last) in SPANS.items():
        delay = getattr(FigureLetter, delay_of(stage))
        parts.append(
            select(
                FigureLetter.key_id, getattr(FigureLetter, last).label("day"), word(stage.value).label("stage"),
                bin_in_sql(delay).label("at_least"),
            ).where(which(FigureLetter.mail_id), delay.is_not(None))
        )  # fmt: skip
    found = union_all(*parts).subquery("found")
    day = period(found.c.day).label("day")
    return (
        select(
            word(grain.value).label("grain"), day, found.c.key_id, found.c.stage, found.c.at_least,
            (func.count() * sign).label("letters"),
        )
        .where(true())
        .group_by(day, found.c.key_id, found.c.stage, found.c.at_least)
    )  # fmt: skip


def flows(grain: Grain, period: Days, which: Which, sign: int) -> Select[Any]:
    """The flows of letters, in the columns of ``FigureFlow``; each number times ``sign``."""
    day: Any = period(FigureMove.day).label("day")
    key = (FigureLetter.key_id, FigureMove.from_unit_id, FigureMove.to_unit_id)
    letters = (func.count() * sign).label("letters")
    return (
        select(word(grain.value).label("grain"), day, *key, letters)
        .join(FigureLetter, FigureLetter.mail_id == FigureMove.mail_id)
        .where(which(FigureMove.mail_id))
        .group_by(day, *key)
    )


def hours(grain: Grain, period: Days, which: Which, sign: int) -> Select[Any]:
    """The hours at which letters were registered, in the columns of ``FigureHour``; each number times ``sign``."""
    day: Any = period(FigureLetter.numbered_on).label("day")
    key = (FigureLetter.key_id, FigureLetter.numbered_hour.label("hour"))
    return (
        select(word(grain.value).label("grain"), day, *key, (func.count() * sign).label("letters"))
        .where(which(FigureLetter.mail_id), FigureLetter.numbered_hour.is_not(None))
        .group_by(day, *key)
    )


_SUMS: tuple[tuple[type[Base], Callable[[Grain, Days, Which, int], Select[Any]]], ...] = (
    (FigureCell, counts),
    (FigureDelay, delays),
    (FigureFlow, flows),
    (FigureHour, hours),
)
"""Table -> what makes its rows of letters."""


def _columns(model: type[Base]) -> tuple[list[str], list[str]]:
    """The columns of the primary key, and those of the numbers: a table of cells has no others, and its key first."""
    names, keys = [one.name for one in table_of(model).columns], len(table_of(model).primary_key)
    return names[:keys], names[keys:]


def _mark(name: str, day: Any, which: Which) -> Select[Any]:
    one: ColumnElement[int] = literal_column("1").label("times")
    return select(FigureLetter.key_id, day.label("day"), word(name).label("what"), one).where(
        which(FigureLetter.mail_id), day.is_not(None)
    )


def bin_in_sql(delay: Any) -> ColumnElement[int]:
    """``stages.bin_of`` in SQL."""
    since, known = 0, []
    for last, width in STEPS:
        known.append((delay <= last, since + (delay - since) // width * width))
        since = last + 1
    return case(*known, else_=literal(LONGEST))


def _inserted(maker: Callable[..., Any], model: type[Base], names: tuple[str, ...], rows: Any) -> Any:
    return maker(table_of(model)).from_select(list(names), rows, include_defaults=False)


def _added_up(session: Session, model: type[Base], rows: Select[Any]) -> Any:
    """The statement that inserts rows, and adds the numbers of a row to the row that has its key already."""
    table, (keys, numbers) = table_of(model), _columns(model)
    statement = _maker(session)(table).from_select([*keys, *numbers], rows, include_defaults=False)
    more = {name: table.c[name] + statement.excluded[name] for name in numbers}
    return statement.on_conflict_do_update(index_elements=keys, set_=more)


def _maker(session: Session) -> Callable[..., Any]:
    return sqlite.insert if is_sqlite(session) else postgresql.insert
