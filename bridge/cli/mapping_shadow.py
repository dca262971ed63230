"""`bridge map shadow`: a changed mapping on the messages that came, before it is put into force."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bridge.app.mllp import senders
from bridge.app.rules import read_rules, read_tried
from bridge.cli import output
from bridge.cli.access import settings
from bridge.config import Settings, shipped
from bridge.errors import ConfigError, Problem
from bridge.fhir.naming import Naming
from bridge.pipeline.rehearsal import Rehearsing
from bridge.pipeline.shadowing import Shadow, shadow
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.sources import Source, Sources, load_one
from bridge.store import reading_store

_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # each message has its own time of arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The mapping in force, the one that is tried, and what the second would have done."""

    old: str
    new: str
    found: Shadow


def compared_since(file: Path | None, since: int) -> list[Compared]:
    """What a mapping file would have done since then (ms); without one, those of the setting `shadow`."""
    site = settings()
    sources, rulebook = read_rules(site)
    tried = read_tried(site) if file is None else _one(site, file, sources)
    if not tried:
        raise ConfigError(problems=(Problem(code="shadow-nothing-tried", at="shadow"),))
    for name in tried:
        if name not in sources:
            rule = f"one of {', '.join(sorted(sources))}"
            problem = Problem(code="mapping-no-source", at=str(file or site.shadow), rule=rule)
            raise ConfigError(problems=(problem,))
    assumed = Rehearsing(
        arrived=_EVER,
        rulebook=rulebook,
        environment=site.environment,
        naming=Naming(base=site.base),
    )

    async def looking() -> list[Compared]:
        store = reading_store(site.database_url, Sealer(load_key_ring(site.key_ring)))
        try:
            return [
                Compared(
                    old=sources[name].version,
                    new=tried[name].version,
                    found=await shadow(
                        store, name, since, partial(_by, sources, name), partial(_by, tried, name), assumed
                    ),
                )
                for name in tried
            ]
        finally:
            await store.close()

    return asyncio.run(looking())


def _one(site: Settings, file: Path, sources: Sources) -> Sources:
    """The system of one file, as it would be then."""
    own = site.mappings / "sources"
    new = load_one(file, *(folder for folder in (own, shipped("mappings") / "sources") if folder.is_dir()))
    if new.name not in sources:
        return Sources({new.name: new})
    speaking = senders(site, {**sources, new.name: new})
    return Sources({new.name: new}, {by: one for by, one in speaking.items() if one.name == new.name})


def _by(sources: Sources, name: str, caller: str) -> Source:
    return sources.sent_by(caller, name)


def as_plain(compared: Compared) -> dict[str, Any]:
    """The comparison for a script; no value of a message is in it."""
    found = compared.found
    return {
        "in_force": compared.old,
        "tried": compared.new,
        "messages": found.messages,
        "not_held": found.gone,
        "elements": dict(found.elements.most_common()),
        "changed": {message: list(paths) for message, paths in found.changed.items()},
    }


def show(compared: Compared) -> None:
    """The same for a person, with one message as an example of each."""
    found = compared.found
    for element, count in found.elements.most_common():
        example = next(message for message, paths in found.changed.items() if element in paths)
        words = f"{count} {element}, such as in message {example}"
        output.out.print(words, markup=False, highlight=False, soft_wrap=True)
    words = (
        f"{found.messages} messages, {len(found.changed)} would change from {compared.old} to {compared.new}"
    )
    gone = f"; of {found.gone} the bytes are not held any more" if found.gone else ""
    output.out.print(words + gone, markup=False, highlight=False, soft_wrap=True)
