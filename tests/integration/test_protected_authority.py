"""An authority protected by a passphrase: without it, data and secret issue nothing, and the site continues.

OpenSSL judges beside our own checker.
"""

import base64
import logging
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509 import ocsp
from sqlalchemy import select, update

from ged.archive.keeping import seal_head
from ged.archive.seal import HeadSeal
from ged.codes import derive_secret
from ged.errors import ConfigError, GedError, Invalid
from ged.org import certificates, keys
from ged.org.models import IssuedCertificate, SigningKey
from ged.ports import RevokedCertificate, SignatureReport, Verdict
from ged.unit import SYSTEM
from signing import authority_key, published
from signing.authority_key import is_protected
from signing.house import HouseCertificates, trace_of
from signing.pki import Authority, certificates_in, open_seal
from tests.factories import NOW, PASSPHRASE, actor
from tests.pki_kit import Holder, order_pdf, signed
from tests.signing_kit import SENDER, page_pdf, request
from tests.site import build_app, give_passwords, post, sign_in
from tests.started import GED, run
from tests.worker_kit import Installation
from web.commands import main
from web.wiring.authority import authority_dir, create_authority, make_seal
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(3)

WORDS = "la phrase que seul le gardien connaît"
ROOT_WORDS = "une racine bien gardée"
WRONG = "une phrase que personne ne doit lire"
SPELT_IN = ("utf-8", "latin-1", "utf-16-le")


class House:
    """An installation whose authority was made with the secret alone and then protected."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.made = Installation.make(folder)
        self.folder = authority_dir(self.made.settings)
        self.secret = derive_secret(self.made.settings.secret.get_secret_value(), "keystore")
        patch.setenv("GED_ENV_FILE", str(self.made.env_file))
        create_authority(self.made.settings, organisation="Ministère d'essai", now=NOW)
        self.services = build_services(self.made.settings)
        make_seal(self.made.settings, identifier="", now=NOW)
        self.issue("sg")
        seal_head(self.services, now=NOW)

    def issue(self, account: str) -> None:
        with self.services.unit_of_work(NOW) as uow:
            keys.issue_key(uow, actor(self.services, account).person_id, passphrase=PASSPHRASE, actor=SYSTEM)

    def ged(self, *words: object, typed: str = "") -> Result:
        return CliRunner().invoke(main, [str(one) for one in words], input=typed)

    def protect(self) -> Result:
        """Protect the authority by the command."""
        typed = f"{WORDS}\n{WORDS}\n{ROOT_WORDS}\n{ROOT_WORDS}\n"
        return self.ged("pki", "protect", "--root", self.made.folder / "medium", typed=typed)

    def certificate(self, account: str) -> x509.Certificate:
        with self.services.reading() as session:
            stored = keys.load_key(session, actor(self.services, account).person_id)
        return x509.load_pem_x509_certificate(stored.certificate_pem.encode())

    def signed_by(self, account: str, at: datetime) -> bytes:
        with self.services.reading() as session:
            stored = keys.load_key(session, actor(self.services, account).person_id)
        key = self.services.vault.unlock(stored, PASSPHRASE, now=at)
        ours = request(SENDER, at=at)
        return self.services.signer.sign(page_pdf(), ours, sealed=key.sealed, cookie_key=key.cookie_key, now=at).pdf

    def verdict(self, pdf: bytes, at: datetime) -> tuple[Verdict, str]:
        (report,) = self.services.checker.check(pdf, at=at)
        return report.verdict, report.reason

    def status_of(self, certificate: x509.Certificate, now: datetime) -> ocsp.OCSPResponse:
        issuing = certificates_in(self.folder)[1]
        asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuing, hashes.SHA256()).build()
        der = asked.public_bytes(serialization.Encoding.DER)
        return ocsp.load_der_ocsp_response(certificates.ocsp_answer(self.services, der, now=now))

    def listed(self, certificate: x509.Certificate) -> bool:
        found = x509.load_der_x509_crl((self.folder / "issuing.crl").read_bytes())
        return found.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None

    def close(self) -> None:
        self.services.checker.close()
        self.services.engine.dispose()
        self.made.services.engine.dispose()


@pytest.fixture
def old(tmp_path, monkeypatch):
    """Not protected yet."""
    house = House(tmp_path, monkeypatch)
    yield house
    house.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Protected; its tests do not change this."""
    with pytest.MonkeyPatch.context() as patch:
        made = House(tmp_path_factory.mktemp("house"), patch)
        done = made.protect()
        assert done.exit_code == 0, done.output
        yield made
        made.close()


