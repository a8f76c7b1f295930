"""Delegations in the workbook: given by a named act, withdrawn, taken back; wrong cells; nobody gives himself powers."""

import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from ged import audit
from ged.audit import AuditEntry
from ged.errors import Invalid
from ged.notices import finding
from ged.notices.models import PersonalNotice
from ged.org import delegations
from ged.org.delegations import DelegationForm
from ged.org.load import INSTALLATION_ID
from ged.org.models import Delegation, DelegationKind, Installation, Person, Post
from ged.routing.load import fill_calendar
from ged.spreadsheet.reading import read_apart
from ged.unit import SYSTEM, Services
from ged.workbook import operations, writing
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from ged.workbook.words import sentence
from tests.administration_kit import dump
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]

SHEET = "Délégations"
ACT = "Arrêté n° 12/MMRE du 20/11/2026"
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        fill_calendar(uow)
        uow.session.add(Installation(id=INSTALLATION_ID, name="Ministère"))  # or each first workbook would add it
    yield made
    made.engine.dispose()


def line(
    of: str = "DGE-C", to: str = "etudes", kind: str = "délégation", *, act: str = ACT, since: str = "24/11/2026",
    until: str = "31/12/2026", more: tuple[str, ...] = (),
) -> list[str]:  # fmt: skip
    return [of, to, kind, act, since, until, *more]


def rows(services: Services) -> dict[str, list[list[str]]]:
    """The workbook of the organisation as it is."""
    with services.reading() as session:
        return read_apart(writing.filled(organisation_now(session, on=TODAY)))


def take(
    services: Services, *lines: list[str], who: str | None = None, others: dict[str, list[list[str]]] | None = None
) -> int:
    """Take in a workbook with these delegations. Returns the number of changes."""
    sheets = rows(services)
    book = {SHEET: [sheets[SHEET][0], *lines], **{t: [sheets[t][0], *more] for t, more in (others or {}).items()}}
    with services.unit_of_work(NOW) as uow:
        seen = organisation_now(uow.session, on=TODAY)
        merged = merge(seen, book, on=TODAY)
        assert merged.file is not None, [sentence(one) for one in merged.findings]
        import_id = operations.hand_in(uow, b"x", "c.xlsx")
        by = actor(services, who) if who else None
        return len(operations.take_in(uow, import_id, merged.file, seen=seen, on=TODAY, actor=by))


def undo(services: Services, who: str | None = None) -> None:
    with services.unit_of_work(LATER) as uow:
        operations.undo(uow, actor=actor(services, who) if who else None)


def acts_for(services: Services, account: str, code: str, *, on: date = TODAY) -> str:
    """Why a person acts for a post on a day; empty: not at all."""
    with services.reading() as session:
        post_id = session.scalars(select(Post.id).where(Post.code == code)).one()
    held = actor(services, account, on=on).holds(post_id)
    return held.because if held is not None else ""


def test_powers_are_given_from_day_to_day_and_taken_back_byte_by_byte(services: Services) -> None:
    before = dump(services)
    assert take(services, line(more=("non", "", "5 000 000"))) == 1
    assert [acts_for(services, "etudes", "DGE-C", on=TODAY + timedelta(days=n)) for n in (-1, 0, 37, 38)] == [
        "", "delegation", "delegation", "",
    ]  # fmt: skip
    with services.reading() as session:
        row = session.scalars(select(Delegation)).one()
        assert (row.act, row.may_sign, row.max_amount_xof, row.granted_at) == (ACT, False, 5_000_000, NOW)
    undo(services)
    assert dump(services) == before
    with services.snapshot() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)).all()
        assert [one for one in actions if one.startswith("delegation.")] == [
            "delegation.granted",
            "delegation.withdrawn",
        ]
        assert list(audit.verify_chain(session)) == []


def test_what_is_exported_and_taken_in_again_changes_nothing(services: Services) -> None:
    take(services, line(), line("SG-T", "dge", "par ordre", act="Note n° 4", until="24/11/2027"))
    with services.unit_of_work(NOW) as uow:  # as the holder gives it on the page, with two spaces
        form = DelegationForm(
            post_id=actor(services, "daf").posts[0].post_id, person_id=actor(services, "agent").person_id,
            kind=DelegationKind.ORDER, act="Note  n° 5", from_on=TODAY + timedelta(days=3), until_on=TODAY + timedelta(days=9),
        )  # fmt: skip
        delegations.delegate(uow, form, actor=actor(services, "daf"))
    exported = rows(services)[SHEET]
    assert len(exported) == 4
    assert exported[1] == ["DGE-C", "etudes", "délégation", ACT, "24/11/2026", "31/12/2026", "oui", "", "", "non"]
    assert take(services, *exported[1:]) == 0


