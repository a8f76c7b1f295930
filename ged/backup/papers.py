"""What a copy says of itself: the index, in clear and signed; the manifest, encrypted."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ged.backup.places import Place
from ged.backup.streams import GZIP_BITS
from ged.errors import EngineFailed

FORMAT = "ged-backup-1"
INDEX, SIGNATURE = "index.json.gz", "index.sig"
MANIFEST, DATABASE, FILES = "manifest.age", "database.age", "files.age"
_PIECES = frozenset({MANIFEST, DATABASE, FILES})
LARGEST_INDEX = 1 << 30
"""Bytes on the medium."""
_RATIO, _SPARE = 16, 1 << 20
"""Names of objects are random: an honest index is packed to half. What unpacks to much more is a bomb."""


@dataclass(frozen=True)
class Piece:
    """A file of a copy: its size and SHA-256 as it lies on the medium."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """What retention, the next run and a check without keys need to know of a copy.

    Attributes:
        objects: keys of the objects that the copy names.
        keys: digest of the archive of keys that belongs to it.
    """

    snapshot: str
    pieces: tuple[Piece, ...]
    objects: tuple[str, ...]
    keys: str

    def written(self) -> bytes:
        """Its bytes."""
        document = {"format": FORMAT, **asdict(self)}
        return gzip.compress(json.dumps(document, sort_keys=True).encode(), compresslevel=6, mtime=0)

    @classmethod
    def read(cls, folder: Place) -> "Index":
        """The index in a copy's folder.

        Raises:
            EngineFailed: ``backup.index_damaged``.
        """
        try:
            return cls._of(_content(folder))
        except (OSError, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
            raise EngineFailed(
                "backup.index_damaged",
                "take another copy of this medium, or another medium",
                where=f"{folder.name}/{INDEX}",
            ) from error

    @classmethod
    def signed(cls, folder: Place, public_pem: bytes) -> "Index | None":
        """The index in a copy's folder, read once: what is signed is what is returned. None: it is not ours, or damaged.

        Raises:
            Nothing: a copy that is not ours is no error here.
        """
        try:
            content = _content(folder)
            return cls._of(content) if _is_signed(content, folder, public_pem) else None
        except (OSError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
            return None

    @classmethod
    def _of(cls, content: bytes) -> "Index":
        document = json.loads(_unpacked(content))
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        pieces = tuple(Piece(str(p["name"]), int(p["size_bytes"]), str(p["sha256"])) for p in document["pieces"])
        if not {piece.name for piece in pieces} <= _PIECES:
            raise ValueError("a piece that is none")
        return cls(
            str(document["snapshot"]), pieces, tuple(str(one) for one in document["objects"]), str(document["keys"])
        )


def _content(folder: Place) -> bytes:
    with (folder / INDEX).open("rb") as stored:
        content = stored.read(LARGEST_INDEX + 1)
    if len(content) > LARGEST_INDEX:
        raise ValueError("too large")
    return content


def _unpacked(content: bytes) -> bytes:
    """Unpack an index that may come from anybody: never to much more than an honest one holds."""
    unpacker, most = zlib.decompressobj(wbits=GZIP_BITS), _RATIO * len(content) + _SPARE
    plain = unpacker.decompress(content, most)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("no gzip of ours")
    return plain


def is_signed(folder: Place, public_pem: bytes) -> bool:
    """Whether the journal's key signed the index in a copy's folder: nobody else made the copy."""
    try:
        return _is_signed(_content(folder), folder, public_pem)
    except (OSError, ValueError):
        return False


def _is_signed(content: bytes, folder: Place, public_pem: bytes) -> bool:
    try:
        public = serialization.load_pem_public_key(public_pem)
        if not isinstance(public, Ed25519PublicKey):
            return False
        with (folder / SIGNATURE).open("rb") as stored:
            public.verify(bytes.fromhex(stored.read(1000).decode("ascii")), content)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class Held:
    """A stored file in a copy.

    Attributes:
        digest: of its plain bytes.
        size_bytes: of the file as the server stores it, with its head and under its key; of one that only an earlier copy has, that
            of the object on the medium, which is larger. No more than this is unpacked.
        object: key of its object.
    """

    digest: str
    size_bytes: int
    object: str


@dataclass(frozen=True)
class Book:
    """A register in a copy: how many numbers were given in a year, and the last of them."""

    register: str
    year: int
    last: int
    text: str


@dataclass(frozen=True)
class Manifest:
    """What a copy holds.

    Attributes:
        program: newest revision of the tables that the program knew which made it.
        database, version: kind of the database, and the server's major version (0: SQLite).
        database_sha256, database_bytes: of the plain copy of the database.
        entries, head: number of the journal's entries in it, and the hash of the last.
        damaged: digests of stored files that the installation itself had lost or altered when the copy was made.
    """

    snapshot: str
    made_at: str
    program: str
    database: str
    version: int
    database_sha256: str
    database_bytes: int
    entries: int
    head: str
    books: tuple[Book, ...] = ()
    damaged: tuple[str, ...] = ()
    held: tuple[Held, ...] = field(default=(), repr=False)

    def lines(self) -> Iterator[bytes]:
        """Its lines: the facts, then one for each stored file."""
        facts = {"format": FORMAT, **asdict(replace(self, held=())), "held": len(self.held)}
        yield json.dumps(facts, sort_keys=True).encode() + b"\n"
        for one in self.held:
            yield json.dumps([one.digest, one.size_bytes, one.object]).encode() + b"\n"

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> "Manifest":
        """Read the lines again.

        Raises:
            EngineFailed: ``backup.altered``.
        """
        try:
            first, *rest = lines
            facts = json.loads(first)
            if facts.pop("format") != FORMAT or facts.pop("held") != len(rest):
                raise ValueError(FORMAT)
            held = tuple(Held(str(d), int(size), str(key)) for d, size, key in map(json.loads, rest))
            books = tuple(Book(**one) for one in facts.pop("books"))
            return cls(**facts | {"damaged": tuple(facts["damaged"])}, books=books, held=held)
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed("backup.altered", "take an earlier copy, or another medium", where=MANIFEST) from error
