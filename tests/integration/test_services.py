"""deploy/systemd, deploy/nginx and deploy/container as their own programs read them.

No systemd runs in the tests. What its directives forbid is set up here by hand, where that can be done: the filter of
system calls is the unit's own.
"""

import ctypes
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox import isolation
from scripts import bundle
from tests.openssl_kit import NEW_CERTIFICATE

pytestmark = pytest.mark.in_turns(3)

DEPLOY = bundle.ROOT / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())
GUARDED = ["ged-site.service", "ged-worker.service", "ged-worker@.service"]
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
ANALYZE = shutil.which("systemd-analyze")
NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def unit(name: str) -> str:
    """The text of a unit."""
    return (DEPLOY / "systemd" / name).read_text()


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    for name in UNITS:
        (tmp_path / name).write_text(unit(name).replace("/opt/ged/current/bin/ged", "/bin/true"))
    call = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "ged-" in line]
    assert told == []


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
@pytest.mark.parametrize("name", GUARDED)
def test_the_services_are_as_closed_as_the_readers_allow(name: str) -> None:
    call = ["systemd-analyze", "security", "--offline=true", "--threshold=35", str(DEPLOY / "systemd" / name)]
    assert subprocess.run(call, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", GUARDED)
def test_nothing_is_forbidden_that_bubblewrap_needs(name: str) -> None:
    # Tried by hand with the mounts that they make: a /proc covered in part cannot be mounted anew in a namespace.
    set_to = dict(line.split("=", 1) for line in unit(name).splitlines() if "=" in line and line[0] not in "#[")
    for directive in (
        "RestrictNamespaces",
        "ProtectHostname",
        "ProtectKernelTunables",
        "ProtectKernelLogs",
        "MemoryDenyWriteExecute",
    ):
        assert directive not in set_to
    assert "AF_NETLINK" in set_to["RestrictAddressFamilies"]


def named(group: str) -> set[str]:
    """The system calls of one of systemd's groups."""
    call = ["systemd-analyze", "syscall-filter", group]
    lines = subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    words = {line.strip() for line in lines if line.strip() and not line.strip().startswith("#")}
    return {one for word in words for one in (named(word) if word.startswith("@") else {word})}


def allowed(text: str) -> list[int]:
    """The numbers of the system calls that a unit's filter lets through."""
    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        names = {one for word in line.lstrip("~").split() for one in (named(word) if word[0] == "@" else {word})}
        found = found - names if line.startswith("~") else found | names
    numbers = dict(re.findall(r"^#define __NR_(\w+) (\d+)$", NUMBERS.read_text(), re.MULTILINE))
    return sorted(int(numbers[name]) for name in found if name in numbers)


def filtering(numbers: list[int]) -> bytes:
    """The filter's program (seccomp(2)): these calls pass, the rest fails with EPERM."""
    allow = [
        struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000) for number in numbers
    ]
    return struct.pack("HBBI", 0x20, 0, 0, 0) + b"".join(allow) + struct.pack("HBBI", 0x06, 0, 0, 0x00050001)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def shuts_in(filter_: bytes = b"") -> bool:
    """Whether bubblewrap works for a process of the service's rights: another account, no capabilities, that filter."""

    def restrict() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if os.geteuid() == 0:
            for capability in range(64):
                libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        program = _Program(len(filter_) // 8, filter_)
        if libc.prctl(38, 1, 0, 0, 0) or (filter_ and libc.prctl(22, 2, ctypes.byref(program), 0, 0)):
            raise OSError(ctypes.get_errno(), "no filter")

    system = ("--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64")
    words = ["bwrap", *isolation._walls(), *system, "--", "/usr/bin/true"]
    return subprocess.run(words, preexec_fn=restrict, cwd="/", capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(ANALYZE is None or not NUMBERS.exists(), reason="systemd or the kernel's headers are not installed")
@pytest.mark.parametrize("name", GUARDED)
def test_the_readers_shut_themselves_in_under_the_services_filter(name: str) -> None:
    numbers = allowed(unit(name))
    assert {444, 445, 446} <= set(numbers)  # Landlock's, where there is no bubblewrap
    if not shuts_in():
        pytest.skip("this machine allows no user namespaces")
    assert shuts_in(filtering(numbers))


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_takes_the_site(tmp_path: Path) -> None:
    pair = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "chain")]
    subprocess.run([*NEW_CERTIFICATE, *pair], check=True, capture_output=True)
    values = {
        "HOST": "courrier.example.org",
        "PORT": "8443",
        "ADDRESS": "https://courrier.example.org:8443",
        "CHAIN": str(tmp_path / "chain"),
        "KEY": str(tmp_path / "key"),
        "MOST": "201000000",
        "UPSTREAM": "127.0.0.1:8000",
    }
    site = (DEPLOY / "nginx" / "ged.conf.in").read_text()
    for name, value in values.items():
        site = site.replace(f"@{name}@", value)
    for folder in ("/var/log/nginx", "/var/lib/nginx"):
        site = site.replace(folder, str(tmp_path))
    (tmp_path / "site.conf").write_text(site)
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/errors; events {{}} http {{ include {tmp_path}/site.conf; }}"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [str(NGINX), "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_the_container_has_the_rights_and_folders_of_the_services() -> None:
    found = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())
    assert found["services"].keys() == {"site", "worker", "migrate"}
    for service in found["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert [volume.rsplit(":", 1)[1] for volume in service["volumes"]] == ["/srv/ged", "ro"]
    assert found["services"]["site"]["ports"] == ["127.0.0.1:8000:8000"]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_scripts_are_clean() -> None:
    scripts = [DEPLOY / "install.sh", DEPLOY / "try.sh", DEPLOY / "ged", bundle.ROOT / "scripts" / "bundle_try.sh"]
    done = subprocess.run(["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
