"""The site of the administration for tests: acts are proposed and confirmed on its pages."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from ged.routing.load import fill_calendar
from ged.unit import Services
from tests.factories import NOW
from tests.site import make_site, post


@pytest.fixture
def place(tmp_path: Path) -> tuple[Flask, Services]:
    """A site with its organisation and calendar. Returns the application and its services."""
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    return app, services


def send(client: FlaskClient, path: str, data: dict[str, object]) -> str:
    """Propose an act. Returns the address of what it will change."""
    answer = post(client, path, data)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def confirm(client: FlaskClient, shown: str, **more: str) -> str:
    """Confirm what a page shows. Returns the page that follows."""
    page = client.get(shown).text
    found = re.search(r'name="shown" value="(\w+)"', page)
    assert found, page
    answer = post(client, f"{shown}/confirmer", {"shown": found.group(1), **more})
    assert answer.status_code == 303, answer.text
    return client.get(shown).text


def statements_of(services: Services, client: FlaskClient) -> Callable[[str], int]:
    """A function: path -> statements that its page sends when it is opened again."""
    asked: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))

    def count(path: str) -> int:
        client.get(path)
        asked.clear()
        assert client.get(path).status_code == 200
        return len(asked)

    return count
