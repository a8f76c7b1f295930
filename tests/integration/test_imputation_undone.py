"""An imputation taken back: everything is as it was before, as long as nothing hangs on it; on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from ged.access import MailAccess
from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, NotFound
from ged.followup import listing, notes, undoing
from ged.followup.listing import FollowFilter, Scope
from ged.index_sync import build_documents
from ged.notices import finding
from ged.notices import queries as notices
from ged.org.models import Holding, Person
from ged.ports import MailId
from ged.register import opening
from ged.register.models import AttachmentKind, Mail, ReadMark, RecentLetter
from ged.register.states import MailState
from ged.reports import home
from ged.routing import calendar_changes, operations, queries
from ged.routing import path as letter_path
from ged.routing.models import Assignment, Imputation, Purpose
from ged.routing.queries import InboxView
from ged.routing.rectify_letter import rectify
from ged.routing.sheet import imputation_sheet
from ged.routing.states import AssignmentState
from ged.routing.undoing import latest
from ged.signbook import drafts
from ged.signbook.models import LetterTemplate
from ged.slips.drafting import LineForm
from ged.unit import Services
from tests import slip_kit
from tests.factories import NOW, TODAY, actor
from tests.letter_kit import document
from tests.routing_kit import impute, make_mentions, post_id, register, remind, unit_id
from tests.routing_kit import services_on_either as services
from tests.signbook_kit import CountingSigner, House
from tests.site import make_site, post, sign_in

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

SOON = date(2026, 12, 4)
LATER = NOW + timedelta(minutes=3)


def undo(services: Services, *imputation_ids: int, by: str = "sg") -> list[MailId]:
    with services.unit_of_work(LATER) as uow:
        return undoing.undo(uow, imputation_ids, actor=actor(services, by))


def obstacle(services: Services, mail_id: int, by: str = "sg") -> str | None:
    """Why the letter's page does not offer it; empty: it does; None: it says nothing of it."""
    with services.reading() as session:
        last = latest(session, mail_id)
        found = last and undoing.offer(session, last.id, actor(services, by), on=TODAY)
    return None if found is None else (found.obstacle.code if found.obstacle is not None else "")


def stood(services: Services, mail_id: int) -> dict[str, Any]:
    """The letter with its rights and what waits of it, as rows."""
    with services.reading() as session:
        mail = session.get_one(Mail, mail_id)
        rights = session.execute(
            select(MailAccess.principal, MailAccess.because, MailAccess.granted_at).where(MailAccess.mail_id == mail_id)
        )
        live = session.execute(
            select(Assignment.id, Assignment.state, Assignment.due_on, Assignment.due_days, Assignment.finished_at)
            .where(Assignment.mail_id == mail_id, Assignment.state.in_((AssignmentState.OPEN, AssignmentState.TAKEN)))
        )  # fmt: skip
        everything = FollowFilter(Scope.GIVEN)
        followed, _ = listing.rows(
            session, actor(services, "sg"), everything, today=listing.Today(TODAY, TODAY), limit=9
        )
        return {
            "state": mail.state,
            "unit": mail.responsible_unit_id,
            "due": (mail.due_on, mail.due_from, mail.due_days),
            "rights": sorted(map(tuple, rights)),
            "live": sorted(map(tuple, live)),
            "path": letter_path.path(session, mail_id, actor(services, "sg")),
            "inboxes": [queries.inbox_count(session, actor(services, one)) for one in ("dge", "daf")],
            "queue": queries.imputation_count(session, actor(services, "sg")),
            "followed": [(row.assignment_id, row.due_on, row.state) for row in followed],
            "sheet": imputation_sheet(session, services, mail_id, actor(services, "sg"), now=NOW),
        }


def test_a_first_decision_leaves_nothing_but_two_entries_of_the_journal(services: Services) -> None:
    mail_id = register(services, due_on=date(2026, 12, 18)).mail_id
    before = stood(services, mail_id)
    made = impute(services, mail_id, "DGE", ("DAF",), due_on=SOON, mentions=("opinion",), note="Avis")
    assert stood(services, mail_id) != before
    assert obstacle(services, mail_id) == ""
    assert undo(services, made) == [mail_id]
    assert stood(services, mail_id) == before
    with services.reading() as session:
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject_id == mail_id).order_by(AuditEntry.sequence)
        ).all()
        assert acts[-2:] == ["mail.imputed", "mail.imputation_undone"]
        assert session.get_one(Imputation, made).note == "Avis", "the decision itself stays, as evidence"
        done = queries.inbox(session, actor(services, "sg"), today=TODAY, view=InboxView.DONE)[0]
        assert done == []
        desk = home.home(session, actor(services, "sg"), today=TODAY, zone=services.zone)
        assert dict(desk.figures)[home.Fact.IMPUTED] == 0
    assert obstacle(services, mail_id) is None
    with pytest.raises(Invalid, match=r"imputation\.undone"):
        undo(services, made)


