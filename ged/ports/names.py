"""Identifiers used by all ports: digests, principals, levels of confidentiality."""

from datetime import UTC, date, datetime
from enum import IntEnum
from typing import NewType

UnitId = NewType("UnitId", int)
PostId = NewType("PostId", int)
PersonId = NewType("PersonId", int)
RegisterId = NewType("RegisterId", int)
MailId = NewType("MailId", int)
AttachmentId = NewType("AttachmentId", int)
ScanId = NewType("ScanId", int)
SlipId = NewType("SlipId", int)
JobId = NewType("JobId", int)

Digest = NewType("Digest", str)
"""SHA-256 of plain bytes, 64 lower-case hexadecimal characters."""

Principal = NewType("Principal", str)
"""A unit (``u12``; ``c12`` only its heads), post (``p7``; ``d7`` without its secretary, ``t7`` only its holder) or person
(``h3``) that may see a letter."""


def unit_principal(unit_id: int) -> Principal:
    """The principal of a unit."""
    return Principal(f"u{unit_id}")


def heading_principal(unit_id: int) -> Principal:
    """The principal of who heads a unit, directly or from above; not of its other members."""
    return Principal(f"c{unit_id}")


def post_principal(post_id: int) -> Principal:
    """The principal of a post."""
    return Principal(f"p{post_id}")


def deciding_principal(post_id: int) -> Principal:
    """The principal of a post's deciders: its holder, and people with a delegation or interim; not its secretary."""
    return Principal(f"d{post_id}")


def holder_principal(post_id: int) -> Principal:
    """The principal of a post's holder only, without anybody who acts for the post."""
    return Principal(f"t{post_id}")


def person_principal(person_id: int) -> Principal:
    """The principal of a person."""
    return Principal(f"h{person_id}")


def exception_principal(person_id: int, until_on: date) -> Principal:
    """The principal of a person who reads one letter by exception, up to a day: the day ends the right, without any job."""
    return Principal(f"x{person_id}d{until_on:%Y%m%d}")


def exception_of(principal: Principal) -> tuple[int, date] | None:
    """The person and the last day of an ``exception_principal``; None for any other."""
    if not principal.startswith("x"):
        return None
    person, _, day = principal[1:].partition("d")
    return int(person), datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()


class Confidentiality(IntEnum):
    """Level of a letter, in ascending order of secrecy."""

    ORDINARY = 0
    RESTRICTED = 1
    SECRET = 2
