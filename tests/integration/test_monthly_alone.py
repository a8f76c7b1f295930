"""Monthly reports that are made by themselves, and proofs that are asked for on the site; on both databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Barrier, BrokenBarrierError, local
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from ged import pipeline
from ged.archive.institution_seal import FIELD, REPORT_REASON
from ged.errors import EngineFailed, Forbidden, Invalid, NotFound
from ged.figures import operations as figures
from ged.figures.models import FigureState
from ged.health import work
from ged.health.ground import Ground as HealthGround
from ged.health.ground import SettingsFile
from ged.jobs import Job, JobKind, JobState
from ged.monthly import again, operations, proofs, wishes
from ged.monthly.checking import SealOf
from ged.monthly.faults import Fault
from ged.monthly.models import MonthlyProof, MonthlyReport, MonthlyReportRevision, MonthlyWish
from ged.monthly.proofs import Unknown
from ged.morning import machines
from ged.morning.base import Ground
from ged.org.models import Unit
from ged.ports import CertifiedPerson, Digest, JobId, SignRequest, Verdict
from ged.unit import Role, Services
from signing.pades import PadesSigner
from signing.pki import Authority, certificates_in
from signing.sealing import MemoryKey
from tests.factories import NOW, TODAY, actor, add_entity
from tests.figure_letters_kit import add_auditor
from tests.figure_play_kit import Play
from tests.hands_kit import at_once
from tests.monthly_kit import KEY, LATER, add_minister, file_of, make, prove, with_seal
from tests.routing_kit import services_on_either, unit_id
from web.wiring.attached import report_file
from web.words import monthly as words

__all__ = ["services_on_either"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal, and what reads a report."""
    return replace(with_seal(services_on_either, tmp_path), open_report=report_file)


def want(services: Services, *, on: bool = True, by: str = "admin", now: datetime = NOW) -> None:
    with services.unit_of_work(now) as uow:
        wishes.switch(uow, unit_id(services, "MIN"), on=on, actor=actor(services, by, on=now.date()))


def run(services: Services, now: datetime) -> int:
    """A night: is the job due, and what does it make?"""
    with services.unit_of_work(now) as uow:
        is_due = wishes.is_due(uow)
    made = wishes.run(services, heartbeat=lambda _told: None, now=now)
    assert is_due or not made
    return made


def made_on(services: Services) -> list[date]:
    with services.reading() as session:
        return list(session.scalars(select(MonthlyReport.month).order_by(MonthlyReport.id)))


def ask(services: Services, report_id: int, *, by: str = "admin", now: datetime = LATER) -> int:
    with services.unit_of_work(now) as uow:
        return proofs.ask(uow, report_id, actor=actor(services, by, on=now.date()))


