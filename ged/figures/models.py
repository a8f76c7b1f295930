"""Tables of the figures. They follow from the register and can be made again: ``ged facts rebuild``."""

from datetime import date

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ged.capture.models import BatchSource
from ged.db import Base, Code, Id, only_where
from ged.figures.stages import Grain, SlipSide, Stage
from ged.register.models import Channel, Direction, Priority

STATE = 1
"""The key of the only row of ``FigureState``."""


class FigureState(Base):
    """How far the register is counted. Whoever counts holds this row until the commit."""

    __tablename__ = "figure_state"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Id)
    """The entry of the journal up to which acts are counted."""
    built_upto: Mapped[int] = mapped_column(Id)
    """While the figures are made anew: the letter up to which they are."""
    is_whole: Mapped[bool]
    """False: the figures are being made anew, and are not to be shown."""
    swept_upto: Mapped[int] = mapped_column(Id)
    """The letter up to which the present comparison with the register has come; 0: none is under way."""
    calendar: Mapped[str] = mapped_column(String(64))
    """Digest of the calendar of ``figure_days``."""
    scans_whole: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    """False: the cells of scanning stations are being made, and are not to be shown."""
    slips_whole: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    """False: the cells of slips are being made, and are not to be shown."""
    sums_whole: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    """False: there are no cells of sums to be read; a program of the release before would not keep them up (``sums.OPENED_BY``)."""
    sums_upto: Mapped[date | None]
    """The last month whose sums are made, while they are made month by month (``sums.make_next``). None: none are being made."""


class FigureDay(Base):
    """The calendar with which delays are counted."""

    __tablename__ = "figure_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    worked: Mapped[int] = mapped_column(Integer)
    """Working days from the first row to this day."""


NO_REGISTER = 0
"""The register of the key of a sum: no register has this id. Below it: the key of all natures together."""
NO_UNIT = 0
"""The unit of the key of all units together."""