def test_a_delegation_ends_by_the_workbook_and_comes_back_with_its_undo(services: Services) -> None:
    take(services, line())
    before = dump(services)
    assert take(services, line(more=("", "", "", "oui"))) == 1
    assert acts_for(services, "etudes", "DGE-C") == ""
    undo(services)
    assert acts_for(services, "etudes", "DGE-C") == "delegation"
    assert dump(services) == before


def test_all_that_one_act_gave_end_by_its_line(services: Services) -> None:
    """On the page one act may give twice: first without the signature, then with it. One line speaks of both."""
    for may_sign in (True, False):
        with services.unit_of_work(NOW) as uow:
            form = DelegationForm(
                post_id=actor(services, "dge").posts[0].post_id, person_id=actor(services, "etudes").person_id,
                kind=DelegationKind.DELEGATION, act=ACT, from_on=TODAY, until_on=date(2026, 12, 31), may_sign=may_sign,
            )  # fmt: skip
            delegations.delegate(uow, form, actor=actor(services, "dge"))
    before = dump(services)
    take(services, line(more=("non", "", "", "oui")))
    assert acts_for(services, "etudes", "DGE-C") == ""
    undo(services)
    assert dump(services) == before


def test_what_its_giver_has_ended_is_not_given_again_by_an_older_workbook(services: Services) -> None:
    """The line was exported before. Another act may give the same again, and so may the giver, on the page."""
    take(services, line())
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(Delegation)).one()
        delegations.withdraw(uow, row.id, actor=actor(services, "dge"))
    with pytest.raises(Invalid) as refusal:
        take(services, line(act=ACT.replace(" ", "  ")))
    assert refusal.value.code == "delegation.ended_before"
    assert acts_for(services, "etudes", "DGE-C") == ""
    assert take(services, line(act="Arrêté n° 13")) == 1


def test_one_that_comes_with_a_new_holder_is_of_that_holder(services: Services) -> None:
    take(services, line())
    given = [[], ["nouveau", "Nouveau Chef", "", "ordinaire"]]
    take(services, line(act="Arrêté n° 13"), others={"Personnes": given[1:], "Postes": [["DGE-C", "", "", "nouveau"]]})
    with services.reading() as session:
        standing = session.scalars(select(Delegation.act).where(Delegation.withdrawn_at.is_(None))).all()
    assert standing == ["Arrêté n° 13"], "the one of the last holder has ended"


@pytest.mark.parametrize("holder", ["nouveau", "etudes"])
def test_what_ends_with_a_new_holder_is_shown_as_it_is_done(services: Services, holder: str) -> None:
    """Looked at, it ends too, and is not given again behind it: to its own holder that would even be refused."""
    take(services, line())
    sheets = rows(services)
    people = [sheets["Personnes"][0], ["nouveau", "Nouveau Chef", "", "ordinaire"]]
    with services.reading() as session:
        seen = organisation_now(session, on=TODAY)
    merged = merge(seen, {"Personnes": people, "Postes": [sheets["Postes"][0], ["DGE-C", "", "", holder]]}, on=TODAY)
    assert merged.file is not None
    shown = operations.preview(services, merged.file, seen=seen, now=NOW)
    with services.unit_of_work(NOW) as uow:
        import_id = operations.hand_in(uow, b"x", "c.xlsx")
        done = operations.take_in(uow, import_id, merged.file, seen=seen, on=TODAY)
    assert shown == done
    assert acts_for(services, "etudes", "DGE-C") == ("holder" if holder == "etudes" else "")


def test_an_interim_of_a_vacant_post(services: Services) -> None:
    take(services, line(kind="intérim"), others={"Postes": [["DGE-C", "", "", "—"]]})
    assert acts_for(services, "etudes", "DGE-C") == "interim"


