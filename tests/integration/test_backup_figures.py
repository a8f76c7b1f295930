"""Figures after a restore: they are those of the copy, proven, and what was not counted yet is counted there; on both databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, inspect, select
from sqlalchemy.orm import Session

from ged.backup.medium import FolderMedium
from ged.capture.bridges import BridgeIdentity
from ged.config import load_settings
from ged.db import Base
from ged.figures import checking, sums
from ged.figures import operations as figures
from ged.figures.models import STATE, FigureCell, FigureKey, FigureLetter, FigureScan, FigureSlip, FigureState
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.org.certificates import note_issued
from ged.org.models import CertificateKind
from ged.ports import MailId, RegisterId, UnitId
from ged.register.models import MailNumber, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.resuming import operations as resuming
from ged.resuming.models import RegisterHold
from ged.routing import operations
from ged.routing.operations import ImputationForm
from ged.routing.rectify_letter import rectify
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Services
from tests import intake_kit, slip_kit
from tests.backup_kit import Copied, page
from tests.factories import actor
from tests.figure_site import main, plain
from tests.migration_kit import downgrade
from tests.monthly_kit import file_of, make, prove
from tests.routing_kit import unit_id
from tests.site import give_passwords, open_site, sign_in
from tests.tampering import lift_guards
from web.processes import restore as process
from web.wiring import authority
from web.wiring.services import build_services
from web.words.monthly import proof_lines

pytestmark = pytest.mark.in_turns(2)

LATER = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
FIRST = LATER - timedelta(days=65)
"""In a month that is over. What is restored is proven at the real time, and no signature may be of the future."""
BEFORE_SUMS = "0107"
"""The revision before there were sums over natures and over units."""
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


def test_a_copy_of_an_earlier_layout_gets_its_sums_month_by_month(
    copied: Copied, tmp_path: Path, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made before there were sums of natures and of units. Its figures are told from the cells, and the night makes the sums."""
    services = with_certificates(copied)
    give_passwords(services)
    waits = slip_kit.letter(services, now=FIRST)
    for days in range(1, 65, 7):
        at = FIRST + timedelta(days=days)
        give(services, slip_kit.letter(services, now=at), "DGE", at)
    report = make(services, month=date(FIRST.year, FIRST.month, 1), now=LATER)
    pages, pdf = pages_of(services, tmp_path / "data"), file_of(services, report)
    services.engine.dispose()
    downgrade(services.engine, BEFORE_SUMS)
    copied.copy()

    outcome = process.restore(
        copied.wanted(database_url=new_database()), tmp_path / "back" / "data", tmp_path / "back" / "settings"
    )
    assert (outcome.broken, outcome.report.problems) == ((), ())
    back = build_services(load_settings(outcome.settings, alone=True))
    assert grains_of(back) == {"day", "month", "year"}
    assert list(checking.compare(back)) == []
    assert pages_of(back, Path(back.data_dir)) == pages, "told from the cells"

    made, next_month = list[bool](), sums.make_next

    def noted(session: Session) -> bool:
        made.append(next_month(session))
        if len(made) == 2:
            raise KeyboardInterrupt
        return made[-1]

    with monkeypatch.context() as patched:
        patched.setattr(sums, "make_next", noted)
        with suppress(KeyboardInterrupt):
            figures.heal(back, now=LATER)
        assert pages_of(back, Path(back.data_dir)) == pages, "of the sums that are there, some months are missing"
        give(
            back, waits, "DAF", now := datetime.now(UTC)
        )  # in a month with sums and in one without, under a key that is new
        figures.run(back, now=now)
        pages = pages_of(back, Path(back.data_dir))
        assert list(checking.compare(back)) == []
        figures.heal(back, now=now)
    assert len(made) > 3, "one month in a transaction; the second one of them was killed"
    assert made == [True] * (len(made) - 1) + [False]
    with back.reading() as session:
        assert session.get_one(FigureState, STATE).sums_whole
    assert pages_of(back, Path(back.data_dir)) == pages
    assert list(checking.compare(back)) == []
    assert prove(back, pdf, now=LATER).faults == ()
    healed = told_rows(back)
    assert {one for one in grains_of(back) if "_" in one} >= {"sum_month", "natures_day", "all_year"}
    figures.rebuild(back, now=LATER)
    assert told_rows(back) == healed
    back.engine.dispose()


