"""Sealed envelopes: only the outside is recorded, and only the addressee's post decides."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ged import access, audit
from ged.access import Because
from ged.capture import bridges, files, intake
from ged.capture import queries as scan_queries
from ged.codes import CodeKind, make_code
from ged.envelopes import operations as envelopes
from ged.envelopes.operations import EnvelopeForm, EnvelopeRow, RegisteredEnvelope
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.jobs import Job, JobKind
from ged.org.models import Delegation, DelegationKind, Person, Unit
from ged.ports import Confidentiality, MailId, unit_principal
from ged.recognition import jobs as recognition
from ged.register import books, queries
from ged.register.books import EntryKind, Span
from ged.register.models import Attachment, Correspondent, Mail, MailNumber, Register
from ged.register.operations import IncomingForm, register_incoming, void_number
from ged.register.states import MailState
from ged.signbook import drafts
from ged.signbook.models import LetterTemplate
from ged.unit import Services, UnitOfWork
from tests import pages
from tests.factories import NOW, TODAY, actor, make_organisation, make_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def register_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalar(select(Register.id).where(Register.code == code)) or 0


def form(services: Services) -> EnvelopeForm:
    to = actor(services, "sg").posts[0].post_id
    return EnvelopeForm(NOW - timedelta(minutes=7, seconds=20), to, "Cour des comptes", "PERSONNEL", "confidentiel", 2)


def registered(services: Services) -> RegisteredEnvelope:
    with services.unit_of_work(NOW) as uow:
        return envelopes.register_envelope(
            uow, register_id(services, "PLI"), form(services), actor=actor(services, "agent"), now=NOW
        )


def interim(services: Services, account: str, for_account: str) -> None:
    """Let a person act for another's post, without the right to sign."""
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=actor(services, for_account).posts[0].post_id,
                person_id=actor(services, account).person_id, from_on=TODAY, until_on=TODAY, act="Note n° 1",
            )
        )  # fmt: skip


def seen(services: Services, envelope_id: int, account: str) -> EnvelopeRow:
    with services.reading() as session:
        return envelopes.envelope(session, envelope_id, actor(services, account))


def test_the_outside_is_registered_and_nothing_is_indexed(services: Services) -> None:
    done = registered(services)
    assert done.number == "PLI-0001/2026"
    row = seen(services, done.envelope_id, "agent")
    assert row.arrived_at == (NOW - timedelta(minutes=8))
    assert (row.sender_name, row.marks, row.count, row.may_decide) == ("Cour des comptes", "PERSONNEL", 2, False)
    with services.snapshot() as session:
        assert session.scalar(select(func.count(Job.id))) == 0
        assert session.scalar(select(func.count(Mail.id))) == 0
        assert list(audit.verify_chain(session)) == []


@pytest.mark.parametrize("account", ["dge", "etudes", "admin"])
def test_everybody_else_sees_the_number_only(services: Services, account: str) -> None:
    done = registered(services)
    row = seen(services, done.envelope_id, account)
    assert row.number == done.number
    outside = (row.sees_outside, row.addressed_post_id, row.addressed_to, row.sender_name, row.marks, row.kind)
    assert outside == (False, None, "", "", "", "")
    with services.reading() as session:
        assert envelopes.envelopes(session, actor(services, account)) == []
    with pytest.raises(Forbidden), services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=actor(services, account))


def test_why_an_envelope_was_voided_is_told_to_the_registers_clerks_only(services: Services) -> None:
    done, clerk = registered(services), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        void_number(uow, done.number_id, reason="Candidature du directeur", actor=clerk, now=NOW)
    register = register_id(services, "PLI")
    with services.reading() as session:
        told = {
            account: [
                (row.kind, row.voided_at is not None, row.void_reason)
                for row in books.entries(session, register, Span(2026), actor(services, account))
            ]
            for account in ("agent", "sg")
        }
    assert told == {
        "agent": [(EntryKind.ENVELOPE, True, "Candidature du directeur")],
        "sg": [(EntryKind.ENVELOPE, True, "")],
    }


