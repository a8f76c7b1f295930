"""A node with TLS and API keys, as in production, made by the test."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from elasticsearch import Elasticsearch

from ged.errors import EngineFailed
from ged.ports import SearchQuery
from indexer.elastic_index import ElasticIndex
from tests import servers
from tests.contracts.letters import ALL, letter
from tests.servers import elastic

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.long("an Elasticsearch of its own with users and keys"),
]

PASSWORD = "tests-only"
BCRYPT = "$2a$04$LY.v.flEzP9xQ2T6txCDQ.ogvmpxqJk3lxf083vpsMIkrHlCYJKOK"
SETTINGS = {
    "xpack.security.enabled": "true",
    "xpack.security.http.ssl.enabled": "true",
    "xpack.security.http.ssl.key": "http.key",
    "xpack.security.http.ssl.certificate": "http.pem",
}


def certificates() -> dict[str, str]:
    """An authority, and a certificate for 127.0.0.1 that it issued."""
    now = datetime.now(UTC)

    def made(name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name | None) -> x509.CertificateBuilder:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))
        return builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = made("Tests", ca_key, None).sign(ca_key, hashes.SHA256())
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = made("node", key, ca.subject).add_extension(loopback, critical=False).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "ca.pem": ca.public_bytes(pem).decode(),
        "http.pem": leaf.public_bytes(pem).decode(),
        "http.key": private.decode(),
        "users": f"root:{BCRYPT}\n",
        "users_roles": "superuser:root\n",
    }


@pytest.fixture(scope="module")
def node() -> tuple[str, Path]:
    """The URL of a secured node, and the certificate of its authority."""
    name = "elastic-secure"
    try:
        running = servers.once(name, lambda folder: elastic.start(folder, settings=SETTINGS, files=certificates()))
    except servers.Unavailable as refusal:
        pytest.skip(str(refusal))
    return running.url, servers.run_dir() / name / "config" / "ca.pem"


@pytest.fixture
def root(node: tuple[str, Path]) -> Iterator[Elasticsearch]:
    url, ca_path = node
    with Elasticsearch(url, basic_auth=("root", PASSWORD), ca_certs=str(ca_path)) as client:
        yield client


def key_for(root: Elasticsearch, pattern: str, *privileges: str) -> str:
    role = {"indices": [{"names": [pattern], "privileges": list(privileges)}]}
    return str(root.security.create_api_key(name="ged", role_descriptors={"ged": role})["encoded"])


def test_a_key_for_its_own_indices_is_enough(node: tuple[str, Path], root: Elasticsearch) -> None:
    url, ca_path = node
    alias = f"ged-{uuid4().hex}"
    key = key_for(root, f"{alias}*", "manage", "read", "write")
    index = ElasticIndex(url, alias=alias, api_key=key, ca_path=ca_path)
    index.put([letter(1, "école")])
    index.reset()
    index.put([letter(1, "école"), letter(2, "hôpital")])
    index.remove([letter(2).mail_id])
    assert index.search(SearchQuery("école"), principals=ALL).total == 1
    assert index.status().documents == 1
    index.close()


def test_a_key_that_may_too_little_is_said(node: tuple[str, Path], root: Elasticsearch) -> None:
    url, ca_path = node
    for key in (key_for(root, "other*", "read"), "bm9ib2R5Om5vYm9keQ=="):
        index = ElasticIndex(url, alias=f"ged-{uuid4().hex}", api_key=key, ca_path=ca_path)
        with pytest.raises(EngineFailed, match=r"index\.forbidden") as failure:
            index.put([letter(1)])
        assert not failure.value.retryable
        index.close()


def test_a_server_of_an_unknown_authority_is_refused(node: tuple[str, Path], root: Elasticsearch) -> None:
    url, _ = node
    index = ElasticIndex(url, api_key=key_for(root, "ged*", "manage", "read", "write"))
    with pytest.raises(EngineFailed, match=r"index\.unavailable") as failure:
        index.search(SearchQuery("x"), principals=ALL)
    assert failure.value.params["why"] == "TlsError"
    index.close()
