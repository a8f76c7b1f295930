"""A journal from which somebody deleted the details of acts, or in which somebody rewrote an act with a hash of its own: the proof of a
monthly report says so. Also letters that came after the report and that somebody hid. On both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from ged import audit
from ged.administration import wanted
from ged.audit import AuditEntry, AuditPayload
from ged.db import table_of
from ged.monthly import checking
from ged.monthly.checking import Proof
from ged.monthly.faults import Fault
from ged.register.models import MailNumber
from ged.unit import Services
from tests.administration_kit import do
from tests.factories import TODAY, make_organisation, make_services
from tests.figure_play_kit import Play
from tests.monthly_kit import LATER, file_of, make, prove, with_seal
from tests.packed_kit import run, with_book
from tests.routing_kit import make_mentions, services_on_either
from tests.tampering import lift_guards
from web.words.monthly import fault_words, proof_lines

__all__ = ["services_on_either"]  # a fixture


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal."""
    return with_seal(services_on_either, tmp_path)


def faults(proof: Proof) -> list[tuple[str, str]]:
    return [(one.code, one.where) for one in proof.faults]


def explaining(proof: Proof) -> list[int]:
    """The entries by which the proof explains what has changed."""
    return [act.sequence for change in proof.changes for move in change.moves for act in move.acts]


def days_later(play: Play) -> None:
    while play.now < LATER:
        play.now += timedelta(days=1)
        play.register()


def reported(services: Services) -> tuple[Play, int, bytes]:
    """A letter that was given to a direction, the report that counts it, and a true act on it afterwards."""
    play = Play(services)
    play.register(received_on=TODAY)
    mail_id = play.register(received_on=TODAY, due_days=None)
    play.impute(mail_id, "DGE")
    days_later(play)
    pdf = file_of(services, make(services))
    play.impute(mail_id, "DAF")
    play.redate(mail_id, date(2026, 10, 30))
    assert prove(services, pdf, now=play.now).faults == ()
    return play, mail_id, pdf


Told = tuple[Services, Play, int, bytes]
"""An installation, its people, the letter and the report (``reported``)."""


@pytest.fixture(scope="module")
def reported_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Play, int, bytes]:
    """The folder of such an installation on SQLite. Tests copy it."""
    folder = tmp_path_factory.mktemp("reported") / "place"
    folder.mkdir()
    services = with_seal(make_services(folder), folder)
    make_organisation(services)
    make_mentions(services)
    made = reported(services)
    services.engine.dispose()
    return folder, *made


@pytest.fixture
def told(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    reported_once: tuple[Path, Play, int, bytes],
    either_database: str | None,
) -> Iterator[Told]:
    """What ``reported`` makes, on either database."""
    if either_database is not None:
        services = request.getfixturevalue("services")
        yield services, *reported(services)
        return
    there, play, mail_id, pdf = reported_once
    folder = tmp_path / "place"
    shutil.copytree(there, folder)
    services = with_seal(make_services(folder, create=False), folder)
    yield services, play.in_copy(services), mail_id, pdf
    services.engine.dispose()


def entry_of(services: Services, action: str, subject_id: int, *, last: bool = False) -> int:
    with services.reading() as session:
        found = session.scalars(
            select(AuditEntry.sequence)
            .where(AuditEntry.action == action, AuditEntry.subject_id == subject_id)
            .order_by(AuditEntry.sequence)
        ).all()
    return found[-1 if last else 0]


def rewrite(services: Services, sequence: int, **said: Any) -> None:
    """Other details of an act, with the digest and the hash of these details."""
    lift_guards(services.engine)
    with services.unit_of_work(LATER) as uow:
        entry, details = uow.session.get_one(AuditEntry, sequence), uow.session.get_one(AuditPayload, sequence)
        details.payload = details.payload | said
        entry.payload_digest = audit.payload_digest(details.salt, details.payload)
        entry.hash = audit.entry_hash(entry)


