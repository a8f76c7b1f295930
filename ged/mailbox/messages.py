"""Parses an e-mail from its bytes. The bytes are treated as hostile: nothing is executed, and no address is fetched.

Pure: no database, no network. Pictures that an HTML text refers to elsewhere are not loaded.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser

from asn1crypto import cms, core

from ged.errors import Invalid
from ged.filenames import harmless_name
from ged.ports import DeliveryReport

MAX_DEPTH = 4
"""Depth of nested messages (a message in a message …). Deeper messages are not opened, only kept in the raw message."""
MAX_PARTS = 200
MAX_TEXT = 200_000
MAX_HEAD_BYTES = 65_536
"""Limit for the headers of one part: the standard library parses them in quadratic time, and no honest sender needs
more."""
ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
PKCS7_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
SIGNATURES = PKCS7_SIGNATURES | {"application/pgp-signature"}


@dataclass(frozen=True)
class Part:
    """A file in a message. ``embedded``: the text shows it inline (a logo, or a letter pasted as a picture)."""

    filename: str
    media_type: str
    content: bytes
    embedded: bool = False


@dataclass(frozen=True)
class Letter:
    """An e-mail as a clerk reads it. ``text`` is plain, and also contains forwarded messages, one below the other."""

    message_id: str
    sender_name: str
    sender_address: str
    to: str
    subject: str
    sent_at: datetime | None
    text: str
    parts: tuple[Part, ...]
    reports: tuple[DeliveryReport, ...] = ()
    """Of a message that reports what became of another: it is no letter."""


def read_letter(raw: bytes) -> Letter:
    """Read a message.

    Raises:
        Invalid: ``message.malformed``, ``message.encrypted``, ``message.too_many_parts``.
    """
    _refuse_long_heads(raw)
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        if not isinstance(message, EmailMessage) or not message.keys():
            raise ValueError
        walk = _Walk()
        walk.take(message, 0)
        return _letter(message, walk)
    except Invalid:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError) as broken:
        # The standard library raises all of these on malformed headers.
        raise Invalid("message.malformed", "ask the sender to send it again") from broken


def _refuse_long_heads(raw: bytes) -> None:
    """Check the length of the message's headers before parsing. The headers of its parts are checked later, in turn."""
    head = re.split(rb"\r?\n\r?\n", raw[: MAX_HEAD_BYTES + 4], maxsplit=1)[0]
    if len(head) > MAX_HEAD_BYTES:
        raise Invalid("message.malformed", "ask the sender to send it again")


def _letter(message: EmailMessage, walk: "_Walk") -> Letter:
    name, address = _sender(message)
    return Letter(
        message_id=_line(message, "Message-ID", 300),
        sender_name=name,
        sender_address=address,
        to=_line(message, "To", 300),
        subject=_line(message, "Subject", 500),
        sent_at=_sent(message),
        text="\n\n".join(walk.texts)[:MAX_TEXT],
        parts=tuple(walk.parts),
        reports=tuple(_reports(message)),
    )


def _reports(message: Message) -> Iterator[DeliveryReport]:
    """The recipients of a delivery report (RFC 3464, 2.1); of another message none."""
    kind = str(message.get_param("report-type", "")).lower()
    if message.get_content_type() != "multipart/report" or kind != "delivery-status":
        return
    sent, recipients = "", list[Message]()
    for part in _children(message):
        match part.get_content_type():
            case "message/delivery-status":
                recipients = list(_children(part))[1:]  # the first block is about the message
            case "message/rfc822":
                sent = next((_line(inner, "Message-ID", 300) for inner in _children(part)), "")
            case "text/rfc822-headers":
                heads = _text_of(part)[:MAX_HEAD_BYTES]
                sent = _line(email.message_from_string(heads, policy=email.policy.default), "Message-ID", 300)
    for one in recipients[:MAX_PARTS]:
        address = (_line(one, "Original-Recipient", 300) or _line(one, "Final-Recipient", 300)).rpartition(";")[2]
        status = _line(one, "Status", 20)
        failed = _line(one, "Action", 20).lower() == "failed" and status.startswith("5")
        yield DeliveryReport(sent.strip(), address.strip()[:200], status, failed)


