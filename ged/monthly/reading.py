"""What the register says of a month: the letters that count, as a report carries them.

Letters of the ordinary level alone: whoever may read the report may know of each of them that it is there.
"""

from collections.abc import Collection, Iterator
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import AuditEntry
from ged.figures import definitions
from ged.figures import operations as figures
from ged.figures.counted import CountedRegister, Which, among, between
from ged.figures.models import STATE, FigureKey, FigureLetter, FigureReturn, FigureState
from ged.figures.periods import ONE_DAY
from ged.monthly.numbers import DAYS, Letter, Month
from ged.org import tree
from ged.org.models import Unit
from ged.ports import Confidentiality
from ged.progress import PartProgress
from ged.register.models import MailNumber
from ged.routing import calendar

AT_ONCE = 400
"""Letters named one by one in a statement."""


def units_of(session: Session, entity_id: int) -> list[dict[str, Any]]:
    """The units of an entity, itself first, each above those below it: ``id``, ``code``, ``name``, ``above``, ``depth``, ``is_open``."""
    rows = {row.id: row for row in session.scalars(select(Unit).order_by(Unit.code)) if row.id is not None}
    of = tree.entities(session)
    children: dict[int | None, list[Unit]] = {}
    for row in rows.values():
        children.setdefault(row.parent_id, []).append(row)
    branch: list[dict[str, Any]] = []

    def walk(unit: Unit, depth: int) -> None:
        above = unit.parent_id if depth else None
        branch.append(
            {"id": unit.id, "code": unit.code, "name": unit.name, "above": above, "depth": depth,
             "is_open": unit.closed_at is None}
        )  # fmt: skip
        for child in children.get(unit.id, []):
            if of[child.id] == entity_id:
                walk(child, depth + 1)

    walk(rows[entity_id], 0)
    return branch


def month_of(session: Session, first: date) -> Month:
    """A month with the calendar and the definitions of today."""
    return Month(first, calendar.calendar(session), definitions.VERSIONS[definitions.VERSION])


def candidates(session: Session, unit_ids: Collection[int], month: Month) -> set[int]:
    """Letters that the figures count in the month; those with acts that the figures have not counted yet; and those with a number that
    they do not know: letters that came with an entity have no entry, and are counted at night."""
    state = session.get_one(FigureState, STATE)
    days = (getattr(FigureLetter, name) for name in DAYS)
    counts = or_(
        *(one.between(month.first, month.last) for one in days),
        and_(
            FigureLetter.opened_on <= month.last,
            or_(FigureLetter.ended_on.is_(None), FigureLetter.ended_on > month.last),
        ),
        FigureLetter.mail_id.in_(select(FigureReturn.mail_id).where(FigureReturn.day.between(month.first, month.last))),
    )
    found = (
        select(FigureLetter.mail_id)
        .join(FigureKey, FigureKey.id == FigureLetter.key_id)
        .where(FigureKey.unit_id.in_(sorted(unit_ids)), FigureKey.level == Confidentiality.ORDINARY, counts)
    )
    arrived = {one for one in session.scalars(_unknown()) if one is not None}
    return (
        set(session.scalars(found)) | arrived | figures.letters_of(session, state.sequence, audit.head(session).count)
    )


def is_behind(session: Session, last: date, zone: ZoneInfo) -> bool:
    """Whether the figures miss something that the register knew at the end of a day: an act until then, or a letter with a number
    of that day or an earlier one that came with an entity, and has no act."""
    state, end = session.get_one(FigureState, STATE), datetime.combine(last + ONE_DAY, time(), zone)
    acts = select(AuditEntry.sequence).where(AuditEntry.sequence > state.sequence, AuditEntry.at < end)
    numbers = _unknown().where(MailNumber.registered_on <= last)
    return any(session.scalar(select(one.exists())) for one in (acts, numbers))


def _unknown() -> Select[int | None]:
    """The letters with a number that the figures do not know."""
    is_counted = exists().where(FigureLetter.mail_id == MailNumber.mail_id)
    return select(MailNumber.mail_id).where(MailNumber.mail_id.is_not(None), ~is_counted)


def named(session: Session, zone: ZoneInfo, mail_ids: Collection[int]) -> Iterator[tuple[Letter, int]]:
    """These letters as the register has them now, each with its level."""
    wanted = sorted(mail_ids)
    for start in range(0, len(wanted), AT_ONCE):
        yield from _read(session, zone, among(wanted[start : start + AT_ONCE]))


def every(session: Session, zone: ZoneInfo, progress: PartProgress) -> Iterator[tuple[Letter, int]]:
    """All letters of the register as it has them now, each with its level. No table of figures is asked."""
    last, upto = figures.last_letter(session), 0
    while upto < last:
        after, upto = upto, figures.chunk_end(session, upto) or last
        yield from _read(session, zone, between(after, upto))
        progress(upto, last)


def _read(session: Session, zone: ZoneInfo, which: Which) -> Iterator[tuple[Letter, int]]:
    register = CountedRegister(session, zone)
    returned: dict[int, list[tuple[date, int]]] = {}
    for mail_id, day, times in session.execute(register.returns(which)):
        returned.setdefault(mail_id, []).append((day, int(times)))
    for row in session.execute(register.letters(which)):
        columns = row._mapping
        days = {name: columns[name] for name in DAYS if columns[name] is not None}
        letter = Letter(
            columns["mail_id"], columns["unit_id"], days, tuple(sorted(returned.get(columns["mail_id"], ())))
        )
        yield letter, int(columns["level"])


def counted(found: Iterator[tuple[Letter, int]], unit_ids: Collection[int], month: Month) -> list[Letter]:
    """Those of the letters that a report on these units counts, by id."""
    kept = (
        letter
        for letter, level in found
        if level == Confidentiality.ORDINARY and letter.unit_id in unit_ids and month.counts(letter)
    )
    return sorted(kept, key=lambda one: one.id)
