"""Every table. Columns that could identify a person hold sealed bytes or a keyed blind index, nothing else.

Times are whole milliseconds since 1970 UTC by the database's clock. `sealed` columns are opened with the
table, column and row id as associated data, so a value moved to another row does not open.
Built for millions of rows: unsettled deliveries live in the small `delivery` table and move to `settled`;
`referral` and `event_key` stay whole because their uniqueness is a promise.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite uses the index of unsettled events only where a query says this very condition, beside the one state.
UNSETTLED = "state IN ('kept','waiting','parked')"
UNSETTLED_EVENT = text(f"event.{UNSETTLED}")

UNMAPPED = "unmapped_codes > 0"
UNMAPPED_EVENT = text(f"event.{UNMAPPED}")

# What is parked, by reason. The second condition is always true: who asks for it wants this index, and the
# plans of all others stay as they are.
PARKED = text("state = 'parked' AND code >= ''")

# Whom a service cannot reach, as it says now.
UNREACHABLE = text("kind = 'unreachable' AND state = 'current'")
UNREACHABLE_OUTCOME = text("outcome.kind = 'unreachable' AND outcome.state = 'current'")

_serial = BigInteger().with_variant(Integer, "sqlite")

setting = Table(
    "setting",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

body = Table(
    "body",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(12), nullable=False),  # message, answer, delivery
    Column("at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("body_at_ix", "at"),
)

message = Table(
    "message",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("door", String(16), nullable=False),
    Column("caller", String(64), nullable=False),
    Column("practice", String(12), nullable=False, server_default=""),
    Column("media_type", String(80), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("body_id", String(36)),  # null once purged
    Column("mapping", String(80), nullable=False, server_default=""),
    Column("request_id", String(64), nullable=False, server_default=""),
    Column("correlation_id", String(64), nullable=False, server_default=""),
    Column("traceparent", String(64), nullable=False, server_default=""),
    Index("message_received_ix", "received_at"),
    Index("message_source_ix", "source", "received_at"),  # when a source was last heard of
)

request = Table(
    "request",
    metadata,
    Column("caller", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("message_id", String(36)),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer),  # null while it is being processed
    Column("answer_id", String(36)),
    PrimaryKeyConstraint("caller", "request_id"),
    Index("request_at_ix", "at"),
)

event = Table(
    "event",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("message_id", String(36), ForeignKey("message.id"), nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("position", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("state", String(12), nullable=False),
    Column("code", String(60), nullable=False, server_default=""),  # why, a key of the problem catalogue
    Column("problems", Text, nullable=False, server_default=""),  # JSON, value-free
    Column("source", String(64), nullable=False),
    Column("practice", String(12), nullable=False, server_default=""),
    Column("patient", String(64), nullable=False, server_default=""),  # blind index
    Column("key_id", String(36), nullable=False, server_default=""),
    Column("referral_id", String(36)),
    Column("clock", String(64), nullable=False, server_default=""),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger),  # waiting: when it shows on the not-sent list; kept: when to translate
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("mapping", String(80), nullable=False, server_default=""),  # with the practice's overlay
    Column("unmapped_codes", Integer, nullable=False, server_default="0"),  # that mean nothing here
    Column("sealed", LargeBinary),  # the canonical event while it is parked, waiting or kept
    UniqueConstraint("message_id", "n"),
    Index("event_referral_ix", "referral_id"),
    Index("event_key_ix", "key_id"),
    Index(
        "event_unsettled_ix",
        "state",
        "until",
        sqlite_where=text(UNSETTLED),
        postgresql_where=text(UNSETTLED),
    ),
    Index("event_listed_ix", "practice", "state", "code", "at"),
    Index(
        "event_unmapped_ix",
        "practice",
        "at",
        sqlite_where=text(UNMAPPED),
        postgresql_where=text(UNMAPPED),
    ),
    Index(
        "event_parked_ix",
        "state",  # the same in every row: SQLite prefers the index that fits most
        "code",
        "at",
        "id",
        sqlite_where=PARKED,
        postgresql_where=PARKED,
    ),
    Index(
        "event_sealed_ix",
        "at",
        sqlite_where=text("sealed IS NOT NULL"),
        postgresql_where=text("sealed IS NOT NULL"),
    ),
)

event_key = Table(
    "event_key",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36)),
    Column("clock", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),  # sealed: a bare hash over a person could be guessed
    Column("kind", String(20), nullable=False),
    Column("event_id", String(36), nullable=False),
    Index("event_key_referral_ix", "referral_id"),
)

referral = Table(
    "referral",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("scheme", String(64), nullable=False),
    Column("practice", String(12), nullable=False),
    Column("service", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("code", String(60), nullable=False, server_default=""),  # why it is parked or closed
    Column("shadow", Boolean, nullable=False),
    Column("priority", String(12), nullable=False, server_default=""),
    Column("patient", String(64), nullable=False),  # blind index of the NHS number, else of the local key
    Column("local", String(64), nullable=False, server_default=""),  # blind index of practice + local key
    Column("version", Integer, nullable=False),
    Column("mapping", String(80), nullable=False),
    Column("recorded_at", BigInteger),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("heard_at", BigInteger),  # last time the service said anything
    Column("task_status", String(20), nullable=False, server_default=""),
    Column("task_version", String(80), nullable=False, server_default=""),
    Column(
        "service_ref", String(200), nullable=False, server_default=""
    ),  # "ServiceRequest/…" at the service
    Column("service_patient", LargeBinary),  # "Patient/…" there, sealed: some servers put an NHS number in it
    Column("correlation_id", String(64), nullable=False, server_default=""),
    Column("sealed", LargeBinary, nullable=False),  # the canonical referral
    Column("pared", Integer, nullable=False, server_default="0"),  # 1: its content is gone; 2: the person too
    Index("referral_patient_ix", "patient", "service"),
    Index("referral_local_ix", "local"),
    Index("referral_service_ref_ix", "service", "service_ref"),
    Index("referral_state_ix", "state", "updated_at"),
    Index("referral_practice_ix", "practice", "opened_at"),
    Index("referral_standing_ix", "practice", "state", "updated_at"),
    Index(
        "referral_parked_ix",
        "state",  # the same in every row: SQLite prefers the index that fits most
        "code",
        "updated_at",
        "id",
        sqlite_where=PARKED,
        postgresql_where=PARKED,
    ),
    Index(
        "referral_pared_ix",
        "pared",
        "closed_at",
        sqlite_where=text("closed_at IS NOT NULL"),
        postgresql_where=text("closed_at IS NOT NULL"),
    ),
)

# One open referral per person, service and practice, whatever two nodes do at once (promise 3). A second
# practice's is parked as a possible duplicate; only a person lets it through. One of the days in shadow was
# never sent, and stands in the way of none.
Index(
    "referral_one_open_ix",
    referral.c.patient,
    referral.c.service,
    referral.c.practice,
    unique=True,
    sqlite_where=text("state = 'open' AND NOT shadow"),
    postgresql_where=text("state = 'open' AND NOT shadow"),
)

outcome = Table(
    "outcome",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36), ForeignKey("referral.id"), nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("identifier", String(64), nullable=False),  # blind index of system|value
    Column("version", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("state", String(12), nullable=False),  # received is never stored
    Column("at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("referral_id", "identifier", "version"),
    Index("outcome_unreachable_ix", "at", sqlite_where=UNREACHABLE, postgresql_where=UNREACHABLE),
)

# A risk a service spoke of, from the moment it was read until its contact has said that it was seen.
risk = Table(
    "risk",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("scheme", String(64), nullable=False),
    Column("service", String(64), nullable=False),
    Column("practice", String(12), nullable=False, server_default=""),
    Column("referral_id", String(36)),  # null when the message named none of ours
    Column("message_id", String(36), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("position", String(80), nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("level", Integer, nullable=False, server_default="0"),  # which contact: 0 the first
    Column("due_at", BigInteger, nullable=False),  # when that contact must have said so
    Column("next_at", BigInteger, nullable=False),  # when somebody is told next
    Column("tries", Integer, nullable=False, server_default="0"),  # at this level
    Column("told_at", BigInteger),  # when a contact was told last
    Column("seen_at", BigInteger),  # when it was acknowledged
    Column("seen_by", String(80), nullable=False, server_default=""),
    Index("risk_referral_ix", "referral_id"),
)
Index(
    "risk_open_ix",
    risk.c.next_at,
    sqlite_where=text("seen_at IS NULL"),
    postgresql_where=text("seen_at IS NULL"),
)

lane = Table(
    "lane",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("referral_id", String(36), nullable=False),
    Column("partner", String(64), nullable=False),
    Column("patient", String(64), nullable=False),
    Column("due_at", BigInteger),  # null: nothing to do, or the head is parked
    Column("lease_until", BigInteger),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("referral_id", "partner"),
)
Index(
    "lane_due_ix",
    lane.c.partner,
    lane.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)
# At most one in flight per (partner, patient), enforced by the database.
Index(
    "lane_in_flight_ix",
    lane.c.partner,
    lane.c.patient,
    unique=True,
    sqlite_where=text("lease_until IS NOT NULL"),
    postgresql_where=text("lease_until IS NOT NULL"),
)


def _delivery_columns() -> list[Column]:  # type: ignore[type-arg]
    return [
        Column("id", String(36), primary_key=True),
        Column("lane_id", BigInteger, nullable=False),
        Column("referral_id", String(36), nullable=False),
        Column("practice", String(12), nullable=False, server_default=""),  # of the referral
        Column("partner", String(64), nullable=False),
        Column("leg", String(12), nullable=False),
        Column("kind", String(12), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("state", String(12), nullable=False),
        Column("code", String(60), nullable=False, server_default=""),
        Column("priority", String(12), nullable=False, server_default=""),
        Column("request_id", String(64), nullable=False),
        Column("correlation_id", String(64), nullable=False),
        Column("body_id", String(36)),
        Column("frozen", Boolean, nullable=False),
        Column("replaces", Boolean, nullable=False),  # an earlier create of this lane may have arrived
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("created_at", BigInteger, nullable=False),
        Column("first_sent_at", BigInteger),  # when an attempt first began: from then on it may have left
        Column("trying_since", BigInteger),  # what the retry budget counts from; a release starts it anew
        Column("cause", String(36), nullable=False, server_default=""),  # event or outcome id
        Column("version", Integer, nullable=False, server_default="0"),  # of the referral it carries
        Column("label", String(40), nullable=False, server_default=""),  # replay label
        Column("released", Text, nullable=False, server_default=""),  # disclosure rules that let fields out
        Column("known_at", BigInteger),  # how old the last look's knowledge was
    ]


delivery = Table(
    "delivery",
    metadata,
    *_delivery_columns(),
    UniqueConstraint("lane_id", "seq"),
    Index("delivery_referral_ix", "referral_id"),
    Index("delivery_state_ix", "state", "partner", "created_at"),
    Index("delivery_practice_ix", "practice", "state", "code", "created_at"),
    Index(
        "delivery_parked_ix",
        "state",  # the same in every row: SQLite prefers the index that fits most
        "code",
        "created_at",
        "id",
        sqlite_where=PARKED,
        postgresql_where=PARKED,
    ),
)
# Few rows and the first to look at: what is urgent, and who may still be contacted although it was cancelled.
Index(
    "delivery_urgent_ix",
    delivery.c.partner,
    delivery.c.created_at,
    sqlite_where=text("priority IN ('stat','asap','urgent') AND state <> 'parked'"),
    postgresql_where=text("priority IN ('stat','asap','urgent') AND state <> 'parked'"),
)
Index(
    "delivery_cancel_ix",
    delivery.c.partner,
    delivery.c.kind,  # the same in every row, as the state is: SQLite prefers the index that fits most
    delivery.c.state,
    delivery.c.created_at,
    sqlite_where=text("kind = 'cancel' AND state = 'parked'"),
    postgresql_where=text("kind = 'cancel' AND state = 'parked'"),
)

settled = Table(
    "settled",
    metadata,
    *_delivery_columns(),
    Column("settled_at", BigInteger, nullable=False),
    Column("reference", String(200), nullable=False, server_default=""),
    Column("level", String(24), nullable=False, server_default=""),
    Index("settled_referral_ix", "referral_id"),
    Index("settled_at_ix", "settled_at"),
    Index("settled_practice_ix", "practice", "settled_at", "state", "leg", "kind"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("delivery_id", String(36), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("result", String(16), nullable=False),
    Column("status", Integer),
    Column("code", String(60), nullable=False, server_default=""),
    Column("node", String(40), nullable=False),
    Index("attempt_delivery_ix", "delivery_id"),
)

held = Table(
    "held",
    metadata,
    Column("kind", String(24), nullable=False),
    Column("owner", String(64), nullable=False),  # publishing organisation
    Column("key", String(64), nullable=False),  # blind index of the row's own key
    Column("also", String(64), nullable=False, server_default=""),  # blind index of a second key
    Column("clock", String(64), nullable=False),
    Column("until", BigInteger),  # when it may be forgotten, or shows on the not-sent list
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("kind", "owner", "key"),
    Index("held_until_ix", "kind", "until"),
    Index("held_also_ix", "kind", "owner", "also"),
)

person = Table(
    "person",
    metadata,
    Column("local", String(64), primary_key=True),  # blind index of practice + local key
    Column("nhs", String(64), nullable=False, server_default=""),  # blind index of the NHS number
    Column("practice", String(12), nullable=False),
    Column("registered", Boolean),
    Column("deceased", Boolean, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Index("person_nhs_ix", "nhs"),
)

stance = Table(
    "stance",
    metadata,
    Column("id", String(36), primary_key=True),  # of the source key, or a person's own word
    Column("nhs", String(64), nullable=False, server_default=""),  # blind index of the NHS number
    Column("local", String(64), nullable=False, server_default=""),  # blind index of practice + local key
    Column("practice", String(12), nullable=False, server_default=""),  # "": said for everywhere
    Column("kind", String(20), nullable=False),  # objected, agreed
    Column("said_at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # what the indexes are made of
    Index("stance_nhs_ix", "nhs"),
    Index("stance_local_ix", "local"),
)

filed = Table(
    "filed",
    metadata,
    Column("patient", String(64), nullable=False),
    Column("code", String(20), nullable=False),
    Column("on", String(10), nullable=False),  # clinical date, YYYY-MM-DD
    Column("referral_id", String(36), nullable=False),
    PrimaryKeyConstraint("patient", "code", "on", "referral_id"),
)

coded = Table(
    "coded",
    metadata,
    Column("referral_id", String(36), nullable=False),
    Column("code", String(20), nullable=False),
    PrimaryKeyConstraint("referral_id", "code"),
)

letter = Table(
    "letter",
    metadata,
    Column("id", String(36), primary_key=True),  # of its delivery too, and what acknowledgements name
    Column("referral_id", String(36), ForeignKey("referral.id"), nullable=False),
    Column("practice", String(12), nullable=False),
    Column("route", String(64), nullable=False),
    Column("kind", String(12), nullable=False),  # start, closure
    Column("round", Integer, nullable=False),  # how often the referral had been opened again
    Column("version", Integer, nullable=False),
    Column("replaces", String(36), nullable=False, server_default=""),  # the letter it corrects
    Column("state", String(32), nullable=False),
    Column("code", String(60), nullable=False, server_default=""),  # why it is refused or unanswered
    Column("made_at", BigInteger, nullable=False),
    Column("moved_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),  # when the next acknowledgement is overdue
    Column("reference", String(64), nullable=False, server_default=""),  # MESH message id
    Column("sealed", LargeBinary),  # the letter; null once purged
    Index("letter_referral_ix", "referral_id"),
    Index("letter_practice_ix", "practice", "state"),
    Index("letter_reference_ix", "reference"),
    Index(
        "letter_due_ix",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

feed = Table(
    "feed",
    metadata,
    Column("source", String(64), nullable=False),
    Column("practice", String(12), nullable=False),
    Column("extracted_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "practice"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", String(64), primary_key=True),  # hash over the names of its files
    Column("source", String(64), nullable=False),
    Column("series", String(64), nullable=False, server_default=""),  # extracts that follow each other
    Column("message_id", String(36), nullable=False),
    Column("extracted_at", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),  # reading, done, refused, parked, released
    Column("table", String(60), nullable=False, server_default=""),  # resume point
    Column("row", BigInteger, nullable=False, server_default="0"),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index("batch_source_ix", "source", "series", "extracted_at"),
)

poll = Table(
    "poll",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("resource", String(24), nullable=False),
    Column("since", String(40), nullable=False),  # FHIR instant of the partner's own clock
    PrimaryKeyConstraint("partner", "resource"),
)

audit = Table(
    "audit",
    metadata,
    Column("node", String(40), nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("mac", LargeBinary, nullable=False),
    PrimaryKeyConstraint("node", "n"),
    Index("audit_at_ix", "at"),
    Index("audit_subject_ix", "subject", "at"),
)

account = Table(  # of people who sign in at the page; no patients
    "account",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("roles", String(80), nullable=False),  # with spaces between them
    Column("practices", Text, nullable=False, server_default=""),
    Column("password", Text, nullable=False),  # Argon2id
    Column("disabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("password_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),  # last signed in
)

session = Table(
    "session",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of its token
    Column("account", String(64), ForeignKey("account.name"), nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("session_account_ix", "account"),
    Index("session_until_ix", "until"),
)
