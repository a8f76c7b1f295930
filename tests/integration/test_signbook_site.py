"""The pages of the signature book, the drafts and the departures, as people use them without JavaScript."""

import re
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.dispatch.models import DispatchLine, DispatchState, Party
from ged.jobs import Job, JobKind
from ged.org.keys import issue_key
from ged.org.models import Person, Unit
from ged.ports import Confidentiality
from ged.register.correspondents import fold
from ged.register.levels import change_level
from ged.register.models import Correspondent
from ged.register.states import MailState
from ged.unit import SYSTEM
from tests.factories import NOW, SECRET
from tests.signbook_kit import CEET, PASSPHRASE
from tests.signbook_site_kit import Site, hidden, site
from tests.signing_kit import page_pdf
from tests.site import post

__all__ = ["site"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.usefixtures("site_clock")]

assert SECRET


def test_from_the_letter_received_to_its_answer_delivered(site: Site) -> None:
    incoming = site.house.incoming()
    page = site.get("dge", f"/projets/nouveau?repond_a={incoming}&modele=favourable")
    assert "Demande de raccordement" in page
    assert 'type="hidden" name="modele" value="favourable"' in page, (
        "a template chosen on the letter is not asked again"
    )
    assert '<select class="input" id="modele"' not in page
    assert 'id="modele"' in site.get("dge", f"/projets/nouveau?repond_a={incoming}")
    none = site.send("dge", "/projets/nouveau", 422, repond_a=incoming)
    assert "ne propose aucun modèle de lettre" in none, "nobody chose one that does not exist"
    place = site.send("dge", "/projets/nouveau", repond_a=incoming, modele="favourable")
    mail_id = int(place.rsplit("/", 1)[1])
    page = site.get("dge", place)
    assert "{motif}" in page
    # Submitting is refused while a placeholder remains and no circuit is chosen. Nothing is lost.
    version = hidden(page, "version")
    page = site.send("dge", f"{place}/circuit", 303, version=version, **{
        "visa-1": site.house.post("DAF-C"), "visa-2": site.house.post("ETU-M"),
        "signatory_post_id": site.house.post("SG-T"),
    })  # fmt: skip
    page = site.get("dge", place)
    page = site.send("dge", f"{place}/remettre", 422, version=hidden(page, "version"))
    assert "{motif}" in page
    row = site.house.show(mail_id, "dge")
    typed: dict[str, Any] = {
        "version": row.version, "civility": "Madame la Directrice", "subject": row.subject,
        "body": row.body.replace("{motif}", "dossier complet"), "addressee-rows": 2, "addressee-1-name": "CEET",
        "addressee-1-address": "BP 42\nLomé", "copy-rows": 1, "copy-1-name": "DAF", "copy-1-email": "pas une adresse",
    }  # fmt: skip
    page = site.send("dge", place, 422, **typed)
    assert "pas une adresse" in page
    assert "Madame la Directrice" in page
    site.send("dge", place, **{**typed, "copy-1-email": "daf@mines.example.tg"})
    pdf = site.as_("dge").get(f"{place}/apercu.pdf")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    current = site.house.show(mail_id, "dge").version
    answer = post(
        site.as_("dge"), f"{place}/pieces",
        {"version": current, "file": (BytesIO(page_pdf("Plan")), "plan.pdf")},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert answer.status_code == 303, answer.text[:2000]
    assert "plan.pdf" in site.get("dge", place)
    site.send("dge", f"{place}/remettre", version=site.house.show(mail_id, "dge").version)

    letter = f"/parapheur/{mail_id}"
    site.get("agent", letter, 404)
    for account in ("daf", "etudes"):
        assert letter in site.get(account, "/parapheur/")
        page = site.get(account, letter)
        assert "Donner mon visa" in page
        site.send(account, f"{letter}/viser", version_no=hidden(page, "version_no"))
    page = site.get("sg", letter)
    picture = re.search(r'src="(/documents/\d+/page/1\.jpg)"', page)
    assert picture
    drawn = site.as_("sg").get(picture[1])
    assert drawn.mimetype == "image/webp"
    assert len(drawn.data) <= 60_000, "two seconds on a slow link"
    site.house.key("sg")
    version_no = hidden(page, "version_no")
    page = site.send("sg", f"{letter}/signer", 422, version_no=version_no)
    assert "verrouillée" in page
    site.send("sg", f"{letter}/signer", version_no=version_no, passphrase=PASSPHRASE)
    page = site.get("sg", letter)
    assert "00001/2026/MIN/SG" in page
    assert "Signature valable" in page

    letter_page = site.get("agent", f"/courriers/{mail_id}")
    assert "aucun papier ne circule" in letter_page
    assert "L'original est à" not in letter_page.replace("&#39;", "'"), "there is no paper"

    page = site.get("agent", "/departs/")
    assert f"/departs/{mail_id}" in page
    with site.services.reading() as session:
        first, copy = session.scalars(select(DispatchLine.id).order_by(DispatchLine.position)).all()
    page = site.send("agent", f"/departs/lignes/{first}/depart", 422, channel="recorded_delivery", version=1)
    assert "recommandé manque" in page
    assert re.search(r'value="recorded_delivery" checked', page)
    for one in (first, copy):
        site.send("agent", f"/departs/lignes/{one}/depart", channel="hand", carrier="Mawuli", reference="12", version=1)
    assert site.state(mail_id) is MailState.DISPATCHED
    assert site.state(incoming) is MailState.ANSWERED
    page = site.get("agent", f"/departs/lignes/{first}")
    site.send(
        "agent", f"/departs/lignes/{first}/decharge", name="Ama Lawson", capacity="Secrétaire", their_number="981",
        received_on=re.search(r'name="received_on"[^>]* value="([^"]+)"', page)[1],  # type: ignore[index]
        received_time=re.search(r'name="received_time"[^>]* value="([^"]+)"', page)[1],  # type: ignore[index]
        version=hidden(page, "version"),
    )  # fmt: skip
    with site.services.reading() as session:
        assert session.get_one(DispatchLine, first).state is DispatchState.DELIVERED
    assert "Ama Lawson" in site.get("dge", f"/departs/{mail_id}")
    assert site.as_("agent").get("/departs/cahier.pdf").data[:5] == b"%PDF-"
    assert "Mawuli, 12" in site.get("agent", "/departs/cahier"), "who carries it, also where a reference was typed"
    wrong = site.get("agent", "/departs/cahier?jour=32/12/2026")
    assert "Cette date n'existe pas" in wrong.replace("’", "'").replace("&#39;", "'")
    assert 'value="32/12/2026"' in wrong
    assert "cahier.pdf" not in wrong, "nothing else is printed than what is shown"
    assert "Mawuli" not in wrong
    assert site.as_("agent").get("/departs/cahier.pdf?jour=32/12/2026").status_code == 422
    assert site.as_("agent").get(f"/departs/lignes/{first}/decharge.pdf").data[:5] == b"%PDF-"


def entry_of(site: Site, name: str) -> int:
    with site.services.reading() as session:
        return session.scalars(select(Correspondent.id).where(Correspondent.folded_name == fold(name))).one()


def unsent(site: Site, line_id: int) -> bool:
    """Whether a line waits unchanged and no job was asked to send it."""
    with site.services.reading() as session:
        row = session.get_one(DispatchLine, line_id)
        jobs = session.scalars(select(Job.id).where(Job.kind == JobKind.NOTIFY)).all()
        return (row.state, row.version, row.reference, jobs) == (DispatchState.TO_SEND, 1, "", [])


def test_a_changed_address_is_shown_and_compared_before_a_letter_leaves_for_it(site: Site) -> None:
    mail_id = site.house.ready(copies=())
    site.house.sign(mail_id, key=site.house.key("sg"))
    with site.services.reading() as session:
        (line_id,) = session.scalars(select(DispatchLine.id)).all()
    entry = f"/correspondants/{entry_of(site, CEET.name)}"
    for email in (CEET.email, "collecte@ceet.example.tg"):
        version = hidden(site.get("agent", entry), "version")
        site.send("agent", entry, name=CEET.name, email=email, version=version, is_active="1")
    path, way = f"/departs/lignes/{line_id}", f"/departs/lignes/{line_id}/courriel"
    assert "Adresse à vérifier" not in site.get("agent", path), "the letter's own address has not changed"
    typed = {"version": hidden(site.get("agent", path), "version"), "email": "collecte@ceet.example.tg"}
    page = site.send("agent", way, 422, **typed)
    assert "rien n'a été envoyé" in page
    assert 'href="#compared"' in page, "the summary leads to the box"
    assert re.search(r'id="compared" name="compared" value="collecte@ceet\.example\.tg">', page), (
        "which nobody ticked yet"
    )
    assert re.search(r'name="email" type="email" value="collecte@ceet\.example\.tg"', page), "nothing typed is lost"
    assert "Elle a remplacé une autre adresse dans l&#39;annuaire" in page.replace("'", "&#39;")
    assert re.search(r"par Agent\. Comparez-la avec le courrier reçu", page)
    page = site.send("agent", way, 422, **typed, compared=CEET.email)
    assert re.search(r'id="compared" name="compared" value="collecte@ceet\.example\.tg">', page), "a tick for another"
    assert unsent(site, line_id)
    site.send("agent", way, 303, **typed, compared=typed["email"])
    assert "Adresse à vérifier" not in site.get("agent", path)
    with site.services.reading() as session:
        row = session.get_one(DispatchLine, line_id)
        assert (row.state, row.email) == (DispatchState.SENDING, typed["email"])


def test_an_address_that_another_entity_shares_is_compared_first(site: Site) -> None:
    with site.services.unit_of_work(NOW) as uow:
        ministry = uow.session.scalars(select(Unit.id).where(Unit.code == "MIN")).one()
        other = Unit(code="AUTRE", name="Office des routes", is_entity=True, parent_id=ministry)
        uow.session.add(other)
        uow.session.flush()
        uow.session.add(
            Correspondent(
                name="Préfecture de Yoto", folded_name=fold("Préfecture de Yoto"), email="yoto@ailleurs.example",
                entity_id=other.id, is_shared=True,
            )
        )  # fmt: skip
    mail_id = site.house.ready(copies=(Party("Préfecture de Yoto", "", "yoto@ailleurs.example"),))
    site.house.sign(mail_id, key=site.house.key("sg"))
    with site.services.reading() as session:
        line_id = session.scalars(select(DispatchLine.id).where(DispatchLine.is_copy)).one()
    path, way = f"/departs/lignes/{line_id}", f"/departs/lignes/{line_id}/courriel"
    page = site.get("agent", path)
    assert "Adresse à vérifier : yoto@ailleurs.example" in page
    assert "annuaire d'une autre entité (Office des routes)" in page.replace("&#39;", "'")
    typed = {"version": hidden(page, "version"), "email": "yoto@ailleurs.example"}
    site.send("agent", way, 422, **typed)
    assert unsent(site, line_id)
    site.send("agent", way, 303, **typed, compared=typed["email"])


def test_several_letters_are_signed_in_one_act_with_one_passphrase(site: Site) -> None:
    first, second = site.house.ready(), site.house.ready()
    needed = "Il vous faut une clé de signature pour signer ici"
    assert [needed in site.get("sg", page) for page in ("/parapheur/", f"/parapheur/{first}")] == [True, True]
    site.house.key("sg")
    page = site.get("sg", "/parapheur/")
    assert [needed in page, needed in site.get("sg", f"/parapheur/{first}")] == [False, False]
    ticked = re.findall(r'name="letter" value="(\d+:\d+)"', page)
    assert len(ticked) == 2
    assert ">Pour<" not in page, "who has one post alone is not told for whom"
    page = site.send("sg", "/parapheur/signer", 422, passphrase=PASSPHRASE)
    assert "Aucun courrier n'est coché" in page
    page = site.get("sg", site.send("sg", "/parapheur/signer", letter=ticked, passphrase=PASSPHRASE))
    assert "2 courriers signés" in page
    assert page.count(CEET.name) == 2, "letters of one subject are told apart"
    assert "00001/2026/MIN/SG" in page
    assert "00002/2026/MIN/SG" in page
    assert (site.state(first), site.state(second)) == (MailState.SIGNED, MailState.SIGNED)
    page = site.get("sg", site.send("sg", "/parapheur/signer", letter=ticked[:1]))
    assert "0 courrier signé" in page
    assert "déjà signé" in page
    assert "non signés" not in page, "nothing is left to sign"
    page = site.send("sg", f"/parapheur/{first}/signer", 409, version_no=1)
    assert "Ce courrier est déjà signé. Il n'y a rien à refaire." in page
    page = site.send("sg", f"/parapheur/{first}/refuser", 409, version_no=1, reason="Une raison\ntapée longtemps")
    assert "Une raison\ntapée longtemps" in page, "the form is gone, and what was typed is not"
    assert site.house.signer.signed == 2


def test_a_refusal_is_read_by_the_author_and_a_notice_is_put_away(site: Site) -> None:
    mail_id = site.house.answer()
    site.house.submit(mail_id)
    page = site.send("daf", f"/parapheur/{mail_id}/refuser", 422, version_no=2)
    assert "Le motif du renvoi est obligatoire" in page
    site.send("daf", f"/parapheur/{mail_id}/refuser", version_no=2, reason="Citer <b>le</b> décret")
    page = site.get("dge", "/parapheur/")
    assert "Citer &lt;b&gt;le&lt;/b&gt; décret" in page
    site.send("dge", "/parapheur/avis", notice=hidden(page, "notice"))
    assert 'name="notice"' not in site.get("dge", "/parapheur/")
    assert "renvoyé" in site.get("dge", f"/projets/{mail_id}")


def test_signed_by_hand_numbered_and_scanned_at_the_mail_office(site: Site) -> None:
    mail_id = site.house.ready()
    site.get("agent", f"/parapheur/{mail_id}", 404)
    site.send("sg", f"/parapheur/{mail_id}/signer-a-la-main", version_no=2)
    page = site.get("agent", "/departs/")
    assert f"/departs/{mail_id}/original" in page
    site.send("agent", f"/departs/{mail_id}/numeroter")
    assert "00001/2026/MIN/SG" in site.get("agent", f"/departs/{mail_id}/original")
    answer = post(
        site.as_("agent"), f"/departs/{mail_id}/original",
        {"file": (BytesIO(page_pdf("Original")), "scan.pdf")}, content_type="multipart/form-data",
    )  # fmt: skip
    assert answer.status_code == 303, answer.text[:2000]
    assert site.state(mail_id) is not MailState.SIGNED, "a file that was brought finishes no signature"
    beside = answer.headers["Location"]
    site.send("agent", f"{beside}/confirmer", version=hidden(site.get("agent", beside), "version"))
    page = site.get("dge", f"/parapheur/{mail_id}")
    assert "Signature manuscrite" in page
    assert "lectronique" not in re.sub(r"Adresse électronique|Courriel", "", page)
    assert site.state(mail_id) is MailState.SIGNED


def test_more_rows_keep_what_was_typed(site: Site) -> None:
    mail_id = site.house.answer()
    row = site.house.show(mail_id, "dge")
    page = site.send(
        "dge", f"/projets/{mail_id}", 200, more="copy", version=row.version, subject="Objet tapé", body="Texte tapé",
        **{"copy-rows": 2, "copy-2-name": "Préfet du Golfe", "addressee-rows": 1},
    )  # fmt: skip
    assert "Objet tapé" in page
    assert "Préfet du Golfe" in page
    assert 'name="copy-6-name"' in page
    assert site.house.show(mail_id, "dge").subject != "Objet tapé"


def test_the_secretary_sees_the_letter_without_the_button(site: Site) -> None:
    mail_id = site.house.ready()
    told = "« À préparer » : vous lisez et corrigez le projet pour le titulaire du poste"
    assert [told in site.get(account, "/parapheur/") for account in ("secretaire", "sg")] == [True, False]
    page = site.get("secretaire", f"/parapheur/{mail_id}")
    assert "Signer électroniquement" not in page
    assert "Renvoyer à l'auteur" not in page
    assert "Corriger" in page
    assert 'name="letter"' not in site.get("secretaire", "/parapheur/")


def test_reading_and_printing_a_restricted_letter_is_in_the_journal(site: Site) -> None:
    mail_id = site.house.answer()
    dge = site.house.who("dge")
    with site.services.unit_of_work(NOW) as uow:
        change_level(uow, mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=dge)

    def readings() -> list[str]:
        with site.services.reading() as session:
            found = select(AuditEntry.action).where(AuditEntry.subject_id == mail_id).order_by(AuditEntry.sequence)
            return [action for action in session.scalars(found) if action in ("mail.opened", "mail.printed")]

    site.get("dge", f"/projets/{mail_id}")
    site.as_("dge").get(f"/projets/{mail_id}/apercu.pdf")
    assert readings() == ["mail.opened", "mail.printed"]
    site.house.submit(mail_id)
    site.get("daf", f"/parapheur/{mail_id}")
    assert readings() == ["mail.opened", "mail.printed", "mail.opened"]
    site.house.visa(mail_id, "daf")
    site.house.visa(mail_id, "etudes")
    site.house.sign(mail_id, key=site.house.key("sg"))
    # The clerk of the mail office is not cleared for it through the unit: the letter is not listed and cannot be
    # opened.
    assert f"/departs/{mail_id}" not in site.get("agent", "/departs/")
    site.get("agent", f"/departs/{mail_id}", 404)
    with site.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "agent").values(clearance=1))
    before = len(readings())
    site.get("agent", f"/departs/{mail_id}")
    site.get("agent", "/departs/lignes/1")
    assert readings()[before:] == ["mail.opened", "mail.opened"]


def test_some_of_a_book_are_signed_as_rows_and_a_wrong_passphrase_signs_none(site: Site) -> None:
    mail_id = site.house.ready()
    with site.services.unit_of_work(NOW) as uow:
        issue_key(uow, site.house.who("sg").person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    letter = f"{mail_id}:{site.house.show(mail_id, 'sg').version_no}"
    path = "/parapheur/signer/suite"
    wrong = site.send("sg", path, 422, letter=letter, passphrase="une autre phrase de passe")
    assert "phrase" in wrong
    assert site.house.signer.signed == 0
    rows = site.send("sg", path, 200, letter=letter, passphrase=PASSPHRASE)
    assert rows.count("data-result=") == 1
    assert 'data-result="signed"' in rows
    assert CEET.name in rows
    again = site.send("sg", path, 200, letter=letter)
    assert "déjà signé" in again
    assert site.house.signer.signed == 1
