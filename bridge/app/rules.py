"""What a site decides: mappings, schemes and callers, read from its settings."""

from bridge.app import mllp
from bridge.config import Settings, shipped
from bridge.errors import ConfigError
from bridge.fhir.naming import Naming
from bridge.pipeline.context import Context
from bridge.schemes import Rulebook, Scheme, scheme_file
from bridge.sources import Sources, load


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
    except ConfigError as error:
        problems.append(error)
    try:
        schemes = scheme_file.load(own / "schemes")
    except ConfigError as error:
        problems.append(error)
    if problems:
        raise ConfigError(problems=tuple(p for error in problems for p in error.problems))
    return sources, Rulebook(schemes)


def open_rules(settings: Settings) -> Context:
    """The rules in force, without the rest of the bridge."""
    _, rulebook = read_rules(settings)
    return Context(rulebook=rulebook, environment=settings.environment, naming=Naming(base=settings.base))
