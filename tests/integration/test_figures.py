"""The figures of the register: equal to a rebuild and to a recount of their own after any acts; on both databases."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, literal, select, text, update
from sqlalchemy.orm import Session

from ged import schema
from ged.dashboard import breakdown, movements
from ged.db import UtcDateTime, table_of
from ged.figures import cells, checking, counted, queries, sums
from ged.figures import operations as figures
from ged.figures.counted import Chosen, CountedRegister
from ged.figures.cuts import Cut
from ged.figures.days import local_day
from ged.figures.models import (
    NO_REGISTER,
    NO_UNIT,
    STATE,
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureKey,
    FigureLetter,
    FigureMove,
    FigureReturn,
    FigureRound,
    FigureScan,
    FigureSlip,
    FigureState,
)
from ged.figures.periods import Period
from ged.figures.queries import Standing
from ged.figures.stages import COUNTED, UNTOLD, Grain, Stage, bin_of, percentile
from ged.outlook import trends, ways
from ged.ports import Confidentiality
from ged.register.models import Channel, Direction, Mail, Priority
from ged.register.states import MailState
from ged.routing import calendar, calendar_changes
from ged.unit import Services, UnitOfWork
from tests.commands import Ended, ged
from tests.factories import NOW, TODAY, actor
from tests.figure_play_kit import ALL_KINDS, RARE, UNITS, WITH_SLIPS, Play, without_sums
from tests.figure_slips_kit import recount
from tests.hands_kit import at_once
from tests.routing_kit import services_on_either as services
from tests.routing_kit import unit_id
from tests.sample_kit import in_turn
from tests.worker_kit import Installation

__all__ = ["services"]  # a fixture

in_turns = pytest.mark.in_turns(3)
"""Of each test that shows one side of the figures; whole plays, races and who may see what are in each turn."""
ALL = Cut(level=int(Confidentiality.SECRET))


def content(services: Services) -> dict[str, Any]:
    """All figures, without the numbers of their keys."""
    with services.reading() as session:
        named = [
            one.name for one in FigureKey.__table__.columns if one.name not in ("id", "sum_id", "natures_id", "all_id")
        ]
        keys = {row.id: tuple(getattr(row, name) for name in named)
                for row in session.scalars(select(FigureKey))}  # fmt: skip
        return {
            model.__tablename__: sorted(
                repr([keys[value] if name == "key_id" else value for name, value in row._mapping.items()])
                for row in session.execute(select(*model.__table__.columns))
            )
            for model in (
                FigureCell,
                FigureDelay,
                FigureFlow,
                FigureHour,
                FigureScan,
                FigureSlip,
                FigureLetter,
                FigureReturn,
                FigureMove,
                FigureRound,
            )
        }


def recounted(services: Services) -> dict[tuple[str, str], int]:
    """(day, what) -> letters, told letter by letter from the rows and the calendar, without any code of the figures."""
    found: Counter[tuple[str, str]] = Counter()
    with services.reading() as session:
        letters = session.execute(
            text(
                "SELECT m.id, m.direction, m.state, m.received_on, m.due_on, m.closed_at, t.mail_id "
                "FROM mails m LEFT JOIN taken_letters t ON t.mail_id = m.id ORDER BY m.id"
            )
        ).all()
        for mail_id, direction, state, received_on, due_on, closed_at, taken in letters:

            def ask(sql: str, mail_id: int = mail_id) -> Any:
                return session.execute(text(sql), {"mail": mail_id}).all()

            numbers = ask("SELECT registered_on, voided_at FROM mail_numbers WHERE mail_id = :mail ORDER BY id")
            if not numbers:
                continue
            registered_on, voided_at = numbers[0]
            found[_day(registered_on), "numbered"] += 1
            if state == "voided":
                found[_day(voided_at), "voided"] += 1
                continue
            closed = _day(closed_at) if state == "closed" else None
            if direction == "outgoing" and taken:
                found[_day(closed_at), "closed"] += 1
                continue
            if direction == "outgoing":
                one = _written(session, mail_id)
                ended = min(filter(None, (one["dispatched"], closed)), default=None)
                for what, on in (
                    ("opened", _day(registered_on)), ("signed", one["signed"]), ("dispatched", one["dispatched"]),
                    ("closed", closed), ("ended", ended),
                ):  # fmt: skip
                    if on:
                        found[on, what] += 1
                continue
            received = _day(received_on or registered_on)
            undone = {row[0] for row in ask(
                "SELECT u.imputation_id FROM undone_imputations u JOIN imputations i ON i.id = u.imputation_id "
                "WHERE i.mail_id = :mail")}  # fmt: skip
            decided = [
                at
                for one, at in ask("SELECT id, decided_at FROM imputations WHERE mail_id = :mail")
                if one not in undone
            ]
            given = [row for row in ask("SELECT imputation_id, parent_id, is_leading, state, assigned_at, finished_at "
                                        "FROM assignments WHERE mail_id = :mail") if row[0] not in undone]  # fmt: skip
            leading = [row for row in given if row[1] is None and row[2]]
            answers = [row[5] for row in leading if row[3] == "done"] if state in ("answered", "closed") else []
            answered = _day(max(answers)) if answers else None
            ended = min(filter(None, (answered, closed)), default=None)
            ended = max(ended, received) if ended and not taken else None
            found[received, "received"] += 1
            found[received, "opened"] += not taken
            for what, on in (
                ("imputed", _day(min(decided)) if decided else None),
                ("assigned", min((_day(row[4]) for row in given if row[1] is not None), default=None)),
                ("answered", answered), ("closed", closed), ("ended", ended),
            ):  # fmt: skip
                if on:
                    found[on, what] += 1
            for row in leading:
                if row[3] == "returned":
                    found[_day(row[5]), "returned"] += 1
            if due_on is not None and not taken:
                late = max(_day(date.fromisoformat(_day(due_on)) + timedelta(days=1)), received)
                if ended is None or late < ended:
                    found[late, "fell_due"] += 1
                    if ended:
                        found[ended, "relieved"] += 1
    return dict(+found)


def _written(session: Session, mail_id: int) -> dict[str, str | None]:
    """The days of a letter that goes out, from its rows."""
    state, begun, signed = session.execute(
        text(
            "SELECT m.state, m.created_at, d.signed_at FROM mails m JOIN drafts d ON d.mail_id = m.id WHERE m.id = :mail"
        ),
        {"mail": mail_id},
    ).one()
    left = session.execute(text("SELECT left_at FROM dispatch_lines WHERE mail_id = :mail"), {"mail": mail_id}).all()
    return {
        "begun": _day(begun),
        "signed": _day(signed) if signed else None,
        "dispatched": max(_day(at) for (at,) in left) if state in ("dispatched", "closed") else None,
    }


def recounted_stages(services: Services) -> dict[tuple[str, str, int], int]:
    """(day, stage, working days) -> letters that go out, counted day by day with the calendar."""
    found: Counter[tuple[str, str, int]] = Counter()
    with services.reading() as session:
        known = calendar.calendar(session)
        for mail_id in session.scalars(text("SELECT mail_id FROM drafts d WHERE d.number_id IS NOT NULL")).all():
            one = _written(session, mail_id)
            for stage, first, last in (("signature", "begun", "signed"), ("dispatch", "signed", "dispatched")):
                if (since := one[first]) and (until := one[last]):
                    span = (date.fromisoformat(until) - (begun := date.fromisoformat(since))).days
                    worked = sum(known.is_working(begun + timedelta(days=n + 1)) for n in range(span))
                    found[until, stage, worked] += 1
    return dict(found)


def _stages(services: Services) -> dict[tuple[str, str, int], int]:
    """(day, stage, working days) -> letters that go out, as the figures say."""
    with services.reading() as session:
        rows = session.execute(
            text(
                "SELECT day, stage, at_least, sum(letters) FROM figure_delays WHERE grain = 'day' AND stage IN ('signature', 'dispatch') "
                "GROUP BY day, stage, at_least"
            )
        )
        return {(_day(day), stage, at_least): int(letters) for day, stage, at_least, letters in rows}


def recounted_hours(services: Services) -> dict[tuple[str, int], int]:
    """(day, hour of the week) -> letters that were registered then, of those whose number has the day of its registration."""
    found: Counter[tuple[str, int]] = Counter()
    with services.reading() as session:
        rows = session.execute(
            text(
                "SELECT n.registered_on, n.registered_at, m.state FROM mail_numbers n JOIN mails m ON m.id = n.mail_id "
                "WHERE n.id = (SELECT min(o.id) FROM mail_numbers o WHERE o.mail_id = m.id) "
                "AND m.id NOT IN (SELECT mail_id FROM taken_letters)"
            )
        ).all()
    for on, moment, state in rows:
        at = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
        if state != "voided" and _day(moment) == _day(on):
            at = at.astimezone(UTC) if at.tzinfo else at
            found[_day(on), 24 * at.weekday() + at.hour] += 1
    return dict(found)


def _hours(services: Services) -> dict[tuple[str, int], int]:
    """(day, hour of the week) -> letters, as the figures say; the months have as many."""
    with services.reading() as session:
        rows = session.execute(
            text("SELECT grain, day, hour, sum(letters) FROM figure_hours GROUP BY grain, day, hour")
        )
        found: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
        for grain, day, hour, letters in rows:
            found[grain][_day(day), hour] = int(letters)
    assert (found["sum_day"], found["sum_month"]) == (found["day"], found["month"])
    assert sum(found["day"].values()) == sum(found["month"].values()) > 0
    return found["day"]


def _day(moment: object) -> str:
    """A day as both databases tell it; the tests' zone is that of Lomé, which is UTC."""
    return (moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) else str(moment))[:10]


