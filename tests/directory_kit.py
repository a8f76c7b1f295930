"""A directory and an identity provider in the test's own hands: what they say is set, what they are asked is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from ged.adapters.oidc import OidcProvider, ProviderSettings
from ged.errors import EngineFailed
from ged.ports import Proof, Proved, Standing

ISSUER = "https://connexion.ministere.example/realms/agents"
CLIENT = "ged"
KEY = RSAKey.generate_key(2048, {"kid": "une", "use": "sig", "alg": "RS256"})


@dataclass
class ScriptedDirectory:
    """``entries``: account -> (password, subject, standing)."""

    entries: dict[str, tuple[str, str, Standing]] = field(default_factory=dict)
    is_away: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    name: str = "ldap:dc=ministere"

    def prove(self, account: str, password: str, *, subject: str = "") -> Proved:
        self._answer()
        self.asked.append((account, subject))
        for name, (right, guid, standing) in self.entries.items():
            if (guid == subject) if subject else (name == account):
                is_right = bool(password) and password == right and standing is Standing.OPEN
                return Proved(Proof.PROVED if is_right else Proof.WRONG, guid)
        return Proved(Proof.UNKNOWN)

    def standing(self, subjects: Sequence[str]) -> Mapping[str, Standing]:
        self._answer()
        known = {guid: standing for _, guid, standing in self.entries.values()}
        return {one: known.get(one, Standing.GONE) for one in subjects}

    def look(self) -> str:
        self._answer()
        return "ldaps://annuaire"

    def _answer(self) -> None:
        if self.is_away:
            raise EngineFailed("directory.away", "look", retryable=True, reason="SERVER_DOWN")


@dataclass
class ScriptedProvider:
    """The other side of ``OidcProvider``: signs what the test says. ``claims`` go over the usual ones; None leaves one out."""

    sub: str = "sub-1"
    account: str = "dge"
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "une"})
    key: RSAKey = field(default_factory=lambda: KEY)
    published: list[RSAKey] = field(default_factory=lambda: [KEY])
    document: dict[str, Any] = field(default_factory=dict)
    is_away: bool = False
    refuses: bool = False
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Code -> (nonce, challenge)."""
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    at: datetime | None = None

    def provider(self, **settings: Any) -> OidcProvider:
        usual = {"issuer": ISSUER, "client_id": CLIENT, "client_secret": "le secret"}
        return OidcProvider(
            ProviderSettings(**{**usual, **settings}), transport=httpx.MockTransport(self.answer), clock=self.now
        )

    def now(self) -> float:
        return (self.at or datetime.now(UTC)).timestamp()

    def come_back(self, way: str, code: str = "") -> tuple[str, str]:
        """Sign in at the address to which the browser was sent. Returns (code, state)."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(way).query).items()}
        code = code or f"code-{len(self.codes)}"
        self.codes[code] = (asked["nonce"], asked["code_challenge"])
        return code, asked["state"]

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("away")
        path = request.url.path
        self.asked.append(path)
        if path.endswith("openid-configuration"):
            usual = {
                name: f"{ISSUER}/{name}"
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
            }
            return httpx.Response(200, json={"issuer": ISSUER, **usual, **self.document})
        if path.endswith("jwks_uri"):
            return httpx.Response(200, json={"keys": [one.as_dict(private=False) for one in self.published]})
        form = parse_qs(request.content.decode())
        self.forms.append(form)
        return self._token(form)

    def _token(self, form: dict[str, list[str]]) -> httpx.Response:
        refused = httpx.Response(400, json={"error": "invalid_grant"})
        if self.refuses:
            return refused
        if form["grant_type"] == ["refresh_token"]:
            return httpx.Response(200, json={"refresh_token": f"{form['refresh_token'][0]}+", "access_token": "a"})
        known = self.codes.pop(form["code"][0], None)
        if known is None or not _fits(form["code_verifier"][0], known[1]):
            return refused
        told = {"id_token": self.token(nonce=known[0]), "refresh_token": "renouveler", "access_token": "a"}
        return httpx.Response(200, content=json.dumps(told))

    def token(self, **more: Any) -> str:
        now = int(self.now())
        usual = {
            "iss": ISSUER, "aud": CLIENT, "sub": self.sub, "exp": now + 60, "iat": now, "auth_time": now,
            "preferred_username": self.account, "sid": f"sid-{self.sub}", **more, **self.claims,
        }  # fmt: skip
        return jwt.encode(self.header, {name: value for name, value in usual.items() if value is not None}, self.key)


def _fits(verifier: str, challenge: str) -> bool:
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode() == challenge
