"""An e-mail made to take all time is given up in its own child, and the next one is read."""

import time
from contextlib import suppress
from email.message import EmailMessage

import pytest

from ged.errors import Invalid
from ged.mailbox.messages import read_letter
from ged.mailbox.reading import read_apart


def _message(html: str) -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"], made["Date"] = "Ama <ama@example.tg>", "Demande", "Thu, 26 Nov 2026 08:00:00 +0000"
    made.set_content(html, subtype="html")
    made.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf")
    return made.as_bytes()


def test_a_message_is_read_apart_as_it_is_read_here() -> None:
    raw = _message("<p>Bonjour</p>")
    assert read_apart(raw) == read_letter(raw)


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
