"""A ministry of 31 services with letters, thirty of its units reorganised at once, and who must find each letter.

The last is computed from the letter's side, over the rows themselves. The program computes it from the person's side
(``ged.org.actors``). The two share no code, so an error of one shows.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event, insert, select
from sqlalchemy.orm import Session

from ged.access import Because, MailAccess
from ged.administration import wanted
from ged.administration.lines import Line
from ged.jobs import Job
from ged.org.actors import everybody
from ged.org.file import OrganisationFile, PersonRecord, PostRecord, RegisterRecord, UnitRecord
from ged.org.models import Delegation, DelegationKind, Holding, Person, Post, Unit, held_on
from ged.ports import (
    AttachmentId,
    Confidentiality,
    IndexDocument,
    IndexedPage,
    MailId,
    Principal,
    SearchQuery,
    deciding_principal,
    heading_principal,
    holder_principal,
    person_principal,
    post_principal,
    unit_principal,
)
from ged.register.models import Channel, Direction, Mail, MailNumber, Priority, Register
from ged.register.states import MailState
from ged.search.letter_search import letters as letters_of_list
from ged.search.letter_search import search_letters
from ged.unit import NO_WORK, Actor, Role, Services, UnitOfWork
from ged.workbook.operations import bring_to

SERVICES = 31
DIRECTIONS = 10
IN_ENTITIES = {7: "E1", 8: "E2", 9: "E3", 10: "E4"}
"""The directions that are of an entity of their own: number -> entity."""
OFFICERS = 5
"""People of each service beside its head."""
UNITS_CHANGED = 30
MARK = "zenithal"
"""A word that stands in the letters of the sample, and in no other."""
PIECE, PAGE = 5_000, 100


# --- the ministry ---------------------------------------------------------------------------------------------------


def organisation() -> OrganisationFile:
    """A ministry and four entities, ten directions, 31 services, two hundred people with a post each."""
    units = [
        UnitRecord(code="MIN", name="Ministère", kind="ministry", entity=True),
        UnitRecord(code="SG", name="Secrétariat général", kind="general_secretariat", parent="MIN"),
        UnitRecord(code="BO", name="Bureau d'ordre", kind="mail_office", parent="SG"),
        *(
            UnitRecord(code=code, name=f"Organisme {code}", kind="entity", parent="MIN", entity=True)
            for code in IN_ENTITIES.values()
        ),
        *(
            UnitRecord(code=direction(no), name=f"Direction {no}", kind="directorate", parent=IN_ENTITIES.get(no, "SG"))
            for no in range(1, DIRECTIONS + 1)
        ),
        *(
            UnitRecord(code=service(no), name=f"Service {no}", parent=direction((no - 1) % DIRECTIONS + 1))
            for no in range(1, SERVICES + 1)
        ),
    ]
    posts = [
        _post("SG-T", "sg", "SG", Role.AUTHORITY, Role.HEAD, Role.SIGNATORY),
        _post("SG-S", "sg.secretariat", "SG", Role.SECRETARY, Role.MEMBER, secretary_of="SG-T"),
        _post("BO-A", "bo.agent", "BO", Role.CLERK),
        _post("ADM", "admin", "SG", Role.ADMINISTRATOR),
        *(_head(direction(no)) for no in range(1, DIRECTIONS + 1)),
        *(post for no in range(1, SERVICES + 1) for post in _of_service(service(no))),
    ]
    levels = ("ordinary", "restricted", "ordinary", "secret", "restricted")
    people = [
        PersonRecord(account=str(post.holder), name=f"Personne {no}", clearance=levels[no % len(levels)])
        for no, post in enumerate(posts)
    ]
    arrivals = RegisterRecord(
        code="ARR", name="Arrivées", unit="BO", direction="incoming", nature="arrivee", pattern="{seq:06d}/{year}"
    )
    return OrganisationFile(
        organisation="Ministère", units=tuple(units), people=tuple(people), posts=tuple(posts), registers=(arrivals,)
    )


def direction(no: int) -> str:
    """The code of a direction."""
    return f"D{no:02d}"


def service(no: int) -> str:
    """The code of a service."""
    return f"S{no:02d}"


def _post(code: str, holder: str, unit: str, *roles: Role, secretary_of: str | None = None) -> PostRecord:
    return PostRecord(
        code=code, title=f"Poste {code}", unit=unit, holder=holder, roles=roles, secretary_of=secretary_of
    )


def _head(unit: str) -> PostRecord:
    return _post(f"{unit}-CHEF", f"{unit.lower()}.chef", unit, Role.HEAD, Role.SIGNATORY)


def _of_service(unit: str) -> Iterator[PostRecord]:
    yield _head(unit)
    for no in range(1, OFFICERS + 1):
        yield _post(f"{unit}-A{no}", f"{unit.lower()}.agent{no}", unit, Role.MEMBER)


def make_ministry(uow: UnitOfWork, *, on: date) -> None:
    """Add the ministry to an empty installation, with three delegations that last for months."""
    bring_to(uow, organisation(), on=on - timedelta(days=900))
    for post_code, account in (("D01-CHEF", "s05.agent1"), ("S16-CHEF", "s16.agent1"), ("S22-CHEF", "s22.agent1")):
        uow.session.add(
            Delegation(
                kind=DelegationKind.DELEGATION, post_id=_id(uow.session, Post, Post.code == post_code),
                person_id=_id(uow.session, Person, Person.account == account), act="Arrêté n° 1", template_codes=[],
                from_on=on - timedelta(days=30), until_on=on + timedelta(days=300), granted_at=uow.now,
            )
        )  # fmt: skip


def _id(session: Session, model: Any, condition: Any) -> int:
    return int(session.scalars(select(model.id).where(condition)).one())


def reorganisation(now: OrganisationFile) -> list[Line]:
    """The lines that change thirty units: 14 services and 4 directions move, 6 services merge, 6 close.

    Units move between entities too. Services merge into services that move, and whoever is in one that closes loses the post.
    """
    moved = [(service(no), direction((no + 3) % DIRECTIONS + 1)) for no in range(1, 15)]
    moved += [(direction(no), below) for no, below in ((7, "E2"), (8, "SG"), (9, "E1"), (10, "E3"))]
    merged = [(service(no), service(no - 14)) for no in range(15, 21)]
    closed = [(service(no), service(no + 6 if no < 26 else 7)) for no in range(21, 27)]
    lines = [
        *(one for code, below in moved for one in wanted.moved_unit(now, code, below=below)),
        *(one for code, into in merged for one in wanted.closed_unit(now, code, successor=into, keeps_posts=False)),
        *(one for code, into in closed for one in wanted.closed_unit(now, code, successor=into, keeps_posts=True)),
    ]
    assert len(moved) + len(merged) + len(closed) == UNITS_CHANGED
    return lines


# --- the letters ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """A letter of the kit."""

    mail_id: int
    level: Confidentiality
    principals: tuple[Principal, ...]
    number: str


def add_letters(services: Services, count: int, *, sample: int, now: datetime, seed: int = 1) -> list[Letter]:
    """Write letters to the database and the index, from the first id on. Returns those of the sample, which bear ``MARK``.

    A letter is given to a unit, to a post, to those who decide for one, to its holder alone, or to a person. One of twenty is
    secret, three are restricted, and one is still open.
    """
    source = random.Random(seed)
    with services.reading() as session:
        units = dict(session.execute(select(Unit.code, Unit.id)).all())
        posts = dict(session.execute(select(Post.code, Post.id)).all())
        people = dict(session.execute(select(Person.account, Person.id)).all())
        register_id = _id(session, Register, Register.code == "ARR")
    marked = frozenset(source.sample(range(1, count + 1), min(sample, count)))
    words = ["".join(source.choices("abcdefgilmnoprstuv", k=source.randint(4, 10))) for _ in range(4_000)]
    kept: list[Letter] = []
    for first in range(1, count + 1, PIECE):
        made = [_letter(no, source, units, posts, people, now) for no in range(first, min(count + 1, first + PIECE))]
        subjects = {
            one.mail_id: " ".join([*source.choices(words, k=8), *([MARK] if one.mail_id in marked else [])])
            for one in made
        }
        _into_sql(services.engine, made, subjects, units["BO"], register_id, now)
        services.index.put(_document(one, subjects[one.mail_id], now) for one in made)
        kept += [one for one in made if one.mail_id in marked]
    return kept


def _letter(
    no: int, source: random.Random, units: dict[str, int], posts: dict[str, int], people: dict[str, int], now: datetime
) -> Letter:
    code, other = service(no % SERVICES + 1), service(source.randint(1, SERVICES))
    head, officer = f"{code}-CHEF", f"{code}-A{source.randint(1, OFFICERS)}"
    given: tuple[Principal, ...]
    match source.randrange(5):
        case 0:
            given = (unit_principal(units[code]),)
        case 1:
            given = (post_principal(posts[officer]), heading_principal(units[code]))
        case 2:
            given = (deciding_principal(posts[head]), heading_principal(units[other]))
        case 3:
            given = (unit_principal(units[code]), unit_principal(units[other]))
        case _:
            given = (holder_principal(posts[head]), person_principal(people[f"{other.lower()}.agent1"]))
    level = Confidentiality((2, 1, 1, 1)[no % 20] if no % 20 < 4 else 0)
    return Letter(no, level, (unit_principal(units["BO"]), *given), f"{no:06d}/{now.year}")


def _into_sql(
    engine: Engine, made: list[Letter], subjects: dict[int, str], office: int, register_id: int, now: datetime
) -> None:
    at = now - timedelta(days=2)
    mails = [
        {
            "id": one.mail_id, "direction": Direction.INCOMING, "level": int(one.level), "nature": "", "channel": Channel.HAND,
            "state": MailState.ASSIGNED if one.mail_id % 20 == 7 else MailState.CLOSED, "priority": Priority.NORMAL,
            "subject": subjects[one.mail_id], "sender_name": "", "addressee": "", "their_reference": "", "enclosure_count": 0,
            "enclosure_note": "", "outcome": "", "unit_id": office, "created_at": at, "version": 1,
        }
        for one in made
    ]  # fmt: skip
    numbers = [
        {
            "id": one.mail_id, "register_id": register_id, "year": now.year, "sequence": one.mail_id, "text": one.number,
            "registered_at": at, "registered_on": at.date(), "mail_id": one.mail_id, "void_reason": "",
        }
        for one in made
    ]  # fmt: skip
    rights = [
        {"mail_id": one.mail_id, "principal": principal, "because": Because.IMPUTED, "granted_at": at}
        for one in made
        for principal in dict.fromkeys(one.principals)
    ]
    with engine.begin() as connection:
        connection.execute(insert(Mail), mails)
        connection.execute(insert(MailNumber), numbers)
        connection.execute(insert(MailAccess), rights)


def _document(one: Letter, subject: str, now: datetime) -> IndexDocument:
    told = one.level < Confidentiality.SECRET
    return IndexDocument(
        mail_id=MailId(one.mail_id), version=1, level=one.level, principals=frozenset(one.principals),
        numbers=(one.number,), registers=("ARR",), direction="incoming", state="closed",
        registered_at=(now - timedelta(days=2)).astimezone(UTC), subject=subject if told else "",
        pages=(IndexedPage(AttachmentId(one.mail_id), 1, subject),) if told else (),
    )  # fmt: skip


# --- who must find a letter -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Acting:
    """A person who holds a post or acts for it (``how``: holder, secretary, given)."""

    person_id: int
    post_id: int
    unit_id: int
    roles: frozenset[Role]
    how: str


class Readers:
    """Who sees a letter on a day, from the rows of the organisation."""

    def __init__(self, session: Session, on: date) -> None:
        self._units = {unit.id: unit for unit in session.scalars(select(Unit))}
        people = session.scalars(select(Person).where(Person.is_active)).all()
        self._clearance = {person.id: person.clearance for person in people}
        self._acting = [one for one in _acting(session, on) if one.person_id in self._clearance]
        self._known: dict[tuple[Principal, Confidentiality], frozenset[int]] = {}

    def of(self, letter: Letter) -> frozenset[int]:
        """The ids of the people who see a letter."""
        return frozenset().union(*(self._by(principal, letter.level) for principal in letter.principals))

    def _by(self, principal: Principal, level: Confidentiality) -> frozenset[int]:
        if (principal, level) not in self._known:
            self._known[principal, level] = frozenset(self._named(principal[0], int(principal[1:]), level))
        return self._known[principal, level]

    def _named(self, kind: str, of: int, level: Confidentiality) -> Iterable[int]:
        cleared = {one for one, clearance in self._clearance.items() if clearance >= level}
        if kind in "hpdt":
            found = {of} & self._clearance.keys() if kind == "h" else self._of_post(kind, of)
            return found & cleared if level is Confidentiality.SECRET else found
        if kind == "c":
            return self._heads(of) if level is Confidentiality.ORDINARY else ()
        if level is Confidentiality.SECRET:
            return {one.person_id for one in self._in(self._heirs(of)) if Role.HEAD in one.roles} & cleared
        return ({one.person_id for one in self._in(self._heirs(of)) if one.roles - NO_WORK} | self._heads(of)) & cleared

    def _of_post(self, kind: str, post_id: int) -> set[int]:
        hows = {"p": {"holder", "secretary", "given"}, "d": {"holder", "given"}, "t": {"holder"}}[kind]
        return {one.person_id for one in self._acting if one.post_id == post_id and one.how in hows}

    def _in(self, units: set[int]) -> list[_Acting]:
        return [one for one in self._acting if one.unit_id in units]

    def _heads(self, unit_id: int) -> set[int]:
        return {one.person_id for one in self._in(self._above(unit_id)) if one.roles & {Role.HEAD, Role.AUTHORITY}}

    def _heirs(self, unit_id: int) -> set[int]:
        """A unit and, where it is closed, its successor, and so on."""
        unit = self._units[unit_id]
        return {unit_id} | (self._heirs(unit.successor_id) if unit.closed_at and unit.successor_id else set())

    def _above(self, unit_id: int) -> set[int]:
        """A unit and those whose heads head it: above it up to its entity, and those above its successor."""
        unit = self._units[unit_id]
        found = {unit_id}
        if unit.parent_id and not unit.is_entity:
            found |= self._above(unit.parent_id)
        if unit.closed_at and unit.successor_id:
            found |= self._above(unit.successor_id)
        return found


def _acting(session: Session, on: date) -> Iterator[_Acting]:
    posts = {post.id: post for post in session.scalars(select(Post)).unique()}
    roles = {post.id: frozenset(row.role for row in post.roles) for post in posts.values()}
    for held in session.scalars(select(Holding).where(*held_on(on))):
        post = posts[held.post_id]
        yield _Acting(held.person_id, post.id, post.unit_id, roles[post.id], "holder")
        if Role.SECRETARY in roles[post.id] and post.secretary_of_id:
            of = posts[post.secretary_of_id]
            yield _Acting(held.person_id, of.id, of.unit_id, roles[of.id] - NO_WORK, "secretary")
    for given in session.scalars(select(Delegation).where(Delegation.withdrawn_at.is_(None))):
        if given.from_on <= on <= given.until_on:
            post = posts[given.post_id]
            yield _Acting(given.person_id, post.id, post.unit_id, roles[post.id] - NO_WORK, "given")


@dataclass(frozen=True)
class Checked:
    """What the people of the ministry found of the sample.

    Attributes:
        found: letters found by search, over all people.
        wrong: what differs from ``Readers``, a line each.
        by: letter -> people who see it.
    """

    people: int
    found: int
    wrong: tuple[str, ...]
    by: dict[int, frozenset[int]]


def check(services: Services, sample: list[Letter], *, on: date) -> Checked:
    """Let every person search the sample and list it, and compare with ``Readers``."""
    with services.reading() as session:
        readers = Readers(session, on)
        by = {one.mail_id: readers.of(one) for one in sample}
        secret = [one for one in sample if one.level is Confidentiality.SECRET]
        told = {one.mail_id for one in sample} - {one.mail_id for one in secret}
        found, people, wrong = 0, 0, list[str]()
        for actor in everybody(session, on=on):
            people += 1
            seen = {mail_id for mail_id, who in by.items() if actor.person_id in who}
            searched, total = _searched(services, session, actor)
            for one in secret[:1]:  # the index knows a secret letter by its number alone
                by_number = search_letters(services, session, actor, SearchQuery(one.number, highlight=False)).letters
                if (one.mail_id in {int(hit.mail_id) for hit in by_number}) != (one.mail_id in seen):
                    wrong.append(f"{actor.account} number {one.number}")
            listed = {int(one.mail_id) for one in letters_of_list(session, actor, [one.mail_id for one in sample])}
            found += len(searched)
            wrong += [f"{actor.account} search {one}" for one in sorted(searched ^ (seen & told))]
            wrong += [f"{actor.account} list {one}" for one in sorted(listed ^ seen)]
            if total != len(seen & told):
                wrong.append(f"{actor.account} total {total}")
    return Checked(people, found, tuple(wrong), by)


def _searched(services: Services, session: Session, actor: Actor) -> tuple[set[int], int]:
    """The letters that a person finds by ``MARK``, page by page, and the total that the first page tells."""
    found, total, query = set[int](), 0, SearchQuery(MARK, limit=PAGE, highlight=False)
    while True:
        page = search_letters(services, session, actor, query)
        found |= {int(one.mail_id) for one in page.letters}
        total = total or page.total
        if len(page.letters) < PAGE:
            return found, total
        query = replace(query, offset=query.offset + PAGE)


# --- what was written -----------------------------------------------------------------------------------------------


READS = frozenset({"search", "facets", "suggest", "similar", "versions", "scan", "status", "close"})


class WatchedIndex:
    """An index that counts the calls which are no reading."""

    def __init__(self, index: Any) -> None:
        self._index, self.writes = index, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._index, name)
        if not callable(found) or name in READS:
            return found

        def counted(*args: Any, **named: Any) -> Any:
            self.writes[name] += 1
            return found(*args, **named)

        return counted


def watched(services: Services) -> tuple[Services, WatchedIndex]:
    """The same services over an index that counts."""
    index = WatchedIndex(services.index)
    return replace(services, index=index), index


_WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)")


@contextmanager
def rows_written(engine: Engine) -> Iterator[Counter[str]]:
    """The rows that the block writes, by table."""
    found: Counter[str] = Counter()

    def note(_connection: object, cursor: Any, statement: str, parameters: Any, _context: object, many: bool) -> None:
        written = _WRITES.match(statement)
        if written is None:
            return
        if written[1] == "INSERT INTO":
            found[written[2]] += len(parameters) if many else statement.count("), (") + 1
        else:
            found[written[2]] += max(0, cursor.rowcount)

    event.listen(engine, "after_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "after_cursor_execute", note)


def jobs_of(session: Session, after: int = 0) -> Counter[str]:
    """The jobs with a higher id, by kind."""
    return Counter(kind.value for kind in session.scalars(select(Job.kind).where(Job.id > after)))
