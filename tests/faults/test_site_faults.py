"""An unreachable database and a full disk: pages name the fault, and the health page reports it to monitoring."""

import gzip
import io
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url

from ged.adapters.blobs_fs import FileBlobs
from ged.capture.files import fetch
from ged.errors import DiskFull
from ged.jobs import JobKind
from ged.space import SMALL_BYTES, Space
from tests.factories import make_services
from tests.served import served
from tests.site import PASSWORD, give_passwords, make_site, open_site, post, sign_in, token
from tests.tampering import lift_guards
from tests.wire import Wire
from tests.worker_kit import Installation

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def wired(make_database: Callable[[], str], tmp_path: Path) -> Iterator[tuple[Wire, object]]:
    """A site whose PostgreSQL is behind a relay that can be cut."""
    url = make_url(make_database())
    wire = Wire(url.port or 5432)
    through = url.set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
    services = make_services(tmp_path, url=through)
    app, _ = make_site(tmp_path, services=services)
    yield wire, app
    services.engine.dispose()
    wire.stop()


@pytest.mark.servers
def test_a_database_that_is_away_is_a_pause_and_not_a_crash(wired: tuple[Wire, object]) -> None:
    wire, app = wired
    client = sign_in(app, "agent")  # type: ignore[arg-type]
    wire.down = True
    wire.cut()
    page = client.get("/registres/")
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert "database.away" in page.text
    assert "Service momentanément indisponible" in page.text
    told = app.test_client().get("/api/bridge/order", headers={"Authorization": "Bearer x"})  # type: ignore[attr-defined]
    assert (told.status_code, told.json["error"]["code"]) == (503, "database.away")
    assert int(told.headers["Retry-After"]) > 0
    health = app.test_client().get("/sante/site")  # type: ignore[attr-defined]
    assert (health.status_code, health.json["status"]) == (503, "red")
    assert "database.away" in app.test_client().get("/sante").json["problems"]  # type: ignore[attr-defined]
    wire.down = False
    assert client.get("/registres/").status_code == 200


