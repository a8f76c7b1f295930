"""The first pages of monthly reports: written by an administrator, checked, kept in versions; they reach no file and change no number. On both databases."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Invalid, NotFound, StaleVersion
from ged.figures.definitions import ALL
from ged.monthly import operations, sample, sheet, templates
from ged.monthly.models import MonthlyReport, ReportTemplate
from ged.monthly.numbers import Letter, Number, below, numbers
from ged.monthly.sheet import Front
from ged.org.models import Unit
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.figure_play_kit import Play
from tests.judges import verapdf
from tests.lock_kit import outcomes
from tests.monthly_kit import LATER, file_of, make, prove, with_seal, words
from tests.routing_kit import services_on_either, unit_id
from web.wiring.attached import report_file

__all__ = ["services_on_either"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

HEAD = {"organisation": "Ministère", "units": [], "country": "", "motto": "", "caption": "", "entity": "", "qr": ""}
OURS = '= Mot du ministre\n\nCe mois : #nombre("Reçus") courriers reçus.\n'
SVG = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='9' height='9'><image href='{}' width='9' height='9'/></svg>"


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal."""
    return with_seal(services_on_either, tmp_path)


def ministry(services: Services) -> int:
    return int(unit_id(services, "MIN"))


def add(services: Services, source: str, *, after: int = 0, by: str = "admin", entity: int | None = -1) -> int:
    of = ministry(services) if entity == -1 else entity
    return templates.add(services, of, source, after=after, actor=actor(services, by), now=NOW)


