"""A letter that a head holds back is on no slip of disposal; the text of a letter that was written here goes with its files."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from ged import access
from ged.access import Because
from ged.audit import AuditEntry
from ged.disposal import holds, queries
from ged.disposal.lists import eligible
from ged.disposal.models import LetterHold
from ged.errors import Forbidden, GedError, Invalid, InvalidTransition, NotFound
from ged.org.models import Holding, Person, Post, Unit
from ged.ports import MailId, UnitId, unit_principal
from ged.register.models import Mail
from ged.register.states import MailState
from ged.signbook.models import Draft, DraftVersion
from ged.unit import Services
from ged.verify import verify
from tests import transfer_kit
from tests.destroyed_kit import carry_out, confirm, decided, keyed, letter, over, propose
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.figure_site import plain
from tests.site import make_site, post, sign_in
from tests.together_kit import together


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = keyed(make_services(tmp_path, url=either_database), tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def unit_of(services: Services, code: str) -> UnitId:
    with services.reading() as session:
        return UnitId(session.scalars(select(Unit.id).where(Unit.code == code)).one())


def hold(services: Services, mail: MailId, who: str = "dge", *, reason: str = "Procès en cours") -> None:
    with services.unit_of_work(NOW) as uow:
        holds.hold(uow, mail, reason=reason, actor=actor(services, who))


def lift(services: Services, mail: MailId, who: str = "dge") -> None:
    with services.unit_of_work(NOW) as uow:
        holds.lift(uow, mail, actor=actor(services, who))


def proposed(services: Services) -> list[int]:
    with services.reading() as session:
        one = actor(services, "dge")
        found = eligible(session, int(one.posts[0].unit_id), one, on=TODAY, zone=services.zone)
        return [line.mail_id for line in found]


def test_a_held_letter_is_on_no_slip_until_the_hold_is_lifted(services: Services) -> None:
    held, other = letter(services, "Gelée"), letter(services, "Libre")
    over(services, [held, other])
    hold(services, held)
    assert proposed(services) == [other]
    with services.reading() as session:
        found = holds.of_letter(session, held)
        assert holds.of_letter(session, other) is None
        unit = session.execute(select(Unit.id, Unit.name).where(Unit.code == "DGE")).one()
    assert found == holds.Hold("Procès en cours", "Dge", NOW, *unit)
    with pytest.raises(InvalidTransition, match=r"hold\.standing"):
        hold(services, held)
    lift(services, held, "sg")
    with pytest.raises(InvalidTransition, match=r"hold\.none"):
        lift(services, held)
    assert set(proposed(services)) == {held, other}
    hold(services, held)
    assert proposed(services) == [other], "again"
    with services.reading() as session:
        said = select(AuditEntry.action).where(AuditEntry.action.in_(["mail.held", "mail.hold_lifted"]))
        assert list(session.scalars(said.order_by(AuditEntry.sequence))) == [
            "mail.held",
            "mail.hold_lifted",
            "mail.held",
        ]


def test_who_heads_a_unit_below_does_not_lift_the_hold_of_an_authority(services: Services) -> None:
    """It may stand for a court's order. Another one who speaks for that unit does."""
    mail = letter(services, "Gelée")
    over(services, [mail])
    hold(services, mail, "sg", reason="Ordonnance du juge d'instruction")
    with pytest.raises(Forbidden, match=r"hold\.above"):
        lift(services, mail, "dge")
    assert proposed(services) == []
    with services.reading() as session:
        panels = [queries.panel(session, mail, actor(services, one), now=NOW) for one in ("dge", "sg")]
    assert [(one.may_hold, one.may_lift) for one in panels if one] == [(True, False), (True, True)]
    lift(services, mail, "sg")
    assert proposed(services) == [mail]
    hold(services, mail, "sg")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(LetterHold).values(held_unit_id=None))
    lift(services, mail, "dge")
    assert proposed(services) == [mail], "a hold of a release that did not note in whose name it was"


