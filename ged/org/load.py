"""``ged org load``: bring units, people and posts to the state of the file. A second load changes nothing.

Records that the database has and the file lacks are left alone and reported: leaving a record out closes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged.db import Base
from ged.errors import Invalid
from ged.org.file import OrganisationFile, PersonRecord, PostRecord, UnitRecord
from ged.org.models import Holding, Installation, Person, Post, PostRole, Unit
from ged.org.stock import OfEntity
from ged.ports import Confidentiality
from ged.schema import is_opened
from ged.unit import SYSTEM, UnitOfWork

INSTALLATION_ID = 1
LISTS_OPENED_BY = "0191"
"""The revision from which on a code may stand in the list of an entity and in the common stock."""
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Change:
    """One result of a load: ``added``, ``changed`` or ``left`` (in the database, not in the file)."""

    action: str
    kind: str
    code: str
    detail: str = ""


def load_organisation(uow: UnitOfWork, file: OrganisationFile, *, on: date) -> list[Change]:
    """Load units, people, posts and their holders."""
    changes = _installation(uow, file.organisation)
    units = {u.code: u for u in uow.session.scalars(select(Unit))}
    for unit_record in file.units:
        changes += _unit(uow, units, unit_record)
    for unit_record in file.units:
        changes += _unit_place(uow, units, unit_record)
    people = {p.account: p for p in uow.session.scalars(select(Person))}
    for person_record in file.people:
        changes += _person(uow, people, person_record)
    posts = {p.code: p for p in uow.session.scalars(select(Post))}
    for post_record in file.posts:
        changes += _post(uow, posts, units, post_record)
    held = _held(uow.session, [posts[record.code].id for record in file.posts], on)
    for post_record in file.posts:
        changes += _post_people(uow, posts, people, post_record, on, held)
    named = {p.code for p in file.posts}
    changes += [Change("left", "post", code) for code in posts if code not in named]
    if any(c.action != "left" for c in changes):
        # An auditor needs to see who got which post: a count would not show it.
        recorded = [[c.action, c.kind, c.code, c.detail] for c in changes if c.action != "left"]
        uow.record("organisation.loaded", "organisation", None, actor=SYSTEM, changes=recorded)
    return changes


def _installation(uow: UnitOfWork, name: str) -> list[Change]:
    if not name:
        return []
    row = uow.session.get(Installation, INSTALLATION_ID)
    if row is None:
        uow.session.add(Installation(id=INSTALLATION_ID, name=name))
        return [Change("added", "organisation", name)]
    return update_row(row, {"name": name}, "organisation", name)


def update_row(row: Base, values: dict[str, object], kind: str, code: str) -> list[Change]:
    """Set the values that differ, and return the change."""
    differing = [name for name, value in values.items() if getattr(row, name) != value]
    for name in differing:
        setattr(row, name, values[name])
    return [Change("changed", kind, code, ", ".join(differing))] if differing else []


def upsert(
    uow: UnitOfWork, rows: dict[str, Row], made: type[Row], key: dict[str, str], values: dict[str, object]
) -> list[Change]:
    """Add the row of a key (one column), or set the values that differ. ``rows`` maps the key's value to the row."""
    (code,) = key.values()
    kind = made.__tablename__
    row = rows.get(code)
    if row is not None:
        return update_row(row, values, kind, code)
    row = made(**key, **values)
    rows[code] = row
    uow.session.add(row)
    uow.session.flush()
    return [Change("added", kind, code)]


Listed = TypeVar("Listed", bound=OfEntity)


