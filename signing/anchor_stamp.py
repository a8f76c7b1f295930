"""Time-stamps of the journal's anchors, and the current time, from the authorities that stamp signatures."""

import asyncio
import logging
import secrets
import threading
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, Queue

from asn1crypto import cms, tsp

from ged.errors import EngineFailed
from signing.timestamp import FallbackTimeStamper

_log = logging.getLogger(__name__)


class AuthorityStamper:
    """Implements the port ``Timestamper``.

    Args:
        urls: of the authorities, the preferred first. Without any, every call raises.
        timeout_s: for one response. ``time`` ends after this timeout, however many authorities there are.
    """

    def __init__(self, urls: tuple[str, ...], *, timeout_s: float = 5) -> None:
        self._hour_timeout_s = timeout_s
        self._stamper = FallbackTimeStamper(urls, timeout_s=timeout_s)

    def stamp(self, digest: bytes) -> bytes:
        """A token over the digest (see the port).

        Raises:
            EngineFailed: ``sign.no_timestamp``.
        """
        token: bytes = self._token(digest).dump()
        return token

    def time(self) -> datetime:
        """Return the time of the authority's clock (see the port).

        Raises:
            EngineFailed: ``sign.no_timestamp``.
        """
        hours: Queue[datetime | None] = Queue()
        # Our caller holds a register's lock. A slow name server, or an authority that sends byte by byte, would keep
        # the lock held. So the request runs in its own thread, and we wait for a bounded time.
        threading.Thread(target=self._tell, args=(hours,), daemon=True).start()
        hour = None
        with suppress(Empty):
            hour = hours.get(timeout=self._hour_timeout_s)
        if hour is None:
            raise EngineFailed("sign.no_timestamp", retryable=True)
        return hour

    def _tell(self, hours: "Queue[datetime | None]") -> None:
        try:
            hours.put(_hour(self._token(secrets.token_bytes(32))))
        except EngineFailed:
            hours.put(None)

    def _token(self, digest: bytes) -> cms.ContentInfo:
        try:
            return asyncio.run(self._stamper.async_timestamp(digest, "sha256"))
        except EngineFailed:
            raise
        except Exception as error:
            raise _failed(error) from error


def _hour(token: cms.ContentInfo) -> datetime:
    try:
        info: tsp.TSTInfo = token["content"]["encap_content_info"]["content"].parsed
        at: datetime = info["gen_time"].native
        return at.astimezone(UTC)
    except Exception as error:  # a thirteenth month, an offset of more than a day
        raise _failed(error) from error


def _failed(error: Exception) -> EngineFailed:
    _log.warning("no time-stamp: %s", type(error).__name__)
    return EngineFailed("sign.no_timestamp", retryable=True)
