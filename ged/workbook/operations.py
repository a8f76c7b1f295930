"""Taking a workbook in, in one transaction, and taking it back."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from ged import locks
from ged.errors import EngineFailed, Forbidden, Invalid, NotFound
from ged.filenames import harmless_name
from ged.natures.load import load_natures
from ged.org.actors import load_actor
from ged.org.file import OrganisationFile
from ged.org.follow import follow, follow_back
from ged.org.load import Change, load_organisation
from ged.org.models import Delegation, Holding, Person
from ged.org.turns import one_at_a_time
from ged.ports import Confidentiality
from ged.routing.load import fill_calendar, load_routing
from ged.signbook.load import load_signbook
from ged.typeset import unprintable
from ged.unit import SYSTEM, Actor, Role, Services, UnitOfWork
from ged.workbook import inverse
from ged.workbook.delegations import load_delegations
from ged.workbook.holders import concerned_posts, misheld
from ged.workbook.inverse import Obstacle
from ged.workbook.merging import Merged, merge
from ged.workbook.models import WorkbookImport
from ged.workbook.registry import check_still_unused, load_paper_books, load_registry
from ged.workbook.state import organisation_now

Sheets = Mapping[str, Sequence[Sequence[str]]]
"""Title of a sheet -> its rows of text."""
MOST_OBSTACLES = 50
SHOWN = 30
KEPT = timedelta(days=30)
"""How long a workbook that nobody takes in is kept."""


@dataclass(frozen=True)
class ImportRow:
    """A workbook as the page lists it; ``may_undo``: it is the last one that was taken in."""

    id: int
    filename: str
    person_name: str
    changes: int
    handed_in_at: datetime
    taken_at: datetime | None
    undone_at: datetime | None
    may_undo: bool


def bring_to(uow: UnitOfWork, file: OrganisationFile, *, on: date, actor: Actor = SYSTEM) -> list[Change]:
    """Bring the organisation, in its turn, to the state of a file; what the file lacks stays and is reported as ``left``.

    What ends with the changes (delegations, sessions, certificates) is reported as ``ended``.

    Raises:
        Invalid: ``organisation.field``, ``register.pattern``, ``register.in_use``, ``register.started``; as ``load_delegations``.
    """
    one_at_a_time(uow)
    loaded = load_organisation(uow, file, on=on)
    uow.session.flush()
    followed = follow(uow, loaded, on=on, actor=actor)
    # Behind it, or a delegation that comes with a new holder would end with the last one's.
    given = load_delegations(uow, file, on=on, actor=actor)
    registry = load_registry(uow, file)
    changes = [
        *loaded,
        *followed,
        *given,
        *registry,
        *load_routing(uow, file),
        # On an installation without a calendar this is a part of the first change, and goes with it when it is taken back: a
        # calendar that stayed would make the database another one than before. The next change fills it again.
        *fill_calendar(uow, if_empty=True),
        *load_signbook(uow, file),
        *load_natures(uow, file),
    ]
    check_still_unused(uow, registry, on=on)
    return [*changes, *load_paper_books(uow, file, on=on, actor=actor)]


def merged(now: OrganisationFile, sheets: Sheets, *, on: date | None = None) -> Merged:
    """A workbook that a person filled in, over the organisation as it is (``ged.workbook.merging.merge``)."""
    lacking = frozenset[str]()
    # Where no child is free to look, the text is taken: a print will show a stand-in.
    with suppress(EngineFailed):
        lacking = unprintable("".join(cell for rows in sheets.values() for row in rows for cell in row))
    return merge(now, sheets, on=on, lacking=lacking, one_name_each=True)


def preview(
    services: Services,
    file: OrganisationFile,
    *,
    seen: OrganisationFile,
    now: datetime,
    before_rollback: Callable[[Session], None] | None = None,
) -> tuple[Change, ...]:
    """The changes that a workbook would make: it is tried in its turn.

    Args:
        file, seen: as of `take_in`.
        before_rollback: called where the changes are done, before they are rolled back.

    Raises:
        Invalid: as `bring_to`.
    """
    with services.trial(now) as uow:
        one_at_a_time(uow)
        changes = bring_to(uow, asked_of(file, seen), on=now.astimezone(services.zone).date())
        if before_rollback is not None:
            uow.session.flush()
            before_rollback(uow.session)
    return _without_details_of_new(changes)


SAME = {"unit": "units", "post": "posts", "holder": "posts"}
"""Kinds of changes that speak of rows which another kind adds."""


def _without_details_of_new(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, without the details of rows that are added."""
    added = {(one.kind, one.code) for one in changes if one.action == "added"}
    return tuple(
        one
        for one in changes
        if one.action != "left" and (one.action == "added" or (SAME.get(one.kind, one.kind), one.code) not in added)
    )


