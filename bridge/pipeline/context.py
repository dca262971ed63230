"""What every verb of the pipeline is given: the rules in force, and chance and time as arguments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from bridge.domain.referral import Patient
from bridge.fhir.naming import Naming
from bridge.schemes import Rulebook
from bridge.store.unit import Tx


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The rules in force. `environment` is live or test; `label` names the replay this is part of, if any."""

    rulebook: Rulebook
    environment: str
    naming: Naming
    now: Callable[[], datetime] = field(default=_now)
    new_id: Callable[[], str] = field(default=_new_id)
    label: str = ""

    def arrival(self, ms: int) -> datetime:
        """When a message came, however late it is read: the store's time of keeping; 0: just now."""
        return self.from_ms(ms) if ms else self.now()

    @staticmethod
    def from_ms(ms: int) -> datetime:
        """A store time as an aware datetime."""
        return datetime.fromtimestamp(ms / 1000, UTC)


def patient_index(tx: Tx, patient: Patient, practice: str) -> str:
    """The person's blind index: by NHS number, else by the practice's own key, else ""."""
    if patient.nhs_number is not None:
        return tx.sealer.index("nhs", patient.nhs_number.digits)
    return local_index(tx, practice, patient.local_key)


def local_index(tx: Tx, practice: str, local_key: str) -> str:
    """The blind index of a practice's own patient key, or ""."""
    return tx.sealer.index("local", f"{practice}|{local_key}") if local_key else ""
