"""Notes in the margin: at a place of a page, visible to the circuit only, answered by the author, never signed."""

import html
from io import BytesIO

import pikepdf
import pytest
from sqlalchemy import select

from ged import access
from ged.access import Because
from ged.audit import AuditEntry
from ged.errors import Forbidden, GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.ports import unit_principal
from ged.signbook import drafts, queries
from ged.signbook.drafts import DraftForm
from ged.signbook.models import NoticeKind
from ged.writing import annotations
from ged.writing.annotations import Margin, Spot
from tests.factories import NOW
from tests.signbook_kit import House, house, pdf_of
from tests.signbook_site_kit import Site, hidden, site

__all__ = ["house", "site"]

pytestmark = pytest.mark.in_turns(3)
NOTE = "Le montant manque ici"


def annotate(house: House, mail_id: int, account: str, spot: Spot | None = None, text: str = NOTE) -> int:
    version_no = house.version_no(mail_id)
    with house.services.unit_of_work(NOW) as uow:
        where = spot or Spot(1, 420, 310)
        return annotations.annotate(uow, mail_id, where, text, version_no=version_no, actor=house.who(account))


def margin(house: House, mail_id: int, account: str) -> Margin:
    with house.services.reading() as session:
        return annotations.margin(session, mail_id, house.who(account))


def submitted(house: House) -> int:
    mail_id = house.answer()
    house.submit(mail_id)
    return mail_id


def test_a_note_is_read_by_the_circuit_and_by_nobody_else_who_may_see_the_letter(house: House) -> None:
    mail_id = submitted(house)
    # The mail office may see the letter for another reason. It is not asked for anything.
    with house.services.unit_of_work(NOW) as uow:
        office = house.who("agent").posts[0].unit_id
        access.grant(uow, mail_id, (unit_principal(office),), Because.SHARED)
    before = house.show(mail_id, "dge").version
    annotate(house, mail_id, "daf")
    assert house.show(mail_id, "dge").version == before, "pages opened by others stay valid"
    for account in ("dge", "daf", "etudes", "sg", "secretaire"):
        (note,) = margin(house, mail_id, account).notes
        assert (note.text, note.by, note.spot, note.is_current) == (NOTE, "Daf", Spot(1, 420, 310), True)
    assert margin(house, mail_id, "agent") == Margin()
    with pytest.raises(Forbidden, match=r"annotation\.not_in_circuit"):
        annotate(house, mail_id, "agent")
    with pytest.raises(NotFound, match=r"mail\.unknown"):
        margin(house, mail_id, "admin")
    with house.services.reading() as session:
        (notice,) = queries.signature_book(session, house.who("dge")).notices
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "signbook.annotated")).all()
    assert (notice.kind, notice.text) == (NoticeKind.ANNOTATED, NOTE)
    assert len(entries) == 1


def test_the_author_answers_and_settles_it_and_nobody_else_does(house: House) -> None:
    mail_id = submitted(house)
    note_id, dge = annotate(house, mail_id, "etudes"), house.who("dge")
    for account in ("daf", "etudes"):
        with pytest.raises(Forbidden, match=r"draft\.not_author"), house.services.unit_of_work(NOW) as uow:
            annotations.answer(uow, mail_id, note_id, "Non", actor=house.who(account))
    with house.services.unit_of_work(NOW) as uow:
        annotations.answer(uow, mail_id, note_id, "Ajouté au second paragraphe", actor=dge)
    with house.services.unit_of_work(NOW) as uow:
        annotations.resolve(uow, mail_id, note_id, actor=dge)
    shown = margin(house, mail_id, "daf")
    assert (shown.notes[0].answer, shown.notes[0].answered_by) == ("Ajouté au second paragraphe", "Dge")
    assert (shown.notes[0].resolved_at, shown.may_answer) == (NOW, False)
    with house.services.reading() as session:
        (notice,) = queries.signature_book(session, house.who("etudes")).notices
    assert notice.kind is NoticeKind.NOTE_ANSWERED
    with pytest.raises(InvalidTransition, match=r"annotation\.not_open"), house.services.unit_of_work(NOW) as uow:
        annotations.resolve(uow, mail_id, note_id, actor=dge)
    with pytest.raises(NotFound, match=r"annotation\.unknown"), house.services.unit_of_work(NOW) as uow:
        annotations.resolve(uow, submitted(house), note_id, actor=dge)


