"""Reception, line by line: signed in the field that is the reception table; or on paper, proved by a scan.

First a short transaction stores the decisions. Then the table is typeset and signed without any lock. Then a second
short transaction marks the slip as received: custody passes, tasks are opened. After a failure in between, the slip can
be received again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.intake import source_pages
from ged.capture.models import Scan, ScanState
from ged.errors import Invalid, InvalidTransition, StaleVersion
from ged.org.keys import OpenedKey
from ged.ports import Digest, SignatureField, SignRequest, SlipId
from ged.register.operations import SourcePage
from ged.slips import custody, operations, parties, render, tasks
from ged.slips.models import ReceiptWay, Slip, SlipKind, SlipProof, SlipReceipt
from ged.slips.render import RECEIVER, Sheet, SignatureMark
from ged.slips.states import ACCEPTED, DECISIONS, LineState, SlipAct, SlipState, move
from ged.typeset import refuse_unprintable
from ged.unit import Actor, HeldPost, Services, UnitOfWork

MAX_REMARK = 200
MAX_NAME = 200
# The clocks of desk and server may differ a little.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Decision:
    """The receiver's finding on a line."""

    state: LineState
    remark: str = ""


def decisions_on(kind: SlipKind) -> tuple[LineState, ...]:
    """What a receiver may find on a line. A statement of discrepancy brings no paper: nothing on it is missing or damaged."""
    return (LineState.RECEIVED, LineState.WRONG_UNIT) if kind is SlipKind.DISCREPANCY else DECISIONS


@dataclass(frozen=True)
class PaperReceipt:
    """The receiver's entries on the print, as a clerk reads them."""

    name: str
    received_at: datetime
    decisions: Mapping[int, Decision]
    capacity: str = ""
    title: str = ""


@dataclass(frozen=True)
class _Begun:
    sheet: Sheet
    digest: Digest
    field: SignatureField
    mark: SignatureMark
    attempt: int
    decisions: dict[int, tuple[LineState, str]]


