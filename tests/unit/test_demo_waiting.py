"""Waiting for the site of an installation that is being started."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo import processes


@pytest.mark.parametrize("away", ["busy", "not there"])
def test_a_site_that_is_not_ready_is_asked_with_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    asked: list[float] = []

    def answer(self: httpx.Client, url: str, **_: Any) -> httpx.Response:
        asked.append(time.monotonic())
        if len(asked) > 5:
            return httpx.Response(200)
        if away == "busy":
            return httpx.Response(503)
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(httpx.Client, "get", answer)
    processes.Processes(tmp_path).wait_for_site("http://127.0.0.1:1")
    assert len(asked) == 6
    assert asked[-1] - asked[0] >= 5 * 0.04
