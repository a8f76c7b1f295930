"""The set-up: what it finds missing, what it prints, when it repeats a step."""

from __future__ import annotations

import importlib.util
import sys
import threading
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.in_turns(3)

SOURCE = Path(__file__).parents[2] / "scripts" / "setup.py"


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/setup.py, with a project folder of the test."""
    spec = importlib.util.spec_from_file_location("ged_setup", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ged_setup", module)  # dataclasses look up their module
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMPS", tmp_path / ".venv" / ".setup")
    monkeypatch.setattr(module, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    (tmp_path / "scripts").mkdir()
    return module


def test_a_step_is_done_again_only_when_its_lock_changes_or_its_result_is_gone(setup: ModuleType) -> None:
    lock, result = setup.ROOT / "lock.txt", setup.ROOT / "result"
    lock.write_text("one==1\n")
    step = setup.Step("one", "one", ("lock.txt",), ("result",), lambda: result.write_text("made"))
    assert not step.is_done()
    step.take()
    assert step.is_done()
    lock.write_text("one==2\n")
    assert not step.is_done()
    step.take()
    result.unlink()
    assert not step.is_done()


def test_a_step_that_fails_is_not_remembered(setup: ModuleType) -> None:
    step = setup.Step("one", "one", (), (), lambda: setup.attempt("false", ["false"], tries=1))
    with pytest.raises(setup.SetupError):
        step.take()
    assert not step.is_done()


def test_what_only_tests_need_is_fetched_side_by_side_after_all_other_steps(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []
    both = threading.Barrier(2, timeout=10)

    def fetch() -> None:
        both.wait()
        done.append("fetched")

    first, second = (setup.fetched(name, name, (), (), fetch) for name in ("first", "second"))
    other = setup.Step("other", "other", (), (), lambda: done.append("other"))
    monkeypatch.setattr(setup, "steps", lambda _level: [first, other, second])
    monkeypatch.setattr(setup, "missing_packages", lambda _level: {})
    monkeypatch.setattr(setup, "compile_own", lambda: None)
    setup.set_up("test")
    assert done == ["other", "fetched", "fetched"]
    assert "Set-up for 'test'" in capsys.readouterr().out
    (setup.STAMPS / "first").unlink()
    both = threading.Barrier(1)
    setup.set_up("test")
    assert done == ["other", "fetched", "fetched", "fetched"]
    assert "Set-up for 'test'" in capsys.readouterr().out
    setup.set_up("test")
    assert capsys.readouterr().out == "", "nothing is missing"


def test_each_line_of_the_log_says_which_step_it_is_of(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = threading.Barrier(2, timeout=10)

    def fetch(word: str) -> None:
        both.wait()
        setup.run_logged(["sh", "-c", f"for n in 1 2 3 4 5; do echo {word} $n; sleep 0.02; done"], watched=False)

    steps = [setup.fetched(f"of-{word}", word, (), (), partial(fetch, word)) for word in ("bread", "milk")]
    monkeypatch.setattr(setup, "steps", lambda _level: steps)
    monkeypatch.setattr(setup, "missing_packages", lambda _level: {})
    monkeypatch.setattr(setup, "compile_own", lambda: None)
    setup.set_up("test")
    lines = [line for line in setup.LOG.read_text().splitlines() if "$" not in line]
    assert sorted(lines) == [f"of-{word}: {word} {n}" for word in ("bread", "milk") for n in range(1, 6)]
    capsys.readouterr()
    failed = setup.fetched("of-wine", "wine", (), (), lambda: setup.fetch_for_tests("no python"))
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    failed.take()
    assert "of-wine: not to be had here" in capsys.readouterr().out


def test_a_hiccup_is_tried_again(setup: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    second_time = setup.ROOT / "second"
    setup.attempt("fetch", ["sh", "-c", f"test -e {second_time} || {{ touch {second_time}; exit 7; }}"])
    assert "fetch failed (try 1 of 3); again in 0 s" in capsys.readouterr().out


def test_a_lasting_failure_shows_its_last_words_and_the_log(setup: ModuleType) -> None:
    with pytest.raises(setup.SetupError) as failure:
        setup.attempt("fetch", ["sh", "-c", "echo no route to host >&2; exit 7"])
    assert "fetch failed 3 times" in str(failure.value)
    assert "no route to host" in str(failure.value)
    assert "setup.log" in str(failure.value)
    assert setup.LOG.read_text().count("no route to host") == 6  # the command and its output, three times


def test_the_package_lists_of_the_project_are_read(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ROOT", SOURCE.parents[1])
    run, test = setup.wanted("run"), setup.wanted("test")
    assert {"tesseract-ocr-fra", "tesseract-ocr-osd", "libsane-dev", "qpdf", "poppler-utils"} <= run.keys()
    assert setup.wanted("check") == run
    servers = {"redis-server", "postgresql", "dovecot-imapd", "clamav-daemon", "slapd"}
    assert servers | {
        "chromium",
        "chromium-headless-shell",
        "sane-airscan",
        "libreoffice-writer-nogui",
        "libreoffice-calc-nogui",
        "softhsm2",
        # What reads deploy/.
        "systemd",
        "nginx-light",
        "shellcheck",
        "gpg",
        "gpg-agent",
        "prometheus",
    } == {name for name in test.keys() - run.keys() if not name.startswith("fonts-")}
    assert run["qpdf"] == "command -v qpdf"


def test_elsewhere_the_things_themselves_are_looked_for(setup: ModuleType) -> None:
    probes = {"here": "true", "pdf-tool": "command -v no-such-program"}
    missing = setup.missing_elsewhere(probes)
    assert "here" not in missing
    assert "pdf-tool" in missing


def test_another_system_is_told_what_to_install(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "is_debian", lambda: False)
    with pytest.raises(setup.SetupError, match=r"not Debian(.|\n)*qpdf tesseract-ocr"):
        setup.install_debian(["qpdf", "tesseract-ocr"])


def test_without_root_the_exact_command_is_shown(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "is_debian", lambda: True)
    monkeypatch.setattr(setup, "become_root", lambda: None)
    with pytest.raises(setup.SetupError, match="apt-get install --no-install-recommends qpdf"):
        setup.install_debian(["qpdf"])


def test_debian_packages_are_installed_by_one_call(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(setup, "is_debian", lambda: True)
    monkeypatch.setattr(setup, "become_root", list)
    monkeypatch.setattr(setup, "attempt", lambda name, words: calls.append(words))
    setup.install_debian(["qpdf", "gcc"])
    assert [call[-1] for call in calls] == ["update", "gcc"]
    assert calls[1][-2:] == ["qpdf", "gcc"]


def test_sudo_that_refuses_is_no_way_to_become_root(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    sudo = setup.ROOT / "sudo"
    sudo.write_text("#!/bin/sh\nexit 1\n")
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{setup.ROOT}:/usr/bin:/bin")
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    assert setup.become_root() is None
    sudo.write_text("#!/bin/sh\nexit 0\n")
    assert setup.become_root() == ["sudo"]


def test_the_environment_is_made_of_debians_own_python(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    debians = setup.ROOT / "python3"
    debians.write_text("#!/bin/sh\necho 3 12\n")
    debians.chmod(0o755)
    monkeypatch.setattr(setup, "DEBIANS_PYTHON", debians)
    monkeypatch.setattr(setup, "is_debian", lambda: True)
    assert setup.base_python() == debians
    monkeypatch.setattr(setup, "is_debian", lambda: False)
    assert setup.base_python() == Path(sys.executable)


@pytest.mark.parametrize("says", ["echo 3 9", "exit 1"])
def test_a_debian_whose_python_is_too_old_takes_the_one_that_runs_the_setup(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    old = setup.ROOT / "python3"
    old.write_text(f"#!/bin/sh\n{says}\n")
    old.chmod(0o755)
    monkeypatch.setattr(setup, "DEBIANS_PYTHON", old)
    monkeypatch.setattr(setup, "is_debian", lambda: True)
    assert setup.base_python() == Path(sys.executable)
