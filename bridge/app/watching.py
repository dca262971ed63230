"""What watches a bridge: its pulse, its metrics, and the addresses that show them."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from fastapi import APIRouter, Request

from bridge.app.alerting import tellers
from bridge.app.partners import partner_names
from bridge.config import Settings
from bridge.delivery.worker import Worker
from bridge.errors import BridgeError, ConfigError, Problem
from bridge.ops import health, metrics, status
from bridge.ops.alerting import Alerting, Routes, Terms
from bridge.ops.health import Guard
from bridge.ops.metrics import Metrics
from bridge.ops.polls import Polls
from bridge.ops.pulse import Bounds, Expiry, Hearts, Pulse, Release
from bridge.ops.silence import Expected
from bridge.ops.vitals import Vitals
from bridge.pipeline import forward
from bridge.schemes import Mode, Rulebook
from bridge.security.expiry import last_moment
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.security.secrets import Secret
from bridge.sources import Sources
from bridge.store import Store

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What watches one bridge. `operator` lets operators look, `keyed` the monitoring key as well."""

    vitals: Vitals
    metrics: Metrics
    alerting: Alerting
    operator: Guard
    keyed: Guard

    @property
    def hearts(self) -> Hearts:
        """Where the loops of this node say that they turn."""
        return self.vitals.pulse.hearts

    def routes(self) -> APIRouter:
        """The addresses on the doors."""
        router = APIRouter()
        router.include_router(health.routes(self.vitals, self.operator))
        router.include_router(status.routes(self.vitals, self.keyed))
        router.include_router(metrics.routes(self.metrics, self.vitals, self.keyed))
        return router

    def inner_routes(self) -> APIRouter:
        """The addresses on the control socket, which only its own user can open."""
        return health.routes(self.vitals)


def open_metrics(rulebook: Rulebook, sources: Sources) -> Metrics:
    """Metrics with the names of this site as labels."""
    return Metrics(
        partners=partner_names(rulebook),
        sources=sources.__contains__,
        practices=lambda ods: rulebook.of_practice(ods) is not None,
    )


def open_watch(
    settings: Settings,
    rulebook: Rulebook,
    sources: Sources,
    store: Store,
    workers: Sequence[Worker],
    *,
    version: str,
    counted: Metrics,
    full: Callable[[], str],
    operator: Guard,
    polls: Polls,
    sealer: Sealer,
) -> Watch:
    """Everything that watches; ConfigError for a key, a certificate or a source that is not there."""
    release = settings.release
    routes = Routes(tellers(settings))
    pulse = Pulse(
        store=store,
        node=settings.node,
        release=Release(
            version=version,
            revision=release.revision,
            release_id=release.id,
            commit_id=release.commit,
        ),
        bounds=_bounds(settings),
        workers=workers,
        hearts=Hearts(),
        folders=_folders(settings),
        partners=partner_names(rulebook),
        held_back=forward.HELD_BACK,
        mappings=sources.versions,
        schemes=rulebook.versions,
        feed_limit=lambda practice: _feed_limit(rulebook, practice),
        full=full,
        expected=tuple(_expected(settings, rulebook, sources)),
        expiries=tuple(_expiries(settings)),
        polls=polls.known if settings.workers else {},
        alert_routes=routes.standing,
        ring_in_place=lambda: _is_in_place(settings.key_ring, sealer),
    )
    vitals = Vitals(pulse)
    alerting = Alerting(
        store=store,
        node=settings.node,
        report=vitals.report,
        routes=routes,
        terms=Terms(after_s=settings.alerts.after_s, every_s=settings.alerts.every_s),
        hearts=pulse.hearts,
    )
    keyed = _keyed(settings.watch.status_key, operator)
    return Watch(vitals=vitals, metrics=counted, alerting=alerting, operator=operator, keyed=keyed)


def _is_in_place(reference: str, sealer: Sealer) -> bool:
    """Whether what is sealed now opens with the ring that lies there; it is read each time."""
    sealed = sealer.seal(b"ring", bound_to="keys:ring")
    try:
        return Sealer(load_key_ring(reference)).open(sealed, bound_to="keys:ring") == b"ring"
    except BridgeError:
        return False


def _bounds(settings: Settings) -> Bounds:
    watch = settings.watch
    return Bounds(
        least_free=settings.limits.least_free_mb * 1_000_000,
        queue=timedelta(minutes=watch.queue_minutes),
        urgent=timedelta(minutes=watch.urgent_minutes),
        expiry=timedelta(days=watch.expiry_days),
        clock=timedelta(seconds=watch.clock_s),
        slow=timedelta(milliseconds=watch.slow_ms),
    )


def _folders(settings: Settings) -> dict[str, Path]:
    found = {"data": settings.data}
    if settings.database_url.startswith("sqlite:"):
        beside = Path(settings.database_url.removeprefix("sqlite:")).parent
        if beside != settings.data:
            found["database"] = beside
    return found


def _feed_limit(rulebook: Rulebook, practice: str) -> timedelta | None:
    found = rulebook.of_practice(practice)
    if found is None or found[1].mode is Mode.OFF:
        return None
    return timedelta(hours=found[0].feed_max_age_hours)


def _expected(settings: Settings, rulebook: Rulebook, sources: Sources) -> Iterator[Expected]:
    known = {*sources, *(scheme.service.name for scheme in rulebook.schemes)}
    for entry in settings.expected:
        if entry.source not in known:
            raise ConfigError(problems=(Problem(code="expected-unknown", at="expected", rule=entry.source),))
        yield Expected(
            source=entry.source,
            every=timedelta(hours=entry.every_hours),
            working_days=entry.working_days,
            holidays=frozenset(settings.watch.holidays),
        )


def _expiries(settings: Settings) -> Iterator[Expiry]:
    """Certificates as they were when this node started, since those are the ones in use."""
    ours = {"http": settings.http.certificate}
    ours |= {entry.name: entry.certificate for entry in settings.mllp}
    ours |= {name: terms.certificate for name, terms in settings.partners.items()}
    for name, chain in ours.items():
        if chain is not None:
            yield Expiry(kind="certificate", of=name, at=_ms(last_moment(chain)))
    for caller in settings.callers:
        days = [day for day in (caller.key_last_day, caller.next_key_last_day) if day is not None]
        if days:
            end = datetime.combine(max(days), time(), UTC) + timedelta(days=1)
            yield Expiry(kind="key", of=caller.name, at=_ms(end))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _keyed(reference: str, operator: Guard) -> Guard:
    """Whoever shows the monitoring key, and operators."""
    if not reference:
        return operator
    digest = Secret.parse(reference).text().strip()
    if not _DIGEST.fullmatch(digest):
        raise ConfigError(f"{reference} holds no SHA-256 of a monitoring key.")

    async def guard(request: Request) -> None:
        shown = _shown(request)
        if not hmac.compare_digest(hashlib.sha256(shown.encode()).hexdigest(), digest):
            await operator(request)

    return guard


def _shown(request: Request) -> str:
    """The key as the NHS platform sends it, as other callers do, or as Prometheus can."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.headers.get("apikey") or request.headers.get("x-api-key") or bearer
