"""The page in Chromium: somebody finds what is parked, reads why, releases it and sees it arrive.

The whole bridge runs on loopback with a service and a record; the browser is Debian's, driven by Playwright.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from bridge.ops.page.visitors import SESSION
from bridge.security import passwords
from bridge.store import accounts
from bridge.store.accounts import Account
from tests.journeys.conftest import Site
from tests.ops.people import Things, parked_delivery, sign_in, things_of, token_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PASSWORD = "copper kettle weather"
PATIENCE = 60_000  # ms, for a machine that has other things to do
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 400, "height": 800}

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth ? 1 : 0"
NARROW_TOO = ("/ops", "/ops/list", "/ops/sign-in")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (Debian package chromium)"
)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser; a container has no sandbox to give it."""
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE
        )
        yield found
        await found.close()


@asynccontextmanager
async def opened(
    chromium: Browser, site: Site, who: str = "", but: str = "-", **how: Any
) -> AsyncIterator[Page]:
    """A page of this site, with somebody signed in; what the browser complains of fails the test."""
    complaints: list[str] = []
    if who:
        await sign_in(site, who)
        how["extra_http_headers"] = {"Cookie": f"{SESSION}={token_of(who)}"}
    base = str(site.http.base_url)
    context = await chromium.new_context(base_url=base, viewport=WIDE, **how)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    await context.close()
    assert [each for each in complaints if not but or but not in each] == []


async def test_a_person_releases_what_is_parked_and_sees_it_arrive(chromium: Browser, site: Site) -> None:
    """From signing in to delivered, by keyboard and labels alone, and the page renews itself."""
    kim = Account(name="kim", roles=("operator",), password=passwords.hashed(PASSWORD, of="kim"))
    await site.bridge.store.run(lambda tx: accounts.add(tx, kim))
    await parked_delivery(site, 1)
    async with opened(chromium, site) as page:
        await page.goto("/ops")
        await page.get_by_label("Account name").fill("kim")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="See what waits").click()
        await page.get_by_role("link", name="The partner read it and says that it breaks a rule").click()
        await expect(page.get_by_text("Next step:")).to_be_visible()
        await page.get_by_role("link", name="Delivery").click()
        await expect(page.locator("#stand")).to_contain_text("parked")
        await page.get_by_label("Reason").first.fill("the service has mended its rule")
        await page.get_by_role("button", name="Release").press("Enter")
        await expect(page.locator("#stand")).to_contain_text("queued")
        await site.drain()
        await expect(page.locator("#stand")).to_contain_text("delivered", timeout=PATIENCE)
        await page.get_by_role("link", name="Its referral").click()
        await expect(page.locator("#story")).to_contain_text("accepted in")
        await page.goto("/ops/audit")
        await expect(page.get_by_role("main")).to_contain_text("the service has mended its rule")


async def test_it_all_works_without_javascript(chromium: Browser, site: Site) -> None:
    """A page that needs a script is a page that some day does not work."""
    await parked_delivery(site, 1)
    async with opened(chromium, site, "operator", java_script_enabled=False) as page:
        await page.goto("/ops/parked?code=partner-refused")
        await page.get_by_label("Reason").fill("the service has mended its rule")
        await page.get_by_role("button", name="Release it").click()
        await expect(page.get_by_role("status")).to_contain_text("1 released")


async def test_a_page_whose_bridge_is_away_says_so(chromium: Browser, site: Site) -> None:
    """What is shown may be old, and nobody must take it for news; and it says when it can be paused."""
    async with opened(chromium, site, "operator", but="503") as page:
        await page.clock.install()
        await page.goto("/ops/parked")
        await page.get_by_role("button", name="Pause updates").click()
        await page.get_by_role("button", name="Go on updating").click()
        await expect(page.locator(".live")).to_contain_text("Updated")
        await page.route("**/ops/parked", lambda route: route.fulfill(status=503, body=""))
        await page.clock.run_for(20_000)
        await expect(page.locator(".live")).to_contain_text("may be old")


