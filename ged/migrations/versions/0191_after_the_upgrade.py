"""changes that wait until no earlier release runs

The count of failed sign-ins is dropped, and how many letters open data leaves out. From now on changes of the organisation may be planned, spreadsheets and folders of
scans taken over, figures added up over natures and channels, an entity exported from the site, and pages read a second time; a code may stand in the list of an entity and in the common stock;
people are told of accounts that are opened, of the second step of their sign-in, of letters that are read by exception, of slips of
disposal, of planned changes that are refused, of acts that name them supervisor and of the morning's point. From now on a slip of disposal may destroy letters' files.
Every document that was signed gets its row in the list of signatures to keep provable, which the earlier release made only
where an authority is set.

Revision ID: 0191
Revises: 0190
"""

import sqlalchemy as sa
from alembic import op

import ged.db

revision = "0191"
down_revision = "0190"
branch_labels = None
depends_on = None
phase = "contract"
oldest_program = "0191"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


LISTS = ("letter_templates", "mentions", "natures")


WATCH = """
INSERT INTO preservations ({column}, level, due_at, tries, failure, updated_at)
SELECT r.{column}, r.level, r.at, 0, '', r.at FROM {revisions} AS r
WHERE r.sequence = (SELECT max(later.sequence) FROM {revisions} AS later WHERE later.{column} = r.{column})
AND NOT EXISTS (SELECT 1 FROM preservations AS p WHERE p.{column} = r.{column})
"""
"""The last revision of each signed document that no row watches."""
UNSEALED = """
INSERT INTO preservations (closing_id, level, due_at, tries, failure, updated_at)
SELECT c.id, '', c.closed_at, 0, '', c.closed_at FROM register_closings AS c
WHERE NOT EXISTS (SELECT 1 FROM preservations AS p WHERE p.closing_id = c.id)
"""


def upgrade() -> None:
    for column, revisions in (
        ("mail_id", "signed_revisions"),
        ("slip_id", "slip_revisions"),
        ("closing_id", "closing_revisions"),
    ):
        op.execute(WATCH.format(column=column, revisions=revisions))
    op.execute(UNSEALED)
    op.drop_table("login_attempts")
    op.drop_column("open_data_acts", "left_out")
    for name in LISTS:
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"uq_{name}_code"), type_="unique")
            table.create_unique_constraint(op.f(f"uq_{name}_entity_id_code"), ["entity_id", "code"])
        op.create_index(
            f"uq_{name}_common_code", name, ["code"], unique=True, sqlite_where=sa.text("entity_id IS NULL"),
            postgresql_where=sa.text("entity_id IS NULL"),
        )  # fmt: skip


def downgrade() -> None:
    for name in ("figure_cells", "figure_delays", "figure_flows", "figure_hours"):
        cells = sa.table(name, sa.column("grain"))
        of_sums = [f"{sums}_{time}" for sums in ("sum", "natures", "all") for time in ("day", "month", "year")]
        op.execute(sa.delete(cells).where(cells.c.grain.in_(of_sums)))
    op.execute("UPDATE figure_state SET sums_whole = false, sums_upto = NULL")
    op.execute("UPDATE figure_keys SET sum_id = NULL, natures_id = NULL, all_id = NULL")
    for table_name in ("personal_notices", "notice_choices"):
        rows = sa.table(table_name, sa.column("occasion"))
        op.execute(
            sa.delete(rows).where(
                rows.c.occasion.in_(
                    ["account", "change_refused", "disposal", "exception", "morning", "second_step", "supervises"]
                )
            )
        )
    natures = sa.table("natures", sa.column("id"), sa.column("entity_id"))
    steps = sa.table("nature_steps", sa.column("nature_id"))
    of_entities = sa.select(natures.c.id).where(natures.c.entity_id.is_not(None))
    op.execute(sa.delete(steps).where(steps.c.nature_id.in_(of_entities)))
    for name in LISTS:
        kept = sa.table(name, sa.column("entity_id"))
        op.execute(sa.delete(kept).where(kept.c.entity_id.is_not(None)))
        op.drop_index(f"uq_{name}_common_code", table_name=name)
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"uq_{name}_entity_id_code"), type_="unique")
            table.create_unique_constraint(op.f(f"uq_{name}_code"), ["code"])
    op.add_column("open_data_acts", sa.Column("left_out", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "login_attempts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", ged.db.UtcDateTime(), nullable=True),
        sa.Column("last_at", ged.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
        sa.UniqueConstraint("subject", name=op.f("uq_login_attempts_subject")),
    )
    for counted in ("jobs", "job_schedules", "job_figures"):
        kinds = sa.table(counted, sa.column("kind"))
        op.execute(
            sa.delete(kinds).where(
                kinds.c.kind.in_(
                    [
                        "directory_check",
                        "entity_export",
                        "figures",
                        "heal_figures",
                        "mail_loop",
                        "monthly_reports",
                        "organisation_acts",
                        "prove_report",
                        "read_again",
                        "read_again_backlog",
                        "take_over",
                        "take_over_scans",
                    ]
                )
            )
        )
