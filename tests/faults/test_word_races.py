"""Two people upload a Word file at once, on PostgreSQL. One becomes the version; the other person is told. Nothing is
lost."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.errors import StaleVersion
from ged.signbook.drafts import Saved
from ged.signbook.models import DraftVersion
from ged.word.models import WordPages
from ged.writing import word
from tests.factories import NOW
from tests.lock_kit import Actor
from tests.signbook_kit import House, make_house
from tests.word_kit import ENGINE, edited, given, needs_office, received, taken

pytestmark = pytest.mark.servers
SAID = "Votre demande est acceptée"


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    needs_office()
    made = make_house(tmp_path, url=request.getfixturevalue("make_database")())
    yield House(dataclasses.replace(made.services, word=ENGINE), made.signer)
    made.services.engine.dispose()


def test_of_two_uploads_at_once_one_is_the_version_and_the_other_is_told(house: House) -> None:
    mail_id = house.answer()
    content = taken(house, mail_id)
    came = [received(house, mail_id, edited(content, {SAID: f"Texte {n}"})) for n in range(2)]
    version, together = house.show(mail_id, "dge").version, threading.Barrier(2)

    def keep(n: int) -> Saved | StaleVersion:
        together.wait(30)
        try:
            return word.keep(house.services, mail_id, came[n], version=version, actor=house.who("dge"), now=NOW)
        except StaleVersion as stale:
            return stale

    ends = [one.result() for one in [Actor(lambda n=n: keep(n)) for n in range(2)]]
    (told,) = [one for one in ends if isinstance(one, StaleVersion)]
    assert told.code in {"word.stale", "draft.stale"}
    won = next(n for n in range(2) if isinstance(ends[n], Saved))
    assert f"Texte {won}" in house.show(mail_id, "dge").body
    with pytest.raises(StaleVersion, match=r"word\.stale"):  # sent again, it is compared with the other version
        given(house, mail_id, edited(content, {SAID: f"Texte {1 - won}"}))
    with house.services.reading() as session:
        rows = session.scalars(select(DraftVersion.word_id).where(DraftVersion.mail_id == mail_id)).all()
    assert len([one for one in rows if one is not None]) == 1


def test_two_workers_make_the_pages_once(house: House) -> None:
    mail_id = house.answer()
    given(house, mail_id, taken(house, mail_id))
    together = threading.Barrier(2)

    def make() -> None:
        together.wait(30)
        word.run_pages(house.services, mail_id, now=NOW)

    for one in [Actor(make) for _ in range(2)]:
        one.result()
    with house.services.reading() as session:
        (kept,) = session.scalars(select(WordPages)).all()
        assert kept.pdf
