"""Proofs of a report that people ask for on the site: a row, a job that proves, and what it found in few words.

The command ``ged report verify`` names each letter that moved and who did it; its reader runs the server. What is kept here names no letter and
nobody: numbers, acts and their days. So a proof tells its readers nothing of letters that they may not open. Nor does it say that a letter
became confidential: acts that hide a letter, and those that give it to another unit, are told as one kind (``UNTOLD_ACTS``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import EngineFailed, Invalid
from ged.jobs import LIVE_STATES, Job, JobKind, JobState
from ged.monthly import checking, explaining, operations, queries, rights
from ged.monthly.checking import Change, Proof, SealOf
from ged.monthly.faults import Fault
from ged.monthly.models import MonthlyProof, MonthlyReport, MonthlyReportRevision
from ged.org.models import Person
from ged.ports import Certificate, Digest, Verdict
from ged.schema import require_opened
from ged.unit import Actor, Services, UnitOfWork

MAX_BYTES = 50_000_000
"""A report of a million letters in a month is not larger. A larger file is refused unread."""
SHOWN = 10
"""Proofs of a report on its page."""
MOST_FAULTS, MOST_CHANGES = 50, 200
"""A result keeps no more; it says how many there were."""
UNTOLD_ACTS = explaining.ACTS["level"] | explaining.ACTS["told"] | explaining.ACTS["unit"]
"""With all of them a letter leaves a number. Told by their names, those that hide it would say so to who may not open it."""
OTHER_ACTS = "other"
"""In place of the name of such an act."""
IN_HUNDREDTHS = 100


@dataclass(frozen=True)
class Changed:
    """A number that is another one today, with what changed it.

    Attributes:
        unit: the code of the line's unit; empty: the whole entity.
        letters: how many letters moved.
        acts: (action, how many entries of the journal); ``OTHER_ACTS`` for all of ``UNTOLD_ACTS`` together.
        since, until: the days of the first and the last of them; None: nothing explains the change.
    """

    unit: str
    number: str
    reported: int
    now: int
    letters: int
    acts: tuple[tuple[str, int], ...]
    since: date | None
    until: date | None


@dataclass(frozen=True)
class Found:
    """What a proof found.

    Attributes:
        faults: empty: the report is proven. ``more_faults`` are not kept.
        signer, certificate, seal_of: as ``checking.Proof``.
        more_changes: how many changed numbers are not kept.
        definitions: the version by which the report counts; 0: a proof that was kept without it, or nothing was counted.
        is_changed: whether any number is another one today.
        is_exact: whether the reader may see the report's letters counted exactly. Others are told no changed number, nor how many there are.
    """

    faults: tuple[Fault, ...]
    more_faults: int
    signer: str
    certificate: Certificate | None
    seal_of: SealOf
    counted: int
    equal: int
    changes: tuple[Changed, ...]
    more_changes: int
    is_changed: bool
    definitions: int = 0
    is_exact: bool = True

    def withheld(self) -> Self:
        """What a reader is told who may not see the report's letters counted exactly: each kind of fault once, without its place."""
        kinds = tuple(Fault(one) for one in dict.fromkeys(one.code for one in self.faults))
        return replace(self, faults=kinds, more_faults=0, equal=0, changes=(), more_changes=0, is_exact=False)


@dataclass(frozen=True)
class ProofRow:
    """A proof that somebody asked for.

    Attributes:
        done, total: how much of the register was counted again, in hundredths: letters would be those that the reader may not open,
            too; 0 before it runs.
        found: None: not yet.
    """

    id: int
    asked_at: datetime
    asked_by: str
    state: JobState
    done: int
    total: int
    error_code: str
    found: Found | None
    done_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.found is None and self.state in LIVE_STATES


@dataclass(frozen=True)
class Unknown:
    """A file that is none of the reports that its reader may read.

    Attributes:
        signatures: (who signed, verdict, reason) of each of its signatures.
    """

    signatures: tuple[tuple[str, Verdict, str], ...]