def receive(
    services: Services,
    slip_id: SlipId | int,
    decisions: Mapping[int, Decision],
    *,
    key: OpenedKey,
    capacity: str = "",
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Receive a slip: decide on every line, and sign the filled table.

    Args:
        decisions: position of each line -> finding.
        capacity: capacity in which the receiver signs, if not as holder of the post.

    Raises:
        NotFound: ``slip.unknown``.
        Forbidden: ``slip.not_receiver``.
        Invalid: ``slip.line_undecided``, ``slip.remark_missing``, ``slip.text_long``, ``key.locked``,
            ``typeset.glyph``, ``typeset.failed``.
        StaleVersion: ``slip.stale``: the slip has changed since the form was opened, or another receiver is active.
        InvalidTransition: ``slip.received`` (twice), ``slip.not_sent``, ``slip.voided``.
        EngineFailed: ``sign.failed``: receive again.
    """
    typed = {f"remark-{position}": one.remark for position, one in decisions.items()} | {"capacity": capacity}
    for field, text in typed.items():  # They are signed: nothing else may stand on the page than what was typed.
        refuse_unprintable(" ".join(text.split()), field=field)
    for attempt in services.attempts(now):
        with attempt as uow:
            begun = _begin(uow, int(slip_id), decisions, capacity.strip(), version, actor)
    with services.blobs.open(begun.digest) as stored:
        sent = stored.read()
    lines = render.decided(begun.sheet.lines, begun.decisions)
    request = SignRequest(
        field=begun.field,
        reason=f"Réception du {begun.sheet.title.lower()} {begun.sheet.number}",
        location="",
        signer_name=actor.name,
        at=now,
        appearance_pdf=render.reception_table(lines, begun.mark, begun.field, services.zone),
    )
    signed = services.signer.sign(sent, request, sealed=key.sealed, cookie_key=key.cookie_key, now=now)
    digest = services.blobs.put(BytesIO(signed.pdf)).digest
    for attempt in services.attempts(now):
        with attempt as uow:
            _finish(uow, int(slip_id), begun.attempt, digest, signed.level, actor, now)


def record_paper_receipt(
    uow: UnitOfWork,
    slip_id: SlipId | int,
    receipt: PaperReceipt,
    *,
    pages: Sequence[SourcePage] = (),
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Record a reception signed by hand on the print. Its scan is already stored, or comes with this call.

    Raises:
        NotFound: ``slip.unknown``.
        Forbidden: ``slip.not_sender``: neither of the sending nor of the receiving unit.
        Invalid: ``slip.proof_missing``, ``slip.receiver_name``, ``slip.received_at``, ``slip.line_undecided``,
            ``slip.remark_missing``, ``slip.text_long``.
        StaleVersion: ``slip.stale``.
        InvalidTransition: ``slip.received``, ``slip.not_sent``, ``slip.voided``.
    """
    slip = _fresh(uow, int(slip_id), version, actor)
    post = _handling_post(uow, slip, actor)
    state = move(slip.state, SlipAct.RECORD_PAPER)
    _check_paper(slip, receipt, now)
    decisions = _checked(slip, receipt.decisions)
    _add_proof(uow, slip, pages, None)
    if not has_proof(uow.session, slip.id):
        raise Invalid("slip.proof_missing", "scan the signed print first", field="file")
    slip.state, slip.received_at = state, receipt.received_at
    row = _receipt_row(uow, slip, ReceiptWay.PAPER)
    row.person_id, row.post_id, row.signed_at, row.received_at = actor.person_id, None, now, receipt.received_at
    row.name, row.title, row.capacity = receipt.name.strip(), receipt.title.strip(), receipt.capacity.strip()
    row.decisions = _as_json(decisions)
    _apply(uow, slip, decisions, ReceiptWay.PAPER, None, actor, post)


def proof_confirmed(
    uow: UnitOfWork, slip_id: int, scan: Scan, *, actor: Actor, post: HeldPost, came: Mapping[str, Any]
) -> None:
    """Store the confirmed scan of a print with its slip, not with a letter.

    A slip names letters with different readers, so its scan must not be attached to one of them. The caller has checked
    the actor's right, and locked the scan; ``came``: who brought the scan.

    Raises:
        Invalid: ``scan.no_pages``.
        InvalidTransition: ``paper.voided``.
    """
    slip = locks.hold_known(uow.session, Slip, slip_id)
    if slip.state is SlipState.VOIDED:
        raise InvalidTransition("paper.voided", "refuse the code: the slip is void", id=slip_id)
    pages = source_pages(scan)
    if not pages:
        raise Invalid("scan.no_pages", "restore a page first", id=scan.id)
    _add_proof(uow, slip, pages, scan.id)
    scan.state, scan.note = ScanState.JOINED, ""
    uow.record("slip.proof_arrived", "slip", slip.id, actor=actor, post=post, scan=scan.id, pages=len(pages), **came)


def has_proof(session: Session, slip_id: int) -> bool:
    """Whether a scan of the print signed by hand is stored."""
    return session.scalar(select(SlipProof.id).where(SlipProof.slip_id == slip_id).limit(1)) is not None


def _begin(
    uow: UnitOfWork,
    slip_id: int,
    given: Mapping[int, Decision],
    capacity: str,
    version: int | None,
    actor: Actor,
) -> _Begun:
    slip = _fresh(uow, slip_id, version, actor)
    post = parties.receiving_post(uow.session, slip, actor)
    slip.state = move(slip.state, SlipAct.DECIDE)
    decisions = _checked(slip, given)
    _limit("capacity", capacity)
    row = _receipt_row(uow, slip, ReceiptWay.DIGITAL)
    row.person_id, row.post_id, row.name, row.title = actor.person_id, post.post_id, actor.name, post.title
    row.capacity = capacity or parties.capacity_of(post)
    row.received_at, row.decisions = uow.now, _as_json(decisions)
    page_no, x1, y1, x2, y2 = slip.receiver_field
    uow.session.flush()
    return _Begun(
        render.sheet_of(uow.session, uow.services, slip),
        Digest(slip.revisions[-1].digest),
        SignatureField(RECEIVER, int(page_no), (x1, y1, x2, y2)),
        SignatureMark(actor.name, f"{post.title} — {post.unit_name}", row.capacity, uow.now),
        row.attempt,
        decisions,
    )


def _finish(
    uow: UnitOfWork, slip_id: int, attempt: int, digest: Digest, level: str, actor: Actor, now: datetime
) -> None:
    slip = parties.locked(uow, slip_id, actor)
    post = parties.receiving_post(uow.session, slip, actor)
    slip.state = move(slip.state, SlipAct.RECEIVE)
    row = slip.receipt
    # Somebody began to receive it meanwhile: the signed table would not say what is stored.
    if row is None or row.attempt != attempt:
        raise StaleVersion("slip.stale", "another person receives it: reload the slip", id=slip.id)
    slip.received_at, row.signed_at = now, now
    operations.add_revision(uow, slip, digest, level, actor)
    decisions = {int(no): (LineState(state), remark) for no, (state, remark) in row.decisions.items()}
    _apply(uow, slip, decisions, ReceiptWay.DIGITAL, digest, actor, post)


def _apply(
    uow: UnitOfWork,
    slip: Slip,
    decisions: dict[int, tuple[LineState, str]],
    way: ReceiptWay,
    digest: Digest | None,
    actor: Actor,
    post: HeldPost,
) -> None:
    unit_id = parties.current_unit(uow.session, slip.receiver_unit_id)
    holder_post = post.post_id if way is ReceiptWay.DIGITAL else None
    because = custody.SLIP if way is ReceiptWay.DIGITAL else custody.PAPER_SLIP
    for line in slip.lines:
        line.state, line.reception_remark = decisions[line.position]
        if line.state in ACCEPTED and slip.kind is not SlipKind.DISCREPANCY:
            custody.move(uow, line, to_unit=unit_id, post_id=holder_post, because=because, actor=actor, post=post)
        if line.state is not LineState.RECEIVED:
            tasks.open_task(uow, line, line.state, slip.sender_unit_id, slip.id)
        if line.state is LineState.WRONG_UNIT:
            parties.withdraw_access(uow, slip, line)
    uow.record(
        "slip.received", "slip", slip.id, actor=actor, post=post, way=way.value, digest=digest,
        lines={str(line.position): line.state.value for line in slip.lines},
    )  # fmt: skip


def _fresh(uow: UnitOfWork, slip_id: int, version: int | None, actor: Actor) -> Slip:
    slip = parties.locked(uow, slip_id, actor)
    # For a slip received meanwhile, the later state check gives a clearer error than 'it changed'.
    if slip.state in (SlipState.SENT, SlipState.RECEIVING) and version is not None and slip.version != version:
        raise StaleVersion("slip.stale", "read the other person's change, then send again", id=slip.id)
    return slip


def _handling_post(uow: UnitOfWork, slip: Slip, actor: Actor) -> HeldPost:
    receiving = parties.current_unit(uow.session, slip.receiver_unit_id)
    for post in actor.working_posts:
        if post.unit_id in (slip.sender_unit_id, receiving):
            return post
    return parties.sending_post_of(slip, actor)


def _receipt_row(uow: UnitOfWork, slip: Slip, way: ReceiptWay) -> SlipReceipt:
    if slip.receipt is None:
        slip.receipt = SlipReceipt(way=way, attempt=0, name="", received_at=uow.now)
    slip.receipt.way = way
    slip.receipt.attempt += 1
    return slip.receipt


def wrong_lines(kind: SlipKind, positions: Iterable[int], given: Mapping[int, Decision]) -> Iterator[Invalid]:
    """What is wrong with the findings, in the order of the lines: a form can show all of it at once."""
    for position in positions:
        decision = given.get(position)
        if decision is None or decision.state not in decisions_on(kind):
            yield Invalid("slip.line_undecided", "decide on every line", field=f"line-{position}", line=position)
            continue
        remark, field = _on_one_line(decision.remark), f"remark-{position}"
        if len(remark) > MAX_REMARK:
            yield Invalid("slip.text_long", "shorten it", field=field, limit=MAX_REMARK)
        if decision.state is LineState.DAMAGED and not remark:
            yield Invalid("slip.remark_missing", "say what is damaged", field=field, line=position)


def _checked(slip: Slip, given: Mapping[int, Decision]) -> dict[int, tuple[LineState, str]]:
    positions = [line.position for line in slip.lines]
    for wrong in wrong_lines(slip.kind, positions, given):
        raise wrong
    return {one: (given[one].state, _on_one_line(given[one].remark)) for one in positions}


def _on_one_line(remark: str) -> str:
    return " ".join(remark.split())


def _check_paper(slip: Slip, receipt: PaperReceipt, now: datetime) -> None:
    if not receipt.name.strip():
        raise Invalid("slip.receiver_name", "type the name on the print", field="name")
    for field, text in (("name", receipt.name), ("capacity", receipt.capacity), ("title", receipt.title)):
        _limit(field, text)
    sent_at = slip.sent_at or slip.issued_at
    if receipt.received_at > now + _SKEW or receipt.received_at < sent_at - _SKEW:
        raise Invalid("slip.received_at", "correct date and hour", field="received_on")


def _limit(field: str, text: str, limit: int = MAX_NAME) -> None:
    if len(text) > limit:
        raise Invalid("slip.text_long", "shorten it", field=field, limit=limit)


def _add_proof(uow: UnitOfWork, slip: Slip, pages: Sequence[SourcePage], scan_id: int | None) -> None:
    for page in pages:
        uow.session.add(
            SlipProof(
                slip_id=slip.id,
                scan_id=scan_id,
                digest=page.digest,
                media_type=page.media_type,
                page_index=page.page_index,
                rotation=page.rotation,
                added_at=uow.now,
            )
        )
    uow.session.flush()


def _as_json(decisions: dict[int, tuple[LineState, str]]) -> dict[str, list[str]]:
    return {str(no): [state.value, remark] for no, (state, remark) in decisions.items()}
