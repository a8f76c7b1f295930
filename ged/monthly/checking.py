"""The proof of a report years later: its seal, what it carries, and each number counted again from the register and the journal.

A report says which letters each number counts, and on which day. The register is asked for all letters as they are now. Where a letter is
counted otherwise than in the report, the journal's entries after the report must explain it: what was changed, when, by whom.
A change without such an entry was made behind the program.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from io import SEEK_END
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from ged import audit
from ged.audit import AuditEntry, AuditPayload
from ged.errors import ConfigError, EngineFailed, Invalid, NotFound
from ged.figures.definitions import VERSIONS
from ged.figures.stages import UNTOLD
from ged.journal_values import reading_any_value
from ged.monthly import acts, arrived, explaining, journal, operations, reading, replaying
from ged.monthly.acts import Acts
from ged.monthly.faults import Fault
from ged.monthly.journal import JournalSince
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.monthly.numbers import Item, Letter, Month, Number, below, columns, numbers
from ged.monthly.replaying import NO_ROWS, Act, Replayed
from ged.ports import Certificate, Confidentiality, Digest, SealedFile, SignatureReport, Verdict
from ged.progress import PartProgress
from ged.register.queries import first_numbers
from ged.unit import Services

logger = logging.getLogger(__name__)

MOST_FAULTS = 1000
"""So many faults are told, and how many others there are."""


class SealOf(StrEnum):
    """Whose the first signature of a report is."""

    PRESENT = "present"
    """The institution's seal, with its certificate of today."""
    EARLIER = "earlier"
    """A seal of the institution's name, by the issuer of its certificate of today: an earlier certificate."""
    OTHER = "other"
    """Another signer, or a seal of another issuer."""
    NOT_KNOWN = "not_known"
    """The institution's seal cannot be read here now: nothing to compare with."""
    NONE = "none"
    """Not sealed yet."""


@dataclass(frozen=True)
class Move:
    """A letter that a number counts otherwise than in the report.

    Attributes:
        mail_id: the letter, by the id that the report carries.
        number: its first valid number; empty where there is none, and of a letter that is above the ordinary level today: its number
            would tell whoever is shown the proof that it is.
        before, after: the day on which it counted and counts; of a delay, with the working days; empty: not counted.
        acts: what explains it, in order; empty: nothing does.
    """

    mail_id: int
    before: str
    after: str
    acts: tuple[Act, ...]
    number: str = ""


@dataclass(frozen=True)
class Change:
    """A number that is another one today.

    Attributes:
        unit: the code of the line's unit; empty: the whole entity.
        number: its name (``ged.figures.definitions``).
    """

    unit: str
    number: str
    reported: int
    now: int
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Proof:
    """The result.

    Attributes:
        entity, month, made_at: of the report, as it says; empty when its data cannot be trusted.
        signer, sealed_at: of the seal.
        certificate: the certificate that signed; ``seal_of``: whether it is the institution's.
        counted: how many numbers were counted again.
        equal: how many of them are what the report says.
        changes: the others, in the order of the report.
        faults: what must not be; empty: the report is proven.
        definitions: the version by which the report counts, and is proven; 0: nothing was counted.
    """

    faults: tuple[Fault, ...]
    entity: str = ""
    month: str = ""
    made_at: str = ""
    signer: str = ""
    sealed_at: datetime | None = None
    certificate: Certificate | None = None
    seal_of: SealOf = SealOf.NONE
    counted: int = 0
    equal: int = 0
    changes: tuple[Change, ...] = field(default=())
    definitions: int = 0


