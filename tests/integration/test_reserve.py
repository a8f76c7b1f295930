"""The reserve book: numbers without a gap, a line used once, the letter found by it, voids in one act, closings and proof."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ged import verify
from ged.audit import AuditEntry, AuditPayload
from ged.closing import listing
from ged.closing import operations as closing
from ged.errors import EngineFailed, Forbidden, Invalid, InvalidTransition, NotFound
from ged.ports import SearchQuery
from ged.register import books
from ged.register.models import Mail, MailNumber, Register, RegisterClosing
from ged.register.operations import void_number
from ged.reports import register_pages
from ged.reserve import checking, operations, queries, sheet
from ged.reserve.codes import PageCode, make_page_code
from ged.reserve.models import ReserveBook, ReserveLine
from ged.reserve.numbers import restore_mark
from ged.resuming import holding
from ged.search import letter_search
from ged.unit import Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.judges import verapdf
from tests.reserve_kit import BACK, CUT, enter, line_ids, make, register_id, states, third_desk, void
from tests.resuming_kit import register
from tests.routing_kit import run_jobs
from tests.tampering import lift_guards

pytestmark = pytest.mark.in_turns(3)

DAY = timedelta(days=1)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


@pytest.fixture
def on_either(tmp_path: Path, either_database: str | None) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def journal(services: Services, action: str) -> list[dict[str, object]]:
    with services.reading() as session:
        rows = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == action)
            .order_by(AuditEntry.sequence)
        )
        return [dict(row) for row in rows]


# --- the book --------------------------------------------------------------------------------------------------------


def test_books_of_a_register_are_numbered_without_a_gap_and_anew_each_year(services: Services) -> None:
    assert [make(services).code for _ in range(2)] == ["CS-ARR-2026-001", "CS-ARR-2026-002"]
    assert make(services, "ARR-DGE", account="dge").code == "CS-ARR-DGE-2026-001"
    made = make(services, pages=2, now=NOW + 60 * DAY)
    assert made.code == "CS-ARR-2027-001"
    assert states(services, made.id) == [("free", "")] * 20
    assert [one["lines"] for one in journal(services, "reserve.made")] == [10, 10, 10, 20]


def test_a_form_sent_twice_makes_one_book(services: Services) -> None:
    first, again = make(services, token="t"), make(services, token="t")
    assert (again.id, again.is_repeated, first.is_repeated) == (first.id, True, False)
    assert make(services).code == "CS-ARR-2026-002"


def test_only_the_clerk_of_a_register_of_arrivals_makes_a_book(services: Services) -> None:
    with pytest.raises(Forbidden, match=r"register\.not_clerk"):
        make(services, "ARR-DGE")
    with pytest.raises(Invalid, match=r"register\.nature"):
        make(services, "DEP")
    for pages in (0, 21):
        with pytest.raises(Invalid, match=r"reserve\.pages"):
            make(services, pages=pages)
    with services.reading() as session:
        assert session.scalars(select(ReserveBook)).all() == []


def test_the_printed_book_has_each_line_and_is_the_same_when_printed_again(services: Services, tmp_path: Path) -> None:
    book = make(services, pages=2)
    first, again = (_print(services, book.id) for _ in range(2))
    assert first == again
    (tmp_path / "carnet.pdf").write_bytes(first)
    shown = _words(tmp_path / "carnet.pdf")
    for n in range(1, 21):
        assert shown.count(f"CS-ARR-2026-001-{n:02d}") == 2, n  # the line, and its receipt
    assert "ARR (ARR)" in shown
    assert verapdf.check([tmp_path / "carnet.pdf"])[0].compliant
    enter(services, line_ids(services, book.id)[0])
    void(services, book.id, first=2, last=3)
    (tmp_path / "carnet.pdf").write_bytes(_print(services, book.id))
    shown = _words(tmp_path / "carnet.pdf")
    assert "Déjà inscrite sous le n° 00001/2026/MIN" in shown.replace("\u202f", " ").replace("\u00a0", " ")
    assert shown.count("Ligne annulée") == 2
    assert shown.count("CS-ARR-2026-001-04") == 2


def _print(services: Services, book_id: int) -> bytes:
    with services.reading() as session:
        pages = sheet.book_sheet(session, services, book_id, actor(services, "agent"))
    return pages.pdf()


def _words(path: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


# --- entering --------------------------------------------------------------------------------------------------------


def test_a_line_gives_a_number_of_today_and_keeps_the_true_moment(services: Services) -> None:
    book = make(services)
    register(services, "Avant la coupure")
    received = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)
    done = enter(services, line_ids(services, book.id)[6], received_at=received, now=BACK + DAY)
    with services.reading() as session:
        mail = session.get_one(Mail, done.mail_id)
        number = session.get_one(MailNumber, done.number_id)
        cited = queries.of_letter(session, done.mail_id, actor(services, "agent"))
    assert (done.number, number.registered_on, mail.received_on) == ("00002/2026/MIN", TODAY + DAY, TODAY)
    assert cited is not None
    assert (cited.line, cited.received_at) == ("CS-ARR-2026-001-07", received)
    assert states(services, book.id)[6] == ("used", "00002/2026/MIN")
    assert journal(services, "reserve.entered") == [
        {
            "reserve": "CS-ARR-2026-001-07", "line": line_ids(services, book.id)[6], "number_id": done.number_id,
            "received_at": "2026-11-24T10:20:00+00:00",
        }
    ]  # fmt: skip


def test_a_line_is_used_once_and_no_number_is_lost_by_it(on_either: Services) -> None:
    line = line_ids(on_either, make(on_either).id)[0]
    enter(on_either, line)
    with pytest.raises(InvalidTransition, match=r"reserve\.line_used") as refusal:
        enter(on_either, line, "Une autre lettre")
    assert (refusal.value.params["number"], refusal.value.params["by"]) == ("00001/2026/MIN", "Agent")
    assert register(on_either, now=BACK).number == "00002/2026/MIN"


def test_the_same_form_sent_twice_is_one_letter(on_either: Services) -> None:
    line = line_ids(on_either, make(on_either).id)[0]
    first, again = (enter(on_either, line, token="t") for _ in range(2))
    assert (again.mail_id, again.is_repeated) == (first.mail_id, True)
    assert [state for state, _number in states(on_either, 1)].count("used") == 1


def test_a_line_whose_number_was_voided_is_entered_again(services: Services) -> None:
    line = line_ids(services, make(services).id)[0]
    wrong = enter(services, line, "Une lettre de la ligne 2")
    with services.unit_of_work(BACK) as uow:
        void_number(uow, wrong.number_id, reason="Mauvaise ligne", actor=actor(services, "agent"), now=BACK)
    with services.reading() as session:
        assert line in [one for one, _text in queries.open_lines(session, 1)]
    right = enter(services, line, "La lettre de la ligne 1")
    assert states(services, 1)[0] == ("used", "00002/2026/MIN")
    assert journal(services, "reserve.entered")[1]["instead_of"] == wrong.mail_id
    assert right.mail_id != wrong.mail_id
    with services.reading() as session:
        assert list(checking.broken(session)) == []


@pytest.mark.parametrize(
    ("received_at", "code"),
    [
        (NOW - timedelta(minutes=2), "reserve.before_book"),
        (BACK + timedelta(minutes=1), "reserve.received_in_future"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(services: Services, received_at: datetime, code: str) -> None:
    line = line_ids(services, make(services).id)[0]
    with pytest.raises(Invalid, match=code.replace(".", r"\.")):
        enter(services, line, received_at=received_at)
    assert states(services, 1)[0] == ("free", "")


def test_the_minute_in_which_the_book_was_made_counts(services: Services) -> None:
    line = line_ids(services, make(services, now=NOW + timedelta(seconds=50)).id)[0]
    enter(services, line, received_at=NOW)
    assert states(services, 1)[0][0] == "used"


def test_a_line_of_another_register_is_refused(services: Services) -> None:
    third_desk(services)
    line = line_ids(services, make(services, "ARR-DGE", account="dge").id)[0]
    with pytest.raises(NotFound, match=r"reserve\.line_unknown"):
        enter(services, line)  # the mail office does not keep it
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            text("UPDATE registers SET unit_id = (SELECT id FROM units WHERE code = 'DGE') WHERE code = 'ARR-DAF'")
        )
    with pytest.raises(Invalid, match=r"reserve\.other_register"):
        enter(services, line, code="ARR-DAF", account="dge")


def test_after_a_restore_no_book_has_the_number_or_the_code_of_one_that_was_lost(services: Services) -> None:
    """A book that was printed after the copy still lies at the desk. The restored database gives its ids again."""
    with pytest.raises(InterruptedError), services.unit_of_work(NOW) as uow:
        lost = operations.make_book(uow, register_id(services, "ARR"), pages=1, actor=actor(services, "agent"))
        raise InterruptedError
    page = make_page_code(PageCode(f"{lost.code}-01"), key=services.code_key)
    with services.unit_of_work(BACK) as uow:
        holding.hold_registers(uow, copied_at=NOW)
    made = make(services, now=BACK)
    assert made.id == lost.id
    assert made.code == f"{lost.code}-{restore_mark(BACK.astimezone(services.zone))}"
    agent = actor(services, "agent")
    with services.reading() as session:
        for typed in (page, lost.code, f"{lost.code}-01"):
            with pytest.raises(Invalid, match=r"reserve\.not_found"):
                queries.typed(session, agent, typed, code_key=services.code_key)
        (first, *_rest) = line_ids(services, made.id)
        code = make_page_code(PageCode(f"{made.code}-01"), key=services.code_key)
        assert queries.typed(session, agent, code, code_key=services.code_key) == (made.id, first)
        assert list(checking.broken(session)) == []
    later = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
    with services.unit_of_work(later) as uow:
        book = operations.make_book(uow, register_id(services, "ARR"), pages=1, actor=actor(services, "agent"))
    assert book.code == "CS-ARR-2027-001", "a restore of the year before lost no book of this one"


# --- finding ---------------------------------------------------------------------------------------------------------


def test_a_letter_is_found_by_its_line_in_any_spelling_and_by_who_may_see_it(services: Services) -> None:
    done = enter(services, line_ids(services, make(services).id)[6])
    register(services, "Une autre")
    for typed in ("CS-ARR-2026-001-07", "cs arr 2026 1 7"):
        with services.reading() as session:
            found, _envelopes = letter_search.exact_number(session, actor(services, "agent"), typed)
            assert [one.mail_id for one in found] == [done.mail_id], typed
            assert letter_search.exact_number(session, actor(services, "daf"), typed) == ([], [])
    with services.reading() as session:
        found, _envelopes = letter_search.exact_number(session, actor(services, "agent"), "CS-ARR-2026-001-08")
    assert found == []
    run_jobs(services)
    for account, expected in (("agent", [done.mail_id]), ("daf", [])):
        with services.reading() as session:
            who, asked = actor(services, account), SearchQuery("CS-ARR-2026-001-07")
            page = letter_search.search_letters(services, session, who, asked)
            assert [one.mail_id for one in page.letters] == expected
            bare = letter_search.search_letters(dataclasses.replace(services, index=Away()), session, who, asked)  # type: ignore[arg-type]
            assert [one.mail_id for one in bare.letters] == expected
            assert bare.notice == letter_search.WITHOUT_INDEX


class Away:
    """An index that does not answer."""

    def search(self, *_asked: object, **_named: object) -> None:
        raise EngineFailed("index.unavailable")


def test_a_page_a_line_and_a_book_lead_to_the_lines(services: Services) -> None:
    book = make(services, pages=2)
    ids, agent = line_ids(services, book.id), actor(services, "agent")
    asked = {
        make_page_code(PageCode(f"{book.code}-11"), key=services.code_key): (book.id, ids[10]),
        "cs-arr-2026-001-07": (book.id, ids[6]),
        "CS-ARR-2026-001": (book.id, None),
    }
    with services.reading() as session:
        for typed, expected in asked.items():
            assert queries.typed(session, agent, typed, code_key=services.code_key) == expected
            with pytest.raises(Invalid, match=r"reserve\.not_found"):
                queries.typed(session, actor(services, "dge"), typed, code_key=services.code_key)
        for typed in ("CS-ARR-2026-002", "-", "GED1C/1/AAAAAAAAAA"):
            with pytest.raises(Invalid, match=r"reserve\.not_found"):
                queries.typed(session, agent, typed, code_key=services.code_key)
        with pytest.raises(NotFound, match=r"reserve\.unknown"):
            queries.book(session, actor(services, "dge"), book.id)


def test_the_printed_register_names_the_line(services: Services, tmp_path: Path) -> None:
    enter(services, line_ids(services, make(services).id)[0])
    register(services, "Sans carnet")
    with services.reading() as session:
        book = books.book(session, register_id(services, "ARR"), actor(services, "agent"))
        pages, _restricted = register_pages.register_pages(
            session, services, book, books.Span(2026), actor(services, "agent"), year=None, now=BACK
        )
    (tmp_path / "registre.pdf").write_bytes(pages.pdf())
    shown = " ".join(_words(tmp_path / "registre.pdf").split())
    assert shown.count("Carnet") == 1
    observed = [row["cells"][-2] for row in pages.data["rows"]]
    assert observed == ["Carnet CS-ARR-2026-001-01, reçu le 24/11/2026 à 10:00", ""]


# --- voiding ---------------------------------------------------------------------------------------------------------


def test_unused_lines_are_voided_in_one_act(on_either: Services) -> None:
    book = make(on_either)
    ids = line_ids(on_either, book.id)
    enter(on_either, ids[0])
    assert void(on_either, book.id, first=9, last=10) == [9, 10]
    assert void(on_either, book.id) == [2, 3, 4, 5, 6, 7, 8]
    assert [state for state, _number in states(on_either, book.id)] == ["used", *["void"] * 9]
    assert [(one["lines"], one["count"]) for one in journal(on_either, "reserve.voided")] == [
        ("09 à 10", 2), ("02 à 08", 7),
    ]  # fmt: skip
    with pytest.raises(InvalidTransition, match=r"reserve\.nothing_free"):
        void(on_either, book.id)
    with pytest.raises(InvalidTransition, match=r"reserve\.line_void"):
        enter(on_either, ids[1])


def test_a_void_has_a_reason_and_is_the_clerk_s(services: Services) -> None:
    book = make(services)
    with pytest.raises(Invalid, match=r"reserve\.void_reason"):
        void(services, book.id, reason="  ")
    with pytest.raises(Invalid, match=r"form\.too_long"):
        void(services, book.id, reason="x" * 501)
    with pytest.raises(NotFound, match=r"reserve\.unknown"):
        void(services, book.id, account="dge")
    assert [state for state, _number in states(services, book.id)] == ["free"] * 10


# --- what the database holds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE reserve_lines SET void_id = (SELECT max(id) FROM reserve_voids) WHERE mail_id IS NOT NULL",
        "UPDATE reserve_lines SET void_id = NULL WHERE void_id IS NOT NULL",
        "UPDATE reserve_lines SET mail_id = NULL, number_id = NULL, received_at = NULL, entered_at = NULL WHERE mail_id IS NOT NULL",
        "UPDATE reserve_lines SET number_id = (SELECT max(id) FROM mail_numbers) WHERE mail_id IS NULL AND void_id IS NULL",
        "UPDATE reserve_lines SET line_no = 50 WHERE line_no = 5",
        "UPDATE reserve_lines SET text = 'CS-9' WHERE line_no = 5",
        "DELETE FROM reserve_lines WHERE line_no = 5",
        "UPDATE reserve_books SET number = 7",
        "DELETE FROM reserve_voids",
        "UPDATE reserve_voids SET reason = 'autre'",
    ],
)
def test_the_database_refuses_what_the_text_excludes(on_either: Services, change: str) -> None:
    book = make(on_either)
    enter(on_either, line_ids(on_either, book.id)[0])
    void(on_either, book.id, first=9, last=10)
    with pytest.raises(IntegrityError), on_either.engine.begin() as connection:
        connection.execute(text(change))


# --- closings and proof ----------------------------------------------------------------------------------------------


def _closing(services: Services, row: RegisterClosing, folder: Path) -> str:
    with services.blobs.open(row.digest) as stored:  # type: ignore[arg-type]
        (folder / "cloture.pdf").write_bytes(stored.read())
    return " ".join(_words(folder / "cloture.pdf").split())


def test_closings_name_the_lines_of_the_day_and_the_books_of_the_year(services: Services, tmp_path: Path) -> None:
    agent, arrivals = actor(services, "agent"), register_id(services, "ARR")
    book = make(services)
    ids = line_ids(services, book.id)
    enter(services, ids[0])
    enter(services, ids[1], "Une seconde")
    void(services, book.id, first=5, last=10)
    day = closing.close_days(services, arrivals, TODAY, actor=agent, now=NOW + DAY)
    shown = _closing(services, day, tmp_path)
    assert "CS-ARR-2026-001-01" in shown
    assert "CS-ARR-2026-001-02" in shown
    next_year = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
    enter(services, ids[2], "Saisie dans la nouvelle année", received_at=CUT, now=next_year)
    year = closing.close_year(services, arrivals, 2026, actor=agent, now=next_year)
    shown = _closing(services, year, tmp_path).replace("\u202f", " ").replace("\u00a0", " ")
    assert verapdf.check([tmp_path / "cloture.pdf"])[0].compliant
    told = "dix (10) lignes : deux (2) inscrites, six (6) annulées, deux (2) encore ouvertes à la fin de l’année."
    assert f"un (1) carnet de secours, {told}" in shown, shown
    assert "01 à 02" in shown
    assert "05 à 10" in shown
    assert "03 à 04" in shown  # line 3 has a number of the new year: at the end of the old one it was free
    with services.reading() as session:
        later = queries.books_at(session, int(arrivals), 2027, services.zone)
    assert [(one.code, one.used, one.free) for one in later] == [("CS-ARR-2026-001", (1, 2, 3), (4,))]


def test_a_year_without_books_closes_as_before(services: Services) -> None:
    agent, arrivals = actor(services, "agent"), register_id(services, "ARR")
    register(services)
    closing.close_days(services, arrivals, TODAY, actor=agent, now=NOW + DAY)
    now = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
    year = closing.close_year(services, arrivals, 2026, actor=agent, now=now)
    with services.reading() as session:
        days = listing.year_rows(session, session.get_one(Register, int(arrivals)), 2026)
    assert year.content_hash == listing.content_hash(days)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("DELETE FROM reserve_lines WHERE line_no = 5", "reserve.line_gap"),
        ("UPDATE reserve_books SET number = 3 WHERE number = 2", "reserve.book_gap"),
        (
            "UPDATE reserve_lines SET mail_id = NULL, number_id = NULL, received_at = NULL, entered_at = NULL",
            "reserve.not_used",
        ),
        (
            "UPDATE reserve_lines SET received_at = '2026-11-24 08:00:00.000000' WHERE mail_id IS NOT NULL",
            "reserve.not_cited",
        ),
        (
            "UPDATE reserve_lines SET mail_id = (SELECT max(id) FROM mails) WHERE mail_id IS NOT NULL",
            "reserve.letter_missing",
        ),
        (
            "UPDATE reserve_lines SET mail_id = (SELECT max(id) FROM mails), received_at = '2026-11-24 10:00:00.000000', "
            "entered_at = '2026-11-24 10:00:00.000000', number_id = (SELECT max(id) FROM mail_numbers) WHERE id = 2",
            "reserve.not_cited",
        ),
    ],
)
def test_verify_finds_what_was_changed_behind_the_program(services: Services, change: str, code: str) -> None:
    book = make(services)
    make(services)
    enter(services, line_ids(services, book.id)[0])
    register(services, "Reçue autrement", now=BACK)
    assert verify.verify(services, now=BACK).problems == ()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text(change))
    found = {problem.code for problem in verify.verify(services, now=BACK).problems}
    assert code in found, found


# --- the whole -------------------------------------------------------------------------------------------------------


def test_a_cut_of_three_hours_with_sixty_letters_on_three_desks(on_either: Services) -> None:
    third_desk(on_either)
    desks = {"ARR": "agent", "ARR-DGE": "dge", "ARR-DAF": "daf"}
    made = {code: make(on_either, code, account=account, pages=3) for code, account in desks.items()}
    register(on_either, "La dernière avant la coupure")
    lines = {code: line_ids(on_either, book.id) for code, book in made.items()}
    given: dict[str, list[str]] = {code: [] for code in desks}
    moments = [CUT + timedelta(minutes=9 * n) for n in range(20)]
    assert moments[-1] < BACK
    for n, received in enumerate(moments):  # the desks enter their lines side by side
        for code, account in desks.items():
            done = enter(
                on_either, lines[code][n], f"Lettre {n} de {code}", code=code, account=account, received_at=received,
                token=f"{code}-{n}", now=BACK + timedelta(minutes=n),
            )  # fmt: skip
            assert not done.is_repeated
            given[code].append(done.number)
    for code, account in desks.items():  # a form that comes a second time
        assert enter(
            on_either, lines[code][0], f"Lettre 0 de {code}", code=code, account=account, received_at=moments[0],
            token=f"{code}-0", now=BACK,
        ).is_repeated  # fmt: skip
        assert len(void(on_either, made[code].id, account=account, now=BACK + timedelta(hours=1))) == 10
    assert given["ARR"] == [f"{n:05d}/2026/MIN" for n in range(2, 22)]
    assert given["ARR-DGE"] == [f"{n:04d}/2026/DGE" for n in range(1, 21)]
    assert given["ARR-DAF"] == [f"{n:04d}/2026/DAF" for n in range(1, 21)]
    with on_either.reading() as session:
        assert len(set(session.scalars(select(ReserveLine.mail_id).where(ReserveLine.mail_id.is_not(None))))) == 60
        assert session.scalars(select(Mail.received_on).distinct()).all() == [TODAY]
    now = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
    for code, account in desks.items():
        clerk = actor(on_either, account, on=date(2027, 1, 4))
        closing.close_days(on_either, register_id(on_either, code), date(2026, 12, 31), actor=clerk, now=now)
        closing.close_year(on_either, register_id(on_either, code), 2026, actor=clerk, now=now)
    report = verify.verify(on_either, now=now)
    assert report.problems == ()
    assert report.numbers_without_gap
