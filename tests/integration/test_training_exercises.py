"""Exercises are counted from the journal of their person, since they were begun; the sheets say so on paper."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask

from ged.errors import Invalid, NotFound
from ged.org.models import Holding, Person, Post, PostRole
from ged.ports import Confidentiality
from ged.training import operations, queries
from ged.training.exercises import ANSWERED, EXERCISES, Exercise
from ged.training.queries import Progress
from ged.training.sheet import duration_text
from ged.unit import Actor, HeldPost, Role, Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import unit_id
from tests.site import give_passwords, open_site, post, sign_in
from web.site import guide
from web.words import labels

pytestmark = pytest.mark.in_turns(3)

WHO = {
    Role.CLERK: "agent", Role.SECRETARY: "secretaire", Role.MEMBER: "etudes", Role.HEAD: "dge", Role.AUTHORITY: "sg",
    Role.ADMINISTRATOR: "admin", Role.AUDITOR: "auditeur",
}  # fmt: skip


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = replace(make_services(tmp_path), training=True)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        person = Person(account="auditeur", name="Auditeur", clearance=int(Confidentiality.ORDINARY))
        held = Post(code="AUD", title="Auditeur", unit_id=unit_id(made, "MIN"), roles=[PostRole(role=Role.AUDITOR)])
        uow.session.add_all([person, held])
        uow.session.flush()
        uow.session.add(Holding(post_id=held.id, person_id=person.id, from_on=TODAY))
    give_passwords(made)
    yield made
    made.engine.dispose()


def begin(services: Services, exercise: Exercise, who: Actor, *, minutes: int = 0) -> None:
    with services.unit_of_work(NOW + timedelta(minutes=minutes)) as uow:
        operations.start(uow, exercise.number, actor=who)


def act(services: Services, exercise: Exercise, who: Actor, subject: int, *, minutes: int, own: bool = False) -> None:
    """An act that the exercise counts, on a subject; ``own``: not for another's post."""
    action = sorted(exercise.actions)[0]
    held: HeldPost | None = who.posts[0]
    if exercise.for_another:
        held = next((one for one in who.posts if (one.because == "secretary") is not own), None)
    number = exercise.number if action == ANSWERED else subject
    with services.unit_of_work(NOW + timedelta(minutes=minutes)) as uow:
        uow.record(action, "mail", number, actor=who, post=held)


def progress(services: Services, exercise: Exercise, who: Actor) -> Progress:
    with services.reading() as session:
        return next(one for one in queries.progress_of(session, who) if one.exercise == exercise)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: f"{one.number}-{one.role.value}")
def test_an_exercise_is_passed_by_as_many_acts_as_it_wants_and_not_before(
    services: Services, exercise: Exercise
) -> None:
    who, another = actor(services, WHO[exercise.role]), actor(services, "daf")
    act(services, exercise, who, 900, minutes=0)
    begin(services, exercise, who, minutes=1)
    act(services, exercise, another, 901, minutes=2)
    if exercise.for_another:
        act(services, exercise, who, 902, minutes=2, own=True)
    assert progress(services, exercise, who).done == 0, (
        "what was before, of another, or in one's own name does not count"
    )
    for n in range(exercise.wanted - 1):
        act(services, exercise, who, n, minutes=3)
        act(services, exercise, who, n, minutes=3)
    assert (found := progress(services, exercise, who)).done == exercise.wanted - 1, "the same subject counts once"
    assert found.done_at is None
    act(services, exercise, who, 500, minutes=13)
    act(services, exercise, who, 501, minutes=20)
    found = progress(services, exercise, who)
    assert (found.done, found.lasted) == (exercise.wanted, timedelta(minutes=12))
    begin(services, exercise, who, minutes=30)
    found = progress(services, exercise, who)
    assert (found.done, found.done_at, found.starts) == (0, None, 2)


def test_the_table_names_what_there_is() -> None:
    assert len({one.number for one in EXERCISES}) == len(EXERCISES)
    assert {action for one in EXERCISES for action in one.actions} <= labels.ACTIONS.keys()
    assert {one.role for one in EXERCISES} == WHO.keys()
    for one in EXERCISES:
        page, anchor = one.guide
        for language in ("fr", "en"):
            assert anchor in {name for name, _ in guide.page(page, language).sections}, one.title


def test_only_who_has_the_role_begins_it_and_nobody_in_a_real_installation(services: Services) -> None:
    with pytest.raises(NotFound, match=r"training\.unknown"):
        begin(services, EXERCISES[0], actor(services, "etudes"))
    with pytest.raises(NotFound, match=r"training\.unknown"):
        begin(replace(services, training=False), EXERCISES[0], actor(services, "agent"))


def test_the_auditor_finds_the_entry_that_began_the_exercise(services: Services) -> None:
    exercise, who = EXERCISES[-1], actor(services, "auditeur")
    with pytest.raises(Invalid, match=r"training\.wrong"), services.unit_of_work(NOW) as uow:
        operations.answer(uow, exercise.number, "0", actor=who)
    begin(services, exercise, who)
    entry = progress(services, exercise, who).entry
    with pytest.raises(Invalid, match=r"training\.wrong"), services.unit_of_work(NOW) as uow:
        operations.answer(uow, exercise.number, str(entry + 1), actor=who)
    with services.unit_of_work(NOW) as uow:
        operations.answer(uow, exercise.number, f" {entry} ", actor=who)
    assert progress(services, exercise, who).done_at is not None


def text_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


@pytest.fixture
def app(services: Services, tmp_path: Path) -> Flask:
    return open_site(tmp_path, services)


def test_the_pages_show_progress_and_print_a_sheet_for_each_person(services: Services, app: Flask) -> None:
    clerk, admin = sign_in(app, "agent"), sign_in(app, "admin")
    assert "Enregistrer dix courriers" in clerk.get("/exercices/").text
    assert "Exercices" in clerk.get("/mon-compte/langue").text
    assert post(clerk, "/exercices/1/commencer", {}).status_code == 303
    assert post(clerk, "/exercices/13/commencer", {}).status_code == 404
    page = clerk.get("/exercices/").text
    assert ("en cours" in page, 'max="10"' in page, "Recommencer" in page) == (True, True, True)
    (own,) = text_of(clerk.get("/exercices/fiche.pdf").data)
    assert "FICHE DE RÉSULTATS" in own
    assert "0 / 10" in own
    assert clerk.get("/exercices/resultats").status_code == 403
    assert "Agent" in admin.get("/exercices/resultats").text
    table, person = text_of(admin.get("/exercices/resultats.pdf").data)
    assert ("RÉSULTATS DES EXERCICES" in table, "Enregistrer dix courriers" in person) == (True, True)
    wrong = post(sign_in(app, "auditeur"), "/exercices/19/reponse", {"answer-19": "7"})
    assert (wrong.status_code, "Ce n'est pas cette écriture" in wrong.text) == (422, True)


def test_a_real_installation_has_no_exercises(services: Services, tmp_path: Path) -> None:
    client = sign_in(open_site(tmp_path, replace(services, training=False)), "agent")
    assert client.get("/exercices/").status_code == 404
    assert post(client, "/exercices/1/commencer", {}).status_code == 404
    assert "Exercices" not in client.get("/mon-compte/langue").text


def test_durations_are_told_shortly() -> None:
    given = (timedelta(seconds=40), timedelta(minutes=12, seconds=5), timedelta(hours=1, minutes=5))
    assert [duration_text(one) for one in given] == ["40 s", "12 min", "1 h 05 min"]
