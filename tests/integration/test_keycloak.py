"""Signing in through a real Keycloak: its pages, its tokens, an account that is disabled there. Asked for by ``GED_TEST_LONG=1``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ged.adapters.oidc import OidcProvider, ProviderSettings
from ged.directory import closing
from ged.unit import Services
from tests.factories import make_services
from tests.second_step_kit import journal
from tests.servers import keycloak
from tests.servers.keycloak import Administration
from tests.site import make_site, post

pytestmark = pytest.mark.servers


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services, Administration]]:
    running = keycloak.server()
    settings = ProviderSettings(keycloak.issuer(running), keycloak.CLIENT, keycloak.SECRET)
    made = replace(make_services(tmp_path), provider=OidcProvider(settings), public_url="http://127.0.0.1")
    app, services = make_site(tmp_path, services=made)
    administration = Administration(running)
    yield app, services, administration
    administration.close()
    services.engine.dispose()


def left(client: FlaskClient, path: str = "/connexion/fournisseur") -> str:
    page = post(client, path, {}).get_data(as_text=True)
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
    assert found, page
    return unescape(found[1])


def come(client: FlaskClient, account: str, password: str = keycloak.PASSWORD) -> TestResponse:
    """What a person does in a browser: Keycloak's page, its form, and back."""
    page = httpx.get(left(client))
    action = re.search(r'action="([^"]+)"', page.text)
    assert action, page.text
    # Its cookies are for https alone, and a browser takes them on loopback as they are.
    kept = "; ".join(one.partition(";")[0] for one in page.headers.get_list("set-cookie"))
    answer = httpx.post(unescape(action[1]), data={"username": account, "password": password}, headers={"Cookie": kept})
    back = urlsplit(answer.headers["Location"])
    return client.get(back.path, query_string=dict(parse_qsl(back.query)))


def test_in_out_renamed_and_closed(site: tuple[Flask, Services, Administration]) -> None:
    app, services, administration = site
    now = datetime.now(UTC)
    client = app.test_client()
    assert come(client, "dge").status_code == 303
    assert client.get("/mon-compte/sessions").status_code == 200
    assert closing.run(services, now=now) == 0  # Keycloak renews

    administration.change("dge", username="dge.renomme")
    again = app.test_client()
    assert come(again, "dge.renomme").status_code == 303  # by sub, though the name is another
    assert again.get("/mon-compte/sessions").status_code == 200
    administration.change("dge.renomme", username="dge")

    way = left(again, "/deconnexion")
    ended = httpx.get(way)
    assert ended.status_code == 302, ended.text[:300]  # no question is asked: the token names the session

    administration.change("dge", enabled=False)
    assert closing.run(services, now=now) >= 1
    assert client.get("/mon-compte/sessions").status_code != 200
    assert journal(services, "directory.closed")
    administration.change("dge", enabled=True)
