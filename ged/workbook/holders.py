"""Who may not hold a post after an undo: what a new act or a workbook refuses, an undo must not bring back."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged.errors import Invalid
from ged.org.models import Holding, Person, Post, held_on
from ged.workbook.inverse import Step


def concerned_posts(session: Session, steps: Sequence[Step]) -> frozenset[int]:
    """The posts that steps change, with their roles and holders, by id."""
    posts = {step["key"][0] for step in steps if step["table"] in ("posts", "post_roles")}
    # A holding that the undo deletes again is named by its step alone.
    posts |= {step["made"]["post_id"] for step in steps if step["table"] == "holdings" and "made" in step}
    held = {step["key"][0] for step in steps if step["table"] == "holdings"}
    return frozenset(posts | set(session.scalars(select(Holding.post_id).where(Holding.id.in_(sorted(held))))))


def misheld(session: Session, steps: Sequence[Step], *, on: date) -> Iterator[Invalid]:
    """Why the posts that these steps concern cannot be held as they are on a day.

    The posts are those of the steps, and those that people of the steps hold. The codes:
    ``act.held_twice``: a post has two holders; ``act.closed_holder``: a closed account holds one.
    """
    people = {step["key"][0] for step in steps if step["table"] == "people"}
    theirs = select(Holding.post_id).where(Holding.person_id.in_(sorted(people)))
    held = (
        select(Post.id, Post.title, Person.is_active)
        .join(Holding, Holding.post_id == Post.id)
        .join(Person, Person.id == Holding.person_id)
        .where(or_(Post.id.in_(sorted(concerned_posts(session, steps))), Post.id.in_(theirs)), *held_on(on))
        .order_by(Post.id)
    )
    seen: set[int] = set()
    for post_id, title, is_active in session.execute(held):
        if post_id in seen:
            yield Invalid("act.held_twice", "undo the later act first", post=title)
        if not is_active:
            yield Invalid("act.closed_holder", "undo the departure first", post=title)
        seen.add(post_id)
