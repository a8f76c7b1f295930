"""A person's key in a token of their own (SoftHSM): attached, opened by its PIN, removed, used for a batch."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pkcs11
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from sqlalchemy import select, text, update

from ged.codes import derive_secret
from ged.errors import ConfigError, EngineFailed, Invalid
from ged.org import keys
from ged.org.models import CertificateKind, IssuedCertificate, SigningKey
from ged.ports import CertifiedPerson, Digest, KeyVault, TokenPlace, Verdict
from ged.slips import operations, receive
from ged.slips.drafting import LineForm
from ged.slips.receive import Decision
from ged.slips.states import LineState
from ged.unit import SYSTEM, Services
from signing.keys import LocalVault, unseal
from signing.pki import Authority
from signing.tokens import TokenKey
from tests import slip_kit
from tests.cheap_cost import FAST
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.servers.softhsm import SoftToken
from tests.signbook_kit import House, make_house
from tests.signing_kit import pdfsig
from tests.site import make_site, post, sign_in
from web.commands import main

pytestmark = pytest.mark.in_turns(3)

KEY = derive_secret(SECRET, "keystore")
WRONG = "904112883056"
PLACE = TokenPlace("seal", "visa de M. AMAVI")
PERSON = CertifiedPerson("AMAVI Kossi", "SG", "MEF", "")


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    return SoftToken(tmp_path / "hsm", monkeypatch)


def vault_of(folder: Path, token: SoftToken | None) -> LocalVault:
    return LocalVault(folder / "authority", KEY, cost=FAST, token_module=token.module if token else None)


def attached(services: Services, account: str, pin: str, **given: str) -> None:
    with services.unit_of_work(NOW) as uow:
        keys.attach_token(uow, actor(services, account).person_id, PLACE, pin, actor=SYSTEM, **given)


@pytest.fixture
def house(tmp_path: Path, token: SoftToken) -> Iterator[House]:
    """The signature book. The signatory's key is in a token."""
    made = make_house(tmp_path)
    made.services = dataclasses.replace(made.services, vault=vault_of(tmp_path, token))
    token.make_ec(PLACE.label, "secp256r1")
    attached(made.services, "sg", token.pin)
    yield made
    made.services.engine.dispose()


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_a_key_in_a_token_is_certified_by_our_own_authority(tmp_path: Path, token: SoftToken, kind: str) -> None:
    curves = {"p256": "secp256r1", "p384": "secp384r1"}
    public = token.make_ec(PLACE.label, curves[kind]) if kind in curves else token.make_rsa(PLACE.label)
    Authority.create(tmp_path / "authority", KEY, "Ministère", NOW)
    vault: KeyVault = vault_of(tmp_path, token)
    stored = vault.certify_token(PLACE, token.pin, PERSON, now=NOW)
    certificate = x509.load_pem_x509_certificate(stored.certificate_pem.encode())
    assert certificate.public_key() == public
    assert stored.is_in_token
    assert vault.place(stored) == PLACE
    opened = vault.unlock(stored, token.pin, now=NOW)
    key = unseal(opened.sealed, opened.cookie_key, now=NOW)
    assert isinstance(key, TokenKey)
    assert opened.expires_at == NOW + timedelta(minutes=5)
    for shown in (repr(key), repr(stored), repr(opened), stored.keystore.decode()):
        assert token.pin not in shown


