"""First accesses as the pages show them: those that wait for a second person, and all of the past."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ged import paging
from ged.administration.models import ActSubject, OrganisationAct
from ged.administration.reach import Reach
from ged.administration.seconds import Finder
from ged.org.models import FirstAccess, Person
from ged.org.openings import OpeningRow, rows
from ged.paging import START, Place, Slice
from ged.unit import Actor, Role

SHOWN = 100
"""The most that wait on one page; the next follow after these are confirmed."""
NAMED = 3
"""The most names of second people on one line."""


@dataclass(frozen=True)
class WaitingRow:
    """A first access that waits.

    Attributes:
        may_confirm: whether the reader is one of its second people.
        entered_by: who confirmed the acts that stand and entered or changed the account; empty: the operator.
        second_people: names of some who may confirm it.
    """

    opening: OpeningRow
    may_confirm: bool
    entered_by: tuple[str, ...]
    second_people: tuple[str, ...]


def waiting(
    session: Session, actor: Actor, installation_accounts: Collection[str], *, on: date, now: datetime
) -> tuple[WaitingRow, ...]:
    """Those that the actor may confirm; for an administrator, all within reach. The oldest first."""
    query = (
        select(FirstAccess.id, FirstAccess.person_id, FirstAccess.made_by_id)
        .join(Person, Person.id == FirstAccess.person_id)
        .where(
            FirstAccess.used_at.is_(None), FirstAccess.refused_at.is_(None), FirstAccess.confirmed_at.is_(None),
            FirstAccess.is_alone.is_(False), FirstAccess.expires_at > now, Person.is_active, Person.password_hash == "",
        )
        .order_by(FirstAccess.made_at, FirstAccess.id)
    )  # fmt: skip
    found = session.execute(query).all()
    if not found:
        return ()
    finder = Finder(
        session, {one for _id, *both in found for one in both}, installation_accounts=installation_accounts, on=on
    )
    able = {row.id: finder.of(row.person_id, row.made_by_id).able for row in found}
    seen = {one for one, people in able.items() if int(actor.person_id) in people}
    if actor.has(Role.ADMINISTRATOR):
        near = Reach(actor, installation_accounts).opened_by(on)
        mine = set(session.scalars(select(Person.id).where(Person.id.in_([row.person_id for row in found]), near)))
        seen |= {row.id for row in found if row.person_id in mine}
    shown = [row for row in found if row.id in seen][:SHOWN]
    openings = rows(session, [row.id for row in shown], on=on, now=now)
    named = {one for row in shown for one in sorted(able[row.id])[:NAMED]}
    names = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(named))).all())
    entered = _entered_by(session, [one.account for one in openings.values()])
    return tuple(
        WaitingRow(
            openings[row.id], int(actor.person_id) in able[row.id], entered.get(openings[row.id].account, ()),
            tuple(names[one] for one in sorted(able[row.id])[:NAMED]),
        )
        for row in shown
    )  # fmt: skip


def _entered_by(session: Session, accounts: Collection[str]) -> dict[str, tuple[str, ...]]:
    acts = session.execute(
        select(ActSubject.code, Person.name)
        .join(OrganisationAct, OrganisationAct.id == ActSubject.act_id)
        .join(Person, Person.id == OrganisationAct.person_id)
        .where(ActSubject.kind == "people", ActSubject.code.in_(sorted(accounts)))
        .where(OrganisationAct.done_at.is_not(None), OrganisationAct.undone_at.is_(None))
        .order_by(OrganisationAct.id)
    )
    found: dict[str, dict[str, None]] = {}
    for account, name in acts:
        found.setdefault(account, {})[name] = None
    return {account: tuple(names) for account, names in found.items()}


def listing(
    session: Session, reach: Reach, at: Place = START, *, limit: int, on: date, now: datetime
) -> tuple[tuple[OpeningRow, ...], Slice]:
    """The last first access of each account within reach, the newest accounts first."""
    of_reach = exists().where(Person.id == FirstAccess.person_id, reach.looked_after(on))
    page = paging.read(
        session, select(FirstAccess.id).where(of_reach), FirstAccess.id, at, descending=True, limit=limit
    )
    openings = rows(session, page.ids, on=on, now=now)
    return tuple(openings[one] for one in page.ids), page


def latest(session: Session, reach: Reach, *, limit: int, on: date, now: datetime) -> tuple[OpeningRow, ...]:
    """The first accesses within reach that were made last, the newest first: for the front page."""
    ids = session.scalars(
        select(FirstAccess.id)
        .join(Person, Person.id == FirstAccess.person_id)
        .where(reach.looked_after(on))
        .order_by(FirstAccess.made_at.desc(), FirstAccess.id.desc())
        .limit(limit)
    ).all()
    openings = rows(session, ids, on=on, now=now)
    return tuple(openings[one] for one in ids)


def of_person(session: Session, person_id: int, *, on: date, now: datetime) -> OpeningRow | None:
    """The last first access of a person."""
    found = session.scalar(select(FirstAccess.id).where(FirstAccess.person_id == person_id))
    return rows(session, [found], on=on, now=now)[found] if found is not None else None
