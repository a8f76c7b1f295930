"""Answers to a received slip: pieces are returned, or a discrepancy is found later. Each answer is a new slip, which
cites the first.

The first slip's bytes never change: both units have signed them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.errors import Invalid, InvalidTransition
from ged.org.keys import OpenedKey
from ged.ports import MailId, SlipId
from ged.slips import custody, drafting, operations, parties
from ged.slips.drafting import PlannedLine
from ged.slips.models import Slip, SlipKind, SlipLine
from ged.slips.operations import Issued
from ged.slips.states import ACCEPTED, LineState, SlipState
from ged.unit import Actor, HeldPost, Services, UnitOfWork

_CLAIMS = {LineState.MISSING: "Manquant", LineState.DAMAGED: "Endommagé"}


@dataclass(frozen=True)
class AnswerLine:
    """A line of the answered slip, by its position. ``claim``: the finding, for a discrepancy."""

    position: int
    remark: str = ""
    claim: LineState = LineState.DAMAGED


def answer_slip(
    services: Services,
    slip_id: SlipId | int,
    *,
    kind: SlipKind,
    lines: Sequence[AnswerLine],
    remark: str = "",
    key: OpenedKey,
    actor: Actor,
    now: datetime,
) -> Issued:
    """Return pieces of a received slip, or state a discrepancy, by a slip to its sender that cites number and digest.

    Raises:
        NotFound: ``slip.unknown``.
        Forbidden: ``slip.not_receiver``.
        Invalid: ``slip.no_lines``, ``slip.line_unknown``, ``slip.line_not_here``, ``slip.line_returned``,
            ``slip.claim_remark``, ``slip.text_long``.
        InvalidTransition: ``slip.not_received``.
    """
    for attempt in services.attempts(now):
        with attempt as uow:
            numbered = number_answer(uow, slip_id, kind=kind, lines=lines, remark=remark, actor=actor, now=now)
    return operations.signed_or_why(services, numbered, key, actor, now)


def number_answer(
    uow: UnitOfWork,
    slip_id: SlipId | int,
    *,
    kind: SlipKind,
    lines: Sequence[AnswerLine],
    remark: str,
    actor: Actor,
    now: datetime,
) -> Issued:
    """Create the rows and the number of an answer; ``operations.sign_slip`` signs it.

    Raises:
        NotFound, Forbidden, Invalid, InvalidTransition: as ``answer_slip``.
    """
    # Under this lock, the second of two return slips of one line finds the first (``_check_returnable``).
    cited = parties.locked(uow, slip_id, actor)
    post = parties.receiving_post(uow.session, cited, actor)
    if cited.state is not SlipState.RECEIVED:
        raise InvalidTransition("slip.not_received", "receive the slip first", id=cited.id)
    if not lines:
        raise Invalid("slip.no_lines", "choose a line", field="lines")
    if len(remark) > drafting.MAX_REMARK:
        raise Invalid("slip.text_long", "shorten it", field="remark", limit=drafting.MAX_REMARK)
    by_position = {line.position: line for line in cited.lines}
    planned = [_planned(uow.session, by_position.get(one.position), one, kind, post) for one in lines]
    slip = operations.new_slip(
        kind, cited.purpose, post, actor, parties.current_unit(uow.session, cited.sender_unit_id), now
    )
    slip.cites_id, slip.cited_digest, slip.remark = cited.id, cited.revisions[-1].digest, remark.strip()
    operations.add_lines(uow.session, slip, planned)
    return operations.give_number(uow, slip, post, actor)


def _planned(
    session: Session, line: SlipLine | None, answer: AnswerLine, kind: SlipKind, post: HeldPost
) -> PlannedLine:
    if line is None:
        raise Invalid("slip.line_unknown", "choose a line of the slip", field="lines", line=answer.position)
    field = f"remark-{line.position}"
    remark = answer.remark.strip()
    if len(remark) > drafting.MAX_LINE_REMARK:
        raise Invalid("slip.text_long", "shorten it", field=field, limit=drafting.MAX_LINE_REMARK)
    if kind is SlipKind.RETURN:
        _check_returnable(session, line, post)
    else:
        _check_claim(line, answer.claim, remark, field)
        remark = drafting.shortened(f"{_CLAIMS[answer.claim]} : {remark}", drafting.MAX_LINE_REMARK)
    # The letter's level may have been raised since: then the new pages must not show the old description.
    secret = line.is_confidential or line.mail_id in drafting.confidential_among(session, [line.mail_id])
    named = line.description if line.is_confidential or not secret else drafting.CONFIDENTIAL
    return PlannedLine(
        description=named,
        number=line.number,
        count=line.count,
        remark=remark,
        mail_id=MailId(line.mail_id) if line.mail_id is not None else None,
        envelope_id=line.envelope_id,
        is_original=line.is_original and kind is SlipKind.RETURN,
        is_confidential=secret,
        returns_line_id=line.id,
        claim=answer.claim if kind is SlipKind.DISCREPANCY else None,
    )


def _check_claim(line: SlipLine, claim: LineState, remark: str, field: str) -> None:
    if line.state not in ACCEPTED or claim not in _CLAIMS:
        raise Invalid("slip.line_not_here", "choose a line that was received", field="lines", line=line.position)
    if not remark:
        raise Invalid("slip.claim_remark", "say what was found", field=field, line=line.position)


def _check_returnable(session: Session, line: SlipLine, post: HeldPost) -> None:
    """Refuse to return a piece that is not here: missing, passed on meanwhile, or already returned."""
    gone = Invalid("slip.line_not_here", "choose a line whose paper is here", field="lines", line=line.position)
    if line.state not in ACCEPTED | {LineState.WRONG_UNIT}:
        raise gone
    held_by = custody.holder(session, line)
    # A piece delivered to the wrong unit is here, although its custody never passed.
    is_elsewhere = held_by is not None and not parties.holds(session, held_by, post)
    if line.state in ACCEPTED and line.is_original and is_elsewhere:
        raise gone
    if returned_by(session, line.id) is not None:
        raise Invalid("slip.line_returned", "it is on a return slip already", field="lines", line=line.position)


def returned_by(session: Session, line_id: int) -> Slip | None:
    """The return slip of a line, if there is one."""
    return session.scalars(
        select(Slip)
        .join(SlipLine, SlipLine.slip_id == Slip.id)
        .where(SlipLine.returns_line_id == line_id, Slip.kind == SlipKind.RETURN, Slip.state != SlipState.VOIDED)
        .limit(1)
    ).first()
