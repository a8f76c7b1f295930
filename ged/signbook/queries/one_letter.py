"""One letter of the signature book: its content, circuit and history, and what the actor may do now."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.dispatch.models import Party
from ged.natures.circuit import Step
from ged.org.names import post_names
from ged.ports import AttachmentId, Confidentiality, MailId, PostId
from ged.register.models import Attachment, AttachmentKind, Mail
from ged.register.states import MailState
from ged.richtext.placeholders import unfilled
from ged.signbook import book, choosing
from ged.signbook.book import Annex
from ged.signbook.models import Draft, SignatureWay, SignedRevision
from ged.signbook.queries.names import Refusal, number_of, refusal_of
from ged.signbook.queries.rights import Rights, rights_of
from ged.signbook.queries.steps import EntryRow, StepRow, entries_of, steps_of
from ged.signbook.render import Letter
from ged.unit import Actor, Services


@dataclass(frozen=True)
class LetterRow:
    """A letter of the signature book, with all data for its page."""

    mail_id: MailId
    version: int
    version_no: int
    state: MailState
    level: Confidentiality
    civility: str
    subject: str
    body: str
    rich: str
    addressees: tuple[Party, ...]
    copies: tuple[Party, ...]
    annexes: tuple[Annex, ...]
    amount_xof: int | None
    unfilled: tuple[str, ...]
    nature: str
    nature_is_fixed: bool
    asked: tuple[Step, ...]
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
    refusal: Refusal
    refusals: tuple[EntryRow, ...]
    """Refusals whose post has not given its visa since: each next reader sees them."""
    withdrawn: tuple[str, ...]
    """Posts that were asked at an earlier handing in, and are no longer in the circuit."""
    may: Rights


def letter(session: Session, mail_id: MailId | int, actor: Actor, *, on: date) -> LetterRow:
    """A letter with its content, circuit, history and what the actor may do now.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    mail, content = draft.mail, book.content_of(session, draft)
    revision = session.scalar(
        select(SignedRevision).where(SignedRevision.mail_id == mail.id).order_by(SignedRevision.sequence.desc())
    )
    signed = _signed_attachment(session, mail.id)
    incoming = visible_incoming(session, draft, actor)
    return LetterRow(
        mail_id=MailId(mail.id),
        version=draft.version,
        version_no=draft.version_no,
        state=mail.state,
        level=Confidentiality(mail.level),
        civility=content.civility,
        subject=content.subject,
        body=content.body,
        rich=content.rich,
        addressees=content.addressees,
        copies=content.copies,
        annexes=content.annexes,
        amount_xof=content.amount_xof,
        unfilled=unfilled(content.subject, content.body),
        nature=mail.nature,
        nature_is_fixed=bool(mail.nature) and draft.submitted_at is not None,
        asked=tuple(Step(PostId(step.post_id), step.stage, step.kind) for step in draft.steps),
        signatory_post_id=draft.signatory_post_id,
        steps=steps_of(session, draft, on),
        entries=tuple(entries_of(draft.entries)),
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
        refusals=tuple(entries_of(book.standing_refusals(draft))),
        withdrawn=_withdrawn(session, draft, on),
        may=rights_of(session, draft, actor, on=on),
    )


def _withdrawn(session: Session, draft: Draft, on: date) -> tuple[str, ...]:
    gone = choosing.withdrawn(session, draft)
    names = post_names(session, gone, on=on) if gone else {}
    return tuple(names[post_id].text for post_id in gone)


def visible_incoming(session: Session, draft: Draft, actor: Actor) -> Mail | None:
    """The answered letter, if the actor may see it: membership in the answer's circuit gives no right to it."""
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


def preview_letter(
    session: Session, services: Services, mail_id: MailId | int, actor: Actor
) -> tuple[Letter, Confidentiality]:
    """The page content of the present version, for the preview while writing, and the letter's level.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    return book.letter_of(session, services, draft, book.content_of(session, draft)), Confidentiality(draft.mail.level)
