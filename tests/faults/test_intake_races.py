"""Two workers take one batch, letter or attachment. One does the work, and the other finds it done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged import audit
from ged.capture import turns
from ged.capture.models import Scan, ScanLeaf, ScanPicture, ScanTurn
from ged.codes import CodeKind, make_code
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import ScanId
from ged.recognition import jobs as recognition
from ged.register.models import Attachment, PageText, Rendition
from ged.unit import Actor, Role, Services
from tests import pages
from tests.factories import NOW, actor, make_organisation, make_services
from tests.intake_kit import pair, register, send, upload


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    url = request.getfixturevalue("make_database")() if request.param == "postgres" else None
    made = make_services(tmp_path, url=url)
    make_organisation(made)
    yield made
    made.engine.dispose()


def together(*acts: Callable[[], None]) -> None:
    """Run functions at one moment. The first exception is raised."""
    start, errors = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        start.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001  # handed to the test, which raises it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def quiet(_progress: str) -> None:
    """A heartbeat that does nothing."""


def test_a_batch_taken_in_twice_at_once_makes_its_scans_once(services: Services) -> None:
    batch_id = send(services, pair(services), "k1", pages.png("un"), pages.png("deux"))
    together(*[lambda: recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)] * 3)
    with services.snapshot() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in (Scan, ScanLeaf, ScanPicture)]
        assert counts == [1, 2, 2]
        assert list(audit.verify_chain(session)) == []


def test_clerks_of_one_pile_who_ask_at_once_are_led_to_different_scans(services: Services) -> None:
    for n in range(4):
        upload(services, f"courrier-{n}.png", pages.png(f"courrier {n}"))
    clerks = [actor(services, "agent"), *(another_clerk(services, f"agent{n}") for n in (2, 3))]
    led: dict[int, ScanId | None] = {}

    def ask(clerk: Actor) -> None:
        with services.unit_of_work(NOW) as uow:
            led[int(clerk.person_id)] = turns.take_next(uow, actor=clerk)

    for _ in range(3):
        together(*[partial(ask, clerk) for clerk in clerks])
        assert None not in led.values()
        assert len(set(led.values())) == 3
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(ScanTurn)) == 3, "each keeps the one that was given"


def another_clerk(services: Services, account: str) -> Actor:
    with services.unit_of_work(NOW) as uow:
        unit = uow.session.scalars(select(Unit).where(Unit.code == "BO")).one()
        person = Person(account=account, name=account, clearance=0)
        post = Post(code=f"BO-{account}", title=account, unit=unit, roles=[PostRole(role=Role.CLERK)])
        uow.session.add_all([person, post])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
    return actor(services, account)


def test_two_scans_of_one_label_at_once_make_one_document(services: Services) -> None:
    bridge, letter = pair(services), register(services)
    code = make_code(CodeKind.LABEL, letter.number_id, key=services.code_key)
    batch_ids = [send(services, bridge, f"k{n}", pages.png(f"passage {n}", code=code)) for n in (1, 2)]
    together(
        *[
            lambda batch_id=batch_id: recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)  # type: ignore[misc]
            for batch_id in batch_ids
        ]
    )
    with services.reading() as session:
        assert session.scalar(select(func.count(Attachment.id))) == 1
        assert sorted(session.scalars(select(Scan.note)).all()) == ["", "document_exists"]


def test_an_attachment_read_twice_at_once_is_stored_once(services: Services) -> None:
    bridge, letter = pair(services), register(services)
    code = make_code(CodeKind.LABEL, letter.number_id, key=services.code_key)
    batch_id = send(services, bridge, "k1", pages.png("Texte", code=code))
    recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    with services.reading() as session:
        attachment_id = session.scalar(select(Attachment.id)) or 0
    together(*[lambda: recognition.run_recognise(services, attachment_id, heartbeat=quiet, now=NOW)] * 2)
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(PageText)) == 1
        assert session.scalar(select(func.count()).select_from(Rendition)) == 3
