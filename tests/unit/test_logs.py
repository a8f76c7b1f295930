"""The lines of the log: their two forms, what is never in them, what cannot be forged."""

import io
import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import IntegrityError

from ged import log_context, slow_queries
from ged.errors import EngineFailed
from web.processes import logs

SUBJECT = "Plainte de Mme Adjovi contre son chef"


@contextmanager
def logged(form: logs.Form, name: str = "ged.runner") -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger whose lines go into a text."""
    out = io.StringIO()
    logger, handler = logging.getLogger(name), logs.Lines(form, out)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, out
    logger.removeHandler(handler)
    logger.setLevel(before[0])
    logger.propagate = before[1]


def only(out: io.StringIO) -> dict[str, object]:
    (line,) = out.getvalue().splitlines()
    told: dict[str, object] = json.loads(line)
    return told


def crashed(error: Exception) -> Exception:
    """The exception as it is after it was raised."""
    with pytest.raises(type(error)) as raised:
        raise error
    return raised.value


def test_a_line_of_ours_is_a_name_and_fields() -> None:
    with logged("json") as (logger, out), log_context.bound(request="0123456789abcdef", job="7", kind=""):
        logger.warning("job.failed job=%s code=%s seconds=%.1f", 17, "mail.away", 1.25)
    told = only(out)
    assert str(told.pop("at")).endswith("Z")
    assert isinstance(told.pop("pid"), int)
    assert told == {
        "level": "warning", "logger": "ged.runner", "event": "job.failed", "request": "0123456789abcdef", "job": 17,
        "code": "mail.away", "seconds": 1.25,
    }  # fmt: skip


def test_a_line_for_people_says_the_same() -> None:
    with logged("text") as (logger, out), log_context.bound(request="0123456789abcdef"):
        logger.warning("job.failed job=%s code=%s", 17, "mail.away")
        logger.error("worker.lane_failed", exc_info=crashed(ValueError(SUBJECT)))
    first, second, what, where = out.getvalue().splitlines()
    assert first.endswith(" WARNING ged.runner job.failed job=17 code=mail.away request=0123456789abcdef")
    assert second.endswith(" ERROR ged.runner worker.lane_failed request=0123456789abcdef")
    assert what == "  ValueError"
    assert where.startswith("    tests/unit/test_logs.py:")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("hostile", ["a\r\nERROR forged", "a\x1b[2Jb", "a\u2028b", "a\x85b", "a\u202eb", "\ud800"])
def test_no_value_makes_a_second_line_or_steers_a_terminal(form: logs.Form, hostile: str) -> None:
    with logged(form) as (logger, out), log_context.bound(request=hostile):
        logger.warning("mailbox.failed mailbox=%s", hostile)
        logger.warning("told by hand " + hostile)
    lines = out.getvalue().split("\n")
    assert [bool(line) for line in lines] == [True, True, False]
    assert all(character.isprintable() for line in lines for character in line)
    if form == "json":
        assert [json.loads(line)["level"] for line in lines[:2]] == ["warning"] * 2


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SUBJECT),
        KeyError(SUBJECT),
        UnicodeDecodeError("utf-8", SUBJECT.encode(), 0, 1, SUBJECT),
        IntegrityError("INSERT INTO mails (subject) VALUES (?)", (SUBJECT,), sqlite3.IntegrityError(SUBJECT)),
        EngineFailed("sign.failed", SUBJECT, subject=SUBJECT, page=3),
        FileNotFoundError(2, "no such file", SUBJECT),
        AttributeError(SUBJECT, name=SUBJECT),
    ],
)
def test_an_exception_is_told_without_its_words(form: logs.Form, error: Exception) -> None:
    with logged(form) as (logger, out):
        inner = crashed(error)
        outer = crashed(ValueError(SUBJECT))
        outer.__cause__ = inner
        logger.error("job.crashed job=%s", 1, exc_info=outer)
        logger.error("page.failed error=%s", inner)
        logger.error("it failed: %s", inner)
    said = out.getvalue()
    assert "Adjovi" not in said
    assert said.count(type(error).__name__) >= 3
    assert "tests/unit/test_logs.py:" in said
    assert "crashed" in said
    if isinstance(error, EngineFailed):
        assert "sign.failed page=3" in said


def test_a_librarys_values_are_not_told_and_its_whispers_not_at_all() -> None:
    with logged("json", "some.library") as (logger, out):
        logger.info("read %s", SUBJECT)
        logger.warning("cannot parse %s", SUBJECT)
        logger.warning(f"cannot parse {SUBJECT}")
        logger.warning("cannot parse %(what)s", {"what": SUBJECT})
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["event"] for one in told] == ["cannot parse %s", "library", "cannot parse %(what)s"]
    assert all(one["place"].startswith("tests/unit/test_logs.py:") for one in told)
    assert "Adjovi" not in out.getvalue()
    with logged("json", "gunicorn.error") as (logger, out):
        logger.error("Worker (pid:%s) was sent %s!", 12, "SIGKILL")
    assert only(out)["event"] == "Worker (pid:12) was sent SIGKILL!"
    with logged("json", "rq.worker") as (logger, out):  # rq gives the whole traceback as a text
        logger.error(
            "job %s: exception raised while executing (%s)\n%s", "17", "ged.run", f"Traceback\nKeyError: {SUBJECT}"
        )
    assert str(only(out)["event"]).startswith("job 17: exception raised while executing (ged.run)")
    assert "Adjovi" not in out.getvalue()


def test_a_warning_of_python_is_told_by_its_place() -> None:
    with logged("json", "py.warnings") as (logger, out):
        logger.warning("%s", f"/srv/a.py:3: UserWarning: {SUBJECT}\n  raise {SUBJECT}")
    told = only(out)
    assert (told["event"], told["place"], told["category"]) == ("python.warning", "/srv/a.py:3", "UserWarning")
    assert "Adjovi" not in out.getvalue()


def test_a_line_that_cannot_be_made_says_where_it_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with logged("json") as (logger, out):
        logger.warning("two values are asked for: %s %s", *[SUBJECT])
    told = only(out)
    assert (told["event"], told["level"]) == ("log.broken", "error")
    assert "test_logs.py" in str(told["place"])
    assert "Adjovi" not in out.getvalue() + "".join(capsys.readouterr())


def test_what_cannot_be_written_is_lost_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with logged("text") as (logger, out):
        out.close()
        logger.warning("job.failed job=%s", 1)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """A text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("form", "is_cut"), [("text", True), ("json", False)])
