"""Acts on a registered letter: correct, change the level, void, close, number in several registers; who sees the
letter."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, NumberTaken, StaleVersion
from ged.org.models import Person, Post, PostRole, Unit
from ged.ports import Confidentiality, MailId, PostId, RegisterId, unit_principal
from ged.register import books, entry, journal, opening, operations, prints, queries, registers
from ged.register.books import EntryKind, Span
from ged.register.levels import change_level
from ged.register.models import FilingClass, Mail, MailLink, MailNumber, ReadMark, Register
from ged.register.operations import IncomingForm, Registered
from ged.register.rectify_entry import rectify
from ged.register.states import MailState
from ged.reports import register_pages
from ged.sheets import Sheet
from ged.unit import Actor, Role, Services
from tests.clerks import light_services
from tests.factories import NOW, TODAY, actor, make_organisation, make_tables
from tests.tampering import lift_guards


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The organisation of the tests, on SQLite."""
    made = light_services(f"sqlite:///{tmp_path / 'ged.sqlite3'}", tmp_path)
    make_tables(made.engine)
    make_organisation(made)
    yield made
    made.engine.dispose()


def register_id(services: Services, code: str = "ARR") -> RegisterId:
    with services.reading() as session:
        return RegisterId(session.scalars(select(Register.id).where(Register.code == code)).one())


def register(
    services: Services, *, account: str = "agent", code: str = "ARR", now: datetime = NOW, **values: object
) -> Registered:
    with services.reading() as session:
        authority = PostId(session.scalars(select(Post.id).where(Post.code == "SG-T")).one())
    form = IncomingForm(**{"subject": "Objet", "sender_name": "Préfecture", "addressed_post_id": authority, **values})  # type: ignore[arg-type]
    with services.unit_of_work(now) as uow:
        return operations.register_incoming(
            uow, register_id(services, code), form, actor=actor(services, account), now=now
        )


def letter(services: Services, mail_id: MailId, account: str = "agent") -> queries.LetterView:
    with services.reading() as session:
        return queries.letter(session, mail_id, actor(services, account))


# --- numbers ------------------------------------------------------------------------------------------------------


def test_numbers_follow_and_restart_with_the_year(services: Services) -> None:
    eve = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    texts = [register(services, now=eve).number for _ in range(2)]
    texts.append(register(services, now=eve + timedelta(minutes=2)).number)
    assert texts == ["00001/2026/MIN", "00002/2026/MIN", "00001/2027/MIN"]


def test_a_refused_registration_leaves_no_gap(services: Services) -> None:
    register(services)
    with pytest.raises(Invalid, match=r"mail\.subject_missing"):
        register(services, subject=" ")
    assert register(services).number == "00002/2026/MIN"


def test_the_form_sent_again_is_answered_as_the_first_time(services: Services) -> None:
    first = register(services, request_token="t" * 43)
    again = register(services, request_token="t" * 43)
    assert (again.mail_id, again.number_id, again.number) == (first.mail_id, first.number_id, first.number)
    assert (first.is_repeated, again.is_repeated) == (False, True)
    other = register(services, request_token="t" * 43, subject="Autre lettre, page reprise de l'historique")
    assert (other.number, other.is_repeated) == ("00002/2026/MIN", False)
    second = register(services, request_token="t" * 43, their_reference="2/2026")
    assert (second.number, second.is_repeated) == ("00003/2026/MIN", False), (
        "a letter that differs by its reference alone"
    )


def test_a_form_that_was_changed_after_it_registered_a_letter_asks_before_it_registers_another(
    services: Services,
) -> None:
    """A clerk whose first answer was lost corrects the reference, and sends again."""
    token = "t" * 43
    first = register(services, request_token=token, their_reference="12/2026")

    def shown(reference: str) -> list[int | None]:
        form = IncomingForm(
            subject="Objet", sender_name="Préfecture", addressed_post_id=PostId(1), their_reference=reference, received_on=TODAY,
            request_token=token,
        )  # fmt: skip
        with services.reading() as session:
            return [row.mail_id for row in entry.lookalikes(session, form, actor=actor(services, "agent"))]

    assert shown("12/2026") == [], "the form as it was sent"
    assert shown("21/2026") == [first.mail_id]


def test_a_name_whose_ligatures_make_it_too_long_for_the_directory_is_refused(services: Services) -> None:
    for name in ("Œ" * 101, "ß" * 101, "\ufb03" * 67):
        with pytest.raises(Invalid, match=r"mail\.sender_long"):
            register(services, sender_name=name)
    assert register(services, sender_name="Œ" * 100).number == "00001/2026/MIN"


