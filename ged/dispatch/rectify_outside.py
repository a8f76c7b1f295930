"""Rectification of a letter that was registered already signed: who wrote and signed it, and to whom it goes.

Called by ``ged.routing.rectify_letter``, which checks the post and the reason.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access, locks
from ged.access import Because
from ged.dispatch import signed_outside
from ged.dispatch.models import DispatchLine, DispatchState
from ged.dispatch.operations import add_lines, complete, dispatching_post
from ged.errors import Invalid
from ged.org.models import Post, Unit
from ged.ports import MailId, PostId, Principal, UnitId, post_principal, unit_principal
from ged.register.models import REPLY, Direction, Mail
from ged.register.operations import MAX_NAME, MAX_TEXTS, mail_for
from ged.register.operations import link as register_link
from ged.register.rectify_entry import Changed
from ged.register.states import MailState
from ged.unit import Actor, UnitOfWork


@dataclass(frozen=True)
class Receivers:
    """Names, in the order of the lines."""

    addressees: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutsideChanges:
    """New values; None leaves a field as it is."""

    sender_unit_id: UnitId | None = None
    signatory_post_id: PostId | None = None
    receivers: Receivers | None = None


@dataclass(frozen=True)
class OutsideEntry:
    """What the form shows of such a letter. ``receivers`` is None while an authority has to impute it."""

    sender_unit_id: int | None
    signatory_post_id: int | None
    receivers: Receivers | None


def was_signed_outside(mail: Mail) -> bool:
    """Whether a letter was registered already signed (``ged.dispatch.signed_outside``)."""
    return (
        mail.direction is not Direction.INCOMING and mail.author_person_id is None and mail.author_post_id is not None
    )


def link(uow: UnitOfWork, from_id: MailId, to_id: MailId, *, kind: str, actor: Actor) -> None:
    """Link two letters. What such a letter answers is said by the office that dispatches it: once it has left, the work
    on the answered letter ends.

    Raises:
        NotFound: ``mail.unknown``.
        Forbidden: ``dispatch.not_clerk``.
    """
    mail = mail_for(uow, from_id, actor=actor)
    if kind == REPLY and was_signed_outside(mail):
        dispatching_post(uow.session, mail.id, actor)
    register_link(uow, from_id, to_id, kind=kind, actor=actor)


def entry(session: Session, mail_id: int) -> OutsideEntry | None:
    """What can be rectified beside the register's fields; None for other letters. The caller has checked the access."""
    mail = session.get_one(Mail, mail_id)
    if not was_signed_outside(mail):
        return None
    writing = _writing_units(session, mail.id)
    lines = _lines(session, mail.id)
    names = Receivers(*(tuple(one.name for one in lines if one.is_copy is copy) for copy in (False, True)))
    return OutsideEntry(writing[0].id if writing else None, mail.author_post_id, names if lines else None)


def change(uow: UnitOfWork, mail: Mail, changes: OutsideChanges, *, actor: Actor) -> list[Changed]:
    """Change a locked letter; returns what has changed, for the register's entry. Lines that have left stay.

    Raises:
        Invalid: ``rectify.line_left``, ``rectify.dispatched``, ``mail.addressee_missing``, ``mail.parties``,
            ``form.too_long``, ``unit.unknown``, ``unit.ambiguous``, ``mail.signatory_unknown``.
    """
    changed: list[Changed] = []
    if changes.sender_unit_id is not None or changes.signatory_post_id is not None:
        changed += _writers(uow, mail, changes)
    if changes.receivers is not None:
        lines = _lines(uow.session, mail.id)
        locks.hold(uow.session, DispatchLine, [line.id for line in lines])
        changed += _receivers(uow, mail, lines, changes.receivers)
        if changed:
            complete(uow, mail, actor)
    return changed


