"""What the letters of a ministry differ in, as SQL expressions of the number ``n`` of a copy. Part of ``bench.pages``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select, text

from ged.capture.models import BatchSource
from ged.figures.stages import Grain
from ged.models import metadata
from ged.natures.models import Nature
from ged.ports import post_principal, unit_principal
from ged.register.models import Channel, Direction, Priority
from ged.routing.states import AssignmentState
from ged.slips.states import LineState

KINDS = 7
"""How many originals are copied: the number of a copy modulo ``KINDS`` is that of its original."""
TURN = f"(n / {KINDS})"
"""The number of a copy among those of its original."""
WORKING_DAYS = 5 * 52 * 5
"""Those of five years, over which the copies spread."""
BACKLOG_DAYS = 90
"""Those over which the letters spread that are still open."""
LONGEST_DAYS = 25
"""How long the longest letter takes, from its registration to its end."""
FIRST_HOUR, OPEN_MINUTES = 7, 9 * 60
DIRECTIONS, SERVICES = 12, 48
"""Units that the bench adds: directions, and the services below them."""
GO_ROUND = 50
"""One closed letter of this number goes round."""
STRIDE = 10_000
"""The distance between the ids of two copies of a row: more than any id of the small installation that is copied."""
STATIONS = 35
"""Desks that scan."""
OTHERS = 8
"""One letter of this number stays with the units of its original."""


@dataclass(frozen=True)
class Story:
    """The days and times of a copy.

    Attributes:
        began, ended: of the original, from its registration to its last act.
        is_postgresql: else SQLite.
        spread: working days over which its copies spread.
    """

    began: datetime
    ended: datetime
    is_postgresql: bool
    spread: int = WORKING_DAYS

    def _back(self) -> str:
        """Days before that of the original: the copies are of working days, of yesterday or earlier."""
        to_friday = (self.began.weekday() - 4) % 7 or 7
        place = f"({TURN} % {self.spread})"
        return f"({to_friday} + 7 * ({place} / 5) + {place} % 5)"

    def _minutes(self) -> str:
        """Minutes later on its day than the original: it is registered while the registry is open."""
        at = self.began.hour * 60 + self.began.minute
        return f"({FIRST_HOUR * 60 - at} + {TURN} * 37 % {OPEN_MINUTES})"

    def _factor(self) -> str:
        """How many times as long as in the original each step takes: most letters are quick, and none ends after today."""
        share = f"({TURN} * 7919 % 97 / 97.0)"
        most = max((self.ended - self.began) / timedelta(days=1), 1e-6)
        days = f"{share} * {share} * {LONGEST_DAYS}"
        least = "LEAST" if self.is_postgresql else "MIN"
        return f"({least}({days}, {self._back()} - 1) / {most:.9f})"

    def day(self, name: str) -> str:
        """The value of a day."""
        if self.is_postgresql:
            return f"({name} - CAST({self._back()} AS INTEGER))"
        return f"date({name}, '-' || {self._back()} || ' days')"

    def time(self, name: str) -> str:
        """The value of a time. What came before the registration stays as long before it as in the original."""
        at = self.began.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        if self.is_postgresql:
            began = f"timestamptz '{at}+00'"
            passed = f"({name} - {began}) * CASE WHEN {name} < {began} THEN 1 ELSE {self._factor()} END"
            return f"{began} - {self._back()} * interval '1 day' + {self._minutes()} * interval '1 minute' + {passed}"
        began = f"julianday('{at}')"
        passed = (
            f"(julianday({name}) - {began}) * CASE WHEN julianday({name}) < {began} THEN 1 ELSE {self._factor()} END"
        )
        moved = f"{began} - {self._back()} + {self._minutes()} / 1440.0 + {passed}"
        return f"strftime('%Y-%m-%d %H:%M:%f000', {moved})"

    def year(self) -> str:
        """The year of the registration."""
        day = self.began.date().isoformat()
        if self.is_postgresql:
            return f"CAST(extract(year FROM date '{day}' - CAST({self._back()} AS INTEGER)) AS INTEGER)"
        return f"CAST(strftime('%Y', '{day}', '-' || {self._back()} || ' days') AS INTEGER)"


@dataclass(frozen=True)
class House:
    """The units that the bench adds, each with one post; and those of the demonstration that they stand for.

    Attributes:
        first_unit, first_post: the ids of the first direction and of its post; those of the others follow, the services last.
        direction, service: codes of units of the demonstration.
    """

    first_unit: int
    first_post: int
    direction: str
    service: str

    def unit(self, name: str) -> str:
        """A column with a unit: most letters are of another direction, or of a service."""
        return self._other(name, "units", self.first_unit, "code = '{}'")

    def post(self, name: str) -> str:
        """A column with a post: as ``unit``."""
        return self._other(name, "posts", self.first_post, "unit_id = (SELECT id FROM units WHERE code = '{}')")

    def principal(self, name: str) -> str:
        """A column with who may see a letter: the units and posts that ``unit`` and ``post`` name in its other rows."""
        id_, unit, post = f"CAST(substr({name}, 2) AS BIGINT)", unit_principal(0)[0], post_principal(0)[0]
        return (
            f"CASE substr({name}, 1, 1) WHEN '{unit}' THEN '{unit}' || ({self.unit(id_)}) "
            f"WHEN '{post}' THEN '{post}' || ({self.post(id_)}) ELSE {name} END"
        )

    def _other(self, name: str, table: str, first: int, where: str) -> str:
        place = f"({TURN} * 7919 % {DIRECTIONS + SERVICES})"
        of_direction, of_service = (
            f"{name} IN (SELECT id FROM {table} WHERE {where.format(code)})" for code in (self.direction, self.service)
        )
        return (
            f"CASE WHEN {TURN} % {OTHERS} = 0 THEN {name} WHEN {of_direction} THEN {first} + {place} "
            f"WHEN {of_service} THEN {first + DIRECTIONS} + {place} % {SERVICES} ELSE {name} END"
        )


def add_house(connection: Connection, *, direction: str, service: str) -> House:
    """Add the directions and services to the demonstration's ministry, each with one post without a holder."""
    units, posts = metadata.tables["units"], metadata.tables["posts"]
    found = connection.execute(text(f"SELECT parent_id FROM units WHERE code = '{direction}'")).one()
    first_unit, first_post = (
        int(connection.scalar(text(f"SELECT max(id) FROM {name}")) or 0) + 1 for name in ("units", "posts")
    )
    for number in range(DIRECTIONS + SERVICES):
        is_service = number >= DIRECTIONS
        above = first_unit + (number - DIRECTIONS) % DIRECTIONS if is_service else found.parent_id
        kind = "service" if is_service else "direction"
        name = f"{kind.capitalize()} de la planification et du suivi des ouvrages n° {number}"
        unit = {"id": first_unit + number, "code": f"BANC-{number}", "name": name, "kind": kind, "is_entity": False}
        connection.execute(units.insert().values(parent_id=above, **unit))
        title = f"Chef de la {name}"
        connection.execute(
            posts.insert().values(id=first_post + number, code=f"banc.{number}", title=title, unit_id=unit["id"])
        )
    return House(first_unit, first_post, direction, service)