def test_a_certificate_of_an_accredited_authority_must_be_that_of_the_key(tmp_path: Path, token: SoftToken) -> None:
    other = Authority.create(tmp_path / "other", KEY, "Autorité accréditée", NOW)
    Authority.create(tmp_path / "authority", KEY, "Ministère", NOW)
    vault = vault_of(tmp_path, token)
    public = token.make_ec(PLACE.label)

    def chain(key: object) -> str:
        made = other.certify(key, PERSON, now=NOW)  # type: ignore[arg-type]
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in (made, other.certificate))

    stored = vault.attach(PLACE, token.pin, chain_pem=chain(public), now=NOW)
    opened = vault.unlock(stored, token.pin, now=NOW)
    assert [one.subject for one in unseal(opened.sealed, opened.cookie_key, now=NOW).chain][1] == (
        other.certificate.subject
    )
    stranger = ec.generate_private_key(ec.SECP384R1()).public_key()
    for given, pin, code in (
        (chain(stranger), token.pin, "key.token_mismatch"),
        (chain(public), WRONG, "key.passphrase_wrong"),
        ("nichts", token.pin, "key.file_unreadable"),
    ):
        with pytest.raises(Invalid) as refused:
            vault.attach(PLACE, pin, chain_pem=given, now=NOW)
        assert refused.value.code == code
    with pytest.raises(EngineFailed, match=r"key\.unreachable"):
        vault.attach(TokenPlace("seal", "autre"), token.pin, chain_pem=chain(public), now=NOW)
    with pytest.raises(ConfigError, match=r"key\.no_module"):
        vault_of(tmp_path, None).unlock(stored, token.pin, now=NOW)


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        (pkcs11.TokenFlag.USER_PIN_FINAL_TRY, "key.token_last_try"),
        (pkcs11.TokenFlag.USER_PIN_LOCKED, "key.token_locked"),
    ],
)
def test_the_last_try_of_a_token_is_never_taken_from_here(
    tmp_path: Path, token: SoftToken, monkeypatch: pytest.MonkeyPatch, flag: pkcs11.TokenFlag, code: str
) -> None:
    token.make_ec(PLACE.label)
    Authority.create(tmp_path / "authority", KEY, "Ministère", NOW)
    vault = vault_of(tmp_path, token)
    stored = vault.certify_token(PLACE, token.pin, PERSON, now=NOW)
    monkeypatch.setattr(TokenKey, "flags", lambda self: flag)
    monkeypatch.setattr(TokenKey, "sign", lambda *_: pytest.fail("the token was asked"))
    with pytest.raises(Invalid) as refused:
        vault.unlock(stored, token.pin, now=NOW)
    assert refused.value.code == code


@pytest.mark.long("a batch in SoftHSM; one letter in a token is signed in the tests beside it")
def test_a_batch_of_letters_is_signed_in_the_token_ten_by_ten(house: House) -> None:
    """In the way the browser does it."""
    with house.services.reading() as session:
        stored = keys.load_key(session, house.who("sg").person_id)
    opened = house.services.vault.unlock(stored, SoftToken.pin, now=NOW)
    letters = [house.ready() for _ in range(11)]
    done = [*house.sign(*letters[:10], key=opened), *house.sign(*letters[10:], key=opened)]
    assert [one.failure for one in done] == [None] * 11
    assert house.signer.signed == 11
    with house.services.reading() as session:
        found = session.execute(text("SELECT digest FROM signed_revisions")).scalars().all()
    assert len(set(found)) == 11
    with house.services.blobs.open(found[0]) as content:
        (report,) = house.services.checker.check(content.read(), at=NOW)
    assert (report.verdict, report.reason) == (Verdict.GREEN, "ok")


def test_a_token_that_is_pulled_out_fails_the_rest_which_is_signed_when_it_is_back(
    house: House, token: SoftToken
) -> None:
    with house.services.reading() as session:
        stored = keys.load_key(session, house.who("sg").person_id)
    opened = house.services.vault.unlock(stored, token.pin, now=NOW)
    first, second = house.ready(), house.ready()
    assert house.sign(first, key=opened)[0].failure is None
    token.taken_out()
    (failed,) = house.sign(second, key=opened)
    assert failed.failure is not None
    assert failed.failure.code == "key.unreachable"
    token.plugged_in()
    (again,) = house.sign(second, key=opened)
    assert (again.failure, again.number) == (None, failed.number)


def test_a_slip_is_signed_at_both_ends_in_tokens(tmp_path: Path, token: SoftToken) -> None:
    made = make_services(tmp_path)
    make_organisation(made)
    services = dataclasses.replace(made, vault=vault_of(tmp_path, token))
    token.make_ec(PLACE.label, "secp256r1")
    opened = {}
    for account in ("agent", "dge"):
        attached(services, account, token.pin)
        with services.reading() as session:
            stored = keys.load_key(session, actor(services, account).person_id)
        opened[account] = services.vault.unlock(stored, token.pin, now=NOW)
    line = LineForm("Rapport d'inspection", mail_id=slip_kit.letter(services))
    (sent,) = operations.issue(
        services, slip_kit.form(services, line), key=opened["agent"], actor=actor(services, "agent"), now=NOW
    )
    assert sent.failure is None
    receive.receive(
        services, sent.slip_id, {1: Decision(LineState.RECEIVED, "")}, key=opened["dge"],
        actor=actor(services, "dge"), now=NOW,
    )  # fmt: skip
    pdf = slip_kit.stored_pdf(services, sent.slip_id)
    assert pdfsig(pdf, tmp_path) == ["Signature is Valid."] * 2
    issued = [Digest(one.digest) for one in slip_kit.slip(services, sent.slip_id).revisions]
    first, second = services.checker.check(pdf, at=NOW, issued=issued)
    assert [(one.verdict, one.reason) for one in (first, second)] == [
        (Verdict.GREEN, "countersigned"), (Verdict.GREEN, "ok"),
    ]  # fmt: skip
    services.checker.close()
    services.engine.dispose()


