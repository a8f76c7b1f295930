"""The operations on letters in the register, in the order of a letter's life."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select

from ged import access, destroyed, locks
from ged.access import Because
from ged.db import insert_if_missing
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.jobs import JobKind
from ged.org.actors import heading_post
from ged.org.models import Post, PostRole
from ged.org.tree import entity_of, in_ministry, ministry
from ged.ports import (
    AttachmentId,
    Confidentiality,
    Digest,
    MailId,
    PostId,
    RegisterId,
    post_principal,
    unit_principal,
)
from ged.register import allocation, corrections, registers, signed_kinds
from ged.register.allocation import told_of_number
from ged.register.correspondents import known_sender, may_be_listed, resolve_sender
from ged.register.models import (
    Attachment,
    AttachmentKind,
    AttachmentPage,
    Channel,
    Direction,
    FilingClass,
    Mail,
    MailLink,
    MailNumber,
    Priority,
    Register,
    RegisterNature,
)
from ged.register.once import add_once
from ged.register.states import MailAct, MailState, move
from ged.unit import Actor, HeldPost, Role, UnitOfWork

LONGEST_AGO = timedelta(days=3653)
"""What is older may be a typing error (``is_long_ago``): older letters come by ``ged import``."""
MAX_SUBJECT = 2000
MAX_NAME = 200
MAX_TEXTS = {
    "subject": MAX_SUBJECT, "sender_name": MAX_NAME, "addressee": 300, "their_reference": 100, "nature": 32,
    "enclosure_note": 300,
}  # fmt: skip
"""The lengths of the columns. Checked here, because PostgreSQL would refuse a longer text in the middle of the act."""


def is_long_ago(day: date | None, today: date) -> bool:
    """Whether a date is so old that it may be a typing error; no date is not."""
    return day is not None and day < today - LONGEST_AGO


@dataclass(frozen=True)
class IncomingForm:
    """The clerk's form. ``addressed_post_id`` is the authority in whose queue the letter waits."""

    subject: str
    sender_name: str
    addressed_post_id: PostId
    sender_id: int | None = None
    addressee: str = ""
    their_reference: str = ""
    written_on: date | None = None
    received_on: date | None = None
    nature: str = ""
    channel: Channel = Channel.HAND
    priority: Priority = Priority.NORMAL
    level: Confidentiality = Confidentiality.ORDINARY
    enclosure_count: int = 0
    enclosure_note: str = ""
    due_on: date | None = None
    due_days: int | None = None
    """The working days after the arrival that ``due_on`` was counted by; None: the date was typed."""
    related_to: MailId | None = None
    related_as: str = "related"
    """The relation to the other letter: a kind of ``MailLink``."""
    request_token: str | None = None
    """Made when the form is shown: a form sent twice registers one letter."""


@dataclass(frozen=True)
class Registered:
    """The result of a registration: the data of the label."""

    mail_id: MailId
    number_id: int
    number: str
    is_repeated: bool = False
    """The form was sent before: this is its first result."""


@dataclass(frozen=True)
class SourcePage:
    """One page of an attachment: a page of a stored blob, turned by ``rotation`` degrees."""

    digest: Digest
    media_type: str
    page_index: int = 0
    rotation: int = 0


