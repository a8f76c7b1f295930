"""The follow-up on both databases: counts of inboxes, late letters, one reminder a day, nothing confidential."""

from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ged import access, jobs
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.followup import listing, reminders, sheet
from ged.followup.listing import DueTime, FollowFilter, Grouping, Scope, Today
from ged.followup.models import Reminder
from ged.jobs import Job, JobKind
from ged.org import absences, delegations
from ged.org.absences import AbsenceForm
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind, Holding, Person, Post, PostRole, Unit
from ged.ports import Confidentiality, MailId, PostId, SearchQuery, UnitId, heading_principal
from ged.register.levels import change_level
from ged.register.models import Mail
from ged.routing import calendar, choices, operations, queries
from ged.routing.models import Assignment, Purpose
from ged.routing.operations import ImputationForm
from ged.unit import Role, Services
from tests.factories import NOW, TODAY, actor
from tests.lock_kit import outcomes
from tests.routing_kit import impute, post_id, register, remind, run_jobs, unit_id
from tests.routing_kit import services_on_either as services
from web.words.translations import translations

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

WHEN = Today(TODAY, date(2026, 12, 1))
LATER = NOW + timedelta(days=1)


def given_down(services: Services, mail_id: int, *, to_post: str | None = None) -> int:
    """The head of DGE passes a letter on to the service of studies, or to a post there."""
    with services.reading() as session:
        above = session.scalars(
            select(Assignment.id).where(Assignment.mail_id == mail_id).order_by(Assignment.id)
        ).all()[0]
    with services.unit_of_work(NOW) as uow:
        return operations.assign(
            uow, MailId(mail_id), from_assignment_id=above, to_unit_id=UnitId(unit_id(services, "ETU")),
            to_post_id=PostId(post_id(services, to_post)) if to_post else None, purpose=Purpose.ACTION,
            instruction="", due_on=None, actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip


def figures(services: Services, account: str, grouping: Grouping, **asked: object) -> dict[str, tuple[int, int]]:
    with services.reading() as session:
        found = listing.figures(
            session, actor(services, account), FollowFilter(**asked), grouping, today=WHEN  # type: ignore[arg-type]
        )  # fmt: skip
    return {one.label: (one.total, one.late) for one in found.groups}


def subjects(services: Services, account: str, **asked: object) -> list[str]:
    with services.reading() as session:
        rows, _ = listing.rows(
            session, actor(services, account), FollowFilter(**asked), today=WHEN, limit=50  # type: ignore[arg-type]
        )  # fmt: skip
    return [row.mail.subject for row in rows]


def past(services: Services, mail_id: int, on: date) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Assignment).where(Assignment.mail_id == mail_id).values(due_on=on))


def test_the_figures_of_the_services_are_those_of_their_inboxes(services: Services) -> None:
    for n in range(3):
        given_down(services, impute_one(services, f"Au service {n}"))
    given_down(services, impute_one(services, "À un poste"), to_post="ETU-M")
    impute(services, register(services, "À la DAF").mail_id, "DAF")
    done = impute_one(services, "Traité")
    past(services, impute_one(services, "En retard"), date(2026, 11, 20))
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == done)).one()
        operations.finish(uow, MailId(done), row, outcome="Fait", actor=actor(services, "dge"), now=NOW)
    told = figures(services, "dge", Grouping.UNIT)
    with services.reading() as session:
        inbox = {name: queries.inbox_count(session, actor(services, name)) for name in ("dge", "etudes", "daf")}
        late = queries.inbox_count(session, actor(services, "dge"), today=TODAY, view=queries.InboxView.LATE)
    assert told == {"Direction générale de l'énergie": (inbox["dge"], late), "Service des études": (inbox["etudes"], 0)}
    assert (inbox["dge"], inbox["etudes"], inbox["daf"], late) == (5, 4, 1, 1)
    with services.reading() as session:
        people = listing.figures(session, actor(services, "dge"), FollowFilter(), Grouping.PERSON, today=WHEN).groups
    assert [(one.label, one.detail, one.total) for one in people] == [
        ("", "Direction générale de l'énergie", 5), ("", "Service des études", 3), ("Poste ETU-M", "Etudes, Service des études", 1),
    ]  # fmt: skip
    # Letters that the secretary general assigned, those of DAF too.
    assert sum(total for total, _ in figures(services, "sg", Grouping.UNIT, scope=Scope.GIVEN).values()) == 6


def impute_one(services: Services, subject: str, **form: object) -> int:
    mail_id = register(services, subject).mail_id
    impute(services, mail_id, **form)  # type: ignore[arg-type]
    return mail_id


