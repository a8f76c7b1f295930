"""Helpers for the tests of suggestions: a site with letters, words with OCR errors, fields as they were read."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO

from flask import Flask
from sqlalchemy import func, insert, select

from demo.letters import make_letters
from ged import jobs, pipeline
from ged.capture import files, intake
from ged.jobs import JobKind
from ged.org.models import Post, Unit
from ged.ports import Confidentiality, PostId, RegisterId
from ged.register import operations
from ged.register.correspondents import fold
from ged.register.models import AttachmentKind, Correspondent, Direction, Mail, Register
from ged.register.operations import IncomingForm, SourcePage, attach
from ged.register.states import MailState
from ged.unit import SYSTEM, Services
from tests.factories import NOW, actor
from tests.pages import png
from tests.scripted_ocr import ScriptedEngine, reading
from tests.site import post, sign_in

LETTERS = make_letters(2026, 10)
FIELDS = (
    reading("subject", "Rapport sur la qualité de la fourniture"),
    reading("sender", "COMPAGNIE ENERGIE ELECTRIQUE DU TOGO"),
    reading("their_reference", "0123/2026/CEET/DG"),
    reading("written_on", "2026-01-08"),
    reading("enclosures", "2"),
    reading("amount", "1 250 000 FCFA"),
)


@dataclass
class Site:
    """A site over an OCR engine with given results."""

    app: Flask
    services: Services
    engine: ScriptedEngine

    def upload(self, content: bytes, name: str = "lettre.pdf", account: str = "agent") -> int:
        """Upload a file. Returns the id of the waiting scan; no job has run yet."""
        clerk = actor(self.services, account)
        upload = files.examine(self.services, name, BytesIO(content))
        with self.services.unit_of_work(NOW) as uow:
            (scan_id,) = intake.accept_upload(uow, upload, unit_id=clerk.posts[0].unit_id, actor=clerk, now=NOW)
        return int(scan_id)

    def work(self) -> list[JobKind]:
        """Run all jobs but index jobs, and the jobs that follow from them. Returns the kinds that ran."""
        kinds, ran = set(JobKind) - {JobKind.INDEX}, []
        while True:
            with self.services.reading() as session:
                waiting = jobs.due(session, now=datetime.now(UTC) + timedelta(minutes=1), kinds=kinds)
                of = {i: session.get_one(jobs.Job, i).kind for i in waiting}
            if not waiting:
                return ran
            for job_id in waiting:
                pipeline.run_job(self.services, job_id, worker="test")
                ran.append(of[job_id])

    def register(self, subject: str = "Objet", level: int = 0, account: str = "agent", sender: str = "Mairie") -> Mail:
        """Register an incoming letter. Returns its row."""
        with self.services.reading() as session:
            register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
            post_id = session.scalars(select(Post.id).where(Post.code == "SG-T")).one()
        form = IncomingForm(subject, sender, PostId(post_id), level=Confidentiality(level))
        with self.services.unit_of_work(NOW) as uow:
            done = operations.register_incoming(
                uow, RegisterId(register_id), form, actor=actor(self.services, account), now=NOW
            )
        with self.services.reading() as session:
            return session.get_one(Mail, done.mail_id)

    def document(self, mail_id: int, text: str) -> None:
        """Attach a document with this text to a letter."""
        stored = self.services.blobs.put(BytesIO(png(f"{mail_id} {text[:20]}")))
        with self.services.unit_of_work(NOW) as uow:
            attach(
                uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(stored.digest, "image/png")],
                media_type="image/png", actor=SYSTEM, now=NOW,
            )  # fmt: skip
        self.engine.texts = (text,)
        self.work()

    def count(self, table: type) -> int:
        """The number of rows of a table."""
        with self.services.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def unit(self, code: str) -> int:
        """The id of the unit with this code."""
        with self.services.reading() as session:
            return session.scalars(select(Unit.id).where(Unit.code == code)).one()


def know(services: Services, *names: str) -> None:
    """Add correspondents with these names."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(insert(Correspondent), [{"name": n, "folded_name": fold(n), "version": 1} for n in names])


WORDS = {
    "DGE": "électricité branchement compteur transformateur délestage abonnés tension",
    "DAF": "facture paiement budget crédits engagement trésor dépense",
}


def fill_register(site: Site, count: int, *, level: int = 0, words: dict[str, str] = WORDS) -> None:
    """Register ``count`` letters that were decided long ago. Their words suggest their unit, their nature and their
    sender."""
    sender = {"DGE": "CEET", "DAF": "Trésor public"}
    know_missing(site.services, *sender.values())
    with site.services.unit_of_work(NOW) as uow:
        ids = dict(uow.session.execute(select(Correspondent.name, Correspondent.id)).all())  # type: ignore[arg-type]
        for n in range(count):
            code = ("DGE", "DAF")[n % 2]
            vocabulary = words[code].split()
            said = " ".join(vocabulary[(n + k) % len(vocabulary)] for k in range(5))
            uow.session.add(
                Mail(
                    direction=Direction.INCOMING, state=MailState.CLOSED, level=level, subject=f"Dossier {said}",
                    nature="demande" if code == "DGE" else "facture", sender_id=ids[sender[code]],
                    sender_name=sender[code], unit_id=site.unit("BO"), responsible_unit_id=site.unit(code),
                    created_at=NOW,
                )
            )  # fmt: skip


def know_missing(services: Services, *names: str) -> None:
    """Add correspondents with those of these names that do not exist yet."""
    with services.reading() as session:
        there = set(session.scalars(select(Correspondent.name)))
    missing = [name for name in names if name not in there]
    if missing:
        know(services, *missing)


def learn(site: Site) -> None:
    """Start the learning on the administrator's page, and run its job."""
    client = sign_in(site.app, "admin")
    assert post(client, "/administration/apprentissage", {}).status_code == 303
    assert JobKind.LEARN in site.work()


def noisy(text: str, seed: int, share: float = 0.03) -> str:
    """The text with a part ``share`` of its characters misread. The seed makes it repeatable."""
    rng = random.Random(seed)
    return "".join(rng.choice("abcdelmnor ") if c.isalpha() and rng.random() < share else c for c in text)
