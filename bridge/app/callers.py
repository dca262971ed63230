"""Everyone who may call, from the settings: by API key, by an issuer's token, by client certificate."""

from collections.abc import Callable, Iterator
from datetime import date
from ipaddress import ip_network

import httpx

from bridge.config import CallerSettings, IssuerSettings, Settings
from bridge.errors import ConfigError, Problem, Unavailable
from bridge.security.api_keys import ApiKey, ApiKeys
from bridge.security.caller import Caller, Role
from bridge.security.callers import Callers
from bridge.security.certificates import CertificateCallers
from bridge.security.public_keys import PublicKeys
from bridge.security.secrets import Secret
from bridge.security.tls import outbound_context
from bridge.security.tokens import TokenIssuer

FETCH_S = 5.0
LARGEST = 1_000_000  # bytes of a JWKS
OURS = ("", "import")  # callers of messages that no door took in
FETCHED = ("folder:", "mesh:", "poll:")


def read_callers(settings: Settings) -> Callers:
    """Everyone who may call; ConfigError for whatever cannot be meant."""
    callers = {entry.name: _caller(entry) for entry in settings.callers}
    if len(callers) != len(settings.callers):
        raise ConfigError("Two callers have the same name.")
    return Callers(
        keys=ApiKeys(
            ApiKey(caller=callers[entry.name], digest=Secret.parse(key), last_day=last_day)
            for entry in settings.callers
            for key, last_day in _keys(entry)
        ),
        issuers=_issuers(settings, callers),
        certificates=_certificates(settings, callers),
    )


def speaking_for(settings: Settings) -> Callable[[str], frozenset[str] | None]:
    """The practices that the sender of a kept message speaks for; None for what we fetched or read ourselves.

    A caller that is in the settings no more speaks for nobody: its messages wait for a person.
    """
    practices = {entry.name: frozenset(entry.practices) for entry in settings.callers}
    practices |= {entry.name: frozenset(entry.practices) for entry in settings.mllp}

    def allowed(caller: str) -> frozenset[str] | None:
        ours = caller in OURS or caller.startswith(FETCHED)
        return None if ours and caller not in practices else practices.get(caller, frozenset())

    return allowed


def _caller(entry: CallerSettings) -> Caller:
    return Caller(
        name=entry.name,
        roles=frozenset(Role(role) for role in entry.roles),
        practices=frozenset(entry.practices),
        sources=frozenset(entry.sources),
        service=entry.service,
    )


def _keys(entry: CallerSettings) -> Iterator[tuple[str, date]]:
    for key, last_day in ((entry.key, entry.key_last_day), (entry.next_key, entry.next_key_last_day)):
        if key and last_day is not None:
            yield key, last_day


def _issuers(settings: Settings, callers: dict[str, Caller]) -> list[TokenIssuer]:
    known = {issuer.name for issuer in settings.issuers}
    unknown = [entry.name for entry in settings.callers if entry.issuer and entry.issuer not in known]
    if unknown:
        raise ConfigError(f"The caller {unknown[0]!r} names an issuer that is not in issuers.")
    return [
        TokenIssuer(
            issuer=issuer.issuer,
            audience=issuer.audience,
            keys=PublicKeys(_fetch(issuer)),
            callers={e.client: callers[e.name] for e in settings.callers if e.issuer == issuer.name},
            claim=issuer.claim,
            scopes=frozenset(issuer.scopes),
        )
        for issuer in settings.issuers
    ]


def _certificates(settings: Settings, callers: dict[str, Caller]) -> CertificateCallers | None:
    named = {name: callers[entry.name] for entry in settings.callers for name in entry.certificates}
    if len(named) != sum(len(entry.certificates) for entry in settings.callers):
        raise ConfigError("Two callers have the same certificate.")
    http = settings.http
    if named and not (http.client_ca or http.certificate_header):
        raise ConfigError("A caller is known by certificate: http needs client_ca or certificate_header.")
    if not named:
        return None
    believed = tuple(map(ip_network, http.proxies)) if http.certificate_header else ()
    return CertificateCallers(callers=named, header=http.certificate_header, proxies=believed)


def _fetch(issuer: IssuerSettings) -> Callable[[], bytes]:
    """How its keys are had: from a file each time, or from an address over TLS without redirects."""
    if issuer.keys.startswith("file:/"):
        path = Secret.parse(issuer.keys).path
        assert path is not None  # noqa: S101 - a reference of that kind has one
        return path.read_bytes
    here = issuer.keys.startswith(("http://127.0.0.1:", "http://localhost:"))
    if not (issuer.keys.startswith("https://") or here):
        raise ConfigError(f"The keys of issuer {issuer.name!r} are at https://… or in file:/path.")
    context = outbound_context(ca=issuer.ca_bundle)

    def fetch() -> bytes:
        with httpx.Client(verify=context, timeout=FETCH_S, trust_env=False) as client:
            try:
                answer = client.get(issuer.keys)
            except httpx.HTTPError:
                raise _no_keys() from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > LARGEST:
            raise _no_keys()
        return answer.content

    return fetch


def _no_keys() -> Unavailable:
    return Unavailable(problems=(Problem(code="issuer-keys-unavailable"),))
