"""A letter that the site confirmed as registered is on disk. The database is killed while clerks register.

``GED_TEST_KILLS=20`` kills it twenty times (``make bench-kills``).
"""

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from demo.processes import Processes
from demo.stage import free_port
from ged import audit
from ged.archive.keeping import seal_head
from ged.closing import operations as closing
from ged.db import make_engine, write_session
from ged.errors import ConfigError
from ged.register.models import Mail, MailNumber
from ged.unit import Services
from ged.verify import verify
from tests.clerk_kit import Clerk, wait_for
from tests.factories import SECRET, make_organisation, make_services
from tests.servers import Unavailable, postgres
from tests.servers.postgres import DurableCluster
from tests.site import give_passwords, make_settings
from web.processes.migrate import migrate_database
from web.processes.schema_check import require_migrated

KILLS = int(os.environ.get("GED_TEST_KILLS", "1"))
CLIENTS = 6
BACK_WITHIN_S = 5.0


@pytest.fixture
def cluster() -> Iterator[DurableCluster]:
    """A PostgreSQL with the settings of production."""
    try:
        with postgres.durable() as made:
            yield made
    except Unavailable as refusal:
        pytest.skip(str(refusal))


def value_of(engine_url: str, setting: str) -> str:
    engine = make_engine(engine_url)
    try:
        with write_session(engine) as session:
            return str(session.scalar(text(f"SHOW {setting}" if "postgresql" in engine_url else f"PRAGMA {setting}")))
    finally:
        engine.dispose()


def lowered(make_database: Callable[[], str], value: str) -> str:
    """A database whose administrator lowered ``synchronous_commit``."""
    url = make_database()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = {value}")
    return url


@pytest.mark.servers
@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_a_writing_transaction_waits_for_the_disk_whatever_the_database_says(
    make_database: Callable[[], str], value: str
) -> None:
    url = lowered(make_database, value)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == (value,), "the setting of the database"
    assert value_of(url, "synchronous_commit") == "on"


@pytest.mark.servers
def test_no_later_change_of_the_settings_lowers_the_promise_of_a_connection(make_database: Callable[[], str]) -> None:
    """Neither a setting that the server reads again nor the end of a transaction: it is the session's own value."""
    engine = make_engine(make_database())
    source = text("SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'")
    try:
        for _ in range(2):
            with write_session(engine) as session:
                assert session.execute(source).one() == ("on", "session")
                session.commit()
        with write_session(engine) as session:
            session.execute(text("SELECT 1"))
            session.rollback()
            assert session.execute(source).one() == ("on", "session")
    finally:
        engine.dispose()


@pytest.mark.servers
def test_a_connection_that_replaces_a_lost_one_promises_the_same(make_database: Callable[[], str]) -> None:
    """Where the role and the address lower it too."""
    url = make_database()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        name = url.rpartition("/")[2]
        connection.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {name} SET synchronous_commit = off")
    engine = make_engine(f"{url}?options=-csynchronous_commit%3Dlocal")
    setting, lost = text("SHOW synchronous_commit"), text("SELECT pg_terminate_backend(pg_backend_pid())")
    try:
        with pytest.raises(OperationalError), write_session(engine) as session:
            assert session.scalar(setting) == "on"
            session.execute(lost)
        with write_session(engine) as session:
            assert session.scalar(setting) == "on"
    finally:
        engine.dispose()


@pytest.mark.servers
def test_a_stronger_promise_of_the_database_is_kept(make_database: Callable[[], str]) -> None:
    url = lowered(make_database, "remote_apply")
    assert value_of(url, "synchronous_commit") == "remote_apply"