def test_what_is_wrong_with_the_form_is_named(services: Services) -> None:
    good, clerk, pli = form(services), actor(services, "agent"), register_id(services, "PLI")
    for bad, code in (
        (replace(good, arrived_at=NOW + timedelta(minutes=1)), "arrived_in_future"),
        (replace(good, addressed_post_id=999), "addressee"),
        (replace(good, count=0), "count"),
        (replace(good, kind="autre"), "kind"),
        (replace(good, marks="x" * 301), "too_long"),
    ):
        with pytest.raises(Invalid, match=code), services.unit_of_work(NOW) as uow:
            envelopes.register_envelope(uow, pli, bad, actor=clerk, now=NOW)
    with pytest.raises(Invalid, match=r"envelope\.register"), services.unit_of_work(NOW) as uow:
        envelopes.register_envelope(uow, register_id(services, "ARR"), good, actor=clerk, now=NOW)
    with pytest.raises(Forbidden), services.unit_of_work(NOW) as uow:
        envelopes.register_envelope(uow, pli, good, actor=actor(services, "dge"), now=NOW)


def test_the_addressee_opens_it_and_it_stays_with_the_addressee(services: Services) -> None:
    done, chief = registered(services), actor(services, "sg")
    inside = files.examine(services, "pli.pdf", io.BytesIO(pages.pdf("confidentiel")))
    with services.unit_of_work(NOW) as uow:
        mail_id = envelopes.open_envelope(
            uow,
            done.envelope_id,
            subject="Observations définitives",
            level=Confidentiality.SECRET,
            version=None,
            actor=chief,
            now=NOW,
            upload=inside,
        )
    with services.reading() as session:
        number = session.get_one(MailNumber, done.number_id)
        assert (number.mail_id, number.envelope_id) == (mail_id, done.envelope_id)
        assert session.scalar(select(Attachment.mail_id)) == mail_id
        came = select(audit.AuditPayload.payload).join(
            audit.AuditEntry, audit.AuditEntry.sequence == audit.AuditPayload.sequence
        )
        (said,) = session.scalars(came.where(audit.AuditEntry.action == "mail.registered")).all()
        assert said["received_on"] == str(TODAY), "the proof of a report reads when the letter came"
        for account, sees in (("sg", True), ("secretaire", False), ("agent", False), ("admin", False), ("dge", False)):
            one = actor(services, account)
            assert access.may_see(session, mail_id, Confidentiality.SECRET, one) is sees, account
        # Everybody reads the directory of correspondents.
        assert session.scalar(select(func.count(Correspondent.id))) == 0
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == JobKind.RECOGNISE)) == 1
    assert seen(services, done.envelope_id, "sg").mail_id == mail_id
    assert seen(services, done.envelope_id, "agent").mail_id is None
    with pytest.raises(InvalidTransition), services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=chief)


def test_opened_at_a_level_that_the_actor_may_not_read_is_refused(services: Services) -> None:
    to = actor(services, "dge").posts[0].post_id
    with services.unit_of_work(NOW) as uow:
        done = envelopes.register_envelope(
            uow,
            register_id(services, "PLI"),
            replace(form(services), addressed_post_id=to),
            actor=actor(services, "agent"),
            now=NOW,
        )

    def open_at(level: Confidentiality) -> None:
        with services.unit_of_work(NOW) as uow:
            envelopes.open_envelope(
                uow, done.envelope_id, subject="x", level=level, version=None, actor=actor(services, "dge"), now=NOW
            )

    with pytest.raises(Invalid, match="above_clearance"):
        open_at(Confidentiality.SECRET)
    open_at(Confidentiality.RESTRICTED)


def test_a_secretary_hands_the_envelope_over_and_does_not_decide(services: Services) -> None:
    done, secretary = registered(services), actor(services, "secretaire")
    row = seen(services, done.envelope_id, "secretaire")
    assert (row.sees_outside, row.may_decide, row.is_addressee) == (True, False, False)
    with services.reading() as session:
        assert envelopes.waiting_for(session, secretary) == 0
        assert envelopes.waiting_for(session, actor(services, "sg")) == 1
    with pytest.raises(Forbidden, match=r"envelope\.not_addressee"), services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=secretary)
    with pytest.raises(Forbidden, match=r"envelope\.not_addressee"), services.unit_of_work(NOW) as uow:
        envelopes.open_envelope(
            uow, done.envelope_id, subject="x", level=Confidentiality.SECRET, version=None, actor=secretary, now=NOW
        )


