"""What a reader gives: records that answer to paths. The mapping says which paths; Python never guesses.

A format is a module of this package (or of the entry point group `bridge.sources`) with

    parse_path(text) -> Path            the format's plain notation, parsed once at load; ValueError(code)
    records(body) -> Iterator[Record]   one per event-shaped place in the message; raises Unreadable.
                                        News of a person is a PersonRecord instead.
    TRANSFORMS                          optional: name -> str to str, for what only this format writes so

A format whose input needs references resolved (FHIR) has, instead of `records`,

    read(body, *, mapping, arrived) -> Iterator[Reading]
    code_problem(table, code, meaning) -> str       why a line of a code table cannot be used; "" when it can
"""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from bridge.domain.person import NewsKind
from bridge.errors import Problem

Path: TypeAlias = Hashable
"""A parsed path; only the format that parsed it looks inside."""


class Found(NamedTuple):
    """One value met at a path: `at` is its place inside the record (`$.reasons[1].text`, `OBX[3]-5.1`).

    `value` is None when something stands there that is not one value (an object). Values of one `group`
    belong together: the code and the text of the same reason. (A tuple: a message has a hundred of them.)
    """

    value: str | None
    at: str
    group: str = ""

    def __repr__(self) -> str:
        return f"Found(at={self.at!r})"


class Record(Protocol):
    """One event-shaped place in a message, read but not yet understood."""

    @property
    def position(self) -> str:
        """Where in the message: "" for the only one, else "message 2", "event 3", "row 12".

        It is put before every place that is told, so readers name places inside the record only.
        """

    @property
    def clock(self) -> str:
        """The source's clock, sortable as text, where the format knows it; "" leaves it to the mapping."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the reader itself found wrong; with one there is no event."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the reader itself found odd."""

    def get(self, path: Any) -> list[Found]:
        """Every value at that path, in order; empty fields and nulls are not values."""

    def unused(self, known: Collection[Any]) -> list[str]:
        """Notations of what holds a value and is not at or below any known path; never a value.

        A name that no known path mentions is data: give its position and shape instead.
        """


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PersonRecord:
    """What is about a person and not about a referral; only places of practice and patient are asked for.

    `said` names the fields of `Patient` that it speaks of. Of a merge only `numbers` (NHS numbers as written)
    and `local_keys` of both records count.
    """

    record: Record
    kind: NewsKind
    said: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    local_keys: tuple[str, ...] = ()