def test_sqlite_writes_every_commit_to_disk(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ged.sqlite3'}"
    assert value_of(url, "synchronous") == "2", "FULL"
    assert value_of(url, "journal_mode") == "wal"


@pytest.mark.servers
def test_a_database_that_does_not_write_to_disk_is_refused(
    make_database: Callable[[], str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = make_database()  # from the tests' fast server, which is not durable
    migrate_database(make_settings(tmp_path, database_url=url))
    with pytest.raises(ConfigError) as refused:
        require_migrated(make_settings(tmp_path, database_url=url))
    assert refused.value.code == "database.unsafe"
    assert refused.value.params["off"] == "fsync, full_page_writes"
    require_migrated(make_settings(tmp_path, database_url=url, unsafe_database="for-tests"))
    assert "database.unsafe" in caplog.text, "not told"


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(600 + 60 * KILLS)
def test_no_answered_letter_is_lost_when_the_database_is_killed(
    cluster: DurableCluster, empty_redis_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(cluster.url.replace("+psycopg", ""), autocommit=True) as connection:
        # As an administrator may do for speed.
        connection.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    services = prepared(cluster.url, tmp_path)
    port = free_port()
    site, place = Processes(tmp_path / "logs"), f"http://127.0.0.1:{port}"
    settings = {
        "GED_DATA_DIR": str(tmp_path), "GED_SECRET": SECRET, "GED_DATABASE_URL": cluster.url,
        "GED_REDIS_URL": empty_redis_url, "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1",  # nobody searches
    }  # fmt: skip
    site.start("site", "ged", "serve", "--bind", f"127.0.0.1:{port}", env={**os.environ, **settings})
    stop = threading.Event()
    clerks = [Clerk(place, f"{n}", stop) for n in range(CLIENTS)]
    try:
        site.wait_for_site(place)
        threads = [threading.Thread(target=clerk.work, daemon=True) for clerk in clerks]
        for thread in threads:
            thread.start()
        back = [kill_once(cluster, services, clerks) for _ in range(KILLS)]
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a clerk still waits for an answer"
    finally:
        stop.set()
        site.stop()
    assert any(clerk.failures for clerk in clerks), "nobody noticed that the database was killed"
    told = look_again(services, clerks)
    services.engine.dispose()
    print(json.dumps({"kills": KILLS, "answered": told, "back_s": [round(one, 2) for one in back]}))


def prepared(url: str, folder: Path) -> Services:
    migrate_database(make_settings(folder, database_url=url))
    services = make_services(folder, url=url, create=False)
    make_organisation(services)
    give_passwords(services)
    return services


def kill_once(cluster: DurableCluster, services: Services, clerks: list[Clerk]) -> float:
    """While clerks work: seal the head, kill at a random moment, start again. Returns the seconds until the site
    registers."""
    begun = sum(len(clerk.answered) for clerk in clerks)
    wait_for(lambda: sum(len(clerk.answered) for clerk in clerks) > begun + 2 * CLIENTS)
    seal_head(services, now=datetime.now(UTC))
    time.sleep(random.uniform(0, 0.5))
    cluster.kill()
    services.engine.dispose()
    cluster.start()
    began = time.monotonic()
    told = sum(len(clerk.answered) for clerk in clerks)
    wait_for(lambda: sum(len(clerk.answered) for clerk in clerks) > told)
    took = time.monotonic() - began
    assert took < BACK_WITHIN_S, f"the site registers again only after {took:.1f} s"
    return took


def look_again(services: Services, clerks: list[Clerk]) -> int:
    """Check that each confirmed letter is stored once with its number, and that numbers, journal, heads and closings
    are sound."""
    told = {subject: number for clerk in clerks for subject, number in clerk.answered.items()}
    with services.reading() as session:
        rows = session.execute(
            select(Mail.subject, MailNumber.id, MailNumber.text).join(MailNumber, MailNumber.mail_id == Mail.id)
        ).all()
        assert session.scalar(select(func.count(Mail.id))) == len(rows)
        assert audit.head(session).count > len(rows)
    there = {subject: (number_id, number) for subject, number_id, number in rows}
    assert len(there) == len(rows), "a form sent twice became two letters"
    assert {subject: there.get(subject) for subject in told} == told, "answered, and not there"
    assert len({number for _, number in told.values()}) == len(told), "a number was told twice"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert closing.close_what_is_over(services, now=tomorrow) == []
    seal_head(services, now=tomorrow)
    assert verify(services, now=tomorrow).problems == ()
    return len(told)
