"""An e-mail that would take hours to read is abandoned in its own child process, and the next one is read."""

import io
import time
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest

from ged.capture.models import MessageState
from ged.errors import Invalid
from ged.mailbox import signatures
from ged.mailbox.messages import read_letter
from ged.mailbox.operations import MessageRow
from ged.mailbox.reading import read_apart
from ged.ports import Verdict
from tests.factories import NOW, make_services

pytestmark = pytest.mark.in_turns(3)


def _message(html: str) -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"], made["Date"] = "Ama <ama@example.tg>", "Demande", "Thu, 26 Nov 2026 08:00:00 +0000"
    made.set_content(html, subtype="html")
    made.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf")
    return made.as_bytes()


def test_a_message_is_read_apart_as_it_is_read_here() -> None:
    raw = _message("<p>Bonjour</p>")
    assert read_apart(raw) == read_letter(raw)


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("unit", ["<a ", "<!--", "<a b='", "&#"])
def test_hostile_html_takes_no_longer_than_its_time(unit: str) -> None:
    began_s = time.monotonic()
    with suppress(Invalid):
        read_apart(_message(unit * 60_000), timeout_s=3)
    assert time.monotonic() - began_s < 30
    assert read_apart(_message("<p>Bonjour</p>")).text == "Bonjour"


def test_a_refusal_keeps_its_reason() -> None:
    with pytest.raises(Invalid, match=r"message\.malformed"):
        read_apart(b"")


def test_the_signature_of_a_hostile_message_is_looked_for_apart_too(tmp_path: Path) -> None:
    """The page looks for the signature each time it is opened. Neither its thread nor its process may lose that
    time."""
    services = make_services(tmp_path)
    signed = b"Content-Type: text/html\r\n\r\n" + b"<a " * 60_000 + b"\r\n"
    raw = (
        b'From: a@b.tg\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="=_b"\r\n\r\n'
        b"--=_b\r\n" + signed + b"\r\n--=_b\r\nContent-Type: application/pkcs7-signature\r\n\r\n0\r\n--=_b--\r\n"
    )
    stored = services.blobs.put(io.BytesIO(raw))
    row = MessageRow(1, "courrier", MessageState.TAKEN, "", "", "", "", None, NOW, len(raw), stored.digest)
    began_s, spent_s = time.monotonic(), time.process_time()
    found = signatures.on_view(services, row)
    services.engine.dispose()
    assert found is not None
    assert found.verdict is Verdict.RED
    assert time.process_time() - spent_s < 1
    assert time.monotonic() - began_s < 30