def story_of(connection: Connection, rows: Mapping[str, Sequence[int]]) -> Story:
    """The days of an original: from the registration of its first letter to its last act in the journal."""
    mails, acts = metadata.tables["mails"].c, metadata.tables["audit_entries"].c
    began = connection.scalar(select(func.min(mails.created_at)).where(mails.id.in_(rows["mails"])))
    of_mails = (acts.subject_kind == "mail", acts.subject_id.in_(rows["mails"]))
    ended = connection.scalar(select(func.max(acts.at)).where(*of_mails))
    if began is None or ended is None:
        raise LookupError("the demonstration has no such letter: remove the folder and call the benchmark again")
    still_open = connection.scalar(select(func.count()).where(mails.id.in_(rows["mails"]), mails.closed_at.is_(None)))
    spread = BACKLOG_DAYS if still_open == len(rows["mails"]) else WORKING_DAYS
    return Story(began, max(began, ended), connection.dialect.name == "postgresql", spread)


def add_rounds(
    connection: Connection, house: House, assigned: Sequence[int], *, kind: int, first: int, count: int
) -> None:
    """Let one copy of ``GO_ROUND`` go to two other directions, which return it."""
    table = metadata.tables["assignments"]
    own = min(assigned)
    later = (
        "{} + interval '{} days'"
        if connection.dialect.name == "postgresql"
        else "strftime('%Y-%m-%d %H:%M:%f000', {}, '+{} days')"
    )
    for place in (1, 2):
        changed = {
            "id": f"id + {STRIDE // 2 + place}",
            "parent_id": "id",
            "imputation_id": "NULL",
            "unit_id": f"{house.first_unit} + (id / {STRIDE} + {place}) % {DIRECTIONS}",
            "post_id": "NULL",
            "state": f"'{AssignmentState.RETURNED}'",
            "assigned_at": later.format("assigned_at", place),
            "finished_at": later.format("assigned_at", place),
        }
        names = [column.name for column in table.columns]
        values = ", ".join(changed.get(name, name) for name in names)
        low, high = (own + (KINDS * n + kind) * STRIDE for n in (first, first + count - 1))
        connection.execute(
            text(
                f"INSERT INTO assignments ({', '.join(names)}) SELECT {values} FROM assignments "
                f"WHERE id BETWEEN {low} AND {high} AND id % {STRIDE} = {own} AND id / {STRIDE} / {KINDS} % {GO_ROUND} = 0"
            )
        )


