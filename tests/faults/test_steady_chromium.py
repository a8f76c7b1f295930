"""A network of another test that comes and goes fails no page of a browser test."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from tests.site import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURES, LOADS = 60, 6


@pytest.fixture
def _networks() -> Iterator[None]:
    """Another thread adds and removes a network, again and again."""
    over, name = threading.Event(), f"ged{os.getpid()}s"
    if not _ip(f"link add {name} type bridge"):
        pytest.skip("networks cannot be made here")

    def come_and_go() -> None:
        while not over.is_set():
            for words in (f"address add 10.214.7.1/32 dev {name}", f"link set {name} up", f"link del {name}"):
                _ip(words)
            _ip(f"link add {name} type bridge")
        _ip(f"link del {name}")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    yield
    over.set()
    thread.join()


def _ip(words: str) -> bool:
    return subprocess.run(["ip", *words.split()], capture_output=True, check=False, timeout=10).returncode == 0


@pytest.mark.usefixtures("_networks")
def test_a_page_loads_while_a_network_comes_and_goes(browser: "Browser") -> None:
    site = Flask("pictures")
    site.add_url_rule("/", view_func=lambda: "".join(f'<img src="/{n}" alt="">' for n in range(PICTURES)))
    site.add_url_rule("/<int:n>", endpoint="picture", view_func=lambda n: "")
    failed: list[str] = []
    with served(site) as url, browser.new_context() as context:
        page = context.new_page()
        page.on("requestfailed", lambda one: failed.append(str(one.failure)))
        with suppress(Exception):
            for _ in range(LOADS):
                page.goto(url)
    assert failed == []
