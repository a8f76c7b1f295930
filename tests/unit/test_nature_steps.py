"""The compulsory steps that a circuit lacks. No database."""

import pytest

from ged.natures.steps import ModelStep, StepKind, missing
from ged.ports import PostId

A, B, C = PostId(1), PostId(2), PostId(3)
VISA, OPINION = StepKind.VISA, StepKind.OPINION
MODEL = (ModelStep(A, 1, VISA, True), ModelStep(B, 2, VISA, False), ModelStep(C, 2, OPINION, True))


@pytest.mark.parametrize(
    ("asked", "exempt", "lacking"),
    [
        ({}, (), [A, C]),
        ({A: VISA, C: OPINION}, (), []),
        ({A: OPINION, C: OPINION}, (), [A]),  # an opinion does not replace a visa
        ({B: VISA, C: OPINION}, (A,), []),  # nobody gives a visa to their own letter
        ({A: VISA, B: VISA}, (), [C]),
    ],
)
def test_a_compulsory_step_is_missing_unless_its_post_is_asked_for_just_that(
    asked: dict[PostId, StepKind], exempt: tuple[PostId, ...], lacking: list[PostId]
) -> None:
    assert [step.post_id for step in missing(asked, MODEL, exempt=exempt)] == lacking
