"""The rows of a folder as they are written here: ids moved, every reference inside of the folder, every value of its type.

All ids of a table are moved by one number, so that nothing has to be remembered but that. Columns that name a record
without a foreign key stand in ``SOFT``; a test fails for a column that looks like one and is in no list.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, Float, Integer, LargeBinary, String, Table

from ged.codes import CodeKind
from ged.db import Code, UtcDateTime
from ged.errors import Invalid
from ged.journal_values import JournalDetails
from ged.models import metadata
from ged.transfer.belonging import STOCK, travelling, withheld

NOT_TAKEN: Mapping[str, str] = {
    "certificates": "this authority did not issue them: its answers on revocation would name them",
    "token_keys": "this institution would publish them as its own",
    "working_copies": "typed and not saved: its fields name documents by their ids there",
    "holidays": "the calendar here holds",
    "working_days": "the calendar here holds",
    "filing_classes": "one list for all: found by their codes, added where they are missing",
}
"""Tables of a folder that are not written as they come, with the reason."""

SOFT: Mapping[str, str] = {
    "scan_batches.into_scan_id": "scans",
    "scan_batches.into_leaf_id": "scan_leaves",
    "draft_versions.word_id": "attachments",
    "slips.act_id": "slips",
}
"""Columns that name a record without a foreign key -> its table. What is no longer there is emptied."""

BY_KIND: Mapping[str, str] = {"paper_codes.subject_id": "kind", "scans.proof_subject_id": "proof_kind"}
"""Columns that name the subject of a code on paper -> the column with the kind of the code."""
_CODED: Mapping[str, str] = {
    CodeKind.LABEL.value: "mail_numbers", CodeKind.SLIP.value: "slips", CodeKind.IMPUTATION.value: "mails",
    CodeKind.OUTGOING.value: "mails", CodeKind.DISCHARGE.value: "dispatch_lines", CodeKind.SEPARATOR.value: "separator_sheets",
}  # fmt: skip

NO_RECORDS: Mapping[str, str] = {
    "scan_pages.order_id": "the number of a scanner's order, for the order of pages alone",
    "taken_letters.own_id": "a text of the archive it came from",
    "letter_tokens.key_id": "emptied: see token_keys",
    "token_keys.key_id": "not taken",
    "mailbox_messages.message_id": "a text",
    "mail_reports.message_id": "a text",
    "register_holds.last_number_id": "emptied: labels of the entity bear the ids of the installation that it left",
}
"""Columns whose names look like those of records."""
READ_WITHIN = frozenset(
    ["draft_versions.annexes", "imputations.prior", "saved_searches.query", "scan_pages.codes", "working_copies.fields"]
)  # fmt: skip
"""JSON that holds ids or codes: they are moved, or it is not taken."""
WITHOUT_RECORDS = frozenset(
    [
        "assignments.mentions", "bridges.devices", "delegations.template_codes", "draft_versions.addressees",
        "draft_versions.annex_titles", "draft_versions.copies", "draft_versions.word_left", "drafts.letter",
        "imputations.mentions", "natures.mentions", "natures.reminders", "page_texts.flags", "page_texts.words", "pages_read_again.first_words", "pages_read_again.read_by",
        "scan_page_readings.flags", "scan_pages.warnings", "scan_signature_checks.reports",
        "signature_checks.reports", "slip_receipts.decisions", "slips.receiver_field", "takeover_files.columns",
        "takeover_files.names", "takeover_files.refusals",
    ]
)  # fmt: skip
"""JSON that holds none: codes, texts, places on pages, values as they were shown."""
_PRINCIPAL = re.compile(r"([ucpdth])([0-9]{1,18})")
_OF_PRINCIPAL = {"u": "units", "c": "units", "p": "posts", "d": "posts", "t": "posts", "h": "people"}
PREFIXED = frozenset({"units.code", "posts.code", "registers.code", "people.account"})
"""Columns that get the prefix, if one is given: what the whole installation knows one of."""


@cache
def root(column: Column[Any]) -> str | None:
    """The table whose ids a column holds; None when it holds none that is moved."""
    while column.foreign_keys:
        column = next(iter(column.foreign_keys)).column
    return column.table.name if column.primary_key and column.name == "id" else None


@dataclass
class Arriving:
    """Moves rows.

    Attributes:
        known: table -> the ids in the folder.
        offsets: table -> what is added to them.
        mapped: table -> ids that have a place here already.
    """

    known: Mapping[str, frozenset[int]]
    offsets: Mapping[str, int]
    prefix: str
    mapped: dict[str, dict[int, int]] = field(default_factory=dict)

    def row(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        """A row as it is written here.

        Raises:
            Invalid: ``entity.unfit``: a column is missing or unknown, a value is not of its type, or names a record that is
                not in the folder.
        """
        expected = {one.name for one in table.columns} - withheld(table.name)
        if values.keys() != expected:
            raise unfit(table, "columns")
        found = {one.name: self._value(one, values[one.name]) for one in table.columns if one.name in expected}
        for name in BY_KIND:
            if name.startswith(f"{table.name}."):
                column, kind = name.partition(".")[2], values[BY_KIND[name]]
                found[column] = self._soft(_CODED.get(kind, ""), found[column])
        match table.name:
            case "mail_access":
                found["principal"] = self.principal(values["principal"])
            case "imputations" if found["prior"] is not None:
                found["prior"] = self._prior(table, found["prior"])
            case "scan_pages":
                found["codes"] = []  # codes on paper hold ids there
            case "saved_searches":
                found["query"] = self._query(table, found["query"])
            case "draft_versions":
                found["annexes"] = [
                    one for old in found["annexes"] if (one := self._soft("attachments", old)) is not None
                ]
        return found

    def moved(self, name: str, old: int | None) -> int | None:
        """The id here of a record of the folder.

        Raises:
            KeyError: it is not in the folder.
        """
        if old is None:
            return None
        if old in self.mapped.get(name, {}):
            return self.mapped[name][old]
        if old not in self.known[name]:
            raise KeyError(old)
        return old + self.offsets[name]

    def principal(self, principal: Any) -> str:
        """A right's principal: a unit, post or person of the folder, and of nothing else."""
        found = _PRINCIPAL.fullmatch(principal) if isinstance(principal, str) else None
        try:
            if found is None:
                raise KeyError(principal)
            return f"{found[1]}{self.moved(_OF_PRINCIPAL[found[1]], int(found[2]))}"
        except KeyError:
            raise unfit(metadata.tables["mail_access"], "principal") from None

    def _soft(self, name: str, old: Any) -> int | None:
        if not isinstance(old, int) or old not in self.known.get(name, frozenset()):
            return None
        return self.moved(name, old)

    def _prior(self, table: Table, prior: Any) -> dict[str, Any]:
        try:
            return {
                "state": str(prior["state"]),
                "responsible_unit_id": self.moved("units", prior["responsible_unit_id"]),
                "due": list(prior["due"]),
                "live": {str(self.moved("assignments", int(one))): str(state) for one, state in prior["live"].items()},
                "rights": [[self.principal(one), str(why), str(at)] for one, why, at in prior["rights"]],
            }
        except (KeyError, TypeError, ValueError, AttributeError):
            raise unfit(table, "prior") from None

    def _query(self, table: Table, query: Any) -> dict[str, Any]:
        """A stored search: it names registers and units by their codes."""
        try:
            filters = {
                str(name): [self.prefix + one if name in ("register", "unit") else one for one in map(str, values)]
                for name, values in query["filters"].items()
            }
        except (KeyError, TypeError, AttributeError):
            raise unfit(table, "query") from None
        return dict(query) | {"filters": filters}

    def _value(self, column: Column[Any], value: Any) -> Any:
        name = f"{column.table.name}.{column.name}"
        try:
            typed = _typed(column, value)
            if name in SOFT:
                return self._soft(SOFT[name], typed)
            of = root(column)
            if of is not None and typed is not None:
                return self.moved(of, typed)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise unfit(column.table, column.name) from None
        return self.prefix + typed if name in PREFIXED else typed


