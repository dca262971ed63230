"""Signing in at the page: who gets in, what the browser is told, and what does not work."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bridge.ops.page.visitors import ENTRY, SESSION
from bridge.security import passwords
from bridge.store import accounts
from bridge.store.accounts import Account
from tests.journeys.conftest import Site
from tests.ops.people import at_the_page, sign_in, token_of

PASSWORD = "copper kettle weather"


@pytest.fixture(scope="module")
def kept() -> str:
    """The hash of PASSWORD, made once."""
    return passwords.hashed(PASSWORD, of="kim")


@pytest.fixture
async def kim(site: Site, kept: str) -> Site:
    """A site with an operator who has a password."""
    new = Account(name="kim", roles=("operator",), password=kept)
    await site.bridge.store.run(lambda tx: accounts.add(tx, new))
    return site


@asynccontextmanager
async def browser(
    site: Site, peer: str = "203.0.113.9", scheme: str = "https"
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser somewhere that has been nowhere."""
    transport = httpx.ASGITransport(app=site.bridge.http(), client=(peer, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://bridge.test") as http:
        yield http


async def entered(
    http: httpx.AsyncClient, password: str = PASSWORD, name: str = "kim", go: str = "/ops"
) -> httpx.Response:
    """The form to sign in, filled in."""
    form = await http.get("/ops/sign-in", params={"next": go})
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.text))
    return await http.post("/ops/sign-in", data={**hidden, "name": name, "password": password})


async def test_the_right_password_opens_the_page(kim: Site) -> None:
    """And is in the audit; the cookie is for no script and no other site."""
    async with browser(kim) as http:
        answer = await entered(http)
        page = await http.get("/ops")

    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{SESSION}="))
    assert (answer.status_code, answer.headers["location"], page.status_code) == (303, "/ops", 200)
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "page:kim" in (await http_audit(kim))


async def http_audit(site: Site) -> str:
    """The page of the audit."""
    async with at_the_page(site, "operator") as person:
        return (await person.get("/ops/audit")).text


@pytest.mark.parametrize(("name", "password"), [("kim", "wrong"), ("nobody", PASSWORD), ("", "")])
async def test_a_wrong_password_and_a_wrong_name_are_told_alike(kim: Site, name: str, password: str) -> None:
    """So that nobody learns which accounts there are."""
    async with browser(kim) as http:
        answer = await entered(http, password, name)
        page = await http.get("/ops")

    assert (answer.status_code, page.status_code) == (422, 303)
    assert "Name and password do not fit" in answer.text


async def test_a_disabled_account_does_not_open(kim: Site) -> None:
    """With the right password neither."""
    await kim.bridge.store.run(lambda tx: accounts.disable(tx, "kim", disabled=True))
    async with browser(kim) as http:
        assert (await entered(http)).status_code == 422


async def test_passwords_are_not_tried_for_ever(kim: Site) -> None:
    """After ten at once, two a minute; the right one neither."""
    async with browser(kim) as http:
        office_tries = [(await entered(http, "wrong")).status_code for _ in range(10)]
        last = await entered(http)

    assert office_tries == [422] * 10
    assert (last.status_code, int(last.headers["retry-after"]) > 0) == (429, True)


async def test_signing_out_ends_the_session_everywhere(site: Site) -> None:
    """A cookie that was copied is worth nothing afterwards."""
    async with at_the_page(site, "operator") as person:
        out = await person.send("/ops/sign-out")
        copied = await person.get("/ops")

    assert (out.status_code, copied.status_code) == (303, 303)


async def test_a_form_to_sign_in_from_elsewhere_is_refused(kim: Site) -> None:
    """Nobody is signed in as somebody else without knowing."""
    async with browser(kim) as http:
        answer = await http.post("/ops/sign-in", data={"name": "kim", "password": PASSWORD, "seal": ""})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "go",
    ["https://evil.example/ops", "//evil.example", "/opsx", "/ops\\evil", "/ops\r\nX: y", "javascript:1"],
)
async def test_signing_in_leads_to_a_page_of_ours_only(kim: Site, go: str) -> None:
    """A link to the form cannot send anybody away."""
    async with browser(kim) as http:
        assert (await entered(http, go=go)).headers["location"] == "/ops"


