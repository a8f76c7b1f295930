"""Sealing of an opened key, the derivation of passwords, marks: no files, no processes."""

import base64
from datetime import timedelta
from io import BytesIO
from itertools import pairwise

import pdfplumber
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ged.errors import Invalid
from signing.keys import seal, unseal
from signing.rawkeys import MemoryKey
from signing.secrets import Argon2Cost, new_salt, passphrase_password
from signing.stamp import signature_mark, text_appearance
from tests.signing_kit import CHEAP, NOW

END = NOW + timedelta(minutes=5)


@pytest.fixture
def random_key():
    return AESGCM.generate_key(256)


def _cookie(random_key: bytes) -> str:
    return base64.urlsafe_b64encode(random_key).decode()


@pytest.mark.parametrize(
    "private_key",
    [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(public_exponent=65537, key_size=2048)],
    ids=["p256", "rsa"],
)
def test_a_sealed_key_opens_until_its_end(private_key, random_key):
    sealed = seal(private_key, [], random_key=random_key, expires_at=END)
    held = unseal(sealed, _cookie(random_key), now=END - timedelta(seconds=1))
    assert isinstance(held, MemoryKey)
    opened, chain = held.key, held.chain
    assert opened.private_numbers() == private_key.private_numbers()
    assert chain == []


def test_after_five_minutes_or_with_another_cookie_it_is_locked(random_key):
    sealed = seal(ec.generate_private_key(ec.SECP256R1()), [], random_key=random_key, expires_at=END)
    attempts = [
        (sealed, _cookie(random_key), END),
        (sealed, _cookie(AESGCM.generate_key(256)), NOW),
        (sealed, "not a key", NOW),
        (sealed, "ключ", NOW),
        (sealed, "", NOW),
        (b"", _cookie(random_key), NOW),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), _cookie(random_key), NOW),
    ]
    for content, cookie, now in attempts:
        with pytest.raises(Invalid) as caught:
            unseal(content, cookie, now=now)
        assert caught.value.code == "key.locked"


def test_a_password_needs_passphrase_salt_and_secret():
    salt = new_salt(CHEAP)
    password = passphrase_password("un bon secret", salt, b"server")
    assert password == passphrase_password("un bon secret", salt, b"server")
    assert password != passphrase_password("un bon secreT", salt, b"server")
    assert password != passphrase_password("un bon secret", new_salt(CHEAP), b"server")
    assert password != passphrase_password("un bon secret", salt, b"another")


def test_accents_typed_in_two_ways_are_the_same_passphrase():
    salt = new_salt(CHEAP)
    assert passphrase_password("\u00e9l\u00e9phant", salt, b"s") == passphrase_password(
        "e\u0301le\u0301phant", salt, b"s"
    )


def test_an_altered_salt_cannot_ask_for_gigabytes():
    salt = new_salt(Argon2Cost(iterations=1, memory_kib=1 << 30, lanes=1))
    with pytest.raises(ValueError, match="salt header"):
        passphrase_password("un bon secret", salt, b"server")


def test_a_mark_has_the_size_asked_and_always_the_same_bytes():
    texts = {"name": "AMAVI Kossi Ɖoɖo", "title": "Secrétaire général", "capacity": "Pour le ministre"}
    mark = signature_mark(**texts, width_pt=200, height_pt=60.5)
    assert b"/MediaBox[0 0 200 60.5]" in mark
    assert mark == signature_mark(**texts, width_pt=200, height_pt=60.5)
    assert mark != signature_mark(**texts, width_pt=200, height_pt=60.5, level_line="B-B")


def test_text_is_text_and_never_markup():
    lines = ['#panic("no") $x$ *gras* \\ "', "_a_ @b <c> [d]"]
    assert text_appearance(lines, 200, 60).startswith(b"%PDF-1.7")


def test_a_character_without_a_glyph_is_named():
    with pytest.raises(Invalid) as caught:
        text_appearance(["Monsieur 漢"], 200, 60)
    assert (caught.value.code, caught.value.params["character"]) == ("text.glyph_missing", "漢")


def test_many_lines_shrink_until_all_are_on_the_page_none_over_another():
    made = text_appearance([f"ligne {number}" for number in range(30)], 200, 60)
    with pdfplumber.open(BytesIO(made)) as pdf:
        letters = [char for char in pdf.pages[0].chars if char["text"] == "l"]
    tops = [letter["top"] for letter in letters]
    assert len(tops) == 30
    assert all(lower - upper > 1 for upper, lower in pairwise(tops))
    assert letters[-1]["bottom"] <= 60


def test_a_mark_without_text_is_a_blank_page():
    assert text_appearance([], 20, 10).startswith(b"%PDF-1.7")
