"""Closing days and years of a register: listed, sealed, chained; no number is given in a closed period."""

import dataclasses
import itertools
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from ged import verify
from ged.archive import register_check
from ged.archive.keeping import seal_head
from ged.audit import AuditEntry, AuditPayload
from ged.closing import operations as closing
from ged.closing import queries, sheet
from ged.codes import derive_secret
from ged.errors import EngineFailed, Forbidden, InvalidTransition, StaleVersion
from ged.ports import Certificate, Digest, RegisterId, SignedPdf, SignRequest, Verdict
from ged.preservation import operations as preservation
from ged.preservation.documents import SignedKind
from ged.register import allocation, rectify_entry
from ged.register.models import ClosingRevision, MailNumber, RegisterClosing
from ged.register.operations import void_number
from ged.unit import Services
from signing.pades import PadesSigner
from signing.pki import Authority, make_seal
from signing.preserve import PadesPreserver
from signing.sealing import PadesSealer, own_seal
from tests.factories import NOW, SECRET, TODAY, SharedChecker, actor, make_organisation, make_services
from tests.judges import verapdf
from tests.servers.authorities import Authorities
from tests.signbook_kit import House, make_house
from tests.site import make_site, post, sign_in
from tests.slip_kit import LineForm, letter, register_id, send
from tests.tampering import lift_guards

pytestmark = pytest.mark.in_turns(3)

DAY = timedelta(days=1)
KEY = derive_secret(SECRET, "keystore")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def close(services: Services, until_on: date, *, code: str = "ARR", now: datetime = NOW) -> RegisterClosing:
    return closing.close_days(services, register_id(services, code), until_on, actor=actor(services, "agent"), now=now)


def words(services: Services, row: RegisterClosing, folder: Path) -> str:
    with services.blobs.open(row.digest) as stored:  # type: ignore[arg-type]
        (folder / "closing.pdf").write_bytes(stored.read())
    done = subprocess.run(
        ["pdftotext", "-layout", str(folder / "closing.pdf"), "-"], capture_output=True, timeout=60, check=True
    )
    return done.stdout.decode()


def test_a_day_closes_with_its_numbers_voids_and_rectifications(services: Services, tmp_path: Path) -> None:
    first, second = letter(services, "Un objet qui ne se lit pas dans la clôture"), letter(services)
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        rectify_entry.rectify(
            uow, first, {"subject": "Autre objet"}, reason="Faute", version=None, actor=agent, now=NOW
        )
    with services.unit_of_work(NOW) as uow:
        number = uow.session.scalars(select(MailNumber).where(MailNumber.mail_id == second)).one()
        void_number(uow, number.id, reason="Inscrit deux fois", actor=agent, now=NOW)
    row = close(services, TODAY, now=NOW + DAY)
    assert (row.number_count, row.void_count, row.rectification_count) == (2, 1, 1)
    assert (row.from_on, row.until_on, row.previous_digest) == (TODAY, TODAY, None)
    shown = words(services, row, tmp_path)
    assert "00001/2026" in shown
    assert "(annulé)" in shown
    assert "objet" in shown
    assert "Un objet qui" not in shown
    assert "Inscrit deux fois" not in shown
    assert verapdf.check([tmp_path / "closing.pdf"])[0].compliant


def test_closings_are_chained_and_a_change_behind_them_is_named(services: Services) -> None:
    letter(services)
    first = close(services, TODAY, now=NOW + DAY)
    letter(services, now=NOW + DAY)
    second = close(services, TODAY + DAY, now=NOW + 2 * DAY)
    assert second.previous_digest == first.digest
    assert (second.from_on, second.sequence) == (TODAY + DAY, 2)
    with services.reading() as session:
        assert list(closing.broken(session, services)) == []
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE register_closings SET number_count = 2 WHERE sequence = 1"))
    seal_head(services, now=NOW + 2 * DAY)
    found = {problem.code for problem in verify.verify(services, now=NOW + 2 * DAY).problems}
    assert found == {"closing.altered", "closing.entered_later"}


def test_a_closed_day_takes_nothing_more_also_from_a_clock_that_is_late(services: Services) -> None:
    letter(services)
    close(services, TODAY, now=NOW + DAY)
    late = letter(services, now=NOW)
    with services.reading() as session:
        number = session.scalars(select(MailNumber).where(MailNumber.mail_id == late)).one()
        assert number.registered_on == TODAY + DAY
        assert number.registered_at.astimezone(services.zone).date() == TODAY + DAY
        assert register_check.gaps(session) == []


