"""Reads the current organisation from the database into the records of the organisation file."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from ged.natures.models import Nature, NatureStep
from ged.org.file import (
    CircuitRecord,
    CorrespondentRecord,
    FilingRecord,
    MentionRecord,
    NatureRecord,
    OrganisationFile,
    PersonRecord,
    PostRecord,
    RegisterRecord,
    StepRecord,
    TemplateRecord,
    UnitRecord,
)  # fmt: skip
from ged.org.models import Holding, Installation, Person, Post, Unit, held_on
from ged.ports import Confidentiality
from ged.register.models import Correspondent, FilingClass, Register
from ged.routing.models import Mention
from ged.signbook.models import LetterTemplate
from ged.unit import Role
from ged.workbook.delegations import delegations_now
from ged.workbook.registry import paper_books


def organisation_now(session: Session, *, on: date, with_lists: bool = True) -> OrganisationFile:
    """The current organisation: every section that the workbook has a sheet for, and the templates that natures name.

    Args:
        on: the day whose holders of posts are returned, with the delegations of that day and later.
        with_lists: False leaves out correspondents and the filing plan, which may be thousands and which nothing else names.
    """
    unit_codes = dict(session.execute(select(Unit.id, Unit.code)).all())
    post_codes = dict(session.execute(select(Post.id, Post.code)).all())
    installation = session.scalars(select(Installation)).first()
    return OrganisationFile(
        organisation=installation.name if installation is not None else "",
        units=_units(session, unit_codes),
        people=_people(session),
        posts=_posts(session, unit_codes, post_codes, on),
        registers=_registers(session, unit_codes),
        mentions=_mentions(session, unit_codes),
        natures=_natures(session, post_codes, unit_codes),
        correspondents=_correspondents(session) if with_lists else (),
        filing_plan=_filing_plan(session) if with_lists else (),
        templates=_templates(session, unit_codes),
        delegations=delegations_now(session, on=on),
    )


def _units(session: Session, codes: Mapping[int, str]) -> tuple[UnitRecord, ...]:
    return tuple(
        UnitRecord(
            code=row.code, name=row.name, kind=row.kind, address=row.address, parent=codes.get(row.parent_id or 0), entity=row.is_entity,
            closed=row.closed_at is not None, successor=codes.get(row.successor_id or 0),
        )
        for row in session.scalars(select(Unit).options(undefer(Unit.address)).order_by(Unit.id))
    )  # fmt: skip


def _people(session: Session) -> tuple[PersonRecord, ...]:
    return tuple(
        PersonRecord(
            account=row.account, name=row.name, email=row.email, clearance=Confidentiality(row.clearance).name.lower(),
            closed=not row.is_active,
        )
        for row in session.scalars(select(Person).order_by(Person.id))
    )  # fmt: skip


def _posts(session: Session, units: Mapping[int, str], posts: Mapping[int, str], on: date) -> tuple[PostRecord, ...]:
    holders = _holders(session, on)
    return tuple(
        PostRecord(
            code=row.code, title=row.title, unit=units[row.unit_id], holder=holders.get(row.id),
            roles=tuple(sorted((one.role for one in row.roles), key=list(Role).index)),
            secretary_of=posts.get(row.secretary_of_id or 0),
        )
        for row in session.scalars(select(Post).order_by(Post.id))
    )  # fmt: skip


def _registers(session: Session, units: Mapping[int, str]) -> tuple[RegisterRecord, ...]:
    books = paper_books(session)
    return tuple(
        RegisterRecord(
            code=row.code, name=row.name, unit=units[row.unit_id], direction=row.direction.value,
            nature=row.nature.value, pattern=row.pattern, restarts_yearly=row.restarts_yearly,
            closed=row.closed_at is not None, paper_number=books[row.id][0] if row.id in books else None,
            paper_reason=books[row.id][1] if row.id in books else "",
        )
        for row in session.scalars(select(Register).order_by(Register.id))
    )  # fmt: skip


def _mentions(session: Session, units: Mapping[int, str]) -> tuple[MentionRecord, ...]:
    return tuple(
        MentionRecord(code=row.code, label=row.label, reminder=row.reminder, entity=units.get(row.entity_id or 0))
        for row in session.scalars(select(Mention).order_by(Mention.position, Mention.code))
    )


def _natures(session: Session, posts: dict[int, str], units: dict[int, str]) -> tuple[NatureRecord, ...]:
    registers = dict(session.execute(select(Register.id, Register.code)).all())
    return tuple(
        _nature(row, registers, posts, units)
        for row in session.scalars(select(Nature).order_by(Nature.position, Nature.id))
    )


def _correspondents(session: Session) -> tuple[CorrespondentRecord, ...]:
    common = Correspondent.entity_id.is_(None), Correspondent.merged_into_id.is_(None)
    return tuple(
        CorrespondentRecord(
            name=row.name, kind=row.kind, address=row.address, email=row.email or None, phone=row.phone or None
        )
        for row in session.scalars(select(Correspondent).where(*common).order_by(Correspondent.id))
    )


def _filing_plan(session: Session) -> tuple[FilingRecord, ...]:
    rows = session.scalars(select(FilingClass).order_by(FilingClass.code))
    return tuple(FilingRecord(code=row.code, title=row.title, closed=row.is_closed) for row in rows)


def _templates(session: Session, units: Mapping[int, str]) -> tuple[TemplateRecord, ...]:
    rows = session.scalars(select(LetterTemplate).order_by(LetterTemplate.position, LetterTemplate.code))
    return tuple(
        TemplateRecord(
            code=row.code, title=row.title, subject=row.subject, body=row.body, entity=units.get(row.entity_id or 0)
        )
        for row in rows
    )


def _holders(session: Session, on: date) -> dict[int, str]:
    held = (
        select(Holding.post_id, Person.account)
        .join(Person, Person.id == Holding.person_id)
        .where(*held_on(on))
        .order_by(Holding.id)
    )
    return dict(session.execute(held).all())


def _nature(row: Nature, registers: dict[int, str], posts: dict[int, str], units: dict[int, str]) -> NatureRecord:
    circuit = None
    if row.signatory_post_id is not None:
        circuit = CircuitRecord(signatory=posts[row.signatory_post_id], steps=_steps(row.steps, posts))
    return NatureRecord(
        code=row.code, name=row.name, direction=row.direction.value, register=registers.get(row.register_id or 0),
        delay_days=row.delay_days, mentions=tuple(row.mentions), reminders=tuple(row.reminders),
        template=row.template_code or None, circuit=circuit, closed=row.is_closed, entity=units.get(row.entity_id or 0),
        level=Confidentiality(row.level).name.lower() if row.level is not None else None, silence=row.silence,
        retention_years=row.retention_years, final_act=row.final_act, filing_class=row.filing_code,
    )  # fmt: skip


def _steps(steps: list[NatureStep], posts: dict[int, str]) -> tuple[StepRecord, ...]:
    found, above = [], 0
    for step in steps:
        found.append(
            StepRecord(
                post=posts[step.post_id] if step.post_id is not None else None, head=step.post_id is None,
                kind=step.kind.value, compulsory=step.is_compulsory, with_previous=step.stage == above,
            )
        )  # fmt: skip
        above = step.stage
    return tuple(found)
