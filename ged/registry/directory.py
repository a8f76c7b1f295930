"""The directory of correspondents as the mail office keeps it: a list to look through, and entries to correct."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.registry.correspondents import fold
from ged.registry.models import Correspondent
from ged.unit import Actor, Role, UnitOfWork

PAGE_SIZE = 50
MAX_NAME, MAX_ADDRESS, MAX_EMAIL, MAX_PHONE, MAX_KIND = 200, 1000, 200, 50, 32


@dataclass(frozen=True)
class CorrespondentForm:
    """What stands in an entry."""

    name: str
    kind: str = ""
    address: str = ""
    email: str = ""
    phone: str = ""
    is_active: bool = True


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


def count(session: Session, text: str = "") -> int:
    """How many entries match."""
    return session.scalar(select(func.count(Correspondent.id)).where(_matches(text))) or 0


def listing(session: Session, text: str = "", *, limit: int = PAGE_SIZE, offset: int = 0) -> list[CorrespondentView]:
    """Entries whose name holds all words of ``text``, by name."""
    rows = session.scalars(
        select(Correspondent).where(_matches(text)).order_by(Correspondent.folded_name).limit(limit).offset(offset)
    )
    return [_view(row) for row in rows]


def _matches(text: str) -> ColumnElement[bool]:
    clause: ColumnElement[bool] = true()
    for word in fold(text).split():
        clause = clause & Correspondent.folded_name.contains(word, autoescape=True)
    return clause


def correspondent(session: Session, correspondent_id: int) -> CorrespondentView:
    """One entry.

    Raises:
        NotFound: ``correspondent.unknown``.
    """
    return _view(_get(session, correspondent_id))


def edit(uow: UnitOfWork, correspondent_id: int, form: CorrespondentForm, *, version: int | None, actor: Actor) -> None:
    """Correct an entry. Letters keep the name under which they were registered: only a rectification changes it.

    Raises:
        Forbidden: ``correspondent.forbidden``.
        NotFound: ``correspondent.unknown``.
        StaleVersion: ``correspondent.stale``.
        Invalid: ``correspondent.name_missing``, ``correspondent.name_taken``, ``form.too_long``.
    """
    post = actor.post_with(Role.CLERK)
    if post is None:
        raise Forbidden("correspondent.forbidden", "ask the mail office", id=correspondent_id)
    row = _get(uow.session, correspondent_id)
    if version is not None and row.version != version:
        raise StaleVersion("correspondent.stale", "read the other person's change, then send again")
    folded = _checked(uow.session, row.id, form)
    values = {**form.__dict__, "name": " ".join(form.name.split()), "folded_name": folded}
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    old = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        try:
            uow.session.flush()
        except IntegrityError:  # the other entry came while this one was checked
            raise Invalid("correspondent.name_taken", "tell the two apart by their names", field="name") from None
        uow.record("correspondent.changed", "correspondent", row.id, actor=actor, post=post, old=old, new=changed)


def _checked(session: Session, correspondent_id: int, form: CorrespondentForm) -> str:
    folded = fold(form.name)
    if not folded:
        raise Invalid("correspondent.name_missing", "write the name", field="name")
    limits = {"name": MAX_NAME, "kind": MAX_KIND, "address": MAX_ADDRESS, "email": MAX_EMAIL, "phone": MAX_PHONE}
    for field, limit in limits.items():
        if len(getattr(form, field)) > limit:
            raise Invalid("form.too_long", "shorten it", field=field, maximum=limit)
    other = session.scalar(
        select(Correspondent.id).where(Correspondent.folded_name == folded, Correspondent.id != correspondent_id)
    )
    if other is not None:
        raise Invalid("correspondent.name_taken", "tell the two apart by their names", field="name")
    return folded


def _get(session: Session, correspondent_id: int) -> Correspondent:
    row = session.get(Correspondent, correspondent_id)
    if row is None:
        raise NotFound("correspondent.unknown", "choose it from the list", id=correspondent_id)
    return row


def _view(row: Correspondent) -> CorrespondentView:
    return CorrespondentView(row.id, row.version, row.name, row.kind, row.address, row.email, row.phone, row.is_active)
