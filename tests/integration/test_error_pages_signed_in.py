"""An error page is that of its reader: who is signed in sees their menu and the way home, whatever was refused, and however early."""

from pathlib import Path

import pytest
from flask import Flask

from tests.site import make_site, sign_in


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_site(Path(tmp_path_factory.mktemp("errors")))[0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/correspondants/?q=%00", 400),
        ("GET", "/recherche/?q=%00", 400),
        ("GET", "/nulle-part", 404),
        ("DELETE", "/bannette/", 405),
    ],
)
def test_the_reader_is_not_asked_to_sign_in_again(app: Flask, method: str, path: str, status: int) -> None:
    page = sign_in(app, "dge").open(path, method=method)
    assert page.status_code == status
    assert "Se connecter" not in page.text
    assert 'id="navigation"' in page.text
    assert "Aller à l'accueil" in page.text
    assert "\x00" not in page.text
    assert app.test_client().open(path, method=method).status_code == status


def test_a_form_that_is_too_large_is_refused_to_its_reader(app: Flask) -> None:
    page = sign_in(app, "dge").post("/parapheur/signer", data={"text": "a" * 2_500_000})
    assert page.status_code == 413
    assert "Se connecter" not in page.text
    assert 'id="navigation"' in page.text
