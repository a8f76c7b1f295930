"""Signed by hand: printed without number, signed and sealed, numbered and dated at the mail office, scanned.

The QR code on the print joins the scan of the signed original to its letter: the reference copy. Such a letter is
never shown as signed electronically: it has no signed revision.
"""

from datetime import datetime
from io import BytesIO

from ged import access
from ged.access import Because
from ged.codes import CodeKind, make_code
from ged.errors import InvalidTransition
from ged.org.models import Post
from ged.ports import AttachmentId, MailId, unit_principal
from ged.registry import allocation
from ged.registry.files import Upload
from ged.registry.intake import ProofScan
from ged.registry.models import AttachmentKind
from ged.registry.operations import SourcePage, attach
from ged.registry.states import MailState
from ged.signbook import book, operations, presign
from ged.signbook.models import CircuitAct, Draft, SignatureWay
from ged.signbook.render import Letter, PageMode, letter_pages
from ged.unit import SYSTEM, Actor, Services, UnitOfWork


def confirm_ink(services: Services, mail_id: MailId | int, *, version_no: int, actor: Actor, now: datetime) -> None:
    """The signatory decides to sign by hand: the pages are set for the print; no number is used yet.

    Raises:
        NotFound, Forbidden, InvalidTransition, StaleVersion: as ``operations.confirm``.
        Invalid: ``presign.…``, ``sign.no_register``: the check before the signature found something that blocks;
            ``typeset.glyph``, ``power.type``, ``power.amount``, ``power.not_in_force``. Nothing can be printed then.
    """
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        words = book.signatory_words(
            session, actor, book.signing_post(draft, actor, on=operations.local_day(services, now))
        )
        letter = Letter.restored(draft.letter)
    checked = presign.check(services, mail_id, actor=actor, now=now).in_ink()
    code = make_code(CodeKind.OUTGOING, int(mail_id), key=services.code_key)
    pages = letter_pages(letter, mode=PageMode.INK, at=now, signatory=words, code=code)
    digest = services.blobs.put(BytesIO(pages.pdf)).digest
    for attempt in services.attempts(now):
        with attempt as uow:
            draft, post = operations.confirming(uow, mail_id, version_no=version_no, actor=actor)
            checked.require()
            draft.way = SignatureWay.INK
            draft.print_id = book.attach_pages(
                uow, draft, digest, pages, kind=AttachmentKind.RENDERED, filename="a-signer.pdf", actor=actor,
                reason="Signature manuscrite",
            )  # fmt: skip
            register = book.departure_register(uow.session, _signing_unit(uow, draft))
            access.grant(uow, draft.mail_id, (unit_principal(register.unit_id),), Because.REGISTERED)
            book.enter(uow, draft, CircuitAct.CONFIRM, actor=actor, post=post, text="ink")


def cancel_ink(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor) -> None:
    """The signatory gives the print up before a number was written on it: the letter waits for the signature again.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``sign.not_signatory``.
        InvalidTransition: ``ink.not_waiting``.
    """
    draft = book.locked(uow, mail_id, actor)
    post = book.signing_post(draft, actor, on=operations.local_day(uow.services, uow.now))
    _require_printed(draft)
    draft.way, draft.confirmed_at, draft.confirmed_by_id = None, None, None
    draft.confirmed_name = draft.confirmed_title = draft.confirmed_capacity = ""
    book.enter(uow, draft, CircuitAct.CANCEL_INK, actor=actor, post=post)


def number_ink(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor) -> str:
    """The mail office writes number and date on the signed original. Answers the number.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``ink.not_waiting``.
    """
    draft = book.locked(uow, mail_id, actor)
    _require_printed(draft)
    register = book.departure_register(uow.session, _signing_unit(uow, draft))
    post = allocation.clerk_post(uow.session, register.id, actor)
    book.enter(uow, draft, CircuitAct.NUMBER, actor=actor, post=post)
    operations.number_letter(uow, draft, actor=actor, post=post)
    return draft.number.text if draft.number is not None else ""


def scan_arrived(
    uow: UnitOfWork,
    mail_id: MailId | int,
    pages: tuple[SourcePage, ...],
    *,
    actor: Actor,
    now: datetime,
    upload: Upload | None = None,
) -> AttachmentId:
    """The scan of the signed original becomes the reference copy, and the signature counts.

    The caller has checked that the actor may (the intake found our code, or a clerk joined it by hand).

    Raises:
        InvalidTransition: ``ink.not_numbered``: the original bears no number yet, or was scanned already.
    """
    draft = book.lock(uow, mail_id)
    if draft.way is not SignatureWay.INK or draft.mail.state is not MailState.NUMBERED:
        raise InvalidTransition("ink.not_numbered", "number the signed original first", id=int(mail_id))
    attachment_id = attach(
        uow,
        draft.mail_id,
        kind=AttachmentKind.SIGNED,
        pages=pages,
        media_type=pages[0].media_type,
        actor=actor,
        now=now,
        filename=upload.filename if upload is not None else "",
        digest=upload.digest if upload is not None else None,
        size_bytes=upload.size_bytes if upload is not None else 0,
        reason="Original signé à la main",
    )
    operations.finish_signature(uow, draft, actor=actor, post=None)
    return attachment_id


def join_by_hand(
    uow: UnitOfWork, mail_id: MailId | int, upload: Upload, *, actor: Actor, now: datetime
) -> AttachmentId:
    """A clerk of the register joins the scan of the signed original: the code could not be read.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``ink.not_numbered``.
    """
    draft = book.require(uow.session, mail_id, actor)
    allocation.clerk_post(uow.session, book.departure_register(uow.session, _signing_unit(uow, draft)).id, actor)
    return scan_arrived(uow, mail_id, upload.pages, actor=actor, now=now, upload=upload)


def take_scan(uow: UnitOfWork, proof: ProofScan) -> AttachmentId | None:
    """The intake's handler of ``CodeKind.OUTGOING``: None leaves the scan waiting, for it comes too early or twice."""
    draft = uow.session.get(Draft, proof.subject_id)
    if draft is None or draft.way is not SignatureWay.INK or draft.mail.state is not MailState.NUMBERED:
        return None
    return scan_arrived(uow, MailId(proof.subject_id), proof.pages, actor=SYSTEM, now=uow.now)


def _require_printed(draft: Draft) -> None:
    if draft.way is not SignatureWay.INK or draft.mail.state is not MailState.IN_CIRCUIT:
        raise InvalidTransition("ink.not_waiting", "reload the page: the letter does not wait for its number")


def _signing_unit(uow: UnitOfWork, draft: Draft) -> int:
    return uow.session.get_one(Post, book.require_circuit(draft).signatory).unit_id
