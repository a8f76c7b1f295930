"""What the page of a letter shows of the signature book: its answers, or the letter that it answers."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ged import access
from ged.errors import NotFound
from ged.ports import Confidentiality, MailId
from ged.registry.models import Direction, Mail
from ged.registry.states import MailState
from ged.signbook.models import Draft
from ged.signbook.queries.choices import TemplateRow, templates
from ged.signbook.queries.names import all_drafts, number_of, visible
from ged.signbook.queries.one_letter import visible_incoming
from ged.unit import Actor, Role


@dataclass(frozen=True)
class Answerable:
    """An incoming letter that may be answered."""

    mail_id: MailId
    number: str
    subject: str
    sender: str


@dataclass(frozen=True)
class AnswerRow:
    """An outgoing letter, as another letter's page names it."""

    mail_id: MailId
    subject: str
    number: str
    state: MailState


@dataclass(frozen=True)
class LetterPanel:
    """What the letter's page shows of the signature book.

    Attributes:
        templates: to begin an answer with; empty when the letter is none that is answered.
        own: the letter itself, when it is an outgoing one.
        answered: the letter that it answers, when the actor may see it.
    """

    mail_id: MailId
    answers: tuple[AnswerRow, ...] = ()
    templates: tuple[TemplateRow, ...] = ()
    own: AnswerRow | None = None
    answered: Answerable | None = None


def answerable(session: Session, mail_id: MailId | int, actor: Actor) -> Answerable:
    """The incoming letter that a draft would answer.

    Raises:
        NotFound: ``mail.unknown``.
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(session, mail.id, Confidentiality(mail.level), actor)
    return Answerable(MailId(mail.id), number_of(mail), mail.subject, mail.sender_name)


def letter_panel(session: Session, mail_id: MailId | int, actor: Actor) -> LetterPanel | None:
    """The panel of a letter's page; the caller has checked that the actor may see the letter."""
    mail = session.get_one(Mail, mail_id)
    draft = session.get(Draft, mail_id)
    if draft is not None:
        incoming = visible_incoming(session, draft, actor)
        answered = None
        if incoming is not None:
            answered = Answerable(MailId(incoming.id), number_of(incoming), incoming.subject, incoming.sender_name)
        return LetterPanel(MailId(mail.id), own=_answer(draft), answered=answered)
    if mail.direction is not Direction.INCOMING:
        return None
    found = session.scalars(visible(all_drafts().where(Draft.answers_id == mail.id), actor).order_by(Draft.mail_id))
    works = any(post.roles - {Role.ADMINISTRATOR, Role.AUDITOR} for post in actor.posts)
    may_answer = works and mail.state not in (MailState.CLOSED, MailState.VOIDED)
    offered = tuple(templates(session)) if may_answer else ()
    answers = tuple(_answer(one) for one in found)
    return LetterPanel(MailId(mail.id), answers, offered) if answers or offered else None


def _answer(draft: Draft) -> AnswerRow:
    number = draft.number.text if draft.number is not None else ""
    return AnswerRow(MailId(draft.mail_id), draft.mail.subject, number, draft.mail.state)
