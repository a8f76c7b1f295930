"""Statements that are composed once for an actor; and counts of what waits for a person, sent to the database together.

Composing a statement of an actor's rights takes longer than the database needs to run it.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BinaryExpression,
    BindParameter,
    Integer,
    Row,
    Select,
    String,
    Text,
    all_,
    any_,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.sql import operators, visitors

from ged.db import ByOtherIndex, Code, array_text, planned_once, row_by_row
from ged.unit import Actor, UnitRow

Asked = ParamSpec("Asked")
Composed = TypeVar("Composed")

Counter = Callable[[Actor], Select[int]]
"""Composes the statement that counts the things that wait for an actor. It is composed once for an actor and cached. So
it may depend only on the actor, never on the day, a setting or the language."""

MOST_IN_MENU = 100
"""Each page counts what waits for its reader, for the menu: no further than this, which the menu shows as "99+"."""

ACTORS_KEPT = 32
"""Size of the cache, in people; with 400 units the statement of all counts takes 0.8 MB."""
KEPT_OF_AN_ACTOR = 64

HASHED_FROM = 32
"""Texts in a list, such as the principals of the head of a ministry. In a plan that knows no values, PostgreSQL compares ``= ANY`` of an
array one after another: a hundred for each letter. With few values this is faster than to hash them, and their plans are better."""

_KEPT = "composed"


def composed(
    compose: Callable[Concatenate[Actor, Asked], Composed],
) -> Callable[Concatenate[Actor, Asked], Composed]:
    """Cache what a function composes for an actor: a statement, or several.

    The function may depend only on the actor and on its other arguments, which are hashable: it asks neither the database
    nor the clock. The rights are a part of the key: another actor, or one whose rights have changed, gets another statement.
    """

    @wraps(compose)
    def kept(actor: Actor, /, *asked: Asked.args, **named: Asked.kwargs) -> Composed:
        own = _own(actor)
        key = (compose, asked, tuple(sorted(named.items())))
        found = own.get(key)  # threads share the cache: what is looked up twice may be gone
        if found is None:
            if len(own) >= KEPT_OF_AN_ACTOR:
                own.clear()
            found = own[key] = compose(actor, *asked, **named)
        return cast(Composed, found)

    return kept


def _own(actor: Actor) -> dict[Hashable, object]:
    """What was composed for an actor. One request compares the rights once: then its actor holds the cache itself."""
    held = vars(actor)
    if _KEPT not in held:
        held[_KEPT] = _of(actor, tuple(actor.units.values()))
    return cast(dict[Hashable, object], held[_KEPT])


@lru_cache(maxsize=ACTORS_KEPT)
def _of(actor: Actor, units: tuple[UnitRow, ...]) -> dict[Hashable, object]:  # noqa: ARG001
    """The cache of all equal actors.

    Args:
        units: the tree that the actor's rights follow. Two actors may be equal under two trees; their statements differ.
    """
    return {}


def counted(session: Session, actor: Actor, counters: tuple[Counter, ...]) -> tuple[int, ...]:
    """The counts of all counters for an actor, in their order, by one statement."""
    return one_row(session, actor, _statement, counters) if counters else ()


def one_row(
    session: Session, actor: Actor, compose: Callable[Concatenate[Actor, Asked], Select[Any]], /, *asked: Asked.args, **named: Asked.kwargs,
) -> tuple[int, ...]:  # fmt: skip
    """The row of counts that ``compose(actor, ...)`` selects; as ``few_rows``."""
    (row,) = few_rows(session, actor, compose, *asked, **named)
    return tuple(row)


def few_rows(
    session: Session, actor: Actor, compose: Callable[Concatenate[Actor, Asked], Select[Any]], /, *asked: Asked.args, **named: Asked.kwargs,
) -> Sequence[Row[*tuple[Any, ...]]]:  # fmt: skip
    """The rows that ``compose(actor, ...)`` selects, for a statement that PostgreSQL would plan for longer than it runs.

    Args:
        compose: as for ``composed``. The best plan of its statement depends on no key, date or text in it: a state, which is
            written into the statement, leads to the few rows, and each is asked for its rights.

    Raises:
        TypeError: the statement selects an enumeration, which would come as its bare value.
    """
    return rows_with(session, {}, actor, compose, *asked, **named)


def rows_with(
    session: Session, values: Mapping[str, Any], actor: Actor, compose: Callable[Concatenate[Actor, Asked], Select[Any]], /,
    *asked: Asked.args, **named: Asked.kwargs,
) -> Sequence[Row[*tuple[Any, ...]]]:  # fmt: skip
    """As ``few_rows``, for a statement with parameters of its own: name -> value. It is composed once for all values of them.

    Raises:
        KeyError: a parameter of the statement has no value.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return session.execute(compose(actor, *asked, **named), values).all()
    key = (asked, tuple(sorted(named.items())))
    statement, kept, needed = _for_server(actor, compose, key, connection.dialect)
    if missing := needed - values.keys():  # PostgreSQL would be sent NULL, and find no row without a word
        raise KeyError(*sorted(missing))
    sent = {name: _as_sent(value) for name, value in values.items()}
    with planned_once(connection):
        return connection.exec_driver_sql(statement, {**kept, **sent}).all()


