"""The choices in the forms of routing."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.org.tree import heirs
from ged.routing.models import Assignment, Mention
from ged.unit import Actor, Role

RECENT = 6


@dataclass(frozen=True)
class Choice:
    """Something to choose in a form; ``depth`` indents a tree."""

    id: int
    label: str
    code: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Targets:
    """The possible recipients of an assignment: posts of its unit, and units below."""

    posts: tuple[Choice, ...]
    units: tuple[Choice, ...]


def mention_choices(session: Session) -> list[tuple[str, str]]:
    """(code, label) of every mention, in the order of the list."""
    return [(m.code, m.label) for m in session.scalars(select(Mention).order_by(Mention.position))]


def unit_choices(session: Session) -> list[Choice]:
    """Open units as a tree, depth first. A closed unit is replaced by the units below it."""
    children: dict[int | None, list[Unit]] = {}
    for unit in session.scalars(select(Unit).order_by(Unit.id)):
        children.setdefault(unit.parent_id, []).append(unit)
    return _walk(children, None, 0)


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
    rows = session.execute(
        select(Assignment.unit_id, func.max(Assignment.id).label("latest"))
        .where(Assignment.assigned_by_post_id.in_(posts), Assignment.parent_id.is_(None), Assignment.is_leading)
        .group_by(Assignment.unit_id)
        .order_by(func.max(Assignment.id).desc())
        .limit(limit)
    )
    return [unit_id for unit_id, _latest in rows]


def targets(session: Session, unit_id: int, actor: Actor, *, on: date) -> Targets:
    """Posts of a unit, each with who holds it, and the units below it that the actor heads."""
    tree, unit_id = unit_choices(session), heirs(session, unit_id)[-1]
    start = next((n for n, one in enumerate(tree) if one.id == unit_id), None)
    below: list[Choice] = []
    for one in tree[start + 1 :] if start is not None else []:
        if start is not None and one.depth <= tree[start].depth:
            break
        if one.id in actor.headed_unit_ids:
            below.append(one)
    return Targets(tuple(_posts(session, unit_id, on)), tuple(below))


def _posts(session: Session, unit_id: int, on: date) -> list[Choice]:
    current = (Holding.from_on <= on) & or_(Holding.until_on.is_(None), Holding.until_on >= on)
    # An administrator's or auditor's post gets no mail.
    working = select(PostRole.post_id).where(PostRole.role.not_in((Role.ADMINISTRATOR, Role.AUDITOR)))
    rows = session.execute(
        select(Post.id, Post.title, Post.code, Person.name)
        .outerjoin(Holding, (Holding.post_id == Post.id) & current)
        .outerjoin(Person, Person.id == Holding.person_id)
        .where(Post.unit_id == unit_id, Post.id.in_(working))
        .order_by(Post.id, Holding.id)
    )
    found: dict[int, Choice] = {}
    for post_id, title, code, name in rows:
        found.setdefault(post_id, Choice(post_id, f"{title} ({name})" if name else title, code))
    return list(found.values())


def authority_choices(session: Session) -> list[Choice]:
    """Posts to whom a letter can be addressed: authorities."""
    rows = session.scalars(
        select(Post).join(PostRole, (PostRole.post_id == Post.id) & (PostRole.role == Role.AUTHORITY)).order_by(Post.id)
    ).unique()
    return [Choice(p.id, p.title, p.code) for p in rows]
