"""indexes of the letters behind a figure, by each of their days; of those that are open, by the day since which they are

Revision ID: 0074
Revises: 0073
"""

from ged.migrations.tools import create_index, drop_index

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None
oldest_program = "0042"
phase = "expand"

DAYS = (
    "received_on", "numbered_on", "imputed_on", "assigned_on", "answered_on", "closed_on", "voided_on", "signed_on",
    "dispatched_on",
)  # fmt: skip
ENDED = "ix_figure_letters_ended_on"
WAITING = "ix_figure_letters_waiting"


def upgrade() -> None:
    for day in DAYS:
        create_index(
            "figure_letters", day, "mail_id", "key_id", name=f"ix_figure_letters_{day}", where=f"{day} IS NOT NULL"
        )
    create_index(
        "figure_letters", "ended_on", "opened_on", "fell_due_on", "mail_id", "key_id", name=ENDED,
        where="ended_on IS NOT NULL",
    )  # fmt: skip
    create_index("figure_letters", "opened_on", "mail_id", "key_id", name=WAITING, where="ended_on IS NULL")


def downgrade() -> None:
    drop_index("figure_letters", name=WAITING)
    drop_index("figure_letters", name=ENDED)
    for day in reversed(DAYS):
        drop_index("figure_letters", day)
