"""A scan of a reserve book's page brings its lines back: which are written, with pictures of their cells; a person types them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image, ImageDraw
from sqlalchemy import func, select, update

from ged import pipeline, verify
from ged.capture import drawing, intake, turns
from ged.capture.models import BOOK_ELSEWHERE, BOOK_PAGE, Scan, ScanBatch, ScanState
from ged.errors import EngineFailed, InvalidTransition, NotFound
from ged.jobs import Job, JobKind
from ged.org.models import Unit
from ged.paper import reserve_sheets
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.reserve.codes import PageCode, make_page_code
from ged.reserve.models import ReserveLine, ReserveSheet
from ged.unit import Services
from tests.factories import actor
from tests.reserve_kit import line_ids, make, register_id, sheet, states, void
from tests.reserve_sheet_kit import Page, printed, scanned
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)

HERE = "/registres/secours"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path)
    yield app, services
    services.engine.dispose()


def book_of(services: Services, *, pages: int = 1, code: str = "ARR", account: str = "agent") -> int:
    """A book that was made two hours ago: a site asks the real clock."""
    return make(services, code, account=account, pages=pages, now=datetime.now(UTC) - timedelta(hours=2)).id


def bring(app: Flask, services: Services, pdf: bytes, account: str = "agent") -> list[Scan]:
    """Upload a pile, and let the jobs of it run. Returns its scans, in order."""
    with services.reading() as session:
        last = session.scalar(select(func.max(Scan.id))) or 0
        known = set(session.scalars(select(Job.id)).all())
    sent = {"file": (io.BytesIO(pdf), "pile.pdf")}
    client = sign_in(app, account)
    answer = post(client, "/numerisations/fichiers", sent, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text[:800]
    with services.reading() as session:
        jobs = session.scalars(select(Job.id).where(Job.kind == JobKind.INTAKE, Job.id.not_in(known))).all()
    for job_id in jobs:
        pipeline.run_job(services, job_id, worker="test")
    with services.reading() as session:
        found = list(session.scalars(select(Scan).where(Scan.id > last).order_by(Scan.id)))
        session.expunge_all()
    return found


def blank() -> Image.Image:
    return Image.new("L", (1754, 1240), 255)


def letter() -> Image.Image:
    page = Image.new("L", (1240, 1754), 255)
    for n in range(6):
        ImageDraw.Draw(page).text((150, 200 + 40 * n), "Monsieur le Ministre, j'ai l'honneur de", fill=0, font_size=28)
    return page


def said(services: Services, book_id: int, account: str = "agent") -> dict[int, str]:
    with services.reading() as session:
        found = reserve_sheets.lines_of(session, book_id, actor(services, account))
    return {line_no: line.said.value for line_no, line in found.items()}


def form_of(services: Services, book_id: int, line_id: int, **more: object) -> dict[str, object]:
    received = (datetime.now(UTC) - timedelta(minutes=10)).astimezone(services.zone)
    return {
        "carnet": book_id, "ligne": line_id, "received_on": f"{received:%d/%m/%Y}", "received_clock": f"{received:%Hh%M}",
        "register_id": register_id(services, "ARR"), "addressed_post_id": actor(services, "sg").posts[0].post_id,
        "sender_name": "Préfecture de l'Ogou", "subject": f"Demande {line_id}", **more,
    }  # fmt: skip


def enter(app: Flask, services: Services, book_id: int, line_id: int, **more: object) -> str:
    """Enter a line by the form of the site; returns the next page."""
    client = sign_in(app, "agent")
    page = f"/enregistrer/?carnet={book_id}&ligne={line_id}"
    sent = post(client, "/enregistrer/", form_of(services, book_id, line_id, **more), page=page)
    assert sent.status_code == 303, unescape(sent.text)[:3000]
    return unescape(client.get(sent.location).text)


def written(services: Services, book_id: int) -> list[Page]:
    """Two pages: lines 1 to 3 of the first are written, the third urgent, the fourth spoiled; line 11 of the second."""
    first, second = printed(services, book_id)
    for n in (1, 2, 3):
        first.write(n)
    first.cross("urgent:3")
    first.write(4)
    first.cross("void:4")
    second.write(1, cells=("sender",))
    return [first, second]


EXPECTED = {
    1: "written", 2: "written", 3: "written", 4: "void", 5: "asked", **dict.fromkeys(range(6, 11), "empty"),
    11: "written", 12: "asked", **dict.fromkeys(range(13, 21), "empty"),
}  # fmt: skip
"""The first line after the last used one is asked."""


def test_a_pile_with_letters_and_pages_of_the_book_brings_each_line_back(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=2)
    first, second = written(services, book_id)
    scans = bring(app, services, scanned(letter(), first.image, blank(), second.image, letter(), letter()))
    assert [len(one.leaves) for one in scans] == [1, 2, 1, 2]
    assert [one.note for one in scans] == ["", BOOK_PAGE, BOOK_PAGE, ""]
    assert said(services, book_id) == EXPECTED
    with services.reading() as session:
        assert turns.to_register(session, actor(services, "agent")) == 2, "a page of a book is no letter to register"
        sheets = session.scalars(select(ReserveSheet).order_by(ReserveSheet.scan_id)).all()
        assert [(one.first_line, one.line_count) for one in sheets] == [(1, 10), (11, 10)]
        assert not session.scalars(
            select(Job.id).where(Job.kind == JobKind.READ_SCAN, Job.subject_id == scans[1].id)
        ).all()
    agent = sign_in(app, "agent")
    listed = unescape(agent.get("/numerisations/").text)
    assert f"{HERE}/feuille/{scans[1].id}" in listed
    shown = unescape(agent.get(f"{HERE}/feuille/{scans[1].id}").text)
    told = ("écrite</span>", "semble vide", "case « gâchée » cochée", "à regarder")
    assert [shown.count(text) for text in told] == [3, 5, 1, 1]
    picture = agent.get(f"{HERE}/feuille/{scans[1].id}/image.jpg?partie=sender:1")
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    with Image.open(io.BytesIO(picture.data)) as drawn:
        dark = sum(drawn.convert("L").histogram()[:110])
        assert dark > 0.01 * drawn.width * drawn.height, "the handwriting is in the picture"
    assert agent.get(f"{HERE}/feuille/{scans[1].id}/image.jpg?partie=sender:11").status_code == 404


def test_line_after_line_is_typed_beside_its_cells_and_the_scan_stays_as_proof(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=2)
    first, second = written(services, book_id)
    one, two = bring(app, services, scanned(first.image, second.image))
    ids = line_ids(services, book_id)
    agent = sign_in(app, "agent")
    page = unescape(agent.get(f"/enregistrer/?carnet={book_id}").text)
    assert f'<option value="{ids[0]}" selected' in page
    cells = re.findall(r"partie=([a-z]+)(?::|%3A)(\d+)", page)
    assert [name for name, _n in cells] == [
        "date",
        "clock",
        "sender",
        "subject",
        "reference",
        "enclosures",
        "addressee",
    ]
    assert {n for _name, n in cells} == {"1"}
    assert 'name="sender_name" value=""' in page, "nothing is invented"
    page = enter(app, services, book_id, ids[0])
    assert f'<option value="{ids[1]}" selected' in page
    page = enter(app, services, book_id, ids[1])
    assert f'<option value="{ids[2]}" selected' in page
    assert '<option value="urgent" selected' in page
    page = enter(app, services, book_id, ids[2], priority="urgent")
    assert f'<option value="{ids[3]}" selected' in page, "a long word may run through the box: a person voids the line"
    void(services, book_id, first=4, last=5, reason="Gâchée, vide", now=datetime.now(UTC))
    page = unescape(agent.get(f"/enregistrer/?carnet={book_id}&ligne={ids[2]}").text)
    assert f'<option value="{ids[10]}" selected' in page, "the empty lines are passed over"
    void(services, book_id, first=12, last=12, reason="Vide", now=datetime.now(UTC))
    with services.reading() as session:
        found = {scan.id: (scan.state, scan.note) for scan in session.scalars(select(Scan))}
        mail_id = session.scalars(select(ReserveLine.mail_id).where(ReserveLine.id == ids[0])).one()
    assert found == {one.id: (ScanState.JOINED, ""), two.id: (ScanState.WAITING, BOOK_PAGE)}
    page = enter(app, services, book_id, ids[10])
    assert "Toutes les lignes écrites sont saisies" in page
    shown = agent.get(f"/courriers/{mail_id}").text
    assert f"{HERE}/feuille/{one.id}/image.jpg?partie=row" in shown
    assert "Feuille numérisée du carnet" in shown
    assert "gardée comme preuve" in agent.get(f"{HERE}/{book_id}").text
    assert list(verify.verify(services, now=datetime.now(UTC)).problems) == []


def test_a_cell_that_cannot_be_drawn_now_is_asked_for_again(
    site: tuple[Flask, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of a clock would stay beside the form: several clerks ask for more cells than are drawn at once."""
    app, services = site
    book_id = book_of(services, pages=2)
    (one,) = bring(app, services, scanned(written(services, book_id)[0].image))

    def busy(*_: object, **__: object) -> bytes:
        raise EngineFailed("work.busy", "wait", retryable=True)

    monkeypatch.setattr(drawing, "draw_part", busy)
    answer = sign_in(app, "agent").get(f"{HERE}/feuille/{one.id}/image.jpg?partie=sender:1")
    assert (answer.status_code, answer.headers["Retry-After"], answer.data) == (429, "2", b"")


