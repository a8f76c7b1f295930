"""The CMS object that is joined from fixed parts, as pyHanko and the openssl program read it."""

import dataclasses
import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import Encoding

from signing.appearance import _kept
from signing.cms import CmsTemplate
from signing.examine_cms import signed_data_of
from signing.keys import unseal
from signing.pades import PadesSigner, _KeySigner
from signing.revision import with_gap
from signing.stamp import text_appearance
from tests.signing_kit import NOW, SENDER, page_pdf, request, unlocked, vault

pytestmark = pytest.mark.in_turns(3)

DIGEST = bytes(range(32))


@pytest.fixture(params=[3072, None], ids=["rsa-3072", "p-256"])
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> _KeySigner:
    opened = unlocked(vault(tmp_path / "authority", rsa_bits=request.param))
    key = unseal(opened.sealed, opened.cookie_key, now=NOW)
    (tmp_path / "chain.pem").write_bytes(b"".join(link.public_bytes(Encoding.PEM) for link in key.chain))
    return _KeySigner(key)


def test_another_reader_finds_every_part_and_the_encoding_is_the_distinguished_one(signer: _KeySigner) -> None:
    attributes = signer.template.attributes(DIGEST)
    whole = signer.template.signed(attributes, signer.sign(attributes), token=b"")
    content = cms.ContentInfo.load(whole, strict=True)
    info = content["content"]["signer_infos"][0]
    found = {one["type"].native: one["values"] for one in info["signed_attrs"]}
    assert set(found) == {"content_type", "message_digest", "signing_certificate_v2", "cms_algorithm_protection"}
    assert found["message_digest"][0].native == DIGEST
    assert info["signed_attrs"].untag().dump(force=True) == attributes
    assert content.copy().dump(force=True) == whole
    assert len(content["content"]["certificates"]) == 2


def test_openssl_accepts_the_object_over_its_digest_and_no_other(signer: _KeySigner, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"a letter")
    attributes = signer.template.attributes(hashlib.sha256(b"a letter").digest())
    (tmp_path / "signature.der").write_bytes(signer.template.signed(attributes, signer.sign(attributes)))
    command = [
        "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature.der", "-content", "content",
        "-CAfile", "chain.pem", "-no_check_time", "-partial_chain", "-purpose", "any", "-out", "read",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "content").write_bytes(b"another letter")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode != 0


def test_lengths_of_two_and_three_bytes_are_the_shortest(signer: _KeySigner) -> None:
    attributes = signer.template.attributes(DIGEST)
    for size in (0, 127, 128, 255, 256, 70_000):
        token = cms.ContentInfo({"content_type": "data", "content": bytes(size)}).dump()
        whole = signer.template.signed(attributes, bytes(size), token)
        info = cms.ContentInfo.load(whole, strict=True)["content"]["signer_infos"][0]
        assert info["signature"].native == bytes(size)
        assert info["unsigned_attrs"][0]["values"][0].dump() == token


def test_the_template_holds_no_key(signer: _KeySigner) -> None:
    assert isinstance(signer.template, CmsTemplate)
    assert not any("rivateKey" in type(value).__name__ for value in vars(signer.template).values())


def test_a_mark_is_read_once_and_put_into_every_letter_under_its_own_numbers(tmp_path: Path) -> None:
    key = unlocked(vault(tmp_path / "authority"))
    asked = request(SENDER)
    pages = [page_pdf(one) for one in ("Un", "Deux", "Une lettre dont les objets ont d'autres numéros : " + "x " * 500)]
    _kept.cache_clear()  # an earlier test of this process may have cached an equal mark
    before = _kept.cache_info()
    for page in pages:  # as the child does, whose cache nobody sees from here
        with_gap(page, asked, digest="sha256", hex_digits=4000)
    after = _kept.cache_info()
    signer = PadesSigner()
    letters = [signer.sign(page, asked, sealed=key.sealed, cookie_key=key.cookie_key, now=NOW).pdf for page in pages]
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
    for n, letter in enumerate(letters):
        path = tmp_path / f"{n}.pdf"
        path.write_bytes(letter)
        checked = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, timeout=60, check=False)
        assert checked.returncode == 0, checked.stdout
        shown = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, timeout=60, check=True)
        assert "AMAVI Kossi" in shown.stdout.decode()


def test_a_mark_as_large_as_a_book_is_not_kept() -> None:
    kept = _kept.cache_info().currsize
    page = text_appearance(["x"], 200, 60)
    large = page + b"\n%" + b" " * (1 << 18) + b"\n" + page[page.rindex(b"startxref") :]
    asked = dataclasses.replace(request(SENDER), appearance_pdf=large)
    with_gap(page_pdf(), asked, digest="sha256", hex_digits=4000)
    assert _kept.cache_info().currsize == kept


def test_an_armour_quoted_by_the_signed_text_is_not_the_signature() -> None:
    quoted = b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n"
    data = cms.ContentInfo(
        {"content_type": "signed_data", "content": cms.SignedData(
            {"version": "v1", "digest_algorithms": [], "signer_infos": [],
             "encap_content_info": {"content_type": "data", "content": quoted}})}
    ).dump()  # fmt: skip
    assert signed_data_of(data)["encap_content_info"]["content"].native == quoted


def test_an_armour_without_an_end_is_no_signature_and_costs_no_time():
    begun = time.process_time()
    with pytest.raises(ValueError, match="cut off"):
        signed_data_of(b"-----BEGIN PKCS7-----" * 50_000)
    assert time.process_time() - begun < 1