def test_a_personal_envelope_is_its_holders_alone(services: Services) -> None:
    interim(services, "dge", "sg")
    with services.unit_of_work(NOW) as uow:
        done = envelopes.register_envelope(
            uow, register_id(services, "PLI"), replace(form(services), kind="personnel"),
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    with services.reading() as session:
        assert envelopes.waiting_for(session, actor(services, "dge")) == 0
    with pytest.raises(Forbidden, match=r"envelope\.not_addressee"), services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=actor(services, "dge"))
    with services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=actor(services, "sg"))


def test_an_interim_opens_nothing_that_came_before_it(services: Services) -> None:
    before = registered(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=actor(services, "sg").posts[0].post_id,
                person_id=actor(services, "dge").person_id, from_on=TODAY, until_on=TODAY, act="Note n° 1",
                granted_at=NOW + timedelta(minutes=1),
            )
        )  # fmt: skip
    row = seen(services, before.envelope_id, "dge")
    assert (row.may_decide, row.is_addressee) == (False, False)
    with services.reading() as session:
        assert envelopes.waiting_for(session, actor(services, "dge")) == 0
    opened = partial(envelopes.open_envelope, subject="Dedans", level=Confidentiality.ORDINARY, now=NOW)
    for act in (envelopes.keep_sealed, envelopes.return_as_ordinary, opened):
        with pytest.raises(Forbidden, match=r"envelope\.before_interim"), services.unit_of_work(NOW) as uow:
            act(uow, before.envelope_id, version=None, actor=actor(services, "dge"))
    with services.unit_of_work(NOW + timedelta(minutes=5)) as uow:
        after = envelopes.register_envelope(
            uow, register_id(services, "PLI"), form(services), actor=actor(services, "agent"),
            now=NOW + timedelta(minutes=5),
        )  # fmt: skip
    assert seen(services, after.envelope_id, "dge").may_decide


def test_another_entity_knows_of_no_envelope(services: Services) -> None:
    done = registered(services)
    assert not seen(services, done.envelope_id, "daf").sees_outside
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Unit).where(Unit.code == "DAF").values(is_entity=True))
    daf = actor(services, "daf")
    with pytest.raises(NotFound, match=r"envelope\.unknown"):
        seen(services, done.envelope_id, "daf")
    acts: list[Callable[[UnitOfWork], object]] = [
        lambda uow: envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=daf),
        lambda uow: envelopes.void(uow, done.envelope_id, reason="x", version=None, actor=daf, now=NOW),
        lambda uow: envelopes.link_registered(uow, done.envelope_id, MailId(1), actor=daf),
        lambda uow: envelopes.scan_inside(uow, done.envelope_id, 1, actor=daf, now=NOW),
    ]
    for act in acts:
        with pytest.raises(NotFound, match=r"envelope\.unknown"), services.unit_of_work(NOW) as uow:
            act(uow)


def test_keep_then_return_then_the_clerk_registers(services: Services) -> None:
    interim(services, "dge", "sg")
    done, chief, clerk = registered(services), actor(services, "dge"), actor(services, "agent")
    version = seen(services, done.envelope_id, "sg").version
    with services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=version, actor=chief)
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        envelopes.return_as_ordinary(uow, done.envelope_id, version=version, actor=chief)
    with services.unit_of_work(NOW) as uow:
        envelopes.return_as_ordinary(uow, done.envelope_id, version=None, actor=chief)
    letter = IncomingForm("Vœux", "Cour des comptes", actor(services, "sg").posts[0].post_id)
    with services.unit_of_work(NOW) as uow:
        arr = register_incoming(uow, register_id(services, "ARR"), letter, actor=clerk, now=NOW)  # type: ignore[arg-type]
    with services.unit_of_work(NOW) as uow:
        envelopes.link_registered(uow, done.envelope_id, arr.mail_id, actor=clerk)
    row = seen(services, done.envelope_id, "agent")
    assert (row.state, row.mail_id) == ("registered", arr.mail_id)
    with services.reading() as session:
        assert session.get_one(MailNumber, done.number_id).mail_id is None
        assert queries.letter(session, arr.mail_id, clerk).number == arr.number
    with services.unit_of_work(NOW) as uow:
        void_number(uow, arr.number_id, reason="Enregistré deux fois", actor=clerk, now=NOW)
    with services.reading() as session:
        assert session.get_one(Mail, arr.mail_id).state is MailState.VOIDED
    with services.reading() as session:
        entry = session.scalar(select(audit.AuditEntry).where(audit.AuditEntry.action == "envelope.returned"))
        assert entry is not None
        assert entry.acting_for_post_id == actor(services, "sg").posts[0].post_id


