"""What the administration does while the disk gets full in the middle: it is said in words, nothing half done stays, and
with room again the same act is done."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from ged import pipeline
from ged.jobs import MAX_ATTEMPTS, Job, JobKind, JobState
from ged.routing import calendar_changes
from ged.takeover.models import FolderScan, ScanFolder
from ged.unit import Services
from tests import commands, scan_folders_kit
from tests.administration_kit import dump, everything
from tests.administration_site_kit import place
from tests.calendar_kit import MONDAY, counted, dates
from tests.factories import NOW, SECRET, make_organisation, make_services
from tests.full_disk_kit import SAID, TO_DO, FullDisk, fill, make_pages_small, page_by_page, room_of, small_disk
from tests.scan_folders_kit import add_archive, joined, picture, refused, seen
from tests.scripted_ocr import ScriptedEngine
from tests.site import make_site, post, sign_in, token_of
from tests.workbook_kit import book
from web.site import booklets

__all__ = ["place"]  # a fixture
pytestmark = [pytest.mark.in_turns(2), pytest.mark.slow]
CALENDAR, ROLLOUT = "/administration/calendrier", "/administration/deploiement/"


def is_done(answer: TestResponse, *, done: int = 303) -> bool:
    """Whether an act was done; where it was not, the page says in words why, and what to do."""
    if answer.status_code == done:
        return True
    assert answer.status_code == 507, answer.text
    assert SAID in answer.text
    assert TO_DO in answer.text
    return False


def sends(client: FlaskClient, path: str, data: dict[str, object]) -> Callable[[], bool]:
    return lambda: is_done(post(client, path, data))


@pytest.mark.long("another act on a full disk; a workbook is handed in on one in the usual run")
def test_a_day_and_a_week_of_the_calendar_and_their_undoing(place: tuple[Flask, Services]) -> None:
    app, services = place
    letters = [counted(services, 6) for _ in range(25)]
    client, was = sign_in(app, "admin"), dates(services, letters[0])

    def act(path: str, data: dict[str, object]) -> None:
        assert page_by_page(services, sends(client, f"{CALENDAR}/{path}", data), lambda: everything(services)), path

    act("jour", {"on": str(MONDAY), "name": "Tabaski", "shown": "null"})
    assert dates(services, letters[-1]) != was
    with services.reading() as session:
        (day,) = calendar_changes.last_holidays(session)
    act(f"annuler/{day.sequence}", {})
    assert dates(services, letters[-1]) == was
    act("semaine", {"weekdays": ["0", "1", "2", "3"], "shown": "0 1 2 3 4"})
    with services.reading() as session:
        (week,) = calendar_changes.last_weeks(session)
    assert dates(services, letters[-1]) != was
    act(f"semaine/annuler/{week.sequence}", {})
    assert dates(services, letters[-1]) == was


def test_a_workbook_is_handed_in_looked_at_taken_in_and_taken_back(place: tuple[Flask, Services]) -> None:
    app, services = place
    client, before = sign_in(app, "admin"), dump(services)
    units = [[f"S{n}", f"Service {n}", "service", "SG"] for n in range(60)]
    content = book(services, {"Unités": units, "Mentions": [["m1", "Pour essai", ""]]})
    where: list[str] = []

    def hand_in() -> bool:
        answer = post(client, ROLLOUT, {"file": (io.BytesIO(content), "classeur.xlsx")})
        where.append(str(answer.location))
        return is_done(answer)

    def act(work: Callable[[], bool]) -> None:
        assert page_by_page(services, work, lambda: everything(services))

    act(hand_in)
    page_by_page(services, lambda: is_done(client.get(where[-1]), done=200), lambda: everything(services))
    act(sends(client, f"{where[-1]}/importer", {}))
    assert dump(services) != before
    act(sends(client, f"{where[-1]}/reprendre", {}))
    assert dump(services) == before


# --- a folder of scans


@pytest.fixture
def scans(tmp_path: Path) -> tuple[Flask, Services]:
    services = replace(make_services(tmp_path), blobs=FullDisk(tmp_path / "blobs"), ocr=ScriptedEngine())
    app, _ = make_site(tmp_path, services=services)
    add_archive(services)
    make_pages_small(services)
    return app, services


def store(services: Services) -> FullDisk:
    assert isinstance(services.blobs, FullDisk)
    return services.blobs


@pytest.mark.long("another act on a full disk; a workbook is handed in on one in the usual run")
def test_a_folder_is_begun_announced_sent_paused_and_mended(scans: tuple[Flask, Services]) -> None:
    app, services = scans
    client = sign_in(app, "agent")
    archive = scan_folders_kit.archive_of(services)
    many = [[f"2015/{n} sans numéro.png", 100, n] for n in range(60)]

    def scan_state() -> tuple[object, ...]:
        with services.reading() as session:
            rows = [session.execute(select(*table.__table__.columns)).all() for table in (ScanFolder, FolderScan)]
            return rows, session.scalar(select(func.count()).select_from(Job))

    def act(work: Callable[[], bool]) -> int:
        return page_by_page(services, work, scan_state)

    def sent(path: str, **what: object) -> TestResponse:
        return client.post(f"{where}{path}", headers={"X-CSRFToken": token_of(client)}, **what)

    begin = {"folder_register_id": str(archive), "folder_name": "Arrivée 2015"}
    act(sends(client, "/reprises/dossiers/", begin))
    where = "/reprises/dossiers/1"
    assert act(lambda: is_done(sent("/annonce", json=many), done=200))
    content = picture("a")
    [one] = sent("/annonce", json=[["1.png", len(content), 5]]).get_json()
    piece = f"/fichiers/{one['id']}?octet="
    assert sent(f"{piece}0", data=content[:30]).get_json() == {"here": 30}
    store(services).refusals = 1
    assert not is_done(sent(f"{piece}30", data=content[30:]), done=200)
    assert seen(services, 1).arrived == 0
    act(lambda: is_done(sent(f"{piece}30", data=content[30:]), done=200))
    assert seen(services, 1).arrived == 1, "the pieces were kept: the last one is sent again, and no other"
    act(lambda: is_done(sent("/suspendre")))
    act(lambda: is_done(sent("/continuer")))
    pipeline_runs(services)
    assert joined(services) == [("1", 2015, "1.png")]

    def by_form() -> TestResponse:
        files = [(io.BytesIO(picture("b")), "douze.png"), (io.BytesIO(picture("c")), "treize.png")]
        return post(client, f"{where}/fichiers", {"files": files})

    store(services).fit, store(services).refusals = 2, 1  # the first file, stored and looked up
    answer = by_form()
    assert not is_done(answer)
    assert "1 fichier est envoyé." in answer.text, "it stays, and is not sent twice"
    assert is_done(by_form())
    pipeline_runs(services)
    no_number = {"douze.png": "takeover.scan_no_number", "treize.png": "takeover.scan_no_number"}
    assert refused(services, 1) == no_number
    left = scan_folders_kit.scan_id(services, "douze.png")
    number = {f"number_{left}": "12/2015", f"kind_{left}": "document"}
    store(services).refusals = 1
    assert not is_done(post(client, f"{where}/fichiers/{left}/rattacher", number))
    assert refused(services, 1) == no_number
    act(sends(client, f"{where}/fichiers/{left}/rattacher", number))
    assert joined(services)[-1] == ("12", 2015, "douze.png")


def pipeline_runs(services: Services) -> None:
    """Run the waiting jobs of folders, as a worker does once their time has come."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Job).where(Job.state == JobState.QUEUED).values(run_after=NOW))
        waiting = list(
            uow.session.scalars(select(Job.id).where(Job.kind == JobKind.TAKE_OVER_SCANS, Job.state == JobState.QUEUED))
        )
    for job_id in waiting:
        assert pipeline.run_job(services, job_id, worker="w")  # type: ignore[arg-type]


