"""The site with waiting scans: browsers of two accounts, a paired bridge, a desk whose bridge reports its devices."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from ged.capture.models import Scan, ScanState
from ged.config import Settings
from ged.jobs import Job, JobKind
from ged.org import sessions
from ged.org.models import Person
from ged.recognition import jobs as recognition
from ged.register.models import Register
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.unit import Services
from tests import pages
from tests.factories import NOW, SECRET, actor, make_natures, make_organisation, make_services
from tests.site import build_app


@dataclass
class Site:
    """The application and its services; ``browser`` signs an account in."""

    services: Services
    app: Flask

    def browser(self, account: str) -> Browser:
        """A browser in which the account is signed in."""
        with self.services.reading() as session:
            person = session.scalar(select(Person).where(Person.account == account))
        assert person is not None
        client = self.app.test_client()
        with self.services.unit_of_work(datetime.now(UTC)) as uow:
            sid = sessions.open_session(uow, person.id, address="127.0.0.1", device="essai")
        with client.session_transaction() as cookie:
            cookie["sid"] = sid
        return Browser(client)

    def run_intake(self) -> None:
        """Process all batches that wait for intake, as the job does."""
        with self.services.reading() as session:
            batch_ids = session.scalars(select(Job.subject_id).where(Job.kind == JobKind.INTAKE)).all()
        for batch_id in batch_ids:
            recognition.run_intake(self.services, batch_id, heartbeat=lambda _: None, now=datetime.now(UTC))


class Browser:
    """A test client that remembers the form's token."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
        assert found is not None
        self.token = found[1]

    def get(self, path: str) -> TestResponse:
        """GET a path."""
        return self.client.get(path, buffered=True)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form with its token; redirects are followed."""
        return self.client.post(
            path, data={"csrf_token": self.token, **fields}, content_type="multipart/form-data", follow_redirects=True
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    services = make_services(tmp_path)
    make_organisation(services)
    make_natures(services)
    settings = Settings(data_dir=tmp_path, secret=SECRET)  # type: ignore[arg-type]
    yield Site(services, build_app(services, settings))
    services.engine.dispose()


def paired(site: Site) -> dict[str, str]:
    """Pair a bridge through the pages and the API. Returns the header with its token."""
    clerk = site.browser("agent")
    unit_id = actor(site.services, "agent").posts[0].unit_id
    shown = clerk.post("/numerisations/postes/appairer", unit_id=str(unit_id)).text
    found = re.search(r'class="pairing-code">([^<]+)<', shown)
    assert found is not None
    answer = site.app.test_client().post("/api/bridge/pair", json={"code": found[1], "name": "Guichet"})
    assert answer.status_code == 201
    assert found[1] not in clerk.get("/numerisations/postes").text
    return {"Authorization": f"Bearer {answer.json['token']}"}


def register(site: Site, subject: str = "Branchement") -> Registered:
    """Register an incoming letter in the register ARR."""
    with site.services.reading() as session:
        register_id = session.scalar(select(Register.id).where(Register.code == "ARR"))
    form = IncomingForm(subject, "Mairie de Tsévié", actor(site.services, "sg").posts[0].post_id)
    with site.services.unit_of_work(NOW) as uow:
        return register_incoming(uow, register_id, form, actor=actor(site.services, "agent"), now=NOW)  # type: ignore[arg-type]


def put_page(site: Site, bridge: dict[str, str], key: str, token: str, content: bytes, **more: str) -> TestResponse:
    """Send a page of a batch as a bridge does; ``more`` are further headers."""
    headers = {**bridge, "X-Content-SHA256": pages.sha256(content), "X-Page-Order": token[1:], **more}
    return site.app.test_client().put(
        f"/api/bridge/batch/{key}/page/{token}", data=content, content_type="image/png", headers=headers
    )


def upload(browser: Browser, *given: tuple[bytes, str]) -> TestResponse:
    """Upload files, given as (bytes, name), through the page."""
    return browser.post("/numerisations/fichiers", file=[(io.BytesIO(data), name) for data, name in given])


def only_scan(site: Site) -> Scan:
    """The only waiting scan. Fails when there are none or several."""
    with site.services.reading() as session:
        return session.scalars(select(Scan).where(Scan.state == ScanState.WAITING).order_by(Scan.id.desc())).one()


DEVICES = [
    {"name": "pnm:0", "vendor": "N", "model": "Vitre", "type": "flatbed", "sources": ["Flatbed"], "modes": ["Gray"],
     "resolutions": [300]},
    {"name": "fi:1", "vendor": "F", "model": "Chargeur", "type": "", "sources": ["ADF Front", "ADF Duplex"],
     "modes": ["Gray"], "resolutions": [300]},
]  # fmt: skip


class Desk:
    """A bridge of the test: it announces devices, takes orders, reports their progress."""

    def __init__(self, place: Site) -> None:
        self.site, self.headers = place, paired(place)
        self.api: FlaskClient = place.app.test_client()
        assert self.api.post("/api/bridge/devices", json={"devices": DEVICES}, headers=self.headers).status_code == 204

    def order(self) -> dict[str, Any]:
        """Take the next order, and begin its batch. Fails when none waits."""
        answer = self.api.get("/api/bridge/order?wait_s=0", headers=self.headers)
        assert answer.status_code == 200
        order: dict[str, Any] = answer.get_json()
        self.api.put(
            f"/api/bridge/batch/{order['batch_key']}", json={"order_id": order["order_id"]}, headers=self.headers
        )
        return order

    def tell(self, order: dict[str, Any], state: str, count: int, code: str | None = None) -> None:
        """Report the state of an order, with the number of its pages and an error code."""
        body = {"state": state, "pages": count, "code": code, "detail": None}
        path = f"/api/bridge/order/{order['order_id']}/state"
        assert self.api.post(path, json=body, headers=self.headers).status_code == 200

    def send(self, order: dict[str, Any], *words: str, first: int = 1) -> list[dict[str, str]]:
        """Send a page for each word; returns token and digest of each page, as ``complete`` takes them."""
        told = []
        for sequence, word in enumerate(words, first):
            data = pages.png(word)
            put_page(self.site, self.headers, order["batch_key"], word, data,
                     **{"X-Page-Order": f"{order['order_id']}.{sequence}"})  # fmt: skip
            told.append({"token": word, "digest": pages.sha256(data)})
        return told

    def complete(self, order: dict[str, Any], told: list[dict[str, str]]) -> None:
        """Complete the batch of an order with these pages."""
        path = f"/api/bridge/batch/{order['batch_key']}/complete"
        assert self.api.post(path, json={"pages": told}, headers=self.headers).status_code == 200


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)
