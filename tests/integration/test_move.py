"""``ged move``: an embedded installation to PostgreSQL and Elasticsearch, every row and file compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, func, select, text

from ged.audit import AuditEntry
from ged.config import load_settings
from ged.db import make_engine
from ged.errors import ConfigError, GedError, InvalidTransition
from ged.moving import comparing, mark, state
from ged.register.models import Mail
from tests.backup_kit import Copied
from tests.commands import ged
from tests.factories import make_tables
from tests.furnished_kit import furnished
from tests.move_kit import Embedded, killed
from tests.routing_kit import register
from tests.sample_kit import LONG_RUN
from web.processes import move as process
from web.processes.migrate import alembic_config
from web.processes.site_lock import serving
from web.processes.worker import only_worker
from web.wiring import moved
from web.wiring.services import build_services

pytestmark = pytest.mark.servers
NOBODY = {"GED_REDIS_URL": "redis://127.0.0.1:1/0", "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1"}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Redis and no index: the first test moves with both."""
    for name in ("require_servers", "require_own_index"):
        monkeypatch.setattr(moved, name, lambda _settings: None)
    monkeypatch.setattr(process, "_index", lambda *_: None)


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    """An installation with letters, files and a keyring."""
    made = Copied.make(tmp_path)
    for n in range(5):
        made.letter(f"Construction d'un forage {n}")
    made.services.engine.dispose()
    yield made
    made.installation.close()


@pytest.fixture
def ready(make_database: Callable[[], str]) -> Callable[[], str]:
    """Makes a database as the migrations leave it, faster than they do."""

    def make() -> str:
        url = make_database()
        with opened(url) as there:
            make_tables(there)
            with there.begin() as connection:
                command.stamp(alembic_config(connection), "head")
        return url

    return make


def embedded(made: Copied, **more: str) -> Embedded:
    return Embedded(made.installation.settings, made.installation.env_file, {**NOBODY, **more})


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


def compared(here: Embedded, url: str) -> comparing.Comparison:
    def ask(source: Connection, target: Connection) -> comparing.Comparison:
        return comparing.compare(source, target, progress=lambda _what, _count: None)

    with opened(here.settings.url) as own, opened(url) as there, own.connect() as source, there.connect() as target:
        return ask(source, target)


@pytest.mark.in_turns(3)  # a smaller one moves below, killed anywhere
def test_a_furnished_installation_moves_whole(
    make_database: Callable[[], str], empty_redis_url: str, elasticsearch_url: str, tmp_path: Path
) -> None:
    (tmp_path / "place").mkdir()
    made = furnished(tmp_path / "place")
    with made.services.reading() as session:
        last = session.scalars(select(func.max(Mail.id))).one()
    servers = {
        "GED_REDIS_URL": empty_redis_url, "GED_ELASTICSEARCH_URL": elasticsearch_url,
        "GED_ELASTICSEARCH_INDEX": tmp_path.name.replace("_", "-"),
    }  # fmt: skip
    here, url = Embedded.of(made.services, servers), make_database()
    outcome = here.move(here.wanted(url, letters=2))
    assert (outcome.copied, outcome.letters, outcome.opened) == (outcome.rows, 22, 2)
    assert outcome.rows > 700
    assert outcome.report is not None
    assert outcome.report.problems == ()
    assert outcome.report.signatures > 10
    found = compared(here, url)
    assert {one.table for one in found.named} <= {"audit_entries", "audit_payloads", "audit_head", "jobs"}
    assert found.rows == outcome.rows
    new = build_services(load_settings(outcome.settings))
    try:
        assert register(new, "Après le déménagement").mail_id == last + 1
        with new.reading() as session:
            assert session.scalars(select(AuditEntry.action).where(AuditEntry.action == process.MOVED)).one()
    finally:
        new.engine.dispose()
    left = ged("verify", GED_ENV_FILE=str(here.env_file))
    assert (left.returncode, left.stderr[:11]) == (1, "move.moved "), "nobody works in the old one"
    assert ged("move", "--to", url, GED_ENV_FILE=str(here.env_file)).stderr.startswith("move.done")
    assert ged("move", "--back", GED_ENV_FILE=str(here.env_file)).stderr.startswith("move.worked_on (entries:")
    assert ged("move", "--back", "--lose", GED_ENV_FILE=str(here.env_file)).returncode == 0
    assert ged("verify", GED_ENV_FILE=str(here.env_file)).returncode == 0, "it stayed as it was"


@pytest.mark.usefixtures("alone")
def test_killed_anywhere_it_goes_on_and_nothing_is_twice(copied: Copied, ready: Callable[[], str]) -> None:
    here, url, chance = embedded(copied), ready(), random.Random(7)
    wanted = here.wanted(url, batch=3)
    for at in (1, 2, *sorted(chance.sample(range(3, 160), 6 if LONG_RUN else 3))):
        assert killed(lambda progress: here.move(wanted, progress=progress), at)
        assert not wanted.place.exists()
    assert mark.read_mark(here.settings.data_dir) is not None
    outcome = here.move(wanted)
    assert (outcome.keys, outcome.copied < outcome.rows) == (5, True)
    with opened(url) as there, there.connect() as target:
        assert state.begun(target) is None
        assert target.scalar(select(func.count(Mail.id))) == 5
        assert target.scalar(text("SELECT count(*) FROM ged_keys.document_keys")) == 5
    found = compared(here, url)
    assert {one.table for one in found.named} <= {"audit_entries", "audit_payloads", "audit_head"}
    assert "GED_DATABASE_URL=postgresql" in wanted.place.read_text()
    assert wanted.place.stat().st_mode & 0o777 == 0o600
    assert "postgresql" not in here.env_file.read_text()


