"""The pages of figures: who sees what, nothing leaks, and each figure leads to the letters that it counts; on both databases."""

from __future__ import annotations

import dataclasses
import gzip
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from html import unescape
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import String, and_, case, cast, delete, func, or_, select, update

from ged import access
from ged.dashboard import breakdown, letters
from ged.dashboard.letters import AskedLetters, What
from ged.dashboard.reach import Narrowing, Reach, below, reach_of
from ged.dashboard.telling import STEPS
from ged.figures import operations as figures
from ged.figures import queries
from ged.figures.cuts import Cut
from ged.figures.models import FigureCell, FigureKey, FigureLetter, FigureState
from ged.figures.periods import Period
from ged.figures.stages import UNTOLD, Stage
from ged.natures.models import Nature
from ged.org.models import Holding, Person, Post, Unit
from ged.paging import Place
from ged.ports import Confidentiality, Principal
from ged.register.models import Direction, Mail, MailNumber, Priority
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.unit import Actor, ReadSession, Role, Services
from tests.factories import NOW, TODAY, actor, add_entity, make_natures
from tests.figure_letters_kit import add_auditor, count_all, furnish, letter
from tests.figure_site import main, ods_whole, plain, site, table_rows, uncounted
from tests.letter_kit import opened_envelope
from tests.routing_kit import impute, post_id, register, unit_id
from tests.sample_kit import LONG_RUN, in_turn
from tests.signbook_kit import House, house_on_either
from tests.site import Clock, sign_in
from web.drawing.charts import HATCHED, Drawing, Shape
from web.site import context
from web.views.figures import dashboard, panels, supervision
from web.views.figures.asked import MAX_NATURE
from web.views.figures.board import Panel

__all__ = ["house_on_either", "site"]  # fixtures

ACCOUNTS = ("agent", "sg", "secretaire", "dge", "etudes", "daf", "admin", "auditeur")
OVERSEERS = ("sg", "secretaire", "dge", "daf", "auditeur")
DAYS = "du=2026-10-01&au=2026-11-30"
END = date(2026, 11, 30)
SMALL_WORDS = "moins de 5"
"""Of one choice at most; of several at once the words are those of a coarser step."""
FEW_WORDS = frozenset(f"moins de {one.small}" for one in STEPS)


# --- what a page tells ----------------------------------------------------------------------------------------------

PAGES = (("/tableau/", dashboard.PAGE.makers), ("/supervision/", supervision.PAGE.makers))
VIEWS = {"/tableau/": dashboard.PAGE.views, "/supervision/": supervision.PAGE.views}
FILTERS_DRAWN = 140
ASKED = 16
"""The usual run asks for one of so many addresses of each account, not of all accounts those same; the long run asks for all."""
TOLD_EXACTLY = 5
"""As ``ASKED``, where a letter more must be seen."""
in_turns = pytest.mark.in_turns(3)
"""Of each test that is not about who may see what."""
FILTERS = ("", "&nature=demande", "&sens=incoming", "&priorite=urgent", "&etape=imputation", "&nature=-")


def everything(
    app: Flask, account: str, filters: tuple[str, ...] = FILTERS[:2], *, of: int = ASKED
) -> dict[str, object]:
    """All that the pages, their files and their lists of letters tell an account; in the usual run one address ``of`` so many."""
    client = sign_in(app, account)

    def page(address: str) -> object:
        answer = client.get(address)
        return answer.status_code, uncounted(main(answer.text)) if answer.status_code == 200 else ""

    readers: dict[str, Callable[[str], object]] = {
        "csv": partial(table_rows, client),
        "ods": partial(ods_whole, client),
    }
    enters = {path: client.get(f"{path}?{DAYS}").status_code == 200 for path, _ in PAGES}
    return {
        address: readers.get(kind, page)(address)
        for path, kind, address in places(filters)
        if (enters.get(path) or kind in ("page", "list")) and in_turn(f"{account} {address}", of)
    }