@pytest.fixture
def site(tmp_path: Path, token: SoftToken) -> Iterator[tuple[Flask, Services]]:
    made = make_services(tmp_path)
    services = dataclasses.replace(made, vault=vault_of(tmp_path, token))
    app, services = make_site(tmp_path, services=services)
    token.make_ec(PLACE.label, "secp256r1")
    attached(services, "sg", token.pin)
    yield app, services
    services.engine.dispose()


def test_the_page_asks_for_the_pin_counts_wrong_ones_and_writes_none_down(
    site: tuple[Flask, Services], token: SoftToken, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    app, services = site
    client, path = sign_in(app, "sg"), "/cle/deverrouiller"
    assert "Code PIN de votre jeton" in client.get(path).text

    def tried(pin: str) -> str:
        answer = post(client, path, {"passphrase": pin, "next": "/"}, page=path)
        return "ouverte" if answer.status_code == 303 else answer.text.replace("&#39;", "'")

    assert "essais restants : 4" in tried(WRONG)
    token.taken_out()
    assert "ne répond pas" in tried(token.pin)
    token.plugged_in()
    with services.reading() as session:
        assert session.scalar(select(SigningKey.failed_tries)) == 1  # an absent token uses up no attempt
    assert tried(token.pin) == "ouverte"
    with services.reading() as session:
        assert session.scalar(select(SigningKey.failed_tries)) == 0
    for _ in range(5):
        tried(WRONG)
    assert "la clé attend" in tried(token.pin)
    assert "Phrase secrète" in sign_in(app, "dge").get(path).text

    written = caplog.text + "".join(
        one.read_bytes().decode("latin-1")
        for folder in ("ged.sqlite3", "ged.sqlite3-wal", "run")
        for one in ([tmp_path / folder] if (tmp_path / folder).is_file() else (tmp_path / folder).rglob("*"))
        if one.is_file()
    )
    assert PLACE.label.replace(" ", "%20") in written
    for pin in (token.pin, WRONG):
        assert pin not in written


def test_the_certificate_of_a_token_is_renewed_in_the_token(site: tuple[Flask, Services], token: SoftToken) -> None:
    app, services = site
    soon = datetime.now(UTC) + timedelta(days=30)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(IssuedCertificate).where(IssuedCertificate.kind == CertificateKind.PERSON).values(expires_at=soon)
        )
    client, path = sign_in(app, "sg"), "/cle/deverrouiller"
    assert post(client, path, {"passphrase": token.pin, "next": "/"}, page=path).status_code == 303
    with services.reading() as session:
        rows = session.scalars(select(SigningKey).order_by(SigningKey.id)).all()
        assert [(one.revoked_at is None, one.keystore.startswith(b"pkcs11:")) for one in rows] == [
            (False, True), (True, True),
        ]  # fmt: skip
        assert rows[0].certificate_pem != rows[1].certificate_pem


def test_the_commands(tmp_path: Path, token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "ged.env"
    data = tmp_path / "data"
    settings.write_text(f"GED_DATA_DIR={data}\nGED_SECRET={SECRET}\n")
    monkeypatch.setenv("GED_ENV_FILE", str(settings))

    def ged(*arguments: object, words: str = "") -> str:
        return CliRunner().invoke(main, [str(one) for one in arguments], input=words).output

    assert "key.no_module" in ged("keys", "tokens")
    settings.write_text(f"{settings.read_text()}GED_KEY_MODULE={token.module}\n")
    assert ged("keys", "tokens") == "seal\n"
    token.make_ec(PLACE.label)
    data.mkdir()
    services = make_services(data)
    _, services = make_site(data, services=services)
    services.engine.dispose()
    place = ("--token", "seal", "--label", PLACE.label)
    told = ged("keys", "attach", "sg", *place, words=f"{WRONG}\n")
    assert "key.passphrase_wrong" in told
    told = ged("keys", "attach", "sg", *place, words=f"{token.pin}\n")
    assert "key: attached" in told
    assert token.pin not in told
    assert "token  until" in ged("keys", "list")
    assert "person.unknown" in ged("keys", "attach", "personne", *place, words=f"{token.pin}\n")
