"""Originals at the registry: who must get them, one act for a slip to each, and those that stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdfium2 import PdfDocument
from sqlalchemy import func, select, update

from ged import locks
from ged.errors import Invalid
from ged.org import delegations
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind, Unit
from ged.ports import Confidentiality
from ged.register.models import Channel, Mail
from ged.routing import operations as routing
from ged.routing.operations import ImputationForm
from ged.routing.rectify_letter import rectify
from ged.slips import answers, bundle, operations, parties, tasks, to_transmit, transmitting
from ged.slips.answers import AnswerLine
from ged.slips.drafting import LineForm
from ged.slips.models import PaperCustody, Slip, SlipKind, SlipLine, SlipTask, TaskState
from ged.slips.operations import Issued
from ged.slips.states import LineState
from ged.unit import Services
from tests.factories import NOW, PASSPHRASE, actor
from tests.site import make_site, post, sign_in
from tests.slip_kit import form, letter, opened_key, take, unit_id
from tests.slip_kit import send as send_slip
from web.site import navigation
from web.site.navigation import Item
from web.views.slips import to_transmit as to_transmit_page

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path)
    yield made
    made[1].engine.dispose()


def impute(services: Services, mail_id: int, to: str = "DGE", *others: str, now: datetime = NOW) -> None:
    decision = ImputationForm(unit_id(services, to), tuple(unit_id(services, one) for one in others))
    with services.unit_of_work(now) as uow:
        routing.impute(uow, mail_id, decision, version=None, actor=actor(services, "sg"), now=now)


def groups(services: Services, account: str = "agent") -> dict[str, list[int]]:
    who = actor(services, account)
    sender = parties.sending_post(who, None)
    with services.reading() as session:
        found = to_transmit.destinations(session, who, post=sender)
        counted = session.scalar(to_transmit.count_papers(who))
    assert counted == len({row.mail_id for group in found for row in group.rows})
    return {f"{group.unit_name}{'?' if group.is_decision else ''}": [r.mail_id for r in group.rows] for group in found}


def test_the_navigation_counts_to_a_hundred(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _, services = site
    monkeypatch.setattr(to_transmit, "MOST_IN_MENU", 3)
    for number in range(4):
        letter(services, f"Courrier {number}")
    who = actor(services, "agent")
    with services.reading() as session:
        assert session.scalar(to_transmit.count_papers(who)) == 3
    entry = next(one for one in navigation.ENTRIES if one.endpoint == "to_transmit.index")
    assert entry.most == 100
    told = [Item("", "", "", "", current=False, count=count, most=100).shown for count in (99, 100)]
    assert told == ["99", "99+"]


def send(services: Services, *mail_ids: int) -> tuple[transmitting.Sent, ...]:
    who = actor(services, "agent")
    sender = parties.sending_post(who, None)
    with services.reading() as session:
        found = to_transmit.destinations(session, who, post=sender)
    chosen = {group.key: [row.mail_id for row in group.rows if row.mail_id in mail_ids] for group in found}
    return transmitting.send(
        services, chosen, post=sender, messenger="Koffi", key=opened_key(services, "agent"), actor=who, now=NOW
    )


SG, DGE, DAF = "Secrétariat général", "Direction générale de l'énergie", "Direction des affaires financières"


def test_originals_are_led_from_the_registry_to_the_authority_and_to_the_services(site: Site) -> None:
    services = site[1]
    one, two, three = (letter(services, f"Demande {n}") for n in range(3))
    assert groups(services) == {f"{SG}?": [one, two, three]}
    impute(services, one, "DGE", "DAF")
    impute(services, two, "DAF")
    assert groups(services) == {f"{SG}?": [three], DAF: [two], DGE: [one]}, "the original goes to the leading unit"
    sent = send(services, one, two)
    assert {(s.destination.unit_name, len(s.issued)) for s in sent} == {(DAF, 1), (DGE, 1)}
    assert groups(services) == {f"{SG}?": [three]}, "what a slip carries waits no more"
    slips = {s.destination.unit_name: s.issued[0] for s in sent}
    take(services, slips[DGE].slip_id, LineState.RECEIVED)
    assert groups(services) == {f"{SG}?": [three]}, "and lies with its service"
    assert groups(services, "dge") == {}
    take(services, slips[DAF].slip_id, LineState.MISSING, receiver="daf")
    assert groups(services) == {f"{SG}?": [three], DAF: [two]}, "what did not arrive is here, for all that one knows"


def test_what_a_filter_finds_far_down_the_list_is_sent_and_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    services = site[1]
    monkeypatch.setattr(to_transmit, "MOST", 1)
    _first, second, third = (letter(services, subject) for subject in ("Une demande", "Une facture", "Un devis"))
    who = actor(services, "agent")
    sender = parties.sending_post(who, None)
    with services.reading() as session:
        (found,) = to_transmit.destinations(session, who, post=sender, asked=to_transmit.PaperFilter("devis"))
    assert [row.mail_id for row in found.rows] == [third]
    sent = transmitting.send(
        services, {found.key: [third]}, post=sender, messenger="Koffi", key=opened_key(services, "agent"), actor=who, now=NOW
    )  # fmt: skip
    assert [len(one.issued) for one in sent] == [1]
    with services.unit_of_work(NOW) as uow:
        assert transmitting.keep_here(uow, [second, third], post=sender, actor=who) == 1


def test_two_units_of_one_name_are_told_apart_by_their_entities(site: Site) -> None:
    app, services = site
    impute(services, letter(services, "Devis"), "DGE")
    impute(services, letter(services, "Plan"), "DAF")
    with services.unit_of_work(NOW) as uow:
        for unit in uow.session.scalars(select(Unit).where(Unit.code.in_(("DAF", "DGE")))):
            unit.name, unit.is_entity = "Direction technique", unit.code == "DAF"
    both = {"Direction technique", "Direction technique, Ministère"}
    page = sign_in(app, "agent").get("/a-transmettre/").text
    assert both <= set(re.findall(r"<option value=\"\d+\">([^<]+)</option>", page)), "in the filter"
    with services.reading() as session:
        who = actor(services, "agent")
        found = to_transmit.destinations(session, who, post=parties.sending_post(who, None))
        assert both <= {one.unit_name for one in found}, "over the letters"
    admin = sign_in(app, "admin")
    stations = admin.get("/numerisations/postes").text
    assert both <= set(re.findall(r"<option value=\"\d+\">([^<]+)</option>", stations)), "where a station is added"
    assert '<option value="">Choisir</option>' in stations, "no unit gets a station unasked"
    refused = post(admin, "/numerisations/postes/appairer", {"unit_id": ""}, page="/numerisations/postes")
    assert refused.status_code == 422


def test_the_list_is_filtered_and_the_filter_stays(site: Site) -> None:
    app, services = site
    one, two, three = letter(services, "Prix 100 %"), letter(services, "Prix d'été"), letter(services, "Plainte")
    secret = letter(services, "Prix secret")
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, secret).level = Confidentiality.SECRET
    impute(services, one, "DGE")
    impute(services, two, "DAF")
    client = sign_in(app, "agent")

    def shown(address: str) -> list[int]:
        page = client.get(address, follow_redirects=True).text
        return sorted(int(one) for one in re.findall(r'name="mail" value="\w+\.(\d+)"', page))

    assert shown("/a-transmettre/") == [one, two, three]
    assert shown("/a-transmettre/?q=PRIX&filtre=1") == [one, two], "and nothing of what the clerk may not see"
    assert shown("/a-transmettre/") == [one, two]
    assert "fait=7" in client.get("/a-transmettre/?fait=7&fait=8").location
    assert "fait=8" in client.get("/a-transmettre/?fait=7&fait=8").location, "nothing of the address is lost"
    daf = unit_id(services, "DAF")
    assert shown(f"/a-transmettre/?service={daf}") == [two]
    assert shown(f"/a-transmettre/?service={daf}&q=plainte") == []
    page = client.get("/a-transmettre/?q=00003/2026").text
    assert "Plainte" in page
    options = re.findall(
        r"<option[^>]*>([^<]+)</option>", page.partition('name="service"')[2].partition("</select>")[0]
    )
    assert sorted(options) == sorted(["Tous", SG, DAF, "Direction générale de l&#39;énergie"])
    for wrong in ("x", "999999", "-1", "%27"):
        found = shown(f"/a-transmettre/?service={wrong}")
        assert found in ([], [one, two, three]), wrong
    assert "Aucun résultat" in client.get("/a-transmettre/?q=rien").text
    opened_key(services, "agent")
    # What the filter hides is not sent with the rest; after an error it is still hidden.
    client.get(f"/a-transmettre/?service={daf}")
    refused = post(
        client,
        "/a-transmettre/",
        {"act": "send", "mail": f"i{daf}.{two}", "passphrase": "faux"},
        page="/a-transmettre/?filtre=1&q=prix",
    )
    assert refused.status_code == 422
    assert sorted(re.findall(r'name="mail" value="\w+\.(\d+)"', refused.text)) == [str(one), str(two)]
    assert shown("/a-transmettre/?filtre=1") == [one, two, three]
    assert client.get("/a-transmettre/").status_code == 200


def test_the_successor_of_a_closed_unit_is_the_service_of_the_filter(site: Site) -> None:
    app, services = site
    mail_id = letter(services)
    impute(services, mail_id, "ETU")
    with services.unit_of_work(NOW) as uow:
        closed = uow.session.get_one(Unit, unit_id(services, "ETU"))
        closed.closed_at, closed.successor_id = NOW, unit_id(services, "DAF")
    page = sign_in(app, "agent").get(f"/a-transmettre/?service={unit_id(services, 'DAF')}").text
    assert f'.{mail_id}" checked' in page


def test_what_came_by_email_has_no_original_to_carry(site: Site) -> None:
    app, services = site
    one, two = letter(services, "Par courriel", channel=Channel.EMAIL), letter(services, "Au guichet")
    assert groups(services) == {f"{SG}?": [two]}
    client = sign_in(app, "agent")
    assert "il n'a pas d'original sur papier" in client.get(f"/courriers/{one}").text
    assert "Original" not in client.get(f"/courriers/{one}").text.partition("bordereaux")[2].partition("</section>")[0]
    assert "L'original est à" in client.get(f"/courriers/{two}").text
    assert "n'est pas sur papier" in client.get(f"/bordereaux/nouveau?mail={one}").text
    impute(services, one)
    impute(services, two)
    assert groups(services) == {DGE: [two]}
    # The registry corrects what it typed: the letter did come on paper.
    with services.unit_of_work(NOW) as uow:
        rectify(
            uow, one, {"channel": Channel.POST}, reason="Reçu par la poste", version=None, actor=actor(services, "agent"),
            now=NOW,
        )  # fmt: skip
    assert groups(services) == {DGE: [one, two]}


def test_a_paper_that_went_with_a_slip_is_carried_on_however_the_letter_came(site: Site) -> None:
    services = site[1]
    mail_id = letter(services, channel=Channel.EMAIL)
    slip = send_slip(services, LineForm(mail_id=mail_id), to=("SG",))
    with services.reading() as session:
        assert not session.scalars(select(SlipLine.is_original)).one(), "a print of it is a copy"
    take(services, slip.slip_id, LineState.RECEIVED, receiver="secretaire")
    slip = send_slip(services, LineForm(mail_id=mail_id, is_original=True), to=("SG",))
    take(services, slip.slip_id, LineState.RECEIVED, receiver="secretaire")
    impute(services, mail_id)
    assert groups(services, "secretaire") == {DGE: [mail_id]}


def test_an_original_that_went_up_for_imputation_is_carried_on_from_there(site: Site) -> None:
    services = site[1]
    mail_id = letter(services)
    (sent,) = send(services, mail_id)
    take(services, sent.issued[0].slip_id, LineState.RECEIVED, receiver="secretaire")
    impute(services, mail_id)
    assert groups(services) == {}
    assert groups(services, "secretaire") == {DGE: [mail_id]}


def boxes(client: FlaskClient) -> dict[int, bool]:
    """Letter -> whether its box is ticked on the page."""
    found = re.findall(r'name="mail" value="[^"]+\.([0-9]+)"( checked)?', client.get("/a-transmettre/").text)
    return {int(mail_id): bool(checked) for mail_id, checked in found}


def settle_all(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        for task in uow.session.scalars(select(SlipTask).where(SlipTask.state == TaskState.OPEN)).all():
            tasks.settle_task(uow, task.id, remark="Revenu par le planton", actor=actor(services, "agent"), now=NOW)


def test_a_paper_that_did_not_arrive_goes_again_only_when_the_clerk_has_it_in_hand(site: Site) -> None:
    app, services = site
    lost, back, other = letter(services, "Perdu"), letter(services, "Rendu"), letter(services, "Autre")
    for mail_id in (lost, back, other):
        impute(services, mail_id)
    issued = send_slip(services, LineForm(mail_id=lost), LineForm(mail_id=back))
    take(services, issued.slip_id, LineState.MISSING, LineState.WRONG_UNIT)
    impute(services, back, "DAF", now=NOW + timedelta(minutes=1))
    client = sign_in(app, "agent")
    page = client.get("/a-transmettre/").text
    assert boxes(client) == {lost: False, back: False, other: True}
    assert page.count("à la réception du bordereau") == page.count("data-tick-one") == 2
    assert "selon le service destinataire (" in page, "a unit's name has no article of its own"
    assert ["Manquant" in page, "Mal adressé" in page, f'href="/bordereaux/{issued.slip_id}"' in page] == [True] * 3
    assert "Refusé par ce service" not in page, "it goes to another unit now"
    panel = client.get(f"/courriers/{lost}").text
    assert re.search(r"Reçu</span> ce courrier\s*:\s*<span[^>]*>Manquant</span>", panel), (
        "the slip was received, this paper was not"
    )
    # It is found, and sent. What the receiver said before is over, also for who forgets to settle it.
    again = send_slip(services, LineForm(mail_id=lost), now=NOW + timedelta(hours=1))
    take(services, again.slip_id, LineState.RECEIVED, now=NOW + timedelta(hours=2))
    home = send_slip(services, LineForm(mail_id=lost), sender="dge", to=("BO",), now=NOW + timedelta(hours=3))
    take(services, home.slip_id, LineState.RECEIVED, receiver="agent", now=NOW + timedelta(hours=4))
    assert boxes(client) == {lost: True, back: False, other: True}
    settle_all(services)
    assert boxes(client) == {lost: True, back: True, other: True}


def refused_paper(services: Services, to: str = "DGE", receiver: str = "dge") -> tuple[int, Issued]:
    """A letter imputed to a unit that refused its original, and the slip by which it came."""
    mail_id = letter(services)
    impute(services, mail_id, to)
    issued = send_slip(services, LineForm(mail_id=mail_id), to=(to,))
    take(services, issued.slip_id, LineState.WRONG_UNIT, receiver=receiver)
    return mail_id, issued


def test_a_paper_that_came_back_by_a_slip_of_return_is_in_hand(site: Site) -> None:
    app, services = site
    mail_id, issued = refused_paper(services)
    impute(services, mail_id, "DAF", now=NOW + timedelta(minutes=1))
    client = sign_in(app, "agent")
    assert boxes(client) == {mail_id: False}
    returned = answers.answer_slip(
        services, issued.slip_id, kind=SlipKind.RETURN, lines=[AnswerLine(1)], key=opened_key(services, "dge"),
        actor=actor(services, "dge"), now=NOW,
    )  # fmt: skip
    assert boxes(client) == {}, "it is on its way"
    take(services, returned.slip_id, LineState.RECEIVED, receiver="agent", now=NOW + timedelta(hours=2))
    assert boxes(client) == {mail_id: True}, "whether or not somebody has settled the task"


@pytest.mark.usefixtures("site_clock")
def test_a_paper_goes_again_to_the_unit_that_refused_it_only_with_a_reason(site: Site) -> None:
    app, services = site
    refused, other = letter(services, "Refusé"), letter(services, "Autre")
    impute(services, refused)
    impute(services, other)
    first = send_slip(services, LineForm(mail_id=refused))
    take(services, first.slip_id, LineState.WRONG_UNIT, remark="Concerne la DAF")
    settle_all(services)  # it came back; that says nothing of where it goes
    client = sign_in(app, "agent")
    page = client.get("/a-transmettre/").text
    assert boxes(client) == {other: True, refused: False}, "apart from the others, and not ticked"
    apart = page.partition("Refusé par ce service")[2].partition("</fieldset>")[0]
    assert ["« Concerne la DAF »." in apart, "data-tick-one" in apart, "Refusé" in apart] == [True] * 3
    assert f"/courriers/{refused}/notes" in apart, "the clerk cannot impute: he asks for it"
    assert f"/bordereaux/nouveau?mail={refused}" in apart, "or chooses another unit by hand"
    assert f'href="/a-imputer/{refused}"' not in apart
    value = f"i{unit_id(services, 'DGE')}.{refused}"
    wanted = {"act": "send", "mail": [value, value.replace(str(refused), str(other))], "passphrase": PASSPHRASE}
    opened_key(services, "agent")
    without = post(client, "/a-transmettre/", {**wanted, "messenger": "Koffi"}, page="/a-transmettre/")
    assert without.status_code == 422
    assert [f'href="#remark-{value}"' in without.text, 'value="Koffi"' in without.text] == [True, True]
    assert f'value="{value}" checked' in without.text
    unticked = post(client, "/a-transmettre/", {**wanted, "mail": [], f"remark-{value}": "Entendu"})
    assert unticked.status_code == 422
    assert ['value="Entendu"' in unticked.text, "Cochez ce courrier" in unticked.text] == [True, True]
    with services.reading() as session:
        assert session.scalar(select(func.count(Slip.id))) == 1, "nothing left"
    sent = post(client, "/a-transmettre/", {**wanted, f"remark-{value}": "La DGE le prend, dit au téléphone"})
    assert sent.status_code == 303
    with services.reading() as session:
        lines = session.scalars(select(SlipLine).where(SlipLine.slip_id != first.slip_id)).all()
        assert {line.mail_id: line.remark for line in lines} == {
            refused: "La DGE le prend, dit au téléphone", other: "",
        }  # fmt: skip
    assert boxes(client) == {}


def test_a_reason_is_asked_wherever_the_slip_is_made_while_nobody_has_decided_anew(site: Site) -> None:
    services = site[1]
    mail_id, issued = refused_paper(services)
    key, who = opened_key(services, "agent"), actor(services, "agent")

    def issue(to: str, *, original: bool = True) -> None:
        line = LineForm(mail_id=mail_id, is_original=original, key=f"m{mail_id}")
        operations.issue(services, form(services, line, to=(to,)), key=key, actor=who, now=NOW)

    with pytest.raises(Invalid, match=r"slip\.refused_before") as refusal:
        issue("DGE")
    assert refusal.value.params["field"] == f"remark-m{mail_id}"
    assert refusal.value.params["slip"] == issued.number
    issue("DGE", original=False)  # a copy is no paper that was refused
    later = NOW + timedelta(hours=1)
    impute(services, mail_id, "DGE", now=later)
    assert groups(services) == {DGE: [mail_id]}
    issue("DGE")  # the authority knows, and says it again


def test_who_may_not_see_the_slip_is_told_nothing_of_the_refusal(site: Site) -> None:
    app, services = site
    mail_id, issued = refused_paper(services)
    elsewhere = send_slip(services, LineForm(mail_id=mail_id), to=("DAF",))
    take(services, elsewhere.slip_id, LineState.RECEIVED, receiver="daf")
    assert groups(services, "daf") == {DGE: [mail_id]}, "the imputation stands"
    client = sign_in(app, "daf")
    page = client.get("/a-transmettre/").text
    assert ["Refusé par ce service" in page, issued.number in page] == [False, False]
    assert boxes(client) == {mail_id: True}
    send_slip(services, LineForm(mail_id=mail_id), sender="daf")


def test_who_imputes_is_led_there_and_a_wrong_addressee_is_corrected(site: Site) -> None:
    app, services = site
    mail_id = letter(services)
    (sent,) = send(services, mail_id)
    take(services, sent.issued[0].slip_id, LineState.WRONG_UNIT, receiver="secretaire")
    page = sign_in(app, "agent").get("/a-transmettre/").text
    assert "Corriger à qui il est adressé" in page
    again = send_slip(services, LineForm(mail_id=mail_id, remark="Demandé par le SG"), to=("SG",))
    take(services, again.slip_id, LineState.RECEIVED, receiver="secretaire")
    impute(services, mail_id)
    on = send_slip(services, LineForm(mail_id=mail_id), sender="secretaire")
    take(services, on.slip_id, LineState.WRONG_UNIT)
    page = sign_in(app, "sg").get("/a-transmettre/").text
    assert f'href="/a-imputer/{mail_id}"' in page


def test_the_unit_that_took_over_a_closed_one_is_bound_by_its_refusal(site: Site) -> None:
    services = site[1]
    mail_id, _issued = refused_paper(services, "DAF", "daf")
    with services.unit_of_work(NOW) as uow:
        closed = uow.session.get_one(Unit, unit_id(services, "DAF"))
        closed.closed_at, closed.successor_id = NOW, unit_id(services, "DGE")
    assert groups(services) == {DGE: [mail_id]}
    with pytest.raises(Invalid, match=r"slip\.refused_before"):
        send_slip(services, LineForm(mail_id=mail_id))


def test_what_no_font_can_print_is_told_at_its_field_and_stays_typed(site: Site) -> None:
    app, services = site
    for to in ("DGE", "DAF"):
        impute(services, letter(services), to)
    opened_key(services, "agent")
    client = sign_in(app, "agent")
    ticked = re.findall(r'name="mail" value="([^"]+)" checked', client.get("/a-transmettre/").text)
    values = {"mail": ticked, "act": "send", "messenger": "Koffi 🏍", "passphrase": PASSPHRASE}
    refused = post(client, "/a-transmettre/", values, page="/a-transmettre/")
    assert (refused.status_code, 'value="Koffi 🏍"' in refused.text) == (422, True)
    assert 'href="#messenger"' in refused.text
    kept = post(client, "/a-transmettre/", {**values, "act": "keep"}, page="/a-transmettre/")
    assert kept.status_code == 303, "who keeps papers here names nobody"


def test_nothing_is_shown_of_letters_that_the_clerk_may_not_see(site: Site) -> None:
    services = site[1]
    secret = letter(services, "Secret")
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, secret).level = Confidentiality.SECRET
    open_one = letter(services, "Ordinaire")
    assert groups(services) == {f"{SG}?": [open_one]}


def test_an_original_that_stays_is_offered_no_more_and_can_still_be_sent(site: Site) -> None:
    services = site[1]
    one, two = letter(services), letter(services)
    who = actor(services, "agent")
    sender = parties.sending_post(who, None)
    with services.unit_of_work(NOW) as uow:
        assert transmitting.keep_here(uow, [one, 999_999], post=sender, actor=who) == 1
    assert groups(services) == {f"{SG}?": [two]}
    with services.reading() as session:
        assert session.scalars(select(PaperCustody.because)).all() == ["kept"]
    with services.unit_of_work(NOW) as uow:
        assert transmitting.keep_here(uow, [one], post=sender, actor=who) == 0, "it was not offered"


def test_what_is_refused_for_one_service_stops_no_other(site: Site) -> None:
    services = site[1]
    one, two = letter(services), letter(services)
    impute(services, one, "DGE")
    impute(services, two, "DAF")
    who = actor(services, "agent")
    sender = parties.sending_post(who, None)
    with services.reading() as session:
        found = to_transmit.destinations(session, who, post=sender)
    chosen = {group.key: [row.mail_id for row in group.rows] for group in found}
    with pytest.raises(Invalid, match=r"slip\.chosen_left"):
        transmitting.send(
            services, {"i999": [one]}, post=sender, messenger="", key=opened_key(services, "agent"), actor=who, now=NOW
        )
    sent = transmitting.send(
        services, chosen, post=sender, messenger="\u202e", key=opened_key(services, "agent"), actor=who, now=NOW
    )
    assert [s.refusal.code for s in sent if s.refusal] == ["typeset.glyph"] * 2
    with services.reading() as session:
        assert session.scalar(select(func.count(Slip.id))) == 0, "no number is lost by it"


@pytest.mark.usefixtures("site_clock")
def test_who_has_no_key_is_told_above_the_list_and_keeps_what_was_typed(site: Site) -> None:
    """A page of its own said so, and the ticks were gone."""
    app, services = site
    one, two = letter(services), letter(services, "Autre")
    impute(services, one)
    impute(services, two)
    client = sign_in(app, "agent")
    needed = "Il vous faut une clé de signature pour transmettre"
    page = client.get("/a-transmettre/").text
    assert needed in page
    ticked = re.findall(r'name="mail" value="([^"]+)" checked', page)
    values = {"act": "send", "messenger": "Koffi MENSAH", "mail": ticked[1:]}
    refused = post(client, "/a-transmettre/", values, page="/a-transmettre/").text
    assert needed in refused
    assert [f'value="{box}" checked' in refused for box in ticked] == [False, True]
    assert 'value="Koffi MENSAH"' in refused
    opened_key(services, "agent")
    assert needed not in client.get("/a-transmettre/").text


@pytest.mark.usefixtures("site_clock")
def test_the_page_ticks_sends_and_prints(site: Site) -> None:
    app, services = site
    one, two = letter(services, "Demande <b>une</b>"), letter(services, "Demande deux")
    impute(services, one, "DGE")
    impute(services, two, "DAF")
    opened_key(services, "agent")
    client = sign_in(app, "agent")
    page = client.get("/a-transmettre/").text
    assert "Demande &lt;b&gt;une&lt;/b&gt;" in page
    ticked = re.findall(r'name="mail" value="([^"]+)" checked', page)
    assert len(ticked) == 2
    values = {"post_id": re.findall(r'name="post_id" value="([0-9]+)"', page)[0], "act": "send", "messenger": "Koffi"}
    refused = post(
        client, "/a-transmettre/", {**values, "mail": ticked[:1], "passphrase": "faux"}, page="/a-transmettre/"
    )
    assert refused.status_code == 422
    assert re.findall(r'name="mail" value="([^"]+)" checked', refused.text) == ticked[:1], "the ticks are kept"
    empty = post(client, "/a-transmettre/", {**values, "passphrase": PASSPHRASE})
    assert (empty.status_code, "Aucun courrier n" in empty.text) == (422, True)
    assert re.findall(r'name="mail" value="([^"]+)" checked', empty.text) == [], "what was not ticked stays so"
    assert 'href="#mail"' in empty.text
    empty = post(client, "/a-transmettre/", {**values, "act": "keep"})
    assert (empty.status_code, "Aucun original n" in empty.text, "transmettre." in empty.text) == (422, True, False)
    assert 'href="#mail"' in empty.text
    first = re.search(r'<input class="choice__input" type="checkbox" id="([^"]+)"', empty.text)
    assert first is not None
    assert (first[1], empty.text.count('id="mail"'), empty.text.count('for="mail"')) == ("mail", 1, 1)
    sent = post(client, "/a-transmettre/", {**values, "mail": ticked, "passphrase": PASSPHRASE})
    assert sent.status_code == 303
    page = client.get(sent.headers["Location"]).text
    assert "2 bordereaux signés et envoyés." in page
    assert "Rien n'est à transmettre" in page.replace("&#39;", "'").replace("\u2019", "'")
    (link,) = set(re.findall(r'href="(/a-transmettre/impression\.pdf[^"]*fiches[^"]*)"', page))
    with client.get(link.replace("&amp;", "&")) as printed:
        assert printed.mimetype == "application/pdf"
        found = PdfDocument(printed.data)
    words = [page.get_textpage().get_text_bounded() for page in found]
    assert len(words) == 4, "two slips, each with the fiche of its letter"
    assert ["Bordereau" in " ".join(text.split()) or "BORDEREAU" in text for text in words] == [
        True,
        False,
        True,
        False,
    ]
    assert "Signé électroniquement par" in words[0], (
        "the sender's mark, which is no part of the signed page, is printed"
    )
    stranger = sign_in(app, "etudes")
    assert stranger.get(link.replace("&amp;", "&")).status_code == 404


def test_the_fiche_of_a_confidential_letter_is_printed_by_itself_alone(site: Site) -> None:
    services = site[1]
    plain, raised = letter(services), letter(services)
    for one in (plain, raised):
        impute(services, one)
    ((issued,),) = (one.issued for one in send(services, plain, raised))
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, raised).level = Confidentiality.RESTRICTED
        uow.session.execute(update(SlipLine).where(SlipLine.mail_id == raised).values(is_confidential=True))
    pdf = bundle.bundle_pdf(services, [issued.slip_id], with_sheets=True, actor=actor(services, "agent"), now=NOW)
    assert len(PdfDocument(pdf)) == 2, "the slip, and the fiche of the other letter"


@pytest.mark.usefixtures("site_clock")
def test_an_act_makes_a_few_slips_and_says_what_is_left(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transmitting, "MOST_SLIPS", 1)
    app, services = site
    one, two, three = letter(services), letter(services), letter(services)
    impute(services, one, "DGE")
    impute(services, two, "DAF")
    impute(services, three, "DAF")
    opened_key(services, "agent")
    client = sign_in(app, "agent")
    page = client.get("/a-transmettre/").text
    ticked = re.findall(r'name="mail" value="([^"]+)" checked', page)
    values = {
        "post_id": re.findall(r'name="post_id" value="([0-9]+)"', page)[0], "act": "send", "passphrase": PASSPHRASE,
        "mail": [value for value in ticked if not value.endswith(f".{two}")],
    }  # fmt: skip
    monkeypatch.setattr(transmitting, "MOST_SLIPS", 0)
    sent = post(client, "/a-transmettre/", values, page="/a-transmettre/")
    page = client.get(sent.headers["Location"]).text
    assert "2 groupes attendent encore" in page
    assert re.findall(r'name="mail" value="([^"]+)" checked', page) == values["mail"], "and not what was not ticked"
    monkeypatch.setattr(transmitting, "MOST_SLIPS", 1)
    sent = post(client, "/a-transmettre/", values)
    page = client.get(sent.headers["Location"]).text
    assert "1 bordereau signé et envoyé." in page
    assert "1 groupe attend encore" in page
    left = re.findall(r'name="mail" value="([^"]+)" checked', page)
    assert len(left) == 1
    sent = post(client, "/a-transmettre/", {**values, "mail": left, "passphrase": ""})
    assert groups(services) == {DAF: [two]}
    page = client.get(sent.headers["Location"]).text
    assert "attend encore" not in page
    assert '" checked' not in page, "what was not ticked is not proposed again in the same breath"
    assert f'.{two}" checked' in client.get("/a-transmettre/").text


@pytest.mark.usefixtures("site_clock")
def test_what_left_between_the_tick_and_the_act_is_told(site: Site) -> None:
    app, services = site
    one, two = letter(services), letter(services)
    impute(services, one)
    impute(services, two)
    opened_key(services, "agent")
    client = sign_in(app, "agent")
    page = client.get("/a-transmettre/").text
    values = {"act": "send", "passphrase": PASSPHRASE, "mail": re.findall(r'name="mail" value="([^"]+)" checked', page)}
    impute(services, one, "DAF")
    sent = post(client, "/a-transmettre/", values, page="/a-transmettre/")
    page = client.get(sent.headers["Location"]).text
    assert "1 bordereau signé et envoyé." in page
    assert "1 courrier coché n" in page
    assert groups(services) == {DAF: [one]}
    gone = post(client, "/a-transmettre/", values)
    assert (gone.status_code, "attend plus ici" in gone.text) == (422, True)


def test_a_full_page_says_how_many_more_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_transmit, "MOST", 2)
    app, services = site
    for subject in ("Devis", "Devis", "Devis", "Plan"):
        letter(services, subject)
    client = sign_in(app, "agent")
    assert "2 autres courriers attendent après ceux-ci" in client.get("/a-transmettre/").text
    assert "1 autre courrier attend après ceux-ci" in client.get("/a-transmettre/?q=devis").text
    assert "après ceux-ci" not in client.get("/a-transmettre/?q=plan").text


def test_the_ticks_of_an_address_are_read_as_they_were_written() -> None:
    ids = frozenset({5, 6, 90, 1_000_000})
    app = Flask(__name__)
    for written, read in ((to_transmit_page._in_address(ids), ids), ("", {0}), ("x.5.-3", {0, 5})):
        with app.test_request_context(f"/?coches={written}"):
            assert to_transmit_page._of_address() == read
    with app.test_request_context("/"):
        assert to_transmit_page._of_address() is None, "all"


def test_a_print_of_too_many_sheets_is_refused_before_any_is_set(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    app, services = site
    mails = [letter(services, f"Demande {n}") for n in range(3)]
    for mail_id in mails:
        impute(services, mail_id)
    ((issued,),) = (one.issued for one in send(services, *mails))
    monkeypatch.setattr(bundle, "MOST_DOCUMENTS", 3)
    set_sheets: list[object] = []
    monkeypatch.setattr(bundle, "sheet_pdf", lambda *one, **_more: set_sheets.append(one))
    client = sign_in(app, "agent")
    page = client.get(f"/a-transmettre/?fait={issued.slip_id}").text
    assert "Imprimer avec ses fiches" in page
    assert "Imprimer les bordereaux et les fiches" not in page
    refused = client.get(f"/a-transmettre/impression.pdf?bordereau={issued.slip_id}&fiches=1")
    assert (refused.status_code, "Imprimez les bordereaux un par un" in refused.text) == (422, True)
    assert set_sheets == []
    alone = client.get(f"/a-transmettre/impression.pdf?bordereau={issued.slip_id}")
    assert alone.mimetype == "application/pdf"


def test_letters_of_others_are_not_locked_by_whoever_names_them(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    services = site[1]
    mine, secret = letter(services), letter(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, secret).level = Confidentiality.SECRET
    held: list[int] = []
    lock = locks.hold
    monkeypatch.setattr(locks, "hold", lambda session, model, ids: held.extend(ids) or lock(session, model, ids))
    who = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        transmitting.keep_here(uow, [mine, secret], post=parties.sending_post(who, None), actor=who)
    assert held == [mine]


def test_the_unit_that_took_over_a_closed_one_passes_its_originals_on(site: Site) -> None:
    services = site[1]
    mail_id = letter(services)
    (sent,) = send(services, mail_id)
    take(services, sent.issued[0].slip_id, LineState.RECEIVED, receiver="secretaire")
    impute(services, mail_id, "DAF")
    assert groups(services, "dge") == {}
    with services.unit_of_work(NOW) as uow:
        closed = uow.session.get_one(Unit, unit_id(services, "SG"))
        closed.closed_at, closed.successor_id = NOW, unit_id(services, "DGE")
    assert groups(services, "dge") == {DAF: [mail_id]}
    send_slip(services, LineForm(mail_id=mail_id), sender="dge", to=("DAF",))
    with services.reading() as session:
        assert session.scalars(select(SlipLine.is_original).order_by(SlipLine.id.desc())).first()
    assert groups(services, "dge") == {}


def test_the_navigation_counts_what_goes_from_one_unit_of_the_clerk_to_another(site: Site) -> None:
    services = site[1]
    letter(services, "Pour décision")
    imputed = letter(services, "Pour l'énergie")
    impute(services, imputed, "DGE")
    clerk, head = actor(services, "agent"), actor(services, "dge")
    both = replace(head, posts=(*clerk.posts, *head.posts), principals=clerk.principals)
    with services.reading() as session:
        found = to_transmit.destinations(session, both, post=clerk.posts[0])
        assert sum(len(group.rows) for group in found) == 2
        assert session.scalar(to_transmit.count_papers(both)) == 2


def test_whoever_has_several_posts_comes_to_the_one_where_originals_wait(site: Site) -> None:
    app, services = site
    mail_id = letter(services)
    (sent,) = send(services, mail_id)
    take(services, sent.issued[0].slip_id, LineState.RECEIVED, receiver="secretaire")
    impute(services, mail_id)
    slip = send_slip(services, LineForm(mail_id=mail_id), sender="secretaire")
    take(services, slip.slip_id, LineState.RECEIVED, receiver="dge")
    impute(services, mail_id, "DAF")
    clerk, head, now = actor(services, "agent"), actor(services, "dge"), datetime.now(UTC)
    given = DelegationForm(
        post_id=head.posts[0].post_id, person_id=clerk.person_id, kind=DelegationKind.DELEGATION, act="Note n° 1",
        from_on=now.date(), until_on=now.date() + timedelta(days=1),
    )  # fmt: skip
    with services.unit_of_work(now) as uow:
        delegations.delegate(uow, given, actor=head)
    client = sign_in(app, "agent")
    page = client.get("/a-transmettre/").text
    assert f'.{mail_id}" checked' in page
    assert "1 original en attente" in page, "beside the post, in the choice of posts"
    own = client.get(f"/a-transmettre/?post_id={clerk.posts[0].post_id}").text
    assert f'.{mail_id}"' not in own, "a chosen post stays"


def test_what_is_imputed_elsewhere_while_slips_are_signed_goes_on_no_slip_to_the_first_unit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = site[1]
    one, two, three = letter(services), letter(services), letter(services)
    impute(services, one, "DGE")
    impute(services, two, "DGE")
    impute(services, three, "DAF")
    issue = operations.issue

    def late(*given: Any, **more: Any) -> tuple[operations.Issued, ...]:
        impute(services, one, "DAF")  # the act has read which letters it takes; the slips before this one took seconds
        impute(services, three, "DGE")
        return issue(*given, **more)

    monkeypatch.setattr(operations, "issue", late)
    sent = send(services, one, two, three)
    assert [(part.destination.unit_name, part.mail_ids) for part in sent] == [(DGE, (two,))]
    with services.reading() as session:
        assert session.scalars(select(SlipLine.mail_id)).all() == [two]
    assert groups(services) == {DAF: [one], DGE: [three]}


def test_a_print_of_nothing_is_refused_and_a_form_holds_no_more_ticks_than_a_page(site: Site) -> None:
    app, _services = site
    nothing = sign_in(app, "agent").get("/a-transmettre/impression.pdf?bordereau=x")
    assert (nothing.status_code, "Aucun bordereau n" in nothing.text) == (422, True)
    many = [f"d3.{number}" for number in range(1, 70_000)]
    with app.test_request_context("/a-transmettre/", method="POST", data={"mail": many}):
        assert len(to_transmit_page._of_form()) == 2 * to_transmit.MOST
