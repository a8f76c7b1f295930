# ruff: noqa: F811
"""A pile of scans, registered one after another: the next page, the contents of the cards, letters that seem to come
twice."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from ged.capture import turns
from ged.capture.models import Scan, ScanLeaf, ScanTurn
from ged.org.models import Holding, Person, Post, PostRole
from ged.ports import Confidentiality
from ged.register.entry import is_near
from ged.register.models import Mail, MailNumber
from ged.suggestions.models import ScanPageField, ScanPageReading
from ged.unit import Actor, Role, Services
from tests import pages
from tests.factories import NOW, actor
from tests.scan_site_kit import Browser, Site, site, upload  # noqa: F401
from tests.scripted_ocr import pdf_of
from web.site.forms import FormReader

pytestmark = [pytest.mark.in_turns(3), pytest.mark.usefixtures("site_clock")]

FORM = "/enregistrer/"


def scans(services: Services) -> list[int]:
    with services.reading() as session:
        return list(session.scalars(select(Scan.id).order_by(Scan.id)))


def deposit(site: Site, clerk: Browser, *words: str) -> list[int]:
    for text in words:
        upload(clerk, (pages.png(text), f"{text}.png"))
    return scans(site.services)


def values(page: str) -> dict[str, str]:
    """The fields that the form of a page would send unchanged."""
    hidden = re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', page)
    chosen = re.findall(r'<select[^>]* name="([a-z_]+)".*?<option value="([0-9]+)"[^>]*>', page, re.DOTALL)
    return {**dict(chosen), **dict(hidden)}


def typed(page: str, **more: str) -> dict[str, str]:
    found = values(page)
    return {
        **{name: found[name] for name in ("register_id", "addressed_post_id", "request_token")},
        **{name: found[name] for name in ("scan_id", "scan_version") if name in found},
        "sender_name": "Mairie de Tsévié", "subject": "Branchement du marché", "channel": "hand", "level": "0", **more,
    }  # fmt: skip


def send(clerk: Browser, page: str, status: int, **more: str) -> str:
    answer = clerk.client.post(FORM, data={"csrf_token": clerk.token, **typed(page, **more)})
    assert answer.status_code == status, answer.text
    return answer.headers.get("Location", "") or answer.text


def test_after_a_number_the_next_scan_of_the_pile_opens_by_itself(site: Site) -> None:
    clerk = site.browser("agent")
    first, second, third = deposit(site, clerk, "un", "deux", "trois")
    cards = re.findall(r'href="/enregistrer/numerisation/([0-9]+)"', clerk.get("/numerisations/").text)
    assert list(dict.fromkeys(map(int, cards))) == [first, second, third], "the oldest first, and a card opens the form"
    page = clerk.get(f"/enregistrer/numerisation/{first}").text
    assert "3 numérisations en attente" in page
    way = send(clerk, page, 303)
    assert f"/enregistrer/numerisation/{second}?" in way
    page = clerk.get(way).text
    assert re.search(r'just-registered__number">00001/2026[^<]*<', page), "the number just given stands above the form"
    assert "2 numérisations en attente" in page
    way = send(clerk, page, 303, subject="Demande d'audience")
    assert f"/enregistrer/numerisation/{third}?" in way
    way = send(clerk, clerk.get(way).text, 303, subject="Facture de transport")
    assert way.endswith("/enregistre"), "the pile is empty: the page of the number"


def test_a_letter_registered_from_a_scan_is_named_by_its_number_and_the_halves_of_a_file_are_no_doubles(
    site: Site,
) -> None:
    clerk = site.browser("agent")
    (scan_id,) = deposit(site, clerk, "un")
    send(clerk, clerk.get(f"/enregistrer/numerisation/{scan_id}").text, 303)
    joined = clerk.get("/numerisations/").text.partition("Jointes aujourd")[2].partition("</ul>")[0]
    assert "00001/2026" in joined, "not the word letter"
    upload(clerk, (pdf_of("deux", "trois"), "deux lettres.pdf"))
    whole = scans(site.services)[-1]
    with site.services.reading() as session:
        second = session.get_one(Scan, whole).leaves[1].id
    clerk.post(f"/numerisations/{whole}/arranger", do="split", leaf=str(second))
    half = scans(site.services)[-1]
    assert half != whole
    for one in (whole, half):
        page = clerk.get(f"/numerisations/{one}").text
        assert "Déjà reçu à l'identique" not in page.replace("&#39;", "'")
        assert "premières 1 pages" not in page


def test_two_clerks_of_one_pile_are_led_to_different_scans(site: Site) -> None:
    clerk = site.browser("agent")
    first, second, third = deposit(site, clerk, "un", "deux", "trois")
    one, other = actor(site.services, "agent"), second_clerk(site.services)
    with site.services.unit_of_work(NOW) as uow:
        assert turns.take_next(uow, actor=one) == first
        assert turns.take_next(uow, actor=other) == second
        assert turns.take_next(uow, actor=one) == first, "who comes back finds the scan that was left"
        assert turns.at_work(uow.session, [first, second, third], one, now=NOW) == {second: "Afi Second"}
    with site.services.unit_of_work(NOW + turns.TURN) as uow:
        assert turns.take_next(uow, actor=other) == first, "a turn ends"
        assert turns.take_next(uow, actor=one) == second


def second_clerk(services: Services) -> Actor:
    """Another clerk of the unit."""
    with services.unit_of_work(NOW) as uow:
        first = uow.session.scalars(select(Post).where(Post.code == "BO-A")).one()
        person = Person(account="agent2", name="Afi Second")
        post = Post(code="BO-B", title="Agent", unit_id=first.unit_id, roles=[PostRole(role=Role.CLERK)])
        uow.session.add_all([person, post])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
    return actor(services, "agent2")


def test_nobody_is_led_to_what_is_no_new_letter(site: Site) -> None:
    clerk = site.browser("agent")
    first, second, third = deposit(site, clerk, "un", "deux", "trois")
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Scan, first).note = "sealed_envelope"
        uow.session.get_one(Scan, second).proof_kind = "dispatch"
    who = actor(site.services, "agent")
    with site.services.unit_of_work(NOW) as uow:
        assert turns.take_next(uow, actor=who) == third
        assert turns.to_register(uow.session, who) == 1
    stranger = actor(site.services, "dge")
    with site.services.unit_of_work(NOW + timedelta(days=1)) as uow:
        assert turns.take_next(uow, actor=stranger) is None


def test_a_turn_ends_with_the_scan(site: Site) -> None:
    clerk = site.browser("agent")
    (first,) = deposit(site, clerk, "un")
    other, now = second_clerk(site.services), datetime.now(UTC)
    with site.services.unit_of_work(now) as uow:
        turns.take_next(uow, actor=other)
    assert "ouvert par Afi Second" in clerk.get("/numerisations/").text
    send(clerk, clerk.get(f"/enregistrer/numerisation/{first}").text, 303)
    with site.services.reading() as session:
        assert session.scalars(select(ScanTurn.scan_id)).all() == []


def test_a_card_says_what_was_read(site: Site) -> None:
    clerk = site.browser("agent")
    (scan_id,) = deposit(site, clerk, "un")
    assert "lecture en cours" in clerk.get("/numerisations/").text or "non lue" in clerk.get("/numerisations/").text
    with site.services.unit_of_work(NOW) as uow:
        page_id = uow.session.scalars(select(ScanLeaf.scan_page_id).where(ScanLeaf.scan_id == scan_id)).one()
        uow.session.add(
            ScanPageReading(scan_page_id=page_id, rotation=0, text="x", confidence=90, flags=[], read_at=NOW)
        )
        for n, (name, value, sure) in enumerate(
            [("sender", "Préfecture de l'Ogou", 80), ("subject", "Travaux <b>du pont</b>", 70), ("subject", "flou", 20)]
        ):
            box = {"x": 0.1, "y": 0.1, "width": 0.1, "height": 0.1}
            uow.session.add(
                ScanPageField(scan_page_id=page_id, position=n, name=name, value=value, confidence=sure, **box)
            )
    page = clerk.get("/numerisations/").text
    assert "Préfecture de l" in page
    assert "Travaux &lt;b&gt;du pont&lt;/b&gt;" in page
    assert "flou" not in page, "a reading that nobody would look at"
    with site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Scan, scan_id).note = "sealed_envelope"
    assert "Travaux" not in clerk.get("/numerisations/").text, "nothing of a sealed envelope"


def test_the_same_file_is_told_on_its_card_and_beside_the_form(site: Site) -> None:
    clerk = site.browser("agent")
    content = pages.png("le même")
    upload(clerk, (content, "a.png"))
    upload(clerk, (content, "b.png"))
    first, second = scans(site.services)
    page = clerk.get("/numerisations/").text
    assert page.count("déposé deux fois") == 1
    send(clerk, clerk.get(f"/enregistrer/numerisation/{first}").text, 303)
    page = clerk.get("/numerisations/").text
    assert "déjà reçu : 00001/2026" in page
    assert re.search(r"<li><a [^>]*>00001/2026[^<]*</a> - 1 page", page), "what was joined bears its number"
    form = clerk.get(f"/enregistrer/numerisation/{second}").text
    assert re.search(r"Déjà reçu à l.{1,5}identique", form)


@pytest.mark.parametrize("reference", ["", "045/M/2026"])
def test_a_letter_that_comes_twice_is_told_before_its_number(site: Site, reference: str) -> None:
    clerk = site.browser("agent")
    send(clerk, clerk.get(FORM).text, 303, their_reference=reference)
    page = clerk.get(FORM).text
    refused = send(clerk, page, 422, their_reference=reference, subject="Branchement  du marche")
    assert "00001/2026" in refused
    assert "Branchement  du marche" in refused or "Branchement du marche" in refused, "nothing typed is lost"
    assert len(numbers(site)) == 1
    (mark,) = re.findall(r'name="looked_at" value="([^"]+)"', refused)
    send(clerk, page, 422, their_reference=reference, subject="Branchement du marche", looked_at="0")
    send(clerk, page, 303, their_reference=reference, subject="Branchement du marche", looked_at=mark)
    assert len(numbers(site)) == 2


def test_the_same_form_sent_twice_is_no_second_letter(site: Site) -> None:
    clerk = site.browser("agent")
    page = clerk.get(FORM).text
    assert send(clerk, page, 303) == send(clerk, page, 303)
    assert len(numbers(site)) == 1


def numbers(site: Site) -> list[str]:
    with site.services.reading() as session:
        return list(session.scalars(select(MailNumber.text)))


@pytest.mark.parametrize(("reference", "status"), [("045/M/2026", 422), ("", 303)])
def test_what_a_clerk_may_not_see_is_told_by_its_reference_and_never_by_its_subject(
    site: Site, reference: str, status: int
) -> None:
    """A person who holds the paper knows its reference. A person who tries subjects must not find that of a hidden
    letter."""
    clerk = site.browser("agent")
    send(clerk, clerk.get(FORM).text, 303, their_reference=reference)
    with site.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).values(level=int(Confidentiality.SECRET)))
    told = send(clerk, clerk.get(FORM).text, status, their_reference=reference)
    if status == 422:
        assert "Un courrier " in told
        assert "00001/2026" not in told
        assert re.findall(r'name="looked_at" value="([^"]+)"', told) == ["0"]


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("Demande d'audience", "demande d’audiense", True),
        ("Facture n° 123", "Facture n° 124", False),
        ("Rapport d'activités d'octobre", "Rapport d'activités de novembre", False),
        ("Branchement du marché", "BRANCHEMENT DU MARCHE", True),
        ("", "", True),
        ("Réunion du 12 mars", "Réunion du 13 mars", False),
    ],
)
def test_which_subjects_may_be_of_one_letter(one: str, other: str, near: bool) -> None:
    assert is_near(one, other) is near
    assert is_near(other, one) is near


@pytest.mark.parametrize(
    ("text", "day"),
    [("20/11/26", "2026-11-20"), ("20.11.26", "2026-11-20"), ("201126", "2026-11-20"), ("1/2/99", "1999-02-01"),
     ("20/11/2026", "2026-11-20"), ("31/11/26", None), ("2011267", None), ("20/11/126", None)],
)  # fmt: skip
def test_a_year_of_two_figures(text: str, day: str | None) -> None:
    found = FormReader(MultiDict({"d": text})).day("d")
    assert (found.isoformat() if found else None) == day
