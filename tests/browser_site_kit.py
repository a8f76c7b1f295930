"""A served site for browser tests: the organisation of the tests with its mentions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ged.unit import Services
from tests.factories import make_services
from tests.routing_kit import make_mentions
from tests.site import make_site, served


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Services]]:
    """(URL, services) of a site on a free loopback port."""
    app, services = make_site(tmp_path, services=make_services(tmp_path))
    make_mentions(services)
    with served(app) as url:
        yield url, services
    services.engine.dispose()