def refusal(services: Services, source: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        add(services, source)
    assert caught.value.params["field"] == "source"
    with services.reading() as session:
        assert session.scalars(select(ReportTemplate.id)).all() == [], "nothing is kept"
    return caught.value


def pdf_of(source: str, told: str = "") -> bytes:
    """A report on the made-up month."""
    content, counted = sample.sample("Entité")
    return sheet.report_pdf(content, counted, HEAD, made="aujourd'hui", at=NOW, front=Front(source, told))


def pictures(pdf: bytes) -> list[str]:
    """A digest of what each page looks like."""
    document = pdfium.PdfDocument(pdf)
    return [hashlib.sha256(page.render(scale=2).to_numpy().tobytes()).hexdigest() for page in document]


def test_a_report_has_the_entitys_first_pages_and_then_all_numbers_and_is_proven(
    services: Services, tmp_path: Path
) -> None:
    play = Play(services)
    for _ in range(3):
        play.register(received_on=TODAY)
    add(services, OURS)
    row = make(services)
    pdf = file_of(services, row)
    said = " ".join(words(pdf, tmp_path).split())
    assert "Mot du ministre Ce mois : 3 courriers reçus." in said
    assert "suivent le modèle de l’entité, version 1" in said
    flat = "".join(words(pdf, tmp_path, is_drawn=False).split()).replace("\u200b", "")
    for one in counted_in(report_file(pdf).data):
        if one.unit_id is None:
            assert one.digest in flat, one.name
    assert all("".join(one.meaning.split())[:20] in flat.replace("’", "'") for one in ALL)
    proof = prove(services, pdf)
    assert (proof.faults, proof.changes) == ((), ())
    assert proof.counted == proof.equal > 0
    with services.reading() as session:
        assert templates.told_of(session, row.id) == (1, False)


def counted_in(data: bytes | None) -> list[Number]:
    """The numbers that follow from the data of a report."""
    content = json.loads(data or b"")
    month = operations.month_of(content)
    assert month is not None
    return numbers(month, [Letter.of(one) for one in content["letters"]], below(content["units"]))


def test_the_shipped_example_is_a_template_and_every_report_is_valid_pdf_a(services: Services, tmp_path: Path) -> None:
    add(services, templates.SHIPPED.read_text())
    pdf = file_of(services, make(services))
    assert "Le mois en bref" in words(pdf, tmp_path)
    (tmp_path / "example.pdf").write_bytes(pdf)
    assert [(one.flavour, one.failures) for one in verapdf.check([tmp_path / "example.pdf"])] == [("3b", ())]


COVERS = {
    "a float over the whole page": "#place(top, float: true, box(height: 1pt, place(rect(width: 900pt, height: 2000pt, fill: white))))",
    "floats that do not fit": "#for _ in range(4) { place(top, float: true, rect(width: 100%, height: 70%, fill: white)) }",
    "a long footnote": "Mot.#footnote[#box(height: 1pt, place(rect(width: 900pt, height: 2000pt, fill: white))) #lorem(2500)]",
    "a show rule over all": "#show: rest => []\n#show table: none\n#show text: none\nMot",
    "page set-up": "#set page(width: 9cm, height: 9cm, foreground: rect(width: 100%, height: 100%, fill: white), footer: none)\nMot",
    "text without colour or size": "#set text(fill: white, size: 0.1pt)\n#show heading: none\nMot",
    "a table rule": "#set table(fill: black)\n#set table.cell(inset: 40pt)\n#set block(height: 0pt)\nMot",
    "a place far below": "#place(dy: 2000pt, rect(width: 900pt, height: 2000pt, fill: white))\nMot",
    "labels of ours": "#metadata(99) <numbers>\nMot",
    "page breaks at its end": "Mot\n#pagebreak()\n#pagebreak(weak: true)\n#colbreak()",
    "half a document": "Mot #columns(3)[a #colbreak() b]",
    "an open comment": "Mot /* la suite n'est rien",
    "the counter of pages, by its type": "#figure[a]\n#context type(query(figure).first().counter)(page).update(1000)",
}
"""What hides the numbers where it reaches them."""


@pytest.mark.in_shares(8)
@pytest.mark.parametrize("name", COVERS)
def test_first_pages_neither_leave_out_nor_cover_nor_change_the_pages_behind_them(name: str) -> None:
    """Each of the program's pages looks, dot by dot, as after harmless first pages of as many pages."""
    hostile = pictures(pdf_of(COVERS[name]))
    ours = len(pictures(pdf_of("Mot"))) - 1
    front = len(hostile) - ours
    plain = pictures(pdf_of("Mot" + "\n#pagebreak()\nMot" * (front - 1) if front else "#let rien = 1"))
    assert (front == 0) == (name == "a show rule over all"), "it hides itself"
    assert hostile[front:] == plain[front:]


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("source", ["#let rien = 1", "#hide(entete)", "Mot", "#show text: none\n#entete"])
def test_the_letterhead_stands_on_the_programs_pages_whatever_the_first_pages_print(
    source: str, tmp_path: Path
) -> None:
    content, counted = sample.sample("Entité")
    head = HEAD | {"country": "République togolaise", "motto": "Travail – Liberté – Patrie"}
    pdf = sheet.report_pdf(content, counted, head, made="aujourd'hui", at=NOW, front=Front(source))
    said = words(pdf, tmp_path)
    assert "RÉPUBLIQUE TOGOLAISE" in said
    assert said.index("RÉPUBLIQUE TOGOLAISE") < said.index("Ce rapport compte")


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("sign", ["\0", "\x07", "\x1b", "\x7f", "\u202e", "\u2066", "\u200b"])
def test_signs_that_nobody_sees_are_not_kept(services: Services, sign: str) -> None:
    """PostgreSQL takes no zero byte, and a control of the direction shows 12 as 21."""
    add(services, f"Mot{sign} 12\u00a0%{sign}")
    with services.reading() as session:
        assert templates.source_of(session, ministry(services)) == "Mot 12\u00a0%"


def test_the_judge_of_covers_sees_one() -> None:
    changed = pictures(pdf_of("Mot", told="Un mot de plus"))
    assert changed[1:] != pictures(pdf_of("Mot"))[1:]


@pytest.mark.in_shares(8)
@pytest.mark.parametrize(
    ("source", "line", "name"),
    [
        ('Mot\n#import "letterhead.typ": sheet', 2, "import"),
        ('#include "letter.typ"', 1, "include"),
        ('#let a = {\n\n import "@preview/cetz:0.3.0" }', 3, "import"),
        ('#import "@pre" + "view/x:0.1.0"', 1, "import"),
        ('Mot\n\n#read("letter.typ")', 3, "read"),
        ('#csv("../config.py")', 1, "csv"),
        ('#json("/etc/passwd")', 1, "json"),
        ('#image("/etc/passwd")', 1, "image"),
        ('#eval("1")', 1, "eval"),
        ('#plugin("x.wasm")', 1, "plugin"),
        ('#raw("x", theme: "letter.typ")', 1, "raw"),
        ('#bibliography("x.bib")', 1, "bibliography"),
        ("#counter(page)", 1, "counter"),
        ('#state("x", 1)', 1, "state"),
    ],
)
def test_a_template_reads_no_file_and_reaches_nothing_but_its_pages(
    services: Services, source: str, line: int, name: str
) -> None:
    error = refusal(services, source)
    assert (error.code, error.params["line"], error.params["name"]) == ("report_template.forbidden", line, name)


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    "source",
    [
        "#std.read(\"letter.typ\")", "#std.pdf.attach(\"rapport.json\", bytes(\"x\"))", "#pdf.attach(\"rapport.json\", bytes(\"x\"))",
        "#sys.inputs", "$std.read(\"letter.typ\")$", "$std$ #let e = std\n#e.eval(\"1\")", "#set document(title: \"x\")", "#set raw(theme: \"letter.typ\")",
        "#image(bytes(\"" + SVG.format("/etc/passwd") + "\"))", "#image(bytes(\"" + SVG.format("../config.py") + "\"))",
        "#let f = image(bytes(\"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>\")).func()\n#f(\"/etc/passwd\")",
        "#`x`.func()(\"x\", theme: \"../config.py\")", "#html.elem(\"p\")", "#query(counter)",
    ],
)  # fmt: skip
def test_no_way_round_leads_out(services: Services, source: str) -> None:
    assert refusal(services, source).code.startswith("report_template.")