def _writers(uow: UnitOfWork, mail: Mail, changes: OutsideChanges) -> list[Changed]:
    session, changed = uow.session, list[Changed]()
    unit_id = changes.sender_unit_id
    if unit_id is not None:
        unit = signed_outside.sending_unit(session, unit_id, mail.unit_id)
        before = _writing_units(session, mail.id)
        if [one.id for one in before] != [unit.id]:
            was, now = mail.sender_name, unit.name[:MAX_NAME]
            if was == now:
                was = f"{was} ({', '.join(one.code for one in before)})"
                changed.append(("sender_name", was, f"{now} ({unit.code})"))
            else:
                changed.append(("sender_name", was, now))
            for one in before:
                access.revoke(uow, mail.id, unit_principal(one.id), Because.AUTHORED)
            access.grant(uow, mail.id, (unit_principal(unit.id),), Because.AUTHORED)
            mail.sender_name = now
    post_id = changes.signatory_post_id
    if post_id is not None and post_id != mail.author_post_id:
        post = signed_outside.signing_post(session, post_id, mail.unit_id)
        old = session.get_one(Post, mail.author_post_id)
        changed.append(("signatory", old.title, post.title))
        access.revoke(uow, mail.id, post_principal(PostId(old.id)), Because.SIGNATORY)
        access.grant(uow, mail.id, (post_principal(PostId(post.id)),), Because.SIGNATORY)
        mail.author_post_id = post.id
    return changed


def _writing_units(session: Session, mail_id: int) -> list[Unit]:
    """The unit that wrote such a letter: the one that reads it as its author. The stored name may be another unit's, too."""
    return _units_of(session, access.principals_because(session, mail_id, Because.AUTHORED))


def _units_of(session: Session, principals: Collection[Principal]) -> list[Unit]:
    units = session.scalars(select(Unit).order_by(Unit.id)).all()
    return [unit for unit in units if unit_principal(unit.id) in principals]


def _receivers(uow: UnitOfWork, mail: Mail, lines: Sequence[DispatchLine], wanted: Receivers) -> list[Changed]:
    signed_outside.check_names(wanted.addressees, wanted.copies)
    named: set[int] = set()
    copied = access.principals_because(uow.session, mail.id, Because.COPIED)
    before = {unit.id for unit in _units_of(uow.session, copied)}
    changed: list[Changed] = []
    for field, names, is_copy in (("addressees", wanted.addressees, False), ("copies", wanted.copies, True)):
        parties, unit_ids = signed_outside.parties(uow.session, names, mail.unit_id, field=field, named_before=before)
        named.update(unit_ids)
        here = [line for line in lines if line.is_copy is is_copy]
        new = {party.name: party for party in parties}
        gone = [line for line in here if line.name not in new]
        added = [party for name, party in new.items() if name not in {line.name for line in here}]
        left = next((line for line in gone if line.state is not DispatchState.TO_SEND), None)
        if left is not None:
            raise Invalid("rectify.line_left", "keep who has received it", field=field, name=left.name)
        if added and mail.state is not MailState.SIGNED:
            raise Invalid("rectify.dispatched", "register another letter", field=field)
        if not gone and not added:
            continue
        changed.append((field, "; ".join(line.name for line in here), "; ".join(new)))
        for line in gone:
            uow.session.delete(line)
        uow.session.flush()
        add_lines(
            uow, mail.id, [(party, is_copy) for party in added], behind=max((one.position for one in lines), default=0)
        )
        lines = _lines(uow.session, mail.id)
        if not is_copy:
            mail.addressee = "; ".join(new)[: MAX_TEXTS["addressee"]]
    if changed:
        _readers(uow, mail, named)
    return changed


def _readers(uow: UnitOfWork, mail: Mail, unit_ids: set[int]) -> None:
    """Units that are named read the letter; those that are named no longer do not, unless for another reason."""
    wanted = {unit_principal(UnitId(one)) for one in unit_ids}
    for principal in access.principals_because(uow.session, mail.id, Because.COPIED) - wanted:
        access.revoke(uow, mail.id, principal, Because.COPIED)
    access.grant(uow, mail.id, sorted(wanted), Because.COPIED)


def _lines(session: Session, mail_id: int) -> list[DispatchLine]:
    query = select(DispatchLine).where(DispatchLine.mail_id == mail_id).order_by(DispatchLine.position)
    return list(session.scalars(query))
