"""Dispatch of a signed letter: one line for each addressee and copy, with channel, date and proof; then the discharge.

A letter is dispatched when all its lines have left. Follow-up actions of higher layers (the incoming letter counts as
answered) are callbacks in ``Services.when_dispatched``, handed over by the wiring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from ged import access, destroyed, jobs, locks
from ged.capture.intake import join
from ged.capture.models import Scan
from ged.dispatch.models import DispatchLine, DispatchProof, DispatchState, Party
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.jobs import ClaimedJob, Job, JobKind, JobState
from ged.letterhead import organisation_name
from ged.org.tree import entities, same_entity
from ged.ports import AttachmentId, Confidentiality, Digest, JobId, MailId, Message
from ged.register import addresses
from ged.register.addresses import EMAIL, AddressToConfirm
from ged.register.correspondents import entries, fold
from ged.register.models import Attachment, AttachmentKind, Channel, Mail, MailLink, Rendition
from ged.register.operations import SourcePage, attach
from ged.register.queries import number_of, numbering_units
from ged.register.states import MailAct, MailState, move
from ged.typography import french
from ged.unit import SYSTEM, Actor, HeldPost, Role, Services, UnitOfWork

MAX_REFERENCE, MAX_NAME = 300, 200
MOST_TOGETHER = 100
"""Lines that leave with one messenger in one act."""
STOPPED = ("dispatch.email_confidential", "dispatch.not_signed", "dispatch.not_ready")
"""Error codes for which the e-mail was not even attempted."""
MAY_LEAVE = (MailState.SIGNED, MailState.DISPATCHED, MailState.CLOSED)
LEFT = (DispatchState.LEFT, DispatchState.DELIVERED)


@dataclass(frozen=True)
class Departure:
    """The departure of a line by another way than e-mail.

    Attributes:
        reference: number of the recorded delivery or of the courier's slip; required for recorded delivery.
        carrier: who carries the letter; required by hand and by courier.
    """

    channel: Channel
    reference: str = ""
    carrier: str = ""


@dataclass(frozen=True)
class Discharge:
    """The data on the stamped copy: who received, in which capacity, when, and the receiver's own number."""

    name: str
    capacity: str
    received_at: datetime
    their_number: str = ""


def open_lines(uow: UnitOfWork, mail_id: MailId | int, addressees: Sequence[Party], copies: Sequence[Party]) -> None:
    """Add one line for each addressee, then one for each copy (called when the letter is signed)."""
    add_lines(uow, mail_id, [(party, False) for party in addressees] + [(party, True) for party in copies])


def add_lines(
    uow: UnitOfWork, mail_id: MailId | int, parties: Sequence[tuple[Party, bool]], *, behind: int = 0
) -> None:
    """Add lines for parties, each with whether it gets a copy, behind a position."""
    unit_id = uow.session.get_one(Mail, int(mail_id)).unit_id
    folded = {fold(party.name) for party, _ in parties}
    known = entries(uow.session, folded, entity_id=entities(uow.session)[unit_id])
    for position, (party, is_copy) in enumerate(parties, start=behind + 1):
        channel = Channel.EMAIL if party.email and is_copy else Channel.HAND
        entry = known.get(fold(party.name))
        uow.session.add(
            DispatchLine(
                mail_id=int(mail_id),
                position=position,
                is_copy=is_copy,
                name=party.name,
                correspondent_id=entry.id if entry is not None else None,
                address=party.address,
                email=party.email,
                channel=channel,
            )
        )


def dispatching_post(session: Session, mail_id: int, actor: Actor) -> HeldPost:
    """The clerk's post of the register that numbered the letter.

    Raises:
        Forbidden: ``dispatch.not_clerk``.
    """
    units = numbering_units(session, mail_id)
    for post in actor.posts:
        if Role.CLERK in post.roles and post.unit_id in units:
            return post
    raise Forbidden("dispatch.not_clerk", "ask the mail office that numbered the letter", id=mail_id)


