"""The training installation as others see it: its simulated scanner, its kept e-mails, and what the real one tells of it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from demo import training_desk
from demo.processes import Processes
from demo.training_desk import Desk
from ged.adapters.post_smtp import TrainingPost
from ged.capture.models import Bridge, OrderState, ScanOrder
from ged.config import load_settings
from ged.errors import ConfigError
from ged.ports import Message
from ged.training.outbox import kept_mails
from ged.unit import Services
from tests.factories import NOW, SECRET, make_organisation, make_services
from tests.site import give_passwords, make_site, open_site, sign_in
from web.site.training_place import Standing, standing

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]


@contextmanager
def answering(**headers: str) -> Iterator[str]:
    """A server that answers everything with these headers; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_address_tells_whether_a_training_installation_is_served() -> None:
    with answering(X_GED_Training="EXERCICE") as url:
        assert standing(url) is Standing.SERVED
    assert standing(url) is Standing.SILENT, "it was stopped"
    with answering() as url:
        assert standing(url) is Standing.OTHER
    assert standing("") is Standing.UNSET
    assert standing("http://[") is Standing.SILENT


def test_the_real_installation_says_how_to_start_it_and_links_it(tmp_path: Path) -> None:
    with answering(X_GED_Training="EXERCICE") as url:
        app, services = make_site(tmp_path, training_url=url)
        client = sign_in(app, "admin")
        assert "/administration/entrainement/" in client.get("/administration/").text
        page = client.get("/administration/entrainement/").text
        assert f"ged training start --bind 127.0.0.1:8010 --url {url}" in page
        assert f'href="{url}"' in page
    stopped = client.get("/administration/entrainement/").text
    assert "Rien ne répond" in stopped
    assert f'href="{url}"' not in stopped
    assert sign_in(app, "agent").get("/administration/entrainement/").status_code == 403
    services.engine.dispose()


def test_a_wrong_address_is_refused_at_the_start(tmp_path: Path) -> None:
    env = tmp_path / "ged.env"
    env.write_text(f"GED_SECRET={SECRET}\nGED_TRAINING_URL=javascript:alert(1)\n")
    with pytest.raises(ConfigError, match=r"config\.invalid"):
        load_settings(env)


def test_the_trainer_sees_the_mails_that_would_have_left_and_no_letter(tmp_path: Path) -> None:
    services = replace(make_services(tmp_path), training=True)
    make_organisation(services)
    give_passwords(services)
    app = open_site(tmp_path, services)
    client = sign_in(app, "admin")
    assert "Aucun courriel retenu" in client.get("/exercices/courriels").text
    box = TrainingPost(tmp_path / "outbox")
    box.send(Message("<a@x>", "agent@exemple.tg", "Un courrier vous est confié", "Ouvrez /courriers/1"))
    box.send(
        Message(
            "<b@x>",
            "ceet@exemple.tg",
            "Courrier n° EX-1 : Secret de zibeline",
            "Zibeline",
            attachment=b"%PDF-1.4",
            attachment_name="1.pdf",
        )
    )
    mails, total = kept_mails(services)
    assert total == 2
    assert {one.to for one in mails} == {"agent@exemple.tg", "ceet@exemple.tg"}
    page = client.get("/exercices/courriels").text
    assert "[EXERCICE] Un courrier vous est confié" in page
    assert "Ouvrez /courriers/1" in page
    assert "EXERCICE-1.pdf" in page
    assert "ibeline" not in page, "whoever watches over a training opens no letter"
    assert sign_in(app, "agent").get("/exercices/courriels").status_code == 403
    app.extensions["ged_services"] = replace(services, training=False)
    assert client.get("/exercices/courriels").status_code == 404
    services.engine.dispose()


# --- the scanner ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Desk, Services]]:
    services = replace(make_services(tmp_path), training=True)
    make_organisation(services)
    monkeypatch.setattr(training_desk, "COLLEAGUE", "agent")
    made = Desk(tmp_path)
    made.pair(services, datetime.now(UTC))
    yield made, services
    services.engine.dispose()


def test_the_desk_is_paired_without_a_site(desk: tuple[Desk, Services]) -> None:
    made, services = desk
    config = json.loads((made.scanner.home / "config.json").read_text())
    with services.reading() as session:
        (bridge,) = session.scalars(select(Bridge))
    assert config["token"]
    assert config["token"] not in str(vars(bridge)), "the database keeps a digest"
    assert (bridge.name, str(bridge.id)) == (training_desk.NAME, config["bridge_id"])
    assert list(config["devices"]) == ["pnm:0"]


def test_the_next_letter_lies_there_after_each_scan(desk: tuple[Desk, Services]) -> None:
    made, services = desk
    made.follow(services, NOW)
    first = made.scanner.page.read_bytes()
    made.follow(services, NOW)
    assert made.scanner.page.read_bytes() == first, "it lies there until it was scanned"
    with Image.open(made.scanner.page) as page:
        assert page.size == (1654, 2339)
        middle = page.size[0] // 2
        for edge in (20, page.size[1] - 80):  # where a letter is blank, and the mark stands
            mark = page.crop((middle - 120, edge, middle + 120, edge + 55))
            assert mark.getextrema()[0] < 120, "EXERCICE stands at the top and at the foot"
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            ScanOrder(
                bridge_id=1, batch_key="k", mode="gray", dpi=300, state=OrderState.DONE, ordered_at=NOW, changed_at=NOW
            )
        )
    made.follow(services, NOW)
    assert made.scanner.page.read_bytes() != first


def test_a_machine_without_sane_is_served_without_a_scanner(
    desk: tuple[Desk, Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training_desk, "find_spec", lambda _name: None)
    processes = Processes(tmp_path / "logs")
    assert not desk[0].start(processes, "http://127.0.0.1:1")
    assert processes.running == {}