def told(services: Services) -> dict[tuple[str, str], int]:
    """(day, what) -> letters, as the figures say."""
    with services.reading() as session:
        days = queries.by_day(session, Cut(UNTOLD), date(2020, 1, 1), date(2030, 1, 1))
    return {(str(day), what): n for day, counted in days.items() for what, n in counted.items() if n}


def standing(services: Services, day: date, cut: Cut = ALL) -> Standing:
    with services.reading() as session:
        return queries.standing(session, cut, day)


@pytest.mark.parametrize(
    "seed", [11, pytest.param(3, marks=pytest.mark.long("plays other acts; one play shows the matter"))]
)
def test_after_any_acts_the_figures_equal_a_rebuild_and_a_recount(
    services: Services, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs and nights are killed at any of their steps; units, the calendar and archives change in between."""
    play = Play(services, seed)
    _play(play, monkeypatch, acts=90, step=timedelta(minutes=20))
    _write_in_each_state(play)
    _are_equal(services, play)


@pytest.mark.long("plays ten thousand acts; a hundred show the matter")
@pytest.mark.timeout(14_400)
def test_after_ten_thousand_acts_the_figures_equal_a_rebuild_and_a_recount(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acts that the rules refused are not among the ten thousand; some hundred runs are killed."""
    play = Play(services, 29)
    # The acts are those of one month: the first number of a year asks the clock of the database.
    killed = _play(play, monkeypatch, acts=10_000, step=timedelta(minutes=2))
    assert play.done.total() >= 10_000
    assert killed["run"] > 100
    assert killed["night"] > 10
    print(f"\n{play.done.total()} acts on {len(play.mails)} letters, killed: {dict(killed)}, acts: {dict(play.done)}")
    _are_equal(services, play)


def _play(
    play: Play, monkeypatch: pytest.MonkeyPatch, *, acts: int, step: timedelta = timedelta(hours=1)
) -> Counter[str]:
    """Play so many acts, and on until each sort was done. Returns how many runs and nights were killed."""
    turn, killed = 0, Counter[str]()
    figures.run(play.services, now=play.now)
    while (play.done.total() < acts or not set(play.done) >= set(ALL_KINDS)) and turn < 20 * acts:
        play.act(play.chance.choice(WITH_SLIPS if turn % 5 else RARE))
        if turn % 9 == 0:  # some letters each day: a register whose clock leaps asks for a person
            play.now += play.chance.choice([5, 17, 24]) * step
            play.register()
        if turn % 13 == 0:
            killed["run"] += _killed(play, figures.run, monkeypatch)
        elif turn % 101 == 0:
            killed["night"] += _killed(play, figures.heal, monkeypatch)
        elif turn % 7 == 0:
            play.count()
        turn += 1
    return killed


def _write_in_each_state(play: Play) -> None:
    """Letters that go out: one in each of its states, each act some hours after the one before."""
    path = (play.number, play.sign, play.leave, play.leave, play.close_written, play.reopen_written)
    for acts in range(len(path) + 1):
        mail_id = play.draft(addressees=2)
        for act in path[:acts]:
            play.now += timedelta(hours=7)
            play.register()  # a register whose clock leaps asks for a person
            act(mail_id)


def _are_equal(services: Services, play: Play) -> None:
    """The figures are those of a recount by SQL of its own, of the register, and of a rebuild."""
    figures.heal(services, now=play.now)
    assert set(play.done) >= set(ALL_KINDS), str(play.refused)
    expected = recounted(services)
    assert told(services) == expected
    stages = recounted_stages(services)
    assert {stage for _day, stage, _worked in stages} == {"signature", "dispatch"}
    assert _stages(services) == stages
    assert _hours(services) == recounted_hours(services)
    _what_is_written_stands(services)
    _open_letters_tell_what_cells_tell(services)
    _slips_equal_their_rows(services, play)
    _sums_add_up(services)
    assert list(checking.compare(services)) == []
    before = content(services)
    figures.rebuild(services, now=play.now)
    assert content(services) == before


def _sums_add_up(services: Services) -> None:
    """Each cell of a sum holds the numbers of the other cells together: told by hand, because a rebuild makes sums by the rule of the runs."""
    with services.reading() as session:
        assert session.get_one(FigureState, STATE).sums_whole
        keys = {
            row.id: (row.unit_id, row.register_id, str(row.direction), row.nature, str(row.channel), str(row.priority), row.level)
            for row in session.scalars(select(FigureKey))
        }  # fmt: skip
        for model in (FigureCell, FigureDelay, FigureFlow, FigureHour):
            table = table_of(model)
            place = len(table.primary_key)
            expected, stored = Counter[Any](), Counter[Any]()
            for grain, day, key_id, *rest in session.execute(select(*table.columns)):
                of, numbers = tuple(map(str, rest[: place - 3])), rest[place - 3 :]
                kind, _, time = str(grain).rpartition("_")
                if kind:
                    for n, number in enumerate(numbers):
                        stored[kind, time, day, keys[key_id], of, n] += number
                    continue
                unit, register, direction, nature, channel, priority, level = keys[key_id]
                sums_of = {
                    "sum": (unit, 0, direction, "", "hand", "normal", level),
                    "natures": (unit, -register, direction, "", channel, priority, level),
                    "all": (0, 0, direction, nature, "hand", "normal", level),
                }
                for name, whole in sums_of.items():
                    if (name, model) != ("all", FigureFlow):
                        for n, number in enumerate(numbers):
                            expected[name, time, day, whole, of, n] += number
            assert stored == expected, model
            assert {row[0] for row in stored} == (
                {"sum", "natures"} if model is FigureFlow else {"sum", "natures", "all"}
            )


def _slips_equal_their_rows(services: Services, play: Play) -> None:
    units = {int(unit_id(services, code)) for code in ("SG", "BO", *UNITS)}
    whole = Period(TODAY - timedelta(days=1), play.today)
    expected = recount(services, units, whole)
    assert any(one.received for one in expected.by_unit.values())
    with services.reading() as session:
        found = movements.slips(session, units, Confidentiality.ORDINARY, whole)
    assert (found.by_day, found.by_unit, found.delays_sent) == (expected.by_day, expected.by_unit, expected.delays_sent)


def _what_is_written_stands(services: Services) -> None:
    """At the end of each day as many letters that go out are open as have a number, and neither left nor are closed."""
    outgoing = Cut(UNTOLD, directions=(Direction.OUTGOING,))
    with services.reading() as session:
        rows = session.execute(
            text(
                "SELECT m.id, m.state, n.registered_on, m.closed_at FROM mails m JOIN mail_numbers n ON n.mail_id = m.id "
                "WHERE m.direction = 'outgoing' AND m.id NOT IN (SELECT mail_id FROM taken_letters)"
            )
        ).all()
        spans = []
        for mail_id, state, registered_on, closed_at in rows:
            left = _written(session, mail_id)["dispatched"]
            ends = [one for one in (left, _day(closed_at) if state == "closed" else None) if one]
            spans.append((_day(registered_on), min(ends, default="9999")))
    assert len(spans) > 3
    numbers = set()
    for n in range(-1, 12):
        day = TODAY + timedelta(days=n)
        expected = sum(since <= day.isoformat() < until for since, until in spans)
        numbers.add(expected)
        assert standing(services, day, outgoing).open == expected, day
    assert len(numbers) > 2


def _open_letters_tell_what_cells_tell(services: Services) -> None:
    """What stands open of each nature is counted from the letters on the last day of a page, else from the cells."""
    for cut in (Cut(UNTOLD), ALL, Cut(UNTOLD, directions=(Direction.OUTGOING,))):
        for n in range(-1, 12):
            _natures_open(services, cut, TODAY + timedelta(days=n))


def _natures_open(services: Services, cut: Cut, day: date) -> dict[int | str, Standing]:
    """What stands open of each nature at a day's end, told by cells as by letters."""
    with services.reading() as session:
        asked = partial(
            breakdown.lines, session, cut, Period(day, day), breakdown.By.NATURE, end=day, stage=Stage.ANSWER
        )
        of_cells, of_letters = (
            {key: line.standing for key, line in asked(is_now=is_now).items() if line.standing.open}
            for is_now in (False, True)
        )
    assert of_letters == of_cells, (cut, day)
    return of_letters


@in_turns
def test_open_letters_by_nature_stand_as_their_cells_say(services: Services) -> None:
    play = Play(services)
    mails = [play.register(received_on=TODAY - timedelta(days=20 - n)) for n in range(8)]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id.in_(mails)).values(due_on=TODAY - timedelta(days=1)))
        uow.session.execute(update(Mail).where(Mail.id.in_(mails[::2])).values(nature="plainte"))
        uow.session.execute(
            update(Mail).where(Mail.id == mails[2]).values(state=MailState.CLOSED, closed_at=NOW - timedelta(days=3))
        )
    figures.rebuild(services, now=NOW)
    assert _natures_open(services, ALL, TODAY) == {"": Standing(4, 4), "plainte": Standing(3, 3)}
    assert _natures_open(services, ALL, TODAY - timedelta(days=4))["plainte"].open == 4, "it ended later"
    assert _natures_open(services, ALL, TODAY - timedelta(days=19)) == {"": Standing(1, 0), "plainte": Standing(1, 0)}


