"""The pages of slips: typed values are kept, one passphrase is enough, nobody sees another's slips."""

import html
import io
import re
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.org import keys
from ged.org.models import Unit
from ged.ports import Confidentiality
from ged.register.levels import change_level
from ged.slips import queries
from ged.slips.drafting import LineForm
from ged.slips.models import Slip, SlipTask
from ged.slips.states import LineState, SlipState
from tests import site as web
from tests import slip_kit as kit
from tests.factories import NOW, PASSPHRASE, actor
from tests.figure_letters_kit import add_auditor

pytestmark = [pytest.mark.in_turns(3), pytest.mark.usefixtures("site_clock")]


@pytest.fixture
def site(tmp_path):
    app, services = web.make_site(tmp_path)
    for account in ("agent", "dge", "daf"):
        person = actor(services, account)
        with services.unit_of_work(NOW) as uow:
            keys.issue_key(uow, person.person_id, passphrase=PASSPHRASE, actor=person)
    yield app, services
    services.checker.close()
    services.engine.dispose()


def _form(services, *mail_ids, **more):
    return {
        "act": "sign",
        "receiver_unit_id": kit.unit_id(services, "DGE"),
        "purpose": "handover",
        "free": 1,
        "mail": list(mail_ids),
        **{f"original-m{mail_id}": "1" for mail_id in mail_ids},
        **more,
    }


def _picture():
    picture = io.BytesIO()
    Image.new("L", (1200, 1700), 255).save(picture, "PNG", dpi=(150, 150))
    return picture.getvalue()


def _latest_slip(services):
    with services.reading() as session:
        return session.scalars(select(Slip).order_by(Slip.id.desc()).limit(1)).unique().one()


def _sent(site, **more):
    app, services = site
    clerk = web.sign_in(app, "agent")
    letter = kit.letter(services)
    form = _form(services, letter, **{"description-f1": "Plan A0", "count-f1": 2, "passphrase": PASSPHRASE, **more})
    answer = web.post(clerk, "/bordereaux/nouveau", form)
    assert answer.status_code == 303, answer.text
    return clerk, letter, _latest_slip(services)


def test_a_slip_travels_through_the_pages(site):
    app, services = site
    clerk, letter, slip = _sent(site)
    assert slip.state is SlipState.SENT
    shown = clerk.get(f"/bordereaux/{slip.id}").text
    assert "BT-0001/2026" in shown
    assert "Signature valable" in shown
    answer = clerk.get(f"/bordereaux/{slip.id}/bordereau.pdf")
    assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")

    receiver = web.sign_in(app, "dge")
    page = receiver.get(f"/bordereaux/{slip.id}/recevoir").text
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    path = f"/bordereaux/{slip.id}/recevoir"
    all_ticked = web.post(receiver, path, {"act": "all", "version": version})
    assert all_ticked.text.count('value="received" checked') == 2
    rest_ticked = web.post(
        receiver, path, {"act": "all", "line-2": "missing", "remark-2": "Un seul", "version": version}
    ).text
    assert rest_ticked.count('value="received" checked') == 1, "what is decided stays"
    assert rest_ticked.count('value="missing" checked') == 1
    wrong = web.post(receiver, path, {"line-1": "damaged", "version": version})
    assert wrong.status_code == 422
    assert re.findall(r'href="#((?:line|remark|passphrase)[\w-]*)"', wrong.text) == ["remark-1", "line-2"], (
        "what is wrong with the lines is told before a passphrase is asked"
    )
    assert _latest_slip(services).state is SlipState.SENT
    decided = {"line-1": "received", "line-2": "missing", "remark-2": "Un seul plan", "version": version}
    answer = web.post(receiver, path, {**decided, "passphrase": PASSPHRASE})
    assert answer.status_code == 303
    shown = receiver.get(f"/bordereaux/{slip.id}").text
    assert shown.count("Signature valable") == 2
    assert "Un seul plan" in shown

    again = web.post(receiver, path, {**decided, "passphrase": PASSPHRASE})
    assert again.status_code == 409
    assert "déjà reçu" in again.text

    index = clerk.get("/bordereaux/").text
    assert "Écarts à régler" in index
    with services.reading() as session:
        task_id = session.scalars(select(SlipTask.id)).one()
    long = "Cherché au secrétariat, puis aux archives. " * 12
    refused = web.post(clerk, f"/bordereaux/taches/{task_id}", {f"remark-{task_id}": long})
    assert refused.status_code == 422
    assert f'value="{long.strip()}' in refused.text, "what was typed comes back, whole"
    assert f'href="#remark-{task_id}"' in refused.text
    unseen = web.post(clerk, f"/bordereaux/taches/{task_id}", {f"remark-{task_id}": "\u200f\u200b"})
    assert f'href="#remark-{task_id}"' in unseen.text, (
        "signs that nobody sees are no remark; the error leads to its field"
    )
    web.post(clerk, f"/bordereaux/taches/{task_id}", {f"remark-{task_id}": "Retrouvé"})
    assert "Écarts à régler" not in clerk.get("/bordereaux/").text
    late = web.post(clerk, f"/bordereaux/taches/{task_id}", {f"remark-{task_id}": "Rendu par le cabinet"})
    assert late.status_code == 409
    assert "Rendu par le cabinet" in late.text, "the form is gone, what was typed is not"
    assert letter in [line.mail_id for line in slip.lines]


