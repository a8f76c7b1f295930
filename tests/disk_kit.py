"""An installation with letters of each level and their files, and a disk made of it."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ged.disk import making
from ged.disk.making import Disk, Wanted
from ged.disk.sealing import DiskKey
from ged.ports import Confidentiality, MailId
from ged.register.models import AttachmentKind, Mail, PageText
from ged.register.operations import SourcePage, attach
from tests.backup_kit import Copied
from tests.factories import actor
from tests.pages import pdf
from tests.slip_kit import letter
from web.wiring.backups import Given

PHRASE = "bako timu lora fusi dape noka ruli"
SECRET_WORD, RESTRICTED_WORD = "Zanzibar", "Zygomatique"


@dataclass
class Burned:
    """An installation, its media, and the folder into which disks are made."""

    copied: Copied
    usb: Path

    @classmethod
    def make(cls, folder: Path, extra: dict[str, str] | None = None) -> "Burned":
        """A new installation without letters."""
        usb = folder / "usb"
        usb.mkdir()
        return cls(Copied.make(folder, extra), usb)

    def letter(
        self, subject: str, text: str = "", *, level: Confidentiality = Confidentiality.ORDINARY, content: bytes = b""
    ) -> MailId:
        """Register a letter with a PDF whose page was read as ``text``. Returns its id."""
        services, now = self.copied.services, datetime.now(UTC)
        mail_id = letter(services, subject, level=min(level, Confidentiality.RESTRICTED), now=now)
        stored = services.blobs.put(io.BytesIO(content or pdf(f"{subject} {text}")))
        with services.unit_of_work(now) as uow:
            attachment_id = attach(
                uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(stored.digest, "application/pdf")],
                media_type="application/pdf", filename="lettre.pdf", digest=stored.digest, size_bytes=stored.size_bytes,
                actor=actor(services, "agent"), now=now, recognise=False,
            )  # fmt: skip
            uow.session.get_one(Mail, mail_id).level = int(level)  # no clerk of the kit registers a SECRET one
            uow.session.add(
                PageText(attachment_id=attachment_id, page_no=1, text=text, words=[], confidence=0.9, read_at=now)
            )
        return mail_id

    def usual(self) -> None:
        """Two letters that may be read, and one of each level above."""
        self.letter("Construction d'un forage à Tsévié", "Le château d'eau sera élevé près du marché.")
        self.letter("Élection du délégué des œuvres sociales", "Procès-verbal du scrutin.")
        self.letter(f"Affaire {RESTRICTED_WORD}", f"{RESTRICTED_WORD} entre nous.", level=Confidentiality.RESTRICTED)
        self.letter(f"Affaire {SECRET_WORD}", f"{SECRET_WORD} et rien d'autre.", level=Confidentiality.SECRET)

    def wanted(self, passphrase: str = PHRASE) -> Wanted:
        """An order of a disk."""
        copied = self.copied
        return Wanted(
            folder=self.usb,
            order=lambda place: copied.order(Given(str(place), [copied.public], copied.keys, keep="0/0/0")),
            passphrase=passphrase,
            holder="Cabinet du ministre",
            actor=actor(copied.services, "admin"),
        )

    def disk(self, *, passphrase: str = PHRASE) -> Disk:
        """Make a disk now."""
        return making.make(self.copied.services, self.wanted(passphrase), now=datetime.now(UTC) + timedelta(seconds=1))


def key_of(disk: Path, passphrase: str = PHRASE) -> DiskKey:
    """The key of a disk's readable part."""
    return DiskKey.opened((disk / "lecture" / "cle.js").read_bytes(), passphrase)


def part(disk: Path, name: str, passphrase: str = PHRASE) -> Any:
    """What a part of the readable copy holds, as JSON values."""
    return json.loads(key_of(disk, passphrase).unsealed(name, (disk / "lecture" / f"{name}.js").read_bytes()))


def parts(disk: Path) -> Iterator[tuple[str, bytes]]:
    """(name, plain content) of each sealed part."""
    key = key_of(disk)
    for path in sorted((disk / "lecture").rglob("*.js")):
        name = path.relative_to(disk / "lecture").as_posix().removesuffix(".js")
        if name != "cle" and not name.startswith("programme/"):
            yield name, key.unsealed(name, path.read_bytes())


def turned(path: Path, at: int = -40) -> None:
    """Change one letter of a file."""
    content = bytearray(path.read_bytes())
    content[at] = ord("A") if content[at] != ord("A") else ord("B")
    path.write_bytes(content)


def unpacked(text: str) -> list[int]:
    """The numbers of ``terms.pack``."""
    found, at, step, shift = list[int](), 0, 0, 0
    for one in base64.b64decode(text):
        step |= (one & 127) << shift
        shift += 7
        if not one & 128:
            at += step
            found.append(at)
            step = shift = 0
    return found
