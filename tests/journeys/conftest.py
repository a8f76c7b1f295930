"""Real installations, in both shapes: site, worker, and a bridge over SANE's ``pnm`` device, on free ports."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.installation import add_settings
from demo.journey import DPI, Journey
from demo.stage import STAMP, Stage, free_port, prepare_once, start, start_bridge
from tests.hosts_kit import ministry_on_two_hosts
from tests.migration_kit import make_at_head
from tests.power_kit import Disk
from tests.servers import _locked, elastic, postgres, redis, run_dir
from web.wiring import settings_file


@contextmanager
def running(folder: Path, extra: dict[str, str], *, workers: int = 1) -> Iterator[Stage]:
    """An installation in a folder, embedded or with ``extra`` settings, and its processes."""
    bind = f"127.0.0.1:{free_port()}"
    if not extra:
        _copy_prepared(folder / "data", f"http://{bind}")
    stage = start(folder / "data", bind=bind, say=print, extra=extra, workers=workers)
    try:
        yield stage
    finally:
        stage.processes.stop()


def _copy_prepared(data: Path, url: str) -> None:
    """Copy an embedded installation that the first module of the run prepared, and give it its own address.

    To prepare one takes five seconds of processor time; the installation on the servers is always prepared anew.
    """
    made = run_dir() / "prepared" / "data"
    with _locked(run_dir() / "prepared.lock"):
        if not (made / STAMP).exists():
            prepare_once(made, {"GED_PUBLIC_URL": "http://127.0.0.1:1"}, say=print)
    shutil.copytree(made, data)
    shutil.copytree(settings_file.beside(made), settings_file.beside(data))
    add_settings(settings_file.file_of(data), {"GED_PUBLIC_URL": url, "GED_DATA_DIR": str(data)})
    stamp = json.loads((made / STAMP).read_text())
    (data / STAMP).write_text(json.dumps(stamp | {"settings": {"GED_PUBLIC_URL": url}}))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An installation for one test module: SQLite, files, tantivy, one worker."""
    with running(tmp_path_factory.mktemp("embedded"), {}) as stage:
        yield stage


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, redis_url: str, elasticsearch_url: str
) -> Iterator[Stage]:
    """An installation on the run's PostgreSQL, Redis and Elasticsearch, with two workers. Its data are removed
    afterwards."""
    name = f"ged_{uuid.uuid4().hex[:12]}"
    node = elastic.connection(elasticsearch_url)
    redis.empty(redis_url)
    database_url = postgres.create_database(postgres_url, name)
    make_at_head(
        database_url, tmp_path_factory.mktemp("head")
    )  # tests/faults/test_two_hosts.py prepares one from nothing
    extra = {
        "GED_DATABASE_URL": database_url,
        "GED_UNSAFE_DATABASE": "for-tests",
        "GED_REDIS_URL": redis_url,
        "GED_ELASTICSEARCH_URL": node.url,
        "GED_ELASTICSEARCH_INDEX": name,
    }
    if node.api_key:
        extra["GED_ELASTICSEARCH_API_KEY"] = node.api_key
    if node.ca_path:
        extra["GED_ELASTICSEARCH_CA"] = str(node.ca_path)
    try:
        with running(tmp_path_factory.mktemp("servers"), extra, workers=2) as stage:
            yield stage
    finally:
        elastic.forget(node, name)
        redis.empty(redis_url)
        postgres.drop_database(postgres_url, name)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, elasticsearch_url: str) -> Iterator[Stage]:
    """An installation on two hosts behind a front with TLS. Each request may come to either."""
    with ministry_on_two_hosts(tmp_path_factory.mktemp("hosts"), elasticsearch_url) as made:
        yield made.stage
        assert min(made.asked().values()) > 0, made.asked()


@pytest.fixture
def office_on_a_disk(tmp_path: Path) -> Iterator[tuple[Journey, Disk]]:
    """As ``office``, for one test, on a disk that forgets at a power cut what was not synced."""
    aside, folder = tmp_path / "kept", tmp_path / "installation"
    aside.mkdir()
    folder.mkdir()
    disk = Disk(folder, aside)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in disk.environment().items():
            patch.setenv(name, value)
        with running(folder, {}) as stage, journey_on(stage) as journey:
            disk.keep_all()  # this process made settings, scanner and people, and syncs nothing
            yield journey, disk


@contextmanager
def journey_on(stage: Stage, *, letters: int = 1, first: int = 0, dpi: int = DPI) -> Iterator[Journey]:
    """The people of the demonstration, signed in to an installation."""
    journey = Journey(stage, say=print, start_bridge=lambda: start_bridge(stage), letters=letters, first=first, dpi=dpi)
    try:
        yield journey
    finally:
        journey.leave()


@pytest.fixture(scope="module")
def office(embedded: Stage) -> Iterator[Journey]:
    """The people of the demonstration, signed in to the embedded installation, in which nothing has happened yet."""
    with journey_on(embedded) as journey:
        yield journey
