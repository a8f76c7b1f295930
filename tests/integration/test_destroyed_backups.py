"""Copies that are older than a letter's destruction: the letter is opened from none of them, all others are."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from ged import destroyed
from ged.adapters.keyring import Keyring
from ged.audit import AuditEntry
from ged.backup import restoring
from ged.config import load_settings
from ged.org.models import Person
from ged.org.passwords import hash_password
from ged.ports import Digest, MailId
from ged.register.models import Attachment, Mail, PageText
from ged.unit import Services
from ged.verify import verify
from tests import s3_kit
from tests.backup_kit import Copied, page
from tests.destroyed_kit import carry_out, decided, digests, letter, opens
from tests.worker_kit import Installation
from web.commands import main
from web.commands import restore as restore_command
from web.processes import replacing
from web.processes import restore as process
from web.wiring import backups, restored
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)

NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
NOBODY = {"GED_REDIS_URL": "redis://127.0.0.1:1/0", "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1"}
PASSWORD = "un mot de passe pour deux"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.servers),
        pytest.param("s3", marks=pytest.mark.servers),
    ]
)
def database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes an empty database; the empty text: an SQLite file in the data folder. With ``s3`` the files lie in a bucket."""
    if request.param != "postgresql":
        return str
    found: Callable[[], str] = request.getfixturevalue("make_database")
    return found


@pytest.fixture
def copied(request: pytest.FixtureRequest, tmp_path: Path, database: Callable[[], str]) -> Iterator[Copied]:
    url = database()
    extra = {"GED_DATABASE_URL": url, "GED_UNSAFE_DATABASE": "for-tests", **NOBODY} if url else {}
    if request.node.callspec.params["database"] == "s3":
        place = s3_kit.new_place(s3_kit.store_url())
        extra |= {"GED_BLOBS": place.address, **s3_kit.access_of(place)}
    made = Copied.make(tmp_path, extra)
    yield made
    made.installation.close()


def letters(copied: Copied) -> tuple[MailId, list[MailId]]:
    """A letter that is to be destroyed, and three that stay: one has a page of the first, too."""
    services, shared = copied.services, page("commune")
    gone = letter(services, "Périmée", page("seule"), shared)
    return gone, [letter(services, f"Gardée {n}", page(f"gardée {n}"), *([shared] if n == 0 else [])) for n in range(3)]


def destroyed_now(copied: Copied, mail: MailId) -> int:
    now = datetime.now(UTC)
    slip = decided(copied.services, [mail], now=now)
    assert carry_out(copied.services, now=now) == 1
    return slip


def keys_of(copied: Copied, tmp_path: Path) -> list[Keyring]:
    """The keyrings on the medium of the keys, the oldest first."""
    found = []
    for n, archive in enumerate(sorted(copied.keys.glob("ged-keyring-*.age"))):
        folder = tmp_path / f"keyring-{len(list(tmp_path.iterdir()))}-{n}"
        restoring.unpack_keys(archive, backups.identities(copied.identity), folder)
        found.append(Keyring(folder))
    return found


def back_of(outcome: process.Outcome) -> Services:
    return build_services(load_settings(outcome.settings, alone=True), writes_index=True)


