"""What the administration does is killed in the middle, at each moment at which it writes: a restart finds the state before or the
state after, never one between; a job is taken up again, and nothing that was sent is lost."""

import hashlib
import io
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from ged import audit, jobs, pipeline
from ged.capture import partials
from ged.jobs import Job, JobKind, JobState
from ged.ports import JobId
from ged.register.models import AttachmentKind
from ged.routing import calendar_changes
from ged.routing.load import fill_calendar
from ged.spreadsheet.reading import read_apart
from ged.takeover import folders
from ged.takeover.folders import Announced
from ged.takeover.models import FolderScan, ScanFolder
from ged.unit import Services
from ged.workbook import operations
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from tests import scan_folders_kit
from tests.administration_kit import dump
from tests.calendar_kit import MONDAY, counted, dates, made
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.killed_kit import kill_in_the_middle, rows_of
from tests.sample_kit import LONG_RUN
from tests.scan_folders_kit import add_archive, joined, picture, refused, seen
from tests.scripted_ocr import ScriptedEngine
from tests.served import TRUST, Served, served
from tests.site import PASSWORD, give_passwords, token
from tests.workbook_kit import book
from tests.worker_kit import Installation, eventually, kill
from web.commands.shared import write_whole

pytestmark = [pytest.mark.in_turns(2), pytest.mark.slow]
LATER = NOW + timedelta(hours=1)
PIECE = 40
"""Bytes: each file comes in several pieces."""


def before_or_after(services: Services, act: Callable[[], object]) -> int:
    """Kill an act in the middle: the state is before or after it. At last it is done. Returns how many moments it has."""
    before, found = rows_of(services), list[object]()
    count = kill_in_the_middle(services, act, lambda: found.append(rows_of(services)))
    after = rows_of(services)
    assert before != after
    assert all(one in (before, after) for one in found)
    assert found[0] == before
    assert found[-1] == after, "the last moment is behind the commit"
    with services.reading() as session:
        assert [(audit.head(session).count,)] == after["audit_entries"]
    return count


@pytest.mark.long("a process killed in another act; one is killed in the usual run")
def test_a_day_and_a_week_of_the_calendar_and_their_undoing(tmp_path: Path) -> None:
    services = made(make_services(tmp_path))
    letters = [counted(services, 6) for _ in range(2)]
    admin = actor(services, "admin")

    def day() -> None:
        with services.unit_of_work(LATER) as uow:
            calendar_changes.set_holiday(uow, MONDAY, name="Tabaski", is_off=True, actor=admin)

    def undo_day() -> None:
        with services.unit_of_work(LATER) as uow:
            [change] = calendar_changes.last_holidays(uow.session)
            calendar_changes.undo_holiday(uow, change.sequence, actor=admin)

    def week() -> None:
        with services.unit_of_work(LATER) as uow:
            calendar_changes.set_working_week(uow, frozenset(range(4)), actor=admin)

    def undo_week() -> None:
        with services.unit_of_work(LATER) as uow:
            [change] = calendar_changes.last_weeks(uow.session)
            calendar_changes.undo_week(uow, change.sequence, actor=admin)

    first = [dates(services, letter) for letter in letters]
    for act in (day, undo_day, week, undo_week):
        assert before_or_after(services, act) >= 5, act.__name__
        assert ([dates(services, letter) for letter in letters] == first) is act.__name__.startswith("undo")


