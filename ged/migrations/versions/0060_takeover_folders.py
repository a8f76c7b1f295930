"""folders of scans that are taken over, and their files

Revision ID: 0060
Revises: 0059
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None
phase = "expand"
oldest_program = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "takeover_folders",
        sa.Column("id", _ID, nullable=False),
        sa.Column("register_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("begun_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("is_asked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_takeover_folders_person_id_people")),
        sa.ForeignKeyConstraint(
            ["register_id"], ["registers.id"], name=op.f("fk_takeover_folders_register_id_registers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeover_folders")),
    )
    op.create_index(op.f("ix_takeover_folders_person_id"), "takeover_folders", ["person_id"])
    op.create_index(op.f("ix_takeover_folders_register_id"), "takeover_folders", ["register_id"])
    op.create_table(
        "takeover_scans",
        sa.Column("id", _ID, nullable=False),
        sa.Column("folder_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("size_bytes", _ID, nullable=False),
        sa.Column("modified_ms", _ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("arrived_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("settled_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("attachment_id", _ID, nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_takeover_scans_attachment_id_attachments")
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["takeover_folders.id"], name=op.f("fk_takeover_scans_folder_id_takeover_folders")
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_takeover_scans_mail_id_mails")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeover_scans")),
        sa.UniqueConstraint("folder_id", "name", name=op.f("uq_takeover_scans_folder_id_name")),
    )
    op.create_index(op.f("ix_takeover_scans_attachment_id"), "takeover_scans", ["attachment_id"])
    op.create_index(op.f("ix_takeover_scans_mail_id"), "takeover_scans", ["mail_id"])


def downgrade() -> None:
    op.drop_table("takeover_scans")
    op.drop_table("takeover_folders")
