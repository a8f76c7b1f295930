"""Signing in through a directory and a provider in Chromium, at both widths: the ways in, their loss, a shared desk; axe."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from playwright.sync_api import expect

from ged.adapters.ldap_directory import LdapDirectory
from ged.adapters.oidc import OidcProvider, ProviderSettings
from ged.unit import Services
from tests.browsing import AXE, WIDTHS, leading_on
from tests.servers import free_port, slapd
from tests.site import PASSWORD, make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser, pytest.mark.servers]
THEIRS = "celui du poste de travail"


@contextmanager
def mock_provider() -> Iterator[str]:
    """A small provider of others, in a thread. It warns of its own libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import oidc_provider_mock
        from oidc_provider_mock import User

        people = (
            User(sub="sub-dge", claims={"preferred_username": "dge"}),
            User(sub="sub-etudes", claims={"preferred_username": "etudes"}),
        )
        with oidc_provider_mock.run_server_in_thread(port=free_port(), user_claims=people) as server:
            yield f"http://localhost:{server.server_port}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Flask, Services]]:
    app, services = make_site(tmp_path)
    with served(app) as url:
        services = replace(services, public_url=url)
        app.extensions["ged_services"] = services
        yield url, app, services
    services.engine.dispose()


@contextmanager
def browsing(browser: Browser, url: str, width: int) -> Iterator[Page]:
    opened = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
    yield opened.new_page()
    opened.close()


def faults(page: Page) -> list[str]:
    """What axe finds, and whether the page is too wide."""
    found: list[str] = []
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run().then(found => found.violations.map(one => one.id + ' ' + one.nodes[0].html))")
    return [*found, *(["too wide"] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else [])]


def typed(page: Page, account: str, password: str) -> None:
    page.fill("#account", account)
    page.fill("#password", password)
    with leading_on(page):
        page.press("#password", "Enter")


def menu(page: Page, name: str) -> None:
    page.locator(".user-menu__summary").click()
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize("width", WIDTHS)
def test_by_the_directory_its_loss_and_a_shared_desk(
    browser: Browser, place: tuple[str, Flask, Services], width: int
) -> None:
    url, app, services = place
    tree = slapd.tree()
    tree.add("dge", THEIRS)
    app.extensions["ged_services"] = replace(services, directory=LdapDirectory(tree.settings()))
    with browsing(browser, url, width) as page:
        page.goto("/connexion?next=/avis/")
        expect(page.locator("#password-hint")).to_contain_text("poste de travail")
        assert faults(page) == []
        typed(page, "dge", PASSWORD)
        expect(page.locator(".error-summary, [role=alert]").first).to_contain_text("inexact")
        typed(page, "dge", THEIRS)
        expect(page).to_have_url(re.compile("/avis/$"))
        menu(page, "Changer de personne")
        expect(page.locator("#account")).to_have_value("")
        away = LdapDirectory(tree.settings(url=f"ldaps://127.0.0.1:{free_port()}"))
        app.extensions["ged_services"] = replace(services, directory=away)
        typed(page, "dge", THEIRS)
        expect(page.locator("main")).to_contain_text("L’annuaire du ministère ne répond pas")
        expect(page.locator("main")).to_contain_text("compte de secours")
        assert faults(page) == []
        typed(page, "etudes", PASSWORD)
        expect(page).to_have_url(re.compile("/avis/$"))
        expect(page.locator(".user-menu__name")).to_have_text("Etudes")
    tree.root.unbind_s()


@pytest.mark.parametrize("width", WIDTHS)
def test_by_the_provider_there_and_back_and_out(
    browser: Browser, place: tuple[str, Flask, Services], width: int
) -> None:
    url, app, services = place
    with mock_provider() as issuer, browsing(browser, url, width) as page:
        provider = OidcProvider(ProviderSettings(issuer, "ged", "le secret", label="le compte du ministère"))
        app.extensions["ged_services"] = replace(services, provider=provider)
        page.goto("/connexion?next=/avis/")
        assert faults(page) == []
        page.get_by_role("button", name="Se connecter par le compte du ministère").click()
        page.wait_for_url(f"{issuer}/**")
        page.get_by_role("button", name="sub-dge").click()
        page.wait_for_url("**/avis/")
        expect(page.locator(".user-menu__name")).to_have_text("Dge")
        page.goto("/")
        menu(page, "Changer de personne")
        page.wait_for_url(f"{issuer}/**")  # the session ends there too
        page.goto("/connexion")
        page.get_by_role("button", name="Se connecter par le compte du ministère").click()
        page.wait_for_url(f"{issuer}/**")
        page.get_by_role("button", name="sub-etudes").click()
        page.wait_for_url(f"{url}/")
        expect(page.locator(".user-menu__name")).to_have_text("Etudes")


@pytest.mark.parametrize("width", WIDTHS)
def test_what_the_administrator_sees(browser: Browser, place: tuple[str, Flask, Services], width: int) -> None:
    url, _app, _services = place
    with browsing(browser, url, width) as page:
        page.goto("/connexion?next=/administration/annuaire/")
        typed(page, "admin", PASSWORD)
        page.fill("#account", "admin")
        page.fill("#reason", "coffre du cabinet")
        with leading_on(page):
            page.press("#reason", "Enter")
        expect(page.locator("main")).to_contain_text("vérification en deux étapes")
        assert faults(page) == []
