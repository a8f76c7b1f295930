"""PostgreSQL ends the connection of an import or of its undoing, or cancels a statement of it: the page says in words that nothing
was kept, nothing is kept, and sent again it is done."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, create_engine, event, select, text
from werkzeug.test import TestResponse

from ged.org.models import Installation
from ged.routing.load import fill_calendar
from ged.unit import Services
from tests.administration_kit import dump, everything
from tests.factories import NOW, make_services
from tests.killed_kit import WRITING
from tests.lock_kit import Actor, wait_for_waiters
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


@contextmanager
def cut_off(services: Services, at: int) -> Iterator[list[int]]:
    """Another session ends the connection that is about to write, at the ``at``-th statement that writes or at a commit. Yields a
    list that then has the number of its process."""
    own, ended, left = create_engine(services.engine.url, isolation_level="AUTOCOMMIT"), list[int](), [at]

    def end(connection: Connection) -> None:
        left[0] -= 1
        if left[0] != -1:
            return
        held = connection.connection.dbapi_connection
        assert held is not None
        pid = held.info.backend_pid
        with own.connect() as other:
            assert other.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
        ended.append(pid)

    def statement(connection: Connection, _cursor: object, said: str, *_: object) -> None:
        if said.lstrip().startswith(WRITING):
            end(connection)

    event.listen(services.engine, "before_cursor_execute", statement)
    event.listen(services.engine, "commit", end)
    try:
        yield ended
    finally:
        event.remove(services.engine, "before_cursor_execute", statement)
        event.remove(services.engine, "commit", end)
        own.dispose()


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
            at += 1
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
    assert "Rien n'a été enregistré." in answer.text
    assert everything(services) == before
    assert post(client, f"{where}/importer", {}).status_code == 303