def verify(
    services: Services,
    pdf: bytes,
    opened: Callable[[bytes], SealedFile],
    *,
    now: datetime,
    progress: PartProgress = lambda _done, _of: None,
) -> Proof:
    """Prove a report.

    Args:
        pdf: the file.
        opened: returns the data that a PDF carries under ``sheet.ATTACHED``, and its certificate. It is called for a file
            whose bytes are proven only.

    Raises:
        Invalid: ``monthly.no_report``: the kept file carries no data of a report.
        EngineFailed: ``check.unavailable``.
    """
    with services.snapshot() as session, reading_any_value(session):
        row, issued = stored(session, pdf)
        reports = services.checker.check(pdf, at=now, issued=issued)
        faults = tuple(_seal_faults(reports, is_stored=row is not None and pdf_digest(pdf) in issued))
        if faults:
            return Proof((*faults, *_altered(services, session, pdf)))
        if row is None or not _continues(services, row, pdf):
            # Its data prove nothing: with the data of a report of ours, another paper may be signed by anybody with a key.
            sealed_at = next((one.signed_at for one in reports if not one.is_timestamp), None)
            return Proof((Fault("file.unknown"), *journal.put_back(session, sealed_at)))
        carried = opened(pdf)
        data, content = carried.data, _content(carried.data)
        since = JournalSince(
            session, int(content["journal"]["sequence"]), str(content["journal"]["hash"]), operations.month_of(content)
        )
        found = bounded(chain(file_faults(content), _row_faults(session, row, data, content), since.faults()))
        counted, changes, unexplained = _count_again(session, content, since.came, progress)
        seal = next((one for one in reports if not one.is_timestamp), None)
        return Proof(
            (*found, *unexplained),
            f"{content['entity']['name']} ({content['entity']['code']})",
            content["month"],
            content["made_at"],
            seal.signer if seal else "",
            seal.signed_at if seal else None,
            carried.certificate if seal else None,
            seal_of(services, carried.certificate if seal else None),
            counted,
            counted - len(changes),
            tuple(changes),
            content["definitions"],
        )


def bounded(faults: Iterable[Fault]) -> list[Fault]:
    """The first faults, and how many others there are: a journal of millions of entries may have been altered in each."""
    kept, others = list[Fault](), 0
    for one in faults:
        if len(kept) < MOST_FAULTS:
            kept.append(one)
        else:
            others += 1
    return [*kept, Fault("faults.others", str(others))] if others else kept


# --- the file


def pdf_digest(pdf: bytes) -> Digest:
    """SHA-256 of a file."""
    return Digest(hashlib.sha256(pdf).hexdigest())


def seal_of(services: Services, certificate: Certificate | None) -> SealOf:
    """Whether a certificate is that of the institution's seal."""
    if certificate is None:
        return SealOf.NONE
    try:
        own = services.sealer.certificate() if services.sealer is not None else None
    except (ConfigError, EngineFailed) as error:
        logger.warning("monthly.seal_unreadable code=%s", error.code)
        own = None
    if own is None:
        return SealOf.NOT_KNOWN
    if (certificate.subject, certificate.issuer) != (own.subject, own.issuer):
        return SealOf.OTHER
    return SealOf.PRESENT if certificate.serial == own.serial else SealOf.EARLIER


def stored(session: Session, pdf: bytes) -> tuple[MonthlyReport | None, tuple[Digest, ...]]:
    """The row whose stored file this is, with the digests of its file and of its revisions in order."""
    digest = pdf_digest(pdf)
    of_revision = select(MonthlyReportRevision.report_id).where(MonthlyReportRevision.digest == digest)
    row = session.scalars(
        select(MonthlyReport).where(or_(MonthlyReport.digest == digest, MonthlyReport.id.in_(of_revision)))
    ).first()
    if row is None:
        return None, ()
    revisions = session.scalars(
        select(MonthlyReportRevision.digest)
        .where(MonthlyReportRevision.report_id == row.id)
        .order_by(MonthlyReportRevision.sequence)
    )
    return row, (Digest(row.digest), *(Digest(one) for one in revisions))


def _continues(services: Services, row: MonthlyReport, pdf: bytes) -> bool:
    """Whether a file begins with the bytes that the journal names. A row of a revision may be put in by hand."""
    try:
        with services.blobs.open(Digest(row.digest)) as kept:
            first = kept.read()
    except NotFound:  # the row names bytes that are not there
        return False
    return pdf_digest(first) == row.digest and pdf.startswith(first)


def _seal_faults(reports: Sequence[SignatureReport], *, is_stored: bool) -> Iterator[Fault]:
    seals = [one for one in reports if not one.is_timestamp]
    if not seals and not is_stored:  # a report that waits for its seal is proven by the row that names its bytes
        yield Fault("seal.none")
    for one in reports:
        if one.verdict is not Verdict.GREEN and (not one.is_timestamp or one.verdict is Verdict.RED):
            yield Fault(f"seal.{one.reason}", one.field)


