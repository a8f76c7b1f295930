"""The figures for Prometheus: what the processes of this machine counted, and what database and disks tell.

They are served where ``GED_METRICS_BIND`` says, never by the site's own address, and printed by ``ged metrics``.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, core, generate_latest

from ged.faults import fault_of
from ged.health.gauges import GAUGES, GROUPS, Group, Value
from ged.space import Space
from ged.unit import Services
from web.wiring.meter import MEASURES, folder_of, sums_of

logger = logging.getLogger(__name__)

LIMIT_S = 3.0
"""How long a scrape waits for database and disks. Prometheus itself gives up after ten seconds."""
PATH = "/metrics"


@dataclass
class _Kept:
    values: tuple[Value, ...] = ()
    until_s: float = float("-inf")
    has_failed: bool = False


@dataclass
class Gauges:
    """The figures of database and disks, kept as long as each group says. One thread at a time computes them."""

    services: Services
    space: Space
    limit_s: float = LIMIT_S
    _kept: dict[str, _Kept] = field(default_factory=lambda: {name: _Kept() for name in GROUPS})
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> list[Value]:
        """All figures, after ``limit_s`` at most. A group that failed or is late has none: an old figure would lie."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._measure_again, name="figures", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(self.limit_s)
        now_s = time.monotonic()
        values = [Value("ged_database_up", 0)]
        for name, kept in self._kept.items():
            is_missing = kept.has_failed or now_s > kept.until_s
            values.append(Value("ged_figures_failed", is_missing, (name,)))
            values += () if is_missing else kept.values
        # The last of a name counts: the 0 above stays only where no group reached the database.
        return list({(one.name, one.labels): one for one in values}.values())

    def _measure_again(self) -> None:
        for name, group in GROUPS.items():
            if time.monotonic() > self._kept[name].until_s - self.limit_s or self._kept[name].has_failed:
                self._kept[name] = self._looked(name, group)

    def _looked(self, name: str, group: Group) -> _Kept:
        until_s = time.monotonic() + group.kept_s
        try:
            return _Kept(tuple(group.look(self.services, self.space, datetime.now(UTC))), until_s)
        except Exception as error:  # a scrape answers, whatever is broken
            if fault_of(error) is None:
                logger.exception("figures.failed group=%s", name)
            return _Kept(has_failed=True)


def text_of(services: Services, values: Iterable[Value]) -> bytes:
    """The figures as Prometheus reads them (text format 0.0.4)."""
    registry = CollectorRegistry()
    registry.register(_Figures(folder_of(Path(services.data_dir)), list(values)))
    return bytes(generate_latest(registry))


@dataclass(frozen=True, eq=False)  # the registry keeps it in a dictionary
class _Figures:
    """What prometheus_client calls a collector."""

    folder: Path
    values: list[Value]

    def collect(self) -> Iterator[Any]:
        for name, (text, labels) in GAUGES.items():
            found = [one for one in self.values if one.name == name]
            if found:
                gauge = core.GaugeMetricFamily(name, text, labels=labels)
                for one in found:
                    gauge.add_metric(one.labels, float(one.value))
                yield gauge
        sums = sorted(sums_of(self.folder).items())
        for name, measure in MEASURES.items():
            own = [(key[1:], numbers) for key, numbers in sums if key[0] == name]
            if measure.buckets:
                histogram = core.HistogramMetricFamily(name, measure.help, labels=measure.labels)
                for labelled, numbers in own:
                    histogram.add_metric(labelled, list(_cumulated(measure.buckets, numbers)), sum_value=numbers[-1])
                yield histogram
            else:
                # The library adds the ending itself. A counter without labels is told as 0 before its first event: from
                # nothing to 1, Prometheus sees no increase.
                counter = core.CounterMetricFamily(name.removesuffix("_total"), measure.help, labels=measure.labels)
                for labelled, numbers in own or ([((), [0.0])] if not measure.labels else []):
                    counter.add_metric(labelled, numbers[0])
                yield counter


def _cumulated(buckets: tuple[float, ...], numbers: list[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, number in zip([*map(str, buckets), "+Inf"], numbers[:-1], strict=True):
        total += number
        yield bound, total


Start = Callable[[str, list[tuple[str, str]]], object]


def serving(gauges: Gauges) -> Callable[[dict[str, Any], Start], list[bytes]]:
    """A WSGI application that serves the figures at ``PATH``, and nothing else."""

    def answer(environ: dict[str, Any], start: Start) -> list[bytes]:
        if environ.get("PATH_INFO") != PATH or environ.get("REQUEST_METHOD") != "GET":
            start("404 Not Found", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "0")])
            return [b""]
        gauges.services.meter.flush(at_once=True)
        body = text_of(gauges.services, gauges.read())
        start(
            "200 OK",
            [("Content-Type", "text/plain; version=0.0.4; charset=utf-8"), ("Content-Length", str(len(body)))],
        )
        return [body]

    return answer
