"""Letters of the signature book that are written in Word: the texts of their fields, and their pages."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.dispatch.models import Party
from ged.errors import Invalid
from ged.jobs import JobKind
from ged.letterhead import country_and_motto
from ged.org.models import Holding, Person, Unit
from ged.org.titles import Signatory
from ged.ports import Digest, MailId
from ged.register.models import AttachmentKind, Mail
from ged.register.operations import attach
from ged.richtext.placeholders import fill
from ged.signbook import render
from ged.signbook.models import Draft
from ged.signbook.render import Letter, PageMode, Pages, french_day, letter_pages, preview_pages
from ged.unit import Actor, Services, UnitOfWork
from ged.word import making
from ged.word.letters import NUMBER, SIGNATURE, Values, WordFile, WordSheets
from ged.word.making import Printed

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def with_sheets(session: Session, services: Services, draft: Draft, letter: Letter, file: WordFile) -> Letter:
    """The letter with the pages of its Word file, where they are made with its present texts."""
    sheets = WordSheets(file.digest, values_of(session, draft, letter))
    return replace(letter, word=making.known(session, services, draft.mail_id, sheets))


def values_of(session: Session, draft: Draft, letter: Letter) -> Values:
    """The texts of the merge fields, from the draft as it is now."""
    country, motto = country_and_motto(letter.country)
    incoming = session.get(Mail, draft.answers_id) if draft.answers_id is not None else None
    arrived = next((one.text for one in incoming.numbers if one.voided_at is None), "") if incoming is not None else ""
    author = session.get(Person, draft.mail.author_person_id) if draft.mail.author_person_id is not None else None
    first = letter.addressees[0] if letter.addressees else Party("")
    return Values.of(
        {
            "organisation": letter.organisation,
            "services": "\n".join(letter.units),
            "pays": country,
            "devise": motto,
            "lieu": letter.place,
            "expediteur": letter.sender,
            "destinataire": first.name,
            "destinataire_adresse": first.address,
            "destinataires": "\n".join("\n".join(filter(None, (one.name, one.address))) for one in letter.addressees),
            "civilite": letter.civility,
            "objet": fill(letter.subject, {"civilite": letter.civility}),
            "notre_reference": letter.our_reference,
            "votre_reference": letter.reference,
            "numero_arrivee": arrived,
            "date_arrivee": french_day(incoming.received_on) if incoming is not None and incoming.received_on else "",
            "pieces_jointes": render.annexes_line(letter.annexes),
            "ampliations": "\n".join(
                f"– {name} : 1" for name in (*letter.copies, *(("Chrono", "Archives") if letter.copies else ()))
            ),
            "mentions": " · ".join(letter.stamps).upper(),
            "signataire": _holder(session, draft.signatory_post_id),
            "signataire_fonction": letter.sender,
            "service": session.get_one(Unit, draft.mail.unit_id).name,
            "redacteur": author.name if author is not None else "",
            "initiales": letter.our_reference.rpartition("/")[2],
        }
    )


def _holder(session: Session, post_id: int | None) -> str:
    """Who holds a post until further notice; empty: nobody."""
    held = select(Person.name).join(Holding, Holding.person_id == Person.id).where(Holding.until_on.is_(None))
    return session.scalar(held.where(Holding.post_id == post_id).order_by(Holding.id.desc()).limit(1)) or ""


def check_settled(file: WordFile | None) -> None:
    """Require that nothing is left to decide in a letter's Word file, before its pages are read in the circuit or signed.

    Raises:
        Invalid: ``word.unsettled``.
    """
    if file is not None and (file.changes or file.comments):
        raise Invalid(
            "word.unsettled", "settle them in Word", field="word", changes=file.changes, comments=file.comments
        )


def shown_pages(services: Services, letter: Letter, *, at: datetime) -> Pages:
    """The pages that the signature book shows: of a letter from Word, exactly those that were made of it.

    Raises:
        Invalid: ``typeset.glyph``; why there are no pages of the Word file, ``word.waiting``.
    """
    if letter.word is None:
        return preview_pages(letter, at=at)
    return _pages(letter.word, making.read(services, letter.word))


def pages_of(
    services: Services,
    letter: Letter,
    *,
    mode: PageMode,
    at: datetime,
    number: str = "",
    on: date | None = None,
    signatory: Signatory | None = None,
    code: str = "",
) -> Pages:
    """As ``render.letter_pages``; a letter from Word has number, date and mark printed over its pages.

    Raises:
        Invalid: as ``shown_pages``.
        EngineFailed: ``ocr.timeout``, ``ocr.crashed``.
    """
    if letter.word is None:
        return letter_pages(letter, mode=mode, at=at, number=number, on=on, signatory=signatory, code=code)
    by_hand = signatory if mode is PageMode.INK else None
    printed = Printed(
        number=number,
        day=french_day(on) if on is not None else "",
        mark=(*by_hand.capacity, by_hand.title) if by_hand is not None else (),
        name=by_hand.name if by_hand is not None else "",
        code=code,
    )
    return _pages(letter.word, making.stamped(services, letter.word, printed, at=at))


def _pages(sheets: WordSheets, pdf: bytes) -> Pages:
    return Pages(pdf, len(sheets.sizes), sheets.box(NUMBER), sheets.box(SIGNATURE))


def attached(uow: UnitOfWork, mail_id: MailId | int, file: WordFile, actor: Actor) -> WordFile:
    """Attach a Word file to the letter: it has no pages of its own, and no search finds it."""
    key = attach(
        uow, mail_id, kind=AttachmentKind.RENDERED, pages=(), media_type=DOCX, actor=actor, now=uow.now,
        filename=file.name, digest=Digest(file.digest), reason="Word", recognise=False,
    )  # fmt: skip
    return replace(file, id=int(key))


def ask(uow: UnitOfWork, mail_id: MailId | int, letter: Letter) -> None:
    """Defer the job that makes the pages, unless they are made or the document is refused."""
    if letter.word is not None and not letter.word.is_final:
        making.forget_failure(uow.session, mail_id, letter.word)
        uow.defer(JobKind.WORD_PAGES, int(mail_id))


def require_asked(services: Services, mail_id: MailId | int, letter: Letter, *, now: datetime) -> None:
    """Require that the pages are made, or the document refused; else ask for them.

    Raises:
        Invalid: ``word.waiting``.
    """
    if letter.word is not None and not letter.word.is_final:
        with services.unit_of_work(now) as uow:
            ask(uow, mail_id, letter)
        raise making.refusal_of(replace(letter.word, failure=""))


def require_made(services: Services, mail_id: MailId | int, letter: Letter, *, now: datetime) -> Letter:
    """The letter with its pages, made now where they are missing. Slow; without any lock.

    Raises:
        EngineFailed: as ``making.made``.
    """
    if letter.word is None:
        return letter
    return replace(letter, word=making.made(services, mail_id, letter.word, now=now))
