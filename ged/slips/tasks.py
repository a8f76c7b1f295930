"""Tasks: problems that a unit has to resolve after a reception with faults."""

from datetime import datetime

from ged import locks
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.slips.models import SlipLine, SlipTask, TaskState
from ged.slips.states import LineState
from ged.unit import Actor, UnitOfWork

MAX_REMARK = 500


def settle_task(uow: UnitOfWork, task_id: int, *, remark: str, actor: Actor, now: datetime) -> None:
    """Close a task with a remark on what was done.

    Raises:
        NotFound: ``slip.task_unknown``.
        Invalid: ``slip.task_remark``, ``slip.text_long``.
        InvalidTransition: ``slip.task_settled``.
    """
    task = locks.hold_one(uow.session, SlipTask, task_id)
    post = next((p for p in actor.working_posts if task is not None and p.unit_id == task.unit_id), None)
    if task is None or post is None:
        raise NotFound("slip.task_unknown", "reload the list", id=task_id)
    if task.state is TaskState.SETTLED:
        raise InvalidTransition("slip.task_settled", "somebody settled it already: reload the list", id=task_id)
    if not remark.strip():
        raise Invalid("slip.task_remark", "say what was done", field="remark")
    if len(remark.strip()) > MAX_REMARK:
        raise Invalid("slip.text_long", "shorten it", field="remark", limit=MAX_REMARK)
    task.state, task.settled_at, task.settled_by_id = TaskState.SETTLED, now, actor.person_id
    task.remark = remark.strip()
    uow.record("slip.task_settled", "slip", task.slip_id, actor=actor, post=post, task=task.id, remark=task.remark)


def open_task(uow: UnitOfWork, line: SlipLine, kind: LineState, unit_id: int, slip_id: int) -> None:
    """Open a task for a unit. The reception's journal entry also covers it."""
    uow.session.add(SlipTask(kind=kind, slip_id=slip_id, line_id=line.id, unit_id=unit_id, opened_at=uow.now))
