"""No text can keep a regular expression busy for long.

Every pattern is found in the source, with the methods that use it. The texts to try are made from the pattern: a part
that may repeat is repeated many times, and then an end follows that does not match. A pattern that is slow on a short
text fails. The others are tried on a quarter of a megabyte (in the long run on a megabyte), or on the largest text that
their callers allow.
"""

import ast
import importlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from ged.search.said_days import MAX_LENGTH
from ged.spreadsheet.reading import MAX_CELL
from ocr.field_layout import MOST_CHARACTERS
from tests.sample_kit import LONG_RUN

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ged", "web", "ocr", "indexer", "signing", "sandbox", "scanner_bridge", "ged_verify.py")
IMPORTED = re.compile(r"^import re$", re.MULTILINE)
METHODS = ("match", "search", "fullmatch", "findall", "finditer", "split", "sub", "subn")
MEGABYTE = 1_000_000
WHOLE = MEGABYTE if LONG_RUN else MEGABYTE // 4
STEPS = (2_000, 8_000, 30_000, 200_000)
SECONDS_A_MEGABYTE, NOTHING = 2.0, 0.2
"""Processor seconds. The dearest linear pattern takes half a second for a megabyte on a quiet machine, and three times as
long on a busy one. A quadratic pattern takes hours, so the limit need not be near."""
ENDS = ("", "\0", "\n\0")
CUT_FIRST = {
    "ocr/field_": (4 * MOST_CHARACTERS, "a line is cut to MOST_CHARACTERS; an addressee joins a few lines"),
    "ocr/fields.py": (MOST_CHARACTERS, "a line is cut to MOST_CHARACTERS"),
    "ged/search/said_days.py": (MAX_LENGTH, "a longer text is not read"),
    "ged/takeover/sheets.py": (MAX_CELL, "a cell is cut when it is read"),
    "signing/stamp.py": (2_000, "the compiler's message is cut"),
}
"""File (beginning of its path) -> the number of characters that its patterns can meet, and why there are no more."""
UNKNOWN = {"ged/mailbox/own_signature.py", "signing/appearance.py"}
"""Files that build a pattern at run time from an escaped text or from one of our own texts."""


@dataclass(frozen=True)
class Used:
    """A pattern and the methods that use it."""

    path: str
    line: int
    methods: tuple[str, ...]
    pattern: re.Pattern[Any]


@cache
def _sources() -> dict[str, str]:
    files = [
        one for name in PACKAGES for one in (ROOT.glob(name) if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    return {str(one.relative_to(ROOT)): one.read_text() for one in sorted(files) if "migrations" not in one.parts}


def _used() -> Iterator[Used]:
    for path, source in _sources().items():
        if not IMPORTED.search(source):
            continue
        tree = ast.parse(source)
        named = {id(one.value): one.targets[0].id for one in ast.walk(tree)
                 if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)}  # fmt: skip
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _is_of_re(call.func) and call.args:
                pattern = _pattern(path, call)
                if pattern is not None:
                    yield Used(path, call.lineno, _methods(call, named.get(id(call), ""), source), pattern)


def _is_of_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in (*METHODS, "compile")
    )


