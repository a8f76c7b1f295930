"""What is on the table of each unit and post, counted letter by letter with the rule of access alone; and a play of the acts that move it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ged import access
from ged.dashboard.letters import SOON
from ged.envelopes import operations as envelopes
from ged.envelopes.operations import EnvelopeForm
from ged.figures.cuts import CHOICES, Cut
from ged.figures.models import FigureKey, FigureLetter
from ged.figures.periods import Period
from ged.figures.stages import bin_of
from ged.org.models import Delegation, DelegationKind, Person, Post, PostRole, Unit
from ged.outlook import loads
from ged.outlook.loads import By
from ged.ports import Confidentiality, MailId, PostId, UnitId
from ged.register import levels
from ged.register.models import Mail, Register
from ged.register.states import MailState
from ged.routing import calendar, operations
from ged.routing.deadlines import working_days_between
from ged.routing.models import Assignment, Purpose
from ged.routing.operations import ImputationForm
from ged.routing.rectify_letter import rectify
from ged.routing.states import LIVE, AssignmentState
from ged.slips.states import LineState
from ged.unit import Actor, Role, Services
from tests.factories import TODAY, actor
from tests.figure_play_kit import Play
from tests.routing_kit import post_id, unit_id

Place = tuple[int, int | None]
"""A unit, or a unit and one of its posts."""
READERS = ("sg", "secretaire", "dge", "daf", "etudes", "agent", "admin")
HEADS = {"DGE": "dge", "ETU": "dge", "DAF": "daf"}
"""Who gives the letters of a unit to others. What a reorganisation makes lies below DAF."""


@dataclass
class OneByOne:
    """The letters of one place."""

    waiting: set[int] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    soon: set[int] = field(default_factory=set)
    finished: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    """Letter -> when it was given first, and when it was finished last."""

    def finish(self, mail_id: int, given_at: datetime, finished_at: datetime) -> None:
        """One of the assignments of a letter was finished."""
        first, last = self.finished.get(mail_id, (given_at, finished_at))
        self.finished[mail_id] = (min(first, given_at), max(last, finished_at))


def one_by_one(
    session: Session, zone: ZoneInfo, reader: Actor, cut: Cut, period: Period, *, today: date
) -> dict[Place, OneByOne]:
    """The letters of each place with any: each counted letter is asked for its rights. A cut chooses by what was counted of a letter."""
    days = loads.counted_days(period)
    found: dict[Place, OneByOne] = defaultdict(OneByOne)
    rows = session.execute(
        select(Assignment, Mail.level, FigureKey)
        .join(Mail, Mail.id == Assignment.mail_id)
        .join(FigureLetter, FigureLetter.mail_id == Mail.id)
        .join(FigureKey, FigureKey.id == FigureLetter.key_id)
        .where(Assignment.unit_id.in_(cut.unit_ids or ()))
    )
    for row, level, key in rows.unique():
        chosen = all(
            not getattr(cut, name) or getattr(key, column.key) in getattr(cut, name) for name, column in CHOICES.items()
        )
        if not chosen or level > cut.level or not access.may_see(session, row.mail_id, Confidentiality(level), reader):
            continue
        for post in {None, row.post_id}:
            at = found[row.unit_id, post]
            if row.is_under_way and row.state in LIVE:
                at.waiting.add(row.mail_id)
                if row.due_on is not None and row.due_on < today:
                    at.late.add(row.mail_id)
                elif row.due_on is not None and row.due_on <= today + timedelta(days=SOON):
                    at.soon.add(row.mail_id)
            ended_at = row.finished_at if row.state is AssignmentState.DONE else None
            if ended_at is not None and days.since <= ended_at.astimezone(zone).date() <= days.until:
                at.finish(row.mail_id, row.assigned_at, ended_at)
    for at in found.values():
        for mail_id in at.waiting & at.finished.keys():
            del at.finished[mail_id]
    return found


def numbers(session: Session, zone: ZoneInfo, found: dict[Place, OneByOne]) -> dict[Place, tuple[Any, ...]]:
    """Letters that wait, late ones, those with a near date, finished ones, and bin of working days -> letters: as ``shown`` has them."""
    known, told = calendar.calendar(session), dict[Place, tuple[Any, ...]]()
    for place, at in found.items():
        bins: dict[int, int] = defaultdict(int)
        for first, last in at.finished.values():
            bins[bin_of(working_days_between(first.astimezone(zone).date(), last.astimezone(zone).date(), known))] += 1
        counts = (len(at.waiting), len(at.late), len(at.soon), len(at.finished))
        if any(counts):
            told[place] = (*counts, dict(sorted(bins.items())))
    return told


def shown(
    session: Session, zone: ZoneInfo, reader: Actor, cut: Cut, period: Period, *, today: date
) -> dict[Place, tuple[Any, ...]]:
    """As ``numbers``, by the loads themselves."""
    found = loads.loads(session, zone, reader, cut, period, today=today)
    return {
        (one.unit_id, one.post_id): (one.waiting, one.late, one.soon, one.finished, dict(sorted(one.delays.items())))
        for by in By
        for one in found[by]
    }


class LoadsPlay(Play):
    """People who give letters to each other, with levels and rights that change."""

    received_as = (LineState.RECEIVED, LineState.WRONG_UNIT)  # of what is for another unit the receiver loses the right

    def __init__(self, services: Services, seed: int) -> None:
        super().__init__(services, seed)
        with services.unit_of_work(self.now) as uow:
            # A letter may be addressed to this post, too.
            post = uow.session.get_one(Post, post_id(services, "DGE-C"))
            post.roles.append(PostRole(role=Role.AUTHORITY))
            for account, code, first, last in (
                ("etudes", "DAF-C", 0, 3),
                ("agent", "DGE-C", 2, 6),
                ("daf", "SG-T", 4, 5),
            ):
                uow.session.add(
                    Delegation(
                        kind=DelegationKind.INTERIM, post_id=post_id(services, code), person_id=actor(services, account).person_id,
                        from_on=TODAY + timedelta(days=first), until_on=TODAY + timedelta(days=last), act="Note n° 1",
                    )
                )  # fmt: skip

    def any_assignment(self) -> Assignment:
        """An assignment that is not finished."""
        with self.services.reading() as session:
            rows = (
                session.scalars(select(Assignment).where(Assignment.state.in_(LIVE)).order_by(Assignment.id))
                .unique()
                .all()
            )
        return self.chance.choice(rows)

    def head_of(self, row: Assignment) -> Actor:
        return actor(self.services, HEADS.get(row.unit.code, "daf"), on=self.today)

    def give(self, mail_id: int | None = None) -> None:
        """An assignment, of a decision or of an earlier one, is passed on: to a unit, or to a post."""
        above = self.live(mail_id) if mail_id else self.any_assignment()
        unit, post = self.chance.choice(
            (("ETU", ""), ("ETU", "ETU-M"), ("DGE", "DGE-C"), ("DAF", "DAF-C"), *((one, "") for one in self.made_units))
        )
        due_on = self.chance.choice(
            (None, None, self.today, self.today + timedelta(days=3), self.today + timedelta(days=12))
        )
        with self.services.unit_of_work(self.now) as uow:
            operations.assign(
                uow, MailId(above.mail_id), from_assignment_id=above.id, to_unit_id=UnitId(unit_id(self.services, unit)),
                to_post_id=PostId(post_id(self.services, post)) if post else None,
                purpose=self.chance.choice((Purpose.ACTION, Purpose.OPINION)), instruction="", due_on=due_on,
                actor=self.head_of(above), now=self.now,
            )  # fmt: skip

    def give_to_several(self) -> None:
        """A decision names several units, and a post."""
        with self.services.reading() as session:
            units = dict(session.execute(select(Unit.code, Unit.id)).all())
        chosen = [units[one] for one in self.chance.sample(("DGE", "DAF", "ETU", "BO"), 3)]
        form = ImputationForm(
            UnitId(chosen[0]), tuple(UnitId(one) for one in chosen[1:]), (), "", None,
            other_post_ids=self.chance.choice(((), (PostId(post_id(self.services, "ETU-M")),))),
        )  # fmt: skip
        mail_id = self.any_mail(MailState.TO_IMPUTE, MailState.ASSIGNED)
        with self.services.unit_of_work(self.now) as uow:
            operations.impute(uow, MailId(mail_id), form, version=None, actor=actor(self.services, "sg"), now=self.now)

    def give_to_post(self) -> None:
        """A decision names a post alone: of a confidential letter the heads of its unit have no right."""
        form = ImputationForm(
            None, leading_post_id=PostId(post_id(self.services, self.chance.choice(("ETU-M", "DAF-C", "DGE-C"))))
        )
        mail_id = self.any_mail(MailState.TO_IMPUTE, MailState.ASSIGNED)
        with self.services.unit_of_work(self.now) as uow:
            operations.impute(uow, MailId(mail_id), form, version=None, actor=actor(self.services, "sg"), now=self.now)

    def finish_any(self) -> None:
        row = self.any_assignment()
        who = (
            actor(self.services, "etudes", on=self.today)
            if row.unit.code == "ETU" and self.chance.random() < 0.5
            else self.head_of(row)
        )
        with self.services.unit_of_work(self.now) as uow:
            operations.finish(uow, MailId(row.mail_id), row.id, outcome="Fait", actor=who, now=self.now)

    def change_any_level(self) -> None:
        level = self.chance.choice(tuple(Confidentiality))
        with self.services.unit_of_work(self.now) as uow:
            levels.change_level(uow, MailId(self.any_mail()), level, reason="Autre", actor=actor(self.services, "sg"))

    def close_to_heads(self) -> None:
        """A letter that was given to somebody becomes secret, or confidential: by an act that the figures do not know yet, heads lose their right."""
        level = self.chance.choice((Confidentiality.SECRET, Confidentiality.SECRET, Confidentiality.RESTRICTED))
        with self.services.unit_of_work(self.now) as uow:
            mail_id = MailId(self.any_assignment().mail_id)
            levels.change_level(uow, mail_id, level, reason="Secret", actor=actor(self.services, "sg"))

    def rectify_addressee(self) -> None:
        """The letter was for another post: a right is taken away, and given to another one."""
        post = self.chance.choice(("SG-T", "SG-T", "DGE-C"))
        with self.services.unit_of_work(self.now) as uow:
            rectify(
                uow, MailId(self.any_mail()), {"addressed_post_id": post_id(self.services, post)}, reason="Faute", version=None,
                actor=actor(self.services, "agent"), now=self.now,
            )  # fmt: skip

    def register_confidential(self) -> None:
        """A directorate registers a confidential letter of its own."""
        with self.services.reading() as session:
            own = session.scalars(select(Register.id).where(Register.code == "ARR-DGE")).one()
        kept, self.register_id = self.register_id, own
        try:
            self.register(level=self.chance.choice((Confidentiality.ORDINARY, Confidentiality.RESTRICTED)), who="dge")
        finally:
            self.register_id = kept

    def open_envelope(self) -> None:
        """A sealed envelope comes, and its addressee makes a letter of it: until it is given to somebody, no head knows of it."""
        to = self.chance.choice(("sg", "dge", "daf"))
        reader = actor(self.services, to)
        with self.services.reading() as session:
            register = session.scalars(select(Register.id).where(Register.code == "PLI")).one()
        with self.services.unit_of_work(self.now) as uow:
            form = EnvelopeForm(self.now - timedelta(minutes=5), reader.posts[0].post_id, "Cour des comptes")
            made = envelopes.register_envelope(uow, register, form, actor=actor(self.services, "agent"), now=self.now)
        with self.services.unit_of_work(self.now) as uow:
            mail_id = envelopes.open_envelope(
                uow, made.envelope_id, subject="Pli", level=self.chance.choice((Confidentiality.ORDINARY, Confidentiality.RESTRICTED)),
                version=None, actor=reader, now=self.now,
            )  # fmt: skip
        self.mails.append(int(mail_id))

    def change_clearance(self) -> None:
        account, level = self.chance.choice(("dge", "daf", "etudes")), self.chance.choice(tuple(Confidentiality))
        with self.services.unit_of_work(self.now) as uow:
            uow.session.execute(update(Person).where(Person.account == account).values(clearance=int(level)))

    def move_post(self) -> None:
        """The post of an agent goes to another unit: its letters stay where they were given."""
        with self.services.unit_of_work(self.now) as uow:
            to = unit_id(self.services, self.chance.choice(("ETU", "DAF")))
            uow.session.execute(update(Post).where(Post.code == "ETU-M").values(unit_id=to))


LOAD_ACTS = (
    "register", "impute", "impute", "assign", "give", "give", "give", "give_to_several", "give_to_post", "finish", "finish_any", "finish_any",
    "give_back", "close", "reopen", "void", "undo", "raise_level", "lower_level", "change_any_level", "rectify_addressee",
    "rectify_nature", "register_confidential", "open_envelope", "number_twice", "take_over", "reorganise", "change_clearance", "move_post",
)  # fmt: skip
RARE_LOAD_ACTS = ("hand", "hand", "hand", "hand", "acknowledge", "acknowledge", "take_slip_back", "take_slip_back")
"""A slip is typeset and signed: it costs as much as thirty other acts."""
