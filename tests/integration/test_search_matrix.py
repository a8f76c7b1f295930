"""People x levels x each feature of the search, on both engines: nothing reveals a letter that SQL hides."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access, jobs
from ged.access import Because
from ged.errors import NotFound
from ged.jobs import JobKind
from ged.ports import Confidentiality, MailId, Principal, SearchQuery, SortOrder, post_principal
from ged.register.models import Attachment, AttachmentKind, Direction, Mail, MailNumber, PageText, Register
from ged.register.states import MailState
from ged.search import alerts as saved_alerts
from ged.search import export as search_export
from ged.search import letter_search
from ged.search import saved as saved_searches
from ged.unit import Services
from indexer.elastic_index import ElasticIndex
from tests.access_kit import grants
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import run_jobs
from tests.servers.elastic import connection, forget

pytestmark = [pytest.mark.in_turns(2), pytest.mark.slow]

ACCOUNTS = ("sg", "secretaire", "agent", "dge", "etudes", "daf", "admin")
GRANTS = ("unit BO", "unit DGE", "unit ETU", "post SG", "post ETU", "heads ETU", "post DAF")
NAMES = (
    "Abalo", "Bediako", "Codjovi", "Dzifanou", "Ekpezou", "Folikpo", "Gbandjou", "Houngbedji", "Ikpidi", "Jossou",
    "Kpatcha", "Lawsonvi", "Mawuena", "Nabede", "Olympiok", "Pitassa", "Quashigan", "Randolpha",
    "Sokpovi", "Tchakpala", "Ursulavi",
)  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """A letter of the matrix. Its name is in its sender, subject and text, and in no other letter."""

    mail_id: MailId
    name: str
    number: str
    level: Confidentiality
    principal: Principal


@dataclass(frozen=True)
class Scene:
    """Services with a letter for each right and level."""

    services: Services
    letters: tuple[Letter, ...]
    saved: dict[str, int]

    def seen_by(self, account: str) -> list[Letter]:
        """The letters that SQL shows an account now."""
        who = actor(self.services, account)
        with self.services.reading() as session:
            return [one for one in self.letters if access.may_see(session, one.mail_id, one.level, who)]


def _add(session: Session, services: Services, n: int, level: int, register_id: int) -> Mail:
    name, unit_id = NAMES[n], actor(services, "agent").posts[0].unit_id
    mail = Mail(
        direction=Direction.INCOMING,
        state=MailState.TO_IMPUTE,
        level=level,
        subject=f"Convention de partenariat {name}",
        sender_name=f"Cabinet {name}",
        nature="letter",
        unit_id=unit_id,
        created_at=NOW,
    )
    session.add(mail)
    session.flush()
    document = Attachment(mail_id=mail.id, kind=AttachmentKind.DOCUMENT, media_type="application/pdf", added_at=NOW)
    session.add(document)
    session.flush()
    text = f"La convention de partenariat conclue avec le cabinet {name} prévoit des travaux hydrauliques."
    session.add(PageText(attachment_id=document.id, page_no=1, text=text, words=[], confidence=90.0, read_at=NOW))
    session.add(
        MailNumber(
            mail_id=mail.id, register_id=register_id, year=2026, sequence=n + 1, text=f"{7000 + 13 * n:05d}/2026/MX",
            registered_on=TODAY, registered_at=NOW,
        )
    )  # fmt: skip
    return mail


@pytest.fixture(scope="module", params=["tantivy", pytest.param("elasticsearch", marks=pytest.mark.servers)])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The matrix on each engine. Every account followed the search that finds everything before the letters came."""
    services = make_services(Path(tmp_path_factory.mktemp("matrix")))
    make_organisation(services)
    if request.param == "tantivy":
        yield _fill(services)
        return

    server = connection(request.getfixturevalue("elasticsearch_url"))
    alias = f"ged-test-{uuid4().hex}"
    index = ElasticIndex(server.url, alias=alias, api_key=server.api_key, ca_path=server.ca_path)
    index.reset()
    yield _fill(replace(services, index=index))
    index.close()
    forget(server, alias)