def test_the_cells_follow_the_line_that_is_chosen(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=2)
    (one,) = bring(app, services, scanned(written(services, book_id)[0].image))
    ids, agent = line_ids(services, book_id), sign_in(app, "agent")
    assert "partie=sender:2" in unescape(agent.get(f"{HERE}/{book_id}/cases?ligne={ids[1]}").text).replace("%3A", ":")
    assert "n'est pas numérisée" in unescape(agent.get(f"{HERE}/{book_id}/cases?ligne={ids[10]}").text)
    assert sign_in(app, "dge").get(f"{HERE}/{book_id}/cases?ligne={ids[1]}").status_code == 404
    assert one.note == BOOK_PAGE


@pytest.mark.long("a page of the book more; a pile of them comes back in the test beside it")
def test_a_second_scan_of_a_page_neither_doubles_nor_replaces_what_was_typed(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=2)
    first, _second = written(services, book_id)
    bring(app, services, scanned(first.image))
    ids = line_ids(services, book_id)
    for line_id in ids[:2]:
        enter(app, services, book_id, line_id)
    (again,) = bring(app, services, scanned(first.image, turn=-0.8))
    assert again.state is ScanState.WAITING
    assert [number for _state, number in states(services, book_id)][:4] == [
        f"0000{n}/{datetime.now(services.zone).year}/MIN" for n in (1, 2)
    ] + ["", ""]
    page = unescape(sign_in(app, "agent").get(f"{HERE}/feuille/{again.id}").text)
    assert page.count("inscrite</span>") == 2
    with (
        pytest.raises(InvalidTransition, match=r"reserve\.lines_left"),
        services.unit_of_work(datetime.now(UTC)) as uow,
    ):
        reserve_sheets.keep_one(uow, again.id, actor=actor(services, "agent"))
    enter(app, services, book_id, ids[2])
    with services.reading() as session:
        assert session.get_one(Scan, again.id).state is ScanState.JOINED
        assert session.scalar(select(func.count(Mail.id))) == 3
    void(services, book_id, first=4, last=5, reason="Gâchée, vide", now=datetime.now(UTC))
    (third,) = bring(app, services, scanned(first.image, turn=0.3))
    kept = post(sign_in(app, "agent"), f"{HERE}/feuille/{third.id}/garder", {}, page=f"{HERE}/feuille/{third.id}")
    assert kept.status_code == 303
    with services.reading() as session:
        assert session.get_one(Scan, third.id).state is ScanState.JOINED


