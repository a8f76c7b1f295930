"""The rows of a table of figures are made when they are read."""

from web.views.figures.board import Cell, Panel, RowsOf


def test_a_row_is_made_when_it_is_read_and_not_for_the_picture() -> None:
    made = []

    def make(thing: str) -> tuple[Cell, ...]:
        made.append(thing)
        return (Cell(thing, is_number=False), Cell("1"))

    panel = Panel("units", "Par service", "", ("Service", "Reçus"), RowsOf(["DGE", "DAF", "DRH"], make))
    assert panel.rows
    assert len(panel.rows) == 3
    assert made == []
    assert panel.columns == ["Service", ("Reçus", "number")]
    assert made == ["DGE"], "the kinds of columns follow from the first row"
    assert [row[0].text for row in panel.rows] == ["DGE", "DAF", "DRH"]
    assert [row[0].text for row in panel.rows[1:]] == ["DAF", "DRH"]


def test_a_table_of_nothing_has_no_rows() -> None:
    assert not RowsOf([], lambda _thing: ())
