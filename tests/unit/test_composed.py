"""Statements that are composed once for an actor: never another's, nor one of rights that have changed."""

from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy import Select, select

from ged import access, counting
from ged.counting import composed
from ged.ports import UnitId
from ged.register.models import Mail
from ged.unit import Actor, UnitRow
from tests.rows_kit import held, person, principals

MADE: list[tuple[int, date]] = []
DAY, NEXT_DAY = date(2026, 11, 24), date(2026, 11, 25)
UNIT = UnitRow(1, None, True, None, None, "SG", "SG")


@composed
def statement(actor: Actor, on: date) -> Select[int]:
    MADE.append((actor.person_id, on))
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    return select(Mail.id).where(seen, Mail.received_on == on)


def reader() -> Actor:
    """A new actor, as each request builds one."""
    return replace(person(7, held(5), sees=principals("u1 p1", "p1", "")), units={1: UNIT})


def made(*asked: tuple[Actor, date]) -> int:
    MADE.clear()
    for actor, on in asked:
        statement(actor, on)
    return len(MADE)


def test_equal_actors_of_two_requests_share_a_statement() -> None:
    counting._of.cache_clear()
    assert statement(reader(), DAY) is statement(reader(), DAY)
    assert made((reader(), DAY), (reader(), DAY)) == 0


def test_what_else_is_asked_is_a_part_of_the_key() -> None:
    counting._of.cache_clear()
    assert made((reader(), DAY), (reader(), NEXT_DAY), (reader(), DAY)) == 2


def test_changed_rights_or_another_tree_compose_anew() -> None:
    counting._of.cache_clear()
    successor = {1: UNIT._replace(closed_at=datetime(2026, 11, 1, tzinfo=UTC), successor_id=2), 2: UNIT._replace(id=2)}
    changed = [
        reader(),
        replace(reader(), principals=principals("u2 p1", "p1", "")),
        replace(reader(), headed_unit_ids=frozenset({UnitId(1)})),
        replace(reader(), units=successor),
        replace(reader(), posts=()),
    ]
    assert made(*((one, DAY) for one in changed)) == len(changed)
    assert made(*((replace(one), DAY) for one in changed)) == 0


def test_an_actor_whose_rights_are_replaced_does_not_keep_the_statements_of_before() -> None:
    before = reader()
    statement(before, DAY)
    after = replace(before, principals=principals("u9", "", ""))
    assert ["u9"] in statement(after, DAY).compile().params.values()
    assert ["u9"] not in statement(before, DAY).compile().params.values()


def test_what_is_kept_of_an_actor_and_of_how_many_is_bounded() -> None:
    counting._of.cache_clear()
    days = [date.fromordinal(DAY.toordinal() + n) for n in range(3 * counting.KEPT_OF_AN_ACTOR)]
    who = reader()
    for day in days:
        statement(who, day)
    assert len(counting._own(who)) <= counting.KEPT_OF_AN_ACTOR
    for n in range(2 * counting.ACTORS_KEPT):
        statement(replace(who, name=f"Personne {n}"), DAY)
    assert counting._of.cache_info().currsize == counting.ACTORS_KEPT


def test_the_clause_of_rights_is_composed_once_for_the_same_rights() -> None:
    first = access.visible_clause(Mail.id, Mail.level, principals("u1 p1", "p1", ""))
    assert access.visible_clause(Mail.id, Mail.level, principals("p1 u1", "p1", "")) is first
    assert access.visible_clause(Mail.id, Mail.level, principals("u1 p2", "p1", "")) is not first
