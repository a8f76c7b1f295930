"""A folder of scans for tests: the book on paper, files with the numbers of its letters, and what became of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from PIL import Image
from sqlalchemy import func, select

from ged.register.models import Attachment, MailNumber, Register, RegisterNature
from ged.takeover import folders
from ged.takeover.models import FolderScan
from ged.takeover.operations import TakeoverTarget, take_over
from ged.unit import Services
from tests.factories import NOW, actor
from tests.routing_kit import unit_id

BOOK = (("1", 2015), ("0457/MEM/SG", 2015), ("12", 2015), ("12", 2016), ("13", 2016), ("2016", 2016), ("14 bis", 2016))
"""Numbers of the book on paper, with their years."""


def picture(text: str) -> bytes:
    """A small PNG, another one for each text."""
    image = Image.new("L", (60, 40), 255)
    for place, sign in enumerate(text.encode()):
        image.putpixel((place % 60, place // 60), sign)
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return kept.getvalue()


def add_archive(services: Services) -> int:
    """Add a register of earlier archives, with the letters of ``BOOK``. Returns its id."""
    with services.unit_of_work(NOW) as uow:
        archive = Register(
            code="PAPIER", name="Livres", unit_id=unit_id(services, "BO"), direction="incoming",
            nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
        )  # fmt: skip
        uow.session.add(archive)
        uow.session.flush()
        made = archive.id
    lines = [
        json.dumps({"id": f"{n}-{year}", "number": n, "registered_on": f"{year}-03-09", "subject": f"Lettre {n}"})
        for n, year in BOOK
    ]
    target = TakeoverTarget(made, "livre.jsonl", None, dry_run=False)
    done = take_over(
        services,
        target,
        [line.encode() for line in lines],
        refuse=lambda one: pytest.fail(str(one)),
        progress=lambda _: None,
    )
    assert done.taken == len(BOOK)
    return made


def archive_of(services: Services) -> int:
    """The id of the register of earlier archives."""
    with services.reading() as session:
        return session.scalars(select(Register.id).where(Register.code == "PAPIER")).one()


def begin(services: Services, who: str = "agent") -> int:
    """Begin a folder. Returns its id."""
    with services.unit_of_work(NOW) as uow:
        return folders.begin(uow, archive_of(services), "Arrivée 2015", actor=actor(services, who))


def give(services: Services, folder_id: int, files: dict[str, bytes]) -> None:
    """Send files whole, as a form does."""
    for name, content in files.items():
        folders.receive_whole(
            services, folder_id, name, io.BytesIO(content), len(content), actor=actor(services, "agent"), now=NOW
        )


def seen(services: Services, folder_id: int) -> folders.FolderRow:
    """How far a folder is."""
    with services.reading() as session:
        return folders.folder(session, folder_id, actor(services, "agent"))


def refused(services: Services, folder_id: int) -> dict[str, str]:
    """The refused files of a folder: name -> code."""
    with services.reading() as session:
        return {one.name: one.code for one in folders.refused(session, folder_id, actor(services, "agent"))}


def joined(services: Services) -> list[tuple[str, int, str]]:
    """(number, year, name of the file) of each attachment of the register."""
    with services.reading() as session:
        rows = session.execute(
            select(MailNumber.text, func.extract("year", MailNumber.registered_on), Attachment.filename)
            .join(Attachment, Attachment.mail_id == MailNumber.mail_id)
            .order_by(Attachment.id)
        )
        return [(text, int(year), name) for text, year, name in rows]


def take(services: Services, folder_id: int, heartbeat: Callable[[str], None] = lambda _said: None) -> None:
    """Match what has arrived, as the job does."""
    folders.take(services, folder_id, heartbeat=heartbeat, now=datetime.now(UTC))


def scan_id(services: Services, name: str) -> int:
    """The id of a file."""
    with services.reading() as session:
        return session.scalars(select(FolderScan.id).where(FolderScan.name == name)).one()