@pytest.mark.parametrize(
    ("action", "last"),
    [("mail.registered", False), ("mail.imputed", False), ("mail.imputed", True), ("mail.rectified", True)],
)
def test_details_of_an_act_that_are_gone_are_named(told: Told, action: str, last: bool) -> None:
    """No guard keeps them: whoever has the program's own password deletes them. What they said is not proven any more."""
    services, play, mail_id, pdf = told
    gone = entry_of(services, action, mail_id, last=last)
    with services.engine.begin() as connection:
        connection.execute(delete(AuditPayload).where(AuditPayload.sequence == gone))
    assert ("journal.payload_missing", f"entry {gone}") in faults(prove(services, pdf, now=play.now))


def test_details_that_are_gone_hide_no_altered_row(told: Told) -> None:
    """Without what the decision said, the row may say anything: so the proof has a fault."""
    services, play, mail_id, pdf = told
    gone = entry_of(services, "mail.imputed", mail_id)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(delete(AuditPayload).where(AuditPayload.sequence == gone))
        moment = "2026-11-26 10:00:00.000000"
        connection.execute(text(f"UPDATE imputations SET decided_at = '{moment}' WHERE mail_id = :m"), {"m": mail_id})
    assert ("journal.payload_missing", f"entry {gone}") in faults(prove(services, pdf, now=play.now))


def test_an_act_from_before_the_report_that_was_rewritten_with_its_own_hash_is_named(told: Told) -> None:
    """Its row says the same: only the entry behind it still names the hash that it had."""
    services, play, mail_id, pdf = told
    entry = entry_of(services, "mail.rectified", mail_id)
    registered = entry_of(services, "mail.registered", mail_id)
    rewrite(services, registered, due_on="2026-11-25")
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mails SET due_on = '2026-11-25' WHERE id = :mail"), {"mail": mail_id})
    assert entry > registered
    assert faults(prove(services, pdf, now=play.now))[0] == ("journal.entry_altered", f"entry {registered}")


def test_an_act_after_the_report_that_was_rewritten_with_its_own_hash_is_named(told: Told) -> None:
    services, play, mail_id, pdf = told
    rectified = entry_of(services, "mail.rectified", mail_id)
    play.register()
    rewrite(services, rectified, new="2026-10-29")
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mails SET received_on = '2026-10-29' WHERE id = :mail"), {"mail": mail_id})
    proof = prove(services, pdf, now=play.now)
    assert faults(proof) == [
        ("journal.entry_altered", f"entry {rectified}"),
        ("letter.unproven", f"letter {mail_id}, entry {rectified}"),
    ]
    assert explaining(proof) == [], "nothing of this letter is explained by what somebody wrote"


@pytest.mark.parametrize("how", ["its hash", "its details", "the hash of the next one"])
def test_an_entry_that_was_altered_explains_no_altered_row(told: Told, how: str) -> None:
    """An act on another letter was made one on this letter, whose row was altered. Of both it is not known what was done on them."""
    services, play, mail_id, pdf = told
    other = play.register(received_on=TODAY)
    play.register()
    play.redate(other, date(2026, 11, 21))
    entry = entry_of(services, "mail.rectified", other)
    play.register()
    true = prove(services, pdf, now=play.now)
    assert faults(true) == []
    assert entry in explaining(true)
    alter(services, "UPDATE mails SET received_on = '2026-10-28' WHERE id = :mail_id", mail_id=mail_id)
    said = {"field": "received_on", "old": "2026-10-30", "new": "2026-10-28", "reason": "Cachet"}
    with services.unit_of_work(LATER) as uow:
        row, details = uow.session.get_one(AuditEntry, entry), uow.session.get_one(AuditPayload, entry)
        row.subject_id, details.payload = mail_id, said
        if how != "its details":
            row.payload_digest = audit.payload_digest(details.salt, said)
        if how != "its hash":
            row.hash = audit.entry_hash(row)
        if how == "the hash of the next one":
            uow.session.get_one(AuditEntry, entry + 1).previous_hash = row.hash
    proof = prove(services, pdf, now=play.now)
    found = faults(proof)
    altered = entry + 1 if how == "the hash of the next one" else entry
    assert ("journal.entry_altered", f"entry {altered}") in found
    assert (("journal.payload_altered", f"entry {entry}") in found) is (how == "its details")
    # The entry before an altered one is held by nothing: its letter is told, too.
    of_both = [one for one in found if one[1].startswith((f"letter {mail_id}", f"letter {other}"))]
    assert of_both == [
        ("letter.unproven", f"letter {mail_id}, entry {entry}"),
        ("letter.unexplained", f"letter {other}"),
    ]
    assert entry not in explaining(proof)
    for language in ("fr", "en"):
        assert f"(letter {mail_id}, entry {entry})" in "\n".join(
            proof_lines(proof, language=language, zone=services.zone)
        )


