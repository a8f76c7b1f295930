"""Who is the second person of a first access: the rule that one administrator alone does not become somebody else.

Whoever holds a code becomes the person of the account. So no code works by the will of its maker alone:

- it works after another person confirmed it, who can sign in already: another administrator who looks after the account, a head or
  an authority of a unit of the person's posts or of a unit above it, or an authority of the same entity (the secretary general);
- where none of these can sign in, any head or authority of the ministry who can;
- where one of them was there until lately, the code waits: an act that takes a post or a role away can be undone a moment later;
- where there is nobody at all, on the first day of an installation, the code works alone. The journal, the list of first accesses
  and the notices say so; and whenever such an account is given a post later, the heads above it are told.

Neither the person of the account nor the maker of the code is ever the second person.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged.administration.differences import from_json
from ged.administration.models import OrganisationAct
from ged.administration.reach import Reach, administrators
from ged.org import people, tree
from ged.org.models import Holding, Person, Post, PostRole, held_on
from ged.unit import Role

HEADS = (Role.HEAD, Role.AUTHORITY)
STRONG = (*HEADS, Role.ADMINISTRATOR)
LATELY = timedelta(days=4)
"""Longer than a code lasts: whoever loses a post for the life of a code is still counted."""


@dataclass(frozen=True)
class Seconds:
    """The second people of one first access.

    Attributes:
        able: who may confirm it, by id. Empty: nobody can be asked.
        asked: who gets a notice that asks (a part of ``able``): the other administrators, the nearest heads who can sign in.
        notified: who gets a notice: ``asked``, and the administrators and nearest heads who have no password yet.
    """

    able: frozenset[int]
    asked: frozenset[int]
    notified: frozenset[int]


class Finder:
    """Finds the second people of several first accesses on a day, with few statements."""

    def __init__(
        self, session: Session, person_ids: Collection[int], *, installation_accounts: Collection[str], on: date
    ) -> None:
        """``person_ids``: the people of the accounts, and the makers of the codes."""
        self._session, self._on = session, on
        self._units = tree.all_units(session)
        self._held: dict[int, list[int]] = {}
        held = select(Holding.person_id, Post.unit_id).distinct().join(Post, Post.id == Holding.post_id)
        for person_id, unit_id in session.execute(
            held.where(Holding.person_id.in_(sorted(set(person_ids))), *held_on(on))
        ):
            self._held.setdefault(person_id, []).append(unit_id)
        self._head_posts: dict[int, set[int]] = {}
        self._authorities: dict[int, set[int]] = {}
        for unit_id, post_id, role in session.execute(
            select(Post.unit_id, Post.id, PostRole.role)
            .join(PostRole, PostRole.post_id == Post.id)
            .where(PostRole.role.in_(HEADS))
        ):
            self._head_posts.setdefault(unit_id, set()).add(post_id)
            if role is Role.AUTHORITY:
                self._authorities.setdefault(tree.entity_of(unit_id, self._units), set()).add(post_id)
        known = select(Person.id).where(Person.is_active, Person.password_hash != "")
        self._sign_in = frozenset(session.scalars(known))
        self._heads: dict[int, frozenset[int]] = {}
        self._administrators = self._looking_after(person_ids, installation_accounts)

    def _looking_after(self, person_ids: Collection[int], accounts: Collection[str]) -> dict[int, frozenset[int]]:
        """Administrator -> those of the people whom they look after."""
        wanted = Person.id.in_(sorted(set(person_ids)))
        return {
            int(one.person_id): frozenset(
                self._session.scalars(select(Person.id).where(wanted, Reach(one, accounts).opened_by(self._on)))
            )
            for one in administrators(self._session, on=self._on)
        }

    def of(self, person_id: int, maker_id: int) -> Seconds:
        """Returns the second people of ``person_id``, whose code ``maker_id`` made."""
        never = {person_id, maker_id}
        others = {one for one, near in self._administrators.items() if person_id in near} - never
        nearest: set[int] = set()
        heads: set[int] = set()
        for unit_id in self._held.get(person_id, ()):
            is_found = False
            for level in self._levels(unit_id):
                heads |= level - never
                nearest |= set() if is_found else level - never
                is_found = is_found or bool((level - never) & self._sign_in)
        able = (others | heads) & self._sign_in
        if not able:
            able = (self._of_ministry(person_id, maker_id) - never) & self._sign_in
            nearest |= able
        notified = others | nearest
        return Seconds(frozenset(able), frozenset(notified & able), frozenset(notified))

    def _levels(self, unit_id: int) -> Iterator[frozenset[int]]:
        """Who heads a unit, who heads the unit above it ..., and at last the authorities of the entities on this way."""
        way = tree.ids_upwards(unit_id, self._units)
        for at in way:
            yield self._heads_of(at)
        for entity in dict.fromkeys(tree.entity_of(at, self._units) for at in way):
            yield people.of_posts(self._session, self._authorities.get(entity, ()), on=self._on)

    def _heads_of(self, unit_id: int) -> frozenset[int]:
        """Who acts for the heads and authorities of a unit."""
        if unit_id not in self._heads:
            self._heads[unit_id] = people.of_posts(self._session, self._head_posts.get(unit_id, ()), on=self._on)
        return self._heads[unit_id]

    def _of_ministry(self, *person_ids: int) -> set[int]:
        roots = {tree.root_of(unit, self._units) for one in person_ids for unit in self._held.get(one, ())}
        near = [unit for unit in self._head_posts if tree.root_of(unit, self._units) in roots]
        return {one for unit in near for one in self._heads_of(unit)}


def seconds_of(
    session: Session, person_id: int, *, maker_id: int, installation_accounts: Collection[str], on: date
) -> Seconds:
    """The second people of a person's first access, on a day."""
    found = Finder(session, [person_id, maker_id], installation_accounts=installation_accounts, on=on)
    return found.of(person_id, maker_id)


def able_lately(session: Session, person_id: int, *, maker_id: int, on: date) -> frozenset[int]:
    """Who can sign in, or could before the account was closed, and headed or administered a unit of the ministry until lately."""
    units = tree.all_units(session)
    never = {person_id, maker_id}
    held = select(Post.unit_id).join(Holding, Holding.post_id == Post.id)
    roots = {
        tree.root_of(unit, units)
        for unit in session.scalars(held.where(Holding.person_id.in_(sorted(never)), *held_on(on)))
    }
    near = sorted(unit for unit in units if tree.root_of(unit, units) in roots)
    strong = or_(
        Post.id.in_(select(PostRole.post_id).where(PostRole.role.in_(STRONG))), Post.code.in_(_weakened(session, on))
    )
    query = (
        select(Person.id)
        .join(Holding, Holding.person_id == Person.id)
        .join(Post, Post.id == Holding.post_id)
        .where(Post.unit_id.in_(near), strong, Person.password_hash != "", Person.id.not_in(sorted(never)))
        .where(or_(Holding.until_on.is_(None), Holding.until_on >= on - LATELY))
    )
    return frozenset(session.scalars(query))


def _weakened(session: Session, on: date) -> list[str]:
    """The codes of posts from which acts took such a role lately."""
    begin = datetime.combine(on - LATELY, time(), tzinfo=UTC)
    stored = session.scalars(select(OrganisationAct.differences).where(OrganisationAct.done_at >= begin))
    return sorted(
        {
            one.code
            for differences in stored
            for one in from_json(differences)
            if (one.kind, one.field) == ("posts", "roles")
            and not set(STRONG).isdisjoint(one.before or ())
            and not set(STRONG) & set(one.before or ()) <= set(one.after or ())
        }
    )
