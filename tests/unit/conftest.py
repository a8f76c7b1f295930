"""Unit tests reach nobody: no server, no browser, no address of a network, not even this machine's own.

To bind is allowed: the sandbox binds an address to see that its children cannot reach it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

OUTSIDE = (socket.AF_INET, socket.AF_INET6)


def _refusing(method: Callable[..., Any]) -> Callable[..., Any]:
    def refused(own: socket.socket, *args: Any) -> Any:
        assert own.family not in OUTSIDE, f"a unit test reaches for {args}: it belongs to tests/integration"
        return method(own, *args)

    return refused


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for mark in ("servers", "browser"):
        assert request.node.get_closest_marker(mark) is None, "it belongs to tests/integration"
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _refusing(getattr(socket.socket, name)))
