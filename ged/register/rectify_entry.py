"""Rectification of a register entry: a field is changed only so that the old value stays readable.

Pages call ``ged.routing.rectify_letter``, which also moves the dates of assignments and changes lines of departure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because
from ged.errors import Forbidden, Invalid
from ged.org.models import Post, PostRole, Unit
from ged.org.tree import entities, ministry_of_units, same_entity
from ged.ports import Confidentiality, MailId, PostId, post_principal
from ged.register.corrections import citation, correction_at
from ged.register.correspondents import known_sender, may_be_listed, resolve_sender
from ged.register.models import Channel, Direction, Mail, Priority, Rectification
from ged.register.operations import MAX_TEXTS, deciding_post, is_long_ago, mail_to_change
from ged.register.states import MailState
from ged.unit import Actor, HeldPost, Role, UnitOfWork

TEXT_FIELDS = ("subject", "sender_name", "their_reference", "addressee", "nature", "enclosure_note")
DATE_FIELDS = ("written_on", "received_on", "due_on")
CHOICES: Mapping[str, type[Channel] | type[Priority]] = {"channel": Channel, "priority": Priority}
OPEN_DUE = (MailState.TO_IMPUTE, MailState.ASSIGNED)
"""States in which a deadline still runs, so that it can be corrected."""

Value = str | int | date | None
Changed = tuple[str, str, str]
"""Field, old value, new value, as they are stored."""


@dataclass(frozen=True)
class RectificationRow:
    """A change as the letter's page and the register's print show it."""

    field: str
    old_value: str
    new_value: str
    reason: str
    person_id: int
    at: datetime


def rectify(
    uow: UnitOfWork,
    mail_id: MailId,
    changes: Mapping[str, Value],
    *,
    reason: str,
    version: int | None,
    actor: Actor,
    now: datetime,
    done: Sequence[Changed] = (),
) -> int:
    """Change fields of a registered letter; returns how many really changed.

    ``corrections.correction_at`` dates the change: on a day that is open in each of the letter's registers.

    Args:
        changes: field -> new value; ``addressed_post_id`` is the id of a post.
        done: what a room above changed of the letter in this transaction, to be entered with the same reason.

    Raises:
        Forbidden: ``rectify.forbidden``, ``rectify.voided``.
        Invalid: ``rectify.reason``, ``rectify.field``, ``mail.subject_missing``, ``mail.sender_missing``,
            ``mail.received_in_future``, ``mail.received_long_ago`` (a date that is changed), ``form.too_long``,
            ``mail.enclosures``, ``mail.due_before_arrival``, ``rectify.due_over``, ``rectify.imputed``,
            ``mail.addressed_unknown``.
        StaleVersion: ``mail.stale``.
    """
    mail = mail_to_change(uow, mail_id, actor=actor, version=version)
    post = rectifying_post(mail, actor)
    if not reason.strip():
        raise Invalid("rectify.reason", "say why the entry is corrected", field="reason")
    changed = list(done)
    for name, value in changes.items():
        new = _checked(name, value, uow)
        _check_house(uow.session, mail, name, new)
        old = getattr(mail, name)
        if new == old:
            continue
        if name == "received_on" and isinstance(new, date) and is_long_ago(new, mail.created_at.date()):
            raise Invalid("mail.received_long_ago", "correct the year of arrival", field=name)
        if name == "sender_name" and not new:
            raise Invalid("mail.sender_missing", "type the sender", field=name)
        change = (name, _readable(uow, name, old), _readable(uow, name, new))
        _apply(uow, mail, name, new)
        changed.append(change)
    if changed:
        _enter(uow, mail, changed, reason.strip(), actor, post, now)
        uow.reindex(mail.id)
    return len(changed)


def _enter(
    uow: UnitOfWork,
    mail: Mail,
    changed: Sequence[Changed],
    reason: str,
    actor: Actor,
    post: HeldPost,
    now: datetime,
) -> None:
    """Store the changes (field, old, new). Called last, because it locks the registers' counters."""
    uow.session.flush()
    at = correction_at(uow, [number for number in mail.numbers if number.voided_at is None], now=now)
    cited = _cited(uow, mail)
    for name, old, new in changed:
        uow.session.add(
            Rectification(
                mail_id=mail.id,
                field=name,
                old_value=old,
                new_value=new,
                reason=reason,
                person_id=actor.person_id,
                at=at,
            )
        )
        uow.record(
            "mail.rectified", "mail", mail.id, actor=actor, post=post,
            field=name, old=old, new=new, reason=reason, **cited,
        )  # fmt: skip


def _cited(uow: UnitOfWork, mail: Mail) -> dict[str, str]:
    """The citation of the closed day of the first valid number, if that day is closed."""
    number = next((one for one in mail.numbers if one.voided_at is None), None)
    return {} if number is None else citation(uow.session, number)


def rectifying_post(mail: Mail, actor: Actor) -> HeldPost:
    """The post through which the actor rectifies: as clerk of the letter's unit, or as a decider.

    Raises:
        Forbidden: ``rectify.voided``: a void entry cannot be changed; ``rectify.forbidden``, also for a letter without
            a number: a draft is changed in its editor, so that its visas are withdrawn.
    """
    refused = Forbidden("rectify.forbidden", "ask the mail office that registered the letter", id=mail.id)
    if not mail.numbers:
        raise refused
    if mail.state is MailState.VOIDED or all(number.voided_at is not None for number in mail.numbers):
        raise Forbidden("rectify.voided", "register the letter anew", id=mail.id)
    for post in actor.posts:
        if Role.CLERK in post.roles and post.unit_id == mail.unit_id:
            return post
    decider = deciding_post(mail, actor)
    if decider is None:
        raise refused
    return decider


