"""Checks of what the program reaches: Redis, the virus scanner, the mail server, the site's own address."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from ged.adapters.post_smtp import SmtpPost
from ged.adapters.queue_rq import open_redis
from ged.config import refuse_unknown_addresses
from ged.errors import ConfigError, EngineFailed
from ged.health.findings import Figures, Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground
from ged.links import is_loopback, tls_context

MAIL_ENDS_SOON = timedelta(days=14)
"""Authorities that renew by themselves do it thirty days before the end."""
CONNECT_S = 5.0
HTTPS = 443


def redis(ground: Ground) -> Finding:
    """Whether Redis answers and takes messages."""
    url = ground.options.redis_url
    if not url:
        return not_applicable("not_set")
    try:
        with open_redis(url, ca_file=ground.options.redis_ca, timeout_s=CONNECT_S) as client:
            info = client.info()
    except AuthenticationError:
        return fault("password")
    except ResponseError as error:
        return fault("refuses", why=str(error)[:120])
    except (RedisError, OSError) as error:
        return fault("away", why=type(error).__name__)
    version = str(info.get("redis_version", ""))
    if info.get("rdb_last_bgsave_status") == "err":
        return fault("cannot_save", version=version)
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        return warning("evicts", version=version, policy=policy)
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > 0.9 * most:
        return warning("full", version=version, used_bytes=used, most_bytes=most)
    return ok(version=version, used_bytes=used)


def scanner(ground: Ground) -> Finding:
    """Whether the virus scanner answers: while it is away nothing from outside is taken."""
    found = ground.serving.scanner
    if found is None:
        return not_applicable("not_set")
    address = ground.options.clamd
    return ok(address=address) if found.is_there() else fault("away", address=address)


def directory(ground: Ground) -> Finding:
    """Whether the directory does what a sign-in asks of it: connection, certificate, the account that searches, base, filters."""
    found = ground.serving.directory
    if found is None:
        return not_applicable("not_set")
    try:
        url = found.look()
    except EngineFailed as error:
        return fault(error.code.partition(".")[2], why=str(error.params.get("reason", "")))
    return ok(url=url)


def provider(ground: Ground) -> Finding:
    """Whether the identity provider answers, under the name of the settings."""
    found = ground.serving.provider
    if found is None:
        return not_applicable("not_set")
    try:
        issuer = found.look()
    except EngineFailed as error:
        if error.code == "provider.issuer":
            return fault("issuer", told=str(error.params["told"]))
        return fault("away", why=str(error.params.get("reason", "")))
    return ok(issuer=issuer)


def mail_server(ground: Ground) -> Finding:
    """Whether the mail server can be reached as for a message: connection, certificate, account."""
    post = ground.serving.post
    if not isinstance(post, SmtpPost):
        return not_applicable("not_set")
    try:
        ends = post.reach()
    except EngineFailed as error:
        params = error.params
        if error.code == "post.certificate":
            return fault("certificate", host=str(params["host"]), why=str(params["reason"]))
        if error.code == "post.no_tls":
            return fault("no_tls", host=str(params["host"]))
        why = str(params.get("error", ""))
        return fault("password") if why == "SMTPAuthenticationError" else fault("away", why=why)
    if ends is None:
        return ok("near")
    figures: Figures = {"ends_at": ends.isoformat()}
    return warning("ends", **figures) if ends <= ground.now + MAIL_ENDS_SOON else ok(**figures)


def address(ground: Ground) -> Finding:
    """Whether the address of the site is one that others can type, and its proxies are told."""
    url = ground.options.public_url
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host:
        return fault("none", url=url)
    try:
        refuse_unknown_addresses(ground.options)
    except ConfigError:
        return fault("proxies", url=url)
    if is_loopback(host):
        return warning("here", url=url)
    if parts.scheme != "https":
        return warning("clear", url=url)
    try:
        socket.getaddrinfo(host, parts.port or HTTPS)
    except OSError:
        return warning("no_name", url=url, host=host)
    return ok(url=url)


def certificate(ground: Ground) -> Finding:
    """The certificate that browsers get at the site's address."""
    parts = urlsplit(ground.options.public_url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return not_applicable("no_tls")
    try:
        with (
            socket.create_connection((host, parts.port or HTTPS), timeout=CONNECT_S) as link,
            tls_context(None).wrap_socket(link, server_hostname=host) as checked,
        ):
            peer = checked.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return fault("refused", host=host, why=error.verify_message)
    except OSError as error:
        return warning("away", host=host, why=error.strerror or type(error).__name__)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(peer["notAfter"])), UTC)
    figures: Figures = {"host": host, "ends_at": ends.isoformat()}
    if ends <= ground.now + MAIL_ENDS_SOON:
        return warning("ends", **figures)
    return ok(**figures)