@pytest.mark.parametrize("is_part", [True, False])
def test_a_hold_of_what_was_above_is_lifted_by_the_top_of_the_new_entity(services: Services, is_part: bool) -> None:
    """The unit of the letter became an entity of its own, or came into another one: nobody speaks for it and for the ministry."""
    mail = letter(services, "Gelée")
    over(services, [mail])
    hold(services, mail, "sg", reason="Ordonnance du juge d'instruction")
    with services.unit_of_work(NOW) as uow:
        unit = uow.session.scalars(select(Unit).where(Unit.code == "DGE")).one()
        if is_part:
            daf = uow.session.scalars(select(Unit).where(Unit.code == "DAF")).one()
            unit.parent_id, daf.is_entity = daf.id, True
        else:
            unit.is_entity = True
    with pytest.raises(GedError):
        lift(services, mail, "sg")
    if is_part:
        with pytest.raises(Forbidden, match=r"hold\.above"):
            lift(services, mail, "dge")
        with services.unit_of_work(NOW) as uow:
            access.grant(uow, mail, [unit_principal(unit_of(services, "DAF"))], Because.SHARED)
    lift(services, mail, "daf" if is_part else "dge")
    with services.reading() as session:
        assert holds.of_letter(session, mail) is None


def test_a_hold_stands_in_the_name_of_no_unit_of_another_entity(services: Services) -> None:
    """Whoever heads a unit above for a while, too, and holds: later nobody speaks for both."""
    mail = letter(services, "Gelée")
    over(services, [mail])
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Unit).where(Unit.code == "DGE").values(is_entity=True))
        sg = uow.session.scalars(select(Post.id).where(Post.code == "SG-T")).one()
        dge = uow.session.scalars(select(Person.id).where(Person.account == "dge")).one()
        uow.session.add(Holding(post_id=sg, person_id=dge, from_on=date(2026, 1, 1)))
    hold(services, mail, "dge")
    with services.reading() as session:
        found = holds.of_letter(session, mail)
    assert found is not None
    assert found.unit_id == unit_of(services, "DGE")


def test_a_slip_that_waits_with_it_is_not_confirmed(services: Services) -> None:
    mail = letter(services, "Gelée")
    over(services, [mail])
    slip = propose(services)
    hold(services, mail)
    with pytest.raises(Invalid, match=r"disposal\.changed"):
        confirm(services, slip)
    lift(services, mail)
    confirm(services, slip)
    with pytest.raises(InvalidTransition, match=r"mail\.destroyed"):
        hold(services, mail)


@pytest.mark.parametrize(("who", "refusal"), [("daf", NotFound), ("agent", Forbidden), ("secretaire", GedError)])
def test_who_does_not_hold(services: Services, who: str, refusal: type[GedError]) -> None:
    mail = letter(services, "Gelée")
    over(services, [mail])
    with pytest.raises(refusal):
        hold(services, mail, who)
    with pytest.raises(Invalid, match=r"hold\.reason"):
        hold(services, mail, reason=" ")
    hold(services, mail)
    with pytest.raises(refusal):
        lift(services, mail, who)
    assert proposed(services) == []


def test_of_a_hold_and_a_confirmation_at_one_moment_one_wins(services: Services) -> None:
    for n in range(4):
        mail = letter(services, f"Gelée {n}")
        over(services, [mail])
        slip = propose(services)
        results = together(lambda slip=slip: confirm(services, slip), lambda mail=mail: hold(services, mail))  # type: ignore[misc]
        codes = [one.code for one in results if isinstance(one, GedError)]
        assert codes in (["disposal.changed"], ["mail.destroyed"])


