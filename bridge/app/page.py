"""The page of people with what this bridge is made of."""

from collections.abc import Callable

from fastapi import APIRouter

from bridge.app.doors import near
from bridge.config import Settings
from bridge.ops.page.office import Office
from bridge.ops.page.routes import routes
from bridge.ops.vitals import Vitals
from bridge.pipeline.later import Translator
from bridge.security.audit import AuditChain
from bridge.store.accounts import Terms

MINUTE = 60_000


def page_routes(
    settings: Settings,
    *,
    translator: Translator,
    vitals: Vitals,
    chain: AuditChain,
    wake: Callable[[], None],
    version: str,
) -> APIRouter:
    """Everything under /ops."""
    office = Office(
        store=translator.store,
        context=translator.context,
        translator=translator,
        vitals=vitals,
        chain=chain,
        node=settings.node,
        wake=wake,
        near=near(settings.http),
        terms=Terms(
            idle=settings.page.idle_minutes * MINUTE, longest=settings.page.longest_hours * 60 * MINUTE
        ),
    )
    return routes(office, environment=settings.environment, version=version)
