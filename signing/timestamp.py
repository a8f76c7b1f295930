"""RFC 3161 time-stamps from several authorities, in order. A failed authority is skipped for a while."""

import asyncio
import logging
import time
from urllib.parse import urlsplit

import httpx
from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper

from ged.errors import EngineFailed

_MAX_BYTES = 1024 * 1024  # a token with the authority's certificates has less than 20,000
_log = logging.getLogger(__name__)


class TimestampUnavailable(EngineFailed):
    """No authority answered: the signature is made without a time-stamp (``sign.no_timestamp``)."""

    def __init__(self) -> None:
        super().__init__("sign.no_timestamp", retryable=True)


class ResponseTooLarge(Exception):
    """An authority sent more than any token has."""


class HttpTimeStamper(TimeStamper):
    """One authority, called over HTTP (RFC 3161, section 3.4)."""

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url
        self._timeout_s = timeout_s

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Send one request.

        Raises:
            httpx.HTTPError: no response, or an HTTP error status.
            ResponseTooLarge: the response is larger than any token.
            TimeoutError: the response did not end in time.
        """
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        # One for each request: a client is bound to its event loop, and each signature has a loop of its own.
        # The client's own limit is for each piece: a server that sends a byte each second would never reach it.
        async with (
            asyncio.timeout(self._timeout_s),
            httpx.AsyncClient(timeout=self._timeout_s) as client,
            client.stream("POST", self.url, content=req.dump(), headers=headers) as response,
        ):
            response.raise_for_status()
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > _MAX_BYTES:
                    raise ResponseTooLarge
        return tsp.TimeStampResp.load(bytes(content))


class FallbackTimeStamper(TimeStamper):
    """Calls each authority in turn, until one answers.

    Args:
        urls: of the authorities, the preferred first.
        timeout_s: for one response.
        pause_s: how long a failed authority is skipped, so that a batch does not wait for it at each letter.
    """

    def __init__(self, urls: tuple[str, ...], *, timeout_s: float = 5, pause_s: float = 60) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._clients = [HttpTimeStamper(url, timeout_s) for url in urls]
        self._pause_s = pause_s
        self._asked_again_at: dict[str, float] = {}

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token over exactly this digest.

        Raises:
            TimestampUnavailable: no authority returned a token.
        """
        for client in self._clients:
            if time.monotonic() < self._asked_again_at.get(client.url, 0.0):
                continue
            try:
                token = await client.async_timestamp(message_digest, md_algorithm)
                # pyHanko compares the nonce alone.
                if _stamped_digest(token) == message_digest:
                    return token
                reason = "the token is for other bytes"
            except Exception as error:  # noqa: BLE001  a malformed response can raise anything inside the ASN.1 reader
                reason = type(error).__name__
            _log.warning("time-stamp authority %s failed: %s", _host(client.url), reason)
            self._asked_again_at[client.url] = time.monotonic() + self._pause_s
        raise TimestampUnavailable


def _host(url: str) -> str:
    """What the log says of an authority: its address may hold a password."""
    return urlsplit(url).hostname or ""


def _stamped_digest(token: cms.ContentInfo) -> bytes:
    info: tsp.TSTInfo = token["content"]["encap_content_info"]["content"].parsed
    digest: bytes = info["message_imprint"]["hashed_message"].native
    return digest
