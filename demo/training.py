"""The training installation: made, served, reset, stopped. Nothing of it leads to a real one.

Its folders lie beside each other, by default beside the data of the real installation:

    training            its data, with the mark ``EXERCICE.txt``
    training-settings   its settings and secret; ``running`` is locked by who serves or resets it
    training-made       the state after its making, which a reset copies
    training-new, -old  while a reset runs

Each folder that is emptied bears the mark, and loses it last: a folder without it is never touched. A reset that was interrupted
is ended by the next command.
"""

import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from demo import arrivals
from demo.installation import MINISTRY, add_settings, fill
from demo.people import PASSPHRASE, PASSWORD, SHOWN
from demo.processes import ProcessEnded, Processes
from demo.training_desk import PROGRAM, Desk
from ged.config import TRAINING_MARK, load_settings
from ged.errors import ConfigError, GedError
from ged.unit import Services
from web.wiring import settings_file
from web.wiring.services import build_services

Say = Callable[[str], None]
REVISIONS = Path(__file__).parents[1] / "ged" / "migrations" / "versions"
AUTHORITY = "EXERCICE (sans valeur)"
"""The organisation in its certificates (``signing.trust.TRAINING``)."""
MARK_TEXT = (
    "EXERCICE\n\nCe dossier est celui d'une installation d'entraînement de GED : rien n'y est réel.\n"
    "`ged training reset` le vide et le refait.\n"
)
NEWCOMERS = ("dsi.agent", "daj.agent", "dcom.agent")
"""Accounts without a password, for the exercise of a first access."""
STAMP = "prepared.json"
RESET_HOUR = 3
STOP_S = 20.0
SCANNER_LOOK_S = 0.4
"""How often it is looked whether the page under the simulated scanner's lid was scanned."""
LOOK_S = 30.0
"""How often it is looked whether somebody has signed in, while no letter is due."""