def _altered(services: Services, session: Session, pdf: bytes) -> Iterator[Fault]:
    """Where the file differs from a stored report of its length: it was altered there."""
    rows = session.execute(
        select(MonthlyReportRevision.digest, MonthlyReport.month, MonthlyReport.entity_id)
        .join(MonthlyReport, MonthlyReport.id == MonthlyReportRevision.report_id)
        .where(or_(MonthlyReportRevision.size_bytes == len(pdf), MonthlyReportRevision.size_bytes.is_(None)))
    )
    for digest, month, entity_id in rows:
        kept = _of_length(services, Digest(digest), len(pdf))
        if kept is not None:
            places = [at for at, (one, other) in enumerate(zip(kept, pdf, strict=True)) if one != other]
            if places and len(places) <= len(pdf) // 10:
                yield Fault(
                    "file.altered",
                    f"report {month:%Y-%m} of entity {entity_id}: {len(places)} bytes, first at {places[0]}",
                )


def _of_length(services: Services, digest: Digest, length: int) -> bytes | None:
    """A stored file of this length; None: it is another one, of which nothing is read, or lost: the altered file is told all the same."""
    try:
        with services.blobs.open(digest) as file:
            if file.seek(0, SEEK_END) != length:
                return None
            file.seek(0)
            return file.read()
    except NotFound:
        return None


def _content(data: bytes | None) -> dict[str, Any]:
    try:
        content = json.loads(data or b"")
        if content["form"] != operations.FORM:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise Invalid("monthly.no_report", "choose the PDF of a monthly report") from None
    return dict(content)


def _hash(data: bytes | None) -> str:
    return hashlib.sha256(data or b"").hexdigest()


def file_faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    """Whether the numbers of a report are those of the letters that its file carries, by the version that it names."""
    month = operations.month_of(content)
    if month is None:
        yield Fault("file.definitions", f"version {content['definitions']}, this program knows up to {max(VERSIONS)}")
        return
    letters = [Letter.of(one) for one in content["letters"]]
    made = {(one.unit_id, one.name): one.data() for one in numbers(month, letters, below(content["units"]))}
    reported = {(one["unit"], one["number"]): one for one in content["numbers"]}
    for unit_id, name in {**made, **reported}:
        if made.get((unit_id, name)) != reported.get((unit_id, name)):
            yield Fault("file.number", f"{name} of unit {unit_id}")
    if len(reported) != len(content["numbers"]):
        yield Fault("file.number", "their count")


# --- the row and the journal


def _row_faults(
    session: Session, row: MonthlyReport, data: bytes | None, content: Mapping[str, Any]
) -> Iterator[Fault]:
    kept = (row.content_hash, row.entity_id, row.month.isoformat(), row.sequence)
    if kept != (_hash(data), content["entity"]["id"], content["month"], content["journal"]["sequence"]):
        yield Fault("database.report", f"report {row.id}")
    behind = aliased(AuditEntry)
    entry, next_one, details = session.execute(
        select(AuditEntry, behind, AuditPayload)
        .outerjoin(behind, behind.sequence == journal.number_behind())
        .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(
            AuditEntry.subject_kind == "report",
            AuditEntry.subject_id == row.id,
            AuditEntry.action == "report.made",
            AuditEntry.sequence > int(content["journal"]["sequence"]),  # the part of the journal that is proven whole
        )
        .order_by(AuditEntry.sequence)
    ).first() or (None, None, None)
    stands = (row.digest, row.content_hash, row.made_at, row.made_by_id)
    said = {} if details is None else journal.said(details.payload)
    is_held = entry is not None and journal.holds(entry, next_one, audit.head(session))
    if entry is None or not is_held or (said.get("digest"), said.get("content"), entry.at, entry.person_id) != stands:
        yield Fault("journal.report", f"report {row.id}")


# --- the numbers


def _count_again(
    session: Session, content: Mapping[str, Any], came: Collection[int], progress: PartProgress
) -> tuple[int, list[Change], list[Fault]]:
    """How many numbers were counted, those that are others, and what is wrong.

    Args:
        came: letters that came after the report. They are compared with their acts also where no number counts them.
    """
    month = operations.month_of(content)
    if month is None:  # a fault of the file
        return 0, [], []
    count = _counted(session, content, month, came, progress)
    wanted = count.moved_letters | {*came}
    found = acts.of_letters(session, wanted, since=int(content["journal"]["sequence"]))
    compared = _compared(session, count, found, wanted, came)
    named = _numbers(session, {one for one in wanted if count.levels.get(one, UNTOLD) == Confidentiality.ORDINARY})
    changes, unexplained = _explained_changes(count, found, compared.not_as_left, named)
    letters = unexplained | compared.letters
    # Each by itself: whoever alters a thousand entries hides no letter behind them.
    of_acts, of_letters = chain(found.faults, compared.faults), (letters[one] for one in sorted(letters))
    return len(count.new), changes, [*bounded(of_acts), *bounded(of_letters)]