def test_a_voided_envelope_keeps_its_number_and_nobody_decides_over_it(services: Services) -> None:
    done, clerk = registered(services), actor(services, "agent")

    def void(reason: str, account: str = "agent") -> None:
        with services.unit_of_work(NOW) as uow:
            envelopes.void(uow, done.envelope_id, reason=reason, version=None, actor=actor(services, account), now=NOW)

    with pytest.raises(Forbidden, match=r"register\.not_clerk"):
        void("Remis par erreur", "sg")
    with pytest.raises(Invalid, match=r"number\.void_reason"):
        void(" ")
    assert seen(services, done.envelope_id, "agent").may_void
    void("Remis par erreur")
    row = seen(services, done.envelope_id, "sg")
    assert (row.state, row.may_decide, row.void_reason) == ("voided", False, "Remis par erreur")
    assert not seen(services, done.envelope_id, "agent").may_void
    with services.snapshot() as session:
        assert session.get_one(MailNumber, done.number_id).void_reason == "Remis par erreur"
        assert envelopes.waiting_for(session, actor(services, "sg")) == 0
        assert list(audit.verify_chain(session)) == []
    with pytest.raises(InvalidTransition, match=r"envelope\.decided"), services.unit_of_work(NOW) as uow:
        envelopes.keep_sealed(uow, done.envelope_id, version=None, actor=actor(services, "sg"))
    with pytest.raises(InvalidTransition, match=r"number\.voided"):
        void("Encore")
    opened = registered(services)
    with services.unit_of_work(NOW) as uow:
        envelopes.open_envelope(
            uow, opened.envelope_id, subject="x", level=Confidentiality.SECRET, version=None,
            actor=actor(services, "sg"), now=NOW,
        )  # fmt: skip
    with pytest.raises(InvalidTransition, match=r"envelope\.opened"), services.unit_of_work(NOW) as uow:
        envelopes.void(uow, opened.envelope_id, reason="Erreur", version=None, actor=clerk, now=NOW)


def test_the_label_of_a_closed_envelope_joins_nothing(services: Services) -> None:
    done, clerk = registered(services), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        token, _ = bridges.pair(uow, code, "Guichet", now=NOW)
    with services.reading() as session:
        bridge = bridges.authenticate(session, token)
    content = pages.png("enveloppe", code=make_code(CodeKind.LABEL, done.number_id, key=services.code_key))
    with services.unit_of_work(NOW) as uow:
        intake.begin_batch(uow, bridge, "k", device="", started_at=None, now=NOW)
    digest = pages.sha256(content)
    intake.receive_page(
        services, bridge, "k", "t", io.BytesIO(content), digest=digest, order="1", media_type="image/png", now=NOW
    )
    with services.unit_of_work(NOW) as uow:
        intake.complete_batch(uow, bridge, "k", [("t", digest)], now=NOW)
        batch_id = uow.session.scalar(select(intake.ScanBatch.id)) or 0
    recognition.run_intake(services, batch_id, heartbeat=lambda _: None, now=NOW)
    with services.reading() as session:
        (row,) = scan_queries.waiting(session, clerk)
        assert (row.note, row.number) == ("sealed_envelope", done.number)


def test_what_was_inside_is_scanned_at_the_addressees_own_desk(services: Services) -> None:
    done, chief = registered(services), actor(services, "sg")
    desks = {}
    for account, unit_of in (("admin", "sg"), ("agent", "agent")):
        with services.unit_of_work(NOW) as uow:
            unit_id = actor(services, unit_of).posts[0].unit_id
            code = bridges.make_pairing_code(uow, unit_id, actor=actor(services, account), now=NOW)
            desks[unit_of] = bridges.pair(uow, code, unit_of, now=NOW)[1]

    def scan_inside(bridge_id: int, account: str = "sg") -> None:
        with services.unit_of_work(NOW) as uow:
            envelopes.scan_inside(uow, done.envelope_id, bridge_id, actor=actor(services, account), now=NOW)

    with pytest.raises(InvalidTransition, match="not_opened"):
        scan_inside(desks["sg"])
    with services.unit_of_work(NOW) as uow:
        mail_id = envelopes.open_envelope(
            uow, done.envelope_id, subject="x", level=Confidentiality.SECRET, version=None, actor=chief, now=NOW
        )
    with pytest.raises(Forbidden):
        scan_inside(desks["agent"], "agent")
    with pytest.raises(NotFound, match=r"bridge\.unknown"):
        scan_inside(desks["agent"])
    scan_inside(desks["sg"])
    with services.reading() as session:
        assert session.scalar(select(intake.ScanBatch.into_mail_id)) == mail_id