def test_a_terminal_shows_the_beginning_of_a_slow_statement(form: logs.Form, *, is_cut: bool) -> None:
    statement = slow_queries.without_values(f"SELECT {', '.join(['jobs.state'] * 400)} FROM jobs")
    for out, is_whole in ((Terminal(), not is_cut), (io.StringIO(), True)):
        record = logging.LogRecord(
            "ged.slow_queries", logging.WARNING, "", 1, "query.slow ms=%.0f statement=%s", (31_000.0, statement), None
        )
        logs.Lines(form, out).handle(record)
        said = out.getvalue()
        assert "query.slow" in said
        assert "31000" in said
        assert (statement in said) == is_whole
        assert is_whole or len(said) < 300


def test_one_handler_whose_form_may_change(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root, hooks = logging.getLogger(), (sys.excepthook, logs.threading.excepthook, sys.unraisablehook)
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    try:
        logs.configure("")
        logs.configure("json")
        (ours,) = root.handlers
        assert isinstance(ours, logs.Lines)
        assert ours.form == "json"
        logs.configure("what?")
        assert ours.form == "text"
        assert isinstance(ours, logs.Lines)
        ours._out = out = io.StringIO()

        class Lost:
            def __del__(self) -> None:
                raise ValueError(SUBJECT)

        Lost()
        assert "finalizer.crashed" in out.getvalue()
        assert "Adjovi" not in out.getvalue() + "".join(capsys.readouterr())
    finally:
        logging.captureWarnings(capture=False)
        sys.excepthook, logs.threading.excepthook, sys.unraisablehook = hooks
    others = [logging.NullHandler()]
    monkeypatch.setattr(root, "handlers", others)
    logs.configure("json")
    assert root.handlers == others


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0123456789abcdef", True), ("a" * 64, True), ("123e4567-e89b-12d3-a456-426614174000", True), ("a" * 65, False),
        ("0123456789abcde", False), ("Jean-Dupont-2026-11-28", False), ("0123456789abcdef\n", False), ("", False),
    ],
)  # fmt: skip
def test_the_form_of_a_requests_id(text: str, is_one: bool) -> None:
    assert log_context.is_id(text) is is_one


def test_a_slow_statement_is_told_without_values() -> None:
    statement = "SELECT a1, 'it''s %(x)s' FROM t_2\n WHERE id = 17 AND b = %(b_1)s AND c > 1.5 AND d = :d_1 LIMIT 5"
    assert slow_queries.without_values(statement) == (
        "SELECT a1, ? FROM t_2 WHERE id = ? AND b = %(b_1)s AND c > ? AND d = :d_1 LIMIT ?"
    )
    long = "SELECT " + "x, " * 2_000 + f"'{SUBJECT}'"
    assert len(slow_queries.without_values(long)) == slow_queries.LONGEST_TEXT
