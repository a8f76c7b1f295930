"""The directory of correspondents: found by folded name, so that accents and capitals make no double."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.errors import Invalid
from ged.registry.models import Correspondent
from ged.unit import UnitOfWork


@dataclass(frozen=True)
class CorrespondentRow:
    """A correspondent as lists show it."""

    id: int
    name: str
    kind: str
    address: str
    email: str


def fold(name: str) -> str:
    """A name without accents, capitals and double spaces, for comparison."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def resolve_sender(uow: UnitOfWork, sender_id: int | None, name: str) -> Correspondent:
    """The correspondent chosen, the one of that name, or a new one.

    Raises:
        Invalid: ``correspondent.unknown``.
    """
    found = known_sender(uow, sender_id, name)
    if found is not None:
        return found
    # Of two clerks who meet here the second waits for the first's entry and takes it.
    insert_if_missing(uow.session, Correspondent, name=" ".join(name.split()), folded_name=fold(name), version=1)
    return uow.session.scalars(select(Correspondent).where(Correspondent.folded_name == fold(name))).one()


def directory_ids(uow: UnitOfWork, names: Sequence[str]) -> dict[str, int]:
    """The entries of many names at once, new ones made; names that only accents or capitals tell apart share one."""
    folded = {fold(name): name for name in reversed(names) if fold(name)}
    known = _entries(uow, folded)
    for key in sorted(folded.keys() - known.keys()):
        insert_if_missing(
            uow.session, Correspondent, name=" ".join(folded[key].split()), folded_name=key, is_active=True, version=1
        )
    if folded.keys() - known.keys():
        known = _entries(uow, folded)
    return {name: known[fold(name)] for name in names if fold(name) in known}


def _entries(uow: UnitOfWork, folded: Collection[str]) -> dict[str, int]:
    rows = uow.session.execute(
        select(Correspondent.folded_name, Correspondent.id).where(Correspondent.folded_name.in_(folded))
    )
    return dict(iter(rows))


def known_sender(uow: UnitOfWork, sender_id: int | None, name: str) -> Correspondent | None:
    """The same without a new entry: everybody reads the directory, a secret letter's sender is not told there.

    Raises:
        Invalid: ``correspondent.unknown``.
    """
    if sender_id is not None:
        chosen = uow.session.get(Correspondent, sender_id)
        if chosen is None:
            raise Invalid("correspondent.unknown", "choose the sender again", field="sender_name")
        if not name.strip() or fold(name) == chosen.folded_name:
            return chosen
    return uow.session.scalar(select(Correspondent).where(Correspondent.folded_name == fold(name)).limit(1))


def suggest(session: Session, text: str, *, limit: int = 8) -> list[CorrespondentRow]:
    """Correspondents whose name holds the words typed, those that begin with them first."""
    folded = fold(text)
    if not folded:
        return []
    query = select(Correspondent).where(Correspondent.is_active)
    for word in folded.split():
        query = query.where(Correspondent.folded_name.contains(word, autoescape=True))
    starts = Correspondent.folded_name.startswith(folded, autoescape=True)
    rows = session.scalars(query.order_by(starts.desc(), Correspondent.folded_name).limit(limit))
    return [CorrespondentRow(c.id, c.name, c.kind, c.address, c.email) for c in rows]