def test_an_act_whose_details_alone_were_altered_explains_nothing(told: Told) -> None:
    """The entry and its chain are as they were: only its digest shows other details."""
    services, play, mail_id, pdf = told
    entry = entry_of(services, "mail.rectified", mail_id)
    lift_guards(services.engine)
    with services.unit_of_work(LATER) as uow:
        details = uow.session.get_one(AuditPayload, entry)
        details.payload = details.payload | {"new": "2026-10-29"}
    alter(services, "UPDATE mails SET received_on = '2026-10-29' WHERE id = :mail_id", mail_id=mail_id)
    proof = prove(services, pdf, now=play.now)
    assert faults(proof) == [
        ("journal.payload_altered", f"entry {entry}"),
        ("letter.unproven", f"letter {mail_id}, entry {entry}"),
    ]
    assert explaining(proof) == []


def test_a_letter_that_an_altered_entry_alone_names_has_not_left_the_register(told: Told) -> None:
    services, play, mail_id, pdf = told
    entry = entry_of(services, "mail.registered", play.register(received_on=TODAY))
    play.register()
    alter(services, "UPDATE audit_entries SET subject_id = 4444 WHERE sequence = :entry", entry=entry)
    found = faults(prove(services, pdf, now=play.now))
    assert ("letter.unproven", f"letter 4444, entry {entry}") in found
    assert ("letter.unexplained", "letter 4444") not in found
    assert ("letter.unproven", f"letter {mail_id}, entry {entry}") not in found


def test_an_altered_entry_enters_no_report(told: Told) -> None:
    """The entry of the report itself names the bytes of the file."""
    services, play, _mail_id, pdf = told
    made = entry_of(services, "report.made", 1)
    alter(services, "UPDATE audit_entries SET hash = :hash WHERE sequence = :made", hash="0" * 64, made=made)
    found = faults(prove(services, pdf, now=play.now))
    assert ("journal.report", "report 1") in found
    assert ("journal.entry_altered", f"entry {made}") in found


def test_an_act_from_before_the_report_that_is_gone_is_named(told: Told) -> None:
    """The first decision on the letter, with the row of what it gave: the second one explains the change of the numbers."""
    services, play, mail_id, pdf = told
    gone = entry_of(services, "mail.imputed", mail_id)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(delete(AuditPayload).where(AuditPayload.sequence == gone))
        connection.execute(delete(AuditEntry).where(AuditEntry.sequence == gone))
    assert ("journal.entry_missing", f"entry {gone}") in faults(prove(services, pdf, now=play.now))


def test_acts_from_before_the_report_on_other_letters_are_not_read(services: Services) -> None:
    """Nothing changed of what the letter's acts count: `ged verify` proves the rest of the journal."""
    play = Play(services)
    other = play.register(received_on=TODAY)
    mail_id = play.register(received_on=TODAY)
    days_later(play)
    pdf = file_of(services, make(services))
    play.redate(mail_id, date(2026, 10, 30))
    gone = entry_of(services, "mail.registered", other)
    with services.engine.begin() as connection:
        connection.execute(delete(AuditPayload).where(AuditPayload.sequence == gone))
    assert faults(prove(services, pdf, now=play.now)) == []


# --- letters that came after the report, and that somebody hid


HIDDEN = {
    "moved": "UPDATE mails SET responsible_unit_id = (SELECT id FROM units WHERE code = 'DAF') WHERE id = :mail",
    "moved to another entity": "UPDATE mails SET responsible_unit_id = (SELECT id FROM units WHERE code = 'X') WHERE id = :mail",
    "its rights": "DELETE FROM mail_access WHERE mail_id = :mail",
    "its level": "UPDATE mails SET level = 1 WHERE id = :mail",
    "its days": "UPDATE mails SET received_on = '2026-10-20', closed_at = '2026-10-20 10:00:00' WHERE id = :mail",
}