def register_incoming(
    uow: UnitOfWork, register_id: RegisterId, form: IncomingForm, *, actor: Actor, now: datetime
) -> Registered:
    """Number an incoming letter; no scan is needed. A form sent again (``request_token``) allocates no second number.

    Raises:
        Forbidden: ``register.not_clerk``.
        Invalid: a field is missing or invalid; ``params['field']`` names it; ``register.nature``,
            ``mail.addressed_unknown``.
    """
    named = {"register": register_id, "post": form.addressed_post_id}
    place = uow.session.execute(_PLACE, named).one_or_none()  # kept, so that the register is read only once
    post = registers.clerk_post(uow.session, register_id, actor)
    today = now.astimezone(uow.services.zone).date()
    _check_form(form, actor, today)
    _check_place(place, actor)
    if form.related_to is not None:
        locks.hold(
            uow.session, Mail, [form.related_to]
        )  # it may be on a slip of disposal that is confirmed at this moment
    # The directory shows its entries to others: the sender of a restricted letter does not get into it.
    find = resolve_sender if may_be_listed(form.level) else known_sender
    sender = find(
        uow, form.sender_id, form.sender_name, entity_id=entity_of(post.unit_id, actor.units), ministry=ministry(actor)
    )
    received_on = form.received_on or today
    mail = Mail(
        direction=Direction.INCOMING,
        state=MailState.TO_IMPUTE,
        level=int(form.level),
        nature=form.nature,
        channel=form.channel,
        priority=form.priority,
        subject=form.subject.strip(),
        sender_id=sender.id if sender is not None else None,
        sender_name=sender.name if sender is not None else " ".join(form.sender_name.split()),
        addressee=form.addressee.strip(),
        their_reference=form.their_reference.strip(),
        written_on=form.written_on,
        received_on=received_on,
        enclosure_count=form.enclosure_count,
        enclosure_note=form.enclosure_note.strip(),
        due_on=form.due_on,
        due_from=form.due_on if form.due_days is None else received_on,
        due_days=None if form.due_on is None else form.due_days or 0,
        unit_id=post.unit_id,
        addressed_post_id=form.addressed_post_id,
        request_token=form.request_token or None,
        created_at=now,
    )
    before = add_once(uow, mail, lambda: sent_before(uow, mail))
    if before is not None:
        return before
    rights = {
        Because.REGISTERED: (unit_principal(post.unit_id), post_principal(post.post_id)),
        Because.ADDRESSED: (post_principal(form.addressed_post_id),),
    }
    access.grant_new(uow, mail.id, rights)
    if form.related_to is not None:
        link(uow, MailId(mail.id), form.related_to, kind=form.related_as, actor=actor)
    # As late as possible: everybody who registers waits for the counter from here to the commit.
    number = allocation.allocate(uow, register_id, actor=actor, post=post, mail_id=mail.id)
    uow.record(
        "mail.registered", "mail", mail.id, actor=actor, post=post, **told_of_number(number), level=int(form.level),
        subject=mail.subject, sender=mail.sender_name, received_on=str(mail.received_on), due_on=str(mail.due_on),
    )  # fmt: skip
    return Registered(MailId(mail.id), number.id, number.text)


def sent_before(uow: UnitOfWork, mail: Mail) -> Registered | None:
    """The first registration by the token. The token is cleared where the form, out of the history or of a tab's double, bears another letter."""
    first = uow.session.scalar(select(Mail).where(Mail.request_token == mail.request_token))
    if first is None:
        return None
    if first.sender_name != mail.sender_name or not bears(mail, first):
        mail.request_token = None
        return None
    number = next((one for one in first.numbers if one.voided_at is None), first.numbers[0])
    return Registered(MailId(first.id), number.id, number.text, is_repeated=True)


def bears(form: IncomingForm | Mail, first: Mail) -> bool:
    """Whether a form still bears the letter that it registered first. The caller compares the senders."""
    names = ("subject", "their_reference", "written_on", "addressee")
    return all(getattr(form, one) == getattr(first, one) for one in names)


_AUTHORITY = select(Post.unit_id).join(PostRole).where(Post.id == bindparam("post"), PostRole.role == Role.AUTHORITY)
_PLACE = select(Register, _AUTHORITY.scalar_subquery()).where(Register.id == bindparam("register"))
"""A register, and the unit of the authority that a form names; None: it is no authority."""


def _check_place(place: Row[Register, int] | None, actor: Actor) -> None:
    if place is None or (place[0].nature, place[0].direction) != (RegisterNature.ARRIVAL, Direction.INCOMING):
        raise Invalid("register.nature", "choose a register of arrivals", field="register_id")
    if place[1] is None or not in_ministry(place[1], actor):
        raise Invalid("mail.addressed_unknown", "choose an authority of the list", field="addressed_post_id")


