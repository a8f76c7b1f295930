"""keys: certificates issued, signatures preserved

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from cryptography import x509

import ged.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REVISIONS = ("signed_revisions", "slip_revisions")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", _ID, nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("certificate_pem", sa.Text(), nullable=False),
        sa.Column("issued_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", ged.db.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_certificates_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("serial", name=op.f("uq_certificates_serial")),
    )
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificates_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificates_person_id"), ["person_id"], unique=False)
    op.create_table(
        "preservations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("slip_id", _ID, nullable=True),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("due_at", ged.db.UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=64), nullable=False),
        sa.Column("updated_at", ged.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_preservations_mail_id_mails")),
        sa.ForeignKeyConstraint(["slip_id"], ["slips.id"], name=op.f("fk_preservations_slip_id_slips")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preservations")),
        sa.UniqueConstraint("mail_id", name=op.f("uq_preservations_mail_id")),
        sa.UniqueConstraint("slip_id", name=op.f("uq_preservations_slip_id")),
    )
    with op.batch_alter_table("preservations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preservations_due_at"), ["due_at"], unique=False)
    for name in REVISIONS:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.alter_column("signed_by_id", existing_type=_ID, nullable=True)
    _write_down_certificates()


def _write_down_certificates() -> None:
    """Record the certificates of the keys that were issued before. None was revoked; some were replaced."""
    keys = sa.table(
        "signing_keys",
        sa.column("person_id", sa.BigInteger()),
        sa.column("certificate_pem", sa.Text()),
        sa.column("issued_at", ged.db.UtcDateTime()),
    )
    certificates = sa.table(
        "certificates",
        sa.column("serial", sa.String()),
        sa.column("kind", sa.String()),
        sa.column("person_id", sa.BigInteger()),
        sa.column("subject", sa.Text()),
        sa.column("certificate_pem", sa.Text()),
        sa.column("issued_at", ged.db.UtcDateTime()),
        sa.column("expires_at", ged.db.UtcDateTime()),
        sa.column("reason", sa.String()),
    )
    connection = op.get_bind()
    for person_id, pem, issued_at in connection.execute(sa.select(keys)).all():
        certificate = x509.load_pem_x509_certificate(pem.encode())
        connection.execute(
            certificates.insert().values(
                serial=f"{certificate.serial_number:x}",
                kind="person",
                person_id=person_id,
                subject=certificate.subject.rfc4514_string(),
                certificate_pem=pem,
                issued_at=issued_at,
                expires_at=certificate.not_valid_after_utc,
                reason="",
            )
        )


def downgrade() -> None:
    for name in REVISIONS:
        # Bytes that machines appended mean nothing without the code that appends them.
        revisions = sa.table(name, sa.column("signed_by_id", sa.BigInteger()))
        op.execute(sa.delete(revisions).where(revisions.c.signed_by_id.is_(None)))
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.alter_column("signed_by_id", existing_type=_ID, nullable=False)
    with op.batch_alter_table("preservations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preservations_due_at"))
    op.drop_table("preservations")
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_person_id"))
        batch_op.drop_index(batch_op.f("ix_certificates_expires_at"))
    op.drop_table("certificates")
