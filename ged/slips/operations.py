"""The sender's operations on slips: number and sign, hand to a messenger, void.

Numbering is one short transaction. Typesetting, signing and storing follow without any lock. A second short transaction
makes the slip valid. After a failure in between, the number is kept, and ``sign_slip`` makes the signature again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from sqlalchemy.orm import Session

from ged import access, locks
from ged.access import Because
from ged.errors import GedError, Invalid, NotFound
from ged.org.keys import OpenedKey
from ged.ports import Digest, SignatureField, SignRequest, SlipId, unit_principal
from ged.register import allocation, corrections
from ged.register.allocation import told_of_number
from ged.register.models import Mail, SealedEnvelope
from ged.slips import drafting, parties, render, tasks
from ged.slips.drafting import PlannedLine, SlipForm
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose, SlipRevision
from ged.slips.render import SENDER, Sheet, SignatureMark
from ged.slips.states import LineState, SlipAct, SlipState, move
from ged.typeset import refuse_unprintable
from ged.unit import Actor, HeldPost, Services, UnitOfWork

CERTIFIED_FILLING_ONLY = 2
"""DocMDP level of the sender's signature: afterwards only prepared fields may be filled (ISO 32000-2, 12.8.2.2)."""
MAX_REASON = 500


@dataclass(frozen=True)
class Issued:
    """One slip of an act. ``failure``: why it is not signed yet; the number is kept and it can be signed again."""

    slip_id: SlipId
    number: str
    failure: GedError | None = None


def issue(
    services: Services,
    form: SlipForm,
    *,
    key: OpenedKey,
    actor: Actor,
    now: datetime,
    present: Callable[[Session, SlipForm], SlipForm] | None = None,
) -> tuple[Issued, ...]:
    """Number and sign one slip for each receiving unit, with one opened key for all of them.

    A text that cannot be printed uses no number: typed characters are checked first, and texts of the register and
    ``MAX_LINES`` lines can always be printed. So each slip is planned once, under the locks, and typeset once, with its
    number.

    Args:
        present: called once the letters are locked: what of the form still holds then.

    Raises:
        Forbidden: ``slip.not_sender``.
        NotFound, Invalid: as ``drafting.plan``; ``typeset.glyph``. Nothing is numbered then.
    """
    parties.sending_post(actor, form.post_id)
    drafting.check_head(form, now.astimezone(services.zone).date())
    _refuse_unprintable(form)
    for attempt in services.attempts(now):
        with attempt as uow:
            _lock_papers(uow.session, form)
            still = form if present is None else present(uow.session, form)
            numbered = number_slips(uow, still, actor=actor, now=now)
    return tuple(signed_or_why(services, slip, key, actor, now) for slip in numbered)


def preview(services: Services, form: SlipForm, *, actor: Actor, now: datetime) -> bytes:
    """The pages without number and code, shown to a sender who asks for them before signing.

    Raises:
        NotFound, Invalid: as ``issue``.
    """
    with services.reading() as session:
        post = parties.sending_post(actor, form.post_id)
        today = now.astimezone(services.zone).date()
        planned = drafting.plan(session, form, post=post, actor=actor, today=today)
        _refuse_unprintable(form)
        sheet = render.planned_sheet(session, services, form, planned[0], post=post, on=today)
    return render.slip_pdf(sheet, at=now)[0]


def _refuse_unprintable(form: SlipForm) -> None:
    """Refuse typed texts that cannot be printed, since they are signed. Texts from the register stop no slip.

    Raises:
        Invalid: ``typeset.glyph``, with the field.
    """
    texts = [("remark", form.remark), ("messenger", form.messenger)]
    for no, line in enumerate(form.lines, start=1):
        texts += [(line.field("description", no), line.description), (line.field("remark", no), line.remark)]
    for field, text in texts:
        refuse_unprintable(" ".join(text.split()), field=field)


def number_slips(uow: UnitOfWork, form: SlipForm, *, actor: Actor, now: datetime) -> tuple[Issued, ...]:
    """Create the rows and the numbers of an act; the slips then wait for their signatures.

    Raises:
        Forbidden: ``slip.not_sender``.
        NotFound, Invalid: as ``drafting.plan``, ``slip.no_register``.
    """
    post = parties.sending_post(actor, form.post_id)
    today = now.astimezone(uow.services.zone).date()
    _lock_papers(uow.session, form)
    planned = drafting.plan(uow.session, form, post=post, actor=actor, today=today)
    slips = []
    for one in planned:
        slip = new_slip(SlipKind.TRANSMITTAL, form.purpose, post, actor, one.receiver_unit_id, now)
        slip.remark, slip.return_by, slip.messenger = form.remark.strip(), form.return_by, form.messenger.strip()
        add_lines(uow.session, slip, one.lines)
        slips.append(slip)
    for slip in slips:
        slip.act_id = slips[0].id if len(slips) > 1 else None
    return tuple(give_number(uow, slip, post, actor) for slip in slips)