def test_groups_and_filters_say_the_same_as_the_rows(services: Services) -> None:
    impute_one(services, "Avis", mentions=("opinion", "information"), due_on=date(2026, 11, 24))
    impute_one(services, "Bientôt", mentions=("opinion",), due_on=date(2026, 12, 1))
    impute_one(services, "Plus tard", due_on=date(2026, 12, 2))
    impute_one(services, "Sans date")
    past(services, impute_one(services, "En retard"), date(2026, 11, 23))
    assert subjects(services, "dge") == ["En retard", "Avis", "Bientôt", "Plus tard", "Sans date"]
    assert figures(services, "dge", Grouping.MENTION) == {
        "": (3, 1), "Étude et avis": (2, 0), "Information": (1, 0),
    }  # fmt: skip
    assert figures(services, "dge", Grouping.DUE) == {
        "late": (1, 1), "today": (1, 0), "soon": (1, 0), "later": (1, 0), "none": (1, 0),
    }  # fmt: skip
    assert subjects(services, "dge", mention="opinion") == ["Avis", "Bientôt"]
    assert subjects(services, "dge", mention="") == ["En retard", "Plus tard", "Sans date"]
    assert subjects(services, "dge", due=DueTime.LATE) == ["En retard"]
    assert subjects(services, "dge", due=DueTime.NONE) == ["Sans date"]
    assert subjects(services, "dge", until=date(2026, 12, 1)) == ["Avis", "Bientôt"]
    assert figures(services, "dge", Grouping.UNIT, mention="opinion") == {"Direction générale de l'énergie": (2, 0)}


def test_two_units_of_one_name_are_two_groups_on_the_page_and_on_paper(services: Services) -> None:
    impute_one(services, "À la DAF", leading="DAF")
    for n in range(2):
        impute_one(services, f"À la DGE {n}", leading="DGE")
    with services.unit_of_work(NOW) as uow:
        for unit in uow.session.scalars(select(Unit).where(Unit.code.in_(("DAF", "DGE")))):
            unit.name, unit.is_entity = "Direction technique", unit.code == "DAF"
    who, scope = actor(services, "sg"), Scope.GIVEN
    with services.reading() as session:
        rows, is_cut = sheet.whole_list(session, who, FollowFilter(scope=scope), today=WHEN)
        made = sheet.follow_up_sheet(
            session, services, who, rows, scope=scope, grouping=Grouping.UNIT, today=WHEN,
            days=calendar.calendar(session), is_cut=is_cut, now=NOW,
        )  # fmt: skip
    groups: Any = made.data["groups"]
    assert {one["name"]: one["total"] for one in groups} == {
        "Direction technique": 1, "Direction technique, Ministère": 2,
    }  # fmt: skip
    assert figures(services, "sg", Grouping.UNIT, scope=scope) == {
        "Direction technique": (1, 0), "Direction technique, Ministère": (2, 0),
    }  # fmt: skip


def test_a_sender_is_found_without_accents_and_a_percent_sign_is_no_wildcard(services: Services) -> None:
    for sender in ("Préfecture de l'Ogou", "Société 100 % énergie"):
        mail_id = register(services, sender, sender=sender).mail_id
        impute(services, mail_id)
    assert subjects(services, "dge", sender="prefecture de l\u2019OGOU") == ["Préfecture de l'Ogou"]
    assert subjects(services, "dge", sender="100 %") == ["Société 100 % énergie"]
    assert subjects(services, "dge", sender="%") == ["Société 100 % énergie"]


def test_a_letter_that_is_not_seen_is_in_no_count_and_gets_no_reminder(services: Services) -> None:
    open_one, closed = impute_one(services, "Ordinaire"), impute_one(services, "Secret")
    given_down(services, open_one)
    given_down(services, closed)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, MailId(closed), Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    assert subjects(services, "dge") == ["Ordinaire", "Ordinaire"]
    assert sum(total for total, _ in figures(services, "dge", Grouping.UNIT).values()) == 2
    assert sum(total for total, _ in figures(services, "dge", Grouping.PERSON, scope=Scope.GIVEN).values()) == 1
    with pytest.raises(NotFound):
        remind(services, closed, "ETU", by="dge")
    # An officer heads no unit and assigned nothing.
    assert subjects(services, "etudes") == [] == subjects(services, "etudes", scope=Scope.GIVEN)


def test_a_reminder_is_written_in_the_language_of_its_reader(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(email="dge@example.tg", language="en"))
    mail_id = impute_one(services, "Dossier", due_on=date(2026, 11, 27))
    remind(services, mail_id)
    run_jobs(replace(services, translations=translations), JobKind.REMINDER_MAIL)
    (sent,) = (Path(services.data_dir) / "outbox").glob("*.eml")
    message = message_from_bytes(sent.read_bytes(), policy=default)
    body = message.get_body()
    assert body is not None
    assert str(message["Subject"]) == "Reminder: a letter awaits action"
    assert "Due date: 27/11/2026." in body.get_content()


