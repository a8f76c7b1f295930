"""Counting: what the acts since the last run changed, what differs from the register, and everything anew.

**Nothing is lost.** An act writes an entry of the journal in its own transaction, and entries commit in the order of their numbers,
because each transaction holds the journal's head until its commit. So whoever has read the head and all entries up to
it has seen all acts up to it. A run reads on from the entry that ``FigureState`` names, counts the letters of these
entries as the register has them *now*, and stores its place in the same transaction as the figures. A run that is killed
leaves neither. An act that commits while a letter is counted has a later entry: the next run counts the letter again.

**Nobody waits.** An act writes nothing here, and a run locks no row but that of ``FigureState``. Two runs take turns on it. The
tables of figures are written by its holder alone, so no two transactions ever want one cell.

**What has no entry** (letters that arrived with an entity, rows that somebody mended by hand) is found each night: ``heal``
compares every letter with the register, and writes only where they differ. A calendar that changed is such a difference
for the delays that its days lie in.
"""

import hashlib
import logging
from collections.abc import Collection, Sequence
from datetime import date, datetime
from itertools import accumulate

from sqlalchemy import and_, delete, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from ged import audit, locks, schema
from ged.audit import AuditEntry
from ged.db import ByOtherIndex, insert_if_missing
from ged.figures import cells, handed, moving, scanned, sums
from ged.figures.counted import Chosen, CountedRegister, Which, among, between, stored_letters, stored_returns
from ged.figures.days import store_days
from ged.figures.models import (
    NO_REGISTER,
    STATE,
    FigureDay,
    FigureKey,
    FigureLetter,
    FigureMove,
    FigureReturn,
    FigureRound,
    FigureState,
)
from ged.figures.stages import FIRST_DAY
from ged.figures.whole_days import WholeDays
from ged.progress import PartProgress
from ged.register.models import Mail, MailNumber
from ged.routing import calendar
from ged.routing.deadlines import WorkCalendar
from ged.slips.models import SlipLine
from ged.unit import Services, UnitOfWork

logger = logging.getLogger(__name__)

ENTRIES = 2000
"""Entries of the journal in one transaction of a run."""
LETTERS = 5000
"""Letters of a rebuild or a comparison in one transaction: SQLite keeps other writers waiting for less than a second."""
AT_ONCE = 400
"""Letters named one by one in a statement, and counted again in one transaction of a comparison."""
YEARS_AHEAD = 2
WHOLE_DAYS: Sequence[WholeDays] = (scanned.STATIONS, handed.SLIPS)
"""The cells whose days are always counted whole: counted, healed and verified in this order."""
SLIP_ACCESS_ACTS = ("slip.signed", "slip.voided", "slip.received")
"""The acts on a slip by which its receiver may know of its letters, or may not any more."""


def has_acts(session: Session) -> bool:
    """Whether the journal has entries that are not counted, days are noted, or the figures were never made."""
    state = session.get(FigureState, STATE)
    if state is None or not state.is_whole or any(one.is_due(session, state) for one in WHOLE_DAYS):
        return True
    return audit.head(session).count > state.sequence


def run(services: Services, *, now: datetime, progress: PartProgress = lambda _done, _of: None) -> int:
    """Count the acts since the last run; make the figures first where they are missing. Returns the number of letters.

    May be run again after any crash, and by several workers at the same time.
    """
    _finish_build(services, now=now, progress=progress)
    done, more = 0, True
    while more:
        for attempt in services.attempts(now):
            with attempt as uow:
                counted, more = _count_on(uow)
        done += counted
    for kind in WHOLE_DAYS:
        _count_days(services, kind, now=now)
    return done


def _count_days(services: Services, kind: WholeDays, *, now: datetime) -> None:
    """Count the days of stations, or of slips, that are noted, some in each transaction.

    It ends where a rebuild began meanwhile: there is no calendar then, by which delays are counted. The rebuild counts all days itself.
    """
    more = True
    while more:
        for attempt in services.attempts(now):
            with attempt as uow:
                state = _held(uow)
                more = state.is_whole and kind.count(uow.session, services.zone, state)


