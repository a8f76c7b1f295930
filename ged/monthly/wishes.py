"""The entities whose report is made each month by itself: the wish, and the months that are due. A job makes the reports."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.errors import EngineFailed, GedError, InvalidTransition
from ged.figures import queries as figures
from ged.figures.periods import months_later
from ged.monthly import operations, rights
from ged.monthly.models import MonthlyReport, MonthlyWish
from ged.org.models import Person, Unit
from ged.schema import require_opened
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WishRow:
    """An entity and whether its reports are made by themselves.

    Attributes:
        asked_by, asked_at: who switched it on, and when; empty and None: nobody.
        next_month: the first day of the month on which the next report will be; None: it is not switched on.
    """

    entity_id: int
    entity: str
    asked_by: str
    asked_at: datetime | None
    next_month: date | None


def wishes(session: Session, actor: Actor) -> list[WishRow]:
    """The open entities on which the actor may make reports, by name."""
    rows = session.execute(
        select(Unit.id, Unit.name, MonthlyWish, Person.name)
        .outerjoin(MonthlyWish, MonthlyWish.entity_id == Unit.id)
        .outerjoin(Person, Person.id == MonthlyWish.asked_by_id)
        .where(Unit.id.in_(sorted(rights.entities_to_make(actor))), Unit.closed_at.is_(None))
        .order_by(Unit.name, Unit.id)
    )
    return [
        WishRow(unit_id, name, who or "", wish.asked_at, months_later(wish.made_upto, 1))
        if wish is not None
        else WishRow(unit_id, name, "", None, None)
        for unit_id, name, wish, who in rows
    ]


def switch(uow: UnitOfWork, entity_id: int, *, on: bool, actor: Actor) -> None:
    """Have the reports of an entity made by themselves, from the present month on; or no more. Twice is once.

    Raises:
        NotFound: ``monthly.unknown_entity``; Forbidden: ``monthly.not_maker``.
        Invalid: ``upgrade.not_finished``.
    """
    require_opened(uow.session, operations.OPENED_BY)
    post = rights.require_maker(actor, entity_id)
    if on:
        last = months_later(_month(uow.services, uow.now), -1)
        is_changed = insert_if_missing(
            uow.session, MonthlyWish, entity_id=entity_id, made_upto=last, asked_at=uow.now, asked_by_id=actor.person_id
        )
    else:
        gone = delete(MonthlyWish).where(MonthlyWish.entity_id == entity_id).returning(MonthlyWish.entity_id)
        is_changed = uow.session.scalars(gone.execution_options(synchronize_session=False)).first() is not None
    if is_changed:
        uow.record("report.wished" if on else "report.unwished", "entity", entity_id, actor=actor, post=post)


def is_due(uow: UnitOfWork) -> bool:
    """Whether a month has ended of which a wanted report is missing."""
    return bool(_due(uow.session, _month(uow.services, uow.now), uow.services.zone))


def run(services: Services, *, heartbeat: Callable[[str], None], now: datetime) -> int:
    """Make the wanted reports of all months that have ended; returns how many were made.

    A month for which somebody made a report already gets no other one. An entity that fails does not delay the others. May be
    run again after any crash: a month is noted in the transaction that enters its report.

    Raises:
        EngineFailed: ``monthly.not_made``: for an entity; it can be retried while the figures are being made.
    """
    made, failures = 0, list[tuple[str, GedError]]()
    with services.reading() as session:
        due = _due(session, _month(services, now), services.zone)
    for done, (entity_id, code, month) in enumerate(due):
        heartbeat(f"{done}/{len(due)}")
        if code in {failed for failed, _error in failures}:
            continue  # its months are made in their order
        try:
            made += _make(services, entity_id, month, now=now)
        except GedError as error:
            logger.warning("monthly.not_made entity=%s month=%s code=%s", code, month, error.code)
            failures.append((code, error))
    if failures:
        code, first = failures[0]
        raise EngineFailed(
            "monthly.not_made", "make the report on its page", entity=code, cause=first.code,
            retryable=isinstance(first, EngineFailed) and first.retryable,
        )  # fmt: skip
    return made


def _month(services: Services, now: datetime) -> date:
    return _month_of(now, services.zone)


def _month_of(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date().replace(day=1)


def _due(session: Session, present: date, zone: ZoneInfo) -> list[tuple[int, str, date]]:
    """(entity, its code, first day of the month) of each missing report, the oldest first. The month in which an entity closes is its last."""
    rows = session.execute(
        select(MonthlyWish.entity_id, Unit.code, MonthlyWish.made_upto, Unit.closed_at)
        .join(Unit, Unit.id == MonthlyWish.entity_id)
        .where(MonthlyWish.made_upto < months_later(present, -1))
        .order_by(Unit.code)
    )
    found = []
    for entity_id, code, made_upto, closed_at in rows:
        month = months_later(made_upto, 1)
        end = min(present, months_later(_month_of(closed_at, zone), 1)) if closed_at is not None else present
        while month < end:
            found.append((entity_id, code, month))
            month = months_later(month, 1)
    return sorted(found, key=lambda one: (one[2], one[1]))


def _make(services: Services, entity_id: int, month: date, *, now: datetime) -> bool:
    """Make the report of a month, or note that it is there; returns whether it was made."""
    with services.reading() as session:
        is_there = session.scalar(
            select(exists().where(MonthlyReport.entity_id == entity_id, MonthlyReport.month == month))
        )
        if not is_there and not figures.are_whole(session):
            raise EngineFailed("monthly.not_counted", "wait until the figures are made", retryable=True)
    if is_there:
        for attempt in services.attempts(now):
            with attempt as uow:
                _note(uow, entity_id, month)
        return False
    try:
        operations.make(
            services, entity_id, month, actor=SYSTEM, now=now, note=lambda uow: _note(uow, entity_id, month)
        )
    except InvalidTransition as refusal:
        if refusal.code != "monthly.made_already":
            raise
        return False
    return True


def _note(uow: UnitOfWork, entity_id: int, month: date) -> bool:
    """Note that a month is done; False: it was already, or the entity wants no reports any more."""
    noted = uow.session.scalars(
        update(MonthlyWish)
        .where(MonthlyWish.entity_id == entity_id, MonthlyWish.made_upto == months_later(month, -1))
        .values(made_upto=month)
        .returning(MonthlyWish.entity_id)
        .execution_options(synchronize_session=False)
    )
    return noted.first() is not None
