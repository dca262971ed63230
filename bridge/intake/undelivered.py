"""`GET /practices/{ods}/undelivered`: who has not reached the service yet, to print for a day without IT."""

from datetime import datetime

from fastapi import APIRouter, Request, Response

from bridge.domain.dates import LONDON
from bridge.errors import NotFound
from bridge.intake.desk import Desk
from bridge.intake.http import Ods
from bridge.intake.worklist import may_read
from bridge.pipeline import undelivered
from bridge.pipeline.context import Context
from bridge.pipeline.undelivered import Undelivered

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def routes(desk: Desk) -> APIRouter:
    """The printable list, for people at the practice and its data officer."""
    router = APIRouter()

    @router.get("/practices/{practice}/undelivered")
    async def printed_list(practice: Ods, request: Request) -> Response:
        """Everybody of the practice whose referral has not reached the service; each is audited as shown."""
        caller = await desk.caller(request)
        if not may_read(caller, practice):
            raise NotFound
        hand = desk.hand(caller, "list for downtime")
        people = await desk.store.run(lambda tx: undelivered.of_practice(tx, hand, practice))
        content = printed(desk.context, practice, people)
        return Response(content, 200, HEADERS, "text/html; charset=utf-8")

    return router


def printed(context: Context, practice: str, people: list[Undelivered]) -> str:
    """The list as a page, with times of London."""
    when = {each.id: _words(context.from_ms(each.since)) for each in people}
    return undelivered.page(practice, people, made=_words(context.now()), when=when)


def _words(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%d %B %Y %H:%M}"
