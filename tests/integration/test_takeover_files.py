"""A register kept as a spreadsheet is taken over on the site: checked, paused, killed, mended, and never doubled."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from ged import pipeline
from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.jobs import ClaimedJob, JobKind
from ged.org.models import Person, Unit
from ged.ports import JobId
from ged.register.allocation import lock_book
from ged.register.models import Direction, Mail, MailNumber, Register, RegisterNature
from ged.runner import Run
from ged.spreadsheet.reading import read_apart
from ged.takeover import uploads
from ged.takeover.models import TakeoverFile
from ged.takeover.operations import PIECE_LETTERS
from ged.takeover.uploads import FileRow
from ged.unit import Services
from ged.workbook import operations as workbooks
from ged.workbook.models import WorkbookImport
from tests.factories import NOW, actor, make_organisation, make_services
from tests.hands_kit import at_once
from tests.lock_kit import Actor, wait_for_waiters
from tests.routing_kit import run_jobs, unit_id
from tests.site import give_passwords, make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)

HEAD = ["N° d'ordre", "Date d'arrivée", "Expéditeur", "Objet", "Service"]
GOOD = [str(1), "05/01/26", "Préfecture de l'Ogou", "Demande de poteaux", "Service des études"]
WRONG_DAY = ["2", "31/02/2026", "CEET", "Facture", "ETU"]
WRONG_UNIT = ["3", "6 janv. 2026", "CEET", "Relance", "Service inconnu"]
TWICE = ["1", "05/01/2026", "CEET", "Doublon", ""]


def xlsx(*rows: list[str], title: str = "2026") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for cell in sheet["D"]:
        cell.data_type = "s" if cell.value else cell.data_type
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def csv_of(*rows: list[str]) -> bytes:
    return "\r\n".join(";".join(row) for row in rows).encode("cp1252")


def many(count: int) -> bytes:
    return csv_of(HEAD, *([str(n), "05/01/2026", "CEET", f"Courrier {n}", ""] for n in range(1, count + 1)))


def add_archive(services: Services) -> int:
    with services.unit_of_work(NOW) as uow:
        archive = Register(
            code="PAPIER", name="Livres", unit_id=unit_id(services, "BO"), direction=Direction.INCOMING,
            nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
        )  # fmt: skip
        uow.session.add(archive)
        uow.session.flush()
        return archive.id


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    add_archive(made)
    yield made
    made.engine.dispose()


def archive_of(services: Services) -> int:
    with services.reading() as session:
        return session.scalars(select(Register.id).where(Register.code == "PAPIER")).one()


def hand_in(services: Services, content: bytes, *, who: str = "agent", name: str = "registre.csv") -> int:
    book = read_apart(content, lists=True)
    with services.unit_of_work(NOW) as uow:
        return uploads.hand_in(uow, archive_of(services), content, name, book, actor=actor(services, who))


def ask(services: Services, file_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        uploads.ask(uow, file_id, actor=actor(services, "agent"))


def seen(services: Services, file_id: int) -> FileRow:
    with services.reading() as session:
        return uploads.file(session, file_id, actor(services, "agent"))


def numbers(services: Services) -> list[str]:
    with services.reading() as session:
        found = session.scalars(select(MailNumber.text).where(MailNumber.register_id == archive_of(services)))
        return sorted(found, key=lambda text: (len(text), text))


def take(services: Services, file_id: int, heartbeat: Callable[[str], None] = lambda _said: None) -> None:
    uploads.take(services, file_id, heartbeat=heartbeat, now=datetime.now(UTC))


def test_lines_are_taken_in_refusals_are_cells_and_a_mended_file_adds_only_what_was_refused(services: Services) -> None:
    first = hand_in(services, xlsx(["REGISTRE 2026"], HEAD, GOOD, WRONG_DAY, WRONG_UNIT, TWICE), name="registre.xlsx")
    row = seen(services, first)
    assert (row.head_row, row.columns) == (2, ("number", "received_on", "sender", "subject", "unit"))
    sheet = read_apart(xlsx(["REGISTRE 2026"], HEAD, GOOD, WRONG_DAY, WRONG_UNIT, TWICE))["2026"]
    checked = uploads.check(services, row, sheet, now=NOW)
    assert (checked.would_take, checked.already, checked.refused) == (1, 0, 3)
    cells = [(line, column, code) for line, column, code, _params in checked.refusals]
    assert cells == [(4, 2, "import.date"), (5, 5, "takeover.unit"), (6, 1, "takeover.number_twice")]
    assert numbers(services) == [], "a check changes nothing"
    ask(services, first)
    run_jobs(services, JobKind.TAKE_OVER)
    done = seen(services, first)
    assert (done.taken, done.read, [one[:3] for one in done.refusals]) == (1, 4, cells)
    mended = hand_in(
        services,
        csv_of(HEAD, ["2", "28/02/2026", "CEET", "Facture", "ETU"], GOOD, ["4", "7/1/26", "CEET", "Autre", ""]),
    )
    ask(services, mended)
    run_jobs(services, JobKind.TAKE_OVER)
    assert numbers(services) == ["1", "2", "4"]
    assert seen(services, mended).taken == 3
    with services.reading() as session:
        days = session.execute(
            select(MailNumber.text, MailNumber.registered_on).where(MailNumber.register_id == row.register_id)
        ).all()
        letter = session.scalars(select(Mail).where(Mail.subject == "Demande de poteaux")).one()
        assert letter.responsible_unit_id == unit_id(services, "ETU")
    assert dict(days) == {"1": date(2026, 1, 5), "2": date(2026, 2, 28), "4": date(2026, 1, 7)}


def test_a_line_that_was_taken_in_and_then_changed_is_refused(services: Services) -> None:
    ask(services, hand_in(services, csv_of(HEAD, GOOD)))
    run_jobs(services, JobKind.TAKE_OVER)
    again = hand_in(services, csv_of(HEAD, [*GOOD[:3], "Autre objet", ""]))
    ask(services, again)
    run_jobs(services, JobKind.TAKE_OVER)
    assert [one[2] for one in seen(services, again).refusals] == ["takeover.number_changed"]
    assert numbers(services) == ["1"]


def test_paused_resumed_and_run_twice(services: Services) -> None:
    count = 3 * PIECE_LETTERS
    file_id = hand_in(services, many(count))
    ask(services, file_id)

    def pause_once(_said: str) -> None:
        with services.unit_of_work(NOW) as uow:
            uploads.pause(uow, file_id, actor=actor(services, "agent"))

    take(services, file_id, pause_once)
    half = seen(services, file_id)
    assert half.is_paused
    assert half.done_at is None
    assert len(numbers(services)) == PIECE_LETTERS
    take(services, file_id)
    assert len(numbers(services)) == PIECE_LETTERS, "a paused file is left alone"
    with services.unit_of_work(NOW) as uow:
        uploads.resume(uow, file_id, actor=actor(services, "agent"))
    take(services, file_id)
    take(services, file_id)
    assert numbers(services) == [str(n) for n in range(1, count + 1)]
    done = seen(services, file_id)
    assert (done.taken, done.read, done.total) == (count, count, count)


KILLED = """
    import os
    from datetime import UTC, datetime
    from pathlib import Path
    from tests.factories import make_services
    from ged.takeover import uploads

    services = make_services(Path({folder!r}), url={url!r}, create=False)
    beats = []

    def beat(said):
        beats.append(said)
        if len(beats) == 2:
            os.kill(os.getpid(), 9)

    uploads.take(services, {file_id}, heartbeat=beat, now=datetime.now(UTC))
