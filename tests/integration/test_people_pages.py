"""People and posts in the browser: found, added, given a post, let go in one act; no letter and no password is shown."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from ged.org.models import Holding, Person, Post
from ged.unit import Services
from tests.administration_kit import organisation
from tests.administration_site_kit import confirm, place, send, statements_of
from tests.factories import NOW, TODAY
from tests.routing_kit import impute, register
from tests.site import make_site, post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
PEOPLE, POSTS = "/administration/personnes", "/administration/postes"


def person_id(services: Services, account: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Person.id).where(Person.account == account)).one()


def post_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Post.id).where(Post.code == code)).one()


def do(client: FlaskClient, path: str, data: dict[str, object]) -> tuple[str, str]:
    """Propose and confirm an act. Returns its address, and the page that said what will change."""
    shown = send(client, path, data)
    page = client.get(shown).text
    confirm(client, shown)
    return shown, page


def holder(services: Services, code: str) -> str | None:
    today = datetime.now(UTC).date()  # the site's clock is the real one
    return next(one.holder for one in organisation(services, on=today).posts if one.code == code)


def test_a_person_is_added_with_a_post_and_found(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    do(client, f"{POSTS}/{post_id(services, 'BO-A')}/attribuer", {"holder": ""})
    assert holder(services, "BO-A") is None
    new = {
        "account": "K.Ametepe",
        "name": "Kodjo Ametépé",
        "email": "k@exemple.tg",
        "clearance": "ordinary",
        "post": "BO-A",
    }
    _act, page = do(client, f"{PEOPLE}/inscrire", new)
    assert "Kodjo Ametépé (k.ametepe)" in page
    assert "K.Ametepe" not in page, "the heading names the account as it will be"
    assert holder(services, "BO-A") == "k.ametepe", "accounts are lower case"
    for asked in ("ametepe", "AMETÉPÉ", "poste bo-a"):
        assert "Kodjo Ametépé" in client.get(f"{PEOPLE}/?q={asked}").text
    assert "jamais ouvert" in client.get(f"{PEOPLE}/?q=ametepe").text
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Post).where(Post.code == "BO-A")).one().title = "Guichet"
    assert "Kodjo Ametépé" in client.get(f"{PEOPLE}/?q=bo-a").text, "who wrote the workbook knows the codes"
    shown = client.get(f"{PEOPLE}/{person_id(services, 'k.ametepe')}").text
    assert "Guichet" in shown
    assert "Créer le compte d'un agent" in shown, "its acts"


def test_what_was_typed_comes_back_to_be_corrected(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    do(client, f"{POSTS}/{post_id(services, 'BO-A')}/attribuer", {"holder": ""})
    typed = {"account": "k.d", "name": "Koffi d'Almeda", "email": "", "clearance": "secret", "post": "BO-A"}
    shown = str(post(client, f"{PEOPLE}/inscrire", typed).location)
    found = re.search(r'href="([^"]+\?acte=\d+)"', client.get(shown).text)
    assert found
    page = client.get(found.group(1)).text
    for text in ('value="k.d"', "Koffi d&#39;Almeda", 'value="secret" selected', 'value="BO-A" selected'):
        assert text in page, text
    assert 'value="k.d"' not in client.get(f"{PEOPLE}/inscrire").text, "a new form is empty"
    do(client, f"{PEOPLE}/inscrire", typed | {"account": "k.e"})
    assert 'value="k.d"' not in client.get(found.group(1)).text, "of an older act nothing comes back"


def test_a_departure_says_what_was_open_and_hands_posts_over(place: tuple[Flask, Services]) -> None:
    app, services = place
    impute(services, register(services, "Objet très secret").mail_id, "DGE")
    leaver = sign_in(app, "dge")
    client = sign_in(app, "admin")
    dge = person_id(services, "dge")
    act, page = do(client, f"{PEOPLE}/{dge}/depart", {"holder_DGE-C": "etudes"})
    assert "1 session est fermée" in page
    assert "Etudes (etudes)" in page
    assert holder(services, "DGE-C") == "etudes"
    assert leaver.get("/bannette/").status_code in {302, 303}, "signed out"
    assert "Objet très secret" not in page + client.get(f"{PEOPLE}/{dge}").text
    assert f"{PEOPLE}/{dge}" not in client.get(f"{PEOPLE}/?q=dge").text
    assert "fermé" in client.get(f"{PEOPLE}/?q=dge&fermes=1").text
    assert post(client, f"{act}/annuler", {}).status_code == 303
    assert holder(services, "DGE-C") == "dge"
    do(client, f"{PEOPLE}/{dge}/depart", {"holder_DGE-C": ""})
    assert holder(services, "DGE-C") is None
    do(client, f"{PEOPLE}/{dge}/rouvrir", {})
    assert "Cessation de fonctions" in client.get(f"{PEOPLE}/{dge}").text
    assert holder(services, "DGE-C") is None, "posts are given anew"


def test_a_post_is_created_changed_and_moved(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    with services.reading() as session:
        unit = session.scalars(select(Post.unit_id).where(Post.code == "ETU-M")).one()
    made = {"code": "ETU-C", "title": "Cheffe", "roles": ["head", "signatory"], "holder": "", "secretary_of": ""}
    _act, page = do(client, f"{POSTS}/creer/{unit}", made)
    assert "Chef de service, Signataire" in page
    changed = {"title": "Cheffe des études", "unit": "DAF", "roles": ["head"], "secretary_of": ""}
    _act, page = do(client, f"{POSTS}/{post_id(services, 'ETU-C')}/modifier", changed)
    assert "1 poste change de service" in page
    now = next(one for one in organisation(services).posts if one.code == "ETU-C")
    assert (now.title, now.unit, [role.value for role in now.roles]) == ("Cheffe des études", "DAF", ["head"])


WRONG = [
    ("personnes/inscrire", {"account": "dge", "name": "X", "clearance": "ordinary"}, "existe déjà"),
    ("personnes/inscrire", {"account": "a b", "name": "X", "clearance": "ordinary"}, "sans espace"),
    ("personnes/inscrire", {"account": "x" * 65, "name": "X", "clearance": "ordinary"}, "Une correction"),
    ("personnes/inscrire", {"account": "x", "name": "X", "clearance": "royal"}, "pas de la liste"),
    ("personnes/inscrire", {"account": "x", "name": "X", "clearance": "ordinary", "email": "x"}, "arobase"),
    ("personnes/inscrire", {"account": "x", "name": "X", "clearance": "ordinary", "email": "kodjo@"}, "arobase"),
    ("personnes/inscrire", {"account": "x", "name": "X", "clearance": "ordinary", "email": "k o@mines.tg"}, "arobase"),
    ("personnes/inscrire", {"account": "x", "name": "X", "clearance": "ordinary", "post": "NULLE"}, "n'existe pas"),
    ("postes/3/attribuer", {"holder": "personne"}, "n'existe pas"),
    ("postes/3/modifier", {"title": "X", "unit": "NULLE", "roles": ["clerk"]}, "n'existe pas"),
    ("postes/3/modifier", {"title": "X", "unit": "BO", "roles": ["roi"]}, "Une correction"),
    ("postes/3/modifier", {"title": "X", "unit": "BO", "roles": [], "secretary_of": "BO-A"}, "lui-même"),
]


@pytest.mark.parametrize(("path", "data", "words"), WRONG, ids=[f"{w[0]}-{n}" for n, w in enumerate(WRONG)])
def test_a_wrong_form_is_told(tmp_path: Path, path: str, data: dict[str, object], words: str) -> None:
    app, _services = make_site(tmp_path)
    answer = post(sign_in(app, "admin"), f"/administration/{path}", data)
    assert answer.status_code == 422, answer.location
    assert re.search(words, answer.text.replace("&#39;", "'"))


def test_an_administrator_gives_himself_no_post_by_a_form(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    answer = post(client, f"{POSTS}/{post_id(services, 'DGE-C')}/attribuer", {"holder": "admin"})
    page = client.get(answer.location).text
    assert "Cette modification vous donnerait à vous-même un poste" in page
    assert 'name="shown"' not in page
    assert holder(services, "DGE-C") == "dge"


def test_only_an_administrator_enters(place: tuple[Flask, Services]) -> None:
    app, services = place
    person, a_post = person_id(services, "dge"), post_id(services, "DGE-C")
    read = [
        f"{PEOPLE}/", f"{PEOPLE}/inscrire", f"{PEOPLE}/{person}", f"{POSTS}/{a_post}", f"{POSTS}/creer/4",
        *(f"{PEOPLE}/{person}/{act}" for act in ("modifier", "depart", "rouvrir", "droits")),
        *(f"{POSTS}/{a_post}/{act}" for act in ("modifier", "attribuer")),
    ]  # fmt: skip
    for account in ("agent", "sg", "secretaire", "dge", "etudes"):
        client = sign_in(app, account)
        assert {client.get(path).status_code for path in read} == {403}, account
        assert {post(client, path, {}).status_code for path in read[1:] if path.count("/") > 3} <= {403, 405}, account
    client = sign_in(app, "admin")
    assert {client.get(path).status_code for path in read} == {200}
    for path in (f"{PEOPLE}/9999", f"{PEOPLE}/9999/depart", f"{POSTS}/9999", f"{POSTS}/creer/9999"):
        assert client.get(path).status_code == 404


def test_a_long_list_asks_few_statements_and_comes_in_pages(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    count = statements_of(services, client)
    paths = [f"{PEOPLE}/", f"{POSTS}/{post_id(services, 'DGE-C')}/attribuer", f"{PEOPLE}/inscrire"]
    before = [count(path) for path in paths]
    with services.unit_of_work(NOW) as uow:
        for number in range(120):
            made = Person(account=f"p{number}", name=f"Personne {number:03}", password_hash="x")
            a_post = Post(code=f"Q{number}", title=f"Poste {number}", unit_id=1)
            uow.session.add_all([made, a_post])
            uow.session.flush()
            uow.session.add(Holding(post_id=a_post.id, person_id=made.id, from_on=TODAY))
    assert [count(path) for path in paths] == before
    assert "Personne 060" in client.get(f"{PEOPLE}/?offset=50").text
    assert client.get(f"{PEOPLE}/?offset=abc").status_code == 200
    assert "Personne 060" in client.get(f"{PEOPLE}/?offset=77").text, "a page begins where pages begin"
    behind = client.get(f"{PEOPLE}/?q=Personne&offset=5000")
    assert (behind.status_code, behind.location) == (302, f"{PEOPLE}/?q=Personne&offset=100")
    assert client.get(f"{PEOPLE}/?q=rien&offset=50").location == f"{PEOPLE}/?q=rien&offset=0"


def test_what_a_person_sees_is_told_by_post_and_act_without_a_letter(place: tuple[Flask, Services]) -> None:
    app, services = place
    impute(services, register(services, "Objet très secret").mail_id, "ETU")
    client = sign_in(app, "admin")

    def seen(account: str) -> str:
        page = client.get(f"{PEOPLE}/{person_id(services, account)}/droits").text.split("<main")[1]
        assert "Objet très secret" not in page
        return page

    head = seen("dge")
    assert "Service des études" in head, "headed"
    assert "Direction des affaires financières" not in head
    assert "Confidentiel" in head
    assert "secrétariat de ce poste" in seen("secretaire")
    mine = seen("admin")
    assert "sans courrier" in mine
    assert "Service des études" not in mine
    do(client, f"{PEOPLE}/{person_id(services, 'dge')}/depart", {"holder_DGE-C": "daf"})
    assert "ne voit plus rien" in seen("dge")
    assert "Service des études" in seen("daf")
