"""The ministry's own authority: an offline root, the published files, revocation, renewal. OpenSSL judges too."""

import base64
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from sqlalchemy import select, update

from ged.codes import derive_secret
from ged.db import make_engine
from ged.errors import ConfigError, Invalid, InvalidTransition, NotFound
from ged.org import certificates, keys
from ged.org.models import CertificateKind, IssuedCertificate, SigningKey
from ged.ports import CertifiedPerson, Verdict
from ged.unit import SYSTEM
from signing import pki
from signing.keys import LocalVault
from signing.pki import Authority, OfflineRoot
from signing.profiles import StatusAddress
from tests.factories import NOW, PASSPHRASE, SECRET, actor
from tests.signing_kit import CHEAP, SENDER, page_pdf, request
from tests.site import make_site, post, sign_in
from tests.worker_kit import Installation
from web.commands import main
from web.wiring.authority import create_authority
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)

KEY = derive_secret(SECRET, "keystore")
ROOT_WORDS = "une racine bien gardée"
WORDS = "la phrase du gardien"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    app, services = make_site(tmp_path_factory.mktemp("site"))
    yield app, services
    services.engine.dispose()


def issue(services, account: str = "sg") -> x509.Certificate:
    with services.unit_of_work(NOW) as uow:
        stored = keys.issue_key(uow, actor(services, account).person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    return x509.load_pem_x509_certificate(stored.certificate_pem.encode())


def revoke(services, certificate: x509.Certificate, reason: str = "keyCompromise") -> None:
    with services.unit_of_work(NOW) as uow:
        certificates.revoke(uow, f"{certificate.serial_number:x}", reason=reason, actor=SYSTEM)


def published(app, name: str) -> bytes:
    answer = app.test_client().get(f"/pki/{name}")
    assert answer.status_code == 200
    return answer.data


def asked(app, certificate: x509.Certificate, issuer: x509.Certificate, *, by_get: bool = False) -> ocsp.OCSPResponse:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    content = builder.add_extension(x509.OCSPNonce(b"0123456789abcdef"), critical=False).build()
    der = content.public_bytes(serialization.Encoding.DER)
    client = app.test_client()
    if by_get:
        answer = client.get("/pki/ocsp/" + base64.b64encode(der).decode().replace("/", "%2F"))
    else:
        answer = client.post("/pki/ocsp", data=der, content_type="application/ocsp-request")
    assert (answer.status_code, answer.mimetype) == (200, "application/ocsp-response")
    return ocsp.load_der_ocsp_response(answer.data)


def openssl(*arguments: object) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def test_the_lists_name_what_is_revoked_and_openssl_believes_them(site, tmp_path):
    app, services = site
    kept, gone = issue(services, "sg"), issue(services, "dge")
    revoke(services, gone)
    issuing = x509.load_der_x509_certificate(published(app, "issuing.cer"))
    found = x509.load_der_x509_crl(published(app, "issuing.crl"))
    assert found.is_signature_valid(issuing.public_key())
    entry = found.get_revoked_certificate_by_serial_number(gone.serial_number)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    assert found.get_revoked_certificate_by_serial_number(kept.serial_number) is None
    assert app.test_client().get("/pki/other.crl").status_code == 404

    names = {"root.cer": "root.pem", "issuing.cer": "issuing.pem"}
    for source, target in names.items():
        pem = x509.load_der_x509_certificate(published(app, source)).public_bytes(serialization.Encoding.PEM)
        (tmp_path / target).write_bytes(pem)
    lists = [x509.load_der_x509_crl(published(app, f"{one}.crl")) for one in ("root", "issuing")]
    (tmp_path / "crls.pem").write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in lists))
    at = int(lists[1].last_update_utc.timestamp()) + 60
    told = []
    for certificate in (kept, gone):
        (tmp_path / "one.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        told.append(
            openssl(
                "verify", "-x509_strict", "-crl_check_all", "-attime", at, "-CAfile", tmp_path / "root.pem",
                "-untrusted", tmp_path / "issuing.pem", "-CRLfile", tmp_path / "crls.pem", tmp_path / "one.pem",
            )
        )  # fmt: skip
    assert told[0].endswith("one.pem: OK\n"), told[0]
    assert "certificate revoked" in told[1]


