"""The bridge's API, and the pages of scans, documents and envelopes, through the whole application."""

from __future__ import annotations

import io
import json
import re
import time

import pytest
from PIL import Image
from sqlalchemy import func, select

from ged.audit import AuditEntry
from ged.capture import bridges
from ged.capture import queries as scan_queries
from ged.capture.models import Bridge, OrderState, Scan, ScanBatch, ScanLeaf, ScanOrder, ScanState
from ged.codes import CodeKind, make_code
from ged.org.models import Unit
from ged.recognition import jobs as recognition
from ged.register.models import Attachment, Mail, Register
from tests import pages
from tests.factories import NOW, actor
from tests.scan_site_kit import Site, only_scan, paired, put_page, register, site, upload

__all__ = ["site"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


# --- the bridge's API ---------------------------------------------------------------------------------------------


def test_a_bridge_scans_from_pairing_to_the_joined_letter(site: Site) -> None:
    bridge, letter, clerk = paired(site), register(site), site.browser("agent")
    api = site.app.test_client()
    devices = [{"name": "pnm:0", "vendor": "Noname", "model": "PNM", "type": "virtual", "sources": ["Flatbed"],
                "modes": ["Gray"], "resolutions": [300]}]  # fmt: skip
    assert api.post("/api/bridge/devices", json={"devices": devices}, headers=bridge).status_code == 204
    page = clerk.get("/numerisations/").text
    with site.services.reading() as session:
        bridge_id = session.scalar(select(Bridge.id))
    choice = f"{bridge_id}|pnm:0|Flatbed"
    assert f'value="{choice}"' in page
    assert "Noname PNM - vitre" in page
    clerk.post("/numerisations/numeriser", device=choice, mode="gray", dpi="300", duplex="1")
    order = api.get("/api/bridge/order?wait_s=0", headers=bridge).json
    assert {k: order[k] for k in ("device", "source", "mode", "dpi", "duplex", "complete")} == {
        "device": "pnm:0", "source": "Flatbed", "mode": "gray", "dpi": 300, "duplex": True, "complete": True,
    }  # fmt: skip
    key, state = order["batch_key"], f"/api/bridge/order/{order['order_id']}/state"
    assert api.post(
        state, json={"state": "scanning", "pages": 0, "code": None, "detail": None}, headers=bridge
    ).json == {"cancel": False}
    assert api.get("/api/bridge/order?wait_s=0", headers=bridge).status_code == 204
    begun = api.put(f"/api/bridge/batch/{key}", json={"order_id": 1, "device": "pnm:0", "started_at": "2026-11-24"},
                    headers=bridge)  # fmt: skip
    assert begun.status_code == 200
    content = pages.png("Tsévié", code=make_code(CodeKind.LABEL, letter.number_id, key=site.services.code_key))
    first = put_page(site, bridge, key, "t1", content)
    assert (first.status_code, first.json) == (201, {"digest": pages.sha256(content), "size": len(content)})
    assert put_page(site, bridge, key, "t1", content).status_code == 200
    assert "Numérisation en cours" in clerk.get("/numerisations/en-cours").text
    complete = f"/api/bridge/batch/{key}/complete"
    sent = {"token": "t1", "digest": pages.sha256(content)}
    lost = {"token": "t2", "digest": "0" * 64}
    refused = api.post(complete, json={"pages": [sent, lost]}, headers=bridge)
    assert (refused.status_code, refused.json) == (409, {"missing": ["t2"]})
    assert api.post(complete, json={"pages": [sent]}, headers=bridge).status_code == 200
    assert api.post(state, json={"state": "done", "pages": 1}, headers=bridge).status_code == 200
    site.run_intake()
    assert letter.number in clerk.get("/numerisations/").text
    with site.services.reading() as session:
        assert session.scalar(select(Attachment.mail_id)) == letter.mail_id


def test_a_bridge_without_an_order_is_answered_at_once_and_told_when_to_come_again(site: Site) -> None:
    bridge = paired(site)
    began = time.monotonic()
    answer = site.app.test_client().get("/api/bridge/order?wait_s=25", headers=bridge)
    assert time.monotonic() - began < 12, "of the 25 s it waits for none"
    assert answer.status_code == 204
    assert 1 <= int(answer.headers["Retry-After"]) <= 5


def test_the_api_refuses_clearly(site: Site) -> None:
    bridge, api = paired(site), site.app.test_client()
    for header in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": bridge["Authorization"].replace("Bearer", "Basic")},
    ):
        answer = api.get("/api/bridge/order?wait_s=0", headers=header)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "bridge.token_wrong")
    wrong = api.post("/api/bridge/pair", json={"code": "XXXX-XXXX", "name": "x"})
    assert (wrong.status_code, wrong.json["error"]["code"]) == (404, "bridge.code_wrong")
    assert "appairage" in wrong.json["error"]["message"]
    content = pages.png("un")
    assert put_page(site, bridge, "nowhere", "t1", content).status_code == 404
    api.put("/api/bridge/batch/k1", json={}, headers=bridge)
    torn = put_page(site, bridge, "k1", "t1", content, **{"X-Content-SHA256": "0" * 64})
    assert (torn.status_code, torn.json["error"]["code"]) == (422, "page.digest_mismatch")
    assert put_page(site, bridge, "k1", "t1", content).status_code == 201
    assert put_page(site, bridge, "k1", "t1", pages.png("deux")).status_code == 422
    hostile = "1.2\x07<b>" + "9" * 500
    assert api.post("/api/bridge/devices", json={"devices": [], "version": hostile}, headers=bridge).status_code == 204
    assert "1.2&lt;b&gt;9999" in site.browser("agent").get("/numerisations/postes").text
    for wrong in (["1.2"], {"a": 1}, None):
        told = {"devices": [], "version": wrong}
        assert api.post("/api/bridge/devices", json=told, headers=bridge).status_code == 204
    assert not re.search(r"[\s>]1\.2[\s<&]", site.browser("agent").get("/numerisations/postes").text), (
        "an older bridge tells no version"
    )
    assert "aucune" not in site.browser("agent").get("/numerisations/postes").text, "the last page that it sent is told"
    for body in (b"[]", b"{", b'{"pages": 3}', b'{"pages": ["x"]}'):
        assert api.post("/api/bridge/batch/k1/complete", data=body, headers=bridge).status_code == 400


