"""The workers of a node, one for each partner, as the settings want them."""

from collections.abc import Callable
from datetime import timedelta

from bridge.config import PartnerSettings, Settings
from bridge.delivery.breaker import Breaker
from bridge.delivery.port import Partner
from bridge.delivery.retry import RetryPolicy
from bridge.delivery.worker import Terms, Worker, running_ms
from bridge.ops.pulse import now_ms
from bridge.pipeline import forward
from bridge.pipeline.context import Context
from bridge.security.sealing import Sealer
from bridge.store import Store

SPARE = timedelta(seconds=10)  # of a lease, beyond twice the longest attempt


def worker(settings: Settings, store: Store, sealer: Sealer, context: Context, partner: Partner) -> Worker:
    """The worker of one partner; its lease is twice the longest attempt and a little more."""
    terms = settings.partners.get(partner.name, PartnerSettings())
    return Worker(
        store,
        partner,
        Breaker(now=running_ms, wall=now_ms),
        node=settings.node,
        terms=Terms(
            concurrency=terms.concurrency,
            lease=2 * partner.longest_attempt + SPARE,
            policy=RetryPolicy(
                first=timedelta(seconds=terms.first_retry_s),
                longest=timedelta(seconds=terms.longest_retry_s),
            ),
        ),
        open_body=sealer.open,
        last_look=forward.last_look(context),
        on_settled=forward.on_settled,
    )


def waker(workers: tuple[Worker, ...]) -> Callable[[], None]:
    """What has every worker look at once."""

    def wake() -> None:
        for worker in workers:
            worker.wake.set()

    return wake