@pytest.mark.parametrize("by_get", [False, True])
def test_the_responder_tells_good_revoked_and_not_ours(site, by_get, tmp_path):
    app, services = site
    good, gone = issue(services, "agent"), issue(services, "daf")
    revoke(services, gone, "cessationOfOperation")
    issuing = x509.load_der_x509_certificate(published(app, "issuing.cer"))
    answer = asked(app, good, issuing, by_get=by_get)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"
    responder = answer.certificates[0]
    responder.verify_directly_issued_by(issuing)
    assert responder.extensions.get_extension_for_class(x509.OCSPNoCheck) is not None
    told = asked(app, gone, issuing, by_get=by_get)
    assert told.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert told.revocation_reason is x509.ReasonFlags.cessation_of_operation
    assert asked(app, issuing, issuing).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED  # never issued here
    assert asked(app, good, good).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED  # another issuer
    strange = app.test_client().post("/pki/ocsp", data=b"no request").data
    assert ocsp.load_der_ocsp_response(strange).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST

    for name, one in (("one", good), ("issuing", issuing)):
        (tmp_path / f"{name}.pem").write_bytes(one.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "answer.der").write_bytes(answer.public_bytes(serialization.Encoding.DER))
    judged = openssl(
        "ocsp", "-respin", tmp_path / "answer.der", "-issuer", tmp_path / "issuing.pem", "-sha256", "-cert", tmp_path / "one.pem",
        "-CAfile", tmp_path / "issuing.pem", "-partial_chain", "-no_nonce",
    )  # fmt: skip
    assert "Response verify OK" in judged, judged


def test_a_revoked_key_signs_no_more_and_is_revoked_once(site):
    _app, services = site
    certificate = issue(services, "etudes")
    with pytest.raises(Invalid, match="certificate.reason"):
        revoke(services, certificate, "because")
    revoke(services, certificate)
    with services.reading() as session, pytest.raises(NotFound, match="key.none"):
        keys.load_key(session, actor(services, "etudes").person_id)
    with pytest.raises(InvalidTransition, match="certificate.revoked"):
        revoke(services, certificate)
    with pytest.raises(NotFound, match="certificate.unknown"), services.unit_of_work(NOW) as uow:
        certificates.revoke(uow, "12ab", reason="unspecified", actor=SYSTEM)


def test_a_replaced_key_is_not_revoked(site):
    app, services = site
    before, after = issue(services, "admin"), issue(services, "admin")
    assert before.serial_number != after.serial_number
    issuing = x509.load_der_x509_certificate(published(app, "issuing.cer"))
    assert asked(app, before, issuing).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_a_certificate_that_ends_soon_is_renewed_at_the_next_right_passphrase(site):
    app, services = site
    issue(services, "secretaire")
    client = sign_in(app, "secretaire")

    def unlock(passphrase: str) -> list[datetime]:
        post(client, "/cle/deverrouiller", {"passphrase": passphrase}, page="/cle/deverrouiller")
        post(client, "/cle/verrouiller", {}, page="/cle/deverrouiller")
        with services.reading() as session:
            rows = session.execute(
                select(IssuedCertificate.expires_at, SigningKey.revoked_at)
                .join(SigningKey, SigningKey.certificate_pem == IssuedCertificate.certificate_pem)
                .where(SigningKey.person_id == actor(services, "secretaire").person_id)
            ).all()
        return [revoked_at for _, revoked_at in rows]

    assert unlock(PASSPHRASE) == [None]
    with services.unit_of_work(NOW) as uow:
        soon = datetime.now(NOW.tzinfo) + timedelta(days=30)
        uow.session.execute(update(IssuedCertificate).values(expires_at=soon))
    assert unlock("une phrase inexacte") == [None]
    old, new = unlock(PASSPHRASE)
    assert (old is not None, new) == (True, None)


