"""Return to an earlier visa, and withdrawal of one's act until the next person has acted."""

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.natures.circuit import one_by_one
from ged.natures.steps import StepKind
from ged.register.states import MailState
from ged.signbook import drafts, operations, queries, second_thoughts
from ged.signbook.models import CircuitAct, NoticeKind, Stance
from tests.factories import NOW
from tests.signbook_kit import House, house
from tests.signbook_site_kit import Site, arranged, hidden, opine, site, together

__all__ = ["house", "site"]

pytestmark = pytest.mark.in_turns(3)


def send_back(house: House, mail_id: int, account: str, to: str | None, reason: str = "Citer le décret") -> None:
    version_no = house.version_no(mail_id)
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(
            uow, mail_id, reason=reason, version_no=version_no, actor=house.who(account),
            to=house.post(to) if to else None,
        )  # fmt: skip


def take_back(house: House, mail_id: int, account: str) -> CircuitAct:
    with house.services.unit_of_work(NOW) as uow:
        return second_thoughts.take_back(uow, mail_id, actor=house.who(account))


def states(house: House, mail_id: int) -> list[str]:
    return [step.state for step in house.show(mail_id, "dge").steps]


def told(house: House, account: str) -> list[tuple[NoticeKind, str]]:
    with house.services.reading() as session:
        return [(n.kind, n.text) for n in queries.signature_book(session, house.who(account)).notices]


def test_the_signatory_sends_it_back_to_the_first_visa_which_alone_is_asked_anew(house: House) -> None:
    mail_id = house.ready()
    assert [s.is_earlier for s in house.show(mail_id, "sg").steps] == [True, True, False]
    with pytest.raises(Invalid, match=r"circuit\.not_earlier"):
        send_back(house, mail_id, "sg", "BO-A")
    send_back(house, mail_id, "sg", "DAF-C")
    assert states(house, mail_id) == ["now", "done", "later"]
    shown = house.show(mail_id, "daf")
    assert (shown.state, shown.refusal.text, shown.refusal.to) == (
        MailState.IN_CIRCUIT, "Citer le décret", "Poste DAF-C",
    )  # fmt: skip
    assert told(house, "daf") == [(NoticeKind.SENT_BACK, "Citer le décret")]
    # Given again without changes, it returns directly to the sender: the visas between were given on this text.
    house.visa(mail_id, "daf")
    assert states(house, mail_id) == ["done", "done", "now"]
    assert house.show(mail_id, "sg").refusal.text == ""
    with house.services.reading() as session:
        found = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == mail_id)).all()
    assert {"signbook.send_back", "signbook.visa_cancelled"} <= set(found)


def test_only_visas_of_stages_before_can_be_sent_back_to(house: House) -> None:
    mail_id = together(house)
    house.visa(mail_id, "daf")
    opine(house, mail_id, "etudes", Stance.RESERVED, "À chiffrer")
    # The opinion of the earlier stage is read, not asked for again.
    assert [s.is_earlier for s in house.show(mail_id, "agent").steps] == [True, False, False, False]
    with pytest.raises(Invalid, match=r"circuit\.not_earlier"):
        send_back(house, mail_id, "agent", "ETU-M")
    send_back(house, mail_id, "agent", "DAF-C")
    assert states(house, mail_id) == ["now", "done", "later", "later"]


