"""The signature book's panel on a letter's page: its answers, or the letter that it answers."""

from dataclasses import dataclass

from sqlalchemy import Select, select, union
from sqlalchemy.orm import Session

from ged import access
from ged.access import visible_clause
from ged.errors import NotFound
from ged.org.stock import entities_of
from ged.ports import Confidentiality, MailId
from ged.register.models import REPLY, Direction, Mail, MailLink
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.signbook.models import Draft
from ged.signbook.queries.choices import TemplateRow, templates
from ged.signbook.queries.names import number_of
from ged.unit import Actor


@dataclass(frozen=True)
class Answerable:
    """An incoming letter that may be answered."""

    mail_id: MailId
    number: str
    subject: str
    sender: str


@dataclass(frozen=True)
class AnswerRow:
    """An outgoing letter, named on another letter's page.

    Attributes:
        is_draft: whether it was written here; a letter that the mail office registered already signed was not.
    """

    mail_id: MailId
    subject: str
    number: str
    state: MailState
    is_draft: bool


@dataclass(frozen=True)
class LetterPanel:
    """The signature book's panel.

    Attributes:
        templates: templates for an answer; empty when the letter cannot be answered.
        own: the letter itself, if it is outgoing.
        answered: the letter that it answers, if the actor may see it.
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
    if mail.direction is not Direction.INCOMING:
        return _own(session, mail, actor)
    may_answer = bool(actor.working_posts) and mail.state not in (MailState.CLOSED, MailState.VOIDED)
    offered = tuple(templates(session, entities_of(actor))) if may_answer else ()
    seen = visible_clause(Mail.id, Mail.level, actor.principals)
    drafted = select(Draft.mail_id).where(Draft.answers_id == mail.id)
    linked = select(MailLink.from_id).where(MailLink.to_id == mail.id, MailLink.kind == REPLY)
    query = _outgoing().where(Mail.id.in_(union(drafted, linked)), seen).order_by(Mail.id)
    answers = _answer_rows(session, query)
    return LetterPanel(MailId(mail.id), answers, offered) if answers or offered else None


def _own(session: Session, mail: Mail, actor: Actor) -> LetterPanel | None:
    """The panel of an outgoing letter: itself, and the letter that it answers."""
    own = _answer_rows(session, _outgoing().where(Draft.mail_id == mail.id))
    if not own:
        return None
    query = (
        select(Mail.id, first_number(Mail.id), Mail.subject, Mail.sender_name)
        .join(Draft, Draft.answers_id == Mail.id)
        .where(Draft.mail_id == mail.id, visible_clause(Mail.id, Mail.level, actor.principals))
    )
    answered = session.execute(query).one_or_none()
    if answered is None:
        return LetterPanel(MailId(mail.id), own=own[0])
    answered_id, number, subject, sender = answered
    found = Answerable(MailId(answered_id), number or "", subject, sender)
    return LetterPanel(MailId(mail.id), own=own[0], answered=found)


def _outgoing() -> Select[int, str, str | None, MailState, int | None]:
    return select(Mail.id, Mail.subject, first_number(Mail.id), Mail.state, Draft.mail_id).outerjoin(
        Draft, Draft.mail_id == Mail.id
    )


def _answer_rows(session: Session, query: Select[int, str, str | None, MailState, int | None]) -> tuple[AnswerRow, ...]:
    return tuple(
        AnswerRow(MailId(mail_id), subject, number or "", state, draft is not None)
        for mail_id, subject, number, state, draft in session.execute(query)
    )