@composed
def _statement(actor: Actor, counters: tuple[Counter, ...]) -> Select[Any]:
    return select(*(counter(actor).scalar_subquery() for counter in counters))


@composed
def _for_server(
    actor: Actor, compose: Callable[..., Select[Any]], key: tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]], dialect: Dialect
) -> tuple[str, dict[str, Any], frozenset[str]]:  # fmt: skip
    """The statement as text, its parameters, and the names of those that ``rows_with`` sends.

    So PostgreSQL plans it once for all actors with the same roles (twice: ``HASHED_FROM``).

    Planning takes up to four times as long as the rest. The plan depends on states and levels, which are written into the
    text, and not on whose letters they are: these are parameters, each list of them one array.
    """
    asked, named = key
    composed_one = compose(actor, *asked, **dict(named))
    if any(isinstance(column.type, Code) for column in composed_one.selected_columns):
        raise TypeError("an enumeration would come as its bare value")
    needed = frozenset(
        one.key for one in visitors.iterate(composed_one) if isinstance(one, BindParameter) and one.required
    )
    statement = visitors.cloned_traverse(
        composed_one, {}, {"bindparam": _write_out, "binary": _as_array, "unary": row_by_row}
    )
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    # The lists of an actor are long, and stay the same: they are written once, and not by the driver each time.
    sent = {name: _as_sent(value) for name, value in compiled.params.items()}
    return str(compiled), sent, needed


def _as_sent(value: Any) -> Any:
    """A parameter as the driver gets it. Of a list it would look at each element, and choose a type, so that PostgreSQL plans once for each type."""
    return array_text(value) if isinstance(value, list) else value


def _write_out(value: BindParameter[Any]) -> None:
    """Write states and small numbers such as levels into the text; keys (``BigInteger``) stay parameters."""
    is_number = isinstance(value.type, Integer) and not isinstance(value.type, BigInteger)
    value.literal_execute = isinstance(value.type, Code) or is_number
    value.required = False  # ``rows_with`` sends what is missing


def _as_array(condition: BinaryExpression[Any]) -> None:
    """Make ``IN`` a list of parameters ``= ANY`` of one array, so that lists of all lengths have one text."""
    listed = condition.right
    if isinstance(listed, BindParameter) and listed.expanding and not listed.literal_execute:
        # Not of texts of a length: in a plan that knows no values, PostgreSQL would convert the array for each row.
        kind = Text() if isinstance(listed.type, String) else listed.type
        values = bindparam(None, list(listed.value or ()), type_=ARRAY(kind), unique=True)
        is_in = condition.operator is operators.in_op
        is_long = isinstance(listed.type, String) and len(listed.value or ()) >= HASHED_FROM
        if is_in and is_long and isinstance(condition.left, ByOtherIndex):
            # The result of a query is hashed. ``IS TRUE``: else PostgreSQL would make a join of it.
            condition.left = condition.left.in_(select(func.unnest(values))).self_group()
            condition.operator, condition.right = operators.is_, true()
            return
        condition.operator = operators.eq if is_in else operators.ne
        condition.right = any_(values) if is_in else all_(values)