def places(filters: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """(page, kind, address) of all that the pages, their files and their lists of letters tell."""
    for path, makers in PAGES:
        for more, view in product(filters, VIEWS[path]):
            yield path, "page", f"{path}?{DAYS}{more}&vue={view}"
        yield from ((path, "page", f"{path}criteres?{DAYS}{more}") for more in filters)
        for name in (*makers, "cards"):
            address = f"{path}fichier?{DAYS}&tableau={name}"
            yield path, "csv", f"{address}&format=csv"
            yield path, "ods", f"{address}&format=ods"
            yield path, "table", f"{path}chiffres?{DAYS}&tableau={name}"
    for what in What:
        yield "/tableau/courriers", "list", f"/tableau/courriers?{DAYS}&quoi={what.value}"


def test_each_kind_of_place_is_asked_of_somebody_and_everybody_is_asked_of_some() -> None:
    """What the walks below look at, without a request: an empty walk would find nothing."""
    every = list(places(FILTERS[:2]))
    assert len(every) > 100
    assert len({address for _, _, address in every}) == len(every)
    asked = [
        (account, path, kind)
        for account in ACCOUNTS
        for path, kind, address in every
        if in_turn(f"{account} {address}", ASKED)
    ]
    kinds = {(path, kind) for path, kind, _ in every}
    assert {(path, kind) for account, path, kind in asked if account in OVERSEERS} == kinds
    assert min(Counter(account for account, _, _ in asked)[account] for account in ACCOUNTS) >= 3
    exact = {kind for _, kind, address in places(("",)) if in_turn(f"dge {address}", TOLD_EXACTLY)}
    assert exact == {"page", "csv", "ods", "table", "list"}


def test_no_page_file_or_list_tells_of_a_letter_that_its_reader_may_not_know(site: tuple[Flask, House]) -> None:
    """What each person is told is the same, to the byte, with the hidden letters and without them."""
    app, house = site
    services = house.services
    furnish(services)
    before = {account: everything(app, account) for account in ACCOUNTS}

    # SECRET letters in each unit, and the letter of an envelope that only its addressee may know: nobody is told.
    for unit in ("", "DGE", "DAF"):
        letter(services, unit, level=Confidentiality.SECRET, nature="demande", due_on=TODAY + timedelta(days=1) if unit else None)  # fmt: skip
    opened_envelope(house)
    count_all(services)
    for account in ACCOUNTS:
        assert everything(app, account) == before[account], account

    # A confidential letter that was given to one post: not even the cleared head of its unit may see it.
    alone = letter(services, "DGE", nature="demande")
    with services.unit_of_work(NOW) as uow:
        unit, post = unit_id(services, "DGE"), post_id(services, "ETU-M")
        uow.session.execute(update(Mail).where(Mail.id == alone).values(level=int(Confidentiality.RESTRICTED)))
        rights = access.MailAccess
        uow.session.execute(
            update(rights).where(rights.mail_id == alone, rights.principal == f"u{unit}").values(principal=f"p{post}")
        )
    count_all(services)
    for account in ACCOUNTS:
        assert everything(app, account) == before[account], account

    # A confidential letter of a directorate: its cleared head is told, nobody else.
    letter(services, "DAF", level=Confidentiality.RESTRICTED, nature="demande", due_on=TODAY + timedelta(days=1))
    count_all(services)
    changed = {account for account in ACCOUNTS if everything(app, account) != before[account]}
    assert changed == {"daf"}


def test_an_ordinary_letter_is_told_to_its_head_exactly(site: tuple[Flask, House]) -> None:
    """The counterpart: what never changes would prove nothing."""
    app, house = site
    furnish(house.services, count=6)
    before = {account: everything(app, account, ("",), of=TOLD_EXACTLY) for account in ("dge", "daf", "sg")}
    letter(house.services, "DGE")
    count_all(house.services)
    changed = {account for account in before if everything(app, account, ("",), of=TOLD_EXACTLY) != before[account]}
    assert changed == {"dge"}


@pytest.mark.parametrize("account", ["agent", "etudes", "auditeur"])
def test_who_may_not_see_each_letter_is_told_no_small_and_no_exact_number(
    site: tuple[Flask, House], account: str
) -> None:
    app, house = site
    for n in range(9):
        letter(house.services, ("ETU", "DGE", "")[n % 3], on=TODAY - timedelta(days=n))
    furnish(house.services, count=30)
    client = sign_in(app, account)
    numbers = set()
    for path, makers in PAGES:
        if client.get(path).status_code == 403:
            continue
        for more, name in product(FILTERS, (*makers, "cards")):
            address = f"{path}fichier?{DAYS}{more}&tableau={name}&format=csv"
            if in_turn(f"{account} {address}", ASKED):
                for row in table_rows(client, address)[1:]:
                    numbers |= set(row[1:])
    plain = {one for one in numbers if one and "%" not in one and one not in {"—", *FEW_WORDS, "sans changement"}}
    plain = {one for one in plain if not re.search(r"[\d\s\xa0]j( et plus)?$", one)}
    counted = {int(one.replace("\u202f", "").replace("\xa0", "").replace(" ", "")) for one in plain}
    assert {one % 5 for one in counted} <= {0}
    assert numbers & FEW_WORDS or counted - {0}, "something was told"


@pytest.mark.parametrize("account", ["dge", "auditeur"])
def test_the_delay_of_a_few_letters_is_told_to_no_one_who_may_not_see_them(
    site: tuple[Flask, House], account: str
) -> None:
    """The table of delays would tell the delay of the only letter: the place of its bar."""
    app, house = site
    client, address = sign_in(app, account), f"/supervision/fichier?{DAYS}&tableau=delays"
    count_all(house.services)
    empty = table_rows(client, address)
    letter(house.services, "DGE", answered=NOW + timedelta(days=2))
    count_all(house.services)
    one = table_rows(client, address)
    assert (one == empty) == (account == "auditeur"), one
    shown = main(client.get(f"/supervision/?{DAYS}&vue=delais").text)
    drawn = shown.partition('id="delays"')[2].partition("</section>")[0]
    assert ("<path d=" in drawn.partition("<svg")[2]) == (account == "dge")
    for _ in range(5):
        letter(house.services, "DGE", answered=NOW + timedelta(days=2))
    count_all(house.services)
    assert len(table_rows(client, address)) > len(empty)


def test_the_order_of_rows_tells_no_more_than_their_numbers(site: tuple[Flask, House]) -> None:
    app, house = site
    client = sign_in(app, "auditeur")

    def told(name: str) -> list[list[str]]:
        return table_rows(client, f"/supervision/fichier?{DAYS}&tableau={name}")

    for unit, count in (("DGE", 6), ("DAF", 6), ("ETU", 5)):  # the smallest one goes with those that have none
        for _ in range(count):
            letter(house.services, unit)
    count_all(house.services)
    before = [told(name) for name in ("backlog", "units")]
    assert all(len(rows) == 4 for rows in before)
    letter(house.services, "DGE")
    count_all(house.services)
    assert [told(name) for name in ("backlog", "units")] == before, "six letters or seven: told as five"
    for _ in range(2):
        letter(house.services, "DGE")
    count_all(house.services)
    assert [told(name)[1][0] for name in ("backlog", "units")] == [rows[2][0] for rows in before], (
        "nine are told as ten"
    )


def test_a_picture_with_some_of_the_rows_says_so(site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch) -> None:
    app, house = site
    for unit in ("DGE", "DAF", "ETU"):
        for _ in range(7):
            letter(house.services, unit)
    count_all(house.services)
    client, said = sign_in(app, "auditeur"), "Tableau des chiffres, 3 lignes dont 1 dessinées"
    assert said not in client.get(f"/supervision/?{DAYS}").text
    monkeypatch.setattr(panels, "MOST_ROWS", 1)
    assert client.get(f"/supervision/?{DAYS}").text.count(said) == 1


def test_the_month_that_runs_is_compared_with_a_whole_one_for_who_is_told_of_whole_months(
    site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each day would tell of one day more of the month before."""
    app, house = site
    for day in (20, 28):
        for _ in range(5):
            letter(house.services, "DGE", on=date(2026, 10, day))
    count_all(house.services)
    clock = Clock()
    clock.at = datetime(2026, 11, 24, 15, tzinfo=UTC)
    monkeypatch.setattr(context, "datetime", clock)
    rows = {
        account: table_rows(sign_in(app, account), "/supervision/fichier?periode=mois&tableau=cards")
        for account in ("dge", "auditeur")
    }
    assert rows["dge"][0][2] == "du 01/10/2026 au 24/10/2026"
    assert rows["dge"][1][1:3] == ["0", "5"]
    assert rows["auditeur"][0][2] == "du 01/10/2026 au 31/10/2026"
    assert rows["auditeur"][1][1:] == [SMALL_WORDS, "10", ""], "a month that runs says nothing about a change"
    for _ in range(5):
        letter(house.services, "DGE", on=date(2026, 11, 3))
    count_all(house.services)
    found = table_rows(sign_in(app, "auditeur"), "/supervision/fichier?periode=mois&tableau=cards")
    assert found[1][1:] == ["5", "10", ""]
    assert found[4][1:] == ["15", "10", "+50 %"], (
        "what stands at a day's end is compared on any day, by the two numbers that are told"
    )
    page = plain(sign_in(app, "auditeur").get("/supervision/?periode=mois").text)
    assert "Le mois en cours n'est pas fini" in page
    year = plain(sign_in(app, "auditeur").get("/supervision/").text)
    assert "L'année en cours n'est pas finie" in year
    assert "Le mois en cours" not in year
    assert "Le mois en cours" not in plain(sign_in(app, "dge").get("/supervision/?periode=mois").text)
    assert "Le mois en cours" not in plain(sign_in(app, "auditeur").get("/supervision/?periode=mois-1").text)


def test_who_may_not_see_each_letter_is_told_of_whole_months_whatever_is_asked(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services)
    client = sign_in(app, "auditeur")
    for first, last in (("2026-11-03", "2026-11-03"), ("2026-11-03", "2026-11-20"), ("2026-11-01", "2026-11-30")):
        shown = main(client.get(f"/supervision/?du={first}&au={last}").text)
        assert "du 01/11/2026 au 30/11/2026" in shown
        assert ("Vous avez demandé" in shown) == (first != "2026-11-01" or last != "2026-11-30"), (first, last)


def test_the_reach_of_each_person(house_on_either: House) -> None:
    services = house_on_either.services
    add_auditor(services)
    units = {code: unit_id(services, code) for code in ("MIN", "SG", "BO", "DGE", "ETU", "DAF")}

    def reach(account: str) -> Reach:
        return reach_of(actor(services, account))

    def codes(ids: frozenset[int]) -> set[str]:
        return {code for code, one in units.items() if one in ids}

    assert codes(reach("sg").headed) == {"SG", "BO"}
    assert codes(reach("secretaire").headed) == {"SG", "BO"}, "who prepares for an authority sees what it sees"
    assert codes(reach("dge").headed) == {"DGE", "ETU"}
    assert (codes(reach("etudes").headed), codes(reach("etudes").near)) == (set(), {"ETU"})
    assert (reach("admin").own, reach("admin").overseen) == (frozenset(), frozenset())
    assert codes(reach("auditeur").watched) == set(units)
    assert reach("auditeur").own == frozenset()
    assert [reach(one).level for one in ("sg", "dge", "agent")] == [1, 1, 0], "SECRET letters are in no figure"
    of_dge, mixed = reach("dge").sight({units["DGE"]}), reach("auditeur").sight({units["DGE"], units["DAF"]})
    assert (of_dge.is_exact, of_dge.level, of_dge.opens) == (True, 1, True)
    assert (mixed.is_exact, mixed.level, mixed.opens) == (False, 0, False)
    nothing = reach("dge").sight({units["DAF"]})
    assert (nothing.unit_ids, nothing.is_exact, nothing.level, nothing.opens) == (frozenset(), False, 0, False)
    assert nothing.cut().unit_ids == frozenset(), "and not None, which would be all units"
    assert codes(below(units["DGE"], actor(services, "dge").units)) == {"DGE", "ETU"}


def test_an_entity_below_is_not_in_reach_of_the_head_above(house_on_either: House) -> None:
    services = house_on_either.services
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "DGE"))
    assert unit_id(services, "CEET") not in reach_of(actor(services, "dge")).headed
    assert reach_of(actor(services, "ceet")).headed == {unit_id(services, "CEET")}


@in_turns
def test_each_number_of_an_entity_leads_to_its_letters_alone(site: tuple[Flask, House]) -> None:
    """Also of an entity that stands above another one; whoever heads both sees them side by side."""
    app, house = site
    services = house.services
    with services.unit_of_work(NOW) as uow:
        above = unit_id(services, "DGE")
        add_entity(uow.session, Role.HEAD, parent_id=above)
        uow.session.execute(update(Unit).where(Unit.id == above).values(is_entity=True))
        uow.session.flush()
        post = uow.session.scalars(select(Post.id).where(Post.code == "CEET-BO")).one()
        uow.session.execute(update(Holding).where(Holding.post_id == post).values(until_on=TODAY - timedelta(days=1)))
        head = int(actor(services, "dge").person_id)
        uow.session.add(Holding(post_id=post, person_id=head, from_on=TODAY))
    for code in ("DGE", "DGE", "ETU", "CEET", "CEET", "CEET", "CEET"):
        letter(services, code)
    count_all(services)
    client, followed = sign_in(app, "dge"), dict[str, list[int]]()
    page = main(client.get(f"/supervision/chiffres?{DAYS}&tableau=entities").text)
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)[1:]:
        name = re.search(r"<td[^>]*>([^<]*)<", row)
        assert name is not None
        for href, number in re.findall(r'<a href="(/l/[^"]+)">(\d+)<span', row):
            listed = plain(client.get(unescape(href)).text)
            assert f"Courriers que vous pouvez lire : {number}" in listed, href
            assert "Entité, sans celles qui en dépendent" in listed
            followed.setdefault(unescape(name[1]), []).append(int(number))
    assert {name: max(numbers) for name, numbers in followed.items()} == {
        "CEET": 4,
        "Direction générale de l'énergie": 3,
    }
    ordinary = plain(
        client.get(f"/tableau/courriers?{DAYS}&quoi=received&unite={unit_id(services, 'ETU')}&seul=entite").text
    )
    assert "Service, sans ceux qui en dépendent" in ordinary, "a unit that is no entity"


def test_a_letter_that_its_unit_may_not_know_is_under_a_level_of_its_own(house_on_either: House) -> None:
    services = house_on_either.services
    mail_id = opened_envelope(house_on_either)
    count_all(services)
    with services.reading() as session:
        assert set(session.scalars(select(FigureKey.level))) == {UNTOLD}
    impute(services, mail_id, "DGE")
    figures.run(services, now=NOW)
    with services.reading() as session:
        levels = set(session.scalars(select(FigureKey.level).where(FigureKey.unit_id == unit_id(services, "DGE"))))
    assert levels == {0}, "its addressee gave it to a unit, which may see it now"


def test_whoever_heads_a_unit_may_see_each_letter_that_is_counted_for_them(house_on_either: House) -> None:
    """The rule of access, letter by letter, against the level under which each letter is counted; for each head and member."""
    services = house_on_either.services
    make_natures(services)
    furnish(services, count=30)
    opened_envelope(house_on_either)
    # Whoever gives a letter to a post lets the heads of its unit see it while it is ordinary.
    _make_private(services, letter(services, "DGE"), Confidentiality.RESTRICTED, f"c{unit_id(services, 'DGE')}")
    _make_private(services, letter(services, "DAF"), Confidentiality.ORDINARY)
    count_all(services)
    counted, hidden = 0, 0
    with services.reading() as session:
        rows = session.execute(
            select(FigureLetter.mail_id, FigureKey.unit_id, FigureKey.level, Mail.level)
            .join(FigureKey, FigureKey.id == FigureLetter.key_id)
            .join(Mail, Mail.id == FigureLetter.mail_id)
        ).all()
        for account in ("sg", "secretaire", "dge", "daf"):
            who = actor(services, account)
            reach = reach_of(who)
            for mail_id, owner, told, level in rows:
                sight = reach.sight({owner})
                is_counted = sight.is_exact and told <= sight.level
                is_seen = access.may_see(session, mail_id, Confidentiality(level), who)
                assert is_seen or not is_counted, (account, mail_id, told)
                counted += is_counted
                hidden += sight.is_exact and not is_counted
    assert counted > 20, "something was counted"
    assert hidden >= 3, "and something was not"


def _make_private(services: Services, mail_id: int, level: Confidentiality, *more: str) -> None:
    """Make a letter one of a post alone, without the unit; ``more``: further rights that it has."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(level)))
        rights = access.MailAccess
        uow.session.execute(delete(rights).where(rights.mail_id == mail_id))
        own = f"p{post_id(services, 'ETU-M')}"
        access.grant(uow, mail_id, [Principal(one) for one in (own, *more)], access.Because.ASSIGNED)


# --- each figure leads to the letters that it counts ------------------------------------------------------------------


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ["sg", "dge", "daf"])
def test_each_link_of_a_page_leads_to_as_many_letters_as_its_cell_says(site: tuple[Flask, House], account: str) -> None:
    app, house = site
    furnish(house.services)
    client = sign_in(app, account)
    followed, wrong = 0, []
    for path, makers in PAGES:
        parts = [f"{path}?{DAYS}", *(f"{path}chiffres?{DAYS}&tableau={name}" for name in makers)]
        page = "".join(main(client.get(one).text) for one in parts)
        links = re.findall(r'<a href="(/l/[^"]+)">([\d\u202f\xa0]+)<span', page)
        for href, text in dict(links).items():
            if not in_turn(href, 2):
                continue
            listed = client.get(unescape(href))
            total = re.search(r"Courriers que vous pouvez lire[\s\xa0:]+(\d+)", listed.text)
            told = int(re.sub(r"\D", "", text))
            followed += 1
            if total is None or int(total[1]) != told:
                wrong.append((href, told, total and total[1]))
    assert wrong == []
    assert followed > 20


@in_turns
def test_each_shape_leads_where_its_table_leads(site: tuple[Flask, House]) -> None:
    """The keyboard goes by the table: it has every link of the picture, and a shape is no stop of its own."""
    app, house = site
    furnish(house.services)
    client = sign_in(app, "dge")
    found = 0
    for path, makers in PAGES:
        page = "".join(main(client.get(f"{path}?{DAYS}&vue={view}").text) for view in VIEWS[path])
        for section in page.split('<section class="card figure-panel"')[1:]:
            name = re.findall(r'id="([a-z-]+)"', section)[0]
            assert name in makers
            drawn = re.findall(r'<a href="([^"]+)"( tabindex="-1")?><title>', section)
            table = client.get(f"{path}chiffres?{DAYS}&tableau={name}", headers={"HX-Request": "true"}).text
            assert "<main" not in table, "a part of the page, without a frame"
            assert {href for href, _ in drawn} <= set(re.findall(r'<a href="([^"]+)">', table)), name
            assert all(stop for _, stop in drawn)
            found += len(drawn)
    assert found > 40


@in_turns
def test_a_list_of_letters_that_wait_begins_with_the_one_that_waits_longest(house_on_either: House) -> None:
    services = house_on_either.services
    days = [40, 90, 20, 60]
    ids = [letter(services, "DGE", on=TODAY - timedelta(days=n)) for n in days]
    with services.unit_of_work(NOW) as uow:
        for mail_id, n in zip(ids, days, strict=True):  # the last that came is past its date since longest
            due_on = TODAY - timedelta(days=10 - n // 10)
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(due_on=due_on))
    count_all(services)
    who, today, ever = actor(services, "dge"), Period(TODAY, TODAY), Period(TODAY - timedelta(days=99), TODAY)
    by_arrival = [mail_id for _n, mail_id in sorted(zip(days, ids, strict=True), reverse=True)]
    expected = {
        What.OPEN: by_arrival,
        What.WAITING: by_arrival,
        What.OVERDUE: by_arrival[::-1],
        What.RECEIVED: by_arrival[::-1],
    }
    with services.reading() as session:
        cut = reach_of(who).sight(reach_of(who).headed).cut()
        for what, order in expected.items():
            asked, seen, place = AskedLetters(what, today if what in (What.OPEN, What.OVERDUE) else ever), [], Place()
            for _ in range(2):  # over two pages
                rows, page, _total = letters.letters(session, who, cut, asked, place, limit=2)
                seen += [int(row.mail_id) for row in rows]
                place = page.next or Place()
            assert seen == order, what


def test_random_filters_equal_a_recount_letter_by_letter(house_on_either: House) -> None:
    """The figures, and the lists behind them, against the rows of the register and the rule of access as a check."""
    services = house_on_either.services
    make_natures(services)
    furnish(services)
    chance = random.Random(17)
    for account in ("sg", "dge", "daf"):
        who = actor(services, account)
        for _ in range(60 if LONG_RUN else 20):
            first = TODAY - timedelta(days=chance.randrange(60))
            period = Period(first, first + timedelta(days=chance.randrange(50)))
            narrowing = Narrowing(
                directions=chance.choice([(), (Direction.INCOMING,), (Direction.OUTGOING,)]),
                natures=chance.choice([(), (), ("demande",), ("",), ("plainte", "")]),
                priorities=chance.choice([(), (), (Priority.URGENT,)]),
            )
            headed = sorted(reach_of(who).headed)
            units = chance.choice([headed, headed[:1], headed[1:]])
            _compare(services, who, units, narrowing, period)


def _compare(services: Services, who: Actor, units: list[int], narrowing: Narrowing, period: Period) -> None:
    sight = reach_of(who).sight(units)
    expected = _recounted(services, who, set(units), narrowing, period)
    with services.reading() as session:
        cut = sight.cut(narrowing)
        totals, standing = breakdown.totals(session, cut, period), queries.standing(session, cut, period.until)
        told = {name: totals[name] for name in ("received", "answered")}
        told |= {
            "open": standing.open, "overdue": standing.overdue, "in_time": standing.open - standing.overdue
        }  # fmt: skip
        assert told == {name: len(ids) for name, ids in expected.items()}, (who.account, units, narrowing, period)
        for name, ids in expected.items():
            asked = AskedLetters(What(name), period)
            rows, _page, total = letters.letters(session, who, cut, asked, Place(), limit=500)
            assert {int(row.mail_id) for row in rows} == ids
            assert total == len(ids)


def _recounted(
    services: Services, who: Actor, units: set[int], narrowing: Narrowing, period: Period
) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {
        "received": set(), "answered": set(), "open": set(), "overdue": set(), "in_time": set()
    }  # fmt: skip
    with services.reading() as session:
        mails = session.scalars(select(Mail)).unique().all()
        numbered = set(session.scalars(select(MailNumber.mail_id)))
        done = dict(
            session.execute(
                select(Assignment.mail_id, Assignment.finished_at).where(
                    Assignment.parent_id.is_(None), Assignment.is_leading, Assignment.finished_at.is_not(None)
                )
            ).all()
        )
        for mail in mails:
            level = Confidentiality(mail.level)
            if (
                mail.id not in numbered
                or (mail.responsible_unit_id or mail.unit_id) not in units
                or level > Confidentiality.RESTRICTED
                or not access.may_see(session, mail.id, level, who)
                or (narrowing.directions and mail.direction not in narrowing.directions)
                or (narrowing.natures and mail.nature not in narrowing.natures)
                or (narrowing.priorities and mail.priority not in narrowing.priorities)
            ):
                continue
            received = mail.received_on or TODAY
            is_answered = mail.state is MailState.ANSWERED
            answered = done[mail.id].date() if is_answered else None
            if period.since <= received <= period.until:
                found["received"].add(mail.id)
            if answered and period.since <= answered <= period.until:
                found["answered"].add(mail.id)
            if received <= period.until and (answered is None or answered > period.until):
                found["open"].add(mail.id)
                is_late = mail.due_on is not None and mail.due_on < period.until
                found["overdue" if is_late else "in_time"].add(mail.id)
    return found


@in_turns
def test_many_random_filters_equal_a_recount_by_sql(house_on_either: House) -> None:
    """Each total of the cells against one statement over the register's own rows, which knows no table of figures. The long
    run draws a thousand."""
    services = house_on_either.services
    make_natures(services)
    furnish(services, count=60)
    chance, told = random.Random(1017), 0
    heads = {account: actor(services, account) for account in ("sg", "dge", "daf")}
    with services.reading() as session:
        hidden = {account: _hidden_from(session, who) for account, who in heads.items()}
        for _ in range(1_000 if LONG_RUN else FILTERS_DRAWN):
            account = chance.choice(list(heads))
            first = TODAY - timedelta(days=chance.randrange(80))
            period = Period(first, first + timedelta(days=chance.choice([0, 6, chance.randrange(100)])))
            narrowing = Narrowing(
                directions=chance.choice([(), (Direction.INCOMING,), (Direction.OUTGOING,)]),
                natures=chance.choice([(), (), ("demande",), ("",), ("plainte", "")]),
                priorities=chance.choice([(), (), (Priority.URGENT,), (Priority.NORMAL, Priority.URGENT)]),
            )
            headed = sorted(reach_of(heads[account]).headed)
            units = chance.sample(headed, chance.randint(1, len(headed)))
            cut = reach_of(heads[account]).sight(units).cut(narrowing)
            totals = breakdown.totals(session, cut, period)
            standing = queries.standing(session, cut, period.until)
            found = (totals["received"], totals["answered"], standing.open, standing.overdue)
            _whole_is_the_sum(session, cut, period)
            assert found == _by_sql(session, hidden[account], units, narrowing, period), (
                account,
                units,
                narrowing,
                period,
            )
            told += sum(found)
    assert told > (2_000 if LONG_RUN else 400), "and not only zeros"


def _whole_is_the_sum(session: ReadSession, cut: Cut, period: Period) -> None:
    """The figures of all units together are the sum of those of each, also when what stood before is known."""
    stage, by_unit = Stage.ANSWER, breakdown.By.UNIT
    expected = breakdown.added(
        list(breakdown.lines(session, cut, period, by_unit, end=period.until, stage=stage).values())
    )
    stood = queries.standing(session, cut, period.since - timedelta(days=1))
    bins = breakdown.delays(session, cut, period, stage)
    assert breakdown.whole(session, cut, period, bins=bins) == expected
    assert breakdown.whole(session, cut, period, bins=bins, stood=stood) == expected


def _hidden_from(session: ReadSession, who: Actor) -> set[int]:
    """The letters that a person may not see, and those that are in no figure of a page."""
    return {
        mail.id
        for mail in session.scalars(select(Mail)).unique()
        if mail.level > Confidentiality.RESTRICTED
        or not access.may_see(session, mail.id, Confidentiality(mail.level), who)
    }


def _by_sql(
    session: ReadSession, hidden: set[int], units: list[int], narrowing: Narrowing, period: Period
) -> tuple[int, ...]:
    """Received, answered, open and overdue letters: counted in the register."""
    finished = (
        select(func.date(func.max(Assignment.finished_at)))
        .where(Assignment.mail_id == Mail.id, Assignment.parent_id.is_(None), Assignment.is_leading)
        .scalar_subquery()
    )
    answered = case((Mail.state == MailState.ANSWERED, cast(finished, String)))
    received = func.coalesce(Mail.received_on, MailNumber.registered_on)
    first, last = period.since.isoformat(), period.until.isoformat()
    is_open = and_(received <= period.until, or_(answered.is_(None), answered > last))
    conditions = (
        received.between(period.since, period.until), answered.between(first, last), is_open,
        and_(is_open, Mail.due_on < period.until),
    )  # fmt: skip
    chosen = (
        (Mail.direction, narrowing.directions), (Mail.nature, narrowing.natures), (Mail.priority, narrowing.priorities),
    )  # fmt: skip
    row = session.execute(
        select(*(func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in conditions))
        .select_from(Mail)
        .join(MailNumber, MailNumber.mail_id == Mail.id)
        .where(func.coalesce(Mail.responsible_unit_id, Mail.unit_id).in_(units), Mail.id.not_in(sorted(hidden)))
        .where(*(column.in_(those) for column, those in chosen if those))
    ).one()
    return tuple(map(int, row))


# --- the pages themselves ---------------------------------------------------------------------------------------------


def test_each_panel_stands_in_one_view() -> None:
    for page in (dashboard.PAGE, supervision.PAGE):
        assert sorted(name for names in page.views.values() for name in names) == sorted(page.makers)


@in_turns
def test_a_hatched_sign_has_its_pattern_where_no_shape_is_hatched(site: tuple[Flask, House]) -> None:
    """All letters are late, so that no shape is; the legend names the other look."""
    app, house = site
    letter(house.services, "DGE", due_on=date(2026, 11, 27))
    count_all(house.services)
    client = sign_in(app, "dge")
    seen = []
    for path, views in VIEWS.items():
        for view in views:
            page = client.get(f"{path}?{DAYS}&vue={view}").text
            assert ("url(#hatched)" not in page) or 'id="hatched"' in page, (path, view)
            seen.append("url(#hatched)" in page)
    assert any(seen)


def test_the_pattern_is_asked_for_by_the_legend_alone() -> None:
    for look in HATCHED:
        panel = Panel("p", "", "", (), (), Drawing(1, 1, (Shape(0, 0, 1, 1, "first", ""),)), ((look, "À temps"),))
        assert panel.is_hatched


def test_a_page_is_small_enough_for_a_slow_line(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services, count=90)
    client = sign_in(app, "dge")
    pages = {f"{path} {view}": client.get(f"{path}?vue={view}").data for path, views in VIEWS.items() for view in views}
    sent = {name: len(gzip.compress(page)) for name, page in pages.items()}
    assert max(sent.values()) <= 10_000, sent
    whole = {name: len(page) for name, page in pages.items()}
    assert max(whole.values()) <= 30_000, {name: size for name, size in whole.items() if size > 30_000}


def test_who_may_open_them(site: tuple[Flask, House]) -> None:
    app, _house = site
    codes = {
        account: [sign_in(app, account).get(path).status_code for path in ("/tableau/", "/supervision/")]
        for account in ACCOUNTS
    }
    assert {account for account, (own, _) in codes.items() if own == 200} == set(ACCOUNTS)
    assert {account for account, (_, overseen) in codes.items() if overseen == 200} == set(OVERSEERS)


@in_turns
def test_figures_that_are_being_made_are_not_shown(site: tuple[Flask, House]) -> None:
    app, house = site
    client = sign_in(app, "dge")
    assert "Les chiffres sont en préparation" in client.get("/tableau/").text
    furnish(house.services, count=3)
    assert "Les chiffres sont en préparation" not in client.get("/tableau/").text
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(FigureState).values(is_whole=False))
    for path in ("/tableau/", "/supervision/"):
        shown = main(client.get(path).text)
        assert "Les chiffres sont en préparation" in shown
        assert "figure-card" not in shown
    assert client.get(f"/tableau/fichier?{DAYS}&tableau=arrivals").status_code == 404


