"""When both places for heavy work are taken, the next person is told so within a time limit. Other pages are not
delayed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert

from ged import slots
from ged.capture import drawing, files
from ged.errors import EngineFailed, Invalid
from ged.register import books
from ged.register.documents import PictureSource
from ged.register.models import MailNumber
from ged.slots import Slots
from ged.unit import Services
from tests import pages
from tests.factories import NOW, TODAY
from tests.site import make_site, post, sign_in
from tests.slip_kit import letter, register_id

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path)
    slots.share(tmp_path / "run", threads=4)
    yield made
    slots._shared.clear()


def taken(folder: Path, name: str) -> ExitStack:
    """Both places of a kind are taken, as by another process."""
    held = ExitStack()
    others = Slots(folder / "run", 2, name=name)
    for _ in range(2):
        held.enter_context(others.taken(wait_s=1))
    return held


def long_book(services: Services) -> int:
    book = register_id(services, "ARR")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            insert(MailNumber),
            [
                {"register_id": book, "year": 2026, "sequence": n, "text": f"{n:05d}/2026/MIN", "registered_at": NOW,
                 "registered_on": TODAY, "voided_at": NOW, "void_reason": "Numéro donné deux fois au même courrier. " * 4}
                for n in range(1, books.MAX_PRINTED + 1)
            ],
        )  # fmt: skip
    return book


WAITED_S = 1.0


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page wait for a place for a second, and not for eight."""
    for kind in (slots.heavy, slots.drawing):
        assert kind.__kwdefaults__ == {"wait_s": slots.WAIT_S}
        monkeypatch.setattr(kind, "__kwdefaults__", {"wait_s": WAITED_S})


@pytest.mark.long("fifteen seconds in the browser; who waits for a place is shown beside it")
@pytest.mark.usefixtures("short_wait")
def test_a_page_that_finds_no_place_says_so_and_asks_again_by_itself(site: Site, tmp_path: Path) -> None:
    book, client = long_book(site[1]), sign_in(site[0], "agent")
    with taken(tmp_path, "heavy"):
        began = time.monotonic()
        answer = client.get(f"/registres/{book}/pages.pdf?annee=2026")
        assert WAITED_S <= time.monotonic() - began < slots.WAIT_S + 8
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert (answer.headers["Retry-After"], answer.headers["Refresh"]) == ("10", "10")
    assert "Code à communiquer" not in answer.text, "an administrator has nothing to look for"
    assert "se recharge d'elle-même" in answer.text
    again = client.get(f"/registres/{book}/pages.pdf?annee=2026")
    assert (again.status_code, again.mimetype) == (200, "application/pdf")


@pytest.mark.usefixtures("short_wait")
def test_a_case_folder_takes_a_place_and_what_was_sent_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    mail_id, client = letter(site[1]), sign_in(site[0], "agent")
    with taken(tmp_path, "heavy"):
        answer = post(client, f"/courriers/{mail_id}/preuve", {}, page=f"/courriers/{mail_id}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "Refresh" not in answer.headers
    sent = post(client, f"/courriers/{mail_id}/preuve", {})
    assert (sent.status_code, sent.mimetype) == (200, "application/zip")
    sent.close()


@pytest.mark.usefixtures("short_wait")
def test_drawing_has_places_of_its_own(site: Site, tmp_path: Path) -> None:
    import io

    digest = site[1].blobs.put(io.BytesIO(pages.png("Une page"))).digest
    source = PictureSource(None, digest, "image/png", 0, 0, "x")
    with taken(tmp_path, "heavy"):
        assert drawing.draw(site[1], source, width_px=240).startswith(b"\xff\xd8")
    with taken(tmp_path, "drawing"), pytest.raises(EngineFailed, match=r"work\.busy"):
        drawing.draw(site[1], source, width_px=240)


def test_two_files_are_looked_at_over_all_processes(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "page.png"
    source.write_bytes(pages.png("Une page"))
    with taken(tmp_path, "looking"), pytest.raises(EngineFailed, match=r"work\.busy"):
        files.look_at(site[1], source, filename="page.png", wait_s=0.3)
    assert "work.busy" in files.NOT_LOOKED, "a page of a job that found no place is not called damaged"
    with taken(tmp_path, "heavy"), taken(tmp_path, "drawing"):
        assert len(files.look_at(site[1], source, filename="page.png").pages) == 1


_HOLDER = """
import subprocess, sys, time
from contextlib import ExitStack
from pathlib import Path
from ged.slots import Slots
held, places = ExitStack(), Slots(Path(sys.argv[1]), 2, name="looking")
for _ in range(2):
    held.enter_context(places.taken(wait_s=5))
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_the_places_of_a_killed_process_are_free_though_what_it_started_still_runs(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "page.png"
    source.write_bytes(pages.png("Une page"))
    command = [sys.executable, "-c", _HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        left_over = int(holder.stdout.readline())
        try:
            with pytest.raises(EngineFailed, match=r"work\.busy"):
                files.look_at(site[1], source, filename="page.png", wait_s=0.3)
            holder.kill()
            holder.wait()
            assert len(files.look_at(site[1], source, filename="page.png", wait_s=5).pages) == 1
        finally:
            os.kill(left_over, signal.SIGKILL)


def test_a_place_is_given_back_whatever_becomes_of_the_look(site: Site, tmp_path: Path) -> None:
    bad = tmp_path / "page.png"
    bad.write_bytes(pages.png("Une page")[:200])
    for _ in range(20):
        with pytest.raises(Invalid):
            files.look_at(site[1], bad, filename="page.png", wait_s=1)
    with taken(tmp_path, "looking"):
        for _ in range(20):
            with pytest.raises(EngineFailed, match=r"work\.busy"):
                files.look_at(site[1], bad, filename="page.png", wait_s=0)
    with slots.looking(wait_s=1), slots.heavy(wait_s=1):
        pass


def test_one_thread_of_a_process_is_left_whoever_waits(site: Site, tmp_path: Path) -> None:
    """Of four threads three may wait for a place, of either kind; the fourth returns at once."""
    waiting = threading.Barrier(4)
    refused: list[float] = []

    def wait(kind: str) -> None:
        place = slots.heavy(wait_s=6) if kind == "heavy" else slots.drawing(wait_s=6)
        waiting.wait()
        began = time.monotonic()
        try:
            with place:
                pass
        except EngineFailed:
            refused.append(time.monotonic() - began)

    with taken(tmp_path, "heavy"), taken(tmp_path, "drawing"):
        people = [threading.Thread(target=wait, args=(kind,)) for kind in ("heavy", "heavy", "drawing", "drawing")]
        for one in people:
            one.start()
        for one in people:
            one.join()
    assert site is not None
    assert sorted(seconds < 3 for seconds in refused) == [False, False, False, True]
