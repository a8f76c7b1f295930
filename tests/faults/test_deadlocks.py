"""People and jobs take the same rows at one moment. Each succeeds, and nobody gets an error.

In each scene, two transactions that lock in opposite orders would wait for each other: a third one holds a row until
both have begun. ``GED_TEST_DEADLOCKS`` is the number of times that each scene is played (``make deadlocks``: 200).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from ged import access, audit
from ged.capture import arrange
from ged.codes import CodeKind, make_code
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure
from ged.errors import GivenUp, Overtaken
from ged.ports import AttachmentId, MailId, unit_principal
from ged.recognition import jobs as recognition
from ged.register import allocation
from ged.register.models import Attachment, Channel, Correspondent, Mail, MailLink, MailState, PageText
from ged.routing.models import Imputation
from ged.slips import operations as slips
from ged.slips.drafting import LineForm
from ged.unit import SYSTEM, Services, UnitOfWork, once_more
from tests import pages, site, slip_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.intake_kit import pair, send
from tests.intake_kit import register as register_paper
from tests.lock_kit import Actor, wait_for_waiters
from tests.routing_kit import make_mentions, register, unit_id
from tests.signbook_kit import CEET, House
from tests.signbook_kit import house_on_postgres as house
from web.processes.app import Site

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.servers
ROUNDS = int(os.environ.get("GED_TEST_DEADLOCKS", "3"))


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = make_services(tmp_path, url=request.getfixturevalue("make_database")())
    make_organisation(made)
    yield made
    made.engine.dispose()


@contextmanager
def held(services: Services, statement: str) -> Iterator[None]:
    """Hold a lock, as another transaction, until the block ends."""
    with services.engine.connect() as connection:
        connection.execute(text(statement))
        yield
        connection.rollback()


def meet(services: Services, statement: str, *works: Callable[[], object]) -> list[object]:
    """Let each work wait for a lock, one after the other, while ``statement`` holds one. Then release it."""
    begun: list[Actor] = []
    with held(services, statement):
        for work in works:
            begun.append(Actor(work))
            wait_for_waiters(services.engine, len(begun))
    return [one.result() for one in begun]


# --- an answer is dispatched while a slip takes the papers of both letters --------------------------------------------


def _signed_answer(house: House) -> tuple[int, int, int]:
    """(answer, letter that it answers, line of the answer's dispatch), as after the signature."""
    answer = house.answer(copies=())
    clerk = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        mail = uow.session.get_one(Mail, answer)
        mail.state = MailState.SIGNED
        uow.session.flush()
        allocation.allocate(
            uow, slip_kit.register_id(house.services, "DEP"), actor=clerk, post=clerk.posts[0], mail_id=mail.id
        )
        dispatch.open_lines(uow, answer, [CEET], [])
        access.grant(uow, answer, [unit_principal(clerk.posts[0].unit_id)], access.Because.REGISTERED)
    with house.services.reading() as session:
        incoming = session.scalars(select(MailLink.to_id).where(MailLink.from_id == answer)).one()
        line = session.scalars(select(DispatchLine.id).where(DispatchLine.mail_id == answer)).one()
    return int(answer), incoming, line


def test_an_answer_leaves_while_a_slip_takes_it_with_the_letter_it_answers(house: House) -> None:
    services, clerk = house.services, house.who("agent")
    for _ in range(ROUNDS):
        answer, incoming, line = _signed_answer(house)
        form = slip_kit.form(
            services,
            LineForm(mail_id=MailId(incoming), is_original=False),
            LineForm(mail_id=MailId(answer), is_original=False),
        )

        def slip(form: object = form) -> object:
            with services.unit_of_work(NOW) as uow:
                return slips.number_slips(uow, form, actor=clerk, now=NOW)  # type: ignore[arg-type]

        def leave(line: int = line) -> object:
            with services.unit_of_work(NOW) as uow:
                return dispatch.leave(uow, line, Departure(Channel.HAND, carrier="Koffi"), version=None, actor=clerk)

        meet(services, f"SELECT id FROM mails WHERE id = {incoming} FOR UPDATE", slip, leave)
        with services.reading() as session:
            assert session.get_one(Mail, answer).state is MailState.DISPATCHED
            assert session.get_one(Mail, incoming).state is MailState.ANSWERED
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []


# --- a clerk turns a page while its text is being stored
# ---------------------------------------------------------------


def test_a_page_is_turned_while_its_text_arrives(services: Services) -> None:
    bridge, clerk = pair(services), actor(services, "agent")
    for n in range(ROUNDS):
        letter = register_paper(services, f"Demande {n}")
        code = make_code(CodeKind.LABEL, letter.number_id, key=services.code_key)
        batch_id = send(services, bridge, f"k{n}", pages.png(f"Texte {n}", code=code))
        recognition.run_intake(services, batch_id, heartbeat=lambda _progress: None, now=NOW)
        with services.reading() as session:
            document = session.scalars(select(Attachment.id).where(Attachment.mail_id == letter.mail_id)).one()

        def read(document: int = document) -> None:
            recognition.run_recognise(services, AttachmentId(document), heartbeat=lambda _progress: None, now=NOW)

        def turn(document: int = document) -> object:
            with services.unit_of_work(NOW) as uow:
                return arrange.repair(uow, AttachmentId(document), [(1, 90)], reason="De travers", actor=clerk, now=NOW)

        # The reading stops after the old text is deleted and before the new one is stored: it holds its locks.
        meet(services, "LOCK TABLE page_texts IN EXCLUSIVE MODE", read, turn)
        with services.reading() as session:
            assert session.scalar(select(func.count()).where(PageText.attachment_id == document)) == 1
            assert session.scalar(select(func.count()).where(Attachment.replaces_id == document)) == 1


# --- the secretariats of two authorities assign the same letters in opposite orders
# -------------------------------------


@pytest.fixture
def app(services: Services, tmp_path: Path) -> Flask:
    make_mentions(services)
    site.give_passwords(services)
    return site.open_site(tmp_path, services)


def test_the_same_letters_imputed_in_two_orders_at_once(services: Services, app: Flask) -> None:
    clients = [site.sign_in(app, "sg"), site.sign_in(app, "sg")]
    unit = unit_id(services, "DGE")
    for n in range(ROUNDS):
        one, two = register(services, f"Une {n}").mail_id, register(services, f"Deux {n}").mail_id

        def impute(client: FlaskClient, *mail_ids: int) -> Callable[[], int]:
            form: dict[str, object] = {"mail": [str(i) for i in mail_ids], "leading_unit_id": str(unit)}
            return lambda: site.post(client, "/a-imputer/lot", form).status_code

        statuses = meet(
            services,
            f"SELECT id FROM mails WHERE id = {two} FOR UPDATE",
            impute(clients[0], two, one),
            impute(clients[1], one, two),
        )
        assert statuses == [303, 303]
        with services.reading() as session:
            decided = select(func.count()).where(Imputation.mail_id.in_([one, two]))
            assert session.scalar(decided) == 4, "the second decision supersedes the first, and both stay"


# --- a unit of work that PostgreSQL aborted
# ------------------------------------------------------------------------------


def _two_rows(services: Services) -> tuple[int, int]:
    with services.unit_of_work(NOW) as uow:
        rows = [Correspondent(name=name, folded_name=name.casefold()) for name in ("Un", "Deux")]
        uow.session.add_all(rows)
        uow.session.flush()
        return rows[0].id, rows[1].id


def _cross(services: Services, first: int, second: int, here: threading.Barrier, runs: list[int]) -> None:
    """Change two rows in the given order. The first attempt waits until the other transaction has begun too."""
    for attempt in services.attempts(NOW):
        with attempt as uow:
            runs.append(first)
            _touch(uow, first)
            if runs.count(first) == 1:
                here.wait(30)
            _touch(uow, second)
            uow.record("test.touched", "correspondent", first, actor=SYSTEM)


def _touch(uow: UnitOfWork, row: int) -> None:
    uow.session.execute(update(Correspondent).where(Correspondent.id == row).values(address=Correspondent.address))


def test_a_unit_of_work_that_lost_a_deadlock_runs_once_more(services: Services) -> None:
    one, two = _two_rows(services)
    here, runs = threading.Barrier(2), list[int]()
    both = [
        Actor(lambda: _cross(services, one, two, here, runs)),
        Actor(lambda: _cross(services, two, one, here, runs)),
    ]
    for each in both:
        each.result()
    assert len(runs) == 3, "one of them ran twice, the other once"
    with services.reading() as session:
        told = select(func.count(audit.AuditEntry.sequence)).where(audit.AuditEntry.action == "test.touched")
        assert session.scalar(told) == 2


def give_up(uow: UnitOfWork) -> None:
    """A statement that PostgreSQL aborts each time."""
    uow.session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'given up' USING ERRCODE = '40P01'; END $$"))


def test_given_up_twice_is_told_as_busy_and_a_third_time_is_not_tried(services: Services) -> None:
    runs = 0
    with pytest.raises(GivenUp, match=r"database\.overtaken"):
        for attempt in services.attempts(NOW):
            with attempt as uow:
                runs += 1
                give_up(uow)
    assert runs == 2


def test_work_of_which_a_part_is_committed_is_not_done_again(services: Services) -> None:
    runs = 0

    def work() -> None:
        nonlocal runs
        runs += 1
        _two_rows(services)
        with services.unit_of_work(NOW) as uow:
            give_up(uow)

    with pytest.raises(GivenUp, match=r"database\.overtaken"):
        once_more(work)
    assert runs == 1


def test_a_request_is_run_once_more_with_its_file_and_then_says_busy(services: Services, app: Flask) -> None:
    seen: list[bytes] = []
    plain = Site(__name__)

    @plain.post("/recu")
    def take() -> str:
        seen.append(request.files["piece"].read())
        with services.unit_of_work(NOW) as uow:
            if len(seen) < fail_until:
                give_up(uow)
        return "reçu"

    fail_until = 2
    answer = plain.test_client().post("/recu", data={"piece": (BytesIO(b"octets"), "a.pdf")})
    assert (answer.status_code, seen) == (200, [b"octets", b"octets"])


def test_a_person_reads_busy_and_not_an_unexpected_error(services: Services, app: Flask) -> None:
    client = site.sign_in(app, "sg")
    mail_id = register(services).mail_id
    with services.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'given up' USING ERRCODE = '40001'; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER busy BEFORE INSERT ON imputations FOR EACH ROW EXECUTE FUNCTION give_up()")
        )
    form = {"mail": [str(mail_id)], "leading_unit_id": str(unit_id(services, "DGE"))}
    answer = site.post(client, "/a-imputer/lot", form)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "Envoyez de nouveau dans un instant" in answer.text
    with services.reading() as session:
        assert session.scalar(select(func.count(Imputation.id))) == 0


def test_an_ordinary_error_of_the_database_is_no_lost_race(services: Services) -> None:
    with pytest.raises(Exception, match="division by zero") as caught, services.unit_of_work(NOW) as uow:
        uow.session.execute(text("SELECT 1 / 0"))
    assert not isinstance(caught.value, Overtaken)
