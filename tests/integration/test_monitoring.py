"""What a monitor reads of a site: figures, readiness, slow statements, the request's id through jobs; and its own files."""

import errno
import json
import logging
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import OperationalError

from ged import db, log_context, pipeline, slow_queries
from ged.config import load_settings
from ged.errors import ConfigError
from ged.health import gauges as figures
from ged.health.gauges import GAUGES, GROUPS, Group, Value
from ged.jobs import Job, JobKind, JobState
from ged.notices import mail
from ged.ports import JobId
from ged.preservation.models import Preservation
from ged.space import Space
from ged.unit import Services
from scripts.bundle import ROOT
from tests import pages
from tests.commands import ged
from tests.scan_site_kit import Site, paired, put_page, site
from tests.scripted_ocr import ScriptedEngine
from tests.served import served
from tests.servers import free_port
from tests.site import make_site, open_site, sign_in
from tests.worker_kit import Installation, eventually
from web.processes import metrics
from web.processes.metrics import Gauges, text_of
from web.processes.site_worker import SiteWorker
from web.site import readiness
from web.wiring.meter import MEASURES, FileMeter, folder_of

__all__ = ["site"]

pytestmark = pytest.mark.in_turns(3)
DEPLOY = ROOT / "deploy"
LANES = ("pages", "answers", "health", "ready", "figures")


@pytest.fixture
def metered(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    """A site that counts, on tables with a revision."""
    _app, services = make_site(tmp_path)
    with services.engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:own)"), {"own": db.PROGRAM})
    meter = FileMeter(folder_of(tmp_path))
    services = replace(services, meter=meter)
    yield open_site(tmp_path, services), services
    meter.close()