def test_the_button_of_a_letter_leads_to_a_slip_that_bears_it(site):
    app, services = site
    clerk, letter = web.sign_in(app, "agent"), kit.letter(services)
    shown = html.unescape(clerk.get(f"/courriers/{letter}").text)
    link = re.search(r'href="(/bordereaux/nouveau[^"]*)"', shown)[1]
    assert link == f"/bordereaux/nouveau?mail={letter}"
    assert f'name="mail" value="{letter}"' in clerk.get(link).text


def test_a_new_slip_says_which_letters_of_its_address_it_does_not_bear(site):
    app, services = site
    clerk, letter = web.sign_in(app, "agent"), kit.letter(services)
    assert "pas été mis" not in clerk.get(f"/bordereaux/nouveau?mail={letter}&mail=0{letter}&mail=").text
    for wrong, told in (("mail=abc", "1 pièce demandée"), ("mail=999999&envelope=x", "2 pièces demandées")):
        page = clerk.get(f"/bordereaux/nouveau?mail={letter}&{wrong}").text.replace("\xa0", " ")
        assert told in page
        assert f'name="mail" value="{letter}"' in page


def test_a_slip_that_names_a_confidential_letter_is_a_reading(site):
    app, services = site
    _clerk, letter, slip = _sent(site)
    receiver = web.sign_in(app, "dge")
    page, pdf = f"/bordereaux/{slip.id}", f"/bordereaux/{slip.id}/bordereau.pdf"

    def readings():
        for address in (page, pdf):
            assert receiver.get(address).status_code == 200
        with services.reading() as session:
            found = session.scalars(
                select(AuditEntry).where(AuditEntry.subject_id == letter).order_by(AuditEntry.sequence)
            )
            return [(e.action, e.person_id) for e in found if e.action in ("mail.opened", "mail.printed")]

    assert readings() == []
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "agent"))
    person = actor(services, "dge").person_id
    assert readings() == [("mail.opened", person), ("mail.printed", person)]


def test_one_passphrase_serves_for_several_slips(site):
    _app, services = site
    clerk, _letter, _slip = _sent(site)
    second = web.post(clerk, "/bordereaux/nouveau", _form(services, kit.letter(services)))
    assert second.status_code == 303
    assert _latest_slip(services).number_text == "BT-0002/2026"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"passphrase": ""}, "verrouillée"),
        ({"passphrase": "pas la bonne phrase"}, "essais restants"),
        ({"passphrase": PASSPHRASE, "receiver_unit_id": ""}, "obligatoire"),
        ({"passphrase": PASSPHRASE, "purpose": "on_loan"}, "date de retour"),
        ({"passphrase": PASSPHRASE, "count-f1": "deux"}, "nombre entier"),
        ({"passphrase": PASSPHRASE, "description-f1": "王"}, ""),
    ],
)
def test_an_error_keeps_what_was_typed_and_costs_no_number(site, wrong, message):
    app, services = site
    clerk = web.sign_in(app, "agent")
    letter = kit.letter(services)
    form = _form(services, letter, **{"description-f1": "Plan A0", f"remark-m{letter}": "Très fragile", **wrong})
    answer = web.post(clerk, "/bordereaux/nouveau", form)
    assert answer.status_code == 422
    assert message in answer.text
    assert "Très fragile" in answer.text
    assert f'name="mail" value="{letter}"' in answer.text
    with services.reading() as session:
        assert session.scalar(select(Slip.id)) is None


