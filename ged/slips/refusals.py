"""Papers that a unit refused at the reception as meant for another unit, while nobody has decided anew whose they are.

Such a paper goes to that unit again only with a remark on its line, which says why. Nothing is stored for it: the lines of the
slips say what was refused, the assignments say what was decided since.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.db import Among
from ged.org.models import Unit
from ged.org.tree import heirs_among
from ged.register.models import MailNumber
from ged.routing.models import Assignment
from ged.routing.states import LIVE
from ged.slips import parties
from ged.slips.models import Slip, SlipKind, SlipLine, SlipTask
from ged.slips.states import LineState, SlipState
from ged.unit import Actor


@dataclass(frozen=True)
class Refusal:
    """What a unit said of a paper when it came.

    Attributes:
        slip_id: the slip by which it came.
        unit: the unit to which the slip went.
        remark: what its receiver wrote on the line.
    """

    slip_id: int
    slip_number: str
    unit: str
    remark: str


def standing(session: Session, goes: Mapping[int, int], actor: Actor) -> dict[int, Refusal]:
    """Letter -> the refusal that stands in the way of its original.

    The last word of a unit on a paper counts. It is over once an assignment gives the letter to that unit again: whoever
    decides has confirmed it. What a closed unit said counts for the one that took over its work. Whoever may not see the slip
    is told nothing of the refusal, and is asked for no reason.

    Args:
        goes: letter -> the unit to which its original would go.
    """
    if not goes:
        return {}
    rows = session.execute(
        select(
            SlipLine.mail_id, Slip.receiver_unit_id, SlipLine.state, SlipLine.reception_remark, Slip.id, MailNumber.text,
            Unit.name, func.coalesce(SlipTask.opened_at, Slip.received_at).label("said_at"),
        )
        .join(Slip, Slip.id == SlipLine.slip_id)
        .join(MailNumber, MailNumber.id == Slip.number_id)
        .join(Unit, Unit.id == Slip.receiver_unit_id)
        # The task says when the refusal was known here: a print may have been signed days before a clerk recorded it.
        .outerjoin(SlipTask, (SlipTask.line_id == SlipLine.id) & (SlipTask.kind == LineState.WRONG_UNIT))
        .where(Among(SlipLine.mail_id, goes), SlipLine.is_original)
        .where(Slip.state == SlipState.RECEIVED, Slip.kind == SlipKind.TRANSMITTAL, parties.visible_clause(actor, is_narrowed=True))
        .order_by(SlipLine.id)
    )  # fmt: skip
    last = {
        row.mail_id: row
        for row in rows
        if row.mail_id is not None and heirs_among(row.receiver_unit_id, actor.units)[-1] == goes[row.mail_id]
    }
    refused = {mail_id: row for mail_id, row in last.items() if row.state is LineState.WRONG_UNIT}
    if not refused:
        return {}
    given = session.execute(
        select(Assignment.mail_id, Assignment.unit_id, func.max(Assignment.assigned_at))
        .where(Among(Assignment.mail_id, refused), Assignment.state.in_(LIVE))
        .group_by(Assignment.mail_id, Assignment.unit_id)
    )
    for mail_id, unit_id, assigned_at in given:
        row = refused.get(mail_id)
        if row is not None and heirs_among(unit_id, actor.units)[-1] == goes[mail_id] and assigned_at > row.said_at:
            del refused[mail_id]
    return {mail_id: Refusal(row.id, row.text, row.name, row.reception_remark) for mail_id, row in refused.items()}
