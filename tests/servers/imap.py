"""A private Dovecot on a free loopback port, with its own folder and certificate. A first sign-in makes the account.

All accounts have one password, or sign in by XOAUTH2 with a token that this module signs. Mail is in Maildirs below the
server's folder, one per account, so that each test has its own mailbox.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from tests.servers import Running, Unavailable, free_port, once, run_dir

PASSWORD = "un-secret-de-boite"
START_S = 15
_KEY = b"the key of the tests' own tokens"

_CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain xoauth2
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
auth_failure_delay = 0
first_valid_uid = 1
passdb {{
  driver = static
  mechanisms = plain
  args = password={password_hash}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
# Else who comes after a wrong password from this address waits up to fifteen seconds.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""


def server() -> Running:
    """The run's IMAP server. Its URL is ``imaps://127.0.0.1:PORT/PLAIN-PORT``; the second port is for STARTTLS.

    Raises:
        Unavailable: Dovecot is not installed.
        RuntimeError: it does not start; the message is Dovecot's.
    """
    return once("imap", _start)


def ca_file() -> Path:
    """The path of the certificate that clients of the server trust."""
    return run_dir() / "imap" / "cert.pem"


def ports(running: Running) -> tuple[int, int]:
    """The port of implicit TLS, and the port of STARTTLS."""
    implicit, plain = running.url.removeprefix("imaps://127.0.0.1:").split("/")
    return int(implicit), int(plain)


def token(user: str, *, valid_s: int = 3600) -> str:
    """An access token for an account: a JWT that Dovecot checks. It is valid for ``valid_s`` seconds."""
    now = int(time.time())
    head, body = {"alg": "HS256", "typ": "JWT"}, {"sub": user, "iat": now - 5, "exp": now + valid_s}
    signed = ".".join(_b64(json.dumps(part).encode()) for part in (head, body))
    return f"{signed}.{_b64(hmac.new(_KEY, signed.encode(), hashlib.sha256).digest())}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _start(folder: Path) -> Running:
    program = shutil.which("dovecot") or shutil.which("/usr/sbin/dovecot")
    if program is None:
        raise Unavailable("Dovecot is not installed (no dovecot on the PATH)")
    port, plain_port = free_port(), free_port()
    password_hash = "{PLAIN}" + PASSWORD
    _certificate(folder)
    for name in ("mail", "home"):
        (folder / name).mkdir()
        shutil.chown(folder / name, "dovecot", "dovecot")
    key = folder / "keys" / "default" / "HS256" / "default"
    key.parent.mkdir(parents=True)
    key.write_bytes(base64.b64encode(_KEY))
    folder.chmod(0o755)
    (folder / "oauth2.conf").write_text(_OAUTH2.format(folder=folder))
    conf = folder / "dovecot.conf"
    conf.write_text(
        _CONF.format(folder=folder, port=port, plain_port=plain_port, password_hash=password_hash), encoding="utf-8"
    )
    with (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [program, "-F", "-c", str(conf)], stdin=subprocess.DEVNULL, stderr=err, start_new_session=True
        )
    _wait(port, process, folder)
    process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
    return Running(f"imaps://127.0.0.1:{port}/{plain_port}", process.pid)


def _certificate(folder: Path) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 1) as raw,
                context.wrap_socket(raw, server_hostname="127.0.0.1") as line,
            ):
                if line.recv(64).startswith(b"* OK"):
                    return
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    words = [(folder / name).read_text()[-600:] for name in ("log", "err") if (folder / name).exists()]
    raise RuntimeError(f"Dovecot does not start: {' '.join(words).strip() or 'no log'}")
