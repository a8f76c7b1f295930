"""The demonstration's main job on a site that people use: it confuses no number and stops no site."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from demo import stage
from demo.journey import names_number
from demo.processes import ProcessEnded


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("00001/2026/MMRE", True),
        ("<td>00001/2026/MMRE</td>", True),
        ("n° 00001/2026/MMRE, reçu", True),
        ("00001/2026/MMRE/SG", False),
        ("100001/2026/MMRE", False),
        ("BT-00001/2026/MMRE", False),
        ("", False),
    ],
)
def test_a_number_is_named_only_as_a_whole(text: str, named: bool) -> None:
    assert names_number(text, "00001/2026/MMRE") is named


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """``ged run`` without processes: the calls of its parts, and its output."""
    said: list[str] = []
    parts = {"start": Mock(), "Journey": Mock(), "_serve": Mock(return_value=0), "_welcome": Mock()}
    for name, part in parts.items():
        monkeypatch.setattr(stage, name, part)
    return {**parts, "said": said, "run": lambda: stage.run(tmp_path, bind="127.0.0.1:1", say=said.append)}


@pytest.mark.parametrize("error", [AssertionError("imputé : pas de lien"), KeyError("bridge"), OSError("refusé")])
def test_a_step_that_fails_leaves_the_site_open_and_is_told(played: dict[str, Any], error: Exception) -> None:
    played["Journey"].return_value.run.side_effect = error
    assert played["run"]() == 0
    played["_serve"].assert_called_once()
    assert any("le site reste ouvert" in line and str(error) in line for line in played["said"])
    played["run"]()
    assert played["Journey"].return_value.run.call_count == 1, "it is not played again over its own half"


def test_a_process_that_ended_ends_the_run(played: dict[str, Any]) -> None:
    played["Journey"].return_value.run.side_effect = ProcessEnded("site")
    with pytest.raises(ProcessEnded):
        played["run"]()
    played["_serve"].assert_not_called()
