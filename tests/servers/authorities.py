"""Authorities for the tests of signatures: certomancer gives real time-stamps, OCSP responses and CRLs over HTTP.

The server runs in the test's process, and the test sets its clock. ``down`` names the services that fail; ``close``
stops the server.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, KeyLabel, PKIArchitecture
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CONFIG = """
keysets:
  keys:
    path-prefix: keys
    keys: {{{keys}}}
pki-architectures:
  other:
    keyset: keys
    entity-defaults: {{country-name: TG, organization-name: Autorité accréditée}}
    entities:
      root: {{common-name: Racine accréditée}}
      issuing: {{common-name: Émission accréditée}}
      ocsp: {{common-name: Répondeur accrédité}}
      tsa: {{common-name: Horodateur accrédité}}
      old-tsa: {{common-name: Horodateur en fin de vie}}
      signer: {{common-name: AMAVI Kossi}}
      gone: {{common-name: GONE Afi}}
    certs:
      root:
        subject: root
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2090-01-01T00:00:00+0000"}}
        extensions:
          - {{id: basic_constraints, critical: true, value: {{ca: true}}}}
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [key_cert_sign, crl_sign]}}}}
      issuing:
        subject: issuing
        issuer: root
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2080-01-01T00:00:00+0000"}}
        extensions:
          - {{id: basic_constraints, critical: true, value: {{ca: true, path_len_constraint: 0}}}}
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [key_cert_sign, crl_sign]}}}}
          - {{id: crl_distribution_points, smart-value: {{schema: crl-dist-url, params: {{crl-repo-names: [root]}}}}}}
      ocsp:
        subject: ocsp
        issuer: issuing
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2070-01-01T00:00:00+0000"}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
          - {{id: extended_key_usage, critical: true, value: [ocsp_signing]}}
          - {{id: ocsp_no_check}}
      tsa: &stamping
        subject: tsa
        issuer: issuing
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
          - {{id: extended_key_usage, critical: true, value: [time_stamping]}}
          - {{id: crl_distribution_points, smart-value: {{schema: crl-dist-url, params: {{crl-repo-names: [issuing]}}}}}}
      old-tsa:
        <<: *stamping
        subject: old-tsa
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2027-01-01T00:00:00+0000"}}
      signer: &person
        subject: signer
        issuer: issuing
        validity: {{valid-from: "2026-01-01T00:00:00+0000", valid-to: "2029-01-01T00:00:00+0000"}}
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature, non_repudiation]}}}}
          - {{id: authority_information_access, smart-value: {{schema: aia-urls, params: {{ocsp-responder-names: [issuing]}}}}}}
      gone:
        <<: *person
        subject: gone
        revocation: {{revoked-since: "2026-02-01T00:00:00+0000", reason: key_compromise}}
    services:
      ocsp: {{issuing: {{for-issuer: issuing, responder-cert: ocsp, signing-key: ocsp}}}}
      crl-repo:
        root: {{for-issuer: root, signing-key: root, simulated-update-schedule: "P90D"}}
        issuing: {{for-issuer: issuing, signing-key: issuing, simulated-update-schedule: "P90D"}}
      time-stamping:
        tsa: {{signing-key: tsa, signing-cert: tsa, certs-to-embed: [issuing]}}
        old: {{signing-key: old-tsa, signing-cert: old-tsa, certs-to-embed: [issuing]}}
"""
NAMES = ("root", "issuing", "ocsp", "tsa", "old-tsa", "signer", "gone")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Authorities:
    """A running server.

    Attributes:
        down: services that answer with status 503: ``tsa``, ``ocsp``, ``crls``.
        asked: requested paths, in order.
    """

    def __init__(self, folder: Path, at: datetime) -> None:
        self._keys = folder / "keys"
        self._keys.mkdir(parents=True)
        for name in NAMES:
            _write_key(self._keys / f"{name}.pem")
        self.down: set[str] = set()
        self.asked: list[str] = []
        self._server: WSGIServer = make_server("127.0.0.1", 0, self._respond, handler_class=_Quiet)
        self._prefix = f"http://127.0.0.1:{self._server.server_port}"
        listed = ", ".join(f"{name}: {{path: {name}.pem}}" for name in NAMES)
        config = CertomancerConfig.from_yaml(
            CONFIG.format(keys=listed), key_search_dir=str(folder), external_url_prefix=self._prefix
        )
        self._arch: PKIArchitecture = config.get_pki_arch(ArchLabel("other"))
        self.at(at)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def at(self, when: datetime) -> None:
        """Set the server's clock."""
        store = AnimatorArchStore({ArchLabel("other"): self._arch})
        self._animator = Animator(store, at_time=when, with_web_ui=False)

    def tsa(self, name: str = "tsa") -> str:
        """The URL of a time-stamp authority: ``tsa``, or ``old``, whose certificate expires at the end of 2026."""
        return f"{self._prefix}/other/tsa/{name}"

    def certificate(self, name: str) -> x509.Certificate:
        """The certificate of this name."""
        return x509.load_der_x509_certificate(self._arch.get_cert(CertLabel(name)).dump())

    def key(self, name: str) -> ec.EllipticCurvePrivateKey:
        """The private key of this name."""
        content = self._arch.key_set.get_private_key(KeyLabel(name)).dump()
        key = serialization.load_der_private_key(content, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @property
    def root_pem(self) -> str:
        """The root's certificate, PEM."""
        return self.certificate("root").public_bytes(serialization.Encoding.PEM).decode()

    def _respond(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        self.asked.append(path)
        if path.split("/")[2] in self.down:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []
        answer: Iterable[bytes] = self._animator(environ, start_response)
        return answer

    def close(self) -> None:
        """Stop the server; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def _write_key(path: Path) -> None:
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