_Place = tuple[int | None, str]
"""A line of the report (None: the whole entity) and the name of a number."""
_Moves = dict[int, tuple[tuple[Item, ...], tuple[Item, ...]]]
"""Letter -> what it was and is in a number, where they differ."""


@dataclass(frozen=True)
class _Count:
    """The numbers of a report counted again, with the letters behind them.

    Attributes:
        codes: unit -> its code, as the report has it.
        since: the last entry of the journal that the report knew.
        zone: that of the report's days.
        before: the letters that the report carries.
        now, levels: these, those that count today and those that came meanwhile, with the levels under which they are counted.
        old, new: (unit, name) -> the number in the report, and today.
        moved: (unit, name) -> the letters that this number counts otherwise.
    """

    month: Month
    codes: Mapping[int, str]
    since: int
    zone: ZoneInfo
    before: Mapping[int, Letter]
    now: Mapping[int, Letter]
    levels: Mapping[int, int]
    old: Mapping[_Place, Number]
    new: Mapping[_Place, Number]
    moved: Mapping[_Place, _Moves]

    @property
    def moved_letters(self) -> set[int]:
        """The letters that any number counts otherwise."""
        return {mail_id for found in self.moved.values() for mail_id in found}


def _counted(
    session: Session, content: Mapping[str, Any], month: Month, came: Collection[int], progress: PartProgress
) -> _Count:
    """Count the numbers of a report again, from all letters of the register as it is now."""
    lines, zone = below(content["units"]), ZoneInfo(content["zone"])
    before = {one.id: one for one in map(Letter.of, content["letters"])}
    now, levels, standing = dict[int, Letter](), dict[int, int](), list[Letter]()
    for letter, level in reading.every(session, zone, progress):
        is_counted = level == Confidentiality.ORDINARY and letter.unit_id in lines[None] and month.counts(letter)
        if is_counted:
            standing.append(letter)
        if is_counted or letter.id in before or letter.id in came:
            now[letter.id], levels[letter.id] = letter, level
    old = {(one.unit_id, one.name): one for one in numbers(month, list(before.values()), lines)}
    new = {(one.unit_id, one.name): one for one in numbers(month, standing, lines)}
    return _Count(
        month,
        {unit["id"]: unit["code"] for unit in content["units"]},
        int(content["journal"]["sequence"]),
        zone,
        before,
        now,
        levels,
        old,
        new,
        {place: _moved(old[place], one) for place, one in new.items() if old[place].items != one.items},
    )


class _Compared(NamedTuple):
    """Letters beside the acts on them.

    Attributes:
        faults: of the acts.
        letters: letter -> what is wrong with it.
        not_as_left: letters that are otherwise than their acts left them, or of which that is not known: no act explains them.
    """

    faults: list[Fault]
    letters: dict[int, Fault]
    not_as_left: set[int]


def _compared(
    session: Session, count: _Count, found: Acts, wanted: Collection[int], came: Collection[int]
) -> _Compared:
    """Do the acts on each letter again, and compare what they leave with the letter's rows."""
    faults, letters, otherwise = list[Fault](), dict[int, Fault](), set[int]()
    for mail_id in sorted(wanted):
        is_there = mail_id in count.now
        if mail_id in found.doubtful and (is_there or mail_id not in count.before):
            letters[mail_id] = Fault("letter.unproven", f"letter {mail_id}, entry {found.doubtful[mail_id]}")
            continue
        if not is_there:  # a letter never leaves the register
            otherwise.add(mail_id)
            continue
        done = found.acts.get(mail_id, ())
        if not replaying.has_begun(done):
            faults.append(Fault("letter.not_begun", f"letter {mail_id}"))
        try:
            replayed = Replayed(
                done,
                found.rows.get(mail_id, NO_ROWS),
                since=count.since,
                was=count.before.get(mail_id),
                zone=count.zone,
            )
            is_otherwise = _is_otherwise(replayed, count.now[mail_id], count.levels[mail_id])
        except arrived.UNREADABLE:
            # Details that this program never writes: another journal was signed with them.
            faults += arrived.unreadable(session, mail_id, done)
            is_otherwise = True
        if is_otherwise:
            otherwise.add(mail_id)
    not_as_left = otherwise | letters.keys()
    letters |= {one: _unexplained(one) for one in otherwise & {*came}}
    return _Compared(faults, letters, not_as_left)