WRONG = {
    "post": (line("NULLE-PART"), 1, "workbook.unknown"),
    "person": (line(to="personne"), 2, "workbook.unknown"),
    "no person": (line(to=""), 2, "workbook.missing"),
    "kind": (line(kind="procuration"), 3, "workbook.choice"),
    "no kind": (line(kind=""), 3, "workbook.missing"),
    "no act": (line(act=""), 4, "workbook.missing"),
    "act taken away": (line(act="—"), 4, "workbook.cannot_remove"),
    "long act": (line(act="A" * 201), 4, "workbook.too_long"),
    "sign": (line(act="Arrêté 第 12"), 4, "workbook.glyph"),
    "no first day": (line(since=""), 5, "workbook.missing"),
    "first day": (line(since="31/02/2026"), 5, "workbook.day"),
    "long ago": (line(since="01/01/2025"), 5, "workbook.period"),
    "no last day": (line(until=""), 6, "workbook.missing"),
    "over": (line(since="01/11/2026", until="23/11/2026"), 6, "workbook.period"),
    "reversed": (line(since="02/12/2026", until="01/12/2026"), 6, "workbook.period"),
    "too long": (line(until="26/11/2027"), 6, "workbook.period"),
    "signature": (line(more=("peut-être",)), 7, "workbook.yes_no"),
    "template": (line(more=("", "inconnu")), 8, "workbook.unknown"),
    "amount": (line(more=("", "", "beaucoup")), 9, "workbook.number"),
    "no amount": (line(more=("", "", "0")), 9, "workbook.amount"),
    "not given": (line(more=("", "", "", "oui")), 10, "workbook.not_given"),
    "holder": (line(to="dge"), 2, "workbook.already_holds"),
    "interim": (line(kind="intérim"), 3, "workbook.interim_held"),
}  # fmt: skip


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_cell_is_found_in_its_place(tmp_path: Path, what: str) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    cells, column, code = WRONG[what]
    names = rows(services)[SHEET][0]
    with services.reading() as session:
        found = merge(organisation_now(session, on=TODAY), {SHEET: [names, cells]}, on=TODAY)
    assert [(one.row, one.column, one.code) for one in found.findings] == [(2, column, code)]
    assert sentence(found.findings[0])
    assert found.file is None


def test_a_closed_account_and_a_second_line_are_found(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Person(account="parti", name="Parti", is_active=False))
    names = rows(services)[SHEET][0]
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    found = merge(now, {SHEET: [names, line(to="parti"), line(), line()]}, on=TODAY).findings
    assert {(one.row, one.column, one.code) for one in found} == {
        (2, 2, "workbook.closed_person"), (4, 1, "workbook.twice"),
    }  # fmt: skip


def test_what_an_act_gave_is_not_changed_by_a_cell(services: Services) -> None:
    take(services, line())
    names = rows(services)[SHEET][0]
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    found = merge(now, {SHEET: [names, line(until="30/06/2027", more=("non",))]}, on=TODAY).findings
    assert [(one.column, one.code) for one in found] == [(6, "workbook.as_given"), (7, "workbook.as_given")]


@pytest.mark.parametrize("since", ["24/11/2026", "01/12/2026"])
def test_nobody_gives_himself_powers(services: Services, since: str) -> None:
    """Also not for a later day: then the rights of today are the same."""
    with pytest.raises(Invalid) as refusal:
        take(services, line("SG-T", "admin", since=since), who="admin")
    assert refusal.value.code == "workbook.own_rights"
    assert take(services, line("SG-T", "dge", since=since), who="admin") == 1
    assert take(services, line("SG-T", "admin", since=since)) == 1, "the operator may"


def test_what_was_taken_away_from_oneself_is_not_brought_back_by_oneself(services: Services) -> None:
    take(services, line("SG-T", "admin", since="01/12/2026"))
    take(services, line("SG-T", "admin", since="01/12/2026", more=("", "", "", "oui")), who="admin")
    with pytest.raises(Invalid) as refusal:
        undo(services, who="admin")
    assert refusal.value.code == "workbook.own_rights"


def test_whoever_has_acted_by_it_keeps_it(services: Services) -> None:
    take(services, line())
    acting = actor(services, "etudes")
    held = next(one for one in acting.posts if one.because == "delegation")
    with services.unit_of_work(LATER) as uow:
        uow.record("mail.assigned", "mail", 1, actor=acting, post=held)
    with pytest.raises(Invalid) as refusal:
        undo(services)
    assert refusal.value.code == "workbook.hangs"
    assert "audit_entries" in str(refusal.value.params["obstacles"])
    assert acts_for(services, "etudes", "DGE-C") == "delegation"


