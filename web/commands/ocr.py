"""``ged ocr``: files in, searchable PDF/A and text out, on any machine, without an installation."""

import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Protocol

import click

from ged.errors import EngineFailed, GedError
from ged.ports import RecognisedPage
from web.commands.batch_reading import Done, Refused, Work, plan, read_all
from web.wiring.reader import Reader, open_reader
from web.words.error_table import MESSAGES, Params

_INTERRUPTED = 130


@click.command("ocr")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the PDF/A.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: the pages as they are read, then the document.")
@click.option("--lang", default="fra", show_default=True, help="Languages by tesseract's names: fra+eng.")
@click.option("--jobs", type=click.IntRange(1, 64), default=None, help="Pages to read at once.  [default: one a core]")
def ocr(files: tuple[Path, ...], out: Path, as_json: bool, lang: str, jobs: int | None) -> None:
    """Read each FILE (PDF, image, office text) into OUT/<name>.pdf, PDF/A with searchable text.

    Files of the same name get <name>-2.pdf and so on. Exit 1: a file was refused, the others are done; 2: usage.
    """
    logging.getLogger().setLevel(logging.WARNING)

    signal.signal(signal.SIGTERM, _interrupt)
    languages = tuple(name for name in lang.split("+") if name)
    jobs = jobs or len(os.sched_getaffinity(0))
    engine = open_reader(jobs=jobs)
    printer: _Printer = _Lines() if as_json else _Sentences(len(files))
    refused = 0
    try:
        _check_languages(engine, languages)
        for work in read_all(engine, plan(files, _folder(out)), languages=languages, jobs=jobs):
            refused += not _print_events(work, printer)
    except KeyboardInterrupt:
        click.echo("Interrompu ; les fichiers déjà annoncés sont entiers.", err=True)
        sys.exit(_INTERRUPTED)
    finally:
        engine.stop()
    sys.exit(1 if refused else 0)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check_languages(engine: Reader, languages: Sequence[str]) -> None:
    try:
        engine.check_languages(languages)
    except EngineFailed as failure:
        if "languages" not in failure.params:
            raise
        names = ", ".join(map(str, failure.params["languages"])) or "none given"  # type: ignore[call-overload]
        raise click.BadParameter(f"not installed: {names}", param_hint="--lang") from failure


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{out}: {error.strerror}", param_hint="--out") from error
    if not os.access(out, os.W_OK):
        raise click.BadParameter(f"{out}: not writable", param_hint="--out")
    return out


class _Printer(Protocol):
    """An output format."""

    def page(self, work: "Work", page: RecognisedPage) -> None: ...

    def done(self, work: "Work", done: "Done") -> None: ...

    def refused(self, work: "Work", error: GedError) -> None: ...


def _print_events(work: "Work", printer: _Printer) -> bool:
    """Print the events of a file; False when it was refused."""

    for event in work.events():
        if isinstance(event, RecognisedPage):
            printer.page(work, event)
        elif isinstance(event, Refused):
            printer.refused(work, event.error)
            return False
        else:
            printer.done(work, event)
    return True


class _Lines:
    """One JSON object on each line."""

    def page(self, work: "Work", page: RecognisedPage) -> None:
        self._line(
            file=str(work.source),
            page=page.page_no,
            text=page.text,
            words=[asdict(word) for word in page.words],
            language=page.language,
            confidence=page.confidence,
            flags=page.flags,
        )

    def done(self, work: "Work", done: "Done") -> None:
        self._line(
            file=str(work.source),
            fields=[asdict(reading) for reading in done.fields],
            pages=done.pages,
            seconds=round(done.seconds, 3),
            pdf=str(work.target),
        )

    def refused(self, work: "Work", error: GedError) -> None:
        self._line(file=str(work.source), error=error.code, message=_french(error))

    def _line(self, **values: object) -> None:
        # A file name that is not UTF-8 becomes \udcXX, which JSON allows, and which Python reads back as the same name.
        line = json.dumps(values, ensure_ascii=False).encode("utf-8", "backslashreplace")
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()


class _Sentences:
    """One line for each file, for people. On a terminal the line also counts the pages."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._printed = 0
        self._over = sys.stderr.isatty()

    def page(self, work: "Work", page: RecognisedPage) -> None:
        if self._over:
            click.echo(f"\r{self._head(work, self._printed + 1)} page {page.page_no}…\x1b[K", nl=False, err=True)

    def done(self, work: "Work", done: "Done") -> None:
        pages = f"{done.pages} pages" if done.pages > 1 else f"{done.pages} page"
        trust, seconds = f"confiance {done.confidence:.0f} %", f"{done.seconds:.1f} s".replace(".", ",")
        self._say(work, f"{pages}, {trust}, {seconds} -> {_shown(work.target)}")

    def refused(self, work: "Work", error: GedError) -> None:
        self._say(work, f"REFUSÉ. {_french(error)} ({error.code})")

    def _say(self, work: "Work", words: str) -> None:
        if self._over:
            click.echo("\r\x1b[K", nl=False, err=True)
        self._printed += 1
        click.echo(f"{self._head(work, self._printed)} : {words}")

    def _head(self, work: "Work", number: int) -> str:
        return f"[{number}/{self._files}] {_shown(work.source)}"


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "replace").decode("utf-8")


def _french(error: GedError) -> str:
    """The site's French text of an error: what happened and what to do; the code of one that has none."""
    message = MESSAGES.get(error.code)
    if message is None:
        return error.code
    values = Params({key: "" if value is None else value for key, value in error.params.items()})
    return f"{message.what % values} {message.remedy % values}"
