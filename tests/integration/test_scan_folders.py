"""A folder of scans is taken over on the site: in pieces, broken off, paused, matched by name or by hand, and never doubled."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect
from sqlalchemy import delete, func, select

from ged.archive import blobs as archive_blobs
from ged.audit import AuditEntry
from ged.capture.files import Upload
from ged.errors import EngineFailed, Forbidden, Invalid, NotFound
from ged.jobs import MAX_ATTEMPTS, Job, JobKind, JobState
from ged.org.models import Holding, Person
from ged.register.models import AttachmentKind, Mail, Register
from ged.takeover import folders
from ged.takeover.folders import Announced
from ged.takeover.models import FolderScan, ScanFolder
from ged.takeover.names import Numbered, Numbers
from ged.unit import Services
from tests.browsing import sign_in as sign_in_browser
from tests.factories import NOW, actor, make_organisation, make_services
from tests.hands_kit import at_once
from tests.routing_kit import run_jobs
from tests.scan_folders_kit import (
    BOOK,
    add_archive,
    archive_of,
    begin,
    give,
    joined,
    picture,
    refused,
    scan_id,
    seen,
    take,
)
from tests.site import give_passwords, make_site, post, served, sign_in, token

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Browser, Route

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    add_archive(made)
    yield made
    made.engine.dispose()


def test_files_join_the_letters_whose_numbers_they_bear_and_the_others_are_refused_with_the_reason(
    services: Services,
) -> None:
    folder_id = begin(services)
    give(
        services,
        folder_id,
        {
            "2015/0457-MEM-SG.png": picture("a"), "Arrivée n° 1 du 09-03-2015.png": picture("b"), "12_2016.png": picture("c"),
            "12.png": picture("d"), "sans numéro.png": picture("e"), "99.png": picture("f"), "vide.pdf": b"",
            "13.pdf": b"%PDF-1.4 broken", "0001.png": picture("g"), "2015/013.png": picture("c"),
        },
    )  # fmt: skip
    assert seen(services, folder_id).waiting == 9
    run_jobs(services, JobKind.TAKE_OVER_SCANS)
    assert joined(services) == [
        ("0457/MEM/SG", 2015, "0457-MEM-SG.png"), ("1", 2015, "Arrivée n° 1 du 09-03-2015.png"), ("12", 2016, "12_2016.png")
    ]  # fmt: skip
    found = refused(services, folder_id)
    assert found.pop("13.pdf").startswith("file.")
    assert found == {
        "12.png": "takeover.scan_two_letters", "sans numéro.png": "takeover.scan_no_number",
        "99.png": "takeover.scan_no_letter", "vide.pdf": "file.empty", "0001.png": "takeover.scan_has_document",
        "2015/013.png": "takeover.scan_elsewhere",
    }  # fmt: skip
    row = seen(services, folder_id)
    assert (row.total, row.arrived, row.joined, row.refused, row.waiting, row.missing) == (10, 10, 3, 7, 0, 0)
    with services.reading() as session:
        kinds = session.scalars(select(Job.kind).where(Job.state == JobState.QUEUED)).all()
        assert kinds.count(JobKind.RECOGNISE_BACKLOG) == 3, "they are read when no letter of today waits"
        assert JobKind.RECOGNISE not in kinds


def test_what_was_refused_is_joined_by_hand_sent_again_or_taken_from_the_list(services: Services) -> None:
    folder_id, agent = begin(services), actor(services, "agent")
    give(
        services,
        folder_id,
        {"1.png": picture("a"), "douze.png": picture("b"), "page 1 de 1.pdf": b"broken", "x.png": picture("c")},
    )
    take(services, folder_id)
    for number, code in (("12", "takeover.scan_two_letters"), ("77", "takeover.scan_no_letter"), ("?", "takeover.scan_no_letter"),
                         ("1", "takeover.scan_has_document")):  # fmt: skip
        with pytest.raises(Invalid, match=code):
            folders.match(
                services,
                folder_id,
                scan_id(services, "douze.png"),
                number,
                AttachmentKind.DOCUMENT,
                actor=agent,
                now=NOW,
            )
    wanted = scan_id(services, "douze.png")
    assert folders.match(services, folder_id, wanted, "12/2015", AttachmentKind.DOCUMENT, actor=agent, now=NOW) == "12"
    assert folders.match(
        services, folder_id, scan_id(services, "x.png"), "1", AttachmentKind.ANNEX, actor=agent, now=NOW
    )
    assert joined(services) == [("1", 2015, "1.png"), ("12", 2015, "douze.png"), ("1", 2015, "x.png")]
    with pytest.raises(NotFound):
        folders.match(services, folder_id, wanted, "13", AttachmentKind.DOCUMENT, actor=agent, now=NOW)
    assert list(refused(services, folder_id)) == ["page 1 de 1.pdf"]
    give(services, folder_id, {"page 1 de 1.pdf": picture("mended")})
    assert refused(services, folder_id) == {}
    take(services, folder_id)
    assert joined(services)[-1] == ("1", 2015, "x.png")
    assert refused(services, folder_id) == {"page 1 de 1.pdf": "takeover.scan_no_number"}
    with services.unit_of_work(NOW) as uow:
        folders.drop(uow, folder_id, scan_id(services, "page 1 de 1.pdf"), actor=agent)
    assert refused(services, folder_id) == {}
    with services.reading() as session:
        told = list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("takeover.%"))))
    assert told == ["takeover.folder_begun", "takeover.scan_dropped"]


def test_the_same_folder_again_adds_nothing(services: Services) -> None:
    files = {"1.png": picture("a"), "0457.png": picture("b")}
    folder_id = begin(services)
    for _ in range(2):
        give(services, folder_id, files)
        take(services, folder_id)
    again = begin(services)
    give(services, again, files)
    take(services, again)
    assert len(joined(services)) == 2
    row = seen(services, again)
    assert (row.joined, row.already, row.refused) == (0, 2, 0)


def test_pieces_survive_a_broken_connection_and_two_windows_do_no_harm(services: Services) -> None:
    folder_id, agent = begin(services), actor(services, "agent")
    content = picture("a")
    file = Announced("1.png", len(content), 5)

    def expected() -> list[folders.Expected]:
        return folders.announce(services, folder_id, [file], actor=agent, now=NOW)

    def send(offset: int, piece: bytes) -> int | None:
        return folders.receive(services, folder_id, one.scan_id, io.BytesIO(piece), offset=offset, actor=agent, now=NOW)

    (one,) = expected()
    assert send(0, content[:30]) == 30
    assert [told.offset for told in expected()] == [30], "chosen again, the folder goes on"
    assert send(0, content[:30]) == 30, "what is here is not taken twice"
    assert send(10, content[10:40]) == 30
    with pytest.raises(Invalid, match=r"page\.size"):
        send(30, content[30:] + b"more")
    file = Announced("1.png", len(content), 6)
    (changed,) = expected()
    assert changed.offset == 0, "the file was changed meanwhile: pieces of two files make none"
    assert send(0, content) is None
    assert send(0, content) is None
    assert expected() == []
    take(services, folder_id)
    assert joined(services) == [("1", 2015, "1.png")]


def test_a_file_that_was_whole_when_the_site_was_killed_arrives_when_it_is_chosen_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id, agent, content = begin(services), actor(services, "agent"), picture("a")

    def expected() -> list[folders.Expected]:
        return folders.announce(services, folder_id, [Announced("1.png", len(content), 5)], actor=agent, now=NOW)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(folders, "_arrive", killed)
        folders.receive(services, folder_id, expected()[0].scan_id, io.BytesIO(content), offset=0, actor=agent, now=NOW)
    (again,) = expected()
    piece = content[again.offset :]
    assert piece, "a browser does not send a piece without bytes"
    assert (
        folders.receive(
            services, folder_id, again.scan_id, io.BytesIO(piece), offset=again.offset, actor=agent, now=NOW
        )
        is None
    )
    assert seen(services, folder_id).missing == 0


def test_an_older_version_does_not_stand_for_the_one_that_was_announced_meanwhile(services: Services) -> None:
    folder_id, agent, old, new = begin(services), actor(services, "agent"), picture("a"), picture("b")

    def announce(content: bytes, modified: int) -> folders.Expected:
        file = Announced("1.png", len(content), modified)
        (one,) = folders.announce(services, folder_id, [file], actor=agent, now=NOW)
        return one

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            announce(new, 6)
            return super().read(size)

    one = announce(old, 5)
    folders.receive(services, folder_id, one.scan_id, Slow(old), offset=0, actor=agent, now=NOW)
    assert seen(services, folder_id).arrived == 0
    folders.receive(services, folder_id, one.scan_id, io.BytesIO(new), offset=0, actor=agent, now=NOW)
    with services.reading() as session:
        digest = session.scalars(select(FolderScan.digest)).one()
    assert digest == hashlib.sha256(new).hexdigest()


def test_another_file_of_the_same_name_is_not_lost(services: Services) -> None:
    folder_id, agent = begin(services), actor(services, "agent")
    give(services, folder_id, {"12.png": picture("a")})
    give(services, folder_id, {"12.png": picture("b")})
    give(services, folder_id, {"12.png": picture("a")})
    assert seen(services, folder_id).arrived == 2
    names = ["2015/1.png", "2015/1.\u202epng", "2015/e\u0301.png", "2015/\u00e9.png", "2015/\x01.png", "2015/\x02.png"]
    told = [Announced(name, 10, place) for place, name in enumerate(names)]
    for _ in range(2):
        one = folders.announce(services, folder_id, told, actor=agent, now=NOW)
        assert [file.place for file in one] == list(range(6))
    assert len({file.scan_id for file in one}) == 6
    assert seen(services, folder_id).total == 8
    take(services, folder_id)
    assert refused(services, folder_id) == {
        "12.png": "takeover.scan_two_letters",
        "(2)/12.png": "takeover.scan_two_letters",
    }


def test_many_files_of_one_name_are_announced_in_a_moment_and_too_many_are_refused(services: Services) -> None:
    """Each compared with all that were announced before it would hold the folder for minutes."""
    folder_id, agent = begin(services), actor(services, "agent")
    many = [Announced("1.png", 10, place) for place in range(1, 1_001)]
    began = time.process_time()
    for _ in range(2):
        expected = folders.announce(services, folder_id, many, actor=agent, now=NOW)
        assert len({one.scan_id for one in expected}) == len(many)
    assert time.process_time() - began < 15
    with pytest.raises(Invalid, match=r"takeover\.too_many_files"):
        folders.announce(services, folder_id, many * 21, actor=agent, now=NOW)


def test_a_file_that_cannot_be_looked_at_does_not_keep_the_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id, examine = begin(services), folders.examine

    def hangs(services: Services, filename: str, content: BinaryIO, *, wait_s: float) -> Upload:
        if filename == "1.png":
            raise EngineFailed("ocr.timeout", retryable=True)
        if filename == "13.png":
            raise EngineFailed("ocr.crashed", error="x")
        if filename == "12.png":
            raise EngineFailed("scanner.unavailable", retryable=True)
        return examine(services, filename, content, wait_s=wait_s)

    monkeypatch.setattr(folders, "examine", hangs)
    give(services, folder_id, {"1.png": picture("a"), "13.png": picture("b"), "457.png": picture("c")})
    take(services, folder_id)
    assert joined(services) == [("0457/MEM/SG", 2015, "457.png")]
    assert refused(services, folder_id) == {"1.png": "ocr.timeout", "13.png": "ocr.crashed"}
    give(services, folder_id, {"12.png": picture("d")})
    with pytest.raises(EngineFailed, match=r"scanner\.unavailable"):
        take(services, folder_id)
    assert seen(services, folder_id).waiting == 1, "a server that is away is waited for"
    with services.unit_of_work(NOW) as uow:
        for job in uow.session.scalars(select(Job).where(Job.kind == JobKind.TAKE_OVER_SCANS)):
            job.attempts = MAX_ATTEMPTS - 1
    run_jobs(services, JobKind.TAKE_OVER_SCANS)
    with services.reading() as session:
        states = set(session.scalars(select(Job.state).where(Job.kind == JobKind.TAKE_OVER_SCANS)))
    assert states == {JobState.QUEUED}, "without limit: nobody would be told that the job has given up"


@pytest.mark.parametrize("lost", ["account", "post", "register"])
def test_a_right_that_ends_while_files_are_matched_ends_the_matching(services: Services, lost: str) -> None:
    folder_id = begin(services)
    give(services, folder_id, {"1.png": picture("a"), "457.png": picture("b")})

    def lose(_said: str) -> None:
        with services.unit_of_work(NOW) as uow:
            person = uow.session.get_one(Person, actor(services, "agent").person_id)
            if lost == "account":
                person.is_active = False
            elif lost == "post":
                uow.session.execute(delete(Holding).where(Holding.person_id == person.id))
            else:
                uow.session.get_one(Register, archive_of(services)).closed_at = NOW

    take(services, folder_id, lose)
    assert [number for number, _year, _name in joined(services)] == ["1"]
    take(services, folder_id)
    assert len(joined(services)) == 1


def test_of_two_hands_at_one_file_the_second_is_told(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_id, agent, examine = begin(services), actor(services, "agent"), folders.examine
    give(services, folder_id, {"x.png": picture("a")})
    take(services, folder_id)

    def match(number: str) -> str:
        wanted = scan_id(services, "x.png")
        return folders.match(services, folder_id, wanted, number, AttachmentKind.DOCUMENT, actor=agent, now=NOW)

    def meanwhile(services: Services, filename: str, content: BinaryIO, *, wait_s: float) -> Upload:
        monkeypatch.setattr(folders, "examine", examine)
        match("13")
        return examine(services, filename, content, wait_s=wait_s)

    monkeypatch.setattr(folders, "examine", meanwhile)
    with pytest.raises(NotFound, match=r"takeover\.scan_unknown"):
        match("1")
    assert joined(services) == [("13", 2016, "x.png")]


def test_paused_it_waits_and_goes_on_where_it_stopped(services: Services) -> None:
    folder_id, agent = begin(services), actor(services, "agent")
    give(services, folder_id, {"1.png": picture("a"), "457.png": picture("b"), "12 2015.png": picture("c")})

    def pause(_said: str) -> None:
        with services.unit_of_work(NOW) as uow:
            folders.pause(uow, folder_id, actor=agent)

    pause("")
    run_jobs(services, JobKind.TAKE_OVER_SCANS)
    assert joined(services) == []

    def resume() -> None:
        with services.unit_of_work(NOW) as uow:
            folders.resume(uow, folder_id, actor=agent)

    resume()
    take(services, folder_id, pause)
    assert len(joined(services)) == 1, "the file that was looked at is the last one"
    resume()
    run_jobs(services, JobKind.TAKE_OVER_SCANS)
    assert len(joined(services)) == 3


def test_one_job_waits_however_many_files_arrive(services: Services) -> None:
    folder_id = begin(services)
    give(services, folder_id, {f"{n}.png": picture(str(n)) for n in range(12)})
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job).where(Job.kind == JobKind.TAKE_OVER_SCANS)) == 1


def test_a_folder_is_of_who_began_it_while_the_register_is_theirs(services: Services) -> None:
    folder_id = begin(services)
    give(services, folder_id, {"1.png": picture("a")})
    for account in ("dge", "sg", "admin"):
        with services.reading() as session, pytest.raises(NotFound):
            folders.folder(session, folder_id, actor(services, account))
        with pytest.raises(NotFound):
            folders.announce(services, folder_id, [], actor=actor(services, account), now=NOW)
    with pytest.raises(Forbidden):
        begin(services, "dge")
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match=r"takeover\.not_archive"):
        current = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        folders.begin(uow, current, "x", actor=actor(services, "agent"))
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Register, archive_of(services)).closed_at = NOW
    take(services, folder_id)
    assert joined(services) == [], "nothing comes into a register that is closed"


def test_a_letter_that_its_sender_may_not_see_is_unknown(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        mail = uow.session.scalars(select(Mail).where(Mail.subject == "Lettre 1")).one()
        mail.level = 2
    folder_id = begin(services)
    give(services, folder_id, {"1.png": picture("a")})
    take(services, folder_id)
    assert refused(services, folder_id) == {"1.png": "takeover.scan_no_letter"}


def test_bytes_wait_as_long_as_their_file_is_in_a_list(services: Services) -> None:
    folder_id = begin(services)
    give(services, folder_id, {"1.png": picture("a"), "99.png": picture("b")})
    take(services, folder_id)
    later = NOW + timedelta(days=2)
    with services.snapshot() as session:
        archive_blobs.sweep(session, services.blobs, now=later)
        digests = list(session.scalars(select(FolderScan.digest)))
    assert all(services.blobs.exists(one) for one in digests)
    for days, left in ((80, 2), (100, 1)):
        with services.unit_of_work(NOW) as uow:
            folders.forget(uow, now=datetime.now(UTC) + timedelta(days=days))
            assert uow.session.scalar(select(func.count()).select_from(FolderScan)) == left
            assert uow.session.scalar(select(func.count()).select_from(ScanFolder)) == 1


@pytest.mark.servers
def test_two_workers_at_one_folder_double_nothing(make_database: Callable[[], str], tmp_path: Path) -> None:
    services = make_services(tmp_path, url=make_database())
    try:
        make_organisation(services)
        add_archive(services)
        folder_id = begin(services)
        give(
            services,
            folder_id,
            {"1.png": picture("a"), "2015/12.png": picture("b"), "457.png": picture("c"), "0001.png": picture("d")},
        )
        assert at_once(*[lambda: take(services, folder_id)] * 2) == []
        assert sorted(number for number, _year, _name in joined(services)) == ["0457/MEM/SG", "1", "12"]
        assert len(refused(services, folder_id)) == 1
    finally:
        services.engine.dispose()


CASES = {
    "457.pdf": [2], "0457.PDF": [2], "0457_mem_sg.jpg": [2], "N° 457 du 09-03-2015.pdf": [2], "2015-457.pdf": [2],
    "2016-457.pdf": [], "scan 457 (2).pdf": [], "12.pdf": [3, 4], "2016/12.pdf": [4], "12 (2015).tif": [3],
    "Archives 2015/2016/12.pdf": [3, 4], "2016.pdf": [6], "09.03.2015.pdf": [], "IMG_20150309_1234.jpg": [], "": [],
    "12_du_9-3-2017.pdf": [], "Courrier n°457 du 3 mars.pdf": [2], "12 du 1er août 2016.pdf": [4], "12_MARS_2015.pdf": [],
    "457 bis.pdf": [], "13 bis 2016.pdf": [], "0013-2016-ter.pdf": [], "Copie de 13_bis.pdf": [], "14 bis.pdf": [7], "14.pdf": [],
    "0457-MEM-DGE.pdf": [], "457_DGE.pdf": [], "0457-MEM.pdf": [2], "457 DGE 2015.pdf": [],
    "12-DGE 2015.pdf": [3], "0457-MEM-SG/1.png": [1, 2], "0457-MEM-SG/457.png": [2], "457/page 1.jpg": [], "IMG_0001.jpg": [],
    "Annexe 1.pdf": [], "pj1.pdf": [], "1 page.pdf": [1],
}  # fmt: skip


@pytest.mark.parametrize(("name", "letters"), CASES.items(), ids=list(CASES))
def test_a_name_means_a_letter_only_without_doubt(name: str, letters: list[int]) -> None:
    book = Numbers((Numbered(place, text, year) for place, (text, year) in enumerate(BOOK, start=1)), codes=["DGE"])
    assert [one.mail_id for one in book.meant(name).letters] == letters


# --- the site ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> tuple[Flask, Services]:
    app, services = make_site(tmp_path)
    add_archive(services)
    give_passwords(services)
    return app, services


def begun(client: FlaskClient, services: Services) -> str:
    data = {"folder_register_id": str(archive_of(services)), "folder_name": "Arrivée 2015"}
    answer = post(client, "/reprises/dossiers/", data, page="/reprises/")
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_the_whole_way_on_the_site(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    where = begun(client, services)
    assert "Aucun fichier refusé" in client.get(where).text
    files = [(io.BytesIO(picture("a")), "1.png"), (io.BytesIO(picture("b")), "sans.png")]
    assert post(client, f"{where}/fichiers", {"files": files}, page=where).status_code == 303
    content = picture("c")
    headers = {"X-CSRFToken": token(client.get(where).raw)}
    told = client.post(
        f"{where}/annonce",
        json=[["Arrivée 2015/457.png", len(content), 1], ["1.png", len(picture("a")), 1]],
        headers=headers,
    )
    (one,) = told.get_json()
    assert (one["place"], one["offset"]) == (0, 0)
    piece = f"{where}/fichiers/{one['id']}?octet="
    assert client.post(f"{piece}0", data=content[:10], headers=headers).get_json() == {"here": 10}
    assert "1 fichier reste à envoyer." in client.get(where).text
    assert client.post(f"{piece}10", data=content[10:], headers=headers).get_json() == {"here": None}
    assert post(client, f"{where}/suspendre", {}).status_code == 303
    assert "Continuer" in client.get(where).text
    assert post(client, f"{where}/continuer", {}).status_code == 303
    take(services, int(where.rpartition("/")[2]))
    page = client.get(where).text
    assert "2 fichiers rattachés" in page
    assert "Le nom du fichier ne donne pas clairement un numéro." in page
    assert page.index("Fichiers refusés") < page.index("Envoyer les fichiers"), "what is left to do stands first"
    left = scan_id(services, "sans.png")
    answer = post(client, f"{where}/fichiers/{left}/rattacher", {f"number_{left}": "12", f"kind_{left}": "document"})
    assert answer.status_code == 422
    assert "12 (2015), 12 (2016)" in answer.text
    given = {f"number_{left}": "12/2016", f"kind_{left}": "document"}
    assert post(client, f"{where}/fichiers/{left}/rattacher", given).status_code == 303
    assert "Le fichier est rattaché au courrier 12." in client.get(where).text
    assert "Arrivée 2015" in client.get("/reprises/").text
    again = [(io.BytesIO(picture("d")), "457 copie.png")]
    assert post(client, f"{where}/fichiers", {"files": again}).status_code == 303
    take(services, int(where.rpartition("/")[2]))
    page = client.get(where).text
    assert "Le courrier 0457/MEM/SG a déjà son document." in page
    assert 'value="0457/MEM/SG"' in page, "the number is not typed again"


def test_wrong_input_is_told(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    assert post(client, "/reprises/dossiers/", {}, page="/reprises/").status_code == 422
    where = begun(client, services)
    assert post(client, f"{where}/fichiers", {}, page=where).status_code == 422
    headers = {"X-CSRFToken": token(client.get(where).raw)}
    for body in (None, {}, [1], [["a", -1, 0]], [["a", "1", 0]], [["a", 1]], [["a", 1, 0]] * 1_001, [["a", 2**63, 0]]):
        assert client.post(f"{where}/annonce", json=body, headers=headers).status_code == 422, body
    deep = client.post(f"{where}/annonce", data=b"[" * 100_000, content_type="application/json", headers=headers)
    assert deep.status_code == 422
    assert client.post(f"{where}/annonce", json=[["a\x00\ud800/../b", 5, 0]], headers=headers).status_code == 200
    assert client.post(f"{where}/fichiers/999", data=b"x", headers=headers).status_code == 404
    for account, status in {"dge": 404, "sg": 403, "admin": 403, "etudes": 403}.items():
        other = sign_in(app, account)
        for part in ("", "/avancement"):
            assert other.get(f"{where}{part}").status_code == status, (account, part)


# --- in the browser ---------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_lost_network_a_closed_window_and_a_pause_lose_nothing(
    browser: Browser, site: tuple[Flask, Services], tmp_path: Path
) -> None:
    app, services = site
    where = tmp_path / "Arrivée"
    where.mkdir()
    large = picture("large") + bytes(2_500_000)
    for name, content in {
        "Thumbs.db": b"x",
        ".DS_Store": b"x",
        "1.png": large,
        "457.png": picture("b"),
        "sans.png": picture("c"),
    }.items():
        (where / name).write_bytes(content)
    with served(app) as url:
        context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 360, "height": 740})
        page = context.new_page()
        sign_in_browser(page, "agent")
        page.goto("/reprises/")
        page.fill("#folder_name", "Arrivée")
        page.press("#folder_name", "Enter")
        page.wait_for_url("**/dossiers/*")
        folder_id = int(page.url.rpartition("/")[2])
        pieces: list[str] = []

        def second_is_lost(route: Route) -> None:
            pieces.append(route.request.url)
            if len(pieces) == 2:
                route.abort()
            else:
                route.continue_()

        page.route("**/fichiers/*?octet=*", second_is_lost)
        page.set_input_files("#folder", where)
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("[data-folder-note=away]")).to_be_visible()
        expect(page.locator("[data-folder-note=sending]"), "it waits: nothing is on its way").to_be_hidden()
        page.close(run_before_unload=False)
        row = seen(services, folder_id)
        assert (row.total, row.arrived) == (3, 0)

        page = context.new_page()
        page.goto(f"/reprises/dossiers/{folder_id}")
        expect(page.get_by_role("status").first).to_contain_text("3 fichiers restent à envoyer")
        sent: list[str] = []
        page.route("**/fichiers/*?octet=*", lambda route: (sent.append(route.request.url), route.continue_()))
        page.set_input_files("#files", where / "Thumbs.db")
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("[data-folder-note=nothing]")).to_be_visible()
        page.set_input_files("#files", [])
        page.get_by_role("button", name="Suspendre").click()
        expect(page.get_by_role("button", name="Continuer")).to_be_visible()
        page.set_input_files("#folder", where)
        late: list[tuple[Route, APIResponse]] = []
        page.route("**/avancement", lambda route: late.append((route, route.fetch())), times=1)
        with page.expect_response("**/annonce"):
            page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("#refuses")).to_be_hidden()
        expect(page.locator("[data-folder-note=sending]")).to_be_hidden()
        assert sent == [], "a paused folder sends nothing"
        until = time.monotonic() + 20
        while not late and time.monotonic() < until:
            page.wait_for_timeout(20)  # the answer is fetched while the folder is paused
        page.get_by_role("button", name="Continuer").click()
        expect(page.get_by_role("button", name="Continuer")).to_be_hidden()
        # What was asked for while the folder was paused arrives last.
        [(route, paused)] = late
        assert "data-paused" in paused.text()
        route.fulfill(response=paused)
        expect(page.locator("#scan-folder")).to_contain_text("3 / 3")
        assert "octet=1000000" in sent[0], "the first piece of the first file is not sent again"
        take(services, folder_id)
        expect(page.locator("#refuses")).to_contain_text(
            "Le nom du fichier ne donne pas clairement un numéro.", timeout=15_000
        )
        context.close()
    assert joined(services) == [("1", 2015, "1.png"), ("0457/MEM/SG", 2015, "457.png")]


@pytest.mark.long("eight seconds in the browser; a lost network and a pause are shown beside it")
@pytest.mark.browser
def test_a_paused_folder_whose_session_has_ended_says_so(
    browser: Browser, site: tuple[Flask, Services], tmp_path: Path
) -> None:
    """Else it would wait for ever to be continued, and "Continuer" would do nothing."""
    app, services = site
    (tmp_path / "1.png").write_bytes(picture("a"))
    with served(app) as url:
        context = browser.new_context(base_url=url, locale="fr-FR")
        page = context.new_page()
        sign_in_browser(page, "agent")
        page.goto(begun(sign_in(app, "agent"), services))
        page.set_input_files("#files", tmp_path / "1.png")
        page.route("**/fichiers/*?octet=*", lambda route: route.abort())
        page.get_by_role("button", name="Envoyer").click()
        page.get_by_role("button", name="Suspendre").click()
        expect(page.get_by_role("button", name="Continuer")).to_be_visible()
        page.close(run_before_unload=False)
        page = context.new_page()
        page.goto("/reprises/dossiers/1")
        page.set_input_files("#files", tmp_path / "1.png")
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("#refuses")).to_be_hidden()
        context.clear_cookies()
        expect(page.locator("[data-folder-note=refused]")).to_be_visible(timeout=15_000)
        context.close()
