"""`bridge map shadow`: a changed mapping on the messages that came, before it is put into force."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.app.mllp import senders
from bridge.app.rules import read_rules
from bridge.cli import output
from bridge.cli.access import settings
from bridge.config import shipped
from bridge.errors import ConfigError, Problem
from bridge.fhir.naming import Naming
from bridge.pipeline.rehearsal import Rehearsing
from bridge.pipeline.shadowing import Shadow, shadow
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.sources import Source, Sources, load_one
from bridge.store import reading_store

_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # each message has its own time of arrival


def compared_since(file: Path, since: int) -> tuple[str, str, Shadow]:
    """The mapping in force, the one of the file, and what the second would have done since then (ms)."""
    site = settings()
    sources, rulebook = read_rules(site)
    own = site.mappings / "sources"
    new = load_one(file, *(folder for folder in (own, shipped("mappings") / "sources") if folder.is_dir()))
    if new.name not in sources:
        rule = f"one of {', '.join(sorted(sources))}"
        raise ConfigError(problems=(Problem(code="mapping-no-source", at=str(file), rule=rule),))
    changed: Mapping[str, Source] = {**sources, new.name: new}
    tried = Sources(changed, senders(site, changed))
    assumed = Rehearsing(
        arrived=_EVER,
        rulebook=rulebook,
        environment=site.environment,
        naming=Naming(base=site.base),
    )

    async def looking() -> Shadow:
        store = reading_store(site.database_url, Sealer(load_key_ring(site.key_ring)))
        try:
            return await shadow(
                store,
                new.name,
                since,
                lambda caller: sources.sent_by(caller, new.name),
                lambda caller: tried.sent_by(caller, new.name),
                assumed,
            )
        finally:
            await store.close()

    return sources[new.name].version, new.version, asyncio.run(looking())


def as_plain(old: str, new: str, found: Shadow) -> dict[str, Any]:
    """The comparison for a script; no value of a message is in it."""
    return {
        "in_force": old,
        "tried": new,
        "messages": found.messages,
        "not_held": found.gone,
        "elements": dict(found.elements.most_common()),
        "changed": {message: list(paths) for message, paths in found.changed.items()},
    }


def show(old: str, new: str, found: Shadow) -> None:
    """The same for a person, with one message as an example of each."""
    for element, count in found.elements.most_common():
        example = next(message for message, paths in found.changed.items() if element in paths)
        words = f"{count} {element}, such as in message {example}"
        output.out.print(words, markup=False, highlight=False, soft_wrap=True)
    words = f"{found.messages} messages, {len(found.changed)} would change from {old} to {new}"
    gone = f"; of {found.gone} the bytes are not held any more" if found.gone else ""
    output.out.print(words + gone, markup=False, highlight=False, soft_wrap=True)
