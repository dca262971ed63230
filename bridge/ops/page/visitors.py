"""Who is at the page: signing in and out, the session of each request, and proof that a form is ours.

A session is a random token in a cookie that no script and no other site can use. A form carries a digest of
that token, which only a page we made can know. Signing in takes as long for a name that nobody has.
"""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fastapi import Request, Response

from bridge.errors import BridgeError, Forbidden, Problem, Unacceptable
from bridge.events import Event, emit
from bridge.ops.page.office import Office
from bridge.security import passwords
from bridge.security.caller import Caller, Role
from bridge.security.redact import clean
from bridge.store import accounts
from bridge.store.accounts import STEP_MS, Account
from bridge.store.unit import Tx

SESSION, ENTRY = "__Host-bridge", "__Host-bridge-sign-in"
LIVE = "x-live"  # a request that a page makes by itself; it does not keep anybody signed in
LARGEST_FORM = 65_536  # bytes
LONGEST_REASON = 500  # characters
AT_ONCE = 2  # passwords that are compared at the same time; each takes 64 MB

Form = dict[str, str]


class SignedOut(BridgeError):
    """Nobody is signed in, or no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in, with the rights of a caller."""

    caller: Caller
    token: str = field(repr=False)

    @property
    def name(self) -> str:
        """The account."""
        return self.caller.name

    @property
    def seal(self) -> str:
        """What each form of this session carries."""
        return _seal(self.token)

    @property
    def operates(self) -> bool:
        """Whether this person runs the bridge."""
        return Role.OPERATOR in self.caller.roles

    @property
    def answers(self) -> bool:
        """Whether this person answers for the data of practices."""
        return Role.DATA_OFFICER in self.caller.roles

    @property
    def practices(self) -> list[str]:
        """The practices this person reads for."""
        return sorted(self.caller.practices)

    def may_see(self, practice: str) -> bool:
        """Whether this person sees where referrals of a practice stand."""
        return self.operates or self.may_read(practice)

    def may_read(self, practice: str) -> bool:
        """Whether this person may be shown the people of a practice, when a reason is given."""
        return bool(practice) and self.caller.may_read(practice, "")


class Visitors:
    """Knows who is at the page of one node."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._turn = asyncio.Semaphore(AT_ONCE)

    def refuse_far(self, request: Request) -> None:
        """Forbidden where what is shown would cross a network without TLS."""
        if request.url.scheme != "https" and not self._office.near(peer_of(request)):
            raise Forbidden(problems=(Problem(code="page-needs-tls"),))

    async def person(self, request: Request) -> Person:
        """Who is signed in; SignedOut when nobody is."""
        self.refuse_far(request)
        token = request.cookies.get(SESSION, "")
        office = self._office
        if not token:
            raise SignedOut

        def look(tx: Tx) -> tuple[Account, bool] | None:
            found = accounts.of_session(tx, token)
            return None if found is None else (found[0], tx.now - found[1] > STEP_MS)

        found = await office.store.read(look)
        if found is None:
            raise SignedOut
        if found[1] and LIVE not in request.headers:
            await office.store.run(lambda tx: accounts.keep_session(tx, token, office.terms))
        person = Person(caller=_caller_of(found[0]), token=token)
        request.state.person = person
        return person

    async def operator(self, request: Request) -> Person:
        """An operator who is signed in; SignedOut or Forbidden."""
        person = await self.person(request)
        if not person.operates:
            raise Forbidden(problems=(Problem(code="page-not-yours"),))
        return person

    async def sign_in(self, request: Request, form: Form) -> str:
        """The token of a new session; Unacceptable without telling why, TooOften for too many tries."""
        name, office = form.get("name", "").strip().lower()[:64], self._office
        office.peers.take(peer_of(request))
        office.names.take(name)
        found = await office.store.read(lambda tx: accounts.get(tx, name))
        async with self._turn:
            kept = found.password if found else ""
            right = await asyncio.to_thread(passwords.is_it, form.get("password", ""), kept)
        if found is None or found.disabled or not right:
            known = found.name if found else ""
            emit(Event.SIGN_IN_REFUSED, account=known, peer=peer_of(request))
            raise Unacceptable(problems=(Problem(code="sign-in-refused"),))
        return await self._begin(found)

    async def _begin(self, found: Account) -> str:
        office, token = self._office, secrets.token_urlsafe(32)
        hand = office.hand(found.name, "")

        def work(tx: Tx) -> None:
            accounts.begin_session(tx, found.name, token, office.terms)
            hand.sign(tx, "sign-in", found.name)

        await office.store.run(work)
        emit(Event.SIGNED_IN, account=found.name)
        return token

    async def sign_out(self, person: Person) -> None:
        """End the session, here and everywhere its cookie is."""
        await self._office.store.run(lambda tx: accounts.end_session(tx, person.token))


def known(request: Request) -> Person | None:
    """Who is signed in, once that was asked for this request."""
    return getattr(request.state, "person", None)


async def form_of(request: Request) -> Form:
    """The fields of a form; Unacceptable for one too large to be ours."""
    if int(request.headers.get("content-length") or 0) > LARGEST_FORM:
        raise Unacceptable(problems=(Problem(code="body-too-large"),))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Unacceptable(problems=(Problem(code="body-too-large"),))
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


async def sealed_form(request: Request, person: Person) -> Form:
    """The fields of a form that we gave this person; Forbidden for any other."""
    form = await form_of(request)
    if not hmac.compare_digest(form.get("seal", "").encode(), person.seal.encode()):
        raise Forbidden(problems=(Problem(code="form-stale"),))
    return form


def reason_of(form: Form) -> str:
    """Why somebody acts, with what looks personal masked; Unacceptable when nothing is said."""
    why = " ".join(form.get("why", "").split())[:LONGEST_REASON]
    if len(why) < 3:
        raise Unacceptable(problems=(Problem(code="reason-missing"),))
    return clean(why)


def entry_seal(request: Request) -> str:
    """What the form to sign in carries: the digest of a cookie of its own, there before anybody is."""
    return _seal(request.cookies.get(ENTRY, ""))


def refuse_foreign_entry(request: Request, form: Form) -> None:
    """Forbidden for a form to sign in that this browser did not get from us."""
    cookie = request.cookies.get(ENTRY, "")
    if not cookie or not hmac.compare_digest(form.get("seal", "").encode(), _seal(cookie).encode()):
        raise Forbidden(problems=(Problem(code="form-stale"),))


def give(response: Response, cookie: str, value: str) -> None:
    """Set a cookie that lasts as long as the browser is open."""
    response.set_cookie(cookie, value, path="/", secure=True, httponly=True, samesite="strict")


def take_back(response: Response, cookie: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="strict")


def peer_of(request: Request) -> str:
    """The address at the other end of the connection; "" when it is not known."""
    return request.client.host if request.client else ""


def _seal(token: str) -> str:
    return hashlib.sha256(f"form|{token}".encode("utf-8", "surrogatepass")).hexdigest()


def _caller_of(found: Account) -> Caller:
    return Caller(
        name=found.name,
        roles=frozenset(map(Role, found.roles)),
        practices=frozenset(found.practices),
    )
