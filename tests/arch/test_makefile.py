"""``make help`` lists the commands that a person calls. The versions that they install are pinned; no registry is
named."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISED = {"run", "demo", "test", "check", "bench", "fmt", "clean", "help"}
LOCKS = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-build.txt",
    "requirements-mutate.txt",
    "requirements-second-reader.txt",
]


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z%-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _make(*words: str) -> str:
    # The make that runs these tests sets flags and variables; remove them.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    done = subprocess.run(["make", *words], cwd=ROOT, env=plain, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


def test_help_lists_every_target_with_a_line_of_explanation() -> None:
    listed = dict(re.findall(r"^ *make (\S+) +(\S.*)$", _make("--no-print-directory", "help"), re.MULTILINE))
    assert _targets() >= PROMISED
    assert listed.keys() == _targets()


def test_make_alone_shows_the_help_and_installs_nothing() -> None:
    assert _make("--no-print-directory") == _make("--no-print-directory", "help")


@pytest.mark.parametrize(("shape", "level"), [("embedded", "run"), ("servers", "test")])
def test_the_demonstration_sets_up_what_its_shape_needs(shape: str, level: str) -> None:
    plan = _make("--dry-run", "demo", f"SHAPE={shape}")
    assert f"scripts/setup.py {level}" in plan
    assert f".venv/bin/ged demo --shape {shape}" in plan


def test_the_site_is_run_on_another_port_and_folder() -> None:
    assert '.venv/bin/ged run --bind "127.0.0.1:8000" --data "data"' in _make("--dry-run", "run")
    plan = _make("--dry-run", "run", "PORT=8080", "DATA=/srv/un essai")
    assert '.venv/bin/ged run --bind "127.0.0.1:8080" --data "/srv/un essai"' in plan
    assert re.search(r"`make run PORT=\d+ DATA=\S+`", (ROOT / "README.md").read_text())


def test_the_build_server_calls_make_test() -> None:
    assert re.search(r"^exec make .*\btest$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    plan = _make("--dry-run", "test")
    assert "scripts/setup.py test" in plan
    for tool in ("ruff format --check", "ruff check", "mypy", "lint-imports", "pytest"):
        assert f".venv/bin/{tool}" in plan


@pytest.mark.parametrize("name", LOCKS)
def test_every_python_package_is_pinned_with_its_hash_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"^(?=\S)", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    assert blocks
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+", block), block[:60]
        assert "--hash=sha256:" in block, block[:60]
    assert "://" not in text


def test_every_npm_package_is_pinned_with_its_hash_and_no_address() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    locked = {name: entry for name, entry in packages.items() if name}
    assert "node_modules/htmx.org" in locked
    for name, entry in locked.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text().splitlines()


def test_the_python_locks_agree() -> None:
    pins = [dict(re.findall(r"^(\S+?)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS]
    run, dev, *_ = pins
    for one, other in itertools.combinations(pins, 2):
        for package in one.keys() & other.keys():
            assert one[package] == other[package], package
    assert run.keys() <= dev.keys()
