"""Archives of small texts, taken over into rows: for the tests of packed files."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ged.ports import Digest
from ged.register.models import Direction, Register, RegisterNature
from ged.takeover.models import PackedFile, TakenLetter
from ged.takeover.operations import Takeover, TakeoverTarget, find_register, take_over
from ged.unit import Services
from tests.destroyed_kit import digests
from tests.factories import NOW
from tests.routing_kit import unit_id


def with_book(services: Services) -> Services:
    """The services, with a register of a paper book."""
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Register(
                code="PAPIER", name="Livres", unit_id=unit_id(services, "BO"), direction=Direction.INCOMING,
                nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
            )
        )  # fmt: skip
    return services


def run(services: Services, *lines: dict[str, Any], files: Path | None = None, into: str = "PAPIER") -> Takeover:
    """Take over the lines of a list; none of them may be refused."""
    with services.reading() as session:
        place = TakeoverTarget(find_register(session, into).id, "letters.jsonl", files, dry_run=False)
    refused: list[object] = []
    done = take_over(
        services, place, (json.dumps(one).encode() for one in lines), refuse=refused.append, progress=lambda _done: None
    )
    assert refused == []
    return done


def letters(services: Services) -> list[int]:
    with services.reading() as session:
        return list(session.scalars(select(TakenLetter.mail_id).order_by(TakenLetter.mail_id)))


def rows(services: Services) -> set[Digest]:
    with services.reading() as session:
        return {Digest(one) for one in session.scalars(select(PackedFile.digest))}


def text_of(services: Services, mail: int) -> bytes:
    (digest,) = {*digests(services, mail)}
    with services.blobs.open(digest) as plain:
        return plain.read()
