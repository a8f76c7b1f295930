"""The choices in the forms of routing."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from ged.db import ByOtherIndex
from ged.org.models import Holding, Person, Post, PostRole, Unit, held_on
from ged.org.names import unit_places, unit_text
from ged.org.stock import by_code, kept_for
from ged.org.tree import entities, heirs, ministry
from ged.register.correspondents import fold
from ged.register.models import FilingClass
from ged.routing.models import Assignment, Mention
from ged.unit import NO_WORK, Actor, Role

RECENT = 6
LATEST = 200
"""Decisions among which the recently chosen units are sought."""
FOUND = 20
"""The most posts that a search shows."""
LEAST = 2
"""The fewest characters that are searched for."""


@dataclass(frozen=True)
class Choice:
    """Something to choose in a form; ``depth`` indents a tree."""

    id: int
    label: str
    code: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Targets:
    """The possible recipients of an assignment: posts of its unit, units below, and posts of these."""

    posts: tuple[Choice, ...]
    units: tuple[Choice, ...]
    below: tuple[Choice, ...] = ()


def mention_choices(session: Session, entity_ids: Collection[int]) -> list[tuple[str, str]]:
    """(code, label) of every mention of these entities, in the order of the list; of several with one code the first."""
    rows: Any = session.execute(_mentions_of(frozenset(entity_ids))).all()
    return [(code, row.label) for code, row in by_code(rows, entity_ids).items()]


@lru_cache(maxsize=64)
def _mentions_of(entity_ids: frozenset[int]) -> Select[str, str, int | None]:
    """The statement of ``mention_choices``: each list that is narrowed by mentions offers them."""
    columns = select(Mention.code, Mention.label, Mention.entity_id)
    return columns.where(kept_for(Mention, entity_ids)).order_by(Mention.position, Mention.id)


def unit_choices(session: Session, actor: Actor) -> list[Choice]:
    """Open units of the actor's ministry as a tree, depth first. A closed unit is replaced by the units below it. Of units of one name each is
    written with its entity."""
    children: dict[int | None, list[Unit]] = {}
    for unit in session.scalars(select(Unit).where(Unit.id.in_(ministry(actor))).order_by(Unit.id)):
        children.setdefault(unit.parent_id, []).append(unit)
    found = _walk(children, None, 0)
    often = Counter(one.label for one in found)
    places = unit_places(session) if max(often.values(), default=0) > 1 else {}
    return [replace(one, label=unit_text(places[one.id])) if often[one.label] > 1 else one for one in found]


def _walk(children: dict[int | None, list[Unit]], parent: int | None, depth: int) -> list[Choice]:
    found: list[Choice] = []
    for unit in children.get(parent, []):
        is_open = unit.closed_at is None
        if is_open:
            found.append(Choice(unit.id, unit.name, unit.code, depth))
        found += _walk(children, unit.id, depth + int(is_open))
    return found


def recent_unit_ids(session: Session, actor: Actor, *, limit: int = RECENT) -> list[int]:
    """Units to which the actor's authorities imputed recently, the latest first."""
    posts = [p.post_id for p in actor.posts if Role.AUTHORITY in p.roles]
    given, top = ByOtherIndex(Assignment.assigned_by_post_id), ByOtherIndex(Assignment.parent_id)
    latest = (
        select(Assignment.unit_id)
        .where(given.in_(posts), top.is_(None), Assignment.is_leading)
        .order_by(Assignment.id.desc())
        .limit(LATEST)
    )
    return list(dict.fromkeys(session.scalars(latest)))[:limit]