def _check_form(form: IncomingForm, actor: Actor, today: date) -> None:
    if not form.subject.strip():
        raise Invalid("mail.subject_missing", "type the subject", field="subject")
    if len(form.subject) > MAX_SUBJECT:
        raise Invalid("mail.subject_long", "shorten the subject", field="subject", limit=MAX_SUBJECT)
    if form.sender_id is None and not form.sender_name.strip():
        raise Invalid("mail.sender_missing", "type or choose the sender", field="sender_name")
    if len(form.sender_name) > MAX_NAME:
        raise Invalid("mail.sender_long", "shorten the sender's name", field="sender_name", limit=MAX_NAME)
    for name in ("addressee", "their_reference", "nature", "enclosure_note"):
        if len(getattr(form, name)) > MAX_TEXTS[name]:
            raise Invalid("form.too_long", "shorten it", field=name, maximum=MAX_TEXTS[name])
    if form.received_on is not None and form.received_on > today:
        raise Invalid("mail.received_in_future", "correct the date of arrival", field="received_on")
    if is_long_ago(form.received_on, today):
        raise Invalid("mail.received_long_ago", "correct the year of arrival", field="received_on")
    if form.written_on is not None and form.written_on > today:
        raise Invalid("mail.written_in_future", "correct the date of the letter", field="written_on")
    if not 0 <= form.enclosure_count <= 9999:
        raise Invalid("mail.enclosures", "give the number of enclosures", field="enclosure_count")
    if form.level > actor.clearance and form.level is Confidentiality.SECRET:
        raise Invalid("mail.level_above_clearance", "register it as a sealed envelope", field="level")


def mail_for(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor, version: int | None = None) -> Mail:
    """A letter that the actor may see, for a change.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may not see it).
        StaleVersion: ``mail.stale``: the letter has changed since the form with ``version`` was opened.
    """
    mail = uow.session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(uow.session, mail.id, Confidentiality(mail.level), actor)
    if version is not None and mail.version != version:
        raise StaleVersion("mail.stale", "read the other person's change, then send again", id=int(mail_id))
    return mail


def mail_to_change(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor, version: int | None = None) -> Mail:
    """As ``mail_for``, and lock the letter: of two concurrent acts, the second sees the first, numbers included.

    The letter is locked before any counter and before the journal's head.

    Raises:
        NotFound: ``mail.unknown``.
        StaleVersion: ``mail.stale``.
    """
    locks.hold(uow.session, Mail, [mail_id])
    return mail_for(uow, mail_id, actor=actor, version=version)


def attach(
    uow: UnitOfWork,
    mail_id: MailId | int,
    *,
    kind: AttachmentKind,
    pages: Sequence[SourcePage],
    media_type: str,
    actor: Actor,
    now: datetime,
    filename: str = "",
    digest: Digest | None = None,
    size_bytes: int = 0,
    is_signed: bool = False,
    replaces: AttachmentId | None = None,
    reason: str = "",
    recognise: bool = True,
) -> AttachmentId:
    """Attach stored bytes to a letter; the caller has checked the actor's right.

    A job of this transaction reads them later.

    Raises:
        InvalidTransition: ``mail.destroyed``.
    """
    destroyed.require_there(uow.session, int(mail_id))
    version_no = 1
    if replaces is not None:
        version_no = uow.session.get_one(Attachment, replaces).version_no + 1
    attachment = Attachment(
        mail_id=mail_id, kind=kind, version_no=version_no, replaces_id=replaces, reason=reason,
        # The end of a name, which has its ending.
        filename=filename[-MAX_NAME:], media_type=media_type, digest=digest, size_bytes=size_bytes,
        page_count=len(pages), is_signed=is_signed, added_at=now, added_by_id=actor.person_id or None,
        pages=[
            AttachmentPage(
                page_no=n, digest=p.digest, media_type=p.media_type, page_index=p.page_index, rotation=p.rotation
            )
            for n, p in enumerate(pages, start=1)
        ],
    )  # fmt: skip
    uow.session.add(attachment)
    uow.session.flush()
    uow.record(
        "attachment.added", "mail", int(mail_id), actor=actor, attachment=attachment.id, kind=kind.value,
        digest=digest, pages=[p.digest for p in pages] if digest is None else len(pages), reason=reason,
        **_told_apart(digest, pages),
    )  # fmt: skip
    if recognise:
        uow.defer(JobKind.RECOGNISE, attachment.id)
    if signed_kinds.is_to_check(kind, [media_type, *(p.media_type for p in pages)], is_signed=is_signed):
        uow.defer(JobKind.CHECK_SIGNATURES, attachment.id)
    uow.reindex(mail_id)
    return AttachmentId(attachment.id)