def rebuild(
    services: Services, *, now: datetime, afresh: bool = False, progress: PartProgress = lambda _done, _of: None
) -> int:
    """Make all figures anew, or go on with a rebuild that was interrupted. Returns the number of letters.

    While it runs the figures are not whole (``queries.are_whole``). Acts go on meanwhile; they are counted at the end.

    Args:
        afresh: begin at the first letter, also where a rebuild was interrupted.
    """
    for attempt in services.attempts(now):
        with attempt as uow:
            state = _held(uow)
            if state.is_whole or afresh:
                _empty(uow)
                state.is_whole, state.built_upto, state.swept_upto = False, 0, 0
                state.sequence = audit.head(uow.session).count
    run(services, now=now, progress=progress)
    with services.reading() as session:
        return session.scalar(select(func.count()).select_from(FigureLetter)) or 0


def heal(services: Services, *, now: datetime, progress: PartProgress = lambda _done, _of: None) -> int:
    """Compare every letter with the register, and count again those that differ. Returns their number.

    An interrupted comparison goes on where it stopped. It ends where a rebuild began meanwhile: that one counts every letter itself.
    """
    run(services, now=now, progress=progress)
    for attempt in services.attempts(now):
        with attempt as uow:
            _take_calendar(uow, _held(uow))
    healed, after, more = 0, 0, True
    while more:
        with services.reading() as session:
            last = last_letter(session)
            after = session.get_one(FigureState, STATE).swept_upto
            upto = chunk_end(session, after)
            found = different(CountedRegister(session, services.zone), between(after, upto)) if upto else set()
        for some, end in _pieces(found, upto):
            for attempt in services.attempts(now):
                with attempt as uow:
                    state = _held(uow)
                    is_ours = state.is_whole and state.swept_upto == after  # otherwise another run has done it
                    if is_ours:
                        recount(CountedRegister(uow.session, services.zone), some)
                        state.swept_upto = end if end and end < last else 0
                    more = state.is_whole and state.swept_upto != 0
            if not is_ours:
                break
            healed, after = healed + len(some), end
            progress(end, last)
    for kind in WHOLE_DAYS:
        _heal_days(services, kind, now=now)
    _make_sums(services, now=now)
    _drop_keys(services, now=now)
    if healed:
        logger.warning("figures.healed letters=%s", healed)
    return healed


def _make_sums(services: Services, *, now: datetime) -> None:
    """Make the cells of sums, once: after an upgrade, of figures that are there. The figures of a build have them from the beginning."""
    more = True
    while more:
        for attempt in services.attempts(now):
            with attempt as uow:
                state = _held(uow)
                are_missing = state.is_whole and not state.sums_whole
                more = are_missing and schema.is_opened(uow.session, sums.OPENED_BY) and sums.make_next(uow.session)


def _drop_keys(services: Services, *, now: datetime) -> None:
    """Remove the keys that no letter and no cell has any more: natures, units and levels that letters had once; then their sums."""
    used = [select(one.key_id).where(one.key_id == FigureKey.id).exists() for one in (FigureLetter, *sums.MODELS)]
    part = aliased(FigureKey)
    is_sum = FigureKey.register_id <= NO_REGISTER
    links = (getattr(part, kind.link.key) == FigureKey.id for kind in sums.SUM_KINDS)
    has_parts = select(part.id).where(or_(*links)).exists()
    for attempt in services.attempts(now):
        with attempt as uow:
            _held(uow)
            for chosen in (~is_sum, and_(is_sum, ~has_parts)):
                unused = delete(FigureKey).where(chosen, ~or_(*used))
                uow.session.execute(unused, execution_options={"synchronize_session": False})


