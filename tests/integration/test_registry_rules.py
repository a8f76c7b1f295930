"""What the register permits for a letter: through which post, from which state, with texts of which length."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from ged import access
from ged.access import Because
from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.org.actors import heading_post
from ged.org.models import Delegation, DelegationKind, Holding, Person, Post, PostRole, Unit
from ged.ports import Confidentiality, MailId, post_principal
from ged.register import allocation, operations, rectify_entry
from ged.register.levels import change_level
from ged.register.models import Correspondent, Direction, FilingClass, Mail, Register
from ged.register.operations import IncomingForm
from ged.register.states import MailState
from ged.routing import operations as routing
from ged.signbook import drafts
from ged.unit import Role, Services
from tests.factories import NOW, actor
from tests.routing_kit import impute, post_id, register, unit_id
from tests.routing_kit import services_with_mentions as services

__all__ = ["services"]  # a fixture


def state(services: Services, mail_id: int) -> MailState:
    with services.reading() as session:
        return session.get_one(Mail, mail_id).state


def interim(services: Services, account: str, post: str) -> None:
    with services.unit_of_work(NOW) as uow:
        person = uow.session.scalars(select(Person).where(Person.account == account)).one()
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM,
                post_id=post_id(services, post),
                person_id=person.id,
                act="Décision n° 4",
                from_on=date(2026, 1, 1),
                until_on=date(2026, 12, 31),
            )
        )


def close(services: Services, mail_id: int, by: str) -> None:
    with services.unit_of_work(NOW) as uow:
        filing_class = uow.session.scalars(select(FilingClass.id)).first()
        operations.close(
            uow, MailId(mail_id), outcome="Fait", filing_class_id=filing_class, version=None,
            actor=actor(services, by), now=NOW,
        )  # fmt: skip


def reopen(services: Services, mail_id: int, by: str) -> None:
    with services.unit_of_work(NOW) as uow:
        routing.reopen(uow, MailId(mail_id), reason="Nouvel élément", actor=actor(services, by))


# --- who acts for whom --------------------------------------------------------------------------------------------


def test_the_interim_head_decides_through_the_post_acted_for(services: Services) -> None:
    interim(services, "daf", "DGE-C")
    letter = register(services)
    impute(services, letter.mail_id, "DGE")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter.mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "daf"))
    with services.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.level_changed")).one()
    assert (entry.post_id, entry.acting_for_post_id) == (post_id(services, "DAF-C"), post_id(services, "DGE-C"))


def test_a_secretary_is_no_head_above(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "DGE-C"), role=Role.AUTHORITY))
        uow.session.flush()
        letter = operations.register_incoming(
            uow,
            uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one(),  # type: ignore[arg-type]
            IncomingForm("Objet", "X", post_id(services, "DGE-C"), level=Confidentiality.RESTRICTED),  # type: ignore[arg-type]
            actor=actor(services, "agent"),
            now=NOW,
        )

    def lower(account: str) -> None:
        with services.unit_of_work(NOW) as uow:
            change_level(uow, letter.mail_id, Confidentiality.ORDINARY, reason="Public", actor=actor(services, account))

    with pytest.raises(Forbidden, match="level_lower"):
        lower("secretaire")
    lower("sg")


def test_a_closed_unit_is_headed_by_its_successor(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        closed = uow.session.get_one(Unit, unit_id(services, "ETU"))
        closed.closed_at, closed.successor_id = NOW, unit_id(services, "DAF")
    daf, dge = actor(services, "daf"), actor(services, "dge")
    found = heading_post(closed.id, daf)
    above = heading_post(closed.id, dge)
    none = heading_post(unit_id(services, "DGE"), daf)
    assert found is not None
    assert found.post_id == post_id(services, "DAF-C")
    assert above is not None
    assert above.post_id == post_id(services, "DGE-C")
    assert none is None


def test_headship_stops_at_an_entity(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Unit, unit_id(services, "DGE")).is_entity = True
        uow.session.get_one(Unit, unit_id(services, "DGE")).parent_id = unit_id(services, "SG")
    sg = actor(services, "sg")
    assert unit_id(services, "ETU") not in sg.headed_unit_ids
    assert heading_post(unit_id(services, "ETU"), sg) is None
    assert heading_post(unit_id(services, "BO"), sg) is not None


def member_of_the_mail_office(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        person = Person(account="stagiaire", name="Stagiaire")
        post = Post(code="BO-S", title="Stagiaire", unit_id=unit_id(services, "BO"), roles=[PostRole(role=Role.MEMBER)])
        uow.session.add_all([person, post])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))


def test_only_who_has_the_letter_closes_it(services: Services) -> None:
    member_of_the_mail_office(services)
    waiting, imputed = register(services), register(services, "Autre")
    impute(services, imputed.mail_id, "DGE")
    with pytest.raises(Forbidden, match="close_forbidden"):
        close(services, waiting.mail_id, "stagiaire")
    for account in ("agent", "stagiaire"):
        with pytest.raises(Forbidden, match="close_forbidden"):
            close(services, imputed.mail_id, account)
    close(services, waiting.mail_id, "agent")
    close(services, imputed.mail_id, "dge")
    with pytest.raises(Forbidden, match="close_forbidden"):
        reopen(services, imputed.mail_id, "agent")
    reopen(services, imputed.mail_id, "dge")


def test_a_letter_is_not_raised_out_of_everybodys_sight(services: Services) -> None:
    letter, agent = register(services), actor(services, "agent")

    def raise_it() -> None:
        with services.unit_of_work(NOW) as uow:
            change_level(uow, letter.mail_id, Confidentiality.SECRET, reason="Enquête", actor=agent)

    def cleared(level: Confidentiality) -> None:
        with services.unit_of_work(NOW) as uow:
            found = uow.session.scalars(select(Person).where(Person.account.in_(("sg", "secretaire"))))
            for person in found:
                person.clearance = int(level)

    cleared(Confidentiality.RESTRICTED)
    with pytest.raises(Invalid, match="level_nobody"):
        raise_it()
    cleared(Confidentiality.SECRET)
    raise_it()
    with services.reading() as session:
        assert session.get_one(Mail, letter.mail_id).level == Confidentiality.SECRET


# --- states -------------------------------------------------------------------------------------------------------


def test_a_letter_reopened_stands_where_it_stood(services: Services) -> None:
    undecided, imputed = register(services), register(services, "Autre")
    impute(services, imputed.mail_id, "DGE")
    for letter in (undecided, imputed):
        close(services, letter.mail_id, "sg")
        reopen(services, letter.mail_id, "sg")
    assert state(services, undecided.mail_id) is MailState.TO_IMPUTE
    assert state(services, imputed.mail_id) is MailState.ASSIGNED


def test_an_outgoing_letter_reopened_has_still_left(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        sent = Mail(
            direction=Direction.OUTGOING, state=MailState.DISPATCHED, subject="Réponse", created_at=NOW,
            unit_id=unit_id(services, "DGE"), author_post_id=post_id(services, "DGE-C"),
        )  # fmt: skip
        uow.session.add(sent)
        uow.session.flush()
        access.grant(uow, sent.id, [post_principal(post_id(services, "DGE-C"))], Because.AUTHORED)
    close(services, sent.id, "dge")
    reopen(services, sent.id, "dge")
    assert state(services, sent.id) is MailState.DISPATCHED


def test_a_void_letter_takes_no_number_and_no_rectification(services: Services) -> None:
    letter = register(services)
    with services.unit_of_work(NOW) as uow:
        operations.void_number(uow, letter.number_id, reason="Double", actor=actor(services, "agent"), now=NOW)
    with services.reading() as session:
        other = session.scalars(select(Register.id).where(Register.code == "DEP")).one()
    with pytest.raises(InvalidTransition, match="wrong_state"), services.unit_of_work(NOW) as uow:
        operations.take_number(uow, letter.mail_id, other, actor=actor(services, "agent"))  # type: ignore[arg-type]
    with pytest.raises(Forbidden, match=r"rectify\.voided"), services.unit_of_work(NOW) as uow:
        rectify_entry.rectify(
            uow, letter.mail_id, {"subject": "Autre"}, reason="x", version=None, actor=actor(services, "agent"), now=NOW
        )


def test_a_draft_is_not_rectified_behind_its_visas(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        draft = drafts.draft_new(uow, "", actor=actor(services, "dge"), now=NOW)
    with pytest.raises(Forbidden, match=r"rectify\.forbidden"), services.unit_of_work(NOW) as uow:
        rectify_entry.rectify(
            uow, draft, {"subject": "Autre"}, reason="x", version=None, actor=actor(services, "dge"), now=NOW
        )


# --- texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["addressee", "their_reference", "nature", "enclosure_note"])
def test_what_a_column_cannot_hold_is_refused_before_the_number(services: Services, field: str) -> None:
    form = IncomingForm("Objet", "X", post_id(services, "SG-T"))  # type: ignore[arg-type]
    long = replace(form, **{field: "x" * (operations.MAX_TEXTS[field] + 1)})  # type: ignore[arg-type]
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    with pytest.raises(Invalid, match="too_long") as refused, services.unit_of_work(NOW) as uow:
        operations.register_incoming(uow, register_id, long, actor=actor(services, "agent"), now=NOW)  # type: ignore[arg-type]
    assert refused.value.params["field"] == field


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"their_reference": "x" * 101}, "form.too_long"), ({"sender_name": ""}, "mail.sender_missing")],
)
def test_a_rectification_that_makes_no_sense_is_refused(services: Services, changes: dict[str, str], code: str) -> None:
    letter = register(services)
    with pytest.raises(Invalid) as refused, services.unit_of_work(NOW) as uow:
        rectify_entry.rectify(
            uow, letter.mail_id, changes, reason="x", version=None, actor=actor(services, "agent"), now=NOW
        )
    assert refused.value.code == code


def test_a_secret_sender_does_not_enter_the_directory(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Person).where(Person.account == "agent")).one().clearance = 2
    letter = register(services, level=Confidentiality.SECRET, sender="Un informateur")
    register(services, sender="Une mairie")
    with services.unit_of_work(NOW) as uow:
        rectify_entry.rectify(
            uow, letter.mail_id, {"sender_name": "Un autre informateur"}, reason="Nom lu de travers", version=None,
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    with services.reading() as session:
        assert list(session.scalars(select(Correspondent.name))) == ["Une mairie"]
        mail = session.get_one(Mail, letter.mail_id)
        assert (mail.sender_name, mail.sender_id) == ("Un autre informateur", None)


# --- numbers ------------------------------------------------------------------------------------------------------


def test_a_number_that_waited_over_midnight_bears_one_day(services: Services) -> None:
    midnight = datetime(2026, 11, 25, tzinfo=UTC)  # Lomé keeps UTC
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    agent = actor(services, "agent")
    numbers = []
    for now in (midnight, midnight - timedelta(seconds=1)):
        with services.unit_of_work(now) as uow:
            numbers.append(allocation.allocate(uow, register_id, actor=agent, post=agent.posts[0]))
    assert [n.registered_on for n in numbers] == [date(2026, 11, 25)] * 2
    assert [n.registered_at for n in numbers] == [midnight, midnight]