def _killed(play: Play, work: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> bool:
    """A run or a night that ends in the middle: nothing of its last transaction is kept. Returns whether it came so far that it was killed."""
    step = play.chance.choice(["take_out", "add", "drop", "store", "clear_empty"])
    kept = getattr(cells, step)
    left = [play.chance.randrange(3)]

    def dies(*args: Any) -> Any:
        done = kept(*args)
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patched:
        patched.setattr(cells, step, dies)
        try:
            work(play.services, now=play.now)
        except KeyboardInterrupt:
            return True
    return False


@in_turns
def test_figures_that_a_revision_sends_back_are_counted_anew_over_what_is_there(services: Services) -> None:
    """As ``docs/dev/add.md`` tells who adds a number: nothing is shown until each letter has it."""
    play = Play(services)
    play.impute(play.register(), "DGE")
    mail_id = play.draft()
    play.number(mail_id)
    play.sign(mail_id)
    play.count()
    before = content(services)
    with services.engine.begin() as connection:  # as a new column comes
        connection.execute(text("UPDATE figure_letters SET signed_on = NULL, to_signature = NULL"))
        connection.execute(text("UPDATE figure_cells SET signed = 0"))
        connection.execute(text("DELETE FROM figure_delays WHERE stage = 'signature'"))
        connection.execute(text("UPDATE figure_state SET is_whole = false, built_upto = 0, swept_upto = 0"))
    with services.reading() as session:
        assert not queries.are_whole(session)
    play.register()
    play.count()
    with services.reading() as session:
        assert queries.are_whole(session)
    assert told(services) == recounted(services)
    assert list(checking.compare(services)) == []
    assert len(content(services)["figure_letters"]) == len(before["figure_letters"]) + 1


@in_turns
def test_a_delay_stands_under_its_stage_whatever_the_order_of_stages(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(services)
    mail_id = play.register(received_on=TODAY - timedelta(days=5))
    play.impute(mail_id, "DGE")
    play.now += timedelta(days=3)
    play.finish(mail_id)
    play.count()
    monkeypatch.setattr(counted, "SPANS", dict(reversed(counted.SPANS.items())))
    with services.reading() as session:
        row = session.get_one(FigureLetter, mail_id)
        assert (row.to_imputation, row.to_answer, row.to_dispatch) == (3, 3, None)
        register = CountedRegister(session, services.zone)
        assert figures.different(register, counted.among([mail_id])) == set()


@in_turns
def test_a_day_ends_right_without_any_act_on_it(services: Services) -> None:
    """Due on Friday: overdue at the end of Saturday, when nobody works and no job runs, until the day of the answer."""
    play = Play(services)
    friday = date(2026, 11, 27)
    mail_id = play.register(due_days=None, due_on=friday, received_on=TODAY)
    play.impute(mail_id, "DGE")
    play.count()
    ends = {day: standing(services, friday + timedelta(days=day)) for day in (-4, -3, 0, 1, 2, 40)}
    assert ends == {
        -4: Standing(0, 0), -3: Standing(1, 0), 0: Standing(1, 0), 1: Standing(1, 1), 2: Standing(1, 1), 40: Standing(1, 1),
    }  # fmt: skip
    play.now = datetime(2026, 11, 30, 9, tzinfo=UTC)
    play.finish(mail_id)
    play.count()
    ends = {day: standing(services, friday + timedelta(days=day)) for day in (0, 2, 3, 40)}
    assert ends == {0: Standing(1, 0), 2: Standing(1, 1), 3: Standing(0, 0), 40: Standing(0, 0)}


@in_turns
def test_a_day_ends_at_midnight_of_the_installation(services: Services) -> None:
    """An answer after midnight of the place counts on the next day, whatever the day of the server is."""
    play = Play(services)
    object.__setattr__(services, "zone", ZoneInfo("Africa/Nairobi"))  # three hours before UTC
    mail_id = play.register(received_on=TODAY, due_days=None)
    play.impute(mail_id, "DGE")
    play.now = NOW.replace(hour=20, minute=59, second=59)
    play.assign(mail_id)
    play.now += timedelta(seconds=1)
    play.finish(mail_id)
    play.count()
    found = told(services)
    assert found[str(TODAY), "assigned"] == 1
    assert found[str(TODAY + timedelta(days=1)), "answered"] == 1
    assert standing(services, TODAY).open == 1
    assert standing(services, TODAY + timedelta(days=1)).open == 0


@in_turns
@pytest.mark.parametrize("zone", ["Europe/Paris", "Africa/Lome", "America/Sao_Paulo"])
def test_the_database_tells_the_day_of_a_moment_as_python_does(services: Services, zone: str) -> None:
    """Also around each change of the clock, to the second."""
    place = ZoneInfo(zone)
    moments = [
        datetime(year, month, day, hour, 59, second, tzinfo=UTC)
        for year, month, day in ((1999, 3, 28), (2018, 11, 4), (2026, 3, 29), (2026, 7, 14), (2026, 10, 25))
        for hour in (0, 1, 2, 21, 22, 23)
        for second in (0, 59)
    ]
    with services.unit_of_work(NOW) as uow:
        seen = [
            uow.session.scalar(select(local_day(uow.session, place)(literal(one, UtcDateTime())))) for one in moments
        ]
    assert seen == [one.astimezone(place).date() for one in moments]


def test_a_figure_leaves_out_levels_above_its_reader(services: Services) -> None:
    play = Play(services)
    plain, raised = play.register(received_on=TODAY), play.register(received_on=TODAY)
    for one in (plain, raised):
        play.impute(one, "DGE")
    play.count()
    ordinary = Cut(level=int(Confidentiality.ORDINARY))
    assert standing(services, TODAY, ordinary).open == 2
    play.raise_level(raised)
    play.count()
    assert standing(services, TODAY, ordinary).open == 1
    assert standing(services, TODAY, Cut(level=int(Confidentiality.RESTRICTED))).open == 2
    with services.reading() as session:
        assert breakdown.totals(session, ordinary, Period(TODAY, TODAY))["received"] == 1


def test_a_reader_without_units_is_shown_no_letter(services: Services) -> None:
    play = Play(services)
    play.impute(play.register(received_on=TODAY), "DGE")
    play.count()
    none = Cut(ALL.level, unit_ids=frozenset())
    with services.reading() as session:
        for cut, letters in ((ALL, 1), (none, 0)):
            assert queries.standing(session, cut, TODAY).open == letters
            assert breakdown.totals(session, cut, Period(TODAY, TODAY))["received"] == letters
            assert breakdown.delays(session, cut, Period(TODAY, TODAY), Stage.IMPUTATION) == ({0: 1} if letters else {})


@in_turns
def test_late_acts_change_the_days_that_they_touch(services: Services) -> None:
    """A letter that is re-dated, given to another unit, voided: it moves, and leaves nothing where it was."""
    play = Play(services)
    mail_id = play.register(received_on=TODAY)
    play.impute(mail_id, "DGE")
    play.count()
    before = TODAY - timedelta(days=40)
    play.redate(mail_id, before)
    play.count()
    assert (told(services)[str(before), "received"], (str(TODAY), "received") in told(services)) == (1, False)
    assert standing(services, TODAY - timedelta(days=1)).open == 1
    of = [Cut(ALL.level, unit_ids=[unit_id(services, code)]) for code in UNITS]
    assert [standing(services, TODAY, one).open for one in of] == [1, 0]
    play.impute(mail_id, "DAF")
    play.count()
    assert [standing(services, TODAY, one).open for one in of] == [0, 1]
    play.void(mail_id)
    play.count()
    assert told(services) == {(str(TODAY), "numbered"): 1, (str(TODAY), "voided"): 1}


@in_turns
def test_delays_are_counted_in_working_days_and_add_up(services: Services) -> None:
    play = Play(services)
    for days in (0, 1, 3, 7):  # from Tuesday: the same day, Wednesday, Friday, Tuesday
        play.now = NOW
        mail_id = play.register(received_on=TODAY)
        play.now = NOW + timedelta(days=days)
        play.impute(mail_id, "DGE")
    play.count()
    with services.reading() as session:
        found = breakdown.delays(session, ALL, Period(TODAY, TODAY + timedelta(days=9)), Stage.IMPUTATION)
        assert found == {0: 1, 1: 1, 3: 1, 5: 1}
        assert (percentile(found, 0.5), percentile(found, 0.9)) == (1, 5)
        months = session.execute(
            select(FigureDelay.at_least, FigureDelay.letters)
            .where(FigureDelay.grain == Grain.MONTH, FigureDelay.stage == Stage.IMPUTATION)
        ).all()  # fmt: skip
    assert sum(letters for _, letters in months) == 4
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_holiday(
            uow, TODAY + timedelta(days=1), name="Fête", is_off=True, actor=actor(services, "admin")
        )
    assert figures.heal(services, now=play.now) == 3  # all but the letter that was imputed on its own day
    with services.reading() as session:
        found = breakdown.delays(session, ALL, Period(TODAY, TODAY + timedelta(days=9)), Stage.IMPUTATION)
    assert found == {0: 2, 2: 1, 4: 1}
    assert list(checking.compare(services)) == []


@in_turns
def test_the_bins_of_the_database_are_those_of_the_rule(services: Services) -> None:
    delays = list(range(300))
    with services.reading() as session:
        found = [session.scalar(select(cells.bin_in_sql(literal(one)))) for one in delays]
    assert found == [bin_of(one) for one in delays]


@in_turns
def test_a_difference_is_told_and_the_night_mends_it(services: Services) -> None:
    """What no entry of the journal tells: a row that was changed by hand, a letter that is counted no more."""
    play = Play(services)
    first, second = play.register(received_on=TODAY), play.register(received_on=TODAY)
    play.count()
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == first).values(nature="autre"))
    assert [(one.what, one.where) for one in checking.compare(services)] == [("figures.letter", f"mail {first}")]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(FigureCell).where(FigureCell.grain == Grain.DAY).values(received=FigureCell.received + 1)
        )
    assert {one.what for one in checking.compare(services)} == {"figures.letter", "figures.cell"}
    assert figures.heal(services, now=NOW) == 1
    figures.rebuild(services, now=NOW)
    assert list(checking.compare(services)) == []
    assert told(services)[str(TODAY), "received"] == len({first, second})


