"""Finds what people must be told: the acts in the journal since the last run, and whom each concerns today.

The journal is read from where the last run ended; a run that ends stores its place together with the notices. So nothing is
missed, and of two runs at the same time one does the work.
"""

import hmac
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ged import access, audit, locks
from ged.audit import AuditEntry
from ged.db import insert_if_missing
from ged.errors import NotFound
from ged.jobs import JobKind
from ged.natures.circuit import turns
from ged.notices.choices import OPENED_BY, ways_of
from ged.notices.models import DeliveryState, NoticeCursor, NoticeMail, Occasion, PersonalNotice, Way
from ged.org import openings, people
from ged.org.actors import load_actor
from ged.org.models import Delegation, FirstAccess, Person
from ged.org.openings import OpeningStep
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.routing.rights import ENDED
from ged.routing.states import LIVE, AssignmentState
from ged.schema import is_opened
from ged.signbook import book
from ged.signbook.models import CircuitAct, CircuitEntry, Draft
from ged.signbook.queries import came_back
from ged.supervisors.models import Supervisor
from ged.unit import Actor, Services, UnitOfWork

logger = logging.getLogger(__name__)

AT_ONCE = 500
"""Entries of the journal in one run; the next run reads on."""
UNDONE = "mail.imputation_undone"
OF_LETTERS = ("mail.imputed", UNDONE, "mail.assigned", "mail.answered", "assignment.", "signbook.", "draft.circuit_set")
GRANTED = "delegation.granted"
NAMED_SUPERVISOR = "supervisor.given"
CURSOR = 1
SLACK = timedelta(seconds=5)
"""The time of an act and of its journal entry differ by at most this, the duration of the act."""
ROUND = (CircuitAct.SUBMIT, CircuitAct.SEND_BACK, CircuitAct.TAKE_BACK, CircuitAct.CIRCUIT)
"""Acts after which a post may be asked again: it is then told again."""


@dataclass(frozen=True)
class Found:
    """Something that a person must be told, once: see ``PersonalNotice``."""

    person_id: int
    occasion: Occasion
    key: str
    mail_id: int | None
    subject_id: int


def run(services: Services, *, now: datetime) -> int:
    """Make the notices of the acts since the last run. Returns how many were new."""
    with services.reading() as session:
        begun = session.scalar(select(NoticeCursor.sequence))
        # The first run tells nobody of what happened before it: it only keeps its place.
        upto, found = (None, []) if begun is None else _since(session, services, begun, now)
        last = audit.head(session).count if begun is None else upto
    if last == begun:
        return 0
    made = 0
    for attempt in services.attempts(now):
        with attempt as uow:
            made = _store(uow, found, begun, last or 0)
    return made


def has_acts(session: Session) -> bool:
    """Whether the journal has entries that no run has read."""
    begun = session.scalar(select(NoticeCursor.sequence))
    return begun is None or audit.head(session).count > begun


def _store(uow: UnitOfWork, found: Sequence[Found], begun: int | None, last: int) -> int:
    insert_if_missing(uow.session, NoticeCursor, id=CURSOR, sequence=begun or 0)
    row = locks.hold_known(uow.session, NoticeCursor, CURSOR)
    if row.sequence != (begun or 0):
        return 0  # another run has done it
    row.sequence = last
    return tell(uow, found)


def tell(uow: UnitOfWork, found: Iterable[Found]) -> int:
    """Store notices that the person was not given yet, and order the e-mails that are sent at once: one a person.

    Of an occasion that is not opened yet nothing is stored. Returns how many were new.
    """
    made: dict[int, list[tuple[str, Way]]] = {}
    distinct = set(found)
    asked = OPENED_BY.keys() & {one.occasion for one in distinct}
    closed = {one for one in asked if not is_opened(uow.session, OPENED_BY[one])}
    # In one order: of two transactions that tell the same people, one waits for the other, and never each for each.
    rows = sorted((one for one in distinct if one.occasion not in closed), key=lambda one: (one.person_id, one.key))
    ways = ways_of(uow.session, {one.person_id for one in rows})
    for one in rows:
        way = ways[one.person_id][one.occasion]
        is_new = insert_if_missing(
            uow.session, PersonalNotice, person_id=one.person_id, key=one.key, occasion=one.occasion,
            mail_id=one.mail_id, subject_id=one.subject_id, way=way, at=uow.now,
        )  # fmt: skip
        if is_new:
            made.setdefault(one.person_id, []).append((one.key, way))
    for person_id, keys in made.items():
        send(uow, person_id, [key for key, way in keys if way is Way.AT_ONCE])
    return sum(len(keys) for keys in made.values())


