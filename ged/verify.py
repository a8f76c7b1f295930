"""``ged verify``: checks the journal, sealed heads, registers, blobs and signatures."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from ged import audit
from ged.archive import blobs as archive_blobs
from ged.archive import register_check, taken_check
from ged.archive.anchor import journal_anchors
from ged.archive.outside import HeldCopy
from ged.archive.seal import journal_seal
from ged.capture.intake import NUMBER_MISSING
from ged.closing import operations as closing
from ged.errors import EngineFailed, GedError
from ged.journal_values import reading_any_value
from ged.monthly import queries as monthly
from ged.ports import Digest, Verdict
from ged.register.models import MailNumber, Register
from ged.reserve import checking as reserve
from ged.routing import checking as routing
from ged.signbook.queries import issued_letters
from ged.slips.revisions import issued_slips
from ged.unit import Services


@dataclass(frozen=True)
class Problem:
    """A failed check: a stable code, and the place."""

    code: str
    where: str


@dataclass(frozen=True)
class VerifyReport:
    """What was checked and what was found.

    Attributes:
        sealed_until: a sealed head outside the database covers the entries up to this number.
        unsealed: number of later entries. If they are deleted and the head is rewritten, only paper can prove it.
        unsealed_age_s: age of the oldest unsealed entry, in seconds; 0 when there is none.
    """

    entries: int
    sealed_until: int
    sealed_at: str
    unsealed: int
    unsealed_age_s: int
    numbers_without_gap: bool
    blobs: int
    signatures: int
    problems: tuple[Problem, ...]
    copy_heads: int = 0
    """Number of sealed heads, in a copy kept elsewhere, with which the journal was compared."""
    copy_until: int = 0
    """The copy covers the entries up to this number."""


def verify(services: Services, *, now: datetime, held: HeldCopy | None = None) -> VerifyReport:
    """Check everything; nothing is changed.

    Args:
        held: key and heads from elsewhere. Without them, an attacker with the whole server could have rewritten it all.

    Raises:
        EngineFailed: ``database.malformed``: the database cannot be read, so its content cannot be checked;
            ``database.unreachable``.
    """
    with _readable(services) as misplaced:
        return _verify(services, now, held, misplaced)


_MISPLACED = re.compile(r"(NULL|NUMERIC|TEXT|non-[A-Z]+) value in ")
"""What SQLite says of a value that its column does not take: the file is sound, and everything can be read."""


@contextmanager
def _readable(services: Services) -> Iterator[list[Problem]]:
    """Translate the symptoms of a damaged database (errors of SQLite, invalid values) into one error.

    Yields values that their columns do not take: an intruder must not end the whole check with one of them.
    """
    misplaced: list[Problem] = []
    is_file = services.engine.dialect.name == "sqlite"
    try:
        if is_file:
            with services.reading() as session:
                found = [str(one) for one in session.scalars(text("PRAGMA quick_check"))]
            structural = [one for one in found if one != "ok" and not _MISPLACED.match(one)]
            if structural or not found:
                raise _malformed(structural[0] if structural else "")
            misplaced = [Problem("database.misplaced_value", one) for one in found if one != "ok"]
        yield misplaced
    except (DatabaseError, ValueError, TypeError) as error:
        if is_file:
            raise _malformed(str(getattr(error, "orig", error))) from error
        if isinstance(error, OperationalError):
            raise EngineFailed("database.unreachable", "start the database or correct GED_DATABASE_URL") from None
        raise


def _malformed(reason: str) -> EngineFailed:
    reason = " ".join(reason.split())
    return EngineFailed(
        "database.malformed",
        "the file is damaged, or was copied while it was written: restore a backup, and copy by `.backup` of sqlite3",
        reason=reason[:200],
    )


_ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What a check raises on a value that nobody writes but an intruder."""


def _found(name: str, check: Callable[[], Iterable[Problem]]) -> list[Problem]:
    """The problems of one check. An odd value ends this check only, and that is a problem of its own."""
    found: list[Problem] = []
    try:
        for one in check():
            found.append(one)  # one by one: what was found before the odd value is kept
    except _ODD as error:
        found.append(Problem("check.stopped", f"{name}: {type(error).__name__}"))
    return found