def test_who_has_no_key_is_told_before_anything_is_filled_and_loses_nothing(site):
    """The error came at the signature, after every line was filled; « À transmettre » showed a page of its own for it."""
    app, services = site
    letter = kit.letter(services)
    made = kit.send(services, LineForm(mail_id=letter), LineForm("Plan A0"), to=("SG",))
    secretary, needed = web.sign_in(app, "secretaire"), "Il vous faut une clé de signature"
    receive, ready = f"/bordereaux/{made.slip_id}/recevoir", web.sign_in(app, "agent")
    for address in (receive, "/bordereaux/nouveau", "/bordereaux/lecture/"):
        page = html.unescape(secretary.get(address).text)
        assert needed in page
        assert "ged account key secretaire" in page, "who makes it, and how"
        assert 'name="passphrase"' not in page, "who has no key has no passphrase to type"
        if address != receive:
            assert needed not in html.unescape(ready.get(address).text)
    assert (
        f'href="/bordereaux/{made.slip_id}/papier"' in html.unescape(secretary.get(receive).text).partition(needed)[2]
    )
    typed = {"line-1": "received", "line-2": "damaged", "remark-2": "Coin plié", "capacity": "Secrétaire"}
    refused = web.post(secretary, receive, typed)
    assert "verrouillée" not in refused.text
    assert "Vous n'avez pas de clé de signature." in html.unescape(refused.text).replace("’", "'")
    for kept in ('value="received" checked', 'value="damaged" checked', 'value="Coin plié"', 'value="Secrétaire"'):
        assert kept in refused.text
    new = web.post(secretary, "/bordereaux/nouveau", _form(services, **{"description-f1": "Plan de masse"}))
    assert needed in html.unescape(new.text)
    assert "Plan de masse" in new.text


def test_lines_are_added_without_losing_anything_and_the_preview_writes_nothing(site):
    app, services = site
    clerk = web.sign_in(app, "agent")
    first, second = kit.letter(services, "Première"), kit.letter(services, "Deuxième")
    form = _form(services, first, **{"description-f1": "Plan A0"})
    more = web.post(clerk, "/bordereaux/nouveau", {**form, "act": "line"}).text
    assert 'name="description-f2"' in more
    assert 'value="Plan A0"' in more
    added = web.post(clerk, "/bordereaux/nouveau", {**form, "act": "letter", "add_number": "00002/2026/MIN"}).text
    assert f'name="mail" value="{second}"' in added
    assert 'value="Plan A0"' in added
    unknown = web.post(clerk, "/bordereaux/nouveau", {**form, "act": "letter", "add_number": "99"}).text
    assert "Aucun courrier" in unknown
    preview = web.post(clerk, "/bordereaux/nouveau", {**form, "act": "preview"})
    assert preview.mimetype == "application/pdf"
    with services.reading() as session:
        assert session.scalar(select(Slip.id)) is None


def test_a_stranger_finds_nothing_and_every_refusal_is_a_page(site):
    app, _services = site
    _clerk, _letter, slip = _sent(site)
    stranger = web.sign_in(app, "daf")
    for path in ("", "/recevoir", "/papier", "/retour", "/bordereau.pdf", "/preuve/1"):
        assert stranger.get(f"/bordereaux/{slip.id}{path}").status_code == 404, path
    assert web.post(stranger, f"/bordereaux/{slip.id}/annuler", {"reason": "x"}).status_code == 404
    assert slip.number_text not in stranger.get("/bordereaux/").text
    administrator = web.sign_in(app, "admin")
    assert slip.number_text not in administrator.get("/bordereaux/").text
    assert administrator.get("/bordereaux/nouveau").status_code == 403


def test_a_print_signed_by_hand_is_written_down_with_its_scan(site):
    _app, services = site
    clerk, _letter, slip = _sent(site)
    page = clerk.get(f"/bordereaux/{slip.id}/papier").text
    day, clock = (
        re.search(rf'name="{name}"[^>]* value="([^"]+)"', page)[1] for name in ("received_on", "received_time")
    )
    picture = _picture()
    form = {
        "name": "Afi DOSSOU",
        "capacity": "Secrétaire",
        "received_on": day,
        "received_time": clock,
        "line-1": "received",
        "line-2": "received",
    }
    path = f"/bordereaux/{slip.id}/papier"
    without = web.post(clerk, path, form)
    assert without.status_code == 422
    assert "Afi DOSSOU" in without.text
    done = web.post(
        clerk, path, {**form, "file": (io.BytesIO(picture), "signe.png")}, content_type="multipart/form-data"
    )
    assert done.status_code == 303, done.text
    shown = clerk.get(f"/bordereaux/{slip.id}").text
    assert "signée à la main" in shown
    assert shown.count("Signature valable") == 1
    proof = re.search(rf"/bordereaux/{slip.id}/preuve/\d+", shown)[0]
    assert clerk.get(proof).data == picture
    assert _latest_slip(services).lines[1].state is LineState.RECEIVED