def targets(session: Session, unit_id: int, actor: Actor, *, on: date) -> Targets:
    """Posts of a unit, each with who holds it, and the units below it that the actor heads."""
    tree, unit_id = unit_choices(session, actor), heirs(session, unit_id)[-1]
    start = next((n for n, one in enumerate(tree) if one.id == unit_id), None)
    below: list[Choice] = []
    for one in tree[start + 1 :] if start is not None else []:
        if start is not None and one.depth <= tree[start].depth:
            break
        if one.id in actor.headed_unit_ids:
            below.append(one)
    posts = _posts(session, [unit_id, *(one.id for one in below)], on)
    return Targets(
        tuple(Choice(one.id, one.text, one.code) for one in posts if one.unit_id == unit_id),
        tuple(below),
        tuple(Choice(one.id, f"{one.text}, {one.unit_name}", one.code) for one in posts if one.unit_id != unit_id),
    )


def find_posts(session: Session, text: str, actor: Actor, *, on: date, limit: int = FOUND) -> list[Choice]:
    """Posts of open units of the actor's ministry by words of their title, holder, unit or entity, without accents; each with all of these.

    Nothing for fewer than ``LEAST`` characters.
    """
    words = fold(text).split()
    if sum(map(len, words)) < LEAST:
        return []
    return [
        one
        for one in _labelled(session, Unit.id.in_(ministry(actor)), on)
        if all(word in fold(one.label) for word in words)
    ][:limit]


def posts_of_ids(session: Session, ids: Collection[int], actor: Actor, *, on: date) -> list[Choice]:
    """The posts of the actor's ministry with these ids, as ``find_posts`` labels them."""
    wanted = and_(Post.id.in_(sorted(ids)), Unit.id.in_(ministry(actor)))
    return _labelled(session, wanted, on) if ids else []


def unit_of_post(session: Session, post_id: int) -> int | None:
    """The unit of a post; None for no post."""
    return session.scalar(select(Post.unit_id).where(Post.id == post_id))


def _labelled(session: Session, wanted: ColumnElement[bool], on: date) -> list[Choice]:
    codes, entity = {i: code for i, code in session.execute(select(Unit.id, Unit.code))}, entities(session)  # noqa: C416
    found = _posts(session, None, on, wanted)
    return [
        Choice(one.id, f"{one.holder + ' - ' if one.holder else ''}{one.title}, {one.unit_name} ({codes[entity[one.unit_id]]})", one.code)
        for one in sorted(found, key=lambda one: (one.holder == "", one.holder, one.title, one.id))
    ]  # fmt: skip


@dataclass(frozen=True)
class _PostRow:
    """A post with its holder's name, or an empty text."""

    id: int
    title: str
    code: str
    holder: str
    unit_id: int
    unit_name: str

    @property
    def text(self) -> str:
        return f"{self.title} ({self.holder})" if self.holder else self.title


def _posts(
    session: Session, unit_ids: Collection[int] | None, on: date, wanted: ColumnElement[bool] | None = None
) -> list[_PostRow]:
    """The posts that get mail, of these units; of all open units without them."""
    # An administrator's or auditor's post gets no mail.
    working = select(PostRole.post_id).where(PostRole.role.not_in(NO_WORK))
    query = (
        select(Post.id, Post.title, Post.code, Person.name, Unit.id, Unit.name)
        .join(Unit, Unit.id == Post.unit_id)
        .outerjoin(Holding, and_(Holding.post_id == Post.id, *held_on(on)))
        .outerjoin(Person, Person.id == Holding.person_id)
        .where(Post.id.in_(working), Unit.closed_at.is_(None) if unit_ids is None else Unit.id.in_(sorted(unit_ids)))
        .order_by(Post.id, Holding.id)
    )
    found: dict[int, _PostRow] = {}
    for post_id, title, code, name, unit_id, unit_name in session.execute(
        query if wanted is None else query.where(wanted)
    ):
        found.setdefault(post_id, _PostRow(post_id, title, code, name or "", unit_id, unit_name))
    return list(found.values())


def filing_classes(session: Session) -> list[tuple[int, str]]:
    """The open classes of the filing plan, by code."""
    rows = session.scalars(select(FilingClass).where(FilingClass.is_closed.is_(False)).order_by(FilingClass.code))
    return [(row.id, f"{row.code} {row.title}") for row in rows]
