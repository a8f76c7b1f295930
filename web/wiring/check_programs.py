"""Checks of what the program is made of: Python, its packages, the system's programs, the isolation of what opens files."""

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version
from sqlalchemy import select, text

import sandbox
from ged.errors import EngineFailed
from ged.health.findings import Figures, Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground
from ged.typeset import TEMPLATES, typeset
from ged.word.models import WordPages
from ocr.engine import TesseractEngine
from ocr.second_engine import RapidSecondReader
from ocr.word.engine import LibreOfficeWord
from sandbox.pool import reached
from web.wiring.isolation import isolation_fault

PROGRAM = "ged"
LOCK = Path(__file__).parents[2] / "requirements.txt"
"""In a checkout: the exact versions that were tested."""
NAMED = 4
OLDEST_TESSERACT, OLDEST_OFFICE = Version("4.1"), Version("7.4")
_VERSION = re.compile(r"\d+(\.\d+)+|\d+")
_ASK_S = 10.0


def python(_ground: Ground) -> Finding:
    """Whether this Python is one of those that the program declares."""
    found, wanted = platform.python_version(), str(metadata(PROGRAM)["Requires-Python"] or "")
    if not SpecifierSet(wanted).contains(found, prereleases=True):
        return fault("old", version=found, wanted=wanted)
    return ok(version=found)


def packages(_ground: Ground) -> Finding:
    """Whether each declared package is there in a version that the program accepts, and in the tested one."""
    missing, wrong, other, count = [], [], [], 0
    tested = dict(_tested())
    for wanted in _wanted():
        count += 1
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            missing.append(wanted.name)
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} {found} ({wanted.specifier})")
        elif tested.get(wanted.name.lower(), found) != found:
            other.append(f"{wanted.name} {found} ({tested[wanted.name.lower()]})")
    if missing:
        return fault("missing", names=_some(missing), packages=count)
    if wrong:
        return fault("wrong", names=_some(wrong), packages=count)
    return warning("other", names=_some(other), packages=count) if other else ok(packages=count)


def _wanted() -> Iterator[Requirement]:
    for line in requires(PROGRAM) or []:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield wanted


def _tested() -> Iterator[tuple[str, str]]:
    """Name and version of the packages of the lock file."""
    if not LOCK.is_file():
        return
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            wanted = Requirement(line.rstrip(" \\"))
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name.lower(), next(iter(wanted.specifier)).version


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def reading(ground: Ground) -> Finding:
    """Whether tesseract answers, with the languages of the settings. A new child is asked: models can go meanwhile."""
    languages = ground.options.ocr_languages
    engine = TesseractEngine(jobs=1, reader=ground.options.ocr_reader)
    try:
        facts = engine.reads_with()
        engine.check_languages(languages)
    except EngineFailed as error:
        missing = error.params.get("languages")
        if isinstance(missing, list) and missing:
            return fault("language", names=", ".join(map(str, missing)), package=f"tesseract-ocr-{missing[0]}")
        return fault("none")
    finally:
        engine.stop()
    figures: Figures = {"version": facts.version, "languages": ", ".join(languages)}
    return warning("old", **figures) if _number(facts.version) < OLDEST_TESSERACT else ok(**figures)


def second_reader(ground: Ground) -> Finding:
    """Whether the models of the second reader are there, where it is wanted."""
    wanted = ground.options.ocr_second_reader
    if wanted == "off":
        return not_applicable("off")
    try:
        return ok(models=RapidSecondReader().check())
    except EngineFailed:
        return fault("missing") if wanted == "on" else not_applicable("none")


def printing(ground: Ground) -> Finding:
    """Whether a page can be set: in a child, by typst, as for a slip."""
    page = {"width": 595.0, "height": 842.0, "items": [{"kind": "line", "x": 20.0, "y": 20.0, "width": 200.0, "height": 20.0,
            "text": "GED", "bold": False}]}  # fmt: skip
    pdf = typeset(TEMPLATES / "word_print.typ", {"pages": [page]}, at=ground.now)
    return ok(version=version("typst"), size_bytes=len(pdf))


def office(ground: Ground) -> Finding:
    """Whether LibreOffice is there, where letters are written in Word."""
    engine = LibreOfficeWord()
    try:
        found = engine.version()
    finally:
        engine.stop()
    if found:
        is_old = _number(found) < OLDEST_OFFICE
        return warning("old", version=found) if is_old else ok(version=found)
    with ground.reading() as session:
        is_used = session.scalar(select(WordPages.mail_id).limit(1)) is not None
    return fault("missed") if is_used else not_applicable("none")


def database_client(ground: Ground) -> Finding:
    """Whether ``pg_dump`` is there and not older than PostgreSQL: an older one refuses to copy it."""
    if ground.options.embedded:
        return not_applicable("file")
    program = shutil.which("pg_dump")
    if program is None:
        return warning("none")
    version_line = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=_ASK_S, check=False
    ).stdout
    client = _number(version_line).major
    with ground.reading() as session:
        server = int(str(session.scalar(text("SHOW server_version_num")))) // 10_000
    return warning("old", client=client, server=server) if client < server else ok(client=client, server=server)


def _number(version_line: str) -> Version:
    found = _VERSION.search(version_line)
    try:
        return Version(found.group()) if found else Version("0")
    except InvalidVersion:
        return Version("0")


def isolation(ground: Ground) -> Finding:
    """Ask a child that opens files whether it can reach the network, a file of ours, a program, more memory than its limit."""
    kind = sandbox.chosen()
    if not kind.holds:
        return (warning if ground.options.open_parsers else fault)("none")
    try:
        could = reached(kind, more_than_allowed=True)
    except sandbox.SandboxError:
        return fault("silent", kind=kind.kind.value)
    if could:
        return fault("open", kind=kind.kind.value, reached=", ".join(could))
    refusal = isolation_fault(ground.options)
    if refusal is not None:
        return fault("see_data", path=str(refusal.params["path"]))
    return warning("landlock") if kind.kind is sandbox.Kind.LANDLOCK else ok(kind=kind.kind.value)
