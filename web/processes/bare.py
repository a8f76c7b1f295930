"""Responses without the application: to what is no request, or is refused before its body is stored.

They bear the headers that the application adds to all of its own (``web.site.headers``).
"""

from waitress.task import ErrorTask
from waitress.utilities import Error

from web.site import errors, headers

BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Refusal(Error):  # type: ignore[misc]  # waitress ships no types
    """A response rendered beforehand."""

    def __init__(self, code: str, words: errors.Plain) -> None:
        super().__init__(code)
        self._words = words

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:  # noqa: ARG002
        """Status, headers, body."""
        response_headers = [
            ("Content-Type", self._words.media_type),
            ("Content-Security-Policy", f"{BARE_POLICY}; style-src 'self'"),
        ]
        return self._words.status, response_headers, self._words.body


class BareTask(ErrorTask):  # type: ignore[misc]
    """Sends such a response. ``adj.is_secure``: browsers reach the site by https."""

    def execute(self) -> None:
        """Send it."""
        added = [
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
        ]
        if self.channel.server.adj.is_secure:
            added.append(("Strict-Transport-Security", headers.STRICT_TRANSPORT))
        if not isinstance(self.request.error, Refusal):
            added.append(("Content-Security-Policy", BARE_POLICY))
        self.response_headers.extend(added)
        super().execute()