def _checked(name: str, value: Value, uow: UnitOfWork) -> Value:
    if name in DATE_FIELDS:
        if name != "due_on" and isinstance(value, date) and value > uow.now.astimezone(uow.services.zone).date():
            raise Invalid("mail.received_in_future", "correct the date", field=name)
        return value if isinstance(value, date) else None
    if name in CHOICES:
        return CHOICES[name](str(value))
    if name == "enclosure_count":
        if not isinstance(value, int) or not 0 <= value <= 9999:
            raise Invalid("mail.enclosures", "give the number of enclosures", field=name)
        return value
    if name == "addressed_post_id":
        role = select(PostRole.post_id).where(PostRole.post_id == value, PostRole.role == Role.AUTHORITY)
        if uow.session.scalar(role) is None:
            raise Invalid("mail.addressed_unknown", "choose an authority of the list", field=name)
        return value
    if name not in TEXT_FIELDS:
        raise Invalid("rectify.field", "this field cannot be rectified", field=name)
    text = str(value or "").strip()
    if name == "subject" and not text:
        raise Invalid("mail.subject_missing", "type the subject", field="subject")
    if len(text) > MAX_TEXTS[name]:
        raise Invalid("form.too_long", "shorten the text", field=name, maximum=MAX_TEXTS[name])
    return text


def _check_house(session: Session, mail: Mail, name: str, value: Value) -> None:
    """A letter waits for an authority of its ministry. Of a letter of the house: its issuer is a unit, which ``outside``
    changes; it waits for an authority of its entity.
    """
    comes_in = mail.direction is Direction.INCOMING
    if name == "sender_name" and not comes_in:
        raise Invalid("rectify.field", "this field cannot be rectified", field=name)
    if name == "addressed_post_id":
        within = (ministry_of_units if comes_in else same_entity)(session, [mail.unit_id])
        near = select(Post.id).where(Post.id == value, Post.unit_id.in_(within))
        if session.scalar(near) is None:
            raise Invalid("mail.addressed_unknown", "choose an authority of the list", field=name)


def _readable(uow: UnitOfWork, name: str, value: Value) -> str:
    """A value as it stays readable: a post by its title and unit, a member by its code."""
    if name == "addressed_post_id":
        post = uow.session.get(Post, value or 0)
        return "" if post is None else f"{post.title} - {uow.session.get_one(Unit, post.unit_id).name}"
    return str(value) if name == "enclosure_count" else str(value or "")


def _apply(uow: UnitOfWork, mail: Mail, name: str, value: Value) -> None:
    if name == "due_on":
        _move_due(mail, value if isinstance(value, date) else None)
    elif name == "addressed_post_id":
        _readdress(uow, mail, PostId(int(str(value))))
    elif name == "sender_name":
        _rename_sender(uow, mail, str(value))
    else:
        setattr(mail, name, value)


def _move_due(mail: Mail, day: date | None) -> None:
    if mail.state not in OPEN_DUE:
        raise Invalid("rectify.due_over", "leave the deadline as it was", field="due_on")
    if day is not None and mail.received_on is not None and day < mail.received_on:
        raise Invalid("mail.due_before_arrival", "correct the date", field="due_on")
    mail.due_on, mail.due_from, mail.due_days = day, day, None if day is None else 0


def _readdress(uow: UnitOfWork, mail: Mail, post_id: PostId) -> None:
    """Let the letter wait for another authority. Once imputed, its way is changed by a new imputation."""
    if mail.state is not MailState.TO_IMPUTE:
        raise Invalid("rectify.imputed", "the authority imputes it anew", field="addressed_post_id")
    if mail.addressed_post_id is not None:
        access.revoke(uow, mail.id, post_principal(PostId(mail.addressed_post_id)), Because.ADDRESSED)
    mail.addressed_post_id = post_id
    access.grant(uow, mail.id, (post_principal(post_id),), Because.ADDRESSED)


def _rename_sender(uow: UnitOfWork, mail: Mail, name: str) -> None:
    # The sender of a confidential letter, or from a sealed envelope, is not in the directory: nor is the new name.
    listed = may_be_listed(Confidentiality(mail.level))
    hidden = not listed or (mail.sender_id is None and mail.direction is Direction.INCOMING)
    entity_id = entities(uow.session)[mail.unit_id]
    near = ministry_of_units(uow.session, [mail.unit_id])
    sender = (known_sender if hidden else resolve_sender)(uow, None, name, entity_id=entity_id, ministry=near)
    mail.sender_id = sender.id if sender is not None else None
    mail.sender_name = sender.name if sender is not None else " ".join(name.split())


def history(session: Session, mail_id: MailId | int) -> list[RectificationRow]:
    """All rectifications of a letter, oldest first."""
    rows = session.scalars(select(Rectification).where(Rectification.mail_id == mail_id).order_by(Rectification.id))
    return [RectificationRow(r.field, r.old_value, r.new_value, r.reason, r.person_id, r.at) for r in rows]