def line_for(session: Session, line_id: int, actor: Actor) -> DispatchLine:
    """A line of a letter that the actor may see.

    Raises:
        NotFound: ``dispatch.unknown``; the same error for a line that the actor may not see.
    """
    line = session.get(DispatchLine, line_id)
    if line is None:
        raise NotFound("dispatch.unknown", "reload the list", id=line_id)
    if not access.may_see(session, line.mail_id, Confidentiality(line.mail.level), actor):
        raise NotFound("dispatch.unknown", "reload the list", id=line_id, refused=True)
    return line


def _locked(uow: UnitOfWork, line_id: int, version: int | None, actor: Actor) -> tuple[DispatchLine, HeldPost]:
    line = line_for(uow.session, line_id, actor)
    # Always lock the letter first: of two last lines that leave concurrently, the second sees that the first has left.
    hold_letters(uow.session, line.mail_id)
    line = locks.hold_known(uow.session, DispatchLine, line_id)
    if version is not None and line.version != version:
        raise StaleVersion("dispatch.stale", "read the other person's change, then send again", id=line_id)
    post = dispatching_post(uow.session, line.mail_id, actor)
    _require_signed(line.mail)
    return line, post


def hold_letters(session: Session, *mail_ids: int) -> None:
    """Lock letters, and the letters that they answer (see ``when_dispatched``), in the common order."""
    linked = session.scalars(select(MailLink.to_id).where(MailLink.from_id.in_(mail_ids)))
    locks.hold(session, Mail, [*mail_ids, *linked])


def _require_signed(mail: Mail) -> None:
    if mail.state not in MAY_LEAVE:
        raise InvalidTransition("dispatch.not_signed", "only a signed letter leaves", id=mail.id)


def _require_open(mail: Mail) -> None:
    if mail.level > Confidentiality.ORDINARY:
        raise Invalid("dispatch.email_confidential", "a confidential letter leaves on paper", field="email")


def leave(uow: UnitOfWork, line_id: int, departure: Departure, *, version: int | None, actor: Actor) -> None:
    """Record that a line leaves now, by hand, post, courier or fax.

    Raises:
        NotFound: ``dispatch.unknown``.
        Forbidden: ``dispatch.not_clerk``.
        Invalid: ``dispatch.reference``, ``dispatch.carrier``, ``dispatch.by_email``, ``dispatch.too_long``.
        InvalidTransition: ``dispatch.gone``, ``dispatch.not_signed``.
        StaleVersion: ``dispatch.stale``.
    """
    line, post = _locked(uow, line_id, version, actor)
    _require_waiting(line)
    _check(departure)
    _note_left(uow, line, departure, post, actor)
    complete(uow, line.mail, actor)


def leave_together(
    uow: UnitOfWork, versions: Mapping[int, int | None], carrier: str, *, actor: Actor
) -> list[DispatchLine]:
    """Record that lines leave now with one messenger, all of them or none.

    Args:
        versions: line -> version that the form showed.

    Returns:
        The lines, in the order of their letters.

    Raises:
        As ``leave``; Invalid: ``dispatch.none_chosen``, ``dispatch.too_many`` (more than ``MOST_TOGETHER``).
    """
    departure = Departure(Channel.HAND, carrier=carrier)
    if not versions:
        raise Invalid("dispatch.none_chosen", "tick at least one line", field="line")
    if len(versions) > MOST_TOGETHER:
        raise Invalid("dispatch.too_many", "make two rounds of it", field="line", limit=MOST_TOGETHER)
    _check(departure)
    mail_ids = {line_for(uow.session, line_id, actor).mail_id for line_id in versions}
    hold_letters(uow.session, *mail_ids)
    lines = sorted(
        locks.hold(uow.session, DispatchLine, list(versions)), key=lambda line: (line.mail_id, line.position)
    )
    for line in lines:
        version = versions[line.id]
        if version is not None and line.version != version:
            raise StaleVersion("dispatch.stale", "read the other person's change, then send again", id=line.id)
        post = dispatching_post(uow.session, line.mail_id, actor)
        _require_signed(line.mail)
        _require_waiting(line)
        _note_left(uow, line, departure, post, actor)
    for mail in {line.mail_id: line.mail for line in lines}.values():
        complete(uow, mail, actor)
    return lines


