"""Which letters of a unit may be eliminated on a day: closed, with a nature whose time of keeping is over."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged import access, destroyed
from ged.disposal.models import Disposal, DisposalLine, LetterHold
from ged.natures.models import FinalAct, Nature
from ged.org.stock import by_code
from ged.org.tree import entity_of, headed
from ged.ports import Confidentiality, UnitId
from ged.register.models import Attachment, AttachmentPage, Mail, MailLink
from ged.register.queries import first_numbers
from ged.register.states import MailState
from ged.unit import Actor

ENDS = frozenset({FinalAct.PAPER, FinalAct.DESTROY})
"""Final acts of letters that may be on a slip."""
MOST = 500
"""Letters of one slip: a person must be able to read it."""


@dataclass(frozen=True)
class Line:
    """A letter that may be eliminated.

    Attributes:
        files: the digests of its files, in order.
        final_act: what becomes of the files: ``FinalAct.PAPER`` or ``FinalAct.DESTROY``.
    """

    mail_id: int
    number: str
    subject: str
    nature: str
    closed_on: date
    kept_until: date
    files: tuple[str, ...]
    final_act: str


def years_after(day: date, years: int) -> date:
    """The same day so many years later; of 29 February the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def eligible(
    session: Session, unit_id: int, actor: Actor, *, on: date, zone: ZoneInfo, only: Collection[int] | None = None
) -> list[Line]:
    """The letters that an actor sees, of a unit and the units below it, whose time is over before a day; at most ``MOST``.

    On no slip is a letter that

    - is SECRET: its level is lowered first;
    - is on a slip that waits or is confirmed;
    - was destroyed: after a restore its slip may be lost;
    - is held (``ged.disposal.holds``);
    - goes to the national archives, or is kept for ever;
    - is linked to a letter that is at work, where its files would be destroyed: who works on that one reads this one.

    Args:
        only: of these letters alone, whatever slip they are on.
    """
    units = sorted(headed([UnitId(unit_id)], actor.units))
    natures = by_code(session.scalars(select(Nature).order_by(Nature.id)), [entity_of(unit_id, actor.units)])
    ending = {code: row for code, row in natures.items() if row.retention_years is not None and row.final_act in ENDS}
    if not ending:
        return []
    years = {code: row.retention_years or 0 for code, row in ending.items()}
    doomed = sorted(code for code, row in ending.items() if row.final_act == FinalAct.DESTROY)
    # The exact last day depends on the letter's nature and on leap years: the database leaves out what is surely too young.
    at_least = datetime.combine(on - timedelta(days=365 * min(years.values())), time.max, tzinfo=zone)
    query = (
        select(Mail.id, Mail.subject, Mail.nature, Mail.closed_at)
        .where(func.coalesce(Mail.responsible_unit_id, Mail.unit_id).in_(units))
        .where(Mail.state == MailState.CLOSED, Mail.closed_at.is_not(None), Mail.nature.in_(sorted(years)))
        .where(Mail.closed_at <= at_least)
        .where(Mail.level < int(Confidentiality.SECRET))
        .where(Mail.nature.not_in(doomed) | ~_is_at_work())
        .where(~destroyed.holds(Mail.id))
        .where(~exists().where(LetterHold.mail_id == Mail.id, LetterHold.lifted_at.is_(None)))
        .where(access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Mail.closed_at, Mail.id)
    )
    if only is not None:
        query = query.where(Mail.id.in_(sorted(only)))
    else:
        standing = (
            Disposal.id == DisposalLine.disposal_id,
            Disposal.refused_at.is_(None),
            Disposal.lapsed_at.is_(None),
        )
        query = query.where(~exists().where(DisposalLine.mail_id == Mail.id, *standing))
    found = []
    for mail_id, subject, nature, closed_at in session.execute(query):
        if closed_at is None:
            continue
        closed_on = _day(closed_at, zone)
        until = years_after(closed_on, years[nature])
        if until < on:
            found.append((mail_id, subject, nature, closed_on, until))
        if len(found) == MOST:
            break
    ids = [one[0] for one in found]
    numbers, files = first_numbers(session, ids), _files(session, ids)
    return [
        Line(
            mail_id, numbers.get(mail_id, ""), subject, nature, closed_on, until, tuple(files.get(mail_id, ())),
            ending[nature].final_act,
        )
        for mail_id, subject, nature, closed_on, until in found
    ]  # fmt: skip


def digest_of(unit_id: int, lines: Iterable[Line]) -> str:
    """SHA-256 of a list, of what stands on it: the letters, their numbers, subjects, dates, the bytes of their files, and what
    becomes of these (where they stay, nothing is said: so earlier slips keep their digest)."""
    content = [
        [
            one.mail_id, one.number, one.subject, one.nature, one.closed_on.isoformat(), one.kept_until.isoformat(), *one.files,
            *([one.final_act] if one.final_act else []),
        ]
        for one in sorted(lines, key=lambda line: line.mail_id)
    ]  # fmt: skip
    return hashlib.sha256(
        json.dumps([unit_id, content], ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def _is_at_work() -> ColumnElement[bool]:
    """Whether a letter is linked to one that is neither closed nor void."""
    other = aliased(Mail)
    ends = ((MailLink.from_id, MailLink.to_id), (MailLink.to_id, MailLink.from_id))
    over = (MailState.CLOSED, MailState.VOIDED)
    return or_(
        *(
            exists().where(own == Mail.id, far == other.id, other.state.not_in(over)).correlate(Mail)
            for own, far in ends
        )
    )


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _files(session: Session, ids: list[int]) -> dict[int, list[str]]:
    """The digest of each file; of a scan, which is its pages, that of their digests in order."""
    pages: dict[int, list[str]] = {}
    scanned = (
        select(AttachmentPage.attachment_id, AttachmentPage.digest)
        .join(Attachment, Attachment.id == AttachmentPage.attachment_id)
        .where(Attachment.mail_id.in_(ids), Attachment.digest.is_(None))
        .order_by(AttachmentPage.attachment_id, AttachmentPage.page_no)
    )
    for attachment_id, page in session.execute(scanned):
        pages.setdefault(attachment_id, []).append(page)
    found: dict[int, list[str]] = {}
    of_letters = select(Attachment.mail_id, Attachment.id, Attachment.digest).where(Attachment.mail_id.in_(ids))
    for mail_id, attachment_id, digest in session.execute(of_letters.order_by(Attachment.id)):
        content_digest = digest or hashlib.sha256("|".join(pages.get(attachment_id, ())).encode()).hexdigest()
        found.setdefault(mail_id, []).append(content_digest)
    return found