def test_the_data_of_a_file_are_those_of_the_program(services: Services) -> None:
    """A second ``rapport.json`` would be the one that a reader finds."""
    add(services, OURS)
    pdf = file_of(services, make(services))
    assert len(pdfium.PdfDocument(pdf).get_attachment(0).get_data()) > 100
    assert pdfium.PdfDocument(pdf).count_attachments() == 1


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("Mot\n\n#inconnu", "report_template.name", 3),
        ('Mot\n#nombre("Recus")', "report_template.number", 2),
        ("Mot\n#[ouvert", "report_template.open", 2),
        ("Mot\n#text(fill: 3)[a]", "report_template.mistake", 2),
        ('Mot\n#let a = 100 / valeur("Reçus")', "report_template.zero", 2),
        ("#let a = 0\n#while true { a = 1 }", "report_template.endless", 2),
        ("#let f(x) = f(x + 1)\n#f(1)", "report_template.endless", 1),
        ("Mot\n#while valeur(\"Reçus\") >= 0 { }", "report_template.endless", 2),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(services: Services, source: str, code: str, line: int) -> None:
    error = refusal(services, source)
    assert (error.code, error.params["line"]) == (code, line)


@pytest.mark.in_shares(8)
@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("#for a in range(9000) { for b in range(9000) { for c in range(9000) { } } }", {"report_template.heavy"}),
        ('#let a = "x" * 1000000\n#for b in range(9000) { a = a + a }', {"report_template.heavy", "report_template.mistake"}),
        ("#for a in range(11) { pagebreak(); [a] }", {"report_template.pages"}),
        ("#for a in range(9000) { for b in range(900) { lorem(900) } }", {"report_template.heavy"}),
        ("a" * 60_001, {"report_template.long"}),
        (" \n ", {"form.required"}),
    ],
)  # fmt: skip
def test_a_template_that_asks_for_too_much_is_refused_in_time(
    services: Services, source: str, codes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "CHECK_S", 6.0)
    assert refusal(services, source).code in codes


def test_a_report_is_made_without_a_template_that_fails_with_the_numbers_of_its_month(
    services: Services, tmp_path: Path
) -> None:
    add(services, '#if valeur("Reçus") == 2 { let a = 1 / (valeur("Reçus") - 2) } else [Mot du ministre]')
    play = Play(services)
    play.register(received_on=TODAY)
    first = make(services)
    assert "Mot du ministre" in words(file_of(services, first), tmp_path)
    play.register(received_on=TODAY)
    second = make(services)
    pdf = file_of(services, second)
    assert "n’ont pas pu être composées" in " ".join(words(pdf, tmp_path).split())
    assert prove(services, pdf).faults == ()
    with services.reading() as session:
        told = [templates.told_of(session, one) for one in (first.id, second.id)]
    assert told == [(1, False), (1, True)]