def _note_left(uow: UnitOfWork, line: DispatchLine, departure: Departure, post: HeldPost, actor: Actor) -> None:
    line.channel, line.reference = departure.channel, departure.reference.strip()
    line.carrier = departure.carrier.strip()
    line.state, line.left_at = DispatchState.LEFT, uow.now
    line.sent_by_id, line.sent_by_post_id = actor.person_id, post.post_id
    uow.record(
        "dispatch.left", "mail", line.mail_id, actor=actor, post=post, line=line.id, to=line.name,
        channel=line.channel.value, reference=line.reference, carrier=line.carrier,
    )  # fmt: skip


def _check(departure: Departure) -> None:
    if departure.channel is Channel.EMAIL:
        raise Invalid("dispatch.by_email", "use the button that sends it", field="channel")
    if departure.channel is Channel.RECORDED_DELIVERY and not departure.reference.strip():
        raise Invalid("dispatch.reference", "type the number of the recorded delivery", field="reference")
    if departure.channel in (Channel.HAND, Channel.COURIER) and not departure.carrier.strip():
        raise Invalid("dispatch.carrier", "name who carries it", field="carrier")
    if len(departure.reference) > MAX_REFERENCE or len(departure.carrier) > MAX_NAME:
        raise Invalid("dispatch.too_long", "shorten it", field="reference", limit=MAX_REFERENCE)


def _require_waiting(line: DispatchLine) -> None:
    if line.state is not DispatchState.TO_SEND:
        raise InvalidTransition("dispatch.gone", "reload the list: it left, or is being sent", id=line.id)


def complete(uow: UnitOfWork, mail: Mail, actor: Actor) -> None:
    """The letter is dispatched when none of its lines waits any more."""
    # The state of the line is written before the lines are counted.
    uow.session.flush()
    waiting = uow.session.scalar(
        select(DispatchLine.id).where(DispatchLine.mail_id == mail.id, DispatchLine.state.not_in(LEFT)).limit(1)
    )
    if waiting is not None or mail.state is not MailState.SIGNED:
        return
    mail.state = move(mail.state, MailAct.DISPATCH)
    uow.record("mail.dispatched", "mail", mail.id, actor=actor)
    for follow in uow.services.when_dispatched:
        follow(uow, MailId(mail.id), actor)
    uow.reindex(mail.id)


# --- e-mail -------------------------------------------------------------------------------------------------------


def send_by_email(
    uow: UnitOfWork, line_id: int, *, email: str, version: int | None, actor: Actor, compared: str = ""
) -> None:
    """Defer a job that sends the signed document by e-mail. Its Message-ID is fixed here.

    Args:
        compared: the address that the sender compared with the letter, if ``address_to_confirm`` requires it. The
            confirmation is valid only for this address.

    Raises:
        NotFound: ``dispatch.unknown``.
        Forbidden: ``dispatch.not_clerk``.
        Invalid: ``dispatch.email``, ``dispatch.email_confidential``, ``dispatch.not_ready``,
            ``dispatch.email_to_confirm``.
        InvalidTransition: ``dispatch.gone``, ``dispatch.not_signed``.
        StaleVersion: ``dispatch.stale``.
    """
    line, post = _locked(uow, line_id, version, actor)
    _require_waiting(line)
    address = email.strip()
    if EMAIL.fullmatch(address) is None:
        raise Invalid("dispatch.email", "correct the address", field="email")
    _require_open(line.mail)
    asked = address_to_confirm(uow.session, line, address)
    if asked is not None and compared.strip().lower() != address.lower():
        raise Invalid("dispatch.email_to_confirm", "compare the address with the letter", field="compared")
    signed_pdf(uow.session, line.mail_id)
    host = urlsplit(uow.services.public_url).hostname or "localhost"
    line.channel, line.email, line.state = Channel.EMAIL, address, DispatchState.SENDING
    line.reference = f"<depart-{line.mail_id}-{line.id}-{line.version}@{host}>"
    line.sent_by_id, line.sent_by_post_id = actor.person_id, post.post_id
    uow.record(
        "dispatch.sending", "mail", line.mail_id, actor=actor, post=post, line=line.id, to=line.name, email=address,
        message_id=line.reference, confirmed=asked is not None,
    )  # fmt: skip
    # The reference distinguishes this sending from an earlier one that a person cancelled.
    uow.defer(JobKind.NOTIFY, line.id, params={"message_id": line.reference})


