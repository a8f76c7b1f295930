"""A real clamd, with our own signature database, scans files from outside before anything opens them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged import health, pipeline
from ged.adapters.clamd import Clamd
from ged.audit import AuditEntry
from ged.capture import arrange, files
from ged.capture import pictures as scan_pictures
from ged.capture.models import Scan, ScanPage, ScanState
from ged.config import load_settings
from ged.errors import ConfigError, EngineFailed, Invalid
from ged.jobs import Job, JobKind, JobState
from ged.ports import Confidentiality, JobId
from ged.recognition import jobs as recognition
from ged.register.models import Attachment
from ged.space import Space
from ged.takeover.files import content_of
from ged.takeover.lines import ArchiveLine
from ged.unit import Services
from tests import pages
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.intake_kit import pair, quiet, register, send
from tests.mailbox_kit import box, collect, deliver, held, rows
from tests.message_kit import mail
from tests.scan_site_kit import Site, site, upload
from tests.servers import Unavailable, clamd

__all__ = ["box", "site"]  # fixtures

pytestmark = [pytest.mark.servers, pytest.mark.in_turns(3)]


@pytest.fixture
def scanner() -> Clamd:
    try:
        return Clamd(clamd.server().url)
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture
def services(tmp_path: Path, scanner: Clamd) -> Iterator[Services]:
    made = replace(make_services(tmp_path), scanner=scanner)
    make_organisation(made)
    yield made
    made.engine.dispose()


def evil(content: bytes) -> bytes:
    """A file with the virus pattern after its end."""
    return content + b"\n" + clamd.EVIL + b"\n"


def be_due(services: Services, job_id: JobId) -> None:
    with services.engine.begin() as connection:
        connection.execute(update(Job).where(Job.id == job_id).values(run_after=NOW))


def test_a_file_without_a_virus_passes_and_one_with_it_is_named(scanner: Clamd, tmp_path: Path) -> None:
    assert scanner.is_there()
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    good.write_bytes(pages.pdf("bonjour"))
    bad.write_bytes(evil(pages.pdf("bonjour")))
    scanner.check(good)
    with pytest.raises(Invalid) as refused:
        scanner.check(bad)
    assert refused.value.code == "file.virus"
    assert refused.value.params["virus"] == clamd.NAME


def test_a_file_that_it_did_not_look_at_to_the_end_does_not_pass(scanner: Clamd, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"\0" * (clamd.STREAM_MAX + 1_000_000))
    with pytest.raises(EngineFailed) as refused:
        scanner.check(large)
    assert (refused.value.code, refused.value.retryable) == ("scanner.refused", False)
    large.write_bytes(random.Random(1).randbytes(clamd.SCANNED_MAX + 100_000))
    with pytest.raises(Invalid) as found:
        scanner.check(large)
    assert "Exceeded" in str(found.value.params["virus"]), (
        "with AlertExceedsMax it says so; without, it passes the file"
    )


def test_without_its_word_nothing_is_taken(services: Services, tmp_path: Path) -> None:
    gone = replace(services, scanner=Clamd(f"unix:{tmp_path}/nobody.sock"))
    with pytest.raises(EngineFailed) as refused, (tmp_path / "x.pdf").open("w+b") as content:
        content.write(pages.pdf("un"))
        content.seek(0)
        files.examine(gone, "x.pdf", content)
    assert refused.value.code == "scanner.unavailable"
    assert "scanner.away" in health.problems(gone, Space(tmp_path, 0), now=NOW)
    assert "scanner.away" not in health.problems(services, Space(tmp_path, 0), now=NOW)


@pytest.mark.parametrize("packs", [False, True])
def test_a_text_taken_over_is_looked_at_like_any_other_file(services: Services, tmp_path: Path, *, packs: bool) -> None:
    line = ArchiveLine(
        1, "1", "", "", None, None, None, "s", "x", "", "", "", "", Confidentiality.ORDINARY, None, (), "old.txt"
    )
    (tmp_path / "old.txt").write_bytes(evil(b"Monsieur le Ministre"))
    with pytest.raises(Invalid) as refused:
        content_of(services, line, tmp_path, look_only=False, packs=packs)
    assert refused.value.code == "file.virus"
    (tmp_path / "old.txt").write_bytes(b"Monsieur le Ministre")
    taken = content_of(services, line, tmp_path, look_only=False, packs=packs)
    assert taken is not None
    assert taken.texts == ("Monsieur le Ministre",)


def test_an_upload_with_a_virus_is_refused_in_words_and_the_others_are_kept(site: Site, scanner: Clamd) -> None:
    guarded = replace(site.services, scanner=scanner)
    here = Site(guarded, site.app)
    site.app.extensions["ged_services"] = guarded
    clerk = here.browser("agent")
    answer = upload(clerk, (pages.pdf("bonne"), "bonne.pdf"), (evil(pages.pdf("mauvaise")), "mauvaise.pdf"))
    assert "Un virus a été trouvé dans « mauvaise.pdf »" in answer.text
    assert clamd.NAME in answer.text
    with guarded.reading() as session:
        assert session.scalars(select(Scan.filename)).all() == ["bonne.pdf"]


def test_a_page_of_a_bridge_with_a_virus_waits_marked_and_reaches_no_letter(services: Services) -> None:
    mail_id = register(services).mail_id
    bridge = pair(services)
    batch_id = send(services, bridge, "pile", pages.pdf("une"), evil(pages.pdf("deux")))
    recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    with services.reading() as session:
        problems = session.scalars(select(ScanPage.problem).order_by(ScanPage.position)).all()
        scan = session.scalars(select(Scan)).one()
        told = session.scalars(select(AuditEntry.action)).all()
        leaves = [leaf.id for leaf in scan.leaves]
    assert (problems, scan.state, scan.note) == (["", "file.virus"], ScanState.WAITING, "virus")
    assert "scan.virus_found" in told
    clerk = actor(services, "agent")
    with services.reading() as session, pytest.raises(Invalid, match=r"file\.virus"):
        scan_pictures.picture_source(session, scan.id, leaves[1], clerk, width_px=300)
    with pytest.raises(Invalid, match=r"scan\.virus"), services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, scan.id, mail_id, actor=clerk, now=NOW, version=None)  # type: ignore[arg-type]
    with services.reading() as session:
        assert session.scalars(select(Attachment)).all() == []
    with services.unit_of_work(NOW) as uow:
        arrange.set_removed(uow, scan.id, leaves[1], True, version=None, actor=clerk)  # type: ignore[arg-type]
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, scan.id, mail_id, actor=clerk, now=NOW, version=None)  # type: ignore[arg-type]
    with services.reading() as session:
        assert len(session.scalars(select(Attachment)).one().pages) == 1


def test_pages_wait_while_the_scanner_is_away(services: Services, tmp_path: Path) -> None:
    send(services, pair(services), "pile", pages.pdf("une"))
    gone = replace(services, scanner=Clamd(f"unix:{tmp_path}/nobody.sock"))
    with services.reading() as session:
        job_id = JobId(session.scalars(select(Job.id).where(Job.kind == JobKind.INTAKE)).one())
    for _ in range(8):  # more often than a failed job is retried
        pipeline.run_job(gone, job_id, worker="essai")
        be_due(services, job_id)
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.QUEUED, "scanner.unavailable")
        assert session.scalars(select(ScanPage.inspected_at)).all() == [None]
    pipeline.run_job(services, job_id, worker="essai")
    with services.reading() as session:
        assert session.get_one(Job, job_id).state is JobState.DONE
        assert session.scalars(select(ScanPage.problem)).all() == [""]


def test_a_message_with_a_virus_is_put_aside_whole_with_its_reason(services: Services, box) -> None:  # type: ignore[no-untyped-def]
    message = mail()
    message.add_attachment(evil(pages.pdf("une")), maintype="application", subtype="pdf", filename="piece.pdf")
    deliver(box, message)
    collect(services, box)
    (row,) = rows(services)
    assert (row.state.value, row.reason) == ("refused", "file.virus")
    assert row.sender_address, "an administrator sees whom to tell"
    assert held(box, "INBOX") == 0


@pytest.mark.parametrize("address", ["clamd", "unix:relative", "tcp://host", "tcp://host:x", "http://127.0.0.1:3310"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError):
        Clamd(address)


def test_a_scanner_beyond_this_machine_needs_a_link_that_is_protected(tmp_path: Path) -> None:
    """clamd has no TLS, and gets every letter."""
    given = tmp_path / "ged.env"
    lines = f"GED_DATA_DIR={tmp_path}\nGED_SECRET={SECRET}\nGED_CLAMD=tcp://scanner.example:3310\n"
    given.write_text(lines)
    with pytest.raises(ConfigError, match=r"config\.unprotected"):
        load_settings(given)
    given.write_text(lines + 'GED_PROTECTED_HOSTS=["scanner.example"]\n')
    assert load_settings(given).clamd == "tcp://scanner.example:3310"
