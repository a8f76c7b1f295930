"""``ged run`` and ``ged demo``: an installation, its processes, the main job once, then the site."""

import json
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from demo.installation import prepare
from demo.journey import Journey
from demo.people import PASSPHRASE, PASSWORD, SHOWN
from demo.processes import ProcessEnded, Processes
from demo.scanner import DeskScanner
from web.wiring import settings_file

REVISIONS = Path(__file__).parents[1] / "ged" / "migrations" / "versions"
STAMP = "prepared.json"
"""In the data folder: the settings and revisions for which everything is set up."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """A running installation."""

    url: str
    data: Path
    processes: Processes
    scanner: DeskScanner


def start(data: Path, *, bind: str, say: Say, extra: dict[str, str], workers: int = 1) -> Stage:
    """Set up missing parts and start site and worker(s). The bridge is started later, when it is paired.

    Raises:
        ProcessEnded: a process did not start.
    """
    url = f"http://{bind}"
    prepare_once(data, {"GED_PUBLIC_URL": url, **extra}, say)
    processes = Processes(data / "logs")
    scanner = DeskScanner(data / "desk")
    scanner.install()
    stage = Stage(url, data, processes, scanner)
    try:
        start_site(stage)
        for n in range(workers):
            start_worker(stage, "worker" if n == 0 else f"worker-{n + 1}")
        processes.wait_for_site(url)
    except ProcessEnded:
        processes.stop()
        raise
    if '"token"' in (scanner.home / "config.json").read_text():
        start_bridge(stage)
    return stage


def start_site(stage: Stage) -> None:
    """Start the site's process; ``processes.wait_for_site`` waits until it answers."""
    stage.processes.start("site", "ged", "serve", "--bind", stage.url.removeprefix("http://"), env=_environment(stage))


def start_worker(stage: Stage, name: str = "worker") -> None:
    """Start a worker."""
    stage.processes.start(name, "ged", "worker", env=_environment(stage))


def _environment(stage: Stage) -> dict[str, str]:
    return {**stage.scanner.environment(), "GED_ENV_FILE": str(settings_file.file_of(stage.data))}


def prepare_once(data: Path, settings: dict[str, str], say: Say) -> None:
    """Set up missing parts. A second start with the same settings and revisions skips this, without loading code."""
    stamp = data / STAMP
    wanted = json.dumps({"settings": settings, "revisions": sorted(p.name for p in REVISIONS.glob("*.py"))})
    if stamp.exists() and stamp.read_text() == wanted:
        return

    prepare(data, extra=settings, say=say)
    stamp.write_text(wanted)


def start_bridge(stage: Stage) -> None:
    """Start the bridge of the desk (paired already)."""
    if "bridge" not in stage.processes.running:
        stage.processes.start("bridge", "ged-bridge", "run", env=stage.scanner.environment())


def run(data: Path, *, bind: str, say: Say) -> int:
    """``make run``: everything once, then serve until stopped; returns the exit code."""
    began = time.monotonic()
    done = data / "main-job.done"
    try:
        stage = start(data, bind=bind, say=say, extra={})
    except ProcessEnded as error:
        say(str(error))
        return 1
    try:
        if not done.exists():
            _play(stage, say)
            done.write_text("")
        _welcome(stage, say, time.monotonic() - began)
        return _serve(stage, say)
    finally:
        stage.processes.stop()


def _play(stage: Stage, say: Say) -> None:
    """The main job. People may already work on the site: what they do can stop the play, which then says where it
    stopped; the site stays. It is not played again over its own half."""
    say("Le travail principal, une fois, sous vos yeux :")
    journey = Journey(stage, say=say, start_bridge=lambda: start_bridge(stage))
    try:
        journey.run()
    except ProcessEnded:
        raise
    except Exception as error:  # noqa: BLE001  whatever stops the play, the site is there for people
        say(f"  Le travail principal s'est arrêté là ; le site reste ouvert. {type(error).__name__} : {error}")
    finally:
        journey.leave()


def demo(*, shape: str, say: Say) -> int:
    """``make demo``: the main job in a separate installation; returns 0, or 1 with the reason printed."""

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ged-demo-")))
        extra: dict[str, str] = {}
        if shape == "servers":
            from demo.servers import private_servers  # noqa: PLC0415  # of the tests, which are not shipped

            extra = stack.enter_context(private_servers(say))
        try:
            stage = start(
                folder / "data", bind=f"127.0.0.1:{free_port()}", say=say, extra=extra, workers=2 if extra else 1
            )
            stack.callback(stage.processes.stop)
            Journey(stage, say=say, start_bridge=lambda: start_bridge(stage)).run()
        except (ProcessEnded, AssertionError) as error:
            say(f"ÉCHEC : {error}")
            return 1
    say("Le travail principal est passé de bout en bout.")
    return 0


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _welcome(stage: Stage, say: Say, seconds: float) -> None:
    say(f"\nLe site est servi : {stage.url}   (prêt en {seconds:.1f} s ; journaux dans {stage.processes.logs})")
    say(f"Mot de passe de tous les comptes : {PASSWORD}   Phrase de la clé de signature : {PASSPHRASE}")
    for account, what in SHOWN:
        say(f"  {account:16} {what}")
    say("Ctrl+C pour arrêter.")


def _serve(stage: Stage, say: Say) -> int:
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not stopped:
        try:
            stage.processes.check()
        except ProcessEnded as error:
            say(str(error))
            return 1
        time.sleep(0.5)
    say("Arrêt.")
    return 0
