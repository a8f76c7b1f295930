"""Notes and questions on a letter: who writes, who reads, which wait; none is ever lost."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from ged import case_export
from ged.audit import AuditEntry
from ged.counting import counted
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.followup import notes
from ged.followup.models import LetterNote
from ged.org.models import Person
from ged.ports import Confidentiality, MailId
from ged.register.levels import change_level
from ged.routing import operations as routing
from ged.routing.models import Assignment
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.lock_kit import outcomes
from tests.routing_kit import impute, make_mentions, post_id, register
from tests.routing_kit import services_on_either as services
from tests.site import make_site, post, sign_in

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


def letter(services: Services, **form: object) -> MailId:
    mail_id = register(services, **form).mail_id  # type: ignore[arg-type]
    impute(services, mail_id)
    return mail_id


def write(services: Services, mail_id: MailId, text: str, *, by: str, to: str | None = None) -> int:
    with services.unit_of_work(NOW) as uow:
        to_post_id = post_id(services, to) if to else None
        return notes.write(uow, mail_id, text=text, to_post_id=to_post_id, actor=actor(services, by))


def answer(services: Services, mail_id: MailId, question_id: int, text: str, *, by: str) -> int:
    with services.unit_of_work(NOW) as uow:
        return notes.answer(uow, mail_id, question_id, text=text, actor=actor(services, by))


def waiting(services: Services, account: str) -> int:
    with services.reading() as session:
        return counted(session, actor(services, account), (notes.count_questions,))[0]


def read(services: Services, mail_id: MailId, account: str) -> notes.Notes:
    with services.reading() as session:
        return notes.of_letter(session, mail_id, actor(services, account), on=TODAY)


def test_a_question_waits_for_its_post_until_it_is_answered(services: Services) -> None:
    mail_id = letter(services)
    write(services, mail_id, "Vu avec le préfet", by="dge")
    question = write(services, mail_id, "Quel délai ?", by="dge", to="SG-T")
    assert [waiting(services, name) for name in ("sg", "secretaire", "dge", "daf")] == [1, 1, 0, 0]
    with services.reading() as session:
        asked, _ = notes.questions(session, actor(services, "dge"), on=TODAY, limit=5, asked=True)
        mine, _ = notes.questions(session, actor(services, "sg"), on=TODAY, limit=5)
    assert [one.id for one in asked] == [one.id for one in mine] == [question]
    assert mine[0].asked_of == "Poste SG-T (Sg)"
    with pytest.raises(Forbidden):
        answer(services, mail_id, question, "Pas à moi", by="dge")
    answer(services, mail_id, question, "Huit jours", by="secretaire")
    with pytest.raises(InvalidTransition) as refused:
        answer(services, mail_id, question, "Dix jours", by="sg")
    assert refused.value.code == "note.answered"
    assert waiting(services, "sg") == 0
    first, second = read(services, mail_id, "dge").rows
    assert (first.text, first.answer) == ("Vu avec le préfet", None)
    assert second.answer is not None
    assert (second.answer.text, second.answer.post_title) == ("Huit jours", "Poste SG-T")


def test_who_does_not_see_the_letter_reads_writes_and_counts_nothing(services: Services) -> None:
    mail_id = letter(services)
    with pytest.raises(NotFound):
        write(services, mail_id, "De passage", by="daf")
    question = write(services, mail_id, "Et vous ?", by="sg", to="DGE-C")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    assert waiting(services, "dge") == 0
    with pytest.raises(NotFound):
        answer(services, mail_id, question, "Oui", by="dge")
    assert read(services, mail_id, "sg").posts == ()


def test_only_posts_of_the_path_are_asked(services: Services) -> None:
    mail_id = letter(services)
    offered = [one for one, _ in read(services, mail_id, "dge").posts]
    assert offered == [post_id(services, "SG-T")]
    assert [one for one, _ in read(services, mail_id, "sg").posts] == [post_id(services, "DGE-C")]
    with pytest.raises(Invalid) as refused:
        write(services, mail_id, "Et la DAF ?", by="dge", to="DAF-C")
    assert refused.value.code == "note.not_on_path"


def test_a_note_is_never_changed_nor_deleted(services: Services) -> None:
    mail_id = letter(services)
    note_id = write(services, mail_id, "À garder", by="dge")
    for statement in (update(LetterNote).values(text="Autre"), delete(LetterNote)):
        with pytest.raises(DatabaseError), services.unit_of_work(NOW) as uow:
            uow.session.execute(statement)
    with services.reading() as session:
        assert session.get_one(LetterNote, note_id).text == "À garder"


def test_the_same_form_sent_twice_is_one_note_and_wrong_texts_are_refused(services: Services) -> None:
    mail_id = letter(services)
    assert write(services, mail_id, "Une fois", by="dge") == write(services, mail_id, "Une fois", by="dge")
    assert write(services, mail_id, "Une fois", by="sg") != write(services, mail_id, "Deux fois", by="dge")
    for text, code in (("  ", "note.empty"), ("x" * 2001, "note.too_long")):
        with pytest.raises(Invalid) as refused:
            write(services, mail_id, text, by="dge")
        assert refused.value.code == code
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()
        routing.finish(uow, mail_id, row, outcome="Fait", actor=actor(services, "dge"), now=NOW)
    write(services, mail_id, "Après la réponse", by="dge")


def test_notes_are_part_of_the_history_and_of_the_case_file(services: Services) -> None:
    mail_id = letter(services)
    question = write(services, mail_id, "Quel délai pour la préfecture ?", by="dge", to="SG-T")
    answer(services, mail_id, question, "Quinze jours ouvrés", by="sg")
    case = case_export.collect(services, mail_id, actor=actor(services, "dge"), now=NOW)
    told = "".join(part.decode("utf-8", "replace") for part in case.parts.values())
    for text in ("Quel délai pour la préfecture ?", "Quinze jours ouvrés"):
        assert text in told or json.dumps(text)[1:-1] in told


@pytest.mark.servers
def test_two_who_answer_at_once_leave_one_answer(services: Services) -> None:
    mail_id = letter(services)
    question = write(services, mail_id, "Quel délai ?", by="dge", to="SG-T")
    found = outcomes(
        lambda: answer(services, mail_id, question, "Huit jours", by="sg"),
        lambda: answer(services, mail_id, question, "Dix jours", by="secretaire"),
    )
    assert [one.code for one in found if isinstance(one, InvalidTransition)] == ["note.answered"]
    assert len(read(services, mail_id, "dge").rows) == 1


# --- through the site


def test_a_question_travels_through_the_site_without_a_script(tmp_path: Path) -> None:
    app, services = site(tmp_path)
    mail_id = letter(services)
    head, authority = sign_in(app, "dge"), sign_in(app, "sg")
    page = f"/courriers/{mail_id}"
    asked = post(
        head, f"{page}/notes", {"note": "Quel délai ?", "to_post": post_id(services, "SG-T"), "next": page}, page=page
    )
    assert (asked.status_code, asked.headers["Location"]) == (303, page)
    shown = head.get(page).text
    assert ["Question posée à : " in shown, "attend une réponse" in shown] == [True, True]
    assert "Quel délai ?" in head.get("/questions?voir=posees").text
    home = authority.get("/").text
    assert 'href="/questions"' in home
    listed = authority.get("/questions").text
    assert "Quel délai ?" in listed
    empty = post(authority, f"{page}/notes/1", {"answer-1": " "})
    assert empty.status_code == 422
    told = post(authority, f"{page}/notes/1", {"answer-1": "Huit jours"})
    assert told.status_code == 303
    assert "Aucune question en attente" in authority.get("/questions").text
    assert 'href="/questions"' not in authority.get("/").text
    letter_page = head.get(page).text
    assert "Huit jours" in letter_page
    assert "a répondu à une question" in letter_page
    with services.reading() as session:
        row = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()
    assert "Huit jours" in head.get(f"/bannette/{row}").text


def test_the_list_of_questions_tells_nothing_of_a_secret_letter_and_reading_its_notes_leaves_a_trace(
    tmp_path: Path,
) -> None:
    app, services = site(tmp_path)
    mail_id = letter(services, subject="Enquête sur un agent")
    write(services, mail_id, "Faut-il suspendre cet agent ?", by="dge", to="SG-T")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    authority = sign_in(app, "sg")
    listed = authority.get("/questions").text
    assert "Courrier confidentiel" in listed
    assert "Enquête" not in listed
    assert "suspendre" not in listed
    assert opened(services, mail_id) == 0
    assert "suspendre" in authority.get(f"/courriers/{mail_id}/notes").text
    assert opened(services, mail_id) == 1


def opened(services: Services, mail_id: MailId) -> int:
    query = select(AuditEntry.sequence).where(AuditEntry.action == "mail.opened", AuditEntry.subject_id == mail_id)
    with services.reading() as session:
        return len(session.scalars(query).all())


def test_a_refused_note_keeps_what_was_typed_and_a_stranger_finds_nothing(tmp_path: Path) -> None:
    app, services = site(tmp_path)
    mail_id = letter(services)
    head, stranger = sign_in(app, "dge"), sign_in(app, "daf")
    page = f"/courriers/{mail_id}"
    typed = {"note": "Longue question à ne pas perdre", "to_post": post_id(services, "DAF-C")}
    refused = post(head, f"{page}/notes", typed, page=page)
    assert refused.status_code == 422
    assert "Longue question à ne pas perdre" in refused.text
    assert "pas sur le parcours" in refused.text
    for path in (f"{page}/notes", "/courriers/999999/notes"):
        assert stranger.get(path).status_code == 404
        assert post(stranger, path, {"note": "Bonjour"}).status_code == 404
    assert "Longue question" not in head.get(page).text
    with services.reading() as session:
        assert session.scalars(select(LetterNote.id)).all() == []
        assert session.scalars(select(Person.id)).first() is not None


def site(folder: Path) -> tuple[Flask, Services]:
    app, services = make_site(folder)
    make_mentions(services)
    return app, services


def test_the_notes_of_a_letter_have_an_end(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The letter's page shows all notes. A waiting question can still be answered."""
    monkeypatch.setattr(notes, "MAX_NOTES", 3)
    mail_id = letter(services)
    write(services, mail_id, "Une", by="dge")
    write(services, mail_id, "Deux", by="dge")
    question = write(services, mail_id, "Faut-il ?", by="dge", to="SG-T")
    with pytest.raises(Invalid, match=r"note\.too_many"):
        write(services, mail_id, "Quatre", by="dge")
    answer(services, mail_id, question, "Oui", by="sg")
    write(services, letter(services), "Un autre courrier", by="dge")