def test_a_line_that_vanishes_between_two_scans_is_asked(site: tuple[Flask, Services]) -> None:
    """Two printed copies of one page: each may bear a letter of its own. Lines written later are no contradiction."""
    app, services = site
    book_id = book_of(services)
    (page,) = printed(services, book_id)
    page.write(1)
    (one,) = bring(app, services, scanned(page.image))
    (other,) = printed(services, book_id)
    other.write(2)
    bring(app, services, scanned(other.image))
    found = said(services, book_id)
    assert (found[1], found[2], found[3]) == ("asked", "written", "asked")
    shown = unescape(sign_in(app, "agent").get(f"/enregistrer/?carnet={book_id}").text)
    assert "Une autre numérisation de cette page" in shown
    assert f"{HERE}/feuille/{one.id}" in shown


def test_a_page_of_an_earlier_release_shows_its_picture_and_asks_for_each_line(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services)
    (page,) = printed(services, book_id)
    with services.reading() as session:
        (text,) = session.scalars(select(ReserveLine.text).where(ReserveLine.line_no == 1))
    page.recoded(make_page_code(PageCode(text), key=services.code_key))
    (one,) = bring(app, services, scanned(page.image))
    assert one.note == BOOK_PAGE
    assert said(services, book_id) == dict.fromkeys(range(1, 11), "asked")
    shown = unescape(sign_in(app, "agent").get(f"/enregistrer/?carnet={book_id}").text)
    assert "partie=page" in shown
    assert "lisez la ligne sur la feuille entière" in shown


def test_another_desk_that_scans_the_page_gives_it_to_the_desk_that_keeps_the_book(
    site: tuple[Flask, Services],
) -> None:
    app, services = site
    book_id = book_of(services, code="ARR-DGE", account="dge")
    (page,) = printed(services, book_id, "dge")
    page.write(1)
    (one,) = bring(app, services, scanned(page.image))
    assert one.note == BOOK_ELSEWHERE
    assert said(services, book_id, "dge")[1] == "written"
    agent = sign_in(app, "agent")
    assert agent.get(f"{HERE}/feuille/{one.id}").status_code == 404
    assert agent.get(f"{HERE}/feuille/{one.id}/image.jpg?partie=page").status_code == 404
    assert sign_in(app, "dge").get(f"{HERE}/feuille/{one.id}/image.jpg?partie=row:1").status_code == 200


