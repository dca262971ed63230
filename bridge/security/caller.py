"""Who calls us and what is theirs: every caller is bound to its practices and sources, or to its service."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.identifiers import OdsCode
from bridge.errors import ConfigError


class Role(StrEnum):
    """What kind of caller it is."""

    SYSTEM = "system"  # a GP system: sends referral events of its practices
    SERVICE = "service"  # a social prescribing service: reads and reports on its own referrals
    PRACTICE = "practice"  # people at a practice: read what was sent for their patients
    OPERATOR = "operator"  # runs the bridge: states, reasons and places, never a referral's content
    DATA_OFFICER = "data-officer"  # answers for the data of its practices


_READS_PRACTICES = frozenset({Role.SYSTEM, Role.PRACTICE, Role.DATA_OFFICER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One configured caller. Nothing named means nothing allowed: there is no wildcard.

    `practices` are ODS codes as `OdsCode` writes them. ConfigError when the entry contradicts itself.
    """

    name: str
    roles: frozenset[Role]
    practices: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    service: str = ""

    def __post_init__(self) -> None:
        wrong = _contradiction(self)
        if wrong:
            raise ConfigError(f"The caller {self.name!r} cannot be used: {wrong}.")

    def may_read(self, referral_practice: str, service: str) -> bool:
        """Whether it may read the content of a referral of that practice that is with that service."""
        of_practice = bool(self.roles & _READS_PRACTICES) and referral_practice in self.practices
        return of_practice or self.may_report(service)

    def may_report(self, service: str) -> bool:
        """Whether it may report outcomes as that service."""
        return Role.SERVICE in self.roles and self.service == service


def _contradiction(caller: Caller) -> str:
    if not caller.name:
        return "it has no name"
    if not caller.roles or not all(isinstance(role, Role) for role in caller.roles):
        return f"its roles must be some of {', '.join(Role)}"
    if (Role.SERVICE in caller.roles) != bool(caller.service):
        return "the role service and the name of a service go together"
    if "" in caller.sources:
        return "a source has a name"
    if not all(_is_ods(practice) for practice in caller.practices):
        return "its practices must be ODS codes in capitals"
    return ""


def _is_ods(text: str) -> bool:
    try:
        return OdsCode.parse(text).code == text
    except ValueError:
        return False
