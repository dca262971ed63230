"""One odd value anywhere in a message that was right."""

import copy
from typing import Any

from hypothesis import strategies as st

from bridge.fhir.trees import Json

lists = st.lists(st.none() | st.just({}), max_size=2)
odd = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | lists
anything = odd | st.dictionaries(st.text(max_size=3), odd)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path of a tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for key, held in inner for p in places(held, (*path, key)))]


def spoilt(tree: Json, path: tuple[Any, ...], value: Any) -> Json:
    """A copy with something else at one path."""
    made = copy.deepcopy(tree)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return made
