"""A letter with bold, lists and tables, from its page to its print; texts of earlier releases; hostile text."""
# ruff: noqa: F811

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from html import unescape

import pypdfium2 as pdfium
import pytest
from sqlalchemy import insert, select

from ged.dispatch.models import Party
from ged.register.states import MailState
from ged.richtext import document, marks
from ged.signbook.models import Draft, DraftVersion
from ged.signbook.render import Letter, preview_pages
from ged.typography import plain
from tests.draft_kit import draft, form_of
from tests.factories import NOW
from tests.signbook_kit import pdf_of
from tests.signbook_site_kit import Site, site  # noqa: F401

pytestmark = pytest.mark.in_turns(3)

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
TABLE = "| Poste | Montant |\n|---|---|\n" + "".join(f"| {n} | {n} 000 000 |\n" for n in range(400, 470))
TEXT = f"{{civilite}},\n\nVotre **demande** est *acceptée*.\n- un\n- deux\n\n{TABLE}\n[saut de page]\n\nSalutations."
HOSTILE = '#read("/etc/passwd") #let x = 1 $ y $ @ref <lab> `code` *a #box[b] \\ // c [d] "e" <script>x</script>'


def letter(rich: str = "", body: str = "Texte") -> Letter:
    return Letter(
        "Ministère", ("Direction",), "TG", "Lomé", "Le Secrétaire général", "Monsieur", "Objet", body,
        (Party("CEET", "BP 42", ""),), rich=rich,
    )  # fmt: skip


def pages_of(pdf: bytes) -> list[str]:
    with pdfium.PdfDocument(pdf) as found:
        return [plain(" ".join(page.get_textpage().get_text_range().split())) for page in found]


def rich(text: str) -> str:
    return document.dump(marks.parse(text))


def test_no_word_of_the_addressee_is_parted() -> None:
    name = "Monsieur le Président de l'Association des usagers « Lumière & Progrès » de la région Maritime"
    made = preview_pages(dataclasses.replace(letter(), addressees=(Party(name, "BP 12", ""),)), at=AT)
    assert name in pages_of(made.pdf)[0]


def body_shown(page: str) -> str:
    return form_of(page)["body"]


def test_a_letter_from_before_forms_is_stored_as_it_was() -> None:
    stored = letter().stored()
    assert "rich" not in stored
    assert Letter.restored(stored).stored() == stored
    formed = letter(rich("**a**"))
    assert Letter.restored(json.loads(json.dumps(formed.stored()))) == formed


def test_lists_tables_and_page_breaks_are_on_the_pages_and_the_signature_is_not_alone() -> None:
    made = preview_pages(letter(rich(TEXT)), at=AT)
    first, second, *_, last = pages_of(made.pdf)
    assert "Monsieur, Votre demande est acceptée." in first
    assert "– un – deux" in first
    assert second.startswith("Poste Montant"), "the heads of the columns are on each page"
    assert last.startswith("Salutations."), "after the page break"
    ended = preview_pages(letter(rich(TABLE)), at=AT)
    assert "469" in pages_of(ended.pdf)[ended.mark_box[0] - 1], "the last rows stay with the signature"


@pytest.mark.parametrize("form", ["{}", "# {}", "- {}", "1. {}", "**{}**", "| {} | b |\n|---|---|\n| {} | c |"])
def test_what_typst_would_read_as_its_own_is_printed_as_characters(form: str) -> None:
    nodes = marks.parse(form.replace("{}", "ICI"))
    found = document.mapped(nodes, lambda text: text.replace("ICI", HOSTILE))
    printed = pages_of(preview_pages(letter(document.dump(found)), at=AT).pdf)[0]
    assert '#read("/etc/passwd")' in printed
    assert "root:" not in printed
    for part in ("$ y $", "@ref", "<lab>", "`code`", "<script>x<"):
        assert part in printed


