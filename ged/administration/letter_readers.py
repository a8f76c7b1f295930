"""Who may see a letter on a day, and why; and who may not although the letter passed them.

The one access rule decides (``ged.access.sees`` over ``ged.org.actors.everybody``); here its results are only explained.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because, Right
from ged.administration.differences import from_json
from ged.administration.models import ActSubject, OrganisationAct
from ged.administration.queries import Named
from ged.errors import Forbidden
from ged.org.actors import everybody, heading_post, if_cleared, posts_granting
from ged.org.models import Holding, Post, Unit, held_on
from ged.org.tree import ministry_of_role, runs_installation
from ged.ports import Confidentiality, Principal, exception_of, person_principal, post_principal
from ged.register.correspondents import fold
from ged.register.models import Mail
from ged.unit import Actor, HeldPost, Role, UnitOfWork

UNIT_KINDS, POST_KINDS, ALONE_KINDS = "uc", "pdt", "dt"
"""First letters of principals (``ged.ports.names``): of units, of posts, and of posts without all who act for them."""


class Kept(StrEnum):
    """Why somebody on the path of a letter may not see it."""

    CLEARANCE = "clearance"
    """The person's clearance is below the letter's level."""
    RESERVED = "reserved"
    """The letter is for the holder alone, or for those who decide for the post."""
    LEVEL = "level"
    """Cleared, but at this level the letter is only for the post itself, or for the unit's own head."""


@dataclass(frozen=True)
class ActNote:
    """An act of the administration that stands: its number, its day, the decision as typed."""

    number: int
    on: date
    reference: str


@dataclass(frozen=True)
class Way:
    """One reason why a person sees the letter.

    Attributes:
        post: through which it is seen; None: the letter was given to the person.
        because: why the post, unit or person has a right to the letter.
        unit: the unit to which the letter was given, None for a post or a person.
        is_headed: the unit is seen from above or from its successor, not as a member.
        since: the first day on which the right and the post come together; None: unknown.
        act: the act by which the person has the post; a delegation's reference stands in ``post.act``.
        until: of a right by exception, its last day.
    """

    post: HeldPost | None
    because: Because
    unit: str | None
    is_headed: bool
    since: date | None
    act: ActNote | None
    until: date | None = None


@dataclass(frozen=True)
class LetterReader:
    """A person who may see the letter.

    Attributes:
        clearance: what the person is cleared for, where the letter's level asks for it; None: ordinary letter.
        cleared_by: the act by which, if one is known.
        since: the earliest of its ways.
    """

    person: Named
    ways: tuple[Way, ...]
    clearance: Confidentiality | None
    cleared_by: ActNote | None
    since: date | None


@dataclass(frozen=True)
class KeptOut:
    """A person on the letter's path who may not see it. ``through``: the posts that lie on the path."""

    person: Named
    through: tuple[HeldPost, ...]
    clearance: Confidentiality
    why: Kept


@dataclass(frozen=True)
class LetterReaders:
    """A part of the readers in order of their names, with how many there are, and a part of those kept out, with their number.

    Attributes:
        is_seen: whether the one who asks may see the letter too: an auditor may not, and is shown no more of it.
    """

    mail_id: int
    level: Confidentiality
    is_seen: bool
    readers: tuple[LetterReader, ...]
    total: int
    kept_out: tuple[KeptOut, ...]
    kept_out_total: int


def may_ask(actor: Actor) -> bool:
    """Whether a letter's page, which the actor may see, offers ``readers_of``: to auditors, and to all who head a unit.

    It asks the database nothing. Few heads see a letter on whose path they head nothing; they are told so by the page.
    """
    return bool(actor.headed_unit_ids) or actor.has(Role.AUDITOR)


