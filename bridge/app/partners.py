"""Each partner a scheme names, with its client and the site's credentials for it."""

from datetime import timedelta

import httpx

from bridge.config import PartnerSettings, Settings
from bridge.delivery.port import Partner
from bridge.partners.http import FhirClient
from bridge.partners.identity import ApiKeyHeader
from bridge.partners.prescribing import PrescribingService
from bridge.partners.record import GpRecord
from bridge.schemes import Rulebook
from bridge.security.secrets import Secret
from bridge.security.tls import Certificate, outbound_context


def partner_names(rulebook: Rulebook) -> list[str]:
    """Every partner the schemes name, once."""
    named = {name: None for scheme in rulebook.schemes for name, _ in scheme.endpoints()}
    return list(named)


def build_partner(settings: Settings, rulebook: Rulebook, name: str) -> tuple[Partner, FhirClient]:
    """One partner with its client, by the schemes' endpoint and the site's credentials."""
    terms = settings.partners.get(name, PartnerSettings())
    endpoint, is_service = next(
        (endpoint, scheme.service.name == name)
        for scheme in rulebook.schemes
        for named, endpoint in scheme.endpoints()
        if named == name
    )
    client = FhirClient(
        endpoint,
        tls=outbound_context(ca=terms.ca_bundle, certificate=_certificate(terms)),
        auth=_identity(terms),
        proxy=terms.proxy or None,
        deadline=timedelta(seconds=terms.deadline_s),
        connections=terms.concurrency,
    )
    return (PrescribingService(name, client) if is_service else GpRecord(name, client)), client


def _certificate(terms: PartnerSettings) -> Certificate | None:
    if terms.certificate is None or terms.certificate_key is None:
        return None
    return Certificate(chain=terms.certificate, key=terms.certificate_key)


def _identity(terms: PartnerSettings) -> httpx.Auth | None:
    if terms.identity == "api-key":
        return ApiKeyHeader(Secret.parse(terms.api_key), header=terms.api_key_header)
    return None
