"""A letter written in Word: filled, uploaded as a version, typeset, read, signed with its number and mark."""

from __future__ import annotations

import dataclasses
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from sqlalchemy import select

from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.jobs import Job, JobKind
from ged.paper.ink import confirm_ink
from ged.ports import Digest, Verdict
from ged.signbook import drafts, operations, presign
from ged.signbook import word as letters
from ged.signbook.findings import CheckKind
from ged.signbook.models import Draft, DraftVersion
from ged.word.models import WordPages
from ged.writing import versions, word
from tests.factories import NOW
from tests.judges import verapdf
from tests.signbook_kit import House, form_of, make_institution, pdf_of
from tests.word_kit import edited, given, in_word, received, taken, text_of, word_house

__all__ = ["word_house"]

pytestmark = pytest.mark.in_turns(3)

SAID = "Votre demande est acceptée"
FOLLOWED = (
    '<w:body><w:p><w:ins w:id="1" w:author="KD"><w:r><w:t>Ajout non décidé</w:t></w:r></w:ins>'
    '<w:del w:id="2" w:author="KD"><w:r><w:delText>Refus secret</w:delText></w:r></w:del></w:p>'
)
"""A body with changes that nobody has accepted yet."""


def asked(house: House) -> int:
    with house.services.reading() as session:
        return len(session.scalars(select(Job.id).where(Job.kind == JobKind.WORD_PAGES)).all())


def test_a_filled_template_goes_out_with_all_that_the_draft_says(word_house: House) -> None:
    mail_id = word_house.answer()
    made = word.filled(word_house.services, mail_id, "lettre", actor=word_house.who("dge"), now=NOW)
    assert made.filename == f"projet-{mail_id}-v2.docx"
    came = word.receive(word_house.services, mail_id, "x.docx", BytesIO(made.content), actor=word_house.who("dge"))
    for said in (
        "Suite favorable : Demande de raccordement", "Compagnie Énergie Électrique du Togo", "453/CEET",
        "Monsieur le Directeur général,", "Votre demande est acceptée au motif suivant : dossier complet.",
        "Direction des affaires financières", "«numero»", "«date_lettre»", "«signature»",
    ):  # fmt: skip
        assert said in came.facts.text, said
    assert "«objet»" not in came.facts.text
    assert "texte" not in came.facts.fields
    assert came.based_on == 2


def test_the_file_comes_back_as_a_version_whose_pages_a_job_makes(word_house: House) -> None:
    house = word_house
    mail_id = house.answer()
    saved = given(house, mail_id, edited(taken(house, mail_id), {SAID: "Votre demande est rejetée"}))
    assert (saved.version_no, asked(house)) == (3, 1)
    row = house.show(mail_id, "dge")
    assert "rejetée" in row.body
    assert "Suite favorable" in row.subject
    version = row.version
    with pytest.raises(Invalid, match=r"word\.waiting"):
        operations.submit(house.services, mail_id, version=version, actor=house.who("dge"), now=NOW)
    word.run_pages(house.services, mail_id, now=NOW)
    word.run_pages(house.services, mail_id, now=NOW)  # a second run does nothing
    with house.services.reading() as session:
        (kept,) = session.scalars(select(WordPages)).all()
        assert word.status(session, house.services, mail_id, house.who("dge")).is_made
    house.submit(mail_id)
    with house.services.reading() as session:
        draft = session.get_one(Draft, mail_id)
        shown = pdf_of(house, draft.preview_id)
        assert draft.letter["word"]["pdf"] == kept.pdf
    with house.services.blobs.open(Digest(kept.pdf)) as stored:
        assert stored.read() == shown, "what the signers read is exactly what was made"
    assert "rejetée" in text_of(shown)