def test_a_return_and_the_delivery_book(site):
    app, services = site
    clerk, _letter, slip = _sent(site, messenger="Koffi MENSAH")
    book = clerk.get("/bordereaux/cahier").text
    assert "Koffi MENSAH" in book
    link = re.search(r'href="(/bordereaux/cahier\.pdf[^"]+)"', book)[1].replace("&amp;", "&")
    assert clerk.get(link).data[:5] == b"%PDF-"
    wrong = clerk.get("/bordereaux/cahier?day=31/02/2026").text
    assert 'class="error-summary"' in wrong
    assert 'value="31/02/2026"' in wrong
    assert "cahier.pdf" not in wrong, "nothing else is printed than what is shown"
    assert clerk.get(re.sub(r"day=[0-9-]+", "day=31/02/2026", link)).status_code == 422
    receiver = web.sign_in(app, "dge")
    decided = {"line-1": "received", "line-2": "received", "passphrase": PASSPHRASE}
    web.post(receiver, f"/bordereaux/{slip.id}/recevoir", decided)
    path = f"/bordereaux/{slip.id}/retour"
    assert "Plan A0" in receiver.get(path).text
    nothing = web.post(receiver, path, {"nature": "return"})
    assert nothing.status_code == 422
    back = web.post(receiver, path, {"nature": "return", "line": ["2"], "remark-2": "Étudié"})
    assert back.status_code == 303
    assert _latest_slip(services).cites_id == slip.id
    assert "Bordereau de retour" in clerk.get("/bordereaux/").text
    assert slip.number_text in clerk.get(back.headers["Location"]).text


def test_the_letter_tells_where_its_paper_is(site):
    app, _services = site
    clerk, _letter, slip = _sent(site)
    link = re.search(r'href="([^"]+)">00001/2026/MIN</a>', clerk.get(f"/bordereaux/{slip.id}").text)[1]
    waiting = clerk.get(link).text
    assert "original est à : Bureau" in html.unescape(waiting)
    assert slip.number_text in waiting
    receiver = web.sign_in(app, "dge")
    decided = {"line-1": "received", "line-2": "received", "passphrase": PASSPHRASE}
    web.post(receiver, f"/bordereaux/{slip.id}/recevoir", decided)
    assert "original est à : Direction générale" in html.unescape(receiver.get(link).text)


def test_a_sent_slip_is_handed_over_and_voided(site):
    _app, _services = site
    clerk, _letter, slip = _sent(site)
    refused = web.post(clerk, "/bordereaux/porteur", {"messenger": "Koffi"})
    assert refused.status_code == 422
    assert "Cochez" in refused.text
    assert 'value="Koffi"' in refused.text
    refused = web.post(clerk, "/bordereaux/porteur", {"messenger": "", "slip": [slip.id]})
    assert f'value="{slip.id}" checked' in refused.text
    web.post(clerk, "/bordereaux/porteur", {"messenger": "Koffi", "slip": [slip.id]})
    assert "Koffi" in clerk.get("/bordereaux/").text
    web.post(clerk, f"/bordereaux/{slip.id}/annuler", {"reason": "Mauvais service"})
    assert "Mauvais service" in clerk.get(f"/bordereaux/{slip.id}").text


def test_a_refused_handing_keeps_the_place_of_the_list(site, monkeypatch):
    _app, _services = site
    clerk, _letter, first = _sent(site)
    more = [_sent(site)[2] for _ in range(2)]
    monkeypatch.setattr(queries.sent, "__kwdefaults__", {**queries.sent.__kwdefaults__, "limit": 1})
    older = re.search(r'rel="next" href="([^"]+)"', clerk.get("/bordereaux/").text)[1]
    shown = clerk.get(html.unescape(older)).text
    action = html.unescape(re.search(r'action="(/bordereaux/porteur[^"]*)"', shown)[1])
    refused = web.post(clerk, action, {"messenger": "", "slip": [more[0].id]})
    assert f'value="{more[0].id}" checked' in refused.text
    for link in re.findall(r'rel="(?:prev|next)" href="([^"]+)"', refused.text):
        assert clerk.get(html.unescape(link)).status_code == 200, link
    nothing = web.post(clerk, action, {"messenger": ""})
    assert ('href="#slip"' in nothing.text, 'href="#messenger"' in nothing.text) == (True, True), (
        "both are said at once"
    )
    assert first.number_text not in refused.text


