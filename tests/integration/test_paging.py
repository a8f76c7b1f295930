"""Pages of growing lists: forwards and backwards, each row is met once, also when rows are equal or move."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import paging
from ged.org.models import Unit
from ged.paging import START, Key, Place, Slice
from ged.unit import Services
from tests.factories import NOW, make_services

KINDS = ("a", "b", "b", "c", "b", "a", "c", "a", "b", "b", "a")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    with made.unit_of_work(NOW) as uow:
        uow.session.add_all(Unit(code=f"U{n}", name=f"U{n}", kind=kind) for n, kind in enumerate(KINDS))
    yield made
    made.engine.dispose()


def read(services: Services, at: Place, keys: tuple[Key, ...], *, descending: bool, limit: int = 3) -> Slice:
    with services.reading() as session:
        return paging.read(session, select(Unit.id), Unit.id, at, keys=keys, descending=descending, limit=limit)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("keys", [(), (Key(Unit.kind),), (Key(Unit.kind, descending=True), Key(Unit.code))])
def test_forwards_and_backwards_each_row_is_met_once(
    services: Services, keys: tuple[Key, ...], descending: bool
) -> None:
    order = [*((key.column.desc() if key.descending else key.column) for key in keys)]
    with services.reading() as session:
        whole = session.scalars(select(Unit.id).order_by(*order, Unit.id.desc() if descending else Unit.id)).all()
    met: list[tuple[int, ...]] = []
    at: Place | None = START
    while at is not None:
        page = read(services, at, keys, descending=descending)
        met.append(page.ids)
        at = page.next
    assert [one for ids in met for one in ids] == list(whole)
    assert page.previous is not None
    back = [page.ids]
    while page.previous is not None:
        page = read(services, page.previous, keys, descending=descending)
        back.append(page.ids)
    assert back[-1] == met[0]
    assert set(back) == set(met)


def test_a_row_that_is_not_in_the_list_tells_nothing_and_leads_to_its_beginning(services: Services) -> None:
    with services.reading() as session:
        rest = select(Unit.id).where(Unit.kind != "a")
        gone = session.scalars(select(Unit.id).where(Unit.kind == "a").order_by(Unit.id)).all()[1]
        page = paging.read(session, rest, Unit.id, Place(after=gone), keys=(Key(Unit.kind),), limit=50)
        assert page.ids == tuple(session.scalars(rest.order_by(Unit.kind, Unit.id)))


def test_a_row_that_never_was_leads_to_the_beginning(services: Services) -> None:
    keys = (Key(Unit.kind),)
    assert read(services, Place(after=10**6), keys, descending=False) == read(services, START, keys, descending=False)


@pytest.mark.parametrize("descending", [False, True])
def test_nothing_is_before_a_place_outside_of_a_list_of_ids(services: Services, descending: bool) -> None:
    start = read(services, START, (), descending=descending)
    outside = read(services, Place(after=10**6 if descending else 0), (), descending=descending)
    assert outside == start
    second = read(services, start.next or START, (), descending=descending)
    assert second.previous == Place(before=second.ids[0])


def test_a_long_list_is_counted_no_further_than_is_shown(services: Services) -> None:
    with services.reading() as session:
        assert paging.count(session, select(Unit.id)) == len(KINDS)
        assert paging.count(session, select(Unit.id), most=4) == 5


@pytest.mark.parametrize("most", [4, len(KINDS) - 1, len(KINDS), 1_000])
@pytest.mark.parametrize("are_parts", [False, True])
def test_the_first_page_and_the_count_are_read_together(services: Services, most: int, are_parts: bool) -> None:
    whole, keys = select(Unit.id), (Key(Unit.kind, descending=True),)
    query = (whole.where(Unit.kind == "b"), whole.where(Unit.kind != "b")) if are_parts else whole
    with services.reading() as session:
        page, count = paging.first(session, query, Unit.id, keys=keys, limit=3, most=most)
        assert page == paging.read(session, query, Unit.id, keys=keys, limit=3)
        assert count == paging.count(session, query, most=most)


def test_a_page_whose_rows_all_left_shows_the_beginning_and_not_an_empty_list(services: Services) -> None:
    with services.reading() as session:
        ids = list(session.scalars(select(Unit.id).order_by(Unit.id)))
        rest = select(Unit.id).where(Unit.id.in_(ids[:3]))
        page = paging.read(session, rest, Unit.id, Place(after=ids[2]), limit=50)
        nothing = paging.read(session, select(Unit.id).where(Unit.id < 0), Unit.id, Place(after=ids[2]), limit=50)
    assert page == Slice(tuple(ids[:3]))
    assert nothing == Slice(())
