"""Slips: what each unit sent and acknowledged in a day, how long its slips waited, and how many of their lines were missing or
damaged: cells of days and months (``whole_days``).

Who may know of such a line depends on its letter as it is now, so an act on the letter has the day counted again. Until the run after
the act (two minutes) the line counts under the level that the letter had, as the letter itself does in its cells.
"""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ged.audit import AuditEntry
from ged.db import ByOtherIndex
from ged.figures import sums
from ged.figures.cells import bin_in_sql
from ged.figures.days import local_day, word
from ged.figures.models import FigureDay, FigureSlip, FigureSlipDay
from ged.figures.periods import Period
from ged.figures.stages import NO_DELAY, SlipSide
from ged.figures.whole_days import WholeDays, within
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.slips.models import Slip, SlipKind, SlipLine
from ged.slips.states import LineState, SlipState


class SlipCells(WholeDays):
    """The cells of slips."""

    name, model, noted, flag = "slip", FigureSlip, FigureSlipDay, "slips_whole"
    opened_by = sums.OPENED_BY
    moments = (Slip.sent_at, Slip.received_at)

    def counted(self, session: Session, zone: ZoneInfo, period: Period) -> Select[Any]:
        """A slip counts as sent on the day of its sender's signature, as received and as acknowledged on that of its receiver's.
        So do its faulty lines.
        """
        day = local_day(session, zone)
        sent_on, received_on = day(Slip.sent_at), day(Slip.received_at)
        sent = (
            select(
                sent_on.label("day"), word(SlipSide.SENT.value).label("side"), Slip.sender_unit_id.label("unit_id"),
                _number(NO_DELAY).label("at_least"), func.count().label("slips"),
            )
            .where(within(Slip.sent_at, period, zone), *is_counted())
            .group_by(sent_on, Slip.sender_unit_id)
        )  # fmt: skip
        keys = (sent_on, received_on, Slip.sender_unit_id, Slip.receiver_unit_id)
        names = ("sent_on", "day", "sender", "receiver")
        taken = (
            select(*(key.label(name) for key, name in zip(keys, names, strict=True)), func.count().label("slips"))
            .where(within(Slip.received_at, period, zone), *is_counted())
            .group_by(*keys)
            .cte("taken")
            .prefix_with("MATERIALIZED")
        )
        before, until = aliased(FigureDay), aliased(FigureDay)
        delay = until.worked - before.worked
        is_delay_known = and_(delay.is_not(None), taken.c.sent_on <= taken.c.day)
        at_least = case((is_delay_known, bin_in_sql(delay)), else_=_number(NO_DELAY)).label("at_least")
        ends = (
            select(taken.c.day, word(side.value).label("side"), unit.label("unit_id"), at_least, taken.c.slips)
            .outerjoin(before, before.day == taken.c.sent_on)
            .outerjoin(until, until.day == taken.c.day)
            for side, unit in ((SlipSide.RECEIVED, taken.c.receiver), (SlipSide.ACKNOWLEDGED, taken.c.sender))
        )
        level = least_level().label("at_least")
        faulty = (
            select(
                received_on.label("day"), word(SlipSide.FAULTY.value).label("side"), Slip.receiver_unit_id.label("unit_id"),
                level, func.count().label("slips"),
            )
            .select_from(Slip)
            .join(SlipLine, SlipLine.slip_id == Slip.id)
            .outerjoin(Mail, Mail.id == SlipLine.mail_id)
            .where(within(Slip.received_at, period, zone), *is_counted(), *is_faulty())
            .group_by(received_on, Slip.receiver_unit_id, level)
        )  # fmt: skip
        found = union_all(sent, *ends, faulty).subquery("found")
        key = [found.c[name] for name in ("day", "side", "unit_id", "at_least")]
        return select(*key, cast(func.sum(found.c.slips), Integer).label("slips")).group_by(*key)

    def days_of(self, session: Session, zone: ZoneInfo, after: int, upto: int) -> set[date]:
        """The days on which the slips of the entries were sent and acknowledged, and those with a faulty line of the entries' letters."""
        day = local_day(session, zone)
        span = (AuditEntry.sequence > after, AuditEntry.sequence <= upto)

        def subjects(kind: str) -> Select[Any]:
            return select(AuditEntry.subject_id).where(*span, ByOtherIndex(AuditEntry.subject_kind) == kind)

        # The lines of the entries' letters are looked up by the letter: they are about as many as the letters, and few are faulty.
        of_letters = select(SlipLine.slip_id).where(SlipLine.mail_id.in_(subjects("mail")), *is_faulty())
        ids = union(subjects("slip"), of_letters)
        rows = session.execute(select(day(Slip.sent_at), day(Slip.received_at)).where(Slip.id.in_(ids)))
        return {one for row in rows for one in row if one is not None}


SLIPS = SlipCells()


def is_counted(slip: type[Slip] = Slip) -> list[ColumnElement[bool]]:
    """Which slips count. A statement of discrepancy moves no paper, and a void slip was none.

    Both are written into the statement: nearly all slips meet these conditions, and for values that it does not know PostgreSQL
    expects that none does. It would then begin with all slips of the period, for the sake of a few lines.
    """
    kind = literal(SlipKind.DISCREPANCY, Slip.kind.type, literal_execute=True)
    state = literal(SlipState.VOIDED, Slip.state.type, literal_execute=True)
    return [slip.kind != kind, slip.state != state]


def is_faulty(line: type[SlipLine] = SlipLine) -> list[ColumnElement[bool]]:
    """Which lines count as missing or damaged. Sealed envelopes are in no figure, and a misdirected paper came whole: it is a
    discrepancy that its sender settles, and no fault of the way."""
    # Written as their index has them: SQLite compares the texts.
    faults = [literal(one, SlipLine.state.type, literal_execute=True) for one in (LineState.MISSING, LineState.DAMAGED)]
    return [line.state.in_(faults), ByOtherIndex(line.envelope_id).is_(None)]


def least_level(line: type[SlipLine] = SlipLine) -> ColumnElement[int]:
    """The least level of a reader who may know of a line: that of its letter now, and that of confidential ones where it was
    confidential when the slip was made. The query has ``Mail`` joined, for lines without a letter too.
    """
    restricted = _number(Confidentiality.RESTRICTED)
    was_confidential = and_(line.is_confidential, func.coalesce(Mail.level, _number(0)) < restricted)
    return case((was_confidential, restricted), else_=func.coalesce(Mail.level, _number(0)))


def _number(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)