def ask(uow: UnitOfWork, report_id: int, *, actor: Actor, digest: Digest | None = None) -> int:
    """Ask for the proof of a report. Who asks again while it is proven gets the same proof.

    Args:
        digest: of one of its stored files; None: the last one.

    Raises:
        NotFound: ``monthly.unknown``.
        Invalid: ``upgrade.not_finished``.
    """
    require_opened(uow.session, operations.OPENED_BY)
    row = queries.report(uow.session, report_id, actor)
    locks.hold(uow.session, Person, [actor.person_id])  # so that a double click asks for one proof
    revision = _revision(uow.session, report_id, digest or row.last)
    waiting = uow.session.scalar(
        select(MonthlyProof.id)
        .join(Job, (Job.subject_id == MonthlyProof.id) & (Job.kind == JobKind.PROVE_REPORT))
        .where(
            MonthlyProof.report_id == report_id, MonthlyProof.revision == revision, MonthlyProof.done_at.is_(None),
            Job.state.in_(LIVE_STATES),
        )
        .limit(1)
    )  # fmt: skip
    if waiting is not None:
        return waiting
    made = MonthlyProof(report_id=report_id, revision=revision, asked_at=uow.now, asked_by_id=actor.person_id)
    uow.session.add(made)
    uow.session.flush()
    uow.record("report.proof_asked", "report", report_id, actor=actor, revision=revision)
    uow.defer(JobKind.PROVE_REPORT, made.id)
    return made.id


def bring(services: Services, pdf: bytes, *, actor: Actor, now: datetime) -> int | Unknown:
    """Prove a file that somebody brings. Returns the report whose proof is asked for now, or what its signatures say.

    The file itself is kept nowhere: a report can be proven only where the file is, byte for byte, one that was kept.

    Raises:
        Invalid: ``upload.too_large``; ``monthly.no_pdf``.
        EngineFailed: ``check.unavailable``.
    """
    if len(pdf) > MAX_BYTES:
        raise Invalid("upload.too_large", "send a smaller file", field="file", maximum=MAX_BYTES)
    if not pdf.startswith(b"%PDF-"):
        raise Invalid("monthly.no_pdf", "choose the PDF of a monthly report", field="file")
    with services.reading() as session:
        row, _issued = checking.stored(session, pdf)
        entity_id = row.entity_id if row is not None else None
        report_id = row.id if row is not None else 0
    if entity_id is not None and entity_id in rights.entities_to_prove(actor):
        for attempt in services.attempts(now):
            with attempt as uow:
                ask(uow, report_id, actor=actor, digest=checking.pdf_digest(pdf))
        return report_id
    reports = services.checker.check(pdf, at=now)
    return Unknown(tuple((one.signer, one.verdict, one.reason) for one in reports if not one.is_timestamp))


def proofs(session: Session, report_id: int, actor: Actor) -> list[ProofRow]:
    """The last proofs of a report, the newest first, as far as the actor may know (``Found.withheld``).

    Raises:
        NotFound: ``monthly.unknown``.
    """
    report = queries.report(session, report_id, actor)
    is_exact = report.entity_id in rights.entities_to_open(actor)
    rows = session.execute(
        select(MonthlyProof, Person.name, Job)
        .join(Person, Person.id == MonthlyProof.asked_by_id)
        .outerjoin(Job, (Job.subject_id == MonthlyProof.id) & (Job.kind == JobKind.PROVE_REPORT))
        .where(MonthlyProof.report_id == report_id)
        .order_by(MonthlyProof.id.desc())
        .limit(SHOWN)
    )
    return [_proof_row(proof, name, job, is_exact=is_exact) for proof, name, job in rows]


def run(services: Services, proof_id: int, *, heartbeat: Callable[[str], None], now: datetime) -> None:
    """Prove, and keep what was found. May be run again after any crash.

    Raises:
        EngineFailed: ``check.unavailable``; ``monthly.no_reader``: this process cannot read a report.
        Invalid: ``monthly.no_report``: the kept file carries no data of a report.
    """
    with services.reading() as session:
        row = session.get(MonthlyProof, proof_id)
        if row is None or row.result is not None:
            return
        digest = _digest(session, row)
    if services.open_report is None:
        raise EngineFailed("monthly.no_reader", "run the job by a worker of the installation")
    with services.blobs.open(digest) as stored:
        pdf = stored.read()
    proof = checking.verify(
        services, pdf, services.open_report, now=now, progress=lambda done, total: heartbeat(f"{done}/{total}")
    )
    result = _written(proof, services)
    for attempt in services.attempts(now):
        with attempt as uow:
            kept = uow.session.get_one(MonthlyProof, proof_id)
            if kept.result is None:
                kept.result, kept.done_at = result, now


