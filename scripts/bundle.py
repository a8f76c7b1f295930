#!/usr/bin/env python3
"""Write one file that installs GED on a bare Debian without network: `dist/ged-VERSION.tar`.

    make bundle                        # what is committed, unsigned
    make bundle SIGN=FINGERPRINT       # signed with this OpenPGP key of the caller (gpg)
    make bundle WITH="libreoffice-writer-nogui clamav-daemon"
    make bundle EXTRA=second-reader    # with the second reader's wheels, about 100 MB more

The tar holds wheels (the program's own, with the browser's files already built, and those of the lock file), those of the
scanner bridge for the desks, Debian's packages with all that they depend on, deploy/ and the sums of all files. Wheels are checked by the hashes of the lock,
packages by apt. The machine that builds has the same Debian and architecture as those that install. The same commit, locks
and archive give the same bytes. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
VENDOR = Path("web/static/vendor")
COMPILERS = frozenset({"libsane-dev", "python3-dev", "gcc", "libc6-dev"})
"""Of scripts/debian-packages.txt: they compile wheels here, so the server does without."""
SERVER = ("bubblewrap", "libsane1", "logrotate", "nginx-light", "openssl", "postgresql-client", "systemd")
"""What a server needs besides: the proxy, certificates, dumps of the database, services."""
SHIPPED = ("install.sh", "try.sh")
"""Of deploy/: called by people, so they stand at the top of the bundle too."""

LOCKS = {"": "requirements.txt", "second-reader": "requirements-second-reader.txt"}
"""Extra of the program -> the lock file with its wheels and all others."""
BRIDGE_LOCK = "requirements-bridge.txt"
LISTED = "requirements.txt"
"""In the bundle: the wheels that lie there, with their hashes."""
SUMS = "SHA256SUMS"
_NOT_SUMMED = frozenset({SUMS, f"{SUMS}.sig"})
_BLOCK_BYTES = 1 << 20


class BundleError(Exception):
    """Why no bundle can be made, for the person who called."""


def main(words: list[str] | None = None) -> int:
    """Build the bundle that the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the tar")
    parser.add_argument("--with", dest="further", default="", help="further Debian packages, separated by blanks")
    parser.add_argument("--extra", default="", choices=sorted(LOCKS), help="what the program is installed with besides")
    parser.add_argument("--sign", default="", help="OpenPGP key of the caller that signs the sums (gpg)")
    given = parser.parse_args(words)
    try:
        print(build(given.out, further=given.further.split(), extra=given.extra, key=given.sign))
    except (BundleError, subprocess.CalledProcessError) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    return 0


def build(out: Path, *, further: list[str], extra: str = "", key: str = "") -> Path:
    """Collect everything and write the tar; returns its path.

    Raises:
        BundleError: this is no Debian, the browser's files are missing, or a part could not be had.
        CalledProcessError: git, pip, apt-get or gpg failed; they have said why.
    """
    version, at = version_of_commit(), int(said("git", "log", "-1", "--format=%ct"))
    if said("git", "status", "--porcelain"):
        print("bundle: changes that are not committed are left out", file=sys.stderr)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ged-bundle-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:  # noqa: S108
        room = Path(name)
        top = room / f"ged-{version}"
        top.mkdir()
        tree = export(room / "tree")
        collect_wheels(tree, tree / LOCKS[extra], top / "wheels", at=at)
        (top / "wheels" / LISTED).rename(top / LISTED)
        collect_wheels(tree / "scanner_bridge", tree / BRIDGE_LOCK, top / "bridge", at=at)
        shutil.copytree(tree / "deploy", top / "deploy")
        for one in SHIPPED:
            (top / "deploy" / one).rename(top / one)
        for one in ("ged-bridge.service", "README.md"):
            shutil.copy2(tree / "scanner_bridge" / one, top / "bridge")
        shutil.copytree(tree / "docs" / "operate", top / "docs")
        (top / "VERSION").write_text(version + "\n")
        (top / "PLATFORM").write_text(platform() + "\n")
        packages = server_packages(tree / "scripts" / "debian-packages.txt", further)
        (top / "packages.txt").write_text("\n".join(packages) + "\n")
        collect_debs(packages, top / "debs", room / "apt")
        index_debs(top / "debs")
        write_sums(top)
        path = out / f"ged-{version}.tar"
        if key:
            sign(top / "SHA256SUMS", key)
            public = subprocess.run(["gpg", "--export", key], check=True, capture_output=True).stdout
            (out / f"ged-{version}.key.gpg").write_bytes(public)
        else:
            print("bundle: unsigned (make bundle SIGN=KEY signs)", file=sys.stderr)
        pack(top, path, at=at)
    return path


def said(*words: str) -> str:
    """What a program prints, called in the project's folder."""
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def version_of_commit() -> str:
    """The project's version, the commit's day and its short name: they sort as they were made."""
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"{number}-" + said("git", "log", "-1", "--date=format-local:%Y%m%d.%H%M%S", "--format=%cd.%h")


def platform() -> str:
    """Debian's number and architecture, and Python's version: the installation compares them with its own.

    Raises:
        BundleError: this is no Debian.
    """
    lines = Path("/etc/os-release").read_text().splitlines()
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    if release.get("ID") != "debian":
        raise BundleError("the bundle is made on Debian: its packages are Debian's")
    number, python = release["VERSION_ID"].strip('"'), ".".join(map(str, sys.version_info[:2]))
    return f"debian {number} {said('dpkg', '--print-architecture')} python {python}"


