"""The mail office's view of the directory of correspondents: a list, and corrections of entries.

An entity's clerks correct its own entries. A change of a shared or common entry creates an entry of their own, which
comes first in their entity: nobody changes another entity's address.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from ged import locks, paging
from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.org.models import Unit
from ged.org.tree import entities, ministry
from ged.paging import START, Key, Place, Slice
from ged.register.addresses import EMAIL
from ged.register.correspondents import LONGEST, entities_of, fold, visible
from ged.register.models import Correspondent
from ged.unit import Actor, HeldPost, Role, UnitOfWork

PAGE_SIZE = 50
MAX_NAME, MAX_ADDRESS, MAX_EMAIL, MAX_PHONE, MAX_KIND = 200, 1000, 200, 50, 32


@dataclass(frozen=True)
class CorrespondentForm:
    """The fields of an entry."""

    name: str
    kind: str = ""
    address: str = ""
    email: str = ""
    phone: str = ""
    is_active: bool = True
    is_shared: bool = False


@dataclass(frozen=True)
class CorrespondentView:
    """An entry of the directory."""

    id: int
    version: int
    name: str
    kind: str
    address: str
    email: str
    phone: str
    is_active: bool
    is_shared: bool
    is_own: bool
    """The entry belongs to the reader's entity: corrected in place. Otherwise a correction creates an own entry."""
    owner: str
    """Name of the entry's entity; empty: the common stock."""
    merged_into_id: int | None = None


def listing(
    session: Session, text: str = "", at: Place = START, *, actor: Actor, limit: int = PAGE_SIZE
) -> tuple[list[CorrespondentView], Slice]:
    """A page of the entries that the actor sees whose name holds all words of ``text``, by name."""
    asked = _seen(session, text, actor).with_only_columns(Correspondent.id)
    page = paging.read(session, asked, Correspondent.id, at, keys=[Key(Correspondent.folded_name)], limit=limit)
    query = select(Correspondent).where(Correspondent.id.in_(page.ids))
    rows = session.scalars(query.order_by(Correspondent.folded_name, Correspondent.id)).all()
    owners = {row.entity_id for row in rows if row.entity_id is not None}
    names: dict[int, str] = dict(session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(owners))).all())
    own = entities_of(session, actor)
    return [_view(row, names.get(row.entity_id or 0, ""), is_own=row.entity_id in own) for row in rows], page


def _seen(session: Session, text: str, actor: Actor) -> Select[Correspondent]:
    own = entities_of(session, actor)
    other = aliased(Correspondent)
    # Hide entries with the same name as an own entry.
    behind = exists().where(
        other.folded_name == Correspondent.folded_name, other.entity_id.in_(sorted(own)), other.merged_into_id.is_(None)
    )
    is_own = Correspondent.entity_id.in_(sorted(own))
    stands = Correspondent.merged_into_id.is_(None)
    return select(Correspondent).where(_matches(text), visible(own, ministry(actor)), stands, or_(is_own, ~behind))


def _matches(text: str) -> ColumnElement[bool]:
    clause: ColumnElement[bool] = true()
    for word in fold(text).split():
        clause = clause & Correspondent.folded_name.contains(word, autoescape=True)
    return clause


def correspondent(session: Session, correspondent_id: int, *, actor: Actor) -> CorrespondentView:
    """One entry.

    Raises:
        NotFound: ``correspondent.unknown`` (also for another entity's entry that is not shared).
    """
    row = seen_entry(session, correspondent_id, actor)
    owner = session.get(Unit, row.entity_id) if row.entity_id is not None else None
    is_own = row.entity_id in entities_of(session, actor)
    return _view(row, owner.name if owner is not None else "", is_own=is_own)


def add(uow: UnitOfWork, form: CorrespondentForm, *, actor: Actor) -> int:
    """Add an entry to the directory of the actor's entity; returns its id.

    Raises:
        Forbidden: ``correspondent.forbidden``.
        Invalid: as ``edit``.
    """
    post = actor.post_with(Role.CLERK)
    if post is None:
        raise Forbidden("correspondent.forbidden", "ask the mail office")
    entity_id = entities(uow.session)[post.unit_id]
    folded = _checked(uow.session, entity_id, None, form)
    values = {**form.__dict__, "name": " ".join(form.name.split()), "folded_name": folded}
    row = Correspondent(**values, entity_id=entity_id)
    uow.session.add(row)
    _flush(uow)
    uow.record("correspondent.added", "correspondent", row.id, actor=actor, post=post, new=values)
    return row.id


