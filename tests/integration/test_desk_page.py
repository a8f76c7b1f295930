"""The page at the desk for lines typed without the server: who may use it, and that a killed bridge loses none and doubles none."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from ged.capture import bridges
from ged.reserve.models import ReserveTyping
from ged.unit import Services
from scanner_bridge import desk_page
from scanner_bridge.config import Config, load, save
from scanner_bridge.desk_lines import DeskLines
from scanner_bridge.desk_page import DeskServer, Door, hash_of
from tests.factories import actor
from tests.reserve_kit import make
from tests.site import make_site, served

pytestmark = pytest.mark.in_turns(3)

CODE = "ABCD-2345"


@cache
def started() -> datetime:
    """One moment for all lines: one that is sent twice must bear the same minute twice."""
    return datetime.now(UTC)


class Browser:
    """What a browser sends to the page."""

    def __init__(self, port: int) -> None:
        self.port, self.session = port, ""

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        own = f"http://127.0.0.1:{self.port}"
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": own, "Sec-Fetch-Site": "same-origin"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, urlencode(fields) if fields is not None else None, sent)
        answer = connection.getresponse()
        assert "Set-Cookie" not in answer.headers
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        text = unescape(answer.read().decode())
        connection.close()
        return answer.status, text

    def open(self, code: str = CODE) -> str:
        status, text = self.ask("POST", "/ouvrir", {"code": code})
        assert status == 200
        found = re.search(r"name='session' value='([^']+)'", text)
        self.session = found[1] if found else ""
        return text

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        return self.ask("POST", path, {"session": self.session, **fields})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Browser, DeskLines]]:
    lines = DeskLines(tmp_path)
    server = DeskServer(0, lines, Door(hash_of(CODE)), kick=lambda: None, link=lambda: "network_down")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield Browser(server.server_address[1]), lines
    server.shutdown()
    thread.join()
    server.server_close()


def fields(n: int = 7, **more: str) -> dict[str, str]:
    received = started() - timedelta(minutes=30)
    return {
        "key": f"{n:032x}", "line": f"CS-ARR-{received.year}-001-{n:02d}", "received_on": f"{received:%d/%m/%Y}",
        "received_clock": f"{received:%Hh%M}", "sender_name": "Préfecture de l'Ogou", "subject": f"Pont n° {n}", **more,
    }  # fmt: skip


def test_the_code_opens_the_page_and_nothing_is_told_without_it(desk: tuple[Browser, DeskLines]) -> None:
    browser, lines = desk
    lines.keep(f"{1:032x}", fields(1))
    assert "Préfecture" not in browser.ask("GET", "/")[1]
    assert "n’ouvre pas" in browser.open("WXYZ-2345")
    assert browser.session == ""
    browser.session = "x" * 43
    status, text = browser.post("/ligne", **fields(2, sender_name="Mairie"))
    assert (status, "Préfecture" in text, len(lines.all())) == (403, False, 1)
    shown = browser.open(CODE.lower().replace("-", " "))
    assert "Préfecture de l'Ogou" in shown
    assert "Le serveur ne répond pas" in shown
    assert "Réseau" not in shown, "why it does not answer is not known"
    assert len(Browser(browser.port).open()) > 0


def test_a_line_that_is_sent_after_the_bridge_was_started_again_goes_through_the_door(
    desk: tuple[Browser, DeskLines],
) -> None:
    """A new bridge knows no session, and could keep no draft while it was away."""
    browser, lines = desk
    browser.session = "x" * 43
    status, door = browser.post("/ligne", **fields(7, subject='Pont "de" <Glei>'))
    assert (status, lines.all()) == (403, [])
    typed = dict(re.findall(r"<input type='hidden' name='(\w+)' value='([^']*)'>", door))
    assert (typed["key"], typed["subject"]) == (f"{7:032x}", 'Pont "de" <Glei>')
    wrong = browser.ask("POST", "/ouvrir", {"code": "WXYZ-2345", **typed})[1]
    assert f"name='key' value='{7:032x}'" in wrong  # still there after a wrong code
    shown = browser.ask("POST", "/ouvrir", {"code": CODE, **typed})[1]
    assert "value='Pont \"de\" <Glei>'" in shown
    lines.keep(f"{7:032x}", fields(7))
    lines.sent(f"{7:032x}")
    assert f"value='{7:032x}'" not in browser.ask("POST", "/ouvrir", {"code": CODE, **typed})[1]


def test_wrong_codes_close_the_page_for_a_while(desk: tuple[Browser, DeskLines]) -> None:
    browser, _lines = desk
    for _ in range(5):
        browser.open("WXYZ-2345")
    browser.open()
    assert browser.session == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_page_and_another_name_are_refused(desk: tuple[Browser, DeskLines], headers: dict[str, str]) -> None:
    """Another site that sends a form to this page, and a name that was bent to this address."""
    browser, lines = desk
    browser.open()
    status, _text = browser.ask("POST", "/ligne", {"session": browser.session, **fields()}, **headers)
    assert (status, lines.all()) == (403, [])


def test_what_is_too_large_or_strange_is_refused(desk: tuple[Browser, DeskLines]) -> None:
    browser, lines = desk
    browser.open()
    assert browser.post("/ligne", **fields(subject="x" * 70_000))[0] == 413
    assert browser.ask("GET", "/../config.json")[0] == 404
    assert "Trop long." in browser.post("/ligne", **fields(subject="x" * 2001))[1]
    assert lines.all() == []
    browser.post("/ligne", **fields(key="../../config", subject="<script>alert(1)</script>"))
    (line,) = lines.all()
    assert re.fullmatch(r"[0-9a-f]{32}", line.key)
    raw = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=90)
    raw.request(
        "POST", "/voir", urlencode({"session": browser.session}), {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert b"<script>alert" not in raw.getresponse().read()
    raw.close()


def test_the_page_listens_on_this_computer_alone(desk: tuple[Browser, DeskLines]) -> None:
    browser, _lines = desk
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    rows = [line.split()[1] for line in listening.splitlines() if line.split()[1].endswith(f":{browser.port:04X}")]
    assert set(rows) == {f"0100007F:{browser.port:04X}"}


def test_a_line_is_kept_with_its_faults_told_and_the_next_number_proposed(desk: tuple[Browser, DeskLines]) -> None:
    browser, lines = desk
    browser.open()
    text = browser.post("/ligne", **fields(received_clock="25h00", sender_name=""))[1]
    assert ("Écrivez l’heure ainsi" in text, "À remplir." in text, "Pont n° 7" in text, lines.all()) == (
        True,
        True,
        True,
        [],
    )
    text = browser.post("/ligne", **fields())[1]
    assert f"CS-ARR-{(started() - timedelta(minutes=30)).year}-001-08" in text
    browser.post("/ligne", **fields())  # the browser's reload
    assert [line.state for line in lines.all()] == ["waiting"]
    assert browser.post("/brouillon", **(fields(9) | {"subject": ""}))[0] == 204
    assert "Ligne" in browser.open()
    draft = lines.draft()
    assert draft is not None
    assert draft.key == f"{9:032x}"


def test_a_form_that_was_cut_on_its_way_is_no_line(desk: tuple[Browser, DeskLines]) -> None:
    """A browser that ends in the middle: what came would look like a whole line without its last fields."""
    browser, lines = desk
    browser.open()
    body = urlencode({"session": browser.session, **fields(), "addressee": "Le ministre", "is_urgent": "1"}).encode()
    cut = body[: body.index(b"&addressee")]
    with socket.create_connection(("127.0.0.1", browser.port), timeout=60) as raw:
        head = f"POST /ligne HTTP/1.1\r\nHost: 127.0.0.1:{browser.port}\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall(head.encode() + cut)
        raw.shutdown(socket.SHUT_WR)
        answer = raw.makefile("rb").read()
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert lines.all() == []


def test_a_line_that_waits_is_changed_by_its_own_form_alone(desk: tuple[Browser, DeskLines]) -> None:
    """Two tabs with one draft: the second one's line is another line, and the first one's stays as it was typed."""
    browser, lines = desk
    browser.open()
    assert browser.post("/brouillon", **(fields(7) | {"subject": ""}))[0] == 204
    browser.post("/ligne", **fields(7))
    other = fields(7, line=fields(8)["line"], subject="Dans l'autre onglet")
    text = browser.post("/ligne", **other)[1]
    assert "comme une nouvelle ligne" in text
    assert "Dans l'autre onglet" in text
    assert [line.fields["subject"] for line in lines.all()] == ["Pont n° 7"]
    (key,) = set(re.findall(r"name='key' value='([0-9a-f]{32})'", text)) - {f"{7:032x}"}
    browser.post("/ligne", **(other | {"key": key}))
    assert [line.fields["subject"] for line in lines.all()] == ["Pont n° 7", "Dans l'autre onglet"]
    shown = browser.post("/reprendre", key=f"{7:032x}")[1]
    (seen,) = re.findall(r"name='seen' value='([^']+)'", shown)
    wrong = browser.post("/ligne", **fields(7, subject="", seen=seen))[1]
    assert re.findall(r"name='seen' value='([^']+)'", wrong) == [seen], "after a fault the form is still its line's"
    browser.post("/ligne", **fields(7, subject="Pont n° 7, corrigé", seen=seen))
    assert sorted(line.fields["subject"] for line in lines.all()) == ["Dans l'autre onglet", "Pont n° 7, corrigé"]
    browser.post("/ligne", **fields(7, subject="D'un formulaire ancien", seen=seen))
    assert sorted(line.fields["subject"] for line in lines.all()) == ["Dans l'autre onglet", "Pont n° 7, corrigé"]


@pytest.mark.long("ten seconds of slow senders: tests/faults/test_site_capacity.py has bridges that wait")
def test_who_sends_slowly_and_often_does_not_take_the_bridge_s_threads(
    desk: tuple[Browser, DeskLines], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, _lines = desk
    browser.open()
    monkeypatch.setattr(desk_page, "_REQUEST_S", 0.5)
    before = threading.active_count()
    slow = [
        socket.create_connection(("127.0.0.1", browser.port), timeout=60) for _ in range(desk_page.MOST_AT_ONCE + 40)
    ]
    try:
        for one in slow:
            with suppress(OSError):
                one.sendall(b"POST /ligne HTTP/1.1\r\n")
        time.sleep(0.5)
        assert threading.active_count() - before <= 2 * desk_page.MOST_AT_ONCE
        wait_for(lambda: threading.active_count() <= before)
        assert browser.post("/voir")[0] == 200
    finally:
        for one in slow:
            one.close()


def test_strange_lengths_and_sessions_are_answered(desk: tuple[Browser, DeskLines]) -> None:
    browser, _lines = desk
    browser.open()
    assert browser.ask("POST", "/voir", {"session": "é" * 43})[0] == 403
    assert browser.ask("POST", "/voir", {}, Content_Length="9" * 5000)[0] == 413


# --- the whole bridge, and the site -------------------------------------------------------------------------------------


def wait_for(done: Callable[[], bool], seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


def a_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def agent(home: Path) -> subprocess.Popen[bytes]:
    environ = os.environ | {"GED_BRIDGE_HOME": str(home), "SANE_CONFIG_DIR": str(home / "sane")}
    (home / "sane").mkdir(exist_ok=True)
    (home / "sane" / "dll.conf").write_text("test\n")
    return subprocess.Popen([sys.executable, "-m", "scanner_bridge.agent", "run"], env=environ)


def opened(port: int) -> Browser:
    def serves() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    wait_for(serves)
    browser = Browser(port)
    browser.open()
    assert browser.session
    return browser


def test_a_killed_bridge_and_a_server_that_comes_back_make_each_line_once(tmp_path: Path) -> None:
    """Typed while the server is away, killed, typed on, the server back in the middle of typing, killed again."""
    (tmp_path / "site").mkdir()
    app, services = make_site(tmp_path / "site")
    book = make(services, now=datetime.now(UTC) - timedelta(hours=2))
    home, port, site_port = tmp_path / "home", a_free_port(), a_free_port()
    token = _token(services)
    save(home, Config(f"http://127.0.0.1:{site_port}", token, "1").with_desk(port, hash_of(CODE)))
    running = agent(home)
    try:
        browser = opened(port)
        for n in (1, 2):
            assert "gardée sur ce poste" in browser.post("/ligne", **fields(n))[1]
        running.send_signal(signal.SIGKILL)
        running.wait()
        running = agent(home)
        browser = opened(port)
        assert "gardée sur ce poste" in browser.post("/ligne", **fields(3))[1]
        assert browser.post("/brouillon", **(fields(4) | {"subject": ""}))[0] == 204
        with served(app, port=site_port):
            wait_for(lambda: len(typings(services)) >= 1)
            running.send_signal(signal.SIGKILL)
            running.wait()
            running = agent(home)
            browser = opened(port)
            assert f"value='{fields(4)['line']}'" in browser.post("/voir")[1].replace('"', "'"), (
                "the draft is there again"
            )
            browser.post("/ligne", **fields(4))
            browser.post("/ligne", **fields(5, line="CS-ARR-1999-001-01"))
            wait_for(lambda: len(typings(services)) == 4)
            wait_for(lambda: "existe pas" in browser.post("/voir")[1])
    finally:
        running.kill()
        running.wait()
    assert sorted(typings(services)) == [f"{n:032x}" for n in (1, 2, 3, 4)]
    assert sorted(line.state for line in DeskLines(home).all()) == ["refused", "sent", "sent", "sent", "sent"]
    assert book.code == fields(1)["line"][:-3]
    services.engine.dispose()


def _token(services: Services) -> str:
    clerk, now = actor(services, "agent"), datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=now)
    with services.unit_of_work(now) as uow:
        return bridges.pair(uow, code, "Guichet 1", now=now)[0]


def typings(services: Services) -> list[str]:
    with services.reading() as session:
        return list(session.scalars(select(ReserveTyping.key)))


def test_the_command_shows_a_code_once_and_stores_its_hash_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scanner_bridge.agent", "--home", str(tmp_path), "desk", "--port", "8427"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    (code,) = re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}", done.stdout)
    config = load(tmp_path)
    assert config.desk_port == 8427
    assert code.replace("-", "") not in (tmp_path / "config.json").read_text().replace("-", "")
    assert Door(config.desk_code).open(code) is not None
    assert Door(config.desk_code).open("WXYZ-2345") is None