async def test_signing_in_leads_to_where_one_wanted_to_go(kim: Site) -> None:
    """A link in a mail opens what it names."""
    async with browser(kim) as http:
        asked = await http.get("/ops/parked?code=under-age")
        answer = await http.get(asked.headers["location"])

    assert 'value="/ops/parked?code=under-age"' in answer.text


@pytest.mark.parametrize(
    ("peer", "scheme", "status"),
    [
        ("203.0.113.9", "http", 403),
        ("203.0.113.9", "https", 200),
        ("127.0.0.1", "http", 200),
        ("::ffff:127.0.0.1", "http", 200),
        ("", "http", 403),
    ],
)
async def test_nothing_is_shown_over_a_network_without_tls(
    site: Site, peer: str, scheme: str, status: int
) -> None:
    """Neither a password goes there nor a referral comes."""
    async with browser(site, peer, scheme) as http:
        await sign_in(site, "operator")
        page = await http.get("/ops", headers={"Cookie": f"{SESSION}={token_of('operator')}"})
        form = await http.get("/ops/sign-in")

    assert (page.status_code, form.status_code) == (status, status)


async def test_a_page_that_renews_itself_keeps_nobody_signed_in(site: Site) -> None:
    """A screen left open overnight is signed out, however often it looked."""
    async with at_the_page(site, "operator") as person:
        before = await _until(site)
        await _used_long_ago(site)
        await person.get("/ops/parked", **{"X-Live": "1"})
        looked = await _until(site)
        await person.get("/ops/parked")

    assert looked == before
    assert await _until(site) > before


async def _until(site: Site) -> int:
    from sqlalchemy import select

    from bridge.store.tables import session

    found: int = await site.bridge.store.read(lambda tx: tx.run(select(session.c.until)).scalar_one())
    return found


async def _used_long_ago(site: Site) -> None:
    from sqlalchemy import update

    from bridge.store.tables import session

    await site.bridge.store.run(lambda tx: tx.run(update(session).values(seen_at=0)) and None)


async def test_every_answer_lets_nothing_foreign_in(site: Site) -> None:
    """Policy, frame and type, on pages, forms, redirects, errors and files; nobody keeps what is shown."""
    async with at_the_page(site, "operator") as person, browser(site) as stranger:
        answers = [
            await person.get("/ops"),
            await person.get("/ops/nothing"),
            await person.get("/ops/static/page.js"),
            await stranger.get("/ops"),
            await stranger.get("/ops/sign-in"),
        ]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert {answer.headers["cache-control"] for answer in answers if "static" not in str(answer.url)} == {
        "no-store"
    }


async def test_pages_hold_no_script_or_style_of_their_own(site: Site) -> None:
    """What the policy forbids would silently not work."""
    async with at_the_page(site, "operator") as person:
        texts = [(await person.get(a)).text for a in ("/ops", "/ops/parked", "/ops/partners", "/ops/list")]

    for text in texts:
        assert (
            re.findall(r"<script(?! src=\"/ops/static)|<style|\sstyle=|\son\w+=|https?://(?!www\.w3)", text)
            == []
        )


async def test_the_page_can_be_turned_off(open_site) -> None:  # type: ignore[no-untyped-def]
    """A node that only takes messages shows nothing."""
    from bridge.config import PageSettings

    site: Site = await open_site(page=PageSettings(shown=False))
    async with browser(site) as http:
        assert (await http.get("/ops")).status_code == 404


async def test_a_cookie_of_the_form_is_its_own(site: Site) -> None:
    """It is there before anybody is, and gone once somebody is in."""
    async with browser(site) as http:
        first = await http.get("/ops/sign-in")

    assert first.headers["set-cookie"].startswith(f"{ENTRY}=")