def test_a_revoked_bridge_and_a_cancelled_order_stop(site: Site) -> None:
    bridge, clerk, api = paired(site), site.browser("agent"), site.app.test_client()
    with site.services.reading() as session:
        bridge_id = session.scalar(select(Bridge.id))
    clerk.post("/numerisations/numeriser", device=str(bridge_id), mode="color", dpi="200")
    with site.services.reading() as session:
        order_id = session.scalar(select(ScanOrder.id))
    state = f"/api/bridge/order/{order_id}/state"
    api.post(state, json={"state": "scanning", "pages": 1}, headers=bridge)
    clerk.post(f"/numerisations/ordres/{order_id}/annuler")
    assert api.post(state, json={"state": "scanning", "pages": 2}, headers=bridge).json == {"cancel": True}
    again = clerk.post("/numerisations/numeriser", device=str(bridge_id), mode="color", dpi="200")
    assert again.status_code == 200
    shown = clerk.get(f"/numerisations/postes/{bridge_id}/retirer").text
    assert "2 ordres de numérisation en cours ne seront pas exécutés." in shown
    stranger = site.browser("daf")
    assert stranger.get(f"/numerisations/postes/{bridge_id}/retirer").status_code == 404
    assert stranger.post(f"/numerisations/postes/{bridge_id}/retirer").status_code == 404
    clerk.post(f"/numerisations/postes/{bridge_id}/retirer")
    assert clerk.get(f"/numerisations/postes/{bridge_id}/retirer").status_code == 404
    assert api.get("/api/bridge/order?wait_s=0", headers=bridge).status_code == 401
    with site.services.reading() as session:
        assert set(session.scalars(select(ScanOrder.state))) == {OrderState.CANCELLED}, (
            "none waits for a bridge that is gone"
        )