def test_two_hands_and_the_night_make_one_report(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looks for another report when nobody has entered one yet; the lock lets them look one after the other."""
    Play(services).register(received_on=TODAY)
    figures.run(services, now=LATER)
    want(services)
    kept, sealed, ready, both, looks = again.last_on, operations._sealed, Barrier(3), Barrier(2), local()

    def together(*given: Any) -> Any:
        found = sealed(*given)
        looks.enters = ready.wait(60) >= 0  # before any lock
        return found

    def looked(session: Session, entity_id: int, month: date) -> again.Earlier | None:
        found = kept(session, entity_id, month)
        if hasattr(looks, "enters"):
            with suppress(BrokenBarrierError):
                both.wait(1)
        return found

    monkeypatch.setattr(operations, "_sealed", together)
    monkeypatch.setattr(again, "last_on", looked)
    hand = partial(
        operations.make, services, int(unit_id(services, "MIN")), TODAY, actor=actor(services, "admin", on=LATER.date()), now=LATER
    )  # fmt: skip
    raised = at_once(hand, hand, partial(wishes.run, services, heartbeat=lambda _told: None, now=LATER))
    assert len(made_on(services)) == 1
    assert {getattr(one, "code", repr(one)) for one in raised} == {"monthly.made_already"}


# --- by themselves


def test_the_report_of_a_month_is_made_once_after_its_end(services: Services) -> None:
    Play(services).register(received_on=TODAY)
    figures.run(services, now=NOW)
    assert run(services, LATER) == 0, "nobody wants it"
    want(services)
    want(services)
    assert run(services, NOW + timedelta(days=1)) == 0, "the month is not over"
    assert run(services, LATER) == 1
    assert run(services, LATER) == 0
    assert made_on(services) == [date(2026, 11, 1)]
    with services.reading() as session:
        row = session.scalars(select(MonthlyReport)).one()
        assert row.made_by_id is None
    assert prove(services, file_of(services, row)).seal_of is SealOf.PRESENT


def test_after_months_of_standstill_each_missed_month_is_made(services: Services) -> None:
    figures.run(services, now=NOW)
    want(services)
    assert run(services, datetime(2027, 2, 14, 4, tzinfo=UTC)) == 3
    assert made_on(services) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


def test_an_entity_that_closes_gets_the_report_of_its_last_month(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "MIN"))
    figures.run(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        wishes.switch(uow, unit_id(services, "CEET"), on=True, actor=actor(services, "admin"))
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Unit, unit_id(services, "CEET")).closed_at = datetime(2026, 12, 14, 10, tzinfo=UTC)
    assert run(services, LATER) == 1
    assert run(services, datetime(2027, 3, 2, 4, tzinfo=UTC)) == 1
    assert made_on(services) == [date(2026, 11, 1), date(2026, 12, 1)], "it was open in December, and not afterwards"


def test_a_month_that_somebody_made_gets_no_other_report(services: Services) -> None:
    want(services)
    make(services)
    assert run(services, LATER) == 0
    assert made_on(services) == [date(2026, 11, 1)]
    with services.unit_of_work(LATER) as uow:
        assert not wishes.is_due(uow)


def test_it_can_be_stopped_and_begins_anew_with_the_present_month(services: Services) -> None:
    figures.run(services, now=NOW)
    want(services)
    want(services, on=False)
    assert run(services, LATER) == 0
    later = datetime(2027, 1, 10, 9, tzinfo=UTC)
    want(services, now=later)
    assert run(services, later) == 0, "the months before were not wanted"
    with services.reading() as session:
        (row,) = [one for one in wishes.wishes(session, actor(services, "admin")) if one.next_month]
    assert (row.next_month, row.asked_by) == (date(2027, 1, 1), "Admin")


def test_two_nights_at_once_make_one_report(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that lost its lease goes on beside the next one: whoever comes second enters nothing."""
    figures.run(services, now=NOW)
    want(services)
    kept = operations.read

    def slowly(*given: object, **named: object) -> object:
        monkeypatch.setattr(operations, "read", kept)
        assert run(services, LATER) == 1
        return kept(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(operations, "read", slowly)
    assert wishes.run(services, heartbeat=lambda _told: None, now=LATER) == 0
    assert made_on(services) == [date(2026, 11, 1)]


def test_who_may_not_make_reports_may_not_have_them_made(services: Services) -> None:
    with pytest.raises(NotFound):
        want(services, by="agent")
    with pytest.raises((Forbidden, NotFound)):
        want(services, by="dge")


def test_a_night_that_fails_is_told_in_the_morning_and_by_the_health(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures.run(services, now=NOW)
    want(services)

    def fails(*_given: object, **_named: object) -> None:
        raise Invalid("typeset.failed", "")

    monkeypatch.setattr(operations, "make", fails)
    with services.unit_of_work(LATER) as uow:
        uow.defer(JobKind.MONTHLY_REPORTS, 0)
    with services.unit_of_work(LATER) as uow:
        uow.session.execute(update(Job).values(run_after=NOW))
        # A job asks the real clock: its month was over long ago.
        uow.session.execute(update(MonthlyWish).values(made_upto=date(2019, 12, 1)))
        job_id = uow.session.scalars(select(Job.id).where(Job.kind == JobKind.MONTHLY_REPORTS)).one()
    pipeline.run_job(services, JobId(job_id), worker="test")
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.FAILED, "monthly.not_made")
        assert "MIN" in job.error_detail
        ground = Ground(session, services, actor(services, "admin"), LATER)
        assert [(line.code, line.count) for line in machines.jobs(ground)[0]] == [("failed", 1)]
    healed = work.failed(HealthGround(LATER, SettingsFile(tmp_path / "ged.env"), services=services))
    assert (healed.code, healed.figures["kinds"]) == ("failed", "monthly_reports (1)")


def test_while_the_figures_are_being_made_the_night_waits(services: Services) -> None:
    figures.run(services, now=NOW)
    want(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(FigureState).values(is_whole=False))
    with pytest.raises(EngineFailed) as failed:
        wishes.run(services, heartbeat=lambda _told: None, now=LATER)
    assert (failed.value.code, failed.value.retryable) == ("monthly.not_made", True)
    assert made_on(services) == []


# --- proofs


def test_a_proof_is_asked_for_and_tells_who_asked_and_whose_the_seal_is(services: Services) -> None:
    add_minister(services)
    Play(services).register(received_on=TODAY)
    row = make(services)
    proof_id = ask(services, row.id)
    assert ask(services, row.id) == proof_id, "who asks again gets the same proof"
    with services.reading() as session:
        (waiting,) = proofs.proofs(session, row.id, actor(services, "admin"))
    assert (waiting.is_open, waiting.asked_by, waiting.found) == (True, "Admin", None)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET progress = '3/7' WHERE kind = 'prove_report'"))
    with services.reading() as session:
        (running,) = proofs.proofs(session, row.id, actor(services, "admin"))
    assert (running.done, running.total) == (42, 100), "how many letters there are is not told"
    beats: list[str] = []
    proofs.run(services, proof_id, heartbeat=beats.append, now=LATER)
    assert beats
    assert all(one.partition("/")[1] for one in beats)
    with services.reading() as session:
        (told,) = proofs.proofs(session, row.id, actor(services, "ministre"))
    found = told.found
    assert found is not None
    assert (found.faults, found.changes, found.seal_of) == ((), (), SealOf.PRESENT)
    assert found.counted == found.equal > 10
    assert found.signer.startswith("Cachet ")
    assert found.certificate is not None
    assert services.sealer is not None
    assert found.certificate == services.sealer.certificate()


def test_a_proof_names_acts_and_days_and_no_letter(services: Services) -> None:
    add_minister(services)
    play = Play(services)
    changed = play.register(received_on=TODAY)
    row = make(services)
    play.now = LATER + timedelta(days=3)
    play.redate(changed, date(2026, 10, 30))
    proof_id = ask(services, row.id, now=play.now)
    proofs.run(services, proof_id, heartbeat=lambda _told: None, now=play.now)
    with services.reading() as session:
        kept = session.get_one(MonthlyProof, proof_id).result
        (told,) = proofs.proofs(session, row.id, actor(services, "ministre"))
        (withheld,) = proofs.proofs(session, row.id, actor(services, "admin"))
    assert withheld.found is not None
    assert (withheld.found.is_changed, withheld.found.faults) == (True, ()), (
        "who is told no numbers is told the verdict"
    )
    assert (withheld.found.changes, withheld.found.equal, withheld.found.is_exact) == ((), 0, False)
    assert told.found is not None
    assert told.found.faults == ()
    (received,) = [one for one in told.found.changes if (one.unit, one.number) == ("", "received")]
    assert (received.reported, received.now, received.letters) == (1, 0, 1)
    assert received.acts == (("mail.rectified", 1),)
    assert (received.since, received.until) == (date(2026, 12, 8), date(2026, 12, 8))
    assert "Agent" not in repr(kept)
    assert set(kept or {}) == {
        "faults", "more_faults", "signer", "certificate", "seal_of", "counted", "equal", "changes", "more_changes",
        "definitions",
    }  # fmt: skip


def test_a_proof_does_not_say_that_a_letter_was_hidden_and_names_none(services: Services) -> None:
    add_minister(services)
    add_auditor(services)
    play = Play(services)
    hidden, altered = play.register(received_on=TODAY), play.register(received_on=TODAY)
    play.impute(hidden, "DGE")
    row = make(services)
    play.now = LATER
    play.raise_level(hidden)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mails SET received_on = '2026-10-30' WHERE id = :id"), {"id": altered})
    proofs.run(services, ask(services, row.id), heartbeat=lambda _told: None, now=play.now)
    with services.reading() as session:
        kept = session.scalars(select(MonthlyProof)).one().result or {}
        for_head, for_auditor = (
            proofs.proofs(session, row.id, actor(services, who))[0].found for who in ("ministre", "auditeur")
        )
    assert for_head is not None
    assert for_auditor is not None
    assert "level" not in repr(kept["changes"])
    (received,) = [one for one in for_head.changes if (one.unit, one.number) == ("DGE", "received")]
    assert received.acts == ((proofs.OTHER_ACTS, 1),)
    assert "autres actes (1)" in words.acts_words(received, "fr")
    for found in (for_head, for_auditor):
        assert found.faults == (Fault("letter.unexplained"),)
        assert words.fault_words(found.faults[0], "fr").endswith("modifiée hors du programme.")
    assert for_auditor.changes == ()


def test_a_signature_that_is_not_the_institutions_seal_is_said(services: Services, tmp_path: Path) -> None:
    """A report waits for its seal; somebody signs it with a certificate of the ministry and puts in the row."""
    row = make(replace(services, sealer=None))
    with services.blobs.open(Digest(row.digest)) as stored:
        pdf = stored.read()
    assert prove(services, pdf).seal_of is SealOf.NONE
    authority, own = Authority.open(tmp_path / "authority", KEY), ec.generate_private_key(ec.SECP256R1())
    named = CertifiedPerson("Agent", "Agent", "Ministère", "")
    key = MemoryKey(
        own, [authority.certify(own.public_key(), named, now=NOW), *certificates_in(tmp_path / "authority")]
    )
    request = SignRequest(FIELD, REPORT_REASON, "", "", LATER, appearance_pdf=b"")
    signed = PadesSigner(()).sign_with(key, pdf, request).pdf
    with services.unit_of_work(LATER) as uow:
        digest = services.blobs.put(BytesIO(signed)).digest
        uow.session.add(MonthlyReportRevision(report_id=row.id, sequence=1, digest=digest, level="B-B", at=LATER))
    proof = prove(services, signed)
    assert (proof.faults, proof.seal_of) == ((), SealOf.OTHER)
    assert proof.signer.startswith("Agent")
    assert proof.certificate is not None
    assert "Agent" in proof.certificate.subject
    assert prove(replace(services, sealer=None), signed).seal_of is SealOf.NOT_KNOWN


def test_a_file_that_is_brought_is_proven_where_it_is_a_kept_one(services: Services) -> None:
    row = make(services)
    pdf = file_of(services, row)
    who = actor(services, "admin", on=LATER.date())
    assert proofs.bring(services, pdf, actor=who, now=LATER) == row.id
    altered = pdf.replace(b"obj", b"obk", 1)
    found = proofs.bring(services, altered, actor=who, now=LATER)
    assert isinstance(found, Unknown)
    assert [verdict for _signer, verdict, _reason in found.signatures] == [Verdict.RED]
    stranger = proofs.bring(services, pdf, actor=actor(services, "dge", on=LATER.date()), now=LATER)
    assert isinstance(stranger, Unknown), "a report that he may not read is not told apart from an unknown file"
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(MonthlyProof)) == 1


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7\n" + b"\0" * 4096, b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 1 0 R >> endobj"]
)
def test_hostile_bytes_prove_nothing_and_are_kept_nowhere(services: Services, content: bytes) -> None:
    before = sorted(Path(services.data_dir).rglob("blobs/*/*"))
    found = proofs.bring(services, content, actor=actor(services, "admin"), now=LATER)
    assert isinstance(found, Unknown)
    assert {verdict for _signer, verdict, _reason in found.signatures} <= {Verdict.RED}
    assert sorted(Path(services.data_dir).rglob("blobs/*/*")) == before


def test_what_is_no_pdf_is_refused(services: Services) -> None:
    with pytest.raises(Invalid) as refused:
        proofs.bring(services, b"PK\3\4", actor=actor(services, "admin"), now=LATER)
    assert refused.value.code == "monthly.no_pdf"


def test_a_file_that_is_too_large_is_refused_unread(services: Services) -> None:
    with pytest.raises(Invalid) as refused:
        proofs.bring(services, b"%PDF-" + b"\0" * proofs.MAX_BYTES, actor=actor(services, "admin"), now=LATER)
    assert refused.value.code == "upload.too_large"


def test_the_job_proves(services: Services) -> None:
    row = make(services)
    proof_id = ask(services, row.id)
    with services.reading() as session:
        job = session.scalars(select(Job).where(Job.kind == JobKind.PROVE_REPORT)).one()
        assert job.subject_id == proof_id
    pipeline.run_job(services, JobId(job.id), worker="test")
    with services.reading() as session:
        assert session.get_one(MonthlyProof, proof_id).result is not None
