"""From what was found to HTML: one set of templates, London time, and headers that let nothing foreign in."""

import hashlib
import mimetypes
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException

from bridge.domain.dates import LONDON
from bridge.domain.durations import span
from bridge.errors import BridgeError, Forbidden, NotFound, Unacceptable, Unavailable
from bridge.errors.catalogue import meaning
from bridge.events import Event, emit, failed_at
from bridge.ops.page.office import Office
from bridge.ops.page.visitors import Person, SignedOut, known
from bridge.security.rates import TooOften

HERE = Path(__file__).parent
STATIC = ("page.css", "page.js", "icon.svg")
_CODE = re.compile(r"`([^`]*)`")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATUSES: tuple[tuple[type[BridgeError], int, str], ...] = (
    (Forbidden, 403, "page-not-yours"),
    (NotFound, 404, "page-missing"),
    (TooOften, 429, "sign-in-too-often"),
    (Unacceptable, 422, "unacceptable"),
    (Unavailable, 503, "page-away"),
)


class Renderer:
    """Renders the pages of one node. `environment` and `version` stand on each of them."""

    def __init__(self, office: Office, *, environment: str, version: str) -> None:
        self._office = office
        self.files = {name: (HERE / "static" / name).read_bytes() for name in STATIC}
        jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        jinja.filters |= {
            "span": span,
            "when": when,
            "clock": clock,
            "iso": iso,
            "number": number,
            "marked": marked,
        }
        jinja.globals |= {
            "meaning": meaning,
            "query": urlencode,
            "environment": environment,
            "version": version,
            "node": office.node,
            "file": self._address,
            "practice_name": lambda ods: office.practices().get(ods, ""),
            "partner_name": lambda name: office.partners().get(name, name).removeprefix("the "),
        }
        self._jinja = jinja

    def _address(self, name: str) -> str:
        """A static file under a name that changes with what is in it."""
        return f"/ops/static/{name}?{hashlib.sha256(self.files[name]).hexdigest()[:12]}"

    def page(
        self, template: str, person: Person | None, told: Mapping[str, Any], status: int = 200
    ) -> Response:
        """One page."""
        now = int(datetime.now(UTC).timestamp() * 1000)
        text = self._jinja.get_template(f"{template}.html").render({"now": now, **told, "person": person})
        return Response(text, status, dict(HEADERS), "text/html")

    def static(self, name: str) -> Response:
        """A file of ours; NotFound for any other."""
        if name not in self.files:
            raise NotFound
        media_type = mimetypes.guess_type(name)[0]
        headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self.files[name], 200, headers, media_type)

    def problem(self, error: BridgeError, person: Person | None = None) -> Response:
        """What went wrong and what to do, as a page."""
        status, code = status_of(error)
        said = error.problems[0].code if error.problems else code
        response = self.page("problem", person, {"code": said, "status": status}, status)
        if isinstance(error, TooOften):
            response.headers["Retry-After"] = str(error.after)
        return response

    def route(self) -> type[APIRoute]:
        """A route whose answers are pages, whatever happens."""
        renderer = self

        class Page(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
                inner = super().get_route_handler()

                async def answered(request: Request) -> Response:
                    try:
                        return await inner(request)
                    except SignedOut:
                        return to_sign_in(request)
                    except (HTTPException, RequestValidationError):
                        return renderer.problem(NotFound())
                    except BridgeError as error:
                        return renderer.problem(error, known(request))
                    except Exception as error:  # noqa: BLE001 - never a stack trace, never a value
                        emit(Event.WORKER_FAILED, worker="page", error=failed_at(error))
                        return renderer.problem(BridgeError())

                return answered

        return Page


def status_of(error: BridgeError) -> tuple[int, str]:
    """The HTTP status and the words of an error that has none of its own."""
    return next(
        ((status, code) for kind, status, code in STATUSES if isinstance(error, kind)), (500, "internal")
    )


def said_of(error: BridgeError | None) -> tuple[int, str]:
    """The status and the code of what went wrong; 200 and "" when nothing did."""
    if error is None:
        return 200, ""
    status, code = status_of(error)
    return status, error.problems[0].code if error.problems else code


def to_sign_in(request: Request) -> Response:
    """To the form to sign in, and back here afterwards when this is a page and no form that was sent."""
    here = f"{request.url.path}?{request.url.query}".rstrip("?") if request.method == "GET" else "/ops"
    return see(f"/ops/sign-in?next={quote(here, safe='')}")


def see(place: str) -> Response:
    """Go and look there; a form that was sent is not sent again by looking."""
    return Response(status_code=303, headers={**HEADERS, "Location": place})


def when(ms: int) -> str:
    """Day and time in London."""
    return f"{_london(ms):%a %-d %b %Y, %H:%M}"


def clock(ms: int) -> str:
    """Time of day in London, to the second."""
    return f"{_london(ms):%H:%M:%S}"


def iso(ms: int) -> str:
    """The same moment for a machine."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def number(value: float) -> str:
    """A number with its thousands apart."""
    return f"{value:,}"


def marked(words: str) -> Markup:
    """Words of the catalogue, whose commands stand between backticks."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(words))))  # noqa: S704 - escaped just before


def _london(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(LONDON)
