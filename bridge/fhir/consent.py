"""What was agreed, as a UK Core Consent inside the ServiceRequest: given or not, how far, and to whom.

The service reads from it with whom it may share the referral; bridge.fhir.consent_reader reads the same back.
"""

from typing import Final

from bridge.domain import systems
from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import UNNAMED, Consent, ConsentScope, Organisation, Referral
from bridge.fhir.datatypes import codeable, filled, organisation
from bridge.fhir.released import Released
from bridge.fhir.trees import Json, text
from bridge.fhir.vocabulary import BARS_CONSENT

_OPT_OUT: Final = codeable(systems.ACT_CODE, "OPTOUT")  # R4 misspells its display
# status and policy rule (R4 v3-ActCode) of what the source says; nothing is sent when it says nothing
_SAID: Final = {
    Consent.GIVEN: ("active", codeable(systems.ACT_CODE, "OPTIN", "opt-in")),
    Consent.REFUSED: ("rejected", _OPT_OUT),
    Consent.WITHDRAWN: ("inactive", _OPT_OUT),
}
_PRIVACY: Final = codeable(systems.CONSENT_SCOPE, "patient-privacy", "Privacy Consent")
_DISCLOSURE: Final = codeable(systems.ACT_CODE, "IDSCL", "information disclosure")
_DIRECT_CARE: Final = codeable(BARS_CONSENT, "DRC", "Direct Care")
_RECIPIENT: Final = codeable(systems.PARTICIPATION, "IRCP", "information recipient")


def consent(referral: Referral, subject: Json, released: Released, *, service: Json) -> list[Json]:
    """The Consent when the source says anything about it: one resource, or none.

    `service` is the Reference to the service the referral goes to.
    """
    if "consent" not in released or referral.consent not in _SAID:
        return []
    status, rule = _SAID[referral.consent]
    at_practice = organisation(referral.practice) if "practice" in released else {}
    given = referral.consent is Consent.GIVEN
    direct = given and referral.consent_scope is ConsentScope.DIRECT_CARE
    return [
        filled(
            resourceType="Consent",
            id="consent",
            status=status,
            scope=_PRIVACY,
            category=[_DISCLOSURE, _DIRECT_CARE] if direct else [_DISCLOSURE],
            patient=subject,
            organization=[at_practice] if at_practice else None,
            policyRule=rule,
            provision=_provision(referral, service) if given else None,
        )
    ]


def _provision(referral: Referral, service: Json) -> Json:
    """Whom it reaches: those it names; nobody but the service when it says neither a name nor how far."""
    named = [_named(name, service) for name in referral.consent_recipients]
    if not named and referral.consent_scope is ConsentScope.NOT_SAID:
        named = [service]
    return filled(actor=[{"role": _RECIPIENT, "reference": reference} for reference in named])


def _named(name: str, service: Json) -> Json:
    """A Reference to a recipient by ODS code or own identifier; one without either keeps its place."""
    if name == text(service, "identifier", "value"):
        return service
    if name == UNNAMED:
        return {"display": "Named by the referrer without an identifier"}
    try:
        return organisation(Organisation(ods=OdsCode.parse(name)))
    except ValueError:
        return {"identifier": {"value": name}}
