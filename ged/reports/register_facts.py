"""What a printed register tells of its letters beyond their lines: who treats them, the reply, the departure, the discharge.

All of it is read for the letters of one sheet at once: the number of queries does not depend on the lines. Only letters
that the reader may see are asked for (``ged.reports.register_pages``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from ged.access import visible_clause
from ged.dispatch.models import DispatchLine
from ged.org.models import Post, Unit
from ged.register.models import REPLY, FilingClass, Mail, MailLink, MailNumber
from ged.register.words import CHANNELS
from ged.routing.models import Assignment, Imputation
from ged.routing.undoing import is_undone
from ged.signbook.models import Draft
from ged.unit import Actor

TextByLetter = dict[int, str]


@dataclass(frozen=True)
class Facts:
    """What other rooms know of a letter and its line in a printed register tells; words, empty where there is nothing."""

    imputed: str = ""
    """Service traitant, and the day of the decision."""
    answer: str = ""
    """Number and day of the reply."""
    filed: str = ""
    issuer: str = ""
    """Who wrote it and who signed it."""
    left: str = ""
    """Day of departure and how it left."""
    answers: str = ""
    """The number of the letter that it answers."""
    copies: int = 0
    discharge: str = ""


def facts_of(session: Session, mail_ids: Sequence[int], actor: Actor, zone: ZoneInfo) -> Mapping[int, Facts]:
    """The facts of letters as the actor may know them, with days of this zone: of other letters only those it may see."""
    if not mail_ids:
        return {}
    issuers, filed = _issuers_and_classes(session, mail_ids)
    imputed = _imputed(session, mail_ids, zone)
    answer, answers = _answer(session, mail_ids, actor), _answers(session, mail_ids, actor)
    left, copies, discharge = _departures(session, mail_ids, zone)
    return {
        mail_id: Facts(
            imputed=imputed.get(mail_id, ""),
            answer=answer.get(mail_id, ""),
            filed=filed.get(mail_id, ""),
            issuer=issuers.get(mail_id, ""),
            left=left.get(mail_id, ""),
            answers=answers.get(mail_id, ""),
            copies=copies.get(mail_id, 0),
            discharge=discharge.get(mail_id, ""),
        )
        for mail_id in mail_ids
    }


def _issuers_and_classes(session: Session, mail_ids: Sequence[int]) -> tuple[TextByLetter, TextByLetter]:
    rows = session.execute(
        select(
            Mail.id,
            # Of a letter that was signed outside of the program, ``sender_name`` is the unit that wrote it.
            case((Draft.mail_id.is_(None) & Mail.author_post_id.is_not(None), Mail.sender_name), else_=Unit.name),
            FilingClass.code,
            Draft.confirmed_title,
            Post.title,
        )
        .join(Unit, Unit.id == Mail.unit_id)
        .outerjoin(FilingClass, FilingClass.id == Mail.filing_class_id)
        .outerjoin(Draft, Draft.mail_id == Mail.id)
        .outerjoin(Post, Post.id == func.coalesce(Draft.signatory_post_id, Mail.author_post_id))
        .where(Mail.id.in_(mail_ids))
    ).all()
    issuers = {
        mail_id: "\n".join(filter(None, (unit, signed or post or ""))) for mail_id, unit, _, signed, post in rows
    }
    return issuers, {mail_id: code or "" for mail_id, _, code, *_ in rows}


def _imputed(session: Session, mail_ids: Sequence[int], zone: ZoneInfo) -> TextByLetter:
    rows = session.execute(
        select(Imputation.mail_id, Imputation.decided_at, Unit.name)
        .join(Assignment, Assignment.imputation_id == Imputation.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Imputation.mail_id.in_(mail_ids), Assignment.parent_id.is_(None), Assignment.is_leading)
        .where(~is_undone())
        .order_by(Imputation.id)  # the latest decision is the last
    )
    return {mail_id: f"{name}, le\u00a0{at.astimezone(zone):%d/%m/%Y}" for mail_id, at, name in rows}


def _answer(session: Session, mail_ids: Sequence[int], actor: Actor) -> TextByLetter:
    rows = session.execute(
        select(MailLink.to_id, MailNumber.text, MailNumber.registered_on)
        .join(MailNumber, MailNumber.mail_id == MailLink.from_id)
        .join(Mail, Mail.id == MailLink.from_id)
        .where(visible_clause(Mail.id, Mail.level, actor.principals))
        .where(MailLink.to_id.in_(mail_ids), MailLink.kind == REPLY, MailNumber.voided_at.is_(None))
        .order_by(MailNumber.id)
    )
    return _joined(((mail_id, f"{number} du\u00a0{on:%d/%m/%Y}") for mail_id, number, on in rows), "\n")


def _answers(session: Session, mail_ids: Sequence[int], actor: Actor) -> TextByLetter:
    rows = session.execute(
        select(MailLink.from_id, MailNumber.text)
        .join(MailNumber, MailNumber.mail_id == MailLink.to_id)
        .join(Mail, Mail.id == MailLink.to_id)
        .where(visible_clause(Mail.id, Mail.level, actor.principals))
        .where(MailLink.from_id.in_(mail_ids), MailLink.kind == REPLY, MailNumber.voided_at.is_(None))
        .order_by(MailNumber.id)
    )
    return _joined(((mail_id, number) for mail_id, number in rows), "\n")


def _departures(
    session: Session, mail_ids: Sequence[int], zone: ZoneInfo
) -> tuple[TextByLetter, dict[int, int], TextByLetter]:
    rows = session.execute(
        select(
            DispatchLine.mail_id, DispatchLine.is_copy, DispatchLine.channel, DispatchLine.left_at,
            DispatchLine.discharge_name, DispatchLine.discharged_at,
        )
        .where(DispatchLine.mail_id.in_(mail_ids))
        .order_by(DispatchLine.mail_id, DispatchLine.position)
    ).all()  # fmt: skip
    left = (
        (mail_id, f"{at.astimezone(zone):%d/%m/%Y}, {CHANNELS[channel]}")
        for mail_id, is_copy, channel, at, _, _ in rows
        if at is not None and not is_copy
    )
    discharged = (
        (mail_id, f"{name}, le\u00a0{at.astimezone(zone):%d/%m/%Y}")
        for mail_id, is_copy, _, _, name, at in rows
        if at is not None and not is_copy
    )
    copies: dict[int, int] = {}
    for mail_id, is_copy, *_ in rows:
        copies[mail_id] = copies.get(mail_id, 0) + bool(is_copy)
    return _joined(left, "\n"), copies, _joined(discharged, "\n")


def _joined(rows: Iterable[tuple[int, str]], between: str) -> TextByLetter:
    found: dict[int, dict[str, None]] = {}
    for mail_id, words in rows:
        found.setdefault(mail_id, {})[words] = None
    return {mail_id: between.join(words) for mail_id, words in found.items()}
