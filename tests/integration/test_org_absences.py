"""Who is away, until when, and who acts for the post meanwhile."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.org import absences, delegations
from ged.org.absences import AbsenceForm
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind, Holding
from ged.unit import Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services

pytestmark = pytest.mark.in_turns(3)

LAST = TODAY + timedelta(days=9)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def interim(services: Services, *, until_on: date = LAST) -> int:
    """DAF's post, given to the agent of the mail office."""
    daf = actor(services, "daf")
    form = DelegationForm(
        daf.posts[0].post_id, actor(services, "agent").person_id, DelegationKind.INTERIM, "Note n° 5", TODAY, until_on
    )
    with services.unit_of_work(NOW) as uow:
        return delegations.delegate(uow, form, actor=daf)


def declare(services: Services, who: str = "daf", *, delegation_id: int | None = None, until_on: date = LAST) -> int:
    with services.unit_of_work(NOW) as uow:
        return absences.declare(uow, AbsenceForm(TODAY, until_on, delegation_id), actor=actor(services, who))


def away(services: Services, *, on: date = TODAY) -> list[tuple[str, date, tuple[str, ...]]]:
    with services.reading() as session:
        found = absences.away(session, [actor(services, "daf").posts[0].post_id], on=on)
    return [(one.person, one.until_on, one.replacements) for one in found.values()]


def test_a_post_is_away_while_its_holder_is_and_names_who_replaces(services: Services) -> None:
    assert away(services) == []
    declare(services, delegation_id=interim(services))
    assert away(services) == [("Daf", LAST, ("Agent",))]
    assert away(services, on=LAST) == [("Daf", LAST, ("Agent",))]
    assert away(services, on=LAST + timedelta(days=1)) == []
    assert away(services, on=TODAY - timedelta(days=1)) == []
    with services.reading() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)).all()
    assert actions[-2:] == ["delegation.granted", "absence.declared"]


def test_nobody_replaces_when_none_is_given_or_it_was_withdrawn(services: Services) -> None:
    delegation_id = interim(services)
    declare(services, delegation_id=delegation_id)
    with services.unit_of_work(NOW) as uow:
        delegations.withdraw(uow, delegation_id, actor=actor(services, "daf"))
    assert away(services) == [("Daf", LAST, ())]
    with services.reading() as session:
        (row,) = absences.listing(session, actor(services, "daf"), on=TODAY)
    assert (row.is_mine, row.replacement) == (True, "")


def test_a_post_with_somebody_present_is_not_away(services: Services) -> None:
    declare(services)
    with services.unit_of_work(NOW) as uow:
        daf = actor(services, "daf").posts[0]
        etudes = actor(services, "etudes").person_id
        uow.session.add(Holding(post_id=daf.post_id, person_id=etudes, from_on=TODAY))
    assert away(services) == []


def test_back_before_the_time(services: Services) -> None:
    absence_id = declare(services)
    with pytest.raises(Forbidden, match=r"absence\.not_for_them"), services.unit_of_work(NOW) as uow:
        absences.end(uow, absence_id, actor=actor(services, "dge"))
    with services.unit_of_work(NOW) as uow:
        absences.end(uow, absence_id, actor=actor(services, "daf"))
    assert away(services) == []
    with pytest.raises(InvalidTransition, match=r"absence\.ended"), services.unit_of_work(NOW) as uow:
        absences.end(uow, absence_id, actor=actor(services, "daf"))
    with pytest.raises(NotFound, match=r"absence\.unknown"), services.unit_of_work(NOW) as uow:
        absences.end(uow, 4711, actor=actor(services, "daf"))
    declare(services)


def test_what_makes_no_sense_is_refused(services: Services) -> None:
    short = interim(services, until_on=LAST - timedelta(days=1))
    for code, changes in (
        ("absence.dates", {"until_on": TODAY - timedelta(days=1)}),
        ("absence.dates", {"until_on": TODAY + timedelta(days=400)}),
        ("absence.not_covered", {"delegation_id": short}),
        ("absence.replacement", {"delegation_id": short, "who": "dge"}),
        ("absence.replacement", {"delegation_id": 4711}),
    ):
        with pytest.raises(Invalid, match=code.replace(".", r"\.")):
            declare(services, **changes)  # type: ignore[arg-type]
    declare(services)
    with pytest.raises(Invalid, match=r"absence\.overlap"):
        declare(services, until_on=LAST - timedelta(days=1))


def test_a_form_sent_twice_is_one_absence(services: Services) -> None:
    assert declare(services) == declare(services)


def test_each_reads_the_absences_that_concern_them(services: Services) -> None:
    declare(services, delegation_id=interim(services))
    declare(services, "etudes")
    seen = {}
    for who in ("daf", "agent", "dge", "sg", "secretaire"):
        with services.reading() as session:
            rows = absences.listing(session, actor(services, who), on=TODAY)
        seen[who] = [(row.person, row.is_mine, row.replaced_by_me) for row in rows]
    assert seen == {
        "daf": [("Daf", True, False)],
        "agent": [("Daf", False, True)],
        "dge": [("Etudes", False, False)],
        "sg": [],
        "secretaire": [],
    }
    with services.reading() as session:
        units = {post.unit_id for who in ("daf", "etudes", "sg") for post in actor(services, who).posts}
        found = absences.away_in(session, units, on=TODAY)
    assert sorted(one.person for some in found.values() for one in some) == ["Daf", "Etudes"]
