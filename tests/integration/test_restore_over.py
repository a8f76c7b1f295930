"""A restore in the place of a live installation: two administrators prove themselves, nothing is lost, the journal is loud."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.access import MailAccess
from ged.audit import AuditEntry, AuditPayload
from ged.config import load_settings
from ged.directory import machine
from ged.errors import Forbidden, Invalid
from ged.exceptional import operations as exceptional
from ged.exceptional.models import LetterException
from ged.org.models import Person
from ged.org.passwords import hash_password
from ged.register.models import Mail
from ged.unit import Role, Services
from tests.backup_kit import Copied
from tests.exception_kit import confirm, propose, secret
from tests.factories import actor
from tests.second_step_kit import arm
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)

PASSWORD = "un mot de passe pour deux"


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    made.letter("Construction d'un forage à Tsévié")
    made.second_administrator()
    with made.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Person).values(password_hash=hash_password(PASSWORD)))
    yield made
    made.installation.close()


def rows(services: Services) -> tuple[int, list[str]]:
    """How many letters there are, and the journal's words on restores."""
    with services.reading() as session:
        letters = len(session.scalars(select(Mail.id)).all())
        said = select(AuditEntry.action).where(AuditEntry.action.startswith("backup.")).order_by(AuditEntry.sequence)
        return letters, list(session.scalars(said))


def live(copied: Copied) -> Services:
    return build_services(load_settings(copied.installation.env_file, alone=True), writes_index=True)


def test_two_administrators_let_a_copy_take_the_place(copied: Copied) -> None:
    copied.copy()
    copied.letter("Après la copie")
    code_, said = copied.restore_here(["admin", PASSWORD, "admin2", PASSWORD], "--over")
    assert code_ == 0, said
    assert "set aside" in said
    services = live(copied)
    letters, acts = rows(services)
    assert (letters, acts[-1]) == (1, "backup.restored_over")
    with services.reading() as session:
        told = session.scalars(select(AuditPayload.payload).order_by(AuditPayload.sequence.desc())).first()
    assert told is not None
    assert told["accounts"] == ["admin", "admin2"]
    services.engine.dispose()
    data = copied.installation.settings.data_dir
    (aside,) = data.parent.glob(f"{data.name}.before-restore-*")
    assert (aside / "ged.sqlite3").is_file(), "what was live is set aside, whole"


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        (["admin", PASSWORD, "admin", PASSWORD], "machine.one_person"),
        (["admin", PASSWORD, "agent", PASSWORD], "machine.no_role"),
        (["admin", PASSWORD, "admin2", "faux"], "session.refused"),
        (["admin", "faux"], "session.refused"),
    ],
)
def test_one_person_or_a_wrong_one_moves_nothing(copied: Copied, typed: list[str], refusal: str) -> None:
    copied.copy()
    before = sorted(path.name for path in copied.installation.folder.iterdir())
    code_, said = copied.restore_here(typed, "--over")
    assert code_ == 1
    assert refusal in said
    assert sorted(path.name for path in copied.installation.folder.iterdir()) == before


def test_an_armed_second_step_is_asked_for(copied: Copied) -> None:
    copied.copy()
    now = datetime.now(UTC)
    (recovery, *_rest) = arm(copied.services, "admin", now)
    ended, said = copied.restore_here(["admin", PASSWORD, "000000", "admin2", PASSWORD], "--over")
    assert ended == 1
    assert "second_step.code_wrong" in said
    ended, said = copied.restore_here(["admin", PASSWORD, recovery, "admin2", PASSWORD], "--over")
    assert ended == 0, said