@in_turns
def test_what_stands_is_told_from_years_and_from_the_months_of_one(services: Services) -> None:
    """Of earlier years no month and no day is read, so the sum of five years costs what that of one costs. The years are proven."""
    play = Play(services)
    ages = (TODAY - timedelta(days=one) for one in (0, 40, 400, 800, 1200))
    mails = [play.register(received_on=day, due_days=None) for day in ages]
    play.count()
    whole = standing(services, TODAY)
    assert whole.open == len(mails)
    ends = [date(TODAY.year - 1, 12, 31), date(TODAY.year, 1, 1), date(TODAY.year - 3, 12, 31)]
    counted = [standing(services, day) for day in ends]
    with services.reading() as session:
        letters = session.execute(select(FigureLetter.opened_on)).scalars().all()
    assert [one.open for one in counted] == [sum(on <= day for on in letters if on) for day in ends]
    first = TODAY.replace(month=1, day=1)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(FigureCell)
            .where(
                FigureCell.grain.not_in([Grain.YEAR, Grain.SUM_YEAR, Grain.NATURES_YEAR, Grain.ALL_YEAR]),
                FigureCell.day < first,
            )
            .values(opened=50)
        )
    assert standing(services, TODAY) == whole, "neither months nor days of earlier years are added up"
    figures.rebuild(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(FigureCell).where(FigureCell.grain == Grain.YEAR, FigureCell.day < first).values(opened=7)
        )
    assert {(one.what, one.where[:4]) for one in checking.compare(services)} == {("figures.cell", "year")}


