"""A long history, made inside the database: fifty thousand of everything, a hundred lanes that are due."""

from typing import Any

from sqlalchemy import text

from bridge.store.unit import Tx

ROWS = 50_000
DUE = 100
DAY_MS = 86_400_000
BIG = frozenset(
    {"attempt", "body", "delivery", "event", "event_key", "held", "lane", "message", "outcome", "person"}
    | {"referral", "request", "settled", "stance"}
)
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
FILL = """
INSERT INTO message (id, source, door, caller, media_type, received_at, size, body_id) $N
SELECT 'm' || i, 'src' || (i % 20), 'http', 'gp', 't', :start + i, 2, 'm' || i FROM n;

INSERT INTO body (id, kind, at, sealed) $N
SELECT 'm' || i, 'message', :start + i, :blob FROM n;

INSERT INTO body (id, kind, at, sealed) $N
SELECT 'd' || i, 'delivery', :start + i, :blob FROM n;

INSERT INTO request (caller, request_id, correlation_id, at, status) $N
SELECT 'gp', 'q' || i, 'c', :start + i, 200 FROM n;

INSERT INTO event (id, message_id, n, position, kind, state, source, practice, key_id, referral_id, at) $N
SELECT 'e' || i, 'm' || i, 0, '', 'referred', CASE WHEN i % 500 = 0 THEN 'parked' ELSE 'applied' END, 'src',
  'P' || (i % 200), 'k' || i, 'r' || i, :start + i FROM n;

INSERT INTO event_key (id, referral_id, clock, content, kind, event_id) $N
SELECT 'k' || i, 'r' || i, '1', :blob, 'referred', 'e' || i FROM n;

INSERT INTO referral (id, source, scheme, practice, service, state, shadow, patient, local, version, mapping,
  opened_at, updated_at, closed_at, service_ref, sealed) $N
SELECT 'r' || i, 'src', 's', 'P' || (i % 200), 'sp', CASE WHEN i % 3 = 0 THEN 'open' ELSE 'completed' END,
  :no, 'p' || i, 'l' || i, 1, 'm@1', :start + i, :start + i,
  CASE WHEN i % 3 = 0 THEN NULL ELSE :start + i END, 'ServiceRequest/' || i, :blob FROM n;

INSERT INTO outcome (id, referral_id, message_id, identifier, version, kind, status, state, at, sealed) $N
SELECT 'o' || i, 'r' || i, 'm' || i, 'x' || i, '1', 'closed', 'final', 'current', :start + i, :blob FROM n;

INSERT INTO person (local, nhs, practice, deceased, known_at) $N
SELECT 'l' || i, 'p' || i, 'P' || (i % 200), :no, :start FROM n;

INSERT INTO stance (id, nhs, local, practice, kind, said_at, sealed) $N
SELECT 's' || i, 'p' || i, 'l' || i, 'P' || (i % 200), 'objected', :start, :blob FROM n;

INSERT INTO held (kind, owner, key, also, clock, until, sealed) $N
SELECT 'emis.waiting', 'O' || (i % 200), 'h' || i, 'a' || i, '1', :start + i, :blob FROM n;

INSERT INTO lane (id, referral_id, partner, patient, due_at, lease_until, epoch) $N
SELECT i, 'r' || i, 'sp', 'p' || i, CASE WHEN i <= :due THEN :start WHEN i <= 2 * :due THEN :later END,
  CASE WHEN i > :due AND i <= :due + 5 THEN :later END, 1 FROM n;

INSERT INTO settled (id, lane_id, referral_id, practice, partner, leg, kind, seq, state, code, request_id,
  correlation_id, body_id, frozen, replaces, created_at, first_sent_at, cause, settled_at) $N
SELECT 'd' || i, i, 'r' || i, 'P' || (i % 200),
  'sp', 'forward', 'create', 1, 'delivered', '', 'q', 'c', 'd' || i, :yes, :no,
  :start + i, :start + i, 'e' || i, :start + i FROM n;

INSERT INTO delivery (id, lane_id, referral_id, practice, partner, leg, kind, seq, state, code, request_id,
  correlation_id, body_id, frozen, replaces, created_at, first_sent_at, cause) $N
SELECT 'w' || i, i, 'r' || i, 'P' || (i % 200),
  'sp', 'forward', 'change', 2,
  CASE WHEN i <= 2 * :due THEN 'queued' ELSE 'parked' END, '', 'q', 'c', 'd' || i, :yes, :no, :start + i,
  CASE WHEN i <= 2 * :due THEN NULL ELSE :start + i END, 'e' || i FROM n;

INSERT INTO attempt (delivery_id, at, took_ms, result, node) $N
SELECT 'd' || i, :start + i, 1, 'accepted', 'n1' FROM n;

ANALYZE
"""


def fill(tx: Tx, start: int, rows: int = ROWS) -> None:
    """Fill every table that grows, from the time `start` (milliseconds) on, and gather statistics."""
    told: dict[str, Any] = {"rows": rows, "start": start, "blob": b"", "due": DUE, "yes": True, "no": False}
    told["later"] = start + 10 * DAY_MS
    for statement in FILL.replace("$N", NUMBERS).split(";"):
        asked = text(statement.strip())
        tx.run(asked, {name: value for name, value in told.items() if f":{name}" in statement})
