"""An entity is taken in while people of another ministry register letters: no id and no number is given twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ged import locks
from ged.archive.seal import journal_seal
from ged.errors import DatabaseAway
from ged.register.models import Attachment, Mail, MailNumber
from ged.transfer.take_in import take_in
from ged.unit import Services
from ged.verify import verify
from tests import transfer_kit as kit
from tests.factories import NOW, make_services
from tests.signbook_kit import House, make_house
from tests.slip_kit import letter
from tests.transfer_kit import LATER

pytestmark = pytest.mark.servers


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The installation that an entity of five letters leaves."""
    (tmp_path / "source").mkdir()
    made = make_house(tmp_path / "source")
    for number in range(5):
        letter(made.services, f"Lettre {number}")
    yield made
    made.services.engine.dispose()


@pytest.fixture
def services(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    """The installation of another ministry, which has one letter."""
    (tmp_path / "place").mkdir()
    made = make_services(tmp_path / "place", url=make_database())
    kit.add_other(made)
    kit.their_letter(made)
    yield made
    made.engine.dispose()


def test_people_register_meanwhile(tmp_path: Path, house: House, services: Services) -> None:
    folder = kit.written(house, tmp_path / "entity")
    begun, ended, failed, made = threading.Event(), threading.Event(), list[BaseException](), list[int]()

    def work() -> None:
        try:
            while not ended.is_set() or len(made) < 3:
                made.append(kit.their_letter(services))
                begun.set()
        except BaseException as error:  # noqa: BLE001  told by the test
            failed.append(error)
            begun.set()

    hand = threading.Thread(target=work)
    hand.start()
    begun.wait(30)
    try:
        done = take_in(services, folder, journal_seal(house.services).public_pem(), now=LATER)
    finally:
        ended.set()
        hand.join(60)
    assert failed == []
    assert not verify(services, now=LATER).problems
    kit.their_letter(services)
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mail)) == done.letters + len(made) + 2
        assert session.scalar(select(func.count()).select_from(MailNumber)) == done.letters + len(made) + 2


def test_nobody_who_is_at_work_on_a_letter_gives_way(
    tmp_path: Path, house: House, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, key_pem = kit.written(house, tmp_path / "entity"), journal_seal(house.services).public_pem()
    with services.reading() as session:
        mail_id = session.scalars(select(Mail.id)).one()
    in_the_way, sleep = threading.Event(), time.sleep

    def wait(seconds: float) -> None:
        in_the_way.set()
        sleep(seconds)

    monkeypatch.setattr("ged.locks.time.sleep", wait)
    with ThreadPoolExecutor(1) as pool:
        with services.unit_of_work(NOW) as uow:
            mail = locks.hold_known(uow.session, Mail, mail_id)
            uow.session.execute(update(Attachment).values(filename="avant.pdf"))
            taking = pool.submit(take_in, services, folder, key_pem, now=LATER)
            assert in_the_way.wait(30)
            mail.subject = "Objet corrigé"
        taking.result(60)
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mail).where(Mail.subject == "Objet corrigé")) == 1


def test_work_that_never_ends_keeps_an_entity_out(
    tmp_path: Path, house: House, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, key_pem = kit.written(house, tmp_path / "entity"), journal_seal(house.services).public_pem()
    monkeypatch.setattr("ged.transfer.take_in.PATIENCE_S", 0.2)
    with services.unit_of_work(NOW) as uow:
        locks.hold_all(uow.session, Mail)
        with pytest.raises(DatabaseAway) as refused:
            take_in(services, folder, key_pem, now=LATER)
    assert refused.value.code == "database.busy"
    take_in(services, folder, key_pem, now=LATER)
