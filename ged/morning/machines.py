"""Jobs, e-mails and desks: for those who run the machines."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select

from ged.capture import bridges, desks
from ged.counting import composed
from ged.jobs import JobState
from ged.morning.base import MOST, Found, Ground, Line, Probe
from ged.notices import returned
from ged.reports import jobs as reports
from ged.unit import Actor


def jobs(ground: Ground) -> Found:
    """Jobs that failed or were interrupted: a person decides."""
    counts = reports.counts(ground.session)
    lines = [
        Line(code=state.value, count=counts[state.value])
        for state in (JobState.FAILED, JobState.UNCERTAIN)
        if counts[state.value]
    ]
    return lines, sum(line.count for line in lines)


def mails(ground: Ground) -> Found:
    """People whom the last e-mail to their address did not reach."""
    count = returned.failing(ground.session)
    return [Line(count=count)] if count else [], count


def probes_of_desks(ground: Ground) -> tuple[Probe, ...]:
    """A statement that finds the stations of ``silent_desks``, and those that will be silent before the day ends."""
    return ((_silent, (ground.next_midnight,)),)


@composed
def _silent(actor: Actor, at: datetime) -> Select[Any]:
    return desks.silent_at(bridges.desk_units(actor), at)


def silent_desks(ground: Ground) -> Found:
    """Scanning stations of the reader's offices, of an administrator those of the ministry, that were not seen for days."""
    rows = desks.silent(ground.session, bridges.desk_units(ground.actor), now=ground.now)
    return [
        Line(row.id, row.name, who=row.unit_name, on=row.seen_at.astimezone(ground.services.zone).date() if row.seen_at else None)
        for row in rows[: ground.shown]
    ], min(MOST, len(rows))  # fmt: skip
