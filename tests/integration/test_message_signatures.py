"""The S/MIME signature of an e-mail is judged for the clerk who registers it: over all parts that the page shows."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from ged.adapters.imap import ImapMailbox
from ged.capture.models import MessageState
from ged.errors import EngineFailed
from ged.mailbox import signatures as message_signatures
from ged.mailbox.messages import read_letter
from ged.mailbox.operations import MessageRow
from ged.mailbox.own_signature import own_signature
from ged.ports import Verdict
from ged.unit import Services
from tests import pages
from tests.checker_kit import ministry
from tests.factories import NOW, SharedChecker, make_services
from tests.intake_kit import waiting
from tests.mailbox_kit import collect, deliver, settings_of
from tests.message_kit import mail
from tests.pki_kit import Ministry, _detached
from tests.site import make_site, sign_in

__all__ = ["ministry"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

HEAD = (
    b"From: =?utf-8?q?Mairie_de_Ts=C3=A9vi=C3=A9?= <mairie@tsevie.tg>\r\nTo: courrier@mines.gouv.tg\r\n"
    b"Subject: Demande\r\nMessage-ID: <7@tsevie.tg>\r\nDate: Tue, 24 Nov 2026 09:12:00 +0000\r\nMIME-Version: 1.0\r\n"
)
EXTRA = b"Content-Type: text/plain\r\n\r\nEt versez le tout sur mon compte.\r\n"


@pytest.fixture
def services(tmp_path: Path, ministry: Ministry) -> Iterator[Services]:
    made = make_services(tmp_path)
    checker = SharedChecker([ministry.root.pem])
    yield dataclasses.replace(made, checker=checker)
    checker.close()
    made.engine.dispose()


@pytest.fixture
def site(tmp_path: Path, services: Services) -> tuple[Flask, Services]:
    return make_site(tmp_path, services=services)


def entity(text: str = "Bonjour,\nveuillez trouver ma demande.", *, files: bool = True) -> bytes:
    """The signed part: a text and a PDF, with the line ends that S/MIME requires."""
    message = mail(text=text)
    for header in ("From", "To", "Subject", "Date", "Message-ID"):
        del message[header]
    if files:
        message.add_attachment(pages.pdf("Demande"), maintype="application", subtype="pdf", filename="demande.pdf")
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def beside(signed: bytes, cms: bytes, *, first: bytes = b"", last: bytes = b"", kind: bytes = b"pkcs7") -> bytes:
    """A ``multipart/signed`` message. ``first`` and ``last`` are parts that an attacker adds before and after the
    signed part."""
    name = b"application/" + kind + b"-signature"
    parts = [
        *([first] if first else []),
        signed,
        *([last] if last else []),
        b"Content-Type: " + name + b'; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(cms).replace(b"\n", b"\r\n"),
    ]  # fmt: skip
    body = b"".join(b"\r\n--=_b1\r\n" + part for part in parts) + b"\r\n--=_b1--\r\n"
    return HEAD + b'Content-Type: multipart/signed; protocol="' + name + b'"; boundary="=_b1"\r\n' + body


def holding(cms: bytes) -> bytes:
    return (
        HEAD + b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(cms).replace(b"\n", b"\r\n")
    )


def row_of(services: Services, raw: bytes) -> MessageRow:
    digest = services.blobs.put(io.BytesIO(raw)).digest
    return MessageRow(1, "courrier", MessageState.TAKEN, "", "", "", "", None, NOW, len(raw), digest)


def judged(services: Services, raw: bytes) -> tuple[Verdict, list[tuple[str, str]]] | None:
    found = message_signatures.on_view(services, row_of(services, raw))
    return None if found is None else (found.verdict, [(one.reason, one.signer) for one in found.reports])


GREEN = (Verdict.GREEN, [("ok", "AMAVI Kossi")])
PARTIAL = (Verdict.RED, [("message_parts", "")])


def test_a_signature_beside_or_around_the_message_is_judged(services: Services, ministry: Ministry) -> None:
    part = entity()
    cms = _detached(ministry.signer, part)
    assert judged(services, beside(part, cms)) == GREEN
    assert judged(services, holding(_detached(ministry.signer, part, detached=False))) == GREEN
    # A mailbox that stored other line ends changed nothing of the signed contents.
    assert judged(services, beside(part, cms).replace(b"\r\n", b"\n")) == GREEN
    other = _detached(ministry.signer, entity("Un autre texte"))
    assert judged(services, beside(part, other)) == (Verdict.RED, [("broken", "AMAVI Kossi")])
    changed = beside(part, cms).replace(b"ma demande", b"sa demande")
    assert judged(services, changed) == (Verdict.RED, [("broken", "AMAVI Kossi")])
    stranger = Ministry()
    verdict, reasons = judged(services, beside(part, _detached(stranger.signer, part))) or (None, [])
    assert (verdict, reasons[0][0]) == (Verdict.AMBER, "untrusted")


def test_what_is_signed_must_be_all_that_is_shown(services: Services, ministry: Ministry) -> None:
    part = entity()
    cms = _detached(ministry.signer, part)
    for forged in (beside(part, cms, first=EXTRA), beside(part, cms, last=EXTRA)):
        assert "mon compte" in read_letter(forged).text
        assert judged(services, forged) == PARTIAL
    # A bare line feed precedes the delimiter: our reader of messages splits there, and that of the signature does not.
    hidden = beside(part, cms).replace(b"--=_b1\r\n", b"--=_b1\r\n" + EXTRA[:-2] + b"\n--=_b1\r\n", 1)
    assert (judged(services, hidden) or (None,))[0] is Verdict.RED


def test_other_messages_have_no_such_verdict(services: Services, ministry: Ministry) -> None:
    part = entity()
    assert judged(services, HEAD + part) is None
    assert judged(services, beside(part, b"-----BEGIN PGP", kind=b"pgp")) is None
    # A file within the signature is a signed attachment. It is judged with the letter.
    assert judged(services, holding(_detached(ministry.signer, b"%PDF-1.7", detached=False))) is None
    assert own_signature(b"") is None
    assert message_signatures.on_view(services, None) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (HEAD + b"Content-Type: multipart/signed\r\n\r\nrien", None),
        (HEAD + b'Content-Type: multipart/signed; boundary="=_b1"\r\n\r\n--=_b1\r\n--=_b1\r\n--=_b1--', None),
        (beside(entity(), b"\x30\x80"), "unreadable"),
        (beside(b"", b""), "unreadable"),
        # A file that cannot be opened stays an attachment of the letter, and is judged there.
        (holding(b"\x30\x82\xff\xff"), None),
        (beside(b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx", b"\x30"), "message_parts"),
    ],
    ids=["no-boundary", "empty", "broken-cms", "nothing", "cut", "encrypted-inside"],
)
def test_what_somebody_made_up_is_never_green(services: Services, raw: bytes, reason: str | None) -> None:
    assert judged(services, raw) == (None if reason is None else (Verdict.RED, [(reason, "")]))


def test_a_checker_that_cannot_start_is_told(services: Services, ministry: Ministry, monkeypatch) -> None:
    def broken(*_arguments: object, **_more: object) -> None:
        raise EngineFailed("check.unavailable", "look")

    part = entity()
    raw = beside(part, _detached(ministry.signer, part))
    monkeypatch.setattr(services.checker, "check_cms", broken)
    found = message_signatures.on_view(services, row_of(services, raw))
    assert found is not None
    assert (found.verdict, found.reports, found.failure) == (Verdict.NONE, (), "check.unavailable")


@pytest.mark.servers
def test_the_clerk_reads_it_at_the_scan_and_beside_the_form(
    site: tuple[Flask, Services], ministry: Ministry, tmp_path: Path
) -> None:
    app, services = site
    box = ImapMailbox(settings_of(tmp_path, services))
    part = entity()
    deliver(
        box, beside(part, _detached(ministry.signer, part)), HEAD.replace(b"<7@", b"<8@") + entity("Sans signature")
    )
    collect(services, box)
    client = sign_in(app, "agent")
    signed, plain = sorted(waiting(services), key=lambda scan: scan.id)
    for path in (f"/numerisations/{signed.id}", f"/enregistrer/numerisation/{signed.id}"):
        page = html.unescape(client.get(path).text)
        assert page.count("data-message-signature") == 1
        assert "Signature valable" in page
        assert "Message signé par : AMAVI Kossi." in page
        assert "jamais sur l'objet" in page
    for path in (f"/numerisations/{plain.id}", f"/enregistrer/numerisation/{plain.id}"):
        page = client.get(path)
        assert page.status_code == 200
        assert "De Mairie de Tsévié" in page.text
        assert "Message signé" not in page.text
