"""One letter of the signature book: its content, circuit and history, and what the actor may do now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Forbidden, Invalid
from ged.org.models import Post
from ged.ports import AttachmentId, Confidentiality, MailId
from ged.registry.dispatch_models import Party
from ged.registry.models import Attachment, AttachmentKind, Mail
from ged.registry.states import MOVES, MailAct, MailState
from ged.signbook import book, circuit
from ged.signbook.book import Annex
from ged.signbook.models import CircuitAct, Draft, SignatureWay, SignedRevision
from ged.signbook.placeholders import unfilled
from ged.signbook.queries.names import holders_of, names_of, number_of, refusal_of, signs_for, turn_of
from ged.signbook.render import Letter
from ged.unit import Actor, Role, Services


@dataclass(frozen=True)
class StepRow:
    """One step of a circuit. ``state``: done, now, later or cancelled."""

    post_id: int
    post: str
    holder: str
    is_signature: bool
    state: str
    by: str = ""
    acted_as: str = "holder"
    at: datetime | None = None
    remark: str = ""


@dataclass(frozen=True)
class EntryRow:
    """A line of the history."""

    act: CircuitAct
    at: datetime
    by: str
    post: str
    acted_as: str
    act_reference: str
    text: str
    version_no: int
    is_cancelled: bool


@dataclass(frozen=True)
class LetterRow:
    """A letter of the signature book with all that its pages need."""

    mail_id: MailId
    version: int
    version_no: int
    state: MailState
    level: Confidentiality
    civility: str
    subject: str
    body: str
    addressees: tuple[Party, ...]
    copies: tuple[Party, ...]
    annexes: tuple[Annex, ...]
    unfilled: tuple[str, ...]
    visa_post_ids: tuple[int, ...]
    signatory_post_id: int | None
    steps: tuple[StepRow, ...]
    entries: tuple[EntryRow, ...]
    answers_id: MailId | None
    answers_number: str
    answers_subject: str
    preview_id: AttachmentId | None
    preview_pages: int
    print_id: AttachmentId | None
    signed_id: AttachmentId | None
    signed_pages: int
    is_signed_electronically: bool
    level_reached: str
    number: str
    numbered_on: date | None
    way: SignatureWay | None
    signed_at: datetime | None
    confirmed_name: str
    confirmed_title: str
    confirmed_capacity: str
    failure: str
    refusal: str
    may_write: bool
    may_hand_in: bool
    may_recall: bool
    may_abandon: bool
    may_visa: bool
    may_sign: bool
    may_refuse: bool
    may_retry: bool
    may_cancel_ink: bool
    may_number: bool
    acts_as: str


def letter(session: Session, mail_id: MailId | int, actor: Actor, *, on: date) -> LetterRow:
    """A letter with its content, circuit, history and what the actor may do now.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    mail, content = draft.mail, book.content_of(session, draft)
    going, turn = book.circuit_of(draft), turn_of(draft)
    revision = session.scalar(
        select(SignedRevision).where(SignedRevision.mail_id == mail.id).order_by(SignedRevision.sequence.desc())
    )
    signed = _signed_attachment(session, mail.id)
    incoming = visible_incoming(session, draft, actor)
    is_author, mine = _is_author(draft, actor), turn is not None and turn.post_id in actor.post_ids
    held = actor.holds(turn.post_id) if turn is not None else None
    decides = turn is not None and actor.decides(turn.post_id) is not None
    signs = going is not None and signs_for(actor, going.signatory)
    is_digital = draft.way is SignatureWay.DIGITAL
    is_printed = draft.way is SignatureWay.INK and mail.state is MailState.IN_CIRCUIT
    return LetterRow(
        mail_id=MailId(mail.id),
        version=draft.version,
        version_no=draft.version_no,
        state=mail.state,
        level=Confidentiality(mail.level),
        civility=content.civility,
        subject=content.subject,
        body=content.body,
        addressees=content.addressees,
        copies=content.copies,
        annexes=content.annexes,
        unfilled=unfilled(content.subject, content.body),
        visa_post_ids=tuple(step.post_id for step in draft.steps),
        signatory_post_id=draft.signatory_post_id,
        steps=_steps(session, draft, on),
        entries=tuple(_entries(draft)),
        answers_id=MailId(incoming.id) if incoming is not None else None,
        answers_number=number_of(incoming),
        answers_subject=incoming.subject if incoming is not None else "",
        preview_id=AttachmentId(draft.preview_id) if draft.preview_id is not None else None,
        preview_pages=_page_count(session, draft.preview_id),
        print_id=AttachmentId(draft.print_id) if draft.print_id is not None else None,
        signed_id=signed,
        signed_pages=_page_count(session, signed),
        is_signed_electronically=revision is not None,
        level_reached=revision.level if revision is not None else "",
        number=draft.number.text if draft.number is not None else "",
        numbered_on=draft.numbered_on,
        way=draft.way,
        signed_at=draft.signed_at,
        confirmed_name=draft.confirmed_name,
        confirmed_title=draft.confirmed_title,
        confirmed_capacity=draft.confirmed_capacity,
        failure=draft.failure,
        refusal=refusal_of(draft),
        may_write=(is_author and mail.state is MailState.DRAFT) or mine,
        may_hand_in=is_author and mail.state is MailState.DRAFT,
        may_recall=is_author and going is not None and going.is_submitted and not going.acted_since_submission,
        may_abandon=is_author and draft.way is None and (mail.state, MailAct.ABANDON) in MOVES,
        may_visa=decides and turn is not None and not turn.is_signature,
        may_sign=decides and turn is not None and turn.is_signature and signs,
        may_refuse=decides,
        may_retry=signs and is_digital and mail.state is MailState.NUMBERED,
        may_cancel_ink=signs and is_printed,
        may_number=is_printed and keeps_register(session, draft, actor),
        acts_as=held.because if held is not None else "",
    )


