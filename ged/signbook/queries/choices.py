"""The choices of an author: templates, and posts for the circuit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.absences import Away, away
from ged.org.models import Post, PostRole, Unit
from ged.org.names import post_names
from ged.org.stock import kept_rows
from ged.org.tree import ministry
from ged.signbook.models import LetterTemplate
from ged.unit import NO_WORK, Actor, Role


@dataclass(frozen=True)
class TemplateRow:
    """A template to choose."""

    code: str
    title: str


@dataclass(frozen=True)
class PostChoice:
    """A post to choose for a circuit; ``label``: as lists write it."""

    id: int
    label: str
    may_sign: bool
    away: Away | None = None


def templates(session: Session, entity_ids: Collection[int]) -> list[TemplateRow]:
    """The templates of these entities, in the order of the organisation file; of several with one code the first."""
    rows = kept_rows(session, LetterTemplate, entity_ids)
    return [TemplateRow(code, row.title) for code, row in rows.items()]


def posts(session: Session, actor: Actor, *, on: date) -> list[PostChoice]:
    """Posts of open units of the actor's ministry that work on letters, with today's holders."""
    near = Unit.id.in_(ministry(actor))
    query = select(Post.id).join(Unit, Unit.id == Post.unit_id).where(Unit.closed_at.is_(None), near)
    rows = session.scalars(query.order_by(Unit.id, Post.id)).all()
    roles: dict[int, set[Role]] = {}
    for post_id, role in session.execute(select(PostRole.post_id, PostRole.role)):
        roles.setdefault(post_id, set()).add(role)
    names, gone = post_names(session, rows, on=on), away(session, rows, on=on)
    return [
        PostChoice(post_id, names[post_id].text, Role.SIGNATORY in roles.get(post_id, set()), gone.get(post_id))
        for post_id in rows
        if roles.get(post_id, set()) - NO_WORK
    ]
