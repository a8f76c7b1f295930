"""'Numériser' on the clerk's page: profiles, the last choice, two passes, faults and the work that they leave."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import select, update

from ged.capture.models import BatchState, Bridge, Scan, ScanBatch, ScanOrder
from ged.recognition import jobs as recognition
from tests.scan_site_kit import Desk, desk, site
from web.words.fault_words import FAULTS

__all__ = ["desk", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


def form(shown: str) -> dict[str, str]:
    """The fields that the form 'Numériser' would send."""
    part = shown[shown.index('action="/numerisations/numeriser"') :]
    part = part[: part.index("</form>")]
    found = {}
    for name, body in re.findall(r'<select[^>]*name="(\w+)"(.*?)</select>', part, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    return found


def live(shown: str) -> str:
    part = shown[shown.index('id="live"') :]
    return part[: part.index('<div class="columns">')]


def test_profiles_fill_the_form_and_the_last_choice_is_remembered(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    plain = form(clerk.get("/numerisations/").text)
    assert (plain["mode"], plain["dpi"], plain["sides"], plain["paper"]) == ("gray", "300", "one", "a4")
    mail = form(clerk.get("/numerisations/?profil=courrier").text)
    assert (mail["mode"], mail["device"]) == ("lineart", "1|fi:1|ADF Front")
    both = form(clerk.get("/numerisations/?profil=recto-verso").text)
    assert both["sides"] == "duplex"
    choice = {"device": "1|pnm:0|Flatbed", "mode": "color", "dpi": "400", "sides": "one", "paper": "a5"}
    assert clerk.post("/numerisations/numeriser", **choice).status_code == 200
    order = desk.order()
    assert {name: order[name] for name in ("device", "source", "mode", "dpi", "duplex", "paper", "complete")} == {
        "device": "pnm:0", "source": "Flatbed", "mode": "color", "dpi": 400, "duplex": False, "paper": "a5",
        "complete": True,
    }  # fmt: skip
    assert form(clerk.get("/numerisations/").text) == choice


def test_own_profiles_are_the_units_and_can_be_deleted(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    choice = {"device": "1|fi:1|ADF Duplex", "mode": "color", "dpi": "200", "sides": "duplex", "paper": "a4"}
    nameless = clerk.post("/numerisations/profils", **choice, profile_name="  ")
    assert "Le profil n'a pas de nom" in nameless.text
    shown = clerk.post("/numerisations/profils", **choice, profile_name="Factures <b>").text
    assert "Factures &lt;b&gt;" in shown
    assert form(shown) == choice
    clerk.post("/numerisations/profils", **{**choice, "dpi": "300"}, profile_name="Factures <b>")
    assert form(clerk.get("/numerisations/?profil=1").text)["dpi"] == "300"
    assert desk.site.browser("sg").post("/numerisations/profils/1/supprimer").status_code == 403
    assert clerk.post("/numerisations/profils/1/supprimer").status_code == 200
    assert "Factures" not in live(clerk.get("/numerisations/").text) + clerk.get("/numerisations/?profil=1").text
    assert clerk.post("/numerisations/profils/1/supprimer").status_code == 404


@pytest.mark.parametrize("values", [{"sides": "three"}, {"paper": "a0"}, {"mode": "sepia"}, {"dpi": "20"}])
def test_nonsense_is_refused(desk: Desk, values: dict[str, str]) -> None:
    choice = {"device": "1|fi:1|ADF Front", "mode": "gray", "dpi": "300", "sides": "one", "paper": "a4"}
    assert desk.site.browser("agent").post("/numerisations/numeriser", **choice | values).status_code == 422
    assert desk.api.get("/api/bridge/order?wait_s=0", headers=desk.headers).status_code == 204


def test_fronts_then_backs_become_sheets(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300", sides="two_pass")
    fronts = desk.order()
    assert (fronts["duplex"], fronts["complete"]) == (False, False)
    told = desk.send(fronts, "r1", "r2", "r3")
    desk.tell(fronts, "done", 3)
    shown = live(clerk.get("/numerisations/").text)
    assert "Numériser les versos" in shown
    assert "Retournez la pile" in shown
    clerk.post(f"/numerisations/ordres/{fronts['order_id']}/page-suivante")
    backs = desk.order()
    assert (backs["batch_key"], backs["complete"]) == (fronts["batch_key"], True)
    told += desk.send(backs, "v3", "v2", "v1", first=4)
    desk.complete(backs, told)
    desk.tell(backs, "done", 3)
    assert _arranged(desk) == ["r1", "v1", "r2", "v2", "r3", "v3"]


def test_a_refused_deposit_leaves_what_is_chosen_for_the_scanner(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    chosen = {"device": "1|pnm:0|Flatbed", "mode": "color", "dpi": "400", "sides": "one", "paper": "a4"}
    clerk.post("/numerisations/numeriser", **chosen, more="1")  # the clerk's last choice
    ticked = 'name="more" value="1" checked'
    assert ticked in clerk.get("/numerisations/").raw
    wrong = {"file": (BytesIO(b"no document"), "notes.txt")}
    # Without a script the form of the scanner does not come along: its last choice stays.
    refused = clerk.post("/numerisations/fichiers", **wrong)
    assert (refused.status_code, ticked in refused.raw) == (422, True)
    # With a script it does: what was chosen since is kept, also a box whose tick was taken away.
    wrong = {"file": (BytesIO(b"no document"), "notes.txt")}
    refused = clerk.post("/numerisations/fichiers", **{**wrong, **chosen, "dpi": "200"})
    assert ticked not in refused.raw
    assert '<option value="200" selected' in refused.raw
    # A profile stays, and what it ticks.
    wrong = {"file": (BytesIO(b"no document"), "notes.txt")}
    refused = clerk.post("/numerisations/fichiers", **{**wrong, "profil": "couleur"})
    assert 'aria-current="true"' in refused.raw


def test_a_pile_scanned_in_ten_passes_is_one_line_and_none_once_it_is_complete(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    glass = {"device": "1|pnm:0|Flatbed", "mode": "gray", "dpi": "300", "sides": "one", "paper": "a4"}
    clerk.post("/numerisations/numeriser", **glass, more="1")
    told = []
    for n in range(1, 11):
        order = desk.order()
        told += desk.send(order, f"p{n}", first=n)
        desk.tell(order, "done", 1)
        shown = live(clerk.get("/numerisations/").text)
        assert shown.count('<div class="order-line">') == 1
        if n < 10:
            clerk.post(f"/numerisations/ordres/{order['order_id']}/page-suivante")
    assert "10 pages reçues" in shown
    with desk.site.services.reading() as session:
        batch_id = session.scalars(select(ScanBatch.id)).one()
    clerk.post(f"/numerisations/lots/{batch_id}/terminer")
    assert "Terminée" not in live(clerk.get("/numerisations/").text), "what is finished is not under way"
    assert len(_arranged(desk)) == 10
    assert "En cours" not in live(clerk.get("/numerisations/").text)


def _arranged(desk: Desk) -> list[str]:
    services = desk.site.services
    with services.reading() as session:
        batch = session.scalars(select(ScanBatch)).one()
    recognition.run_intake(services, batch.id, heartbeat=lambda _: None, now=datetime.now(UTC))
    with services.reading() as session:
        assert session.scalars(select(ScanBatch.state)).one() is BatchState.SETTLED
        return [leaf.page.token for leaf in session.scalars(select(Scan)).one().leaves]


def test_passes_that_do_not_match_wait_for_the_clerk(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300", sides="two_pass")
    fronts = desk.order()
    told = desk.send(fronts, "r1", "r2", "r3")
    desk.tell(fronts, "done", 3)
    clerk.post(f"/numerisations/ordres/{fronts['order_id']}/page-suivante")
    backs = desk.order()
    told += desk.send(backs, "v3", "v1", first=4)
    desk.complete(backs, told)
    desk.tell(backs, "done", 2)
    shown = live(clerk.get("/numerisations/").text)
    assert "3 rectos, 2 versos" in shown
    with desk.site.services.reading() as session:
        batch = session.scalars(select(ScanBatch)).one()
    assert batch.state is BatchState.OPEN
    clerk.post(f"/numerisations/lots/{batch.id}/terminer")
    assert _arranged(desk) == ["r1", "r2", "r3", "v3", "v1"]


def _plain(text: object) -> str:
    return html.unescape(str(text)).replace("\u2019", "'").replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("code", ["jammed", "double_feed", "disk_full", "interrupted"])
def test_a_fault_is_told_and_the_rest_of_the_stack_is_taken_up(desk: Desk, code: str) -> None:
    clerk = desk.site.browser("agent")
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300")
    first = desk.order()
    told = desk.send(first, "p1", "p2")
    desk.tell(first, "failed", 2, code)
    _an_hour_later(desk)
    shown = live(clerk.get("/numerisations/").text)
    assert _plain(FAULTS[code].what) in _plain(shown)
    assert _plain(FAULTS[code].remedy) in _plain(shown)
    assert "Les 2 pages reçues sont gardées" in shown
    assert "Reprendre" in shown
    clerk.post(f"/numerisations/ordres/{first['order_id']}/page-suivante")
    rest = desk.order()
    assert {name: rest[name] for name in rest if name != "order_id"} == {
        name: first[name] for name in first if name != "order_id"
    }
    told += desk.send(rest, "p3", first=3)
    desk.complete(rest, told)
    desk.tell(rest, "done", 1)
    assert _arranged(desk) == ["p1", "p2", "p3"]


def _an_hour_later(desk: Desk) -> None:
    """A person went to the scanner and came back an hour later."""
    earlier = datetime.now(UTC) - timedelta(hours=1)
    with desk.site.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(ScanOrder).values(changed_at=earlier, ordered_at=earlier))


def test_a_fault_before_the_first_page_can_be_given_up(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300")
    order = desk.order()
    desk.tell(order, "failed", 0, "no_docs")
    _an_hour_later(desk)
    shown = live(clerk.get("/numerisations/").text)
    assert "Le chargeur est vide" in shown
    assert "Abandonner" in shown
    with desk.site.services.reading() as session:
        batch_id = session.scalars(select(ScanBatch.id)).one()
    clerk.post(f"/numerisations/lots/{batch_id}/terminer")
    assert "Le chargeur est vide" not in live(clerk.get("/numerisations/").text)


def test_an_order_under_way_is_not_begun_again(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300")
    order = desk.order()
    desk.tell(order, "scanning", 1)
    answer = clerk.post(f"/numerisations/ordres/{order['order_id']}/page-suivante")
    assert answer.status_code in (409, 422)
    assert desk.api.get("/api/bridge/order?wait_s=0", headers=desk.headers).status_code == 204


def test_a_desk_that_falls_silent_is_told(desk: Desk) -> None:
    clerk = desk.site.browser("agent")
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300")
    order = desk.order()
    desk.tell(order, "scanning", 3)
    assert "ne donne plus de nouvelles" not in clerk.get("/numerisations/").text
    with desk.site.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Bridge).values(last_seen_at=datetime.now(UTC) - timedelta(minutes=5)))
    assert "ne donne plus de nouvelles" in live(clerk.get("/numerisations/").text)
    desk.tell(order, "scanning", 4)
    assert "ne donne plus de nouvelles" not in clerk.get("/numerisations/").text