def edit(uow: UnitOfWork, correspondent_id: int, form: CorrespondentForm, *, version: int | None, actor: Actor) -> None:
    """Correct an entry. Letters keep the name with which they were registered: only a rectification changes it.

    An entry of another entity is not changed: the typed values become an entry of the actor's own entity, into which
    the doubles go that this entity had merged into the other.

    Raises:
        Forbidden: ``correspondent.forbidden``.
        NotFound: ``correspondent.unknown``.
        StaleVersion: ``correspondent.stale``.
        Invalid: ``correspondent.name_missing``, ``correspondent.name_taken``, ``form.too_long``,
            ``correspondent.stands_for_others``: no more shared, an entry would be out of sight of entities that merged
            theirs into it.
    """
    post = actor.post_with(Role.CLERK)
    if post is None:
        raise Forbidden("correspondent.forbidden", "ask the mail office", id=correspondent_id)
    entity_id = entities(uow.session)[post.unit_id]
    own = Correspondent.entity_id == entity_id
    ids = uow.session.scalars(select(Correspondent.id).where(Correspondent.merged_into_id == correspondent_id, own))
    locks.hold(uow.session, Correspondent, [correspondent_id, *ids])
    found = seen_entry(uow.session, correspondent_id, actor)
    if version is not None and found.version != version:
        raise StaleVersion("correspondent.stale", "read the other person's change, then send again")
    is_own = found.entity_id == entity_id
    doubles = [] if is_own else _doubles(uow.session, found.id, own)
    namesake = next((one for one in doubles if one.folded_name == fold(form.name)), None)
    replaced_id = found.id if is_own else namesake.id if namesake is not None else None
    folded = _checked(uow.session, entity_id, replaced_id, form)
    values = {**form.__dict__, "name": " ".join(form.name.split()), "folded_name": folded}
    if not is_own:
        _add_own(uow, namesake or Correspondent(entity_id=entity_id), values, found, doubles, actor=actor, post=post)
        return
    if found.is_shared and not form.is_shared and _doubles(uow.session, found.id, ~own):
        raise Invalid("correspondent.stands_for_others", "leave it shared", field="is_shared")
    changed = {name: value for name, value in values.items() if getattr(found, name) != value}
    old = {name: getattr(found, name) for name in changed}
    for name, value in changed.items():
        setattr(found, name, value)
    if old.get("email"):
        found.email_changed_at, found.email_changed_by_id = uow.now, actor.person_id
    if changed:
        _flush(uow)
        uow.record("correspondent.changed", "correspondent", found.id, actor=actor, post=post, old=old, new=changed)


def _doubles(session: Session, kept_id: int, whose: ColumnElement[bool]) -> list[Correspondent]:
    query = select(Correspondent).where(Correspondent.merged_into_id == kept_id, whose).order_by(Correspondent.id)
    return list(session.scalars(query))


def _add_own(
    uow: UnitOfWork,
    row: Correspondent,
    values: dict[str, object],
    replaced: Correspondent,
    doubles: Sequence[Correspondent],
    *,
    actor: Actor,
    post: HeldPost,
) -> None:
    """Make the entity's own entry; ``row`` is a new one, or the double that bears its name, which stands by itself again."""
    for name, value in values.items():
        setattr(row, name, value)
    row.merged_into_id = row.merged_at = None
    if replaced.email and replaced.email != row.email:
        row.email_changed_at, row.email_changed_by_id = uow.now, actor.person_id
    uow.session.add(row)
    _flush(uow)
    moved = [one for one in doubles if one is not row]
    for one in moved:
        one.merged_into_id = row.id
    uow.record(
        "correspondent.added", "correspondent", row.id, actor=actor, post=post, instead_of=replaced.id, new=values,
        **({"doubles": [one.id for one in moved]} if moved else {}),
    )  # fmt: skip


def _flush(uow: UnitOfWork) -> None:
    try:
        uow.session.flush()
    except IntegrityError:  # another entry of this name was inserted concurrently
        raise Invalid("correspondent.name_taken", "tell the two apart by their names", field="name") from None


def _checked(session: Session, entity_id: int, correspondent_id: int | None, form: CorrespondentForm) -> str:
    folded = fold(form.name)
    if not folded:
        raise Invalid("correspondent.name_missing", "write the name", field="name")
    limits = {"name": MAX_NAME, "kind": MAX_KIND, "address": MAX_ADDRESS, "email": MAX_EMAIL, "phone": MAX_PHONE}
    for field, limit in limits.items():
        if len(getattr(form, field)) > limit:
            raise Invalid("form.too_long", "shorten it", field=field, maximum=limit)
    if len(folded) > LONGEST:  # a ligature is several letters
        raise Invalid("form.too_long", "shorten it", field="name", maximum=LONGEST)
    if form.email and EMAIL.fullmatch(form.email.strip()) is None:
        raise Invalid("correspondent.email", "write one address, or none", field="email")
    taken = select(Correspondent.id).where(
        Correspondent.folded_name == folded,
        Correspondent.entity_id == entity_id,
        Correspondent.id != (correspondent_id or 0),
    )
    if session.scalar(taken.limit(1)) is not None:
        raise Invalid("correspondent.name_taken", "tell the two apart by their names", field="name")
    return folded


def seen_entry(session: Session, correspondent_id: int, actor: Actor) -> Correspondent:
    """The row of an entry that the actor sees.

    Raises:
        NotFound: ``correspondent.unknown``.
    """
    seen = visible(entities_of(session, actor), ministry(actor))
    row = session.scalar(select(Correspondent).where(Correspondent.id == correspondent_id, seen))
    if row is None:
        raise NotFound("correspondent.unknown", "choose it from the list", id=correspondent_id)
    return row


def _view(row: Correspondent, owner: str, *, is_own: bool) -> CorrespondentView:
    return CorrespondentView(
        id=row.id,
        version=row.version,
        name=row.name,
        kind=row.kind,
        address=row.address,
        email=row.email,
        phone=row.phone,
        is_active=row.is_active,
        is_shared=row.is_shared,
        is_own=is_own,
        owner=owner,
        merged_into_id=row.merged_into_id,
    )
