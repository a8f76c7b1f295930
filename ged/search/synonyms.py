"""The administration's synonyms and abbreviations, edited line by line.

They are stored in a file (``ged.ports.SynonymBook``), so that any editor can change them too. Changes made here are
recorded in the journal, and take effect with the next search; no letter is indexed again.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import event
from sqlalchemy.orm import Session

from ged import audit
from ged.audit_changes import Journaled, journaled, last_journaled
from ged.errors import Invalid, NotFound, StaleVersion
from ged.ports import SynonymBook
from ged.unit import Actor, Services, UnitOfWork

ACTION = "synonyms.changed"
SHOWN = 5
"""Changes that the page lists."""
MAX_RECORDED = 100
"""Lines that a journal entry names."""


@dataclass(frozen=True)
class SynonymLine:
    """A group of the file: its line number (from 1), its members, and an error code, if it is invalid."""

    line_no: int
    text: str
    members: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True)
class SynonymList:
    """The present list. ``version`` changes with every edit."""

    lines: tuple[SynonymLine, ...]
    version: str
    is_own: bool


def listed(services: Services) -> SynonymList:
    """The groups in the order of the file; remarks and empty lines are left out."""
    text = services.synonyms.text()
    wrong = {one.line_no: one.code for one in services.synonyms.errors(text)}
    lines = tuple(
        SynonymLine(no, line.strip(), _members(line), wrong.get(no, ""))
        for no, line in enumerate(text.splitlines(), start=1)
        if _without_remark(line)
    )
    return SynonymList(lines, _version(text), services.synonyms.is_own)


def matching(lines: tuple[SynonymLine, ...], words: str) -> tuple[SynonymLine, ...]:
    """The groups that contain this text, ignoring accents and case; faulty lines first."""
    wanted = _folded(words.strip())
    found = [line for line in lines if wanted in _folded(line.text)]
    return tuple(sorted(found, key=lambda line: not line.error))


def check(services: Services, text: str, *, field: str, line_no: int | None = None) -> tuple[Invalid, ...]:
    """The errors of lines to be added, each with its line number among them (or ``line_no``)."""
    return tuple(
        Invalid(one.code, "correct the line", field=field, line=line_no or one.line_no, text=one.text)
        for one in services.synonyms.errors(text)
    )


def add(uow: UnitOfWork, text: str, *, actor: Actor) -> int:
    """Add groups, one on each line, at the end; returns how many. Existing groups are skipped.

    Raises:
        Invalid: ``synonyms.one_member``, ``.too_many``, ``.too_long``, ``.no_word``, ``.nothing_new``.
    """
    for error in check(uow.services, text, field="groups"):
        raise error
    audit.lock(uow.session)  # serialises concurrent administrators: they share one file
    before = uow.services.synonyms.text()
    known = {_key(line) for line in before.splitlines() if _without_remark(line)}
    fresh = {
        _key(line): line.strip() for line in text.splitlines() if _without_remark(line) and _key(line) not in known
    }
    if not fresh:
        raise Invalid("synonyms.nothing_new", "write another group", field="groups")
    added = list(fresh.values())
    _replace(uow, before, [*before.splitlines(), *added])
    uow.record(ACTION, "synonyms", None, actor=actor, added=added[:MAX_RECORDED], count=len(added))
    return len(added)


def change(uow: UnitOfWork, line_no: int, text: str, *, version: str, actor: Actor) -> None:
    """Replace a group by another.

    Raises:
        Invalid: as ``add``.
        NotFound: ``synonyms.unknown``.
        StaleVersion: ``synonyms.stale``: somebody changed the list meanwhile.
    """
    line = " ".join(text.split())
    for error in check(uow.services, line or "=", field="text", line_no=line_no):
        raise error
    lines, before = _opened(uow, line_no, version)
    old, lines[line_no - 1] = lines[line_no - 1].strip(), line
    _replace(uow, before, lines)
    uow.record(ACTION, "synonyms", None, actor=actor, removed=[old], added=[line])


def remove(uow: UnitOfWork, line_no: int, *, version: str, actor: Actor) -> None:
    """Remove a group.

    Raises:
        NotFound: ``synonyms.unknown``.
        StaleVersion: ``synonyms.stale``.
    """
    lines, before = _opened(uow, line_no, version)
    old = lines.pop(line_no - 1).strip()
    _replace(uow, before, lines)
    uow.record(ACTION, "synonyms", None, actor=actor, removed=[old])


@dataclass(frozen=True)
class SynonymChange:
    """A change of the list, as the journal has it.

    Attributes:
        sequence: of its entry.
        removed, added: its groups before and after.
        may_undo: all that it added stands in the list, and the journal names every group.
    """

    sequence: int
    at: datetime
    removed: tuple[str, ...]
    added: tuple[str, ...]
    may_undo: bool


def last_changes(services: Services, session: Session) -> list[SynonymChange]:
    """The last changes, the newest first; those whose details are gone are left out."""
    held = [line.strip() for line in services.synonyms.text().splitlines()]
    return [_change(one, held) for one in last_journaled(session, ACTION, SHOWN)]


def _change(one: Journaled, held: list[str]) -> SynonymChange:
    details = one.details
    removed, added = (tuple(map(str, details.get(name) or ())) for name in ("removed", "added"))
    is_whole = details.get("count", len(added)) == len(added)
    may_undo = is_whole and all(line in held for line in added) and not any(line in held for line in removed)
    return SynonymChange(one.sequence, one.at, removed, added, may_undo)


def undo(uow: UnitOfWork, sequence: int, *, actor: Actor) -> None:
    """Take a change back: what it added goes, what it removed stands where that stood, or at the end.

    Raises:
        NotFound: ``synonyms.unknown``.
        Invalid: ``synonyms.changed_since``: its groups have changed again.
    """
    audit.lock(uow.session)
    kept = journaled(uow.session, ACTION, sequence)
    if kept is None:
        raise NotFound("synonyms.unknown", "look at the list again")
    before = uow.services.synonyms.text()
    lines = before.splitlines()
    done = _change(kept, [line.strip() for line in lines])
    if not done.may_undo:
        raise Invalid("synonyms.changed_since", "look at the list again")
    places = [n for n, line in enumerate(lines) if line.strip() in done.added]
    at = places[0] if places else len(lines)
    left = [line for line in lines[at:] if line.strip() not in done.added]
    _replace(uow, before, [*lines[:at], *done.removed, *left])
    uow.record(
        ACTION, "synonyms", None, actor=actor, removed=list(done.added), added=list(done.removed), undone=sequence
    )


def _opened(uow: UnitOfWork, line_no: int, version: str) -> tuple[list[str], str]:
    audit.lock(uow.session)
    before = uow.services.synonyms.text()
    if _version(before) != version:
        raise StaleVersion("synonyms.stale", "look at the list again")
    lines = before.splitlines()
    if not 1 <= line_no <= len(lines) or not _without_remark(lines[line_no - 1]):
        raise NotFound("synonyms.unknown", "look at the list again")
    return lines, before


def _replace(uow: UnitOfWork, before: str, lines: list[str]) -> None:
    """Write the file. If the transaction fails afterwards, the file is restored, so that journal and file agree."""
    book = uow.services.synonyms
    book.replace("".join(f"{line}\n" for line in lines))
    event.listen(uow.session, "after_rollback", lambda _session: _put_back(book, before), once=True)


def _put_back(book: SynonymBook, before: str) -> None:
    book.replace(before)


def _without_remark(line: str) -> str:
    return line.partition("#")[0].strip()


def _members(line: str) -> tuple[str, ...]:
    parts = _without_remark(line).replace(",", "=").replace(";", "=").split("=")
    return tuple(part.strip() for part in parts if part.strip())


def _key(line: str) -> frozenset[str]:
    return frozenset(_folded(member) for member in _members(line))


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
