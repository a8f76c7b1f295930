"""While one release replaces another, both work side by side on PostgreSQL. No letter and no number is lost."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import inspect, select, text

from ged.db import PROGRAM
from ged.register.models import MailNumber
from ged.unit import Services
from tests.clerk_kit import Clerk, wait_for
from tests.factories import SECRET, make_organisation, make_services
from tests.release_kit import CONTRACTION, EXPANSION, THIS, Release, make_next_release
from tests.servers import free_port
from tests.site import give_passwords

EACH = 8
"""Letters registered at each site in each stage of the upgrade."""


@contextmanager
def running(release: Release, *words: str, settings: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of a release until the end of the block."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            release.command(*words), env=release.environment(settings), cwd=release.sources, stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()


@contextmanager
def served(release: Release, *, settings: dict[str, str], log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a site of a release. Yields its address, once it answers, and its process."""
    place = f"http://127.0.0.1:{(port := free_port())}"
    words = ("serve", "--bind", f"127.0.0.1:{port}", "--processes", "1", "--threads", "4")
    with running(release, *words, settings=settings, log=log) as process, httpx.Client(timeout=5) as client:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()[-3000:]
            try:
                return client.get(f"{place}/connexion").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(answers, within_s=120)
        yield place, process


def register_at(*places: str, told: dict[str, tuple[int, str]], stage: str) -> None:
    """Let a clerk at each site register letters, at the same time."""
    stop_all = threading.Event()
    clerks = [Clerk(place, f"{stage}-{n}", stop_all) for n, place in enumerate(places)]
    threads = [threading.Thread(target=clerk.work, daemon=True) for clerk in clerks]
    for thread in threads:
        thread.start()
    wait_for(lambda: all(len(clerk.answered) >= EACH for clerk in clerks), within_s=120)
    stop_all.set()
    for thread in threads:
        thread.join(60)
    for clerk in clerks:
        assert clerk.failures == [], f"{stage}: {clerk.failures}"
        told.update(clerk.answered)


def columns(services: Services) -> set[str]:
    return {one["name"] for one in inspect(services.engine).get_columns("mails")}


def told_numbers(services: Services) -> dict[int, str]:
    with services.reading() as session:
        return {row.id: row.text for row in session.execute(select(MailNumber.id, MailNumber.text))}


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(600)
@pytest.mark.long("sites and workers of two releases in seven stages")
def test_a_release_replaces_another_while_people_register(
    make_database: Callable[[], str], empty_redis_url: str, tmp_path: Path
) -> None:
    url, told = make_database(), dict[str, tuple[int, str]]()
    settings = {
        "GED_DATA_DIR": str(tmp_path / "data"), "GED_SECRET": SECRET, "GED_DATABASE_URL": url,
        "GED_REDIS_URL": empty_redis_url, "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1",  # nobody searches
        "GED_UNSAFE_DATABASE": "for-tests",
    }  # fmt: skip
    later = make_next_release(tmp_path / "next")
    assert THIS.run("migrate", "--finish", settings=settings).returncode == 0
    services = make_services(tmp_path / "data", url=url, create=False)
    make_organisation(services)
    give_passwords(services)
    services.engine.dispose()  # otherwise it would count as a connected program
    with ExitStack() as stack:
        log = tmp_path / "log"
        old, old_process = stack.enter_context(served(THIS, settings=settings, log=log))
        old_worker = stack.enter_context(running(THIS, "worker", settings=settings, log=log))
        register_at(old, told=told, stage="before")

        refused = later.run("serve", settings=settings)
        assert refused.returncode != 0
        assert "ged migrate" in refused.stderr, "the new program needs the expansion"
        expanded = later.run("migrate", settings=settings)
        assert expanded.returncode == 0, expanded.stderr
        assert f"ged migrate --finish` ({CONTRACTION})" in expanded.stdout
        assert {"enclosure_note", "enclosures_told"} <= columns(services), "the contraction must wait"
        services.engine.dispose()
        register_at(old, told=told, stage="the old program on the next schema")

        new, _ = stack.enter_context(served(later, settings=settings, log=log))
        stack.enter_context(running(later, "worker", settings=settings, log=log))
        register_at(old, new, told=told, stage="both")
        early = later.run("migrate", "--finish", settings=settings)
        assert early.returncode != 0
        assert f"ged {PROGRAM}" in early.stderr + early.stdout, "it must name the program that is still there"
        assert "enclosure_note" in columns(services)
        services.engine.dispose()
        register_at(old, new, told=told, stage="both, after a refused end")

        stop(old_process)
        stop(old_worker)
        register_at(new, told=told, stage="the new program on the previous schema")
        ended = later.run("migrate", "--finish", settings=settings)
        assert ended.returncode == 0, ended.stderr
        assert "enclosure_note" not in columns(services)
        register_at(new, told=told, stage="after the contraction, without a new start")
        gone = THIS.run("serve", settings=settings)
        assert gone.returncode != 0, "it would read a column that is gone"
        assert "plus récente" in gone.stderr
    numbers = told_numbers(services)
    with services.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == CONTRACTION > EXPANSION > PROGRAM
    services.engine.dispose()
    assert len(told) >= 8 * EACH
    assert {subject: numbers.get(number_id) for subject, (number_id, _) in told.items()} == {
        subject: number for subject, (_, number) in told.items()
    }
    assert sorted(int(one[:5]) for one in numbers.values()) == [*range(1, len(numbers) + 1)], "none missing, none twice"
    assert "Traceback" not in log.read_text(), log.read_text()[-3000:]