class _Walk:
    """Collects the texts and files of a message, in order."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.parts: list[Part] = []
        self._seen = 0

    def take(self, message: Message, depth: int, *, related: bool = False, only_files: bool = False) -> None:
        self._seen += 1
        # `raw_items`: any other access would parse the header, and that is what takes long.
        if sum(len(name) + len(value) for name, value in message.raw_items()) > MAX_HEAD_BYTES:
            raise Invalid("message.malformed", "ask the sender to send it again")
        if self._seen > MAX_PARTS:
            raise Invalid("message.too_many_parts", "ask the sender for fewer files", maximum=MAX_PARTS)
        kind = message.get_content_type()
        if kind in ENCRYPTED and not _is_signed(message):
            raise Invalid("message.encrypted", "ask the sender to send it unencrypted")
        signed = _signed_message(message) if kind in ENCRYPTED and depth < MAX_DEPTH else None
        if signed is not None:
            self.take(signed, depth + 1, related=related, only_files=only_files)
        elif kind == "message/rfc822":
            self._forwarded(message, depth)
        elif kind == "multipart/alternative":
            self._best_of(message, depth)
        elif message.is_multipart():
            for part in _children(message):
                if _signs_the_message(part, kind):
                    continue  # the raw message, which is stored, contains the signature
                self.take(part, depth, related=related or kind == "multipart/related", only_files=only_files)
        else:
            self._leaf(message, kind, related=related, only_files=only_files)

    def _best_of(self, message: Message, depth: int) -> None:
        """The plain text of an alternative, if it is not empty; all files beside the texts are kept."""
        children = list(_children(message))
        texts = [part for part in children if part.get_content_type() == "text/plain" and _text_of(part).strip()]
        for part in children:
            self.take(part, depth, related=True, only_files=bool(texts) and part is not texts[0])

    def _forwarded(self, message: Message, depth: int) -> None:
        inner = next(iter(_children(message)), None)
        if inner is None:
            return
        if depth >= MAX_DEPTH:
            self.parts.append(Part("message.eml", "message/rfc822", inner.as_bytes()))
            return
        heads = [f"{word} : {_line(inner, name, 300)}" for word, name in _HEADS if inner.get(name)]
        self.texts.append("\n".join(["———— Message joint ————", *heads]))
        self.take(inner, depth + 1)

    def _leaf(self, message: Message, kind: str, *, related: bool, only_files: bool) -> None:
        name = message.get_filename()
        attached = message.get_content_disposition() == "attachment" or bool(name)
        if kind in ("text/plain", "text/html") and not attached:
            text = _text_of(message)
            shown = plain_text(text) if kind == "text/html" else text
            if shown.strip() and not only_files:
                self.texts.append(shown.strip())
            return
        content = message.get_payload(decode=True)
        if not isinstance(content, bytes) or not content:
            return
        embedded = message.get_content_maintype() == "image" and (
            related or message.get_content_disposition() == "inline"
        )
        self.parts.append(Part(harmless_name(str(name or _ENDINGS.get(kind, "fichier"))), kind, content, embedded))


def _signs_the_message(part: Message, within: str) -> bool:
    """Whether a signature belongs to the e-mail itself (RFC 8551, 3.5.3), not to one of its files."""
    kind = part.get_content_type()
    own_name = str(part.get_filename() or "").lower() == "smime.p7s"
    return kind in SIGNATURES and (within == "multipart/signed" or own_name or kind == "application/pgp-signature")


def _signed_message(message: Message) -> Message | None:
    """The message inside an opaque signature (RFC 8551, 3.5.2); None when it contains a file, which stays as it is."""
    content = message.get_payload(decode=True)
    try:
        inside = cms.ContentInfo.load(content)["content"]["encap_content_info"]["content"]
        plain = b"" if isinstance(inside, core.Void) else bytes(inside)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # asn1crypto raises all of these on malformed bytes
    if not _MIME_HEAD.match(plain):
        return None
    return email.message_from_bytes(plain, policy=email.policy.default)


def signature_holding(message: Message) -> bytes | None:
    """The bytes of the PKCS#7 object that contains a whole message; None: no such object, or it contains a file."""
    if message.get_content_type() not in ENCRYPTED or message.is_multipart() or not _is_signed(message):
        return None
    content = message.get_payload(decode=True)
    return content if isinstance(content, bytes) and _signed_message(message) is not None else None


