"""PostgreSQL ends the connection of an import, of its undoing or of a job, or cancels a statement: the page says in words that nothing
was kept, nothing is kept, and sent again it is done; a job goes on by itself."""

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from ged import jobs, pipeline
from ged.jobs import Job, JobKind, JobState
from ged.org.models import Installation
from ged.routing.load import fill_calendar
from ged.unit import Services
from tests import scan_folders_kit
from tests.administration_kit import dump, everything
from tests.factories import NOW, make_organisation, make_services
from tests.killed_kit import cut_off
from tests.lock_kit import Actor, wait_for_waiters
from tests.scan_folders_kit import picture, refused, seen
from tests.scripted_ocr import ScriptedEngine
from tests.site import make_site, post, sign_in
from tests.workbook_kit import book

pytestmark = [pytest.mark.servers, pytest.mark.slow]
ROLLOUT = "/administration/deploiement/"


@pytest.fixture
def place(make_database: Callable[[], str], tmp_path: Path) -> Iterator[tuple[FlaskClient, Services]]:
    app, services = make_site(tmp_path, services=make_services(tmp_path, url=make_database()))
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Installation(id=1, name="Ministère"))
        fill_calendar(uow)
    yield sign_in(app, "admin"), services
    services.engine.dispose()


def handed_in(client: FlaskClient, services: Services) -> str:
    units = [[f"S{n}", f"Service {n}", "service", "SG"] for n in range(3)]
    content = book(services, {"Unités": units, "Mentions": [["m1", "Pour essai", ""]]})
    answer = post(client, ROLLOUT, {"file": (io.BytesIO(content), "classeur.xlsx")})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_wherever_the_connection_ends_nothing_is_kept_and_sent_again_it_is_done(
    place: tuple[FlaskClient, Services],
) -> None:
    client, services = place
    first, where = dump(services), handed_in(client, services)
    for path in (f"{where}/importer", f"{where}/reprendre"):
        before, at = everything(services), 0
        while True:
            with cut_off(services, at) as ended:
                answer = post(client, path, {})
            if not ended:
                break
            assert answer.status_code == 503, (at, answer.text)
            assert "Rien n'a été enregistré." in answer.text
            assert "envoyez de nouveau" in answer.text
            assert everything(services) == before, at
            at += 2
        assert answer.status_code == 303
        assert at >= 6
    assert dump(services) == first


def test_a_statement_that_is_cancelled_is_said_in_words(place: tuple[FlaskClient, Services]) -> None:
    """By whoever runs the server, or by its limit of time. It was an unexpected error, with a number to report."""
    client, services = place
    where = handed_in(client, services)
    before = everything(services)
    own = create_engine(services.engine.url)
    with own.connect() as other:
        other.execute(select(Installation.id).with_for_update())
        late = Actor(lambda: post(client, f"{where}/importer", {}))
        wait_for_waiters(services.engine)
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        assert other.scalar(text(f"SELECT pg_cancel_backend(pid) FROM ({waiting}) AS one"))
        answer: TestResponse = late.result()
    own.dispose()
    assert answer.status_code == 503, answer.text
    assert "votre demande a été arrêtée" in answer.text
    assert everything(services) == before
    assert post(client, f"{where}/importer", {}).status_code == 303


def test_the_job_that_matches_a_folder_goes_on_wherever_its_connection_ends(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    services = replace(make_services(tmp_path, url=make_database()), ocr=ScriptedEngine())
    make_organisation(services)
    scan_folders_kit.add_archive(services)
    ended, at = [0], 0
    while ended:
        folder_id = scan_folders_kit.begin(services)
        scan_folders_kit.give(services, folder_id, {"1.png": picture("a"), "sans.png": picture(f"b{at}")})
        with services.reading() as session:
            [job_id] = jobs.due(session, now=datetime.now(UTC), kinds=[JobKind.TAKE_OVER_SCANS])
        with (
            cut_off(services, at) as ended,
            suppress(DBAPIError),
        ):  # before and after the job's own work the worker tries again
            pipeline.run_job(services, job_id, worker="w")
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Job).where(Job.id == job_id).values(run_after=NOW))
            uow.session.execute(update(Job).where(Job.state == JobState.RUNNING).values(lease_until=NOW))
        pipeline.run_job(services, job_id, worker="again")
        with services.reading() as session:
            assert session.get_one(Job, job_id).state is JobState.DONE
        row = seen(services, folder_id)
        assert (row.joined + row.already, row.refused, row.waiting) == (1, 1, 0), at
        assert list(refused(services, folder_id)) == ["sans.png"]
        at += 2
    assert at >= 12
    services.engine.dispose()
