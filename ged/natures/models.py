"""Tables of the natures of letters. ``Mail.nature`` holds a code; a nature that is closed stays readable."""

from enum import StrEnum

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id
from ged.natures.steps import StepKind
from ged.org.stock import OfEntity, once_by_code
from ged.register.models import Direction


class FinalAct(StrEnum):
    """What becomes of a letter at the end of its time of keeping; stored as text in ``Nature.final_act``."""

    PAPER = ""
    """The paper is eliminated, the files stay."""
    DESTROY = "destroy"
    """Paper and files are destroyed."""
    TRANSFER = "transfer"
    """It goes to the national archives: it is on no slip of disposal."""
    KEEP = "keep"
    """It is kept for ever: it is on no slip of disposal."""


class Nature(OfEntity, Base):
    """A nature of letters that arrive, leave or stay in the house; all that it gives is a proposal but its circuit's
    compulsory steps.

    ``mentions``: codes of mentions that an authority finds ticked. ``reminders``: on which days a reminder is due,
    in working days after the deadline (-2: two before it), unless a mention has a rule of its own; none: the
    installation's rule holds. ``template_code``: the letter that a draft begins with.
    """

    __tablename__ = "natures"
    __table_args__ = once_by_code("natures")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(100))
    direction: Mapped[Direction] = mapped_column(Code(Direction))
    register_id: Mapped[int | None] = mapped_column(ForeignKey("registers.id"))
    """Where a clerk registers it; a draft is numbered in the register of its signatory's unit."""
    delay_days: Mapped[int | None] = mapped_column(Integer)
    """Working days in which an answer is owed."""
    mentions: Mapped[list[str]] = mapped_column(JSON, default=list)
    reminders: Mapped[list[int]] = mapped_column(JSON, default=list)
    template_code: Mapped[str] = mapped_column(String(64), default="")
    signatory_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """The signatory of its circuit; None: it has no circuit."""
    level: Mapped[int | None] = mapped_column(Integer)
    """The confidentiality that the form of registration proposes (``ged.ports.Confidentiality``)."""
    silence: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """What no answer in time means in law: ``accepts``, ``refuses``, or empty: nothing."""
    retention_years: Mapped[int | None] = mapped_column(Integer)
    final_act: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """What becomes of a letter when these years are over: a member of ``FinalAct``."""
    filing_code: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """The class of the filing plan that is proposed when a letter is closed."""
    position: Mapped[int] = mapped_column(Integer, default=0)
    is_closed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    steps: Mapped[list["NatureStep"]] = relationship(order_by="NatureStep.position", cascade="all, delete-orphan")


class NatureStep(Base):
    """A step of a nature's circuit. ``post_id`` None: the nearest head above the author."""

    __tablename__ = "nature_steps"

    nature_id: Mapped[int] = mapped_column(ForeignKey("natures.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    stage: Mapped[int] = mapped_column(Integer)
    kind: Mapped[StepKind] = mapped_column(Code(StepKind))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    is_compulsory: Mapped[bool] = mapped_column(Boolean, default=False)
