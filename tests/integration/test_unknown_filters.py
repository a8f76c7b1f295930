"""A filter of an address that no list knows is told, on every list: passed over in silence, all would look like what was asked for."""

import pytest
from flask import Flask

from ged.unit import Services
from tests.routing_kit import make_mentions, register
from tests.site import make_site, sign_in

TOLD = "Ce filtre n'est pas parmi vos choix"
LISTS = [
    ("dge", "/suivi/", ("voir", "par", "service", "poste", "echeance")),
    ("dge", "/bannette/", ("voir", "urgence", "pour")),
    ("sg", "/a-imputer", ("urgence", "pour")),
    ("dge", "/parapheur/", ("pour",)),
    ("dge", "/questions", ("voir",)),
    ("dge", "/avis/", ("voir",)),
    ("dge", "/matin/", ("voir",)),
    ("agent", "/a-transmettre/", ("service", "post_id")),
    ("agent", "/registres/1", ("annee", "etat")),
    ("agent", "/bordereaux/cahier", ("unit_id",)),
    ("admin", "/administration/taches", ("groupe",)),
    ("admin", "/administration/preuves/", ("groupe",)),
    ("admin", "/administration/actes/", ("voir",)),
    ("admin", "/administration/calendrier", ("annee",)),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flask, Services]:
    app, services = make_site(tmp_path_factory.mktemp("lists"))
    make_mentions(services)
    register(services, "Demande de crédits")
    return app, services


@pytest.mark.parametrize(("account", "path", "names"), LISTS, ids=[path for _account, path, _names in LISTS])
def test_a_list_tells_a_filter_that_it_does_not_know(
    site: tuple[Flask, Services], account: str, path: str, names: tuple[str, ...]
) -> None:
    client = sign_in(site[0], account)
    assert TOLD not in client.get(path, follow_redirects=True).text
    for name in names:
        page = client.get(f"{path}?{name}=zzz")
        assert page.status_code == 200, name
        told = TOLD in page.text and "zzz" in page.text
        assert told or "Ce choix n'existe pas" in page.text, name


@pytest.mark.parametrize("year", ["20000000000", "1990", "0", "-1", "1e3", "9" * 40])
def test_a_year_that_a_register_does_not_have_is_told_and_the_newest_is_shown(
    site: tuple[Flask, Services], year: str
) -> None:
    page = sign_in(site[0], "agent").get(f"/registres/1?annee={year}").text
    assert TOLD in page
    assert "Demande de crédits" in page


def test_a_filter_that_is_not_known_is_not_kept_for_the_session_and_leaves_the_kept_one(
    site: tuple[Flask, Services],
) -> None:
    client = sign_in(site[0], "dge")
    client.get("/bannette/?q=marché")
    page = client.get("/bannette/?pour=zzz").text
    assert TOLD in page
    assert "marché" not in page
    assert client.get("/bannette/").location == "/bannette/?q=march%C3%A9"


def test_the_way_to_the_page_without_the_filter_keeps_the_others(site: tuple[Flask, Services]) -> None:
    page = sign_in(site[0], "dge").get("/suivi/?echeance=zzz&q=bois&apres=3").text
    assert '<a class="no-print" href="/suivi/?q=bois">Ouvrir la page sans ce filtre</a>' in page
    assert "echeance=zzz" not in page.replace("/suivi/?echeance=zzz", ""), "the files are of what is shown"


def test_a_long_value_is_cut_and_no_part_of_the_page(site: tuple[Flask, Services]) -> None:
    page = sign_in(site[0], "dge").get("/matin/?voir=" + "<b>" * 400).raw
    assert "<b><b>" not in page
    assert page.count("&lt;b&gt;") == 20


@pytest.mark.parametrize("query", ["echeance=zzz", "service=zzz", "par=zzz", "echeance=delai&jours=zzz"])
def test_no_file_is_made_of_other_letters_than_were_asked_for(site: tuple[Flask, Services], query: str) -> None:
    client = sign_in(site[0], "dge")
    assert client.get(f"/suivi/suivi.pdf?{query}").status_code == 422
    if not query.startswith("par"):
        assert client.get(f"/suivi/liste?format=csv&{query}").status_code == 422


@pytest.mark.parametrize(
    ("account", "address"),
    [
        ("dge", "/bannette/?apres=12x"), ("dge", "/suivi/?avant=12x"), ("sg", "/a-imputer?apres=12x"),
        ("agent", "/registres/1?avant=12x"), ("admin", "/administration/personnes/?offset=12x"),
    ],
)  # fmt: skip
def test_a_place_that_is_no_number_is_told(site: tuple[Flask, Services], account: str, address: str) -> None:
    """The beginning of the list looked like the page that was asked for."""
    page = sign_in(site[0], account).get(address).text
    assert TOLD in page
    assert "12x" in page


@pytest.mark.parametrize(("account", "path"), [("dge", "/suivi/"), ("dge", "/bannette/"), ("dge", "/parapheur/")])
def test_a_filter_that_its_list_does_not_have_is_shown_as_chosen(
    site: tuple[Flask, Services], account: str, path: str
) -> None:
    """It is applied: « Toutes » beside an empty list said that nothing waits."""
    name = "nature" if path == "/parapheur/" else "mention"
    page = sign_in(site[0], account).get(f"{path}?{name}=zzz").text
    assert '<option value="zzz" selected>zzz (hors de cette liste)</option>' in page


def test_a_page_that_is_not_there_names_no_way_with_a_control_character(site: tuple[Flask, Services]) -> None:
    page = sign_in(site[0], "dge").get("/bannette/%00%01x")
    assert page.status_code == 404
    assert not set(page.raw) & {"\0", "\x01"}
    assert 'name="next" value=""' in page.raw