def _is_author(draft: Draft, actor: Actor) -> bool:
    try:
        book.author_post(draft, actor)
    except Forbidden:
        return False
    return True


def keeps_register(session: Session, draft: Draft, actor: Actor) -> bool:
    """Whether the actor is a clerk of the register that will number this letter."""
    if draft.signatory_post_id is None:
        return False
    try:
        register = book.departure_register(session, session.get_one(Post, draft.signatory_post_id).unit_id)
    except Invalid:
        return False  # closed meanwhile: whoever tries to number is told
    return any(Role.CLERK in post.roles and post.unit_id == register.unit_id for post in actor.posts)


def visible_incoming(session: Session, draft: Draft, actor: Actor) -> Mail | None:
    """The letter answered, for those who may see it too: being in the circuit of the answer gives no right to it."""
    incoming = session.get(Mail, draft.answers_id) if draft.answers_id is not None else None
    if incoming is None or not access.may_see(session, incoming.id, Confidentiality(incoming.level), actor):
        return None
    return incoming


def _signed_attachment(session: Session, mail_id: int) -> AttachmentId | None:
    found = session.scalar(
        select(Attachment.id)
        .where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.SIGNED)
        .order_by(Attachment.version_no.desc(), Attachment.id.desc())
        .limit(1)
    )
    return AttachmentId(found) if found is not None else None


def _page_count(session: Session, attachment_id: int | None) -> int:
    if attachment_id is None:
        return 0
    return session.scalar(select(Attachment.page_count).where(Attachment.id == attachment_id)) or 0


def _steps(session: Session, draft: Draft, on: date) -> tuple[StepRow, ...]:
    going = book.circuit_of(draft)
    if going is None:
        return ()
    titles = names_of(session, Post, Post.title, [*going.visa_posts, going.signatory])
    holders = holders_of(session, [*going.visa_posts, going.signatory], on)
    turn, stand = circuit.turn(going), circuit.standing(going)
    entries = {entry.id: entry for entry in draft.entries}
    rows = []
    for post_id in going.visa_posts:
        given = entries[stand[post_id].entry_id] if post_id in stand else None
        is_now = turn is not None and turn.post_id == post_id
        rows.append(
            StepRow(
                post_id,
                titles.get(post_id, ""),
                holders.get(post_id, ""),
                is_signature=False,
                state="done" if given else "now" if is_now else "later",
                by=given.person_name if given else "",
                acted_as=given.acted_as if given else "holder",
                at=given.at if given else None,
                remark=given.text if given else "",
            )
        )
    is_now = (turn is not None and turn.is_signature) or draft.way is not None
    rows.append(
        StepRow(
            going.signatory,
            titles.get(going.signatory, ""),
            holders.get(going.signatory, ""),
            is_signature=True,
            state="done" if draft.signed_at else "now" if is_now else "later",
            by=draft.confirmed_name,
            at=draft.signed_at,
        )
    )
    return tuple(rows)


def _entries(draft: Draft) -> Iterator[EntryRow]:
    for entry in reversed(draft.entries):
        yield EntryRow(
            act=entry.act,
            at=entry.at,
            by=entry.person_name,
            post=entry.post_title,
            acted_as=entry.acted_as,
            act_reference=entry.act_reference,
            text=entry.text,
            version_no=entry.version_no,
            is_cancelled=entry.cancelled_at is not None,
        )


def preview_letter(
    session: Session, services: Services, mail_id: MailId | int, actor: Actor
) -> tuple[Letter, Confidentiality]:
    """What the pages of the present version would say, for the preview while writing, and the letter's level.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    return book.letter_of(session, services, draft, book.content_of(session, draft)), Confidentiality(draft.mail.level)
