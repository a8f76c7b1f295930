"""Delegations of the organisation file and of the workbook: given as it says, or withdrawn.

Whoever takes the file in gives powers of others to others, by a legal act that is named; to himself never
(``ged.workbook.operations.own_rights_stay``). An interim is recorded for a post that is vacant; that of an absent holder stands on
the page of delegations, beside the absence.
"""

from datetime import date

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid
from ged.org import notices
from ged.org.delegations import wrong_day
from ged.org.file import DelegationRecord, OrganisationFile, delegation_key
from ged.org.load import Change
from ged.org.models import Delegation, DelegationKind, Person, Post
from ged.unit import Actor, UnitOfWork


def delegations_now(session: Session, *, on: date) -> tuple[DelegationRecord, ...]:
    """The delegations in force on a day, or later. Of two that are alike in every part of their key, the last one: a line speaks of both."""
    found: dict[str, DelegationRecord] = {}
    for row, post, account in _rows(session, on):
        record = DelegationRecord(
            post=post, person=account, kind=row.kind.value, act=row.act, from_on=row.from_on, until_on=row.until_on,
            may_sign=row.may_sign, templates=tuple(row.template_codes), max_amount_xof=row.max_amount_xof,
        )  # fmt: skip
        found[_key(record)] = record
    return tuple(found.values())


def load_delegations(uow: UnitOfWork, file: OrganisationFile, *, on: date, actor: Actor) -> list[Change]:
    """Give or withdraw the delegations of the file.

    Raises:
        Invalid: ``delegation.person``, ``delegation.dates``, ``delegation.itself``, ``delegation.held``, ``delegation.as_given``,
            ``delegation.ended_before``: it was given by this act and has been ended since; a line that was written before does not
            bring it back.
    """
    if not file.delegations:
        return []
    held, ended = _held(uow.session, file, on), _ended(uow.session, file)
    posts = dict(uow.session.execute(select(Post.code, Post.id)).all())
    people = {person.account: person for person in uow.session.scalars(select(Person))}
    changes: list[Change] = []
    for record in file.delegations:
        key = _key(record)
        standing = held.get(key, [])
        if not standing and not record.withdrawn:
            if key in ended:
                raise Invalid("delegation.ended_before", "give it by another act", act=record.act, post=record.post)
            row = _given(uow, record, posts[record.post], people[record.person], on=on)
            uow.record(
                "delegation.granted", "delegation", row.id, actor=actor, kind=record.kind, of_post=row.post_id,
                to_person=row.person_id, act=row.act, may_sign=row.may_sign, from_on=row.from_on.isoformat(),
                until_on=row.until_on.isoformat(), templates=row.template_codes, max_amount_xof=row.max_amount_xof,
            )  # fmt: skip
            held[key] = [row]
            changes.append(Change("added", "delegations", key))
        elif standing and record.withdrawn:
            for row in standing:
                row.withdrawn_at = uow.now
                uow.record("delegation.withdrawn", "delegation", row.id, actor=actor)
            held[key] = []
            changes.append(Change("changed", "delegations", key, "withdrawn"))
        elif standing and not _is_as_given(standing[-1], record):
            raise Invalid("delegation.as_given", "withdraw it and give another", act=record.act)
    return changes


def _held(session: Session, file: OrganisationFile, on: date) -> dict[str, list[Delegation]]:
    """The delegations in force on a day, or later, by key: on the page one act may have given several. Those that end are locked: who
    gave one may be ending it at this moment, and an undo must not give that back."""
    ending = {_key(record) for record in file.delegations if record.withdrawn}
    rows = [(row, _key_of(row, post, account)) for row, post, account in _rows(session, on)]
    locks.hold(session, Delegation, [row.id for row, key in rows if key in ending])
    held: dict[str, list[Delegation]] = {}
    for row, key in rows:
        if row.withdrawn_at is None:
            held.setdefault(key, []).append(row)
    return held


def _ended(session: Session, file: OrganisationFile) -> frozenset[str]:
    """The keys of the delegations that were ended before their last day, as far as the file may name them."""
    days = sorted({record.from_on for record in file.delegations if not record.withdrawn})
    found = _found(session, Delegation.withdrawn_at.is_not(None), Delegation.from_on.in_(days))
    return frozenset(_key_of(row, post, account) for row, post, account in found)


def _rows(session: Session, on: date) -> list[tuple[Delegation, str, str]]:
    return _found(session, Delegation.withdrawn_at.is_(None), Delegation.until_on >= on)


def _found(session: Session, *where: ColumnElement[bool]) -> list[tuple[Delegation, str, str]]:
    found = (
        select(Delegation, Post.code, Person.account)
        .join(Post, Post.id == Delegation.post_id)
        .join(Person, Person.id == Delegation.person_id)
        .where(*where)
        .order_by(Delegation.id)
    )
    return [(row, code, account) for row, code, account in session.execute(found).unique()]


def _key(record: DelegationRecord) -> str:
    return delegation_key(
        post=record.post, person=record.person, kind=record.kind, from_on=record.from_on, act=record.act
    )


def _key_of(row: Delegation, post: str, account: str) -> str:
    return delegation_key(post=post, person=account, kind=row.kind.value, from_on=row.from_on, act=row.act)


def _is_as_given(row: Delegation, record: DelegationRecord) -> bool:
    was = row.until_on, row.may_sign, tuple(row.template_codes), row.max_amount_xof
    return was == (record.until_on, record.may_sign, record.templates, record.max_amount_xof)


def _given(uow: UnitOfWork, record: DelegationRecord, post_id: int, person: Person, *, on: date) -> Delegation:
    kind = DelegationKind(record.kind)
    if not person.is_active:
        raise Invalid("delegation.person", "choose a person with an open account", field="person_id")
    if (field := wrong_day(record.from_on, record.until_on, today=on)) is not None:
        raise Invalid("delegation.dates", "give a period to come, of a year at most", field=field)
    holders = notices.holders(uow.session, [post_id], on=max(record.from_on, on))
    if person.id in holders:
        raise Invalid("delegation.itself", "choose somebody else than the holder", field="person_id")
    if kind is DelegationKind.INTERIM and holders:
        raise Invalid("delegation.held", "record it beside the holder's absence", post=record.post)
    row = Delegation(
        kind=kind, post_id=post_id, person_id=person.id, act=record.act.strip(), may_sign=record.may_sign,
        template_codes=list(record.templates), max_amount_xof=record.max_amount_xof, from_on=record.from_on,
        until_on=record.until_on, granted_at=uow.now,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    return row