@in_turns
def test_without_a_letter_and_without_a_unit_the_page_says_so(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    shown = main(sign_in(app, "dge").get("/tableau/").text)
    assert "Reçus" in shown
    assert "Aucun courrier." in shown
    assert "Aucun service" in main(sign_in(app, "admin").get("/tableau/").text)


@in_turns
def test_the_cards_compare_with_the_period_before(site: tuple[Flask, House]) -> None:
    app, house = site
    for day in (*[date(2026, 10, 5)] * 10, *[date(2026, 11, 3)] * 12):
        letter(house.services, "DGE", on=day)
    count_all(house.services)
    rows = table_rows(sign_in(app, "dge"), "/tableau/fichier?du=2026-11-01&au=2026-11-30&tableau=cards&format=csv")
    assert rows[0][1:3] == ["du 01/11/2026 au 30/11/2026", "du 01/10/2026 au 31/10/2026"]
    assert rows[1] == ["Reçus", "12", "10", "+20 %"], "a number with its sign, and no formula"
    rows = table_rows(sign_in(app, "dge"), "/tableau/fichier?du=2026-10-01&au=2026-10-31&tableau=cards&format=csv")
    assert rows[1] == ["Reçus", "10", "0", ""]
    for day in [date(2026, 9, 3)] * 9:
        letter(house.services, "DGE", on=day)
    count_all(house.services)
    rows = table_rows(sign_in(app, "dge"), "/tableau/fichier?du=2026-10-01&au=2026-10-31&tableau=cards&format=csv")
    assert rows[1] == ["Reçus", "10", "9", ""], "of fewer than ten letters a percentage says nothing"


@in_turns
def test_a_card_has_the_course_of_its_number_in_the_period(site: tuple[Flask, House]) -> None:
    """Of thirty days: twelve sums of seven, the last of them up to the last day. What stands is that of each of these days."""
    app, house = site
    for day in (23, 23, 20, 20, 20, 20, 10):
        letter(house.services, "DGE", on=date(2026, 11, day))
    count_all(house.services)
    client = sign_in(app, "dge")
    page = client.get("/tableau/").text
    heights = _curves(page)
    weeks, stood = [0, 1, 1, 1, 1, 0, 4, 4, 6, 6, 2, 0], [0, 1, 1, 1, 1, 1, 5, 5, 7, 7, 7, 7]
    assert heights["Reçus"] == [round(24 * one / 6) for one in weeks]
    assert heights["En instance"] == [round(24 * one / 7) for one in stood]
    assert "Clos" not in heights, "nothing moved: there is no curve"
    assert "sur sept jours glissants" in page
    assert "Courbes" not in client.get("/tableau/?du=2026-11-29&au=2026-11-30").text, "two days have no course"
    assert "jour par jour." in client.get("/tableau/?du=2026-11-20&au=2026-11-30").text
    # Of whole months, and of a month that is cut, letters for each day.
    page = client.get("/tableau/?du=2026-08-01&au=2026-11-30").text
    assert "par mois, à durée égale" in page
    for day in (*[date(2026, 9, 1)] * 3, *[date(2026, 10, 1)] * 7):
        letter(house.services, "DGE", on=day)
    count_all(house.services)
    heights = _curves(client.get("/tableau/?du=2026-08-29&au=2026-11-30").text)
    a_day = [3 / 30, 7 / 31, 7 / 30]
    assert heights["Reçus"] == [round(24 * one / a_day[-1]) for one in a_day], "three days of August say too little"
    assert heights["En instance"] == [round(24 * one / 17) for one in (0, 3, 10, 17)]
    # Who is told of rounded numbers sees the curve of these, of the year.
    heights = _curves(sign_in(app, "auditeur").get("/supervision/?du=2026-08-01&au=2026-11-30").text)
    a_day = [*[0] * 9, 5 / 31, 5 / 30]
    assert heights["Reçus"] == [round(24 * one / a_day[-1]) for one in a_day]
    assert heights["En instance"] == [round(24 * one / 15) for one in (*[0] * 9, 10, 15)]
    # One month has no course for who is told of whole months.
    assert '<path d="M0' not in main(sign_in(app, "auditeur").get("/supervision/?periode=mois").text)


def test_what_was_overdue_has_a_curve_where_each_of_its_points_is_told(site: tuple[Flask, House]) -> None:
    app, house = site
    made = [letter(house.services, "DGE", on=date(2026, 10, 1)) for _ in range(12)]
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id.in_(made[:6])).values(due_on=date(2026, 10, 12)))
        uow.session.execute(update(Mail).where(Mail.id.in_(made[6:])).values(due_on=date(2027, 6, 1)))
    count_all(house.services)
    days = "?du=2026-08-01&au=2026-11-30"
    assert _curves(sign_in(app, "dge").get(f"/tableau/{days}").text)["En retard"] == [0, 0, 24, 24]
    told = _curves(sign_in(app, "auditeur").get(f"/supervision/{days}").text)
    assert "En instance" in told
    assert "En retard" not in told, "a number that is not told would be drawn as none"


