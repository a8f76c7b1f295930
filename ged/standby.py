"""PostgreSQL on several machines: when a machine that fell silent is given up, and which server takes changes.

An address may name several servers: ``?host=db1,db2&port=5432,5432&target_session_attrs=read-write``. libpq asks them in
their order, and takes the first that accepts changes. So a standby that was promoted is found without a new setting.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

CONNECT_S = 5
CONNECT_TO_ONE_S = 3
"""Where the address names several servers, the next one is asked after this time."""
ASKED_S = 2
"""How long ``servers_of`` waits for each server. libpq knows no shorter limit."""
GIVEN_UP: Mapping[str, int] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4_000,
}
"""A server whose machine is gone resets no connection. Linux would wait for its answer for a quarter of an hour, and each
page with it. After four seconds without a sign of life the statement fails. A slow statement is no silence: the kernel of the
other machine confirms that it lives. (PostgreSQL, 34.1.2; ``tcp_user_timeout`` is in milliseconds.)"""
SESSION = (
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '150s'",
)
"""What a session tells the server about our side. A machine of ours that is gone in the middle of a transaction keeps its
locks, and under the lock of a counter nobody registers. By its own settings the server would notice it after two hours. The
last line is for processes that are frozen while their machine lives. It is longer than a proxy waits for any page."""
WAITS = "SET LOCAL idle_in_transaction_session_timeout = 0"
"""For a transaction that only reads, and waits in between, as a backup does: it holds no lock that others want."""
_accepting: dict[str, tuple[str, str]] = {}
"""Hosts of an address -> (host, port) of the server that took the last connection. It belongs to the module, so that the
child that a worker forks for a job knows what the worker found."""

_lock = threading.Lock()
_latest: dict[str, int] = {}
"""Identifier of a database cluster -> the latest timeline on which this process had a connection. A promotion begins a new one: a
server on an earlier one is a former primary, which was lost and runs again."""
ASKED = (
    "SELECT system_identifier::text, CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_walfile_name(pg_current_wal_lsn()) END "
    "FROM pg_control_system()"
)
"""The first eight digits of a file's name of the log are the timeline."""
_log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where libpq finds a server. ``hostaddr``: the address to which it connects, without asking for that of the name."""

    host: str
    port: str
    hostaddr: str = ""

    @property
    def name(self) -> str:
        """What libpq says of the server that it found."""
        return self.host or self.hostaddr


class Standing(StrEnum):
    """What a server is now."""

    PRIMARY = "primary"
    """It takes changes."""
    STANDBY = "standby"
    """It follows another server, and only reads."""
    AWAY = "away"
    """It does not answer, or refuses this account."""


@dataclass(frozen=True)
class Server:
    """A server of an address."""

    name: str
    """``host:port``."""
    standing: Standing


def arguments(address: str) -> dict[str, object]:
    """The limits of a connection, in seconds unless libpq says otherwise. What the address itself says stays.

    >>> sorted(arguments("postgresql+psycopg://db/ged?connect_timeout=2"))[:2]
    ['keepalives_count', 'keepalives_idle']
    >>> arguments("postgresql+psycopg:///ged?host=db1,db2")["connect_timeout"]
    3
    """
    url = make_url(address)
    several = any(
        "," in str(url.query.get(one, "")) or isinstance(url.query.get(one), tuple) for one in ("host", "hostaddr")
    )
    limits = {"connect_timeout": CONNECT_TO_ONE_S if several else CONNECT_S, **GIVEN_UP}
    return {name: value for name, value in limits.items() if name not in url.query}


def connect(engine: Engine, limits: Mapping[str, object]) -> DBAPIConnection:
    """A new connection. Where the address names several servers, it begins with the one that took the last connection.

    Else each new connection would first wait ``CONNECT_TO_ONE_S`` for a primary whose machine is gone. A process that begins asks all:
    of two servers that take changes it takes the one that was promoted, and later never goes back to the other.

    Raises:
        OperationalError: of the driver: also where a former primary alone answers.
    """
    named = {**_parameters(engine), **limits}
    places = places_of(named)
    if len(places) < 2:
        return engine.dialect.connect(**named)
    key = ",".join(f"{one.name}:{one.port}" for one in places)
    last = _accepting.get(key)
    first = sorted(places, key=lambda one: (one.name, one.port) != last)
    connection = engine.dialect.connect(**{**named, **_named(first)})
    if last is None:
        connection = _promoted_last(engine, named, places, connection)
    try:
        _refuse_former(engine, connection)
    except engine.dialect.loaded_dbapi.Error:
        connection.close()
        _accepting.pop(key, None)  # the next one asks all
        raise
    _accepting[key] = _server(connection)
    return connection


def _server(connection: DBAPIConnection) -> tuple[str, str]:
    info: Any = connection.info  # psycopg's
    return str(info.host), str(info.port)


def _promoted_last(
    engine: Engine, named: Mapping[str, object], places: list[Place], connection: DBAPIConnection
) -> DBAPIConnection:
    """This connection, or one to a server that takes changes of the same database on a later timeline."""
    cluster, timeline = _timeline_of(engine, connection)
    for one in places:
        if (one.name, one.port) == _server(connection):
            continue
        try:
            other = engine.dialect.connect(**{**named, **_named([one]), "connect_timeout": ASKED_S})
            found, later = _timeline_of(engine, other)
        except engine.dialect.loaded_dbapi.Error:  # away, or gone while it was asked
            continue
        if cluster and found == cluster and later > timeline:
            connection.close()
            connection, timeline = other, later
        else:
            other.close()
    return connection


def _refuse_former(engine: Engine, connection: DBAPIConnection) -> None:
    cluster, timeline = _timeline_of(engine, connection)
    if not timeline:
        return
    with _lock:  # threads that begin at the same time may have found different servers
        latest = _latest[cluster] = max(timeline, _latest.get(cluster, 0))
    if timeline < latest:
        host, port = _server(connection)
        _log.error("database.former_primary server=%s:%s timeline=%s latest=%s", host, port, timeline, latest)
        raise engine.dialect.loaded_dbapi.OperationalError(f"{host}:{port} is a former primary: stop it")


def _timeline_of(engine: Engine, connection: DBAPIConnection) -> tuple[str, int]:
    """(identifier of the cluster, timeline) of a server. 0: a standby, or a server that does not say it."""
    cursor = connection.cursor()
    try:
        cursor.execute(ASKED)
        cluster, file = cursor.fetchone() or ("", "")
    except engine.dialect.loaded_dbapi.ProgrammingError:  # not every account may ask, everywhere
        cluster, file = "", ""
    finally:
        # The question began a transaction. The connection goes to the pool as a new one would.
        connection.rollback()
    return str(cluster), int(file[:8], 16) if file else 0


def places_of(named: Mapping[str, Any]) -> list[Place]:
    """The servers of libpq's parameters ``host``, ``hostaddr`` and ``port``, in their order.

    >>> places_of({"host": "db1,db2", "port": "5432,5433"})
    [Place(host='db1', port='5432', hostaddr=''), Place(host='db2', port='5433', hostaddr='')]
    >>> [(one.name, one.port) for one in places_of({"hostaddr": "192.0.2.1,192.0.2.2"})]
    [('192.0.2.1', '5432'), ('192.0.2.2', '5432')]
    """
    hosts, addresses, ports = (str(named.get(name) or "").split(",") for name in ("host", "hostaddr", "port"))
    if hosts == [""]:
        hosts = [""] * len(addresses)
    if addresses == [""]:
        addresses = [""] * len(hosts)
    if len(addresses) != len(hosts):  # libpq says so itself
        return [Place(",".join(hosts), ",".join(ports), ",".join(addresses))]
    if len(ports) != len(hosts):
        ports = ports[:1] * len(hosts)
    return [Place(host, port or "5432", one) for host, port, one in zip(hosts, ports, addresses, strict=True)]


def _named(places: list[Place]) -> dict[str, str]:
    """The parameters of these servers. What none of them has is left out."""
    lists = {
        "host": [one.host for one in places],
        "hostaddr": [one.hostaddr for one in places],
        "port": [one.port for one in places],
    }
    return {name: ",".join(several) for name, several in lists.items() if any(several)}


def libpq_address(engine: Engine) -> str:
    """The address for PostgreSQL's own programs, without the password: everybody on the machine sees their arguments.

    SQLAlchemy takes several hosts as ``host=a:1&host=b:2`` too; libpq takes the last of them alone.
    """
    url = engine.url.set(drivername="postgresql")._replace(password=None).difference_update_query(["password"])
    if len(places := places_of(_parameters(engine))) > 1:
        url = url.update_query_dict(_named(places))
    return url.render_as_string(hide_password=False)


def servers_of(engine: Engine) -> list[Server]:
    """Each server that the address names, asked now by a connection of its own, in their order."""
    named = _parameters(engine)
    return [Server(f"{one.name}:{one.port}", _standing(engine, named | _named([one]))) for one in places_of(named)]


def _parameters(engine: Engine) -> dict[str, Any]:
    _words, named = engine.dialect.create_connect_args(engine.url)
    return dict(named)


def _standing(engine: Engine, named: dict[str, Any]) -> Standing:
    try:
        connection = engine.dialect.connect(
            **{**named, "target_session_attrs": "any", "connect_timeout": ASKED_S, "autocommit": True}
        )
    except engine.dialect.loaded_dbapi.Error:
        return Standing.AWAY
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_is_in_recovery()")
        found = cursor.fetchone()
    except engine.dialect.loaded_dbapi.Error:
        return Standing.AWAY
    finally:
        connection.close()
    return Standing.STANDBY if found and found[0] else Standing.PRIMARY