@pytest.mark.long("a furnished installation is moved again; it moves whole in the test beside it")
@pytest.mark.usefixtures("alone")
def test_what_differs_in_the_target_is_named(
    copied: Copied, ready: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, url = embedded(copied), ready()
    plain = process._compare

    def alters(source: Connection, there: Engine, *rest: object) -> None:
        with there.begin() as connection:
            connection.execute(text("UPDATE mails SET subject = subject || '.' WHERE id = 2"))
            connection.execute(text("DELETE FROM mail_access WHERE mail_id = 3"))
            connection.execute(text("INSERT INTO working_days (weekday) VALUES (6)"))
        plain(source, there, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "_compare", alters)
    with pytest.raises(process.Differs) as caught:
        here.move(here.wanted(url))
    named = caught.value.named
    assert "mails 2: differs (subject)" in named
    assert any(one.startswith("mail_access 3/") and one.endswith("missing") for one in named)
    assert "working_days 6: more" in named
    assert not here.wanted(url).place.exists(), "nothing changes over"
    monkeypatch.setattr(process, "_compare", plain)
    with pytest.raises(process.Differs):
        here.move(here.wanted(url))
    assert here.move(here.wanted(url, anew=True)).rows > 100, "begun again"


@pytest.mark.usefixtures("alone")
def test_what_is_not_ready_is_refused_and_named(
    copied: Copied, make_database: Callable[[], str], ready: Callable[[], str]
) -> None:
    here, url = embedded(copied), ready()
    for full, statement in (
        (url, "INSERT INTO working_days VALUES (1)"),
        (make_database(), "CREATE TABLE theirs (a int)"),
    ):
        with opened(full) as there, there.begin() as connection:
            connection.execute(text(statement))
        with pytest.raises(InvalidTransition, match="move.not_empty"):
            here.move(here.wanted(full))
    with opened(url) as there, there.connect(), pytest.raises(InvalidTransition, match="move.target_in_use"):
        here.move(here.wanted(url))
    with serving(here.settings.data_dir), pytest.raises(ConfigError, match="site.serves"):
        here.move(here.wanted(url))
    with only_worker(here.settings.data_dir), pytest.raises(ConfigError, match="worker.second"):
        here.move(here.wanted(url))
    with pytest.raises(ConfigError, match="move.not_servers"):
        here.move(replace(here.wanted(url), lines=here.env_file.read_text()))
    assert mark.read_mark(here.settings.data_dir) is None
    assert copied.letter("Toujours servie") == 6


@pytest.mark.long("a furnished installation is moved again; it moves whole in the test beside it")
@pytest.mark.usefixtures("alone")
def test_what_was_written_between_two_runs_is_not_overlooked(copied: Copied, ready: Callable[[], str]) -> None:
    here, url = embedded(copied), ready()
    assert killed(lambda progress: here.move(here.wanted(url), progress=progress), 60)
    with pytest.raises(ConfigError, match="move.unfinished"):
        mark.require_not_moved(here.settings.data_dir)
    process.go_back(here.settings)
    copied.letter("Entre les deux")
    copied.services.engine.dispose()
    with pytest.raises(InvalidTransition, match="move.source_changed"):
        here.move(here.wanted(url))
    here.move(here.wanted(url, anew=True))
    with opened(url) as there, there.connect() as target:
        assert target.scalar(select(func.count(Mail.id))) == 6


@pytest.mark.usefixtures("alone")
def test_files_go_to_a_new_folder_and_each_is_compared(
    copied: Copied, ready: Callable[[], str], tmp_path: Path
) -> None:
    here, url, data = embedded(copied), ready(), tmp_path / "new"
    outcome = here.move(here.wanted(url, GED_DATA_DIR=str(data)))
    assert outcome.files >= 5
    own = {
        one.relative_to(here.settings.data_dir)
        for one in (here.settings.data_dir / "blobs").rglob("*")
        if one.is_file()
    }
    assert {one.relative_to(data) for one in (data / "blobs").rglob("*") if one.is_file()} == own
    assert not (data / "ged.sqlite3").exists()
    assert (data / "authority").is_dir() == (here.settings.data_dir / "authority").is_dir()


@pytest.mark.long("a furnished installation is moved again; it moves whole in the test beside it")
@pytest.mark.usefixtures("alone")
def test_a_file_that_is_lost_in_both_is_told_and_one_that_is_lost_on_the_way_is_refused(
    copied: Copied, ready: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = sorted(one for one in (copied.installation.settings.data_dir / "blobs").rglob("*") if one.is_file())
    stored[0].unlink()
    here = embedded(copied)
    outcome = here.move(here.wanted(ready()))
    assert [one.code for one in outcome.known] == ["blob.missing"]
    process.go_back(here.settings)
    outcome.settings.unlink()
    plain, data = process._bring_files, tmp_path / "new"

    def loses(*given: object) -> None:
        plain(*given)  # type: ignore[arg-type]
        (data / stored[1].relative_to(here.settings.data_dir)).unlink()

    monkeypatch.setattr(process, "_bring_files", loses)
    with pytest.raises(GedError, match="move.differs"):
        here.move(here.wanted(ready(), GED_DATA_DIR=str(data)))
    assert not outcome.settings.exists()
