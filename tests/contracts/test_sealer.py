"""``Sealer`` and ``TokenSealer`` over every place of the institution's key: our own authority, a file, a token."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from ged.codes import derive_secret
from ged.errors import ConfigError, EngineFailed
from ged.ports import Digest, Sealer, TokenFacts, TokenSealer, TokenState, Verdict
from signing import pki
from signing.pades import PadesSigner
from signing.payload import PayloadSealer
from signing.pki import Authority
from signing.rawkeys import RawKey
from signing.sealing import PadesSealer
from signing.validation import PdfChecker
from tests.factories import SECRET
from tests.servers.softhsm import SoftToken
from tests.signing_kit import NOW, SENDER, institution, page_pdf, request
from tests.site import make_settings
from web.wiring.sealing import seal_key

KEY = derive_secret(SECRET, "keystore")
FACTS = TokenFacts(
    "00457/2026/MMRE/SG",
    date(2026, 11, 24),
    "Mazalo Tchédré",
    bytes(range(16)),
    Digest(hashlib.sha256(b"").hexdigest()),
)


class Place:
    """A place of the key. ``take_out`` makes the key unreachable until ``plug_in``, for places where a person can do
    so."""

    def __init__(self, folder: Path, key: Callable[[], RawKey | None], token: SoftToken | None = None) -> None:
        self.roots = pki.trusted_roots(folder / "authority")
        self.sealer: Sealer = PadesSealer(PadesSigner(), key)
        self.codes: TokenSealer = PayloadSealer(key)
        self.token = token


def own(folder: Path, authority: Authority, _: pytest.MonkeyPatch) -> Place:
    pki.make_seal(authority, folder / "authority", KEY, identifier="GOVTG-123", now=NOW)
    return Place(folder, seal_key(make_settings(folder), KEY))


def in_file(folder: Path, authority: Authority, _: pytest.MonkeyPatch) -> Place:
    key = ec.generate_private_key(ec.SECP256R1())
    made = authority.certify_seal(key.public_key(), organisation="Ministère", now=NOW)
    hidden = serialization.BestAvailableEncryption(b"secret")
    content = pkcs12.serialize_key_and_certificates(b"seal", key, made, [authority.certificate], hidden)
    (folder / "seal.p12").write_bytes(content)
    return Place(folder, seal_key(make_settings(folder, seal_pkcs12=folder / "seal.p12", seal_secret="secret"), KEY))


def in_token(folder: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Place:
    token = SoftToken(folder / "hsm", monkeypatch)
    made = authority.certify_seal(token.make_ec("cachet"), organisation="Ministère", now=NOW)
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (made, authority.certificate))
    (folder / "chain.pem").write_bytes(chain)
    settings = make_settings(
        folder, seal_module=token.module, seal_token=token.name, seal_label="cachet", seal_chain=folder / "chain.pem",
        seal_secret=token.pin,
    )  # fmt: skip
    return Place(folder, seal_key(settings, KEY), token)


def nowhere(folder: Path, _: Authority, __: pytest.MonkeyPatch) -> Place:
    return Place(folder, seal_key(make_settings(folder), KEY))


def make(
    kind: Callable[[Path, Authority, pytest.MonkeyPatch], Place], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    return kind(folder, Authority.create(folder / "authority", KEY, "Ministère", NOW), monkeypatch)


@pytest.fixture(params=[own, in_file, in_token])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return make(request.param, tmp_path, monkeypatch)


def test_a_seal_is_appended_and_is_good_by_the_certificate_that_is_told(place: Place) -> None:
    pdf = page_pdf()
    sealed = place.sealer.seal(pdf, request(SENDER))
    assert sealed.pdf.startswith(pdf)
    facts = place.sealer.certificate()
    assert facts is not None
    checker = PdfChecker(place.roots)
    (report,) = checker.check(sealed.pdf, at=NOW)
    checker.close()
    assert (report.verdict, report.signer) == (Verdict.GREEN, "Cachet Ministère")
    assert "CN=Cachet Ministère" in facts.subject


def test_a_code_says_its_facts_and_is_proven_by_its_certificates_alone(place: Place) -> None:
    assert place.codes.has_key()
    sealed = place.codes.seal(FACTS)
    assert sealed is not None
    assert place.codes.read(sealed.text) == FACTS
    assert place.codes.read(f"HTTPS://GED.EXAMPLE/V/{sealed.text}") == FACTS
    found = place.codes.check(sealed.text, [sealed.certificates_pem])
    assert (found.state, found.facts, found.key_id) == (TokenState.PROVEN, FACTS, sealed.key_id)
    facts = place.sealer.certificate()
    own_certificate = x509.load_pem_x509_certificates(sealed.certificates_pem.encode())[0]
    assert facts is not None
    assert facts.serial == f"{own_certificate.serial_number:x}"
    again = place.codes.seal(dataclasses.replace(FACTS, number="00458/2026/MMRE/SG"))
    assert again is not None
    assert again.key_id == sealed.key_id


def test_a_code_that_another_key_signed_or_nobody_is_told_apart(place: Place) -> None:
    sealed = place.codes.seal(FACTS)
    stranger = PayloadSealer(lambda: institution("p256")).seal(FACTS)
    assert sealed is not None
    assert stranger is not None
    trusted = [sealed.certificates_pem]
    assert place.codes.check(stranger.text, trusted).state is TokenState.UNKNOWN_KEY
    assert place.codes.check(sealed.text, []).state is TokenState.UNKNOWN_KEY
    at = len(sealed.text) // 4
    altered = sealed.text[:at] + ("A" if sealed.text[at] != "A" else "B") + sealed.text[at + 1 :]
    assert place.codes.check(altered, trusted).state is TokenState.FORGED
    assert place.codes.check("Monsieur le Ministre,", trusted).state is TokenState.UNREADABLE
    assert place.codes.read("Monsieur le Ministre,") is None


def test_a_key_that_cannot_be_reached_is_asked_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make(in_token, tmp_path, monkeypatch)
    assert place.token is not None
    place.token.taken_out()
    for act in (lambda: place.sealer.seal(page_pdf(), request(SENDER)), lambda: place.codes.seal(FACTS)):
        with pytest.raises(EngineFailed) as failed:
            act()
        assert (failed.value.code, failed.value.retryable) == ("key.unreachable", True)
    place.token.plugged_in()
    assert place.sealer.seal(page_pdf(), request(SENDER)).pdf
    assert place.codes.seal(FACTS) is not None


def test_without_a_key_nothing_is_made_and_codes_are_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make(nowhere, tmp_path, monkeypatch)
    assert place.sealer.certificate() is None
    with pytest.raises(ConfigError, match="seal.none"):
        place.sealer.seal(page_pdf(), request(SENDER))
    assert not place.codes.has_key()
    assert place.codes.seal(FACTS) is None
    made = PayloadSealer(lambda: institution("p256")).seal(FACTS)
    assert made is not None
    assert place.codes.read(made.text) == FACTS
    assert place.codes.check(made.text, [made.certificates_pem]).state is TokenState.PROVEN