def test_a_reminder_is_a_row_of_the_day_in_the_journal_and_in_the_post(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(email="dge@example.tg"))
    mail_id = impute_one(services, "Dossier confidentiel d'appel d'offres", due_on=date(2026, 11, 27))
    assert remind(services, mail_id) == 1
    with pytest.raises(Invalid) as refused:
        remind(services, mail_id, by="secretaire")
    assert refused.value.code == "remind.today"
    run_jobs(services, JobKind.REMINDER_MAIL)
    sent = [path.read_text() for path in sorted((Path(services.data_dir) / "outbox").glob("*.eml"))]
    assert len(sent) == 1
    assert "dge@example.tg" in sent[0]
    assert "appel d'offres" not in sent[0]
    run_jobs(services, JobKind.REMINDER_MAIL)
    assert len(list((Path(services.data_dir) / "outbox").glob("*.eml"))) == 1
    assert remind(services, mail_id, by="secretaire", now=LATER) == 1
    with services.reading() as session:
        told = session.scalars(select(Reminder).order_by(Reminder.id)).all()
        (assignment_id,) = {one.assignment_id for one in told}
        assert listing.last_reminders(session, [assignment_id]) == {assignment_id: (2, date(2026, 11, 25))}
        assert [one.post_title for one in listing.reminders_of(session, mail_id)] == ["Poste SG-T", "Poste SG-T"]


def test_a_reminder_reaches_who_acts_for_the_absent_head_and_counts_no_other(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(email=Person.account + "@example.tg"))
        form = DelegationForm(
            PostId(post_id(services, "DGE-C")), actor(services, "etudes").person_id, DelegationKind.DELEGATION, "Note n° 1",
            TODAY, TODAY,
        )  # fmt: skip
        given = delegations.delegate(uow, form, actor=actor(services, "dge"))
    first, second = impute_one(services, "Avant"), impute_one(services, "Pendant")
    assert remind(services, first) == 1, "the head is there: the delegate is not written to"
    with services.unit_of_work(NOW) as uow:
        absences.declare(uow, AbsenceForm(TODAY, TODAY, given), actor=actor(services, "dge"))
    assert remind(services, second) == 1
    with services.reading() as session:
        ordered = session.scalars(select(Job).where(Job.kind == JobKind.REMINDER_MAIL).order_by(Job.id)).all()
    assert [job.params["person"] for job in ordered] == [actor(services, who).person_id for who in ("dge", "etudes")]


