"""Entities that were taken in from another installation, and what its journal said of their records.

Ids are those of the other installation plus one number for each table (``offsets``), so each entry of the other journal
names its record here by a sum. The entries here are for reading: what proves them is stored whole, as it was signed
(``TakenEntity.proof``), and compared with them by ``ged verify``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BindParameter, ForeignKey, Index, LargeBinary, Select, String, Text, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ged.db import Base, Id, UtcDateTime
from ged.org.models import Person, Post

BEFORE = 1_000_000_000_000

SUBJECTS: Mapping[str, str] = {
    "mail": "mails",
    "number": "mail_numbers",
    "slip": "slips",
    "closing": "register_closings",
    "envelope": "sealed_envelopes",
    "register": "registers",
    "reserve_book": "reserve_books",
    "scan": "scans",
    "scan_batch": "scan_batches",
    "bridge": "bridges",
    "scan_profile": "scan_profiles",
    "separator": "separator_sheets",
    "correspondent": "correspondents",
    "delegation": "delegations",
    "absence": "absences",
    "person": "people",
    "search": "saved_searches",
    "word_template": "word_templates",
    "report_template": "report_templates",
}
"""The kind of an entry's subject -> the table whose rows say whether the entry is the entity's."""


class TakenEntity(Base):
    """An entity that was taken in whole. Written once."""

    __tablename__ = "taken_entities"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    code: Mapped[str] = mapped_column(String(32))
    """Its code there."""
    prefix: Mapped[str] = mapped_column(String(16))
    """What was put before codes and accounts."""
    manifest_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    key_pem: Mapped[str] = mapped_column(Text)
    """The public key of the other journal, as it was given to the command."""
    offsets: Mapped[dict[str, int]] = mapped_column(JSON)
    """Table -> what was added to its ids."""
    proof_sha256: Mapped[str] = mapped_column(String(64))
    proof: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """Manifest and journal as they came, packed (``ged.transfer.package``). It is no blob: the sweep of the release before
    takes blobs that no table it knows refers to."""
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TakenEntry(Base):
    """An entry of the other journal. Ids are those here. Written once."""

    __tablename__ = "taken_entries"
    __table_args__ = (Index("ix_taken_entries_subject", "subject_kind", "subject_id"),)

    entity_id: Mapped[int] = mapped_column(ForeignKey("taken_entities.id"), primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    """Its number there."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    person_id: Mapped[int | None] = mapped_column(Id)
    acting_for_post_id: Mapped[int | None] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(64))
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int | None] = mapped_column(Id)
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """As it came, with the ids there; None where it was erased."""


def about(
    mail_id: BindParameter[int], numbers: Select[int], *, among: Collection[str] = (), without: Collection[str] = ()
) -> Select[Any]:
    """Entries about a letter and its ``numbers``, newest first, with the columns of ``ged.register.journal``; their own numbers are
    below 0, so that they sort before all entries of this installation."""
    acting_for = aliased(Post)
    of_letter = (TakenEntry.subject_kind == "mail") & (TakenEntry.subject_id == mail_id)
    of_number = (TakenEntry.subject_kind == "number") & TakenEntry.subject_id.in_(numbers)
    return (
        select(
            (TakenEntry.sequence - BEFORE).label("sequence"),
            TakenEntry.at,
            TakenEntry.action,
            TakenEntry.payload,
            Person.name,
            acting_for.title.label("acting_for"),
        )
        .outerjoin(Person, Person.id == TakenEntry.person_id)
        .outerjoin(acting_for, acting_for.id == TakenEntry.acting_for_post_id)
        .where(or_(of_letter, of_number), TakenEntry.action.in_(among) if among else TakenEntry.action.not_in(without))
        .order_by(TakenEntry.sequence.desc())
    )


def payloads(
    session: Session, actions: Iterable[str], *, having: str
) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """(subject kind, subject id, entry, payload) of entries whose payload has ``having``, in the words of this installation:
    the ids of documents, the codes of registers."""
    rows = session.execute(
        select(TakenEntity, TakenEntry)
        .join(TakenEntry, TakenEntry.entity_id == TakenEntity.id)
        .where(TakenEntry.action.in_(list(actions)))
        .order_by(TakenEntry.entity_id, TakenEntry.sequence)
    ).yield_per(1_000)
    for entity, entry in rows:
        if isinstance(entry.payload, dict) and having in entry.payload:
            yield entry.subject_kind, entry.subject_id or 0, entry.sequence, _here(entity, entry.payload)


def erased(session: Session, action: str) -> set[int]:
    """Letters of which the payload of such an entry was erased there."""
    wanted = select(TakenEntry.subject_id, TakenEntry.payload).where(TakenEntry.action == action)
    return {subject_id for subject_id, payload in session.execute(wanted) if payload is None and subject_id is not None}


def _here(entity: TakenEntity, payload: Mapping[str, Any]) -> dict[str, Any]:
    moved = dict(payload)
    if isinstance(moved.get("attachment"), int):
        moved["attachment"] += entity.offsets.get("attachments", 0)
    if isinstance(moved.get("register"), str):
        moved["register"] = entity.prefix + moved["register"]
    return moved
