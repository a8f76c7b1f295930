"""Drafts and the circuit through the database: filling, visas, refusal, recall, and what a change undoes."""

from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select

from ged.audit import AuditEntry
from ged.capture.files import examine
from ged.counting import counted
from ged.dispatch.models import Party
from ged.errors import Forbidden, GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.natures.circuit import one_by_one
from ged.org.models import Delegation, DelegationKind, PostRole
from ged.ports import MailId
from ged.register.models import Mail, MailLink, MailNumber, Register
from ged.register.states import MailState
from ged.signbook import book, drafts, operations, queries
from ged.signbook.models import CircuitAct, Draft, NoticeKind
from ged.unit import Role
from tests.factories import NOW, TODAY
from tests.signbook_kit import CEET, House, form_of, house
from tests.signing_kit import page_pdf

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)


def departures(house: House) -> int:
    with house.services.reading() as session:
        query = select(func.count(MailNumber.id)).join(Register).where(Register.code == "DEP")
        return session.scalar(query) or 0


def test_a_reply_is_filled_from_the_letter_and_refused_while_a_name_is_left(house: House) -> None:
    incoming = house.incoming()
    dge = house.who("dge")
    with house.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_reply(uow, incoming, "favourable", actor=dge, now=NOW)
    row = house.show(mail_id, "dge")
    assert row.subject == "Suite favorable : Demande de raccordement"
    assert "453/CEET du 1er mars 2026" in row.body
    assert "00001/2026/MIN" in row.body
    assert row.addressees == (Party(CEET.name),)
    assert row.unfilled == ("motif",)
    assert (row.answers_id, row.answers_number) == (incoming, "00001/2026/MIN")
    with house.services.reading() as session:
        assert session.execute(select(MailLink.from_id, MailLink.to_id, MailLink.kind)).all() == [
            (mail_id, incoming, "reply_to")
        ]
    with house.services.unit_of_work(NOW) as uow:
        drafts.set_circuit(uow, mail_id, [], house.post("SG-T"), version=row.version, actor=dge)
    with pytest.raises(Invalid) as refused:
        house.submit(mail_id)
    assert (refused.value.code, refused.value.params["names"]) == ("draft.placeholders", "{motif}")
    assert house.show(mail_id, "dge").state is MailState.DRAFT


