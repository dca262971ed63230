"""An HL7 v2 system as one sender uses it: the same mapping, with times and characters as it means them."""

from dataclasses import replace

from bridge.errors import ConfigError, Problem
from bridge.sources import Source
from bridge.sources.hl7v2 import TRANSFORMS, parse_path, reader
from bridge.sources.hl7v2_profile import STANDARD, Profile
from bridge.sources.mapping import Mapping
from bridge.sources.transforms import Transform

FORMAT = "hl7v2"


def reads_hl7v2(source: Source) -> bool:
    """Whether its messages are HL7 v2: its places are written so, whatever module reads them."""
    return source.format.parse_path is parse_path


def as_sent_by(source: Source, profile: Profile) -> Source:
    """The source as a sender with these habits uses it; ConfigError when its format has habits of its own."""
    if profile == STANDARD:
        return source
    if source.mapping.format != FORMAT:
        raise ConfigError(problems=(Problem(code="mllp-habits", rule=f"format {source.mapping.format}"),))
    own = reader(profile)
    meant = {usual: own.transforms[name] for name, usual in TRANSFORMS.items()}
    overlays = {practice: _meant(each, meant) for practice, each in source.mapping.overlays.items()}
    return Source(
        mapping=replace(_meant(source.mapping, meant), overlays=overlays),
        format=source.format.reading(own.records),
    )


def _meant(mapping: Mapping, meant: dict[Transform, Transform]) -> Mapping:
    rules = (
        replace(rule, transform=meant.get(rule.transform, rule.transform)) if rule.transform else rule
        for rule in mapping.rules
    )
    return replace(mapping, rules=tuple(rules))