@in_turns
def test_a_rebuild_goes_on_where_it_stopped_and_misses_no_act(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(services)
    mails = [play.register(received_on=TODAY) for _ in range(7)]
    monkeypatch.setattr(figures, "LETTERS", 2)
    seen: list[tuple[int, int]] = []

    def stops(done: int, of: int) -> None:
        seen.append((done, of))
        if len(seen) == 2:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        figures.rebuild(services, now=NOW, progress=stops)
    with services.reading() as session:
        assert not queries.are_whole(session)
        assert session.get_one(FigureState, STATE).built_upto == mails[3]
    play.impute(mails[0], "DGE")
    play.register(received_on=TODAY)
    figures.rebuild(services, now=NOW, progress=lambda done, of: seen.append((done, of)))
    assert [done for done, _ in seen] == [mails[1], mails[3], mails[5], play.mails[-1]]
    assert told(services) == recounted(services)
    assert list(checking.compare(services)) == []


@in_turns
def test_an_interrupted_rebuild_may_begin_afresh(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(services)
    mails = [play.register(received_on=TODAY) for _ in range(5)]
    monkeypatch.setattr(figures, "LETTERS", 2)
    seen: list[int] = []

    def stops(done: int, _of: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        figures.rebuild(services, now=NOW, progress=stops)
    figures.rebuild(services, now=NOW, afresh=True, progress=stops)
    assert seen == [mails[1], mails[3], mails[1], mails[3], mails[4]]
    assert told(services) == recounted(services)
    assert list(checking.compare(services)) == []


@in_turns
def test_a_comparison_ends_where_a_rebuild_began(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison has found a letter, and finds the figures empty when it wants to count it again."""
    play = Play(services)
    mails = [play.register(received_on=TODAY) for _ in range(3)]
    play.count()
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mails[1]).values(nature="autre"))
    pieces = figures._pieces

    def dies(_uow: UnitOfWork) -> tuple[int, int]:
        raise KeyboardInterrupt

    def after_the_beginning(found: set[int], upto: int) -> list[tuple[list[int], int]]:
        with monkeypatch.context() as killed, suppress(KeyboardInterrupt):
            killed.setattr(figures, "_build_on", dies)
            figures.rebuild(services, now=NOW)
        return pieces(found, upto)

    with monkeypatch.context() as patched:
        patched.setattr(figures, "_pieces", after_the_beginning)
        assert figures.heal(services, now=NOW) == 0
    with services.reading() as session:
        assert session.scalars(select(FigureLetter.mail_id)).all() == []
    with services.unit_of_work(NOW) as uow:  # a letter that was counted before its turn, whoever did it
        figures.recount(CountedRegister(uow.session, services.zone), mails[:2])
    assert figures.rebuild(services, now=NOW) == 3
    assert told(services) == recounted(services)
    assert list(checking.compare(services)) == []


@in_turns
def test_a_comparison_counts_few_letters_in_a_transaction(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a new holiday nearly all letters differ, and clerks go on writing. Killed in between, it goes on."""
    play = Play(services)
    mails = [play.register(received_on=TODAY) for _ in range(5)]
    play.count()
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).values(nature="autre"))
    kept, counted = figures.recount, list[list[int]]()

    def twice(register: CountedRegister, mail_ids: list[int]) -> None:
        if len(counted) == 1:
            counted.append([])
            raise KeyboardInterrupt
        counted.append(mail_ids)
        kept(register, mail_ids)

    monkeypatch.setattr(figures, "AT_ONCE", 2)
    monkeypatch.setattr(figures, "recount", twice)
    with suppress(KeyboardInterrupt):
        figures.heal(services, now=NOW)
    assert figures.heal(services, now=NOW) == 3
    assert counted == [mails[:2], [], mails[2:4], mails[4:]]
    assert list(checking.compare(services)) == []


@in_turns
def test_a_run_removes_the_cells_that_it_emptied_and_looks_at_no_other(services: Services) -> None:
    play = Play(services)
    mail_id = play.register(received_on=TODAY)
    play.impute(mail_id, "DGE")
    play.count()
    with services.unit_of_work(NOW) as uow:
        # The key of all units goes on.
        old = uow.session.scalars(select(FigureKey.id).where(FigureKey.unit_id != NO_UNIT)).all()
        empty = dict.fromkeys(COUNTED, 0)
        uow.session.add(FigureCell(grain=Grain.DAY, day=date(2001, 1, 1), key_id=old[0], **empty))
    play.impute(mail_id, "DAF")
    play.count()
    with services.reading() as session:
        new = session.scalars(select(FigureKey.id).where(FigureKey.id.not_in(old))).all()
        left = set(session.execute(select(FigureCell.key_id, FigureCell.day).where(FigureCell.key_id.in_(old))).all())
        assert left == {(old[0], date(2001, 1, 1))}, "it is of another year, and was not read"
        assert set(session.scalars(select(FigureDelay.key_id))) == set(new)


@in_turns
def test_the_night_after_an_upgrade_makes_the_sums(services: Services) -> None:
    """The release before keeps no sums up: there are none until its last program has ended, and then those of a rebuild."""
    play = Play(services)
    mail_ids = [play.register(received_on=TODAY) for _ in range(3)]
    play.impute(mail_ids[0], "DGE")
    play.count()
    whole, counted = content(services), told(services)
    without_sums(services, "0042")
    without = content(services)
    assert without != whole
    assert told(services) == counted, "read from the other cells"
    figures.heal(services, now=NOW)
    assert content(services) == without
    assert list(checking.compare(services)) == []
    with services.unit_of_work(NOW) as uow:
        schema.keep(uow.session.connection(), sums.OPENED_BY)
    figures.heal(services, now=NOW)
    assert content(services) == whole
    assert told(services) == counted
    play.impute(mail_ids[1], "DAF")
    play.count()
    assert list(checking.compare(services)) == []


@in_turns
def test_figures_without_sums_that_a_revision_has_counted_anew_are_exact(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision that adds a number has every letter counted again, in tables that are not empty; the night makes the sums."""
    monkeypatch.setattr(figures, "LETTERS", 2)
    play = Play(services)
    for unit in (*UNITS, *UNITS):
        play.impute(play.register(received_on=TODAY), unit)
    play.count()
    without_sums(services, sums.OPENED_BY)
    with services.unit_of_work(NOW) as uow:
        state = uow.session.get_one(FigureState, STATE)
        state.is_whole, state.built_upto, state.swept_upto = False, 0, 0
    play.count()
    assert list(checking.compare(services)) == []
    figures.heal(services, now=NOW)
    with services.reading() as session:
        assert session.get_one(FigureState, STATE).sums_whole
    assert list(checking.compare(services)) == []


@in_turns
def test_a_month_that_loses_its_last_letter_while_sums_are_made_keeps_no_sum(services: Services) -> None:
    """Its letter is taken out of sums that were not made yet: no cell is left that would tell of the month."""
    play = Play(services)
    play.register(received_on=TODAY, due_days=None)
    alone = play.register(received_on=TODAY)
    with services.unit_of_work(NOW) as uow:  # it will be late in a month in which nothing else is counted
        uow.session.execute(update(Mail).where(Mail.id == alone).values(due_on=TODAY + timedelta(days=70)))
    play.count()
    without_sums(services, sums.OPENED_BY)
    with services.unit_of_work(NOW) as uow:
        assert sums.make_next(uow.session)
    play.void(alone)
    play.count()
    figures.heal(services, now=NOW)
    with services.reading() as session:
        assert session.get_one(FigureState, STATE).sums_whole
    assert list(checking.compare(services)) == []


@in_turns
def test_every_choice_is_read_alike_from_sums_and_from_the_cells_of_keys(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which cells serve a question is decided for speed alone: whether the units are all that there are, with each other choice or none."""
    play = Play(services)
    mails = [
        play.register(channel=(Channel.HAND, Channel.EMAIL)[n % 2], received_on=TODAY - timedelta(days=20 * (n % 3)))
        for n in range(12)
    ]
    for n, mail_id in enumerate(mails[:9]):
        play.impute(mail_id, UNITS[n % 2])
    with services.unit_of_work(NOW) as uow:
        for n, mail_id in enumerate(mails):
            nature = ("", "lettre", "facture")[n % 3]
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(nature=nature))
    figures.heal(services, now=NOW)
    with services.reading() as session:
        units = sorted(set(session.scalars(select(FigureKey.unit_id).where(FigureKey.unit_id != NO_UNIT))))
        (register_id,) = set(session.scalars(select(FigureKey.register_id).where(FigureKey.register_id > NO_REGISTER)))
    assert len(units) > 2
    choices = (
        (None, units, units[1:], units[:1]), ((), (register_id,), (register_id + 1,)), ((), (Direction.INCOMING,)),
        ((), ("lettre",), ("",)), ((), (Channel.EMAIL,)), ((), (Priority.NORMAL,)),
    )  # fmt: skip
    cuts = [
        Cut(int(Confidentiality.SECRET), *(choice[n] for choice, n in zip(choices, places, strict=True)))
        for places in product(*(range(len(choice)) for choice in choices))
        if in_turn(str(places), 3)
    ]
    period, used, grains = Period(TODAY - timedelta(days=45), TODAY), set[object](), sums.grains

    def read() -> list[object]:
        found: list[object] = []
        with services.reading() as session:
            for cut in cuts:
                for by in breakdown.By:
                    found.append(breakdown.lines(session, cut, period, by, end=TODAY, stage=Stage.IMPUTATION))
                    found.append(trends.moved(session, cut, period, "received", by_unit=by is breakdown.By.UNIT))
                found.append(breakdown.delays(session, cut, period, Stage.IMPUTATION))
                found.append(breakdown.hours(session, cut, period))
                found.append(queries.by_day(session, cut, period.since, period.until))
                found.append(breakdown.totals(session, cut, period))
                found.append(trends.first_months(session, cut, period))
                found.append(ways.flows(session, cut, period))
        return found

    def noted(*given: Any, **named: Any) -> sums.Grains:
        used.add(found := grains(*given, **named))
        return found

    monkeypatch.setattr(sums, "grains", noted)
    told = read()
    assert used == {sums.OF_KEYS, sums.OF_SUMS, sums.OF_NATURES, sums.OF_ALL}
    assert len({repr(one) for one in told}) > 100, "the choices differ"
    monkeypatch.setattr(sums, "grains", lambda *_given, **_named: sums.OF_KEYS)
    assert told == read()


@in_turns
@pytest.mark.parametrize("link", ["sum_id", "natures_id", "all_id"])
def test_a_key_with_another_key_s_sum_is_told(services: Services, link: str) -> None:
    """Its letters would be counted for another unit, or at a lower level."""
    play = Play(services)
    for unit in UNITS:
        play.impute(play.register(received_on=TODAY), unit)
    play.count()
    with services.unit_of_work(NOW) as uow:
        one, other = uow.session.scalars(
            select(FigureKey).where(FigureKey.sum_id.is_not(None)).order_by(FigureKey.id).limit(2)
        )
        setattr(one, link, getattr(other, "sum_id" if link == "all_id" else link))  # the two have one key of all units
    assert "figures.sum" in {found.what for found in checking.compare(services)}
    without_sums(services, sums.OPENED_BY)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(FigureState, STATE).sums_whole = True
    assert {found.what for found in checking.compare(services)} == {"figures.sum"}, "each figure would be read as none"


@in_turns
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        pytest.param(model, kind, id=f"{kind.prefix}{model.__tablename__}")
        for kind in sums.SUM_KINDS
        for model in kind.models
    ],
)
def test_one_altered_sum_is_told(services: Services, model: Any, kind: sums.SumKind) -> None:
    play = Play(services)
    mail_id = play.register(received_on=TODAY)
    play.impute(mail_id, "DGE")
    play.count()
    grain = Grain(f"{kind.prefix}day")
    assert list(checking.compare(services)) == []
    number = list(table_of(model).columns)[-1]
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(model).where(model.grain == grain).limit(1)).one()
        setattr(row, number.name, getattr(row, number.name) + 1)
    (found,) = checking.compare(services)
    assert found.where.startswith(f"{grain.value} ")


