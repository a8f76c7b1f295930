"""The journal for administrators and auditors: who, when, which act, on which subject. Payloads are not shown.

Where the installation holds several ministries, it is the journal of the reader's own: what was done through a post of it, or
by a person of it. What the program does by itself is shown to those alone who administer the installation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from ged import audit, paging
from ged.audit import AuditEntry
from ged.org import tree
from ged.org.models import Person, Post
from ged.paging import START, Place, Slice
from ged.unit import Actor, Role


@dataclass(frozen=True)
class JournalRow:
    """An entry without its payload."""

    sequence: int
    at: datetime
    person: str
    post: str
    acting_for: str
    action: str
    subject_kind: str
    subject_id: int | None
    hash: str


@dataclass(frozen=True)
class JournalFilter:
    """A filter of entries; empty values show all."""

    action: str = ""
    account: str = ""
    subject_kind: str = ""
    subject_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def entries(
    session: Session, wanted: JournalFilter, at: Place = START, *, reader: Actor | None, limit: int = 50
) -> tuple[list[JournalRow], Slice]:
    """A page of entries, the newest first.

    Args:
        reader: whose ministry's entries are shown; None: all (``ged.org.tree.runs_installation``).
    """
    asked = _filtered(select(AuditEntry.sequence), wanted)
    if reader is not None:
        asked = asked.where(_of_ministry(reader))
    page = paging.read(session, asked, AuditEntry.sequence, at, descending=True, limit=limit)
    return _journal_rows(session, page.ids), page


def _journal_rows(session: Session, keys: Sequence[int]) -> list[JournalRow]:
    post, principal = aliased(Post), aliased(Post)
    query = (
        select(AuditEntry, Person.name, post.title, principal.title)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .outerjoin(post, post.id == AuditEntry.post_id)
        .outerjoin(principal, principal.id == AuditEntry.acting_for_post_id)
        .where(AuditEntry.sequence.in_(keys))
        .order_by(AuditEntry.sequence.desc())
    )
    return [
        JournalRow(
            e.sequence, e.at, name or "", title or "", for_title or "", e.action, e.subject_kind, e.subject_id, e.hash
        )
        for e, name, title, for_title in session.execute(query)
    ]


def _filtered(query: Select[int], wanted: JournalFilter) -> Select[int]:
    if wanted.account:
        query = query.join(Person, Person.id == AuditEntry.person_id)
    return query.where(*_conditions(wanted))


def _of_ministry(actor: Actor) -> ColumnElement[bool]:
    roles = (Role.ADMINISTRATOR, Role.AUDITOR)
    posts = select(Post.id).where(Post.unit_id.in_(sorted(tree.ministry_of_role(actor, *roles))))
    no_post = and_(AuditEntry.post_id.is_(None), AuditEntry.acting_for_post_id.is_(None))
    theirs = and_(AuditEntry.person_id.is_not(None), tree.of_ministry(AuditEntry.person_id, actor, *roles))
    return or_(AuditEntry.post_id.in_(posts), AuditEntry.acting_for_post_id.in_(posts), and_(no_post, theirs))


def _conditions(wanted: JournalFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.action:
        found.append(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.account:
        found.append(Person.account == wanted.account)
    if wanted.subject_kind:
        found.append(AuditEntry.subject_kind == wanted.subject_kind)
    if wanted.subject_id is not None:
        found.append(AuditEntry.subject_id == wanted.subject_id)
    if wanted.since is not None:
        found.append(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditEntry.at < wanted.until)
    return found


def head(session: Session) -> audit.Head:
    """Length and last hash of the chain."""
    return audit.head(session)
