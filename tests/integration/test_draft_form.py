"""The page of a draft is one form: whatever is asked for, what was typed is kept first."""
# ruff: noqa: F811

from __future__ import annotations

import io
import re
from html import unescape

import pytest

from ged.register.states import MailState
from tests import pages
from tests.signbook_site_kit import Site, hidden, site  # noqa: F401

TEXT = "Nous avons l'honneur d'accuser réception.\n\nVeuillez agréer nos salutations."


def form_of(page: str) -> dict[str, str]:
    """All that the form would send as it is shown."""
    body = page[page.index('id="draft"') :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and value and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = unescape(value[1])
    for name, inner in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        found[name] = unescape(inner).removeprefix("\n")
    for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        found[name] = chosen[1] if chosen else ""
    return found


def draft(site: Site) -> tuple[int, str, dict[str, str]]:
    mail_id = site.house.answer()
    place = f"/projets/{mail_id}"
    return mail_id, place, form_of(site.get("dge", place))


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
    """The first button that belongs to a form, wherever it stands, is the one that Enter presses in a field (HTML)."""
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
