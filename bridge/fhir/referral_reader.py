"""A ServiceRequest and what stands around it in its message, as the domain's Referral.

One reader serves UK Core and BaRS: where a BaRS message says the same thing elsewhere (what is asked for in
the Task, the reasons in the Conditions of the CarePlan), that place is read too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.domain import systems
from bridge.domain.dates import Said
from bridge.domain.referral import (
    Concept,
    Identifier,
    Organisation,
    Patient,
    Referral,
    ReferralKey,
)
from bridge.fhir.consent_reader import consent_of
from bridge.fhir.findings import Findings
from bridge.fhir.meanings import FhirAliases, Meanings
from bridge.fhir.people import People
from bridge.fhir.references import Entry, Message
from bridge.fhir.required_codes import REQUIRED_CODES
from bridge.fhir.trees import Json, Tree, codings, extension, has_code, labels, placed, text, tree_at, trees
from bridge.fhir.vocabulary import BARS_FLAGS, FLAG_CATEGORY, OBSERVATION_VALUE, ORIGINAL_TEXT_EXTENSION
from bridge.fhir.wall_clock import date_time


@dataclass(frozen=True, slots=True)
class ReferralReader:
    """Reads one ServiceRequest of a message; what it notices goes to `findings`."""

    message: Message
    entry: Entry
    findings: Findings
    meanings: Meanings
    people: People

    @classmethod
    def of(cls, message: Message, entry: Entry, aliases: FhirAliases) -> "ReferralReader":
        """A reader of `entry`, with findings of its own."""
        findings = Findings()
        meanings = Meanings(aliases, findings)
        return cls(message, entry, findings, meanings, People(message, meanings, findings))

    @property
    def request(self) -> Json:
        """The ServiceRequest."""
        return self.entry.resource

    def around(self, kind: str) -> Iterator[tuple[str, Json]]:
        """The resources of a type that belong to this request: contained, referred to, or alone with it."""
        yield from (
            (place, held)
            for place, held in placed(self.request, "contained", self.entry.at)
            if text(held, "resourceType") == kind
        )
        alone = len(self.message.all("ServiceRequest")) == 1
        linked = [
            self.message.follow(reference, self.request)
            for name in ("supportingInfo", "reasonReference", "basedOn")
            for reference in trees(self.request, name)
        ]
        for entry in self.message.all(kind):
            if alone or any(entry.resource is found for found in linked):
                yield entry.at, entry.resource

    def subject(self) -> Tree:
        """The Patient of the message this request is about; empty when it is not in the message."""
        found = self.message.follow(tree_at(self.request, "subject"), self.request)
        return found if text(found, "resourceType") == "Patient" else {}

    def referral(self, key: ReferralKey) -> Referral:
        """The Referral; what makes it unusable is among the problems of the findings."""
        request, at = self.request, self.entry.at
        patient = self._patient()
        asked_by = self.people.requester(tree_at(request, "requester"), request, f"{at}.requester")
        reasons, reason_text = self._reasons()
        flags = self._flags()
        consent, scope, recipients = consent_of(
            (c for _, c in self.around("Consent")), lambda named: self.message.follow(named, request)
        )
        return Referral(
            key=key,
            practice=self._practice(asked_by.organisation),
            patient=replace(patient, requirements=flags["requirements"]),
            requested=self._requested(),
            reasons=reasons,
            reason_text=reason_text,
            note=self._note(),
            priority=self._priority(),
            priority_text=text(
                extension(tree_at(request, "_priority"), ORIGINAL_TEXT_EXTENSION), "valueString"
            ),
            authored_on=self._authored_on(),
            requester=asked_by,
            author=self._author(),
            recipient=self._recipient(),
            risks=flags["risks"],
            consent=consent,
            consent_scope=scope,
            consent_recipients=recipients,
            identifiers=self._identifiers(key),
            withheld=(OBSERVATION_VALUE, "REDACTED") in labels(request),
        )

    def _patient(self) -> Patient:
        reference, at = tree_at(self.request, "subject"), f"{self.entry.at}.subject"
        named, status = self.people.nhs_number(reference, at)
        found = self.subject()
        if not found:
            if named is None:
                self.findings.refuse("fhir-no-patient", at)
            return Patient(nhs_number=named, nhs_number_status=status)
        at_patient = self._place_of(found)
        patient = self.people.patient(found, at_patient)
        replaced = any(text(link, "type") == "replaced-by" for link in trees(found, "link"))
        if replaced or found.get("active", True) is not True:
            self.findings.refuse("fhir-patient-not-in-use", at_patient)
        if named is not None and patient.nhs_number not in (None, named):
            self.findings.refuse("fhir-patient-differs", at)
        return patient

    def _place_of(self, resource: Tree) -> str:
        entries = (e.at for e in self.message.entries if e.resource is resource)
        held = placed(self.request, "contained", self.entry.at)
        return next(entries, "") or next((place for place, r in held if r is resource), "")

    def _practice(self, asked_by: Organisation) -> Organisation:
        """The surgery of the patient, else the organisation of the requester, which is warned of."""
        patient = self.subject()
        at = f"{self._place_of(patient)}.generalPractitioner"
        held = [self.people.organisation(r, patient, at) for r in trees(patient, "generalPractitioner")]
        coded = next((o for o in held if o.ods), None)
        if coded is None and asked_by.ods:
            self.findings.warn("fhir-practice-from-requester", at, target="practice")
            return asked_by
        return coded or next(iter(held), Organisation())

    def _requested(self) -> Concept:
        """What was asked for, by the request or by a Task; damage to its only code stops the event."""
        told = [(self.entry.at, tree_at(self.request, "code"))]
        told += [(at, tree_at(task, "code")) for at, task in self.around("Task")]
        said = [(at, code) for at, code in told if code and systems.TASK_CODE not in dict(codings(code))]
        if not said:
            return Concept()
        at, code = said[0]
        before = len(self.findings.warnings)
        asked = self.meanings.concept(code, f"{at}.code")
        if not asked.codings:
            self.findings.problems += self.findings.warnings[before:]
        return asked

    def _reasons(self) -> tuple[tuple[Concept, ...], str]:
        """Coded reasons, and the words of those without a code."""
        held = [
            self.meanings.concept(c, place) for place, c in placed(self.request, "reasonCode", self.entry.at)
        ]
        held += [
            self.meanings.concept(tree_at(condition, "code"), f"{at}.code")
            for at, condition in self.around("Condition")
            if not _is_denied(condition)
        ]
        coded = tuple(dict.fromkeys(c for c in held if c.codings))
        return coded, "\n".join(dict.fromkeys(c.text for c in held if c.text and not c.codings))

    def _note(self) -> str:
        words = [text(n, "text") for n in trees(self.request, "note")]
        for _, plan in self.around("CarePlan"):
            for activity in trees(plan, "activity"):
                words += [text(o, "text") for o in trees(activity, "outcomeCodeableConcept")]
        words += [text(task, "description") for _, task in self.around("Task")]
        return "\n\n".join(dict.fromkeys(w for w in words if w))

    def _priority(self) -> str:
        value = text(self.request, "priority")
        if value and value not in REQUIRED_CODES["ServiceRequest.priority"]:
            self.findings.warn("fhir-code", f"{self.entry.at}.priority", value=value, target="priority")
            return ""
        return value

    def _authored_on(self) -> str:
        value = text(self.request, "authoredOn")
        try:
            said = date_time(value) if value else Said()
        except ValueError as error:
            said = Said(warning=str(error))
        if said.warning:
            self.findings.warn(said.warning, f"{self.entry.at}.authoredOn", value=value, target="authored_on")
        return said.text

    def _author(self) -> Organisation:
        headers = self.message.all("MessageHeader")
        if not headers:
            return Organisation()
        sender = tree_at(headers[0].resource, "sender")
        return self.people.organisation(sender, headers[0].resource, f"{headers[0].at}.sender")

    def _recipient(self) -> Organisation:
        """The performer: an Organization, or a HealthcareService with the organisation that provides it."""
        for reference in trees(self.request, "performer"):
            at = f"{self.entry.at}.performer"
            found = self.message.follow(reference, self.request)
            if text(found, "resourceType") == "HealthcareService":
                provider = self.people.organisation(tree_at(found, "providedBy"), found, at)
                return replace(provider, name=text(found, "name") or provider.name)
            return self.people.organisation(reference, self.request, at)
        return Organisation()

    def _flags(self) -> dict[str, tuple[Concept, ...]]:
        """Requirements and risks; any other kind of flag is warned of, since it is not passed on."""
        held: dict[str, list[Concept]] = {"requirements": [], "risks": []}
        for at, flag in self.around("Flag"):
            if text(flag, "status") != "active":
                continue
            kind = _flag_kind(trees(flag, "category"))
            if kind:
                held[kind].append(self.meanings.concept(tree_at(flag, "code"), f"{at}.code"))
            else:
                self.findings.warn("fhir-flag-not-carried", at)
        return {kind: tuple(meanings) for kind, meanings in held.items()}

    def _identifiers(self, key: ReferralKey) -> tuple[Identifier, ...]:
        held = (self.meanings.identifier(i) for i in trees(self.request, "identifier"))
        others = (i for i in held if i and i.system and (i.system, i.value) != (key.owner, key.record))
        return tuple(dict.fromkeys(others))


def _flag_kind(categories: tuple[Json, ...]) -> str:
    if has_code(categories, (BARS_FLAGS,), "RA"):
        return "requirements"
    return "risks" if has_code(categories, (FLAG_CATEGORY,), "safety") else ""


def _is_denied(condition: Tree) -> bool:
    """Whether the sender says that there is no such condition (value set condition-ver-status of FHIR R4)."""
    said = {code for _, code in codings(tree_at(condition, "verificationStatus"))}
    return bool(said & {"refuted", "entered-in-error"})