def test_a_correction_after_the_closing_stands_on_its_own_day_and_cites_the_closed_one(
    services: Services, tmp_path: Path
) -> None:
    mail_id = letter(services)
    closed, later = close(services, TODAY, now=NOW + DAY), NOW + 3 * DAY
    agent = actor(services, "agent")
    with services.unit_of_work(later) as uow:
        rectify_entry.rectify(
            uow, mail_id, {"subject": "Corrigé"}, reason="Faute", version=None, actor=agent, now=later
        )
        number = uow.session.scalars(select(MailNumber)).one()
        void_number(uow, number.id, reason="Inscrit deux fois", actor=agent, now=later)
    with services.reading() as session:
        told = dict(session.execute(select(AuditEntry.action, AuditPayload.payload).join(AuditPayload)).all())
    for action in ("mail.rectified", "number.voided"):
        assert (told[action]["closing"], told[action]["closed_on"]) == (closed.digest, TODAY.isoformat())
    row = close(services, TODAY + 3 * DAY, now=NOW + 4 * DAY)
    assert (row.number_count, row.void_count, row.from_on) == (0, 1, TODAY + DAY)
    assert f"clôture du {TODAY:%d/%m/%Y}" in words(services, row, tmp_path)


@pytest.mark.parametrize(
    ("until_on", "code"),
    [(TODAY + DAY, "closing.not_over"), (TODAY, "closing.closed"), (TODAY - DAY, "closing.closed")],
)
def test_what_is_refused(services: Services, until_on: date, code: str) -> None:
    letter(services)
    close(services, TODAY, now=NOW + DAY)
    with pytest.raises(InvalidTransition) as refused:
        close(services, until_on, now=NOW + DAY)
    assert refused.value.code == code


def test_nothing_to_close_and_nobody_else_may(services: Services) -> None:
    with pytest.raises(InvalidTransition) as refused:
        close(services, TODAY, now=NOW + DAY)
    assert refused.value.code == "closing.nothing"
    letter(services)
    with pytest.raises(Forbidden):
        closing.close_days(services, register_id(services, "ARR"), TODAY, actor=actor(services, "sg"), now=NOW + DAY)


def test_a_day_does_not_close_while_a_letter_waits_for_its_signature(tmp_path: Path) -> None:
    house: House = make_house(tmp_path)
    key, mail_id = house.key("sg"), house.ready()
    house.signer.failures.append(EngineFailed("sign.failed", "again"))
    (result,) = house.sign(mail_id, key=key)
    assert result.failure is not None
    assert result.number
    with pytest.raises(InvalidTransition) as refused:
        close(house.services, TODAY, code="DEP", now=NOW + DAY)
    assert (refused.value.code, refused.value.params["numbers"]) == ("closing.waiting", result.number)
    house.sign(mail_id, key=key)
    assert close(house.services, TODAY, code="DEP", now=NOW + DAY).number_count == 1
    house.services.engine.dispose()


def test_a_slip_whose_signature_failed_keeps_its_day_open(services: Services) -> None:
    send(services, LineForm(description="Dossier"))
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE slips SET state = 'issuing'"))
    with pytest.raises(InvalidTransition) as refused:
        close(services, TODAY, code="BT", now=NOW + DAY)
    assert refused.value.code == "closing.waiting"
    assert closing.close_what_is_over(services, now=NOW + DAY) == [f"{register_id(services, 'BT')} closing.waiting"]


