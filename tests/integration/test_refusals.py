"""Refusals are counted: thousands of probes leave a few entries, and none of them is lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.org import refusals
from ged.org.refusals import RefusalCount
from ged.unit import Services
from tests.factories import NOW, make_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    yield made
    made.engine.dispose()


def test_the_first_are_told_each_and_then_every_doubling() -> None:
    told = [number for number in range(1, 11_003) if refusals.is_told(number)]
    assert told[:20] == list(range(1, 21))
    assert told[20:] == [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]


def test_each_actor_is_counted_by_the_hour(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        assert [refusals.count(uow.session, "person:7", now=NOW) for _ in range(3)] == [1, 2, 3]
        assert refusals.count(uow.session, "person:8", now=NOW) == 1
        assert refusals.count(uow.session, "person:7", now=NOW + timedelta(hours=1)) == 1


def test_old_counts_go(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        refusals.count(uow.session, "person:7", now=NOW - 3 * refusals.KEPT)
        refusals.count(uow.session, "person:7", now=NOW)
        assert len(uow.session.scalars(select(RefusalCount)).all()) == 1
