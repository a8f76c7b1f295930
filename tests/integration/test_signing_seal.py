"""The institution's seal with its key in a file, a token (SoftHSM) or a signing service; these fail and return."""

import base64
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs12

from ged.codes import derive_secret
from ged.errors import ConfigError, EngineFailed
from ged.ports import Sealer, Verdict
from signing import pki
from signing.pades import PadesSigner
from signing.pki import Authority
from signing.sealing import PadesSealer
from tests.factories import SECRET, SharedChecker
from tests.servers.softhsm import SoftToken
from tests.signing_kit import NOW, SENDER, page_pdf, pdfsig, request
from tests.site import make_settings
from web.wiring.sealing import seal_key

pytestmark = pytest.mark.in_turns(3)

KEY = derive_secret(SECRET, "keystore")


@pytest.fixture
def folder(tmp_path):
    """An installation with an authority."""
    Authority.create(tmp_path / "authority", KEY, "Ministère", NOW)
    return tmp_path


@pytest.fixture
def authority(folder):
    return Authority.open(folder / "authority", KEY)


@pytest.fixture
def token(tmp_path, monkeypatch):
    return SoftToken(tmp_path / "hsm", monkeypatch)


def sealer(folder, **settings: object) -> Sealer:
    return PadesSealer(PadesSigner(), seal_key(make_settings(folder, **settings), KEY))


def certified(folder, authority: Authority, public_key) -> x509.Certificate:
    """The certificate of a seal whose key is elsewhere, with its chain in a file."""
    made = authority.certify_seal(public_key, organisation="Ministère", identifier="GOVTG-123", now=NOW)
    chain = [made, authority.certificate]
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
    return made


def accepted(folder, pdf: bytes) -> None:
    checker = SharedChecker(pki.trusted_roots(folder / "authority"))
    (report,) = checker.check(pdf, at=NOW)
    checker.close()
    assert (report.verdict, report.signer) == (Verdict.GREEN, "Cachet Ministère")
    assert pdfsig(pdf, folder) == ["Signature is Valid."]


def refused(sealing: Sealer) -> tuple[str, bool]:
    with pytest.raises(EngineFailed) as caught:
        sealing.seal(page_pdf(), request(SENDER))
    return caught.value.code, caught.value.retryable


def test_the_seal_of_our_own_authority(folder, authority):
    sealing = sealer(folder)
    assert sealing.certificate() is None
    with pytest.raises(ConfigError, match="seal.none"):
        sealing.seal(page_pdf(), request(SENDER))
    made = pki.make_seal(authority, folder / "authority", KEY, identifier="GOVTG-123", now=NOW)
    assert made.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_IDENTIFIER)[0].value == "GOVTG-123"
    assert (folder / "authority" / "seal.pem").stat().st_mode & 0o077 == 0
    accepted(folder, sealing.seal(page_pdf(), request(SENDER)).pdf)
    facts = sealing.certificate()
    assert facts is not None
    assert facts.serial == f"{made.serial_number:x}"


def test_a_key_of_an_accredited_authority_by_settings_alone(folder, authority):
    key = ec.generate_private_key(ec.SECP256R1())
    made = certified(folder, authority, key.public_key())
    content = pkcs12.serialize_key_and_certificates(
        b"seal", key, made, [authority.certificate], serialization.BestAvailableEncryption(b"secret of the file")
    )
    (folder / "seal.p12").write_bytes(content)
    given = {"seal_pkcs12": folder / "seal.p12"}
    accepted(folder, sealer(folder, **given, seal_secret="secret of the file").seal(page_pdf(), request(SENDER)).pdf)
    with pytest.raises(ConfigError, match="seal.unreadable"):
        sealer(folder, **given, seal_secret="another").seal(page_pdf(), request(SENDER))


@pytest.mark.parametrize("kind", ["rsa3072", "p256", "p384"])
def test_a_key_in_a_token(folder, authority, token, kind):
    curves = {"p256": "secp256r1", "p384": "secp384r1"}
    public = token.make_ec("cachet", curves[kind]) if kind in curves else token.make_rsa("cachet")
    certified(folder, authority, public)
    given = {
        "seal_module": token.module, "seal_token": token.name, "seal_label": "cachet",
        "seal_chain": folder / "chain.pem",
    }  # fmt: skip
    sealing = sealer(folder, **given, seal_secret=token.pin)
    accepted(folder, sealing.seal(page_pdf(), request(SENDER)).pdf)
    token.taken_out()
    assert refused(sealing) == ("key.unreachable", True)
    token.plugged_in()
    accepted(folder, sealing.seal(page_pdf(), request(SENDER)).pdf)


def test_a_wrong_pin_is_told_and_never_logged(folder, authority, token, caplog):
    caplog.set_level(logging.DEBUG)
    certified(folder, authority, token.make_ec("cachet"))
    given = {
        "seal_module": token.module, "seal_token": token.name, "seal_label": "cachet",
        "seal_chain": folder / "chain.pem",
    }  # fmt: skip
    assert refused(sealer(folder, **given, seal_secret="777555")) == ("key.refused", False)
    sealing = sealer(folder, **given, seal_secret=token.pin)
    accepted(folder, sealing.seal(page_pdf(), request(SENDER)).pdf)
    assert refused(sealer(folder, **given | {"seal_label": "autre"}, seal_secret=token.pin))[0] == "key.unreachable"
    assert "777555" not in caplog.text
    assert token.pin not in caplog.text
    assert token.pin not in repr(seal_key(make_settings(folder, **given, seal_secret=token.pin), KEY)())


class _Service(HTTPServer):
    """A signing service: it holds a key, requires an access token, and sees digests only."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.key = ec.generate_private_key(ec.SECP384R1())
        self.is_down = False
        self.seen: list[dict[str, object]] = []


class _Answer(BaseHTTPRequestHandler):
    server: _Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(body)
        allowed = self.headers["Authorization"] == "Bearer jeton du service"
        status = 503 if self.server.is_down else 200 if allowed else 401
        digest = base64.b64decode(body["hashes"][0])
        signature = self.server.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA384())))
        content = json.dumps({"signatures": [base64.b64encode(signature).decode()]}) if status == 200 else "{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing during the tests."""


def test_a_key_with_a_signing_service(folder, authority):
    service = _Service()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        certified(folder, authority, service.key.public_key())
        url = f"http://127.0.0.1:{service.server_port}/"
        given = {"seal_url": url, "seal_label": "cachet-1", "seal_chain": folder / "chain.pem"}
        sealing = sealer(folder, **given, seal_secret="jeton du service")
        accepted(folder, sealing.seal(page_pdf(), request(SENDER)).pdf)
        assert service.seen[0]["credentialID"] == "cachet-1"
        assert service.seen[0].keys() == {"credentialID", "hashes", "hashAlgorithmOID", "signAlgo"}
        assert refused(sealer(folder, **given, seal_secret="un autre")) == ("key.refused", False)
        service.is_down = True
        assert refused(sealing) == ("key.unreachable", True)
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
    assert refused(sealing) == ("key.unreachable", True)


def test_settings_that_do_not_go_together_are_refused(folder):
    with pytest.raises(ConfigError, match="config.mixture"):
        sealer(folder, seal_url="https://x", seal_module="/y.so")
    with pytest.raises(ConfigError, match="config.mixture"):
        sealer(folder, seal_url="https://x", seal_label="a", seal_secret="b")
