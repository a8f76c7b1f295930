"""The path of one letter: the decisions of authorities, and the assignments that followed, as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property

from sqlalchemy import Executable, bindparam, select
from sqlalchemy.orm import Session, aliased

from ged import access
from ged.errors import Forbidden, NotFound
from ged.org.models import Person, Post
from ged.ports import Confidentiality, MailId
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.routing.models import Assignment, Imputation, Purpose
from ged.routing.queries import mention_labels
from ged.routing.rights import ENDED, distributing_post, imputing_post, own_post
from ged.routing.states import LIVE, AssignmentState
from ged.routing.undoing import gives_nothing, is_undone
from ged.unit import Actor


@dataclass(frozen=True)
class AssignmentRow:
    """An assignment on the letter's page; ``depth`` 0 is the authority's.

    ``may_work`` and ``may_assign`` say what the actor may do with it now; the operations check again.
    """

    id: int
    mail_id: int
    parent_id: int | None
    depth: int
    unit_id: int
    unit_name: str
    post_id: int | None
    post_title: str
    purpose: Purpose
    mentions: tuple[str, ...]
    instruction: str
    due_on: date | None
    state: AssignmentState
    is_leading: bool
    assigned_by: str
    given_by_post_id: int
    assigned_at: datetime
    finished_at: datetime | None
    outcome: str
    is_mine: bool = False
    may_work: bool = False
    may_assign: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the assignment waits for somebody."""
        return self.state in LIVE


@dataclass(frozen=True)
class ImputationRow:
    """A decision of an authority. ``acted_as``: holder, secretary, delegation or interim."""

    id: int
    person_id: int
    post_title: str
    person_name: str
    acted_as: str
    note: str
    mentions: tuple[str, ...]
    decided_at: datetime


@dataclass(frozen=True)
class Path:
    """Routing on a letter's page. ``addressed_to``: the authority whose decision is awaited; empty once it decided."""

    mail_id: int
    addressed_to: str
    may_impute: bool
    imputations: tuple[ImputationRow, ...]
    assignments: tuple[AssignmentRow, ...]


class _Labels:
    """The labels of mentions, read once, and only when a row has a mention."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session, self.actor = session, actor

    @cached_property
    def known(self) -> dict[str, str]:
        return mention_labels(self.session, self.actor)

    def of(self, codes: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.known.get(code, code) for code in codes)


def path(session: Session, mail_id: MailId | int, actor: Actor) -> Path:
    """The path of a letter that the actor may see (the caller has checked), with what the actor may do there."""
    mail = session.get_one(Mail, mail_id)
    if mail.direction is Direction.OUTGOING:  # it is given to nobody
        return Path(mail.id, "", False, (), ())
    words = _Labels(session, actor)
    decided, given = imputations(session, mail.id, actor, words), assignments(session, mail.id, actor, words)
    # Once there is a decision, the decision names its authority.
    addressed = mail.addressed_post_id if not decided else None
    title = session.scalar(select(Post.title).where(Post.id == addressed)) if addressed is not None else None
    may_impute = mail.state in (MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.ANSWERED) and _may_impute(
        session, mail, actor
    )
    return Path(
        mail_id=mail.id,
        addressed_to=title or "",
        may_impute=may_impute,
        imputations=tuple(decided),
        assignments=tuple(given),
    )


def _may_impute(session: Session, mail: Mail, actor: Actor) -> bool:
    try:
        imputing_post(session, mail, actor)
    except Forbidden:
        return False
    return True


def assignment(session: Session, assignment_id: int, actor: Actor) -> AssignmentRow:
    """One assignment of a letter that the actor may see.

    Raises:
        NotFound: ``assignment.unknown``, ``mail.unknown``.
    """
    row = session.get(Assignment, assignment_id)
    if row is None:
        raise NotFound("assignment.unknown", "reload the letter", id=assignment_id)
    mail = session.get_one(Mail, row.mail_id)
    if not access.may_see(session, mail.id, Confidentiality(mail.level), actor):
        # The same error as for an assignment that does not exist.
        raise NotFound("assignment.unknown", "reload the letter", id=assignment_id, refused=True)
    found = next((one for one in assignments(session, mail.id, actor) if one.id == assignment_id), None)
    if found is None:  # its decision was taken back
        raise NotFound("assignment.unknown", "reload the letter", id=assignment_id)
    return found


def assignments(
    session: Session, mail_id: MailId | int, actor: Actor, words: "_Labels | None" = None
) -> list[AssignmentRow]:
    """The assignments of a letter as a tree, in order, but those of decisions that were taken back.

    The caller has checked that the actor may see the letter.
    """
    found = session.execute(_assignments_of_letter(), {"mail_id": int(mail_id)}).unique().all()
    if not found:
        return []
    is_open = session.get_one(Mail, mail_id).state not in ENDED
    words = words or _Labels(session, actor)
    children: dict[int | None, list[AssignmentRow]] = {}
    depth: dict[int, int] = {}
    for row, title, name in found:
        depth[row.id] = depth.get(row.parent_id, -1) + 1 if row.parent_id is not None else 0
        mine, heads = own_post(row, actor) is not None, distributing_post(row.unit_id, actor) is not None
        waits = is_open and row.state in LIVE
        children.setdefault(row.parent_id, []).append(
            AssignmentRow(
                id=row.id,
                mail_id=row.mail_id,
                parent_id=row.parent_id,
                depth=depth[row.id],
                unit_id=row.unit_id,
                unit_name=row.unit.name,
                post_id=row.post_id,
                post_title=title or "",
                purpose=row.purpose,
                mentions=words.of(row.mentions),
                instruction=row.instruction,
                due_on=row.due_on,
                state=row.state,
                is_leading=row.is_leading,
                assigned_by=name,
                given_by_post_id=row.assigned_by_post_id,
                assigned_at=row.assigned_at,
                finished_at=row.finished_at,
                outcome=row.outcome,
                is_mine=mine,
                may_work=waits and (mine or heads),
                may_assign=waits and heads,
            )
        )
    return _flatten(children, None)


@cache
def _assignments_of_letter() -> Executable:
    """The statement of ``assignments``, for a ``mail_id``."""
    post, by = aliased(Post), aliased(Person)
    return (
        select(Assignment, post.title, by.name)
        .outerjoin(post, post.id == Assignment.post_id)
        .join(by, by.id == Assignment.assigned_by_person_id)
        .where(Assignment.mail_id == bindparam("mail_id"), ~gives_nothing())
        .order_by(Assignment.id)
    )


def _flatten(children: dict[int | None, list[AssignmentRow]], parent: int | None) -> list[AssignmentRow]:
    return [line for row in children.get(parent, []) for line in (row, *_flatten(children, row.id))]


def imputations(
    session: Session, mail_id: MailId | int, actor: Actor, words: "_Labels | None" = None
) -> list[ImputationRow]:
    """The decisions of authorities on a letter, the latest first, but those that were taken back."""
    rows = session.execute(
        select(Imputation, Post.title, Person.name)
        .join(Post, Post.id == Imputation.post_id)
        .join(Person, Person.id == Imputation.person_id)
        .where(Imputation.mail_id == mail_id, ~is_undone())
        .order_by(Imputation.id.desc())
    ).all()
    words = words or _Labels(session, actor)
    return [
        ImputationRow(i.id, i.person_id, title, name, i.acted_as, i.note, words.of(i.mentions), i.decided_at)
        for i, title, name in rows
    ]
