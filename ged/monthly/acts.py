"""The acts of the journal on some letters, as the proof of a report reads them, and what is known of these letters beside their acts.

An entry is believed where its own hash, and that of the entry behind it, hold it (``journal.holds``), and its details are those that it was written
with. Of an entry that is not believed neither the act nor the letter is known: somebody may have put another one in their place. So it is told,
it is not done again and explains nothing, and of the letters that it names now it cannot be said whether they are as their acts left them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from ged import audit
from ged.audit import AuditEntry, AuditPayload
from ged.monthly import arrived, journal, replaying
from ged.monthly.faults import Fault
from ged.monthly.replaying import Act, Rows
from ged.org.models import Person, Post, Unit
from ged.register.models import MailNumber, RegisterClosing
from ged.routing.models import Assignment
from ged.slips.models import SlipLine

READS_AT_ONCE = 400


@dataclass
class Acts:
    """The acts on some letters.

    Attributes:
        acts: letter -> its acts, in order, those of the journal with which it came before those of the journal here.
        rows: letter -> what is known beside its acts.
        doubtful: letter -> the first entry about it that is not believed.
        faults: what is wrong with the entries, as far as nothing else tells it.
    """

    acts: dict[int, list[Act]] = field(default_factory=dict)
    rows: Mapping[int, Rows] = field(default_factory=dict)
    doubtful: dict[int, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def of_letters(session: Session, mail_ids: Collection[int], *, since: int) -> Acts:
    """The acts on these letters.

    Args:
        since: the last entry that the report knew. What is wrong with later ones is told by ``JournalSince``.
    """
    found = Acts()
    read = _read(session, mail_ids, since, found)
    odd, arrivals = arrived.add_acts(session, mail_ids, found.acts)
    moves_of_posts = _moves_of_posts(session) if found.acts else []
    read.update(arrivals, (one.sequence for one in moves_of_posts))
    found.faults += odd
    first = journal.first_of(read, since)
    if first is not None:
        found.faults += journal.faults_before(session, first, since)
    found.faults += [fault for one in moves_of_posts if one.sequence <= since for fault in one.faults]
    found.rows = _rows(session, found.acts, {code for one in moves_of_posts for code in one.posts})
    return found


def _read(session: Session, mail_ids: Iterable[int], since: int, into: Acts) -> set[int]:
    """Read the acts of ``replaying.ACTIONS`` on these letters. Returns the numbers of their entries."""
    wanted, read, head = sorted(mail_ids), set[int](), audit.head(session)
    behind = aliased(AuditEntry)
    for start in range(0, len(wanted), READS_AT_ONCE):
        about = _About(session, wanted[start : start + READS_AT_ONCE])
        rows = session.execute(
            select(AuditEntry, behind, Person.name, AuditPayload)
            .outerjoin(behind, behind.sequence == journal.number_behind())
            .outerjoin(Person, Person.id == AuditEntry.person_id)
            .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(
                AuditEntry.sequence >= 1,  # else no chain holds it
                AuditEntry.action.in_(sorted(replaying.ACTIONS | {"slip.issued"})),
                about.which(),
            )
            .order_by(AuditEntry.sequence)
        )
        for entry, next_one, name, details in rows:
            read.add(entry.sequence)
            payload, salt = (None, None) if details is None else (details.payload, details.salt)
            is_believed = journal.holds(entry, next_one, head)
            if is_believed:
                faults = [*journal.details_faults(entry.sequence, entry.payload_digest, salt, payload)]
                into.faults += faults if entry.sequence <= since else []
                is_believed = not faults or details is None  # of an act whose details are gone the entry is proven
            if entry.action == "slip.issued" and is_believed:
                about.issued[entry.subject_id or 0] = _lines(payload)
            for mail_id in about.letters(entry):
                if not is_believed:
                    into.doubtful.setdefault(mail_id, entry.sequence)
                    continue
                into.acts.setdefault(mail_id, []).append(
                    Act(
                        entry.sequence, entry.action, entry.at, name or "", str(journal.said(payload).get("field", "")),
                        entry.subject_id if entry.subject_kind == "number" else None, entry.post_id, payload,
                    )
                )  # fmt: skip
    return read


class _About:
    """Which entries are about some letters, by the rows of numbers and of the lines of slips.

    Attributes:
        issued: slip -> its letters, as the act says that gave it its number.
    """

    def __init__(self, session: Session, mail_ids: Sequence[int]) -> None:
        self._ids, self.issued = mail_ids, dict[int, set[object]]()
        of_numbers = select(MailNumber.id, MailNumber.mail_id).where(MailNumber.mail_id.in_(mail_ids))
        self._numbered = dict(session.execute(of_numbers).all())
        self._carried: dict[int, list[int]] = {}
        of_lines = select(SlipLine.slip_id, SlipLine.mail_id).where(SlipLine.mail_id.in_(mail_ids))
        for slip_id, mail_id in session.execute(of_lines):
            self._carried.setdefault(slip_id, []).append(mail_id or 0)

    def which(self) -> ColumnElement[bool]:
        """The entries about the letters."""
        kind, subject = AuditEntry.subject_kind, AuditEntry.subject_id
        return or_(
            and_(kind == "mail", subject.in_(self._ids)),
            and_(kind == "number", subject.in_(sorted(self._numbered))),
            and_(kind == "slip", subject.in_(sorted(self._carried))),
        )

    def letters(self, entry: AuditEntry) -> Sequence[int]:
        """The letters that an entry is about."""
        subject = entry.subject_id or 0
        on_slip = [one for one in self._carried.get(subject, ()) if one in self.issued.get(subject, {one})]
        return {"mail": [subject], "slip": on_slip}.get(entry.subject_kind, [self._numbered.get(subject) or 0])


def _lines(payload: object) -> set[object]:
    """The letters of a slip, as the act says that gave it its number: the rows of its lines may be altered."""
    lines = journal.said(payload).get("lines")
    found = [line[0] for line in lines if isinstance(line, list) and line] if isinstance(lines, list) else []
    return {one for one in found if isinstance(one, int)}


class _MovesOfPosts(NamedTuple):
    """An act by which posts went to other units: what they registered, they registered for the one or the other. Or an act whose details
    do not hold: which posts it moved is not known."""

    sequence: int
    posts: set[str]
    faults: list[Fault]


def _moves_of_posts(session: Session) -> list[_MovesOfPosts]:
    loaded = (
        select(AuditEntry.sequence, AuditEntry.payload_digest, AuditPayload.salt, AuditPayload.payload)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action == "organisation.loaded", AuditEntry.sequence >= 1)
        .order_by(AuditEntry.sequence)
    )
    found = []
    for sequence, digest, salt, payload in session.execute(loaded):
        posts = {
            code for _, kind, code, detail in _changes(payload) if kind == "posts" and "unit_id" in detail.split(", ")
        }
        faults = [*journal.details_faults(sequence, digest, salt, payload)]
        if posts or faults:
            found.append(_MovesOfPosts(sequence, posts, faults))
    return found


def _changes(payload: object) -> Iterator[list[str]]:
    """The changes of an organisation that an act names. Details that no program wrote name none."""
    changes = journal.said(payload).get("changes")
    for one in changes if isinstance(changes, list) else ():
        if isinstance(one, list) and len(one) == 4 and all(isinstance(text, str) for text in one):
            yield one


def _rows(session: Session, acts: Mapping[int, Sequence[Act]], moved_posts: Collection[str]) -> dict[int, Rows]:
    """What is known beside their acts of the letters that have any. Of posts that moved the unit is not known."""
    units = dict(session.execute(select(Unit.code, Unit.id)).all())
    homes = dict(session.execute(select(Post.id, Post.unit_id).where(Post.code.not_in(sorted(moved_posts)))).all())
    closed: dict[int, set[date]] = {}
    for register_id, day in session.execute(select(RegisterClosing.register_id, RegisterClosing.until_on)):
        closed.setdefault(register_id, set()).add(day + timedelta(days=1))
    found: dict[int, Rows] = {}
    wanted = sorted(acts)
    for start in range(0, len(wanted), READS_AT_ONCE):
        ids = wanted[start : start + READS_AT_ONCE]
        numbered: dict[int, list[tuple[int, int]]] = {}
        leading: dict[int, set[int]] = {}
        texts: dict[int, dict[int, str]] = {}
        of_envelopes: dict[int, set[int]] = {}
        of_numbers = select(
            MailNumber.mail_id, MailNumber.id, MailNumber.register_id, MailNumber.text, MailNumber.envelope_id
        ).where(MailNumber.mail_id.in_(ids))
        for mail_id, number_id, register_id, text, envelope_id in session.execute(of_numbers.order_by(MailNumber.id)):
            numbered.setdefault(mail_id or 0, []).append((number_id, register_id))
            texts.setdefault(mail_id or 0, {})[number_id] = text
            if envelope_id is not None:
                of_envelopes.setdefault(mail_id or 0, set()).add(number_id)
        leads = select(Assignment.mail_id, Assignment.id).where(
            Assignment.mail_id.in_(ids), Assignment.is_leading, Assignment.parent_id.is_(None)
        )
        for mail_id, assignment_id in session.execute(leads):
            leading.setdefault(mail_id, set()).add(assignment_id)
        for one in ids:
            numbers_of = numbered.get(one, [])
            registered = next((act for act in acts[one] if act.action == "mail.registered"), None)
            found[one] = Rows(
                [number_id for number_id, _ in numbers_of],
                leading.get(one, set()),
                units,
                set[date]().union(*(closed.get(register_id, ()) for _, register_id in numbers_of)),
                homes.get(registered.post_id or 0) if registered is not None else None,
                texts.get(one, {}),
                of_envelopes.get(one, set()),
            )
    return found