def test_a_later_decision_gives_back_what_it_took(services: Services) -> None:
    mail_id = register(services).mail_id
    first = impute(services, mail_id, "DGE", ("DAF",), due_on=SOON)
    lead = stood(services, mail_id)["live"][0][0]
    with services.unit_of_work(NOW) as uow:
        operations.assign(
            uow, MailId(mail_id), from_assignment_id=lead, to_unit_id=unit_id(services, "ETU"), to_post_id=None,  # type: ignore[arg-type]
            purpose=Purpose.OPINION, instruction="", due_on=None, actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
    before = stood(services, mail_id)
    second = impute(services, mail_id, "DAF", due_on=date(2026, 12, 11))
    with pytest.raises(Invalid, match=r"imputation\.not_last"):
        undo(services, first)
    undo(services, second)
    assert stood(services, mail_id) == before
    assert [state for _, state, *_ in before["live"]] == [
        AssignmentState.TAKEN, AssignmentState.OPEN, AssignmentState.OPEN
    ]  # fmt: skip
    assert obstacle(services, mail_id) == "imputation.passed_on"


def test_a_decision_after_an_answer_leaves_the_letter_answered(services: Services) -> None:
    mail_id = register(services).mail_id
    impute(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        (lead,) = uow.session.scalars(select(Assignment.id)).all()
        operations.finish(uow, MailId(mail_id), lead, outcome="Fait", actor=actor(services, "dge"), now=NOW)
    before = stood(services, mail_id)
    assert before["state"] is MailState.ANSWERED
    undo(services, impute(services, mail_id, "DAF"))
    assert stood(services, mail_id) == before


def test_a_date_is_counted_in_the_calendar_of_today(services: Services) -> None:
    mail_id = register(services).mail_id
    with services.unit_of_work(NOW) as uow:
        mail = uow.session.get_one(Mail, mail_id)
        mail.due_on, mail.due_from, mail.due_days = date(2026, 12, 1), date(2026, 11, 24), 5
    made = impute(services, mail_id, due_on=SOON)
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_holiday(
            uow, date(2026, 11, 26), name="Deuil national", is_off=True, actor=actor(services, "admin")
        )
    undo(services, made)
    assert stood(services, mail_id)["due"] == (date(2026, 12, 2), date(2026, 11, 24), 5)


def test_it_is_the_act_of_who_did_it_and_of_nobody_else(services: Services) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id, by="secretaire")
    assert obstacle(services, mail_id) is None
    for other in ("sg", "dge"):
        with pytest.raises(Forbidden, match=r"imputation\.not_yours"):
            undo(services, made, by=other)
    with pytest.raises(NotFound, match=r"mail\.unknown"):
        undo(services, made, by="daf")
    for wrong in ((), (999_999,), (made, 999_999)):
        with pytest.raises(NotFound, match=r"imputation\.unknown"):
            undo(services, *wrong, by="secretaire")
    assert obstacle(services, mail_id, "secretaire") == ""
    undo(services, made, by="secretaire")


def _take(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        operations.take(uow, MailId(mail_id), lead, actor=actor(services, "dge"))


def _finish(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Assignment).where(Assignment.unit_id == unit_id(services, "DAF"))).one()
        operations.finish(uow, MailId(mail_id), row.id, outcome="Vu", actor=actor(services, "daf"), now=NOW)


def _give_back(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Assignment).where(Assignment.unit_id == unit_id(services, "DAF"))).one()
        operations.give_back(uow, MailId(mail_id), row.id, reason="Erreur", actor=actor(services, "daf"), now=NOW)


