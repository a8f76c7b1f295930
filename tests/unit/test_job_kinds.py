"""The table of job kinds is complete, has French words, and agrees with the functions."""

import ast
import inspect

from ged import pipeline
from ged.jobs import JobKind
from ged.pipeline import KINDS
from ged.ports import Lane
from tests.source_kit import modules, nodes
from web.words.labels import LABELS


def test_every_kind_is_in_the_table_and_has_french_words() -> None:
    assert set(KINDS) == set(JobKind)
    words = LABELS[JobKind]
    assert {kind for kind in JobKind if str(words[kind]).strip()} == set(JobKind)
    assert len({str(words[kind]) for kind in JobKind}) == len(JobKind)


def test_every_lane_has_work_and_what_takes_long_is_not_in_the_quick_one() -> None:
    assert all(pipeline.kinds_of(lane) for lane in Lane)
    long = {JobKind.SWEEP, JobKind.ANCHOR, JobKind.CLOSE_DAYS, JobKind.COLLECT_MAIL, JobKind.RECOGNISE}
    assert not long & pipeline.kinds_of(Lane.QUICK)


def test_exactly_the_kinds_that_mark_themselves_are_called_irrevocable() -> None:
    marking = {
        function.name
        for path in modules("ged")
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(n, ast.Attribute) and n.attr == "mark_irrevocable" for n in ast.walk(function))
    }
    marked = {
        kind
        for kind, known in KINDS.items()
        if any(f".{name}(" in inspect.getsource(known.function) for name in marking)
    }
    assert len(marked) == len(marking)
    assert marked == {kind for kind, known in KINDS.items() if known.irrevocable}
