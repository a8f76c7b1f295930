"""deploy/install.sh in a root of its own: apt, Python and the program are doubles that note how they were called."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import bundle
from tests.openssl_kit import NEW_CERTIFICATE

pytestmark = pytest.mark.in_turns(3)

DEPLOY = bundle.ROOT / "deploy"
ADDRESS = "https://courrier.example.org"
ANSWERS = f"address={ADDRESS}\ndata=/srv/ged/data\nsender=ged@example.org\nsmtp=smtp://127.0.0.1:25\n"

PROGRAM = """#!/bin/sh
echo "ged $(basename "$(dirname "$(dirname "$0")")") $*" >>"{root}/calls"
case $1 in
init)
    [ -e "{root}/etc/ged/ged.env" ] || printf 'GED_DATA_DIR=%s\\nGED_SECRET=x\\nGED_KEYRING=%s-keyring\\n' "$4" "$4" >"{root}/etc/ged/ged.env"
    mkdir -p "$4" ;;
doctor) exit 2 ;;
esac
"""
DOUBLES = {
    "apt-get": 'echo "apt $*" >>"{root}/calls"',
    "dpkg": "echo amd64",
    "getent": "true",
    "chown": "true",
    "nginx": "true",
    "systemctl": "false",
    # As in the units: everything after the double dash.
    "setpriv": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
    "python3": 'mkdir -p "$3/bin" "{root}/etc/ged"; cp "{root}/program" "$3/bin/ged"; cp "{root}/pip" "$3/bin/python"',
}


@dataclass
class Machine:
    """A root, and the folder of a bundle."""

    root: Path
    bundle: Path
    path: str

    def install(self, *words: str, said: str = "", fails: bool = False) -> str:
        """Call install.sh; returns all that it printed."""
        environment = {"PATH": self.path, "GED_INSTALL_ROOT": str(self.root), "LC_ALL": "C.UTF-8"}
        call = ["sh", str(self.bundle / "install.sh"), *words]
        done = subprocess.run(call, env=environment, input=said, capture_output=True, text=True, check=False)
        assert bool(done.returncode) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def release(self, version: str) -> None:
        """Make the bundle one of another release."""
        (self.bundle / "VERSION").write_text(version + "\n")
        bundle.write_sums(self.bundle)

    def answered(self, text: str) -> tuple[str, str]:
        """The words that name a file of answers."""
        path = self.root / "answers"
        path.write_text(text)
        return "--answers", str(path)

    def calls(self) -> list[str]:
        """What the doubles noted."""
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def settings(self) -> Mapping[str, str]:
        """The settings written."""
        return dict(line.split("=", 1) for line in (self.root / "etc/ged/ged.env").read_text().splitlines())

    def state(self) -> dict[str, tuple[str, int]]:
        """Digest and time of each file but what the doubles wrote."""
        files = [one for one in self.root.rglob("*") if one.is_file() and one.name not in ("calls", "answers.given")]
        return {str(one): (hashlib.sha256(one.read_bytes()).hexdigest(), one.stat().st_mtime_ns) for one in files}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root, doubles, made = tmp_path / "root", tmp_path / "doubles", tmp_path / "bundle"
    for folder in (root / "etc", root / "var/tmp", doubles, made / "debs"):
        folder.mkdir(parents=True)
    (root / "etc/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (root / "program").write_text(PROGRAM.replace("{root}", str(root)))
    (root / "pip").write_text(f'#!/bin/sh\necho "pip $*" >>"{root}/calls"\n')
    for name, line in DOUBLES.items():
        (doubles / name).write_text(f"#!/bin/sh\n{line}\n".replace("{root}", str(root)))
    for path in (root / "program", root / "pip", *doubles.iterdir()):
        path.chmod(0o755)
    shutil.copytree(DEPLOY, made / "deploy")
    for name in bundle.SHIPPED:
        (made / "deploy" / name).rename(made / name)
    (made / "PLATFORM").write_text("debian 12 amd64 python 3.11\n")
    (made / "packages.txt").write_text("nginx-light\n")
    here = Machine(root, made, f"{doubles}:{os.environ['PATH']}")
    here.release("1.0-first")
    return here


def test_five_questions_install_and_enter_keeps_the_last_answers(machine: Machine) -> None:
    said = machine.install(said=f"{ADDRESS}\n\n\n\n\n")
    assert [line for line in said.splitlines() if line[:2] in ("1.", "2.", "3.", "4.", "5.", "6.")] != []
    assert said.count("\n[") == 5
    assert machine.settings()["GED_PUBLIC_URL"] == ADDRESS
    assert machine.settings()["GED_PROXIES"] == "1"
    again = machine.install(said="\n\n\n\n\n")
    assert f"[{ADDRESS}]" in again
    assert machine.settings()["GED_PUBLIC_URL"] == ADDRESS


def test_a_second_call_changes_nothing(machine: Machine) -> None:
    words = machine.answered(ANSWERS)
    machine.install(*words)
    with (machine.root / "etc/ged/ged.env").open("a") as out:
        out.write("GED_OCR_JOBS=4\n")
    before = machine.state()
    said = machine.install(*words)
    assert machine.state() == before
    assert "écrit" not in said
    assert "réglage :" not in said
    assert machine.settings()["GED_OCR_JOBS"] == "4"
    assert machine.settings()["GED_MAIL_FROM"] == "ged@example.org"


def test_the_certificate_is_the_sites_and_the_authority_can_vouch_for_no_other(machine: Machine) -> None:
    machine.install(*machine.answered(ANSWERS))
    tls = machine.root / "etc/ged-install/tls"
    check = ["openssl", "verify", "-CAfile", str(tls / "authority.pem")]
    host = ["-verify_hostname", "courrier.example.org", str(tls / "site.pem")]
    subprocess.run([*check, *host], check=True, capture_output=True)
    other = machine.root / "other"
    signed = ["-CA", str(tls / "authority.pem"), "-CAkey", str(tls / "authority.key"), "-keyout", "/dev/null"]
    name = ["-addext", "subjectAltName=DNS:bank.example.org", "-out", str(other)]
    subprocess.run([*NEW_CERTIFICATE, *signed, *name], check=True, capture_output=True)
    refused = subprocess.run([*check, str(other)], check=False, capture_output=True, text=True)
    assert "permitted subtree violation" in refused.stderr
    for path in (tls / "authority.key", tls / "site.key", machine.root / "etc/ged-install/answers"):
        assert path.stat().st_mode & 0o077 == 0


def test_the_proxy_and_the_services_get_this_installations_values(machine: Machine) -> None:
    machine.install(*machine.answered(ANSWERS.replace(ADDRESS, ADDRESS + ":8443")))
    site = (machine.root / "etc/nginx/sites-enabled/ged").read_text()
    assert "@" not in "".join(line for line in site.splitlines() if not line.startswith("#"))
    assert "listen 8443 ssl http2;" in site
    assert "client_max_body_size 201000000;" in site
    units = machine.root / "etc/systemd/system"
    data = machine.root / "srv/ged/data"
    assert f"ReadWritePaths={data} {data}-keyring" in (units / "ged-site.service.d/10-data.conf").read_text()


def test_services_may_write_to_a_medium_that_is_a_folder_and_a_bucket_is_none(machine: Machine) -> None:
    machine.install(*machine.answered(ANSWERS))
    with (machine.root / "etc/ged/ged.env").open("a") as settings:
        settings.write("GED_BACKUP_TO=s3://bucket/prefix\nGED_BACKUP_KEYS_TO=/media/keys\n")
    machine.install(*machine.answered(ANSWERS))
    data = machine.root / "srv/ged/data"
    told = (machine.root / "etc/systemd/system/ged-backup.service.d/10-data.conf").read_text()
    assert told.splitlines()[-1] == f"ReadWritePaths={data} {data}-keyring -/media/keys"


def test_servers_get_a_worker_by_lanes(machine: Machine) -> None:
    servers = "database=postgresql+psycopg://ged:x@db/ged\nredis=rediss://:x@q:6379/0\nelasticsearch=https://s:9200\n"
    said = machine.install(*machine.answered(ANSWERS + servers))
    assert "ged-worker@quick:desk.service" in said
    assert machine.settings()["GED_REDIS_URL"] == "rediss://:x@q:6379/0"


@pytest.mark.parametrize(
    ("database", "enabled", "disabled"),
    [
        ("embarquee", {"ged-worker"}, {"ged-worker@slow:backlog", "ged-worker@quick:desk", "ged-worker@backlog", "ged-worker@slow", "ged-worker@files:upkeep"}),
        ("postgresql+psycopg://db", {"ged-worker@quick:desk", "ged-worker@files:upkeep", "ged-worker@slow", "ged-worker@backlog"},
         {"ged-worker", "ged-worker@slow:backlog"}),
    ],
)  # fmt: skip
def test_workers_of_an_earlier_layout_do_not_go_on_beside_those_of_this_one(
    tmp_path: Path, database: str, enabled: set[str], disabled: set[str]
) -> None:
    """The script's own functions, with systemd's part played: what an operator added is none of them."""
    script = (DEPLOY / "install.sh").read_text()
    parts = [
        re.search(rf"^{name}\(\) {{.*?^}}", script, re.M | re.S)
        for name in ("services", "retired", "retire_services", "start_services")
    ]
    called = tmp_path / "called"
    played = f"""
        say() {{ printf '%s\\n' "$*"; }}
        runs_systemd() {{ true; }}
        has_command() {{ false; }}
        setting_of() {{ :; }}
        systemctl() {{ printf '%s\\n' "$*" >>{called}; }}
    """
    text = "\n".join(["set -eu", f"database={database}", played, *(one[0] for one in parts if one), "start_services"])
    subprocess.run(["sh", "-c", text], check=True)
    lines = called.read_text().splitlines()
    units = {word: {one.removesuffix(".service") for line in lines if line.startswith(word) for one in line.split() if one.startswith("ged-worker")}
             for word in ("enable", "disable", "restart")}  # fmt: skip
    assert units == {"enable": enabled, "restart": enabled, "disable": disabled}
    assert lines.index(next(one for one in lines if one.startswith("restart"))) < lines.index(
        next(one for one in lines if one.startswith("disable"))
    ), "no lane is without a worker"


@pytest.mark.parametrize("name", ["debs/Packages", "install.sh", "deploy/nginx/ged.conf.in"])
def test_a_changed_file_stops_the_installation_before_anything(machine: Machine, name: str) -> None:
    path = machine.bundle / name
    path.write_text((path.read_text() if path.exists() else "") + "\n# more\n")
    machine.install(*machine.answered(ANSWERS), fails=True)
    assert machine.calls() == []


def test_a_signature_is_demanded_where_a_key_is_given(machine: Machine) -> None:
    (machine.root / "key.gpg").touch()
    said = machine.install("--key", str(machine.root / "key.gpg"), *machine.answered(ANSWERS), fails=True)
    assert "pas signé" in said
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("address=http://courrier.example.org", "address"),
        ("address=https://courrier.example.org/ged", "address"),
        ("data=/usr/share/ged", "data"),
        ("data=srv", "data"),
        ("data=/srv/ged data", "data"),
        ("database=mysql://x", "database"),
        ("database=postgresql+psycopg://ged:x@db/ged", "Redis"),
        ("certificate=/nowhere.pem,/nowhere.key", "certificate"),
        ("sender=$(id)", "sender"),
    ],
)
def test_a_wrong_answer_is_told_before_anything_is_done(machine: Machine, answer: str, told: str) -> None:
    assert told in machine.install(*machine.answered(f"{ANSWERS}{answer}\n"), fails=True)
    assert machine.calls() == []


def test_another_debian_is_refused(machine: Machine) -> None:
    (machine.root / "etc/os-release").write_text("ID=debian\nVERSION_ID=13\n")
    assert "debian 13" in machine.install(*machine.answered(ANSWERS), fails=True)
    assert machine.calls() == []


def test_a_newer_release_leaves_the_way_back_until_it_is_closed(machine: Machine) -> None:
    words = machine.answered(ANSWERS)
    machine.install(*words)
    machine.release("1.1-second")
    machine.install(*words)
    current = machine.root / "opt/ged/current"
    assert current.resolve().name == "1.1-second"
    migrations = [call.split(" ", 1)[1] for call in machine.calls() if "migrate" in call]
    assert [call.split(" ", 1)[1] for call in migrations] == ["migrate --finish", "migrate --finish", "migrate"]
    machine.install("--back")
    assert current.resolve().name == "1.0-first"
    machine.install(*words)
    assert current.resolve().name == "1.1-second"
    machine.install("--finish")
    assert "sauvegarde" in machine.install("--back", fails=True)
    assert current.resolve().name == "1.1-second"


def test_only_two_releases_stay(machine: Machine) -> None:
    words = machine.answered(ANSWERS)
    for version in ("1.0-first", "1.1-second", "1.2-third"):
        machine.release(version)
        machine.install(*words)
    kept = sorted(path.name for path in (machine.root / "opt/ged/releases").iterdir())
    assert kept == ["1.1-second", "1.2-third"]


def test_an_installation_does_not_move_by_another_answer(machine: Machine) -> None:
    machine.install(*machine.answered(ANSWERS))
    said = machine.install(*machine.answered(ANSWERS.replace("/srv/ged/data", "/srv/other/data")), fails=True)
    assert "à la main" in said
