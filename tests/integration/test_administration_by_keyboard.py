"""The screens of the administration with the keyboard alone: each change is asked for, shown before, confirmed and seen; its
entry of the journal has the values before and after; axe finds nothing in any state that a change passes through."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ged import jobs
from ged.adapters.imap import ImapMailbox, MailboxSettings
from ged.administration.differences import from_json
from ged.audit import AuditEntry, AuditPayload
from ged.capture import bridges
from ged.capture.models import Bridge, MailboxMessage, MessageState
from ged.jobs import JobKind, JobState
from ged.natures.models import Nature
from ged.org import keys, sessions
from ged.org.models import Installation, IssuedCertificate, Person, Post, Unit
from ged.register.models import Correspondent, FilingClass, Register
from ged.routing.load import fill_calendar
from ged.routing.models import Mention
from ged.signbook.models import LetterTemplate
from ged.unit import SYSTEM, Services
from ged.workbook.sheets import NEAREST_HEAD
from tests.browsing import axe_faults, sign_in
from tests.factories import NOW, PASSPHRASE, actor, make_natures, make_services
from tests.keyboard_kit import Keys
from tests.routing_kit import make_mentions
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = "/administration"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Services]]:
    folder = tmp_path_factory.mktemp("administration")
    box = ImapMailbox(
        MailboxSettings(name="courrier", unit="BO", host="127.0.0.1", user="ged", password_file=folder / "none")
    )
    made = dataclasses.replace(make_services(folder), mailboxes=(box,), own_address="ged@example.tg")
    app, services = make_site(folder, services=made)
    make_mentions(services)
    make_natures(services)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
        uow.session.merge(Installation(id=1, name="Ministère"))
        uow.session.add(LetterTemplate(code="accuse", title="Accusé", subject="Accusé", body="Texte"))
        names = ("Mairie de Kpalimé", "Mairie de Kpalime")
        own = uow.session.scalars(select(Unit.id).where(Unit.code == "MIN")).one()
        uow.session.add_all(Correspondent(name=one, folded_name=one.lower(), kind="", entity_id=own) for one in names)
        aside = MailboxMessage(
            mailbox="courrier", state=MessageState.REFUSED, reason="message.unreadable", sender_address="a@example.tg",
            size_bytes=2048, taken_at=NOW, uid_validity=1, uid=1,
        )  # fmt: skip
        uow.session.add_all([Person(account="ablavi", name="Ablavi Dosseh"), aside])
        failed = jobs.new(JobKind.INDEX, 1, now=NOW)
        failed.state, failed.error_code = JobState.FAILED, "index.away"
        uow.session.add(failed)
    with services.unit_of_work(NOW) as uow:
        leaver = uow.session.scalars(select(Person.id).where(Person.account == "ablavi")).one()
        keys.issue_key(uow, leaver, passphrase=PASSPHRASE, actor=SYSTEM)
    with served(app) as url:
        yield url, services
    services.engine.dispose()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, place: tuple[str, Services]) -> Iterator[Keys]:
    context = browser.new_context(base_url=place[0], locale="fr-FR")
    keys = Keys(context.new_page())
    keys.page.on("dialog", lambda dialog: dialog.accept())
    sign_in(keys.page, "admin")
    yield keys
    context.close()


@pytest.fixture
def at(signed_in: Keys) -> Keys:
    signed_in.page.set_viewport_size({"width": 1280, "height": 800})
    return signed_in


def id_of(services: Services, model: Any, code: str, column: str = "code") -> int:
    with services.reading() as session:
        return int(session.scalars(select(model.id).where(getattr(model, column) == code)).one())


def last(services: Services, action: str) -> dict[str, Any]:
    """The details of the last entry of a kind."""
    with services.reading() as session:
        query = select(AuditPayload.payload).join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
        return dict(
            session.scalars(query.where(AuditEntry.action == action).order_by(AuditEntry.sequence.desc())).first() or {}
        )


def clean(at: Keys) -> None:
    """The page passes axe and fits its window."""
    page = at.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    assert axe_faults(page) == [], page.url


def walk(at: Keys, *links: str) -> None:
    """From the first page of the administration to a form, by its links."""
    at.page.goto(f"{ROOT}/")
    for link in links:
        at.skip()
        at.press(f"main a[href='{link}']", "Enter")
    clean(at)


SCREENS: list[tuple[str, Any, str, tuple[str, ...], str, str, int]] = [
    ("unit", Unit, "DGE", ("organisation/", "organisation/{}", "organisation/{}/modifier"), "#name", "Direction de l'énergie", 360),
    ("post", Post, "DGE-C", ("organisation/", "organisation/{unit}", "postes/{}", "postes/{}/modifier"), "#title", "Directeur", 1280),
    ("person", Person, "daf", ("personnes/", "personnes/{}", "personnes/{}/modifier"), "#name", "Yawa Mensah", 360),
    ("register", Register, "BT", ("registres/", "registres/{}", "registres/{}/modifier"), "#pattern", "B-{seq:04d}/{year}/{entity}/{unit}", 360),
    ("nature", Nature, "demande", ("natures/", "natures/{}", "natures/{}/modifier"), "#name", "Demande d'agrément", 1280),
    ("mention", Mention, "", ("mentions/", "mentions/{}/modifier"), "#label", "Pour traitement", 1280),
    ("template", LetterTemplate, "accuse", ("modeles-de-lettres/", "modeles-de-lettres/{}", "modeles-de-lettres/{}/modifier"), "#title", "Accusé de réception", 1280),
    ("filing", FilingClass, "1", ("classement/", "classement/{}", "classement/{}/modifier"), "#title", "Affaires générales", 360),
]  # fmt: skip
"""Name, the record that changes, the links to its form, a field, its new value, the width of the window."""
WALKED = (
    SCREENS if "GED_TEST_LONG" in os.environ else [one for one in SCREENS if one[0] in ("unit", "register", "mention")]
)
"""All these forms are one form (``ActForm``): a usual run walks one on a telephone, the one with a field that tries, and one that
its list leads to. ``tests/integration/test_every_page.py`` opens them all under axe."""


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("screen", WALKED, ids=[one[0] for one in WALKED])
def test_a_change_of_a_record_is_shown_confirmed_and_taken_back(
    at: Keys, place: tuple[str, Services], screen: tuple[str, Any, str, tuple[str, ...], str, str, int]
) -> None:
    _name, model, code, links, field, value, width = screen
    services = place[1]
    with services.reading() as session:
        column = model.account if model is Person else model.code
        query = select(model.id).order_by(model.id)
        record = session.scalars(query.where(column == code) if code else query).first()
    unit = id_of(services, Unit, "DGE")
    at.page.set_viewport_size({"width": width, "height": 800})
    walk(at, *(f"{ROOT}/{link.format(record, unit=unit)}" for link in links))
    at.skip()
    at.retype(field, value)
    at.press("main form.card button.button:not(.button--quiet)")
    expect(at.page.locator("main")).to_contain_text("Ce qui va changer")
    expect(at.page.locator("main")).to_contain_text(value)
    clean(at)
    at.skip()
    at.press("form[action$='/confirmer'] button")
    expect(at.page.locator("main")).to_contain_text("peut être annulée tant que rien")
    clean(at)
    entry = last(services, "organisation.changed")
    assert [(one.before != value, one.after) for one in from_json(entry["differences"])] == [(True, value)]
    at.skip()
    at.reach("form[action$='/annuler'] button")
    at.page.keyboard.press("Enter")
    expect(at.page.locator("main")).to_contain_text("La modification est annulée")


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_a_day_of_the_calendar_and_the_working_week(at: Keys, place: tuple[str, Services]) -> None:
    at.page.set_viewport_size({"width": 360, "height": 740})
    walk(at, f"{ROOT}/calendrier")
    at.skip()
    at.type("#on", "10/03/2031")
    at.type("#name", "Deuil national")
    at.press("form[action$='/jour/apercu'] button")
    expect(at.page.locator("main")).to_contain_text("Deuil national (férié)")
    clean(at)
    at.skip()
    at.press("form[action$='/jour'] button")
    expect(at.page.locator("main")).to_contain_text("Le calendrier est enregistré")
    clean(at)
    changed = last(place[1], "calendar.changed")
    assert (changed["before"], changed["name"]) == (None, "Deuil national")
    at.skip()
    at.press("form[action*='/calendrier/annuler/'] button")
    expect(at.page.locator("main")).to_contain_text("Le changement est annulé")
    at.skip()
    at.tick("input[name=weekdays][value='5']")
    at.press("form[action$='/semaine/apercu'] button")
    expect(at.page.locator("main")).to_contain_text("vendredi, samedi")
    clean(at)
    at.skip()
    at.press("form[action$='/semaine'] button")
    expect(at.page.locator("main")).to_contain_text("La semaine de travail est enregistrée")
    week = last(place[1], "calendar.week")
    assert (week["before"], week["weekdays"]) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5])
    at.skip()
    at.press("form[action*='/semaine/annuler/'] button")
    expect(at.page.locator("main")).to_contain_text("Le changement est annulé")
    clean(at)


def test_a_refused_form_leads_to_its_field(at: Keys) -> None:
    at.page.goto(f"{ROOT}/calendrier")
    at.skip()
    for day in range(5):
        at.tick(f"input[name=weekdays][value='{day}']")
    at.press("form[action$='/semaine/apercu'] button")
    expect(at.page.locator(".error-summary")).to_be_focused()
    clean(at)


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_synonyms_are_added_and_taken_back(at: Keys, place: tuple[str, Services]) -> None:
    walk(at, f"{ROOT}/synonymes/")
    at.skip()
    at.type("#groups", "MPT = ministère de la pêche traditionnelle")
    at.press("main form[data-guard] button.button:not(.button--quiet)")
    assert last(place[1], "synonyms.changed")["added"] == ["MPT = ministère de la pêche traditionnelle"]
    clean(at)
    at.skip()
    at.press("form[action*='/synonymes/annuler/'] button")
    assert last(place[1], "synonyms.changed")["removed"] == ["MPT = ministère de la pêche traditionnelle"]


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_a_failed_job_is_taken_up_again_and_the_journal_is_filtered(at: Keys, place: tuple[str, Services]) -> None:
    walk(at, f"{ROOT}/taches")
    at.skip()
    at.press("form[action$='/reprendre'] button")
    expect(at.page.locator("main")).to_contain_text("est relancée")
    clean(at)
    walk(at, f"{ROOT}/journal")
    at.skip()
    at.type("#compte", "admin")
    at.press("main form button.button")
    expect(at.page.locator("main table")).to_contain_text("a relancé")
    clean(at)


def test_a_post_gets_another_holder(at: Keys, place: tuple[str, Services]) -> None:
    services = place[1]
    post, unit = id_of(services, Post, "ETU-M"), id_of(services, Unit, "ETU")
    walk(
        at,
        *(
            f"{ROOT}/{one}"
            for one in ("organisation/", f"organisation/{unit}", f"postes/{post}", f"postes/{post}/attribuer")
        ),
    )
    at.skip()
    at.reach("#holder")
    at.page.keyboard.press("Home")
    at.press("main form.card button.button:not(.button--quiet)")
    expect(at.page.locator("main")).to_contain_text("Titulaire")
    clean(at)
    at.skip()
    at.press("form[action$='/confirmer'] button")
    expect(at.page.locator("main")).to_contain_text("peut être annulée tant que rien")
    (change,) = from_json(last(services, "organisation.changed")["differences"])
    assert (change.field, change.before, change.after) == ("holder", "etudes", None)
    at.skip()
    at.reach("form[action$='/annuler'] button")
    at.page.keyboard.press("Enter")
    expect(at.page.locator("main")).to_contain_text("La modification est annulée")


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_doubles_of_correspondents_are_merged_and_a_delegation_is_given(
    browser: Browser, place: tuple[str, Services]
) -> None:
    services = place[1]
    double = id_of(services, Correspondent, "Mairie de Kpalime", "name")
    kept = id_of(services, Correspondent, "Mairie de Kpalimé", "name")
    with browser.new_context(base_url=place[0], locale="fr-FR", viewport={"width": 1280, "height": 800}) as context:
        at = Keys(context.new_page())
        sign_in(at.page, "agent")
        at.page.goto(f"/correspondants/{double}/fusion")
        at.skip()
        at.press(f"main a[href$='vers={kept}']")
        expect(at.page.locator("main")).to_contain_text("Aperçu de la fusion")
        clean(at)
        at.skip()
        at.press("form[action$='/fusion'] button")
        expect(at.page.locator("main")).to_contain_text("Les deux fiches")
        clean(at)
        context.clear_cookies()
        sign_in(at.page, "dge")
        at.page.goto("/delegations/")
        at.skip()
        at.reach("#person_id")
        at.page.keyboard.press("ArrowDown")
        at.type("#act", "Décision n° 12")
        at.type("#day_count", "5")
        at.press("main form button.button:not(.button--quiet):not(.button--secondary)")
        clean(at)
    assert last(services, "correspondent.merged")
    assert last(services, "delegation.granted")["act"] == "Décision n° 12"


def proposes(at: Keys, *told: str) -> None:
    """Send a form, and see what will change."""
    at.press("main form.card button.button:not(.button--quiet)")
    for one in ("Ce qui va changer", *told):
        expect(at.page.locator("main")).to_contain_text(one)
    clean(at)


def confirms(at: Keys, services: Services) -> dict[tuple[str, str, str], tuple[Any, Any]]:
    """Confirm what is shown. Returns what its entry of the journal says: record and field -> before and after."""
    at.skip()
    at.press("form[action$='/confirmer'] button")
    expect(at.page.locator("main")).to_contain_text("peut être annulée tant que rien")
    clean(at)
    found = from_json(last(services, "organisation.changed")["differences"])
    return {(one.kind, one.code, one.field): (one.before, one.after) for one in found}


def takes_back(at: Keys) -> None:
    """Undo the act that is shown."""
    at.skip()
    at.reach("form[action$='/annuler'] button")
    at.page.keyboard.press("Enter")
    expect(at.page.locator("main")).to_contain_text("La modification est annulée")
    clean(at)


def choose(at: Keys, selector: str, value: str) -> None:
    """Reach a list, and go through its choices with the arrows."""
    at.reach(selector)
    at.page.keyboard.press("Home")
    for _ in range(40):
        if at.page.evaluate("document.activeElement.value") == value:
            return
        at.page.keyboard.press("ArrowDown")
    raise AssertionError(f"{selector} does not offer {value}")


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_a_circuit_is_refused_without_signatory_then_made_and_taken_back(at: Keys, place: tuple[str, Services]) -> None:
    nature = id_of(place[1], Nature, "demande")
    walk(at, f"{ROOT}/natures/", f"{ROOT}/natures/{nature}", f"{ROOT}/natures/{nature}/circuit")
    at.skip()
    choose(at, "#post1", NEAREST_HEAD)
    choose(at, "#kind1", "opinion")
    at.tick("input[name=flags1][value=compulsory]")
    choose(at, "#post2", "DAF-C")
    at.press("main form.card button.button:not(.button--quiet)")
    expect(at.page.locator(".error-summary")).to_be_focused()
    clean(at)
    at.reach(".error-summary a")
    at.page.keyboard.press("Enter")
    choose(at, "#signatory", "SG-T")
    proposes(at, "Poste SG-T", "Poste DAF-C")
    changed = confirms(at, place[1])
    before, after = changed["natures", "demande", "circuit"]
    asked = [(one["post"], one["kind"], one["compulsory"]) for one in after["steps"]]
    assert (before, asked, after["signatory"]) == (
        None, [(None, "opinion", True), ("DAF-C", "visa", False)], "SG-T"
    )  # fmt: skip
    takes_back(at)


@pytest.mark.in_shares(2)
@pytest.mark.parametrize(("page", "width"), [("deplacer", 360), ("reunir", 1280)])
def test_a_unit_is_moved_and_merged_and_each_is_taken_back(
    at: Keys, place: tuple[str, Services], page: str, width: int
) -> None:
    services = place[1]
    code, field, target = ("ETU", "parent", "DAF") if page == "deplacer" else ("DAF", "successor", "DGE")
    unit = id_of(services, Unit, code)
    at.page.set_viewport_size({"width": width, "height": 800})
    walk(at, *(f"{ROOT}/organisation/{one}" for one in ("", f"{unit}", f"{unit}/{page}")))
    at.skip()
    choose(at, f"#{field}", target)
    proposes(at, "Conséquences")
    changed = confirms(at, services)
    if page == "deplacer":
        assert changed == {("units", "ETU", "parent"): ("DGE", "DAF")}
    else:
        assert changed["units", "DAF", "successor"] == (None, "DGE")
        assert changed["posts", "DAF-C", "unit"] == ("DAF", "DGE")
    takes_back(at)


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_mailboxes_are_read_and_a_message_is_sent_to_ourselves(at: Keys, place: tuple[str, Services]) -> None:
    at.page.set_viewport_size({"width": 360, "height": 740})
    walk(at, f"{ROOT}/messagerie/")
    expect(at.page.locator("main")).to_contain_text("a@example.tg")
    walk(at, f"{ROOT}/courriels/")
    at.skip()
    at.press("form[action$='/boucle'] button")
    expect(at.page.locator("main")).to_contain_text("Le message est parti")
    clean(at)
    assert entries(place[1], "mailbox.loop") == 1


def entries(services: Services, action: str) -> int:
    """How many entries of a kind the journal has."""
    with services.reading() as session:
        return len(session.scalars(select(AuditEntry.sequence).where(AuditEntry.action == action)).all())


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_a_desk_gets_a_code_and_loses_its_access(at: Keys, place: tuple[str, Services]) -> None:
    services = place[1]
    unit = id_of(services, Unit, "BO")
    walk(at, "/numerisations/postes")
    at.skip()
    choose(at, "#unit_id", str(unit))
    at.press("form[action$='/appairer'] button")
    expect(at.page.locator(".pairing-code")).to_be_visible()
    clean(at)
    with services.unit_of_work(NOW) as uow:
        bridges.pair(uow, at.page.locator(".pairing-code").inner_text(), "Accueil", now=NOW)
    bridge = id_of(services, Bridge, "Accueil", "name")
    walk(at, "/numerisations/postes")
    at.skip()
    at.press(f"main a[href$='/{bridge}/retirer']")
    expect(at.page.locator("main")).to_contain_text("Ce qui va changer")
    clean(at)
    at.skip()
    at.press("form[action$='/retirer'] button")
    expect(at.page.locator("main")).to_contain_text("plus accès au service")
    clean(at)
    revoked = last(services, "bridge.revoked")
    assert (revoked["name"], revoked["before"]["unit"], revoked["after"]) == ("Accueil", unit, None)


@pytest.mark.long("more forms of the administration by the keyboard; some are filled in the usual run")
def test_who_leaves_loses_the_key(at: Keys, place: tuple[str, Services]) -> None:
    services = place[1]
    person = id_of(services, Person, "ablavi", "account")
    at.page.set_viewport_size({"width": 360, "height": 740})
    walk(at, *(f"{ROOT}/personnes/{one}" for one in ("", f"{person}", f"{person}/depart")))
    at.skip()
    proposes(at, "certificat")
    changed = confirms(at, services)
    assert changed == {("people", "ablavi", "closed"): (False, True)}
    with services.reading() as session:
        query = select(IssuedCertificate).where(IssuedCertificate.person_id == person)
        certificate = session.scalars(query).one()
    assert last(services, "certificate.revoked")["serial"] == certificate.serial
    assert certificate.revoked_at is not None


def test_what_is_still_to_be_set_is_ticked_and_a_session_is_ended(at: Keys, place: tuple[str, Services]) -> None:
    services = place[1]
    with services.unit_of_work(datetime.now(UTC)) as uow:
        sessions.open_session(uow, actor(services, "etudes").person_id, address="192.0.2.7", device="essai")
    walk(at, f"{ROOT}/mise-en-service/")
    at.skip()
    at.press("form[action$='/sauvegarde'] button")
    expect(at.page.locator("main")).to_contain_text("noté au journal")
    clean(at)
    walk(at, f"{ROOT}/sessions")
    at.skip()
    ends = at.page.locator("tr", has_text="192.0.2.7").locator("form").get_attribute("action")
    at.press(f"form[action='{ends}'] button")
    expect(at.page.locator("main")).to_contain_text("La session est fermée")
    clean(at)
    assert last(services, "session.ended")["address"] == "192.0.2.7"
