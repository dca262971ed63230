"""A GP record with a FHIR API: outcomes are filed as Observations about a Patient it already holds.

The subject is read first, by NHS number, and must be born and named as the referral's patient: none, several
or somebody else is for a person to decide, and a Patient is never created here. Until it is prepared the body
is `{"identity": {"nhs_number": …, "birth_date": …, "family": …}, "bundle": …}`; what leaves is the Bundle.
"""

from typing import Any

from bridge.domain.delivery import Delivery, Effect, Receipt
from bridge.domain.systems import NHS_NUMBER
from bridge.errors import Ambiguous, Doubtful, Transient
from bridge.fhir.bundles import with_subject
from bridge.fhir.trees import text, tree_at, trees
from bridge.fhir.writing import to_json
from bridge.partners import people
from bridge.partners.answers import Key, Resource, reference_of, version_of
from bridge.partners.failures import failure, within
from bridge.partners.http import FhirClient
from bridge.partners.operation_outcome import Voice
from bridge.partners.transaction import Wanted, own, wanted_in, written_of

FILED = "filed"

_THE_SERVERS = frozenset({"id", "meta", "text", "implicitRules", "subject"})


class GpRecord:
    """One record. A step with all its requests ends within the client's deadline, an attempt within three."""

    effect = Effect.EXACTLY_ONE

    def __init__(self, name: str, client: FhirClient) -> None:
        self.name = name
        self.longest_attempt = 3 * client.deadline
        self._client = client
        self._budget = client.deadline

    async def prepare(self, delivery: Delivery) -> bytes:
        """The Bundle about the record's own Patient; Doubtful when that is not surely the right one."""
        async with within(self._budget, Transient):
            body = own(delivery.body)
            identity, bundle = tree_at(body, "identity"), dict(tree_at(body, "bundle"))
            number = text(identity, "nhs_number")
            _check_subjects(bundle, number)
            matches = await self._client.search(
                "Patient", Key(NHS_NUMBER, number), correlation_id=delivery.correlation_id
            )
            held = matches.only("record-several-persons")
            if held is None:
                raise failure(Doubtful, "record-person-missing")
            if not people.is_person(held, born=text(identity, "birth_date"), family=text(identity, "family")):
                raise failure(Doubtful, "record-person-differs", at="Patient")
            if people.is_closed(held):
                raise failure(Doubtful, "record-person-closed", at="Patient")
            return with_subject(to_json(bundle), subject_reference=reference_of(held))

    async def send(self, delivery: Delivery) -> Receipt:
        """One attempt to file all Observations of the Bundle, or none."""
        async with within(self._budget, Ambiguous):
            wanted = wanted_in(own(delivery.body))
            answer = await self._client.submit(
                delivery.body, request_id=delivery.request_id, correlation_id=delivery.correlation_id
            )
            if answer.said is Voice.DUPLICATE:
                return await self._found_again(wanted, delivery)
            written = written_of(answer, wanted)
            return Receipt(
                reference=written[0].reference,
                version=written[0].version,
                already_there=not any(w.created for w in written),
                level=FILED,
            )

    async def look(self, delivery: Delivery) -> Receipt | None:
        """The receipt when all of it is filed; None when any of it is not, and the same bytes complete it."""
        async with within(self._budget, Transient):
            body = own(delivery.body)
            if not delivery.frozen:  # nothing was sent before the bytes were fixed
                return None
            return await self._filed(wanted_in(body), delivery)

    async def _found_again(self, wanted: tuple[Wanted, ...], delivery: Delivery) -> Receipt:
        found = await self._filed(wanted, delivery)
        if found is None:
            raise failure(Ambiguous, "partner-not-found-again")
        return found

    async def _filed(self, wanted: tuple[Wanted, ...], delivery: Delivery) -> Receipt | None:
        matches = await self._client.search(
            "Observation", *(w.key for w in wanted), correlation_id=delivery.correlation_id
        )
        there = [held for held in matches.each if held is not None]
        if len(there) < len(wanted) or not all(map(_is_filed, there, wanted)):
            return None
        return Receipt(
            reference=reference_of(there[0]), version=version_of(there[0]), already_there=True, level=FILED
        )


def _check_subjects(bundle: Resource, number: str) -> None:
    """Doubtful when an Observation names somebody else than the identity it came with ."""
    for n, entry in enumerate(trees(bundle, "entry")):
        named = text(entry, "resource", "subject", "identifier", "value")
        if not number or named != number or text(entry, "resource", "resourceType") != "Observation":
            raise failure(Doubtful, "record-subject-differs", at=f"Bundle.entry[{n}].resource.subject")


def _is_filed(held: Resource, want: Wanted) -> bool:
    """A first version counts by its identifier; a correction has to be what stands there now."""
    return not want.replaces or _content(held) == _content(want.resource)


def _content(observation: Resource) -> dict[str, Any]:
    return {name: value for name, value in observation.items() if name not in _THE_SERVERS}
