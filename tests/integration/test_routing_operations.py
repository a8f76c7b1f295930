"""Who decides on a letter's path, what the journal records, and how access follows."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ged import access, audit
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.org.models import Unit
from ged.ports import Confidentiality, MailId, heading_principal, post_principal, unit_principal
from ged.register import operations as register_operations
from ged.register.models import FilingClass, Mail
from ged.register.states import MailState
from ged.routing import choices, operations, queries
from ged.routing import path as letter_path
from ged.routing.models import Assignment, Purpose
from ged.routing.queries import InboxView
from ged.routing.states import AssignmentState
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, post_id, register, unit_id
from tests.routing_kit import services_with_mentions as services

__all__ = ["services"]  # a fixture

SOON, LATER = date(2026, 12, 4), date(2026, 12, 11)


def state(services: Services, mail_id: int) -> MailState:
    """The state of the letter."""
    with services.reading() as session:
        return session.get_one(Mail, mail_id).state


def rows(services: Services, mail_id: int) -> list[Assignment]:
    """All assignments of a letter, oldest first."""
    with services.reading() as session:
        return list(session.scalars(select(Assignment).where(Assignment.mail_id == mail_id).order_by(Assignment.id)))


def principals(services: Services, mail_id: int) -> frozenset[str]:
    """The principals that may see a letter."""
    with services.reading() as session:
        return frozenset(access.principals_of(session, mail_id))


def test_the_letters_date_binds_every_unit_it_went_to(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DAF", ("DGE",), due_on=SOON)
    lead, other = rows(services, mail.mail_id)
    assert (lead.due_on, other.due_on, other.is_leading) == (SOON, SOON, False)

    def give(due_on: date) -> None:
        with services.unit_of_work(NOW) as uow:
            operations.assign(
                uow, mail.mail_id, from_assignment_id=other.id, to_unit_id=unit_id(services, "ETU"), to_post_id=None,  # type: ignore[arg-type]
                purpose=Purpose.ACTION, instruction="", due_on=due_on, actor=actor(services, "dge"), now=NOW,
            )  # fmt: skip

    with pytest.raises(Invalid, match=r"deadline\.later_than_above"):
        give(LATER)
    give(SOON)


def test_a_closed_units_work_lies_with_its_successor(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "ETU")
    with services.reading() as session:
        assert queries.inbox_count(session, actor(services, "daf")) == 0
    with services.unit_of_work(NOW) as uow:
        closed = uow.session.get_one(Unit, unit_id(services, "ETU"))
        closed.closed_at, closed.successor_id = NOW, unit_id(services, "DAF")
    daf, (row,) = actor(services, "daf"), rows(services, mail.mail_id)
    with services.reading() as session:
        assert [one.mail.mail_id for one in queries.inbox(session, daf, today=TODAY)[0]] == [mail.mail_id]
        (shown,) = letter_path.assignments(session, mail.mail_id, daf)
        offered = choices.targets(session, row.unit_id, daf, on=TODAY)
    assert (shown.is_mine, shown.may_work, shown.may_assign) == (True, True, True)
    assert [one.id for one in offered.posts] == [post_id(services, "DAF-C")]
    with services.unit_of_work(NOW) as uow:
        operations.assign(
            uow, mail.mail_id, from_assignment_id=row.id, to_unit_id=unit_id(services, "ETU"),  # type: ignore[arg-type]
            to_post_id=post_id(services, "DAF-C"), purpose=Purpose.ACTION, instruction="", due_on=None, actor=daf,  # type: ignore[arg-type]
            now=NOW,
        )  # fmt: skip
    assert [one.unit_id for one in rows(services, mail.mail_id)] == [row.unit_id, unit_id(services, "DAF")]
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, row.id, outcome="Fait", actor=daf, now=NOW)
    assert state(services, mail.mail_id) is MailState.ANSWERED


def entries(services: Services, action: str) -> list[tuple[int | None, int | None, int | None, dict[str, object]]]:
    """(person, own post, post acted for, payload) of each entry of one action."""
    with services.reading() as session:
        found = session.execute(
            select(audit.AuditEntry, audit.AuditPayload.payload)
            .join(audit.AuditPayload, audit.AuditPayload.sequence == audit.AuditEntry.sequence)
            .where(audit.AuditEntry.action == action)
            .order_by(audit.AuditEntry.sequence)
        )
        return [(e.person_id, e.post_id, e.acting_for_post_id, p) for e, p in found]


def assign(services: Services, mail_id: int, above: int, *, by: str = "dge", **values: object) -> int:
    """Pass an assignment on, by default to the service of studies."""
    given = {
        "to_unit_id": unit_id(services, "ETU"),
        "to_post_id": None,
        "purpose": Purpose.ACTION,
        "instruction": "Projet de réponse",
        "due_on": None,
    } | values
    with services.unit_of_work(NOW) as uow:
        return operations.assign(
            uow,
            MailId(mail_id),
            from_assignment_id=above,
            actor=actor(services, by),
            now=NOW,
            **given,  # type: ignore[arg-type]
        )


def test_a_decision_opens_the_letter_to_its_units(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DGE", ("DAF",), due_on=SOON, mentions=("opinion",), note="Avis sous huitaine")
    lead, copy = rows(services, mail.mail_id)
    assert state(services, mail.mail_id) is MailState.ASSIGNED
    assert (lead.is_leading, lead.purpose, lead.due_on, lead.instruction) == (
        True,
        Purpose.ACTION,
        SOON,
        "Avis sous huitaine",
    )
    assert (copy.is_leading, copy.purpose, copy.due_on) == (False, Purpose.INFORMATION, SOON)
    dge, daf = (unit_principal(unit_id(services, code)) for code in ("DGE", "DAF"))
    assert {dge, daf} <= principals(services, mail.mail_id)
    [(person, own, acting, payload)] = entries(services, "mail.imputed")
    sg = actor(services, "sg")
    assert (person, own, acting) == (sg.person_id, post_id(services, "SG-T"), None)
    assert payload["units"] == ["DGE", "DAF"]
    assert payload["mentions"] == ["opinion"]
    assert payload["due_on"] == "2026-12-04"


def test_the_secretary_acts_for_the_authority_and_the_journal_names_both(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, by="secretaire")
    [(person, own, acting, _payload)] = entries(services, "mail.imputed")
    assert person == actor(services, "secretaire").person_id
    assert (own, acting) == (post_id(services, "SG-S"), post_id(services, "SG-T"))
    with services.reading() as session:
        [decision] = letter_path.imputations(session, mail.mail_id, actor(services, "sg"))
    assert (decision.acted_as, decision.person_name, decision.post_title) == ("secretary", "Secretaire", "Poste SG-T")


def test_whoever_registered_it_may_not_impute_it(services: Services) -> None:
    mail = register(services)
    with pytest.raises(Forbidden, match="impute.forbidden"):
        impute(services, mail.mail_id, by="agent")
    with pytest.raises(NotFound, match="mail.unknown"):
        impute(services, mail.mail_id, by="daf")
    assert state(services, mail.mail_id) is MailState.TO_IMPUTE


def test_a_stale_form_is_refused(services: Services) -> None:
    mail = register(services)
    with services.reading() as session:
        version = session.get_one(Mail, mail.mail_id).version
    impute(services, mail.mail_id, version=version)
    with pytest.raises(StaleVersion, match="mail.stale"):
        impute(services, mail.mail_id, "DAF", version=version)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"others": ("DGE",)}, "impute.unit_twice"),
        ({"mentions": ("unheard_of",)}, "impute.mention"),
        ({"due_on": TODAY - timedelta(days=1)}, "impute.due_past"),
    ],
)
def test_a_decision_that_makes_no_sense_changes_nothing(services: Services, form: dict[str, object], code: str) -> None:
    mail = register(services)
    with pytest.raises(Invalid, match=code):
        impute(services, mail.mail_id, **form)  # type: ignore[arg-type]
    assert (state(services, mail.mail_id), rows(services, mail.mail_id)) == (MailState.TO_IMPUTE, [])


def test_a_second_decision_supersedes_the_first_and_takes_its_rights(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DGE", ("DAF",))
    lead, _copy = rows(services, mail.mail_id)
    child = assign(services, mail.mail_id, lead.id)
    impute(services, mail.mail_id, "DAF")
    states = {row.id: row.state for row in rows(services, mail.mail_id)}
    assert states[lead.id] is states[child] is AssignmentState.SUPERSEDED
    dge, etu, daf = (unit_principal(unit_id(services, code)) for code in ("DGE", "ETU", "DAF"))
    assert daf in principals(services, mail.mail_id)
    assert not {dge, etu} & principals(services, mail.mail_id)
    assert entries(services, "mail.imputed")[1][3]["supersedes"] == [r.id for r in rows(services, mail.mail_id)[:3]]


def test_whoever_finished_keeps_the_letter_when_it_is_imputed_again(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DGE")
    [lead] = rows(services, mail.mail_id)
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, lead.id, outcome="Avis favorable", actor=actor(services, "dge"), now=NOW)
    assert state(services, mail.mail_id) is MailState.ANSWERED
    impute(services, mail.mail_id, "DAF")
    assert unit_principal(unit_id(services, "DGE")) in principals(services, mail.mail_id)
    assert rows(services, mail.mail_id)[0].outcome == "Avis favorable"


def test_given_back_by_the_leading_unit_it_waits_for_the_authority_again(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    child = assign(services, mail.mail_id, lead.id)
    with services.unit_of_work(NOW) as uow:
        operations.give_back(
            uow, mail.mail_id, lead.id, reason="Relève de la DAF", actor=actor(services, "dge"), now=NOW
        )
    assert state(services, mail.mail_id) is MailState.TO_IMPUTE
    states = {row.id: row.state for row in rows(services, mail.mail_id)}
    assert states == {lead.id: AssignmentState.RETURNED, child: AssignmentState.SUPERSEDED}
    with services.reading() as session:
        assert [row.mail_id for row in queries.imputation_queue(session, actor(services, "sg"))[0]] == [mail.mail_id]
        with pytest.raises(NotFound):
            access.require(session, mail.mail_id, Confidentiality.ORDINARY, actor(services, "dge"))
    assert entries(services, "assignment.returned")[0][3]["reason"] == "Relève de la DAF"


def test_given_back_further_down_it_stays_with_the_unit_above(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    child = assign(services, mail.mail_id, lead.id)
    with services.unit_of_work(NOW) as uow:
        operations.give_back(uow, mail.mail_id, child, reason="Absent", actor=actor(services, "etudes"), now=NOW)
    assert state(services, mail.mail_id) is MailState.ASSIGNED
    with services.reading() as session:
        [row], _ = queries.inbox(session, actor(services, "dge"), today=TODAY)
    assert (row.assignment_id, row.returned) == (lead.id, 1)


def test_a_head_gives_it_to_a_unit_below_with_a_date_not_later_than_its_own(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, due_on=SOON)
    [lead] = rows(services, mail.mail_id)
    with pytest.raises(Invalid, match="deadline.later_than_above"):
        assign(services, mail.mail_id, lead.id, due_on=LATER)
    with pytest.raises(Invalid, match="impute.due_past"):
        assign(services, mail.mail_id, lead.id, due_on=TODAY - timedelta(days=1))
    child = assign(services, mail.mail_id, lead.id)
    lead, below = rows(services, mail.mail_id)
    assert (below.id, below.due_on, below.parent_id, below.is_leading) == (child, SOON, lead.id, True)
    assert lead.state is AssignmentState.TAKEN
    assert unit_principal(unit_id(services, "ETU")) in principals(services, mail.mail_id)


def test_to_a_post_only_that_post_and_the_heads_of_its_unit_get_the_right(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    before = principals(services, mail.mail_id)
    assign(services, mail.mail_id, lead.id, to_post_id=post_id(services, "ETU-M"))
    post, unit = post_principal(post_id(services, "ETU-M")), heading_principal(unit_id(services, "ETU"))
    assert principals(services, mail.mail_id) - before == {post, unit}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"to_unit_id": "DAF"}, "assign.not_below"),
        ({"to_unit_id": "MIN"}, "assign.not_below"),
        ({"to_unit_id": "DGE"}, "assign.post"),
        ({"to_post_id": "DAF-C"}, "assign.post"),
        ({"to_post_id": 999_999}, "assign.post"),
        ({"to_unit_id": 999_999}, "unit.unknown"),
    ],
)
def test_it_goes_nowhere_but_below(services: Services, values: dict[str, object], code: str) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    known = {
        name: (unit_id if name == "to_unit_id" else post_id)(services, value) if isinstance(value, str) else value
        for name, value in values.items()
    }
    with pytest.raises(Invalid, match=code):
        assign(services, mail.mail_id, lead.id, **known)  # type: ignore[arg-type]
    assert len(rows(services, mail.mail_id)) == 1


def test_twice_to_the_same_unit_is_refused(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    assign(services, mail.mail_id, lead.id)
    with pytest.raises(Invalid, match="assign.twice"):
        assign(services, mail.mail_id, lead.id)


def test_a_member_gives_nothing_further_and_another_unit_touches_nothing(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DGE", ("DAF",))
    lead, copy = rows(services, mail.mail_id)
    child = assign(services, mail.mail_id, lead.id)
    with pytest.raises(Forbidden, match="assign.forbidden"):
        assign(services, mail.mail_id, child, by="etudes", to_post_id=post_id(services, "ETU-M"))
    with pytest.raises(Forbidden, match="assign.forbidden"), services.unit_of_work(NOW) as uow:
        operations.take(uow, mail.mail_id, lead.id, actor=actor(services, "daf"))
    with pytest.raises(NotFound, match="assignment.unknown"), services.unit_of_work(NOW) as uow:
        operations.take(uow, register(services).mail_id, copy.id, actor=actor(services, "sg"))


def test_a_finished_assignment_takes_nothing_more(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    child = assign(services, mail.mail_id, lead.id)
    dge = actor(services, "dge")
    with pytest.raises(Invalid, match="mail.outcome_missing"), services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, lead.id, outcome="  ", actor=dge, now=NOW)
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, lead.id, outcome="Répondu", actor=dge, now=NOW)
    assert {r.id: r.state for r in rows(services, mail.mail_id)} == {
        lead.id: AssignmentState.DONE,
        child: AssignmentState.SUPERSEDED,
    }
    with pytest.raises(InvalidTransition, match="assignment.wrong_state"):
        assign(services, mail.mail_id, lead.id)
    with pytest.raises(InvalidTransition, match="assignment.wrong_state"), services.unit_of_work(NOW) as uow:
        operations.take(uow, mail.mail_id, lead.id, actor=dge)


def test_a_closed_letter_leaves_the_inbox_and_comes_back_when_opened_again(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    dge = actor(services, "dge")
    with services.reading() as session:
        filing = session.scalars(select(FilingClass.id)).one()
        assert queries.inbox_count(session, dge) == 1
    with services.unit_of_work(NOW) as uow:
        register_operations.close(
            uow, mail.mail_id, outcome="Classé", filing_class_id=filing, version=None, actor=dge, now=NOW
        )
    with services.reading() as session:
        assert queries.inbox_count(session, dge) == 0
        assert len(queries.inbox(session, dge, today=NOW.date(), view=InboxView.DONE)[0]) == 1
    with pytest.raises(InvalidTransition, match="mail.wrong_state"), services.unit_of_work(NOW) as uow:
        operations.take(uow, mail.mail_id, lead.id, actor=dge)
    with services.unit_of_work(NOW) as uow:
        operations.reopen(uow, mail.mail_id, reason="Erreur", actor=dge)
    with services.reading() as session:
        assert queries.inbox_count(session, dge) == 1


def test_a_letter_reopened_after_its_unit_had_finished_is_in_that_units_inbox_again(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DGE", ("DAF",))
    lead, other = rows(services, mail.mail_id)
    dge = actor(services, "dge")
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, lead.id, outcome="Fait", actor=dge, now=NOW)
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, other.id, outcome="Vu", actor=actor(services, "daf"), now=NOW)
    with services.reading() as session:
        filing = session.scalars(select(FilingClass.id)).one()
    with services.unit_of_work(NOW) as uow:
        register_operations.close(
            uow, mail.mail_id, outcome="Classé", filing_class_id=filing, version=None, actor=dge, now=NOW
        )
    with services.unit_of_work(NOW) as uow:
        operations.reopen(uow, mail.mail_id, reason="Nouvelle pièce", actor=dge)
    assert state(services, mail.mail_id) is MailState.ASSIGNED
    again, left = rows(services, mail.mail_id)
    assert (again.state, again.finished_at, again.outcome) == (AssignmentState.OPEN, None, "")
    assert left.state is AssignmentState.DONE, "only the unit that leads has it again"
    with services.reading() as session:
        assert queries.inbox_count(session, dge) == 1
        assert queries.inbox_count(session, actor(services, "daf")) == 0
    [(_person, _own, _acting, payload)] = entries(services, "assignment.reopened")
    assert payload["assignment"] == lead.id
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, lead.id, outcome="Complété", actor=dge, now=NOW)
    assert state(services, mail.mail_id) is MailState.ANSWERED


def test_take_and_finish_stand_in_the_journal(services: Services) -> None:
    mail = register(services)
    impute(services, mail.mail_id)
    [lead] = rows(services, mail.mail_id)
    child = assign(services, mail.mail_id, lead.id, purpose=Purpose.OPINION)
    clerk = actor(services, "etudes")
    with services.unit_of_work(NOW) as uow:
        operations.take(uow, mail.mail_id, child, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, mail.mail_id, child, outcome="Favorable", actor=clerk, now=NOW)
    for action in ("assignment.taken", "assignment.finished"):
        [(person, own, acting, payload)] = entries(services, action)
        assert (person, own, acting) == (clerk.person_id, post_id(services, "ETU-M"), None)
        assert payload["assignment"] == child
    assert state(services, mail.mail_id) is MailState.ASSIGNED
