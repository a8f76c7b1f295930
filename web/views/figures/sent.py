"""A panel's table as a file for a spreadsheet, with what it counts in its first rows."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from flask import Response

from ged.typography import plain
from web.site import context, i18n, lists
from web.site.lists import Valued
from web.views.figures import left_out, papers
from web.views.figures.board import Cell, Panel
from web.words import figure_pages as words
from web.words.messages import gettext as _

NAMES: Mapping[str, str] = {
    "cards": "chiffres", "arrivals": "arrivees", "standing": "en-instance", "backlog": "attente-par-age", "delays": "delais",
    "rhythm": "rythme", "hours": "heures", "entities": "entites", "units": "services", "natures": "natures", "months": "douze-mois",
    "slips": "bordereaux", "slip-units": "bordereaux-par-service", "slip-delays": "delais-de-decharge",
    "scan-days": "pages-numerisees", "scan-desks": "stations", "scan-reading": "lecture-des-pages", "scan-quality": "qualite-de-lecture", "forecast": "courriers-attendus",
    "forecast-open": "en-instance-attendue", "forecast-days": "jour-par-jour", "forecast-units": "prevision-par-service",
    "slower": "services-qui-ralentissent", "flows": "circulation", "rounds": "qui-tournent-en-rond",
    "correspondents": "qui-attend", "senders": "qui-ecrit", "loads": "charge-par-service", "load-posts": "charge-par-agent",
}  # fmt: skip
"""Name of a panel -> the words of its files."""
STAGED = frozenset({"cards", "delays", "entities", "units", "natures", "slower"})
"""The panels that tell delays of the chosen stage."""
FORECASTS = frozenset({"forecast", "forecast-open", "forecast-days", "forecast-units"})
"""The panels of the next weeks."""
TIMELESS = frozenset({"backlog", "months", "slower", "correspondents", *FORECASTS})
"""The panels that tell other days than those of the chosen period, so their files do not name it: today, the twelve months up to the
period's end, the last days beside those before, days ahead."""


def holds(filter_name: str, panel_id: str) -> bool:
    """Whether a filter of the page narrows this panel, or changes it."""
    if panel_id in papers.PANELS:
        return filter_name in ("unite", "entite")
    if filter_name == left_out.NAME:
        return panel_id in FORECASTS
    return filter_name != "etape" or panel_id in STAGED


def as_file(
    panel: Panel,
    form: str,
    *,
    page: str,
    period: str,
    chosen: Iterable[tuple[str, str, str]],
    counted_at: datetime | None,
    recounts: bool,
) -> Response:
    """The cells of a panel's table as CSV, or (``form`` is ``ods``) as ODS. Its words are typed as a keyboard has them.

    Its first rows say what is counted; an empty row stands between them and the headings. A file without rows of slips or
    scans says why as the page does: their figures may be in the making.

    Args:
        page: the first word of the file's name.
        period: in words.
        counted_at: up to which moment the register is counted.
        recounts: days of it are about to be counted again.
        chosen: (name, name in words, value in words) of the filters that hold for the panel.
    """
    today = context.today()
    rows: list[tuple[lists.Cell, ...]] = [
        (plain(str(panel.title)),),
        *([] if panel.id in TIMELESS else [(plain(str(_("Période"))), plain(period))]),
        *((plain(label), plain(text)) for _name, label, text in chosen),
        (plain(str(_("Établi le"))), lists.day(today)),
        *([(plain(str(_("Compté le"))), plain(i18n.date_and_time(counted_at)))] if counted_at is not None else []),
        *([(plain(words.recounts()),)] if recounts else []),
        (),
        tuple(lists.day(panel.days[n]) if n in panel.days else plain(str(one)) for n, one in enumerate(panel.headings)),
        *(tuple(map(_saved, row)) for row in panel.rows),
        *([(plain(panel.nothing),)] if panel.id in papers.PANELS and panel.nothing and not panel.rows else []),
    ]
    is_ods = form == "ods"
    content = lists.as_ods(rows, name=plain(str(panel.title))) if is_ods else lists.as_csv(rows)
    sent = Response(content, content_type=lists.ODS_TYPE if is_ods else lists.CSV_TYPE)
    name = f"{page}-{NAMES[panel.id]}-{today.isoformat()}.{'ods' if is_ods else 'csv'}"
    sent.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return sent


def _saved(cell: Cell) -> lists.Cell:
    """The cell in a file: a whole number without the blanks between its thousands, a day with its year."""
    value = cell.value
    if value is None:
        return plain(cell.saved or cell.text)
    if isinstance(value, date):
        return lists.day(value)
    if cell.unit == lists.PERCENT:
        return lists.percent(value)
    is_whole = isinstance(value, int) and not cell.unit
    return Valued(str(value) if is_whole else plain(cell.text), value, cell.unit)
