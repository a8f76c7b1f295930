"""Time-stamps over the journal's anchors, by the authorities that stamp signatures."""

import asyncio
import logging

from ged.errors import EngineFailed
from signing.timestamp import FallbackTimeStamper

_log = logging.getLogger(__name__)


class AuthorityStamper:
    """The plug of ``Timestamper``.

    Args:
        urls: of the authorities, best first; without any, every call is refused.
        timeout_s: for one answer.
    """

    def __init__(self, urls: tuple[str, ...], *, timeout_s: float = 5) -> None:
        self._stamper = FallbackTimeStamper(urls, timeout_s=timeout_s)

    def stamp(self, digest: bytes) -> bytes:
        """A token over the digest (see the port).

        Raises:
            EngineFailed: ``sign.no_timestamp``.
        """
        try:
            token: bytes = asyncio.run(self._stamper.async_timestamp(digest, "sha256")).dump()
        except EngineFailed:
            raise
        except Exception as error:
            _log.warning("anchor: no time-stamp: %s", type(error).__name__)
            raise EngineFailed("sign.no_timestamp", retryable=True) from error
        return token
