"""Units and acts as the pages of the administration show them: frozen rows, a few statements whatever the size of the tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ged import paging
from ged.administration.consequences import open_letters, unit_principals
from ged.administration.differences import Difference, from_json
from ged.administration.lines import values_of
from ged.administration.models import ActSubject, OrganisationAct, is_planned
from ged.administration.reach import Reach
from ged.administration.states import ActState, state_of
from ged.errors import NotFound
from ged.org.models import Holding, Person, Post, Unit, held_on
from ged.paging import START, Place, Slice
from ged.register.correspondents import fold
from ged.register.models import Register
from ged.unit import Role

HISTORY = 30
"""The most acts that the page of a unit, a post or a person shows."""


@dataclass(frozen=True)
class Node:
    """A unit of the tree.

    Attributes:
        posts, vacant: posts of the unit itself, and those without a holder.
        children: open units first; each in the order of their making.
    """

    id: int
    code: str
    name: str
    kind: str
    is_entity: bool
    is_closed: bool
    posts: int
    vacant: int
    children: tuple["Node", ...] = ()

    @property
    def below(self) -> int:
        """How many units stand below it, at any depth."""
        return len(self.children) + sum(child.below for child in self.children)


@dataclass(frozen=True)
class Tree:
    """The tree, or those of several ministries: ``roots``, and how many units are closed."""

    roots: tuple[Node, ...]
    closed: int
    total: int


def tree(session: Session, reach: Reach, *, on: date, with_closed: bool = False) -> Tree:
    """The units within reach as a tree. An open unit below a closed one stays visible: the closed one is shown then."""
    units = session.execute(
        select(Unit.id, Unit.code, Unit.name, Unit.kind, Unit.is_entity, Unit.closed_at, Unit.parent_id)
        .where(Unit.id.in_(reach.units))
        .order_by(Unit.id)
    ).all()
    posts = dict(session.execute(select(Post.unit_id, func.count()).group_by(Post.unit_id)).all())
    held = dict(
        session.execute(
            select(Post.unit_id, func.count(Post.id.distinct()))
            .join(Holding, Holding.post_id == Post.id)
            .where(*held_on(on))
            .group_by(Post.unit_id)
        ).all()
    )
    children: dict[int | None, list[Any]] = {}
    for unit in units:
        children.setdefault(unit.parent_id, []).append(unit)

    def node(unit: Any) -> Node | None:
        below = tuple(one for child in children.get(unit.id, ()) if (one := node(child)) is not None)
        if unit.closed_at is not None and not with_closed and not below:
            return None
        count = posts.get(unit.id, 0)
        return Node(
            unit.id, unit.code, unit.name, unit.kind, unit.is_entity, unit.closed_at is not None, count,
            count - held.get(unit.id, 0), tuple(sorted(below, key=lambda one: one.is_closed)),
        )  # fmt: skip

    roots = tuple(one for unit in children.get(None, ()) if (one := node(unit)) is not None)
    return Tree(roots, sum(unit.closed_at is not None for unit in units), len(units))


def found(top: Tree, words: str) -> list[tuple[Node, tuple[Node, ...]]]:
    """The units whose code or name has these words, each with the units above it, the highest first."""
    wanted = fold(words).split()

    def walk(node: Node, above: tuple[Node, ...]) -> list[tuple[Node, tuple[Node, ...]]]:
        text = fold(f"{node.code} {node.name}")
        own = [(node, above)] if all(word in text for word in wanted) else []
        return own + [hit for child in node.children for hit in walk(child, (*above, node))]

    return [hit for root in top.roots for hit in walk(root, ())]


@dataclass(frozen=True)
class Named:
    """A record that a page links to."""

    id: int
    code: str
    name: str


@dataclass(frozen=True)
class PostRow:
    """A post with who holds it on a day; ``person`` is None for a vacant one."""

    id: int
    code: str
    title: str
    roles: tuple[Role, ...]
    person: Named | None
    since: date | None


@dataclass(frozen=True)
class ActRow:
    """An act as lists show it."""

    id: int
    what: str
    subject: str
    reference: str
    person_name: str
    state: ActState
    at: datetime
    planned_on: date | None


@dataclass(frozen=True)
class UnitPage:
    """A unit with what is in it; ``letters``: how many open letters name it."""

    id: int
    code: str
    name: str
    kind: str
    address: str
    is_entity: bool
    closed_at: datetime | None
    path: tuple[Named, ...]
    successor: Named | None
    children: tuple[tuple[Named, bool], ...]
    posts: tuple[PostRow, ...]
    registers: tuple[Named, ...]
    letters: int
    acts: tuple[ActRow, ...]


def unit_page(session: Session, unit_id: int, reach: Reach, *, on: date) -> UnitPage:
    """A unit within reach.

    Raises:
        NotFound: ``act.unknown``.
    """
    unit = session.get(Unit, unit_id)
    if unit is None or unit.id not in reach.units:
        raise NotFound("act.unknown", "open it from the list again", id=unit_id)
    rows = {
        row.id: row
        for row in session.execute(
            select(Unit.id, Unit.code, Unit.name, Unit.parent_id, Unit.closed_at).order_by(Unit.id)
        )
    }
    registers = session.execute(
        select(Register.id, Register.code, Register.name).where(Register.unit_id == unit_id).order_by(Register.id)
    )
    return UnitPage(
        id=unit.id, code=unit.code, name=unit.name, kind=unit.kind, address=unit.address, is_entity=unit.is_entity, closed_at=unit.closed_at,
        path=_path(rows, unit.parent_id), successor=_named(rows.get(unit.successor_id or 0)),
        children=tuple(
            (Named(row.id, row.code, row.name), row.closed_at is not None) for row in rows.values() if row.parent_id == unit_id
        ),
        posts=posts_of(session, Post.unit_id == unit_id, on=on), registers=tuple(Named(*row) for row in registers),
        letters=open_letters(session, unit_principals(unit_id)), acts=history(session, "units", unit.code),
    )  # fmt: skip


def _named(row: Any) -> Named | None:
    return Named(row.id, row.code, row.name) if row is not None else None


def _path(rows: Mapping[int, Any], at: int | None) -> tuple[Named, ...]:
    found: list[Named] = []
    while at is not None and at in rows and at not in {one.id for one in found}:
        row = rows[at]
        found.insert(0, Named(row.id, row.code, row.name))
        at = row.parent_id
    return tuple(found)


def posts_of(session: Session, *where: ColumnElement[bool], on: date) -> tuple[PostRow, ...]:
    """Posts that meet a condition, with their holders on a day."""
    posts = session.scalars(select(Post).where(*where).order_by(Post.id)).all()
    held = {
        row.post_id: row
        for row in session.execute(
            select(Holding.post_id, Holding.from_on, Person.id, Person.account, Person.name)
            .join(Person, Person.id == Holding.person_id)
            .where(Holding.post_id.in_([post.id for post in posts]), *held_on(on))
            .order_by(Holding.id)
        )
    }
    return tuple(
        PostRow(
            post.id, post.code, post.title, tuple(sorted((one.role for one in post.roles), key=list(Role).index)),
            Named(held[post.id].id, held[post.id].account, held[post.id].name) if post.id in held else None,
            held[post.id].from_on if post.id in held else None,
        )
        for post in posts
    )  # fmt: skip


# --- acts -----------------------------------------------------------------------------------------------------------


def history(session: Session, kind: str, code: str, *where: ColumnElement[bool]) -> tuple[ActRow, ...]:
    """The confirmed acts that changed a record, the newest first; those that meet further conditions."""
    query = _acts().join(ActSubject, ActSubject.act_id == OrganisationAct.id)
    query = query.where(ActSubject.kind == kind, ActSubject.code == code, *where)
    return _act_rows(session, query.order_by(OrganisationAct.id.desc()).limit(HISTORY))


def _acts() -> Select[OrganisationAct, str]:
    return select(OrganisationAct, Person.name).join(Person, Person.id == OrganisationAct.person_id)


def _act_rows(session: Session, query: Select[OrganisationAct, str]) -> tuple[ActRow, ...]:
    return tuple(
        ActRow(
            act.id, act.what, act.subject, act.reference, name, state_of(act),
            act.undone_at or act.done_at or act.withdrawn_at or act.refused_at or act.proposed_at, act.planned_on,
        )
        for act, name in session.execute(query)
    )  # fmt: skip


def acts(
    session: Session, reach: Reach, at: Place = START, *, limit: int, waiting: bool = False
) -> tuple[tuple[ActRow, ...], Slice]:
    """The confirmed acts within reach, the newest first; ``waiting``: those that are planned, and those that were refused."""
    confirmed = or_(OrganisationAct.planned_on.is_not(None), OrganisationAct.done_at.is_not(None))
    query = select(OrganisationAct.id).where(confirmed, reach.acts)
    if waiting:
        query = query.where(OrganisationAct.done_at.is_(None), OrganisationAct.withdrawn_at.is_(None))
    page = paging.read(session, query, OrganisationAct.id, at, descending=True, limit=limit)
    rows = {row.id: row for row in _act_rows(session, _acts().where(OrganisationAct.id.in_(page.ids)))}
    return tuple(rows[one] for one in page.ids), page


@dataclass(frozen=True)
class WaitingActs:
    """How many acts are planned for a later day, and how many were refused on their day and wait for somebody."""

    planned: int
    refused: int


def waiting_count(session: Session, reach: Reach) -> WaitingActs:
    """Count the acts within reach that are not over."""
    is_refused = and_(OrganisationAct.refused_at.is_not(None), OrganisationAct.withdrawn_at.is_(None))
    query = select(func.count().filter(*is_planned()), func.count().filter(is_refused)).select_from(OrganisationAct)
    return WaitingActs(*session.execute(query.where(reach.acts, OrganisationAct.done_at.is_(None))).one())


@dataclass(frozen=True)
class ActPage:
    """An act with what it changes; of a proposed one the differences are looked at when it is shown."""

    row: ActRow
    differences: tuple[Difference, ...]
    consequences: Mapping[str, int]
    refusal: Sequence[Sequence[Any]]
    done_at: datetime | None
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(section, code) -> name, of units, posts and people."""
    records: tuple[tuple[str, Named], ...] = ()
    """(section, record) of the units, posts and people that it changes and that are there: its subject first, then new ones."""