def openssl(*arguments: object) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def pem(path: Path, *certificates_: x509.Certificate) -> Path:
    path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates_))
    return path


def test_an_authority_of_an_earlier_release_is_protected_and_everything_goes_on(old: House) -> None:
    before = (old.folder / "issuing.key").read_bytes()
    derived = HKDF(hashes.SHA256(), 32, None, b"ged signing authority v1").derive(old.secret)
    key = serialization.load_pem_private_key(before, base64.b64encode(derived))  # as earlier releases kept it
    assert "FOR TRIALS" in old.ged("pki", "status").output
    refused = old.ged("pki", "protect")
    assert (refused.exit_code, "--root" in refused.output) == (2, True)
    done = old.protect()
    assert done.exit_code == 0, done.output
    assert WORDS not in done.output

    assert isinstance(key, ec.EllipticCurvePrivateKey)
    again = Authority.open(old.folder, old.secret, passphrase=lambda: WORDS)
    assert again.certificate.public_key() == key.public_key()
    assert not (old.folder / "root.key").exists()
    assert "FOR TRIALS" not in old.ged("pki", "status").output
    assert old.ged("pki", "root-crl", "--root", old.made.folder / "medium", typed=f"{ROOT_WORDS}\n").exit_code == 0

    at = datetime.now(UTC)
    assert old.verdict(old.signed_by("sg", at), at) == (Verdict.GREEN, "ok")
    assert old.services.sealer is not None
    assert old.services.sealer.certificate() is not None
    assert old.status_of(old.certificate("sg"), at).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert len(certificates.own_lists(old.services, now=at)) == 2
    with pytest.raises(ConfigError, match="authority.locked"):  # the running site dropped the key from its memory
        old.issue("dge")
    typed = f"{PASSPHRASE}\n{PASSPHRASE}\n{WORDS}\n"
    assert "key: issued" in old.ged("account", "key", "dge", typed=typed).output
    assert old.verdict(old.signed_by("dge", at), at + timedelta(minutes=10)) == (Verdict.GREEN, "ok")
    assert "seal:" in old.ged("pki", "seal", typed=f"{WORDS}\n").output


def test_every_key_in_data_with_the_secret_issues_nothing_that_is_believed(house: House, tmp_path: Path) -> None:
    data = house.made.settings.data_dir
    held = {path.relative_to(data).as_posix() for path in data.rglob("*") if _holds_key(path)}
    assert held == {"authority/issuing.key", "authority/seal.pem", "authority/responder.pem", "seal/journal.key"}
    content = (house.folder / "issuing.key").read_bytes()
    from_secret = [house.secret, HKDF(hashes.SHA256(), 32, None, b"ged signing authority v1").derive(house.secret)]
    for guess in (*from_secret, *map(base64.b64encode, from_secret), b"", WORDS.encode(), ROOT_WORDS.encode()):
        with pytest.raises((ValueError, TypeError)):
            serialization.load_pem_private_key(content[content.index(b"-----BEGIN") :], guess or None)
    for words in ("", WRONG, ROOT_WORDS, house.made.settings.secret.get_secret_value()):
        with pytest.raises(Invalid, match="authority.passphrase_wrong"):
            Authority.open(house.folder, house.secret, passphrase=lambda words=words: words)
    with pytest.raises(Invalid, match="authority.passphrase_wrong"):  # also the passphrase without the secret
        Authority.open(house.folder, b"another secret of thirty-two bytes", passphrase=lambda: WORDS)

    root, issuing = certificates_in(house.folder)
    seal, responder = open_seal(house.folder, house.secret), published.open_responder(house.folder, house.secret)
    assert seal is not None
    assert responder is not None
    journal = serialization.load_pem_private_key(
        (data / "seal" / "journal.key").read_bytes(), HeadSeal(data / "seal", _journal_secret(house))._password()
    )
    issuers = [
        (seal[0], seal[1][0], seal[1][0].subject),
        (seal[0], seal[1][0], issuing.subject),
        (responder.key, responder.certificate, responder.certificate.subject),
        (responder.key, responder.certificate, issuing.subject),
        (journal, issuing, issuing.subject),
    ]
    at = datetime.now(UTC)
    for number, (key, holder, subject) in enumerate(issuers):
        forged = _minister(key, subject, at)
        pdf = signed(order_pdf(), Holder(forged[0], forged[1], Holder(holder, forged[1])), at=at)
        assert house.verdict(pdf, at)[0] is not Verdict.GREEN, number
        told = openssl(
            "verify", "-CAfile", pem(tmp_path / "root.pem", root),
            "-untrusted", pem(tmp_path / "others.pem", issuing, holder), pem(tmp_path / "minister.pem", forged[0]),
        )  # fmt: skip
        assert "OK" not in told, number
        assert "error" in told, number
    # The responder's certificate signs no letter.
    as_person = Holder(responder.certificate, responder.key, Holder(issuing, responder.key))
    assert house.verdict(signed(order_pdf(), as_person, at=at), at)[0] is Verdict.RED


