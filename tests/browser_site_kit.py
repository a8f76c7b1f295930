"""A served site for browser tests: the organisation of the tests with its mentions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from ged.register.models import Mail
from ged.unit import Services
from tests.browsing import sign_in
from tests.factories import make_services
from tests.routing_kit import make_mentions
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SUBJECT = "Demande d'audience du collectif des riverains"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Services]]:
    """(URL, services) of a site on a free loopback port."""
    app, services = make_site(tmp_path, services=make_services(tmp_path))
    make_mentions(services)
    with served(app) as url:
        yield url, services
    services.engine.dispose()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Services]) -> Iterator[Page]:
    """A page of the site in French, as wide as a telephone."""
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 360, "height": 740})
    yield context.new_page()
    context.close()


def fill_registration(page: Page) -> None:
    """Sign in as a clerk, and fill the form of an arriving letter with ``SUBJECT``."""
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    page.select_option("#addressed_post_id", index=1)
    page.fill("#sender_name", "Collectif des riverains")
    page.fill("#subject", SUBJECT)


def count_registered(services: Services) -> int:
    """How many letters with ``SUBJECT`` are registered."""
    with services.reading() as session:
        return session.scalar(select(func.count(Mail.id)).where(Mail.subject == SUBJECT)) or 0