def test_the_link_is_shown_only_to_those_who_may_see_the_letter_answered(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    assert house.show(mail_id, "dge").answers_id is not None
    # DAF gives a visa for the answer; the letter itself was assigned to DGE.
    assert house.show(mail_id, "daf").answers_id is None


def test_visas_in_order_then_the_signatory(house: House) -> None:
    mail_id = house.answer()
    with pytest.raises(NotFound):
        house.show(mail_id, "daf")
    house.submit(mail_id)
    with pytest.raises(InvalidTransition, match=r"circuit\.not_your_turn"):
        house.visa(mail_id, "etudes")
    with house.services.reading() as session:
        assert [r.mail_id for r in queries.signature_book(session, house.who("daf")).visas] == [mail_id]
        assert queries.signature_book(session, house.who("etudes")).visas == ()
    house.visa(mail_id, "daf", "Vu, sans observation")
    house.visa(mail_id, "etudes")
    with pytest.raises(InvalidTransition):
        house.visa(mail_id, "etudes")
    with house.services.reading() as session:
        assert [r.may_sign for r in queries.signature_book(session, house.who("sg")).signatures] == [True]
        # The secretary sees the letters that wait for the authority, and cannot sign them.
        assert [r.may_sign for r in queries.signature_book(session, house.who("secretaire")).signatures] == [False]
    assert [s.state for s in house.show(mail_id, "sg").steps] == ["done", "done", "now"]
    assert departures(house) == 0


def test_a_refusal_goes_back_to_the_author_with_its_reason_and_costs_no_number(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    with pytest.raises(Invalid, match=r"circuit\.reason_missing"), house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="  ", version_no=2, actor=house.who("etudes"))
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Citer le décret", version_no=2, actor=house.who("etudes"))
    row = house.show(mail_id, "dge")
    assert (row.state, row.refusal.text, row.may.hand_in) == (MailState.DRAFT, "Citer le décret", True)
    with house.services.reading() as session:
        (notice,) = queries.signature_book(session, house.who("dge")).notices
    assert (notice.kind, notice.text, notice.by_name) == (NoticeKind.REFUSED, "Citer le décret", "Etudes")
    # Submitted again without changes, the first visa still counts: its giver read this letter.
    house.submit(mail_id)
    assert [s.state for s in house.show(mail_id, "dge").steps] == ["done", "now", "later"]
    assert house.show(mail_id, "dge").refusal.text == ""
    assert departures(house) == 0


CHANGES: dict[str, dict[str, Any]] = {
    "text": {"body": "Un autre texte."},
    "subject": {"subject": "Autre objet"},
    "addressees": {"addressees": (CEET, Party("Préfecture du Golfe"))},
    "copies": {"copies": ()},
}


@pytest.mark.parametrize("what", [*CHANGES, "annexes"])
def test_a_change_after_a_visa_cancels_it_and_tells_its_author(house: House, what: str) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    # The service of studies, which is next, corrects the letter.
    row, etudes = house.show(mail_id, "etudes"), house.who("etudes")
    before = row.preview_id
    if what == "annexes":
        upload = annex(house)
        saved = drafts.add_annex(house.services, mail_id, upload, version=row.version, actor=etudes, now=NOW)
    else:
        form = form_of(row, **CHANGES[what])
        saved = drafts.save(house.services, mail_id, form, version=row.version, actor=etudes, now=NOW)
    assert (saved.cancelled, saved.version_no) == (1, row.version_no + 1)
    after = house.show(mail_id, "daf")
    assert [s.state for s in after.steps] == ["now", "later", "later"]
    assert after.preview_id != before
    assert [(e.act, e.is_cancelled) for e in after.entries if e.act is CircuitAct.VISA] == [(CircuitAct.VISA, True)]
    with house.services.reading() as session:
        (notice,) = queries.signature_book(session, house.who("daf")).notices
        assert (notice.kind, notice.by_name) == (NoticeKind.VISA_CANCELLED, "Etudes")
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == mail_id)).all()
    assert "signbook.visa_cancelled" in actions
    with house.services.unit_of_work(NOW) as uow:
        operations.mark_seen(uow, [notice.id], actor=house.who("etudes"))
    with house.services.reading() as session:
        assert queries.signature_book(session, house.who("daf")).notices, "only the person told can put it away"


def annex(house: House):  # type: ignore[no-untyped-def]  # Upload

    return examine(house.services, "plan.pdf", BytesIO(page_pdf("Plan")))


