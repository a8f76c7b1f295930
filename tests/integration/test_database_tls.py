"""PostgreSQL over TLS: the program connects only to the server whose name and certificate our authority confirms."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from ged.db import make_engine
from ged.links import CHECKED_SSL_MODE, require_checked_database
from tests.servers import postgres
from tests.tls_kit import HOST, TestAuthority, authority

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, ours: TestAuthority) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("server")
    ours.server(folder, HOST)
    (pem,) = folder.glob(f"{HOST}-*.pem")
    with postgres.durable(pem) as cluster:
        found = make_url(cluster.url).port
        assert found is not None
        yield found


def connect(port: int, host: str, authority_file: Path) -> bool:
    """Connect by an accepted setting. Returns whether the connection is encrypted."""
    url = (
        f"postgresql+psycopg://postgres@{host}:{port}/postgres?sslmode={CHECKED_SSL_MODE}&sslrootcert={authority_file}"
    )
    require_checked_database(url, ())
    engine = make_engine(f"{url}&hostaddr=127.0.0.1")  # the name only has to match the certificate
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")))
    finally:
        engine.dispose()


def test_only_the_server_that_our_authority_certified_is_spoken_to(
    port: int, ours: TestAuthority, tmp_path: Path
) -> None:
    assert connect(port, HOST, ours.file)
    other = authority(tmp_path, "other")
    with pytest.raises(OperationalError, match="certificate verify failed"):
        connect(port, HOST, other.file)
    with pytest.raises(OperationalError, match="does not match host name"):
        connect(port, "db.elsewhere.example", ours.file)
