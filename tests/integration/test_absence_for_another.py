"""A person falls ill. An administrator or the head above declares the absence; the journal names both; the absent is
told."""

import html
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Invalid
from ged.org import delegations
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind, Person
from tests.signbook_site_kit import Site, site

__all__ = ["site"]

pytestmark = pytest.mark.in_turns(3)


def text(site: Site, account: str, path: str = "/absences/", status: int = 200) -> str:
    return html.unescape(site.get(account, path, status))


def person(site: Site, account: str) -> int:
    with site.services.reading() as session:
        return session.scalars(select(Person.id).where(Person.account == account)).one()


def days(site: Site, count: int = 10, start: int = 0) -> dict[str, str]:
    first = datetime.now(site.services.zone) + timedelta(days=start)
    return {"from_on": f"{first:%d/%m/%Y}", "until_on": f"{first + timedelta(days=count - 1):%d/%m/%Y}"}


def interim(site: Site, *, of: str, to: str, by: str, count: int = 30) -> int:
    """An interim recorded by the holder of the post, or by the head above."""
    now = datetime.now(site.services.zone)
    post = site.house.who(of, on=now.date()).posts[0]
    form = DelegationForm(
        post.post_id, site.house.who(to, on=now.date()).person_id, DelegationKind.INTERIM, "Décision n° 7",
        now.date(), now.date() + timedelta(days=count - 1),
    )  # fmt: skip
    with site.services.unit_of_work(now) as uow:
        return delegations.delegate(uow, form, actor=site.house.who(by, on=now.date()))


def journal(site: Site) -> list[tuple[str, int | None, int | None, int | None]]:
    """For each entry: action, person, the post through which the person acted, and whose absence it is."""
    with site.services.reading() as session:
        rows = session.execute(
            select(AuditEntry, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.subject_kind == "absence", AuditEntry.action != "access.refused")
            .order_by(AuditEntry.sequence)
        )
        return [(e.action, e.person_id, e.post_id, payload.get("of_person")) for e, payload in rows]


def ending(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'action="/absences/(\d+)/fin"', page)]


def test_an_administrator_declares_it_with_the_interim_and_the_absent_is_told_until_read(site: Site) -> None:
    daf, period = person(site, "daf"), days(site)
    given = interim(site, of="daf", to="agent", by="daf")
    page = text(site, "admin")
    assert f'<option value="{daf}">Daf — Poste DAF-C, Direction des affaires financières, Ministère</option>' in page
    assert "Agent - Intérim, Décision n° 7" not in page  # nobody is chosen yet
    page = text(site, "admin", f"/absences/?personne={daf}")
    assert "Déclarer l'absence de Daf" in page
    assert "Agent - Intérim, Décision n° 7" in page
    site.send("admin", "/absences/", person_id=daf, delegation_id=given, **period)

    page = text(site, "admin")
    assert "la personne en est avertie" in page
    (absence_id,) = ending(page)
    assert re.search(r"Daf<br>\s*<span[^>]*>déclaré par Admin", page)
    site.send("dge", f"/absences/{absence_id}/fin", 403)  # in the journal; it hides nothing
    told = f"Admin vous a déclaré absent du {period['from_on']} au {period['until_on']}. Remplaçant : Agent."
    for path in ("/", "/parapheur/", "/absences/"):
        assert told in text(site, "daf", path)
        assert "À savoir : votre absence" not in text(site, "agent", path)
    assert "vous le remplacez" in text(site, "agent", "/")

    site.send("daf", "/absences/connaissance", absence=absence_id)
    for path in ("/", "/parapheur/", "/absences/"):
        assert told not in text(site, "daf", path)
    site.send("daf", "/absences/connaissance", absence=absence_id)  # sent twice: recorded once
    admin_post = site.house.post("ADM")
    assert journal(site) == [
        ("absence.declared_for", person(site, "admin"), admin_post, daf),
        ("absence.seen", daf, None, None),
    ]


def test_an_administrator_ends_it_and_the_absent_is_told(site: Site) -> None:
    daf, period = person(site, "daf"), days(site)
    site.send("daf", "/absences/", **period)
    assert "À savoir : votre absence" not in text(site, "daf")
    (absence_id,) = ending(text(site, "admin"))
    site.send("admin", f"/absences/{absence_id}/fin")
    told = f"Admin a mis fin à votre absence du {period['from_on']} au {period['until_on']}."
    assert told in text(site, "daf", "/")
    assert ending(text(site, "daf")) == []
    assert journal(site)[-1] == ("absence.ended_for", person(site, "admin"), site.house.post("ADM"), daf)
    page = html.unescape(site.send("admin", f"/absences/{absence_id}/fin", 409))
    assert "Cette absence a déjà pris fin" in page
    site.send("daf", "/absences/connaissance", absence=absence_id)
    assert told not in text(site, "daf", "/")