def test_a_later_scan_that_could_not_be_read_takes_no_cells_away(site: tuple[Flask, Services]) -> None:
    """A crooked copy of a page that was read before: its cells stay beside the form, and what seemed empty is asked."""
    _app, services = site
    book_id = book_of(services)
    read = sheet(services, book_id, written=2, now=datetime.now(UTC))
    crooked = sheet(services, book_id, now=datetime.now(UTC))
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(ReserveSheet).where(ReserveSheet.scan_id == crooked).values(boxes=[], areas=[]))
    with services.reading() as session:
        found = reserve_sheets.lines_of(session, book_id, actor(services, "agent"))
    assert {n: line.said.value for n, line in found.items()} == {1: "written", 2: "written"} | dict.fromkeys(
        range(3, 11), "asked"
    )
    assert {(line.scan_id, line.has_cells, line.others) for line in found.values()} == {(read, True, (crooked,))}


def test_a_page_of_another_ministry_s_book_is_an_ordinary_scan(site: tuple[Flask, Services]) -> None:
    """Its pictures belong to the desk that scanned it, and no ministry sees the scans of another."""
    _app, services = site
    book_id = book_of(services)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        other = Unit(code="MEF", name="Ministère de l'économie", kind="ministère", is_entity=True)
        uow.session.add(other)
        uow.session.flush()
        text = uow.session.scalars(select(ReserveLine.text).where(ReserveLine.book_id == book_id)).first() or ""
        units = dict(iter(uow.session.execute(select(Unit.code, Unit.id))))
        found = {code: intake._of_book(uow, ScanBatch(unit_id=units[code]), text) for code in ("BO", "DGE", "MEF")}
    assert found == {"BO": BOOK_PAGE, "DGE": BOOK_ELSEWHERE, "MEF": ""}


def test_a_line_of_a_letter_that_the_reader_may_not_see_is_not_shown(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=2)
    (one, *_rest) = bring(app, services, scanned(written(services, book_id)[0].image))
    enter(app, services, book_id, line_ids(services, book_id)[0])
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Mail).values(level=Confidentiality.SECRET))
    agent = sign_in(app, "agent")
    for part, status in (("row:1", 404), ("sender:1", 404), ("page", 404), ("row:2", 200)):
        assert agent.get(f"{HERE}/feuille/{one.id}/image.jpg?partie={part}").status_code == status, part


def test_who_voids_the_free_lines_is_told_of_writing_on_them(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=2)
    bring(app, services, scanned(written(services, book_id)[0].image))
    shown = unescape(sign_in(app, "agent").get(f"{HERE}/{book_id}/annulation").text)
    assert "3 lignes semblent avoir servi" in shown
    assert re.search(r"<p>01.à.03\. De l.écriture", shown), shown  # not 4, which is ticked as spoiled
    assert "À regarder sur le papier : 05." in shown.replace("\N{NO-BREAK SPACE}", " ")
    void(services, book_id, first=1, last=5, now=datetime.now(UTC))
    assert "avoir servi" not in unescape(sign_in(app, "agent").get(f"{HERE}/{book_id}/annulation").text)


def test_an_empty_line_of_which_the_machine_is_not_sure_is_no_alarm(site: tuple[Flask, Services]) -> None:
    app, services = site
    book_id = book_of(services, pages=1)
    sheet(services, book_id, written=3, now=datetime.now(UTC))
    void(services, book_id, first=1, last=3, now=datetime.now(UTC))
    agent = sign_in(app, "agent")
    shown = unescape(agent.get(f"{HERE}/{book_id}/annulation").text).replace("\N{NO-BREAK SPACE}", " ")
    assert "avoir servi" not in shown
    assert "À regarder sur le papier : 04." in shown
    assert shown.count('name="told"') == 1
    one = unescape(agent.get(f"{HERE}/{book_id}/annulation?ligne=4").text)
    assert 'value="Ligne non utilisée"' in one


def test_what_is_no_page_of_ours_is_an_ordinary_scan(site: tuple[Flask, Services]) -> None:
    """A page of a book that a restore lost: its code is right, and no row has its number."""
    app, services = site
    book_id = book_of(services)
    (page,) = printed(services, book_id)
    page.recoded(make_page_code(PageCode("CS-ARR-2026-099-01", 10, 1), key=services.code_key))
    (one,) = bring(app, services, scanned(page.image))
    assert one.note == ""
    with services.reading() as session, pytest.raises(NotFound, match=r"reserve\.sheet_unknown"):
        reserve_sheets.sheet(session, one.id, actor(services, "agent"))
