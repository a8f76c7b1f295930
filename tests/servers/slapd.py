"""A private OpenLDAP server with TLS, whose entries have the attributes of Active Directory that the program asks for."""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ldap
import pytest
from ldap import modlist

from ged.adapters.ldap_directory import DirectorySettings
from tests import servers, tls_kit
from tests.servers import Running, Unavailable, free_port, once

START_S = 20
SUFFIX = "dc=ministere,dc=example"
ROOT = f"cn=racine,{SUFFIX}"
ROOT_PASSWORD = "la racine des essais"
SEARCHER_PASSWORD = "le compte qui cherche"

_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP inetOrgPerson STRUCTURAL MAY ( userAccountControl $ sAMAccountName $ objectGUID ) )
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/127.0.0.1.pem
TLSCertificateKeyFile {folder}/127.0.0.1.pem
security simple_bind=0
database mdb
maxsize 16777216
suffix "{suffix}"
rootdn "{root}"
rootpw "{password}"
directory {folder}/base
access to attrs=userPassword by anonymous auth by * none
access to dn.base="" by * read
access to * by users read by * none
"""


@dataclass
class Tree:
    """A part of the directory that one test has for itself."""

    url: str
    ca: Path
    base: str
    root: Any = field(repr=False)

    def settings(self, **changed: Any) -> DirectorySettings:
        """What the program is told; ``changed``: otherwise."""
        usual = {
            "url": self.url, "base": self.base, "bind_dn": f"cn=cherche,{self.base}", "bind_password": SEARCHER_PASSWORD,
            "ca_file": self.ca,
        }  # fmt: skip
        return DirectorySettings(**{**usual, **changed})

    def add(self, account: str, password: str, *, control: int = 512, name: str = "") -> str:
        """A person, as Active Directory has them. Returns the identifier that the entry keeps, as hexadecimal."""
        guid = uuid.uuid4().bytes
        row = {
            "objectClass": [b"user"], "cn": [(name or account).encode()], "sn": [account.encode()], "userPassword": [password.encode()],
            "sAMAccountName": [account.encode()], "objectGUID": [guid], "userAccountControl": [str(control).encode()],
        }  # fmt: skip
        self.root.add_s(self.dn(name or account), modlist.addModlist(row))
        return guid.hex()

    def dn(self, name: str) -> str:
        return f"cn={ldap.dn.escape_dn_chars(name)},{self.base}"

    def change(self, name: str, **values: str) -> None:
        """Set attributes of an entry."""
        changes = [(ldap.MOD_REPLACE, key, [value.encode()]) for key, value in values.items()]
        self.root.modify_s(self.dn(name), changes)

    def remove(self, name: str) -> None:
        self.root.delete_s(self.dn(name))


def tree() -> Tree:
    """An empty part of the run's directory, with the account that searches. Skips where there is no slapd."""
    try:
        running = once("slapd", start)
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    folder = servers.run_dir() / "slapd"
    root = _root(running.url, folder / "autorite.pem")
    base = f"ou=t{uuid.uuid4().hex[:10]},{SUFFIX}"
    root.add_s(base, modlist.addModlist({"objectClass": [b"organizationalUnit"]}))
    made = Tree(running.url, folder / "autorite.pem", base, root)
    searcher = {"objectClass": [b"inetOrgPerson"], "sn": [b"cherche"], "userPassword": [SEARCHER_PASSWORD.encode()]}
    root.add_s(f"cn=cherche,{base}", modlist.addModlist(searcher))
    return made


def _root(url: str, ca: Path) -> Any:
    link = ldap.initialize(url)
    link.set_option(ldap.OPT_X_TLS_CACERTFILE, str(ca))
    link.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    link.start_tls_s()
    link.simple_bind_s(ROOT, ROOT_PASSWORD)
    return link


def secure_url(plain: str) -> str:
    """The address of the same server where TLS comes first."""
    return (servers.run_dir() / "slapd" / "ldaps").read_text() if plain else ""


def start(folder: Path) -> Running:
    """Start a server whose files are in ``folder``; its URL is the one of StartTLS."""
    program = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin")
    if program is None:
        raise Unavailable("slapd is not installed (Debian: slapd)")
    folder.chmod(0o755)
    (folder / "base").mkdir()
    made = tls_kit.authority(folder, "autorite")
    made.server(folder, "127.0.0.1")
    next(folder.glob("127.0.0.1-*.pem")).rename(folder / "127.0.0.1.pem")
    conf = folder / "slapd.conf"
    conf.write_text(_CONF.format(folder=folder, suffix=SUFFIX, root=ROOT, password=ROOT_PASSWORD))
    url, secure = f"ldap://127.0.0.1:{free_port()}", f"ldaps://127.0.0.1:{free_port()}"
    (folder / "ldaps").write_text(secure)
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [program, "-d", "0", "-f", str(conf), "-h", f"{url} {secure}"], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            root = _root(url, made.file)
        except ldap.LDAPError:
            time.sleep(0.05)
            continue
        root.add_s(SUFFIX, modlist.addModlist({"objectClass": [b"dcObject", b"organization"], "o": [b"Ministere"]}))
        root.unbind_s()
        process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
        return Running(url, process.pid)
    process.kill()
    process.wait()
    raise RuntimeError(f"slapd does not start: {(folder / 'said').read_text()[-600:]}")
