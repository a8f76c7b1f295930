"""Rules for connections that leave this machine: TLS, with a check of the server's certificate and name.

Requests for time-stamps, OCSP and revocation lists are the exception. Their responses are signed, and the signature is
checked (RFC 3161, section 2.4.2; RFC 6960, section 2.2; RFC 5280, section 5), so plain HTTP is usual there.
"""

import ssl
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from ged.errors import ConfigError

CHECKED_SSL_MODE = "verify-full"
"""The only mode of libpq that checks both the certificate and the host's name."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that no data crosses a network. Names are not resolved."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A client's context that checks the certificate and the name.

    Args:
        ca_file: PEM of the only trusted authorities; None: the system's authorities.

    Raises:
        ConfigError: ``config.invalid``: the file cannot be read or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            "config.invalid", f"name a readable PEM file of certificates: {ca_file} ({error.strerror or error})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def require_checked_database(url: str, protected: Collection[str]) -> None:
    """Refuse a PostgreSQL on another machine whose certificate would not be checked.

    libpq's default (``prefer``) accepts TLS with any certificate, and clear text if the server offers no TLS.

    Args:
        protected: hosts whose link is already protected by other means.

    Raises:
        ConfigError: ``config.unprotected``.
    """
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgresql"):
        return
    pairs = parse_qsl(parts.query)
    query = dict(pairs)
    # Each of several servers: SQLAlchemy takes ``host=a:1&host=b:2`` as well as ``host=a,b``.
    named = (parts.hostname or "", *(value for name, value in pairs if name in ("host", "hostaddr")))
    hosts = [host for text in named for host in text.split(",") if host]
    outside = [host for host in map(_without_port, hosts) if not _is_protected(host, protected)]
    if outside and query.get("sslmode") != CHECKED_SSL_MODE:
        raise _unprotected(
            "GED_DATABASE_URL", outside[0], f"add ?sslmode={CHECKED_SSL_MODE}&sslrootcert=/path/of/authority.pem"
        )


def require_checked_web(setting: str, url: str, protected: Collection[str]) -> None:
    """Refuse an ``http://`` address on another machine: the requests carry secrets.

    Raises:
        ConfigError: ``config.unprotected``.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_protected(parts.hostname or "", protected):
        raise _unprotected(setting, parts.hostname or url, "give an https:// address")


def require_near_scanner(address: str, protected: Collection[str]) -> None:
    """Refuse a virus scanner on another machine: clamd has no TLS, and receives every file.

    Raises:
        ConfigError: ``config.unprotected``.
    """
    host = urlsplit(address).hostname
    if host and not _is_protected(host, protected):
        raise _unprotected("GED_CLAMD", host, "run clamd on this machine")


def require_closed_redis(url: str, protected: Collection[str]) -> None:
    """Refuse a Redis on another machine without TLS, and options that weaken TLS checks.

    A password alone would cross the network in clear text.

    Raises:
        ConfigError: ``config.invalid``, ``config.unprotected``.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ConfigError(
            "config.invalid", "begin GED_REDIS_URL with redis://, rediss:// or unix://", setting="GED_REDIS_URL"
        )
    if any(name.startswith("ssl_") for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ConfigError(
            "config.invalid",
            "remove the parameters ssl_… of GED_REDIS_URL: certificate and name are checked; GED_REDIS_CA names an "
            "authority of your own",
            setting="GED_REDIS_URL",
        )
    if parts.scheme == "redis" and not _is_protected(parts.hostname or "localhost", protected):
        raise _unprotected("GED_REDIS_URL", parts.hostname or "redis", "give a rediss:// address")


def _without_port(host: str) -> str:
    return host if host.startswith("/") or host.count(":") != 1 else host.partition(":")[0]


def _is_protected(host: str, protected: Collection[str]) -> bool:
    # A path (or "@") is a socket of this machine.
    return host.startswith(("/", "@")) or is_loopback(host) or host in protected


def _unprotected(setting: str, host: str, remedy: str) -> ConfigError:
    return ConfigError(
        "config.unprotected",
        f"{remedy}; or, where the link to {host} is protected otherwise (a tunnel, a network inside one machine), "
        "name the host in GED_PROTECTED_HOSTS",
        setting=setting,
    )