def _note(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        notes.write(uow, MailId(mail_id), text="Urgent", to_post_id=None, actor=actor(services, "agent"))


def _open(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(LATER) as uow:
        opening.mark_opened(uow, mail_id, actor=actor(services, "daf"), now=LATER)


def _remind(services: Services, mail_id: int, lead: int) -> None:
    remind(services, mail_id)


def _slip(services: Services, mail_id: int, lead: int) -> None:
    slip_kit.send(services, LineForm(mail_id=MailId(mail_id)))


def _answer(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(LetterTemplate(code="R", title="Réponse", subject="Votre lettre", body="Monsieur"))
        uow.session.flush()
        drafts.draft_reply(uow, MailId(mail_id), "R", actor=actor(services, "dge"), now=NOW)


def _rectify(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        rectify(
            uow, MailId(mail_id), {"due_on": SOON}, reason="Erreur", version=None, actor=actor(services, "agent"), now=NOW
        )  # fmt: skip


def _close(services: Services, mail_id: int, lead: int) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mail_id).state = MailState.CLOSED


@pytest.mark.in_shares(2)
@pytest.mark.parametrize(
    ("act", "code"),
    [
        (_take, "taken"), (_finish, "finished"), (_give_back, "returned"), (_note, "noted"), (_open, "opened"),
        (_remind, "reminded"), (_slip, "on_slip"), (_answer, "answered"), (_rectify, "due_rectified"),
        (_close, "letter_changed"),
    ],
)  # fmt: skip
def test_what_hangs_on_it_is_told_and_stops_it(
    services: Services, act: Callable[[Services, int, int], None], code: str
) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id, "DGE", ("DAF",))
    act(services, mail_id, stood(services, mail_id)["live"][0][0])
    assert obstacle(services, mail_id) == (f"imputation.{code}" if act is not _close else None)
    with pytest.raises(Invalid, match=rf"imputation\.{code}"):
        undo(services, made)


def test_that_somebody_opened_it_long_ago_is_not_forgotten(services: Services) -> None:
    """The last openings, for the home page, are deleted after some weeks."""
    mail_id = register(services).mail_id
    made = impute(services, mail_id, "DAF")
    _open(services, mail_id, 0)
    with services.unit_of_work(NOW + timedelta(days=90)) as uow:
        opening.forget(uow, now=uow.now)
    with pytest.raises(Invalid) as refusal:
        undo(services, made)
    assert refusal.value.code == "imputation.opened"


def test_who_opened_it_may_have_lost_the_post_since(services: Services) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id, "DAF")
    _open(services, mail_id, 0)
    with services.unit_of_work(LATER) as uow:
        daf = actor(services, "daf").person_id
        uow.session.execute(update(Holding).where(Holding.person_id == daf).values(until_on=TODAY - timedelta(days=1)))
    with pytest.raises(Invalid) as refusal:
        undo(services, made)
    assert refusal.value.code == "imputation.opened"


def test_a_search_by_service_finds_it_no_more(services: Services) -> None:
    mail_id = register(services).mail_id
    with services.reading() as session:
        before = build_documents(session, {mail_id: 1})
    made = impute(services, mail_id, "DAF", ("DGE",))
    with services.reading() as session:
        assert build_documents(session, {mail_id: 1}) != before
    undo(services, made)
    with services.reading() as session:
        assert build_documents(session, {mail_id: 1})[0].units == before[0].units


def test_those_who_see_the_letter_anyway_may_have_opened_it(services: Services) -> None:
    mail_id = register(services).mail_id
    with services.unit_of_work(NOW) as uow:  # before the decision
        opening.mark_opened(uow, mail_id, actor=actor(services, "agent"), now=NOW - timedelta(hours=1))
    made = impute(services, mail_id)
    for account in ("agent", "sg", "secretaire"):
        with services.unit_of_work(LATER) as uow:
            opening.mark_opened(uow, mail_id, actor=actor(services, account), now=LATER)
    undo(services, made)
    # What the receivers of an earlier decision read then does not hang on this one.
    mail_id = register(services).mail_id
    impute(services, mail_id, "DGE")
    with services.unit_of_work(NOW) as uow:
        opening.mark_opened(uow, mail_id, actor=actor(services, "dge"), now=NOW - timedelta(seconds=1))
    undo(services, impute(services, mail_id, "DGE", ("DAF",)))


def test_several_are_taken_back_together_or_not_at_all(services: Services) -> None:
    one, two = register(services).mail_id, register(services).mail_id
    made = [impute(services, one), impute(services, two)]
    _note(services, two, 0)
    with pytest.raises(Invalid, match=r"imputation\.noted") as refused:
        undo(services, *made)
    assert refused.value.params["mail"] == two
    assert stood(services, one)["state"] is MailState.ASSIGNED


def told(services: Services, account: str) -> list[int | None]:
    with services.reading() as session:
        return [row.mail_id for row in notices.page(session, actor(services, account), on=TODAY, now=NOW)[0]]


def test_who_was_not_told_yet_is_told_of_what_holds_alone(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(email=Person.account + "@mines.example.tg"))
    finding.run(services, now=NOW)
    mail_id = register(services).mail_id
    impute(services, mail_id, "DGE")
    second = impute(services, mail_id, "DAF")
    finding.run(services, now=LATER)
    assert (told(services, "dge"), told(services, "daf")) == ([], [mail_id])
    undo(services, second)
    assert told(services, "daf") == [], "the notice of a letter that is not theirs any more is not shown"
    finding.run(services, now=LATER)
    assert told(services, "dge") == [mail_id], "its decision holds again, and nobody had told it"
    finding.run(services, now=LATER)
    assert told(services, "dge") == [mail_id]
    third = impute(services, register(services).mail_id, "DGE")
    undo(services, third)
    finding.run(services, now=LATER)
    assert told(services, "dge") == [mail_id]


# --- the site ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> tuple[Flask, Services]:
    app, services = make_site(tmp_path)
    make_mentions(services)
    return app, services


def test_the_message_after_an_imputation_takes_it_back(place: tuple[Flask, Services]) -> None:
    app, services = place
    mail = register(services, "Demande d'audience")
    client, page = sign_in(app, "sg"), f"/a-imputer/{mail.mail_id}"
    assert post(client, page, {"leading_unit_id": unit_id(services, "DGE")}, page=page).status_code == 303
    shown = client.get("/a-imputer").text
    told_there = shown.partition('class="flash flash--success"')[2].partition("</form>")[0]
    assert "Courrier n° 00001/2026/MIN imputé." in told_there
    assert 'name="imputations" value="1"' in told_there
    assert "Annuler" in told_there
    assert "/a-imputer/annuler" not in client.get("/a-imputer").text, "it is told once"
    answer = post(client, "/a-imputer/annuler", {"imputations": "1"})
    assert answer.location == page
    assert "Imputation annulée : le courrier n° 00001/2026/MIN attend de nouveau sa décision." in client.get(page).text
    assert "Déjà imputé" not in client.get(page).text
    letter_page = client.get(f"/courriers/{mail.mail_id}").text
    assert "a annulé son imputation" in letter_page
    assert "Attend la décision de" in letter_page
    answer = post(client, "/a-imputer/annuler", {"imputations": "1"})
    assert answer.location == f"/courriers/{mail.mail_id}"
    assert "Cette imputation est déjà annulée." in client.get(answer.location).text


def test_the_form_begins_with_the_imputation_that_was_taken_back(place: tuple[Flask, Services]) -> None:
    app, services = place
    mail = register(services, "Demande d'audience")
    client, page = sign_in(app, "sg"), f"/a-imputer/{mail.mail_id}"
    typed = {
        "leading_unit_id": f"p{post_id(services, 'DGE-C')}", "other_unit_ids": str(unit_id(services, "DAF")),
        "mentions": "opinion", "note": "M'en parler avant <vendredi>", "due_days": "6",
    }  # fmt: skip
    assert post(client, page, typed, page=page).status_code == 303
    assert "M&#39;en parler" not in sign_in(app, "sg").get(page).text, "the decision stands"
    assert post(client, "/a-imputer/annuler", {"imputations": "1"}).location == page
    shown = client.get(page).raw
    assert "imputation annulée" in client.get(page).text
    assert "M&#39;en parler avant &lt;vendredi&gt;</textarea>" in shown
    assert f'<option value="{typed["leading_unit_id"]}" selected' in shown
    assert re.search(f'name="other_unit_ids" value="{typed["other_unit_ids"]}"[^>]* checked', shown)
    assert re.search('name="mentions" value="opinion"[^>]* checked', shown)
    assert re.search('name="due_days"[^>]* value="6"', shown)
    other = sign_in(app, "secretaire").get(page)
    assert "M&#39;en parler" not in other.raw, "only who decided gets it back"
    assert post(client, page, {**typed, "note": "Sans délai"}).status_code == 303
    assert "M&#39;en parler" not in client.get(page).raw


def test_the_letters_page_takes_back_and_says_what_hangs_on_it(place: tuple[Flask, Services]) -> None:
    app, services = place
    mail_id = register(services).mail_id
    made = impute(services, mail_id)
    client, page = sign_in(app, "sg"), f"/courriers/{mail_id}"
    assert "Annuler l'imputation" in client.get(page).text
    assert "Annuler l'imputation" not in sign_in(app, "secretaire").get(page).text, "who imputed takes it back"
    head = sign_in(app, "dge")
    assert "Annuler l'imputation" not in head.get(page).text
    shown = client.get(page).text
    assert "Annuler l'imputation" not in shown
    assert "Dge a déjà ouvert ce courrier, le " in shown
    sent = {"imputations": str(made), "next": f"{page}#imputation"}
    answer = post(client, "/a-imputer/annuler", sent, page=page)
    assert answer.location == f"{page}#imputation"
    told_there = client.get(page).text.partition("flash--warning")[2].partition("</div>")[0]
    assert "Dge a déjà ouvert ce courrier" in told_there
    assert "Pour changer la décision, réimputez le courrier." in told_there
    assert post(head, "/a-imputer/annuler", sent).status_code == 403
    for wrong in ("", "x", "999999", "-1", f"{made} 999999", "9" * 40):
        assert post(client, "/a-imputer/annuler", {"imputations": wrong}).status_code == 404, wrong
    with services.reading() as session:
        assert session.scalar(select(func.count(Assignment.id)).where(Assignment.state == AssignmentState.OPEN)) == 1
    # The assignment of a decision that was taken back has no page any more.
    with services.unit_of_work(NOW) as uow:  # the site's clock is ahead of the decision's
        uow.session.execute(update(RecentLetter).values(opened_at=NOW - timedelta(hours=1)))
        uow.session.execute(update(ReadMark).values(at=NOW - timedelta(hours=1)))
    second = impute(services, mail_id, "DAF")
    with services.unit_of_work(NOW) as uow:
        undoing.undo(uow, [second], actor=actor(services, "sg"))
    assert client.get("/bannette/2").status_code == 404
    assert client.get("/bannette/1").status_code == 200


@pytest.mark.parametrize("page", ["", "/page/1/original"])
def test_who_reads_a_document_found_by_search_has_opened_the_letter(place: tuple[Flask, Services], page: str) -> None:
    app, services = place
    mail_id = register(services).mail_id
    document(House(services, CountingSigner()), mail_id, "Lettre", AttachmentKind.DOCUMENT)
    made = impute(services, mail_id)
    for account, expected in (("agent", ""), ("dge", "imputation.opened")):  # the mail office sees it anyway
        with sign_in(app, account).get(f"/documents/1{page}") as answer:
            assert answer.status_code == 200
        assert obstacle(services, mail_id) == expected
    with pytest.raises(Invalid, match=r"imputation\.opened"):
        undo(services, made)


def test_a_batch_is_taken_back_by_one_button(place: tuple[Flask, Services]) -> None:
    app, services = place
    ids = [register(services, f"Lettre {n}").mail_id for n in range(3)]
    client, page = sign_in(app, "sg"), "/a-imputer/lot?mail=1&mail=2&mail=3"
    sent = {"mail": ids, "leading_unit_id": unit_id(services, "DGE"), **{f"version-{one}": 1 for one in ids}}
    assert post(client, "/a-imputer/lot", sent, page=page).status_code == 303
    shown = client.get("/a-imputer").text
    assert "3 courriers imputés." in shown
    assert 'name="imputations" value="1 2 3"' in shown
    with services.unit_of_work(datetime.now(UTC)) as uow:
        notes.write(uow, ids[1], text="Vu", to_post_id=None, actor=actor(services, "agent"))
    post(client, "/a-imputer/annuler", {"imputations": "1 2 3"})
    assert "Rien n'est annulé. Courrier n° 00002/2026/MIN : Agent a écrit une note" in client.get("/a-imputer").text
    answer = post(client, "/a-imputer/annuler", {"imputations": "1 3"})
    assert answer.location == "/a-imputer"
    shown = client.get("/a-imputer").text
    assert "2 imputations annulées." in shown
    assert shown.count('name="mail"') == 2


def test_a_later_decision_taken_back_leads_to_the_letter(place: tuple[Flask, Services]) -> None:
    app, services = place
    mail_id = register(services).mail_id
    impute(services, mail_id, "DGE")
    second = impute(services, mail_id, "DAF")
    client = sign_in(app, "sg")
    answer = post(client, "/a-imputer/annuler", {"imputations": str(second)})
    assert answer.location == f"/courriers/{mail_id}"
    shown = client.get(answer.location).text
    assert "est comme il était avant elle" in shown
    assert "Réimputé" not in shown.partition('id="imputation"')[2].partition("</section>")[0]
