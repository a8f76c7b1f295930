"""Makes a paper of an entity, and notes in the journal who made it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from ged.administration.reach import Reach
from ged.compliance import facts as known
from ged.compliance import writing
from ged.compliance.decision import decision
from ged.compliance.declaration import declaration
from ged.compliance.facts import Entity, Facts
from ged.compliance.text import Text
from ged.errors import NotFound
from ged.unit import Actor, UnitOfWork

MADE = "paper.made"


class Paper(StrEnum):
    """The papers."""

    DECISION = "decision"
    DECLARATION = "declaration"


@dataclass(frozen=True)
class Made:
    """A paper as a file."""

    content: bytes
    filename: str
    media_type: str


def text_of(paper: Paper, facts: Facts) -> Text:
    """The text of a paper."""
    return decision(facts) if paper is Paper.DECISION else declaration(facts)


def entity_of(session: Session, reach: Reach, entity_id: int) -> Entity:
    """An entity that an administrator looks after.

    Raises:
        NotFound: ``act.unknown``.
    """
    found = next((one for one in known.entities(session, reach) if one.id == entity_id), None)
    if found is None:
        raise NotFound("act.unknown", "open it from the list again", id=entity_id)
    return found


def as_word(paper: Paper, facts: Facts) -> Made:
    """The Word file. It is written without any lock."""
    text = text_of(paper, facts)
    content = writing.word(text, facts.head, is_training=facts.is_training)
    return Made(content, f"{text.name}-{_day(facts.day)}.docx", writing.MEDIA_TYPE)


def as_pdf(paper: Paper, facts: Facts, *, at: datetime) -> Made:
    """The pages to read.

    Raises:
        Invalid, EngineFailed: as ``ged.typeset.typeset``.
    """
    text = text_of(paper, facts)
    return Made(writing.pdf(text, facts.head, at=at), f"{text.name}-{_day(facts.day)}.pdf", "application/pdf")


def note(uow: UnitOfWork, paper: Paper, entity: Entity, made: Made, *, actor: Actor) -> None:
    """Note in the journal that a paper was made, with the digest of its file."""
    digest = hashlib.sha256(made.content).hexdigest()
    uow.record(MADE, "entity", entity.id, actor=actor, paper=paper.value, sha256=digest)


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
