"""The working copy of a draft: what a person has typed and not saved yet, stored some seconds after each stroke.

It makes no version and no journal entry, changes nothing of the draft, and is seen by nobody else. It belongs to the
state of the draft on which it was typed (``base_version``): after another person's save it stays, to be taken up or
given up. The next save of the same page drops it; so does the nightly sweep, a month later or once the letter is written.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.errors import Invalid, StaleVersion
from ged.ports import MailId
from ged.register.models import Mail
from ged.register.states import MailState
from ged.signbook import book
from ged.signbook.models import Draft, WorkingCopy
from ged.unit import Actor, UnitOfWork

MAX_CHARACTERS = 400_000
MAX_FIELDS = 600
KEPT = timedelta(days=31)
WRITTEN = (MailState.DRAFT, MailState.IN_CIRCUIT)
_NAMES = re.compile(
    r"civility|subject|body|nature|amount_xof|signatory_post_id|resumed|annex_title|(?:addressee|copy)-(?:rows|\d{1,3}-(?:name|address|email))"
    r"|(?:visa|kind|with)-\d{1,3}|annex-\d{1,12}-title"
)
"""The fields of the form that are stored; a token or a file is not."""

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Copy:
    """A working copy.

    Attributes:
        base_version: the draft's row version on which it was typed.
        revision: counts its stores.
    """

    base_version: int
    revision: int
    fields: tuple[tuple[str, str], ...]
    saved_at: datetime


@dataclass(frozen=True)
class Kept:
    """The result of a store: the copy's revision, and whether the draft itself was changed meanwhile."""

    revision: int
    is_stale: bool


def keep(
    uow: UnitOfWork, mail_id: MailId | int, fields: Fields, *, base_version: int, revision: int, actor: Actor
) -> Kept:
    """Store what the actor has typed.

    Args:
        base_version: the draft's row version when the page was opened.
        revision: the revision that the page stored last, or was opened with; 0: none.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``draft.not_author``, ``circuit.not_yours``.
        Invalid: ``draft.closed``; ``draft.copy_large``.
        InvalidTransition: ``circuit.not_your_turn``.
        StaleVersion: ``draft.copy_elsewhere``: another page of the actor stored later; nothing is stored.
    """
    draft = book.require(uow.session, mail_id, actor)
    _require_writing(draft, actor)
    kept = [[name, value] for name, value in fields if _NAMES.fullmatch(name)]
    if len(kept) > MAX_FIELDS or sum(len(value) for _, value in kept) > MAX_CHARACTERS:
        raise Invalid("draft.copy_large", "save the draft, or shorten it", limit=MAX_CHARACTERS)
    values = {"revision": revision + 1, "fields": kept, "saved_at": uow.now}
    key = {"mail_id": draft.mail_id, "person_id": actor.person_id, "base_version": min(base_version, draft.version)}
    if not (_replaced(uow.session, key, revision, values) if revision else _made(uow.session, key, values)):
        raise StaleVersion("draft.copy_elsewhere", "go on in the other page, or reload this one", id=int(mail_id))
    return Kept(revision + 1, is_stale=draft.version != base_version)


def _replaced(session: Session, key: dict[str, int], revision: int, values: dict[str, object]) -> bool:
    """One statement compares and stores: of two pages that know one revision, one stores."""
    held = [getattr(WorkingCopy, name) == value for name, value in key.items()]
    statement = update(WorkingCopy).where(*held, WorkingCopy.revision == revision).values(**values)
    return session.execute(statement.returning(WorkingCopy.mail_id)).first() is not None


def _made(session: Session, key: dict[str, int], values: dict[str, object]) -> bool:
    return insert_if_missing(session, WorkingCopy, **key, **values)


def _require_writing(draft: Draft, actor: Actor) -> None:
    book.require_open(draft)
    book.writing_post(draft, actor)


def copies(session: Session, mail_id: MailId | int, actor: Actor) -> tuple[Copy, ...]:
    """The actor's working copies of a draft that the actor may see, the newest base first."""
    rows = session.scalars(
        select(WorkingCopy)
        .where(WorkingCopy.mail_id == mail_id, WorkingCopy.person_id == actor.person_id)
        .order_by(WorkingCopy.base_version.desc())
    )
    return tuple(
        Copy(row.base_version, row.revision, tuple((name, value) for name, value in row.fields), row.saved_at)
        for row in rows
    )


def drop(uow: UnitOfWork, mail_id: MailId | int, base_versions: Iterable[int], *, actor: Actor) -> None:
    """Drop the actor's own working copies: they were saved, or given up."""
    uow.session.execute(
        delete(WorkingCopy).where(
            WorkingCopy.mail_id == mail_id,
            WorkingCopy.person_id == actor.person_id,
            WorkingCopy.base_version.in_(tuple(base_versions)),
        )
    )


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete copies that are a month old, and those of letters that nobody writes any more."""
    written = select(Mail.id).where(Mail.id == WorkingCopy.mail_id, Mail.state.in_(WRITTEN))
    uow.session.execute(
        delete(WorkingCopy)
        .where(or_(WorkingCopy.saved_at < now - KEPT, ~written.exists()))
        .execution_options(synchronize_session=False)
    )