def address_to_confirm(session: Session, line: DispatchLine, email: str) -> AddressToConfirm | None:
    """The address, if a person must confirm it before the first letter is sent there (``ged.register.addresses``)."""
    found = addresses.address_to_confirm(session, line.name, email.strip(), unit_id=line.mail.unit_id)
    if found is None:
        return None
    own = same_entity(session, [line.mail.unit_id])
    sent_there = (
        select(DispatchLine.id)
        .join(Mail, Mail.id == DispatchLine.mail_id)
        .where(func.lower(DispatchLine.email) == email.strip().lower(), DispatchLine.channel == Channel.EMAIL)
        .where(DispatchLine.left_at.is_not(None), Mail.unit_id.in_(sorted(own)))
    )
    if found.changed_at is not None:
        sent_there = sent_there.where(DispatchLine.left_at > found.changed_at)
    return None if session.scalar(sent_there.limit(1)) is not None else found


def signed_pdf(session: Session, mail_id: int) -> tuple[Digest, str]:
    """The document to send: the signed file, or for an ink-signed original its scan as a PDF.

    Raises:
        Invalid: ``dispatch.not_ready``: the scan's PDF does not exist yet.
        InvalidTransition: ``mail.destroyed``.
    """
    destroyed.require_there(session, mail_id)
    row = session.scalar(
        select(Attachment)
        .where(Attachment.mail_id == mail_id, Attachment.kind.in_((AttachmentKind.SIGNED, AttachmentKind.DOCUMENT)))
        # A letter that was signed outside of the program has only its document.
        .order_by(
            case((Attachment.kind == AttachmentKind.SIGNED, 0), else_=1),
            Attachment.version_no.desc(),
            Attachment.id.desc(),
        )
        .limit(1)
    )
    # A signed file leaves byte for byte: a searchable PDF of it would bear no signature.
    if row is not None and row.is_signed and row.digest is not None:
        return Digest(row.digest), row.filename
    scanned = None
    if row is not None:
        scanned = session.scalar(
            select(Rendition.digest).where(Rendition.attachment_id == row.id, Rendition.kind == "searchable_pdf")
        )
    if scanned is None:
        raise Invalid("dispatch.not_ready", "wait until the scan is read", field="email", id=mail_id)
    return Digest(scanned), "courrier.pdf"


def run_notify(services: Services, job: ClaimedJob, *, now: datetime) -> None:
    """Send one line's e-mail. The job is marked irrevocable before the attempt: if interrupted, it waits for a person.

    A line that may no longer be sent also waits for a person: the job fails, and the line shows why.

    Raises:
        EngineFailed: ``post.failed``, ``post.refused``.
        Invalid: ``dispatch.email_confidential``: the letter's level was raised since.
        InvalidTransition: ``dispatch.not_signed``: the letter is void.
    """
    with services.reading() as session:
        line = session.get(DispatchLine, job.subject_id)
        # Already sent, or cancelled by a person and perhaps sent again with another Message-ID.
        if line is None or line.state is not DispatchState.SENDING or line.reference != job.params["message_id"]:
            return
        digest, filename = signed_pdf(session, line.mail_id)
        number = number_of(session, line.mail_id)
        message = Message(
            message_id=line.reference,
            to=line.email,
            subject=f"Courrier n° {number} : {' '.join(line.mail.subject.split())}"[:200],
            text=_text(number, line, organisation_name(session)),
            attachment_name=filename,
        )
    # Before the mark: a file that cannot be read is then a plain failure, and nobody has to ask whether the e-mail
    # left.
    with services.blobs.open(digest) as stored:
        message = Message(**{**message.__dict__, "attachment": stored.read()})
    for attempt in services.attempts(now):
        with attempt as uow:
            begun = _still_to_send(uow, job)
            if begun:
                jobs.mark_irrevocable(uow.session, job, now=now)
    if not begun:
        return
    # Outside of any transaction. Killed from here to the note, the job waits for a person.
    services.post.send(message)
    for attempt in services.attempts(now):
        with attempt as uow:
            _note_sent(uow, job.subject_id, SYSTEM, message_id=message.message_id)


