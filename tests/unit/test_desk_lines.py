"""Lines that are typed at a desk without the server: on the disk before the page says so, sent once, corrected when refused."""

from __future__ import annotations

import json
import re
import stat
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ged.typography import french
from scanner_bridge import desk_lines, desk_sender, desk_texts
from scanner_bridge.api import Api, LinkDownError, RefusedError
from scanner_bridge.desk_lines import DeskFull, DeskLine, DeskLines, NotEditable, new_key
from scanner_bridge.desk_page import faults_of, following
from scanner_bridge.desk_sender import DeskSender, iso_clock, iso_day

TYPED = {
    "line": "CS-ARR-2026-014-07", "received_on": "24/11/2026", "received_clock": "10h20",
    "sender_name": "Préfecture de l'Ogou", "subject": "Pont de Glei", "is_urgent": "1",
}  # fmt: skip


class Server:
    """The site, which may lose an answer, be away, or refuse."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.lose, self.is_away, self.refusal = 0, False, ""

    def put_line(self, key: str, body: dict[str, Any]) -> None:
        self.calls.append(key)
        if self.is_away:
            raise LinkDownError("network_down", "away")
        if self.refusal:
            raise RefusedError(409, self.refusal, "La ligne est déjà inscrite.")
        assert self.kept.setdefault(key, body) == body, "what comes again is the same line"
        if self.lose:
            self.lose -= 1
            raise LinkDownError("network_down", "the answer is lost")


def sender(lines: DeskLines, server: Server) -> DeskSender:
    return DeskSender(server, lines, on_link=lambda _link: None)


def test_a_line_is_on_the_disk_for_its_owner_alone_and_comes_back_after_a_kill(tmp_path: Path) -> None:
    key = new_key()
    DeskLines(tmp_path).keep(key, TYPED)
    (path,) = (tmp_path / "desk").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (tmp_path / "desk" / f"{new_key()}.json.part").write_text("{")  # the kill came in the middle of the next line
    (line,) = DeskLines(tmp_path).all()
    assert (line.key, line.state, line.fields) == (key, "waiting", TYPED)
    assert [one.suffix for one in (tmp_path / "desk").iterdir()] == [".json"]


def test_a_damaged_file_is_left_as_it_is_and_the_others_are_sent(tmp_path: Path) -> None:
    DeskLines(tmp_path).keep(new_key(), TYPED)
    broken = tmp_path / "desk" / "broken.json"
    broken.write_text("{")
    assert len(DeskLines(tmp_path).all()) == 1
    assert broken.read_text() == "{"


def test_a_lost_answer_is_asked_again_with_the_same_key(tmp_path: Path) -> None:
    lines, server = DeskLines(tmp_path), Server()
    key = new_key()
    lines.keep(key, TYPED)
    server.lose = 2
    for _ in range(2):
        with pytest.raises(LinkDownError):
            sender(lines, server).send_one()
        lines = DeskLines(tmp_path)  # killed between two tries
    assert sender(lines, server).send_one()
    assert (server.calls, list(server.kept)) == ([key] * 3, [key])
    assert server.kept[key] == {
        "line": "CS-ARR-2026-014-07", "received_on": "2026-11-24", "received_clock": "10:20",
        "sender_name": "Préfecture de l'Ogou", "subject": "Pont de Glei", "their_reference": "", "written_on": "",
        "enclosure_count": 0, "addressee": "", "is_urgent": True,
    }  # fmt: skip
    assert not sender(lines, server).send_one()


def test_a_line_that_may_be_on_the_server_is_not_changed_until_the_answer_comes(tmp_path: Path) -> None:
    lines, server = DeskLines(tmp_path), Server()
    key = new_key()
    lines.keep(key, TYPED)
    lines.keep(key, TYPED | {"subject": "Pont de Glei, corrigé"})
    server.is_away = True
    with pytest.raises(LinkDownError):
        sender(lines, server).send_one()
    for change in (lambda: lines.keep(key, TYPED), lambda: lines.drop(key)):
        with pytest.raises(NotEditable):
            change()
    lines.keep(key, TYPED | {"subject": "Pont de Glei, corrigé"})  # the same form, sent twice by the browser
    server.is_away = False
    assert sender(DeskLines(tmp_path), server).send_one()
    assert server.kept[key]["subject"] == "Pont de Glei, corrigé"


def test_a_refused_line_keeps_the_reason_is_corrected_and_holds_nothing_up(tmp_path: Path) -> None:
    lines, server = DeskLines(tmp_path), Server()
    first, second = new_key(), new_key()
    lines.keep(first, TYPED)
    lines.keep(second, TYPED | {"line": "CS-ARR-2026-014-08"})
    server.refusal = "reserve.line_used"
    assert sender(lines, server).send_one()
    server.refusal = ""
    assert sender(lines, server).send_one()
    line = DeskLines(tmp_path).get(first)
    assert line is not None
    assert (line.state, line.code, line.message) == ("refused", "reserve.line_used", "La ligne est déjà inscrite.")
    assert line.is_editable
    assert not sender(lines, server).send_one()
    lines.keep(first, TYPED | {"line": "CS-ARR-2026-014-09"})
    assert sender(lines, server).send_one()
    assert sorted(body["line"] for body in server.kept.values()) == ["CS-ARR-2026-014-08", "CS-ARR-2026-014-09"]


def test_a_draft_is_kept_and_is_never_sent(tmp_path: Path) -> None:
    lines, server = DeskLines(tmp_path), Server()
    key = new_key()
    lines.keep(key, {"line": "CS-ARR-2026-014-07"}, is_draft=True)
    draft = DeskLines(tmp_path).draft()
    assert draft is not None
    assert draft.fields == {"line": "CS-ARR-2026-014-07"}
    assert not sender(lines, server).send_one()
    lines.keep(key, TYPED)
    with pytest.raises(NotEditable):
        lines.keep(key, {"line": "x"}, is_draft=True)  # a late draft of the script
    assert DeskLines(tmp_path).draft() is None


def test_lines_that_were_sent_are_forgotten_after_a_week(tmp_path: Path) -> None:
    lines = DeskLines(tmp_path)
    key = new_key()
    lines.keep(key, TYPED)
    sender(lines, Server()).send_one()
    path = tmp_path / "desk" / f"{key}.json"
    values = json.loads(path.read_text())
    assert len(DeskLines(tmp_path).all()) == 1
    path.write_text(json.dumps(values | {"changed_at": time.time() - 8 * 24 * 3600}))
    assert DeskLines(tmp_path).all() == []
    assert not path.exists()


def test_a_desk_keeps_no_more_lines_than_any_cut_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_lines, "MOST_LINES", 1)
    lines = DeskLines(tmp_path)
    lines.keep(new_key(), TYPED)
    with pytest.raises(DeskFull):
        lines.keep(new_key(), TYPED)


def test_days_hours_and_the_next_number_are_read_as_people_write_them() -> None:
    assert [iso_clock(text) for text in ("10h20", "10:20", "1020", "9h05", "9h")] == [
        "10:20",
        "10:20",
        "10:20",
        "09:05",
        "09:00",
    ]
    assert [iso_day(text) for text in ("24/11/2026", "2026-11-24")] == ["2026-11-24"] * 2
    assert [following(text) for text in ("CS-ARR-2026-014-07", "CS-ARR-2026-014-99", "abc", "")] == ["CS-ARR-2026-014-08", "CS-ARR-2026-014-100", "", ""]  # fmt: skip
    assert faults_of(TYPED) == {}
    assert faults_of(TYPED | {"written_on": "24/11/99999999999999999999"})["written_on"] == "long"
    assert faults_of(TYPED | {"received_on": "1/1/9999999999999"})["received_on"] == "long"
    wrong = {"received_on": "31/02/2026", "received_clock": "25h00", "sender_name": "", "enclosure_count": "deux"}
    assert faults_of(TYPED | wrong) == {"sender_name": "missing", "received_on": "day", "received_clock": "hour", "enclosure_count": "number"}  # fmt: skip


def test_an_answer_of_another_server_is_no_receipt(tmp_path: Path) -> None:
    """A page of a proxy or of a network's gate, which says 200 to everything: the line is not on the site."""
    answers = [
        httpx.Response(200, text="<html>Maintenance</html>"),
        httpx.Response(204),
        httpx.Response(200, json={"key": "another"}),
        httpx.Response(201, json={"key": (key := new_key())}),
    ]
    api = Api("http://site.example", "token")
    api._client = httpx.Client(base_url="http://site.example/", transport=httpx.MockTransport(lambda _: answers.pop(0)))
    lines = DeskLines(tmp_path)
    lines.keep(key, TYPED)
    sending = DeskSender(api, lines, on_link=lambda _link: None)
    for _ in range(3):
        with pytest.raises(LinkDownError):
            sending.send_one()
        assert [line.state for line in lines.all()] == ["waiting"]
    assert sending.send_one()
    assert [line.state for line in DeskLines(tmp_path).all()] == ["sent"]


