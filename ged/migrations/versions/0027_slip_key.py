"""the number of a slip refers to an existing slip

Revision ID: 0027
Revises: 0026
"""

from alembic import op

from ged.held import Held
from ged.migrations.tools import hold

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
oldest_program = "0026"

KEY = "fk_mail_numbers_slip_id_slips"
NUMBERS = Held(
    "mail_numbers",
    columns=(
        "id", "register_id", "year", "sequence", "text", "registered_at", "registered_on", "person_id", "post_id",
        "envelope_id", "slip_id",
    ),
    unless_null=("mail_id", "voided_at"),
)  # fmt: skip


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        # The next revision checks existing rows: this one locks the two tables only for a moment.
        op.create_foreign_key(KEY, "mail_numbers", "slips", ["slip_id"], ["id"], postgresql_not_valid=True)
        return
    # SQLite makes the table again, with its indexes and its check. The triggers vanish with the old table.
    with op.batch_alter_table("mail_numbers", schema=None) as batch_op:
        batch_op.create_foreign_key(KEY, "slips", ["slip_id"], ["id"])
    hold(NUMBERS)


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(KEY, "mail_numbers", type_="foreignkey")
        return
    with op.batch_alter_table("mail_numbers", schema=None) as batch_op:
        batch_op.drop_constraint(KEY, type_="foreignkey")
    hold(NUMBERS)
