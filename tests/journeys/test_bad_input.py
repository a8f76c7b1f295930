"""Faults at a counter, over HTTP: each time a clear message in French, and nothing is lost."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import pikepdf
import pytest

from demo.client import Page, Person
from demo.journey import SEED, Journey, Registered
from demo.letters import make_letters
from demo.people import PASSPHRASE, PASSWORD
from tests import pages, signing_kit

pytestmark = [pytest.mark.slow]
TURNS = pytest.mark.in_turns(3)
"""Of tests that show what a person is told. That a slip is received once is shown in each turn."""


@pytest.fixture(scope="module")
def letter(office: Journey) -> Registered:
    """A registered letter without its document."""
    return office.register(make_letters(SEED, 1))[0]


def _encrypted() -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pages.pdf("un"))) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user="ouvrez", owner="maître"))
    return out.getvalue()


def _huge() -> bytes:
    """A PNG whose header announces 30 000 by 30 000 pixels, with hardly any data."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(4_000))), (b"IEND", b""))
    chunks = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


REFUSED = [
    pytest.param("vide.pdf", lambda: b"", "« vide.pdf » est vide", id="empty"),
    pytest.param("note.pdf", lambda: b"Bonjour, ceci est du texte.\n" * 40, "n'est ni un PDF, ni une image", id="text"),
    pytest.param("protege.pdf", _encrypted, "« protege.pdf » est protégé par un mot de passe", id="encrypted"),
    pytest.param("plan.png", _huge, "« plan.png » est démesurée : 30000 × 30000 points", id="huge"),
    pytest.param(
        "coupe.tif", lambda: pages.tiff("un", "deux")[:5000], "« coupe.tif » est incomplet ou abîmé", id="truncated"
    ),
]


def _upload(clerk: Person, *files: tuple[str, bytes], expect: int = 200) -> Page:
    form = clerk.open("/numerisations/").form("/fichiers")
    sent = [("file", (name, content, "application/octet-stream")) for name, content in files]
    return clerk.send(form, {}, files=sent, expect=expect)


def _waiting(clerk: Person) -> set[str]:
    return set(re.findall(r'href="(/numerisations/\d+)"', clerk.open("/numerisations/").text))


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(("name", "content", "words"), REFUSED)
def test_a_bad_file_is_explained_and_the_good_one_beside_it_kept(
    office: Journey, name: str, content: object, words: str
) -> None:
    clerk, before = office.person("bo.agent"), _waiting(office.person("bo.agent"))
    assert callable(content)
    page = _upload(clerk, (name, content()), (f"bon-{name}.pdf", pages.pdf(f"Bonne page à côté de {name}")), expect=422)
    assert words in page.words
    assert "1 numérisation reçue." in page.words
    assert len(_waiting(clerk) - before) == 1
    assert f"bon-{name}.pdf" in page.words


@TURNS
@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd.pdf", "passwd.pdf"), ("é" * 296 + ".pdf", "é" * 115 + "….pdf")],
    ids=["folders", "long"],
)
def test_a_strange_name_is_made_harmless(office: Journey, name: str, shown: str) -> None:
    page = _upload(office.person("bo.agent"), (name, pages.pdf(f"Page de {len(name)}")))
    assert shown in page.words
    assert ".." not in page.words
    assert "é" * 121 not in page.words


@TURNS
def test_a_signed_pdf_stays_byte_for_byte_and_its_text_is_read_aside(
    office: Journey, letter: Registered, tmp_path: Path
) -> None:
    clerk = office.person("bo.agent")
    signed = signing_kit.signed_slip(signing_kit.unlocked(signing_kit.vault(tmp_path / "pki"))).received
    page = _upload(clerk, ("déjà signé.pdf", signed))
    assert "PDF signé : gardé octet pour octet" in page.words
    assert "Retirer la page" not in page.words
    clerk.send(page.form("/joindre"), {"number": letter.number})
    office.until("the text", lambda: "searchable.pdf" in clerk.open(letter.mail).text)
    document = re.findall(r"/documents/\d+", clerk.open(letter.mail).text)[0]
    assert clerk.fetch(f"{document}/original") == signed
    assert "Bordereau" in clerk.fetch(f"{document}/page/1/texte").decode()


