"""Builds everything from Settings; starts doors and workers. The only file that knows all rooms."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import httpx
from fastapi import FastAPI

from bridge.config import PartnerSettings, Settings, shipped
from bridge.delivery.breaker import Breaker
from bridge.delivery.port import Partner
from bridge.delivery.worker import Terms, Worker
from bridge.errors import ConfigError, Unavailable
from bridge.events import Event, emit
from bridge.fhir.naming import Naming
from bridge.intake import answers, control, http
from bridge.intake.desk import Desk
from bridge.intake.files import DropFolder
from bridge.ops import health
from bridge.partners.http import FhirClient
from bridge.partners.identity import ApiKeyHeader
from bridge.partners.prescribing import PrescribingService
from bridge.partners.record import GpRecord
from bridge.pipeline import forward
from bridge.pipeline.context import Context
from bridge.pipeline.importing import Importer
from bridge.pipeline.later import Translator, translate_kept
from bridge.schemes import Rulebook, Scheme, scheme_file
from bridge.security.api_keys import ApiKey, ApiKeys
from bridge.security.audit import AuditChain
from bridge.security.caller import Caller, Role
from bridge.security.callers import Callers
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.security.secrets import Secret
from bridge.security.tls import Certificate, outbound_context
from bridge.sources import Source, load
from bridge.store import Store, facts, open_store

VERSION = version("referral-bridge")
SPARE = timedelta(seconds=10)  # of a lease, beyond twice the longest attempt


@dataclass(frozen=True, slots=True)
class Bridge:
    """One running bridge, wired."""

    settings: Settings
    store: Store
    sealer: Sealer
    context: Context
    sources: dict[str, Source]
    workers: tuple[Worker, ...]
    clients: tuple[FhirClient, ...]
    desk: Desk
    chain: AuditChain

    def http(self) -> FastAPI:
        """The HTTP application."""
        app = FastAPI(title="Referral bridge", version=VERSION, docs_url=None, redoc_url=None)
        answers.install(app)
        app.include_router(health.routes(self._pulse()))
        if self.settings.doors:
            app.include_router(http.routes(self.desk))
        token = control.new_token(self.settings.data)
        app.include_router(control.routes(self.desk, self.chain, self.settings.node, token))
        return app

    def _pulse(self) -> health.Pulse:
        return health.Pulse(
            store=self.store,
            workers=self.workers,
            data=self.settings.data,
            mappings={name: source.version for name, source in self.sources.items()},
            version=VERSION,
        )


def read_rules(settings: Settings) -> tuple[dict[str, Source], Rulebook]:
    """Mappings and schemes: the site's own folder first, what comes with the bridge after it.

    ConfigError names every problem of every file at once.
    """
    own, ours = settings.mappings, shipped("mappings")
    problems: list[ConfigError] = []
    sources: dict[str, Source] = {}
    schemes: tuple[Scheme, ...] = ()
    try:
        sources = load(*(f for f in (own / "sources", ours / "sources") if f.is_dir()))
    except ConfigError as error:
        problems.append(error)
    try:
        schemes = scheme_file.load(own / "schemes")
    except ConfigError as error:
        problems.append(error)
    if problems:
        raise ConfigError(problems=tuple(p for error in problems for p in error.problems))
    return sources, Rulebook(schemes)


def open_rules(settings: Settings) -> Context:
    """The rules in force, without the rest of the bridge."""
    _, rulebook = read_rules(settings)
    return Context(rulebook=rulebook, environment=settings.environment, naming=Naming(base=settings.base))


def read_callers(settings: Settings) -> Callers:
    """Everyone who may call."""
    keys = [
        ApiKey(
            caller=Caller(
                name=entry.name,
                roles=frozenset(Role(role) for role in entry.roles),
                practices=frozenset(entry.practices),
                sources=frozenset(entry.sources),
                service=entry.service,
            ),
            digest=Secret.parse(entry.key),
            last_day=entry.key_last_day,
        )
        for entry in settings.callers
    ]
    return Callers(keys=ApiKeys(keys))


@asynccontextmanager
async def open_bridge(settings: Settings) -> AsyncIterator[Bridge]:
    """Open the store and wire everything; nothing runs yet."""
    _refuse_open_doors(settings)
    sources, rulebook = read_rules(settings)
    context = Context(rulebook=rulebook, environment=settings.environment, naming=Naming(base=settings.base))
    ring = load_key_ring(settings.key_ring)
    sealer = Sealer(ring)
    store = open_store(settings.database_url, sealer, connections=settings.database_connections)
    clients: tuple[FhirClient, ...] = ()
    try:
        await store.run(lambda tx: facts.same_keys(tx, ring))
        partners = [build_partner(settings, rulebook, name) for name in partner_names(rulebook)]
        clients = tuple(client for _, client in partners)
        workers = tuple(
            _worker(settings, store, sealer, context, partner) for partner, _ in partners if settings.workers
        )
        desk = Desk(
            store=store,
            context=context,
            sources=sources,
            callers=read_callers(settings),
            largest_body=settings.http.largest_body_mb * 1_000_000,
            later=settings.translate == "later",
            wake=_waker(workers),
        )
        yield Bridge(settings, store, sealer, context, sources, workers, clients, desk, AuditChain(ring))
    finally:
        for client in clients:
            await client.aclose()
        await store.close()


def _refuse_open_doors(settings: Settings) -> None:
    """Loopback until callers exist."""
    if settings.http.host not in ("127.0.0.1", "::1", "localhost") and not settings.callers:
        raise ConfigError(
            "http.host is not a loopback address and there are no callers: nobody could be known"
        )


def partner_names(rulebook: Rulebook) -> list[str]:
    """Every partner the schemes name, once."""
    named = {name: None for scheme in rulebook.schemes for name, _ in scheme.endpoints()}
    return list(named)


def build_partner(settings: Settings, rulebook: Rulebook, name: str) -> tuple[Partner, FhirClient]:
    """One partner with its client, by the schemes' endpoint and the site's credentials."""
    terms = settings.partners.get(name, PartnerSettings())
    endpoint, is_service = next(
        (endpoint, scheme.service.name == name)
        for scheme in rulebook.schemes
        for named, endpoint in scheme.endpoints()
        if named == name
    )
    client = FhirClient(
        endpoint,
        tls=outbound_context(ca=terms.ca_bundle, certificate=_certificate(terms)),
        auth=_identity(terms),
        proxy=terms.proxy or None,
        deadline=timedelta(seconds=terms.deadline_s),
        connections=terms.concurrency,
    )
    return (PrescribingService(name, client) if is_service else GpRecord(name, client)), client


def _certificate(terms: PartnerSettings) -> Certificate | None:
    if terms.certificate is None or terms.certificate_key is None:
        return None
    return Certificate(chain=terms.certificate, key=terms.certificate_key)


def _identity(terms: PartnerSettings) -> httpx.Auth | None:
    if terms.identity == "api-key":
        return ApiKeyHeader(Secret.parse(terms.api_key), header=terms.api_key_header)
    return None


def _worker(settings: Settings, store: Store, sealer: Sealer, context: Context, partner: Partner) -> Worker:
    terms = settings.partners.get(partner.name, PartnerSettings())
    return Worker(
        store,
        partner,
        Breaker(now=lambda: time.time_ns() // 1_000_000),
        node=settings.node,
        terms=Terms(concurrency=terms.concurrency, lease=2 * partner.longest_attempt + SPARE),
        open_body=sealer.open,
        last_look=forward.last_look(context),
        on_settled=forward.on_settled,
    )


def _waker(workers: tuple[Worker, ...]) -> Callable[[], None]:
    def wake() -> None:
        for worker in workers:
            worker.wake.set()

    return wake


async def run(bridge: Bridge, stop: asyncio.Event) -> None:
    """Doors and workers until `stop`; then doors close first and what is in flight finishes."""
    import uvicorn  # noqa: PLC0415 - only a serving process needs it

    settings = bridge.settings
    emit(Event.STARTED, version=VERSION, node=settings.node, database=bridge.store.dialect)
    config = uvicorn.Config(
        bridge.http(),
        host=settings.http.host,
        port=settings.http.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who calls is decided by the real peer
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=65_536,
    )

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield  # signals are ours: workers drain too

    server = Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        for worker in bridge.workers:
            group.create_task(worker.run(stop))
        if settings.workers:
            group.create_task(_translate(bridge, stop))
        if settings.doors:
            for folder in drop_folders(bridge):
                group.create_task(folder.watch(stop))
        await stop.wait()
        server.should_exit = True
    emit(Event.STOPPED, node=settings.node)


def drop_folders(bridge: Bridge) -> list[DropFolder]:
    """The watched folders of this node."""
    return [
        DropFolder(
            path=entry.path,
            importer=Importer(
                store=bridge.store,
                context=bridge.context,
                source=bridge.sources[entry.source],
                caller=f"folder:{entry.source}"[:64],
            ),
            every_s=entry.every_s,
            settled_s=entry.settled_s,
            wake=bridge.desk.wake,
            full=bridge.desk.full,
        )
        for entry in bridge.settings.folders
    ]


async def _translate(bridge: Bridge, stop: asyncio.Event) -> None:
    """Translate what was kept, at once while there is some and every second otherwise."""
    practices = {entry.name: frozenset(entry.practices) for entry in bridge.settings.callers}
    translator = Translator(
        store=bridge.store, context=bridge.context, sources=bridge.sources, allowed=practices.get
    )
    while not stop.is_set():
        try:
            busy = await translate_kept(translator) > 0
        except Unavailable as error:
            emit(Event.STORE_UNAVAILABLE, worker="translate", reason=str(error))
            busy = False
        if busy:
            bridge.desk.wake()
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)


def data_folder(settings: Settings) -> Path:
    """The data folder, made private."""
    settings.data.mkdir(parents=True, exist_ok=True)
    settings.data.chmod(0o700)
    return settings.data
