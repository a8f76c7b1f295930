"""``ged signatures``: JSON lines about files, without any installation; CMS files."""

import asyncio
import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from asn1crypto import cms
from pyhanko.sign import signers
from pyhanko.sign.signers.pdf_cms import CMSSignedAttributes

from tests.checker_kit import checker, ministry
from tests.pki_kit import NOW, YEAR, Ministry, crl, order_pdf, signed, updated, with_empty_field
from tests.started import run

__all__ = ["checker", "ministry"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

DIGESTED = b"Monsieur le Ministre, ...\r\n"


def _cms(content, *who, detached=False, pem=False):
    """A CMS file; with several signers, their signatures are independent of each other."""
    made = [asyncio.run(_signed_by(one, content, detached)) for one in who]
    whole = made[0]
    for other in made[1:]:
        whole["content"]["signer_infos"].append(other["content"]["signer_infos"][0])
        for certificate in other["content"]["certificates"]:
            whole["content"]["certificates"].append(certificate)
    der = whole.dump(force=True)
    if not pem:
        return der
    return b"-----BEGIN PKCS7-----\n" + base64.encodebytes(der) + b"-----END PKCS7-----\n"


async def _signed_by(who, content, detached):
    signer = signers.SimpleSigner(who.asn1, who.asn1_key, who.store)
    attributes = CMSSignedAttributes(signing_time=NOW)
    return await signer.async_sign_general_data(content, "sha256", detached=detached, signed_attr_settings=attributes)


def _ged(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty folder, without our settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GED_")}
    return run("signatures", *arguments, cwd=folder, env=environment)


def test_one_line_a_file_without_an_installation(ministry, tmp_path):
    whole = signed(with_empty_field(order_pdf()), ministry.signer, stamper=ministry.stamps(NOW))
    files = {
        "sound.pdf": whole,
        "again.pdf": signed(whole, ministry.signer, name="second"),
        "changed.pdf": updated(whole, lambda writer: writer.root.__delitem__("/Pages") or writer.update_root()),
        "plain.pdf": order_pdf(),
        "note.txt": b"nothing signed",
        "letter.p7m": _cms(DIGESTED, ministry.signer),
        "lettre.txt": DIGESTED,
        "lettre.txt.p7s": _cms(DIGESTED, ministry.signer, detached=True),
        "alone.p7s": _cms(DIGESTED, ministry.signer, detached=True),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "root.pem").write_text(ministry.root.pem)
    (tmp_path / "known.crl").write_bytes(crl(ministry.root, {ministry.signer.certificate: NOW - YEAR}))
    options = ["--trust", "root.pem", "--at", "2026-03-03T10:13:00Z", "--json"]
    done = _ged(tmp_path, *files, "missing.pdf", *options)
    assert done.returncode == 1  # one is missing
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["file"], line["verdict"]) for line in lines] == [
        ("sound.pdf", "green"),
        ("again.pdf", "amber"),
        ("changed.pdf", "red"),
        ("plain.pdf", "none"),
        ("note.txt", "none"),
        ("letter.p7m", "green"),
        ("lettre.txt", "none"),
        ("lettre.txt.p7s", "green"),
        ("alone.p7s", "red"),
        ("missing.pdf", "red"),
    ]
    (one,) = lines[0]["signatures"]
    told = {key: one[key] for key in ("verdict", "reason", "signer", "level", "signed_at", "timestamp", "changes")}
    assert told == {
        "verdict": "green",
        "reason": "ok",
        "signer": "AMAVI Kossi",
        "level": "B-T",
        "signed_at": NOW.isoformat(),
        "timestamp": NOW.isoformat(),
        "changes": [],
    }
    assert [part["changes"] for part in lines[1]["signatures"]] == [["signed_again"], []]
    assert lines[-1]["signatures"] == []
    assert not [path for path in tmp_path.iterdir() if path.name not in {*files, "root.pem", "known.crl"}]

    revoked = _ged(tmp_path, "sound.pdf", "letter.p7m", "--crl", "known.crl", *options)
    assert [json.loads(line)["signatures"][0]["reason"] for line in revoked.stdout.splitlines()] == ["revoked"] * 2
    untrusted = _ged(tmp_path, "sound.pdf")
    assert untrusted.stdout.startswith("sound.pdf: AMBER\n  amber: AMAVI Kossi")
    assert _ged(tmp_path, "sound.pdf", "--at", "yesterday").returncode == 2


# --- CMS


def _ask(checker, data, content=None):
    return [(one.verdict.value, one.reason) for one in checker.check_cms(data, at=NOW, content=content)]


@pytest.mark.parametrize("pem", [False, True], ids=["der", "pem"])
def test_the_file_inside_a_p7m(checker, ministry, pem):
    made = _cms(DIGESTED, ministry.signer, pem=pem)
    found = checker.check_cms(made, at=NOW)
    assert [(one.verdict.value, one.reason, one.signer) for one in found] == [("green", "ok", "AMAVI Kossi")]
    assert _ask(checker, made, b"another file") == [("red", "broken")]


def test_every_signer_has_a_report(checker, ministry):
    found = checker.check_cms(_cms(DIGESTED, ministry.signer, Ministry().signer), at=NOW)
    assert sorted((one.verdict.value, one.reason) for one in found) == [("amber", "untrusted"), ("green", "ok")]


def test_a_detached_signature_needs_its_file(checker, ministry):
    made = _cms(DIGESTED, ministry.signer, detached=True)
    assert [one.verdict.value for one in checker.check_cms(made, at=NOW, content=DIGESTED)] == ["green"]
    assert _ask(checker, made) == [("red", "content_missing")]
    assert _ask(checker, made, DIGESTED + b" ")[0] == ("red", "broken")


def test_changed_and_odd_cms_files_are_red(checker, ministry):
    made = _cms(DIGESTED, ministry.signer)
    place = made.index(DIGESTED)
    assert _ask(checker, made[:place] + b"m" + made[place + 1 :])[0] == ("red", "broken")
    for odd in (b"", b"\x30\x80", made[:-40], b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", os.urandom(300)):
        assert _ask(checker, odd) == [("red", "unreadable")]
    empty = cms.ContentInfo.load(made)
    empty["content"]["signer_infos"] = cms.SignerInfos([])
    assert _ask(checker, empty.dump()) == [("red", "unreadable")]