def test_the_desk_of_a_closed_unit_is_shown_and_removed_by_an_administrator(site: Site) -> None:
    """It would go on sending pages to nobody."""
    bridge, admin, api = paired(site), site.browser("admin"), site.app.test_client()
    with site.services.unit_of_work(NOW) as uow:
        desk = uow.session.scalars(select(Bridge)).one()
        uow.session.get_one(Unit, desk.unit_id).closed_at = NOW
        unit, at, name = desk.unit_id, f"/numerisations/postes/{desk.id}/retirer", desk.name
    shown = admin.get("/numerisations/postes").text
    assert (name in shown, at in shown) == (True, True)
    assert f'value="{unit}"' not in shown, "no other one is paired with it"
    assert name in admin.get(at).text
    assert admin.post(at).status_code == 200
    assert at not in admin.get("/numerisations/postes").text
    assert api.get("/api/bridge/order?wait_s=0", headers=bridge).status_code == 401


def test_the_pile_of_a_closed_unit_waits_for_the_clerks_of_the_one_that_took_it_over(site: Site) -> None:
    upload(site.browser("agent"), (pages.tiff("un", "deux"), "pile.tif"))
    scan = only_scan(site)
    heir = site.browser("dge")
    assert heir.get(f"/numerisations/{scan.id}").status_code == 404
    with site.services.unit_of_work(NOW) as uow:
        closed = uow.session.get_one(Unit, scan.unit_id)
        closed.closed_at, closed.successor_id = NOW, uow.session.scalar(select(Unit.id).where(Unit.code == "DGE"))
    assert "1 numérisation attend son courrier" in heir.get("/numerisations/").text
    with site.services.reading() as session:
        who = actor(site.services, "dge")
        assert session.scalar(scan_queries.count_waiting(who)) == 1
    assert heir.post(f"/numerisations/{scan.id}/arranger", do="discard").status_code == 200
    with site.services.reading() as session:
        assert session.get_one(Scan, scan.id).state is ScanState.DISCARDED


def test_a_flatbed_batch_grows_until_the_clerk_ends_it(site: Site) -> None:
    bridge, clerk, api = paired(site), site.browser("agent"), site.app.test_client()
    with site.services.reading() as session:
        bridge_id = session.scalar(select(Bridge.id))
    clerk.post("/numerisations/numeriser", device=str(bridge_id), mode="gray", dpi="300", more="1")
    for n in (1, 2):
        order = api.get("/api/bridge/order?wait_s=0", headers=bridge).json
        assert order["complete"] is False
        put_page(site, bridge, order["batch_key"], f"t{n}", pages.png(f"page {n}"))
        api.post(f"/api/bridge/order/{order['order_id']}/state", json={"state": "done", "pages": 1}, headers=bridge)
        if n == 1:
            assert "Page suivante" in clerk.get("/numerisations/en-cours").text
            clerk.post(f"/numerisations/ordres/{order['order_id']}/page-suivante")
    with site.services.reading() as session:
        batch_id = session.scalar(select(ScanBatch.id))
        assert session.scalar(select(func.count(ScanBatch.id))) == 1
    clerk.post(f"/numerisations/lots/{batch_id}/terminer")
    site.run_intake()
    waiting = clerk.get("/numerisations/").text
    assert "1 numérisation attend son courrier" in waiting
    words = re.findall(r'<a href="/enregistrer/numerisation/\d+">([^<]+)</a>', waiting)
    assert words == ["Enregistrer comme arrivée"], "the picture alone does not say where it leads"


# --- the pages ----------------------------------------------------------------------------------------------------


