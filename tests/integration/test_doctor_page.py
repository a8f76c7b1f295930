"""How checks are run, and the page that shows them: nothing raises, nothing hangs, slow ones are kept with their time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from ged.capture.models import Bridge
from ged.health import mail, proof, work
from ged.health.findings import Check, Finding, Group, State, fault, ok, run, run_all, worst
from ged.health.ground import Ground, SettingsFile
from ged.org.keys import issue_key
from ged.org.models import IssuedCertificate
from ged.unit import SYSTEM, Services
from tests.commands import ged
from tests.doctor_kit import Patient, patient, whole
from tests.factories import NOW, PASSPHRASE, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in
from web.processes.look_around import look_around
from web.views.admin import checks as page
from web.wiring.checks import CHECKS
from web.wiring.kept_checks import KeptChecks
from web.words.check_table import COMMON, TEXTS, TITLES
from web.words.checks import words_of

__all__ = ["patient", "whole"]  # fixtures

pytestmark = pytest.mark.in_turns(3)
ROOT = "/administration/etat/"


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    services = make_services(tmp_path)
    make_organisation(services)
    yield Ground(NOW, SettingsFile(tmp_path / "ged.env"), services=services)
    services.engine.dispose()


def _check(name: str, look: object, group: Group = Group.WORK) -> Check:
    return Check(name, group, look)  # type: ignore[arg-type]


def _raise(_ground: Ground) -> Finding:
    raise RuntimeError("something else")


def test_a_check_neither_raises_nor_hangs(ground: Ground) -> None:
    never = threading.Event()
    assert run(_check("workers", _raise), ground) == fault("broken", error="RuntimeError", why="something else")
    late = run(_check("workers", lambda _ground: never.wait()), ground, limit_s=0.5)
    never.set()
    assert late == fault("late", limit_s=0.5)
    words = words_of("workers", late, language="en", zone=ground.serving.zone)
    assert words.found == "No answer within 0.5 s."


def test_the_page_waits_no_longer_than_it_says_and_no_group_waits_for_another(ground: Ground) -> None:
    never = threading.Event()
    checks = [
        _check("redis", lambda _ground: never.wait(), Group.WORK), _check("queue", lambda _ground: ok(), Group.WORK),
        _check("backup", lambda _ground: ok(), Group.PROOF),
    ]  # fmt: skip
    found = {check.name: finding.code for check, finding in run_all(checks, ground, within_s=0.2)}
    never.set()
    assert found == {"redis": "late", "queue": "late", "backup": "ok"}
    assert worst([ok(), fault("late")]) is State.FAULT


def test_the_checks_leave_this_process_its_locks_on_the_file_of_the_database(ground: Ground) -> None:
    """Without them, the next program that ends deletes the log under the site: letters are lost, and each page fails."""
    services = ground.serving
    if services.engine.dialect.name != "sqlite":
        pytest.skip("only SQLite keeps its locks on a file")
    file = Path(str(services.engine.url.database))
    log = file.with_name(f"{file.name}-wal")
    with services.engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM units")).scalar_one()
        before = log.stat().st_ino
        list(run_all(CHECKS, ground))
        other = "import sqlite3, sys; base = sqlite3.connect(sys.argv[1]); base.execute('SELECT 1 FROM units'); base.close()"
        subprocess.run([sys.executable, "-c", other, str(file)], check=True, timeout=60)
        assert log.is_file()
        assert log.stat().st_ino == before


def test_each_check_has_its_title_and_each_sentence_its_check() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert set(TITLES) == set(names)
    assert {name for name, _code in TEXTS} <= set(names)
    assert not {code for _name, code in TEXTS} & (COMMON.keys() - {"refused"})


def test_stations_certificates_and_people_without_mail(ground: Ground) -> None:
    services = ground.serving
    assert work.bridges(ground).code == "none"
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        for name, days in (("Accueil", 0), ("Annexe", 9), ("Neuve", None)):  # paired now, and not seen yet
            uow.session.add(
                Bridge(
                    name=name, unit_id=int(agent.posts[0].unit_id), token_hash=name, devices=[], paired_at=NOW,
                    last_seen_at=None if days is None else NOW - timedelta(days=days),
                )
            )  # fmt: skip
        issue_key(uow, agent.person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    silent = work.bridges(ground)
    assert (silent.state, silent.figures["names"], silent.figures["silent"]) == (State.WARNING, "Annexe", 1)
    assert proof.people(ground).state is State.OK
    for days, code in ((30, "ending"), (-1, "ended")):
        with services.engine.begin() as connection:
            connection.execute(update(IssuedCertificate).values(expires_at=NOW + timedelta(days=days)))
        assert (proof.people(ground).state, proof.people(ground).code) == (State.WARNING, code)
    assert proof.authority(ground).code == "trial"
    assert mail.deaf(ground).state is State.OK


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[tuple[FlaskClient, Services]]:
    app, services = make_site(tmp_path)
    yield sign_in(app, "admin"), services
    services.engine.dispose()


def test_the_page_shows_what_is_wrong_first_and_how_old_slow_findings_are(
    admin: tuple[FlaskClient, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, services = admin
    shown = client.get(ROOT).text
    assert "Aucun traitement de fond n'est en marche" in shown.partition("<table")[0]
    assert "Démarrez le service : ged worker." in shown.partition("<table")[0]
    assert "les longs n'ont pas encore été faits" in shown
    made = threading.Event()
    slow = Check("printing", Group.PROGRAM, lambda _ground: ok(version="1", size_bytes=1), slow=True)
    kept = KeptChecks(Path(services.data_dir))
    run_kept = KeptChecks.run
    monkeypatch.setattr(page, "SLOW", (slow,))

    def run_and_tell(*given: Any) -> bool:
        done = run_kept(*given)
        made.set()
        return done

    monkeypatch.setattr(KeptChecks, "run", run_and_tell)
    assert "Les contrôles longs sont lancés : la page se complète" in post(client, ROOT, {}, follow_redirects=True).text
    assert made.wait(20)
    assert kept.latest()["printing"].finding == ok(version="1", size_bytes=1)
    shown = client.get(ROOT + "avancement").text
    assert "typst 1 met une page en forme." in shown
    assert "Regardé le" in shown
    assert "<h1" not in shown
    english = client.get(ROOT, headers={"Accept-Language": "en"})
    assert english.status_code == 200


def test_two_processes_do_not_make_the_slow_checks_at_once_and_a_torn_file_counts_as_none(ground: Ground) -> None:
    data = Path(ground.serving.data_dir)
    kept = KeptChecks(data)
    seen: list[bool] = []

    def look(_ground: Ground) -> Finding:
        seen.append(KeptChecks(data).is_running())
        seen.append(KeptChecks(data).run([_check("queue", lambda _ground: ok())], ground))
        return ok()

    assert kept.run([_check("backup", look)], ground)
    assert seen == [True, False]
    assert not kept.is_running()
    assert set(kept.latest()) == {"backup"}
    (data / "run" / "checks.json").write_text('{"backup": {"state": "ok"')
    assert kept.latest() == {}


def test_nobody_else_sees_the_page(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    for account in ("agent", "dge"):
        assert sign_in(app, account).get(ROOT).status_code == 403
    services.engine.dispose()


def test_the_command_keeps_slow_findings_for_the_page(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = tuple(check for check in CHECKS if check.name == "python")
    slow = (Check("reading", Group.PROGRAM, lambda _ground: ok(version="5", languages="fra"), slow=True),)
    monkeypatch.setattr("web.commands.doctor.CHECKS", quick + slow)
    done = ged("doctor", "--keep", "--json", GED_ENV_FILE=str(patient.file))
    assert [row["name"] for row in json.loads(done.stdout)["checks"]] == ["python", "reading"]
    assert set(KeptChecks(patient.data).latest()) == {"reading"}


def test_the_worker_has_them_made_again_and_again_until_it_stops(tmp_path: Path) -> None:
    stop, mark = threading.Event(), tmp_path / "mark"
    words = (sys.executable, "-S", "-c", f"open({str(mark)!r}, 'a').write('x')")
    thread = threading.Thread(target=look_around, args=(stop,), kwargs={"first_s": 0, "every_s": 0, "command": words})
    thread.start()
    until = datetime.now(UTC) + timedelta(seconds=20)
    while datetime.now(UTC) < until and not (mark.exists() and len(mark.read_text()) > 1):
        stop.wait(0.02)
    stop.set()
    thread.join(20)
    assert len(mark.read_text()) > 1
    assert not thread.is_alive()