def send(uow: UnitOfWork, person_id: int, keys: Sequence[str], *, stamp: str = "") -> None:
    """Order one e-mail about some of a person's notices. Without an address of the person: nothing.

    Args:
        stamp: names the e-mail; of the same stamp one is sent. Empty: named by its first notice.
    """
    address = uow.session.scalar(select(Person.email).where(Person.id == person_id)) if keys else ""
    if not address:
        return
    name = _name(uow.services.code_key, f"{person_id}-{stamp or min(keys).replace(':', '-')}")
    if not insert_if_missing(uow.session, NoticeMail, person_id=person_id, message_id=name, address=address,
                             state=DeliveryState.QUEUED, reason="", made_at=uow.now):  # fmt: skip
        return
    row_id = uow.session.scalars(select(NoticeMail.id).where(NoticeMail.message_id == name)).one()
    uow.session.execute(
        update(PersonalNotice)
        .where(PersonalNotice.person_id == person_id, PersonalNotice.key.in_(keys))
        .values(sent_in_id=row_id)
    )
    uow.defer(JobKind.NOTICE_MAIL, row_id)


def morning_key(today: date) -> str:
    """The key of the morning's point of a day: each person is told of it once."""
    return f"morning:{today.isoformat()}"


def _name(key: bytes, which: str) -> str:
    """The Message-ID of an e-mail: one for each, and nobody guesses it to forge a report of a mail server about it."""
    mac = hmac.digest(key, f"notice-mail:{which}".encode(), "sha256").hex()[:20]
    return f"<avis-{which}-{mac}@ged>"


# --- what the journal says ------------------------------------------------------------------------------------------


def _since(session: Session, services: Services, begun: int, now: datetime) -> tuple[int, list[Found]]:
    entries = session.execute(
        select(AuditEntry.sequence, AuditEntry.at, AuditEntry.action, AuditEntry.subject_id)
        .where(AuditEntry.sequence > begun)
        .order_by(AuditEntry.sequence)
        .limit(AT_ONCE)
    ).all()
    if not entries:
        return begun, []
    today = now.astimezone(services.zone).date()
    letters: dict[int, datetime] = {}
    again: set[int] = set()
    for _, at, action, subject_id in entries:
        if action.startswith(OF_LETTERS) and subject_id is not None:
            letters.setdefault(subject_id, at)
        if action == UNDONE and subject_id is not None:
            again.add(subject_id)
    granted = [subject_id for _, _, action, subject_id in entries if action == GRANTED and subject_id is not None]
    named = [
        subject_id for _, _, action, subject_id in entries if action == NAMED_SUPERVISOR and subject_id is not None
    ]
    seen = Seen(session, today)
    found = [
        one
        for mail_id, at in letters.items()
        for one in _of_letter(session, mail_id, at - SLACK, seen, again=mail_id in again)
    ]
    return entries[-1][0], [*found, *_granted(session, granted), *_supervises(session, named, today)]


class Seen:
    """Whether people may see letters today; their rights are read once for a whole run."""

    def __init__(self, session: Session, today: date) -> None:
        self.session, self.today = session, today
        self._actors: dict[int, Actor | None] = {}

    def may(self, person_id: int, mail: Mail) -> bool:
        """Whether a person may see a letter."""
        actor = self.actor(person_id)
        return actor is not None and access.may_see(self.session, mail.id, Confidentiality(mail.level), actor)

    def actor(self, person_id: int) -> Actor | None:
        """A person with the rights of the day; None for a closed account."""
        if person_id not in self._actors:
            try:
                self._actors[person_id] = load_actor(self.session, person_id, on=self.today)
            except NotFound:
                self._actors[person_id] = None
        return self._actors[person_id]

    def is_over(self, notice: PersonalNotice, mail: Mail | None) -> bool:
        """Whether what a notice asks of its person, or grants, has ended since: nothing is left to do."""
        match notice.occasion:
            case Occasion.ASSIGNED | Occasion.DUE_SOON | Occasion.LATE:
                row = self.session.get_one(Assignment, notice.subject_id)
                return row.state not in LIVE or mail is None or mail.state in ENDED
            case Occasion.TO_SIGN:
                asked = _draft(self.session, mail, self) if mail is not None else ()
                return notice.key not in {one.key for one in asked if one.person_id == notice.person_id}
            case Occasion.DELEGATED:
                given = self.session.get(Delegation, notice.subject_id)  # None: the workbook that gave it is taken back
                return given is None or given.withdrawn_at is not None or given.until_on < self.today
            case Occasion.SUPERVISES:
                act = self.session.get(Supervisor, notice.subject_id)
                return (
                    act is None or act.ended_at is not None or (act.until_on is not None and act.until_on < self.today)
                )
            case Occasion.ACCOUNT:
                if openings.step_of(notice.key) is not OpeningStep.WAITING:
                    return False
                code = self.session.get(FirstAccess, notice.subject_id)
                return code is None or bool(code.confirmed_at or code.refused_at or code.used_at)
            case Occasion.MORNING:
                return notice.key != morning_key(self.today)
            case (
                Occasion.RETURNED
                | Occasion.ANSWERED
                | Occasion.CHANGE_REFUSED
                | Occasion.SECOND_STEP
                | Occasion.EXCEPTION
                | Occasion.DISPOSAL
            ):
                return False

    def assignees(self, row: Assignment) -> frozenset[int]:
        """Who acts on an assignment today."""
        if row.post_id is not None:
            return people.of_post(self.session, row.post_id, on=self.today)
        return people.of_unit(self.session, row.unit_id, on=self.today)


