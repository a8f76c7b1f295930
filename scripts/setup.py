#!/usr/bin/env python3
"""Install missing programs and packages, and print each step with its time. A second call finds nothing to do.

        scripts/setup.py run     for the program
        scripts/setup.py check   for the program, and the tools of `make check`
        scripts/setup.py test    as check, and for the tests: servers and a browser
        scripts/setup.py bench   as check, the servers of the tests, and the programs that benchmarks compare with
        scripts/setup.py mutate  as check, and the tools that change the program under its tests
    scripts/setup.py LEVEL --check    install nothing, exit with 1 when something is missing

Standard library only: this runs before anything is installed. Each step stores, in .venv/.setup/, a digest of the
files that it depends on (locks, package lists). It runs again only when a file changes or its result is gone.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / ".setup"
DEBIANS_PYTHON = Path("/usr/bin/python3")
OLDEST_PYTHON = (3, 11)
LOG = ROOT / ".cache" / "setup.log"
PACKAGE_LISTS = {
    "run": ["debian-packages.txt"],
    "check": ["debian-packages.txt"],
    "mutate": ["debian-packages.txt"],
    "test": ["debian-packages.txt", "debian-packages-test.txt"],
    "bench": ["debian-packages.txt", "debian-packages-test.txt", "debian-packages-bench.txt"],
}
VENDOR = {"htmx.min.js": "htmx.org/dist/htmx.min.js"}
EDITOR = "web/editor/richtext.js"
"""The editor's source. With its packages it becomes one file of the site."""
BUNDLES = {"richtext.js": EDITOR}
CHILDREN = (
    "ocr.child", "ocr.slow_start", "signing.validation_child", "signing.pdf_child", "ged.typeset_child",
    "ged.mailbox.reading", "ged.spreadsheet.reading",
)  # fmt: skip
"""What children of the sandbox import."""
OWN = ("ged", "indexer", "ocr", "sandbox", "signing", "web")
BYTECODE = ("sandbox/__pycache__",)
"""`make clean` removes all bytecode, that of installed packages too."""
TRIES = 3
PAUSE_S = 5.0
_at_work = ContextVar("_at_work", default="set-up")
"""The step that this thread takes. Several are taken side by side: each line of the log begins with its step's name."""


class SetupError(Exception):
    """An error, with advice for the person who called."""


class Absent(Exception):
    """An optional thing is missing; the next call looks for it again."""


@dataclass(frozen=True)
class Step:
    """One thing to install: the files it depends on, the paths that must exist afterwards, and the function to run.

    ``is_fetched``: only tests need it, and no other step does. All that are missing are fetched side by side, after the other steps.
    """

    name: str
    title: str
    follows: tuple[str, ...]
    leaves: tuple[str, ...]
    action: Callable[[], None]
    is_fetched: bool = False

    def digest(self) -> str:
        """A digest that changes with every file that the step depends on, with the folder and with the Python."""
        python = base_python()
        state = hashlib.sha256(f"{ROOT} {python} {version_of(python)}".encode())
        for name in self.follows:
            state.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
        return state.hexdigest()

    def is_done(self) -> bool:
        """Whether its result exists and was made from the present files."""
        stamp = STAMPS / self.name
        stands = all((ROOT / path).exists() for path in self.leaves)
        return stands and stamp.exists() and stamp.read_text() == self.digest()

    def take(self) -> None:
        """Run it, show its time, store its digest."""
        _at_work.set(self.name)
        say(f"- {self.title} ...")
        begin = time.monotonic()
        try:
            self.action()
        except Absent:
            return
        STAMPS.mkdir(parents=True, exist_ok=True)
        (STAMPS / self.name).write_text(self.digest())
        say(f"  {self.title}: done in {time.monotonic() - begin:.1f} s")


