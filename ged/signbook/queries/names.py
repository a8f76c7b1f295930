"""Lookups shared by these queries: letters under the access rule, names, whose turn it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged.access import visible_clause
from ged.natures import circuit
from ged.natures.circuit import Turn
from ged.org.models import Holding, Person, Post, Unit, held_on
from ged.org.powers import beyond, is_bound
from ged.register.models import Mail
from ged.register.states import MailState
from ged.signbook import book
from ged.signbook.models import CircuitAct, Draft
from ged.unit import Actor, HeldPost, Role


def visible(query: Select[Draft], actor: Actor) -> Select[Draft]:
    """Only letters that the actor may see; the query joins ``Mail``."""
    return query.where(visible_clause(Mail.id, Mail.level, actor.principals))


def all_drafts() -> Select[Draft]:
    """All letters of the signature book, with their row of the register."""
    return select(Draft).join(Mail, Mail.id == Draft.mail_id)


def names_of(session: Session, table: type[Person | Unit | Post], column: object, ids: Iterable[int]) -> dict[int, str]:
    """A column of a table by id."""
    wanted = sorted(ids)
    rows = session.execute(select(table.id, column).where(table.id.in_(wanted))) if wanted else ()  # type: ignore[call-overload]  # a column of the table
    return {int(i): str(name) for i, name in rows}


def holders_of(session: Session, post_ids: Iterable[int], on: date) -> dict[int, str]:
    """Who holds posts on a day."""
    rows = session.execute(
        select(Holding.post_id, Person.name)
        .join(Person, Person.id == Holding.person_id)
        .where(Holding.post_id.in_(sorted(set(post_ids))), *held_on(on))
        .order_by(Holding.id)
    )
    return dict(rows.all())


def turns_of(draft: Draft) -> tuple[Turn, ...]:
    """The awaited posts of a letter; empty while it is with its author."""
    going = book.circuit_of(draft)
    return circuit.turns(going) if going is not None else ()


def turn_for(draft: Draft, actor: Actor) -> Turn | None:
    """The actor's turn on a letter: first as a decider, then as a secretary who prepares."""
    going = book.circuit_of(draft)
    if going is None:
        return None
    return circuit.turn_of(going, actor.deciding_post_ids) or circuit.turn_of(going, actor.post_ids)


def signs_for(draft: Draft, actor: Actor, post_id: int) -> bool:
    """Whether the actor has the power to sign this letter for a post."""
    return _covers(draft, [post for post in actor.posts if post.post_id == post_id and Role.SIGNATORY in post.roles])


def decides_for(draft: Draft, actor: Actor, post_id: int) -> bool:
    """Whether the actor decides on this letter for a post: a secretary does not, nor a delegate beyond the limits."""
    return _covers(draft, [post for post in actor.posts if post.post_id == post_id and post.because != "secretary"])


def _covers(draft: Draft, ways: list[HeldPost]) -> bool:
    """Whether one of these titles covers a letter; its content is read only for a title that has limits."""
    return any(not is_bound(post) or beyond(post, book.stakes_of(draft)) is None for post in ways)


@dataclass(frozen=True)
class Refusal:
    """Why a letter came back, and to whom (``to`` empty: to its author)."""

    text: str
    to: str = ""


NONE = Refusal("")


def refusal_of(draft: Draft) -> Refusal:
    """Why a letter came back; empty once it was submitted again, or the visa was given again."""
    waited = {turn.post_id for turn in turns_of(draft)}
    for entry in filter(book.counts, reversed(draft.entries)):
        if entry.act is CircuitAct.REFUSE and draft.mail.state is MailState.DRAFT:
            return Refusal(entry.text)
        if entry.act is CircuitAct.SEND_BACK and entry.to_post_id in waited:
            return Refusal(entry.text, entry.to_post_title)
        if entry.act in (CircuitAct.REFUSE, CircuitAct.SUBMIT, CircuitAct.RECALL):
            return NONE
    return NONE


def number_of(mail: Mail | None) -> str:
    """A letter's valid number; empty without one."""
    return next((n.text for n in mail.numbers if n.voided_at is None), "") if mail is not None else ""