def test_a_number_given_between_the_list_and_the_closing_is_not_left_out(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter(services)
    make = closing.sheet.closing_pdf

    def slow(data: dict[str, object], *, at: datetime) -> bytes:
        with services.unit_of_work(NOW) as uow:
            number = uow.session.scalars(select(MailNumber)).one()
            void_number(uow, number.id, reason="Pendant la clôture", actor=actor(services, "agent"), now=NOW)
        return make(data, at=at)

    monkeypatch.setattr(closing.sheet, "closing_pdf", slow)
    with pytest.raises(StaleVersion) as refused:
        close(services, TODAY, now=NOW + DAY)
    assert refused.value.code == "closing.changed"


def test_a_year_closes_over_its_days_by_the_nightly_job(services: Services, tmp_path: Path) -> None:
    letter(services)
    new_year = datetime(2027, 1, 2, 3, 0, tzinfo=NOW.tzinfo)
    assert closing.close_what_is_over(services, now=new_year) == []
    assert closing.close_what_is_over(services, now=new_year) == []
    with services.reading() as session:
        rows = session.scalars(select(RegisterClosing).order_by(RegisterClosing.id)).all()
    assert [(row.period.value, row.until_on) for row in rows] == [
        ("day", date(2026, 12, 31)),
        ("year", date(2026, 12, 31)),
    ]
    assert rows[0].digest in words(services, rows[1], tmp_path).replace("\n", "").replace(" ", "").replace("\u200b", "")
    with services.unit_of_work(NOW) as uow:
        late = allocation.allocate(uow, RegisterId(rows[0].register_id), actor=actor(services, "agent"), post=None)
        assert (late.registered_on, late.year) == (date(2027, 1, 1), 2027)


def test_a_register_that_waited_long_is_closed_in_several_sheets_of_whole_days(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register of a year without a closing had more lines than a sheet can bear: it never closed."""
    monkeypatch.setattr(closing, "MOST_NUMBERS", 3)
    for day, letters in (1, 2), (2, 1), (3, 5), (4, 1), (6, 1):
        for _ in range(letters):
            letter(services, now=NOW + day * DAY)
    last = close(services, TODAY + 8 * DAY, now=NOW + 9 * DAY)
    with services.reading() as session:
        rows = session.scalars(select(RegisterClosing).order_by(RegisterClosing.sequence)).all()
        assert list(closing.broken(session, services)) == []
    days = [((row.from_on - TODAY).days, (row.until_on - TODAY).days, row.number_count) for row in rows]
    assert days == [(1, 2, 3), (3, 3, 5), (4, 8, 2)], "a day is never divided"
    assert [row.previous_digest for row in rows] == [None, rows[0].digest, rows[1].digest]
    assert last.id == rows[-1].id


def test_a_sheet_that_cannot_be_made_keeps_no_other_register_open(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter(services)
    send(services, LineForm(description="Dossier"))
    real, failed = sheet.closing_pdf, list[str]()

    def made(data: dict[str, Any], *, at: datetime) -> bytes:
        if not failed:
            failed.append(data["register"])
            raise EngineFailed("typeset.crashed", "again", retryable=True)
        return real(data, at=at)

    monkeypatch.setattr(sheet, "closing_pdf", made)
    with pytest.raises(EngineFailed, match="crashed"):
        closing.close_what_is_over(services, now=NOW + DAY)
    with services.reading() as session:
        assert session.scalars(select(RegisterClosing)).all(), "the other register is closed"


def test_the_page_lists_closings_closes_and_gives_the_sealed_list(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    letter(services, now=datetime.now(NOW.tzinfo) - 2 * DAY)
    register = register_id(services, "ARR")
    client, path = sign_in(app, "agent"), f"/registres/{register}/clotures"
    assert "Aucune clôture" in client.get(path).text
    day = (datetime.now(services.zone) - 2 * DAY).date()
    asked = post(client, path, {"until_on": f"{day:%d/%m/%Y}", "period": "day"}, page=path)
    assert "Cet acte ne se défait pas." in asked.text
    assert 'name="sure" value="1"' in asked.text
    with services.reading() as session:
        assert session.scalars(select(RegisterClosing)).all() == [], "asked, nothing closed"
    year = post(client, path, {"until_on": f"{day:%d/%m/%Y}", "period": "year"}).text
    assert f"Arrêter et clore l'année {day.year} ?" in year
    answer = post(client, path, {"until_on": f"{day:%d/%m/%Y}", "period": "day", "sure": "1"})
    assert answer.status_code == 303, answer.text
    page = client.get(path).text
    assert f"{day:%d/%m/%Y}" in page
    with services.reading() as session:
        row = session.scalars(select(RegisterClosing)).one()
    assert client.get(f"{path}/{row.id}.pdf").data.startswith(b"%PDF")
    assert client.get(f"{path}/{row.id + 1}.pdf").status_code == 404
    again = post(client, path, {"until_on": f"{day:%d/%m/%Y}", "period": "day", "sure": "1"})
    assert "déjà closes" in again.text
    assert sign_in(app, "etudes").get(path).status_code == 404
    services.engine.dispose()


# --- the institution's seal


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorities]:
    made = Authorities(tmp_path_factory.mktemp("others"), NOW)
    yield made
    made.close()


class _Token:
    """The seal of our authority in a token that can be removed. It calls ``meanwhile`` while it seals."""

    def __init__(self, folder: Path) -> None:
        self.is_out = False
        self.meanwhile: list[Callable[[], object]] = []
        authority = Authority.open(folder / "authority", KEY)
        make_seal(authority, folder / "authority", KEY, identifier="", now=NOW)
        self._sealer = PadesSealer(PadesSigner(), lambda: own_seal(folder / "authority", KEY))

    def seal(self, pdf: bytes, request: SignRequest) -> SignedPdf:
        for act in self.meanwhile:
            act()
        if self.is_out:
            raise EngineFailed("key.unreachable", "Plug the token in.", retryable=True)
        return self._sealer.seal(pdf, request)

    def certificate(self) -> Certificate | None:
        return self._sealer.certificate()


@pytest.fixture
def sealed(services: Services, tmp_path: Path) -> tuple[Services, _Token]:
    """Services with a seal and without time-stamp authorities."""
    token = _Token(tmp_path)
    return dataclasses.replace(services, sealer=token), token


def revisions(services: Services, row: RegisterClosing) -> list[tuple[str, bytes]]:
    with services.reading() as session:
        found = session.scalars(
            select(ClosingRevision).where(ClosingRevision.closing_id == row.id).order_by(ClosingRevision.sequence)
        ).all()
    contents = []
    for one in found:
        with services.blobs.open(Digest(one.digest)) as stored:
            contents.append((one.level, stored.read()))
    return contents


def test_a_closing_bears_the_seal_of_the_institution_which_is_made_under_no_lock(
    sealed: tuple[Services, _Token],
) -> None:
    services, token = sealed
    letter(services)
    # Other writers wait for nobody. On SQLite a lock would block all of them.
    token.meanwhile.append(lambda: letter(services, now=NOW + DAY))
    row = close(services, TODAY, now=NOW + DAY)
    ((level, pdf),) = revisions(services, row)
    with services.blobs.open(Digest(row.digest)) as stored:
        assert pdf.startswith(stored.read())
    (report,) = services.checker.check(pdf, at=NOW + DAY)
    assert (report.verdict, report.reason, report.level, level) == (Verdict.GREEN, "ok", "B-B", "B-B")
    assert report.signer.startswith("Cachet ")
    seal_head(services, now=NOW + DAY)
    found = verify.verify(services, now=NOW + DAY)
    assert (found.problems, found.signatures) == ((), 1)


def test_a_seal_that_cannot_be_had_keeps_no_day_open_and_is_laid_on_later(sealed: tuple[Services, _Token]) -> None:
    services, token = sealed
    letter(services)
    token.is_out = True
    row = close(services, TODAY, now=NOW + DAY)
    assert revisions(services, row) == []
    due = NOW + DAY + timedelta(minutes=1)
    assert preservation.preserve(services, SignedKind.CLOSING, row.id, now=due) == "key.unreachable"
    assert preservation.standing(services) == (("", "key.unreachable", 1),)
    token.is_out = False
    later = due + timedelta(minutes=6)
    with services.unit_of_work(later) as uow:
        assert preservation.is_due(uow, now=later)
    assert preservation.preserve_due(services, heartbeat=lambda _: None, now=later) == 1
    assert [level for level, _ in revisions(services, row)] == ["B-B"]
    with services.unit_of_work(later) as uow:
        assert not preservation.is_due(uow, now=later + 30 * DAY)


def test_a_sealed_closing_is_raised_renewed_and_stays_pdf_a(
    sealed: tuple[Services, _Token], authorities: Authorities, tmp_path: Path
) -> None:
    services, _ = sealed
    authorities.at(NOW + DAY)

    def roots() -> tuple[str, ...]:
        return (*services.vault.trust_roots_pem(), authorities.root_pem)

    checker = SharedChecker(roots())
    raising = dataclasses.replace(
        services, preserver=PadesPreserver([authorities.tsa()], roots, pause_s=0), checker=checker
    )
    letter(raising)
    row = close(raising, TODAY, now=NOW + DAY)
    assert preservation.preserve(raising, SignedKind.CLOSING, row.id, now=NOW + DAY) == ""
    made = revisions(raising, row)
    assert [level for level, _ in made] == ["B-B", "B-T", "B-LT", "B-LTA"]
    assert all(after.startswith(before) for (_, before), (_, after) in itertools.pairwise(made))
    years_later = NOW + 5 * 365 * DAY
    report = checker.check(made[-1][1], at=years_later)[0]
    checker.close()
    assert (report.verdict, report.level) == (Verdict.GREEN, "B-LTA")
    with services.reading() as session:
        (shown,) = queries.closings(session, row.register_id, actor(services, "agent"))
    assert (shown.level, shown.digest, shown.last != shown.digest) == ("B-LTA", row.digest, True)
    files = []
    for number, (_, pdf) in enumerate(made):
        files.append(tmp_path / f"{number}.pdf")
        files[-1].write_bytes(pdf)
    assert [(one.flavour, one.failures) for one in verapdf.check(files)] == [("2b", ())] * 4