def _curves(page: str) -> dict[str, list[int]]:
    """Title of a card -> the heights of the points of its curve."""
    found = re.findall(r"<li>\s*<p>([^<]+)</p>(?:(?!</li>).)*?<svg[^>]*><path d=\"([^\"]+)\"", page, re.DOTALL)
    return {title: _heights(path) for title, path in found}


def _heights(path: str) -> list[int]:
    """The heights of the points of a curve."""
    first, moves = path.removeprefix("M0 ").split("l")
    found = [int(first)]
    for step in [int(one) for one in re.findall(r"-?\d+", moves)][1::2]:
        found.append(found[-1] + step)
    return [26 - one for one in found]


@in_turns
def test_the_time_limit_of_the_nature_is_drawn_in(site: tuple[Flask, House]) -> None:
    app, house = site
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Nature).where(Nature.code == "plainte").values(delay_days=7))
    letter(house.services, "DGE", nature="plainte", answered=NOW + timedelta(days=2))
    count_all(house.services)
    client = sign_in(app, "dge")
    with_goal = main(client.get(f"/tableau/?{DAYS}&nature=plainte&vue=delais").text)
    assert "line--goal" in with_goal
    assert "objectif de la nature : 7 j" in with_goal.replace("\xa0", " ").replace("\u202f", " ")
    assert "line--goal" not in main(client.get(f"/tableau/?{DAYS}&vue=delais").text)