def test_a_visa_is_taken_back_until_the_next_person_acts(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    assert house.show(mail_id, "daf").may.take_back is None
    house.visa(mail_id, "daf")
    assert house.show(mail_id, "daf").may.take_back is CircuitAct.VISA
    with pytest.raises(InvalidTransition, match=r"circuit\.nothing_to_take_back"):
        take_back(house, mail_id, "etudes")
    assert take_back(house, mail_id, "daf") is CircuitAct.VISA
    assert states(house, mail_id) == ["now", "later", "later"]
    # No act that counts was done since: the author may recall it again.
    assert house.show(mail_id, "dge").may.recall
    house.visa(mail_id, "daf")
    house.visa(mail_id, "etudes")
    with pytest.raises(InvalidTransition, match=r"circuit\.nothing_to_take_back"):
        take_back(house, mail_id, "daf")
    take_back(house, mail_id, "etudes")
    take_back(house, mail_id, "daf")
    assert states(house, mail_id) == ["now", "later", "later"]


def test_who_acts_beside_is_not_the_next_person(house: House) -> None:
    mail_id = together(house)
    house.visa(mail_id, "daf")
    opine(house, mail_id, "etudes", Stance.FAVOURABLE)
    assert take_back(house, mail_id, "daf") is CircuitAct.VISA
    assert states(house, mail_id) == ["now", "done", "later", "later"]
    house.visa(mail_id, "daf")
    house.visa(mail_id, "agent")
    for account in ("daf", "etudes"):
        assert house.show(mail_id, account).may.take_back is None


def test_a_refusal_taken_back_never_happened(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    send_back(house, mail_id, "etudes", None)
    assert house.show(mail_id, "etudes").may.take_back is CircuitAct.REFUSE
    assert take_back(house, mail_id, "etudes") is CircuitAct.REFUSE
    assert (house.show(mail_id, "etudes").state, states(house, mail_id)) == (
        MailState.IN_CIRCUIT, ["done", "now", "later"],
    )  # fmt: skip
    assert told(house, "dge") == []
    send_back(house, mail_id, "etudes", "DAF-C")
    assert take_back(house, mail_id, "etudes") is CircuitAct.SEND_BACK
    assert (states(house, mail_id), told(house, "daf")) == (["done", "now", "later"], [])


@pytest.mark.parametrize("what", ["text", "circuit", "handed in"])
def test_a_refusal_stands_once_the_author_went_on(house: House, what: str) -> None:
    mail_id = house.answer()
    house.submit(mail_id)
    send_back(house, mail_id, "daf", None)
    row, dge = house.show(mail_id, "dge"), house.who("dge")
    if what == "text":
        form = drafts.DraftForm(row.civility, row.subject, "Autre texte.", row.addressees, row.copies)
        drafts.save(house.services, mail_id, form, version=row.version, actor=dge, now=NOW)
    elif what == "circuit":
        with house.services.unit_of_work(NOW) as uow:
            asked = one_by_one([house.post("DAF-C")])
            drafts.set_circuit(uow, mail_id, asked, house.post("SG-T"), version=row.version, actor=dge)
        assert house.show(mail_id, "dge").entries[0].act is CircuitAct.CIRCUIT
    else:
        house.submit(mail_id)
    with pytest.raises(InvalidTransition, match=r"circuit\.nothing_to_take_back"):
        take_back(house, mail_id, "daf")


def test_nothing_is_taken_back_from_a_letter_with_its_number(house: House) -> None:
    mail_id = house.ready()
    house.sign(mail_id, key=house.key("sg"))
    for account in ("sg", "etudes"):
        with pytest.raises((InvalidTransition, Forbidden)):
            take_back(house, mail_id, account)


def test_on_the_page_the_choice_is_between_the_author_and_the_visas_given(site: Site) -> None:
    mail_id = arranged(site.house, ("DAF-C", 1, StepKind.VISA), ("ETU-M", 2, StepKind.VISA))
    letter = f"/parapheur/{mail_id}"
    page = site.get("daf", letter)
    assert 'name="to"' not in page
    site.send("daf", f"{letter}/viser", version_no=hidden(page, "version_no"))
    page = site.get("daf", letter)
    assert "Retirer mon visa" in page
    page = site.get("etudes", letter)
    assert f'name="to" value="{site.house.post("DAF-C")}"' in page
    site.send("etudes", f"{letter}/refuser", version_no=2, reason="Un <i>chiffre</i>", to=site.house.post("DAF-C"))
    page = site.get("daf", "/parapheur/")
    assert "Un &lt;i&gt;chiffre&lt;/i&gt;" in page
    assert "Ce projet est renvoyé à" in site.get("daf", letter)
    site.send("etudes", f"{letter}/remords")
    assert site.house.show(mail_id, "daf").may.take_back is CircuitAct.VISA
    site.send("daf", f"{letter}/remords")
    assert site.send("daf", f"{letter}/remords", 409).count("la personne suivante a agi")