def _lock_papers(session: Session, form: SlipForm) -> None:
    """Lock the letters and envelopes: of two concurrent slips for one original, the second sees the first."""
    locks.hold(session, Mail, [line.mail_id for line in form.lines if line.mail_id is not None])
    locks.hold(session, SealedEnvelope, [line.envelope_id for line in form.lines if line.envelope_id is not None])


def sign_slip(services: Services, slip_id: SlipId | int, *, key: OpenedKey, actor: Actor, now: datetime) -> None:
    """Typeset, sign and store a numbered slip, then make it valid. Can be called again after a failure.

    Raises:
        NotFound: ``slip.unknown``.
        Forbidden: ``slip.not_sender``.
        InvalidTransition: ``slip.signed``, ``slip.received``, ``slip.voided``.
        Invalid: ``key.locked``, ``typeset.failed``.
        EngineFailed: ``sign.failed``.
    """
    with services.reading() as session:
        slip = parties.require(session, slip_id, actor)
        post = _signing_post(slip, actor)
        # Only asked, so that nothing is typeset and signed in vain. `_send` moves the slip, under its lock.
        move(slip.state, SlipAct.SIGN)
        sheet = render.sheet_of(session, services, slip)
    mark = SignatureMark(actor.name, f"{post.title} — {post.unit_name}", parties.capacity_of(post), now)
    pdf, fields = render.slip_pdf(sheet, at=now)
    by_name = {field.name: field for field in fields}
    request = SignRequest(
        field=by_name[SENDER],
        reason=f"{sheet.title} {sheet.number}",
        location="",
        signer_name=actor.name,
        at=now,
        appearance_pdf=render.sender_mark(mark, by_name[SENDER], services.zone),
        docmdp_level=CERTIFIED_FILLING_ONLY,
    )
    # Both fields before the first signature: its DocMDP level lets fields be filled, and none be added.
    prepared = services.signer.prepare(pdf, fields)
    signed = services.signer.sign(prepared, request, sealed=key.sealed, cookie_key=key.cookie_key, now=now)
    digest = services.blobs.put(BytesIO(signed.pdf)).digest
    for attempt in services.attempts(now):
        with attempt as uow:
            _send(uow, sheet, digest, signed.level, by_name[render.RECEIVER], mark, actor, now)