@pytest.mark.parametrize(
    ("spot", "text", "code"),
    [
        (Spot(2), NOTE, "annotation.place"),
        (Spot(0), NOTE, "annotation.place"),
        (Spot(1, 5, None), NOTE, "annotation.place"),
        (Spot(1, 1001, 5), NOTE, "annotation.place"),
        (Spot(1), "  ", "annotation.empty"),
        (Spot(1), "x" * 1001, "annotation.too_long"),
    ],
)
def test_what_makes_no_sense_is_refused(house: House, spot: Spot, text: str, code: str) -> None:
    mail_id = submitted(house)
    with pytest.raises(Invalid) as refused:
        annotate(house, mail_id, "daf", spot, text)
    assert refused.value.code == code
    assert margin(house, mail_id, "daf").notes == ()


def test_a_note_keeps_to_the_version_it_was_written_on(house: House) -> None:
    mail_id = house.answer()
    with pytest.raises(InvalidTransition, match=r"annotation\.not_open"):
        annotate(house, mail_id, "dge")
    house.submit(mail_id)
    annotate(house, mail_id, "etudes", Spot(1))
    row, daf = house.show(mail_id, "daf"), house.who("daf")
    form = DraftForm(row.civility, row.subject, "Un autre texte.", row.addressees, row.copies)
    drafts.save(house.services, mail_id, form, version=row.version, actor=daf, now=NOW)
    (note,) = margin(house, mail_id, "dge").notes
    assert (note.is_current, note.version_no, note.spot) == (False, 2, Spot(1))
    with pytest.raises(StaleVersion, match=r"draft\.changed"), house.services.unit_of_work(NOW) as uow:
        annotations.annotate(uow, mail_id, Spot(1), NOTE, version_no=2, actor=daf)


def test_the_signed_bytes_know_nothing_of_it_and_it_stays_beside_them(house: House) -> None:
    mail_id = house.ready()
    annotate(house, mail_id, "sg")
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    signed = pdf_of(house, house.show(mail_id, "dge").signed_id)
    with pikepdf.open(BytesIO(signed)) as pdf:
        kinds = [str(one.Subtype) for page in pdf.pages for one in page.get("/Annots", [])]
        streams = b"".join(page.Contents.read_bytes() for page in pdf.pages)
    assert kinds == ["/Widget"]
    assert NOTE.encode() not in signed
    assert NOTE.encode("utf-16-be") not in signed + streams
    assert [note.text for note in margin(house, mail_id, "daf").notes] == [NOTE]
    with pytest.raises(GedError):
        annotate(house, mail_id, "sg")


def test_on_the_page_it_is_left_read_answered_and_settled(site: Site) -> None:
    mail_id = submitted(site.house)
    letter = f"/parapheur/{mail_id}"
    page = site.get("daf", letter)
    sent = {"version_no": hidden(page, "version_no"), "page_no": "1", "x": "420", "y": "310"}
    assert 'id="note"' in site.send("daf", f"{letter}/notes", 422, **sent, note=" ")
    site.send("daf", f"{letter}/notes", **sent, note="Citer <b>l'article</b>")
    page = site.get("sg", letter)
    assert 'cx="42.0%" cy="31.0%"' in page
    assert "Citer &lt;b&gt;" in page
    assert "Citer <b>l'article</b>" in html.unescape(site.get("dge", "/parapheur/"))
    note_id = margin(site.house, mail_id, "dge").notes[0].id
    site.send("dge", f"{letter}/notes/{note_id}/reponse", answer="C'est fait")
    site.send("daf", f"{letter}/notes/{note_id}/regler", 403)
    site.send("dge", f"{letter}/notes/{note_id}/regler")
    page = html.unescape(site.get("daf", letter))
    assert "C'est fait" in page
    assert "traitée" in page
    assert 'cx="42.0%"' not in page