def test_who_may_not_see_the_letter_is_in_no_count_of_emails(services: Services) -> None:
    mail_id = impute_one(services, "Devenu secret")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(email=Person.account + "@example.tg"))
        change_level(uow, MailId(mail_id), Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    assert remind(services, mail_id) == 0


def test_no_mail_leaves_once_the_letter_is_treated(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(email="dge@example.tg"))
    mail_id = impute_one(services, "Traité entre-temps")
    remind(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()
        operations.finish(uow, MailId(mail_id), row, outcome="Fait", actor=actor(services, "dge"), now=NOW)
    run_jobs(services, JobKind.REMINDER_MAIL)
    assert not list((Path(services.data_dir) / "outbox").glob("*.eml"))
    with services.reading() as session:
        assert not jobs.due(session, now=NOW, kinds=[JobKind.REMINDER_MAIL], limit=5)


def test_who_may_remind(services: Services) -> None:
    mail_id = impute_one(services, "Suite attendue")
    below = given_down(services, mail_id, to_post="ETU-M")
    assert remind(services, mail_id, "ETU", by="dge") == 0
    for account, unit in (("dge", "DGE"), ("etudes", "ETU")):  # nobody reminds oneself
        with pytest.raises(Forbidden):
            remind(services, mail_id, unit, by=account)
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, MailId(mail_id), below, outcome="Fait", actor=actor(services, "etudes"), now=NOW)
    with services.reading() as session:
        done = session.get_one(Assignment, below)
        assert listing.reminding_post(done, actor(services, "dge")) is not None
    with pytest.raises(InvalidTransition), services.unit_of_work(LATER) as uow:
        reminders.remind(uow, MailId(mail_id), below, actor=actor(services, "dge"))


@pytest.mark.servers
def test_two_who_remind_at_once_leave_one_reminder(services: Services) -> None:
    mail_id = impute_one(services, "Deux rappels")
    found = outcomes(lambda: remind(services, mail_id), lambda: remind(services, mail_id, by="secretaire"))
    assert sorted(one.code if isinstance(one, Invalid) else str(one) for one in found) == ["0", "remind.today"]
    with services.reading() as session:
        assert len(session.scalars(select(Reminder)).all()) == 1


# --- posts and people, and the heads above them


def impute_to_post(services: Services, mail_id: int, code: str, others: tuple[str, ...] = ()) -> None:
    form = ImputationForm(
        None, leading_post_id=PostId(post_id(services, code)), other_post_ids=tuple(PostId(post_id(services, one)) for one in others)
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        operations.impute(uow, MailId(mail_id), form, version=None, actor=actor(services, "sg"), now=NOW)


def sees(services: Services, account: str, mail_id: int) -> bool:
    with services.reading() as session:
        mail = session.get_one(Mail, mail_id)
        return access.may_see(session, mail_id, Confidentiality(mail.level), actor(services, account))


def test_a_letter_imputed_to_a_post_is_seen_by_the_post_and_the_heads_above_not_by_its_unit(services: Services) -> None:
    unit = unit_id(services, "ETU")
    with services.unit_of_work(NOW) as uow:
        other = Person(account="etudes2", name="Collègue")
        place = Post(code="ETU-2", title="Poste ETU-2", unit_id=unit, roles=[PostRole(role=Role.MEMBER)])
        uow.session.add_all([other, place])
        uow.session.flush()
        uow.session.add(Holding(post_id=place.id, person_id=other.id, from_on=date(2020, 1, 1)))
    mail_id = register(services).mail_id
    impute_to_post(services, mail_id, "ETU-M", ("DAF-C",))
    people = ("etudes", "etudes2", "dge", "daf")
    assert {name for name in people if sees(services, name, mail_id)} == {"etudes", "dge", "daf"}
    with services.reading() as session:
        assert session.get_one(Mail, mail_id).responsible_unit_id == unit
        below, _ = queries.inbox(session, actor(services, "dge"), today=TODAY, view=queries.InboxView.UNITS)
        assert [row.to_post for row in below] == ["Poste ETU-M"]
        assert queries.inbox(session, actor(services, "dge"), today=TODAY)[0] == []
        assert queries.inbox(session, actor(services, "etudes"), today=TODAY, view=queries.InboxView.UNITS)[0] == []
    # The index has the right too.
    run_jobs(services)
    for account, found in (("dge", True), ("etudes2", False)):
        hits = services.index.search(SearchQuery("", limit=50), principals=actor(services, account).principals).hits
        assert (mail_id in [hit.mail_id for hit in hits]) is found
    # A new decision withdraws the letter from both.
    impute(services, mail_id, "DAF")
    assert not sees(services, "dge", mail_id)
    assert not sees(services, "etudes", mail_id)


def test_above_the_ordinary_level_a_post_alone_sees_what_is_given_to_it(services: Services) -> None:
    mail_id = register(services, level=Confidentiality.RESTRICTED).mail_id
    impute_to_post(services, mail_id, "ETU-M")
    assert sees(services, "etudes", mail_id)
    assert not sees(services, "dge", mail_id)
    with services.reading() as session:
        assert queries.inbox(session, actor(services, "dge"), today=TODAY, view=queries.InboxView.UNITS)[0] == []
    assert subjects(services, "dge") == []


def test_a_right_that_two_posts_of_a_unit_give_stays_while_one_has_the_letter(services: Services) -> None:
    mail_id = impute_one(services, "À deux postes")
    first = given_down(services, mail_id, to_post="ETU-M")
    with services.unit_of_work(NOW) as uow:
        role = PostRole(role=Role.MEMBER)
        uow.session.add(Post(code="ETU-2", title="Poste ETU-2", unit_id=unit_id(services, "ETU"), roles=[role]))
    given_down(services, mail_id, to_post="ETU-2")
    with services.unit_of_work(NOW) as uow:
        operations.give_back(uow, MailId(mail_id), first, reason="Non", actor=actor(services, "etudes"), now=NOW)
    assert not sees(services, "etudes", mail_id)
    with services.reading() as session:
        assert heading_principal(unit_id(services, "ETU")) in access.principals_of(session, mail_id)


@pytest.mark.parametrize("code", ["ADM", None])
def test_a_post_that_gets_no_mail_is_refused(services: Services, code: str | None) -> None:
    mail_id = register(services).mail_id
    form = ImputationForm(None, leading_post_id=PostId(post_id(services, code) if code else 10**9))
    with pytest.raises(Invalid) as refused, services.unit_of_work(NOW) as uow:
        operations.impute(uow, MailId(mail_id), form, version=None, actor=actor(services, "sg"), now=NOW)
    assert refused.value.code == "impute.post"


def test_people_and_posts_are_found_by_any_of_their_words(services: Services) -> None:
    def found(text: str) -> list[str]:
        with services.reading() as session:
            return [one.label for one in choices.find_posts(session, text, actor(services, "sg"), on=TODAY)]

    assert found("ÉTUD etu-m") == ["Etudes - Poste ETU-M, Service des études (MIN)"]
    assert found("ETUD energie") == found("e") == found("zzz") == []
    assert found("admin") == [], "an administrator's post gets no mail"
