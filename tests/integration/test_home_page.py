"""The home page: waiting letters, late ones, returned ones, recently opened ones, and the counts of the day."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.access import Because, revoke
from ged.ports import Confidentiality, MailId, unit_principal
from ged.register import opening
from ged.register.levels import change_level
from ged.register.models import Direction, Mail, RecentLetter
from ged.reports import home
from ged.reports.home import Fact, Home
from ged.routing import operations
from ged.routing.models import Assignment
from ged.signbook import operations as signbook
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, make_mentions, register, unit_id
from tests.signbook_kit import House, house
from tests.site import make_site, sign_in

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path)
    make_mentions(services)
    yield app, services
    services.engine.dispose()


def home_of(services: Services, account: str, *, on: date = TODAY) -> Home:
    with services.reading() as session:
        return home.home(session, actor(services, account, on=on), today=on, zone=services.zone)


def figures(services: Services, account: str, *, on: date = TODAY) -> dict[Fact, int]:
    return dict(home_of(services, account, on=on).figures)


def give_back(services: Services, mail_id: MailId, *, by: str = "dge") -> None:
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()
        operations.give_back(uow, mail_id, row, reason="Cela concerne la DAF", actor=actor(services, by), now=NOW)


def opened(services: Services, mail_id: MailId, account: str, minutes: int = 0) -> None:
    now = NOW + timedelta(minutes=minutes)
    with services.unit_of_work(now) as uow:
        opening.mark_opened(uow, mail_id, actor=actor(services, account), now=now)


def test_a_new_desk_says_what_will_appear_and_repeats_no_menu(site: tuple[Flask, Services]) -> None:
    app, _ = site
    page = sign_in(app, "etudes").get("/").text
    for said in (
        "Rien ne vous attend",
        "Aucun courrier n'a dépassé son échéance.",
        "Ni projet refusé, ni courrier retourné.",
        "Les courriers que vous ouvrez",
    ):
        assert said in page
    # The page also contains the hidden steps of the first day's tour.
    content = re.sub(r"<div data-tour-step.*?</div>", "", page.partition('id="content"')[2], flags=re.DOTALL)
    assert "Les courriers qui vous sont confiés" not in content, "the hints of the menu stand in no list any more"
    assert "Retrouver un courrier" not in content


def test_a_post_without_letters_has_a_desk_without_figures(site: tuple[Flask, Services]) -> None:
    app, services = site
    assert figures(services, "admin") == {}
    assert sign_in(app, "admin").get("/").status_code == 200


def test_late_letters_lead_on_with_their_delay(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Rapport attendu")
    impute(services, mail.mail_id, due_on=TODAY)
    assert home_of(services, "dge").late == ()
    late = home_of(services, "dge", on=TODAY + timedelta(days=1))
    assert [row.mail.mail_id for row in late.late] == [mail.mail_id]
    assert late.late_total == 1
    assert home_of(services, "daf", on=TODAY + timedelta(days=1)).late == ()
    assert figures(services, "dge", on=TODAY + timedelta(days=1))[Fact.LATE_BELOW] == 1
    assert figures(services, "sg", on=TODAY + timedelta(days=1))[Fact.LATE_BELOW] == 0, "another entity's letter"
    page = sign_in(app, "dge").get("/").text  # the site's clock is later
    assert "en retard" in page
    assert mail.number in page
    assert "Rapport attendu" in page


def test_what_came_back_leaves_the_desk_when_it_is_given_again(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Dossier du barrage")
    impute(services, mail.mail_id)
    give_back(services, mail.mail_id)
    (row,) = home_of(services, "sg").returned
    assert (row.mail_id, row.is_draft, row.reason) == (mail.mail_id, False, "Cela concerne la DAF")
    assert home_of(services, "sg").returned_total == 1
    assert home_of(services, "dge").returned == (), "who gave it back has nothing to do"
    page = sign_in(app, "sg").get("/").text
    assert "Dossier du barrage" in page.partition('id="desk-returned"')[2].partition("</section>")[0]
    later = NOW + timedelta(hours=1)
    with services.unit_of_work(later) as uow:
        form = operations.ImputationForm(unit_id(services, "DAF"), (), (), "", None)  # type: ignore[arg-type]
        operations.impute(uow, mail.mail_id, form, version=None, actor=actor(services, "sg"), now=later)
    assert home_of(services, "sg").returned == ()


def test_a_refused_draft_is_on_its_authors_desk_until_it_is_handed_in_again(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    assert home_of(house.services, "dge").returned == ()
    with house.services.unit_of_work(NOW) as uow:
        version_no = house.show(mail_id, "daf").version_no
        signbook.refuse(uow, mail_id, version_no=version_no, reason="Montant à revoir", actor=house.who("daf"))
    (row,) = home_of(house.services, "dge").returned
    assert (row.mail_id, row.is_draft, row.reason, row.by) == (mail_id, True, "Montant à revoir", "Daf")
    assert figures(house.services, "dge")[Fact.RETURNED] == 1
    assert home_of(house.services, "daf").returned == ()
    house.submit(mail_id)
    assert home_of(house.services, "dge").returned == ()


def test_the_letters_opened_last_are_those_that_may_still_be_seen(site: tuple[Flask, Services]) -> None:
    app, services = site
    mails = [register(services, f"Courrier {n}") for n in range(10)]
    for n, mail in enumerate(mails):
        opened(services, mail.mail_id, "sg", minutes=n)
    opened(services, mails[0].mail_id, "sg", minutes=30)
    found = [row.mail_id for row in home_of(services, "sg").recent]
    assert found == [mails[n].mail_id for n in (0, 9, 8, 7, 6, 5, 4, 3)], "the last opening counts"
    impute(services, mails[1].mail_id)
    opened(services, mails[1].mail_id, "dge")
    with services.unit_of_work(NOW) as uow:  # an internal letter to an authority names no addressee
        uow.session.get_one(Mail, mails[1].mail_id).direction = Direction.INTERNAL
    (seen,) = home_of(services, "dge").recent
    assert (seen.mail_id, seen.correspondent) == (mails[1].mail_id, "Préfecture de l'Ogou")
    with services.unit_of_work(NOW) as uow:
        for because in (Because.IMPUTED, Because.ASSIGNED):
            revoke(uow, mails[1].mail_id, unit_principal(unit_id(services, "DGE")), because)  # type: ignore[arg-type]
    assert home_of(services, "dge").recent == ()
    assert mails[1].number not in sign_in(app, "dge").get("/").text
    with services.unit_of_work(NOW + opening.RECENT_KEPT * 2) as uow:
        opening.forget(uow, now=uow.now)
        assert uow.session.scalars(select(RecentLetter)).all() == []


def test_a_desk_shows_no_subject_of_a_letter_above_ordinary(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Mutation du directeur", due_on=TODAY)
    impute(services, mail.mail_id, due_on=TODAY)
    opened(services, mail.mail_id, "dge")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail.mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "sg"))
    page = sign_in(app, "dge").get("/").text
    assert page.count(mail.number) == 2, "late, and opened last"
    assert "Mutation" not in page
    assert "Préfecture" not in page
    give_back(services, mail.mail_id)
    page = sign_in(app, "sg").get("/").text
    assert "retourné" in page
    assert "Mutation" not in page
    assert "concerne la DAF" not in page


def test_the_days_figures_follow_the_role(site: tuple[Flask, Services]) -> None:
    app, services = site
    one, two = register(services, "Un"), register(services, "Deux")
    impute(services, one.mail_id, due_on=TODAY + timedelta(days=1))
    impute(services, two.mail_id, due_on=TODAY + timedelta(days=9))
    assert figures(services, "agent") == {
        Fact.RECEIVED: 2, Fact.NUMBERED: 2, Fact.TRANSMITTED: 0, Fact.WAITING_SCANS: 0,
    }  # fmt: skip
    assert figures(services, "agent", on=TODAY + timedelta(days=1))[Fact.RECEIVED] == 0
    sg = figures(services, "sg")
    assert (sg[Fact.IMPUTED], sg[Fact.TO_SIGN], sg[Fact.LATE_BELOW]) == (2, 0, 0)
    dge = figures(services, "dge")
    assert (dge[Fact.ASSIGNED], dge[Fact.DUE_THIS_WEEK], dge[Fact.RETURNED]) == (2, 1, 0)
    assert Fact.RECEIVED not in figures(services, "etudes")
    assert "numéro donné" in sign_in(app, "agent").get("/").text


def test_letters_to_sign_are_counted_for_who_may_sign(house: House) -> None:
    house.ready()
    assert figures(house.services, "sg")[Fact.TO_SIGN] == 1
    assert Fact.TO_SIGN not in figures(house.services, "dge")