class Folders:
    """The folders of a training installation, by its data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.made, self.new, self.old = (self._beside(name) for name in ("made", "new", "old"))
        self.settings = settings_file.beside(self.data)
        self.env = self.settings / settings_file.NAME
        self.running = self.settings / "running"

    def _beside(self, name: str) -> Path:
        return self.data.with_name(f"{self.data.name}-{name}")


def is_marked(folder: Path) -> bool:
    """Whether a folder is one of a training installation."""
    return (folder / TRAINING_MARK).is_file()


def require_training(folders: Folders) -> None:
    """Check that every folder that is there is one of a training installation, and so is the settings file.

    Raises:
        ConfigError: ``training.real``.
    """
    for folder in (folders.data, folders.made, folders.new, folders.old):
        if folder.exists() and not is_marked(folder) and (not folder.is_dir() or any(folder.iterdir())):
            raise _real(folder)
    if folders.env.exists() and "GED_TRAINING=true" not in folders.env.read_text(encoding="utf-8").splitlines():
        raise _real(folders.env)


def _real(path: Path) -> ConfigError:
    return ConfigError("training.real", f"{path} is of no training installation: name another folder by --data")


def empty(folder: Path) -> None:
    """Remove a marked folder, its mark last: interrupted, the rest is still known as what may be removed."""
    if not folder.exists():
        return
    if not is_marked(folder) and any(folder.iterdir()):
        raise _real(folder)
    for path in folder.iterdir():
        if path.name == TRAINING_MARK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (folder / TRAINING_MARK).unlink(missing_ok=True)
    folder.rmdir()


@contextmanager
def held(folders: Folders) -> Iterator[None]:
    """Hold the installation for this process: nobody else serves or resets it meanwhile.

    Raises:
        ConfigError: ``training.running``.
    """
    folders.settings.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folders.running.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                "training.running", "stop the training installation first: ged training stop", setting="--data"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def runner(folders: Folders) -> int | None:
    """The process that holds the installation; None when nobody does."""
    if not folders.running.exists():
        return None
    with folders.running.open("r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = file.read()
            return int(said) if said else None
    return None


def make(folders: Folders, *, url: str, say: Say) -> None:
    """Make what is missing: after the first call, and after an update of the program, everything.

    Raises:
        ConfigError: ``training.real``.
    """
    require_training(folders)
    wanted = json.dumps({"url": url, "revisions": sorted(path.name for path in REVISIONS.glob("*.py"))})
    if _stamp(folders.made) == wanted:
        finish(folders)
        return
    for folder in (folders.made, folders.new, folders.old, folders.data):
        empty(folder)
    folders.data.mkdir(parents=True, mode=0o700)
    (folders.data / TRAINING_MARK).write_text(MARK_TEXT, encoding="utf-8")
    _write_settings(folders, url)
    with tempfile.TemporaryDirectory() as place:
        ministry = Path(place) / "ministry.yaml"
        ministry.write_text(
            MINISTRY.read_text(encoding="utf-8").replace('pattern: "', 'pattern: "EX-'), encoding="utf-8"
        )
        fill(load_settings(folders.env), ministry, authority=AUTHORITY, say=say, newcomers=NEWCOMERS)
    services = build_services(load_settings(folders.env))
    Desk(folders.data).pair(services, datetime.now(UTC))
    services.engine.dispose()
    (folders.data / STAMP).write_text(wanted, encoding="utf-8")
    _copy(folders.data, folders.new)
    folders.new.rename(folders.made)


def _stamp(folder: Path) -> str:
    path = folder / STAMP
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _write_settings(folders: Folders, url: str) -> None:
    if not folders.env.exists():
        folders.settings.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Path(tempfile.mkdtemp(dir=folders.settings))
        # A reset brings files back whose keys a sweep would have destroyed; and what is made up needs no keyring.
        half = settings_file.make(folders.data, made, with_keyring=False)
        add_settings(half, {"GED_TRAINING": "true"})
        half.rename(folders.env)
        made.rmdir()
    add_settings(folders.env, {"GED_PUBLIC_URL": url})


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; the mark comes first, so that half a copy may be removed."""
    target.mkdir(mode=0o700)
    shutil.copy2(source / TRAINING_MARK, target)
    shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)


def reset(folders: Folders) -> None:
    """Bring the made state back, whole. The caller holds the installation, and no process of it runs.

    Raises:
        ConfigError: ``training.real``, ``training.not_made``.
    """
    require_training(folders)
    if not _stamp(folders.made):
        raise ConfigError("training.not_made", "make it first: ged training start", setting="--data")
    finish(folders)
    _copy(folders.made, folders.new)
    folders.data.rename(folders.old)
    folders.new.rename(folders.data)
    empty(folders.old)


def finish(folders: Folders) -> None:
    """End a reset that was interrupted: before the old state was put aside it is taken back, after that it goes on."""
    empty(folders.new)
    if not folders.data.exists():
        _copy(folders.made, folders.new)
        folders.new.rename(folders.data)
    empty(folders.old)