@in_turns
def test_the_night_drops_keys_that_nothing_has(services: Services) -> None:
    """A nature, a unit or a level that letters had once: each leaves a key, for ever."""
    play = Play(services)
    mail_id = play.register(received_on=TODAY)
    play.count()
    with services.reading() as session:
        old = session.scalars(select(FigureKey.id)).all()
    play.impute(mail_id, "DGE")
    play.count()
    with services.reading() as session:
        assert set(session.scalars(select(FigureKey.id))) > set(old)
    assert figures.heal(services, now=NOW) == 0
    with services.reading() as session:
        used = set(session.scalars(select(FigureLetter.key_id)))
        links = session.execute(
            select(FigureKey.sum_id, FigureKey.natures_id, FigureKey.all_id).where(FigureKey.id.in_(used))
        )
        assert set(session.scalars(select(FigureKey.id))) == used | {one for row in links for one in row}
        assert not used & set(old)
    assert list(checking.compare(services)) == []


@in_turns
def test_a_letter_that_ends_in_time_is_never_overdue(services: Services) -> None:
    """Answered on its last day, or before anybody could find it overdue at the end of a day: no trace of a delay."""
    play = Play(services)
    friday = date(2026, 11, 27)
    mails = [play.register(due_days=None, due_on=friday, received_on=TODAY) for _ in range(2)]
    for mail_id, day in zip(mails, (friday, friday + timedelta(days=1)), strict=True):
        play.now = NOW
        play.impute(mail_id, "DGE")
        play.now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        play.finish(mail_id)
    play.count()
    assert {what for _, what in told(services)}.isdisjoint({"fell_due", "relieved"})
    assert told(services) == recounted(services)