def test_an_arrival_goes_into_a_register_of_arrivals_and_to_an_authority(services: Services) -> None:
    for code in ("DEP", "BT", "PLI"):
        with pytest.raises(Invalid, match=r"register\.nature"):
            register(services, code=code)
    clerk = actor(services, "agent").posts[0].post_id
    for addressed in (clerk, PostId(9999)):
        with pytest.raises(Invalid, match=r"mail\.addressed_unknown"):
            register(services, addressed_post_id=addressed)
    assert register(services).number == "00001/2026/MIN"


def test_only_the_clerk_of_the_register_numbers(services: Services) -> None:
    with pytest.raises(Forbidden, match=r"register\.not_clerk"):
        register(services, account="dge")


def test_a_paper_book_is_continued_only_before_the_first_number(services: Services) -> None:
    clerk = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        registers.open_at(uow, register_id(services), last_number=812, on=TODAY, reason="Tome 3", actor=clerk)
    assert register(services).number == "00813/2026/MIN"
    with pytest.raises(NumberTaken, match=r"register\.started"), services.unit_of_work(NOW) as uow:
        registers.open_at(uow, register_id(services), last_number=900, on=TODAY, reason="Tome 4", actor=clerk)
    with services.reading() as session:
        (year,) = books.years(session, [register_id(services)])[register_id(services)]
    assert (year.first, year.last, year.missing, year.opening_reason) == (813, 813, 0, "Tome 3")


def test_a_letter_takes_one_number_in_each_register_that_it_passes(services: Services) -> None:
    done, clerk = register(services), actor(services, "dge")
    direction = register_id(services, "ARR-DGE")
    with pytest.raises(NotFound), services.unit_of_work(NOW) as uow:
        operations.take_number(uow, done.mail_id, direction, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, done.mail_id, (unit_principal(clerk.posts[0].unit_id),), access.Because.IMPUTED)
    assert letter(services, done.mail_id, "dge").rights.registers == ((direction, "ARR-DGE"),)
    with services.unit_of_work(NOW) as uow:
        number = operations.take_number(uow, done.mail_id, direction, actor=clerk)
    assert [n.text for n in letter(services, done.mail_id).numbers] == ["00001/2026/MIN", number.text]
    assert number.text == "0001/2026/DGE"
    assert letter(services, done.mail_id, "dge").rights.registers == ()
    with pytest.raises(Invalid, match=r"register\.twice"), services.unit_of_work(NOW) as uow:
        operations.take_number(uow, done.mail_id, direction, actor=clerk)


def test_voiding_the_last_number_voids_the_letter_and_keeps_both_readable(services: Services) -> None:
    done = register(services)
    clerk = actor(services, "agent")
    with pytest.raises(Invalid, match=r"number\.void_reason"), services.unit_of_work(NOW) as uow:
        operations.void_number(uow, done.number_id, reason=" ", actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        operations.void_number(uow, done.number_id, reason="Doublon", actor=clerk, now=NOW)
    view = letter(services, done.mail_id)
    assert view.state is MailState.VOIDED
    assert [(n.text, n.void_reason) for n in view.numbers] == [("00001/2026/MIN", "Doublon")]
    assert view.number == "00001/2026/MIN"
    with pytest.raises(InvalidTransition), services.unit_of_work(NOW) as uow:
        operations.void_number(uow, done.number_id, reason="Encore", actor=clerk, now=NOW)
    assert register(services).number == "00002/2026/MIN", "a voided number is never given again"


# --- changes ------------------------------------------------------------------------------------------------------


def test_a_rectification_leaves_the_old_value_readable(services: Services) -> None:
    done = register(services, subject="Demnade", written_on=date(2026, 11, 20))
    with services.unit_of_work(NOW) as uow:
        changed = rectify(
            uow, done.mail_id, {"subject": "Demande", "written_on": date(2026, 11, 20)}, reason="faute", version=1,
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    assert changed == 1
    with services.reading() as session:
        (row,) = queries.rectifications(session, done.mail_id)
        told = journal.of_letter(session, done.mail_id)
    assert (row.old_value, row.new_value, row.reason, row.person_name) == ("Demnade", "Demande", "faute", "Agent")
    assert told[0].action == "mail.rectified"
    assert told[0].details["old"] == "Demnade"


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"subject": "x"}, " ", "rectify.reason"),
        ({"subject": " "}, "r", "mail.subject_missing"),
        ({"state": "closed"}, "r", "rectify.field"),
        ({"received_on": date(2026, 11, 25)}, "r", "mail.received_in_future"),
        ({"received_on": date(1926, 11, 24)}, "r", "mail.received_long_ago"),
    ],
)
def test_a_wrong_rectification_is_refused(services: Services, changes: dict[str, str], reason: str, code: str) -> None:
    done = register(services)
    with pytest.raises(Invalid) as refusal, services.unit_of_work(NOW) as uow:
        rectify(uow, done.mail_id, changes, reason=reason, version=None, actor=actor(services, "agent"), now=NOW)
    assert refusal.value.code == code