def test_good_files_pass_and_each_bad_one_is_explained(site: Site) -> None:
    clerk, good = site.browser("agent"), pages.pdf("un")
    huge = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (30_000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    answer = upload(
        clerk,
        (good, "bon.pdf"),
        (b"", "vide.pdf"),
        (b"Ceci est du texte.", "texte.pdf"),
        (pages.tiff("un", "deux")[:4000], "coupe.tif"),
        (huge, "geant.png"),
    )
    assert answer.status_code == 422
    for words in (
        "« vide.pdf » est vide",
        "« texte.pdf » n'est ni un PDF",
        "« coupe.tif » est incomplet",
        "geant.png",
    ):
        assert words in answer.text, words
    assert "1 numérisation reçue." in answer.text
    with site.services.reading() as session:
        assert session.scalars(select(Scan.filename)).all() == ["bon.pdf"]
    again = upload(clerk, (good, "../../" + "n" * 300 + ".pdf"))
    assert "attend déjà, à l'identique" in again.text


def test_the_page_of_a_scan_works_without_javascript(site: Site) -> None:
    clerk = site.browser("agent")
    upload(clerk, (pages.tiff("un", "deux", "trois"), "trois.tif"))
    scan = only_scan(site)
    ids, base = [leaf.id for leaf in scan.leaves], f"/numerisations/{scan.id}"
    small = clerk.get(f"{base}/pages/{ids[0]}.jpg")
    big = clerk.get(f"{base}/pages/{ids[0]}.jpg?grand=1")
    sharp = clerk.get(f"{base}/pages/{ids[0]}.jpg?grand=1&net=1")
    assert (small.mimetype, big.mimetype, sharp.mimetype) == ("image/jpeg", "image/webp", "image/jpeg")
    assert len(sharp.data) > len(small.data) > 500
    assert not any("ETag" in one.headers for one in (small, big, sharp)), (
        "nothing is kept that it could be compared with"
    )
    wide, high = Image.open(io.BytesIO(sharp.data)).size
    size = re.compile(rf'pages/{ids[0]}\.jpg[^>]* width="(\d+)" height="(\d+)"')
    for path in (base, f"/enregistrer/numerisation/{scan.id}"):
        found = size.search(clerk.get(path).text)
        assert found is not None, path
        assert int(found[1]) / int(found[2]) == pytest.approx(wide / high, abs=0.01), "its place is kept until it comes"
    assert site.browser("dge").get(f"{base}/pages/{ids[0]}.jpg").status_code == 404
    assert clerk.post(f"{base}/arranger", do="turn-right", leaf=str(ids[0]), version="1").status_code == 200
    stale = clerk.post(f"{base}/arranger", do="turn-right", leaf=str(ids[0]), version="1")
    assert stale.status_code == 409
    assert "modifié cette numérisation entre-temps" in stale.text
    turned = clerk.get(f"{base}/pages/{ids[0]}.jpg")
    assert turned.data != small.data
    found = size.search(clerk.get(f"/enregistrer/numerisation/{scan.id}").text)
    assert found is not None
    assert int(found[1]) / int(found[2]) == pytest.approx(high / wide, abs=0.01)
    clerk.post(f"{base}/arranger", do="later", leaf=str(ids[0]))
    clerk.post(f"{base}/arranger", do="remove", leaf=str(ids[2]))
    assert "retirée" in clerk.get(base).text
    clerk.post(f"{base}/arranger", do="restore", leaf=str(ids[2]))
    clerk.post(f"{base}/ordre", **{f"position-{ids[2]}": "1", f"position-{ids[0]}": "2", f"position-{ids[1]}": "3"})
    assert [leaf.id for leaf in only_scan(site).leaves] == [ids[2], ids[0], ids[1]]
    clerk.post(f"{base}/arranger", do="split", leaf=str(ids[1]))
    with site.services.reading() as session:
        other = session.scalar(select(Scan.id).where(Scan.id != scan.id))
    clerk.post(f"/numerisations/{other}/reunir", into_id=str(scan.id))
    clerk.post(f"{base}/arranger", do="discard")
    assert "1 numérisation écartée cette semaine" in clerk.get("/numerisations/").text
    clerk.post(f"{base}/arranger", do="bring-back")
    assert len(only_scan(site).leaves) == 3
    assert clerk.post(f"{base}/arranger", do="dance").status_code == 422


def test_joining_by_number_says_what_is_missing(site: Site) -> None:
    clerk, letter = site.browser("agent"), register(site)
    upload(clerk, (pages.pdf("un"), "un.pdf"))
    base = f"/numerisations/{only_scan(site).id}"
    assert letter.number in clerk.get(base).text
    wrong = clerk.post(f"{base}/joindre", number="99999/2026/MIN")
    assert wrong.status_code == 422
    assert "99999/2026/MIN" in wrong.text
    assert clerk.post(f"{base}/joindre").status_code == 422
    assert clerk.post(f"{base}/joindre", number=letter.number.lower()).status_code == 200
    upload(clerk, (pages.pdf("deux"), "deux.pdf"))
    base = f"/numerisations/{only_scan(site).id}"
    assert "le motif du remplacement est obligatoire" in clerk.post(f"{base}/joindre", number=letter.number).text
    clerk.post(f"{base}/joindre", mail_id=str(letter.mail_id), reason="Mauvaise lettre")
    with site.services.reading() as session:
        assert session.scalars(select(Attachment.version_no).order_by(Attachment.id)).all() == [1, 2]


def test_the_list_comes_again_when_it_changed(site: Site) -> None:
    clerk = site.browser("agent")
    mark = re.search(r"liste=(\w+)", clerk.get("/numerisations/").text)
    assert mark is not None
    assert "scans-list" not in clerk.get(f"/numerisations/en-cours?liste={mark[1]}").text
    upload(clerk, (pages.pdf("un"), "un.pdf"))
    answer = clerk.get(f"/numerisations/en-cours?liste={mark[1]}")
    assert "HX-Refresh" not in answer.headers, "what was typed on the page would be lost"
    assert '<div id="scans-list" hx-swap-oob="true">' in answer.text
    assert "un.pdf" in answer.text
    newer = re.search(r"liste=(\w+)", answer.text)
    assert newer is not None
    assert "scans-list" not in clerk.get(f"/numerisations/en-cours?liste={newer[1]}").text


def test_documents_are_sent_under_the_rule_and_openings_are_recorded(site: Site) -> None:
    clerk, chief, letter, content = site.browser("agent"), site.browser("sg"), register(site), pages.pdf("Électricité")
    upload(clerk, (content, "Lettre d'été.pdf"))
    clerk.post(f"/numerisations/{only_scan(site).id}/joindre", number=letter.number)
    with site.services.reading() as session:
        attachment_id = session.scalar(select(Attachment.id)) or 0
    base = f"/documents/{attachment_id}"
    assert chief.get(f"{base}/searchable.pdf").status_code == 404
    early = chief.get(f"{base}/page/1.jpg")
    assert early.mimetype == "image/webp"
    recognition.run_recognise(site.services, attachment_id, heartbeat=lambda _: None, now=NOW)
    original = chief.get(f"{base}/original")
    assert original.data == content
    assert original.headers["Content-Disposition"].startswith("attachment; ")
    assert original.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in original.headers["Cache-Control"]
    for path, mimetype in (
        ("searchable.pdf", "application/pdf"),
        ("page/1.jpg", "image/webp"),
        ("page/1.jpg?petit=1", "image/jpeg"),
        ("thumbnail.jpg", "image/jpeg"),
        ("page/1/original", "application/pdf"),
        ("page/1/texte", "text/plain"),
    ):
        answer = chief.get(f"{base}/{path}")
        assert (answer.status_code, answer.mimetype) == (200, mimetype), path
        assert site.browser("daf").get(f"{base}/{path}").status_code == 404, path
    assert "lectricit" in chief.get(base).text
    assert _count(site, "document.opened") == 0
    assert _count(site, "access.refused") == 6
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, letter.mail_id).level = 1
    for path in ("searchable.pdf", "page/1.jpg", "original", "page/1/texte"):
        assert chief.get(f"{base}/{path}").status_code == 200
    assert _count(site, "document.opened") == 4
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, letter.mail_id).level = 2
    assert clerk.get(f"{base}/original").status_code == 404
    with site.services.reading() as session:
        scan = f"/numerisations/{session.scalars(select(Scan.id)).one()}"
    assert clerk.get(scan).status_code == 404
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, letter.mail_id).level = 1
    assert clerk.get(scan).status_code == 200, "the post that registered it"
    assert _count(site, "mail.opened") == 1
    with site.services.reading() as session:
        leaf = session.scalars(select(ScanLeaf.id)).first()
    assert clerk.get(f"{scan}/pages/{leaf}.jpg").status_code == 200
    assert _count(site, "mail.opened") == 1, "a thumbnail is no reading"
    assert clerk.get(f"{scan}/pages/{leaf}.jpg?grand=1").status_code == 200
    assert _count(site, "mail.opened") == 2
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, letter.mail_id).level = 2
    assert chief.get(f"{base}/original").status_code == 200