@in_turns
def test_a_run_reads_on_over_many_entries(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """More acts than one transaction takes: none is skipped."""
    play = Play(services)
    figures.run(services, now=NOW)
    mails = [play.register(received_on=TODAY) for _ in range(5)]
    for one in mails:
        play.impute(one, "DGE")
    monkeypatch.setattr(figures, "ENTRIES", 3)
    play.count()
    assert told(services)[str(TODAY), "imputed"] == len(mails)
    assert list(checking.compare(services)) == []


@in_turns
def test_a_run_reads_the_new_entries_of_the_journal_alone(services: Services) -> None:
    """By the kind of their subject, SQLite would go through all entries about letters, for each act: seconds after some years."""
    if services.engine.dialect.name != "sqlite":
        return  # PostgreSQL knows how many entries there are of a kind
    play = Play(services)
    play.impute(play.register(received_on=TODAY), "DGE")
    play.count()
    play.register(received_on=TODAY)
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        if "audit_entries.sequence >" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    event.listen(services.engine, "before_cursor_execute", explain)
    play.count()
    read = {line for line in plans if "audit_entries" in line}
    assert read
    assert all("rowid>? AND rowid<?)" in one for one in read), read


@in_turns
def test_the_statements_of_a_run_are_composed_once_for_all_letters(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(services)
    for _ in range(2):  # the first run makes the figures, the second one counts what was added
        play.register(received_on=TODAY)
        play.count()
    composed = list[object]()
    monkeypatch.setattr(CountedRegister, "letters", lambda _register, which: composed.append(which))
    mails = [play.register(received_on=TODAY) for _ in range(2)]
    play.impute(mails[1], "DGE")
    play.count()
    assert composed == []
    assert told(services) == recounted(services)


def test_many_hands_and_many_runs_lose_nothing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are imputed while several runs count at the same time. A run is slow in its middle: others stand behind it."""
    kept = cells.drop

    def slowly(register: CountedRegister, letters: Chosen) -> None:
        kept(register, letters)
        time.sleep(0.1)

    monkeypatch.setattr(cells, "drop", slowly)
    play = Play(services)
    mails = [play.register(received_on=TODAY) for _ in range(12)]
    figures.run(services, now=NOW)

    acts = [partial(play.impute, mail_id, UNITS[mail_id % 2]) for mail_id in mails]
    assert at_once(*acts, *[play.count] * 6) == []
    for mail_id in mails:
        play.impute(mail_id, UNITS[1 - mail_id % 2])
    assert at_once(*[play.count] * 4) == []  # all four want the acts that nobody has counted
    play.count()
    assert told(services)[str(TODAY), "imputed"] == len(mails)
    assert told(services) == recounted(services)
    assert list(checking.compare(services)) == []


@in_turns
def test_the_commands_tell_a_difference_and_mend_it(tmp_path: Path) -> None:
    here = Installation.make(tmp_path)

    def facts(*words: str) -> Ended:
        return ged("facts", *words, GED_ENV_FILE=str(here.env_file))

    try:
        play = Play(here.services)
        first, second = play.register(received_on=TODAY), play.register(received_on=TODAY)
        rebuilt, equal = facts("rebuild"), facts("verify")
        assert (rebuilt.returncode, rebuilt.stdout.splitlines()[-1]) == (0, "2 letters")
        assert (equal.returncode, equal.stdout.splitlines()[-1]) == (0, "the figures are those of the register")
        with here.services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Mail).where(Mail.id == second).values(nature="plainte"))
        differs = facts("verify")
        assert differs.returncode == 1
        assert [line for line in differs.stdout.splitlines() if "mail" in line] == [f"figures.letter mail {second}"]
        assert "must be: nature=plainte" in differs.stdout
        assert facts("heal").stdout.splitlines()[-1] == "1 letters counted again"
        assert facts("verify").returncode == 0
        assert first != second
    finally:
        here.close()