WRONG = (
    "du=hier", "au=2026-13-01", "du=1900-01-01&au=2026-11-01", "periode=siecle", "unite=abc", "unite=999999",
    "unite=-1", "sens=vertical", "registre=x", "canal=pigeon", "priorite=9", "etape=fin", "nature=" + "x" * 400, "unite=" + "9" * 60,
)  # fmt: skip
REVERSED = ("du=2026-11-30&au=2026-11-01", "du=2026-11-02&au=2026-11-01", "du=9999-12-31&au=2026-11-01")
AHEAD = ("au=9999-12-31", "du=9999-12-31&au=9999-12-31", "du=2026-12-01&au=2026-12-31")


@in_turns
def test_a_wrong_value_is_said_and_left_out(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services, count=4)
    client, found = sign_in(app, "dge"), list[str]()
    said = {
        **dict.fromkeys(WRONG, "n'est pas appliqué"),
        **dict.fromkeys(REVERSED, "La fin de la période demandée est avant son début"),
        **dict.fromkeys(AHEAD, "n'a pas encore commencé"),
    }
    for path, (wrong, words) in product(("/tableau/", "/supervision/", "/tableau/courriers"), said.items()):
        answer = client.get(f"{path}?{wrong}")
        if answer.status_code != 200 or words not in answer.text.replace("’", "'"):
            found.append(f"{path} {wrong}: {answer.status_code}")
    assert found == []
    assert MAX_NATURE < 400