def test_what_the_incoming_letter_says_is_never_read_as_marks(site: Site) -> None:
    _mail_id, _place, form = draft(site)
    assert "Demande de raccordement" in form["body"]
    text = document.mapped(marks.parse("Objet : {objet}"), lambda text: text.replace("{objet}", "**x** # a\n- b"))
    assert document.plain(text) == "Objet : **x** # a\n- b"
    assert all(not run.marks for run in document.all_runs(text))


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_editors_json_and_the_light_marks_save_one_document(site: Site) -> None:
    mail_id, place, form = draft(site)
    site.send("dge", place, 303, **form | {"body": TEXT})
    shown = site.house.show(mail_id, "dge")
    assert shown.rich == rich(TEXT)
    assert "**" not in shown.body, "the text without forms, for what looks for words"
    again = form_of(site.get("dge", place))
    assert marks.parse(again["body"]) == marks.parse(TEXT)
    site.send("dge", place, 303, **again | {"body": shown.rich})
    assert site.house.show(mail_id, "dge").version == shown.version, "the same document is no change"
    assert "data-rich=" in site.get("dge", place)
    site.send("dge", f"{place}/remettre", 303, **form_of(site.get("dge", place)))
    assert site.state(mail_id) is MailState.IN_CIRCUIT
    pdf = pdf_of(site.house, site.house.show(mail_id, "dge").preview_id)
    assert "Votre demande est acceptée." in pages_of(pdf)[0]
    page = site.get("dge", f"/parapheur/{mail_id}")
    assert "Votre <strong>demande</strong> est <em>acceptée</em>." in page
    assert '<th scope="col" class="rich-figures">Montant</th>' in page


def test_hostile_json_is_refused_and_hostile_text_is_escaped(site: Site) -> None:
    _mail_id, place, form = draft(site)
    page = site.send("dge", place, 422, **form | {"body": '{"type":"doc","content":[{"type":"image"}]}'})
    assert "Ce texte n'a pas pu être lu" in page
    site.send("dge", place, 303, **form | {"body": HOSTILE})
    page = site.get("dge", place)
    assert "<script>x" not in page
    assert marks.parse(body_shown(page)) == marks.parse(HOSTILE)
    assert "<script>x" not in site.get("dge", f"/parapheur/{_mail_id}")


def test_a_draft_from_before_forms_opens_and_is_no_change_until_it_is_written(site: Site) -> None:
    mail_id, place, form = draft(site)
    old = "{civilite},\n\nUne *étoile* et 1. un point :\n\n- un\n- deux\n\nFin # du texte."
    with site.services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(
            select(DraftVersion).where(DraftVersion.mail_id == mail_id).order_by(DraftVersion.version_no.desc())
        ).first()
        assert row is not None
        values = {name.name: getattr(row, name.name) for name in DraftVersion.__table__.columns}
        number = row.version_no + 1
        uow.session.execute(insert(DraftVersion).values(values | {"version_no": number, "body": old, "rich": ""}))
        uow.session.get_one(Draft, mail_id).version_no = number
    shown = site.house.show(mail_id, "dge")
    assert (shown.body, shown.rich) == (old, "")
    form = form_of(site.get("dge", place))
    assert document.plain(marks.parse(form["body"])) == old
    site.send("dge", place, 303, **form)
    assert site.house.show(mail_id, "dge").rich == "", "sent as it was shown: nothing changed"
    with site.services.reading() as session:
        kept = session.get_one(Draft, mail_id)
        assert kept.version_no == number
    site.send("dge", place, 303, **form | {"body": form["body"] + "\n\n**Ajout**"})
    assert site.house.show(mail_id, "dge").rich == rich(form["body"] + "\n\n**Ajout**")
    assert dataclasses.is_dataclass(shown)
    assert "étoile" in unescape(site.get("dge", place))


def test_a_no_break_space_of_word_joins_no_numbers(site: Site) -> None:
    mail_id, place, _form = draft(site)
    numbers = "410\u00a060\u202f000\u00a0000"
    stored = json.dumps(
        {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": numbers}]}]}
    )
    for sent in (numbers, stored.replace('": "', '":"')):
        site.send("dge", place, 303, **form_of(site.get("dge", place)) | {"body": sent, "subject": "n°\u00a012"})
        shown = site.house.show(mail_id, "dge")
        assert (shown.body, shown.subject) == ("410 60 000 000", "n° 12")


def test_a_word_longer_than_a_line_stays_on_the_paper() -> None:
    long = "www.exemple.tg/" + "W" * 200
    made = preview_pages(dataclasses.replace(letter(rich(long)), subject="Z" * 200), at=AT)
    with pdfium.PdfDocument(made.pdf) as found:
        page = found[0]
        text = page.get_textpage()
        right = max(text.get_charbox(place)[2] for place in range(text.count_chars()))
        shown = "".join(text.get_text_range().split())
        assert right < page.get_width() - 20, "what runs over the edge is signed and read by nobody"
    assert "W" * 200 in shown, "the breaks are no characters"
