"""Natures, mentions and templates of letters: an entity's own rows stand before those of the common stock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.errors import Invalid, NotFound
from ged.natures import queries as natures
from ged.natures.models import Nature, NatureStep
from ged.natures.steps import StepKind
from ged.notices import date_reminders
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.org.stock import entities_of
from ged.ports import UnitId
from ged.register.models import Direction, Mail
from ged.routing import choices
from ged.routing import queries as routing
from ged.routing.models import Mention
from ged.routing.operations import ImputationForm, impute
from ged.signbook import drafts, queries
from ged.signbook.models import LetterTemplate
from ged.unit import Role, Services
from ged.workbook.merging import merge
from ged.workbook.operations import bring_to
from ged.workbook.state import organisation_now
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import post_id, register, unit_id

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(tmp_path: Path, either_database: str | None) -> Iterator[Services]:
    """The ministry, and under it an entity with an author (``ceet``); each has a nature, a mention, a template of one code."""
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        top = uow.session.scalars(select(Unit).where(Unit.code == "MIN")).one()
        entity = Unit(code="CEET", name="CEET", is_entity=True, parent_id=top.id)
        uow.session.add(entity)
        uow.session.flush()
        roles = (Role.CLERK, Role.AUTHORITY, Role.SIGNATORY, Role.HEAD)
        post = Post(code="CEET-D", title="Direction", unit_id=entity.id, roles=[PostRole(role=one) for one in roles])
        person = Person(account="ceet", name="Ceet")
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
        for owner, told in ((None, "commune"), (entity.id, "de la CEET")):
            uow.session.add_all(
                [
                    Mention(code="avis", label=f"Avis {told}", entity_id=owner, reminder="1/1/1" if owner else ""),
                    LetterTemplate(
                        code="lettre", title=f"Lettre {told}", subject="Objet", body=f"Corps {told}", entity_id=owner
                    ),
                    Nature(code="demande", name=f"Demande {told}", direction=Direction.INCOMING, entity_id=owner),
                    Nature(
                        code="lettre", name=f"Lettre {told}", direction=Direction.OUTGOING, entity_id=owner,
                        signatory_post_id=post.id if owner else post_id(made, "SG-T"), reminders=[-1] if owner else [3],
                        steps=[NatureStep(position=1, stage=1, kind=StepKind.VISA, is_compulsory=True)] if owner else [],
                    ),
                ]
            )  # fmt: skip
        uow.session.add(Mention(code="suite", label="Suite commune", position=2))
        uow.session.add(
            LetterTemplate(code="note", title="Note de la CEET", subject="O", body="C", entity_id=entity.id)
        )
    yield made
    made.engine.dispose()


def test_each_entity_is_offered_its_own_and_what_it_does_not_replace(services: Services) -> None:
    ours, theirs = (entities_of(actor(services, account)) for account in ("dge", "ceet"))
    with services.reading() as session:
        assert choices.mention_choices(session, ours) == [("avis", "Avis commune"), ("suite", "Suite commune")]
        assert choices.mention_choices(session, theirs) == [("avis", "Avis de la CEET"), ("suite", "Suite commune")]
        assert [one.title for one in queries.templates(session, ours)] == ["Lettre commune"]
        assert {one.title for one in queries.templates(session, theirs)} == {"Lettre de la CEET", "Note de la CEET"}
        for own, told in ((ours, "commune"), (theirs, "de la CEET")):
            assert [one.name for one in natures.offered(session, Direction.INCOMING, own)] == [f"Demande {told}"]
            assert natures.names(session, own, [*ours, *theirs])["lettre"] == f"Lettre {told}"
            assert (
                routing.mention_labels(session, actor(services, "dge" if own is ours else "ceet"))["avis"]
                == f"Avis {told}"
            )
        assert natures.find(session, "demande", unit_id(services, "ETU")).name == "Demande commune"  # type: ignore[union-attr]
        assert natures.find(session, "demande", unit_id(services, "CEET")).name == "Demande de la CEET"  # type: ignore[union-attr]


def test_the_circuit_and_the_reminders_are_those_of_the_letters_entity(services: Services) -> None:
    with services.reading() as session:
        own = natures.model_for(session, "lettre", unit_id=unit_id(services, "CEET"), author_post_id=None)
        common = natures.model_for(session, "lettre", unit_id=unit_id(services, "DGE"), author_post_id=None)
        days = natures.reminder_days(session)
    assert own is not None
    assert common is not None
    assert own.signatory == post_id(services, "CEET-D")
    assert common.signatory == post_id(services, "SG-T")
    assert days[unit_id(services, "CEET"), "lettre"] == (-1,)
    assert days[None, "lettre"] == (3,)


def test_a_draft_begins_with_the_template_of_its_own_entity(services: Services) -> None:
    for account, told in (("dge", "commune"), ("ceet", "de la CEET")):
        with services.unit_of_work(NOW) as uow:
            mail_id = drafts.draft_new(uow, "lettre", actor=actor(services, account), now=NOW, nature="lettre")
        with services.reading() as session:
            assert f"Corps {told}" in queries.letter(session, mail_id, actor(services, account), on=TODAY).body
    with pytest.raises(NotFound), services.unit_of_work(NOW) as uow:
        drafts.draft_new(uow, "note", actor=actor(services, "dge"), now=NOW)


def test_a_mention_of_another_entity_is_not_ticked(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Mention(code="propre", label="Propre à la CEET", entity_id=unit_id(services, "CEET")))
    mail_id = register(services).mail_id
    form = ImputationForm(UnitId(unit_id(services, "DGE")), (), ("propre",))
    with pytest.raises(Invalid) as found, services.unit_of_work(NOW) as uow:
        impute(uow, mail_id, form, version=None, actor=actor(services, "sg"), now=NOW)
    assert found.value.code == "impute.mention"


def test_a_reminder_follows_the_mention_of_the_letters_entity(services: Services) -> None:
    mail_id = register(services).mail_id
    form = ImputationForm(UnitId(unit_id(services, "DGE")), (), ("avis",), due_on=date(2026, 11, 25))
    with services.unit_of_work(NOW) as uow:
        impute(uow, mail_id, form, version=None, actor=actor(services, "sg"), now=NOW)
    with services.reading() as session:
        assert (
            date_reminders._batch(session, "-", TODAY, 0)[1] == []
        )  # the common mention has no rule, and the default is none
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mail_id).unit_id = unit_id(services, "CEET")
    with services.reading() as session:
        assert len(date_reminders._batch(session, "-", TODAY, 0)[1]) == 1


def test_a_code_stands_once_in_a_list(services: Services) -> None:
    for owner in (None, unit_id(services, "CEET")):
        with pytest.raises(Exception, match=r"(?i)unique"), services.unit_of_work(NOW) as uow:
            uow.session.add(Mention(code="avis", label="Encore", entity_id=owner))


def test_the_workbook_reads_and_writes_the_entity_of_a_row(services: Services) -> None:
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    assert {(one.entity, one.code) for one in now.mentions} == {(None, "avis"), ("CEET", "avis"), (None, "suite")}
    names = ["Code", "Libellé", "Entité"]
    merged = merge(
        now, {"Mentions": [names, ["avis", "Avis changé", "CEET"], ["suite", "Suite de la CEET", "CEET"]],
              "Circuits": [["Nature", "Poste", "Étape", "Entité"], ["lettre", "CEET-D", "signature", "CEET"]]},
    )  # fmt: skip
    assert merged.findings == ()
    assert merged.file is not None
    with services.unit_of_work(NOW) as uow:
        changes = bring_to(uow, merged.file, on=TODAY)
    told = {(one.action, one.kind, one.code) for one in changes if one.kind in ("mentions", "natures")}
    assert told >= {("changed", "mentions", "avis"), ("added", "mentions", "suite")}
    with services.reading() as session:
        rows = {(one.entity_id, one.code): one.label for one in session.scalars(select(Mention))}
        again = organisation_now(session, on=TODAY)
    ceet = unit_id(services, "CEET")
    assert rows[None, "avis"] == "Avis commune"
    assert (rows[ceet, "avis"], rows[ceet, "suite"]) == ("Avis changé", "Suite de la CEET")
    assert next(one for one in again.natures if one.entity == "CEET" and one.code == "lettre").circuit.steps == ()  # type: ignore[union-attr]
    with services.unit_of_work(NOW) as uow:
        assert [one for one in bring_to(uow, again, on=TODAY) if one.action != "left"] == []


def test_wrong_entities_in_the_workbook_are_found(services: Services) -> None:
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    names = ["Code", "Libellé", "Entité"]
    rows = [names, ["a", "A", "NULLE"], ["b", "B", "DGE"], ["avis", "Avis", "CEET"], ["avis", "Avis", "CEET"]]
    natures_of = [["Code", "Nom", "Sens", "Mentions", "Entité"], ["n", "N", "arrivée", "propre", ""]]
    own = [*rows, ["propre", "Propre", "CEET"]]
    merged = merge(now, {"Mentions": own, "Natures": natures_of})
    assert [(one.sheet, one.row, one.code) for one in merged.findings] == [
        ("Mentions", 2, "workbook.unknown"), ("Mentions", 3, "workbook.no_entity"), ("Mentions", 5, "workbook.twice"),
        ("Natures", 2, "workbook.unknown"),
    ]  # fmt: skip
