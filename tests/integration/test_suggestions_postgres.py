"""On PostgreSQL: a scan is recognised as sent again; lessons are learned and applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.factories import make_services
from tests.pages import png
from tests.scripted_ocr import ScriptedEngine, reading
from tests.site import make_site, sign_in
from tests.suggestions_kit import LETTERS, Site, fill_register, know, learn

pytestmark = [pytest.mark.in_turns(3), pytest.mark.servers]


def test_from_the_scan_to_the_proposals(tmp_path: Path, make_database: Callable[[], str]) -> None:
    engine = ScriptedEngine(fields=(reading("sender", "TRESOR PUBLIC"),))
    services = replace(make_services(tmp_path, url=make_database()), ocr=engine)
    app, _ = make_site(tmp_path, services=services)
    site = Site(app, services, engine)
    try:
        fill_register(site, 60)
        know(services, "Trésor des mines")
        learn(site)
        first = site.register(subject=LETTERS[2].subject)
        site.document(first.id, LETTERS[2].pages_text[0])
        engine.texts = (LETTERS[2].pages_text[0] + " transformateur délestage abonnés tension",)
        scan_id = site.upload(png("encore"), "a.png")
        site.work()
        page = sign_in(app, "agent").get(f"/enregistrer/numerisation/{scan_id}").text
        assert f"Probablement un rappel du n° {first.numbers[0].text}" in page
        assert 'data-value="Trésor public"' in page
        mail = site.register(subject="Délestage : un transformateur et la tension des abonnés")
        assert "Proposé :" in sign_in(app, "sg").get(f"/a-imputer/{mail.id}").text
        assert sign_in(app, "admin").get("/administration/apprentissage").text.count("en service") == 3
    finally:
        services.engine.dispose()
