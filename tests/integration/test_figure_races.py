"""Figures on PostgreSQL are made anew, and their sums are made once, while people act and other runs count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.dashboard import breakdown
from ged.figures import checking, sums
from ged.figures import operations as figures
from ged.figures.cuts import Cut
from ged.figures.models import NO_UNIT, STATE, FigureCell, FigureKey, FigureLetter, FigureState
from ged.figures.periods import Period
from ged.figures.stages import Grain, Stage
from ged.ports import Confidentiality
from ged.register.models import Priority
from ged.unit import Services
from tests.factories import NOW, TODAY, make_organisation, make_services
from tests.figure_play_kit import UNITS, Play, without_sums
from tests.hands_kit import at_once

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.engine.dispose()


def test_sums_that_are_made_while_people_act_and_runs_count_miss_and_double_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights at once, several runs, and acts in the moment between no sums and sums; a first night is killed in its middle.

    The letters are of four months, and each month's sums are made in a transaction.
    """
    play = Play(services)
    mails = [play.register(received_on=TODAY - timedelta(days=31 * (n % 4))) for n in range(10)]
    play.count()
    without_sums(services, sums.OPENED_BY)
    added, made = sums.added, sums.make_next
    of_a_month = iter(range(2 * len(sums.MODELS) * len(sums.SUM_KINDS)))

    def dies(model: Any, rows: Any, kind: Any) -> Any:
        if next(of_a_month, None) is None:
            raise KeyboardInterrupt
        return added(model, rows, kind)

    with monkeypatch.context() as patched:
        patched.setattr(sums, "added", dies)
        with suppress(KeyboardInterrupt):
            figures.heal(services, now=NOW)
    with services.reading() as session:
        state = session.get_one(FigureState, STATE)
        first = session.scalar(select(func.min(FigureCell.day)).where(FigureCell.grain == Grain.MONTH))
        assert (state.sums_whole, state.sums_upto) == (False, first)
    assert list(checking.compare(services)) == []

    def slowly(session: Session) -> bool:
        more = made(session)
        time.sleep(0.2)
        return more

    monkeypatch.setattr(sums, "make_next", slowly)
    acts = [partial(play.impute, mail_id, UNITS[mail_id % 2]) for mail_id in mails]
    nights = [partial(figures.heal, services, now=NOW)] * 2
    assert at_once(*acts, *nights, *[play.count] * 3, partial(play.register, received_on=TODAY)) == []
    play.count()
    with services.reading() as session:
        assert session.get_one(FigureState, STATE).sums_whole
        everything = Cut(int(Confidentiality.SECRET))
        assert breakdown.totals(session, everything, Period(TODAY, TODAY))["imputed"] == len(mails)
    assert list(checking.compare(services)) == []


def test_a_page_that_is_read_while_another_unit_gets_its_first_letter_does_not_count_it(services: Services) -> None:
    """Who sees every unit with letters reads the cells of all units. Each query of a page sees what was committed before it."""
    play = Play(services)
    for _ in range(3):
        play.impute(play.register(received_on=TODAY), "DGE")
    figures.heal(services, now=NOW)
    period = Period(TODAY, TODAY)
    with services.reading() as session:
        units = frozenset(session.scalars(select(FigureKey.unit_id).where(FigureKey.unit_id != NO_UNIT)))
        cut = Cut(int(Confidentiality.SECRET), units)
        before = breakdown.totals(session, cut, period)
        assert sums.grains(session, cut) == sums.OF_ALL
        play.impute(play.register(received_on=TODAY), "DAF")
        play.count()
        assert breakdown.totals(session, cut, period) == before
        assert breakdown.lines(session, cut, period, breakdown.By.NATURE, end=TODAY, stage=Stage.IMPUTATION) == (
            breakdown.lines(
                session,
                replace(cut, priorities=tuple(Priority)),
                period,
                breakdown.By.NATURE,
                end=TODAY,
                stage=Stage.IMPUTATION,
            )
        )
    with services.reading() as session:
        assert sums.grains(session, cut) == sums.OF_SUMS
        assert breakdown.totals(session, cut, period) == before


def test_two_rebuilds_at_once_miss_no_act_of_the_people_meanwhile(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build takes three letters in a transaction and is slow between them. People act on letters that are counted already."""
    monkeypatch.setattr(figures, "LETTERS", 3)
    play = Play(services)
    mails = [play.register(received_on=TODAY) for _ in range(12)]
    play.count()
    is_under_way = Event()

    def slowly(_done: int, _of: int) -> None:
        is_under_way.set()
        time.sleep(0.2)

    def acts(mail_id: int) -> None:
        assert is_under_way.wait(30)
        play.impute(mail_id, UNITS[mail_id % 2])

    builds = [partial(figures.rebuild, services, now=NOW, afresh=afresh, progress=slowly) for afresh in (True, False)]
    assert at_once(*(partial(acts, mail_id) for mail_id in mails), *builds, *[play.count] * 2) == []
    play.count()
    with services.reading() as session:
        state = session.get_one(FigureState, STATE)
        letters = session.scalar(select(func.count()).select_from(FigureLetter))
        assert (state.is_whole, state.sums_whole, letters) == (True, True, len(mails))
        everything = Cut(int(Confidentiality.SECRET))
        assert breakdown.totals(session, everything, Period(TODAY, TODAY))["imputed"] == len(mails)
    assert list(checking.compare(services)) == []
