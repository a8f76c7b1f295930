"""Visas for several letters in one act, the link to the next letter, results that may be reloaded, returned drafts."""

import re

import pytest

from ged.natures.models import Nature
from ged.natures.steps import StepKind
from ged.org.models import Post, PostRole
from ged.ports import MailId
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.signbook import operations, queries
from ged.signbook.models import CircuitAct
from ged.signbook.operations import ToSign
from ged.unit import Role
from tests.factories import NOW
from tests.signbook_kit import CEET, PASSPHRASE, House, house
from tests.signbook_site_kit import Site, arranged, site

__all__ = ["house", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


def waiting(house: House, count: int) -> list[MailId]:
    """Letters that wait for the visa of DAF and then for the signature."""
    return [arranged(house, ("DAF-C", 1, StepKind.VISA)) for _ in range(count)]


def ticks(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)"', page)


def ticked(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)" checked', page)


def test_a_batch_gives_each_letter_its_own_result(house: House) -> None:
    first, changed, foreign = waiting(house, 3)
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, changed, reason="Chiffres", version_no=2, actor=house.who("daf"))
    letters = [ToSign(first, 2), ToSign(changed, 2), ToSign(foreign, 1), ToSign(first, 2), ToSign(MailId(999), 1)]
    results = operations.visa_many(house.services, letters, actor=house.who("daf"), now=NOW)
    assert [(one.mail_id, one.failure.code if one.failure else "") for one in results] == [
        (first, ""), (changed, "circuit.not_your_turn"), (foreign, "draft.changed"), (MailId(999), "mail.unknown"),
    ]  # fmt: skip
    entries = house.show(first, "daf").entries
    assert [entry.act for entry in entries].count(CircuitAct.VISA) == 1
    again = operations.visa_many(house.services, [ToSign(first, 2)], actor=house.who("daf"), now=NOW)
    assert again[0].failure is not None, "no visa is given twice"


def test_visas_are_ticked_and_given_in_one_act(site: Site) -> None:
    letters = waiting(site.house, 3)
    page = site.get("daf", "/parapheur/")
    offered = ticks(page, "visa")
    assert offered == [f"{mail_id}:2" for mail_id in letters]
    assert "Aucun courrier n'est coché" in site.send("daf", "/parapheur/viser", 422)

    stale = f"{letters[1]}:1"
    place = site.send("daf", "/parapheur/viser", visa=[offered[0], stale])
    for _ in range(2):  # a GET: a reload asks for no visa and gives none
        page = site.get("daf", place)
        assert "1 visa donné" in page
        assert page.count("Le courrier a changé depuis que vous l'avez lu.") == 1
        assert page.count("Suite favorable : Demande de raccordement") == 2
        assert page.count(CEET.name) == 2, "letters of one subject are told apart"
    assert ticks(site.get("daf", "/parapheur/"), "visa") == offered[1:]
    # Nobody else reads the result; an invented address leads back to the signature book.
    assert site.as_("sg").get(place).status_code == 303
    assert site.as_("daf").get("/parapheur/viser/resultat/rien").status_code == 303


def test_a_secretary_ticks_nothing(site: Site) -> None:
    waiting(site.house, 1)
    with site.services.unit_of_work(NOW) as uow:
        clerk = uow.session.get_one(Post, site.house.post("BO-A"))
        clerk.secretary_of_id = site.house.post("DAF-C")
        clerk.roles.append(PostRole(role=Role.SECRETARY))
    page = site.get("agent", "/parapheur/")
    assert "Courriers à viser" in page
    assert ticks(page, "visa") == []
    assert "Viser les courriers cochés" not in page


def test_a_wrong_passphrase_keeps_the_ticks(site: Site) -> None:
    site.house.key("sg")
    letters = [arranged(site.house) for _ in range(3)]
    offered = ticks(site.get("sg", "/parapheur/"), "letter")
    assert len(offered) == len(letters)
    page = site.send("sg", "/parapheur/signer", 422, letter=offered[:2], passphrase="une autre phrase")
    assert ticked(page, "letter") == offered[:2]
    place = site.send("sg", "/parapheur/signer", letter=offered[:2], passphrase=PASSPHRASE)
    for _ in range(2):
        assert "2 courriers signés" in site.get("sg", place)
    assert site.state(letters[0]) is MailState.SIGNED


def test_a_visa_leads_to_the_next_letter_and_a_refusal_too(site: Site) -> None:
    first, second, third = waiting(site.house, 3)
    page = site.get("daf", f"/parapheur/{second}")
    assert "2 autres projets attendent votre visa." in page
    assert site.send("daf", f"/parapheur/{second}/viser", version_no=2, then="next") == f"/parapheur/{third}"
    # The last one is followed by the first.
    refused = {"version_no": 2, "reason": "Chiffres à revoir", "then": "next"}
    assert site.send("daf", f"/parapheur/{third}/refuser", **refused) == f"/parapheur/{first}"
    page = site.get("daf", f"/parapheur/{first}")
    assert "Donner mon visa" in page
    assert "passer au suivant" not in page
    assert site.send("daf", f"/parapheur/{first}/viser", version_no=2, then="next") == "/parapheur/"