def _of_letter(session: Session, mail_id: int, since: datetime, seen: Seen, *, again: bool) -> Iterator[Found]:
    mail = session.get(Mail, mail_id)
    if mail is None or mail.state is MailState.VOIDED:
        return
    # A letter may be closed before this run: who gave it is still told what became of it.
    found = [*_assignments(session, mail, since, seen, again=again), *_draft(session, mail, seen)]
    yield from (one for one in found if seen.may(one.person_id, mail))


def _assignments(session: Session, mail: Mail, since: datetime, seen: Seen, *, again: bool) -> Iterator[Found]:
    """``again``: a decision was taken back, and what it replaced waits again, perhaps before anybody was told of it."""
    for row in session.scalars(select(Assignment).where(Assignment.mail_id == mail.id)):
        if row.state in LIVE and (again or row.assigned_at >= since) and mail.state not in ENDED:
            for person in seen.assignees(row) - {row.assigned_by_person_id}:
                yield Found(person, Occasion.ASSIGNED, f"assigned:{row.id}", mail.id, row.id)
        elif row.finished_at is not None and row.finished_at >= since:
            occasion = {AssignmentState.RETURNED: Occasion.RETURNED, AssignmentState.DONE: Occasion.ANSWERED}
            if row.state in occasion:
                for person in people.of_post(session, row.assigned_by_post_id, on=seen.today):
                    yield Found(person, occasion[row.state], f"{row.state.value}:{row.id}", mail.id, row.id)


def _draft(session: Session, mail: Mail, seen: Seen) -> Iterator[Found]:
    draft = session.get(Draft, mail.id)
    if draft is None:
        return
    if mail.state is MailState.DRAFT:
        refusal = session.scalar(select(CircuitEntry.id).where(CircuitEntry.mail_id == mail.id, came_back()))
        for person in _authors(session, mail, seen) if refusal is not None else ():
            yield Found(person, Occasion.RETURNED, f"refused:{refusal}", mail.id, mail.id)
        return
    going = book.circuit_of(draft) if mail.state is MailState.IN_CIRCUIT else None
    if going is None:
        return
    round_ = max((entry.id for entry in draft.entries if entry.act in ROUND), default=0)
    for turn in turns(going):
        for person in people.of_post(session, turn.post_id, on=seen.today) - {mail.author_person_id or 0}:
            yield Found(person, Occasion.TO_SIGN, f"turn:{mail.id}:{turn.post_id}:{round_}", mail.id, mail.id)


def _authors(session: Session, mail: Mail, seen: Seen) -> frozenset[int]:
    """The author; while the author is away, who acts for the author's post."""
    if mail.author_post_id is None:
        return frozenset({mail.author_person_id} if mail.author_person_id is not None else ())
    acting = people.of_post(session, mail.author_post_id, on=seen.today)
    return frozenset({mail.author_person_id}) if mail.author_person_id in acting else acting


def _granted(session: Session, ids: Sequence[int]) -> Iterator[Found]:
    rows = session.scalars(select(Delegation).where(Delegation.id.in_(ids), Delegation.withdrawn_at.is_(None)))
    for row in rows:
        yield Found(row.person_id, Occasion.DELEGATED, f"delegated:{row.id}", None, row.id)


def _supervises(session: Session, ids: Sequence[int], today: date) -> Iterator[Found]:
    """Whoever an act names, or who acts today for the post that it names."""
    for row in session.scalars(select(Supervisor).where(Supervisor.id.in_(ids), Supervisor.ended_at.is_(None))):
        named = {row.person_id} if row.person_id is not None else people.of_post(session, row.post_id or 0, on=today)
        for person_id in sorted(named):
            yield Found(person_id, Occasion.SUPERVISES, f"supervises:{row.id}", None, row.id)
