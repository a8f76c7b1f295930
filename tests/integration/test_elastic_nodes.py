"""Elasticsearch under faults: one of three nodes is killed under load; a server stops and comes back."""

import dataclasses
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ged import jobs, pipeline
from ged.errors import EngineFailed
from ged.jobs import JobKind, JobState
from ged.ports import MailId, SearchQuery
from ged.unit import Services
from indexer.elastic_index import ElasticIndex
from tests import servers
from tests.contracts.letters import ALL, letter
from tests.factories import actor, make_organisation, make_services
from tests.routing_kit import make_mentions, register
from tests.servers import Running, Unavailable, elastic, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.long("four servers and three minutes"),
]


def node_process(launcher: int) -> int:
    """The server process: the child of its launcher."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == launcher and b"org.elasticsearch.server" in (stat.parent / "cmdline").read_bytes():
                return int(stat.parent.name)
        except OSError:
            continue
    raise AssertionError("no server under this launcher")


@pytest.fixture
def three_nodes() -> Iterator[list[Running]]:
    """A cluster of three nodes."""
    transports = [free_port() for _ in range(3)]
    parent = Path(tempfile.mkdtemp(prefix="ged-nodes-"))  # in a folder that the server's user may enter
    parent.chmod(0o755)
    started: list[Running] = []
    failures: list[BaseException] = []

    def start(number: int) -> None:
        folder = parent / f"n{number}"
        folder.mkdir()
        settings = {
            "cluster.name": f"ged-three-{transports[0]}",
            "node.name": f"n{number}",
            "transport.port": str(transports[number]),
            "discovery.type": "multi-node",
            "discovery.seed_hosts": str([f"127.0.0.1:{port}" for port in transports]).replace("'", '"'),
            "cluster.initial_master_nodes": '["n0", "n1", "n2"]',
        }
        try:
            started.append(elastic.start(folder, settings=settings))
        except BaseException as failure:  # noqa: BLE001  # told below, in the test's own thread
            failures.append(failure)

    try:
        elastic.find_java()
        elastic.fetch()
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    threads = [threading.Thread(target=start, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert failures == []
        yield started
    finally:
        for one in started:
            servers.stop(one)
        shutil.rmtree(parent, ignore_errors=True)


def test_a_node_killed_under_load_loses_nothing(three_nodes: list[Running]) -> None:
    index = ElasticIndex([one.url for one in three_nodes], alias="ged-three", shards=3, replicas=1, timeout_s=5)
    index.put([letter(1, "école")])
    stop = threading.Event()
    answers: list[int] = []
    silences: list[float] = []

    def search() -> None:
        reader = ElasticIndex([one.url for one in three_nodes], alias="ged-three", timeout_s=5)
        last = time.monotonic()
        while not stop.is_set():
            try:
                answers.append(reader.search(SearchQuery("école"), principals=ALL).total)
                silences.append(time.monotonic() - last)
                last = time.monotonic()
            except EngineFailed as failure:
                assert failure.retryable  # noqa: PT017  # a thread has no other way to say so
        reader.close()

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    acknowledged: list[int] = []
    for number in range(2, 152):
        if number == 40:
            os.kill(node_process(three_nodes[2].pid), signal.SIGKILL)
        _put_until_taken(index, number)
        acknowledged.append(number)
    stop.set()
    for thread in threads:
        thread.join()
    held = index.versions([MailId(number) for number in acknowledged])
    assert sorted(held) == acknowledged
    assert index.search(SearchQuery("école", limit=1), principals=ALL).total == len(acknowledged) + 1
    assert len(answers) > 50
    assert max(silences) < 20
    index.close()


def _put_until_taken(index: ElasticIndex, number: int) -> None:
    """Write as a job does: retry while the server recovers from the loss of a node."""
    deadline = time.monotonic() + 30
    while True:
        try:
            index.put([letter(number, "école", version=number)])
        except EngineFailed as failure:
            if not failure.retryable or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def test_registering_goes_on_without_the_server_and_is_caught_up(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ged-outage-"))
    folder.chmod(0o755)
    try:
        node = elastic.start(folder)
    except Unavailable as refusal:
        shutil.rmtree(folder)
        pytest.skip(str(refusal))
    try:
        made = make_services(tmp_path)
        make_organisation(made)
        make_mentions(made)
        plug = ElasticIndex(node.url, alias="ged-outage", timeout_s=2, write_timeout_s=4)
        services = dataclasses.replace(made, index=plug)
        register(services, "Dossier avant")
        _run_index_jobs(services)
        process = node_process(node.pid)
        os.kill(process, signal.SIGSTOP)  # alive and silent: the worst case
        for number in range(5):
            register(services, f"Dossier pendant {number}")
        _run_index_jobs(services)
        with services.reading() as session:
            assert jobs.counts_of(session, JobKind.INDEX) == {JobState.QUEUED: 5}
        os.kill(process, signal.SIGCONT)
        deadline = time.monotonic() + 45
        while time.monotonic() < deadline:
            _run_index_jobs(services)
            with services.reading() as session:
                if not jobs.counts_of(session, JobKind.INDEX):
                    break
            time.sleep(0.2)
        principals = actor(services, "sg").principals
        assert plug.search(SearchQuery("dossier"), principals=principals).total == 6
        plug.close()
    finally:
        servers.stop(node)
        shutil.rmtree(folder, ignore_errors=True)


def _run_index_jobs(services: Services) -> None:
    with services.reading() as session:
        due = jobs.due(session, now=datetime.now(UTC), kinds=[JobKind.INDEX])
    for job_id in due:
        pipeline.run_job(services, job_id, worker="test")
