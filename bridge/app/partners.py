"""Each partner a scheme names, with its client and the site's credentials for it.

A test bridge reaches no live system and a live one no test system: the scheme says of every endpoint beyond
this machine which it is, and the bridge does not start with one of the other kind (promise 10).
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address

import httpx

from bridge import letters
from bridge.app.mesh import open_mailbox
from bridge.config import PartnerSettings, Settings
from bridge.config.doors import LOOPBACK
from bridge.config.partners import PdsSettings
from bridge.delivery.port import Partner
from bridge.errors import ConfigError, Problem
from bridge.partners.http import FhirClient
from bridge.partners.identity import ApiKeyHeader, Bearer, ClientCredentials, Grant, SignedJwt
from bridge.partners.pds import Pds
from bridge.partners.prescribing import PrescribingService
from bridge.partners.record import GpRecord
from bridge.partners.shelf import Shelf
from bridge.partners.worklist import Worklist
from bridge.pipeline.mailbox import Inbox
from bridge.schemes import Rulebook
from bridge.schemes.routes import RecordRoute
from bridge.schemes.scheme import Service
from bridge.security.secrets import Secret
from bridge.security.tls import Certificate, outbound_context

PDS = "pds"  # the name its credentials stand under


def partner_names(rulebook: Rulebook) -> list[str]:
    """Every partner the schemes name, once."""
    named = {name: None for scheme in rulebook.schemes for name, _ in scheme.endpoints()}
    return list(named)


@dataclass(frozen=True, slots=True)
class Built:
    """A partner, the client through which it is asked where it speaks FHIR, and its mailbox if it has one."""

    partner: Partner
    client: FhirClient | None = None
    inbox: Inbox | None = None


def build_partner(settings: Settings, rulebook: Rulebook, name: str, pds: Pds | None = None) -> Built:
    """One partner, by the schemes' terms and the site's credentials; `pds` looks people up for letters."""
    terms = settings.partners.get(name, PartnerSettings())
    route = next((r for scheme in rulebook.schemes for r in scheme.records if r.name == name), None)
    if route is not None and route.by_letter:
        letters.check()
        if route.mesh is None:
            return Built(Worklist(route.name))
        mailbox = open_mailbox(route, route.mesh, terms, trace=pds.trace if pds else None)
        return Built(mailbox, inbox=mailbox)
    endpoint = next(
        endpoint for scheme in rulebook.schemes for named, endpoint in scheme.endpoints() if named == name
    )
    if not endpoint:
        return Built(Shelf(name))
    client = _client(endpoint, terms)
    return Built(GpRecord(name, client) if route else PrescribingService(name, client), client)


def check_letters(settings: Settings, rulebook: Rulebook) -> None:
    """ConfigError for a route of letters that could not be opened; nobody is asked anything."""
    for route in {route.name: route for scheme in rulebook.schemes for route in scheme.records}.values():
        if route.by_letter:
            build_partner(settings, rulebook, route.name)


def open_pds(settings: Settings) -> tuple[Pds, FhirClient] | None:
    """What looks people up, with its client; None when the site has not turned it on."""
    if not settings.pds.endpoint:
        return None
    terms = settings.partners.get(PDS, PartnerSettings())
    client = _client(settings.pds.endpoint, terms)
    return Pds(client, per_second=settings.pds.per_second), client


def _client(endpoint: str, terms: PartnerSettings) -> FhirClient:
    context = outbound_context(ca=terms.ca_bundle, certificate=_certificate(terms))
    return FhirClient(
        endpoint,
        tls=context,
        auth=_identity(terms, context),
        proxy=terms.proxy or None,
        deadline=timedelta(seconds=terms.deadline_s),
        connections=terms.concurrency,
    )


def _certificate(terms: PartnerSettings) -> Certificate | None:
    if terms.certificate is None or terms.certificate_key is None:
        return None
    passphrase = Secret.parse(terms.certificate_passphrase) if terms.certificate_passphrase else None
    return Certificate(chain=terms.certificate, key=terms.certificate_key, passphrase=passphrase)


def _identity(terms: PartnerSettings, context: ssl.SSLContext) -> httpx.Auth | None:
    """How the bridge says who it is; tokens are fetched under the same certificates and proxy."""
    if terms.identity == "api-key":
        return ApiKeyHeader(Secret.parse(terms.api_key), header=terms.api_key_header)
    grant = _grant(terms)
    if grant is None:
        return None
    http = httpx.AsyncClient(
        verify=context, proxy=terms.proxy or None, timeout=terms.deadline_s, trust_env=False
    )
    return Bearer(http, grant)


def _grant(terms: PartnerSettings) -> Grant | None:
    if terms.identity == "client-credentials":
        return ClientCredentials(
            token_url=terms.token_url,
            client_id=terms.client_id,
            secret=Secret.parse(terms.client_secret),
            scope=terms.scope,
            in_body=terms.secret_in_body,
        )
    if terms.identity == "nhs-signed-jwt":
        return SignedJwt(
            token_url=terms.token_url,
            private_key=Secret.parse(terms.private_key),
            kid=terms.key_id,
            api_key=Secret.parse(terms.api_key),
        )
    return None


def refuse_wrong_endpoints(settings: Settings, rulebook: Rulebook) -> None:
    """ConfigError naming every endpoint that this bridge may not talk to."""
    problems = tuple(_wrong_endpoints(settings, rulebook))
    if problems:
        raise ConfigError(problems=problems)


def _wrong_endpoints(settings: Settings, rulebook: Rulebook) -> Iterator[Problem]:
    for scheme in rulebook.schemes:
        asked = (route for route in scheme.records if route.endpoint)
        served = (scheme.service,) if scheme.service.endpoint else ()
        systems: tuple[Service | RecordRoute, ...] = (*served, *asked)
        for system in systems:
            for rule in _wrong(system, settings.environment):
                yield Problem(code="scheme-rule", at=scheme.name, target=system.name, rule=rule)
    if settings.pds.endpoint:
        for rule in _wrong(settings.pds, settings.environment):
            yield Problem(code="setting-wrong", at="pds", target="pds.endpoint", rule=rule)


def _wrong(system: Service | RecordRoute | PdsSettings, ours: str) -> Iterator[str]:
    url = httpx.URL(system.endpoint)
    if _is_here(url.host):
        return
    if system.environment != ours:
        yield f"its environment is {system.environment or 'not said'}, this bridge's is {ours}"
    if ours == "live" and url.scheme != "https":
        yield "a live endpoint starts with https://"


def _is_here(host: str) -> bool:
    try:
        return host in LOOPBACK or ip_address(host).is_loopback
    except ValueError:
        return False