def _fill(services: Services) -> Scene:
    by_name, saved = grants(services), {}
    for account in ACCOUNTS:
        with services.unit_of_work(NOW) as uow:
            query = SearchQuery("convention partenariat")
            saved[account] = saved_searches.save(uow, "tout", query, follows=True, actor=actor(services, account))
        saved_alerts.check(services, saved[account], now=NOW)
    letters = []
    with services.unit_of_work(NOW) as uow:
        register_id = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        for n, (granted, level) in enumerate(itertools.product(GRANTS, range(3))):
            mail = _add(uow.session, services, n, level, register_id)
            access.grant(uow, mail.id, [by_name[granted]], Because.SHARED)
            number = f"{7000 + 13 * n:05d}/2026/MX"
            letters.append(Letter(MailId(mail.id), NAMES[n], number, Confidentiality(level), by_name[granted]))
    run_jobs(services)
    return Scene(services, tuple(letters), saved)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_hits_counts_passages_and_other_spellings(scene: Scene, account: str) -> None:
    who, seen = actor(scene.services, account), scene.seen_by(account)
    told = {one.mail_id for one in seen if one.level < Confidentiality.SECRET}
    hidden = [one.name for one in scene.letters if one.mail_id not in told]
    with scene.services.reading() as session:

        def find(text: str) -> letter_search.SearchPage:
            return letter_search.search_letters(scene.services, session, who, SearchQuery(text, limit=100))

        everything, common = find(""), find("convention partenariat")
        assert {one.mail_id for one in everything.letters} == {one.mail_id for one in seen}
        assert everything.total == len(seen)
        assert {one.mail_id for one in common.letters} == told
        assert common.total == len(told)
        for one in scene.letters:
            for text in (one.name, f"texte:{one.name}", f"objet:{one.name}", one.name[:-2] + "*", one.number):
                page = find(text)
                ids = {letter.mail_id for letter in page.letters}
                may_find = one in seen if text == one.number else one.mail_id in told
                assert (one.mail_id in ids) == may_find, (text, ids)
                assert ids <= {letter.mail_id for letter in seen}
                assert not [name for name in hidden if name in str([o.passages for o in page.letters])]
            wrong = find(one.name[:3] + "x" + one.name[4:])
            assert not [name for name in hidden if name.lower() in (wrong.did_you_mean or "").lower()]
            assert wrong.total <= len(told)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_facets(scene: Scene, account: str) -> None:
    who, seen = actor(scene.services, account), scene.seen_by(account)
    told = [one for one in seen if one.level < Confidentiality.SECRET]
    with scene.services.reading() as session:
        counted = letter_search.facets(scene.services, session, who, SearchQuery(""))
        none = letter_search.facets(
            scene.services, session, who, SearchQuery("", {"correspondent": ("Cabinet Abalo",)})
        )
    assert {v.value: v.count for v in counted["correspondent"]} == {f"Cabinet {one.name}": 1 for one in told}
    assert sum(v.count for v in counted["register"]) == len(seen)
    assert sum(v.count for v in counted["year"]) == sum(v.count for v in counted["month"]) == len(seen)
    for name in ("state", "priority", "nature"):
        assert sum(v.count for v in counted[name]) == len(told), name
    abalo = [one for one in told if one.name == "Abalo"]
    assert sum(v.count for v in none["register"]) == len(abalo)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_suggestions(scene: Scene, account: str) -> None:
    who, seen = actor(scene.services, account), scene.seen_by(account)
    told = {one.name for one in seen if one.level < Confidentiality.SECRET}
    with scene.services.reading() as session:
        for one in scene.letters:
            by_name = [s.text for s in letter_search.suggest(scene.services, session, who, one.name[:5])]
            assert bool(by_name) == (one.name in told), one
            assert all(one.name in text for text in by_name)
            by_number = [s.text for s in letter_search.suggest(scene.services, session, who, one.number[:5])]
            assert (one.number in by_number) == (one in seen), one
        offered = letter_search.suggest(scene.services, session, who, "conv")
    assert all(any(name in s.text for name in told) for s in offered)
    assert bool(offered) == bool(told)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_similar_letters(scene: Scene, account: str) -> None:
    who, seen = actor(scene.services, account), scene.seen_by(account)
    told = {one.mail_id for one in seen if one.level < Confidentiality.SECRET}
    with scene.services.reading() as session:
        for one in scene.letters:
            if one not in seen:
                with pytest.raises(NotFound):
                    letter_search.similar(scene.services, session, who, one.mail_id)
                continue
            found = {letter.mail_id for letter in letter_search.similar(scene.services, session, who, one.mail_id)}
            assert found <= told - {one.mail_id}
            assert bool(found) == (one.mail_id in told and len(told) > 1)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_lists(scene: Scene, account: str) -> None:
    who, seen = actor(scene.services, account), scene.seen_by(account)
    with scene.services.reading() as session:
        rows, is_cut = search_export.rows(scene.services, session, who, SearchQuery("", sort=SortOrder.NEWEST))
    assert ({row.mail_id for row in rows}, is_cut) == ({one.mail_id for one in seen}, False)
    assert not any(row.subject or row.correspondent for row in rows if row.level is Confidentiality.SECRET)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_alerts_tell_once_what_the_owner_may_see(scene: Scene, account: str) -> None:
    who = actor(scene.services, account)
    told = {one.mail_id for one in scene.seen_by(account) if one.level < Confidentiality.SECRET}
    saved_id = scene.saved[account]
    assert saved_alerts.check(scene.services, saved_id, now=NOW) == len(told)
    assert saved_alerts.check(scene.services, saved_id, now=NOW) == 0
    with scene.services.reading() as session:
        _row, letters = saved_searches.new_letters(session, saved_id, who)
        assert {one.mail_id for one in letters} == told
        assert saved_searches.new_count(session, who) == len(told)
        if account != "sg":
            with pytest.raises(NotFound):
                saved_searches.new_letters(session, saved_id, actor(scene.services, "sg"))


