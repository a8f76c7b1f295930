"""A folder of an entity, as it is read for being taken in. Nothing in it is believed before its digest is that of the manifest."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ged.case_export import VERIFIER
from ged.db import PROGRAM
from ged.errors import Invalid
from ged.transfer.export import FORMAT, document_path

_PART = re.compile(r"(?:rows|journal|journal/anchors|trust|reference)/[A-Za-z0-9_.-]+|[A-Za-z0-9_.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
PROVING = ("journal/", "journal.pub")


class Package:
    """A folder whose manifest is signed by the given key.

    Args:
        key_pem: the journal's public key of the other installation, which came another way than the folder.

    Raises:
        Invalid: ``entity.unreadable``, ``entity.not_signed``, ``entity.other_schema`` (with both).
    """

    def __init__(self, folder: Path, key_pem: bytes) -> None:
        self._folder, self.key_pem = folder, key_pem
        try:
            self.manifest_bytes = (folder / "manifest.json").read_bytes()
            self.signature = (folder / "manifest.sig").read_bytes()
            key = serialization.load_pem_public_key(key_pem)
            if not isinstance(key, Ed25519PublicKey):
                raise _unreadable("journal.pub")
            key.verify(bytes.fromhex(self.signature.decode("ascii")), self.manifest_bytes)
            self.manifest: dict[str, Any] = json.loads(self.manifest_bytes)
            self._parts: dict[str, Mapping[str, Any]] = {str(one["path"]): one for one in self.manifest["files"]}
            found, schema = self.manifest["format"], self.manifest["schema"]
            self.is_training = bool(self.manifest["training"])
        except InvalidSignature:
            raise Invalid(
                "entity.not_signed", "give the key of the installation that wrote it", field="--key"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise _unreadable("manifest.json") from None
        if found != FORMAT:
            raise _unreadable("manifest.json")
        if schema != PROGRAM:
            raise Invalid(
                "entity.other_schema", "bring both installations to one release", field="folder", theirs=str(schema), ours=PROGRAM
            )  # fmt: skip

    @property
    def sha256(self) -> str:
        """The digest of the manifest: the folder's name for ever."""
        return hashlib.sha256(self.manifest_bytes).hexdigest()

    def verify(self) -> None:
        """Let ``ged_verify.py`` check all of it, in a process of its own.

        Raises:
            Invalid: ``entity.broken``, with the first fault.
        """
        with NamedTemporaryFile(suffix=".pub") as key:
            key.write(self.key_pem)
            key.flush()
            done = subprocess.run(
                [sys.executable, "-P", str(VERIFIER), str(self._folder.resolve()), "--key", key.name, "--json"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        broken = [line for line in lines if line["state"] == "broken"]
        if broken:
            raise Invalid(
                "entity.broken", "have it sent again", field="folder", where=f"{broken[0]['what']}: {broken[0]['why']}"
            )
        if done.returncode not in (0, 3) or not lines or lines[0]["state"] != "proven":
            raise _unreadable("manifest.json")

    def part(self, path: str) -> bytes:
        """The bytes of a part, as the manifest names them.

        Raises:
            Invalid: ``entity.unreadable``: missing, or changed since.
        """
        listed = self._parts.get(path)
        if listed is None or not _PART.fullmatch(path) or ".." in path:
            raise _unreadable(path)
        try:
            content = (self._folder / path).read_bytes()
        except OSError:
            raise _unreadable(path) from None
        if hashlib.sha256(content).hexdigest() != listed["sha256"]:
            raise _unreadable(path)
        return content

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        """The lines of a part."""
        for line in self.part(path).splitlines():
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                raise _unreadable(path) from None
            if not isinstance(found, dict):
                raise _unreadable(path)
            yield found

    def documents(self) -> Iterator[tuple[str, Path]]:
        """(SHA-256, path) of each stored file. The caller compares."""
        for one in self.lines("documents.jsonl"):
            digest = str(one.get("sha256"))
            place = self._folder / document_path(digest)
            if not _SHA256.fullmatch(digest) or place.is_symlink() or not place.is_file():
                raise _unreadable(digest)
            yield digest, place

    def proof(self) -> bytes:
        """Manifest, signature and all of the journal, packed: the same folder gives the same bytes."""
        packed = BytesIO()
        parts = {"manifest.json": self.manifest_bytes, "manifest.sig": self.signature}
        parts |= {path: self.part(path) for path in sorted(self._parts) if path.startswith(PROVING)}
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
            for path, content in parts.items():
                out.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
        return packed.getvalue()


def _unreadable(path: str) -> Invalid:
    return Invalid("entity.unreadable", "have it sent again", field="folder", path=path[:120])
