"""A long extract of a register: a job makes it in volumes, only its owner fetches it, and after a week it is
deleted."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, event, insert, select, update

from ged import jobs, pipeline
from ged.access import MailAccess
from ged.archive import blobs as archive_blobs
from ged.audit import AuditEntry
from ged.errors import NotFound
from ged.jobs import Job, JobKind, JobState
from ged.org.models import Holding, Person
from ged.ports import Confidentiality, Digest
from ged.register import books
from ged.register.models import Mail, MailNumber, RegisterCounter
from ged.reports import exports
from ged.reports.models import RequestedFile
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.site import make_site, post, sign_in
from tests.slip_kit import letter, register_id

pytestmark = pytest.mark.in_turns(3)

LINES = books.MAX_PRINTED + 5
Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    app, services = make_site(tmp_path)
    letter(services, "Premier courrier")
    letter(services, "Courrier réservé", level=Confidentiality.RESTRICTED)
    fill(services)
    return app, services


def fill(services: Services) -> None:
    """Add so many numbers to the register of arrivals that one document cannot list them."""
    book = register_id(services, "ARR")
    with services.unit_of_work(NOW) as uow:
        rows = [
            {"register_id": book, "year": 2026, "sequence": n, "text": f"{n:05d}/2026/MIN", "registered_at": NOW, "registered_on": TODAY}
            for n in range(3, LINES + 1)
        ]  # fmt: skip
        uow.session.execute(insert(MailNumber), rows)
        uow.session.execute(
            update(RegisterCounter).where(RegisterCounter.register_id == book).values(last_sequence=LINES)
        )


def ask(site: Site, account: str = "sg", **span: object) -> FlaskClient:
    """A person who asked for the year."""
    client = sign_in(site[0], account)
    book = register_id(site[1], "ARR")
    answer = post(client, f"/registres/{book}/fichier", {"annee": "2026", **span}, page=f"/registres/{book}")
    assert (answer.status_code, answer.location) == (303, "/mes-fichiers/"), answer.text
    return client


def run(services: Services) -> Job:
    """Run the waiting job."""
    with services.reading() as session:
        job_id = jobs.due(session, now=datetime.now(UTC), kinds=[JobKind.EXPORT])[0]
    assert pipeline.run_job(services, job_id, worker="w")
    with services.reading() as session:
        return session.get_one(Job, job_id)


def row_of(services: Services) -> RequestedFile:
    with services.reading() as session:
        return session.scalars(select(RequestedFile)).one()


def actions(services: Services) -> list[str]:
    with services.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))


def test_a_long_extract_is_offered_asked_for_made_and_fetched(site: Site) -> None:
    client, book = sign_in(site[0], "sg"), register_id(site[1], "ARR")
    offered = client.get(f"/registres/{book}/pages.pdf?annee=2026")
    assert (offered.status_code, offered.mimetype) == (200, "text/html")
    assert str(LINES) in offered.text
    assert f'action="/registres/{book}/fichier"' in offered.text
    ask(site)
    assert "est le suivant." in client.get("/mes-fichiers/").text
    assert 'hx-trigger="every 3s"' in client.get("/mes-fichiers/liste").text
    assert run(site[1]).state is JobState.DONE
    shown = client.get("/mes-fichiers/").text
    assert "hx-trigger" not in shown
    found = re.search(r'href="(/mes-fichiers/\d+\.zip)"', shown)
    assert found
    answer = client.get(found[1])
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    content = answer.data
    answer.close()
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        assert [name[:4] for name in names] == ["001-", "002-"]
        for name in names:
            with pikepdf.open(io.BytesIO(packed.read(name))) as pdf:
                assert len(pdf.pages) >= 1
    told = actions(site[1])
    assert told.count("register.file_asked") == told.count("register.file_fetched") == 1
    assert told.count("mail.printed") == 1  # the restricted letter, which this reader may see


def test_a_letter_that_stands_in_it_under_two_numbers_is_one_letter(site: Site) -> None:
    """A number was voided and the letter got another one. The check at the download counts letters, not numbers."""
    book = register_id(site[1], "ARR")
    with site[1].unit_of_work(NOW) as uow:
        mail_id = uow.session.scalars(select(MailNumber.mail_id).where(MailNumber.sequence == 1)).one()
        uow.session.execute(
            update(MailNumber)
            .where(MailNumber.register_id == book, MailNumber.sequence == 3)
            .values(mail_id=mail_id, voided_at=NOW, void_reason="double")
        )
    client = ask(site)
    assert run(site[1]).state is JobState.DONE
    answer = client.get(f"/mes-fichiers/{row_of(site[1]).id}.zip")
    assert answer.status_code == 200, answer.text
    answer.close()


def test_a_short_extract_comes_at_once(site: Site) -> None:
    client, book = sign_in(site[0], "sg"), register_id(site[1], "ARR")
    answer = client.get(f"/registres/{book}/pages.pdf?annee=2026&premier=1&dernier=3")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")


def test_nobody_else_sees_fetches_or_cancels_a_file(site: Site) -> None:
    ask(site)
    run(site[1])
    other, file_id = sign_in(site[0], "agent"), row_of(site[1]).id
    assert f"{file_id}.zip" not in other.get("/mes-fichiers/").text
    assert other.get(f"/mes-fichiers/{file_id}.zip").status_code == 404
    assert post(other, f"/mes-fichiers/{file_id}/annuler", {}).status_code == 404
    assert row_of(site[1]).id == file_id
    assert site[0].test_client().get(f"/mes-fichiers/{file_id}.zip").status_code == 303


def lose_the_register(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        person = uow.session.scalars(select(Person.id).where(Person.account == "sg")).one()
        uow.session.execute(
            update(Holding).where(Holding.person_id == person).values(until_on=TODAY - timedelta(days=1))
        )


def lose_a_letter(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        restricted = select(Mail.id).where(Mail.level == int(Confidentiality.RESTRICTED))
        uow.session.execute(delete(MailAccess).where(MailAccess.mail_id.in_(restricted)))


@pytest.mark.in_shares(2)
@pytest.mark.parametrize(("lose", "status"), [(lose_the_register, 404), (lose_a_letter, 403)])
def test_rights_lost_since_keep_the_file_from_leaving(
    site: Site, lose: Callable[[Services], None], status: int
) -> None:
    client = ask(site)
    run(site[1])
    file_id = row_of(site[1]).id
    lose(site[1])
    answer = client.get(f"/mes-fichiers/{file_id}.zip")
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert "register.file_fetched" not in actions(site[1])


def test_what_was_taken_away_before_the_job_is_not_in_the_file(site: Site) -> None:
    ask(site)
    lose_a_letter(site[1])
    run(site[1])
    shown = exports._unpacked(row_of(site[1]).shown)
    assert len(shown) == 1
    assert "mail.printed" not in actions(site[1])


def test_who_lost_the_register_gets_no_file_made(site: Site) -> None:
    ask(site)
    lose_the_register(site[1])
    job = run(site[1])
    assert (job.state, job.error_code) == (JobState.FAILED, "register.unknown")
    assert row_of(site[1]).digest is None


def test_a_failure_is_told_on_the_page(site: Site) -> None:
    client = ask(site)
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Job).where(Job.kind == JobKind.EXPORT).values(state=JobState.FAILED, error_code="typeset.crashed")
        )
    shown = client.get("/mes-fichiers/").text
    assert "typeset.crashed" in shown
    assert ".zip" not in shown


def test_the_same_asked_twice_is_one_file_and_one_person_has_three(site: Site) -> None:
    client = ask(site)
    ask(site)
    assert row_of(site[1]).total == LINES
    ask(site, premier="1", dernier="10")
    ask(site, premier="1", dernier="11")
    book = register_id(site[1], "ARR")
    answer = post(client, f"/registres/{book}/fichier", {"annee": "2026", "premier": "1", "dernier": "12"})
    assert answer.status_code == 422
    assert "3 de vos fichiers" in answer.text


def test_a_cancelled_file_is_not_made(site: Site) -> None:
    client = ask(site)
    file_id = row_of(site[1]).id
    assert post(client, f"/mes-fichiers/{file_id}/annuler", {}).status_code == 303
    assert run(site[1]).state is JobState.DONE
    assert list(site[1].blobs.digests()) == []
    assert f"{file_id}.zip" not in client.get("/mes-fichiers/").text


def test_cancelled_while_it_is_made_the_job_stops_at_the_next_volume(site: Site) -> None:
    ask(site)
    said: list[str] = []

    def cancel(progress: str) -> None:
        said.append(progress)
        with site[1].unit_of_work(NOW) as uow:
            exports.cancel(uow, row_of(site[1]).id, actor=actor(site[1], "sg"))

    exports.make(site[1], row_of(site[1]).id, heartbeat=cancel, now=NOW)
    assert said == [f"{books.MAX_PRINTED}/{LINES}"]
    assert list(site[1].blobs.digests()) == []


def test_after_a_week_the_sweep_removes_the_file_and_its_bytes(site: Site) -> None:
    client = ask(site)
    run(site[1])
    row = row_of(site[1])
    assert row.digest is not None
    late = row.expires_at + timedelta(seconds=1)
    with site[1].reading() as session:
        assert archive_blobs.sweep(session, site[1].blobs, now=late) == 0  # still referred to
    with pytest.raises(NotFound, match=r"export\.unknown"):
        exports.fetch(site[1], row.id, actor=actor(site[1], "sg"), now=late)
    with site[1].unit_of_work(late) as uow:
        assert exports.forget(uow, now=row.expires_at - timedelta(seconds=1)) == 0
        assert exports.forget(uow, now=late) == 1
    with site[1].reading() as session:
        assert archive_blobs.sweep(session, site[1].blobs, now=late) == 1
    assert not site[1].blobs.exists(Digest(row.digest))
    assert client.get(f"/mes-fichiers/{row.id}.zip").status_code == 404


def test_a_number_given_after_the_request_is_not_in_the_file(site: Site) -> None:
    ask(site)
    letter(site[1], "Arrivé depuis")
    said: list[str] = []
    exports.make(site[1], row_of(site[1]).id, heartbeat=said.append, now=NOW)
    assert said[-1] == f"{LINES}/{LINES}"


def test_a_volume_is_read_by_the_keys_of_its_lines(site: Site) -> None:
    """No volume reads the lines of earlier volumes. No writing transaction is open while a volume is read or
    typeset."""
    sent: list[str] = []
    ask(site)
    event.listen(site[1].engine, "before_cursor_execute", lambda *a: sent.append(a[2]))
    exports.make(site[1], row_of(site[1]).id, heartbeat=lambda _: None, now=NOW)
    pages = [one for one in sent if "mail_numbers.sequence ASC" in one and "LIMIT" in one]
    assert len(pages) == 3
    assert all("mail_numbers.sequence >=" in one for one in pages[1:])
    first_write = next(n for n, one in enumerate(sent) if one.startswith(("INSERT", "UPDATE", "DELETE", "BEGIN IMM")))
    assert first_write > max(n for n, one in enumerate(sent) if one in pages)
    assert not any("register_counters" in one and "UPDATE" in one.upper() for one in sent)