def signed_children(message: Message) -> tuple[Message | None, bytes] | None:
    """(signed part, PKCS#7 signature) of a ``multipart/signed`` message; None for another kind of message or signature.

    The signed part is None if the message does not consist of exactly these two parts.
    """
    if message.get_content_type() != "multipart/signed":
        return None
    children = list(_children(message))
    signatures = [part for part in children if part.get_content_type() in PKCS7_SIGNATURES]
    content = signatures[-1].get_payload(decode=True) if signatures else None
    if not isinstance(content, bytes):
        return None
    return (children[0] if len(children) == 2 and children[1] is signatures[-1] else None), content


def shows_the_same(content: bytes, message: Message) -> bool:
    """Whether these bytes show a clerk the same text and files as the message."""
    alone, shown = _Walk(), _Walk()
    alone.take(email.message_from_bytes(content, policy=email.policy.default), 0)
    shown.take(message, 0)
    return (alone.texts, alone.parts) == (shown.texts, shown.parts)


def _is_signed(message: Message) -> bool:
    """Whether a PKCS#7 part is signed and not encrypted: by its ``smime-type``, or else by its first bytes."""
    smime_type = message.get_param("smime-type", None)
    if smime_type is not None or message.is_multipart():
        return smime_type == "signed-data"
    content = message.get_payload(decode=True)
    return isinstance(content, bytes) and _SIGNED_DATA in content[:_SIGNED_AT]


_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # RFC 5652, 5: id-signedData
_SIGNED_AT = 24
_MIME_HEAD = re.compile(rb"(?:content-[a-z-]+|mime-version):", re.IGNORECASE)
_HEADS = (("De", "From"), ("À", "To"), ("Date", "Date"), ("Objet", "Subject"))
_ENDINGS = {"image/jpeg": "image.jpg", "image/png": "image.png", "application/pdf": "document.pdf"}


def _children(message: Message) -> Iterator[Message]:
    payload = message.get_payload()
    for part in payload if isinstance(payload, list) else []:
        if isinstance(part, Message):
            yield part


def _text_of(message: Message) -> str:
    content = message.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    for charset in (message.get_content_charset() or "utf-8", "utf-8", "cp1252"):
        try:
            return content.decode(charset)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("latin-1")


def _line(message: Message, name: str, maximum: int) -> str:
    try:
        value = str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError, TypeError):
        value = ""  # an unreadable header counts as missing; the raw message is stored
    # Bytes that are no text come as halves of surrogate pairs, which no database takes.
    clean = "".join(c if c.isprintable() else " " for c in value.encode("utf-8", "replace").decode())
    return " ".join(clean.split())[:maximum]


def _sender(message: EmailMessage) -> tuple[str, str]:
    try:
        addresses: tuple[Address, ...] = message["From"].addresses
        first = addresses[0]
        name, address = first.display_name, first.addr_spec
    except (AttributeError, IndexError, TypeError, ValueError):
        name, address = _line(message, "From", 200), ""
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return (clean or address)[:200], address[:200]


def _sent(message: Message) -> datetime | None:
    try:
        at = parsedate_to_datetime(str(message.get("Date", "")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return at.astimezone(UTC) if 1990 <= at.year < 9000 else None


# --- HTML ---------------------------------------------------------------------------------------------------------


def plain_text(html: str) -> str:
    """The text of an HTML page as lines, without scripts, styles and hidden heads. Nothing is loaded."""
    reader = _Reader()
    reader.feed(html[:MAX_TEXT])
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    _SILENT = frozenset({"script", "style", "head", "title", "template"})
    _LINES = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "blockquote", "hr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # the parser's own signature
        if tag in self._SILENT:
            self._silent += 1
        elif tag == "body":
            self._silent = 0  # a head that was never closed hides no text
        elif tag in self._LINES:
            self.pieces.append("\n- " if tag == "li" else "\n")
        elif tag == "td":
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in ("p", "h1", "h2", "h3", "h4", "table"):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(" ".join(data.split("\n")))
