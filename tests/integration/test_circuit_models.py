"""Circuits by nature: the proposed steps, the compulsory ones, and what a refuser and the signatory are told."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Invalid
from ged.natures.circuit import Step
from ged.natures.models import Nature, NatureStep
from ged.natures.steps import StepKind
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import MailId
from ged.register.models import Direction, Mail
from ged.signbook import book, choosing, drafts, operations, presign, queries
from ged.signbook.drafts import DraftForm
from ged.signbook.models import NoticeKind
from ged.unit import Role
from tests.factories import NOW, TODAY
from tests.signbook_kit import CEET, House
from tests.signbook_kit import house_on_either as house
from tests.signbook_site_kit import Site, hidden, site

__all__ = ["house", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)
VISA, OPINION = StepKind.VISA, StepKind.OPINION


def model(house: House, *, code: str = "marche", head: bool = False) -> None:
    """A nature whose letters need the visa of DAF, and one without compulsory steps."""
    with house.services.unit_of_work(NOW) as uow:
        steps = [NatureStep(position=1, stage=1, kind=VISA, post_id=house.post("DAF-C"), is_compulsory=True)]
        if head:
            steps.append(NatureStep(position=2, stage=2, kind=VISA, post_id=None, is_compulsory=True))
        uow.session.add(
            Nature(
                code=code, name="Marché", direction=Direction.OUTGOING, signatory_post_id=house.post("SG-T"),
                position=1, steps=steps,
            )
        )  # fmt: skip
        uow.session.add(Nature(code="simple", name="Lettre simple", direction=Direction.OUTGOING, position=2))


def circuit(house: House, mail_id: int, *posts: str, author: str = "dge", kind: StepKind = VISA) -> None:
    steps = [Step(house.post(code), n, kind) for n, code in enumerate(posts, start=1)]
    with house.services.unit_of_work(NOW) as uow:
        version = house.version(mail_id)
        drafts.set_circuit(uow, mail_id, steps, house.post("SG-T"), version=version, actor=house.who(author))


def call(house: House, mail_id: int, code: str, *, author: str = "dge", take: bool | None = False) -> None:
    """Say of which nature a letter is; ``take``: what its author said of the circuit, None when nobody was asked."""
    with house.services.unit_of_work(NOW) as uow:
        version = house.version(mail_id)
        drafts.set_nature(uow, mail_id, code, version=version, take_circuit=take, actor=house.who(author))


def stands(house: House, mail_id: int, author: str = "dge") -> tuple[list[tuple[str, int]], str | None]:
    """The circuit of a letter: its posts with their stages, and its signatory."""
    row = house.show(mail_id, author)
    with house.services.reading() as session:
        codes = {post.id: post.code for post in session.scalars(select(Post))}
    signatory = codes[row.signatory_post_id] if row.signatory_post_id is not None else None
    return [(codes[one.post_id], one.stage) for one in row.asked], signatory


def begun(house: House, nature: str = "", account: str = "dge") -> MailId:
    with house.services.unit_of_work(NOW) as uow:
        return drafts.draft_new(uow, "", actor=house.who(account), now=NOW, nature=nature)


def refused(house: House, mail_id: int, *, author: str = "dge") -> Invalid:
    with pytest.raises(Invalid) as found:
        house.submit(mail_id, author=author)
    return found.value


def test_a_letter_is_not_handed_in_without_its_nature_and_its_compulsory_visas(house: House) -> None:
    model(house)
    mail_id = house.answer()
    assert refused(house, mail_id).code == "draft.nature_missing"
    call(house, mail_id, "marche")
    circuit(house, mail_id, "ETU-M")
    error = refused(house, mail_id)
    assert (error.code, error.params["nature"]) == ("circuit.compulsory", "Marché")
    assert error.params["posts"] == "Poste DAF-C (Daf) — Direction des affaires financières, Ministère"
    circuit(house, mail_id, "DAF-C", kind=OPINION)
    assert refused(house, mail_id).code == "circuit.compulsory", "an opinion does not replace a visa"
    circuit(house, mail_id, "ETU-M", "DAF-C")
    house.submit(mail_id)


def test_the_circuit_of_the_nature_stands_from_the_beginning_without_the_authors_own_post(house: House) -> None:
    model(house, head=True)
    assert stands(house, begun(house, "simple")) == ([], None)
    assert stands(house, begun(house, "marche", "etudes"), "etudes") == ([("DAF-C", 1), ("DGE-C", 2)], "SG-T")
    assert stands(house, begun(house, "marche", "daf"), "daf") == ([], "SG-T")
    later = begun(house)
    call(house, later, "marche", take=None)
    assert stands(house, later) == ([("DAF-C", 1)], "SG-T")
    with house.services.reading() as session:
        said = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "draft.circuit_set")).all()
    assert len(said) == 3


def test_another_nature_replaces_the_circuit_of_the_one_before_and_asks_before_it_replaces_another(
    house: House,
) -> None:
    model(house)
    with house.services.unit_of_work(NOW) as uow:
        step = NatureStep(position=1, stage=1, kind=OPINION, post_id=house.post("ETU-M"), is_compulsory=False)
        uow.session.add(
            Nature(
                code="avis", name="Avis", direction=Direction.OUTGOING, signatory_post_id=house.post("SG-T"),
                position=3, steps=[step],
            )
        )  # fmt: skip
    untouched, chosen = begun(house, "marche"), begun(house, "marche")
    call(house, untouched, "avis", take=None)
    assert stands(house, untouched) == ([("ETU-M", 1)], "SG-T")
    call(house, untouched, "simple", take=None)
    assert stands(house, untouched) == ([("ETU-M", 1)], "SG-T"), "a nature without a circuit asks for none"
    circuit(house, chosen, "BO-A", "DAF-C")
    with pytest.raises(Invalid, match=r"circuit\.replace_asked"):
        call(house, chosen, "avis", take=None)
    assert (house.show(chosen, "dge").nature, stands(house, chosen)[0]) == ("marche", [("BO-A", 1), ("DAF-C", 2)])
    call(house, chosen, "avis", take=False)
    assert stands(house, chosen)[0] == [("BO-A", 1), ("DAF-C", 2)]
    call(house, chosen, "marche", take=True)
    assert stands(house, chosen)[0] == [("DAF-C", 1)]


def test_a_circuit_whose_signatory_signs_no_more_is_left_to_the_author(house: House) -> None:
    model(house)
    with house.services.unit_of_work(NOW) as uow:
        post = uow.session.get_one(Post, house.post("SG-T"))
        post.roles = [role for role in post.roles if role.role is not Role.SIGNATORY]
    assert stands(house, begun(house, "marche")) == ([], None)


def test_neither_another_circuit_nor_another_nature_takes_the_visa_out_later(house: House) -> None:
    model(house)
    mail_id = house.answer()
    call(house, mail_id, "marche")
    house.submit(mail_id)
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Chiffres", version_no=2, actor=house.who("daf"))
    circuit(house, mail_id, "ETU-M")
    assert refused(house, mail_id).code == "circuit.compulsory"
    with pytest.raises(Invalid, match=r"nature\.fixed"):
        call(house, mail_id, "simple")


def test_a_nature_said_while_a_letter_is_in_its_circuit_changes_nothing(house: House) -> None:
    """The entity had no natures when the letter was handed in: the circuit of one would take the place of the visas."""
    mail_id = house.answer()
    circuit(house, mail_id, "ETU-M", "BO-A")
    house.submit(mail_id)
    model(house)
    before = stands(house, mail_id)
    for take in (None, True, False):
        with pytest.raises(Invalid, match=r"draft\.closed"):
            call(house, mail_id, "marche", take=take)
    assert (house.show(mail_id, "dge").nature, stands(house, mail_id)) == ("", before)


def test_nor_does_a_head_who_goes_on_with_the_letter_of_another(house: House) -> None:
    model(house)
    with house.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_new(uow, "", actor=house.who("etudes"), now=NOW, nature="marche")
    circuit(house, mail_id, "BO-A", author="dge")
    assert refused(house, mail_id, author="dge").code == "circuit.compulsory"


def test_who_writes_gives_no_visa_to_the_own_letter_and_a_head_is_found_above(house: House) -> None:
    model(house, head=True)
    with house.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_new(uow, "", actor=house.who("etudes"), now=NOW, nature="marche")
    with house.services.reading() as session:
        draft = book.require(session, mail_id, house.who("etudes"))
        asked = choosing.compulsory(session, draft, house.who("etudes"), on=TODAY)
        (offer,) = choosing.offers(session, draft, house.who("etudes"), on=TODAY)
    assert [text.partition(" ")[2][:5] for text in asked] == ["DAF-C", "DGE-C"]
    assert (offer.way, [step.post_id for step in offer.steps]) == ("model", [house.post("DAF-C"), house.post("DGE-C")])
    with house.services.unit_of_work(NOW) as uow:
        own = drafts.draft_new(uow, "", actor=house.who("daf"), now=NOW, nature="marche")
        uow.session.flush()
        found = choosing.compulsory(
            uow.session, book.require(uow.session, own, house.who("daf")), house.who("daf"), on=TODAY
        )
    assert found == (), "DAF heads its unit: no head stands between it and the ministry"


def test_a_head_who_is_also_named_is_asked_what_the_stricter_step_asks(house: House) -> None:
    with house.services.unit_of_work(NOW) as uow:
        steps = [
            NatureStep(position=1, stage=1, kind=OPINION, post_id=None, is_compulsory=False),
            NatureStep(position=2, stage=2, kind=VISA, post_id=house.post("DGE-C"), is_compulsory=True),
        ]
        uow.session.add(
            Nature(
                code="engagement", name="Engagement", direction=Direction.OUTGOING, position=1, steps=steps,
                signatory_post_id=house.post("SG-T"),
            )
        )  # fmt: skip
    with house.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_new(uow, "", actor=house.who("etudes"), now=NOW, nature="engagement")
        uow.session.flush()
        draft = book.require(uow.session, mail_id, house.who("etudes"))
        (asked,) = choosing.compulsory(uow.session, draft, house.who("etudes"), on=TODAY)
        (offer,) = choosing.offers(uow.session, draft, house.who("etudes"), on=TODAY)
    assert asked.startswith("Poste DGE-C")
    assert offer.steps == (Step(house.post("DGE-C"), 1, VISA),)


def test_a_post_of_a_closed_unit_is_not_asked(house: House) -> None:
    model(house)
    with house.services.unit_of_work(NOW) as uow:
        unit = uow.session.scalars(select(Unit).where(Unit.code == "DAF")).one()
        unit.closed_at = NOW
    mail_id = house.answer()
    call(house, mail_id, "marche")
    circuit(house, mail_id, "ETU-M")
    house.submit(mail_id)


def test_the_last_circuit_of_the_nature_is_offered_first(house: House) -> None:
    model(house)
    first = house.answer()
    call(house, first, "marche")
    circuit(house, first, "ETU-M", "DAF-C")
    house.submit(first)
    with house.services.unit_of_work(NOW) as uow:
        second = drafts.draft_new(uow, "", actor=house.who("dge"), now=NOW, nature="marche")
        third = drafts.draft_new(uow, "", actor=house.who("dge"), now=NOW, nature="simple")

    def ways(mail_id: MailId, account: str = "dge") -> list[str]:
        with house.services.reading() as session:
            draft = book.require(session, mail_id, house.who(account))
            return [offer.way for offer in choosing.offers(session, draft, house.who(account), on=TODAY)]

    assert ways(second) == ["last", "model"], "the last one first"
    assert ways(third) == [], "another nature"
    with house.services.reading() as session:
        draft = book.require(session, second, house.who("dge"))
        last = choosing.offers(session, draft, house.who("dge"), on=TODAY)[0]
    assert last.posts[0] == "Poste ETU-M (Etudes) — Service des études", "the reader's own entity is not repeated"
    assert last.posts[-1].startswith("Poste SG-T")
    with house.services.unit_of_work(NOW) as uow:
        foreign = drafts.draft_new(uow, "", actor=house.who("daf"), now=NOW, nature="marche")
    assert ways(foreign, "daf") == ["model"], "another unit's circuit is not shown"


def test_the_day_of_the_last_circuit_is_the_day_of_the_house(site: Site) -> None:
    house = site.house
    model(house)
    first = house.answer()
    call(house, first, "marche")
    house.submit(first, now=NOW.replace(hour=23, minute=30))
    with house.services.unit_of_work(NOW) as uow:
        second = drafts.draft_new(uow, "", actor=house.who("dge"), now=NOW, nature="marche")
    object.__setattr__(house.services, "zone", ZoneInfo("Africa/Lagos"))  # one hour east of UTC
    assert f"remis le {NOW + timedelta(days=1):%d/%m/%Y}" in site.get("dge", f"/projets/{second}")


def test_who_refused_is_told_whether_the_letter_comes_back_or_goes_on_without_him(house: House) -> None:
    mail_id = house.answer()
    house.submit(mail_id)

    def notices(account: str) -> list[NoticeKind]:
        with house.services.reading() as session:
            return [one.kind for one in queries.signature_book(session, house.who(account)).notices]

    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Chiffres", version_no=2, actor=house.who("daf"))
    house.submit(mail_id)
    assert notices("daf") == [NoticeKind.CAME_BACK]
    with house.services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail_id, reason="Encore", version_no=2, actor=house.who("daf"))
    circuit(house, mail_id, "ETU-M")
    house.submit(mail_id)
    assert notices("daf") == [NoticeKind.CAME_BACK, NoticeKind.WITHOUT_YOU]
    assert notices("sg") == []
    # The next signer reads it on the letter, and in the check before the signature.
    house.visa(mail_id, "etudes")
    assert [text[:11] for text in house.show(mail_id, "sg").withdrawn] == ["Poste DAF-C"]
    checked = presign.check(house.services, mail_id, actor=house.who("sg"), now=NOW)
    told = {finding.error.code: finding.blocks for finding in checked.findings}
    assert told["presign.visas_withdrawn"] is False
    assert told["presign.refused"] is False


def test_a_circuit_that_nobody_changed_has_no_withdrawn_visas(house: House) -> None:
    mail_id = house.ready()
    assert house.show(mail_id, "sg").withdrawn == ()
    codes = [one.error.code for one in presign.check(house.services, mail_id, actor=house.who("sg"), now=NOW).findings]
    assert "presign.visas_withdrawn" not in codes


def test_an_author_takes_an_offered_circuit_on_the_page(site: Site) -> None:
    house = site.house
    model(house)
    page = site.get("dge", "/projets/nouveau")
    assert "Nature du courrier" in page
    place = site.send("dge", "/projets/nouveau", nature="marche")
    page = site.get("dge", place)
    assert "Poste DAF-C (Daf) — Direction des affaires financières, Ministère" in page
    assert "Circuit type de la nature" in page
    assert "Comme la dernière fois" not in page
    assert "C'est le circuit type de « " in page
    typed = {"version": hidden(page, "version"), "nature": "marche", "subject": "Marché", "body": "Texte"}
    site.send("dge", f"{place}/circuit", offer="model", **typed)
    mail_id = int(place.rsplit("/", 1)[1])
    row = house.show(mail_id, "dge")
    assert [step.post_id for step in row.asked] == [house.post("DAF-C")]
    assert (row.body, row.signatory_post_id) == ("Texte", house.post("SG-T")), "what was typed is kept"
    # A circuit without the visa can be saved, but not submitted.
    typed = {**typed, "version": str(row.version), "addressee-rows": "1", "addressee-1-name": "CEET"}
    wrong = site.send(
        "dge", f"{place}/remettre", 422, **typed, **{"visa-1": house.post("ETU-M"), "signatory_post_id": house.post("SG-T")}
    )  # fmt: skip
    assert "un visa ou un avis obligatoire manque au circuit : Poste DAF-C (Daf)" in wrong
    version = house.show(mail_id, "dge").version
    typed["version"] = str(version)
    site.send(
        "dge", f"{place}/remettre", **typed, **{"visa-1": house.post("DAF-C"), "signatory_post_id": house.post("SG-T")}
    )
    page = site.get("dge", site.send("dge", "/projets/nouveau", nature="marche"))
    assert "Comme la dernière fois" in page
    unknown = site.send("dge", "/projets/nouveau", 422, nature="rien")
    assert "Cette nature de courrier n" in unknown


def test_the_page_asks_before_a_nature_replaces_the_circuit_that_was_typed(site: Site) -> None:
    house = site.house
    model(house)
    mail_id = begun(house)
    place = f"/projets/{mail_id}"
    shown = site.get("dge", place)
    typed = {"version": hidden(shown, "version"), "nature": "marche", "subject": "Marché", "body": "Texte"}
    rows = {"visa-1": house.post("ETU-M"), "signatory_post_id": house.post("SG-T")}
    asked = site.send("dge", place, 422, **typed, **rows)
    assert "Garder le circuit choisi" in asked
    assert "Prendre le circuit type : Poste DAF-C (Daf)" in asked
    assert (house.show(mail_id, "dge").nature, stands(house, mail_id)[0]) == ("", [("ETU-M", 1)])
    typed["version"] = hidden(asked, "version")
    site.send("dge", f"{place}/saisie", 200, **typed, **rows, copy_revision="1")
    typed["body"] = "Autre texte"
    asked = site.send("dge", place, 422, **typed, **rows)
    assert "n'est pas dans le projet" not in asked, "its text was saved; only the nature waits for the answer"
    opened = site.get("dge", place)
    assert "n'est pas dans le projet" not in opened
    assert "Votre saisie non enregistrée est reprise" in opened, "the nature that was chosen is not lost with the page"
    typed["version"] = hidden(asked, "version")
    site.send("dge", place, **typed, **rows, nature_circuit="model")
    shown = site.get("dge", place)
    assert "non enregistrée" not in shown
    assert "obligatoires pour « Marché »" in shown, "it names the saved nature, whatever is chosen in the list"
    assert (house.show(mail_id, "dge").nature, stands(house, mail_id)[0]) == ("marche", [("DAF-C", 1)])
    assert "Garder le circuit choisi" not in site.get("dge", place)


def test_a_draft_from_before_shows_the_circuit_of_its_nature_and_keeps_it_with_the_page(site: Site) -> None:
    house = site.house
    mail_id = begun(house)
    model(house)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mail_id).nature = "marche"
    shown = site.get("dge", f"/projets/{mail_id}")
    assert "C'est le circuit type de « " in shown
    assert re.search(rf'<option value="{house.post("DAF-C")}" selected', shown)
    assert stands(house, mail_id) == ([], None), "a page that is looked at writes nothing"


def test_a_nature_said_is_in_the_journal(house: House) -> None:
    model(house)
    mail_id = house.answer()
    call(house, mail_id, "marche")
    call(house, mail_id, "simple")
    with house.services.reading() as session:
        said = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "draft.nature_set")).all()
    assert len(said) == 2


@pytest.mark.parametrize("head", [False, True])
def test_a_secretary_who_writes_as_the_controller_does_not_leave_his_visa_out(house: House, head: bool) -> None:
    """A secretary only prepares. Otherwise nobody of DAF would have seen the letter."""
    model(house, head=head)
    with house.services.unit_of_work(NOW) as uow:
        daf = uow.session.scalars(select(Post).where(Post.code == "DAF-C")).one()
        post = Post(code="DAF-S", title="Secrétaire", unit_id=daf.unit_id, secretary_of_id=daf.id)
        post.roles = [PostRole(role=Role.SECRETARY)]
        person = Person(account="daf.secretaire", name="Secrétaire", clearance=0)
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
    who = house.who("daf.secretaire")
    with house.services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_new(uow, "", actor=who, now=NOW, post_id=house.post("DAF-C"), nature="marche")
    circuit(house, mail_id, "ETU-M", author="daf.secretaire")
    form = DraftForm("Monsieur", "Marché", "Texte.", (CEET,))
    version = house.show(mail_id, "daf.secretaire").version
    drafts.save(house.services, mail_id, form, version=version, actor=who, now=NOW)
    error = refused(house, mail_id, author="daf.secretaire")
    assert error.code == "circuit.compulsory"
    assert str(error.params["posts"]).startswith("Poste DAF-C (Daf)")
    with house.services.reading() as session:
        draft = book.require(session, mail_id, who)
        offered = choosing.offers(session, draft, who, on=TODAY)
        asked = {step.post_id for one in offered if one.way == choosing.MODEL for step in one.steps}
    assert house.post("DAF-C") in asked
    house.submit(mail_id, author="daf")
