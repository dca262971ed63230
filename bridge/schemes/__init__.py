"""Schemes: who is eligible, which service, what may be told to whom, what goes back."""

from dataclasses import dataclass

from bridge.schemes.gate import Case, Decision, Verdict, decide, forbidden, withdrawal
from bridge.schemes.scheme import Mode, PracticeRule, Scheme
from bridge.store.ageing import Quiet

__all__ = [
    "Case",
    "Decision",
    "Mode",
    "PracticeRule",
    "Rulebook",
    "Scheme",
    "Verdict",
    "decide",
    "forbidden",
    "withdrawal",
]


@dataclass(slots=True)
class Rulebook:
    """Every scheme in use. A practice belongs to one scheme. `schemes` is only ever replaced whole."""

    schemes: tuple[Scheme, ...] = ()

    def of_practice(self, ods: str) -> tuple[Scheme, PracticeRule] | None:
        """The scheme and rule of a practice, or None when no scheme names it."""
        for scheme in self.schemes:
            rule = scheme.practice(ods)
            if rule is not None:
                return scheme, rule
        return None

    def by_name(self, name: str) -> Scheme | None:
        """One scheme."""
        return next((s for s in self.schemes if s.name == name), None)

    def versions(self) -> dict[str, str]:
        """The version of each scheme that counts now."""
        return {scheme.name: scheme.version for scheme in self.schemes}

    def terms_of_silence(self) -> tuple[Quiet, ...]:
        """For each scheme after how long a silent referral is ageing, and who looks into it."""
        return tuple(
            Quiet(
                scheme=scheme.name,
                days=scheme.silent_days,
                urgent_days=scheme.silent_days_urgent,
                owner=scheme.ageing_owner or scheme.service.title,
            )
            for scheme in self.schemes
        )

    def titles(self) -> dict[str, str]:
        """Every partner by name, as people call it; a lone route into records needs no name beside it."""
        routes = list(dict.fromkeys(route.name for scheme in self.schemes for route in scheme.records))
        found = {name: f"the GP record ({name})" if routes[1:] else "the GP record" for name in routes}
        return found | {scheme.service.name: scheme.service.title for scheme in self.schemes}

    def of_service(self, service: str) -> tuple[Scheme, ...]:
        """The schemes that send to a service."""
        return tuple(s for s in self.schemes if s.service.name == service)