@pytest.mark.parametrize("how", HIDDEN)
def test_a_letter_that_was_taken_over_afterwards_and_hidden_is_named(services: Services, how: str) -> None:
    with_book(services)
    play = Play(services)
    play.register(received_on=TODAY)
    days_later(play)
    with services.engine.begin() as connection:
        connection.execute(text("INSERT INTO units (code, name, kind, is_entity) VALUES ('X', 'X', 'service', true)"))
    pdf = file_of(services, make(services))
    line = {"id": 1, "number": "7/SG", "registered_on": "2026-11-03", "subject": "Arrivé", "unit": "DGE"}
    run(services, line)
    with services.reading() as session:
        mail_id = session.execute(text("SELECT max(id) FROM mails")).scalar_one()
    true = prove(services, pdf, now=play.now)
    assert true.faults == ()
    assert true.changes
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text(HIDDEN[how]), {"mail": mail_id})
    assert ("letter.unexplained", f"letter {mail_id}") in faults(prove(services, pdf, now=play.now))


@pytest.mark.parametrize("how", ["its level", "its days", "moved"])
def test_a_letter_that_was_registered_afterwards_and_hidden_is_named(services: Services, how: str) -> None:
    """It came in the month, and was registered in the next one."""
    play = Play(services)
    play.register(received_on=TODAY)
    days_later(play)
    pdf = file_of(services, make(services))
    mail_id = play.register(received_on=date(2026, 11, 28), due_days=None)
    assert prove(services, pdf, now=play.now).changes
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        if how == "its days":
            connection.execute(text("UPDATE mails SET received_on = '2026-12-02' WHERE id = :mail"), {"mail": mail_id})
        else:
            connection.execute(text(HIDDEN[how]), {"mail": mail_id})
    proof = prove(services, pdf, now=play.now)
    assert faults(proof) == [("letter.unexplained", f"letter {mail_id}")]


def test_a_letter_that_came_afterwards_and_that_true_acts_hid_accuses_nobody(services: Services) -> None:
    play = Play(services)
    play.register(received_on=TODAY)
    days_later(play)
    pdf = file_of(services, make(services))
    hidden, redated, void = (play.register(received_on=date(2026, 11, 28), due_days=None) for _ in range(3))
    play.impute(hidden, "DGE")
    play.raise_level(hidden)
    play.redate(redated, date(2026, 12, 3))
    play.void(void)
    assert faults(prove(services, pdf, now=play.now)) == []


# --- entries that somebody added, and rows that take an act to another letter


def add(services: Services, sequence: int, action: str, kind: str, subject_id: int | None, payload: Any) -> None:
    """An entry with a hash of its own, that no chain holds."""
    lift_guards(services.engine)
    with services.unit_of_work(LATER) as uow:
        entry = AuditEntry(
            sequence=sequence, at=datetime(2026, 11, 2, 10, tzinfo=UTC), person_id=None, post_id=None,
            acting_for_post_id=None, action=action, subject_kind=kind, subject_id=subject_id,
            payload_digest=audit.payload_digest("aa", payload), previous_hash=audit.GENESIS,
        )  # fmt: skip
        entry.hash = audit.entry_hash(entry)
        uow.session.add(entry)
        uow.session.flush()
        uow.session.execute(insert(table_of(AuditPayload)).values(sequence=sequence, salt="aa", payload=payload))


def alter(services: Services, *statements: str, **values: Any) -> None:
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


@pytest.mark.parametrize("sequence", [0, -5])
def test_an_act_that_no_chain_holds_explains_no_altered_row(told: Told, sequence: int) -> None:
    services, play, mail_id, pdf = told
    alter(
        services,
        "UPDATE imputations SET decided_at = '2026-11-02 10:00:00.000000' WHERE mail_id = :mail_id",
        "UPDATE assignments SET assigned_at = '2026-11-02 10:00:00.000000' WHERE mail_id = :mail_id",
        mail_id=mail_id,
    )
    decided = {"imputation": 999999, "units": ["DGE"], "assignments": [999999]}
    add(services, sequence, "mail.imputed", "mail", mail_id, decided)
    found = prove(services, pdf, now=play.now)
    assert faults(found) == [
        ("journal.entry_foreign", f"entry {sequence}"),
        ("letter.unexplained", f"letter {mail_id}"),
    ]
    assert all(one > 0 for one in explaining(found))
    for language in ("fr", "en"):
        assert f"(entry {sequence})" in "\n".join(proof_lines(found, language=language, zone=services.zone))