def _count(site: Site, action: str) -> int:
    with site.services.reading() as session:
        return session.scalar(select(func.count()).where(AuditEntry.action == action)) or 0


def test_a_document_is_repaired_as_a_new_version(site: Site) -> None:
    clerk, letter = site.browser("agent"), register(site)
    upload(clerk, (pages.tiff("un", "deux"), "deux.tif"))
    clerk.post(f"/numerisations/{only_scan(site).id}/joindre", number=letter.number)
    with site.services.reading() as session:
        attachment_id = session.scalar(select(Attachment.id))
    form = {"keep-1": "1", "place-1": "2", "keep-2": "1", "place-2": "1", "turn-2": "180"}
    assert clerk.post(f"/documents/{attachment_id}/reparer", **form).status_code == 422
    done = clerk.post(f"/documents/{attachment_id}/reparer", **form, reason="À l'envers")
    assert "version 2" in done.text
    with site.services.reading() as session:
        new = session.scalars(select(Attachment).order_by(Attachment.id.desc())).first()
        assert new is not None
        assert [(page.page_index, page.rotation) for page in new.pages] == [(1, 180), (0, 0)]


@pytest.mark.usefixtures("site_clock")
def test_an_envelope_from_the_counter_to_its_addressee(site: Site) -> None:
    clerk, chief, stranger = site.browser("agent"), site.browser("sg"), site.browser("etudes")
    with site.services.reading() as session:
        register_id = session.scalar(select(Register.id).where(Register.code == "PLI"))
    fields = {"register_id": str(register_id), "arrived_on": "2026-11-24", "arrived_time": "08:15", "kind": "offre",
              "addressed_post_id": str(actor(site.services, "sg").posts[0].post_id), "count": "1",
              "sender_name": "Entreprise Kossi", "marks": "AO 12"}  # fmt: skip
    bad = clerk.post("/plis/nouveau", **{**fields, "arrived_time": "midi"})
    assert bad.status_code == 422
    assert "Entreprise Kossi" in bad.text
    shown = clerk.post("/plis/nouveau", **fields)
    assert "PLI-0001/2026" in shown.text
    assert "Entreprise Kossi" not in stranger.get("/plis/1").text
    assert "PLI-0001/2026" in stranger.get("/plis/1").text
    assert stranger.post("/plis/1/garder").status_code == 403
    assert "PLI-0001/2026" in chief.get("/plis/").text
    assert "PLI-0002/2026" in clerk.post("/plis/nouveau", **fields).text
    assert "Annuler ce numéro" in clerk.get("/plis/2").text
    assert clerk.post("/plis/2/annuler", version="1", reason="").status_code == 422
    assert chief.post("/plis/2/annuler", version="1", reason="Doublon").status_code == 403
    assert "Numéro annulé : Doublon" in clerk.post("/plis/2/annuler", version="1", reason="Doublon").text
    assert "Garder fermé" not in chief.get("/plis/2").text
    assert chief.post("/plis/1/garder", version="1").status_code == 200
    assert chief.post("/plis/1/rendre", version="1").status_code == 409
    refused = chief.post("/plis/1/ouvrir", subject="Offre", level="2", file=(io.BytesIO(b"texte"), "offre.pdf"))
    assert refused.status_code == 422
    assert "« offre.pdf » n'est ni un PDF" in refused.text
    opened = chief.post("/plis/1/ouvrir", subject="Offre", level="2", file=(io.BytesIO(pages.pdf("un")), "offre.pdf"))
    assert opened.status_code == 200
    assert "Ouvrir le courrier" not in clerk.get("/plis/1").text
    with site.services.reading() as session:
        assert session.scalar(select(Mail.level)) == 2
    with site.services.unit_of_work(NOW) as uow:
        unit_id = actor(site.services, "sg").posts[0].unit_id
        code = bridges.make_pairing_code(uow, unit_id, actor=actor(site.services, "admin"), now=NOW)
        _token, bridge_id = bridges.pair(uow, code, "Cabinet", now=NOW)
    assert "Premier scanner trouvé" in chief.get("/plis/1").text
    assert chief.post("/plis/1/numeriser", device=f"{bridge_id}||", mode="gray", dpi="300").status_code == 200
    assert clerk.post("/plis/1/numeriser", device=f"{bridge_id}||").status_code == 403
    with site.services.reading() as session:
        assert session.scalar(select(func.count(ScanOrder.id))) == 1


def test_a_clerk_cannot_do_without_the_role(site: Site) -> None:
    member = site.browser("etudes")
    for path in ("/numerisations/", "/numerisations/postes", "/numerisations/1", "/plis/nouveau"):
        assert member.get(path).status_code == 403, path
    assert json.dumps(_count(site, "access.refused")) == "4"
