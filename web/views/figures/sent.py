"""A panel's table as a file for a spreadsheet."""

from flask import Response

from ged.typography import plain
from web.site import context, lists
from web.views.figures.panels import Panel


def as_file(panel: Panel, form: str) -> Response:
    """The cells of a panel's table as CSV, or (``form`` is ``ods``) as ODS. Its words are typed as a keyboard has them."""
    rows = [
        tuple(plain(str(one)) for one in panel.headings),
        *(tuple(plain(cell.text) for cell in row) for row in panel.rows),
    ]
    is_ods = form == "ods"
    content = lists.as_ods(rows, name=plain(panel.title)) if is_ods else lists.as_csv(rows)
    sent = Response(content, content_type=lists.ODS_TYPE if is_ods else lists.CSV_TYPE)
    name = f"{panel.id}-{context.today().isoformat()}.{'ods' if is_ods else 'csv'}"
    sent.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return sent
