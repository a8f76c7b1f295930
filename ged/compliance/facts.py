"""What is known of an entity and of the installation for both papers, and what should be set before they are signed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import and_, exists, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from ged.administration.checklist import BACKUP_SEEN
from ged.administration.reach import Reach
from ged.audit import AuditEntry
from ged.capture.models import Bridge
from ged.config import Settings
from ged.errors import NotFound
from ged.letterhead import Letterhead, letterhead
from ged.links import is_loopback
from ged.natures.models import Nature
from ged.org.models import Delegation, Holding, Person, Post, PostRole, SigningKey, Unit, held_on
from ged.org.stock import kept_rows
from ged.org.tree import all_units, entity_of
from ged.ports import Certificate, Confidentiality
from ged.register.counters import year_of
from ged.register.models import Direction, Register, RegisterCounter, RegisterNature
from ged.register.numbering import format_number
from ged.unit import Role, Services, UnitRow

LAWFUL_YEARS = 20
"""How long electronic documents are kept at least, unless another rule says otherwise (loi n° 2017-007, article 72)."""
SHOWN_ROLES = (Role.AUTHORITY, Role.SIGNATORY, Role.SECRETARY, Role.CLERK, Role.ADMINISTRATOR, Role.AUDITOR)
"""Roles that the papers name post by post. Heads and officers are many, and are named by their service."""


@dataclass(frozen=True)
class Entity:
    """An entity for which papers can be made."""

    id: int
    code: str
    name: str


@dataclass(frozen=True)
class Office:
    """A post with a role. ``holder`` is empty: vacant; ``has_key``: the holder has a certificate to sign with."""

    role: Role
    title: str
    unit: str
    holder: str
    has_key: bool


@dataclass(frozen=True)
class Book:
    """A register. ``number``: its first number of the year here; ``paper``: the paper book that it continues this year, or empty."""

    name: str
    number: str
    nature: RegisterNature
    paper: str = ""


@dataclass(frozen=True)
class Kept:
    """A nature of letters, and for how many years its letters are kept after they are closed; None: not said."""

    name: str
    direction: Direction
    years: int | None


@dataclass(frozen=True)
class Reached:
    """A server that the program calls.

    Attributes:
        what: ``database``, ``queue``, ``index``, ``mail``, ``time_stamp``, ``seal`` or ``scanner``.
        host: its name or address.
        is_near: it is the same machine.
    """

    what: str
    host: str
    is_near: bool


class Gap(StrEnum):
    """What should be set before a paper is signed, in the order of the page."""

    SIGNATORY = "signatory"
    KEYS = "keys"
    AUDITOR = "auditor"
    RETENTION = "retention"
    SHORT_RETENTION = "short_retention"
    SEAL = "seal"
    TIME_STAMP = "time_stamp"
    TRIAL_AUTHORITY = "trial_authority"
    VIRUS_SCANNER = "virus_scanner"
    BACKUP = "backup"


@dataclass(frozen=True)
class Facts:
    """What is known.

    Attributes:
        offices: posts with a role of ``SHOWN_ROLES``, role by role.
        natures: those that the entity uses, its own and those of the common stock.
        accounts: people with an open account and a post of the entity.
        delegations: delegations of posts of the entity in force.
        stations: scanner stations paired with its units.
        has_mailboxes: e-mail is collected for one of its units.
        authority: of certificates: ``own``, ``trial`` (the own one, not yet protected), or ``none``.
        seal: of the whole installation.
        backup_seen: when somebody last said that a backup was restored elsewhere and verified.
        reached: servers outside of the program, those of the same machine too.
        gaps: what should be set, with how often it is missing.
    """

    entity: Entity
    head: Letterhead
    day: date
    is_training: bool
    public_url: str
    offices: tuple[Office, ...]
    books: tuple[Book, ...]
    natures: tuple[Kept, ...]
    accounts: int
    delegations: int
    stations: int
    has_mailboxes: bool
    has_smtp: bool
    clearances: tuple[Confidentiality, ...]
    authority: str
    key_type: str
    tokens: bool
    seal: Certificate | None
    seal_kind: str
    time_stamp_hosts: tuple[str, ...]
    is_embedded: bool
    has_scanner: bool
    backup_seen: date | None
    reached: tuple[Reached, ...]
    gaps: tuple[tuple[Gap, int], ...]

    def of(self, role: Role) -> tuple[Office, ...]:
        """The posts with a role."""
        return tuple(one for one in self.offices if one.role is role)


def entities(session: Session, reach: Reach) -> tuple[Entity, ...]:
    """The open entities that an administrator looks after, from the largest to the smallest, then by code."""
    return _entities(session, reach.units)


def entity_by_code(session: Session, code: str) -> Entity:
    """An open entity of the installation, for the command line.

    Raises:
        NotFound: ``paper.entity``.
    """
    found = next((one for one in _entities(session, all_units(session)) if one.code == code), None)
    if found is None:
        raise NotFound("paper.entity", "name the code of an open entity: ged org export shows them", entity=code)
    return found


def first_entity(session: Session) -> Entity:
    """The largest open entity of the installation.

    Raises:
        NotFound: ``paper.entity``: there is none.
    """
    found = next(iter(_entities(session, all_units(session))), None)
    if found is None:
        raise NotFound("paper.entity", "load the organisation first: ged org import", entity="")
    return found


def _entities(session: Session, within: Iterable[int]) -> tuple[Entity, ...]:
    units = all_units(session)
    own = {entity_of(one, units) for one in within}
    named = {row.id: row.name for row in session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(sorted(own))))}
    shown = sorted(
        (one for one in own if units[one].closed_at is None), key=lambda n: (_depth(n, units), units[n].code)
    )
    return tuple(Entity(one, units[one].code, named[one]) for one in shown)


def _depth(unit_id: int, units: dict[int, UnitRow]) -> int:
    depth, seen, above = 0, {unit_id}, units[unit_id].parent_id
    while above is not None and above in units and above not in seen:
        depth, above = depth + 1, units[above].parent_id
        seen.add(above or 0)
    return depth


def gather(session: Session, services: Services, settings: Settings, entity: Entity, *, on: date) -> Facts:
    """Everything that the papers of an entity say, as it is on a day. The number of statements does not grow with the entity."""
    units = all_units(session)
    own = sorted(one for one in units if entity_of(one, units) == entity.id)
    offices = _offices(session, own, on)
    natures = _natures(session, entity)
    backup_seen = session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == BACKUP_SEEN))
    standing = services.revocation.standing() if services.revocation is not None else None
    seal = services.sealer.certificate() if services.sealer is not None else None
    people = select(Holding.person_id).join(Post).where(Post.unit_id.in_(own), *held_on(on))
    delegations = select(func.count()).select_from(Delegation).join(Post, Post.id == Delegation.post_id).where(
        Post.unit_id.in_(own), Delegation.from_on <= on, Delegation.until_on >= on, Delegation.withdrawn_at.is_(None)
    )  # fmt: skip
    stations = select(func.count()).select_from(Bridge).where(Bridge.unit_id.in_(own), Bridge.revoked_at.is_(None))
    clearances = session.scalars(
        select(Person.clearance).where(Person.id.in_(people), Person.is_active).distinct()
    ).all()
    accounts = session.scalar(select(func.count()).select_from(Person).where(Person.id.in_(people), Person.is_active))
    hosts = tuple(dict.fromkeys(_host(url) for url in settings.tsa_urls))
    facts = Facts(
        entity=entity, head=letterhead(session, entity.id, country=services.country, of_entity=True), day=on,
        is_training=services.training, public_url=services.public_url, offices=offices, books=_books(session, own, entity, on),
        natures=natures, accounts=accounts or 0, delegations=session.scalar(delegations) or 0,
        stations=session.scalar(stations) or 0,
        has_mailboxes=any(box.unit_code in {units[one].code for one in own} for box in services.mailboxes),
        has_smtp=settings.smtp_url is not None, clearances=tuple(sorted(Confidentiality(one) for one in clearances)),
        authority="none" if standing is None else "own" if standing.is_protected else "trial",
        key_type=settings.key_type, tokens=settings.key_module is not None, seal=seal, seal_kind=_seal_kind(settings),
        time_stamp_hosts=hosts, is_embedded=settings.embedded, has_scanner=services.scanner is not None,
        backup_seen=backup_seen.astimezone(services.zone).date() if backup_seen else None, reached=_reached(settings), gaps=(),
    )  # fmt: skip
    return _with_gaps(facts, services)


def _with_gaps(facts: Facts, services: Services) -> Facts:
    signatories = [one for one in facts.of(Role.SIGNATORY) if one.holder]
    short = [one for one in facts.natures if one.years is not None and one.years < LAWFUL_YEARS]
    missing = {
        Gap.SIGNATORY: int(not signatories),
        Gap.KEYS: sum(not one.has_key for one in signatories),
        Gap.AUDITOR: int(not any(one.holder for one in facts.of(Role.AUDITOR))),
        Gap.RETENTION: sum(one.years is None for one in facts.natures),
        Gap.SHORT_RETENTION: len(short),
        Gap.SEAL: int(facts.seal is None),
        Gap.TIME_STAMP: int(services.timestamper is None),
        Gap.TRIAL_AUTHORITY: int(facts.authority == "trial"),
        Gap.VIRUS_SCANNER: int(not facts.has_scanner),
        Gap.BACKUP: int(facts.backup_seen is None),
    }
    return replace(facts, gaps=tuple((gap, missing[gap]) for gap in Gap if missing[gap]))


def _offices(session: Session, own: Sequence[int], on: date) -> tuple[Office, ...]:
    has_key = exists().where(SigningKey.person_id == Person.id, SigningKey.revoked_at.is_(None))
    rows = session.execute(
        select(PostRole.role, Post.title, Unit.name, Person.name, has_key)
        .join(Post, Post.id == PostRole.post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .outerjoin(Holding, and_(Holding.post_id == Post.id, *held_on(on)))
        .outerjoin(Person, and_(Person.id == Holding.person_id, Person.is_active.is_(True)))
        .where(Post.unit_id.in_(own), PostRole.role.in_(SHOWN_ROLES), Unit.closed_at.is_(None))
        .order_by(Unit.id, Post.id)
    ).all()
    found = [Office(Role(role), title, unit, holder or "", bool(key)) for role, title, unit, holder, key in rows]
    return tuple(one for role in SHOWN_ROLES for one in found if one.role is role)


def _books(session: Session, own: Sequence[int], entity: Entity, on: date) -> tuple[Book, ...]:
    rows = session.scalars(
        select(Register).where(
            Register.unit_id.in_(own), Register.closed_at.is_(None), Register.nature != RegisterNature.ARCHIVE
        ).order_by(Register.id)
    )  # fmt: skip
    opened = select(
        RegisterCounter.register_id,
        RegisterCounter.year,
        RegisterCounter.opening_sequence,
        RegisterCounter.opening_reason,
    ).where(RegisterCounter.opening_sequence > 0)
    begun = {(one, year): (sequence, reason) for one, year, sequence, reason in session.execute(opened)}

    def book(row: Register) -> Book:
        last, paper = begun.get((row.id, year_of(row, on)), (0, ""))
        first = format_number(
            row.pattern, sequence=last + 1, on=on, entity=entity.code, unit=row.unit.code, register=row.code
        )
        return Book(row.name, first, row.nature, paper)

    return tuple(book(row) for row in rows)


def _natures(session: Session, entity: Entity) -> tuple[Kept, ...]:
    rows = kept_rows(session, Nature, [entity.id]).values()
    return tuple(Kept(row.name, row.direction, row.retention_years) for row in rows if not row.is_closed)


def _seal_kind(settings: Settings) -> str:
    """Where the seal's key is: ``file``, ``token``, ``service``, or ``own``: made by ``ged pki seal``."""
    if settings.seal_url:
        return "service"
    if settings.seal_module is not None:
        return "token"
    return "file" if settings.seal_pkcs12 is not None else "own"


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _reached(settings: Settings) -> tuple[Reached, ...]:
    smtp = settings.smtp_url.get_secret_value() if settings.smtp_url is not None else ""
    asked = (
        ("database", "" if settings.embedded else make_url(settings.url).host or ""),
        ("queue", _host(settings.redis_url or "")),
        ("index", _host(settings.elasticsearch_url or "")),
        ("mail", _host(smtp)),
        *(("time_stamp", _host(url)) for url in settings.tsa_urls),
        ("seal", _host(settings.seal_url)),
        ("scanner", _host(settings.clamd)),
    )
    return tuple(Reached(what, host, is_loopback(host)) for what, host in asked if host)