def test_saving_the_same_words_changes_nothing(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    row = house.show(mail_id, "etudes")
    saved = drafts.save(house.services, mail_id, form_of(row), version=row.version, actor=house.who("etudes"), now=NOW)
    assert (saved.changed, saved.cancelled) == (False, 0)
    assert house.show(mail_id, "etudes").steps[0].state == "done"


def test_another_signatory_is_another_letter_and_a_post_that_leaves_takes_its_visa(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="non", version_no=2, actor=house.who("etudes"))
    row = house.show(mail_id, "dge")
    with house.services.unit_of_work(NOW) as uow:
        drafts.set_circuit(
            uow,
            mail_id,
            one_by_one([house.post("ETU-M")]),
            house.post("SG-T"),
            version=row.version,
            actor=house.who("dge"),
        )
    assert [s.post_id for s in house.show(mail_id, "dge").steps] == [house.post("ETU-M"), house.post("SG-T")]
    with house.services.reading() as session:
        assert [n.kind for n in queries.signature_book(session, house.who("daf")).notices] == [
            NoticeKind.VISA_CANCELLED
        ]


def test_the_author_takes_it_back_until_somebody_acted(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    with pytest.raises(Forbidden), house.services.unit_of_work(NOW) as uow:
        operations.recall(uow, mail_id, actor=house.who("daf"))
    with house.services.unit_of_work(NOW) as uow:
        operations.recall(uow, mail_id, actor=house.who("dge"))
    assert house.show(mail_id, "dge").state is MailState.DRAFT
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    with pytest.raises(InvalidTransition, match=r"circuit\.acted_already"), house.services.unit_of_work(NOW) as uow:
        operations.recall(uow, mail_id, actor=house.who("dge"))
    assert departures(house) == 0


def test_a_visa_on_another_version_than_the_one_read_is_refused(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    with pytest.raises(StaleVersion, match=r"draft\.changed"), house.services.unit_of_work(NOW) as uow:
        operations.visa(uow, mail_id, version_no=1, actor=house.who("daf"))


def test_a_stale_form_loses_nothing_and_overwrites_nothing(house: House) -> None:
    mail_id = house.answer()
    row, dge = house.show(mail_id, "dge"), house.who("dge")
    drafts.save(house.services, mail_id, form_of(row, body="Le mien"), version=row.version, actor=dge, now=NOW)
    with pytest.raises(StaleVersion, match=r"draft\.stale"):
        drafts.save(house.services, mail_id, form_of(row, body="Le sien"), version=row.version, actor=dge, now=NOW)
    assert house.show(mail_id, "dge").body == "Le mien"


def test_who_is_not_in_the_circuit_cannot_write_it(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    row = house.show(mail_id, "dge")
    # The author's form has the right version, but the letter now belongs to the circuit.
    with pytest.raises(Forbidden, match=r"circuit\.not_yours"):
        drafts.save(
            house.services, mail_id, form_of(row, body="x"), version=row.version, actor=house.who("dge"), now=NOW
        )


@pytest.mark.parametrize(
    ("visas", "signatory", "code"),
    [
        (["DAF-C", "DAF-C"], "SG-T", "circuit.twice"),
        (["SG-T"], "SG-T", "circuit.twice"),
        (["DAF-C"], "DGE-C", "circuit.not_signatory"),
        (["DAF-C"], None, "circuit.no_signatory"),
    ],
)
def test_a_circuit_that_makes_no_sense(house: House, visas: list[str], signatory: str | None, code: str) -> None:
    mail_id = house.answer()
    row = house.show(mail_id, "dge")
    with pytest.raises(Invalid) as refused, house.services.unit_of_work(NOW) as uow:
        drafts.set_circuit(
            uow, mail_id, one_by_one([house.post(v) for v in visas]), house.post(signatory) if signatory else None,
            version=row.version, actor=house.who("dge"),
        )  # fmt: skip
    assert refused.value.code == code


def test_a_secretary_prepares_and_neither_initials_nor_refuses(house: House) -> None:
    mail_id = house.answer()
    with house.services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=house.post("DAF-C"), role=Role.SIGNATORY))
        uow.session.flush()
        drafts.set_circuit(
            uow, mail_id, one_by_one([house.post("SG-T")]), house.post("DAF-C"),
            version=house.show(mail_id, "dge").version, actor=house.who("dge"),
        )  # fmt: skip
    house.submit(mail_id)
    shown, secretary = house.show(mail_id, "secretaire"), house.who("secretaire")
    assert (shown.may.write, shown.may.visa, shown.may.refuse) == (True, False, False)
    with pytest.raises(Forbidden, match=r"circuit\.not_yours"):
        house.visa(mail_id, "secretaire")
    with pytest.raises(Forbidden, match=r"circuit\.not_yours"), house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Non", version_no=shown.version_no, actor=secretary)
    house.visa(mail_id, "sg")


def test_a_visa_by_delegation_says_so(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM,
                post_id=house.post("DAF-C"),
                person_id=agent.person_id,
                act="note n° 7",
                from_on=TODAY,
                until_on=TODAY,
            )
        )
    house.visa(mail_id, "agent")
    step = house.show(mail_id, "dge").steps[0]
    assert (step.by, step.acted_as) == ("Agent", "interim")
    with house.services.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "signbook.visa", AuditEntry.subject_id == mail_id)
        ).one()
        assert (entry.post_id, entry.acting_for_post_id) == (house.post("BO-A"), house.post("DAF-C"))


def test_a_head_acts_through_the_post_that_heads_the_authors_unit(house: House) -> None:
    incoming = house.incoming(impute_to="ETU-M")
    with house.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_reply(uow, incoming, "favourable", actor=house.who("etudes"), now=NOW)
        # DAF's head acts for DGE's head, under whom the author works.
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=house.post("DGE-C"), person_id=house.who("daf").person_id,
                from_on=TODAY, until_on=TODAY, act="Note n° 4",
            )
        )  # fmt: skip
    with house.services.reading() as session:
        draft = session.get_one(Draft, mail_id)
        assert book.author_post(draft, house.who("daf")).post_id == house.post("DGE-C")
        with pytest.raises(Forbidden, match=r"draft\.not_author"):
            book.author_post(draft, house.who("agent"))
    assert house.show(mail_id, "daf").may.hand_in


