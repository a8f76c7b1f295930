"""The administrator's page of jobs: the reason of a failure in words, never its subject; and the program that reads
pages."""

from dataclasses import replace
from pathlib import Path

import pytest

from ged import jobs
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind
from ged.ports import ReaderFacts
from ocr.engine import TesseractEngine
from tests.factories import NOW, make_services
from tests.site import make_site, sign_in


def test_a_failure_is_told_without_its_files_and_addresses(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        job = jobs.new(JobKind.NOTIFY, 1, now=NOW)
        uow.session.add(job)
        uow.session.flush()
        error = EngineFailed("post.refused", "correct", retryable=False, address="ministre@example.tg")
        held = jobs.claim(uow.session, jobs.JobId(job.id), worker="w", now=NOW)
        assert held is not None
        uow.session.flush()
        jobs.fail(uow.session, held, error, now=NOW)
        assert "ministre@example.tg" in uow.session.get_one(Job, job.id).error_detail, "the log of the job knows it"
    page = sign_in(app, "admin").get("/administration/taches").text
    assert "Le serveur de messagerie a refusé l'adresse." in page
    assert "post.refused" in page
    assert "ministre@example.tg" not in page


@pytest.mark.parametrize(("reader", "words"), [("library", "bibliothèque du programme"), ("program", "du système")])
def test_the_page_says_which_tesseract_reads_and_its_version(tmp_path: Path, reader: str, words: str) -> None:
    engine = TesseractEngine(reader=reader)
    version = engine.reads_with().version
    app, _ = make_site(tmp_path, services=replace(make_services(tmp_path), ocr=engine))
    page = sign_in(app, "admin").get("/administration/").text
    engine.close()
    assert words in page
    assert f"tesseract {version}" in page


def test_a_reader_that_is_not_there_is_told(tmp_path: Path) -> None:
    class Away:
        def reads_with(self) -> ReaderFacts:
            raise EngineFailed("ocr.unavailable", "install it")

    app, _ = make_site(tmp_path, services=replace(make_services(tmp_path), ocr=Away()))  # type: ignore[arg-type]
    page = sign_in(app, "admin").get("/administration/").text
    assert "ne répond pas : installez tesseract-ocr" in page.replace("\N{NO-BREAK SPACE}", " ")
