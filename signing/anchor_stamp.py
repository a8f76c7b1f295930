"""Time-stamps over the journal's anchors, and the hour, by the authorities that stamp signatures."""

import asyncio
import logging
import secrets
from datetime import UTC, datetime

from asn1crypto import cms, tsp

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
        token: bytes = self._token(digest).dump()
        return token

    def time(self) -> datetime:
        """What the authority's clock says (see the port).

        Raises:
            EngineFailed: ``sign.no_timestamp``.
        """
        told: tsp.TSTInfo = self._token(secrets.token_bytes(32))["content"]["encap_content_info"]["content"].parsed
        at: datetime = told["gen_time"].native
        return at.astimezone(UTC)

    def _token(self, digest: bytes) -> cms.ContentInfo:
        try:
            return asyncio.run(self._stamper.async_timestamp(digest, "sha256"))
        except EngineFailed:
            raise
        except Exception as error:
            _log.warning("no time-stamp: %s", type(error).__name__)
            raise EngineFailed("sign.no_timestamp", retryable=True) from error
