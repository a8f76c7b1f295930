"""Sealed envelopes: only their outside is known, and only the addressee's post decides on them. For the post act its
holder, or a person with a delegation or interim, never its secretary; for a personal envelope only the holder.

No subject, no scan, no text, no index. Other people than the addressee's post and the register's clerks see only the
number, and that it is a confidential envelope. Outside of the entity that keeps the register, people see nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged import access, locks
from ged.access import Because
from ged.capture.files import Upload
from ged.capture.models import Bridge
from ged.capture.orders import A_LETTER, ScanTarget, Settings, order_scan
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.org.models import DelegationKind, Post, Unit
from ged.org.names import post_names
from ged.org.tree import in_ministry, ministry, same_entity
from ged.ports import Confidentiality, MailId, RegisterId, UnitId, deciding_principal, holder_principal
from ged.register import allocation, corrections, registers
from ged.register.allocation import told_of_number
from ged.register.models import (
    AttachmentKind,
    Channel,
    Direction,
    Mail,
    MailNumber,
    Register,
    RegisterNature,
    SealedEnvelope,
)
from ged.register.once import add_once
from ged.register.operations import MAX_NAME, MAX_SUBJECT, attach, mail_for
from ged.register.states import MailState
from ged.unit import Actor, HeldPost, Role, UnitOfWork

WAITING, KEPT, OPENED, RETURNED, REGISTERED = "waiting", "kept_sealed", "opened", "returned", "registered"
VOIDED = "voided"
MAX_REASON = 500
PERSONAL = "personnel"
KINDS = ("confidentiel", PERSONAL, "offre")
DECIDABLE = (WAITING, KEPT)
OUTSIDE = ("arrived_at", "addressed_post_id", "sender_name", "marks", "kind", "count")


@dataclass(frozen=True)
class EnvelopeForm:
    """The outside of an envelope, and its time of arrival, to the minute."""

    arrived_at: datetime
    addressed_post_id: int
    sender_name: str = ""
    marks: str = ""
    kind: str = "confidentiel"
    count: int = 1
    request_token: str | None = None
    """Made when the form is shown: a form sent twice registers one envelope."""


@dataclass(frozen=True)
class EnvelopeRow:
    """An envelope as an actor may see it; ``sees_outside`` False: only the number and its state are filled.

    ``is_addressee``: the actor decides for the addressee, now (``may_decide``) or on the opened letter.
    """

    id: int
    version: int
    number_id: int
    number: str
    registered_at: datetime
    state: str
    sees_outside: bool
    may_decide: bool
    is_clerk: bool
    is_addressee: bool = False
    arrived_at: datetime | None = None
    addressed_post_id: int | None = None
    addressed_to: str = ""
    sender_name: str = ""
    marks: str = ""
    kind: str = ""
    count: int = 0
    mail_id: int | None = None
    void_reason: str = ""

    @property
    def may_void(self) -> bool:
        """Whether the actor may void its number. The number of an opened envelope belongs to its letter."""
        return self.is_clerk and self.state not in (OPENED, VOIDED)


@dataclass(frozen=True)
class RegisteredEnvelope:
    """The result of a registration: the data of the label."""

    envelope_id: int
    number_id: int
    number: str
    is_repeated: bool = False
    """The form was sent before: this is its first result."""


def register_envelope(
    uow: UnitOfWork, register_id: RegisterId | int, form: EnvelopeForm, *, actor: Actor, now: datetime
) -> RegisteredEnvelope:
    """Number a closed envelope from its outside. A form sent again (``request_token``) allocates no second number.

    Raises:
        Forbidden: ``register.not_clerk``.
        Invalid: ``envelope.register``, ``envelope.arrived_in_future``, ``envelope.addressee``, ``envelope.kind``,
            ``envelope.count``, ``envelope.too_long``.
    """
    post = registers.clerk_post(uow.session, register_id, actor)
    register = registers.open_register(uow.session, register_id)
    if register.nature is not RegisterNature.ENVELOPE:
        raise Invalid("envelope.register", "choose the register of sealed envelopes", field="register_id")
    _check(uow, form, actor, now)
    envelope = SealedEnvelope(
        arrived_at=form.arrived_at.replace(second=0, microsecond=0),
        sender_name=" ".join(form.sender_name.split()),
        addressed_post_id=form.addressed_post_id,
        marks=form.marks.strip(),
        kind=form.kind,
        count=form.count,
        state=WAITING,
        request_token=form.request_token or None,
    )
    before = add_once(uow, envelope, lambda: _sent_before(uow, envelope))
    if before is not None:
        return before
    number = allocation.allocate(uow, register_id, actor=actor, post=post, envelope_id=envelope.id)
    uow.record(
        "envelope.registered", "envelope", envelope.id, actor=actor, post=post, **told_of_number(number),
        arrived_at=envelope.arrived_at.isoformat(), addressed_post=envelope.addressed_post_id, count=envelope.count,
    )  # fmt: skip
    return RegisteredEnvelope(envelope.id, number.id, number.text)


def _sent_before(uow: UnitOfWork, envelope: SealedEnvelope) -> RegisteredEnvelope | None:
    first = uow.session.scalar(select(SealedEnvelope).where(SealedEnvelope.request_token == envelope.request_token))
    if first is None:
        return None
    if any(getattr(first, name) != getattr(envelope, name) for name in OUTSIDE):
        # The form came from the browser's history and was filled in for another envelope: this is a new act.
        envelope.request_token = None
        return None
    return RegisteredEnvelope(first.id, first.numbers[0].id, first.numbers[0].text, is_repeated=True)


def _check(uow: UnitOfWork, form: EnvelopeForm, actor: Actor, now: datetime) -> None:
    if form.arrived_at > now:
        raise Invalid("envelope.arrived_in_future", "correct the hour of arrival", field="arrived_at")
    addressee = uow.session.get(Post, form.addressed_post_id)
    if addressee is None or not in_ministry(addressee.unit_id, actor):
        raise Invalid("envelope.addressee", "choose the addressee", field="addressed_post_id")
    if form.kind not in KINDS:
        raise Invalid("envelope.kind", "choose what kind of envelope it is", field="kind")
    if not 1 <= form.count <= 999:
        raise Invalid("envelope.count", "give the number of envelopes", field="count")
    for name, value, limit in (("sender_name", form.sender_name, MAX_NAME), ("marks", form.marks, 300)):
        if len(value) > limit:
            raise Invalid("envelope.too_long", "shorten it", field=name, limit=limit)


# --- the addressee decides ----------------------------------------------------------------------------------------


def _decide(uow: UnitOfWork, envelope_id: int, version: int | None, actor: Actor) -> tuple[SealedEnvelope, HeldPost]:
    envelope = _known(uow.session, locks.hold_one(uow.session, SealedEnvelope, envelope_id), actor)
    post = _require_addressee(envelope, actor)
    if version is not None and envelope.version != version:
        raise StaleVersion("envelope.stale", "read the other person's decision first", id=envelope_id)
    if envelope.state not in DECIDABLE:
        raise InvalidTransition("envelope.decided", "the decision was made already", id=envelope_id)
    return envelope, post


def _addressee(envelope: SealedEnvelope, actor: Actor) -> HeldPost | None:
    """The addressed post for which the actor decides.

    A personal envelope belongs to the holder only. An interim may not open envelopes that came before the interim was
    recorded: their senders wrote to another person.
    """
    post = actor.decides(envelope.addressed_post_id)
    if post is None or (envelope.kind == PERSONAL and post.because != "holder"):
        return None
    if post.because == DelegationKind.INTERIM and not _came_during(envelope, post):
        return None
    return post


def _came_during(envelope: SealedEnvelope, interim: HeldPost) -> bool:
    came_at = envelope.numbers[0].registered_at
    begun = interim.from_on is None or envelope.numbers[0].registered_on >= interim.from_on
    return begun and (interim.granted_at is None or came_at >= interim.granted_at)


def _require_addressee(envelope: SealedEnvelope, actor: Actor) -> HeldPost:
    post = _addressee(envelope, actor)
    # The reason is told only to somebody who will decide of later envelopes of this post.
    if post is None and actor.decides(envelope.addressed_post_id) is not None and envelope.kind != PERSONAL:
        raise Forbidden("envelope.before_interim", "it waits for the holder", id=envelope.id)
    if post is None:
        raise Forbidden("envelope.not_addressee", "only the addressee decides over a sealed envelope", id=envelope.id)
    return post


def keep_sealed(uow: UnitOfWork, envelope_id: int, *, version: int | None, actor: Actor) -> None:
    """Keep the envelope closed; it can be opened or returned later.

    Raises:
        NotFound: ``envelope.unknown``.
        Forbidden: ``envelope.not_addressee``.
        StaleVersion: ``envelope.stale``.
        InvalidTransition: ``envelope.decided``.
    """
    envelope, post = _decide(uow, envelope_id, version, actor)
    envelope.state = KEPT
    uow.record("envelope.kept_sealed", "envelope", envelope.id, actor=actor, post=post)


def return_as_ordinary(uow: UnitOfWork, envelope_id: int, *, version: int | None, actor: Actor) -> None:
    """Give the envelope back to the mail office, which registers it as an ordinary letter.

    Raises:
        As ``keep_sealed``.
    """
    envelope, post = _decide(uow, envelope_id, version, actor)
    envelope.state = RETURNED
    uow.record("envelope.returned", "envelope", envelope.id, actor=actor, post=post)


def open_envelope(
    uow: UnitOfWork,
    envelope_id: int,
    *,
    subject: str,
    level: Confidentiality,
    version: int | None,
    actor: Actor,
    now: datetime,
    sender_name: str = "",
    upload: Upload | None = None,
) -> MailId:
    """Make a letter of the envelope's content. Until it is shared, only the deciders of the addressee's post may see
    it, not the secretary; the content of a personal envelope only the holder.

    The letter takes over the envelope's number. The pages are the given file (already examined), or come from a
    scanner: joined by the envelope's label, or by an order with ``into_mail_id``.

    Raises:
        Invalid: ``mail.subject_missing``, ``mail.subject_long``, ``mail.level_above_clearance``.
        As ``keep_sealed``.
    """
    envelope, post = _decide(uow, envelope_id, version, actor)
    _check_opening(subject, level, actor)
    mail = Mail(
        direction=Direction.INCOMING,
        state=MailState.TO_IMPUTE,
        level=int(level),
        channel=Channel.HAND,
        subject=subject.strip(),
        # The sender is not entered into the directory of correspondents, which everybody can read.
        sender_name=(" ".join(sender_name.split()) or envelope.sender_name)[:MAX_NAME],
        addressee=post.title,
        received_on=envelope.arrived_at.astimezone(uow.services.zone).date(),
        unit_id=post.unit_id,
        addressed_post_id=envelope.addressed_post_id,
        created_at=now,
    )
    uow.session.add(mail)
    uow.session.flush()
    alone = holder_principal if envelope.kind == PERSONAL else deciding_principal
    access.grant(uow, mail.id, (alone(envelope.addressed_post_id),), Because.ADDRESSED)
    envelope.state, envelope.mail_id = OPENED, mail.id
    _number_leads_to(envelope, mail.id)
    if upload is not None:
        attach(
            uow, mail.id, kind=AttachmentKind.DOCUMENT, pages=upload.pages, media_type=upload.facts.media_type,
            actor=actor, now=now, filename=upload.filename, digest=upload.digest, size_bytes=upload.size_bytes,
            is_signed=upload.facts.signed,
        )  # fmt: skip
    uow.record("envelope.opened", "envelope", envelope.id, actor=actor, post=post, mail=mail.id, level=int(level))
    uow.record(
        "mail.registered", "mail", mail.id, actor=actor, post=post, level=int(level), subject=mail.subject,
        received_on=str(mail.received_on),
    )  # fmt: skip
    return MailId(mail.id)


def scan_inside(
    uow: UnitOfWork,
    envelope_id: int,
    bridge_id: int,
    settings: Settings = A_LETTER,
    *,
    actor: Actor,
    now: datetime,
    device: str | None = None,
) -> int:
    """Scan the content at the addressee's own desk: the pages go directly to the letter, not to the waiting scans.

    Returns the order's id.

    Raises:
        NotFound: ``envelope.unknown``, ``bridge.unknown`` (also for a bridge of another unit than the addressee's).
        Forbidden: ``envelope.not_addressee``.
        InvalidTransition: ``envelope.not_opened``.
    """
    found = _known(uow.session, uow.session.get(SealedEnvelope, envelope_id), actor)
    post = _require_addressee(found, actor)
    if found.state != OPENED or found.mail_id is None:
        raise InvalidTransition("envelope.not_opened", "open the envelope first", id=envelope_id)
    mail_for(uow, found.mail_id, actor=actor)
    bridge = uow.session.get(Bridge, bridge_id)
    if bridge is None or bridge.unit_id != post.unit_id:
        raise NotFound("bridge.unknown", "choose a bridge of your unit", id=bridge_id)
    into = ScanTarget(mail_id=found.mail_id)
    return order_scan(uow, bridge_id, settings, actor=actor, now=now, device=device, into=into).id


def _check_opening(subject: str, level: Confidentiality, actor: Actor) -> None:
    if not subject.strip():
        raise Invalid("mail.subject_missing", "type the subject", field="subject")
    if len(subject) > MAX_SUBJECT:
        raise Invalid("mail.subject_long", "shorten the subject", field="subject", limit=MAX_SUBJECT)
    if level > actor.clearance:
        raise Invalid("mail.level_above_clearance", "choose a level that you may read", field="level")


def _number_leads_to(envelope: SealedEnvelope, mail_id: int) -> None:
    for number in envelope.numbers:
        # The number itself never changes; its letter is known once the envelope is opened.
        number.mail_id = mail_id


def link_registered(uow: UnitOfWork, envelope_id: int, mail_id: MailId | int, *, actor: Actor) -> None:
    """Link a returned envelope to the ordinary letter that a clerk registered from it.

    Raises:
        NotFound: ``envelope.unknown``, ``mail.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``envelope.not_returned``.
    """
    envelope = _known(uow.session, locks.hold_one(uow.session, SealedEnvelope, envelope_id), actor)
    post = registers.clerk_post(uow.session, envelope.numbers[0].register_id, actor)
    mail = mail_for(uow, mail_id, actor=actor)
    if envelope.state != RETURNED:
        raise InvalidTransition("envelope.not_returned", "only an envelope returned is registered", id=envelope_id)
    # The envelope keeps its number: the letter was numbered in the ordinary register.
    envelope.state, envelope.mail_id = REGISTERED, mail.id
    uow.record("envelope.linked", "envelope", envelope.id, actor=actor, post=post, mail=mail.id)
    uow.reindex(mail.id)


def void(uow: UnitOfWork, envelope_id: int, *, reason: str, version: int | None, actor: Actor, now: datetime) -> None:
    """Void an envelope's number: it stays in the register with the reason, and the addressee no longer decides.

    Raises:
        NotFound: ``envelope.unknown``.
        Forbidden: ``register.not_clerk``.
        Invalid: ``number.void_reason``, ``form.too_long``.
        InvalidTransition: ``number.voided``; ``envelope.opened``: the number now belongs to the letter: void it there.
        StaleVersion: ``envelope.stale``.
    """
    envelope = _known(uow.session, locks.hold_one(uow.session, SealedEnvelope, envelope_id), actor)
    number = envelope.numbers[0]
    post = registers.clerk_post(uow.session, number.register_id, actor)
    if version is not None and envelope.version != version:
        raise StaleVersion("envelope.stale", "read the other person's decision first", id=envelope_id)
    if envelope.state == OPENED:
        raise InvalidTransition("envelope.opened", "void the letter's number", id=envelope_id)
    if len(reason) > MAX_REASON:
        raise Invalid("form.too_long", "shorten it", field="reason", maximum=MAX_REASON)
    corrections.void(uow, number, reason=reason, actor=actor, post=post, now=now)
    envelope.state = VOIDED
    uow.record("envelope.voided", "envelope", envelope.id, actor=actor, post=post, reason=reason.strip())


# --- queries ------------------------------------------------------------------------------------------------------


def envelope(session: Session, envelope_id: int, actor: Actor) -> EnvelopeRow:
    """An envelope as this actor may see it. Everybody in the entity that keeps its register may see its number.

    Raises:
        NotFound: ``envelope.unknown``.
    """
    return _envelope_rows(session, [_known(session, session.get(SealedEnvelope, envelope_id), actor)], actor)[0]


def _known(session: Session, found: SealedEnvelope | None, actor: Actor) -> SealedEnvelope:
    """An envelope whose existence the actor may know: registered in the actor's entity, or addressed to an own post.

    Raises:
        NotFound: ``envelope.unknown``: also for another entity's envelope, whose existence is not disclosed.
    """
    if found is not None and (actor.holds(found.addressed_post_id) or _is_of_their_entity(session, found, actor)):
        return found
    raise NotFound("envelope.unknown", "check the number")


def _is_of_their_entity(session: Session, one: SealedEnvelope, actor: Actor) -> bool:
    kept_by = session.scalars(select(Register.unit_id).where(Register.id == one.numbers[0].register_id)).one()
    return kept_by in same_entity(session, actor.unit_ids)


def envelopes(session: Session, actor: Actor, *, limit: int = 100) -> list[EnvelopeRow]:
    """Envelopes addressed to the actor's posts or kept in registers of the actor's units, newest first."""
    found = session.scalars(
        select(SealedEnvelope).where(_concerns(actor)).order_by(SealedEnvelope.id.desc()).limit(limit)
    )
    return _envelope_rows(session, found.all(), actor)


def waiting_for(session: Session, actor: Actor) -> int:
    """How many envelopes wait for a decision of the actor."""
    return session.scalar(count_waiting_for(actor)) or 0


def count_waiting_for(actor: Actor) -> Select[int]:
    """The statement of ``waiting_for`` (for the navigation): the rule of ``_addressee``, over all waiting envelopes."""
    decided = [post for one in sorted(actor.deciding_post_ids) if (post := actor.decides(one)) is not None]
    mine = or_(false(), *(_addressed_through(post) for post in decided))
    return select(func.count(SealedEnvelope.id)).where(SealedEnvelope.state == WAITING, mine)


def _addressed_through(post: HeldPost) -> ColumnElement[bool]:
    addressed = SealedEnvelope.addressed_post_id == post.post_id
    if post.because == "holder":
        return addressed
    ordinary = and_(addressed, SealedEnvelope.kind != PERSONAL)
    if post.because != DelegationKind.INTERIM:
        return ordinary
    number = aliased(MailNumber)
    first = select(func.min(number.id)).where(number.envelope_id == SealedEnvelope.id)
    came = exists().where(MailNumber.id == first.correlate(SealedEnvelope).scalar_subquery())
    if post.from_on is not None:
        came = came.where(MailNumber.registered_on >= post.from_on)
    if post.granted_at is not None:
        came = came.where(MailNumber.registered_at >= post.granted_at)
    return and_(ordinary, came)


def _concerns(actor: Actor) -> ColumnElement[bool]:
    # EXISTS, not IN: all numbers of the registers would be read, and hardly any is an envelope's.
    kept = exists().where(
        MailNumber.envelope_id == SealedEnvelope.id,
        Register.id == MailNumber.register_id,
        Register.unit_id.in_(_clerk_units(actor)),
    )
    return or_(SealedEnvelope.addressed_post_id.in_(actor.post_ids), kept)


def _clerk_units(actor: Actor) -> list[UnitId]:
    return [post.unit_id for post in actor.posts if Role.CLERK in post.roles]


def _envelope_rows(session: Session, found: Sequence[SealedEnvelope], actor: Actor) -> list[EnvelopeRow]:
    """The rows of a list. What is shown beside an envelope is read once for all of them."""
    registers_of = {one.id: one.numbers[0].register_id for one in found}
    kept_by: dict[int, int] = dict(
        session.execute(select(Register.id, Register.unit_id).where(Register.id.in_(set(registers_of.values())))).all()
    )
    posts = _post_names(session, {one.addressed_post_id for one in found})
    opened = {one.mail_id for one in found if one.mail_id is not None}
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    visible = set(session.scalars(select(Mail.id).where(Mail.id.in_(opened), seen))) if opened else set()
    own = _clerk_units(actor)
    return [
        _envelope_row(
            one,
            actor,
            is_clerk=kept_by[registers_of[one.id]] in own,
            addressed_to=posts[one.addressed_post_id],
            mail_id=one.mail_id if one.mail_id in visible else None,
        )
        for one in found
    ]


def _envelope_row(
    one: SealedEnvelope, actor: Actor, *, is_clerk: bool, addressed_to: str, mail_id: int | None
) -> EnvelopeRow:
    number = one.numbers[0]
    is_addressee = _addressee(one, actor) is not None
    if not (is_clerk or actor.holds(one.addressed_post_id)):
        return EnvelopeRow(
            one.id, one.version, number.id, number.text, number.registered_at, one.state,
            sees_outside=False, may_decide=False, is_clerk=False,
        )  # fmt: skip
    return EnvelopeRow(
        id=one.id,
        version=one.version,
        number_id=number.id,
        number=number.text,
        registered_at=number.registered_at,
        state=one.state,
        sees_outside=True,
        may_decide=is_addressee and one.state in DECIDABLE,
        is_clerk=is_clerk,
        is_addressee=is_addressee,
        arrived_at=one.arrived_at,
        addressed_post_id=one.addressed_post_id,
        addressed_to=addressed_to,
        sender_name=one.sender_name,
        marks=one.marks,
        kind=one.kind,
        count=one.count,
        mail_id=mail_id,
        void_reason=number.void_reason,
    )


def _post_names(session: Session, post_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(
        select(Post.id, Post.title, Unit.name).join(Unit, Unit.id == Post.unit_id).where(Post.id.in_(post_ids))
    )
    return {post_id: f"{title} — {unit}" for post_id, title, unit in rows}


def addressees(session: Session, actor: Actor, *, on: date) -> list[tuple[int, str]]:
    """Posts of the actor's ministry to which an envelope may be addressed, by unit and title."""
    near = Unit.id.in_(ministry(actor))
    query = select(Post.id).join(Unit, Unit.id == Post.unit_id).where(Unit.closed_at.is_(None), near)
    ids = session.scalars(query.order_by(Unit.name, Post.title)).all()
    names = post_names(session, ids, on=on)
    return [(post_id, names[post_id].text) for post_id in ids]


def kept_registers(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Registers of sealed envelopes that the actor keeps."""
    rows = session.execute(
        select(Register.id, Register.name)
        .where(
            Register.nature == RegisterNature.ENVELOPE,
            Register.closed_at.is_(None),
            Register.unit_id.in_(_clerk_units(actor)),
        )
        .order_by(Register.id)
    )
    return [(register_id, name) for register_id, name in rows]