def _still_to_send(uow: UnitOfWork, job: ClaimedJob) -> bool:
    """Check again with the letter locked: its level, its state and the line may have changed since the order."""
    line = uow.session.get_one(DispatchLine, job.subject_id)
    locks.hold(uow.session, Mail, [line.mail_id])
    uow.session.refresh(line)
    if line.state is not DispatchState.SENDING or line.reference != job.params["message_id"]:
        return False
    _require_signed(line.mail)
    _require_open(line.mail)
    return True


def _text(number: str, line: DispatchLine, organisation: str) -> str:
    what = "une ampliation du courrier" if line.is_copy else "le courrier"
    signed = f"Le bureau d'ordre, {organisation}" if organisation else "Le bureau d'ordre"
    return french(
        f"À l'attention de : {line.name}\n\nMadame, Monsieur,\n\n"
        f"J'ai l'honneur de vous transmettre ci-joint {what} n° {number}.\nObjet : {line.mail.subject}\n\n"
        f"Je vous saurais gré de bien vouloir en accuser réception par retour de courriel.\n\n{signed}\n"
    )


def _note_sent(uow: UnitOfWork, line_id: int, actor: Actor, post: HeldPost | None = None, *, message_id: str) -> None:
    """Record that the message was sent. A line cancelled meanwhile, or sent again as another message, is left alone."""
    line = uow.session.get_one(DispatchLine, line_id)
    hold_letters(uow.session, line.mail_id)
    line = locks.hold_known(uow.session, DispatchLine, line_id)
    if line.state is not DispatchState.SENDING or line.reference != message_id:
        return
    line.state, line.left_at = DispatchState.LEFT, uow.now
    uow.record(
        "dispatch.left", "mail", line.mail_id, actor=actor, post=post, line=line.id, to=line.name,
        channel=line.channel.value, reference=line.reference,
    )  # fmt: skip
    complete(uow, line.mail, actor)


def settle_email(uow: UnitOfWork, line_id: int, *, was_sent: bool, version: int | None, actor: Actor) -> None:
    """Settle a failed or interrupted e-mail by a person's decision: it was sent, or the line waits again.

    Raises:
        NotFound, Forbidden, StaleVersion: as ``leave``.
        InvalidTransition: ``dispatch.not_uncertain``: its job is not finished yet.
    """
    line, post = _locked(uow, line_id, version, actor)
    job = _job(uow.session, line.id)
    if line.state is not DispatchState.SENDING or job is None or job.state not in (JobState.FAILED, JobState.UNCERTAIN):
        raise InvalidTransition("dispatch.not_uncertain", "wait: the worker still has it", id=line.id)
    # The job may have been asked for again between the two statements: then its worker decides.
    if not jobs.settle(uow.session, JobId(job.id), now=uow.now):
        raise InvalidTransition("dispatch.not_uncertain", "wait: the worker has it again", id=line.id)
    uow.record(
        "dispatch.settled", "mail", line.mail_id, actor=actor, post=post, line=line.id, was_sent=was_sent,
        message_id=line.reference,
    )  # fmt: skip
    if was_sent:
        _note_sent(uow, line.id, actor, post, message_id=line.reference)
    else:
        line.state, line.reference = DispatchState.TO_SEND, ""


def _job(session: Session, line_id: int) -> Job | None:
    return session.scalar(
        select(Job).where(Job.kind == JobKind.NOTIFY, Job.subject_id == line_id).order_by(Job.id.desc()).limit(1)
    )


# --- discharge ----------------------------------------------------------------------------------------------------