def _holds_key(path: Path) -> bool:
    return path.is_file() and b"PRIVATE KEY-----" in path.read_bytes()


def _journal_secret(house: House) -> bytes:
    return derive_secret(house.made.settings.secret.get_secret_value(), "journal")


def _minister(key, issuer: x509.Name, at: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:  # type: ignore[no-untyped-def]
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Koffi Edem Agbényo, Ministre")])
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(name).public_key(own.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(at - timedelta(hours=1)).not_valid_after(at + timedelta(days=300))
    usage = dict.fromkeys(
        (
            "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only",
            "decipher_only",
        ),
        False,
    )  # fmt: skip
    usages = x509.KeyUsage(digital_signature=True, content_commitment=True, **usage)
    builder = builder.add_extension(usages, critical=True)
    digest = hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, digest), own


def test_a_revocation_counts_at_once_though_the_list_is_older(house: House, tmp_path: Path) -> None:
    done = house.ged("account", "key", "daf", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n{WORDS}\n")
    assert done.exit_code == 0, done.output
    certificate, at = house.certificate("daf"), datetime.now(UTC)
    pdf = house.signed_by("daf", at)
    assert house.verdict(pdf, at) == (Verdict.GREEN, "ok")
    told = house.ged("pki", "revoke", f"{certificate.serial_number:x}", "--reason", "keyCompromise")  # nobody types
    assert "certificate: revoked" in told.output
    assert "ged pki crl" in told.output
    assert not house.listed(certificate)
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert house.verdict(pdf, later) == (Verdict.RED, "revoked")
    answer = house.status_of(certificate, later)
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
    issuing = certificates_in(house.folder)[1]
    (tmp_path / "answer.der").write_bytes(answer.public_bytes(serialization.Encoding.DER))
    judged = openssl(
        "ocsp", "-respin", tmp_path / "answer.der", "-issuer", pem(tmp_path / "issuing.pem", issuing), "-sha256",
        "-cert", pem(tmp_path / "one.pem", certificate), "-CAfile", tmp_path / "issuing.pem", "-partial_chain",
        "-no_nonce", "-attime", int(later.timestamp()) + 1,
    )  # fmt: skip
    assert "Response verify OK" in judged, judged
    assert "revoked" in judged
    purposes = answer.certificates[0].extensions
    assert x509.ExtendedKeyUsageOID.OCSP_SIGNING in purposes.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert purposes.get_extension_for_class(x509.OCSPNoCheck)
    assert answer.certificates[0].not_valid_after_utc < later + timedelta(days=36)
    assert "list: good until" in house.ged("pki", "crl", typed=f"{WORDS}\n").output
    assert house.listed(certificate)


@pytest.mark.parametrize(("proven_after", "expected"), [(-1, Verdict.GREEN), (0, Verdict.RED), (1, Verdict.RED)])
def test_what_was_proven_before_a_revocation_stays_good(house: House, proven_after: int, expected: Verdict) -> None:
    der = house.certificate("sg").public_bytes(serialization.Encoding.DER)
    report = SignatureReport(
        "f", Verdict.GREEN, "ok", "sg", NOW, "B-T", 1,
        certificate=trace_of(asn1_x509.Certificate.load(der)), proven_at=NOW + timedelta(seconds=proven_after),
    )  # fmt: skip
    gone = HouseCertificates(house.folder, lambda serial, _digest: RevokedCertificate(serial, NOW))
    later = NOW + timedelta(days=1)
    assert gone.judged(report, later).verdict is expected
    assert gone.judged(report, later).proven_at is None
    unproven = replace(report, proven_at=None)
    assert gone.judged(unproven, NOW - timedelta(seconds=1)).verdict is Verdict.GREEN
    assert gone.judged(unproven, NOW).verdict is Verdict.RED


def test_a_renewal_waits_for_the_keeper_and_the_persons_key_stays(old: House) -> None:
    assert old.protect().exit_code == 0
    give_passwords(old.services)
    client = sign_in(build_app(old.services, old.made.settings), "sg")
    before, soon = old.certificate("sg"), datetime.now(UTC) + timedelta(days=30)
    with old.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(IssuedCertificate).values(expires_at=soon))
    for _ in range(2):  # asked twice, recorded once
        answer = post(client, "/cle/deverrouiller", {"passphrase": PASSPHRASE}, page="/cle/deverrouiller")
        assert answer.status_code == 303
        assert client.get_cookie("ged_key") is not None
        post(client, "/cle/verrouiller", {}, page="/cle/deverrouiller")
    assert old.certificate("sg") == before
    assert "renewals: 1 wait" in old.ged("pki", "status").output
    page = sign_in(build_app(old.services, old.made.settings), "admin").get("/administration/").get_data(as_text=True)
    assert "ged pki renewals" in page
    assert "ged pki protect" not in page

    refused = old.ged("pki", "renewals", typed=f"{WRONG}\n")
    assert (refused.exit_code, "authority.passphrase_wrong" in refused.output) == (1, True)
    assert old.certificate("sg") == before
    done = old.ged("pki", "renewals", typed=f"{WORDS}\n")
    assert done.exit_code == 0, done.output
    after = old.certificate("sg")
    assert (after.public_key(), after.serial_number == before.serial_number) == (before.public_key(), False)
    at = datetime.now(UTC)
    pdf = old.signed_by("sg", at)
    assert after.public_bytes(serialization.Encoding.DER).hex().encode() in pdf.lower()
    assert old.verdict(pdf, at) == (Verdict.GREEN, "ok")
    assert "none is asked for" in old.ged("pki", "renewals").output

    # The key's other certificate is revoked with a stolen key, and stays valid when only this one was superseded.
    with old.services.unit_of_work(at) as uow:
        certificates.revoke(uow, f"{before.serial_number:x}", reason="superseded", actor=SYSTEM)
    assert old.certificate("sg") == after
    old_again = _recertified(old)
    with old.services.unit_of_work(at) as uow:
        certificates.revoke(uow, f"{after.serial_number:x}", reason="keyCompromise", actor=SYSTEM)
    with old.services.reading() as session:
        rows = session.scalars(select(IssuedCertificate).where(IssuedCertificate.revoked_at.is_not(None))).all()
        live = session.scalars(select(SigningKey).where(SigningKey.revoked_at.is_(None))).all()
    assert old_again in {row.serial for row in rows}
    assert live == []


def _recertified(house: House) -> str:
    authority = Authority.open(house.folder, house.secret, passphrase=lambda: WORDS)
    services = build_services(house.made.settings, authority=authority)
    try:
        person = actor(services, "sg").person_id
        return keys.renew_key(services, person, actor=SYSTEM, now=datetime.now(UTC))
    finally:
        services.checker.close()
        services.engine.dispose()


def test_a_list_that_ends_is_told_in_time_and_its_end_breaks_nothing(old: House) -> None:
    assert old.protect().exit_code == 0
    assert old.ged("pki", "crl", "--days", 5, typed=f"{WORDS}\n").exit_code == 0
    assert "-> ged pki crl" in old.ged("pki", "status").output
    give_passwords(old.services)
    admin = sign_in(build_app(old.services, old.made.settings), "admin")
    assert "ged pki crl" in admin.get("/administration/").get_data(as_text=True)
    later = datetime.now(UTC) + timedelta(days=6)
    assert len(certificates.own_lists(old.services, now=later)) == 1  # the root's
    assert certificates.newest_list(old.services, "issuing", now=later) is not None
    late = old.status_of(old.certificate("sg"), later)
    assert late.response_status is ocsp.OCSPResponseStatus.TRY_LATER
    pdf = old.signed_by("sg", later)
    assert old.verdict(pdf, later) == (Verdict.GREEN, "ok")
    with old.services.unit_of_work(later) as uow:
        serial = f"{old.certificate('sg').serial_number:x}"
        certificates.revoke(uow, serial, reason="keyCompromise", actor=SYSTEM)
    assert old.verdict(pdf, later + timedelta(seconds=1)) == (Verdict.RED, "revoked")
    assert old.ged("pki", "crl", typed=f"{WORDS}\n").exit_code == 0
    assert "list: good until" in old.ged("pki", "status").output


@pytest.mark.real_cost
def test_each_try_costs_a_quarter_of_a_gigabyte_and_a_wrong_one_says_so(old: House) -> None:
    assert old.protect().exit_code == 0
    head = (old.folder / "issuing.key").read_bytes().partition(b"\n")[0]
    salt = base64.b64decode(head.removeprefix(b"GED-Argon2id: "))
    assert int.from_bytes(salt[2:6], "big") >= 256 * 1024  # KiB: the cost that is written into the salt
    assert (authority_key.COST.iterations, salt[1]) == (4, 4)
    told = old.ged("pki", "crl", typed=f"{WRONG}\n")
    assert (told.exit_code, "authority.passphrase_wrong" in told.output) == (1, True)
    assert "Type the passphrase of the authority again" in told.output


def test_the_passphrase_can_be_changed_and_the_old_one_opens_nothing(old: House) -> None:
    assert old.protect().exit_code == 0
    other = "une tout autre phrase du gardien"
    assert old.ged("pki", "protect", typed=f"{WRONG}\n{other}\n{other}\n").exit_code == 1
    assert "key.passphrase_short" in old.ged("pki", "protect", typed=f"{WORDS}\ncourt\ncourt\n").output
    done = old.ged("pki", "protect", typed=f"{WORDS}\n{other}\n{other}\n")
    assert done.exit_code == 0, done.output
    with pytest.raises(Invalid, match="authority.passphrase_wrong"):
        Authority.open(old.folder, old.secret, passphrase=lambda: WORDS)
    assert Authority.open(old.folder, old.secret, passphrase=lambda: other)


@pytest.mark.parametrize("cut", [b"GED-Argon2id: !!!", b"", b"garbage"])
def test_a_damaged_key_file_is_told_as_such(house: House, cut: bytes, tmp_path: Path) -> None:
    for name in ("root.pem", "issuing.pem"):
        (tmp_path / name).write_bytes((house.folder / name).read_bytes())
    body = (house.folder / "issuing.key").read_bytes().partition(b"\n")[2]
    (tmp_path / "issuing.key").write_bytes(cut + b"\n" + body)
    assert is_protected(tmp_path)
    with pytest.raises(GedError, match="authority.key_damaged"):
        Authority.open(tmp_path, house.secret, passphrase=lambda: WORDS)


def test_a_passphrase_from_an_open_file_stands_in_no_argument_environment_log_or_file(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for words, code in ((WRONG, 1), (WORDS, 0)):
        reading, writing = os.pipe()
        command = [str(GED), "pki", "crl", "--passphrase-fd", str(reading)]
        with subprocess.Popen(
            command, env=house.made.environment(), pass_fds=[reading], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            os.close(reading)
            os.write(writing, f"{words}\n".encode())
            os.close(writing)
            seen = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
            output, _ = process.communicate(timeout=120)
        assert process.returncode == code, output
        assert words.encode() not in seen
        assert words not in output
    with caplog.at_level(logging.DEBUG):
        for words in (WRONG, WORDS):
            assert words not in house.ged("pki", "crl", typed=f"{words}\n").output
            assert words not in "\n".join(map(str, os.environ.items()))
    logged = caplog.text
    for words in (WRONG, WORDS, ROOT_WORDS):
        assert words not in logged
        spellings = [one for code_ in SPELT_IN for one in _spellings(words.encode(code_))]
        for path in filter(Path.is_file, house.made.folder.rglob("*")):
            content = path.read_bytes()
            assert not [one for one in spellings if one in content], path
    short = run("pki", "crl", "--passphrase-fd", "0", env=house.made.environment())
    assert (short.returncode, "is missing" in short.stderr) == (2, True)


def _spellings(secret: bytes) -> list[bytes]:
    return [secret, base64.b64encode(secret).rstrip(b"="), secret.hex().encode()]


def test_a_new_authority_for_real_letters_asks_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Installation.make(tmp_path)
    monkeypatch.setenv("GED_ENV_FILE", str(made.env_file))
    typed = f"{WORDS}\n{WORDS}\n{ROOT_WORDS}\n{ROOT_WORDS}\n"
    told = CliRunner().invoke(main, ["pki", "init", "M", "--root", str(tmp_path / "medium")], input=typed)
    assert told.exit_code == 0, told.output
    assert is_protected(authority_dir(made.settings))
    standing = published.standing(authority_dir(made.settings))
    assert standing is not None
    assert (standing.is_protected, standing.ends_soon(datetime.now(UTC))) == (True, False)
    made.close()
