"""Versions of a draft side by side, both texts after a conflict, and the received letter beside the draft."""
# ruff: noqa: F811

from __future__ import annotations

from html import unescape

import pytest

from ged.register.models import AttachmentKind
from ged.signbook.models import Draft
from ged.writing import working
from tests.draft_kit import draft, form_of
from tests.factories import actor
from tests.letter_kit import document
from tests.signbook_site_kit import Site, hidden, site  # noqa: F401

pytestmark = pytest.mark.in_turns(3)

MINE, THEIRS = "Nous acceptons votre demande.", "Nous refusons votre demande."


def test_both_texts_are_shown_after_a_conflict_and_the_next_save_is_a_version(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"body": THEIRS, "visa-2": ""})
    asked = site.house.show(mail_id, "dge").asked
    page = site.send("dge", place, 409, **form | {"body": MINE, "subject": "Mon objet"})
    assert "Le projet a changé depuis que vous l'avez ouvert" in page
    assert "Nous <del>refusons</del> votre demande." in page
    assert "Nous <ins>acceptons</ins> votre demande." in page
    assert site.house.show(mail_id, "dge").body == THEIRS, "nothing is overwritten"
    again = form_of(page)
    assert (again["body"], again["visa-2"]) == (MINE, ""), "the text typed here, the circuit saved there"
    assert int(hidden(page[page.index('id="draft"') :], "version")) == site.house.show(mail_id, "dge").version
    site.send("dge", place, 303, **again)
    shown = site.house.show(mail_id, "dge")
    assert (shown.body, shown.subject, shown.asked) == (MINE, "Mon objet", asked)
    page = site.get("dge", f"{place}/versions")
    assert "Nous <del>refusons</del> votre demande." in page


def test_a_conflict_drops_the_working_copy_only_when_the_text_is_saved(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"body": THEIRS})
    site.send("dge", f"{place}/saisie", 200, **form | {"body": MINE}, copy_revision="0")
    page = site.send("dge", place, 409, **form | {"body": MINE})
    who = actor(site.services, "dge")
    with site.services.reading() as session:
        assert len(working.copies(session, mail_id, who)) == 1
    site.send("dge", place, 303, **form_of(page))
    with site.services.reading() as session:
        assert working.copies(session, mail_id, who) == ()


def test_any_two_versions_are_compared_by_who_may_see_the_draft(site: Site) -> None:
    _mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"body": THEIRS})
    site.send("dge", place, 303, **form_of(site.get("dge", place)) | {"body": f"**{THEIRS}**"})
    assert "mise en forme modifiée" in site.get("dge", f"{place}/versions")
    page = site.get("dge", f"{place}/versions?avant=4&apres=2").partition('class="compared"')[2]
    assert page.index("Version 2, par") < page.index("Version 4, par")
    assert "<ins>" in page
    assert "Les deux textes sont les mêmes" in site.get("dge", f"{place}/versions?avant=3&apres=3")
    site.get("dge", f"{place}/versions?avant=9", 404)
    site.get("dge", f"{place}/versions?avant=x&apres=y")
    site.get("agent", f"{place}/versions", 404)


def test_hostile_words_are_escaped_on_both_sides(site: Site) -> None:
    _mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"body": "<script>a</script> <b>"})
    site.send("dge", place, 303, **form_of(site.get("dge", place)) | {"body": "<script>b</script> <b>"})
    page = site.get("dge", f"{place}/versions")
    table = page[page.index('class="compared"') :]
    assert "<script>" not in table
    assert "<script>" in unescape(table)


def test_the_answered_letter_lies_beside_the_draft_for_who_may_see_it(site: Site) -> None:
    mail_id, place, _form = draft(site)
    assert "beside__letter" not in site.get("dge", place), "it has no pages"
    with site.services.reading() as session:
        incoming = session.get_one(Draft, mail_id).answers_id
    assert incoming is not None
    document(site.house, incoming, "courrier", AttachmentKind.DOCUMENT)  # type: ignore[arg-type]
    page = site.get("dge", place)
    assert "Le courrier auquel vous répondez (00001/2026/MIN)" in page
    pages = page[page.index("beside__pages") : page.index("</details>", page.index("beside__pages"))]
    assert pages.count('loading="lazy"') == 2
    assert "/pages/1" in pages or "page_no=1" in pages or "/1" in pages
    site.send("dge", f"{place}/remettre", 303, **form_of(page))
    # A post of the circuit edits the draft in its turn. It sees the answered letter only with a right of its own.
    assert "beside__letter" not in site.get("daf", place)
