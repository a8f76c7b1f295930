"""The search page beside its hits: filters in order, all versions of a document, the end of a long list."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from ged import access
from ged.org.models import Person
from ged.ports import MailId, Passage, SearchQuery, person_principal
from ged.register.models import Attachment, AttachmentKind, Mail, PageText
from ged.search import letter_search
from ged.search.letter_search import FacetValue, SearchPage
from ged.unit import Services
from indexer.query import MAX_CHOSEN, MAX_TERMS
from tests.factories import NOW, actor
from tests.figure_letters_kit import add_auditor
from tests.routing_kit import make_mentions, register, run_jobs
from tests.site import give_passwords, make_site, sign_in
from web.site import context, navigation
from web.views.search.search_form import MAX_OFFSET, PAGE

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path_factory.mktemp("search"))
    make_mentions(services)
    yield app, services
    services.engine.dispose()


@pytest.fixture(scope="module")
def page(site: tuple[Flask, Services]) -> FlaskClient:
    return sign_in(site[0], "sg")


def test_the_first_hits_do_not_wait_for_the_filters(
    site: tuple[Flask, Services], page: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(site[1], subject="Marché de poteaux")
    run_jobs(site[1])

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("counted before the hits were shown")

    with monkeypatch.context() as patch:
        patch.setattr(letter_search, "facets", refuse)
        shown = page.get("/recherche/?q=poteaux").text
    assert "Marché de poteaux" in shown
    assert 'hx-get="/recherche/filtres?q=poteaux" hx-trigger="load"' in shown
    assert "Registre" in page.get("/recherche/filtres?q=poteaux").text


def test_a_date_in_words_is_a_filter_that_is_shown_and_taken_away(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    register(site[1], subject="Achat de bancs")
    register(site[1], subject="Achat de tables suivant lettre du 3 mars 2021")
    run_jobs(site[1])
    shown = page.get("/recherche/?q=achat+du+3+mars+2021").text
    assert "Date comprise" in shown
    assert "3 mars 2021 <span" in shown
    assert "tables suivant" in shown
    assert "Achat de bancs" not in shown
    assert 'href="/recherche/?q=achat+du+3+mars+2021&amp;dates=mots"' in shown
    assert "bancs" not in page.get("/recherche/liste?q=achat+du+3+mars+2021").text
    without = page.get("/recherche/?q=achat+du+3+mars+2021&dates=mots").text
    assert "tables suivant" in without
    assert "Date comprise" not in without
    assert 'name="dates" value="mots"' in page.get("/recherche/filtres?q=achat+du+3+mars+2021&dates=mots").text


@pytest.mark.parametrize(("asked", "is_told"), [("en décembre", True), ("en mars", False), ("en décembre 2025", False)])
def test_a_month_of_no_year_that_is_still_to_come_is_last_year_s_and_the_page_says_so(
    page: FlaskClient, monkeypatch: pytest.MonkeyPatch, asked: str, is_told: bool
) -> None:
    monkeypatch.setattr(context, "today", NOW.date)
    shown = unescape(page.get("/recherche/", query_string={"q": f"courriers {asked}"}).text)
    assert "Date comprise" in shown
    assert ("la recherche porte sur le passé" in shown) is is_told


def test_a_letter_shows_the_day_by_which_it_is_of_the_period(site: tuple[Flask, Services], page: FlaskClient) -> None:
    mail_id = register(site[1], subject="Achat de lutrins").mail_id
    with site[1].unit_of_work(NOW) as uow:
        days = {"received_on": date(2026, 3, 4), "written_on": date(2026, 2, 27)}
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(days))
    run_jobs(site[1])
    for asked, shown in (
        ("reçus en mars 2026", "· reçu le 4 mars 2026"), ("en février 2026", "· daté du 27 février 2026"),
        ("depuis février 2026", ""), ("", ""),
    ):  # fmt: skip
        hit = page.get("/recherche/", query_string={"q": f"lutrins {asked}"}).text.partition("hit__facts")[2]
        facts = " ".join(hit.partition("</p>")[0].split())
        assert shown in facts, asked
        assert ("reçu le" in facts, "daté du" in facts) == ("reçu" in shown, "daté" in shown), asked


def test_a_day_that_does_not_exist_is_told(page: FlaskClient) -> None:
    told = "Le 31 février n'existe pas : ces mots sont cherchés tels quels."
    assert told in unescape(page.get("/recherche/?q=plainte+du+31+février").text)
    assert "n'existe pas : ces mots" not in unescape(page.get("/recherche/?q=plainte+du+3+février").text)


@pytest.mark.parametrize(("count", "is_told"), [(MAX_TERMS, False), (MAX_TERMS + 1, True)])
def test_words_of_a_search_that_are_left_out_are_told(page: FlaskClient, count: int, is_told: bool) -> None:
    words = " ".join(f"{first}{second}eau" for first in "bcdfghj" for second in "aeiouyàé")
    asked = " ".join(words.split()[:count])
    told = f"trop longue (plus de {MAX_TERMS} mots différents, ou de 10 000 caractères) : elle porte sur les {MAX_CHOSEN} mots les plus longs"
    assert (told in page.get("/recherche/", query_string={"q": asked}).text) is is_told


def test_where_no_letter_has_enough_of_the_words_letters_with_one_are_shown(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    register(site[1], subject="Facture de craies")
    register(site[1], subject="Chaux pour le lycée")
    run_jobs(site[1])
    address = "/recherche/?q=lycée+d'Agoènyivé+craies"
    shown = unescape(page.get(address).text)
    assert "aucun ne contient tous ces mots, et « d'Agoènyivé » ne se trouve dans aucun" in shown
    assert all(one in shown for one in ("Facture de", "Chaux pour"))
    for part in ("filtres?", "liste?"):
        assert f"/recherche/{part}q=lyc" in shown
        assert "mots=un" in shown.split(f"/recherche/{part}", 1)[1].split('"', 1)[0], (
            "these letters are counted, and on the list"
        )
    asked = {"q": "lycée d'Agoènyivé craies"}
    assert "Facture de craies" in page.get("/recherche/liste", query_string=asked | {"mots": "un"}).text
    assert "Facture" not in page.get("/recherche/liste", query_string=asked).text
    assert "mots=un" not in page.get("/recherche/?q=zzagoe+yyagoe+xxagoe").text, "nothing is found"


def test_an_alert_does_not_tell_letters_with_one_of_the_words(site: tuple[Flask, Services]) -> None:
    services = site[1]
    register(services, subject="Facture de gommes")
    run_jobs(services)
    query = SearchQuery("gommes lycée Agoènyivé")
    with services.reading() as session:
        who = actor(services, "sg")
        assert not letter_search.search_letters(services, session, who, query).letters
        found, asked, _is_of_no_day = letter_search.search_said(services, session, who, query, query, None)
    assert (len(found.letters) >= 1, asked.any_word) == (True, True)


def test_a_day_alone_that_no_letter_has_finds_nothing(site: tuple[Flask, Services], page: FlaskClient) -> None:
    register(site[1], subject="Achat de pupitres")
    run_jobs(site[1])
    shown = page.get("/recherche/?q=lettre+de+mai+2019").text
    assert "Aucun courrier trouvé" in shown
    assert "du 1er mai 2019 au 31 mai 2019" in shown
    assert 'href="/recherche/?q=lettre+de+mai+2019&amp;dates=mots"' in shown


def test_the_first_of_a_month_is_written_as_the_language_of_the_page_writes_it(page: FlaskClient) -> None:
    shown = page.get("/recherche/?q=letter+of+May+2019", headers={"Accept-Language": "en-GB"}).text
    assert "from 1 May 2019 to 31 May 2019" in shown


def test_a_date_of_no_letter_hides_none(site: tuple[Flask, Services], page: FlaskClient) -> None:
    register(site[1], subject="Achat de pupitres")
    run_jobs(site[1])
    shown = page.get("/recherche/?q=pupitres+du+5+mai+2019").text
    assert "ne réunit cette date" in shown
    assert "Achat de" in shown
    assert "Date comprise" not in shown
    assert "q=pupitres+du+5+mai+2019&amp;dates=sans" in shown  # the filters count, and a list has, these letters
    assert "Achat de pupitres" in page.get("/recherche/liste?q=pupitres+du+5+mai+2019&dates=sans").text
    assert 'name="dates" value="sans"' in page.get("/recherche/filtres?q=pupitres+du+5+mai+2019&dates=sans").text


@pytest.mark.parametrize(
    "asked",
    ["q=pupitres+du+1er+au+15+janvier+2099", "q=du+1er+au+15+janvier+2099", "q=pupitres+en+2099", "du=2099-01-01"],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_period_that_has_not_begun_is_told_as_such(
    site: tuple[Flask, Services], page: FlaskClient, asked: str, language: str
) -> None:
    said = {
        "fr": "Cette période n'a pas encore commencé (", "en": "This period has not begun yet ("
    }[language]  # fmt: skip
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(language=language))
    try:
        assert said in unescape(page.get(f"/recherche/?{asked}").text)
        assert said not in unescape(page.get("/recherche/?q=pupitres+du+5+mai+2019").text)
        assert said not in unescape(page.get("/recherche/?q=pupitres").text)
    finally:
        with site[1].unit_of_work(NOW) as uow:
            uow.session.execute(update(Person).where(Person.account == "sg").values(language=""))


def test_a_last_day_before_the_first_is_told(page: FlaskClient) -> None:
    for asked in ("q=pupitres&du=30/11/2026&au=01/11/2026", "du=2099-12-31&au=2026-01-01"):
        shown = unescape(page.get(f"/recherche/?{asked}").text)
        assert "Le dernier jour est avant le premier." in shown, asked
        assert "pas encore commencé" not in shown, asked
    assert "Le dernier jour est avant" not in page.get("/recherche/?du=01/11/2026&au=01/11/2026").text


def test_a_period_of_which_one_end_is_said_finds_its_letters(site: tuple[Flask, Services], page: FlaskClient) -> None:
    register(site[1], subject="Curage des caniveaux")
    run_jobs(site[1])
    for asked in ("avant le 30 novembre 2026", "jusqu'au 24/11/2026", "depuis 2026", "après le trois mars 2026"):
        shown = page.get("/recherche/", query_string={"q": f"caniveaux {asked}"}).text
        assert ("Curage des caniveaux" in shown, "recherche porte sur les mots seuls" in shown) == (True, False), asked
    before = page.get("/recherche/", query_string={"q": "caniveaux avant le 1er novembre 2026"}).text
    assert "recherche porte sur les mots seuls" in before


def test_the_page_says_which_words_no_letter_contains_together(site: tuple[Flask, Services], page: FlaskClient) -> None:
    register(site[1], subject="Achat de rideaux")
    register(site[1], subject="Location de tracteurs")
    run_jobs(site[1])
    shown = page.get("/recherche/?q=rideaux+tracteurs").text
    assert "que vous pouvez lire : aucun ne contient tous ces mots ensemble (« rideaux », « tracteurs »)" in shown
    assert "Achat de" in shown
    shown = page.get("/recherche/?q=rideaux+%3Cb%3Eparavent").text
    assert "et « &lt;b&gt;paravent » ne se trouve dans aucun" in shown
    assert (
        "avec ces filtres et ces dates : aucun" in page.get("/recherche/?q=rideaux+tracteurs&direction=incoming").text
    )
    for text in ("achat+rideaux", "rideau"):  # one letter has all of them
        assert "que vous pouvez lire" not in page.get(f"/recherche/?q={text}").text.partition("search-page")[0]


@pytest.mark.parametrize("asked", ["{word}", "bureau {word} avis", '"{word}"', "{word} en mars 2026", "reçu:{word}"])
def test_a_word_of_a_thousand_signs_is_not_repeated_whole(page: FlaskClient, asked: str) -> None:
    word = "z" * 800
    shown = page.get("/recherche/", query_string={"q": asked.format(word=word)}).text
    assert "« " in shown or "«\u00a0" in shown
    said = re.sub(r"<[^<>]*>", "", shown.partition("<main")[2].partition("<aside")[0])
    assert "z" * 50 in said
    assert "z" * 61 not in said


def test_the_page_says_which_words_each_letter_lacks_and_leads_to_those_with_all(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    for subject in ("Forage de Tchamba, maître Ablavi", "Forage de Kara"):
        register(site[1], subject=subject)
    run_jobs(site[1])
    shown = page.get("/recherche/?q=forage Ablavi, de !").text
    held, lacks = sorted(
        re.findall(r'<article class="hit".*?</article>', shown, re.DOTALL), key=lambda one: "Absent" in one
    )
    assert "Tchamba" in held
    assert "Absent de ce courrier" in lacks
    assert "« Ablavi »" in lacks
    href = re.search(r'href="([^"]*)">Chercher ceux qui les ont tous', shown)
    assert href is not None
    only = page.get(unescape(href[1])).text
    assert "1 courrier" in only
    assert "Tchamba" in only
    assert "Absent" not in only
    assert "Certains de ces courriers" not in only
    assert "Absent" not in page.get("/recherche/?q=forage").text


def test_letters_with_all_words_hold_them_in_any_form_and_stay_asked_for(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    for subject in ("Transformateurs de Tchamba, 22308140", "Route de Tchamba"):
        register(site[1], subject=subject)
    run_jobs(site[1])
    for asked in ("transfomateur Tchamba", "+228 22 30 81 40 Tchamba"):
        shown = page.get("/recherche/", query_string={"q": asked}).text
        assert "Absent de ce courrier" in shown, asked
        href = re.search(r'href="([^"]*)">Chercher ceux qui les ont tous', shown)
        assert href is not None, asked
        only = unescape(page.get(unescape(href[1])).text)
        assert "Transformateurs de" in only, asked
        assert "Route de" not in only, asked
        assert "courriers qui ont tous les mots" in only, asked
        for part in ("filtres?", "liste?"):
            assert "mots=tous" in only.split(f"/recherche/{part}", 1)[1].split('"', 1)[0], asked
        form, _help, below = only.partition("Comment chercher")
        assert 'name="mots" value="tous"' in form, "the form keeps it when it is sent again"
        assert 'name="mots" value="tous"' in below, "the search that is saved is this one"
        assert "Route" not in page.get("/recherche/liste", query_string={"q": asked, "mots": "tous"}).text
        filters = page.get("/recherche/filtres", query_string={"q": asked, "mots": "tous"}).text
        assert 'name="mots" value="tous"' in filters, asked
    filtered = unescape(page.get("/recherche/?q=Tchamba&mots=tous&direction=incoming").text)
    assert 'href="/recherche/?q=Tchamba&mots=tous">Tout retirer' in filtered, "it is taken off by itself"
    assert 'href="/recherche/?q=Tchamba&direction=incoming" title="Chercher aussi' in filtered
    assert "courriers qui ont tous les mots" in page.get("/recherche/?mots=tous").text, (
        "the form holds it, so it is shown"
    )
    none = page.get("/recherche/?q=forage+Tchamba+zzagoe&mots=tous").text
    assert "Aucun courrier trouvé" in none
    assert 'href="/recherche/?q=forage+Tchamba+zzagoe"' in none, "the way back to letters with a part of them"


def test_where_no_letter_is_found_the_page_says_which_words_are_in_none(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    register(site[1], subject="Achat de rideaux")
    run_jobs(site[1])
    for text, said in {
        "hamac": "« hamac » ne se trouve dans aucun.",
        "tapis+hamac": "« tapis », « hamac » ne se trouvent dans aucun.",
        "%22achat%22+%22hamac%22": "« hamac » ne se trouve dans aucun.",
        "%22rideaux+achat%22": "« rideaux achat » ne se trouve dans aucun.",
    }.items():
        shown = page.get(f"/recherche/?q={text}").text
        assert "Aucun courrier trouvé" in shown, text
        assert f"que vous pouvez lire : {said}" in shown


def test_a_day_finds_the_same_letters_however_it_is_typed(site: tuple[Flask, Services], page: FlaskClient) -> None:
    for subject in ("chaises, lettre du 03/02/2021", "tables, lettre du 3 février 2021", "bancs, lettre du 03.02.21"):
        register(site[1], subject=f"Achat de {subject}")
    register(site[1], subject="Achat de vitres, lettre du 04/02/2021")
    number = register(site[1], subject="Achat de stores").mail_id
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == number).values(their_reference="0012/03/02/2021/MEF"))
        uow.reindex(number)
    run_jobs(site[1])
    for text in (
        "03/02/2021",
        "3/2/21",
        "2021-02-03",
        "3.2.2021",
        "3 févr. 21",
        "le 3 février 2021",
        "achat du 03/02/21",
    ):
        shown = unescape(page.get("/recherche/", query_string={"q": text}).text)
        found = {
            one
            for one in ("chaises", "tables", "bancs", "vitres", "stores")
            if one in shown.partition("search-page")[2]
        }
        # Figures alone may also be a part of a number.
        bears = {"stores"} if text in ("03/02/2021", "3.2.2021") else set()
        assert found == {"chaises", "tables", "bancs"} | bears, text
        assert "Date comprise" in shown, text


def test_a_number_that_is_not_indexed_yet_is_not_said_to_be_nowhere(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    number = register(site[1], subject="Achat de grilles").number
    for text in (f'"{number}"', f"{number}&direction=incoming"):
        shown = page.get(f"/recherche/?q={text}").text
        assert "hit--exact" in shown, text
        assert "dans aucun" not in shown, text


def test_a_question_mark_follows_its_words_as_the_language_writes_it(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    register(site[1], subject="Achat de ventilateurs")
    run_jobs(site[1])
    assert re.search(r'class="meant">[^\n]*</a>\u202f\?</p>', page.get("/recherche/?q=ventilatuers").raw)
    english = sign_in(site[0], "sg")
    english.set_cookie("ged_language", "en")
    assert re.search(r'class="meant">[^\n]*</a>\?</p>', english.get("/recherche/?q=ventilatuers").raw)


def test_years_and_months_stand_newest_first_and_long_names_are_cut(
    page: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "Établissement public " * 6
    counted = {
        "year": [FacetValue("2014", "", 9), FacetValue("2021", "", 5), FacetValue("2017", "", 4)],
        "correspondent": [FacetValue("b", "b", 9), FacetValue(long, long, 3)],
    }
    monkeypatch.setattr(letter_search, "facets", lambda *_args: counted)
    shown = page.get("/recherche/filtres?q=x").text
    assert shown.index(">2021<") < shown.index(">2017<") < shown.index(">2014<")
    assert f'title="{long}"' in shown
    assert f">{long}<" not in shown


def test_a_list_too_long_to_walk_says_where_it_ends(page: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_search, "search_letters", lambda *_args: SearchPage((), 9_000, True))
    last = page.get(f"/recherche/?q=x&offset={MAX_OFFSET}").text
    assert f"offset={MAX_OFFSET + PAGE}" not in last
    assert "précisez la recherche" in last
    assert f"offset={PAGE}" in page.get("/recherche/?q=x").text


def test_days_that_stay_words_are_told_until_the_person_decides(page: FlaskClient) -> None:
    told = "Aucune période"
    asked = "/recherche/?q=arrêtés+depuis+mars+prochain"
    assert told in page.get(asked).text.replace("\xa0", " ")
    assert "Aucune période" not in page.get(f"{asked}&dates=mots").text
    assert "Aucune période" not in page.get(f"{asked}&du=2026-01-01").text
    several = page.get("/recherche/?q=hier+et+avant-hier").text.replace("\xa0", " ")
    assert "Plusieurs périodes sont dites (hier, avant-hier) : une seule" in several
    assert told not in several, "both were understood"


@pytest.mark.parametrize(
    ("total", "offset", "elsewhere"),
    [(11, 40, 0), (41, 60, 40), (40, 40, 20), (0, 20, 0), (41, 40, None), (11, 5, None)],
)
def test_behind_the_last_page_is_the_last_page(
    page: FlaskClient, monkeypatch: pytest.MonkeyPatch, total: int, offset: int, elsewhere: int | None
) -> None:
    asked: list[int] = []

    def found(_services: object, _session: object, _actor: object, query: SearchQuery) -> SearchPage:
        asked.append(query.offset)
        return SearchPage((), total, True)

    monkeypatch.setattr(letter_search, "search_letters", found)
    shown = page.get(f"/recherche/?q=x&offset={offset}&state=registered")
    assert asked[0] == offset - offset % PAGE, "each letter stands on one page"
    assert shown.location == (None if elsewhere is None else f"/recherche/?q=x&state=registered&offset={elsewhere}")


def test_every_version_and_annex_is_searched_and_the_letter_is_one_hit(site: tuple[Flask, Services]) -> None:
    _app, services = site
    mail_id = register(services, subject="Convention").mail_id
    with services.unit_of_work(NOW) as uow:
        first = _document(uow.session, mail_id, "avant-projet hydraulique", AttachmentKind.DOCUMENT)
        _document(uow.session, mail_id, "version définitive hydraulique", AttachmentKind.DOCUMENT, replaces=first)
        _document(uow.session, mail_id, "bordereau des prix", AttachmentKind.ANNEX)
        uow.reindex(mail_id)
    run_jobs(services)

    def found(text: str) -> list[tuple[int, tuple[Passage, ...]]]:
        with services.reading() as session:
            letters = letter_search.search_letters(services, session, actor(services, "sg"), SearchQuery(text)).letters
        return [(int(one.mail_id), one.passages) for one in letters]

    for words in ("avant-projet", "version définitive", "bordereau des prix"):
        assert [one for one, _passages in found(words)] == [mail_id], words
    ((only, passages),) = found("hydraulique")
    assert only == mail_id
    assert len({one.attachment_id for one in passages}) == 2


def _document(session: object, mail_id: MailId, text: str, kind: AttachmentKind, replaces: int | None = None) -> int:
    row = Attachment(
        mail_id=mail_id, kind=kind, media_type="application/pdf", added_at=NOW, replaces_id=replaces,
        version_no=2 if replaces else 1,
    )  # fmt: skip
    session.add(row)  # type: ignore[attr-defined]
    session.flush()  # type: ignore[attr-defined]
    session.add(  # type: ignore[attr-defined]
        PageText(attachment_id=row.id, page_no=1, text=text, words=[], confidence=90.0, read_at=NOW)
    )
    return int(row.id)


def test_counts_beside_the_navigation_are_kept_for_a_moment_on_search_pages_only(
    site: tuple[Flask, Services], page: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    entries = tuple(
        navigation.Entry(
            one.group, one.label, one.endpoint, one.hint, one.shortcut, look=lambda *_args: asked.append(1) or 1
        )
        for one in navigation.ENTRIES[:1]
    )
    monkeypatch.setattr(navigation, "ENTRIES", entries)
    site[0].extensions.pop("ged_counted", None)
    for path, count in (("/recherche/?q=a", 1), ("/recherche/?q=b", 1), ("/bannette/", 2), ("/recherche/?q=a", 2)):
        assert page.get(path).status_code == 200
        assert len(asked) == count, path


def test_an_account_that_reads_no_letter_is_told_so_and_what_it_can_do_instead(
    site: tuple[Flask, Services], page: FlaskClient
) -> None:
    app, services = site
    add_auditor(services)
    give_passwords(services)
    letter = register(services, subject="Achat de lavabos").mail_id
    run_jobs(services)
    told, spelling = "Ce compte ne lit aucun courrier", "Vérifiez l'orthographe"
    auditor = sign_in(app, "auditeur")
    for address in ("/recherche/", "/recherche/?q=lavabos", "/recherche/?q=zzagoe", "/recherche/?direction=incoming"):
        shown = auditor.get(address).text
        assert told in shown, address
        assert spelling not in shown, address
        assert "dans aucun" not in shown, address
        assert 'href="/administration/journal"' in shown.partition("<main")[2], address
    for address in ("/recherche/", "/recherche/?q=zzagoe"):
        assert told not in page.get(address).text, "who reads letters"
    person = actor(services, "auditeur").person_id
    with services.unit_of_work(NOW) as uow:
        access.grant(uow, letter, [person_principal(person)], access.Because.SHARED)
        uow.reindex(letter)
    run_jobs(services)
    assert "Achat de" in auditor.get("/recherche/?q=lavabos").text
    assert told not in auditor.get("/recherche/?q=zzagoe").text, "a right of its own"