def export(folder: Path) -> Path:
    """The committed tree, with the browser's files that scripts/setup.py built.

    Raises:
        BundleError: these are not there.
    """
    folder.mkdir()
    content = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=content, check=True)
    built = sorted((ROOT / VENDOR).glob("*.js"))
    if not built:
        raise BundleError(f"{VENDOR} is empty: call scripts/setup.py run first")
    (folder / VENDOR).mkdir(parents=True, exist_ok=True)
    for path in built:
        shutil.copyfile(path, folder / VENDOR / path.name)
    return folder


def collect_wheels(project: Path, lock: Path, folder: Path, *, at: int) -> None:
    """The wheels of a lock file, each checked by its hash, and the project's own; then the list with *their* hashes.

    Args:
        project: folder of a pyproject.toml.
        lock: the packages that the project needs.
        folder: made here, for the wheels and their list.
        at: seconds since 1970 that what is compiled here bears as its date.
    """
    folder.mkdir()
    # What is compiled here tells no date and no folder: the same sources give the same bytes.
    fixed = {**os.environ, "SOURCE_DATE_EPOCH": str(at), "CFLAGS": "-g0", "PYTHONDONTWRITEBYTECODE": "1"}
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--require-hashes", "-r", str(lock), "-w", str(folder)], env=fixed, check=True)
    subprocess.run([*pip, str(project), "-w", str(folder)], env=fixed, check=True)
    (folder / LISTED).write_text("\n".join(wheel_lines(folder)) + "\n")


def server_packages(listed: Path, further: list[str]) -> list[str]:
    """The Debian packages that a server asks for by name."""
    lines = [line.split()[0] for line in listed.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return sorted({*lines, *SERVER, *further} - COMPILERS)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    state = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(_BLOCK_BYTES):
            state.update(block)
    return state.hexdigest()


def wheel_lines(folder: Path) -> list[str]:
    """A line `name==version --hash=sha256:…` for each wheel, as pip reads them.

    Unlike the lock file it names one hash each, of the wheel that lies there: also of those that were compiled here.
    """
    lines = []
    for path in sorted(folder.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{digest_of(path)}")
    return lines


def collect_debs(packages: list[str], folder: Path, room: Path) -> None:
    """Fetch the packages and all that they depend on, as if nothing were installed. apt checks each against its archive.

    Args:
        folder: of the packages, made here.
        room: a folder for apt's own files.

    Raises:
        CalledProcessError: apt-get failed, and has said why.
    """
    for place in (folder / "partial", room):
        place.mkdir(parents=True)
    status = room / "status"
    status.touch()
    options = {
        "Dir::State::status": status,
        "Dir::Cache::archives": folder,
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Debug::NoLocking": "true",
        # apt's own user may not write into a private folder.
        "APT::Sandbox::User": "root",
    }
    settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    words = ["install", "--yes", "--quiet", "--no-install-recommends", "--download-only", *packages]
    subprocess.run(["apt-get", *settings, *words], check=True, stdout=subprocess.DEVNULL)
    (folder / "partial").rmdir()
    (folder / "lock").unlink(missing_ok=True)


def index_debs(folder: Path) -> None:
    """Write `Packages`, by which apt takes the folder as a source (deb-src-less, flat)."""
    entries = [_entry(path) for path in sorted(folder.glob("*.deb"))]
    (folder / "Packages").write_text("\n".join(entries), encoding="utf-8")


def _entry(path: Path) -> str:
    shown = subprocess.run(["dpkg-deb", "--field", str(path)], check=True, capture_output=True, text=True)
    size = path.stat().st_size
    return f"{shown.stdout.rstrip()}\nFilename: ./{path.name}\nSize: {size}\nSHA256: {digest_of(path)}\n"


def _files(top: Path) -> Iterator[Path]:
    for path in sorted(top.rglob("*")):
        if path.is_file() and str(path.relative_to(top)) not in _NOT_SUMMED:
            yield path


def write_sums(top: Path) -> Path:
    """Write `SHA256SUMS` over all files, as `sha256sum --check` reads it; returns its path."""
    path = top / SUMS
    lines = [f"{digest_of(one)}  {one.relative_to(top)}\n" for one in _files(top)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def sign(sums: Path, key: str) -> Path:
    """Sign the sums with a key of the caller's gpg, which may lie in a card; returns the signature's path.

    OpenPGP, because gpgv, which checks it, is on every Debian: apt needs it.

    Raises:
        CalledProcessError: gpg has no such key, or nobody opened it.
    """
    path = sums.with_name(sums.name + ".sig")
    words = ["gpg", "--local-user", key, "--detach-sign", "--output", str(path), str(sums)]
    subprocess.run(words, check=True)
    return path


def pack(top: Path, path: Path, *, at: int) -> None:
    """Write the tar: sorted, of nobody, with one date."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = at
        entry.mode = 0o755 if entry.isdir() or entry.name.endswith(".sh") else 0o644
        return entry

    half = path.with_suffix(".half")
    with tarfile.open(half, "w", format=tarfile.GNU_FORMAT) as archive:
        for one in [top, *sorted(top.rglob("*"))]:
            archive.add(one, str(one.relative_to(top.parent)), recursive=False, filter=plain)
    half.replace(path)


if __name__ == "__main__":
    sys.exit(main())