def test_a_right_given_and_withdrawn_shows_at_once_in_every_feature(scene: Scene) -> None:
    services, one = scene.services, scene.letters[0]
    daf = actor(services, "daf")
    right = post_principal(daf.posts[0].post_id)

    def shown() -> list[bool]:
        with services.reading() as session:
            page = letter_search.search_letters(services, session, daf, SearchQuery(one.name))
            facets = letter_search.facets(services, session, daf, SearchQuery(one.name))
            rows, _cut = search_export.rows(services, session, daf, SearchQuery(one.name))
            _told, new = saved_searches.new_letters(session, scene.saved["daf"], daf)
            try:
                letter_search.similar(services, session, daf, one.mail_id)
                is_opened = True
            except NotFound:
                is_opened = False
            return [
                one.mail_id in [hit.mail_id for hit in page.letters],
                bool(facets["register"]),
                bool(letter_search.suggest(services, session, daf, one.name)),
                one.mail_id in [row.mail_id for row in rows],
                is_opened,
                one.mail_id in [letter.mail_id for letter in new],
            ]

    assert shown() == [False] * 6
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, one.mail_id, [right], Because.ASSIGNED)
    run_jobs(services)
    saved_alerts.check(services, scene.saved["daf"], now=NOW)
    assert shown() == [True] * 6
    with services.unit_of_work(NOW) as uow:
        access.revoke(uow, one.mail_id, right, Because.ASSIGNED)
    with services.reading() as session:
        assert one.mail_id in jobs.open_access_changes(session)
    assert shown() == [False] * 6
    run_jobs(services, JobKind.INDEX)
    assert shown() == [False] * 6
