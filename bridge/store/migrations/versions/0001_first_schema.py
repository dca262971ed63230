"""The first schema: sealed columns, blind indexes, lanes and the hot delivery table."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempt_delivery_ix", "attempt", ["delivery_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("node", "n"),
    )
    op.create_index("audit_at_ix", "audit", ["at"], unique=False)
    op.create_index("audit_subject_ix", "audit", ["subject", "at"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("series", sa.String(length=64), server_default="", nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("extracted_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("table", sa.String(length=60), server_default="", nullable=False),
        sa.Column("row", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batch_source_ix", "batch", ["source", "series", "extracted_at"], unique=False)
    op.create_table(
        "body",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("body_at_ix", "body", ["at"], unique=False)
    op.create_table(
        "coded",
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("referral_id", "code"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("lane_id", sa.BigInteger(), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("practice", sa.String(length=12), server_default="", nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("leg", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("priority", sa.String(length=12), server_default="", nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("body_id", sa.String(length=36), nullable=True),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("first_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("trying_since", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(length=36), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("label", sa.String(length=40), server_default="", nullable=False),
        sa.Column("released", sa.Text(), server_default="", nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lane_id", "seq"),
    )
    op.create_index(
        "delivery_cancel_ix",
        "delivery",
        ["partner", "kind", "state", "created_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'cancel' AND state = 'parked'"),
        postgresql_where=sa.text("kind = 'cancel' AND state = 'parked'"),
    )
    op.create_index(
        "delivery_parked_ix",
        "delivery",
        ["state", "code", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'parked' AND code >= ''"),
        postgresql_where=sa.text("state = 'parked' AND code >= ''"),
    )
    op.create_index(
        "delivery_practice_ix", "delivery", ["practice", "state", "code", "created_at"], unique=False
    )
    op.create_index("delivery_referral_ix", "delivery", ["referral_id"], unique=False)
    op.create_index("delivery_state_ix", "delivery", ["state", "partner", "created_at"], unique=False)
    op.create_index(
        "delivery_urgent_ix",
        "delivery",
        ["partner", "created_at"],
        unique=False,
        sqlite_where=sa.text("priority IN ('stat','asap','urgent') AND state <> 'parked'"),
        postgresql_where=sa.text("priority IN ('stat','asap','urgent') AND state <> 'parked'"),
    )
    op.create_table(
        "event_key",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=True),
        sa.Column("clock", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("event_key_referral_ix", "event_key", ["referral_id"], unique=False)
    op.create_table(
        "feed",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("practice", sa.String(length=12), nullable=False),
        sa.Column("extracted_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "practice"),
    )
    op.create_table(
        "filed",
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("on", sa.String(length=10), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("patient", "code", "on", "referral_id"),
    )
    op.create_table(
        "held",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("also", sa.String(length=64), server_default="", nullable=False),
        sa.Column("clock", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "owner", "key"),
    )
    op.create_index("held_also_ix", "held", ["kind", "owner", "also"], unique=False)
    op.create_index("held_until_ix", "held", ["kind", "until"], unique=False)
    op.create_table(
        "lane",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("referral_id", "partner"),
    )
    op.create_index(
        "lane_due_ix",
        "lane",
        ["partner", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "lane_in_flight_ix",
        "lane",
        ["partner", "patient"],
        unique=True,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("practice", sa.String(length=12), server_default="", nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body_id", sa.String(length=36), nullable=True),
        sa.Column("mapping", sa.String(length=80), server_default="", nullable=False),
        sa.Column("request_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("correlation_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("traceparent", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_received_ix", "message", ["received_at"], unique=False)
    op.create_index("message_source_ix", "message", ["source", "received_at"], unique=False)
    op.create_table(
        "person",
        sa.Column("local", sa.String(length=64), nullable=False),
        sa.Column("nhs", sa.String(length=64), server_default="", nullable=False),
        sa.Column("practice", sa.String(length=12), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=True),
        sa.Column("deceased", sa.Boolean(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("local"),
    )
    op.create_index("person_nhs_ix", "person", ["nhs"], unique=False)
    op.create_table(
        "poll",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=24), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("partner", "resource"),
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.Column("practice", sa.String(length=12), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.String(length=12), server_default="", nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("local", sa.String(length=64), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mapping", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("task_status", sa.String(length=20), server_default="", nullable=False),
        sa.Column("task_version", sa.String(length=80), server_default="", nullable=False),
        sa.Column("service_ref", sa.String(length=200), server_default="", nullable=False),
        sa.Column("service_patient", sa.LargeBinary(), nullable=True),
        sa.Column("correlation_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("pared", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("referral_local_ix", "referral", ["local"], unique=False)
    op.create_index(
        "referral_one_open_ix",
        "referral",
        ["patient", "service", "practice"],
        unique=True,
        sqlite_where=sa.text("state = 'open' AND NOT shadow"),
        postgresql_where=sa.text("state = 'open' AND NOT shadow"),
    )
    op.create_index(
        "referral_pared_ix",
        "referral",
        ["pared", "closed_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "referral_parked_ix",
        "referral",
        ["state", "code", "updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'parked' AND code >= ''"),
        postgresql_where=sa.text("state = 'parked' AND code >= ''"),
    )
    op.create_index("referral_patient_ix", "referral", ["patient", "service"], unique=False)
    op.create_index("referral_practice_ix", "referral", ["practice", "opened_at"], unique=False)
    op.create_index("referral_standing_ix", "referral", ["practice", "state", "updated_at"], unique=False)
    op.create_index("referral_service_ref_ix", "referral", ["service", "service_ref"], unique=False)
    op.create_index("referral_state_ix", "referral", ["state", "updated_at"], unique=False)
    op.create_table(
        "request",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("caller", "request_id"),
    )
    op.create_index("request_at_ix", "request", ["at"], unique=False)
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "settled",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("lane_id", sa.BigInteger(), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("practice", sa.String(length=12), server_default="", nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("leg", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("priority", sa.String(length=12), server_default="", nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("body_id", sa.String(length=36), nullable=True),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("first_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("trying_since", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(length=36), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("label", sa.String(length=40), server_default="", nullable=False),
        sa.Column("released", sa.Text(), server_default="", nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=200), server_default="", nullable=False),
        sa.Column("level", sa.String(length=24), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("settled_at_ix", "settled", ["settled_at"], unique=False)
    op.create_index(
        "settled_practice_ix",
        "settled",
        ["practice", "settled_at", "state", "leg", "kind"],
        unique=False,
    )
    op.create_index("settled_referral_ix", "settled", ["referral_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("problems", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("practice", sa.String(length=12), server_default="", nullable=False),
        sa.Column("patient", sa.String(length=64), server_default="", nullable=False),
        sa.Column("key_id", sa.String(length=36), server_default="", nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=True),
        sa.Column("clock", sa.String(length=64), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mapping", sa.String(length=80), server_default="", nullable=False),
        sa.Column("unmapped_codes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", "n"),
    )
    op.create_index("event_key_ix", "event", ["key_id"], unique=False)
    op.create_index("event_listed_ix", "event", ["practice", "state", "code", "at"], unique=False)
    op.create_index("event_referral_ix", "event", ["referral_id"], unique=False)
    op.create_index(
        "event_parked_ix",
        "event",
        ["state", "code", "at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'parked' AND code >= ''"),
        postgresql_where=sa.text("state = 'parked' AND code >= ''"),
    )
    op.create_index(
        "event_sealed_ix",
        "event",
        ["at"],
        unique=False,
        sqlite_where=sa.text("sealed IS NOT NULL"),
        postgresql_where=sa.text("sealed IS NOT NULL"),
    )
    op.create_index(
        "event_unmapped_ix",
        "event",
        ["practice", "at"],
        unique=False,
        sqlite_where=sa.text("unmapped_codes > 0"),
        postgresql_where=sa.text("unmapped_codes > 0"),
    )
    op.create_index(
        "event_unsettled_ix",
        "event",
        ["state", "until"],
        unique=False,
        sqlite_where=sa.text("state IN ('kept','waiting','parked')"),
        postgresql_where=sa.text("state IN ('kept','waiting','parked')"),
    )
    op.create_table(
        "stance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("nhs", sa.String(length=64), server_default="", nullable=False),
        sa.Column("local", sa.String(length=64), server_default="", nullable=False),
        sa.Column("practice", sa.String(length=12), server_default="", nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stance_nhs_ix", "stance", ["nhs"], unique=False)
    op.create_index("stance_local_ix", "stance", ["local"], unique=False)
    op.create_table(
        "letter",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("practice", sa.String(length=12), nullable=False),
        sa.Column("route", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces", sa.String(length=36), server_default="", nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.String(length=64), server_default="", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "letter_due_ix",
        "letter",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("letter_practice_ix", "letter", ["practice", "state"], unique=False)
    op.create_index("letter_referral_ix", "letter", ["referral_id"], unique=False)
    op.create_index("letter_reference_ix", "letter", ["reference"], unique=False)
    op.create_table(
        "outcome",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referral.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("referral_id", "identifier", "version"),
    )
    op.create_index(
        "outcome_unreachable_ix",
        "outcome",
        ["at"],
        unique=False,
        sqlite_where=sa.text("kind = 'unreachable' AND state = 'current'"),
        postgresql_where=sa.text("kind = 'unreachable' AND state = 'current'"),
    )
    op.create_table(
        "account",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.String(length=80), nullable=False),
        sa.Column("practices", sa.Text(), server_default="", nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("password_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"],
            ["account.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("session_account_ix", "session", ["account"], unique=False)
    op.create_index("session_until_ix", "session", ["until"], unique=False)
    op.create_table(
        "risk",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("practice", sa.String(length=12), server_default="", nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=True),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("position", sa.String(length=80), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_by", sa.String(length=80), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("risk_referral_ix", "risk", ["referral_id"], unique=False)
    op.create_index(
        "risk_open_ix",
        "risk",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("seen_at IS NULL"),
        postgresql_where=sa.text("seen_at IS NULL"),
    )
