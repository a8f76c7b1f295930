"""Reception of many letters by reading their codes: the list, each refusal and its reason, one repeatable act that
signs."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect
from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.codes import CodeKind, make_code
from ged.errors import EngineFailed
from ged.org import keys
from ged.ports import MailId
from ged.register.models import MailNumber
from ged.slips import operations, receive_many, scanning
from ged.slips.drafting import LineForm
from ged.slips.models import PaperCustody, Slip, SlipLine, SlipTask
from ged.slips.receive_many import ToReceive
from ged.slips.scanning import MAX_SLIPS, ReadList
from ged.slips.states import LineState, SlipState
from ged.unit import Services
from signing.pades import PadesSigner
from tests import site as web
from tests import slip_kit as kit
from tests.browsing import sign_in
from tests.factories import NOW, PASSPHRASE, actor

pytestmark = pytest.mark.in_turns(3)

READ = "/bordereaux/lecture/"
NOTHING = ReadList()
PHONE = {"width": 360, "height": 700}


@pytest.fixture
def site(tmp_path) -> Iterator[tuple[Flask, Services]]:
    app, services = web.make_site(tmp_path)
    for account in ("agent", "dge"):
        person = actor(services, account)
        with services.unit_of_work(NOW) as uow:
            keys.issue_key(uow, person.person_id, passphrase=PASSPHRASE, actor=person)
    yield app, services
    services.checker.close()
    services.engine.dispose()


def sent(services: Services, *letters: MailId, free: int = 0, to: str = "DGE") -> int:
    """A slip signed by the mail office, with these letters and free lines."""
    person = actor(services, "agent")
    with services.reading() as session:
        stored = keys.load_key(session, person.person_id)
    lines = [LineForm(mail_id=mail_id) for mail_id in letters] + [LineForm("Plan", 1)] * free
    made = operations.issue(
        services, kit.form(services, *lines, to=(to,)), key=services.vault.unlock(stored, PASSPHRASE, now=NOW),
        actor=person, now=NOW,
    )  # fmt: skip
    assert made[0].failure is None
    return int(made[0].slip_id)


def code(services: Services, slip_id: int) -> str:
    return make_code(CodeKind.SLIP, slip_id, key=services.code_key)


def label(services: Services, mail_id: int) -> str:
    with services.reading() as session:
        number_id = session.scalars(select(MailNumber.id).where(MailNumber.mail_id == mail_id)).one()
    return make_code(CodeKind.LABEL, number_id, key=services.code_key)


def read(services: Services, *texts: str, so_far: ReadList = NOTHING, who: str = "dge"):
    with services.reading() as session:
        return scanning.read_all(
            session, "\r\n".join(texts), so_far, code_key=services.code_key, actor=actor(services, who)
        )


def kinds(readings) -> list[tuple[str, str]]:
    return [(one.kind.value, one.error.code if one.error else one.what) for one in readings]


def test_each_code_does_one_thing_and_says_what(site) -> None:
    _, services = site
    first, second, third = (kit.letter(services, f"Lettre {n}") for n in range(3))
    slip, other = sent(services, first, second, free=1), sent(services, third)
    elsewhere = sent(services, free=1, to="DAF")
    key = services.code_key
    so_far, readings = read(
        services,
        label(services, first),
        code(services, slip), code(services, slip),
        label(services, first), label(services, first),
        label(services, third), code(services, other), label(services, third),
        "BT-0002/2026", "", "  ",
        code(services, elsewhere), code(services, 999),
        make_code(CodeKind.IMPUTATION, 1, key=key), make_code(CodeKind.SLIP, slip, key=b"another installation"),
        "GED1/B/1/AAAAAAAAAA", "https://example.org", "é" * 500,
    )  # fmt: skip
    assert kinds(readings) == [
        ("refused", "slip.label_first"),
        ("added", "BT-0001/2026"), ("again", "BT-0001/2026"),
        ("ticked", "00001/2026/MIN"), ("again", "00001/2026/MIN"),
        ("refused", "slip.label_first"), ("added", "BT-0002/2026"), ("ticked", "00003/2026/MIN"),
        ("again", "BT-0002/2026"),
        ("refused", "slip.unknown"), ("refused", "slip.unknown"),
        ("refused", "slip.code_other"), ("refused", "slip.code_foreign"),
        ("refused", "slip.code_foreign"), ("refused", "slip.code_foreign"), ("refused", "slip.code_foreign"),
    ]  # fmt: skip
    with services.reading() as session:
        last, before = scanning.listed(session, so_far, actor(services, "dge"))
    assert (last.number, last.pieces, last.ticked, last.is_partial, last.waiting) == ("BT-0002/2026", 1, 1, False, ())
    assert (before.number, before.line_count, before.pieces, before.ticked) == ("BT-0001/2026", 3, 2, 1)
    assert (before.is_partial, before.waiting) == (True, ("00002/2026/MIN",))


def test_only_the_receiving_unit_reads_and_what_is_over_says_so(site) -> None:
    _, services = site
    slip, voided = sent(services, free=1), sent(services, free=1)
    with services.unit_of_work(NOW) as uow:
        operations.void_slip(uow, voided, reason="Erreur", actor=actor(services, "agent"), now=NOW)
    kit.take(services, slip, LineState.RECEIVED)
    assert kinds(read(services, code(services, slip), code(services, voided))[1]) == [
        ("refused", "slip.received"), ("refused", "slip.voided"),
    ]  # fmt: skip
    third = sent(services, free=1)
    assert kinds(read(services, code(services, third), who="agent")[1]) == [("refused", "slip.not_receiver")]
    assert kinds(read(services, code(services, third), who="daf")[1]) == [("refused", "slip.unknown")]


def test_the_list_has_an_end(site) -> None:
    _, services = site
    slip = sent(services, free=1)
    full = ReadList(tuple(range(1000, 1000 + MAX_SLIPS)))
    assert kinds(read(services, code(services, slip), so_far=full)[1]) == [("refused", "slip.too_many_read")]


def test_one_act_signs_all_and_can_be_repeated(site) -> None:
    _, services = site
    letter = kit.letter(services)
    slips = [sent(services, letter, free=1), sent(services, free=1), sent(services, free=1)]
    who = actor(services, "dge")
    key = kit.opened_key(services, "dge")

    def wanted(*numbers: int) -> list[ToReceive]:
        with services.reading() as session:
            rows = [session.get_one(Slip, slips[n]) for n in numbers]
            return [ToReceive(row.id, row.version) for row in rows]  # type: ignore[arg-type]

    stale = wanted(1)[0]
    with services.unit_of_work(NOW) as uow:
        operations.hand_to_messenger(uow, [slips[1]], messenger="Koffi", actor=actor(services, "agent"), now=NOW)
    first = receive_many.receive_many(services, [*wanted(0), stale, *wanted(2)], key=key, actor=who, now=NOW)
    assert [(one.number, one.failure.code if one.failure else None) for one in first] == [
        ("BT-0001/2026", None), ("BT-0002/2026", "slip.stale"), ("BT-0003/2026", None),
    ]  # fmt: skip
    again = receive_many.receive_many(services, wanted(0, 1, 2), key=key, actor=who, now=NOW)
    assert [one.failure.code if one.failure else None for one in again] == ["slip.received", None, "slip.received"]
    for slip_id in slips:
        row = kit.slip(services, slip_id)
        assert (row.state, len(row.revisions)) == (SlipState.RECEIVED, 2)
        reports = services.checker.check(
            kit.stored_pdf(services, slip_id), at=NOW, issued=[r.digest for r in row.revisions]
        )
        assert [report.verdict.value for report in reports] == ["green", "green"]
    with services.reading() as session:
        held = session.scalars(select(PaperCustody).where(PaperCustody.mail_id == letter)).all()
        assert [row.unit.code for row in held][-1] == "DGE"
        entries = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "slip.received")).all()
        assert sorted(entries) == sorted(slips)


# --- the page ------------------------------------------------------------------------------------------------------


def fields_of(page: str) -> dict[str, object]:
    """The fields that the list on the page would send."""
    hidden = re.findall(r'<input type="hidden" name="(slip|line|version-\d+)" value="(\d+)">', page)
    sent_back: dict[str, object] = {}
    for name, value in hidden:
        sent_back.setdefault(name, [])
        sent_back[name].append(value)  # type: ignore[attr-defined]
    for name, options in re.findall(r'<select [^>]*name="(do-\d+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="(\w*)" selected', options) or re.search(r'value="(\w*)"', options)
        sent_back[name] = chosen[1] if chosen else ""
    return sent_back


def post(client: FlaskClient, path: str, data: dict[str, object]):
    return web.post(client, path, data, page=READ)


def offers_signature(page: str) -> bool:
    """Whether the page shows the card of the signature. It is in the page, hidden while nothing can be signed."""
    (card,) = re.findall(r"<section[^>]* data-reading-signature[^>]*>", page)
    return " hidden" not in card


def test_slips_are_read_one_after_the_other_without_a_script_and_signed_at_once(site) -> None:
    app, services = site
    first, second = kit.letter(services, "Une"), kit.letter(services, "Deux")
    whole, part, lone = sent(services, free=2), sent(services, first, second, free=1), sent(services, free=1)
    client = web.sign_in(app, "dge")
    assert "Rien n'est encore lu" in client.get(READ).text
    assert offers_signature(client.get(READ).text) is False
    assert READ in client.get("/bordereaux/").text
    page = client.get(READ).text
    for text in (code(services, whole), code(services, part), label(services, first), "HTTPS://X/V/ABC"):
        page = post(client, READ, {**fields_of(page), "scan": text}).text
    assert "refusé" in page
    assert "pas été imprimé par le ministère" in page
    assert "1 lettre pointée sur 2" in page
    assert "00002/2026/MIN" in page
    again = post(client, READ, {**fields_of(page), "scan": code(services, whole)}).text
    assert "déjà lu" in again
    assert "2 bordereaux lus" in again
    page = post(client, READ, {**fields_of(page), "scan": "", "pasted": f"{code(services, lone)}\nBT-0001/2026"}).text
    assert "3 bordereaux lus" in page
    assert offers_signature(page) is True
    undecided = post(client, f"{READ}signer", {**fields_of(page), "passphrase": PASSPHRASE})
    assert undecided.status_code == 422
    assert "Une partie seulement" in undecided.text
    assert kit.slip(services, whole).state is SlipState.SENT, "nothing is signed while something is undecided"
    choice = {**fields_of(page), f"do-{part}": "missing", f"do-{lone}": "aside", "passphrase": PASSPHRASE}
    done = post(client, f"{READ}signer", choice)
    assert done.status_code == 200
    assert done.text.count("reçu et signé") == 2
    assert "1 pièce manquante signalée" in done.text
    states = [kit.slip(services, one).state for one in (whole, part, lone)]
    assert states == [SlipState.RECEIVED, SlipState.RECEIVED, SlipState.SENT]
    with services.reading() as session:
        lines = session.scalars(select(SlipLine).where(SlipLine.slip_id == part).order_by(SlipLine.position)).all()
        assert [line.state.value for line in lines] == ["received", "missing", "received"]
        assert [task.kind for task in session.scalars(select(SlipTask))] == [LineState.MISSING]
    assert "1 bordereau lu" in done.text
    dropped = post(client, READ, {**fields_of(done.text), "drop": lone}).text
    assert "Rien n'est encore lu" in dropped
    assert offers_signature(dropped) is False


def test_a_failure_is_listed_and_the_rest_is_signed_then_it_is_repeated(site, monkeypatch) -> None:
    app, services = site
    slips = [sent(services, free=1) for _ in range(3)]
    client = web.sign_in(app, "dge")
    page = post(client, READ, {"pasted": "\n".join(code(services, one) for one in slips)}).text
    real, calls = PadesSigner.sign, []

    def sign(self, *arguments, **more):
        calls.append(1)
        if len(calls) == 2:
            raise EngineFailed("sign.failed")
        return real(self, *arguments, **more)

    monkeypatch.setattr(PadesSigner, "sign", sign)
    wrong = post(client, f"{READ}signer", {**fields_of(page), "passphrase": "une autre phrase longue"})
    assert wrong.status_code == 422
    assert len(fields_of(wrong.text)["slip"]) == 3  # type: ignore[arg-type]
    done = post(client, f"{READ}signer", {**fields_of(wrong.text), "passphrase": PASSPHRASE}).text
    assert (done.count("reçu et signé"), done.count(">non reçu<")) == (2, 1)
    assert "Rien n'est signé deux fois" in done
    again = post(client, f"{READ}signer", fields_of(done)).text  # the key is open: no second passphrase is asked for
    assert (again.count("reçu et signé"), again.count(">non reçu<")) == (1, 0)
    assert [kit.slip(services, one).state for one in slips] == [SlipState.RECEIVED] * 3
    assert len(calls) == 4
    empty = post(client, f"{READ}signer", {})
    assert empty.status_code == 422


def test_the_list_of_another_unit_shows_nothing(site) -> None:
    app, services = site
    slip = sent(services, free=1)
    client = web.sign_in(app, "daf")
    page = post(client, READ, {"slip": slip, "scan": ""}).text
    assert "Rien n'est encore lu" in page
    assert post(client, READ, {"slip": "x"}).status_code == 422
    assert web.sign_in(app, "admin").get(READ).status_code == 403


def test_what_was_received_by_another_meanwhile_is_told(site) -> None:
    app, services = site
    slip = sent(services, free=1)
    client = web.sign_in(app, "dge")
    page = post(client, READ, {"scan": code(services, slip)}).text
    kit.take(services, slip, LineState.RECEIVED)
    page = post(client, READ, {**fields_of(page), "scan": "x"}).text
    assert "ne peut plus être reçu" in page


def test_slips_not_acknowledged_in_time_stand_in_the_morning_s_list(site) -> None:
    app, services = site
    slip = sent(services, free=1)
    late = datetime.now(UTC) - timedelta(hours=services.unacknowledged_hours + 1)
    sender = web.sign_in(app, "agent")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Slip).where(Slip.id == slip).values(sent_at=late))
    assert "BT-0001/2026" in sender.get("/").text
    client = web.sign_in(app, "dge")
    page = post(client, READ, {"scan": code(services, slip)}).text
    post(client, f"{READ}signer", {**fields_of(page), "passphrase": PASSPHRASE})
    assert "BT-0001/2026" not in sender.get("/").text


@pytest.mark.browser
def test_a_hand_reader_is_faster_than_the_pages(site, browser) -> None:
    app, services = site
    letter = kit.letter(services)
    slips = [sent(services, letter)] + [sent(services, free=1) for _ in range(3)]
    with web.served(app) as url, browser.new_context(base_url=url, locale="fr-FR", viewport=PHONE) as context:
        page = context.new_page()
        sign_in(page, "dge")
        page.goto(READ)
        card = page.locator("[data-reading-signature]")
        expect(card).to_be_hidden()
        for text in [code(services, one) for one in slips] + [label(services, letter), code(services, slips[0])]:
            page.keyboard.type(text)  # the client ignores the responses, as a code reader does
            page.keyboard.press("Enter")
        page.get_by_text("déjà lu").wait_for()
        expect(page.locator("[data-reading-list] tbody tr")).to_have_count(4)
        expect(page.get_by_text("1 lettre pointée sur 1")).to_have_count(1)
        expect(page.locator("#scan")).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator("select").evaluate_all("all => all.map(one => one.value)") == [""] * 4
        expect(card).to_be_visible()
        drop = page.locator("[name=drop]")
        for left in (3, 2, 1, 0):
            drop.first.click()
            page.wait_for_function("left => document.querySelectorAll('[name=drop]').length === left", arg=left)
        expect(card).to_be_hidden()
        for one in slips:
            page.keyboard.type(code(services, one))
            page.keyboard.press("Enter")
        card.wait_for()
        page.wait_for_function("() => document.querySelectorAll('[name=drop]').length === 4")
        page.fill("#passphrase", PASSPHRASE)
        page.press("#passphrase", "Enter")
        page.get_by_text("reçu et signé").first.wait_for()
        expect(page.get_by_text("reçu et signé")).to_have_count(4)
    assert {kit.slip(services, one).state for one in slips} == {SlipState.RECEIVED}