def test_whoever_heads_the_sending_unit_reads_its_slips_and_ticks_none(site):
    app, services = site
    clerk, _letter, slip = _sent(site)
    with services.unit_of_work(NOW) as uow:
        unit = uow.session.get_one(Unit, kit.unit_id(services, "BO"))
        unit.parent_id = kit.unit_id(services, "DGE")
    tick = f'name="slip" value="{slip.id}"'
    assert tick in clerk.get("/bordereaux/").text
    listed = web.sign_in(app, "dge").get("/bordereaux/").text
    assert slip.number_text in listed.partition('id="envoyes"')[2]
    assert (tick in listed, "Noter la remise" in listed) == (False, False)


def test_the_home_page_lists_slips_without_reception_after_the_delay(site):
    app, services = site
    late = NOW - timedelta(hours=services.unacknowledged_hours + 1)
    old = kit.send(services, kit.LineForm(description="Dossier"), now=late)
    recent = kit.send(services, kit.LineForm(description="Dossier"), now=NOW)
    page = web.sign_in(app, "agent").get("/").text
    assert f"/bordereaux/{old.slip_id}" in page
    assert f"/bordereaux/{recent.slip_id}" not in page
    assert f"/bordereaux/{old.slip_id}" not in web.sign_in(app, "daf").get("/").text
    kit.take(services, old.slip_id, LineState.RECEIVED, now=NOW)
    assert "sans réception" not in web.sign_in(app, "agent").get("/").text


def test_the_number_of_a_slip_leads_to_it_in_the_search_and_is_unknown_to_others(site):
    app, services = site
    add_auditor(services)
    web.give_passwords(services)
    issued = kit.send(services, LineForm(mail_id=kit.letter(services)))
    number = kit.slip(services, issued.slip_id).number_text
    begin = number.split("/")[0]
    unknown = f"{begin[:-4]}9999"
    for account in ("agent", "dge"):
        client = web.sign_in(app, account)
        for typed in (number, number.lower().replace("/", " - "), begin, f"n° {begin.lower()}"):
            reply = client.get("/recherche/", query_string={"q": typed})
            assert (reply.status_code, reply.location) == (302, f"/bordereaux/{issued.slip_id}"), (account, typed)
        shown = html.unescape(client.get("/recherche/", query_string={"q": number, "direction": "incoming"}).text)
        assert f'href="/bordereaux/{issued.slip_id}"><span class="number">{number}</span>' in shown
        assert "Aucun courrier trouvé" not in shown
        assert 'class="number"' not in client.get("/recherche/", query_string={"q": f"{number} poste"}).text
    for account in ("daf", "admin", "auditeur"):
        client = web.sign_in(app, account)
        of_it, of_none = (
            client.get("/recherche/", query_string={"q": number.replace(begin, typed)}) for typed in (begin, unknown)
        )
        assert of_it.status_code == of_none.status_code == 200, account
        alike = [
            re.sub(r'"[\w.-]{40,}"', "", reply.text) for reply in (of_it, of_none)
        ]  # tokens, which differ by the second
        assert alike[0].replace(begin, unknown) == alike[1], account
        assert "Bordereau</a>" not in alike[0]


def test_the_number_of_a_slip_is_found_without_its_year_and_not_by_its_count_alone(site):
    _app, services = site
    issued = kit.send(services, LineForm(mail_id=kit.letter(services)))
    number = kit.slip(services, issued.slip_id).number_text
    begin = number.split("/")[0]
    with services.reading() as session:
        who, other = actor(services, "agent"), actor(services, "daf")
        assert [row.id for row in queries.with_number(session, begin, who)] == [issued.slip_id]
        assert queries.with_number(session, begin, other) == []
        for typed in (begin.split("-")[1], f"{begin}9", f"{begin}/2019", "a/1" * 300_000):
            assert queries.with_number(session, typed, who) == [], typed[:40]
