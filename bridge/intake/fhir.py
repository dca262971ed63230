"""The FHIR R4 door under `/fhir`: referrals in, outcomes in, and what may be read back. Routes only."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from bridge.errors import NotFound
from bridge.intake import bars_answers, fhir_creates, fhir_reads, fhir_transactions
from bridge.intake.bars import BarsDoor
from bridge.intake.desk import Desk
from bridge.intake.fhir_collect import Collector
from bridge.intake.fhir_reads import Reader
from bridge.wire.bars import TARGET

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]


def routes(desk: Desk, *, version: str) -> APIRouter:
    """Everything this server answers in FHIR; `version` is the bridge's own."""
    router = APIRouter()
    router.include_router(_told(desk))
    router.include_router(_collected(Collector(desk=desk)))
    router.include_router(_asked(Reader(desk=desk)))
    started = desk.context.now().date().isoformat()

    @router.get("/fhir/metadata")
    async def capabilities(request: Request) -> Response:
        """What this server can do; open to all."""
        fhir_reads.check_accept(request)
        return fhir_reads.metadata(request, version, started)

    return router


def _told(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/fhir")
    bars = BarsDoor(desk)

    @router.post("/$process-message")
    async def process_message(request: Request) -> Response:
        """A message of the Booking and Referral Standard: a new referral, a cancellation, a response."""
        return await bars.process_message(request)

    @router.post("")
    async def transaction(request: Request) -> Response:
        """A transaction or a batch: referrals of a GP system, or what a service reports."""
        return await fhir_transactions.process(desk, request)

    @router.post("/ServiceRequest", status_code=201)
    async def create_service_request(request: Request) -> Response:
        """One referral, its patient contained; If-None-Exist is honoured by identifier."""
        return await fhir_creates.refer(desk, request)

    @router.post("/Task", status_code=201)
    async def create_task(request: Request) -> Response:
        """Where a referral stands at its service."""
        return await fhir_creates.tell(desk, request, "Task")

    @router.put("/Task/{identity}")
    async def update_task(identity: Id, request: Request) -> Response:
        """Where a referral stands now, under the service's own id."""
        return await fhir_creates.tell(desk, request, "Task", identity)

    @router.post("/Observation", status_code=201)
    async def create_observation(request: Request) -> Response:
        """A score, or something that happened."""
        return await fhir_creates.tell(desk, request, "Observation")

    @router.post("/QuestionnaireResponse", status_code=201)
    async def create_form(request: Request) -> Response:
        """A questionnaire that was answered."""
        return await fhir_creates.tell(desk, request, "QuestionnaireResponse")

    @router.put("/QuestionnaireResponse/{identity}")
    async def update_form(identity: Id, request: Request) -> Response:
        """The same amended, under the service's own id."""
        return await fhir_creates.tell(desk, request, "QuestionnaireResponse", identity)

    @router.put("/Observation/{identity}")
    async def update_observation(identity: Id, request: Request) -> Response:
        """The same corrected, under the service's own id."""
        return await fhir_creates.tell(desk, request, "Observation", identity)

    return router


def _collected(collector: Collector) -> APIRouter:
    router = APIRouter(prefix="/fhir")

    @router.get("/Task")
    async def search_tasks(request: Request) -> Response:
        """The calling service's Tasks by `owner` and `_lastUpdated`, with what `_include` names."""
        return await collector.search(request)

    @router.get("/Task/{identity}")
    async def read_task(identity: Id, request: Request) -> Response:
        """One Task of the calling service."""
        return await collector.read(request, "Task", identity)

    @router.get("/Patient/{identity}")
    async def read_patient(identity: Id, request: Request) -> Response:
        """Whom a referral of the calling service is about, as far as it was released."""
        return await collector.read(request, "Patient", identity)

    return router


def _asked(reader: Reader) -> APIRouter:
    router = APIRouter(prefix="/fhir")

    @router.get("/ServiceRequest/{identity}")
    async def read_service_request(identity: Id, request: Request) -> Response:
        """A referral of the caller's own practices or service."""
        try:
            return await reader.read(request, identity)
        except NotFound as error:
            if TARGET.lower() in request.headers:
                return bars_answers.of_error(error)
            raise

    @router.get("/ServiceRequest")
    async def search_service_requests(request: Request) -> Response:
        """Referrals by `identifier=system|value`."""
        return await reader.search(request)

    @router.post("/ServiceRequest/_search")
    async def post_search(request: Request) -> Response:
        """The same with the parameters in the body."""
        return await reader.search(request, by_form=True)

    return router