def steps(level: str) -> list[Step]:
    """The steps of a level that follow Debian's packages, in order."""
    build, locked, dev = "requirements-build.txt", "requirements.txt", "requirements-dev.txt"
    bridge = "requirements-bridge.txt"
    bridges = f"{count(bridge)} Python packages of the scanner bridge ({bridge})"
    front_end = ("package.json", "package-lock.json", ".npmrc", "scripts/setup.py", EDITOR)
    vendor = tuple(f"web/static/vendor/{name}" for name in [*VENDOR, *BUNDLES])
    run = [
        Step("venv", "Python environment .venv", (), (".venv/bin/python",), make_venv),
        Step("build", f"installer ({build})", (build,), (".venv/bin/uv",), install_installer),
        Step("python", f"{count(locked)} Python packages ({locked})", (build, locked), (), lambda: install(locked)),
        Step("python-bridge", bridges, (build, locked, bridge), (), lambda: install(bridge)),
        Step("project", "the project's own commands", ("pyproject.toml",), (".venv/bin/ged",), install_project),
        Step(
            "npm", "front-end packages (package-lock.json)", front_end, vendor, lambda: install_front_end("--omit=dev")
        ),
        Step(
            "bytecode", "bytecode for the sandbox's children", (locked, "scripts/setup.py"), BYTECODE, compile_imports
        ),
    ]
    if level == "run":
        return run
    axe = ("node_modules/axe-core/axe.min.js",)
    check = [
        *run,
        Step("python-dev", f"{count(dev)} Python packages ({dev})", (build, locked, dev), (), lambda: install(dev)),
        Step("npm-dev", "front-end packages for the tests", front_end, axe, install_front_end),
    ]
    if level == "check":
        return check
    if level == "mutate":
        mutate = "requirements-mutate.txt"
        title = f"{count(mutate)} Python packages ({mutate})"
        return [*check, Step("python-mutate", title, (build, locked, dev, mutate), (), lambda: install(mutate))]
    elastic, kept = ("tests/servers/elastic.py",), (".cache/elasticsearch",)
    servers = [fetched("elastic", "Elasticsearch for the tests (once, 950 MB)", elastic, kept, fetch_elasticsearch)]
    if level == "bench":  # for the private servers of the tests
        bench = "requirements-bench.txt"
        title = f"{count(bench)} Python packages ({bench})"
        return [*check, *servers, Step("python-bench", title, (build, locked, bench), (), lambda: install(bench))]
    java = "tests/judges/java.py"
    judge = (java, "tests/judges/verapdf.py", "tests/judges/VeraPdf.java", "tests/judges/verapdf.pom.xml")
    eudss = (java, "tests/judges/eudss.py", "tests/judges/EuDss.java", "tests/judges/eudss.pom.xml")
    store = ("tests/servers/versitygw.py",), (".cache/versitygw/versitygw",)
    identity = ("tests/servers/keycloak.py",)
    keycloak = fetched(
        "keycloak", "Keycloak for the tests (once, 160 MB)", identity, (".cache/keycloak",), fetch_keycloak
    )
    s3 = fetched("versitygw", "versitygw, an S3 store, built by Go (once, 84 MB)", *store, build_versitygw)
    return [
        *check,
        *servers,
        *(
            [s3, keycloak] if os.environ.get("GED_TEST_LONG") else []
        ),  # minutes of two cores: more than all tests that need it
        fetched(
            "verapdf", "veraPDF, which judges PDF/A (once, 16 MB)", judge, (".cache/judges/verapdf",), fetch_verapdf
        ),
        fetched("eudss", "EU DSS, which judges signatures (once, 21 MB)", eudss, (".cache/judges/eudss",), fetch_eudss),
    ]


def fetched(
    name: str, title: str, follows: tuple[str, ...], leaves: tuple[str, ...], action: Callable[[], None]
) -> Step:
    """A step that fetches, or builds, something that only tests need."""
    return Step(name, title, follows, leaves, action, is_fetched=True)