@in_turns
@pytest.mark.parametrize(
    ("typed", "quoted"),
    [("2026-13-45", "2026-13-45"), ("1900-01-31", "31/01/1900"), ("0900-01-31", "31/01/0900"), ("hier", "hier")],
)
def test_a_day_that_is_not_applied_is_quoted_as_typed(site: tuple[Flask, House], typed: str, quoted: str) -> None:
    """Only a real day has another order for people."""
    app, house = site
    furnish(house.services, count=4)
    told = sign_in(app, "dge").get(f"/tableau/?du={typed}&au=2026-11-01").text.replace("\xa0", " ")
    assert f"« {quoted} »" in told


@in_turns
def test_a_page_has_no_longer_period_because_its_address_names_what_a_list_does(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services, count=4)
    client = sign_in(app, "dge")
    for path in ("/tableau/", "/supervision/"):
        answer = client.get(f"{path}?du=1600-01-01&au=2026-11-30&quoi=received&vue=attente")
        assert "n'est pas appliqué" in answer.text.replace("’", "'")
        assert len(answer.data) < 60_000


@in_turns
def test_of_a_named_period_and_two_days_that_counts_which_was_not_shown_before(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services, count=4)
    client = sign_in(app, "dge")
    days, shown = "du=2026-09-01&au=2026-09-30", "u 01/09/2026 au 30/09/2026"
    named = client.get("/tableau/?periode=mois").text
    assert '<input type="hidden" name="affichee" value="mois">' in named
    assert shown in client.get(f"/tableau/?periode=mois&affichee=mois&{days}").text, "the days were typed"
    by_days = client.get(f"/tableau/?{days}").text
    assert '<input type="hidden" name="affichee" value="">' in by_days
    chosen = client.get(f"/tableau/?periode=mois&affichee=&{days}").text
    assert shown not in chosen, "the name was chosen"
    assert "nomme une période" not in chosen
    assert shown not in client.get("/tableau/?periode=mois&affichee=mois&du=&au=").text


