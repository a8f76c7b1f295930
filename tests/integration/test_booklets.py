"""The guide on paper: each role's booklet has four pages at most, all of its texts and pictures whole, and letters that can be read."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from flask import Flask

from ged.letterhead import Letterhead
from ged.unit import Role, Services
from tests import commands
from tests.factories import NOW, SECRET, make_organisation, make_services
from tests.site import make_site, sign_in
from web.site import booklets, guide

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
LANGUAGES = ("fr", "en")
MOST_PAGES = 4
LEAST_PT = 10.0
HEAD = Letterhead("Ministère des Mines", (), "MM", "République togolaise", "Travail – Liberté – Patrie")
HEAD_LEAST_PT = 8.0
"""The letterhead and nothing else is set smaller, as on every sheet of the house."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    app, services = make_site(tmp_path_factory.mktemp("booklets"))
    yield app, services
    services.engine.dispose()


@pytest.fixture(scope="module")
def made(place: tuple[Flask, Services]) -> dict[tuple[str, str], bytes]:
    with place[0].test_request_context():
        return {
            (one.name, language): booklets.printed(one, HEAD, language=language, at=NOW)
            for one in booklets.BOOKLETS
            for language in LANGUAGES
        }


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u00ad\u2010-]+", "", text.replace("\x02", "").replace("\ufffe", "").replace("’", "'"))


def sections(booklet: booklets.Booklet, language: str) -> list[str]:
    return [
        title
        for name, anchors in booklet.parts
        for anchor, title in guide.page(name, language).sections
        if not anchors or anchor in anchors
    ]


def pictures(booklet: booklets.Booklet, language: str) -> list[dict[str, object]]:
    return [
        block
        for name, anchors in booklet.parts
        for block in booklets._part(name, anchors, language)
        if block["kind"] == "picture"
    ]


def images(page: pypdfium2.PdfPage) -> list[tuple[float, float, float, float]]:
    return [one.get_bounds() for one in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=8)]


def small_letters(page: pypdfium2.PdfPage) -> str:
    """The letters below ten points that do not stand in the letterhead."""
    text, height = page.get_textpage(), page.get_height()
    found = ""
    for n in range(text.count_chars()):
        size = pdfium.FPDFText_GetFontSize(text, n)
        top = text.get_charbox(n)[3]
        if size < LEAST_PT - 0.05 and height - top > 120 and text.get_text_range(n, 1).strip():
            found += text.get_text_range(n, 1)
    return found


@pytest.mark.in_shares(8)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("booklet", booklets.BOOKLETS, ids=lambda one: one.name)
def test_a_booklet_is_whole_and_fits(
    made: dict[tuple[str, str], bytes], booklet: booklets.Booklet, language: str
) -> None:
    document = pypdfium2.PdfDocument(BytesIO(made[booklet.name, language]))
    pages = list(document)
    assert 1 <= len(pages) <= MOST_PAGES, "shorten the text of the guide, or the sections of the booklet"
    said = [page.get_textpage().get_text_range() for page in pages]
    whole = squeezed(" ".join(said))
    for title in sections(booklet, language):
        assert squeezed(title) in whole, title
    for one in pictures(booklet, language):
        assert squeezed(str(one["alt"])) in whole
    shown = [box for page in pages for box in images(page)]
    assert len(shown) == len(pictures(booklet, language))
    for left, bottom, right, top in shown:
        assert left >= 40
        assert bottom >= 40
        assert right <= pages[0].get_width() - 40
        assert top <= pages[0].get_height() - 30
    for n, page in enumerate(pages, 1):
        assert re.search(rf"Page {n} / {len(pages)}", said[n - 1])
        assert small_letters(page) == "" if n > 1 else True
    assert ("Touches" if language == "fr" else "keys") in whole or "touches" in whole
    assert "MINISTÈREDESMINES" in whole
    document.close()


@pytest.mark.parametrize("booklet", booklets.BOOKLETS, ids=lambda one: one.name)
def test_each_part_is_in_the_guide(booklet: booklets.Booklet) -> None:
    for name, anchors in booklet.parts:
        for language in LANGUAGES:
            assert set(anchors) <= {anchor for anchor, _ in guide.page(name, language).sections}


def test_each_role_has_its_booklet_and_its_keys(place: tuple[Flask, Services]) -> None:
    assert {role for one in booklets.BOOKLETS if one.name != "formateur" for role in one.roles} == set(Role)
    with place[0].test_request_context():
        found = {one.name: [key.keys for key in booklets.keys_of(one.roles)] for one in booklets.BOOKLETS}
    assert ("g", "e") in found["bureau-ordre"]
    assert ("g", "e") not in found["auditeur"]
    assert ("g", "j") in found["auditeur"]
    assert ("g", "i") in found["autorite"]
    assert ("g", "i") in found["secretariat"], "a secretary assigns in the authority's name"
    assert ("g", "i") not in found["agent"]
    assert ("g", "a") in found["administrateur"]
    assert all(("?",) in one for one in found.values())


def test_the_pages_lead_there(place: tuple[Flask, Services]) -> None:
    app, _services = place
    client = sign_in(app, "agent")
    page = client.get("/aide/bureau-ordre").text
    assert "Imprimer le guide" in page
    assert "/aide/a-imprimer/bureau-ordre.pdf" in page
    assert "Imprimer le guide" not in client.get("/aide/index").text
    listed = client.get("/aide/a-imprimer").text
    assert listed.count("(votre rôle)") == 1
    assert re.search(r"Le bureau d(?:'|&#39;)ordre\s*<span class=\"muted\">\(votre rôle\)", listed)
    assert listed.count(".pdf?langue=") == 2 * len(booklets.BOOKLETS)
    answer = client.get("/aide/a-imprimer/secretariat.pdf?langue=en")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "guide-secretariat-en.pdf" in answer.headers["Content-Disposition"]
    document = pypdfium2.PdfDocument(BytesIO(answer.data))
    assert "MINISTÈRE" in document[0].get_textpage().get_text_range()
    document.close()
    assert client.get("/aide/a-imprimer/personne.pdf").status_code == 404
    assert app.test_client().get("/aide/a-imprimer").status_code == 303


@pytest.mark.long("the command writes all booklets; one is judged in the test beside it")
def test_the_command_writes_them_all(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    services = make_services(data)
    make_organisation(services)
    env = tmp_path / "ged.env"
    env.write_text(f"GED_DATA_DIR={data}\nGED_SECRET={SECRET}\n")
    done = commands.ged("--env", env, "guide", tmp_path / "out", "--language", "en")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"guide-{one.name}-en.pdf" for one in booklets.BOOKLETS
    )
    assert "paper.entity" in commands.ged("--env", env, "guide", tmp_path / "o", "--entity", "RIEN").stderr
    services.engine.dispose()
