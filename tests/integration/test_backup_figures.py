"""Figures after a restore: they are those of the copy, proven, and what was not counted yet is counted there; on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, inspect, select

from ged.capture.bridges import BridgeIdentity
from ged.config import load_settings
from ged.db import Base
from ged.figures import checking
from ged.figures import operations as figures
from ged.figures.models import FigureLetter, FigureScan, FigureSlip, FigureState
from ged.org.certificates import note_issued
from ged.org.models import CertificateKind
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Services
from tests import intake_kit, slip_kit
from tests.backup_kit import Copied, page
from tests.figure_site import main, plain
from tests.monthly_kit import file_of, make, prove
from tests.site import give_passwords, open_site, sign_in
from web.processes import restore as process
from web.wiring import authority
from web.wiring.services import build_services

pytestmark = pytest.mark.in_turns(2)

LATER = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
FIRST = LATER - timedelta(days=65)
"""In a month that is over. What is restored is proven at the real time, and no signature may be of the future."""
NOBODY = {"GED_REDIS_URL": "redis://127.0.0.1:1/0", "GED_ELASTICSEARCH_URL": "http://127.0.0.1:1"}
"""The shape "servers" needs both; no copy asks them."""
PAGES = ("/tableau/", "/supervision/?vue=bordereaux", "/supervision/?vue=numerisation")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes an empty database and returns its address; empty: the file of the installation."""
    if request.param == "sqlite":
        return lambda: ""
    made: Callable[[], str] = request.getfixturevalue("make_database")
    return made


@pytest.fixture
def copied(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Copied]:
    address = new_database()
    extra = {"GED_DATABASE_URL": address, "GED_UNSAFE_DATABASE": "for-tests", **NOBODY} if address else {}
    made = Copied.make(tmp_path, extra)
    yield made
    made.installation.close()


def test_figures_come_back_and_what_was_not_counted_is_counted_there(
    copied: Copied, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    services = with_certificates(copied)
    give_passwords(services)
    bridge = intake_kit.pair(services)
    sent_and_scanned(services, bridge, "a", FIRST)
    for days in range(7, 65, 7):
        slip_kit.letter(services, now=FIRST + timedelta(days=days))  # a clock that jumps numbers nothing
    report = make(services, month=date(FIRST.year, FIRST.month, 1), now=LATER)  # it counts first
    counted = rows_of(services)
    assert all(counted[one.__tablename__] for one in (FigureLetter, FigureSlip, FigureScan))
    sent_and_scanned(services, bridge, "b", LATER)
    copied.copy()

    outcome = process.restore(
        copied.wanted(database_url=new_database()), tmp_path / "back" / "data", tmp_path / "back" / "settings"
    )
    assert (outcome.broken, outcome.report.problems) == ((), ())
    back = build_services(load_settings(outcome.settings, alone=True))
    assert rows_of(back) == counted == rows_of(services), "as they were at the copy, with what waits"
    for one in (services, back):
        with one.reading() as session:
            assert figures.has_acts(session)
        figures.run(one, now=LATER)
        assert list(checking.compare(one)) == []
    there, here = rows_of(back), rows_of(services)
    for rows in (there, here):
        rows.pop(
            FigureState.__tablename__
        )  # it names the last entry of the journal: that of the restore is there alone
    assert there == here
    assert len(there[FigureLetter.__tablename__]) == len(counted[FigureLetter.__tablename__]) + 1
    for table, number in ((FigureSlip, "slips"), (FigureScan, "pages")):
        column = list(table.__table__.columns.keys()).index(number)
        name = table.__tablename__
        assert sum(row[column] for row in there[name]) == 2 * sum(row[column] for row in counted[name]), name
    assert pages_of(services, tmp_path / "data") == pages_of(back, Path(back.data_dir))

    pdf = file_of(services, report)
    assert file_of(back, report) == pdf
    assert prove(back, pdf, now=LATER) == prove(services, pdf, now=LATER)
    assert prove(back, pdf, now=LATER).faults == ()
    for one in (services, back):
        one.engine.dispose()


def with_certificates(copied: Copied) -> Services:
    """Services with the ministry's authority and its seal."""
    settings = copied.installation.settings
    authority.create_authority(settings, organisation="Ministère d'essai", now=FIRST)
    facts, pem = authority.make_seal(settings, identifier="", now=FIRST)
    with copied.services.unit_of_work(FIRST) as uow:
        note_issued(uow, facts, pem, kind=CertificateKind.SEAL)
    return build_services(settings, authority=authority.open_authority(settings, str))


def sent_and_scanned(services: Services, bridge: BridgeIdentity, key: str, at: datetime) -> None:
    """A letter that a slip carried to DGE, and a page of a scanning station."""
    made = slip_kit.send(services, LineForm(mail_id=slip_kit.letter(services, now=at)), now=at)
    slip_kit.take(services, made.slip_id, LineState.RECEIVED, now=at)
    intake_kit.take_in(services, bridge, key, page(key))


def rows_of(services: Services) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of figures -> its rows."""
    tables: list[Table] = [one for name, one in Base.metadata.tables.items() if name.startswith("figure_")]
    with services.reading() as session:
        there = set(inspect(session.connection()).get_table_names())
        assert {one.name for one in tables} <= there
        return {
            one.name: [tuple(row) for row in session.execute(select(one).order_by(*one.primary_key.columns))]
            for one in tables
        }


def pages_of(services: Services, folder: Path) -> list[str]:
    """What the pages of figures show, without what differs at each request."""
    client = sign_in(open_site(folder, services), "dge")
    shown = []
    for address in PAGES:
        answer = client.get(f"{address}{'&' if '?' in address else '?'}periode=12mois")
        assert answer.status_code == 200
        shown.append(plain(main(answer.text)))
    return shown
