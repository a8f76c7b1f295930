"""What ends when the organisation changes: delegations of who leaves a post; sessions, certificates and the code of first access
of a closed account; the confirmation of a first access whose account gets other posts, or another name or clearance.

A delegation is personal on both sides: it ends when its giver or its receiver leaves. An interim is recorded for the post,
so it stays while the post is empty, and ends when a holder comes.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from ged import locks
from ged.org import certificates
from ged.org.load import Change
from ged.org.models import (
    CertificateKind,
    Delegation,
    DelegationKind,
    FirstAccess,
    Holding,
    IssuedCertificate,
    OpenSession,
    Person,
    Post,
    SigningKey,
    held_on,
)
from ged.unit import SYSTEM, Actor, UnitOfWork

REASON = "affiliationChanged"
"""The owner has left (RFC 5280, 5.3.1)."""
ENDED = "ended"


def follow(uow: UnitOfWork, changes: Iterable[Change], *, on: date, actor: Actor = SYSTEM) -> list[Change]:
    """End what ends with these changes. Returns a change ``ended`` for each post or person, with the number in ``detail``.

    Sessions and certificates are not brought back when the changes are undone: a revocation is published.
    """
    changes = list(changes)
    posts = {one.code for one in changes if one.kind == "holder"}
    closed = {one.code for one in changes if one.kind == "people" and "is_active" in one.detail.split(", ")}
    found: list[Change] = []
    found += _end_delegations_of_posts(uow, posts, on=on, actor=actor)
    for account in sorted(closed):
        person = uow.session.scalar(select(Person).where(Person.account == account, Person.is_active.is_(False)))
        if person is not None:
            found += _end_all_of(uow, person, on=on, actor=actor)
    _end_confirmations(uow, *_whose(changes, on), actor=actor)
    return found


NOT_VOUCHED = frozenset({"email"})
"""Fields of an account that a second person did not vouch for."""


def _whose(changes: Iterable[Change], on: date) -> tuple[ColumnElement[bool], ...]:
    """The people whose account or posts change: clauses of ``Person``, one of which holds."""
    changes = [one for one in changes if one.action in ("added", "changed")]
    accounts = {one.code for one in changes if one.kind == "people" and set(one.detail.split(", ")) - NOT_VOUCHED}
    posts = {one.code for one in changes if one.kind in ("post", "posts", "holder")}
    # Who has just lost a post held it until the day before.
    held = exists().where(
        Holding.person_id == Person.id, Holding.post_id == Post.id, Post.code.in_(sorted(posts)),
        or_(Holding.until_on.is_(None), Holding.until_on >= on - timedelta(days=1)),
    )  # fmt: skip
    return Person.account.in_(sorted(accounts)), held


def _end_confirmations(uow: UnitOfWork, *whose: ColumnElement[bool], actor: Actor) -> None:
    """A confirmed code waits again: what it opens, or who vouched for it, is not what it was.

    A statement of its own: an undo does not bring a confirmation back.
    """
    people = select(Person.id).where(or_(*whose))
    standing = FirstAccess.confirmed_at.is_not(None), FirstAccess.used_at.is_(None), FirstAccess.expires_at > uow.now
    concerned = or_(FirstAccess.person_id.in_(people), FirstAccess.second_id.in_(people))
    rows = uow.session.execute(select(FirstAccess.id, FirstAccess.person_id).where(*standing, concerned)).all()
    if not rows:
        return
    uow.session.execute(
        update(FirstAccess)
        .where(FirstAccess.id.in_([row.id for row in rows]), *standing)
        .values(confirmed_at=None, second_id=None)
        .execution_options(synchronize_session=False)
    )
    for row in rows:
        uow.record("first_access.lapsed", "person", row.person_id, actor=actor)


def follow_back(
    uow: UnitOfWork,
    *,
    closed: Iterable[int],
    filled: Iterable[int],
    changed: Iterable[int],
    posts: Iterable[int],
    since: datetime,
    on: date,
    actor: Actor,
) -> None:
    """End what came since changes that are taken back.

    Args:
        closed: people whose accounts are closed again.
        filled: posts that have their holder again: an interim that was recorded meanwhile ends.
        changed: people whose accounts are as they were, or who lose a post again.
        posts: that are as they were, with their holders.
        since: when the changes were made.
    """
    for person in uow.session.scalars(select(Person).where(Person.id.in_(sorted(closed))).order_by(Person.id)):
        _end_all_of(uow, person, on=on, actor=actor)
    for post in uow.session.scalars(select(Post).where(Post.id.in_(sorted(filled))).order_by(Post.id)):
        meanwhile = Delegation.kind == DelegationKind.INTERIM, Delegation.granted_at >= since
        _end(uow, post.code, Delegation.post_id == post.id, *meanwhile, on=on, actor=actor)
    held = exists().where(
        Holding.person_id == Person.id, Holding.post_id.in_(sorted(posts)), Holding.until_on.is_(None)
    )
    _end_confirmations(uow, Person.id.in_(sorted(changed)), held, actor=actor)
    uow.session.flush()


def _end_delegations_of_posts(uow: UnitOfWork, codes: Collection[str], *, on: date, actor: Actor) -> list[Change]:
    """Asked for all posts at once: a reorganisation changes dozens."""
    if not codes:
        return []
    posts = dict(uow.session.execute(select(Post.id, Post.code).where(Post.code.in_(sorted(codes)))).all())
    held = set(uow.session.scalars(select(Holding.post_id).where(Holding.post_id.in_(sorted(posts)), *held_on(on))))
    given = select(Delegation.id, Delegation.post_id, Delegation.kind).where(
        Delegation.post_id.in_(sorted(posts)), Delegation.withdrawn_at.is_(None), Delegation.until_on >= on
    )
    ending: dict[str, list[int]] = {}
    for row in uow.session.execute(given):
        if row.post_id in held or row.kind is not DelegationKind.INTERIM:
            ending.setdefault(posts[row.post_id], []).append(row.id)
    return [
        change
        for code in sorted(ending)
        for change in _end(uow, code, Delegation.id.in_(ending[code]), on=on, actor=actor)
    ]


def _end(uow: UnitOfWork, code: str, *where: ColumnElement[bool], on: date, actor: Actor) -> list[Change]:
    found = uow.session.scalars(
        select(Delegation.id).where(Delegation.withdrawn_at.is_(None), Delegation.until_on >= on, *where)
    ).all()
    # Locked: who gave one may be ending it at this moment, and an undo must not give that back.
    rows = [row for row in locks.hold(uow.session, Delegation, found) if row.withdrawn_at is None]
    for row in rows:
        row.withdrawn_at = uow.now
        uow.record("delegation.withdrawn", "delegation", row.id, actor=actor)
    return [Change(ENDED, "delegations", code, str(len(rows)))] if rows else []


def _end_all_of(uow: UnitOfWork, person: Person, *, on: date, actor: Actor) -> list[Change]:
    found = _end(uow, person.account, Delegation.person_id == person.id, on=on, actor=actor)
    # A code of first access would work again when the account is opened again.
    unused = FirstAccess.person_id == person.id, FirstAccess.used_at.is_(None), FirstAccess.expires_at > uow.now
    uow.session.execute(
        update(FirstAccess).where(*unused).values(expires_at=uow.now).execution_options(synchronize_session=False)
    )
    # Statements of their own: rows that are deleted through the session would come back when the act is undone.
    open_ids = uow.session.scalars(select(OpenSession.id).where(OpenSession.person_id == person.id)).all()
    if open_ids:
        uow.session.execute(delete(OpenSession).where(OpenSession.id.in_(open_ids)))
        uow.record("session.ended", "person", person.id, actor=actor, sessions=len(open_ids))
        found.append(Change(ENDED, "sessions", person.account, str(len(open_ids))))
    revoked = _revoke_all(uow, person, actor=actor)
    if revoked:
        found.append(Change(ENDED, "certificates", person.account, str(revoked)))
    return found


def _revoke_all(uow: UnitOfWork, person: Person, *, actor: Actor) -> int:
    """Revoke the certificates that the house issued to a person, and put their keys out of use. Returns how many."""
    count = 0
    in_force = select(IssuedCertificate.serial).where(
        IssuedCertificate.person_id == person.id,
        IssuedCertificate.kind == CertificateKind.PERSON,
        IssuedCertificate.revoked_at.is_(None),
        IssuedCertificate.expires_at > uow.now,
    )
    while (serial := uow.session.scalars(in_force.order_by(IssuedCertificate.id)).first()) is not None:
        certificates.revoke(uow, serial, reason=REASON, actor=actor)
        uow.session.flush()
        count += 1
    uow.session.execute(
        update(SigningKey)
        .where(SigningKey.person_id == person.id, SigningKey.revoked_at.is_(None))
        .values(revoked_at=uow.now)
        .execution_options(synchronize_session=False)
    )
    return count
