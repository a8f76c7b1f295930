"""Due dates in words, the order of the queue, and the units that are offered when a unit above them is closed."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from ged.org.models import Unit
from ged.register.models import Priority
from ged.routing import choices, queries
from ged.routing.deadlines import WorkCalendar
from ged.typography import plain
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import register, unit_id
from web.site import i18n
from web.words.due import due_words

TUESDAY = date(2026, 11, 24)
FRIDAY, SATURDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 28), date(2026, 11, 30)
CALENDAR = WorkCalendar(frozenset(range(5)), frozenset({date(2026, 11, 26)}))


@pytest.fixture(scope="module")
def french() -> Flask:
    """An application in French."""
    app = Flask(__name__)
    i18n.install(app, locale="fr", zone="Africa/Lome")
    return app


@pytest.mark.parametrize(
    ("due_on", "today", "words", "tone"),
    [
        (TUESDAY, TUESDAY, "aujourd'hui", "warning"),
        (date(2026, 11, 25), TUESDAY, "dans un jour ouvré", "warning"),
        (FRIDAY, TUESDAY, "dans 2 jours ouvrés", "warning"),
        (MONDAY, TUESDAY, "dans 3 jours ouvrés", "info"),
        (date(2026, 11, 20), TUESDAY, "en retard de 2 jours ouvrés", "danger"),
        (date(2026, 11, 23), TUESDAY, "en retard d'un jour ouvré", "danger"),
        (FRIDAY, SATURDAY, "en retard", "danger"),
        (date(2026, 11, 29), SATURDAY, "avant le prochain jour ouvré", "warning"),
    ],
)
def test_working_days_left_in_words(french: Flask, due_on: date, today: date, words: str, tone: str) -> None:
    with french.test_request_context(), force_locale("fr"):
        found = due_words(due_on, today, CALENDAR)
        assert found is not None
        assert (plain(found.text), found.tone, found.is_late) == (words, tone, tone == "danger")
        assert due_words(None, today, CALENDAR) is None


def test_the_most_pressing_letter_comes_first_and_the_last_leads_to_the_first(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    plain, dated = register(services), register(services, due_on=TODAY + timedelta(days=9))
    urgent, very = register(services, priority=Priority.URGENT), register(services, priority=Priority.VERY_URGENT)
    order = [very.mail_id, urgent.mail_id, dated.mail_id, plain.mail_id]
    with services.reading() as session:
        sg = actor(services, "sg")
        assert [row.mail_id for row in queries.imputation_queue(session, sg)[0]] == order
        assert queries.following(session, sg, urgent.mail_id) == dated.mail_id
        assert queries.following(session, sg, plain.mail_id) == very.mail_id
        assert queries.imputation_count(session, actor(services, "dge")) == 0


def test_units_below_a_closed_one_are_still_offered(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Unit, unit_id(services, "DGE")).closed_at = NOW
    with services.reading() as session:
        offered = {one.code: one.depth for one in choices.unit_choices(session, actor(services, "sg"))}
    assert "DGE" not in offered
    assert offered["ETU"] == 1
    with services.reading() as session:
        below = choices.targets(session, unit_id(services, "SG"), actor(services, "sg"), on=TODAY)
    assert [one.code for one in below.units] == ["BO"]
    assert [one.label for one in below.posts] == ["Poste SG-T (Sg)", "Poste SG-S (Secretaire)"]
