"""A social prescribing service with a FHIR server: exactly one ServiceRequest for each referral.

| body of the delivery    | what is sent                        | why a repeat is harmless                 |
|-------------------------|-------------------------------------|------------------------------------------|
| a transaction (create)  | as it is                            | an entry is made once, by its identifier |
| the same, for a change  | as it is, then the request that was | PUT names the version that was read, and |
| or a replacement        | there already by PUT                | what says the same is not sent           |
| a ServiceRequest        | by PUT under the service's ids      | the same                                 |

The Task belongs to the service once it is there and is never written again. Before a transaction leaves, the
person is looked up by the identifier we release: two of them, or one born and named otherwise, is for a
person to decide. A cancel of a request the service does not hold is a success of level `nothing-there`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.domain.delivery import Delivery, Effect, Kind, Receipt
from bridge.errors import Ambiguous, Doubtful, Refused, Transient, Unauthorised
from bridge.fhir.trees import text
from bridge.fhir.writing import to_json
from bridge.partners import people, service_requests
from bridge.partners.answers import Key, Resource, reference_of, version_of
from bridge.partners.failures import failure, within
from bridge.partners.http import FhirClient
from bridge.partners.operation_outcome import Voice
from bridge.partners.transaction import Wanted, Written, linked, own, wanted_in, written_of

NOTHING_THERE = Receipt(level="nothing-there")


class PrescribingService:
    """One service. A step with all its requests ends within the client's deadline, an attempt within three.

    `updates_people` False leaves the service's own Patients as they are, where nobody may change them.
    """

    effect = Effect.EXACTLY_ONE

    def __init__(self, name: str, client: FhirClient, *, updates_people: bool = True) -> None:
        self.name = name
        self.longest_attempt = 3 * client.deadline
        self._client = client
        self._updates_people = updates_people
        self._budget = client.deadline

    async def prepare(self, delivery: Delivery) -> bytes:
        """The body under the service's ids; a request the service does not hold leaves it as it is."""
        async with within(self._budget, Transient):
            body = own(delivery.body)
            if _is_whole(body):
                return delivery.body
            held = await self._held_request(body, delivery)
            return delivery.body if held is None else await self._completed(body, held, delivery)

    async def send(self, delivery: Delivery) -> Receipt:
        """One attempt, as in the table above."""
        async with within(self._budget, Ambiguous):
            body = own(delivery.body)
            if _is_whole(body):
                return await self._send_whole(_Parts.of(body), delivery)
            return await self._send_request(body, delivery)

    async def look(self, delivery: Delivery) -> Receipt | None:
        """The receipt when all of it is there; None when it is not, and the same bytes will complete it."""
        async with within(self._budget, Transient):
            body = own(delivery.body)
            if _is_whole(body):
                return await self._look_whole(_Parts.of(body), delivery)
            held = await self._held_request(body, delivery)
            return _receipt(held) if held and service_requests.says_the_same(held, body) else None

    # A transaction

    async def _send_whole(self, parts: "_Parts", delivery: Delivery) -> Receipt:
        known = await self._held_person(parts, delivery)
        done = await self._submitted(parts, delivery)
        person, made = done.get("Patient"), done.get("ServiceRequest")
        if known is None and not (person and person.created):
            known = await self._held_person(parts, delivery)
        if known is not None:
            await self._keep_up(known, parts, delivery)
        if made and made.created and made.reference:
            subject = person.reference if person else ""
            return Receipt(reference=made.reference, version=made.version, subject=subject)
        held = await self._held_request(parts.request.resource, delivery)
        if held is None:
            raise failure(Ambiguous, "partner-not-found-again")
        if made and made.created:  # its place was not said
            return _receipt(held, already_there=False)
        return await self._met(held, known or {}, parts, delivery)

    async def _met(self, held: Resource, known: Resource, parts: "_Parts", delivery: Delivery) -> Receipt:
        """The request was there already: it gets the content of a delivery that is newer."""
        patient = reference_of(known)
        service_requests.check_subject(held, patient)
        ours = linked(parts.request.resource, {parts.person.full_url: patient})
        if not _brings_up_to_date(delivery) or service_requests.says_the_same(held, ours):
            return _receipt(held)
        answer = await self._client.update(
            reference_of(held),
            service_requests.completed(ours, held, patient=patient),
            version=version_of(held),
            correlation_id=delivery.correlation_id,
        )
        return Receipt(
            reference=reference_of(held), version=answer.version, already_there=True, subject=patient
        )

    async def _submitted(self, parts: "_Parts", delivery: Delivery) -> Mapping[str, Written]:
        """What became of each entry by type; nothing when the service says it processed this before."""
        try:
            answer = await self._client.submit(
                delivery.body, request_id=delivery.request_id, correlation_id=delivery.correlation_id
            )
            if answer.said is Voice.DUPLICATE:
                return {}
            return {written.kind: written for written in written_of(answer, parts.entries)}
        except Refused as refusal:
            if refusal.code == "partner-several-matches":
                await self._held_request(parts.request.resource, delivery)  # Doubtful when it is the request
            raise

    async def _keep_up(self, known: Resource, parts: "_Parts", delivery: Delivery) -> None:
        """Lay the details we release over those of the Patient that was there already."""
        newer = people.updated(known, parts.person.resource) if self._updates_people else None
        if newer is None:
            return
        reference, version = reference_of(known), version_of(known)
        if not version:
            raise failure(Doubtful, "partner-person-outdated")
        try:
            await self._client.update(
                reference, to_json(newer), version=version, correlation_id=delivery.correlation_id
            )
        except (Refused, Unauthorised) as error:
            if error.status == 401:
                raise
            raise failure(Doubtful, "partner-person-outdated", status=error.status) from None

    async def _look_whole(self, parts: "_Parts", delivery: Delivery) -> Receipt | None:
        request = await self._held_request(parts.request.resource, delivery)
        if request is None:
            return None
        known = await self._held_person(parts, delivery)
        service_requests.check_subject(request, reference_of(known or {}))
        tasks = await self._client.search("Task", parts.task.key, correlation_id=delivery.correlation_id)
        outdated = self._updates_people and people.updated(known or {}, parts.person.resource)
        older = _brings_up_to_date(delivery) and not service_requests.says_the_same(
            request, parts.request.resource
        )
        return None if older or outdated or tasks.each == (None,) else _receipt(request)

    # A ServiceRequest

    async def _send_request(self, body: Resource, delivery: Delivery) -> Receipt:
        held = await self._held_request(body, delivery)
        if held is None:
            if delivery.kind is Kind.CANCEL:
                return NOTHING_THERE
            raise failure(Doubtful, "partner-request-missing")
        raw = delivery.body if "id" in body else await self._completed(body, held, delivery)
        _check_moved(own(raw), held)
        if service_requests.says_the_same(held, body):
            return _receipt(held)
        answer = await self._client.update(
            reference_of(held),
            raw,
            version=version_of(held),
            request_id=delivery.request_id,
            correlation_id=delivery.correlation_id,
        )
        return Receipt(
            reference=reference_of(held), version=answer.version, subject=service_requests.subject_of(held)
        )

    async def _completed(self, body: Resource, held: Resource, delivery: Delivery) -> bytes:
        person = await self._found("Patient", service_requests.person_of(body), delivery)
        if person is None:
            raise failure(Doubtful, "partner-person-missing")
        return service_requests.completed(body, held, patient=reference_of(person))

    # What the service holds

    async def _held_request(self, ours: Resource, delivery: Delivery) -> Resource | None:
        return await self._found("ServiceRequest", service_requests.key_of(ours), delivery)

    async def _held_person(self, parts: "_Parts", delivery: Delivery) -> Resource | None:
        """The Patient under the identifier we release; Doubtful when it is somebody else, or two."""
        known = await self._found("Patient", parts.person.key, delivery)
        if known is not None and not people.same_person(known, parts.person.resource):
            raise failure(Doubtful, "partner-person-differs", at="Patient")
        return known

    async def _found(self, kind: str, key: Key, delivery: Delivery) -> Resource | None:
        matches = await self._client.search(kind, key, correlation_id=delivery.correlation_id)
        return matches.only(_SEVERAL[kind])


