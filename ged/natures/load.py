"""The natures of the organisation file."""

from sqlalchemy import select

from ged.errors import Invalid
from ged.natures.models import Nature, NatureStep
from ged.natures.steps import StepKind
from ged.org.file import NatureRecord, OrganisationFile
from ged.org.load import Change, entity_ids, upsert_listed
from ged.org.models import Post
from ged.ports import Confidentiality
from ged.register.models import Direction, Register
from ged.unit import SYSTEM, UnitOfWork

_Asked = list[tuple[int, StepKind, int | None, bool]]
"""Stage, kind, post and whether it is compulsory, of each step in order."""


def load_natures(uow: UnitOfWork, file: OrganisationFile) -> list[Change]:
    """Bring the natures to the state of the file, in its order; natures not in the file stay and are reported.

    Raises:
        Invalid: ``organisation.field``: a register of another direction.
    """
    if not file.natures:
        return []
    natures = {(row.entity_id, row.code): row for row in uow.session.scalars(select(Nature))}
    entity = entity_ids(uow.session)
    registers = {row.code: row for row in uow.session.scalars(select(Register))}
    posts = dict(uow.session.execute(select(Post.code, Post.id)).all())
    changes: list[Change] = []
    for position, record in enumerate(file.natures, start=1):
        key = (entity[record.entity], record.code)
        made = upsert_listed(uow, natures, Nature, key, _values(record, position, registers, posts))
        changes += made + _steps(natures[key], _asked(record, posts), is_new=any(one.action == "added" for one in made))
    named = {(entity[record.entity], record.code) for record in file.natures}
    if changes:
        # As for the organisation: an auditor needs to see what changed, not how much.
        recorded = [[change.action, change.code, change.detail] for change in changes]
        uow.record("natures.loaded", "organisation", None, actor=SYSTEM, changes=recorded)
    return changes + [Change("left", Nature.__tablename__, key[1]) for key in natures if key not in named]


def _values(
    record: NatureRecord, position: int, registers: dict[str, Register], posts: dict[str, int]
) -> dict[str, object]:
    direction = Direction(record.direction)
    register = registers[record.register_code] if record.register_code else None
    if register is not None and register.direction is not direction:
        raise Invalid(
            "organisation.field", "name a register of its own direction", where=f"natures.{record.code}.register",
            detail=register.direction.value,
        )  # fmt: skip
    return {
        "name": record.name,
        "direction": direction,
        "register_id": register.id if register is not None else None,
        "delay_days": record.delay_days,
        "mentions": list(record.mentions),
        "reminders": sorted(set(record.reminders)),
        "template_code": record.template or "",
        "level": int(Confidentiality[record.level.upper()]) if record.level else None,
        "silence": record.silence,
        "retention_years": record.retention_years,
        "final_act": record.final_act,
        "filing_code": record.filing_class,
        "signatory_post_id": posts[record.circuit.signatory] if record.circuit is not None else None,
        "position": position,
        "is_closed": record.closed,
    }


def _asked(record: NatureRecord, posts: dict[str, int]) -> _Asked:
    found: _Asked = []
    for step in record.circuit.steps if record.circuit is not None else ():
        above = found[-1][0] if found else 0
        stage = above if above and step.with_previous else above + 1
        found.append((stage, StepKind(step.kind), posts[step.post] if step.post else None, step.compulsory))
    return found


def _steps(nature: Nature, asked: _Asked, *, is_new: bool) -> list[Change]:
    """Set the steps of a nature's circuit where they differ."""
    if [(step.stage, step.kind, step.post_id, step.is_compulsory) for step in nature.steps] == asked:
        return []
    nature.steps = [
        NatureStep(position=n, stage=stage, kind=kind, post_id=post_id, is_compulsory=compulsory)
        for n, (stage, kind, post_id, compulsory) in enumerate(asked, start=1)
    ]
    return [] if is_new else [Change("changed", Nature.__tablename__, nature.code, "circuit")]
