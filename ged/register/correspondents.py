"""The directories of correspondents, one an entity: found by folded name, so that accents and capitals make no double.

An entity sees its own entries, those that others share, and the common stock; of a name that stands twice its own comes
first. Who writes in confidence gets no entry: everybody of the entity reads the directory.
"""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, case, or_, select
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.errors import Invalid
from ged.org.tree import entities
from ged.ports import Confidentiality
from ged.register.models import Correspondent
from ged.unit import Actor, UnitOfWork


@dataclass(frozen=True)
class CorrespondentRow:
    """A correspondent as lists show it."""

    id: int
    name: str
    kind: str
    address: str
    email: str


APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u2032`\u00b4", "'"))
"""Of telephones, of Word, of keyboards; revision 0030 folded the names that were there."""


def fold(name: str) -> str:
    """A name without accents, capitals and double spaces, with one apostrophe for all, for comparison.

    >>> fold("Préfecture  de l’Ogou")
    "prefecture de l'ogou"
    """
    decomposed = unicodedata.normalize("NFKD", name.translate(APOSTROPHES).casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def visible(entity_ids: Collection[int]) -> ColumnElement[bool]:
    """The entries that people of these entities see."""
    own = Correspondent.entity_id.in_(sorted(entity_ids))
    return or_(own, Correspondent.entity_id.is_(None), Correspondent.is_shared)


def entities_of(session: Session, actor: Actor) -> frozenset[int]:
    """The entities of an actor's own posts, and of those acted for."""
    of = entities(session)
    return frozenset(of[unit_id] for unit_id in actor.unit_ids)


def may_be_listed(level: Confidentiality) -> bool:
    """Whether the sender of a letter of this level belongs into a directory."""
    return level < Confidentiality.RESTRICTED


def resolve_sender(uow: UnitOfWork, sender_id: int | None, name: str, *, entity_id: int) -> Correspondent:
    """The correspondent chosen, the one of that name, or a new one of the entity.

    Raises:
        Invalid: ``correspondent.unknown``.
    """
    found = known_sender(uow, sender_id, name, entity_id=entity_id)
    if found is not None:
        return found
    # Of two clerks who meet here the second waits for the first's entry and takes it.
    insert_if_missing(
        uow.session, Correspondent, name=" ".join(name.split()), folded_name=fold(name), entity_id=entity_id, version=1
    )
    own = (Correspondent.folded_name == fold(name)) & (Correspondent.entity_id == entity_id)
    return uow.session.scalars(select(Correspondent).where(own)).one()


def directory_ids(uow: UnitOfWork, names: Sequence[str], *, unit_id: int) -> dict[str, int]:
    """The entries of many names at once, new ones made; names that only accents or capitals tell apart share one."""
    entity_id = entities(uow.session)[unit_id]
    folded = {fold(name): name for name in reversed(names) if fold(name)}
    known = _entries(uow, folded, entity_id)
    for key in sorted(folded.keys() - known.keys()):
        insert_if_missing(
            uow.session, Correspondent, name=" ".join(folded[key].split()), folded_name=key, entity_id=entity_id,
            is_active=True, version=1,
        )  # fmt: skip
    if folded.keys() - known.keys():
        known = _entries(uow, folded, entity_id)
    return {name: known[fold(name)] for name in names if fold(name) in known}


def _entries(uow: UnitOfWork, folded: Collection[str], entity_id: int) -> dict[str, int]:
    rows = uow.session.execute(
        select(Correspondent.folded_name, Correspondent.id)
        .where(Correspondent.folded_name.in_(folded), visible([entity_id]))
        # The entity's own entry comes last and stays.
        .order_by(case((Correspondent.entity_id == entity_id, 1), else_=0), Correspondent.id)
    )
    return dict(iter(rows))


_OWN = Correspondent.entity_id == bindparam("entity")
_BY_NAME = (
    select(Correspondent)
    .where(
        or_(_OWN, Correspondent.entity_id.is_(None), Correspondent.is_shared),
        Correspondent.folded_name == bindparam("name"),
    )
    .order_by(case((_OWN, 0), else_=1), Correspondent.id)
    .limit(1)
)


def known_sender(uow: UnitOfWork, sender_id: int | None, name: str, *, entity_id: int) -> Correspondent | None:
    """The correspondent chosen or of that name, as the entity sees it; no entry is made.

    Raises:
        Invalid: ``correspondent.unknown``.
    """
    if sender_id is not None:
        chosen = uow.session.scalar(select(Correspondent).where(visible([entity_id]), Correspondent.id == sender_id))
        if chosen is None:
            raise Invalid("correspondent.unknown", "choose the sender again", field="sender_name")
        if not name.strip() or fold(name) == chosen.folded_name:
            return chosen
    return uow.session.scalar(_BY_NAME, {"entity": entity_id, "name": fold(name)})


def is_known(session: Session, name: str, *, actor: Actor) -> bool:
    """Whether the actor's entities have an entry of this name, or see another's."""
    own = entities_of(session, actor)
    entry = select(Correspondent.id).where(Correspondent.folded_name == fold(name), visible(own))
    return session.scalar(entry.limit(1)) is not None


def suggest(session: Session, text: str, *, actor: Actor, limit: int = 8) -> list[CorrespondentRow]:
    """Correspondents that the actor sees whose name holds the words typed, those that begin with them first."""
    folded = fold(text)
    if not folded:
        return []
    own = entities_of(session, actor)
    query = select(Correspondent).where(Correspondent.is_active, visible(own))
    for word in folded.split():
        query = query.where(Correspondent.folded_name.contains(word, autoescape=True))
    starts = Correspondent.folded_name.startswith(folded, autoescape=True)
    own_first = case((Correspondent.entity_id.in_(sorted(own)), 0), else_=1)
    rows = session.scalars(query.order_by(starts.desc(), Correspondent.folded_name, own_first).limit(2 * limit))
    by_name: dict[str, CorrespondentRow] = {}
    for c in rows:
        by_name.setdefault(c.folded_name, CorrespondentRow(c.id, c.name, c.kind, c.address, c.email))
    return list(by_name.values())[:limit]
