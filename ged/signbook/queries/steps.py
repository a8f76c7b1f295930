"""The circuit of a letter for its page: the steps, what was given, who is awaited; and the history."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from ged.natures import circuit
from ged.natures.circuit import Circuit, Step
from ged.natures.steps import StepKind
from ged.org.absences import Away, away
from ged.org.models import Post
from ged.ports import PostId
from ged.signbook import book
from ged.signbook.models import CircuitAct, CircuitEntry, Draft, Stance
from ged.signbook.queries.names import holders_of, names_of


@dataclass(frozen=True)
class StepRow:
    """One step of a circuit. ``state``: done, now or later; ``kind`` is None for the signature.

    ``together``: another post has a step in the same stage.
    """

    post_id: int
    post: str
    holder: str
    stage: int
    kind: StepKind | None
    state: str
    together: bool = False
    by: str = ""
    acted_as: str = "holder"
    at: datetime | None = None
    remark: str = ""
    stance: Stance | None = None
    away: Away | None = None
    """The awaited person (now or later) is away today."""
    is_earlier: bool = False
    """The letter may be sent back to this visa now."""

    @property
    def is_signature(self) -> bool:
        """Whether the step is the signature."""
        return self.kind is None


@dataclass(frozen=True)
class EntryRow:
    """A line of the history."""

    act: CircuitAct
    at: datetime
    by: str
    post: str
    acted_as: str
    act_reference: str
    text: str
    version_no: int
    is_cancelled: bool
    stance: Stance | None = None
    to_post: str = ""


def steps_of(session: Session, draft: Draft, on: date) -> tuple[StepRow, ...]:
    """The steps in order, the signature last; empty before a signatory is chosen."""
    going = book.circuit_of(draft)
    if going is None:
        return ()
    posts = [*going.posts, going.signatory]
    titles, holders = names_of(session, Post, Post.title, posts), holders_of(session, posts, on)
    given = _given(draft, going)
    waited = {turn.post_id for turn in circuit.turns(going)}
    gone = away(session, posts, on=on)
    rows = [
        _step(going, step, titles.get(step.post_id, ""), holders.get(step.post_id, ""), given.get(step.post_id), waited)
        for step in going.steps
    ]
    rows.append(_signature(draft, going, titles, holders, is_now=going.signatory in waited))
    return tuple(row if row.state == "done" else replace(row, away=gone.get(row.post_id)) for row in rows)


def _given(draft: Draft, going: Circuit) -> dict[int, CircuitEntry]:
    entries = {entry.id: entry for entry in draft.entries}
    return {post_id: entries[visa.entry_id] for post_id, visa in circuit.standing(going).items()}


def _step(
    going: Circuit, step: Step, title: str, holder: str, given: CircuitEntry | None, waited: set[PostId]
) -> StepRow:
    return StepRow(
        step.post_id,
        title,
        holder,
        step.stage,
        step.kind,
        state="done" if given else "now" if step.post_id in waited else "later",
        together=sum(other.stage == step.stage for other in going.steps) > 1,
        by=given.person_name if given else "",
        acted_as=given.acted_as if given else "holder",
        at=given.at if given else None,
        remark=given.text if given else "",
        stance=given.stance if given else None,
        is_earlier=any(visa.post_id == step.post_id for visa in circuit.earlier(going)),
    )


def _signature(
    draft: Draft, going: Circuit, titles: dict[int, str], holders: dict[int, str], *, is_now: bool
) -> StepRow:
    last = max((step.stage for step in going.steps), default=0)
    return StepRow(
        going.signatory,
        titles.get(going.signatory, ""),
        holders.get(going.signatory, ""),
        last + 1,
        None,
        state="done" if draft.signed_at else "now" if is_now or draft.way is not None else "later",
        by=draft.confirmed_name,
        at=draft.signed_at,
    )


def entries_of(entries: Sequence[CircuitEntry]) -> Iterator[EntryRow]:
    """Entries of the history as rows, the last first."""
    for entry in reversed(entries):
        yield EntryRow(
            act=entry.act,
            at=entry.at,
            by=entry.person_name,
            post=entry.post_title,
            acted_as=entry.acted_as,
            act_reference=entry.act_reference,
            text=entry.text,
            version_no=entry.version_no,
            is_cancelled=entry.cancelled_at is not None,
            stance=entry.stance,
            to_post=entry.to_post_title,
        )
