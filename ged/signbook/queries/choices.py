"""The choices of an author: templates, and posts for the circuit."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.absences import Away, away
from ged.org.models import Post, PostRole, Unit
from ged.signbook.models import LetterTemplate
from ged.signbook.queries.names import holders_of
from ged.unit import Role


@dataclass(frozen=True)
class TemplateRow:
    """A template to choose."""

    code: str
    title: str


@dataclass(frozen=True)
class PostChoice:
    """A post to choose for a circuit."""

    id: int
    title: str
    unit: str
    holder: str
    may_sign: bool
    away: Away | None = None

    @property
    def label(self) -> str:
        """The post's text in lists."""
        return f"{self.title} ({self.holder})" if self.holder else self.title


def templates(session: Session) -> list[TemplateRow]:
    """The templates, in the order of the organisation file."""
    rows = session.scalars(select(LetterTemplate).order_by(LetterTemplate.position, LetterTemplate.id))
    return [TemplateRow(row.code, row.title) for row in rows]


def posts(session: Session, *, on: date) -> list[PostChoice]:
    """Posts of open units that work on letters, with today's holders."""
    rows = session.execute(
        select(Post.id, Post.title, Unit.name)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Unit.closed_at.is_(None))
        .order_by(Unit.id, Post.id)
    ).all()
    roles: dict[int, set[Role]] = {}
    for post_id, role in session.execute(select(PostRole.post_id, PostRole.role)):
        roles.setdefault(post_id, set()).add(role)
    holders = holders_of(session, [row[0] for row in rows], on)
    gone = away(session, [row[0] for row in rows], on=on)
    not_working = {Role.ADMINISTRATOR, Role.AUDITOR}
    return [
        PostChoice(
            post_id,
            title,
            unit,
            holders.get(post_id, ""),
            Role.SIGNATORY in roles.get(post_id, set()),
            gone.get(post_id),
        )
        for post_id, title, unit in rows
        if roles.get(post_id, set()) - not_working
    ]
