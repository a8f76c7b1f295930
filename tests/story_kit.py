"""A month of a made ministry with a story: a strike, a backlog and a reorganisation, all of it done by the operations that people use.

The ministry is that of the demonstration. Its autumn goes from 14 September to 30 November 2026:

- **a strike** on 2 to 6 November: nothing is registered or dealt with. What lay at the door is registered on the Monday after it;
- **a backlog** in the accounting office: since the strike it deals with one invoice in four;
- **a reorganisation** on 16 November: a service closes and a directorate takes it over, two directorates merge, a service goes under another
  directorate; then a head leaves, and a post with letters stands empty.

The numbers of the story are kept beside it, act by act (``Story.log``), so that a test recounts the pages without the program's own queries.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ged.administration import wanted
from ged.administration.lines import Line
from ged.figures import operations as figures
from ged.org import tree
from ged.org.file import OrganisationFile
from ged.org.models import Post, Unit
from ged.ports import MailId, PostId, RegisterId, UnitId
from ged.register import operations as register_operations
from ged.register.models import Channel, Priority, Register
from ged.register.operations import IncomingForm
from ged.routing import operations
from ged.routing.models import Assignment, Purpose
from ged.routing.operations import ImputationForm
from ged.routing.states import LIVE
from ged.unit import Actor, Services
from tests.administration_kit import do
from tests.factories import actor
from web.commands.organisation import load_file

MINISTRY = Path(__file__).parents[1] / "demo" / "ministry.yaml"
BEGIN, END = date(2026, 9, 14), date(2026, 11, 30)
STRIKE = (date(2026, 11, 2), date(2026, 11, 6))
REORGANISED = date(2026, 11, 16)
LEFT, FOLLOWED = date(2026, 11, 18), date(2026, 11, 25)
"""The days on which a head and an engineer leave, and on which the head is followed."""
EVENING = datetime(2026, 11, 30, 15, tzinfo=UTC)
"""The moment of the pages."""
ENDED, HEIR = "DGE-REG", "DAJ"
MERGED, WITH = "DSI", "DCOM"
MOVED, FROM, UNDER = "DGMG-CAD", "DGMG", "DGE"
EMPTIED = "DGE-ETUDES-AG1"
SLOW = "DAF-COMPTA"
NEW_NAME = "Direction de la communication et des systèmes d'information"
HEADS = {
    "DGE-ETUDES": "dge.etudes.chef", "DGE-REG": "dge.reg.chef", "DGMG-CAD": "dgmg.cad.chef", "DAF-COMPTA": "daf.compta.chef",
    "DRH": "drh.chef", "DAJ": "daj.chef", "DSI": "dsi.chef", "DCOM": "dcom.chef",
}  # fmt: skip
"""Units that letters are given to, with who deals with them."""
SHARES = {"DGE-ETUDES": 4, "DGE-REG": 4, "DGMG-CAD": 3, "DAF-COMPTA": 5, "DRH": 2, "DAJ": 2, "DSI": 1, "DCOM": 2}
NATURES = ("demande", "facture", "plainte", "invitation", "lettre")
SUBJECTS = {
    "demande": "Demande de raccordement", "facture": "Facture de fournitures", "plainte": "Plainte de riverains",
    "invitation": "Invitation à un atelier", "lettre": "Lettre de transmission",
}  # fmt: skip


@dataclass(frozen=True)
class Done:
    """An act of the story: ``received``, ``given`` or ``answered``, with its letter, day and unit (of an answer, the unit it was given to)."""

    act: str
    mail_id: int
    on: date
    unit: str


class Story:
    """The story of the ministry, act by act in the order of time."""

    def __init__(self, services: Services, *, a_day: float = 6, seed: int = 7) -> None:
        self.services, self.a_day, self.chance = services, a_day, random.Random(seed)
        self.log: list[Done] = []
        self._waiting: list[tuple[datetime, int, Callable[[datetime, Any], None], Any]] = []
        self._turn = 0
        self._heads = dict(HEADS)
        self._successor: dict[str, str] = {}
        self._passed: set[int] = set()
        self._actors: dict[tuple[str, date], Actor] = {}

    def play(self) -> None:
        """Make the ministry and let its people act until ``END``."""
        load_file(self.services, MINISTRY, dry_run=False, now=at(BEGIN, 6))
        with self.services.reading() as session:
            self._units = dict(session.execute(select(Unit.code, Unit.id)).all())
            self._posts = dict(session.execute(select(Post.code, Post.id)).all())
            self._register = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        for moment, event in (
            (at(REORGANISED, 7), self._reorganise), (at(LEFT, 7), self._leave), (at(FOLLOWED, 7), self._follow),
        ):  # fmt: skip
            self._later(moment, event, None)
        day, lay = BEGIN, 0
        while day <= END:
            if day.weekday() < 5:
                count = self._arrivals(day)
                if is_strike(day):
                    lay, count = lay + count, 0
                elif lay:
                    lay, count = 0, lay + count
                for _ in range(count):
                    hour = self.chance.choices((8, 9, 10, 11, 14, 15), (2, 5, 6, 4, 3, 1))[0]
                    self._later(at(day, hour, self.chance.randrange(60)), self._register_letter, None)
            day += timedelta(days=1)
        while self._waiting:
            moment, _turn, event, what = heapq.heappop(self._waiting)
            if moment > EVENING:
                break
            event(moment, what)
        figures.rebuild(self.services, now=EVENING)

    def _arrivals(self, day: date) -> int:
        busy = (1.35, 1.1, 1.0, 0.9, 0.65)[day.weekday()]
        return max(1, round(self.a_day * busy * self.chance.uniform(0.8, 1.2)))

    def _later(self, moment: datetime, event: Callable[[datetime, Any], None], what: Any) -> None:
        self._turn += 1
        heapq.heappush(self._waiting, (moment, self._turn, event, what))

    def _who(self, account: str, now: datetime) -> Actor:
        key = (account, now.date())
        if key not in self._actors:
            self._actors[key] = actor(self.services, account, on=now.date())
        return self._actors[key]

    # --- letters

    def _register_letter(self, now: datetime, _what: None) -> None:
        unit = self.chance.choices(list(SHARES), list(SHARES.values()))[0]
        nature = "facture" if unit == SLOW else self.chance.choice(NATURES)
        form = IncomingForm(
            subject=SUBJECTS[nature], sender_name="Préfecture de l'Ogou", addressed_post_id=PostId(self._posts["SG-TIT"]),
            received_on=now.date(), nature=nature, channel=self.chance.choice((Channel.HAND, Channel.POST)),
            priority=self.chance.choice((Priority.NORMAL, Priority.NORMAL, Priority.URGENT)),
        )  # fmt: skip
        with self.services.unit_of_work(now) as uow:
            made = register_operations.register_incoming(
                uow, RegisterId(self._register), form, actor=self._who("bo.agent", now), now=now
            )
        self.log.append(Done("received", int(made.mail_id), now.date(), "BO"))
        self._later(
            self._office_hours(now + timedelta(hours=self.chance.choice((2, 5, 26)))),
            self._give,
            (int(made.mail_id), unit),
        )

    def _give(self, now: datetime, what: tuple[int, str]) -> None:
        mail_id, unit = what
        unit = self._successor.get(unit, unit)
        decision = ImputationForm(UnitId(self._units[unit]), due_days=self.chance.choice((5, 10, 15)))
        with self.services.unit_of_work(now) as uow:
            operations.impute(uow, MailId(mail_id), decision, version=None, actor=self._who("sg", now), now=now)
        self.log.append(Done("given", mail_id, now.date(), unit))
        if unit == "DGE-ETUDES" and self.chance.random() < 0.5:
            self._later(self._office_hours(now + timedelta(hours=3)), self._pass_on, mail_id)
        if unit == SLOW and now.date() >= STRIKE[0] and self.chance.random() < 0.75:
            return
        days = self.chance.choice((1, 2, 2, 3, 4, 6, 9, 14))
        self._later(self._office_hours(now + timedelta(days=days, hours=1)), self._answer, mail_id)

    def _pass_on(self, now: datetime, mail_id: int) -> None:
        above = self._live(mail_id)
        if above is None or now.date() >= LEFT:
            return
        with self.services.unit_of_work(now) as uow:
            operations.assign(
                uow, MailId(mail_id), from_assignment_id=above.id, to_unit_id=UnitId(self._units["DGE-ETUDES"]),
                to_post_id=PostId(self._posts[EMPTIED]), purpose=Purpose.ACTION, instruction="", due_on=None,
                actor=self._who("dge.etudes.chef", now), now=now,
            )  # fmt: skip
        self._passed.add(mail_id)

    def _answer(self, now: datetime, mail_id: int) -> None:
        row = self._live(mail_id)
        if row is None or (mail_id in self._passed and now.date() >= LEFT):  # it lies at the empty post
            return
        unit = next(code for code, one in self._units.items() if one == row.unit_id)
        head = self._heads.get(self._successor.get(unit, unit))
        if head is None:  # nobody heads the unit: it is dealt with after somebody does
            self._later(self._office_hours(now + timedelta(days=1)), self._answer, mail_id)
            return
        with self.services.unit_of_work(now) as uow:
            operations.finish(uow, MailId(mail_id), row.id, outcome="Fait", actor=self._who(head, now), now=now)
        self.log.append(Done("answered", mail_id, now.date(), unit))

    def _live(self, mail_id: int) -> Assignment | None:
        with self.services.reading() as session:
            found = select(Assignment).where(
                Assignment.mail_id == mail_id, Assignment.parent_id.is_(None), Assignment.state.in_(LIVE)
            )
            return session.scalars(found).unique().one_or_none()

    def _office_hours(self, moment: datetime) -> datetime:
        """The next moment at which somebody works: in the day, not on a weekend, not in the strike."""
        while not 7 <= moment.hour < 17 or moment.weekday() > 4 or is_strike(moment.date()):
            moment = (
                at(moment.date() + timedelta(days=1), 7, self.chance.randrange(60))
                if moment.hour >= 7
                else moment.replace(hour=7)
            )
        return moment

    # --- the organisation

    def _reorganise(self, now: datetime, _what: None) -> None:
        self._act(lambda org: wanted.closed_unit(org, ENDED, successor=HEIR, keeps_posts=True), now)
        self._act(lambda org: wanted.closed_unit(org, MERGED, successor=WITH, keeps_posts=False), now)
        self._act(lambda org: wanted.changed_unit(org, WITH, name=NEW_NAME, kind="directorate"), now)
        self._act(lambda org: wanted.moved_unit(org, MOVED, below=UNDER), now)
        self._successor = {ENDED: HEIR, MERGED: WITH}

    def _leave(self, now: datetime, _what: None) -> None:
        self._act(lambda org: wanted.departure(org, "drh.chef", successors={}), now)
        self._act(lambda org: wanted.given_post(org, EMPTIED, holder=None), now)
        del self._heads["DRH"]

    def _follow(self, now: datetime, _what: None) -> None:
        self._act(lambda org: wanted.given_post(org, "DRH-DIR", holder="drh.agent"), now)
        self._heads["DRH"] = "drh.agent"

    def _act(self, lines: Callable[[OrganisationFile], list[Line]], now: datetime) -> None:
        do(self.services, lines, now=now)
        self._actors.clear()


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment; Lomé keeps UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def is_strike(day: date) -> bool:
    """Whether nobody works on a day."""
    return STRIKE[0] <= day <= STRIKE[1]


def units_below(services: Services, code: str) -> set[str]:
    """The codes of a unit and of those below it today."""
    with services.reading() as session:
        units = tree.all_units(session)
        top = next(one.id for one in units.values() if one.code == code)
        return {one.code for one in units.values() if top in tree.ids_upwards(one.id, units)}
