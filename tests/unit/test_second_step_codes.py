"""Codes of telephones against the vectors of the RFCs; drift; recovery codes; secrets at rest."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from ged.entry import codes, sealing
from ged.entry.passkeys import Party, party
from ged.errors import Invalid

NOW = datetime(2026, 11, 28, 7, 0, 12, tzinfo=UTC)
"""Twelve seconds into a step."""


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
     (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238_appendix_b(seconds: int, told: str) -> None:
    step = codes.step_of(datetime.fromtimestamp(seconds, UTC))
    assert codes.code_at(_rfc_secret(), step) == told[-6:], "six digits are the last of the eight of the table"


@pytest.mark.parametrize(
    ("count", "told"), list(enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583"]))
)
def test_codes_are_those_of_rfc_4226_appendix_d(count: int, told: str) -> None:
    assert codes.code_at(_rfc_secret(), count) == told


def _rfc_secret() -> str:

    return base64.b32encode(b"12345678901234567890").decode()


def _code(secret: str, steps: int) -> str:
    return codes.code_at(secret, codes.step_of(NOW) + steps)


def test_one_step_each_side_is_taken_and_a_step_once() -> None:
    secret, here = codes.new_secret(), codes.step_of(NOW)
    taken = {steps: codes.taken_step(secret, _code(secret, steps), last_step=0, now=NOW) for steps in (-2, -1, 0, 1, 2)}
    assert taken == {-2: None, -1: here - 1, 0: here, 1: here + 1, 2: None}
    assert codes.taken_step(secret, _code(secret, 0), last_step=here, now=NOW) is None, "used"
    assert codes.taken_step(secret, _code(secret, -1), last_step=here, now=NOW) is None, "older than the last"
    assert codes.taken_step(secret, _code(secret, 1), last_step=here, now=NOW) == here + 1


def test_a_code_is_taken_as_telephones_show_it_and_nothing_else_is() -> None:
    secret = codes.new_secret()
    shown = _code(secret, 0)
    assert codes.taken_step(secret, f" {shown[:3]} {shown[3:]} ", last_step=0, now=NOW) is not None
    for typed in ("", shown[:5], shown + "1", "abcdef", "１２３４５６"):
        assert codes.taken_step(secret, typed, last_step=0, now=NOW) is None, typed


@pytest.mark.parametrize(("steps", "seconds"), [(0, 0), (1, 33), (-1, 27), (8, 243), (-8, 237)])
def test_the_drift_of_a_telephone_is_told(steps: int, seconds: int) -> None:
    secret = codes.new_secret()
    found = codes.drift(secret, _code(secret, steps), now=NOW)
    assert found is not None
    assert (found.steps, found.seconds, found.is_taken) == (steps, seconds, abs(steps) <= 1)


def test_a_foreign_code_has_no_drift() -> None:
    secret = codes.new_secret()
    near = {_code(secret, steps) for steps in range(-codes.LOOKED_AT, codes.LOOKED_AT + 1)}
    foreign = next(f"{n:06d}" for n in range(100) if f"{n:06d}" not in near)
    assert codes.drift(secret, foreign, now=NOW) is None
    assert codes.drift(secret, codes.code_at(secret, codes.step_of(NOW + timedelta(hours=1))), now=NOW) is None


def test_the_address_for_a_telephone_names_account_and_ministry() -> None:
    secret = codes.new_secret()
    parts = urlsplit(codes.address(secret, account="a.mensah", issuer="Ministère de l'énergie"))
    told = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc, told["secret"], told["issuer"]) == (
        "otpauth", "totp", [secret], ["Ministère de l'énergie"],
    )  # fmt: skip
    assert len(secret) == 32, "160 bits"


def test_recovery_codes_are_ten_of_eighty_bits_and_typed_as_people_do() -> None:
    made = codes.new_recovery_codes()
    assert len(set(made)) == 10
    assert {len(one.replace("-", "")) for one in made} == {16}
    assert len(set(codes.SIGNS)) == 32
    first = codes.recovery_hash(7, made[0])
    assert codes.recovery_hash(7, made[0].lower().replace("-", " ")) == first
    assert codes.recovery_hash(8, made[0]) != first, "of one person"


def test_a_secret_at_rest_opens_with_its_key_for_its_person_alone() -> None:
    key, secret = bytes(range(32)), codes.new_secret()
    sealed = sealing.seal(secret, key=key, person_id=7)
    assert secret.encode() not in sealed
    assert sealing.opened(sealed, key=key, person_id=7) == secret
    for other_key, person in ((bytes(32), 7), (key, 8)):
        with pytest.raises(Invalid, match=r"second_step\.unreadable"):
            sealing.opened(sealed, key=other_key, person_id=person)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://courrier.gouv.tg", Party("courrier.gouv.tg", "https://courrier.gouv.tg")),
        ("https://ged.example:8443/", Party("ged.example", "https://ged.example:8443")),
        ("http://localhost:8000", Party("localhost", "http://localhost:8000")),
        ("http://courrier.gouv.tg", None), ("https://10.0.0.4", None), ("http://127.0.0.1:8000", None),
        ("https://[::1]:8000", None), ("", None),
    ],
)  # fmt: skip
def test_passkeys_are_for_a_name_over_https(url: str, found: Party | None) -> None:
    assert party(url) == found
