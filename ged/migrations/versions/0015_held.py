"""rows that are never changed, and numbers that belong to one thing only

Revision ID: 0015
Revises: 0014
"""

from alembic import op

from ged.held import Held
from ged.migrations.tools import hold, let_go

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ONE_SUBJECT = "slip_id IS NULL OR (mail_id IS NULL AND envelope_id IS NULL)"

HELD = (
    Held("audit_entries"),
    Held("audit_payloads", deletes=True),
    Held("audit_head", columns=("id",), never_less=("count",)),
    Held(
        "mail_numbers",
        columns=(
            "id", "register_id", "year", "sequence", "text", "registered_at", "registered_on", "person_id", "post_id",
            "envelope_id", "slip_id",
        ),
        unless_null=("mail_id", "voided_at"),
    ),
    Held("register_counters", columns=("register_id", "year"), never_less=("last_sequence",)),
    Held("register_closings"),
    Held("closing_revisions"),
    Held("rectifications"),
    Held("signed_revisions", columns=("mail_id", "sequence", "digest", "signed_by_id", "level", "at")),
    Held("slip_revisions"),
    Held("signature_checks"),
    Held("draft_versions"),
    Held("letter_tokens"),
    Held("token_keys"),
    Held("imputations"),
    Held(
        "circuit_entries",
        columns=(
            "id", "mail_id", "act", "version_no", "person_id", "person_name", "post_id", "post_title", "acted_as",
            "act_reference", "text", "stance", "to_post_id", "to_post_title", "at",
        ),
    ),
    Held(
        "scan_pages",
        columns=("id", "batch_id", "token", "digest", "media_type", "size_bytes", "page_index", "received_at"),
    ),
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("mail_numbers", schema=None) as batch_op:
        batch_op.create_check_constraint(batch_op.f("ck_mail_numbers_one_subject"), ONE_SUBJECT)
    for rows in HELD:
        hold(rows)


def downgrade() -> None:
    for rows in HELD:
        let_go(rows.table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS ged_refuse()")
    with op.batch_alter_table("mail_numbers", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_mail_numbers_one_subject"), type_="check")