def void_slip(uow: UnitOfWork, slip_id: SlipId | int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Void a slip before its reception. Its number stays, voided, with the reason.

    Raises:
        NotFound: ``slip.unknown``.
        Forbidden: ``slip.not_sender``.
        Invalid: ``number.void_reason``.
        InvalidTransition: ``slip.being_received``, ``slip.received``, ``slip.voided``.
    """
    slip = parties.locked(uow, slip_id, actor)
    post = parties.sending_post_of(slip, actor)
    was_sent = slip.state is SlipState.SENT
    slip.state, slip.void_reason = move(slip.state, SlipAct.VOID), reason.strip()[:MAX_REASON]
    # The right came with the signature (``_send``): a slip that was only numbered gave none.
    if was_sent:
        for line in slip.lines:
            parties.withdraw_access(uow, slip, line)
    if slip.number is None:
        raise NotFound("number.unknown", "check the number", id=slip.id)
    corrections.void(uow, slip.number, reason=reason, actor=actor, post=post, now=now)
    uow.record("slip.voided", "slip", slip.id, actor=actor, post=post, reason=slip.void_reason)


def hand_to_messenger(
    uow: UnitOfWork, slip_ids: Sequence[SlipId | int], *, messenger: str, actor: Actor, now: datetime
) -> None:
    """Record who carries sent slips, and that they left now.

    Raises:
        Invalid: ``slip.messenger_missing``, ``slip.text_long``.
        NotFound: ``slip.unknown``.
        Forbidden: ``slip.not_sender``.
        InvalidTransition: ``slip.not_sent`` and others: only a sent slip leaves.
    """
    name = " ".join(messenger.split())
    if not name:
        raise Invalid("slip.messenger_missing", "type the messenger's name", field="messenger")
    if len(name) > drafting.MAX_MESSENGER:
        raise Invalid("slip.text_long", "shorten it", field="messenger", limit=drafting.MAX_MESSENGER)
    # By id: two people may have ticked the same slips in different orders.
    for slip_id in sorted(set(slip_ids)):
        slip = parties.locked(uow, slip_id, actor)
        post = parties.sending_post_of(slip, actor)
        # The move checks that the slip is still in transit: its receiver may still decide on it.
        move(slip.state, SlipAct.DECIDE)
        slip.messenger, slip.handed_at = name, now
        uow.record("slip.handed", "slip", slip.id, actor=actor, post=post, messenger=name)


def signed_or_why(services: Services, slip: Issued, key: OpenedKey, actor: Actor, now: datetime) -> Issued:
    """Sign a numbered slip. A failure is returned in ``failure``; the slip can be signed again."""
    try:
        sign_slip(services, slip.slip_id, key=key, actor=actor, now=now)
    except GedError as failure:
        return Issued(slip.slip_id, slip.number, failure)
    return slip


def new_slip(
    kind: SlipKind, purpose: SlipPurpose, post: HeldPost, actor: Actor, receiver_unit_id: int, now: datetime
) -> Slip:
    """A new slip without lines and number."""
    return Slip(
        kind=kind,
        purpose=purpose,
        state=SlipState.ISSUING,
        sender_unit_id=post.unit_id,
        sender_post_id=post.post_id,
        sender_person_id=actor.person_id,
        sender_name=actor.name,
        sender_title=post.title,
        sender_capacity=parties.capacity_of(post),
        receiver_unit_id=receiver_unit_id,
        issued_at=now,
    )


def add_lines(session: Session, slip: Slip, lines: Sequence[PlannedLine]) -> None:
    """Give a new slip its lines and its id."""
    slip.lines = [
        SlipLine(
            position=n,
            mail_id=line.mail_id,
            envelope_id=line.envelope_id,
            number=line.number,
            description=line.description,
            count=line.count,
            remark=line.remark,
            is_original=line.is_original,
            is_confidential=line.is_confidential,
            returns_line_id=line.returns_line_id,
            claim=line.claim,
        )
        for n, line in enumerate(lines, start=1)
    ]
    session.add(slip)
    session.flush()


def give_number(uow: UnitOfWork, slip: Slip, post: HeldPost, actor: Actor) -> Issued:
    """Number a slip; its counter stays locked until the commit."""
    register_id = parties.slip_register(uow.session, slip.sender_unit_id)
    number = allocation.allocate(uow, register_id, actor=actor, post=post, slip_id=slip.id)
    slip.number_id = number.id
    uow.record(
        "slip.issued", "slip", slip.id, actor=actor, post=post, **told_of_number(number), kind=slip.kind.value,
        purpose=slip.purpose.value, to_unit=slip.receiver_unit_id, cites=slip.cites_id,
        lines=[[line.mail_id, line.envelope_id, line.count] for line in slip.lines],
    )  # fmt: skip
    return Issued(SlipId(slip.id), number.text)


def _signing_post(slip: Slip, actor: Actor) -> HeldPost:
    post = actor.holds(slip.sender_post_id)
    return post if post is not None else parties.sending_post_of(slip, actor)


def _send(
    uow: UnitOfWork,
    sheet: Sheet,
    digest: Digest,
    level: str,
    receiver_field: SignatureField,
    mark: SignatureMark,
    actor: Actor,
    now: datetime,
) -> None:
    slip = parties.locked(uow, sheet.slip_id, actor)
    post = _signing_post(slip, actor)
    slip.state = move(slip.state, SlipAct.SIGN)
    slip.sent_at = now
    slip.sender_person_id, slip.sender_name, slip.sender_capacity = actor.person_id, mark.name, mark.capacity
    slip.receiver_field = [receiver_field.page_no, *receiver_field.box]
    if slip.messenger:
        slip.handed_at = now
    add_revision(uow, slip, digest, level, actor)
    # The row says what was signed: a letter that has become confidential since it was numbered is masked on the pages.
    for line, printed in zip(slip.lines, sheet.lines, strict=True):
        line.description, line.is_confidential = printed.description, printed.masked
        if line.mail_id is not None and slip.kind is SlipKind.TRANSMITTAL:
            access.grant(uow, line.mail_id, (unit_principal(slip.receiver_unit_id),), Because.SLIP)
        if slip.kind is SlipKind.DISCREPANCY:
            tasks.open_task(uow, line, line.claim or LineState.DAMAGED, slip.receiver_unit_id, slip.id)
    uow.record("slip.signed", "slip", slip.id, actor=actor, post=post, digest=digest, level=level)
    if slip.kind is SlipKind.RETURN:
        uow.record("slip.returned", "slip", slip.cites_id, actor=actor, post=post, by=slip.id)


def add_revision(uow: UnitOfWork, slip: Slip, digest: Digest, level: str, actor: Actor) -> None:
    """Record the digest of the file stored at a signature, in order."""
    slip.revisions.append(
        SlipRevision(
            sequence=len(slip.revisions) + 1, digest=digest, signed_by_id=actor.person_id, level=level, at=uow.now
        )
    )
    uow.preserve("slip", slip.id)
