"""A separate installation for the tests of the worker: a settings file, a database, real ``ged worker`` processes."""

import io
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import make_url, select

from ged.config import Settings, load_settings
from ged.jobs import Job, JobKind, JobState
from ged.ports import AttachmentId, Digest, JobId, MailId
from ged.register.models import AttachmentKind
from ged.register.operations import SourcePage, attach
from ged.unit import Services
from tests import ocr_pages
from tests.factories import actor, database_file, make_organisation, make_tables
from tests.slip_kit import letter
from tests.started import GED, Started, run
from web.processes.migrate import alembic_config
from web.wiring import settings_file
from web.wiring.services import build_services
from web.wiring.stored_files import prepare_keyring


def eventually(check: Callable[[], object], *, within_s: float, what: str, log: Path | None = None) -> None:
    """Wait until ``check`` returns a true value. AssertionError after ``within_s`` seconds, with the end of the log."""
    until = time.monotonic() + within_s
    while not check():
        if time.monotonic() > until:
            said = log.read_text()[-3000:] if log is not None and log.exists() else ""
            raise AssertionError(f"not within {within_s} s: {what}\n{said}")
        time.sleep(0.05)


@cache
def _database() -> bytes:
    """The file of a database with the organisation of the tests, at the newest revision. To make one took a fifth of a second."""

    def fill(services: Services) -> None:
        _stamp(services)
        make_organisation(services)

    return database_file(fill)


def _stamp(services: Services) -> None:
    with services.engine.begin() as connection:
        command.stamp(alembic_config(connection), "head")


@dataclass
class Installation:
    """A folder, its settings, services in this process, and the worker processes that were started."""

    folder: Path
    env_file: Path
    settings: Settings
    services: Services
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, extra: Mapping[str, str] | None = None) -> "Installation":
        """A new installation with the small organisation of the tests."""
        env_file = settings_file.make(folder / "data")
        with env_file.open("a", encoding="utf-8") as out:
            out.writelines(f"{name}={value}\n" for name, value in (extra or {}).items())
        settings = load_settings(env_file)
        database = make_url(settings.url)
        if database.get_backend_name() == "sqlite":
            Path(database.database or "").write_bytes(_database())
            prepare_keyring(settings)
            return cls(folder, env_file, settings, build_services(settings))
        prepare_keyring(settings)
        services = build_services(settings)
        make_tables(services.engine)
        prepare_keyring(settings)  # a copy of the first database has taken this one's place
        _stamp(services)
        make_organisation(services)
        return cls(folder, env_file, settings, services)

    @property
    def log(self) -> Path:
        """The log of the worker processes."""
        return self.folder / "worker.log"

    def environment(self) -> dict[str, str]:
        """The environment variables of a process of this installation."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GED_")}
        return {**kept, "GED_ENV_FILE": str(self.env_file)}

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``ged`` to its end. Returns exit code and output."""
        return run(*words, env=self.environment())

    def start_worker(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a ``ged worker``, with these further words."""
        with self.log.open("ab") as log:
            process = Started(
                [str(GED), "worker", *words], env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End the processes and release the database."""
        for process in self.processes:
            kill(process)
        self.services.engine.dispose()

    def job(self, job_id: JobId) -> Job:
        """The present row of a job."""
        with self.services.reading() as session:
            return session.get_one(Job, job_id)

    def ask(self, kind: JobKind, subject_id: int = 0) -> JobId:
        """Queue a job in a transaction of its own, and hand it to the queue. Returns its id."""
        with self.services.unit_of_work(datetime.now(UTC)) as uow:
            uow.defer(kind, subject_id)
        return self.latest(kind)

    def latest(self, kind: JobKind) -> JobId:
        """The id of the newest job of a kind."""
        with self.services.reading() as session:
            return JobId(session.scalars(select(Job.id).where(Job.kind == kind).order_by(Job.id.desc())).first() or 0)

    def wait_for(self, job_id: JobId, state: JobState, *, within_s: float = 90) -> Job:
        """Wait until the job is in this state. Returns its row. AssertionError after ``within_s`` seconds."""
        eventually(
            lambda: self.job(job_id).state is state, within_s=within_s, what=f"job {job_id} {state}", log=self.log
        )
        return self.job(job_id)

    def register(self, subject: str = "Demande d'audience") -> MailId:
        """Register an incoming letter. Returns its id."""
        return letter(self.services, subject, now=datetime.now(UTC))

    def letter_with_pages(self, count: int) -> tuple[MailId, AttachmentId, JobId]:
        """A letter with a scan of ``count`` pages that a job must read: seconds for each page.

        Returns:
            The ids of the letter, the attachment and the job.
        """
        mail_id = self.register()
        digests = [self.services.blobs.put(io.BytesIO(_scanned_page(n))).digest for n in range(count)]
        return mail_id, *self._attach(mail_id, digests)

    def _attach(self, mail_id: MailId, digests: list[Digest]) -> tuple[AttachmentId, JobId]:
        now = datetime.now(UTC)  # Use the real clock: the worker uses it too, and must find the job due.
        with self.services.unit_of_work(now) as uow:
            attachment_id = attach(
                uow,
                mail_id,
                kind=AttachmentKind.DOCUMENT,
                pages=[SourcePage(digest, "image/png") for digest in digests],
                media_type="image/png",
                actor=actor(self.services, "agent"),
                now=now,
            )
        return attachment_id, self.latest(JobKind.RECOGNISE)


@cache
def _scanned_page(number: int) -> bytes:
    """A letter from the glass, slightly turned, as PNG at 300 dpi. Only a comment in the file tells the pages apart."""
    content, comment = io.BytesIO(), PngInfo()
    comment.add_text("Comment", f"page {number}")
    _turned_letter().save(content, "PNG", dpi=(300, 300), pnginfo=comment, compress_level=1)
    return content.getvalue()


@cache
def _turned_letter() -> Image.Image:
    return ocr_pages.draw().rotate(0.3, fillcolor=255)


def children(pid: int) -> list[int]:
    """The ids of all descendants of a process (proc(5))."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                below.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, look = [], [pid]
    while look:
        more = below.get(look.pop(), [])
        found += more
        look += more
    return found


def kill(process: subprocess.Popen[bytes], *, with_children: bool = True) -> list[int]:
    """Kill a process with SIGKILL, as a power cut would. Returns the ids of its children."""
    below = _stopped_below(process.pid) if with_children else children(process.pid)
    for pid in [process.pid, *(below if with_children else [])]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    return below


def kill_below(process: subprocess.Popen[bytes]) -> list[int]:
    """Kill all descendants of a process with SIGKILL, also those that start meanwhile. The process itself continues."""
    below = _stopped_below(process.pid)
    for pid in below:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.send_signal(signal.SIGCONT)
    return below


def _stopped_below(pid: int) -> list[int]:
    """Stop all descendants of a process and return their ids. Otherwise a child that starts before the kill would
    survive."""
    stopped: set[int] = set()
    while fresh := {pid, *children(pid)} - stopped:
        for each in fresh:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
        stopped |= fresh
    return sorted(stopped - {pid})


def alive(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
