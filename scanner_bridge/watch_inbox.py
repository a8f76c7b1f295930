"""Documents taken from watched folders, kept on the disk until the server has them. A kill at any point loses none.

A document is copied, flushed, and renamed into place. The original stays in its folder until the server's receipt.
"""

import errno
import hashlib
import json
import logging
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, Literal

from scanner_bridge.durable import PART_SUFFIX, fault_of, make_folder, sync_folder, write_durably
from scanner_bridge.watch_files import MEDIA_TYPES, Seen, look, open_plain

log = logging.getLogger(__name__)

INBOX_NAME: Final = "inbox"
_ENTRY: Final = "entry.json"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A document: ``taken`` until the server's response, then ``sent`` or ``refused`` until its original is moved."""

    key: str
    folder: str
    name: str
    size: int
    mtime_ns: int
    digest: str
    media_type: str
    taken_at: str
    state: Literal["taken", "sent", "refused"] = "taken"
    problem: str = ""

    @property
    def file(self) -> str:
        """The name of the copy."""
        return f"document{MEDIA_TYPES[self.media_type]}"

    @property
    def original(self) -> Path:
        """The path of the original in the watched folder."""
        return Path(self.folder) / self.name

    def is_of(self, seen: Seen) -> bool:
        """Whether a file in the folder is this document. A reused name with other size or time is another document."""
        return self.original == seen.path and (self.size, self.mtime_ns) == (seen.size, seen.mtime_ns)


class Inbox:
    """All documents not yet finished; used by the watching thread only."""

    def __init__(self, root: Path, *, free_bytes: int) -> None:
        """Open the inbox below ``root``, and delete incomplete copies that a kill left."""
        self._root, self._free_bytes = root, free_bytes
        self._entries: dict[str, Entry] = {}
        make_folder(root)
        for folder in sorted(root.iterdir()):
            if folder.name.endswith(PART_SUFFIX):
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.is_dir():
                self._load(folder)

    def _load(self, folder: Path) -> None:
        try:
            entry = Entry(**json.loads((folder / _ENTRY).read_bytes()))
        except (OSError, ValueError, TypeError):
            log.exception("%s is damaged; it is left as it is", folder)
            return
        self._entries[entry.key] = entry

    def entries(self) -> list[Entry]:
        """Every document, in the order in which they were taken."""
        return sorted(self._entries.values(), key=lambda entry: entry.taken_at)

    def holds(self, seen: Seen) -> bool:
        """Whether this file was already taken."""
        return any(entry.is_of(seen) for entry in self._entries.values())

    def take(self, seen: Seen, media_type: str, *, now: str) -> Entry | None:
        """Copy a document into the inbox; None when the original changed meanwhile.

        Raises:
            ScanFault: ``disk_full`` or ``spool_io``.
            OSError: the original cannot be read.
        """
        key = secrets.token_hex(16)
        part, final = self._root / f"d-{key}{PART_SUFFIX}", self._root / f"d-{key}"
        try:
            with open_plain(seen.path) as source:
                digest = self._copy(source, part / f"document{MEDIA_TYPES[media_type]}", seen.size)
            # The copier may have written on while it was copied.
            if not digest or look(seen.path) != seen:
                return None
            entry = Entry(key, str(seen.path.parent), seen.path.name, seen.size, seen.mtime_ns, digest, media_type, now)
            write_durably(part / _ENTRY, _json(entry))
            try:
                part.rename(final)
                sync_folder(self._root)
            except OSError as error:
                raise fault_of(error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._entries[key] = entry
        return entry

    def _copy(self, source: BinaryIO, target: Path, size: int) -> str:
        """Copy and flush; returns the SHA-256, or an empty string when the source's size has changed."""
        hasher, copied = hashlib.sha256(), 0
        try:
            target.parent.mkdir(mode=0o700)
            if shutil.disk_usage(self._root).free < size + self._free_bytes:
                raise OSError(errno.ENOSPC, "no space left for the document")
            with target.open("xb") as file:
                while block := source.read(_BLOCK):
                    file.write(block)
                    hasher.update(block)
                    copied += len(block)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise fault_of(error) from error
        return hasher.hexdigest() if copied == size else ""

    def set_state(self, entry: Entry, state: Literal["taken", "sent", "refused"], problem: str = "") -> Entry:
        """Store the server's response.

        Raises:
            ScanFault: the write failed; the document is then sent again, which is idempotent.
        """
        changed = replace(entry, state=state, problem=problem)
        write_durably(self._root / f"d-{entry.key}" / _ENTRY, _json(changed))
        self._entries[entry.key] = changed
        return changed

    def open(self, entry: Entry) -> BinaryIO | None:
        """The copy; None if the disk does not return the bytes that were taken."""
        path = self._root / f"d-{entry.key}" / entry.file
        try:
            if digest_of(path) == entry.digest:
                return path.open("rb")
        except OSError as error:
            log.error("the copy of %s cannot be read: %s", entry.name, error)
        return None

    def drop(self, entry: Entry) -> None:
        """Remove a finished document from the inbox."""
        self._entries.pop(entry.key, None)
        folder = self._root / f"d-{entry.key}"
        part = folder.with_name(folder.name + PART_SUFFIX)
        try:
            folder.rename(part)
            sync_folder(self._root)
        except OSError as error:
            log.warning("%s stays until the next start: %s", folder, error)
            return
        shutil.rmtree(part, ignore_errors=True)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def waiting_documents(home: Path) -> int:
    """The number of waiting documents, counted without opening the inbox, which the running agent owns."""
    return sum(not path.name.endswith(PART_SUFFIX) for path in (home / INBOX_NAME).glob("d-*"))


def _json(entry: Entry) -> bytes:
    return json.dumps(asdict(entry), indent=1).encode()
