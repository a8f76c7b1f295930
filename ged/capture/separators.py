"""Separator sheets: made by clerks, printed in any number, valid only in the intake of their own entity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.capture.bridges import clerk_of
from ged.capture.models import SeparatorSheet
from ged.codes import CodeKind, make_code
from ged.errors import Invalid, NotFound
from ged.letterhead import letterhead
from ged.org.models import Post, PostRole, Unit
from ged.org.tree import entities, upwards
from ged.org.words import LEVELS
from ged.ports import Confidentiality
from ged.sheets import Sheet
from ged.typeset import qr_svg
from ged.unit import Actor, HeldPost, Role, Services, UnitOfWork

MAX_COPIES = 100


@dataclass(frozen=True)
class SeparatorRow:
    """A kind of separator sheet."""

    id: int
    unit_id: int
    unit_name: str
    nature: str
    level: Confidentiality


@dataclass(frozen=True)
class Preset:
    """The values that a separator sheet pre-fills in the form of the next scan; the clerk may change them."""

    unit_name: str
    post_id: int | None
    """The post of the unit's authority, or of the nearest authority above."""
    nature: str
    level: Confidentiality


def make(
    uow: UnitOfWork, unit_id: int, *, nature: str, level: Confidentiality, actor: Actor, now: datetime
) -> SeparatorSheet:
    """Make a kind of sheet, or return the existing one.

    Raises:
        NotFound: ``unit.unknown``: also for a unit of another entity.
        Invalid: ``separator.level``: above the actor's own clearance.
    """
    post = _post_for(uow.session, unit_id, actor)
    if level is Confidentiality.SECRET and actor.clearance < level:
        raise Invalid("separator.level", "choose a lower level", field="level")
    sheet = uow.session.scalar(
        select(SeparatorSheet).where(
            SeparatorSheet.unit_id == unit_id, SeparatorSheet.nature == nature, SeparatorSheet.level == int(level)
        )
    )
    if sheet is not None and sheet.withdrawn_at is None:
        return sheet
    if sheet is None:
        sheet = SeparatorSheet(
            unit_id=unit_id, nature=nature, level=int(level), made_at=now, made_by_id=actor.person_id or None
        )
        uow.session.add(sheet)
    sheet.withdrawn_at = None
    uow.session.flush()
    uow.record(
        "separator.made", "separator", sheet.id, actor=actor, post=post, unit=unit_id, nature=nature, level=int(level)
    )
    return sheet


def withdraw(uow: UnitOfWork, sheet_id: int, *, actor: Actor, now: datetime) -> None:
    """Withdraw a kind of sheet: its copies still split a batch, but pre-fill nothing.

    Raises:
        NotFound: ``separator.unknown``.
    """
    sheet = uow.session.get(SeparatorSheet, sheet_id)
    post = _keeper(uow.session, sheet, actor)
    if sheet is None or post is None:
        raise NotFound("separator.unknown", "reload the list of sheets", id=sheet_id, refused=sheet is not None)
    if sheet.withdrawn_at is None:
        sheet.withdrawn_at = now
        uow.record("separator.withdrawn", "separator", sheet.id, actor=actor, post=post)


def _keeper(session: Session, sheet: SeparatorSheet | None, actor: Actor) -> HeldPost | None:
    return None if sheet is None else _clerk_post(session, sheet.unit_id, actor)


def _post_for(session: Session, unit_id: int, actor: Actor) -> HeldPost:
    unit = session.get(Unit, unit_id)
    post = _clerk_post(session, unit_id, actor) if unit is not None and unit.closed_at is None else None
    if post is None:
        raise NotFound("unit.unknown", "choose a unit of the list", id=unit_id)
    return post


def _clerk_post(session: Session, unit_id: int, actor: Actor) -> HeldPost | None:
    """The post as clerk of a mail office in the same entity."""
    of = entities(session)
    offices = (post.unit_id for post in actor.posts if Role.CLERK in post.roles)
    return next((clerk_of(actor, one) for one in offices if of[one] == of[unit_id]), None)


