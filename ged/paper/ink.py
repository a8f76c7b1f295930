"""Signature in ink: the letter is printed without number, signed and stamped, numbered by the mail office, scanned.

The QR code on the print identifies the letter of the scan. A clerk of the register compares both and confirms
(``ged.paper``); then the scan is the reference copy. An ink-signed letter is never shown as signed electronically: it
has no signed revision.
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
from ged.signbook import book, operations, presign, word
from ged.signbook.models import CircuitAct, Draft, SignatureWay
from ged.signbook.render import PageMode
from ged.unit import Actor, HeldPost, Services, UnitOfWork


def confirm_ink(services: Services, mail_id: MailId | int, *, version_no: int, actor: Actor, now: datetime) -> None:
    """Choose a signature in ink, by the signatory: the pages are typeset for the print; no number is used yet.

    Raises:
        NotFound, Forbidden, InvalidTransition, StaleVersion: as ``operations.confirm``.
        Invalid: ``presign.…``, ``sign.no_register``: the check before the signature found something that blocks;
            ``typeset.glyph``, ``power.type``, ``power.amount``, ``power.not_in_force``. Nothing can be printed then.
    """
    with services.reading() as session:
        looked = presign.look(session, services, book.require(session, mail_id, actor), actor=actor, now=now)
    words, shown = looked.require_signatory(), looked.require_shown()
    checked = presign.judge(services, looked).in_ink()
    code = make_code(CodeKind.OUTGOING, int(mail_id), key=services.code_key)
    pages = word.pages_of(services, shown.letter, mode=PageMode.INK, at=now, signatory=words, code=code)
    digest = services.blobs.put(BytesIO(pages.pdf)).digest
    for attempt in services.attempts(now):
        with attempt as uow:
            draft, post = operations.confirming(uow, looked, version_no=version_no, actor=actor)
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
    """Abandon the print, by the signatory, before a number is written on it: the letter waits for its signature again.

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
    """Assign number and date, which the mail office writes on the signed original. Returns the number.

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
    """Whether the scan of the ink-signed original is missing: the letter has its number, but no scan yet."""
    return draft.way is SignatureWay.INK and draft.mail.state is MailState.NUMBERED


def printed_pages(session: Session, draft: Draft) -> int:
    """The page count of the ink-signed print; 0 when no print is stored."""
    kept = session.get(Attachment, draft.print_id) if draft.print_id is not None else None
    return kept.page_count if kept is not None else 0


def office_for_original(session: Session, mail_id: MailId | int, actor: Actor) -> HeldPost:
    """The clerk's post through which the actor brings and confirms the scan of an ink-signed original.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``ink.not_numbered``: the original has no number yet, or was already scanned.
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
    """Accept a scan that a clerk has compared with the print: it is the reference copy, and the signature is valid.

    The caller has locked the letter and checked the actor's right. The journal names the clerk as the actor, and also
    who brought the scan (``came``).

    Raises:
        InvalidTransition: ``ink.not_numbered``: the original has no number yet, or was already scanned.
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
