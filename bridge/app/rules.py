"""What a site decides: mappings, schemes and callers, read from its settings."""

from collections.abc import Mapping

from bridge.app import mllp
from bridge.config import Settings, shipped
from bridge.errors import ConfigError, Problem
from bridge.fhir.naming import Naming
from bridge.pipeline.context import Context
from bridge.schemes import Rulebook, Scheme, scheme_file
from bridge.sources import Source, Sources, load, named_in


def read_rules(settings: Settings) -> tuple[Sources, Rulebook]:
    """Mappings and schemes: the site's own folder first, what comes with the bridge after it.

    ConfigError names every problem of every file at once.
    """
    own, ours = settings.mappings, shipped("mappings")
    problems: list[ConfigError] = []
    sources = Sources({})
    schemes: tuple[Scheme, ...] = ()
    try:
        systems = load(*(f for f in (own / "sources", ours / "sources") if f.is_dir()))
        sources = Sources(systems, mllp.senders(settings, systems))
        refuse_unknown_sources(settings, systems)
    except ConfigError as error:
        problems.append(error)
    try:
        schemes = scheme_file.load(own / "schemes")
    except ConfigError as error:
        problems.append(error)
    if problems:
        raise ConfigError(problems=tuple(p for error in problems for p in error.problems))
    return sources, Rulebook(schemes)


def refuse_unknown_sources(settings: Settings, systems: Mapping[str, Source]) -> None:
    """ConfigError for a caller bound to a system that is not there, and a folder whose system sends no files.

    Whoever is bound to a misspelt name is turned away with each message, and only the sender sees it.
    """
    problems = [
        Problem(code="caller-source", at=f"callers {caller.name}", rule=name)
        for caller in settings.callers
        for name in caller.sources
        if name not in systems
    ]
    problems += [
        Problem(code="folder-source", at=f"folders {folder.path}", rule=folder.source)
        for folder in settings.folders
        if folder.source not in systems or systems[folder.source].mapping.format != "emis"
    ]
    if problems:
        raise ConfigError(problems=tuple(problems))


def read_tried(settings: Settings) -> Sources:
    """The systems that the files of `settings.shadow` would change, as they would be then.

    Each with the overlays of the site; ConfigError names every problem.
    """
    if settings.shadow is None:
        return Sources({})
    own, ours = settings.mappings / "sources", shipped("mappings") / "sources"
    systems = load(settings.shadow, *(f for f in (own, ours) if f.is_dir()))
    changed = {name: systems[name] for name in named_in(settings.shadow)}
    speaking = mllp.senders(settings, systems)
    return Sources(changed, {caller: one for caller, one in speaking.items() if one.name in changed})


def open_rules(settings: Settings) -> Context:
    """The rules in force, without the rest of the bridge."""
    _, rulebook = read_rules(settings)
    return Context(rulebook=rulebook, environment=settings.environment, naming=Naming(base=settings.base))
