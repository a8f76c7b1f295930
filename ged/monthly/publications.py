"""Open data by an act: the counts of months that have ended leave as a file that is numbered, dated, kept and journalled.

Only letters of the ordinary level are counted, by month, entity, direction and nature: nothing of persons, correspondents or subjects. Each
month leaves once: two files of one month would tell by their difference what no file tells.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.figures import queries as figures
from ged.figures.models import FigureCell, FigureKey
from ged.figures.periods import month_end, months_later
from ged.figures.stages import Grain
from ged.monthly import open_data, operations, reading, rights
from ged.monthly.models import OpenDataAct
from ged.monthly.open_data import DIRECTIONS, LEAVING, Counts, Key, MeasureRow
from ged.natures import queries as natures
from ged.org import tree
from ged.org.models import Person, Unit
from ged.ports import Confidentiality, Digest
from ged.schema import require_opened
from ged.unit import Actor, HeldPost, Role, Services

LONGEST_LICENCE, LONGEST_REFERENCE = 5000, 200


@dataclass(frozen=True)
class ActRow:
    """A publication.

    Attributes:
        since, until: the first days of its first and its last month.
        rows: of the CSV.
    """

    id: int
    ministry: str
    number: int
    since: date
    until: date
    act_reference: str
    act_on: date
    digest: Digest
    rows: int
    published_at: datetime
    published_by: str


@dataclass(frozen=True)
class Offer:
    """What a ministry could publish now.

    Attributes:
        months: the first days of the months that have ended and have not left, in order; empty: none.
        number: the next one.
    """

    ministry_id: int
    ministry: str
    number: int
    months: tuple[date, ...]


@dataclass(frozen=True)
class Leaves:
    """Letters of which a publication would tell: a month, the codes of an entity and a direction; ``open_data.OTHER``: several."""

    month: date
    entity: str
    direction: str


def publishers_of(actor: Actor) -> frozenset[int]:
    """The ministries (the roots of their trees) whose data the actor may publish: as head or authority of the root, or as administrator."""
    units = actor.units
    roots = {tree.root_of(post.unit_id, units) for post in actor.posts if post.unit_id in units}
    return frozenset(one for one in roots if rights.deciding_post(one, actor) is not None)


def readers_of(actor: Actor) -> frozenset[int]:
    """The ministries whose publications the actor may fetch here."""
    units = actor.units
    watched = tree.ministry_of_role(actor, Role.AUDITOR)
    return publishers_of(actor) | {one for one in watched if tree.root_of(one, units) == one}


def acts(session: Session, actor: Actor) -> list[ActRow]:
    """The publications that the actor may read, the newest first. A ministry has a dozen a year at most."""
    return _rows(session, readers_of(actor))


def act(session: Session, act_id: int, actor: Actor) -> ActRow:
    """One publication.

    Raises:
        NotFound: ``open_data.unknown``.
    """
    found = [one for one in acts(session, actor) if one.id == act_id]
    if not found:
        raise NotFound("open_data.unknown", "choose a publication of the list", id=act_id)
    return found[0]


def offers(session: Session, actor: Actor, *, today: date) -> list[Offer]:
    """What the actor may publish now, by ministry."""
    rows = session.execute(
        select(Unit.id, Unit.name).where(Unit.id.in_(sorted(publishers_of(actor)))).order_by(Unit.name, Unit.id)
    )
    return [_offer(session, ministry_id, name, today) for ministry_id, name in rows.all()]


def _offer(session: Session, ministry_id: int, name: str, today: date) -> Offer:
    number, last = session.execute(
        select(func.max(OpenDataAct.number), func.max(OpenDataAct.until)).where(OpenDataAct.ministry_id == ministry_id)
    ).one()
    present = today.replace(day=1)
    first = months_later(last, 1) if last is not None else _first_month(session, ministry_id)
    months = list[date]()
    while first is not None and first < present:
        months.append(first)
        first = months_later(first, 1)
    return Offer(ministry_id, name, (number or 0) + 1, tuple(months))


def _first_month(session: Session, ministry_id: int) -> date | None:
    """The first month of which a number may leave: one with less would be named by the list of months, and by the file, with its first letter."""
    first: date | None = session.scalar(
        select(FigureCell.day)
        .join(FigureKey, FigureKey.id == FigureCell.key_id)
        .where(FigureCell.grain == Grain.MONTH, *_of(_units(session, ministry_id)))
        .group_by(FigureCell.day)
        .having(or_(*(func.sum(getattr(FigureCell, name)) >= open_data.LEAST for name in LEAVING)))
        .order_by(FigureCell.day)
        .limit(1)
    )
    return first


def _units(session: Session, ministry_id: int) -> list[int]:
    units = tree.all_units(session)
    return sorted(one for one in units if tree.root_of(one, units) == ministry_id)


def _of(unit_ids: list[int]) -> tuple[ColumnElement[bool], ...]:
    """The conditions on the cells that may leave: those of ordinary letters of these units."""
    return FigureKey.unit_id.in_(unit_ids), FigureKey.level == int(Confidentiality.ORDINARY)


def preview(
    session: Session, ministry_id: int, since: date, until: date, actor: Actor, *, zone: ZoneInfo
) -> list[Leaves]:
    """Of what a publication would have rows.

    Nothing more: an administrator may open no letter, and would read of each one in numbers that change, in a measure or nature that comes or
    goes, in what is left out. A month, entity and direction come and go with the fifth letter (``open_data.LEAST``).

    Raises:
        Forbidden: ``open_data.not_publisher``; InvalidTransition: ``monthly.not_counted``.
    """  # fmt: skip
    _require(actor, ministry_id)
    rows = _read(session, ministry_id, since, until, zone)
    return list(dict.fromkeys(Leaves(one.month, one.entity, one.direction) for one in rows))


def publish(
    services: Services,
    ministry_id: int,
    until: date,
    *,
    act_reference: str,
    act_on: date,
    licence: str,
    actor: Actor,
    now: datetime,
) -> ActRow:
    """Publish the months up to one that has ended, from the first that has not left.

    Args:
        until: the first day of the last month.
        act_reference, act_on: the act of the ministry that decides it.

    Raises:
        Forbidden: ``open_data.not_publisher``.
        Invalid: ``form.required``; ``form.too_long``; ``open_data.act_in_future``; ``form.unknown_choice``: that month has not ended, or has left; ``upgrade.not_finished``.
        InvalidTransition: ``monthly.not_counted``; ``open_data.overtaken``: somebody has just published; ``open_data.nothing``: no row is left.
    """
    post = _require(actor, ministry_id)
    today, act_reference = now.astimezone(services.zone).date(), act_reference.strip()
    _check(act_reference, act_on, licence, today)
    with services.snapshot() as session:
        require_opened(session, operations.OPENED_BY)
        offer = _offer(session, ministry_id, session.get_one(Unit, ministry_id).name, today)
        if until not in offer.months:
            raise Invalid("form.unknown_choice", "choose a month of the list", field="until")
        since = offer.months[0]
        rows = _read(session, ministry_id, since, until, services.zone)
        entities, names = _names(session, ministry_id)
    if not rows:
        raise InvalidTransition("open_data.nothing", "wait until there are more letters", least=open_data.LEAST)
    # How many letters are left out would be a number below the least that leaves: nothing keeps it.
    about: dict[str, Any] = {
        "ministry": offer.ministry, "number": offer.number, "act": act_reference, "act_on": act_on.isoformat(),
        "published_on": today.isoformat(), "since": f"{since:%Y-%m}", "until": f"{until:%Y-%m}",
    }  # fmt: skip
    stored = services.blobs.put(BytesIO(open_data.packed(rows, entities, names, about, licence)))
    for attempt in services.attempts(now):
        with attempt as uow:
            locks.hold(uow.session, Unit, [ministry_id])  # two acts of one ministry take turns
            if _offer(uow.session, ministry_id, offer.ministry, today) != offer:
                raise InvalidTransition("open_data.overtaken", "read the page again")
            row = OpenDataAct(
                ministry_id=ministry_id, number=offer.number, since=since, until=until, act_reference=act_reference,
                act_on=act_on, licence=licence, digest=stored.digest, rows=len(rows),
                published_at=now, published_by_id=actor.person_id,
            )  # fmt: skip
            uow.session.add(row)
            uow.session.flush()
            uow.record(
                "open_data.published", "open_data", row.id, actor=actor, post=post, ministry=ministry_id, number=row.number,
                since=since.isoformat(), until=until.isoformat(), act=act_reference, act_on=act_on.isoformat(),
                digest=row.digest, rows=row.rows,
            )  # fmt: skip
            row_id = row.id
    with services.reading() as session:
        return next(one for one in _rows(session, {ministry_id}) if one.id == row_id)


def _require(actor: Actor, ministry_id: int) -> HeldPost:
    post = rights.deciding_post(ministry_id, actor) if ministry_id in publishers_of(actor) else None
    if post is None:
        raise Forbidden("open_data.not_publisher", "ask the head of the ministry or an administrator")
    return post


def _check(act_reference: str, act_on: date, licence: str, today: date) -> None:
    for name, text, most in (
        ("act_reference", act_reference, LONGEST_REFERENCE),
        ("licence", licence, LONGEST_LICENCE),
    ):
        if not text.strip():
            raise Invalid("form.required", "fill in the field", field=name)
        if len(text) > most:
            raise Invalid("form.too_long", "shorten the text", field=name, maximum=most)
    if act_on > today:
        raise Invalid("open_data.act_in_future", "write the day of the act", field="act_on")


def _read(session: Session, ministry_id: int, since: date, until: date, zone: ZoneInfo) -> tuple[MeasureRow, ...]:
    if not figures.are_whole(session) or reading.is_behind(session, month_end(until), zone):
        raise InvalidTransition("monthly.not_counted", "wait until the figures are made, or run `ged facts rebuild`")
    units = tree.all_units(session)
    columns = [getattr(FigureCell, name) for name in LEAVING]
    rows = session.execute(
        select(FigureCell.day, FigureKey.unit_id, FigureKey.direction, FigureKey.nature, *map(func.sum, columns))
        .join(FigureKey, FigureKey.id == FigureCell.key_id)
        .where(
            FigureCell.grain == Grain.MONTH, FigureCell.day.between(since, until), *_of(_units(session, ministry_id))
        )
        .group_by(FigureCell.day, FigureKey.unit_id, FigureKey.direction, FigureKey.nature)
    )  # fmt: skip
    counted: dict[date, dict[Key, Counts]] = {}
    for month, unit_id, direction, nature, *numbers in rows:
        key = (units[tree.entity_of(unit_id, units)].code, DIRECTIONS[direction], nature)
        cells = counted.setdefault(month, {})
        before = cells.get(key, (0,) * len(numbers))
        cells[key] = tuple(one + int(number) for one, number in zip(before, numbers, strict=True))
    return open_data.table(counted)


def _names(session: Session, ministry_id: int) -> tuple[dict[str, str], dict[str, str]]:
    """Code -> name of the entities, and of the natures, of a ministry."""
    units = tree.all_units(session)
    ours = {one for one in units if tree.root_of(one, units) == ministry_id}
    entities = {units[tree.entity_of(one, units)].id for one in ours}
    rows = session.execute(select(Unit.code, Unit.name).where(Unit.id.in_(sorted(entities))))
    return dict(iter(rows)), natures.names(session, entities, ours)


def _rows(session: Session, ministry_ids: Collection[int]) -> list[ActRow]:
    found = session.execute(
        select(OpenDataAct, Unit.name, Person.name)
        .join(Unit, Unit.id == OpenDataAct.ministry_id)
        .join(Person, Person.id == OpenDataAct.published_by_id)
        .where(OpenDataAct.ministry_id.in_(sorted(ministry_ids)))
        .order_by(OpenDataAct.id.desc())
    )
    return [
        ActRow(
            one.id, ministry, one.number, one.since, one.until, one.act_reference, one.act_on, Digest(one.digest), one.rows,
            one.published_at, name,
        )
        for one, ministry, name in found
    ]  # fmt: skip