def test_what_a_proxy_refuses_is_sent_again_and_holds_no_other_line_up(tmp_path: Path) -> None:
    """The site's own refusals have a code. Behind a proxy that refuses one text, the other lines leave."""
    lines, server = DeskLines(tmp_path), Server()
    first, second = new_key(), new_key()
    lines.keep(first, TYPED)
    lines.keep(second, TYPED | {"line": "CS-ARR-2026-014-08"})
    put, is_refused = server.put_line, [True]

    def through_a_proxy(key: str, body: dict[str, Any]) -> None:
        if key == first and is_refused:
            raise RefusedError(403, "", "Forbidden")
        put(key, body)

    server.put_line = through_a_proxy  # type: ignore[method-assign]
    sending = sender(lines, server)
    with pytest.raises(LinkDownError):
        while sending.send_one():
            pass
    assert list(server.kept) == [second]
    assert {line.key: line.state for line in DeskLines(tmp_path).all()} == {first: "waiting", second: "sent"}
    is_refused.clear()
    assert sending.send_one()
    assert list(server.kept) == [second, first]
    assert not sending.send_one()


def test_a_failure_that_nobody_foresaw_does_not_end_the_sending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, server = DeskLines(tmp_path), Server()
    lines.keep(new_key(), TYPED)
    monkeypatch.setattr(desk_sender, "_LOOK_EVERY_S", 0.01)
    put, failures = server.put_line, [OSError("no route"), ValueError("no URL")]

    def fail_first(key: str, body: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        put(key, body)
        sending.stop()

    server.put_line = fail_first  # type: ignore[method-assign]
    sending = sender(lines, server)
    thread = threading.Thread(target=sending.run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert [line.state for line in lines.all()] == ["sent"]


def test_lines_that_were_sent_take_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge that runs for months types on: what the server has counts no more, and is forgotten after a week."""
    monkeypatch.setattr(desk_lines, "MOST_LINES", 2)
    lines, server = DeskLines(tmp_path), Server()
    for n in range(4):
        lines.keep(new_key(), TYPED | {"subject": str(n)})
        assert sender(lines, server).send_one()
    assert len(server.kept) == len(lines.all()) == 4
    later = time.time() + 8 * 24 * 3600
    monkeypatch.setattr(desk_lines.time, "time", lambda: later)
    lines.keep(new_key(), TYPED)
    assert [line.state for line in lines.all()] == ["waiting"]
    assert len(list((tmp_path / "desk").iterdir())) == 1


def test_a_day_with_a_short_year_is_of_this_century_and_one_long_ago_is_a_fault() -> None:
    assert iso_day("24/11/26") == "2026-11-24"
    assert faults_of(TYPED | {"received_on": "24/11/206"}) == {"received_on": "day"}
    assert faults_of(TYPED | {"received_on": "0026-11-24"}) == {"received_on": "day"}
    assert faults_of(TYPED | {"written_on": "31/12/1899"}) == {"written_on": "day"}


def test_a_day_without_its_year_is_of_the_year_that_brings_it_nearest() -> None:
    today = datetime.now().astimezone().date()
    for days in (-100, 0, 100):
        day = today + timedelta(days=days)
        assert iso_day(f"{day.day}/{day.month}") == day.isoformat()
    assert faults_of(TYPED | {"received_on": "31/02"}) == {"received_on": "day"}


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (DeskLine("k", "draft", {"line": "CS-1-07", "received_on": "24/11/2026"}), "received_clock"),
        (DeskLine("k", "draft", dict(TYPED) | {"subject": ""}), "subject"),
        (DeskLine("k", "refused", dict(TYPED), code="reserve.line_unknown"), "line"),
        (DeskLine("k", "refused", dict(TYPED), code="reserve.before_book"), "received_clock"),
    ],
)
def test_typing_begins_at_the_field_that_waits_for_it(line: DeskLine, field: str) -> None:
    shown = desk_texts.PAGE.lines("s", line, [], {}, "", "", None)
    assert re.findall(r"<input id='(\w+)'[^>]* autofocus", shown) == [field]
    ids = re.findall(r"<input id='(\w+)'", shown)
    assert ids.index("subject") == ids.index("sender_name") + 1  # as on the paper


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("0322", "03:22"), ("3h22", "03:22"), ("3h", "03:00"), ("10:20", "10:20"), ("tantôt", "tantôt")],
)
def test_the_hour_of_a_kept_line_is_shown_as_an_hour(typed: str, shown: str) -> None:
    line = DeskLine(new_key(), "waiting", dict(TYPED) | {"received_clock": typed})
    page = desk_texts.PAGE.lines("s", DeskLine(new_key(), "draft", {}), [line], {}, "", "", None)
    assert f" à {shown}\u00a0:" in page


def test_the_page_at_the_desk_has_french_typography() -> None:
    """As the site: the bridge shares no code with it, so its texts are written as they are shown."""
    line = DeskLine(new_key(), "refused", {"line": "CS-1"}, message="Motif.")
    pages = [desk_texts.PAGE.door(trouble, {}) for trouble in desk_texts.TROUBLES.values()]
    for link in (None, "online", "network_down", "server_down", "unpaired"):
        pages.append(desk_texts.PAGE.lines("s", line, [line], {"line": "missing"}, "", "CS-2", link))
    texts = [*desk_texts.FAULTS.values(), *re.findall(r'"([^"<>]+)"', desk_texts.SCRIPT)]
    texts += [text for page in pages for text in re.split(r"<[^>]*>", page)]
    assert [text for text in texts if french(text) != text] == []
    assert any("’" in text for text in texts)
