"""Reading scheme files: every problem of every file at once, each with file and line."""

from pathlib import Path

from pydantic import ValidationError

from bridge.domain.toml_file import read_toml
from bridge.errors import ConfigError, Problem
from bridge.errors.wording import rule_of
from bridge.fhir.released import FIELD_GROUPS
from bridge.schemes.routes import RecordRoute
from bridge.schemes.scheme import Scheme


def load(*folders: Path) -> tuple[Scheme, ...]:
    """Every scheme of the folders; of two files with one name the earlier folder's counts."""
    files: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.toml")):
            files.setdefault(file.name, file)
    problems: list[Problem] = []
    schemes = [scheme for file in files.values() if (scheme := _read(file, problems)) is not None]
    problems.extend(_between(schemes))
    if problems:
        raise ConfigError(problems=tuple(problems))
    return tuple(schemes)


def load_one(file: Path) -> Scheme:
    """One scheme file; ConfigError with every problem of it."""
    problems: list[Problem] = []
    scheme = _read(file, problems)
    if scheme is None or problems:
        raise ConfigError(problems=tuple(problems))
    return scheme


def _read(file: Path, problems: list[Problem]) -> Scheme | None:
    try:
        toml = read_toml(file)
    except ConfigError as error:
        problems.extend(error.problems)
        return None
    try:
        scheme = Scheme.model_validate(toml.said)
    except ValidationError as error:
        for found in error.errors(include_input=False, include_url=False):
            place = ".".join(str(part) for part in found["loc"])
            problems.append(
                Problem(code="scheme-rule", at=toml.place(place), target=place, rule=rule_of(found))
            )
        return None
    for kind, groups in scheme.disclosure.items():
        unknown = sorted(set(groups) - FIELD_GROUPS.keys())
        if unknown:
            place = f"disclosure.{kind}"
            rule = f"no such field group: {', '.join(unknown)}"
            problems.append(Problem(code="scheme-rule", at=toml.place(place), target=place, rule=rule))
    return scheme


def _between(schemes: list[Scheme]) -> list[Problem]:
    """What only shows when schemes are put side by side."""
    problems = []
    owner: dict[str, str] = {}
    endpoints: dict[str, str] = {}
    routes: dict[str, RecordRoute] = {}
    for scheme in schemes:
        for practice in scheme.practices:
            if owner.setdefault(practice.ods, scheme.name) != scheme.name:
                rule = f"practice {practice.ods} is also in scheme {owner[practice.ods]}"
                problems.append(Problem(code="scheme-rule", at=scheme.name, target="practices", rule=rule))
        for route in scheme.records:
            if routes.setdefault(route.name, route) != route:
                rule = f"record route {route.name} has two meanings"
                problems.append(Problem(code="scheme-rule", at=scheme.name, target="records", rule=rule))
        for name, endpoint in scheme.endpoints():
            if endpoints.setdefault(name, endpoint) != endpoint:
                rule = f"partner {name} has two endpoints"
                problems.append(Problem(code="scheme-rule", at=scheme.name, target="endpoint", rule=rule))
    return problems