def test_a_returned_draft_is_counted_until_it_is_handed_in_again(site: Site) -> None:
    house = site.house
    (mail_id,) = waiting(house, 1)

    def count() -> int:
        with site.services.reading() as session:
            return queries.returned_count(session, house.who("dge"))

    assert count() == 0
    site.send("daf", f"/parapheur/{mail_id}/refuser", version_no=2, reason="Chiffres")
    assert count() == 1
    page = site.get("dge", "/")
    assert "1 projet renvoyé" in page
    assert re.search(r'href="/parapheur/"[^>]*>(?:(?!</a>).)*Parapheur(?:(?!</a>).)*1', page, re.S), (
        "counted in the menu"
    )
    with site.services.reading() as session:
        assert queries.returned_count(session, house.who("etudes")) == 0, "another person's"
    # Withdrawn by the refuser, submitted again, recalled by its author: none of these is a returned draft.
    site.send("daf", f"/parapheur/{mail_id}/remords")
    assert count() == 0
    site.send("daf", f"/parapheur/{mail_id}/refuser", version_no=2, reason="Chiffres")
    house.submit(mail_id)
    assert count() == 0
    site.send("dge", f"/parapheur/{mail_id}/reprendre")
    assert count() == 0
    assert "projet renvoyé" not in site.get("dge", "/")


def test_the_book_is_filtered_the_filter_stays_and_the_next_visa_follows_it(site: Site) -> None:
    first, second, third = waiting(site.house, 3)
    with site.services.unit_of_work(NOW) as uow:
        uow.session.add(Nature(code="note", name="Note", direction=Direction.OUTGOING, position=1))
        for mail_id, subject, nature in (
            (first, "Prix 100 %", "note"),
            (second, "Plainte", ""),
            (third, "Prix d'été", "note"),
        ):
            mail = uow.session.get_one(Mail, mail_id)
            mail.subject, mail.nature = subject, nature

    def shown(account: str, address: str = "/parapheur/") -> list[str]:
        page = site.as_(account).get(address, follow_redirects=True).text
        return [name for name in ("Prix 100 %", "Plainte", "Prix d&#39;été") if f">{name}</a>" in page]

    assert shown("daf") == ["Prix 100 %", "Plainte", "Prix d&#39;été"]
    assert shown("daf", "/parapheur/?q=prix&filtre=1") == ["Prix 100 %", "Prix d&#39;été"]
    assert shown("daf") == ["Prix 100 %", "Prix d&#39;été"], "it stays"
    assert len(ticks(site.as_("daf").get("/parapheur/", follow_redirects=True).text, "visa")) == 2
    # After an error the page still shows what was chosen.
    refused = site.send("daf", "/parapheur/viser", 422)
    assert "Plainte" not in refused
    assert 'value="prix"' in refused
    place = site.send("daf", f"/parapheur/{first}/viser", version_no=2, then="next")
    assert place == f"/parapheur/{third}", "not to what is filtered out"
    assert "Aucun résultat" in site.get("daf", "/parapheur/?q=rien")
    for text, found in (
        ("100 %25", []),
        ("Compagnie", ["Plainte", "Prix d&#39;été"]),
        ("Dge", ["Plainte", "Prix d&#39;été"]),
    ):
        assert shown("daf", f"/parapheur/?q={text}") == found
    assert shown("daf", "/parapheur/?nature=note") == ["Prix d&#39;été"]
    assert shown("daf", "/parapheur/?nature=%27%22") == []
    assert shown("daf", "/parapheur/?filtre=1") == ["Plainte", "Prix d&#39;été"]
    assert site.as_("daf").get("/parapheur/").status_code == 200, "everything was chosen: nothing is kept"
    assert "Pour qui" not in site.get("daf", "/parapheur/")
    # The filter finds nothing that is not the person's to see, and the count of the menu is of all that waits.
    assert shown("agent", "/parapheur/?q=Plainte") == []
    assert shown("dge", "/parapheur/?q=plainte") == ["Plainte"], "the letters that one wrote are filtered too"
    with site.services.reading() as session:
        assert queries.waiting_count(session, site.house.who("daf")) == 2


def test_who_acts_for_another_separates_the_two(site: Site) -> None:
    own, theirs = arranged(site.house, ("BO-A", 1, StepKind.VISA)), waiting(site.house, 1)[0]
    with site.services.unit_of_work(NOW) as uow:
        clerk = uow.session.get_one(Post, site.house.post("BO-A"))
        clerk.secretary_of_id = site.house.post("DAF-C")
        clerk.roles.append(PostRole(role=Role.SECRETARY))

    def shown(whose: str) -> list[int]:
        page = site.get("agent", f"/parapheur/?filtre=1&pour={whose}").partition('id="content"')[2]
        return [mail_id for mail_id in (own, theirs) if f'href="/parapheur/{mail_id}"' in page]

    assert (shown(""), shown("moi"), shown("autrui"), shown("x")) == ([own, theirs], [own], [theirs], [own, theirs])
    assert "Pour qui" in site.get("agent", "/parapheur/?filtre=1")