def test_the_root_is_kept_elsewhere_and_the_authority_is_renewed_by_it(tmp_path):
    folder, medium = tmp_path / "authority", tmp_path / "medium"
    offline, address = OfflineRoot(medium, ROOT_WORDS), StatusAddress("https://ged.example.tg")
    Authority.create(folder, KEY, "Ministère", NOW, offline=offline, address=address)
    assert not (folder / "root.key").exists()
    assert b"ENCRYPTED" in (medium / "root.key").read_bytes()
    vault = LocalVault(folder, KEY, cost=CHEAP, address=address)
    stored = vault.issue(CertifiedPerson("A", "B", "C", ""), passphrase=PASSPHRASE, now=NOW)
    person = x509.load_pem_x509_certificate(stored.certificate_pem.encode())
    points = person.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name[0].value == "https://ged.example.tg/pki/issuing.crl"
    access = person.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert access[0].access_location.value == "https://ged.example.tg/pki/ocsp"
    before = x509.load_pem_x509_certificate((folder / "issuing.pem").read_bytes())

    later = NOW + timedelta(days=3000)
    with pytest.raises(Invalid, match="authority.root_passphrase"):
        pki.renew_issuing(folder, OfflineRoot(medium, "une autre phrase"), now=later)
    with pytest.raises(ConfigError, match="authority.root_missing"):
        pki.renew_issuing(folder, OfflineRoot(tmp_path / "lost", ROOT_WORDS), now=later)
    after = pki.renew_issuing(folder, offline, now=later, address=address)
    assert after.not_valid_after_utc > before.not_valid_after_utc
    person.verify_directly_issued_by(after)

    assert pki.root_list(folder, KEY, now=NOW) is not None
    assert pki.root_list(folder, KEY, now=later) is None  # out of date, and this installation cannot sign another one
    pki.renew_root_list(folder, offline, now=later)
    assert pki.root_list(folder, KEY, now=later) is not None
    with pytest.raises(Invalid, match="authority.exists"):
        Authority.create(tmp_path / "second", KEY, "Ministère", NOW, offline=offline)


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "ged.env"
    settings.write_text(f"GED_DATA_DIR={tmp_path / 'data'}\nGED_SECRET={SECRET}\n")
    monkeypatch.setenv("GED_ENV_FILE", str(settings))
    medium = tmp_path / "medium"

    def ged(*arguments: object, words: str = "") -> str:
        result = CliRunner().invoke(main, [str(one) for one in arguments], input=words)
        return result.output

    assert "--trial" in ged("pki", "init", "Ministère")
    twice = f"{WORDS}\n{WORDS}\n{ROOT_WORDS}\n{ROOT_WORDS}\n"
    for short in (f"{WORDS}\n{WORDS}\ncourt\ncourt\n", f"court\ncourt\n{ROOT_WORDS}\n{ROOT_WORDS}\n"):
        assert "key.passphrase_short" in ged("pki", "init", "Ministère", "--root", medium, words=short)
    told = ged("pki", "init", "Ministère", "--root", medium, words=twice)
    assert "authority: made" in told
    assert ROOT_WORDS not in told
    assert not (tmp_path / "data" / "authority" / "root.key").exists()
    assert "authority.exists" in ged("pki", "init", "Ministère", "--root", tmp_path / "more", words=twice)
    assert "authority: good until" in ged("pki", "renew", "--root", medium, words=f"{ROOT_WORDS}\n")
    assert "root: list signed" in ged("pki", "root-crl", "--root", medium, words=f"{ROOT_WORDS}\n")
    assert "database: up to date" in ged("migrate")
    engine = make_engine(f"sqlite:///{tmp_path / 'data' / 'ged.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(
            IssuedCertificate.__table__.insert().values(
                serial="1a2b", kind=CertificateKind.PERSON, subject="CN=A", certificate_pem="", issued_at=NOW,
                expires_at=NOW, reason="",
            )
        )  # fmt: skip
    engine.dispose()
    assert "1a2b  until 2026-11-24  person  CN=A" in ged("pki", "list")
    assert ged("pki", "list", "--expiring", 30) == ""
    told = ged("pki", "revoke", "1A2B", "--reason", "superseded", words=f"{WORDS}\n")
    assert "certificate: revoked" in told
    assert "list: good until" in told
    assert "superseded" in ged("pki", "list")
    assert ged("pki", "status").startswith("authority: under a passphrase\nlist: good until")


def test_a_signature_by_a_key_that_was_revoked_before_is_red_in_the_installation_itself(tmp_path: Path) -> None:
    """The file contains no list: the installation uses its own."""
    here = Installation.make(tmp_path)
    create_authority(here.settings, organisation="Ministère d'essai", now=NOW)
    services = build_services(here.settings)
    try:
        certificate = issue(services, "sg")
        with services.reading() as session:
            stored = keys.load_key(session, actor(services, "sg").person_id)
        key = services.vault.unlock(stored, PASSPHRASE, now=NOW)
        later = NOW + timedelta(hours=1)
        ours = request(SENDER, at=later)
        signed = services.signer.sign(page_pdf(), ours, sealed=key.sealed, cookie_key=key.cookie_key, now=NOW).pdf
        assert [one.verdict for one in services.checker.check(signed, at=later)] == [Verdict.GREEN]
        revoke(services, certificate)
        (told,) = services.checker.check(signed, at=later)
        assert (told.verdict, told.reason) == (Verdict.RED, "revoked")
    finally:
        services.checker.close()
        services.engine.dispose()
        here.services.checker.close()
        here.close()


def test_the_verifier_and_its_digest_are_published_where_a_holder_of_a_letter_looks(site, tmp_path):
    app, _services = site
    (tmp_path / "ged_verify.py").write_bytes(published(app, "ged_verify.py"))
    (tmp_path / "sums").write_bytes(published(app, "ged_verify.sha256"))
    done = subprocess.run(["sha256sum", "--check", "sums"], cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0
    ran = subprocess.run(
        [sys.executable, "ged_verify.py", "."], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    digest = published(app, "ged_verify.sha256").decode().split()[0]
    assert (ran.returncode, digest in ran.stdout) == (2, True)
    assert digest in app.test_client().get("/verifier").get_data(as_text=True)
