"""Break-glass accounts: they sign in by their own password and second step, whether the directory answers or not.

They are not tied to an outage that the program itself sees. A directory that answers and refuses everybody (its certificate, the
account that searches, a wrong base) locks the ministry out as an outage does, and whoever can cut the network could make one.
Instead each use needs the second step, and is told to every administrator at once.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from ged.db import insert_if_missing
from ged.directory.models import BreakGlass
from ged.entry import factors, second
from ged.errors import Invalid, NotFound
from ged.notices import finding
from ged.notices.models import FactorStep, Occasion
from ged.org.accounts import as_stored
from ged.org.models import Holding, Person, Post, PostRole, held_on
from ged.unit import Actor, ReadSession, Role, Services, UnitOfWork

MOST = 5
"""Each is a way around the directory."""


@dataclass(frozen=True)
class GlassRow:
    """A break-glass account as the page shows it.

    Attributes:
        is_armed: False: it has lost its second step since, and does not sign in until it has one again.
    """

    id: int
    account: str
    name: str
    reason: str
    named_by: str
    named_at: datetime
    used_at: datetime | None
    is_armed: bool


def is_named(session: ReadSession, person_id: int) -> bool:
    """Whether an account is one of them."""
    return session.scalar(select(BreakGlass.id).where(BreakGlass.person_id == person_id)) is not None


def opens(session: ReadSession, person_id: int) -> bool:
    """Whether an account is one of them, and has its second step."""
    return is_named(session, person_id) and factors.is_armed(session, person_id)


def name(uow: UnitOfWork, account: str, reason: str, *, actor: Actor) -> None:
    """Name a break-glass account.

    Raises:
        NotFound: ``person.unknown``: no open account has this name.
        Invalid: ``break_glass.no_password``, ``break_glass.unarmed``: it has no password of its own, or no second step;
            ``break_glass.known``; ``break_glass.too_many``.
    """
    session = uow.session
    person_id = session.scalar(select(Person.id).where(Person.account == as_stored(account)))
    if person_id is None:
        raise NotFound("person.unknown", "check the account", account=account)
    person = factors.hold(uow, person_id)
    if not person.password_hash:
        raise Invalid("break_glass.no_password", "make it a first access", field="account")
    if not factors.is_armed(session, person.id):
        raise Invalid("break_glass.unarmed", "its owner adds a telephone or a key first", field="account")
    if len(session.scalars(select(BreakGlass.id)).all()) >= MOST:
        raise Invalid("break_glass.too_many", "withdraw one first", most=MOST, field="account")
    if not insert_if_missing(
        session, BreakGlass, person_id=person.id, reason=reason, named_by_id=int(actor.person_id), named_at=uow.now
    ):
        raise Invalid("break_glass.known", "nothing to do", field="account")
    uow.record("break_glass.named", "person", person.id, actor=actor, reason=reason)
    tell_administrators(uow, person.id, FactorStep.GLASS_NAMED)


def withdraw(uow: UnitOfWork, row_id: int, *, actor: Actor) -> None:
    """Take the quality away; the account stays.

    Raises:
        NotFound: ``break_glass.unknown``.
    """
    row = uow.session.get(BreakGlass, row_id)
    if row is None:
        raise NotFound("break_glass.unknown", "reload the list")
    uow.session.delete(row)
    uow.record("break_glass.withdrawn", "person", row.person_id, actor=actor)


def note_use(uow: UnitOfWork, person_id: int, *, address: str) -> None:
    """The right password of a break-glass account was typed: the journal and every administrator are told, whether or not the
    second step follows."""
    row = uow.session.scalar(select(BreakGlass).where(BreakGlass.person_id == person_id))
    if row is not None:
        row.used_at = uow.now
    uow.record("break_glass.used", "person", person_id, actor=second.own(person_id), address=address)
    tell_administrators(uow, person_id, FactorStep.GLASS_USED)


def note_alone(services: Services, person_id: int, *, address: str, now: datetime) -> None:
    """A passkey alone opened an account: as ``note_use``, if it is one of them."""
    with services.reading() as session:
        is_one = is_named(session, person_id)
    if is_one:
        with services.unit_of_work(now) as uow:
            note_use(uow, person_id, address=address)


def tell_administrators(uow: UnitOfWork, person_id: int, step: FactorStep) -> None:
    """Tell every administrator of today, on the site and by e-mail."""
    key = f"glass:{person_id}:{uow.now:%y%m%d%H%M%S}:{step.value}"
    today = uow.now.astimezone(uow.services.zone).date()
    administrators = _administrators(uow.session, on=today)
    finding.tell(uow, [finding.Found(one, Occasion.SECOND_STEP, key, None, person_id) for one in administrators])


def _administrators(session: ReadSession, *, on: date) -> list[int]:
    return list(
        session.scalars(
            select(Person.id)
            .join(Holding, Holding.person_id == Person.id)
            .join(Post, Post.id == Holding.post_id)
            .join(PostRole, PostRole.post_id == Post.id)
            .where(Person.is_active, PostRole.role == Role.ADMINISTRATOR, *held_on(on))
            .distinct()
        )
    )


def listing(session: ReadSession) -> list[GlassRow]:
    """All of them, the oldest first."""
    rows = session.execute(
        select(BreakGlass, Person.account, Person.name)
        .join(Person, Person.id == BreakGlass.person_id)
        .order_by(BreakGlass.id)
    ).all()
    return [
        GlassRow(
            row.id, account, name, row.reason, session.get_one(Person, row.named_by_id).name, row.named_at, row.used_at,
            factors.is_armed(session, row.person_id),
        )
        for row, account, name in rows
    ]  # fmt: skip
