"""Letters that were sent again: each letter's sketch is stored, and similar letters are found. A match is shown only to
people who may see the earlier letter."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, bindparam, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from ged import access
from ged.counting import composed
from ged.ports import Confidentiality
from ged.register.models import Attachment, AttachmentKind, Direction, Mail, MailLink, PageText
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.suggestions.lookalike import bands_of, image_score, numbers_agree, text_score
from ged.suggestions.models import LetterSketch, Lookalike, SketchBand
from ged.unit import Actor, Services, UnitOfWork

SAME_TEXT = 0.5
"""Measured on synthetic letters scanned twice: 0.92 and more; on unrelated letters: 0.15 and less."""
SOME_TEXT, SAME_IMAGE = 0.3, 0.75
"""Both together are enough for a badly read page. The image alone is not: letters of one sender look alike (0.84)."""
WORDLESS_IMAGE = 0.9
"""Threshold for two pages without legible text."""
CANDIDATES, WORDLESS = 30, 2000
KEPT = 5
REMINDER = "reminder_of"


@dataclass(frozen=True)
class LookalikeRow:
    """An earlier letter that this letter resembles; ``score`` 0..100. ``is_linked``: the two are already linked."""

    mail_id: int
    number: str
    subject: str
    received_on: date | None
    score: int
    is_linked: bool = False


def note_letter(uow: UnitOfWork, attachment: Attachment, text: str, image: str) -> None:
    """Store the sketch of a letter's first page, and the similar earlier letters. Secret letters are skipped."""
    mail = uow.session.get_one(Mail, attachment.mail_id)
    _forget_sketch(uow, attachment.id)
    if not _is_compared(mail, attachment):
        return
    bands = bands_of(text)
    found = _find(uow.session, bands, text, image, before=mail.id)
    uow.session.add(LetterSketch(attachment_id=attachment.id, mail_id=mail.id, image_hash=image, made_at=uow.now))
    uow.session.flush()
    uow.session.add_all(
        SketchBand(attachment_id=attachment.id, band_no=n, value=value) for n, value in enumerate(bands)
    )
    uow.session.execute(delete(Lookalike).where(Lookalike.mail_id == mail.id))
    uow.session.add_all(Lookalike(mail_id=mail.id, found_at=uow.now, **one) for one in found)


def note_scan(uow: UnitOfWork, scan_id: int, text: str, image: str) -> None:
    """Store the letters that a waiting scan resembles."""
    found = _find(uow.session, bands_of(text), text, image, before=None)
    uow.session.execute(delete(Lookalike).where(Lookalike.scan_id == scan_id))
    uow.session.add_all(Lookalike(scan_id=scan_id, found_at=uow.now, **one) for one in found)


def _is_compared(mail: Mail, attachment: Attachment) -> bool:
    return (
        attachment.kind is AttachmentKind.DOCUMENT
        and mail.direction is Direction.INCOMING
        and mail.level < int(Confidentiality.SECRET)
    )


def _forget_sketch(uow: UnitOfWork, attachment_id: int) -> None:
    uow.session.execute(delete(SketchBand).where(SketchBand.attachment_id == attachment_id))
    uow.session.execute(delete(LetterSketch).where(LetterSketch.attachment_id == attachment_id))


def _find(
    session: Session, bands: Sequence[int], text: str, image: str, *, before: int | None
) -> list[dict[str, float | int]]:
    """The letters that resemble a page, best first, as columns of ``Lookalike``."""
    if not bands:
        return _find_wordless(session, image, before=before)
    keys = [(SketchBand.band_no == n) & (SketchBand.value == value) for n, value in enumerate(bands)]
    common = func.count(SketchBand.band_no)
    near = session.execute(
        select(LetterSketch.attachment_id, LetterSketch.mail_id, LetterSketch.image_hash)
        .join(SketchBand, SketchBand.attachment_id == LetterSketch.attachment_id)
        .where(or_(*keys), *([LetterSketch.mail_id < before] if before is not None else []))
        .group_by(LetterSketch.attachment_id, LetterSketch.mail_id, LetterSketch.image_hash)
        .order_by(common.desc(), LetterSketch.attachment_id.desc())
        .limit(CANDIDATES)
    ).all()
    rows = session.execute(
        select(PageText.attachment_id, PageText.text).where(
            PageText.attachment_id.in_([row.attachment_id for row in near]), PageText.page_no == 1
        )
    )
    texts = {attachment_id: other for attachment_id, other in rows}  # noqa: C416  # rows are no pairs to mypy
    best: dict[int, tuple[float, float]] = {}
    for attachment_id, mail_id, image_hash in near:
        other = texts.get(attachment_id, "")
        scores = text_score(text, other), image_score(image, image_hash)
        if is_likely(*scores) and numbers_agree(text, other):
            best[mail_id] = max(best.get(mail_id, (0.0, 0.0)), scores)
    return _ranked(best)


