"""A real worker is killed (``kill -9``) in the middle of the destruction of a letter, at each of its steps. The next worker ends it: once,
keyring and rows say one thing, and ``ged verify`` finds nothing.

The usual run kills at some of the moments, the long run at all.
"""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from ged import destroyed
from ged.audit import AuditEntry
from ged.jobs import UNSETTLED_STATES, Job, JobKind, JobState
from ged.ports import Digest
from ged.register.models import Attachment, PageText
from ged.verify import verify
from tests import s3_kit
from tests.destroyed_kit import decided, digests, left_over, letter, opens
from tests.dying import WRITE
from tests.sample_kit import LONG_RUN
from tests.started import GED, Started
from tests.worker_kit import Installation, eventually, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
MOST = {"sqlite": 2, "postgresql": 1, "s3": 1}
"""At how many moments the usual run kills, where the files and rows are kept there; the long run kills at all."""
NEVER = "-1"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.servers),
        pytest.param("s3", marks=pytest.mark.servers),
    ]
)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    extra, place = {}, None
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("make_database")
        extra = {
            "GED_DATABASE_URL": make(), "GED_UNSAFE_DATABASE": "for-tests",
            "GED_REDIS_URL": request.getfixturevalue("empty_redis_url"), "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1",
        }  # fmt: skip
    elif request.param == "s3":
        place = s3_kit.new_place(s3_kit.store_url())
        extra = {"GED_BLOBS": place.address, **s3_kit.access_of(place)}
    made = Installation.make(tmp_path, extra)
    made.most = 1000 if LONG_RUN else MOST[request.param]  # type: ignore[attr-defined]
    made.stored = s3_kit.files_of(place) if place is not None else made.settings.data_dir / "blobs"  # type: ignore[attr-defined]
    yield made
    made.close()


def dying_worker(here: Installation, at: str, count: Path | None = None) -> subprocess.Popen[bytes]:
    """A worker that is killed at a moment of a destruction."""
    env = {**here.environment(), "GED_TEST_ARMED_BY": "tests.dying", "DYING_AT": at}
    if count is not None:
        env["DYING_COUNT"] = str(count)
    with here.log.open("ab") as log:
        process = Started([str(GED), "worker"], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    here.processes.append(process)
    return process


def two_days_later(here: Installation) -> None:
    """Let everything be stored two days ago: what was stored within the day waits, and so does what a killed worker marked a moment
    ago in an S3 store."""
    ago = datetime.now(UTC) - timedelta(days=2)
    for one in [path for path in here.stored.rglob("*") if path.is_file()]:  # type: ignore[attr-defined]
        os.utime(one, (ago.timestamp(), ago.timestamp()))
    with here.services.engine.begin() as connection:
        connection.execute(update(Job).where(Job.state == JobState.RUNNING).values(lease_until=ago))  # nobody renews it
        if connection.dialect.name == "postgresql":
            connection.execute(text("UPDATE ged_keys.document_keys SET made_at = :ago"), {"ago": ago})
            return
    assert here.settings.keyring is not None
    with closing(sqlite3.connect(here.settings.keyring / "documents.sqlite3")) as book, book:
        book.execute("UPDATE document_keys SET made_at = ?", (ago.strftime("%Y-%m-%d %H:%M:%S.%f"),))


def is_done(here: Installation, mail: int) -> bool:
    with here.services.reading() as session:
        found = destroyed.of_letter(session, mail)
        left = session.scalar(select(func.count()).where(Job.kind == JobKind.SWEEP, Job.state.in_(UNSETTLED_STATES)))
    return found is not None and found.done_at is not None and not left


def worked(here: Installation, process: subprocess.Popen[bytes], mail: int) -> None:
    """Wait until a worker has ended the destruction and its job, then stop it."""
    eventually(lambda: is_done(here, mail), within_s=60, what="the destruction is done", log=here.log)
    kill(process)


def decided_letter(here: Installation, n: int) -> tuple[int, list[Digest]]:
    """A letter with two files of its own and one that a living letter has too; its destruction is decided, and a job asked for."""
    mail = letter(here.services, f"Périmée {n}", f"one {n}".encode(), f"two {n}".encode(), b"of both")
    files = digests(here.services, mail)
    two_days_later(here)
    decided(here.services, [mail], now=datetime.now(UTC))
    return mail, files


def proven(here: Installation, mail: int, files: list[Digest], stays: int) -> None:
    """Everything says one thing."""
    services = here.services
    *own, shared = files
    with services.reading() as session:
        about = select(AuditEntry.action).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == mail)
        assert list(session.scalars(about)).count("mail.destroyed") == 1
        found = destroyed.of_letter(session, mail)
        documents = select(Attachment.id).where(Attachment.mail_id == mail)
        assert session.scalar(select(func.count()).where(PageText.attachment_id.in_(documents))) == 0
        assert (
            session.scalars(select(Job.error_code).where(Job.kind == JobKind.SWEEP, Job.error_code != "")).all() == []
        )
    assert found is not None
    assert found.done_at is not None
    assert [services.blobs.exists(one) for one in files] == [False, False, True]
    tombstones = [one for one in services.blobs.tombstones() if one.because.mail_id == mail]
    assert {one.because.slip_no for one in tombstones} == {found.slip_no}
    assert {one.digest for one in tombstones if one.is_key} == set(own), "of each file its key, and no other"
    assert {one.digest for one in tombstones} > {*own, shared}
    assert len([one for one in tombstones if one.is_key]) == 2, "each key once"
    assert services.blobs.in_clear(set(files)) == set()
    assert opens(services, stays)
    assert left_over(services) == []
    assert verify(services, now=datetime.now(UTC)).problems == ()


def test_a_worker_that_is_killed_at_any_step_leaves_nothing_half_done(here: Installation, tmp_path: Path) -> None:
    stays = int(letter(here.services, "Gardée", b"of both"))
    mail, files = decided_letter(here, 0)
    count = tmp_path / "moments"
    worked(here, dying_worker(here, NEVER, count), mail)
    proven(here, mail, files, stays)
    moments: list[str] = json.loads(count.read_text())
    # Of the statements of one transaction none is there without the others: the first one stands for them.
    meant = [n for n, name in enumerate(moments) if name != WRITE or n == 0 or moments[n - 1] != WRITE]
    assert len(meant) > 8, "texts, tombstones, two files with their keys, the row, the journal, the job"
    some = min(len(meant), here.most)  # type: ignore[attr-defined]
    killed_at = sorted({meant[n * len(meant) // some + len(meant) // (2 * some)] for n in range(some)})
    for at in killed_at:
        mail, files = decided_letter(here, at + 1)
        process = dying_worker(here, str(at))
        eventually(
            lambda process=process: process.poll() is not None, within_s=60, what=f"killed at {at}", log=here.log
        )  # type: ignore[misc]
        assert process.returncode == -9, (at, here.log.read_text()[-3000:])
        two_days_later(here)
        worked(here, here.start_worker(), mail)
        proven(here, mail, files, stays)
    print(f"killed at {len(killed_at)} of {len(meant)} moments: {[moments[n] for n in killed_at]}")
    done = here.command("verify")
    assert done.returncode == 0, done.stdout + done.stderr
