"""What an administrator sees and changes: the units, posts and people of the own ministry, and the acts of its people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from ged.administration.models import ActSubject, OrganisationAct
from ged.errors import NotFound
from ged.org.actors import load_actor
from ged.org.file import GIVEN_TO
from ged.org.models import Holding, Person, Post, PostRole, held_on
from ged.org.tree import ministry_of_role, of_ministry, runs_installation
from ged.register.models import Register
from ged.unit import Actor, Role


@dataclass(frozen=True)
class Reach:
    """What an administrator looks after: the ministries in which the person has that role. ``accounts``: those that the installation names for all of it."""

    actor: Actor
    accounts: Collection[str]

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole installation."""
        return runs_installation(self.actor, self.accounts)

    @property
    def units(self) -> frozenset[int]:
        """Ids of the units. Whoever looks after a unit looks after its posts and registers."""
        return frozenset(self.actor.units) if self.is_whole else ministry_of_role(self.actor, Role.ADMINISTRATOR)

    @property
    def others_accounts(self) -> frozenset[str]:
        """Accounts that look after the whole installation, where this administrator does not: the administrator may not open or change them."""
        return frozenset() if self.is_whole else frozenset(self.accounts)

    @property
    def acts(self) -> ColumnElement[bool]:
        """Acts of people of the ministry that are about nothing of another one."""
        if self.is_whole:
            return true()
        return of_ministry(OrganisationAct.person_id, self.actor, Role.ADMINISTRATOR) & ~self._about_others()

    def _about_others(self) -> ColumnElement[bool]:
        """Acts whose records are of another ministry: a colleague may look after the whole installation."""
        near, units = sorted(self.units), self.actor.units
        far: dict[str, Any] = {
            "units": sorted(unit.code for unit_id, unit in units.items() if unit_id not in self.units),
            "posts": select(Post.code).where(Post.unit_id.not_in(near)),
            "registers": select(Register.code).where(Register.unit_id.not_in(near)),
            "people": select(Person.account).where(not_(self.people)),
        }
        subject = aliased(ActSubject)
        given = exists().where(Post.unit_id.not_in(near), subject.code.startswith(Post.code.concat(GIVEN_TO)))
        named = or_(
            *(and_(subject.kind == kind, subject.code.in_(codes)) for kind, codes in far.items()),
            and_(subject.kind == "delegations", given),
        )
        return exists().where(subject.act_id == OrganisationAct.id, named)

    @property
    def people(self) -> ColumnElement[bool]:
        """Whom its pages show: people who hold or held a post of the ministry; and those without any post, now or in the past, whose
        account its acts that stand entered or changed."""
        if self.is_whole:
            return true()
        act, subject = aliased(OrganisationAct), aliased(ActSubject)  # of any act, also within a condition on one
        entered = exists().where(
            subject.kind == "people", subject.code == Person.account, subject.act_id == act.id,
            act.done_at.is_not(None), act.undone_at.is_(None), of_ministry(act.person_id, self.actor, Role.ADMINISTRATOR),
        ).correlate(Person)  # fmt: skip
        # A colleague who looks after the whole installation changes people of other ministries too.
        elsewhere = exists().where(Holding.person_id == Person.id)
        return or_(of_ministry(Person.id, self.actor, Role.ADMINISTRATOR), entered & ~elsewhere)

    def looked_after(self, on: date) -> ColumnElement[bool]:
        """Those of ``people`` whose accounts this ministry looks after on a day."""
        return self.people & ~self.moved_away(on)

    def opened_by(self, on: date) -> ColumnElement[bool]:
        """Those of ``looked_after`` whose accounts this administrator may open for the first time."""
        return self.looked_after(on) & Person.account.not_in(sorted(self.others_accounts))

    def moved_away(self, on: date) -> ColumnElement[bool]:
        """People who hold posts of other ministries on a day, and none of this one: their account is looked after there."""
        held = exists().where(Holding.person_id == Person.id, Holding.post_id == Post.id, *held_on(on))
        near = sorted(self.units)
        return held.where(Post.unit_id.not_in(near)) & ~held.where(Post.unit_id.in_(near))

    def covers(self, session: Session, act_id: int) -> bool:
        """Whether an act is one of ``acts``."""
        return session.scalar(select(OrganisationAct.id).where(OrganisationAct.id == act_id, self.acts)) is not None

    def require_act(self, session: Session, act_id: int) -> None:
        """Check that an act is there and is one of ``acts``.

        Raises:
            NotFound: ``act.unknown``.
        """
        if not self.covers(session, act_id):
            raise NotFound("act.unknown", "open it from the list again", id=act_id)


def administrator(session: Session, person_id: int, *, on: date) -> Actor | None:
    """A person with the rights of a day, if the account is open and the role is held; None otherwise."""
    try:
        actor = load_actor(session, person_id, on=on)
    except NotFound:
        return None
    return actor if actor.has(Role.ADMINISTRATOR) else None


def administrators(session: Session, *, on: date) -> tuple[Actor, ...]:
    """All who hold a post of an administrator on a day, with an open account, by id."""
    ids = session.scalars(
        select(Holding.person_id)
        .distinct()
        .join(PostRole, PostRole.post_id == Holding.post_id)
        .join(Person, Person.id == Holding.person_id)
        .where(PostRole.role == Role.ADMINISTRATOR, Person.is_active, *held_on(on))
        .order_by(Holding.person_id)
    )
    return tuple(load_actor(session, one, on=on) for one in ids.all())
