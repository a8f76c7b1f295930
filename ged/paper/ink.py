"""Signed by hand: printed without number, signed and sealed, numbered and dated at the mail office, scanned.

The QR code on the print says to which letter the scan of the signed original belongs; a clerk of the register compares
both and confirms (``ged.paper``), and the scan becomes the reference copy. Such a letter is never shown as signed
electronically: it has no signed revision.
"""

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from sqlalchemy.orm import Session

from ged import access
from ged.access import Because
from ged.capture.intake import join
from ged.capture.models import Scan
from ged.codes import CodeKind, make_code
from ged.errors import InvalidTransition
from ged.org.models import Post
from ged.ports import AttachmentId, MailId, unit_principal
from ged.register import registers
from ged.register.models import Attachment, AttachmentKind
from ged.register.states import MailState
from ged.signbook import book, operations, presign
from ged.signbook.models import CircuitAct, Draft, SignatureWay
from ged.signbook.render import Letter, PageMode, letter_pages
from ged.unit import Actor, HeldPost, Services, UnitOfWork


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
            register = book.departure_register(uow.session, _signing_unit(uow.session, draft))
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
    """The mail office writes number and date on the signed original. Returns the number.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``ink.not_waiting``.
    """
    draft = book.locked(uow, mail_id, actor)
    _require_printed(draft)
    register = book.departure_register(uow.session, _signing_unit(uow.session, draft))
    post = registers.clerk_post(uow.session, register.id, actor)
    book.enter(uow, draft, CircuitAct.NUMBER, actor=actor, post=post)
    operations.number_letter(uow, draft, actor=actor, post=post)
    return draft.number.text if draft.number is not None else ""


def waits_for_original(draft: Draft) -> bool:
    """Whether the scan of the original signed by hand is still to come: it bears its number, and none was joined."""
    return draft.way is SignatureWay.INK and draft.mail.state is MailState.NUMBERED


def printed_pages(session: Session, draft: Draft) -> int:
    """How many pages the print has that was signed by hand; 0 when none is kept."""
    kept = session.get(Attachment, draft.print_id) if draft.print_id is not None else None
    return kept.page_count if kept is not None else 0


def office_for_original(session: Session, mail_id: MailId | int, actor: Actor) -> HeldPost:
    """The clerk's post through which the actor brings and confirms the scan of an original signed by hand.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``ink.not_numbered``: the original bears no number yet, or was scanned already.
    """
    draft = book.require(session, mail_id, actor)
    register = book.departure_register(session, _signing_unit(session, draft))
    post = registers.clerk_post(session, register.id, actor)
    if not waits_for_original(draft):
        raise InvalidTransition("ink.not_numbered", "number the signed original first", id=int(mail_id))
    return post


def original_confirmed(
    uow: UnitOfWork,
    mail_id: MailId | int,
    scan: Scan,
    *,
    actor: Actor,
    post: HeldPost,
    came: Mapping[str, Any],
) -> AttachmentId:
    """A clerk of the register saw print and scan side by side: the scan is the reference copy, the signature counts.

    The letter is locked by the caller, who has checked that the actor may. The journal names the clerk as the one who
    did it, and beside who brought the scan (``came``).

    Raises:
        InvalidTransition: ``ink.not_numbered``: the original bears no number yet, or was scanned already.
        Invalid: ``scan.no_pages``.
    """
    draft = book.lock(uow, mail_id)
    if not waits_for_original(draft):
        raise InvalidTransition("ink.not_numbered", "number the signed original first", id=int(mail_id))
    attachment_id = join(
        uow, scan, draft.mail_id, kind=AttachmentKind.SIGNED, actor=actor, now=uow.now,
        reason="Original signé à la main", came=came,
    )  # fmt: skip
    operations.finish_signature(uow, draft, actor=actor, post=post, came={"scan": scan.id, **came})
    return attachment_id


def _require_printed(draft: Draft) -> None:
    if draft.way is not SignatureWay.INK or draft.mail.state is not MailState.IN_CIRCUIT:
        raise InvalidTransition("ink.not_waiting", "reload the page: the letter does not wait for its number")


def _signing_unit(session: Session, draft: Draft) -> int:
    return session.get_one(Post, book.require_circuit(draft).signatory).unit_id
