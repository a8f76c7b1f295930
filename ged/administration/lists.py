"""Natures and mentions as the pages of the administration show them: those of the common stock and of the entities within reach."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ged import paging
from ged.administration.queries import ActRow, Named, history
from ged.administration.reach import Reach
from ged.errors import NotFound
from ged.natures.models import Nature, NatureStep
from ged.natures.steps import StepKind
from ged.org.models import Post, PostRole, Unit
from ged.org.stock import OfEntity
from ged.paging import START, Key, Place, Slice
from ged.ports import Confidentiality
from ged.register.models import Direction, FilingClass, Register
from ged.routing.models import Mention
from ged.signbook.models import LetterTemplate
from ged.unit import Role
from ged.workbook.merging import listed


@dataclass(frozen=True)
class StepRow:
    """A step of a circuit; ``post`` None: the nearest head above the author."""

    post: Named | None
    kind: StepKind
    is_compulsory: bool
    with_previous: bool


@dataclass(frozen=True)
class NatureItem:
    """A nature with all that it proposes.

    Attributes:
        entity: whose list; None: the common stock.
        may_change: False for the common stock, to an administrator of one ministry among several.
        silence, final_act: as in ``ged.natures.models.Nature``.
    """

    id: int
    code: str
    name: str
    entity: Named | None
    may_change: bool
    direction: Direction
    register: Named | None
    delay_days: int | None
    mentions: tuple[str, ...]
    reminders: tuple[int, ...]
    template_code: str
    level: Confidentiality | None
    silence: str
    retention_years: int | None
    final_act: str
    filing_code: str
    is_closed: bool
    signatory: Named | None
    steps: tuple[StepRow, ...]

    @property
    def key(self) -> str:
        """As acts name it."""
        return listed(self.code, self.entity.code if self.entity else None)


@dataclass(frozen=True)
class MentionItem:
    """A mention; ``reminder`` as ``ged.org.file.MentionRecord.reminder``."""

    id: int
    code: str
    label: str
    reminder: str
    entity: Named | None
    may_change: bool

    @property
    def key(self) -> str:
        """As acts name it."""
        return listed(self.code, self.entity.code if self.entity else None)


def _near(model: type[OfEntity], reach: Reach) -> ColumnElement[bool]:
    return or_(model.entity_id.is_(None), model.entity_id.in_(reach.units))


def _entities(session: Session) -> dict[int, Named]:
    return {row.id: Named(*row) for row in session.execute(select(Unit.id, Unit.code, Unit.name).where(Unit.is_entity))}


def natures(session: Session, reach: Reach) -> tuple[NatureItem, ...]:
    """The natures within reach, in the order of their list; closed ones too."""
    return _natures(session, reach)


def nature(session: Session, nature_id: int, reach: Reach) -> tuple[NatureItem, tuple[ActRow, ...]]:
    """A nature within reach, and its acts.

    Raises:
        NotFound: ``act.unknown``.
    """
    found = _natures(session, reach, Nature.id == nature_id)
    if not found:
        raise NotFound("act.unknown", "open it from the list again", id=nature_id)
    return found[0], history(session, "natures", found[0].key)


def _natures(session: Session, reach: Reach, *where: ColumnElement[bool]) -> tuple[NatureItem, ...]:
    rows = session.scalars(
        select(Nature).where(_near(Nature, reach), *where).order_by(Nature.position, Nature.id)
    ).all()
    entities = _entities(session)
    registers = {row.id: Named(*row) for row in session.execute(select(Register.id, Register.code, Register.name))}
    posts = {row.id: Named(*row) for row in session.execute(select(Post.id, Post.code, Post.title))}
    steps: dict[int, list[NatureStep]] = {}
    asked = select(NatureStep).where(NatureStep.nature_id.in_([row.id for row in rows]))
    for step in session.scalars(asked.order_by(NatureStep.nature_id, NatureStep.position)):
        steps.setdefault(step.nature_id, []).append(step)
    return tuple(
        NatureItem(
            row.id, row.code, row.name, entities.get(row.entity_id or 0), row.entity_id is not None or reach.is_whole,
            row.direction, registers.get(row.register_id or 0), row.delay_days, tuple(row.mentions), tuple(row.reminders),
            row.template_code, Confidentiality(row.level) if row.level is not None else None, row.silence,
            row.retention_years, row.final_act, row.filing_code, row.is_closed, posts.get(row.signatory_post_id or 0),
            _steps(steps.get(row.id, []), posts),
        )
        for row in rows
    )  # fmt: skip


def _steps(rows: list[NatureStep], posts: dict[int, Named]) -> tuple[StepRow, ...]:
    found, above = [], 0
    for step in rows:
        post = posts[step.post_id] if step.post_id is not None else None
        found.append(StepRow(post, step.kind, step.is_compulsory, step.stage == above))
        above = step.stage
    return tuple(found)


def mentions(session: Session, reach: Reach) -> tuple[MentionItem, ...]:
    """The mentions within reach, in the order of their list."""
    return _mentions(session, reach)


def mention(session: Session, mention_id: int, reach: Reach) -> MentionItem:
    """A mention within reach.

    Raises:
        NotFound: ``act.unknown``.
    """
    found = _mentions(session, reach, Mention.id == mention_id)
    if not found:
        raise NotFound("act.unknown", "open it from the list again", id=mention_id)
    return found[0]


def _mentions(session: Session, reach: Reach, *where: ColumnElement[bool]) -> tuple[MentionItem, ...]:
    entities = _entities(session)
    rows = session.scalars(
        select(Mention).where(_near(Mention, reach), *where).order_by(Mention.position, Mention.code)
    )
    return tuple(
        MentionItem(
            row.id, row.code, row.label, row.reminder, entities.get(row.entity_id or 0),
            row.entity_id is not None or reach.is_whole,
        )
        for row in rows
    )  # fmt: skip


@dataclass(frozen=True)
class TemplateItem:
    """A text by which letters begin."""

    id: int
    code: str
    title: str
    subject: str
    body: str
    entity: Named | None
    may_change: bool

    @property
    def key(self) -> str:
        """As acts name it."""
        return listed(self.code, self.entity.code if self.entity else None)


def templates(session: Session, reach: Reach) -> tuple[TemplateItem, ...]:
    """The templates within reach, in the order of their list."""
    return _templates(session, reach)


def template(session: Session, template_id: int, reach: Reach) -> tuple[TemplateItem, tuple[ActRow, ...]]:
    """A template within reach, and its acts.

    Raises:
        NotFound: ``act.unknown``.
    """
    found = _templates(session, reach, LetterTemplate.id == template_id)
    if not found:
        raise NotFound("act.unknown", "open it from the list again", id=template_id)
    return found[0], history(session, "templates", found[0].key)


def _templates(session: Session, reach: Reach, *where: ColumnElement[bool]) -> tuple[TemplateItem, ...]:
    entities = _entities(session)
    rows = select(LetterTemplate).where(_near(LetterTemplate, reach), *where)
    return tuple(
        TemplateItem(
            row.id, row.code, row.title, row.subject, row.body, entities.get(row.entity_id or 0),
            row.entity_id is not None or reach.is_whole,
        )
        for row in session.scalars(rows.order_by(LetterTemplate.position, LetterTemplate.code))
    )  # fmt: skip


@dataclass(frozen=True)
class ClassItem:
    """A class of the filing plan."""

    id: int
    code: str
    title: str
    is_closed: bool


def filing_plan(session: Session, at: Place = START, *, limit: int) -> tuple[tuple[ClassItem, ...], Slice]:
    """A page of the filing plan, closed classes too, by code."""
    query = select(FilingClass.id)
    page = paging.read(session, query, FilingClass.id, at, keys=(Key(FilingClass.code),), limit=limit)
    rows = session.scalars(select(FilingClass).where(FilingClass.id.in_(page.ids)).order_by(FilingClass.code))
    return tuple(ClassItem(row.id, row.code, row.title, row.is_closed) for row in rows), page


def filing_class(session: Session, class_id: int) -> tuple[ClassItem, tuple[ActRow, ...]]:
    """A class of the filing plan, and its acts.

    Raises:
        NotFound: ``act.unknown``.
    """
    row = session.get(FilingClass, class_id)
    if row is None:
        raise NotFound("act.unknown", "open it from the list again", id=class_id)
    return ClassItem(row.id, row.code, row.title, row.is_closed), history(session, "filing_plan", row.code)


# --- what the forms offer -------------------------------------------------------------------------------------------

Options = list[tuple[str, str]]


def owners(session: Session, reach: Reach) -> Options:
    """The entities whose lists the administrator keeps."""
    rows = select(Unit.code, Unit.name).where(Unit.is_entity, Unit.closed_at.is_(None), Unit.id.in_(reach.units))
    return [(code, name) for code, name in session.execute(rows.order_by(Unit.id))]


def open_registers(session: Session, reach: Reach, direction: Direction) -> Options:
    """The open registers of a direction within reach."""
    rows = select(Register.code, Register.name).where(
        Register.direction == direction, Register.closed_at.is_(None), Register.unit_id.in_(reach.units)
    )
    return [(code, f"{name} ({code})") for code, name in session.execute(rows.order_by(Register.id))]


def known(session: Session, model: type[Any], reach: Reach, entity: Named | None) -> Options:
    """Mentions or templates that a nature of this list may name: those of its entity and of the common stock."""
    own = or_(model.entity_id.is_(None), model.entity_id == (entity.id if entity else 0))
    text = model.label if model is Mention else model.title
    rows = select(model.code, text).where(_near(model, reach), own).order_by(model.position, model.code)
    return list(dict(session.execute(rows).all()).items())


def known_mentions(session: Session, reach: Reach, entity: Named | None) -> Options:
    """As ``known``, of mentions."""
    return known(session, Mention, reach, entity)


def known_templates(session: Session, reach: Reach, entity: Named | None) -> Options:
    """As ``known``, of templates of letters."""
    return known(session, LetterTemplate, reach, entity)


def filing_classes(session: Session) -> Options:
    """The open classes of the filing plan."""
    is_open = FilingClass.is_closed.is_(False)
    rows = session.execute(select(FilingClass.code, FilingClass.title).where(is_open).order_by(FilingClass.code))
    return [(code, f"{code} {title}") for code, title in rows]


def posts(session: Session, reach: Reach, *, signing: bool = False) -> Options:
    """The posts of open units within reach; ``signing``: those that sign."""
    query = (
        select(Post.code, Post.title, Unit.code)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Unit.closed_at.is_(None), Unit.id.in_(reach.units))
        .order_by(Unit.id, Post.id)
    )
    if signing:
        query = query.join(PostRole, PostRole.post_id == Post.id).where(PostRole.role == Role.SIGNATORY)
    return [(code, f"{title} ({unit})") for code, title, unit in session.execute(query)]
