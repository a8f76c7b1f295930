"""Rows that somebody altered behind the program, each hidden behind a true act on the letter: the proof of a monthly report names the letter.

The true act is one that explains a change of the number. Without the alteration the proof has no fault. On both databases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ged.audit import AuditEntry, AuditPayload
from ged.org.file import OrganisationFile
from ged.org.load import load_organisation
from ged.ports import Confidentiality, MailId, RegisterId
from ged.register import levels
from ged.register import operations as register_operations
from ged.register.models import Direction, Register, RegisterNature
from ged.routing import operations as routing
from ged.routing.operations import ImputationForm
from ged.routing.rectify_letter import rectify
from ged.unit import Services
from tests.factories import TODAY, actor
from tests.figure_play_kit import Play
from tests.monthly_kit import LATER, file_of, make, prove, with_seal
from tests.routing_kit import post_id, services_on_either, unit_id
from tests.tampering import lift_guards

__all__ = ["services_on_either"]  # a fixture

Act = Callable[[Play, int], object]
OTHER_DAY = "2026-11-26 10:00:00.000000"
"""Another moment of the report's month than those of the acts."""


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal."""
    return with_seal(services_on_either, tmp_path)


@dataclass(frozen=True)
class Case:
    """An alteration.

    Attributes:
        before: acts on the letter before the report.
        after: true acts on it after the report.
        altered: the statements; ``:mail`` is the letter, ``:unit`` another directorate.
    """

    before: tuple[Act, ...]
    after: tuple[Act, ...]
    altered: tuple[str, ...]
    is_written: bool = False


def impute(unit: str) -> Act:
    return lambda play, mail_id: play.impute(mail_id, unit)


def wait(play: Play, _mail_id: int) -> None:
    """A day goes by; a register whose clock leaps asks for a person."""
    play.now += timedelta(days=1)
    play.register()


def close(play: Play, mail_id: int) -> None:
    play.close(mail_id)


def _of(name: str) -> Act:
    return lambda play, mail_id: getattr(play, name)(mail_id)


assign, finish, give_back, void, number, sign, leave, close_written = map(
    _of, ("assign", "finish", "give_back", "void", "number", "sign", "leave", "close_written")
)


def reopen(play: Play, mail_id: int) -> None:
    only, play.mails = play.mails, [mail_id]
    play.reopen()
    play.mails = only


def undo(play: Play, mail_id: int) -> None:
    only, play.mails = play.mails, [mail_id]
    play.undo()
    play.mails = only


def redate(play: Play, mail_id: int) -> None:
    play.redate(mail_id, date(2026, 10, 30))


def change_due(day: date) -> Act:
    def act(play: Play, mail_id: int) -> None:
        with play.services.unit_of_work(play.now) as uow:
            rectify(
                uow, MailId(mail_id), {"due_on": day}, reason="Faute", version=None, actor=actor(play.services, "agent"),
                now=play.now,
            )  # fmt: skip

    return act


def change_level(level: Confidentiality, by: str = "sg") -> Act:
    def act(play: Play, mail_id: int) -> None:
        with play.services.unit_of_work(play.now) as uow:
            levels.change_level(uow, MailId(mail_id), level, reason="Sensible", actor=actor(play.services, by))

    return act


def number_twice(play: Play, mail_id: int) -> None:
    """The letter gets a second number, which is voided."""
    with play.services.unit_of_work(play.now) as uow:
        other = Register(
            code="AR2", name="Second registre", nature=RegisterNature.ARRIVAL, direction=Direction.INCOMING, pattern="{seq}/AR2", unit_id=unit_id(play.services, "BO")
        )  # fmt: skip
        uow.session.add(other)
        uow.session.flush()
        number_id = register_operations.take_number(
            uow, MailId(mail_id), RegisterId(other.id), actor=actor(play.services, "agent")
        ).id
    with play.services.unit_of_work(play.now) as uow:
        register_operations.void_number(
            uow, number_id, reason="Erreur", actor=actor(play.services, "agent"), now=play.now
        )


def move_clerk(play: Play) -> None:
    """The ministry puts the post of the clerk into another unit, by its file."""
    post = {"code": "BO-A", "title": "Agent", "unit": "DGE", "roles": ["clerk"], "holder": "agent"}
    units = [{"code": "MIN", "name": "Ministère", "entity": True}, {"code": "DGE", "name": "DGE", "parent": "MIN"}]
    file = OrganisationFile.model_validate(
        {
            "organisation": "Ministère",
            "people": [{"account": "agent", "name": "Agent"}],
            "units": units,
            "posts": [post],
        }
    )
    with play.services.unit_of_work(play.now) as uow:
        load_organisation(uow, file, on=play.today)


def redate_again(play: Play, mail_id: int) -> None:
    play.redate(mail_id, date(2026, 10, 28))


def answered_by_letter(play: Play, mail_id: int) -> None:
    """The letter that answers it was sent."""
    with play.services.unit_of_work(play.now) as uow:
        routing.answered_by(uow, MailId(mail_id), actor=actor(play.services, "dge"), now=play.now, outcome="Lettre")


def to_post(play: Play, mail_id: int) -> None:
    """The authority gives the letter to one post."""
    form = ImputationForm(None, (), (), "", None, None, post_id(play.services, "DAF-C"))  # type: ignore[arg-type]
    with play.services.unit_of_work(play.now) as uow:
        routing.impute(uow, MailId(mail_id), form, version=None, actor=actor(play.services, "sg"), now=play.now)


def reopen_written(play: Play, mail_id: int) -> None:
    play.reopen_written(mail_id)


DGE, DAF = impute("DGE"), impute("DAF")
TO_MONTH = f"'{OTHER_DAY}'"
CASES: dict[str, Case] = {
    "decided at": Case((DGE,), (DAF,), (f"UPDATE imputations SET decided_at = {TO_MONTH} WHERE mail_id = :mail",)),
    "decided at, of a decision after the report": Case(
        (), (DGE,), (f"UPDATE imputations SET decided_at = {TO_MONTH} WHERE mail_id = :mail",)
    ),
    "a decision taken away from the letter": Case(
        (DGE,),
        (DAF,),
        (
            "UPDATE imputations SET mail_id = (SELECT min(id) FROM mails WHERE id <> :mail) WHERE id = (SELECT min(id) FROM imputations WHERE mail_id = :mail)",
        ),
    ),
    "a decision undone": Case(
        (DGE,),
        (DAF,),
        (
            f"INSERT INTO undone_imputations (imputation_id, person_id, at) SELECT min(i.id), min(i.person_id), {TO_MONTH} FROM imputations i WHERE i.mail_id = :mail",
        ),
    ),
    "passed on at": Case(
        (DGE, assign), (DAF,), (f"UPDATE assignments SET assigned_at = {TO_MONTH} WHERE mail_id = :mail AND parent_id IS NOT NULL",)
    ),
    "passed on at, after the report": Case(
        (DGE,), (assign,), (f"UPDATE assignments SET assigned_at = {TO_MONTH} WHERE mail_id = :mail AND parent_id IS NOT NULL",)
    ),
    "passed on from nobody": Case(
        (DGE, assign), (DAF,), ("UPDATE assignments SET parent_id = NULL WHERE mail_id = :mail AND parent_id IS NOT NULL",)
    ),
    "finished at": Case(
        (DGE, finish), (close,), (f"UPDATE assignments SET finished_at = {TO_MONTH} WHERE mail_id = :mail AND state = 'done'",)
    ),
    "finished at, after the report": Case(
        (DGE,), (finish,), (f"UPDATE assignments SET finished_at = {TO_MONTH} WHERE mail_id = :mail AND state = 'done'",)
    ),
    "finished by nobody who leads": Case(
        (DGE, finish), (close,), ("UPDATE assignments SET is_leading = false WHERE mail_id = :mail",)
    ),
    "not finished any more": Case(
        (DGE, finish), (close,), ("UPDATE assignments SET state = 'superseded' WHERE mail_id = :mail",)
    ),
    "finished although it was given again": Case(
        (DGE, finish), (wait, DAF), ("UPDATE mails SET state = 'answered' WHERE id = :mail",
                                     f"UPDATE assignments SET finished_at = {TO_MONTH} WHERE mail_id = :mail AND state = 'done'")
    ),
    "closed at": Case((DGE, close), (reopen, close), (f"UPDATE mails SET closed_at = {TO_MONTH} WHERE id = :mail",)),
    "closed at, after the report": Case((DGE,), (close,), (f"UPDATE mails SET closed_at = {TO_MONTH} WHERE id = :mail",)),
    "closed although it is open again": Case(
        (DGE, close), (reopen,), (f"UPDATE mails SET state = 'closed', closed_at = {TO_MONTH} WHERE id = :mail",)
    ),
    "open although it is closed again": Case(
        (DGE, close), (reopen, close), ("UPDATE mails SET state = 'assigned', closed_at = NULL WHERE id = :mail",)
    ),
    "returned at": Case(
        (DGE, give_back, DAF),
        (give_back,),
        (f"UPDATE assignments SET finished_at = {TO_MONTH} WHERE mail_id = :mail AND state = 'returned'",),
    ),
    "returned no more": Case(
        (DGE, give_back, DAF),
        (give_back,),
        ("UPDATE assignments SET state = 'superseded' WHERE mail_id = :mail AND state = 'returned'",),
    ),
    "returned by who does not lead": Case(
        (DGE, give_back, DAF),
        (give_back,),
        ("UPDATE assignments SET is_leading = false WHERE mail_id = :mail AND state = 'returned'",),
    ),
    "voided at": Case((), (void,), (f"UPDATE mail_numbers SET voided_at = {TO_MONTH} WHERE mail_id = :mail",)),
    "void with one number that stands": Case((DGE,), (number_twice,), ("UPDATE mails SET state = 'voided' WHERE id = :mail",)),
    "received on, of a letter that came later": Case(
        (), (), ("UPDATE mails SET received_on = '2026-11-20' WHERE id = (SELECT max(id) FROM mails)",)
    ),
    "received on, behind a void": Case(
        (DGE,), (number_twice,), ("UPDATE mails SET received_on = '2026-10-20' WHERE id = :mail",)
    ),
    "numbered on, of a letter that came later": Case(
        (), (), ("UPDATE mail_numbers SET registered_on = '2026-11-20' WHERE mail_id = (SELECT max(id) FROM mails)",)
    ),
    "unit": Case((DGE,), (DAF,), ("UPDATE mails SET responsible_unit_id = :unit WHERE id = :mail",)),
    "unit that registered it": Case((DGE,), (give_back,), ("UPDATE mails SET unit_id = :unit WHERE id = :mail",)),
    "level": Case(
        (DGE,),
        (change_level(Confidentiality.RESTRICTED), change_level(Confidentiality.ORDINARY)),
        ("UPDATE mails SET level = 1 WHERE id = :mail",),
    ),
    "rights of the unit": Case((DGE,), (DAF,), ("DELETE FROM mail_access WHERE mail_id = :mail",)),
    "due on": Case((DGE,), (change_due(date(2026, 12, 24)),), ("UPDATE mails SET due_on = '2026-11-25' WHERE id = :mail",)),
    "due on, behind a decision": Case((DGE,), (DAF,), ("UPDATE mails SET due_on = '2026-11-25' WHERE id = :mail",)),
    "due on, behind a decision that was undone": Case(
        (), (DGE, undo), ("UPDATE mails SET due_on = '2026-11-25' WHERE id = :mail",)
    ),
    "due on, of a letter that came later": Case(
        (), (), ("UPDATE mails SET received_on = '2026-11-20', due_on = '2026-11-25' WHERE id = (SELECT max(id) FROM mails)",)
    ),
    "direction": Case((DGE,), (redate,), ("UPDATE mails SET direction = 'outgoing' WHERE id = :mail",)),
    "a letter of an archive": Case(
        (),
        (DGE,),
        (
            f"INSERT INTO takeover_batches (register_id, source, first_line, last_line, letters, taken_at) SELECT min(id), '', 1, 1, 1, {TO_MONTH} FROM registers",
            "INSERT INTO taken_letters (mail_id, register_id, own_id, batch_id, content_hash) SELECT :mail, min(register_id), 'x', max(id), 'x' FROM takeover_batches",
        ),
    ),
    "signed at": Case((number,), (sign,), (f"UPDATE drafts SET signed_at = {TO_MONTH} WHERE mail_id = :mail",), is_written=True),
    "signed at, behind a departure": Case(
        (number, sign), (leave,), (f"UPDATE drafts SET signed_at = {TO_MONTH} WHERE mail_id = :mail",), is_written=True
    ),
    "written at": Case(
        (), (number, sign), ("UPDATE mails SET created_at = '2026-11-02 10:00:00.000000' WHERE id = :mail",
                             f"UPDATE drafts SET signed_at = {TO_MONTH} WHERE mail_id = :mail"), is_written=True
    ),
    "left at": Case(
        (number, sign), (leave,), (f"UPDATE dispatch_lines SET left_at = {TO_MONTH} WHERE mail_id = :mail",), is_written=True
    ),
    "left at, behind a closing": Case(
        (number, sign, leave),
        (close_written,),
        (f"UPDATE dispatch_lines SET left_at = {TO_MONTH} WHERE mail_id = :mail",),
        is_written=True,
    ),
    "left no more": Case(
        (number, sign, leave),
        (close_written,),
        ("UPDATE dispatch_lines SET left_at = NULL WHERE mail_id = :mail",),
        is_written=True,
    ),
}  # fmt: skip


TRUE: dict[str, Case] = {
    "answered by a letter": Case((DGE,), (answered_by_letter,), ()),
    "answered by a letter, and reopened": Case((DGE,), (answered_by_letter, close, wait, reopen), ()),
    "answered by a letter, closed again without an answer": Case(
        (DGE, answered_by_letter, close), (reopen, wait, close), ()
    ),
    "answered by a letter after it was closed": Case((DGE, close), (answered_by_letter,), ()),
    "answered by a letter after it was closed, and reopened": Case(
        (DGE, close), (answered_by_letter, wait, reopen), ()
    ),
    "answered by a letter after it was closed, reopened and closed": Case(
        (DGE, close), (answered_by_letter, wait, reopen, wait, close), ()
    ),
    "returned, closed, and reopened": Case((DGE, finish, DAF), (give_back, close, wait, reopen), ()),
    "returned, given and closed in one day": Case((DGE,), (give_back, DAF, close), ()),
    "given again after an answer, and the decision undone": Case((DGE, finish), (DAF, undo), ()),
    "given twice, and the second decision undone": Case((DGE,), (finish, wait, DAF, undo, close), ()),
    "returned, given again and passed on": Case((DGE, assign), (give_back, wait, DAF, wait, assign), ()),
    "two numbers, one of them void": Case((DGE,), (number_twice, redate), ()),
    "re-dated twice": Case((DGE,), (redate, wait, change_due(date(2026, 12, 24)), redate_again), ()),
    "a due date moved by a decision that is undone": Case((change_due(date(2026, 11, 25)),), (DGE, undo, redate), ()),
    "a level raised and lowered": Case(
        (DGE,), (change_level(Confidentiality.RESTRICTED), DAF, change_level(Confidentiality.ORDINARY)), ()
    ),
    "confidential, and given to a post": Case((DGE,), (change_level(Confidentiality.RESTRICTED), to_post), ()),
    "given to a post": Case((DGE,), (to_post,), ()),
    "sent, closed and reopened": Case(
        (number, sign), (leave, close_written, wait, reopen_written), (), is_written=True
    ),
}


def reported(services: Services, case: Case) -> tuple[Play, int, bytes]:
    """The first acts of a case, its letter, and the file of a report that counts the letter."""
    play = Play(services)
    play.register(received_on=TODAY)
    mail_id = play.draft(1) if case.is_written else play.register(received_on=TODAY, due_days=None)
    for act in case.before:
        act(play, mail_id)
    pdf = file_of(services, make(services))
    while play.now < LATER:
        wait(play, mail_id)
    return play, mail_id, pdf


@pytest.mark.in_shares(8)
@pytest.mark.parametrize("name", TRUE)
def test_true_acts_are_no_fault(services: Services, name: str) -> None:
    case = TRUE[name]
    play, mail_id, pdf = reported(services, case)
    # The last act changes a number of the report: the acts of a letter are read where a number counts it otherwise.
    for act in (*case.after, change_level(Confidentiality.RESTRICTED, "dge") if case.is_written else redate):
        act(play, mail_id)
    assert prove(services, pdf, now=play.now).faults == ()
    assert mail_id in {move.mail_id for one in prove(services, pdf, now=play.now).changes for move in one.moves}


def test_the_post_of_a_clerk_may_go_to_another_unit(services: Services) -> None:
    play = Play(services)
    mail_id = play.register(received_on=TODAY)
    pdf = file_of(services, make(services))
    while play.now < LATER:
        wait(play, mail_id)
    redate(play, mail_id)
    move_clerk(play)
    proof = prove(services, pdf, now=play.now)
    assert proof.faults == ()
    assert mail_id in {move.mail_id for one in proof.changes for move in one.moves}


@pytest.mark.in_shares(8)
@pytest.mark.parametrize("name", CASES)
def test_an_altered_row_behind_a_true_act_is_found_and_its_letter_named(services: Services, name: str) -> None:
    case = CASES[name]
    play, mail_id, pdf = reported(services, case)
    for act in case.after:
        act(play, mail_id)
    play.register(received_on=play.today, due_days=None)
    true = prove(services, pdf, now=play.now)
    assert true.faults == ()
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        unit = connection.execute(text("SELECT id FROM units WHERE code = 'ETU'")).scalar_one()
        for statement in case.altered:
            values = {"mail": mail_id, "unit": unit}
            connection.execute(text(statement), {one: values[one] for one in values if f":{one}" in statement})
        last = connection.execute(text("SELECT max(id) FROM mails")).scalar_one()
    found = prove(services, pdf, now=play.now)
    assert found.changes != true.changes, "the alteration changes a number"
    letter = last if "later" in name else mail_id
    assert ("letter.unexplained", f"letter {letter}") in [(one.code, one.where) for one in found.faults]


def test_an_altered_entry_from_before_the_report_says_nothing(services: Services) -> None:
    """Its details are read again where the letter's numbers changed."""
    play = Play(services)
    mail_id = play.register(received_on=TODAY)
    pdf = file_of(services, make(services))
    while play.now < LATER:
        wait(play, mail_id)
    play.void(mail_id)
    assert prove(services, pdf, now=play.now).faults == ()
    lift_guards(services.engine)
    with services.unit_of_work(play.now) as uow:
        entry = uow.session.scalars(
            select(AuditEntry.sequence).where(AuditEntry.action == "mail.registered", AuditEntry.subject_id == mail_id)
        ).one()
        details = uow.session.get_one(AuditPayload, entry)
        details.payload = details.payload | {"received_on": "2026-11-20"}
    found = prove(services, pdf, now=play.now).faults
    assert [(one.code, one.where) for one in found] == [
        ("journal.payload_altered", f"entry {entry}"),
        ("letter.unproven", f"letter {mail_id}, entry {entry}"),
    ]
