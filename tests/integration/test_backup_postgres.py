"""Copies of an installation on PostgreSQL: a dump of one moment, while people work, and the way back."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select, update

from ged.backup import database
from ged.config import Settings, load_settings
from ged.errors import ConfigError, EngineFailed, Forbidden, InvalidTransition
from ged.org.models import Person
from ged.org.passwords import hash_password
from ged.register.models import Mail
from ged.standby import libpq_address
from tests.backup_kit import Copied
from web.processes import replacing
from web.processes import restore as process
from web.wiring.services import build_services

pytestmark = [pytest.mark.in_turns(2), pytest.mark.servers]
PASSWORD = "un mot de passe pour deux"
NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
NOBODY = {"GED_REDIS_URL": "redis://127.0.0.1:1/0", "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1"}
"""The shape "servers" needs both; no copy asks them."""


@pytest.fixture
def copied(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Copied]:
    made = Copied.make(tmp_path, {"GED_DATABASE_URL": make_database(), "GED_UNSAFE_DATABASE": "for-tests", **NOBODY})
    made.letter("Construction d'un forage à Tsévié")
    yield made
    made.installation.close()


def test_a_copy_while_letters_are_registered_comes_back_whole(
    copied: Copied, tmp_path: Path, make_database: Callable[[], str]
) -> None:
    stop, registered = threading.Event(), list[int]()

    def register() -> None:
        while not stop.is_set():
            registered.append(copied.letter(f"Lettre {len(registered)}"))

    clerk = threading.Thread(target=register)
    clerk.start()
    try:
        while len(registered) < 3:
            pass
        made = copied.copy(now=NIGHT)
        during = len(registered)
        while len(registered) < during + 2:
            pass
    finally:
        stop.set()
        clerk.join()
    outcome = process.restore(
        copied.wanted(database_url=make_database()), tmp_path / "back" / "data", tmp_path / "back" / "settings"
    )
    assert (outcome.broken, outcome.report.problems) == ((), ())
    assert outcome.report.blobs >= made.objects
    back = build_services(load_settings(outcome.settings, alone=True))
    with back.reading() as session:
        count = session.scalar(select(func.count(Mail.id))) or 0
    assert 4 <= count <= len(registered) + 1
    assert outcome.manifest.database == "postgresql"
    back.engine.dispose()


def test_a_drill_in_a_spare_database_leaves_it_empty(
    copied: Copied, tmp_path: Path, make_database: Callable[[], str]
) -> None:
    copied.copy(now=NIGHT)
    url = make_database()
    for n in range(2):
        done = process.drill(copied.wanted(database_url=url), tmp_path / f"spare{n}", letters=3)
        assert done.faults == ()
        assert done.letters == 1


@pytest.mark.long("a drill more; one is done in the test beside it")
def test_a_drill_that_fails_leaves_its_database_empty_too(
    copied: Copied, tmp_path: Path, make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.copy(now=NIGHT)
    url = make_database()

    def fails(_settings: Settings) -> None:
        raise EngineFailed("database.malformed", "for the test")

    with monkeypatch.context() as patched:
        patched.setattr(process, "finish_database", fails)
        with pytest.raises(EngineFailed, match="for the test|database.malformed"):
            process.drill(copied.wanted(database_url=url), tmp_path / "spare", letters=1)
    assert not (tmp_path / "spare").exists()
    assert process.drill(copied.wanted(database_url=url), tmp_path / "spare", letters=1).faults == ()


def test_a_database_with_rows_is_refused_and_one_of_another_kind(copied: Copied, tmp_path: Path) -> None:
    copied.copy(now=NIGHT)
    with pytest.raises(ConfigError, match="backup.database_not_empty"):
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert not (tmp_path / "back" / "data").exists()
    with pytest.raises(ConfigError, match="config.mixture|backup.other_database"):
        process.restore(
            copied.wanted(database_url="sqlite:///x.db"), tmp_path / "b" / "data", tmp_path / "b" / "settings"
        )


def test_an_older_client_is_refused(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = database.client
    monkeypatch.setattr(database, "client", lambda name, _: plain(name, 99))
    with pytest.raises(ConfigError, match="backup.client_missing"):
        copied.copy(now=NIGHT)


def test_no_password_stands_in_the_arguments_of_a_program(copied: Copied) -> None:
    url = copied.services.engine.url
    for place in (
        url._replace(password="very secret"),
        url._replace(password=None).update_query_dict({"password": "very secret"}),
    ):
        named = create_engine(place)
        assert "secret" not in libpq_address(named)
        assert database._with_password(named)["PGPASSWORD"] == "very secret"


def test_a_site_that_is_connected_is_not_replaced(copied: Copied) -> None:
    """PostgreSQL tells who is connected; a worker without a heartbeat and a site have no other mark there."""
    data, folder = copied.installation.settings.data_dir, copied.installation.env_file.parent

    def nobody(*_: object) -> Any:
        raise Forbidden("machine.one_person", "asked")

    with copied.services.reading() as session:
        session.execute(select(func.count(Mail.id)))  # an idle connection of its pool
        with pytest.raises(InvalidTransition, match=r"backup\.still_running"):
            replacing.consent(data, folder, "", without_accounts=False, ask=nobody)
    copied.services.engine.dispose()
    with pytest.raises(Forbidden, match=r"machine\.one_person"):
        replacing.consent(data, folder, "", without_accounts=False, ask=nobody)


@pytest.mark.long("a restore more; tests/integration/test_restore_over.py plays it")
def test_a_copy_takes_the_place_of_a_live_installation_on_a_server(
    copied: Copied, make_database: Callable[[], str]
) -> None:
    """The live database stays as it is, under its own name: the settings that are set aside still name it."""
    copied.second_administrator()
    with copied.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Person).values(password_hash=hash_password(PASSWORD)))
    copied.copy()
    copied.letter("Après la copie")
    copied.services.engine.dispose()  # the site is stopped
    typed = ["admin", PASSWORD, "admin2", PASSWORD]
    before = folders_of(copied)
    ended, said = copied.restore_here(typed, "--over")
    assert ended == 1, "its own database has rows"
    assert "backup.database_not_empty" in said
    assert folders_of(copied) == before, "everything is in its place"
    ended, said = copied.restore_here(typed, "--over", "--database-url", make_database())
    assert ended == 0, said
    assert letters_of(copied.installation.env_file) == ["Construction d'un forage à Tsévié"]
    settings = copied.installation.env_file.parent
    (aside,) = settings.parent.glob(f"{settings.name}.before-restore-*/{copied.installation.env_file.name}")
    assert letters_of(aside) == ["Construction d'un forage à Tsévié", "Après la copie"]


def folders_of(copied: Copied) -> list[str]:
    """Without what an unfinished restore has brought, which stays for the next one."""
    return sorted(one.name for one in copied.installation.folder.iterdir() if not one.name.endswith(process.HALF))


def letters_of(env_file: Path) -> list[str]:
    services = build_services(load_settings(env_file, alone=True))
    with services.reading() as session:
        found = list(session.scalars(select(Mail.subject).order_by(Mail.id)))
    services.engine.dispose()
    return found