def the_job(services: Services) -> tuple[JobState, str]:
    with services.reading() as session:
        job = session.scalars(select(Job).where(Job.kind == JobKind.TAKE_OVER_SCANS)).one()
        return job.state, job.error_code


@pytest.mark.parametrize("full", ["store", "database", "room"])
def test_the_matching_waits_for_room_without_limit_and_refuses_no_good_file(
    scans: tuple[Flask, Services], full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _app, services = scans
    folder_id = scan_folders_kit.begin(services)
    scan_folders_kit.give(services, folder_id, {"1.png": picture("a"), "457.png": picture("b")})
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Job).where(Job.kind == JobKind.TAKE_OVER_SCANS).values(attempts=MAX_ATTEMPTS - 1))
    if full == "store":
        store(services).refusals = 1
        pipeline_runs(services)
    elif full == "database":
        with room_of(services, 0):
            pipeline_runs(services)
    else:
        with small_disk(tmp_path / "small") as small, monkeypatch.context() as patched:
            patched.setattr("ged.capture.files.private_dir", lambda _services: _there(small))
            fill(small / "ballast")
            pipeline_runs(services)
    assert the_job(services) == (JobState.QUEUED, "disk.full")
    assert refused(services, folder_id) == {}
    assert joined(services) in ([], [("1", 2015, "1.png")])
    pipeline_runs(services)
    assert the_job(services)[0] is JobState.DONE
    assert joined(services) == [("1", 2015, "1.png"), ("0457/MEM/SG", 2015, "457.png")]


