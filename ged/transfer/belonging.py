"""To whom the rows of each table belong: what of the database leaves with an entity, and by which path.

A path is a column: a row belongs to the entity when the record that the column names does. ``units`` is where all paths
end. Conditions are nested queries, so that any number of letters is one statement.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session

from ged.models import metadata
from ged.org.models import Unit


@dataclass(frozen=True)
class Owned:
    """How rows of a table belong to an entity.

    Attributes:
        by: columns; the row belongs when the record that one of them names does.
        every: columns; in addition, all that these name must belong, or be empty.
        withheld: columns that do not leave.
    """

    by: tuple[str, ...]
    every: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


def _by(*columns: str, every: tuple[str, ...] = (), withheld: tuple[str, ...] = ()) -> Owned:
    return Owned(columns, every, withheld)


_LETTER, _DOCUMENT, _SLIP, _UNIT, _SCAN, _PAGE = (
    _by("mail_id"), _by("attachment_id"), _by("slip_id"), _by("unit_id"), _by("scan_id"), _by("scan_page_id"),
)  # fmt: skip

OWNED: Mapping[str, Owned] = {
    "units": _by(),
    "posts": _UNIT,
    "post_roles": _by("post_id"),
    "holdings": _by("post_id"),
    "people": _by(withheld=("password_hash", "session_epoch")),
    "delegations": _by("post_id"),
    "absences": _by("person_id", every=("delegation_id",)),
    "certificates": _by("person_id"),
    "notice_choices": _by("person_id"),
    # The register and its letters.
    "registers": _UNIT,
    "register_counters": _by("register_id"),
    "mail_numbers": _by("register_id"),
    "register_holds": _by("register_id", withheld=("last_number_id",)),
    "register_closings": _by("register_id"),
    "reserve_books": _by("register_id", withheld=("request_token",)),
    "reserve_voids": _by("book_id"),
    "reserve_lines": _by("book_id"),
    "closing_lines": _by("closing_id"),
    "closing_revisions": _by("closing_id"),
    "mails": _by("unit_id", withheld=("request_token",)),
    "mail_access": _LETTER,
    "mail_links": _by("from_id", every=("from_id", "to_id")),
    "mail_reports": _LETTER,
    "destroyed_letters": _LETTER,
    "letter_holds": _LETTER,
    "rectifications": _LETTER,
    "level_requests": _LETTER,
    "read_marks": _by("mail_id", every=("person_id",)),
    "recent_letters": _by("mail_id", every=("person_id",)),
    "attachments": _LETTER,
    "attachment_pages": _DOCUMENT,
    "attachment_fields": _DOCUMENT,
    "page_texts": _DOCUMENT,
    "pages_read_again": _DOCUMENT,
    "margin_notes": _DOCUMENT,
    "margin_note_texts": _DOCUMENT,
    "renditions": _DOCUMENT,
    "signature_checks": _DOCUMENT,
    "letter_sketches": _DOCUMENT,
    "sketch_bands": _DOCUMENT,
    "lookalikes": _by("other_mail_id", every=("scan_id", "mail_id")),
    "sealed_envelopes": _by("addressed_post_id", withheld=("request_token",)),
    "paper_custody": _by("mail_id", "envelope_id"),
    "correspondents": _by("entity_id"),
    # What is given and answered.
    "imputations": _LETTER,
    "undone_imputations": _by("imputation_id"),
    "assignments": _LETTER,
    "reminders": _LETTER,
    "date_reminders": _LETTER,
    "letter_notes": _LETTER,
    "drafts": _LETTER,
    "draft_versions": _LETTER,
    "draft_annotations": _LETTER,
    "working_copies": _by("mail_id", every=("person_id",)),
    "circuit_steps": _LETTER,
    "circuit_entries": _LETTER,
    "signbook_notices": _by("mail_id", every=("person_id",)),
    "signed_revisions": _LETTER,
    "letter_tokens": _LETTER,
    "token_keys": _by(),
    "dispatch_lines": _LETTER,
    "dispatch_proofs": _by("line_id"),
    "preservations": _by("mail_id", "slip_id", "closing_id"),
    "slips": _by("sender_unit_id"),
    "slip_lines": _SLIP,
    "slip_proofs": _SLIP,
    "slip_receipts": _SLIP,
    "slip_revisions": _SLIP,
    "slip_tasks": _SLIP,
    # What comes in.
    "bridges": _by("unit_id", withheld=("token_hash",)),
    "separator_sheets": _UNIT,
    "scan_profiles": _UNIT,
    "scan_batches": _UNIT,
    "scan_pages": _by("batch_id"),
    "scan_page_fields": _PAGE,
    "scan_page_readings": _PAGE,
    "scan_pictures": _PAGE,
    "scans": _UNIT,
    "scan_leaves": _SCAN,
    "scan_signature_checks": _SCAN,
    "paper_codes": _UNIT,
    "mailbox_messages": _by("batch_id"),
    "takeover_batches": _by("register_id"),
    "takeover_files": _by("register_id"),
    "taken_letters": _LETTER,
    "saved_searches": _by("person_id"),
    "saved_finds": _by("mail_id", every=("mail_id", "saved_search_id")),
}
"""Tables of which rows belong to an entity."""

STOCK: Mapping[str, str] = {
    "natures": "entity_id",
    "nature_steps": "nature_id",
    "mentions": "entity_id",
    "letter_templates": "entity_id",
    "word_templates": "entity_id",
    "report_templates": "entity_id",
    "filing_classes": "",
    "holidays": "",
    "working_days": "",
}
"""Tables of the common stock -> the column that names an entity (or the row above) whose own rows some are; empty: all are common."""

STAYS: Mapping[str, str] = {
    "audit_entries": "leaves by the journal's own rule: see ``journal``",
    "audit_payloads": "leaves with its entry",
    "audit_head": "of the installation's journal; the manifest names it",
    "taken_entities": "an entity that was taken in does not leave again: see ``export``",
    "taken_entries": "as its entity",
    "first_accesses": "a secret, and made anew where people arrive",
    "sessions": "a secret",
    "totp_secrets": "a secret, and armed anew where people arrive",
    "recovery_codes": "as ``totp_secrets``",
    "passkeys": "work for the address of this installation alone",
    "sign_in_steps": "a secret of minutes",
    "disposals": "what two people decided here; the journal tells of it",
    "disposal_lines": "as ``disposals``",
    "letter_exceptions": "decided and ended within weeks, here; the journal tells of it",
    "exception_requests": "as ``letter_exceptions``",
    "factor_resets": "decided within a day, here; the journal tells of it",
    "directory_links": "of the directory here: bound anew where people arrive",
    "break_glass_accounts": "of this installation",
    "provider_requests": "a secret of minutes",
    "provider_sessions": "a secret",
    "directory_outages": "of the directory here",
    "signing_keys": "private keys: their holders bring them, or get new ones",
    "pairing_codes": "a secret of minutes",
    "scan_orders": "what a scanning station is doing at this moment",
    "scan_turns": "who arranges a scan at this moment",
    "notices": "told already",
    "notice_mails": "told already",
    "personal_notices": "told already",
    "notice_cursor": "of the installation's notices",
    "packed_files": "bytes: an export holds each as a file",
    "takeover_folders": "files on their way; what was joined leaves with its letter",
    "takeover_scans": "as their folder",
    "slip_readings": "as readings of fiches",
    "reserve_typings": "proposals of a desk of here; the letters that were entered by them leave",
    "reserve_sheets": "as readings of fiches; the lines, and the letters that cite them, leave",
    "sheet_readings": "proposals in ids of here; the picture of the sheet and what was decided by it leave",
    "requested_files": "a copy, made again on demand",
    "word_pages": "made again from the draft",
    "learned_versions": "learned from the letters of all",
    "organisation_acts": "undone only where they were done; the journal tells what they changed",
    "organisation_act_subjects": "as the acts",
    "workbook_imports": "undone only where they were taken in",
    "mail_loops": "tests of the installation's own mail",
    "installation": "its name",
    "schema_tolerance": "of the database",
    "jobs": "work of the installation",
    "job_figures": "work of the installation",
    "job_schedules": "work of the installation",
    "workers": "work of the installation",
    "refusal_counts": "counts of all",
    "throttle_buckets": "counts of all",
    "monthly_reports": "proven from the register and the journal where it was made; who leaves takes the file",
    "monthly_report_revisions": "as ``monthly_reports``",
    "open_data_acts": "they are the ministry's acts",
    "monthly_wishes": "as ``monthly_reports``",
    "monthly_proofs": "as ``monthly_reports``",
    "supervisors": "given again by an act where people arrive; the journal tells of it",
    "figure_state": "counted again from the register",
    "figure_days": "as ``figure_state``",
    "figure_keys": "as ``figure_state``",
    "figure_letters": "as ``figure_state``",
    "figure_returns": "as ``figure_state``",
    "figure_moves": "as ``figure_state``",
    "figure_rounds": "as ``figure_state``",
    "figure_flows": "as ``figure_state``",
    "figure_hours": "as ``figure_state``",
    "figure_cells": "as ``figure_state``",
    "figure_scans": "as ``figure_state``",
    "figure_readings": "as ``figure_state``",
    "figure_scan_days": "as ``figure_state``",
    "figure_slips": "as ``figure_state``",
    "figure_slip_days": "as ``figure_state``",
    "figure_delays": "as ``figure_state``",
}
"""Tables whose rows stay, with the reason."""

SEVERED = frozenset(
    ["units.parent_id", "natures.register_id", "natures.signatory_post_id", "nature_steps.post_id", "correspondents.entity_id", "correspondents.merged_into_id"]
)  # fmt: skip
"""Columns that are emptied where they name a record of another entity: what is above the entity, what a common nature
proposes elsewhere, who keeps a correspondent that is shared, the double of a correspondent that no letter names."""


def withheld(name: str) -> frozenset[str]:
    """Columns of a table that do not leave."""
    return frozenset(OWNED[name].withheld if name in OWNED else ())


def travelling() -> list[Table]:
    """The tables of which rows leave, those that others name first."""
    return [table for table in metadata.sorted_tables if table.name in OWNED or table.name in STOCK]


@dataclass
class Belonging:
    """The rows that belong to the entity with these units."""

    unit_ids: frozenset[int]
    _known: dict[str, ColumnElement[bool]] = field(default_factory=dict)

    def rows(self, table: Table) -> Select[Any]:
        """The rows of a table that leave, in the order of its key. Columns of ``SEVERED`` are emptied where needed."""
        gone = withheld(table.name)
        columns = [self._severed(one) for one in table.columns if one.name not in gone]
        return select(*columns).where(self.condition(table.name)).order_by(*table.primary_key.columns)

    def condition(self, name: str) -> ColumnElement[bool]:
        """Whether a row of a table leaves."""
        if name not in self._known:
            self._known[name] = self._condition(metadata.tables[name])
        return self._known[name]

    def entangled(self, session: Session) -> Iterator[tuple[str, int]]:
        """(column, count) of records of the entity that name a record of another one."""
        for table in travelling():
            for column in table.columns:
                beyond = self._beyond(column)
                if beyond is None or f"{table.name}.{column.name}" in SEVERED:
                    continue
                count = session.scalar(
                    select(func.count()).select_from(table).where(self.condition(table.name), beyond)
                )
                if count:
                    yield f"{table.name}.{column.name}", count

    def strangers(self, session: Session) -> dict[int, str]:
        """Id -> name of whoever acted on the entity's records and holds no post of it; no name where only a common
        list names the person."""
        people = metadata.tables["people"]
        found: dict[int, str] = {}
        for table in travelling():
            for column in (one for one in table.columns if _target(one) is people.c.id):
                ids = select(column).where(self.condition(table.name), column.is_not(None))
                wanted = select(people.c.id, people.c.name).where(people.c.id.in_(ids), ~self.condition("people"))
                for person_id, name in session.execute(wanted):
                    found[person_id] = found.get(person_id) or (name if table.name in OWNED else "")
        return found

    def _condition(self, table: Table) -> ColumnElement[bool]:
        c = table.c
        match table.name:
            case "units":
                return c.id.in_(sorted(self.unit_ids))
            case "people":
                holdings = metadata.tables["holdings"]
                return c.id.in_(select(holdings.c.person_id).where(self.condition("holdings")))
            case "token_keys":
                return c.key_id.in_(self._named("letter_tokens", "key_id"))
            case "certificates":
                return or_(self._belongs(c.person_id), c.id.in_(self._named("letter_tokens", "certificate_id")))
            case "correspondents":
                named = (("mails", "sender_id"), ("dispatch_lines", "correspondent_id"))
                return or_(self._belongs(c.entity_id), *(c.id.in_(self._named(*one)) for one in named))
        if table.name in STOCK:
            return self._of_stock(table)
        owned = OWNED[table.name]
        every = [or_(c[name].is_(None), self._belongs(c[name])) for name in owned.every]
        return and_(or_(false(), *(self._belongs(c[name]) for name in owned.by)), true(), *every)

    def _of_stock(self, table: Table) -> ColumnElement[bool]:
        name = STOCK[table.name]
        if not name:
            return true()
        column = table.c[name]
        return self._belongs(column) if table.name == "nature_steps" else or_(column.is_(None), self._belongs(column))

    def _named(self, table: str, column: str) -> Select[Any]:
        one = metadata.tables[table].c[column]
        return select(one).where(self.condition(table), one.is_not(None))

    def _belongs(self, column: Column[Any]) -> ColumnElement[bool]:
        target = _target(column)
        if target is None:
            raise TypeError(f"{column} names no record")
        return column.in_(select(target).where(self.condition(target.table.name)))

    def _beyond(self, column: Column[Any]) -> ColumnElement[bool] | None:
        """Whether a column names a record that does not leave; None for columns that never do. People are told by name."""
        target = _target(column)
        if target is None or target.table.name == "people":
            return None
        if target.table.name in STAYS:
            return column.is_not(None)
        return and_(column.is_not(None), ~self._belongs(column))

    def _severed(self, column: Column[Any]) -> ColumnElement[Any]:
        if f"{column.table.name}.{column.name}" not in SEVERED:
            return column
        return case((self._belongs(column), column), else_=None).label(column.name)


@cache
def _target(column: Column[Any]) -> Column[Any] | None:
    """The column that a foreign key names. Keys of several columns are none of ours."""
    for key in column.foreign_keys:
        return key.column
    return None


def units_of(session: Session, code: str) -> tuple[int, frozenset[int]] | None:
    """(the unit, all units below it, with closed ones that they succeeded); None for an unknown code, or no entity."""
    rows = session.execute(
        select(Unit.id, Unit.code, Unit.parent_id, Unit.is_entity, Unit.closed_at, Unit.successor_id)
    ).all()
    top = next((one for one in rows if one.code == code and one.is_entity), None)
    if top is None:
        return None
    found, grown = {top.id}, True
    while grown:
        more = {
            one.id
            for one in rows
            if one.id not in found
            and (one.parent_id in found or (one.parent_id is None and one.closed_at and one.successor_id in found))
        }
        found |= more
        grown = bool(more)
    return top.id, frozenset(found)