def test_it_is_signed_over_these_pages_and_stays_pdf_a(word_house: House, tmp_path: Path) -> None:
    house = word_house
    make_institution(house)
    mail_id = in_word(house)
    row, shown, signed = house.signed(mail_id)
    said = text_of(signed)
    assert row.number in said
    assert "Votre demande est acceptée" in said
    assert row.number not in text_of(shown)
    with pikepdf.open(BytesIO(signed)) as pdf:
        (field,) = pdf.Root.AcroForm.Fields
        assert field.FT == "/Sig"
        with house.services.reading() as session:
            places = dict(session.get_one(Draft, mail_id).letter["word"]["places"])
        assert [round(float(side), 1) for side in field.Rect] == [round(side, 1) for side in places["signature"][1:]]
    (report,) = house.services.checker.check(signed, at=NOW)
    assert report.verdict is not Verdict.RED
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed)
    read_before = tmp_path / "shown.pdf"
    read_before.write_bytes(shown)
    for verdict in verapdf.check([path, read_before]):
        assert verdict.compliant, verdict.failures
        assert verdict.flavour == "2b"


@pytest.mark.long("LibreOffice is started again; tests/integration/test_signbook_signature.py prints a letter for ink")
def test_a_print_for_a_signature_in_ink_bears_title_name_and_code(word_house: House) -> None:
    house = word_house
    mail_id = in_word(house)
    house.submit(mail_id)
    house.visa(mail_id, "daf")
    house.visa(mail_id, "etudes")
    row = house.show(mail_id, "sg")
    confirm_ink(house.services, mail_id, version_no=row.version_no, actor=house.who("sg"), now=NOW)
    row = house.show(mail_id, "sg")
    assert row.confirmed_name in text_of(pdf_of(house, row.print_id))
    with pikepdf.open(BytesIO(pdf_of(house, row.print_id))) as pdf:
        assert len(pdf.pages) == row.preview_pages


@pytest.mark.long("LibreOffice is started again; a correction shows its pages in tests/integration/test_word_pages.py")
def test_a_change_of_the_addressee_is_in_the_pages_and_asks_for_new_ones(word_house: House) -> None:
    house = word_house
    mail_id = in_word(house)
    before = asked(house)
    row = house.show(mail_id, "dge")
    form = form_of(row, subject="Suite donnée à la demande")
    saved = drafts.save(house.services, mail_id, form, version=row.version, actor=house.who("dge"), now=NOW)
    assert saved.changed
    assert asked(house) == before + 1
    word.run_pages(house.services, mail_id, now=NOW)
    house.submit(mail_id)
    assert "Suite donnée à la demande" in text_of(pdf_of(house, house.show(mail_id, "dge").preview_id))


def test_what_is_left_to_decide_in_word_stops_the_handing_in(word_house: House) -> None:
    house = word_house
    mail_id = house.answer()
    marked = edited(
        taken(house, mail_id),
        {"<w:body>": '<w:body><w:p><w:ins w:id="1" w:author="KD"><w:r><w:t>Mot</w:t></w:r></w:ins></w:p>'},
    )
    given(house, mail_id, marked)
    word.run_pages(house.services, mail_id, now=NOW)
    with pytest.raises(Invalid, match=r"word\.unsettled") as refused:
        house.submit(mail_id)
    assert (refused.value.params["changes"], refused.value.params["comments"]) == (1, 0)


def test_a_file_written_on_an_older_text_loses_nothing(word_house: House) -> None:
    house = word_house
    mail_id = house.answer()
    mine = edited(taken(house, mail_id), {SAID: "Texte de Word"})
    row = house.show(mail_id, "dge")
    other = form_of(row, body=row.body.replace(SAID, "Texte de la page"))
    drafts.save(house.services, mail_id, other, version=row.version, actor=house.who("dge"), now=NOW)
    with pytest.raises(StaleVersion, match=r"word\.stale"):
        given(house, mail_id, mine)
    came = word.receive(house.services, mail_id, "x.docx", BytesIO(mine), actor=house.who("dge"))
    with house.services.reading() as session:
        compared = word.beside(session, mail_id, came, actor=house.who("dge"))
    assert compared.is_changed
    saved = given(house, mail_id, mine, knows_of=3)
    assert saved.version_no == 4
    with house.services.reading() as session:
        both = versions.compared(session, mail_id, 3, 4, actor=house.who("dge"))
    assert both.is_changed


def test_a_change_of_the_addressee_alone_is_no_conflict(word_house: House) -> None:
    house = word_house
    mail_id = house.answer()
    mine = taken(house, mail_id)
    row = house.show(mail_id, "dge")
    drafts.save(
        house.services,
        mail_id,
        form_of(row, subject="Autre objet"),
        version=row.version,
        actor=house.who("dge"),
        now=NOW,
    )
    assert given(house, mail_id, mine).version_no == 4