def test_versions_follow_each_other_are_journalled_and_the_last_one_counts_unless_it_is_withdrawn(
    services: Services, tmp_path: Path
) -> None:
    assert add(services, "Mot premier") == 1
    assert add(services, "Mot deuxième", after=1) == 2
    with pytest.raises(StaleVersion):
        add(services, "Mot d'un autre", after=1)
    with services.reading() as session:
        assert templates.source_of(session, ministry(services)) == "Mot deuxième"
        assert templates.source_of(session, ministry(services), 1) == "Mot premier"
        assert [one.is_in_use for one in templates.versions(session, ministry(services))] == [True, False]
        with pytest.raises(NotFound):
            templates.source_of(session, ministry(services), 3)
    who = actor(services, "admin")
    with pytest.raises(StaleVersion):
        templates.withdraw(services, ministry(services), 1, actor=who, now=NOW)
    templates.withdraw(services, ministry(services), 2, actor=who, now=NOW)
    with pytest.raises(StaleVersion):
        templates.withdraw(services, ministry(services), 2, actor=who, now=NOW)
    with services.reading() as session:
        assert templates.in_use(session, ministry(services)) is None
        assert templates.source_of(session, ministry(services)) == templates.SHIPPED.read_text()
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "report_template")).all()
    assert acts == ["report_template.added"] * 2 + ["report_template.withdrawn"]
    assert "Mot" not in words(file_of(services, make(services)), tmp_path)


def test_an_entitys_own_template_stands_for_the_common_one(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        for entity, source in ((None, "Commun"), (ministry(services), "Propre")):
            uow.session.add(
                ReportTemplate(
                    entity_id=entity, version_no=1, source=source, fingerprint="0" * 64, added_at=NOW,
                    added_by_id=actor(services, "admin").person_id,
                )
            )  # fmt: skip
    with services.reading() as session:
        found = templates.in_use(session, ministry(services))
        other = templates.in_use(session, ministry(services) + 100_000)
    assert found is not None
    assert other is not None
    assert ((found.source, found.is_common), (other.source, other.is_common)) == (("Propre", False), ("Commun", True))


def test_only_the_administrator_of_an_entity_changes_its_template(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        other = Unit(code="AUT", name="Autre ministère", kind="ministry", is_entity=True)
        uow.session.add(other)
        uow.session.flush()
        other_id = int(other.id)
    for by, entity in (("sg", -1), ("dge", -1), ("admin", other_id), ("admin", None)):
        for act in (
            add,
            lambda s, text, **named: templates.preview(
                s, ministry(s) if named["entity"] == -1 else named["entity"], text, actor=actor(s, named["by"]), now=NOW
            ),
        ):
            with pytest.raises(NotFound):
                act(services, OURS, by=by, entity=entity)
        with pytest.raises(NotFound):
            templates.withdraw(
                services, ministry(services) if entity == -1 else entity, 1, actor=actor(services, by), now=NOW
            )


def test_a_preview_has_made_up_numbers_says_so_and_keeps_nothing(services: Services, tmp_path: Path) -> None:
    Play(services).register(received_on=TODAY)
    pdf = templates.preview(services, ministry(services), OURS, actor=actor(services, "admin"), now=LATER)
    said = " ".join(words(pdf, tmp_path).split())
    assert f"Ce mois : {sample.LETTERS} courriers reçus." in said
    assert "tous les nombres sont inventés" in said
    with services.reading() as session:
        assert session.scalars(select(ReportTemplate.id)).all() == []
        assert session.scalars(select(MonthlyReport.id)).all() == []


def test_of_two_people_who_save_at_once_one_is_told_and_a_template_is_withdrawn_once(services: Services) -> None:
    for n in range(3):
        found = outcomes(*(partial(add, services, f"Mot de {who}", after=n) for who in ("l'un", "l'autre")))
        assert [type(one) for one in found if one != n + 1] == [StaleVersion]
    who = actor(services, "admin")
    found = outcomes(*[partial(templates.withdraw, services, ministry(services), 3, actor=who, now=NOW)] * 2)
    assert sorted(type(one).__name__ for one in found) == ["NoneType", "StaleVersion"]
    with services.reading() as session:
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "report_template")).all()
    assert acts == ["report_template.added"] * 3 + ["report_template.withdrawn"]
