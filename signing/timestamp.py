"""RFC 3161 time-stamps from several authorities, in order; one that fails is left alone for a while."""

import logging
import time

import httpx
from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper

from ged.errors import EngineFailed

_log = logging.getLogger(__name__)


class TimestampUnavailable(EngineFailed):
    """No authority answered: the signature is made without a time-stamp (``sign.no_timestamp``)."""

    def __init__(self) -> None:
        super().__init__("sign.no_timestamp", retryable=True)


class HttpTimeStamper(TimeStamper):
    """One authority, asked over HTTP (RFC 3161, section 3.4)."""

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url
        self._timeout_s = timeout_s

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Send one request.

        Raises:
            httpx.HTTPError: no answer, or not that of a time-stamp authority.
        """
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        async with httpx.AsyncClient(timeout=self._timeout_s) as client:
            response = await client.post(self.url, content=req.dump(), headers=headers)
        response.raise_for_status()
        return tsp.TimeStampResp.load(response.content)


class FallbackTimeStamper(TimeStamper):
    """Asks each authority in turn.

    Args:
        urls: of the authorities, best first.
        timeout_s: for one answer.
        pause_s: how long an authority that failed is not asked again, so that a batch does not wait for each letter.
    """

    def __init__(self, urls: tuple[str, ...], *, timeout_s: float = 5, pause_s: float = 60) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._clients = [HttpTimeStamper(url, timeout_s) for url in urls]
        self._pause_s = pause_s
        self._asked_again_at: dict[str, float] = {}

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token over exactly this digest.

        Raises:
            TimestampUnavailable: no authority gave one.
        """
        for client in self._clients:
            if time.monotonic() < self._asked_again_at.get(client.url, 0.0):
                continue
            try:
                token = await client.async_timestamp(message_digest, md_algorithm)
                if _stamped_digest(token) == message_digest:
                    return token
                reason = "the token is for other bytes"
            except Exception as error:  # noqa: BLE001  a strange answer fails in any way inside the ASN.1 reader
                reason = type(error).__name__
            _log.warning("time-stamp authority %s failed: %s", client.url, reason)
            self._asked_again_at[client.url] = time.monotonic() + self._pause_s
        raise TimestampUnavailable


def _stamped_digest(token: cms.ContentInfo) -> bytes:
    info: tsp.TSTInfo = token["content"]["encap_content_info"]["content"].parsed
    digest: bytes = info["message_imprint"]["hashed_message"].native
    return digest
