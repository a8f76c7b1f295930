"""Pages around capture: separator sheets, warnings of the quality check, messages that mailboxes refused, texts."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pypdfium2
import pytest
from sqlalchemy import select

from ged.capture.models import MailboxMessage, MessageState, SeparatorSheet
from ged.codes import CodeKind, make_code
from ged.ports import Confidentiality
from ged.recognition import jobs as recognition
from ged.register.models import Attachment
from tests import pages
from tests.factories import NOW, actor
from tests.office_kit import TEXT, docx
from tests.scan_site_kit import Desk, Site, desk, only_scan, register, site, upload  # noqa: F401 - the fixture

pytestmark = pytest.mark.in_turns(3)


def only_sheet(site: Site) -> SeparatorSheet:  # noqa: F811
    with site.services.reading() as session:
        return session.scalars(select(SeparatorSheet)).one()


def make(site: Site, **values: str) -> None:  # noqa: F811
    unit_id = str(actor(site.services, "agent").posts[0].unit_id)
    form = {"unit_id": unit_id, "nature": "demande", "level": "1", **values}
    assert site.browser("agent").post("/numerisations/separateurs/", **form).status_code == 200


def test_a_sheet_is_prepared_printed_and_withdrawn(site: Site) -> None:  # noqa: F811
    clerk = site.browser("agent")
    assert "Aucune feuille de séparation" in clerk.get("/numerisations/separateurs/").text
    make(site)
    make(site)
    sheet = only_sheet(site)
    assert (sheet.nature, sheet.level) == ("demande", Confidentiality.RESTRICTED)
    shown = clerk.get("/numerisations/separateurs/").text
    assert "Demande" in shown
    path = f"/numerisations/separateurs/{sheet.id}.pdf"
    for asked, count in (("copies=3", 3), ("copies=2&recto_verso=1", 4), ("", 10)):
        printed = clerk.get(f"{path}?{asked}")
        assert printed.mimetype == "application/pdf"
        assert len(pypdfium2.PdfDocument(printed.data)) == count, asked
    words = pypdfium2.PdfDocument(clerk.get(f"{path}?copies=1").data)[0].get_textpage().get_text_bounded()
    assert "CONFIDENTIEL" in words.upper()
    assert clerk.get(f"{path}?copies=101").status_code == 422
    assert clerk.post(f"/numerisations/separateurs/{sheet.id}/retirer").status_code == 200
    assert clerk.get(path).status_code == 404
    make(site)
    assert only_sheet(site).withdrawn_at is None, "taken up again"


def test_nobody_but_a_clerk_has_sheets_and_nonsense_is_refused(site: Site) -> None:  # noqa: F811
    make(site)
    sheet, member, clerk = only_sheet(site), site.browser("etudes"), site.browser("agent")
    for path in ("/numerisations/separateurs/", f"/numerisations/separateurs/{sheet.id}.pdf"):
        assert member.get(path).status_code == 403, path
    assert member.post(f"/numerisations/separateurs/{sheet.id}/retirer").status_code == 403
    unit_id = str(sheet.unit_id)
    for form, status in (
        ({"unit_id": unit_id, "nature": "poème"}, 422),
        ({"unit_id": unit_id, "level": "2"}, 422),
        ({"unit_id": "", "level": "0"}, 422),
        ({"unit_id": "9999", "level": "0"}, 404),
    ):
        assert clerk.post("/numerisations/separateurs/", **form).status_code == status, form


def test_the_sheet_before_a_letter_fills_its_form(desk: Desk) -> None:  # noqa: F811
    site, clerk = desk.site, desk.site.browser("agent")  # noqa: F811
    make(site)
    code = make_code(CodeKind.SEPARATOR, only_sheet(site).id, key=site.services.code_key)
    clerk.post("/numerisations/numeriser", device="1|fi:1|ADF Front", mode="gray", dpi="300", sides="one")
    order = desk.order()
    path = f"/api/bridge/batch/{order['batch_key']}"
    told = []
    for n, data in enumerate((pages.png("Séparateur", code=code), pages.png("Lettre")), 1):
        headers = {**desk.headers, "X-Content-SHA256": pages.sha256(data), "X-Page-Order": f"{order['order_id']}.{n}"}
        answer = desk.api.put(f"{path}/page/t{n}", data=data, content_type="image/png", headers=headers)
        assert answer.status_code == 201
        told.append({"token": f"t{n}", "digest": pages.sha256(data)})
    desk.complete(order, told)
    site.run_intake()
    scan = only_scan(site)
    assert "préparé par séparateur" in clerk.get("/numerisations/").text
    shown = clerk.get(f"/numerisations/{scan.id}").text
    assert "feuille de séparation" in shown
    assert "séparateur" in shown
    form = clerk.get(f"/enregistrer/numerisation/{scan.id}").text
    assert re.search(r'value="demande" selected', form)
    assert re.search(r'<select[^>]*name="level".*?value="1" selected', form, re.S)


def test_warnings_are_told_before_the_number_and_hinder_nothing(site: Site) -> None:  # noqa: F811
    clerk = site.browser("agent")
    dark, blank = pages.draw("Sombre").point(lambda value: value // 4), pages.draw()
    out = io.BytesIO()
    pages.draw("Bonne").save(
        out, "TIFF", save_all=True, append_images=[dark, blank, pages.draw("Autre")], dpi=(100, 100)
    )
    upload(clerk, (out.getvalue(), "lot.tif"))
    scan = only_scan(site)
    shown = clerk.get(f"/numerisations/{scan.id}").text
    told = shown[shown.index("page-warnings") :]
    told = told[: told.index("</ul>")]
    assert "Trop sombre" in told
    assert told.count("<li>") == 2, "pages with the same fault stand on one line"
    assert "vide ?" in shown
    assert "à refaire ?" in clerk.get("/numerisations/").text
    assert "Trop sombre" in clerk.get(f"/enregistrer/numerisation/{scan.id}").text
    base = f"/numerisations/{scan.id}"
    clerk.post(f"{base}/arranger", do="remove-blanks")
    clerk.post(f"{base}/arranger", do="remove", leaf=str(scan.leaves[1].id))
    assert "Trop sombre" not in clerk.get(base).text, "what was taken out is no fault any more"
    assert clerk.post(f"{base}/joindre", number=register(site).number).status_code == 200


def test_administrators_see_what_the_mailboxes_put_aside(site: Site) -> None:  # noqa: F811
    admin = site.browser("admin")
    empty = admin.get("/administration/messagerie/").text
    assert "Aucun message mis de côté" in empty
    assert "GED_MAILBOXES_FILE" in empty
    with site.services.unit_of_work(NOW) as uow:
        uow.session.add(
            MailboxMessage(
                mailbox="courrier", uid_validity=1, uid=1, size_bytes=9_000_000, state=MessageState.REFUSED,
                reason="message.too_large", sender_address="jean<b>@exemple.tg", taken_at=NOW,
            )
        )  # fmt: skip
    shown = admin.get("/administration/messagerie/").text
    assert "Le message dépasse la taille admise." in shown
    assert "jean&lt;b&gt;@exemple.tg" in shown
    assert site.browser("agent").get("/administration/messagerie/").status_code == 403


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (libreoffice-writer-nogui) is not installed")
def test_a_word_document_goes_from_the_form_to_the_text_of_a_letter(site: Site, tmp_path: Path) -> None:  # noqa: F811
    clerk, chief, letter = site.browser("agent"), site.browser("sg"), register(site)
    content = docx(tmp_path / "lettre.docx").read_bytes()
    assert upload(clerk, (content, "Lettre à joindre.docx")).status_code == 200
    scan = only_scan(site)
    site.run_intake()
    small = clerk.get(f"/numerisations/{scan.id}/pages/{scan.leaves[0].id}.jpg")
    assert (small.status_code, small.mimetype) == (200, "image/jpeg")
    assert len(small.data) > 1000
    clerk.post(f"/numerisations/{scan.id}/joindre", number=letter.number)
    with site.services.reading() as session:
        attachment_id = session.scalars(select(Attachment.id)).one()
    recognition.run_recognise(site.services, attachment_id, heartbeat=lambda _: None, now=NOW)
    base = f"/documents/{attachment_id}"
    assert TEXT in chief.get(f"{base}/page/1/texte").text
    assert TEXT in pypdfium2.PdfDocument(chief.get(f"{base}/searchable.pdf").data)[0].get_textpage().get_text_bounded()
    original = chief.get(f"{base}/original")
    assert original.data == content, "byte for byte"
    assert original.headers["Content-Disposition"].startswith("attachment; ")
