"""What a reading says, as plain JSON, for people and for the files of `fixtures/`: with every value in it."""

from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.domain.identifiers import NhsNumber, OdsCode

# They carry the version of the mapping, which may rise without a change of what a message means.
_UNTOLD = frozenset({"rule", "mapping"})


def told(value: Any) -> Any:
    """What a value says; a field at its default says nothing and is left out."""
    match value:
        case NhsNumber():
            said: Any = value.digits
        case OdsCode():
            said = value.code
        case datetime():
            said = value.astimezone(UTC).isoformat()
        case tuple() | list():
            said = [told(each) for each in value]
        case frozenset():
            said = sorted(map(told, value))
        case _:
            said = _fields(value) if is_dataclass(value) else value
    return said


def _fields(value: Any) -> dict[str, Any]:
    named = ((f.name, getattr(value, f.name), _default(f)) for f in fields(value) if f.name not in _UNTOLD)
    return {name: told(said) for name, said, default in named if said != default}


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()
