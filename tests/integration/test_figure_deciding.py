"""What helps to decide: forecasts, services that slow down, ways of letters, who waits longest; on both databases."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import delete, event, select, update

from ged.access import MailAccess, may_see
from ged.dashboard import letters as letter_lists
from ged.figures import checking
from ged.figures import operations as figures
from ged.figures.models import FigureFlow, FigureMove, FigureRound
from ged.figures.moving import FEWEST_ROUNDS
from ged.org.models import Post
from ged.ports import Confidentiality, MailId
from ged.register.models import Correspondent, Direction, Mail
from ged.register.states import MailState
from ged.routing import operations
from ged.routing.models import Assignment, UndoneImputation
from ged.routing.states import LIVE, AssignmentState
from ged.unit import Services
from tests.factories import NOW, actor
from tests.figure_copies import Copy, copied
from tests.figure_letters_kit import count_all, letter
from tests.figure_site import plain, site, table_rows
from tests.routing_kit import impute, register, unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in
from web.views.figures import dashboard

__all__ = ["house_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

TODAY = date(2026, 11, 30)
"""A Monday."""


def rows_of(app: Flask, account: str, name: str, more: str = "", page: str = "supervision") -> list[list[str]]:
    """The table of a panel; none where there is no such panel."""
    return table_rows(sign_in(app, account), f"/{page}/fichier?tableau={name}{more}")


def shown(app: Flask, account: str, address: str) -> str:
    return plain(sign_in(app, account).get(address).text)


def mondays(weeks: int, count: int, days: int | None = 1, unit: str = "DGE") -> list[Copy]:
    """Letters of each of the last Mondays, from the last one back."""
    return [Copy(TODAY - timedelta(days=7 * n), unit, days) for n in range(1, weeks + 1) for _ in range(count)]


def test_the_next_weeks_are_told_with_what_the_rule_told_before(site: tuple[Flask, House]) -> None:
    app, house = site
    copied(house.services, [*mondays(17, 3), Copy(TODAY - timedelta(days=7), "ETU")])
    count_all(house.services)
    rows = rows_of(app, "dge", "forecast")
    assert len(rows) == 1 + 8 + 2
    assert rows[-3] == ["23/11/2026–29/11/2026", "3", "3 à 3", "4", "1"]
    assert rows[-2:] == [
        ["30/11/2026–06/12/2026", "3", "3 à 4", "", ""],
        ["07/12/2026–13/12/2026", "3", "3 à 4", "", ""],
    ]
    stood = rows_of(app, "dge", "forecast-open")
    open_now = int(stood[-3][3])
    assert stood[-2][1:3] == [str(open_now), f"{open_now} à {open_now + 1}"]
    days = rows_of(app, "dge", "forecast-days", page="tableau")
    assert [row[1:3] for row in days[1:8]] == [["3", "0"], ["0", "3"], *[["0", "0"]] * 5]
    text = shown(app, "dge", "/supervision/?vue=prevision")
    assert "Sur les 8 dernières semaines, écart moyen de la même règle, en courriers par semaine : 0,1." in text
    assert "Le nombre réel était dans la fourchette 7 fois sur 8." in text
    units = rows_of(app, "dge", "forecast-units")
    assert units[1][:3] == ["Direction générale de l'énergie", "6", "6 à 6"]
    assert units[2] == ["Service des études", "—", "—", "—", "1", "—", "—", "—"], "one week of letters is no past"


def test_without_eight_weeks_it_says_so(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    assert "Il faut huit semaines de courrier pour une prévision" in shown(app, "dge", "/tableau/?vue=prevision")
    copied(house.services, mondays(7, 2))
    count_all(house.services)
    assert "Il faut huit semaines de courrier" in shown(app, "dge", "/supervision/?vue=prevision")
    assert rows_of(app, "dge", "forecast")[1:] == []
    copied(house.services, mondays(8, 1))
    count_all(house.services)
    assert "Il n'y a pas encore assez de semaines pour vérifier" in shown(app, "dge", "/tableau/?vue=prevision")
    assert len(rows_of(app, "dge", "forecast")) == 3


def test_a_forecast_is_for_who_may_open_the_letters(site: tuple[Flask, House]) -> None:
    app, house = site
    copied(house.services, [*mondays(17, 9), *mondays(17, 9, unit="ETU")])
    count_all(house.services)
    for account, page in (("auditeur", "supervision"), ("etudes", "tableau")):
        assert rows_of(app, account, "forecast", page=page)[1:] == []
        for name in ("forecast-open", "forecast-days", "forecast-units"):
            assert rows_of(app, account, name, page=page) == []
        text = shown(app, account, f"/{page}/?vue=prevision")
        assert "elle n'est montrée qu'à qui peut ouvrir ces courriers" in text
        assert not re.search(r"\d+ attendus", text)


def answered(unit: str, days: int, count: int, since: date) -> list[Copy]:
    return [Copy(since + timedelta(days=n % 5), unit, days) for n in range(count)]


LATELY, BEFORE = date(2026, 11, 9), date(2026, 9, 7)
"""Mondays: of the last 30 days, and of the 90 before. The dates of whole months are told of October, July to September."""


def test_a_service_that_slows_down_is_named_with_the_reason(
    site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, house = site
    copied(
        house.services,
        [*answered("DGE", 14, 9, LATELY), *answered("DGE", 2, 12, BEFORE), *answered("ETU", 14, 7, LATELY), *answered("ETU", 2, 40, BEFORE)],
    )  # fmt: skip
    count_all(house.services)
    rows = rows_of(app, "dge", "slower")
    reason = "médiane : 10 j ouvrés ces 30 derniers jours, 2 j les 90 jours d'avant ; 9 courriers"
    assert rows[1:] == [["Direction générale de l'énergie", reason, "10 j", "2 j", "9", "12"]], (
        "ETU: seven letters are too few"
    )
    text = shown(app, "dge", "/supervision/?vue=delais")
    link = re.search(r'href="(/l/[^"]+)">9<', text)
    assert link is not None
    listed = link[1].replace("&amp;", "&")
    assert "Courriers que vous pouvez lire : 9" in shown(app, "dge", listed)
    assert rows_of(app, "dge", "slower", "&etape=imputation")[1:] == []
    monkeypatch.setattr(letter_lists, "MOST_LETTERS_COUNTED", 8)
    monkeypatch.setattr(dashboard, "LETTERS", 4)
    first = shown(app, "dge", listed)
    assert "Courriers que vous pouvez lire : plus de 8" in first
    following = re.search(r'href="([^"]*apres=[^"]*)"', sign_in(app, "dge").get(listed).text)
    assert following is not None
    assert "Courriers que vous pouvez lire : plus de 8" in shown(app, "dge", following[1].replace("&amp;", "&"))


def test_who_is_told_of_whole_months_is_told_of_the_last_whole_one(site: tuple[Flask, House]) -> None:
    app, house = site
    october = date(2026, 10, 5)
    copied(house.services, [*answered("DGE", 14, 11, october), *answered("DGE", 2, 12, BEFORE)])
    count_all(house.services)
    rows = rows_of(app, "auditeur", "slower")
    assert [row[2:] for row in rows[1:]] == [["5 à 20 j", "0 à 4 j", "15", "15"]], (
        "classes, and a row by a class is told coarser"
    )
    assert "le mois dernier" in rows[1][1]
    letter(house.services, "DGE")
    count_all(house.services)
    assert rows_of(app, "auditeur", "slower") == rows


# --- ways of letters --------------------------------------------------------------------------------------------------

MONTH = "&du=2026-11-01&au=2026-11-30"


def live_of(services: Services, mail_id: int) -> int:
    with services.reading() as session:
        found = select(Assignment.id).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
        return session.scalars(found.order_by(Assignment.id)).first() or 0


def give_back(services: Services, mail_id: int, account: str) -> None:
    with services.unit_of_work(NOW) as uow:
        operations.give_back(
            uow,
            MailId(mail_id),
            live_of(services, mail_id),
            reason="Autre service",
            actor=actor(services, account),
            now=NOW,
        )


def pass_on(services: Services, mail_id: int, code: str, account: str = "dge") -> None:
    with services.unit_of_work(NOW) as uow:
        operations.assign(
            uow, MailId(mail_id), from_assignment_id=live_of(services, mail_id), to_unit_id=unit_id(services, code), to_post_id=None,
            purpose=operations.Purpose.ACTION, instruction="", due_on=None, actor=actor(services, account), now=NOW,
        )  # fmt: skip


def goes_round(services: Services, *path: str) -> int:
    """A letter that is given to each unit in turn, and given back by each but the last one."""
    mail_id = int(register(services).mail_id)
    for n, code in enumerate(path):
        impute(services, mail_id, code)
        if n < len(path) - 1:
            give_back(services, mail_id, code.lower())
    return mail_id


def by_hand(services: Services) -> tuple[set[tuple[int, int, int, date]], dict[int, int]]:
    """(letter, from, to, day), and letter -> comings back: read from the assignments one by one."""
    moved: dict[tuple[int, int, int], date] = {}
    rounds: dict[int, int] = {}
    with services.reading() as session:
        undone = set(session.scalars(select(UndoneImputation.imputation_id)))
        posts = {post.id: post.unit_id for post in session.scalars(select(Post))}
        voided = set(session.scalars(select(Mail.id).where(Mail.state == MailState.VOIDED)))
        rows = {row.id: row for row in session.scalars(select(Assignment)).unique()}
        events: dict[int, list[tuple[datetime, int, int, int]]] = {}
        for row in rows.values():
            if not row.is_leading or row.imputation_id in undone or row.mail_id in voided:
                continue
            giver = rows[row.parent_id].unit_id if row.parent_id else posts[row.assigned_by_post_id]
            if giver == row.unit_id:
                continue
            events.setdefault(row.mail_id, []).append((row.assigned_at, row.id * 2, giver, row.unit_id))
            if row.state is AssignmentState.RETURNED and row.finished_at:
                events[row.mail_id].append((row.finished_at, row.id * 2 + 1, row.unit_id, giver))
    for mail_id, those in events.items():
        stays = [min(those)[2]]
        for at, _place, source, target in sorted(those):
            day = at.astimezone(services.zone).date()
            moved[mail_id, source, target] = max(day, moved.get((mail_id, source, target), day))
            if stays[-1] != target:
                stays.append(target)
        if len(stays) - len(set(stays)) >= FEWEST_ROUNDS:
            rounds[mail_id] = len(stays) - len(set(stays))
    return {(*way, day) for way, day in moved.items()}, rounds


def test_the_ways_are_those_of_the_assignments(site: tuple[Flask, House]) -> None:
    _app, house = site
    services = house.services
    goes_round(services, "DGE", "DAF", "DGE")
    twice = goes_round(services, "DGE", "DGE")
    goes_round(services, "DAF")
    passed = int(register(services).mail_id)
    impute(services, passed, "DGE")
    pass_on(services, passed, "ETU")
    copied(services, [Copy(TODAY, "DAF"), Copy(TODAY, "ETU")])
    count_all(services)

    def stored() -> tuple[set[tuple[int, int, int, date]], dict[int, int], int]:
        with services.reading() as session:
            moves = {
                (one.mail_id, one.from_unit_id, one.to_unit_id, one.day) for one in session.scalars(select(FigureMove))
            }
            flows = session.scalars(select(FigureFlow.letters).where(FigureFlow.grain == "day"))
            return moves, {one.mail_id: one.times for one in session.scalars(select(FigureRound))}, sum(flows)

    moves, rounds = by_hand(services)
    assert stored() == (moves, rounds, len(moves))
    assert rounds[twice] == 2, "DGE gave it back, and has it again"
    assert sorted(rounds.values()) == [2, 3]
    assert list(checking.compare(services)) == []

    # A decision that is taken back gave nothing; a letter that is voided goes nowhere.
    with services.unit_of_work(NOW) as uow:
        given = uow.session.scalars(select(Assignment.imputation_id).where(Assignment.mail_id == passed)).first()
        uow.session.add(UndoneImputation(imputation_id=given, person_id=1, at=NOW))
        uow.session.execute(update(Mail).where(Mail.id == twice).values(state=MailState.VOIDED))
    assert {one.what for one in checking.compare(services)} >= {"figures.moves", "figures.rounds"}
    figures.heal(services, now=NOW)
    moves, rounds = by_hand(services)
    assert stored() == (moves, rounds, len(moves))
    assert not [one for one in moves if one[0] in (passed, twice)]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(FigureFlow).values(letters=FigureFlow.letters + 1))
    assert {one.what for one in checking.compare(services)} == {"figures.flow"}


def test_flows_between_units_lead_to_their_letters(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    goes_round(services, "DGE", "DAF", "DGE")
    copied(services, [*[Copy(TODAY)] * 4, Copy(TODAY, "DAF"), Copy(TODAY - timedelta(days=60))])
    count_all(services)
    rows = rows_of(app, "dge", "flows", MONTH)
    sg, dge, daf = "Secrétariat général", "Direction générale de l'énergie", "Direction des affaires financières"
    told = {row[0]: row[1] for row in rows[1:]}
    # The copies and their model, and the letter that went round, which DGE has now; the letters of DAF are not its head's to see.
    assert told == {f"{sg} → {dge}": "6", f"{dge} → {sg}": "1", f"{sg} → {daf}": "1", f"{daf} → {sg}": "1"}, rows
    page = shown(app, "dge", f"/supervision/?vue=circulation{MONTH}")
    assert "SG → DGE" in page
    ways = set()
    table = shown(app, "dge", f"/supervision/chiffres?tableau=flows{MONTH}")
    for link, number in re.findall(r'href="(/l/[^"]+)">(\d+)<', table):
        letters = shown(app, "dge", link.replace("&amp;", "&"))
        assert f"Courriers que vous pouvez lire : {number}" in letters
        letters = unescape(letters)
        ways |= set(
            re.findall(r"Service qui confie : <strong>(.+?)</strong> · Service qui reçoit : <strong>(.+?)<", letters)
        )
    assert {" → ".join(way) for way in ways} == set(told), "a list says which way its letters went"
    copied(services, [Copy(TODAY, "DAF")] * 8)
    count_all(services)
    told = {row[0]: row[1] for row in rows_of(app, "auditeur", "flows", MONTH)[1:]}
    # The small ways are one row, with the smallest other one: else they would be the difference to the total.
    assert told == {f"{sg} → {daf}": "10", "Autres, ensemble": "10"}


def test_letters_that_go_round_are_shown_to_who_may_see_them(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    most, some = goes_round(services, "DGE", "DAF", "DGE"), goes_round(services, "DGE", "DGE")
    goes_round(services, "DAF", "DGE")
    of_daf = goes_round(services, "DGE", "DAF")
    impute(services, of_daf, "DGE")
    impute(services, of_daf, "DAF")
    with services.unit_of_work(NOW) as uow:
        for mail_id, subject in ((most, "Subvention"), (of_daf, "Bail de DAF")):
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(subject=subject))
    count_all(services)
    rows = rows_of(app, "dge", "rounds")
    assert [row[3] for row in rows[1:]] == ["3", "2"]
    assert [row[1] for row in rows[1:]] == ["Subvention", "Demande d'audience"], "what each is about"
    assert "Bail de DAF" not in str(rows), "this reader may not open it"
    assert rows[1][2].startswith(
        "Secrétariat général → Direction générale de l'énergie → Secrétariat général → Direction des affaires"
    )
    page = shown(app, "dge", "/supervision/?vue=circulation")
    assert [int(one) for one in re.findall(r'href="/courriers/(\d+)"', page)] == [most, some]
    assert len(rows_of(app, "daf", "rounds")) == 2
    assert rows_of(app, "auditeur", "rounds")[1:] == []
    assert "Aucun courrier que vous pouvez ouvrir" in shown(app, "auditeur", "/supervision/?vue=circulation")
    listed = shown(app, "dge", f"/tableau/courriers?quoi=round{MONTH}")
    assert "Courriers que vous pouvez lire : 2" in listed

    # A level that was raised after the letter was counted; a right that was withdrawn.
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == most).values(level=int(Confidentiality.SECRET)))
        uow.session.execute(delete(MailAccess).where(MailAccess.mail_id == some, MailAccess.principal.like("%")))
    assert rows_of(app, "dge", "rounds")[1:] == []


# --- who waits longest ------------------------------------------------------------------------------------------------


def senders(services: Services, *names: str) -> list[int]:
    with services.unit_of_work(NOW) as uow:
        rows = [Correspondent(name=name, folded_name=name.lower()) for name in names]
        uow.session.add_all(rows)
        uow.session.flush()
        return [row.id for row in rows]


def test_correspondents_whose_letters_wait_longest(site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch) -> None:
    app, house = site
    services = house.services
    town, company, double = senders(services, "Mairie de Kpalimé", "CEET", "C.E.E.T.")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Correspondent).where(Correspondent.id == double).values(merged_into_id=company))

    def ago(
        days: int, sender: int | None, unit: str = "DGE", answered_after: int | None = None, name: str = "x"
    ) -> Copy:
        return Copy(TODAY - timedelta(days=days), unit, answered_after, sender, name)

    copies = [
        ago(40, company), ago(10, double), ago(2, company), ago(30, town), ago(90, town, answered_after=3),
        ago(95, town, "DAF"), ago(5, None, name="Anonyme"),
    ]  # fmt: skip
    mails = copied(services, copies)
    with services.unit_of_work(NOW) as uow:  # the model of the copies is no part of the story
        uow.session.execute(update(Mail).where(Mail.received_on == date(2020, 1, 1)).values(state=MailState.VOIDED))
    count_all(services)
    rows = rows_of(app, "dge", "correspondents")
    assert [[one.replace("\xa0", " ").replace("\u202f", " ") for one in row] for row in rows[1:]] == [
        ["CEET", "3", "21/10/2026", "40 jours", "10 jours"],
        ["Mairie de Kpalimé", "1", "31/10/2026", "30 jours", "30 jours"],
        ["Anonyme", "1", "25/11/2026", "5 jours", "5 jours"],
    ]
    page = shown(app, "dge", "/supervision/?vue=correspondants")
    links = re.findall(r'href="(/l/[^"]+)">(\d+)<span', page)
    links = [(link, number) for link, number in links if "expediteur" in link]
    assert [number for _link, number in links] == ["3", "1"]
    for (link, number), sender in zip(links, ("CEET", "Mairie de Kpalimé"), strict=True):
        letters = shown(app, "dge", link.replace("&amp;", "&"))
        assert f"Courriers que vous pouvez lire : {number}" in letters
        assert f"Expéditeur : <strong>{sender}</strong>" in letters
    for account, where in (("auditeur", "supervision"), ("etudes", "tableau")):
        assert rows_of(app, account, "correspondents", page=where)[1:] == []
        assert "CEET" not in shown(app, account, f"/{where}/?vue=correspondants")

    # Of the two letters that wait longest: those up to the day before the third one's.
    with monkeypatch.context() as few:
        few.setattr("ged.outlook.ways.MOST_WAITING", 2)
        rows = rows_of(app, "dge", "correspondents")
        assert [row[:2] for row in rows[1:]] == [["CEET", "1"], ["Mairie de Kpalimé", "1"]]
        assert "arrivés au plus tard le 19/11/2026" in shown(app, "dge", "/supervision/?vue=correspondants")

    # A level that was raised since the letter was counted.
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mails[3]).values(level=int(Confidentiality.SECRET)))
    assert "Mairie" not in str(rows_of(app, "dge", "correspondents"))


def test_who_writes_most_is_told_with_the_period_before(
    site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, house = site
    services = house.services
    town, company, double = senders(services, "Mairie de Kpalimé", "CEET", "C.E.E.T.")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Correspondent).where(Correspondent.id == double).values(merged_into_id=company))
    days = {company: (3, 4, 20, 40), double: (5, 6), town: (10, 33, 35), None: (12,)}
    copies = [
        Copy(TODAY - timedelta(days=ago), "DGE", 2 if ago == 20 else None, sender, "Anonyme")
        for sender, those in days.items()
        for ago in those
    ]
    mails = copied(services, [*copies, Copy(TODAY - timedelta(days=2), "DAF", None, town, "x")])
    (within,) = copied(services, [Copy(TODAY - timedelta(days=2), "DGE", None, town, "x")])
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == within).values(direction=Direction.INTERNAL))
    count_all(services)
    assert rows_of(app, "dge", "senders")[1:] == [
        ["CEET", "5", "1", ""],
        ["Mairie de Kpalimé", "1", "2", ""],
        ["Anonyme", "1", "0", ""],
    ], "dealt with or not, of both entries of the company, of the units of who reads, and no letter of the house"
    page = shown(app, "dge", "/supervision/chiffres?tableau=senders")
    links = re.findall(r'href="(/l/[^"]+)">(\d+)<span', page)
    assert [number for _link, number in links] == ["5", "1", "1", "2"]
    for link, number in links:
        letters = shown(app, "dge", link.replace("&amp;", "&"))
        assert f"Courriers que vous pouvez lire : {number}" in letters
    assert "shape--first" in shown(app, "dge", "/tableau/?vue=expediteurs")
    assert rows_of(app, "dge", "senders", "&sens=internal")[1:] == [], "letters that came in alone"
    for account, where in (("auditeur", "supervision"), ("etudes", "tableau")):
        assert rows_of(app, account, "senders", page=where)[1:] == []
        assert "CEET" not in shown(app, account, f"/{where}/?vue=expediteurs")

    # More letters than are read one by one: the last days, and as many before them.
    with monkeypatch.context() as few:
        few.setattr("ged.outlook.senders.MOST_READ", 7)
        assert rows_of(app, "dge", "senders")[1][:3] == ["CEET", "5", "1"], "no more than are read"
        few.setattr("ged.outlook.senders.MOST_READ", 4)
        page = shown(app, "dge", "/supervision/?vue=expediteurs")
        assert "reçus du 24/11/2026 au 30/11/2026" in page
        assert "« avant » : du 17/11/2026 au 23/11/2026" in page
        assert "seuls les derniers jours sont montrés ici" in page
        rows = rows_of(app, "dge", "senders")[1:]
        assert [row[:3] for row in rows] == [["CEET", "4", "0"], ["Anonyme", "0", "1"], ["Mairie de Kpalimé", "0", "1"]]
        few.setattr("ged.outlook.senders.MOST_READ", 2)
        page = shown(app, "dge", "/supervision/?vue=expediteurs&du=2026-11-27&au=2026-11-30")
        assert "reçus du 29/11/2026 au 30/11/2026" in page, "never more days than are asked"

    # A level that was raised since the letter was counted.
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mails[6]).values(level=int(Confidentiality.SECRET)))
    assert [row[1] for row in rows_of(app, "dge", "senders")[1:] if row[0].startswith("Mairie")] == ["0"]

    # Many letters in the days before the last four weeks.
    copied(services, [Copy(TODAY - timedelta(days=ago), "DGE", None, town, "x") for ago in range(30, 40)])
    count_all(services)
    with monkeypatch.context() as few:
        few.setattr("ged.outlook.senders.MOST_READ", 9)
        assert "reçus du 17/11/2026 au 30/11/2026" in shown(app, "dge", "/supervision/?vue=expediteurs&periode=12mois")


def test_the_letters_of_a_sender_are_found_by_the_days_of_the_figure(site: tuple[Flask, House]) -> None:
    """A correspondent may have sent half of the register."""
    app, house = site
    engine = house.services.engine
    if engine.dialect.name != "sqlite":  # the other one knows how many letters are of whom
        return
    (company,) = senders(house.services, "CEET")
    copied(house.services, [Copy(TODAY - timedelta(days=3), "DGE", None, company)])
    count_all(house.services)
    client, sent = sign_in(app, "dge"), []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if "sender_id) IN" in statement or "sender_id IN" in statement:
            sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    page = client.get(f"/l/received~261101~261130~t~expediteurs?expediteur={company}").text
    event.remove(engine, "before_cursor_execute", note)
    assert "CEET" in page
    assert sent
    with engine.connect() as connection:
        plans = [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", of).all()) for one, of in sent]  # type: ignore[arg-type]
    assert [plan for plan in plans if "ix_mails_sender_id" in plan] == []


def test_a_level_that_was_raised_hides_a_letter_from_who_may_open_it_too(site: tuple[Flask, House]) -> None:
    """The page counts up to confidential: a SECRET letter is no part of it, whoever reads."""
    app, house = site
    services = house.services
    mail_id = letter(services, "")
    count_all(services)
    assert "Préfecture de l'Ogou" in str(rows_of(app, "sg", "correspondents"))
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(Confidentiality.SECRET)))
    with services.reading() as session:
        assert may_see(session, mail_id, Confidentiality.SECRET, actor(services, "sg")), (
            "the rule of access hides it not"
        )
    assert rows_of(app, "sg", "correspondents")[1:] == []
