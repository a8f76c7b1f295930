"""Real installations, in both shapes: site, worker, and a bridge over SANE's ``pnm`` device, on free ports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.journey import Journey
from demo.stage import Stage, free_port, start, start_bridge
from signing import keys
from tests.factories import FAST
from tests.servers import elastic, postgres, redis


@contextmanager
def _running(folder: Path, extra: dict[str, str], *, workers: int = 1) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        # A key keeps the cost of its passphrase: to make and open these costs a hundredth.
        patch.setattr(keys, "Argon2Cost", lambda: FAST)
        stage = start(folder / "data", bind=f"127.0.0.1:{free_port()}", say=print, extra=extra, workers=workers)
    try:
        yield stage
    finally:
        stage.processes.stop()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An installation for one test module: SQLite, files, tantivy, one worker."""
    with _running(tmp_path_factory.mktemp("embedded"), {}) as stage:
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
    extra = {
        "GED_DATABASE_URL": postgres.create_database(postgres_url, name),
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
        with _running(tmp_path_factory.mktemp("servers"), extra, workers=2) as stage:
            yield stage
    finally:
        elastic.forget(node, name)
        redis.empty(redis_url)
        postgres.drop_database(postgres_url, name)


@contextmanager
def journey_on(stage: Stage, *, letters: int = 1) -> Iterator[Journey]:
    """The people of the demonstration, signed in to an installation."""
    journey = Journey(stage, say=print, start_bridge=lambda: start_bridge(stage), letters=letters)
    try:
        yield journey
    finally:
        journey.leave()


@pytest.fixture(scope="module")
def office(embedded: Stage) -> Iterator[Journey]:
    """The people of the demonstration, signed in to the embedded installation, in which nothing has happened yet."""
    with journey_on(embedded) as journey:
        yield journey
