"""The bridge's HTTP client with our API over a real socket. The two programs were written from one description."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.capture import bridges
from ged.capture import orders as scan_orders
from ged.capture import queries as scan_queries
from ged.capture.models import OrderState, ScanBatch, ScanOrder
from ged.config import Settings
from ged.recognition import jobs as recognition
from ged.unit import Services
from scanner_bridge.api import Api, LinkDownError, RefusedError
from scanner_bridge.api import ScanOrder as Told
from scanner_bridge.manifest import Manifest, Order, Page
from tests import pages
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.site import build_app, served


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


@pytest.fixture
def url(services: Services, tmp_path: Path) -> Iterator[str]:
    app = build_app(services, Settings(data_dir=tmp_path, secret=SECRET))  # type: ignore[arg-type]
    with served(app) as url:
        yield url


def test_the_clients_calls_are_understood(services: Services, url: str) -> None:
    clerk = actor(services, "agent")
    stranger = Api(url)
    with pytest.raises(RefusedError, match="bridge.code_wrong"):
        stranger.pair("XXXX-XXXX", "Guichet 2")
    token, bridge_id = _paired_now(services, stranger)
    api = Api(url, token)
    api.announce_devices([])
    with services.unit_of_work(NOW) as uow:
        settings = scan_orders.Settings(dpi=200)
        order_id = scan_orders.order_scan(uow, int(bridge_id), settings, actor=clerk, now=NOW).id
    told = api.next_order()
    assert isinstance(told, Told)
    assert (told.order_id, told.dpi, told.complete) == (order_id, 200, True)
    assert api.report(order_id, "scanning", 0) is False
    order = Order(order_id, None, "2026-11-24T09:00:00+00:00", complete=True)
    api.open_batch(told.batch_key, order)
    contents = [pages.png("une"), pages.png("deux")]
    sent = [
        Page(f"token{n}", f"{n}.png", pages.sha256(data), len(data), order_id, n, "sent")
        for n, data in enumerate(contents, 1)
    ]
    assert api.put_page(told.batch_key, sent[0], io.BytesIO(contents[0])) == (sent[0].digest, len(contents[0]))
    manifest = Manifest(told.batch_key, (order,), tuple(sent))
    assert api.complete(manifest) == ["token2"]
    api.put_page(told.batch_key, sent[1], io.BytesIO(contents[1]))
    api.put_page(told.batch_key, sent[1], io.BytesIO(contents[1]))
    assert api.complete(manifest) == []
    assert api.complete(manifest) == []
    assert api.report(order_id, "done", 2) is False
    # Bytes changed on the way: the client sends the page again later.
    with pytest.raises(LinkDownError, match="digest_mismatch"):
        changed = b"\0" + contents[1][1:]
        api.put_page(told.batch_key, replace(sent[1], token="token3"), io.BytesIO(changed))
    with services.reading() as session:
        batch_id = session.scalar(select(ScanBatch.id)) or 0
        assert session.get_one(ScanOrder, order_id).state is OrderState.DONE
    recognition.run_intake(services, batch_id, heartbeat=lambda _: None, now=NOW)
    with services.reading() as session:
        (row,) = scan_queries.waiting(session, clerk)
    assert row.page_count == 2
    with services.unit_of_work(NOW) as uow:
        bridges.revoke(uow, int(bridge_id), actor=clerk, now=NOW)
    with pytest.raises(LinkDownError) as refusal:
        api.next_order()
    assert refusal.value.link == "unpaired"
    for one in (api, stranger):
        one.close()


def _paired_now(services: Services, api: Api) -> tuple[str, str]:
    """Pair over HTTP. The code is made at the server's present time, because it lives 15 minutes."""
    clerk, now = actor(services, "agent"), datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=now)
    return api.pair(code, "Guichet 2")
