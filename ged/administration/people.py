"""People and posts as the pages of the administration show them: who holds what over time, what is open; no contents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged.administration.consequences import open_letters, post_principals
from ged.administration.queries import ActRow, Named, PostRow, history, posts_of
from ged.administration.reach import Reach
from ged.errors import NotFound
from ged.org.models import (
    CertificateKind,
    Delegation,
    DelegationKind,
    Holding,
    IssuedCertificate,
    OpenSession,
    Person,
    Post,
    Unit,
    held_on,
)
from ged.ports import Confidentiality
from ged.register.correspondents import fold
from ged.unit import Role

DELEGATIONS = 20
"""The most delegations that a page shows."""


@dataclass(frozen=True)
class PersonRow:
    """A person as the list shows it; ``posts`` are the titles of the posts held."""

    id: int
    account: str
    name: str
    is_active: bool
    has_password: bool
    posts: tuple[str, ...]


def people(
    session: Session, reach: Reach, words: str, *, on: date, offset: int, limit: int, with_closed: bool
) -> tuple[list[PersonRow], int]:
    """The people within reach whose name, account or post (title or code) has these words, by name: a page, and how many there are."""
    titles: dict[int, list[str]] = {}
    codes: dict[int, list[str]] = {}
    held = (
        select(Holding.person_id, Post.title, Post.code)
        .join(Post, Post.id == Holding.post_id)
        .where(Post.unit_id.in_(reach.units), *held_on(on))
    )
    for person_id, title, code in session.execute(held.order_by(Holding.id)):
        titles.setdefault(person_id, []).append(title)
        codes.setdefault(person_id, []).append(code)
    query = select(Person.id, Person.account, Person.name, Person.is_active, Person.password_hash != "").where(
        reach.people
    )
    wanted = fold(words).split()
    found = [
        PersonRow(*row, tuple(titles.get(row[0], ())))
        for row in session.execute(query if with_closed else query.where(Person.is_active))
    ]
    if wanted:
        found = [
            row
            for row in found
            if all(
                word in fold(" ".join((row.name, row.account, *row.posts, *codes.get(row.id, ())))) for word in wanted
            )
        ]
    found.sort(key=lambda row: (fold(row.name), row.id))
    return found[offset : offset + limit], len(found)


@dataclass(frozen=True)
class HeldRow:
    """A post held between two days; ``until_on`` None: still."""

    post: Named
    person: Named
    unit_name: str
    from_on: date
    until_on: date | None


@dataclass(frozen=True)
class DelegationLine:
    """A delegation, in force or to come, as the administrator sees it."""

    kind: DelegationKind
    post: Named
    person: Named
    act: str
    from_on: date
    until_on: date


@dataclass(frozen=True)
class PersonPage:
    """A person's account, posts over time, delegations both ways; ``open_at``: open letters at each post held."""

    id: int
    account: str
    name: str
    email: str
    clearance: Confidentiality
    is_active: bool
    has_password: bool
    posts: tuple[PostRow, ...]
    held: tuple[HeldRow, ...]
    delegations: tuple[DelegationLine, ...]
    sessions: int
    seen_at: datetime | None
    certificates: int
    open_at: dict[int, int]
    acts: tuple[ActRow, ...]


def person_page(session: Session, person_id: int, reach: Reach, *, on: date, now: datetime) -> PersonPage:
    """A person within reach. Of posts, letters and delegations in other ministries nothing is told, and of who has gone to one no
    sessions, certificates and later acts.

    Raises:
        NotFound: ``act.unknown``.
    """
    found = session.execute(
        select(Person, reach.moved_away(on)).where(Person.id == person_id, reach.people)
    ).one_or_none()
    if found is None:
        raise NotFound("act.unknown", "open it from the list again", id=person_id)
    person, has_gone = found
    mine = select(Holding.post_id).where(Holding.person_id == person_id, *held_on(on))
    near = Post.unit_id.in_(reach.units)
    posts = posts_of(session, Post.id.in_(mine), near, on=on)
    signed_in = session.execute(
        select(func.count(), func.max(OpenSession.seen_at)).where(
            OpenSession.person_id == person_id, OpenSession.epoch == person.session_epoch
        )
    ).one()
    certificates = select(func.count()).where(
        IssuedCertificate.person_id == person_id, IssuedCertificate.kind == CertificateKind.PERSON,
        IssuedCertificate.revoked_at.is_(None), IssuedCertificate.expires_at > now,
    )  # fmt: skip
    return PersonPage(
        id=person.id, account=person.account, name=person.name, email=person.email,
        clearance=Confidentiality(person.clearance), is_active=person.is_active, has_password=bool(person.password_hash),
        posts=posts, held=_held(session, Holding.person_id == person_id, near),
        delegations=_delegations(session, [post.id for post in posts], person_id, near, on=on),
        sessions=0 if has_gone else signed_in[0], seen_at=None if has_gone else signed_in[1],
        certificates=0 if has_gone else session.scalar(certificates) or 0,
        open_at={post.id: open_letters(session, post_principals(post.id)) for post in posts},
        acts=history(session, "people", person.account, *([reach.acts] if has_gone else [])),
    )  # fmt: skip


