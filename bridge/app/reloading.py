"""Mappings and schemes read anew while the bridge runs: all of them or none.

What is wired to them at start stays: partners and where they are, and how often a service is asked. A change
of those is refused with the word to restart, and so is taking away a scheme that referrals may stand under.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.app.partners import refuse_wrong_endpoints
from bridge.app.risk_telling import refuse_silent_risks
from bridge.app.rules import read_rules
from bridge.config import Settings
from bridge.errors import ConfigError, Problem
from bridge.events import Event, emit
from bridge.schemes import Rulebook
from bridge.sources import Sources
from bridge.store import Store, Tx
from bridge.store.audit import Hand


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The versions that count from now on, by system and by scheme."""

    mappings: Mapping[str, str]
    schemes: Mapping[str, str]


async def reload(settings: Settings, store: Store, rulebook: Rulebook, sources: Sources, by: Hand) -> InForce:
    """Put the rules of the files into force; ConfigError names every problem, and nothing has changed."""
    try:
        new_sources, new_rulebook = await asyncio.to_thread(_read, settings, rulebook)
    except ConfigError as error:
        _tell(settings.node, error)
        raise
    before = Sources({})
    before.renew(sources)
    schemes = rulebook.schemes

    def swap(tx: Tx) -> None:
        """Between two units: nothing is translated half by the old rules and half by the new."""
        by.sign(tx, "reload", "rules")
        sources.renew(new_sources)
        rulebook.schemes = new_rulebook.schemes

    try:
        await store.run(swap)
    except Exception:
        sources.renew(before)
        rulebook.schemes = schemes
        raise
    emit(Event.RULES_RELOADED, node=settings.node, sources=len(sources), schemes=len(rulebook.schemes))
    return InForce(mappings=sources.versions(), schemes=rulebook.versions())


def _tell(node: str, error: ConfigError) -> None:
    first = error.problems[0] if error.problems else Problem(code="setting-wrong")
    emit(Event.RULES_REFUSED, node=node, problems=len(error.problems), code=first.code, at=first.at)


def _read(settings: Settings, old: Rulebook) -> tuple[Sources, Rulebook]:
    sources, rulebook = read_rules(settings)
    refuse_wrong_endpoints(settings, rulebook)
    refuse_silent_risks(settings, rulebook)
    problems = (*_gone(old, rulebook), *_wired(old, rulebook))
    if problems:
        raise ConfigError(problems=problems)
    return sources, rulebook


def _gone(old: Rulebook, new: Rulebook) -> Iterator[Problem]:
    """Schemes that referrals may still lean on."""
    for scheme in old.schemes:
        if new.by_name(scheme.name) is None:
            yield Problem(code="reload-scheme-gone", at=scheme.name)


def _wired(old: Rulebook, new: Rulebook) -> Iterator[Problem]:
    before, after = _partners(old), _partners(new)
    for name in sorted(after):
        if before.get(name) != after[name]:
            yield Problem(code="reload-needs-restart", at=name)


def _partners(rulebook: Rulebook) -> dict[str, tuple[object, int]]:
    """Each partner with its terms and how often it is asked."""
    found: dict[str, tuple[object, int]] = {}
    for scheme in rulebook.schemes:
        service = scheme.service
        asked = found.get(service.name, ("", 0))[1]
        found[service.name] = (service.endpoint, max(asked, service.poll_minutes))
        found |= {route.name: (route, 0) for route in scheme.records}
    return found
