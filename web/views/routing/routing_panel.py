"""The panel of the letter's path: decisions, assignments as a tree, and what the actor may do there."""

from dataclasses import dataclass

from ged.followup import listing, undoing
from ged.ports import MailId
from ged.routing import path as letter_path
from ged.routing.path import AssignmentRow, Path
from ged.unit import Actor, ReadSession
from web.site import context
from web.site.errors import view_of
from web.words.due import DueWords, due_words


@dataclass(frozen=True)
class RoutingPanel:
    """The letter's path for its page; ``due`` has a text for each waiting assignment."""

    path: Path
    due: dict[int, DueWords | None]
    may_remind: frozenset[int]
    """Assignments of which the actor may remind."""
    undo_id: int | None = None
    """The decision that the actor made and may take back."""
    not_undone: str = ""
    """Why the actor's decision can no longer be taken back."""


def load(session: ReadSession, mail_id: MailId, actor: Actor) -> RoutingPanel | None:
    """The panel of a letter; None while there is no decision and the actor has none to make."""
    path = letter_path.path(session, mail_id, actor)
    if not (path.imputations or path.assignments or path.may_impute):
        return None
    waiting = [row for row in path.assignments if row.is_live and row.due_on is not None]
    days, today = context.working_days(session) if waiting else None, context.today()
    due = {row.id: due_words(row.due_on, today, days) for row in waiting if days is not None}
    may_remind = frozenset(row.id for row in path.assignments if _may_remind(row, actor))
    offer = None
    if path.imputations and path.imputations[0].person_id == actor.person_id:
        offer = undoing.offer(session, path.imputations[0].id, actor, on=today)
    if offer is None:
        return RoutingPanel(path, due, may_remind)
    if offer.obstacle is not None:
        return RoutingPanel(path, due, may_remind, not_undone=view_of(offer.obstacle).message)
    return RoutingPanel(path, due, may_remind, undo_id=offer.imputation_id)


def _may_remind(row: AssignmentRow, actor: Actor) -> bool:
    return (
        row.is_live and not row.is_mine and listing.post_to_remind(row.unit_id, row.given_by_post_id, actor) is not None
    )
