"""An installation with letters and files, a medium for its copies, another for its keys, and the private key apart."""

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import select

from ged.backup import checking, making
from ged.backup.medium import FolderMedium
from ged.backup.order import Made, Order
from ged.org.models import Holding, Person, Post, PostRole, Role, Unit
from ged.ports import MailId
from ged.register.models import AttachmentKind
from ged.register.operations import SourcePage, attach
from ged.unit import Services
from tests import ocr_pages
from tests.factories import actor
from tests.worker_kit import Installation
from web.commands import main
from web.processes.restore import Wanted
from web.wiring import backups
from web.wiring.backups import Given


@dataclass
class Copied:
    """See the module."""

    installation: Installation
    medium: Path
    keys: Path
    identity: Path
    public: str

    @classmethod
    def make(cls, folder: Path, extra: Mapping[str, str] | None = None) -> "Copied":
        """A new installation, with empty media."""
        medium, keys = folder / "disk", folder / "safe"
        medium.mkdir()
        keys.mkdir()
        identity = folder / "private.key"
        public = backups.new_pair(identity)
        return cls(Installation.make(folder, extra), medium, keys, identity, public)

    @property
    def services(self) -> Services:
        """Of the installation."""
        return self.installation.services

    def letter(self, subject: str = "Demande d'audience", *contents: bytes) -> MailId:
        """Register a letter, with a file of each of these contents, or with a small page."""
        mail_id = self.installation.register(subject)
        digests = [self.services.blobs.put(io.BytesIO(one)).digest for one in contents or (page(subject),)]
        now = datetime.now(UTC)
        with self.services.unit_of_work(now) as uow:
            attach(
                uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(one, "image/png") for one in digests],
                media_type="image/png", actor=actor(self.services, "agent"), now=now,
            )  # fmt: skip
        return mail_id

    def second_administrator(self) -> None:
        """Let somebody else administer too: the account ``admin2``."""
        with self.services.unit_of_work(datetime.now(UTC)) as uow:
            unit = uow.session.scalars(select(Unit.id).order_by(Unit.id)).first()
            post = Post(code="ADM2", title="Administration 2", unit_id=unit, roles=[PostRole(role=Role.ADMINISTRATOR)])
            person = Person(account="admin2", name="Admin Deux", clearance=0)
            uow.session.add_all([post, person])
            uow.session.flush()
            uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))

    def copy(self, *, now: datetime | None = None, keep: str = "7/5/24", keys: bool = True) -> Made:
        """Make a copy."""
        given = Given(str(self.medium), [self.public], self.keys if keys else None, keep=keep)
        order = self.order(given)
        return making.make(self.services, order, now=now or datetime.now(UTC))

    def order(self, given: Given) -> Order:
        """An order with the settings of the installation."""
        return backups.order(self.installation.settings, given, self.installation.env_file)

    def wanted(self, *, identity: Path | None = None, snapshot: str = "", database_url: str = "") -> Wanted:
        """What a restore of the latest copy needs."""
        opens = backups.identities(identity or self.identity)
        return Wanted(FolderMedium(self.medium), snapshot, opens, self.keys, opens, None, database_url)

    def restore_here(self, typed: Sequence[str], *more: str) -> tuple[int, str]:
        """Call ``ged restore`` with the folders of this installation, and type these lines. Returns exit code and output."""
        settings = self.installation.settings
        words = [
            "restore", str(self.medium), "--identity", str(self.identity), "--keys", str(self.keys), "--data",
            str(settings.data_dir), "--settings", str(self.installation.env_file.parent), *more,
        ]  # fmt: skip
        env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("GED_")}
        done = CliRunner(env=env).invoke(main, words, input="".join(f"{line}\n" for line in typed))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    def broken(self) -> Sequence[checking.Broken]:
        """What a check of the medium finds, without keys."""
        public = (self.installation.settings.data_dir / "seal" / "journal.pub").read_bytes()
        return list(checking.check(FolderMedium(self.medium), public))


def page(text: str) -> bytes:
    """A small picture with bytes of its own."""
    out = io.BytesIO()
    ocr_pages.draw().resize((200, 280)).save(out, "PNG")
    return out.getvalue() + text.encode()