def test_a_notice_of_it_goes_with_it(services: Services) -> None:
    """Its page would look for a delegation that is there no more; on SQLite the next one gets its id."""
    finding.run(services, now=NOW)
    take(services, line())
    finding.run(services, now=LATER)
    with services.reading() as session:
        assert [one.occasion.value for one in session.scalars(select(PersonalNotice))] == ["delegated"]
    undo(services)
    with services.reading() as session:
        assert session.scalars(select(PersonalNotice)).all() == []
    finding.run(services, now=LATER)


def test_the_model_has_the_sheet_with_lists_and_two_examples() -> None:
    sheet = load_workbook(io.BytesIO(writing.template()))[SHEET]
    lists = {str(one.sqref).split("2:")[0]: one.formula1 for one in sheet.data_validations.dataValidation}
    assert lists["A"] == "'Postes'!$A$2:$A$5000"
    assert lists["B"] == "'Personnes'!$A$2:$A$5000"
    assert lists["C"] == '"délégation,intérim,par ordre"'
    assert [str(sheet.cell(row, 1).value)[:9] for row in (2, 3)] == ["exemple :"] * 2
    assert all(sheet.cell(1, column).comment for column in range(1, 11))


def test_the_page_shows_what_changes_and_what_is_wrong(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    client = sign_in(app, "admin")
    year = date.today().year + 1  # noqa: DTZ011  a site asks the real clock
    days = {"since": f"01/01/{year}", "until": f"30/06/{year}"}
    page = _checked(client, services, line(**days))
    assert "DGE-C → etudes" in page
    assert "Délégations" in page
    wrong = _checked(client, services, line(act="", **days), line(kind="intérim", **days))
    assert "D2" in wrong
    assert "C3" in wrong
    assert "obligatoire" in wrong
    with services.unit_of_work(NOW) as uow:
        first = date.fromisoformat(f"{year}-01-01")
        form = DelegationForm(
            post_id=actor(services, "dge").posts[0].post_id, person_id=actor(services, "etudes").person_id,
            kind=DelegationKind.DELEGATION, act=ACT, from_on=first, until_on=first,
        )  # fmt: skip
        given = uow.session.get_one(Delegation, delegations.delegate(uow, form, actor=actor(services, "dge")))
        given.withdrawn_at = NOW
    again = _checked(client, services, line(**days))
    assert "a déjà pris fin" in again
    assert "Importer" not in again
    with services.unit_of_work(NOW) as uow:
        uow.session.delete(uow.session.get_one(Delegation, given.id))
    own = _handed_in(client, services, line("SG-T", "admin", **days))
    assert post(client, f"{own}/importer", {}, follow_redirects=True).status_code == 200
    with services.reading() as session:
        assert session.scalars(select(Delegation)).all() == []


def _checked(client: FlaskClient, services: Services, *lines: list[str]) -> str:
    return str(client.get(_handed_in(client, services, *lines)).text)


def _handed_in(client: FlaskClient, services: Services, *lines: list[str]) -> str:
    book = writing.marked({SHEET: [rows(services)[SHEET][0], *lines]}, ())
    answer = post(client, "/administration/deploiement/", {"file": (io.BytesIO(book), "c.xlsx")})
    return str(answer.location)


def test_a_file_gives_them_too(services: Services) -> None:
    """``ged org load`` takes the records of the organisation file."""
    with services.unit_of_work(NOW) as uow:
        file = organisation_now(uow.session, on=TODAY)
        record = {
            "post": "DGE-C", "person": "etudes", "kind": "delegation", "act": ACT, "from_on": TODAY, "until_on": TODAY,
        }  # fmt: skip
        made = type(file).model_validate({"organisation": "", "delegations": [record]})
        changes = operations.bring_to(uow, made, on=TODAY, actor=SYSTEM)
    assert [one.kind for one in changes if one.action == "added"] == ["delegations"]
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid) as refusal:
        wrong = type(file).model_validate(
            {"organisation": "", "delegations": [record | {"until_on": TODAY + timedelta(days=1)}]}
        )
        operations.bring_to(uow, wrong, on=TODAY, actor=SYSTEM)
    assert refusal.value.code == "delegation.as_given"