def hand_in(uow: UnitOfWork, content: bytes, filename: str, *, actor: Actor | None = None) -> int:
    """Keep a workbook that was read, so that it can be looked at and taken in. Returns its id."""
    row = WorkbookImport(
        filename=harmless_name(filename)[-200:], sha256=hashlib.sha256(content).hexdigest(), content=content, handed_in_at=uow.now,
        person_id=actor.person_id if actor is not None else None,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    return row.id


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete workbooks that nobody took in for ``KEPT``."""
    uow.session.execute(
        delete(WorkbookImport).where(WorkbookImport.taken_at.is_(None), WorkbookImport.handed_in_at < now - KEPT)
    )


def content_of(session: Session, import_id: int) -> tuple[str, bytes]:
    """Name and content of a workbook that was not taken in yet.

    Raises:
        NotFound: ``workbook.unknown``.
    """
    row = session.get(WorkbookImport, import_id)
    if row is None or row.content is None:
        raise NotFound("workbook.unknown", "hand the workbook in again")
    return row.filename, row.content


def take_in(
    uow: UnitOfWork,
    import_id: int,
    file: OrganisationFile,
    *,
    seen: OrganisationFile,
    on: date,
    actor: Actor | None = None,
) -> tuple[Change, ...]:
    """Change the organisation as a workbook asks, and keep the steps that take the changes back.

    Args:
        file: what the workbook asks for.
        seen: the organisation over which ``file`` was made. Reading a workbook takes long: that is done before, without a lock.
        actor: who takes it in; None: the operator, on the command line.

    Raises:
        NotFound: ``workbook.unknown``: it was taken in already.
        Invalid: ``workbook.overtaken``: the organisation is no longer as it was seen; ``workbook.own_rights``; as `bring_to`.
    """
    one_at_a_time(uow)
    row = locks.hold_one(uow.session, WorkbookImport, import_id)
    if row is None or row.taken_at is not None:
        raise NotFound("workbook.unknown", "it was taken in already")
    if organisation_now(uow.session, on=on) != seen:
        raise Invalid("workbook.overtaken", "look at the changes again")
    with own_rights_stay(uow, actor, on), inverse.recorded(uow.session) as steps:
        changes = _without_details_of_new(bring_to(uow, asked_of(file, seen), on=on, actor=actor or SYSTEM))
    row.changes, row.inverse, row.taken_at, row.content = len(changes), steps, uow.now, None
    uow.record(
        "workbook.taken_in", "organisation", None, actor=actor or SYSTEM, workbook=row.id, digest=row.sha256,
        changes=[[one.action, one.kind, one.code, one.detail] for one in changes],
    )  # fmt: skip
    return changes


LISTS_IN_ORDER = frozenset({"mentions", "natures", "templates"})
"""Sections whose order in the file is that of the lists: they are brought over whole."""


def asked_of(file: OrganisationFile, seen: OrganisationFile) -> OrganisationFile:
    """The records that change, without the others: another person may be changing those at this moment."""
    parts: dict[str, object] = {}
    for section in file.model_fields_set:
        wanted, held = getattr(file, section), getattr(seen, section)
        if isinstance(wanted, tuple):
            same = set(map(repr, held))
            differing = tuple(one for one in wanted if repr(one) not in same)
            parts[section] = wanted if differing and section in LISTS_IN_ORDER else differing
    return file.model_copy(update=parts)


@contextmanager
def own_rights_stay(uow: UnitOfWork, actor: Actor | None, on: date) -> Iterator[None]:
    """Refuse a change by which the acting person gains a right to letters: an administrator opens no letter.

    Rights through a delegation last for some days only. So the rights of the day are compared, those of each later day on
    which a delegation to the person begins, and those after the last one: a delegation becomes neither stronger nor lasting.
    A delegation to the person that comes with the change is refused, whenever it begins and whatever it gives.

    Raises:
        Invalid: ``workbook.own_rights``.
        Forbidden: ``access.role_missing``: the person is no administrator any more: the role was taken away, or the account closed,
            while this waited for its turn.
    """
    if actor is None:
        yield
        return
    days = _days(uow.session, actor, on)
    try:
        before = [load_actor(uow.session, actor.person_id, on=day) for day in days]
    except NotFound:
        before = []
    if not before or not before[0].has(Role.ADMINISTRATOR):
        raise Forbidden("access.role_missing", "ask an administrator for the role")
    had = _delegated_to(uow.session, actor, on)
    yield
    uow.session.flush()
    # Some changes go past the session: the rights are read from what is in the tables now.
    uow.session.expire_all()
    if _delegated_to(uow.session, actor, on) - had:
        raise Invalid("workbook.own_rights", "let the operator do this, on the command line")
    for day, then in zip(days, before, strict=True):
        try:
            after = load_actor(uow.session, actor.person_id, on=day)
        except NotFound:  # the person's own account is closed by it
            return
        if after.clearance > then.clearance or _powers(after) - _powers(then):
            raise Invalid("workbook.own_rights", "let the operator do this, on the command line")


def _days(session: Session, actor: Actor, on: date) -> list[date]:
    """The days on which the person's rights may differ, because a delegation begins or all are over."""
    given = session.execute(
        select(Delegation.from_on, Delegation.until_on).where(
            Delegation.person_id == actor.person_id, Delegation.until_on >= on
        )
    ).all()
    later = {from_on for from_on, _ in given if from_on > on}
    return sorted({on, *later, *(until_on + timedelta(days=1) for _, until_on in given)})


def _delegated_to(session: Session, actor: Actor, on: date) -> frozenset[int]:
    """The delegations to a person that hold on a day or later."""
    standing = Delegation.withdrawn_at.is_(None), Delegation.until_on >= on
    return frozenset(session.scalars(select(Delegation.id).where(Delegation.person_id == actor.person_id, *standing)))


def _powers(actor: Actor) -> frozenset[tuple[str, object]]:
    """The rights of a person: letters that are seen, units headed, roles."""
    return frozenset(
        [
            *(("right", (level, one)) for level in Confidentiality for one in actor.principals.at(level)),
            *(("unit", one) for one in actor.headed_unit_ids),
            *(("role", (post.post_id, role)) for post in actor.posts for role in post.roles),
        ]
    )


def undo(uow: UnitOfWork, import_id: int | None = None, *, actor: Actor | None = None) -> WorkbookImport:
    """Take the last workbook back, whole, or not at all.

    Args:
        import_id: that the caller saw as the last one; None: whichever is the last.

    Raises:
        NotFound: ``workbook.nothing_to_undo``.
        Invalid: ``workbook.not_last``; ``workbook.own_rights``; ``workbook.hangs``: ``params["obstacles"]`` names up to
            fifty rows; as ``put_back``.
    """
    one_at_a_time(uow)
    found_id = uow.session.scalar(_latest_taken())
    if found_id is None:
        raise NotFound("workbook.nothing_to_undo", "no workbook was taken in")
    row = locks.hold_one(uow.session, WorkbookImport, found_id)
    if row is None or row.undone_at is not None:
        raise NotFound("workbook.nothing_to_undo", "it was taken back meanwhile")
    if import_id is not None and row.id != import_id:
        raise Invalid("workbook.not_last", "take back the later workbooks first")
    locks.hold_out_writers(uow.session, inverse.naming(row.inverse))
    found = inverse.obstacles(uow.session, row.inverse)
    if found:
        raise Invalid("workbook.hangs", "take these back first", obstacles=obstacle_codes(found[:MOST_OBSTACLES]))
    try:
        with own_rights_stay(uow, actor, uow.now.astimezone(uow.services.zone).date()):
            put_back(uow, row.inverse, since=row.taken_at or uow.now, actor=actor or SYSTEM)
            uow.session.flush()
    except IntegrityError:
        # Somebody has just begun to use a row, and was committed after it was looked at.
        raise Invalid("workbook.hangs", "take these back first", obstacles=()) from None
    # Last: it locks the head of the journal.
    acted = inverse.acted_meanwhile(uow.session, row.inverse)
    if acted:
        raise Invalid("workbook.hangs", "take these back first", obstacles=obstacle_codes(acted[:MOST_OBSTACLES]))
    row.undone_at = uow.now
    uow.record("workbook.undone", "organisation", None, actor=actor or SYSTEM, workbook=row.id, changes=row.changes)
    return row


def put_back(uow: UnitOfWork, steps: Sequence[inverse.Step], *, since: datetime, actor: Actor) -> None:
    """Write the rows as they were, and end what came since through those that are gone again.

    ``inverse.obstacles`` was asked before, in this transaction.

    Raises:
        Invalid: ``act.held_twice``, ``act.closed_holder``: a later change gave a post, or closed an account, without touching these rows.
    """
    on = uow.now.astimezone(uow.services.zone).date()
    inverse.take_back(uow.session, steps)
    refused = next(misheld(uow.session, steps, on=on), None)
    if refused is not None:
        raise refused
    for step in steps:
        if step["table"] == "delegations" and step.get("before", {}).get("withdrawn_at", 0) is None:
            uow.record("delegation.restored", "delegation", step["key"][0], actor=actor)
        elif step["table"] == "delegations" and "made" in step:
            uow.record("delegation.withdrawn", "delegation", step["key"][0], actor=actor)
    changed = [step for step in steps if "before" in step]
    held = [
        step["key"][0] for step in changed if step["table"] == "holdings" and step["before"].get("until_on", 0) is None
    ]
    follow_back(
        uow,
        closed=[step["key"][0] for step in changed if step["table"] == "people" and step["before"].get("is_active") is False],
        filled=uow.session.scalars(select(Holding.post_id).where(Holding.id.in_(held))).all(),
        changed=[
            *(step["key"][0] for step in changed if step["table"] == "people"),
            *(step["made"]["person_id"] for step in steps if step["table"] == "holdings" and "made" in step),
        ],
        posts=concerned_posts(uow.session, steps),
        since=since, on=on, actor=actor,
    )  # fmt: skip


def _latest_taken() -> Select[int | None]:
    """The workbook that can be taken back: the last one taken in that stands."""
    standing = WorkbookImport.taken_at.is_not(None), WorkbookImport.undone_at.is_(None), WorkbookImport.changes > 0
    latest = select(func.max(WorkbookImport.taken_at)).where(*standing).scalar_subquery()
    return select(func.max(WorkbookImport.id)).where(*standing, WorkbookImport.taken_at == latest)


def handed_in(session: Session) -> list[ImportRow]:
    """The last workbooks, the newest first."""
    last = session.scalar(_latest_taken())
    rows = session.execute(
        select(WorkbookImport, Person.name)
        .outerjoin(Person, Person.id == WorkbookImport.person_id)
        .options(defer(WorkbookImport.content), defer(WorkbookImport.inverse))
        .order_by(WorkbookImport.id.desc())
        .limit(SHOWN)
    )
    return [
        ImportRow(
            row.id, row.filename, name or "", row.changes, row.handed_in_at, row.taken_at, row.undone_at, row.id == last
        )
        for row, name in rows
    ]


def obstacle_codes(found: Sequence[Obstacle]) -> tuple[str, ...]:
    """Obstacles as codes: ``table key: by count``, or ``table key: changed``."""
    return tuple(f"{one.table} {one.key}: {f'{one.by} {one.count}' if one.count else 'changed'}" for one in found)
