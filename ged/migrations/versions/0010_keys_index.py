"""indexes of the foreign keys by which rows are searched

Revision ID: 0010
Revises: 0009
"""

from ged.migrations.tools import create_index, drop_index

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEYS = (
    ("absences", "delegation_id"),
    ("assignments", "assigned_by_post_id"),
    ("assignments", "imputation_id"),
    ("assignments", "parent_id"),
    ("attachments", "replaces_id"),
    ("mails", "addressed_post_id"),
    ("mails", "author_person_id"),
    ("mails", "author_post_id"),
    ("scans", "merged_into_id"),
    ("sealed_envelopes", "mail_id"),
)


def upgrade() -> None:
    for table, column in KEYS:
        create_index(table, column)


def downgrade() -> None:
    for table, column in KEYS:
        drop_index(table, column)
