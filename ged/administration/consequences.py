"""Counts of what follows from an act: letters that follow a post or a unit, delegations that end ... Numbers only.

Letters are counted by the rows of rights, without looking at the letters themselves beyond their state. Secret letters, and
those that a post's holder alone may see, are left out: for a single post a number would say that there is one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from enum import StrEnum

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from ged.access import MailAccess
from ged.administration.differences import Difference, as_json, from_json
from ged.administration.models import OrganisationAct, is_planned
from ged.administration.numbered import alike, entity_codes, told_otherwise
from ged.administration.reach import administrator
from ged.db import ByOtherIndex
from ged.org.file import OrganisationFile
from ged.org.follow import ENDED
from ged.org.load import Change
from ged.org.models import Holding, Person, Post, Unit, held_on
from ged.ports import Confidentiality, Principal, deciding_principal, heading_principal, post_principal, unit_principal
from ged.register.models import Mail, Register, RegisterCounter
from ged.register.states import MailState
from ged.signbook.models import Draft
from ged.workbook.merging import entity_and_code

UNIT_FIELDS = frozenset({"parent", "unit", "successor"})
"""Fields that name a unit."""
OVER = (MailState.CLOSED, MailState.VOIDED, MailState.DISPATCHED)


class Consequence(StrEnum):
    """What is counted."""

    LETTERS_FOLLOW_POST = "letters_follow_post"
    """Open letters at posts that get another holder."""
    LETTERS_WAIT = "letters_wait"
    """Open letters at posts that become vacant."""
    LETTERS_TO_SUCCESSOR = "letters_to_successor"
    """Open letters of units that close."""
    LETTERS_KEEP_PLACE = "letters_keep_place"
    """Open letters of units that move, and of those below them: they stay where they are; other heads see them."""
    UNITS_MOVE = "units_move"
    """Open units that move, and those below them."""
    POSTS_MOVE = "posts_move"
    REGISTERS_MOVE = "registers_move"
    VACANT = "vacant"
    """Posts that become vacant."""
    DELEGATIONS_END = "delegations"
    SESSIONS_END = "sessions"
    CERTIFICATES_END = "certificates"
    NUMBERS_STAY = "numbers_stay"
    """Numbers given by registers that write them otherwise from now on."""
    NUMBERS_ALIKE = "numbers_alike"
    """Registers that give the same numbers as one that changes, and did not before."""
    NONE_OF_KIND = "none_of_kind"
    """Registers that close as the last ones of their unit and nature."""
    NATURE_KEEPS = "nature_keeps"
    """Open letters of a nature that changes: they keep what they were given by it."""
    REMINDERS_CHANGE = "reminders_change"
    """Open letters whose reminders follow the nature from now on."""
    DRAFTS_FOLLOW = "drafts_follow"
    """Drafts that are still being written, and follow the nature's new circuit."""
    NATURES_PROPOSE = "natures_propose"
    """Natures that propose a register that closes."""
    TEXTS_STAY = "texts_stay"
    """Drafts that were begun by a template that changes: they keep their text."""
    CLASSES_PROPOSED = "classes_proposed"
    """Open natures that propose a filing class that closes."""
    PLANS_LOST = "plans_lost"
    """Acts planned by people who cannot answer for them any more: each is refused on its day."""
    PLANS_TOUCHED = "plans_touched"
    """Other planned acts that name a unit that closes: they may be refused on their day."""


def ends(
    session: Session, found: Sequence[Difference], changes: Iterable[Change], *, on: date
) -> Mapping[Consequence, int]:
    """The counts of what ends with an act, asked in the transaction that does it.

    Args:
        changes: what was reported when the act was done.
    """
    return {
        **_ended(changes), Consequence.PLANS_LOST: _plans_lost(session, found, on),
        Consequence.PLANS_TOUCHED: _plans_touched(session, found),
    }  # fmt: skip


def consequences(
    session: Session,
    seen: OrganisationFile,
    wanted: OrganisationFile,
    found: Sequence[Difference],
    ended: Mapping[Consequence, int],
) -> dict[str, int]:
    """The counts that are not zero, by the value of a `Consequence`: the same before the act is done and after it, so that a
    preview counts letters, which takes long, when it has let everything go.

    Args:
        seen: the organisation of before.
        wanted: the organisation that the act leads to.
        ended: as ``ends`` returned it.
    """
    moved = _with_all_below(session, seen, wanted, {d.code for d in _moved(found, "units", "parent")})
    counts: dict[Consequence, int] = {
        Consequence.LETTERS_FOLLOW_POST: _at_posts(session, [d.code for d in _held(found) if d.after]),
        Consequence.LETTERS_WAIT: _at_posts(session, [d.code for d in _held(found) if not d.after]),
        Consequence.LETTERS_TO_SUCCESSOR: _in_units(session, [d.code for d in found if _closes(d)]),
        Consequence.LETTERS_KEEP_PLACE: _named_by(session, moved),
        Consequence.UNITS_MOVE: len(moved),
        Consequence.POSTS_MOVE: len(_moved(found, "posts", "unit")),
        Consequence.REGISTERS_MOVE: len(_moved(found, "registers", "unit")),
        Consequence.VACANT: len([d for d in _held(found) if not d.after]),
        **_of_registers(session, seen, wanted, found),
        **_of_natures(session, wanted, found),
        Consequence.CLASSES_PROPOSED: _proposing(wanted, found),
        Consequence.TEXTS_STAY: _begun(session, wanted, found),
        **ended,
    }
    return {kind.value: count for kind, count in counts.items() if count}


