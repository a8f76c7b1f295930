"""A letter reaches a post whose holder is away: it is offered to the replacement, others are told, and it is never
lost."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from ged.errors import NotFound
from ged.org import absences, delegations
from ged.org.absences import AbsenceForm
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind
from ged.signbook import queries
from tests import slip_kit
from tests.factories import NOW, TODAY
from tests.signbook_kit import House, house
from tests.signbook_site_kit import Site, site

__all__ = ["house", "site"]


def leave(house: House, now: datetime, *, days: int = 10) -> int:
    """Declare DAF absent from today, replaced by the agent. Returns the absence."""
    daf, first = house.who("daf"), now.astimezone(house.services.zone).date()
    last = first + timedelta(days=days - 1)
    with house.services.unit_of_work(now) as uow:
        form = DelegationForm(
            daf.posts[0].post_id, house.who("agent").person_id, DelegationKind.INTERIM, "Note n° 5", first, last
        )
        given = delegations.delegate(uow, form, actor=daf)
        return absences.declare(uow, AbsenceForm(first, last, given), actor=daf)


def text(site: Site, account: str, path: str) -> str:
    return html.unescape(site.get(account, path))


def waiting(house: House, account: str, on: int = 0) -> list[int]:
    with house.services.reading() as session:
        shown = queries.signature_book(session, house.who(account, on=TODAY + timedelta(days=on)))
    return [row.mail_id for row in shown.visas]


def test_what_reaches_the_absent_post_is_offered_to_the_replacement_and_nothing_is_lost(house: House) -> None:
    leave(house, NOW)
    done, left = house.answer(), house.answer()
    house.submit(done)
    house.submit(left)
    assert waiting(house, "agent") == [done, left]
    # The holder may still look; the letters belong to the post.
    assert waiting(house, "daf") == [done, left]
    step = house.show(done, "dge").steps[0]
    assert step.away is not None
    assert (step.away.person, step.away.replacements) == ("Daf", ("Agent",))
    house.visa(done, "agent")
    assert house.show(done, "dge").steps[0].away is None
    assert (house.show(done, "dge").steps[0].by, house.show(done, "dge").steps[0].acted_as) == ("Agent", "interim")
    # After the last day the replacement has nothing there any more, and the holder has all unfinished letters.
    assert waiting(house, "agent", on=10) == []
    assert waiting(house, "daf", on=10) == [left]
    with house.services.reading() as session, pytest.raises(NotFound):
        late = TODAY + timedelta(days=10)
        queries.letter(session, left, house.who("agent", on=late), on=late)


def test_the_pages_tell_it_to_the_author_the_replacement_the_absent_and_the_sender(site: Site) -> None:
    now = datetime.now(site.services.zone)
    last = f"{now + timedelta(days=9):%d/%m/%Y}"
    mail_id = site.house.answer()
    page = site.send("daf", "/absences/", 422, from_on=f"{now:%d/%m/%Y}", until_on="")
    assert "until_on" in page
    absence_id = leave(site.house, now)
    site.house.submit(mail_id)
    told = f"absent jusqu'au {last}"
    page = text(site, "dge", "/parapheur/")
    assert told in page
    assert "remplacé par Agent" in page
    assert told in text(site, "dge", f"/parapheur/{mail_id}")
    draft_id = site.house.answer()
    assert re.search(rf"Poste DAF-C[^<]* - absent jusqu'au {last}", text(site, "dge", f"/projets/{draft_id}"))
    page = text(site, "agent", "/parapheur/")
    assert f"/parapheur/{mail_id}" in page
    assert "vous le remplacez" in page
    assert "Vous êtes déclaré absent" in text(site, "daf", "/parapheur/")
    assert "vous le remplacez" in text(site, "agent", "/")
    assert "Je suis de retour" in text(site, "daf", "/absences/")
    site.send("daf", f"/absences/{absence_id}/fin")
    assert told not in text(site, "dge", f"/parapheur/{mail_id}")


def test_the_sender_of_a_slip_reads_that_nobody_receives_there(site: Site) -> None:
    now = datetime.now(UTC)
    leave(site.house, now)
    line = slip_kit.LineForm(description="Dossier")
    old = slip_kit.send(
        site.services, line, to=("DAF",), now=now - timedelta(hours=site.services.unacknowledged_hours + 1)
    )
    page = text(site, "agent", f"/bordereaux/{old.slip_id}")
    assert "Daf : " in page
    assert "absent jusqu" in page
    morning = text(site, "agent", "/")
    assert "Bordereaux sans réception" in morning
    assert morning.count("absent jusqu") == 1
