"""Tasks: problems that a unit has to resolve after a reception with faults.

Of one paper a unit has one task to resolve, although each slip on which the paper had a fault has a task of its own: the last
one is shown, and whoever settles it settles those before it. Those of a closed unit are settled with them, by the unit that took
over its work; until then they are shown beside them.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, null, or_, select
from sqlalchemy.orm import Session, aliased

from ged import locks
from ged.db import Among
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org.tree import with_predecessors
from ged.slips import parties
from ged.slips.models import SlipLine, SlipTask, TaskState
from ged.slips.states import LineState
from ged.unit import Actor, UnitOfWork

MAX_REMARK = 500


def settle_task(uow: UnitOfWork, task_id: int, *, remark: str, actor: Actor, now: datetime) -> None:
    """Close a task with a remark on what was done, and with it the earlier tasks of its unit that speak of that paper.

    A later one stays open: whoever settles from an old page has not read it.

    Raises:
        NotFound: ``slip.task_unknown``.
        Invalid: ``slip.task_remark``, ``slip.text_long``.
        InvalidTransition: ``slip.task_settled``.
    """
    known = uow.session.get(SlipTask, task_id)
    unit_id = None if known is None else parties.current_unit(uow.session, known.unit_id)
    post = next((p for p in actor.working_posts if p.unit_id == unit_id), None)
    if known is None or post is None:
        raise NotFound("slip.task_unknown", "reload the list", id=task_id)
    units = with_predecessors([post.unit_id], actor.units)
    *earlier, task = locks.hold(uow.session, SlipTask, [*_before(uow.session, known, units), known.id])
    if task.state is TaskState.SETTLED:
        raise InvalidTransition("slip.task_settled", "somebody settled it already: reload the list", id=task_id)
    if not remark.strip():
        raise Invalid("slip.task_remark", "say what was done", field="remark")
    if len(remark.strip()) > MAX_REMARK:
        raise Invalid("slip.text_long", "shorten it", field="remark", limit=MAX_REMARK)
    for one in (*earlier, task):
        if one.state is TaskState.OPEN:
            one.state, one.settled_at, one.settled_by_id = TaskState.SETTLED, now, actor.person_id
            one.remark = remark.strip()
            uow.record("slip.task_settled", "slip", one.slip_id, actor=actor, post=post, task=one.id, remark=one.remark)


def open_task(uow: UnitOfWork, line: SlipLine, kind: LineState, unit_id: int, slip_id: int) -> None:
    """Open a task for a unit. The reception's journal entry also covers it."""
    uow.session.add(SlipTask(kind=kind, slip_id=slip_id, line_id=line.id, unit_id=unit_id, opened_at=uow.now))


def to_settle(units: Collection[int]) -> ColumnElement[bool]:
    """The tasks that these units have to settle: of each paper the last one of a unit."""
    task, asked = _with_papers(func.max)
    return SlipTask.id.in_(asked.where(Among(task.unit_id, units), task.state == TaskState.OPEN))


def later_slips(session: Session, slip_id: int) -> dict[int, int]:
    """Open task of a slip -> the slip of a later open task of its unit that speaks of its paper; without those that have none."""
    units = select(SlipTask.unit_id).where(SlipTask.slip_id == slip_id, SlipTask.state == TaskState.OPEN)
    unit_ids = set(session.scalars(units))
    if not unit_ids:
        return {}
    task, asked = _with_papers()
    open_ones = asked.add_columns(task.slip_id).where(Among(task.unit_id, unit_ids), task.state == TaskState.OPEN)
    found: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for task_id, *paper, of_slip in session.execute(open_ones.order_by(task.id)):
        found.setdefault(tuple(paper), []).append((task_id, of_slip))
    return {
        task_id: of_paper[-1][1]
        for of_paper in found.values()
        for task_id, of_slip in of_paper[:-1]
        if of_slip == slip_id != of_paper[-1][1]
    }


def _before(session: Session, task: SlipTask, units: Collection[int]) -> list[int]:
    """The open tasks of these units that speak of a task's paper, and are earlier."""
    each, asked = _with_papers()
    wanted = asked.where(each.unit_id.in_(sorted({*units, task.unit_id})), each.id <= task.id)
    papers = {
        task_id: paper
        for task_id, _, *paper in session.execute(wanted.where(or_(each.state == TaskState.OPEN, each.id == task.id)))
    }
    return [task_id for task_id, paper in papers.items() if paper == papers[task.id] and task_id != task.id]


def _with_papers(last: Any = None) -> tuple[type[SlipTask], Select[Any]]:
    """Tasks under another name, and a statement that gives each with its unit and paper; with ``last`` one task of each paper.

    An original is one paper on whatever slip it goes. A copy and a free piece are that of their line, also on the slip that
    answers the line: answers are given to transmittal slips alone, so there is one step at most.
    """
    task, line, cited = aliased(SlipTask), aliased(SlipLine), aliased(SlipLine)
    is_original = and_(
        func.coalesce(cited.is_original, line.is_original),
        or_(line.mail_id.is_not(None), line.envelope_id.is_not(None)),
    )
    paper = (
        task.unit_id,
        case((is_original, line.mail_id), else_=null()),
        case((is_original, line.envelope_id), else_=null()),
        case((is_original, null()), else_=func.coalesce(line.returns_line_id, line.id)),
    )
    asked = select(task.id, *paper) if last is None else select(last(task.id)).group_by(*paper)
    asked = asked.join(line, line.id == task.line_id).outerjoin(cited, cited.id == line.returns_line_id)
    return task, asked