def test_reports_of_a_life_that_a_restore_undid_are_told_by_what_is_here(
    copied: Copied, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """After the restore other letters get the numbers that were lost. A report from before the copy is proven by the acts that are here; of one
    from after it the proof says that neither it nor the acts that it counted are here."""
    services = with_certificates(copied)
    month = date(FIRST.year, FIRST.month, 1)
    kept = slip_kit.letter(services, now=FIRST)
    for days in range(1, 65, 7):  # a clock that jumps numbers nothing
        slip_kit.letter(services, now=FIRST + timedelta(days=days))
    before = file_of(services, make(services, month=month, now=LATER))
    copied.copy()
    lost = register(services, LATER, FIRST.date())
    redate(services, kept, FIRST.date() - timedelta(days=40), LATER)
    later = LATER + timedelta(minutes=1)
    after = file_of(services, make(services, month=month, now=later))
    for pdf in (before, after):
        assert prove(services, pdf, now=later).faults == ()

    outcome = process.restore(
        copied.wanted(database_url=new_database()), tmp_path / "back" / "data", tmp_path / "back" / "settings"
    )
    assert (outcome.broken, outcome.report.problems) == ((), ())
    back = build_services(load_settings(outcome.settings, alone=True))
    now = datetime.now(UTC)
    proof = prove(back, before, now=now)
    assert (proof.faults, proof.changes) == ((), ()), "what was re-dated afterwards is as it was"
    with back.unit_of_work(now) as uow:
        holds = select(RegisterHold.id).join(Register).where(Register.code == "ARR")
        for hold_id in uow.session.scalars(holds).all():
            resuming.release(uow, hold_id, last_sequence=None, actor=actor(back, "agent", on=now.date()))
    came = register(back, now, FIRST.date())
    assert (numbers_of(back, came), came) == (numbers_of(services, lost), lost), (
        "another letter, with one number and one id"
    )
    proof = prove(back, before, now=now)
    assert proof.faults == ()
    assert {move.mail_id for one in proof.changes for move in one.moves} == {came}
    acts = {act.at for one in proof.changes for move in one.moves for act in move.acts}
    assert acts == {now}, "the acts of the life that was undone explain nothing"
    told = prove(back, after, now=now)
    assert [one.code for one in told.faults] == ["file.unknown", "journal.put_back"]
    (copy,) = FolderMedium(copied.medium).snapshots()
    assert told.faults[1].where.endswith(f"copy {copy}")
    assert (told.counted, told.changes) == (0, ())
    for language in ("fr", "en"):
        assert copy in "\n".join(proof_lines(told, language=language, zone=back.zone))
    lift_guards(back.engine)
    with back.engine.begin() as connection:
        connection.execute(delete(MonthlyReportRevision))
        connection.execute(delete(MonthlyReport))
    codes = [one.code for one in prove(back, before, now=now).faults]
    assert codes == ["file.unknown"], "it was in the copy: no restore explains that it is gone"
    back.engine.dispose()
    services.engine.dispose()


def register(services: Services, now: datetime, received_on: date) -> int:
    """A letter that came in on this day and is registered now."""
    with services.reading() as session:
        register_id = RegisterId(session.scalars(select(Register.id).where(Register.code == "ARR")).one())
    addressed = actor(services, "sg", on=now.date()).posts[0].post_id
    form = IncomingForm("Demande", "Préfecture", addressed, received_on=received_on)
    with services.unit_of_work(now) as uow:
        who = actor(services, "agent", on=now.date())
        return int(register_incoming(uow, register_id, form, actor=who, now=now).mail_id)


def redate(services: Services, mail_id: int, day: date, now: datetime) -> None:
    with services.unit_of_work(now) as uow:
        rectify(
            uow, MailId(mail_id), {"received_on": day}, reason="Cachet", version=None,
            actor=actor(services, "agent", on=now.date()), now=now,
        )  # fmt: skip


def numbers_of(services: Services, mail_id: int) -> list[str]:
    with services.reading() as session:
        return list(session.scalars(select(MailNumber.text).where(MailNumber.mail_id == mail_id)))


def with_certificates(copied: Copied) -> Services:
    """Services with the ministry's authority and its seal."""
    settings = copied.installation.settings
    authority.create_authority(settings, organisation="Ministère d'essai", now=FIRST)
    facts, pem = authority.make_seal(settings, identifier="", now=FIRST)
    with copied.services.unit_of_work(FIRST) as uow:
        note_issued(uow, facts, pem, kind=CertificateKind.SEAL)
    return build_services(settings, authority=authority.open_authority(settings, str))


def give(services: Services, mail_id: MailId, unit: str, at: datetime) -> None:
    """The decision of the secretary general."""
    with services.unit_of_work(at) as uow:
        form = ImputationForm(UnitId(unit_id(services, unit)), (), (), "", None)
        operations.impute(uow, mail_id, form, version=None, actor=actor(services, "sg", on=at.date()), now=at)


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


def grains_of(services: Services) -> set[str]:
    """The grains of the cells that there are."""
    return {str(row[0]) for row in rows_of(services)[FigureCell.__tablename__]}


def told_rows(services: Services) -> dict[str, list[str]]:
    """Every table of figures -> its rows, with what each key counts in place of its number."""
    found = rows_of(services)
    found.pop(FigureState.__tablename__)
    keys = {row[0]: row[1:8] for row in found.pop(FigureKey.__tablename__)}
    told = {}
    for name, rows in found.items():
        columns = list(Base.metadata.tables[name].columns.keys())
        place = columns.index("key_id") if "key_id" in columns else None
        told[name] = sorted(
            repr([keys[value] if at == place else value for at, value in enumerate(row)]) for row in rows
        )
    return told


def pages_of(services: Services, folder: Path) -> list[str]:
    """What the pages of figures show, without what differs at each request."""
    client = sign_in(open_site(folder, services), "dge")
    shown = []
    for address in PAGES:
        answer = client.get(f"{address}{'&' if '?' in address else '?'}periode=12mois")
        assert answer.status_code == 200
        shown.append(plain(main(answer.text)))
    return shown