@in_turns
@pytest.mark.parametrize("path", ["/tableau/", "/supervision/", "/tableau/chiffres", "/tableau/courriers"])
def test_an_address_of_a_named_period_and_days_says_which_it_takes(site: tuple[Flask, House], path: str) -> None:
    app, house = site
    furnish(house.services, count=4)
    client = sign_in(app, "dge")
    more = "tableau=arrivals&quoi=received"
    page = main(client.get(f"{path}?{more}&periode=90j&du=2026-09-01&au=2026-09-30").text)
    told = re.findall(r"La période est retenue, (du \S+ au \S+)[^;]+;([^<]+)", page)
    assert len(told) == 1, page
    taken, left = told[0]
    assert f"d{taken[1:]}" in page.replace(told[0][1], ""), "as the page's own heading"
    assert ("01/09/2026" in left, "30/09/2026" in left) == (True, True), "as people write days"
    assert "La période est retenue" not in client.get(f"{path}?{more}&periode=90j").text


def test_a_unit_out_of_reach_is_as_one_that_is_not_there(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services)
    client, daf = sign_in(app, "dge"), unit_id(house.services, "DAF")
    for path in ("/tableau/", "/supervision/", "/tableau/courriers"):
        theirs = main(client.get(f"{path}?{DAYS}&unite={daf}").text)
        none = main(client.get(f"{path}?{DAYS}&unite=999999").text)
        assert theirs.replace(str(daf), "#") == none.replace("999999", "#").replace(str(daf), "#")


@in_turns
def test_a_filter_stands_in_every_link_of_its_page(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services)
    page = main(sign_in(app, "dge").get(f"/tableau/?{DAYS}&nature=demande&priorite=urgent").text)
    links = [unescape(one) for one in re.findall(r'href="([^"]*(?:/l/|/fichier\?|/chiffres\?)[^"]+)"', page)]
    assert links
    for one in links:
        asked = parse_qs(urlsplit(one).query)
        assert (asked["nature"], asked["priorite"]) == (["demande"], ["urgent"])


