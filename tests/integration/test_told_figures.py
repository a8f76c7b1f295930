"""What is shown to who is told numbers: it follows from decisions of ``ged.dashboard.telling`` alone, which move at bounds of five."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import zip_longest

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ged.dashboard import telling
from ged.dashboard.telling import Step, ToldNumber
from ged.register.models import Priority
from ged.unit import Services
from tests.factories import NOW, TODAY
from tests.figure_letters_kit import Known, count_all, furnish, letter
from tests.figure_site import main, site, uncounted
from tests.sample_kit import in_turn
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in
from web.views.figures import board, dashboard, panels, supervision

__all__ = ["house_on_either", "site"]  # fixtures

PAGES = (("/tableau/", dashboard.PAGE), ("/supervision/", supervision.PAGE))
READERS = {"auditeur": ("/supervision/", ["", "ETU", "DGE", "DAF"]), "etudes": ("/tableau/", ["ETU"])}
"""Account -> its page, and the units whose letters it is told of."""
ASKED = 8
"""The usual run asks for one of so many addresses; the long run asks for all."""


@contextmanager
def decisions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """All that ``telling`` decides meanwhile, in its order."""
    kept: list[object] = []
    real_tell, real_few = telling.tell, telling.is_few

    def tell(number: int, *, is_exact: bool, step: Step = telling.FINEST) -> ToldNumber:
        kept.append(real_tell(number, is_exact=is_exact, step=step))
        return real_tell(number, is_exact=is_exact, step=step)

    def is_few(number: int, step: Step = telling.FINEST) -> bool:
        kept.append(real_few(number, step))
        return real_few(number, step)

    with monkeypatch.context() as patched:
        for module in (telling, board, panels):
            patched.setattr(module, "tell", tell, raising=False)
            patched.setattr(module, "is_few", is_few, raising=False)
        yield kept


def told_part(page: str) -> str:
    """What stands in the page itself, without what the reader's own inbox counts."""
    return re.sub(r'<p><a href="/bannette/">.*?</p>', "", uncounted(main(page)), flags=re.DOTALL)


def shown(client: FlaskClient, account: str, filters: str) -> Iterator[str]:
    """Pages, tables and files under these filters, each when it is asked for: in the usual run one of ``ASKED``."""
    for path, page in PAGES:
        if path != READERS[account][0]:
            continue
        for view in page.views:
            address = f"{path}?{filters}&vue={view}"
            if in_turn(address, ASKED):
                answer = client.get(address)
                assert answer.status_code == 200
                yield told_part(answer.text)
        yield told_part(client.get(f"{path}criteres?{filters}").text)
        for name in (*page.makers, "cards"):
            file, table = (f"{path}{kind}?{filters}&tableau={name}" for kind in ("fichier", "chiffres"))
            if in_turn(file, ASKED):
                saved = client.get(f"{file}&format=csv")
                yield (
                    re.sub(r"Compté le;.*\r?\n", "", saved.text) if saved.status_code == 200 else str(saved.status_code)
                )
            if in_turn(table, ASKED):
                yield told_part(client.get(table).text)


CUTS = ("", "&nature=demande", "&sens=incoming", "&priorite=urgent", "&nature=demande&priorite=urgent", "&canal=post")
MONTHS = ("du=2026-11-01&au=2026-11-30", "du=2026-10-01&au=2026-11-30", "du=2026-09-01&au=2026-11-30")