def test_a_restore_that_somebody_put_into_the_journal_excuses_no_unknown_report(told: Told) -> None:
    services, play, _mail_id, pdf = told
    alter(services, "DELETE FROM monthly_report_revisions", "DELETE FROM monthly_reports")
    add(services, -3, "backup.restored", "backup", None, {"snapshot": "\x1b[2K nuit"})
    alter(services, "UPDATE audit_entries SET at = '2027-03-01 10:00:00.000000' WHERE sequence = -3")
    assert faults(prove(services, pdf, now=play.now)) == [
        ("file.unknown", ""),
        ("journal.entry_foreign", "entry -3"),
    ]
    with services.reading() as session:
        last = audit.head(session).count
    add(services, last + 1, "backup.restored", "backup", None, {"snapshot": "\x1b[2K nuit", "entries": 1})
    alter(services, "UPDATE audit_entries SET at = '2027-03-01 10:00:00.000000' WHERE sequence = :last", last=last + 1)
    codes = {code for code, _where in faults(prove(services, pdf, now=play.now))}
    assert codes == {"file.unknown", "journal.entry_foreign", "journal.entry_altered"}


def test_names_of_the_journal_steer_no_terminal() -> None:
    told = fault_words(Fault("journal.put_back", "entry 3, copy \x1b[2K\nnuit"), "fr")
    assert "[2K nuit" in told
    assert told.isascii() or all(sign.isprintable() or sign in "\u00a0\u202f" for sign in told)


@pytest.mark.parametrize("changes", [5, [["a", "posts", "x", 5]], [[1]], [5], [[[], "posts", [], "unit_id"]]], ids=str)
def test_an_odd_act_on_the_organisation_is_told_and_ends_no_proof(told: Told, changes: Any) -> None:
    services, play, _mail_id, pdf = told
    with services.reading() as session:
        last = audit.head(session).count
    add(services, last + 1, "organisation.loaded", "organisation", None, {"changes": changes})
    assert ("journal.tail_cut", f"entry {last + 2}") in faults(prove(services, pdf, now=play.now))


@pytest.mark.parametrize("action", ["mail.rectified", "report.made", "mail.registered", "organisation.loaded"])
def test_an_entry_of_the_last_number_of_all_is_told_and_ends_no_proof(told: Told, action: str) -> None:
    services, play, mail_id, pdf = told
    kind, subject = ("report", 1) if action.startswith("report") else ("mail", mail_id)
    add(services, 2**63 - 1, action, kind, subject, {"field": "subject"})
    found = faults(prove(services, pdf, now=play.now))
    assert [code for code, _where in found][:2] == ["journal.entry_missing", "journal.tail_cut"]
    is_unproven = ("letter.unproven", f"letter {mail_id}, entry {2**63 - 1}") in found
    assert is_unproven == action.startswith("mail.")


def test_odd_subjects_are_told_and_end_no_proof(services: Services) -> None:
    if services.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL refuses a text in this column")
    play, _mail_id, pdf = reported(services)
    with services.reading() as session:
        last = audit.head(session).count
    add(services, last + 1, "mail.registered", "mail", 12345, {"received_on": "2026-11-03"})
    alter(services, "UPDATE audit_entries SET subject_id = 'abc' WHERE sequence = :last", last=last + 1)
    assert ("journal.entry_altered", f"entry {last + 1}") in faults(prove(services, pdf, now=play.now))


def test_the_letter_of_an_entry_that_no_entity_brought_ends_no_proof(told: Told) -> None:
    services, play, mail_id, pdf = told
    add(services, -7, "mail.rectified", "mail", mail_id, {"field": "received_on", "new": "nonsense"})
    assert faults(prove(services, pdf, now=play.now)) == [("journal.entry_foreign", "entry -7")]


