"""The code on a signed letter, from the print to the public page: what a stranger learns, and what not."""

import dataclasses
import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from click.testing import CliRunner
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import delete, event, select

from ged.org import certificates, throttle
from ged.org.models import Bucket, IssuedCertificate, Person
from ged.paper import public
from ged.paper.public import FileState, PublicState
from ged.ports import Digest, TokenState, Verdict
from ged.register.models import Attachment
from ged.register.operations import void_number
from ged.signbook import queries
from ged.signbook.models import SignedRevision
from ged.signed_codes import operations as signed_codes
from ged.signed_codes import queries as codes_kept
from ged.signed_codes.models import LetterToken
from ged.unit import SYSTEM
from signing.payload import PayloadSealer
from tests.factories import NOW, SECRET, TODAY
from tests.judges import verapdf
from tests.signbook_kit import House, house, make_institution
from tests.signing_kit import changed, institution, page_content, pdfsig
from tests.site import give_passwords, open_site, sign_in
from web.commands import main
from web.views.signbook import check

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)
DPI = 200


def bytes_of(house: House, digest: str) -> bytes:
    with house.services.blobs.open(Digest(digest)) as stored:
        return stored.read()


def signed(house: House) -> tuple[int, bytes, str]:
    """A letter with a code: its id, its file, the contents of the code."""
    make_institution(house)
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    with house.services.reading() as session:
        digest = session.get_one(Attachment, house.show(mail_id, "sg").signed_id).digest
        payload = session.get_one(LetterToken, mail_id).payload
    assert digest is not None
    return mail_id, bytes_of(house, digest), payload


def scanned(pdf: bytes, folder: Path, *, dpi: int = DPI) -> str:
    (folder / "print.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-r", str(dpi), "-gray", "-png", "-singlefile", "print.pdf", "print"]
    subprocess.run(command, cwd=folder, check=True)
    (code,) = zxingcpp.read_barcodes(Image.open(folder / "print.png"))
    return str(code.text)


def test_the_print_read_at_200_dpi_proves_the_letter_offline(house: House, tmp_path: Path) -> None:
    mail_id, pdf, payload = signed(house)
    text = scanned(pdf, tmp_path)
    assert text == signed_codes.address(house.services.public_url, payload)
    assert text.startswith("HTTP://127.0.0.1:8000/V/")
    with house.services.reading() as session:
        keys = codes_kept.published_keys(session)
        kept = session.get_one(LetterToken, mail_id)
        number = house.show(mail_id, "sg").number
    found = PayloadSealer().check(text, keys)
    assert found.facts is not None
    assert found.state is TokenState.PROVEN
    assert (found.facts.number, found.facts.on, found.facts.signer) == (number, TODAY, "Sg")
    assert found.facts.digest == kept.unsigned_sha256
    # The digest is that of the letter before mark and signature: of the file's first bytes.
    assert hashlib.sha256(pdf[: pdf.index(b"%%EOF\n") + 6]).hexdigest() == kept.unsigned_sha256
    assert pdfsig(pdf, tmp_path) == ["Signature is Valid."]
    assert house.services.checker.check(pdf, at=NOW)[0].verdict is Verdict.GREEN
    (verdict,) = verapdf.check([tmp_path / "print.pdf"])
    assert (verdict.flavour, verdict.compliant) == ("2b", True), verdict.failures