def _ended(changes: Iterable[Change]) -> Mapping[Consequence, int]:
    counts = dict.fromkeys((Consequence.DELEGATIONS_END, Consequence.SESSIONS_END, Consequence.CERTIFICATES_END), 0)
    for change in changes:
        if change.action == ENDED:
            counts[Consequence(change.kind)] += int(change.detail)
    return counts


def _of_registers(
    session: Session, seen: OrganisationFile, wanted: OrganisationFile, found: Sequence[Difference]
) -> Mapping[Consequence, int]:
    ours = [one for one in found if one.kind == "registers"]
    closing = {one.code for one in ours if one.field == "closed" and one.after}
    open_ones = [one for one in wanted.registers if not one.closed]
    kinds = {(one.unit, one.nature) for one in open_ones}
    return {
        Consequence.NUMBERS_STAY: _given(session, told_otherwise(seen, wanted)),
        Consequence.NUMBERS_ALIKE: alike(seen, wanted),
        Consequence.NONE_OF_KIND: sum(
            (one.unit, one.nature) not in kinds for one in wanted.registers if one.code in closing
        ),
        Consequence.NATURES_PROPOSE: sum(
            nature.register_code in closing and not nature.closed for nature in wanted.natures
        ),
    }  # fmt: skip


def _of_natures(session: Session, wanted: OrganisationFile, found: Sequence[Difference]) -> Mapping[Consequence, int]:
    ours = [one for one in found if one.kind == "natures" and not one.is_new]
    reminded = {one.code for one in ours if one.field == "reminders"}
    routed = {one.code for one in ours if one.field == "circuit"}
    kept = {one.code for one in ours} - reminded - routed
    return {
        Consequence.NATURE_KEEPS: sum(_bearing(session, wanted, key) for key in kept),
        Consequence.REMINDERS_CHANGE: sum(_bearing(session, wanted, key) for key in reminded),
        Consequence.DRAFTS_FOLLOW: sum(_bearing(session, wanted, key, (MailState.DRAFT,)) for key in routed),
    }


def _served(wanted: OrganisationFile, section: str, key: str) -> tuple[str, list[str]]:
    """The code of a record of a list, and the units that use this record under it: those of its entity, or all without one of their own."""
    own, code = entity_and_code(key)
    others = {one.entity for one in getattr(wanted, section) if one.code == code and one.entity}
    return code, [unit for unit, of in entity_codes(wanted).items() if (of == own if own else of not in others)]


def _begun(session: Session, wanted: OrganisationFile, found: Sequence[Difference]) -> int:
    """How many letters that are still being written, but secret ones, were begun by templates that change."""
    total = 0
    for key in sorted({one.code for one in found if one.kind == "templates" and not one.is_new}):
        code, units = _served(wanted, "templates", key)
        query = select(func.count(Mail.id)).join(Draft, Draft.mail_id == Mail.id).join(Unit, Unit.id == Mail.unit_id)
        total += session.scalar(
            query.where(
                Mail.state == MailState.DRAFT, Draft.template_code == code, Mail.level < Confidentiality.SECRET,
                Unit.code.in_(units),
            )
        ) or 0  # fmt: skip
    return total


def _proposing(wanted: OrganisationFile, found: Sequence[Difference]) -> int:
    closing = {one.code for one in found if (one.kind, one.field) == ("filing_plan", "closed") and one.after}
    return sum(nature.filing_class in closing and not nature.closed for nature in wanted.natures)


RUNNING = tuple(state for state in MailState if state not in OVER)


def _bearing(session: Session, wanted: OrganisationFile, key: str, states: Sequence[MailState] = RUNNING) -> int:
    """How many letters in these states, but secret ones, are of a nature: those of its entity, or of all without one of their own.

    Args:
        key: as ``ged.workbook.merging.key_of`` gives it.
    """
    code, units = _served(wanted, "natures", key)
    return (
        session.scalar(
            select(func.count(Mail.id))
            .join(Unit, Unit.id == Mail.unit_id)
            .where(
                Mail.state.in_(states), Mail.nature == code, Mail.level < Confidentiality.SECRET, Unit.code.in_(units)
            )
        )
        or 0
    )


