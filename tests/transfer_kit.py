"""Two small ministries in one installation, each at work: the first one leaves."""

from __future__ import annotations

import io
import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import ged_verify
from ged.archive.keeping import seal_folder
from ged.closing import operations as closing
from ged.correspondents import directory
from ged.correspondents.directory import CorrespondentForm
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import Digest, PostId, RegisterId
from ged.register.models import AttachmentKind, Direction, Register, RegisterNature
from ged.register.operations import IncomingForm, SourcePage, attach, register_incoming
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.transfer.export import export
from ged.unit import Role, Services
from tests import pages, slip_kit
from tests.factories import NOW, TODAY, actor
from tests.letter_kit import opened_envelope, rectified
from tests.signbook_kit import House, make_house

THEIRS = "Radisson"
"""Stands in each text of the other ministry, in its codes and in its files."""
LATER = NOW + timedelta(days=1)


def make_two(folder: Path, *, url: str | None = None) -> House:
    """The ministry ``MIN`` with letters, a signed answer, slips, an envelope, a closed day; and beside it another one."""
    house = make_house(folder, url=url)
    add_other(house.services)
    answer = house.ready()
    (result,) = house.sign(answer, key=house.key("sg"))
    assert result.failure is None
    opened_envelope(house)
    rectified(house, house.incoming(), "corrigé")
    slip = slip_kit.send(house.services, LineForm(description="Dossier")).slip_id or 0
    slip_kit.take(house.services, slip, LineState.RECEIVED)
    document(house.services, house.incoming(), "Annexe", account="agent")
    their_letter(house.services)
    for code in ("ARR", "DEP", f"{THEIRS}-ARR"):
        closing.close_days(house.services, slip_kit.register_id(house.services, code), TODAY, now=LATER)
    return house


def add_other(services: Services) -> None:
    """A ministry with an authority and a mail office, each code, account and text with ``THEIRS``."""
    with services.unit_of_work(NOW) as uow:
        top = Unit(code=THEIRS, name=f"Ministère {THEIRS}", is_entity=True)
        uow.session.add(top)
        uow.session.flush()
        for code, roles in (
            ("T", (Role.AUTHORITY, Role.SIGNATORY, Role.HEAD)),
            ("B", (Role.CLERK, Role.ADMINISTRATOR)),
        ):
            post = Post(
                code=f"{THEIRS}-{code}", title=f"Poste {THEIRS}", unit_id=top.id, roles=[PostRole(role=role) for role in roles]
            )  # fmt: skip
            person = Person(account=f"{THEIRS}-{code}".lower(), name=f"Personne {THEIRS}")
            uow.session.add_all([post, person])
            uow.session.flush()
            uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
        uow.session.add(
            Register(
                code=f"{THEIRS}-ARR", name=f"Arrivées {THEIRS}", unit_id=top.id, direction=Direction.INCOMING,
                nature=RegisterNature.ARRIVAL, pattern="{seq:04d}/{year}/" + THEIRS,
            )
        )  # fmt: skip
    clerk = actor(services, f"{THEIRS}-b".lower())
    with services.unit_of_work(NOW) as uow:
        directory.add(uow, CorrespondentForm(f"Mairie {THEIRS}"), actor=clerk)


def their_letter(services: Services) -> int:
    """A letter of the other ministry, with a document."""
    with services.reading() as session:
        theirs = PostId(session.scalars(select(Post.id).where(Post.code == f"{THEIRS}-T")).one())
    form = IncomingForm(f"Demande {THEIRS}", f"Expéditeur {THEIRS}", theirs)
    who = actor(services, f"{THEIRS}-b".lower())
    with services.unit_of_work(NOW) as uow:
        register_id = RegisterId(slip_kit.register_id(services, f"{THEIRS}-ARR"))
        mail_id = register_incoming(uow, register_id, form, actor=who, now=NOW).mail_id
    document(services, mail_id, THEIRS, account=f"{THEIRS}-b".lower())
    return mail_id


def document(services: Services, mail_id: int, text: str, *, account: str) -> str:
    """Add a document that is this text. Returns its digest."""
    stored = services.blobs.put(io.BytesIO(pages.png(text) + text.encode()))
    with services.unit_of_work(NOW) as uow:
        attach(
            uow, mail_id, kind=AttachmentKind.ANNEX, pages=[SourcePage(Digest(stored.digest), "image/png", 0)],
            media_type="image/png", actor=actor(services, account), now=NOW, filename=f"{text}.png",
            digest=Digest(stored.digest), size_bytes=stored.size_bytes,
        )  # fmt: skip
    return stored.digest


def written(house: House, folder: Path) -> Path:
    """Export the first ministry. Returns the folder."""
    return export(house.services, "MIN", folder, now=LATER).folder


def held(house: House, folder: Path) -> list[str]:
    """The journal's key and the root, which a reader got by another way, as arguments of ``ged_verify.py``."""
    key, root = folder / "held.pub", folder / "held.pem"
    shutil.copy(seal_folder(house.services) / "journal.pub", key)
    root.write_text(house.services.vault.trust_roots_pem()[0])
    return ["--key", str(key), "--trust", str(root)]


def told(folder: Path, given: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of ``ged_verify.py``."""
    code = ged_verify.main([str(folder), *given, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]