def test_an_unknown_envelope_is_not_found(services: Services) -> None:
    with services.reading() as session, pytest.raises(NotFound):
        envelopes.envelope(session, 4711, actor(services, "sg"))


@pytest.mark.parametrize(("kind", "interim_sees"), [("confidentiel", True), ("personnel", False)])
@pytest.mark.parametrize("level", [Confidentiality.ORDINARY, Confidentiality.SECRET])
def test_what_came_sealed_is_seen_by_who_decides_for_its_addressee_until_it_is_shared(
    services: Services, kind: str, interim_sees: bool, level: Confidentiality
) -> None:
    interim(services, "dge", "sg")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(clearance=int(Confidentiality.SECRET)))
    with services.unit_of_work(NOW) as uow:
        done = envelopes.register_envelope(
            uow, register_id(services, "PLI"), replace(form(services), kind=kind),
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        mail_id = envelopes.open_envelope(
            uow, done.envelope_id, subject="Lettre", level=level, version=None, actor=actor(services, "sg"), now=NOW
        )

    def seeing(*accounts: str) -> set[str]:
        with services.reading() as session:
            return {one for one in accounts if access.may_see(session, mail_id, level, actor(services, one))}

    everybody = ("sg", "dge", "secretaire", "agent", "daf", "etudes", "admin")
    assert seeing(*everybody) == ({"sg", "dge"} if interim_sees else {"sg"})
    assert seen(services, done.envelope_id, "secretaire").mail_id is None
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, mail_id, [unit_principal(actor(services, "daf").posts[0].unit_id)], Because.SHARED)
    assert "daf" in seeing(*everybody)
    assert "secretaire" not in seeing(*everybody)


@pytest.mark.parametrize(("kind", "others"), [("confidentiel", {"dge"}), ("personnel", set())])
def test_the_answer_to_a_sealed_envelope_is_seen_by_who_sees_what_was_in_it(
    services: Services, kind: str, others: set[str]
) -> None:
    interim(services, "dge", "sg")
    with services.unit_of_work(NOW) as uow:
        uow.session.add(LetterTemplate(code="lettre", title="Lettre", subject="Réponse : {objet}", body="Monsieur,"))
        done = envelopes.register_envelope(
            uow, register_id(services, "PLI"), replace(form(services), kind=kind),
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        inside = envelopes.open_envelope(
            uow, done.envelope_id, subject="Votre santé", level=Confidentiality.ORDINARY, version=None,
            actor=actor(services, "sg"), now=NOW,
        )  # fmt: skip
        answer = drafts.draft_reply(uow, inside, "lettre", actor=actor(services, "sg"), now=NOW)
    with services.reading() as session:
        seeing = {
            one
            for one in ("sg", "dge", "secretaire", "agent", "daf", "etudes", "admin")
            if access.may_see(session, answer, Confidentiality.ORDINARY, actor(services, one))
        }
    assert seeing == {"sg", *others}


def test_the_form_sent_twice_is_one_envelope(services: Services) -> None:
    pli, clerk, once = (
        register_id(services, "PLI"),
        actor(services, "agent"),
        replace(form(services), request_token="t"),
    )

    def send(outside: EnvelopeForm) -> RegisteredEnvelope:
        with services.unit_of_work(NOW) as uow:
            return envelopes.register_envelope(uow, pli, outside, actor=clerk, now=NOW)

    first, again = send(once), send(once)
    assert (again.envelope_id, again.number, again.is_repeated) == (first.envelope_id, first.number, True)
    assert not first.is_repeated
    other = send(replace(once, sender_name="Un autre"))
    assert (other.is_repeated, other.number) == (False, "PLI-0002/2026")
    assert send(form(services)).number == "PLI-0003/2026"
    with services.reading() as session:
        assert session.scalar(select(func.count(MailNumber.id))) == 3
        told = select(func.count()).where(audit.AuditEntry.action == "envelope.registered")
        assert session.scalar(told) == 3
