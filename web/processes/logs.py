"""The lines of the log: one form for site, workers and commands, and for what libraries log.

``GED_LOG=json``: an object a line, for a collector; else a line that people read. Both go to standard error, and both
pass the same rules, so that nothing personal is logged and no line can be forged:

- Our own lines are a name and values (``job.failed job=%s code=%s``); the values become fields.
- An exception is told by its class, its code and the places it came through, never by its own words: those of a
  database repeat the row, those of a parser the text.
- Of a library's line only its template is told, without the values, and only from a warning on. Those of ``TRUSTED``
  libraries, which handle no letters, have their names and numbers too: a text of several words may be an exception's.
- Control characters, line ends and marks that turn the direction of a text are written as escapes.

structlog is loaded at the first line: most commands write none.
"""

import errno
import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from subprocess import CalledProcessError
from types import TracebackType
from typing import Any, Literal, TextIO

from ged import log_context
from ged.errors import GedError
from ged.faults import database_error

Form = Literal["text", "json"]
Event = dict[str, Any]

OWN = frozenset({"ged", "web", "ocr", "indexer", "signing", "sandbox", "demo"})
TRUSTED = frozenset({"alembic", "gunicorn", "rq"})
LONGEST = 4_000
LONGEST_ON_A_TERMINAL = 240
MOST_FRAMES, MOST_CAUSES = 40, 5
_ROOT = Path(__file__).resolve().parent.parent.parent
_FIELDS = re.compile(r"(?P<event>[\w.]+)(?P<fields>(?: [a-z_]+=%[-.\d]*[sdrif])+)")
_FIELD = re.compile(r" ([a-z_]+)=%[-.\d]*([sdrif])")
_WARNING = re.compile(r"(?P<place>.+?:\d+): (?P<category>\w+):")
_NAME, HIDDEN = re.compile(r"[\w.:/-]{0,100}"), "..."
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def configure(form: str) -> None:
    """Send everything that is logged to standard error, in this form. May be called again, with another form.

    Where the root logger has another handler already (a test's), nothing is changed.
    """
    root = logging.getLogger()
    ours = next((one for one in root.handlers if isinstance(one, Lines)), None)
    if ours is None:
        if root.handlers:
            return
        ours = Lines()
        root.addHandler(ours)
        root.setLevel(logging.INFO)
        threading.excepthook = _thread_crashed
        sys.unraisablehook = _never_raised
    ours.form = "json" if form == "json" else "text"
    if ours.form == "json":
        logging.captureWarnings(capture=True)
        sys.excepthook = _crashed


