"""The statements whose plan matters, as named text per dialect; tests ask EXPLAIN about these very texts.

CLAIM picks lanes that are due. `due_at` of a leased lane is the end of its lease, so a lease that ran out
is simply due again; one index seek on (partner, due_at) finds both. The caller drops a second lane of the
same patient from the batch; the unique index `lane_in_flight_ix` holds the line between nodes.
"""

from sqlalchemy import TextClause, text

# What was on its way when its worker went is looked at before what has never left. When that happens to it
# again it goes behind all that is due: it may be why.
_TAKEN_UP = (
    "UPDATE lane SET lease_until = NULL, epoch = epoch + 1, due_at = CASE WHEN due_at IS NULL THEN NULL "
    "WHEN 1 = (SELECT head.attempts FROM delivery AS head WHERE head.lane_id = lane.id "
    "ORDER BY head.seq LIMIT 1) THEN 0 ELSE :now END "
)
# A lease or a time further off than `latest` was written before the clock was set back.
EXPIRE = text(
    f"{_TAKEN_UP}WHERE partner = :partner AND lease_until IS NOT NULL "
    "AND (lease_until <= :now OR lease_until > :latest)"
)
RECALL = text(
    "UPDATE lane SET due_at = :now WHERE partner = :partner AND due_at > :latest AND lease_until IS NULL"
)

# After the clock was set back by `back`: waits keep their length, and no lease is longer than one.
SHIFT = text(
    "UPDATE lane SET due_at = due_at - :back "
    "WHERE partner = :partner AND due_at > :now AND lease_until IS NULL"
)
CLAMP = text(
    "UPDATE lane SET lease_until = :until, due_at = CASE WHEN due_at IS NULL THEN NULL ELSE :until END "
    "WHERE partner = :partner AND lease_until > :until"
)
RENEW = text(
    "UPDATE lane SET lease_until = :until, due_at = CASE WHEN due_at IS NULL THEN NULL ELSE :until END "
    "WHERE id = :lane AND epoch = :epoch AND lease_until IS NOT NULL"
)

_FREE = (
    "SELECT id, patient FROM lane WHERE partner = :partner AND due_at <= :now AND lease_until IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM lane AS busy WHERE busy.partner = lane.partner "
    "AND busy.patient = lane.patient AND busy.lease_until IS NOT NULL) "
    "ORDER BY due_at LIMIT :limit"
)
FREE: dict[str, TextClause] = {
    "sqlite": text(_FREE),
    "postgresql": text(_FREE + " FOR UPDATE OF lane SKIP LOCKED"),
}

LEASE: TextClause = text(
    "UPDATE lane SET lease_until = :until, due_at = :until, epoch = epoch + 1 WHERE id = :lane"
)

# The lane's head is its first unsettled delivery; a parked head holds the lane (due_at null).
SETTLE_LANE = text(
    "UPDATE lane SET lease_until = NULL, due_at = "
    "(SELECT CASE WHEN head.state = 'parked' THEN NULL ELSE :due END FROM delivery AS head "
    "WHERE head.lane_id = :lane ORDER BY head.seq LIMIT 1) "
    "WHERE id = :lane"
)
# After the delivery `seq` came, went or was released: what was ahead of it keeps the time it waits for. A
# leased lane is due when its lease ends, or never when the delivery was proven while its worker looked.
WAKE_LANE = text(
    "UPDATE lane SET due_at = (SELECT CASE WHEN head.state = 'parked' THEN NULL "
    "WHEN lane.lease_until IS NOT NULL THEN lane.lease_until "
    "WHEN head.seq < :seq THEN lane.due_at ELSE :due END "
    "FROM delivery AS head WHERE head.lane_id = :lane ORDER BY head.seq LIMIT 1) WHERE id = :lane"
)
_HOLD = "SELECT epoch FROM lane WHERE id = :lane AND epoch = :epoch AND lease_until IS NOT NULL"
HOLD: dict[str, TextClause] = {"sqlite": text(_HOLD), "postgresql": text(_HOLD + " FOR UPDATE")}
VOID_LEASES = text(f"{_TAKEN_UP}WHERE lease_until IS NOT NULL")
