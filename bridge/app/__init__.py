"""Builds everything from Settings. The only room that knows all the others."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

from bridge.app.accounts import AccountWorks
from bridge.app.callers import read_callers, speaking_for
from bridge.app.doors import refuse_open_doors, strangers
from bridge.app.keys import KeyWorks
from bridge.app.page import page_routes
from bridge.app.partners import build_partner, open_pds, partner_names, refuse_wrong_endpoints
from bridge.app.polling import pollers, readers
from bridge.app.reloading import InForce, reload
from bridge.app.risk_telling import refuse_silent_risks
from bridge.app.rules import read_rules
from bridge.app.sending import waker, worker
from bridge.app.subjects import SubjectWorks
from bridge.app.verbs import Works
from bridge.app.watching import Watch, open_metrics, open_watch
from bridge.config import Settings
from bridge.delivery.port import Partner
from bridge.delivery.worker import Worker
from bridge.errors import ConfigError
from bridge.events import observed_by
from bridge.fhir.naming import Naming
from bridge.intake import answers, control, fhir, http, outcomes, undelivered, worklist
from bridge.intake.control import Verb
from bridge.intake.desk import Desk
from bridge.ops.audit import FILE as HEADS
from bridge.ops.audit import HeadKeeper
from bridge.ops.limits import Bounds, Gauge
from bridge.ops.polls import Polls
from bridge.ops.retention import Periods, Purger
from bridge.partners.http import FhirClient
from bridge.pipeline import forward
from bridge.pipeline.context import Context
from bridge.pipeline.later import Translator
from bridge.pipeline.mailbox import MailReader
from bridge.pipeline.restored import Reconciler
from bridge.pipeline.tracking import Poller
from bridge.schemes import Rulebook
from bridge.security.audit import AuditChain
from bridge.security.keyring import load_key_ring
from bridge.security.rates import Rates
from bridge.security.sealing import Sealer
from bridge.sources import Sources
from bridge.store import Store, facts, open_store
from bridge.store.audit import Hand

VERSION = version("referral-bridge")


@dataclass(frozen=True, slots=True)
class Bridge:
    """One running bridge, wired."""

    settings: Settings
    store: Store
    sealer: Sealer
    context: Context
    sources: Sources
    workers: tuple[Worker, ...]
    clients: tuple[FhirClient, ...]
    desk: Desk
    chain: AuditChain
    gauge: Gauge
    pollers: tuple[Poller, ...]
    partners: tuple[Partner, ...]
    watch: Watch
    mailboxes: tuple[MailReader, ...]

    @property
    def translator(self) -> Translator:
        """What translating later needs: each caller stays bound to its practices."""
        allowed = speaking_for(self.settings)
        return Translator(store=self.store, context=self.context, sources=self.sources, allowed=allowed)

    @property
    def works(self) -> Works:
        """What a person may have the bridge do."""
        return Works(
            store=self.store,
            translator=self.translator,
            purger=self.purger,
            reconciler=Reconciler(
                store=self.store,
                partners={partner.name: partner for partner in self.partners},
                open_body=self.sealer.open,
            ),
            look=self.gauge.look,
            wake=self.desk.wake,
        )

    @property
    def purger(self) -> Purger:
        """What purging needs."""
        terms = self.settings.retention
        emis = (name for name, source in self.sources.items() if source.mapping.format == "emis")
        return Purger(
            store=self.store,
            context=self.context,
            periods=Periods(**terms.model_dump()),
            node=self.settings.node,
            lapsing=next(emis, ""),
        )

    @property
    def heads(self) -> HeadKeeper:
        """What tells the heads of the audit chains."""
        return HeadKeeper(store=self.store, file=self.settings.data / HEADS, node=self.settings.node)

    def http(self) -> FastAPI:
        """The application of the doors."""
        app = FastAPI(title="Referral bridge", version=VERSION, docs_url=None, redoc_url=None)
        answers.install(app)
        if self.settings.doors:
            app.include_router(outcomes.routes(self.desk))  # before the sources: one address of theirs is its
            app.include_router(http.routes(self.desk))
            app.include_router(worklist.routes(self.desk))
            app.include_router(undelivered.routes(self.desk))
            app.include_router(fhir.routes(self.desk, version=VERSION))
        app.include_router(self.watch.routes())
        if self.settings.page.shown:
            app.include_router(self._page())
        return app

    def _page(self) -> APIRouter:
        return page_routes(
            self.settings,
            translator=self.translator,
            vitals=self.watch.vitals,
            chain=self.chain,
            wake=self.desk.wake,
            version=VERSION,
        )

    def control(self) -> FastAPI:
        """The application of the control socket, for the command line on this machine."""
        app = FastAPI(openapi_url=None)
        answers.install(app)
        app.include_router(self.watch.inner_routes())
        app.include_router(control.routes(self.chain, self.settings.node, self.verbs()))
        return app

    def verbs(self) -> Mapping[str, Verb]:
        """All that a person may have this bridge do."""
        keys = KeyWorks(
            store=self.store, sealer=self.sealer, chain=self.chain, reference=self.settings.key_ring
        )
        accounts = AccountWorks(store=self.store)
        subjects = SubjectWorks(store=self.store, context=self.context)
        works = (self.works, keys, accounts, subjects)
        return {name: verb for each in works for name, verb in each.verbs().items()} | {
            "reload": self._reload_told
        }

    async def reload(self, by: Hand) -> InForce:
        """Put the mappings and schemes of the files into force; ConfigError, and nothing has changed."""
        return await reload(self.settings, self.store, self.context.rulebook, self.sources, by)

    async def _reload_told(self, by: Hand, _said: dict[str, Any]) -> dict[str, Any]:
        try:
            return asdict(await self.reload(by))
        except ConfigError as error:
            return {"problems": [asdict(problem) for problem in error.problems]}


@asynccontextmanager
async def open_bridge(settings: Settings) -> AsyncIterator[Bridge]:
    """Open the store and wire everything; nothing runs yet."""
    refuse_open_doors(settings)
    sources, rulebook = read_rules(settings)
    refuse_wrong_endpoints(settings, rulebook)
    refuse_silent_risks(settings, rulebook)
    context = Context(rulebook=rulebook, environment=settings.environment, naming=Naming(base=settings.base))
    ring = load_key_ring(settings.key_ring)
    sealer = Sealer(ring)
    chain = AuditChain(ring)
    counted = open_metrics(rulebook, sources)
    store = open_store(
        settings.database_url,
        sealer,
        connections=settings.database_connections,
        on_commit=counted.committed,
    )
    observing = ExitStack()
    clients: tuple[FhirClient, ...] = ()
    try:
        observing.enter_context(observed_by(counted.observe))
        await store.run(lambda tx: facts.same_keys(tx, ring))
        pds = open_pds(settings)
        asked = pds[0] if pds else None
        partners = [build_partner(settings, rulebook, name, asked) for name in partner_names(rulebook)]
        clients = tuple(built.client for built in partners if built.client is not None)
        clients += (pds[1],) if pds else ()
        by_name = {built.partner.name: built.client for built in partners if built.client is not None}
        workers = tuple(
            worker(settings, store, sealer, context, built.partner) for built in partners if settings.workers
        )
        gauge = Gauge(store, settings.data, _bounds(settings, rulebook))
        await gauge.look()
        desk = Desk(
            store=store,
            context=context,
            sources=sources,
            callers=read_callers(settings),
            chain=chain,
            node=settings.node,
            largest_body=settings.http.largest_body_mb * 1_000_000,
            later=settings.translate == "later",
            wake=waker(workers),
            full=gauge.full,
            rates=Rates(per_second=settings.http.requests_per_s, burst=settings.http.burst),
            strangers=strangers(settings.http),
        )
        polls = Polls()
        asking = pollers(rulebook, by_name, store=store, context=context, wake=desk.wake, polls=polls)
        yield Bridge(
            settings,
            store,
            sealer,
            context,
            sources,
            workers,
            clients,
            desk,
            chain,
            gauge,
            asking,
            tuple(built.partner for built in partners),
            open_watch(
                settings,
                rulebook,
                sources,
                store,
                workers,
                version=VERSION,
                counted=counted,
                full=gauge.full,
                operator=desk.operator,
                polls=polls,
                sealer=sealer,
            ),
            readers(settings, partners, store=store, context=context, wake=desk.wake, polls=polls),
        )
    finally:
        observing.close()
        for client in clients:
            await client.aclose()
        await store.close()


def _bounds(settings: Settings, rulebook: Rulebook) -> Bounds:
    limits = settings.limits
    return Bounds(
        most_unsettled=limits.most_unsettled,
        oldest_ms=int(limits.oldest_hours * 3_600_000),
        least_free=limits.least_free_mb * 1_000_000,
        every_s=limits.every_s,
        partners=partner_names(rulebook),
        held_back=forward.HELD_BACK,
    )


def data_folder(settings: Settings) -> Path:
    """The data folder, made private; ConfigError when it cannot be."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        settings.data.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"the data folder cannot be made or changed ({error.strerror})") from None
    return settings.data
