"""Handwriting on the pages of a document: typed by a clerk, found by a search, kept whatever is read again."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import select

from ged import case_export
from ged.audit import AuditEntry, AuditPayload
from ged.disposal import destroying
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.ports import RecognisedPage, WrittenRegion
from ged.recognition import margin_notes, page_shape
from ged.recognition.margin_notes import Added, Area, NoteRow, Place, Typed
from ged.register.models import Attachment, AttachmentKind, PageText
from ged.register.operations import SourcePage, attach
from ged.search.indexing import index_document
from ged.search.models import MarginNote, MarginNoteText
from ged.unit import Services
from tests import browsing, pages, slip_kit
from tests.factories import NOW, actor
from tests.site import make_site, post, served, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.in_turns(3)

TOP, SIDE = WrittenRegion(0.6, 0.1, 0.3, 0.05, 1.4), WrittenRegion(0.05, 0.5, 0.1, 0.2, 1.4)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    app, made = make_site(tmp_path_factory.mktemp("margin"))
    yield app, made
    made.engine.dispose()


@pytest.fixture
def services(site: tuple[Flask, Services]) -> Services:
    return site[1]


def read(
    services: Services, attachment_id: int, *regions: WrittenRegion, flags: tuple[str, ...] = (), page_no: int = 1
) -> None:
    """The regions of a reading are noted, as the job of the reading does."""
    page = RecognisedPage(page_no, "Texte", (), 90.0, "fra", None, flags, written=regions)
    with services.unit_of_work(NOW) as uow:
        if uow.session.get(PageText, (attachment_id, page_no)) is None:
            uow.session.add(
                PageText(
                    attachment_id=attachment_id, page_no=page_no, text="Texte", words=[], confidence=90.0,
                    flags=list(flags), read_at=NOW,
                )
            )  # fmt: skip
        margin_notes.note_found(uow, uow.session.get_one(Attachment, attachment_id), [page])


def document(services: Services, *regions: WrittenRegion) -> int:
    """A letter with a document of one page, read; returns the attachment."""
    mail_id = slip_kit.letter(services)
    digest = services.blobs.put(io.BytesIO(pages.png("Page"))).digest
    with services.unit_of_work(NOW) as uow:
        row = attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(digest, "image/png")],
            media_type="image/png", actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    read(services, int(row), *regions)
    return int(row)


def new_version(services: Services, attachment_id: int, *, turned: int = 0) -> int:
    """The document again, its page turned by a person."""
    with services.unit_of_work(NOW) as uow:
        old = uow.session.get_one(Attachment, attachment_id)
        page = old.pages[0]
        row = attach(
            uow, old.mail_id, kind=old.kind, pages=[SourcePage(page.digest, "image/png", 0, rotation=turned)],
            media_type="image/png", actor=actor(services, "agent"), now=NOW, replaces=attachment_id, reason="tournée",
        )  # fmt: skip
    return int(row)


def mail_of(services: Services, attachment_id: int) -> int:
    with services.reading() as session:
        return session.get_one(Attachment, attachment_id).mail_id


def notes(services: Services, attachment_id: int) -> tuple[NoteRow, ...]:
    with services.reading() as session:
        return margin_notes.of_page(session, attachment_id, 1)


def typed(note: NoteRow, text: str, *, gone: bool = False) -> Typed:
    return Typed(note.id, text, gone, note.version)


def write(services: Services, attachment_id: int, *what: Typed, who: str = "agent") -> int:
    with services.unit_of_work(NOW) as uow:
        return margin_notes.write(uow, attachment_id, what, actor=actor(services, who))


def indexed(services: Services, attachment_id: int) -> str:
    with services.reading() as session:
        mail_id = session.get_one(Attachment, attachment_id).mail_id
        found = index_document(session, mail_id, version=1, units=())
        assert found is not None
        return found.pages[0].text


def test_words_that_a_clerk_typed_are_the_letters_own_text_and_each_version_is_kept(services: Services) -> None:
    attachment_id = document(services, SIDE, TOP)
    first, second = notes(services, attachment_id)
    assert (first.number, first.place.y, first.text, first.version, first.at) == (1, 0.1, "", 0, None)
    assert write(services, attachment_id, typed(first, " avis pour lundi "), typed(second, "")) == 1
    assert indexed(services, attachment_id) == "Texte\navis pour lundi"
    first, second = notes(services, attachment_id)
    assert (first.text, first.version, first.by_name != "", second.version) == ("avis pour lundi", 1, True, 0)
    assert write(services, attachment_id, typed(first, "avis pour mardi")) == 1
    with services.reading() as session:
        wanted = select(MarginNoteText).where(MarginNoteText.note_id == first.id).order_by(MarginNoteText.version)
        kept = session.scalars(wanted).all()
        assert [(one.version, one.text) for one in kept] == [(1, "avis pour lundi"), (2, "avis pour mardi")]
        entries = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(
                AuditEntry.action == "attachment.margin_noted",
                AuditEntry.subject_id == mail_of(services, attachment_id),
            )
            .order_by(AuditEntry.sequence)
        ).all()
    assert [entry["notes"] for entry in entries] == [{str(first.id): 1}, {str(first.id): 2}]
    assert "lundi" not in json.dumps(entries)  # the journal stays when the document is destroyed


def test_a_dismissed_region_is_not_searched_and_can_be_brought_back(services: Services) -> None:
    attachment_id = document(services, TOP)
    (note,) = notes(services, attachment_id)
    write(services, attachment_id, typed(note, "tache", gone=True))
    assert indexed(services, attachment_id) == "Texte"
    (note,) = notes(services, attachment_id)
    assert note.is_dismissed
    assert margin_notes.words([note]) == []
    write(services, attachment_id, typed(note, note.text))
    assert indexed(services, attachment_id) == "Texte\ntache"
    assert margin_notes.words(notes(services, attachment_id)) == [["tache", 0.6, 0.1, 0.3, 0.05, 100.0]]


def test_two_clerks_on_one_note(services: Services) -> None:
    attachment_id = document(services, TOP)
    (seen,) = notes(services, attachment_id)
    write(services, attachment_id, typed(seen, "avis"))
    assert write(services, attachment_id, typed(seen, "avis")) == 0  # a form that was sent twice
    with pytest.raises(StaleVersion) as refused:
        write(services, attachment_id, typed(seen, "autre"))
    assert (refused.value.code, refused.value.params["field"]) == ("margin_note.stale", f"words-{seen.id}")
    assert notes(services, attachment_id)[0].text == "avis"


def test_who_may_and_what_is_refused(services: Services) -> None:
    attachment_id, other = document(services, TOP), document(services, TOP)
    (note,), (foreign,) = notes(services, attachment_id), notes(services, other)
    with pytest.raises(Forbidden, match=r"scan\.not_clerk"):
        write(services, attachment_id, typed(note, "x"), who="sg")
    with pytest.raises(NotFound, match=r"attachment\.unknown"):
        write(services, attachment_id, typed(note, "x"), who="daf")
    with pytest.raises(NotFound, match=r"margin_note\.unknown"):
        write(services, attachment_id, typed(foreign, "x"))
    with pytest.raises(Invalid, match=r"margin_note\.too_long"):
        write(services, attachment_id, typed(note, "x" * (margin_notes.MAX_TEXT + 1)))
    new_version(services, attachment_id)
    with pytest.raises(InvalidTransition, match=r"attachment\.replaced"):
        write(services, attachment_id, typed(note, "x"))
    assert [row.version for row in notes(services, attachment_id)] == [0]


def test_what_people_did_survives_a_reading_that_is_done_anew(services: Services) -> None:
    attachment_id = document(services, TOP, SIDE)
    top, _side = notes(services, attachment_id)
    write(services, attachment_id, typed(top, "avis"))
    nearly, elsewhere = replace(TOP, x=0.61, width=0.28), WrittenRegion(0.4, 0.9, 0.2, 0.05, 1.4)
    read(services, attachment_id, nearly, elsewhere)
    assert [(row.place.x, row.text) for row in notes(services, attachment_id)] == [(0.6, "avis"), (0.4, "")]


@pytest.mark.parametrize(
    ("turned", "flags", "place"),
    [
        (0, (), Place(0.6, 0.1, 0.3, 0.05, 1.4)),
        (90, (), Place(0.85, 0.6, 0.05, 0.3, 0.7143)),
        (180, (), Place(0.1, 0.85, 0.3, 0.05, 1.4)),
        (270, ("rotated_90",), Place(0.6, 0.1, 0.3, 0.05, 1.4)),
    ],
)
def test_typed_notes_follow_their_page_into_a_new_version(
    services: Services, turned: int, flags: tuple[str, ...], place: Place
) -> None:
    attachment_id = document(services, TOP, SIDE)
    top, _untouched = notes(services, attachment_id)
    write(services, attachment_id, typed(top, "avis"))
    later = new_version(services, attachment_id, turned=turned)
    read(services, later, WrittenRegion(place.x, place.y, place.width, place.height, place.page_ratio), flags=flags)
    (note,) = notes(services, later)
    assert (note.text, note.version, note.by_name != "") == ("avis", 1, True)
    assert vars(note.place) == pytest.approx(vars(place), abs=0.001)
    write(services, later, typed(note, "avis favorable"))  # its history goes on
    with services.reading() as session:
        assert session.scalars(select(MarginNoteText.text).where(MarginNoteText.attachment_id == later)).all() == [
            "avis", "avis favorable",
        ]  # fmt: skip


def test_they_follow_a_document_that_is_replaced_twice_before_it_is_read(services: Services) -> None:
    attachment_id = document(services, TOP, SIDE)
    top, _untouched = notes(services, attachment_id)
    write(services, attachment_id, typed(top, "avis"))
    second = new_version(services, attachment_id)
    third = new_version(services, second)
    read(services, third, TOP)
    assert [(row.text, row.version) for row in notes(services, third)] == [("avis", 1)]
    read(services, second, TOP)  # the job of the version between comes late
    assert [(row.text, row.version) for row in notes(services, second)] == [("avis", 1)]
    assert [(row.text, row.version) for row in notes(services, third)] == [("avis", 1)]


MISSED = Added(1, Area.TOP_RIGHT, " vu, à classer ", 1.25)


def add(services: Services, attachment_id: int, what: Added = MISSED, who: str = "agent") -> int:
    with services.unit_of_work(NOW) as uow:
        return margin_notes.write(uow, attachment_id, [], added=what, actor=actor(services, who))


def test_a_note_that_the_machine_missed_is_added_with_its_words_searched_and_kept(services: Services) -> None:
    attachment_id = document(services, SIDE)
    assert add(services, attachment_id) == 1
    assert add(services, attachment_id) == 0  # a form that was sent twice
    added, side = notes(services, attachment_id)
    assert (added.text, added.version, added.by_name != "", added.at) == ("vu, à classer", 1, True, NOW)
    assert (added.place, side.text) == (Place(0.6, 0.0, 0.4, 0.4, 1.25), "")
    assert indexed(services, attachment_id) == "Texte\nvu, à classer"
    with services.reading() as session:
        payload = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(
                AuditEntry.action == "attachment.margin_noted",
                AuditEntry.subject_id == mail_of(services, attachment_id),
            )
        ).one()
    assert (payload["notes"], payload["added"]) == ({str(added.id): 1}, [added.id])
    assert "classer" not in json.dumps(payload)
    write(services, attachment_id, typed(added, "vu, à classer", gone=True))  # as every other note
    assert indexed(services, attachment_id) == "Texte"


def test_a_note_that_was_added_stays_and_hides_none_that_a_later_reading_finds(services: Services) -> None:
    attachment_id = document(services)
    add(services, attachment_id)
    inside = WrittenRegion(0.7, 0.1, 0.15, 0.05, 1.25)
    read(services, attachment_id, inside)
    assert [(row.text, row.place.x) for row in notes(services, attachment_id)] == [("vu, à classer", 0.6), ("", 0.7)]
    later = new_version(services, attachment_id, turned=90)
    read(services, later)
    (note,) = notes(services, later)
    assert (note.text, note.place.x, note.place.y) == ("vu, à classer", 0.6, 0.6)


def test_who_may_add_a_note_and_what_is_refused(services: Services) -> None:
    attachment_id = document(services)
    with pytest.raises(Forbidden, match=r"scan\.not_clerk"):
        add(services, attachment_id, who="sg")
    with pytest.raises(NotFound, match=r"attachment\.unknown"):
        add(services, attachment_id, who="daf")
    with pytest.raises(NotFound, match=r"document\.not_read"):
        add(services, attachment_id, replace(MISSED, page_no=2))
    with pytest.raises(NotFound, match=r"document\.not_read"):  # or the notes of the version before would not come over
        add(services, new_version(services, document(services)))
    with pytest.raises(Invalid, match=r"margin_note\.too_long") as long:
        add(services, attachment_id, replace(MISSED, text="x" * (margin_notes.MAX_TEXT + 1)))
    with pytest.raises(Invalid, match=r"form\.required") as empty:
        add(services, attachment_id, replace(MISSED, text=" "))
    assert {long.value.params["field"], empty.value.params["field"]} == {"added-words"}
    new_version(services, attachment_id)
    with pytest.raises(InvalidTransition, match=r"attachment\.replaced"):
        add(services, attachment_id)
    assert notes(services, attachment_id) == ()


def test_they_leave_with_the_case_and_are_destroyed_with_the_document(services: Services) -> None:
    attachment_id = document(services, TOP)
    (note,) = notes(services, attachment_id)
    write(services, attachment_id, typed(note, "avis"))
    mail_id = mail_of(services, attachment_id)
    case = case_export.collect(services, mail_id, actor=None, now=NOW)
    (told,) = json.loads(case.parts[case_export.MARGIN_NOTES])
    assert (told["text"], told["page"], told["version"], told["place"]) == ("avis", 1, 1, [0.6, 0.1, 0.3, 0.05])
    with services.unit_of_work(NOW) as uow:
        destroying._forget_texts(uow.session, mail_id)
    with services.reading() as session:
        for table in (MarginNote, MarginNoteText):
            assert session.scalars(select(table).where(table.attachment_id == attachment_id)).all() == []


# --- the page


def test_the_page_shows_each_region_beside_its_words_and_marks_them_for_a_search(site: tuple[Flask, Services]) -> None:
    app, services = site
    attachment_id = document(services, TOP, SIDE)
    client = sign_in(app, "agent")
    shown = client.get(f"/documents/{attachment_id}").text
    assert "2 annotations manuscrites" in shown
    assert 'viewBox="0 0 300.0 70.0"' in shown
    first, second = notes(services, attachment_id)
    sent = {
        "page": "1", "note": [str(first.id), str(second.id)],
        f"words-{first.id}": "avis\r\npour lundi", f"version-{first.id}": "0",
        f"words-{second.id}": "", f"version-{second.id}": "0", "dismiss": str(second.id),
    }  # fmt: skip
    answer = post(client, f"/documents/{attachment_id}/annotations", sent)
    assert answer.status_code == 303
    first, second = notes(services, attachment_id)
    assert (first.text, second.is_dismissed) == (
        "avis\npour lundi",
        True,
    )  # nothing typed is lost when another is dismissed
    shown = client.get(f"/documents/{attachment_id}?mot=lundi").text
    assert "1 annotation manuscrite" in shown
    assert "1 région écartée" in shown
    assert '<rect x="598.0" y="98.0"' in shown
    sent |= {"restore": str(second.id), "gone": str(second.id), f"version-{second.id}": "1", f"version-{first.id}": "1"}
    del sent["dismiss"]
    post(client, f"/documents/{attachment_id}/annotations", sent)
    assert not notes(services, attachment_id)[1].is_dismissed


def test_what_another_person_typed_meanwhile_is_shown_under_what_is_kept(site: tuple[Flask, Services]) -> None:
    app, services = site
    attachment_id = document(services, TOP)
    (note,) = notes(services, attachment_id)
    write(services, attachment_id, typed(note, "avis de la première"))
    sent = {"page": "1", "note": str(note.id), f"words-{note.id}": "avis de la seconde", f"version-{note.id}": "0"}
    client = sign_in(app, "agent")
    answer = post(client, f"/documents/{attachment_id}/annotations", sent)
    assert answer.status_code == 409
    assert "avis de la seconde</textarea>" in answer.text
    assert "Texte enregistré : avis de la première" in answer.text
    again = post(client, f"/documents/{attachment_id}/annotations", sent | {f"version-{note.id}": "1"})
    assert again.status_code == 303
    assert notes(services, attachment_id)[0].text == "avis de la seconde"


def test_what_a_colleague_typed_in_another_region_stays_when_a_form_is_sent_again(site: tuple[Flask, Services]) -> None:
    app, services = site
    attachment_id = document(services, TOP, SIDE)
    first, second = notes(services, attachment_id)
    client = sign_in(app, "agent")
    client.get(f"/documents/{attachment_id}")
    write(services, attachment_id, typed(first, "avis de la première"), typed(second, "mots de la première"))
    sent = {
        "page": "1", "note": [str(first.id), str(second.id)], f"words-{first.id}": "avis de la seconde",
        f"version-{first.id}": "0", f"seen-{first.id}": "", f"words-{second.id}": "", f"version-{second.id}": "0",
        f"seen-{second.id}": "",
    }  # fmt: skip
    answer = post(client, f"/documents/{attachment_id}/annotations", sent)
    assert answer.status_code == 409
    assert answer.text.count("Texte enregistré") == 1  # of the region that both typed
    again = post(client, f"/documents/{attachment_id}/annotations", _fields(answer.text))
    assert again.status_code == 303
    assert [one.text for one in notes(services, attachment_id)] == ["avis de la seconde", "mots de la première"]


def test_each_region_that_both_typed_shows_the_colleagues_words(site: tuple[Flask, Services]) -> None:
    app, services = site
    attachment_id = document(services, TOP, SIDE)
    both = notes(services, attachment_id)
    write(services, attachment_id, *(typed(one, f"première {one.number}") for one in both))
    sent: dict[str, object] = {"page": "1", "note": [str(one.id) for one in both]}
    for one in both:
        sent |= {f"words-{one.id}": f"seconde {one.number}", f"version-{one.id}": "0", f"seen-{one.id}": ""}
    answer = post(sign_in(app, "agent"), f"/documents/{attachment_id}/annotations", sent)
    assert answer.status_code == 409
    for number in (1, 2):
        assert f"seconde {number}</textarea>" in answer.text
        assert f"Texte enregistré : première {number}" in answer.text


def _fields(page: str) -> dict[str, object]:
    """What the form of the notes sends from a page."""
    form = page.partition('id="annotations"')[2].partition("</form>")[0]
    found: dict[str, object] = {"page": "1", "note": re.findall(r'name="note" value="(\d+)"', form)}
    found |= dict(re.findall(r'name="((?:version|seen)-\d+)" value="([^"]*)"', form))
    return found | dict(re.findall(r'name="(words-\d+)"[^>]*>([^<]*)</textarea>', form))


def test_who_may_not_type_reads_them_and_an_empty_page_says_nothing(site: tuple[Flask, Services]) -> None:
    app, services = site
    attachment_id, bare = document(services, TOP), document(services)
    (note,) = notes(services, attachment_id)
    write(services, attachment_id, typed(note, "avis favorable"))
    reader = sign_in(app, "sg")
    shown = reader.get(f"/documents/{attachment_id}").text
    assert "avis favorable" in shown
    assert "<textarea" not in shown
    assert "nnotation" not in reader.get(f"/documents/{bare}").text


def test_a_note_is_added_on_the_page_with_all_else_that_was_typed(site: tuple[Flask, Services]) -> None:
    app, services = site
    attachment_id, bare = document(services, SIDE), document(services)
    client = sign_in(app, "agent")
    assert "Ajouter une annotation" in client.get(f"/documents/{bare}").text
    (side,) = notes(services, attachment_id)
    sent = {"page": "1", "note": str(side.id), f"words-{side.id}": "en marge", f"version-{side.id}": "0"}
    for wrong, field in (
        ({"added-area": "top_right", "added-words": "", "add": "1"}, "added-words"),
        ({"added-area": "", "added-words": "au crayon"}, "added-area"),
        ({"added-area": "there", "added-words": "au crayon"}, "added-area"),
    ):
        answer = post(client, f"/documents/{attachment_id}/annotations", sent | wrong)
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert '<details class="margin-added" open>' in answer.text  # what was typed in it is in sight
        assert "en marge</textarea>" in answer.text
        assert wrong["added-words"] in answer.text
    assert notes(services, attachment_id)[0].version == 0
    whole = sent | {"added-area": "bottom", "added-words": "au crayon", "dismiss": str(side.id)}
    assert post(client, f"/documents/{attachment_id}/annotations", whole).status_code == 303
    gone, added = sorted(notes(services, attachment_id), key=lambda row: not row.is_dismissed)
    assert (gone.text, gone.is_dismissed, added.text) == ("en marge", True, "au crayon")
    assert added.place == Place(0.3, 0.6, 0.4, 0.4, page_shape.A4_RATIO)
    shown = client.get(f"/documents/{attachment_id}").text
    assert "au crayon</textarea>" in shown
    assert '<details class="margin-added">' in shown


def test_a_note_is_added_by_keyboard_on_a_telephone(site: tuple[Flask, Services], browser: Browser) -> None:
    app, services = site
    attachment_id = document(services)
    with served(app) as url:
        context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 360, "height": 740})
        page = context.new_page()
        browsing.sign_in(page, "agent")
        page.goto(f"/documents/{attachment_id}")
        page.get_by_text("Ajouter une annotation que la machine n’a pas vue").press("Enter")
        assert browsing.axe_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.keyboard.press("Tab")
        page.keyboard.type("marge de d")  # as people choose in a list
        page.keyboard.press("Tab")
        page.keyboard.type("vu, sans suite")
        page.keyboard.press("Tab")
        with browsing.leading_on(page):
            page.keyboard.press("Enter")
        assert page.get_by_label("Mots de l’annotation 1").input_value() == "vu, sans suite"
        assert browsing.axe_faults(page) == []
        context.close()
    (note,) = notes(services, attachment_id)
    assert (note.text, note.place.x, note.place.y) == ("vu, sans suite", 0.6, 0.3)