def _heal_days(services: Services, kind: WholeDays, *, now: datetime) -> None:
    """Compare the days of stations, or of slips, with what there is, month by month, and count again those that differ."""
    with services.reading() as session:
        is_whole = kind.is_whole(session.get_one(FigureState, STATE))
        months = kind.months(session, services.zone) if is_whole else []
    for month in months:
        with services.reading() as session:
            found = kind.different(session, services.zone, month)
        if found:
            for attempt in services.attempts(now):
                with attempt as uow:
                    _held(uow)
                    kind.note(uow.session, found)
            _count_days(services, kind, now=now)
            logger.warning("figures.healed month=%s kind=%s days=%s", month.since, kind.name, len(found))


def _pieces(found: Collection[int], upto: int) -> list[tuple[list[int], int]]:
    """Some letters of a comparison, and the letter up to which they are all of them. After a new holiday nearly every letter differs."""
    wanted = sorted(found)
    pieces = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)] or [[]]
    return [*((one, one[-1]) for one in pieces[:-1]), (pieces[-1], upto)]


def recount(register: CountedRegister, mail_ids: Collection[int]) -> None:
    """Count these letters as the register has them now. The caller holds ``FigureState``."""
    wanted = sorted(mail_ids)
    for start in range(0, len(wanted), AT_ONCE):
        _count_again(register, among(wanted[start : start + AT_ONCE]))


def _count_again(register: CountedRegister, letters: Chosen) -> None:
    emptied = cells.take_out(register, letters)
    cells.drop(register, letters)
    cells.store(register, letters)
    cells.add(register, letters)
    cells.clear_empty(register.session, emptied)


def different(register: CountedRegister, which: Which) -> set[int]:
    """The letters that are counted otherwise than the register has them."""
    found: set[int] = set()
    for now, before in (
        (register.letters(which), stored_letters(which)),
        (register.returns(which), stored_returns(which)),
        (moving.moves(register, which), moving.stored_moves(which)),
        (moving.rounds(register, which), moving.stored_rounds(which)),
    ):
        for one, other in ((now, before), (before, now)):
            found |= {row[0] for row in register.session.execute(one.except_(other))}
    return found


def letters_of(session: Session, after: int, upto: int) -> set[int]:
    """The letters that the entries of the journal above ``after`` and not above ``upto`` are about."""
    span, kind = (AuditEntry.sequence > after, AuditEntry.sequence <= upto), ByOtherIndex(AuditEntry.subject_kind)
    named = select(AuditEntry.subject_id).where(*span, kind == "mail")
    numbers = select(MailNumber.mail_id).join(AuditEntry, AuditEntry.subject_id == MailNumber.id)
    # The letter of an envelope counts as long as its unit may know of it.
    lines = select(SlipLine.mail_id).join(AuditEntry, AuditEntry.subject_id == SlipLine.slip_id)
    carried = lines.where(*span, kind == "slip", ByOtherIndex(AuditEntry.action).in_(SLIP_ACCESS_ACTS))
    found = session.scalars(union_all(named, numbers.where(*span, kind == "number"), carried))
    return {one for one in found if one is not None}


# --- the parts of a run -------------------------------------------------------------------------------------------


def _held(uow: UnitOfWork) -> FigureState:
    """The state, locked until the commit. Without a row there are no figures yet, and all entries up to now are in the build."""
    insert_if_missing(
        uow.session, FigureState, id=STATE, sequence=audit.head(uow.session).count, built_upto=0, is_whole=False,
        swept_upto=0, calendar="",
    )  # fmt: skip
    return locks.hold_known(uow.session, FigureState, STATE)


def _count_on(uow: UnitOfWork) -> tuple[int, bool]:
    """Count the letters of the next entries. Returns their number, and whether entries are left."""
    state = _held(uow)
    # Read under the lock of the state: entries up to it are committed, as their numbers follow the commits.
    head = audit.head(uow.session).count
    if not state.is_whole or head == state.sequence:
        return 0, False
    upto = min(head, state.sequence + ENTRIES)
    found = letters_of(uow.session, state.sequence, upto)
    recount(CountedRegister(uow.session, uow.services.zone), found)
    for kind in WHOLE_DAYS:
        kind.note_days(uow.session, uow.services.zone, state.sequence, upto)
    state.sequence = upto
    return len(found), upto < head


