"""An entity is taken in while people of another ministry register letters: no id and no number is given twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.archive.seal import journal_seal
from ged.register.models import Mail, MailNumber
from ged.transfer.take_in import take_in
from ged.verify import verify
from tests import transfer_kit as kit
from tests.factories import make_services
from tests.signbook_kit import make_house
from tests.slip_kit import letter
from tests.transfer_kit import LATER

pytestmark = pytest.mark.servers


def test_people_register_meanwhile(tmp_path: Path, make_database: Callable[[], str]) -> None:
    for name in ("source", "place"):
        (tmp_path / name).mkdir()
    house = make_house(tmp_path / "source")
    for number in range(5):
        letter(house.services, f"Lettre {number}")
    folder = kit.written(house, tmp_path / "entity")
    services = make_services(tmp_path / "place", url=make_database())
    kit.add_other(services)
    kit.their_letter(services)
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
    for one in (services, house.services):
        one.engine.dispose()
