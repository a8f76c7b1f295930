"""From a person to an actor: posts held, posts acted for, units headed, and the resulting principals.

Tree, headship, delegation, clearance and the successor of a closed unit are expanded here, at each request. So a
reorganisation, a new holder or a delegation changes no stored right and needs no new indexing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

from sqlalchemy import Date, Select, and_, bindparam, select
from sqlalchemy.orm import Session, aliased, joinedload

from ged.errors import NotFound
from ged.org import tree
from ged.org.models import Delegation, Holding, Person, Post, held_on
from ged.ports import (
    Confidentiality,
    PersonId,
    PostId,
    Principal,
    Principals,
    UnitId,
    deciding_principal,
    heading_principal,
    holder_principal,
    person_principal,
    post_principal,
    unit_principal,
)
from ged.unit import NO_WORK, Actor, HeldPost, Role, UnitRow

# Each request builds an actor: its statements are composed once.


def load_actor(session: Session, person_id: PersonId | int, *, on: date) -> Actor:
    """Build the actor of a person, with the rights on a day.

    Raises:
        NotFound: ``person.unknown``.
    """
    person = session.get(Person, person_id)
    if person is None or not person.is_active:
        raise NotFound("person.unknown", "check the account", id=person_id)
    own = _own_posts(session, person.id, on)
    posts = (*own, *_acted_for(session, person.id, own, on))
    return _actor(person, posts, tree.all_units(session))


def everybody(session: Session, *, on: date) -> Iterator[Actor]:
    """The actors of all active people, as ``load_actor`` builds each, with one set of statements for all of them."""
    units = tree.all_units(session)
    own: dict[int, list[HeldPost]] = {}
    for person_id, post in session.execute(_all_posts_held(), {"on": on}).unique():
        own.setdefault(person_id, []).append(_held(post))
    given: dict[int, list[tuple[Delegation, Post]]] = {}
    for delegation, post in session.execute(_all_delegations(), {"on": on}).unique():
        given.setdefault(delegation.person_id, []).append((delegation, post))
    secretaries = sorted({p.post_id for posts in own.values() for p in posts if Role.SECRETARY in p.roles})
    prepared: dict[int, list[tuple[Post, int]]] = {}
    for post, secretary_id in session.execute(_posts_prepared(), {"secretary_posts": secretaries}).unique():
        prepared.setdefault(secretary_id, []).append((post, secretary_id))
    for person in session.scalars(select(Person).where(Person.is_active).order_by(Person.id)):
        held = tuple(own.get(person.id, ()))
        pairs = [pair for p in held if Role.SECRETARY in p.roles for pair in prepared.get(p.post_id, ())]
        # As the statement for one person orders them: of two secretaries' posts the last one named stands.
        pairs.sort(key=lambda pair: (pair[0].id, pair[1]))
        yield _actor(person, (*held, *_through(held, pairs, given.get(person.id, ()))), units)


def _actor(person: Person, posts: tuple[HeldPost, ...], units: Mapping[int, UnitRow]) -> Actor:
    clearance = Confidentiality(person.clearance)
    headed = _headed(posts, units)
    return Actor(
        person_id=PersonId(person.id),
        account=person.account,
        name=person.name,
        clearance=clearance,
        posts=posts,
        headed_unit_ids=headed,
        principals=_principals(PersonId(person.id), posts, headed, clearance, units),
        units=units,
        language=person.language,
    )


def _headed(posts: Iterable[HeldPost], units: Mapping[int, UnitRow]) -> frozenset[UnitId]:
    return tree.headed([p.unit_id for p in posts if p.roles & {Role.HEAD, Role.AUTHORITY}], units)


def actor_of_account(session: Session, account: str, *, on: date) -> Actor:
    """The actor of an account.

    Raises:
        NotFound: ``person.unknown``.
    """
    person_id = session.scalar(select(Person.id).where(Person.account == account))
    if person_id is None:
        raise NotFound("person.unknown", "check the account", account=account)
    return load_actor(session, person_id, on=on)


def heading_post(unit_id: UnitId | int, actor: Actor) -> HeldPost | None:
    """The actor's post that heads a unit, the nearest one above first; None when the actor does not head it.

    A closed unit is headed through its successor. A secretary prepares for an authority but is no head.
    """
    if unit_id not in actor.headed_unit_ids:
        return None
    seen: set[int] = set()
    waiting: list[int | None] = [int(unit_id)]
    while waiting:
        at = waiting.pop(0)
        if at is None or at in seen:
            continue
        seen.add(at)
        unit = actor.units[at]
        for post in actor.posts:
            if post.unit_id == at and post.because != "secretary" and post.roles & {Role.HEAD, Role.AUTHORITY}:
                return post
        waiting += [
            unit.successor_id if unit.closed_at is not None else None,
            None if unit.is_entity else unit.parent_id,
        ]
    return None


def post_granting(actor: Actor, granted: frozenset[Principal], level: Confidentiality) -> HeldPost | None:
    """The actor's post that gives one of these principals at a level; own posts first.

    None when no post gives one, or when the right was granted to the person and the person holds no post.
    """
    if person_principal(actor.person_id) in granted:
        return next((post for post in actor.posts if post.because == "holder"), None)
    return next((post for post, _found in posts_granting(actor, granted, level)), None)


def posts_granting(
    actor: Actor, granted: frozenset[Principal], level: Confidentiality
) -> Iterator[tuple[HeldPost, frozenset[Principal]]]:
    """Each post of the actor that gives some of these principals at a level, with those that it gives; own posts first.

    What was given to the person is of no post, and is left out.
    """
    personal = person_principal(actor.person_id)
    for post in actor.posts:
        found = _principals(actor.person_id, (post,), _headed((post,), actor.units), actor.clearance, actor.units)
        if given := (found.at(level) & granted) - {personal}:
            yield post, given


def if_cleared(actor: Actor) -> Principals:
    """What the actor would see with the highest clearance."""
    return _principals(actor.person_id, actor.posts, actor.headed_unit_ids, Confidentiality.SECRET, actor.units)


def somebody_sees(session: Session, granted: frozenset[Principal], level: Confidentiality, *, on: date) -> bool:
    """Whether an active person, cleared for a level, has one of these principals at that level on a day.

    Stops at the first person found. Few people are cleared for the levels in question.
    """
    cleared = session.scalars(
        select(Person.id).where(Person.clearance >= int(level), Person.is_active).order_by(Person.id)
    ).all()
    return any(not load_actor(session, one, on=on).principals.at(level).isdisjoint(granted) for one in cleared)


_WITH_ROLES = joinedload(Post.roles)
"""Loaded by a join with the post, without a separate query, for speed: each request builds an actor."""


def _held(post: Post, because: str = "holder", own: PostId | None = None, act: str = "") -> HeldPost:
    return HeldPost(
        post_id=PostId(post.id),
        title=post.title,
        unit_id=UnitId(post.unit_id),
        unit_name=post.unit.name,
        roles=frozenset(row.role for row in post.roles),
        because=because,
        own_post_id=own,
        act=act,
    )


def _own_posts(session: Session, person_id: int, on: date) -> tuple[HeldPost, ...]:
    rows = session.scalars(_posts_held(), {"person_id": person_id, "on": on}).unique()
    return tuple(_held(post) for post in rows)


@cache
def _posts_held() -> Select[Post]:
    """The posts that a person (``person_id``) holds on a day (``on``)."""
    on = bindparam("on", type_=Date)
    return (
        select(Post)
        .join(Holding, Holding.post_id == Post.id)
        .where(
            Holding.person_id == bindparam("person_id"),
            *held_on(on),
        )
        .order_by(Holding.id)
        .options(_WITH_ROLES)
    )


def _acted_for(session: Session, person_id: int, own: Iterable[HeldPost], on: date) -> tuple[HeldPost, ...]:
    own = list(own)
    secretary_posts = [p.post_id for p in own if Role.SECRETARY in p.roles]
    pairs: Iterable[tuple[Post, int]] = ()
    if secretary_posts:
        pairs = session.execute(_posts_prepared(), {"secretary_posts": secretary_posts}).unique()
    given = session.execute(_delegations_to(), {"person_id": person_id, "on": on}).unique()
    return _through(own, pairs, given)


def _through(
    own: Sequence[HeldPost], prepared: Iterable[tuple[Post, int]], given: Iterable[tuple[Delegation, Post]]
) -> tuple[HeldPost, ...]:
    """The posts acted for: those whose authority the person is secretary of, and those of delegations."""
    own_id = own[0].post_id if own else None
    found: list[HeldPost] = []
    by_authority = {post: PostId(secretary_id) for post, secretary_id in prepared}
    for post, secretary_id in by_authority.items():
        held = _held(post, "secretary", secretary_id)
        # A secretary prepares and imputes for the authority; signing needs a delegation.
        found.append(_without(held, NO_WORK | {Role.SIGNATORY}))
    for delegation, post in given:
        held = _held(post, delegation.kind.value, own_id, delegation.act)
        dropped = NO_WORK | (set() if delegation.may_sign else {Role.SIGNATORY})
        limited = replace(
            held,
            from_on=delegation.from_on,
            until_on=delegation.until_on,
            template_codes=tuple(delegation.template_codes),
            max_amount_xof=delegation.max_amount_xof,
            granted_at=delegation.granted_at,
            delegation_id=delegation.id,
        )
        found.append(_without(limited, dropped))
    return tuple(found)


@cache
def _posts_prepared() -> Select[Post, int]:
    """Pairs for the posts ``secretary_posts`` of secretaries: post of the authority, id of the post of its secretary."""
    secretary = aliased(Post)
    return (
        select(Post, secretary.id)
        .join(secretary, secretary.secretary_of_id == Post.id)
        .where(secretary.id.in_(bindparam("secretary_posts", expanding=True)))
        .order_by(Post.id, secretary.id)
        .options(_WITH_ROLES)
    )


@cache
def _all_posts_held() -> Select[int, Post]:
    """The posts that all people hold on a day (``on``), each with its holder."""
    on = bindparam("on", type_=Date)
    return (
        select(Holding.person_id, Post)
        .join(Post, Post.id == Holding.post_id)
        .where(*held_on(on))
        .order_by(Holding.id)
        .options(_WITH_ROLES)
    )


@cache
def _all_delegations() -> Select[Delegation, Post]:
    """All delegations of a day (``on``)."""
    on = bindparam("on", type_=Date)
    return (
        select(Delegation, Post)
        .join(Post, Post.id == Delegation.post_id)
        .where(Delegation.from_on <= on, Delegation.until_on >= on, Delegation.withdrawn_at.is_(None))
        .order_by(Delegation.id)
        .options(_WITH_ROLES)
    )


@cache
def _delegations_to() -> Select[Delegation, Post]:
    """The delegations that a person (``person_id``) has on a day (``on``)."""
    on = bindparam("on", type_=Date)
    return (
        select(Delegation, Post)
        .join(Post, Post.id == Delegation.post_id)
        .where(
            and_(Delegation.person_id == bindparam("person_id"), Delegation.from_on <= on, Delegation.until_on >= on),
            Delegation.withdrawn_at.is_(None),
        )
        .order_by(Delegation.id)
        .options(_WITH_ROLES)
    )


def _without(post: HeldPost, roles: frozenset[Role]) -> HeldPost:
    return replace(post, roles=post.roles - roles)


def _principals(
    person_id: PersonId,
    posts: Iterable[HeldPost],
    headed: frozenset[UnitId],
    clearance: Confidentiality,
    units: Mapping[int, UnitRow],
) -> Principals:
    posts = list(posts)
    personal: set[Principal] = {person_principal(person_id)} | {post_principal(p.post_id) for p in posts}
    personal |= {deciding_principal(p.post_id) for p in posts if p.because != "secretary"}
    personal |= {holder_principal(p.post_id) for p in posts if p.because == "holder"}
    # An administrator's or auditor's post alone gives access to no letter: only working roles count for the unit.
    working = [p for p in posts if p.works]
    member_of = tree.with_predecessors((p.unit_id for p in working), units)
    heads = tree.with_predecessors(headed, units)
    own_heads = tree.with_predecessors((p.unit_id for p in posts if Role.HEAD in p.roles), units)
    by_unit = {unit_principal(u) for u in member_of | heads}
    # What is given to a post is seen by the heads above it, as what is given to a unit is, but at the ordinary level only.
    ordinary = personal | by_unit | {heading_principal(u) for u in heads}
    restricted = personal | (by_unit if clearance >= Confidentiality.RESTRICTED else set())
    secret = personal | {unit_principal(u) for u in own_heads} if clearance >= Confidentiality.SECRET else set()
    return Principals(frozenset(ordinary), frozenset(restricted), frozenset(secret))
