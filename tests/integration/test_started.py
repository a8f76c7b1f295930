"""A command that the fork server starts does what the program does, and ends as any process."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.started import GED, ROOT, Started, run

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    "words",
    [("ocr", "absent.png", "--out", "made"), ("token", "--help"), ("nothing",)],
    ids=["fails", "tells", "wrong"],
)
def test_it_does_what_the_program_does(tmp_path: Path, words: tuple[str, ...]) -> None:
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "80"}
    real = subprocess.run([GED, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    done = run(*words, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (real.returncode, real.stdout, real.stderr)


@pytest.mark.parametrize("by", ["words", "code", "fault"])
def test_it_ends_as_a_program_does(by: str) -> None:
    """Its threads are waited for, what it printed is written, and its code is the interpreter's."""
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "ENDING_BY": by}
    real = subprocess.run(
        [sys.executable, "-c", "from tests.ending import arm; arm()"], cwd=ROOT, env=env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    done = run(env={**env, "GED_TEST_ARMED_BY": "tests.ending"})
    assert real.stdout == "of the thread\nat the exit\n"
    assert (done.returncode, done.stdout) == (real.returncode, real.stdout)
    assert done.stderr.splitlines()[-1:] == real.stderr.splitlines()[-1:]


def test_who_waits_for_it_learns_how_it_ended() -> None:
    reading, writing = os.pipe()
    os.write(writing, bytes(fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4_096)))  # full: the command waits to print
    with Started([str(GED), "token", "--help"], stdout=writing) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        assert process.poll() is None
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert process.poll() == -signal.SIGKILL
    os.close(reading)
    os.close(writing)