def _thread_crashed(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and crash.exc_type is not SystemExit:
        logging.getLogger(__name__).error("thread.crashed", exc_info=crash.exc_value)


def _never_raised(lost: "sys.UnraisableHookArgs") -> None:
    """An exception in a finalizer: Python would write its words, and its object, to standard error."""
    if lost.exc_value is not None:
        logging.getLogger(__name__).error("finalizer.crashed", exc_info=lost.exc_value)


def _crashed(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if not isinstance(error, KeyboardInterrupt):
        logging.getLogger(__name__).critical("process.crashed", exc_info=error)


class Lines(logging.Handler):
    """Writes the lines to ``out``; without it to the standard error of the moment."""

    def __init__(self, form: Form = "text", out: TextIO | None = None) -> None:
        super().__init__()
        self.form: Form = form
        self._out = out
        self.addFilter(lambda record: record.levelno >= logging.WARNING or _top(record.name) in OWN)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line. What cannot be written is lost: to complain would show it."""
        try:
            line = self._formatters[self.form].format(record)
        except Exception:  # noqa: BLE001  # its values cannot be shown: the place of the call can
            line = json.dumps({"level": "error", "event": "log.broken", "place": f"{record.pathname}:{record.lineno}"})
        out = self._out or sys.stderr
        try:
            if self.form == "text" and out.isatty():
                line = "\n".join(map(_for_a_terminal, line.split("\n")))
            out.write(f"{line}\n")
            out.flush()
        except (OSError, ValueError, AttributeError):
            return  # standard error is closed or full

    @cached_property
    def _formatters(self) -> Mapping[str, logging.Formatter]:
        from structlog import processors, stdlib  # noqa: PLC0415  # 50 ms, and most commands log nothing

        common: list[Any] = [_read, _add_context, _tell_exception]
        at, plain = (
            processors.TimeStamper(fmt="iso", utc=True, key="at"),
            stdlib.ProcessorFormatter.remove_processors_meta,
        )
        chains = {"text": [*common, _as_text], "json": [*common, at, plain, _in_order, processors.JSONRenderer()]}
        return {
            form: stdlib.ProcessorFormatter(processors=chain, use_get_message=False, pass_foreign_args=True)
            for form, chain in chains.items()
        }


def _for_a_terminal(line: str) -> str:
    """The beginning of a long line: a statement of the database would push off the screen what the command itself says."""
    return line if len(line) <= LONGEST_ON_A_TERMINAL else f"{line[:LONGEST_ON_A_TERMINAL]}…"


def _top(name: str) -> str:
    return name.partition(".")[0]


# --- the steps of a line; each has the signature of structlog's processors


def _read(_logger: Any, _level: str, event: Event) -> Event:
    """Name and fields of the record."""
    record: logging.LogRecord = event["_record"]
    given = event.pop("positional_args", ())
    template = clean(str(event.pop("event")))
    event |= {"level": record.levelname.lower(), "logger": record.name, "pid": record.process}
    named = given if isinstance(given, Mapping) else None
    args = tuple(loggable(one) for one in ((named or {}).values() if named is not None else given or ()))
    if record.name == "py.warnings":
        where = _WARNING.match(str(args[0]) if args else "")
        return event | {"event": "python.warning", **(where.groupdict() if where else {})}
    if _top(record.name) in TRUSTED:
        args = tuple(one if not isinstance(one, str) or _NAME.fullmatch(one) else HIDDEN for one in args)
    if _top(record.name) not in OWN | TRUSTED:
        return event | {"event": template if given else "library", "place": f"{place(record.pathname)}:{record.lineno}"}
    fields = _FIELDS.fullmatch(template)
    if fields is not None and named is None:
        names = [name for name, _kind in _FIELD.findall(fields["fields"])]
        return event | {"event": fields["event"], **dict(zip(names, args, strict=True))}
    if named is not None:
        return event | {"event": template % {key: loggable(value) for key, value in named.items()}}
    return event | {"event": template % args if args else template}


def _add_context(_logger: Any, _level: str, event: Event) -> Event:
    for name, value in log_context.current().items():
        event.setdefault(name, clean(value))
    return event


def _tell_exception(_logger: Any, _level: str, event: Event) -> Event:
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = info[1] if isinstance(info, tuple) else None
    if isinstance(error, BaseException):
        event["exception"] = [{"what": loggable(one), "places": places(one)} for one in _causes(error)]
    return event


_FIRST = ("at", "level", "logger", "event", log_context.REQUEST, "job", "kind")


def _in_order(_logger: Any, _level: str, event: Event) -> Event:
    return {name: event[name] for name in _FIRST if name in event} | event


def _as_text(_logger: Any, _level: str, event: Event) -> str:
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog")
    trace = event.pop("exception", [])
    for name in ("level", "logger", "pid"):
        event.pop(name)
    at = logging.Formatter().formatTime(record)
    line = f"{at} {record.levelname} {record.name} {event.pop('event')}"
    line += "".join(f" {name}={_shown(value)}" for name, value in event.items())
    for one in trace:
        line += f"\n  {one['what']}" + "".join(f"\n    {where}" for where in one["places"])
    return line


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


# --- what is told of a value


def clean(text: str) -> str:
    """A text on one line, without characters that steer a terminal, and not longer than ``LONGEST``."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text[:LONGEST])


def loggable(value: object) -> str | int | float | None:
    """What is told of a value: numbers as they are, exceptions by class and code, all else as clean text."""
    if isinstance(value, BaseException):
        return clean(_what(value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return round(value, 3)
    return clean(str(value))


def _what(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, GedError):
        numbers = "".join(f" {key}={value}" for key, value in error.params.items() if isinstance(value, int))
        return f"{name} {error.code}{numbers}"
    if (fault := database_error(error)) is not None:
        code = getattr(fault.orig, "sqlstate", None) or getattr(fault.orig, "sqlite_errorname", None) or ""
        return f"{name} {type(fault.orig).__name__} {code}".rstrip()
    if isinstance(error, OSError) and error.errno:
        return f"{name} {errno.errorcode.get(error.errno, error.errno)} {os.strerror(error.errno)}"
    if (
        isinstance(error, AttributeError | NameError | ImportError)
        and str(error.name or "").replace(".", "_").isidentifier()
    ):
        return f"{name} {error.name}"
    if isinstance(error, CalledProcessError):
        return f"{name} {error.returncode}"
    return name


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def places(error: BaseException) -> list[str]:
    """Where an exception came through, the place that raised it last: file, line, function. No values of variables."""
    frames = [
        f"{place(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return frames[-MOST_FRAMES:]


def place(filename: str) -> str:
    """A file's path within this program, or within the library that it is of."""
    path = clean(filename)
    for mark in ("site-packages/", f"{_ROOT}/"):
        if mark in path:
            return path.rpartition(mark)[2]
    return path
