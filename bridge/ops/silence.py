"""Whether a source has been silent for longer than it should, on the calendar its people work by."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from bridge.domain.dates import LONDON

_DAY = timedelta(days=1)
_WEEKEND = 5  # date.weekday() of a Saturday


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A source should be heard of `every` so often; with `working_days` other days do not count."""

    source: str
    every: timedelta
    working_days: bool = True
    holidays: AbstractSet[date] = field(default_factory=frozenset)

    def is_overdue(self, last: datetime, now: datetime) -> bool:
        """Whether more than `every` has passed since `last`; both are aware."""
        if not self.working_days:
            return now - last > self.every
        return self._counted(last.astimezone(LONDON), now.astimezone(LONDON)) > self.every

    def _counted(self, last: datetime, now: datetime) -> timedelta:
        """The time between two moments that falls on working days; counting ends once it is enough."""
        total, here = timedelta(), last
        while here < now and total <= self.every:
            midnight = datetime.combine(here.date() + _DAY, time(), LONDON)
            if self._works(here.date()):
                total += min(midnight, now) - here
            here = midnight
        return total

    def _works(self, day: date) -> bool:
        return day.weekday() < _WEEKEND and day not in self.holidays