def test_a_letter_that_came_long_ago_is_still_corrected(services: Services) -> None:
    done, long_ago = register(services), date(1999, 3, 2)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, done.mail_id).received_on = long_ago
    changes = {"subject": "Objet juste", "received_on": long_ago}
    with services.unit_of_work(NOW) as uow:
        rectify(uow, done.mail_id, changes, reason="r", version=None, actor=actor(services, "agent"), now=NOW)
    assert letter(services, done.mail_id).subject == "Objet juste"


def test_a_stale_form_changes_nothing(services: Services) -> None:
    done, clerk = register(services), actor(services, "agent")

    def send(subject: str) -> None:
        with services.unit_of_work(NOW) as uow:
            rectify(uow, done.mail_id, {"subject": subject}, reason="r", version=1, actor=clerk, now=NOW)

    send("Premier")
    with pytest.raises(StaleVersion, match=r"mail\.stale"):
        send("Second")
    assert letter(services, done.mail_id).subject == "Premier"
    assert letter(services, done.mail_id).version == 2


def test_closing_needs_an_outcome_and_a_class_and_can_be_undone(services: Services) -> None:
    done, clerk = register(services), actor(services, "agent")
    with services.reading() as session:
        filing = session.scalars(select(FilingClass.id)).one()
    for outcome, filing_id, code in [(" ", filing, "mail.outcome_missing"), ("ok", None, "filing.unknown")]:
        with pytest.raises(Invalid, match=code), services.unit_of_work(NOW) as uow:
            operations.close(
                uow, done.mail_id, outcome=outcome, filing_class_id=filing_id, version=None, actor=clerk, now=NOW
            )
    with services.unit_of_work(NOW) as uow:
        operations.close(uow, done.mail_id, outcome="Classé", filing_class_id=filing, version=1, actor=clerk, now=NOW)
    view = letter(services, done.mail_id)
    assert (view.state, view.outcome, view.filing_class) == (MailState.CLOSED, "Classé", "1 Administration générale")
    assert (view.rights.close, view.rights.reopen) == (False, True)
    with services.unit_of_work(NOW) as uow:
        operations.reopen(uow, done.mail_id, reason="Nouvelle pièce", actor=clerk)
    assert letter(services, done.mail_id).state is MailState.TO_IMPUTE, "it stands where it stood"


# --- who sees what ------------------------------------------------------------------------------------------------


def test_who_has_no_right_does_not_learn_that_the_letter_exists(services: Services) -> None:
    done = register(services)
    for account in ("daf", "admin", "etudes"):
        with pytest.raises(NotFound) as refusal:
            letter(services, done.mail_id, account)
        assert refusal.value.params["refused"], "the border records the refusal"