def readers_of(
    session: Session, mail_id: int, actor: Actor, accounts: Collection[str], *, on: date, zone: ZoneInfo,
    offset: int = 0, limit: int = 50,
) -> LetterReaders:  # fmt: skip
    """Who may see a letter, for a head of a unit on its path (or above one) who sees it, and for the ministry's auditor.

    Args:
        accounts: those that the installation names for all of it.
        offset, limit: the part of both lists.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may neither see nor audit it).
        Forbidden: ``readers.forbidden``: the actor sees the letter, and heads nothing on its path.
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise access.not_seen(mail_id)
    level = Confidentiality(mail.level)
    rights = access.rights_because(session, mail_id, list(Because))
    granted = frozenset(principal for principal, _because, _at in rights)
    is_seen = access.sees(actor, granted, level)
    if not _audits(mail, actor, accounts):
        if not is_seen:
            raise access.not_seen(mail_id)
        if not _heads_path(session, mail, actor):
            raise Forbidden("readers.forbidden", "ask the head of the unit, or the auditor", id=mail_id)
    excepted = {exception[0] for one in granted if (exception := exception_of(one)) is not None and exception[1] >= on}
    path = granted | {post_principal(int(one[1:])) for one in granted if one[0] in ALONE_KINDS}
    readers, kept_out = [], []
    for person in everybody(session, on=on):
        if access.sees(person, granted, level) or int(person.person_id) in excepted:
            readers.append(person)
        elif access.sees(person, path, Confidentiality.ORDINARY):
            kept_out.append(person)
    shown = sorted(readers, key=_by_name)[offset : offset + limit]
    explained = _Explained(session, shown, rights, level, on, zone)
    return LetterReaders(
        mail_id, level, is_seen, tuple(explained.reader(one) for one in shown), len(readers),
        tuple(_kept_out(one, path, level) for one in sorted(kept_out, key=_by_name)[offset : offset + limit]),
        len(kept_out),
    )  # fmt: skip


def record_shown(uow: UnitOfWork, mail_id: int, level: Confidentiality, *, actor: Actor) -> None:
    """Enter in the journal that the readers of a restricted or secret letter were looked at."""
    if level >= Confidentiality.RESTRICTED:
        post = access.through(uow.session, mail_id, level, actor) or actor.post_with(Role.AUDITOR)
        uow.record("mail.readers_shown", "mail", mail_id, actor=actor, post=post)


def _by_name(person: Actor) -> tuple[str, int]:
    return fold(person.name), person.person_id


def _audits(mail: Mail, actor: Actor, accounts: Collection[str]) -> bool:
    """Whether the actor is an auditor of the letter's ministry, as of its registers and its journal."""
    if not actor.has(Role.AUDITOR):
        return False
    return runs_installation(actor, accounts) or mail.unit_id in ministry_of_role(actor, Role.AUDITOR)


def _heads_path(session: Session, mail: Mail, actor: Actor) -> bool:
    """Whether the actor heads a unit to which, or to a post of which, the letter was given or registered."""
    granted = access.principals_of(session, mail.id)
    units = {int(one[1:]) for one in granted if one[0] in UNIT_KINDS}
    posts = sorted({int(one[1:]) for one in granted if one[0] in POST_KINDS})
    units |= set(session.scalars(select(Post.unit_id).where(Post.id.in_(posts))))
    units |= {one for one in (mail.unit_id, mail.responsible_unit_id) if one is not None}
    return any(heading_post(one, actor) is not None for one in units)


def _kept_out(person: Actor, path: frozenset[Principal], level: Confidentiality) -> KeptOut:
    if access.sees(person, path, level):
        why = Kept.RESERVED
    else:
        why = Kept.LEVEL if if_cleared(person).at(level).isdisjoint(path) else Kept.CLEARANCE
    through = tuple(post for post, _given in posts_granting(person, path, Confidentiality.ORDINARY))
    return KeptOut(_named(person), through, person.clearance, why)


def _named(person: Actor) -> Named:
    return Named(person.person_id, person.account, person.name)