def _unexplained(mail_id: int) -> Fault:
    return Fault("letter.unexplained", f"letter {mail_id}")


def _explained_changes(
    count: _Count, found: Acts, not_as_left: Collection[int], named: Mapping[int, str]
) -> tuple[list[Change], dict[int, Fault]]:
    """The numbers that are others today, each letter with the acts that explain it; and letters that none explains.

    Args:
        named: letter -> its number, as it may be told.
    """
    changes, faults = list[Change](), dict[int, Fault]()
    for (unit_id, name), letters in count.moved.items():
        moves = []
        for mail_id, (was, is_now) in sorted(letters.items()):
            explains = _explained(
                columns(name, count.month.rules),
                count.before.get(mail_id),
                count.now.get(mail_id),
                count.levels.get(mail_id, 0),
                [act for act in found.acts.get(mail_id, ()) if act.sequence > count.since],
            )
            if explains is None or mail_id in not_as_left:
                faults[mail_id] = _unexplained(mail_id)
                explains = ()
            moves.append(Move(mail_id, _listed(was), _listed(is_now), explains, named.get(mail_id, "")))
        place = (unit_id, name)
        code = count.codes[unit_id] if unit_id is not None else ""
        changes.append(Change(code, name, count.old[place].letters, count.new[place].letters, tuple(moves)))
    return changes, faults


def _moved(old: Number, new: Number) -> _Moves:
    """Letter -> what it was and is in a number, where they differ."""
    gone, come = set(old.items) - set(new.items), set(new.items) - set(old.items)
    ids = {int(one[0]) for one in gone | come}
    return {
        one: (tuple(sorted(i for i in gone if i[0] == one)), tuple(sorted(i for i in come if i[0] == one)))
        for one in ids
    }


def _listed(items: Iterable[Item]) -> str:
    return ", ".join(" ".join(map(str, one[1:])) for one in items)


def _explained(
    decides: Sequence[str], was: Letter | None, is_now: Letter | None, level: int, acts: Sequence[Act]
) -> tuple[Act, ...] | None:
    """The acts that explain the change of a letter in a number; None when something of it is not explained.

    Args:
        decides: what of the letter decides whether it is counted (``numbers.columns``).
        was, is_now: the letter in the report, and today.
    """
    if is_now is None:
        return None  # a letter never leaves the register
    if was is None:
        # The report did not count it anywhere, and does not say what it was.
        wanted = [
            explaining.COMES.union(
                explaining.ACTS["unit"], explaining.ACTS["told"], *(explaining.ACTS[c] for c in decides)
            )
        ]
    else:
        differs = [column for column in decides if was.value(column) != is_now.value(column)]
        wanted = [explaining.ACTS[column] for column in differs]
        wanted += [explaining.ACTS["unit"]] if was.unit_id != is_now.unit_id else []
        wanted += [explaining.ACTS["told" if level == UNTOLD else "level"]] if level != Confidentiality.ORDINARY else []
    found = [[act for act in acts if explaining.is_among(act.action, act.rectified, those)] for those in wanted]
    if not found or not all(found):
        return None
    return tuple(sorted({act for those in found for act in those}, key=lambda act: act.sequence))


def _is_otherwise(replayed: Replayed, is_now: Letter, level: int) -> bool:
    """Whether a letter is not as the journal's acts left it: an altered row would else hide behind a true act."""
    return replayed.differs(is_now) or replayed.level_differs(level)


def _numbers(session: Session, mail_ids: Iterable[int]) -> dict[int, str]:
    """The first valid number of each of these letters."""
    wanted, found = sorted(mail_ids), dict[int, str]()
    for start in range(0, len(wanted), acts.READS_AT_ONCE):
        found |= first_numbers(session, wanted[start : start + acts.READS_AT_ONCE])
    return found
