"""Writes the readable part of a disk: registers, letters, words and files, each part sealed.

Memory holds a hundred letters and a share of the words at a time. What a killed run wrote of files counts for the next one; the
rest is written anew, since letters change.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ged.backup.medium import write_whole
from ged.disk import reading, terms, words
from ged.disk.reading import Book, Json, Letter, Piece
from ged.disk.sealing import KEY_NAME, DiskKey
from ged.errors import EngineFailed, GedError
from ged.ports import BlobStore, Writable
from ged.progress import Progress

LINES, LETTERS = 200, 100
"""Lines of a register in a part, letters in a part."""
PIECE_BYTES = 3 << 20
"""Plain bytes of a file in a part: a page in the browser holds no more of it as text at a time."""
PROGRAM = Path(__file__).parent / "static"
FOLDER, FILES = "lecture", "fichiers"
PAGE = "OUVRIR.html"
WAITING_PAGE = "OUVRIR.html.part"
AT_ONCE = 4
"""Files that are written at the same time."""
EACH = 10
"""After so many parts of letters, the progress is told."""


@dataclass
class Counts:
    """What was written; ``unreadable``: stored files that could not be read, or whose key was destroyed."""

    letters: int = 0
    files: int = 0
    file_bytes: int = 0
    words: int = 0
    unreadable: int = 0
    parts: list[str] = field(default_factory=list)


class Readable:
    """The readable part of a disk that is being made.

    Args:
        draft: the folder of the disk.
        spare: a private folder of the server.
    """

    def __init__(self, draft: Path, key: DiskKey, blobs: BlobStore, spare: Path, progress: Progress) -> None:
        self._draft, self._folder, self._key, self._blobs, self._spare = draft, draft / FOLDER, key, blobs, spare
        self._progress = progress
        self.counts = Counts()
        self._words: list[str] = []
        self._known: dict[str, Json] = {}

    def prepare(self) -> None:
        """Write the first file, which tells the page how the passphrase becomes the key."""
        self._folder.mkdir(exist_ok=True)
        self._write(f"{KEY_NAME}.js", self._key.file)

    def write(self, session: Session, zone: ZoneInfo) -> list[Json]:
        """Write letters, words, files and registers of one moment.

        Returns:
            The registers, for the first page.

        Raises:
            DiskFull: ``backup.no_room``.
        """
        ids = reading.letter_ids(session)
        places = {mail_id: place for place, mail_id in enumerate(ids)}
        gathering = terms.Gathering(self._spare)
        letters = reading.Letters(session, zone, places)
        with ThreadPoolExecutor(AT_ONCE) as writers:
            for start in range(0, len(ids), LETTERS):
                found = letters.read(ids[start : start + LETTERS])
                self._store(found, writers)
                entries = [self._letter(one, gathering, places[one.id]) for one in found]
                self._seal(f"lettres/{start // LETTERS}", entries)
                self.counts.letters += len(found)
                if start // LETTERS % EACH == 0 or start + LETTERS >= len(ids):
                    self._progress(f"letters: {min(start + LETTERS, len(ids))}/{len(ids)}")
        self._progress("words")
        for number, shard in enumerate(terms.shards(gathering.all())):
            self._seal(f"mots/{number}", {"t": [term for term, _ in shard], "p": [packed for _, packed in shard]})
            self._words.append(shard[0][0])
            self.counts.words += len(shard)
        self._progress("registers")
        return [self._book(session, book, places, zone) for book in reading.books(session)]

    def finish(self, first_page: Json) -> None:
        """Write the first page's part, and the page that people open, which waits under another name until all is there.

        Args:
            first_page: JSON values; see ``making``.
        """
        for name in ("disque.js", "disque.css"):
            self._write(f"programme/{name}", (PROGRAM / name).read_bytes())
        self._remove_what_is_not_named()
        self._seal("parties", list(self.counts.parts))
        self._seal("accueil", first_page | {"sizes": {"lines": LINES, "letters": LETTERS}, "words": self._words})
        self._put(self._draft / WAITING_PAGE, (PROGRAM / "ouvrir.html").read_bytes())

    def _remove_what_is_not_named(self) -> None:
        """Files of an interrupted run whose letter was meanwhile disposed of, or raised above the ordinary level; and what is not ours."""
        named = {self._folder / f"{part}.js" for part in self.counts.parts}
        for _name, path in files_of(self._folder / FILES):
            if path not in named:
                path.unlink()

    def _book(self, session: Session, book: Book, places: dict[int, int], zone: ZoneInfo) -> Json:
        for year, (count, _first, _last) in book.years.items():
            below = None
            for page in range((count + LINES - 1) // LINES):
                found, below = reading.lines(session, book.id, year, below=below, limit=LINES, zone=zone)
                for line in found:
                    line["m"] = places.get(line["m"], -1)
                self._seal(f"registre/{book.id}-{year}-{page}", found)
                session.expunge_all()
        years = [[year, *numbers] for year, numbers in sorted(book.years.items(), reverse=True)]
        nature = words.NATURES[book.nature]
        return {
            "id": book.id,
            "code": book.code,
            "name": book.name,
            "unit": book.unit,
            "nature": nature,
            "years": years,
        }

    def _letter(self, letter: Letter, gathering: terms.Gathering, place: int) -> Json:
        heading = terms.words_of(letter.heading)
        for text, sequence in letter.numbers:
            heading |= terms.terms_of_number(text, sequence) | terms.words_of(text)
        gathering.add(place, heading, terms.words_of(letter.text))
        return letter.data | {"files": [self._file(piece) for piece in letter.pieces]}

    # --- files

    def _store(self, letters: Sequence[Letter], writers: Executor) -> None:
        """Write the files of letters that are not there yet, several at a time: a medium answers slowly."""
        new = {piece.digest: piece for one in letters for piece in one.pieces if piece.digest not in self._known}
        for piece, (stored, parts) in zip(new.values(), writers.map(self._stored, new.values()), strict=True):
            self._known[piece.digest] = stored
            self.counts.parts += parts
            if parts:
                self.counts.files += 1
                self.counts.file_bytes += stored["size"]
            else:
                self.counts.unreadable += 1

    def _file(self, piece: Piece) -> Json:
        """What a letter's page says of a file: ``f`` its name on the disk, ``c`` its pieces; neither where it cannot be read."""
        return {"name": piece.name, "kind": piece.kind, "type": piece.media_type} | self._known[piece.digest]

    def _stored(self, piece: Piece) -> tuple[Json, list[str]]:
        """(what is told of a file, its parts). No part: it is lost, altered, or its key was destroyed."""
        sealed = self._key.name_of(piece.digest)
        name = f"{FILES}/{sealed[:2]}/{sealed}"
        try:
            with self._blobs.open(piece.digest) as stored:
                size, parts = self._pieces(name, stored, piece.digest)
        except GedError as error:
            # A medium that fails, or a store that is away for a moment: the disk would lack documents that are there.
            if error.code.startswith("backup.") or error.retryable:
                raise
            return {"lost": error.code}, []
        return {"f": name, "c": len(parts), "size": size, "sha256": str(piece.digest)}, parts

    def _pieces(self, name: str, stored: BinaryIO, digest: str) -> tuple[int, list[str]]:
        """(bytes, parts) of a file. A part of an interrupted run is not written again where it holds these bytes."""
        hasher, size, parts = hashlib.sha256(), 0, list[str]()
        while (content := _up_to(stored, PIECE_BYTES)) or not parts:
            part = f"{name}-{len(parts)}"
            if not self._holds(part, content):
                self._write(f"{part}.js", self._key.sealed(part, content, packed=False))
            hasher.update(content)
            size += len(content)
            parts.append(part)
        if hasher.hexdigest() != digest:
            raise EngineFailed("blob.altered", "restore the file from a backup", digest=digest)
        return size, parts

    def _holds(self, part: str, content: bytes) -> bool:
        place = self._folder / f"{part}.js"
        try:
            return place.is_file() and self._key.unsealed(part, place.read_bytes()) == content
        except GedError:
            return False

    def _seal(self, name: str, document: object) -> None:
        content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self._write(f"{name}.js", self._key.sealed(name, content, packed=True))
        self.counts.parts.append(name)

    def _write(self, name: str, content: bytes) -> None:
        self._put(self._folder / name, content)

    def _put(self, place: Path, content: bytes) -> None:
        put(place, content)


def put(place: Path, content: bytes) -> None:
    """Write a file of a disk, read it back, and only then give it its name.

    Raises:
        DiskFull: ``backup.no_room``; EngineFailed: ``backup.medium_damaged``.
    """

    def fill(out: Writable) -> None:
        out.write(content)

    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place.with_name(f"{place.name}.part"), fill, lambda _: place)


def _up_to(stored: BinaryIO, size: int) -> bytes:
    """So many bytes, or what is left: a store may give fewer at a time."""
    found = bytearray()
    while len(found) < size and (some := stored.read(size - len(found))):
        found += some
    return bytes(found)


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """(path from the top, file) of each file of a folder, in the order of the paths. A link or a pipe is told as a file."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix(), path