@contextmanager
def _there(folder: Path) -> Iterator[Path]:
    yield folder


# --- the booklets of the guide


def test_a_booklet_is_read_on_the_site_while_the_database_has_no_room(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    with room_of(services, 0):
        assert client.get("/aide/a-imprimer").status_code == 200
        answer = client.get("/aide/a-imprimer/agent.pdf")
    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF")


def installation(folder: Path) -> Path:
    """An installation with its file of settings. Returns the file."""
    (folder / "data").mkdir(parents=True)
    services = make_services(folder / "data")
    make_organisation(services)
    services.engine.dispose()
    env = folder / "ged.env"
    env.write_text(f"GED_DATA_DIR={folder / 'data'}\nGED_SECRET={SECRET}\n")
    return env


NEW, OLD = b"%PDF-1.7" + bytes(300_000), b"%PDF-1.7 of the last year"


@pytest.fixture
def two_booklets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The guide has two booklets, which cost nothing to print. Returns the names of their files."""
    monkeypatch.setattr(booklets, "BOOKLETS", booklets.BOOKLETS[:2])
    monkeypatch.setattr(booklets, "printed", lambda *_args, **_named: NEW)
    return [booklets.filename(one, "fr") for one in booklets.BOOKLETS]


def test_the_booklets_that_do_not_fit_are_named_and_the_old_ones_stay(tmp_path: Path, two_booklets: list[str]) -> None:
    env = installation(tmp_path)
    with small_disk(tmp_path / "disk") as disk:
        ballast, out = disk / "ballast", disk / "out"
        out.mkdir()
        for name in two_booklets:
            (out / name).write_bytes(OLD)
        fill(ballast)
        os.truncate(ballast, ballast.stat().st_size - 400_000)  # room for one
        refused = commands.ged("--env", env, "guide", out, "--language", "fr")
        assert refused.returncode == 1
        assert two_booklets[1] in refused.stderr
        assert "No space left on device" in refused.stderr
        assert {path.name: path.read_bytes() for path in out.iterdir()} == dict(
            zip(two_booklets, (NEW, OLD), strict=True)
        )
        ballast.unlink()
        assert commands.ged("--env", env, "guide", out, "--language", "fr").returncode == 0
        assert {path.name: path.read_bytes() for path in out.iterdir()} == dict.fromkeys(two_booklets, NEW)


def test_a_command_on_a_full_database_says_so_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``ged org import`` ended with a traceback."""
    env = installation(tmp_path)
    services = make_services(tmp_path / "data", create=False)
    (tmp_path / "c.xlsx").write_bytes(
        book(services, {"Unités": [[f"S{n}", f"Service {n}", "service", "SG"] for n in range(12)]})
    )
    before = everything(services)
    with room_of(services, 0):
        monkeypatch.setattr("web.commands.org.build_services", lambda _settings: services)
        refused = commands.ged("--env", env, "org", "import", tmp_path / "c.xlsx")
    assert refused.returncode == 1
    assert refused.stderr.startswith("disk.full")
    assert "free space" in refused.stderr
    assert everything(services) == before
    assert commands.ged("--env", env, "org", "import", tmp_path / "c.xlsx").returncode == 0
