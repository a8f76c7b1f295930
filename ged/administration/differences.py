"""What an act changes, field by field, before and after. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from ged.org.file import OrganisationFile
from ged.workbook.merging import key_of

SECTIONS = (
    "units", "people", "posts", "registers", "mentions", "natures", "correspondents", "filing_plan", "templates", "delegations",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A field of a record that changes.

    Attributes:
        kind: section of ``ged.org.file``.
        code: the record: code, account, or folded name.
        is_new: the record is added.
        before, after: JSON values of the record; ``is_nothing`` says which of them count as empty.
    """

    kind: str
    code: str
    field: str
    before: Any
    after: Any
    is_new: bool = False


def differences(now: OrganisationFile, wanted: OrganisationFile) -> tuple[Difference, ...]:
    """The fields that differ, in the order of the sections and of their lists."""
    found: list[Difference] = []
    for kind in SECTIONS:
        held, asked = _records(now, kind), _records(wanted, kind)
        for code, fields in asked.items():
            before = held.get(code, {})
            if before != fields:
                found += _fields(kind, code, before, fields, is_new=code not in held)
    return tuple(found)


def _records(file: OrganisationFile, kind: str) -> dict[str, dict[str, Any]]:
    dumped = (record.model_dump(mode="json", by_alias=True) for record in getattr(file, kind))
    return {key_of(kind, fields): fields for fields in dumped}


def _fields(
    kind: str, code: str, before: Mapping[str, Any], after: Mapping[str, Any], *, is_new: bool
) -> list[Difference]:
    return [
        Difference(kind, code, name, before.get(name), value, is_new)
        for name, value in after.items()
        if (None if is_nothing(before.get(name)) else before[name]) != (None if is_nothing(value) else value)
    ]


def is_nothing(value: Any) -> bool:
    """Whether a value says nothing: None, False, an empty text or list. The number 0 is a value."""
    return value is None or value is False or value in ("", [])


def as_json(found: Sequence[Difference]) -> list[list[Any]]:
    """The differences as they are stored."""
    return [list(astuple(one)) for one in found]


def from_json(stored: Sequence[Sequence[Any]]) -> tuple[Difference, ...]:
    """The inverse of ``as_json``."""
    return tuple(Difference(*one) for one in stored)


def digest(found: Sequence[Difference]) -> str:
    """A short text that changes with the differences: the form sends it, so that nobody confirms what was not shown."""
    return hashlib.sha256(json.dumps(as_json(found), sort_keys=True).encode()).hexdigest()[:32]


def touched(found: Sequence[Difference]) -> list[tuple[str, str]]:
    """(section, code) of each record that changes, once."""
    return list(dict.fromkeys((one.kind, one.code) for one in found))