def test_a_head_above_declares_the_absence_and_records_the_interim(site: Site) -> None:
    etudes = person(site, "etudes")
    page = text(site, "dge")
    offered = re.findall(
        r'<option value="\d+">(\w+) — Poste ETU-M, [^<]+</option>', page[page.index('name="personne"') :]
    )
    assert offered == ["Etudes"]
    with pytest.raises(Invalid, match=r"delegation\.present"):
        interim(site, of="etudes", to="agent", by="dge")
    site.send("dge", "/absences/", person_id=etudes, **days(site))
    interim(site, of="etudes", to="agent", by="dge", count=10)
    home = text(site, "etudes", "/")
    assert "Dge vous a déclaré absent" in home
    assert "Remplaçant : Agent." in home
    assert "Dge a désigné un intérim pour votre poste." in home
    # The absent person is back and ends the absence: the declaration needs no acknowledgement any more.
    (absence_id,) = ending(text(site, "etudes"))
    site.send("etudes", f"/absences/{absence_id}/fin")
    assert "À savoir : votre absence" not in text(site, "etudes", "/")
    assert [row[0] for row in journal(site)] == ["absence.declared_for", "absence.ended"]


@pytest.mark.parametrize("account", ["agent", "dge", "etudes", "secretaire"])
def test_nobody_else_declares_or_ends_it(site: Site, account: str) -> None:
    daf = person(site, "daf")
    assert 'value="' + str(daf) + '">Daf' not in text(site, account)
    site.get(account, f"/absences/?personne={daf}", 403)
    page = html.unescape(site.send(account, "/absences/", 403, person_id=daf, **days(site)))
    assert "Vous ne pouvez pas déclarer l'absence de cette personne" in page
    assert journal(site) == []
    site.send("daf", "/absences/", **days(site))
    absence_id = ending(text(site, "daf"))[0]
    assert absence_id not in ending(text(site, account))
    site.send(account, f"/absences/{absence_id}/fin", 403)
    site.send(account, "/absences/connaissance", 403, absence=absence_id)
    assert [row[0] for row in journal(site)] == ["absence.declared"]


def test_an_interim_gives_nobody_the_right_of_the_head(site: Site) -> None:
    interim(site, of="dge", to="agent", by="dge")
    site.send("agent", "/absences/", 403, person_id=person(site, "etudes"), **days(site))
    assert 'name="personne"' not in text(site, "agent")


def test_what_makes_no_sense_is_told_at_the_form_of_that_person(site: Site) -> None:
    daf = person(site, "daf")
    short = interim(site, of="daf", to="agent", by="daf", count=5)
    foreign = interim(site, of="etudes", to="agent", by="etudes")
    for wrong, said in (
        (days(site, 3, start=-9), "La période n'est pas valable"),
        ({**days(site), "until_on": "31/02/2027"}, "date"),
        (days(site, 400), "La période n'est pas valable"),
        ({**days(site), "until_on": ""}, "until_on"),
        ({**days(site), "delegation_id": str(short)}, "ne couvre pas toute l'absence"),
        ({**days(site), "delegation_id": str(foreign)}, "Ce remplacement n'est pas possible"),
    ):
        page = html.unescape(site.send("admin", "/absences/", 422, person_id=daf, **wrong))
        assert said in page
        assert "Déclarer l'absence de Daf" in page
        assert f'name="person_id" value="{daf}"' in page
        assert wrong["from_on"] in page
    site.send("admin", "/absences/", 404, person_id=4711, **days(site))
    assert journal(site) == []
    site.send("admin", "/absences/", person_id=daf, **days(site))
    page = html.unescape(site.send("admin", "/absences/", 422, person_id=daf, **days(site, 3)))
    assert "Une autre absence est déjà déclarée" in page
    # An absence of one's own is declared on this page too. The journal has another action for it.
    site.send("admin", "/absences/", **days(site))
    assert [row[0] for row in journal(site)] == ["absence.declared_for", "absence.declared"]
