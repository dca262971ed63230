"""Who is asked for news: services that do not push, by the schemes' `poll_minutes`, and mailboxes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from bridge.app.partners import Built
from bridge.config import Settings
from bridge.ops.polls import Polls
from bridge.partners.http import FhirClient
from bridge.partners.polling import Polling
from bridge.pipeline.context import Context
from bridge.pipeline.mailbox import MailReader
from bridge.pipeline.tracking import Poller
from bridge.schemes import Rulebook
from bridge.store import Store


def pollers(
    rulebook: Rulebook,
    clients: Mapping[str, FhirClient],
    *,
    store: Store,
    context: Context,
    wake: Callable[[], None],
    polls: Polls,
) -> tuple[Poller, ...]:
    """A poller for each service that some scheme wants polled; `clients` by the partner's name.

    What comes of each poll is told to `polls`.
    """
    return tuple(
        Poller(
            store=store,
            context=context,
            service=service,
            asking=Polling(clients[service]),
            every=timedelta(minutes=minutes),
            wake=wake,
            told=polls.hears_of(service, timedelta(minutes=minutes)),
        )
        for service, minutes in _wanted(rulebook)
    )


def readers(
    settings: Settings,
    partners: Iterable[Built],
    *,
    store: Store,
    context: Context,
    wake: Callable[[], None],
    polls: Polls,
) -> tuple[MailReader, ...]:
    """A reader for each MESH mailbox; what comes of each reading is told to `polls`."""
    return tuple(
        MailReader(
            store=store,
            context=context,
            route=built.partner.name,
            inbox=built.inbox,
            every=_mail_every(settings, built),
            wake=wake,
            told=polls.hears_of(built.partner.name, _mail_every(settings, built)),
        )
        for built in partners
        if built.inbox is not None
    )


def _mail_every(settings: Settings, built: Built) -> timedelta:
    return timedelta(seconds=settings.partners[built.partner.name].mail_every_s)


def _wanted(rulebook: Rulebook) -> Iterator[tuple[str, int]]:
    """Each polled service once, as often as the most eager of its schemes asks."""
    for service in dict.fromkeys(scheme.service.name for scheme in rulebook.schemes):
        asked = [scheme.service.poll_minutes for scheme in rulebook.of_service(service)]
        eager = min((minutes for minutes in asked if minutes), default=0)
        if eager:
            yield service, eager