def _revision(session: Session, report_id: int, digest: str) -> int:
    found = session.scalar(
        select(MonthlyReportRevision.sequence).where(
            MonthlyReportRevision.report_id == report_id, MonthlyReportRevision.digest == digest
        )
    )
    return found or 0


def _digest(session: Session, row: MonthlyProof) -> Digest:
    found = session.scalar(
        select(MonthlyReportRevision.digest).where(
            MonthlyReportRevision.report_id == row.report_id, MonthlyReportRevision.sequence == row.revision
        )
    )
    return Digest(found or session.get_one(MonthlyReport, row.report_id).digest)


def _proof_row(proof: MonthlyProof, name: str, job: Job | None, *, is_exact: bool) -> ProofRow:
    found = _read(proof.result) if proof.result is not None else None
    if found is not None and not is_exact:
        found = found.withheld()
    done, _slash, total = (job.progress if job is not None else "").partition("/")
    is_running = done.isdigit() and total.isdigit() and int(total) > 0
    return ProofRow(
        proof.id, proof.asked_at, name, JobState.DONE if job is None or proof.result else job.state,
        IN_HUNDREDTHS * int(done) // int(total) if is_running else 0, IN_HUNDREDTHS if is_running else 0,
        job.error_code if job else "", found, proof.done_at,
    )  # fmt: skip


# --- what is kept of a proof


def _written(proof: Proof, services: Services) -> dict[str, Any]:
    certificate, faults = proof.certificate, _nameless(proof.faults)
    return {
        "faults": [[one.code, one.where] for one in faults[:MOST_FAULTS]],
        "more_faults": max(0, len(faults) - MOST_FAULTS),
        "signer": proof.signer,
        "certificate": None if certificate is None else {
            **asdict(certificate),
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
        },
        "seal_of": proof.seal_of.value,
        "counted": proof.counted,
        "equal": proof.equal,
        "changes": [_change(one, services) for one in proof.changes[:MOST_CHANGES]],
        "more_changes": max(0, len(proof.changes) - MOST_CHANGES),
        "definitions": proof.definitions,
    }  # fmt: skip


def _nameless(faults: Iterable[Fault]) -> list[Fault]:
    """Faults that name no letter, each once."""
    return list(dict.fromkeys(Fault(one.code) if one.code.startswith("letter.") else one for one in faults))


def _named(action: str, rectified: str) -> str:
    return OTHER_ACTS if explaining.is_among(action, rectified, UNTOLD_ACTS) else action


def _change(change: Change, services: Services) -> dict[str, Any]:
    acts = {act.sequence: act for move in change.moves for act in move.acts}
    days = sorted(act.at.astimezone(services.zone).date().isoformat() for act in acts.values())
    return {
        "unit": change.unit, "number": change.number, "reported": change.reported, "now": change.now,
        "letters": len(change.moves), "acts": sorted(Counter(_named(act.action, act.rectified) for act in acts.values()).items()),
        "since": days[0] if days else None, "until": days[-1] if days else None,
    }  # fmt: skip


def _folded(acts: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The acts as they are told: a proof of an earlier release keeps their names."""
    found: Counter[str] = Counter()
    for action, times in acts:
        found[_named(action, "-")] += times  # the field of a rectification is not kept
    return tuple(sorted(found.items()))


def _read(result: Mapping[str, Any]) -> Found:
    certificate = result["certificate"]
    return Found(
        tuple(_nameless(Fault(code, where) for code, where in result["faults"])),
        result["more_faults"],
        result["signer"],
        None if certificate is None else Certificate(
            certificate["subject"], certificate["issuer"], certificate["serial"],
            datetime.fromisoformat(certificate["not_before"]), datetime.fromisoformat(certificate["not_after"]),
        ),
        SealOf(result["seal_of"]),
        result["counted"],
        result["equal"],
        tuple(
            Changed(
                one["unit"], one["number"], one["reported"], one["now"], one["letters"],
                _folded(one["acts"]),
                date.fromisoformat(one["since"]) if one["since"] else None,
                date.fromisoformat(one["until"]) if one["until"] else None,
            )
            for one in result["changes"]
        ),
        result["more_changes"],
        bool(result["changes"]),
        result.get("definitions", 0),
    )  # fmt: skip
