"""What an administrator reads of a job that failed: why, in words, and never what it was about."""

from pathlib import Path

from ged import jobs
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind
from tests.factories import NOW
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
