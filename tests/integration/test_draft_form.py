"""The page of a draft is one form: every button first stores the typed text."""
# ruff: noqa: F811

from __future__ import annotations

import io
import re
from html import unescape

import pypdfium2 as pdfium
import pytest

from ged.register.states import MailState
from ged.signbook.models import Draft
from ged.typography import plain
from tests import pages
from tests.draft_kit import draft, form_of
from tests.signbook_kit import pdf_of
from tests.signbook_site_kit import Site, hidden, site  # noqa: F401

pytestmark = pytest.mark.in_turns(3)

TEXT = "Nous avons l'honneur d'accuser réception.\n\nVeuillez agréer nos salutations."


def body_of(site: Site, mail_id: int) -> str:
    return site.house.show(mail_id, "dge").body


def test_what_was_typed_enters_the_circuit_with_the_hand_in(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", f"{place}/remettre", 303, **form | {"body": TEXT, "subject": "Accord, revu"})
    shown = site.house.show(mail_id, "dge")
    assert (shown.body, shown.subject) == (TEXT, "Accord, revu")
    assert site.state(mail_id) is MailState.IN_CIRCUIT


def test_a_hand_in_that_is_refused_keeps_the_text_and_goes_on_from_there(site: Site) -> None:
    mail_id, place, form = draft(site)
    page = site.send("dge", f"{place}/remettre", 422, **form | {"body": "Nous vous répondons : {motif}."})
    assert body_of(site, mail_id) == "Nous vous répondons : {motif}."
    again = form_of(page)
    assert again["body"] == "Nous vous répondons : {motif}."
    site.send("dge", f"{place}/remettre", 303, **again | {"body": TEXT})
    assert body_of(site, mail_id) == TEXT
    assert site.state(mail_id) is MailState.IN_CIRCUIT


@pytest.mark.parametrize("act", ["pieces", "circuit"])
def test_a_piece_and_a_circuit_keep_the_text(site: Site, act: str) -> None:
    mail_id, place, form = draft(site)
    file = {"file": (io.BytesIO(pages.pdf("Annexe")), "annexe.pdf")} if act == "pieces" else {}
    site.send("dge", f"{place}/{act}", 303, **form | {"body": TEXT, "visa-2": ""} | file)
    shown = site.house.show(mail_id, "dge")
    assert shown.body == TEXT
    assert len(shown.asked) == 1, "the circuit as chosen on the page"
    assert [annex.name for annex in shown.annexes] == (["annexe.pdf"] if file else [])


def test_a_piece_without_its_file_is_told_by_name(site: Site) -> None:
    _mail_id, place, form = draft(site)
    told = site.send("dge", f"{place}/pieces", 422, **form | {"annex_title": "Plan du site"})
    assert "Aucun fichier n'a été choisi" in unescape(told)
    assert "Ce champ est obligatoire" not in told


def file_named(name: str) -> dict[str, object]:
    return {"file": (io.BytesIO(pages.pdf("Annexe")), name)}


def test_a_piece_has_a_title_that_is_proposed_changed_and_printed(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", f"{place}/pieces", 303, **form | file_named("20261103_rapport-financier_2025.pdf"))
    form = form_of(site.get("dge", place))
    site.send("dge", f"{place}/pieces", 303, **form | file_named("0001_90228905.pdf") | {"annex_title": "Plan du site"})
    first, second = site.house.show(mail_id, "dge").annexes
    assert [one.title for one in (first, second)] == ["Rapport financier 2025", "Plan du site"]
    form = form_of(site.get("dge", place))
    assert form[f"annex-{first.id}-title"] == "Rapport financier 2025"
    site.send("dge", f"{place}/remettre", 303, **form | {f"annex-{first.id}-title": "Rapport financier de 2025"})
    with site.services.reading() as session:
        letter = session.get_one(Draft, mail_id).letter
    assert letter["annexes"] == ["Rapport financier de 2025", "Plan du site"]
    assert "P.J. : 2 (Rapport financier de 2025 ; Plan du site)" in plain(printed(site, mail_id))


def test_a_piece_whose_name_says_nothing_is_given_a_title_before_the_hand_in(site: Site) -> None:
    _mail_id, place, form = draft(site)
    site.send("dge", f"{place}/pieces", 303, **form | file_named("0001_90228905.pdf"))
    form = form_of(site.get("dge", place))
    page = site.send("dge", f"{place}/remettre", 422, **form)
    assert "0001_90228905.pdf » n'a pas d'intitulé" in page
    (name,) = (name for name in form if name.startswith("annex-"))
    site.send("dge", f"{place}/remettre", 303, **form_of(page) | {name: "Plan du site"})


def printed(site: Site, mail_id: int) -> str:
    """The text of the pages that the signature book shows."""
    pdf = pdf_of(site.house, site.house.show(mail_id, "dge").preview_id)
    with pdfium.PdfDocument(pdf) as document:
        return " ".join(document[0].get_textpage().get_text_range().split())


def test_a_file_that_is_chosen_and_not_joined_is_not_lost_by_saving(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"file": (io.BytesIO(pages.pdf("Annexe")), "annexe.pdf")})
    (annex,) = site.house.show(mail_id, "dge").annexes
    form = form_of(site.get("dge", place))
    site.send("dge", f"{place}/pieces/{annex.id}/retirer", 303, **form | {"body": TEXT})
    shown = site.house.show(mail_id, "dge")
    assert (shown.annexes, shown.body) == ((), TEXT)


def test_a_refused_file_keeps_the_text_that_was_typed_beside_it(site: Site) -> None:
    mail_id, place, form = draft(site)
    page = site.send("dge", f"{place}/pieces", 422, **form | {"body": TEXT, "file": (io.BytesIO(b"rien"), "x.pdf")})
    assert form_of(page)["body"] == TEXT
    assert body_of(site, mail_id) == TEXT
    assert int(hidden(page[page.index('id="draft"') :], "version")) == site.house.show(mail_id, "dge").version


def test_two_tabs_the_second_is_stopped_and_keeps_its_text(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"body": TEXT})
    page = site.send("dge", f"{place}/remettre", 409, **form | {"body": "Autre texte"})
    assert form_of(page)["body"] == "Autre texte"
    assert body_of(site, mail_id) == TEXT
    assert site.state(mail_id) is MailState.DRAFT


def test_nothing_new_makes_no_version(site: Site) -> None:
    mail_id, place, form = draft(site)
    before = site.house.show(mail_id, "dge").version
    site.send("dge", place, 303, **form)
    assert site.house.show(mail_id, "dge").version == before
    assert "Rien n" in site.get("dge", place)


def test_enter_saves_and_hands_nothing_in(site: Site) -> None:
    """Enter in a field presses the first button of the form, wherever that button is on the page (HTML standard)."""
    _mail_id, place, _form = draft(site)
    page = site.get("dge", place)
    own = re.findall(r'<button[^>]* form="draft"[^>]*>', page)
    assert len(own) == 2
    assert "formaction" not in own[0]
    assert page.index(own[1]) < page.index('id="draft"')


def test_a_circuit_without_a_signatory_is_told(site: Site) -> None:
    mail_id, place, form = draft(site)
    empty = {name: "" for name in form if name.startswith("visa-")} | {"signatory_post_id": ""}
    page = site.send("dge", f"{place}/circuit", 422, **form | empty | {"body": TEXT})
    assert "signataire" in page
    assert body_of(site, mail_id) == TEXT
