"""The identifier systems this bridge owns, and the ids it derives: the same input, the same id, for ever."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from bridge.domain.referral import BRIDGE, Identifier, Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Systems under one absolute URL, no slash at its end, that the operator owns and never changes."""

    base: str

    @property
    def referral(self) -> str:
        """Our id of a referral, the placer identifier of ServiceRequest and Task."""
        return f"{self.base}/Id/referral"

    @property
    def patient(self) -> str:
        """Our id of a person whose NHS number may not leave or is not known."""
        return f"{self.base}/Id/patient"

    @property
    def outcome(self) -> str:
        """Our id of something a service said, as filed in a GP record."""
        return f"{self.base}/Id/outcome"

    @property
    def safe_contact(self) -> str:
        """The code system of the safe contact flags."""
        return f"{self.base}/CodeSystem/safe-contact"

    @property
    def score_form(self) -> str:
        """The code system of the forms a score is in."""
        return f"{self.base}/CodeSystem/score-form"

    def record(self, source: str) -> str:
        """The record ids of one source system."""
        return f"{self.base}/Id/record/{source}"

    def placer(self, referral: Referral) -> Identifier:
        """The identifier of a referral under our own system."""
        return Identifier(system=self.referral, value=str(referral.key.id))

    def person(self, referral: Referral) -> Identifier:
        """Our identifier of a referral's patient: one per source patient key, else one per referral."""
        key, local = referral.key, referral.patient.local_key
        value = derived(BRIDGE, key.source, key.owner, local) if local else derived(key.id, "Patient")
        return Identifier(system=self.patient, value=str(value))


def derived(space: UUID, *parts: str) -> UUID:
    """uuid5 over the length-prefixed parts, so no two lists of parts can collide by joining."""
    return uuid5(space, "".join(f"{len(part)}:{part}" for part in parts))
