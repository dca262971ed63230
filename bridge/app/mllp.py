"""The ports for HL7 v2 over MLLP, as the settings name them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from ssl import SSLContext

from bridge.config import Settings
from bridge.config.mllp import MllpSettings
from bridge.errors import ConfigError, Problem
from bridge.intake.desk import Desk
from bridge.intake.mllp import MllpDoor
from bridge.security.caller import Caller, Role
from bridge.security.certificates import CertificateCallers
from bridge.security.tls import Certificate, door_context
from bridge.sources import Source
from bridge.sources.hl7v2_profile import Profile
from bridge.sources.hl7v2_sender import as_sent_by, reads_hl7v2


def senders(settings: Settings, systems: Mapping[str, Source]) -> dict[str, Source]:
    """Each port's mapping as its sender uses it, by the name of the caller.

    ConfigError names every port that cannot be used.
    """
    problems = list(_problems(settings, systems))
    found: dict[str, Source] = {}
    for entry in settings.mllp:
        try:
            if entry.source in systems:
                found[entry.name] = as_sent_by(systems[entry.source], _profile(entry))
        except ConfigError as error:
            problems += (Problem(code=p.code, at=f"mllp {entry.name}", rule=p.rule) for p in error.problems)
    if problems:
        raise ConfigError(problems=tuple(problems))
    return found


def doors(settings: Settings, desk: Desk) -> list[MllpDoor]:
    """The ports of this node; ConfigError when a certificate cannot be used."""
    return [_door(entry, desk) for entry in settings.mllp]


def refuse_wrong_ports(settings: Settings) -> None:
    """ConfigError for a port that two are to listen on, and for a certificate that cannot be used."""
    taken = Counter([settings.http.port, *(entry.port for entry in settings.mllp if entry.port)])
    problems = [
        Problem(code="mllp-port-taken", at=f"mllp {entry.name}", rule=f"port {entry.port}")
        for entry in settings.mllp
        if taken[entry.port] > 1
    ]
    if problems:
        raise ConfigError(problems=tuple(problems))
    for entry in settings.mllp:
        _tls(entry)


def _tls(entry: MllpSettings) -> SSLContext | None:
    if entry.certificate is None or entry.certificate_key is None:
        return None
    certificate = Certificate(chain=entry.certificate, key=entry.certificate_key)
    return door_context(certificate=certificate, client_ca=entry.client_ca)


def _problems(settings: Settings, systems: Mapping[str, Source]) -> Iterator[Problem]:
    names = Counter([*(entry.name for entry in settings.mllp), *(c.name for c in settings.callers)])
    for entry in settings.mllp:
        if names[entry.name] > 1:
            yield Problem(code="mllp-name-taken", at=f"mllp {entry.name}")
        if entry.source not in systems or not reads_hl7v2(systems[entry.source]):
            yield Problem(code="mllp-source", at=f"mllp {entry.name}", rule=entry.source)


def _profile(entry: MllpSettings) -> Profile:
    try:
        return Profile(charset=entry.charset, zone=entry.zone, offset_is_a_lie=entry.offset_is_a_lie)
    except (LookupError, ValueError, OSError):
        raise ConfigError(problems=(Problem(code="mllp-wrong-habit"),)) from None


def _door(entry: MllpSettings, desk: Desk) -> MllpDoor:
    caller = Caller(
        name=entry.name,
        roles=frozenset({Role.SYSTEM}),
        practices=frozenset(entry.practices),
        sources=frozenset({entry.source}),
    )
    named = CertificateCallers(callers={entry.client_name: caller}) if entry.client_name else None
    return MllpDoor(
        desk=desk,
        caller=caller,
        source=entry.source,
        host=entry.host,
        port=entry.port,
        limit=int(entry.largest_message_mb * 1_000_000),
        idle_s=entry.idle_s,
        tls=_tls(entry),
        certificates=named,
    )
