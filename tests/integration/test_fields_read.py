"""Fields of letters by other authors, read by the real engine from drawn pages that are stamped, worn and skewed."""

from pathlib import Path

import pytest

from demo.ageing import age
from ged.ports import PageRef
from ocr.engine import TesseractEngine
from ocr.fields import read_fields
from tests.field_letters import Count, drawn, judge, letters

KINDS = ("office", "typescript", "stamped", "thin", "sealed")
LETTERS = 12


@pytest.mark.long("dozens of aged pages are read; the rules of the fields have tests of their own")
@pytest.mark.slow
def test_what_is_called_sure_is_right_on_aged_pages(tmp_path: Path) -> None:
    chosen = letters()[::3][:LETTERS]
    refs = []
    for number, letter in enumerate(chosen):
        path = tmp_path / f"{number}.png"
        age(drawn(letter, number), number, KINDS[number % len(KINDS)]).save(path, dpi=(200, 200))
        refs.append(PageRef(path, "image/png", 0))
    out = tmp_path / "out"
    out.mkdir()
    engine = TesseractEngine(jobs=2)
    try:
        found = engine.recognise(refs, languages=["fra"], timeout_s=280, out=out)
    finally:
        engine.close()
    sure: dict[str, Count] = {}
    told = []
    for letter, page in zip(chosen, found.pages, strict=True):
        told += [f"{letter.name}: {wrong}" for wrong in judge(sure, read_fields([page]), letter.fields, sure=80)]
    right = sum(count.right for count in sure.values())
    wrong = sum(count.wrong for count in sure.values())
    missed = sum(count.missed for count in sure.values())
    assert right / (right + wrong) >= 0.93, told
    assert right / (right + missed) >= 0.75, told
    assert found.fields[0].page_no == 1
