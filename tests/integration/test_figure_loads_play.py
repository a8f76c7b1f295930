"""The loads of units and posts after any acts: as a count letter by letter with the rule of access alone has them; on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select

from ged.dashboard import reach
from ged.figures import operations as figures
from ged.figures.cuts import Cut
from ged.figures.periods import Period
from ged.org.models import Unit
from ged.ports import Confidentiality
from ged.register.models import Priority
from ged.unit import Services
from tests.factories import TODAY, actor
from tests.figure_loads_kit import LOAD_ACTS, RARE_LOAD_ACTS, READERS, LoadsPlay, numbers, one_by_one, shown
from tests.routing_kit import services_on_either as services

__all__ = ["services"]  # a fixture


def compare(services: Services, play: LoadsPlay, where: str) -> Counter[str]:
    """Compare for each reader the letters of all units, of those that the reader heads, and a narrower choice of the first."""
    with services.reading() as session:
        every = frozenset(session.scalars(select(Unit.id)))
    period = Period(TODAY, play.today)
    told = Counter[str]()
    for account in READERS:
        reader = actor(services, account, on=play.today)
        seen = reach.reach_of(reader)
        whole = Cut(int(Confidentiality.RESTRICTED), every)
        narrow = play.chance.choice(
            (
                replace(whole, priorities=(Priority.URGENT,)),
                replace(whole, natures=("invitation", "plainte")),
                replace(whole, level=0),
            )
        )
        cuts = {"all": whole, "own": seen.sight(seen.headed).cut(), "narrow": narrow}
        for name, cut in cuts.items():
            with services.snapshot() as session:
                must_be = numbers(
                    session, services.zone, one_by_one(session, services.zone, reader, cut, period, today=play.today)
                )
                found = shown(session, services.zone, reader, cut, period, today=play.today)
            assert found == must_be, (where, account, name)
            told[account] += sum(one[0] for one in must_be.values())
    return told


def played(services: Services, seed: int, acts: int) -> LoadsPlay:
    """Acts by chance, each kind at least twice. After some of them, before they are counted and once they are, the loads are compared."""
    play = LoadsPlay(services, seed)
    told = Counter[str]()
    figures.run(services, now=play.now)
    names = [*LOAD_ACTS, *LOAD_ACTS, *RARE_LOAD_ACTS, *play.chance.choices(LOAD_ACTS, k=acts)]
    play.chance.shuffle(names)
    for turn, name in enumerate(names):
        play.act(name)
        if turn % 9 == 0:
            play.now += play.some_hours()
            play.register()
        if turn % 24 == 23:
            for lost in ("close_to_heads", "give_to_post", "give_to_several"):
                play.act(lost)
            told += compare(services, play, f"before turn {turn} is counted")
        if turn % 16 == 15 or play.chance.random() < 0.02:
            figures.run(services, now=play.now)
        if turn % 48 == 47:
            told += compare(services, play, f"turn {turn}")
    assert len(set(told.values())) > 3, "the readers are told different numbers"
    return play


def test_the_loads_after_any_acts_are_those_of_a_count_letter_by_letter(services: Services) -> None:
    play = played(services, 1, 120)
    moving = {
        "close_to_heads",
        "give",
        "give_to_several",
        "give_to_post",
        "finish_any",
        "undo",
        "change_any_level",
        "open_envelope",
        "hand",
        "reorganise",
    }
    assert moving <= play.done.keys(), play.refused


@pytest.mark.long("each seed plays some hundred acts; one of them is played in the usual run")
@pytest.mark.parametrize("seed", range(2, 8))
def test_the_loads_of_other_plays(services: Services, seed: int) -> None:
    played(services, seed, 300)
