"""Natures to choose, their names, and the circuit that one asks of a letter."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged.errors import Invalid
from ged.natures.models import Nature
from ged.natures.steps import ModelStep, stricter
from ged.org.models import Post, PostRole, Unit
from ged.org.stock import by_code, kept_for
from ged.org.tree import entities, upwards
from ged.ports import Confidentiality, PostId
from ged.register.models import Direction
from ged.unit import Role


@dataclass(frozen=True)
class NatureRow:
    """A nature to choose, with what it proposes. ``delay_days``: working days."""

    code: str
    name: str
    register_id: int | None = None
    delay_days: int | None = None
    mentions: tuple[str, ...] = ()
    template_code: str = ""
    has_circuit: bool = False
    level: Confidentiality = Confidentiality.ORDINARY
    filing_code: str = ""


@dataclass(frozen=True)
class CircuitModel:
    """The circuit that a nature asks of one letter."""

    nature: str
    steps: tuple[ModelStep, ...]
    signatory: PostId


def offered(session: Session, direction: Direction, entity_ids: Collection[int]) -> list[NatureRow]:
    """The natures of letters of a direction that these entities use, in the order of the organisation file; without those
    that are closed.
    """
    seen = kept_for(Nature, entity_ids)
    query = select(Nature).where(Nature.direction == direction, Nature.is_closed.is_(False), seen)
    return [_nature_row(one) for one in session.scalars(query.order_by(Nature.position, Nature.id))]


def names(session: Session, entity_ids: Collection[int], ministry: Collection[int]) -> dict[str, str]:
    """The name of every nature by its code, also of those that are closed; in the order of the file.

    Args:
        entity_ids: whose natures come first, then the common stock.
        ministry: the units of their ministries: other entities of these come last.
    """
    return {code: name for code, (name, _direction) in named(session, entity_ids, ministry).items()}


def named(session: Session, entity_ids: Collection[int], ministry: Collection[int]) -> dict[str, tuple[str, Direction]]:
    """The name of every nature and the direction of its letters, as ``names`` has them."""
    near = or_(Nature.entity_id.is_(None), Nature.entity_id.in_(sorted(ministry)))
    rows = session.scalars(select(Nature).where(near).order_by(Nature.position, Nature.id))
    return {code: (row.name, row.direction) for code, row in by_code(rows, entity_ids).items()}


def find(session: Session, code: str, unit_id: int) -> NatureRow | None:
    """The nature of a letter of this unit, also a closed one; None for a code that no nature of its entity bears."""
    found = _of_code(session, code, unit_id)
    return _nature_row(found) if found is not None else None


def reminder_days(session: Session) -> dict[tuple[int | None, str], tuple[int, ...]]:
    """The days of reminders of all natures, by entity and code: working days after the deadline, ascending."""
    rows = session.execute(select(Nature.entity_id, Nature.code, Nature.reminders))
    return {(entity_id, code): tuple(days) for entity_id, code, days in rows}


def require(session: Session, code: str, direction: Direction, entity_ids: Collection[int]) -> NatureRow:
    """A nature that these entities may choose for a letter of this direction.

    Raises:
        Invalid: ``nature.unknown``.
    """
    for one in offered(session, direction, entity_ids):
        if one.code == code:
            return one
    raise Invalid("nature.unknown", "choose from the list", field="nature")


def _of_code(session: Session, code: str, unit_id: int) -> Nature | None:
    if not code:
        return None
    entity_id = entities(session)[unit_id]
    return session.scalar(select(Nature).where(Nature.code == code, kept_for(Nature, [entity_id])))


def _nature_row(one: Nature) -> NatureRow:
    has_circuit = one.signatory_post_id is not None
    return NatureRow(
        one.code,
        one.name,
        one.register_id,
        one.delay_days,
        tuple(one.mentions),
        one.template_code,
        has_circuit,
        Confidentiality(one.level or 0),
        one.filing_code,
    )


def model_for(session: Session, code: str, *, unit_id: int, author_post_id: int | None) -> CircuitModel | None:
    """The circuit that a nature asks of a letter written in a unit through a post; None without one.

    A post whose unit is closed is left out: nobody there could act. A head who is also named is asked once, in the
    stage of the first step, with the stricter demand of the two.
    """
    nature = _of_code(session, code, unit_id)
    if nature is None or nature.signatory_post_id is None:
        return None
    above = _head_above(session, unit_id, author_post_id)
    found: dict[PostId, ModelStep] = {}
    for step in nature.steps:
        post_id = step.post_id if step.post_id is not None else above
        if post_id is not None and post_id != nature.signatory_post_id:
            asked = ModelStep(PostId(post_id), step.stage, step.kind, step.is_compulsory)
            found[asked.post_id] = stricter(found.get(asked.post_id, asked), asked)
    open_posts = select(Post.id).join(Unit, Unit.id == Post.unit_id).where(Unit.closed_at.is_(None))
    working = set(session.scalars(open_posts.where(Post.id.in_([*found, nature.signatory_post_id]))))
    steps = tuple(step for step in found.values() if step.post_id in working)
    return CircuitModel(nature.name, steps, PostId(nature.signatory_post_id))


def _head_above(session: Session, unit_id: int, author_post_id: int | None) -> PostId | None:
    """The head of the unit, or of the nearest unit above it within the entity, but the author's own post."""
    for unit in upwards(session, unit_id):
        heads = select(Post.id).join(PostRole, PostRole.post_id == Post.id).where(PostRole.role == Role.HEAD)
        found = session.scalars(
            heads.where(Post.unit_id == unit.id, Post.id != (author_post_id or 0)).order_by(Post.id)
        )
        head = found.first()
        if head is not None:
            return PostId(head)
        if unit.is_entity:
            break
    return None