def _verify(services: Services, now: datetime, held: HeldCopy | None, misplaced: Iterable[Problem]) -> VerifyReport:
    problems = list(misplaced)
    seal = journal_seal(services)
    # People work meanwhile: read the file of heads first, then a snapshot of the database from after that.
    last = seal.last()
    anchors = journal_anchors(services)
    anchored = anchors.lines()
    with services.snapshot() as session, reading_any_value(session):

        def placed(name: str, found: Callable[[], Iterable[tuple[str, str]]]) -> None:
            problems.extend(_found(name, lambda: (Problem(code, where) for code, where in found())))

        def chained(name: str, what: str, found: Callable[[], Iterable[audit.Finding]]) -> None:
            placed(name, lambda: ((one.code, f"{what} {one.sequence}") for one in found()))

        chained("seals", "sealed head", lambda: seal.verify(session))
        chained("anchors", "anchor", lambda: anchors.verify(session, anchored))
        if held is not None:
            chained("copy", "copy", lambda: held.compare(session, seal))
        entries = audit.head(session).count
        age_s = _age_s(session, last.count + 1 if last else 1, now)
        placed("told numbers", lambda: (("number.told_and_missing", where) for where in _missing_numbers(session)))
        chained("journal", "journal entry", lambda: audit.verify_chain(session))
        journal_holds = not problems
        placed("gaps", lambda: _gaps(session))
        placed("register", lambda: register_check.differences(session, journal_holds=journal_holds))
        placed("closings", lambda: closing.broken(session, services))
        placed("reserve books", lambda: reserve.broken(session))
        placed("entities taken in", lambda: taken_check.broken(session))
        placed("assignments", lambda: routing.broken(session))
        blobs = list[str]()
        problems += _found("blobs", lambda: _broken_blobs(session, services, blobs))
        documents = list[tuple[str, tuple[Digest, ...]]]()
        problems += _found("signed documents", lambda: _noted(services, documents))
    signatures = 0
    # Outside of the snapshot: to check signatures takes long, and asks the database nothing.
    for label, digests in documents:
        found, broken = _check_signatures(services, label, digests, now)
        signatures += found
        problems += broken
    return VerifyReport(
        entries=entries,
        sealed_until=last.count if last else 0,
        sealed_at=last.at if last else "",
        unsealed=max(0, entries - (last.count if last else 0)),
        unsealed_age_s=age_s,
        numbers_without_gap=not any(p.code.startswith(("register.", "check.stopped")) for p in problems),
        blobs=len(blobs),
        signatures=signatures,
        problems=tuple(problems),
        copy_heads=len(held.heads) if held is not None else 0,
        copy_until=held.until if held is not None else 0,
    )


def _noted(services: Services, documents: list[tuple[str, tuple[Digest, ...]]]) -> Iterable[Problem]:
    documents.extend(_signed_documents(services))
    return ()


def _broken_blobs(session: Session, services: Services, checked: list[str]) -> Iterator[Problem]:
    """``checked`` receives each digest that was checked."""
    for digest, where in archive_blobs.named_digests(session):
        checked.append(digest)
        if not services.blobs.verify(digest):
            code = "blob.altered" if services.blobs.exists(digest) else "blob.missing"
            yield Problem(code, f"{where} {digest}")


def _gaps(session: Session) -> Iterator[tuple[str, str]]:
    codes = {r.id: r.code for r in session.scalars(select(Register))}
    for register_id, year, missing in register_check.gaps(session):
        yield "register.gap", f"{codes[register_id]} {year or ''}: {missing}".strip()


def _age_s(session: Session, sequence: int, now: datetime) -> int:
    entry = session.get(audit.AuditEntry, sequence)
    return max(0, int((now - entry.at).total_seconds())) if entry is not None else 0


def _missing_numbers(session: Session) -> list[str]:
    """Numbers on our scanned papers that the register does not know: they were given to a person, then lost."""
    rows = session.execute(
        select(audit.AuditEntry.subject_id, audit.AuditPayload.payload)
        .join(audit.AuditPayload, audit.AuditPayload.sequence == audit.AuditEntry.sequence)
        .where(audit.AuditEntry.action == NUMBER_MISSING)
        .order_by(audit.AuditEntry.sequence)
    )
    # The check of the journal names an altered entry.
    recorded = [(payload.get("number_id"), scan_id) for scan_id, payload in rows if isinstance(payload, dict)]
    named = [(number_id, scan_id) for number_id, scan_id in recorded if isinstance(number_id, int)]
    known = set(session.scalars(select(MailNumber.id).where(MailNumber.id.in_([number_id for number_id, _ in named]))))
    return [f"number id {number_id}, label on scan {scan_id}" for number_id, scan_id in named if number_id not in known]


def _signed_documents(services: Services) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, stored revisions in order) of all documents that we signed."""
    with services.reading() as session:
        yield from issued_slips(session)
        yield from issued_letters(session)
        yield from closing.issued(session)
        yield from monthly.issued(session)


def _check_signatures(
    services: Services, label: str, digests: tuple[Digest, ...], now: datetime
) -> tuple[int, list[Problem]]:
    if not digests:
        return 0, []
    try:
        with services.blobs.open(digests[-1]) as stored:
            pdf = stored.read()
    except GedError:
        return 0, []  # already reported as blob.missing or blob.altered
    reports = services.checker.check(pdf, at=now, issued=digests)
    if not reports:
        return 0, [Problem("signature.missing", f"{label} {digests[-1]}")]
    return len(reports), [
        Problem(f"signature.{r.reason}", f"{label} {r.field} {digests[-1]}")
        for r in reports
        if r.verdict is not Verdict.GREEN
    ]