def scraped(services: Services, gauges: Gauges | None = None) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The figures as Prometheus reads them: (name, labels) -> value."""
    gauges = gauges or Gauges(services, Space(Path(services.data_dir), 1_000))
    services.meter.flush(at_once=True)
    told = text_of(services, gauges.read()).decode()
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(told)
        for one in family.samples
    }


# --- figures


def test_pages_are_counted_by_their_names_and_strangers_together(metered: tuple[Flask, Services]) -> None:
    app, services = metered
    client = sign_in(app, "agent")
    for path in ("/registres/", "/recherche/?q=secret", "/admin.php", "/wp-login/secret", "/registres/"):
        client.get(path)
    client.open("/registres/", method="SECRET")
    told = scraped(services)
    count = "ged_http_request_seconds_count"

    def of(route: str, method: str = "GET", status: str = "2xx") -> float:
        return told[count, (("method", method), ("route", route), ("status", status))]

    assert of("registers.index") == 2
    assert of("search.index") == 1
    assert of("unknown", status="4xx") == 2
    assert of("session.sign_in", "POST", "3xx") == 1
    assert {dict(labels).get("method") for name, labels in told if name == count} == {"GET", "POST", "other"}
    assert "secret" not in str(sorted(told)).lower()
    assert (
        "ged_http_request_seconds_bucket",
        (("le", "0.3"), ("method", "GET"), ("route", "search.index"), ("status", "2xx")),
    ) in told


def test_the_database_tells_queues_index_post_and_signatures(metered: tuple[Flask, Services]) -> None:
    _app, services = metered
    now = datetime.now(UTC)
    for kind, age in ((JobKind.NOTIFY, 3), (JobKind.INDEX, 2), (JobKind.RECOGNISE, 5), (JobKind.LEARN, 0)):
        with services.unit_of_work(now - timedelta(hours=age)) as uow:
            uow.defer(kind, 1)
    with services.unit_of_work(now) as uow:
        job = uow.session.scalars(select(Job).where(Job.kind == JobKind.LEARN)).one()
        job.state = JobState.FAILED
    with services.engine.begin() as connection:
        for level in ("B-T", "B-T", ""):
            row = {"slip_id": None, "level": level, "tries": 0, "failure": "", "due_at": now, "updated_at": now}
            connection.execute(text("PRAGMA ignore_check_constraints = ON"))
            connection.execute(insert(Preservation).values(**row))
    told = scraped(services)

    def gauge(name: str, **labels: str) -> float:
        return told[name, tuple(sorted(labels.items()))]

    assert gauge("ged_database_up") == gauge("ged_schema_ready") == 1
    assert gauge("ged_queue_jobs", lane="quick") == 2
    assert gauge("ged_queue_oldest_seconds", lane="quick") == pytest.approx(3 * 3600, abs=60)
    assert gauge("ged_queue_oldest_seconds", lane="slow") == pytest.approx(5 * 3600, abs=60)
    assert gauge("ged_queue_oldest_seconds", lane="desk") == 0
    assert gauge("ged_jobs_stopped", state="failed") == 1
    assert gauge("ged_index_waiting") == 1
    assert gauge("ged_index_lag_seconds") == pytest.approx(2 * 3600, abs=60)
    assert gauge("ged_mail_undelivered_oldest_seconds") == pytest.approx(3 * 3600, abs=60)
    assert gauge("ged_workers", lane="quick") == 0
    assert gauge("ged_signatures", level="B-T") == 2
    assert gauge("ged_signatures", level="none") == 1
    assert gauge("ged_problem", code="worker.none") == 1
    assert gauge("ged_certificate_days", which="root") > 1000
    assert gauge("ged_backup_expected") == 0
    assert ("ged_backup_age_seconds", ()) not in told, "there was none: no number says so"
    assert gauge("ged_disk_reserve_bytes") == 1_000
    assert all(gauge("ged_figures_failed", group=name) == 0 for name in GROUPS)


def test_a_scrape_answers_without_the_database_and_while_it_hangs(
    metered: tuple[Flask, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, services = metered
    app.test_client().get("/sante/site")

    def away(*_args: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"), connection_invalidated=True)

    with monkeypatch.context() as broken:
        broken.setattr(figures, "tables_of", away)
        told = scraped(services)
    assert told["ged_database_up", ()] == 0
    assert told["ged_figures_failed", (("group", "database"),)] == 1
    assert ("ged_schema_ready", ()) not in told
    assert any(name == "ged_http_request_seconds_count" for name, _labels in told), "what was counted is told"

    let_go, asked = threading.Event(), []

    def hangs(*_args: object) -> Iterator[Value]:
        asked.append(1)
        let_go.wait(30)
        yield Value("ged_database_up", 1)

    monkeypatch.setattr(metrics, "GROUPS", {"database": Group(hangs, 15.0)})
    gauges = Gauges(services, Space(Path(services.data_dir), 1_000), limit_s=0.05)
    for _ in range(3):
        assert scraped(services, gauges)["ged_database_up", ()] == 0
    assert asked == [1], "one thread waits, however often it is scraped"
    let_go.set()
    eventually(lambda: scraped(services, gauges)["ged_database_up", ()] == 1, within_s=10, what="it is back")
    assert asked == [1], "and its figures are kept"


# --- readiness


def test_a_process_is_ready_only_on_its_own_tables(
    metered: tuple[Flask, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, services = metered
    monkeypatch.setattr(readiness, "KEPT_S", -1.0)
    client = app.test_client()

    def asked() -> tuple[int, str]:
        answer = client.get("/sante/pret")
        assert answer.json is not None
        return answer.status_code, answer.json["why"]

    def at(revision: str, oldest: str = "") -> tuple[int, str]:
        with services.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
            if oldest:
                connection.execute(text("DELETE FROM schema_tolerance"))
                connection.execute(text("INSERT INTO schema_tolerance VALUES (1, :oldest)"), {"oldest": oldest})
        return asked()

    assert asked() == (200, "")
    assert at("0001") == (503, "schema.older")
    assert at("9998", "9998") == (503, "schema.newer")
    assert at("9998", db.PROGRAM) == (200, ""), "a newer release that lets this one run on"
    assert at(db.PROGRAM) == (200, "")
    readiness.stop(app)
    assert asked() == (503, "stopping")
    assert client.get("/connexion").status_code == 200, "who is there is served to the end"


@pytest.mark.servers
def test_without_its_database_a_process_is_not_ready(tmp_path: Path) -> None:
    _app, services = make_site(tmp_path)
    services.engine.dispose()
    lost = replace(services, engine=db.make_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none"))
    answer = open_site(tmp_path, lost).test_client().get("/sante/pret")
    assert (answer.status_code, answer.json) == (503, {"status": "red", "why": "database.away"})
    told = scraped(lost)
    assert told["ged_database_up", ()] == 0


# --- the request's id


def test_the_id_of_a_request_goes_with_its_jobs(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    object.__setattr__(site.services, "ocr", ScriptedEngine())
    bridge = paired(site)
    key, content = "lot-1", pages.png("Une page")
    client = site.app.test_client()
    begun = client.put(f"/api/bridge/batch/{key}", json={"device": "x", "started_at": None}, headers=bridge)
    assert begun.status_code < 300, begun.text
    assert put_page(site, bridge, key, "t1", content).status_code < 300
    closing = {"pages": [{"token": "t1", "digest": pages.sha256(content)}]}
    own = {"X-Bridge-Request": "feedfacefeedface"}
    caplog.set_level(logging.INFO)
    contexts: list[dict[str, str]] = []
    monitor = logging.Handler()
    monitor.emit = lambda record: contexts.append({"said": record.getMessage(), **log_context.current()})  # type: ignore[method-assign]
    logging.getLogger("ged").addHandler(monitor)
    try:
        done = client.post(f"/api/bridge/batch/{key}/complete", json=closing, headers={**bridge, **own})
        given = done.headers["X-Request-ID"]
        with site.services.reading() as session:
            job = session.scalars(select(Job).where(Job.kind == JobKind.INTAKE)).one()
        assert job.params[log_context.REQUEST] == given
        pipeline.run_job(site.services, JobId(job.id), worker="w")
    finally:
        logging.getLogger("ged").removeHandler(monitor)
    (answered,) = [one for one in contexts if one["said"].startswith("response")]
    assert (answered["request"], answered["bridge_request"], answered["route"]) == (
        given,
        "feedfacefeedface",
        "bridge.complete_batch",
    )
    (ended,) = [one for one in contexts if one["said"].startswith("job.done")]
    assert (ended["request"], ended["job"], ended["kind"]) == (given, str(job.id), "intake")
    with site.services.reading() as session:
        later = session.scalars(select(Job).where(Job.id > job.id)).all()
    assert later
    assert {one.params.get(log_context.REQUEST) for one in later} == {given}, "what a job asks for is the request's too"
    assert log_context.current() == {}, "nothing stays behind"


def test_an_id_is_taken_from_a_proxy_alone_and_in_its_form_alone(tmp_path: Path) -> None:
    _app, services = make_site(tmp_path)
    good = "0123456789abcdef0123456789abcdef"

    def answered(proxies: int, sent: str) -> str:
        client = open_site(tmp_path, services, proxies=proxies).test_client()
        return client.get("/connexion", headers={"X-Request-ID": sent}).headers["X-Request-ID"]

    assert answered(1, good) == good
    assert answered(0, good) != good
    for other in ("Jean-Dupont-2026", good + "g", "a" * 65, ""):
        assert re.fullmatch("[0-9a-f]{16}", answered(1, other))


# --- slow statements


def test_a_slow_statement_is_told_with_its_page_and_without_values(
    metered: tuple[Flask, Services], caplog: pytest.LogCaptureFixture
) -> None:
    app, services = metered
    client = sign_in(app, "agent")
    slow_queries.watch(services.engine, longer_than_ms=-1, found=lambda: services.meter.count("ged_slow_queries_total"))
    routes: list[str] = []
    with caplog.at_level(logging.WARNING, logger="ged.slow_queries"):
        event.listen(
            services.engine, "after_cursor_execute", lambda *_: routes.append(log_context.current().get("route", ""))
        )
        client.get("/recherche/?q=Zorglub")
    said = [record.getMessage() for record in caplog.records if record.name == "ged.slow_queries"]
    assert any("FROM sessions" in line and "= ?" in line for line in said)
    assert "zorglub" not in "".join(said).lower()
    assert set(routes) == {"search.index"}
    assert scraped(services)["ged_slow_queries_total", ()] == len(said)


def test_a_statement_that_failed_after_a_long_time_is_told_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = (db.make_engine(f"sqlite:///{tmp_path / name}") for name in ("other.sqlite3", "one.sqlite3"))
    other.dialect = one.dialect  # errors are told to a dialect
    slow_queries.watch(other, longer_than_ms=60_000, found=lambda: pytest.fail("none is slow"))
    slow_queries.watch(one, longer_than_ms=-1, found=lambda: None)
    told = caplog.at_level(logging.WARNING, logger="ged.slow_queries")
    with told, pytest.raises(OperationalError, match="no such table"), one.connect() as connection:
        connection.execute(text("SELECT no_such FROM jobs WHERE id = 17"))
    one.dispose()
    said = [record.getMessage() for record in caplog.records if record.name == "ged.slow_queries"]
    assert any(line.endswith("statement=SELECT no_such FROM jobs WHERE id = ?") for line in said), said


def test_a_quick_statement_is_not_told(metered: tuple[Flask, Services], caplog: pytest.LogCaptureFixture) -> None:
    app, services = metered
    slow_queries.watch(services.engine, longer_than_ms=60_000, found=lambda: pytest.fail("none is slow"))
    sign_in(app, "agent")


def test_what_a_proxy_asks_waits_for_no_health_page_and_no_scrape() -> None:
    given: list[str] = []
    worker = SimpleNamespace(
        nr=0,
        _close_after=lambda _: None,
        **{f"_{lane}": SimpleNamespace(add_task=lambda _, lane=lane: given.append(lane)) for lane in LANES},
    )
    for path in ("/sante", "/sante/pret", "/sante/site", "/registre"):
        asked = SimpleNamespace(error=None, path=path, query="", headers={})
        SiteWorker._sort(worker, SimpleNamespace(requests=[asked]))  # type: ignore[arg-type]
    assert given == ["health", "ready", "ready", "pages"]


def test_a_figure_that_cannot_be_written_or_removed_stops_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = FileMeter(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    meter.count("ged_ocr_pages_total")
    meter.flush(at_once=True)
    meter.close()


def test_a_report_of_another_server_puts_no_words_into_the_log() -> None:
    assert [bool(mail._CODE.fullmatch(one)) for one in ("", "5.1.1", "post.refused", "5 Jean Zorglub", "5.zorglub")] == [
        True, True, True, False, False,
    ]  # fmt: skip


# --- the real processes


def test_site_and_worker_are_read_at_one_place_which_is_not_the_sites(tmp_path: Path) -> None:
    port = free_port()
    place = Installation.make(tmp_path, {"GED_METRICS_BIND": f"127.0.0.1:{port}", "GED_LOG": "json"})
    try:
        with served(place) as running:
            place.start_worker()
            place.wait_for(place.ask(JobKind.LEARN), JobState.DONE)

            def told() -> str:
                return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text

            eventually(
                lambda: 'ged_job_seconds_count{kind="learn",outcome="done"} 1.0' in told(), within_s=30, what="the job"
            )
            text = told()
            assert 'ged_http_request_seconds_count{method="GET",route="session.sign_in_form",status="2xx"}' in text
            assert "ged_database_up 1.0" in text
            assert 'ged_workers{lane="quick"} 1.0' in text
            assert httpx.get(f"{running.url}/metrics").status_code == 404
            assert httpx.get(f"http://127.0.0.1:{port}/connexion").status_code == 404
            assert "ged_job_seconds_count" in place.command("metrics").stdout

            with httpx.Client() as kept, socket.create_connection(("127.0.0.1", running.port)) as half:
                half.sendall(b"GET /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\n")
                assert kept.get(f"{running.url}/sante/pret").json() == {"status": "ok", "why": ""}
                running.master.terminate()
                answers: list[int] = []

                def leaves() -> bool:
                    answers.append(kept.get(f"{running.url}/sante/pret").status_code)
                    return answers[-1] == 503

                eventually(leaves, within_s=4, what="a process that stops says so")
                half.sendall(b"Connection: close\r\n\r\n")
                assert half.recv(20).startswith(b"HTTP/1.1 200")
        lines = [json.loads(line) for line in (place.folder / "site.log").read_text().splitlines()]
        assert {"response"} <= {line["event"] for line in lines}
        worker = [json.loads(line) for line in place.log.read_text().splitlines()]
        assert {("job.done", "learn")} <= {(line["event"], line.get("kind", "")) for line in worker}
    finally:
        place.close()


@pytest.mark.parametrize("place", ["0.0.0.0:9108", "10.0.0.3:9108", "9108", "metrics.example:9108", "[::]:9108"])
def test_figures_are_never_served_to_others(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GED_SECRET", "x" * 40)
    monkeypatch.setenv("GED_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GED_METRICS_BIND", place)
    with pytest.raises(ConfigError, match="GED_METRICS_BIND"):
        load_settings()
    for good in ("127.0.0.1:9108", "[::1]:9108", "unix:/run/ged/metrics.sock"):
        monkeypatch.setenv("GED_METRICS_BIND", good)
        assert load_settings().metrics_bind == good


def test_the_command_prints_them_without_a_site(tmp_path: Path) -> None:
    place = Installation.make(tmp_path)
    try:
        done = ged("metrics", GED_ENV_FILE=str(place.env_file))
    finally:
        place.close()
    assert done.returncode == 0
    assert "ged_database_up 1.0" in done.stdout
    assert "ged_ocr_pages_total 0.0" in done.stdout


# --- the files for Prometheus and Grafana


def names_in(expression: str) -> set[str]:
    """The figures that an expression names."""
    return set(re.findall(r"\bged_[a-z_]+", re.sub(r'"[^"]*"', "", expression)))


def exported() -> set[str]:
    """Every name that a scrape may tell."""
    told = set(GAUGES)
    for name, measure in MEASURES.items():
        told |= {f"{name}_{part}" for part in ("bucket", "count", "sum")} if measure.buckets else {name}
    return told


def test_the_dashboard_names_what_the_program_tells() -> None:
    board = json.loads((DEPLOY / "grafana" / "ged.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(shown) > 20
    for expression in shown:
        assert names_in(expression), expression
        assert names_in(expression) <= exported(), expression
    missing = {*GAUGES, *MEASURES} - {
        re.sub("_(bucket|count|sum)$", "", name) for expression in shown for name in names_in(expression)
    }
    assert missing == {"ged_schema_ready", "ged_program_info", "ged_figures_failed", "ged_backup_expected",
                       "ged_mail_undelivered", "ged_index_waiting"}  # fmt: skip
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_each_alert_names_what_the_program_tells_and_stands_in_the_documents() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "ged.rules.yml").read_text())["groups"]
    page = (ROOT / "docs" / "operate" / "watch.md").read_text()
    told = set(re.findall(r"`(Ged\w+)`", page))
    assert told == {rule["alert"] for rule in group["rules"]}
    for rule in group["rules"]:
        assert names_in(rule["expr"]) <= exported(), rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
    for name in (*GAUGES, *MEASURES):
        assert f"`{name}`" in page, "docs/operate/watch.md says what it is"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("words", [["check", "config", "prometheus.yml"], ["test", "rules", "ged.rules.test.yml"]])
def test_prometheus_understands_the_rules_and_each_fires(words: list[str]) -> None:
    done = subprocess.run(
        ["promtool", *words], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
