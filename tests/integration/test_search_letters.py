"""A search never shows more than SQL allows at this moment, in hits, counts, facets and passages."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from ged import access
from ged.access import Because
from ged.envelopes import operations as envelopes
from ged.envelopes.operations import EnvelopeForm
from ged.errors import EngineFailed
from ged.org.models import Unit
from ged.ports import (
    NO_WORD,
    Confidentiality,
    Dated,
    Principals,
    SearchQuery,
    SearchResult,
    post_principal,
    unit_principal,
)
from ged.register.levels import change_level
from ged.register.models import MailNumber, Register
from ged.search import letter_search
from ged.search.letter_search import FacetValue, SearchPage
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, post_id, register, run_jobs, unit_id
from tests.routing_kit import services_with_mentions as services

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.slow  # whole seconds: part of `make test`, not of the quick round


def find(services: Services, account: str, text: str, **values: object) -> SearchPage:
    """The hits of an account now."""
    with services.reading() as session:
        query = SearchQuery(text, **values)  # type: ignore[arg-type]
        return letter_search.search_letters(services, session, actor(services, account), query)


def ids(page: SearchPage) -> list[int]:
    """The letters on a page of hits."""
    return [letter.mail_id for letter in page.letters]


def counts(services: Services, account: str, text: str, **values: object) -> dict[str, list[FacetValue]]:
    """The facets of a query."""
    with services.reading() as session:
        query = SearchQuery(text, **values)  # type: ignore[arg-type]
        return letter_search.facets(services, session, actor(services, account), query)


def test_a_right_given_or_withdrawn_shows_in_the_next_search(services: Services) -> None:
    mail = register(services, "Marché de fourniture de transformateurs")
    run_jobs(services)
    assert ids(find(services, "sg", "transformateurs")) == [mail.mail_id]
    assert ids(find(services, "daf", "transformateurs")) == []
    impute(services, mail.mail_id, "DAF")
    run_jobs(services)
    assert ids(find(services, "daf", "transformateurs")) == [mail.mail_id]
    impute(services, mail.mail_id, "DGE")
    # The index does not know it yet. The lost right counts at once.
    lost = find(services, "daf", "transformateurs")
    assert (ids(lost), lost.total) == ([], 0)
    run_jobs(services)
    assert ids(find(services, "daf", "transformateurs")) == []
    assert ids(find(services, "dge", "transformateurs")) == [mail.mail_id]


def test_while_its_rights_change_a_letter_is_in_no_hit_count_or_facet(services: Services) -> None:
    kept, moving = register(services, "Audience du préfet"), register(services, "Audience du maire")
    run_jobs(services)
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, moving.mail_id, [post_principal(post_id(services, "DAF-C"))], Because.SHARED)
    page = find(services, "sg", "audience")
    assert (ids(page), page.total) == ([kept.mail_id], 1)
    assert [v.count for v in counts(services, "sg", "audience")["register"]] == [1]
    assert counts(services, "sg", "maire")["register"] == []
    run_jobs(services)
    assert find(services, "sg", "audience").total == 2


def test_an_index_that_knows_less_than_sql_is_not_believed(services: Services) -> None:
    """Rights were withdrawn without the journal: the index still allows, SQL refuses."""
    first, second = register(services, "Litige foncier à Kara"), register(services, "Litige foncier à Sokodé")
    run_jobs(services)
    daf = unit_principal(unit_id(services, "DAF"))
    for mail in (first, second):
        with services.unit_of_work(NOW) as uow:
            access.grant(uow, mail.mail_id, [daf], Because.SHARED)
    run_jobs(services)
    with services.unit_of_work(NOW) as uow:
        row = uow.session.get_one(access.MailAccess, (second.mail_id, daf, Because.SHARED.value))
        uow.session.delete(row)
    page = find(services, "daf", "litige")
    assert (ids(page), page.total) == ([first.mail_id], 1)


def test_another_spelling_has_the_accents_of_the_subjects(services: Services) -> None:
    for _ in range(2):
        register(services, "Électrification de Kpalimé")
    run_jobs(services)
    assert find(services, "sg", "electrifcation kpalimé").did_you_mean == "électrification kpalimé"


def test_a_secret_letter_is_found_by_its_number_only(services: Services) -> None:
    mail = register(services, "Mutation du directeur", level=Confidentiality.RESTRICTED)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    run_jobs(services)
    assert ids(find(services, "sg", "mutation")) == []
    page = find(services, "sg", mail.number)
    assert ids(page) == [mail.mail_id]
    assert (page.letters[0].subject, page.letters[0].correspondent, page.letters[0].passages) == ("", "", ())
    assert ids(find(services, "dge", mail.number)) == []


def test_a_level_raised_hides_the_passages_at_once(services: Services) -> None:
    mail = register(services, "Mutation du directeur")
    run_jobs(services)
    assert find(services, "sg", "mutation").letters[0].passages
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    assert ids(find(services, "sg", "mutation")) == []


def test_an_administrator_finds_nothing_by_the_role(services: Services) -> None:
    register(services, "Audience du préfet")
    run_jobs(services)
    assert find(services, "admin", "audience").total == 0
    assert not any(counts(services, "admin", "audience").values())


def test_filters_narrow_and_their_own_values_stay_to_choose(services: Services) -> None:
    first, second = register(services, "Audience du préfet"), register(services, "Audience du maire")
    impute(services, second.mail_id, "DGE")
    run_jobs(services)
    page = find(services, "sg", "audience", filters={"state": ("to_impute",)})
    assert ids(page) == [first.mail_id]
    shown = counts(services, "sg", "audience", filters={"state": ("to_impute",)})
    assert {(v.value, v.count) for v in shown["state"]} == {("to_impute", 1), ("assigned", 1)}
    assert shown["unit"] == []
    wide = counts(services, "sg", "audience")
    assert wide["unit"] == [FacetValue("DGE", "Direction générale de l'énergie", 1)]
    assert find(services, "sg", "audience", since=TODAY + timedelta(days=1)).total == 0


def test_a_code_of_another_ministry_that_is_typed_as_a_filter_tells_no_name(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Unit(code="AUT", name="Ministère voisin", is_entity=True))
        uow.session.add(Unit(code="AUT-E", name="Direction générale de l'énergie"))
        uow.session.flush()
    impute(services, register(services, "Audience du préfet").mail_id, "DGE")
    run_jobs(services)
    shown = counts(services, "sg", "audience", filters={"unit": ("DGE", "DAF", "AUT")})
    names = {one.value: one.label for one in shown["unit"]}
    assert names["AUT"] == ""
    assert names["DAF"] != "", "a chosen unit of one's own ministry keeps its name without a count"
    assert names["DGE"] == "Direction générale de l'énergie", "a unit elsewhere that bears its name changes nothing"


def test_an_exact_number_is_found_before_the_index_knows_it(services: Services) -> None:
    mail = register(services)
    with services.reading() as session:
        for typed in (mail.number, f" n° {mail.number.lower()} "):
            letters, closed = letter_search.exact_number(session, actor(services, "sg"), typed)
            assert ([letter.mail_id for letter in letters], closed) == ([mail.mail_id], [])
        assert letter_search.exact_number(session, actor(services, "daf"), mail.number) == ([], [])
        assert letter_search.exact_number(session, actor(services, "sg"), mail.number[:-1]) == ([], [])


def test_of_a_number_that_many_letters_bear_the_newest_stand_above_the_list(services: Services) -> None:
    made = [register(services).mail_id for _ in range(4)]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(MailNumber).values(text_key="777/old"))
    with services.reading() as session:
        shown = [
            [
                one.mail_id
                for one in letter_search.exact_number(session, actor(services, "sg"), "777/old", limit=limit)[0]
            ]
            for limit in (2, 20)
        ]
        assert letter_search.exact_number(session, actor(services, "daf"), "777/old") == ([], [])
    assert shown == [made[:1:-1], made[::-1]]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(delete(access.MailAccess).where(access.MailAccess.mail_id.in_(made[2:])))
    with services.reading() as session:
        letters, _envelopes = letter_search.exact_number(session, actor(services, "sg"), "777/old", limit=2)
    assert [one.mail_id for one in letters] == made[1::-1], "letters of others take no place"


def test_of_a_sealed_envelope_nothing_but_the_number_is_told(services: Services) -> None:
    with services.reading() as session:
        book = session.scalars(select(Register.id).where(Register.code == "PLI")).one()
    form = EnvelopeForm(NOW, post_id(services, "SG-T"), "Cabinet Noir", "confidentiel", "confidentiel", 1)
    with services.unit_of_work(NOW) as uow:
        done = envelopes.register_envelope(uow, book, form, actor=actor(services, "agent"), now=NOW)
    run_jobs(services)
    with services.reading() as session:
        letters, closed = letter_search.exact_number(session, actor(services, "daf"), done.number)
    assert letters == []
    assert [(c.envelope_id, c.number) for c in closed] == [(done.envelope_id, done.number)]
    assert find(services, "sg", "cabinet noir").total == find(services, "sg", done.number).total == 0


class Down:
    """An index that cannot be reached."""

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        raise EngineFailed("index.unavailable", retryable=True)


def test_without_the_index_numbers_and_subjects_are_searched(services: Services) -> None:
    mail, other = register(services, "Audience du préfet 100 %"), register(services, "Rapport d'audit")
    secret = register(services, "Audience secrète", level=Confidentiality.RESTRICTED)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, secret.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    down = replace(services, index=Down())  # type: ignore[arg-type]
    page = find(down, "sg", "objet:audience")
    assert (ids(page), page.total, page.notice) == ([mail.mail_id], 1, letter_search.WITHOUT_INDEX)
    assert ids(find(down, "sg", "audience 1_0")) == []
    for signs in ("%", "(((", " \U0001f642 "):  # as with the index
        page = find(down, "sg", signs)
        assert (page.total, page.notice, page.is_of_sql) == (3, NO_WORD, True)
    assert ids(find(down, "sg", other.number)) == [other.mail_id]
    assert ids(find(down, "sg", secret.number)) == [secret.mail_id]
    assert ids(find(down, "daf", "audience")) == []
    filters: Mapping[str, tuple[str, ...]] = {"state": ("to_impute",), "register": ("ARR",), "year": ("2026",)}
    assert ids(find(down, "sg", "", filters=filters)) == [other.mail_id, mail.mail_id]
    assert ids(find(down, "sg", "", filters={"state": ("no_such_state",)})) == []
    assert ids(find(down, "sg", "", since=TODAY, until=TODAY)) == [secret.mail_id, other.mail_id, mail.mail_id]
    assert find(down, "sg", "", until=TODAY - timedelta(days=1)).total == 0
    before = Dated(TODAY - timedelta(days=9), TODAY - timedelta(days=1), "audit")
    assert ids(find(down, "sg", "", dated=before)) == [other.mail_id]  # by its subject
    assert find(down, "sg", "", dated=replace(before, mention="secrète")).total == 0
    assert find(down, "sg", "", dated=Dated(TODAY, TODAY)).total == 3
