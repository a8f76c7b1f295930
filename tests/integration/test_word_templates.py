"""An administrator uploads Word templates: checked, shown as a letter, in versions, for the own entity alone."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import NotFound, StaleVersion
from ged.org.models import Unit
from ged.word.models import WordTemplate
from ged.writing import word, word_templates
from tests.factories import NOW, actor
from tests.word_kit import DOCUMENT, edited, needs_office, parts_of, text_of
from tests.word_site_kit import WordSite

pytestmark = pytest.mark.in_turns(3)

PATH = "/administration/modeles-word/"
SHIPPED = (word.SHIPPED / "lettre.docx").read_bytes()
OURS = edited(SHIPPED, {"Ampliations": "Copies du cabinet"})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WordSite]:
    needs_office()
    made = WordSite(tmp_path)
    yield made
    made.services.engine.dispose()


def entity(site: WordSite) -> str:
    with site.services.reading() as session:
        return str(session.scalars(select(Unit.id).where(Unit.code == "MIN")).one())


def upload(site: WordSite, content: bytes, status: int = 303, **given: str) -> str:
    fields = {"entity": entity(site), "name": "lettre", **given}
    return site.send("admin", PATH, status, word=(BytesIO(content), "modele.docx"), **fields)


def test_a_template_of_the_entity_takes_the_place_of_the_shipped_one_in_versions(site: WordSite) -> None:
    mail_id = site.house.answer()
    assert "Voir les modèles Word" in site.get("admin", "/administration/")
    assert "Aucun modèle déposé" in site.get("admin", PATH)
    upload(site, edited(SHIPPED, {"Ampliations": "Copies communes"}), entity="commun")
    assert b"Copies communes" in parts_of(site.take(mail_id))[DOCUMENT]
    upload(site, edited(SHIPPED, {"Ampliations": "Copies premières"}))
    upload(site, OURS)
    assert b"Copies du cabinet" in parts_of(site.take(mail_id))[DOCUMENT]
    page = site.get("admin", PATH)
    assert (page.count(">proposé<"), page.count(">remplacé<")) == (2, 1)
    # The version that was replaced stays, byte for byte.
    old = site.as_("admin").get(f"{PATH}2/modele.docx")
    assert b"Copies premi" in parts_of(old.data)[DOCUMENT]
    site.send("admin", f"{PATH}3/retirer")
    assert "n'est plus proposé" in site.get("admin", PATH).replace("&#39;", "'")
    assert b"Copies du cabinet" not in parts_of(site.take(mail_id))[DOCUMENT]
    with site.services.reading() as session:
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "word_template")).all()
    assert acts == ["word_template.added"] * 3 + ["word_template.withdrawn"]
    assert "a déposé un modèle Word" in site.get("admin", "/administration/journal")


def test_what_is_wrong_is_said_by_the_name_of_the_field_and_keeps_nothing(site: WordSite) -> None:
    page = upload(site, edited(SHIPPED, {"MERGEFIELD objet": "MERGEFIELD sujet"}), 422, name="Note verbale")
    assert "Champ de fusion inconnu : sujet" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert 'value="Note verbale"' in page
    page = upload(site, edited(SHIPPED, {"MERGEFIELD signature": "MERGEFIELD signataire"}), 422)
    assert "signature" in page.partition("error-summary")[2].partition("</ul>")[0]
    page = upload(site, edited(SHIPPED, {"MERGEFIELD texte": "MERGEFIELD objet"}), 422)
    assert "le champ de fusion « texte »" in page.replace("\N{NO-BREAK SPACE}", " ").replace(
        "\N{NARROW NO-BREAK SPACE}", " "
    )
    assert "modele.docx" in upload(site, b"PK no document", 422).partition("error-summary")[2].partition("</ul>")[0]
    assert "Ce nom de modèle ne convient pas" in upload(site, SHIPPED, 422, name="../lettre")
    assert "Cette entité" in upload(site, SHIPPED, 404, entity="999")
    site.send("admin", PATH, 422, entity=entity(site), name="lettre")
    with site.services.reading() as session:
        assert session.scalars(select(WordTemplate)).all() == []


def test_the_preview_is_a_letter_made_with_the_template(site: WordSite) -> None:
    upload(site, OURS)
    answer = site.as_("admin").get(f"{PATH}1/apercu.pdf")
    assert answer.mimetype == "application/pdf"
    said = text_of(answer.data)
    assert "Copies du cabinet" in said
    assert "que cette demande est acceptée" in " ".join(said.split())
    assert site.as_("admin").get(f"{PATH}9/apercu.pdf").status_code == 404


def test_only_the_administrator_of_an_entity_changes_its_templates(site: WordSite) -> None:
    upload(site, OURS)
    upload(site, OURS, entity="commun")
    for account in ("sg", "dge", "agent"):
        assert site.as_(account).get(PATH).status_code == 403
        assert site.as_(account).get(f"{PATH}1/modele.docx").status_code == 403
    with site.services.unit_of_work(NOW) as uow:  # from now on there are two ministries
        other = Unit(code="AUT", name="Autre ministère", kind="ministry", is_entity=True)
        uow.session.add(other)
        uow.session.flush()
        row = WordTemplate(
            entity_id=other.id, name="lettre", version_no=1, fingerprint="0" * 64, content=b"x", filename="x.docx", size_bytes=1,
            added_at=NOW, added_by_id=actor(site.services, "admin").person_id,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        theirs, other_id = row.id, other.id
    page = site.get("admin", PATH)
    assert "Autre ministère" not in page
    assert page.count("/retirer") == 1, "the common one is seen, and not changed"
    assert site.as_("admin").get(f"{PATH}{theirs}/modele.docx").status_code == 404
    assert site.as_("admin").get(f"{PATH}2/modele.docx").status_code == 200
    who = actor(site.services, "admin")
    for entity_id in (other_id, None):
        with pytest.raises(NotFound):
            word_templates.add(site.services, entity_id, "note", "x.docx", BytesIO(SHIPPED), actor=who, now=NOW)
    for template_id in (2, theirs):
        with pytest.raises(NotFound), site.services.unit_of_work(NOW) as uow:
            word_templates.withdraw(uow, template_id, actor=who)
    with site.services.reading() as session:
        assert "lettre" in word_templates.offered(session, {int(entity(site))})
        assert word_templates.offered(session, {other_id})["lettre"] == theirs


def test_a_template_that_was_replaced_meanwhile_is_not_withdrawn(site: WordSite) -> None:
    upload(site, OURS)
    upload(site, SHIPPED)
    with pytest.raises(StaleVersion), site.services.unit_of_work(NOW) as uow:
        word_templates.withdraw(uow, 1, actor=actor(site.services, "admin"))
