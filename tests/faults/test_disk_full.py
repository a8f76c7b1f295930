"""A full disk: storing fails with a clear message, nothing incomplete remains, and the next attempt succeeds."""

import io
import multiprocessing
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import jobs, pipeline
from ged.adapters.blobs_fs import FileBlobs
from ged.errors import DiskFull
from ged.jobs import Job, JobKind, JobState
from ged.register.models import Rendition
from tests import pages, slip_kit
from tests.factories import NOW, make_organisation, make_services
from tests.full_disk_kit import FullDisk
from tests.verify_kit import read_document

LIMIT = 200_000
BIG = bytes(range(256)) * 4096


def _put_with_little_space(folder: Path, size: int) -> None:
    """Store in a separate process in which no file may grow beyond the limit (setrlimit(2)), as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    blobs = FileBlobs(folder)
    with pytest.raises(DiskFull) as failure:
        blobs.put(io.BytesIO(BIG[:size]))
    assert failure.value.code == "disk.full"
    assert failure.value.retryable
    assert "space" in failure.value.remedy
    assert list((folder / "incoming").iterdir()) == []
    assert list(blobs.digests()) == []
    blobs.put(io.BytesIO(b"a small letter still fits"))
    raise SystemExit(7)


def test_a_blob_that_does_not_fit_leaves_nothing_and_the_next_try_succeeds(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=_put_with_little_space, args=(tmp_path, len(BIG)))
    child.start()
    child.join(60)
    assert child.exitcode == 7
    blobs = FileBlobs(tmp_path)
    assert len(list(blobs.digests())) == 1
    stored = blobs.put(io.BytesIO(BIG))
    assert blobs.verify(stored.digest)


@pytest.mark.slow
def test_a_job_that_met_a_full_disk_is_tried_again_and_then_done(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    blobs = FullDisk(tmp_path / "blobs")
    full = replace(services, blobs=blobs)
    mail_id = slip_kit.letter(services)
    with pytest.raises(DiskFull, match=r"disk\.full"):
        blobs.refusals = 1
        read_document(full, mail_id, NOW)
    attachment_job(full, mail_id)
    with services.reading() as session:
        job_id = jobs.due(session, now=NOW, kinds=[JobKind.RECOGNISE])[-1]
    blobs.refusals = 1
    assert pipeline.run_job(full, job_id, worker="w")
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.QUEUED, "disk.full")
        assert session.scalars(select(Rendition)).all() == []
    assert pipeline.run_job(full, job_id, worker="w")
    with services.reading() as session:
        assert session.get_one(Job, job_id).state is JobState.DONE
        assert {r.kind for r in session.scalars(select(Rendition))} == {"searchable_pdf", "thumbnail", "page_image"}
    services.engine.dispose()


def attachment_job(services: object, mail_id: int) -> None:
    """A letter with a page attached, and the job that reads the page."""
    from ged.register.models import AttachmentKind
    from ged.register.operations import SourcePage, attach
    from ged.unit import Services
    from tests.factories import actor

    assert isinstance(services, Services)
    digest = services.blobs.put(io.BytesIO(pages.png("Demande de raccordement"))).digest
    with services.unit_of_work(NOW) as uow:
        attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(digest, "image/png")],
            media_type="image/png", actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