def _told_apart(digest: Digest | None, pages: Sequence[SourcePage]) -> dict[str, Any]:
    """For the journal: the digests of pages that are stored in separate blobs."""
    apart = digest is not None and any(page.digest != digest for page in pages)
    return {"page_digests": [page.digest for page in pages]} if apart else {}


def take_number(uow: UnitOfWork, mail_id: MailId, register_id: RegisterId, *, actor: Actor) -> MailNumber:
    """Number a letter in one more register on its way (ministry, then direction).

    Raises:
        Forbidden: ``register.not_clerk``.
        Invalid: ``register.twice``: the letter already has a number there.
        InvalidTransition: ``mail.wrong_state``: the letter is void.
    """
    post = registers.clerk_post(uow.session, register_id, actor)
    mail = mail_to_change(uow, mail_id, actor=actor)
    if mail.state is MailState.VOIDED:
        raise InvalidTransition("mail.wrong_state", "register it anew", state=mail.state.value)
    if has_number(mail, register_id):
        raise Invalid("register.twice", "the letter has a number in this register", field="register_id")
    return _number_once_more(uow, mail, register_id, post, actor)


def take_numbers(
    uow: UnitOfWork, mail_ids: Sequence[MailId | int], register_id: RegisterId | int, *, actor: Actor
) -> list[MailNumber]:
    """Number letters in one more register, by id, in one act. Letters that have a number there, or are void, are left out.

    Raises:
        Forbidden: ``register.not_clerk``.
        NotFound: ``mail.unknown``: one of them may not be seen.
    """
    post = registers.clerk_post(uow.session, register_id, actor)
    locks.hold(uow.session, Mail, list(mail_ids))
    mails = [mail_for(uow, mail_id, actor=actor) for mail_id in sorted({int(one) for one in mail_ids})]
    waiting = [mail for mail in mails if mail.state is not MailState.VOIDED and not has_number(mail, register_id)]
    return [_number_once_more(uow, mail, register_id, post, actor) for mail in waiting]


def has_number(mail: Mail, register_id: RegisterId | int) -> bool:
    """Whether a letter has a valid number in a register."""
    return any(number.register_id == register_id and number.voided_at is None for number in mail.numbers)


def _number_once_more(
    uow: UnitOfWork, mail: Mail, register_id: RegisterId | int, post: HeldPost, actor: Actor
) -> MailNumber:
    number = allocation.allocate(uow, register_id, actor=actor, post=post, mail_id=mail.id)
    access.grant(uow, mail.id, (unit_principal(post.unit_id), post_principal(post.post_id)), Because.REGISTERED)
    uow.record("mail.numbered", "mail", mail.id, actor=actor, post=post, **told_of_number(number))
    uow.reindex(mail.id)
    return number


def link(uow: UnitOfWork, from_id: MailId, to_id: MailId, *, kind: str, actor: Actor) -> None:
    """Link two letters that the actor may see, under the lock of each that is not new. A repeated call has no effect.

    Raises:
        NotFound: ``mail.unknown``; InvalidTransition: ``mail.destroyed``.
    """
    for mail_id in (from_id, to_id):
        mail_for(uow, mail_id, actor=actor)
        destroyed.require_there(uow.session, mail_id)
    if insert_if_missing(uow.session, MailLink, from_id=int(from_id), to_id=int(to_id), kind=kind):
        uow.record("mail.linked", "mail", from_id, actor=actor, to=int(to_id), kind=kind)


def deciding_post(mail: Mail, actor: Actor) -> HeldPost | None:
    """The post through which the actor decides on a letter: as addressee, author, or nearest head above."""
    for post in actor.posts:
        if post.post_id in (mail.addressed_post_id, mail.author_post_id):
            return post
    return heading_post(mail.responsible_unit_id or mail.unit_id, actor)