@pytest.mark.parametrize("how", ["gone", "altered"])
def test_a_move_of_posts_before_the_report_whose_details_do_not_hold_is_named(services: Services, how: str) -> None:
    play = Play(services)
    mail_id = play.register(received_on=TODAY, due_days=None)
    play.impute(mail_id, "DGE")
    days_later(play)
    do(
        services,
        lambda org: wanted.changed_post(org, "BO-A", title="Agent", unit="SG", roles=("clerk",), secretary_of=None),
        now=play.now,
    )
    pdf = file_of(services, make(services))
    play.impute(mail_id, "DAF")
    play.give_back(mail_id)
    assert faults(prove(services, pdf, now=play.now)) == []
    with services.reading() as session:
        loaded = session.scalars(
            select(AuditEntry.sequence).where(AuditEntry.action == "organisation.loaded").order_by(AuditEntry.sequence)
        ).all()[-1]
    if how == "gone":
        alter(services, "DELETE FROM audit_payloads WHERE sequence = :loaded", loaded=loaded)
        told = ("journal.payload_missing", f"entry {loaded}")
    else:
        alter(
            services, """UPDATE audit_payloads SET payload = '{"changes": [[1]]}' WHERE sequence = :one""", one=loaded
        )
        told = ("journal.payload_altered", f"entry {loaded}")
    assert told in faults(prove(services, pdf, now=play.now))


@pytest.mark.parametrize("how", ["the letter", "the text too"])
def test_a_number_that_was_put_to_another_letter_takes_its_acts_along_and_is_named(
    services: Services, how: str
) -> None:
    play = Play(services)
    one, other = (play.register(received_on=TODAY, due_days=None) for _ in range(2))
    play.impute(one, "DGE")
    days_later(play)
    pdf = file_of(services, make(services))
    play.void(other)
    assert faults(prove(services, pdf, now=play.now)) == []
    with services.reading() as session:
        number = {
            mail_id: (number_id, told)
            for mail_id, number_id, told in session.execute(
                select(MailNumber.mail_id, MailNumber.id, MailNumber.text).where(MailNumber.mail_id.in_((one, other)))
            )
        }
    put = "UPDATE mail_numbers SET mail_id = :mail_id WHERE id = :number_id"
    alter(services, put, mail_id=None, number_id=number[one][0])
    alter(services, put, mail_id=one, number_id=number[other][0])
    alter(services, put, mail_id=other, number_id=number[one][0])
    alter(services, "UPDATE mails SET state = 'voided' WHERE id = :one", one=one)
    alter(services, "UPDATE mails SET state = 'to_impute' WHERE id = :other", other=other)
    if how == "the text too":
        for whose, now_of in ((one, other), (other, one)):
            alter(
                services, "UPDATE mail_numbers SET text = :told WHERE id = :number_id",
                told=number[whose][1], number_id=number[now_of][0],
            )  # fmt: skip
    assert ("letter.unexplained", f"letter {one}") in faults(prove(services, pdf, now=play.now))


def test_of_more_faults_than_a_reader_reads_the_number_is_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    services, play, _mail_id, pdf = told
    with services.reading() as session:
        last = audit.head(session).count
    alter(services, "DELETE FROM audit_payloads WHERE sequence > :first", first=last - 2)
    monkeypatch.setattr(checking, "MOST_FAULTS", 1)
    found = faults(prove(services, pdf, now=play.now))
    assert found[:2] == [("journal.payload_missing", f"entry {last - 1}"), ("faults.others", "1")]
    assert "(1)" in fault_words(Fault("faults.others", "1"), "fr")


def test_many_altered_entries_hide_no_altered_letter(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    services, play, mail_id, pdf = told
    first = entry_of(services, "mail.registered", mail_id)
    alter(
        services,
        "UPDATE audit_entries SET hash = 'x' WHERE sequence BETWEEN :first + 3 AND :first + 6",
        "UPDATE mails SET received_on = '2026-10-29' WHERE id = :mail_id",
        first=first,
        mail_id=mail_id,
    )
    monkeypatch.setattr(checking, "MOST_FAULTS", 1)
    found = faults(prove(services, pdf, now=play.now))
    assert [code for code, where in found if where.startswith(f"letter {mail_id}")], found
    assert "faults.others" in {code for code, _where in found}
