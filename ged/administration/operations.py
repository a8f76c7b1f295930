"""Proposing an act, looking at what it changes, confirming it for now or for a later day, withdrawing and undoing it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged import locks
from ged.administration import apart
from ged.administration.apart import Unfit
from ged.administration.consequences import Consequence, consequences, ends
from ged.administration.differences import Difference, as_json, differences, digest, from_json, touched
from ged.administration.first_access import tell_of_posts, told_of_lapsed
from ged.administration.fitness import unfit
from ged.administration.lines import Line, Sheets, as_sheets
from ged.administration.models import ActSubject, OrganisationAct
from ged.administration.reach import Reach
from ged.administration.registers import NextNumbers, next_numbers_of
from ged.administration.states import ActState, state_of
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org import tree
from ged.org.file import OrganisationFile, check_references
from ged.org.models import Holding, Person, Post, PostRole, held_on
from ged.org.turns import one_at_a_time
from ged.register.models import RegisterCounter
from ged.unit import Actor, Role, Services, UnitOfWork
from ged.workbook import inverse
from ged.workbook.cells import folded
from ged.workbook.merging import merge
from ged.workbook.operations import MOST_OBSTACLES, asked_of, bring_to, own_rights_stay, put_back
from ged.workbook.sheets import EXAMPLE, SHEETS
from ged.workbook.state import organisation_now

KEPT = timedelta(days=30)
"""How long an act that nobody confirms is kept."""
LATEST = timedelta(days=366)
"""How far ahead an act may be planned."""
ADDS = ".new"
"""The end of the names (``OrganisationAct.what``) of forms that add a record."""
LONG_LISTS = frozenset({"correspondents", "filing_plan"})


@dataclass(frozen=True)
class Looked:
    """What an act would change on a day.

    Attributes:
        seen: the organisation of that day.
        wanted: the organisation that the act leads to.
        differences: empty: it changes nothing.
    """

    seen: OrganisationFile
    wanted: OrganisationFile
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Preview:
    """What the page shows before an act is confirmed: ``digest`` names exactly these differences.

    ``numbers``: the next numbers of each register that will number otherwise, on the day that is looked at.
    """

    differences: tuple[Difference, ...]
    consequences: dict[str, int]
    digest: str
    numbers: tuple[NextNumbers, ...] = ()


def current(session: Session, *, on: date) -> OrganisationFile:
    """The organisation over which forms ask: without the long lists that they do not name."""
    return organisation_now(session, on=on, with_lists=False)


def look(session: Session, sheets: Sheets, *, on: date, what: str = "", reach: Reach | None = None) -> Looked:
    """What lines of the workbook change.

    Args:
        what: the form, as ``OrganisationAct.what``: one that adds changes nothing that is there.
        reach: of who asks. What is of another ministry is not known to that person, whatever else is wrong; None: it is looked at only
            to be given up.

    Raises:
        Unfit: the findings of the workbook (``cell.…`` for its ``workbook.…``), what ``ged.administration.fitness`` refuses, or as
            ``apart.check``.
        Invalid: as ``apart.check``.
    """
    kinds = {sheet.kind for sheet in SHEETS if sheet.title in sheets}
    seen = organisation_now(session, on=on, with_lists=bool(kinds & LONG_LISTS))
    merged = merge(seen, sheets, on=on)
    if merged.file is None:
        raise Unfit(apart.refusals_of(session, merged.findings, sheets, reach, on=on))
    found = differences(seen, merged.file)
    if reach is not None:
        apart.check(session, found, reach, on=on)
    refusals = [*(_taken(sheets, found) if what.endswith(ADDS) else ()), *unfit(merged.file, found)]
    if refusals:
        raise Unfit(refusals)
    return Looked(seen, merged.file, found)


def _taken(sheets: Sheets, found: Sequence[Difference]) -> Iterator[Invalid]:
    """A form that adds must not change what got the code since it was filled in."""
    title, rows = next(iter(sheets.items()))
    sheet = next(one for one in SHEETS if one.title == title)
    code = rows[1][sheet.columns.index(sheet.key)]
    is_read = not folded(code).startswith(folded(EXAMPLE))  # a line of example is skipped, and adds nothing
    if is_read and not any(one.kind == sheet.kind and one.is_new for one in found):
        yield Invalid("cell.nearly_twice", "choose another", field=sheet.key.key, other=code)


def propose(
    uow: UnitOfWork, what: str, subject: str, lines: Sequence[Line], *, reference: str = "", actor: Actor
) -> int:
    """Keep an act to be looked at; acts that nobody confirmed in a month are deleted. Returns its id.

    Raises:
        Unfit: as ``look``.
        Invalid: ``act.nothing``: it changes nothing.
    """
    sheets = as_sheets(lines)
    reach = Reach(actor, uow.services.installation_accounts)
    looked = look(uow.session, sheets, on=today_of(uow), what=what, reach=reach)
    if not looked.differences:
        raise Invalid("act.nothing", "change something")
    uow.session.execute(
        delete(OrganisationAct).where(
            OrganisationAct.planned_on.is_(None), OrganisationAct.done_at.is_(None),
            OrganisationAct.proposed_at < uow.now - KEPT,
        )
    )  # fmt: skip
    act = OrganisationAct(
        what=what, subject=subject[:64], reference=reference, sheets=sheets, person_id=actor.person_id, proposed_at=uow.now
    )  # fmt: skip
    uow.session.add(act)
    uow.session.flush()
    return act.id


def preview(services: Services, act_id: int, *, actor: Actor, now: datetime, on: date | None = None) -> Preview:
    """What a proposed act would change on a day (None: today): it is tried in its turn. Letters are counted afterwards, when
    no lock is held any more.

    Raises:
        NotFound: ``act.unknown``.
        InvalidTransition: ``act.settled``.
        Unfit: as ``look``.
        Invalid: as ``carry_out``.
    """
    with services.trial(now) as uow:
        one_at_a_time(uow)
        day = on or today_of(uow)
        reach = Reach(actor, services.installation_accounts)
        reach.require_act(uow.session, act_id)
        act = _proposed(uow.session.get(OrganisationAct, act_id))
        looked = look(uow.session, act.sheets, on=day, what=act.what, reach=reach)
        _steps, ended = carry_out(uow, looked, on=day, whose=actor, by=actor)
        coming = next_numbers_of(uow.session, looked.seen, looked.wanted, on=day)
    with services.reading() as session:
        counts = consequences(session, looked.seen, looked.wanted, looked.differences, ended)
    return Preview(looked.differences, counts, digest(looked.differences), coming)


def _proposed(act: OrganisationAct | None) -> OrganisationAct:
    if act is None:
        raise NotFound("act.unknown", "open it from the list again")
    if state_of(act) is not ActState.PROPOSED:
        raise InvalidTransition("act.settled", "look at it again", id=act.id)
    return act


def confirm(uow: UnitOfWork, act_id: int, *, shown: str, reference: str = "", actor: Actor) -> None:
    """Do an act now, and keep what takes it back.

    Args:
        shown: the digest of the differences that the person saw.
        reference: the order or decision that it carries out.

    Raises:
        NotFound: ``act.unknown``.
        InvalidTransition: ``act.settled``.
        Unfit: as ``look``.
        Invalid: ``act.overtaken``: it would change something else than was shown; as ``carry_out``.
        Forbidden: as ``carry_out``.
    """
    act, looked = _confirmed(uow, act_id, on=today_of(uow), shown=shown, reference=reference, actor=actor)
    do(uow, act, looked, on=today_of(uow), whose=actor, by=actor)


def plan(
    services: Services, act_id: int, *, on: date, shown: str, reference: str = "", actor: Actor, now: datetime
) -> None:
    """Plan an act for a later day. It is tried first, so that what cannot be done is told now.

    Raises:
        Invalid: ``act.day``: not after today, or too far ahead; otherwise as ``confirm``.
    """
    today = now.astimezone(services.zone).date()
    if not today < on <= today + LATEST:
        raise Invalid("act.day", "choose a later day", field="on")
    tried = preview(services, act_id, actor=actor, now=now, on=on)
    with services.unit_of_work(now) as uow:
        act, _looked = _confirmed(uow, act_id, on=on, shown=shown, reference=reference, actor=actor)
        act.consequences, act.planned_on = tried.consequences, on
        record(uow, "organisation.planned", act, actor, on=on.isoformat())


def _confirmed(
    uow: UnitOfWork, act_id: int, *, on: date, shown: str, reference: str, actor: Actor
) -> tuple[OrganisationAct, Looked]:
    one_at_a_time(uow)
    reach = Reach(actor, uow.services.installation_accounts)
    reach.require_act(uow.session, act_id)
    act = _proposed(locks.hold_one(uow.session, OrganisationAct, act_id))
    looked = look(uow.session, act.sheets, on=on, what=act.what, reach=reach)
    if digest(looked.differences) != shown:
        raise Invalid("act.overtaken", "look at it again, then confirm")
    act.reference, act.person_id = reference, int(actor.person_id)
    act.differences = as_json(looked.differences)
    uow.session.add_all(ActSubject(act_id=act.id, kind=kind, code=code) for kind, code in touched(looked.differences))
    return act, looked


def do(uow: UnitOfWork, act: OrganisationAct, looked: Looked, *, on: date, whose: Actor, by: Actor) -> None:
    """Do a confirmed act that was looked at in this transaction: change the organisation, keep the inverse, tell whom it concerns.

    Raises:
        Invalid, Forbidden: as ``carry_out``.
    """
    with told_of_lapsed(uow, act.id):
        act.inverse, ended = carry_out(uow, looked, on=on, whose=whose, by=by)
    act.consequences = consequences(uow.session, looked.seen, looked.wanted, looked.differences, ended)
    act.done_at = uow.now
    given = [str(one.after) for one in looked.differences if (one.kind, one.field) == ("posts", "holder") and one.after]
    tell_of_posts(uow, act.id, given)
    record(uow, "organisation.changed", act, by)


def carry_out(
    uow: UnitOfWork, looked: Looked, *, on: date, whose: Actor, by: Actor
) -> tuple[list[inverse.Step], Mapping[Consequence, int]]:
    """Change the organisation. Returns the steps that take the change back, and the counts of what ended.

    Args:
        whose: the administrator who gains nothing by it.
        by: who is named in the journal.

    Raises:
        Invalid: ``act.own_rights``, ``act.last_administrator``.
        Forbidden: ``access.role_missing``: as ``own_rights_stay``.
    """
    try:
        # They end in reverse order: the steps are written down, then the rights are compared, then the administrators counted.
        with _somebody_administers(uow, on), own_rights_stay(uow, whose, on), inverse.recorded(uow.session) as steps:
            changes = bring_to(uow, asked_of(looked.wanted, looked.seen), on=on, actor=by)
    except Invalid as refused:
        raise own_rights(refused) from None
    return steps, ends(uow.session, looked.differences, changes, on=on)


@contextmanager
def _somebody_administers(uow: UnitOfWork, on: date) -> Iterator[None]:
    """Refuse a change after which nobody opens these pages of a ministry any more: no administrator is left, or none who can sign in.

    Raises:
        Invalid: ``act.last_administrator``.
    """
    before = _administered(uow.session, on)
    yield
    uow.session.flush()
    after, units = _administered(uow.session, on), tree.all_units(uow.session)
    for had, has in zip(before, after, strict=True):
        if any(tree.root_of(root, units) not in has for root in had & units.keys()):
            raise Invalid("act.last_administrator", "give the role to somebody else first")


def _administered(session: Session, on: date) -> tuple[frozenset[int], frozenset[int]]:
    """The roots of the ministries that have an administrator on a day, and of those that have one with a password."""
    units = tree.all_units(session)
    held = (
        select(Post.unit_id, Person.password_hash != "")
        .join(Holding, Holding.post_id == Post.id)
        .join(Person, Person.id == Holding.person_id)
        .join(PostRole, PostRole.post_id == Post.id)
        .where(PostRole.role == Role.ADMINISTRATOR, Person.is_active, *held_on(on))
    )
    found = [(tree.root_of(unit_id, units), can_sign_in) for unit_id, can_sign_in in session.execute(held)]
    return frozenset(root for root, _can in found), frozenset(root for root, can in found if can)


def own_rights(refused: Invalid) -> Invalid:
    """The refusal of a workbook as that of an act."""
    if refused.code != "workbook.own_rights":
        return refused
    return Invalid("act.own_rights", "let another administrator do this")


def record(uow: UnitOfWork, action: str, act: OrganisationAct, by: Actor, **more: Any) -> None:
    """The entry of the journal, with the values before and after."""
    uow.record(
        action, "organisation_act", act.id, actor=by, what=act.what, subject=act.subject, reference=act.reference,
        differences=act.differences, consequences=act.consequences, **more,
    )  # fmt: skip


def withdraw(uow: UnitOfWork, act_id: int, *, actor: Actor) -> None:
    """Give up an act that was proposed, planned, or refused on its day: it is counted no more.

    Raises:
        NotFound: ``act.unknown``: no such act, or one about another ministry.
        InvalidTransition: ``act.settled``.
    """
    Reach(actor, uow.services.installation_accounts).require_act(uow.session, act_id)
    act = locks.hold_one(uow.session, OrganisationAct, act_id)
    if act is None:
        raise NotFound("act.unknown", "open it from the list again")
    if state_of(act) not in (ActState.PROPOSED, ActState.PLANNED, ActState.REFUSED):
        raise InvalidTransition("act.settled", "look at it again", id=act.id)
    # A proposed act has no differences yet: they are looked up, or it fits no more, and then it may go.
    found = from_json(act.differences) or _fitting(uow, act)
    if not apart.may_look(uow.session, found, Reach(actor, uow.services.installation_accounts)):
        raise NotFound("act.unknown", "open it from the list again", id=act_id)
    act.withdrawn_at = uow.now
    record(uow, "organisation.withdrawn", act, actor)


def _fitting(uow: UnitOfWork, act: OrganisationAct) -> tuple[Difference, ...]:
    """What a proposed act would change today; empty when it does not fit."""
    try:
        return look(uow.session, act.sheets, on=today_of(uow)).differences
    except Invalid:
        return ()


def undo(uow: UnitOfWork, act_id: int, *, actor: Actor) -> None:
    """Take an act back: all its rows, or none. What stays: ended sessions, revoked certificates, codes of first access that ended.

    What came since through a row that is gone again ends: sessions and certificates of an account that is closed again, an
    interim of a post that has its holder again.

    Raises:
        NotFound: ``act.unknown``.
        InvalidTransition: ``act.settled``: it was not done, or is undone already.
        Invalid: ``act.hangs``: ``params["obstacles"]`` are `inverse.Obstacle`; ``act.undo_unfit``; ``act.own_rights``;
            ``act.last_administrator``; ``act.closed_unit``: a holder would be in it; ``act.held_twice``, ``act.closed_holder``.
    """
    one_at_a_time(uow)
    reach = Reach(actor, uow.services.installation_accounts)
    reach.require_act(uow.session, act_id)
    act = locks.hold_one(uow.session, OrganisationAct, act_id)
    if act is None:
        raise NotFound("act.unknown", "open it from the list again")
    if state_of(act) is not ActState.DONE:
        raise InvalidTransition("act.settled", "look at it again", id=act.id)
    apart.check(uow.session, from_json(act.differences), reach, on=today_of(uow), is_undone=True)
    locks.hold_out_writers(uow.session, inverse.naming(act.inverse))
    _hold_counters(uow.session, act.inverse)
    found = inverse.obstacles(uow.session, act.inverse)
    if found:
        raise Invalid("act.hangs", "undo these first", obstacles=tuple(found[:MOST_OBSTACLES]))
    today = today_of(uow)
    try:
        with told_of_lapsed(uow, act.id), _somebody_administers(uow, today), own_rights_stay(uow, actor, today):
            put_back(uow, act.inverse, since=act.done_at or uow.now, actor=actor)
            _still_fits(uow, act, today)
            uow.session.flush()
    except IntegrityError:
        # Somebody has just begun to use a row, and was committed after it was looked at.
        raise Invalid("act.hangs", "undo these first", obstacles=()) from None
    except Invalid as refused:
        raise own_rights(refused) from None
    acted = inverse.acted_meanwhile(uow.session, act.inverse)
    if acted:
        raise Invalid("act.hangs", "undo these first", obstacles=tuple(acted[:MOST_OBSTACLES]))
    act.undone_at = uow.now
    record(uow, "organisation.undone", act, actor)


def _hold_counters(session: Session, steps: Sequence[inverse.Step]) -> None:
    """Wait for the number that is being given: the database refuses that its counter goes back, and then nothing could be named."""
    keys = sorted({tuple(step["key"]) for step in steps if step["table"] == RegisterCounter.__tablename__})
    for key in keys:
        locks.hold_one(session, RegisterCounter, key)


def _still_fits(uow: UnitOfWork, act: OrganisationAct, on: date) -> None:
    """Later acts may rely on this one without touching its rows: then the organisation of before does not hold any more."""
    now = current(uow.session, on=on)
    back = tuple(replace(one, before=one.after, after=one.before) for one in from_json(act.differences))
    try:
        check_references(now)
    except Invalid as wrong:
        raise Invalid("act.undo_unfit", "undo the later acts first", detail=str(wrong.params.get("where"))) from None
    refusals = unfit(now, [one for one in back if not one.is_new])
    if refusals:
        raise refusals[0]


def today_of(uow: UnitOfWork) -> date:
    """The day of a unit of work, in the installation's zone."""
    return uow.now.astimezone(uow.services.zone).date()