"""


def test_killed_between_two_pieces_nothing_is_doubled_and_nothing_is_lost(
    services: Services, either_database: str | None, tmp_path: Path
) -> None:
    count = 4 * PIECE_LETTERS
    file_id = hand_in(services, many(count))
    ask(services, file_id)
    child = textwrap.dedent(KILLED).format(folder=str(tmp_path), url=either_database, file_id=file_id)
    ended = subprocess.run(
        [sys.executable, "-c", child],
        cwd=Path(__file__).parents[2],
        env=dict(os.environ),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -9, ended.stderr
    assert len(numbers(services)) == 2 * PIECE_LETTERS
    take(services, file_id)
    assert numbers(services) == [str(n) for n in range(1, count + 1)]
    assert seen(services, file_id).refusals == ()


@pytest.mark.servers
def test_two_workers_at_one_file_double_nothing(make_database: Callable[[], str], tmp_path: Path) -> None:
    services = make_services(tmp_path, url=make_database())
    try:
        make_organisation(services)
        add_archive(services)
        count = 3 * PIECE_LETTERS
        file_id = hand_in(services, many(count))
        ask(services, file_id)
        assert at_once(*[lambda: take(services, file_id)] * 2) == []
        assert numbers(services) == [str(n) for n in range(1, count + 1)]
        assert seen(services, file_id).refusals == ()
    finally:
        services.engine.dispose()


def test_the_next_file_of_the_register_is_read_as_the_last_one(services: Services) -> None:
    first = hand_in(services, csv_of(["A", "B", "C"], ["7", "5/1/26", "Un texte"]))
    with services.unit_of_work(NOW) as uow:
        uploads.choose_columns(uow, first, ["number", "received_on", "subject"], actor=actor(services, "agent"))
    assert seen(services, hand_in(services, csv_of(["C", "A"], ["Un texte", "7"]))).columns == ("", ""), (
        "only looked at"
    )
    ask(services, first)
    assert seen(services, hand_in(services, csv_of(["C", "A"], ["Un texte", "7"]))).columns == ("subject", "number")


def test_a_unit_of_another_ministry_is_unknown(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="AUTRE", name="Autre ministère", is_entity=True))
    file_id = hand_in(services, csv_of(HEAD, [*GOOD[:4], "AUTRE"], ["2", *GOOD[1:4], "Autre ministère"]))
    ask(services, file_id)
    take(services, file_id)
    assert [one[:3] for one in seen(services, file_id).refusals] == [(2, 5, "takeover.unit"), (3, 5, "takeover.unit")]


def test_a_file_is_of_who_handed_it_in_while_the_register_is_theirs(services: Services) -> None:
    file_id = hand_in(services, csv_of(HEAD, GOOD))
    for account in ("dge", "sg", "admin"):
        with services.reading() as session, pytest.raises(NotFound):
            uploads.file(session, file_id, actor(services, account))
    with pytest.raises(Forbidden):
        hand_in(services, csv_of(HEAD, GOOD), who="dge")
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match="takeover.not_archive"):
        current = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        uploads.hand_in(uow, current, b"", "x", {"": [["Objet"]]}, actor=actor(services, "agent"))


def test_asked_for_twice_it_is_taken_in_once(services: Services) -> None:
    file_id = hand_in(services, csv_of(HEAD, GOOD))
    ask(services, file_id)
    with pytest.raises(InvalidTransition):
        ask(services, file_id)
    with services.unit_of_work(NOW) as uow, pytest.raises(InvalidTransition):
        uploads.choose_columns(uow, file_id, ["subject", "", "", "", ""], actor=actor(services, "agent"))


def test_a_register_that_was_closed_meanwhile_is_told(services: Services) -> None:
    file_id = hand_in(services, csv_of(HEAD, GOOD))
    ask(services, file_id)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Register, archive_of(services)).closed_at = NOW
    take(services, file_id)
    with services.reading() as session:
        row = session.get_one(TakeoverFile, file_id)
        assert [one[2] for one in row.refusals] == ["register.closed"]
        assert row.done_at is not None


def test_a_day_of_no_register_is_a_wrong_cell_and_stops_no_other_line(services: Services) -> None:
    """The first day of the calendar fits into no time zone: the whole file would fail, again at each attempt."""
    file_id = hand_in(
        services, csv_of(HEAD, ["1", "01/01/0001", *GOOD[2:]], ["2", "31/12/1799", *GOOD[2:]], ["3", *GOOD[1:]])
    )
    ask(services, file_id)
    take(services, file_id)
    row = seen(services, file_id)
    assert [one[:3] for one in row.refusals] == [(2, 2, "import.date"), (3, 2, "import.date")]
    assert (row.taken, numbers(services)) == (1, ["3"])


def test_signs_that_nobody_sees_do_not_come_into_the_register(services: Services) -> None:
    """One turns the line, so that a register on the screen reads otherwise than it is; others make two numbers that look alike."""
    lines = [
        ["\u200b4", GOOD[1], "CE\u202eET\x01", "Objet\u2066 lisible\xad\x1b", ""],
        ["4", *GOOD[1:3], "Autre", ""],
        ["5", *GOOD[1:3], "\u200f", ""],
    ]
    file_id = hand_in(services, "\n".join("\t".join(one) for one in [HEAD, *lines]).encode("utf-16"))
    ask(services, file_id)
    take(services, file_id)
    with services.reading() as session:
        assert session.execute(select(Mail.sender_name, Mail.subject)).all() == [("CEET", "Objet lisible")]
    assert numbers(services) == ["4"]
    assert [one[2] for one in seen(services, file_id).refusals] == [
        "import.number_taken",
        "takeover.line_without_subject",
    ]


def test_a_subject_that_is_too_long_is_refused_not_cut(services: Services) -> None:
    """The register would say less than the paper, and nobody would see it."""
    file_id = hand_in(services, csv_of(HEAD, ["1", *GOOD[1:3], "Objet " * 334, ""], ["2", *GOOD[1:3], "Objet", ""]))
    ask(services, file_id)
    take(services, file_id)
    assert [one[:3] for one in seen(services, file_id).refusals] == [(2, 4, "import.field_long")]
    assert numbers(services) == ["2"]


def test_a_line_without_a_day_idem_without_a_cell_above_and_what_no_font_prints_are_refused(services: Services) -> None:
    """Otherwise the letter would be of today; « idem » would stand in the register, and a stand-in on each print."""
    lines = [
        ["1", GOOD[1], "Idem", "Premier", ""],
        ["2", "", "CEET", "Sans date", ""],
        ["3", GOOD[1], "Préfecture \U0001f3e2", "Demande", ""],
        ["idem", "idem", "CEET", "Numéro répété", ""],
        ["5", "idem", "»", "Facture de l’eau – Ɖɔ", ""],
    ]
    content = "\n".join("\t".join(one) for one in [HEAD, *lines]).encode("utf-16")
    file_id = hand_in(services, content)
    checked = uploads.check(services, seen(services, file_id), read_apart(content, lists=True)[""], now=NOW)
    refused = [
        (2, 3, "takeover.ditto"),
        (3, 2, "takeover.no_day"),
        (4, 3, "typeset.glyph"),
        (5, 1, "takeover.ditto"),
    ]
    assert [one[:3] for one in checked.refusals] == refused
    assert (checked.would_take, checked.repeated) == (1, 3)
    ask(services, file_id)
    take(services, file_id)
    assert [one[:3] for one in seen(services, file_id).refusals] == refused
    with services.reading() as session:
        told = session.execute(select(Mail.sender_name, Mail.subject, Mail.received_on)).all()
    assert told == [("CEET", "Facture de l’eau – Ɖɔ", date(2026, 1, 5))]


def shared_text(length: int, cells: int) -> bytes:
    """A workbook in which each cell names one text."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for _ in range(cells // 40):
        sheet.append(["x" * length] * 40)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_a_small_file_is_not_unfolded_to_hundreds_of_megabytes() -> None:
    content = shared_text(2_000, 6_000)
    assert len(content) < 60_000
    with pytest.raises(Invalid, match="workbook.too_big"):
        read_apart(content, lists=True)
    assert len(read_apart(shared_text(200, 6_000))["Sheet"]) == 150