@pytest.mark.long("a process killed in another act; one is killed in the usual run")
def test_a_workbook_and_its_undoing(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    lines = {"Unités": [["DX", "Direction d'essai", "direction", "SG"]], "Mentions": [["m1", "Pour essai", ""]]}
    with services.reading() as session:
        present = organisation_now(session, on=TODAY)
    wanted = merge(present, read_apart(book(services, lines))).file
    assert wanted is not None

    def take_in() -> None:
        with services.unit_of_work(NOW) as uow:
            operations.take_in(uow, import_id, wanted, seen=present, on=TODAY)

    def undo() -> None:
        with services.unit_of_work(LATER) as uow:
            operations.undo(uow)

    first = dump(services)
    with services.unit_of_work(NOW) as uow:
        import_id = operations.hand_in(uow, b"x", "c.xlsx")
    assert before_or_after(services, take_in) >= 5
    assert dump(services) != first
    assert before_or_after(services, undo) >= 5
    assert dump(services) == first


# --- a folder of scans


@pytest.fixture
def scans(tmp_path: Path) -> Services:
    """A folder is begun. A real look at a file would start a process after each kill."""
    services = replace(make_services(tmp_path), ocr=ScriptedEngine())
    make_organisation(services)
    add_archive(services)
    assert scan_folders_kit.begin(services) == 1
    return services


@pytest.mark.long("a process killed at another step of a folder; one is killed in the usual run")
def test_a_folder_that_is_killed_while_files_come_in_goes_on_where_it_stopped(scans: Services) -> None:
    """As a browser does: the folder is chosen again, announced, and sent from the byte on that is told."""
    agent = actor(scans, "agent")
    sent = {"1.png": picture("a"), "457.png": picture("b")}
    told = [Announced(name, len(content), 5) for name, content in sent.items()]

    def send() -> None:
        for one in folders.announce(scans, 1, told, actor=agent, now=NOW):
            content = sent[told[one.place].name]
            here: int | None = one.offset
            while here is not None:
                piece = io.BytesIO(content[here : here + PIECE])
                here = folders.receive(scans, 1, one.scan_id, piece, offset=here, actor=agent, now=NOW)

    def asked() -> list[JobState]:
        with scans.reading() as session:
            return list(session.scalars(select(Job.state).where(Job.kind == JobKind.TAKE_OVER_SCANS)))

    def restarted() -> None:
        assert asked() == [JobState.QUEUED] * min(1, seen(scans, 1).arrived), "what has arrived is matched"
        send()
        whole()

    def whole() -> None:
        row = seen(scans, 1)
        assert (row.total, row.arrived, row.missing) == (2, 2, 0)
        with scans.reading() as session:
            for scan in session.scalars(select(FolderScan)):
                assert scan.digest is not None
                with scans.blobs.open(scan.digest) as kept:  # type: ignore[arg-type]
                    assert kept.read() == sent[scan.name]
        assert asked() == [JobState.QUEUED]
        # Killed between its last two steps it leaves the pieces, though the file is kept: they go with the nightly sweep.
        partials.sweep(scans, older_than=datetime.now(UTC) + timedelta(days=1))
        assert not list((Path(scans.data_dir) / "partial").iterdir())

    assert kill_in_the_middle(scans, send, restarted, most=16 if LONG_RUN else 6) >= 15
    whole()


def lease_is_over(services: Services) -> list[JobId]:
    """The time of the dead worker's lease passes: until then no other worker takes its job. Returns what waits then."""
    now, kinds = datetime.now(UTC), [JobKind.TAKE_OVER_SCANS]
    with services.unit_of_work(now) as uow:
        for job in uow.session.scalars(select(Job).where(Job.kind.in_(kinds), Job.state == JobState.RUNNING)):
            assert job.id not in jobs.due(uow.session, now=now, kinds=kinds)
            job.lease_until = now - timedelta(seconds=1)
        uow.session.flush()
        return jobs.due(uow.session, now=now, kinds=kinds)


def test_the_job_that_matches_is_taken_up_again_when_its_lease_is_over(scans: Services) -> None:
    scan_folders_kit.give(scans, 1, {"1.png": picture("a"), "sans.png": picture("b"), "457.png": picture("c")})
    with scans.reading() as session:
        [job_id] = jobs.due(session, now=datetime.now(UTC), kinds=[JobKind.TAKE_OVER_SCANS])

    def match() -> None:
        pipeline.run_job(scans, job_id, worker="dead")

    def restarted() -> None:
        for waiting in lease_is_over(scans):
            assert pipeline.run_job(scans, waiting, worker="alive")
        all_matched()

    def all_matched() -> None:
        assert joined(scans) == [("1", 2015, "1.png"), ("0457/MEM/SG", 2015, "457.png")]
        assert refused(scans, 1) == {"sans.png": "takeover.scan_no_number"}
        with scans.reading() as session:
            assert session.get_one(Job, job_id).state is JobState.DONE
            reading = select(func.count()).where(Job.kind == JobKind.RECOGNISE_BACKLOG)
            assert session.scalar(reading) == 2

    assert kill_in_the_middle(scans, match, restarted, most=16 if LONG_RUN else 6) >= 10
    all_matched()


def test_a_folder_is_paused_continued_and_what_was_refused_is_mended(scans: Services) -> None:
    agent = actor(scans, "agent")
    scan_folders_kit.give(scans, 1, {"douze.png": picture("a"), "sans.png": picture("b")})
    scan_folders_kit.take(scans, 1)
    wanted = scan_folders_kit.scan_id(scans, "douze.png")

    def pause() -> None:
        with scans.unit_of_work(LATER) as uow:
            folders.pause(uow, 1, actor=agent)

    def resume() -> None:
        with scans.unit_of_work(LATER) as uow:
            folders.resume(uow, 1, actor=agent)

    def by_hand() -> None:
        folders.match(scans, 1, wanted, "12/2015", AttachmentKind.DOCUMENT, actor=agent, now=LATER)

    for act in (pause, resume, by_hand):
        before_or_after(scans, act)
    with scans.reading() as session:
        assert not session.scalars(select(ScanFolder.is_paused)).one()
    assert joined(scans) == [("12", 2015, "douze.png")]

    def mended() -> None:
        scan_folders_kit.give(scans, 1, {"sans.png": picture("c")})

    def restarted() -> None:
        mended()
        assert refused(scans, 1) == {}
        assert seen(scans, 1).missing == 0

    kill_in_the_middle(scans, mended, restarted)
    assert seen(scans, 1).arrived == 2


class Browser:
    """Sends a folder as ``folders.js`` does: it asks until there is an answer."""

    def __init__(self, site: Served) -> None:
        self._client = httpx.Client(base_url=site.url, timeout=10, verify=TRUST)
        form = {"account": "agent", "password": PASSWORD}
        page = self._client.get("/connexion").text
        assert self._client.post("/connexion", data={"csrf_token": token(page), **form}).status_code == 303
        self._headers = {"X-CSRFToken": token(self._client.get("/registres/").text)}

    def ask(self, path: str, **what: Any) -> Any:
        until = time.monotonic() + 60
        while True:
            with suppress(httpx.TransportError):
                answer = self._client.post(f"/reprises/dossiers/1{path}", headers=self._headers, **what)
                if answer.status_code < 500:
                    assert answer.status_code == 200, answer.text
                    return answer.json()
            assert time.monotonic() < until, "the site does not come back"
            time.sleep(0.05)

    def close(self) -> None:
        self._client.close()


def test_the_site_and_the_worker_are_killed_while_a_folder_goes_up_and_is_matched(tmp_path: Path) -> None:
    place = Installation.make(tmp_path)
    services = place.services
    give_passwords(services)
    add_archive(services)
    assert scan_folders_kit.begin(services) == 1
    killed = list[None]()
    names = ("1.png", "457.png", "2015/12.png", "2016/12.png", "13.png", "sans.png")
    sent = {name: picture(name) for name in names}
    try:
        with served(place) as site:
            browser = Browser(site)
            told = [[name, len(content), 5] for name, content in sent.items()]
            for one in browser.ask("/annonce", json=told):
                content, here = sent[names[one["place"]]], one["offset"]
                while here is not None:
                    if here == PIECE and one["place"] in (1, 4):
                        killed += [os.kill(pid, signal.SIGKILL) for pid in site.children()]
                    piece = content[here : here + PIECE]
                    here = browser.ask(f"/fichiers/{one['id']}?octet={here}", content=piece)["here"]
            browser.close()
        assert len(killed) == 2
        assert seen(services, 1).missing == 0
        worker = place.start_worker()
        eventually(lambda: seen(services, 1).settled >= 1, within_s=60, what="a file is matched", log=place.log)
        kill(worker)
        place.start_worker()
        eventually(lambda: seen(services, 1).waiting == 0, within_s=60, what="all are matched", log=place.log)
    finally:
        place.close()
    assert refused(services, 1) == {"sans.png": "takeover.scan_no_number"}, place.log.read_text()
    assert sorted(joined(services)) == [
        ("0457/MEM/SG", 2015, "457.png"), ("1", 2015, "1.png"), ("12", 2015, "12.png"), ("12", 2016, "12.png"),
        ("13", 2016, "13.png"),
    ]  # fmt: skip
    with services.reading() as session:
        kept = dict(session.execute(select(FolderScan.name, FolderScan.digest)).all())
    assert kept == {name: hashlib.sha256(content).hexdigest() for name, content in sent.items()}


# --- files that commands write


def test_a_file_whose_writing_is_killed_is_whole_or_as_before(tmp_path: Path) -> None:
    """The booklets of ``ged guide``, one by one. The command that is given again leaves nothing beside them."""
    services, out = make_services(tmp_path), tmp_path / "out"
    out.mkdir()
    old, new = b"%PDF-1.7 of the last year", b"%PDF-1.7" + bytes(300_000)

    def printed() -> None:
        for name in ("a.pdf", "b.pdf"):
            write_whole(out / name, new)

    def restarted() -> None:
        found = {path.name: path.read_bytes() for path in out.glob("[!.]*")}
        assert found.keys() == {"a.pdf", "b.pdf"}
        assert set(found.values()) <= {old, new}
        printed()
        assert {path.name: path.read_bytes() for path in out.iterdir()} == {"a.pdf": new, "b.pdf": new}
        lay_old()

    def lay_old() -> None:
        for name in ("a.pdf", "b.pdf"):
            (out / name).write_bytes(old)

    lay_old()
    assert kill_in_the_middle(services, printed, restarted) >= 4
