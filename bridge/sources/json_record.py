"""Any JSON payload that holds one referral event, or an array of them, read by plain paths.

`$.patient.name.family` names members; an array on the way stands for each of its elements; one equality may
choose among them: `$.identifiers[type=nhs].value`. A name with a dot or bracket is quoted: `$."odata.id"`.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from bridge.domain.strict_json import JsonValue, loads
from bridge.errors import Problem, Unreadable, shape
from bridge.sources.record import Found

_MOST_KNOWN = 100  # mappings whose paths are held as trees
LIMIT = 1 << 18  # bytes of one message; a referral is a few thousand

_NAME = r'(?:"([^"]+)"|([^."\[\]=]+))'
_STEP = re.compile(rf"\.{_NAME}(?:\[{_NAME}=([^\[\]]+)\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """One member name, and the member and text that its value must have to be chosen."""

    name: str
    member: str = ""
    text: str = ""


JsonPath: TypeAlias = tuple[Step, ...]


def parse_path(text: str) -> JsonPath:
    """Parse `$.a.b[c=d].e`; ValueError when it is anything else."""
    steps = tuple(
        Step(quoted or plain, quoted_member or member, chosen)
        for quoted, plain, quoted_member, member, chosen in _STEP.findall(text)
    )
    if not re.fullmatch(rf"\$(?:{_STEP.pattern})+", text):
        raise ValueError("not a place such as $.patient.name or $.identifiers[type=nhs].value")
    return steps


def records(body: bytes) -> Iterator["JsonRecord"]:
    """One record for an object, one for each element of an array of objects."""
    value = loads(body, limit=LIMIT)
    events = value if isinstance(value, list) else [value]
    odd = [n for n, event in enumerate(events, 1) if not isinstance(event, dict)]
    if odd or not events:
        at = f"event {odd[0]}" if odd and isinstance(value, list) else "$"
        raise Unreadable(problems=(Problem(code="json-no-event", at=at),))
    for n, event in enumerate(events, 1):
        yield JsonRecord(root=event, position=f"event {n}" if isinstance(value, list) else "")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class JsonRecord:
    """One object of a payload."""

    root: JsonValue
    position: str = ""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    clock: str = ""

    def get(self, path: JsonPath) -> list[Found]:
        """Every value at the path; an object where a value should be is found, but has none."""
        value, at, above = self.root, "$", "$"
        for n, step in enumerate(path):
            inner = value.get(step.name) if isinstance(value, dict) else None
            if inner is None:
                return []
            if step.member or isinstance(inner, list):
                return self._branched(path[n:], value, at)
            value, at, above = inner, f"{at}.{step.name}", at
        return [Found(_text(value), at, above)] if _says(value) else []

    def _branched(self, path: JsonPath, start: JsonValue, at: str) -> list[Found]:
        """The rest of a path, from where an array or a choice may make many of one."""
        nodes: list[_Node] = [(start, at, at)]
        for step in path:
            nodes = [inner for value, at, _ in nodes for inner in _into(value, at, step)]
        return [Found(value=_text(value), at=at, group=group) for value, at, group in nodes if _says(value)]

    def unused(self, known: Collection[JsonPath]) -> list[str]:
        """Leaves that no path reaches, by name where the mapping mentions the name at all.

        Any other name is told as its place among its siblings and its shape: `$.patient.{4: AAAA}`.
        """
        reached = _tree_of(known)
        return list(dict.fromkeys(_unused(self.root, "$", [reached.root], reached.names)))


_Node: TypeAlias = tuple[JsonValue, str, str]
"""A value, its place, and the place it shares with its siblings."""


def _into(value: JsonValue, at: str, step: Step) -> list[_Node]:
    """What stands one step below a value; an array stands for its elements."""
    inner = value.get(step.name) if isinstance(value, dict) else None
    if inner is None:
        return []
    place = f"{at}.{step.name}"
    elements: list[_Node] = [(inner, place, at)]
    if isinstance(inner, list):
        elements = list(_elements(inner, place))
    return [node for node in elements if _chosen(node[0], step)] if step.member else elements


def _elements(values: list[JsonValue], at: str) -> Iterator[_Node]:
    for n, value in enumerate(values):
        place = f"{at}[{n}]"
        if isinstance(value, list):
            yield from _elements(value, place)
        else:
            yield value, place, place


def _chosen(value: JsonValue, step: Step) -> bool:
    return not step.member or (isinstance(value, dict) and _text(value.get(step.member)) == step.text)


def _says(value: JsonValue) -> bool:
    return bool(value.strip() if isinstance(value, str) else value not in (None, {}))


def _text(value: JsonValue) -> str | None:
    if isinstance(value, str):
        return value
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
    return None


@dataclass(slots=True)
class _Branch:
    """Where known paths go from one place on: `ends` when one ends here, and all below is known too."""

    ends: bool = False
    below: dict[str, list[tuple[Step, "_Branch"]]] = field(default_factory=dict)

    def grow(self, path: JsonPath) -> None:
        """Add one path."""
        if not path:
            self.ends = True
            return
        step, rest = path[0], path[1:]
        branches = self.below.setdefault(step.name, [])
        branch = next((branch for other, branch in branches if other == step), None)
        if branch is None:
            branch = _Branch()
            branches.append((step, branch))
            if step.member:  # what an element was chosen by is used
                branch.grow((Step(step.member),))
        branch.grow(rest)


@dataclass(frozen=True, slots=True)
class _Known:
    """The known paths of one mapping as a tree, and every name in them."""

    paths: Collection[JsonPath]
    root: _Branch
    names: frozenset[str]


_KNOWN: dict[int, _Known] = {}  # by the identity of the paths, which are held with them


def _tree_of(paths: Collection[JsonPath]) -> _Known:
    """The paths as a tree; those of a mapping are made into one once."""
    known = _KNOWN.get(id(paths))
    if known is None or known.paths is not paths:
        root = _Branch()
        for path in paths:
            root.grow(path)
        names = frozenset(name for path in paths for step in path for name in (step.name, step.member))
        known = _Known(paths, root, names)
        if isinstance(paths, tuple):
            if len(_KNOWN) >= _MOST_KNOWN:
                _KNOWN.clear()
            _KNOWN[id(paths)] = known
    return known


def _unused(value: JsonValue, at: str, known: list[_Branch], names: frozenset[str]) -> Iterator[str]:
    if any(branch.ends for branch in known):
        return
    if isinstance(value, list):
        for element in value:
            yield from _unused(element, at, known, names)
    elif isinstance(value, dict):
        for n, (name, inner) in enumerate(value.items(), 1):
            below = [found for branch in known for found in branch.below.get(name, ())]
            if any(branch.ends and not step.member for step, branch in below):
                continue
            shown = name if name in names else f"{{{n}: {shape(name)}}}"
            yield from _unused_inside(inner, f"{at}.{shown}", below, names)
    elif _says(value):
        yield at


def _unused_inside(
    value: JsonValue, at: str, below: list[tuple[Step, _Branch]], names: frozenset[str]
) -> Iterator[str]:
    """Below one member: each element keeps the branches that choose it."""
    for element in value if isinstance(value, list) else [value]:
        yield from _unused(element, at, [branch for step, branch in below if _chosen(element, step)], names)