_SEVERAL = {"Patient": "partner-several-persons", "ServiceRequest": "partner-several-requests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The three entries of a whole referral."""

    entries: tuple[Wanted, ...]
    person: Wanted
    request: Wanted
    task: Wanted

    @classmethod
    def of(cls, body: Resource) -> "_Parts":
        entries = wanted_in(body)
        by_kind = {entry.kind: entry for entry in entries}
        if len(entries) != 3 or set(by_kind) != {"Patient", "ServiceRequest", "Task"}:
            raise failure(Refused, "delivery-unsendable", at="Bundle.entry")
        return cls(
            entries=entries,
            person=by_kind["Patient"],
            request=by_kind["ServiceRequest"],
            task=by_kind["Task"],
        )


def _is_whole(body: Resource) -> bool:
    return text(body, "resourceType") == "Bundle"


def _brings_up_to_date(delivery: Delivery) -> bool:
    return delivery.replaces or delivery.kind is Kind.CHANGE


def _check_moved(ours: Resource, held: Resource) -> None:
    """Doubtful when the service now holds our request under another id or for another person."""
    same = reference_of(ours) == reference_of(held)
    if not same or service_requests.subject_of(ours) != service_requests.subject_of(held):
        raise failure(Doubtful, "partner-subject-differs", at="ServiceRequest")


def _receipt(held: Resource, *, already_there: bool = True) -> Receipt:
    return Receipt(
        reference=reference_of(held),
        version=version_of(held),
        already_there=already_there,
        subject=service_requests.subject_of(held),
    )