def test_links_tell_only_of_letters_that_the_actor_may_see(services: Services) -> None:
    mine, other = register(services), register(services, subject="Autre")
    with services.unit_of_work(NOW) as uow:
        operations.link(uow, mine.mail_id, other.mail_id, kind="related", actor=actor(services, "sg"))
        change_level(uow, other.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    with services.reading() as session:
        assert [row.subject for row in queries.links(session, mine.mail_id, actor(services, "sg"))] == ["Autre"]
        assert queries.links(session, mine.mail_id, actor(services, "agent")) == []


def test_a_duplicate_is_named_only_to_who_may_see_it(services: Services) -> None:
    first = register(services, sender_name="Société WACEM", their_reference="N° 12/DG")
    again = {"sender_name": "societe  wacem", "their_reference": "n°12/dg"}
    with services.reading() as session:
        (row,) = entry.registered_before(session, **again, actor=actor(services, "agent"))
        assert (row.mail_id, row.number) == (first.mail_id, "00001/2026/MIN")
        assert (
            entry.registered_before(session, **again, actor=actor(services, "agent"), except_mail=first.mail_id) == []
        )
        (row,) = entry.registered_before(session, **again, actor=actor(services, "daf"))
        assert (row.mail_id, row.number, row.subject) == (None, "", "")


def test_another_entity_learns_nothing_of_a_duplicate(services: Services) -> None:
    register(services, sender_name="WACEM", their_reference="12")
    with services.unit_of_work(NOW) as uow:
        unit = uow.session.scalars(select(Unit).where(Unit.code == "DAF")).one()
        unit.is_entity = True
    with services.reading() as session:
        other = actor(services, "daf")
        assert entry.registered_before(session, sender_name="WACEM", their_reference="12", actor=other) == []


def test_a_register_shows_number_and_date_of_what_its_reader_may_not_see(services: Services) -> None:
    register(services, subject="Visible")
    hidden = register(services, subject="Caché")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, hidden.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
        admin = uow.session.scalars(select(Post).where(Post.code == "ADM")).one()
        admin.roles = [PostRole(role=Role.AUDITOR)]
    with services.reading() as session:
        for account, kinds in [("agent", "letter confidential"), ("sg", "letter letter")]:
            reader = actor(services, account)
            rows = books.entries(session, register_id(services), Span(2026), reader, newest_first=False)
            assert [row.kind.value for row in rows] == kinds.split()
        auditor = actor(services, "admin")
        book = books.book(session, register_id(services), auditor)
        rows = books.entries(session, book.id, Span(2026), auditor)
    assert {row.kind for row in rows} == {EntryKind.CONFIDENTIAL}
    assert not any(row.subject or row.sender or row.addressee or row.mail_id for row in rows)


def test_a_register_is_read_by_its_unit_the_heads_above_and_auditors(services: Services) -> None:
    with services.reading() as session:
        readable = {
            a: [b.code for b in books.books(session, actor(services, a))] for a in ("agent", "sg", "etudes", "daf")
        }
        with pytest.raises(NotFound, match=r"register\.unknown"):
            books.book(session, register_id(services), actor(services, "daf"))
        assert books.books(session, actor(services, "admin")) == [], "the administrator's role opens no register"
    assert readable["agent"][:2] == ["ARR", "DEP"]
    assert "ARR" in readable["sg"]
    assert readable["etudes"] == readable["daf"] == []


def test_a_missing_number_is_found(services: Services) -> None:
    numbers = [register(services).number_id for _ in range(3)]
    lift_guards(services.engine)
    with services.unit_of_work(NOW) as uow:
        registers.number_of(uow.session, numbers[1]).sequence = 7
    with services.reading() as session:
        (year,) = books.years(session, [register_id(services)])[register_id(services)]
    assert year.missing == 2, "one number is not there, one stands outside"


# --- reading ------------------------------------------------------------------------------------------------------


def test_the_first_opening_is_marked_and_a_restricted_one_is_in_the_journal(services: Services) -> None:
    done = register(services, level=Confidentiality.RESTRICTED)
    sg = actor(services, "sg")
    for minutes in (0, 5):
        now = NOW + timedelta(minutes=minutes)
        with services.unit_of_work(now) as uow:
            opening.mark_opened(uow, done.mail_id, actor=sg, now=now)
    with services.reading() as session:
        assert session.scalars(select(ReadMark.at)).one() == NOW
        opened = journal.of_letter(session, done.mail_id, readings=True)
        told = journal.of_letter(session, done.mail_id)
    assert [row.person_name for row in opened] == ["Sg", "Sg"]
    assert "mail.opened" not in {row.action for row in told}
    assert opening.must_write(Confidentiality.RESTRICTED, opened_at=NOW, now=NOW)
    assert opening.must_write(Confidentiality.ORDINARY, opened_at=None, now=NOW)
    assert not opening.must_write(Confidentiality.ORDINARY, opened_at=NOW, now=NOW + opening.OPENED_AGAIN)
    assert opening.must_write(Confidentiality.ORDINARY, opened_at=NOW, now=NOW + opening.OPENED_AGAIN * 2)


def test_the_letter_is_read_in_a_bounded_number_of_queries(services: Services) -> None:
    done = register(services)
    clerk = actor(services, "agent")
    for n in range(15):
        other = register(services, subject=f"Lié {n}")
        with services.unit_of_work(NOW) as uow:
            operations.link(uow, done.mail_id, other.mail_id, kind="related", actor=clerk)
            rectify(uow, done.mail_id, {"subject": f"Objet {n}"}, reason="r", version=None, actor=clerk, now=NOW)
    with services.reading() as session, counted(services.engine) as statements:
        queries.letter(session, done.mail_id, clerk)
        assert len(queries.links(session, done.mail_id, clerk)) == 15
        queries.attachments(session, done.mail_id)
        assert len(queries.rectifications(session, done.mail_id)) == 15
        journal.of_letter(session, done.mail_id)
    assert len(statements) <= 16, statements


def test_a_register_is_read_in_a_bounded_number_of_queries(services: Services) -> None:
    for n in range(20):
        register(services, sender_name=f"Expéditeur {n}")
    clerk, wanted = actor(services, "agent"), register_id(services)
    with services.reading() as session, counted(services.engine) as statements:
        book = books.book(session, wanted, clerk)
        books.years(session, [book.id])
        books.count_entries(session, book.id, Span(2026))
        assert len(books.entries(session, book.id, Span(2026), clerk)) == 20
    assert len(statements) <= 8, statements  # the page's keys are read before its rows


# --- paper --------------------------------------------------------------------------------------------------------


def test_the_receipt_of_a_restricted_letter_bears_no_subject(services: Services) -> None:
    plain, secret = register(services), register(services, subject="Affaire", level=Confidentiality.RESTRICTED)
    with services.reading() as session:
        clerk = actor(services, "agent")
        told = prints.receipt(session, services, plain.number_id, clerk, depositor="M. Kossi").data
        assert (told["subject"], told["depositor"]) == ("Objet", "M. Kossi")
        hidden = prints.receipt(session, services, secret.number_id, clerk).data
        assert "Affaire" not in str(hidden)
        with pytest.raises(NotFound):
            prints.label(session, services, plain.number_id, actor(services, "daf"))


def printed(
    session: Session, services: Services, book: books.BookRow, span: Span, who: Actor
) -> tuple[Sheet, list[int]]:
    """Pages of a register, with the data that other rooms have on its letters."""
    return register_pages.register_pages(session, services, book, span, who, year=None, now=NOW)


def test_printed_pages_tell_who_treats_and_what_answered_and_ask_the_same_for_any_number_of_lines(
    services: Services,
) -> None:
    letters = [register(services, subject=f"Lettre {n}", received_on=TODAY) for n in range(3)]
    clerk = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        reply = uow.session.get_one(MailNumber, letters[2].number_id)
        uow.session.add(MailLink(from_id=letters[2].mail_id, to_id=letters[0].mail_id, kind="reply_to"))
    with services.reading() as session:
        book = books.book(session, register_id(services), clerk)
        with counted(services.engine) as few:
            sheet, _ = printed(session, services, book, Span(2026, from_sequence=1, until_sequence=1), clerk)
        cells = dict(
            zip([column["key"] for column in sheet.data["columns"]], sheet.data["rows"][0]["cells"], strict=True)
        )
        assert cells["received"] == f"{TODAY:%d/%m/%Y}"
        assert cells["answer"].startswith(f"{reply.text} du")
        assert cells["signed"] == "", "filled by hand"
        assert sheet.data["stopped"] == "Le présent extrait est arrêté à un (1) numéro, du n° 1 au n° 1."
    with services.reading() as session, counted(services.engine) as many:
        sheet, _ = printed(session, services, book, Span(2026), clerk)
    assert len(sheet.data["rows"]) == 3
    assert len(many) <= len(few) + 2, "what is not in the session yet, and nothing for each line"


def test_printed_pages_hide_what_the_printer_may_not_see(services: Services) -> None:
    register(services, subject="Visible")
    hidden = register(services, subject="Caché", sender_name="Inconnu")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, hidden.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    with services.reading() as session:
        clerk = actor(services, "agent")
        book = books.book(session, register_id(services), clerk)
        span = Span(2026, TODAY, TODAY)
        sheet, restricted = printed(session, services, book, span, clerk)
        assert "Visible" in str(sheet.data)
        assert "Caché" not in str(sheet.data)
        assert "Inconnu" not in str(sheet.data)
        assert "Courrier confidentiel" in str(sheet.data)
        assert restricted == []
        _, restricted = printed(session, services, book, span, actor(services, "sg"))
    assert restricted == [hidden.mail_id]


class counted:
    """The SQL statements that the block sends."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.statements = engine, list[str]()

    def _note(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement != "BEGIN":
            self.statements.append(statement)

    def __enter__(self) -> list[str]:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self.statements

    def __exit__(self, *_error: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)


def test_a_person_is_named_in_the_journal_by_name(services: Services) -> None:
    done = register(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Person).where(Person.account == "agent")).one().name = "Kodjo Ametépé"
    with services.reading() as session:
        assert journal.of_letter(session, done.mail_id)[0].person_name == "Kodjo Ametépé"
