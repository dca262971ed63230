"""Asking a service what changed: Tasks and Observations since a moment on the service's own clock.

The next moment to ask from is when the service says it answered, less an overlap for what was still being
written then. Reading a resource twice is harmless; a moment that jumps ahead would lose an outcome for ever,
so a clock ahead of ours by more than `TRUSTED` is not believed.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from bridge.errors import NotThePartner
from bridge.fhir.trees import text, trees
from bridge.partners.answers import Resource
from bridge.partners.failures import failure
from bridge.partners.http import FhirClient
from bridge.partners.searches import shown_in

OVERLAP = timedelta(minutes=5)
TRUSTED = timedelta(hours=1)
PAGE = 100  # resources asked for at once
LARGE_PAGE = 1000  # asked for where the service has no next pages
MOST_PAGES = 50

# Changes of one transaction share a moment and may lie on two pages; the narrow one is for a busy second.
_TIES = (timedelta(seconds=1), timedelta(milliseconds=1))

Polled = Literal["Task", "Observation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. `watermark` may be kept once this page and those before it are; `last` False: more waits."""

    resources: tuple[Resource, ...]
    watermark: datetime | None
    last: bool


class Polling:
    """Polls one service. Raises DeliveryErrors only."""

    def __init__(
        self,
        client: FhirClient,
        *,
        overlap: timedelta = OVERLAP,
        most_pages: int = MOST_PAGES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self._client = client
        self._overlap = overlap
        self._most_pages = most_pages
        self._now = now
        self._new_id = new_id

    async def pages(self, kind: Polled, since: datetime | None) -> AsyncIterator[Page]:
        """What changed after `since` (None: everything), oldest first where the service can sort.

        The last page carries the new watermark. Where the service counts more than it shows and has no next
        page, a large page is asked for. After `most_pages`, or where that is cut too, the rest waits for the
        next poll, which goes on from the newest change read when the pages came in order, and from `since`
        otherwise.
        """
        correlation_id = str(self._new_id())
        answer = await self._client.page(kind, _asked(since, PAGE), correlation_id=correlation_id)
        if not _next_link(answer.body) and _counts_more(answer.body, len(shown_in(answer.body, kind))):
            answer = await self._client.page(kind, _asked(since, LARGE_PAGE), correlation_id=correlation_id)
        answered_at = instant(text(answer.body, "meta", "lastUpdated")) or answer.date
        changes: list[datetime] = []
        followed = set[str]()
        shown = 0
        while True:
            found = shown_in(answer.body, kind)
            shown += len(found)
            changes += _changes(found)
            link = _next_link(answer.body)
            if not link and not _counts_more(answer.body, shown):
                watermark = self._whole(since, answered_at, changes)
                yield Page(resources=found, watermark=watermark, last=True)
                return
            followed.add(link)
            if not link or len(followed) == self._most_pages:
                yield Page(resources=found, watermark=self._part(since, changes), last=False)
                return
            yield Page(resources=found, watermark=since, last=False)
            answer = await self._client.next_page(link, correlation_id=correlation_id)
            if _next_link(answer.body) in followed:
                raise failure(NotThePartner, "partner-answer-unexpected")

    def _whole(
        self, since: datetime | None, answered_at: datetime | None, changes: list[datetime]
    ) -> datetime | None:
        """Where to go on from when everything was read."""
        for moment in (answered_at, max(changes, default=None)):
            if moment is not None and self._is_believed(moment, since):
                return moment - self._overlap
        return since

    def _part(self, since: datetime | None, changes: list[datetime]) -> datetime | None:
        """Where to go on from when there is more: just before the last change read, if they came in order."""
        if changes != sorted(changes) or not changes or not self._is_believed(changes[-1], since):
            return since
        moments = (changes[-1] - tie for tie in _TIES)
        return next((moment for moment in moments if since is None or moment > since), since)

    def _is_believed(self, moment: datetime, since: datetime | None) -> bool:
        return moment <= self._now() + TRUSTED and (since is None or moment >= since - TRUSTED)


def instant(value: str) -> datetime | None:
    """The aware moment of a FHIR instant; None when it is none."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _asked(since: datetime | None, count: int) -> list[tuple[str, str]]:
    asked = [("_sort", "_lastUpdated"), ("_count", str(count))]
    if since is None:
        return asked
    after = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [("_lastUpdated", f"gt{after}"), *asked]


def _changes(resources: Iterable[Resource]) -> list[datetime]:
    said = (instant(text(resource, "meta", "lastUpdated")) for resource in resources)
    return [moment for moment in said if moment is not None]


def _counts_more(bundle: Resource, shown: int) -> bool:
    """Whether the service says it found more than it showed; one was seen to cut without a next page."""
    total = bundle.get("total")
    return isinstance(total, int) and total > shown


def _next_link(bundle: Resource) -> str:
    links = trees(bundle, "link")
    return next((text(link, "url") for link in links if text(link, "relation") == "next"), "")