def test_the_command_knows_the_keys_of_its_own_installation(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pdf, payload = signed(house)
    (tmp_path / "lettre.pdf").write_bytes(pdf)
    (tmp_path / "ged.env").write_text(f"GED_DATA_DIR={house.services.data_dir}\nGED_SECRET={SECRET}\n")
    monkeypatch.setenv("GED_ENV_FILE", str(tmp_path / "ged.env"))

    def told(code: str) -> tuple[int, str]:
        asked = ["token", "verify", code, "--json", "--file", str(tmp_path / "lettre.pdf")]
        result = CliRunner().invoke(main, asked)
        return result.exit_code, json.loads(result.output)["state"]

    assert told(payload) == (0, "proven")
    assert told(payload[:-4] + ("AAAA" if payload[-4:] != "AAAA" else "BBBB"))[0] == 1


@pytest.mark.long("the code of another kind of key; one is read at 200 dpi in the test beside it")
def test_the_long_code_of_an_rsa_key_is_read_too(house: House, tmp_path: Path) -> None:

    key = institution("rsa")
    house.services = dataclasses.replace(house.services, tokens=PayloadSealer(lambda: key))
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    with house.services.reading() as session:
        digest = session.get_one(Attachment, house.show(mail_id, "sg").signed_id).digest
        payload = session.get_one(LetterToken, mail_id).payload
    assert digest is not None
    assert scanned(bytes_of(house, digest), tmp_path).endswith(payload)


def test_without_a_seal_the_letter_is_signed_without_a_code_and_its_digest_is_kept(house: House) -> None:
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    with house.services.reading() as session:
        row = codes_kept.of_letter(session, mail_id)
        assert codes_kept.published_keys(session) == ()
        digest = session.get_one(Attachment, house.show(mail_id, "sg").signed_id).digest
    assert row is not None
    assert (row.payload, len(row.unsigned_sha256)) == ("", 64)
    assert digest is not None
    assert b"/Code" not in bytes_of(house, digest)


def test_two_letters_share_no_token_and_one_key_is_published(house: House) -> None:
    first, _, one = signed(house)
    second = house.ready()
    house.sign(second, key=house.key("sg"))
    with house.services.reading() as session:
        other = session.get_one(LetterToken, second).payload
        assert len(codes_kept.published_keys(session)) == 1
    read = PayloadSealer().read
    facts, others = read(one), read(other)
    assert facts is not None
    assert others is not None
    assert facts.token != others.token
    assert first != second


def test_all_revisions_that_we_issued_are_known_and_nothing_else(house: House) -> None:
    mail_id, pdf, payload = signed(house)
    later = pdf + b"\n% proof added\n%%EOF\n"
    digest = hashlib.sha256(later).hexdigest()

    def state(content: bytes) -> FileState:
        answer = public.compare(house.services, payload, hashlib.sha256(content).hexdigest())
        assert answer is not None
        return answer[1]

    assert state(pdf) is FileState.AS_ISSUED
    with house.services.unit_of_work(NOW) as uow:
        first = uow.session.get_one(SignedRevision, (mail_id, 1))
        uow.session.add(
            SignedRevision(
                mail_id=mail_id, sequence=2, digest=digest, attachment_id=first.attachment_id, level="B-T", at=NOW
            )
        )
    assert state(later) is FileState.AS_ISSUED
    assert state(pdf) is FileState.EARLIER
    assert state(changed(pdf, page_content(pdf)[10])) is FileState.OTHER
    assert state(later + b"\n") is FileState.OTHER
    assert state(pdf[: pdf.index(b"%%EOF\n") + 6]) is FileState.UNSIGNED


def test_a_voided_number_and_a_revoked_certificate_are_told(house: House) -> None:
    mail_id, _, payload = signed(house)
    found = public.find(house.services, payload)
    assert found is not None
    assert (found.number, found.on, found.signer) == ("00001/2026/MIN/SG", TODAY, "Sg")
    assert (found.title, found.capacity, found.state) == ("Le Poste SG-T", "", PublicState.ISSUED)
    with house.services.unit_of_work(NOW + timedelta(days=1)) as uow:
        serial = uow.session.scalars(select(IssuedCertificate.serial).join(Person).where(Person.account == "sg")).one()
        certificates.revoke(uow, serial, reason="keyCompromise", actor=SYSTEM)
    revoked = public.find(house.services, payload)
    assert revoked is not None
    assert (revoked.state, revoked.since) == (PublicState.REVOKED, NOW + timedelta(days=1))
    with house.services.unit_of_work(NOW + timedelta(days=2)) as uow:
        void_number(uow, mail_id, reason="Émis par erreur", actor=house.who("agent"), now=uow.now)
    voided = public.find(house.services, payload)
    assert voided is not None
    assert (voided.state, voided.since) == (PublicState.VOIDED, NOW + timedelta(days=2))


# --- the page ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stranger(house: House, tmp_path: Path) -> FlaskClient:
    """A browser without an account. Requests of earlier tests do not count."""
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(delete(Bucket))
    return open_site(tmp_path, house.services).test_client()


def test_a_stranger_learns_number_date_signer_and_no_more(house: House, stranger: FlaskClient) -> None:
    mail_id, pdf, payload = signed(house)
    answer = stranger.get(f"/V/{payload}")
    assert answer.status_code == 200
    for told in ("00001/2026/MIN/SG", "24 novembre 2026", "Sg", "Le Poste SG-T", "a bien été émis"):
        assert told in answer.text
    for secret in ("raccordement", "Compagnie", "financières", f'/{mail_id}"', "/courriers", "/parapheur"):
        assert secret not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert stranger.get(f"/v/{payload.lower()}").status_code == 200
    same = stranger.post(f"/V/{payload}", data={"file": (BytesIO(pdf), "../../etc/x.pdf")})
    assert "exactement celui qui a été émis" in same.text
    assert hashlib.sha256(pdf).hexdigest() in same.text
    other = stranger.post(f"/V/{payload}", data={"file": (BytesIO(pdf + b" "), "<script>.pdf")})
    assert "n'est pas celui qui a été émis" in other.text
    assert "&lt;script" not in other.text


def test_whatever_is_no_code_of_ours_gets_one_answer_after_the_same_work(house: House, stranger: FlaskClient) -> None:
    mail_id, _, payload = signed(house)
    foreign = PayloadSealer().read(payload)
    assert foreign is not None
    make_institution(house)  # another key: the seal was renewed
    assert house.services.tokens is not None

    altered = house.services.tokens.seal(dataclasses.replace(foreign, number="00009/2026/MIN/SG"))
    never = house.services.tokens.seal(dataclasses.replace(foreign, token=bytes(16)))
    assert altered is not None
    assert never is not None
    texts = [
        "00001/2026/MIN/SG",
        "00001-2026",
        str(mail_id),
        payload[:-8],
        altered.text,
        never.text,
        "A" * 5000,
        "é%00",
    ]
    counted: list[str] = []
    event.listen(house.services.engine, "before_cursor_execute", lambda c, k, sql, *_: counted.append(sql))
    answers = set()
    for text in texts:
        stranger.get("/V/X")  # now the ministry's name is read, and the address is counted
        counted.clear()
        answer = stranger.get("/V/" + text.replace("/", "-"))
        # The link to the other language keeps what the visitor typed: this reveals nothing.
        body = re.sub(r"\s+", " ", re.sub(r'href="/langue/[^"]*"', "", answer.text))
        answers.add((answer.status_code, hashlib.sha256(body.encode()).hexdigest(), tuple(counted)))
    assert len(answers) == 1
    ((status, _, queries_made),) = answers
    assert status == 404
    assert sum("letter_tokens" in sql for sql in queries_made) == 1
    assert stranger.get(f"/V/{payload}").status_code == 200, "the old key's codes stay good"


def test_a_code_is_pasted_with_its_address_or_without(house: House, stranger: FlaskClient) -> None:
    _, _, payload = signed(house)
    for text in (payload, f"  HTTP://127.0.0.1:8000/V/{payload}\n", f"{payload[:100]}\r\n{payload[100:]}"):
        answer = stranger.post("/verifier", data={"code": text})
        assert answer.status_code == 303
        assert answer.location.endswith(f"/V/{payload}")
    assert stranger.post("/verifier", data={"code": " "}).status_code == 422
    assert stranger.post("/verifier", data={"code": "A" * 20_000}).status_code == 413
    assert stranger.get("/verifier").status_code == 200


def test_asking_and_uploading_too_often_is_stopped(house: House, stranger: FlaskClient) -> None:
    def ask() -> int:
        return stranger.get("/V/NOTHING").status_code

    def upload() -> int:
        return stranger.post("/V/NOTHING", data={"file": (BytesIO(b"x"), "x")}).status_code

    for limit, act in ((check.LOOKUPS, ask), (check.UPLOADS, upload)):
        assert act() == 404
        with house.services.unit_of_work(datetime.now(UTC)) as uow:
            for _ in range(2 * limit.burst):
                throttle.add(uow.session, limit, limit.subject("127.0.0.1"), now=uow.now)
        assert act() == 429
    other = stranger.get("/V/NOTHING", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert other.status_code == 404


def test_an_upload_is_limited_and_leaves_nothing(
    house: House, stranger: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, _, payload = signed(house)
    monkeypatch.setattr(check, "MAX_FILE_BYTES", 200_000)
    written = tmp_path / "temporary"
    written.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(written))
    blobs = sorted(digest for digest, _ in house.services.blobs.digests())
    large = stranger.post(f"/V/{payload}", data={"file": (BytesIO(bytes(400_000)), "x.pdf")})
    assert large.status_code == 422
    assert "dépasse la taille" in large.text
    assert "00001/2026/MIN/SG" in large.text
    assert stranger.post(f"/V/{payload}", data={}, content_type="multipart/form-data").status_code == 422
    assert stranger.post(f"/V/{payload}", data={"file": (BytesIO(bytes(190_000)), "x")}).status_code == 200
    assert list(written.iterdir()) == []
    assert sorted(digest for digest, _ in house.services.blobs.digests()) == blobs


def test_the_institution_s_keys_are_published_and_the_letter_s_page_leads_there(
    house: House, stranger: FlaskClient, tmp_path: Path
) -> None:

    mail_id, _, payload = signed(house)
    answer = stranger.get("/pki/jetons.pem")
    assert answer.data.count(b"BEGIN CERTIFICATE") == 2
    assert PayloadSealer().check(payload, [answer.text]).state is TokenState.PROVEN
    give_passwords(house.services)
    page = sign_in(stranger.application, "sg").get(f"/parapheur/{mail_id}").text
    assert f"/V/{payload}" in page
    with house.services.reading() as session:
        assert session.get_one(LetterToken, mail_id).unsigned_sha256 in page
        assert len(list(queries.issued_letters(session))) == 1