class FigureKey(Base):
    """What letters of one cell have in common.

    The key of a sum stands for all keys with its unit, direction and level. Its register is ``NO_REGISTER``, its nature empty, and
    its channel and priority say nothing. The key of all natures together stands for all keys that differ from it in their nature alone. Its
    nature is empty, and its register is that of the keys, below zero: so it is the key of no letter, whatever natures are called. The key
    of all units together stands for all keys with its direction, nature and level. Its unit is ``NO_UNIT``, and its register ``NO_REGISTER``.
    """

    __tablename__ = "figure_keys"
    __table_args__ = (
        UniqueConstraint(
            "unit_id", "register_id", "direction", "nature", "channel", "priority", "level", name="uq_figure_keys_key"
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(Id)
    """The unit that has the letter; before a decision, the unit that registered it."""
    register_id: Mapped[int] = mapped_column(Id)
    """The register of the letter's first number."""
    direction: Mapped[Direction] = mapped_column(Code(Direction))
    nature: Mapped[str] = mapped_column(String(32))
    channel: Mapped[Channel] = mapped_column(Code(Channel))
    priority: Mapped[Priority] = mapped_column(Code(Priority))
    level: Mapped[int] = mapped_column(Integer)
    """The confidentiality, or ``stages.UNTOLD``: a page leaves out what its reader may not know."""
    sum_id: Mapped[int | None] = mapped_column(Id)
    """The key of the sum to which its cells are added as well; None: of a key that no letter has, and while there are no sums."""
    natures_id: Mapped[int | None] = mapped_column(Id)
    """As ``sum_id``: the key of all natures together."""
    all_id: Mapped[int | None] = mapped_column(Id)
    """As ``sum_id``: the key of all units together."""


LISTED = (
    "received_on", "numbered_on", "imputed_on", "assigned_on", "answered_on", "closed_on", "voided_on", "signed_on",
    "dispatched_on",
)  # fmt: skip
"""Days by which the letters behind a figure are found."""


def _of_day(name: str) -> Index:
    """In the order of a list, with the key: letters of other keys are passed over without reading their rows."""
    return Index(f"ix_figure_letters_{name}", name, "mail_id", "key_id", **only_where(f"{name} IS NOT NULL"))


class FigureLetter(Base):
    """A letter as it is counted in the cells: its days in the installation's time zone, its delays in working days.

    No foreign key to the letter: a row of the register is never locked by counting.
    """

    __tablename__ = "figure_letters"
    __table_args__ = (
        Index("ix_figure_letters_key_id", "key_id"),
        *(_of_day(name) for name in LISTED),
        # What was open or overdue on an earlier day: all that the question names, so that no row is read for a letter
        # that was not.
        Index(
            "ix_figure_letters_ended_on",
            "ended_on",
            "opened_on",
            "fell_due_on",
            "mail_id",
            "key_id",
            **only_where("ended_on IS NOT NULL"),
        ),
        Index("ix_figure_letters_waiting", "opened_on", "mail_id", "key_id", **only_where("ended_on IS NULL")),
        Index("ix_figure_letters_open", "opened_on", "fell_due_on", "key_id", **only_where("ended_on IS NULL")),
    )

    mail_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    key_id: Mapped[int] = mapped_column(ForeignKey("figure_keys.id"))
    received_on: Mapped[date | None]
    numbered_on: Mapped[date | None]
    imputed_on: Mapped[date | None]
    assigned_on: Mapped[date | None]
    given_on: Mapped[date | None]
    """``assigned_on``, else ``imputed_on``."""
    answered_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    voided_on: Mapped[date | None]
    begun_on: Mapped[date | None]
    signed_on: Mapped[date | None]
    dispatched_on: Mapped[date | None]
    opened_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    fell_due_on: Mapped[date | None]
    """The first day at whose end it was overdue."""
    to_imputation: Mapped[int | None] = mapped_column(Integer)
    to_assignment: Mapped[int | None] = mapped_column(Integer)
    to_answer: Mapped[int | None] = mapped_column(Integer)
    to_signature: Mapped[int | None] = mapped_column(Integer)
    to_dispatch: Mapped[int | None] = mapped_column(Integer)
    numbered_hour: Mapped[int | None] = mapped_column(Integer)
    """The hour of the week at which it was registered (``days.hour_of_week``); None: it was on another day than that of its number."""


class FigureReturn(Base):
    """A letter that its leading unit returned on a day, as it is counted in the cells."""

    __tablename__ = "figure_returns"

    mail_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    times: Mapped[int] = mapped_column(Integer)


class FigureMove(Base):
    """A letter that one unit gave to another, on the last day on which it did."""

    __tablename__ = "figure_moves"
    __table_args__ = (Index("ix_figure_moves_units", "from_unit_id", "to_unit_id", "day", "mail_id"),)

    mail_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    from_unit_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    to_unit_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    day: Mapped[date]


class FigureRound(Base):
    """A letter that came back, twice or more, to units that had had it before."""

    __tablename__ = "figure_rounds"
    __table_args__ = (
        Index("ix_figure_rounds_last_on", "last_on", "mail_id"),
        Index("ix_figure_rounds_times", "times", "last_on", "mail_id"),
    )

    mail_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    times: Mapped[int] = mapped_column(Integer)
    last_on: Mapped[date]
    """The day on which it moved last."""


class FigureFlow(Base):
    """Letters that one unit gave to another in one day or month. A cell without letters has no row."""

    __tablename__ = "figure_flows"
    __table_args__ = (Index("ix_figure_flows_key_id", "key_id", "grain", "day"),)

    grain: Mapped[Grain] = mapped_column(Code(Grain), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Of a month: its first day."""
    key_id: Mapped[int] = mapped_column(ForeignKey("figure_keys.id"), primary_key=True)
    from_unit_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    to_unit_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    letters: Mapped[int] = mapped_column(Integer)


class FigureHour(Base):
    """Letters that were registered in one hour of the week, in one day or month. An hour without letters has no row."""

    __tablename__ = "figure_hours"
    __table_args__ = (Index("ix_figure_hours_key_id", "key_id", "grain", "day"),)

    grain: Mapped[Grain] = mapped_column(Code(Grain), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Of a month: its first day."""
    key_id: Mapped[int] = mapped_column(ForeignKey("figure_keys.id"), primary_key=True)
    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """0 (Monday, before one o'clock) to 167."""
    letters: Mapped[int] = mapped_column(Integer)


class FigureCell(Base):
    """Letters counted in one day, month or year. A cell without letters has no row."""

    __tablename__ = "figure_cells"
    __table_args__ = (Index("ix_figure_cells_key_id", "key_id", "grain", "day"),)

    grain: Mapped[Grain] = mapped_column(Code(Grain), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Of a month, or of a year: its first day."""
    key_id: Mapped[int] = mapped_column(ForeignKey("figure_keys.id"), primary_key=True)
    received: Mapped[int] = mapped_column(Integer)
    numbered: Mapped[int] = mapped_column(Integer)
    imputed: Mapped[int] = mapped_column(Integer)
    assigned: Mapped[int] = mapped_column(Integer)
    answered: Mapped[int] = mapped_column(Integer)
    closed: Mapped[int] = mapped_column(Integer)
    returned: Mapped[int] = mapped_column(Integer)
    voided: Mapped[int] = mapped_column(Integer)
    signed: Mapped[int] = mapped_column(Integer)
    dispatched: Mapped[int] = mapped_column(Integer)
    opened: Mapped[int] = mapped_column(Integer)
    ended: Mapped[int] = mapped_column(Integer)
    fell_due: Mapped[int] = mapped_column(Integer)
    relieved: Mapped[int] = mapped_column(Integer)


class FigureDelay(Base):
    """Letters whose stage ended in one day or month, by delay. A bin without letters has no row."""

    __tablename__ = "figure_delays"
    __table_args__ = (
        Index("ix_figure_delays_key_id", "key_id", "grain", "day"),
        # The bins of one stage over whole months, without reading rows: from the cells of sums,
        Index(
            "ix_figure_delays_months", "stage", "day", "key_id", "at_least", "letters",
            **only_where(f"grain = '{Grain.SUM_MONTH.value}'"),
        ),
        # from those of all natures together, where a register, a channel or a priority narrows (``sums.grains``),
        Index(
            "ix_figure_delays_months_of_natures", "stage", "day", "key_id", "at_least", "letters",
            **only_where(f"grain = '{Grain.NATURES_MONTH.value}'"),
        ),
        # from those of all units,
        Index(
            "ix_figure_delays_months_of_all", "stage", "day", "key_id", "at_least", "letters",
            **only_where(f"grain = '{Grain.ALL_MONTH.value}'"),
        ),
        # and from the other cells, where a nature narrows.
        Index(
            "ix_figure_delays_months_of_keys", "stage", "day", "key_id", "at_least", "letters",
            **only_where(f"grain = '{Grain.MONTH.value}'"),
        ),
        # The bins of one stage over days: by its key alone, a database would read the rows of all stages for each key.
        *(
            Index(name, "stage", "day", "key_id", "at_least", "letters", **only_where(f"grain = '{grain.value}'"))
            for name, grain in (
                ("ix_figure_delays_days", Grain.SUM_DAY), ("ix_figure_delays_days_of_natures", Grain.NATURES_DAY),
            )
        ),
    )  # fmt: skip

    grain: Mapped[Grain] = mapped_column(Code(Grain), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """The day on which the stage ended; of a month: its first day."""
    key_id: Mapped[int] = mapped_column(ForeignKey("figure_keys.id"), primary_key=True)
    stage: Mapped[Stage] = mapped_column(Code(Stage), primary_key=True)
    at_least: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """The bin: its least number of working days (``stages.bin_of``)."""
    letters: Mapped[int] = mapped_column(Integer)


class FigureScan(Base):
    """What a scanning station brought in one day or month, and how it was read. A cell without pages and documents has no row."""

    __tablename__ = "figure_scans"
    __table_args__ = (Index("ix_figure_scans_unit_id", "unit_id", "grain", "day"),)

    grain: Mapped[Grain] = mapped_column(Code(Grain), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Of a month: its first day."""
    unit_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    bridge_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    """The station; 0: files that people brought, or e-mails."""
    source: Mapped[BatchSource] = mapped_column(Code(BatchSource), primary_key=True)
    pages: Mapped[int] = mapped_column(Integer)
    documents: Mapped[int] = mapped_column(Integer)
    letters: Mapped[int] = mapped_column(Integer)
    """Those of the documents that were joined to a letter."""
    was_read: Mapped[int] = mapped_column(Integer)
    doubtful: Mapped[int] = mapped_column(Integer)
    textless: Mapped[int] = mapped_column(Integer)
    points: Mapped[int] = mapped_column(Integer)
    """As in ``FigureReading``, of these documents together."""


class FigureReading(Base):
    """What the machine read of the pages of a scanned document that is a letter's. No foreign key, as ``FigureLetter``."""

    __tablename__ = "figure_readings"

    attachment_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    was_read: Mapped[int] = mapped_column(Integer)
    """Pages that it looked at and that are not blank."""
    doubtful: Mapped[int] = mapped_column(Integer)
    """Of these, pages with a text that is marked as uncertain."""
    textless: Mapped[int] = mapped_column(Integer)
    """Of these, pages without a text."""
    points: Mapped[int] = mapped_column(Integer)
    """Sum of the reliabilities in percent, each rounded, of the pages with a text."""


class FigureScanDay(Base):
    """A day of scanning stations that is to be counted anew."""

    __tablename__ = "figure_scan_days"

    day: Mapped[date] = mapped_column(primary_key=True)


class FigureSlip(Base):
    """Slips of a unit in one day or month, by delay; and faulty lines, by level. A cell without them has no row."""

    __tablename__ = "figure_slips"
    __table_args__ = (
        # All that a question names: the units first, because PostgreSQL looks through the days of a range once for each unit.
        Index("ix_figure_slips_of_units", "unit_id", "grain", "day", "side", "at_least", "slips"),
    )

    grain: Mapped[Grain] = mapped_column(Code(Grain), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Of a month: its first day."""
    side: Mapped[SlipSide] = mapped_column(Code(SlipSide), primary_key=True)
    unit_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    at_least: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """The bin of the working days from the sending to the acknowledgement (``stages.bin_of``), or ``stages.NO_DELAY``.
    Of ``SlipSide.FAULTY``: the least level of a reader who may know of the lines (``handed.least_level``)."""
    slips: Mapped[int] = mapped_column(Integer)
    """Of ``SlipSide.FAULTY``: lines."""


class FigureSlipDay(Base):
    """A day of slips that is to be counted anew."""

    __tablename__ = "figure_slip_days"

    day: Mapped[date] = mapped_column(primary_key=True)
