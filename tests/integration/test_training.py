"""A training installation: it leads nowhere, bears its mark everywhere, and is emptied without ever touching a real one."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import select

from demo import arrivals, installation, training
from ged import jobs, typeset
from ged.archive.institution_seal import FIELD
from ged.capture.models import Scan, ScanState
from ged.config import TRAINING_MARK, load_settings
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine, DispatchState
from ged.errors import ConfigError, Invalid
from ged.jobs import Job, JobKind
from ged.org.accounts import person_of_account
from ged.org.file import read_organisation
from ged.org.sessions import open_session
from ged.ports import JobId, Message, SignRequest, Verdict
from ged.register.models import MailNumber, Register
from ged.unit import Services
from ged.workbook.operations import bring_to
from signing.pki import Authority, trusted_roots
from tests import commands
from tests.factories import NOW, SECRET, TODAY, actor
from tests.furnished_kit import ROLES, addresses, furnished_anew
from tests.letter_kit import make_place, signed_answer
from tests.sample_kit import LONG_RUN, in_turn
from tests.signbook_kit import COPY
from tests.site import build_app, sign_in
from web.site import guard
from web.wiring.services import build_checker, build_services

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(autouse=True)
def printed_as_before() -> Iterator[None]:
    """The mark of a process stays until its wiring is made again: no other test gets it."""
    yield
    typeset.mark_training(False)


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A mail server that notes who knocks; its address as a setting."""
    calls: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    calls.append(b"a call")
                    link.sendall(b"554 no\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}", calls
        server.shutdown(socket.SHUT_RDWR)


def settings_of(folder: Path, *, is_training: bool = True) -> Path:
    """The settings file of an installation in a folder that is there already."""
    path = folder.with_name("ged.env")
    lines = [f"GED_DATA_DIR={folder}", f"GED_SECRET={SECRET}", *(["GED_TRAINING=true"] if is_training else [])]
    path.write_text("\n".join(lines) + "\n")
    if is_training:
        (folder / TRAINING_MARK).touch()
    return path


def text_of(pdf: bytes) -> list[str]:
    """The text of each page."""
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


# --- nothing leaves -------------------------------------------------------------------------------------------------


def test_a_letter_by_email_reaches_no_server_although_the_environment_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    app, house = make_place(folder)
    signed_answer(house)
    with listening() as (url, calls):
        monkeypatch.setenv("GED_SMTP_URL", url)
        monkeypatch.setenv("GED_DATABASE_URL", "postgresql+psycopg://ministere/courrier")
        monkeypatch.setenv("GED_TSA_URLS", '["http://127.0.0.1:9/"]')
        settings = load_settings(settings_of(folder))
        services = build_services(settings)
        assert (settings.embedded, services.timestamper, services.mailboxes, services.scanner) == (True, None, (), None)
        app = build_app(services, settings)
        with services.reading() as session:
            line = session.scalars(select(DispatchLine).where(DispatchLine.state == DispatchState.TO_SEND)).one()
        with services.unit_of_work(NOW) as uow:
            dispatch.send_by_email(uow, line.id, email=COPY.email, version=None, actor=house.who("agent"))
        with services.unit_of_work(NOW) as uow:
            job_id = uow.session.scalars(select(Job.id).where(Job.kind == JobKind.NOTIFY)).one()
            claimed = jobs.claim(uow.session, JobId(job_id), worker="w", now=NOW)
        assert claimed is not None
        dispatch.run_notify(services, claimed, now=NOW)
        assert calls == [], "a training installation has called a mail server"
        # The same settings in a real installation do call it: the test can fail.
        (folder / TRAINING_MARK).unlink()
        monkeypatch.delenv("GED_DATABASE_URL")
        real = build_services(load_settings(settings_of(folder, is_training=False)))
        with pytest.raises(Exception, match=r"post\."):
            real.post.send(Message("<x@y>", COPY.email, "Objet", "Texte"))
        assert calls
        (folder / TRAINING_MARK).touch()
    (kept,) = (folder / "outbox").glob("*.eml")
    mail = kept.read_text()
    assert "Subject: [EXERCICE]" in mail
    assert "exercice.invalid" in mail
    assert 'filename="EXERCICE-' in mail
    page = sign_in(app, "agent").get(f"/departs/lignes/{line.id}")
    assert "aucun message ne part d'ici" in page.text
    services.engine.dispose()


@pytest.mark.parametrize(
    "setting", ["GED_SMTP_URL=smtp://127.0.0.1", "GED_CLAMD=unix:/run/c", 'GED_TSA_URLS=["http://t/"]']
)
def test_a_setting_that_leads_out_is_refused(tmp_path: Path, setting: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = settings_of(folder)
    path.write_text(path.read_text() + setting + "\n")
    with pytest.raises(ConfigError, match=r"config\.training"):
        load_settings(path)


def test_the_two_kinds_of_installation_refuse_each_others_folders_and_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = settings_of(folder)
    (folder / TRAINING_MARK).unlink()
    with pytest.raises(ConfigError, match=r"config\.training_folder"):
        load_settings(path)
    (folder / TRAINING_MARK).touch()
    with pytest.raises(ConfigError, match=r"config\.training_folder"):
        load_settings(settings_of(folder, is_training=False))
    (folder / TRAINING_MARK).unlink()
    monkeypatch.setenv("GED_TRAINING", "true")
    with pytest.raises(ConfigError, match=r"config\.training\b"):
        load_settings(settings_of(folder, is_training=False))


# --- the mark -------------------------------------------------------------------------------------------------------


OURS = b"Creator(Typst"
CAME_IN = ("documents.original", "documents.original_page")
"""A file that came in keeps its bytes. One of the tests' own is set by our compiler too, once for all tests of a process."""
"""In a PDF that we print; those that came in keep their bytes."""


@pytest.mark.slow
def test_every_page_and_every_printed_sheet_bears_the_mark(tmp_path: Path) -> None:
    """Each route once, as the first person who may open it; the usual run a quarter of the routes."""
    typeset.mark_training(True)
    place = furnished_anew(tmp_path)
    place.app.extensions["ged_services"] = replace(place.services, training=True)
    clients = {account: (sign_in(place.app, account), actor(place.services, account)) for account in ROLES}
    pages, sheets, bare = set(), set(), []
    for rule in place.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static" or not in_turn(rule.endpoint, 4):
            continue
        for account, (client, who) in clients.items():
            with place.app.app_context():
                if not guard.opens(guard.ACCESS[rule.endpoint], who):
                    continue
            own = place.own.get((rule.endpoint, account)) or place.own.get((rule.endpoint, ""))
            for address in [own] if own else [*addresses(place, rule)][:2]:
                answer = client.get(address)
                named, pdf = answer.headers.get("Content-Disposition", ""), answer.get_data()
                answer.close()
                if answer.headers["X-GED-Training"] != "EXERCICE" or ("filename" in named and "EXERCICE-" not in named):
                    bare.append(f"{address} {named}")
                if answer.mimetype == "text/html" and b"<body" in pdf:
                    pages.add(rule.endpoint)
                    bare += [address] if not (b'class="training-bar"' in pdf and b"<title>EXERCICE" in pdf) else []
                elif answer.mimetype == "application/pdf" and OURS in pdf and rule.endpoint not in CAME_IN:
                    sheets.add(rule.endpoint)
                    bare += [address] if not all("EXERCICE" in page for page in text_of(pdf)) else []
            if answer.status_code == 200:
                break
    place.services.engine.dispose()
    assert bare == []
    most = (100, 8) if LONG_RUN else (25, 1)
    assert (len(pages) > most[0], len(sheets) > most[1]) == (True, True), (len(pages), sorted(sheets))


def test_only_one_place_prints() -> None:
    """The mark is put where the compiler is called, whatever the template: nobody else calls it."""
    root = Path(typeset.__file__).parents[1]
    callers = [
        path.relative_to(root).as_posix()
        for folder in ("ged", "web", "ocr", "signing", "indexer")
        for path in (root / folder).rglob("*.py")
        if "import typst" in path.read_text(encoding="utf-8")
    ]
    assert callers == ["ged/typeset_child.py", "signing/stamp.py"]  # the latter draws a box into a page that is marked


def test_a_label_bears_the_whole_word_and_its_code_is_read_as_before() -> None:
    data = {
        "qr": typeset.qr_svg("GED:1"), "number": "EX-00012/2026/MMRE", "register": "Courrier arrivée", "received": "12/12/2026",
        "day": "12/12/2026", "clock": "12:00", "entity": "MMRE",
    }  # fmt: skip
    template = typeset.TEMPLATES / "label.typ"
    real = typeset.typeset(template, data, at=NOW)
    typeset.mark_training(True)
    made = typeset.typeset(template, data, at=NOW)
    assert ("EXERCICE" in text_of(made)[0], "EXERCICE" in text_of(real)[0]) == (True, False)
    (code,) = zxingcpp.read_barcodes(pypdfium2.PdfDocument(made)[0].render(scale=4).to_pil())
    assert code.text == "GED:1"


# --- numbers and keys -----------------------------------------------------------------------------------------------


def test_numbers_tell_of_which_kind_they_are(tmp_path: Path) -> None:
    _, house = make_place(tmp_path)
    file = read_organisation(installation.MINISTRY)

    def load(services: Services, pattern: str) -> None:
        one = file.registers[0].model_copy(update={"pattern": pattern})
        with services.unit_of_work(NOW) as uow:
            bring_to(uow, file.model_copy(update={"registers": (one,)}), on=TODAY)

    with pytest.raises(Invalid, match=r"register\.reserved"):
        load(house.services, "EX-{seq:05d}/{year}")
    with pytest.raises(Invalid, match=r"register\.training"):
        load(replace(house.services, training=True), "{seq:05d}/{year}")


# --- made, reset, stopped -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> training.Folders:
    """A training installation, with one key: the others only cost time."""
    folders = training.Folders(tmp_path_factory.mktemp("beside") / "training")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installation, "SIGNERS", ("sg",))
        training.make(folders, url="http://127.0.0.1:8010", say=lambda _: None)
    return folders


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_has_its_own_folder_secret_authority_and_numbers(made: training.Folders, tmp_path: Path) -> None:
    settings = load_settings(made.env)
    assert settings.training
    services = build_services(settings)
    with services.reading() as session:
        assert {row.pattern[:3] for row in session.scalars(select(Register))} == {"EX-"}
    services.engine.dispose()
    trusted = tmp_path / "authority" / "trusted"
    trusted.mkdir(parents=True)
    (trusted / "their.pem").write_bytes((settings.data_dir / "authority" / "root.pem").read_bytes())
    with pytest.raises(ConfigError, match=r"authority\.training"):
        trusted_roots(tmp_path / "authority")


def test_a_reset_brings_the_made_state_back(made: training.Folders) -> None:
    before = files_of(made.made)
    (made.data / "outbox").mkdir()
    (made.data / "outbox" / "a.eml").write_text("x")
    (made.data / "ged.sqlite3").write_bytes(b"spoilt")
    done = commands.ged("training", "reset", "--data", made.data)
    assert (done.returncode, done.stdout) == (0, "reset\n"), done.stderr
    assert files_of(made.data) == before == files_of(made.made)
    assert not made.old.exists()
    assert not made.new.exists()


@pytest.mark.parametrize("after", ["_copy", "rename", "empty"])
def test_a_reset_that_is_killed_ends_whole(made: training.Folders, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    """Killed while the made state is copied, between the two renamings, while the old state is removed."""

    class Killed(BaseException):
        pass

    def killed(*_: object, **_named: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if after == "_copy":
            patch.setattr(training.shutil, "copytree", killed)
        elif after == "rename":
            patch.setattr(Path, "rename", lambda one, to: os.replace(one, to) if one == made.data else killed())
        else:
            patch.setattr(training.shutil, "rmtree", killed)
        with pytest.raises(Killed):
            training.reset(made)
    training.reset(made)
    assert files_of(made.data) == files_of(made.made)
    assert not made.old.exists()
    assert not made.new.exists()


def test_a_real_folder_is_never_touched(made: training.Folders, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert commands.ged("init", "--data", data).returncode == 0
    (data / "ged.sqlite3").write_bytes(b"letters")
    before = files_of(tmp_path)
    for words in (["reset"], ["start", "--bind", "127.0.0.1:1"]):
        done = commands.ged("training", *words, "--data", data)
        assert (done.returncode, "training.real" in done.stderr) == (1, True)
    with pytest.raises(ConfigError, match=r"training\.real"):
        training.empty(data)
    # A settings file of a real installation, whose data is elsewhere at the moment.
    (data / "ged.sqlite3").unlink()
    data.rmdir()
    assert "training.real" in commands.ged("training", "start", "--data", data).stderr
    assert {name for name in before if not name.startswith("data/")} == set(files_of(tmp_path))
    # Beside a training installation: a folder of this name that is not of it.
    other = training.Folders(tmp_path / "training")
    other.old.mkdir()
    (other.old / "letter").write_text("real")
    with pytest.raises(ConfigError, match=r"training\.real"):
        training.require_training(other)
    assert made.data.exists()


def test_one_at_a_time(made: training.Folders) -> None:
    with training.held(made):
        assert training.runner(made) == os.getpid()
        with pytest.raises(ConfigError, match=r"training\.running"), training.held(made):
            pass
    assert training.runner(made) is None
    assert not training.stop(made)


def test_what_it_seals_is_nobodys_for_a_real_installation(made: training.Folders, tmp_path: Path) -> None:
    services = build_services(load_settings(made.env))
    assert services.sealer is not None
    sheet = typeset.typeset(typeset.TEMPLATES / "separator.typ", SEPARATOR, at=NOW)
    sealed = services.sealer.seal(sheet, SignRequest(FIELD, "essai", "", "", NOW, appearance_pdf=b"")).pdf
    Authority.create(tmp_path / "authority", b"s" * 32, "Ministère", NOW)
    real = build_checker(trusted_roots(tmp_path / "authority"))
    found = [checker.check(sealed, at=datetime.now(UTC))[0] for checker in (services.checker, real)]
    assert [(one.verdict, one.reason) for one in found] == [(Verdict.GREEN, "ok"), (Verdict.RED, "training")]
    services.engine.dispose()


SEPARATOR = {
    "copies": 1, "unit": "BO", "entity": "MMRE", "nature": "", "ordinary": True, "level": "", "qr": typeset.qr_svg("x"),
}  # fmt: skip


# --- letters that keep arriving -------------------------------------------------------------------------------------


def test_letters_arrive_while_somebody_is_there_and_stop_when_the_pile_is_high(
    made: training.Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    training.reset(made)
    services, now = build_services(load_settings(made.env)), datetime.now(UTC)
    assert not arrivals.is_somebody_there(services, now)
    with services.unit_of_work(now) as uow:
        open_session(uow, person_of_account(uow.session, "bo.agent").id, address="", device="")
    assert arrivals.is_somebody_there(services, now)
    assert not arrivals.is_somebody_there(services, now + timedelta(minutes=20))
    assert [arrivals.arrive(services, now) for _ in range(2)] == ["scanned", "registered"]
    with services.reading() as session:
        (scan,) = session.scalars(select(Scan))
        (number,) = session.scalars(select(MailNumber.text))
    assert (scan.state, number[:3]) == (ScanState.WAITING, "EX-")
    monkeypatch.setattr(arrivals, "MOST_WAITING", 1)
    assert arrivals.arrive(services, now) == "waits"
    services.engine.dispose()
    training.reset(made)