def _find_wordless(session: Session, image: str, *, before: int | None) -> list[dict[str, float | int]]:
    """The latest letters without a legible first page that look the same."""
    rows = session.execute(
        select(LetterSketch.mail_id, LetterSketch.image_hash)
        .where(
            LetterSketch.image_hash != "",
            ~exists().where(SketchBand.attachment_id == LetterSketch.attachment_id),
            *([LetterSketch.mail_id < before] if before is not None else []),
        )
        .order_by(LetterSketch.attachment_id.desc())
        .limit(WORDLESS)
    ).all()
    scores = [(mail_id, image_score(image, other)) for mail_id, other in rows]
    return _ranked({mail_id: (0.0, score) for mail_id, score in scores if score >= WORDLESS_IMAGE})


def _ranked(best: dict[int, tuple[float, float]]) -> list[dict[str, float | int]]:
    ranked = sorted(best.items(), key=lambda one: one[1], reverse=True)[:KEPT]
    return [{"other_mail_id": i, "text_score": words, "image_score": image} for i, (words, image) in ranked]


def is_likely(words: float, image: float) -> bool:
    """Whether the similarity is high enough to show it to a person."""
    return words >= SAME_TEXT or (words >= SOME_TEXT and image >= SAME_IMAGE)


def of_scan(session: Session, scan_id: int, actor: Actor) -> list[LookalikeRow]:
    """The letters, visible to the actor, that a waiting scan resembles. The caller has checked access to the scan."""
    return _rows(session.execute(_lookalikes(actor, Lookalike.scan_id == scan_id)))


def of_letter(session: Session, mail_id: int, actor: Actor) -> list[LookalikeRow]:
    """The earlier letters, visible to the actor, that a letter resembles. The caller has checked its access."""
    return _rows(session.execute(_of_letter(actor), {"mail": int(mail_id)}))


@composed
def _of_letter(actor: Actor) -> Executable:
    """The statement of ``of_letter`` for the letter ``mail``."""
    return _lookalikes(actor, Lookalike.mail_id == bindparam("mail"))


def _lookalikes(actor: Actor, whose: ColumnElement[bool]) -> Executable:
    linked = or_(
        exists().where(MailLink.from_id == Lookalike.mail_id, MailLink.to_id == Mail.id),
        exists().where(MailLink.to_id == Lookalike.mail_id, MailLink.from_id == Mail.id),
    )
    return (
        select(Lookalike, Mail.id, Mail.subject, Mail.received_on, first_number(Mail.id), linked)
        .join(Mail, Mail.id == Lookalike.other_mail_id)
        .where(
            whose,
            Mail.state != MailState.VOIDED,
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Lookalike.text_score.desc(), Lookalike.id)
        .limit(KEPT)
    )


def _rows(found: Iterable[Any]) -> list[LookalikeRow]:
    return [
        LookalikeRow(
            mail_id,
            number or "",
            subject,
            received_on,
            round(100 * max(row.text_score, min(row.image_score, 0.99))),
            bool(is_linked),
        )
        for row, mail_id, subject, received_on, number, is_linked in found
    ]


def fill_in(services: Services, *, heartbeat: Callable[[str], None], now: datetime, batch: int = 20) -> int:
    """Make missing sketches of letters that were read before sketches existed; returns how many."""
    made = 0
    while True:
        with services.unit_of_work(now) as uow:
            rows = uow.session.execute(
                select(Attachment, PageText.text)
                .join(PageText, (PageText.attachment_id == Attachment.id) & (PageText.page_no == 1))
                .join(Mail, Mail.id == Attachment.mail_id)
                .outerjoin(LetterSketch, LetterSketch.attachment_id == Attachment.id)
                .where(LetterSketch.attachment_id.is_(None), _compared())
                .order_by(Attachment.id)
                .limit(batch)
            ).all()
            for attachment, text in rows:
                note_letter(uow, attachment, text, "")
        made += len(rows)
        if len(rows) < batch:
            return made
        heartbeat(f"{made}")


def _compared() -> ColumnElement[bool]:
    return and_(
        Attachment.kind == AttachmentKind.DOCUMENT,
        Mail.direction == Direction.INCOMING,
        Mail.level < int(Confidentiality.SECRET),
    )
