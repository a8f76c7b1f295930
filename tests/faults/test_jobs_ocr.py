"""The reading program of a job crashes, hangs or is missing. The job marks the pages and continues, or names the
reason."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged import jobs, pipeline
from ged.jobs import Job, JobKind, JobState
from ged.ports import JobId
from ged.register.models import AttachmentKind, PageText, Rendition
from ged.register.operations import SourcePage, attach
from ged.unit import Services
from ocr.engine import TesseractEngine
from sandbox import NONE
from tests import pages, slip_kit
from tests.factories import NOW, actor, make_organisation, make_services

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
REAL = "exec tesseract"


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Replace tesseract by a program that fails on its first page as asked, and really reads the others."""

    def make(behaviour: str) -> str:
        path, first = tmp_path / "tesseract-double", tmp_path / "first"
        first.touch()
        path.write_text(
            f'#!/bin/sh\ncase "$1" in --list-langs|--version) {REAL} "$@";; esac\n'
            f'if rm "{first}" 2>/dev/null; then {behaviour}; fi\n{REAL} "$@"\n'
        )
        path.chmod(0o755)
        return str(path)

    return make


def with_letter(services: Services) -> JobId:
    """A letter of three pages that waits to be read."""
    make_organisation(services)
    digests = [services.blobs.put(io.BytesIO(pages.png(f"Page {n} du rapport"))).digest for n in range(3)]
    with services.unit_of_work(NOW) as uow:
        attach(
            uow, slip_kit.letter(services), kind=AttachmentKind.DOCUMENT,
            pages=[SourcePage(digest, "image/png") for digest in digests], media_type="image/png",
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    with services.reading() as session:
        return jobs.due(session, now=NOW, kinds=[JobKind.RECOGNISE])[0]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("behaviour", ["kill -SEGV $$", "sleep 60", "kill -9 $PPID; sleep 60"])
def test_a_page_that_crashes_or_hangs_is_marked_and_the_job_goes_on(
    tmp_path: Path, program: Callable[[str], str], behaviour: str
) -> None:
    engine = TesseractEngine(tesseract=program(behaviour), jobs=1, page_timeout_s=7, isolation=NONE)
    services = replace(make_services(tmp_path), ocr=engine)
    job_id = with_letter(services)
    asked = select(func.count()).select_from(Job).where(Job.kind == JobKind.INDEX)
    with services.reading() as session:
        before = session.scalar(asked)
    assert pipeline.run_job(services, job_id, worker="w")
    engine.close()
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.DONE, "")
        read = session.scalars(select(PageText).order_by(PageText.page_no)).all()
        kinds = session.scalars(select(Rendition.kind)).all()
        after = session.scalar(asked)
    assert [bool(page.flags) for page in read] == [True, False, False]
    assert read[0].text == ""
    assert all("rapport" in page.text for page in read[1:])
    assert kinds.count("page_image") == 3, "the page is shown although it could not be read"
    assert after == (before or 0) + 1, "what was read is indexed, once"
    services.engine.dispose()


@pytest.mark.long("a job without its program: tests/faults/test_ocr_faults.py tells such a page")
def test_a_missing_program_is_said_and_the_letter_stays(tmp_path: Path) -> None:
    engine = TesseractEngine(tesseract="tesseract-of-nobody")
    services = replace(make_services(tmp_path), ocr=engine)
    job_id = with_letter(services)
    assert pipeline.run_job(services, job_id, worker="w")
    engine.close()
    with services.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.error_code) == (JobState.FAILED, "ocr.unavailable")
        assert session.scalars(select(PageText)).all() == []
    repaired = replace(services, ocr=TesseractEngine(jobs=1))
    with services.unit_of_work(NOW) as uow:
        jobs.retry(uow.session, job_id, now=NOW)
    assert pipeline.run_job(repaired, job_id, worker="w")
    with services.reading() as session:
        assert session.get_one(Job, job_id).state is JobState.DONE
        assert len(session.scalars(select(PageText)).all()) == 3
    services.engine.dispose()


def test_a_document_too_slow_as_a_whole_is_tried_again_later(tmp_path: Path) -> None:
    class Late(TesseractEngine):
        """The real engine, with a time limit of zero."""

        def recognise(self, pages, *, languages, timeout_s, out, **more):  # type: ignore[no-untyped-def]  # as the port
            return super().recognise(pages, languages=languages, timeout_s=0.01, out=out, **more)

    engine = Late(jobs=1)
    services = replace(make_services(tmp_path), ocr=engine)
    job_id = with_letter(services)
    assert pipeline.run_job(services, job_id, worker="w")
    engine.close()
    with services.reading() as session:
        job = session.get_one(Job, job_id)
    assert (job.state, job.error_code) == (JobState.QUEUED, "ocr.timeout")
    assert job.run_after > NOW
    services.engine.dispose()