def count(lock: str) -> int:
    """The number of packages that a lock file pins."""
    return sum("==" in line and not line.startswith((" ", "#")) for line in (ROOT / lock).read_text().splitlines())


# --- Debian's packages ------------------------------------------------------------------------------------------


def wanted(level: str) -> dict[str, str]:
    """Debian package -> shell command that succeeds when its program is installed."""
    rows: dict[str, str] = {}
    for name in PACKAGE_LISTS[level]:
        for line in (ROOT / "scripts" / name).read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                package, _, probe = line.partition(" ")
                rows[package] = probe.strip() or "true"
    return rows


def missing_on_debian(packages: list[str]) -> list[str]:
    """The packages that dpkg does not list as installed, and npm when it is not on the PATH."""
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in installed] + ([] if shutil.which("npm") else ["npm"])


def missing_elsewhere(rows: dict[str, str]) -> list[str]:
    """The programs that are not found, under the names of their Debian packages."""
    rows = {**rows, "npm": "command -v npm"}
    return [name for name, probe in rows.items() if not succeeds(["sh", "-c", probe])]


def succeeds(words: list[str]) -> bool:
    """Run a program; returns whether it succeeded."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def is_debian() -> bool:
    """Whether this is Debian itself: derivatives have partly other package names and contents."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().splitlines()


def missing_packages(level: str) -> list[str]:
    """The packages that this system lacks for the level."""
    rows = wanted(level)
    return missing_on_debian(list(rows)) if is_debian() else missing_elsewhere(rows)


def install_debian(missing: list[str]) -> None:
    """Install all missing packages by one call of apt-get.

    Raises:
        SetupError: not Debian, or no way to become root; says what to install by hand.
    """
    if not is_debian():
        raise SetupError(
            "This is not Debian: install the following by your own package manager, then call this again.\n"
            f"(The names are Debian's.)\n\n    {' '.join(missing)}"
        )
    by_hand = f"    apt-get update && apt-get install --no-install-recommends {' '.join(missing)}"
    root = become_root()
    if root is None:
        raise SetupError(
            f"Installing Debian packages needs root. As root, run this, then call this again:\n\n{by_hand}"
        )
    say(f"- {len(missing)} Debian packages: {' '.join(missing)} ...")
    begin = time.monotonic()
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
    attempt("apt-get update", [*apt, "update"])
    attempt("apt-get install", [*apt, "install", "-y", "--no-install-recommends", *missing])
    say(f"  Debian packages: done in {time.monotonic() - begin:.1f} s")


