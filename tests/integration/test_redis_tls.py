"""Redis over TLS: the server's certificate and name are checked, with a real Redis and an authority of the test."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ged.adapters.queue_rq import open_redis
from tests.servers import free_port
from tests.tls_kit import HOST, TestAuthority, authority, lead_here
from tests.worker_kit import eventually

pytestmark = pytest.mark.servers


@pytest.fixture
def ours(tmp_path: Path) -> TestAuthority:
    return authority(tmp_path, "ours")


@pytest.fixture
def port(tmp_path: Path, ours: TestAuthority) -> Iterator[int]:
    ours.server(tmp_path, HOST)
    (both,) = tmp_path.glob(f"{HOST}-*.pem")
    found = free_port()
    words = ["--port", "0", "--tls-port", str(found), "--bind", "127.0.0.1", "--save", "", "--tls-auth-clients", "no"]
    words += ["--tls-cert-file", str(both), "--tls-key-file", str(both), "--tls-ca-cert-file", str(ours.file)]
    with (tmp_path / "redis.log").open("w") as log:
        process = subprocess.Popen(["redis-server", *words], stdout=log, stderr=log, cwd=tmp_path, env=os.environ)
    eventually(
        lambda: "Ready to accept" in (tmp_path / "redis.log").read_text(),
        within_s=20,
        what="Redis speaks TLS",
        log=tmp_path / "redis.log",
    )
    yield found
    process.terminate()
    process.wait()


def test_only_the_server_that_our_authority_certified_is_spoken_to(
    tmp_path: Path, port: int, ours: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = authority(tmp_path, "other")
    lead_here(monkeypatch, HOST, "redis.elsewhere.example")

    def ping(host: str, ca_file: Path | None) -> bool:
        with open_redis(f"rediss://{host}:{port}/0", ca_file=ca_file, timeout_s=5) as redis:
            return bool(redis.ping())

    assert ping(HOST, ours.file)
    for host, ca_file in ((HOST, other.file), (HOST, None), ("redis.elsewhere.example", ours.file)):
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            ping(host, ca_file)
