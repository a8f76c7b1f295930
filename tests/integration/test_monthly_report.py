"""Monthly reports: what they count and carry, and what `ged report verify` proves years later; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ged.errors import Forbidden, InvalidTransition, NotFound
from ged.figures import queries as figure_queries
from ged.figures.queries import Cut
from ged.figures.stages import Stage, percentile
from ged.monthly import operations, queries
from ged.org import tree
from ged.ports import Confidentiality
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.figures_kit import ACTS, Play
from tests.judges import verapdf
from tests.monthly_kit import LATER, MONTH, file_of, make, number_of, prove, told, with_seal, words
from tests.routing_kit import services_on_either, unit_id
from tests.tampering import lift_guards
from web.wiring.attached import report_data

__all__ = ["services_on_either"]  # a fixture


@pytest.fixture
def services(services_on_either: Services, tmp_path: Path) -> Services:
    """The organisation of the tests, with a seal."""
    return with_seal(services_on_either, tmp_path)


def content(pdf: bytes) -> dict:  # type: ignore[type-arg]
    import json

    return json.loads(report_data(pdf) or b"")  # type: ignore[no-any-return]


def test_a_report_counts_what_the_figures_count_and_is_proven(services: Services, tmp_path: Path) -> None:
    play = Play(services, 5)
    for turn in range(60):
        play.act(play.chance.choice(ACTS))
        if turn % 9 == 0:
            play.now += timedelta(hours=play.chance.choice([2, 5]))
            play.register()
    row = make(services)
    pdf = file_of(services, row)
    (tmp_path / "r.pdf").write_bytes(pdf)
    data = content(pdf)
    print(words(pdf, tmp_path))
    with services.reading() as session:
        units = tree.same_entity(session, [unit_id(services, "MIN")])
        cut = Cut(level=int(Confidentiality.ORDINARY), unit_ids=units)
        counted = figure_queries.totals(session, cut, MONTH, date(2026, 11, 30))
        standing = figure_queries.standing(session, cut, date(2026, 11, 30))
        delays = figure_queries.delays(session, cut, MONTH, date(2026, 11, 30))
    for name in ("received", "numbered", "voided", "imputed", "assigned", "answered", "closed", "returned"):
        assert number_of(data, name) == counted[name], name
    assert (number_of(data, "open"), number_of(data, "overdue")) == (standing.open, standing.overdue)
    for stage in Stage:
        (told_of,) = [one for one in data["numbers"] if (one["number"], one["unit"]) == (stage.value, None)]
        bins = delays[stage]
        assert (told_of["letters"], told_of["median"], told_of["nine_of_ten"]) == (
            sum(bins.values()), percentile(bins, 0.5), percentile(bins, 0.9)
        )  # fmt: skip
    proof = prove(services, pdf)
    assert (proof.faults, proof.changes) == ((), ())
    assert proof.counted == proof.equal > 100
    assert proof.signer.startswith("Cachet ")
