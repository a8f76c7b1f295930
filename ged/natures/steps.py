"""The steps that a nature asks of a circuit, and which of them a circuit lacks. Pure: no database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ged.ports import PostId


class StepKind(StrEnum):
    """The kind of a step."""

    VISA = "visa"
    OPINION = "opinion"
    """Advice for the later steps; even an unfavourable opinion does not stop the letter."""


@dataclass(frozen=True)
class ModelStep:
    """A step of a nature's circuit, for one letter. ``is_compulsory``: its author cannot leave it out."""

    post_id: PostId
    stage: int
    kind: StepKind
    is_compulsory: bool


def stricter(one: ModelStep, other: ModelStep) -> ModelStep:
    """One step for two of the same post: a visa rather than an opinion, and compulsory when one of them is."""
    kind = StepKind.VISA if StepKind.VISA in (one.kind, other.kind) else StepKind.OPINION
    return replace(one, kind=kind, is_compulsory=one.is_compulsory or other.is_compulsory)


def missing(
    asked: Mapping[PostId, StepKind], model: Sequence[ModelStep], *, exempt: Collection[PostId]
) -> tuple[ModelStep, ...]:
    """The compulsory steps of a model that a circuit lacks, in the model's order.

    Args:
        asked: the steps of the circuit, by post. A post asked for an opinion does not replace its visa.
        exempt: the post of who decides to send it, and the signatory's: nobody gives a visa to their own letter.
    """
    return tuple(
        step
        for step in model
        if step.is_compulsory and step.post_id not in exempt and asked.get(step.post_id) is not step.kind
    )
