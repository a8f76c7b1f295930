"""The root's key in the hands of two: its passphrase is random, nobody knows it, and any two of three parts open it.

Two parts are for two people, the third for an envelope, for the day on which one of the two is missing. Beside the key lies a file
with the passphrase sealed three times, once for each pair of parts (AES-256-GCM; a part has 160 random bits, so no slow derivation
is needed). One part opens nothing, and the file with one part opens nothing.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ged.durable import replace_file, sync_folder
from ged.errors import ConfigError, Invalid
from signing.authority_key import encrypted
from signing.pki import OfflineRoot

FILE = "root-parts.json"
NEW = f"{FILE}.new"
FORMAT = "ged root parts 1"
LETTERS = ("A", "B", "C")
ENVELOPE = "C"
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are read for one another on paper."""
LENGTH, CHECKS, GROUP = 32, 3, 5


@dataclass(frozen=True)
class Parts:
    """What lies beside the key: who holds part A and part B (by account), and the sealed passphrase, by pair of parts."""

    holders: Mapping[str, str]
    sealed: Mapping[str, bytes]

    def holder_of(self, part: str) -> str:
        """The account that holds a typed part; empty: it is the envelope's.

        Raises:
            Invalid: ``root.part_wrong``: it is mistyped.
        """
        return self.holders.get(_letter_of(part), "")

    def passphrase(self, first: str, second: str) -> str:
        """The root's passphrase.

        Raises:
            Invalid: ``root.part_wrong``; ``root.part_twice``: it is one part, typed twice.
        """
        typed = {_letter_of(one): _bare(one) for one in (first, second)}
        if len(typed) != 2:
            raise Invalid("root.part_twice", "two people type two different parts")
        pair = "".join(sorted(typed))
        content = self.sealed[pair]
        try:
            opened = AESGCM(_key(pair, typed)).decrypt(content[:12], content[12:], _about(self.holders))
        except InvalidTag:
            raise Invalid("root.part_wrong", "type both parts again; parts of an earlier split open nothing") from None
        return opened.decode()


def read(root: Path) -> Parts | None:
    """The parts of the root's key in a folder; None: it is under a passphrase that somebody knows.

    A file counts where it names the key that lies beside it: so a split that was interrupted leaves one way that opens the key.

    Raises:
        ConfigError: ``root.parts_damaged``; ``authority.root_missing``.
    """
    try:
        key = (root / "root.key").read_bytes()
    except OSError as error:
        raise ConfigError(
            "authority.root_missing", "Name the folder that holds the root's key.", setting="--root"
        ) from error
    for path in (root / FILE, root / NEW):
        if path.exists() and (found := _read(path, hashlib.sha256(key).hexdigest())) is not None:
            return found
    return None


def _read(path: Path, key_sha256: str) -> Parts | None:
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        if document["key_sha256"] != key_sha256:
            return None
        sealed = {pair: bytes.fromhex(document["pairs"][pair]) for pair in ("AB", "AC", "BC")}
        return Parts({name: str(document["holders"][name]) for name in ("A", "B")}, sealed)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "root.parts_damaged", f"put {path.name} back from a copy of the medium", setting="--root"
        ) from error


@dataclass(frozen=True)
class Made:
    """Three new parts as they are told, once; nothing is written yet."""

    texts: Mapping[str, str]
    parts: Parts
    new_passphrase: str


def make(holder_a: str, holder_b: str) -> Made:
    """Three parts of a new passphrase, for two accounts and an envelope."""
    words = secrets.token_hex(32)
    bare = {letter: "".join(secrets.choice(SIGNS) for _ in range(LENGTH)) for letter in LETTERS}
    holders = {"A": holder_a, "B": holder_b}
    sealed = {}
    for pair in combinations(LETTERS, 2):
        nonce, name = secrets.token_bytes(12), "".join(pair)
        sealed[name] = nonce + AESGCM(_key(name, bare)).encrypt(nonce, words.encode(), _about(holders))
    return Made({letter: _text(letter, one) for letter, one in bare.items()}, Parts(holders, sealed), words)


def put(made: Made, offline: OfflineRoot) -> None:
    """Encrypt the root's key under the passphrase of new parts. The earlier passphrase, or the earlier parts, open it no more.

    Interrupted, either the earlier way opens it or the new one (see ``read``): the same call is made again, or is done.

    Raises:
        ConfigError, Invalid: as ``OfflineRoot.open``.
    """
    key = offline.open()
    if any(
        made.parts.passphrase(made.texts[one], made.texts[other]) != made.new_passphrase
        for one, other in combinations(LETTERS, 2)
    ):
        # Before anything is written: on the day on which the root is needed it would be too late.
        raise AssertionError("a pair of parts does not open what it seals")
    content = encrypted(key, made.new_passphrase.encode())
    document = {
        "format": FORMAT, "key_sha256": hashlib.sha256(content).hexdigest(), "holders": dict(made.parts.holders),
        "pairs": {pair: one.hex() for pair, one in made.parts.sealed.items()},
    }  # fmt: skip
    _finish(offline.folder)
    # The parts before the key: each file names the key that it opens, so at each moment one of the two opens the key
    # there.
    replace_file(offline.folder / NEW, json.dumps(document, indent=1).encode() + b"\n", mode=0o600)
    replace_file(offline.folder / "root.key", content, mode=0o600)
    _finish(offline.folder)


def _finish(folder: Path) -> None:
    """Give the new parts their name where the key is theirs. A split that was interrupted before this is finished by the next one:
    it would write its own parts over the only ones that open the key.
    """
    place, key = folder / NEW, (folder / "root.key").read_bytes()
    if place.exists() and _read(place, hashlib.sha256(key).hexdigest()) is not None:
        place.replace(folder / FILE)
        sync_folder(folder)


def is_same(one: str, other: str) -> bool:
    """Whether two typed texts are one part."""
    return _signs(one) == _signs(other)


def _text(letter: str, bare: str) -> str:
    whole = bare + _checks(letter, bare)
    return "-".join((letter, *(whole[at : at + GROUP] for at in range(0, len(whole), GROUP))))


def _bare(part: str) -> str:
    return _signs(part)[1 : 1 + LENGTH]


def _letter_of(part: str) -> str:
    signs = _signs(part)
    letter, bare, checks = signs[:1], signs[1 : 1 + LENGTH], signs[1 + LENGTH :]
    if letter not in LETTERS or len(signs) != 1 + LENGTH + CHECKS or checks != _checks(letter, bare):
        raise Invalid("root.part_wrong", "type the part again, sign by sign")
    return letter


def _signs(part: str) -> str:
    return "".join(one for one in part.upper() if one.isalnum())


def _checks(letter: str, bare: str) -> str:
    digest = hashlib.sha256(f"{FORMAT}:{letter}:{bare}".encode()).digest()
    return "".join(SIGNS[one % len(SIGNS)] for one in digest[:CHECKS])


def _key(pair: str, bare: Mapping[str, str]) -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"{FORMAT} {pair}".encode())
    return derive.derive("|".join(bare[letter] for letter in pair).encode())


def _about(holders: Mapping[str, str]) -> bytes:
    return json.dumps({"format": FORMAT, "holders": dict(sorted(holders.items()))}, sort_keys=True).encode()