def add_scans(connection: Connection) -> None:
    """What the stations brought, in place of what is counted of them: each day of five years and each month."""
    cells = metadata.tables["figure_scans"]
    connection.execute(cells.delete())
    unit = connection.scalar(text("SELECT min(unit_id) FROM bridges")) or 1
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(WORKING_DAYS * 7 // 5)]
    months = sorted({day.replace(day=1) for day in days})
    source = BatchSource.BRIDGE
    for grain, begin, times in ((Grain.DAY, days, 1), (Grain.MONTH, months, 21)):
        rows = [
            {
                "grain": grain, "day": day, "unit_id": unit, "bridge_id": station, "source": source,
                "pages": 60 * times, "documents": 20 * times, "letters": 19 * times, "was_read": 20 * times,
                "doubtful": station % 5 * times, "textless": times, "points": 1700 * times,
            }
            for day in begin for station in range(1, STATIONS + 1)
        ]  # fmt: skip
        connection.execute(cells.insert(), rows)


def house_of(connection: Connection, *, direction: str, service: str) -> House:
    """The units of ``add_house``; they are added when they are not there."""
    unit = connection.scalar(text("SELECT id FROM units WHERE code = 'BANC-0'"))
    post = connection.scalar(text("SELECT id FROM posts WHERE code = 'banc.0'"))
    if unit is None or post is None:
        return add_house(connection, direction=direction, service=service)
    return House(int(unit), int(post), direction, service)


def traits(connection: Connection, house: House) -> dict[tuple[str, str], str]:
    """(table, column) -> what a copy differs in."""
    return {
        ("mails", "nature"): _nature(connection),
        ("mails", "channel"): f"CASE WHEN direction = '{Direction.INCOMING}' THEN {_channel()} ELSE channel END",
        ("mails", "priority"): _chosen([(Priority.URGENT, 9), (Priority.NORMAL, 91)], factor=13, kept="priority"),
        ("mails", "level"): f"CASE WHEN {TURN} * 17 % 100 < 4 THEN 1 ELSE level END",
        ("mails", "responsible_unit_id"): house.unit("responsible_unit_id"),
        ("mail_access", "principal"): house.principal("principal"),
        ("assignments", "unit_id"): house.unit("unit_id"),
        ("assignments", "post_id"): house.post("post_id"),
        ("slips", "receiver_unit_id"): house.unit("receiver_unit_id"),
        ("slip_lines", "state"): _with_faults(),
    }


def _with_faults() -> str:
    missing = f"state = '{LineState.RECEIVED}' AND {TURN} * 7 % 100 < 2"
    return f"CASE WHEN {missing} THEN '{LineState.MISSING}' ELSE state END"


def _channel() -> str:
    shares = [(Channel.HAND, 55), (Channel.POST, 25), (Channel.EMAIL, 20)]
    return _chosen(shares, factor=11, kept="channel")


def _nature(connection: Connection) -> str:
    """One of the natures of the letter's direction: the first ones are the frequent ones."""
    found = connection.execute(
        Nature.__table__.select().where(Nature.is_closed.is_(False)).order_by(Nature.position, Nature.id)
    ).all()
    by_direction = {one: [row.code for row in found if row.direction == one] for one in Direction}
    cases = []
    for direction, codes in by_direction.items():
        shares = [(code, 2 * (len(codes) - place)) for place, code in enumerate(codes)]
        if shares:
            cases.append(f"WHEN direction = '{direction}' THEN {_chosen(shares, factor=31, kept='nature')}")
    return f"CASE {' '.join(cases)} ELSE nature END"


def _chosen(shares: Sequence[tuple[str, int]], *, factor: int, kept: str) -> str:
    """One of the values, each as often as its share says.

    Args:
        factor: a prime of its own for each trait, so that traits do not go together.
        kept: what remains of a copy without a choice.
    """
    total = sum(share for _, share in shares)
    cases, upto = [], 0
    for value, share in shares:
        upto += share
        cases.append(f"WHEN {TURN} * {factor} % {total} < {upto} THEN '{value}'")
    return f"CASE {' '.join(cases)} ELSE {kept} END"
