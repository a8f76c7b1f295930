"""A letter's whole way with marked personal data: no line of the log, in either form, holds a mark."""

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from ged import pipeline
from ged.adapters.post_smtp import SmtpPost
from ged.jobs import Job, JobKind, JobState
from ged.ports import JobId, Message
from ged.register.models import Mail
from ged.runner import Run
from scripts.bundle import ROOT
from tests import pages, slip_kit
from tests.factories import actor
from tests.intake_kit import upload
from tests.scripted_ocr import ScriptedEngine, reading
from tests.servers import free_port
from tests.site import make_site, post, sign_in
from web.processes.logs import Lines
from web.views.register import letters

SUBJECT, SENDER, SEARCHED = "Objet-Zorglub", "Expediteur-Zorglub", "Recherche-Zorglub"
MAIL, PASSWORD, FILE, TEXT = "zorglub@prive.example", "Passe-Zorglub", "Fichier-Zorglub.png", "Texte-Zorglub"
ACCOUNT, PATH = "compte-zorglub", "chemin-zorglub"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[io.StringIO]]:
    """All lines of any level, in both forms."""
    root = logging.getLogger()
    outs = [io.StringIO(), io.StringIO()]
    handlers = [Lines("text", outs[0]), Lines("json", outs[1])]
    before = root.level
    root.setLevel(logging.DEBUG)
    for one in handlers:
        root.addHandler(one)
    yield outs
    for one in handlers:
        root.removeHandler(one)
    root.setLevel(before)


def test_a_letters_whole_way_leaves_nobodys_data_in_the_log(
    tmp_path: Path, said: list[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, services = make_site(tmp_path)
    object.__setattr__(services, "ocr", ScriptedEngine(texts=(TEXT,), fields=(reading("sender", SENDER),)))
    object.__setattr__(services, "post", SmtpPost(f"smtp://{ACCOUNT}:{PASSWORD}@127.0.0.1:{free_port()}", MAIL))
    # Sign-in, wrong and right.
    stranger = app.test_client()
    for account in (ACCOUNT, "agent"):
        wrong = post(stranger, "/connexion", {"account": account, "password": PASSWORD})
        assert wrong.status_code == 422
    clerk = sign_in(app, "agent")
    # A scan, a letter with it, both shown, and searched for.
    (scan_id,) = upload(services, FILE, pages.png(TEXT))
    form = {
        "register_id": slip_kit.register_id(services, "ARR"), "scan_id": scan_id, "scan_version": 1, "channel": "hand",
        "addressed_post_id": actor(services, "sg").posts[0].post_id, "request_token": "jeton", "level": "0",
        "sender_name": SENDER, "sender_email": MAIL, "subject": SUBJECT,
    }  # fmt: skip
    assert post(clerk, "/enregistrer/", form).status_code == 303
    with services.reading() as session:
        mail_id = session.scalars(select(Mail.id)).one()
    for path in (
        f"/recherche/?q={SEARCHED}",
        f"/{PATH}?q={SEARCHED}",
        f"/courriers/{mail_id}",
        f"/courriers/99{mail_id}",
    ):
        clerk.get(path, headers={"X-Request-ID": SEARCHED, "Referer": SUBJECT, "User-Agent": SENDER})
    assert clerk.post("/enregistrer/", data=form).status_code == 400  # no token
    assert clerk.post("/api/bridge/pair", json={"code": SUBJECT, "name": SENDER}).status_code >= 400

    # A page that crashes with a subject in its exception.
    def crash(*_args: object, **_named: object) -> None:
        raise RuntimeError(f"{SUBJECT} of {SENDER}")

    with monkeypatch.context() as broken:
        broken.setattr(letters.queries, "attachments", crash)
        assert clerk.get(f"/courriers/{mail_id}").status_code == 500

    # Jobs: an e-mail that no server takes, an exception with a subject, a row that the database refuses.
    def send(run: Run) -> None:
        run.services.post.send(Message("<1@example>", MAIL, SUBJECT, TEXT))

    def refuse(run: Run) -> None:
        with run.services.unit_of_work(run.now) as uow:
            uow.session.execute(insert(Mail).values(subject=SUBJECT, sender_name=SENDER))

    for kind, function in ((JobKind.NOTIFY, send), (JobKind.LEARN, crash), (JobKind.REMIND, refuse)):
        monkeypatch.setitem(pipeline.KINDS, kind, replace(pipeline.KINDS[kind], function=function))  # type: ignore[arg-type]
        with services.unit_of_work(datetime.now(UTC)) as uow:
            uow.defer(kind, 0)
    with services.reading() as session:
        waiting = session.scalars(select(Job.id).where(Job.state == JobState.QUEUED).order_by(Job.id)).all()
    for job_id in waiting:
        pipeline.run_job(services, JobId(job_id), worker="w")

    for out in said:
        text = out.getvalue()
        for event in ("response", "page.crashed", "job.done", "job.failed", "job.crashed", "register.register"):
            assert event in text, event
        assert text.count("RuntimeError") >= 2
        assert "IntegrityError" in text
        found = [line for line in text.splitlines() if "zorglub" in line.lower()]
        assert found == []
        assert "127.0.0.1" not in text


def test_the_proxys_log_of_errors_writes_no_slow_request() -> None:
    """nginx writes the whole request, with what was searched for, at the level ``error``, which is its default."""
    conf = (ROOT / "deploy" / "nginx" / "ged.conf.in").read_text()
    assert set(re.findall(r"error_log +\S+(.*);", conf)) == {" crit"}