@TURNS
def test_the_same_file_and_the_same_letter_twice_are_told(office: Journey) -> None:
    clerk, once = office.person("bo.agent"), make_letters(SEED, 2)[1:]
    content = pages.pdf("Une page envoyée deux fois")
    _upload(clerk, ("lettre.pdf", content))
    assert "attend déjà, à l'identique" in _upload(clerk, ("copie.pdf", content)).words
    first = office.register(once)[0]
    form = clerk.open("/enregistrer/").form("/enregistrer")
    authority = next(v for v, text in form.choices["addressed_post_id"] if "Secrétaire générale" in text)
    typed = {
        "addressed_post_id": authority, "sender_name": once[0].sender, "subject": once[0].subject,
        "their_reference": once[0].their_reference,
    }  # fmt: skip
    told = clerk.send(form, typed, expect=422)
    assert first.number in told.words
    assert "semble déjà enregistré" in told.words
    again = told.form("/enregistrer")
    assert again.fields["subject"] == [once[0].subject], "nothing typed is lost"
    mark = told.text.split('name="looked_at" value="', 1)[1].split('"', 1)[0]
    page = clerk.send(again, {"looked_at": mark})
    number = page.text.split('class="confirmation__detail">', 1)[1].split("<", 1)[0].strip()
    assert number != first.number, "the clerk decides: both keep their numbers"
    assert first.number in page.words
    known = clerk.http.get(
        "/enregistrer/doublons",
        params={"sender_name": once[0].sender, "their_reference": once[0].their_reference},
    )
    assert first.number in known.text


@TURNS
def test_a_stale_form_shows_the_other_change_and_what_was_typed(office: Journey, letter: Registered) -> None:
    clerk, colleague = office.person("bo.agent"), office.person("bo.chef")
    mine = clerk.open(f"{letter.mail}/rectifier").form("/rectifier")
    theirs = colleague.open(f"{letter.mail}/rectifier").form("/rectifier")
    colleague.send(theirs, {"subject": "Objet corrigé par la cheffe", "reason": "Faute de frappe"})
    refused = clerk.send(mine, {"subject": "Objet corrigé par l'agent", "reason": "Mot oublié"}, expect=409)
    assert "Quelqu'un a changé ce courrier pendant votre saisie" in refused.words
    assert "Afi Mensah" in refused.words
    assert "Objet corrigé par la cheffe" in refused.words
    form = refused.form("/rectifier")
    assert form.fields["subject"] == ["Objet corrigé par l'agent"]
    assert form.fields["reason"] == ["Mot oublié"]
    clerk.send(form, {})
    page = clerk.open(letter.mail)
    assert "Objet corrigé par l'agent" in page.words
    assert "Objet corrigé par la cheffe" in page.words, "each rectification stays readable"


def test_a_slip_is_received_once(office: Journey, letter: Registered) -> None:
    clerk = office.person("bo.agent")
    form = clerk.open(f"/bordereaux/nouveau?mail={letter.mail_id}").form("/bordereaux/nouveau")
    to = next(v for v, text in form.choices["receiver_unit_id"] if "Direction générale de l'énergie" in text)
    sent = clerk.send(
        form, {"receiver_unit_id": to, "purpose": "handover", "passphrase": PASSPHRASE}, button="Signer et envoyer"
    )
    slip = re.sub(r"^https?://[^/]+", "", sent.link("bordereau.pdf"))
    here, there = office.person("dge.chef"), Person(office.place.url, "dge.chef", PASSWORD)
    forms = [one.open(slip.replace("bordereau.pdf", "recevoir")).form("/recevoir") for one in (here, there)]
    answers = {name: "received" for name in forms[0].names if name.startswith("line-")}
    here.send(forms[0], {**answers, "passphrase": PASSPHRASE}, button="Signer la réception")
    kept = here.fetch(slip)
    told = there.send(forms[1], {**answers, "passphrase": PASSPHRASE}, button="Signer la réception", expect=409)
    there.close()
    assert "Ce bordereau est déjà reçu : rien n'a été changé." in told.words
    assert here.fetch(slip) == kept
    assert kept.count(b"/ByteRange") == 2
