"""The second step in Chromium: a telephone, recovery codes and passkeys (its virtual authenticator), their loss and recovery; axe at
both widths in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyotp
import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import select, update

from ged.entry import totp
from ged.entry.models import Passkey, TotpSecret
from ged.unit import Role, Services
from tests.browsing import WIDTHS, authenticator, axe_faults, leading_on, press, sign_in
from tests.factories import actor
from tests.second_step_kit import arm, armed, code, id_of, journal
from tests.site import PASSWORD, make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
OWN = "/mon-compte/verification/"
LANGUAGES = {"fr-FR": "fr", "en-GB": "en"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Flask, Services]]:
    """A site under a name: browsers make passkeys for no address of numbers."""
    app, services = make_site(tmp_path)
    with served(app) as address:
        url = address.replace("127.0.0.1", "localhost")
        services = replace(services, public_url=url)
        _swap(app, services)
        yield url, app, services
    services.engine.dispose()


def _swap(app: Flask, services: Services) -> None:
    """The port is known only now."""
    app.extensions["ged_services"] = services


@contextmanager
def browsing(browser: Browser, url: str, *, locale: str = "fr-FR", width: int = 1280) -> Iterator[Page]:
    opened = browser.new_context(base_url=url, locale=locale, viewport={"width": width, "height": 800})
    page = opened.new_page()
    yield page
    opened.close()


def faults(page: Page) -> list[str]:
    """What axe finds, and whether the page is too wide."""
    return [
        *axe_faults(page),
        *(["too wide"] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []),
    ]


def first_step(page: Page, account: str = "agent") -> None:
    page.goto("/connexion")
    page.fill("#account", account)
    page.fill("#password", PASSWORD)
    with leading_on(page):
        page.press("#password", "Enter")


def follow(page: Page, name: str) -> None:
    with leading_on(page):
        page.get_by_role("link", name=name, exact=True).press("Enter")


def read_square(page: Page) -> pyotp.TOTP:
    """What a telephone reads of the screen."""
    shot = Image.open(BytesIO(page.locator("[role=img] svg").screenshot()))
    (found,) = zxingcpp.read_barcodes(np.asarray(shot.convert("L")))
    read = pyotp.parse_uri(found.text)
    assert isinstance(read, pyotp.TOTP)
    assert read.name == "agent"
    return read


def fresh(services: Services) -> None:
    """Forget the last code: the next sign-in of a test need not wait for half a minute."""
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(TotpSecret).values(last_step=0))


def test_a_telephone_from_its_arming_over_its_loss_to_the_next(
    browser: Browser, place: tuple[str, Flask, Services]
) -> None:
    url, app, services = place
    services = replace(services, second_factor_roles=frozenset({Role.CLERK}))
    _swap(app, services)
    with browsing(browser, url) as page:
        first_step(page)
        expect(page.get_by_text("Une seconde étape est demandée")).to_be_visible()
        follow(page, "Ajouter un téléphone")
        press(page, "Continuer")
        telephone = read_square(page)
        assert telephone.secret == (page.locator("[data-secret]").text_content() or "").replace(" ", "")
        expect(page.locator("#code")).to_have_attribute("autocomplete", "one-time-code")
        page.fill("#code", "12")
        press(page, "Mettre en service")
        expect(page.locator("#code-error")).to_be_visible()
        expect(page.locator("[data-secret]")).to_have_text(re.compile(r"^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$"))
        page.fill("#code", telephone.now())
        press(page, "Mettre en service")
        codes = page.locator("[data-code]").all_text_contents()
        assert len(codes) == 10
        with page.expect_download() as download:
            page.get_by_role("button", name="Imprimer la feuille").press("Enter")
        assert download.value.suggested_filename == "codes-de-secours-agent.pdf"
        # The one place where they are shown: its button comes back, for who closed the file unprinted.
        expect(page.locator("form[data-download]")).to_have_count(1)
        follow(page, "C'est fait".replace("'", "’"))
        expect(page.get_by_text("Il vous reste 10 codes")).to_be_visible()
    fresh(services)
    with browsing(browser, url) as page:
        first_step(page)
        page.goto("/recherche/")
        assert page.url.startswith(f"{url}/connexion"), "the password alone opens nothing"
        first_step(page)
        # Pasted, as WCAG 2.2 (3.3.8) asks.
        page.locator("#code").focus()
        page.keyboard.insert_text(f"{telephone.now()[:3]} {telephone.now()[3:]}")
        with leading_on(page):
            page.press("#code", "Enter")
        expect(page.locator("#navigation")).to_be_attached()
    with browsing(browser, url) as page:
        first_step(page)
        page.get_by_text("Je n'ai ni mon téléphone ni ma clé".replace("'", "’")).click()
        page.fill("#recovery_code", codes[0])
        with leading_on(page):
            page.press("#recovery_code", "Enter")
        expect(page.get_by_text("il vous en reste 9")).to_be_visible()
        page.goto(OWN)
        follow(page, "Changer de téléphone")
        page.fill("#current_password", PASSWORD)
        press(page, "Continuer")
        telephone = pyotp.TOTP((page.locator("[data-secret]").text_content() or "").replace(" ", ""))
        page.fill("#code", telephone.now())
        press(page, "Mettre en service")
        expect(page.get_by_text("Votre téléphone est ajouté.")).to_be_visible()


def test_a_passkey_after_the_password_alone_and_its_loss(browser: Browser, place: tuple[str, Flask, Services]) -> None:
    url, _app, services = place
    with browsing(browser, url) as page:
        session, device = authenticator(page)
        sign_in(page, "agent")
        page.goto(OWN)
        follow(page, "Ajouter une clé d'accès".replace("'", "’"))
        page.fill("#name", "Clé du bureau")
        page.fill("#current_password", PASSWORD)
        press(page, "Continuer")
        press(page, "Continuer")
        assert len(page.locator("[data-code]").all_text_contents()) == 10
        page.reload()
        expect(page.get_by_text("Il vous reste 10 codes")).to_be_visible()  # not: "nothing was stored"
        (made,) = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
        assert (made["isResidentCredential"], made["rpId"]) == (True, "localhost")
        # After the password.
        _sign_out(page)
        first_step(page)
        press(page, "Utiliser ma clé d'accès".replace("'", "’"))
        expect(page.locator("#navigation")).to_be_attached()
        # Alone.
        _sign_out(page)
        page.goto("/connexion?next=/recherche/")
        press(page, "Se connecter par une clé d'accès".replace("'", "’"))
        expect(page).to_have_url(f"{url}/recherche/")
        ways = [told["second_step"] for _action, told in journal(services, "session.opened") if "second_step" in told]
        assert ways == ["passkey", "passkey_alone"]
        with services.reading() as db:
            row = db.scalars(select(Passkey)).one()
        assert (row.sign_count > 0, row.used_at is not None, row.name) == (True, True, "Clé du bureau")
        # Not verified by its device: refused, in words.
        _sign_out(page)
        session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        page.goto("/connexion")
        page.get_by_role("button", name="Se connecter par une clé d'accès".replace("'", "’")).press("Enter")
        expect(page.locator("[data-passkey-failed]")).to_be_visible()
        session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
        # A copy: the count of the device is behind ours.
        with services.unit_of_work(datetime.now(UTC)) as uow:
            uow.session.execute(update(Passkey).values(sign_count=1_000_000))
        page.goto("/connexion")
        press(page, "Se connecter par une clé d'accès".replace("'", "’"))
        expect(page.get_by_text("a pu être copiée")).to_be_visible()
        assert journal(services)[-1][1]["known"] == 1_000_000
        # Lost.
        session.send("WebAuthn.removeCredential", {"authenticatorId": device, "credentialId": made["credentialId"]})
        first_step(page)
        page.get_by_role("button", name="Utiliser ma clé d'accès".replace("'", "’")).press("Enter")
        expect(page.locator("[data-passkey-failed]")).to_be_visible()


def _sign_out(page: Page) -> None:
    page.locator(".user-menu__summary").click()
    press(page, "Se déconnecter")


@pytest.mark.long("another way in the browser: tests/integration/test_second_step*.py ask the same of the service")
def test_everything_lost_and_the_reset_by_two(browser: Browser, place: tuple[str, Flask, Services]) -> None:
    url, _app, services = place
    arm(services, "agent", datetime.now(UTC))
    agent = id_of(services, "agent")
    with browsing(browser, url) as admin, browsing(browser, url) as second:
        sign_in(admin, "admin")
        admin.goto(f"/administration/personnes/{agent}")
        admin.fill("#reason", "Sac volé ; reconnu au guichet")
        press(admin, "Demander la réinitialisation")
        expect(admin.get_by_text("La demande est faite")).to_be_visible()
        assert faults(admin) == []
        sign_in(second, "sg")
        second.goto("/avis/")
        follow_part(second, "attend votre accord")
        assert faults(second) == []
        press(second, "Confirmer")
        expect(second.get_by_text("La vérification est réinitialisée")).to_be_visible()
    assert not armed(services, "agent")
    with browsing(browser, url) as page:
        sign_in(page, "agent")


def follow_part(page: Page, name: str) -> None:
    with leading_on(page):
        page.get_by_role("link", name=name).press("Enter")


@pytest.mark.long("a page under axe: tests/integration/test_every_page.py looks at every page")
@pytest.mark.in_shares(2)
@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_of_the_second_step_has_a_fault(
    browser: Browser, place: tuple[str, Flask, Services], locale: str, width: int
) -> None:
    """What every role's browser does not open (``test_every_page``): pages in the middle of something."""
    url, _app, services = place
    arm(services, "dge", datetime.now(UTC))
    with services.unit_of_work(datetime.now(UTC)) as uow:
        totp.begin(uow, actor=actor(services, "agent"))
        uow.session.add(
            Passkey(
                person_id=id_of(services, "dge"),
                name="C" * 60,
                credential_hash="x",
                credential_id=b"x",
                public_key=b"x",
                user_handle=b"x",
                sign_count=0,
                rp_id="ancien.exemple.tg",
                is_synced=True,
                added_at=datetime.now(UTC) - timedelta(days=1),
            )
        )
    with browsing(browser, url, locale=locale, width=width) as page:
        first_step(page, "dge")
        assert page.evaluate("document.documentElement.lang") == LANGUAGES[locale]
        page.locator("details summary").last.click()
        assert faults(page) == []
        page.fill("#code", "12")
        enter(page, "#code")
        assert faults(page) == []
        page.fill("#code", code(services, "dge", datetime.now(UTC)))
        enter(page, "#code")
        page.goto(OWN)
        assert faults(page) == []
    with browsing(browser, url, locale=locale, width=width) as page:
        sign_in(page, "agent")
        page.goto(f"{OWN}telephone")
        assert faults(page) == []
        page.fill("#code", code(services, "agent", datetime.now(UTC)))
        enter(page, "#code")
        assert faults(page) == []
        page.goto(f"{OWN}acte?acte=cle")
        page.fill("#name", "C" * 80)
        page.fill("#current_password", PASSWORD)
        enter(page, "#current_password")
        assert faults(page) == []


def enter(page: Page, field: str) -> None:
    with leading_on(page):
        page.press(field, "Enter")
