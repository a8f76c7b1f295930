"""One slip as its page shows it, its signed bytes, its signatures, the scan of its print: all under the access rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Forbidden, NotFound
from ged.ports import Confidentiality, Digest, MailId, SignatureReport, SlipId
from ged.register.models import Mail
from ged.slips import parties, queries
from ged.slips.drafting import CONFIDENTIAL
from ged.slips.models import ReceiptWay, Slip, SlipKind, SlipLine, SlipProof
from ged.slips.queries import LineLetter, SlipRow, TaskRow
from ged.slips.states import LineState, SlipState
from ged.unit import Actor, Services


@dataclass(frozen=True)
class LineView:
    """A line as the actor may see it. A masked line shows only its number, and that it is confidential.

    ``mail_id`` is None when the actor may not open the letter. ``decided``: the decision that a receiver is signing.
    """

    id: int
    position: int
    number: str
    description: str
    count: int
    remark: str
    is_original: bool
    masked: bool
    mail_id: MailId | None
    envelope_id: int | None
    state: LineState
    reception_remark: str
    returned_by: SlipId | None
    decided: LineState | None = None
    decided_remark: str = ""


@dataclass(frozen=True)
class ReceiptView:
    """Who received."""

    way: ReceiptWay
    name: str
    title: str
    capacity: str
    received_at: datetime
    signed: bool


@dataclass(frozen=True)
class ProofView:
    """A page of the scanned print."""

    id: int
    media_type: str
    digest: Digest
    added_at: datetime


@dataclass(frozen=True)
class SlipView:
    """A slip's page. ``issued``: the digests of its signed files, the oldest first. ``may_...``: what the actor's posts
    allow in this state."""

    row: SlipRow
    version: int
    sender_name: str
    sender_title: str
    sender_capacity: str
    remark: str
    handed_at: datetime | None
    void_reason: str
    cites: SlipRow | None
    cited_digest: str
    digest: str
    issued: tuple[Digest, ...]
    answers: tuple[SlipRow, ...]
    siblings: tuple[SlipRow, ...]
    lines: tuple[LineView, ...]
    receipt: ReceiptView | None
    proofs: tuple[ProofView, ...]
    tasks: tuple[TaskRow, ...]
    may_sign: bool
    may_receive: bool
    may_record_paper: bool
    may_void: bool
    may_hand: bool
    may_answer: bool


def slip_view(session: Session, slip_id: SlipId | int, actor: Actor) -> SlipView:
    """A slip's page.

    Raises:
        NotFound: ``slip.unknown`` (also when the actor may not see the slip).
    """
    slip = parties.require(session, int(slip_id), actor)
    row = queries.rows_of(session, queries.slips_where(Slip.id == slip.id))[0]
    working = {post.unit_id for post in actor.working_posts}
    sends, receives = (
        slip.sender_unit_id in working,
        parties.current_unit(session, slip.receiver_unit_id) in working,
    )
    waits = slip.state in queries.OPEN_FOR_RECEIVER
    cited = (
        queries.rows_of(session, queries.slips_where(Slip.id == slip.cites_id, parties.visible_clause(actor)))
        if slip.cites_id
        else []
    )
    siblings = queries.slips_where(Slip.act_id == slip.act_id, Slip.id != slip.id, parties.visible_clause(actor))
    return SlipView(
        row=row,
        version=slip.version,
        sender_name=slip.sender_name,
        sender_title=slip.sender_title,
        sender_capacity=slip.sender_capacity,
        remark=slip.remark,
        handed_at=slip.handed_at,
        void_reason=slip.void_reason,
        cites=cited[0] if cited else None,
        cited_digest=slip.cited_digest,
        digest=slip.revisions[-1].digest if slip.revisions else "",
        issued=tuple(Digest(revision.digest) for revision in slip.revisions),
        answers=tuple(
            queries.rows_of(session, queries.slips_where(Slip.cites_id == slip.id, parties.visible_clause(actor)))
        ),
        siblings=tuple(queries.rows_of(session, siblings)) if slip.act_id else (),
        lines=_lines(session, slip, actor),
        receipt=_receipt(slip),
        proofs=_proofs(session, slip.id),
        tasks=queries.tasks_of(session, slip.id, actor),
        may_sign=slip.state is SlipState.ISSUING and sends,
        may_receive=waits and receives,
        may_record_paper=waits and (sends or receives),
        may_void=slip.state in (SlipState.ISSUING, SlipState.SENT) and sends,
        may_hand=waits and sends,
        may_answer=slip.state is SlipState.RECEIVED and receives and slip.kind is SlipKind.TRANSMITTAL,
    )


def slip_pdf(services: Services, slip_id: SlipId | int, actor: Actor) -> tuple[bytes, str]:
    """The latest signed bytes and a file name.

    Raises:
        NotFound: ``slip.unknown``; ``slip.no_pdf`` before the first signature.
        Forbidden: ``slip.pdf_confidential``: a letter described on the pages has become confidential since, and the
            actor may not see it.
    """
    with services.reading() as session:
        slip = parties.require(session, int(slip_id), actor)
        if not slip.revisions:
            raise NotFound("slip.no_pdf", "the sender has to sign it first", id=slip.id)
        require_readable_print(session, slip, actor)
        digest, number = Digest(slip.revisions[-1].digest), slip.number_text
    with services.blobs.open(digest) as stored:
        return stored.read(), "".join(c if c.isalnum() or c in "-_" else "-" for c in number) + ".pdf"


def signatures(services: Services, slip: SlipView, *, now: datetime) -> tuple[SignatureReport, ...]:
    """The checker's reports on the signatures of the latest file; empty before the first signature.

    Raises:
        EngineFailed: ``check.unavailable``.
    """
    if not slip.issued:
        return ()
    with services.blobs.open(slip.issued[-1]) as stored:
        return services.checker.check(stored.read(), at=now, issued=slip.issued)


def proof_page(session: Session, slip_id: SlipId | int, proof_id: int, actor: Actor) -> ProofView:
    """A page of the scanned print.

    Raises:
        NotFound: ``slip.unknown``, ``slip.proof_unknown``.
        Forbidden: ``slip.pdf_confidential``.
    """
    slip = parties.require(session, int(slip_id), actor)
    require_readable_print(session, slip, actor)
    for proof in _proofs(session, slip.id):
        if proof.id == proof_id:
            return proof
    raise NotFound("slip.proof_unknown", "reload the slip", id=proof_id)


def restricted_letters(
    session: Session, slip_id: SlipId | int, actor: Actor, *, printed: bool = False
) -> tuple[MailId, ...]:
    """Letters above the ordinary level that the slip's page names to this actor; with ``printed``, that its PDF names.

    The PDF masks letters that were already confidential; the page names them to people who may see them.

    Raises:
        NotFound: ``slip.unknown``.
    """
    slip = parties.require(session, int(slip_id), actor)
    named = {line.mail_id for line in slip.lines if line.mail_id is not None and not (printed and line.is_confidential)}
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    above = Mail.level > int(Confidentiality.ORDINARY)
    found = session.scalars(select(Mail.id).where(Mail.id.in_(named), above, seen).order_by(Mail.id))
    return tuple(MailId(mail_id) for mail_id in found)


def require_readable_print(session: Session, slip: Slip, actor: Actor) -> None:
    """Refuse the print, and scans of it, where it describes a letter that the actor may not see any more.

    Raises:
        Forbidden: ``slip.pdf_confidential``.
    """
    letters = queries.letters_on(session, slip.lines, actor)
    for line in slip.lines:
        letter = letters.get(line.mail_id or 0)
        if letter is not None and letter.hidden and not line.is_confidential:
            raise Forbidden("slip.pdf_confidential", "ask the letter's unit for access", id=slip.id)


def _lines(session: Session, slip: Slip, actor: Actor) -> tuple[LineView, ...]:
    back, letters = _returned(session, slip), queries.letters_on(session, slip.lines, actor)
    wanted = slip.receipt.decisions if slip.receipt is not None and slip.state is SlipState.RECEIVING else {}
    return tuple(
        _line(line, letters.get(line.mail_id or 0), back.get(line.id), wanted.get(str(line.position)))
        for line in slip.lines
    )


def _line(line: SlipLine, letter: LineLetter | None, back: SlipId | None, wanted: Sequence[str] | None) -> LineView:
    masked = letter is not None and letter.hidden
    opens = letter is not None and letter.may_open
    description = CONFIDENTIAL if masked else line.description
    if line.is_confidential and letter is not None and opens:
        description = letter.subject or description
    return LineView(
        id=line.id,
        position=line.position,
        number=line.number,
        description=description,
        count=line.count,
        remark="" if masked else line.remark,
        is_original=line.is_original,
        masked=masked,
        mail_id=MailId(line.mail_id) if opens and line.mail_id is not None else None,
        envelope_id=line.envelope_id,
        state=line.state,
        reception_remark="" if masked else line.reception_remark,
        returned_by=back,
        decided=LineState(wanted[0]) if wanted else None,
        decided_remark=wanted[1] if wanted else "",
    )


def _returned(session: Session, slip: Slip) -> dict[int, SlipId]:
    rows = session.execute(
        select(SlipLine.returns_line_id, Slip.id)
        .join(Slip, Slip.id == SlipLine.slip_id)
        .where(SlipLine.returns_line_id.in_([line.id for line in slip.lines]))
        .where(Slip.kind == SlipKind.RETURN, Slip.state != SlipState.VOIDED)
    )
    return {line_id: SlipId(slip_id) for line_id, slip_id in rows if line_id is not None}


def _receipt(slip: Slip) -> ReceiptView | None:
    row = slip.receipt
    if row is None:
        return None
    return ReceiptView(row.way, row.name, row.title, row.capacity, row.received_at, row.signed_at is not None)


def _proofs(session: Session, slip_id: int) -> tuple[ProofView, ...]:
    rows = session.scalars(select(SlipProof).where(SlipProof.slip_id == slip_id).order_by(SlipProof.id))
    return tuple(ProofView(p.id, p.media_type, Digest(p.digest), p.added_at) for p in rows)