def test_from_an_older_copy_all_letters_are_opened_but_the_one_that_was_destroyed(
    copied: Copied, tmp_path: Path, database: Callable[[], str]
) -> None:
    gone, stay = letters(copied)
    first = copied.copy(now=NIGHT).snapshot
    alone, _shared = digests(copied.services, gone)
    assert all(not one.without_key({alone}) for one in keys_of(copied, tmp_path)), "until then a copy opens it"
    slip = destroyed_now(copied, gone)
    copied.copy(now=NIGHT + timedelta(days=1))
    copied.copy(now=NIGHT + timedelta(days=2))
    left = keys_of(copied, tmp_path)
    assert len(left) == 2
    assert all(one.without_key({alone}) == {alone} for one in left), "after two copies no key of it is left anywhere"
    wanted = copied.wanted(snapshot=first, database_url=database())
    outcome = process.restore(wanted, tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert (outcome.broken, outcome.report.problems, outcome.destroyed) == ((), (), (gone,))
    back = back_of(outcome)
    assert [opens(back, one) for one in stay] == [True] * 3
    assert not opens(back, gone)
    assert not back.blobs.exists(alone)
    with back.reading() as session:
        found = destroyed.of_letter(session, gone)
        texts = session.scalars(select(Attachment.mail_id).join(PageText, PageText.attachment_id == Attachment.id))
        assert set(texts) == set(stay), "what was read of it is deleted again"
        assert session.get_one(Mail, gone).subject == "Périmée"
        told = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "mail.destroyed_again"))
        assert list(told) == [gone]
    assert found is not None
    assert found.slip_no == slip
    assert found.done_at is not None
    assert verify(back, now=datetime.now(UTC)).problems == ()
    back.engine.dispose()


@pytest.mark.long("another way to an older copy; two are shown beside it")
def test_the_drill_says_so_and_proves_the_others(copied: Copied, tmp_path: Path, database: Callable[[], str]) -> None:
    gone, stay = letters(copied)
    first = copied.copy(now=NIGHT).snapshot
    destroyed_now(copied, gone)
    copied.copy(now=NIGHT + timedelta(days=1))
    done = process.drill(copied.wanted(snapshot=first, database_url=database()), tmp_path / "spare", letters=20)
    assert (done.faults, done.destroyed, done.letters) == ((), 1, len(stay))
    assert done.body["letters_destroyed_since"] == 1
    assert done.sheet


def test_a_key_that_was_lost_without_a_disposal_is_still_a_fault(
    copied: Copied, tmp_path: Path, database: Callable[[], str]
) -> None:
    """What the keyring does not tell of is not forgiven."""
    gone, _stay = letters(copied)
    copied.copy(now=NIGHT)
    alone, _shared = digests(copied.services, gone)
    copied.services.blobs.delete(alone)
    copied.copy(now=NIGHT + timedelta(days=1))
    first = sorted(path.name for path in (copied.medium / "snapshots").iterdir())[0]
    done = process.drill(copied.wanted(snapshot=first, database_url=database()), tmp_path / "spare", letters=20)
    assert any(alone in fault for fault in done.faults)
    assert done.destroyed == 0


def test_a_copy_over_the_live_installation_does_not_revive_it(tmp_path: Path) -> None:
    """The medium's keyring is older than the destruction; that of the installation, which is set aside, tells of it."""
    copied = Copied.make(tmp_path)
    gone, stay = letters(copied)
    copied.second_administrator()
    with copied.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Person).values(password_hash=hash_password(PASSWORD)))
    copied.copy(now=NIGHT)
    destroyed_now(copied, gone)
    settings = copied.installation.settings
    words = [
        "restore", str(copied.medium), "--identity", str(copied.identity), "--keys", str(copied.keys), "--data",
        str(settings.data_dir), "--settings", str(copied.installation.env_file.parent), "--over",
    ]  # fmt: skip
    typed = "".join(f"{line}\n" for line in ("admin", PASSWORD, "admin2", PASSWORD))
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("GED_")}
    done = CliRunner(env=env).invoke(main, words, input=typed)
    assert done.exit_code == 0, done.output
    assert "1 letters were destroyed by a slip of disposal after this copy" in done.output
    back = build_services(load_settings(copied.installation.env_file, alone=True), writes_index=True)
    assert [opens(back, one) for one in stay] == [True] * 3
    assert not opens(back, gone)
    with back.reading() as session:
        assert destroyed.of_letter(session, gone) is not None
    back.engine.dispose()
    copied.installation.close()


