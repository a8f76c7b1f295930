"""The workbook of a roll-out: each wrong cell is found at its place; taken in completely; undone byte by byte."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ged import access, audit
from ged.access import Because
from ged.db import Base
from ged.errors import Invalid, NotFound
from ged.org.accounts import set_password
from ged.org.file import OrganisationFile, read_organisation
from ged.org.load import Change
from ged.org.models import Holding, Person, Post, Unit
from ged.ports.names import unit_principal
from ged.register.models import Correspondent, Direction, Mail
from ged.register.states import MailState
from ged.routing.models import Imputation
from ged.spreadsheet.reading import read_apart
from ged.unit import SYSTEM, Services
from ged.workbook import inverse, operations, writing
from ged.workbook.cells import Finding
from ged.workbook.merging import merge
from ged.workbook.sheets import SHEETS
from ged.workbook.state import organisation_now
from ged.workbook.words import sentence
from tests.factories import NOW, TODAY, make_services
from web.commands.organisation import load_file

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]

MINISTRY = Path(__file__).parents[2] / "demo" / "ministry.yaml"
Book = dict[str, list[list[str]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    url = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    made = make_services(tmp_path, url=url)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def ministry_book() -> Book:
    """The demonstration ministry, as a workbook that a person filled in."""
    return read_apart(writing.filled(without_templates(read_organisation(MINISTRY))))


def without_templates(file: OrganisationFile) -> OrganisationFile:
    natures = tuple(nature.model_copy(update={"template": None}) for nature in file.natures)
    return file.model_copy(update={"templates": (), "natures": natures})


def with_addresses(file: OrganisationFile) -> OrganisationFile:
    """A file that leaves an address out leaves it as it is: empty, where nothing was before."""
    return file.model_copy(
        update={"units": [one.model_copy(update={"address": one.address or ""}) for one in file.units]}
    )


def now_of(services: Services) -> OrganisationFile:
    with services.reading() as session:
        return organisation_now(session, on=TODAY)


def take(services: Services, book: Book, *, now: datetime = NOW) -> tuple[Change, ...]:
    seen = now_of(services)
    merged = merge(seen, book)
    assert [sentence(one) for one in merged.findings] == []
    assert merged.file is not None
    with services.unit_of_work(now) as uow:
        import_id = operations.hand_in(uow, repr(book).encode(), "classeur.xlsx")
        return operations.take_in(uow, import_id, merged.file, seen=seen, on=TODAY)


def dump(services: Services) -> dict[str, list[str]]:
    """All rows of all tables, except those of the journal, the jobs and the workbooks."""
    found = {}
    with services.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in inverse.NEVER_TAKEN_BACK:
                found[table.name] = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
    return found


def sheet(book: Book, title: str) -> list[list[str]]:
    return book.setdefault(title, [[column.title for column in next(s for s in SHEETS if s.title == title).columns]])


def test_a_whole_ministry_is_taken_in_and_a_second_time_changes_nothing(
    services: Services, ministry_book: Book
) -> None:
    assert len(take(services, ministry_book)) > 200
    again = read_apart(writing.filled(now_of(services)))
    assert take(services, again) == ()
    assert set(now_of(services).units) == set(with_addresses(read_organisation(MINISTRY)).units)


def test_the_workbook_and_the_file_make_the_same_ministry(tmp_path: Path, ministry_book: Book) -> None:
    by_file, by_book = (make_services(_new(tmp_path / name)) for name in ("file", "book"))
    load_file(by_file, MINISTRY, dry_run=False, now=NOW)
    take(by_book, ministry_book)
    wanted, found = without_templates(now_of(by_file)), now_of(by_book)
    for kind in ("units", "people", "posts", "registers", "mentions", "correspondents", "filing_plan", "natures"):
        # Entities and units are two sheets, so their order differs from the file's.
        assert sorted(getattr(found, kind), key=str) == sorted(getattr(wanted, kind), key=str), kind


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_taking_a_workbook_back_leaves_every_row_as_it_was(services: Services, ministry_book: Book) -> None:
    take(services, ministry_book)
    before = dump(services)
    book: Book = {}
    sheet(book, "Unités").append(["DGX", "Direction des essais", "direction", "SG"])
    sheet(book, "Personnes").append(["dge.chef", "Sénam Nouveau-Nom", "—", "ordinaire"])
    sheet(book, "Personnes").append(["x.essai", "Xavier Essai"])
    sheet(book, "Postes").append(["DGX-CHEF", "Directeur", "DGX", "x.essai", "chef, signataire"])
    sheet(book, "Postes").append([_held_post(services), "", "", "—", "chef"])
    sheet(book, "Natures").append(["essai", "Essai", "arrivée", "", "5", "opinion", "-2, 1"])
    sheet(book, "Circuits").extend([["essai", "chef du rédacteur", "visa", "oui"], ["essai", "DGX-CHEF", "signature"]])
    sheet(book, "Correspondants").append(["Société d'essai", "entreprise", "Lomé"])
    assert take(services, book)
    assert dump(services) != before
    with services.unit_of_work(NOW + timedelta(hours=1)) as uow:
        operations.undo(uow)
    after = dump(services)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []


def _held_post(services: Services) -> str:
    """Let the holder of a post leave."""
    with services.reading() as session:
        return (
            session.scalars(select(Post.code).join(Holding, Holding.post_id == Post.id).order_by(Post.id)).first() or ""
        )


def test_the_first_workbook_of_an_installation_is_taken_back_too(services: Services, ministry_book: Book) -> None:
    before = dump(services)
    take(services, ministry_book)
    with services.unit_of_work(NOW) as uow:
        operations.undo(uow)
    assert dump(services) == before
    with services.unit_of_work(NOW) as uow, pytest.raises(NotFound):
        operations.undo(uow)


def test_what_hangs_on_a_row_is_named_and_nothing_is_taken_back(services: Services, ministry_book: Book) -> None:
    take(services, ministry_book)
    book: Book = {}
    sheet(book, "Unités").append(["DGX", "Direction des essais", "direction", "SG"])
    sheet(book, "Personnes").append(["x.essai", "Xavier Essai"])
    take(services, book)
    with services.unit_of_work(NOW) as uow:
        unit_id = uow.session.execute(text("SELECT id FROM units WHERE code = 'DGX'")).scalar_one()
        uow.session.add(Correspondent(name="De DGX", folded_name="de dgx", entity_id=unit_id))
        person = uow.session.scalars(select(Person).where(Person.account == "x.essai")).one()
        set_password(uow, person.id, "x", actor=SYSTEM)
    before = dump(services)
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid) as refusal:
        operations.undo(uow)
    assert set(refusal.value.params["obstacles"]) >= {"units DGX: correspondents 1", "people x.essai: changed"}
    assert dump(services) == before


def test_what_names_a_row_without_a_foreign_key_keeps_it(tmp_path: Path, ministry_book: Book) -> None:
    services = make_services(tmp_path)
    take(services, ministry_book)
    book: Book = {}
    sheet(book, "Unités").append(["DGX", "Direction des essais", "direction", "SG"])
    sheet(book, "Natures").append(["essai", "Essai", "arrivée"])
    sheet(book, "Mentions").append(["essai", "Essai"])
    take(services, book)
    with services.unit_of_work(NOW) as uow:
        made = uow.session.scalars(select(Unit).where(Unit.code == "DGX")).one()
        one, other = (
            Mail(
                direction=Direction.INCOMING,
                state=MailState.TO_IMPUTE,
                subject="Objet",
                nature=code,
                unit_id=1,
                created_at=NOW,
            )
            for code in ("essai", "autre")
        )
        uow.session.add_all([one, other])
        uow.session.flush()
        access.grant(uow, other.id, [unit_principal(made.id)], Because.ASSIGNED)
        row = Imputation(
            mail_id=other.id, post_id=1, person_id=1, acted_as="holder", note="", mentions=["essai"], decided_at=NOW
        )
        uow.session.add(row)
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid) as refusal:
        operations.undo(uow)
    assert set(refusal.value.params["obstacles"]) == {
        "units DGX: mail_access 1", "natures essai: mails 1", "mentions essai: imputations 1",
    }  # fmt: skip


WRONG = [
    ("Unités", ["DG E", "Nom", "direction", "SG"], 0, "workbook.space"),
    ("Unités", ["dge", "Nom", "direction", "SG"], 0, "workbook.nearly_twice"),
    ("Unités", ["ZZ", "", "direction", "SG"], 1, "workbook.missing"),
    ("Unités", ["ZZ", "Nom", "bureau", "SG"], 2, "workbook.choice"),
    ("Unités", ["ZZ", "Nom", "direction", "sg"], 3, "workbook.unknown"),
    ("Unités", ["ZZ", "Nom", "direction", "ZZ"], 3, "workbook.cycle"),
    ("Unités", ["ZZ", "Nom", "direction", "SG", "peut-être"], 4, "workbook.yes_no"),
    ("Unités", ["ZZ", "Nom", "direction", "SG", "oui"], 5, "workbook.no_successor"),
    ("Unités", ["ZZ", "N" * 201, "direction", "SG"], 1, "workbook.too_long"),
    ("Unités", ["ZZ", "Nom\u202e", "direction", "SG"], 1, "workbook.control"),
    ("Unités", ["ZZ", "Nom \U0001f600", "direction", "SG"], 1, "workbook.glyph"),
    ("Unités", ["—", "Nom", "direction", "SG"], 0, "workbook.cannot_remove"),
    ("Unités", ["", "Nom", "direction", "SG"], 0, "workbook.missing"),
    ("Unités", ["DGE", "Nom", "direction", "SG", "", "", "", "reste"], 7, "workbook.beyond"),
    ("Personnes", ["K.Ametepe", "Kossi Ametépé"], 0, "workbook.capitals"),
    ("Personnes", ["dge.ch\u0435f", "Une lettre cyrillique"], 0, "workbook.letters"),
    ("Personnes", ["k.am\u00e9t\u00e9p\u00e9", "Kossi Ametepe"], 0, "workbook.letters"),
    ("Personnes", ["dge.chef\u200b", "Un signe invisible"], 0, "workbook.control"),
    ("Personnes", ["nouveau", "Nom", "sans arobase"], 2, "workbook.email"),
    ("Personnes", ["nouveau", "Nom", "", "très secret"], 3, "workbook.choice"),
    ("Postes", ["P-X", "Poste", "INCONNUE", "", "chef"], 2, "workbook.unknown"),
    ("Postes", ["P-X", "Poste", "DGE", "personne", "chef"], 3, "workbook.unknown"),
    ("Postes", ["P-X", "Poste", "DGE", "", "chef; roi"], 4, "workbook.choice"),
    ("Postes", ["P-X", "Poste", "DGE", "", "chef", "P-X"], 5, "workbook.itself"),
    ("Registres", ["RX", "Registre", "BO", "arrivée", "courrier arrivée", "{year}/{entity}"], 5, "workbook.pattern"),
    ("Registres", ["RX", "Registre", "BO", "départ", "courrier départ", "{seq:060d}/{entity}/{unit}"], 5, "workbook.pattern_long"),
    ("Registres", ["RX", "Registre", "BO", "", "courrier arrivée", "{seq}"], 3, "workbook.missing"),
    ("Natures", ["nx", "Nature", "départ", "ARR-MMRE"], 3, "workbook.unknown"),
    ("Natures", ["nx", "Nature", "départ", "", "dix"], 4, "workbook.number"),
    ("Natures", ["nx", "Nature", "départ", "", "400"], 4, "workbook.number"),
    ("Natures", ["nx", "Nature", "départ", "", "", "inconnue"], 5, "workbook.unknown"),
    ("Natures", ["nx", "Nature", "départ", "", "", "", "avant"], 6, "workbook.numbers"),
    ("Natures", ["MMRE/nx", "Nature", "départ"], 0, "workbook.slash"),
    ("Natures", ["nx", "FACTURE", "arrivée"], 1, "workbook.same_name"),
    ("Mentions", ["m/x", "Mention"], 0, "workbook.slash"),
    ("Circuits", ["lettre", "INCONNU", "signature"], 1, "workbook.unknown"),
    ("Mentions", ["mx", "Mention", "deux jours"], 2, "workbook.too_long"),
    ("Plan de classement", ["9.9", ""], 1, "workbook.missing"),
]  # fmt: skip


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("title", "cells", "column", "code"), WRONG, ids=[f"{w[0]}-{w[3]}-{n}" for n, w in enumerate(WRONG)]
)
def test_a_wrong_cell_is_found_in_its_place(title: str, cells: list[str], column: int, code: str) -> None:
    now = without_templates(read_organisation(MINISTRY))
    book: Book = {}
    sheet(book, title).append([])
    sheet(book, title).append(cells)
    found = operations.merged(now, book)
    assert found.file is None
    assert (title, 3, column + 1, code) in {(one.sheet, one.row, one.column, one.code) for one in found.findings}
    assert all(sentence(one) for one in found.findings)


def test_a_unit_that_takes_a_register_to_an_entity_with_a_longer_code_is_told_so() -> None:
    now = without_templates(read_organisation(MINISTRY))
    wide = tuple(one.model_copy(update={"pattern": "{seq:040d}/{entity}/{unit}"}) for one in now.registers)
    now = now.model_copy(update={"registers": wide})
    unit = next(one for one in now.units if one.code == wide[0].unit)
    book: Book = {}
    sheet(book, "Entités").append([])
    sheet(book, "Entités").append(["E" * 32, "Entité nouvelle", "", "MMRE"])
    sheet(book, "Unités").append([])
    sheet(book, "Unités").append([unit.code, unit.name, "bureau d'ordre", "E" * 32])
    found = operations.merged(now, book).findings
    assert [(one.sheet, one.row, one.column, one.code) for one in found] == [
        ("Unités", 3, 4, "workbook.pattern_long")
    ], [sentence(one) for one in found]


def test_two_hundred_seeded_errors_are_each_marked_red_with_a_note(ministry_book: Book) -> None:
    book = {title: [list(row) for row in rows] for title, rows in ministry_book.items()}
    seeded: set[tuple[str, int, int]] = set()
    for title, place, wrong in (
        ("Personnes", 3, "élevée"),
        ("Postes", 2, "NULLE-PART"),
        ("Unités", 2, "machin"),
        ("Personnes", 2, "adresse"),
        ("Registres", 5, "sans numéro"),
        ("Postes", 4, "empereur"),
    ):
        for number in range(1, len(book[title])):
            book[title][number] += [""] * (place + 1 - len(book[title][number]))
            book[title][number][place] = wrong
            seeded.add((title, number + 1, place + 1))
    assert len(seeded) >= 200
    found = merge(without_templates(read_organisation(MINISTRY)), book)
    assert seeded <= {(one.sheet, one.row, one.column) for one in found.findings}
    others = [one for one in found.findings if (one.sheet, one.row, one.column) not in seeded]
    assert {one.sheet for one in others} <= {"Circuits"}, others  # a post without a role signs nothing
    marked = writing.marked(book, found.findings)
    assert read_apart(marked)["Personnes"] == [row[: len(book["Personnes"][0])] for row in book["Personnes"]]
    _check_marks(marked, found.findings)


def _check_marks(marked: bytes, findings: tuple[Finding, ...]) -> None:
    from openpyxl import load_workbook

    opened = load_workbook(io.BytesIO(marked))
    for one in findings:
        cell = opened[one.sheet].cell(one.row, one.column)
        assert cell.fill.fgColor.rgb == "00FFC7CE", one
        assert sentence(one) in cell.comment.text, one


def test_the_empty_workbook_changes_nothing_and_its_examples_are_not_read() -> None:
    book = read_apart(writing.template())
    assert [rows[1][0][:9] for title, rows in book.items() if title != "Lisez-moi"] == ["exemple :"] * len(SHEETS)
    now = without_templates(read_organisation(MINISTRY))
    found = merge(now, book)
    assert (found.file, found.findings, found.lines) == (now, (), 0)


def test_what_the_examples_show_is_right() -> None:
    """Who fills the workbook in copies the lines of example: none of their cells may be refused for what it says."""
    book = read_apart(writing.template())
    for title, rows in book.items():
        if title != "Lisez-moi":
            for row in rows[1:]:
                row[0] = row[0].removeprefix("exemple : ")
    book["Entités"].append(["MMRE", "Ministère", "ministère"])
    book["Unités"] += [["SG", "Secrétariat", "secrétariat général", "MMRE"], ["BO", "Bureau", "bureau d'ordre", "SG"]]
    book["Postes"].append(["SG", "Le secrétaire général", "SG", "—", "signataire"])
    found = merge(OrganisationFile(organisation=""), book, on=TODAY)
    assert [(one.sheet, one.row, sentence(one)) for one in found.findings] == []


def test_each_column_of_the_empty_workbook_has_a_note_that_a_spreadsheet_can_show() -> None:
    from openpyxl import load_workbook

    opened = load_workbook(io.BytesIO(writing.template()))
    for made in opened.worksheets[1:]:
        assert all(cell.comment.text.removesuffix(" Obligatoire.").strip() for cell in made[1]), made.title
        for rule in made.data_validations.dataValidation:
            assert len(rule.formula1) <= 255, (made.title, rule.sqref)
            assert len(rule.error or "") <= 225, (made.title, rule.sqref)
            assert len(rule.errorTitle or "") <= 32, (made.title, rule.sqref)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html></html>" * 1000, b"\xd0\xcf\x11\xe0" + b"\0" * 4000])
def test_a_file_that_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        read_apart(content)
    assert refusal.value.code == "workbook.unreadable"


def test_a_text_that_looks_like_a_formula_stays_a_text() -> None:
    now = without_templates(read_organisation(MINISTRY))
    changed = now.people[0].model_copy(update={"name": '=HYPERLINK("http://x")'})
    book = read_apart(writing.filled(now.model_copy(update={"people": (changed,)})))
    assert book["Personnes"][1][1] == '=HYPERLINK("http://x")'
