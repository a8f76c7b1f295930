"""Snapshots of the index by the commands, on a real Elasticsearch: made, listed, thinned, restored, brought up to
date."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch
from sqlalchemy import update

from ged import index_sync, jobs
from ged.errors import EngineFailed, Invalid
from ged.jobs import JobKind
from ged.ports import SearchQuery
from ged.register.models import Mail
from ged.search.letter_search import search_letters
from ged.unit import Services
from indexer import fields
from indexer.elastic_index import ElasticIndex
from indexer.elastic_snapshots import Snapshots
from tests.elastic_kit import bare, server
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.routing_kit import make_mentions, register, run_jobs
from tests.servers import elastic as servers
from web.commands import main

__all__ = ["bare", "server"]  # fixtures

pytestmark = [pytest.mark.in_turns(3), pytest.mark.servers]


@pytest.fixture
def alias(server: servers.Connection, bare: Elasticsearch) -> Iterator[str]:
    name = f"ged-test-{uuid4().hex}"
    yield name
    servers.forget(server, name)
    bare.options(ignore_status=404).snapshot.delete(repository=f"{name}-snapshots", snapshot="*")
    bare.options(ignore_status=404).snapshot.delete_repository(name=f"{name}-snapshots")


@pytest.fixture
def services(
    server: servers.Connection, alias: str, tmp_path: Path, make_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch, empty_redis_url: str,
) -> Iterator[Services]:  # fmt: skip
    """An installation on the servers, and its settings for the commands."""
    url = make_database()
    index = ElasticIndex(server.url, alias=alias, api_key=server.api_key, ca_path=server.ca_path, shards=2, replicas=0)
    services = replace(make_services(tmp_path, url=url), index=index)
    make_organisation(services)
    make_mentions(services)
    for name, value in {
        "ENV_FILE": str(tmp_path / "none"), "DATA_DIR": str(tmp_path), "SECRET": SECRET, "DATABASE_URL": url,
        "ELASTICSEARCH_URL": server.url, "REDIS_URL": empty_redis_url, "ELASTICSEARCH_INDEX": alias, "ELASTICSEARCH_REPLICAS": "0",
        "ELASTICSEARCH_SNAPSHOTS": f"{servers.snapshot_folder(server)}/{alias}",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GED_{name}", value)
    yield services
    index.close()
    services.engine.dispose()


def ged(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def found(services: Services, text: str) -> list[str]:
    with services.reading() as session:
        page = search_letters(services, session, actor(services, "sg"), SearchQuery(text))
    return sorted(letter.subject for letter in page.letters)


@pytest.mark.long("a snapshot comes back; they are listed and thinned in the test beside it")
def test_a_snapshot_comes_back_beside_the_living_index_and_is_caught_up(
    services: Services, bare: Elasticsearch, alias: str
) -> None:
    first = register(services, subject="Marché de poteaux")
    register(services, subject="Marché de câbles")
    run_jobs(services)
    taken = ged("index", "snapshot")
    assert taken.exit_code == 0, taken.output
    assert "SUCCESS 2 letters" in taken.output
    name = taken.output.strip().splitlines()[-1].split()[0]
    register(services, subject="Marché de fournitures")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == first.mail_id).values(subject="Bail de poteaux"))
        uow.reindex(first.mail_id)
    run_jobs(services)
    (lost,) = bare.indices.get_alias(name=alias).body
    bare.indices.delete(index=lost)  # a cluster that lost its disks
    assert ged("index", "status").output.startswith("elasticsearch schema 0")
    back = ged("index", "restore", name)
    assert back.exit_code == 0, back.output
    assert "2 letters" in back.output
    assert found(services, "marché") == ["Marché de câbles", "Marché de fournitures"]
    assert found(services, "bail") == ["Bail de poteaux"]
    (living,) = bare.indices.get_alias(name=alias).body
    settings = bare.indices.get_settings(index=living).body[living]["settings"]["index"]
    assert (settings["number_of_shards"], settings.get("refresh_interval")) == ("2", None)
    register(services, subject="Marché tardif")
    run_jobs(services)
    assert "Marché tardif" in found(services, "marché")


def test_snapshots_are_listed_and_thinned(services: Services) -> None:
    register(services)
    run_jobs(services)
    begun = ged("index", "snapshot", "--no-wait")
    assert begun.exit_code == 0, begun.output
    lines = _until_whole()
    assert lines[0].startswith(f"{begun.output.strip()} SUCCESS 1 letters, schema {fields.SCHEMA_VERSION}")
    again = ged("index", "snapshot", "--keep", "1")
    assert again.exit_code == 0, again.output
    assert f"removed: {begun.output.strip()}" in again.output
    assert len(ged("index", "snapshots").output.splitlines()) == 1
    assert ged("index", "restore", "nothing").exit_code == 1


def _until_whole() -> list[str]:
    while True:
        lines = ged("index", "snapshots").output.splitlines()
        if "IN_PROGRESS" not in lines[0]:
            return lines


def test_what_cannot_come_back_is_refused_with_its_reason(
    services: Services, server: servers.Connection, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(services)
    run_jobs(services)
    place = f"{servers.snapshot_folder(server)}/{alias}"
    with Snapshots(server.url, alias=alias, location=place) as store:
        name = store.take(NOW, version=index_sync.latest_job(services) + 5, position=1)
        store.wait(name, progress=lambda _done, _all: None)
        with pytest.raises(Invalid, match=r"snapshot\.ahead"):
            store.restore(name, latest=index_sync.latest_job(services), progress=lambda _done, _all: None)
        with monkeypatch.context() as patch, pytest.raises(Invalid, match=r"snapshot\.schema"):
            patch.setattr(fields, "SCHEMA_VERSION", 99)
            store.restore("latest", latest=10**6, progress=lambda _done, _all: None)
    with (
        Snapshots(server.url, alias=f"{alias}-x", location="/somewhere/else") as store,
        pytest.raises(EngineFailed, match=r"index\.snapshot_place"),
    ):
        store.listed()
    monkeypatch.delenv("GED_ELASTICSEARCH_SNAPSHOTS")
    told = ged("index", "snapshots")
    assert told.exit_code == 1
    assert "GED_ELASTICSEARCH_SNAPSHOTS" in told.output


def test_what_waits_is_not_said_to_be_in_the_snapshot(services: Services) -> None:
    register(services)
    run_jobs(services)
    assert index_sync.covered(services) == (index_sync.latest_job(services), 1)
    register(services)
    with services.reading() as session:
        (waiting,) = jobs.due(session, now=NOW, kinds=(JobKind.INDEX,))
    assert index_sync.covered(services)[0] == waiting - 1


def test_generations_come_from_a_template(services: Services, bare: Elasticsearch, alias: str) -> None:
    """Also a generation that a person makes by hand, under a name of this pattern."""
    register(services)
    run_jobs(services)
    name = f"{alias}-v{fields.SCHEMA_VERSION}-000777"
    bare.indices.create(index=name)
    made = [bare.indices.get(index=one).body for one in (name, alias)]
    first, second = (next(iter(one.values())) for one in made)
    assert json.dumps(first["mappings"], sort_keys=True) == json.dumps(second["mappings"], sort_keys=True)
    for key in ("analysis", "number_of_shards", "number_of_replicas"):
        assert first["settings"]["index"][key] == second["settings"]["index"][key]
    assert second["settings"]["index"]["number_of_shards"] == "2"
