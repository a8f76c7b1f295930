"""natures of letters with the values that each proposes, and the circuit of their drafts; notices to a refuser

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None
oldest_program = "0042"  # an older program cannot read the new kinds of notices

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OFFERED = {
    "lettre": "Lettre", "demande": "Demande", "candidature": "Candidature", "invitation": "Invitation",
    "rapport": "Rapport", "note": "Note", "circulaire": "Circulaire", "facture": "Facture",
    "plainte": "Plainte ou réclamation", "acte_justice": "Acte de justice", "autre": "Autre",
}  # fmt: skip
"""The natures that the registration form offered until now. Letters keep their codes."""


def upgrade() -> None:
    natures = op.create_table(
        "natures",
        sa.Column("id", _ID, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("direction", sa.String(length=32), nullable=False),
        sa.Column("register_id", _ID, nullable=True),
        sa.Column("delay_days", sa.Integer(), nullable=True),
        sa.Column("mentions", sa.JSON(), nullable=False),
        sa.Column("reminders", sa.JSON(), nullable=False),
        sa.Column("template_code", sa.String(length=64), nullable=False),
        sa.Column("signatory_post_id", _ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["register_id"], ["registers.id"], name=op.f("fk_natures_register_id_registers")),
        sa.ForeignKeyConstraint(["signatory_post_id"], ["posts.id"], name=op.f("fk_natures_signatory_post_id_posts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_natures")),
        sa.UniqueConstraint("code", name=op.f("uq_natures_code")),
    )
    op.create_table(
        "nature_steps",
        sa.Column("nature_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("post_id", _ID, nullable=True),
        sa.Column("is_compulsory", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["nature_id"], ["natures.id"], name=op.f("fk_nature_steps_nature_id_natures")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_nature_steps_post_id_posts")),
        sa.PrimaryKeyConstraint("nature_id", "position", name=op.f("pk_nature_steps")),
    )
    rows = [
        {
            "code": code, "name": name, "direction": "incoming", "mentions": [], "reminders": [], "template_code": "",
            "position": position,
        }
        for position, (code, name) in enumerate(_OFFERED.items(), start=1)
    ]  # fmt: skip
    op.bulk_insert(natures, rows)


def downgrade() -> None:
    notices = sa.table("signbook_notices", sa.column("kind"))
    op.execute(sa.delete(notices).where(notices.c.kind.in_(("came_back", "without_you"))))
    op.drop_table("nature_steps")
    op.drop_table("natures")