def test_who_acts_for_another_administers_nothing(copied: Copied) -> None:
    services, now = copied.services, datetime.now(UTC)
    with pytest.raises(Forbidden, match=r"machine\.no_role"):
        machine.prove(services, "sg", PASSWORD, ask_code=str, role=Role.ADMINISTRATOR, now=now)
    with pytest.raises(Invalid, match=r"session\.refused"):
        machine.prove(services, "personne", PASSWORD, ask_code=str, role=Role.ADMINISTRATOR, now=now)
    with pytest.raises(Forbidden, match=r"machine\.one_person"):
        one = actor(services, "admin")
        machine.require_two(services, one, one, role=Role.ADMINISTRATOR, now=now)


def test_passwords_are_not_guessed_at_the_terminal_without_end(copied: Copied) -> None:
    said = ""
    for _n in range(30):
        ended, said = copied.restore_here(["admin", "faux"], "--over")
        assert ended == 1
        if "session.throttled" in said:
            break
    assert "session.throttled" in said
    with copied.services.reading() as session:
        refused = select(AuditEntry.sequence).where(AuditEntry.action == "session.refused")
        assert 1 < len(session.scalars(refused).all()) < 30


def test_where_the_restore_fails_all_is_back(copied: Copied) -> None:
    copied.copy()
    copied.letter("Après la copie")
    for archive in copied.keys.iterdir():
        archive.unlink()
    ended, said = copied.restore_here(["admin", PASSWORD, "admin2", PASSWORD], "--over")
    assert ended == 1
    assert "back in its place" in said
    services = live(copied)
    letters, acts = rows(services)
    services.engine.dispose()
    assert letters == 2
    assert acts[-1] == "backup.over_confirmed"


def test_without_live_accounts_only_where_there_are_none(copied: Copied) -> None:
    copied.copy()
    ended, said = copied.restore_here([], "--over", "--no-live-accounts")
    assert ended == 1
    assert "backup.live_accounts" in said
    copied.services.engine.dispose()
    place = copied.installation.settings.data_dir / "ged.sqlite3"
    place.write_bytes(b"not a database any more" * 500)
    for left in place.parent.glob("ged.sqlite3-*"):
        left.unlink()
    ended, said = copied.restore_here(["admin", PASSWORD, "admin2", PASSWORD], "--over")
    assert ended == 1
    assert "backup.live_unreadable" in said
    ended, said = copied.restore_here([], "--over", "--no-live-accounts")
    assert ended == 0, said
    assert "WITHOUT THE CONSENT" in said
    services = live(copied)
    with services.reading() as session:
        told = session.scalars(select(AuditPayload.payload).order_by(AuditPayload.sequence.desc())).first()
    assert told is not None
    assert told["without_accounts"]
    services.engine.dispose()


def test_a_reading_by_exception_that_was_ended_after_the_copy_does_not_come_back(copied: Copied) -> None:
    services, now = copied.services, datetime.now(UTC)
    mail, on = secret(services), now.astimezone(services.zone).date()
    row = propose(services, mail, until=on, at=now)
    confirm(services, mail, row, at=now)
    copied.copy()
    with services.unit_of_work(now) as uow:
        exceptional.end(uow, mail, row, actor=actor(services, "dge"))
    ended, said = copied.restore_here(["admin", PASSWORD, "admin2", PASSWORD], "--over")
    assert ended == 0, said
    back = live(copied)
    with back.reading() as session:
        assert session.scalars(select(LetterException.id).where(LetterException.ended_at.is_(None))).all() == []
        assert session.scalars(select(MailAccess.principal).where(MailAccess.principal.startswith("x"))).all() == []
    back.engine.dispose()


def test_nothing_is_replaced_without_being_asked(copied: Copied) -> None:
    copied.copy()
    ended, said = copied.restore_here([])
    assert ended == 1
    assert "backup.not_empty" in said


def test_the_administrators_of_another_installation_consent_to_nothing(copied: Copied, tmp_path: Path) -> None:
    copied.copy()
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("of another installation")
    ended, said = copied.restore_here(["admin", PASSWORD, "admin2", PASSWORD], "--over", "--data", str(other))
    assert ended == 1
    assert "backup.no_live" in said
    assert [path.name for path in other.iterdir()] == ["file"]
