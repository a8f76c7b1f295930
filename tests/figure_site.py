"""A site with figures: the ministry of the tests, an auditor, and a clock that stands on the last day of November."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_natures
from tests.figure_letters_kit import add_auditor
from tests.signbook_kit import House, house_on_either
from tests.site import Clock, give_passwords, open_site
from web.site import context

__all__ = ["house_on_either"]  # a fixture


@pytest.fixture
def site(house_on_either: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Flask, House]:
    """The site, and what stands behind it."""
    services = house_on_either.services
    make_natures(services)
    add_auditor(services)
    give_passwords(services)
    clock = Clock()
    clock.at = datetime(2026, 11, 30, 15, tzinfo=UTC)
    monkeypatch.setattr(context, "datetime", clock)
    return open_site(tmp_path, services), house_on_either


def saved_rows(client: FlaskClient, address: str) -> list[list[str]]:
    """All rows of a CSV; none where there is no such file."""
    answer = client.get(address)
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200, address
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))


def table_rows(client: FlaskClient, address: str) -> list[list[str]]:
    """The rows of the table in a CSV, its headings first: what it counts stands before them."""
    rows = saved_rows(client, address)
    return rows[rows.index([]) + 1 :] if rows else []


def ods_texts(client: FlaskClient, address: str) -> list[str]:
    """The texts of a sheet; none where there is no such file."""
    answer = client.get(address)
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200, address
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        found = re.findall(r"<text:p>(.*?)</text:p>", archive.read("content.xml").decode())
    # The moment of counting is left out, as ``uncounted`` says.
    return [one for n, one in enumerate(found) if not n or found[n - 1] != "Compté le"]


def ods_whole(client: FlaskClient, address: str) -> dict[str, str]:
    """Each part of a sheet's archive, with its values and formats; none where there is no such file.

    Times of files in the archive are no part of it. The moment of counting is left out, as ``uncounted`` says.
    """
    answer = client.get(address)
    if answer.status_code == 404:
        return {}
    assert answer.status_code == 200, address
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        parts = {one.filename: archive.read(one).decode() for one in archive.infolist()}
    moment = r"(<text:p>Compté le</text:p></table:table-cell>)<table:table-cell[^>]*><text:p>[^<]*</text:p></table:table-cell>"
    return parts | {"content.xml": re.sub(moment, r"\1", parts["content.xml"])}


def uncounted(page: str) -> str:
    """A page without the moment of counting: that one tells when somebody did anything in the program, and no letter."""
    return re.sub(r'<p class="muted" data-fresh="counted">.*?</p>', "", page)


def main(page: str) -> str:
    """What stands in a page itself, without the frame around it."""
    return page.partition("<main")[2].partition("</main>")[0]


def plain(page: str) -> str:
    """``main``, with plain blanks and apostrophes."""
    return main(page).replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ").replace("’", "'")