def _differences(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    """The lines that differ."""
    pairs = (pair for one, other in zip(before, after, strict=True) for pair in zip_longest(one.splitlines(), other.splitlines()))  # fmt: skip
    return [(one, other) for one, other in pairs if one != other][:5]


def _random_letter(services: Services, chance: random.Random, units: Sequence[str]) -> None:
    letter(
        services,
        chance.choice(units),
        on=TODAY - timedelta(days=chance.randrange(80)),
        nature=chance.choice(["", "demande", "plainte"]),
        priority=chance.choice(list(Priority)),
        due_on=chance.choice([None, TODAY + timedelta(days=2)]),
    )


@pytest.mark.in_shares(6)
@pytest.mark.parametrize("account", READERS)
def test_one_letter_more_changes_a_page_only_where_a_bound_is_crossed(
    site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    """Neighbouring cuts: one filter more or less, one month more or less."""
    app, house = site
    services, chance = house.services, random.Random(29)
    furnish(services, count=26)
    client, same, moved = sign_in(app, account), 0, 0
    cuts = [f"{chance.choice(MONTHS)}{chance.choice(CUTS)}" for _ in range(3)] + [MONTHS[0], MONTHS[1]]

    def play() -> list[tuple[str, list[object]]]:
        """Each page with what was decided for it."""
        found: list[tuple[str, list[object]]] = []
        with decisions(monkeypatch) as kept:
            for cut in cuts:
                for page in shown(client, account, cut):
                    found.append((page, kept[:]))
                    kept.clear()
        return found

    before = play()
    for _ in range(6):
        _random_letter(services, chance, READERS[account][1])
        count_all(services)
        after = play()
        for (page, told), (page_after, told_after) in zip(before, after, strict=True):
            if told == told_after:
                assert _differences([page], [page_after]) == []
                same += 1
            else:
                moved += 1
        before = after
    assert same > 100
    assert moved > 10, "and some bounds were crossed"


def test_a_decision_changes_at_its_bounds_alone() -> None:
    changed = [n + 1 for n in range(60) if telling.tell(n, is_exact=False) != telling.tell(n + 1, is_exact=False)]
    assert changed == [5, *range(8, 61, 5)]
    assert [n + 1 for n in range(60) if telling.is_few(n) != telling.is_few(n + 1)] == [5]


@pytest.mark.in_shares(6)
@pytest.mark.parametrize("account", READERS)
def test_without_letters_and_with_four_everything_is_told_alike(site: tuple[Flask, House], account: str) -> None:
    """Else "less than five" against nothing, under a few filters, would tell of a letter and what it is."""
    app, house = site
    services = house.services
    count_all(services)
    client, filters = sign_in(app, account), MONTHS[1]
    empty = {cut: list(shown(client, account, filters + cut)) for cut in CUTS}
    for n in range(4):
        due_on = TODAY + timedelta(days=1) if n % 2 else None
        letter(services, "ETU", nature="demande", priority=Priority.URGENT, due_on=due_on)  # fmt: skip
        count_all(services)
        for cut in CUTS:
            assert _differences(empty[cut], list(shown(client, account, filters + cut))) == [], (n, cut)
    letter(services, "ETU", nature="demande", priority=Priority.URGENT)
    count_all(services)
    five = {cut: list(shown(client, account, filters + cut)) for cut in CUTS}
    assert five != empty
    assert five["&nature=demande"] != empty["&nature=demande"]


def rows(client: FlaskClient, name: str, filters: str = MONTHS[1]) -> list[list[str]]:
    text = client.get(f"/supervision/fichier?{filters}&tableau={name}&format=csv").data.decode("utf-8-sig")
    lines = text.splitlines()
    return [[cell.replace('"', "") for cell in line.split(";")] for line in lines[lines.index("") + 1 :]]


def test_small_rows_go_together_until_they_hold_five(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    for unit, count in (("DGE", 9), ("DAF", 6), ("ETU", 2)):
        for _ in range(count):
            letter(services, unit)
    count_all(services)
    told = rows(sign_in(app, "auditeur"), "units")
    assert [row[0] for row in told[1:]] == ["Direction générale de l'énergie", "Autres, ensemble"], told
    assert [row[1] for row in told[1:]] == ["10", "10"], "six and two together: two alone would be the difference"


def test_a_part_is_told_only_where_the_rest_may_be_told_too(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services

    def told() -> tuple[list[str], list[str]]:
        count_all(services)
        client = sign_in(app, "auditeur")
        return rows(client, "units")[1][4:6], [row[1] for row in rows(client, "cards")[4:6]]

    for _ in range(8):
        letter(services, "DGE")
    letter(services, "DGE", due_on=TODAY + timedelta(days=1))
    assert told() == (["10", "—"], ["10", "—"])
    for _ in range(4):
        letter(services, "DGE", due_on=TODAY + timedelta(days=1))
    assert told() == (["15", "5"], ["15", "5"])


def test_delays_are_told_by_classes_that_no_single_delay_chooses(site: tuple[Flask, House]) -> None:
    """Bins that went together until they held five told of each last one that it is not empty."""
    app, house = site
    services, known = house.services, Known.of(house.services)

    def told(*delays: int) -> list[list[str]]:
        for days in delays:
            letter(services, "DGE", answered=NOW + timedelta(days=days, hours=1), known=known)
        count_all(services)
        found = rows(client, "delays")[1:]
        return [[cell.replace("\xa0", " ") for cell in row] for row in found]

    client = sign_in(app, "auditeur")
    assert told(0, 0, 0, 0) == []
    assert told(0) == [["0 à 4 j", "5"], ["5 à 20 j", "moins de 5"], ["21 j et plus", "moins de 5"]]
    before = told(1)
    assert told(2) == before, "whichever day of a class"
    assert told(3, 6, 6, 6, 6)[0] == ["0 à 4 j", "10"]
    shown_ = client.get(f"/supervision/?{MONTHS[1]}&vue=delais").text.replace("\xa0", " ")
    assert "médiane : 0 à 4 j" in shown_


def test_with_more_letters_delays_have_more_classes(site: tuple[Flask, House]) -> None:
    app, house = site
    services, known = house.services, Known.of(house.services)
    for n in range(40):
        letter(services, "DGE", answered=NOW + timedelta(days=n % 4, hours=1), known=known)
    count_all(services)
    client = sign_in(app, "auditeur")
    found = [[cell.replace("\xa0", " ") for cell in row] for row in rows(client, "delays")[1:]]
    assert [row[0] for row in found] == ["0 à 1 j", "2 à 4 j", "5 à 9 j", "10 à 20 j", "21 à 40 j", "41 j et plus"]
    assert [row[1] for row in found][2:] == ["moins de 5"] * 4
    # Of two filters each class is told by a coarser step, and there are fewer of them.
    narrow = [
        row[0].replace("\xa0", " ") for row in rows(client, "delays", f"{MONTHS[1]}&priorite=normal&sens=incoming")[1:]
    ]
    assert narrow == ["0 à 4 j", "5 à 20 j", "21 j et plus"]


def test_ages_are_told_only_where_each_of_them_may_be(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    for unit, day, count in (("DGE", date(2026, 11, 23), 7), ("DGE", date(2026, 9, 10), 6), ("DAF", date(2026, 11, 23), 6), ("DAF", date(2026, 9, 10), 1)):  # fmt: skip
        for _ in range(count):
            letter(services, unit, on=day)
    count_all(services)
    told = {row[0]: row[1:] for row in rows(sign_in(app, "auditeur"), "backlog")}
    names: Sequence[str] = sorted(told)
    assert any("—" not in told[name] for name in names if told[name][-1] in ("15", "20")), told
    for name in names:
        if "—" in told[name]:
            assert set(told[name][:-1]) == {"—"}, "all ages of a row, or none"


def test_the_first_letter_of_a_nature_that_is_in_no_list_changes_nothing(site: tuple[Flask, House]) -> None:
    """An earlier archive brings natures of its own. Where each listed one has its five letters, a row "others" would tell of the first such letter."""
    app, house = site
    services = house.services
    for nature in ("", "demande", "facture", "lettre", "plainte"):
        for _ in range(5):
            letter(services, "DGE", nature=nature)
    count_all(services)
    client = sign_in(app, "auditeur")
    before = rows(client, "natures")
    assert len(before) > 4
    letter(services, "DGE", nature="ancienne")
    count_all(services)
    assert rows(client, "natures") == before


def test_several_filters_at_once_are_told_coarser_than_their_sum(site: tuple[Flask, House]) -> None:
    """17, 17 and 4 of 38, all rounded to 5, would tell the four: 38 at least, less 17 and 17 at most."""
    app, house = site
    services, known = house.services, Known.of(house.services)
    for priority, count in ((Priority.URGENT, 17), (Priority.NORMAL, 17), (Priority.VERY_URGENT, 4)):
        for _ in range(count):
            letter(services, "DGE", nature="demande", priority=priority, known=known)
    count_all(services)
    client = sign_in(app, "auditeur")

    def received(filters: str) -> str:
        return next(row[1] for row in rows(client, "cards", f"{MONTHS[0]}{filters}") if row[0] == "Reçus")

    assert received("&nature=demande") == "40"
    assert [received(f"&nature=demande&priorite={one.value}") for one in Priority] == ["15", "15", "moins de 8"]
    third = received("&nature=demande&priorite=urgent&sens=incoming")
    assert third == "moins de 23"
    # The row of a table is a filter, too; the page and the file say alike.
    natures = {row[0]: row[1] for row in rows(client, "natures", f"{MONTHS[0]}&priorite=urgent")}
    assert set(natures.values()) <= {"Reçus", "15"}, natures
    page = client.get(f"/supervision/?{MONTHS[0]}&nature=demande&priorite=very_urgent").text
    assert "moins de 8" in page
    assert "moins de 5" not in page


@pytest.mark.parametrize("account", READERS)
def test_a_span_of_months_is_told_as_the_year(site: tuple[Flask, House], account: str) -> None:
    """Totals of all spans of months, each rounded by itself, would give each month exactly (tests/unit/test_figure_periods)."""
    app, house = site
    furnish(house.services, count=26)
    client = sign_in(app, account)

    def cards(period: str) -> list[str]:
        answer = client.get(f"{READERS[account][0]}fichier?{period}&tableau=cards&format=csv")
        assert answer.status_code == 200, period
        return answer.text.splitlines()[-12:]

    year = cards("du=2026-01-01&au=2026-12-31")
    assert len(set(year)) > 3
    for period in (
        "",
        "periode=30j",
        "periode=90j",
        "periode=12mois",
        "periode=annee",
        *MONTHS[1:],
        "du=2026-10-31&au=2026-11-01",
    ):
        assert cards(period) == year, period
    assert cards(MONTHS[0]) != year
