"""Result sheets: the trainer's table, and a page for each person."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ged.days import hour, long_day
from ged.letterhead import letterhead
from ged.org.tree import all_units
from ged.sheets import Sheet
from ged.training.queries import Progress, Trainee
from ged.unit import Services


def result_sheet(
    session: Session, services: Services, found: Sequence[Trainee], *, with_table: bool, now: datetime
) -> Sheet:
    """The results of some people on paper, a page for each; before them, for the trainer, a table of all."""
    local = now.astimezone(services.zone)
    top = next(row for row in all_units(session).values() if row.parent_id is None)
    head = letterhead(session, top.id, country=services.country).data()
    data = {
        "head": head,
        "printed": f"Imprimé le {long_day(local)} à {hour(local)}",
        "with_table": with_table,
        "people": [_person(one, services) for one in found],
    }
    return Sheet("training_results.typ", data, now, "resultats.pdf")


def _person(one: Trainee, services: Services) -> dict[str, object]:
    return {
        "name": one.name,
        "account": one.account,
        "passed": one.passed,
        "begun": len(one.progress),
        "lines": [_line(row, services) for row in one.progress],
    }


def _line(row: Progress, services: Services) -> dict[str, object]:
    def moment(at: datetime | None) -> str:
        return f"{at.astimezone(services.zone):%d/%m/%Y} à {hour(at.astimezone(services.zone))}" if at else ""

    return {
        "title": row.exercise.title,
        "count": f"{row.done} / {row.exercise.wanted}",
        "started": moment(row.started_at),
        "done": moment(row.done_at),
        "lasted": duration_text(row.lasted) if row.lasted is not None else "",
        "starts": row.starts,
    }


def duration_text(lasted: timedelta) -> str:
    """A duration: ``1 h 05 min``, ``12 min``, ``40 s``."""
    seconds = int(lasted.total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