def become_root() -> list[str] | None:
    """The words before a command that make it run as root: none for root, sudo if it is allowed; None if neither."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    ask = ["sudo", "-v"] if sys.stdin.isatty() else ["sudo", "-n", "-v"]
    return ["sudo"] if subprocess.run(ask, check=False).returncode == 0 else None


# --- Python and npm ---------------------------------------------------------------------------------------------


def base_python() -> Path:
    """The Python of the environment: on Debian its own, elsewhere the one that runs this.

    Debian compiles its Python with measured profiles, and python3-venv and python3-dev of our package list belong to
    it. A Python compiled by hand without profiles takes half as long again for everything.
    """
    if is_debian() and version_of(DEBIANS_PYTHON) >= OLDEST_PYTHON:
        return DEBIANS_PYTHON
    return Path(sys.executable)


@cache
def version_of(python: Path) -> tuple[int, ...]:
    """Major and minor version of a Python; (0, 0) when it does not run."""
    if python == Path(sys.executable):
        return sys.version_info[:2]
    words = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0, 0
    return tuple(int(one) for one in said.split())


def make_venv() -> None:
    """Make a new environment. An old one may be of another folder or another Python."""
    attempt("python3 -m venv", [str(base_python()), "-m", "venv", "--clear", str(VENV)], tries=1)


def install_installer() -> None:
    """Install uv and setuptools by pip, with hashes. uv, twenty times as fast, installs the other packages."""
    if not (VENV / "bin" / "pip").exists():
        attempt("ensurepip", [str(PYTHON), "-m", "ensurepip"], tries=1)
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    attempt("pip install", [*pip, "-r", "requirements-build.txt"])


def uv_install(*words: str) -> None:
    """Install by uv. Without build isolation, so that only tools of the lock file build packages.

    With the system's certificates, like apt and npm: a ministry's proxy may have its own certificate.
    """
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(PYTHON), "--no-build-isolation", "--system-certs"]
    attempt("uv pip install", [*uv, *words])


def install(lock: str) -> None:
    """Install every package of a lock file, each checked by its hash."""
    uv_install("--require-hashes", "-r", lock)


def install_project() -> None:
    """Install the project from this folder, with its commands .venv/bin/ged and .venv/bin/ged-bridge."""
    uv_install("--no-deps", "--config-setting", "editable_mode=compat", "--editable", ".")


def compile_imports() -> None:
    """Write the bytecode of the installed packages that children of the sandbox import.

    A child cannot write any. Of a package that only children import there would be none, and each child would compile it
    at its start: that of the reading took a second instead of a half.
    """
    write = "import sys; sys.dont_write_bytecode = False"
    attempt("bytecode", [str(PYTHON), "-c", f"{write}; import {', '.join(CHILDREN)}"], tries=1)


def compile_own() -> None:
    """Write the bytecode of our own packages where the source has changed, for the same reason. A tenth of a second."""
    attempt("bytecode", [str(PYTHON), "-m", "compileall", "-q", *OWN], tries=1)


def install_front_end(*words: str) -> None:
    """Install npm's packages from its lock file; the files for the site go into its static folder."""
    attempt("npm ci", ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", *words])
    folder = ROOT / "web" / "static" / "vendor"
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in VENDOR.items():
        shutil.copyfile(ROOT / "node_modules" / source, folder / name)
    for name, source in BUNDLES.items():
        esbuild = ["node", "node_modules/esbuild/bin/esbuild", source, "--bundle", "--minify", "--format=iife"]
        attempt("esbuild", [*esbuild, "--target=es2020", f"--outfile={folder / name}"], tries=1)


def fetch_elasticsearch() -> None:
    """Fetch Elasticsearch: Debian has no package. If this fails, the tests that need it are skipped with the reason."""
    if os.environ.get("GED_TEST_ELASTICSEARCH_URL"):
        return
    fetch_for_tests("from tests.servers import elastic; elastic.find_java(); elastic.fetch()")


def build_versitygw() -> None:
    """Build versitygw, where Go is there. Without it the tests of S3 are skipped."""
    fetch_for_tests("from tests.servers import versitygw; versitygw.build()")


def fetch_verapdf() -> None:
    """Fetch veraPDF, from Maven Central."""
    fetch_for_tests("from tests.judges import verapdf; verapdf.fetch()")


def fetch_eudss() -> None:
    """Fetch EU DSS, to check signatures."""
    fetch_for_tests("from tests.judges import eudss; eudss.fetch()")


def fetch_keycloak() -> None:
    """Fetch Keycloak, where long tests are asked for."""
    fetch_for_tests("from tests.servers import keycloak; keycloak.fetch()")


def fetch_for_tests(words: str) -> None:
    """Fetch a program that only tests need.

    Raises:
        Absent: it is not available here; with the reason.
    """
    status, tail = run_logged([str(PYTHON), "-c", words], watched=False)
    if status:
        reason = tail[-1].partition(": ")[2] if tail else "no word of why"
        say(f"  {_at_work.get()}: not to be had here, its tests will be skipped: {reason}")
        raise Absent


# --- Running programs -------------------------------------------------------------------------------------------


def attempt(name: str, words: list[str], *, tries: int = TRIES) -> None:
    """Run a program; retry it when it fails, as the network may have failed for a moment.

    Raises:
        SetupError: it failed at every try; shows the end of its output.
    """
    for number in range(1, tries + 1):
        status, tail = run_logged(words)
        if status == 0:
            return
        if number < tries:
            say(f"  {_at_work.get()}: {name} failed (try {number} of {tries}); again in {PAUSE_S:.0f} s")
            time.sleep(PAUSE_S)
    raise SetupError(
        f"{name} failed{f' {tries} times' if tries > 1 else ''}. Its last words:\n\n    " + "\n    ".join(tail) + "\n\n"
        f"Everything that it said is in {LOG.relative_to(ROOT)}. If it speaks of a connection, a name or a time-out,\n"
        "look at the network and call this again: what is installed already is kept."
    )


def run_logged(words: list[str], *, watched: bool = True) -> tuple[int, list[str]]:
    """Run in the project's folder; the output goes to the log, each line after the name of the step.

    Args:
        watched: show the last line on the terminal, if there is one. Of programs that run side by side no line is shown.
    """
    tail: list[str] = []
    begin, watched = time.monotonic(), watched and sys.stdout.isatty()
    step = _at_work.get()
    # Written line by line: several programs that run side by side have this file open.
    with LOG.open("a", buffering=1) as log, start(words) as process:
        log.write(f"{step}: $ {' '.join(words)}\n")
        for line in process.stdout or ():
            log.write(f"{step}: {line}")
            tail = [*tail, line.rstrip()][-12:]
            if watched:
                print(f"\r\033[K  {time.monotonic() - begin:4.0f} s  {line.strip()[:68]}", end="", flush=True)
    if watched:
        print("\r\033[K", end="", flush=True)
    return process.returncode, tail


def start(words: list[str]) -> subprocess.Popen[str]:
    """Start a program in the project's folder, without input, with stdout and stderr in one stream."""
    quiet, pipe, same = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    return subprocess.Popen(words, cwd=ROOT, stdin=quiet, stdout=pipe, stderr=same, text=True, errors="replace")


def say(text: str) -> None:
    """Print and flush."""
    print(text, flush=True)


# --- The command ------------------------------------------------------------------------------------------------


def set_up(level: str) -> None:
    """Bring the machine and .venv to the level.

    Raises:
        SetupError: something could not be installed.
    """
    begin = time.monotonic()
    missing = missing_packages(level)
    if missing:
        install_debian(missing)
    due = False
    for step in steps(level):  # checked one by one: a new environment deletes the results of later steps
        if not step.is_fetched and not step.is_done():
            due = True
            step.take()
    to_fetch = [step for step in steps(level) if step.is_fetched and not step.is_done()]
    with ThreadPoolExecutor(max_workers=len(to_fetch) or 1) as threads:  # each waits for another server
        list(threads.map(Step.take, to_fetch))
    due = due or bool(to_fetch)
    compile_own()
    if missing or due:
        say(f"Set-up for '{level}': {time.monotonic() - begin:.1f} s")


def what_is_missing(level: str) -> list[str]:
    """The names of the steps that ``set_up`` would do."""
    return [*missing_packages(level), *(step.title for step in steps(level) if not step.is_done())]


def main() -> int:
    """Parse, lock, set up; returns the exit status."""
    parser = argparse.ArgumentParser(description="Install what is missing.")
    parser.add_argument("level", choices=list(PACKAGE_LISTS))
    parser.add_argument("--check", action="store_true", help="install nothing; exit with 1 when something is missing")
    arguments = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever has an older one gets here)
        say(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}.")
        return 1
    if arguments.check:
        missing = what_is_missing(arguments.level)
        say("\n".join(["Missing:", *missing]) if missing else "Nothing is missing.")
        return 1 if missing else 0
    LOG.parent.mkdir(exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make run` and `make test` may be started together
        try:
            set_up(arguments.level)
        except SetupError as error:
            say(f"\n{error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