def unfit(table: Table, column: str) -> Invalid:
    """A row of the folder cannot be one of ours."""
    return Invalid("entity.unfit", "have it sent again", field="folder", where=f"{table.name}.{column}")


def _typed(column: Column[Any], value: Any) -> Any:
    """A JSON value as the column's type.

    Raises:
        ValueError, TypeError: it is none.
    """
    kind = column.type
    if isinstance(kind, JSON | JournalDetails):
        return value
    if value is None:
        if not column.nullable:
            raise ValueError(column.name)
        return None
    read = _READ.get(type(kind)) or next((one for of, one in _READ.items() if isinstance(kind, of)), None)
    if read is None:
        raise TypeError(kind)
    return read(kind, value)


def _plain(*types: type) -> Callable[[Any, Any], Any]:
    def read(_kind: Any, value: Any) -> Any:
        # By the exact type: for `isinstance` a boolean is an integer.
        if type(value) not in types:
            raise TypeError(value)
        return value

    return read


def _text(kind: Any, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or (kind.length is not None and len(value) > kind.length):
        raise ValueError(value)
    value.encode()  # a lone surrogate is no text
    return value


def _time(_kind: Any, value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found


_READ: Mapping[type, Callable[[Any, Any], Any]] = {
    Code: lambda kind, value: kind.enum(value),
    UtcDateTime: _time,
    Date: lambda _kind, value: date.fromisoformat(value),
    LargeBinary: lambda _kind, value: base64.b64decode(value, validate=True),
    Boolean: _plain(bool),
    Integer: _plain(int),
    Float: _plain(int, float),
    String: _text,
}


def parents_first(table: Table, rows: list[dict[str, Any]], there: Collection[int] = ()) -> Iterator[dict[str, Any]]:
    """Rows of a table that name one another, each after those that it names.

    Args:
        there: ids that are in the database already.

    Raises:
        Invalid: ``entity.unfit``: they name one another in a circle.
    """
    own = [one.name for one in table.columns if any(key.column.table is table for key in one.foreign_keys)]
    written: set[int] = set(there)
    left = rows
    while left:
        ready = [row for row in left if all(row[name] in written or row[name] in (None, row["id"]) for name in own)]
        if not ready:
            raise unfit(table, own[0])
        yield from ready
        written |= {row["id"] for row in ready}
        left = [row for row in left if row["id"] not in written]


def names_itself(table: Table) -> bool:
    """Whether rows of a table name others of it."""
    return any(key.column.table is table for one in table.columns for key in one.foreign_keys)


LATE = ("slips", "number_id")
"""Slips and numbers name one another, and a number is never changed: slips are written first, and get this column last."""


def taken() -> list[Table]:
    """The tables that are written as they come, those that others name first."""
    found = [one for one in travelling() if one.name not in NOT_TAKEN and one.name not in STOCK]
    slips = metadata.tables[LATE[0]]
    found.remove(slips)
    found.insert(next(n for n, one in enumerate(found) if one.name == "mail_numbers"), slips)
    return found
