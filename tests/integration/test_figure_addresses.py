"""Addresses of figures that somebody kept: what is no choice any more is said; a list of letters leads back to its figures; on both databases."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from ged.natures.models import Nature
from ged.org.models import Holding, Person, Post
from ged.org.tree import entity_of
from ged.register.models import Direction, Mail, Register, RegisterNature
from ged.unit import Role
from tests.factories import NOW, TODAY, actor, add_entity
from tests.figure_copies import Copy, copied
from tests.figure_letters_kit import count_all, letter
from tests.figure_site import main, plain, site, table_rows
from tests.routing_kit import unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in
from web.views.figures.asked import USUAL, listed
from web.views.figures.offered import apart

__all__ = ["house_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

DAYS = "du=2026-11-01&au=2026-11-30"
SAID = "Ce filtre n'est pas parmi vos choix, ou n'est pas compris, et n'est pas appliqué : "


def shown(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return unescape(plain(answer.text))


def other_register(house: House) -> int:
    """A register of DAF without letters: out of the reach of DGE's head."""
    with house.services.unit_of_work(NOW) as uow:
        row = Register(
            unit_id=unit_id(house.services, "DAF"), code="SEC", name="Registre réservé", pattern="{sequence}",
            nature=RegisterNature.ARRIVAL, direction=Direction.INCOMING,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        return row.id


PART = {"HX-Request": "true"}
FIELDS = ["du", "au", "sens", "registre", "canal", "priorite", "etape"]


def fields_of(page: str) -> list[str]:
    """The fields of the filter that a person sees, in their order."""
    form = page.partition('<form class="filters"')[2].partition("</form>")[0] or page
    return re.findall(r'<(?:select|input class)[^>]* name="(\w+)"', form)


def test_the_further_criteria_are_fetched_or_opened_and_stay_set_until_then(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    more = "vue=delais&du=2026-11-01&au=2026-11-30&sens=incoming&canal=post&priorite=normal&etape=imputation"
    page = client.get(f"/tableau/?{more}").text
    assert fields_of(page) == ["periode", "unite", "nature"]
    for name, value in parse_qs(more).items():
        assert f'<input type="hidden" name="{name}" value="{value[0]}">' in page
    form = page.partition('<form class="filters"')[2].partition("</form>")[0]
    asked = unescape(re.findall(r'<a href="([^"]+/criteres[^"]*)"', form)[0])
    part, whole = client.get(asked, headers=PART).text, client.get(asked).text
    assert fields_of(part) == FIELDS
    assert fields_of(whole) == ["periode", "unite", "nature", *FIELDS]
    for fields in (part, whole):
        assert 'value="01/11/2026"' in fields
        assert '<option value="post" selected>' in fields
        assert '<option value="imputation" selected>' in fields
    assert 'action="/tableau/"' in whole
    assert '<input type="hidden" name="vue" value="delais">' in whole


def test_a_long_list_of_services_stands_among_the_further_criteria(
    site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, house = site
    monkeypatch.setattr("web.views.figures.offered.MOST_CHOICES", 1)
    assert apart({"unite": [("1", "Direction")], "nature": []}) == (), "as many as the page has room for"
    letter(house.services, "DGE")
    count_all(house.services)
    client, chosen = sign_in(app, "dge"), unit_id(house.services, "ETU")
    page = client.get(f"/supervision/?unite={chosen}").text
    assert fields_of(page) == ["periode"]
    assert f'<input type="hidden" name="unite" value="{chosen}">' in page
    assert "Service, nature et autres critères" in page
    part = client.get(f"/supervision/criteres?unite={chosen}", headers=PART).text
    assert fields_of(part) == ["unite", "nature", *FIELDS]
    assert f'<option value="{chosen}" selected>' in part


def test_who_oversees_nothing_is_given_no_criteria_of_the_supervision(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    assert sign_in(app, "etudes").get("/supervision/criteres").status_code == 403
    assert sign_in(app, "admin").get("/tableau/criteres").status_code == 404, "no unit of theirs is counted"


def test_a_nature_of_an_earlier_archive_may_be_named_as_the_usual_period_is(site: tuple[Flask, House]) -> None:
    app, house = site
    mail_id = letter(house.services, "DGE")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(nature=USUAL))
    count_all(house.services)
    client = sign_in(app, "dge")
    for address in ("/tableau/?", "/tableau/criteres?", "/tableau/courriers?quoi=received&"):
        assert f"{USUAL}<" in shown(client, f"{address}{DAYS}&nature={USUAL}"), address


def test_an_unknown_filter_is_named_and_left_out(site: tuple[Flask, House]) -> None:
    app, house = site
    copied(house.services, [Copy(date(2026, 11, 3)), Copy(date(2026, 11, 4))])
    count_all(house.services)
    client, daf = sign_in(app, "dge"), unit_id(house.services, "DAF")
    theirs = other_register(house)
    for name, typed, words in (
        ("nature", "oubliee", "Nature « oubliee »"), ("registre", "999", "Registre « 999 »"),
        ("registre", str(theirs), f"Registre « {theirs} »"), ("unite", str(daf), f"Service ou entité « {daf} »"),
        ("unite", "77777", "Service ou entité « 77777 »"),
    ):  # fmt: skip
        for page in ("/tableau/", "/supervision/", "/tableau/courriers"):
            more = "&quoi=received" if page.endswith("courriers") else ""
            text = shown(client, f"{page}?{DAYS}{more}&{name}={typed}&priorite=normal")
            assert f"{SAID}{words}." in text, (page, name)
            again = re.search(r'<a class="no-print" href="([^"]+)">Ouvrir la (?:page|liste) sans ce filtre', text)
            assert again is not None, page
            asked = parse_qs(urlsplit(again[1]).query)
            assert name not in asked
            assert asked["priorite"] == ["normal"]
            assert "n'est pas appliqué" not in shown(client, again[1])
    cards = table_rows(client, f"/tableau/fichier?{DAYS}&tableau=cards")
    assert cards[1][1] == "2", "the letters are there"
    table = shown(client, f"/tableau/chiffres?{DAYS}&tableau=arrivals&nature=oubliee")
    assert f"{SAID}Nature « oubliee »" in table


def test_an_unknown_view_is_named_and_the_first_one_shown(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    for page, first, theirs in (("/tableau/", "rythme", "mois"), ("/supervision/", "natures", "rythme")):
        for typed in ("n'importe", theirs):
            text = shown(client, f"{page}?{DAYS}&vue={typed}&priorite=normal")
            assert f"{SAID}Vue « {typed} »." in text, (page, typed)
            again = re.search(r'<a class="no-print" href="([^"]+)">Ouvrir la page sans ce filtre', text)
            assert again is not None, page
            assert parse_qs(urlsplit(again[1]).query).get("priorite") == ["normal"]
            assert "vue" not in parse_qs(urlsplit(again[1]).query)
            assert "n'est pas appliqué" not in shown(client, again[1])
        for known in ("", first, "delais"):
            assert "n'est pas appliqué" not in shown(client, f"{page}?{DAYS}&vue={known}")
    back = shown(client, f"/tableau/courriers?{DAYS}&quoi=received&vue=rien")
    assert "n'est pas appliqué" not in back, "a list has no views"


def test_a_file_is_not_made_with_a_filter_that_does_not_hold(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client, theirs = sign_in(app, "dge"), other_register(house)
    texts = set()
    for more in ("nature=oubliee", "registre=999", f"registre={theirs}", "unite=77777", "du=hier"):
        for form in ("csv", "ods"):
            answer = client.get(
                f"/tableau/fichier?{DAYS if 'du' not in more else ''}&{more}&tableau=cards&format={form}"
            )
            assert answer.status_code == 422, more
            text = plain(answer.text)
            assert "Le fichier n'est pas fait" in text
            if more.startswith("registre"):
                texts.add(re.sub(r"\d+", "#", text))
    assert len(texts) == 1, "a register that is not there is as one that the reader may not see"
    assert client.get(f"/tableau/fichier?{DAYS}&tableau=cards&nature=demande").status_code == 200


def test_the_nature_of_an_earlier_archive_is_a_choice_of_who_sees_its_letters(site: tuple[Flask, House]) -> None:
    """And of nobody else: who is told numbers would learn of its first letter."""
    app, house = site
    mail_id = letter(house.services, "DGE")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(nature="ancienne"))
    count_all(house.services)
    assert "n'est pas appliqué" not in shown(sign_in(app, "dge"), f"/supervision/?{DAYS}&nature=ancienne")
    assert table_rows(sign_in(app, "dge"), f"/supervision/fichier?{DAYS}&nature=ancienne&tableau=cards")[1][1] == "1"
    for account in ("daf", "auditeur"):
        assert "n'est pas appliqué" in shown(sign_in(app, account), f"/supervision/?{DAYS}&nature=ancienne")


def test_a_sender_of_whom_nothing_is_to_be_read_is_told_whether_it_is_there_or_not(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    text = shown(client, f"/tableau/courriers?{DAYS}&quoi=received&expediteur=88888&retour=t~attente")
    assert "dont aucun courrier n'est à lire ici" in text
    again = re.search(r'href="([^"]+)">Ouvrir la liste sans ce filtre', text)
    assert again is not None
    assert "Courriers que vous pouvez lire : 1" in shown(client, again[1])
    assert f"{SAID}Chiffre « nombre », Expéditeur « x »." in shown(
        client, f"/tableau/courriers?{DAYS}&quoi=nombre&expediteur=x"
    )


@pytest.mark.parametrize("page_name", ["tableau/", "supervision/", "tableau/chiffres", "tableau/courriers"])
def test_a_period_that_has_not_begun_is_told_as_such(site: tuple[Flask, House], page_name: str) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    ahead = "du=01/01/2027&au=15/01/2027&tableau=arrivals&quoi=received"
    text = shown(client, f"/{page_name}?{ahead}")
    assert "(du 01/01/2027 au 15/01/2027) n'a pas encore commencé" in text
    assert SAID not in text
    assert "n'a pas encore commencé" not in shown(client, f"/{page_name}?{DAYS}&tableau=arrivals&quoi=received")
    turned = shown(client, f"/{page_name}?du=15/01/2027&au=01/01/2027&tableau=arrivals&quoi=received")
    assert "La fin de la période demandée est avant son début : Du « 15/01/2027 », Au « 01/01/2027 »." in turned
    assert SAID not in turned
    assert "le 05/01/2027) n'a pas" in shown(client, f"/{page_name}?du=05/01/2027&tableau=arrivals&quoi=received")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(language="en"))
    assert "has not begun yet: no letter can have been counted in it" in shown(client, f"/{page_name}?{ahead}")


@pytest.mark.parametrize("page_name", ["tableau/", "supervision/"])
def test_days_that_are_reversed_are_told_at_their_field_and_stay_as_they_were_typed(
    site: tuple[Flask, House], page_name: str
) -> None:
    app, house = site
    count_all(house.services)
    text = shown(sign_in(app, "dge"), f"/{page_name}?du=24/11/26&au=3 novembre 2026&periode=&affichee=")
    assert re.search(r'<details class="filters__more" open>', text)
    assert re.search(r'id="du"[^>]* value="24/11/26"', text)
    assert re.search(r'id="au"[^>]* value="3 novembre 2026"[^>]*aria-invalid="true"', text)
    assert 'id="au-error"' in text
    assert "Le dernier jour est avant le premier." in text
    assert "avant son début" not in shown(sign_in(app, "dge"), f"/{page_name}?du=24/11/2026&au=24/11/2026"), "one day"
    refused = sign_in(app, "dge").get("/tableau/fichier?du=2026-11-24&au=2026-11-03&tableau=arrivals&format=csv")
    assert refused.status_code == 422
    assert "Le dernier jour est avant le premier." in unescape(plain(refused.text))


@pytest.mark.parametrize("page_name", ["tableau/", "supervision/", "tableau/criteres"])
@pytest.mark.parametrize("named", ["", "90j"])
def test_a_day_that_is_none_is_told_at_its_field_and_both_stay_as_they_were_typed(
    site: tuple[Flask, House], page_name: str, named: str
) -> None:
    count_all(site[1].services)
    address = f"/{page_name}?du=1 mars 2026&au=32/13/2026&periode={named}&affichee={named}"
    text = shown(sign_in(site[0], "dge"), address)
    assert page_name.endswith("criteres") or re.search(r'<details class="filters__more" open>', text)
    assert re.search(r'id="du"[^>]* value="1 mars 2026"', text)
    assert not re.search(r'id="du"[^>]*aria-invalid', text)
    assert re.search(r'id="au"[^>]* value="32/13/2026"[^>]*aria-invalid="true"', text)
    assert "Cette date n'existe pas" in text
    assert f"{SAID}Au « 32/13/2026 »." in text


def test_a_day_that_is_none_beside_a_named_period_is_told(site: tuple[Flask, House]) -> None:
    """The form shows 90 days, and its reader typed one day alone, which is none: the 90 days stay."""
    count_all(site[1].services)
    text = shown(sign_in(site[0], "dge"), "/tableau/?du=&au=32/13/2026&periode=90j&affichee=90j")
    assert re.search(r'id="au"[^>]* value="32/13/2026"[^>]*aria-invalid="true"', text)
    assert '<option value="90j" selected>' in text


@pytest.mark.parametrize("page_name", ["tableau/", "supervision/"])
def test_the_criteria_alone_warn_of_a_bad_address_as_the_page_does(site: tuple[Flask, House], page_name: str) -> None:
    count_all(site[1].services)
    client = sign_in(site[0], "dge")
    text = shown(client, f"/{page_name}criteres?unite=77777&du=24/11/2026&au=03/11/2026")
    assert f"{SAID}Service ou entité « 77777 »." in text
    assert "La fin de la période demandée est avant son début : Du « 24/11/2026 », Au « 03/11/2026 »." in text
    assert 'id="au-error"' in text
    again = re.search(r'href="([^"]+)">Ouvrir la page sans ce filtre', text)
    assert again is not None
    assert SAID not in shown(client, again[1])
    assert "callout--warning" not in shown(client, f"/{page_name}criteres")


def test_a_list_tells_the_days_of_its_address_as_people_write_them(site: tuple[Flask, House]) -> None:
    count_all(site[1].services)
    text = shown(sign_in(site[0], "dge"), "/l/received~20261201~20260101~s")
    assert "Du « 01/12/2026 », Au « 01/01/2026 »." in text
    assert "2026-12-01 »" not in text


@pytest.mark.parametrize("page_name", ["tableau/", "supervision/", "tableau/chiffres"])
def test_a_period_that_goes_on_after_today_says_until_when_it_is_counted(
    site: tuple[Flask, House], page_name: str
) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client, today = sign_in(app, "dge"), "30/11/2026"
    said = f"elle est comptée jusqu'au {today}."
    assert said in shown(client, f"/{page_name}?du=02/11/2026&au=15/01/2027&tableau=arrivals")
    for days in (f"du=02/11/2026&au={today}", "du=02/11/2026", "periode=mois"):
        assert said not in shown(client, f"/{page_name}?{days}&tableau=arrivals")


def test_no_file_is_made_of_a_period_that_has_not_begun(site: tuple[Flask, House]) -> None:
    count_all(site[1].services)
    refused = sign_in(site[0], "dge").get("/tableau/fichier?du=2027-01-01&au=2027-01-15&tableau=arrivals&format=csv")
    assert refused.status_code == 422
    assert "(du 01/01/2027 au 15/01/2027) n'a pas encore commencé" in unescape(plain(refused.text))


def test_natures_of_one_name_are_told_apart_by_the_direction_of_their_letters(site: tuple[Flask, House]) -> None:
    app, house = site
    with house.services.unit_of_work(NOW) as uow:
        for position, (code, direction) in enumerate({"pli": Direction.INCOMING, "envoi": Direction.OUTGOING}.items()):
            uow.session.add(Nature(code=code, name="Pli", direction=direction, position=900 + position))
    mail_id = letter(house.services, "DGE")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(nature="pli"))
    count_all(house.services)
    client = sign_in(app, "dge")
    page = shown(client, f"/supervision/?{DAYS}&nature=pli&vue=natures")
    assert '<option value="pli" selected>Pli (arrivée)</option>' in page
    assert '<option value="envoi">Pli (départ)</option>' in page
    assert "Nature : <strong>Pli (arrivée)</strong>" in page
    assert [row[0] for row in table_rows(client, f"/supervision/fichier?{DAYS}&tableau=natures")[1:]] == [
        "Pli (arrivée)"
    ]


# --- the list of letters ----------------------------------------------------------------------------------------------


def test_an_hour_that_no_week_has_is_the_hour_of_no_letter(site: tuple[Flask, House]) -> None:
    """PostgreSQL compares an hour with numbers of 32 bits alone."""
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    for first, last, expected in ((0, 167, True), (0, 10**15, True), (168, 10**15, False), (10**15, 10**15, False)):
        text = shown(client, f"/tableau/courriers?{DAYS}&quoi=hour&de={first}&a={last}")
        assert ("<tbody>" in text) is expected, (first, last)
    hours = {
        (0, 5): "lundi, avant 6 h",
        (105, 105): "vendredi, 9 h",
        (164, 167): "dimanche, dès 20 h",
        (9, 10): "lundi, 9 h–10 h",
    }
    for (first, last), words in hours.items():
        text = shown(client, f"/tableau/courriers?{DAYS}&quoi=hour&de={first}&a={last}")
        assert f"Jour et heure : <strong>{words}</strong>" in text
    text = shown(client, f"/tableau/courriers?{DAYS}&quoi=delay&etape=answer&de=61&a=66")
    assert "Délai : <strong>61 à 70 j</strong>" in text


def test_a_list_says_who_has_each_letter_and_how_late_it_is(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    for due_on, days in (
        (date(2026, 11, 20), None),
        (date(2026, 12, 20), None),
        (date(2026, 11, 20), 23),
        (None, None),
    ):
        copied(services, [Copy(date(2026, 11, 2), "ETU", days)])
        with services.unit_of_work(NOW) as uow:
            last = uow.session.scalars(select(Mail.id).order_by(Mail.id.desc())).first()
            uow.session.execute(update(Mail).where(Mail.id == last).values(due_on=due_on))
    count_all(services)
    text = shown(sign_in(app, "dge"), f"/tableau/courriers?{DAYS}&quoi=received&nature=-")
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in text.split("<tr>")[2:]]
    assert len(rows) == 4
    assert all("Service des études" in row for row in rows)
    assert sum("en retard de 6 jours ouvrés" in row for row in rows) == 1
    assert sum("avec 3 jours ouvrés de retard" in row for row in rows) == 1
    assert sum("retard" in row for row in rows) == 2
    assert "Critères : <strong>" not in text
    assert "<strong>Critères</strong> : Nature : <strong>Sans nature</strong>" in text


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("address", [
    f"/tableau/?{DAYS}&vue=attente&priorite=normal", "/supervision/?periode=90j&vue=delais&etape=imputation&nature=demande",
    "/supervision/?periode=90j&nature=demande", "/supervision/?vue=natures&nature=demande&seul=1&unite={DGE}", "/tableau/",
])  # fmt: skip
def test_a_list_leads_back_to_its_figures_with_their_filters(site: tuple[Flask, House], address: str) -> None:
    app, house = site
    for n in range(4):
        letter(house.services, "DGE", on=TODAY - timedelta(days=n), nature="demande", answered=NOW if n else None)
    count_all(house.services)
    client = sign_in(app, "dge")
    address = address.replace("{DGE}", str(unit_id(house.services, "DGE")))
    page = shown(client, address)
    tables = [shown(client, one) for one in set(re.findall(r'href="([^"]+/chiffres\?[^"]+)"', page))]
    links = {one for text in (page, *tables) for one in re.findall(r'href="(/l/[^"]+)"', text)}
    assert len(links) > 3
    for link in links:
        back = re.search(r'<a class="back-link" href="([^"]+)"', shown(client, link))
        assert back is not None
        assert urlsplit(back[1]).path == urlsplit(address).path
        wanted = parse_qs(urlsplit(address).query)
        assert parse_qs(urlsplit(back[1]).query) == wanted, link


def test_the_short_address_of_a_list_is_that_of_its_long_one(site: tuple[Flask, House]) -> None:
    app, house = site
    for n in range(4):
        letter(house.services, "DGE", on=TODAY - timedelta(days=n), nature="demande", answered=NOW if n else None)
    count_all(house.services)
    client, titles = sign_in(app, "dge"), set[str]()
    for address in (f"/tableau/?{DAYS}&vue=attente&nature=demande", "/tableau/?vue=heures", "/supervision/?vue=delais"):
        for link in set(re.findall(r'href="(/l/[^"]+)"', shown(client, address))):
            short, _between, query = link.removeprefix("/l/").partition("?")
            named = listed(short, MultiDict(parse_qsl(query)))
            text = shown(client, link)
            assert text == shown(client, f"/tableau/courriers?{urlencode(named.to_dict())}"), link
            assert SAID not in text
            titles.add(text)
    assert len(titles) > 5


@pytest.mark.parametrize("board", ["tableau", "supervision"])
def test_the_menu_marks_the_page_from_which_a_list_was_opened(site: tuple[Flask, House], board: str) -> None:
    app, house = site
    letter(house.services, "DGE", on=TODAY)
    count_all(house.services)
    client = sign_in(app, "dge")
    link = re.findall(r'href="(/l/[^"]+)"', shown(client, f"/{board}/?{DAYS}"))[0]
    marked = re.findall(r'<a href="([^"]+)"[^>]*aria-current="page"', client.get(link).text)
    assert marked == [f"/{board}/"]


def test_a_short_address_that_nobody_made_is_told_as_the_long_one_is(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    client = sign_in(app, "dge")
    for typed in ("x", "open~hier", "open~20261399~~t", "~~~", "open/2026~~~//evil.example", "open~" + "9" * 400):
        text = shown(client, f"/l/{typed}")
        assert "Retour aux chiffres" in text
        assert 'class="back-link" href="/tableau/' in text


def test_a_way_back_of_somebody_else_leads_nowhere_else(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    client = sign_in(app, "etudes")
    for typed in ("s~attente", "//evil.example~x", "t~~30j~vue:x~javascript:1", "~" * 50, "t~" + "x" * 500):
        text = shown(client, f"/tableau/courriers?{DAYS}&quoi=received&retour={typed}")
        back = re.search(r'<a class="back-link" href="([^"]+)"', text)
        assert back is not None
        assert urlsplit(back[1]).path == "/tableau/", "who oversees nothing is not led to the supervision"
        assert client.get(back[1]).status_code == 200


def two_entities(house: House) -> None:
    """The head of DGE, below the top of the ministry, heads CEET too, an entity below ETU. DAF is somebody else's."""
    services = house.services
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "ETU"))
        post = uow.session.scalars(select(Post.id).where(Post.code == "CEET-BO")).one()
        uow.session.execute(update(Holding).where(Holding.post_id == post).values(until_on=TODAY - timedelta(days=1)))
        head = int(actor(services, "dge").person_id)
        uow.session.add(Holding(post_id=post, person_id=head, from_on=TODAY))
    for code, count in (("DGE", 2), ("ETU", 1), ("CEET", 4), ("DAF", 5)):
        for _ in range(count):
            letter(services, code)
    count_all(services)


def test_an_entity_whose_top_is_out_of_reach_leads_to_the_letters_of_its_row(site: tuple[Flask, House]) -> None:
    """Of whoever heads units in two entities, and of whoever chose a unit with an entity below it."""
    app, house = site
    two_entities(house)
    client, top = sign_in(app, "dge"), entity_of_dge(house)
    for chosen, expected in (("", {3, 4}), (f"&unite={unit_id(house.services, 'ETU')}", {1, 4})):
        address = f"/supervision/chiffres?{DAYS}{chosen}&tableau=entities"
        numbers = set()
        for row in re.findall(r"<tr>(.*?)</tr>", main(client.get(address).text), re.DOTALL)[1:]:
            texts = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[1:]
            assert all("/l/" in one for one in texts if re.search(r">[1-9]\d*<span", one)), row
            for href, number in re.findall(r'<a href="(/l/[^"]+)">(\d+)<span', row):
                listed = shown(client, unescape(href))
                assert f"Courriers que vous pouvez lire : {number}" in listed, href
                assert "Entité, sans celles qui en dépendent" in listed
                back = re.search(r'<a class="back-link" href="([^"]+)"', listed)
                assert back is not None
                assert "entite" not in parse_qs(urlsplit(back[1]).query)
                numbers.add(int(number))
        assert numbers >= expected, chosen
        assert max(numbers) == 4
    figures = table_rows(client, f"/supervision/fichier?{DAYS}&entite={top}&tableau=units")
    assert sorted(row[1] for row in figures[1:]) == ["1", "2"], "the page understands it too"


def test_an_entity_shows_nobody_more_than_the_page_without_it(site: tuple[Flask, House]) -> None:
    app, house = site
    two_entities(house)
    top = entity_of_dge(house)
    for account, typed in (
        ("etudes", unit_id(house.services, "CEET")), ("daf", unit_id(house.services, "CEET")), ("dge", 77777),
        ("dge", unit_id(house.services, "ETU")), ("auditeur", top), ("agent", top),
    ):  # fmt: skip
        client = sign_in(app, account)
        for page in ("/supervision/" if account == "auditeur" else "/tableau/", "/tableau/courriers"):
            text = shown(client, f"{page}?{DAYS}&quoi=received&entite={typed}")
            assert f"{SAID}Service ou entité « {typed} »." in text, (account, page)
    listed = shown(sign_in(app, "daf"), f"/tableau/courriers?{DAYS}&quoi=received&entite={top}")
    assert "Courriers que vous pouvez lire : 5" in listed, "of the whole entity, those of DAF"
    whole, part = (
        table_rows(sign_in(app, "auditeur"), f"/supervision/fichier?{DAYS}{more}&tableau=units")
        for more in ("", f"&unite={unit_id(house.services, 'ETU')}")
    )
    assert whole != part
    refused = sign_in(app, "auditeur").get(f"/supervision/fichier?{DAYS}&entite={top}&tableau=units")
    assert refused.status_code == 422, "of rounded numbers no part is told"


def entity_of_dge(house: House) -> int:
    return entity_of(unit_id(house.services, "DGE"), actor(house.services, "dge").units)


def test_a_card_says_whether_there_are_more_or_fewer_than_before(site: tuple[Flask, House]) -> None:
    app, house = site
    for day, count in ((date(2026, 11, 3), 15), (date(2026, 10, 6), 10), (date(2026, 9, 8), 20)):
        for _ in range(count):
            letter(house.services, "DGE", on=day)
    count_all(house.services)
    client = sign_in(app, "dge")
    changes = [
        unescape(re.findall(r"<span>\(([^)]*)\)</span>", client.get(f"/tableau/?{days}").text)[0])
        for days in ("du=2026-11-01&au=2026-11-30", "du=2026-10-02&au=2026-10-31")
    ]
    assert [re.sub(r"\s", " ", one) for one in changes] == ["+50 %", "−50 %"]


def test_before_one_day_that_was_given_is_the_day_before_also_at_a_months_beginning(site: tuple[Flask, House]) -> None:
    count_all(site[1].services)
    client = sign_in(site[0], "dge")
    told = "« Avant » : les mêmes services, le {}."
    assert told.format("31/10/2026") in shown(client, "/tableau/?du=2026-11-01&au=2026-11-01")
    assert told.format("23/11/2026") in shown(client, "/tableau/?du=2026-11-24&au=2026-11-24")
    month = shown(client, "/tableau/?du=2026-11-01&au=2026-11-02")
    assert "« Avant » : les mêmes services, du 01/10/2026 au 02/10/2026." in month