def obeyed(session: Session, sheet_id: int, unit_id: int) -> str:
    """Why a sheet in a batch of this unit is ignored; empty when it is valid.

    Returns the problem: ``separator_unknown``, ``separator_withdrawn``, ``separator_foreign`` (a unit of another
    entity).
    """
    sheet = session.get(SeparatorSheet, sheet_id)
    if sheet is None:
        return "separator_unknown"
    if sheet.withdrawn_at is not None:
        return "separator_withdrawn"
    of = entities(session)
    return "" if of[sheet.unit_id] == of[unit_id] else "separator_foreign"


def preset(session: Session, sheet_id: int) -> Preset:
    """The values of a sheet for the clerk's form."""
    sheet = session.get_one(SeparatorSheet, sheet_id)
    unit = session.get_one(Unit, sheet.unit_id)
    return Preset(unit.name, _authority(session, unit), sheet.nature, Confidentiality(sheet.level))


def _authority(session: Session, unit: Unit) -> int | None:
    for at in upwards(session, unit.id):
        post_id = session.scalar(
            select(Post.id)
            .join(PostRole, (PostRole.post_id == Post.id) & (PostRole.role == Role.AUTHORITY))
            .where(Post.unit_id == at.id)
            .order_by(Post.id)
            .limit(1)
        )
        if post_id is not None:
            return post_id
    return None


def sheets(session: Session, actor: Actor) -> list[SeparatorRow]:
    """The kinds of sheets of the actor's entities, by unit."""
    found = session.execute(
        select(SeparatorSheet, Unit.name)
        .join(Unit, Unit.id == SeparatorSheet.unit_id)
        .where(SeparatorSheet.withdrawn_at.is_(None), SeparatorSheet.unit_id.in_([i for i, _ in units(session, actor)]))
        .order_by(Unit.name, SeparatorSheet.nature, SeparatorSheet.level)
    )
    return [
        SeparatorRow(sheet.id, sheet.unit_id, name, sheet.nature, Confidentiality(sheet.level)) for sheet, name in found
    ]


def units(session: Session, actor: Actor) -> Sequence[tuple[int, str]]:
    """Units for which the actor may make sheets: the open ones of the entities whose mail office is the actor's."""
    known = {unit.id: unit for unit in session.scalars(select(Unit))}
    of = entities(session)
    own = {of[post.unit_id] for post in actor.posts if Role.CLERK in post.roles}
    chosen = [u for u in known.values() if u.closed_at is None and of[u.id] in own]
    return [(unit.id, unit.name) for unit in sorted(chosen, key=lambda unit: unit.name)]


def printed(
    session: Session,
    services: Services,
    sheet_id: int,
    actor: Actor,
    *,
    nature_name: str,
    copies: int,
    recto_verso: bool,
) -> Sheet:
    """Copies of a sheet to print. With ``recto_verso``, both sides bear the code, so that either side may be up.

    Raises:
        NotFound: ``separator.unknown``.
        Invalid: ``separator.copies``.
    """
    if not 1 <= copies <= MAX_COPIES:
        raise Invalid("separator.copies", "print 1 to 100 copies at once", field="copies", maximum=MAX_COPIES)
    sheet = session.get(SeparatorSheet, sheet_id)
    if sheet is None or sheet.withdrawn_at is not None or _keeper(session, sheet, actor) is None:
        raise NotFound("separator.unknown", "reload the list of sheets", id=sheet_id, refused=sheet is not None)
    unit = session.get_one(Unit, sheet.unit_id)
    data = {
        "entity": letterhead(session, sheet.unit_id, country=services.country).entity,
        "unit": unit.name,
        "nature": nature_name,
        "level": LEVELS[Confidentiality(sheet.level)],
        "ordinary": sheet.level == Confidentiality.ORDINARY,
        "copies": copies * (2 if recto_verso else 1),
        "qr": qr_svg(make_code(CodeKind.SEPARATOR, sheet.id, key=services.code_key)),
    }
    return Sheet("separator.typ", data, sheet.made_at, f"separateur-{sheet.id}.pdf")
