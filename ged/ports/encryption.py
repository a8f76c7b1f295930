"""Encryption of what leaves the server on a medium, by streams. Whoever encrypts need not be able to decrypt."""

from typing import Protocol


class Readable(Protocol):
    """What gives bytes: a file, a pipe."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        ...


class Writable(Protocol):
    """What takes bytes."""

    def write(self, content: bytes, /) -> int:
        """Take all of them."""
        ...

    def flush(self) -> None:
        """Pass on what was kept back."""
        ...


class Encryptor(Protocol):
    """Encrypts for whoever holds a private key or a passphrase."""

    def encrypt(self, source: Readable, target: Writable) -> None:
        """Encrypt a stream. An error of ``source`` or ``target`` is raised as it is."""
        ...


class Decryptor(Protocol):
    """Opens what an ``Encryptor`` made."""

    def decrypt(self, source: Readable, target: Writable) -> None:
        """Decrypt a stream. What was written before an error must be thrown away.

        Raises:
            EngineFailed: ``backup.wrong_key``: it was encrypted for another key; ``backup.altered``: a byte of it is
                not what was written.
        """
        ...