def close(
    uow: UnitOfWork,
    mail_id: MailId,
    *,
    outcome: str,
    filing_class_id: int | None,
    version: int | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Close a letter with its outcome and file it.

    Raises:
        Forbidden: ``mail.close_forbidden``.
        Invalid: ``mail.outcome_missing``, ``filing.unknown``.
        InvalidTransition: ``mail.wrong_state``.
    """
    mail = mail_to_change(uow, mail_id, actor=actor, version=version)
    post = working_post(mail, actor)
    if not outcome.strip():
        raise Invalid("mail.outcome_missing", "say what was done", field="outcome")
    filed = uow.session.get(FilingClass, filing_class_id) if filing_class_id is not None else None
    if filed is None:
        raise Invalid("filing.unknown", "choose a filing class", field="filing_class_id")
    if filed.is_closed:
        raise Invalid("filing.closed", "choose an open filing class", field="filing_class_id", filing_class=filed.title)
    mail.state = move(mail.state, MailAct.CLOSE)
    mail.outcome, mail.filing_class_id, mail.closed_at = outcome.strip(), filing_class_id, now
    uow.record(
        "mail.closed", "mail", mail.id, actor=actor, post=post, outcome=mail.outcome, filing_class=filing_class_id
    )
    uow.reindex(mail.id)


def reopen(uow: UnitOfWork, mail_id: MailId, *, reason: str, actor: Actor) -> None:
    """Reopen a closed letter, with a reason. It returns to its earlier state, as far as its path shows it.

    Raises:
        Invalid: ``mail.reopen_reason``.
        InvalidTransition: ``mail.wrong_state``, ``mail.destroyed``.
    """
    mail = mail_to_change(uow, mail_id, actor=actor)
    post = working_post(mail, actor)
    destroyed.require_there(uow.session, mail.id)
    if not reason.strip():
        raise Invalid("mail.reopen_reason", "say why", field="reason")
    mail.state, mail.closed_at = move(mail.state, _reopening(mail)), None
    uow.record("mail.reopened", "mail", mail.id, actor=actor, post=post, reason=reason.strip())
    uow.reindex(mail.id)


def _reopening(mail: Mail) -> MailAct:
    if mail.direction is Direction.OUTGOING:
        return MailAct.REOPEN_SENT
    if mail.direction is Direction.INTERNAL and mail.addressed_post_id is None and mail.responsible_unit_id is None:
        return MailAct.REOPEN_SENT
    return MailAct.REOPEN if mail.responsible_unit_id is not None else MailAct.REOPEN_UNDECIDED


def working_post(mail: Mail, actor: Actor) -> HeldPost:
    """The post through which the actor works on a letter: as a decider, or in the responsible unit.

    An incoming letter without a responsible unit belongs to the clerks of the unit that registered it.

    Raises:
        Forbidden: ``mail.close_forbidden``.
    """
    decider = deciding_post(mail, actor)
    if decider is not None:
        return decider
    waits = mail.responsible_unit_id is None and mail.direction is not Direction.OUTGOING
    holder = mail.unit_id if mail.responsible_unit_id is None else mail.responsible_unit_id
    for post in actor.posts:
        works = Role.CLERK in post.roles if waits else post.works
        if post.unit_id == holder and works:
            return post
    raise Forbidden("mail.close_forbidden", "ask the unit that holds the letter", id=mail.id)


def void_number(uow: UnitOfWork, number_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Void a register number; voiding the last valid number of a letter voids the letter.

    Raises:
        Forbidden: ``register.not_clerk``.
        Invalid: ``number.void_reason``.
        InvalidTransition: ``number.voided``, ``mail.wrong_state``.
    """
    number = registers.number_of(uow.session, number_id)
    post = registers.clerk_post(uow.session, number.register_id, actor)
    if number.mail_id is not None:
        mail = mail_to_change(uow, number.mail_id, actor=actor)
        # Another transaction may have voided it while we waited for the letter's lock.
        uow.session.refresh(number)
        if all(n.id == number.id or n.voided_at is not None for n in mail.numbers):
            mail.state = move(mail.state, MailAct.VOID)
        uow.reindex(mail.id)
    corrections.void(uow, number, reason=reason, actor=actor, post=post, now=now)


def registers_kept_by(uow_session: Any, actor: Actor) -> list[Register]:
    """Registers that the actor may number in (open ones)."""
    unit_ids = [p.unit_id for p in actor.posts if Role.CLERK in p.roles]
    rows = uow_session.scalars(
        select(Register).where(Register.unit_id.in_(unit_ids), Register.closed_at.is_(None)).order_by(Register.id)
    )
    return list(rows)
