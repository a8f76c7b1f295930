"""Making a monthly report: read in one moment of the database, typeset, sealed, and then entered.

Nothing is locked meanwhile. An act that comes in between is not in the report; the journal's entry that the report names says so.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any

from sqlalchemy.orm import Session

from ged import audit, locks
from ged.archive.institution_seal import REPORT_REASON, institution_seal
from ged.errors import ConfigError, EngineFailed, Invalid, InvalidTransition
from ged.figures import definitions
from ged.figures import queries as figures
from ged.letterhead import letterhead
from ged.monthly import again, reading, rights, sheet, templates
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.monthly.numbers import Month, Number, below, numbers
from ged.monthly.templates import InUse
from ged.org.models import Unit
from ged.ports import StoredBlob
from ged.routing.deadlines import WorkCalendar
from ged.schema import require_opened
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

logger = logging.getLogger(__name__)

OPENED_BY = "0191"
"""The contraction from which on a report may be made: the release before cannot keep its signature provable."""
FORM = 1
"""The form of what the file carries."""


def make(
    services: Services,
    entity_id: int,
    month: date,
    *,
    actor: Actor,
    now: datetime,
    note: Callable[[UnitOfWork], bool] | None = None,
    reason: str = "",
) -> MonthlyReport:
    """Make the report of an entity on a month that has ended.

    Args:
        month: any day of it.
        actor: SYSTEM is the program.
        reason: why another report is made where the month has one with the same numbers.
        note: called in the transaction that enters the report; False: somebody was faster, and it is not entered.

    Raises:
        NotFound: ``monthly.unknown_entity``.
        Forbidden: ``monthly.not_maker``.
        InvalidTransition: ``monthly.not_over``; ``monthly.not_counted``: the figures are being made;
            ``monthly.made_already``: ``note`` says so, or somebody else has made one meanwhile; ``monthly.made_before``: there is one with
            the same numbers, and no reason is given (``again``).
        Invalid: ``monthly.reason``; ``upgrade.not_finished``.
        Invalid, EngineFailed: as ``typeset``.
    """
    with services.reading() as session:
        require_opened(session, OPENED_BY)
    post = None if actor is SYSTEM else rights.require_maker(actor, entity_id)
    local = now.astimezone(services.zone)
    with services.snapshot() as session:
        content, counted = read(session, services, entity_id, month.replace(day=1), now=now)
        earlier = again.last_on(session, entity_id, month.replace(day=1))
        head = letterhead(session, entity_id, country=services.country).data()
        template = templates.in_use(session, entity_id)
    counted_digest = again.digest_of(counted)
    if note is None:
        again.require_new(earlier, counted_digest, reason.strip())
    elif earlier is not None:
        raise InvalidTransition("monthly.made_already", "read the list again")
    made = sheet.made_by("" if actor is SYSTEM else actor.name, local)
    pdf, of_template = _set(content, counted, head, made, now, template)
    stored, sealed = services.blobs.put(BytesIO(pdf)), _sealed(services, pdf, now)
    for attempt in services.attempts(now):
        with attempt as uow:
            # Two reports of one entity take turns, so that the second one sees the first.
            locks.hold(uow.session, Unit, [entity_id])
            if note is not None and not note(uow):
                raise InvalidTransition("monthly.made_already", "read the list again")
            if again.last_on(uow.session, entity_id, month.replace(day=1)) != earlier:
                raise InvalidTransition("monthly.made_already", "read the list again")
            row = _enter(uow, entity_id, stored, sealed, content, actor)
            noted = of_template | ({"reason": reason.strip()} if reason.strip() else {})
            uow.record(
                "report.made", "report", row.id, actor=actor, post=post, entity=entity_id, month=row.month.isoformat(),
                digest=row.digest, content=row.content_hash, numbers=counted_digest, **noted,
            )  # fmt: skip
            uow.preserve("report", row.id)
    return row


def _set(
    content: Mapping[str, Any], counted: list[Number], head: Mapping[str, Any], made: str, now: datetime, template: InUse | None
) -> tuple[bytes, dict[str, object]]:  # fmt: skip
    """The pages, and what the journal notes of the template. One that fails with these numbers is left out: the report is not late for it."""
    if template is None:
        return sheet.report_pdf(content, counted, head, made=made, at=now), {}
    noted: dict[str, object] = {"template": template.id, "template_version": template.version_no}
    try:
        return sheet.report_pdf(content, counted, head, made=made, at=now, front=template.front()), noted
    except (Invalid, EngineFailed) as error:
        # The machine is busy, and the template not wrong: the report is made later, with it.
        if error.code == "work.busy":
            raise
        logger.warning("monthly.template_failed template=%d code=%s", template.id, error.code)
    pdf = sheet.report_pdf(content, counted, head, made=made, at=now, front=template.left_out())
    return pdf, noted | {"template_failed": True}


def _enter(
    uow: UnitOfWork, entity_id: int, stored: StoredBlob, sealed: tuple[StoredBlob, str] | None, content: Mapping[str, Any], actor: Actor
) -> MonthlyReport:  # fmt: skip
    """Add the rows of a report; ``sealed``: its first revision, where the seal was available."""
    row = MonthlyReport(
        entity_id=entity_id,
        month=date.fromisoformat(content["month"]),
        digest=stored.digest,
        content_hash=sheet.content_hash(content),
        sequence=content["journal"]["sequence"],
        made_at=uow.now,
        made_by_id=actor.person_id or None,
    )
    uow.session.add(row)
    uow.session.flush()
    if sealed is not None:
        file, level = sealed
        revision = MonthlyReportRevision(
            report_id=row.id, sequence=1, digest=file.digest, size_bytes=file.size_bytes, level=level, at=uow.now
        )
        uow.session.add(revision)
    return row


def read(
    session: Session, services: Services, entity_id: int, first: date, *, now: datetime
) -> tuple[dict[str, Any], list[Number]]:
    """What the report carries, and its numbers, in one moment of the database.

    Raises:
        InvalidTransition: as ``make``.
    """
    month = reading.month_of(session, first)
    if month.last >= now.astimezone(services.zone).date():
        raise InvalidTransition("monthly.not_over", "make the report when the month is over", month=first.isoformat())
    if not figures.are_whole(session):
        raise InvalidTransition("monthly.not_counted", "wait until the figures are made, or run `ged facts rebuild`")
    head = audit.head(session)
    units = reading.units_of(session, entity_id)
    unit_ids = {one["id"] for one in units}
    found = reading.named(session, services.zone, reading.candidates(session, unit_ids, month))
    letters = reading.counted(found, unit_ids, month)
    lines = numbers(month, letters, below(units))
    return {
        "form": FORM,
        "definitions": definitions.VERSION,
        "entity": {"id": entity_id, "code": units[0]["code"], "name": units[0]["name"]},
        "month": first.isoformat(),
        "zone": services.zone.key,
        "made_at": now.isoformat(),
        "journal": {"sequence": head.count, "hash": head.hash},
        "calendar": {
            "weekdays": sorted(month.calendar.weekdays),
            "days_off": sorted(one.isoformat() for one in month.calendar.holidays),
        },
        "units": units,
        "letters": [one.data() for one in letters],
        "numbers": [one.data() for one in lines],
    }, lines


def month_of(content: Mapping[str, Any]) -> Month | None:
    """The month of a report, with the calendar and by the version that it was counted with; None: this program does not know the version."""
    days, rules = content["calendar"], definitions.of(content["definitions"])
    if rules is None:
        return None
    known = WorkCalendar(frozenset(days["weekdays"]), frozenset(map(date.fromisoformat, days["days_off"])))
    return Month(date.fromisoformat(content["month"]), known, rules)


def _sealed(services: Services, pdf: bytes, now: datetime) -> tuple[StoredBlob, str] | None:
    """Seal the report; None when the institution's seal is not available now: a job seals it later."""
    try:
        made = institution_seal(services, pdf, reason=REPORT_REASON, at=now)
    except (ConfigError, EngineFailed) as error:
        logger.warning("monthly.not_sealed code=%s", error.code)
        return None
    return services.blobs.put(BytesIO(made.pdf)), made.level
