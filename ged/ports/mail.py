"""E-mail that comes in and goes out."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class MessageRef:
    """A message in a mailbox: the server's number of the message, and its size."""

    uid_validity: int
    uid: int
    size_bytes: int


class OpenMailbox(Protocol):
    """A connection to a mailbox."""

    def waiting(self) -> Sequence[MessageRef]:
        """The messages in the collected folder, oldest first."""
        ...

    def read(self, ref: MessageRef) -> bytes | None:
        """The raw message, not marked as read; None when it is gone."""
        ...

    def put_away(self, ref: MessageRef, *, refused: bool) -> None:
        """Delete the message or move it to the folder of collected messages; if refused, to the folder of errors."""
        ...


class Mailbox(Protocol):
    """A mailbox that is collected for a unit.

    ``open`` raises EngineFailed: ``mailbox.unavailable``, ``mailbox.login``, ``mailbox.token``. All methods of the open
    mailbox raise the first of these.
    """

    @property
    def name(self) -> str:
        """The mailbox's name in this installation; its messages are recorded under this name."""
        ...

    @property
    def unit_code(self) -> str:
        """The unit whose clerks get its messages."""
        ...

    def open(self) -> AbstractContextManager[OpenMailbox]:
        """Connect."""
        ...


@dataclass(frozen=True)
class Message:
    """An e-mail; ``message_id`` is fixed before the first attempt."""

    message_id: str
    to: str
    subject: str
    text: str
    attachment_name: str | None = None
    attachment: bytes | None = None


@dataclass(frozen=True)
class DeliveryReport:
    """What a mail server reports of a message that was sent, for one recipient (RFC 3464).

    Attributes:
        message_id: of the message that was sent; empty: the report does not say.
        status: as RFC 3463 spells it: ``5.1.1``.
        is_permanent: it was not delivered, and is not tried again.
    """

    message_id: str
    recipient: str
    status: str
    is_permanent: bool


class Post(Protocol):
    """Sends e-mail."""

    def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            EngineFailed: ``post.failed``; retryable only when it is certain that nothing was sent.
        """
        ...
