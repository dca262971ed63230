"""/_ping and /_status: what the NHS API platform asks, and who may ask it."""

import hashlib
from typing import Any

import pytest

from bridge.config.watching import ReleaseSettings, WatchSettings
from bridge.errors import ConfigError
from tests.journeys.conftest import GP_KEY, Ground
from tests.ops.conftest import Watched

KEY = "monitoring-key"


@pytest.fixture
async def keyed(watch_site: Any, ground: Ground) -> Watched:
    """A site with a monitoring key, and a release that has names."""
    file = ground.folder / "status.digest"
    file.touch(mode=0o600)
    file.write_text(hashlib.sha256(KEY.encode()).hexdigest(), "ascii")
    found: Watched = await watch_site(
        watch=WatchSettings(status_key=f"file:{file}"),
        release=ReleaseSettings(revision="7", id="2026-11", commit="c0ffee"),
    )
    return found


async def test_ping_names_the_release_and_looks_at_nothing(keyed: Watched) -> None:
    """It answers although everything else is broken."""

    async def broken(_work: Any) -> Any:
        raise AssertionError("asked")

    keyed.senses["store"] = type("Broken", (), {"run": broken, "read": broken})()
    answer = await keyed.get("/_ping", **{"X-API-Key": ""})

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert set(told) == {"version", "revision", "releaseId", "commitId"}
    assert (told["revision"], told["releaseId"], told["commitId"]) == ("7", "2026-11", "c0ffee")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "", "apikey": KEY}, 200),
        ({"X-API-Key": KEY}, 200),
        ({"X-API-Key": "", "Authorization": f"Bearer {KEY}"}, 200),
        ({"X-API-Key": "", "Authorization": "Bearer rbk_nobody"}, 401),
        ({"X-API-Key": "rbk_nobody"}, 401),
        ({"X-API-Key": GP_KEY}, 403),
        ({}, 200),
    ],
    ids=[
        "no key",
        "monitoring key",
        "the same as X-API-Key",
        "as Prometheus sends it",
        "another as such",
        "unknown",
        "a GP system",
        "operator",
    ],
)
@pytest.mark.parametrize("path", ["/_status", "/metrics"])
async def test_status_is_for_operators_and_the_monitoring_key(
    keyed: Watched, path: str, headers: dict[str, str], code: int
) -> None:
    """Names of practices and partners, and how much is done, are nobody else's business."""
    assert (await keyed.get(path, **headers)).status_code == code


async def test_the_monitoring_key_opens_nothing_else(keyed: Watched) -> None:
    """It lies in a monitoring system, which many can read."""
    assert (await keyed.get("/health", **{"X-API-Key": KEY})).status_code == 401


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/health+json", "application/health+json"),
        ("application/health+json;q=1, application/json;q=0.5", "application/health+json"),
    ],
)
async def test_one_body_is_both_the_platforms_and_the_drafts(
    keyed: Watched, accept: str, media_type: str
) -> None:
    """The platform wants strings for booleans and a component's status; the draft wants what was measured."""
    answer = await keyed.get("/_status", Accept=accept)
    told = answer.json()
    component = told["checks"]["database:status"][0]
    measured = told["checks"]["database:write"][0]

    assert answer.headers["content-type"] == media_type
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "Accept")
    assert (told["status"], told["commitId"]) == ("pass", "c0ffee")
    assert (component["status"], component["timeout"]) == ("pass", "false")
    assert (component["responseCode"], component["outcome"]) == (200, "OK")
    assert (measured["status"], measured["observedUnit"]) == ("pass", "ms")
    assert measured["time"].endswith("Z")
    assert all(isinstance(each, list) for each in told["checks"].values())


async def test_status_fails_with_503_and_says_which_part(keyed: Watched) -> None:
    """The platform reads the code of the answer, people the part."""
    keyed.senses["free"] = lambda _folder: 0
    answer = await keyed.get("/_status")

    assert answer.status_code == 503
    assert answer.json()["status"] == "fail"
    assert answer.json()["checks"]["disk:status"][0]["outcome"] == "disk-nearly-full"
    assert answer.json()["checks"]["disk:status"][0]["responseCode"] == 503


async def test_a_monitoring_key_that_is_no_digest_stops_the_start(watch_site: Any, ground: Ground) -> None:
    """The key itself must never lie where the bridge reads."""
    file = ground.folder / "status.key"
    file.touch(mode=0o600)
    file.write_text(KEY, "ascii")

    with pytest.raises(ConfigError, match="SHA-256"):
        await watch_site(watch=WatchSettings(status_key=f"file:{file}"))