def test_what_cannot_be_printed_is_told_when_it_is_typed(house: House) -> None:
    mail_id = house.answer()
    row = house.show(mail_id, "dge")
    with pytest.raises(GedError) as refused:
        drafts.save(
            house.services, mail_id, form_of(row, body="Un idéogramme : 漢"), version=row.version,
            actor=house.who("dge"), now=NOW,
        )  # fmt: skip
    assert refused.value.code == "typeset.glyph_near"
    assert {name: refused.value.params[name] for name in ("field", "character", "near")} == {
        "field": "body", "character": "漢", "near": "Un idéogramme : 漢",
    }  # fmt: skip


def test_markup_in_a_letter_stays_text(house: House) -> None:
    mail_id = house.answer()
    row = house.show(mail_id, "dge")
    body = '#import "x.typ" *gras* $x^2$ @ref <a> // rien\n\n- {civilite} \\ fin'
    drafts.save(house.services, mail_id, form_of(row, body=body), version=row.version, actor=house.who("dge"), now=NOW)
    # Light marks are the writer's own; all other characters are plain letters.
    assert house.show(mail_id, "dge").body == body.replace("*gras*", "gras")


def test_the_letter_follows_its_draft(house: House) -> None:
    mail_id = house.answer()
    with house.services.reading() as session:
        mail, draft = session.get_one(Mail, mail_id), session.get_one(Draft, mail_id)
        assert mail.subject == "Suite favorable : Demande de raccordement"
        assert mail.addressee == CEET.name
        assert draft.answers_id is not None
        assert MailId(mail.id) == mail_id


def abandon(house: House, mail_id: int, by: str, reason: str = "Sans objet") -> None:
    version = house.show(mail_id, "dge").version
    with house.services.unit_of_work(NOW) as uow:
        operations.abandon(uow, mail_id, reason=reason, version=version, actor=house.who(by))


def test_the_author_gives_a_letter_up_before_it_has_a_number(house: House) -> None:
    mail_id = house.answer()
    with pytest.raises(Invalid, match=r"draft\.abandon_reason"):
        abandon(house, mail_id, "dge", reason="  ")
    with pytest.raises((Forbidden, NotFound)):
        abandon(house, mail_id, "agent")
    abandon(house, mail_id, "dge")
    row = house.show(mail_id, "dge")
    assert row.state is MailState.VOIDED
    assert row.number == ""
    assert (row.entries[-1].act, row.entries[-1].text) == (CircuitAct.ABANDON, "Sans objet")
    assert not any((row.may.write, row.may.hand_in, row.may.abandon, row.may.recall))
    with house.services.reading() as session:
        assert mail_id not in [one.mail_id for one in queries.signature_book(session, house.who("dge")).mine]
    with pytest.raises(InvalidTransition, match=r"mail\.wrong_state"):
        abandon(house, mail_id, "dge")


def test_a_letter_given_up_in_the_circuit_leaves_every_list_and_its_visas_end(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    with house.services.reading() as session:
        assert queries.waiting_count(session, house.who("etudes")) == 1
        # The navigation looks at the letters only if one has a post of the person in its circuit.
        among = (queries.count_in_circuit,)
        assert [counted(session, house.who(one), among) for one in ("etudes", "daf", "agent")] == [(1,), (1,), (0,)]
        assert queries.waiting_count(session, house.who("daf")) == 0, "its visa is given"
    abandon(house, mail_id, "dge", reason="Le demandeur s'est désisté")
    with house.services.reading() as session:
        assert queries.waiting_count(session, house.who("etudes")) == 0
        assert counted(session, house.who("etudes"), (queries.count_in_circuit,)) == (0,)
        [notice] = queries.signature_book(session, house.who("daf")).notices
    assert notice.text == "Le demandeur s'est désisté"
    assert all(entry.is_cancelled for entry in house.show(mail_id, "dge").entries if entry.act is CircuitAct.VISA)