def _pattern(path: str, call: ast.Call) -> re.Pattern[Any] | None:
    names = vars(importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")))
    others = (*call.args[1:], *(word.value for word in call.keywords))
    flags = [one for one in others if re.fullmatch(r"re\.[A-Z]+(?: \| re\.[A-Z]+)*", ast.unparse(one))]
    try:
        given = [eval(compile(ast.Expression(one), path, "eval"), dict(names)) for one in (call.args[0], *flags)]
    except NameError:
        assert path in UNKNOWN, f"{path}:{call.lineno}: a pattern is put together where this test does not see it"
        return None
    return re.compile(given[0], *[one for one in given[1:] if isinstance(one, re.RegexFlag)])


def _methods(call: ast.Call, name: str, source: str) -> tuple[str, ...]:
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr != "compile":
        return (call.func.attr,)
    where = [source] if name.startswith("_") else list(_sources().values())
    found = (
        {one for text in where for one in re.findall(rf"\b{name}\.({'|'.join(METHODS)})\(", text)} if name else set()
    )
    return tuple(sorted(found)) or ("search", "fullmatch")


def _attacks(pattern: re.Pattern[Any]) -> set[tuple[str, str]]:
    """(beginning, text to repeat) for each part of the pattern that may repeat."""
    text = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    tree = parser.parse(text, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    found = {("", _said(tree) or "x")}

    def walk(parts: Any, before: str) -> None:
        for kind, value in parts:
            name = str(kind)
            if name.endswith("REPEAT"):
                if int(value[1]) > 16:
                    found.update((before, one) for one in {_said(value[2]) or "x", *sorted(_letters(value[2]))[:12]})
                walk(value[2], before)
            else:
                for inner in _inner(name, value):
                    walk(inner, before)
            before += _one(name, value)

    walk(tree, "")
    return found | {("", before + again) for before, again in found}


def _inner(name: str, value: Any) -> list[Any]:
    match name:
        case "SUBPATTERN":
            return [value[3]]
        case "ATOMIC_GROUP":
            return [value]
        case "BRANCH":
            return list(value[1])
        case "ASSERT" | "ASSERT_NOT":
            return [value[1]]
    return []


def _said(parts: Any) -> str:
    return "".join(_one(str(kind), value) for kind, value in parts)


def _one(name: str, value: Any) -> str:
    match name:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL" | "ANY":
            return "x"
        case "IN":
            return _members(value)[0]
        case "BRANCH" | "SUBPATTERN" | "ATOMIC_GROUP":
            return _said(_inner(name, value)[0])
    return _said(value[2]) * int(value[0]) if name.endswith("REPEAT") else ""


def _members(value: Any) -> list[str]:
    """Some characters of a set."""
    shown = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_WORD": "."}
    kinds = [(str(kind), part) for kind, part in value]
    if any(kind == "NEGATE" for kind, _ in kinds):
        left_out = {chr(part) for kind, part in kinds if kind == "LITERAL"} | set(" \n1a_" if len(kinds) > 3 else "")
        return [one for one in "x-.a1 " if one not in left_out] or ["é"]
    return [
        chr(part) if kind == "LITERAL" else chr(part[0]) if kind == "RANGE" else shown.get(str(part), "a")
        for kind, part in kinds
    ]


def _letters(parts: Any) -> set[str]:
    found: set[str] = set()
    for kind, value in parts:
        name = str(kind)
        if name in ("LITERAL", "NOT_LITERAL", "ANY"):
            found.add(_one(name, value))
        elif name == "IN":
            found.update(_members(value)[:6])
        elif name.endswith("REPEAT"):
            found |= _letters(value[2])
        else:
            for inner in _inner(name, value):
                found |= _letters(inner)
    return found


def _seconds(used: Used, text: str) -> float:
    """Processor seconds of all methods on a text."""
    given: Any = text.encode("latin-1", "replace") if isinstance(used.pattern.pattern, bytes) else text
    begun = time.process_time()
    for method in used.methods:
        if method in ("match", "search", "fullmatch"):
            getattr(used.pattern, method)(given)
        else:
            for _ in used.pattern.finditer(given):
                pass
    return time.process_time() - begun


def _too_slow(used: Used, most: int) -> str:
    """The text on which the pattern is too slow, and the seconds; empty when there is none.

    The texts grow step by step. So a quadratic pattern is found long before the whole text, where it would take minutes. A
    pattern that would stay within the limit even if it were quadratic is not tried on longer texts.
    """
    limit = max(NOTHING, SECONDS_A_MEGABYTE * most / MEGABYTE)
    attacks = [(before, again, end) for before, again in sorted(_attacks(used.pattern)) for end in ENDS]
    for length in (*(one for one in STEPS if one < most), most):
        timed = []
        for one in attacks:
            text, most_s = _text(*one, length), max(NOTHING, SECONDS_A_MEGABYTE * length / MEGABYTE)
            seconds = _seconds(used, text)
            if seconds > most_s:  # on a busy machine a process takes longer for its work at times: once more
                seconds = min(seconds, _seconds(used, text))
            if seconds > most_s:
                return f"{seconds:.2f} s for {length} characters of {one}"
            timed.append((seconds, one))
        worst = sorted(timed, reverse=True)[:3]
        attacks = [one for seconds, one in worst if seconds * (most / length) ** 2 > limit]
    return ""


def _text(before: str, again: str, end: str, length: int) -> str:
    return before + again * (length // len(again)) + end


@pytest.mark.slow
def test_no_pattern_is_slow_on_its_worst_text():
    slow = []
    for used in _used():
        limit = next((min(most, WHOLE) for start, (most, _) in CUT_FIRST.items() if used.path.startswith(start)), WHOLE)
        told = _too_slow(used, limit)
        if told:
            slow.append(f"{used.path}:{used.line} {told}")
    assert not slow, "\n".join(slow)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "method"), [(r"\s*[:;]+\s*$", "search"), (r"<!--.*?-->", "findall"), (r"[\w.]+@[\w.]+x", "search")]
)
def test_the_attacks_find_what_grows_with_the_square(pattern, method):
    assert _too_slow(Used("", 0, (method,), re.compile(pattern)), WHOLE)


def test_what_is_left_out_is_still_there():
    paths = _sources()
    assert all(any(path.startswith(start) for path in paths) for start in CUT_FIRST)
    assert all(path in paths for path in UNKNOWN)
