"""A private Keycloak: the distribution comes from Maven Central, is fetched once, its hash compared. One start serves all tests.

``python -m tests.servers.keycloak`` only fetches.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.servers import Running, Unavailable, free_port, once

CACHE = Path(__file__).parents[2] / ".cache" / "keycloak"
VERSION = "26.5.6"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
ZIP = Path(f"org/keycloak/keycloak-quarkus-dist/{VERSION}/keycloak-quarkus-dist-{VERSION}.zip")
ZIP_SHA256 = "490189d9dff05272432d51f71a069462eeca97f2920a694d539a1e6c26a5a347"
FETCH_S, START_S = 1_200, 180
REALM, CLIENT, SECRET = "ministere", "ged", "le-secret-du-client"
ADMIN, ADMIN_PASSWORD = "racine", "la racine des essais"
PASSWORD = "celui du compte"


def server() -> Running:
    """The run's Keycloak; skips, with the reason, where it is not to be had."""
    if os.environ.get("GED_TEST_LONG") != "1":
        pytest.skip("half a minute of two processors: `make test-long` runs it")
    try:
        return once("keycloak", start)
    except Unavailable as refusal:
        pytest.skip(str(refusal))


def issuer(running: Running) -> str:
    """The issuer of the realm."""
    return f"{running.url}/realms/{REALM}"


def fetch() -> Path:
    """The folder of the distribution. Fetches it when it is missing.

    Raises:
        Unavailable: no Java, no Maven, or nothing could be fetched.
        RuntimeError: what was fetched is not what is pinned.
    """
    home = CACHE / f"keycloak-{VERSION}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _unpack(_zip()).rename(home)
            shutil.rmtree(CACHE / "half")
    return home


def _zip() -> Path:
    for program, thing in (("java", "Java 17 or newer"), ("mvn", "Maven")):
        if shutil.which(program) is None:
            raise Unavailable(f"Keycloak needs {thing}")
    half = CACHE / "half"
    shutil.rmtree(half, ignore_errors=True)
    got = ["dependency:get", f"-Dartifact={ARTIFACT}", "-Dtransitive=false", f"-Dmaven.repo.local={half / 'm2'}"]
    try:
        subprocess.run(["mvn", "-q", "-B", "-ntp", *got], check=True, capture_output=True, timeout=FETCH_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise Unavailable("Keycloak could not be fetched by Maven (no network?)") from None
    return half / "m2" / ZIP


def _unpack(path: Path) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != ZIP_SHA256:
        raise RuntimeError(f"the distribution of Keycloak is not the pinned one: its SHA-256 is {found}")
    with zipfile.ZipFile(path) as packed:
        packed.extractall(CACHE / "half")
    return CACHE / "half" / f"keycloak-{VERSION}"


def realm() -> dict[str, object]:
    """A realm with our site as its client, and two people."""
    mapper = {
        "name": "sub", "protocol": "openid-connect", "protocolMapper": "oidc-sub-mapper",
        "config": {"access.token.claim": "true", "introspection.token.claim": "true"},
    }  # fmt: skip
    client = {
        "clientId": CLIENT, "secret": SECRET, "protocol": "openid-connect", "publicClient": False, "standardFlowEnabled": True,
        "directAccessGrantsEnabled": False, "redirectUris": ["http://127.0.0.1/*"], "protocolMappers": [mapper],
        "attributes": {"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+"},
    }  # fmt: skip
    people = [
        {
            "username": name, "enabled": True, "email": f"{name}@ministere.example", "emailVerified": True, "firstName": name,
            "lastName": name, "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        }
        for name in ("dge", "etudes")
    ]  # fmt: skip
    return {
        "realm": REALM,
        "enabled": True,
        "sslRequired": "none",
        "editUsernameAllowed": True,
        "clients": [client],
        "users": people,
    }


def start(folder: Path) -> Running:
    """Start a Keycloak whose files are in ``folder``."""
    home = fetch()
    shutil.copytree(home, folder / "home", symlinks=True)
    imported = folder / "home" / "data" / "import"
    imported.mkdir(parents=True)
    (imported / "realm.json").write_text(json.dumps(realm()))
    url = f"http://127.0.0.1:{free_port()}"
    own = {
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1 -Xmx512m",
    }  # fmt: skip
    port = url.rpartition(":")[2]
    words = [
        "start-dev",
        "--http-host=127.0.0.1",
        f"--http-port={port}",
        f"--http-management-port={free_port()}",
        "--import-realm",
    ]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(  # by bash: zipfile unpacks no file as executable
            ["bash", str(folder / "home" / "bin" / "kc.sh"), *words], env={**os.environ, **own}, stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, start_new_session=True,
        )  # fmt: skip
    until, told = time.monotonic() + START_S, "nothing"
    while process.poll() is None and time.monotonic() < until:
        try:
            status = httpx.get(f"{url}/realms/{REALM}/.well-known/openid-configuration", timeout=2).status_code
        except httpx.HTTPError as error:  # it does not listen yet
            told = repr(error)
        else:
            if status == httpx.codes.OK:
                # It outlives this worker; the controlling process of the run stops it by its id.
                process.returncode = 0
                return Running(url, process.pid)
            told = f"status {status}"
        time.sleep(0.3)
    process.kill()
    process.wait()
    raise RuntimeError(f"Keycloak does not start: it told {told}; {(folder / 'said').read_text()[-900:]}")


class Administration:
    """What an administrator of the realm does."""

    def __init__(self, running: Running) -> None:
        given = {"grant_type": "password", "client_id": "admin-cli", "username": ADMIN, "password": ADMIN_PASSWORD}
        told = (
            httpx.post(f"{running.url}/realms/master/protocol/openid-connect/token", data=given)
            .raise_for_status()
            .json()
        )
        self._client = httpx.Client(
            base_url=f"{running.url}/admin/realms/{REALM}", headers={"Authorization": f"Bearer {told['access_token']}"}
        )

    def change(self, username: str, /, **values: object) -> None:
        """Change a person, as ``enabled`` or ``username``."""
        (found,) = self._client.get("/users", params={"username": username, "exact": "true"}).raise_for_status().json()
        self._client.put(f"/users/{found['id']}", json={**found, **values}).raise_for_status()

    def close(self) -> None:
        """Close the link."""
        self._client.close()


if __name__ == "__main__":
    print(fetch())