def _finish_build(services: Services, *, now: datetime, progress: PartProgress) -> None:
    """Make what is missing of the figures, some letters in each transaction."""
    more = True
    while more:
        with services.reading() as session:
            state = session.get(FigureState, STATE)
            if state is not None and state.is_whole:
                return
        for attempt in services.attempts(now):
            with attempt as uow:
                done, of = _build_on(uow)
                more = done < of
        progress(done, of)


def _build_on(uow: UnitOfWork) -> tuple[int, int]:
    """Count the next letters of a build. Returns the last one, and the last of all; equal at the end."""
    state = _held(uow)
    if state.is_whole:
        return 0, 0
    if not state.calendar:
        _take_calendar(uow, state)
    if not state.built_upto and uow.session.scalar(select(FigureLetter.mail_id).limit(1)) is None:
        # Where letters are counted without sums already, their sums must not be taken out: the night makes them (``heal``).
        state.sums_whole, state.sums_upto = schema.is_opened(uow.session, sums.OPENED_BY), None
    upto = chunk_end(uow.session, state.built_upto, of_register=True)
    if upto:
        _count_again(CountedRegister(uow.session, uow.services.zone), between(state.built_upto, upto))
        state.built_upto = upto
    last = uow.session.scalar(select(func.max(Mail.id))) or 0
    state.is_whole = state.built_upto >= last
    return (last, last) if state.is_whole else (state.built_upto, last)


def chunk_end(session: Session, after: int, *, of_register: bool = False) -> int:
    """The last of the next letters; 0: there is none. A comparison also looks at letters that are counted only."""
    ends = []
    for column in (Mail.id,) if of_register else (Mail.id, FigureLetter.mail_id):
        ids = select(column.label("id")).where(column > after).order_by(column).limit(LETTERS).subquery()
        ends.append(session.scalar(select(func.max(ids.c.id))) or 0)
    return min((one for one in ends if one), default=0)


def last_letter(session: Session) -> int:
    """The highest id of a letter, of the register or counted."""
    return max(session.scalar(select(func.max(column))) or 0 for column in (Mail.id, FigureLetter.mail_id))


def _empty(uow: UnitOfWork) -> None:
    for model in (*sums.MODELS, FigureReturn, FigureMove, FigureRound, FigureLetter, FigureKey, FigureDay):
        uow.session.execute(delete(model))
    state = uow.session.get_one(FigureState, STATE)
    for kind in WHOLE_DAYS:
        kind.forget(uow.session)
        setattr(state, kind.flag, False)
    state.calendar = ""


def _take_calendar(uow: UnitOfWork, state: FigureState) -> None:
    """Take over the working week and the holidays, when they are others than those that delays were counted with."""
    known = calendar.calendar(uow.session)
    until = date(uow.now.astimezone(uow.services.zone).year + YEARS_AHEAD, 12, 31)
    digest = _digest(known, until)
    if digest == state.calendar:
        return
    uow.session.execute(delete(FigureDay))
    store_days(uow.session, worked_until(known, until))
    state.calendar, state.swept_upto = digest, 0


def worked_until(known: WorkCalendar, until: date) -> list[tuple[date, int]]:
    """(day, number of working days up to it) of each day."""
    days = [date.fromordinal(day) for day in range(FIRST_DAY.toordinal(), until.toordinal() + 1)]
    return list(zip(days, accumulate(map(int, map(known.is_working, days))), strict=True))


def _digest(known: WorkCalendar, until: date) -> str:
    off = sorted(one for one in known.holidays if FIRST_DAY <= one <= until)
    return hashlib.sha256(repr((sorted(known.weekdays), off, until)).encode()).hexdigest()
