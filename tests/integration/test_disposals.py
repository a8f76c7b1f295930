"""A slip of disposal: one head proposes the list, a second human who read this very list decides; the journal names both."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.audit import AuditEntry, AuditPayload
from ged.disposal import operations, queries
from ged.disposal.lists import digest_of, eligible, years_after
from ged.disposal.models import Disposal
from ged.errors import Forbidden, GedError, Invalid, NotFound
from ged.natures.models import Nature
from ged.notices.models import Occasion, PersonalNotice
from ged.org.models import Holding, Person
from ged.ports import Digest, MailId
from ged.register.models import AttachmentKind, AttachmentPage, Mail
from ged.register.operations import SourcePage, attach
from ged.register.states import MailState
from ged.unit import Services
from tests.exception_kit import delegate, imputed
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in
from tests.together_kit import together

pytestmark = pytest.mark.in_turns(3)

LONG_AGO = datetime(2010, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    furnish(made)
    yield made
    made.engine.dispose()


def furnish(services: Services) -> None:
    """Three letters of DGE that were closed long ago, with a nature that is kept for ten years."""
    unit = dge_of(services)
    for n in range(3):
        imputed(services, f"Demande {n}")
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Nature(code="DEM", name="Demande", position=1, direction="incoming", retention_years=10))
        uow.session.execute(
            update(Mail).values(nature="DEM", state=MailState.CLOSED, closed_at=LONG_AGO, responsible_unit_id=unit)
        )


def dge_of(services: Services) -> int:
    return int(actor(services, "dge").posts[0].unit_id)


def propose(services: Services, who: str = "dge", *, at: datetime = NOW) -> int:
    unit = dge_of(services)
    with services.unit_of_work(at) as uow:
        one = actor(services, who)
        seen = eligible(uow.session, unit, one, on=TODAY, zone=services.zone)
        shown = digest_of(unit, seen)
        return operations.propose(uow, unit, reason="Tableau de gestion, art. 4", shown=shown, actor=one).id


def confirm(services: Services, row: int, who: str = "sg", *, at: datetime = NOW, shown: str | None = None) -> None:
    with services.unit_of_work(at) as uow:
        digest = shown if shown is not None else uow.session.get_one(Disposal, row).content_hash
        operations.confirm(uow, row, shown=digest, actor=actor(services, who))


def letters(services: Services) -> list[MailId]:
    with services.reading() as session:
        return [MailId(one) for one in session.scalars(select(Mail.id).order_by(Mail.id))]


def acts(services: Services) -> list[str]:
    with services.reading() as session:
        said = select(AuditEntry.action).where(AuditEntry.action.contains("disposal")).order_by(AuditEntry.sequence)
        return list(session.scalars(said))


def test_two_heads_decide_and_the_journal_names_both(services: Services) -> None:
    row = propose(services)
    confirm(services, row)
    assert acts(services) == ["disposal.proposed", "disposal.confirmed", *["mail.disposal_decided"] * 3]
    with services.reading() as session:
        told = session.execute(
            select(AuditEntry.person_id, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.action == "disposal.confirmed")
        ).one()
        decided = queries.of_letter(session, letters(services)[0])
    assert told[0] == actor(services, "sg").person_id
    assert told[1]["asked_by"] == actor(services, "dge").person_id
    assert told[1]["count"] == 3
    assert decided is not None
    assert (decided.by_name, decided.second_name) == ("Dge", "Sg")
    with pytest.raises(Invalid, match=r"disposal\.empty"):
        propose(services)


def test_the_day_after_so_many_years() -> None:
    assert years_after(date(2020, 2, 29), 10) == date(2030, 2, 28)
    assert years_after(date(2016, 11, 24), 10) == date(2026, 11, 24)


def test_only_what_was_closed_long_enough_ago_is_on_it(services: Services) -> None:
    first, second, third = letters(services)
    day = datetime(TODAY.year - 10, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == first).values(closed_at=day))
        uow.session.execute(update(Mail).where(Mail.id == second).values(closed_at=day - timedelta(days=1)))
        uow.session.execute(update(Mail).where(Mail.id == third).values(level=2))
    with services.reading() as session:
        found = eligible(session, dge_of(services), actor(services, "dge"), on=TODAY, zone=services.zone)
    assert [one.mail_id for one in found] == [second], "not on its last day, and no secret letter"


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("dge", "disposal.not_second"), ("daf", "disposal.unknown"), ("agent", "disposal.unknown"), ("secretaire", "disposal.unknown")],
)  # fmt: skip
def test_who_does_not_confirm(services: Services, who: str, refusal: str) -> None:
    row = propose(services)
    with pytest.raises(GedError, match=refusal):
        confirm(services, row, who)


def test_a_delegate_is_no_second_person_in_either_direction(services: Services) -> None:
    delegate(services, "dge", "etudes")
    row = propose(services)
    with pytest.raises(Forbidden, match=r"disposal\.not_second"):
        confirm(services, row, "etudes")
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, row, actor=actor(services, "dge"))
    row = propose(services, "etudes")
    with pytest.raises(Forbidden, match=r"disposal\.not_second"):
        confirm(services, row, "dge")
    confirm(services, row, "sg")


def test_a_list_that_changed_is_refused(services: Services) -> None:
    row = propose(services)
    with pytest.raises(Invalid, match=r"disposal\.changed"):
        confirm(services, row, shown="0" * 64)
    changes: tuple[dict[str, object], ...] = (
        {"subject": "Autre objet"}, {"state": MailState.ASSIGNED}, {"level": 2}, {"nature": ""},
        {"closed_at": NOW}, {"closed_at": LONG_AGO - timedelta(days=1)},
    )  # fmt: skip
    (first, *_rest) = letters(services)
    with services.reading() as session:
        mail = session.get_one(Mail, first)
        before = {name: getattr(mail, name) for name in ("subject", "state", "level", "nature", "closed_at")}
    for change in changes:
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Mail).where(Mail.id == first).values(**change))
        with pytest.raises(Invalid, match=r"disposal\.changed"):
            confirm(services, row)
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Mail).where(Mail.id == first).values(**before))
    confirm(services, row)


def test_a_scan_whose_page_is_another_changes_the_list(services: Services) -> None:
    """A scan has no file of its own, only pages: the slip is of these."""
    (first, *_rest) = letters(services)
    pages = [SourcePage(Digest(sign * 64), "image/png") for sign in "ab"]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == first).values(state=MailState.ASSIGNED))
        attach(
            uow, first, kind=AttachmentKind.DOCUMENT, pages=pages, media_type="image/png", actor=actor(services, "agent"),
            now=NOW, recognise=False,
        )  # fmt: skip
        uow.session.execute(update(Mail).where(Mail.id == first).values(state=MailState.CLOSED))
    row = propose(services)
    with services.unit_of_work(NOW) as uow:
        second = update(AttachmentPage).where(AttachmentPage.page_no == 2)
        uow.session.execute(second.values(digest="c" * 64))
    with pytest.raises(Invalid, match=r"disposal\.changed"):
        confirm(services, row)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(second.values(digest="b" * 64))
    confirm(services, row)


def test_a_list_that_changed_before_it_was_frozen_is_not_proposed(services: Services) -> None:
    with pytest.raises(Invalid, match=r"disposal\.changed"), services.unit_of_work(NOW) as uow:
        operations.propose(uow, dge_of(services), reason="x", shown="0" * 64, actor=actor(services, "dge"))
    with pytest.raises(Forbidden, match=r"disposal\.not_head"), services.unit_of_work(NOW) as uow:
        operations.propose(uow, dge_of(services), reason="x", shown="", actor=actor(services, "daf"))
    with pytest.raises(Invalid, match=r"disposal\.reason"), services.unit_of_work(NOW) as uow:
        operations.propose(uow, dge_of(services), reason=" ", shown="", actor=actor(services, "dge"))


def test_neither_late_nor_twice_nor_after_it_was_taken_back(services: Services) -> None:
    late = propose(services)
    with pytest.raises(Invalid, match=r"disposal\.settled"):
        confirm(services, late, at=NOW + operations.LASTS)
    with services.unit_of_work(NOW + operations.LASTS) as uow:
        assert operations.lapse_due(uow) == 1
    row = propose(services)
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, row, actor=actor(services, "dge"))
    with pytest.raises(Invalid, match=r"disposal\.settled"):
        confirm(services, row)
    row = propose(services)
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, row, actor=actor(services, "sg"))
    row = propose(services)
    confirm(services, row)
    with pytest.raises(Invalid, match=r"disposal\.settled"):
        confirm(services, row)


def test_who_lost_the_post_meanwhile_has_proposed_nothing(services: Services) -> None:
    row = propose(services)
    with services.unit_of_work(NOW) as uow:
        dge = uow.session.scalars(select(Person.id).where(Person.account == "dge")).one()
        uow.session.execute(update(Holding).where(Holding.person_id == dge).values(until_on=TODAY - timedelta(days=1)))
    with pytest.raises(Invalid, match=r"disposal\.first_lost"):
        confirm(services, row)
    with pytest.raises(NotFound, match=r"disposal\.unknown"):
        confirm(services, row, "dge")


def told(services: Services) -> list[tuple[str, str]]:
    """(account, key) of the notices of slips."""
    with services.reading() as session:
        asked = select(Person.account, PersonalNotice.key).join(Person, Person.id == PersonalNotice.person_id)
        rows = session.execute(asked.where(PersonalNotice.occasion == Occasion.DISPOSAL)).all()
    return sorted((account, key) for account, key in rows)


def test_who_may_confirm_is_told_and_who_proposed_learns_the_end(services: Services) -> None:
    row = propose(services)
    assert told(services) == [("sg", f"disposal:{row}:asked")], "not the proposer, nor who has no say"
    confirm(services, row)
    assert told(services) == [("dge", f"disposal:{row}:settled"), ("sg", f"disposal:{row}:asked")]


def test_who_acts_for_the_proposer_is_not_asked_and_a_slip_that_lapses_is_told(services: Services) -> None:
    delegate(services, "dge", "etudes")
    row = propose(services, "etudes")
    assert told(services) == [("sg", f"disposal:{row}:asked")], "dge is one side with the own interim"
    with services.unit_of_work(NOW + operations.LASTS) as uow:
        assert operations.lapse_due(uow) == 1
    assert ("etudes", f"disposal:{row}:settled") in told(services)
    row = propose(services, "etudes")
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, row, actor=actor(services, "etudes"))
    assert ("etudes", f"disposal:{row}:settled") not in told(services), "who took it back knows"


def test_of_two_confirmers_at_one_moment_one_does_it(services: Services) -> None:
    delegate(services, "sg", "etudes")
    row = propose(services)
    results = together(*(lambda who=who: confirm(services, row, who) for who in ("sg", "etudes")))
    assert [one.code for one in results if isinstance(one, GedError)] == ["disposal.settled"]
    assert acts(services).count("disposal.confirmed") == 1


def test_of_two_proposals_at_one_moment_one_takes_the_letters(services: Services) -> None:
    results = together(lambda: propose(services), lambda: propose(services, "sg"))
    assert [one.code for one in results if isinstance(one, GedError)] in (["disposal.empty"], ["disposal.changed"])


def test_the_pages_show_the_very_list(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    furnish(services)
    unit = dge_of(services)
    dge, sg = sign_in(app, "dge"), sign_in(app, "sg")
    page = dge.get(f"/eliminations/service/{unit}").text
    assert "Demande 2" in page
    shown = page.split('name="shown" value="')[1].split('"')[0]
    assert post(dge, f"/eliminations/service/{unit}", {"reason": "", "shown": shown}).status_code == 422
    place = post(dge, f"/eliminations/service/{unit}", {"reason": "Tableau", "shown": shown}).location
    assert "attend votre décision" in sg.get("/avis/").text
    notice = sg.get("/avis/").text.split('href="/avis/')[-1].split('"')[0]
    assert sg.get(f"/avis/{notice}").location == place
    assert "Retirer la proposition" in dge.get(place).text
    assert "Confirmer l'élimination" not in dge.get(place).text
    assert "Confirmer l'élimination" in sg.get(place).text
    assert sign_in(app, "daf").get(place).status_code == 404
    assert sign_in(app, "agent").get(place).status_code == 403
    assert post(sg, f"{place}/confirmer", {"shown": shown}).location == place
    assert "Élimination du papier décidée" in dge.get(f"/courriers/{letters(services)[0]}").text
    assert "n° 1" in sg.get("/eliminations/").text
    assert "attend plus" in dge.get("/avis/").text
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.subject == "Demande 1").values(state=MailState.ASSIGNED))
    later = sg.get(place).text
    assert later.count('data-label="Numéro"') == 3, "what was decided stays on the slip"
    assert "Demande 1" not in later
    services.engine.dispose()