class _Explained:
    """The reasons of a few readers, with what they need of the tables, read once for all of them."""

    def __init__(
        self, session: Session, shown: Iterable[Actor], rights: list[Right], level: Confidentiality, on: date,
        zone: ZoneInfo,
    ) -> None:  # fmt: skip
        shown = list(shown)
        self._rights, self._level, self._zone, self._on = rights, level, zone, on
        self._granted = frozenset(principal for principal, _because, _at in rights)
        units = [int(one[1:]) for one in self._granted if one[0] in UNIT_KINDS]
        self._units = dict(session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(units))).all())
        people = [one.person_id for one in shown]
        self._held: dict[tuple[int, int], date] = {
            (person, post): since
            for person, post, since in session.execute(
                select(Holding.person_id, Holding.post_id, Holding.from_on)
                .where(Holding.person_id.in_(people), *held_on(on))
                .order_by(Holding.from_on.desc())
            )
        }
        posts = {post for _person, post in self._held}
        self._codes = dict(session.execute(select(Post.id, Post.code).where(Post.id.in_(posts))).all())
        self._gave = _acts(session, "posts", self._codes.values(), "holder", zone)
        accounts = [one.account for one in shown] if level > Confidentiality.ORDINARY else []
        self._cleared = _acts(session, "people", accounts, "clearance", zone)

    def reader(self, person: Actor) -> LetterReader:
        ways = [way for right in self._rights if (way := self._personal(person, right)) is not None]
        for post, given in posts_granting(person, self._granted, self._level):
            ways += [self._way(person, post, right) for right in self._rights if right[0] in given]
        by_level = self._level > Confidentiality.ORDINARY
        level_name = person.clearance.name.lower()
        return LetterReader(
            _named(person), tuple(ways), person.clearance if by_level else None,
            self._cleared.get((person.account, level_name)),
            min((way.since for way in ways if way.since is not None), default=None),
        )  # fmt: skip

    def _personal(self, person: Actor, right: Right) -> Way | None:
        principal, because, at = right
        excepted = exception_of(principal)
        if excepted is not None and excepted[0] == person.person_id and excepted[1] >= self._on:
            return Way(None, because, None, False, at.astimezone(self._zone).date(), None, excepted[1])
        if principal != person_principal(person.person_id):
            return None
        return Way(None, because, None, False, at.astimezone(self._zone).date(), None)

    def _way(self, person: Actor, post: HeldPost, right: Right) -> Way:
        principal, because, at = right
        unit_id = int(principal[1:]) if principal[0] in UNIT_KINDS else None
        own = post.own_post_id if post.because == "secretary" else post.post_id
        from_on = post.from_on or self._held.get((person.person_id, own or 0))
        given = at.astimezone(self._zone).date()
        code = self._codes.get(own) if own is not None and post.from_on is None else None
        return Way(
            post, because, self._units.get(unit_id) if unit_id is not None else None,
            unit_id is not None and unit_id != post.unit_id, max(given, from_on) if from_on else given,
            self._gave.get((code, person.account)) if code is not None else None,
        )  # fmt: skip


def _acts(
    session: Session, kind: str, codes: Iterable[str], field: str, zone: ZoneInfo
) -> dict[tuple[str, str], ActNote]:
    """The last acts done that gave records a value in a field: (code, value) -> act."""
    rows = session.scalars(
        select(OrganisationAct)
        .where(
            OrganisationAct.id.in_(
                select(ActSubject.act_id).where(ActSubject.kind == kind, ActSubject.code.in_(sorted(set(codes))))
            ),
            OrganisationAct.done_at.is_not(None),
            OrganisationAct.undone_at.is_(None),
        )
        .order_by(OrganisationAct.id)
    )
    found: dict[tuple[str, str], ActNote] = {}
    for act in rows:
        if act.done_at is not None:
            note = ActNote(act.id, act.done_at.astimezone(zone).date(), act.reference)
            found |= {
                (one.code, str(one.after)): note
                for one in from_json(act.differences)
                if one.kind == kind and one.field == field and one.after
            }
    return found
