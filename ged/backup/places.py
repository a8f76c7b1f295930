"""The port of a medium: a folder (``ged.backup.medium``), or a bucket (``ged.adapters.backup_s3``)."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from ged.ports import Writable

Fill = Callable[[Writable], None]


class Sized(Protocol):
    """The size of a file."""

    @property
    def st_size(self) -> int:
        """In bytes."""
        ...


class Place(Protocol):
    """A file or folder of a medium, as ``pathlib.Path`` has them."""

    @property
    def name(self) -> str:
        """Its last name."""
        ...

    def __truediv__(self, name: str, /) -> "Place":
        """A name in it."""
        ...

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        """Open it for reading.

        Raises:
            OSError: it is not there, or cannot be read.
        """
        ...

    def is_file(self) -> bool:
        """Whether it is there, and a file."""
        ...

    def stat(self) -> Sized:
        """Its size."""
        ...

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove it."""
        ...


@dataclass(frozen=True)
class Written:
    """A file on the medium: its size, and the SHA-256 of its bytes there."""

    size_bytes: int
    sha256: str


class AnyMedium(Protocol):
    """Where copies lie. What is written is there whole, or not at all."""

    def require(self) -> None:
        """Check that there is a medium here, for reading.

        Raises:
            NotFound: ``backup.no_medium``; EngineFailed: ``backup.medium_damaged``, ``store.*``.
        """
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Hold the medium against other runs; remove what a killed run left half written.

        Raises:
            InvalidTransition: ``backup.running``; NotFound: ``backup.medium_away``; EngineFailed: ``backup.medium_damaged``.
        """
        ...

    def require_room(self, size_bytes: int) -> None:
        """Check that so many bytes have room, where the medium can tell.

        Raises:
            DiskFull: ``backup.no_room``, with the missing bytes.
        """
        ...

    def objects(self) -> Mapping[str, Place]:
        """Key -> file of every object."""
        ...

    def write_object(self, key: str, fill: Fill) -> Written:
        """Write an object."""
        ...

    def write_file(self, snapshot: str, name: str, fill: Fill) -> Written:
        """Write a file of a copy that is not complete yet; the signature is the last."""
        ...

    def complete(self, snapshot: str) -> Place:
        """A copy is complete: from now on it counts."""
        ...

    def snapshots(self) -> list[str]:
        """The names of the complete copies, oldest first."""
        ...

    def path_of(self, snapshot: str) -> Place:
        """The folder of a complete copy."""
        ...

    def drop(self, snapshot: str) -> None:
        """Remove a copy; first what makes it count."""
        ...

    def shown_as(self, place: Place) -> str:
        """The name of a place, from the top of the medium."""
        ...

    def lies_in(self, folder: str) -> bool:
        """Whether it is a part of a folder of this machine: what takes the folder away takes the copies too."""
        ...

    def holds(self, folder: str) -> bool:
        """Whether a folder of this machine is a part of it."""
        ...
