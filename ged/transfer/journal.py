"""The journal's part of a folder: the entity's own entries, and of all others nothing but their hashes."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import AuditEntry, AuditPayload
from ged.models import metadata
from ged.taken import SUBJECTS
from ged.transfer.belonging import Belonging

OF_INSTALLATION: Mapping[str, str] = {
    "backup": "a copy of the whole installation",
    "disk": "a reading disk of the whole installation",
    "calendar": "one for all",
    "disposal": "the slips stay; what was decided of each letter leaves with its own entry",
    "entity": "what was done with a whole entity, by who runs the installation",
    "installation": "its seal and authority",
    "job": "work of the installation",
    "learned_version": "learned from the letters of all",
    "mailbox": "a mailbox of the installation",
    "notice": "the notices stay",
    "open_data": "the publications stay",
    "organisation": "may name records of several entities",
    "organisation_act": "may name records of several entities",
    "pairing_code": "a secret of minutes",
    "report": "the monthly reports stay",
    "scan_order": "the orders stay",
    "supervisor": "the supervisors stay",
    "synonyms": "one list for all",
}
"""Kinds of which only the hashes leave, with the reason."""

_KEPT_BY = {"correspondent": "entity_id", "word_template": "entity_id", "report_template": "entity_id"}
"""Kinds whose record may travel as one of the common stock: their entries leave only where the entity keeps the record."""


def own(belonging: Belonging) -> ColumnElement[bool]:
    """Whether an entry is about a record of the entity."""
    return or_(*(_about(belonging, kind, table) for kind, table in SUBJECTS.items()))


def _about(belonging: Belonging, kind: str, name: str) -> ColumnElement[bool]:
    table = metadata.tables[name]
    ids = select(table.c.id).where(belonging.condition(name))
    if kind in _KEPT_BY:
        ids = ids.where(table.c[_KEPT_BY[kind]].in_(sorted(belonging.unit_ids)))
    return (AuditEntry.subject_kind == kind) & AuditEntry.subject_id.in_(ids)


def entries(session: Session, belonging: Belonging) -> Iterator[bytes]:
    """Lines of JSON: the columns of each own entry with its hash, and its payload where it was not erased."""
    wanted = (
        select(AuditEntry, AuditPayload)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(own(belonging))
        .order_by(AuditEntry.sequence)
        .execution_options(yield_per=1_000)
    )
    for entry, payload in session.execute(wanted):
        columns: dict[str, Any] = audit.columns(entry) | {"hash": entry.hash}
        if payload is not None:
            columns |= {"salt": payload.salt, "payload": payload.payload}
        yield audit.canonical(columns) + b"\n"
