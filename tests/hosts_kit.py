"""Several hosts on one machine: each is a set of namespaces with a network cable of its own, which can be pulled out.

A host has its own proxy (the file of ``deploy/nginx``), site and workers, as ``install.sh`` sets them up. They share the data
folder, and a front balances between them over TLS. The servers (PostgreSQL, Redis, Elasticsearch) are reached by the network.
Needs root, and the right to make namespaces.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from demo import client
from demo.processes import BIN, Processes
from demo.scanner import DeskScanner
from demo.stage import Stage, prepare_once
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.servers import Unavailable, _locked, elastic, free_port, postgres, started_ticks_of
from tests.tls_kit import authority
from tests.wire import Wire
from web.wiring import settings_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "courrier.ministere.example"
PORT = 443
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "deploy" / "nginx"
LONGEST_START_S = 240.0
"""Beside other work, two sites and two workers took more than a minute to start. A site that ends meanwhile is told of at once."""
_HOST = """
hostname {name}
ip link set lo up
for pair in {binds}; do mount --bind "${{pair%%:*}}" "${{pair##*:}}"; done
echo ready
exec cat
"""


@dataclass
class Machine:
    """A host: its own network, name, and folders of nginx.

    Attributes:
        address: on the network of the hosts.
        folder: holds the configuration of its proxy, and what that writes.
    """

    name: str
    address: str
    folder: Path
    cable: str
    """The near end of its network cable."""
    holder: subprocess.Popen[str]
    """Keeps the namespaces alive. It ends with the test's process."""

    def words(self, *command: str | Path) -> list[str]:
        """The command line that runs a command on this host."""
        inside = ["nsenter", "--target", str(self.holder.pid), "--net", "--uts", "--mount"]
        return [str(shutil.which(inside[0])), *inside[1:], "--", *map(str, command)]

    def run(self, *command: str | Path) -> str:
        """Run a command here to its end; returns what it printed."""
        done = subprocess.run(self.words(*command), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def unplug(self) -> None:
        """Pull the network cable out: nothing arrives, nothing is reset."""
        _ip("link", "set", self.cable, "down")

    def plug_in(self) -> None:
        """Put the cable back."""
        _ip("link", "set", self.cable, "up")

    def pids(self) -> list[int]:
        """All processes of this host, without the one that keeps its namespaces."""
        mine = os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.stat(place / "ns" / "net").st_ino == mine and int(place.name) != self.holder.pid:
                    found.append(int(place.name))
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of this host at once."""
        before: list[int] = []
        while (now := self.pids()) != before:  # those that were started while the others got theirs
            for pid in now:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number == signal.SIGCONT:
                return
            before = now

    def freeze(self) -> None:
        """Stop all processes; the kernel of the host lives on, and takes connections."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL all processes of this host."""
        self.signal(signal.SIGKILL)


class Network:
    """A bridge of its own, and hosts on it. ``near`` is the address of this machine there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._bridge = folder, f"ged{os.getpid()}"
        with _locked(Path("/tmp/ged-tests-networks.lock")):
            _sweep()
            used = _ip("-o", "address")
            number = next(n for n in range(1, 250) if f" 10.213.{n}." not in used)
            self._prefix, self.near = f"10.213.{number}", f"10.213.{number}.1"
            _ip("link", "add", self._bridge, "type", "bridge", "forward_delay", "0")
            _ip("address", "add", f"{self.near}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        self.machines: list[Machine] = []

    def machine(self, name: str, *, binds: Mapping[Path, str] | None = None) -> Machine:
        """A new host. Folders of this machine (``binds``) lie in the place of the named ones there."""
        number = 10 + len(self.machines)
        folder, cable = self.folder / name, f"{self._bridge}h{number}"[:15]
        for part in ("log", "lib", "d", "front.d", "monitors"):
            (folder / part).mkdir(parents=True)
        places = {
            folder / "log": "/var/log/nginx",
            folder / "lib": "/var/lib/nginx",
            **(binds or {}),
        }
        script = _HOST.format(name=name, binds=" ".join(f"'{here}:{there}'" for here, there in places.items()))
        holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "--propagation", "private", "sh", "-ec", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n", f"the host {name} does not start"
        made = Machine(name, f"{self._prefix}.{number}", folder, cable, holder)
        self.machines.append(made)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        _ip("link", "set", cable, "master", self._bridge, "up")
        made.run("ip", "address", "add", f"{made.address}/24", "dev", "eth0")
        made.run("ip", "link", "set", "eth0", "up")
        return made

    def close(self) -> None:
        """End all hosts, and remove the network."""
        for one in self.machines:
            # First: the kernel removes the cables of a network that nobody uses only after a while.
            _ip("link", "del", one.cable)
            if one.holder.poll() is None:
                one.kill()
            one.holder.kill()
            for stream in (one.holder.stdin, one.holder.stdout):
                assert stream is not None
                stream.close()
            one.holder.wait()
        _ip("link", "del", self._bridge)


def _sweep() -> None:
    """Remove the networks of killed runs: their names say whose they are."""
    for name in re.findall(r"^\d+: (ged(\d+)(?:h\d+)?)[@:]", _ip("-o", "link"), re.MULTILINE):
        if not started_ticks_of(int(name[1])):
            with suppress(Unavailable):
                _ip("link", "del", name[0])


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"networks cannot be made here: {done.stderr.strip()[:120]}")
    return done.stdout


@cache
def require_namespaces() -> None:
    """Raise ``Unavailable`` where this process may not make hosts."""
    if os.geteuid() != 0:
        raise Unavailable("hosts with networks of their own need root")
    for name in ("ip", "nsenter", "unshare"):
        if shutil.which(name) is None:
            raise Unavailable(f"hosts with networks of their own need the program {name}")
    if NGINX is None:
        raise Unavailable("nginx is not installed")
    tried = subprocess.run(["unshare", "--net", "--uts", "--mount", "true"], capture_output=True, check=False)
    if tried.returncode:
        raise Unavailable("this machine allows no namespaces")


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """A network without hosts.

    Raises:
        Unavailable: this process may not make one.
    """
    require_namespaces()
    made = Network(folder)
    try:
        yield made
    finally:
        made.close()


# --- proxies -------------------------------------------------------------------------------------------------------------


def start_proxy(machine: Machine, site: str) -> subprocess.Popen[bytes]:
    """Start nginx on a host, with this site."""
    folder = machine.folder
    (folder / "site.conf").write_text(site)
    for name in ("ged.d", "ged-front.d", "ged-monitors"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log/errors; user root;\n"
        f"events {{}} http {{ include {folder}/site.conf; }}\n"
    )
    (folder / "lib" / "ged").mkdir(exist_ok=True)
    with (folder / "nginx.out").open("ab") as out:
        return subprocess.Popen(
            machine.words(str(NGINX), "-c", folder / "nginx.conf"), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip


def filled(name: str, folder: Path, **values: str) -> str:
    """A template of ``deploy/nginx`` with its values, as ``install.sh`` fills it in. Own directives come from ``folder``."""
    site = (TEMPLATES / name).read_text(encoding="utf-8")
    for key, value in values.items():
        site = site.replace(f"@{key}@", value)
    left = [line for line in site.splitlines() if "@" in line and not line.lstrip().startswith("#")]
    assert not left, left
    return site.replace("/etc/nginx/", f"{folder}/")


# --- servers ---------------------------------------------------------------------------------------------------------------


@contextmanager
def servers_of_the_network(
    near: Network, elasticsearch_url: str, *, database_url: str = ""
) -> Iterator[dict[str, str]]:
    """A PostgreSQL that keeps what it confirms (unless one is given), a Redis and the run's Elasticsearch, by this network.

    Yields:
        The settings that name them.
    """
    name = f"ged_{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        if not database_url:
            cluster = stack.enter_context(postgres.durable(listens=near.near))
            database_url = cluster.url.replace("127.0.0.1", near.near)
        node = elastic.connection(elasticsearch_url)
        if not node.url.startswith("http://"):
            raise Unavailable("the Elasticsearch of this run speaks TLS for another name")
        relay = Wire(int(node.url.rpartition(":")[2]), host=near.near)
        stack.callback(relay.stop)
        stack.callback(elastic.forget, node, name)
        extra = {"GED_ELASTICSEARCH_API_KEY": node.api_key} if node.api_key else {}
        yield {
            "GED_DATABASE_URL": database_url,
            "GED_REDIS_URL": stack.enter_context(_redis(near.near, near.folder)),
            "GED_ELASTICSEARCH_URL": f"http://{near.near}:{relay.port}",
            "GED_ELASTICSEARCH_INDEX": name,
            **extra,
        }


@contextmanager
def _redis(address: str, folder: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise Unavailable("Redis is not installed (no redis-server on the PATH)")
    port = free_port()
    options = {
        "bind": address,
        "port": str(port),
        "protected-mode": "no",
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(
        [program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield f"redis://{address}:{port}/0"
    finally:
        process.kill()
        process.wait()


# --- an installation on hosts --------------------------------------------------------------------------------------------


class HostProcesses(Processes):
    """The processes of an installation, each on its host. A host that is taken down on purpose is not complained of."""

    def check(self) -> None:
        """Check the processes of this machine (the bridge): hosts come and go."""


@dataclass
class Hosts:
    """A running installation on two hosts behind a front.

    Attributes:
        stage: as of an installation on one machine; its address is that of the front, by number.
        named: the address that people type. Only a browser of ``browser_of`` knows the name.
        pem: the authority that browsers trust.
    """

    network: Network
    front: Machine
    hosts: list[Machine]
    stage: Stage
    pem: Path
    spki: str
    environment: dict[str, str]
    lanes: Sequence[str] = ()
    processes: int = 1
    _proxies: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def named(self) -> str:
        return f"https://{NAME}"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """What a client of the front trusts."""
        return ssl.create_default_context(cafile=self.pem)

    def start(self, host: Machine) -> None:
        """Start proxy, site and workers of a host."""
        self._proxies[host.name] = start_proxy(host, _site_of(host, self.front, self.pem))
        settings = {"env": self.environment}
        self.stage.processes.start(
            f"site-{host.name}",
            *host.words(BIN / "ged", "serve", "--bind", "127.0.0.1:8000", "--processes", str(self.processes)), **settings,
        )  # fmt: skip
        for lanes in self.lanes or ("",):
            words = ["worker", *(["--lanes", lanes] if lanes else [])]
            self.stage.processes.start(f"worker-{host.name}-{lanes}", *host.words(BIN / "ged", *words), **settings)

    @contextmanager
    def tunnel(self, port: int) -> Iterator[None]:
        """Lead a loopback port of each host to the loopback port of this machine, for a server whose certificate names loopback."""
        relay = Wire(port, host=self.network.near)
        words = [sys.executable, "-m", "tests.wire", str(port), self.network.near, str(relay.port)]
        far = [subprocess.Popen(host.words(*words), cwd=ROOT, start_new_session=True) for host in self.hosts]
        try:
            yield
        finally:
            for one in far:
                one.kill()
                one.wait()
            relay.stop()

    def kill(self, host: Machine) -> None:
        """SIGKILL everything on a host."""
        host.kill()
        for name in [one for one in self.stage.processes.running if f"-{host.name}" in one]:
            self.stage.processes.running.pop(name).wait()
        self._proxies.pop(host.name).wait()

    def wait_for(self, host: Machine) -> None:
        """Return when a host's own proxy and site answer."""
        site, last = self.stage.processes.running[f"site-{host.name}"], "nothing was asked"
        until = time.monotonic() + LONGEST_START_S
        while time.monotonic() < until and site.poll() is None:
            try:
                with self.asking(f"https://{host.address}") as client:
                    answer = client.get("/sante/site", timeout=5)
                if answer.status_code == 200:
                    return
                last = f"{answer.status_code} {answer.text[:200]}"
            except httpx.HTTPError as error:
                last = repr(error)
            time.sleep(0.1)
        raise AssertionError(
            f"{host.name} does not answer (its site {'runs' if site.poll() is None else 'has ended'}): {last}\n{self.log(host)}"
        )

    def log(self, host: Machine) -> str:
        """The end of the log of a host's site."""
        return (self.stage.processes.logs / f"site-{host.name}.log").read_text()[-3000:]

    @contextmanager
    def asking(self, url: str = "") -> Iterator[httpx.Client]:
        """A client that trusts the authority, at the front or at another address."""
        with httpx.Client(base_url=url or self.stage.url, verify=self.trust, timeout=30) as client:
            yield client

    def asked(self) -> dict[str, int]:
        """How many requests the front gave to each host: name -> count."""
        log = (self.front.folder / "log" / "ged-front.access").read_text()
        return {
            one.name: log.count(f" {one.address}:{PORT} ") + log.count(f", {one.address}:{PORT}") for one in self.hosts
        }

    @contextmanager
    def browser(self, browser: Browser) -> Iterator[Browser]:
        """Another Chromium, which knows the name and trusts the certificate."""
        words = [
            f"--host-resolver-rules=MAP {NAME} {self.front.address}",
            f"--ignore-certificate-errors-spki-list={self.spki}",
        ]
        made = browser.browser_type.launch(executable_path=CHROMIUM, args=[*CHROMIUM_FLAGS, *words])
        try:
            yield made
        finally:
            made.close()


def _site_of(host: Machine, front: Machine, pem: Path) -> str:
    own = host.folder / "ged.d"
    own.mkdir(exist_ok=True)
    near = host.address.rpartition(".")[0]
    # docs/operate/hosts.md: the lines that each host gets.
    (own / "front.conf").write_text(f"set_real_ip_from {front.address};\nreal_ip_header X-Forwarded-For;\n")
    monitors = host.folder / "ged-monitors"
    monitors.mkdir(exist_ok=True)
    (monitors / "test.conf").write_text(f"allow {near}.1;\n")
    chain = str(pem.parent / "site.pem")
    return filled(
        "ged.conf.in", host.folder, HOST=NAME, PORT=str(PORT), ADDRESS=f"https://{NAME}", CHAIN=chain, KEY=chain,
        MOST="201000000", UPSTREAM="127.0.0.1:8000",
    )  # fmt: skip


def _front_of(front: Machine, hosts: Sequence[Machine], pem: Path) -> str:
    chain = str(pem.parent / "site.pem")
    servers = "\n    ".join(f"server {one.address}:{PORT} max_fails=1 fail_timeout=30s;" for one in hosts)
    return filled(
        "ged-front.conf.in", front.folder, HOST=NAME, PORT=str(PORT), ADDRESS=f"https://{NAME}", CHAIN=chain, KEY=chain,
        MOST="201000000", SERVERS=servers, HOSTS_AUTHORITIES=str(pem),
    )  # fmt: skip


@contextmanager
def two_hosts(
    folder: Path, *, servers: Mapping[str, str], near: Network, lanes: Sequence[str] = (), processes: int = 1
) -> Iterator[Hosts]:
    """The demonstration ministry on two hosts. ``servers``: the settings that lead to the servers, by the network ``near``."""
    front = near.machine("front")
    hosts = [near.machine(name) for name in ("alpha", "beta")]
    tls = folder / "tls"
    tls.mkdir()
    own = authority(tls, "authority")
    spki = own.certify(tls / "site.pem", [NAME, front.address, *(one.address for one in hosts)])
    data = folder / "data"
    settings = {
        "GED_PUBLIC_URL": f"https://{NAME}",
        "GED_HOSTS": json.dumps([front.address, *(one.address for one in hosts)]),
        "GED_PROXIES": "1",
        "GED_PROTECTED_HOSTS": json.dumps([near.near, *(one.address for one in near.machines)]),
        **servers,
    }
    prepare_once(data, settings, print)
    running = HostProcesses(data / "logs")
    scanner = _Desk(data / "desk", own.file)
    scanner.install()
    stage = Stage(f"https://{front.address}", data, running, scanner)
    environment = {**os.environ, "GED_ENV_FILE": str(settings_file.file_of(data))}
    made = Hosts(near, front, hosts, stage, own.file, spki, environment, lanes, processes)
    try:
        for line in (TEMPLATES / "ged-front.sysctl.conf").read_text().splitlines():
            if line and line[0] != "#":
                name, value = line.split(" = ")
                front.run("sh", "-c", f"echo {value} > /proc/sys/{name.replace('.', '/')}")
        made._proxies["front"] = start_proxy(front, _front_of(front, hosts, own.file))
        for one in hosts:
            made.start(one)
        for one in hosts:
            made.wait_for(one)
        yield made
    finally:
        for one in near.machines:
            one.thaw()
        running.stop()
        for machine in near.machines:
            machine.kill()
        for proxy in made._proxies.values():
            proxy.wait()


@contextmanager
def ministry_on_two_hosts(
    folder: Path,
    elasticsearch_url: str,
    *,
    lanes: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    database: Callable[[Network], AbstractContextManager[str]] | None = None,
) -> Iterator[Hosts]:
    """The demonstration ministry on two hosts. People of ``demo.client`` trust its certificate. Skips the test where this
    process may not make hosts.

    Args:
        extra: further settings.
        database: makes a database on the network, and returns its address; by default a PostgreSQL of its own is started.
    """
    try:
        with ExitStack() as stack:
            near = stack.enter_context(network(folder))
            url = stack.enter_context(database(near)) if database else ""
            servers = stack.enter_context(servers_of_the_network(near, elasticsearch_url, database_url=url))
            made = stack.enter_context(two_hosts(folder, servers={**servers, **(extra or {})}, near=near, lanes=lanes))
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(client, "_trust", lambda: made.trust)
            yield made
    except Unavailable as refusal:
        pytest.skip(str(refusal))


class _Desk(DeskScanner):
    """A desk whose bridge trusts the authority of the test."""

    def __init__(self, folder: Path, pem: Path) -> None:
        super().__init__(folder)
        self._pem = pem

    def environment(self) -> dict[str, str]:
        """As of every desk, and the authority."""
        return {**super().environment(), "SSL_CERT_FILE": str(self._pem)}