def _held(session: Session, *where: ColumnElement[bool]) -> tuple[HeldRow, ...]:
    rows = session.execute(
        select(Holding, Post.id, Post.code, Post.title, Unit.name, Person.id, Person.account, Person.name)
        .join(Post, Post.id == Holding.post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Person, Person.id == Holding.person_id)
        .where(*where)
        .order_by(Holding.from_on.desc(), Holding.id.desc())
    )
    return tuple(
        HeldRow(Named(post, code, title), Named(person, account, name), unit, row.from_on, row.until_on)
        for row, post, code, title, unit, person, account, name in rows
        # Given and taken away again on the same day: it was never held.
        if row.until_on is None or row.until_on >= row.from_on
    )


def _delegations(
    session: Session, post_ids: Sequence[int], person_id: int | None, *where: ColumnElement[bool], on: date
) -> tuple[DelegationLine, ...]:
    receiver = aliased(Person)
    query = (
        select(Delegation, Post.code, Post.title, receiver.account, receiver.name)
        .join(Post, Post.id == Delegation.post_id)
        .join(receiver, receiver.id == Delegation.person_id)
        .where(Delegation.withdrawn_at.is_(None), Delegation.until_on >= on)
        .where(or_(Delegation.post_id.in_(post_ids), Delegation.person_id == (person_id or 0)), *where)
        .order_by(Delegation.from_on, Delegation.id)
        .limit(DELEGATIONS)
    )
    return tuple(
        DelegationLine(
            row.kind,
            Named(row.post_id, code, title),
            Named(row.person_id, account, name),
            row.act,
            row.from_on,
            row.until_on,
        )
        for row, code, title, account, name in session.execute(query)
    )


@dataclass(frozen=True)
class PostPage:
    """A post: its holders over time, delegations of it, what is open at it."""

    id: int
    code: str
    title: str
    unit: Named
    unit_is_closed: bool
    roles: tuple[Role, ...]
    secretary_of: Named | None
    holder: Named | None
    held: tuple[HeldRow, ...]
    delegations: tuple[DelegationLine, ...]
    letters: int
    acts: tuple[ActRow, ...]


def post_page(session: Session, post_id: int, reach: Reach, *, on: date) -> PostPage:
    """A post within reach.

    Raises:
        NotFound: ``act.unknown``.
    """
    post = session.get(Post, post_id)
    if post is None or post.unit_id not in reach.units:
        raise NotFound("act.unknown", "open it from the list again", id=post_id)
    (row,) = posts_of(session, Post.id == post_id, on=on)
    above = session.get(Post, post.secretary_of_id) if post.secretary_of_id is not None else None
    return PostPage(
        id=post.id, code=post.code, title=post.title, unit=Named(post.unit.id, post.unit.code, post.unit.name),
        unit_is_closed=post.unit.closed_at is not None, roles=row.roles,
        secretary_of=Named(above.id, above.code, above.title) if above is not None else None, holder=row.person,
        held=_held(session, Holding.post_id == post_id), delegations=_delegations(session, [post_id], None, on=on),
        letters=open_letters(session, post_principals(post_id)), acts=history(session, "posts", post.code),
    )  # fmt: skip


def person_options(session: Session, reach: Reach, *, on: date, but: str = "") -> list[tuple[str, str]]:
    """People within reach with an open account by account, in the order of their names, each with a post."""
    rows, _total = people(session, reach, "", on=on, offset=0, limit=100_000, with_closed=False)
    return [
        (row.account, f"{row.name} ({row.account})" + (f" — {row.posts[0]}" if row.posts else ""))
        for row in rows
        if row.account != but
    ]


def post_options(
    session: Session, reach: Reach, *, but: str = "", vacant_on: date | None = None
) -> list[tuple[str, str]]:
    """The posts within reach of open units by code, with their unit; ``vacant_on``: only those without a holder on a day."""
    query = (
        select(Post.code, Post.title, Unit.name)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Unit.closed_at.is_(None), Unit.id.in_(reach.units))
        .order_by(Unit.id, Post.id)
    )
    if vacant_on is not None:
        query = query.where(Post.id.not_in(select(Holding.post_id).where(*held_on(vacant_on))))
    return [(code, f"{title} — {unit} ({code})") for code, title, unit in session.execute(query) if code != but]
