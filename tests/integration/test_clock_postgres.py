"""The program's clock is compared with PostgreSQL's, which is right."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ged.unit import Services
from tests.clock_kit import DAY, confirm, number, refusal
from tests.factories import make_organisation, make_services

pytestmark = pytest.mark.servers


@pytest.fixture
def on_server(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    """An installation whose database has a right clock of its own."""
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.engine.dispose()


def test_a_new_day_that_the_database_does_not_know_of_is_refused(on_server: Services) -> None:
    today = datetime.now(UTC)
    number(on_server, today)
    assert refusal(on_server, today + 3 * DAY) == "clock.ahead"
    number(on_server, today)
    confirm(on_server, today + 3 * DAY)
    number(on_server, today + 3 * DAY)
