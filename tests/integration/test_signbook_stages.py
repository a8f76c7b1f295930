"""Visas at one time, and opinions that stop nothing: through the database and the pages."""

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.register.states import MailState
from ged.signbook import drafts, operations, queries
from ged.signbook.models import CircuitAct, NoticeKind, Stance
from tests.factories import NOW
from tests.signbook_kit import House, house
from tests.signbook_site_kit import Site, hidden, opine, site, together

__all__ = ["house", "site"]

pytestmark = pytest.mark.in_turns(3)


def waiting(house: House, account: str) -> tuple[list[int], list[int]]:
    """Letters that wait for an account's visa, and for an account's opinion."""
    with house.services.reading() as session:
        shown = queries.signature_book(session, house.who(account))
    return [row.mail_id for row in shown.visas], [row.mail_id for row in shown.opinions]


def test_two_are_asked_at_once_and_the_next_when_both_have_answered(house: House) -> None:
    mail_id = together(house)
    assert waiting(house, "daf") == ([mail_id], [])
    assert waiting(house, "etudes") == ([], [mail_id])
    assert waiting(house, "agent") == ([], [])
    with house.services.reading() as session:
        (mine,) = queries.signature_book(session, house.who("dge")).mine
    assert [waited.post for waited in mine.waits_for] == ["Poste DAF-C", "Poste ETU-M"]
    # Within a stage any order is allowed; the next stage waits for both.
    opine(house, mail_id, "etudes", Stance.UNFAVOURABLE, "Le réseau est saturé")
    with pytest.raises(InvalidTransition, match=r"circuit\.not_your_turn"):
        house.visa(mail_id, "agent")
    house.visa(mail_id, "daf")
    assert [(s.state, s.stage, s.together) for s in house.show(mail_id, "agent").steps] == [
        ("done", 1, True), ("done", 1, True), ("now", 2, False), ("later", 3, False),
    ]  # fmt: skip
    house.visa(mail_id, "agent")
    shown = house.show(mail_id, "sg")
    assert shown.may.sign
    assert [(s.stance, s.remark) for s in shown.steps if s.stance] == [(Stance.UNFAVOURABLE, "Le réseau est saturé")]
    assert shown.state is MailState.IN_CIRCUIT


def test_an_opinion_gives_reasons_and_no_power_over_the_letter(house: House) -> None:
    mail_id = together(house)
    may = house.show(mail_id, "etudes").may
    assert (may.opine, may.visa, may.refuse, may.write) == (True, False, False, False)
    with pytest.raises(Invalid, match=r"circuit\.opinion_reason"):
        opine(house, mail_id, "etudes", Stance.RESERVED, " ")
    with pytest.raises(InvalidTransition), house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Non", version_no=2, actor=house.who("etudes"))
    with pytest.raises(InvalidTransition):
        house.visa(mail_id, "etudes")
    with pytest.raises(InvalidTransition):
        opine(house, mail_id, "daf", Stance.FAVOURABLE)
    with pytest.raises(Forbidden):
        opine(house, mail_id, "dge", Stance.FAVOURABLE)
    opine(house, mail_id, "etudes", Stance.FAVOURABLE)
    with pytest.raises(InvalidTransition):
        opine(house, mail_id, "etudes", Stance.FAVOURABLE)
    with house.services.reading() as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == mail_id)).all()
    assert actions.count("signbook.opinion") == 1


def test_a_correction_asks_the_opinion_anew_and_tells_who_gave_it(house: House) -> None:
    mail_id = together(house)
    opine(house, mail_id, "etudes", Stance.RESERVED, "À chiffrer")
    row = house.show(mail_id, "daf")
    form = drafts.DraftForm(row.civility, row.subject, "Un autre texte, chiffré.", row.addressees, row.copies)
    saved = drafts.save(house.services, mail_id, form, version=row.version, actor=house.who("daf"), now=NOW)
    assert saved.cancelled == 1
    assert waiting(house, "etudes") == ([], [mail_id])
    with house.services.reading() as session:
        (notice,) = queries.signature_book(session, house.who("etudes")).notices
    assert notice.kind is NoticeKind.VISA_CANCELLED
    (given,) = [e for e in house.show(mail_id, "dge").entries if e.act is CircuitAct.OPINION]
    assert (given.is_cancelled, given.stance) == (True, Stance.RESERVED)


def test_the_author_arranges_it_on_the_page_and_the_signatory_reads_the_opinion(site: Site) -> None:
    mail_id = site.house.answer()
    post = site.house.post
    site.send(
        "dge", f"/projets/{mail_id}/circuit", version=site.house.show(mail_id, "dge").version,
        signatory_post_id=post("SG-T"),
        **{
            "visa-1": post("DAF-C"), "kind-1": "visa", "visa-2": "", "visa-3": post("ETU-M"), "kind-3": "opinion",
            "with-3": "1", "visa-4": post("BO-A"), "kind-4": "visa",
        },
    )  # fmt: skip
    asked = site.house.show(mail_id, "dge").asked
    assert [(step.stage, step.kind.value) for step in asked] == [(1, "visa"), (1, "opinion"), (2, "visa")]
    page = site.get("dge", f"/projets/{mail_id}")
    assert 'name="with-2" value="1" checked' in page
    site.house.submit(mail_id)
    assert "Poste DAF-C<br>Poste ETU-M" in site.get("dge", "/parapheur/")
    assert f"/parapheur/{mail_id}" in site.get("etudes", "/parapheur/")
    page = site.get("etudes", f"/parapheur/{mail_id}")
    assert "Donner mon avis" in page
    assert "Renvoyer à l'auteur" not in page
    sent = {"version_no": hidden(page, "version_no"), "stance": "unfavourable"}
    page = site.send("etudes", f"/parapheur/{mail_id}/avis", 422, **sent)
    assert "se motive" in page
    site.send("etudes", f"/parapheur/{mail_id}/avis", opinion="Réseau <saturé>", **sent)
    site.house.visa(mail_id, "daf")
    site.house.visa(mail_id, "agent")
    page = site.get("sg", f"/parapheur/{mail_id}")
    assert "Défavorable" in page
    assert "Réseau &lt;saturé&gt;" in page