@pytest.mark.long("LibreOffice is started again; what is signed is shown over these pages beside it")
def test_a_correction_in_the_circuit_shows_its_pages_at_once(word_house: House) -> None:
    house = word_house
    mail_id = in_word(house)
    house.submit(mail_id)
    again = edited(taken(house, mail_id, "", "daf"), {SAID: "Votre demande est corrigée"})
    given(house, mail_id, again, account="daf")
    row = house.show(mail_id, "daf")
    assert "corrigée" in text_of(pdf_of(house, row.preview_id))


def test_a_correction_in_the_circuit_with_followed_changes_is_refused(word_house: House) -> None:
    """LibreOffice prints deleted text struck out: the next reader would see it, and the signatory would sign it."""
    house = word_house
    mail_id = in_word(house)
    house.submit(mail_id)
    before = house.show(mail_id, "daf")
    with pytest.raises(Invalid, match=r"word\.unsettled") as refused:
        given(house, mail_id, edited(taken(house, mail_id, "", "daf"), {"<w:body>": FOLLOWED}), account="daf")
    assert (refused.value.params["field"], refused.value.params["changes"]) == ("word", 2)
    assert house.show(mail_id, "daf") == before


def test_a_letter_with_followed_changes_is_not_signed(word_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The previous release allowed this correction in the circuit."""
    house = word_house
    mail_id = in_word(house)
    house.submit(mail_id)
    with monkeypatch.context() as before:
        before.setattr(letters, "check_settled", lambda _file: None)
        given(house, mail_id, edited(taken(house, mail_id, "", "daf"), {"<w:body>": FOLLOWED}), account="daf")
    for account in ("daf", "etudes"):
        house.visa(mail_id, account)
    checked = presign.check(house.services, mail_id, actor=house.who("sg"), now=NOW)
    assert [(one.kind, one.error.code) for one in checked.in_ink().findings if one.blocks] == [
        (CheckKind.PAGES, "word.unsettled")
    ]
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is not None
    assert result.failure.code == "word.unsettled"
    with house.services.reading() as session:
        assert session.get_one(Draft, int(mail_id)).number is None


def test_others_neither_take_nor_give(word_house: House) -> None:
    house = word_house
    mail_id = house.answer()
    content = taken(house, mail_id)
    with pytest.raises(NotFound, match=r"mail\.unknown"):
        taken(house, mail_id, account="etudes")
    with pytest.raises(NotFound, match=r"mail\.unknown"):
        received(house, mail_id, content, account="etudes")
    house.submit(mail_id)
    with pytest.raises((Forbidden, InvalidTransition)):  # it has a visa now, and another person is next
        taken(house, mail_id, account="etudes")
    with pytest.raises((Forbidden, InvalidTransition)):
        received(house, mail_id, content, account="etudes")


@pytest.mark.long(
    "LibreOffice is started again; a letter goes to Word and comes back in tests/integration/test_word_browser.py"
)
def test_the_text_goes_back_to_the_page(word_house: House) -> None:
    house = word_house
    mail_id = in_word(house)
    word.leave(house.services, mail_id, version=house.show(mail_id, "dge").version, actor=house.who("dge"), now=NOW)
    row = house.show(mail_id, "dge")
    assert row.body.startswith("Monsieur le Directeur général,")
    assert SAID in row.body
    assert not [one for one in ("«", "Objet", "Ampliations") if one in row.body], "the site prints these"
    assert row.rich
    with house.services.reading() as session:
        kept = session.scalars(select(DraftVersion.word_id).order_by(DraftVersion.version_no)).all()
    assert kept[-1] is None
    assert kept[-2] is not None
    house.submit(mail_id)


def test_without_libreoffice_the_rest_works(word_house: House) -> None:
    without = House(dataclasses.replace(word_house.services, word=None), word_house.signer)
    mail_id = without.answer()
    with without.services.reading() as session:
        assert word.status(session, without.services, mail_id, without.who("dge")).maker == ""
    with pytest.raises(Invalid, match=r"office\.unavailable"):
        taken(without, mail_id)
    without.submit(mail_id)