def upsert_listed(
    uow: UnitOfWork,
    rows: dict[tuple[int | None, str], Listed],
    made: type[Listed],
    key: tuple[int | None, str],
    values: dict[str, object],
) -> list[Change]:
    """As ``upsert``, for the list of an entity or of the common stock; ``key``: entity and code.

    Raises:
        Invalid: ``organisation.lists_later``: the tables still serve the release before, which knows the common stock alone.
    """
    entity_id, code = key
    kind = str(made.__table__.name)  # type: ignore[attr-defined]
    row = rows.get(key)
    if row is not None:
        return update_row(row, values, kind, code)  # type: ignore[arg-type]
    if entity_id is not None and not is_opened(uow.session, LISTS_OPENED_BY):
        raise Invalid("organisation.lists_later", "run ged migrate --finish first", where=f"{kind}.{code}")
    row = made(entity_id=entity_id, code=code, **values)  # type: ignore[call-arg]
    rows[key] = row
    uow.session.add(row)
    uow.session.flush()
    return [Change("added", kind, code)]


def entity_ids(session: Session) -> dict[str | None, int | None]:
    """The id of each unit by its code; None for the common stock."""
    return {None: None, **{code: unit_id for code, unit_id in session.execute(select(Unit.code, Unit.id))}}  # noqa: C416


def _unit(uow: UnitOfWork, units: dict[str, Unit], record: UnitRecord) -> list[Change]:
    values: dict[str, object] = {
        "name": record.name, "kind": record.kind, "is_entity": record.entity,
    }  # fmt: skip
    if record.address is not None:
        values["address"] = record.address
    return upsert(uow, units, Unit, {"code": record.code}, values)


def _unit_place(uow: UnitOfWork, units: dict[str, Unit], record: UnitRecord) -> list[Change]:
    unit = units[record.code]
    values: dict[str, object] = {
        "parent_id": units[record.parent].id if record.parent else None,
        "successor_id": units[record.successor].id if record.successor else None,
        "closed_at": (unit.closed_at or uow.now) if record.closed else None,
    }
    return update_row(unit, values, "unit", record.code)


def _person(uow: UnitOfWork, people: dict[str, Person], record: PersonRecord) -> list[Change]:
    values: dict[str, object] = {
        "name": record.name,
        "email": record.email,
        "clearance": int(Confidentiality[record.clearance.upper()]),
    }
    if record.closed is not None:
        values["is_active"] = not record.closed
    return upsert(uow, people, Person, {"account": record.account}, values)


def _post(uow: UnitOfWork, posts: dict[str, Post], units: dict[str, Unit], record: PostRecord) -> list[Change]:
    values: dict[str, object] = {"title": record.title, "unit_id": units[record.unit].id}
    changes = upsert(uow, posts, Post, {"code": record.code}, values)
    post = posts[record.code]
    if {row.role for row in post.roles} != set(record.roles):
        post.roles = [PostRole(role=role) for role in dict.fromkeys(record.roles)]
        if not changes:
            changes.append(Change("changed", "post", record.code, "roles"))
    return changes


def _held(session: Session, post_ids: list[int], on: date) -> dict[int, list[Holding]]:
    """The holdings of posts in force on a day or later: a reorganisation changes dozens of posts at once."""
    found: dict[int, list[Holding]] = {}
    standing = or_(Holding.until_on.is_(None), Holding.until_on >= on)
    rows = select(Holding).where(Holding.post_id.in_(post_ids), standing).order_by(Holding.id)
    for row in session.scalars(rows):
        found.setdefault(row.post_id, []).append(row)
    return found


def _post_people(
    uow: UnitOfWork,
    posts: dict[str, Post],
    people: dict[str, Person],
    record: PostRecord,
    on: date,
    held: Mapping[int, list[Holding]],
) -> list[Change]:
    post = posts[record.code]
    above = posts[record.secretary_of].id if record.secretary_of else None
    changes = update_row(post, {"secretary_of_id": above}, "post", record.code)
    current = held.get(post.id, [])
    wanted = people[record.holder].id if record.holder else None
    if [h.person_id for h in current] == ([wanted] if wanted else []):
        return changes
    for holding in current:
        # The day before: the new holder begins today, and the post keeps its mail.
        holding.until_on = date.fromordinal(on.toordinal() - 1)
    if wanted is not None:
        uow.session.add(Holding(post_id=post.id, person_id=wanted, from_on=on))
    return [*changes, Change("changed", "holder", record.code, record.holder or "")]