def test_a_secret_letter_that_its_reader_may_open_is_in_no_list_of_a_figure(site: tuple[Flask, House]) -> None:
    """A list is that of its figure: it has no letter that the figure does not count."""
    app, house = site
    mail_id = letter(house.services, "", level=Confidentiality.SECRET)
    count_all(house.services)
    with house.services.reading() as session:
        sg = actor(house.services, "sg")
        assert access.may_see(session, mail_id, Confidentiality.SECRET, sg)
    assert f"/courriers/{mail_id}" not in main(sign_in(app, "sg").get(f"/tableau/courriers?{DAYS}&quoi=received").text)


def test_a_register_is_no_choice_when_none_of_its_letters_is_counted_for_the_reader_any_more(
    site: tuple[Flask, House],
) -> None:
    app, house = site
    mail_id = letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    page = client.get("/supervision/criteres").text
    with house.services.unit_of_work(NOW) as uow:
        chosen = uow.session.scalars(select(MailNumber.register_id).where(MailNumber.mail_id == mail_id)).one()
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(Confidentiality.SECRET)))
    option = f'<option value="{chosen}"'
    choices = page.partition('name="registre"')[2].partition("</select>")[0]
    assert option in choices
    figures.heal(house.services, now=NOW)
    choices = client.get("/supervision/criteres").text.partition('name="registre"')[2].partition("</select>")[0]
    assert option not in choices


@in_turns
def test_a_list_is_read_page_by_page(site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch) -> None:
    app, house = site
    monkeypatch.setattr("web.views.figures.dashboard.LETTERS", 3)
    mails = {letter(house.services, "DGE", on=TODAY - timedelta(days=n % 3)) for n in range(8)}
    count_all(house.services)
    client, seen, address = sign_in(app, "dge"), list[int](), f"/tableau/courriers?{DAYS}&quoi=received"
    while address:
        page = client.get(address).text
        seen += [int(one) for one in re.findall(r'class="number" href="/courriers/(\d+)"', page)]
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(following[1]) if following else ""
    assert sorted(seen) == sorted(mails)
    assert len(seen) == len(mails)


@in_turns
def test_a_page_has_no_style_and_no_script_of_its_own(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services)
    client, found = sign_in(app, "dge"), 0
    for path, views in VIEWS.items():
        for view in views:
            page = main(client.get(f"{path}?{DAYS}&vue={view}").text)
            assert "<svg" in page
            assert not re.search(r"\sstyle=|<script|\son\w+=", page)
            named = re.findall(
                r"<(rect|circle|path) [^>]*[^/]><title>[^<]+</title></\1>|<a [^>]*><title>[^<]+</title><(?:rect|circle|path) ",
                page,
            )
            # Beside them stand the lines, the signs of legends, and the cells without letters as one shape.
            others = r'<g class="shape shape--heat-0">(?:<title>[^<]+</title>)?<path d="[^"]+"/>|<(?:rect|circle|path) class="'
            # The curve of a card has no number of its own, and is read out nowhere.
            drawn = re.sub(
                r'<defs>.*?</defs>|<svg aria-hidden="true"><path d="M[^"]+"/></svg>', "", page, flags=re.DOTALL
            )
            shapes = re.findall(r"<(?:rect|circle|path) ", drawn)
            assert len(named) == len(shapes) - len(re.findall(others, drawn)), (path, view)
            found += len(named)
    assert found > 100


@in_turns
def test_the_pages_are_in_english_for_who_reads_it(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services, count=4)
    client = sign_in(app, "dge")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(language="en"))
    shown = main(client.get(f"/supervision/?{DAYS}").text)
    assert "Oversight" in shown
    assert "Received" in shown
    assert "Reçus" not in shown


@in_turns
@pytest.mark.parametrize(("language", "one", "more"), [("fr", "courrier", "courriers"), ("en", "letter", "letters")])
def test_what_is_counted_agrees_with_its_number(site: tuple[Flask, House], language: str, one: str, more: str) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    client = sign_in(app, "dge")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(language=language))

    def told() -> set[tuple[str, str]]:
        page = plain(unescape(client.get(f"/tableau/?{DAYS}&vue=heures").text))
        groups = re.findall(r'<g class="shape [^>]*><title>(\w+)</title>(.*?)</g>', page)
        return {
            (number, series) for series, marks in groups for number in re.findall(r"<title>[^<]*: (\d+)</title>", marks)
        }

    assert ("1", one) in told()
    assert ("1", more) not in told()
    letter(house.services, "DGE")
    count_all(house.services)
    assert ("2", more) in told()


@in_turns
def test_an_address_is_kept_short(site: tuple[Flask, House]) -> None:
    """A page has hundreds of links: only what narrows the list stands in them."""
    app, house = site
    furnish(house.services)
    page = main(sign_in(app, "dge").get(f"/tableau/?{DAYS}&vue=attente").text)
    links = [unescape(one) for one in re.findall(r'href="(/l/[^"]+)"', page)]
    assert max(map(len, links)) < 65
    assert links[0].startswith("/l/received~")


def test_the_letter_of_nobody_is_in_no_unit(house_on_either: House) -> None:
    """A unit that is asked for alone has its own letters, not those of the units below."""
    services = house_on_either.services
    impute(services, register(services).mail_id, "DGE")
    count_all(services)
    who = actor(services, "dge")
    with services.reading() as session:
        units = {unit.code: unit.id for unit in session.scalars(select(Unit))}
        alone = reach_of(who).sight({units["ETU"]})
        assert queries.standing(session, alone.cut(), END).open == 0
        whole = reach_of(who).sight(below(units["DGE"], who.units))
        assert queries.standing(session, whole.cut(), END).open == 1
        found = breakdown.lines(
            session, whole.cut(), Period(TODAY, END), breakdown.By.UNIT, end=END, stage=Stage.ANSWER
        )
    assert set(found) == {units["DGE"]}
    assert dataclasses.asdict(found[units["DGE"]])["standing"] == {"open": 1, "overdue": 0}


@in_turns
def test_numbers_of_an_axis_are_written_as_everywhere_else(site: tuple[Flask, House]) -> None:
    app, house = site
    furnish(house.services, count=20)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(FigureCell).values(received=FigureCell.received * 5_000))
    groups = re.findall(
        r'text-anchor="end"[^>]* aria-hidden="true">(.*?)</g>', sign_in(app, "dge").get("/tableau/").text, re.DOTALL
    )
    axis = re.findall(r"<text[^>]*>([^<]*)</text>", "".join(groups))
    assert "4 000" in axis, axis
