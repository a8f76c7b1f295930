"""The contents of an e-mail: read from bytes, never trusted."""

import pytest
from asn1crypto import cms

from ged.errors import Invalid
from ged.mailbox.messages import plain_text, read_letter
from tests import pages
from tests.message_kit import mail


def test_a_plain_message_with_a_file() -> None:
    message = mail()
    message.add_attachment(pages.pdf("Demande"), maintype="application", subtype="pdf", filename="demande.pdf")
    letter = read_letter(message.as_bytes())
    assert (letter.sender_name, letter.sender_address) == ("Mairie de Tsévié", "mairie@tsevie.tg")
    assert letter.subject == "Demande de branchement"
    assert letter.sent_at is not None
    assert letter.sent_at.isoformat() == "2026-11-24T09:12:00+00:00"
    assert letter.text == "Bonjour,\nveuillez trouver ma demande."
    assert [(part.filename, part.media_type, part.embedded) for part in letter.parts] == [
        ("demande.pdf", "application/pdf", False)
    ]
    assert letter.parts[0].content.startswith(b"%PDF")


def test_html_is_told_as_text_without_scripts_and_without_loading_anything() -> None:
    html = """<html><head><title>x</title><style>p{color:red}</style></head><body><p>Monsieur le
    Ministre,</p><script>alert(1)</script><div>Ligne&nbsp;deux<br>Ligne trois &amp; fin</div>
    <img src="http://espion.example/pixel.gif"><ul><li>un<li>deux</ul></body></html>"""
    message = mail(text=None)
    message.set_content(html, subtype="html")
    text = read_letter(message.as_bytes()).text
    assert "Monsieur le Ministre," in text
    assert "Ligne deux\nLigne trois & fin" in text
    assert "- un" in text
    assert not [word for word in ("alert", "color", "espion", "<") if word in text]
    assert plain_text("<head><title>perdu<body>gardé") == "gardé"


def test_of_an_alternative_the_plain_text_is_read_and_a_logo_is_embedded() -> None:
    message = mail(text="Texte simple")
    message.add_alternative("<p>Texte riche <img src='cid:logo'></p>", subtype="html")
    rich = message.get_payload()[1]
    rich.add_related(pages.png("logo"), maintype="image", subtype="png", cid="<logo>")
    letter = read_letter(message.as_bytes())
    assert letter.text == "Texte simple"
    assert [part.embedded for part in letter.parts] == [True]


def test_a_forwarded_message_is_opened_with_its_files() -> None:
    inner = mail("Première demande", "Texte d'origine")
    inner.add_attachment(pages.png("annexe"), maintype="image", subtype="png", filename="annexe.png")
    outer = mail("TR: Première demande", "Pour suite.")
    outer.add_attachment(inner)
    letter = read_letter(outer.as_bytes())
    assert letter.text.startswith("Pour suite.")
    assert "Objet : Première demande" in letter.text
    assert letter.text.endswith("Texte d'origine")
    assert [part.filename for part in letter.parts] == ["annexe.png"]


def test_messages_nested_without_end_are_kept_and_not_opened() -> None:
    message = mail()
    for n in range(12):
        outer = mail(f"niveau {n}")
        outer.add_attachment(message)
        message = outer
    letter = read_letter(message.as_bytes())
    assert [part.filename for part in letter.parts] == ["message.eml"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\a.pdf", "a.pdf"),
        ("a\u202efdp.exe", "a fdp.exe"),
        ("..", "document"),
    ],
)
def test_hostile_names_are_made_harmless(name: str, shown: str) -> None:
    message = mail()
    message.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=name)
    assert read_letter(message.as_bytes()).parts[0].filename == shown


def test_encrypted_messages_are_refused_and_signed_ones_are_read() -> None:
    sealed = mail(text=None)
    sealed.set_content(
        b"\x30\x80", maintype="application", subtype="pkcs7-mime", params={"smime-type": "enveloped-data"}
    )
    with pytest.raises(Invalid, match="encrypted"):
        read_letter(sealed.as_bytes())
    pgp = b"From: a@b.tg\r\nContent-Type: multipart/encrypted; boundary=x\r\n\r\n--x\r\n\r\nVersion: 1\r\n--x--\r\n"
    with pytest.raises(Invalid, match="encrypted"):
        read_letter(pgp)
    signed = mail("Signé", "Texte signé")
    signed.add_attachment(b"\x30", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    assert read_letter(signed.as_bytes()).parts == ()


def test_a_message_inside_its_signature_is_read_and_a_file_inside_one_is_kept() -> None:
    inner = mail("Objet", "Le texte du message signé")
    inner.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="decision.pdf")
    for header in ("From", "To", "Subject", "Date", "Message-ID"):
        del inner[header]
    letter = read_letter(_opaque(inner.as_bytes()))
    assert letter.text == "Le texte du message signé"
    assert [(part.filename, part.content) for part in letter.parts] == [("decision.pdf", b"%PDF-1.7")]
    (kept,) = read_letter(_opaque(b"%PDF-1.7 une note")).parts
    assert (kept.filename, kept.media_type) == ("smime.p7m", "application/pkcs7-mime")
    (broken,) = read_letter(_opaque(inner.as_bytes(), cut=200)).parts
    assert broken.filename == "smime.p7m"


def _opaque(content: bytes, *, cut: int = 0) -> bytes:
    data = cms.ContentInfo({
        "content_type": "signed_data",
        "content": cms.SignedData({
            "version": "v1", "digest_algorithms": [], "signer_infos": [],
            "encap_content_info": {"content_type": "data", "content": content},
        }),
    }).dump()  # fmt: skip
    message = mail(text=None)
    message.set_content(
        data[: len(data) - cut], maintype="application", subtype="pkcs7-mime", filename="smime.p7m",
        params={"smime-type": "signed-data"},
    )  # fmt: skip
    return message.as_bytes()


def test_too_many_parts_are_refused() -> None:
    message = mail()
    for n in range(210):
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{n}.pdf")
    with pytest.raises(Invalid, match="too_many_parts"):
        read_letter(message.as_bytes())


@pytest.mark.parametrize(
    "raw",
    [
        b"From: =?utf-8?b?4pyI?= <a@b>\r\nSubject: =?x-none?q?a?=\r\nDate: hier\r\n\r\ncorps",
        b"From: <<<>>>@@\r\nSubject: a\r\n b\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe",
        b"From: a@b\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\npas de limite",
        b"From: a@b\r\nDate: Tue, 99 Foo 99999 99:99:99 +9999\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
    ],
)
def test_broken_headers_still_give_a_letter(raw: bytes) -> None:
    letter = read_letter(raw)
    assert letter.sender_name
    assert letter.sent_at is None


def test_what_is_no_message_is_refused() -> None:
    for raw in (b"", b"\x00\x01\x02", b"\r\n\r\n"):
        with pytest.raises(Invalid, match="malformed"):
            read_letter(raw)
