"""The parts of the bundle on a tiny set: what `make bundle` sums, lists, signs and packs."""

import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import bundle

pytestmark = pytest.mark.in_turns(3)


def made_deb(folder: Path, name: str) -> Path:
    """A package without a file."""
    control = folder / f"{name}-tree" / "DEBIAN"
    control.mkdir(parents=True)
    fields = f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: none\n"
    (control / "control").write_text(fields)
    path = folder / "debs" / f"{name}_1.0_all.deb"
    path.parent.mkdir(exist_ok=True)
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", control.parent, path], check=True, capture_output=True)
    return path


def test_apt_finds_the_packages_of_the_index_with_their_sums(tmp_path: Path) -> None:
    path = made_deb(tmp_path, "ged-essai")
    bundle.index_debs(path.parent)
    (tmp_path / "sources").write_text(f"deb [trusted=yes] file:{path.parent} ./\n")
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    (tmp_path / "status").touch()
    options = {
        "Dir::Etc::sourcelist": tmp_path / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": tmp_path / "lists",
        "Dir::State::status": tmp_path / "status",
        "Dir::Cache": tmp_path,
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    apt = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-qq", *apt, "update"], check=True, capture_output=True)
    shown = subprocess.run(["apt-cache", *apt, "show", "ged-essai"], check=True, capture_output=True, text=True).stdout
    assert f"SHA256: {hashlib.sha256(path.read_bytes()).hexdigest()}" in shown


def test_the_list_of_wheels_names_the_bytes_that_lie_there(tmp_path: Path) -> None:
    (tmp_path / "Python_Sane-2.9.2-cp311-cp311-linux_x86_64.whl").write_bytes(b"compiled here")
    digest = hashlib.sha256(b"compiled here").hexdigest()
    assert bundle.wheel_lines(tmp_path) == [f"python-sane==2.9.2 --hash=sha256:{digest}"]


def pins(lock: str) -> set[str]:
    lines = (bundle.ROOT / lock).read_text().splitlines()
    return {line.removesuffix(" \\") for line in lines if line[:1].isalnum()}


def test_the_bundle_with_the_second_reader_has_its_wheels_and_the_same_ones_besides() -> None:
    usual, more = pins(bundle.LOCKS[""]), pins(bundle.LOCKS["second-reader"])
    assert usual < more
    named = {pin.partition("==")[0] for pin in more - usual}
    assert named >= {"onnxruntime", "pyspellchecker", "rapidocr"}


def test_the_lock_that_was_asked_for_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(bundle.subprocess, "run", lambda words, **_more: called.append(words))
    lock = tmp_path / bundle.LOCKS["second-reader"]
    bundle.collect_wheels(tmp_path, lock, tmp_path / "wheels", at=0)
    assert str(lock) in called[0]


def test_a_server_installs_no_compiler_and_everything_else_of_the_list(tmp_path: Path) -> None:
    listed = bundle.ROOT / "scripts" / "debian-packages.txt"
    named = {line.split()[0] for line in listed.read_text().splitlines() if line.strip() and line[0] != "#"}
    found = set(bundle.server_packages(listed, ["clamav-daemon"]))
    assert named > bundle.COMPILERS
    assert found >= (named - bundle.COMPILERS) | {"nginx-light", "clamav-daemon"}
    assert not found & bundle.COMPILERS


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A bundle of two files."""
    folder = tmp_path / "ged-1"
    (folder / "wheels").mkdir(parents=True)
    (folder / "install.sh").write_text("true\n")
    (folder / "wheels" / "a.whl").write_bytes(b"a")
    bundle.write_sums(folder)
    return folder


def test_the_sums_cover_every_file_and_tell_a_changed_one(top: Path) -> None:
    check = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    subprocess.run(check, cwd=top, check=True)
    (top / "wheels" / "a.whl").write_bytes(b"b")
    assert subprocess.run(check, cwd=top, check=False, capture_output=True).returncode


def test_the_same_files_make_the_same_tar(top: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.tar", tmp_path / "2.tar"
    bundle.pack(top, first, at=1_700_000_000)
    for path in top.rglob("*"):
        path.touch()
        path.chmod(0o700)
    bundle.pack(top, second, at=1_700_000_000)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        modes = {entry.name: entry.mode for entry in archive}
    assert (modes["ged-1/install.sh"], modes["ged-1/wheels/a.whl"]) == (0o755, 0o644)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A releaser's gpg with one key; the folder, which is short as gpg's socket demands."""
    with tempfile.TemporaryDirectory(prefix="gpg") as name:
        monkeypatch.setenv("GNUPGHOME", name)
        make = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "releaser@example.org", "ed25519", "sign"]
        subprocess.run(make, check=True, capture_output=True)
        yield Path(name)
        subprocess.run(["gpgconf", "--kill", "all"], check=True)


def test_the_signature_holds_for_the_signers_key_and_these_sums(top: Path, keys: Path) -> None:
    signature = bundle.sign(top / "SHA256SUMS", "releaser@example.org")
    public = keys / "public.gpg"
    public.write_bytes(subprocess.run(["gpg", "--export"], check=True, capture_output=True).stdout)
    check = ["gpgv", "--quiet", "--keyring", str(public), str(signature), str(top / "SHA256SUMS")]
    subprocess.run(check, check=True, capture_output=True)
    bundle.write_sums(top)
    with (top / "SHA256SUMS").open("a") as out:
        out.write("more\n")
    assert subprocess.run(check, check=False, capture_output=True).returncode
