"""What is believed of an identity provider: each claim that is not as it must be is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from ged.adapters import oidc
from ged.adapters.oidc import OidcProvider, ProviderSettings
from ged.errors import EngineFailed, Invalid
from ged.ports import Identity
from tests.directory_kit import CLIENT, ISSUER, KEY, ScriptedProvider

AT = datetime(2026, 11, 26, 8, tzinfo=UTC)
BACK = "https://ged.example/connexion/fournisseur/retour"
OTHER = RSAKey.generate_key(2048, {"kid": "deux", "use": "sig"})
LOGOUT = {"http://schemas.openid.net/event/backchannel-logout": {}}


def identity(script: ScriptedProvider, *, max_age_s: int | None = None, **settings: Any) -> Identity:
    script.at = script.at or AT
    provider = script.provider(**settings)
    way = provider.address(redirect_uri=BACK, state="s", nonce="n", verifier="v" * 43, anew=False)
    code, _ = script.come_back(way)
    return provider.identity(code, redirect_uri=BACK, nonce="n", verifier="v" * 43, max_age_s=max_age_s)


def test_who_comes_back_is_named_by_sub_and_claim() -> None:
    script = ScriptedProvider(account=" DGE ")
    found = identity(script)
    assert (found.subject, found.account, found.sid, found.refresh_token) == ("sub-1", "dge", "sid-sub-1", "renouveler")
    assert not found.second_done
    assert script.forms[0]["redirect_uri"] == [BACK]
    assert "client_id" not in script.forms[0]  # the secret goes in a header, in no form


def test_the_way_there_has_pkce_state_and_nonce_and_only_their_digests() -> None:
    way = (
        ScriptedProvider(at=AT)
        .provider()
        .address(redirect_uri=BACK, state="s", nonce="n", verifier="v" * 43, anew=True)
    )
    asked = {name: values[0] for name, values in parse_qs(urlsplit(way).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"], asked["state"]) == ("code", "S256", "s")
    assert (asked["prompt"], asked["max_age"], asked["scope"]) == ("login", "0", "openid profile")
    assert "v" * 43 not in way


NOW = int(AT.timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://ailleurs.example"}, {"iss": ISSUER + "/"}, {"iss": None}, {"aud": "un autre"}, {"aud": None}, {"aud": [CLIENT, "un autre"]},
        {"azp": "un autre"}, {"nonce": "m"}, {"nonce": None}, {"exp": NOW - 61}, {"exp": None}, {"exp": "demain"}, {"iat": NOW - 3600},
        {"iat": NOW + 3600}, {"nbf": NOW + 120}, {"sub": ""}, {"sub": None}, {"sub": 7}, {"sub": "s" * 256}, {"exp": True},
    ],
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as told:
        identity(ScriptedProvider(claims=claims))
    assert told.value.code == "provider.refused"


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 59}, {"iat": NOW + 59}, {"aud": [CLIENT]}, {"aud": [CLIENT, "x"], "azp": CLIENT}]
)
def test_clocks_may_differ_by_a_minute_and_an_audience_may_be_a_list(claims: dict[str, Any]) -> None:
    assert identity(ScriptedProvider(claims=claims)).subject == "sub-1"


def test_a_signature_of_another_key_or_kind_is_refused() -> None:
    for script in (
        ScriptedProvider(key=OTHER, header={"alg": "RS256", "kid": "une"}),
        ScriptedProvider(key=OTHER, header={"alg": "RS256", "kid": "deux"}),
        ScriptedProvider(header={"alg": "HS256", "kid": "une"}, key=OctKey.import_key("le secret" * 8)),  # type: ignore[arg-type]
    ):
        with pytest.raises(Invalid):
            identity(script)


def test_a_token_without_signature_is_refused() -> None:
    script = ScriptedProvider(at=AT)
    head, body, _ = script.token(nonce="n").split(".")
    for forged in ("eyJhbGciOiJub25lIn0." + body + ".", f"{head}.{body}.", "", "a.b.c"):
        with pytest.raises(Invalid):
            script.provider().leaving(forged)


def test_a_new_key_is_found_and_an_unknown_one_asks_the_provider_twice_a_minute_at_most() -> None:
    script = ScriptedProvider(at=AT)
    provider = script.provider()
    logout = {"events": LOGOUT, "nonce": None}
    assert provider.leaving(script.token(**logout)).sid == "sid-sub-1"
    script.published, script.key, script.header = [KEY, OTHER], OTHER, {"alg": "RS256", "kid": "deux"}
    with pytest.raises(Invalid):
        provider.leaving(script.token(**logout))
    script.at = AT + timedelta(seconds=31)
    assert provider.leaving(script.token(**logout)).sid == "sid-sub-1"
    script.header = {"alg": "RS256", "kid": "trois"}
    for _ in range(5):
        with pytest.raises(Invalid):
            provider.leaving(script.token(**logout))
    assert sum(path.endswith("jwks_uri") for path in script.asked) == 2


@pytest.mark.parametrize(
    "claims",
    [{}, {"events": {}}, {"events": LOGOUT, "nonce": "n"}, {"events": LOGOUT, "iat": NOW - 3600}, {"events": LOGOUT, "sub": None, "sid": None}, {"events": LOGOUT, "aud": "un autre"}],
)  # fmt: skip
def test_a_logout_that_is_none_is_refused(claims: dict[str, Any]) -> None:
    script = ScriptedProvider(at=AT)
    with pytest.raises(Invalid):
        script.provider().leaving(script.token(**claims))


def test_a_code_is_taken_once_and_with_its_verifier_alone() -> None:
    script = ScriptedProvider(at=AT)
    provider = script.provider()
    code, _ = script.come_back(provider.address(redirect_uri=BACK, state="s", nonce="n", verifier="v" * 43, anew=False))
    with pytest.raises(Invalid):
        provider.identity(code, redirect_uri=BACK, nonce="n", verifier="w" * 43)
    with pytest.raises(Invalid):
        provider.identity(code, redirect_uri=BACK, nonce="n", verifier="v" * 43)


def test_who_proves_again_has_signed_in_a_moment_ago() -> None:
    assert identity(ScriptedProvider(), max_age_s=120).subject == "sub-1"
    for claims in ({"auth_time": NOW - 600}, {"auth_time": None}):
        with pytest.raises(Invalid):
            identity(ScriptedProvider(claims=claims), max_age_s=120)


@pytest.mark.parametrize(
    ("claims", "done"),
    [({"acr": "2"}, True), ({"amr": ["pwd", "otp"]}, True), ({"acr": "1"}, False), ({"amr": "otp"}, False), ({"amr": [["otp"]]}, False), ({"acr": ["2"]}, False)],
)  # fmt: skip
def test_the_provider_s_second_step_counts_as_the_settings_say(claims: dict[str, Any], *, done: bool) -> None:
    assert identity(ScriptedProvider(claims=claims), second_step=("2", "otp")).second_done is done


def test_an_address_names_an_account_only_if_the_provider_has_checked_it() -> None:
    for verified, account in ((True, "a@b.tg"), (False, ""), ("true", ""), (None, "")):
        script = ScriptedProvider(claims={"email": "A@b.tg", "email_verified": verified})
        assert identity(script, account_claim="email").account == account


def test_an_issuer_of_another_name_and_a_page_in_clear_are_not_followed() -> None:
    for document in (
        {"issuer": ISSUER + "x"},
        {"token_endpoint": "http://ailleurs.example/token"},
        {"token_endpoint": None},
    ):
        with pytest.raises(EngineFailed):
            identity(ScriptedProvider(document=document))


def test_a_refresh_token_says_whether_the_person_may_still_sign_in() -> None:
    script = ScriptedProvider(at=AT)
    provider = script.provider()
    assert provider.renewed("un") == "un+"
    script.refuses = True
    assert provider.renewed("un") is None
    script.is_away = True
    with pytest.raises(EngineFailed):
        provider.renewed("un")


def test_the_way_out_names_the_session_and_is_none_where_the_provider_has_none() -> None:
    script = ScriptedProvider(at=AT)
    way = script.provider().way_out(id_token="abc", back="https://ged.example/connexion")
    assert parse_qs(urlsplit(way).query)["id_token_hint"] == ["abc"]
    assert (
        ScriptedProvider(at=AT, document={"end_session_endpoint": None}).provider().way_out(id_token="abc", back="x")
        == ""
    )


def test_an_answer_of_a_provider_has_an_end() -> None:
    """A provider, or who speaks in its stead, may pour bytes for as long as somebody reads."""
    poured: list[int] = []

    def pour() -> Iterator[bytes]:
        while len(poured) < 1000:
            poured.append(1)
            yield b" " * 65_536

    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=pour()))
    with pytest.raises(EngineFailed) as told:
        OidcProvider(ProviderSettings(ISSUER, CLIENT), transport=transport).look()
    assert told.value.code == "provider.away"
    assert len(poured) < 50


def test_an_answer_that_drips_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time; the whole never does."""
    dripped: list[int] = []
    moment = [0.0]

    def drip() -> Iterator[bytes]:
        while len(dripped) < 100:
            dripped.append(1)
            moment[0] += 1
            yield b" "

    monkeypatch.setattr("ged.adapters.oidc.time.monotonic", lambda: moment[0])
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=drip()))
    with pytest.raises(EngineFailed, match=r"provider\.away"):
        OidcProvider(ProviderSettings(ISSUER, CLIENT), transport=transport).look()
    assert len(dripped) == 2 * oidc.ANSWER_S + 1


def test_an_answer_of_very_many_brackets_is_none() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=b"[" * 500_000))
    with pytest.raises(EngineFailed, match=r"provider\.away"):
        OidcProvider(ProviderSettings(ISSUER, CLIENT), transport=transport).look()
