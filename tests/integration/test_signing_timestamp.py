"""Time-stamps by a real authority (certomancer), and what happens when it is gone."""

import os
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ged.ports import Verdict
from signing.pades import PadesSigner
from signing.validation import PdfChecker
from tests.servers import free_port
from tests.signing_kit import NOW, SENDER, page_pdf, request, unlocked, vault

pytestmark = pytest.mark.servers

CONFIG = """
external-url-prefix: "http://127.0.0.1:{port}"
keysets:
  keys:
    path-prefix: keys
    keys:
      root: {{path: root.pem}}
      tsa: {{path: tsa.pem}}
pki-architectures:
  ministry:
    keyset: keys
    entity-defaults: {{country-name: TG, organization-name: Horodatage}}
    entities:
      root: {{common-name: Racine d'horodatage}}
      tsa: {{common-name: Horodateur}}
    certs:
      root:
        subject: root
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2090-01-01T00:00:00+0000"}}
        extensions:
          - {{id: basic_constraints, critical: true, value: {{ca: true}}}}
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature, key_cert_sign, crl_sign]}}}}
      tsa:
        subject: tsa
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2089-01-01T00:00:00+0000"}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
          - {{id: extended_key_usage, critical: true, value: [time_stamping]}}
    services:
      time-stamping:
        tsa: {{signing-key: tsa, signing-cert: tsa}}
      cert-repo:
        root: {{for-issuer: root}}
"""


class Authority:
    """A running time-stamp authority; ``stop`` takes it away."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/ministry/tsa/tsa"
        (folder / "keys").mkdir()
        for name in ("root", "tsa"):
            _write_key(folder / "keys" / f"{name}.pem")
        (folder / "certomancer.yml").write_text(textwrap.dedent(CONFIG.format(port=self.port)))
        self._log = (folder / "log").open("wb")
        program = Path(sys.executable).with_name("certomancer")
        self._process = subprocess.Popen(
            [program, "animate", "--port", str(self.port), "--no-web-ui"],
            cwd=folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONWARNINGS="ignore"),
        )
        self._wait(folder)
        found = httpx.get(f"http://127.0.0.1:{self.port}/ministry/certs/root/ca.crt").raise_for_status().content
        self.root_pem = x509.load_der_x509_certificate(found).public_bytes(serialization.Encoding.PEM).decode()

    def _wait(self, folder: Path) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                httpx.get(self.url)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise RuntimeError(f"certomancer does not start: {(folder / 'log').read_text()[-600:]}")

    def stop(self) -> None:
        """End the process; a second call does nothing."""
        self._process.terminate()
        self._process.wait(15)
        self._log.close()


def _write_key(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


@pytest.fixture
def authority(tmp_path):
    authority = Authority(tmp_path)
    yield authority
    authority.stop()


@pytest.fixture
def keys(tmp_path):
    return vault(tmp_path / "authority")


def _sign(signer, keys):
    key = unlocked(keys)
    return signer.sign(page_pdf(), request(SENDER), sealed=key.sealed, cookie_key=key.cookie_key, now=NOW)


def _check(roots, pdf):
    checker = PdfChecker(roots)
    (report,) = checker.check(pdf, at=datetime.now(UTC))  # the authority's clock is the real one
    checker.close()
    return report


def test_b_t_while_the_authority_answers_and_b_b_when_it_is_gone(authority, keys):
    signer = PadesSigner([authority.url], tsa_timeout_s=3)
    stamped = _sign(signer, keys)
    assert stamped.level == "B-T"

    authority.stop()
    plain = _sign(PadesSigner([authority.url], tsa_timeout_s=3), keys)
    assert plain.level == "B-B"
    assert _sign(signer, keys).level == "B-B"  # also for a signer that met the authority before

    report = _check(keys.trust_roots_pem(), plain.pdf)
    assert (report.verdict, report.level, report.signed_at) == (Verdict.GREEN, "B-B", NOW)


def test_the_report_takes_the_time_of_an_authority_that_we_trust(authority, keys):
    stamped = _sign(PadesSigner([authority.url]), keys).pdf
    ours = keys.trust_roots_pem()
    report = _check(ours, stamped)
    assert (report.verdict, report.level, report.signed_at) == (Verdict.GREEN, "B-T", NOW)
    report = _check([*ours, authority.root_pem], stamped)
    assert (report.verdict, report.level) == (Verdict.GREEN, "B-T")
    assert report.signed_at is not None
    assert report.signed_at != NOW  # the authority's clock, not what the signer claims


def test_a_changed_time_stamp_is_not_green(authority, keys):
    stamped = _sign(PadesSigner([authority.url]), keys).pdf
    token = stamped.upper().index(b"060B2A864886F70D0109100104")  # id-ct-TSTInfo
    roots = [*keys.trust_roots_pem(), authority.root_pem]
    report = _check(
        roots,
        stamped[: token + 120] + b"%02X" % (int(stamped[token + 120 : token + 122], 16) ^ 1) + stamped[token + 122 :],
    )
    assert report.verdict in {Verdict.AMBER, Verdict.RED}


def test_the_second_authority_answers_for_the_first(authority, keys):
    dead = f"http://127.0.0.1:{free_port()}/"
    assert _sign(PadesSigner([dead, authority.url]), keys).level == "B-T"


def test_an_answer_that_is_no_time_stamp_degrades_too(authority, keys):
    page = authority.url.removesuffix("/tsa/tsa") + "/certs/root/ca.crt"
    assert _sign(PadesSigner([page]), keys).level == "B-B"
