"""The follow-up list on paper and as a file: all its rows, and which restricted letters they show."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ged import access
from ged.days import hour, long_day, place_of
from ged.followup.listing import DueTime, FollowFilter, FollowRow, Grouping, Scope, Today, rows, time_of
from ged.followup.words import DUE_TIMES
from ged.letterhead import letterhead
from ged.ports import Confidentiality
from ged.register.words import CONFIDENTIAL_LETTER, is_told
from ged.routing.deadlines import WorkCalendar, working_days_between
from ged.routing.rights import HEADS
from ged.sheets import Sheet
from ged.unit import Actor, Services, UnitOfWork

MAX_ROWS = 1_000
"""Largest number of rows of a print or a file: those with the earliest dates."""

_TITLES = {Scope.UNITS: "Ce que les services doivent", Scope.GIVEN: "Ce qui a été confié"}


def whole_list(session: Session, actor: Actor, asked: FollowFilter, *, today: Today) -> tuple[list[FollowRow], bool]:
    """The rows of the list, ``MAX_ROWS`` at most; and whether there are more."""
    found, page = rows(session, actor, asked, today=today, limit=MAX_ROWS)
    return found, page.next is not None


def record(uow: UnitOfWork, found: Iterable[FollowRow], *, action: str, form: str, actor: Actor) -> None:
    """Record in the journal which restricted and secret letters were printed or exported."""
    levels = {row.mail.mail_id: row.mail.level for row in found if row.mail.level >= Confidentiality.RESTRICTED}
    for mail_id, level in sorted(levels.items()):
        post = access.through(uow.session, mail_id, level, actor)
        uow.record(action, "mail", mail_id, actor=actor, post=post, form=form)


def follow_up_sheet(
    session: Session,
    services: Services,
    actor: Actor,
    found: Sequence[FollowRow],
    *,
    scope: Scope,
    grouping: Grouping,
    today: Today,
    days: WorkCalendar,
    is_cut: bool,
    now: datetime,
) -> Sheet:
    """The list as a sheet, a section for each group. Of a secret letter neither subject nor sender is on paper."""
    local = now.astimezone(services.zone)
    post = next((one for one in actor.posts if set(HEADS) & one.roles), actor.posts[0])
    groups: dict[Hashable, tuple[str, list[FollowRow]]] = {}
    for row in found:
        for key, name in _groups(row, grouping, today):
            groups.setdefault(key, (name, []))[1].append(row)
    data = {
        "head": letterhead(session, post.unit_id, country=services.country).data(),
        "title": "Suivi des courriers",
        "span": f"{_TITLES[scope]}, état au {long_day(today.on)}",
        "total": str(len(found)),
        "late": str(sum(_is_late(row, today) for row in found)),
        "groups": [
            {
                "name": name,
                "total": len(lines),
                "late": sum(_is_late(row, today) for row in lines),
                "rows": [_line(row, today.on, days, services.zone) for row in lines],
            }
            for name, lines in groups.values()
        ],
        "cut": f"Liste limitée aux {MAX_ROWS} échéances les plus proches." if is_cut else "",
        "made": f"{place_of(services.zone)}, le {long_day(local.date())}",
        "printed": f"Édité le {long_day(local.date())} à {hour(local)} par {actor.name}",
    }
    return Sheet("follow_up.typ", data, now, f"suivi-{today.on.isoformat()}.pdf")


def _groups(row: FollowRow, grouping: Grouping, today: Today) -> Sequence[tuple[Hashable, str]]:
    """(key, name) of each group of a row. Two units of one name are two groups."""
    match grouping:
        case Grouping.UNIT:
            return [(row.unit_id, row.unit_name)]
        case Grouping.PERSON:
            unit = row.unit_name
            name = f"{_receiver(row)} - {unit}" if row.to_post else f"{unit}, sans poste désigné"
            return [((row.unit_id, row.post_id), name)]
        case Grouping.MENTION:
            return list(zip(row.codes, row.mentions, strict=True)) or [("", "Sans mention")]
        case Grouping.DUE:
            time = time_of(row.due_on, today)
            return [(time, DUE_TIMES[time])]


def _is_late(row: FollowRow, today: Today) -> bool:
    return time_of(row.due_on, today) is DueTime.LATE


def _receiver(row: FollowRow) -> str:
    return f"{row.to_post} ({row.holder})" if row.holder else row.to_post


def _line(row: FollowRow, today: date, days: WorkCalendar, zone: ZoneInfo) -> dict[str, object]:
    return {
        "number": row.mail.number or "sans numéro",
        "received": f"{row.mail.received_on:%d/%m/%Y}" if row.mail.received_on else "",
        "sender": row.mail.sender,
        "subject": row.mail.subject if is_told(row.mail.level) else CONFIDENTIAL_LETTER,
        "to": f"{_receiver(row)}, {row.unit_name}" if row.to_post else row.unit_name,
        "given": f"{row.assigned_at.astimezone(zone):%d/%m/%Y}",
        "mentions": ", ".join(row.mentions),
        "due": f"{row.due_on:%d/%m/%Y}" if row.due_on else "",
        "delay": _delay(row.due_on, today, days),
        "reminded": f"{row.reminded_on:%d/%m/%Y}" if row.reminded_on else "",
    }


def _delay(due_on: date | None, today: date, days: WorkCalendar) -> str:
    if due_on is None or due_on >= today:
        return ""
    late = -working_days_between(today, due_on, days)
    if not late:
        return "en retard"
    return f"en retard de {late} jours ouvrés" if late > 1 else "en retard d'un jour ouvré"