def _given(session: Session, codes: Collection[str]) -> int:
    """How many numbers these registers have given, by their counters."""
    query = select(func.sum(RegisterCounter.last_sequence - RegisterCounter.opening_sequence))
    query = query.join(Register, Register.id == RegisterCounter.register_id).where(Register.code.in_(codes))
    return int(session.scalar(query) or 0) if codes else 0


def _plans_lost(session: Session, found: Sequence[Difference], on: date) -> int:
    """Planned acts of people whom the change touches, and who are no administrators after it."""
    accounts = {d.code for d in found if d.kind == "people"} | {str(d.before) for d in _held(found) if d.before}
    roles = [d.code for d in found if d.kind == "posts" and d.field == "roles"]
    holders = select(Holding.person_id).join(Post, Post.id == Holding.post_id).where(Post.code.in_(roles), *held_on(on))
    planned = dict(
        session.execute(
            select(OrganisationAct.person_id, func.count())
            .join(Person, Person.id == OrganisationAct.person_id)
            .where(*is_planned(), or_(Person.account.in_(accounts), Person.id.in_(holders)))
            .group_by(OrganisationAct.person_id)
        ).all()
    )
    return sum(count for one, count in planned.items() if administrator(session, one, on=on) is None)


def _plans_touched(session: Session, found: Sequence[Difference]) -> int:
    """Planned acts, but this one, that change a unit that closes, or place something in it or take it out."""
    closing = {one.code for one in found if _closes(one)}
    if not closing:
        return 0
    own, stored = as_json(found), session.scalars(select(OrganisationAct.differences).where(*is_planned()))
    return sum(
        differences != own and any(not closing.isdisjoint(_units_of(one)) for one in from_json(differences))
        for differences in stored
    )


def _units_of(one: Difference) -> set[str]:
    named = {one.code} if one.kind == "units" else set()
    return named | ({str(one.before), str(one.after)} if one.field in UNIT_FIELDS else set())


def _held(found: Sequence[Difference]) -> list[Difference]:
    """Posts whose holder changes; a post that is new has no letters."""
    return [d for d in found if d.kind == "posts" and d.field == "holder" and not d.is_new]


def _closes(one: Difference) -> bool:
    return one.kind == "units" and one.field == "closed" and bool(one.after)


def _moved(found: Sequence[Difference], kind: str, field: str) -> list[Difference]:
    return [d for d in found if d.kind == kind and d.field == field and not d.is_new]


def _at_posts(session: Session, codes: Sequence[str]) -> int:
    if not codes:
        return 0
    ids = session.scalars(select(Post.id).where(Post.code.in_(codes))).all()
    return open_letters(session, [one for post_id in ids for one in post_principals(post_id)])


def _in_units(session: Session, codes: Sequence[str]) -> int:
    if not codes:
        return 0
    return _named_by(session, session.scalars(select(Unit.id).where(Unit.code.in_(codes))).all())


def _named_by(session: Session, unit_ids: Iterable[int]) -> int:
    return open_letters(session, [one for unit_id in unit_ids for one in unit_principals(unit_id)])


def _with_all_below(
    session: Session, seen: OrganisationFile, wanted: OrganisationFile, codes: AbstractSet[str]
) -> Sequence[int]:
    """The units of these codes and all below them that were there before and are open after it, by id."""
    parents = {unit.code: unit.parent for unit in wanted.units}
    below = [
        unit.code for unit in wanted.units if not unit.closed and not codes.isdisjoint(_upwards(unit.code, parents))
    ]
    held = {unit.code for unit in seen.units}.intersection(below)
    return session.scalars(select(Unit.id).where(Unit.code.in_(sorted(held)))).all() if held else []


def _upwards(code: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    """A unit and all above it."""
    at: str | None = code
    while at is not None:
        yield at
        at = parents.get(at)


def post_principals(post_id: int) -> tuple[Principal, ...]:
    """How rights to letters name a post, but those of its holder alone."""
    return post_principal(post_id), deciding_principal(post_id)


def unit_principals(unit_id: int) -> tuple[Principal, ...]:
    """How rights to letters name a unit."""
    return unit_principal(unit_id), heading_principal(unit_id)


def open_letters(session: Session, principals: Sequence[Principal]) -> int:
    """How many letters that are neither over nor secret name one of these principals."""
    if not principals:
        return 0
    # Of a large archive few letters are open: they are looked at by their state, not all that the principals ever had.
    right = exists().where(MailAccess.mail_id == Mail.id, ByOtherIndex(MailAccess.principal).in_(sorted(principals)))
    query = select(func.count(Mail.id)).where(Mail.state.in_(RUNNING), Mail.level < Confidentiality.SECRET, right)
    return session.scalar(query) or 0