def test_below_the_reserve_uploads_are_refused_and_forms_are_not(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    app, services = make_site(tmp_path, disk_reserve_bytes=free + free // 2)
    client = sign_in(app, "agent")
    refused = post(
        client, "/numerisations/fichiers", {"file": (io.BytesIO(b"%PDF-1.7"), "lettre.pdf")}, page="/registres/"
    )
    assert refused.status_code == 507
    assert "disk.low" in refused.text
    assert list(services.blobs.digests()) == []
    assert post(client, "/deconnexion", {}, page="/registres/").status_code == 303
    assert "disk.low" in app.test_client().get("/sante").json["problems"]


def test_on_the_last_part_of_the_reserve_people_still_sign_in_and_nothing_else_is_taken(tmp_path: Path) -> None:
    app, _ = make_site(tmp_path, disk_reserve_bytes=shutil.disk_usage(tmp_path).free * 8)
    client = sign_in(app, "agent")
    refused = post(client, "/enregistrer/", {"subject": "Demande"}, page="/registres/")
    assert refused.status_code == 507
    assert "disk.low" in refused.text


def test_a_blob_that_cannot_be_copied_out_is_a_full_disk(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    stored = blobs.put(io.BytesIO(os.urandom(300_000)))
    with pytest.raises(DiskFull, match=r"disk\.full"):
        fetch(blobs, stored.digest, Path("/dev/full"))


def test_a_full_database_is_said_in_words(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "admin")

    @event.listens_for(services.engine, "begin")
    def _full(connection: Connection) -> None:
        count = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={count}")

    answers = []
    for _ in range(60):  # until the free space in the last pages is used up
        answers.append(client.post("/deconnexion", data={"csrf_token": token(client.get("/registres/").text)}))
        if answers[-1].status_code == 507:
            break
        client = sign_in(app, "admin")
    assert answers[-1].status_code == 507
    assert "disk.full" in answers[-1].text
    services.engine.dispose()


def test_answers_of_text_travel_compressed_unless_another_site_asks(tmp_path: Path) -> None:
    app, _ = make_site(tmp_path)
    client, asks = app.test_client(), {"Accept-Encoding": "gzip"}
    plain = client.get("/connexion")
    packed = client.get("/connexion", headers=asks)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert b"Connexion" in gzip.decompress(packed.data)
    assert len(packed.data) < len(plain.data) / 2
    foreign = client.get("/connexion", headers={**asks, "Sec-Fetch-Site": "cross-site"})
    assert "Content-Encoding" not in foreign.headers
    wrong = {"account": "sg", "password": "faux", "csrf_token": token(plain.text)}
    refused = client.post("/connexion", data=wrong, headers=asks)
    assert (refused.status_code, refused.headers.get("Content-Encoding")) == (422, "gzip"), (
        "a refused form is a page too"
    )
    foreign = client.post("/connexion", data=wrong, headers={**asks, "Sec-Fetch-Site": "cross-site"})
    assert "Content-Encoding" not in foreign.headers
    sheet = client.get("/static/css/ged.css", headers=asks)
    assert sheet.headers["Content-Encoding"] == "gzip"
    again = client.get("/static/css/ged.css", headers={**asks, "If-None-Match": sheet.headers["ETag"]})
    assert again.status_code == 304
    again.close()


def test_the_access_log_tells_page_and_time_and_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app, _ = make_site(tmp_path)
    client = sign_in(app, "agent")
    with caplog.at_level(logging.INFO, logger="ged.access"):
        answer = client.get("/recherche/?q=secret-de-famille", headers={"X-Request-ID": "not-from-a-proxy"})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "ged.access"]
    assert "method=GET route=search.index status=200 ms=" in line
    assert answer.headers["X-Request-ID"] in line
    assert "not-from-a-proxy" not in line
    for private in ("secret-de-famille", "agent", "127.0.0.1"):
        assert private not in line


def test_health_names_an_unsealed_tail_and_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    told = app.test_client().get("/sante")
    assert (told.status_code, told.json) == (503, {"status": "red", "problems": ["worker.none"]})
    with services.unit_of_work(datetime.now(UTC) - timedelta(hours=1)) as uow:
        uow.defer(JobKind.NOTIFY, 1)
    sign_in(app, "agent")  # an entry
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        long_ago = (datetime.now(UTC) - timedelta(hours=3)).replace(tzinfo=None)
        connection.execute(text("UPDATE audit_entries SET at = :at"), {"at": str(long_ago)})
    shutil.rmtree(tmp_path / "tmp", ignore_errors=True)
    (tmp_path / "tmp").symlink_to("/proc")
    other = open_site(tmp_path, services)
    told = other.test_client().get("/sante")
    assert told.status_code == 503
    assert set(told.json["problems"]) == {"disk.unwritable", "journal.unsealed", "worker.none", "queue.old"}
    assert other.test_client().get("/sante/site").status_code == 200


def test_room_is_asked_by_size(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    space = Space(tmp_path, free // 4)
    space.check(SMALL_BYTES)
    with pytest.raises(DiskFull):
        space.check(free)


def _comes(url: str) -> bool:
    """Whether a page arrives within half a second. It does not when all threads for pages are busy."""
    try:
        return httpx.get(url, timeout=0.5).is_success
    except httpx.ReadTimeout:
        return False


@pytest.mark.slow
def test_health_answers_while_every_page_waits_and_large_bodies_are_refused_in_words(tmp_path: Path) -> None:
    place = Installation.make(tmp_path, {"GED_MAX_UPLOAD_BYTES": "1000000"})
    try:
        with (
            served(place, threads=2) as site,
            httpx.Client(base_url=site.url, timeout=60) as client,
            ThreadPoolExecutor(4) as pool,
        ):
            large = httpx.post(f"{site.url}/connexion", content=b"x" * 5_000_000, timeout=30)
            assert large.status_code == 413
            assert "dépasse la taille" in large.text
            api = httpx.put(f"{site.url}/api/bridge/batch/x/page/y", content=b"x" * 5_000_000, timeout=30)
            assert (api.status_code, api.json()["error"]["code"]) == (413, "upload.too_large")
            form = client.get("/connexion").text
            token = form.split('name="csrf_token" value="')[1].split('"')[0]
            data = {"csrf_token": token, "account": "agent", "password": "faux"}
            with closing(place.services.engine.raw_connection()) as writer:
                writer.cursor().execute("BEGIN IMMEDIATE")  # all writers wait now, each in a thread for pages
                blocked = [pool.submit(client.post, "/connexion", data=data) for _ in range(4)]
                for _ in range(20):
                    assert httpx.get(f"{site.url}/sante/site", timeout=10).json() == {"status": "ok"}
                    if not _comes(f"{site.url}/connexion"):
                        break
                else:
                    pytest.fail("pages still come")
                assert httpx.get(f"{site.url}/sante/site", timeout=10).json() == {"status": "ok"}
                assert not any(one.done() for one in blocked)
                writer.cursor().execute("ROLLBACK")
            assert {one.result().status_code for one in blocked} <= {422, 429}
    finally:
        place.close()


@pytest.mark.slow
def test_an_upload_without_room_meets_the_page_of_the_site_and_is_not_kept(tmp_path: Path) -> None:
    """The process discards the body. The person stays signed in and gets a page with a way back; a bridge gets JSON."""
    place = Installation.make(tmp_path, {"GED_DISK_RESERVE_BYTES": str(shutil.disk_usage(tmp_path).free * 2)})
    try:
        give_passwords(place.services)
        with served(place) as site, httpx.Client(base_url=site.url, timeout=60) as client:
            form = {"csrf_token": token(client.get("/connexion").text), "account": "agent", "password": PASSWORD}
            assert client.post("/connexion", data=form).status_code == 303
            assert client.get("/place?octets=2000000").status_code == 507
            back = {"Referer": f"{site.url}/numerisations/"}
            files = {"file": ("lettre.pdf", b"%PDF-1.7" + bytes(2_000_000))}
            for _ in range(2):  # the connection stays usable
                refused = client.post("/numerisations/fichiers", files=files, headers=back)
                assert refused.status_code == 507
                assert "disk.low" in refused.text
                assert 'href="/numerisations/"' in refused.text
                assert "Revenir à la page précédente" in refused.text
                assert 'id="navigation"' in refused.text
            api = client.put("/api/bridge/batch/x/page/y", content=bytes(2_000_000))
            assert (api.status_code, api.json()["error"]["code"]) == (507, "disk.low")
    finally:
        place.close()