def kept(services: Services, file_id: int) -> TakeoverFile:
    """The row: of a register that is closed nobody is shown a file."""
    with services.reading() as session:
        return session.get_one(TakeoverFile, file_id)


def test_a_register_that_is_closed_between_two_pieces_is_told_with_what_was_taken_in(services: Services) -> None:
    file_id = hand_in(services, many(PIECE_LETTERS + 50))
    ask(services, file_id)

    def close(_said: str) -> None:
        with services.unit_of_work(NOW) as uow:
            uow.session.get_one(Register, archive_of(services)).closed_at = NOW

    take(services, file_id, close)
    row = kept(services, file_id)
    assert [one[2] for one in row.refusals] == ["register.closed"]
    assert (row.read, row.taken, len(numbers(services))) == (PIECE_LETTERS,) * 3


@pytest.mark.servers
def test_a_register_that_is_closed_while_lines_wait_for_it_takes_no_more(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    services = make_services(tmp_path, url=make_database())
    make_organisation(services)
    add_archive(services)
    file_id = hand_in(services, many(1))
    ask(services, file_id)
    with services.unit_of_work(NOW) as uow:
        lock_book(uow, archive_of(services))
        worker = Actor(lambda: take(services, file_id))
        wait_for_waiters(services.engine)
        with services.unit_of_work(NOW) as other:
            other.session.get_one(Register, archive_of(services)).closed_at = NOW
    worker.result()
    assert [one[2] for one in kept(services, file_id).refusals] == ["register.closed"]
    assert numbers(services) == []
    services.engine.dispose()


def test_files_are_forgotten_after_a_month_although_nobody_hands_another_one_in(services: Services) -> None:
    """The letters of a register stand in them, those of restricted ones too."""
    waiting, taken, asked = (hand_in(services, csv_of(HEAD, [str(n), *GOOD[1:]])) for n in (1, 2, 3))
    ask(services, taken)
    take(services, taken)
    ask(services, asked)
    with services.unit_of_work(NOW) as uow:
        workbook = workbooks.hand_in(uow, b"x", "classeur.xlsx")
    for days, held in ((29, {waiting: True, taken: True, asked: True}), (31, {taken: False, asked: True})):
        job = ClaimedJob(JobId(1), JobKind.SWEEP, 0, {}, 1, "test")
        pipeline.sweep(Run(services, job, lambda _said: None, NOW + timedelta(days)))
        with services.reading() as session:
            rows = session.execute(select(TakeoverFile.id, TakeoverFile.content.is_not(None))).all()
            assert {one: bool(is_held) for one, is_held in rows} == held
            assert (session.get(WorkbookImport, workbook) is not None) is (days < 30)


HOSTILE = {
    "binary": bytes(range(256)) * 50,
    "a long field": b'"' + b"x" * 200_000,
    "half a workbook": xlsx(HEAD, GOOD)[:400],
    "nothing": b"",
    "nuls": "Objet;N°\x00\r\nUn;1".encode(),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_spreadsheet_is_refused(content: bytes) -> None:
    with suppress(Invalid):
        book = read_apart(content, lists=True)
        assert not any(any(row) for rows in book.values() for row in rows)


def test_a_refusal_of_a_file_says_that_it_cannot_be_read() -> None:
    with pytest.raises(Invalid, match="workbook.unreadable"):
        read_apart(HOSTILE["half a workbook"], lists=True)
    with pytest.raises(Invalid, match="workbook.unreadable"):
        read_apart(csv_of(HEAD, GOOD))  # the workbook of a roll-out is no list


# --- the site ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> tuple[Flask, Services]:
    app, services = make_site(tmp_path)
    add_archive(services)
    give_passwords(services)
    return app, services


def upload(app: Flask, services: Services, content: bytes, name: str, account: str = "agent") -> str:
    client = sign_in(app, account)
    data = {"register_id": str(archive_of(services)), "file": (io.BytesIO(content), name)}
    answer = post(client, "/reprises/", data)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


@pytest.mark.usefixtures("site_clock")  # the register of the letters' year goes on
def test_the_whole_way_on_the_site(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    assert "/reprises/" in client.get("/registres/").text
    where = upload(
        app, services, xlsx(HEAD, GOOD, WRONG_DAY, ["5", "3/2/26", "CEET", "=HYPERLINK(1)", ""]), "registre.xlsx"
    )
    page = client.get(where).text
    assert "05/01/2026" in page, "the preview shows the day as it would be read"
    assert "B3" in page
    assert page.index('<th scope="col">À corriger') < page.index('<th scope="col">Numéro'), "not out of sight"
    chosen = {f"column_{n}": field for n, field in enumerate(("number", "received_on", "sender", "subject", "unit"))}
    answer = post(client, f"{where}/colonnes", chosen, page=where)
    assert answer.status_code == 303
    check = str(answer.location)
    page = client.get(check).text
    assert "1 ligne refusée" in page
    assert "B3" in page
    marked = client.get(f"{where}/corrige.xlsx")
    book = load_workbook(io.BytesIO(marked.data))
    cell = book["2026"]["B3"]
    assert cell.fill.fgColor.rgb == "00FFC7CE"
    assert cell.comment is not None
    assert "31/02/2026" in cell.comment.text
    assert book["2026"]["D4"].data_type == "s", "what begins with = stays a text"
    answer = post(client, f"{where}/reprendre", {}, page=check)
    assert answer.status_code == 303
    assert post(client, f"{where}/reprendre", {}).status_code == 409
    assert "en attente" in client.get(check).text
    assert "HX-Refresh" not in client.get(f"{where}/avancement").headers
    assert post(client, f"{where}/suspendre", {}).status_code == 303
    assert "Continuer" in client.get(check).text
    assert post(client, f"{where}/continuer", {}).status_code == 303
    take(services, int(where.rpartition("/")[2]))
    page = client.get(check).text
    assert "2 courriers de ce tableur sont au registre" in page
    assert "Ouvrir « ARR » à la suite" in page, "the current register may go on after the greatest number"
    ended = client.get(f"{where}/avancement")
    assert "en attente" not in ended.text
    assert ended.headers["HX-Refresh"] == "true", "a page that offers to pause what is over is loaded again"
    assert client.get("/reprises/").text.count("registre.xlsx") == 1
    with services.reading() as session:
        letter = session.scalars(select(Mail.id).where(Mail.subject == "Demande de poteaux")).one()
    for path in (f"/registres/{archive_of(services)}", f"/courriers/{letter}"):
        page = client.get(path).text
        assert "05/01/2026" in page
        assert "05/01/2026 à 00:00" not in page, "an old book knows the day alone"
    with services.reading() as session:
        told = set(session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("takeover.%"))))
    assert told == {"takeover.handed_in", "takeover.asked", "takeover.paused", "takeover.resumed"}


def test_the_columns_are_refused_with_the_reason_at_the_field(site: tuple[Flask, Services]) -> None:
    app, services = site
    where = upload(app, services, csv_of(HEAD, GOOD), "registre.csv")
    client = sign_in(app, "agent")
    answer = post(client, f"{where}/colonnes", {f"column_{n}": "" for n in range(5)}, page=where)
    assert answer.status_code == 422
    assert "Aucune colonne ne donne l'objet" in answer.text
    answer = post(client, f"{where}/feuille", {"sheet": "", "head_row": "2"})
    assert answer.status_code == 303
    assert seen(services, int(where.rpartition("/")[2])).head_row == 2
    refused = post(client, f"{where}/feuille", {"sheet": "absente", "head_row": "1"})
    assert refused.status_code == 422


def test_wrong_uploads_are_told(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    register = str(archive_of(services))
    assert post(client, "/reprises/", {"register_id": register}).status_code == 422
    for content in (b"", b"PK\x03\x04rien", csv_of(["", ""])):
        data = {"register_id": register, "file": (io.BytesIO(content), "x.csv")}
        assert post(client, "/reprises/", data).status_code == 422, content


def test_what_is_no_letter_and_a_day_to_come_are_told_as_the_clerk_reads_them(site: tuple[Flask, Services]) -> None:
    app, services = site
    total, late = ["", "", "TOTAL", "2", ""], ["3", "2091-03-04", "CEET", "Facture", ""]
    where = upload(app, services, csv_of(HEAD, GOOD, late, ["4", "7/1/26", "CEET", "", ""], total), "registre.csv")
    client = sign_in(app, "agent")
    chosen = {f"column_{n}": field for n, field in enumerate(("number", "received_on", "sender", "subject", "unit"))}
    page = client.get(str(post(client, f"{where}/colonnes", chosen, page=where).location)).text
    assert "La ligne n'a ni numéro ni date." in page
    assert "« 04/03/2091 » est dans l'avenir" in page
    assert "La ligne n'a pas d'objet." in page
    assert "Reprendre 1 courrier" in page
    assert "04/03/2091" in client.get(where).text
    assert "2091-03-04" not in client.get(where).text


def test_the_pages_say_what_is_read_as_the_cell_above_and_that_a_day_is_missing(site: tuple[Flask, Services]) -> None:
    app, services = site
    lines = [GOOD, ["2", "idem", "idem", "Relance", ""], ["3", "", "CEET", "Sans date", ""]]
    where = upload(app, services, csv_of(HEAD, *lines), "registre.csv")
    client = sign_in(app, "agent")
    page = client.get(where).text
    assert "2 cellules « idem » sont lues comme la cellule du dessus." in page
    assert page.count("05/01/2026") >= 2
    assert "La ligne n'a pas de date." in page
    no_day = {f"column_{n}": field for n, field in enumerate(("number", "", "sender", "subject", "unit"))}
    answer = post(client, f"{where}/colonnes", no_day, page=where)
    assert answer.status_code == 422
    assert "Aucune colonne ne donne une date." in answer.text
    chosen = no_day | {"column_1": "received_on"}
    page = client.get(str(post(client, f"{where}/colonnes", chosen).location)).text
    assert "2 cellules « idem » sont lues comme la cellule du dessus." in page
    assert "Reprendre 2 courriers" in page


def test_others_are_shown_nothing_of_a_file(site: tuple[Flask, Services]) -> None:
    app, services = site
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Person(account="autre", name="Autre"))
    where = upload(app, services, csv_of(HEAD, GOOD), "registre.csv")
    for account, status in {"dge": 404, "daf": 404, "sg": 403, "admin": 403, "etudes": 403}.items():
        client = sign_in(app, account)
        for part in ("", "/controle", "/avancement", "/corrige.xlsx"):
            answer = client.get(f"{where}{part}")
            assert answer.status_code == status, (account, part)
            assert "poteaux" not in answer.text
    assert "Aucun registre d'archives antérieures" in sign_in(app, "dge").get("/reprises/").text
