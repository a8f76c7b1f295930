"""The directories of correspondents, one for each entity. Lookup is by folded name, without accents and case.

An entity sees its own entries, shared entries of other entities of its ministry, and the common stock. Of two entries with one name, its own
comes first. Senders of confidential letters get no entry: everybody in the entity can read the directory. An entry
whose letters were all made confidential later is hidden, until an ordinary letter comes from that sender again.
"""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, not_, or_, select
from sqlalchemy.orm import Session

from ged.db import APOSTROPHES, insert_all_missing, insert_if_missing
from ged.errors import Invalid
from ged.org.tree import entities, ministry_of_units
from ged.org.tree import ministry as ministry_of
from ged.ports import Confidentiality
from ged.register.models import Correspondent, Mail
from ged.unit import Actor, UnitOfWork


@dataclass(frozen=True)
class CorrespondentRow:
    """A correspondent as lists show it."""

    id: int
    name: str
    kind: str
    address: str
    email: str


LONGEST = 200  # letters of a folded name in the directory
ONE_FORM = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | {"œ": "oe", "æ": "ae"})
"""Apostrophes of telephones, of Word, of keyboards; digraphs. Revisions 0030 and 0103 folded the existing names."""


def fold(name: str) -> str:
    """Fold a name for comparison: without accents, in lower case, with single spaces, one form of apostrophe, digraphs as letters.

    >>> fold("Préfecture  de l’Ogou"), fold("ŒUVRES")
    ("prefecture de l'ogou", 'oeuvres')
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(ONE_FORM))
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def visible(entity_ids: Collection[int], ministry: Collection[int]) -> ColumnElement[bool]:
    """The entries that people of these entities see; ``ministry``: the units of their ministries (``ged.org.tree``)."""
    return and_(_held_by(entity_ids, ministry), not_(is_confidential()))


def _held_by(entity_ids: Collection[int], ministry: Collection[int]) -> ColumnElement[bool]:
    own = Correspondent.entity_id.in_(sorted(entity_ids))
    near = and_(Correspondent.is_shared, Correspondent.entity_id.in_(sorted(ministry)))
    return or_(own, Correspondent.entity_id.is_(None), near)


def is_confidential() -> ColumnElement[bool]:
    """Entries that tell nothing but that somebody wrote in confidence: a bare name, all of whose letters are
    confidential now.
    """
    bare = [
        column == "" for column in (Correspondent.kind, Correspondent.address, Correspondent.email, Correspondent.phone)
    ]
    wrote = exists().where(Mail.sender_id == Correspondent.id)
    return and_(*bare, wrote, not_(wrote.where(Mail.level < Confidentiality.RESTRICTED)))


def standing(session: Session, entry: Correspondent) -> Correspondent:
    """The entry itself; of a merged one the entry into which it was merged, and so on."""
    while entry.merged_into_id is not None:
        entry = session.get_one(Correspondent, entry.merged_into_id)
    return entry


def entities_of(session: Session, actor: Actor) -> frozenset[int]:
    """The entities of the posts that an actor holds or acts for."""
    of = entities(session)
    return frozenset(of[unit_id] for unit_id in actor.unit_ids)


def may_be_listed(level: Confidentiality) -> bool:
    """Whether the sender of a letter of this level may be listed in a directory."""
    return level < Confidentiality.RESTRICTED


def resolve_sender(
    uow: UnitOfWork, sender_id: int | None, name: str, *, entity_id: int, ministry: Collection[int]
) -> Correspondent:
    """The chosen correspondent, or an existing one with this name, or a new one of the entity.

    Raises:
        Invalid: ``correspondent.unknown``, ``mail.sender_long``: a ligature is several letters of the folded name.
    """
    found = known_sender(uow, sender_id, name, entity_id=entity_id, ministry=ministry)
    if found is not None:
        return found
    if len(fold(name)) > LONGEST:
        raise Invalid("mail.sender_long", "shorten the sender's name", field="sender_name", limit=LONGEST)
    # Of two concurrent clerks, the second waits for the first's entry and uses it.
    insert_if_missing(
        uow.session, Correspondent, name=" ".join(name.split()), folded_name=fold(name), entity_id=entity_id, version=1
    )
    own = (Correspondent.folded_name == fold(name)) & (Correspondent.entity_id == entity_id)
    return uow.session.scalars(select(Correspondent).where(own)).one()


def directory_ids(uow: UnitOfWork, names: Sequence[str], *, unit_id: int) -> dict[str, int]:
    """Name -> entry id for many names at once; missing entries are created. Equal folds share an entry; a fold over ``LONGEST`` has none."""
    entity_id = entities(uow.session)[unit_id]
    folds = {name: fold(name) for name in dict.fromkeys(names)}
    folded = {folds[name]: name for name in reversed(names) if 0 < len(folds[name]) <= LONGEST}
    known = _entries(uow, folded, entity_id)
    new = sorted(folded.keys() - known.keys())
    rows = [{"name": " ".join(folded[key].split()), "folded_name": key, "entity_id": entity_id} for key in new]
    insert_all_missing(uow.session, Correspondent, rows)
    if new:
        known = _entries(uow, folded, entity_id)
    return {name: known[key] for name, key in folds.items() if key in known}


def _entries(uow: UnitOfWork, folded: Collection[str], entity_id: int) -> dict[str, int]:
    return {name: entry.id for name, entry in entries(uow.session, folded, entity_id=entity_id).items()}


def entries(session: Session, folded: Collection[str], *, entity_id: int) -> dict[str, Correspondent]:
    """Folded name -> the entry that the entity sees, its own first; of a merged entry the one that stands for it."""
    rows = session.scalars(
        select(Correspondent)
        .where(Correspondent.folded_name.in_(folded), _held_by([entity_id], ministry_of_units(session, [entity_id])))
        # The entity's own entry comes last, so it overwrites others in the dictionary.
        .order_by(case((Correspondent.entity_id == entity_id, 1), else_=0), Correspondent.id)
    )
    return {entry.folded_name: standing(session, entry) for entry in rows}


_OWN = Correspondent.entity_id == bindparam("entity")
_BY_NAME = (
    select(Correspondent)
    .where(
        or_(
            _OWN,
            Correspondent.entity_id.is_(None),
            and_(Correspondent.is_shared, Correspondent.entity_id.in_(bindparam("ministry", expanding=True))),
        ),
        Correspondent.folded_name == bindparam("name"),
    )
    .order_by(case((_OWN, 0), else_=1), Correspondent.id)
    .limit(1)
)


def known_sender(
    uow: UnitOfWork, sender_id: int | None, name: str, *, entity_id: int, ministry: Collection[int]
) -> Correspondent | None:
    """The chosen correspondent, or an existing one with this name that the entity sees; no entry is created.

    Raises:
        Invalid: ``correspondent.unknown``.
    """
    if sender_id is not None:
        seen = visible([entity_id], ministry)
        chosen = uow.session.scalar(select(Correspondent).where(seen, Correspondent.id == sender_id))
        if chosen is None:
            raise Invalid("correspondent.unknown", "choose the sender again", field="sender_name")
        if not name.strip() or fold(name) == chosen.folded_name:
            return standing(uow.session, chosen)
    named = uow.session.scalar(_BY_NAME, {"entity": entity_id, "name": fold(name), "ministry": sorted(ministry)})
    return None if named is None else standing(uow.session, named)


def is_known(session: Session, name: str, *, actor: Actor) -> bool:
    """Whether the actor's entities have, or see, an entry with this name."""
    own = entities_of(session, actor)
    entry = select(Correspondent.id).where(Correspondent.folded_name == fold(name), visible(own, ministry_of(actor)))
    return session.scalar(entry.limit(1)) is not None


def suggest(session: Session, text: str, *, actor: Actor, limit: int = 8) -> list[CorrespondentRow]:
    """Visible correspondents whose name contains the typed words; names that begin with them come first."""
    folded = fold(text)
    if not folded:
        return []
    own = entities_of(session, actor)
    query = select(Correspondent).where(
        Correspondent.is_active, Correspondent.merged_into_id.is_(None), visible(own, ministry_of(actor))
    )
    for word in folded.split():
        query = query.where(Correspondent.folded_name.contains(word, autoescape=True))
    starts = Correspondent.folded_name.startswith(folded, autoescape=True)
    own_first = case((Correspondent.entity_id.in_(sorted(own)), 0), else_=1)
    rows = session.scalars(query.order_by(starts.desc(), Correspondent.folded_name, own_first).limit(2 * limit))
    by_name: dict[str, CorrespondentRow] = {}
    for c in rows:
        by_name.setdefault(c.folded_name, CorrespondentRow(c.id, c.name, c.kind, c.address, c.email))
    return list(by_name.values())[:limit]
