"""Separator sheets: they split a batch and contain values for the form. Nothing else does so."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from sqlalchemy import select

from ged.capture import arrange, separators
from ged.capture.queries import ScanRow
from ged.codes import CodeKind, make_code
from ged.errors import Invalid, NotFound
from ged.org.models import Unit
from ged.ports import Confidentiality, ScanId
from ged.unit import Services
from tests import pages
from tests.factories import NOW, actor, make_organisation, make_services
from tests.intake_kit import label, make_sheet, pair, register, take_in, upload, waiting

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def code_of(services: Services, sheet_id: int) -> str:
    return make_code(CodeKind.SEPARATOR, sheet_id, key=services.code_key)


def shape(row: ScanRow) -> list[str]:
    return ["sheet" if leaf.is_separator and leaf.removed else "page" for leaf in row.leaves]


def in_order(services: Services) -> list[ScanRow]:
    return waiting(services)


def test_copies_of_one_sheet_split_each_time_and_carry_their_presets(services: Services) -> None:
    sheet = make_sheet(services)
    code = code_of(services, sheet)
    bare, sep = pages.png("Lettre"), pages.png("Séparateur", code=code)
    take_in(services, pair(services), "b1", bare, sep, sep, bare, bare, sep, bare, sep)
    rows = in_order(services)
    assert [shape(row) for row in rows] == [["page"], ["sheet", "sheet", "page", "page"], ["sheet", "page", "sheet"]]
    assert [row.separator_id for row in rows] == [None, sheet, sheet]
    assert [row.page_count for row in rows] == [1, 2, 1]
    with services.reading() as session:
        preset = separators.preset(session, sheet)
    assert (preset.nature, preset.level) == ("demande", Confidentiality.RESTRICTED)


def test_a_label_and_a_separator_stand_in_one_batch(services: Services) -> None:
    registered, sheet = register(services), make_sheet(services)
    take_in(
        services, pair(services), "b2",
        pages.png("Lettre", code=label(services, registered)), pages.png("Suite"),
        pages.png("Séparateur", code=code_of(services, sheet)), pages.png("Sans numéro"),
    )  # fmt: skip
    [row] = waiting(services)
    assert (shape(row), row.separator_id) == (["sheet", "page"], sheet)


def test_foreign_codes_wrong_checks_and_other_installations_never_split(services: Services) -> None:
    good = code_of(services, make_sheet(services))
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    other = make_code(CodeKind.SEPARATOR, 1, key=b"x" * 32)
    sheets = [pages.png("Page", code=text) for text in ("https://example.org/", "3760123456789", wrong, other)]
    take_in(services, pair(services), "b3", pages.png("Lettre"), *sheets)
    [row] = waiting(services)
    assert (row.page_count, row.separator_id, row.note) == (5, None, "")


def test_a_sheet_that_is_not_obeyed_splits_and_says_why(services: Services) -> None:
    withdrawn, clerk = make_sheet(services), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        separators.withdraw(uow, withdrawn, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="AUTRE", name="Autre entité", is_entity=True))
        uow.session.flush()
        other = uow.session.scalar(select(Unit.id).where(Unit.code == "AUTRE")) or 0
        with pytest.raises(NotFound, match=r"unit\.unknown"):
            separators.make(uow, other, nature="", level=Confidentiality.ORDINARY, actor=clerk, now=NOW)
        foreign = separators.SeparatorSheet(unit_id=other, nature="", level=0, made_at=NOW)
        uow.session.add(foreign)
        uow.session.flush()
        foreign_id = foreign.id
    content = [pages.png("Lettre")]
    for sheet_id in (withdrawn, foreign_id, 999):
        content += [pages.png("Séparateur", code=code_of(services, sheet_id)), pages.png("Lettre")]
    take_in(services, pair(services), "b4", *content)
    rows = in_order(services)
    assert [row.note for row in rows] == ["", "separator_withdrawn", "separator_foreign", "separator_unknown"]
    assert not [row for row in rows if row.separator_id]


def test_a_sheet_alone_waits_and_is_no_letter(services: Services) -> None:
    take_in(services, pair(services), "b5", pages.png("Séparateur", code=code_of(services, make_sheet(services))))
    [row] = waiting(services)
    assert (row.note, row.page_count) == ("separator_alone", 0)


def test_a_printed_sheet_is_read_back(services: Services) -> None:
    sheet, clerk = make_sheet(services), actor(services, "agent")
    with services.reading() as session:
        made = separators.printed(session, services, sheet, clerk, nature_name="Demande", copies=2, recto_verso=True)
        with pytest.raises(Invalid, match="copies"):
            separators.printed(session, services, sheet, clerk, nature_name="", copies=0, recto_verso=False)
    pdf = made.pdf()
    with pypdfium2.PdfDocument(pdf) as document:
        assert len(document) == 4
        out = io.BytesIO()
        document[0].render(scale=100 / 72).to_pil().convert("L").save(out, "PNG", dpi=(100, 100))
    take_in(services, pair(services), "b6", out.getvalue(), pages.png("Lettre"))
    [row] = waiting(services)
    assert (shape(row), row.separator_id) == (["sheet", "page"], sheet)


def test_a_stack_read_twice_is_woven_and_an_odd_one_is_refused(services: Services) -> None:
    clerk = actor(services, "agent")
    [scan_id] = upload(services, "pile.tif", pages.tiff("r1", "r2", "v2", "v1"))
    before = [leaf.leaf_id for leaf in waiting(services)[0].leaves]
    with services.unit_of_work(NOW) as uow:
        arrange.interleave(uow, ScanId(scan_id), version=None, actor=clerk)
    row = waiting(services)[0]
    assert [leaf.leaf_id for leaf in row.leaves] == [before[0], before[3], before[1], before[2]]
    with services.unit_of_work(NOW) as uow:
        arrange.reverse(uow, ScanId(scan_id), version=None, actor=clerk)
        arrange.set_removed(uow, ScanId(scan_id), before[0], True, version=None, actor=clerk)
    assert [leaf.leaf_id for leaf in waiting(services)[0].leaves] == [before[2], before[1], before[3], before[0]]
    with pytest.raises(Invalid, match="interleave_odd"), services.unit_of_work(NOW) as uow:
        arrange.interleave(uow, ScanId(scan_id), version=None, actor=clerk)
