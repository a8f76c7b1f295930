"""An identity provider by OpenID Connect Core 1.0: the authorization code flow with PKCE (RFC 7636), as Keycloak and Entra ID have it.

Only the issuer of the settings counts. Of a token everything is checked that the standard asks of a client (Core 3.1.3.7): signature by a
key of the provider, algorithm, issuer, audience, authorised party, times, nonce. Its keys are kept for an hour, and asked for again
when a token names an unknown one.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ged.errors import EngineFailed, Invalid
from ged.links import is_loopback, tls_context
from ged.ports import Identity, Leaving

ANSWER_S = 5.0
MAX_ANSWER_BYTES = 1024 * 1024
"""A list of a hundred keys with their certificates has 400 kB."""
KEPT_S = 3600.0
ASKED_AGAIN_S = 30.0
"""An unknown key asks the provider at most this often: anybody can name one."""
LEEWAY_S = 60
"""Clocks of two servers differ."""
OLDEST_S = 600
"""An ID token is made at the exchange of the code: one that is older was not."""
LONGEST = 255
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by the provider's own key: neither ``none`` nor one by a secret that we know too."""
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True)
class ProviderSettings:
    """How the provider is asked.

    Attributes:
        issuer: exactly as the provider's own document spells it.
        account_claim: names the account at the first sign-in. Nobody may change it for themselves.
        second_step: values of ``acr`` or ``amr`` that say that the provider asked for a second step.
        ca_file: PEM of the authority of its certificate; None: the system's.
        protected: hosts whose link is protected by other means.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    account_claim: str = "preferred_username"
    second_step: tuple[str, ...] = ()
    label: str = ""
    ca_file: Path | None = None
    protected: Collection[str] = ()


class OidcProvider:
    """See ``ged.ports.IdentityProvider``."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; no connection is made yet.

        Args:
            transport: in place of the network.

        Raises:
            ConfigError: ``config.invalid``: the certificate of the authority cannot be read.
        """
        self._settings, self._transport, self._clock = settings, transport, clock
        self._tls = tls_context(settings.ca_file)
        self._lock = threading.Lock()
        self._document: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def issuer(self) -> str:
        """See ``IdentityProvider.issuer``."""
        return self._settings.issuer

    @property
    def label(self) -> str:
        """See ``IdentityProvider.label``."""
        return self._settings.label

    def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str, anew: bool) -> str:
        """See ``IdentityProvider.address``."""
        asked = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes), "state": state, "nonce": nonce,
            "code_challenge": _unpadded(hashlib.sha256(verifier.encode()).digest()), "code_challenge_method": "S256",
        }  # fmt: skip
        # `prompt` proves nothing by itself. For `max_age` the provider has to say in `auth_time`
        # when the person signed in (Core 1.0, 3.1.2.1), and `identity` looks at that.
        if anew:
            asked |= {"prompt": "login", "max_age": "0"}
        return _with_query(self._endpoint("authorization_endpoint"), asked)

    def identity(
        self, code: str, *, redirect_uri: str, nonce: str, verifier: str, max_age_s: int | None = None
    ) -> Identity:
        """See ``IdentityProvider.identity``."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        tokens = self._token(given)
        if tokens is None:
            raise _refused("the code is not taken")
        claims = self._claims(str(tokens.get("id_token", "")))
        self._require_times(claims)
        if not nonce or not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise _refused("nonce")
        if max_age_s is not None and self._clock() - _number(claims, "auth_time") > max_age_s + LEEWAY_S:
            raise _refused("auth_time")
        return Identity(
            _text(claims, "sub"), self._account(claims), str(claims.get("sid") or "")[:LONGEST], str(tokens["id_token"]),
            str(tokens.get("refresh_token") or ""), self._is_second_done(claims),
        )  # fmt: skip

    def renewed(self, refresh_token: str) -> str | None:
        """See ``IdentityProvider.renewed``."""
        tokens = self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})
        return None if tokens is None else str(tokens.get("refresh_token") or refresh_token)

    def leaving(self, logout_token: str) -> Leaving:
        """See ``IdentityProvider.leaving``."""
        claims = self._claims(logout_token)
        issued_at = _number(claims, "iat")
        events = claims.get("events")
        # A nonce is prohibited here (Back-Channel Logout 1.0, 2.4): it tells an ID token from a logout token.
        if abs(self._clock() - issued_at) > OLDEST_S or "nonce" in claims:
            raise _refused("times")
        if not isinstance(events, dict) or LOGOUT not in events or not (claims.get("sub") or claims.get("sid")):
            raise _refused("events")
        return Leaving(str(claims.get("sub") or ""), str(claims.get("sid") or ""), int(issued_at))

    def way_out(self, *, id_token: str, back: str) -> str:
        """See ``IdentityProvider.way_out``."""
        try:
            page = self._endpoint("end_session_endpoint")
        except EngineFailed:
            return ""
        asked = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back}
        return _with_query(page, {"id_token_hint": id_token, **asked} if id_token else asked)

    def look(self) -> str:
        """See ``IdentityProvider.look``."""
        self._document = self._keys = None
        self._endpoint("authorization_endpoint")
        self._key_set(again=False)
        return self.issuer

    # --- what a token says ---

    def _account(self, claims: Mapping[str, Any]) -> str:
        name = self._settings.account_claim
        # Whoever may change the own address at the provider could take another's account.
        if name == "email" and claims.get("email_verified") is not True:
            return ""
        value = claims.get(name)
        return value.strip().lower() if isinstance(value, str) else ""

    def _is_second_done(self, claims: Mapping[str, Any]) -> bool:
        ways = claims.get("amr")
        methods = {
            one for one in (claims.get("acr"), *(ways if isinstance(ways, list) else ())) if isinstance(one, str)
        }
        return not methods.isdisjoint(self._settings.second_step)

    def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that this provider signed for us."""
        claims = self._decoded(token)
        if claims.get("iss") != self.issuer:
            raise _refused("iss")
        audience = claims.get("aud")
        meant = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
        party = claims.get("azp")
        if self._settings.client_id not in meant or (len(meant) > 1 and party is None):
            raise _refused("aud")
        if party is not None and party != self._settings.client_id:
            raise _refused("azp")
        return claims

    def _require_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        if _number(claims, "exp") <= now - LEEWAY_S or abs(now - _number(claims, "iat")) > OLDEST_S:
            raise _refused("times")
        if "nbf" in claims and _number(claims, "nbf") > now + LEEWAY_S:
            raise _refused("times")

    def _decoded(self, token: str) -> Mapping[str, Any]:
        for again in (False, True):
            try:
                return dict(jwt.decode(token, self._key_set(again=again), algorithms=ALGORITHMS).claims)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                if again:
                    raise _refused(type(error).__name__) from None
        raise AssertionError("the second time returns or raises")

    # --- what the provider publishes ---

    def _endpoint(self, name: str) -> str:
        found = self._published().get(name)
        if not isinstance(found, str) or not found:
            raise EngineFailed("provider.away", "look at the provider's settings", reason=f"no {name}")
        parts = urlsplit(found)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (is_loopback(host) or host in self._settings.protected):
            raise EngineFailed("provider.away", "the provider must be asked by https", reason=name)
        return found

    def _published(self) -> Mapping[str, Any]:
        with self._lock:
            if self._document is not None and self._clock() - self._document[0] < KEPT_S:
                return self._document[1]
            metadata = self._asked("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            # Discovery 1.0, 4.3: a document of another issuer would name that one's keys.
            if metadata.get("issuer") != self.issuer:
                raise EngineFailed(
                    "provider.issuer",
                    "give GED_OIDC_ISSUER as the provider spells it",
                    told=str(metadata.get("issuer", ""))[:200],
                )
            self._document = (self._clock(), metadata)
            return metadata

    def _key_set(self, *, again: bool) -> KeySet:
        page = self._endpoint("jwks_uri")
        with self._lock:
            kept = self._keys
            longest = ASKED_AGAIN_S if again else KEPT_S
            if kept is not None and self._clock() - kept[0] < longest:
                return kept[1]
            key_set = self._asked("GET", page)
            try:
                # Keys of kinds that we do not know are others' business.
                usable = [
                    one
                    for one in key_set["keys"]
                    if one.get("use", "sig") == "sig" and one.get("kty") in ("RSA", "EC", "OKP")
                ]
                keys = KeySet.import_key_set({"keys": usable})
            except (JoseError, ValueError, TypeError, KeyError, AttributeError):
                raise EngineFailed("provider.away", "look at the provider's keys", reason="jwks") from None
            self._keys = (self._clock(), keys)
            return keys

    def _token(self, given: dict[str, str]) -> Mapping[str, Any] | None:
        """What the token endpoint answers; None: it does not take what it was given."""
        secret, client = self._settings.client_secret, self._settings.client_id
        headers = {}
        if secret:
            # Each is encoded before they are joined (RFC 6749, 2.3.1): a colon in one of them would move the border.
            pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            given = {**given, "client_id": client}
        return (
            self._asked("POST", self._endpoint("token_endpoint"), data=given, headers=headers, may_refuse=True) or None
        )

    def _asked(self, method: str, url: str, *, may_refuse: bool = False, **more: Any) -> Mapping[str, Any]:
        """The JSON that the provider answers; empty: ``may_refuse``, and it does not take the code or the token."""
        verify: Any = self._tls
        try:
            with httpx.Client(verify=verify, timeout=ANSWER_S, transport=self._transport) as client:
                answer, content = _whole(client, method, url, more)
                body = json.loads(content)
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise EngineFailed(
                "provider.away", "look at the provider and the network", retryable=True, reason=type(error).__name__
            ) from None
        if not isinstance(body, dict):
            raise EngineFailed("provider.away", "look at the provider", reason="no object")
        if answer.status_code == httpx.codes.BAD_REQUEST and may_refuse and body.get("error") == "invalid_grant":
            return {}
        if answer.status_code != httpx.codes.OK:
            reason = f"{answer.status_code} {str(body.get('error', ''))[:60]}"
            raise EngineFailed("provider.away", "look at the provider's settings", retryable=True, reason=reason)
        return body


def _whole(client: httpx.Client, method: str, url: str, more: Mapping[str, Any]) -> tuple[httpx.Response, bytes]:
    """The response and its body.

    Raises:
        ValueError: the body has more than ``MAX_ANSWER_BYTES``, or takes longer than two pieces may (``ANSWER_S``).
    """
    until_s, content = time.monotonic() + 2 * ANSWER_S, bytearray()
    with client.stream(method, url, **more) as answer:
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > MAX_ANSWER_BYTES or time.monotonic() > until_s:
                raise ValueError("too long")
        return answer, bytes(content)


def _refused(why: str) -> Invalid:
    return Invalid("provider.refused", "sign in again", why=why)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST:
        raise _refused(name)
    return value


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(name)
    return float(value)


def _with_query(page: str, asked: Mapping[str, str]) -> str:
    return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"


def _unpadded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
