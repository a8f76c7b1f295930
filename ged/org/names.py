"""How posts and people are written in lists: a post with its holder, its unit and its entity, a person with a post.

"Directeur technique" stands in several entities, and two people may bear one name: each line tells them apart.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ged.org.models import Holding, Person, Post, held_on
from ged.org.tree import all_units, entity_of, ministry, of_ministry
from ged.unit import Actor, UnitRow


@dataclass(frozen=True)
class PostName:
    """A post as lists write it. ``entity`` is empty where the unit is the entity itself."""

    title: str
    holder: str
    unit: str
    entity: str

    @property
    def place(self) -> str:
        """The unit and its entity."""
        return f"{self.unit}, {self.entity}" if self.entity else self.unit

    @property
    def text(self) -> str:
        """The whole line: what it is, who holds it, and where."""
        return f"{self._who} — {self.place}"

    def text_within(self, entity: str) -> str:
        """The line for readers of an entity, who need not be told that it is theirs."""
        return f"{self._who} — {self.unit}" if entity in (self.entity, self.unit) else self.text

    @property
    def _who(self) -> str:
        return f"{self.title} ({self.holder})" if self.holder else self.title


def post_names(session: Session, post_ids: Collection[int] | None = None, *, on: date) -> dict[int, PostName]:
    """How posts are written on a day, by id; all posts when ``post_ids`` is None. Of two holders the first is written."""
    query = select(Post.id, Post.title, Post.unit_id).order_by(Post.id)
    if post_ids is not None:
        query = query.where(Post.id.in_(sorted(set(post_ids))))
    posts = session.execute(query).all()
    places = unit_places(session)
    held = session.execute(
        select(Holding.post_id, Person.name)
        .join(Person, Person.id == Holding.person_id)
        .where(*held_on(on))
        .where(Holding.post_id.in_([post_id for post_id, _title, _unit in posts]))
        .order_by(Holding.id.desc())
    )
    holders = dict(held.all())
    return {post_id: PostName(title, holders.get(post_id, ""), *places[unit_id]) for post_id, title, unit_id in posts}


def unit_places(session: Session) -> dict[int, tuple[str, str]]:
    """(name, name of its entity) of every unit; the second is empty where the unit is the entity itself."""
    units = all_units(session)
    return {unit_id: _place(unit_id, units) for unit_id in units}


def _place(unit_id: int, units: Mapping[int, UnitRow]) -> tuple[str, str]:
    entity_id = entity_of(unit_id, units)
    return units[unit_id].name, units[entity_id].name if entity_id != unit_id else ""


def unit_names(actor: Actor) -> dict[int, str]:
    """The name of every unit of the actor's ministry, by id; with its entity where two of them bear one name."""
    near = ministry(actor)
    return _apart({unit_id: _place(unit_id, actor.units) for unit_id in actor.units if unit_id in near})


def told_apart(session: Session, names: Mapping[int, str]) -> dict[int, str]:
    """The names of units by id, in their order; with its entity where two of them bear one name."""
    if len(set(names.values())) == len(names):
        return dict(names)
    places = unit_places(session)
    return _apart({unit_id: places[unit_id] for unit_id in names})


def _apart(places: Mapping[int, tuple[str, str]]) -> dict[int, str]:
    borne = Counter(name for name, _ in places.values())
    return {unit_id: unit_text(place) if borne[place[0]] > 1 else place[0] for unit_id, place in places.items()}


def unit_text(place: tuple[str, str]) -> str:
    """A unit with its entity, as lists write it."""
    return ", ".join(filter(None, place))


def person_names(session: Session, actor: Actor, *, on: date) -> dict[int, str]:
    """How the people of the actor's ministry with an open account are written on a day, by id in the order of their
    names: with their first post.
    """
    rows = session.execute(
        select(Person.id, Person.name, Holding.post_id)
        .outerjoin(
            Holding,
            and_(Holding.person_id == Person.id, *held_on(on)),
        )
        .where(Person.is_active, of_ministry(Person.id, actor))
        .order_by(Person.name, Person.id, Holding.id)
    ).all()
    posts = post_names(session, [row.post_id for row in rows if row.post_id is not None], on=on)
    found: dict[int, str] = {}
    for person_id, name, post_id in rows:
        post = posts.get(post_id) if post_id is not None else None
        found.setdefault(person_id, f"{name} — {post.title}, {post.place}" if post is not None else name)
    return found