def addresses(things: Things) -> dict[str, list[str]]:
    """Every page, by who opens it."""
    return {
        "": ["/ops/sign-in"],
        "operator": [
            "/ops",
            "/ops/parked",
            "/ops/parked?code=nhs-number-missing",
            "/ops/referrals",
            "/ops/partners",
            "/ops/sources",
            "/ops/audit",
            "/ops/list?practice=A99999",
            f"/ops/events/{things.event}",
            f"/ops/messages/{things.message}",
            f"/ops/deliveries/{things.delivery}",
            f"/ops/referrals/{things.referral}",
        ],
        "practice": ["/ops/list", "/ops/referrals", f"/ops/referrals/{things.referral}"],
        "officer": [f"/ops/events/{things.event}"],
    }


async def test_no_page_stands_in_anybodys_way(chromium: Browser, site: Site) -> None:
    """WCAG 2.2 AA as axe knows it, wide and narrow; and nothing has to be moved sideways."""
    things = await things_of(site)
    wrong: list[str] = []
    for who, pages in addresses(things).items():
        async with opened(chromium, site, who) as page:
            for address in pages:
                await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
                await page.goto(address)
                wrong += [f"{address}: {each}" for each in await _faults(page)]
                await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
                wrong += [f"{address} is wider than 400 px"] * await page.evaluate(SIDEWAYS)
                if address in NARROW_TOO:
                    wrong += [f"{address} at 400 px: {each}" for each in await _faults(page)]

    assert wrong == []


async def _faults(page: Page) -> list[str]:
    """What axe holds against a page, however small."""
    found = await Axe().run(page, options={"runOnly": RULES})
    return [f"{each['id']} ({each['impact']})" for each in found.response["violations"]]


async def test_the_practices_list_prints(chromium: Browser, site: Site, tmp_path: Path) -> None:
    """On paper there are no forms and no menu, and nobody is named."""
    await things_of(site)
    async with opened(chromium, site, "practice") as page:
        await page.goto("/ops/list")
        await page.emulate_media(media="print")
        await expect(page.get_by_role("button", name="Show")).to_be_hidden()
        await expect(page.locator(".top nav")).to_be_hidden()
        await expect(page.get_by_text("The referral has no NHS number.")).to_be_visible()
        assert "Nonumber" not in await page.content()
        printed = await page.pdf(path=tmp_path / "list.pdf", format="A4")

    assert printed.startswith(b"%PDF")


async def test_the_keyboard_reaches_everything_and_sees_where_it_is(chromium: Browser, site: Site) -> None:
    """The first stop leads past the menu; each stop is outlined."""
    async with opened(chromium, site, "operator") as page:
        await page.goto("/ops/referrals")
        await page.keyboard.press("Tab")
        first = await page.evaluate("document.activeElement.textContent")
        await page.keyboard.press("Enter")
        within = await page.evaluate("document.activeElement.id")
        await page.keyboard.press("Tab")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert (first, within, outline) == ("Skip to the content", "main", "solid")


async def test_who_it_is_about_is_shown_for_a_reason(chromium: Browser, site: Site) -> None:
    """To the practice, and its data officer sees that somebody looked and why."""
    things = await things_of(site)
    async with AsyncExitStack() as stack:
        practice = await stack.enter_async_context(opened(chromium, site, "practice"))
        await practice.goto(f"/ops/referrals/{things.referral}")
        assert "Testfamily" not in await practice.content()
        await practice.get_by_label("Reason").fill("the patient rang to ask")
        await practice.get_by_role("button", name="Show the person").click()
        await expect(practice.get_by_role("main")).to_contain_text("Testfamily")
        officer = await stack.enter_async_context(opened(chromium, site, "officer"))
        await officer.goto(f"/ops/referrals/{things.referral}")
        await expect(officer.get_by_role("main")).to_contain_text("the patient rang to ask")