class Server:
    """The processes of the installation, until the command is stopped."""

    def __init__(self, folders: Folders, *, bind: str, url: str, letters: int, say: Say) -> None:
        """``letters``: how many arrive each hour while somebody is signed in; 0: none."""
        self._folders, self._bind, self._url, self._letters, self._say = folders, bind, url, letters, say
        self._next_letter_s = 0.0
        self._processes = Processes(folders.settings / "logs")
        self._desk = Desk(folders.data)
        self._services: Services | None = None
        self._next_look_s = 0.0
        self._stopped = self._reset_asked = False

    def serve(self) -> int:
        """Serve until SIGTERM or SIGINT; SIGUSR1 and each night reset. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._note)
        try:
            self._start()
            self._welcome()
            last = _night(self._now())
            while not self._stopped:
                self._check()
                if self._reset_asked or _night(self._now()) != last:
                    self._reset_asked, last = False, _night(self._now())
                    self._stop()
                    reset(self._folders)
                    self._start()
                    self._say("Remise à zéro faite.")
                self._let_arrive()
                self._look_at_scanner()
                time.sleep(0.5)
        except ProcessEnded as error:
            self._say(str(error))
            return 1
        finally:
            self._stop()
        self._say("Arrêt.")
        return 0

    def _stop(self) -> None:
        self._processes.stop()
        if self._services is not None:
            self._services.engine.dispose()
            self._services = None

    def _check(self) -> None:
        """As ``Processes.check``; but a scanner that fails stops nobody's training."""
        bridge = self._processes.running.get("bridge")
        if bridge is not None and bridge.poll() is not None:
            del self._processes.running["bridge"]
            self._say(f"Le scanner simulé s'est arrêté : voir {self._folders.settings / 'logs' / 'bridge.log'}")
        self._processes.check()

    def _look_at_scanner(self) -> None:
        if "bridge" not in self._processes.running or time.monotonic() < self._next_look_s:
            return
        self._next_look_s = time.monotonic() + SCANNER_LOOK_S
        try:
            if self._services is None:
                self._services = build_services(load_settings(self._folders.env))
            self._desk.follow(self._services, datetime.now(UTC))
        except (GedError, OSError) as error:
            self._say(f"Le scanner simulé n'a pas de nouvelle page : {error}")

    def _let_arrive(self) -> None:
        if not self._letters or time.monotonic() < self._next_letter_s:
            return
        self._next_letter_s = time.monotonic() + min(LOOK_S, 3600 / self._letters)
        services = build_services(load_settings(self._folders.env))
        try:
            if arrivals.is_somebody_there(services, datetime.now(UTC)):
                arrivals.arrive(services, datetime.now(UTC))
                self._next_letter_s = time.monotonic() + 3600 / self._letters
        except (GedError, OSError) as error:
            self._say(f"Aucun courrier n'est arrivé : {error}")
        finally:
            services.engine.dispose()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGUSR1:
            self._reset_asked = True
        else:
            self._stopped = True

    def _now(self) -> datetime:
        return datetime.now(load_settings(self._folders.env).zone)

    def _start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GED_")}
        env = {**kept, "GED_ENV_FILE": str(self._folders.env)}
        self._processes.start("site", "ged", "serve", "--bind", self._bind, "--processes", "1", env=env)
        self._processes.start("worker", "ged", "worker", env=env)
        near = f"http://{self._bind.replace('0.0.0.0', '127.0.0.1')}"  # noqa: S104
        self._processes.wait_for_site(near)
        if not self._desk.start(self._processes, near):
            self._say(f"Sans scanner simulé : il faut SANE et le programme {PROGRAM}.")

    def _welcome(self) -> None:
        self._say(f"\nEXERCICE : l'installation d'entraînement est servie : {self._url}")
        self._say(f"Mot de passe de tous les comptes : {PASSWORD}   Phrase de la clé de signature : {PASSPHRASE}")
        for account, what in SHOWN:
            self._say(f"  {account:16} {what}")
        self._say(f"Remise à zéro chaque nuit à {RESET_HOUR} heures ; Ctrl+C ou `ged training stop` pour arrêter.")


def _night(now: datetime) -> int:
    """The number of resets that fell due by now: it grows each day at ``RESET_HOUR``."""
    return now.toordinal() - (now.hour < RESET_HOUR)


def stop(folders: Folders) -> bool:
    """Stop the server; False: none was running.

    Raises:
        ConfigError: ``training.running``: it did not stop in time.
    """
    pid = runner(folders)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while time.monotonic() < until:
        if runner(folders) is None:
            return True
        time.sleep(0.1)
    raise ConfigError("training.running", f"process {pid} does not stop: look at {folders.settings / 'logs'}")