def test_the_letter_s_page_holds_and_lifts(tmp_path: Path) -> None:
    app, services = make_site(tmp_path, services=keyed(make_services(tmp_path), tmp_path))
    mail = letter(services, "Affaire au tribunal")
    dge = sign_in(app, "dge")
    assert "Geler" not in dge.get(f"/courriers/{mail}").text, "it is at work"
    over(services, [mail])
    assert "Geler l'élimination" in dge.get(f"/courriers/{mail}").text
    refused = post(dge, f"/eliminations/courriers/{mail}/geler", {"reason": ""})
    assert refused.status_code == 422
    assert 'id="reason-error"' in refused.text
    long = "Procès devant le tribunal de Lomé. " * 9
    refused = post(dge, f"/eliminations/courriers/{mail}/geler", {"reason": long})
    assert refused.status_code == 422
    assert "Ce texte est trop long : 300 caractères au plus." in refused.text
    assert f'value="{long.strip()}' in refused.text, "what was typed comes back"
    assert "Affaire au tribunal" not in refused.text, "the page is no reading of the letter"
    assert post(sign_in(app, "agent"), f"/eliminations/courriers/{mail}/geler", {"reason": ""}).status_code == 403
    assert (
        post(dge, f"/eliminations/courriers/{mail}/geler", {"reason": "Tribunal de Lomé"}).location
        == f"/courriers/{mail}"
    )
    refused = post(sign_in(app, "sg"), f"/eliminations/courriers/{mail}/geler", {"reason": "Ordonnance du juge"})
    assert refused.status_code == 409
    assert "Tribunal de Lomé" in refused.text, "why another head holds it already"
    assert "Votre motif n'est pas enregistré : Ordonnance du juge" in plain(refused.text)
    assert ">Geler<" not in refused.text, "nothing is offered that would be refused again"
    page = dge.get(f"/courriers/{mail}").text
    assert "Tribunal de Lomé" in page
    assert "Lever le gel" in page
    assert sign_in(app, "agent").get(f"/courriers/{mail}").text.count("Lever le gel") == 0
    post(dge, f"/eliminations/courriers/{mail}/degeler", {})
    assert "Geler l'élimination" in dge.get(f"/courriers/{mail}").text
    post(sign_in(app, "sg"), f"/eliminations/courriers/{mail}/geler", {"reason": "Ordonnance du juge"})
    page = dge.get(f"/courriers/{mail}").text
    assert "Lever le gel" not in page
    assert "Il est gelé au nom d'un service au-dessus du vôtre : Ministère." in plain(page)
    refused = post(dge, f"/eliminations/courriers/{mail}/degeler", {}, follow_redirects=True)
    assert "Ce courrier est gelé au nom d'un service au-dessus du vôtre." in plain(refused.text)
    services.engine.dispose()


def test_the_text_of_a_letter_that_was_written_here_goes_too(tmp_path: Path, either_database: str | None) -> None:
    house = transfer_kit.make_two(tmp_path, url=either_database)
    house.services = keyed(house.services, tmp_path)
    services = house.services
    with services.reading() as session:
        signed = MailId(session.scalars(select(Mail.id).where(Mail.state == MailState.SIGNED)).one())
        before = session.scalars(select(DraftVersion).where(DraftVersion.mail_id == signed)).all()
        kept = [(one.version_no, one.written_by_id, one.written_at, one.subject) for one in before]
        assert all(one.body for one in before)
        assert session.get_one(Draft, signed).letter["body"]
    with pytest.raises(IntegrityError, match="these rows are held"), services.unit_of_work(NOW) as uow:
        uow.session.execute(update(DraftVersion).where(DraftVersion.mail_id == signed).values(body="autre texte"))
    with pytest.raises(IntegrityError, match="these rows are held"), services.unit_of_work(NOW) as uow:
        uow.session.execute(update(DraftVersion).where(DraftVersion.mail_id == signed).values(copies=[["x", "", ""]]))
    for digest, _ in services.blobs.digests():
        services.blobs.encrypt(digest)  # type: ignore[attr-defined]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id != signed).values(state=MailState.CLOSED, closed_at=NOW))
    decided(services, [signed])
    assert carry_out(services) == 1
    with services.reading() as session:
        after = session.scalars(select(DraftVersion).where(DraftVersion.mail_id == signed)).all()
        assert [(one.version_no, one.written_by_id, one.written_at, one.subject) for one in after] == kept
        assert {(one.body, one.rich) for one in after} == {("", "")}
        assert session.get_one(Draft, signed).letter == {}, "of which its pages were set"
    assert verify(services, now=transfer_kit.LATER).problems == ()
    services.engine.dispose()