def discharge(uow: UnitOfWork, line_id: int, given: Discharge, *, version: int | None, actor: Actor) -> None:
    """Record the discharge that the receiver wrote on the stamped copy.

    Raises:
        NotFound, Forbidden, StaleVersion: as ``leave``.
        Invalid: ``discharge.name``, ``discharge.capacity``, ``discharge.in_future``, ``discharge.before_departure``,
            ``dispatch.too_long``.
        InvalidTransition: ``discharge.not_left``.
    """
    line, post = _locked(uow, line_id, version, actor)
    if line.state is not DispatchState.LEFT or line.left_at is None:
        raise InvalidTransition("discharge.not_left", "write the departure down first", id=line.id)
    _check_discharge(given, line.left_at, uow.now)
    line.discharge_name, line.discharge_capacity = given.name.strip(), given.capacity.strip()
    line.discharged_at, line.discharge_number = given.received_at, given.their_number.strip()
    line.state = DispatchState.DELIVERED
    uow.record(
        "dispatch.discharged", "mail", line.mail_id, actor=actor, post=post, line=line.id, name=line.discharge_name,
        capacity=line.discharge_capacity, received_at=given.received_at.isoformat(), number=line.discharge_number,
    )  # fmt: skip


def _check_discharge(given: Discharge, left_at: datetime, now: datetime) -> None:
    if not given.name.strip():
        raise Invalid("discharge.name", "type who received it", field="name")
    if not given.capacity.strip():
        raise Invalid("discharge.capacity", "type in which capacity", field="capacity")
    if max(len(given.name), len(given.capacity)) > MAX_NAME or len(given.their_number) > 100:
        raise Invalid("dispatch.too_long", "shorten it", field="name", limit=MAX_NAME)
    if given.received_at > now:
        raise Invalid("discharge.in_future", "correct date and hour", field="received_on")
    # The stamp shows only minutes: a discharge in the minute of the departure is accepted.
    if given.received_at < left_at.replace(second=0, microsecond=0):
        raise Invalid("discharge.before_departure", "correct date and hour", field="received_on")


def join_proof(
    uow: UnitOfWork, line_id: int, pages: Sequence[SourcePage], *, filename: str = "", actor: Actor, now: datetime
) -> AttachmentId:
    """Add a scan of the stamped copy to its line, by hand; earlier scans stay.

    The caller has checked the actor's right.
    """
    line = uow.session.get_one(DispatchLine, line_id)
    attachment_id = attach(
        uow,
        line.mail_id,
        kind=AttachmentKind.PROOF,
        pages=pages,
        media_type=pages[0].media_type,
        actor=actor,
        now=now,
        filename=filename,
        reason=_proof_reason(line),
    )
    _note_proof(uow, line, attachment_id)
    uow.record("dispatch.proof", "mail", line.mail_id, actor=actor, line=line.id, attachment=int(attachment_id))
    return attachment_id


def proof_confirmed(
    uow: UnitOfWork, line_id: int, scan: Scan, *, actor: Actor, post: HeldPost, came: Mapping[str, Any]
) -> AttachmentId:
    """Add a scan of the stamped copy that a clerk of the register has confirmed; earlier scans stay.

    The caller has locked the letter and checked the actor's right; ``came``: who brought the scan.

    Raises:
        InvalidTransition: ``discharge.not_left``, ``dispatch.not_signed``.
        Invalid: ``scan.no_pages``.
    """
    line = locks.hold_known(uow.session, DispatchLine, line_id)
    _require_signed(line.mail)
    if line.state not in LEFT:
        raise InvalidTransition("discharge.not_left", "write the departure down first", id=line.id)
    attachment_id = join(
        uow, scan, line.mail_id, kind=AttachmentKind.PROOF, actor=actor, now=uow.now, reason=_proof_reason(line),
        came=came,
    )  # fmt: skip
    _note_proof(uow, line, attachment_id)
    uow.record(
        "dispatch.proof", "mail", line.mail_id, actor=actor, post=post, line=line.id, attachment=int(attachment_id),
        scan=scan.id, **came,
    )  # fmt: skip
    return attachment_id


def _proof_reason(line: DispatchLine) -> str:
    return f"Décharge : {line.name}"[:MAX_REFERENCE]


def _note_proof(uow: UnitOfWork, line: DispatchLine, attachment_id: AttachmentId) -> None:
    uow.session.add(DispatchProof(line_id=line.id, attachment_id=int(attachment_id)))
    # The line keeps its first scan. This update raises no version, so that open forms do not become stale.
    uow.session.execute(
        update(DispatchLine)
        .where(DispatchLine.id == line.id, DispatchLine.discharge_attachment_id.is_(None))
        .values(discharge_attachment_id=attachment_id)
    )