def test_the_outcome_says_that_the_live_keyring_could_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = Copied.make(tmp_path)
    gone, _stay = letters(copied)
    copied.copy(now=NIGHT)
    destroyed_now(copied, gone)
    settings, folder = copied.installation.settings, copied.installation.env_file.parent
    copied.installation.close()
    assert settings.keyring is not None
    settings.keyring.rename(tmp_path / "away")
    outcome = replacing.replace(copied.wanted(), settings.data_dir, folder, (), now=datetime.now(UTC), progress=print)
    assert "THE KEYRING OF THIS INSTALLATION CANNOT BE READ" in capsys.readouterr().out
    assert outcome.keyring_unread
    restore_command._tell(outcome)
    assert "could not be read: letters that were destroyed since" in capsys.readouterr().out


def test_a_copy_while_letters_are_destroyed_is_whole(
    copied: Copied, tmp_path: Path, database: Callable[[], str]
) -> None:
    gone, stay = letters(copied)
    now = datetime.now(UTC)
    decided(copied.services, [gone], now=now)
    whole = copied.services.blobs.open_stored
    done = list[int]()

    def slow(digest: Digest) -> object:
        if not done:
            done.append(carry_out(copied.services, now=now))
        return whole(digest)

    copied.services.blobs.open_stored = slow  # type: ignore[method-assign, assignment]
    made = copied.copy(now=NIGHT)
    assert (done, made.lost, made.damaged) == ([1], (), ())
    wanted = copied.wanted(database_url=database())
    outcome = process.restore(wanted, tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert (outcome.broken, outcome.report.problems) == ((), ())
    back = back_of(outcome)
    assert [opens(back, one) for one in stay] == [True] * 3
    back.engine.dispose()


def test_the_report_of_a_drill_names_how_many(copied: Copied, tmp_path: Path, database: Callable[[], str]) -> None:
    letters(copied)
    copied.copy(now=NIGHT)
    done = process.drill(copied.wanted(database_url=database()), tmp_path / "spare", letters=1)
    assert json.loads(json.dumps(done.body))["letters_destroyed_since"] == 0


def test_the_commands_that_check_find_nothing_new(copied: Copied) -> None:
    gone, _stay = letters(copied)

    def told() -> list[tuple[int, str]]:
        words = (("verify",), ("blobs", "check"), ("doctor",))
        done = [copied.installation.command(*one) for one in words]
        return [(one.returncode, one.stdout + one.stderr) for one in done]

    before = told()
    destroyed_now(copied, gone)
    after = told()
    assert [code for code, _ in after] == [code for code, _ in before]
    assert [code for code, _ in after[:2]] == [0, 0], after
    assert "blob." not in after[2][1]


def test_of_two_letters_with_one_file_an_older_copy_revives_none(
    copied: Copied, tmp_path: Path, database: Callable[[], str]
) -> None:
    services, shared = copied.services, page("commune")
    one, two = letter(services, "Périmée", shared), letter(services, "Périmée aussi", shared)
    alone = letter(services, "Périmée, avec une gardée", page("partagée"))
    stays = letter(services, "Gardée", page("partagée"))
    first = copied.copy(now=NIGHT).snapshot
    now = datetime.now(UTC)
    decided(services, [one, two, alone], now=now)
    assert carry_out(services, now=now) == 3
    copied.copy(now=NIGHT + timedelta(days=1))
    wanted = copied.wanted(snapshot=first, database_url=database())
    outcome = process.restore(wanted, tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert (outcome.broken, outcome.report.problems) == ((), ())
    assert set(outcome.destroyed) == {one, two, alone}
    back = back_of(outcome)
    assert opens(back, stays)
    with back.reading() as session:
        texts = session.scalars(select(Attachment.mail_id).join(PageText, PageText.attachment_id == Attachment.id))
        assert set(texts) == {stays}, "what was read of them is deleted again"
    back.engine.dispose()


def test_over_an_installation_whose_keyring_is_away_it_says_so(tmp_path: Path) -> None:
    made = Installation.make(tmp_path)
    assert restored.tombstones(made.settings) == []
    assert made.settings.keyring is not None
    made.settings.keyring.rename(tmp_path / "away")
    assert restored.tombstones(made.settings) is None
    made.settings.keyring.mkdir()
    assert restored.tombstones(made.settings) is None, "an empty folder: its disk is not there"
    made.close()
