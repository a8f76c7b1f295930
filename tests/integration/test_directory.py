"""Passwords of a directory: who is linked, whose password counts, break-glass accounts, people who are closed there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.directory import closing, glass, links, outages, passwords
from ged.directory.models import DirectoryLink
from ged.errors import Invalid, NotFound
from ged.jobs import JobKind
from ged.notices.models import PersonalNotice
from ged.org import sessions
from ged.org.accounts import Caller
from ged.org.models import OpenSession, Person
from ged.ports import Standing
from ged.unit import Services
from tests.directory_kit import ScriptedDirectory, ScriptedProvider
from tests.factories import actor, make_organisation, make_services
from tests.second_step_kit import arm, id_of, journal
from tests.site import PASSWORD, give_passwords

pytestmark = pytest.mark.in_turns(3)

AT = datetime(2026, 11, 26, 8, tzinfo=UTC)
THEIRS = "celui de l'annuaire"


@pytest.fixture
def directory() -> ScriptedDirectory:
    return ScriptedDirectory({"dge": (THEIRS, "guid-dge", Standing.OPEN)})


@pytest.fixture
def services(tmp_path: Path, directory: ScriptedDirectory) -> Services:
    made = replace(make_services(tmp_path), directory=directory)
    make_organisation(made)
    give_passwords(made)
    return made


def tried(services: Services, account: str, password: str, *, at: datetime = AT, address: str = "10.0.0.1") -> str:
    try:
        passwords.sign_in(services, account, password, caller=Caller(address), now=at)
    except Invalid as error:
        return error.code
    return "opened"


def named(services: Services, account: str = "admin") -> None:
    arm(services, account, AT)
    with services.unit_of_work(AT) as uow:
        glass.name(uow, account, "coffre du cabinet", actor=actor(services, "admin"))


def opened(services: Services, account: str) -> str:
    with services.unit_of_work(AT) as uow:
        return sessions.open_session(uow, id_of(services, account), address="10.0.0.1", device="essai")


def is_open(services: Services, token: str) -> bool:
    with services.reading() as session:
        return sessions.find(session, token, now=AT, on=AT.date()) is not None


# --- whose password counts ---


def test_the_directory_proves_and_the_first_sign_in_links(services: Services, directory: ScriptedDirectory) -> None:
    assert tried(services, "DGE ", THEIRS) == "opened"
    assert journal(services, "directory.") == [
        ("directory.bound", {"provider": "ldap:dc=ministere", "subject": "guid-dge"})
    ]
    assert tried(services, "dge", PASSWORD) == "session.refused"
    assert directory.asked == [("dge", ""), ("dge", "guid-dge")]  # from then on by what the entry keeps


def test_a_local_password_is_worth_nothing_for_who_is_in_the_directory(services: Services) -> None:
    assert tried(services, "dge", PASSWORD) == "session.refused"
    assert tried(services, "etudes", PASSWORD) == "opened"
    only_glass = replace(services, own_passwords=False)
    assert tried(only_glass, "etudes", PASSWORD) == "session.refused"


@pytest.mark.parametrize("account", ["dge", "etudes", "personne"])
def test_an_empty_password_opens_nothing(services: Services, directory: ScriptedDirectory, account: str) -> None:
    directory.entries = {account: ("", "g", Standing.OPEN)}
    assert tried(services, account, "") == "session.refused"


def test_an_account_that_is_closed_here_does_not_open(services: Services) -> None:
    with services.unit_of_work(AT) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(is_active=False))
    assert tried(services, "dge", THEIRS) == "session.refused"
    assert journal(services, "directory.") == []


def test_who_is_in_the_directory_and_not_here_gets_in_nowhere(services: Services, directory: ScriptedDirectory) -> None:
    directory.entries["inconnu"] = (THEIRS, "guid-x", Standing.OPEN)
    assert tried(services, "inconnu", THEIRS) == "session.refused"


def test_an_entry_that_is_linked_to_one_person_is_never_another(
    services: Services, directory: ScriptedDirectory
) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    # The entry was renamed: it bears the name of another account here.
    directory.entries = {"daf": (THEIRS, "guid-dge", Standing.OPEN)}
    assert tried(services, "daf", THEIRS) == "session.refused"
    assert journal(services, "directory.mismatch")[0][1]["subject"] == "guid-dge"
    assert tried(services, "dge", THEIRS) == "opened"  # under the name of here


def test_another_entry_under_a_linked_name_is_nobody(services: Services, directory: ScriptedDirectory) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    directory.entries = {"dge": ("d'un autre", "guid-autre", Standing.OPEN)}
    assert tried(services, "dge", "d'un autre") == "session.refused"


def test_a_link_is_undone_by_an_administrator_and_made_anew(services: Services, directory: ScriptedDirectory) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    token = opened(services, "dge")
    directory.entries = {"dge": (THEIRS, "guid-refait", Standing.OPEN)}
    with services.reading() as session:
        link_id = session.scalars(select(DirectoryLink.id)).one()
    with services.unit_of_work(AT) as uow:
        links.unlink(uow, link_id, actor=actor(services, "admin"))
    with pytest.raises(NotFound), services.unit_of_work(AT) as uow:
        links.unlink(uow, link_id, actor=actor(services, "admin"))
    assert not is_open(services, token)
    assert tried(services, "dge", THEIRS) == "opened"


def test_of_two_who_bind_at_once_one_subject_has_one_person(services: Services) -> None:
    with services.unit_of_work(AT) as uow:
        links.bind(uow, id_of(services, "dge"), "p", "s")
    with pytest.raises(Invalid, match="directory.mismatch"), services.unit_of_work(AT) as uow:
        links.bind(uow, id_of(services, "daf"), "p", "s")
    with pytest.raises(Invalid, match="directory.mismatch"), services.unit_of_work(AT) as uow:
        links.bind(uow, id_of(services, "dge"), "p", "t")


def test_a_given_password_is_asked_for_no_more_once_the_directory_proves(services: Services) -> None:
    with services.unit_of_work(AT) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(must_change_password=True))
    assert tried(services, "dge", THEIRS) == "opened"
    with services.reading() as session:
        assert not session.scalars(select(Person.must_change_password).where(Person.account == "dge")).one()


def test_a_proof_in_an_open_session_asks_the_directory_too(services: Services) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    person_id = id_of(services, "dge")
    passwords.check(services, person_id, THEIRS, now=AT)
    with pytest.raises(Invalid, match="password.wrong"):
        passwords.check(services, person_id, PASSWORD, now=AT)


def test_no_password_is_in_the_journal_or_the_log(
    services: Services, directory: ScriptedDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    directory.is_away = True
    tried(services, "dge", THEIRS)
    directory.is_away = False
    tried(services, "dge", THEIRS)
    assert THEIRS not in caplog.text + str(journal(services, ""))


# --- the directory is away ---


def test_away_is_told_to_everybody_alike_and_once_in_the_journal(
    services: Services, directory: ScriptedDirectory
) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    directory.is_away = True
    for account in ("dge", "personne", "etudes"):
        assert tried(services, account, "faux") == "session.directory_away"
    assert tried(services, "dge", PASSWORD) == "session.directory_away"  # not even now
    assert tried(services, "etudes", PASSWORD) == "opened"  # never linked
    with services.reading() as session:
        assert set(outages.away(session)) == {directory.name}
    directory.is_away = False
    assert tried(services, "dge", THEIRS) == "opened"
    assert [action for action, _ in journal(services, "directory.")] == [
        "directory.bound",
        "directory.away",
        "directory.back",
    ]


def test_a_break_glass_account_signs_in_by_its_own_password_and_everybody_is_told(
    services: Services, directory: ScriptedDirectory
) -> None:
    directory.entries["admin"] = ("autre", "guid-admin", Standing.OPEN)
    named(services)
    directory.is_away = True
    assert tried(services, "admin", PASSWORD) == "opened"
    assert journal(services, "session.")[-1][0] == "session.password_right"  # the second step is still due
    assert journal(services, "break_glass.used") == [("break_glass.used", {"address": "10.0.0.1"})]
    directory.is_away = False
    assert tried(services, "admin", PASSWORD) == "opened"  # a directory that refuses everybody is no better
    assert tried(services, "admin", "autre") == "opened"
    assert len(journal(services, "break_glass.used")) == 2  # by the directory it is no use of it
    with services.reading() as session:
        row = glass.listing(session)[0]
    assert (row.account, row.reason, row.is_armed, row.used_at) == ("admin", "coffre du cabinet", True, AT)


def test_every_administrator_gets_a_notice_of_each_use(services: Services) -> None:
    with services.unit_of_work(AT) as uow:
        glass.note_use(uow, id_of(services, "sg"), address="10.0.0.1")
    with services.reading() as session:
        told = session.execute(select(PersonalNotice.person_id, PersonalNotice.key, PersonalNotice.subject_id)).all()
    assert [(one.person_id, one.key.rpartition(":")[2], one.subject_id) for one in told] == [
        (id_of(services, "admin"), "glass_used", id_of(services, "sg"))
    ]


def test_a_break_glass_account_without_its_second_step_does_not_open(services: Services) -> None:
    named(services)
    from ged.entry import factors

    with services.unit_of_work(AT) as uow:
        factors.reset_at_machine(uow, id_of(services, "admin"))
    assert tried(services, "admin", PASSWORD) == "session.refused"


def test_who_may_be_a_break_glass_account(services: Services) -> None:
    admin = actor(services, "admin")
    with pytest.raises(Invalid, match="break_glass.unarmed"), services.unit_of_work(AT) as uow:
        glass.name(uow, "sg", "x", actor=admin)
    with pytest.raises(NotFound), services.unit_of_work(AT) as uow:
        glass.name(uow, "personne", "x", actor=admin)
    named(services)
    with pytest.raises(Invalid, match="break_glass.known"), services.unit_of_work(AT) as uow:
        glass.name(uow, "admin", "x", actor=admin)
    with services.reading() as session:
        row_id = glass.listing(session)[0].id
    with services.unit_of_work(AT) as uow:
        glass.withdraw(uow, row_id, actor=admin)
    assert [action for action, _ in journal(services, "break_glass.")] == ["break_glass.named", "break_glass.withdrawn"]


def test_nothing_changes_where_no_directory_is_set(services: Services) -> None:
    alone = replace(services, directory=None)
    assert tried(alone, "dge", PASSWORD) == "opened"
    assert tried(alone, "dge", "faux") == "session.refused"


# --- closed in the directory ---


@pytest.mark.parametrize("how", ["closed", "gone"])
def test_who_is_closed_in_the_directory_loses_all_sessions(
    services: Services, directory: ScriptedDirectory, how: str
) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    theirs, others = [opened(services, "dge"), opened(services, "dge")], opened(services, "etudes")
    assert closing.run(services, now=AT) == 0
    directory.entries = {"dge": (THEIRS, "guid-dge", Standing.CLOSED)} if how == "closed" else {}
    assert closing.run(services, now=AT) == 1
    assert [is_open(services, one) for one in (*theirs, others)] == [False, False, True]
    assert journal(services, "directory.closed") == [("directory.closed", {"standing": how})]
    assert closing.run(services, now=AT) == 0


def test_a_directory_that_does_not_answer_signs_nobody_out(services: Services, directory: ScriptedDirectory) -> None:
    assert tried(services, "dge", THEIRS) == "opened"
    token = opened(services, "dge")
    directory.is_away = True
    assert closing.run(services, now=AT) == 0
    assert is_open(services, token)
    assert journal(services, "directory.away")
    directory.is_away = False
    closing.run(services, now=AT)
    assert journal(services, "directory.back")


def test_a_directory_that_knows_nobody_any_more_signs_nobody_out(
    services: Services, directory: ScriptedDirectory
) -> None:
    """As one does whose searching account lost its right to read: no error, and no entry."""
    accounts = ("dge", "daf", "etudes")
    directory.entries = {one: (THEIRS, f"guid-{one}", Standing.OPEN) for one in accounts}
    assert [tried(services, one, THEIRS) for one in accounts] == ["opened"] * 3
    tokens = [opened(services, one) for one in accounts]
    known, directory.entries = directory.entries, {}
    assert closing.run(services, now=AT) == 0
    assert all(is_open(services, one) for one in tokens)
    assert journal(services, "directory.away")[0][1]["reason"] == "directory.nobody"
    directory.entries = {"dge": known["dge"]}
    assert closing.run(services, now=AT) == 2
    assert [is_open(services, one) for one in tokens] == [True, False, False]


def test_the_job_is_due_each_minute_while_a_linked_person_is_signed_in(services: Services) -> None:
    from ged.pipeline import KINDS
    from ged.schedules import Every

    kind = KINDS[JobKind.DIRECTORY_CHECK]
    assert kind.schedule == Every(minutes=1)

    def due() -> bool:
        with services.unit_of_work(AT) as uow:
            return kind.cause(uow)

    assert not due()
    assert tried(services, "dge", THEIRS) == "opened"
    assert not due()
    opened(services, "dge")
    assert due()


def test_a_session_is_ended_when_the_provider_renews_it_no_more(services: Services) -> None:
    from ged.directory import provider as ways

    script = ScriptedProvider(at=AT)
    made = replace(services, directory=None, provider=script.provider())
    way = ways.begin(made, browser="b", target="/", redirect_uri="r", address="a", anew=False, now=AT)
    code, state = script.come_back(way)
    came = ways.finish(made, state=state, browser="b", code=code, redirect_uri="r", address="a", now=AT)
    with made.unit_of_work(AT) as uow:
        token = sessions.open_session(uow, int(came.person_id), address="a", device="d")
        uow.session.flush()
        ways.follow(uow, came.pending, token, int(came.person_id))
    for _ in range(2):
        assert closing.run(made, now=AT + timedelta(minutes=1)) == 0
    assert [one["refresh_token"] for one in script.forms[-2:]] == [["renouveler"], ["renouveler+"]]
    script.is_away = True
    assert closing.run(made, now=AT) == 0
    script.is_away, script.refuses = False, True
    assert closing.run(made, now=AT) == 1
    assert not is_open(services, token)
    with services.reading() as session:
        assert session.scalars(select(OpenSession.id)).all() == []
