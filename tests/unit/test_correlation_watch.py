"""The watch of statements (``tests/correlation_watch.py``) sees an EXISTS that lists the outer table again."""

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, exists, select

from tests.correlation_watch import listed_again

META = MetaData()
LETTERS, MARKS, POSTS = (
    Table(name, META, Column("id", Integer), Column("unit", Integer)) for name in ("letters", "marks", "posts")
)


def test_two_levels_deep_an_exists_must_say_what_is_outside() -> None:
    engine = create_engine("sqlite://")
    META.create_all(engine)
    inner = exists().where(POSTS.c.id == MARKS.c.id, POSTS.c.unit == LETTERS.c.unit)
    told = inner.correlate(MARKS, LETTERS)
    right, wrong = (
        select(LETTERS.c.id).where(exists().where(MARKS.c.id == LETTERS.c.id, one)) for one in (told, inner)
    )
    with engine.connect() as connection:
        connection.execute(right)
        with pytest.raises(AssertionError, match="not correlated, on letters"):
            connection.execute(wrong)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT 1 FROM a WHERE EXISTS (SELECT * FROM b, a AS other WHERE b.x = other.x)", ()),
        ("SELECT 1 FROM a WHERE a.id IN (SELECT a.id FROM a WHERE a.y = 'EXISTS (SELECT 1 FROM a)')", ()),
        ("SELECT 1 FROM a JOIN c ON c.x = a.x WHERE NOT (EXISTS (SELECT * FROM b JOIN c ON c.y = b.y))", ("c",)),
    ],
)
def test_aliases_subqueries_and_joins(statement: str, found: tuple[str, ...]) -> None:
    assert listed_again(statement) == found