def act_page(session: Session, act_id: int) -> ActPage:
    """An act.

    Raises:
        NotFound: ``act.unknown``.
    """
    act = session.get(OrganisationAct, act_id)
    if act is None:
        raise NotFound("act.unknown", "open it from the list again", id=act_id)
    (row,) = _act_rows(session, _acts().where(OrganisationAct.id == act_id))
    found = from_json(act.differences)
    return ActPage(
        row, found, act.consequences, act.refusal, act.done_at, names(session), _records(session, found, act.subject)
    )


def _records(session: Session, found: Sequence[Difference], subject: str) -> tuple[tuple[str, Named], ...]:
    records: list[tuple[bool, bool, str, Named]] = []
    for kind, key, model, name in (
        ("people", Person.account, Person, Person.name), ("posts", Post.code, Post, Post.title), ("units", Unit.code, Unit, Unit.name),
    ):  # fmt: skip
        changed = {one.code: one.is_new for one in found if one.kind == kind}
        for id_, code, title in session.execute(select(model.id, key, name).where(key.in_(sorted(changed)))):
            records.append((code != subject, not changed[code], kind, Named(id_, code, title)))
    return tuple((kind, one) for _far, _old, kind, one in sorted(records, key=lambda record: record[:2]))


def proposed_values(session: Session, act_id: int) -> dict[str, object]:
    """What the form of an act held; empty of an act that is not there any more or that is no longer only proposed."""
    act = session.get(OrganisationAct, act_id)
    return values_of(act.sheets) if act is not None and state_of(act) is ActState.PROPOSED else {}


def names(session: Session) -> dict[tuple[str, str], str]:
    """The names of units, posts, people and registers by section and code."""
    found: dict[tuple[str, str], str] = {}
    for kind, code, name in (
        ("units", Unit.code, Unit.name), ("posts", Post.code, Post.title), ("people", Person.account, Person.name),
        ("registers", Register.code, Register.name),
    ):  # fmt: skip
        found |= {(kind, key): text for key, text in session.execute(select(code, name))}
    return found
