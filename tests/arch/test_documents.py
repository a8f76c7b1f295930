"""Files, folders, modules, names in modules and endpoints that the project's documents name exist."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from scripts import house_drawing
from web.site import guard

ROOT = Path(__file__).parents[2]
OUTSIDE = frozenset({"ged.env"})
"""A file of an installation. Its name looks like one of our modules."""
KEPT = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
DOCUMENTS = sorted(name for name in KEPT if name.endswith(".md"))
FOLDERS = sorted({name.split("/")[0] for name in KEPT if "/" in name and not name.startswith(".")})

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
TEST = re.compile(r"(?<![\w./-])(tests/[\w./-]+\.py)::(\w+)")
LINK = re.compile(r"\]\(([\w./-]+)\)")
FILE = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./-]*")
MODULE = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})(?:\.[A-Za-z_]\w*)+(?![\w/-])")
ENDPOINT = re.compile(r"url_for\(\"([\w.]+)\"")


def missing(text: str, *, beside: Path = ROOT) -> list[str]:
    """The names in code spans, and the targets of links, that do not exist."""
    code = "\n".join(CODE.findall(text))
    files = [*FILE.findall(code), *(link for link in LINK.findall(text) if not link.startswith("/"))]
    modules = [one for one in MODULE.findall(code) if one not in OUTSIDE and not (ROOT / one).exists()]
    return sorted(
        {one for one in files if not (ROOT / one).exists() and not (beside / one).exists()}
        | {one for one in modules if not _is_there(one)}
        | {one for one in ENDPOINT.findall(code) if one not in guard.ACCESS}
        | {f"{file}::{name}" for file, name in TEST.findall(code) if name not in _tests(file)}
    )


@cache
def _tests(file: str) -> frozenset[str]:
    """The tests of a file; none of one that is not there."""
    path = ROOT / file
    return frozenset(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M) if path.exists() else ())


def _is_there(dotted: str) -> bool:
    """Whether a module exists and contains the name that follows it."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        source = next((one for one in (place.with_suffix(".py"), place / "__init__.py") if one.exists()), None)
        if source is not None:
            return length == len(parts) or parts[length] in _names(source)
    return False


def _names(source: Path) -> set[str]:
    """The names defined at the top level of a module."""
    found = set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {one.id for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                found |= {one.asname or one.name for one in names}
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_is_there(document: str) -> None:
    path = ROOT / document
    assert missing(path.read_text(encoding="utf-8"), beside=path.parent) == []


def test_what_is_gone_is_seen() -> None:
    assert (
        missing("`ged/db.py` `ged.db.Code` `tests/unit/` `web.site.guard` [d](docs/operate/settings.md) ged/gone.py")
        == []
    )
    assert missing("`ged/gone.py`, `make x FILE=tests/gone/` and `python -m web.gone extract`") == [
        "ged/gone.py", "tests/gone/", "web.gone",
    ]  # fmt: skip
    assert missing("`ged.db.Gone` and\n```jinja\n{{ url_for(\"mail.show\") }}\n```\n[d](docs/gone.md)") == [
        "docs/gone.md", "ged.db.Gone", "mail.show",
    ]  # fmt: skip
    assert missing("`tests/arch/test_documents.py::test_what_is_gone_is_seen`") == []
    assert missing("`tests/arch/test_documents.py::test_gone`") == ["tests/arch/test_documents.py::test_gone"]


def test_no_large_file_is_kept() -> None:
    """A package that was fetched for a trial stays in the history of the project for ever."""
    assert [name for name in KEPT if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 1_000_000] == []


def test_the_drawing_is_that_of_the_rules() -> None:
    assert house_drawing.PLACE.read_text(encoding="utf-8") == house_drawing.text(), "python -m scripts.house_drawing"


def test_the_documents_are_built_and_no_link_is_broken(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    pages = sorted(path.relative_to(tmp_path).with_suffix(".md").as_posix() for path in tmp_path.rglob("*.html"))
    documents = [name.removeprefix("docs/") for name in DOCUMENTS if name.startswith("docs/")]
    assert pages == sorted([*documents, "404.md"])


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith("docs/guide/")])
def test_the_guide_says_what_stands_on_the_screen(document: str) -> None:
    """A text between « and » in the guide is the name of a page or a button, as the screen shows it."""
    with (ROOT / "web/translations/messages.pot").open("rb") as file:
        said = {_plain(str(message.id)) for message in read_po(file) if isinstance(message.id, str)}
    text = _plain((ROOT / document).read_text(encoding="utf-8"))
    assert [name for name in re.findall(r"« ([^»]+) »", text) if name not in said] == []


def _plain(text: str) -> str:
    """The text with plain spaces and apostrophes, on one line."""
    return re.sub(r"\s+", " ", text.replace("\u2019", "'"))


ASVS = ROOT / "docs/operate/asvs.md"
LINES = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4, "3.4": 6,
    "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12,
    "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2,
    "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1,
    "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip
"""Lines of levels 1 and 2 in each section of OWASP ASVS 5.0.0: they come first."""


def test_every_line_of_asvs_stands_in_its_table_once_with_its_state() -> None:
    rows = re.findall(r"^\| ([\d.]+) \| ([^|]+) \| (\w+) \| (.+) \|$", ASVS.read_text(encoding="utf-8"), re.M)
    assert [row[0] for row in rows] == [f"{section}.{n}" for section, most in LINES.items() for n in range(1, most + 1)]
    assert {state for _, _, state, _ in rows} <= {"met", "answered", "open"}
    assert [number for number, asks, _, how in rows if len(asks.split()) > 10 or not how.strip()] == []
    counted = {state: sum(row[2] == state for row in rows) for state in ("met", "answered", "open")}
    told = (
        f"All {len(rows)} lines",
        f"{counted['met']} are met",
        f"{counted['answered']}\nanswered, {counted['open']} open",
    )
    assert [one for one in told if one not in ASVS.read_text(encoding="utf-8")] == []
